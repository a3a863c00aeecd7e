#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/command.h"
#include "meter/billing/spending.h"
#include "meter/check_store.h"
#include "meter/ingest/quarantine.h"
#include "meter/ledger/ledger.h"
#include "meter/store/rollup.h"
#include "meter/store/usage_query.h"
#include "reports/amount.h"
#include "reports/json_out.h"

static const struct option fsck_options[] = {
	{ "rebuild", 0, NULL, "rebuild the rollups and the index of ids from the records", false },
	{ 0 },
};

static void show_copied(void *user, int64_t done, int64_t total)
{
	(void)user;
	if (isatty(STDERR_FILENO) && total > 0) {
		fprintf(stderr, "\r%lld %% ", (long long)(done * 100 / total));
		fflush(stderr);
	}
}

static int backup(struct cli *cli, struct err *e)
{
	struct store *store = NULL;
	struct stat st = { 0 };
	int rc = cli_store(cli, &store, DB_READ, e);
	if (rc == 0)
		rc = store_backup(store, cli->argument[0], cli->quiet ? NULL : show_copied, NULL,
				  e);
	store_close(store);
	if (rc != 0)
		return rc;
	stat(cli->argument[0], &st);
	if (cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.backup/1");
		json_out_string(&j, "file", cli->argument[0]);
		json_out_int(&j, "bytes", (int64_t)st.st_size);
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (!cli->quiet) {
		printf("\r%s: %lld bytes\n", cli->argument[0], (long long)st.st_size);
	}
	return 0;
}

static int fsck(struct cli *cli, struct err *e)
{
	struct store *store = NULL;
	struct store_check check = { 0 };
	bool rebuild = cli_flag(cli, "rebuild");
	int rc = cli_store(cli, &store, DB_WRITE, e);
	if (rc == 0 && rebuild) {
		rc = store_begin(store, clock_now(), e);
		if (rc == 0)
			rc = rollup_rebuild(store, e);
		if (rc == 0)
			rc = spending_held_rebuild(store, e);
		if (rc == 0)
			rc = store_index_ids(store, e);
		if (rc == 0)
			rc = store_commit(store, e);
		else
			store_rollback(store);
	}
	if (rc == 0)
		rc = store_check(store, &check, e);
	store_close(store);
	if (rc != 0)
		return rc;
	if (cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.fsck/1");
		json_out_int(&j, "rows", check.rows);
		json_out_bool(&j, "rebuilt", rebuild);
		json_out_bool(&j, "clean", check.faults == 0);
		json_out_array(&j, "faults");
		for (int i = 0; i < check.faults && i < STORE_FAULTS_KEPT; i++)
			json_out_string(&j, NULL, check.fault[i]);
		json_out_end(&j, ']');
		json_out_end(&j, '}');
		json_out_close(&j);
	} else {
		for (int i = 0; i < check.faults && i < STORE_FAULTS_KEPT; i++)
			printf("fault: %s\n", check.fault[i]);
		printf("%lld rows%s, %s\n", (long long)check.rows,
		       rebuild ? ", rollups and index rebuilt" : "",
		       check.faults ? "not clean (tally fsck --rebuild repairs rollups and index)"
				    : "clean");
	}
	return check.faults ? 5 : 0;
}

struct fault_lines {
	struct json_out *json; /* NULL: lines of text */
	size_t count;
};

static int put_fault(void *user, const struct account_fault *f)
{
	struct fault_lines *list = user;
	list->count++;
	if (list->json) {
		json_out_object(list->json, NULL);
		json_out_text(list->json, "customer", f->customer);
		json_out_instant(list->json, "since", f->since);
		json_out_text(list->json, "reason", f->why);
		json_out_end(list->json, '}');
	} else {
		printf("at fault      %.*s: %.*s (tally credit repair %.*s)\n", (int)f->customer.n,
		       f->customer.p, (int)f->why.n, f->why.p, (int)f->customer.n, f->customer.p);
	}
	return 0;
}

static int status(struct cli *cli, struct err *e)
{
	static const enum usage_dim no_dims[1];
	struct store *store = NULL;
	struct store_status st = { 0 };
	struct zone *utc = NULL;
	struct usage_result *all = NULL;
	int64_t uncovered = 0;
	struct usage_filter filter = { INSTANT_MIN, INSTANT_MAX, NULL, NULL, NULL, 0 };
	int rc = zone_open(&utc, "UTC", e);
	if (rc == 0)
		rc = cli_store(cli, &store, DB_READ, e);
	if (rc == 0)
		rc = store_status(store, clock_now(), &st, e);
	if (rc == 0)
		rc = usage_query(&all, store, no_dims, 0, &filter, utc, e);
	if (rc == 0)
		rc = ledger_all_uncovered(store, &uncovered, e);
	if (rc == 0 && cli->json) {
		const struct usage_sums *t = usage_total(all);
		struct json_out j;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.status/1");
		json_out_string(&j, "db", store_path(store));
		json_out_int(&j, "rows", st.rows);
		json_out_int(&j, "records", t->records);
		json_out_string(&j, "currency", usage_currency(all));
		json_out_money(&j, "total", t->cost);
		json_out_int(&j, "unpriced", t->unpriced);
		json_out_int(&j, "uncovered", uncovered);
		json_out_int(&j, "quarantined", st.quarantined);
		json_out_int(&j, "conflicts", st.conflicts);
		json_out_int(&j, "records_last_minute", st.last_minute);
		json_out_int(&j, "records_last_hour", st.last_hour);
		if (st.rows)
			json_out_instant(&j, "last_record", st.last_time);
		else
			json_out_null(&j, "last_record");
		if (st.rows)
			json_out_instant(&j, "last_written", st.last_written);
		else
			json_out_null(&j, "last_written");
		json_out_int(&j, "rollup_lag", st.rollup_lag);
		json_out_int(&j, "bytes", st.bytes);
		json_out_array(&j, "accounts_at_fault");
		rc = ledger_each_fault(store, put_fault, &(struct fault_lines){ &j, 0 }, e);
		json_out_end(&j, ']');
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (rc == 0) {
		const struct usage_sums *t = usage_total(all);
		char when[INSTANT_TEXT_MAX];
		struct buf b = { 0 };
		printf("database      %s (%lld bytes)\n", store_path(store), (long long)st.bytes);
		put_count(&b, t->records);
		printf("records       %s", b.p);
		put_money(&b, t->cost, usage_currency(all), t->unpriced > 0);
		printf(", %s\n", b.p);
		printf("rate          %lld in the last minute, %lld in the last hour\n",
		       (long long)st.last_minute, (long long)st.last_hour);
		if (st.rows) {
			printf("last record   %s", instant_format(st.last_time, when));
			printf(", written %s\n", instant_format(st.last_written, when));
		}
		printf("unpriced      %lld%s\n", (long long)t->unpriced,
		       t->unpriced ? " (tally usage names them)" : "");
		if (uncovered)
			printf("uncovered     %lld (the plan does not list the model; after "
			       "adding it, run `tally credit draw`)\n",
			       (long long)uncovered);
		printf("quarantine    %lld kept, %lld conflicts%s\n", (long long)st.quarantined,
		       (long long)st.conflicts,
		       st.quarantined || st.conflicts ? " (tally quarantine list)" : "");
		printf("rollups       %lld rows behind\n", (long long)st.rollup_lag);
		rc = ledger_each_fault(store, put_fault, &(struct fault_lines){ 0 }, e);
		buf_release(&b);
	}
	usage_result_close(all);
	store_close(store);
	zone_close(utc);
	return rc;
}

const struct command command_backup = {
	.name = "backup",
	.summary = "copy the whole database while others write",
	.arguments = "FILE",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "Copies the database page by page; the copy is consistent and opens like "
		       "the original.",
	.examples = "  tally backup tally-$(date +%F).db\n",
	.common = TAKES_DB,
	.run = backup,
};

const struct command command_fsck = {
	.name = "fsck",
	.summary = "check the database, or rebuild what is derived",
	.arguments = "",
	.description = "Checks the file's integrity, that corrections and reversals belong to "
		       "records, that the rollups equal the sums of the records, and that every "
		       "id is found. Exit status 5 when something does not match.",
	.examples = "  tally fsck\n  tally fsck --rebuild\n",
	.options = fsck_options,
	.common = TAKES_DB,
	.run = fsck,
};

const struct command command_status = {
	.name = "status",
	.summary = "the database at a glance: rate, last record, what needs a look",
	.arguments = "",
	.description = "How many records are stored, how fast they arrive, when the last one "
		       "arrived, and what is unpriced or in quarantine.",
	.examples = "  tally status\n",
	.common = TAKES_DB,
	.run = status,
};
