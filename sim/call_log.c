#include "sim/call_log.h"

#include <stdlib.h>

#include "meter/formats/session_run.h"
#include "meter/ingest/spans.h"
#include "meter/read/read_ahead.h"

struct call_log {
	struct path_list paths;
	struct assembly *calls;
	const char **path; /* of each call */
	size_t path_room;
	/* calls that may be copies of others, which come first whatever the order of files */
	struct assembly *copies;
	const char **copy_path;
	size_t copy_room;
	/* sums that metrics tell, which count where no calls are told */
	struct assembly *sums;
	const char **sum_path;
	size_t sum_room;
	/* answers of runs whose sums are not beside them in their files */
	struct assembly *parts;
	const char **part_path;
	size_t part_room;
	struct dict held; /* ids of calls that sums hold */
	struct doubts doubts;
	/* that have calls, by session and by session and model: 1 + the place of the calls, where a
	 * sum asks for them */
	struct dict sessions;
	struct session_run *run;
	size_t runs;
	struct call_refusal *refusal;
	size_t refusal_count;
	struct arena arena;
};

bool call_log_wanted(const char *path, const char *format, bool mapped)
{
	if (format && (strcmp(format, "claude") == 0 || strcmp(format, "codex") == 0 ||
		       strcmp(format, "payload") == 0))
		return true;
	if (format && strcmp(format, "auto") != 0)
		return false;
	return path_is_many(path) || source_is_payload(path, mapped);
}

static void add_refusal(struct call_log *l, const char *path, int64_t line, const char *why)
{
	if ((l->refusal_count & (l->refusal_count - 1)) == 0)
		l->refusal = mem_grow(l->refusal, (l->refusal_count ? l->refusal_count * 2 : 1) *
							  sizeof *l->refusal);
	l->refusal[l->refusal_count++] =
		(struct call_refusal){ path, line, arena_text(&l->arena, why, strlen(why)) };
}

static void add(struct assembly *to, const struct metered *m, const char *path, const char ***paths,
		size_t *room)
{
	size_t before = assembly_count(to);
	assembly_add(to, m);
	if (assembly_count(to) == before)
		return;
	if (before == *room) {
		*room = *room ? *room * 2 : 256;
		*paths = mem_grow(*paths, *room * sizeof **paths);
	}
	(*paths)[before] = path;
}

/* before: of the same file, or NULL. */
static void tell_session(struct call_log *l, const struct metered *m, const struct metered *before)
{
	char room[SESSION_ROOM];
	struct text rest = m->holds, id, also;
	while (held_next(&rest, &id, &also))
		dict_need(&l->held, id, NULL);
	if (m->session_sum || m->in_run)
		return;
	if (!before || before->session_sum || before->in_run || before->aggregate != m->aggregate ||
	    !text_eq(m->record.text[FIELD_SESSION], before->record.text[FIELD_SESSION]) ||
	    !text_eq(m->record.text[FIELD_MODEL], before->record.text[FIELD_MODEL]))
		for (int any = 0; any < 2; any++) {
			const struct text name = session_name(room, m, any, true);
			if (name.n)
				dict_need(&l->sessions, name, NULL);
		}
}

static bool is_metric(const struct metered *m)
{
	return strcmp(m->shape, OTLP_METRIC_SHAPE) == 0;
}

/* The file's calls behind those of the files before it, each once. */
static void collect(struct call_log *l, const struct parsed_file *f)
{
	doubts_append(&l->doubts, &f->doubts);
	for (size_t k = 0; k < f->refused_count; k++)
		add_refusal(l, f->path, f->refused[k].line, f->refused[k].why);
	if (f->not_read)
		add_refusal(l, f->path, 0, f->not_read);
	for (size_t k = 0; k < assembly_count(f->calls); k++) {
		struct metered *m = assembly_call(f->calls, k);
		m->conflict = NULL;
		tell_session(l, m, k ? assembly_call(f->calls, k - 1) : NULL);
		if (is_metric(m) || m->session_sum)
			add(l->sums, m, f->path, &l->sum_path, &l->sum_room);
		else if (m->in_run)
			add(l->parts, m, f->path, &l->part_path, &l->part_room);
		else if (m->copy_of.n)
			add(l->copies, m, f->path, &l->copy_path, &l->copy_room);
		else
			add(l->calls, m, f->path, &l->path, &l->path_room);
	}
}

/* A model and a quarter of an hour, in which calls of it are told. */
static struct text hour_of(struct buf *b, const struct record *r, int64_t quarter)
{
	b->n = 0;
	buf_add(b, r->text[FIELD_MODEL].p, r->text[FIELD_MODEL].n);
	buf_printf(b, "\x1f%lld", (long long)quarter);
	return (struct text){ b->p, b->n };
}

static const int64_t quarter_us = 15 * 60 * INT64_C(1000000);

/* Whether calls of its session are told, and of its model where it names one: their number in
 * l->sessions; NULL: none is. */
static uint64_t *session_of(const struct call_log *l, const struct metered *m)
{
	char room[SESSION_ROOM];
	const struct text name = session_name(room, m, false, true);
	return name.n ? dict_find(&l->sessions, name) : NULL;
}

/* Whether the sum names each of its calls. */
static bool names_calls(const struct metered *m)
{
	return m->holds.n && !m->holds_more;
}

/* Whether the calls are not all told of which it is the sum; places: of sums that were told. */
static bool lacks_calls(const struct call_log *l, const struct metered *m, struct dict *places)
{
	char room[SESSION_ROOM];
	struct text rest = m->holds, id, also;
	while (names_calls(m) && held_next(&rest, &id, &also))
		if (!assembly_knows(l->calls, id) && !assembly_knows(l->calls, also))
			return true;
	if (names_calls(m))
		return false;
	struct session_sum sum = { .of_thread = session_sum_is_of_thread(text_of(m->shape)) };
	struct session_run *run = &l->run[*session_of(l, m) - 1];
	session_tally_add(&sum.counts, m->record.tokens);
	if (!m->of_any_model)
		sum.model = m->record.text[FIELD_MODEL];
	uint64_t *told = dict_need(
		places, session_sum_name(room, m->record.text[FIELD_SESSION], &sum), NULL);
	sum.place = (int)++*told;
	return !session_run_holds(run, &sum);
}

static bool is_told(struct call_log *l, struct dict *told, struct buf *key, const struct metered *m)
{
	bool again = false;
	if (m->session_sum)
		return session_of(l, m) != NULL;
	if (m->record.completed_us == TIME_ABSENT)
		return false;
	const int64_t last = floor_div(m->record.completed_us - 1, quarter_us);
	for (int64_t q = floor_div(m->record.time_us, quarter_us); !again && q <= last; q++)
		again = dict_find(told, hour_of(key, &m->record, q)) != NULL;
	return again;
}

/* Notes the call where a sum of its session asks for it. */
static void note_call(struct call_log *l, const struct metered *m)
{
	char room[SESSION_ROOM];
	struct session_tally own = { 0 };
	uint64_t last = 0;
	session_tally_add(&own, m->record.tokens);
	for (int any = 0; any < 2; any++) {
		const struct text name = session_name(room, m, any, true);
		const uint64_t *at = name.n ? dict_find(&l->sessions, name) : NULL;
		if (at && *at && *at != last)
			session_run_add(&l->run[*at - 1], m->record.time_us,
					m->record.text[FIELD_MODEL], &own);
		last = at ? *at : 0;
	}
}

/* The calls of the sessions of sums that name no calls. */
static void find_runs(struct call_log *l)
{
	for (size_t i = 0; i < assembly_count(l->sums); i++) {
		const struct metered *m = assembly_call(l->sums, i);
		uint64_t *at = m->session_sum && !names_calls(m) ? session_of(l, m) : NULL;
		if (!at || *at)
			continue;
		l->run = mem_grow(l->run, (l->runs + 1) * sizeof *l->run);
		l->run[l->runs] = (struct session_run){ 0 };
		*at = ++l->runs;
	}
	for (size_t i = 0; l->runs && i < assembly_count(l->calls); i++)
		note_call(l, assembly_call(l->calls, i));
	struct metered shared;
	struct text session;
	for (size_t i = 0;; i++) {
		const struct metered *m = assembly_shared(l->calls, i, &session);
		if (!m || !l->runs)
			break;
		shared = *m;
		shared.record.text[FIELD_SESSION] = session;
		note_call(l, &shared);
	}
}

static struct text as_named(void *user, struct text provider, struct text model, int64_t time_us)
{
	(void)user, (void)provider, (void)time_us;
	return model;
}

static struct span span_of(const struct metered *m)
{
	return (struct span){
		m->record.time_us,	     m->record.completed_us, m->record.text[FIELD_PROVIDER],
		m->record.text[FIELD_MODEL], text_of(m->shape),	     m->record.text[FIELD_ID]
	};
}

/* Where a series is told with delta and with cumulative sums these count: which of l->sums do not,
 * for the caller to free. */
static bool *find_parts(struct call_log *l)
{
	const size_t n = assembly_count(l->sums);
	bool *part = mem_zalloc(n + 1), cumulative;
	struct spans *spans = NULL;
	struct err none;
	spans_open(&spans, NULL, as_named, NULL, &none);
	for (size_t i = 0; i < 2 * n; i++) {
		const struct metered *m = assembly_call(l->sums, i % n);
		const struct span span = span_of(m);
		const char *why = NULL;
		if (!is_metric(m) || !metric_series(span.id, &cumulative).n ||
		    cumulative != (i < n))
			continue;
		const char *crosses = spans_refuse_crossing(spans, &span);
		if (crosses)
			add_refusal(l, l->sum_path[i % n], m->line, crosses);
		else if (cumulative)
			spans_add_bucket(spans, &span);
		else
			spans_refuse_bucket(spans, NULL, &span, &why, &none);
		part[i % n] = crosses || why;
	}
	spans_close(spans);
	return part;
}

/* The sums of sessions, or of stretches and models, in which no call is told; the others are these
 * calls again. */
static void add_sums(struct call_log *l)
{
	const size_t calls = assembly_count(l->calls);
	struct dict told = { 0 }, places = { 0 };
	struct buf key = { 0 };
	for (size_t i = 0; assembly_count(l->sums) && i < calls; i++) {
		const struct metered *m = assembly_call(l->calls, i);
		if (!m->aggregate)
			dict_need(&told,
				  hour_of(&key, &m->record,
					  floor_div(m->record.time_us, quarter_us)),
				  NULL);
	}
	find_runs(l);
	bool *part = find_parts(l);
	for (size_t i = 0; i < assembly_count(l->sums); i++) {
		struct metered *m = assembly_call(l->sums, i);
		if (part[i])
			continue;
		const bool again = is_told(l, &told, &key, m);
		if (again && !(m->session_sum && lacks_calls(l, m, &places)))
			continue;
		if (again)
			m->unread = CALLS_ARE_MISSING;
		add(l->calls, m, l->sum_path[i], &l->path, &l->path_room);
	}
	free(part);
	dict_release(&places);
	dict_release(&told);
	buf_release(&key);
}

/* The answers of runs that no sum holds. A sum whose source does not show its calls from the first
 * one on may hold any of its session. */
static void add_parts(struct call_log *l)
{
	struct dict unsure = { 0 };
	for (size_t i = 0; i < assembly_count(l->sums); i++) {
		const struct metered *m = assembly_call(l->sums, i);
		if (m->holds_more && m->record.text[FIELD_SESSION].n && !session_of(l, m))
			dict_need(&unsure, m->record.text[FIELD_SESSION], NULL);
	}
	for (size_t i = 0; i < assembly_count(l->parts); i++) {
		const struct metered *m = assembly_call(l->parts, i);
		const struct text session = m->record.text[FIELD_SESSION];
		const bool told = session_of(l, m) != NULL;
		if (!told && dict_find(&l->held, m->record.text[FIELD_ID]))
			continue;
		if (!told && session.n && dict_find(&unsure, session))
			add_refusal(l, l->part_path[i], m->line, MAY_BE_HELD);
		else
			add(l->calls, m, l->part_path[i], &l->path, &l->path_room);
	}
	dict_release(&unsure);
}

static void tell_conflicts(struct call_log *l)
{
	for (size_t i = 0; assembly_conflicts(l->calls) && i < assembly_count(l->calls); i++) {
		const struct metered *m = assembly_call(l->calls, i);
		struct err e;
		if (!m->conflict)
			continue;
		err_set(&e, ERR_CONFLICT,
			"the id '%.100s' has %s elsewhere; the first record counts",
			m->record.text[FIELD_ID].p, m->conflict);
		add_refusal(l, l->path[i], m->line, e.message);
	}
}

int call_log_open(struct call_log **out, const char *const *path, size_t count,
		  const struct reading *how, int threads, struct err *e)
{
	struct call_log *l = mem_zalloc(sizeof *l);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = path_list_add(&l->paths, path[i], e);
	l->calls = assembly_open(true);
	l->copies = assembly_open(false);
	l->sums = assembly_open(true);
	l->parts = assembly_open(false);
	struct read_ahead *r = read_ahead_open(l->paths.path, l->paths.found,
					       rc == 0 ? l->paths.count : 0, how, threads);
	for (size_t i = 0; rc == 0 && i < l->paths.count; i++) {
		const struct parsed_file *f = read_ahead_file(r, i);
		/* a file that was named and cannot be read is an error before any result */
		if (f->failure.code != ERR_NONE) {
			rc = err_pass(e, &f->failure);
		} else {
			collect(l, f);
		}
	}
	read_ahead_close(r);
	if (rc != 0) {
		call_log_close(l);
		return rc;
	}
	for (size_t i = 0; i < assembly_count(l->copies); i++)
		add(l->calls, assembly_call(l->copies, i), l->copy_path[i], &l->path,
		    &l->path_room);
	add_sums(l);
	add_parts(l);
	if (page_list_is_part(&l->doubts.pages))
		add_refusal(l, l->paths.path[0], 0,
			    "has_more: this is a part of the pages; add the others");
	tell_conflicts(l);
	*out = l;
	return 0;
}

const struct doubts *call_log_doubts(const struct call_log *l)
{
	return &l->doubts;
}

void call_log_close(struct call_log *l)
{
	if (!l)
		return;
	assembly_close(l->calls);
	assembly_close(l->copies);
	assembly_close(l->sums);
	assembly_close(l->parts);
	dict_release(&l->sessions);
	for (size_t i = 0; i < l->runs; i++)
		session_run_release(&l->run[i]);
	free(l->run);
	dict_release(&l->held);
	free(l->copy_path);
	free(l->part_path);
	free(l->sum_path);
	free(l->path);
	free(l->refusal);
	doubts_release(&l->doubts);
	arena_release(&l->arena);
	path_list_release(&l->paths);
	free(l);
}

size_t call_log_count(const struct call_log *l)
{
	return assembly_count(l->calls);
}

const struct metered *call_log_call(const struct call_log *l, size_t i, const char **path)
{
	*path = l->path[i];
	return assembly_call(l->calls, i);
}

size_t call_log_refusal_count(const struct call_log *l)
{
	return l->refusal_count;
}

const struct call_refusal *call_log_refusal(const struct call_log *l, size_t i)
{
	return &l->refusal[i];
}
