/* store_names: who and what the records of a store name, each once. */
#ifndef TALLY_METER_STORE_STORE_NAMES_H
#define TALLY_METER_STORE_STORE_NAMES_H

#include "meter/store/store.h"

enum store_names {
	STORE_CUSTOMERS,
	STORE_PROJECTS,
	STORE_MODELS,
	STORE_SOURCES, /* the files and senders that records came from */
	STORE_SHAPES   /* the formats in which they came */
};

/* In the order of bytes, without the empty one. Errors: ERR_STORE. */
int store_each_name(struct store *s, enum store_names which,
		    void (*take)(void *user, struct text name), void *user, struct err *e);

#endif
