#include "meter/ingest/ingest_parts.h"
#include "meter/ingest/reversal.h"

/* The name after aliases. */
static struct text resolve(void *user, struct text provider, struct text model, int64_t time_us)
{
	struct ingest *in = user;
	struct subject *s = tariffs_subject(in->tariffs, provider, model, TEXT(""), TEXT(""));
	const struct tariff_answer *a = tariffs_ask(in->tariffs, s, time_us);
	return a->resolved && *a->resolved ? text_of(a->resolved) : model;
}

struct span ingest_span_of(const struct metered *m, const struct record *r)
{
	const bool metric = strcmp(m->shape, OTLP_METRIC_SHAPE) == 0;
	return (struct span){
		r->time_us,	      r->completed_us,	 r->text[FIELD_PROVIDER],
		r->text[FIELD_MODEL], text_of(m->shape), metric ? r->text[FIELD_ID] : TEXT("")
	};
}

static int take_back(struct ingest *in, struct text id, const char *why, struct err *e)
{
	in->also.n = 0;
	buf_add(&in->also, id.p, id.n);
	return correct_void(in->store, in->also.p, why, e);
}

/* The sums of metrics that count the call give way to it. */
static int take_back_sums(struct ingest *in, const struct span *call, struct err *e)
{
	struct text id;
	int rc = 0;
	while (rc == 0 &&
	       spans_take_sum(in->spans, call->provider, call->model, call->from_us, &id))
		rc = take_back(in, id, "calls arrived that the metric had already summed up", e);
	return rc;
}

/* Delta sums that the cumulative one of their series counts give way to it. */
static int take_back_parts(struct ingest *in, const struct span *sum, struct err *e)
{
	struct text id;
	int rc = 0;
	while (rc == 0 && spans_take_part(in->spans, sum, &id))
		rc = take_back(in, id, "the cumulative sum of its series counts it", e);
	return rc;
}

static int open_spans(struct ingest *in, struct err *e)
{
	return in->spans ? 0 : spans_open(&in->spans, in->store, resolve, in, e);
}

int ingest_look_for_crossing(struct ingest *in, const struct span *span, const char **why,
			     struct err *e)
{
	int rc = span->id.n ? open_spans(in, e) : 0;
	if (rc == 0 && span->id.n)
		*why = spans_refuse_crossing(in->spans, span);
	return rc;
}

int ingest_look_for_double(struct ingest *in, const struct metered *m, const struct span *span,
			   const char **why, struct err *e)
{
	int rc = open_spans(in, e);
	if (rc == 0 && m->aggregate) {
		rc = spans_refuse_bucket(in->spans, in->store, span, why, e);
		return rc == 0 && !*why && span->id.n ? take_back_parts(in, span, e) : rc;
	}
	if (rc == 0)
		*why = spans_refuse_call(in->spans, span->provider, span->model, span->from_us);
	return rc == 0 && !*why ? take_back_sums(in, span, e) : rc;
}

int ingest_grow_sum(struct ingest *in, const struct metered *m, const struct record *grown,
		    bool *gone, struct err *e)
{
	const char *why = NULL;
	int rc = 0;
	*gone = false;
	if (strcmp(m->shape, OTLP_METRIC_SHAPE) != 0)
		return 0;
	const struct span span = ingest_span_of(m, grown);
	rc = ingest_look_for_double(in, m, &span, &why, e);
	if (rc == 0 && !why)
		spans_add_bucket(in->spans, &span);
	if (rc != 0 || !why)
		return rc;
	*gone = true;
	return take_back(in, span.id, why, e);
}
