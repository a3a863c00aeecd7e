/* OpenRouter GET /api/v1/models: {"data": [{"id", "pricing": {"prompt", "completion", ...}}]}, USD
 * per token as decimal strings. */
#include "pricing/import.h"

static void take_rates(struct import *im, json_value *pricing, struct import_rates *out)
{
	static const struct {
		const char *key;
		enum bucket bucket;
	} keys[] = { { "prompt", BUCKET_INPUT },
		     { "completion", BUCKET_OUTPUT },
		     { "input_cache_read", BUCKET_CACHE_READ },
		     { "input_cache_write", BUCKET_CACHE_WRITE_5M },
		     { "input_cache_write_1h", BUCKET_CACHE_WRITE_1H },
		     { "input_cache_read_audio", BUCKET_CACHE_READ_AUDIO },
		     { "input_audio_cache", BUCKET_CACHE_READ_AUDIO },
		     { "audio", BUCKET_INPUT_AUDIO },
		     { "audio_output", BUCKET_OUTPUT_AUDIO },
		     { "image_token", BUCKET_INPUT_IMAGE } };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		import_rate(im, pricing, keys[i].key, 6, keys[i].bucket, out);
}

/* "overrides": [{"min_prompt_tokens": 200000, "prompt": ...}]: prices of prompts of at least so
 * many tokens; what an entry leaves out is that of shorter ones. Those of hours and days are
 * refused by name (import_check). */
static void take_overrides(struct import *im, json_value *list, struct import_price *p)
{
	int64_t last = 0;
	for (json_value *v = json_first(list); v; v = json_next(v)) {
		json_value *min = json_member(v, "min_prompt_tokens");
		struct decimal d;
		int64_t from;
		struct import_rates *tier = NULL;
		if (!min)
			continue;
		if (json_kind(min) == JSON_NUMBER &&
		    decimal_parse(&d, json_number(min), NULL) == 0 &&
		    decimal_to_int64(d, 0, &from) && from > 1 && from > last)
			tier = import_tier(p, from - 1);
		if (!tier) {
			import_refuse(im, "\"overrides\" are of sizes that are not understood");
			return;
		}
		import_looked(im, min);
		take_rates(im, v, tier);
		last = from;
	}
	for (int i = 0; i < p->tier_count; i++)
		import_inherit(&p->tier[i].rates, i ? &p->tier[i - 1].rates : &p->rates);
}

int import_openrouter(struct import *im, json_value *root, struct err *e)
{
	static const struct {
		const char *key, *unit;
	} fees[] = { { "request", "request" },
		     { "image", "image" },
		     { "web_search", "web_search" } };
	json_value *data = json_member(root, "data");
	if (json_kind(data) != JSON_ARRAY)
		return err_set(e, ERR_INVALID,
			       "an OpenRouter catalogue is an object with an array \"data\"");
	for (json_value *v = json_first(data); v; v = json_next(v)) {
		struct text id = json_string(json_member(v, "id"));
		json_value *pricing = json_member(v, "pricing");
		struct import_price p = { .provider = "openrouter" };
		import_begin(im, id.n ? id.p : "(without an id)");
		if (id.n == 0)
			import_refuse(im, "it has no id");
		p.model = arena_text(&im->arena, id.p, id.n);
		take_rates(im, pricing, &p.rates);
		/* a reasoning price of 0 means that reasoning is billed as output */
		struct decimal reasoning;
		if (import_amount(im, json_member(pricing, "internal_reasoning"), 6, &reasoning) &&
		    reasoning.digits > 0) {
			p.rates.rate[BUCKET_REASONING] = reasoning;
			p.rates.known |= 1u << BUCKET_REASONING;
		}
		for (size_t i = 0; i < sizeof fees / sizeof *fees; i++) {
			json_value *fee = json_member(pricing, fees[i].key);
			struct decimal amount;
			/* "0" is how the catalogue says that there is none */
			if (import_amount(im, fee, 0, &amount) && amount.digits > 0)
				import_fee(im, &p, fee, fees[i].unit, 1);
		}
		take_overrides(im, json_member(pricing, "overrides"), &p);
		/* of a picture or of its tokens: the catalogue does not say which */
		struct decimal output;
		if (import_amount(im, json_member(pricing, "image_output"), 0, &output) &&
		    output.digits > 0)
			import_leave_out(im, "image_output");
		/* a factor that users pay, not the vendor's price */
		import_looked(im, json_member(pricing, "discount"));
		import_check(im, pricing, NULL);
		import_take(im, &p);
		struct text slug = json_string(json_member(v, "canonical_slug"));
		if (slug.n)
			import_alias(im, p.provider, arena_text(&im->arena, slug.p, slug.n),
				     p.model);
		import_end(im);
	}
	return 0;
}
