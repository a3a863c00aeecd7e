/*
 * whatif_run: a scenario at work (sim/whatif).
 *
 * Conversations are independent but for one thing: whether a model's cache was in use at all when
 * one began. So a scenario is gone through twice: the survey notes which models and caches come
 * first and when each cache was used, and then every thread replays the conversations that it
 * takes. Prompts that are replayed block by block share one cache, and are run in one pass by one
 * thread.
 */
#ifndef TALLY_SIM_WHATIF_RUN_H
#define TALLY_SIM_WHATIF_RUN_H

#include <pthread.h>
#include <stdatomic.h>

#include "pricing/tariffs.h"
#include "sim/cache_uses.h"
#include "sim/whatif.h"

/* A model (and tier, and region) as calls of a scenario ask for it. */
struct asked {
	struct subject *subject; /* NULL: not asked for yet */
	/* the cache behind its last answer */
	const struct tariff_answer *cached;
	uint32_t cache;
};

/* What a play finds where that is rebuilt from counts (struct count_found), and what keeping its
 * prompt adds. */
struct play_bounds {
	int64_t floor, least, most, expected, hours_least, hours_most;
};

/* One call as a scenario runs it. */
struct play {
	uint32_t call, target; /* of the calls at hand; of the route, or behind them the recorded
				  subjects */
	int64_t time_us;
	struct asked *asked;
	struct tariff_answer *answer; /* at that time */
	int64_t hit;		      /* prompt tokens that the cache had */
	int64_t token_hours;	      /* that keeping its prompt adds, where that is billed */
	uint32_t cache;		      /* that it uses, where caches are asked */
	bool as_recorded;	      /* what it found, and so what it wrote */
	bool bounded;		      /* not all of its bounds are what it found */
	bool unmarked;		      /* input of the record is what nobody marked */
	bool again;		      /* a second pass over the conversation, on another model */
	bool failed;		      /* an attempt that another one follows */
};

struct run;

/* Caches have the same numbers in all scenarios. */
struct cache_numbers {
	pthread_mutex_t lock;
	struct dict dict;
};

/* One scenario, as all threads see it. */
struct stage {
	const struct whatif_options *o;
	const struct scenario *s;
	bool waits;
	bool assumes;	  /* that counts or hits are others than the recorded ones */
	uint32_t targets; /* of the route, and the recorded subjects behind them */
	struct cache_rules asked;
	struct whatif_result plan; /* its models, in the order of first use, without sums */
	int32_t *line_of;	   /* place of each target's model in it; -1: not used yet */
	size_t clusters;	   /* of costs; conversations beyond are added round */
	struct money_total *by_conversation; /* of a sample: each is one thread's */
	struct whatif_result *out;
	size_t like; /* the first stage that sees the recorded calls as this one does; or itself */
	/* where hits are rebuilt */
	struct cache_numbers *numbers;
	struct model_cache *cache; /* by number, after the survey */
	uint32_t *kind; /* likewise: the first stage of those like this that has the same */
	uint32_t caches;
	struct cold_uses cold; /* plays that find their cache out of use, as play_number */
};

/* The first of its kind: keys ascend in the order of plays. */
struct seen_cache {
	uint128 key;
	const struct tariff_answer *answer;
	bool hosted;
};
struct first_use {
	uint128 key;
	const char *resolved;
};

struct seen_caches {
	struct seen_cache *of; /* by number of the cache */
	size_t count;
};

struct hour;

/* What a thread remembers of an answer (its `group`): 1 + the numbers of the caches behind it, of a
 * vendor and on machines; 0: not asked yet. */
struct answer_caches {
	uint32_t number[2];
};

/* What a thread keeps for all scenarios. */
struct desk {
	struct tariffs *tariffs;
	struct arena arena;  /* of what is remembered of answers */
	const char **window; /* by window_id - 1 */
	size_t windows;
	struct play *play;
	struct play_bounds *bounds; /* by play, where hits are rebuilt */
	size_t play_room;
	struct count_memo *memo;
	struct work_call *work; /* that were packed */
	size_t work_room;
	/* of several threads */
	struct crew *crew;
	int index;
};

/* A thread's part of one scenario. */
struct run {
	struct desk *desk;
	struct run *like; /* the same thread's of the stage's `like` */
	struct stage *stage;
	const struct whatif_options *o;
	const struct scenario *s;
	struct whatif_result *out, part;
	uint32_t targets;
	struct asked *asked;	    /* by target and by what was recorded */
	struct model_caches caches; /* of prompts in blocks */
	struct seen_caches seen, seen_recorded;
	struct cache_uses uses;
	struct first_use *first;	  /* by target */
	uint128 *reason_key, *window_key; /* of those in out */
	uint32_t *window_at; /* by the answer's window_id: 1 + place in out->by_window */
	size_t window_room;
	int64_t days_from_us;	     /* when the first of out->by_day began */
	struct money_total *cluster; /* of the conversation `cluster_of`; NULL: of none yet */
	uint32_t cluster_of;
	struct hosted_call *hosted; /* of models on machines */
	size_t hosteds, hosted_room;
	struct count_cache *counts;
	/* the calls at hand, of a conversation or of all */
	const struct work_call *call;
	size_t from, calls;
	struct play *play; /* the desk's */
	size_t plays;
	bool unsaid; /* the amount that was last asked for is the least that it may be */
	/* cache of each call, and what its model answers; those of `like` */
	uint32_t *recorded;
	struct tariff_answer **answered;
	int64_t *found; /* by target: what is left of the conversation */
	size_t recorded_room;
	struct tariffs *tariffs; /* the desk's */
	struct hour *hour;
	struct err failure;
};

static inline bool is_recorded(const struct run *r, uint32_t target)
{
	return target >= r->s->route.targets;
}

static inline int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline const struct work_call *call_of(const struct run *r, const struct play *p)
{
	return &r->call[p->call];
}

/* Whether it is made when and where it was recorded. */
static inline bool whatif_as_recorded(const struct run *r, const struct play *p)
{
	return is_recorded(r, p->target) && p->time_us == call_of(r, p)->time_us;
}

/* A play among those of its scenario; an attempt that fails shares it with the one that follows. */
static inline uint64_t play_number(const struct run *r, const struct play *p)
{
	return (uint64_t)call_of(r, p)->order << 1 | p->again;
}

/* Ascends in the order in which plays happen; what a play does afterwards has the next ones. */
enum { KEY_CREDITS = 1, KEY_BOUNDS = 2 };
static inline uint128 play_key(const struct run *r, const struct play *p)
{
	const uint64_t time = (uint64_t)p->time_us ^ (uint64_t)1 << 63;
	return (uint128)1 << 127 | (uint128)time << 40 |
	       ((uint64_t)call_of(r, p)->order << 4 | (uint64_t)p->again << 3 |
		(uint64_t)!p->failed << 2);
}

/* Whether what happens at that time has a greater key, whatever it is. */
static inline bool play_is_after(uint128 key, int64_t time_us)
{
	return ((uint64_t)time_us ^ (uint64_t)1 << 63) > (uint64_t)(key >> 40);
}

/* --- whatif_plays: which model, and when --- */
void whatif_ask_first(struct run *r, struct asked *a, uint32_t target, const struct work_call *c);
/* What a call asks of a target, kept: the route's targets first, what was recorded behind. */
static inline struct asked *whatif_ask(struct run *r, uint32_t target, const struct work_call *c)
{
	const struct route *route = &r->s->route;
	const uint32_t row = is_recorded(r, target) ? route->targets : target;
	const bool retiered = route->service_tier.n && route_retiers(route, r->o->workload, c);
	struct asked *a = &r->asked[(row * r->o->workload->subjects + c->subject) * 2 + retiered];
	if (!a->subject)
		whatif_ask_first(r, a, target, c);
	return a;
}
struct work_subject whatif_target(const struct stage *st, uint32_t target);
/* The plays of the calls at hand, in the order in which they happen. */
void whatif_choose(struct run *r);

/* --- whatif_caches: what the caches had --- */
struct cache_rules whatif_asked_rules(const struct whatif_options *o, const struct scenario *s);
/* Of the calls at hand, and of their plays: which caches they use, and when. */
void whatif_survey_recorded(struct run *r);
/* What answered each of them; before whatif_choose. */
void whatif_recorded(struct run *r);
void whatif_survey_caches(struct run *r);
/* After the survey: what caches there are, and which plays find theirs out of use. like: the runs
 * of the stage's `like`. */
void whatif_find_cold(struct stage *st, const struct run *run, const struct run *like, int runs);
/* Which of its caches those of earlier stages are, which are `stages` in front of it. */
void whatif_tell_kinds(struct stage *st, size_t stages);
void whatif_hits(struct run *r);
int whatif_hit_blocks(struct run *r, struct err *e);

/* --- whatif_cost: what it costs --- */
int whatif_add_plays(struct run *r, struct err *e);
/* What the scenario's models come to, after all plays. */
int whatif_sum(const struct stage *st, struct whatif_result *out, struct err *e);
/* The line of the target's model, added to `list` where there is none. */
struct whatif_model *whatif_line(struct stage *st, struct whatif_result *list, uint32_t target,
				 const char *resolved);
/* Adds a thread's sums to those of the scenario. */
int whatif_merge(struct stage *st, struct whatif_result *out, struct run *run, int runs,
		 struct err *e);
/* The machines of hosted models, which take the calls that the threads noted. */
int whatif_rent(const struct scenario *s, struct whatif_result *out, const struct run *run,
		int runs, struct err *e);

#endif
