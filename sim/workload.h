/*
 * workload: the calls that a what-if replays, read once and held in memory for any number of
 * scenarios.
 *
 * Comes from traces whose requests name their blocks (sim/block_trace), from any other trace, from
 * agent logs, or from the metered database. Counts are facts here; nothing is priced.
 */
#ifndef TALLY_SIM_WORKLOAD_H
#define TALLY_SIM_WORKLOAD_H

#include "base/instant.h"
#include "base/money.h"
#include "base/text.h"
#include "meter/read/doubts.h"
#include "pricing/usage.h"
#include "sim/block_trace.h"

struct work_call {
	int64_t time_us; /* of its start, UTC */
	int64_t tokens[BUCKET_COMMON];
	int64_t requests;
	uint32_t conversation; /* from 0 */
	uint32_t call;	       /* of the conversation, from 0, in the order of the trace */
	uint32_t subject;      /* what it ran on */
	uint32_t customer, project, workload, task, effort, session; /* numbers of names; 0: none */
	uint32_t rare;	  /* 1 + place in `rare`; 0: none */
	bool placeholder; /* its source has only the output count of its answer's start */
	bool unsplit;	  /* nor does it say how long cache writes stay */
	bool undivided;	  /* nor which of the answer was text */
	uint32_t
		order; /* of the workload, from 0, in the order of time (of blocks: of the trace) */
};

struct work_subject {
	struct text provider, model, service_tier, region;
};

/* What is counted beside the common buckets. */
struct work_rare {
	int64_t counts[COUNT_RARE];
};

/* A call as it lies in memory while millions of them wait for a replay: 44 bytes, without what
 * would align the next one's time. */
struct __attribute__((packed, aligned(4))) packed_call {
	int64_t time_us;
	uint32_t tokens[BUCKET_COMMON];
	union {
		uint32_t conversation; /* as long as it waits in a part */
		uint32_t order; /* of the workload, in the order of time, when it lies there */
	};
	uint32_t who;
	uint32_t requests; /* or from CALL_ODD on the place in `odd`, which then has its counts */
};
#define CALL_ODD ((uint32_t)1 << 31)
_Static_assert(sizeof(struct packed_call) == 20 + 4 * BUCKET_COMMON, "packed calls have no gaps");

/* The task and the session of a conversation's first call. */
struct work_talk {
	uint32_t task, session;
};

/* What calls have in common beside their conversation. Task and session are the numbers of names,
 * or both are WORK_OF_CONVERSATION: those of the call's conversation. */
#define WORK_OF_CONVERSATION UINT32_MAX
struct work_who {
	uint32_t subject, customer, project, workload, task, effort, session;
};

/* Counts beyond 32 bits, calls that count something rare, and placeholders. */
struct work_odd {
	int64_t tokens[BUCKET_COMMON], requests;
	uint32_t rare;
	bool placeholder, unsplit, undivided;
};

/* Packed calls as one thread read them, in blocks of mem_pages, each a huge one: a block is given
 * up when the last of its calls lies in its place. */
enum { WORK_BLOCK_BYTES = 2 << 20, WORK_BLOCK = WORK_BLOCK_BYTES / sizeof(struct packed_call) };
struct work_part {
	struct packed_call **block;
	_Atomic uint32_t *placed; /* calls of each block, as long as they are placed */
	size_t blocks, count;
};

static inline struct packed_call *work_part_call(const struct work_part *p, size_t i)
{
	return &p->block[i / WORK_BLOCK][i % WORK_BLOCK];
}

/* How the calls of a workload lie: by conversation, the same packed, as they were written. */
enum work_order { WORK_BY_CONVERSATION, WORK_PACKED, WORK_AS_WRITTEN };

/* What a metered amount lacks: it is none, or the least of what it may be. */
enum metered_lack { METERED_WHOLE, METERED_UNPRICED, METERED_UNSAID };

struct workload {
	const char *shape;
	/* All calls; or NULL, and they are packed: workload_calls takes them out. */
	struct work_call *call;
	size_t count;
	struct packed_call *packed; /* mem_pages of count + 1 */
	struct work_part *part;	    /* until calls are in order */
	size_t parts;
	struct work_who *who;
	size_t whos;
	struct work_odd *odd;
	size_t odds;
	struct block_trace *blocks; /* call i is its request i; NULL where prompts have no blocks */
	bool has_conversations;	    /* false: each call is a conversation of its own, and `call`
				       counts through the whole workload */
	size_t conversations;
	/* the first call of each, and the end: calls lie by conversation, within each in the order
	   of time. NULL: they lie as they were written */
	uint32_t *first;
	int64_t *conversation_id;	/* the number that the trace gives it, or its place */
	const char **conversation_name; /* NULL where it has none */
	struct work_talk *talk;		/* of each */
	struct work_subject *subject;
	size_t subjects;
	const char **name; /* by number, from 1 */
	size_t names;
	struct work_rare *rare;
	size_t rares;
	/* from the database only: what each call cost as it was metered, and whether it has a price
	 */
	struct money_total *metered;
	uint8_t *metered_lacks; /* enum metered_lack */
	const char *metered_currency;
	bool relative;		  /* its times count from the start, which lies at 0 */
	int64_t refused, outside; /* records that are not here, and why */
	struct doubts doubts;	  /* what may be missing of those that are here */
	struct arena arena;
	struct dict dict, subject_dict, who_dict;
};

/* What a cache says to a workload without blocks; takes its shape. */
#define WORKLOAD_HAS_NO_BLOCKS "the trace (%s) names no blocks, so no cache can be replayed"

/* So many calls of a block are placed; with the last of them the block is given up. By any thread.
 */
void work_part_placed(struct work_part *p, size_t block, uint32_t calls);
/* Releases all parts. */
void workload_drop_parts(struct workload *w);
void workload_close(struct workload *w);

/* The first call of a conversation; of one behind the last, how many calls there are. */
static inline size_t workload_first_call(const struct workload *w, size_t conversation)
{
	return w->first[conversation];
}

/* The first conversation whose first call is that one or comes behind it. */
size_t workload_conversation_from(const struct workload *w, size_t call);

/*
 * The calls of a conversation. They are the workload's own, or are taken out into `room`, which
 * must have place for them.
 */
const struct work_call *workload_calls(const struct workload *w, size_t conversation,
				       struct work_call *room);
/* A packed call of that conversation and place in the order of time; `call` follows from others. */
void workload_take_out(const struct workload *w, const struct packed_call *p, uint32_t conversation,
		       uint32_t order, struct work_call *out);
/* All calls into `call`, for those who look at them one by one or change them. */
void workload_unpack(struct workload *w);

/* Tokens of the whole prompt, cache included. */
static inline int64_t work_prompt(const struct work_call *c)
{
	return c->tokens[BUCKET_INPUT] + c->tokens[BUCKET_CACHE_READ] +
	       c->tokens[BUCKET_CACHE_WRITE_5M] + c->tokens[BUCKET_CACHE_WRITE_1H];
}

#endif
