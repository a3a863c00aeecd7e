/*
 * Log records that tell a call: the events of agents, and gen_ai's own event, which has a span's
 * attributes.
 *
 * Most agents tell a call in several signals; one of them has every count, and that one is read.
 * What has no id of the provider's gets one of what it says, so that a repeated batch is known.
 * Sources: the events as Claude Code 2.1, Codex 0.171, Gemini CLI 0.61 and Qwen Code 0.15 send
 * them.
 */
#include <stdlib.h>

#include "meter/formats/otlp.h"

enum { EVENT_COUNTS = 9 };

/* How an agent writes a call. */
struct event_format {
	const char *event, *kind; /* its name, and event.kind where that matters; NULL: any */
	const char *shape;
	const char *id;	   /* an attribute; NULL: none */
	const char *agent; /* whose log has no such id, either; NULL: it has */
	const char *session;
	enum containment cache;
	bool reasoning_beside;
	struct {
		const char *name;
		uint8_t which; /* enum raw_count */
		bool needed;
	} count[EVENT_COUNTS];
};

static const struct event_format formats[] = {
	/* its tool_token_count is the sum of all */
	{ "codex.sse_event",
	  "response.completed",
	  "codex.event",
	  NULL,
	  "codex",
	  "conversation.id",
	  CACHE_INSIDE,
	  false,
	  { { "input_token_count", RAW_PROMPT, true },
	    { "output_token_count", RAW_COMPLETION, true },
	    { "cached_token_count", RAW_CACHE_READ, false },
	    { "cache_write_token_count", RAW_CACHE_WRITE, false },
	    { "reasoning_token_count", RAW_REASONING, false } } },
	{ "gemini_cli.api_response",
	  NULL,
	  "gemini-cli.event",
	  NULL,
	  "gemini",
	  "session.id",
	  CACHE_INSIDE,
	  true,
	  { { "input_token_count", RAW_PROMPT, true },
	    { "output_token_count", RAW_COMPLETION, true },
	    { "cached_content_token_count", RAW_CACHE_READ, false },
	    { "thoughts_token_count", RAW_REASONING, false },
	    { "tool_token_count", RAW_TOOL_PROMPT, false },
	    { "total_token_count", RAW_TOTAL, false } } },
	{ "qwen-code.api_response",
	  NULL,
	  "qwen-code.event",
	  "response_id",
	  NULL,
	  "session.id",
	  CACHE_INSIDE,
	  false,
	  { { "input_token_count", RAW_PROMPT, true },
	    { "output_token_count", RAW_COMPLETION, true },
	    { "cached_content_token_count", RAW_CACHE_READ, false },
	    { "thoughts_token_count", RAW_REASONING, false },
	    { "tool_token_count", RAW_TOOL_PROMPT, false },
	    { "total_token_count", RAW_TOTAL, false } } },
};

static struct text event_name(const struct otlp_item *item)
{
	struct text name = json_string(otlp_attribute(item->attributes, "event.name"));
	if (!name.n)
		name = json_string(json_member(item->self, "eventName"));
	if (!name.n)
		name = json_string(json_first(json_member(item->self, "body")));
	return name;
}

static void set_text(struct record *rec, enum record_field f, struct text s)
{
	rec->text[f] = s;
	rec->present |= (uint64_t)1 << f;
}

/* What the event says, which nothing else of its session says. */
static struct text made_id(struct payload_reader *r, const struct event_format *f,
			   const struct metered *m, const struct otlp_item *item)
{
	struct buf id = { 0 };
	const struct text session = json_string(otlp_attribute(item->attributes, f->session));
	struct text stamp = json_string(otlp_attribute(item->attributes, "event.timestamp"));
	if (!stamp.n)
		stamp = json_number_or_string(json_member(item->self, "timeUnixNano"));
	buf_printf(&id, "%s:%.*s:%.*s:", f->shape, (int)(session.n > 100 ? 100 : session.n),
		   session.n ? session.p : "", (int)(stamp.n > 40 ? 40 : stamp.n),
		   stamp.n ? stamp.p : "");
	for (int b = 0; b < BUCKET_COMMON; b++)
		buf_printf(&id, b ? "/%lld" : "%lld", (long long)m->record.tokens[b]);
	struct text made = { arena_text(&r->arena, id.p, id.n), id.n };
	buf_release(&id);
	return made;
}

/* Some agents write an event of a call twice, once without its counts. */
static bool counts_nothing(const struct event_format *f, json_value *attributes)
{
	for (int i = 0; i < EVENT_COUNTS && f->count[i].name; i++)
		if (otlp_attribute(attributes, f->count[i].name))
			return false;
	return true;
}

static void read_agent_event(struct payload_reader *r, const struct event_format *f,
			     const struct otlp_item *item)
{
	json_value *a = item->attributes;
	struct raw_counts c = { .cache = f->cache, .reasoning_beside = f->reasoning_beside };
	struct metered m;
	struct err e;
	int rc = 0;
	if (counts_nothing(f, a)) {
		r->passed_over++;
		return;
	}
	payload_begin(&m, f->shape, item->line);
	m.cumulative = true;
	for (int i = 0; rc == 0 && i < EVENT_COUNTS && f->count[i].name; i++) {
		json_value *n = otlp_attribute(a, f->count[i].name);
		if (n)
			rc = counts_set(&c, (enum raw_count)f->count[i].which, n, &e);
		else if (f->count[i].needed)
			rc = err_set(&e, ERR_INVALID, "the event has no '%s'", f->count[i].name);
	}
	if (rc == 0)
		rc = otlp_event_time(&m, item, &e);
	if (rc == 0)
		rc = counts_normalise(&m.record, &c, &m.rule, &e);
	if (rc != 0) {
		payload_refuse(r, item->line, a, &e);
		return;
	}
	payload_text(&m.record, FIELD_MODEL, otlp_attribute(a, "model"));
	payload_text(&m.record, FIELD_SESSION, otlp_attribute(a, f->session));
	payload_text(&m.record, FIELD_TASK, otlp_attribute(a, f->session));
	payload_text(&m.record, FIELD_CUSTOMER, otlp_attribute(a, "customer"));
	if (f->id)
		payload_id(&m, otlp_attribute(a, f->id));
	if (m.record.text[FIELD_ID].n == 0)
		set_text(&m.record, FIELD_ID, made_id(r, f, &m, item));
	if (f->agent)
		payload_twin(r, &m, f->agent, m.record.text[FIELD_SESSION], false);
	otlp_judge(r, &m, m.shape, a);
	otlp_take(r, &m, a);
}

/* The first attribute that counts tokens. */
static struct text counted(json_value *attributes)
{
	for (json_value *a = json_first(attributes); a; a = json_next(a)) {
		const struct text name = json_string(json_member(a, "key"));
		json_value *v = otlp_value(a);
		const struct text n = json_number_or_string(v);
		if (name.n && n.n && memchr("123456789", *n.p, 9) && text_holds(name, "token") &&
		    !text_holds(name, "max_") && !text_holds(name, "limit"))
			return name;
	}
	return TEXT("");
}

void otlp_event(struct payload_reader *r, const struct otlp_item *item)
{
	json_value *a = item->attributes;
	const struct text name = event_name(item);
	struct err e;
	if (otlp_is_claude_event(a, item->self)) {
		otlp_claude_event(r, item);
		return;
	}
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		const struct event_format *f = &formats[i];
		if (text_is(name, f->event) &&
		    (!f->kind || text_is(json_string(otlp_attribute(a, "event.kind")), f->kind))) {
			read_agent_event(r, f, item);
			return;
		}
	}
	/* gen_ai's event, and older ones of instrumentations, have a span's attributes */
	if (text_is(name, "gen_ai.client.inference.operation.details")) {
		otlp_span(r, item, false);
		return;
	}
	const struct text token = counted(a);
	if (token.n && !(name.n < 200 && name.n && member_reason("otlp.event", name.p))) {
		err_set(&e, ERR_INVALID,
			"the event '%.*s' counts tokens ('%.*s'), but its kind is unknown",
			(int)(name.n > 80 ? 80 : name.n), name.n ? name.p : "",
			(int)(token.n > 80 ? 80 : token.n), token.p);
		payload_refuse(r, item->line, a, &e);
		return;
	}
	r->passed_over++;
}
