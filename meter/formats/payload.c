#include <stdlib.h>

#include "meter/formats/agent_call.h"
#include "meter/formats/payload_run.h"
#include "meter/read/columns.h"
#include "meter/read/exports.h"

struct payload_reader *payload_open(const struct payload_sink *sink)
{
	struct payload_reader *r = mem_zalloc(sizeof *r);
	r->sink = *sink;
	return r;
}

void payload_close(struct payload_reader *r)
{
	if (!r)
		return;
	arena_release(&r->arena);
	buf_release(&r->raw);
	buf_release(&r->member);
	dict_release(&r->streams);
	dict_release(&r->session_answers);
	dict_release(&r->claude_agents);
	dict_release(&r->langfuse);
	dict_release(&r->chat_pieces);
	dict_release(&r->chat_whole);
	capture_release(r);
	export_release(r);
	doubts_release(&r->doubts);
	free(r);
}

void payload_set_path(struct payload_reader *r, const char *path)
{
	r->path = path;
}

static bool may_map(enum record_field f)
{
	static const enum record_field names[] = { FIELD_CUSTOMER, FIELD_PROJECT, FIELD_WORKLOAD,
						   FIELD_TASK, FIELD_SESSION };
	bool may = false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		may |= names[i] == f;
	return may;
}

int payload_check_map(const struct field_map *map, size_t count, const char *what, struct err *e)
{
	for (size_t i = 0; i < count; i++)
		if (!may_map(map[i].field))
			return err_set(
				e, ERR_USAGE,
				"'%s' holds logs or answers, whose counts, model and time are "
				"understood: " ASKED(
					"map") " names customer, project, workload, task or "
					       "session there (" ASKED(
						       "map") " customer=metadata.team), and "
							      "nothing is read from '%s'",
				what, map[i].column);
	return 0;
}

void payload_set_map(struct payload_reader *r, const struct field_map *map, size_t count)
{
	CHECK(count <= 64);
	r->map = map;
	r->map_count = count;
}

const char *payload_map_missing(const struct payload_reader *r)
{
	for (size_t i = 0; r->mapped && i < r->map_count; i++)
		if (!(r->map_found >> i & 1))
			return r->map[i].column;
	return NULL;
}

void payload_set_observations(struct payload_reader *r, struct observations *o, struct text owner)
{
	r->observations = o;
	r->observer = owner;
}

void payload_set_held(struct payload_reader *r)
{
	r->held = true;
}

int64_t payload_passed_over(const struct payload_reader *r)
{
	return r->passed_over;
}

int64_t payload_unclaimed(const struct payload_reader *r)
{
	return r->unclaimed;
}

int64_t payload_added_up(const struct payload_reader *r)
{
	return r->added_up;
}

int64_t payload_asked(const struct payload_reader *r)
{
	return r->asked;
}

const struct doubts *payload_doubts(const struct payload_reader *r)
{
	return &r->doubts;
}

bool payload_table(struct payload_reader *r, struct text all)
{
	char separator;
	int64_t line;
	struct text header;
	const struct export_format *f = export_of_table(all, &separator, &header, &line);
	if (f)
		all = (struct text){ header.p, (size_t)(all.p + all.n - header.p) };
	if (!f) {
		const char *end = all.n ? memchr(all.p, '\n', all.n) : NULL;
		header = (struct text){ all.p, end ? (size_t)(end - all.p) : all.n };
		while (header.n && header.p[header.n - 1] == '\r')
			header.n--;
		f = export_of_trace(header, &separator);
		line = 1;
	}
	if (f)
		export_table(r, f, separator, all, line, payload_value);
	return f != NULL;
}

/* What was charged is no usage: `tally reconcile` reads it. */
static bool is_bill(json_value *v)
{
	const struct export_format *f = export_of_document(v, EXPORT_AS_ANY);
	return f && f->kind == EXPORT_BILL;
}

/* What is no field of a trace: whether it is a bucket of time, why it has no price, and whether
 * only a part of it is known. */
static bool native_beside(struct payload_reader *r, struct metered *m, json_value *f)
{
	struct text name = text_of(json_key(f)), s = json_number_or_string(f);
	if (text_is(name, "aggregate"))
		m->aggregate = m->cumulative = json_true(f) || text_is(s, "true");
	else if (text_is(name, "unknown_cost"))
		m->unread = s.n ? arena_text(&r->arena, s.p, s.n) : NULL;
	else if (text_is(name, "broken_off"))
		m->broken_off = json_true(f) || text_is(s, "true");
	else if (r->held && text_is(name, HELD_MEMBER))
		payload_take_held(r, m, f);
	else
		return false;
	return true;
}

/* A member that is no field: it may be billed, or count what the record lacks. */
static void judge_native(struct payload_reader *r, struct metered *m, json_value *v,
			 enum record_field f, uint64_t fields)
{
	const struct shape *shape = shape_by_name("jsonl");
	const struct text name = text_of(json_key(v));
	const bool count = f == FIELD_OBSCURE && json_may_be_count(v),
		   lacks = fields_lack_counts(fields);
	json_value *lost = column_find_lost(v, fields);
	bool unread = !m->unread && column_judge(&r->member, shape, v, f);
	if (count && !lacks)
		doubts_add_column(&r->doubts, name);
	if (count && lacks && !m->unread) {
		column_tell(&r->member, name);
		unread = true;
	}
	if (lost && !m->unread && !unread) {
		column_tell(&r->member, text_of(json_key(lost)));
		unread = true;
	}
	if (unread)
		m->unread = arena_text(&r->arena, r->member.p, r->member.n);
}

/* A record in the program's own field names. */
static bool native_document(struct payload_reader *r, json_value *v, int64_t line)
{
	struct metered m;
	struct err e;
	const struct shape *shape = shape_by_name("jsonl");
	bool any = false;
	uint64_t fields = 0;
	payload_begin(&m, "native", line);
	for (json_value *f = json_first(v); f; f = json_next(f)) {
		enum record_field field = record_field_by_name(text_of(json_key(f)));
		fields |= (uint64_t)1 << field;
		any |= (field >= FIELD_COUNTS && field < FIELD_END) || column_is_units(shape, f);
	}
	if (!any)
		return false;
	for (json_value *f = json_first(v); f; f = json_next(f)) {
		enum json_kind k = json_kind(f);
		enum record_field field = column_field(shape, NULL, 0, text_of(json_key(f)));
		enum value_kind kind = k == JSON_STRING	  ? VALUE_TEXT
				       : k == JSON_NUMBER ? VALUE_NUMBER
				       : k == JSON_NULL	  ? VALUE_NULL
							  : VALUE_OTHER;
		bool beside = native_beside(r, &m, f);
		if (column_is_units(shape, f) && column_take_units(&m.record, f, &e) != 0) {
			payload_refuse(r, line, v, &e);
			return true;
		}
		if (beside)
			continue;
		if (field >= FIELD_END) {
			judge_native(r, &m, f, field, fields);
			continue;
		}
		if (record_set(&m.record, field, k == JSON_NUMBER ? json_number(f) : json_string(f),
			       kind, TIME_INSTANT, &e) != 0) {
			payload_refuse(r, line, v, &e);
			return true;
		}
	}
	if (m.aggregate &&
	    (m.record.completed_us == TIME_ABSENT || m.record.completed_us <= m.record.time_us)) {
		err_set(&e, ERR_INVALID, "a bucket of time needs its end in 'completed'");
		payload_refuse(r, line, v, &e);
	} else if (record_finish(&m.record, &e) != 0) {
		payload_refuse(r, line, v, &e);
	} else {
		/* a bucket may not say how many calls it holds */
		if (m.aggregate && !(m.record.present >> FIELD_REQUESTS & 1))
			m.record.requests = 0;
		payload_take(r, &m);
	}
	return true;
}

static const struct {
	bool (*read)(struct payload_reader *r, json_value *v, int64_t line);
	const char *tells;
} formats[] = {
#define FORMAT(name, tells) { name, tells },
	PAYLOAD_FORMATS(FORMAT)
#undef FORMAT
};
enum { FORMATS = sizeof formats / sizeof *formats };

/* A page of answers that a vendor keeps, or of what a tracer wrote of them. Whether it is the whole
 * was seen by export_document. */
static bool page_document(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *items = export_page_items(v);
	if (!json_first(items))
		items = json_member(v, "observations");
	if (json_kind(json_first(items)) != JSON_OBJECT ||
	    (!text_is(json_string(json_member(v, "object")), "list") &&
	     !payload_knows(json_first(items))))
		return false;
	payload_value(r, items, line);
	return true;
}

static void read_known(struct payload_reader *r, json_value *v, int64_t line)
{
	struct err e;
	r->plain = true;
	/* what most senders send, and no other shape has */
	if ((json_kind(json_member(v, "input")) == JSON_NUMBER ||
	     json_kind(json_member(v, "output")) == JSON_NUMBER) &&
	    native_document(r, v, line))
		return;
	for (size_t i = 0; i < FORMATS; i++) {
		r->plain = i >= AGENT_FORMATS;
		if (formats[i].read(r, v, line)) {
			r->events |= i < AGENT_FORMATS && json_string(json_member(v, "type")).n;
			return;
		}
	}
	if (is_bill(v)) {
		r->passed_over++;
		return;
	}
	if (native_document(r, v, line))
		return;
	if (page_document(r, v, line))
		return;
	/* a request that failed costs nothing, and what a stream had used then is told by itself */
	if (json_string(json_member(json_member(v, "error"), "message")).n) {
		payload_pass_over(r, "error", v, line);
		return;
	}
	err_set(&e, ERR_INVALID,
		"the object has no known shape: neither a 'usage' object nor one of the token "
		"fields (input, output, ...)");
	r->unclaimed++;
	payload_refuse(r, line, v, &e);
}

static void read_object(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *const outer = r->outer, *const inner = r->inner;
	r->outer = outer ? outer : v;
	r->inner = v;
	r->document_line = line;
	read_known(r, v, line);
	r->outer = outer;
	r->inner = inner;
}

void payload_value(struct payload_reader *r, json_value *v, int64_t line)
{
	struct err e;
	switch (json_kind(v)) {
	case JSON_ARRAY:
		for (json_value *m = json_first(v); m; m = json_next(m))
			payload_value(r, m, line);
		break;
	case JSON_OBJECT:
		read_object(r, v, line);
		break;
	case JSON_STRING: { /* the text of a stream, line by line */
		struct text s = json_string(v);
		for (const char *p = s.p, *end = s.p + s.n; p < end;) {
			const char *nl = memchr(p, '\n', (size_t)(end - p));
			const char *stop = nl ? nl : end;
			payload_line(r, (struct text){ p, (size_t)(stop - p) }, line);
			p = stop + 1;
		}
		break;
	}
	default:
		err_set(&e, ERR_INVALID, "a usage record is a JSON object, not %s",
			json_kind_name(v));
		r->unclaimed++;
		payload_refuse(r, line, v, &e);
	}
}

/* --- CloudEvents: an envelope around any other document --- */

/* What the event says of itself, where its data does not. */
struct envelope {
	struct payload_sink inner;
	json_value *event;
	struct payload_reader *reader;
	int count;
};

static void take_enveloped(void *user, const struct metered *given)
{
	struct envelope *env = user;
	struct metered m = *given;
	struct err e;
	struct text source = json_string(json_member(env->event, "source")),
		    id = json_string(json_member(env->event, "id"));
	if (m.record.text[FIELD_ID].n == 0) {
		/* source and id together are unique by the specification */
		m.record.text[FIELD_ID] = text_of(
			env->count == 0
				? arena_printf(&env->reader->arena, "%.*s#%.*s", (int)source.n,
					       source.p, (int)id.n, id.p)
				: arena_printf(&env->reader->arena, "%.*s#%.*s.%d", (int)source.n,
					       source.p, (int)id.n, id.p, env->count));
		m.record.present |= (uint64_t)1 << FIELD_ID;
	}
	env->count++;
	if (m.record.text[FIELD_CUSTOMER].n == 0)
		payload_text(&m.record, FIELD_CUSTOMER, json_member(env->event, "subject"));
	if (m.record.time_us == TIME_ABSENT &&
	    payload_time(&m.record, FIELD_TIME, json_member(env->event, "time"), &e) != 0) {
		env->inner.refuse(env->inner.user, m.line, m.raw, &e);
		return;
	}
	env->inner.take(env->inner.user, &m);
}

static void refuse_enveloped(void *user, int64_t line, struct text raw, const struct err *why)
{
	struct envelope *env = user;
	env->count++;
	env->inner.refuse(env->inner.user, line, raw, why);
}

static void read_cloud_event(struct payload_reader *r, json_value *v, int64_t line)
{
	struct err e;
	json_value *data = json_member(v, "data");
	if (!text_is(json_string(json_member(v, "specversion")), "1.0"))
		err_set(&e, ERR_INVALID, "field 'specversion' must be \"1.0\"");
	else if (!json_string(json_member(v, "id")).n || !json_string(json_member(v, "source")).n)
		err_set(&e, ERR_INVALID,
			"a CloudEvent needs 'id' and 'source', which together are its identity");
	else if (json_kind(data) != JSON_OBJECT && json_kind(data) != JSON_ARRAY)
		err_set(&e, ERR_INVALID, "field 'data' must hold a usage record as JSON");
	else {
		struct envelope env = { r->sink, v, r, 0 };
		r->sink = (struct payload_sink){ &env, take_enveloped, refuse_enveloped };
		payload_value(r, data, line);
		stream_finish(r);
		r->sink = env.inner;
		return;
	}
	payload_refuse(r, line, v, &e);
}

bool cloud_event_document(struct payload_reader *r, json_value *v, int64_t line)
{
	if (!json_member(v, "specversion"))
		return false;
	read_cloud_event(r, v, line);
	return true;
}

static bool read_by_place(struct payload_reader *r, struct text line, int64_t number)
{
	/* what reads lines by place sees no other members */
	if (r->log == LOG_UNKNOWN || r->map_count || line.n < 2 || *line.p != '{' ||
	    line.p[line.n - 1] != '}')
		return false;
	return r->log == LOG_CLAUDE ? claude_log_line(r, line, number) : codex_log_line(r, line);
}

static void read_line(struct payload_reader *r, struct text line, int64_t number)
{
	struct json_document *doc;
	struct err e;
	while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' ' ||
			  line.p[line.n - 1] == '\n'))
		line.n--;
	while (line.n && (*line.p == ' ' || *line.p == '\t'))
		line.p++, line.n--;
	/* server-sent events: comments, names and identifiers carry no usage */
	if (line.n == 0 || *line.p == ':' || text_begins(line, "event:") ||
	    text_begins(line, "id:") || text_begins(line, "retry:"))
		return;
	if (text_begins(line, "data:")) {
		line.p += 5, line.n -= 5;
		while (line.n && *line.p == ' ')
			line.p++, line.n--;
		if (text_is(line, "[DONE]"))
			stream_done(r);
		if (line.n == 0 || text_is(line, "[DONE]"))
			return;
	}
	if (read_by_place(r, line, number))
		return;
	if (json_open_within(&doc, line, PAYLOAD_VALUES_MOST, &e) != 0) {
		r->unclaimed++;
		r->sink.refuse(r->sink.user, number, line, &e);
		return;
	}
	payload_value(r, json_root(doc), number);
	json_close(doc);
}

void payload_line(struct payload_reader *r, struct text line, int64_t number)
{
	struct text piece;
	if (!line.n || !memchr(line.p, 0, line.n)) {
		read_line(r, line, number);
		return;
	}
	/* the last line before a crash, and the first one after it */
	for (const char *p = line.p; p < line.p + line.n; p++)
		r->doubts.zeros += !*p;
	while (text_between_zeros(&line, &piece))
		read_line(r, piece, number);
}

void payload_finish(struct payload_reader *r)
{
	capture_finish(r);
	claude_log_finish(r);
	session_log_finish(r);
	langfuse_finish(r);
	langchain_finish(r);
	ai_stream_finish(r);
	stream_finish(r);
	export_finish(r);
}

/* Whether the document has one of the members, or its type is one of those. */
static bool is_told_by(json_value *v, const char *tells)
{
	const struct text type = json_string(json_member(v, "type"));
	while (*tells) {
		char word[64];
		const size_t n = strcspn(tells, " ");
		CHECK(n < sizeof word);
		memcpy(word, tells, n);
		word[n] = 0;
		if (memcmp(word, "type=", 5) == 0
			    ? text_is(type, word + 5) && !json_member(v, "input")
			    : json_member(v, word) || json_member(json_member(v, "data"), word) ||
				      json_member(json_member(v, "kwargs"), word))
			return true;
		tells += n + strspn(tells + n, " ");
	}
	return false;
}

bool payload_knows(json_value *v)
{
	if (json_kind(v) == JSON_ARRAY || export_of_document(v, EXPORT_AS_USAGE) ||
	    export_page_is_empty(v) || session_document_known(v))
		return true;
	for (size_t i = 0; i < FORMATS; i++)
		if (is_told_by(v, formats[i].tells))
			return true;
	return export_of_document(v, EXPORT_AS_CALLS) != NULL;
}
