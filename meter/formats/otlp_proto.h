/*
 * otlp_proto: an OTLP request in protobuf, written out as the JSON that OTLP defines for it, so
 * that one reader takes both (telemetry.c).
 *
 * Reads in place and takes no memory but the text that it writes. Depth, number of values and size
 * of what is written have bounds; lengths are checked against the message around them. Unknown
 * fields and groups are skipped, of a repeated singular field the last counts, and texts that are
 * too long to say anything of usage (prompts, answers) are left out.
 *
 * Source: open-telemetry/opentelemetry-proto (field numbers),
 * protobuf.dev/programming-guides/encoding.
 */
#ifndef TALLY_METER_FORMATS_OTLP_PROTO_H
#define TALLY_METER_FORMATS_OTLP_PROTO_H

#include "base/err.h"
#include "base/text.h"

enum otlp_signal { OTLP_NONE, OTLP_TRACES, OTLP_LOGS, OTLP_METRICS };

enum {
	OTLP_DEPTH_MAX = 24,	    /* of messages in each other, and of groups that are skipped */
	OTLP_TEXT_MAX = 16 << 10,   /* longer texts are left out */
	OTLP_VALUES_MAX = 1000000,  /* that are written */
	OTLP_WRITTEN_MAX = 64 << 20 /* bytes of JSON */
};

/* Appends an Export…ServiceRequest as JSON. Errors: ERR_INVALID with the byte and the message in
 * which it is damaged, ERR_RANGE when it is too large. */
int otlp_proto_read(struct buf *json, enum otlp_signal signal, struct text body, struct err *e);
/* Which request the bytes hold, as a file has no path to tell it by; OTLP_NONE: none of them. */
enum otlp_signal otlp_proto_signal(struct text body);

#endif
