/*
 * OpenTelemetry's requests: spans, log records and metrics, with what is around them.
 *
 * Source: opentelemetry-proto and its JSON mapping (64-bit integers are strings, times are
 * nanoseconds). Protobuf is written out as that JSON first (otlp_proto.h).
 */
#include <stdlib.h>

#include "meter/formats/otlp.h"

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Whether v holds a list or an object under a name that OTLP does not have there. */
static bool holds_other(json_value *v, const char *const *known)
{
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		bool is_known = json_kind(m) != JSON_ARRAY && json_kind(m) != JSON_OBJECT;
		for (const char *const *k = known; *k && !is_known; k++)
			is_known = strcmp(*k, json_key(m)) == 0;
		if (!is_known && json_first(m))
			return true;
	}
	return false;
}

/* Whether something else stands where OTLP has a list of objects. */
static bool is_no_list(json_value *list)
{
	if (!list || json_kind(list) == JSON_NULL)
		return false;
	for (json_value *m = json_first(list); m && json_kind(list) == JSON_ARRAY; m = json_next(m))
		if (json_kind(m) != JSON_OBJECT)
			return true;
	return json_kind(list) != JSON_ARRAY;
}

static json_value *about(json_value *resource)
{
	return json_member(json_member(resource, "resource"), "attributes");
}

/* Whether each of its calls would be looked for among more attributes than a resource has. */
static bool says_too_much(json_value *resource)
{
	enum { ATTRIBUTES_MOST = 1024 };
	int n = 0;
	for (json_value *a = json_first(about(resource)); a && n <= ATTRIBUTES_MOST;
	     a = json_next(a))
		n++;
	return n > ATTRIBUTES_MOST;
}

static bool is_otlp(struct payload_reader *r, json_value *v, const char *const *known, int64_t line)
{
	static const char *const lists[] = { "resourceSpans", "resourceLogs", "resourceMetrics",
					     "scopeSpans",    "scopeLogs",    "scopeMetrics",
					     "spans",	      "logRecords",   "metrics",
					     "attributes" };
	struct err e;
	const bool too_much = says_too_much(v);
	bool other = too_much || holds_other(v, known);
	other |= holds_other(json_member(v, "resource"), NAMES("attributes", "entityRefs")) ||
		 holds_other(json_member(v, "scope"), NAMES("attributes"));
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		other |= is_no_list(json_member(v, lists[i]));
	if (!other)
		return true;
	err_set(&e, ERR_INVALID,
		too_much ? "the telemetry's resource has more than 1,024 attributes"
			 : "the telemetry holds a list that is not part of OTLP, or none where "
			   "OTLP has one");
	payload_refuse(r, line, v, &e);
	return false;
}

/* The spans of a request by their ids. */
struct tree {
	struct dict ids; /* 1 + the place in span */
	struct node {
		json_value *span;
		size_t around; /* 1 + the place of the span in which it lies; 0: not here */
		bool counts;   /* a call with usage */
		bool holds;    /* another one lies in it */
		int64_t step;  /* as otlp_step_of */
		int64_t steps; /* that lie right in it */
	} * span;
	size_t count;
	struct buf id;
};

static struct text full_id(struct tree *t, json_value *span, const char *name)
{
	const struct text trace = json_string(json_member(span, "traceId")),
			  id = json_string(json_member(span, name));
	t->id.n = 0;
	if (id.n == 0)
		return TEXT("");
	buf_add(&t->id, trace.p, trace.n);
	buf_puts(&t->id, "/");
	buf_add(&t->id, id.p, id.n);
	return (struct text){ t->id.p, t->id.n };
}

static void add_span(struct tree *t, json_value *span)
{
	struct otlp_names n;
	if ((t->count & (t->count - 1)) == 0)
		t->span = mem_grow(t->span, (t->count ? t->count * 2 : 1) * sizeof *t->span);
	json_value *attributes = json_member(span, "attributes");
	otlp_names_read(&n, attributes);
	t->span[t->count++] = (struct node){
		.span = span,
		.counts = otlp_has_usage(&n) && otlp_kind_of(&n, span) == OTLP_IS_CALL,
		.step = otlp_step_of(&n, attributes),
	};
	const struct text id = full_id(t, span, "spanId");
	if (id.n)
		*dict_need(&t->ids, id, NULL) = t->count;
}

/* The last of the steps may be the only one in this request. */
static void count_step(struct node *around, const struct node *step)
{
	around->steps++;
	if (step->step > around->steps)
		around->steps = step->step;
}

/* Marks what lies around calls, and counts the steps in each. */
static void grow_tree(struct tree *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct text id = full_id(t, t->span[i].span, "parentSpanId");
		const uint64_t *at = id.n ? dict_find(&t->ids, id) : NULL;
		t->span[i].around = at && *at != i + 1 ? *at : 0;
		if (t->span[i].around && t->span[i].step)
			count_step(&t->span[t->span[i].around - 1], &t->span[i]);
	}
	for (size_t i = 0; i < t->count; i++) {
		if (!t->span[i].counts)
			continue;
		for (size_t k = t->span[i].around; k && !t->span[k - 1].holds;
		     k = t->span[k - 1].around)
			t->span[k - 1].holds = true;
	}
}

static struct otlp_item item_of(json_value *self, json_value *resource, json_value *scope,
				int64_t line)
{
	return (struct otlp_item){
		.self = self,
		.attributes = json_member(self, "attributes"),
		.resource = resource,
		.scope = json_string(json_member(json_member(scope, "scope"), "name")),
		.service = json_string(otlp_attribute(resource, "service.name")),
		.line = line,
	};
}

static json_value *scopes_of_spans(json_value *resource)
{
	json_value *scopes = json_member(resource, "scopeSpans");
	return scopes ? scopes : json_member(resource, "instrumentationLibrarySpans");
}

static bool is_span(struct payload_reader *r, json_value *span, int64_t line)
{
	return is_otlp(r, span, NAMES("attributes", "events", "links", "status"), line);
}

static void read_spans(struct payload_reader *r, json_value *list, int64_t line)
{
	struct tree t = { 0 };
	size_t i = 0;
	for (json_value *m = json_first(list); m; m = json_next(m))
		for (json_value *s = json_first(scopes_of_spans(m)); s; s = json_next(s))
			for (json_value *v = json_first(json_member(s, "spans")); v;
			     v = json_next(v))
				add_span(&t, v);
	grow_tree(&t);
	for (json_value *m = json_first(list); m; m = json_next(m)) {
		if (!is_otlp(r, m, NAMES("resource", "scopeSpans", "instrumentationLibrarySpans"),
			     line))
			continue;
		for (json_value *s = json_first(scopes_of_spans(m)); s; s = json_next(s)) {
			const bool whole = is_otlp(
				r, s, NAMES("scope", "spans", "instrumentationLibrary"), line);
			for (json_value *v = json_first(json_member(s, "spans")); v;
			     v = json_next(v)) {
				while (i < t.count && t.span[i].span != v)
					i++;
				struct otlp_item item = item_of(v, about(m), s, line);
				item.steps = i < t.count ? t.span[i].steps : 0;
				if (whole && is_span(r, v, line))
					otlp_span(r, &item, i < t.count && t.span[i].holds);
			}
		}
	}
	free(t.span);
	dict_release(&t.ids);
	buf_release(&t.id);
}

static void read_logs(struct payload_reader *r, json_value *list, int64_t line)
{
	for (json_value *m = json_first(list); m; m = json_next(m)) {
		if (!is_otlp(r, m, NAMES("resource", "scopeLogs"), line))
			continue;
		for (json_value *s = json_first(json_member(m, "scopeLogs")); s; s = json_next(s)) {
			if (!is_otlp(r, s, NAMES("scope", "logRecords"), line))
				continue;
			for (json_value *v = json_first(json_member(s, "logRecords")); v;
			     v = json_next(v)) {
				const struct otlp_item item = item_of(v, about(m), s, line);
				if (is_otlp(r, v, NAMES("attributes", "body"), line))
					otlp_event(r, &item);
			}
		}
	}
}

static void read_metrics(struct payload_reader *r, json_value *list, int64_t line)
{
	struct otlp_item *items = NULL;
	size_t n = 0;
	for (json_value *m = json_first(list); m; m = json_next(m)) {
		if (!is_otlp(r, m, NAMES("resource", "scopeMetrics"), line))
			continue;
		for (json_value *s = json_first(json_member(m, "scopeMetrics")); s;
		     s = json_next(s)) {
			if (!is_otlp(r, s, NAMES("scope", "metrics"), line))
				continue;
			for (json_value *v = json_first(json_member(s, "metrics")); v;
			     v = json_next(v)) {
				if ((n & (n - 1)) == 0)
					items = mem_grow(items, (n ? n * 2 : 1) * sizeof *items);
				items[n++] = item_of(v, about(m), s, line);
			}
		}
	}
	otlp_metrics(r, items, n);
	free(items);
}

bool otlp_document(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *spans = json_member(v, "resourceSpans"), *logs = json_member(v, "resourceLogs"),
		   *metrics = json_member(v, "resourceMetrics");
	if (!spans && !logs && !metrics)
		return false;
	if (!is_otlp(r, v, NAMES("resourceSpans", "resourceLogs", "resourceMetrics"), line))
		return true;
	read_spans(r, spans, line);
	read_logs(r, logs, line);
	read_metrics(r, metrics, line);
	return true;
}
