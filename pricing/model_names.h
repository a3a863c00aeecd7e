/*
 * model_names: which names mean one model, as the price cards say (book_model_name), remembered.
 *
 * The one answer wherever the name of a model that somebody typed is compared with the name of a
 * call: budgets, holds, filters, plans, terms, routes. Belongs to one thread.
 */
#ifndef TALLY_PRICING_MODEL_NAMES_H
#define TALLY_PRICING_MODEL_NAMES_H

#include "pricing/book.h"

struct model_names;
struct model_names *model_names_open(const struct book *b);
void model_names_close(struct model_names *x);
/* What the name means then; valid until the next call. It remembers what names mean around one
 * instant: ask for those of one time after the other. */
struct text model_names_of(struct model_names *x, const struct named_model *m);
/* Another number when names may mean something else than they were said to before. */
int64_t model_names_turn(struct model_names *x, struct instant at);
/* Whether a name that was typed means the model that a call names: the same text, or the same
 * meaning at the instant of the call. */
bool model_names_same(struct model_names *x, struct text typed, const struct named_model *call);

#endif
