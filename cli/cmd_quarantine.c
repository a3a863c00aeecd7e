#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "cli/metering.h"
#include "meter/ingest/retry.h"
#include "meter/store/rollup.h"
#include "reports/json_out.h"
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

struct listing {
	struct json_out *j;
	struct table *t;
	int64_t count;
};

/* A cell of at most that many bytes, on one line. */
static void text_cell(struct table *t, struct text s, size_t most)
{
	struct buf b = { 0 };
	buf_add(&b, s.p, s.n < most ? s.n : most);
	for (size_t i = 0; i < b.n; i++)
		b.p[i] = (unsigned char)b.p[i] < 0x20 ? ' ' : b.p[i];
	table_cell(t, b.p);
	buf_release(&b);
}

static int list_held(void *user, const struct held *h)
{
	struct listing *l = user;
	char text[40];
	l->count++;
	if (l->j) {
		json_out_object(l->j, NULL);
		json_out_int(l->j, "id", h->id);
		json_out_instant(l->j, "at", h->at);
		json_out_text(l->j, "source", h->source);
		json_out_int(l->j, "line", h->line);
		json_out_text(l->j, "reason", h->reason);
		json_out_text(l->j, "raw", h->raw);
		json_out_int(l->j, "seen", h->seen);
		json_out_text(l->j, "state", h->state);
		json_out_end(l->j, '}');
		return 0;
	}
	struct buf b = { 0 };
	snprintf(text, sizeof text, "%lld", (long long)h->id);
	table_cell(l->t, text);
	buf_printf(&b, "%.*s", (int)h->source.n, h->source.p);
	if (h->line)
		buf_printf(&b, ":%lld", (long long)h->line);
	table_cell(l->t, b.p);
	buf_release(&b);
	text_cell(l->t, h->reason, SIZE_MAX);
	text_cell(l->t, h->raw, 60);
	snprintf(text, sizeof text, "%lld", (long long)h->seen);
	table_cell(l->t, text);
	return 0;
}

static int list_conflict(void *user, const struct conflicting *c)
{
	struct listing *l = user;
	char text[40];
	l->count++;
	if (l->j) {
		json_out_object(l->j, NULL);
		json_out_int(l->j, "id", c->id);
		json_out_instant(l->j, "at", c->at);
		json_out_int(l->j, "first_row", c->first);
		json_out_text(l->j, "differs", c->differs);
		json_out_text(l->j, "record", c->record);
		json_out_text(l->j, "source", c->source);
		json_out_int(l->j, "line", c->line);
		json_out_int(l->j, "seen", c->seen);
		json_out_end(l->j, '}');
		return 0;
	}
	snprintf(text, sizeof text, "%lld", (long long)c->first);
	table_cell(l->t, text);
	text_cell(l->t, c->differs, SIZE_MAX);
	text_cell(l->t, c->record, SIZE_MAX);
	text_cell(l->t, c->source, SIZE_MAX);
	return 0;
}

static int list(struct cli *cli, struct err *e)
{
	static const struct table_column held[] = { { "ID", true, false },
						    { "WHERE", false, true },
						    { "REASON", false, true },
						    { "CONTENT", false, true },
						    { "SEEN", true, false } };
	static const struct table_column conflicts[] = { { "FIRST ROW", true, false },
							 { "DIFFERS IN", false, false },
							 { "THE LATER RECORD", false, true },
							 { "SOURCE", false, true } };
	struct store *store = NULL;
	struct json_out j;
	struct listing l = { 0 };
	int rc = cli_store(cli, &store, DB_READ, e);
	if (rc == 0 && cli->json) {
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.quarantine/1");
		json_out_array(&j, "quarantined");
		l.j = &j;
		rc = quarantine_each(store, cli_flag(cli, "all"), list_held, &l, e);
		json_out_end(&j, ']');
		json_out_array(&j, "conflicts");
		if (rc == 0)
			rc = conflict_each(store, list_conflict, &l, e);
		json_out_end(&j, ']');
		json_out_end(&j, '}');
		if (rc == 0)
			json_out_close(&j);
	} else if (rc == 0) {
		l.t = table_open(held, sizeof held / sizeof *held);
		rc = quarantine_each(store, cli_flag(cli, "all"), list_held, &l, e);
		if (l.count)
			table_print(l.t);
		else
			printf("nothing is in quarantine\n");
		table_close(l.t);
		l.count = 0;
		l.t = table_open(conflicts, sizeof conflicts / sizeof *conflicts);
		if (rc == 0)
			rc = conflict_each(store, list_conflict, &l, e);
		if (l.count) {
			printf("\nConflicts: a stored id arrived again with different content; "
			       "the first one counts.\n\n");
			table_print(l.t);
		}
		table_close(l.t);
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

static int retry(struct cli *cli, struct err *e)
{
	struct book *book = NULL;
	struct store *store = NULL;
	struct ingest_options o;
	struct chosen c = { 0 };
	int64_t taken = 0;
	bool begun = false;
	int rc = cli_book(cli, &book, e);
	if (rc == 0)
		rc = cli_ingest_options(cli, book, &o, e);
	if (rc == 0)
		rc = cli_store(cli, &store, DB_WRITE, e);
	if (rc == 0)
		rc = choose(cli, store, &c, e);
	struct instant now = clock_now();
	if (rc == 0) {
		rc = store_begin(store, now, e);
		begun = rc == 0;
	}
	for (size_t i = 0; rc == 0 && i < c.count; i++) {
		struct held h;
		struct arena a = { 0 };
		char why[600];
		bool ok = false;
		rc = quarantine_at(store, c.id[i], &h, &a, e);
		if (rc == 0)
			rc = retry_held(store, &o, &h, &ok, why, now, e);
		if (rc == 0 && ok)
			rc = quarantine_set_state(store, c.id[i], "retried", e);
		else if (rc == 0)
			fprintf(stderr, "tally: %lld: %s\n", (long long)c.id[i], why);
		taken += ok;
		arena_release(&a);
	}
	if (rc == 0)
		rc = rollup_catch_up(store, 0, e);
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
	.summary = "drop refused records",
	.arguments = "[ID...]",
	.arguments_max = -1,
	.description = "Marks refused records as dropped. They no longer count as kept.",
	.examples = "  tally quarantine drop 3 4\n",
	.options = drop_options,
	.common = TAKES_DB,
	.run = drop,
};
