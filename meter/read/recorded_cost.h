/*
 * recorded_cost: what sources say that calls cost, beside what the cards say.
 *
 * Two kinds that are never mixed: what sellers charged, and what agents, gateways and tracers
 * estimate. Neither is believed unasked; a charge prices a call that no card prices.
 */
#ifndef TALLY_METER_READ_RECORDED_COST_H
#define TALLY_METER_READ_RECORDED_COST_H

#include "meter/read/record.h"

enum recorded_kind { COST_CHARGED, COST_ESTIMATED, COST_KINDS };

/* Of the calls of one kind: how many state a cost and what it comes to; of those that a card
 * prices: both sums. */
struct recorded_cost {
	int64_t records, compared;
	struct money_total total, theirs, ours;
};

static inline enum recorded_kind recorded_kind(const struct stated_cost *c)
{
	return c->estimate ? COST_ESTIMATED : COST_CHARGED;
}

/* Adds a call, or (records -1, amounts below zero) reverses it. ours: what a card says, NULL
 * where none prices it. False when a sum no longer fits. */
bool recorded_cost_add(struct recorded_cost to[COST_KINDS], const struct stated_cost *c,
		       int64_t records, const struct money_total *ours);
bool recorded_cost_merge(struct recorded_cost to[COST_KINDS],
			 const struct recorded_cost from[COST_KINDS]);

#endif
