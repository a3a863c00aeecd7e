/*
 * otlp_proto: an OTLP request in protobuf, written out as the JSON that OTLP defines for it, so
 * that one reader takes both (telemetry.c). How it is read is proto.h's.
 *
 * Source: open-telemetry/opentelemetry-proto (field numbers).
 */
#ifndef TALLY_METER_FORMATS_OTLP_PROTO_H
#define TALLY_METER_FORMATS_OTLP_PROTO_H

#include "base/err.h"
#include "base/text.h"

enum otlp_signal { OTLP_NONE, OTLP_TRACES, OTLP_LOGS, OTLP_METRICS };

/* Appends an Export…ServiceRequest as JSON. Errors: ERR_INVALID with the byte and the message in
 * which it is damaged, ERR_RANGE when it is too large. */
int otlp_proto_read(struct buf *json, enum otlp_signal signal, struct text body, struct err *e);
/* Which request the bytes hold, as a file has no path to tell it by; OTLP_NONE: none of them. */
enum otlp_signal otlp_proto_signal(struct text body);

#endif
