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

/*
 * "overrides": [{"min_prompt_tokens": 200000, "prompt": ...}, {"utc_start": 100, "utc_end": 400,
 * ...}]: each holds where all of its conditions do, a later one goes before an earlier one, and
 * what it leaves out is the price without it. Clock times are hours and minutes as one number (100
 * is 01:00), from the first up to the second, past midnight where the second is earlier.
 */
enum { OVERRIDES_MAX = 32, DAY_MINUTES = 24 * 60 };

struct override {
	json_value *prices;
	int64_t size; /* tokens of prompt at least; 0: any */
	int from, to; /* minutes of the day; -1: at any time */
};

struct overrides {
	struct override of[OVERRIDES_MAX];
	int count;
	int64_t size[IMPORT_TIERS_MAX]; /* ascending */
	int size_count;
};

static bool whole_number(json_value *v, int64_t *out)
{
	struct decimal d;
	return json_kind(v) == JSON_NUMBER && decimal_parse(&d, json_number(v), NULL) == 0 &&
	       decimal_to_int64(d, 0, out);
}

static bool clock_time(json_value *v, int *out)
{
	int64_t n;
	if (!whole_number(v, &n) || n < 0 || n > 2400 || n % 100 >= 60)
		return false;
	*out = (int)(n / 100 * 60 + n % 100) % DAY_MINUTES;
	return true;
}

static bool add_size(struct overrides *list, int64_t size)
{
	int i = 0;
	while (i < list->size_count && list->size[i] < size)
		i++;
	if (i < list->size_count && list->size[i] == size)
		return true;
	if (list->size_count == IMPORT_TIERS_MAX)
		return false;
	for (int k = list->size_count++; k > i; k--)
		list->size[k] = list->size[k - 1];
	list->size[i] = size;
	return true;
}

static bool read_override(struct import *im, json_value *v, struct overrides *list)
{
	json_value *min = json_member(v, "min_prompt_tokens"), *from = json_member(v, "utc_start"),
		   *to = json_member(v, "utc_end");
	struct override *o = &list->of[list->count];
	if (list->count == OVERRIDES_MAX || !(min || from || to))
		return false;
	*o = (struct override){ .prices = v, .from = -1, .to = -1 };
	if (min && (!whole_number(min, &o->size) || o->size < 2 || !add_size(list, o->size)))
		return false;
	if ((from || to) && !(clock_time(from, &o->from) && clock_time(to, &o->to)))
		return false;
	import_looked(im, min);
	import_looked(im, from);
	import_looked(im, to);
	list->count++;
	return true;
}

static bool holds_at(const struct override *o, int minute)
{
	if (o->from < 0 || o->from == o->to)
		return true;
	return o->from < o->to ? minute >= o->from && minute < o->to
			       : minute >= o->from || minute < o->to;
}

/* What a prompt of that size pays at that minute of the day, or whatever the time (-1). */
static struct import_rates rates_at(struct import *im, const struct overrides *list,
				    const struct import_rates *base, int64_t size, int minute)
{
	struct import_rates r = *base;
	for (int i = 0; i < list->count; i++) {
		const struct override *o = &list->of[i];
		if (o->size <= size && (o->from < 0 || (minute >= 0 && holds_at(o, minute))))
			take_rates(im, o->prices, &r);
	}
	return r;
}

/* The hours [from, to) in which the same overrides hold, as a window of the price. */
static void take_window(struct import *im, const struct overrides *list, int from, int to,
			struct import_price *p)
{
	if (p->window_count == IMPORT_WINDOWS_MAX) {
		import_refuse(im, "its \"overrides\" have more hours than a card holds");
		return;
	}
	const int i = p->window_count++;
	p->window[i].hours = arena_printf(&im->arena, "%02d:%02d-%02d:%02d", from / 60, from % 60,
					  to % DAY_MINUTES / 60, to % 60);
	p->window[i].rates = rates_at(im, list, &p->rates, 0, from);
	for (int k = 0; k < list->size_count; k++)
		p->window[i].tier[k] =
			(struct import_size){ list->size[k] - 1,
					      rates_at(im, list, &p->rates, list->size[k], from) };
	p->window[i].tier_count = list->size_count;
}

static void take_windows(struct import *im, const struct overrides *list, struct import_price *p)
{
	bool bound[DAY_MINUTES + 1] = { [0] = true, [DAY_MINUTES] = true }, any = false;
	for (int i = 0; i < list->count; i++)
		if (list->of[i].from >= 0)
			any = bound[list->of[i].from] = bound[list->of[i].to] = true;
	for (int from = 0, to = 1; any && from < DAY_MINUTES; from = to, to++) {
		bool timed = false;
		while (!bound[to])
			to++;
		for (int i = 0; i < list->count; i++)
			timed |= list->of[i].from >= 0 && holds_at(&list->of[i], from);
		if (timed)
			take_window(im, list, from, to, p);
	}
}

static void take_overrides(struct import *im, json_value *array, struct import_price *p)
{
	struct overrides list = { 0 };
	for (json_value *v = json_first(array); v; v = json_next(v))
		if (!read_override(im, v, &list)) {
			import_refuse(im, "an entry of \"overrides\" has conditions that are not "
					  "understood");
			return;
		}
	for (int k = 0; k < list.size_count; k++)
		*import_tier(p, list.size[k] - 1) =
			rates_at(im, &list, &p->rates, list.size[k], -1);
	take_windows(im, &list, p);
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
		/* whether the prices have it already is not said */
		struct decimal discount;
		if (import_amount(im, json_member(pricing, "discount"), 0, &discount) &&
		    discount.digits > 0)
			import_refuse(im, "whether its 'discount' is in its prices is not stated");
		import_check(im, pricing, NULL);
		import_looked(im, pricing);
		import_check(im, v, import_speaks_of_a_price);
		import_take(im, &p);
		struct text slug = json_string(json_member(v, "canonical_slug"));
		if (slug.n)
			import_alias(im, p.provider, arena_text(&im->arena, slug.p, slug.n),
				     p.model);
		import_end(im);
	}
	return 0;
}
