/*
 * archived: months whose rows are no longer in the database but in files (meter/retention).
 *
 * What sums and ids say of such a month stays in the database; its rows do not, so whatever needs
 * them asks here first, and is told which months it lacks. Where the files were opened beside the
 * database (retention_attach), nothing lacks.
 */
#ifndef TALLY_METER_STORE_ARCHIVED_H
#define TALLY_METER_STORE_ARCHIVED_H

#include "base/db.h"
#include "base/instant.h"
#include "pricing/usage.h"

enum { MONTH_TEXT_MAX = 24 };

struct archived_month {
	int64_t month; /* since 1970-01, UTC */
	int64_t rows, first, last;
};

/* Of an instant; when a month begins; as people write it: 2026-01. */
int64_t month_of(int64_t us);
int64_t month_begins_us(int64_t month);
char *month_format(int64_t month, char text[MONTH_TEXT_MAX]);

/* The notes as they stand in the database, read again where `version` is another than before. */
struct archived {
	int64_t version;
	struct archived_month *list; /* in the order of months */
	size_t count;
	bool attached; /* the files are open beside the database */
};
#define ARCHIVED_VERSION \
	"(SELECT coalesce(max(CAST(value AS bigint)),0) FROM about WHERE key='archives')"
int archived_read(struct archived *a, struct db *db, int64_t version, struct err *e);
void archived_release(struct archived *a);

/* Some rows: numbers [from, to] with instants in [since_us, until_us). */
struct row_span {
	int64_t from, to, since_us, until_us;
};
#define ROWS_OF_ANY_TIME INT64_MIN, INT64_MAX

/* How much of a span is archived and not at hand: rows by the month as a whole. */
struct archived_lack {
	int64_t rows, first_month, last_month;
};
/* out: or NULL. */
bool archived_lacks(const struct archived *a, const struct row_span *span,
		    struct archived_lack *out);
/* ERR_ARCHIVED where it does, which says what to do. */
int archived_need_rows(const struct archived *a, const struct row_span *span, struct err *e);
/* ERR_ARCHIVED where the month of that instant is archived, which takes no more rows. */
int archived_is_open(const struct archived *a, int64_t us, struct err *e);
/* ERR_ARCHIVED where the record with that number is archived and not at hand. */
int archived_need_record(const struct archived *a, struct db *db, int64_t seq, struct err *e);

/* Sums of archived months by quarter of an hour, series and price, of a period whose ends lie on
 * quarters: nothing where the files are at hand, which have the rows. */
struct archived_cell {
	int64_t quarter, series, price, records, requests, tokens[BUCKET_COMMON];
};
int archived_each_cell(const struct archived *a, struct db *db, const struct row_span *period,
		       int (*take)(void *user, const struct archived_cell *c), void *user,
		       struct err *e);

#endif
