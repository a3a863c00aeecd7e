#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/watch.h"
#include "cli/progress.h"
#include "meter/billing/spending.h"
#include "meter/check_store.h"
#include "meter/ingest/quarantine.h"
#include "meter/ledger/ledger.h"
#include "meter/store/rollup.h"
#include "meter/store/usage_query.h"
#include "reports/amount.h"
#include "reports/json_out.h"
#include "reports/status_report.h"

static const struct option fsck_options[] = {
	{ "rebuild", 0, NULL, "rebuild the rollups and the index of ids from the records", false },
	{ 0 },
};

static int backup(struct cli *cli, struct err *e)
{
	struct store *store = NULL;
	struct stat st = { 0 };
	struct progress progress = progress_begin(cli, "copying");
	int rc = cli_store(cli, &store, DB_READ, e);
	if (rc == 0)
		rc = store_backup(store, cli->argument[0], progress_tell, &progress, e);
	progress_end(&progress);
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
		printf("%s: %s\n", cli->argument[0], COUNTED((int64_t)st.st_size, "byte"));
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
			rc = held_rebuild(store, e);
		if (rc == 0)
			rc = store_index_ids(store, e);
		if (rc == 0)
			rc = store_commit(store, e);
		else
			store_rollback(store);
	}
	if (rc == 0)
		rc = store_check(store, &check, e);
	/* a damaged database may not take the note: its faults are what matters */
	if (rc == 0 && (rc = store_note_check(store, clock_now(), check.faults, e)) != 0 &&
	    check.faults)
		rc = 0;
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
		printf("%s rows%s, %s\n", COUNTED(check.rows, ""),
		       rebuild ? ", rollups and index rebuilt" : "",
		       check.faults ? "not clean (tally fsck --rebuild repairs rollups and index)"
				    : "clean");
	}
	return check.faults ? 5 : 0;
}

static const struct option status_options[] = {
	{ "watch", 'w', NULL, "draw it again in place, until ^C", false },
	OPTION_INTERVAL,
	{ 0 },
};

static int draw_status(struct cli *cli, struct err *e)
{
	struct store *store = NULL;
	struct json_out j;
	bool lacks = false;
	int rc = cli_store(cli, &store, DB_READ, e);
	if (rc == 0 && cli->json) {
		json_out_open(&j, stdout);
		rc = status_report_put(&j, store, clock_now(), &lacks, e);
		json_out_close_if(&j, rc == 0);
	} else if (rc == 0) {
		rc = status_report_print(store, clock_now(), &lacks, e);
	}
	store_close(store);
	return rc ? rc : lacks ? 3 : 0;
}

static int status(struct cli *cli, struct err *e)
{
	if (cli_flag(cli, "watch"))
		return watch(cli, draw_status, e);
	return cli_value(cli, "interval") ? err_set(e, ERR_USAGE, "--interval needs --watch")
					  : draw_status(cli, e);
}

const struct command command_backup = {
	.name = "backup",
	.place = HELP_OPERATE + 8,
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
	.place = HELP_OPERATE + 10,
	.summary = "check the database, or rebuild what is derived",
	.arguments = "",
	.description =
		"Checks the file's integrity, that corrections and reversals belong to "
		"records, that the rollups equal the sums of the records, and that every "
		"id is found. Of archived months it checks what is kept of them, and with their files each row. "
		"Exit status 5 when something does not match.",
	.examples = "  tally fsck\n  tally fsck --rebuild\n"
		    "  tally fsck --with-archive /srv/tally/archive\n",
	.options = fsck_options,
	.common = TAKES_ARCHIVE,
	.run = fsck,
};

const struct command command_status = {
	.name = "status",
	.place = HELP_LOOK + 32,
	.summary = "the database at a glance: rate, last record, what needs a look",
	.arguments = "",
	.description =
		"How many records are stored, how fast they arrive, when the last one "
		"arrived, and what is unpriced or in quarantine: exit status 3 where something "
		"is, or where credits wait to be drawn.",
	.examples = "  tally status\n  tally status --watch\n",
	.options = status_options,
	.common = TAKES_DB,
	.run = status,
};
