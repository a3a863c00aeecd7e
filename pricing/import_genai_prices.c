/*
 * pydantic genai-prices data.json: [{"id", "models": [{"id", "match", "prices"}]}], USD per million
 * tokens (*_mtok) as numbers or decimal strings, or {"base", "tiers": [{"start", "price"}]};
 * "prices" is one object, or a list of {"constraint", "prices"} of which the last active one
 * counts. A bucket without a price of its own costs what its parent (input or output) does.
 */
#include <string.h>

#include "pricing/import.h"

static const struct {
	const char *key;
	enum bucket bucket;
} keys[] = { { "input_mtok", BUCKET_INPUT },
	     { "output_mtok", BUCKET_OUTPUT },
	     { "cache_read_mtok", BUCKET_CACHE_READ },
	     { "cache_write_mtok", BUCKET_CACHE_WRITE_5M },
	     { "cache_write_1h_mtok", BUCKET_CACHE_WRITE_1H },
	     { "output_reasoning_mtok", BUCKET_REASONING },
	     { "output_citation_mtok", BUCKET_CITATION },
	     { "input_image_mtok", BUCKET_INPUT_IMAGE },
	     { "cache_image_read_mtok", BUCKET_CACHE_READ_IMAGE },
	     { "output_image_mtok", BUCKET_OUTPUT_IMAGE },
	     { "input_video_mtok", BUCKET_INPUT_VIDEO },
	     { "output_video_mtok", BUCKET_OUTPUT_VIDEO },
	     { "input_audio_mtok", BUCKET_INPUT_AUDIO },
	     { "cache_audio_read_mtok", BUCKET_CACHE_READ_AUDIO },
	     { "output_audio_mtok", BUCKET_OUTPUT_AUDIO } };

/* A bucket without a price of its own costs what its parent does, as the catalogue says; not a
 * write for an hour, whose price is another one where a vendor has such writes. */
static void inherit_parents(struct import_rates *r)
{
	static const enum bucket parent[][2] = { { BUCKET_CACHE_READ, BUCKET_INPUT },
						 { BUCKET_CACHE_WRITE_5M, BUCKET_INPUT },
						 { BUCKET_INPUT_AUDIO, BUCKET_INPUT },
						 { BUCKET_INPUT_IMAGE, BUCKET_INPUT },
						 { BUCKET_INPUT_VIDEO, BUCKET_INPUT },
						 { BUCKET_CACHE_READ_AUDIO, BUCKET_CACHE_READ },
						 { BUCKET_CACHE_READ_IMAGE, BUCKET_CACHE_READ },
						 { BUCKET_OUTPUT_AUDIO, BUCKET_OUTPUT },
						 { BUCKET_OUTPUT_IMAGE, BUCKET_OUTPUT },
						 { BUCKET_OUTPUT_VIDEO, BUCKET_OUTPUT } };
	for (size_t i = 0; i < sizeof parent / sizeof *parent; i++)
		if (!(r->known >> parent[i][0] & 1) && r->known >> parent[i][1] & 1) {
			r->rate[parent[i][0]] = r->rate[parent[i][1]];
			r->known |= 1u << parent[i][0];
		}
}

static void take_prices(struct import *im, json_value *prices, struct import_price *p)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		json_value *v = json_member(prices, keys[i].key);
		if (json_kind(v) != JSON_OBJECT) {
			import_rate(im, prices, keys[i].key, 0, keys[i].bucket, &p->rates);
			continue;
		}
		import_rate(im, v, "base", 0, keys[i].bucket, &p->rates);
		for (json_value *t = json_first(json_member(v, "tiers")); t; t = json_next(t)) {
			struct decimal start;
			int64_t above;
			struct import_rates *tier = NULL;
			if (json_kind(json_member(t, "start")) == JSON_NUMBER &&
			    decimal_parse(&start, json_number(json_member(t, "start")), NULL) ==
				    0 &&
			    decimal_to_int64(start, 0, &above) && above > 0)
				tier = import_tier(p, above);
			if (!tier) {
				import_refuse(im, "a price tier has no usable start");
				return;
			}
			import_looked(im, json_member(t, "start"));
			import_rate(im, t, "price", 0, keys[i].bucket, tier);
		}
	}
	import_fee(im, p, json_member(prices, "requests_kcount"), "request", 1000);
	import_fee(im, p, json_member(prices, "web_searches_kcount"), "web_search", 1000);
	import_check(im, prices, NULL);
	/* first what is stated itself, tier by tier, then parents: who has no price of its own
	 * costs in a tier what its parent costs there */
	for (int i = 0; i < p->tier_count; i++)
		import_inherit(&p->tier[i].rates, i ? &p->tier[i - 1].rates : &p->rates);
	inherit_parents(&p->rates);
	for (int i = 0; i < p->tier_count; i++)
		inherit_parents(&p->tier[i].rates);
}

/* "00:30:00Z" -> "00:30"; hours of another zone than UTC are none that are understood. */
static bool clock_text(struct text t, char out[6])
{
	if (t.n < 5 || t.p[2] != ':' ||
	    (t.n > 5 && !text_is((struct text){ t.p + 5, t.n - 5 }, "Z") &&
	     !text_is((struct text){ t.p + 5, t.n - 5 }, ":00Z")))
		return false;
	memcpy(out, t.p, 5);
	out[5] = 0;
	return true;
}

static void take_conditional(struct import *im, json_value *list, struct import_price *base)
{
	struct import_price current = *base;
	const char *from = NULL;
	bool any = false;
	/* in the list's order; a start date opens a new period, hours are windows of the period
	 * that is open */
	for (json_value *v = json_first(list); v && !im->refused; v = json_next(v)) {
		json_value *constraint = json_member(v, "constraint"),
			   *prices = json_member(v, "prices");
		struct text date = json_string(json_member(constraint, "start_date"));
		struct text start = json_string(json_member(constraint, "start_time")),
			    end = json_string(json_member(constraint, "end_time"));
		struct import_price one = { .provider = base->provider, .model = base->model };
		take_prices(im, prices, &one);
		static const char *const known[] = { "start_date", "start_time", "end_time",
						     "type" };
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			import_looked(im, json_member(constraint, known[i]));
		import_check(im, constraint, NULL);
		char a[6], b[6];
		if (date.n) {
			const char *until = arena_printf(&im->arena, "%.10sT00:00:00Z", date.p);
			if (from && strcmp(until, from) <= 0) {
				import_refuse(im, "its start dates are not in order");
				return;
			}
			if (any) {
				current.from = from;
				current.to = until;
				import_take(im, &current);
			}
			current = one;
			from = until;
			any = true;
		} else if (start.n && clock_text(start, a) && clock_text(end, b)) {
			if (!any) {
				current = one; /* all hours are stated; the first stands for the
						  rest */
			} else if (current.window_count < IMPORT_WINDOWS_MAX) {
				current.window[current.window_count].hours =
					arena_printf(&im->arena, "%s-%s", a, b);
				current.window[current.window_count].rates = one.rates;
				memcpy(current.window[current.window_count].tier, one.tier,
				       sizeof one.tier);
				current.window[current.window_count++].tier_count = one.tier_count;
			} else {
				import_refuse(im, "it has more hours than a card holds");
			}
			any = true;
		} else if (json_kind(constraint) == JSON_NULL) {
			current = one;
			any = true;
		} else {
			import_refuse(im, "a price has a constraint of an unknown kind");
		}
	}
	if (!any) {
		import_refuse(im, "its list of prices is empty");
		return;
	}
	current.from = from;
	current.to = NULL;
	import_take(im, &current);
}

/* Exact names among the match rules become aliases; patterns cannot. */
static void take_aliases(struct import *im, json_value *match, const char *provider,
			 const char *model)
{
	struct text equals = json_string(json_member(match, "equals"));
	if (equals.n)
		import_alias(im, provider, arena_text(&im->arena, equals.p, equals.n), model);
	for (json_value *v = json_first(json_member(match, "or")); v; v = json_next(v))
		take_aliases(im, v, provider, model);
}

int import_genai_prices(struct import *im, json_value *root, struct err *e)
{
	static const char *const vendor_about[] = { "models", "pricing_urls", "price_comments",
						    NULL };
	json_value *providers =
		json_kind(root) == JSON_OBJECT ? json_member(root, "providers") : root;
	if (json_kind(providers) != JSON_ARRAY)
		return err_set(e, ERR_INVALID, "a genai-prices catalogue is an array of providers");
	for (json_value *provider = json_first(providers); provider;
	     provider = json_next(provider)) {
		struct text id = json_string(json_member(provider, "id"));
		const char *name = arena_text(&im->arena, id.p, id.n);
		for (json_value *v = json_first(json_member(provider, "models")); v;
		     v = json_next(v)) {
			struct text model = json_string(json_member(v, "id"));
			json_value *prices = json_member(v, "prices");
			struct import_price p = {
				.provider = name, .model = arena_text(&im->arena, model.p, model.n)
			};
			import_begin(im, arena_printf(&im->arena, "%s/%s", name, p.model));
			if (id.n == 0 || model.n == 0)
				import_refuse(im, "provider or model has no id");
			if (json_kind(prices) == JSON_ARRAY) {
				take_conditional(im, prices, &p);
			} else {
				take_prices(im, prices, &p);
				import_take(im, &p);
			}
			static const char *const about[] = { "prices_checked", "price_comments",
							     "price_discrepancies" };
			for (size_t i = 0; i < sizeof about / sizeof *about; i++)
				import_looked(im, json_member(v, about[i]));
			import_check(im, v, import_speaks_of_a_price);
			import_check_vendor(im, provider, vendor_about);
			take_aliases(im, json_member(v, "match"), name, p.model);
			import_end(im);
		}
	}
	return 0;
}
