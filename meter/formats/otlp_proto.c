#include "meter/formats/otlp_proto.h"

#include <stdio.h>

#include "base/json.h"

enum wire { WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_OPEN, WIRE_CLOSE, WIRE_FIXED32 };

enum kind {
	KIND_END,
	KIND_MESSAGE,
	KIND_TEXT,
	KIND_HEX,     /* ids */
	KIND_COUNT,   /* varint, as an integer */
	KIND_INT64,   /* varint, signed, as a text */
	KIND_FIXED64, /* unsigned, as a text */
	KIND_SFIXED64,
	KIND_DOUBLE,
	KIND_BOOL,
	KIND_BASE64, /* bytes of no meaning here */
};

struct message;
struct field {
	unsigned number;
	enum kind kind;
	const char *name;
	const struct message *of;
	bool repeated;
};

enum { FIELDS_MOST = 12 };

struct message {
	const char *name;
	bool one_of; /* the last of its fields is the value */
	struct field field[FIELDS_MOST];
};

static const struct message any_value;

static const struct message key_value = {
	"KeyValue",
	.field = { { 1, KIND_TEXT, "key", NULL, false },
		   { 2, KIND_MESSAGE, "value", &any_value, false } },
};
static const struct message array_value = {
	"ArrayValue",
	.field = { { 1, KIND_MESSAGE, "values", &any_value, true } },
};
static const struct message kvlist = {
	"KeyValueList",
	.field = { { 1, KIND_MESSAGE, "values", &key_value, true } },
};
static const struct message any_value = {
	"AnyValue",
	.one_of = true,
	.field = { { 1, KIND_TEXT, "stringValue", NULL, false },
		   { 2, KIND_BOOL, "boolValue", NULL, false },
		   { 3, KIND_INT64, "intValue", NULL, false },
		   { 4, KIND_DOUBLE, "doubleValue", NULL, false },
		   { 5, KIND_MESSAGE, "arrayValue", &array_value, false },
		   { 6, KIND_MESSAGE, "kvlistValue", &kvlist, false },
		   { 7, KIND_BASE64, "bytesValue", NULL, false } },
};
static const struct message resource = {
	"Resource",
	.field = { { 1, KIND_MESSAGE, "attributes", &key_value, true } },
};
static const struct message scope = {
	"InstrumentationScope",
	.field = { { 1, KIND_TEXT, "name", NULL, false },
		   { 2, KIND_TEXT, "version", NULL, false },
		   { 3, KIND_MESSAGE, "attributes", &key_value, true } },
};
static const struct message status = {
	"Status",
	.field = { { 2, KIND_TEXT, "message", NULL, false },
		   { 3, KIND_COUNT, "code", NULL, false } },
};
static const struct message event = {
	"Event",
	.field = { { 1, KIND_FIXED64, "timeUnixNano", NULL, false },
		   { 2, KIND_TEXT, "name", NULL, false },
		   { 3, KIND_MESSAGE, "attributes", &key_value, true } },
};
static const struct message span = {
	"Span",
	.field = { { 1, KIND_HEX, "traceId", NULL, false },
		   { 2, KIND_HEX, "spanId", NULL, false },
		   { 4, KIND_HEX, "parentSpanId", NULL, false },
		   { 5, KIND_TEXT, "name", NULL, false },
		   { 6, KIND_COUNT, "kind", NULL, false },
		   { 7, KIND_FIXED64, "startTimeUnixNano", NULL, false },
		   { 8, KIND_FIXED64, "endTimeUnixNano", NULL, false },
		   { 9, KIND_MESSAGE, "attributes", &key_value, true },
		   { 10, KIND_COUNT, "droppedAttributesCount", NULL, false },
		   { 11, KIND_MESSAGE, "events", &event, true },
		   { 15, KIND_MESSAGE, "status", &status, false } },
};
static const struct message log_record = {
	"LogRecord",
	.field = { { 1, KIND_FIXED64, "timeUnixNano", NULL, false },
		   { 2, KIND_COUNT, "severityNumber", NULL, false },
		   { 5, KIND_MESSAGE, "body", &any_value, false },
		   { 6, KIND_MESSAGE, "attributes", &key_value, true },
		   { 7, KIND_COUNT, "droppedAttributesCount", NULL, false },
		   { 9, KIND_HEX, "traceId", NULL, false },
		   { 10, KIND_HEX, "spanId", NULL, false },
		   { 11, KIND_FIXED64, "observedTimeUnixNano", NULL, false },
		   { 12, KIND_TEXT, "eventName", NULL, false } },
};
static const struct message number_point = {
	"NumberDataPoint",
	.field = { { 2, KIND_FIXED64, "startTimeUnixNano", NULL, false },
		   { 3, KIND_FIXED64, "timeUnixNano", NULL, false },
		   { 4, KIND_DOUBLE, "asDouble", NULL, false },
		   { 6, KIND_SFIXED64, "asInt", NULL, false },
		   { 7, KIND_MESSAGE, "attributes", &key_value, true },
		   { 8, KIND_COUNT, "flags", NULL, false } },
};
static const struct message histogram_point = {
	"HistogramDataPoint",
	.field = { { 2, KIND_FIXED64, "startTimeUnixNano", NULL, false },
		   { 3, KIND_FIXED64, "timeUnixNano", NULL, false },
		   { 4, KIND_FIXED64, "count", NULL, false },
		   { 5, KIND_DOUBLE, "sum", NULL, false },
		   { 9, KIND_MESSAGE, "attributes", &key_value, true },
		   { 10, KIND_COUNT, "flags", NULL, false } },
};
static const struct message exponential_point = {
	"ExponentialHistogramDataPoint",
	.field = { { 1, KIND_MESSAGE, "attributes", &key_value, true },
		   { 2, KIND_FIXED64, "startTimeUnixNano", NULL, false },
		   { 3, KIND_FIXED64, "timeUnixNano", NULL, false },
		   { 4, KIND_FIXED64, "count", NULL, false },
		   { 5, KIND_DOUBLE, "sum", NULL, false },
		   { 10, KIND_COUNT, "flags", NULL, false } },
};
static const struct message gauge = {
	"Gauge",
	.field = { { 1, KIND_MESSAGE, "dataPoints", &number_point, true } },
};
static const struct message sum = {
	"Sum",
	.field = { { 1, KIND_MESSAGE, "dataPoints", &number_point, true },
		   { 2, KIND_COUNT, "aggregationTemporality", NULL, false },
		   { 3, KIND_BOOL, "isMonotonic", NULL, false } },
};
static const struct message histogram = {
	"Histogram",
	.field = { { 1, KIND_MESSAGE, "dataPoints", &histogram_point, true },
		   { 2, KIND_COUNT, "aggregationTemporality", NULL, false } },
};
static const struct message exponential_histogram = {
	"ExponentialHistogram",
	.field = { { 1, KIND_MESSAGE, "dataPoints", &exponential_point, true },
		   { 2, KIND_COUNT, "aggregationTemporality", NULL, false } },
};
static const struct message metric = {
	"Metric",
	.field = { { 1, KIND_TEXT, "name", NULL, false },
		   { 3, KIND_TEXT, "unit", NULL, false },
		   { 5, KIND_MESSAGE, "gauge", &gauge, false },
		   { 7, KIND_MESSAGE, "sum", &sum, false },
		   { 9, KIND_MESSAGE, "histogram", &histogram, false },
		   { 10, KIND_MESSAGE, "exponentialHistogram", &exponential_histogram, false } },
};

#define SCOPED(what, record, list) \
	{ \
		what, \
			.field = { { 1, KIND_MESSAGE, "scope", &scope, false }, \
				   { 2, KIND_MESSAGE, list, record, true } }, \
	}
#define RESOURCES(what, scoped, list) \
	{ \
		what, \
			.field = { { 1, KIND_MESSAGE, "resource", &resource, false }, \
				   { 2, KIND_MESSAGE, list, scoped, true } }, \
	}
#define REQUEST(what, resources, list) \
	{ \
		what, .field = { { 1, KIND_MESSAGE, list, resources, true } }, \
	}
static const struct message scope_spans = SCOPED("ScopeSpans", &span, "spans");
static const struct message scope_logs = SCOPED("ScopeLogs", &log_record, "logRecords");
static const struct message scope_metrics = SCOPED("ScopeMetrics", &metric, "metrics");
static const struct message resource_spans = RESOURCES("ResourceSpans", &scope_spans, "scopeSpans");
static const struct message resource_logs = RESOURCES("ResourceLogs", &scope_logs, "scopeLogs");
static const struct message resource_metrics =
	RESOURCES("ResourceMetrics", &scope_metrics, "scopeMetrics");
static const struct message requests[] = {
	[OTLP_TRACES] = REQUEST("ExportTraceServiceRequest", &resource_spans, "resourceSpans"),
	[OTLP_LOGS] = REQUEST("ExportLogsServiceRequest", &resource_logs, "resourceLogs"),
	[OTLP_METRICS] =
		REQUEST("ExportMetricsServiceRequest", &resource_metrics, "resourceMetrics"),
};

struct reader {
	const char *begin;
	struct buf *out; /* NULL: only looks */
	size_t written;	 /* what out held before */
	int64_t values;
	struct err *e;
};

/* One field as it is on the wire: a number, or bytes. */
struct entry {
	unsigned number;
	enum wire wire;
	uint64_t value;
	struct text bytes;
};

static int damaged(struct reader *r, const struct message *m, const char *p, const char *what)
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
static const char *read_entry(struct reader *r, const struct message *m, const char *p,
			      const char *end, struct entry *out, int depth)
{
	const char *at = p;
	uint64_t tag, n;
	if (!(p = read_varint(p, end, &tag)) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) {
		damaged(r, m, at, "a field has no valid number");
		return NULL;
	}
	*out = (struct entry){ .number = (unsigned)(tag >> 3), .wire = (enum wire)(tag & 7) };
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
		struct entry inner;
		if (depth >= OTLP_DEPTH_MAX) {
			err_set(r->e, ERR_RANGE, "the message is deeper than %d", OTLP_DEPTH_MAX);
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
static bool fits(const struct field *f, const struct entry *x)
{
	switch (f->kind) {
	case KIND_COUNT:
	case KIND_INT64:
	case KIND_BOOL:
		return x->wire == WIRE_VARINT;
	case KIND_FIXED64:
	case KIND_SFIXED64:
	case KIND_DOUBLE:
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
	if (t.n > OTLP_TEXT_MAX)
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

static int put_message(struct reader *r, const struct message *m, struct text t, int depth);

static int put_value(struct reader *r, const struct field *f, const struct entry *x, int depth)
{
	struct buf *b = r->out;
	if (++r->values > OTLP_VALUES_MAX)
		return err_set(r->e, ERR_RANGE, "the request holds more than %d values",
			       OTLP_VALUES_MAX);
	if (b->n - r->written > OTLP_WRITTEN_MAX)
		return err_set(r->e, ERR_RANGE, "the request unpacks to more than %d MiB",
			       OTLP_WRITTEN_MAX >> 20);
	switch (f->kind) {
	case KIND_MESSAGE:
		return put_message(r, f->of, x->bytes, depth + 1);
	case KIND_TEXT:
		put_text(b, x->bytes);
		break;
	case KIND_HEX:
		put_hex(b, x->bytes);
		break;
	case KIND_COUNT:
		buf_printf(b, "%llu", (unsigned long long)x->value);
		break;
	case KIND_INT64:
	case KIND_SFIXED64:
		buf_printf(b, "\"%lld\"", (long long)x->value);
		break;
	case KIND_FIXED64:
		buf_printf(b, "\"%llu\"", (unsigned long long)x->value);
		break;
	case KIND_DOUBLE:
		put_double(b, x->value);
		break;
	case KIND_BOOL:
		buf_puts(b, x->value ? "true" : "false");
		break;
	case KIND_BASE64:
	case KIND_END:
		buf_puts(b, "\"\"");
	}
	return 0;
}

static const struct field *field_of(const struct message *m, const struct entry *x)
{
	for (const struct field *f = m->field; f < m->field + FIELDS_MOST && f->name; f++)
		if (f->number == x->number)
			return fits(f, x) ? f : NULL;
	return NULL;
}

static void put_key(struct reader *r, const char *name, bool *any)
{
	buf_puts(r->out, *any ? ",\"" : "\"");
	buf_puts(r->out, name);
	buf_puts(r->out, "\":");
	*any = true;
}

/* All of a list, wherever in the message its parts are. */
static int put_list(struct reader *r, const struct message *m, const struct field *f, struct text t,
		    int depth)
{
	const char *p = t.p, *end = t.p + t.n;
	struct entry x;
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
static int look_at(struct reader *r, const struct message *m, struct text t,
		   struct entry last[FIELDS_MOST], const struct field **latest)
{
	const char *end = t.p + t.n;
	struct entry x;
	*latest = NULL;
	for (const char *p = t.p; p < end;) {
		const char *at = p;
		p = read_entry(r, m, p, end, &x, 0);
		if (!p)
			return -(int)r->e->code;
		if (x.wire == WIRE_CLOSE)
			return damaged(r, m, at, "a group ends without a start");
		const struct field *f = field_of(m, &x);
		if (!f)
			continue;
		last[f - m->field] = x;
		*latest = f;
	}
	return 0;
}

static int put_message(struct reader *r, const struct message *m, struct text t, int depth)
{
	struct entry last[FIELDS_MOST] = { 0 };
	const struct field *latest;
	bool any = false;
	if (depth > OTLP_DEPTH_MAX) { /* only values nest, and none of usage lies that deep */
		buf_puts(r->out, "{}");
		return 0;
	}
	int rc = look_at(r, m, t, last, &latest);
	if (rc != 0)
		return rc;
	buf_puts(r->out, "{");
	for (const struct field *f = m->field; rc == 0 && f < m->field + FIELDS_MOST && f->name;
	     f++) {
		const struct entry *x = &last[f - m->field];
		if (!x->number || (m->one_of && f != latest))
			continue;
		put_key(r, f->name, &any);
		rc = f->repeated ? put_list(r, m, f, t, depth) : put_value(r, f, x, depth);
	}
	buf_puts(r->out, "}");
	return rc;
}

int otlp_proto_read(struct buf *json, enum otlp_signal signal, struct text body, struct err *e)
{
	struct err own = { 0 };
	struct reader r = { .begin = body.p, .out = json, .written = json->n, .e = e ? e : &own };
	return put_message(&r, &requests[signal], body, 0);
}

/* How far the bytes are what the message says: each of its messages whole, and with names. */
static bool is_like(struct reader *r, const struct message *m, struct text t, int depth)
{
	struct entry last[FIELDS_MOST] = { 0 };
	const struct field *latest;
	if (look_at(r, m, t, last, &latest) != 0)
		return false;
	for (const struct field *f = m->field; f < m->field + FIELDS_MOST && f->name; f++) {
		const struct entry *x = &last[f - m->field];
		if (!x->number || f->kind != KIND_MESSAGE)
			continue;
		if (depth < 4 && !is_like(r, f->of, x->bytes, depth + 1))
			return false;
	}
	return latest != NULL || t.n == 0;
}

/* What tells the records of the three apart: the kind of the field that only they have. */
static bool has_own(struct reader *r, const struct message *m, struct text t, int depth)
{
	struct entry last[FIELDS_MOST] = { 0 };
	const struct field *latest;
	if (look_at(r, m, t, last, &latest) != 0)
		return false;
	if (m == &span)
		return last[0].bytes.n == 16 && last[1].bytes.n == 8 && last[3].number;
	if (m == &metric)
		return last[0].bytes.n &&
		       utf8_valid_prefix(last[0].bytes.p, last[0].bytes.n) == last[0].bytes.n &&
		       (last[2].number || last[3].number || last[4].number || last[5].number);
	if (m == &log_record)
		return last[0].number || last[7].number;
	for (const struct field *f = m->field; f < m->field + FIELDS_MOST && f->name; f++)
		if (f->repeated && f->kind == KIND_MESSAGE && last[f - m->field].number)
			return has_own(r, f->of, last[f - m->field].bytes, depth + 1);
	return false;
}

enum otlp_signal otlp_proto_signal(struct text body)
{
	struct err e;
	struct reader r = { .begin = body.p, .e = &e };
	if (body.n < 4 || *body.p != '\n')
		return OTLP_NONE;
	for (int s = OTLP_TRACES; s <= OTLP_METRICS; s++)
		if (is_like(&r, &requests[s], body, 0) && has_own(&r, &requests[s], body, 0))
			return (enum otlp_signal)s;
	return OTLP_NONE;
}
