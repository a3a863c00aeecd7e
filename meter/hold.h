/*
 * hold: money reserved for a call in flight, so that calls running at once cannot spend more than
 * they may.
 *
 * A hold is asked for before the call with an estimate, and ends once: settled by the call's usage
 * record, released, or expired. It is admitted only while spent + held + estimate stays within the
 * customer's limit and every hard budget that covers it, whoever's holds these cover too; all of it
 * inside one transaction of the store, so however many ask at once, what is admitted never exceeds
 * them. What a call really used may exceed its hold; docs/metering.md states the bound as a
 * formula.
 */
#ifndef TALLY_METER_HOLD_H
#define TALLY_METER_HOLD_H

#include "meter/billing/spending.h"
#include "meter/ingest/ingest.h"
#include "meter/ledger/ledger.h"

struct spending_limit {
	struct text customer, currency, period; /* period: a window (meter/billing/window) */
	struct text zone;			/* empty: the account's, else UTC */
	struct money amount;
};

enum { LIMITS_MOST = 8 };

/* How a customer stands: in the period and currency of the limit that leaves least; of ever when
 * there is none. */
struct standing {
	bool limited;
	struct money limit;
	char currency[16]; /* of the limit */
	char period[32];
	struct scope_state of;
};

/* The limits of a customer, with how it stands within each. */
struct standings {
	struct standing of[LIMITS_MOST];
	size_t count, least; /* least: which leaves least */
};

struct hold {
	struct text id, customer, currency, state, request, usage;
	struct money amount;
	struct nano_credits credits; /* reserved of the customer's account; 0: it has none */
	struct instant created, expires;
	/* of the call to come, for budgets. Of a hold that was made, the model is what its name
	 * means by the price cards (store_models), and provider is empty */
	struct text project, model, provider;
};

enum { HOLD_SECONDS_DEFAULT = 600, HOLD_SECONDS_MOST = 86400 };

/* All inside a transaction. */
/* Errors: ERR_INVALID where usage or open holds of its period are in another currency. */
int limit_set(struct store *s, const struct spending_limit *l, struct instant now, struct err *e);
/* A customer has one limit for each period, at most LIMITS_MOST; all of them hold. period: of that
 * one; NULL: all. Errors: ERR_NOT_FOUND when there is none of that period. */
int limit_clear(struct store *s, const char *customer, const char *period, struct err *e);
int limit_state(struct spending *sp, const struct spending_limit *l, struct instant now,
		struct scope_state *out, struct err *e);
/* currency: of a customer without a limit. */
int standing_of(struct spending *sp, struct text customer, struct text currency, struct instant now,
		struct standing *out, struct err *e);
int standings_of(struct spending *sp, struct text customer, struct instant now,
		 struct standings *out, struct err *e);
int limits_each(struct store *s, int (*take)(void *user, const struct spending_limit *l),
		void *user, struct err *e);

/*
 * Admits the hold or refuses it (ERR_LIMIT): by the customer's spending limits, by the hard budgets
 * that cover it, and by the balance of the customer's credit account. What cannot be judged,
 * because a limit or budget is in another currency or cannot be evaluated, is refused. The same id
 * again with the same request is the same hold; with another one, or once it has ended,
 * ERR_CONFLICT.
 */
int hold_open(struct spending *sp, struct ledger *l, const struct hold *h, struct instant now,
	      struct standing *after, struct err *e);
/* Inside a transaction, when the price cards have changed: names of open holds that mean another
 * model now count for that one. */
int hold_rename(struct store *s, struct instant now, struct err *e);
/* Errors: ERR_NOT_FOUND. The texts are in `texts`, which the caller releases. */
int hold_find(struct store *s, struct text id, struct hold *out, struct arena *texts,
	      struct err *e);
/* Open holds that have not expired; customer NULL: of everyone. */
int hold_each_open(struct store *s, const char *customer, struct instant now,
		   int (*take)(void *user, const struct hold *h), void *user, struct err *e);
/* Whether hold_end would end it so, or has done it already. Errors: ERR_NOT_FOUND, ERR_CONFLICT. */
int hold_can_end(struct spending *sp, struct text id, const char *state, struct text usage,
		 struct err *e);
/* Ends an open hold; the usage record that settles it is stored already. Ending it again in the
 * same way changes nothing; in another way is ERR_CONFLICT. An expired hold can still be settled:
 * the usage is a fact. */
int hold_end(struct spending *sp, struct text id, const char *state, struct text usage,
	     struct instant now, struct err *e);
/*
 * Settles an open hold on an account by an amount of credits instead of a usage record: what is
 * used is drawn, the rest of the hold is free again. strict: not more than was held (ERR_LIMIT);
 * else the extra is drawn too, as far as the overage policy goes. A hold that has ended is
 * ERR_CONFLICT and says how.
 */
struct hold_settlement {
	struct text hold;
	struct nano_credits used;
	bool strict;
};
int hold_settle_credits(struct spending *sp, struct ledger *l, const struct hold_settlement *s,
			struct instant now, struct drawn *out, struct err *e);
/* Marks what is past its time. */
int hold_expire(struct spending *sp, struct instant now, int64_t *count, struct err *e);

/* The estimate of a record's cost, rounded up to 1e-12 of the currency. Errors: ERR_UNPRICED. */
int hold_estimate(struct ingest *in, struct store *s, const struct record *r, struct money *out,
		  struct text *currency, struct err *e);

#endif
