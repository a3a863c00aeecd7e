/*
 * block_trace: traces whose requests name the blocks of their prompt, held in columns.
 *
 * Mooncake (512 tokens a block, the partial last block has an id), Qwen-Bailian (16, the same) and
 * agent sessions (64, no id for the partial block, ids as ranges and local to a conversation).
 * Parsed once for any number of simulations.
 */
#ifndef TALLY_SIM_BLOCK_TRACE_H
#define TALLY_SIM_BLOCK_TRACE_H

#include "base/dict.h"
#include "base/err.h"
#include "meter/read/trace.h"
#include "sim/block_runs.h"

struct block_request {
	int64_t time_us; /* from the trace's start */
	int64_t input, output;
	uint32_t conversation, model, customer; /* numbers of names; 0: none */
	uint32_t call;				/* of the conversation, from 0 */
	uint32_t first;				/* of `runs`: where its blocks begin */
	uint32_t count;				/* of blocks */
	/* of `breakpoint`: what the client marks, and behind it where its content blocks end (none:
	   unknown) */
	uint32_t first_break;
	uint16_t breaks, contents;
};

enum { BLOCK_REFUSALS_KEPT = 20 };
struct block_refusal {
	int64_t line;
	char *why;
};

struct block_trace {
	const char *shape; /* "mooncake", "sessions", "bailian", "agent" */
	int64_t block_tokens;
	bool has_partial;  /* the last block of a prompt has an id even when it is not full */
	bool local;	   /* no two conversations share a block */
	bool names_blocks; /* some request does; of sessions none may, and counts are all there is
			    */
	struct block_request *request;
	size_t count;
	struct block_runs runs; /* of dense numbers, equal for equal blocks */
	size_t blocks, distinct;
	int64_t *breakpoint; /* tokens from the prompt's start, rising */
	size_t breakpoints;
	struct dict models, customers;
	struct dict talks;		/* names of conversations and chats */
	struct text *conversation_name; /* by number, from 1 */
	size_t conversations;
	const char **model_name; /* by number */
	size_t model_count;
	int64_t input_tokens;
	int64_t refused; /* lines that are no request, and the first of them */
	struct block_refusal refusal[BLOCK_REFUSALS_KEPT];
};

/* The blocks of a prompt. */
static inline const struct block_run *block_request_runs(const struct block_trace *t,
							 const struct block_request *q)
{
	return t->runs.run + q->first;
}

/* Tokens of the first `blocks` blocks of a prompt. */
static inline int64_t block_request_tokens(const struct block_trace *t,
					   const struct block_request *q, int64_t blocks)
{
	const int64_t tokens = blocks * t->block_tokens;
	return tokens < q->input ? tokens : q->input;
}

/* Blocks that the requests of a trace name in all: of any trace, and of one that somebody sends.
 * So many times fewer may be different ones, for those are held with all that caches know of them.
 */
enum { BLOCKS_MOST = 1 << 30, BLOCKS_SENT_MOST = 1 << 25, BLOCKS_SENT_ALIKE = 8 };

struct block_trace_options {
	int64_t block_tokens;	     /* 0: the shape's own */
	bool sent;		     /* it has the bounds of what somebody sends */
	const struct field_map *map; /* keys that cost nothing; others have their names */
	size_t map_count;
};

/* From the trace's start to its end. Lines that cannot be read are left out and listed; keys that
 * may count what is billed are doubts of the trace. Errors: ERR_UNREADABLE, ERR_RANGE;
 * ERR_TOO_LARGE where it names too many blocks; ERR_INVALID with file and line when no line can be
 * read. */
int block_trace_read(struct block_trace **out, struct trace *t, const struct block_trace_options *o,
		     struct err *e);
void block_trace_close(struct block_trace *t);

#endif
