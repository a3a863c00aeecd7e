/* reversal: rows that take others back. All inside a transaction. */
#ifndef TALLY_METER_INGEST_REVERSAL_H
#define TALLY_METER_INGEST_REVERSAL_H

#include "meter/store/store.h"

/* Voids the current row of an id. Errors: ERR_NOT_FOUND (no such id), ERR_INVALID (voided already),
 * the store's. */
int correct_void(struct store *s, const char *id, const char *why, struct err *e);
/* What was voided stands again as it last stood; nothing of a record that stands, or of none.
 * Errors: the store's. */
int correct_restore(struct store *s, const char *id, const char *why, struct err *e);
/* What stands has no price any more, for that reason. Errors: as correct_void. */
int correct_unprice(struct store *s, const char *id, const char *why, struct err *e);

/* For who corrects: the current row of an id, its texts in the arena; errors as above. */
int reversal_find(struct store *s, const char *id, struct known_id *known, struct usage_row *row,
		  struct arena *a, struct err *e);
/* A copy that outlives the statement which it was read with. */
void reversal_keep_row(struct usage_row *row, struct arena *a);
/* The row that takes the current one back; first: of the record's own row. */
int reversal_append(struct store *s, const struct usage_row *current, int64_t first, struct err *e);

#endif
