/* trail: who changed what over HTTP, kept beside what was changed. */
#ifndef TALLY_METER_STORE_TRAIL_H
#define TALLY_METER_STORE_TRAIL_H

#include "meter/store/store.h"

struct trail_entry {
	int64_t id;
	struct instant at;
	struct text who, what, customer, about;
	struct text detail; /* JSON: what was asked for */
};
/* In the transaction of the change. */
int trail_add(struct store *s, const struct trail_entry *t, struct err *e);
struct trail_question {
	const char *customer; /* NULL: of everybody */
	int64_t before;	      /* the entry of that id; 0: from the last */
	int64_t most;
};
/* The last first. */
int trail_each(struct store *s, const struct trail_question *ask,
	       int (*take)(void *user, const struct trail_entry *t), void *user, struct err *e);

#endif
