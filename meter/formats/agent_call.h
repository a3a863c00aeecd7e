/*
 * agent_call: what the readers of agents' sessions share, whatever holds them. Internal to
 * meter/formats/.
 *
 * A format says where its counts stand and which of its other members are known to cost nothing; a
 * member that it does not know and that speaks of tokens or money makes the call refused by name.
 */
#ifndef TALLY_METER_FORMATS_AGENT_CALL_H
#define TALLY_METER_FORMATS_AGENT_CALL_H

#include "meter/formats/payload_run.h"

/* Where a count stands in a usage object; harmless: known, and not counted (sums, what other
 * members say already, the agent's own estimate of the cost). */
struct agent_count {
	const char *key;
	enum raw_count which;
	bool harmless;
};

void agent_set(struct record *r, enum record_field f, struct text value);
/* Some agents sell all calls themselves. */
#define COPILOT_SELLS "github-copilot"
void agent_set_time(struct record *r, enum record_field f, int64_t us);
/* Whether a member of a usage object that no table lists may be billed: it counts, or speaks of
 * money, or holds what does. */
bool agent_may_bill(json_value *v);
/* The counts of the usage object by the table, which a NULL key ends. Errors: ERR_INVALID,
 * ERR_RANGE, with the member's name. */
/* input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens. */
extern const struct agent_count agent_usual_counts[];
int agent_counts(struct raw_counts *c, json_value *usage, const struct agent_count *table,
		 struct err *e);
/* Whether v is an object with two counts of the table. */
bool agent_holds_counts(json_value *v, const struct agent_count *table);
/* A line of a log that lacks a part which it always has: refused, by that name. */
void agent_refuse_part(struct payload_reader *r, json_value *v, const char *name, int64_t line);
/* A call of an agent has a prompt and an answer. Errors: ERR_INVALID where one is not counted. */
int agent_check_counts(const struct raw_counts *c, struct err *e);
/* Into buckets, and to the sink; raw: the usage as it was written. rc and e: what went wrong
 * before, which refuses the call. */
void agent_take(struct payload_reader *r, struct metered *m, const struct raw_counts *c,
		struct text raw, int rc, struct err *e);
/* The same with a JSON value as the usage. */
void agent_take_json(struct payload_reader *r, struct metered *m, const struct raw_counts *c,
		     json_value *usage, int rc, struct err *e);
/* The same from columns of a row, of which `first` is the first: the table's keys are their names.
 * raw gets them as an object. */
struct peek_rows;
int agent_columns(struct raw_counts *c, struct peek_rows *rows, int first,
		  const struct agent_count *table, struct buf *raw, struct err *e);
/* An answer of a session, by an id of its own in its source, and whether it tells what it used. */
void agent_note_answer(struct payload_reader *r, struct text id, bool counted, int64_t line);
/* What follows the latest answer shows that it is not in the making. */
void agent_answers_ended(struct payload_reader *r);
/* Refuses those that tell nothing, but the latest one, which may be in the making. */
void agent_tell_uncounted(struct payload_reader *r);
/* Session, which is the task, project, model and when it began, from columns of a row.
 * Errors: ERR_INVALID, the instant is none. */
struct agent_row {
	int session, model, time, project;
};
int agent_row_texts(struct record *out, struct peek_rows *rows, const struct agent_row *at,
		    struct err *e);
/* The last part of the path, and the directory's name (levels up) above it; "" where there is none.
 */
struct text path_part(const char *path, int levels_up);

/* Sessions that are one JSON document, rewritten in place. */
bool session_document(struct payload_reader *r, json_value *v, int64_t line);
bool session_document_known(json_value *v);

/* The counts of a usage object by session_counts.def. Errors: as counts_set. */
int agent_session_counts(struct raw_counts *c, const char *shape, json_value *usage, struct err *e);
/* How many of them an object holds. */
int agent_counts_in(const char *shape, json_value *v);
/* Lines of Copilot CLI that tell sums of a session, and whose answers tell their output alone;
 * false: any other. */
bool copilot_session_line(struct payload_reader *r, json_value *v, int64_t line);
/* Tells of answers that no sum counts. */
void copilot_session_finish(struct payload_reader *r);

/* OpenCode and its forks: a message, and the steps that it was answered in. */
struct peek;
int opencode_read(struct peek *p, struct payload_reader *r, struct err *e);
bool opencode_document(struct payload_reader *r, json_value *v, int64_t line);
/* What `opencode export` writes of a session: whether it is one, and its calls. */
bool opencode_is_export(json_value *v);
void opencode_export(struct payload_reader *r, json_value *v, int64_t line);
int goose_read(struct peek *p, struct payload_reader *r, struct err *e);
int crush_read(struct peek *p, struct payload_reader *r, struct err *e);
int antigravity_read(struct peek *p, struct payload_reader *r, struct err *e);
int zcode_read(struct peek *p, struct payload_reader *r, struct err *e);
int hermes_read(struct peek *p, struct payload_reader *r, struct err *e);
int zed_read(struct peek *p, struct payload_reader *r, struct err *e);
int copilot_read(struct peek *p, struct payload_reader *r, struct err *e);
bool grok_document(struct payload_reader *r, json_value *v, int64_t line);
bool codebuff_document(struct payload_reader *r, json_value *v, int64_t line);
bool codebuff_known(json_value *v);
bool codebuddy_document(struct payload_reader *r, json_value *v, int64_t line);
/* Agents whose logs cannot be counted: refused by name. */
bool unread_agent_document(struct payload_reader *r, json_value *v, int64_t line);
bool unread_agent_known(json_value *v);
int warp_read(struct peek *p, struct payload_reader *r, struct err *e);
/* Continue: whether it is a session, and its calls. */
bool continue_is_session(json_value *v);
void continue_read(struct payload_reader *r, json_value *v, int64_t line);
bool cline_task_document(struct payload_reader *r, json_value *v, int64_t line);

#endif
