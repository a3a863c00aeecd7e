#include "sim/cascade.h"

#include <stdlib.h>

#include "sim/gsl.h"
#include "sim/proportion.h"

static const int128 nano = 1000000000;

/* a / b, half away from zero; b above 0. */
static int128 divided(int128 a, int128 b)
{
	return a < 0 ? -((-2 * a + b) / (2 * b)) : (2 * a + b) / (2 * b);
}

struct task {
	bool cheap, strong; /* solved */
	struct money_total cheap_cost, strong_cost;
	struct decimal signal;
};

struct tasks {
	struct task *task;
	size_t count;
};

static int take_tasks(struct tasks *t, struct cascade_result *out, const struct cascade_options *o,
		      struct err *e)
{
	const struct outcomes *all = o->outcomes;
	t->task = mem_alloc((all->tasks + 1) * sizeof *t->task);
	out->has_costs = true;
	for (size_t i = 0; i < all->tasks; i++) {
		const struct outcome *c = outcome_at(all, i, o->cheap),
				     *s = outcome_at(all, i, o->strong);
		if (!c->tried || !s->tried) {
			out->incomplete++;
			continue;
		}
		if (o->sweep && !c->has_signal)
			return err_set(
				e, ERR_INVALID,
				ASKED("sweep") ": task '%s' has no value there for the cheap model",
				all->task[i]);
		out->has_costs &= c->has_cost && s->has_cost;
		t->task[t->count++] =
			(struct task){ c->solved, s->solved, c->cost, s->cost, c->signal };
		*(c->solved   ? s->solved ? &out->both : &out->cheap_only
		  : s->solved ? &out->strong_only
			      : &out->neither) += 1;
	}
	out->tasks = (int64_t)t->count;
	if (t->count == 0)
		return err_set(e, ERR_INVALID,
			       "no task was tried by both models, so there is no joint outcome "
			       "(%lld by one of them only)",
			       (long long)out->incomplete);
	return 0;
}

/* The chance that the gate sends a task on, in billionths. */
static int128 escalation(const struct cascade_options *o, const struct task *t)
{
	const struct decimal d = t->cheap ? o->sensitivity : o->false_accept;
	int128 ten = nano;
	for (int i = 0; i < d.scale; i++)
		ten /= 10;
	return nano - d.digits * ten;
}

static void add_alone(struct cascade_result *out, const struct task *t)
{
	out->cheap.solved_nano += t->cheap ? nano : 0;
	out->cheap.cost.atto += t->cheap_cost.atto;
	out->strong.solved_nano += t->strong ? nano : 0;
	out->strong.cost.atto += t->strong_cost.atto;
	/* knows beforehand which model is the cheaper one that solves the task */
	bool use_strong = t->strong && (!t->cheap || t->strong_cost.atto < t->cheap_cost.atto);
	if (!t->strong && !t->cheap)
		use_strong = t->strong_cost.atto < t->cheap_cost.atto;
	out->oracle.solved_nano += t->cheap || t->strong ? nano : 0;
	out->oracle.escalated_nano += use_strong ? nano : 0;
	out->oracle.cost.atto += use_strong ? t->strong_cost.atto : t->cheap_cost.atto;
}

/* Per task: what the cascade costs on average, and how often it solves it. The product with a
 * billionth is rounded half up to 1e-18. */
static void expected(const struct cascade_options *o, const struct task *t,
		     struct cascade_policy *p)
{
	int128 up = escalation(o, t);
	p->escalated_nano = up;
	p->solved_nano = (t->cheap ? nano - up : 0) + (t->strong ? up : 0);
	p->cost.atto = t->cheap_cost.atto + divided(t->strong_cost.atto * up, nano);
}

/* Cost per solved task of resampled tasks. Both sums are drawn together. */
static void resample_cascade(struct cascade_result *out, const struct cascade_options *o,
			     const struct tasks *t)
{
	struct money_total *column[2], *sums;
	const size_t draws = (size_t)o->resamples;
	for (int c = 0; c < 2; c++)
		column[c] = mem_alloc(t->count * sizeof **column);
	for (size_t i = 0; i < t->count; i++) {
		struct cascade_policy p;
		expected(o, &t->task[i], &p);
		column[0][i] = p.cost;
		column[1][i].atto = p.solved_nano;
	}
	resample_sums(&(struct resample){ (const struct money_total *const *)column, 2, t->count,
					  o->seed, o->resamples, o->threads },
		      &sums);
	size_t kept = 0;
	for (size_t r = 0; r < draws; r++)
		if (sums[draws + r].atto > 0)
			sums[kept++].atto = divided(sums[r].atto * nano, sums[draws + r].atto);
	if (kept == draws) {
		out->cost_per_solved = resample_interval(sums, draws, o->level_permille);
		out->has_interval = true;
	}
	free(sums);
	free(column[0]);
	free(column[1]);
}

/* --- the sweep --- */

static int falling(const void *a, const void *b)
{
	return decimal_cmp(((const struct task *)b)->signal, ((const struct task *)a)->signal);
}

static int rising(const void *a, const void *b)
{
	return falling(b, a);
}

/*
 * Each value that occurs is a threshold. At or above it answers are accepted; where a high signal
 * escalates, tasks are sent on. Tasks come in the order in which they stop being escalated.
 */
static void sweep(struct cascade_result *out, const struct tasks *t, bool high_escalates)
{
	int64_t escalated = (int64_t)t->count, solved = out->both + out->strong_only;
	struct money_total cost = { out->cheap.cost.atto + out->strong.cost.atto };
	qsort(t->task, t->count, sizeof *t->task, high_escalates ? rising : falling);
	out->sweep = mem_alloc((t->count + 1) * sizeof *out->sweep);
	for (size_t i = 0; i < t->count; i++) {
		const struct task *k = &t->task[i];
		const bool first = i == 0 || decimal_cmp(k[-1].signal, k->signal) != 0;
		const bool last = i + 1 == t->count || decimal_cmp(k[1].signal, k->signal) != 0;
		if (high_escalates && first)
			out->sweep[out->sweeps++] =
				(struct cascade_point){ k->signal, escalated, solved, cost, false };
		escalated--;
		solved += k->cheap - k->strong;
		cost.atto -= k->strong_cost.atto;
		if (!high_escalates && last)
			out->sweep[out->sweeps++] =
				(struct cascade_point){ k->signal, escalated, solved, cost, false };
	}
}

/* --- the curve of cost and quality --- */

struct point {
	int128 cost, solved_nano;
	struct cascade_point *of; /* NULL: an end */
};

static int by_cost(const void *a, const void *b)
{
	const struct point *x = a, *y = b;
	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	return x->solved_nano > y->solved_nano ? -1 : x->solved_nano < y->solved_nano;
}

/* Whether b lies on or below the line from a to c; 16 decimals are enough of an angle. */
static bool below(const struct point *a, const struct point *b, const struct point *c)
{
	return (b->solved_nano - a->solved_nano) * ((c->cost - a->cost) / nano) <=
	       (c->solved_nano - a->solved_nano) * ((b->cost - a->cost) / nano);
}

/* RouterBench's average improvement in quality: the area under the non-decreasing convex hull over
 * the range of costs, divided by that range. */
static void find_hull(struct cascade_result *out)
{
	struct point *p = mem_alloc((out->sweeps + 4) * sizeof *p), *hull;
	size_t n = 0, k = 0;
	p[n++] = (struct point){ out->cheap.cost.atto, out->cheap.solved_nano, NULL };
	p[n++] = (struct point){ out->strong.cost.atto, out->strong.solved_nano, NULL };
	if (out->sweeps == 0)
		p[n++] = (struct point){ out->cascade.cost.atto, out->cascade.solved_nano, NULL };
	for (size_t i = 0; i < out->sweeps; i++)
		p[n++] = (struct point){ out->sweep[i].cost.atto, out->sweep[i].solved * nano,
					 &out->sweep[i] };
	qsort(p, n, sizeof *p, by_cost);
	int128 highest_cost = p[n - 1].cost;
	hull = mem_alloc((n + 1) * sizeof *hull);
	for (size_t i = 0; i < n; i++) {
		if (k && p[i].solved_nano <= hull[k - 1].solved_nano)
			continue; /* costs no less and solves no more */
		while (k >= 2 && below(&hull[k - 2], &hull[k - 1], &p[i]))
			k--;
		hull[k++] = p[i];
	}
	for (size_t i = 0; i < k; i++)
		if (hull[i].of)
			hull[i].of->on_hull = true;
	int128 range = highest_cost - hull[0].cost, area = 0;
	for (size_t i = 0; i < k; i++) {
		int128 to = i + 1 < k ? hull[i + 1].cost : highest_cost;
		int128 level = i + 1 < k ? hull[i].solved_nano + hull[i + 1].solved_nano
					 : 2 * hull[i].solved_nano;
		/* pico is enough of the cost here, so that the product fits */
		area += (to - hull[i].cost) / 1000000 * (level / out->tasks);
	}
	range /= 1000000;
	out->has_aiq = out->has_costs && range > 0;
	if (out->has_aiq)
		out->aiq_nano = divided(area, 2 * range);
	free(p);
	free(hull);
}

/*
 * RouteLLM: the part of the gap between the models' quality that is recovered, over the share of
 * tasks that the strong model gets. APGR is the mean over all shares, CPT(x) the smallest share
 * that recovers x.
 */
static void recover_gap(struct cascade_result *out)
{
	const int128 gap = out->strong.solved_nano - out->cheap.solved_nano;
	const size_t n = out->sweeps ? out->sweeps : 1;
	int128 area = 0, share = 0, gain = 0;
	if (gap <= 0)
		return;
	for (size_t i = 0; i <= n; i++) {
		int128 next_share = (int128)out->tasks * nano, next_gain = gap;
		if (i < n && out->sweeps) { /* the sweep runs from many escalations to few */
			const struct cascade_point *p = &out->sweep[out->sweeps - 1 - i];
			next_share = p->escalated * nano;
			next_gain = p->solved * nano - out->cheap.solved_nano;
		} else if (i < n) {
			next_share = out->cascade.escalated_nano;
			next_gain = out->cascade.solved_nano - out->cheap.solved_nano;
		}
		area += (next_share - share) * (gain + next_gain) / nano;
		const struct {
			int percent;
			bool *has;
			int128 *at;
		} call[2] = { { 50, &out->has_cpt50, &out->cpt50_nano },
			      { 80, &out->has_cpt80, &out->cpt80_nano } };
		for (int c = 0; c < 2; c++) {
			int128 want = gap * call[c].percent / 100;
			if (*call[c].has || next_gain < want)
				continue;
			int128 rise = next_gain - gain;
			int128 at = rise > 0 ? share + divided((next_share - share) *
								       ((want - gain) / 1000),
							       rise / 1000 ? rise / 1000 : 1)
					     : next_share;
			*call[c].at = divided(at, out->tasks);
			*call[c].has = true;
		}
		share = next_share;
		gain = next_gain;
	}
	out->apgr_nano = divided(area * nano, 2 * (int128)out->tasks * gap);
	out->has_apgr = true;
}

static void break_even(struct cascade_result *out, const struct tasks *t,
		       const struct cascade_options *o)
{
	struct money_total sent = { 0 };
	int128 weight = 0;
	if (!out->has_costs || out->strong.cost.atto <= 0)
		return;
	out->has_break_even = true;
	/* cheap + rate x strong = strong */
	int128 spare = out->strong.cost.atto - out->cheap.cost.atto;
	out->break_even_nano = divided(spare * nano, out->strong.cost.atto);
	for (size_t i = 0; i < t->count; i++) {
		int128 up = escalation(o, &t->task[i]);
		sent.atto += divided(t->task[i].strong_cost.atto * up, nano);
		weight += up;
	}
	/* with the mean strong cost of what is sent on */
	if (weight > 0 && sent.atto > 0)
		out->break_even_escalated_nano =
			divided(spare * divided(weight, out->tasks), sent.atto);
	else
		out->break_even_escalated_nano = out->break_even_nano;
}

int cascade_run(struct cascade_result *out, const struct cascade_options *o, struct err *e)
{
	struct tasks t = { 0 };
	*out = (struct cascade_result){ 0 };
	int rc = gsl_need(e);
	if (rc == 0)
		rc = take_tasks(&t, out, o, e);
	for (size_t i = 0; rc == 0 && i < t.count; i++) {
		struct cascade_policy p;
		add_alone(out, &t.task[i]);
		expected(o, &t.task[i], &p);
		out->cascade.solved_nano += p.solved_nano;
		out->cascade.escalated_nano += p.escalated_nano;
		out->cascade.cost.atto += p.cost.atto;
	}
	if (rc == 0) {
		if (out->has_costs && o->resamples > 0)
			resample_cascade(out, o, &t);
		break_even(out, &t, o);
		if (o->sweep)
			sweep(out, &t, o->high_escalates);
		find_hull(out);
		recover_gap(out);
		out->mcnemar_p_nano = mcnemar_exact_nano(out->cheap_only, out->strong_only);
		wilson_interval(out->both + out->cheap_only, out->tasks, o->level_permille,
				out->wilson_nano[0]);
		wilson_interval(out->both + out->strong_only, out->tasks, o->level_permille,
				out->wilson_nano[1]);
		wilson_interval((int64_t)divided(out->cascade.solved_nano, nano), out->tasks,
				o->level_permille, out->wilson_nano[2]);
	}
	free(t.task);
	return rc;
}

void cascade_release(struct cascade_result *r)
{
	free(r->sweep);
	r->sweep = NULL;
}
