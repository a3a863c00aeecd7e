#include "meter/formats/proto.h"

#include <stdio.h>

#include "base/json.h"

static int damaged(struct proto_reader *r, const struct proto_message *m, const char *p,
		   const char *what)
{
	return err_set(r->e, ERR_INVALID, "byte %lld, in %s: %s", (long long)(p - r->begin),
		       m->name, what);
}

/* Returns what follows the number, NULL where it does not end within 10 bytes or 64 bits. */
static const char *read_varint(const char *p, const char *end, uint64_t *out)
{
	uint64_t v = 0;
	for (int shift = 0; p < end && shift < 70; shift += 7) {
		const uint8_t b = (uint8_t)*p++;
		if (shift == 63 && b > 1)
			return NULL;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*out = v;
			return p;
		}
	}
	return NULL;
}

static uint64_t little_endian(const char *p, int n)
{
	uint64_t v = 0;
	for (int i = n; i-- > 0;)
		v = v << 8 | (uint8_t)p[i];
	return v;
}

/* The next field, groups whole: what follows it, or NULL where it is damaged. */
static const char *read_entry(struct proto_reader *r, const struct proto_message *m, const char *p,
			      const char *end, struct proto_entry *out, int depth)
{
	const char *at = p;
	uint64_t tag, n;
	if (!(p = read_varint(p, end, &tag)) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) {
		damaged(r, m, at, "a field has no valid number");
		return NULL;
	}
	*out = (struct proto_entry){ .number = (unsigned)(tag >> 3),
				     .wire = (enum proto_wire)(tag & 7) };
	switch ((int)out->wire) {
	case WIRE_VARINT:
		p = read_varint(p, end, &out->value);
		break;
	case WIRE_FIXED64:
	case WIRE_FIXED32: {
		const int size = out->wire == WIRE_FIXED64 ? 8 : 4;
		if (end - p < size) {
			p = NULL;
		} else {
			out->value = little_endian(p, size);
			p += size;
		}
		break;
	}
	case WIRE_BYTES:
		p = read_varint(p, end, &n);
		if (p && n > (uint64_t)(end - p))
			p = NULL;
		if (p) {
			out->bytes = (struct text){ p, (size_t)n };
			p += n;
		}
		break;
	case WIRE_OPEN: {
		struct proto_entry inner;
		if (depth >= PROTO_DEPTH_MAX) {
			err_set(r->e, ERR_RANGE, "the message is deeper than %d", PROTO_DEPTH_MAX);
			return NULL;
		}
		do
			p = read_entry(r, m, p, end, &inner, depth + 1);
		while (p && inner.wire != WIRE_CLOSE);
		if (!p)
			return NULL;
		if (inner.number != out->number)
			p = NULL;
		break;
	}
	case WIRE_CLOSE:
		break;
	default:
		p = NULL;
	}
	if (!p)
		damaged(r, m, at, "a field has an unknown type, or is longer than its message");
	return p;
}

/* Whether the field came in the form that the message says; else it is an unknown one. */
static bool fits(const struct proto_field *f, const struct proto_entry *x)
{
	switch (f->kind) {
	case PROTO_COUNT:
	case PROTO_INT64:
	case PROTO_BOOL:
		return x->wire == WIRE_VARINT;
	case PROTO_FIXED64:
	case PROTO_SFIXED64:
	case PROTO_DOUBLE:
		return x->wire == WIRE_FIXED64;
	default:
		return x->wire == WIRE_BYTES;
	}
}

static void put_hex(struct buf *b, struct text t)
{
	static const char digits[] = "0123456789abcdef";
	enum { ID_MOST = 64 };
	buf_puts(b, "\"");
	for (size_t i = 0; i < t.n && i < ID_MOST; i++)
		buf_add(b,
			(const char[2]){ digits[(uint8_t)t.p[i] >> 4],
					 digits[(uint8_t)t.p[i] & 15] },
			2);
	buf_puts(b, "\"");
}

/* Controls, which JSON has no room for in part, become U+FFFD as what is no UTF-8 does. */
static void put_text(struct buf *b, struct text t)
{
	struct buf plain = { 0 };
	size_t clean = 0;
	if (t.n > PROTO_TEXT_MAX)
		t.n = 0;
	for (size_t i = 0; i < t.n; i++) {
		const uint8_t c = (uint8_t)t.p[i];
		if ((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t' || c == '\r')
			continue;
		buf_add(&plain, t.p + clean, i - clean);
		buf_puts(&plain, "\xEF\xBF\xBD");
		clean = i + 1;
	}
	if (plain.n) {
		buf_add(&plain, t.p + clean, t.n - clean);
		t = (struct text){ plain.p, plain.n };
	}
	json_put_string(b, t);
	buf_release(&plain);
}

/* A number of IEEE 754 without any floating point: histograms add up tokens so. Whole numbers
 * exactly, parts to nine digits; what 63 bits cannot hold is no count. */
static void put_double(struct buf *b, uint64_t bits)
{
	const char *sign = bits >> 63 ? "-" : "";
	const int exponent = (int)(bits >> 52 & 0x7ff) - 1075;
	uint64_t whole = (bits & 0xfffffffffffff) | (exponent > -1075 ? (uint64_t)1 << 52 : 0);
	uint64_t part = 0;
	if (exponent > 10) {
		buf_puts(b, "\"out of range\"");
		return;
	}
	if (exponent >= 0) {
		whole <<= exponent;
	} else if (exponent > -64) {
		const uint64_t rest = whole & (((uint64_t)1 << -exponent) - 1);
		part = (uint64_t)((int128)rest * 1000000000 >> -exponent);
		whole >>= -exponent;
	} else {
		whole = 0;
	}
	if (whole == 0 && part == 0)
		sign = "";
	if (part == 0)
		buf_printf(b, "%s%llu", sign, (unsigned long long)whole);
	else
		buf_printf(b, "%s%llu.%09llu", sign, (unsigned long long)whole,
			   (unsigned long long)part);
}

static int put_message(struct proto_reader *r, const struct proto_message *m, struct text t,
		       int depth);

static int put_value(struct proto_reader *r, const struct proto_field *f,
		     const struct proto_entry *x, int depth)
{
	struct buf *b = r->out;
	if (++r->values > PROTO_VALUES_MAX)
		return err_set(r->e, ERR_RANGE, "the message holds more than %d values",
			       PROTO_VALUES_MAX);
	if (b->n - r->written > PROTO_WRITTEN_MAX)
		return err_set(r->e, ERR_RANGE, "the message unpacks to more than %d MiB",
			       PROTO_WRITTEN_MAX >> 20);
	switch ((enum proto_kind)f->kind) {
	case PROTO_MESSAGE:
		return put_message(r, f->of, x->bytes, depth + 1);
	case PROTO_TEXT:
		put_text(b, x->bytes);
		break;
	case PROTO_HEX:
		put_hex(b, x->bytes);
		break;
	case PROTO_COUNT:
		buf_printf(b, "%llu", (unsigned long long)x->value);
		break;
	case PROTO_INT64:
	case PROTO_SFIXED64:
		buf_printf(b, "\"%lld\"", (long long)x->value);
		break;
	case PROTO_FIXED64:
		buf_printf(b, "\"%llu\"", (unsigned long long)x->value);
		break;
	case PROTO_DOUBLE:
		put_double(b, x->value);
		break;
	case PROTO_BOOL:
		buf_puts(b, x->value ? "true" : "false");
		break;
	case PROTO_BYTES:
		buf_puts(b, "\"\"");
	}
	return 0;
}

static const struct proto_field *field_of(const struct proto_message *m,
					  const struct proto_entry *x)
{
	for (const struct proto_field *f = m->field; f < m->field + m->fields; f++)
		if (f->number == x->number)
			return fits(f, x) ? f : NULL;
	return NULL;
}

static void put_key(struct proto_reader *r, const char *name, bool *any)
{
	buf_puts(r->out, *any ? ",\"" : "\"");
	buf_puts(r->out, name);
	buf_puts(r->out, "\":");
	*any = true;
}

/* All of a list, wherever in the message its parts are. */
static int put_list(struct proto_reader *r, const struct proto_message *m,
		    const struct proto_field *f, struct text t, int depth)
{
	const char *p = t.p, *end = t.p + t.n;
	struct proto_entry x;
	bool any = false;
	int rc = 0;
	buf_puts(r->out, "[");
	while (rc == 0 && p < end) {
		p = read_entry(r, m, p, end, &x, 0);
		if (x.number != f->number || !fits(f, &x))
			continue;
		if (any)
			buf_puts(r->out, ",");
		any = true;
		rc = put_value(r, f, &x, depth);
	}
	buf_puts(r->out, "]");
	return rc;
}

/* One look at the whole message checks it and finds the last of each field. */
int proto_look_at(struct proto_reader *r, const struct proto_message *m, struct text t,
		  struct proto_entry last[PROTO_FIELDS_MOST + 1], const struct proto_field **latest)
{
	const char *end = t.p + t.n;
	struct proto_entry x;
	CHECK(m->fields <= PROTO_FIELDS_MOST);
	*latest = NULL;
	for (const char *p = t.p; p < end;) {
		const char *at = p;
		p = read_entry(r, m, p, end, &x, 0);
		if (!p)
			return -(int)r->e->code;
		if (x.wire == WIRE_CLOSE)
			return damaged(r, m, at, "a group ends without a start");
		const struct proto_field *f = field_of(m, &x);
		if (f)
			last[f - m->field] = x;
		else if (!last[PROTO_FIELDS_MOST].number)
			last[PROTO_FIELDS_MOST] = x;
		if (!f)
			continue;
		*latest = f;
	}
	return 0;
}

static void put_unlisted(struct proto_reader *r, const struct proto_entry *x, bool *any)
{
	char name[24];
	snprintf(name, sizeof name, "%u", x->number);
	put_key(r, name, any);
	if (x->wire == WIRE_BYTES)
		buf_printf(r->out, "{\"bytes\":%zu}", x->bytes.n);
	else
		buf_printf(r->out, "%llu", (unsigned long long)x->value);
}

static int put_message(struct proto_reader *r, const struct proto_message *m, struct text t,
		       int depth)
{
	struct proto_entry last[PROTO_FIELDS_MOST + 1] = { 0 };
	const struct proto_field *latest;
	bool any = false;
	if (depth > PROTO_DEPTH_MAX) { /* only values nest, and none of usage lies that deep */
		buf_puts(r->out, "{}");
		return 0;
	}
	int rc = proto_look_at(r, m, t, last, &latest);
	if (rc != 0)
		return rc;
	buf_puts(r->out, "{");
	for (const struct proto_field *f = m->field; rc == 0 && f < m->field + m->fields; f++) {
		const struct proto_entry *x = &last[f - m->field];
		if (!x->number || (m->one_of && f != latest))
			continue;
		put_key(r, f->name, &any);
		rc = f->repeated ? put_list(r, m, f, t, depth) : put_value(r, f, x, depth);
	}
	if (m->closed && last[PROTO_FIELDS_MOST].number)
		put_unlisted(r, &last[PROTO_FIELDS_MOST], &any);
	buf_puts(r->out, "}");
	return rc;
}

int proto_read(struct buf *json, const struct proto_message *m, struct text body, struct err *e)
{
	struct err own = { 0 };
	struct proto_reader r = {
		.begin = body.p, .out = json, .written = json->n, .e = e ? e : &own
	};
	return put_message(&r, m, body, 0);
}
