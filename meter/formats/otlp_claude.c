/* The event of Claude Code that tells a call, as an object of attributes, a log record or a span.
 */
#include "meter/formats/otlp.h"

bool otlp_is_claude_event(json_value *attributes, json_value *record)
{
	struct text name = json_string(otlp_attribute(attributes, "event.name"));
	struct text body = json_string(json_first(json_member(record, "body")));
	return text_is(name, "claude_code.api_request") || text_is(name, "api_request") ||
	       text_is(json_string(json_member(record, "eventName")), "claude_code.api_request") ||
	       text_is(body, "claude_code.api_request");
}

void otlp_claude_event(struct payload_reader *r, const struct otlp_item *item)
{
	static const struct {
		const char *name;
		enum raw_count which;
	} keys[] = { { "input_tokens", RAW_PROMPT },
		     { "output_tokens", RAW_COMPLETION },
		     { "cache_read_tokens", RAW_CACHE_READ },
		     { "cache_creation_tokens", RAW_CACHE_WRITE } };
	json_value *a = item->attributes;
	struct raw_counts c = { .cache = CACHE_BESIDE };
	struct metered m;
	struct err e;
	int rc = 0;
	payload_begin(&m, "claude-code.event", item->line);
	m.cumulative = true;
	/* the agent writes both, so that one under another name is missed */
	if (!otlp_attribute(a, keys[2].name) != !otlp_attribute(a, keys[3].name))
		m.unread = "the event tells only one of 'cache_read_tokens' and "
			   "'cache_creation_tokens'";
	for (size_t i = 0; rc == 0 && i < sizeof keys / sizeof *keys; i++) {
		json_value *n = otlp_attribute(a, keys[i].name);
		if (n)
			rc = counts_set(&c, keys[i].which, n, &e);
		else if (i < 2)
			rc = err_set(&e, ERR_INVALID, "the event has no '%s'", keys[i].name);
	}
	payload_id(&m, otlp_attribute(a, "request_id"));
	payload_text(&m.record, FIELD_MODEL, otlp_attribute(a, "model"));
	json_value *speed = otlp_attribute(a, "speed");
	if (!text_is(json_string(speed), "standard") && !text_is(json_string(speed), "normal"))
		payload_text(&m.record, FIELD_SERVICE_TIER, speed);
	if (!json_is_nothing(speed) && !json_string(speed).n)
		m.unread = "the member 'speed' is no word, and may be billed";
	payload_text(&m.record, FIELD_SESSION, otlp_attribute(a, "session.id"));
	payload_text(&m.record, FIELD_TASK, otlp_attribute(a, "session.id"));
	json_value *customer = otlp_attribute(a, "customer");
	payload_text(&m.record, FIELD_CUSTOMER,
		     customer ? customer : otlp_attribute(a, "organization.id"));
	if (rc == 0)
		rc = otlp_event_time(&m, item, &e);
	if (rc == 0)
		rc = counts_normalise(&m.record, &c, &m.rule, &e);
	otlp_judge(r, &m, m.shape, a);
	if (rc != 0)
		payload_refuse(r, item->line, a, &e);
	else
		otlp_take(r, &m, a);
}
