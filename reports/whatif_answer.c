#include "reports/whatif_answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sim/cache_words.h"

/* --baseline best: every model alone as well, and the cheapest of them is what is compared with. */
static int take_best(struct scenario_list *list, struct whatif_options *o, struct err *e)
{
	struct whatif_result *result = NULL;
	int rc = scenario_add_singles(list, o->workload, e);
	struct whatif_options look = *o;
	look.scenario = o->scenario = list->scenario;
	look.scenarios = o->scenarios = list->count;
	look.resamples = 0;
	look.has_budget = false;
	scenario_list_bind(list, o->workload, o->book, clock_now());
	if (rc == 0)
		rc = whatif_run(&result, &look, e);
	if (rc == 0)
		rc = scenario_cheapest_single(list, result, &o->baseline, e);
	whatif_results_close(result, look.scenarios);
	return rc;
}

static int find_baseline(const struct whatif_question *q, struct err *e)
{
	const bool best = q->baseline && strcmp(q->baseline, "best") == 0;
	const char *name = q->baseline && !best ? q->baseline : q->list->baseline;
	return name ? scenario_find(q->list, name, &q->options->baseline, e) : 0;
}

static int draw_sample(const struct whatif_question *q, struct sample *sample, struct err *e)
{
	struct whatif_options *o = q->options;
	if (!q->samples)
		return 0;
	int rc = sample_draw(sample, o->workload, q->sample, o->seed, e);
	o->sample = sample;
	if (rc == 0 && (o->has_budget || q->vary_permille))
		rc = err_set(e, ERR_USAGE,
			     ASKED("budget") " and " ASKED(
				     "sensitivity") " need the whole, without " ASKED("sample"));
	return rc;
}

static int check_currency(const struct whatif_options *o, struct err *e)
{
	const char *metered = o->workload->metered_currency;
	return metered && strcmp(metered, o->currency) != 0
		       ? err_set(e, ERR_USAGE,
				 "the database holds amounts in %s: compare with " ASKED(
					 "currency") " %s",
				 metered, metered)
		       : 0;
}

int whatif_answer(const struct whatif_question *q,
		  int (*show)(void *user, const struct whatif_report *report, struct err *e),
		  void *user, bool *incomplete, struct err *e)
{
	struct whatif_options *o = q->options;
	struct whatif_result *result = NULL;
	struct sensitivity *sensitivity = NULL;
	struct sample sample = { 0 };
	o->scenario = q->list->scenario;
	o->scenarios = q->list->count;
	scenario_list_bind(q->list, o->workload, o->book, clock_now());
	int rc = find_baseline(q, e);
	if (rc == 0)
		rc = check_currency(o, e);
	if (rc == 0 && q->baseline && strcmp(q->baseline, "best") == 0)
		rc = take_best(q->list, o, e);
	if (rc == 0)
		rc = draw_sample(q, &sample, e);
	if (rc == 0)
		rc = whatif_run(&result, o, e);
	if (rc == 0 && q->vary_permille)
		rc = sensitivity_run(&sensitivity, o, q->vary_permille, e);
	if (rc == 0) {
		const struct whatif_report report = {
			.options = o,
			.result = result,
			.cache = cache_words_of(q->cache, o->cache, &o->rules),
			.sensitivity = sensitivity,
			.vary_permille = q->vary_permille,
			.byo = q->byo,
			.quiet = q->quiet,
		};
		rc = show(user, &report, e);
	}
	*incomplete = false;
	for (size_t i = 0; rc == 0 && i < o->scenarios; i++)
		*incomplete |= whatif_at_least(&result[i]) || (o->plan && result[i].uncredited);
	free(sensitivity);
	sample_release(&sample);
	whatif_results_close(result, o->scenarios);
	return rc;
}
