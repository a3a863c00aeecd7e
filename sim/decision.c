#include "sim/decision.h"

#include <stdlib.h>
#include <string.h>

static const char *text_at(struct decision *d, json_value *v, const char *key)
{
	struct text t = json_number_or_string(json_member(v, key));
	return t.n ? arena_text(&d->arena, t.p, t.n) : NULL;
}

static int decimal_at(json_value *v, const char *key, const char *place, bool *has,
		      struct decimal *out, struct err *e)
{
	json_value *m = json_member(v, key);
	struct text t = json_number_or_string(m);
	*out = (struct decimal){ 0 };
	*has = m != NULL;
	if (m && (decimal_parse(out, t, NULL) != 0 || out->digits < 0 || out->scale > 6))
		return err_set(e, ERR_INVALID,
			       "%s: '%s' is not a number from 0 on with at most six decimals",
			       place, key);
	return 0;
}

static int count_at(json_value *v, const char *key, const char *place, int64_t missing,
		    int64_t *out, struct err *e)
{
	struct decimal n;
	bool has;
	int rc = decimal_at(v, key, place, &has, &n, e);
	*out = missing;
	if (rc == 0 && has && (!decimal_to_int64(n, 0, out) || *out > INT64_C(1000000000000)))
		rc = err_set(e, ERR_INVALID, "%s: '%s' is not a whole number up to 10^12", place,
			     key);
	return rc;
}

/* {"value"|"score": "79.0", "source": "...", "date": "..."}: a figure that nobody vouches for is
 * none. */
static int read_measured(struct decision *d, json_value *v, const char *key, const char *place,
			 struct measured *out, struct err *e)
{
	bool has;
	int rc = decimal_at(v, key, place, &has, &out->value, e);
	out->source = text_at(d, v, "source");
	out->date = text_at(d, v, "date");
	if (rc == 0 && (!has || !out->source || !out->date))
		rc = err_set(e, ERR_INVALID, "%s needs '%s', 'source' and 'date'", place, key);
	return rc;
}

static int read_scores(struct decision *d, struct decision_model *m, json_value *list,
		       struct err *e)
{
	static const char *const keys[] = { "benchmark", "score", "source", "date", NULL };
	int rc = 0;
	size_t count = 0;
	for (json_value *v = json_first(list); v; v = json_next(v))
		count++;
	m->score = arena_alloc(&d->arena, (count + 1) * sizeof *m->score);
	for (json_value *v = json_first(list); rc == 0 && v; v = json_next(v)) {
		struct measured *s = &m->score[m->scores++];
		const char *place = arena_printf(&d->arena, "%s, score %zu", m->name, m->scores);
		rc = json_check_members(v, keys, place, e);
		s->name = text_at(d, v, "benchmark");
		if (rc == 0 && !s->name)
			rc = err_set(e, ERR_INVALID, "%s names no 'benchmark'", place);
		if (rc == 0)
			rc = read_measured(d, v, "score", place, s, e);
	}
	return rc;
}

static int read_model(struct decision *d, struct decision_model *m, json_value *v, struct err *e)
{
	static const char *const keys[] = { "scores[{}]", "speed{}", "has[]", "note", NULL };
	static const char *const of_speed[] = {
		"tokens_per_second", "first_token_seconds", "source", "date", "note", NULL
	};
	json_value *speed = json_member(v, "speed"), *has = json_member(v, "has");
	const char *place = arena_printf(&d->arena, "%s, speed", m->name);
	size_t count = 0;
	bool given;
	int rc = json_check_members(v, keys, m->name, e);
	if (rc == 0)
		rc = read_scores(d, m, json_member(v, "scores"), e);
	if (rc == 0 && speed)
		rc = json_check_members(speed, of_speed, place, e);
	if (rc == 0 && speed)
		rc = read_measured(d, speed, "tokens_per_second", place, &m->speed, e);
	if (rc == 0 && speed)
		rc = decimal_at(speed, "first_token_seconds", place, &given, &m->first_token, e);
	for (json_value *h = json_first(has); h; h = json_next(h))
		count++;
	m->has = arena_alloc(&d->arena, (count + 1) * sizeof *m->has);
	for (json_value *h = json_first(has); h; h = json_next(h)) {
		struct text t = json_string(h);
		m->has[m->has_count++] = arena_text(&d->arena, t.p, t.n);
	}
	return rc;
}

/* The routes that it names, or else every model. */
static int read_routes(struct decision *d, struct decision_work *w, json_value *list, struct err *e)
{
	struct err why;
	size_t k = 0;
	for (json_value *v = json_first(list); list ? v != NULL : k < d->models;
	     v = v ? json_next(v) : NULL, k++) {
		struct text t = list ? json_string(v) : text_of(d->model[k].name);
		const char *spec = arena_text(&d->arena, t.p, t.n);
		if (w->routes == DECISION_ROUTES_MAX)
			return err_set(e, ERR_INVALID, "%s: more than %d routes", w->name,
				       DECISION_ROUTES_MAX);
		struct planner_scenario *s = &w->route[w->routes++];
		if (planner_scenario_parse(s, spec, &d->arena, &why) != 0)
			return err_set(e, ERR_INVALID, "%s: %s", w->name, why.message);
		if (plan_range_uncertain(&s->share))
			return err_set(e, ERR_INVALID,
				       "%s: the share of a route is one value, no range", w->name);
		for (int i = 0; i < s->parts; i++)
			if (!decision_model(d, s->part[i].model))
				return err_set(e, ERR_INVALID, "%s: 'models' has no '%s'", w->name,
					       s->part[i].model);
	}
	return 0;
}

static int read_work(struct decision *d, struct decision_work *w, json_value *v, struct err *e)
{
	static const char *const keys[] = { "name",	   "measure",
					    "floor",	   "calls",
					    "cached",	   "input",
					    "output",	   "needs",
					    "hit_ratio",   "routes[]",
					    "note",	   "tokens_per_second_least",
					    "tokens_from", "published_cost{}",
					    NULL };
	struct err why;
	w->name = text_at(d, v, "name");
	if (!w->name)
		return err_set(e, ERR_INVALID, "workload %zu has no 'name'", d->works);
	int rc = json_check_members(v, keys, w->name, e);
	w->measure = text_at(d, v, "measure");
	w->needs = text_at(d, v, "needs");
	w->note = text_at(d, v, "note");
	w->tokens_from = text_at(d, v, "tokens_from");
	w->cost = json_member(v, "published_cost");
	if (rc == 0)
		rc = count_at(v, "calls", w->name, 1, &w->calls, e);
	if (rc == 0)
		rc = count_at(v, "cached", w->name, 0, &w->cached, e);
	if (rc == 0)
		rc = count_at(v, "input", w->name, 0, &w->input, e);
	if (rc == 0)
		rc = count_at(v, "output", w->name, 0, &w->output, e);
	if (rc == 0)
		rc = decimal_at(v, "floor", w->name, &w->has_floor, &w->floor, e);
	if (rc == 0)
		rc = decimal_at(v, "tokens_per_second_least", w->name, &w->has_speed_least,
				&w->speed_least, e);
	w->hit_ratio = SHARE_WHOLE;
	struct text ratio = json_number_or_string(json_member(v, "hit_ratio"));
	if (rc == 0 && ratio.n &&
	    planner_share_parse(&w->hit_ratio, ratio, 0, SHARE_WHOLE, &why) != 0)
		rc = err_set(e, ERR_INVALID, "%s: hit_ratio: %s", w->name, why.message);
	if (rc == 0 && w->has_floor && !w->measure)
		rc = err_set(e, ERR_INVALID, "%s: a floor needs a 'measure'", w->name);
	if (rc == 0 && !w->cost && (w->calls < 1 || w->cached + w->input + w->output < 1))
		rc = err_set(
			e, ERR_INVALID,
			"%s: say what a task uses (calls, and cached, input and output of each)",
			w->name);
	if (rc == 0 && !w->tokens_from)
		rc = err_set(
			e, ERR_INVALID,
			"%s: say where its tokens come from ('tokens_from'; \"assumed\" will do)",
			w->name);
	return rc ? rc : read_routes(d, w, json_member(v, "routes"), e);
}

int decision_read(struct decision *out, const char *path, struct err *e)
{
	static const char *const keys[] = { "schema",	"note",		 "date",
					    "models{}", "workloads[{}]", NULL };
	struct decision *d = out;
	*d = (struct decision){ 0 };
	int rc = json_open_file(&d->file, path, e);
	json_value *root = json_root(d->file), *models = json_member(root, "models"),
		   *works = json_member(root, "workloads");
	if (rc == 0)
		rc = json_check_members(root, keys, path, e);
	size_t count[2] = { 0 };
	for (json_value *v = json_first(models); v; v = json_next(v))
		count[0]++;
	for (json_value *v = json_first(works); v; v = json_next(v))
		count[1]++;
	if (rc == 0 && (!count[0] || !count[1]))
		rc = err_set(e, ERR_INVALID, "%s needs 'models' and 'workloads'", path);
	d->model = arena_alloc(&d->arena, (count[0] + 1) * sizeof *d->model);
	d->work = arena_alloc(&d->arena, (count[1] + 1) * sizeof *d->work);
	d->answer = arena_alloc(&d->arena, (count[1] + 1) * sizeof *d->answer);
	d->cheapest = arena_alloc(&d->arena, (count[1] + 1) * sizeof *d->cheapest);
	struct text date = json_string(json_member(root, "date"));
	if (rc == 0 && instant_parse(&d->at, date, NULL) != 0)
		rc = err_set(e, ERR_INVALID, "%s: 'date' is the day whose prices count", path);
	for (json_value *v = json_first(models); rc == 0 && v; v = json_next(v)) {
		d->model[d->models].name = json_key(v);
		rc = read_model(d, &d->model[d->models++], v, e);
	}
	for (json_value *v = json_first(works); rc == 0 && v; v = json_next(v))
		rc = read_work(d, &d->work[d->works++], v, e);
	if (rc != 0)
		decision_release(d);
	return rc;
}

void decision_release(struct decision *d)
{
	json_close(d->file);
	arena_release(&d->arena);
	*d = (struct decision){ 0 };
}

const struct decision_model *decision_model(const struct decision *d, const char *name)
{
	for (size_t i = 0; i < d->models; i++)
		if (strcmp(d->model[i].name, name) == 0)
			return &d->model[i];
	return NULL;
}

const struct measured *decision_score(const struct decision_model *m, const char *measure)
{
	for (size_t i = 0; measure && i < m->scores; i++)
		if (strcmp(m->score[i].name, measure) == 0)
			return &m->score[i];
	return NULL;
}

static int64_t in_units(struct decimal d)
{
	int64_t n = 0;
	return decimal_to_int64(d, 6, &n) ? n : INT64_MAX;
}

/* Shares of the calls have their models' scores; what is asked beside them can only help. */
static void take_score(const struct decision *d, const struct decision_work *w,
		       const struct planner_scenario *s, struct decision_answer *a)
{
	int128 sum = 0;
	a->has_score = true;
	for (int i = 0; i < s->parts; i++) {
		if (s->part[i].again) {
			a->at_least = true;
			continue;
		}
		const struct measured *m =
			decision_score(decision_model(d, s->part[i].model), w->measure);
		a->has_score &= m != NULL;
		sum += m ? (int128)in_units(m->value) * s->part[i].share : 0;
	}
	a->score = (int64_t)((sum + SHARE_WHOLE / 2) / SHARE_WHOLE);
}

/* One call after another, by the slowest model of the route; escalations take their share. */
static void take_time(const struct decision *d, const struct decision_work *w,
		      const struct planner_scenario *s, struct decision_answer *a)
{
	int128 sum = 0;
	a->milliseconds = -1;
	for (int i = 0; i < s->parts; i++) {
		const struct decision_model *m = decision_model(d, s->part[i].model);
		const int64_t rate = in_units(m->speed.value);
		if (!rate)
			return;
		const int128 of_call = (int128)w->output * 1000 * SCORE_UNIT / rate +
				       in_units(m->first_token) / 1000;
		sum += of_call * w->calls * s->part[i].share;
	}
	a->milliseconds = (int64_t)((sum + SHARE_WHOLE / 2) / SHARE_WHOLE);
}

static bool offers(const struct decision_model *m, const char *what)
{
	for (size_t i = 0; i < m->has_count; i++)
		if (strcmp(m->has[i], what) == 0)
			return true;
	return false;
}

static void judge(struct decision *d, const struct decision_work *w,
		  const struct planner_scenario *s, struct decision_answer *a)
{
	const char *why = NULL;
	const bool many = s->parts > 1; /* a route of one model names it already */
	a->verdict = NOT_POSSIBLE;
	if (!a->fits)
		why = "a call exceeds its context";
	for (int i = 0; !why && i < s->parts; i++) {
		const struct decision_model *m = decision_model(d, s->part[i].model);
		if (w->needs && !offers(m, w->needs))
			why = arena_printf(&d->arena, "%s%sno %s stated", many ? m->name : "",
					   many ? ": " : "", w->needs);
		else if (w->has_speed_least && m->speed.value.digits &&
			 decimal_cmp(m->speed.value, w->speed_least) < 0)
			why = arena_printf(&d->arena, "%s%stoo slow", many ? m->name : "",
					   many ? " is " : "");
	}
	a->why = why;
	if (why)
		return;
	a->verdict = NOT_KNOWN;
	for (int i = 0; i < s->parts; i++)
		if (w->has_speed_least && !decision_model(d, s->part[i].model)->speed.value.digits)
			a->why = "its speed is not known";
	if (!a->priced)
		a->why = "no price";
	else if (w->has_floor && !a->has_score)
		a->why = "no score of this measure";
	if (a->why)
		return;
	a->verdict = !w->has_floor || a->score >= in_units(w->floor) ? KEEPS_FLOOR : BELOW_FLOOR;
	if (a->verdict == BELOW_FLOOR && a->at_least) {
		a->verdict = NOT_KNOWN;
		a->why = "what escalation adds to the score is not known";
	}
}

/* A cost that was published, and how many tokens it would be were they all output. */
static int take_published(const struct decision_work *w, const struct planner_scenario *s,
			  struct planner_result *unit, struct decision_answer *a, struct err *e)
{
	json_value *v = json_member(w->cost, s->part[0].model);
	struct decimal n;
	struct money m;
	bool has;
	int rc = decimal_at(w->cost, s->part[0].model, w->name, &has, &n, e);
	a->inferred_tokens = -1;
	a->priced = v && s->parts == 1;
	if (rc != 0 || !a->priced)
		return rc;
	rc = money_from_decimal(&m, n, e);
	if (rc != 0)
		return rc;
	a->cost.atto = (int128)m.pico * 1000000;
	a->cost_source = w->tokens_from;
	if (!unit->total.unpriced && unit->total.cost.atto > 0)
		a->inferred_tokens = (int64_t)(a->cost.atto / (unit->total.cost.atto /
							       unit->total.tokens[BUCKET_OUTPUT]));
	return 0;
}

static int answer(struct decision *d, const struct decision_work *w,
		  const struct planner_scenario *s, const struct planner_prices *prices,
		  struct decision_answer *a, struct err *e)
{
	/* so many that shares and hits come out exactly */
	enum { CALLS = SHARE_WHOLE };
	struct zone *utc = NULL;
	struct planner_result r = { 0 };
	int rc = zone_open(&utc, "UTC", e);
	struct planner_work p = { .per_day = CALLS,
				  .cached = w->cached,
				  .input = w->input,
				  .output = w->cost ? 1 : w->output,
				  .hit_ratio = w->hit_ratio,
				  .first_day = floor_div(d->at.us, US_PER_DAY),
				  .days = 1,
				  .weekdays = 0x7f,
				  .zone = utc };
	if (rc == 0)
		rc = planner_run(&r, &p, s, prices, e);
	if (rc == 0 && w->cost) {
		a->fits = true;
		rc = take_published(w, s, &r, a, e);
	} else if (rc == 0) {
		int128 cost;
		a->inferred_tokens = -1;
		a->fits = r.too_long == NULL;
		a->priced = r.total.unpriced == 0;
		if (__builtin_mul_overflow(r.total.cost.atto, (int128)w->calls, &cost))
			rc = err_set(e, ERR_RANGE, "%s: a task costs too much", w->name);
		else
			a->cost.atto = (cost + CALLS / 2) / CALLS;
	}
	planner_release(&r);
	zone_close(utc);
	if (rc != 0)
		return rc;
	take_score(d, w, s, a);
	take_time(d, w, s, a);
	if (a->has_score && a->score > 0)
		a->per_point.atto = a->cost.atto > (int128)1 << 100
					    ? a->cost.atto / a->score * SCORE_UNIT
					    : (a->cost.atto * SCORE_UNIT + a->score / 2) / a->score;
	judge(d, w, s, a);
	return 0;
}

int decision_run(struct decision *d, const struct book *book, const char *currency, struct err *e)
{
	const struct planner_prices prices = { .book = book, .currency = currency };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < d->works; i++) {
		struct decision_answer *a = d->answer[i];
		d->cheapest[i] = -1;
		for (int k = 0; rc == 0 && k < d->work[i].routes; k++) {
			rc = answer(d, &d->work[i], &d->work[i].route[k], &prices, &a[k], e);
			if (rc == 0 && a[k].verdict == KEEPS_FLOOR &&
			    (d->cheapest[i] < 0 || a[k].cost.atto < a[d->cheapest[i]].cost.atto))
				d->cheapest[i] = k;
		}
	}
	return rc;
}
