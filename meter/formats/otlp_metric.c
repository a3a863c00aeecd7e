/*
 * Metrics that add up tokens: sums of all calls of a stretch of time, where the calls themselves
 * are not told.
 *
 * A point is of a series: its resource, scope, name and attributes but for the kind of token.
 * Points of one series and stretch are one record. Some exporters let each kind of token start when
 * the first of it was counted, so a stretch starts with the first of its kinds. Delta points are a
 * record each, a cumulative series one that grows from its start; a new start is a new one. Each
 * has an id made of the series and its times, so that what comes again counts once:
 * "metric:SERIES:START" of a cumulative one, "metric:SERIES:START:END" of a delta.
 */
#include <stdlib.h>

#include "base/digest.h"
#include "meter/formats/otlp.h"

enum { TYPES_MOST = 6, DELTA = 1, CUMULATIVE = 2, SERIES_BYTES = 32 };

struct text metric_series(struct text id, bool *cumulative)
{
	static const char mark[] = "metric:";
	const char *at = text_find(id, mark); /* behind its customer, where the id is its own */
	const size_t n = at ? (size_t)(at - id.p) + sizeof mark - 1 + SERIES_BYTES : 0;
	if (!n || id.n <= n)
		return TEXT("");
	*cumulative = !memchr(id.p + n + 1, ':', id.n - n - 1);
	return (struct text){ id.p, n };
}

struct metric_format {
	/* type_attribute NULL: a metric for each kind of token, of which this is how its name
	 * begins */
	const char *name, *type_attribute;
	bool general; /* agents that have a metric of their own send it beside */
	struct {
		const char *type;
		uint8_t which; /* enum raw_count */
	} type[TYPES_MOST];
	enum containment cache;
	bool reasoning_beside;
	const char *lacks; /* what it leaves open, so that it has no price; NULL: nothing */
};

#define LACKS_CACHE "the metric does not say which tokens came from a cache; spans and logs do"
#define INFERENCE "gen_ai.client.inference."

static const struct metric_format formats[] = {
	{ "claude_code.token.usage",
	  "type",
	  false,
	  { { "input", RAW_PROMPT },
	    { "output", RAW_COMPLETION },
	    { "cacheRead", RAW_CACHE_READ },
	    { "cacheCreation", RAW_CACHE_WRITE } },
	  CACHE_BESIDE,
	  false,
	  NULL },
	{ "gemini_cli.token.usage",
	  "type",
	  false,
	  { { "input", RAW_PROMPT },
	    { "output", RAW_COMPLETION },
	    { "cache", RAW_CACHE_READ },
	    { "thought", RAW_REASONING },
	    { "tool", RAW_TOOL_PROMPT } },
	  CACHE_INSIDE,
	  true,
	  NULL },
	/* as its session's log: beside the cache with Anthropic alone, and of others it says
	   nothing */
	{ "continue_cli_token_usage",
	  "type",
	  false,
	  { { "input", RAW_PROMPT },
	    { "output", RAW_COMPLETION },
	    { "cacheRead", RAW_CACHE_READ },
	    { "cacheCreation", RAW_CACHE_WRITE } },
	  CACHE_BESIDE,
	  false,
	  "the metric does not say whether its prompts hold what a cache did; Continue's sessions "
	  "do" },
	{ "gen_ai.client.token.usage",
	  "gen_ai.token.type",
	  true,
	  { { "input", RAW_PROMPT },
	    { "output", RAW_COMPLETION },
	    { "completion", RAW_COMPLETION } },
	  CACHE_INSIDE,
	  false,
	  LACKS_CACHE },
	{ INFERENCE "usage.",
	  NULL,
	  true,
	  { { "input_tokens", RAW_PROMPT },
	    { "output_tokens", RAW_COMPLETION },
	    { "cache_read.input_tokens", RAW_CACHE_READ },
	    { "cache_write.input_tokens", RAW_CACHE_WRITE },
	    { "cache_creation.input_tokens", RAW_CACHE_WRITE },
	    { "reasoning.output_tokens", RAW_REASONING } },
	  CACHE_INSIDE,
	  false,
	  NULL },
	/* how many in each call: the same tokens again, where those above are sent */
	{ INFERENCE "operation.",
	  NULL,
	  true,
	  { { "input_tokens", RAW_PROMPT }, { "output_tokens", RAW_COMPLETION } },
	  CACHE_INSIDE,
	  false,
	  LACKS_CACHE },
};
enum { FORMATS = sizeof formats / sizeof *formats };

/* A record in the making. */
struct metric_sum {
	const struct metric_format *format;
	const struct otlp_item *item;
	json_value *attributes; /* of one of its points */
	struct raw_counts counts;
	struct text series;
	bool delta;
	int64_t start, end, requests; /* nanoseconds */
	int64_t kind_start[RAW_COUNTS];
	size_t next; /* 1 + the place of another of its series; 0: the last */
};

struct metric_list {
	struct metric_sum *sum;
	size_t count;
	struct dict series; /* 1 + the place of the latest in sum */
	bool has_usage;	    /* of gen_ai's metrics the counters, so that the others repeat them */
};

static bool read_whole(json_value *v, int64_t *out)
{
	const struct text s = json_number_or_string(v);
	int64_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, s.p[i] - '0', &n))
			return false;
	*out = n;
	return s.n > 0;
}

static int by_text(const void *a, const void *b)
{
	return text_cmp(*(const struct text *)a, *(const struct text *)b);
}

/* The attributes in the order of their names, as exporters may write them in any. */
static void put_attributes(struct buf *b, json_value *list, const char *but)
{
	struct text *all = NULL;
	struct arena room = { 0 };
	size_t n = 0;
	for (json_value *a = json_first(list); a; a = json_next(a)) {
		struct buf one = { 0 };
		if (but && text_is(json_string(json_member(a, "key")), but))
			continue;
		json_put_value(&one, json_member(a, "key"));
		json_put_value(&one, otlp_value(a));
		all = mem_grow(all, (n + 1) * sizeof *all);
		all[n++] = (struct text){ arena_text(&room, one.p, one.n), one.n };
		buf_release(&one);
	}
	if (n)
		qsort(all, n, sizeof *all, by_text);
	for (size_t i = 0; i < n; i++) {
		buf_add(b, all[i].p, all[i].n);
		buf_puts(b, "\x1e");
	}
	buf_puts(b, "\x1f");
	free(all);
	arena_release(&room);
}

static struct text series_key(struct payload_reader *r, const struct otlp_item *item,
			      const struct metric_format *f, json_value *attributes)
{
	struct buf b = { 0 };
	uint8_t digest[DIGEST_BYTES];
	char *hex = arena_alloc(&r->arena, SERIES_BYTES + 1);
	put_attributes(&b, item->resource, NULL);
	buf_add(&b, item->scope.p, item->scope.n);
	buf_puts(&b, "\x1f");
	buf_puts(&b, f->name);
	put_attributes(&b, attributes, f->type_attribute);
	if (digest_sha256(digest, (struct text){ b.p, b.n }, NULL) == 0)
		for (int i = 0; i < SERIES_BYTES; i++)
			hex[i] = "0123456789abcdef"[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
	buf_release(&b);
	return (struct text){ hex, SERIES_BYTES };
}

/* What a point says of its place in a series. */
struct metric_place {
	struct text series;
	int which; /* enum raw_count */
	bool delta;
	int64_t start, end;
};

/* Whether the point is of that stretch: another reading of a kind in it, or a kind that it lacks
 * and that was counted meanwhile. */
static bool lies_in(const struct metric_sum *s, const struct metric_place *p)
{
	if (s->delta != p->delta || (p->delta && s->end != p->end))
		return false;
	if (s->counts.has >> p->which & 1)
		return s->kind_start[p->which] == p->start;
	return s->start == p->start || (p->start < s->end && s->start < p->end);
}

static struct metric_sum *find_sum(struct metric_list *l, const struct metric_place *p)
{
	uint64_t *latest = dict_need(&l->series, p->series, NULL);
	for (size_t i = *latest; i; i = l->sum[i - 1].next)
		if (lies_in(&l->sum[i - 1], p))
			return &l->sum[i - 1];
	if ((l->count & (l->count - 1)) == 0)
		l->sum = mem_grow(l->sum, (l->count ? l->count * 2 : 1) * sizeof *l->sum);
	l->sum[l->count] = (struct metric_sum){
		.series = p->series, .delta = p->delta, .start = p->start, .next = *latest
	};
	*latest = ++l->count;
	return &l->sum[l->count - 1];
}

/* What the points of a metric have in common. */
struct metric_points {
	const struct metric_format *format;
	const struct otlp_item *item;
	int temporality;
	struct text type; /* as the name says; empty: as each point says */
};

static int read_point(struct payload_reader *r, struct metric_list *l,
		      const struct metric_points *of, json_value *p, struct err *e)
{
	const struct metric_format *f = of->format;
	json_value *attributes = json_member(p, "attributes");
	const struct text type =
		of->type.n ? of->type : json_string(otlp_attribute(attributes, f->type_attribute));
	json_value *n = json_member(p, "asInt");
	int64_t start = 0, end = 0, calls = 0;
	int which = -1;
	n = n ? n : json_member(p, "asDouble");
	n = n ? n : json_member(p, "sum");
	for (int i = 0; i < TYPES_MOST && f->type[i].type; i++)
		if (text_is(type, f->type[i].type))
			which = f->type[i].which;
	if (which < 0)
		return err_set(e, ERR_INVALID,
			       "the metric '%s' has a point with an unknown kind of token "
			       "('%.*s')",
			       f->name, (int)(type.n > 40 ? 40 : type.n), type.n ? type.p : "");
	if (!n)
		return err_set(e, ERR_INVALID, "a point of the metric '%s' has no sum", f->name);
	if (otlp_is_malformed(attributes))
		return err_set(e, ERR_INVALID,
			       "a point of the metric '%s' has an attribute without a 'key', or "
			       "without one 'value'",
			       f->name);
	if (!read_whole(json_member(p, "startTimeUnixNano"), &start) || start == 0 ||
	    !read_whole(json_member(p, "timeUnixNano"), &end) || end < start)
		return err_set(e, ERR_INVALID,
			       "a point of the metric '%s' does not say which period it covers",
			       f->name);
	const struct metric_place place = { series_key(r, of->item, f, attributes), which,
					    of->temporality == DELTA, start, end };
	struct metric_sum *s = find_sum(l, &place);
	s->format = f;
	s->item = of->item;
	s->attributes = attributes;
	s->start = start < s->start ? start : s->start;
	s->end = end > s->end ? end : s->end;
	s->kind_start[which] = start;
	if (read_whole(json_member(p, "count"), &calls) && calls > s->requests)
		s->requests = calls;
	if (!place.delta) /* collectors put several readings into one request: the largest counts */
		s->counts.has &= ~(1u << which);
	return counts_set(&s->counts, (enum raw_count)which, n, e);
}

static void read_metric(struct payload_reader *r, struct metric_list *l,
			const struct metric_format *f, struct text type,
			const struct otlp_item *item)
{
	static const char *const kinds[] = { "sum", "histogram", "exponentialHistogram" };
	struct err e;
	bool any = false;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		json_value *data = json_member(item->self, kinds[k]);
		int64_t temporality = 0;
		read_whole(json_member(data, "aggregationTemporality"), &temporality);
		const struct metric_points of = { f, item, (int)temporality, type };
		for (json_value *p = json_first(json_member(data, "dataPoints")); p;
		     p = json_next(p)) {
			any = true;
			int rc = temporality == DELTA || temporality == CUMULATIVE
					 ? read_point(r, l, &of, p, &e)
					 : err_set(&e, ERR_INVALID,
						   "the metric '%s' does not say whether its "
						   "sums are delta or cumulative",
						   f->name);
			if (rc != 0)
				payload_refuse(r, item->line, p, &e);
		}
	}
	if (any)
		return;
	err_set(&e, ERR_INVALID, "the metric '%s' has no points of a kind that is known", f->name);
	payload_refuse(r, item->line, item->self, &e);
}

static void take_sum(struct payload_reader *r, struct metric_sum *s)
{
	struct metered m;
	struct otlp_names n;
	struct err e;
	int64_t any = 0;
	payload_begin(&m, OTLP_METRIC_SHAPE, s->item->line);
	for (int i = 0; i < RAW_COUNTS; i++)
		any |= s->counts.count[i];
	if (!any) {
		r->passed_over++;
		return;
	}
	m.aggregate = m.cumulative = true;
	m.unread = s->format->lacks;
	const struct text of = json_string(otlp_attribute(s->attributes, "gen_ai.token.modality"));
	if (of.n && !text_is(of, "text") && !text_is(of, "unknown"))
		m.unread = "the metric counts tokens of sound or pictures, which may have prices "
			   "of their own";
	m.record.time_us = s->start / 1000;
	m.record.completed_us =
		s->end / 1000 > m.record.time_us ? s->end / 1000 : m.record.time_us + 1;
	m.record.present |= (uint64_t)1 << FIELD_TIME | (uint64_t)1 << FIELD_COMPLETED;
	m.record.requests = s->requests;
	m.record.present |= (uint64_t)(s->requests > 0) << FIELD_REQUESTS;
	const char *id = arena_printf(&r->arena, "metric:%.*s:%lld", (int)s->series.n, s->series.p,
				      (long long)s->start);
	if (s->delta)
		id = arena_printf(&r->arena, "%s:%lld", id, (long long)s->end);
	m.record.text[FIELD_ID] = text_of(id);
	m.record.present |= (uint64_t)1 << FIELD_ID;
	json_value *model = otlp_attribute(s->attributes, "model");
	model = model ? model : otlp_attribute(s->attributes, "gen_ai.response.model");
	model = model ? model : otlp_attribute(s->attributes, "gen_ai.request.model");
	payload_text(&m.record, FIELD_MODEL, model);
	otlp_names_read(&n, s->attributes);
	payload_seller(r, &m.record, json_string(n.value[OTLP_SELLER]));
	payload_text(&m.record, FIELD_SESSION, otlp_attribute(s->attributes, "session.id"));
	payload_text(&m.record, FIELD_CUSTOMER, otlp_attribute(s->attributes, "customer"));
	payload_text(&m.record, FIELD_PROJECT, otlp_attribute(s->item->resource, "service.name"));
	s->counts.cache = s->format->cache;
	s->counts.partial = true;
	s->counts.reasoning_beside = s->format->reasoning_beside;
	if (counts_normalise(&m.record, &s->counts, &m.rule, &e) != 0)
		payload_refuse(r, s->item->line, s->attributes, &e);
	else
		otlp_take(r, &m, s->attributes);
}

/* A metric that adds up tokens by its name and that no list knows. */
static bool counts_tokens(struct text name)
{
	return text_holds(name, "token") && !text_holds(name, "per_") &&
	       !text_holds(name, "limit") &&
	       (text_holds(name, "usage") || text_holds(name, "tokens") ||
		text_holds(name, "count"));
}

/* A metric whose points name a model and a kind of token, whatever it is called. own: as the
 * agents' own metrics name the kind. */
static bool has_token_points(json_value *metric, bool own)
{
	static const char *const models[] = { "model", "gen_ai.request.model",
					      "gen_ai.response.model" };
	for (json_value *data = json_first(metric); data; data = json_next(data))
		for (json_value *p = json_first(json_member(data, "dataPoints")); p;
		     p = json_next(p)) {
			json_value *a = json_member(p, "attributes");
			bool model = false, kind = false;
			for (size_t i = 0; i < sizeof models / sizeof *models; i++)
				model |= otlp_attribute(a, models[i]) != NULL;
			for (size_t i = 0; i < FORMATS; i++) {
				if (!formats[i].type_attribute || (own && formats[i].general))
					continue;
				const struct text type =
					json_string(otlp_attribute(a, formats[i].type_attribute));
				for (int k = 0; k < TYPES_MOST && formats[i].type[k].type; k++)
					kind |= text_is(type, formats[i].type[k].type);
			}
			if (model && kind)
				return true;
		}
	return false;
}

/* Whether the metric is of that format; *type: the kind of token that its name says. */
static bool is_of_format(const struct metric_format *f, struct text name, struct text *type)
{
	const size_t n = strlen(f->name);
	*type = TEXT("");
	if (f->type_attribute)
		return text_is(name, f->name);
	if (name.n <= n || memcmp(name.p, f->name, n) != 0)
		return false;
	*type = (struct text){ name.p + n, name.n - n };
	for (int i = 0; i < TYPES_MOST && f->type[i].type; i++)
		if (text_is(*type, f->type[i].type))
			return true;
	return false;
}

static void read_one(struct payload_reader *r, struct metric_list *l, const struct otlp_item *item)
{
	const struct text name = json_string(json_member(item->self, "name"));
	struct text type;
	struct err e;
	for (size_t i = 0; i < FORMATS; i++) {
		if (!is_of_format(&formats[i], name, &type) ||
		    (formats[i].general && otlp_is_told_by_events(item)))
			continue;
		if (l->has_usage && strcmp(formats[i].name, INFERENCE "operation.") == 0)
			r->passed_over++;
		else
			read_metric(r, l, &formats[i], type, item);
		return;
	}
	/* what an agent's events tell its metrics say again, but for the one that is read */
	const bool told = otlp_is_told_by_events(item);
	if (!has_token_points(item->self, told) && (told || !counts_tokens(name))) {
		r->passed_over++;
		return;
	}
	err_set(&e, ERR_INVALID, "the metric '%.*s' counts tokens, but its kind is unknown",
		(int)(name.n > 80 ? 80 : name.n), name.p);
	payload_refuse(r, item->line, item->self, &e);
}

void otlp_metrics(struct payload_reader *r, const struct otlp_item *items, size_t count)
{
	struct metric_list l = { 0 };
	for (size_t i = 0; i < count; i++)
		l.has_usage |= text_holds(json_string(json_member(items[i].self, "name")),
					  INFERENCE "usage.");
	for (size_t i = 0; i < count; i++)
		read_one(r, &l, &items[i]);
	for (size_t i = 0; i < l.count; i++)
		if (l.sum[i].format)
			take_sum(r, &l.sum[i]);
	free(l.sum);
	dict_release(&l.series);
}
