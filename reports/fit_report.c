#include "reports/fit_report.h"

#include "reports/json_out.h"

static void put_call(struct json_out *j, const struct work_call *c, const struct work_call *before,
		     const struct fit_common *common)
{
	const int64_t gap_ms = before ? (c->time_us - before->time_us) / 1000 : 0;
	const int64_t value[] = { gap_ms > 0 ? gap_ms : 0,
				  work_prompt(c),
				  c->tokens[BUCKET_CACHE_READ],
				  c->tokens[BUCKET_OUTPUT],
				  c->tokens[BUCKET_REASONING],
				  c->tokens[BUCKET_CACHE_WRITE_5M],
				  c->tokens[BUCKET_CACHE_WRITE_1H],
				  common ? common->tokens : 0,
				  common && before ? common->back : 0 };
	size_t n = sizeof value / sizeof *value;
	while (n && value[n - 1] == 0)
		n--;
	json_out_array(j, NULL);
	for (size_t i = 0; i < n; i++) {
		if (i == 0) /* seconds */
			json_out_number(j, NULL, (struct decimal){ value[0], 3 });
		else
			json_out_int(j, NULL, value[i]);
	}
	json_out_end(j, ']');
}

static void put_sessions(struct json_out *j, const struct workload *w, const struct fit *fit,
			 const struct fit_class *f)
{
	json_out_array(j, "sessions");
	for (size_t i = 0; i < f->kept_count; i++) {
		const struct fit_session *s = f->kept[i];
		if (fit->layers.layers) {
			json_out_object(j, NULL);
			json_out_int(j, "layer", s->layer);
		}
		json_out_array(j, fit->layers.layers ? "calls" : NULL);
		for (size_t k = 0; k < s->calls; k++)
			put_call(j, s->call[k], k ? s->call[k - 1] : NULL,
				 fit->common ? &fit->common[s->call[k] - w->call] : NULL);
		json_out_end(j, ']');
		if (fit->layers.layers)
			json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

/* How the days of a week differ: what began on such a day, however many of them the trace has. */
struct week {
	int64_t weight[7], days[7];
};
static struct week week_of(const struct fit *f)
{
	enum { SCALE = 1000000, DAYS_LEAST = 14 }; /* fewer tell nothing of a week */
	struct week w;
	for (int i = 0; i < 7; i++) {
		const int from_first = (i + 7 - weekday_of_day(f->first_day)) % 7;
		w.days[i] = f->days / 7 + (from_first < f->days % 7);
		w.weight[i] = f->days < DAYS_LEAST
				      ? 0
				      : (int64_t)((int128)f->weekday[i] * SCALE / w.days[i]);
	}
	return w;
}

/* Sessions of a day of average weight, so that the days of the trace come to what they had. */
static void put_rate(struct json_out *j, const struct fit *f, int64_t sessions)
{
	const struct week w = week_of(f);
	int128 average = 0, all = 0;
	char text[DECIMAL_TEXT_MAX];
	for (int i = 0; i < 7; i++) {
		average += w.weight[i];
		all += (int128)w.weight[i] * w.days[i] * 7;
	}
	if (all)
		ratio_format(average * sessions, all, 9, text);
	else
		ratio_format((int128)sessions, f->days, 9, text);
	json_out_string(j, "sessions_per_day", text);
}

static void put_class(struct json_out *j, const struct workload *w, const struct fit *fit,
		      const struct fit_class *f)
{
	const struct work_subject *s = &w->subject[f->subject];
	json_out_object(j, NULL);
	if (f->workload)
		json_out_string(j, "workload", w->name[f->workload]);
	if (s->model.n)
		json_out_text(j, "model", s->model);
	else
		json_out_null(j, "model");
	if (s->provider.n)
		json_out_text(j, "provider", s->provider);
	put_rate(j, fit, f->sessions);
	json_out_string(j, "arrivals", "steady");
	if (f->shared)
		json_out_int(j, "shared_prompt", f->shared);
	if (!f->cached && w->blocks)
		json_out_int(j, "cache_seconds", 3600);
	put_sessions(j, w, fit, f);
	json_out_end(j, '}');
}

static void put_measure(struct json_out *j, const char *key, enum fidelity_measure m, int128 n)
{
	char text[DECIMAL_TEXT_MAX];
	if (m == FIDELITY_COST)
		json_out_money(j, key, (struct money_total){ n });
	else if (m == FIDELITY_HITS || m == FIDELITY_LENGTH)
		json_out_string(j, key, decimal_format((struct decimal){ n, 6 }, text));
	else
		json_out_int(j, key, (int64_t)n);
}

static void put_error(struct json_out *j, int64_t error)
{
	char text[DECIMAL_TEXT_MAX];
	if (error < 0)
		json_out_null(j, "error");
	else
		json_out_string(j, "error", decimal_format((struct decimal){ error, 6 }, text));
}

static void put_full_caches(struct json_out *j, const struct full_caches *f)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, "full_caches");
	json_out_int(j, "seeds", f->seeds);
	json_out_int(j, "block_tokens", f->block_tokens);
	json_out_array(j, "sizes");
	for (int k = 0; k < f->count; k++) {
		const struct full_cache *c = &f->cache[k];
		const struct {
			const char *key;
			int64_t ratio;
		} is[] = { { "recorded", c->recorded },
			   { "least", c->least },
			   { "most", c->most } };
		json_out_object(j, NULL);
		json_out_int(j, "blocks", c->blocks);
		for (size_t i = 0; i < sizeof is / sizeof *is; i++)
			json_out_string(j, is[i].key,
					decimal_format((struct decimal){ is[i].ratio, 6 }, text));
		put_error(j, full_cache_error(c));
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
}

/* What was recorded, the least and the most of what came of so many seeds, and the largest error.
 */
static void put_fidelity(struct json_out *j, const struct fidelity *f)
{
	json_out_object(j, "fidelity");
	json_out_int(j, "seeds", FIDELITY_SEEDS);
	for (int m = 0; m < FIDELITY_MEASURES; m++) {
		const int64_t error = fidelity_error(f, (enum fidelity_measure)m);
		json_out_object(j, fidelity_name((enum fidelity_measure)m));
		put_measure(j, "recorded", (enum fidelity_measure)m, f->recorded[m]);
		put_measure(j, "least", (enum fidelity_measure)m, f->least[m]);
		put_measure(j, "most", (enum fidelity_measure)m, f->most[m]);
		put_error(j, error);
		json_out_end(j, '}');
	}
	if (f->full.count)
		put_full_caches(j, &f->full);
	if (f->unpriced)
		json_out_int(j, "unpriced", f->unpriced);
	json_out_end(j, '}');
}

/* Millionths. */
enum { FULL_CACHE_TOLD = 50000 };

void fit_report_fidelity(const struct fidelity *f, FILE *to)
{
	char text[DECIMAL_TEXT_MAX];
	bool cut;
	fprintf(to, "over %d seeds, the largest error:", FIDELITY_SEEDS);
	for (int m = 0; m < FIDELITY_MEASURES; m++) {
		const int64_t error = fidelity_error(f, (enum fidelity_measure)m);
		static const char *const of[FIDELITY_MEASURES] = {
			"calls", "prompt tokens", "output tokens",
			"cost",	 "hit ratio",	  "calls of a session"
		};
		if (error >= 0)
			fprintf(to, "%s %s %s %%", m ? "," : "", of[m],
				decimal_format(decimal_round_places((struct decimal){ error, 4 }, 1,
								    &cut),
					       text));
	}
	fprintf(to, "\n");
	for (int k = 0; k < f->full.count; k++) {
		const int64_t error = full_cache_error(&f->full.cache[k]);
		if (error >= FULL_CACHE_TOLD)
			fprintf(to, "hits of a full cache of %s blocks: up to %s %% off\n",
				COUNTED(f->full.cache[k].blocks, ""),
				decimal_format(decimal_round_places((struct decimal){ error, 4 }, 1,
								    &cut),
					       text));
	}
	if (f->unpriced)
		fprintf(to, "%s calls have no price; the cost is that of the others\n",
			COUNTED(f->unpriced, ""));
}

/* Hours of the day, or minutes of a trace that is shorter than six hours. */
static void put_times(struct json_out *j, const struct fit *f)
{
	const bool is_short = f->days == 1 && f->span_us < 6 * US_PER_HOUR;
	const int each = is_short ? 1 : 60;
	json_out_array(j, is_short ? "minutes" : "hours");
	for (int i = 0; i < 1440; i += each) {
		int64_t sum = 0;
		for (int k = i; k < i + each; k++)
			sum += f->minute[k];
		json_out_int(j, NULL, sum);
	}
	json_out_end(j, ']');
}

/* What sessions begin with: tokens, and the layer that each goes on from. */
static void put_layers(struct json_out *j, const struct fit_layers *l)
{
	if (!l->layers)
		return;
	json_out_array(j, "layers");
	for (size_t k = 0; k < l->layers; k++) {
		json_out_array(j, NULL);
		json_out_int(j, NULL, l->layer[k].tokens);
		if (l->layer[k].parent)
			json_out_int(j, NULL, l->layer[k].parent);
		json_out_end(j, ']');
	}
	json_out_end(j, ']');
}

void fit_report_put(struct buf *out, const struct fit *f, const struct workload *w,
		    const struct fidelity *fidelity)
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
	put_times(&j, f);
	const struct week week = week_of(f);
	bool differs = false;
	for (int i = 0; i < 7; i++)
		differs |= week.weight[i] != 0;
	if (differs) {
		json_out_array(&j, "weekdays");
		for (int i = 0; i < 7; i++)
			json_out_int(&j, NULL, week.weight[i]);
		json_out_end(&j, ']');
	}
	put_layers(&j, &f->layers);
	json_out_array(&j, "classes");
	for (size_t k = 0; k < f->classes; k++)
		put_class(&j, w, f, &f->fitted[k]);
	json_out_end(&j, ']');
	if (fidelity)
		put_fidelity(&j, fidelity);
	json_out_end(&j, '}');
	json_out_take(&j, out);
}
