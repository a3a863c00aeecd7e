/*
 * exchange: dated rates between currencies, from files, for invoices in another currency than that
 * of a price or a plan.
 *
 * Reads the European Central Bank's reference rates (a column a currency, units of it for one
 * euro), and `day,base,currency,rate` (units of the currency for one of the base). A rate holds
 * from its day until the next one, for EXCHANGE_DAYS_MOST days: there is none on weekends.
 * Two currencies that are quoted against one base have a rate between them. Nothing is rounded
 * before an amount is.
 */
#ifndef TALLY_METER_BILLING_EXCHANGE_H
#define TALLY_METER_BILLING_EXCHANGE_H

#include "base/arena.h"
#include "meter/billing/tiers.h"

enum { EXCHANGE_DAYS_MOST = 10 };

struct exchange_rate {
	struct text from, to, source; /* source: the file's name, without folders */
	int64_t day;		      /* on which it was quoted */
	/* an amount of `from`, times multiply, over divide, is one of `to` */
	struct quantity multiply, divide;
};

struct exchange_rates;
/* Several files are one list. Errors: ERR_NOT_FOUND, ERR_INVALID with file and line. */
int exchange_read(struct exchange_rates **all, const char *path, struct err *e);
void exchange_close(struct exchange_rates *all);
/* The last rate up to that day; its texts live as long as the list, and as from and to. Errors:
 * ERR_NOT_FOUND, which names the currencies and the day. */
int exchange_find(const struct exchange_rates *all, struct text from, struct text to, int64_t day,
		  struct exchange_rate *out, struct err *e);
/* Rounded once, to 1e-18. Errors: ERR_RANGE. */
int exchange_amount(const struct exchange_rate *r, struct money_total amount,
		    struct money_total *out, struct err *e);
/* "1 EUR = 1.0823 USD on 2026-06-30 (ecb.csv)" */
void exchange_put(struct buf *out, const struct exchange_rate *r);

#endif
