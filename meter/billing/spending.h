/*
 * spending: what was spent and is held within a scope in its current period. Limits and budgets ask
 * the same function, which adds up usage as reports and invoices do: rollups once, then only the
 * rows that came since.
 *
 * A settled hold counts in the period in which it was made, within the scope that it was asked for:
 * what the usage there does not show of it (its record has another instant, another customer,
 * project or model, or no price) is added, and where the record has no price that is the estimate.
 */
#ifndef TALLY_METER_BILLING_SPENDING_H
#define TALLY_METER_BILLING_SPENDING_H

#include "base/zone.h"
#include "meter/billing/held.h"
#include "meter/ledger/ledger.h"
#include "meter/store/store.h"

/* Whose spending, on what, in which currency and kind of period. */
struct spending_scope {
	struct text customer, project, model; /* empty: any */
	struct text currency;
	struct text period; /* a window (window.h) */
	struct text zone;   /* whose days they are; empty: the account's, else UTC */
};

struct scope_state {
	struct instant from, to; /* of the period; INSTANT_MIN and _MAX where it has no end */
	struct instant apart;	 /* as in window_span */
	struct money_total spent, held;
	struct nano_credits held_credits;
	int64_t unpriced; /* records that `spent` does not hold, or holds by their estimate only */
	int64_t placeholders; /* records of which `spent` holds a part only (usage_query) */
	int64_t foreign;      /* records priced in other currencies, which `spent` does not hold */
	bool held_foreign;    /* open holds are in other currencies, which `held` does not hold */
};

/* Spending, remembered between questions; belongs to the thread that asks. */
struct spending;
struct spending *spending_open(struct store *s);
void spending_close(struct spending *sp);
struct store *spending_store(const struct spending *sp);
/* Whoever asks inside transactions that are committed: from the first question on, the sum of what
 * is held within a scope is kept in the database. */
void spending_keep_held(struct spending *sp);
struct held *spending_held(const struct spending *sp);

/* Errors: ERR_NOT_FOUND and ERR_UNREADABLE for the zone, ERR_RANGE, ERR_STORE. */
int spending_of(struct spending *sp, const struct spending_scope *scope, struct instant now,
		struct scope_state *out, struct err *e);

/* A hold that was settled. */
struct settled_hold {
	struct text id, customer, project, model, currency;
	struct money estimate;
	struct instant created;
	struct text
		usage; /* id of the record, which is stored already; '': it was settled by hand */
};
/* Inside a transaction: keeps apart what the usage of the hold's period and scope does not show. */
int spending_settled(struct store *s, const struct settled_hold *h, struct err *e);

#endif
