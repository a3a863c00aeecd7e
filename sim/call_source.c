#include "sim/call_source.h"

#include <stdlib.h>

#include "base/file.h"

/* How many of the files are of a kind that is read by itself: all or none. */
static int all_or_none(const struct call_source_options *o,
		       bool (*is)(const struct call_source_options *o, const char *path),
		       const char *mixed, bool *all, struct err *e)
{
	size_t count = 0;
	for (size_t i = 0; i < o->path_count; i++)
		count += is(o, o->path[i]);
	*all = count > 0;
	return count == 0 || count == o->path_count ? 0 : err_set(e, ERR_USAGE, "%s", mixed);
}

static bool is_pack(const struct call_source_options *o, const char *path)
{
	(void)o;
	return pack_is(path);
}

static bool is_log(const struct call_source_options *o, const char *path)
{
	return call_log_wanted(path, o->format, o->map_count > 0);
}

static int open_packs(struct call_source *s, const struct call_source_options *o, struct err *e)
{
	int rc = 0;
	if (o->map_count)
		return err_set(e, ERR_USAGE, "the columns of a pack have their names already");
	s->pack = mem_zalloc(o->path_count * sizeof *s->pack);
	for (size_t i = 0; rc == 0 && i < o->path_count; i++) {
		rc = pack_open(&s->pack[i], o->path[i], e);
		if (rc != 0)
			break;
		const struct pack *p = s->pack[s->packs++];
		rc = pack_check_format(p, o->format, e);
		if (rc == 0)
			rc = call_times_need_at(o->path[i], pack_shape(p), pack_is_relative(p),
						o->has_at || o->from_zero, e);
		if (rc == 0 && pack_is_relative(p) != pack_is_relative(s->pack[0]))
			rc = err_set(e, ERR_USAGE, TIMES_ARE_MIXED);
	}
	s->relative = rc == 0 && pack_is_relative(s->pack[0]);
	s->blocks = rc == 0 && pack_has_blocks(s->pack[0]);
	return rc;
}

static int open_traces(struct call_source *s, const struct call_source_options *o, struct err *e)
{
	const struct trace_options to = { o->format, o->map, o->map_count, o->spool };
	bool has_at = o->has_at;
	s->trace = mem_zalloc((o->path_count + 1) * sizeof *s->trace);
	for (size_t i = 0; i < o->path_count; i++) {
		int rc = trace_open(&s->trace[i], o->path[i], &to, e);
		if (rc != 0)
			return rc;
		s->traces++;
		has_at |= o->from_zero && trace_shape(s->trace[i])->time != TIME_INSTANT;
	}
	s->blocks = trace_shape(s->trace[0])->blocks;
	return call_times_check(s->trace, s->traces, has_at, &s->relative, e);
}

static int open_logs(struct call_source *s, const struct call_source_options *o, struct err *e)
{
	const struct reading how = { .every = true, .map = o->map, .map_count = o->map_count };
	int rc = payload_check_map(o->map, o->map_count, file_title(o->path[0]), e);
	return rc == 0 ? call_log_open(&s->log, o->path, o->path_count, &how, o->threads, e) : rc;
}

int call_source_open(struct call_source *out, const struct call_source_options *o, struct err *e)
{
	bool packs, logs = false;
	*out = (struct call_source){ .path = file_title(o->path[0]) };
	int rc = all_or_none(o, is_pack,
			     "some of the files are packs and some are not; replay them one after "
			     "the other",
			     &packs, e);
	if (rc == 0 && !packs)
		rc = all_or_none(o, is_log,
				 "some of the files are logs of calls and some are traces; replay "
				 "them one after the other",
				 &logs, e);
	if (rc == 0 && packs)
		rc = open_packs(out, o, e);
	else if (rc == 0 && logs)
		rc = open_logs(out, o, e);
	else if (rc == 0)
		rc = open_traces(out, o, e);
	if (rc != 0)
		call_source_close(out);
	return rc;
}

void call_source_close(struct call_source *s)
{
	for (size_t i = 0; i < s->traces; i++)
		trace_close(s->trace[i]);
	free(s->trace);
	call_log_close(s->log);
	for (size_t i = 0; i < s->packs; i++)
		pack_close(s->pack[i]);
	free(s->pack);
	*s = (struct call_source){ 0 };
}

void call_source_doubts(const struct call_source *s, struct doubts *out)
{
	for (size_t i = 0; i < s->traces; i++)
		doubts_append(out, trace_doubts(s->trace[i]));
	if (s->log)
		doubts_append(out, call_log_doubts(s->log));
	for (size_t i = 0; i < s->packs; i++)
		pack_doubts(s->pack[i], out);
}

int64_t call_source_first_us(const struct call_source *s)
{
	int64_t first_us = INT64_MAX;
	const char *path;
	for (size_t i = 0; i < s->packs; i++)
		if (pack_first_us(s->pack[i]) < first_us)
			first_us = pack_first_us(s->pack[i]);
	for (size_t i = 0; s->log && i < call_log_count(s->log); i++) {
		const struct record *r = &call_log_call(s->log, i, &path)->record;
		const int64_t us = r->time_us != TIME_ABSENT ? r->time_us : r->completed_us;
		if (us != TIME_ABSENT && us < first_us)
			first_us = us;
	}
	return first_us;
}

static int read_packed(struct block_trace **out, const struct call_source *s,
		       const struct block_trace_options *o, struct err *e)
{
	struct pack *p = s->pack[0];
	int rc = 0;
	if (!pack_has_blocks(p))
		rc = err_set(e, ERR_INVALID, "%s: the packed trace names no blocks", s->path);
	else if (o->block_tokens)
		rc = err_set(e, ERR_USAGE,
			     "%s: " ASKED("block") " belongs to the packing of the trace", s->path);
	if (rc == 0)
		rc = pack_need_names(p, e);
	return rc == 0 ? pack_read_blocks(out, p, e) : rc;
}

int call_source_blocks(struct block_trace **out, const struct call_source *s,
		       const struct block_trace_options *o, struct err *e)
{
	if (s->log)
		return err_set(e, ERR_INVALID,
			       "%s: there is no request that names the blocks of its prompt",
			       s->path);
	return s->packs ? read_packed(out, s, o, e) : block_trace_read(out, s->trace[0], o, e);
}
