#include "sim/fit_layers.h"

#include <stdlib.h>

#define NO_NODE UINT32_MAX

/* A beginning of prompts: the blocks from the root of its model to here. */
struct node {
	uint32_t parent, depth; /* depth: blocks */
	uint32_t calls;		/* prompts that begin so; of conversations: their first ones */
	uint32_t layer;		/* its number; 0: none */
	uint32_t session;	/* of the calls below it, where they make one; NO_NODE: none yet */
};

struct forest {
	const struct workload *w;
	struct node *node; /* the roots first, one a model */
	size_t count, room;
	uint32_t *slot; /* hash table of nodes by parent and block */
	uint32_t *block;
	size_t slots;
	uint32_t *end; /* by call: the node of its whole prompt */
};

static size_t hash_of(const struct forest *f, uint32_t parent, uint32_t block)
{
	uint64_t x = ((uint64_t)parent << 32 | block) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return (size_t)(x ^ x >> 32) & (f->slots - 1);
}

/* The slot of that child, or the free one where it would be. */
static size_t find_slot(const struct forest *f, uint32_t parent, uint32_t block)
{
	size_t k = hash_of(f, parent, block);
	while (f->slot[k] != NO_NODE &&
	       (f->node[f->slot[k]].parent != parent || f->block[f->slot[k]] != block))
		k = (k + 1) & (f->slots - 1);
	return k;
}

static uint32_t add_node(struct forest *f, uint32_t parent, uint32_t block)
{
	if (f->count == f->room) {
		f->room *= 2;
		f->node = mem_grow(f->node, f->room * sizeof *f->node);
		f->block = mem_grow(f->block, f->room * sizeof *f->block);
	}
	f->node[f->count] = (struct node){ .parent = parent, .session = NO_NODE };
	f->node[f->count].depth = parent == NO_NODE ? 0 : f->node[parent].depth + 1;
	f->block[f->count] = block;
	return (uint32_t)f->count++;
}

static void resize(struct forest *f)
{
	f->slots *= 2;
	f->slot = mem_grow(f->slot, f->slots * sizeof *f->slot);
	for (size_t k = 0; k < f->slots; k++)
		f->slot[k] = NO_NODE;
	for (size_t n = f->w->subjects; n < f->count; n++)
		f->slot[find_slot(f, f->node[n].parent, f->block[n])] = (uint32_t)n;
}

static void open_forest(struct forest *f, const struct workload *w)
{
	*f = (struct forest){ .w = w, .slots = 1024, .room = w->subjects + 1024 };
	f->node = mem_alloc(f->room * sizeof *f->node);
	f->block = mem_alloc(f->room * sizeof *f->block);
	f->end = mem_alloc((w->count + 1) * sizeof *f->end);
	for (size_t k = 0; k < w->subjects; k++)
		add_node(f, NO_NODE, 0);
	resize(f);
}

static void close_forest(struct forest *f)
{
	free(f->node);
	free(f->block);
	free(f->slot);
	free(f->end);
}

static int64_t tokens_of(const struct forest *f, uint32_t node, const struct block_request *q)
{
	const int64_t tokens = f->node[node].depth * f->w->blocks->block_tokens;
	return tokens < q->input ? tokens : q->input;
}

/* Adds the prompt; what was there already is what a cache that forgets nothing had kept. */
static int64_t add_prompt(struct forest *f, size_t call)
{
	const struct block_trace *t = f->w->blocks;
	const struct block_request *q = &t->request[call];
	uint32_t at = f->w->call[call].subject, known = at;
	struct block_walk walk = block_walk_over(block_request_runs(t, q), 0, q->count);
	for (struct block_run run = { 0 }; run.count || block_walk_next(&walk, &run); run.count--) {
		const uint32_t block = run.from++;
		size_t k = find_slot(f, at, block);
		if (f->slot[k] == NO_NODE) {
			if (f->count * 2 >= f->slots) {
				resize(f);
				k = find_slot(f, at, block);
			}
			at = f->slot[k] = add_node(f, at, block);
		} else {
			const bool all_known = known == at;
			at = f->slot[k];
			known = all_known ? at : known;
		}
	}
	f->end[call] = at;
	return tokens_of(f, known, q);
}

static void count_prompt(struct forest *f, uint32_t node)
{
	for (; node != NO_NODE; node = f->node[node].parent)
		f->node[node].calls++;
}

/* As many calls as make a session at most: of few calls fewer, so that a head which most of them
 * share is one. */
static uint32_t session_most(size_t calls)
{
	uint32_t n = FIT_SESSION_CALLS_LEAST;
	while (n < FIT_SESSION_CALLS_MOST && (size_t)n * n < calls)
		n++;
	return n;
}

/* The deepest beginning of the prompt that more than `most` others have, too; *below is the next
 * one, NO_NODE where it is the whole prompt. */
static uint32_t deepest_shared(const struct forest *f, uint32_t node, uint32_t most,
			       uint32_t *below)
{
	*below = NO_NODE;
	while (f->node[node].depth && f->node[node].calls <= most) {
		*below = node;
		node = f->node[node].parent;
	}
	return node;
}

/* Sessions of a trace that knows none. */
static void make_sessions(struct fit_layers *out, struct forest *f, uint32_t *layer_node)
{
	const uint32_t most = session_most(f->w->count);
	for (size_t i = 0; i < f->w->count; i++) {
		uint32_t below, shared = deepest_shared(f, f->end[i], most, &below);
		uint32_t session = below != NO_NODE ? f->node[below].session : NO_NODE;
		if (session == NO_NODE)
			session = (uint32_t)out->sessions++;
		if (below != NO_NODE)
			f->node[below].session = session;
		out->session[i] = session;
		layer_node[session] = shared;
	}
}

/* Numbers the layers, parents first, and tells each session its own. */
static void number_layers(struct fit_layers *out, struct forest *f, const uint32_t *layer_node,
			  const int64_t *tokens)
{
	const uint32_t marked = UINT32_MAX;
	int64_t *most = mem_zalloc(f->count * sizeof *most);
	for (size_t s = 0; s < out->sessions; s++) {
		struct node *n = &f->node[layer_node[s]];
		if (n->depth == 0)
			continue;
		n->layer = marked;
		most[layer_node[s]] =
			tokens[s] > most[layer_node[s]] ? tokens[s] : most[layer_node[s]];
	}
	out->layer = mem_zalloc((out->sessions + 1) * sizeof *out->layer);
	for (size_t k = 0; k < f->count; k++) { /* a parent was made before its children */
		struct node *n = &f->node[k];
		const uint32_t above = n->parent == NO_NODE ? 0 : f->node[n->parent].layer;
		if (n->layer == marked) {
			out->layer[out->layers++] = (struct fit_layer){ most[k], above };
			n->layer = (uint32_t)out->layers;
		} else {
			n->layer = above;
		}
	}
	for (size_t s = 0; s < out->sessions; s++)
		out->of_session[s] = f->node[layer_node[s]].layer;
	free(most);
}

void fit_layers_find(struct fit_layers *out, const struct workload *w)
{
	struct forest f;
	const size_t most = (w->count > w->conversations ? w->count : w->conversations) + 1;
	uint32_t *layer_node = mem_zalloc(most * sizeof *layer_node);
	int64_t *tokens = mem_zalloc(most * sizeof *tokens);
	*out = (struct fit_layers){ .session = mem_alloc((w->count + 1) * sizeof *out->session),
				    .of_session = mem_zalloc(most * sizeof *out->of_session),
				    .hit = mem_alloc((w->count + 1) * sizeof *out->hit) };
	open_forest(&f, w);
	for (size_t i = 0; i < w->count; i++) {
		out->hit[i] = add_prompt(&f, i);
		if (!w->has_conversations || w->call[i].call == 0)
			count_prompt(&f, f.end[i]);
	}
	if (!w->has_conversations)
		make_sessions(out, &f, layer_node);
	for (size_t i = 0; w->has_conversations && i < w->count; i++) {
		uint32_t below;
		out->session[i] = w->call[i].conversation;
		if (w->call[i].call == 0)
			layer_node[w->call[i].conversation] =
				deepest_shared(&f, f.end[i], 1, &below);
	}
	out->sessions = w->has_conversations ? w->conversations : out->sessions;
	for (size_t i = 0; i < w->count; i++) {
		const uint32_t s = out->session[i];
		if (w->has_conversations && w->call[i].call != 0)
			continue;
		const int64_t n = tokens_of(&f, layer_node[s], &w->blocks->request[i]);
		tokens[s] = n > tokens[s] ? n : tokens[s];
	}
	number_layers(out, &f, layer_node, tokens);
	close_forest(&f);
	free(layer_node);
	free(tokens);
}

void fit_layers_release(struct fit_layers *l)
{
	free(l->layer);
	free(l->session);
	free(l->of_session);
	free(l->hit);
}
