/* What every signal of OpenTelemetry that tells a call shares: its instants, its attributes, what
 * of them nobody reads. */
#include <stdlib.h>

#include "meter/formats/otlp.h"

static bool holds_token(struct text name)
{
	for (size_t i = 0; i + 5 <= name.n; i++)
		if ((name.p[i] | 0x20) == 't' && strncasecmp(name.p + i, "token", 5) == 0)
			return true;
	return false;
}

/* Whether a name of a span speaks of usage. */
static bool span_speaks_of_usage(struct text name)
{
	return holds_token(name) || text_begins(name, "gen_ai.usage.") ||
	       text_begins(name, "llm.usage.") || text_begins(name, "llm.token_count.") ||
	       text_begins(name, "ai.usage.");
}

/* Whether what stands under the name of a kind of value is of that kind. What is null, or not
 * there, is empty. */
static bool is_of_its_kind(json_value *v)
{
	static const struct {
		const char *name;
		enum json_kind kind, or_kind;
	} kinds[] = { { "stringValue", JSON_STRING, JSON_STRING },
		      { "intValue", JSON_STRING, JSON_NUMBER },
		      { "doubleValue", JSON_NUMBER, JSON_STRING },
		      { "boolValue", JSON_BOOL, JSON_BOOL },
		      { "bytesValue", JSON_STRING, JSON_STRING },
		      { "arrayValue", JSON_OBJECT, JSON_OBJECT },
		      { "kvlistValue", JSON_OBJECT, JSON_OBJECT } };
	const enum json_kind kind = json_kind(v);
	const struct text name = text_of(json_key(v));
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (text_is(name, kinds[i].name))
			return kind == kinds[i].kind || kind == kinds[i].or_kind ||
			       kind == JSON_NULL;
	return false;
}

/* An attribute has two members, and its value one of its own, or none where it is empty. */
bool otlp_is_malformed(json_value *attributes)
{
	for (json_value *a = json_first(attributes); a && json_kind(attributes) == JSON_ARRAY;
	     a = json_next(a)) {
		json_value *value = json_member(a, "value"), *v = json_first(value);
		const bool empty =
			json_kind(value) == JSON_NULL || (json_kind(value) == JSON_OBJECT && !v);
		if (!json_string(json_member(a, "key")).n || !value ||
		    json_next(json_next(json_first(a))) ||
		    !(empty ||
		      (json_kind(value) == JSON_OBJECT && !json_next(v) && is_of_its_kind(v))))
			return true;
	}
	return false;
}

/* Attributes that say how a call was made, where, and how long its parts took, whatever numbers
 * they hold: by the beginnings of their names. */
static bool is_about_the_making(struct text name)
{
	static const char *const spaces[] = {
		"gen_ai.request.",
		"llm.request.",
		"llm.invocation",
		"ai.settings.",
		"gen_ai.prompt.",
		"llm.prompts.",
		"ai.prompt.",
		"gen_ai.completion.",
		"llm.completions.",
		"llm.input_",
		"llm.output_",
		"gen_ai.input.",
		"gen_ai.output.",
		"input.",
		"output.",
		"http.",
		"server.",
		"client.",
		"network.",
		"net.",
		"url.",
		"user_agent.",
		"thread.",
		"code.",
		"process.",
		"host.",
		"os.",
		"k8s.",
		"container.",
		"cloud.",
		"telemetry.",
		"exception.",
		"error.",
		"rpc.",
		"db.",
		"messaging.",
		"faas.",
		"deployment.",
		"log.",
		"event.",
		"otel.",
		"logfire.",
		"metadata.",
		"gen_ai.tool.",
		"ai.toolCall.",
		"llm.tools.",
		"tag.",
	};
	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
		if (text_begins(name, spaces[i]))
			return true;
	return false;
}

/* A number under a name that says nothing, among the attributes that hold the counts: it may be
 * one of them. */
static bool is_doubtful(const char *shape, struct text name, json_value *v)
{
	return json_may_be_count(v) && !name_is_label(name) && !member_reason(shape, name.p) &&
	       !otlp_name_known(name) && !is_about_the_making(name);
}

/* A word that is a tier under a name that nobody reads. */
static bool is_stray_tier(const char *shape, struct text name, json_value *v, struct text tier)
{
	const struct text word = json_string(v);
	return word.n && name.n && tier_is_word(word) && !tier_has_part(tier, word) &&
	       !member_reason(shape, name.p) && !otlp_name_known(name) &&
	       !is_about_the_making(name) && record_field_by_name(name) == FIELD_NONE;
}

/* Some processors repeat attributes, and what a framework says of a call, behind such words. */
static struct text without_metadata(struct text name)
{
	static const char *const words[] = { "metadata.", "langfuse.observation.metadata.",
					     "langfuse.trace.metadata." };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (text_begins(name, words[i]))
			return (struct text){ name.p + strlen(words[i]),
					      name.n - strlen(words[i]) };
	return name;
}

void otlp_judge(struct payload_reader *r, struct metered *m, const char *shape,
		json_value *attributes)
{
	const bool span = strcmp(shape, "otlp.span") == 0;
	const bool list = json_kind(attributes) == JSON_ARRAY;
	if (otlp_is_malformed(attributes))
		m->unread = "an attribute is not one 'key' and one 'value' of a known kind";
	for (json_value *a = json_first(attributes); a && !m->unread; a = json_next(a)) {
		struct text name = list ? json_string(json_member(a, "key")) : text_of(json_key(a));
		json_value *v = list ? otlp_value(a) : a;
		const bool nested = json_kind(v) == JSON_OBJECT || json_kind(v) == JSON_ARRAY;
		const bool text =
			text_begins(json_string(v), "{") || text_begins(json_string(v), "[");
		const struct text said = without_metadata(name);
		const char *reason = name.n ? member_reason(shape, said.p) : NULL;
		if (((nested && json_first(v)) || (text && span && !otlp_name_known(said))) &&
		    name.n && !(reason && *reason) &&
		    (otlp_name_known(name) ||
		     (span ? span_speaks_of_usage(name) : name_speaks_of_money(name)))) {
			m->unread = arena_printf(&r->arena,
						 "the attribute '%.100s' holds no plain value, and "
						 "may be billed",
						 name.p);
			return;
		}
		if (!list && nested && name.n && !(reason && *reason) &&
		    !is_about_the_making(name) &&
		    members_unknown(&r->member, shape, v, name.p, false)) {
			m->unread = arena_printf(&r->arena,
						 "the member '%s' is unknown, and may be billed",
						 r->member.p);
			return;
		}
		struct text n = json_number_or_string(v);
		if (is_stray_tier(shape, name, v, m->record.text[FIELD_SERVICE_TIER]))
			m->unread = arena_printf(&r->arena,
						 "the attribute '%.100s' holds the word of a tier, "
						 "and is not read",
						 name.p);
		bool counts = n.n > 0 && (memchr("123456789", *n.p, 9) || (!span && *n.p != '0'));
		if (!counts || name.n == 0 || reason)
			continue;
		if (span ? span_speaks_of_usage(name) && !otlp_name_known(said)
			 : name_speaks_of_money(name))
			m->unread = arena_printf(&r->arena,
						 "the attribute '%.100s' is unknown, and may be "
						 "billed",
						 name.p);
		else if (is_doubtful(shape, name, v))
			doubts_add_column(&r->doubts, name);
	}
}

/* How hard the model was told to think, by the first attribute that says so. */
static void read_effort(struct payload_reader *r, struct record *to, json_value *attributes)
{
	const bool list = json_kind(attributes) == JSON_ARRAY;
	for (json_value *a = json_first(attributes); a; a = json_next(a)) {
		struct text name = list ? json_string(json_member(a, "key")) : text_of(json_key(a));
		json_value *v = list ? otlp_value(a) : a;
		if (v && name.n && payload_effort_attribute(r, to, name, v))
			return;
	}
}

/* An attribute that says how or where the call was served under the name that a usage has for it.
 */
static void take_dimensions(struct payload_reader *r, struct metered *m, json_value *attributes)
{
	static const char *const tiers[] = { "service_tier", "serviceTier", "speed", "trafficType",
					     "traffic_type" };
	for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
		payload_add_tier(r, m, json_string(otlp_attribute(attributes, tiers[i])));
	payload_geo(&m->record, json_string(otlp_attribute(attributes, "inference_geo")));
}

void otlp_take(struct payload_reader *r, struct metered *m, json_value *attributes)
{
	enum { TEXT_MOST = 200 };
	take_dimensions(r, m, attributes);
	const bool list = json_kind(attributes) == JSON_ARRAY;
	bool any = false;
	read_effort(r, &m->record, attributes);
	r->raw.n = 0;
	buf_puts(&r->raw, "{");
	for (json_value *a = json_first(attributes); a; a = json_next(a)) {
		struct text name = list ? json_string(json_member(a, "key")) : text_of(json_key(a));
		json_value *v = list ? otlp_value(a) : a;
		const enum json_kind kind = json_kind(v);
		const bool usage = text_is(name, "langfuse.observation.usage_details");
		payload_recorded_attribute(m, name, v);
		/* what people wrote and were answered is nobody's business here */
		if (kind == JSON_ARRAY || kind == JSON_OBJECT || !name.n ||
		    (!usage && json_string(v).n > TEXT_MOST) || text_holds(name, "prompt.") ||
		    text_holds(name, "message") || text_holds(name, "content") ||
		    text_is(name, "prompt"))
			continue;
		buf_puts(&r->raw, any ? "," : "");
		any = true;
		json_put_string(&r->raw, name);
		buf_puts(&r->raw, ":");
		json_put_value(&r->raw, v);
	}
	buf_puts(&r->raw, "}");
	m->raw = (struct text){ r->raw.p, r->raw.n };
	payload_take(r, m);
}

static json_value *nano(json_value *self, const char *name)
{
	json_value *v = json_member(self, name);
	const struct text s = json_number_or_string(v);
	return s.n == 0 || text_is(s, "0") ? NULL : v;
}

int otlp_times(struct metered *m, json_value *self, struct err *e)
{
	json_value *start = nano(self, "startTimeUnixNano");
	start = start ? start : nano(self, "timeUnixNano");
	start = start ? start : nano(self, "observedTimeUnixNano");
	const int rc = payload_time(&m->record, FIELD_TIME, start, e);
	return rc == 0 ? payload_time(&m->record, FIELD_COMPLETED, nano(self, "endTimeUnixNano"), e)
		       : rc;
}

/* The event is written when the call ends. */
static void begin_earlier(struct record *rec, json_value *attributes)
{
	const struct text took = json_number_or_string(otlp_attribute(attributes, "duration_ms"));
	const int64_t ms = took.n && took.n < 10 ? strtoll(took.p, NULL, 10) : 0;
	if (ms <= 0 || rec->time_us == TIME_ABSENT)
		return;
	rec->completed_us = rec->time_us;
	rec->time_us -= ms * 1000;
	rec->present |= (uint64_t)1 << FIELD_COMPLETED;
}

int otlp_event_time(struct metered *m, const struct otlp_item *item, struct err *e)
{
	json_value *stamp = otlp_attribute(item->attributes, "event.timestamp");
	int rc = stamp ? payload_time(&m->record, FIELD_TIME, stamp, e)
		       : otlp_times(m, item->self, e);
	if (rc == 0 && m->record.completed_us == TIME_ABSENT)
		begin_earlier(&m->record, item->attributes);
	return rc;
}
