#include "sim/fit.h"

#include <stdlib.h>

static void add(struct fit_values *l, int64_t v)
{
	if (l->n == l->room) {
		l->room = l->room ? l->room * 2 : 64;
		l->v = mem_grow(l->v, l->room * sizeof *l->v);
	}
	l->v[l->n++] = v < 0 ? 0 : v;
}

static int by_value(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

/* The class of each conversation is that of its first call. */
static int gather(const struct workload *w, struct fit_class *f, size_t *classes, struct err *e)
{
	const size_t n = w->conversations;
	const struct work_call **last = mem_zalloc((n + 1) * sizeof *last);
	uint32_t *class = mem_zalloc((n + 1) * sizeof *class);
	int64_t *calls = mem_zalloc((n + 1) * sizeof *calls);
	int rc = 0;
	*classes = 0;
	for (size_t i = 0; rc == 0 && i < w->count; i++) {
		const struct work_call *c = &w->call[i], *before = last[c->conversation];
		uint32_t k = class[c->conversation];
		if (!before) {
			for (k = 0; k < *classes; k++)
				if (f[k].workload == c->workload && f[k].subject == c->subject)
					break;
			if (k == FIT_CLASSES_MOST) {
				rc = err_set(
					e, ERR_INVALID,
					"more than %d workloads by model; choose some with --map",
					FIT_CLASSES_MOST);
				break;
			}
			if (k == *classes)
				f[(*classes)++] = (struct fit_class){ .workload = c->workload,
								      .subject = c->subject };
			class[c->conversation] = k;
			f[k].sessions++;
			add(&f[k].first_prompt, work_prompt(c));
		} else {
			add(&f[k].added, work_prompt(c) - work_prompt(before) -
						 (before->tokens[BUCKET_OUTPUT] -
						  before->tokens[BUCKET_REASONING]));
			add(&f[k].gap_seconds, (c->time_us - before->time_us) / US_PER_SECOND);
		}
		f[k].cached |= c->tokens[BUCKET_CACHE_READ] != 0;
		add(&f[k].output, c->tokens[BUCKET_OUTPUT]);
		add(&f[k].reasoning, c->tokens[BUCKET_REASONING]);
		calls[c->conversation]++;
		last[c->conversation] = c;
	}
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (calls[i])
			add(&f[class[i]].calls, calls[i]);
	free(last);
	free(class);
	free(calls);
	return rc;
}

enum { LISTS = 6 };

static struct fit_values *list(struct fit_class *f, int i)
{
	struct fit_values *lists[LISTS] = { &f->calls,	&f->first_prompt, &f->added,
					    &f->output, &f->reasoning,	  &f->gap_seconds };
	return lists[i];
}

int fit_run(struct fit *out, const struct workload *w, struct err *e)
{
	int64_t last = INT64_MIN;
	*out = (struct fit){ .first_day = INT64_MAX };
	out->fitted = mem_zalloc(FIT_CLASSES_MOST * sizeof *out->fitted);
	int rc = gather(w, out->fitted, &out->classes, e);
	for (size_t i = 0; rc == 0 && i < w->count; i++) {
		const int64_t day = floor_div(w->call[i].time_us, US_PER_DAY);
		out->first_day = day < out->first_day ? day : out->first_day;
		last = day > last ? day : last;
		if (w->call[i].call == 0) {
			out->hour[(w->call[i].time_us - day * US_PER_DAY) / US_PER_HOUR]++;
			out->weekday[weekday_of_day(day)]++;
		}
	}
	out->days = rc == 0 ? last - out->first_day + 1 : 0;
	for (size_t k = 0; k < out->classes; k++)
		for (int i = 0; i < LISTS; i++) {
			struct fit_values *l = list(&out->fitted[k], i);
			if (l->n)
				qsort(l->v, l->n, sizeof *l->v, by_value);
		}
	return rc;
}

void fit_release(struct fit *f)
{
	for (size_t k = 0; f->fitted && k < FIT_CLASSES_MOST; k++)
		for (int i = 0; i < LISTS; i++)
			free(list(&f->fitted[k], i)->v);
	free(f->fitted);
}
