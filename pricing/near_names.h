/*
 * near_names: which known models a name that no card lists may have meant.
 *
 * A name of which the typed one is a part, however it is divided ("4o-mini", "gemini flash",
 * "gpt5"), comes before one that differs in a few letters ("gtp-5"); one that the user has calls of
 * before all others, and the newer version before the older.
 */
#ifndef TALLY_PRICING_NEAR_NAMES_H
#define TALLY_PRICING_NEAR_NAMES_H

#include "base/text.h"

enum { NEAR_NAMES_SHOWN = 4, NEAR_NAME_TYPED_MAX = 100 };

struct near_name {
	struct text name;
	int rank; /* less is nearer */
};

/* The nearest so far; texts are those that were seen. */
struct near_names {
	struct text typed, own;
	char letters[NEAR_NAME_TYPED_MAX]; /* of what was typed: lower case, without marks */
	size_t letter_count;
	uint64_t bits; /* which letters and digits those are */
	struct near_name best[NEAR_NAMES_SHOWN];
	size_t count, parts; /* of all seen: those that hold what was typed */
	struct text alike;   /* the one that differs in the fewest letters; none: empty */
	int distance, distance_most;
};

/* own: names that the user has calls of, as near_names_own collects them. */
void near_names_begin(struct near_names *x, struct text typed, struct text own);
void near_names_own(struct buf *own, struct text name);
/* resold: it is a reseller's name of it, shown only behind those of first parties. */
void near_names_see(struct near_names *x, struct text name, bool resold);
/* "; did you mean 'a', 'b', ... (`tally price list a`)?"; nothing where nothing is near. */
void near_names_put(const struct near_names *x, struct buf *out);

#endif
