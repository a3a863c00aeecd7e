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

static uint32_t model_at(const struct each_rules *each, const struct block_trace *t, size_t i)
{
	return each->model ? each->model[i] : t->request[i].model;
}

/* The number of what the words make together, from 0. */
static uint32_t number_of(struct dict *numbers, const uint32_t *word, size_t words)
{
	uint64_t *n =
		dict_need(numbers, (struct text){ (const char *)word, words * sizeof *word }, NULL);
	if (!*n)
		*n = numbers->count;
	return (uint32_t)(*n - 1);
}

/* By conversation and customer, where these are kept apart. */
static void number_plain(struct entries *en, const struct block_trace *t,
			 const struct each_rules *each)
{
	struct dict numbers = { 0 };
	en->plain = en->own_plain = mem_alloc((t->blocks + 1) * sizeof *en->own_plain);
	for (size_t i = 0; i < t->count; i++) {
		const struct block_request *q = &t->request[i];
		const unsigned scope = scope_at(each, t, i);
		uint32_t key[3] = { scope & CACHE_CONVERSATION ? q->conversation : 0,
				    scope & CACHE_CUSTOMER ? q->customer : 0, 0 };
		for (uint32_t k = q->first; k < q->first + q->count; k++) {
			key[2] = t->block[k];
			en->own_plain[k] = number_of(&numbers, key, 3);
		}
	}
	en->plain_count = numbers.count;
	dict_release(&numbers);
}

/* A model's entries lie behind those of the models before it; where many models answer little each,
 * that would leave most of the table empty. */
static void number_models(struct entries *en, const struct block_trace *t,
			  const struct each_rules *each, size_t models)
{
	if (en->plain_count * models < (size_t)1 << 28 &&
	    en->plain_count * models <= t->blocks * 4 + 4096) {
		en->count = en->plain_count * models;
		en->base = mem_alloc((t->count + 1) * sizeof *en->base);
		for (size_t i = 0; i < t->count; i++)
			en->base[i] = (uint32_t)en->plain_count * model_at(each, t, i);
		return;
	}
	struct dict numbers = { 0 };
	en->of = en->own_of = mem_alloc((t->blocks + 1) * sizeof *en->own_of);
	for (size_t i = 0; i < t->count; i++) {
		const struct block_request *q = &t->request[i];
		uint32_t key[2] = { model_at(each, t, i), 0 };
		for (uint32_t k = q->first; k < q->first + q->count; k++) {
			key[1] = en->plain[k];
			en->own_of[k] = number_of(&numbers, key, 2);
		}
	}
	en->count = numbers.count;
	dict_release(&numbers);
}

struct entries entries_number(const struct block_trace *t, const struct each_rules *each)
{
	struct entries en = { .plain = t->block, .plain_count = t->distinct };
	unsigned scope = CACHE_GLOBAL;
	size_t models = 0;
	for (size_t i = 0; i < t->count; i++) {
		const size_t m = model_at(each, t, i);
		models = m >= models ? m + 1 : models;
		scope |= scope_at(each, t, i);
	}
	if (scope & ~(unsigned)CACHE_MODEL)
		number_plain(&en, t, each);
	en.of = en.plain;
	en.count = en.plain_count;
	if (scope & CACHE_MODEL)
		number_models(&en, t, each, models);
	return en;
}

void entries_release(struct entries *en)
{
	free(en->own_of);
	free(en->own_plain);
	free(en->base);
}
