/*
 * dictionary: what the numbers in rows of usage stand for: series and their subjects, origins,
 * prices.
 *
 * Entries are found in memory, found in their table, or made. On a server they are made at once, on
 * a connection of their own.
 */
#ifndef TALLY_METER_STORE_DICTIONARY_H
#define TALLY_METER_STORE_DICTIONARY_H

#include "base/db.h"
#include "meter/store/store.h"

struct dictionary;
/* db must live longer. address: of a server that is written to, else NULL. */
struct dictionary *dictionary_open(struct db *db, const char *address);
void dictionary_close(struct dictionary *x);
/* After a rollback what was made since begin may be gone: numbers are asked for again. */
void dictionary_forget(struct dictionary *x);

/* As the functions of store.h that are called so. */
int dictionary_series(struct dictionary *x, const struct record *r, int64_t *out, struct err *e);
int dictionary_want_series(struct dictionary *x, const struct record *r, struct err *e);
int dictionary_make_series(struct dictionary *x, struct err *e);
int dictionary_origin(struct dictionary *x, const char *source, const char *shape, const char *rule,
		      int64_t *out, struct err *e);
int dictionary_price(struct dictionary *x, const struct stored_price *p, int64_t *out,
		     struct err *e);
int dictionary_stored_price(struct dictionary *x, int64_t number, const struct stored_price **out,
			    struct err *e);
int dictionary_series_names(struct dictionary *x, int64_t number, const struct series_names **out,
			    struct err *e);
int dictionary_subject_names(struct dictionary *x, int64_t number, const struct subject_names **out,
			     struct err *e);
int dictionary_source(struct dictionary *x, int64_t origin, int *place, struct err *e);

#endif
