/*
 * proto: messages in protobuf, written out as JSON by tables that say what each field is.
 *
 * Reads in place and takes no memory but the text that it writes. Depth, number of values and size
 * of what is written have bounds; lengths are checked against the message around them. Groups are
 * skipped, of a repeated singular field the last counts, and texts that are too long to say
 * anything of usage (prompts, answers) are left out. Unknown fields are skipped, but in a closed
 * message.
 *
 * Source: protobuf.dev/programming-guides/encoding.
 */
#ifndef TALLY_METER_FORMATS_PROTO_H
#define TALLY_METER_FORMATS_PROTO_H

#include "base/err.h"
#include "base/text.h"

enum {
	PROTO_DEPTH_MAX = 24,	    /* of messages in each other, and of groups that are skipped */
	PROTO_TEXT_MAX = 16 << 10,  /* longer texts are left out */
	PROTO_VALUES_MAX = 1000000, /* that are written */
	PROTO_WRITTEN_MAX = 64 << 20, /* bytes of JSON */
	PROTO_FIELDS_MOST = 18	      /* of a message */
};

enum proto_kind {
	PROTO_MESSAGE,
	PROTO_TEXT,
	PROTO_HEX,     /* ids */
	PROTO_COUNT,   /* varint, as an integer */
	PROTO_INT64,   /* varint, signed, as a text */
	PROTO_FIXED64, /* unsigned, as a text */
	PROTO_SFIXED64,
	PROTO_DOUBLE,
	PROTO_BOOL,
	PROTO_BYTES, /* of no meaning here: an empty text */
};

struct proto_message;
struct proto_field {
	uint16_t number;
	uint8_t kind; /* enum proto_kind */
	bool repeated;
	const char *name;
	const struct proto_message *of;
};

struct proto_message {
	const char *name;
	const struct proto_field *field;
	uint8_t fields;
	bool one_of; /* the last of its fields is the value */
	bool closed; /* the first field that is not listed is written, its number as name */
};
/* The members field and fields of a message. */
#define PROTO_FIELDS(...) \
	.field = (const struct proto_field[]){ __VA_ARGS__ }, \
	.fields = sizeof((const struct proto_field[]){ __VA_ARGS__ }) / sizeof(struct proto_field)

/* Appends the message as a JSON object. Errors: ERR_INVALID with the byte and the message in which
 * it is damaged, ERR_RANGE when it is too large. */
int proto_read(struct buf *json, const struct proto_message *m, struct text body, struct err *e);

struct proto_reader {
	const char *begin;
	struct buf *out; /* NULL: only looks */
	size_t written;	 /* what out held before */
	int64_t values;
	struct err *e;
};

enum proto_wire { WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_OPEN, WIRE_CLOSE, WIRE_FIXED32 };

/* One field as it is on the wire: a number, or bytes. */
struct proto_entry {
	unsigned number; /* 0: it is not there */
	enum proto_wire wire;
	uint64_t value;
	struct text bytes;
};

/* Checks the whole message and finds the last of each field by its place in the table, the very
 * last of all, and in last[PROTO_FIELDS_MOST] the first that is not listed. Errors as proto_read.
 */
int proto_look_at(struct proto_reader *r, const struct proto_message *m, struct text t,
		  struct proto_entry last[PROTO_FIELDS_MOST + 1],
		  const struct proto_field **latest);

#endif
