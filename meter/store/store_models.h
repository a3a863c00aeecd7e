/*
 * store_models: which names of models mean one (pricing/model_names), as the records of a store
 * have them.
 *
 * A name means what the price cards in use say now. A priced record counts for the model whose
 * price it has, whatever its name meant since; each also for the name that it was sent with.
 */
#ifndef TALLY_METER_STORE_STORE_MODELS_H
#define TALLY_METER_STORE_STORE_MODELS_H

#include "meter/store/store.h"

/* The cards of a store; until another book takes its place, which is where the old one may go. */
void store_use_book(struct store *s, const struct book *b);
/* Who opens them when a name is first compared; the store closes what it opened. Without both the
 * cards are those that are shipped and those of the database itself. */
struct book_source {
	int (*open)(const void *user, struct book **out, struct err *e);
	const void *user;
};
void store_book_from(struct store *s, struct book_source source);

/* A model as a record has it. */
struct recorded_model {
	const struct subject_names *subject;
	const struct stored_price *price; /* NULL: not known */
	struct instant at;		  /* of the question */
};
/* Whether the name that was typed means it. Errors: those of cards that cannot be opened. */
int store_is_model(struct store *s, struct text typed, const struct recorded_model *m, bool *out,
		   struct err *e);
/* Whether two names that were typed mean one model then. */
int store_same_model(struct store *s, struct text a, struct text b, struct instant at, bool *out,
		     struct err *e);
/* Another number when names may mean something else than before: other cards, another time. */
int store_models_turn(struct store *s, struct instant at, int64_t *out, struct err *e);
/* What a name means; valid until the next call of these. */
int store_model_name(struct store *s, const struct named_model *m, struct text *out, struct err *e);

#endif
