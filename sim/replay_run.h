/*
 * replay_run: what the parts of the replay share: the run, its workers, and how a group's key is
 * encoded. Internal to sim/.
 *
 * replay.c opens the traces and runs the passes, replay_worker.c reads, prices and groups,
 * replay_result.c merges, sorts and answers.
 */
#ifndef TALLY_SIM_REPLAY_RUN_H
#define TALLY_SIM_REPLAY_RUN_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/dict.h"
#include "meter/read/trace_reader.h"
#include "sim/call_source.h"
#include "sim/conversation.h"
#include "sim/replay.h"
#include "pricing/tariffs.h"

enum { REFUSALS_KEPT = 200, THREADS_MAX = 64, AHEAD = 64 };

/* Names that threads must agree on: models and windows. Ids begin at 1. */
struct names {
	pthread_mutex_t lock;
	struct arena arena;
	struct text *name;
	uint32_t count;
	struct dict index; /* of each, 1 + its place */
};

struct refusal {
	size_t file;
	int64_t offset, line; /* line is -1 when only the offset is known */
	char *message;
};

struct reasons {
	struct arena arena;
	struct replay_reason *reason;
	size_t count;
	struct dict index; /* model, 0, why to 1 + place */
};
void replay_reasons_release(struct reasons *r);

enum pass { PASS_FIRST_INSTANT, PASS_CONVERSATIONS, PASS_PRICE };

struct run {
	const struct replay_options *o;
	struct call_source in;
	struct call_times times;
	atomic_size_t next_chunk; /* of all packs together */
	enum pass pass;
	bool by_conversation;
	bool group_by_answer; /* model and window alone, or nothing, tell the groups apart */
	struct group_layout layout;
	struct names models, windows;
	struct conversations *conversations;
	uint64_t seed[2];
	atomic_bool torn, stop;
	atomic_int running;
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct err failure;
	struct doubts doubts; /* of what the calls came from */
};

/* A model of at most 24 bytes that was seen, by words that cover its name. */
enum { KNOWN_MODELS = 64 };
struct known_model {
	uint64_t first, middle, last;
	size_t n;
	struct subject *subject;
};

struct worker {
	struct run *run;
	int index;
	pthread_t thread;
	struct tariffs *tariffs;
	struct groups *groups;
	/* of the batch at work, a row each */
	int64_t us[BATCH_ROWS]; /* when it happened: its start where that is known */
	const int64_t *decides; /* the instants of its price: us, or */
	int64_t completed[BATCH_ROWS];
	struct subject *subject[BATCH_ROWS];
	struct tariff_answer *answer[BATCH_ROWS];
	struct money_total cost[BATCH_ROWS];
	struct credits_total credits[BATCH_ROWS];
	uint8_t unpriced[BATCH_ROWS], uncredited[BATCH_ROWS];
	uint8_t unsaid[BATCH_ROWS]; /* where any_unsaid: the cost is the least that it may be */
	bool any_unsaid;
	bool linear;	 /* every answer of the batch is */
	bool large_seen; /* some count was 2^31 or more, so that every sum is checked */
	const struct text *key_text[GROUPING_COUNT]; /* the column of a text dimension, or NULL */
	struct known_model known_model[KNOWN_MODELS];
	const char *key_at[BATCH_ROWS + 1]; /* of each row, and where the last key ends */
	uint64_t hash[BATCH_ROWS];
	struct group *guess[BATCH_ROWS];
	char *key; /* aligned, with room for the keys of a batch */
	struct replay_stated stated;
	struct lower_bound bound;
	bool by_seller; /* the row at work */
	struct reasons unpriced_reasons, uncredited_reasons;
	struct refusal refusal[REFUSALS_KEPT];
	size_t refusal_count;
	int64_t refused, without_time, accepted, outside;
	struct call_span span;
	int64_t completion_known, sensitive;
	struct money_total hinging_difference;
	struct dates_in_doubt dates;
	struct named_calls stand_ins, moving;
	/* the file or call at work, and what reads it; NULL: no trace */
	size_t file, call;
	struct trace_reader *reader;
	bool overflow;
	/* offset of the zone, valid in [zone_from_us, zone_to_us) */
	int64_t zone_from_us, zone_to_us, zone_offset_us;
};

/* Frees the names, not the lock. */
void replay_names_release(struct names *n);

/* The thread of one worker: all files of the run, block by block. */
void *replay_work(void *worker);
/* The same for the calls of a log. */
void replay_work_calls(struct worker *w);
void replay_worker_release(struct worker *w);

/* Takes a batch of records; false where none of them is left in it: they lie outside the period, or
 * have no instant. */
bool replay_accept(struct worker *w, struct record_batch *b);
/* The one record of the batch that was just taken, and is left in it, has only the output count of
 * its answer's start: its row is a lower bound. */
void replay_bound(struct worker *w, struct record_batch *b);
/* Takes sums over many records each, of one price; false, with nothing taken, when some answer is
 * not one price for all of them. Instants are w->us already. */
bool replay_accept_sums(struct worker *w, struct record_batch *b, const int64_t *records);
/* Prices what waits. */
void replay_settle(struct worker *w);
int replay_packs(struct replay_result **out, struct run *run, struct worker *worker, int threads,
		 struct err *e);
/* The replay of a trace that names its blocks through options.cache, which no worker shares. */
int replay_blocks(struct replay_result **out, struct run *run, struct worker *w, struct err *e);
void replay_start_worker(struct run *run, struct worker *w, int index);

/* The number of that reason in r, made when it is new; it begins at 1. */
uint32_t replay_reason_id(struct reasons *r, struct text model, const char *why);

/* Takes what the workers found; their groups become the result's. Errors: ERR_RANGE when a sum does
 * not fit. */
int replay_collect(struct replay_result **out, struct run *run, struct worker *worker, int threads,
		   struct err *e);

/*
 * Keys tell their own length. A text: a byte of length (or 255 and two bytes), then its bytes. A
 * model or window: a byte of number (or 255 and four). Day, week (its Monday) and month: four
 * bytes. Hour: eight bytes of instant, four of offset. Zeros fill up to a multiple of 8.
 */
enum { KEY_PIECE_MAX = RECORD_TEXT_MAX + 16 };

#endif
