#include "reports/fit_report.h"

#include "reports/json_out.h"

enum { BINS = 100 };

/* Means of bins of equally many values: their mean is that of all of them. */
static void put_values(struct json_out *j, const char *key, const struct fit_values *l, bool always)
{
	const size_t bins = l->n < BINS ? l->n : BINS;
	if (l->n == 0 || (!always && l->v[l->n - 1] == 0))
		return;
	if (l->v[0] == l->v[l->n - 1]) {
		json_out_int(j, key, l->v[0]);
		return;
	}
	json_out_object(j, key);
	json_out_array(j, "values");
	for (size_t i = 0; i < bins; i++) {
		const size_t from = i * l->n / bins, to = (i + 1) * l->n / bins;
		int128 sum = 0;
		for (size_t k = from; k < to; k++)
			sum += l->v[k];
		json_out_int(
			j, NULL,
			(int64_t)((2 * sum + (int128)(to - from)) / (2 * (int128)(to - from))));
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
}

static void put_class(struct json_out *j, const struct workload *w, const struct fit_class *f,
		      int64_t days)
{
	const struct work_subject *s = &w->subject[f->subject];
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, NULL);
	if (f->workload)
		json_out_string(j, "workload", w->name[f->workload]);
	json_out_text(j, "model", s->model);
	if (s->provider.n)
		json_out_text(j, "provider", s->provider);
	ratio_format((int128)f->sessions, days, 3, text);
	json_out_string(j, "sessions_per_day", text);
	put_values(j, "calls", &f->calls, true);
	put_values(j, "first_prompt", &f->first_prompt, true);
	put_values(j, "added", &f->added, false);
	put_values(j, "output", &f->output, true);
	put_values(j, "reasoning", &f->reasoning, false);
	put_values(j, "gap_seconds", &f->gap_seconds, true);
	json_out_int(j, "cache_seconds", f->cached || w->blocks ? 3600 : 0);
	json_out_end(j, '}');
}

void fit_report_put(struct buf *out, const struct fit *f, const struct workload *w)
{
	struct json_out j;
	char text[INSTANT_TEXT_MAX];
	json_out_open(&j, NULL);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.synthetic/1");
	json_out_int(&j, "seed", 1);
	instant_format((struct instant){ f->first_day * US_PER_DAY }, text);
	json_out_text(&j, "start", (struct text){ text, 10 });
	json_out_int(&j, "days", f->days);
	json_out_array(&j, "hours");
	for (int i = 0; i < 24; i++)
		json_out_int(&j, NULL, f->hour[i]);
	json_out_end(&j, ']');
	if (f->days >= 14) { /* fewer tell nothing of a week */
		json_out_array(&j, "weekdays");
		for (int i = 0; i < 7; i++)
			json_out_int(&j, NULL, f->weekday[i]);
		json_out_end(&j, ']');
	}
	json_out_array(&j, "classes");
	for (size_t k = 0; k < f->classes; k++)
		put_class(&j, w, &f->fitted[k], f->days);
	json_out_end(&j, ']');
	json_out_end(&j, '}');
	json_out_take(&j, out);
}
