/*
 * lot: credits granted to one account, and the order in which they are used up.
 *
 * Pure: takes lots as they are, changes what is left in them, and says what it took. The store's
 * ledger and every test burn through here. Amounts are exact; nothing is rounded.
 */
#ifndef TALLY_METER_LEDGER_LOT_H
#define TALLY_METER_LEDGER_LOT_H

#include "base/arena.h"
#include "base/instant.h"
#include "base/money.h"

enum lot_class { LOT_GRANTED, LOT_PAID };

struct lot {
	struct text id;
	int64_t number; /* the caller's */
	struct credits_total amount, left;
	struct credits_total cap; /* at most so much at once; negative: no cap */
	enum lot_class kind;
	int64_t priority;			    /* smaller burns first */
	struct instant effective, expires, created; /* expires: INSTANT_MAX when never */
	bool has_cost_basis;
	struct money_total cost_basis; /* paid for one credit */
};

/* Whether it is effective then and not expired. */
static inline bool lot_counts(const struct lot *l, struct instant at)
{
	return at.us >= l->effective.us && at.us < l->expires.us;
}

/* What decides between two lots, first to last. */
enum burn_key {
	BURN_PRIORITY,
	BURN_EXPIRY,	    /* soonest first, never last */
	BURN_EXPIRY_SECOND, /* the same, to the whole second */
	BURN_CLASS,	    /* granted before paid */
	BURN_COST_BASIS,    /* cheapest first, unknown first */
	BURN_EFFECTIVE,
	BURN_CREATED,
	BURN_ID,
	BURN_LARGEST, /* largest remaining first: an order that changes while it burns */
};
enum { BURN_KEYS_MAX = 9 };
struct burn_order {
	enum burn_key key[BURN_KEYS_MAX];
	int count;
};
#define BURN_ORDER_DEFAULT "priority,expiry,class,cost-basis,effective,created,id"
/* "priority,expiry,class" (names: priority, expiry, expiry-second, class, cost-basis, effective,
 * created, id, largest). Created and id follow where they are not named, so that the order is
 * total. Errors: ERR_USAGE. */
int burn_order_parse(struct burn_order *out, const char *list, struct err *e);

void lots_sort(struct lot *lot, size_t count, const struct burn_order *order);

struct lot_use {
	size_t lot; /* place after sorting */
	struct credits_total amount;
};

enum shortfall {
	SHORT_REFUSE,  /* all or nothing */
	SHORT_PARTIAL, /* what there is; the rest is the caller's */
};

struct lot_demand {
	struct instant at;
	struct credits_total amount;
	enum shortfall policy;
};
struct lots_taken {
	struct lot_use *use; /* the caller's, with room for all lots */
	size_t uses;
	struct credits_total rest; /* what could not be had; 0 with SHORT_REFUSE */
};

/*
 * Takes from sorted lots that are effective then and not expired, in order. Errors: ERR_LIMIT with
 * SHORT_REFUSE when it does not suffice, and then nothing has changed; ERR_INVALID when the amount
 * is negative.
 */
int lots_take(struct lot *lot, size_t count, const struct lot_demand *want, struct lots_taken *out,
	      struct err *e);

/* Says so, as ERR_LIMIT. */
int lots_short(struct credits_total want, struct credits_total has, struct err *e);

/* What can be had at that instant. */
struct credits_total lots_available(const struct lot *lot, size_t count, struct instant at);

#endif
