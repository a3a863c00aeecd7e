#include "sim/fit.h"

#include <stdlib.h>
#include <string.h>

#include "base/dict.h"

/* The session of each call: as the layers make them, or what a conversation asked one model, for
 * each model has a cache and prices of its own. Returns how many there are. */
static size_t number_sessions(struct fit *f, const struct workload *w, uint32_t *session)
{
	struct dict numbers = { 0 };
	size_t count = 0;
	if (f->layered) {
		memcpy(session, f->layers.session, w->count * sizeof *session);
		return f->layers.sessions;
	}
	for (size_t i = 0; i < w->count; i++) {
		const struct work_call *c = &w->call[i];
		const uint32_t key[] = { c->conversation, c->workload, c->subject };
		uint64_t *at =
			dict_need(&numbers, (struct text){ (const char *)key, sizeof key }, NULL);
		if (!*at)
			*at = ++count;
		session[i] = (uint32_t)(*at - 1);
	}
	dict_release(&numbers);
	return count;
}

/* The calls of each session, which may lie between those of others. */
static void gather_sessions(struct fit *f, const struct workload *w)
{
	uint32_t *session = mem_alloc((w->count + 1) * sizeof *session);
	size_t at = 0;
	f->sessions = number_sessions(f, w, session);
	f->session = mem_zalloc((f->sessions + 1) * sizeof *f->session);
	f->call = mem_alloc((w->count + 1) * sizeof *f->call);
	for (size_t i = 0; i < w->count; i++)
		f->session[session[i]].calls++;
	for (size_t k = 0; k < f->sessions; k++) {
		f->session[k].call = f->call + at;
		f->session[k].layer = f->layered ? f->layers.of_session[k] : 0;
		at += f->session[k].calls;
		f->session[k].calls = 0;
	}
	for (size_t i = 0; i < w->count; i++) {
		const struct work_call *c = &w->call[i];
		struct fit_session *s = &f->session[session[i]];
		s->call[s->calls++] = c;
		s->tokens += work_prompt(c) + c->tokens[BUCKET_OUTPUT];
	}
	free(session);
}

static struct fit_class *class_of(struct fit *f, const struct work_call *first, struct err *e)
{
	size_t k = 0;
	while (k < f->classes &&
	       (f->fitted[k].workload != first->workload || f->fitted[k].subject != first->subject))
		k++;
	if (k == FIT_CLASSES_MOST) {
		err_set(e, ERR_INVALID,
			"more than %d workloads by model; choose some with " ASKED("map"),
			FIT_CLASSES_MOST);
		return NULL;
	}
	if (k == f->classes)
		f->fitted[f->classes++] = (struct fit_class){ .workload = first->workload,
							      .subject = first->subject };
	return &f->fitted[k];
}

static int gather_classes(struct fit *f, struct err *e)
{
	for (size_t k = 0; k < f->sessions; k++) {
		struct fit_session *s = &f->session[k];
		if (!s->calls)
			continue;
		struct fit_class *c = class_of(f, s->call[0], e);
		if (!c)
			return -ERR_INVALID;
		if ((c->sessions & (c->sessions - 1)) == 0)
			c->kept = mem_grow(c->kept,
					   (c->sessions ? c->sessions * 2 : 1) * sizeof *c->kept);
		c->kept[c->sessions++] = s;
		for (size_t i = 0; i < s->calls; i++)
			c->cached |= s->call[i]->tokens[BUCKET_CACHE_READ] != 0;
	}
	return 0;
}

static int by_tokens(const void *x, const void *y)
{
	const struct fit_session *a = *(struct fit_session *const *)x,
				 *b = *(struct fit_session *const *)y;
	return (a->tokens > b->tokens) - (a->tokens < b->tokens);
}

/* Of [from, to), which are sorted, the one that is nearest to their mean. */
static struct fit_session *typical(struct fit_session *const *s, size_t from, size_t to)
{
	int128 sum = 0;
	for (size_t i = from; i < to; i++)
		sum += s[i]->tokens;
	const int64_t mean = (int64_t)(sum / (int128)(to - from));
	size_t best = from;
	for (size_t i = from; i < to; i++)
		if (llabs(s[i]->tokens - mean) < llabs(s[best]->tokens - mean))
			best = i;
	return s[best];
}

static int by_start(const void *x, const void *y)
{
	const struct work_call *a = (*(struct fit_session *const *)x)->call[0],
			       *b = (*(struct fit_session *const *)y)->call[0];
	if (a->time_us != b->time_us)
		return a->time_us < b->time_us ? -1 : 1;
	return (a > b) - (a < b);
}

/* Bins of equally many sessions by size, and of each the one that stands for it; in the order in
 * which they began. */
static void keep_some(struct fit_class *c)
{
	size_t calls = 0, bins = c->sessions;
	for (size_t i = 0; i < c->sessions; i++)
		calls += c->kept[i]->calls;
	const size_t fit = calls ? FIT_CALLS_MOST * c->sessions / calls : bins;
	if (bins > fit)
		bins = fit ? fit : 1;
	qsort(c->kept, c->sessions, sizeof *c->kept, by_tokens);
	for (size_t i = 0; i < bins; i++)
		c->kept[i] = typical(c->kept, i * c->sessions / bins, (i + 1) * c->sessions / bins);
	c->kept_count = bins;
	qsort(c->kept, bins, sizeof *c->kept, by_start);
}

/* --- what is common --- */

enum { EARLIER_CALLS = 64 };

/* Tokens of an earlier prompt that another one begins with: all of them where all its whole blocks
 * are there. */
static int64_t alike(const struct block_trace *t, const struct block_request *a,
		     const struct block_request *b)
{
	const int64_t least = a->input < b->input ? a->input : b->input,
		      n = block_runs_alike(block_request_runs(t, a), block_request_runs(t, b),
					   a->count < b->count ? a->count : b->count);
	const bool all = !t->has_partial && n >= b->input / t->block_tokens;
	return n * t->block_tokens < least && !all ? n * t->block_tokens : least;
}

static const struct block_request *blocks_of(const struct workload *w, const struct work_call *c)
{
	return &w->blocks->request[c - w->call];
}

/* Of the session's first call and its last ones the one that is alike the furthest, of several the
 * newest. */
static void find_common(struct fit *f, const struct workload *w, const struct fit_session *s)
{
	for (size_t k = 1; k < s->calls; k++) {
		struct fit_common *best = &f->common[s->call[k] - w->call];
		best->back = 1;
		for (size_t back = 1; back <= k; back++) {
			if (back > EARLIER_CALLS)
				back = k;
			const int64_t n = alike(w->blocks, blocks_of(w, s->call[k]),
						blocks_of(w, s->call[k - back]));
			if (n > best->tokens)
				*best = (struct fit_common){ n, (int64_t)back };
		}
	}
}

static int by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* What a session of the class begins with in the middle: what its first call found of others, or
 * shares with the first call of the session before. */
static void find_head(struct fit_class *c, const struct workload *w)
{
	int64_t *head = mem_alloc((c->sessions + 1) * sizeof *head);
	size_t n = 0;
	for (size_t i = 0; i < c->sessions; i++) {
		const struct work_call *first = c->kept[i]->call[0];
		if (!w->blocks)
			head[n++] = first->tokens[BUCKET_CACHE_READ];
		else if (i)
			head[n++] = alike(w->blocks, blocks_of(w, first),
					  blocks_of(w, c->kept[i - 1]->call[0]));
	}
	qsort(head, n, sizeof *head, by_size);
	c->shared = n ? head[(n - 1) / 2] : 0;
	free(head);
}

/* When sessions began, and of which days the trace is. */
static void look_at_times(struct fit *f, const struct workload *w)
{
	int64_t first = INT64_MAX, last = INT64_MIN;
	for (size_t i = 0; i < w->count; i++) {
		const int64_t us = w->call[i].time_us;
		first = us < first ? us : first;
		last = us > last ? us : last;
	}
	if (!w->count)
		return;
	f->first_day = floor_div(first, US_PER_DAY);
	f->days = floor_div(last, US_PER_DAY) - f->first_day + 1;
	f->span_us = last - first;
	for (size_t k = 0; k < f->sessions; k++) {
		if (!f->session[k].calls)
			continue;
		const int64_t us = f->session[k].call[0]->time_us, day = floor_div(us, US_PER_DAY);
		f->minute[(us - day * US_PER_DAY) / (60 * US_PER_SECOND)]++;
		f->weekday[weekday_of_day(day)]++;
	}
}

int fit_run(struct fit *out, const struct workload *w, struct err *e)
{
	*out = (struct fit){ .layered = w->blocks && !w->blocks->local };
	out->fitted = mem_zalloc(FIT_CLASSES_MOST * sizeof *out->fitted);
	if (out->layered)
		fit_layers_find(&out->layers, w);
	gather_sessions(out, w);
	int rc = gather_classes(out, e);
	if (rc == 0)
		look_at_times(out, w);
	if (rc == 0 && w->blocks) {
		out->common = mem_zalloc((w->count + 1) * sizeof *out->common);
		for (size_t k = 0; k < out->sessions; k++)
			find_common(out, w, &out->session[k]);
	}
	for (size_t k = 0; rc == 0 && k < out->classes; k++)
		find_head(&out->fitted[k], w);
	for (size_t k = 0; rc == 0 && k < out->classes; k++)
		keep_some(&out->fitted[k]);
	return rc;
}

void fit_release(struct fit *f)
{
	for (size_t k = 0; f->fitted && k < f->classes; k++)
		free(f->fitted[k].kept);
	free(f->fitted);
	fit_layers_release(&f->layers);
	free(f->common);
	free(f->session);
	free(f->call);
}
