/* row_columns: a row of usage as columns for other programs: what exports and archives of months
 * have in common. */
#ifndef TALLY_METER_STORE_ROW_COLUMNS_H
#define TALLY_METER_STORE_ROW_COLUMNS_H

#include "base/parquet.h"
#include "meter/store/store.h"

/* The texts come first, in this order. */
#define ROW_TEXT_COLUMNS(X) \
	X(FIELD_ID) \
	X(FIELD_PROVIDER) \
	X(FIELD_MODEL) \
	X(FIELD_CUSTOMER) \
	X(FIELD_PROJECT) \
	X(FIELD_WORKLOAD) \
	X(FIELD_TASK) \
	X(FIELD_SESSION) \
	X(FIELD_SERVICE_TIER) \
	X(FIELD_REGION) \
	X(FIELD_EFFORT)
enum row_column {
#define X(field) ROW_##field,
	ROW_TEXT_COLUMNS(X)
#undef X
		ROW_TIME,
	ROW_COMPLETED,
	ROW_COST,
	ROW_CURRENCY,
	ROW_PRICE,
	ROW_WINDOW,
	ROW_UNPRICED,
	ROW_LOWER_BOUND,
	ROW_AGGREGATE,
	ROW_REQUESTS,
	ROW_COUNTS, /* those that there are, from here on */
	ROW_COLUMNS_MOST = ROW_COUNTS + COUNT_KINDS
};

struct row_columns {
	struct store *store;
	size_t count[COUNT_KINDS]; /* the column of each count; 0: there is none */
};

/* The columns, how many of them: buckets always, what few rows count where `has` says so (NULL:
 * always). */
size_t row_columns_list(struct row_columns *c, const bool *has,
			struct parquet_column out[ROW_COLUMNS_MOST]);

/* What was said of a row's amount. */
struct row_amount {
	bool unpriced, part, unsaid; /* part: it is a lower bound; unsaid: by its price */
};
/* Into the row at work, which further columns may follow. Errors: as of prices and decimals. */
int row_columns_put(const struct row_columns *c, struct parquet *file, const struct usage_row *row,
		    struct row_amount *said, struct err *e);

#endif
