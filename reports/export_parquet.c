#include <unistd.h>

#include "base/parquet.h"
#include "reports/export.h"
#include "reports/standing_rows.h"

static const enum record_field texts[] = { FIELD_ID,	   FIELD_PROVIDER, FIELD_MODEL,
					   FIELD_CUSTOMER, FIELD_PROJECT,  FIELD_WORKLOAD,
					   FIELD_TASK,	   FIELD_SESSION,  FIELD_SERVICE_TIER,
					   FIELD_REGION,   FIELD_EFFORT };
enum {
	COLUMN_TIME = sizeof texts / sizeof *texts,
	COLUMN_COMPLETED,
	COLUMN_COST,
	COLUMN_CURRENCY,
	COLUMN_PRICE,
	COLUMN_WINDOW,
	COLUMN_UNPRICED,
	COLUMN_LOWER_BOUND,
	COLUMN_AGGREGATE,
	COLUMN_REQUESTS,
	COLUMN_COUNTS,
	COLUMNS_MOST = COLUMN_COUNTS + COUNT_KINDS
};

static const struct parquet_column columns[COLUMN_COUNTS] = {
	[COLUMN_TIME] = { "time", PARQUET_INSTANT, false },
	[COLUMN_COMPLETED] = { "completed", PARQUET_INSTANT, true },
	[COLUMN_COST] = { "cost", PARQUET_DECIMAL, true },
	[COLUMN_CURRENCY] = { "currency", PARQUET_TEXT, true },
	[COLUMN_PRICE] = { "price", PARQUET_TEXT, true },
	[COLUMN_WINDOW] = { "window", PARQUET_TEXT, true },
	[COLUMN_UNPRICED] = { "unpriced", PARQUET_TEXT, true },
	[COLUMN_LOWER_BOUND] = { "lower_bound", PARQUET_INT, false },
	[COLUMN_AGGREGATE] = { "aggregate", PARQUET_INT, false },
	[COLUMN_REQUESTS] = { "requests", PARQUET_INT, true },
};

struct table {
	struct store *store;
	struct parquet *file;
	struct export_told *told;
	size_t column[COUNT_KINDS]; /* of each count; 0: no row has any */
	struct err *e;
};

static int put_price(struct table *x, const struct usage_row *row, struct err *e)
{
	const struct stored_price *p;
	struct money_total cost;
	int rc = store_stored_price(x->store, row->price, &p, e);
	if (rc != 0)
		return rc;
	const bool part = row->flags & USAGE_BROKEN_OFF,
		   unsaid = !part && fees_at_least(p->fee, p->fee_count);
	x->told->no_amount += p->reason.n != 0;
	x->told->placeholders += part || unsaid;
	x->told->unsaid += unsaid;
	parquet_int(x->file, COLUMN_LOWER_BOUND, part || unsaid);
	if (p->reason.n) {
		parquet_text(x->file, COLUMN_UNPRICED, p->reason);
		return 0;
	}
	parquet_text(x->file, COLUMN_CURRENCY, p->currency);
	parquet_text(x->file, COLUMN_PRICE, p->ref);
	parquet_text(x->file, COLUMN_WINDOW, p->window);
	rc = stored_price_amount(p, row->record.counts, row->record.requests, &cost, e);
	return rc == 0 ? parquet_decimal(x->file, COLUMN_COST, cost.atto, e) : rc;
}

static int put_row(void *user, const struct usage_row *row)
{
	struct table *x = user;
	const struct record *r = &row->record;
	for (size_t i = 0; i < COLUMN_TIME; i++)
		if (r->text[texts[i]].n)
			parquet_text(x->file, i, r->text[texts[i]]);
	parquet_int(x->file, COLUMN_TIME, r->time_us);
	if (r->completed_us != TIME_ABSENT)
		parquet_int(x->file, COLUMN_COMPLETED, r->completed_us);
	parquet_int(x->file, COLUMN_AGGREGATE, (row->flags & USAGE_AGGREGATE) != 0);
	if (r->requests || !(row->flags & USAGE_AGGREGATE))
		parquet_int(x->file, COLUMN_REQUESTS, r->requests);
	for (int k = 0; k < COUNT_KINDS; k++)
		if (x->column[k])
			parquet_int(x->file, x->column[k], r->counts[k]);
	int rc = put_price(x, row, x->e);
	return rc == 0 ? parquet_end_row(x->file, x->e) : rc;
}

/* The columns: buckets always, what few rows count only where one does. */
static struct parquet *open_table(struct table *x, const bool *has, FILE *out)
{
	struct parquet_column all[COLUMNS_MOST];
	size_t n = COLUMN_COUNTS;
	memcpy(all, columns, sizeof columns);
	for (size_t i = 0; i < COLUMN_TIME; i++)
		all[i] = (struct parquet_column){ record_field_name(texts[i]), PARQUET_TEXT,
						  texts[i] != FIELD_ID };
	for (int k = 0; k < COUNT_KINDS; k++)
		if (k < BUCKET_COUNT || has[k]) {
			all[n] = (struct parquet_column){ record_field_name((enum record_field)(
								  FIELD_COUNTS + k)),
							  PARQUET_INT, false };
			x->column[k] = n++;
		}
	return parquet_open(out, all, n);
}

int export_parquet(struct ledger *l, const struct export_options *o, struct export_told *told,
		   struct err *e)
{
	struct table x = { .store = ledger_store(l), .told = told, .e = e };
	struct standing_rows *rows;
	bool has[COUNT_KINDS] = { false };
	unsigned flags = 0;
	if (isatty(fileno(o->out)))
		return err_set(e, ERR_USAGE, ASKED("output") " is required: Parquet is no text");
	int rc = standing_rows_open(
		&rows, &(struct standing_question){ x.store, o->since, o->until, o->customer }, has,
		&flags, e);
	x.file = open_table(&x, has, o->out);
	if (rc == 0)
		rc = standing_rows_each(rows, put_row, &x, e);
	if (rc == 0)
		rc = parquet_finish(x.file, e);
	parquet_release(x.file);
	standing_rows_close(rows);
	return rc;
}
