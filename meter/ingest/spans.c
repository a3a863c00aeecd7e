#include "meter/ingest/spans.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/dict.h"
#include "meter/formats/payload.h"

enum { QUARTER_US = 15 * 60 * 1000000 };

/* A quarter of an hour in which a model was called. */
struct called {
	int64_t quarter;
	struct text provider, model; /* as it resolves */
};

struct spans {
	struct span *bucket;
	size_t buckets;
	struct called *called;
	size_t calls;
	bool calls_read;
	struct dict texts; /* each text once */
	spans_resolve *resolve;
	void *user;
	char why[400];
};

static struct text once(struct spans *x, struct text t)
{
	if (!t.n)
		return TEXT("");
	dict_need(&x->texts, t, NULL);
	return dict_key(&x->texts, t);
}

static bool same_model(struct text provider, struct text model, struct text other_provider,
		       struct text other_model)
{
	return (!model.n || !other_model.n || text_eq(model, other_model)) &&
	       (!provider.n || !other_provider.n || text_eq(provider, other_provider));
}

void spans_add_bucket(struct spans *x, const struct span *b)
{
	struct span own = { b->from_us,
			    b->to_us,
			    once(x, b->provider),
			    once(x, x->resolve(x->user, b->provider, b->model, b->from_us)),
			    once(x, b->shape),
			    once(x, b->id) };
	if (!b->model.n)
		own.model = TEXT("");
	for (size_t i = x->buckets; i-- > 0;) {
		struct span *have = &x->bucket[i];
		if (own.id.n && text_eq(have->id, own.id)) {
			have->to_us = own.to_us; /* it has grown */
			return;
		}
		if (!own.id.n && have->from_us == own.from_us && have->to_us == own.to_us &&
		    text_eq(have->provider, own.provider) && text_eq(have->model, own.model) &&
		    text_eq(have->shape, own.shape))
			return;
	}
	if ((x->buckets & (x->buckets - 1)) == 0)
		x->bucket =
			mem_grow(x->bucket, (x->buckets ? x->buckets * 2 : 1) * sizeof *x->bucket);
	x->bucket[x->buckets++] = own;
}

void spans_add_call(struct spans *x, struct text provider, struct text model, int64_t time_us)
{
	if (!x->calls_read) /* they are read when a bucket asks */
		return;
	const struct called c = { floor_div(time_us, QUARTER_US), once(x, provider),
				  once(x, x->resolve(x->user, provider, model, time_us)) };
	const struct called *last = x->calls ? &x->called[x->calls - 1] : NULL;
	if (last && last->quarter == c.quarter && text_eq(last->model, c.model) &&
	    text_eq(last->provider, c.provider))
		return;
	if ((x->calls & (x->calls - 1)) == 0)
		x->called = mem_grow(x->called, (x->calls ? x->calls * 2 : 1) * sizeof *x->called);
	x->called[x->calls++] = c;
}

static bool is_metric(struct text shape)
{
	return text_is(shape, OTLP_METRIC_SHAPE);
}

/* How two sums lie of one series that is told both ways, or by two exporters: cumulative sums of
 * other starts than a restart's. */
enum lie {
	LIE_APART,
	LIE_WITHIN, /* the second is counted in the first */
	LIE_AROUND, /* the first in the second */
	LIE_ACROSS
};

static enum lie lie_of(const struct span *o, const struct span *b)
{
	bool is_sum = false, is_too = false;
	if (!is_metric(o->shape) || !is_metric(b->shape) || o->from_us >= b->to_us ||
	    b->from_us >= o->to_us)
		return LIE_APART;
	const struct text series = metric_series(o->id, &is_sum);
	if (!series.n || !text_eq(series, metric_series(b->id, &is_too)) ||
	    (is_sum == is_too && (!is_sum || text_eq(o->id, b->id))))
		return LIE_APART;
	if (is_sum == is_too)
		return LIE_ACROSS;
	const struct span *sum = is_sum ? o : b, *part = is_sum ? b : o;
	if (part->from_us < sum->from_us || part->to_us > sum->to_us)
		return LIE_ACROSS;
	return is_sum ? LIE_WITHIN : LIE_AROUND;
}

/* Buckets that stand: what was reversed does not. */
static int read_buckets(struct spans *x, struct store *s, struct err *e)
{
	struct query *q = NULL;
	struct db *db = store_db(s);
	/* other programs that write to a server's database do not see what this one reverses */
	const bool alone = !db_on_server(db);
	const char *const of_metrics =
		"CASE WHEN o.shape='" OTLP_METRIC_SHAPE "' THEN u.id ELSE '' END";
	char sql[800];
	snprintf(sql, sizeof sql,
		 "SELECT u.time,u.completed,min(b.provider),min(b.model),min(o.shape),min(%s) "
		 "FROM usage u "
		 "JOIN series r ON r.id=u.series "
		 "JOIN subject b ON b.id=r.subject JOIN origin o ON o.id=u.origin "
		 "WHERE (u.flags & 8) <> 0 GROUP BY u.time,u.completed,b.id,o.id%s%s "
		 "HAVING sum(CASE WHEN u.kind=1 THEN -1 ELSE 1 END) > 0",
		 alone ? of_metrics : "''", alone ? "," : "", alone ? of_metrics : "");
	int rc = db_prepare(db, sql, &q, e);
	while (rc == 0 && (rc = db_step(db, q, e)) == 1) {
		spans_add_bucket(x, &(struct span){ db_int(q, 0), db_int(q, 1), db_text(q, 2),
						    db_text(q, 3), db_text(q, 4), db_text(q, 5) });
		rc = 0;
	}
	if (q)
		db_drop(q);
	return rc;
}

static int read_calls(struct spans *x, struct store *s, struct err *e)
{
	struct query *q = NULL;
	struct db *db = store_db(s);
	int rc = store_flush(s, e);
	if (rc == 0)
		rc = db_prepare(db,
				"SELECT u.time/900000000,min(b.provider),min(b.model) FROM usage u "
				"JOIN series r ON r.id=u.series JOIN subject b ON b.id=r.subject "
				"WHERE u.flags IS NULL OR (u.flags & 8) = 0 "
				"GROUP BY u.time/900000000,b.id "
				"HAVING sum(CASE WHEN u.kind=1 THEN -1 ELSE 1 END) > 0",
				&q, e);
	if (rc != 0)
		return rc;
	x->calls_read = true;
	while ((rc = db_step(db, q, e)) == 1)
		spans_add_call(x, db_text(q, 1), db_text(q, 2), db_int(q, 0) * QUARTER_US);
	db_drop(q);
	return rc;
}

int spans_open(struct spans **out, struct store *s, spans_resolve *resolve, void *user,
	       struct err *e)
{
	struct spans *x = mem_zalloc(sizeof *x);
	x->resolve = resolve;
	x->user = user;
	x->calls_read = !s;
	int rc = s ? read_buckets(x, s, e) : 0;
	if (rc != 0) {
		spans_close(x);
		return rc;
	}
	*out = x;
	return 0;
}

void spans_close(struct spans *x)
{
	if (!x)
		return;
	free(x->bucket);
	free(x->called);
	dict_release(&x->texts);
	free(x);
}

static const char *say(struct spans *x, const struct span *b, const char *what)
{
	char from[INSTANT_TEXT_MAX], to[INSTANT_TEXT_MAX];
	snprintf(x->why, sizeof x->why,
		 "%s the bucket from %s to %s (%.*s), and a number counts once: void one of both, "
		 "or compare them with tally reconcile",
		 what, instant_format((struct instant){ b->from_us }, from),
		 instant_format((struct instant){ b->to_us }, to), (int)b->shape.n, b->shape.p);
	return x->why;
}

const char *spans_refuse_call(struct spans *x, struct text provider, struct text model,
			      int64_t time_us)
{
	struct text resolved = { 0 };
	for (size_t i = 0; i < x->buckets; i++) {
		const struct span *b = &x->bucket[i];
		if (time_us < b->from_us || time_us >= b->to_us || b->id.n)
			continue;
		if (!resolved.n)
			resolved = x->resolve(x->user, provider, model, time_us);
		if (same_model(b->provider, b->model, provider, resolved))
			return say(x, b, "the call is already counted in");
	}
	return NULL;
}

bool spans_take_sum(struct spans *x, struct text provider, struct text model, int64_t time_us,
		    struct text *id)
{
	const int64_t quarter = floor_div(time_us, QUARTER_US);
	for (size_t i = 0; i < x->buckets; i++) {
		const struct span b = x->bucket[i];
		/* as spans_refuse_bucket looks at it, so that the order does not matter */
		if (!b.id.n || quarter * QUARTER_US >= b.to_us ||
		    (quarter + 1) * QUARTER_US <= b.from_us ||
		    !same_model(b.provider, b.model, provider,
				x->resolve(x->user, provider, model, time_us)))
			continue;
		*id = b.id;
		x->bucket[i] = x->bucket[--x->buckets];
		return true;
	}
	return false;
}

bool spans_take_part(struct spans *x, const struct span *sum, struct text *id)
{
	for (size_t i = 0; i < x->buckets; i++)
		if (lie_of(&x->bucket[i], sum) == LIE_AROUND) {
			*id = x->bucket[i].id;
			x->bucket[i] = x->bucket[--x->buckets];
			return true;
		}
	return false;
}

const char *spans_refuse_crossing(struct spans *x, const struct span *sum)
{
	for (size_t i = 0; i < x->buckets; i++)
		if (lie_of(&x->bucket[i], sum) == LIE_ACROSS)
			return "the series is sent with delta and with cumulative sums, or by "
			       "two exporters, and this one counts in part what another does: "
			       "let one exporter send it";
	return NULL;
}

int spans_refuse_bucket(struct spans *x, struct store *s, const struct span *b, const char **why,
			struct err *e)
{
	struct text model =
		b->model.n ? x->resolve(x->user, b->provider, b->model, b->from_us) : TEXT("");
	int rc = x->calls_read ? 0 : read_calls(x, s, e);
	*why = NULL;
	for (size_t i = 0; rc == 0 && !*why && i < x->buckets; i++) {
		const struct span *o = &x->bucket[i];
		bool same = o->from_us == b->from_us && o->to_us == b->to_us &&
			    text_eq(o->shape, b->shape) && !o->model.n == !model.n;
		if (is_metric(o->shape) && is_metric(b->shape)) {
			if (lie_of(o, b) == LIE_WITHIN)
				*why = "the cumulative sum of its series counts it";
			continue; /* of two streams, or two stretches of one */
		}
		if (!same && o->from_us < b->to_us && b->from_us < o->to_us &&
		    same_model(o->provider, o->model, b->provider, model))
			*why = say(x, o, "another width or report of what is already counted in");
	}
	for (size_t i = 0; rc == 0 && !*why && i < x->calls; i++) {
		const struct called *c = &x->called[i];
		if (c->quarter * QUARTER_US < b->to_us &&
		    (c->quarter + 1) * QUARTER_US > b->from_us &&
		    same_model(c->provider, c->model, b->provider, model))
			*why = say(x, b, "stored calls are already counted in");
	}
	return rc;
}
