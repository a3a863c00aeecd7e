/*
 * Telemetry: OpenTelemetry's requests (otlp.c), CloudEvents 1.0, and the events of Claude Code's
 * own telemetry.
 *
 * Source: CloudEvents 1.0 JSON format.
 */
#include "meter/formats/otlp.h"

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

bool telemetry_document(struct payload_reader *r, json_value *v, int64_t line)
{
	if (otlp_document(r, v, line))
		return true;
	if (json_member(v, "specversion"))
		read_cloud_event(r, v, line);
	else if (otlp_is_claude_event(v, v))
		otlp_claude_event(r,
				  &(struct otlp_item){ .self = v, .attributes = v, .line = line });
	else
		return false;
	return true;
}
