#include "meter/store/row_columns.h"

#define X(field) field,
static const enum record_field texts[ROW_TIME] = { ROW_TEXT_COLUMNS(X) };
#undef X

static const struct parquet_column others[ROW_COUNTS] = {
	[ROW_TIME] = { "time", PARQUET_INSTANT, false },
	[ROW_COMPLETED] = { "completed", PARQUET_INSTANT, true },
	[ROW_COST] = { "cost", PARQUET_DECIMAL, true },
	[ROW_CURRENCY] = { "currency", PARQUET_TEXT, true },
	[ROW_PRICE] = { "price", PARQUET_TEXT, true },
	[ROW_WINDOW] = { "window", PARQUET_TEXT, true },
	[ROW_UNPRICED] = { "unpriced", PARQUET_TEXT, true },
	[ROW_LOWER_BOUND] = { "lower_bound", PARQUET_INT, false },
	[ROW_AGGREGATE] = { "aggregate", PARQUET_INT, false },
	[ROW_REQUESTS] = { "requests", PARQUET_INT, true },
};

size_t row_columns_list(struct row_columns *c, const bool *has,
			struct parquet_column out[ROW_COLUMNS_MOST])
{
	size_t n = ROW_COUNTS;
	for (size_t i = 0; i < ROW_COUNTS; i++)
		out[i] = others[i];
	for (size_t i = 0; i < ROW_TIME; i++)
		out[i] = (struct parquet_column){ record_field_name(texts[i]), PARQUET_TEXT,
						  texts[i] != FIELD_ID };
	for (int k = 0; k < COUNT_KINDS; k++) {
		c->count[k] = 0;
		if (k >= BUCKET_COUNT && has && !has[k])
			continue;
		out[n] = (struct parquet_column){
			record_field_name((enum record_field)(FIELD_COUNTS + k)), PARQUET_INT, false
		};
		c->count[k] = n++;
	}
	return n;
}

static int put_price(const struct row_columns *c, struct parquet *file, const struct usage_row *row,
		     struct row_amount *said, struct err *e)
{
	const struct stored_price *p;
	struct money_total cost;
	int rc = store_stored_price(c->store, row->price, &p, e);
	if (rc != 0)
		return rc;
	const bool broken = row->flags & USAGE_BROKEN_OFF,
		   unsaid = !broken && fees_at_least(p->fee, p->fee_count);
	*said = (struct row_amount){ p->reason.n != 0, broken || unsaid, unsaid };
	parquet_int(file, ROW_LOWER_BOUND, said->part);
	if (said->unpriced) {
		parquet_text(file, ROW_UNPRICED, p->reason);
		return 0;
	}
	parquet_text(file, ROW_CURRENCY, p->currency);
	parquet_text(file, ROW_PRICE, p->ref);
	parquet_text(file, ROW_WINDOW, p->window);
	rc = stored_price_amount(p, row->record.counts, row->record.requests, &cost, e);
	return rc == 0 ? parquet_decimal(file, ROW_COST, cost.atto, e) : rc;
}

int row_columns_put(const struct row_columns *c, struct parquet *file, const struct usage_row *row,
		    struct row_amount *said, struct err *e)
{
	const struct record *r = &row->record;
	for (size_t i = 0; i < ROW_TIME; i++)
		if (r->text[texts[i]].n)
			parquet_text(file, i, r->text[texts[i]]);
	parquet_int(file, ROW_TIME, r->time_us);
	if (r->completed_us != TIME_ABSENT)
		parquet_int(file, ROW_COMPLETED, r->completed_us);
	parquet_int(file, ROW_AGGREGATE, (row->flags & USAGE_AGGREGATE) != 0);
	if (r->requests || !(row->flags & USAGE_AGGREGATE))
		parquet_int(file, ROW_REQUESTS, r->requests);
	for (int k = 0; k < COUNT_KINDS; k++)
		if (c->count[k])
			parquet_int(file, c->count[k], r->counts[k]);
	return put_price(c, file, row, said, e);
}
