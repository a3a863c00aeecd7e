#include "sim/cache_entries.h"

#include <stdlib.h>

#include "base/arena.h"

/* What keeps request i apart from others: what was asked for, and where its vendor's cache ends. */
static unsigned scope_at(const struct each_rules *each, const struct block_trace *t, size_t i)
{
	unsigned scope = each->base->scope;
	if (each->own)
		scope |= rules_at(each, i)->scope & CACHE_CUSTOMER;
	/* whose blocks they are is a part of such a conversation */
	return t->local ? scope & ~(unsigned)(CACHE_CONVERSATION | CACHE_CUSTOMER) : scope;
}

static uint32_t model_at(const struct each_rules *each, const struct block_trace *t, size_t i)
{
	return each->model ? each->model[i] : t->request[i].model;
}

/* The number of what the words make together, from 0. */
static uint32_t number_of(struct dict *numbers, const uint32_t word[3])
{
	uint64_t *n =
		dict_need(numbers, (struct text){ (const char *)word, 3 * sizeof *word }, NULL);
	if (!*n)
		*n = numbers->count;
	return (uint32_t)(*n - 1);
}

/* What keeps a request apart. */
struct apart {
	uint32_t word[2];
};

/* Gives the blocks of all requests new numbers, by what keeps them apart and their number so far;
 * returns how many there are. */
static size_t number_again(struct numbered *out, const struct entries *en,
			   const struct apart *apart)
{
	const struct block_trace *t = en->trace;
	struct dict numbers = { 0 };
	struct numbered now = { .first = mem_alloc((t->count + 1) * sizeof *now.first) };
	for (size_t i = 0; i < t->count; i++) {
		uint32_t key[3] = { apart[i].word[0], apart[i].word[1], 0 };
		struct block_walk walk =
			block_walk_over(entries_plain_at(en, i), 0, t->request[i].count);
		struct block_run run;
		now.first[i] = (uint32_t)now.runs.count;
		while (block_walk_next(&walk, &run))
			for (uint32_t k = 0; k < run.count; k++) {
				key[2] = run.from + k;
				block_runs_add(&now.runs, now.first[i],
					       (struct block_run){ number_of(&numbers, key), 1 });
			}
	}
	const size_t count = numbers.count;
	dict_release(&numbers);
	*out = now;
	return count;
}

/* A model's entries lie behind those of the models before it; where many models answer little each,
 * that would leave most of the table empty. */
static void number_models(struct entries *en, struct apart *apart, const struct each_rules *each,
			  size_t models)
{
	const struct block_trace *t = en->trace;
	if (en->plain_count * models < (size_t)1 << 28 &&
	    en->plain_count * models <= t->blocks * 4 + 4096) {
		en->count = en->plain_count * models;
		en->base = mem_alloc((t->count + 1) * sizeof *en->base);
		for (size_t i = 0; i < t->count; i++)
			en->base[i] = (uint32_t)en->plain_count * model_at(each, t, i);
		return;
	}
	for (size_t i = 0; i < t->count; i++)
		apart[i] = (struct apart){ { model_at(each, t, i), 0 } };
	en->count = number_again(&en->of, en, apart);
}

struct entries entries_number(const struct block_trace *t, const struct each_rules *each)
{
	struct entries en = { .trace = t, .plain_count = t->distinct };
	struct apart *apart = mem_zalloc((t->count + 1) * sizeof *apart);
	unsigned scope = CACHE_GLOBAL;
	size_t models = 0;
	for (size_t i = 0; i < t->count; i++) {
		const size_t m = model_at(each, t, i);
		const unsigned own = scope_at(each, t, i);
		models = m >= models ? m + 1 : models;
		scope |= own;
		if (own & CACHE_CONVERSATION)
			apart[i].word[0] = t->request[i].conversation;
		if (own & CACHE_CUSTOMER)
			apart[i].word[1] = t->request[i].customer;
	}
	/* by conversation and customer, where these are kept apart */
	if (scope & ~(unsigned)CACHE_MODEL)
		en.plain_count = number_again(&en.plain, &en, apart);
	en.count = en.plain_count;
	if (scope & CACHE_MODEL)
		number_models(&en, apart, each, models);
	free(apart);
	return en;
}

void entries_release(struct entries *en)
{
	free(en->of.runs.run);
	free(en->of.first);
	free(en->plain.runs.run);
	free(en->plain.first);
	free(en->base);
}
