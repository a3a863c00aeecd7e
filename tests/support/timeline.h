/*
 * timeline: a model of credits, for tests: what grants, uses and resets come to over a period, from
 * their instants alone, event by event. The ledger has to agree with it.
 *
 * A grant counts from its effective instant until it expires or is voided. A recurring grant is
 * full again at every recurrence. A reset keeps of each grant what its rollover rule allows. Use
 * that no grant covers is overage; with `repay` a later grant pays it first, else it stays.
 */
#ifndef TALLY_TESTS_SUPPORT_TIMELINE_H
#define TALLY_TESTS_SUPPORT_TIMELINE_H

#include "meter/ledger/lot.h"
#include "meter/ledger/recurrence.h"

struct timeline_grant {
	struct lot lot;	       /* left: at the start of the period */
	struct instant voided; /* INSTANT_MAX when never */
	bool recurs;
	struct recurrence recurrence;
	struct credits_total rollover_min, rollover_max;
	bool in_snapshot; /* its balance at the start is known */
};

enum timeline_op { TIMELINE_USE, TIMELINE_RESET };
struct timeline_event {
	enum timeline_op op;
	struct instant at;
	struct credits_total amount;
};

/* Between two changes of the grants. */
struct timeline_segment {
	struct instant from;
	struct credits_total balance_at_start, overage_at_start, overage;
};

struct timeline {
	struct timeline_grant *grant; /* their lots end with what is left, in the caller's order */
	size_t grants;
	struct timeline_event *event;
	size_t events;
	struct instant start, until; /* [start, until] */
	struct burn_order order;
	bool repay; /* overage is paid by later grants */
	/* the balances at the start are known (a snapshot); else grants are full when they begin */
	bool has_snapshot;
};

/* Takes a balance at the start. Errors: ERR_NOT_FOUND when no grant has that id. */
int timeline_snapshot(struct timeline_grant *grant, size_t grants, struct text id,
		      struct credits_total left, struct err *e);

struct timeline_result {
	struct credits_total overage;
	struct timeline_segment *segment;
	size_t segments;
	/* of each segment, the balance of each grant at its start, in the caller's order */
	struct credits_total *start_balance;
};

/* Errors: ERR_INVALID (a reset at the very start, events out of the period, a snapshot without one
 * of the grants). */
int timeline_run(struct timeline_result *out, const struct timeline *t, struct err *e);
void timeline_release(struct timeline_result *r);

#endif
