/*
 * Telemetry: OpenTelemetry's requests (otlp.c), and the events of Claude Code's own telemetry.
 */
#include "meter/formats/otlp.h"

bool telemetry_document(struct payload_reader *r, json_value *v, int64_t line)
{
	if (otlp_document(r, v, line))
		return true;
	if (json_member(v, "specversion") || !otlp_is_claude_event(v, v))
		return false;
	otlp_claude_event(r, &(struct otlp_item){ .self = v, .attributes = v, .line = line });
	return true;
}
