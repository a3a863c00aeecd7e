/*
 * generate: calls that could be, from a short specification, for planning before any usage exists.
 *
 * A class of work opens sessions at random (Poisson, by hours and weekdays); each session makes
 * calls whose prompts grow: what was said before, the answer, and what is added. What the last call
 * had sent is read from the cache when it came recently enough, and what is not read is written
 * where the class pays for it. Where the class lists whole sessions instead, they are dealt like
 * cards, each once before any comes again. The same specification and seed give the same bytes.
 */
#ifndef TALLY_SIM_GENERATE_H
#define TALLY_SIM_GENERATE_H

#include "base/arena.h"
#include "base/instant.h"
#include "base/json.h"
#include "sim/block_trace.h"

struct synthetic_call {
	int64_t time_us, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning;
	uint32_t place, session, call; /* of the class, its session, the session's call, from 0 */
	uint32_t layer; /* the number of the one that its session begins with; 0: none */
	/* with what earlier call of the session the prompt begins alike, and how far; the first
	   call of a session: with itself */
	uint32_t like;
	int64_t common;
};

struct synthetic_class {
	const char *model, *provider, *customer, *project, *workload; /* "" where it names none */
	bool listed; /* its sessions are those of a record */
	size_t sessions;
	/* what the specification says of caches; fills: hits are not those of the record */
	bool fills, writes_5m, writes_1h; /* writes: what is not read is written */
	int64_t keeps_us, minimum;
};

/* What sessions begin with; it goes on from its parent. */
struct synthetic_layer {
	int64_t tokens;	 /* from the prompt's start */
	uint32_t parent; /* its number; 0: none */
};

struct synthetic {
	struct synthetic_class *work; /* classes of work */
	size_t classes;
	struct synthetic_layer *layer; /* number - 1: a parent before its children */
	size_t layers;
	struct synthetic_call *call; /* by time */
	size_t count;
	bool has_writes; /* some call writes to a cache */
	int64_t start_us;
	struct arena arena;
};

enum { SYNTHETIC_CALLS_MOST = 50000000, SYNTHETIC_BLOCK_TOKENS = 16 };

/* What is asked for otherwise than the specification says. */
struct synthetic_asked {
	bool has_seed, has_start;
	uint64_t seed;
	int64_t days; /* 0: as it says */
	int64_t start_us;
	struct decimal scale; /* of the sessions a day; 0: as it says */
};
/* Errors: ERR_INVALID (names class and key), ERR_RANGE. */
int synthetic_generate(struct synthetic *out, json_value *spec, const struct synthetic_asked *asked,
		       struct err *e);
/* Tokens of the whole prompt. */
static inline int64_t synthetic_prompt(const struct synthetic_call *c)
{
	return c->input + c->cache_read + c->cache_write_5m + c->cache_write_1h;
}
/* What the prompt finds in a cache that forgets nothing. seen: zeros, one a layer, for calls in
 * their order. */
int64_t synthetic_found(const struct synthetic *s, const struct synthetic_call *c, int64_t *seen);
/* Native CSV. */
void synthetic_put_csv(struct buf *out, const struct synthetic *s, size_t from, size_t to);

/* Qwen-Bailian's shape, with the blocks of each prompt: what all prompts of a class begin with is
 * the same, and what a session said before. Calls come in their order. */
struct synthetic_blocks;
struct synthetic_blocks *synthetic_blocks_open(const struct synthetic *s, int64_t block_tokens);
void synthetic_blocks_close(struct synthetic_blocks *b);
void synthetic_blocks_put(struct buf *out, struct synthetic_blocks *b, size_t from, size_t to);
/* The same as a trace in memory, of which `request` and `block` are to be freed. Its prompts have
 * fewer than 2^32 blocks in all. */
void synthetic_blocks_trace(struct block_trace *out, struct synthetic_blocks *b);
void synthetic_release(struct synthetic *s);

#endif
