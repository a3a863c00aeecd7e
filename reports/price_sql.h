/*
 * price_sql: the price book as SQL that prices a table of usage where it lies.
 *
 * Tables of names, stretches of time and rates, and the view `tally_priced` over the usage: its
 * rows with their exact cost, or the reason why there is none. Rates are whole 1e-18 of the
 * currency a token, so that the engines add up integers and nothing is rounded.
 */
#ifndef TALLY_REPORTS_PRICE_SQL_H
#define TALLY_REPORTS_PRICE_SQL_H

#include "meter/read/record.h"
#include "pricing/price_spans.h"
#include "reports/plain.h"

enum sql_dialect { SQL_POSTGRES, SQL_DUCKDB, SQL_CLICKHOUSE, SQL_SQLITE, SQL_DIALECTS };
/* How the usage table writes instants; SQL_TIME_OWN is a timestamp, in SQLite ISO 8601 text. */
enum sql_time { SQL_TIME_OWN, SQL_TIME_S, SQL_TIME_MS, SQL_TIME_US };
extern const char *const sql_dialect_names[], *const sql_time_names[]; /* ended by NULL */

struct price_sql {
	enum sql_dialect dialect;
	enum sql_time time;
	const char *table;		     /* may be qualified by a schema */
	const char *column[FIELD_NONE];	     /* of each field; NULL: the table has none */
	enum record_field field[FIELD_NONE]; /* in the order of the table */
	int fields;
	const char *currency;
	struct instant until; /* prices from then on are not in the table */
};

/* One more column of the usage table; a second one of the same field only renames it. */
void price_sql_column(struct price_sql *o, enum record_field f, const char *column);
/* Columns that the view does not know what to do with are refused. Errors: ERR_USAGE. */
int price_sql_check(const struct price_sql *o, struct err *e);
/* Errors: ERR_RANGE when a price is beyond what the dialect's integers hold. */
int price_sql_write(struct buf *out, const struct price_sql *o, const struct price_spans *spans,
		    struct err *e);

#endif
