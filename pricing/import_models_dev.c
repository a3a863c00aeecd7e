/* models.dev api.json: provider id -> {"models": {model id -> {"cost": {...}}}}, USD per million
 * tokens as JSON numbers. */
#include <string.h>

#include "pricing/import.h"

static void take_cost(struct import *im, json_value *cost, struct import_rates *out)
{
	static const struct {
		const char *key;
		enum bucket bucket;
	} keys[] = { { "input", BUCKET_INPUT },
		     { "output", BUCKET_OUTPUT },
		     { "cache_read", BUCKET_CACHE_READ },
		     { "cache_write", BUCKET_CACHE_WRITE_5M },
		     { "reasoning", BUCKET_REASONING },
		     { "input_audio", BUCKET_INPUT_AUDIO },
		     { "output_audio", BUCKET_OUTPUT_AUDIO } };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		import_rate(im, cost, keys[i].key, 0, keys[i].bucket, out);
}

int import_models_dev(struct import *im, json_value *root, struct err *e)
{
	bool any = false;
	for (json_value *provider = json_first(root); provider; provider = json_next(provider))
		any |= json_kind(json_member(provider, "models")) == JSON_OBJECT;
	if (!any)
		return err_set(e, ERR_INVALID,
			       "a models.dev catalogue is an object of providers, each with an "
			       "object \"models\"");
	for (json_value *provider = json_first(root); provider; provider = json_next(provider))
		for (json_value *v = json_first(json_member(provider, "models")); v;
		     v = json_next(v)) {
			json_value *cost = json_member(v, "cost"),
				   *over = json_member(cost, "context_over_200k");
			struct import_price p = { .provider = json_key(provider),
						  .model = json_key(v) };
			import_begin(im, arena_printf(&im->arena, "%s/%s", p.provider, p.model));
			if (json_kind(cost) != JSON_OBJECT)
				import_refuse(im, "it states no cost");
			take_cost(im, cost, &p.rates);
			if (json_kind(over) == JSON_OBJECT) {
				p.tier[0].above = 200000;
				p.tier[0].rates = p.rates;
				p.tier_count = 1;
				take_cost(im, over, &p.tier[0].rates);
			}
			import_take(im, &p);
			import_end(im);
		}
	return 0;
}
