/*
 * tariffs: what the price book and the plan say, remembered per model and quarter of an hour.
 *
 * Belongs to one thread. The book is asked once for a model and the quarter hours in which its
 * answer cannot change; instants in a quarter hour that a price or window divides are asked one by
 * one.
 */
#ifndef TALLY_PRICING_TARIFFS_H
#define TALLY_PRICING_TARIFFS_H

#include "base/arena.h"
#include "pricing/plan.h"

/* One answer: a price under one window, or why there is none. */
struct tariff_answer {
	const struct price *price; /* NULL: unpriced */
	const struct tariff *tariff;
	const struct price *may_be; /* as struct price_match */
	const char *resolved;	    /* model name after aliases */
	const char *unpriced;	    /* why there is no price */
	struct credit_rates credits;
	bool has_credits, credits_by_prompt;
	const char *uncredited;
	bool request_fee; /* the price charges each request */
	/* For the common case, one price for every prompt and request: */
	bool plain;
	int64_t rate[BUCKET_COMMON]; /* pico per million; 0 for reasoning, which is part of output
				      */
	uint32_t unstated;	     /* common buckets without a price */
	uint32_t linear; /* the others, if it is plain, all rates are below 2^56, and no other
			  * price may have held: tokens times the rate is what they cost */
	/* Where the rates depend on the length of the prompt: this answer for a call of each
	 * context tier, which is as plain as those rates are; the lowest first. Or NULL. */
	struct tariff_answer *by_prompt;
	/* the caller's, when nothing else tells groups apart: */
	void *group;
	int64_t number; /* of the price in a store; 0: not given yet */
	int64_t waiting_records, waiting[BUCKET_COMMON]; /* not priced yet: pricing is linear */
	uint32_t window_id, why_id,
		why_credits_id; /* ids that the caller gives; 0: not given yet */
};

/* A model as records name it. */
struct subject {
	struct text provider, model, service_tier, region;
	uint32_t model_id; /* given by the caller; 0: not given yet */
	uint32_t hash;	   /* private, as what follows */
	struct tariff_answer **answer;
	size_t answer_count;
	struct tariff_page *page, *last_page;
	/* the last answer from the table, for traces in the order of time */
	struct tariff_answer *held;
	int64_t held_from_us, held_to_us;
	struct subject *next;
};

struct tariffs;
struct tariffs *tariffs_open(const struct book *book, const struct plan *plan,
			     const char *currency);
void tariffs_close(struct tariffs *t);

struct subject *tariffs_subject(struct tariffs *t, struct text provider, struct text model,
				struct text service_tier, struct text region);
/* The subject of a model when nothing else is named but the provider, which must be the same in
 * every call. */
struct subject *tariffs_model(struct tariffs *t, struct text provider, struct text model);
/* How many are remembered; whoever is told names without end begins again now and then. */
size_t tariffs_subjects(const struct tariffs *t);
/* Every answer that was ever given. */
void tariffs_each(struct tariffs *t, void (*take)(void *user, struct tariff_answer *a), void *user);
struct tariff_answer *tariffs_ask_table(struct tariffs *t, struct subject *s, int64_t time_us);
static inline struct tariff_answer *tariffs_ask(struct tariffs *t, struct subject *s,
						int64_t time_us)
{
	return time_us >= s->held_from_us && time_us < s->held_to_us
		       ? s->held
		       : tariffs_ask_table(t, s, time_us);
}
/* The answer whose rates a call of that prompt is billed at; a itself where the length of a prompt
 * makes no difference. Who cannot tell the prompt of each call stays with a. */
static inline struct tariff_answer *tariffs_of_prompt(struct tariff_answer *a, int64_t prompt)
{
	return a->by_prompt ? &a->by_prompt[tariff_tier(a->tariff, prompt)] : a;
}
/* Whether some answer has been given that another price may have held instead, or that of a seller
 * of whom no card has prices. */
bool tariffs_in_doubt(const struct tariffs *t);
/* Why the hours of a bucket of time, [from, to), have no price that all of them share, or NULL. */
const char *tariffs_divided(struct tariffs *t, struct subject *s, int64_t from_us, int64_t to_us);
/* No price, because of what the call itself says. */
struct tariff_answer *tariffs_none(struct tariffs *t, struct subject *s, const char *why);
/* What is rated in credits: u's tokens and requests at that time, all of them calls of s. */
struct credited {
	struct subject *subject;
	int64_t time_us;
	const struct usage *usage;
};
/*
 * The credits of a call, or of a row of several, under the answer that its subject got at that
 * time, and the rates behind them (used; may be NULL). A row of several requests has credits where
 * it has a price: only when every call lies in the lowest context tier. Errors: ERR_UNPRICED with
 * the reason, ERR_RANGE.
 */
int tariffs_credits(struct tariffs *t, const struct tariff_answer *a, const struct credited *what,
		    struct credits_total *out, struct credit_rates *used, struct err *e);
/* Whether all hours of a bucket of time, [from, to), have the same credit rates. */
bool tariffs_same_credits(struct tariffs *t, struct subject *s, int64_t from_us, int64_t to_us);

#endif
