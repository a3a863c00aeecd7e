/*
 * LiteLLM: one object, model key -> {litellm_provider, input_cost_per_token, ...}, USD per token as
 * JSON numbers. Context tiers are keys that end in _above_200k_tokens, or "tiered_pricing" ranges;
 * service tiers are keys that end in _batches, _flex, _priority.
 */
#include <stdlib.h>
#include <string.h>

#include "pricing/import.h"

static const struct {
	const char *key;
	enum bucket bucket;
} token_keys[] = {
	{ "input_cost_per_token", BUCKET_INPUT },
	{ "output_cost_per_token", BUCKET_OUTPUT },
	{ "cache_read_input_token_cost", BUCKET_CACHE_READ },
	{ "cache_creation_input_token_cost", BUCKET_CACHE_WRITE_5M },
	{ "cache_creation_input_token_cost_above_1hr", BUCKET_CACHE_WRITE_1H },
	{ "output_cost_per_reasoning_token", BUCKET_REASONING },
	{ "input_cost_per_audio_token", BUCKET_INPUT_AUDIO },
	{ "output_cost_per_audio_token", BUCKET_OUTPUT_AUDIO },
	{ "cache_read_input_audio_token_cost", BUCKET_CACHE_READ_AUDIO },
	{ "input_cost_per_image_token", BUCKET_INPUT_IMAGE },
	{ "output_cost_per_image_token", BUCKET_OUTPUT_IMAGE },
	{ "citation_cost_per_token", BUCKET_CITATION },
};
enum { TOKEN_KEYS = sizeof token_keys / sizeof *token_keys };

static void take_rates(struct import *im, json_value *v, const char *suffix,
		       struct import_rates *out)
{
	for (int i = 0; i < TOKEN_KEYS; i++)
		import_rate(im, v, arena_printf(&im->arena, "%s%s", token_keys[i].key, suffix), 6,
			    token_keys[i].bucket, out);
}

/* Rates of a tier that it does not state are those of the base. */
static void inherit(struct import_rates *tier, const struct import_rates *base)
{
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (!(tier->known >> b & 1) && base->known >> b & 1) {
			tier->rate[b] = base->rate[b];
			tier->known |= 1u << b;
		}
}

static int by_limit(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
	return (a > b) - (a < b);
}

/* The limits of keys such as input_cost_per_token_above_200k_tokens. */
static int tier_limits(json_value *v, int64_t limit[IMPORT_TIERS_MAX])
{
	static const char lead[] = "_above_", tail[] = "k_tokens";
	int n = 0;
	for (json_value *c = json_first(v); c; c = json_next(c)) {
		const char *at = strstr(json_key(c), lead);
		if (!at)
			continue;
		char *end;
		long k = strtol(at + strlen(lead), &end, 10);
		if (k <= 0 || k > 100000 || strcmp(end, tail) != 0 || n == IMPORT_TIERS_MAX)
			continue;
		bool known = false;
		for (int i = 0; i < n; i++)
			known |= limit[i] == k;
		if (!known)
			limit[n++] = k;
	}
	qsort(limit, (size_t)n, sizeof *limit, by_limit);
	return n;
}

static bool whole(json_value *v, int64_t *out)
{
	struct decimal d;
	return json_kind(v) == JSON_NUMBER && decimal_parse(&d, json_number(v), NULL) == 0 &&
	       decimal_to_int64(d, 0, out);
}

/* [{"range": [0, 256000], "input_cost_per_token": ...}, ...]: the lower end is outside, the upper
 * inside the range. */
static void take_ranges(struct import *im, json_value *ranges, struct import_price *p)
{
	for (json_value *r = json_first(ranges); r; r = json_next(r)) {
		int64_t from;
		if (!whole(json_first(json_member(r, "range")), &from)) {
			import_refuse(im, "a tier of \"tiered_pricing\" has no range");
			return;
		}
		if (from == 0) {
			take_rates(im, r, "", &p->rates);
		} else if (p->tier_count < IMPORT_TIERS_MAX) {
			p->tier[p->tier_count].above = from;
			take_rates(im, r, "", &p->tier[p->tier_count].rates);
			p->tier_count++;
		}
	}
}

int import_litellm(struct import *im, json_value *root, struct err *e)
{
	static const struct {
		const char *suffix, *tier;
	} service[] = { { "_batches", "batch" }, { "_flex", "flex" }, { "_priority", "priority" } };
	if (json_kind(root) != JSON_OBJECT)
		return err_set(e, ERR_INVALID,
			       "a LiteLLM catalogue is an object with a member for each model");
	for (json_value *v = json_first(root); v; v = json_next(v)) {
		const char *key = json_key(v);
		if (strcmp(key, "sample_spec") == 0)
			continue;
		import_begin(im, key);
		struct text provider = json_string(json_member(v, "litellm_provider"));
		struct import_price p = { .model = key };
		if (provider.n == 0) {
			import_refuse(im, "it names no litellm_provider");
			import_end(im);
			continue;
		}
		p.provider = arena_text(&im->arena, provider.p, provider.n);
		if (strncmp(key, p.provider, provider.n) == 0 && key[provider.n] == '/' &&
		    key[provider.n + 1])
			p.model = key + provider.n + 1;
		take_rates(im, v, "", &p.rates);
		take_ranges(im, json_member(v, "tiered_pricing"), &p);
		int64_t limit[IMPORT_TIERS_MAX] = { 0 };
		int tiers = p.tier_count ? 0 : tier_limits(v, limit);
		for (int i = 0; i < tiers; i++) {
			p.tier[p.tier_count].above = limit[i] * 1000;
			take_rates(im, v,
				   arena_printf(&im->arena, "_above_%lldk_tokens",
						(long long)limit[i]),
				   &p.tier[p.tier_count].rates);
			p.tier_count += p.tier[p.tier_count].rates.known != 0;
		}
		for (int i = 0; i < p.tier_count; i++)
			inherit(&p.tier[i].rates, i ? &p.tier[i - 1].rates : &p.rates);
		static const struct {
			const char *key, *unit;
		} fees[] = { { "input_cost_per_request", "request" },
			     { "input_cost_per_query", "query" },
			     { "input_cost_per_image", "image" },
			     { "output_cost_per_image", "output_image" },
			     { "input_cost_per_second", "second" },
			     { "input_cost_per_character", "character" },
			     { "ocr_cost_per_page", "page" } };
		for (size_t i = 0; i < sizeof fees / sizeof *fees; i++)
			if (p.fee_count < IMPORT_FEES_MAX &&
			    import_amount(im, json_member(v, fees[i].key), 0,
					  &p.fee[p.fee_count].amount)) {
				p.fee[p.fee_count].unit = fees[i].unit;
				p.fee[p.fee_count++].per = 1;
			}
		import_take(im, &p);
		for (size_t i = 0; i < sizeof service / sizeof *service && !im->refused; i++) {
			struct import_price s = { .provider = p.provider,
						  .model = p.model,
						  .service_tier = service[i].tier };
			take_rates(im, v, service[i].suffix, &s.rates);
			if (s.rates.known)
				import_take(im, &s);
		}
		import_end(im);
	}
	return 0;
}
