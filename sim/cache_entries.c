#include "sim/cache_entries.h"

#include <stdlib.h>

#include "base/arena.h"

/* What keeps request i apart from others: what was asked for, and where its vendor's cache ends. */
static unsigned scope_at(const struct each_rules *each, const struct block_trace *t, size_t i)
{
	unsigned scope = each->base->scope;
	if (each->own)
		scope |= rules_at(each, i)->scope & CACHE_CUSTOMER;
	return t->local ? scope & ~(unsigned)CACHE_CONVERSATION : scope;
}

/* A model's entries lie behind those of the models before it. */
static struct entries number_by_model(const struct block_trace *t, const uint32_t *model,
				      uint32_t models)
{
	struct entries en = { .of = t->block, .count = t->distinct * models };
	en.base = mem_alloc((t->count + 1) * sizeof *en.base);
	for (size_t i = 0; i < t->count; i++)
		en.base[i] = (uint32_t)t->distinct * (model ? model[i] : t->request[i].model);
	return en;
}

struct entries entries_number(const struct block_trace *t, const struct each_rules *each)
{
	const uint32_t *model = each->model;
	unsigned scope = CACHE_GLOBAL;
	uint32_t models = 0;
	for (size_t i = 0; i < t->count; i++) {
		uint32_t m = model ? model[i] : t->request[i].model;
		models = m >= models ? m + 1 : models;
		scope |= scope_at(each, t, i);
	}
	if (scope == CACHE_GLOBAL)
		return (struct entries){ .of = t->block, .count = t->distinct };
	/* many models that answer little each would leave most of the table empty */
	if (scope == CACHE_MODEL && t->distinct * models < (size_t)1 << 28 &&
	    t->distinct * models <= t->blocks * 4 + 4096)
		return number_by_model(t, model, models);
	struct dict numbers = { 0 };
	struct entries en = { .own = mem_alloc((t->blocks + 1) * sizeof *en.own) };
	en.of = en.own;
	for (size_t i = 0; i < t->count; i++) {
		const struct block_request *q = &t->request[i];
		const unsigned own = scope_at(each, t, i);
		uint32_t key[4] = { own & CACHE_CONVERSATION ? q->conversation : 0,
				    own & CACHE_CUSTOMER ? q->customer : 0,
				    !(own & CACHE_MODEL) ? 0
				    : model		 ? model[i]
							 : q->model,
				    0 };
		for (uint32_t k = q->first; k < q->first + q->count; k++) {
			key[3] = t->block[k];
			uint64_t *n = dict_need(
				&numbers, (struct text){ (const char *)key, sizeof key }, NULL);
			if (!*n)
				*n = ++en.count;
			en.own[k] = (uint32_t)(*n - 1);
		}
	}
	dict_release(&numbers);
	return en;
}

void entries_release(struct entries *en)
{
	free(en->own);
	free(en->base);
}

void entries_shared(const struct block_trace *t, const struct each_rules *each, uint32_t *blocks)
{
	struct cache_rules rules = *each->base;
	unsigned scope = CACHE_GLOBAL;
	for (size_t i = 0; i < t->count; i++)
		scope |= scope_at(each, t, i);
	/* a cache that ends at the customer anywhere leaves nothing of others to be found */
	rules.scope = (enum cache_scope)(scope & ~(unsigned)CACHE_MODEL);
	struct entries en = entries_number(t, &(struct each_rules){ .base = &rules });
	uint8_t *there = mem_zalloc(en.count + 1);
	for (size_t i = 0; i < t->count; i++) {
		const struct block_request *q = &t->request[i];
		const uint32_t *b = en.of + q->first;
		uint32_t lead = 0;
		while (lead < q->count && there[b[lead]])
			lead++;
		blocks[i] = lead;
		for (uint32_t k = lead; k < q->count; k++)
			there[b[k]] = 1;
	}
	free(there);
	entries_release(&en);
}
