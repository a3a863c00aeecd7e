/*
 * own_rows: rows of usage of a filter's customer, project or workload alone, left out of the others
 * by the database, which takes a third of the time of reading each and looking at it.
 */
#ifndef TALLY_METER_STORE_OWN_ROWS_H
#define TALLY_METER_STORE_OWN_ROWS_H

#include "meter/store/store.h"
#include "meter/store/usage_query.h"

/* Behind the condition of a statement that reads usage. */
#define OWN_ROWS_SQL \
	" AND series IN (SELECT id FROM series WHERE customer=coalesce(:customer,customer) AND " \
	"project=coalesce(:project,project) AND workload=coalesce(:workload,workload))"

/* From how many rows on that is faster, for finding the series takes time as well: about as long as
 * reading as many rows. INT64_MAX where the filter names none of the three. */
int own_rows_from(struct store *s, const struct usage_filter *f, int64_t *out, struct err *e);
/* The filter's names stay valid while q is read. */
void own_rows_bind(struct query *q, const struct usage_filter *f);

#endif
