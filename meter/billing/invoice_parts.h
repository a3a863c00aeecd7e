/*
 * invoice_parts: what the parts of the reckoning of an invoice share. Internal to meter/billing.
 *
 * invoice_charges.c makes charges of usage, invoice.c lines, credits, taxes and the difference of
 * them, invoice_document.c the document.
 */
#ifndef TALLY_METER_BILLING_INVOICE_PARTS_H
#define TALLY_METER_BILLING_INVOICE_PARTS_H

#include "base/dict.h"
#include "meter/billing/invoice.h"

/* Usage of all customers in a period, in the order of customers. */
struct cached {
	struct instant from, to;
	char zone[ZONE_NAME_MAX];
	struct usage_result *usage;
};

struct invoicer {
	struct ledger *ledger;
	struct drawer *drawer;
	const struct exchange_rates *exchange;
	bool for_all, accept_uncovered;
	enum invoice_part part;
	struct instant now; /* of the basis */
	struct cached *cache;
	size_t cached;
	struct zone *zone;
	char zone_name[ZONE_NAME_MAX];
};

/* What makes the price of a charge another one than that of the same usage at another time. */
struct charge_why {
	/* what the price held for: the window of the day, since when, and of which terms beside the
	   standard ones (batch, eu); several, where they came to the same price, by comma */
	struct text window, since, special;
	int64_t first_day, last_day; /* of use, where it is known by the day; 0 where not */
};

/* What usage was charged for: the same key again is the same line. */
struct charge {
	struct text provider, project, model, bucket, currency;
	struct text unit_price; /* for a million tokens or one call; "" where there is none */
	int64_t quantity;
	struct money_total amount; /* exact, before any markup's rounding */
	struct charge_why why;
	bool negotiated; /* at a price of the terms: no markup is added */
	struct decimal markup;
};

struct charges {
	struct charge *charge;
	size_t count;
	struct dict index; /* key to 1 + place */
	int64_t unpriced;
	struct arena *arena;
	const struct terms *terms;
	struct model_names
		*names; /* by which they name models, as they are at the end of the invoice */
	struct instant names_at;
	/* local days of the part that is charged now: prices and markups are the same on all */
	int64_t day, last_day;
	bool divided; /* into several of them */
};

/* A copy that lives as long as the arena. */
struct text invoice_keep(struct arena *a, struct text t);
bool invoice_in_credits(const struct invoice *i);
/* Usage is charged as the credits that it drew, for what they are worth. */
bool invoice_by_credits(const struct invoice *i);
/* What usage of the invoice's period is charged for, in the currencies that it has. */
int charges_of(struct invoicer *v, const struct invoice *i, struct charges *all,
	       const struct account *a, struct err *e);
void charges_release(struct charges *c);
/* Why the unit prices of charges that are otherwise the same differ, as an object of JSON ("" where
 * they do not): of the count charges of one project, model and bucket the one at `at`. */
struct text charge_reason(const struct charge *c, size_t count, size_t at, struct arena *a);

#endif
