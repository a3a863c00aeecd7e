#include "reports/price_sql.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "pricing/rate.h"

const char *const sql_dialect_names[] = { "postgres", "duckdb", "clickhouse", "sqlite", NULL };
const char *const sql_time_names[] = { "own", "s", "ms", "us", NULL };

enum {
	ROWS_A_STATEMENT = 500,
	/* SQLite has 64 bits: amounts are kept as whole 1e-9 and the rest of them */
	SQLITE_TOKENS_MOST = 500000000
};
#define SQLITE_RATE_MOST INT64_C(400000000000000000) /* 0.40 a token or call */

struct dialect {
	const char *integer, *text, *instant;
	const char *wide;	  /* how a count becomes wide enough for the product; %s */
	const char *own_time_us;  /* microseconds of an instant; %s */
	const char *create_table; /* behind CREATE TABLE of our own */
	const char *nullable;	  /* a column that may hold NULL; %s is its type */
	const char *begin, *commit;
};

static const struct dialect dialects[SQL_DIALECTS] = {
	[SQL_POSTGRES] = { "bigint", "text", "timestamptz", "%s::numeric",
			   "(extract(epoch FROM %s)*1000000)::bigint", "", "%s",
			   "BEGIN;\nSET LOCAL client_min_messages=warning;\n", "COMMIT;\n" },
	[SQL_DUCKDB] = { "BIGINT", "TEXT", "TIMESTAMPTZ", "%s::HUGEINT", "epoch_us(%s)", "", "%s",
			 "BEGIN;\n", "COMMIT;\n" },
	[SQL_CLICKHOUSE] = { "Int64", "String", "DateTime64(6,'UTC')", "toInt256(%s)",
			     "toUnixTimestamp64Micro(toDateTime64(%s,6,'UTC'))",
			     " ENGINE=MergeTree ORDER BY tuple()", "Nullable(%s)", "", "" },
	/* to the second, which no price divides; a fraction might be rounded up */
	[SQL_SQLITE] = { "INTEGER", "TEXT", "TEXT", "%s",
			 "CAST(strftime('%%s',substr(%1$s,1,19)||"
			 "ltrim(substr(%1$s,20),'.0123456789')) AS INTEGER)*1000000",
			 "", "%s", "BEGIN;\n", "COMMIT;\n" },
};

/* Fees are charged for what usage tables count. */
enum { RATE_REQUEST = BUCKET_COUNT, RATE_COUNT };

struct writer {
	struct buf *out;
	const struct price_sql *o;
	const struct price_spans *spans;
	const struct dialect *d;
	size_t cliffs; /* context tiers that a window has at most */
	size_t rows;   /* of the statement at work */
};

static bool has(const struct price_sql *o, enum record_field f)
{
	return o->column[f] != NULL;
}

static bool has_bucket(const struct price_sql *o, int b)
{
	return has(o, (enum record_field)(FIELD_COUNTS + b)) ||
	       (b == BUCKET_INPUT && has(o, FIELD_PROMPT));
}

void price_sql_column(struct price_sql *o, enum record_field f, const char *column)
{
	if (!o->column[f])
		o->field[o->fields++] = f;
	o->column[f] = column;
}

int price_sql_check(const struct price_sql *o, struct err *e)
{
	if (!has(o, FIELD_TIME) || !has(o, FIELD_MODEL))
		return err_set(e, ERR_USAGE,
			       "prices depend on the columns time and model; name "
			       "them in --columns");
	for (int f = FIELD_PARTS; f < FIELD_REQUESTS; f++)
		if (has(o, (enum record_field)f))
			return err_set(e, ERR_USAGE,
				       "the SQL has no price for parts of buckets and no fees for "
				       "units, so '%s' would be lost",
				       record_field_name((enum record_field)f));
	if (has(o, FIELD_PROMPT) && has(o, FIELD_COUNTS))
		return err_set(e, ERR_USAGE,
			       "of prompt and input a table has one: prompt is the "
			       "whole, input what the cache did not read");
	if (has(o, FIELD_COUNTS + BUCKET_REASONING) && !has(o, FIELD_COUNTS + BUCKET_OUTPUT))
		return err_set(e, ERR_USAGE, "reasoning is a part of output, which is missing");
	return 0;
}

static void put_identifier(struct buf *b, const char *name)
{
	buf_puts(b, "\"");
	for (; *name; name++) {
		if (*name == '"')
			buf_puts(b, "\"");
		buf_add(b, name, 1);
	}
	buf_puts(b, "\"");
}

/* schema.table */
static void put_table(struct buf *b, const char *name)
{
	const char *dot = strchr(name, '.');
	if (dot) {
		struct buf schema = { 0 };
		buf_add(&schema, name, (size_t)(dot - name));
		put_identifier(b, schema.p);
		buf_puts(b, ".");
		buf_release(&schema);
	}
	put_identifier(b, dot ? dot + 1 : name);
}

static void put_string(struct writer *w, const char *s)
{
	buf_puts(w->out, "'");
	for (; *s; s++) {
		if (*s == '\'')
			buf_puts(w->out, "'");
		if (*s == '\\' && w->o->dialect == SQL_CLICKHOUSE)
			buf_puts(w->out, "\\");
		buf_add(w->out, s, 1);
	}
	buf_puts(w->out, "'");
}

/* A column of the usage table. */
static void put_column(struct buf *b, const struct price_sql *o, enum record_field f)
{
	buf_puts(b, "u.");
	put_identifier(b, o->column[f]);
}

static void put_known(struct buf *b, const struct price_sql *o, enum record_field f,
		      const char *missing)
{
	buf_puts(b, "coalesce(");
	put_column(b, o, f);
	buf_printf(b, ",%s)", missing);
}

/* What a bucket counts. */
static void put_tokens(struct buf *b, const struct price_sql *o, int bucket)
{
	if (bucket != BUCKET_INPUT || !has(o, FIELD_PROMPT)) {
		put_known(b, o, (enum record_field)(FIELD_COUNTS + bucket), "0");
		return;
	}
	buf_puts(b, "(");
	put_known(b, o, FIELD_PROMPT, "0");
	for (int k = BUCKET_CACHE_READ; k <= BUCKET_CACHE_WRITE_1H; k++)
		if (has_bucket(o, k)) {
			buf_puts(b, "-");
			put_tokens(b, o, k);
		}
	buf_puts(b, ")");
}

static void put_prompt(struct buf *b, const struct price_sql *o)
{
	bool any = false;
	buf_puts(b, "(");
	for (int k = 0; k < BUCKET_COUNT; k++)
		if (has_bucket(o, k) && bucket_is_prompt((enum bucket)k)) {
			buf_puts(b, any ? "+" : "");
			put_tokens(b, o, k);
			any = true;
		}
	buf_puts(b, any ? ")" : "0)");
}

static void put_time(struct writer *w)
{
	static const char *const factor[] = { "", "*1000000", "*1000", "" };
	struct buf column = { 0 };
	put_column(&column, w->o, FIELD_TIME);
	if (w->o->time == SQL_TIME_OWN)
		buf_printf(w->out, w->d->own_time_us, column.p);
	else
		buf_printf(w->out, "%s%s", column.p, factor[w->o->time]);
	buf_release(&column);
}

static void begin_row(struct writer *w, const char *table)
{
	if (w->rows % ROWS_A_STATEMENT == 0)
		buf_printf(w->out, "%sINSERT INTO %s VALUES\n", w->rows ? ";\n" : "", table);
	else
		buf_puts(w->out, ",\n");
	w->rows++;
	buf_puts(w->out, "(");
}

static void end_rows(struct writer *w)
{
	buf_puts(w->out, w->rows ? ";\n" : "");
	w->rows = 0;
}

static const char *nullable(struct writer *w, char room[40])
{
	struct buf b = { 0 };
	buf_printf(&b, w->d->nullable, w->d->integer);
	snprintf(room, 40, "%s", b.p);
	buf_release(&b);
	return room;
}

static void put_head(struct writer *w)
{
	struct buf *b = w->out;
	char until[INSTANT_TEXT_MAX];
	buf_printf(b,
		   "-- Prices in %s and the view tally_priced, for %s. Made by tally " TALLY_VERSION
		   "; run it again when prices change.\n-- They hold until %s; usage from then "
		   "on is shown as unpriced.\n-- The view is the usage table and:\n",
		   w->o->currency, sql_dialect_names[w->o->dialect],
		   instant_format(w->o->until, until));
	if (w->o->dialect == SQL_SQLITE)
		buf_puts(b, "--   tally_nano, tally_rest  the exact cost, whole 1e-9 of the "
			    "currency and what is left in 1e-18; NULL when there is no price\n");
	else
		buf_puts(b, "--   tally_atto    the exact cost in 1e-18 of the currency; NULL when "
			    "there is no price\n");
	buf_puts(b, "--   tally_reason  why there is no price; '' when there is one\n"
		    "--   tally_price   the price's id in its card, tally_window its tariff "
		    "window, tally_guess: 1 when the holidays that decide are not known\n"
		    "-- A total, and what it leaves out:\n");
	switch (w->o->dialect) {
	case SQL_SQLITE:
		buf_puts(b, "--   SELECT model,count(*)-count(tally_nano) AS unpriced,"
			    "printf('%d.%09d%09d',n/1000000000,n%1000000000,r%1000000000) FROM "
			    "(SELECT *,sum(tally_nano)+sum(tally_rest)/1000000000 AS n,"
			    "sum(tally_rest) AS r FROM tally_priced GROUP BY model);\n");
		break;
	case SQL_POSTGRES:
		buf_puts(b, "--   SELECT model,count(*)-count(tally_atto) AS unpriced,"
			    "sum(tally_atto)*0.000000000000000001 FROM tally_priced GROUP BY "
			    "model;\n");
		break;
	case SQL_DUCKDB:
		buf_puts(b, "--   SELECT model,count(*)-count(tally_atto) AS unpriced,"
			    "tally_amount(sum(tally_atto)) FROM tally_priced GROUP BY model;\n");
		break;
	default:
		buf_puts(b, "--   SELECT model,count(*)-count(tally_atto) AS unpriced,"
			    "sum(tally_atto)/toDecimal256('1000000000000000000',18) FROM "
			    "tally_priced GROUP BY model;\n");
	}
	buf_puts(b, "\n");
}

static void put_tables(struct writer *w)
{
	struct buf *b = w->out;
	const struct dialect *d = w->d;
	char room[40];
	buf_printf(b, "%sDROP VIEW IF EXISTS tally_priced;\n", d->begin);
	buf_puts(b, "DROP TABLE IF EXISTS tally_name;\nDROP TABLE IF EXISTS tally_span;\n"
		    "DROP TABLE IF EXISTS tally_rate;\n");
	buf_printf(
		b,
		"CREATE TABLE tally_name(name_id %s NOT NULL,of_provider %s NOT NULL,of_model %s "
		"NOT NULL,of_tier %s NOT NULL,of_region %s NOT NULL)%s;\n",
		d->integer, d->text, d->text, d->text, d->text, d->create_table);
	buf_printf(b,
		   "CREATE TABLE tally_span(span_id %s NOT NULL,name_id %s NOT NULL,from_us %s NOT "
		   "NULL,until_us %s NOT NULL,answer_id %s NOT NULL,guess %s NOT NULL",
		   d->integer, d->integer, d->integer, d->integer, d->integer, d->integer);
	for (size_t i = 0; i < w->cliffs; i++)
		buf_printf(b, ",cliff_%zu %s NOT NULL", i + 1, d->integer);
	buf_printf(b, ")%s;\n", d->create_table);
	buf_printf(
		b,
		"CREATE TABLE tally_rate(answer_id %s NOT NULL,tier_no %s NOT NULL,price_id %s NOT "
		"NULL,window_name %s NOT NULL,reason %s NOT NULL",
		d->integer, d->integer, d->text, d->text, d->text);
	for (int k = 0; k < BUCKET_COUNT; k++)
		if (has_bucket(w->o, k))
			buf_printf(b, ",rate_%s %s", bucket_name((enum bucket)k),
				   nullable(w, room));
	buf_printf(b, ",rate_request %s NOT NULL)%s;\n", d->integer, d->create_table);
}

static size_t cliffs_of(const struct span_answer *a)
{
	return a->price ? a->tariff->tier_count : 0;
}

static void put_names_and_spans(struct writer *w)
{
	struct buf *b = w->out;
	size_t number = 0;
	const struct span_name *last = NULL;
	for (size_t i = 0; i < w->spans->count; i++) {
		const struct span_name *n = w->spans->span[i].name;
		if (n == last)
			continue;
		last = n;
		begin_row(w, "tally_name");
		buf_printf(b, "%zu,", ++number);
		put_string(w, n->provider);
		buf_puts(b, ",");
		put_string(w, n->model);
		buf_puts(b, ",");
		put_string(w, n->service_tier);
		buf_puts(b, ",");
		put_string(w, n->region);
		buf_puts(b, ")");
	}
	end_rows(w);
	number = 0;
	last = NULL;
	for (size_t i = 0; i < w->spans->count; i++) {
		const struct price_span *s = &w->spans->span[i];
		const struct span_answer *a = &w->spans->answer[s->answer];
		number += s->name != last;
		last = s->name;
		begin_row(w, "tally_span");
		buf_printf(b, "%zu,%zu,%" PRId64 ",%" PRId64 ",%zu,%d", i + 1, number, s->from.us,
			   s->until.us, s->answer + 1, s->guess);
		for (size_t k = 0; k < w->cliffs; k++) {
			const struct context_tier *t =
				k < cliffs_of(a) ? &a->tariff->tier[k] : NULL;
			buf_printf(b, ",%" PRId64, t ? t->above + !t->inclusive : INT64_MAX);
		}
		buf_puts(b, ")");
	}
	end_rows(w);
}

/* What a call costs besides its tokens. */
static int request_fee(const struct price *p, int64_t *out, struct err *e)
{
	*out = 0;
	for (size_t i = 0; p && i < p->fee_count; i++)
		if (fee_is_per_request(&p->fee[i]) &&
		    __builtin_mul_overflow(p->fee[i].amount.pico, PER_MILLION / p->fee[i].per, out))
			return err_set(e, ERR_RANGE, "%s: the fee for a request is beyond 64 bits",
				       p->id);
	return 0;
}

static int put_rate(struct writer *w, const struct span_answer *a, size_t number, size_t tier,
		    struct err *e)
{
	struct buf *b = w->out;
	const struct rates *r = !a->price ? NULL
				: tier	  ? &a->tariff->tier[tier - 1].rates
					  : &a->tariff->rates;
	int64_t fee;
	int rc = request_fee(a->price, &fee, e);
	if (rc != 0)
		return rc;
	begin_row(w, "tally_rate");
	buf_printf(b, "%zu,%zu,", number, tier);
	put_string(w, a->price ? a->price->id : "");
	buf_puts(b, ",");
	put_string(w, a->price ? a->tariff->window : "");
	buf_puts(b, ",");
	put_string(w, a->reason);
	for (int k = 0; k < BUCKET_COUNT; k++) {
		if (!has_bucket(w->o, k))
			continue;
		if (!r || !(r->known >> k & 1)) {
			buf_puts(b, ",NULL");
			continue;
		}
		/* 1e-12 a million tokens are 1e-18 a token */
		int64_t rate = r->per_million[k].pico;
		if (w->o->dialect == SQL_SQLITE &&
		    (rate > SQLITE_RATE_MOST || fee > SQLITE_RATE_MOST))
			rc = err_set(e, ERR_RANGE,
				     "%s: the price is beyond the 64 bits that SQLite has",
				     a->price->id);
		buf_printf(b, ",%" PRId64, rate);
	}
	buf_printf(b, ",%" PRId64 ")", fee);
	return rc;
}

static int put_rates(struct writer *w, struct err *e)
{
	static const struct span_answer unknown = {
		.reason = "no price card knows that model, vendor, service tier or region"
	};
	int rc = put_rate(w, &unknown, 0, 0, e);
	for (size_t i = 0; rc == 0 && i < w->spans->answer_count; i++)
		for (size_t tier = 0; rc == 0 && tier <= cliffs_of(&w->spans->answer[i]); tier++)
			rc = put_rate(w, &w->spans->answer[i], i + 1, tier, e);
	end_rows(w);
	return rc;
}

static void put_indexes(struct writer *w)
{
	if (w->o->dialect == SQL_POSTGRES || w->o->dialect == SQL_SQLITE)
		buf_puts(w->out,
			 "CREATE INDEX tally_name_by_name ON "
			 "tally_name(of_model,of_provider,of_tier,of_region);\n"
			 "CREATE UNIQUE INDEX tally_span_by_time ON "
			 "tally_span(name_id,from_us,span_id);\n"
			 "CREATE UNIQUE INDEX tally_span_by_number ON tally_span(span_id);\n"
			 "CREATE UNIQUE INDEX tally_rate_by_answer ON "
			 "tally_rate(answer_id,tier_no);\n");
	if (w->o->dialect == SQL_POSTGRES)
		buf_puts(w->out, "ANALYZE tally_name;\nANALYZE tally_span;\nANALYZE tally_rate;\n");
	if (w->o->dialect == SQL_DUCKDB)
		buf_puts(w->out,
			 "CREATE OR REPLACE MACRO tally_amount(atto) AS ((atto//"
			 "1000000000000000000)::VARCHAR||'.'||lpad((atto%1000000000000000000)::"
			 "VARCHAR,18,'0'))::DECIMAL(38,18);\n");
}

/* The usage table, where it does not exist yet. */
static void put_usage_table(struct writer *w)
{
	const char *separator = "(";
	buf_puts(w->out, "CREATE TABLE IF NOT EXISTS ");
	put_table(w->out, w->o->table);
	for (int i = 0; i < w->o->fields; i++) {
		enum record_field f = w->o->field[i];
		buf_puts(w->out, separator);
		put_identifier(w->out, w->o->column[f]);
		bool time = (f == FIELD_TIME || f == FIELD_COMPLETED) && w->o->time == SQL_TIME_OWN;
		buf_printf(w->out, " %s",
			   f < FIELD_TEXTS ? w->d->text
			   : time	   ? w->d->instant
					   : w->d->integer);
		separator = ",";
	}
	buf_printf(w->out, ")%s;\n", w->d->create_table);
}

static void put_name_join(struct writer *w)
{
	struct buf *b = w->out;
	buf_puts(b, "LEFT JOIN tally_name n ON n.of_model=lower(");
	put_known(b, w->o, FIELD_MODEL, "''");
	buf_puts(b, ") AND n.of_provider=");
	if (has(w->o, FIELD_PROVIDER)) {
		buf_puts(b, "lower(");
		put_known(b, w->o, FIELD_PROVIDER, "''");
		buf_puts(b, ")");
	} else {
		buf_puts(b, "''");
	}
	buf_puts(b, " AND n.of_tier=");
	if (has(w->o, FIELD_SERVICE_TIER)) {
		const char *name;
		buf_puts(b, "CASE WHEN ");
		put_known(b, w->o, FIELD_SERVICE_TIER, "''");
		buf_puts(b, " IN (''");
		for (size_t i = 0; (name = service_tier_standard(i)); i++) {
			buf_puts(b, ",");
			put_string(w, name);
		}
		buf_puts(b, ") THEN '' ELSE ");
		put_known(b, w->o, FIELD_SERVICE_TIER, "''");
		buf_puts(b, " END");
	} else {
		buf_puts(b, "''");
	}
	buf_puts(b, " AND n.of_region=");
	if (w->spans->region_count) {
		buf_puts(b, "CASE WHEN ");
		put_known(b, w->o, FIELD_REGION, "''");
		buf_puts(b, " IN (''");
		for (size_t i = 0; i < w->spans->region_count; i++) {
			buf_puts(b, ",");
			put_string(w, w->spans->region[i]);
		}
		buf_puts(b, ") THEN ");
		put_known(b, w->o, FIELD_REGION, "''");
		buf_puts(b, " ELSE '" SPAN_OTHER_REGION "' END\n");
	} else {
		buf_puts(b, "''\n");
	}
}

static void put_span_join(struct writer *w)
{
	struct buf *b = w->out;
	if (w->o->dialect == SQL_DUCKDB || w->o->dialect == SQL_CLICKHOUSE) {
		buf_puts(b, "ASOF LEFT JOIN tally_span s ON n.name_id=s.name_id AND ");
		put_time(w);
		buf_puts(b, ">=s.from_us\n");
	} else {
		buf_puts(b, "LEFT JOIN tally_span s ON s.span_id=(SELECT x.span_id FROM tally_span "
			    "x WHERE x.name_id=n.name_id AND x.from_us<=");
		put_time(w);
		buf_puts(b, " ORDER BY x.from_us DESC LIMIT 1)\n");
	}
	buf_puts(b, "JOIN tally_rate r ON r.answer_id=coalesce(s.answer_id,0) AND r.tier_no=");
	for (size_t i = 0; i < w->cliffs; i++) {
		buf_puts(b, i ? "+CASE WHEN " : "CASE WHEN ");
		put_prompt(b, w->o);
		/* without a stretch there is the answer 0, which has no tiers */
		buf_printf(b,
			   ">=coalesce(s.cliff_%zu,%" PRId64 ") AND coalesce(s.answer_id,0)>0 "
			   "THEN 1 ELSE 0 END",
			   i + 1, INT64_MAX);
	}
	buf_puts(b, w->cliffs ? "" : "0");
}

/* '' when the row has a price. */
static void put_reason(struct writer *w)
{
	struct buf *b = w->out;
	const struct price_sql *o = w->o;
	buf_puts(b, "CASE WHEN ");
	put_time(w);
	buf_puts(b, " IS NULL THEN 'the time is missing or not an instant'");
	for (int k = 0; k < BUCKET_COUNT; k++)
		if (has_bucket(o, k)) {
			buf_puts(b, "\n WHEN ");
			put_tokens(b, o, k);
			buf_printf(b, "<0 THEN '%s is negative'", bucket_name((enum bucket)k));
			if (o->dialect == SQL_SQLITE) {
				buf_puts(b, " WHEN ");
				put_tokens(b, o, k);
				buf_printf(b, ">%d THEN '%s is beyond %d tokens in one row'",
					   SQLITE_TOKENS_MOST, bucket_name((enum bucket)k),
					   SQLITE_TOKENS_MOST);
			}
		}
	if (has_bucket(o, BUCKET_REASONING)) {
		buf_puts(b, "\n WHEN ");
		put_tokens(b, o, BUCKET_REASONING);
		buf_puts(b, ">");
		put_tokens(b, o, BUCKET_OUTPUT);
		buf_puts(b, " THEN 'reasoning is larger than output, of which it is a part'");
	}
	if (has(o, FIELD_REQUESTS)) {
		buf_puts(b, "\n WHEN ");
		put_known(b, o, FIELD_REQUESTS, "1");
		buf_puts(b, "<1 THEN 'requests must be 1 or more'");
		if (o->dialect == SQL_SQLITE) {
			buf_puts(b, " WHEN ");
			put_known(b, o, FIELD_REQUESTS, "1");
			buf_printf(b, ">%d THEN 'requests are beyond %d in one row'",
				   SQLITE_TOKENS_MOST, SQLITE_TOKENS_MOST);
		}
	}
	buf_puts(b, "\n WHEN r.reason<>'' THEN ");
	if (has(o, FIELD_REGION)) {
		buf_puts(b, "replace(r.reason,'region ''" SPAN_OTHER_REGION "''','region ''' || ");
		put_known(b, o, FIELD_REGION, "''");
		buf_puts(b, " || '''')");
	} else {
		buf_puts(b, "r.reason");
	}
	buf_puts(b, "\n WHEN coalesce(s.until_us,0)<=");
	put_time(w);
	buf_puts(b, " THEN 'the table of prices ends before it; make a new one'");
	if (has(o, FIELD_REQUESTS) && w->cliffs) {
		buf_puts(b, "\n WHEN r.tier_no>0 AND ");
		put_known(b, o, FIELD_REQUESTS, "1");
		buf_puts(b, ">1 THEN 'the price depends on the length of each prompt, and a row of "
			    "several requests does not tell it'");
	}
	for (int k = 0; k < BUCKET_COUNT; k++)
		if (has_bucket(o, k) && k != BUCKET_REASONING) {
			buf_puts(b, "\n WHEN ");
			put_tokens(b, o, k);
			if (k == BUCKET_OUTPUT && has_bucket(o, BUCKET_REASONING)) {
				buf_puts(b, "-CASE WHEN r.rate_reasoning IS NULL THEN 0 ELSE ");
				put_tokens(b, o, BUCKET_REASONING);
				buf_puts(b, " END");
			}
			buf_printf(b, ">0 AND r.rate_%s IS NULL THEN 'no price is stated for %s'",
				   bucket_name((enum bucket)k), bucket_name((enum bucket)k));
		}
	buf_puts(b, "\n ELSE '' END");
}

/* The sum of counts times rates; `rate` is how the rate enters it. */
static void put_sum(struct writer *w, const char *rate)
{
	struct buf *b = w->out, tokens = { 0 };
	for (int k = 0; k < BUCKET_COUNT; k++) {
		if (!has_bucket(w->o, k))
			continue;
		tokens.n = 0;
		put_tokens(&tokens, w->o, k);
		if (k == BUCKET_OUTPUT && has_bucket(w->o, BUCKET_REASONING)) {
			/* reasoning leaves output where it has a price of its own */
			struct buf all = { 0 };
			buf_printf(&all, "(%s-CASE WHEN r.rate_reasoning IS NULL THEN 0 ELSE ",
				   tokens.p);
			put_tokens(&all, w->o, BUCKET_REASONING);
			buf_puts(&all, " END)");
			tokens.n = 0;
			buf_puts(&tokens, all.p);
			buf_release(&all);
		}
		buf_printf(b, w->d->wide, tokens.p);
		buf_puts(b, "*");
		struct buf column = { 0 };
		buf_printf(&column, "coalesce(r.rate_%s,0)", bucket_name((enum bucket)k));
		buf_printf(b, rate, column.p);
		buf_puts(b, "+");
		buf_release(&column);
	}
	tokens.n = 0;
	if (has(w->o, FIELD_REQUESTS))
		put_known(&tokens, w->o, FIELD_REQUESTS, "1");
	else
		buf_puts(&tokens, "1");
	buf_printf(b, w->d->wide, tokens.p);
	buf_puts(b, "*");
	buf_printf(b, rate, "r.rate_request");
	buf_release(&tokens);
}

static void put_view(struct writer *w)
{
	struct buf *b = w->out;
	buf_puts(b, "CREATE VIEW tally_priced AS SELECT u.*,\nCASE WHEN ");
	if (w->o->dialect == SQL_SQLITE) {
		put_reason(w);
		buf_puts(b, "='' THEN ");
		put_sum(w, "(%s/1000000000)");
		buf_puts(b, "+(");
		put_sum(w, "(%s%%1000000000)");
		buf_puts(b, ")/1000000000 END AS tally_nano,\nCASE WHEN ");
		put_reason(w);
		buf_puts(b, "='' THEN (");
		put_sum(w, "(%s%%1000000000)");
		buf_puts(b, ")%1000000000 END AS tally_rest,\n");
	} else {
		put_reason(w);
		buf_puts(b, "='' THEN ");
		put_sum(w, "%s");
		buf_puts(b, " END AS tally_atto,\n");
	}
	put_reason(w);
	buf_puts(b, " AS tally_reason,\nr.price_id AS tally_price,r.window_name AS tally_window,"
		    "coalesce(s.guess,0) AS tally_guess\nFROM ");
	put_table(b, w->o->table);
	buf_puts(b, " u\n");
	put_name_join(w);
	put_span_join(w);
	buf_puts(b, ";\n");
}

int price_sql_write(struct buf *out, const struct price_sql *o, const struct price_spans *spans,
		    struct err *e)
{
	struct writer w = { .out = out, .o = o, .spans = spans, .d = &dialects[o->dialect] };
	for (size_t i = 0; i < spans->answer_count; i++)
		if (cliffs_of(&spans->answer[i]) > w.cliffs)
			w.cliffs = cliffs_of(&spans->answer[i]);
	for (size_t i = 0; o->dialect == SQL_SQLITE && o->time == SQL_TIME_OWN && i < spans->count;
	     i++)
		if (spans->span[i].from.us % US_PER_SECOND != 0 &&
		    spans->span[i].from.us != INSTANT_MIN.us)
			return err_set(e, ERR_RANGE,
				       "%s: a price begins at a fraction of a second, which the "
				       "text of an instant in SQLite does not tell; use " ASKED(
					       "time") " us",
				       spans->span[i].name->model);
	put_head(&w);
	put_tables(&w);
	put_names_and_spans(&w);
	int rc = put_rates(&w, e);
	put_indexes(&w);
	put_usage_table(&w);
	put_view(&w);
	buf_puts(out, w.d->commit);
	return rc;
}
