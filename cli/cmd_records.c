#include <stdlib.h>
#include <string.h>

#include "base/zone.h"
#include "cli/command.h"
#include "meter/store/store.h"
#include "meter/store/stored_price.h"
#include "reports/amount.h"
#include "reports/json_out.h"
#include "reports/table.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MOST = 10000, AT_ONCE = 8192 };

static const struct option options[] = {
	{ "customer", 0, "NAME", "only this customer", false },
	{ "project", 0, "NAME", "only this project", false },
	{ "model", 'm', "MODEL", "only this model, as the records name it", false },
	{ "unpriced", 0, NULL, "only records without a price", false },
	{ "limit", 0, "N", "how many (default 50)", false },
	{ 0 },
};

struct search {
	struct store *s;
	const char *customer, *project, *model;
	struct instant since, until;
	bool unpriced;
	int64_t *seq; /* of one stretch of rows, ascending */
	size_t n;
	struct err *e;
};

static bool fits(struct text value, const char *want)
{
	return !want || text_is(value, want);
}

static int look(void *user, const struct usage_row *row)
{
	struct search *x = user;
	const struct record *r = &row->record;
	const struct stored_price *p;
	if (r->time_us < x->since.us || r->time_us >= x->until.us ||
	    !fits(r->text[FIELD_CUSTOMER], x->customer) ||
	    !fits(r->text[FIELD_PROJECT], x->project) || !fits(r->text[FIELD_MODEL], x->model))
		return 0;
	if (x->unpriced) {
		int rc = store_stored_price(x->s, row->price, &p, x->e);
		if (rc != 0 || p->reason.n == 0)
			return rc;
	}
	x->seq[x->n++] = row->seq;
	return 0;
}

static const char *kind_name(enum usage_kind k)
{
	return k == USAGE_REVERSAL ? "reversed" : k == USAGE_RECORD ? "record" : "correction";
}

static void put_json(struct json_out *j, const struct usage_row *row, const struct stored_price *p,
		     struct money_total cost)
{
	static const enum record_field texts[] = { FIELD_PROVIDER, FIELD_MODEL,	   FIELD_CUSTOMER,
						   FIELD_PROJECT,  FIELD_WORKLOAD, FIELD_TASK,
						   FIELD_SESSION };
	const struct record *r = &row->record;
	json_out_object(j, NULL);
	json_out_text(j, "id", r->text[FIELD_ID]);
	json_out_string(j, "kind", kind_name(row->kind));
	json_out_instant(j, "time", (struct instant){ r->time_us });
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		json_out_text(j, record_field_name(texts[i]), r->text[texts[i]]);
	json_out_object(j, "tokens");
	for (int b = 0; b < BUCKET_COMMON; b++)
		json_out_int(j, bucket_name((enum bucket)b), r->tokens[b]);
	json_out_end(j, '}');
	json_out_int(j, "requests", r->requests);
	if (p->reason.n) {
		json_out_null(j, "total");
		json_out_text(j, "unpriced", p->reason);
	} else {
		json_out_money(j, "total", cost);
		json_out_text(j, "currency", p->currency);
		json_out_text(j, "window", p->window);
	}
	json_out_end(j, '}');
}

static void put_row(struct table *t, const struct usage_row *row, const struct stored_price *p,
		    struct money_total cost, struct buf *b)
{
	const struct record *r = &row->record;
	static const enum record_field texts[] = { FIELD_ID, FIELD_MODEL, FIELD_CUSTOMER,
						   FIELD_PROJECT };
	char at[INSTANT_TEXT_MAX], text[DECIMAL_TEXT_MAX];
	int64_t prompt = 0;
	table_cell(t, instant_format((struct instant){ r->time_us }, at));
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		b->n = 0;
		buf_add(b, r->text[texts[i]].p, r->text[texts[i]].n);
		table_cell(t, b->n ? b->p : "");
	}
	for (int k = 0; k < BUCKET_OUTPUT; k++)
		prompt += r->tokens[k];
	put_count(b, prompt);
	table_cell(t, b->p);
	put_count(b, r->tokens[BUCKET_OUTPUT]);
	table_cell(t, b->p);
	if (p->reason.n) {
		table_cell(t, "no price");
	} else {
		char currency[16];
		snprintf(currency, sizeof currency, "%.*s", (int)p->currency.n, p->currency.p);
		put_amount(b, money_total_format(cost, text), currency, false);
		table_cell(t, b->p);
	}
	table_cell(t, row->kind == USAGE_RECORD ? "" : kind_name(row->kind));
}

/* Shows one row; its texts live until the next. */
static int show(struct search *x, int64_t seq, struct json_out *j, struct table *t, struct buf *b,
		struct err *e)
{
	struct usage_row row;
	const struct stored_price *p;
	struct money_total cost = { 0 };
	int rc = store_row(x->s, seq, &row, e);
	if (rc == 0)
		rc = store_stored_price(x->s, row.price, &p, e);
	if (rc == 0)
		rc = stored_price_amount(p, row.record.tokens, row.record.requests,
					 row.web_searches, &cost, e);
	if (rc == 0 && j)
		put_json(j, &row, p, cost);
	else if (rc == 0)
		put_row(t, &row, p, cost, b);
	return rc;
}

static int run(struct cli *cli, struct err *e)
{
	static const struct table_column columns[] = {
		{ "TIME", false, false },    { "ID", false, true },	 { "MODEL", false, true },
		{ "CUSTOMER", false, true }, { "PROJECT", false, true }, { "PROMPT", true, false },
		{ "OUTPUT", true, false },   { "COST", true, false },	 { "", false, false },
	};
	struct search x = { .customer = cli_value(cli, "customer"),
			    .project = cli_value(cli, "project"),
			    .model = cli_value(cli, "model"),
			    .unpriced = cli_flag(cli, "unpriced"),
			    .e = e };
	struct zone *zone = NULL;
	struct json_out j;
	struct table *t = NULL;
	struct buf b = { 0 };
	int64_t limit = 0, shown = 0, last = 0;
	int rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_period(cli, zone, &x.since, &x.until, e);
	if (rc == 0)
		rc = cli_count(cli, "limit", LIMIT_DEFAULT, &limit, e);
	if (rc == 0 && (limit < 1 || limit > LIMIT_MOST))
		rc = err_set(e, ERR_USAGE, "--limit is from 1 to %d", LIMIT_MOST);
	if (rc == 0)
		rc = cli_store(cli, &x.s, DB_READ, e);
	if (rc == 0)
		rc = store_refresh(x.s, e);
	if (rc == 0) {
		last = store_last_seq(x.s);
		x.seq = mem_alloc(AT_ONCE * sizeof *x.seq);
		if (cli->json) {
			json_out_open(&j, stdout);
			json_out_object(&j, NULL);
			json_out_string(&j, "schema", "tally.records/1");
			json_out_array(&j, "records");
		} else {
			t = table_open(columns, sizeof columns / sizeof *columns);
		}
	}
	/* backwards, a stretch of rows at a time */
	for (int64_t to = last + 1; rc == 0 && to > 1 && shown < limit;) {
		const int64_t from = to > AT_ONCE ? to - AT_ONCE : 1;
		x.n = 0;
		rc = store_each_row(x.s, from, to, look, &x, e);
		while (rc == 0 && x.n && shown < limit) {
			rc = show(&x, x.seq[--x.n], cli->json ? &j : NULL, t, &b, e);
			shown++;
		}
		to = from;
	}
	if (x.seq && cli->json) {
		json_out_end(&j, ']');
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (x.seq) {
		if (shown)
			table_print(t);
		else if (rc == 0)
			printf("no such record in that period\n");
		table_close(t);
		if (rc == 0 && shown && !cli->quiet)
			printf("\ntally explain ID shows how one came to its price\n");
	}
	free(x.seq);
	buf_release(&b);
	store_close(x.s);
	zone_close(zone);
	return rc;
}

const struct command command_records = {
	.name = "records",
	.summary = "the records behind the sums, latest stored first",
	.arguments = "",
	.description = "Rows as they are stored: a record that was reversed or corrected later "
		       "is listed with its reversal and correction.",
	.examples = "  tally records --customer acme --limit 20\n  tally records --unpriced\n",
	.options = options,
	.common = TAKES_DB | TAKES_PERIOD | TAKES_ZONE,
	.run = run,
};
