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
	export_release(r);
	free(r);
}

void payload_set_path(struct payload_reader *r, const char *path)
{
	r->path = path;
}

int64_t payload_passed_over(const struct payload_reader *r)
{
	return r->passed_over;
}

struct page_counts payload_pages(const struct payload_reader *r)
{
	return (struct page_counts){ r->pages_with_more, r->pages_last };
}

bool payload_table(struct payload_reader *r, struct text all)
{
	char separator;
	const char *end = all.n ? memchr(all.p, '\n', all.n) : NULL;
	struct text first = { all.p, end ? (size_t)(end - all.p) : all.n };
	while (first.n && first.p[first.n - 1] == '\r')
		first.n--;
	const struct export_format *f = export_of_header(first, &separator);
	if (!f)
		f = export_of_trace(first, &separator);
	if (f)
		export_table(r, f, separator, all, payload_value);
	return f != NULL;
}

void payload_begin(struct metered *m, const char *shape, int64_t line)
{
	*m = (struct metered){ .shape = shape, .rule = "as-given", .line = line };
	record_clear(&m->record);
}

void payload_text(struct record *r, enum record_field f, json_value *v)
{
	struct text s = json_number_or_string(v);
	if (!v || s.n == 0)
		return;
	r->text[f] = s;
	r->present |= (uint64_t)1 << f;
}

int payload_time(struct record *r, enum record_field f, json_value *v, struct err *e)
{
	struct err inner;
	struct instant t;
	if (!v || json_kind(v) == JSON_NULL)
		return 0;
	struct text s = json_number_or_string(v);
	if (s.n == 0)
		return 0;
	if (instant_parse_lenient(&t, s, &inner) != 0)
		return err_set(e, ERR_INVALID, "field '%s': %s", json_key(v), inner.message);
	*(f == FIELD_TIME ? &r->time_us : &r->completed_us) = t.us;
	r->present |= (uint64_t)1 << f;
	return 0;
}

int payload_labels(struct payload_reader *p, struct record *r, json_value *v, struct err *e)
{
	static const enum record_field labels[] = { FIELD_CUSTOMER, FIELD_PROJECT, FIELD_WORKLOAD,
						    FIELD_TASK, FIELD_SESSION };
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		payload_text(r, labels[i], json_member(v, record_field_name(labels[i])));
	payload_effort(p, r, v);
	int rc = payload_time(r, FIELD_TIME, json_member(v, "time"), e);
	return rc == 0 ? payload_time(r, FIELD_COMPLETED, json_member(v, "completed"), e) : rc;
}

static void set_word(struct record *r, enum record_field f, struct text word)
{
	r->text[f] = word;
	r->present |= (uint64_t)1 << f;
}

/* Another model that was asked within the call, billed at its own price. */
static int take_advisor(struct payload_reader *r, const struct metered *m, json_value *v, int place,
			struct err *e)
{
	struct metered own = *m;
	own.also = own.copy_of = TEXT("");
	struct raw_counts c = { 0 };
	int rc = counts_read(&c, v, e);
	if (rc == 0)
		rc = counts_normalise(&own.record, &c, &own.rule, e);
	if (rc != 0)
		return rc;
	const struct text id = m->record.text[FIELD_ID];
	if (!json_string(json_member(v, "model")).n)
		return err_set(e, ERR_INVALID, "an advisor's call in 'iterations' names no model");
	payload_text(&own.record, FIELD_MODEL, json_member(v, "model"));
	if (id.n)
		set_word(&own.record, FIELD_ID,
			 text_of(arena_printf(&r->arena, "%.*s#%d", (int)id.n, id.p, place)));
	own.web_searches = c.web_searches;
	payload_judge(r, &own, v, true);
	struct buf raw = { 0 };
	json_put_value(&raw, v);
	own.raw = (struct text){ arena_text(&r->arena, raw.p, raw.n), raw.n };
	buf_release(&raw);
	payload_take(r, &own);
	return 0;
}

/* Server-side summaries are billed beside the counts of the call, at its model. */
static int add_compaction(struct raw_counts *to, json_value *v, struct err *e)
{
	struct raw_counts c = { 0 };
	int rc = counts_read(&c, v, e);
	for (int i = 0; rc == 0 && i < RAW_COUNTS; i++) {
		if (!(c.has >> i & 1))
			continue;
		if (__builtin_add_overflow(to->count[i], c.count[i], &to->count[i]))
			return err_set(e, ERR_RANGE, "the counts of a compaction are too large");
		to->has |= 1u << i;
	}
	return rc;
}

int payload_extras(struct payload_reader *r, struct metered *m, json_value *usage,
		   struct raw_counts *c, struct err *e)
{
	struct text geo = json_string(json_member(usage, "inference_geo"));
	int rc = 0, place = 0;
	payload_add_tier(r, m, json_string(json_member(usage, "speed")));
	/* a region without a price of its own has the price of any: so the set is closed here */
	if (text_is(geo, "us"))
		set_word(&m->record, FIELD_REGION, geo);
	else if (geo.n && !text_is(geo, "global") && !text_is(geo, "not_available"))
		rc = err_set(e, ERR_INVALID,
			     "field 'inference_geo' names a place whose price is not known "
			     "('%.*s')",
			     (int)(geo.n > 40 ? 40 : geo.n), geo.p);
	for (json_value *v = json_first(json_member(usage, "iterations")); rc == 0 && v;
	     v = json_next(v), place++) {
		struct text type = json_string(json_member(v, "type"));
		if (text_is(type, "advisor_message"))
			rc = take_advisor(r, m, v, place, e);
		else if (text_is(type, "compaction"))
			rc = add_compaction(c, v, e);
		else if (!text_is(type, "message") && !text_is(type, "fallback_message"))
			rc = err_set(e, ERR_INVALID,
				     "field 'iterations' holds an entry of a type that is not "
				     "known ('%.*s'), which may be billed",
				     (int)(type.n > 40 ? 40 : type.n), type.p);
	}
	return rc;
}

void payload_twin(struct payload_reader *r, struct metered *m, const char *agent,
		  struct text session, bool in_log)
{
	const int64_t *t = m->record.tokens;
	int128 prompt = 0;
	/* not every source tells what was written to a cache */
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (bucket_is_prompt((enum bucket)b))
			prompt += t[b];
	if (!session.n || prompt > INT64_MAX)
		return;
	m->twin = text_of(arena_printf(&r->arena, "twin:%s:%.*s:%lld/%lld/%lld", agent,
				       session.n > 200 ? 200 : (int)session.n, session.p,
				       (long long)prompt, (long long)t[BUCKET_CACHE_READ],
				       (long long)t[BUCKET_OUTPUT]));
	m->in_log = in_log;
}

static void name_member(struct payload_reader *r, struct metered *m)
{
	m->unread = arena_printf(&r->arena,
				 "the member '%s' is of no known meaning, and it may be billed",
				 r->member.p);
}

void payload_judge(struct payload_reader *r, struct metered *m, json_value *usage, bool closed)
{
	if (!m->unread && members_unknown(&r->member, m->shape, usage, "usage", closed))
		name_member(r, m);
}

void payload_judge_beside(struct payload_reader *r, struct metered *m, json_value *v,
			  json_value *usage, const char *prefix)
{
	if (!m->unread && members_unknown_beside(&r->member, m->shape, v, usage, prefix))
		name_member(r, m);
}

void payload_pass_over(struct payload_reader *r, const char *shape, json_value *v, int64_t line)
{
	struct err e;
	if (!members_count_tokens(&r->member, shape, v, "")) {
		r->passed_over++;
		return;
	}
	err_set(&e, ERR_INVALID,
		"the member '%s' counts tokens, but the line is no call of a kind that is known",
		r->member.p);
	payload_refuse(r, line, v, &e);
}

/* Frameworks add up the requests of a run. */
static int take_requests(struct metered *m, json_value *v, struct err *e)
{
	struct raw_counts c = { 0 };
	if (!v || json_kind(v) == JSON_NULL)
		return 0;
	int rc = counts_set(&c, RAW_TOTAL, v, e);
	if (rc == 0 && c.count[RAW_TOTAL] > 1) {
		m->record.requests = c.count[RAW_TOTAL];
		m->record.present |= (uint64_t)1 << FIELD_REQUESTS;
	}
	return rc;
}

int payload_counts(struct payload_reader *r, struct metered *m, json_value *usage,
		   const struct raw_counts *preset, struct err *e)
{
	struct raw_counts c = preset ? *preset : (struct raw_counts){ 0 };
	int rc = counts_read(&c, usage, e);
	if (rc == 0)
		rc = payload_extras(r, m, usage, &c, e);
	if (rc == 0)
		rc = take_requests(m, json_member(usage, "requests"), e);
	if (rc == 0)
		rc = counts_normalise(&m->record, &c, &m->rule, e);
	if (rc != 0)
		return rc;
	m->web_searches = c.web_searches;
	payload_judge(r, m, usage,
		      strcmp(m->shape, "usage") != 0 && strcmp(m->shape, "new-api.log") != 0 &&
			      strcmp(m->shape, "litellm.log") != 0);
	r->raw.n = 0;
	json_put_value(&r->raw, usage);
	m->raw = (struct text){ r->raw.p, r->raw.n };
	return 0;
}

void payload_take(struct payload_reader *r, struct metered *m)
{
	struct err e;
	for (int f = 0; f < FIELD_TEXTS; f++)
		if (m->record.text[f].n > RECORD_TEXT_MAX) {
			err_set(&e, ERR_INVALID, "field '%s' is longer than %d bytes",
				record_field_name((enum record_field)f), RECORD_TEXT_MAX);
			r->sink.refuse(r->sink.user, m->line, m->raw, &e);
			return;
		}
	if (r->in_batch)
		payload_add_tier(r, m, TEXT("batch"));
	r->sink.take(r->sink.user, m);
}

void payload_refuse(struct payload_reader *r, int64_t line, json_value *v, const struct err *why)
{
	r->raw.n = 0;
	json_put_value(&r->raw, v);
	r->sink.refuse(r->sink.user, line, (struct text){ r->raw.p, r->raw.n }, why);
}

void payload_keep(struct payload_reader *r, struct metered *m)
{
	for (int f = 0; f < FIELD_TEXTS; f++)
		if (m->record.text[f].n)
			m->record.text[f].p =
				arena_text(&r->arena, m->record.text[f].p, m->record.text[f].n);
	if (m->also.n)
		m->also.p = arena_text(&r->arena, m->also.p, m->also.n);
	if (m->twin.n)
		m->twin.p = arena_text(&r->arena, m->twin.p, m->twin.n);
	if (m->raw.n)
		m->raw.p = arena_text(&r->arena, m->raw.p, m->raw.n);
}

/* Reconciliation sources hold amounts, not usage: `tally reconcile` reads them. */
static bool is_bill(json_value *v)
{
	json_value *bucket = json_first(json_member(v, "data"));
	json_value *result = json_first(json_member(bucket, "results"));
	return result && (json_member(result, "cost_type") || json_member(result, "amount"));
}

/* A record in the program's own field names. */
static bool native_document(struct payload_reader *r, json_value *v, int64_t line)
{
	struct metered m;
	struct err e;
	const struct shape *shape = shape_by_name("jsonl");
	bool any = false;
	payload_begin(&m, "native", line);
	for (json_value *f = json_first(v); f && !any; f = json_next(f)) {
		enum record_field field = record_field_by_name(text_of(json_key(f)));
		any = field >= FIELD_COUNTS && field < FIELD_END;
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
		if (field >= FIELD_END && !m.unread && column_judge(&r->member, shape, f, field))
			m.unread = arena_text(&r->arena, r->member.p, r->member.n);
		if (field >= FIELD_END)
			continue;
		if (record_set(&m.record, field, k == JSON_NUMBER ? json_number(f) : json_string(f),
			       kind, TIME_INSTANT, &e) != 0) {
			payload_refuse(r, line, v, &e);
			return true;
		}
	}
	if (record_finish(&m.record, &e) != 0)
		payload_refuse(r, line, v, &e);
	else
		payload_take(r, &m);
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

static void read_object(struct payload_reader *r, json_value *v, int64_t line)
{
	struct err e;
	/* what most senders send, and no other shape has */
	if ((json_kind(json_member(v, "input")) == JSON_NUMBER ||
	     json_kind(json_member(v, "output")) == JSON_NUMBER) &&
	    native_document(r, v, line))
		return;
	if (session_document(r, v, line) || session_log_document(r, v, line) ||
	    agent_log_document(r, v, line) || export_document(r, v, line) ||
	    telemetry_document(r, v, line) || stream_document(r, v, line) ||
	    framework_document(r, v, line) || body_document(r, v, line))
		return;
	if (is_bill(v)) {
		r->passed_over++;
		return;
	}
	if (native_document(r, v, line))
		return;
	err_set(&e, ERR_INVALID,
		"the object has no known shape: neither a 'usage' object nor one of the token "
		"fields (input, output, ...)");
	payload_refuse(r, line, v, &e);
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

static bool begins(struct text s, const char *word)
{
	size_t n = strlen(word);
	return s.n >= n && memcmp(s.p, word, n) == 0;
}

void payload_line(struct payload_reader *r, struct text line, int64_t number)
{
	struct json_document *doc;
	struct err e;
	while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' ' ||
			  line.p[line.n - 1] == '\n'))
		line.n--;
	while (line.n && (*line.p == ' ' || *line.p == '\t'))
		line.p++, line.n--;
	/* server-sent events: comments, names and identifiers carry no usage */
	if (line.n == 0 || *line.p == ':' || begins(line, "event:") || begins(line, "id:") ||
	    begins(line, "retry:"))
		return;
	if (begins(line, "data:")) {
		line.p += 5, line.n -= 5;
		while (line.n && *line.p == ' ')
			line.p++, line.n--;
		if (line.n == 0 || text_is(line, "[DONE]"))
			return;
	}
	if (r->log != LOG_UNKNOWN && agent_log_line(r, line, number))
		return;
	if (json_open_within(&doc, line, PAYLOAD_VALUES_MOST, &e) != 0) {
		r->sink.refuse(r->sink.user, number, line, &e);
		return;
	}
	payload_value(r, json_root(doc), number);
	json_close(doc);
}

void payload_finish(struct payload_reader *r)
{
	stream_finish(r);
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
			    : json_member(v, word) != NULL)
			return true;
		tells += n + strspn(tells + n, " ");
	}
	return false;
}

bool payload_knows(json_value *v)
{
	static const char *const telling[] = {
		"usage",
		"usageMetadata",
		"resourceSpans",
		"resourceLogs",
		"resourceMetrics",
		"specversion",
		"message",
		"sessionId",
		"quota",
		"usageDetails",
		"x_groq",
		"response_cost",
		"usage_metadata",
		"response_metadata",
		"providerMetadata",
		"native_tokens_prompt",
		"schemaType",
		"custom_id",
		"prompt_eval_count",
		"amazon-bedrock-invocationMetrics",
		"choices",
		"event.name",
		"spend",
		"tokens_in",
		"result",
	};
	if (json_kind(v) == JSON_ARRAY || export_of_document(v))
		return true;
	for (size_t i = 0; i < sizeof telling / sizeof *telling; i++)
		if (json_member(v, telling[i]) || json_member(json_member(v, "data"), telling[i]) ||
		    json_member(json_member(v, "kwargs"), telling[i]))
			return true;
	return false;
}
