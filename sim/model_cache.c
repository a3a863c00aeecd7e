#include "sim/model_cache.h"

#include <stdlib.h>
#include <string.h>

void model_caches_release(struct model_caches *m)
{
	dict_release(&m->numbers);
	for (uint32_t i = 0; i < m->count; i++)
		model_cache_release(&m->cache[i]);
	free(m->cache);
}

bool model_cache_bills_writes(const struct tariff_answer *a)
{
	return a->price && a->tariff->rates.known >> BUCKET_CACHE_WRITE_5M & 1 &&
	       a->tariff->rates.per_million[BUCKET_CACHE_WRITE_5M].pico != 0;
}

bool model_cache_reads_writes(const struct tariff_answer *target, const struct tariff_answer *own)
{
	return target->price && target->price != own->price && !model_cache_bills_writes(target);
}

struct model_cache model_cache_of(const struct book *book, const struct cache_rules *asked,
				  const struct tariff_answer *a, bool hosted)
{
	const bool stated =
		a->price && a->resolved && a->price->provider && asked->vendor && !hosted;
	struct model_cache first, *c = &first;
	struct instant at = INSTANT_MIN;
	for (;;) {
		*c = (struct model_cache){ .bills_writes = model_cache_bills_writes(a),
					   .until = INSTANT_MAX };
		if (stated)
			c->contract =
				book_cache(book, a->price->provider, a->resolved, at, &c->until);
		c->rules = cache_rules_of(asked, c->contract);
		c->rules.unpaid = c->bills_writes && asked->writes == CACHE_WRITES_NONE;
		if (c->until.us == INSTANT_MAX.us)
			return first;
		at = c->until;
		c->later = mem_zalloc(sizeof *c->later);
		c = c->later;
	}
}

static void take_shortest(const struct cache_rules *r, int64_t *ttl_us, bool *apart)
{
	if (r->ttl_us >= 0 && (*ttl_us < 0 || r->ttl_us < *ttl_us))
		*ttl_us = r->ttl_us;
	*apart |= (r->scope & CACHE_CUSTOMER) != 0;
}

int64_t model_cache_shortest(const struct book *book, const struct cache_rules *asked,
			     const struct buf *key, bool hosted, bool *apart)
{
	const char *provider = key->p, *model = provider + strlen(provider) + 1;
	int64_t ttl_us = -1;
	*apart = false;
	take_shortest(asked, &ttl_us, apart);
	struct instant at = INSTANT_MIN;
	while (asked->vendor && !hosted && at.us != INSTANT_MAX.us) {
		const struct cache_rules r =
			cache_rules_of(asked, book_cache(book, provider, model, at, &at));
		take_shortest(&r, &ttl_us, apart);
	}
	return ttl_us;
}

void model_cache_release(struct model_cache *m)
{
	for (struct model_cache *c = m->later, *next; c; c = next) {
		next = c->later;
		free(c);
	}
	m->later = NULL;
}

bool model_cache_same(const struct model_cache *a, const struct model_cache *b)
{
	while (a && b && a->contract == b->contract && a->bills_writes == b->bills_writes &&
	       a->until.us == b->until.us && memcmp(&a->rules, &b->rules, sizeof a->rules) == 0) {
		a = a->later;
		b = b->later;
	}
	return !a && !b;
}

void model_cache_key(struct buf *key, const struct subject *s, const struct tariff_answer *a,
		     bool hosted)
{
	const struct text part[4] = {
		a->price && a->price->provider ? text_of(a->price->provider) : s->provider,
		a->resolved ? text_of(a->resolved) : s->model,
		a->price && a->price->region ? text_of(a->price->region) : (struct text){ 0 },
		text_of(hosted ? "hosted" : ""),
	};
	for (int i = 0; i < 4; i++) {
		buf_add(key, part[i].p, part[i].n);
		buf_add(key, "", 1);
	}
}

uint32_t model_caches_number(struct model_caches *m, const struct subject *s,
			     const struct tariff_answer *a, bool hosted)
{
	struct buf key = { 0 };
	model_cache_key(&key, s, a, hosted);
	uint64_t *n = dict_need(&m->numbers, (struct text){ key.p, key.n }, NULL);
	buf_release(&key);
	if (!*n) {
		*n = m->numbers.count;
		if (m->count == m->room) {
			m->room = m->room ? m->room * 2 : 16;
			m->cache = mem_grow(m->cache, m->room * sizeof *m->cache);
		}
		m->cache[m->count++] = model_cache_of(m->book, &m->asked, a, hosted);
	}
	return (uint32_t)(*n - 1);
}

/* The bucket that bills what is written. */
static int write_bucket(const struct model_cache *m, const struct tariff_answer *a, bool an_hour)
{
	const enum cache_lifetime life = m->rules.writes == CACHE_WRITES_ASKED ? m->rules.lifetime
					 : an_hour			       ? CACHE_LONG
									       : CACHE_SHORT;
	const int stated = m->contract ? m->contract->write[life] : -1;
	const int bucket = stated >= 0		? stated
			   : life == CACHE_LONG ? BUCKET_CACHE_WRITE_1H
						: BUCKET_CACHE_WRITE_5M;
	return a->tariff->rates.known >> bucket & 1 ? bucket : BUCKET_CACHE_WRITE_5M;
}

void model_cache_split(const struct model_cache *m, const struct tariff_answer *a, bool an_hour,
		       int64_t reach, int64_t hit, int64_t tokens[BUCKET_COMMON])
{
	int64_t prompt = 0;
	for (int k = 0; k < BUCKET_OUTPUT; k++)
		prompt += tokens[k];
	if (!model_cache_bills_writes(a) || m->rules.unpaid || reach < m->rules.minimum)
		reach = 0;
	memset(tokens, 0, BUCKET_OUTPUT * sizeof *tokens);
	tokens[BUCKET_CACHE_READ] = hit;
	if (reach > hit)
		tokens[write_bucket(m, a, an_hour)] = reach - hit;
	tokens[BUCKET_INPUT] = prompt - (reach > hit ? reach : hit);
}
