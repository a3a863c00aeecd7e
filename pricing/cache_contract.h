/*
 * cache_contract: what a vendor promises of its prompt cache, dated and sourced like a price.
 *
 * A card states it under "caches" (docs/caches.md). It says what can be found again, how long, and
 * which bucket bills the write; what that costs is the price's work.
 */
#ifndef TALLY_PRICING_CACHE_CONTRACT_H
#define TALLY_PRICING_CACHE_CONTRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/instant.h"
#include "base/json.h"

struct fault_list;

/* The lifetime that is meant when nobody asks, and the one that has to be asked for. */
enum cache_lifetime { CACHE_SHORT, CACHE_LONG, CACHE_LIFETIMES };

struct cache_contract {
	const char *provider;
	const char *models; /* a model, the beginning of names (ends in a star), or "*" */
	struct instant from, to;
	int64_t minimum, quantum; /* tokens: shorter prompts are not kept, hits are whole quanta */
	int64_t computed;	  /* tokens at a prompt's end that never hit */
	int64_t settle_us;	  /* before it, what was written cannot hit */
	int64_t life_us[CACHE_LIFETIMES]; /* 0: there is no such lifetime */
	int64_t life_most_us;		  /* of the short one, where only a range is published */
	int write[CACHE_LIFETIMES];	  /* the bucket that bills the write; -1: none */
	/* only what the client marks is kept, up to the marks */
	bool breakpoints[CACHE_LIFETIMES];
	/* how many ends of content blocks are looked at in front of each mark, it included; 0: all
	 */
	int64_t lookback;
	bool of_write[CACHE_LIFETIMES]; /* reading does not make it live longer */
	bool by_customer;		/* end users of one account share nothing */
	/* the fee's unit that bills tokens times hours; NULL: none */
	const char *storage[CACHE_LIFETIMES];
	const char *source, *sure;
};

/* One object of a card's "caches", for each of its models. Faults are added with their place. */
void cache_contract_parse(struct cache_contract **list, size_t *count, json_value *v,
			  const char *place, struct arena *a, struct fault_list *faults);
/* How closely the contract names that model: 0 not at all, an exact name most. */
size_t cache_contract_names(const struct cache_contract *c, const char *model);
/* Which lifetime a client gets that asks for so much: the longest within it, else the short one. */
enum cache_lifetime cache_contract_lifetime(const struct cache_contract *c, int64_t asked_us);
/* The same cache but for its minimum: what one vendor's model found, the other finds. */
bool cache_contract_alike(const struct cache_contract *a, const struct cache_contract *b);

#endif
