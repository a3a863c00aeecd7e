#include <string.h>

#include "base/csv.h"
#include "base/zone.h"
#include "cli/command.h"
#include "cli/metering.h"
#include "meter/billing/reconcile.h"
#include "meter/billing/tiers.h"
#include "reports/amount.h"
#include "reports/json_out.h"
#include "reports/table.h"

static const struct option options[] = {
	{ "format", 'f', "deepseek|anthropic|openai|csv", "whose bill it is", false },
	{ "map", 0, "FIELD=COLUMN", "columns of a CSV: day, model, cost, input, cache_read, output",
	  true },
	{ "provider", 'p', "VENDOR",
	  "only records priced by this vendor (default the bill's; "
	  "csv: all)",
	  false },
	{ "customer", 0, "NAME", "only this customer", false },
	{ "project", 0, "NAME", "only this project", false },
	{ "tolerance", 0, "AMOUNT", "accepted difference per day and model (default 0.005)",
	  false },
	{ "all", 0, NULL, "also show what matches", false },
	{ 0 },
};

static int read_map(struct cli *cli, struct bill_columns *c, struct err *e)
{
	const char *spec;
	const struct {
		const char *name, **to;
	} fields[] = { { "day", &c->day },	 { "model", &c->model },
		       { "cost", &c->cost },	 { "input", &c->input },
		       { "output", &c->output }, { "cache_read", &c->cache_read } };
	for (int i = 0; (spec = cli_value_at(cli, "map", i)); i++) {
		size_t n = strcspn(spec, "="), k = 0;
		const size_t count = sizeof fields / sizeof *fields;
		while (k < count && !text_is((struct text){ spec, n }, fields[k].name))
			k++;
		if (k == count || !spec[n] || !spec[n + 1])
			return err_set(e, ERR_USAGE,
				       "--map %s: FIELD=COLUMN, with day, model, cost, input, "
				       "cache_read or output",
				       spec);
		*fields[k].to = spec + n + 1;
	}
	return 0;
}

static void day_text(int64_t day, char out[16])
{
	struct civil c = civil_from_day(day);
	snprintf(out, 16, "%04d-%02d-%02d", c.year, c.month, c.day);
}

static void put_others(struct json_out *j, const struct reconciliation *r)
{
	char day[16];
	json_out_array(j, "other");
	for (size_t i = 0; i < r->others; i++) {
		const struct other_line *o = &r->other[i];
		day_text(o->day, day);
		json_out_object(j, NULL);
		json_out_string(j, "day", day);
		json_out_string(j, "kind", bill_kind_name(o->kind));
		json_out_text(j, "what", o->what);
		json_out_money(j, "billed", o->cost);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_csv(const struct reconciliation *r, const char *currency)
{
	char day[16], text[3][DECIMAL_TEXT_MAX];
	struct buf b = { 0 };
	buf_puts(&b, "day,model,result,billed,metered,difference,currency,records,cause\n");
	for (size_t i = 0; i < r->lines; i++) {
		const struct reconciled *l = &r->line[i];
		day_text(l->day, day);
		buf_printf(&b, "%s,", day);
		csv_put_text(&b, l->model);
		buf_printf(&b, ",%s,%s,%s,%s,%s,%lld,%s\n", match_name(l->match),
			   l->billed.has_cost ? money_total_format(l->billed.cost, text[0]) : "",
			   money_total_format(l->metered.cost, text[1]),
			   money_total_format(l->difference, text[2]), currency,
			   (long long)l->metered.records, cause_name(l->cause));
	}
	for (size_t i = 0; i < r->others; i++) {
		const struct other_line *o = &r->other[i];
		day_text(o->day, day);
		buf_printf(&b, "%s,", day);
		csv_put_text(&b, o->what);
		buf_printf(&b, ",%s,%s,0,%s,%s,0,no usage\n", bill_kind_name(o->kind),
			   money_total_format(o->cost, text[0]),
			   money_total_format(o->cost, text[1]), currency);
	}
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
}

static void put_json(const struct reconciliation *r, const char *currency, bool partial)
{
	struct json_out j;
	char day[16];
	json_out_open(&j, stdout);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.reconcile/1");
	json_out_string(&j, "currency", currency);
	json_out_int(&j, "matching", r->count[MATCHES]);
	json_out_int(&j, "differing", r->count[DIFFERS]);
	json_out_int(&j, "billed_only", r->count[BILLED_ONLY]);
	json_out_int(&j, "metered_only", r->count[METERED_ONLY]);
	json_out_money(&j, "billed", r->billed);
	json_out_money(&j, "metered", r->metered);
	json_out_money(&j, "difference", r->difference);
	json_out_int(&j, "unpriced", r->unpriced);
	json_out_object(&j, "causes");
	json_out_money(&j, "rounding", r->rounding);
	json_out_money(&j, "not_usage", r->not_usage);
	json_out_money(&j, "moved_by_a_day", r->moved);
	json_out_money(&j, "name", r->by_cause[CAUSE_NAME]);
	json_out_money(&j, "price", r->by_cause[CAUSE_PRICE]);
	json_out_money(&j, "tier", r->by_cause[CAUSE_TIER]);
	json_out_money(&j, "unpriced", r->by_cause[CAUSE_UNPRICED]);
	json_out_end(&j, '}');
	json_out_money(&j, "unexplained", r->unexplained);
	json_out_bool(&j, "total_is_wrong", r->total_is_wrong);
	json_out_bool(&j, "partial", partial);
	put_others(&j, r);
	json_out_array(&j, "lines");
	for (size_t i = 0; i < r->lines; i++) {
		const struct reconciled *l = &r->line[i];
		day_text(l->day, day);
		json_out_object(&j, NULL);
		json_out_string(&j, "day", day);
		json_out_text(&j, "model", l->model);
		json_out_string(&j, "result", match_name(l->match));
		if (l->billed.has_cost)
			json_out_money(&j, "billed", l->billed.cost);
		else
			json_out_null(&j, "billed");
		json_out_money(&j, "metered", l->metered.cost);
		json_out_money(&j, "difference", l->difference);
		if (l->cause != CAUSE_NONE)
			json_out_string(&j, "cause", cause_name(l->cause));
		if (l->factor)
			json_out_string(&j, "factor", l->factor);
		if (l->partner.n)
			json_out_text(&j, "other_name", l->partner);
		json_out_int(&j, "records", l->metered.records);
		if (l->billed.has_tokens) {
			json_out_object(&j, "billed_tokens");
			json_out_int(&j, "input", l->billed.input);
			json_out_int(&j, "cache_read", l->billed.cache_read);
			json_out_int(&j, "output", l->billed.output);
			json_out_end(&j, '}');
			json_out_object(&j, "metered_tokens");
			json_out_int(&j, "input", l->metered.tokens[BUCKET_INPUT]);
			json_out_int(&j, "cache_read", l->metered.tokens[BUCKET_CACHE_READ]);
			json_out_int(&j, "output", l->metered.tokens[BUCKET_OUTPUT]);
			json_out_end(&j, '}');
		}
		json_out_end(&j, '}');
	}
	json_out_end(&j, ']');
	json_out_end(&j, '}');
	json_out_close(&j);
}

static void token_remark(struct buf *b, const struct reconciled *l)
{
	const struct {
		const char *name;
		int64_t billed, metered;
	} t[] = { { "input", l->billed.input, l->metered.tokens[BUCKET_INPUT] },
		  { "cached", l->billed.cache_read, l->metered.tokens[BUCKET_CACHE_READ] },
		  { "output", l->billed.output, l->metered.tokens[BUCKET_OUTPUT] } };
	b->n = 0;
	buf_puts(b, "");
	for (size_t i = 0; l->tokens_differ && i < 3; i++)
		if (t[i].billed != t[i].metered)
			buf_printf(b, "%s%+lld %s", b->n ? ", " : "",
				   (long long)(t[i].billed - t[i].metered), t[i].name);
}

/* What makes the difference, by cause, and what is left. */
static void put_causes(const struct reconciliation *r, const char *currency, struct buf *b)
{
	char day[16];
	for (size_t i = 0; i < r->others; i++) {
		const struct other_line *o = &r->other[i];
		put_money(b, o->cost, currency, false);
		day_text(o->day, day);
		printf("  %s, no usage: %.*s, %s  %s\n", bill_kind_name(o->kind), (int)o->what.n,
		       o->what.p, day, b->p);
	}
	if (r->rounding.atto) {
		put_money(b, r->rounding, currency, false);
		printf("  rounding  %s\n", b->p);
	}
	if (r->moved.atto) {
		put_money(b, r->moved, currency, false);
		printf("  the same amount one day on (another zone?)  %s\n", b->p);
	}
	for (size_t i = 0; i < r->lines; i++) {
		const struct reconciled *l = &r->line[i];
		if (l->cause == CAUSE_NONE || l->cause == CAUSE_MOVED ||
		    (l->cause == CAUSE_NAME && l->match == METERED_ONLY))
			continue;
		bool name = l->cause == CAUSE_NAME;
		put_money(b, name ? l->billed.cost : l->difference, currency, false);
		day_text(l->day, day);
		printf("  %s%s%s: %.*s%s%.*s, %s  %s\n", cause_name(l->cause), l->factor ? " " : "",
		       l->factor ? l->factor : "", (int)l->model.n, l->model.p, name ? " is " : "",
		       (int)l->partner.n, l->partner.n ? l->partner.p : "", day, b->p);
	}
	put_money(b, r->unexplained, currency, false);
	printf("unexplained %s\n", b->p);
	if (r->total_is_wrong)
		printf("the bill's row of totals is not the sum of its rows\n");
}

static void put_table(const struct reconciliation *r, const char *currency, bool all)
{
	static const struct table_column columns[] = {
		{ "DAY", false, false },    { "MODEL", false, true },
		{ "RESULT", false, false }, { "BILLED", true, false },
		{ "METERED", true, false }, { "DIFFERENCE", true, false },
		{ "RECORDS", true, false }, { "TOKENS OFF", false, true }
	};
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	struct buf b = { 0 };
	char day[16];
	size_t shown = 0;
	for (size_t i = 0; i < r->lines; i++) {
		const struct reconciled *l = &r->line[i];
		if (l->match == MATCHES && !all)
			continue;
		shown++;
		day_text(l->day, day);
		table_cell(t, day);
		table_cell(t, l->model.n ? l->model.p : "all");
		table_cell(t, match_name(l->match));
		put_money(&b, l->billed.cost, currency, false);
		table_cell(t, l->billed.has_cost ? b.p : "-");
		put_money(&b, l->metered.cost, currency, l->metered.unpriced > 0);
		table_cell(t, b.p);
		put_money(&b, l->difference, currency, false);
		table_cell(t, b.p);
		put_count(&b, l->metered.records);
		table_cell(t, b.p);
		token_remark(&b, l);
		table_cell(t, b.p);
	}
	if (shown)
		table_print(t);
	table_close(t);
	put_money(&b, r->billed, currency, false);
	printf("%sbilled      %s\n", shown ? "\n" : "", b.p);
	put_money(&b, r->metered, currency, r->unpriced > 0);
	printf("metered     %s\n", b.p);
	put_money(&b, r->difference, currency, false);
	printf("difference  %s\n", b.p);
	put_causes(r, currency, &b);
	printf("%lld match, %lld differ, %lld billed and never metered, %lld metered and never "
	       "billed\n",
	       (long long)r->count[MATCHES], (long long)r->count[DIFFERS],
	       (long long)r->count[BILLED_ONLY], (long long)r->count[METERED_ONLY]);
	buf_release(&b);
}

static int run(struct cli *cli, struct err *e)
{
	static const char *const formats[] = { "csv", "deepseek", "anthropic", "openai", NULL };
	const char *tolerance = cli_value(cli, "tolerance");
	struct book *book = NULL;
	struct store *store = NULL;
	struct zone *zone = NULL;
	struct bill bill = { 0 };
	struct bill_columns columns = { 0 };
	struct reconciliation r = { 0 };
	struct reconcile_options o = { .customer = cli_value(cli, "customer"),
				       .project = cli_value(cli, "project"),
				       .provider = cli_value(cli, "provider"),
				       .tolerance = { (int128)5 * 1000000000000000 } };
	struct decimal d;
	int format;
	int rc = cli_choice(cli, "format", formats, &format, e);
	if (rc == 0)
		rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_period(cli, zone, &o.since, &o.until, e);
	if (rc == 0)
		rc = read_map(cli, &columns, e);
	if (rc == 0 && tolerance &&
	    (decimal_parse(&d, text_of(tolerance), NULL) != 0 || d.digits < 0 ||
	     amount_from_decimal(&o.tolerance, d, NULL) != 0))
		rc = err_set(e, ERR_USAGE, "--tolerance: '%s' is not an amount", tolerance);
	if (rc == 0)
		rc = cli_database_book(cli, DB_READ, &book, e);
	if (rc == 0)
		rc = bill_read(&bill, (const char *const *)cli->argument,
			       (size_t)cli->argument_count, &columns, e);
	if (rc == 0)
		rc = cli_store(cli, &store, DB_READ, e);
	if (rc == 0)
		rc = cli_tell_other_cards(cli, store, book, e);
	o.book = book;
	o.exact = tolerance != NULL;
	o.zone = cli_value(cli, "zone") ? zone : NULL;
	o.currency = cli_value(cli, "currency") ? cli_currency(cli) : NULL;
	if (rc == 0 && !o.provider)
		o.provider = format ? formats[format] : bill.provider;
	if (rc == 0)
		rc = reconcile(&r, store, &bill, &o, e);
	int status = 0;
	if (rc == 0) {
		const char *currency = *bill.currency ? bill.currency : cli_currency(cli);
		bool off = r.open || r.unexplained.atto || r.total_is_wrong;
		status = off ? 5 : bill.partial || r.unpriced ? 3 : 0;
		if (bill.partial)
			fprintf(stderr, "tally: has_more: the bill is one page of several; add "
					"the others\n");
		if (cli->json)
			put_json(&r, currency, bill.partial);
		else if (cli->csv)
			put_csv(&r, currency);
		else
			put_table(&r, currency, cli_flag(cli, "all"));
	}
	reconciliation_release(&r);
	bill_release(&bill);
	store_close(store);
	book_close(book);
	zone_close(zone);
	return rc ? rc : status;
}

const struct command command_reconcile = {
	.name = "reconcile",
	.summary = "compare a provider's bill with what was metered",
	.arguments = "BILL...",
	.arguments_min = 1,
	.arguments_max = -1,
	.description = "By day (UTC) and model: what matches, what differs, what was billed and "
		       "never metered, "
		       "and the reverse. DeepSeek's export (amount and cost files together), "
		       "Anthropic's cost "
		       "report, OpenAI's costs, or any CSV with --map. Names that mean the same "
		       "model at the "
		       "time are one model. Exit status 5 when anything does not match.",
	.examples = "  tally reconcile amount-2026-10.csv cost-2026-10.csv --format deepseek\n"
		    "  tally reconcile cost_report.json --format anthropic\n"
		    "  tally reconcile bill.csv --map day=Date --map cost='Total (USD)' --map "
		    "model=SKU\n",
	.options = options,
	.common = TAKES_DB | TAKES_PRICES | TAKES_CSV | TAKES_PERIOD | TAKES_ZONE | TAKES_CURRENCY,
	.run = run,
};
