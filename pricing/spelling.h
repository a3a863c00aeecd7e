/*
 * spelling: the other ways in which clouds, gateways and agents write the name of a model, one step
 * after the other, with what a spelling tells besides: who sells it, in which region, in which
 * service tier.
 *
 * The steps are data (spelling.c). Names that a card lists are looked up first and need no rule.
 */
#ifndef TALLY_PRICING_SPELLING_H
#define TALLY_PRICING_SPELLING_H

#include <stdbool.h>

#include "base/text.h"

enum { SPELLING_MAX = 256 };

/* Begins with the name as it was written; the texts point into it or into the struct. */
struct spelling {
	struct text model, provider, region, service_tier;
	/* the unit whose fee every request pays besides (`:online`), or NULL */
	const char *request_fee;
	/* private */
	char room[SPELLING_MAX];
	struct text whole;
	bool tiers; /* whether the end of a name may tell a service tier */
	bool loose; /* nobody lists what was tried: what gateways and agents add is taken off */
	bool version_changed;
	int stage, taken; /* the step to try, and how many found something */
};

/* The next, simpler spelling of the same model; false when there is none. */
bool spelling_next(struct spelling *s);

/*
 * What a name ends in that is no part of which model it means, though it may decide a price: an
 * offer of it (":free"), and the edition that was asked for (the newest one, one of a day,
 * Bedrock's
 * "-1:0"). Taken off, and true when there was one.
 */
bool spelling_take_offer(struct text *model);
/* A card states the price of such an offer under its end alone, which names no model. */
bool spelling_is_offer(struct text model);
bool spelling_take_edition(struct text *model);

/* A vendor's name as cards have it: vertex_ai is vertex, gemini google. What is not known is
 * returned as it is. */
struct text provider_spelling(struct text provider);
/* Whether telemetry calls a framework so, which sells nothing: who does is told elsewhere, or by
 * the model. */
bool spelling_is_framework(struct text word);

/* What stands before a seller's name that an agent's configuration made up or that no shipped card
 * has: "via github-copilot". */
#define SOLD_VIA "via "
/* The name behind it, and true; else the word as it is. */
bool spelling_via(struct text *provider);

/* The card that holds what the vendor sells under such a name, where it is another one than its
 * own: Amazon's Nova on Bedrock is a first party's. NULL: none. */
const char *spelling_other_card(const char *provider, struct text model);

/* The names, the n-th of them, under which a seller's card lists a model that another vendor makes
 * and calls so: a gateway's own prefix, so that a bare name never means the gateway, and Bedrock's
 * "anthropic.NAME-v1:0". Calls that name the seller may leave it out. False: there are no more. */
bool spelling_own_name(char room[SPELLING_MAX], const char *provider, struct text name, int n);

#endif
