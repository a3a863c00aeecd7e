#include "meter/formats/otlp_proto.h"

#include "meter/formats/proto.h"

static const struct proto_message any_value;

static const struct proto_message key_value = {
	"KeyValue",
	PROTO_FIELDS({ 1, PROTO_TEXT, false, "key", NULL },
		     { 2, PROTO_MESSAGE, false, "value", &any_value }),
};
static const struct proto_message array_value = {
	"ArrayValue",
	PROTO_FIELDS({ 1, PROTO_MESSAGE, true, "values", &any_value }),
};
static const struct proto_message kvlist = {
	"KeyValueList",
	PROTO_FIELDS({ 1, PROTO_MESSAGE, true, "values", &key_value }),
};
static const struct proto_message any_value = {
	"AnyValue",
	.one_of = true,
	PROTO_FIELDS({ 1, PROTO_TEXT, false, "stringValue", NULL },
		     { 2, PROTO_BOOL, false, "boolValue", NULL },
		     { 3, PROTO_INT64, false, "intValue", NULL },
		     { 4, PROTO_DOUBLE, false, "doubleValue", NULL },
		     { 5, PROTO_MESSAGE, false, "arrayValue", &array_value },
		     { 6, PROTO_MESSAGE, false, "kvlistValue", &kvlist },
		     { 7, PROTO_BYTES, false, "bytesValue", NULL }),
};
static const struct proto_message resource = {
	"Resource",
	PROTO_FIELDS({ 1, PROTO_MESSAGE, true, "attributes", &key_value }),
};
static const struct proto_message scope = {
	"InstrumentationScope",
	PROTO_FIELDS({ 1, PROTO_TEXT, false, "name", NULL },
		     { 2, PROTO_TEXT, false, "version", NULL },
		     { 3, PROTO_MESSAGE, true, "attributes", &key_value }),
};
static const struct proto_message status = {
	"Status",
	PROTO_FIELDS({ 2, PROTO_TEXT, false, "message", NULL },
		     { 3, PROTO_COUNT, false, "code", NULL }),
};
static const struct proto_message event = {
	"Event",
	PROTO_FIELDS({ 1, PROTO_FIXED64, false, "timeUnixNano", NULL },
		     { 2, PROTO_TEXT, false, "name", NULL },
		     { 3, PROTO_MESSAGE, true, "attributes", &key_value }),
};
static const struct proto_message span = {
	"Span",
	PROTO_FIELDS(
		{ 1, PROTO_HEX, false, "traceId", NULL }, { 2, PROTO_HEX, false, "spanId", NULL },
		{ 4, PROTO_HEX, false, "parentSpanId", NULL },
		{ 5, PROTO_TEXT, false, "name", NULL }, { 6, PROTO_COUNT, false, "kind", NULL },
		{ 7, PROTO_FIXED64, false, "startTimeUnixNano", NULL },
		{ 8, PROTO_FIXED64, false, "endTimeUnixNano", NULL },
		{ 9, PROTO_MESSAGE, true, "attributes", &key_value },
		{ 10, PROTO_COUNT, false, "droppedAttributesCount", NULL },
		{ 11, PROTO_MESSAGE, true, "events", &event },
		{ 15, PROTO_MESSAGE, false, "status", &status }),
};
static const struct proto_message log_record = {
	"LogRecord",
	PROTO_FIELDS({ 1, PROTO_FIXED64, false, "timeUnixNano", NULL },
		     { 2, PROTO_COUNT, false, "severityNumber", NULL },
		     { 5, PROTO_MESSAGE, false, "body", &any_value },
		     { 6, PROTO_MESSAGE, true, "attributes", &key_value },
		     { 7, PROTO_COUNT, false, "droppedAttributesCount", NULL },
		     { 9, PROTO_HEX, false, "traceId", NULL },
		     { 10, PROTO_HEX, false, "spanId", NULL },
		     { 11, PROTO_FIXED64, false, "observedTimeUnixNano", NULL },
		     { 12, PROTO_TEXT, false, "eventName", NULL }),
};
static const struct proto_message number_point = {
	"NumberDataPoint",
	PROTO_FIELDS({ 2, PROTO_FIXED64, false, "startTimeUnixNano", NULL },
		     { 3, PROTO_FIXED64, false, "timeUnixNano", NULL },
		     { 4, PROTO_DOUBLE, false, "asDouble", NULL },
		     { 6, PROTO_SFIXED64, false, "asInt", NULL },
		     { 7, PROTO_MESSAGE, true, "attributes", &key_value },
		     { 8, PROTO_COUNT, false, "flags", NULL }),
};
static const struct proto_message histogram_point = {
	"HistogramDataPoint",
	PROTO_FIELDS({ 2, PROTO_FIXED64, false, "startTimeUnixNano", NULL },
		     { 3, PROTO_FIXED64, false, "timeUnixNano", NULL },
		     { 4, PROTO_FIXED64, false, "count", NULL },
		     { 5, PROTO_DOUBLE, false, "sum", NULL },
		     { 9, PROTO_MESSAGE, true, "attributes", &key_value },
		     { 10, PROTO_COUNT, false, "flags", NULL }),
};
static const struct proto_message exponential_point = {
	"ExponentialHistogramDataPoint",
	PROTO_FIELDS({ 1, PROTO_MESSAGE, true, "attributes", &key_value },
		     { 2, PROTO_FIXED64, false, "startTimeUnixNano", NULL },
		     { 3, PROTO_FIXED64, false, "timeUnixNano", NULL },
		     { 4, PROTO_FIXED64, false, "count", NULL },
		     { 5, PROTO_DOUBLE, false, "sum", NULL },
		     { 10, PROTO_COUNT, false, "flags", NULL }),
};
static const struct proto_message gauge = {
	"Gauge",
	PROTO_FIELDS({ 1, PROTO_MESSAGE, true, "dataPoints", &number_point }),
};
static const struct proto_message sum = {
	"Sum",
	PROTO_FIELDS({ 1, PROTO_MESSAGE, true, "dataPoints", &number_point },
		     { 2, PROTO_COUNT, false, "aggregationTemporality", NULL },
		     { 3, PROTO_BOOL, false, "isMonotonic", NULL }),
};
static const struct proto_message histogram = {
	"Histogram",
	PROTO_FIELDS({ 1, PROTO_MESSAGE, true, "dataPoints", &histogram_point },
		     { 2, PROTO_COUNT, false, "aggregationTemporality", NULL }),
};
static const struct proto_message exponential_histogram = {
	"ExponentialHistogram",
	PROTO_FIELDS({ 1, PROTO_MESSAGE, true, "dataPoints", &exponential_point },
		     { 2, PROTO_COUNT, false, "aggregationTemporality", NULL }),
};
static const struct proto_message metric = {
	"Metric",
	PROTO_FIELDS({ 1, PROTO_TEXT, false, "name", NULL }, { 3, PROTO_TEXT, false, "unit", NULL },
		     { 5, PROTO_MESSAGE, false, "gauge", &gauge },
		     { 7, PROTO_MESSAGE, false, "sum", &sum },
		     { 9, PROTO_MESSAGE, false, "histogram", &histogram },
		     { 10, PROTO_MESSAGE, false, "exponentialHistogram", &exponential_histogram }),
};

#define SCOPED(what, record, list) \
	{ \
		what, \
			PROTO_FIELDS({ 1, PROTO_MESSAGE, false, "scope", &scope }, \
				     { 2, PROTO_MESSAGE, true, list, record }), \
	}
#define RESOURCES(what, scoped, list) \
	{ \
		what, \
			PROTO_FIELDS({ 1, PROTO_MESSAGE, false, "resource", &resource }, \
				     { 2, PROTO_MESSAGE, true, list, scoped }), \
	}
#define REQUEST(what, resources, list) \
	{ \
		what, PROTO_FIELDS({ 1, PROTO_MESSAGE, true, list, resources }), \
	}
static const struct proto_message scope_spans = SCOPED("ScopeSpans", &span, "spans");
static const struct proto_message scope_logs = SCOPED("ScopeLogs", &log_record, "logRecords");
static const struct proto_message scope_metrics = SCOPED("ScopeMetrics", &metric, "metrics");
static const struct proto_message resource_spans =
	RESOURCES("ResourceSpans", &scope_spans, "scopeSpans");
static const struct proto_message resource_logs =
	RESOURCES("ResourceLogs", &scope_logs, "scopeLogs");
static const struct proto_message resource_metrics =
	RESOURCES("ResourceMetrics", &scope_metrics, "scopeMetrics");
static const struct proto_message requests[] = {
	[OTLP_TRACES] = REQUEST("ExportTraceServiceRequest", &resource_spans, "resourceSpans"),
	[OTLP_LOGS] = REQUEST("ExportLogsServiceRequest", &resource_logs, "resourceLogs"),
	[OTLP_METRICS] =
		REQUEST("ExportMetricsServiceRequest", &resource_metrics, "resourceMetrics"),
};

int otlp_proto_read(struct buf *json, enum otlp_signal signal, struct text body, struct err *e)
{
	return proto_read(json, &requests[signal], body, e);
}

/* How far the bytes are what the message says: each of its messages whole, and with names. */
static bool is_like(struct proto_reader *r, const struct proto_message *m, struct text t, int depth)
{
	struct proto_entry last[PROTO_FIELDS_MOST + 1] = { 0 };
	const struct proto_field *latest;
	if (proto_look_at(r, m, t, last, &latest) != 0)
		return false;
	for (const struct proto_field *f = m->field; f < m->field + m->fields; f++) {
		const struct proto_entry *x = &last[f - m->field];
		if (!x->number || f->kind != PROTO_MESSAGE)
			continue;
		if (depth < 4 && !is_like(r, f->of, x->bytes, depth + 1))
			return false;
	}
	return latest != NULL || t.n == 0;
}

/* What tells the records of the three apart: the kind of the field that only they have. */
static bool has_own(struct proto_reader *r, const struct proto_message *m, struct text t, int depth)
{
	struct proto_entry last[PROTO_FIELDS_MOST + 1] = { 0 };
	const struct proto_field *latest;
	if (proto_look_at(r, m, t, last, &latest) != 0)
		return false;
	if (m == &span)
		return last[0].bytes.n == 16 && last[1].bytes.n == 8 && last[3].number;
	if (m == &metric)
		return last[0].bytes.n &&
		       utf8_valid_prefix(last[0].bytes.p, last[0].bytes.n) == last[0].bytes.n &&
		       (last[2].number || last[3].number || last[4].number || last[5].number);
	if (m == &log_record)
		return last[0].number || last[7].number;
	for (const struct proto_field *f = m->field; f < m->field + m->fields; f++)
		if (f->repeated && f->kind == PROTO_MESSAGE && last[f - m->field].number)
			return has_own(r, f->of, last[f - m->field].bytes, depth + 1);
	return false;
}

enum otlp_signal otlp_proto_signal(struct text body)
{
	struct err e;
	struct proto_reader r = { .begin = body.p, .e = &e };
	if (body.n < 4 || *body.p != '\n')
		return OTLP_NONE;
	for (int s = OTLP_TRACES; s <= OTLP_METRICS; s++)
		if (is_like(&r, &requests[s], body, 0) && has_own(&r, &requests[s], body, 0))
			return (enum otlp_signal)s;
	return OTLP_NONE;
}
