#include "sim/sensitivity.h"

#include <stdlib.h>

const char *varied_name(int assumption)
{
	static const char *const names[VARIED] = { "prompt tokens", "output tokens", "cache hits" };
	return names[assumption];
}

static int128 width(const struct sensitivity *s, int k)
{
	int128 d = s->high[k].atto - s->low[k].atto;
	return d < 0 ? -d : d;
}

int sensitivity_run(struct sensitivity **out, const struct whatif_options *o, int permille,
		    struct err *e)
{
	const size_t each = (size_t)VARIED * 2;
	struct scenario *varied = mem_alloc(o->scenarios * each * sizeof *varied);
	struct whatif_result *result = NULL;
	struct whatif_options v = *o;
	for (size_t i = 0; i < o->scenarios; i++)
		for (size_t k = 0; k < each; k++) {
			struct scenario *s = &varied[i * each + k];
			const struct decimal times = { k % 2 ? 1000 + permille : 1000 - permille,
						       3 };
			*s = o->scenario[i];
			if (k / 2 == VARY_PROMPT)
				s->vary_prompt = times;
			else if (k / 2 == VARY_OUTPUT)
				s->vary_output = times;
			else
				s->vary_hits = times;
		}
	v.scenario = varied;
	v.scenarios = o->scenarios * each;
	v.plan = NULL;
	v.resamples = 0;
	int rc = whatif_run(&result, &v, e);
	if (rc == 0) {
		*out = mem_zalloc((o->scenarios + 1) * sizeof **out);
		for (size_t i = 0; i < o->scenarios; i++) {
			struct sensitivity *s = &(*out)[i];
			for (int k = 0; k < VARIED; k++) {
				const struct whatif_result *less =
					&result[i * each + (size_t)k * 2];
				s->low[k] = less[0].cost;
				s->high[k] = less[1].cost;
				s->at_least |= less[0].placeholders > 0;
				s->no_low[k] = less[0].unpriced > 0;
				s->no_high[k] = less[1].unpriced > 0;
				int place = k;
				for (; place > 0 && width(s, s->order[place - 1]) < width(s, k);
				     place--)
					s->order[place] = s->order[place - 1];
				s->order[place] = k;
			}
		}
	}
	whatif_results_close(result, v.scenarios);
	free(varied);
	return rc;
}
