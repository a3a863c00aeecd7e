/*
 * LiteLLM: one object, model key -> {litellm_provider, input_cost_per_token, ...}, USD per token as
 * JSON numbers. Context tiers are keys that end in _above_200k_tokens, or "tiered_pricing" ranges;
 * service tiers are keys that end in _batches, _flex, _priority.
 */
#include <stdlib.h>
#include <string.h>

#include "pricing/import.h"
#include "pricing/spelling.h"

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
	{ "cache_read_input_image_token_cost", BUCKET_CACHE_READ_IMAGE },
	{ "input_cost_per_video_token", BUCKET_INPUT_VIDEO },
	{ "output_cost_per_video_token", BUCKET_OUTPUT_VIDEO },
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

/* Keys such as input_cost_per_token_above_200k_tokens_priority, for the service tier whose keys end
 * in `suffix` ("" is the standard one). */
static void take_tiers(struct import *im, json_value *v, const char *suffix, struct import_price *p)
{
	static const char lead[] = "_above_";
	for (json_value *c = json_first(v); c; c = json_next(c)) {
		const char *at = strstr(json_key(c), lead);
		/* "_above_1hr" is a cache's lifetime */
		while (at && strncmp(at, "_above_1hr", 10) == 0)
			at = strstr(at + 1, lead);
		if (!at)
			continue;
		char *end;
		const long k = strtol(at + strlen(lead), &end, 10);
		if (k <= 0 || k > 100000 || strncmp(end, "k_tokens", 8) != 0 ||
		    strcmp(end + 8, suffix) != 0)
			continue;
		struct import_rates *tier = import_tier(p, k * 1000);
		if (tier)
			take_rates(im, v, at, tier);
	}
	/* a limit of which nothing but units was priced is none */
	int n = 0;
	for (int i = 0; i < p->tier_count; i++)
		if (p->tier[i].rates.known)
			p->tier[n++] = p->tier[i];
	p->tier_count = n;
	for (int i = 0; i < n; i++)
		import_inherit(&p->tier[i].rates, i ? &p->tier[i - 1].rates : &p->rates);
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
		json_value *range = json_member(r, "range");
		struct import_rates *rates = &p->rates;
		int64_t from;
		if (!whole(json_first(range), &from) || (from && !(rates = import_tier(p, from)))) {
			import_refuse(im, "a tier of \"tiered_pricing\" has no usable range");
			return;
		}
		import_looked(im, range);
		take_rates(im, r, "", rates);
	}
	for (int i = 0; ranges && i < p->tier_count; i++)
		import_inherit(&p->tier[i].rates, i ? &p->tier[i - 1].rates : &p->rates);
}

/* "16:30-00:30", or an array of such texts, as hours between commas; NULL: not understood. */
static const char *hours_of(struct import *im, json_value *v)
{
	struct buf b = { 0 };
	bool good = true;
	json_value *one = json_kind(v) == JSON_ARRAY ? json_first(v) : v;
	for (; one; one = json_kind(v) == JSON_ARRAY ? json_next(one) : NULL) {
		struct text t = json_string(one);
		good &= t.n == 11 && t.p[2] == ':' && t.p[5] == '-' && t.p[8] == ':';
		if (b.n)
			buf_puts(&b, ", ");
		buf_add(&b, t.p, t.n);
		import_looked(im, one);
	}
	const char *out = good && b.n ? arena_text(&im->arena, b.p, b.n) : NULL;
	import_looked(im, v);
	buf_release(&b);
	return out;
}

/* {"hours_utc": "16:30-00:30", "output_cost_per_token": ...}: rates that hold in these hours in
 * place of the entry's of the same name; a long prompt pays its own there, too. Any other member
 * (of days, of a zone) would change when they hold, so that the entry is refused. */
static void take_off_peak(struct import *im, json_value *entry, struct import_price *p)
{
	json_value *v = json_member(entry, "off_peak_pricing");
	struct import_price off = { .rates = p->rates };
	if (json_kind(v) != JSON_OBJECT || !json_first(v))
		return;
	p->window[0].hours = hours_of(im, json_member(v, "hours_utc"));
	if (!p->window[0].hours) {
		import_refuse(im, "\"off_peak_pricing\" has no hours that are understood");
		return;
	}
	take_rates(im, v, "", &off.rates);
	take_ranges(im, json_member(entry, "tiered_pricing"), &off);
	if (!off.tier_count) {
		take_tiers(im, entry, "", &off);
		take_tiers(im, v, "", &off);
	}
	import_check(im, v, NULL);
	p->window[0].rates = off.rates;
	memcpy(p->window[0].tier, off.tier, sizeof off.tier);
	p->window[0].tier_count = off.tier_count;
	p->window_count = 1;
}

/* {"search_context_size_low": 0.01, ...}: one fee where the sizes cost the same, else one of each.
 * "web_search_billing_unit" says what the fee is of; "per_query" is what it is without it. */
static void take_searches(struct import *im, json_value *entry, struct import_price *p)
{
	static const struct {
		const char *key, *unit;
	} sizes[] = { { "search_context_size_low", "web_search_low" },
		      { "search_context_size_medium", "web_search_medium" },
		      { "search_context_size_high", "web_search_high" } };
	json_value *v = json_member(entry, "search_context_cost_per_query"),
		   *unit = json_member(entry, "web_search_billing_unit"), *first = NULL;
	struct decimal least = { 0 }, amount;
	bool same = true;
	if (text_is(json_string(unit), "per_query"))
		import_looked(im, unit);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		json_value *c = json_member(v, sizes[i].key);
		if (!import_amount(im, c, 0, &amount))
			continue;
		same &= !first || decimal_cmp(amount, least) == 0;
		least = amount;
		first = first ? first : c;
	}
	if (same)
		import_fee(im, p, first, "web_search", 1);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !same; i++)
		import_fee(im, p, json_member(v, sizes[i].key), sizes[i].unit, 1);
}

/* Token prices times the factor: a fee is the same in every region and at every speed. */
static void scale(struct import *im, struct import_rates *r, struct decimal factor)
{
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (r->known >> b & 1)
			import_scale(im, &r->rate[b], factor);
}

static void scale_sizes(struct import *im, struct import_size *size, int count,
			struct decimal factor)
{
	for (int i = 0; i < count; i++)
		scale(im, &size[i].rates, factor);
}

/* The same price times a factor, for a region or a speed. */
static void take_factor(struct import *im, const struct import_price *base, json_value *v,
			const char *service_tier, const char *region)
{
	struct import_price p = *base;
	struct decimal factor;
	if (!import_amount(im, v, 0, &factor) || im->refused)
		return;
	p.service_tier = service_tier;
	p.region = region ? region : base->region;
	scale(im, &p.rates, factor);
	scale_sizes(im, p.tier, p.tier_count, factor);
	for (int i = 0; i < p.window_count; i++) {
		scale(im, &p.window[i].rates, factor);
		scale_sizes(im, p.window[i].tier, p.window[i].tier_count, factor);
	}
	import_take(im, &p);
}

/* Vertex: every endpoint but the global one costs a factor more. */
static void take_endpoints(struct import *im, const struct import_price *base, json_value *v)
{
	struct import_price global = *base;
	import_looked(im, v);
	if (json_kind(v) == JSON_NULL)
		return;
	global.region = "global";
	import_take(im, &global);
	take_factor(im, base, v, NULL, REGION_ANY_OTHER);
}

static const struct {
	const char *key, *unit;
} fees[] = { { "input_cost_per_request", "request" }, { "input_cost_per_query", "query" },
	     { "input_cost_per_image", "image" },     { "output_cost_per_image", "output_image" },
	     { "input_cost_per_second", "second" },   { "input_cost_per_character", "character" },
	     { "ocr_cost_per_page", "page" } };

/* The standard price and those of other tiers, speeds and regions. */
static void take_entry(struct import *im, json_value *v, struct import_price *p)
{
	static const struct {
		const char *suffix, *tier;
	} service[] = { { "_batches", "batch" }, { "_flex", "flex" }, { "_priority", "priority" } };
	json_value *specific = json_member(v, "provider_specific_entry"),
		   *hit = json_member(v, "input_cost_per_token_cache_hit");
	take_rates(im, v, "", &p->rates);
	/* another name of the same price */
	if (p->rates.known >> BUCKET_CACHE_READ & 1)
		import_looked(im, hit);
	else
		import_rate(im, v, "input_cost_per_token_cache_hit", 6, BUCKET_CACHE_READ,
			    &p->rates);
	take_ranges(im, json_member(v, "tiered_pricing"), p);
	if (!p->tier_count)
		take_tiers(im, v, "", p);
	take_off_peak(im, v, p);
	for (size_t i = 0; i < sizeof fees / sizeof *fees; i++)
		import_fee(im, p, json_member(v, fees[i].key), fees[i].unit, 1);
	/* Databricks' own unit, beside the same price in dollars */
	if (p->rates.known >> BUCKET_INPUT & 1)
		import_looked(im, json_member(v, "input_dbu_cost_per_token"));
	if (p->rates.known >> BUCKET_OUTPUT & 1) {
		import_looked(im, json_member(v, "output_dbu_cost_per_token"));
		import_looked(im, json_member(v, "output_db_cost_per_token"));
	}
	if (json_kind(json_member(v, "cache_creation_input_audio_token_cost")) == JSON_NUMBER) {
		/* no source counts writes of audio apart */
		import_looked(im, json_member(v, "cache_creation_input_audio_token_cost"));
		import_leave_out(im, "cache_creation_input_audio_token_cost");
	}
	take_searches(im, v, p);
	import_take(im, p);
	for (size_t i = 0; i < sizeof service / sizeof *service && !im->refused; i++) {
		struct import_price s = { .provider = p->provider,
					  .model = p->model,
					  .region = p->region,
					  .service_tier = service[i].tier };
		take_rates(im, v, service[i].suffix, &s.rates);
		take_tiers(im, v, service[i].suffix, &s);
		if (s.rates.known)
			import_take(im, &s);
	}
	take_factor(im, p, json_member(v, "regional_processing_uplift_multiplier_us"), NULL, "us");
	take_factor(im, p, json_member(v, "regional_processing_uplift_multiplier_eu"), NULL, "eu");
	take_endpoints(im, p, json_member(v, "regional_endpoint_uplift_multiplier"));
	take_factor(im, p, json_member(specific, "us"), NULL, "us");
	take_factor(im, p, json_member(specific, "eu"), NULL, "eu");
	take_factor(im, p, json_member(specific, "fast"), "fast", NULL);
	/* how a body is written, beside the factors */
	import_looked(im, json_member(specific, "bedrock_invocation_schema"));
	import_check(im, v, import_speaks_of_a_price);
}

/* "us-east-1": words between dashes, the last of which is a digit. */
static bool is_aws_region(struct text t)
{
	return t.n > 6 && memchr(t.p, '-', t.n) && t.p[t.n - 2] == '-' && t.p[t.n - 1] >= '1' &&
	       t.p[t.n - 1] <= '9';
}

/*
 * VENDOR/MODEL and VENDOR/REGION/MODEL, the vendor in any spelling; a name that does not begin with
 * its vendor is the model. Regions are those of Bedrock's and Azure's entries.
 */
static void take_name(struct import *im, const char *key, const char *vendor,
		      struct import_price *p)
{
	static const char *const azure[] = { "us", "eu", "global" };
	const struct text provider = provider_spelling(text_of(vendor));
	const char *slash = strchr(key, '/');
	p->provider = vendor;
	p->model = key;
	if (!slash || !slash[1] ||
	    !text_eq(provider_spelling((struct text){ key, (size_t)(slash - key) }), provider))
		return;
	p->model = slash + 1;
	slash = strchr(p->model, '/');
	if (!slash || !slash[1] || strchr(slash + 1, '/'))
		return;
	const struct text region = { p->model, (size_t)(slash - p->model) };
	bool known = text_is(provider, "bedrock") && is_aws_region(region);
	for (size_t i = 0; i < sizeof azure / sizeof *azure && text_is(provider, "azure"); i++)
		known |= text_is(region, azure[i]);
	if (!known)
		return;
	p->region = arena_text(&im->arena, region.p, region.n);
	p->model = slash + 1;
}

int import_litellm(struct import *im, json_value *root, struct err *e)
{
	if (json_kind(root) != JSON_OBJECT)
		return err_set(e, ERR_INVALID,
			       "a LiteLLM catalogue is an object with a member for each model");
	for (json_value *v = json_first(root); v; v = json_next(v)) {
		const char *key = json_key(v);
		if (strcmp(key, "sample_spec") == 0)
			continue;
		import_begin(im, key);
		struct text provider = json_string(json_member(v, "litellm_provider"));
		struct import_price p = { 0 };
		if (provider.n == 0) {
			import_refuse(im, "it names no litellm_provider");
			import_end(im);
			continue;
		}
		take_name(im, key, arena_text(&im->arena, provider.p, provider.n), &p);
		take_entry(im, v, &p);
		import_end(im);
	}
	return 0;
}
