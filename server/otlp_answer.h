/*
 * otlp_answer: what OTLP/HTTP says that a receiver answers, in the encoding of the request.
 *
 * Source: opentelemetry-proto, docs/specification.md (OTLP/HTTP response, partial success,
 * failures); google.rpc.Status.
 */
#ifndef TALLY_SERVER_OTLP_ANSWER_H
#define TALLY_SERVER_OTLP_ANSWER_H

#include "meter/formats/otlp_proto.h"

/* Appends an Export…ServiceResponse in protobuf; rejected 0 and no reason: an empty one. */
void otlp_answer_taken(struct buf *out, int64_t rejected, const char *reason);
/* Appends the member "partialSuccess" of the same in JSON, with a comma in front; nothing when all
 * was taken. */
void otlp_answer_partial(struct buf *out, enum otlp_signal signal, int64_t rejected,
			 const char *reason);
/* Appends a google.rpc.Status; in JSON with the error as the other routes write it beside. */
void otlp_answer_error(struct buf *out, bool protobuf, int http_status, const char *code,
		       const char *message);

#endif
