#include "sim/generate.h"

#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/dict.h"
#include "sim/distribution.h"
#include "sim/generate_layers.h"
#include "sim/gsl.h"

enum { MINUTES = 1440, CALL_NUMBERS = 9, CALL_LIKE = 8, CALL_COMMON = 7 };
/* A session as it was. */
struct recorded {
	int64_t (*call)[CALL_NUMBERS]; /* gap, prompt, read, output, reasoning, writes, common
					  with an earlier call, how many calls ago that was */
	size_t calls;
	int64_t span_us; /* from its first call to its last */
	uint32_t layer;	 /* what it begins with */
};

struct work {
	struct recorded *session;
	size_t sessions_listed, *deck, dealt; /* deck: places in session, in the order of dealing */
	bool steady;			      /* as many sessions as there are on average */
	struct distribution sessions, calls, first_prompt, added, output, reasoning, gap;
	uint32_t layer;			    /* what all its prompts begin with; 0: nothing */
	double minute[MINUTES], weekday[7]; /* of weight 1 on average */
	bool by_minute;			    /* work has an end within the day */
};

static const char *text_member(json_value *v, const char *key, const char *missing, struct arena *a)
{
	struct text s = json_string(json_member(v, key));
	return s.n ? arena_text(a, s.p, s.n) : missing;
}

/* n weights from 0, not all 0; their mean becomes 1. */
static int weights(json_value *v, const char *key, double *out, size_t n, struct arena *a,
		   struct err *e)
{
	double sum = 0;
	size_t i = 0;
	for (size_t k = 0; k < n; k++)
		out[k] = 1;
	if (!v)
		return 0;
	for (json_value *m = json_first(v); m; m = json_next(m), i++) {
		struct distribution d;
		if (i == n || distribution_parse(&d, m, key, 0, a, e) != 0 ||
		    d.kind != DRAW_CONSTANT)
			return err_set(e, ERR_INVALID, "'%s' is a list of %zu weights from 0", key,
				       n);
		out[i] = d.a;
		sum += d.a;
	}
	if (i != n || sum <= 0)
		return err_set(e, ERR_INVALID, "'%s' is a list of %zu weights, not all 0", key, n);
	for (size_t k = 0; k < n; k++)
		out[k] *= (double)n / sum;
	return 0;
}

static size_t children(json_value *v)
{
	size_t n = 0;
	for (json_value *c = json_first(v); c; c = json_next(c))
		n++;
	return n;
}

static int read_call(int64_t out[CALL_NUMBERS], json_value *v, int64_t before, struct err *e)
{
	size_t n = 0;
	if (json_kind(v) != JSON_ARRAY)
		return err_set(e, ERR_INVALID, "a call of 'sessions' is a list of numbers");
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		struct decimal d;
		/* the first of them is a time, kept in microseconds */
		if (n == CALL_NUMBERS || decimal_parse(&d, json_number(m), NULL) != 0 ||
		    !decimal_to_int64(d, n == 0 ? 6 : 0, &out[n]) || out[n] < 0 ||
		    out[n] > INT64_C(1000000000000))
			return err_set(
				e, ERR_INVALID,
				"a call of 'sessions' is up to %d numbers: seconds since the call "
				"before, and whole ones: prompt, cache read, output, reasoning, what was "
				"written for five minutes and an hour, what the prompt has in common "
				"with an earlier call of the session, and how many calls ago that was",
				CALL_NUMBERS);
		n++;
	}
	if (n == CALL_LIKE || out[CALL_LIKE] > before || (out[CALL_COMMON] && !out[CALL_LIKE]))
		return err_set(e, ERR_INVALID,
			       "a call of 'sessions' says how much of its prompt is that of an "
			       "earlier call, and how many calls of the session ago that was");
	if (out[2] + out[5] + out[6] > out[1] || out[4] > out[3] || out[CALL_COMMON] > out[1])
		return err_set(
			e, ERR_INVALID,
			"a call of 'sessions' caches more than its prompt, or reasons more than "
			"its output");
	return 0;
}

static int whole_member(json_value *spec, const char *key, int64_t missing, int64_t *out,
			struct err *e)
{
	json_value *v = json_member(spec, key);
	struct decimal d;
	*out = missing;
	if (v && (decimal_parse(&d, json_number_or_string(v), NULL) != 0 ||
		  !decimal_to_int64(d, 0, out) || *out < 0))
		return err_set(e, ERR_INVALID, "'%s' is a whole number from 0", key);
	return 0;
}

/* A list of calls, or an object that names the layer as well. */
static int read_session(struct recorded *r, json_value *v, const struct synthetic *s,
			uint32_t layer, struct arena *a, struct err *e)
{
	static const char *const keys[] = { "layer", "calls", NULL };
	json_value *calls = v;
	int64_t number = layer;
	size_t k = 0;
	int rc = 0;
	if (json_kind(v) == JSON_OBJECT) {
		calls = json_member(v, "calls");
		rc = json_check_keys(v, keys, "a session of 'sessions'", e);
		if (rc == 0)
			rc = whole_member(v, "layer", 0, &number, e);
	}
	if (rc == 0 && (json_kind(calls) != JSON_ARRAY || number > (int64_t)s->layers))
		rc = err_set(e, ERR_INVALID,
			     "a session of 'sessions' is a list of calls, or an object with "
			     "'calls' and the number of a 'layer' of the %zu that there are",
			     s->layers);
	if (rc != 0)
		return rc;
	r->layer = (uint32_t)number;
	r->calls = children(calls);
	r->call = arena_alloc(a, (r->calls + 1) * sizeof *r->call);
	memset(r->call, 0, (r->calls + 1) * sizeof *r->call);
	for (json_value *c = json_first(calls); rc == 0 && c; c = json_next(c), k++)
		rc = read_call(r->call[k], c, (int64_t)k, e);
	r->span_us = 0;
	for (k = 1; rc == 0 && k < r->calls; k++)
		r->span_us += r->call[k][0];
	return rc;
}

static int read_sessions(struct work *w, json_value *list, const struct synthetic *s,
			 struct arena *a, struct err *e)
{
	size_t k = 0;
	int rc = 0;
	w->sessions_listed = json_kind(list) == JSON_ARRAY ? children(list) : 0;
	if (w->sessions_listed == 0)
		return err_set(e, ERR_INVALID, "'sessions' is a list of sessions, and not empty");
	w->session = arena_alloc(a, w->sessions_listed * sizeof *w->session);
	w->deck = arena_alloc(a, w->sessions_listed * sizeof *w->deck);
	for (json_value *v = json_first(list); rc == 0 && v; v = json_next(v), k++) {
		w->deck[k] = k;
		rc = read_session(&w->session[k], v, s, w->layer, a, e);
	}
	w->dealt = w->sessions_listed;
	return rc;
}

/* How sessions come, and whether clients pay for a cache. */
static int read_habits(struct work *w, struct synthetic_class *c, json_value *v, struct err *e)
{
	json_value *arrivals = json_member(v, "arrivals"), *writes = json_member(v, "writes");
	w->steady = text_is(json_string(arrivals), "steady");
	if (arrivals && !w->steady && !text_is(json_string(arrivals), "random"))
		return err_set(e, ERR_INVALID, "'arrivals' is random or steady");
	c->writes_5m = text_is(json_string(writes), "5m");
	c->writes_1h = text_is(json_string(writes), "1h");
	if (writes && !c->writes_5m && !c->writes_1h && !text_is(json_string(writes), "none"))
		return err_set(e, ERR_INVALID, "'writes' is none, 5m or 1h");
	return 0;
}

/* When sessions come: weights of hours or minutes, and of weekdays; of the class, or of all. */
static int read_times(struct work *w, json_value *v, json_value *spec, struct arena *a,
		      struct err *e)
{
	double hour[24];
	json_value *of = json_member(v, "hours") || json_member(v, "minutes") ? v : spec;
	json_value *hours = json_member(of, "hours"), *minutes = json_member(of, "minutes"),
		   *weekdays = json_member(v, "weekdays");
	if (hours && minutes)
		return err_set(e, ERR_INVALID, "'hours' and 'minutes' say the same: give one");
	int rc = weights(hours, "hours", hour, 24, a, e);
	if (rc == 0 && minutes)
		rc = weights(minutes, "minutes", w->minute, MINUTES, a, e);
	w->by_minute = minutes;
	for (size_t k = 0; !minutes && k < MINUTES; k++)
		w->minute[k] = hour[k / 60];
	if (rc == 0)
		rc = weights(weekdays ? weekdays : json_member(spec, "weekdays"), "weekdays",
			     w->weekday, 7, a, e);
	return rc;
}

/* What each call and session of the class is drawn from. */
static int read_draws(struct work *w, json_value *v, struct arena *a, struct err *e)
{
	const struct {
		const char *key;
		struct distribution *to;
		double missing;
	} draw[] = { { "sessions_per_day", &w->sessions, 0 },
		     { "calls", &w->calls, 1 },
		     { "first_prompt", &w->first_prompt, 0 },
		     { "added", &w->added, 0 },
		     { "output", &w->output, 0 },
		     { "reasoning", &w->reasoning, 0 },
		     { "gap_seconds", &w->gap, 30 } };
	int rc = 0;
	for (size_t k = 0; rc == 0 && k < sizeof draw / sizeof *draw; k++)
		rc = distribution_parse(draw[k].to, json_member(v, draw[k].key), draw[k].key,
					draw[k].missing, a, e);
	return rc;
}

static int read_cache(struct synthetic_class *c, json_value *v, struct arena *a, struct err *e)
{
	struct distribution keeps = { 0 }, minimum = { 0 };
	int rc = distribution_parse(&keeps, json_member(v, "cache_seconds"), "cache_seconds",
				    c->writes_5m ? 300 : 3600, a, e);
	if (rc == 0)
		rc = distribution_parse(&minimum, json_member(v, "cache_minimum"), "cache_minimum",
					0, a, e);
	if (rc == 0 && (keeps.kind != DRAW_CONSTANT || minimum.kind != DRAW_CONSTANT))
		rc = err_set(e, ERR_INVALID, "'cache_seconds' and 'cache_minimum' are numbers");
	c->keeps_us = (int64_t)(keeps.a * 1e6);
	c->minimum = (int64_t)minimum.a;
	c->fills = !c->listed || json_member(v, "cache_seconds") || c->writes_5m || c->writes_1h;
	return rc;
}

/* Its names. A class without a model says so: "model": null. */
static int read_names(struct synthetic_class *c, json_value *v, struct arena *a, struct err *e)
{
	const struct {
		const char *key, **to;
	} name[] = { { "model", &c->model },
		     { "provider", &c->provider },
		     { "customer", &c->customer },
		     { "project", &c->project },
		     { "workload", &c->workload } };
	*c = (struct synthetic_class){ 0 };
	for (size_t k = 0; k < sizeof name / sizeof *name; k++) {
		json_value *m = json_member(v, name[k].key);
		if (m && json_kind(m) != JSON_STRING && !(k == 0 && json_kind(m) == JSON_NULL))
			return err_set(e, ERR_INVALID, "'%s' is a text", name[k].key);
		*name[k].to = text_member(v, name[k].key, "", a);
	}
	if (!*c->model && json_kind(json_member(v, "model")) != JSON_NULL)
		return err_set(e, ERR_INVALID, "it names no 'model'");
	return 0;
}

static int read_work(struct work *w, struct synthetic_class *c, struct synthetic *s, json_value *v,
		     json_value *spec, struct err *e)
{
	static const char *const keys[] = { "workload",
					    "project",
					    "customer",
					    "model",
					    "provider",
					    "sessions_per_day",
					    "calls",
					    "first_prompt",
					    "added",
					    "output",
					    "reasoning",
					    "gap_seconds",
					    "hours",
					    "cache_seconds",
					    "cache_minimum",
					    "shared_prompt",
					    "weekdays",
					    "sessions",
					    "note",
					    "arrivals",
					    "writes",
					    "minutes",
					    NULL };
	struct arena *a = &s->arena;
	json_value *list = json_member(v, "sessions");
	int64_t shared = 0;
	int rc = json_check_keys(v, keys, "it", e);
	if (rc == 0)
		rc = read_names(c, v, a, e);
	if (rc == 0)
		rc = read_habits(w, c, v, e);
	c->listed = list != NULL;
	if (rc == 0 && (!json_member(v, "sessions_per_day") ||
			(!list && (!json_member(v, "first_prompt") || !json_member(v, "output")))))
		rc = err_set(e, ERR_INVALID,
			     "'sessions_per_day' is needed, and 'first_prompt' and 'output' or a "
			     "list of 'sessions'");
	if (rc == 0)
		rc = whole_member(v, "shared_prompt", 0, &shared, e);
	w->layer = rc == 0 && shared ? layers_add(s, shared) : 0;
	if (rc == 0 && list)
		rc = read_sessions(w, list, s, a, e);
	if (rc == 0)
		rc = read_draws(w, v, a, e);
	if (rc == 0)
		rc = read_cache(c, v, a, e);
	return rc == 0 ? read_times(w, v, spec, a, e) : rc;
}

struct generator {
	struct synthetic *out;
	size_t room;
	gsl_rng *rng;
	double scale; /* of the sessions */
	uint32_t place, session;
	const struct synthetic_class *class; /* that of the place */
};

/* Whether so many sessions more may come: each has a call at least. */
static int check_room(const struct synthetic *s, double sessions, struct err *e)
{
	return sessions <= (double)(SYNTHETIC_CALLS_MOST - s->count)
		       ? 0
		       : err_set(e, ERR_RANGE, "more than %d calls", SYNTHETIC_CALLS_MOST);
}

/* Room for the next call of the session; NULL where there are too many. */
static struct synthetic_call *next_call(struct generator *g, size_t k, struct err *e)
{
	struct synthetic *s = g->out;
	if (check_room(s, 1, e) != 0)
		return NULL;
	if (s->count == g->room) {
		g->room = g->room ? g->room * 2 : 1024;
		s->call = mem_grow(s->call, g->room * sizeof *s->call);
	}
	s->call[s->count] = (struct synthetic_call){ .place = g->place,
						     .session = g->session,
						     .call = (uint32_t)k };
	return &s->call[s->count++];
}

/* One of the recorded sessions: the whole deck before any comes again. */
static const struct recorded *deal(struct work *w, gsl_rng *rng)
{
	if (w->dealt == w->sessions_listed) {
		gsl.gsl_ran_shuffle(rng, w->deck, w->sessions_listed, sizeof *w->deck);
		w->dealt = 0;
	}
	return &w->session[w->deck[w->dealt++]];
}

/* What the prompt of call k begins with that the session, or the class, had sent before. */
static int64_t common_of(const struct recorded *r, size_t k, int64_t head)
{
	const int64_t *n = r->call[k], shared = head < n[1] ? head : n[1];
	if (k == 0)
		return shared;
	if (n[CALL_LIKE])
		return n[CALL_COMMON];
	if (r->call[k - 1][1] <= n[1])
		return r->call[k - 1][1];
	return n[2] > shared ? n[2] : shared;
}

static int add_recorded(struct generator *g, const struct recorded *r, int64_t start_us,
			struct err *e)
{
	const struct synthetic_class *class = g->class;
	const int64_t head = r->layer ? g->out->layer[r->layer - 1].tokens : 0;
	int64_t time_us = start_us;
	for (size_t k = 0; k < r->calls; k++) {
		const int64_t *n = r->call[k];
		struct synthetic_call *c = next_call(g, k, e);
		if (!c)
			return -ERR_RANGE;
		time_us += n[0];
		c->time_us = time_us;
		c->cache_read = n[2];
		c->layer = r->layer;
		c->common = common_of(r, k, head);
		c->like = k ? (uint32_t)(k - (size_t)(n[CALL_LIKE] ? n[CALL_LIKE] : 1)) : 0;
		/* where the trace knew nothing of hits: all that was sent before, unless the prompt
		 * became another one */
		if (class->fills && k && c->common >= class->minimum &&
		    time_us - (c - (k - c->like))->time_us <= class->keeps_us &&
		    (n[CALL_LIKE] || r->call[k - 1][1] <= n[1]))
			c->cache_read = c->common;
		c->cache_write_5m = n[5];
		c->cache_write_1h = n[6];
		c->input = n[1] - c->cache_read - n[5] - n[6];
		if (c->input < 0) /* more is read than the record says, and so not written */
			synthetic_take_writes(c);
		c->output = n[3];
		c->reasoning = n[4];
		g->out->has_writes |= n[5] || n[6];
	}
	g->session++;
	return 0;
}

static int add_drawn(struct generator *g, struct work *w, int64_t start_us, struct err *e)
{
	const struct synthetic_class *class = g->class;
	const int64_t head = w->layer ? g->out->layer[w->layer - 1].tokens : 0;
	int64_t calls = distribution_draw(&w->calls, g->rng, 1), time_us = start_us, before = 0;
	for (int64_t k = 0; k < calls; k++) {
		struct synthetic_call *c = next_call(g, (size_t)k, e);
		if (!c)
			return -ERR_RANGE;
		int64_t waited_us = 0;
		int64_t prompt = before + distribution_draw(k ? &w->added : &w->first_prompt,
							    g->rng, k ? 0 : 1);
		if (k) {
			waited_us = distribution_draw(&w->gap, g->rng, 0) * US_PER_SECOND;
			time_us += waited_us;
		}
		const int64_t sent = k ? (c - 1)->input + (c - 1)->cache_read : 0;
		c->like = k ? (uint32_t)(k - 1) : 0;
		c->layer = w->layer;
		c->common = k ? sent : head < prompt ? head : prompt;
		if (k && waited_us <= class->keeps_us && sent >= class->minimum)
			c->cache_read = sent;
		c->input = prompt - c->cache_read;
		c->output = distribution_draw(&w->output, g->rng, 0);
		c->reasoning = distribution_draw(&w->reasoning, g->rng, 0);
		if (c->reasoning > c->output)
			c->reasoning = c->output;
		c->time_us = time_us;
		before = prompt + c->output - c->reasoning;
		if (before > INT64_C(1000000000000))
			return err_set(e, ERR_RANGE, "prompts grow beyond 10^12 tokens");
	}
	g->session++;
	return 0;
}

#define MINUTE_US (60 * US_PER_SECOND)

/* A time of the day, minutes by their weight. */
static int64_t time_of_day(const struct work *w, gsl_rng *rng)
{
	double at = gsl.gsl_rng_uniform(rng) * MINUTES;
	int64_t minute = 0;
	while (minute < MINUTES - 1 && at >= w->minute[minute])
		at -= w->minute[minute++];
	return minute * MINUTE_US + (int64_t)gsl.gsl_rng_uniform_int(rng, 60000) * 1000;
}

static int add_session(struct generator *g, struct work *w, int64_t day, struct err *e)
{
	const int64_t start_us = day * US_PER_DAY + time_of_day(w, g->rng);
	return w->session ? add_recorded(g, deal(w, g->rng), start_us, e)
			  : add_drawn(g, w, start_us, e);
}

struct arrival {
	int64_t start_us, room_us; /* until there is no work any more */
};

/* Whoever comes when work is nearly over stays as long as it lasts: a minute later is not too late.
 */
static struct arrival arrival_at(const struct work *w, int64_t day, int64_t us)
{
	int64_t end = us / MINUTE_US;
	while (end < MINUTES && w->minute[end] > 0)
		end++;
	return (struct arrival){ day * US_PER_DAY + us, w->by_minute && end < MINUTES
								? (end + 1) * MINUTE_US - us
								: INT64_MAX };
}

static int by_start(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;
	return (x->start_us > y->start_us) - (x->start_us < y->start_us);
}

/* A session of the list, and when it comes among those that are dealt. */
struct card {
	const struct recorded *session;
	double turn;
};

static int by_turn(const void *a, const void *b)
{
	const struct card *x = a, *y = b;
	return (x->turn > y->turn) - (x->turn < y->turn);
}

/* Work that grows or falls within a short trace, and long sessions that had to begin early, are in
 * the order of its sessions: they come about when they came, up to a tenth of them earlier. */
static const double order_kept = 0.1;

/* Those that come too late for the time that is left change places with one before them that is
 * shorter, of the nearest thousand. */
static void make_fit(struct card *card, const struct arrival *arrival, size_t count)
{
	for (size_t i = count; i-- > 0;) {
		const size_t last = i > 1000 ? i - 1000 : 0;
		for (size_t k = i; card[i].session->span_us > arrival[i].room_us && k-- > last;) {
			if (card[k].session->span_us > arrival[i].room_us ||
			    card[i].session->span_us > arrival[k].room_us)
				continue;
			const struct card swap = card[i];
			card[i] = card[k];
			card[k] = swap;
		}
	}
}

/* Recorded sessions for those arrivals: at random, or where minutes tell how a short trace went
 * about in their order. */
static int deal_arrivals(struct generator *g, struct work *w, struct arrival *arrival, size_t count,
			 struct err *e)
{
	struct card *card = mem_alloc((count + 1) * sizeof *card);
	const double listed = (double)w->sessions_listed;
	int rc = 0;
	for (size_t i = 0; i < count; i++) {
		card[i].session = deal(w, g->rng);
		card[i].turn = gsl.gsl_rng_uniform(g->rng);
		if (w->by_minute)
			card[i].turn = (double)(card[i].session - w->session) +
				       card[i].turn * order_kept * listed;
	}
	qsort(card, count, sizeof *card, by_turn);
	qsort(arrival, count, sizeof *arrival, by_start);
	make_fit(card, arrival, count);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = add_recorded(g, card[i].session, arrival[i].start_us, e);
	free(card);
	return rc;
}

/* As many sessions as there are on average, each on a day by the weight of its weekday. */
static int generate_steady(struct generator *g, struct work *w, int64_t first_day, int64_t days,
			   struct err *e)
{
	double weight = 0;
	int rc = 0;
	for (int64_t d = 0; d < days; d++)
		weight += w->weekday[weekday_of_day(first_day + d)];
	const double sessions = w->sessions.a * weight * g->scale;
	rc = check_room(g->out, sessions, e);
	if (rc != 0)
		return rc;
	int64_t count = (int64_t)sessions;
	count += gsl.gsl_rng_uniform(g->rng) < sessions - (double)count;
	struct arrival *arrival =
		w->session ? mem_alloc(((size_t)count + 1) * sizeof *arrival) : NULL;
	for (int64_t i = 0; rc == 0 && i < count; i++) {
		double at = gsl.gsl_rng_uniform(g->rng) * weight;
		int64_t d = 0;
		while (d < days - 1 && at >= w->weekday[weekday_of_day(first_day + d)])
			at -= w->weekday[weekday_of_day(first_day + d++)];
		if (arrival)
			arrival[i] = arrival_at(w, first_day + d, time_of_day(w, g->rng));
		else
			rc = add_session(g, w, first_day + d, e);
	}
	if (arrival)
		rc = deal_arrivals(g, w, arrival, (size_t)count, e);
	free(arrival);
	return rc;
}

static int generate_class(struct generator *g, struct work *w, int64_t first_day, int64_t days,
			  struct err *e)
{
	int rc = 0;
	if (w->steady)
		return generate_steady(g, w, first_day, days, e);
	for (int64_t d = 0; rc == 0 && d < days; d++) {
		/* the mean of the day is drawn, then what arrives */
		double mean = (double)distribution_draw(&w->sessions, g->rng, 0);
		if (w->sessions.kind == DRAW_CONSTANT)
			mean = w->sessions.a;
		mean *= w->weekday[weekday_of_day(first_day + d)] * g->scale;
		rc = check_room(g->out, mean, e);
		unsigned n = rc == 0 ? gsl.gsl_ran_poisson(g->rng, mean) : 0;
		if (rc == 0)
			rc = check_room(g->out, n, e);
		for (; rc == 0 && n; n--)
			rc = add_session(g, w, first_day + d, e);
	}
	return rc;
}

static int by_time(const void *a, const void *b)
{
	const struct synthetic_call *x = a, *y = b;
	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->session != y->session)
		return x->session < y->session ? -1 : 1;
	return x->call < y->call ? -1 : x->call > y->call;
}

struct calendar {
	uint64_t seed;
	int64_t first_day, days;
};

static int read_period(struct calendar *p, json_value *spec, const struct synthetic_asked *asked,
		       struct err *e)
{
	static const char *const keys[] = { "schema",	"seed",	    "start",   "days",
					    "hours",	"weekdays", "classes", "note",
					    "fidelity", "layers",   "minutes", NULL };
	const struct text start = json_string(json_member(spec, "start"));
	struct instant at = { asked->start_us };
	int64_t own_seed;
	int rc = json_check_keys(spec, keys, "the specification", e);
	if (rc == 0)
		rc = whole_member(spec, "seed", 1, &own_seed, e);
	if (rc == 0)
		rc = whole_member(spec, "days", 7, &p->days, e);
	if (rc == 0 && start.n == 0 && !asked->has_start)
		rc = err_set(e, ERR_INVALID, "'start' is needed: the first day, as 2026-06-01");
	if (rc == 0 && !asked->has_start)
		rc = instant_parse(&at, start, e);
	if (rc != 0)
		return rc;
	p->seed = asked->has_seed ? asked->seed : (uint64_t)own_seed;
	p->days = asked->days ? asked->days : p->days;
	p->first_day = floor_div(at.us, US_PER_DAY);
	return p->days < 1 || p->days > 36600 ? err_set(e, ERR_INVALID, "'days' is from 1 to 36600")
					      : 0;
}

static double number_of(struct decimal d)
{
	double ten = 1;
	for (int i = 0; i < d.scale; i++)
		ten *= 10;
	return (double)d.digits / ten;
}

static int generate_all(struct generator *g, struct work *works, json_value *spec,
			const struct calendar *p, struct err *e)
{
	struct synthetic *out = g->out;
	int rc = layers_read(out, json_member(spec, "layers"), e);
	for (json_value *v = json_first(json_member(spec, "classes")); rc == 0 && v;
	     v = json_next(v), g->place++) {
		const uint64_t seeds[2] = { p->seed, 0x67656e6572617465 };
		struct work *w = &works[g->place];
		g->class = &out->work[g->place];
		rc = read_work(w, &out->work[g->place], out, v, spec, e);
		if (rc == 0 && w->steady && w->sessions.kind != DRAW_CONSTANT)
			rc = err_set(e, ERR_INVALID,
				     "'sessions_per_day' is a number where 'arrivals' are steady");
		gsl.gsl_rng_set(g->rng, hash_bytes(&g->place, sizeof g->place, seeds) & 0xffffffff);
		g->session = 0;
		if (rc == 0)
			rc = generate_class(g, w, p->first_day, p->days, e);
		out->work[g->place].sessions = g->session;
		if (rc != 0)
			err_context(e, "class %u", g->place + 1);
	}
	return rc;
}

int synthetic_generate(struct synthetic *out, json_value *spec, const struct synthetic_asked *asked,
		       struct err *e)
{
	json_value *classes = json_member(spec, "classes");
	struct calendar p = { 0 };
	*out = (struct synthetic){ 0 };
	int rc = gsl_need(e);
	if (rc == 0)
		rc = read_period(&p, spec, asked, e);
	if (rc == 0 && (json_kind(classes) != JSON_ARRAY || !json_first(classes)))
		rc = err_set(e, ERR_INVALID, "'classes' is a list of classes of work");
	if (rc != 0)
		return rc;
	out->classes = children(classes);
	out->start_us = p.first_day * US_PER_DAY;
	out->work = arena_alloc(&out->arena, out->classes * sizeof *out->work);
	struct work *works = mem_zalloc((out->classes + 1) * sizeof *works);
	struct generator g = { .out = out,
			       .rng = gsl.gsl_rng_alloc(*gsl.gsl_rng_mt19937),
			       .scale = asked->scale.digits ? number_of(asked->scale) : 1 };
	rc = generate_all(&g, works, spec, &p, e);
	gsl.gsl_rng_free(g.rng);
	if (rc == 0 && out->count)
		qsort(out->call, out->count, sizeof *out->call, by_time);
	if (rc == 0)
		layers_warm(out);
	free(works);
	return rc;
}

void synthetic_put_csv(struct buf *b, const struct synthetic *s, size_t from, size_t to)
{
	char at[INSTANT_TEXT_MAX];
	if (from == 0)
		buf_puts(b, "id,time,provider,model,customer,project,workload,task,session,input,"
			    "cache_read,output,reasoning");
	if (from == 0)
		buf_puts(b, s->has_writes ? ",cache_write_5m,cache_write_1h\n" : "\n");
	for (size_t i = from; i < to; i++) {
		const struct synthetic_call *c = &s->call[i];
		const struct synthetic_class *w = &s->work[c->place];
		const char *names[] = { w->provider, w->model, w->customer, w->project,
					w->workload };
		buf_printf(b, "w%u-%u-%u,%s", c->place + 1, c->session + 1, c->call + 1,
			   instant_format((struct instant){ c->time_us }, at));
		for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
			buf_puts(b, ",");
			csv_put_field(b, text_of(names[k]));
		}
		buf_printf(b, ",w%u-%u,w%u-%u,%lld,%lld,%lld,%lld", c->place + 1, c->session + 1,
			   c->place + 1, c->session + 1, (long long)c->input,
			   (long long)c->cache_read, (long long)c->output, (long long)c->reasoning);
		if (s->has_writes)
			buf_printf(b, ",%lld,%lld", (long long)c->cache_write_5m,
				   (long long)c->cache_write_1h);
		buf_puts(b, "\n");
	}
}

void synthetic_release(struct synthetic *s)
{
	free(s->call);
	arena_release(&s->arena);
}
