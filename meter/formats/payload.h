/*
 * payload: what providers, gateways, tracers and agents say of their calls, into usage records.
 *
 * One reader reads one source: a body, a log file, the lines of a stream. It recognises each
 * document by its content, takes the counts apart by counts.h and hands over records. Streams and
 * logs repeat a call; the reader hands over every sighting of a call that has an id, marked
 * `cumulative`, and assemble.h keeps the last. Documents without usage (prompts, tool results) are
 * counted and skipped.
 */
#ifndef TALLY_METER_FORMATS_PAYLOAD_H
#define TALLY_METER_FORMATS_PAYLOAD_H

#include "base/json.h"
#include "meter/read/shape.h"

/* The shape of sums that a metric tells: they give way to the calls themselves, where these come.
 */
#define OTLP_METRIC_SHAPE "otlp.metric"
/* The series of such a sum, out of its id, and whether the sum is cumulative; empty: it is none. */
struct text metric_series(struct text id, bool *cumulative);
/* That of rows of tables whose columns have the names of usage objects, whoever wrote them. */
#define OWN_TABLE_SHAPE "calls"
/* That of answers, and of their sums, in what Claude Code prints. */
#define PRINTED_ANSWER_SHAPE "claude-code.print"

/* One sighting of a call. Texts live until the sink returns. */
struct metered {
	struct record record;
	const char *shape; /* "openai.chat" */
	const char *met;   /* set by assemble.h: the shape of another source that has the call */
	const char *rule;  /* how the counts were taken apart */
	struct text raw;   /* the usage as the source wrote it, JSON; empty for native records */
	bool cumulative;   /* may be seen again with counts that only grow */
	/* Other ids, empty where there are none: one by which the same call is known elsewhere, and
	 * one of a call whose copy this is if that call is there. */
	struct text also, copy_of;
	/* What a log and the telemetry of one agent both say of a call where they share no id: its
	 * session and counts. Calls of the two sources that say the same are one, pair by pair. */
	struct text twin;
	/* the names that --map replaced, as the document has them (payload_unmap) */
	struct text mapped;
	bool in_log; /* of the two sources it is the log */
	bool made;   /* its instant is when its vendor says that it made the answer */
	bool within; /* `also` is of the span around the call, and no part of its own id */
	/* set by assemble.h: what the id has already that is another ("other counts"); NULL:
	 * nothing */
	const char *conflict;
	bool session_sum;  /* of all calls of its session, of its model where it names one */
	bool of_any_model; /* the sum is of its session's calls whatever their models */
	/* ids of calls that the sum holds, a line each: its own, a tab, `also`; holds_more: and
	 * perhaps of others, for its source does not show how the run began */
	struct text holds;
	bool holds_more;
	bool in_run;	/* an answer of a run whose sum is not in its source */
	bool aggregate; /* all calls of a bucket of time, [time, completed); cumulative, too */
	/* its counts are the least that they may be: a stream ended before its usage was final, or
	 * its source says that it leaves some of them open */
	bool broken_off;
	int64_t line; /* of the source, from 1; 0: unknown */
	/* why it has no price whatever the cards say: something that may be billed is not
	 * understood; NULL: all is */
	const char *unread;
	struct stated_cost stated;
	bool other_money; /* what its source says that it cost is not in dollars, and is not kept */
	const char *billed_beside; /* the member that says that not only tokens were billed */
	struct text asked_tier;	   /* until payload_settle_tier */
};

/* Whether its id alone tells which call it is, so that it can be taken while others append. */
static inline bool metered_stands_alone(const struct metered *m)
{
	return !m->cumulative && !m->session_sum && !m->in_run && !m->also.n && !m->copy_of.n &&
	       !m->twin.n;
}

/* Whether its cost is a lower bound where its price depends on how long cache writes stay. */
static inline bool metered_is_unsplit(const struct metered *m)
{
	return m->record.unsplit && m->record.tokens[BUCKET_CACHE_WRITE_5M];
}

/* Whether it is one where an answer costs more that is no text. */
static inline bool metered_is_undivided(const struct metered *m)
{
	return m->record.undivided &&
	       m->record.tokens[BUCKET_OUTPUT] >
		       m->record.tokens[BUCKET_REASONING] + m->record.parts[PART_OUTPUT_IMAGE];
}

struct payload_sink {
	void *user;
	void (*take)(void *user, const struct metered *m);
	/* raw: what was refused, as it was read */
	void (*refuse)(void *user, int64_t line, struct text raw, const struct err *why);
};

/* Values in one line or document; what has more is refused, for it would take hundreds of MB. */
enum { PAYLOAD_VALUES_MOST = 1000000 };

struct payload_reader;
struct payload_reader *payload_open(const struct payload_sink *sink);
void payload_close(struct payload_reader *r);
/* Where the source lies, which must live as long: some agents keep beside a session what its calls
 * are counted with (the model, the steps of a message), and name it by its folder. */
void payload_set_path(struct payload_reader *r, const char *path);

/*
 * Names of a call that its document has under other members: FIELD=MEMBER, a path such as
 * metadata.team or tags.0, from the outermost document or from the one that holds the usage; they
 * must live as long. The counts, the model and the instant of an answer are understood as they are:
 * payload_check_map refuses fields other than customer, project, workload, task and session (what:
 * the file, for the message). Errors: ERR_USAGE.
 */
int payload_check_map(const struct field_map *map, size_t count, const char *what, struct err *e);
void payload_set_map(struct payload_reader *r, const struct field_map *map, size_t count);
/* The record with the names that its document itself has: what an answer without an id is known by,
 * whatever --map it is read with. */
void payload_unmap(struct record *r, struct text mapped);
/* A member of these that none of the calls had so far; NULL: each was there, or there are no calls.
 */
const char *payload_map_missing(const struct payload_reader *r);

/* What is known across sources of the observations that events tell of, which must live as long;
 * owner: whose ids they are, empty: everybody's. */
struct observations;
void payload_set_observations(struct payload_reader *r, struct observations *o, struct text owner);

/* What it reads was held back by this program, which put beside a record what else it knew. */
void payload_set_held(struct payload_reader *r);
/* Appends that, an object; the record's member HELD_MEMBER. */
#define HELD_MEMBER "sighting"
void payload_put_held(struct buf *b, const struct metered *m);

/*
 * One line of a log or stream ("data: {...}" as well as bare JSON), or one whole document. Lines
 * that are not JSON are refused.
 */
void payload_line(struct payload_reader *r, struct text line, int64_t number);
/* A document that is parsed already; what it says lives as long as the document. */
void payload_value(struct payload_reader *r, json_value *v, int64_t number);
/* After the last line: what was held back is handed over. */
void payload_finish(struct payload_reader *r);
/* Documents that are known to carry no usage. */
int64_t payload_passed_over(const struct payload_reader *r);
/* Of these, documents that add up what others beside them tell. */
int64_t payload_added_up(const struct payload_reader *r);
/* Of these, requests of a batch, which bill nothing: its results do. */
int64_t payload_asked(const struct payload_reader *r);
/* How many of what was refused are in no form that is known, as settings and other files are. */
int64_t payload_unclaimed(const struct payload_reader *r);

/* Pages of an interface that hands out an answer in parts; they live as long as the reader. */
struct doubts;
const struct doubts *payload_doubts(const struct payload_reader *r);
/*
 * A whole CSV that is an export of usage (meter/read/exports.h), which its first line tells: false
 * when it is none.
 */
bool payload_table(struct payload_reader *r, struct text all);

/* Whether the document is of a shape that this room reads and trace readers do not. */
bool payload_knows(json_value *v);

#endif
