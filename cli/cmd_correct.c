#include <string.h>

#include "base/clock.h"
#include "cli/metering.h"
#include "meter/ingest/correct.h"
#include "meter/store/cards.h"
#include "meter/store/rollup.h"
#include "reports/amount.h"
#include "reports/json_out.h"
#include "reports/rerate_report.h"
#include "reports/table.h"

static const struct option amend_options[] = {
	{ "set", 0, "FIELD=VALUE", "a new value (input, output, model, customer, time, ...)",
	  true },
	{ "why", 0, "TEXT", "the reason (stored)", false },
	{ "other-cards", 0, NULL,
	  "use the book's price when the card that rated the record is not at hand", false },
	{ 0 },
};
static const struct option void_options[] = {
	{ "why", 0, "TEXT", "the reason (stored)", false },
	{ 0 },
};
static const struct option rerate_options[] = {
	{ "dry-run", 'n', NULL, "show what would change without changing it", false },
	{ "unprice", 0, NULL, "also remove prices that no card states any more", false },
	{ "other-cards", 0, NULL,
	  "also apply the book's prices to records rated by a card that is not at hand", false },
	{ "why", 0, "TEXT", "the reason (stored)", false },
	{ 0 },
};

struct correction {
	struct book *book;
	struct store *store;
	struct ingest *in;
	bool dry; /* nothing is kept */
};

static int begin(struct cli *cli, struct correction *c, struct err *e)
{
	struct ingest_options o;
	int rc = cli_database_book(cli, DB_WRITE, &c->book, &c->store, e);
	if (rc == 0)
		rc = cli_ingest_options(cli, c->book, &o, e);
	if (rc == 0)
		rc = cli_store_kept(cli, &c->store, DB_WRITE, e);
	if (rc == 0) {
		c->in = ingest_open(c->store, &o, "correction", NULL, NULL);
		rc = store_begin(c->store, clock_now(), e);
	}
	return rc;
}

/* A correction counts whatever the sums say: they may be what it corrects. */
static int sum_up(struct store *s, struct err *e)
{
	int rc = rollup_catch_up(s, 0, e);
	if (rc == 0 && rollup_is_left_behind(s))
		print_notice("tally: the correction is stored, but the sums are still out of "
			     "range (`tally fsck` names the records that are too large)\n");
	return rc;
}

static int end(struct correction *c, int rc, struct err *e)
{
	if (c->store && rc == 0 && !c->dry)
		rc = sum_up(c->store, e);
	if (c->store)
		rc = rc == 0 && !c->dry ? store_commit(c->store, e)
					: (store_rollback(c->store), rc);
	ingest_close(c->in);
	store_close(c->store);
	book_close(c->book);
	return rc;
}

static const char *reason(const struct cli *cli, const char *missing)
{
	const char *why = cli_value(cli, "why");
	return why ? why : missing;
}

static int print_done(const struct cli *cli, const char *what)
{
	if (cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema",
				strcmp(what, "amended") == 0 ? "tally.amend/1" : "tally.void/1");
		json_out_string(&j, "id", cli->argument[0]);
		json_out_string(&j, "result", what);
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (!cli->quiet) {
		printf("%s: %s (tally explain %s shows both)\n", cli->argument[0], what,
		       cli->argument[0]);
	}
	return 0;
}

static int amend(struct cli *cli, struct err *e)
{
	struct correction c = { 0 };
	struct amendment a = { .why = reason(cli, "amended by hand"),
			       .other_cards = cli_flag(cli, "other-cards") };
	const char *spec;
	int rc = 0, i;
	record_clear(&a.record);
	for (i = 0; rc == 0 && (spec = cli_value_at(cli, "set", i)); i++) {
		const char *equals = strchr(spec, '=');
		enum record_field f = equals ? record_field_by_name((struct text){
						       spec, (size_t)(equals - spec) })
					     : FIELD_NONE;
		if (!record_field_is_amendable(f))
			return err_set(e, ERR_USAGE,
				       "--set %s: FIELD=VALUE with a field such as input, output, "
				       "model, customer or time",
				       spec);
		rc = record_set(&a.record, f, text_of(equals + 1), VALUE_TEXT, TIME_INSTANT, e);
	}
	if (rc == 0 && i == 0)
		rc = err_set(e, ERR_USAGE, "say what to change with --set FIELD=VALUE");
	if (rc == 0) {
		rc = begin(cli, &c, e);
		if (rc == 0)
			rc = correct_amend(c.store, c.in, cli->argument[0], &a, e);
		rc = end(&c, rc, e);
	}
	return rc ? rc : print_done(cli, "amended");
}

static int take_back(struct cli *cli, struct err *e)
{
	struct correction c = { 0 };
	int rc = begin(cli, &c, e);
	if (rc == 0)
		rc = correct_void(c.store, cli->argument[0], reason(cli, "voided by hand"), e);
	rc = end(&c, rc, e);
	return rc ? rc : print_done(cli, "voided");
}

/* What a rerate left as it was, and why. */
static void print_left(const struct cli *cli, const struct rerate_result *r)
{
	if (r->kept)
		print_note("%s %s a price that no card states any more, and keep%s it (name "
			   "the card with --prices, or remove the price with --unprice)",
			   COUNTED(r->kept, "record"), r->kept == 1 ? "has" : "have",
			   r->kept == 1 ? "s" : "");
	if (r->others)
		print_note("%s %s rated by cards that are not at hand now (%s) and keep%s %s "
			   "price (name them with --prices, or take the book's prices with "
			   "--other-cards)",
			   COUNTED(r->others, "record"), r->others == 1 ? "was" : "were",
			   r->missing.p, r->others == 1 ? "s" : "",
			   r->others == 1 ? "its" : "their");
	if (r->elsewhere)
		print_note("%s %s priced in another currency than %s and left as %s (--currency "
			   "names the one to reprice)",
			   COUNTED(r->elsewhere, "record"), r->elsewhere == 1 ? "is" : "are",
			   cli_currency(cli), r->elsewhere == 1 ? "it is" : "they are");
}

static void print_changes(const struct rerate_result *r)
{
	static const struct table_column columns[] = {
		{ "MODEL", false, true }, { "RECORDS", true, false }, { "WAS", false, true },
		{ "IS", false, true },	  { "BEFORE", true, false },  { "AFTER", true, false },
		{ "CHANGE", true, false }
	};
	struct buf b = { 0 };
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < r->count; i++) {
		const struct rerate_line *l = &r->line[i];
		const enum amount_bound bound =
			bound_of_difference(at_least(l->to_why.n > 0), at_least(l->from_why.n > 0));
		table_cell(t, l->model.p);
		put_count(&b, l->records);
		table_cell(t, b.p);
		rerate_report_price(&b, l->from_ref, l->from_window, l->from_why);
		table_cell(t, b.p);
		rerate_report_price(&b, l->to_ref, l->to_window, l->to_why);
		table_cell(t, b.p);
		put_money(&b, l->before, NULL, at_least(l->from_why.n > 0));
		table_cell(t, b.p);
		put_money(&b, l->after, NULL, at_least(l->to_why.n > 0));
		table_cell(t, b.p);
		put_money(&b, money_total_minus(l->after, l->before), NULL, bound);
		table_cell(t, b.p);
	}
	table_print(t);
	table_close(t);
	buf_release(&b);
}

/* cards: those that rated the records and are others now, or NULL. */
static void print_rerate(const struct cli *cli, const struct rerate_result *r, bool dry,
			 const char *cards)
{
	struct buf b = { 0 };
	if (cards)
		print_note("the records were rated by other cards than the current ones: %s",
			   cards);
	print_left(cli, r);
	if (!r->count) {
		printf("every record keeps its price\n");
		return;
	}
	print_changes(r);
	put_money(&b, money_total_minus(r->after, r->before), NULL, EXACTLY);
	printf("\n%s %s, total change %s\n", COUNTED(r->records, "record"),
	       dry ? "would be repriced" : "repriced", b.p);
	if (dry)
		print_note("nothing was changed; run without --dry-run to apply");
	buf_release(&b);
}

static int rerate(struct cli *cli, struct err *e)
{
	struct correction c = { 0 };
	struct rerate_result r = { 0 };
	struct buf cards = { 0 };
	struct zone *zone = NULL;
	struct rerate_wish wish = { .dry = cli_flag(cli, "dry-run"),
				    .unprice = cli_flag(cli, "unprice"),
				    .other_cards = cli_flag(cli, "other-cards"),
				    .currency = text_of(cli_currency(cli)),
				    .why = reason(cli, "prices were corrected") };
	int rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_period(cli, zone, &wish.since, &wish.until, e);
	if (rc == 0) {
		c.dry = wish.dry;
		rc = begin(cli, &c, e);
		if (rc == 0)
			rc = cards_differ(c.store, c.book, &cards, e);
		if (rc == 0)
			rc = correct_rerate(&r, c.store, c.in, &wish, e);
		c.dry |= r.records == 0;
		rc = end(&c, rc, e);
	}
	if (rc == 0 && cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		rerate_report_put(&j, &r, wish.dry, wish.currency, cards.n ? cards.p : NULL);
		json_out_close(&j);
	} else if (rc == 0) {
		print_rerate(cli, &r, wish.dry, cards.n ? cards.p : NULL);
	}
	buf_release(&cards);
	rerate_result_release(&r);
	zone_close(zone);
	return rc;
}

const struct command command_amend = {
	.name = "amend",
	.place = HELP_METER + 12,
	.summary = "correct a stored record (the old one stays)",
	.arguments = "ID",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"Reverses the record and adds a corrected one, both with the reason. Nothing is "
		"overwritten: `tally explain` shows the history, and `tally usage --as-of` the "
		"figures as they were.",
	.examples = "  tally amend call-17 --set output=120 --why 'stream was cut'\n"
		    "  tally amend call-18 --set customer=acme --set project=web\n",
	.options = amend_options,
	.common = TAKES_DB | TAKES_PRICES | TAKES_CURRENCY | TAKES_BOUNDARY,
	.run = amend,
};

const struct command command_void = {
	.name = "void",
	.place = HELP_METER + 14,
	.summary = "reverse a stored record (it stays visible)",
	.arguments = "ID",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "Adds a reversal of the record. Sending the record again changes nothing: "
		       "its id stays known.",
	.examples = "  tally void call-17 --why 'test traffic'\n",
	.options = void_options,
	.common = TAKES_DB,
	.run = take_back,
};

const struct command command_rerate = {
	.name = "rerate",
	.place = HELP_METER + 16,
	.summary = "reprice stored records after a card was corrected",
	.arguments = "",
	.description =
		"Compares the stored price of each record with the one in the cards now, shows the differences, and adds corrections. Look first with --dry-run. A record keeps its price when no card states one any more, unless --unprice is given, and when its card is not at hand, unless --other-cards is. The old figures stay reproducible (tally usage --as-of).",
	.examples = "  tally rerate --dry-run\n"
		    "  tally rerate --prices corrected.json --since 2026-09-01 --why 'contract'\n",
	.options = rerate_options,
	.common = TAKES_DB | TAKES_PRICES | TAKES_PERIOD | TAKES_ZONE | TAKES_CURRENCY |
		  TAKES_BOUNDARY,
	.run = rerate,
};
