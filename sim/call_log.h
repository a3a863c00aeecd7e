/*
 * call_log: the calls of agent logs and payload files, each once, for the replay.
 *
 * Such sources repeat calls within a file and across files, so they are read and assembled as a
 * whole before anything is priced; several files at once.
 */
#ifndef TALLY_SIM_CALL_LOG_H
#define TALLY_SIM_CALL_LOG_H

#include "meter/formats/assemble.h"
#include "meter/read/doubts.h"
#include "meter/read/read_ahead.h"

struct call_log;

/* Whether the replay must read that path so: by the format's name, or by its content. */
bool call_log_wanted(const char *path, const char *format, bool mapped);

/* Reads everything with so many threads. Errors: ERR_NOT_FOUND, ERR_UNREADABLE, ERR_INVALID. */
int call_log_open(struct call_log **out, const char *const *path, size_t count,
		  const struct reading *how, int threads, struct err *e);
void call_log_close(struct call_log *l);

size_t call_log_count(const struct call_log *l);
/* In the order of files and lines; *path is where it was seen last. */
const struct metered *call_log_call(const struct call_log *l, size_t i, const char **path);

/* What was found that says that the files may not tell all (pages are refusals). */
const struct doubts *call_log_doubts(const struct call_log *l);

struct call_refusal {
	const char *path;
	int64_t line;
	const char *message;
};
size_t call_log_refusal_count(const struct call_log *l);
const struct call_refusal *call_log_refusal(const struct call_log *l, size_t i);

#endif
