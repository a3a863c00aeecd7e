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

/* "tiers": [{"input": ..., "tier": {"type": "context", "size": 272000}}]: each above its size; and
 * the older "context_over_200k", which says the same where both are given. */
static void take_tiers(struct import *im, json_value *cost, struct import_price *p)
{
	json_value *over = json_member(cost, "context_over_200k"),
		   *tiers = json_member(cost, "tiers");
	for (json_value *t = json_first(tiers); t; t = json_next(t)) {
		json_value *tier = json_member(t, "tier"), *size = json_member(tier, "size"),
			   *type = json_member(tier, "type");
		struct decimal d;
		int64_t above;
		struct import_rates *rates = NULL;
		/* the catalogue's schema: a tier that names no type is one of context */
		if ((!type || text_is(json_string(type), "context")) &&
		    decimal_parse(&d, json_number(size), NULL) == 0 &&
		    decimal_to_int64(d, 0, &above) && above > 0)
			rates = import_tier(p, above);
		if (!rates) {
			import_refuse(im, "a tier of \"tiers\" is of no kind that is understood");
			return;
		}
		import_looked(im, size);
		import_looked(im, type);
		take_cost(im, t, rates);
	}
	if (json_kind(over) == JSON_OBJECT && p->tier_count == 0)
		take_cost(im, over, import_tier(p, 200000));
	else
		import_looked(im, over);
	for (int i = 0; i < p->tier_count; i++)
		import_inherit(&p->tier[i].rates, i ? &p->tier[i - 1].rates : &p->rates);
}

/* One cost object as the price of a service tier (NULL: the standard one). */
static void take_price(struct import *im, json_value *cost, const char *provider, const char *model,
		       const char *service_tier)
{
	struct import_price p = { .provider = provider,
				  .model = model,
				  .service_tier = service_tier };
	if (json_kind(cost) != JSON_OBJECT)
		import_refuse(im, "it states no cost");
	take_cost(im, cost, &p.rates);
	take_tiers(im, cost, &p);
	import_check(im, cost, NULL);
	import_take(im, &p);
}

/* The service tier of a mode, as records of such calls name it: what their requests ask for, else
 * the mode's own name. */
static const char *tier_of_mode(struct import *im, json_value *mode)
{
	static const char *const asks[] = { "service_tier", "speed" };
	json_value *body = json_member(json_member(mode, "provider"), "body");
	for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
		const struct text t = json_string(json_member(body, asks[i]));
		if (t.n)
			return arena_text(&im->arena, t.p, t.n);
	}
	return json_key(mode);
}

int import_models_dev(struct import *im, json_value *root, struct err *e)
{
	static const char *const about[] = { "models", NULL };
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
			const char *vendor = json_key(provider), *model = json_key(v);
			import_begin(im, arena_printf(&im->arena, "%s/%s", vendor, model));
			take_price(im, json_member(v, "cost"), vendor, model, NULL);
			/* faster or slower modes with a cost of their own */
			for (json_value *mode = json_first(
				     json_member(json_member(v, "experimental"), "modes"));
			     mode && !im->refused; mode = json_next(mode))
				if (json_member(mode, "cost"))
					take_price(im, json_member(mode, "cost"), vendor, model,
						   tier_of_mode(im, mode));
			import_check(im, v, import_speaks_of_a_price);
			import_check_vendor(im, provider, about);
			import_end(im);
		}
	return 0;
}
