/*
 * correct: changing what was metered without changing a row: amend and rerate take rows back (as
 * reversal.h voids them) and add others, with the reason, so that every earlier figure can be had
 * again.
 */
#ifndef TALLY_METER_INGEST_CORRECT_H
#define TALLY_METER_INGEST_CORRECT_H

#include "meter/ingest/ingest.h"
#include "meter/ingest/reversal.h"

/* What a record is told by, and what its other counts make, cannot be set. */
bool record_field_is_amendable(enum record_field f);

/* New values of a record; fields that are not given stay. */
struct amendment {
	struct record record; /* its presence bits say what is given */
	const char *why;
	bool other_cards; /* the book's price replaces that of a card that is not at hand */
};

/* All inside a transaction. Errors: ERR_NOT_FOUND (no such id), ERR_INVALID (voided already, or the
 * new counts contradict each other), ERR_CONFLICT (the card that rated it is not at hand, and the
 * book would price it otherwise). */
int correct_amend(struct store *s, struct ingest *in, const char *id, const struct amendment *a,
		  struct err *e);

/* What repricing changes, for records that had and get the same prices. */
struct rerate_line {
	struct text model, from_ref, to_ref, from_window, to_window, from_why, to_why;
	int64_t records;
	struct money_total before, after;
};
struct rerate_result {
	struct rerate_line *line;
	size_t count;
	int64_t records;    /* that change */
	int64_t elsewhere;  /* records priced in another currency: they keep it */
	int64_t kept;	    /* records whose price no card states any more: they keep it */
	int64_t others;	    /* records of cards that are not at hand now: they keep their price */
	struct buf missing; /* the names of those cards */
	struct money_total before, after;
	struct arena arena;
};
struct rerate_wish {
	struct instant since, until;
	bool dry;     /* only looks */
	bool unprice; /* takes prices away that no card states any more; else they stay */
	const char *why;
	struct text currency; /* that of the ingest: amounts of one currency are compared */
	bool other_cards; /* the book's prices replace those of cards that are not at hand, too */
};
/* Prices every current record again. Appends the corrections unless dry. A record never loses its
 * price unasked, nor does one of a card that is not at hand now (a contract, say) get that of the
 * book: only another card of the user's replaces it. Errors: the store's. */
int correct_rerate(struct rerate_result *out, struct store *s, struct ingest *in,
		   const struct rerate_wish *wish, struct err *e);
void rerate_result_release(struct rerate_result *r);

#endif
