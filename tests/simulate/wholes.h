/* wholes: what the invoiced periods of a customer come to by themselves, by currency. */
#ifndef TALLY_TESTS_SIMULATE_WHOLES_H
#define TALLY_TESTS_SIMULATE_WHOLES_H

#include "base/err.h"
#include "base/money.h"

struct store;
struct invoicer;
struct account;

enum bill_currency { BILL_CREDITS, BILL_USD, BILL_EUR, BILL_CURRENCIES };
extern const char *const bill_currencies[BILL_CURRENCIES];
int bill_currency_number(struct text c);

/* Adds them to the sums. */
int wholes_add(struct store *s, struct invoicer *v, const struct account *a,
	       int128 sum[BILL_CURRENCIES], struct err *e);

#endif
