/*
 * item_words: the words in which a line of a bill says what was charged, made into the name of a
 * model. Billing names are not model names: clouds write where, what and how in one word.
 */
#ifndef TALLY_METER_READ_ITEM_WORDS_H
#define TALLY_METER_READ_ITEM_WORDS_H

#include "meter/read/exports.h"
#include "pricing/book.h"

enum item {
	ITEM_MODEL, /* tokens of a model */
	ITEM_FEE,   /* something else that goes with models: a search, storage of a cache */
	ITEM_OTHER  /* of another service */
};

/* What the words charge; the name of a model is appended to b. book: tells names of models from
 * other words; NULL: nothing is known by its name. */
enum item item_of(struct buf *b, enum item_spelling how, struct text words, struct instant at,
		  const struct book *book);
/* The words with the family of models in front that the product is of and that they leave out: the
 * meter "R1 Inp glbl Tokens" of "Azure DeepSeek Models". Appends to b. */
void item_with_family(struct buf *b, struct text words, struct text product);
/* Whether the unit is a time or a space: hours, months, gigabytes. */
bool item_unit_is_no_count(struct text unit);
/* A display name ("Claude Sonnet 4.6", "Claude4.6Sonnet", "GPT-5 mini") as its model's name; others
 * as they are. Appends to b. */
void model_from_display(struct buf *b, struct text name);

/* Whether the words name a row of totals, as several languages do: "Total (USD)", "Summe", "合计".
 */
bool words_say_total(struct text words);

#endif
