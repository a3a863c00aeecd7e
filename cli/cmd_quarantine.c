#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "cli/metering.h"
#include "meter/ingest/retry.h"
#include "reports/json_out.h"
#include "reports/quarantine_report.h"
#include "reports/table.h"

static const struct option list_options[] = {
	{ "all", 0, NULL, "also retried and dropped records", false },
	{ 0 },
};
static const struct option retry_options[] = {
	{ "all", 0, NULL, "all kept records", false },
	OPTIONS_OF_RECORDS,
	{ 0 },
};
static const struct option drop_options[] = {
	{ "all", 0, NULL, "all kept records", false },
	{ 0 },
};

static int list(struct cli *cli, struct err *e)
{
	struct store *store = NULL;
	struct json_out j;
	const bool all = cli_flag(cli, "all");
	int rc = cli_store(cli, &store, DB_READ, e);
	if (rc == 0 && cli->json) {
		json_out_open(&j, stdout);
		rc = quarantine_report_put(&j, store, &(struct quarantine_question){ .all = all },
					   e);
		json_out_close_if(&j, rc == 0);
	} else if (rc == 0) {
		rc = quarantine_report_print(store, all, e);
	}
	store_close(store);
	return rc;
}

/* Numbers of what is held: those on the command line, or all. */
struct chosen {
	int64_t *id;
	size_t count;
};

static int collect(void *user, const struct held *h)
{
	struct chosen *c = user;
	if ((c->count & (c->count - 1)) == 0)
		c->id = mem_grow(c->id, (c->count ? c->count * 2 : 1) * sizeof *c->id);
	c->id[c->count++] = h->id;
	return 0;
}

static int choose(struct cli *cli, struct store *s, struct chosen *c, struct err *e)
{
	if (cli_flag(cli, "all"))
		return quarantine_each(s, false, collect, c, e);
	if (cli->argument_count == 0)
		return err_set(e, ERR_USAGE,
			       "name the records (see `tally quarantine list`), or "
			       "--all");
	for (int i = 0; i < cli->argument_count; i++) {
		char *end;
		struct held h = { .id = strtoll(cli->argument[i], &end, 10) };
		if (*end || h.id < 1)
			return err_set(e, ERR_USAGE,
				       "'%s' is not the number of a quarantined "
				       "record",
				       cli->argument[i]);
		collect(c, &h);
	}
	return 0;
}

static void say_refused(void *user, int64_t id, const char *why)
{
	(void)user;
	print_notice("tally: %lld: %s\n", (long long)id, why);
}

static int retry(struct cli *cli, struct err *e)
{
	struct book *book = NULL;
	struct store *store = NULL;
	struct ingest_options o;
	struct chosen c = { 0 };
	int64_t taken = 0;
	bool begun = false;
	int rc = cli_database_book(cli, DB_WRITE, &book, &store, e);
	if (rc == 0)
		rc = cli_ingest_options(cli, book, &o, e);
	if (rc == 0)
		rc = cli_store_kept(cli, &store, DB_WRITE, e);
	if (rc == 0)
		rc = choose(cli, store, &c, e);
	struct instant now = clock_now();
	if (rc == 0) {
		rc = store_begin(store, now, e);
		begun = rc == 0;
	}
	if (rc == 0)
		rc = retry_all(store, &o, &(struct retry_list){ c.id, c.count, say_refused, NULL },
			       &taken, now, e);
	if (rc == 0)
		rc = store_commit(store, e);
	else if (begun)
		store_rollback(store);
	if (rc == 0 && cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.quarantine-retry/1");
		json_out_int(&j, "tried", (int64_t)c.count);
		json_out_int(&j, "taken", taken);
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (rc == 0) {
		printf("%lld of %zu taken\n", (long long)taken, c.count);
	}
	int status = taken < (int64_t)c.count ? 3 : 0;
	free(c.id);
	store_close(store);
	book_close(book);
	return rc ? rc : status;
}

static int drop(struct cli *cli, struct err *e)
{
	struct store *store = NULL;
	struct chosen c = { 0 };
	int rc = cli_store(cli, &store, DB_WRITE, e);
	if (rc == 0)
		rc = choose(cli, store, &c, e);
	if (rc == 0)
		rc = store_begin(store, clock_now(), e);
	for (size_t i = 0; rc == 0 && i < c.count; i++) {
		struct held h;
		struct arena a = { 0 };
		rc = quarantine_at(store, c.id[i], &h, &a, e);
		if (rc == 0)
			rc = quarantine_set_state(store, c.id[i], "dropped", e);
		arena_release(&a);
	}
	if (store && rc == 0)
		rc = store_commit(store, e);
	if (rc == 0 && !cli->quiet)
		printf("%zu dropped (still listed with --all)\n", c.count);
	free(c.id);
	store_close(store);
	return rc;
}

const struct command command_quarantine_list = {
	.name = "quarantine list",
	.place = HELP_METER + 6,
	.summary = "refused records, and ids that arrived with different content",
	.arguments = "",
	.description = "Lists refused records with place and reason, and conflicts. Nothing is "
		       "thrown away.",
	.examples = "  tally quarantine list\n  tally quarantine list --json\n",
	.options = list_options,
	.common = TAKES_DB,
	.run = list,
};

const struct command command_quarantine_retry = {
	.name = "quarantine retry",
	.place = HELP_METER + 8,
	.summary = "retry refused records",
	.arguments = "[ID...]",
	.arguments_max = -1,
	.description = "After a fix, or with values the records lacked: an instant, a model, a "
		       "customer.",
	.examples = "  tally quarantine retry --all --at 2026-06-15\n",
	.options = retry_options,
	.common = TAKES_DB | TAKES_PRICES | TAKES_CURRENCY | TAKES_BOUNDARY,
	.run = retry,
};

const struct command command_quarantine_drop = {
	.name = "quarantine drop",
	.place = HELP_METER + 10,
	.summary = "drop refused records",
	.arguments = "[ID...]",
	.arguments_max = -1,
	.description = "Marks refused records as dropped. They no longer count as kept.",
	.examples = "  tally quarantine drop 3 4\n",
	.options = drop_options,
	.common = TAKES_DB,
	.run = drop,
};
