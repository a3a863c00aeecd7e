#include "meter/formats/session_run.h"

#include <stdio.h>
#include <stdlib.h>

struct session_call {
	int64_t time_us;
	struct text model;
	struct session_tally counts;
};

void session_run_clear(struct session_run *x)
{
	x->count = 0;
	dict_clear(&x->models);
}

void session_run_release(struct session_run *x)
{
	free(x->call);
	dict_release(&x->models);
	*x = (struct session_run){ 0 };
}

void session_run_add(struct session_run *x, int64_t time_us, struct text model,
		     const struct session_tally *counts)
{
	if ((x->count & (x->count - 1)) == 0)
		x->call = mem_grow(x->call, (x->count ? x->count * 2 : 1) * sizeof *x->call);
	if (model.n) {
		dict_need(&x->models, model, NULL);
		model = dict_key(&x->models, model);
	}
	x->call[x->count++] = (struct session_call){ time_us, model, *counts };
	x->sorted = false;
}

static bool is_of(const struct session_call *c, struct text model)
{
	return !model.n || model_is_same(c->model, model);
}

static int by_time(const void *a, const void *b)
{
	const struct session_call *x = a, *y = b;
	return (x->time_us > y->time_us) - (x->time_us < y->time_us);
}

bool session_run_holds(struct session_run *x, const struct session_sum *sum)
{
	struct session_tally open = { 0 };
	size_t first = 0;
	int places = 0;
	if (!x->sorted && x->count)
		qsort(x->call, x->count, sizeof *x->call, by_time);
	x->sorted = true;
	for (size_t i = 0; i < x->count; i++) {
		if (!is_of(&x->call[i], sum->model))
			continue;
		open.prompt += x->call[i].counts.prompt;
		open.output += x->call[i].counts.output;
		if (sum->of_thread && open.prompt >= sum->counts.prompt &&
		    open.output >= sum->counts.output)
			return true;
		for (; !sum->of_thread &&
		       (open.prompt > sum->counts.prompt || open.output > sum->counts.output);
		     first++)
			if (is_of(&x->call[first], sum->model)) {
				open.prompt -= x->call[first].counts.prompt;
				open.output -= x->call[first].counts.output;
			}
		if (sum->of_thread || open.prompt != sum->counts.prompt ||
		    open.output != sum->counts.output)
			continue;
		if (++places == sum->place)
			return true;
		open = (struct session_tally){ 0 };
		first = i + 1;
	}
	return false;
}

struct text session_sum_name(char room[SESSION_ROOM], struct text session,
			     const struct session_sum *sum)
{
	const int n = snprintf(room, SESSION_ROOM, "told:%.*s#%.*s:%lld/%lld/%d", (int)session.n,
			       session.p, sum->model.n > 150 ? 150 : (int)sum->model.n,
			       sum->model.n ? sum->model.p : "", (long long)sum->counts.prompt,
			       (long long)sum->counts.output, sum->place);
	return (struct text){ room, n < SESSION_ROOM ? (size_t)n : SESSION_ROOM - 1 };
}
