/* disputes: what sources disagree about, for people: those that say the same on one line. */
#ifndef TALLY_REPORTS_DISPUTES_H
#define TALLY_REPORTS_DISPUTES_H

#include "pricing/card.h"

enum { DISPUTES_SHOWN = 32 };
struct disputes {
	size_t count; /* of lines, at most DISPUTES_SHOWN */
	/* private */
	struct text about[DISPUTES_SHOWN], what[DISPUTES_SHOWN];
	struct buf who[DISPUTES_SHOWN], line;
	bool many[DISPUTES_SHOWN];
};

/* The dispute outlives the list. */
void disputes_add(struct disputes *x, const struct dispute *d);
/* "price: litellm, simonw have input 0.14"; valid until the next call. */
const char *disputes_line(struct disputes *x, size_t i);
void disputes_release(struct disputes *x);

#endif
