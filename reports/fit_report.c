#include "reports/fit_report.h"

#include "reports/json_out.h"

static void put_call(struct json_out *j, const struct work_call *c, const struct work_call *before)
{
	const int64_t gap = before ? (c->time_us - before->time_us) / US_PER_SECOND : 0;
	const int64_t value[] = { gap > 0 ? gap : 0,
				  work_prompt(c),
				  c->tokens[BUCKET_CACHE_READ],
				  c->tokens[BUCKET_OUTPUT],
				  c->tokens[BUCKET_REASONING],
				  c->tokens[BUCKET_CACHE_WRITE_5M],
				  c->tokens[BUCKET_CACHE_WRITE_1H] };
	size_t n = sizeof value / sizeof *value;
	while (n && value[n - 1] == 0)
		n--;
	json_out_array(j, NULL);
	for (size_t i = 0; i < n; i++)
		json_out_int(j, NULL, value[i]);
	json_out_end(j, ']');
}

static void put_sessions(struct json_out *j, const struct fit_class *f)
{
	json_out_array(j, "sessions");
	for (size_t i = 0; i < f->kept_count; i++) {
		const struct fit_session *s = f->kept[i];
		json_out_array(j, NULL);
		for (size_t k = 0; k < s->calls; k++)
			put_call(j, s->call[k], k ? s->call[k - 1] : NULL);
		json_out_end(j, ']');
	}
	json_out_end(j, ']');
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
	if (!f->cached && w->blocks)
		json_out_int(j, "cache_seconds", 3600);
	put_sessions(j, f);
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
