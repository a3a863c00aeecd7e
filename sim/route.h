/*
 * route: which model answers each call of a workload, and when.
 *
 * A route is written as MODEL, `recorded`, every:K:A:B, conversation:K:A:B, from:N:A:B,
 * share:P:A:B, offpeak:MAXDELAY:MODEL, batch:MODEL, rules:FILE or cascade:FILE (docs/whatif.md). A
 * model is written NAME or PROVIDER/NAME. Choosing is deterministic: shares are seeded hashes of
 * the conversation.
 */
#ifndef TALLY_SIM_ROUTE_H
#define TALLY_SIM_ROUTE_H

#include "pricing/book.h"
#include "sim/workload.h"

enum route_kind {
	ROUTE_MODEL,
	ROUTE_RECORDED,
	ROUTE_EVERY,
	ROUTE_CONVERSATION,
	ROUTE_FROM,
	ROUTE_SHARE,
	ROUTE_OFFPEAK,
	ROUTE_RULES,
	ROUTE_CASCADE,
};

struct route_target {
	struct text provider, model; /* provider empty: the vendor that owns the name */
};

enum { ROUTE_TARGETS_MAX = 64, ROUTE_RULES_MAX = 256 };
#define ROUTE_AS_RECORDED UINT32_MAX

struct route_rule {
	struct text workload, task, project, customer, model, effort; /* empty: any */
	int64_t prompt_min, prompt_max;				      /* tokens, both inclusive */
	uint32_t target;					      /* or ROUTE_AS_RECORDED */
};

struct route {
	enum route_kind kind;
	struct route_target target[ROUTE_TARGETS_MAX];
	uint32_t targets;
	int64_t n;	  /* K or N */
	uint64_t share;	  /* of 2^64; conversations whose hash is below go to A */
	bool all;	  /* the share is 1 */
	int64_t delay_us; /* the longest that work may wait */
	struct route_rule *rule;
	size_t rules;
	uint32_t otherwise;	  /* of rules */
	struct text service_tier; /* that calls are made in; empty: as recorded */
	struct text *wait;	  /* workloads that may wait, or be made in that tier; none: all */
	size_t waits;
	/* what is tried on one model and then run on another too */
	bool escalates, by_name;
	uint32_t escalate_from, escalate_to; /* targets; from: or ROUTE_AS_RECORDED for any */
	struct dict escalated;		     /* tasks or conversations, by name */
	struct text *escalated_name;	     /* the same, in their order */
	size_t escalated_names;
	struct route_rule escalate_when; /* and only such calls */
	/* of each rule, of escalate_when and of each target, by subjects of the workload: whether
	   its model is meant (route_bind); NULL: names are compared as they stand */
	const bool *means;
};

/* book: to tell PROVIDER/NAME from names with a slash. Texts live in the arena. Errors: ERR_USAGE,
 * ERR_NOT_FOUND, ERR_INVALID. */
int route_parse(struct route *out, const char *spec, const struct book *book, struct arena *a,
		struct err *e);
void route_release(struct route *r);
/* Which models of the workload its names mean at that instant, under all their spellings. What it
 * finds lives in the arena. */
void route_bind(struct route *r, const struct workload *w, const struct book *book,
		struct instant at, struct arena *a);
/* Whether the rule, or behind the last one escalate_when, is for the model of that subject. */
bool route_rule_means(const struct route *r, size_t rule, const struct workload *w,
		      uint32_t subject);
/* Of a route to one model: it takes only calls that ran on `model` (whose text stays the caller's)
 * and on those of further calls of this function; all others stay as recorded. Errors: ERR_USAGE
 * (more models than a route has rules). */
int route_only_from(struct route *r, struct text model, struct err *e);
/*
 * Whether some card has the name that somebody typed as a target, at whatever instant and in
 * whatever currency: a slip of the pen is no scenario. Of what looks like a route the message lists
 * the kinds there are. Errors: ERR_NOT_FOUND.
 */
int route_target_known(const struct route_target *t, const struct book *book, struct err *e);
/* "0.2" or "20%", as a part of 2^64; *all when it is the whole. Errors: ERR_USAGE. */
int share_parse(uint64_t *part, bool *all, struct text s, struct err *e);

/* Whether calls of one conversation may have different targets, and not only by their subjects. */
static inline bool route_is_by_call(const struct route *r)
{
	return r->kind == ROUTE_EVERY || r->kind == ROUTE_FROM || r->kind == ROUTE_RULES;
}
/* The target of a call of the workload, or ROUTE_AS_RECORDED; notes which rule decides. */
uint32_t route_target(const struct route *r, const struct workload *w, const struct work_call *c,
		      uint64_t seed, bool decides[ROUTE_RULES_MAX]);
/* Whether the call, tried on `target` (behind the targets: on what was recorded), is run on
 * escalate_to too. */
bool route_escalates(const struct route *r, const struct workload *w, const struct work_call *c,
		     uint32_t target, uint64_t seed);
/* Whether the call may wait for a cheaper hour. */
bool route_may_wait(const struct route *r, const struct workload *w, const struct work_call *c);
/* Whether the call is made in the route's service tier and not in its own. */
bool route_retiers(const struct route *r, const struct workload *w, const struct work_call *c);

#endif
