/*
 * model_cache: which cache a call uses, by what rules, and what it leaves of the prompt.
 *
 * A model has one at each vendor, by whatever name and in whatever service tier it is called; a
 * region has its own where it has prices of its own. Rules are what was asked for, and for the rest
 * the card's contract. The law: where writes are billed, nothing hits that was not written, and
 * what is written is billed.
 */
#ifndef TALLY_SIM_MODEL_CACHE_H
#define TALLY_SIM_MODEL_CACHE_H

#include "base/dict.h"
#include "pricing/tariffs.h"
#include "sim/prefix_cache.h"

struct model_cache {
	const struct cache_contract *contract; /* NULL: unknown */
	struct cache_rules rules;
	bool bills_writes;
	struct instant until;	   /* contracts change; from then on `later` holds */
	struct model_cache *later; /* NULL: no expiry */
};

/* As it is at that time. */
static inline const struct model_cache *model_cache_at(const struct model_cache *m, int64_t us)
{
	while (m->later && us >= m->until.us)
		m = m->later;
	return m;
}

struct model_caches {
	const struct book *book;
	struct cache_rules asked;
	struct dict numbers;
	struct model_cache *cache; /* by number */
	uint32_t count, room;
};

void model_caches_release(struct model_caches *m);
/* What tells the cache behind an answer from others, added to `key`. */
void model_cache_key(struct buf *key, const struct subject *s, const struct tariff_answer *a,
		     bool hosted);
/* The cache behind an answer, at all times. hosted: on machines of one's own, where no vendor's
 * contract holds. */
struct model_cache model_cache_of(const struct book *book, const struct cache_rules *asked,
				  const struct tariff_answer *a, bool hosted);
void model_cache_release(struct model_cache *m);
/* Whether both have the same rules at all times, as far as their bytes tell. */
bool model_cache_same(const struct model_cache *a, const struct model_cache *b);
/* The shortest time that such a cache keeps anything at any time, by whichever of its answers comes
 * first; -1: no expiry. *apart: whether it may end at the customer. key: as model_cache_key. */
int64_t model_cache_shortest(const struct book *book, const struct cache_rules *asked,
			     const struct buf *key, bool hosted, bool *apart);
/* The number of the cache behind an answer that a subject got. */
uint32_t model_caches_number(struct model_caches *m, const struct subject *s,
			     const struct tariff_answer *a, bool hosted);

bool model_cache_bills_writes(const struct tariff_answer *a);
/* Whether recorded writes are input on the target: it bills none, and is not what was recorded.
 * own: what the call's own model answers at that time. */
bool model_cache_reads_writes(const struct tariff_answer *target, const struct tariff_answer *own);
/*
 * The prompt's buckets: `hit` tokens are read, the rest of the `reach` ones that the client lets
 * into the cache is written where that is billed, what is left is input. an_hour: it asked for the
 * long lifetime. Only the prompt's buckets of tokens change.
 */
void model_cache_split(const struct model_cache *m, const struct tariff_answer *a, bool an_hour,
		       int64_t reach, int64_t hit, int64_t tokens[BUCKET_COMMON]);

#endif
