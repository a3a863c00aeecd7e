/*
 * laws: facts that must hold of the rows of a database, each as a statement that counts the rows
 * for which it does not.
 */
#ifndef TALLY_METER_STORE_LAWS_H
#define TALLY_METER_STORE_LAWS_H

#include "meter/store/store.h"

struct law {
	const char *what, *sql;
};

enum { FAULT_MAX = 200 };
/* *fault is the first of them that does not hold, with how often; empty when all do. */
int laws_check(struct store *s, const struct law *law, size_t count, char fault[FAULT_MAX],
	       struct err *e);

#endif
