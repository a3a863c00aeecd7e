/*
 * writer: the one thread of the server that writes. Requests wait in a queue; whatever waits is
 * taken together into one transaction, and answered only after its commit is durable (group
 * commit).
 *
 * The queue has a limit in bytes and in jobs: what does not fit is refused at once, so memory stays
 * flat. Owns its connection to the store.
 */
#ifndef TALLY_SERVER_WRITER_H
#define TALLY_SERVER_WRITER_H

#include <stdatomic.h>

#include "meter/formats/assemble.h"
#include "meter/formats/otlp_proto.h"
#include "meter/billing/budget.h"
#include "meter/hold.h"
#include "meter/ledger/draw.h"
#include "meter/read/doubts.h"
#include "pricing/shelf.h"

/* JOB_PROBE: whether the database can be read and written; JOB_FIND: the row of an id */
enum job_kind { JOB_USAGE, JOB_HOLD, JOB_SETTLE, JOB_RELEASE, JOB_PROBE, JOB_FIND };

/* One document of a body, in its order: a call, or what was refused. */
struct job_item {
	bool refused;
	size_t call;	/* of the assembly */
	struct text id; /* that it will be stored with */
	int64_t line;
	struct text raw, why; /* of the refused */
};

/* One event of a batch of Langfuse's, and what became of what it told. */
struct job_event {
	struct text id;
	int status; /* of HTTP; 0: nothing was refused */
	struct text why;
};

struct job {
	enum job_kind kind;
	struct arena arena;
	struct assembly *calls;
	struct job_item *item;
	size_t item_count;
	int64_t passed_over;
	struct doubts doubts; /* what the body may not tell */
	/* Of a body of which nearly nothing can be taken, the first refusals are kept and the
	   others counted: job_sum_up makes one of them. */
	int64_t not_kept;
	size_t not_kept_bytes;
	size_t records_most;	      /* 0: any number */
	bool too_many;		      /* there were more */
	size_t bytes;		      /* that it keeps waiting */
	const char *customer;	      /* that the token is bound to; NULL: any */
	struct text hold_id, request; /* of holds */
	struct json_document *json;   /* of the request, read before it waits */
	struct text record_id;	      /* to find; first: its first row, 0: there is none */
	int64_t first;
	bool broken_off;	 /* of a settlement: the stream broke off */
	enum otlp_signal signal; /* of OTLP, which has answers of its own */
	bool protobuf;		 /* and in which encoding */
	/* of a batch of events, whose items have the numbers of events as lines: what is known of
	 * its observations; NULL: it is none */
	struct observations *observations;
	struct job_event *event;
	size_t event_count;
	/* the answer */
	int status;
	struct buf answer;
	/* called by the writer's thread when it is there */
	void (*done)(struct job *j);
	void *user;
	struct job *next;
};
struct job *job_open(enum job_kind kind);
void job_close(struct job *j);
/* The request of a hold: a JSON object; read here and not within the transaction of all that waits.
 * Errors: ERR_INVALID. */
int job_take_request(struct job *j, struct text request, struct err *e);
/* A sink that fills the job from a body. */
struct payload_sink job_sink(struct job *j);

/* The next event of a batch. */
void job_add_event(struct job *j, struct text id);

/* The refusals that were not kept, as one; after the last record. */
void job_sum_up(struct job *j);

enum { REFUSALS_KEPT = 1000 }; /* and as many more as there are records that were taken */

struct writer_stats {
	atomic_int_fast64_t accepted, duplicates, conflicts, quarantined, unpriced, commits,
		commit_us, failures, jobs_waiting, bytes_waiting, refused_busy, rows;
};

struct writer_options {
	const char *path;
	struct shelf *shelf; /* of prices */
	const char *currency;
	bool by_completion;
	size_t jobs_most, bytes_most;
	void (*log)(void *user, const char *event, const char *message);
	void *user;
};

struct writer;
/* Opens the store (making it when absent) and starts the thread. */
int writer_open(struct writer **out, const struct writer_options *o, struct err *e);
/* Answers all that waits and takes nothing more. A database that cannot be written is waited for
 * once; what waits behind is then refused. */
void writer_stop(struct writer *w);
/* writer_stop, where that was not called; and the end. */
void writer_close(struct writer *w);
/* False when the queue is full; the job then stays the caller's. */
bool writer_submit(struct writer *w, struct job *j);
/* Finds the first row of an id in the index of ids, which only the writer has; waits for its turn.
 * 0: there is none. A store_finder's. Errors: ERR_BUSY, those of the store. */
int writer_find(void *w, struct text id, int64_t *first, struct err *e);
const struct writer_stats *writer_stats(const struct writer *w);

#endif
