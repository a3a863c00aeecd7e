#include "pricing/card.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "pricing/regional.h"
#include "pricing/series.h"

struct reader {
	struct card *card;
	struct fault_list *faults;
	json_value *tools; /* fees of tools, whatever the price */
	bool known;	   /* it was checked before, so that its keys are those of a card */
	bool says_where;   /* else places are empty: a card without fault needs none */
};

static const char *keep(struct reader *r, json_value *v)
{
	struct text t = json_string(v);
	return arena_text(&r->card->arena, t.p, t.n);
}

static const char *at(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static const char *at(struct reader *r, const char *fmt, ...)
{
	char place[300];
	va_list ap;
	if (!r->says_where)
		return "";
	va_start(ap, fmt);
	vsnprintf(place, sizeof place, fmt, ap);
	va_end(ap);
	return arena_text(&r->faults->arena, place, strlen(place));
}

/* Every key of v must be one of the NULL-ended list. */
static void check_keys(struct reader *r, json_value *v, const char *place,
		       const char *const *allowed)
{
	if (json_kind(v) != JSON_OBJECT) {
		fault_add(r->faults, place, "an object is expected, this is %s", json_kind_name(v));
		return;
	}
	for (json_value *c = r->known ? NULL : json_first(v); c; c = json_next(c)) {
		bool known = false;
		for (size_t i = 0; allowed[i] && !known; i++)
			known = strcmp(allowed[i], json_key(c)) == 0;
		if (!known)
			fault_add(r->faults, place, "unknown key \"%.80s\"", json_key(c));
	}
}

static const char *take_text(struct reader *r, json_value *v, const char *key, const char *place,
			     bool required)
{
	json_value *m = json_member(v, key);
	if (!m || json_kind(m) == JSON_NULL) {
		if (required)
			fault_add(r->faults, place, "key \"%s\" is missing", key);
		return NULL;
	}
	if (json_kind(m) != JSON_STRING || json_string(m).n == 0) {
		fault_add(r->faults, at(r, "%s.%s", place, key), "text is expected, this is %s",
			  json_kind_name(m));
		return NULL;
	}
	return keep(r, m);
}

static struct instant take_instant(struct reader *r, json_value *v, const char *key,
				   const char *place, struct instant open)
{
	json_value *m = json_member(v, key);
	struct instant t = open;
	struct err e;
	if (!m || json_kind(m) == JSON_NULL)
		return open;
	if (json_kind(m) != JSON_STRING)
		fault_add(r->faults, at(r, "%s.%s", place, key),
			  "an instant in quotes is expected, this is %s", json_kind_name(m));
	else if (instant_parse(&t, json_string(m), &e) != 0)
		fault_add(r->faults, at(r, "%s.%s", place, key), "%s", e.message);
	return t;
}

static void take_period(struct reader *r, json_value *v, const char *place, struct instant *from,
			struct instant *to)
{
	*from = take_instant(r, v, "from", place, INSTANT_MIN);
	*to = take_instant(r, v, "to", place, INSTANT_MAX);
	if (from->us >= to->us)
		fault_add(r->faults, place,
			  "the period ends before it begins (from is included, to is not)");
}

static bool take_whole(struct reader *r, json_value *m, const char *place, int64_t min,
		       int64_t *out)
{
	struct decimal d;
	if (json_kind(m) != JSON_NUMBER || decimal_parse(&d, json_number(m), NULL) != 0 ||
	    !decimal_to_int64(d, 0, out) || *out < min) {
		fault_add(r->faults, place, "a whole number of at least %lld is expected",
			  (long long)min);
		return false;
	}
	return true;
}

/* A price: decimal text, not negative, times the multiplier, within what money holds. */
static bool take_amount(struct reader *r, json_value *m, const char *place,
			struct decimal multiplier, struct money *out)
{
	struct decimal d;
	struct err e;
	if (json_kind(m) != JSON_STRING) {
		fault_add(r->faults, place, "a decimal in quotes is expected, this is %s",
			  json_kind_name(m));
		return false;
	}
	if (decimal_parse(&d, json_string(m), &e) != 0) {
		fault_add(r->faults, place, "%s", e.message);
		return false;
	}
	if (d.digits < 0) {
		fault_add(r->faults, place, "a price cannot be negative");
		return false;
	}
	if (!decimal_multiply(d, multiplier, &d)) {
		fault_add(r->faults, place,
			  "the price times the multiplier cannot be held exactly");
		return false;
	}
	if (money_from_decimal(out, d, &e) != 0) {
		fault_add(r->faults, place, "%s", e.message);
		return false;
	}
	return true;
}

/* Rates that v states; the others are those of `base` (may be NULL), but null says that no source
 * states one here: using that bucket makes a call unpriced. */
static struct rates take_rates(struct reader *r, json_value *v, const char *place,
			       struct decimal multiplier, const struct rates *base)
{
	struct rates out = base ? *base : (struct rates){ 0 };
	if (json_kind(v) != JSON_OBJECT) {
		fault_add(r->faults, place,
			  "an object of prices per million tokens is expected, this is %s",
			  json_kind_name(v));
		return out;
	}
	for (json_value *c = json_first(v); c; c = json_next(c)) {
		int b = bucket_by_name(json_key(c), strlen(json_key(c)));
		const char *here = at(r, "%s.%s", place, json_key(c));
		if (b < 0)
			fault_add(r->faults, here, "no such bucket");
		else if (base && b != BUCKET_REASONING && json_kind(c) == JSON_NULL)
			out.known &= ~(1u << b);
		else if (take_amount(r, c, here, multiplier, &out.per_million[b]))
			out.known |= 1u << b;
	}
	return out;
}

static void take_tiers(struct reader *r, json_value *v, const char *place,
		       struct decimal multiplier, struct tariff *t)
{
	static const char *const keys[] = { "above", "inclusive", "rates", NULL };
	size_t n = 0;
	for (json_value *c = json_first(v); c; c = json_next(c))
		n++;
	if (json_kind(v) != JSON_ARRAY) {
		fault_add(r->faults, place, "an array of context tiers is expected");
		return;
	}
	t->tier = arena_alloc(&r->card->arena, n * sizeof *t->tier);
	for (json_value *c = json_first(v); c; c = json_next(c)) {
		struct context_tier *tier = &t->tier[t->tier_count];
		const char *here = at(r, "%s[%zu]", place, t->tier_count);
		check_keys(r, c, here, keys);
		take_whole(r, json_member(c, "above"), at(r, "%s.above", here), 1, &tier->above);
		tier->inclusive = json_true(json_member(c, "inclusive"));
		tier->rates = take_rates(r, json_member(c, "rates"), at(r, "%s.rates", here),
					 multiplier, &t->rates);
		if (t->tier_count && tier->above <= tier[-1].above)
			fault_add(r->faults, here,
				  "context tiers must stand in ascending order of \"above\"");
		t->tier_count++;
	}
}

static const struct calendar *find_calendar(const struct card *card, struct text name)
{
	for (size_t i = 0; i < card->calendar_count; i++)
		if (text_is(name, card->calendar[i]->name))
			return card->calendar[i];
	return NULL;
}

const struct calendar *card_calendar(const struct card *c, const char *name)
{
	return find_calendar(c, text_of(name));
}

static size_t count_members(json_value *v)
{
	size_t n = 0;
	for (json_value *c = json_first(v); c; c = json_next(c))
		n++;
	return n;
}

/* What a record may tell in place of a fee for every request: units, of which at least one. */
static const char *const *take_unless(struct reader *r, json_value *list, const char *place,
				      bool per_request)
{
	size_t n = 0;
	const char **out = arena_alloc(&r->card->arena, (count_members(list) + 1) * sizeof *out);
	for (json_value *m = json_first(list); m; m = json_next(m)) {
		const struct text name = json_string(m);
		if (unit_by_name(name.p, name.n) < 0)
			fault_add(r->faults, place, "\"%.*s\" is no unit that a record can tell",
				  (int)name.n, name.p);
		else
			out[n++] = keep(r, m);
	}
	if (json_kind(list) != JSON_ARRAY || n == 0)
		fault_add(r->faults, place, "a list of units is expected");
	if (!per_request)
		fault_add(r->faults, place, "only the fee of a \"request\" has it");
	out[n] = NULL;
	return n ? out : NULL;
}

/* The fee that depends on what a record tells, of which there is one at most, stands last. */
static void put_last(struct price *p)
{
	for (size_t i = 0; i < p->fee_count && !p->last_depends; i++)
		if (p->fee[i].unless) {
			const struct fee last = p->fee[i];
			p->fee[i] = p->fee[p->fee_count - 1];
			p->fee[p->fee_count - 1] = last;
			p->last_depends = true;
		}
}

/* The fees of an object behind those that the price has; a unit that it has keeps its fee. */
static void take_fees(struct reader *r, json_value *v, const char *place, struct decimal multiplier,
		      struct price *p)
{
	static const char *const keys[] = { "amount", "per", "unless", NULL };
	if (v && json_kind(v) != JSON_OBJECT)
		fault_add(r->faults, place, "an object of fees is expected");
	for (json_value *c = json_kind(v) == JSON_OBJECT ? json_first(v) : NULL; c;
	     c = json_next(c)) {
		const char *here = at(r, "%s.%s", place, json_key(c));
		size_t known = 0;
		while (known < p->fee_count && strcmp(p->fee[known].unit, json_key(c)) != 0)
			known++;
		struct fee *f = &p->fee[p->fee_count];
		*f = (struct fee){ .unit = arena_text(&r->card->arena, json_key(c),
						      strlen(json_key(c))),
				   .per = 1 };
		check_keys(r, c, here, keys);
		if (!take_amount(r, json_member(c, "amount"), at(r, "%s.amount", here), multiplier,
				 &f->amount))
			continue;
		json_value *per = json_member(c, "per");
		if (per && (!take_whole(r, per, at(r, "%s.per", here), 1, &f->per) ||
			    PER_MILLION % f->per)) {
			fault_add(r->faults, at(r, "%s.per", here), "must divide 1,000,000");
			f->per = 1;
			continue;
		}
		json_value *unless = json_member(c, "unless");
		if (unless)
			f->unless = take_unless(r, unless, at(r, "%s.unless", here),
						fee_is_per_request(f));
		p->fee_count += known == p->fee_count;
	}
}

/* Whether a list of models, or of beginnings of names that end in a star, has that one. */
static bool lists_model(json_value *list, const char *model)
{
	for (json_value *m = json_first(list); m; m = json_next(m)) {
		const struct text s = json_string(m);
		const bool begins = s.n && s.p[s.n - 1] == '*';
		if (begins ? strncmp(s.p, model, s.n - 1) == 0 : text_is(s, model))
			return true;
	}
	return false;
}

static const struct decimal once = { 1, 0 };

/* What the vendor's tools cost with any of the models that a rule names. */
static void take_tool_fees(struct reader *r, struct price *p)
{
	size_t n = 0;
	for (json_value *v = json_first(r->tools); v && p->model && p->currency;
	     v = json_next(v), n++)
		if (text_is(json_string(json_member(v, "currency")), p->currency) &&
		    lists_model(json_member(v, "models"), p->model))
			take_fees(r, json_member(v, "fees"), at(r, "tools[%zu].fees", n), once, p);
}

static void check_tools(struct reader *r)
{
	static const char *const keys[] = { "models", "currency", "fees", "source", "sure", NULL };
	size_t n = 0;
	if (r->tools && json_kind(r->tools) != JSON_ARRAY)
		fault_add(r->faults, "tools", "an array is expected");
	for (json_value *v = json_first(r->tools); v; v = json_next(v)) {
		const char *place = at(r, "tools[%zu]", n++);
		check_keys(r, v, place, keys);
		take_text(r, v, "currency", place, true);
		take_text(r, v, "source", place, true);
		if (json_kind(json_member(v, "models")) != JSON_ARRAY)
			fault_add(r->faults, at(r, "%s.models", place), "a list of names");
		struct price none = { .fee = arena_alloc(
					      &r->card->arena,
					      (1 + count_members(json_member(v, "fees"))) *
						      sizeof *none.fee) };
		take_fees(r, json_member(v, "fees"), at(r, "%s.fees", place), once, &none);
	}
}

static size_t count_tool_fees(const struct reader *r)
{
	size_t n = 0;
	for (json_value *v = json_first(r->tools); v; v = json_next(v))
		n += count_members(json_member(v, "fees"));
	return n;
}

static void take_windows(struct reader *r, json_value *v, json_value *base_context,
			 const char *place, struct decimal multiplier, struct price *p)
{
	static const char *const keys[] = { "calendar", "window", "rates", "context", NULL };
	size_t n = 0;
	json_value *windows = json_member(v, "windows");
	if (windows && json_kind(windows) != JSON_ARRAY)
		fault_add(r->faults, at(r, "%s.windows", place), "an array is expected");
	for (json_value *c = json_first(windows); c; c = json_next(c))
		n++;
	p->tariff = arena_alloc(&r->card->arena, (n + 1) * sizeof *p->tariff);
	p->tariff_count = n + 1;
	struct tariff *base = &p->tariff[n];
	base->rates =
		take_rates(r, json_member(v, "rates"), at(r, "%s.rates", place), multiplier, NULL);
	if (base_context)
		take_tiers(r, base_context, at(r, "%s.context", place), multiplier, base);
	struct tariff *t = p->tariff;
	bool peak = false, off_peak = false;
	for (json_value *c = json_first(windows); c; c = json_next(c), t++) {
		const char *here = at(r, "%s.windows[%zu]", place, (size_t)(t - p->tariff));
		check_keys(r, c, here, keys);
		t->window = take_text(r, c, "window", here, true);
		if (!t->window)
			t->window = "?";
		peak |= strcmp(t->window, "peak") == 0;
		off_peak |= strcmp(t->window, "off-peak") == 0;
		struct text name = json_string(json_member(c, "calendar"));
		t->calendar = find_calendar(r->card, name);
		if (!t->calendar)
			fault_add(r->faults, at(r, "%s.calendar", here),
				  "there is no calendar '%.*s' in this card", (int)name.n, name.p);
		t->rates = take_rates(r, json_member(c, "rates"), at(r, "%s.rates", here),
				      multiplier, &base->rates);
		json_value *context = json_member(c, "context");
		if (context)
			take_tiers(r, context, at(r, "%s.context", here), multiplier, t);
		else if (base_context)
			fault_add(r->faults, here,
				  "the price has context tiers, so this window must state its own "
				  "(\"context\": [] for none)");
	}
	const char *stated = take_text(r, v, "window", place, false);
	base->window = stated		   ? stated
		       : n == 0		   ? "flat"
		       : peak && !off_peak ? "off-peak"
		       : off_peak && !peak ? "peak"
					   : "flat";
}

const char *const price_grades[] = { "stated", "dated", "bounded", "first seen", NULL };

/* How the start of the price is known, and what makes the price uncertain. */
static void take_grade(struct reader *r, json_value *v, const char *place, struct price *p)
{
	size_t i = 0;
	p->doubt = take_text(r, v, "doubt", place, false);
	p->grade = take_text(r, v, "grade", place, false);
	p->old_seen = take_instant(r, v, "old_seen", place, INSTANT_MIN);
	while (p->grade && price_grades[i] && strcmp(price_grades[i], p->grade) != 0)
		i++;
	if (p->grade && !price_grades[i])
		fault_add(r->faults, at(r, "%s.grade", place),
			  "must be \"stated\", \"dated\", \"bounded\" or \"first seen\"");
	bool bounded = p->grade && strcmp(p->grade, "bounded") == 0;
	if (bounded != (p->old_seen.us != INSTANT_MIN.us) ||
	    (bounded && p->old_seen.us >= p->from.us))
		fault_add(r->faults, place,
			  "a bounded date, and no other, has \"old_seen\" before \"from\"");
}

/* List price or promotion, in force or withdrawn. */
static void take_kind(struct reader *r, json_value *v, const char *place, struct price *p)
{
	const char *kind = take_text(r, v, "kind", place, false),
		   *status = take_text(r, v, "status", place, false);
	p->kind = kind ? kind : "list";
	p->promotion = strcmp(p->kind, "promotion") == 0;
	p->withdrawn = status && strcmp(status, "withdrawn") == 0;
	if (!p->promotion && strcmp(p->kind, "list") != 0)
		fault_add(r->faults, at(r, "%s.kind", place), "must be \"list\" or \"promotion\"");
	if (status && !p->withdrawn && strcmp(status, "in force") != 0)
		fault_add(r->faults, at(r, "%s.status", place),
			  "must be \"in force\" or \"withdrawn\"");
}

/* From what tells it apart, where the card gives it no id. */
static const char *made_id(struct arena *a, const struct price *p)
{
	char from[INSTANT_TEXT_MAX] = "always";
	const bool tier = strcmp(p->service_tier, "standard") != 0;
	if (p->from.us != INSTANT_MIN.us)
		instant_format(p->from, from);
	const char *const part[] = { p->provider,
				     "/",
				     p->model,
				     "@",
				     from,
				     "/",
				     p->currency,
				     p->promotion ? "/promotion" : "",
				     p->withdrawn ? "/withdrawn" : "",
				     tier ? "/" : "",
				     tier ? p->service_tier : "",
				     p->region ? "/" : "",
				     p->region ? p->region : "" };
	return arena_join(a, part, sizeof part / sizeof *part);
}

static void take_price(struct reader *r, json_value *v, size_t index)
{
	static const char *const keys[] = { "id",	    "provider", "model",    "currency",
					    "service_tier", "region",	"kind",	    "status",
					    "from",	    "to",	"rates",    "window",
					    "windows",	    "context",	"fees",	    "multiplier",
					    "source",	    "sure",	"note",	    "grade",
					    "old_seen",	    "doubt",	"reseller", NULL };
	struct price *p = &r->card->price[r->card->price_count];
	const char *place = at(r, "prices[%zu]", index);
	*p = (struct price){ 0 }; /* one before may have been given up here */
	check_keys(r, v, place, keys);
	if (json_kind(v) != JSON_OBJECT)
		return;
	p->place = arena_printf(&r->card->arena, "%s: prices[%zu]", r->card->file, index);
	p->provider = take_text(r, v, "provider", place, r->card->provider == NULL);
	if (!p->provider)
		p->provider = r->card->provider ? r->card->provider : "?";
	p->model = take_text(r, v, "model", place, true);
	p->currency = take_text(r, v, "currency", place, true);
	p->service_tier = take_text(r, v, "service_tier", place, false);
	p->region = take_text(r, v, "region", place, false);
	p->source = take_text(r, v, "source", place, true);
	p->sure = take_text(r, v, "sure", place, true);
	p->note = take_text(r, v, "note", place, false);
	p->reseller = r->card->reseller || json_true(json_member(v, "reseller"));
	take_kind(r, v, place, p);
	if (!p->service_tier)
		p->service_tier = "standard";
	take_period(r, v, place, &p->from, &p->to);
	take_grade(r, v, place, p);
	if (p->currency &&
	    (strlen(p->currency) != 3 || strspn(p->currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3))
		fault_add(r->faults, at(r, "%s.currency", place),
			  "three capital letters (ISO 4217) are expected");
	struct decimal multiplier = { 1, 0 };
	json_value *m = json_member(v, "multiplier");
	if (m &&
	    (json_kind(m) != JSON_STRING || decimal_parse(&multiplier, json_string(m), NULL) != 0 ||
	     multiplier.digits <= 0)) {
		fault_add(r->faults, at(r, "%s.multiplier", place),
			  "a positive decimal in quotes is expected");
		multiplier = (struct decimal){ 1, 0 };
	}
	take_windows(r, v, json_member(v, "context"), place, multiplier, p);
	p->fee = arena_alloc(&r->card->arena,
			     (1 + count_members(json_member(v, "fees")) + count_tool_fees(r)) *
				     sizeof *p->fee);
	take_fees(r, json_member(v, "fees"), at(r, "%s.fees", place), multiplier, p);
	take_tool_fees(r, p);
	put_last(p);
	if (!p->model || !p->currency)
		return;
	p->id = take_text(r, v, "id", place, false);
	if (!p->id)
		p->id = made_id(&r->card->arena, p);
	r->card->price_count++;
}

static bool take_day_range(struct reader *r, json_value *v, const char *place,
			   struct day_range *out)
{
	struct text s = json_string(v);
	struct civil first, last;
	struct err e;
	const char *dots = NULL;
	for (size_t i = 0; i + 1 < s.n && !dots; i++)
		if (s.p[i] == '.' && s.p[i + 1] == '.')
			dots = s.p + i;
	struct text a = { s.p, dots ? (size_t)(dots - s.p) : s.n };
	struct text b = dots ? (struct text){ dots + 2, s.n - a.n - 2 } : a;
	if (civil_parse(&first, a, &e) != 0 || civil_parse(&last, b, &e) != 0) {
		fault_add(r->faults, place, "%s", e.message);
		return false;
	}
	*out = (struct day_range){ civil_to_day(first), civil_to_day(last) };
	if (out->first > out->last)
		fault_add(r->faults, place, "the range ends before it begins");
	return true;
}

static void take_holidays(struct reader *r, json_value *all)
{
	static const char *const keys[] = { "dates", "covers", "source", "note", NULL };
	size_t n = 0;
	for (json_value *v = json_first(all); v; v = json_next(v))
		n++;
	r->card->holidays = arena_alloc(&r->card->arena, n * sizeof *r->card->holidays);
	for (json_value *v = json_first(all); v; v = json_next(v)) {
		const char *place = at(r, "holidays.%s", json_key(v));
		struct holidays *h = arena_alloc(&r->card->arena, sizeof *h);
		check_keys(r, v, place, keys);
		h->name = arena_text(&r->card->arena, json_key(v), strlen(json_key(v)));
		take_day_range(r, json_member(v, "covers"), at(r, "%s.covers", place), &h->covers);
		size_t dates = 0;
		for (json_value *d = json_first(json_member(v, "dates")); d; d = json_next(d))
			dates++;
		h->range = arena_alloc(&r->card->arena, dates * sizeof *h->range);
		for (json_value *d = json_first(json_member(v, "dates")); d; d = json_next(d))
			if (take_day_range(r, d, at(r, "%s.dates[%zu]", place, h->count),
					   &h->range[h->count]))
				h->count++;
		r->card->holidays[r->card->holidays_count++] = h;
	}
}

static unsigned take_days(struct reader *r, json_value *v, const char *place)
{
	static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	unsigned mask = 0;
	if (!v)
		return 0x7F;
	for (json_value *d = json_first(v); d; d = json_next(d)) {
		int found = -1;
		for (int i = 0; i < 7; i++)
			if (text_is(json_string(d), days[i]))
				found = i;
		if (found < 0)
			fault_add(r->faults, place, "days are \"mon\" to \"sun\"");
		else
			mask |= 1u << found;
	}
	if (json_kind(v) != JSON_ARRAY || mask == 0)
		fault_add(r->faults, place, "a list of days is expected");
	return mask;
}

static void take_calendars(struct reader *r, json_value *all)
{
	static const char *const keys[] = { "zone", "hours", "periods", "source", "note", NULL };
	static const char *const period_keys[] = { "from",   "to",   "days", "except",
						   "source", "note", NULL };
	size_t n = 0;
	for (json_value *v = json_first(all); v; v = json_next(v))
		n++;
	r->card->calendar = arena_alloc(&r->card->arena, n * sizeof *r->card->calendar);
	for (json_value *v = json_first(all); v; v = json_next(v)) {
		const char *place = at(r, "calendars.%s", json_key(v));
		struct calendar *c = arena_alloc(&r->card->arena, sizeof *c);
		struct err e;
		check_keys(r, v, place, keys);
		c->name = arena_text(&r->card->arena, json_key(v), strlen(json_key(v)));
		const char *zone = take_text(r, v, "zone", place, true);
		if (!zone || zone_open(&c->zone, zone, &e) != 0) {
			if (zone)
				fault_add(r->faults, at(r, "%s.zone", place), "%s", e.message);
			zone_open(&c->zone, "UTC", NULL);
		}
		c->zone_name = zone ? zone : "UTC";
		for (json_value *h = json_first(json_member(v, "hours")); h; h = json_next(h)) {
			const char *here = at(r, "%s.hours[%zu]", place, c->hour_count);
			if (c->hour_count == CALENDAR_HOURS_MAX) {
				fault_add(r->faults, here, "more than %d windows",
					  CALENDAR_HOURS_MAX);
				break;
			}
			if (calendar_hours_parse(&c->hours[c->hour_count], json_string(h), &e) != 0)
				fault_add(r->faults, here, "%s", e.message);
			else
				c->hour_count++;
		}
		if (c->hour_count == 0)
			fault_add(r->faults, at(r, "%s.hours", place),
				  "at least one window of hours is expected");
		for (json_value *p = json_first(json_member(v, "periods")); p; p = json_next(p)) {
			const char *here = at(r, "%s.periods[%zu]", place, c->period_count);
			if (c->period_count == CALENDAR_PERIODS_MAX) {
				fault_add(r->faults, here, "more than %d periods",
					  CALENDAR_PERIODS_MAX);
				break;
			}
			struct calendar_period *out = &c->period[c->period_count++];
			check_keys(r, p, here, period_keys);
			take_period(r, p, here, &out->from, &out->to);
			out->weekdays =
				take_days(r, json_member(p, "days"), at(r, "%s.days", here));
			struct text except = json_string(json_member(p, "except"));
			for (size_t i = 0; i < r->card->holidays_count; i++)
				if (text_is(except, r->card->holidays[i]->name))
					out->except = r->card->holidays[i];
			if (except.n && !out->except)
				fault_add(r->faults, at(r, "%s.except", here),
					  "there are no holidays '%.*s' in this card",
					  (int)except.n, except.p);
			if (c->period_count > 1 && out->from.us < out[-1].to.us)
				fault_add(r->faults, here,
					  "periods overlap, or stand out of order");
		}
		if (!json_member(v, "periods")) {
			c->period[0] =
				(struct calendar_period){ INSTANT_MIN, INSTANT_MAX, 0x7F, NULL };
			c->period_count = 1;
		}
		r->card->calendar[r->card->calendar_count++] = c;
	}
}

static void take_aliases(struct reader *r, json_value *all)
{
	static const char *const keys[] = { "provider", "alias",     "model",  "mode", "from",
					    "to",	"successor", "source", "note", NULL };
	size_t n = 0;
	for (json_value *v = json_first(all); v; v = json_next(v))
		n++;
	r->card->alias = arena_alloc(&r->card->arena, n * sizeof *r->card->alias);
	for (json_value *v = json_first(all); v; v = json_next(v)) {
		struct alias *a = &r->card->alias[r->card->alias_count];
		const char *place = at(r, "aliases[%zu]", r->card->alias_count);
		check_keys(r, v, place, keys);
		a->provider = take_text(r, v, "provider", place, r->card->provider == NULL);
		if (!a->provider)
			a->provider = r->card->provider ? r->card->provider : "?";
		a->alias = take_text(r, v, "alias", place, true);
		a->model = take_text(r, v, "model", place, true);
		a->mode = take_text(r, v, "mode", place, false);
		a->successor = take_text(r, v, "successor", place, false);
		a->source = take_text(r, v, "source", place, false);
		a->note = take_text(r, v, "note", place, false);
		take_period(r, v, place, &a->from, &a->to);
		if (a->alias && a->model)
			r->card->alias_count++;
	}
}

static void take_disputes(struct reader *r, json_value *all)
{
	static const char *const keys[] = {
		"provider", "model", "about", "says", "from", "to", NULL
	};
	size_t n = 0;
	for (json_value *v = json_first(all); v; v = json_next(v))
		n++;
	r->card->dispute = arena_alloc(&r->card->arena, n * sizeof *r->card->dispute);
	for (json_value *v = json_first(all); v; v = json_next(v)) {
		struct dispute *d = &r->card->dispute[r->card->dispute_count];
		const char *place = at(r, "disputes[%zu]", r->card->dispute_count);
		check_keys(r, v, place, keys);
		d->provider = take_text(r, v, "provider", place, false);
		if (!d->provider)
			d->provider = r->card->provider;
		d->model = take_text(r, v, "model", place, true);
		d->about = take_text(r, v, "about", place, true);
		d->says = take_text(r, v, "says", place, true);
		take_period(r, v, place, &d->from, &d->to);
		if (d->model && d->about && d->says)
			r->card->dispute_count++;
	}
}

static void take_speed(struct reader *r, json_value *v, const char *place, const char *key,
		       struct decimal *out)
{
	struct err e;
	json_value *m = json_member(v, key);
	if (!m)
		return;
	if (decimal_parse(out, json_string(m), &e) != 0 || out->digits <= 0) {
		fault_add(r->faults, at(r, "%s.%s", place, key),
			  "must be a positive number as text, such as \"1.1\"");
		*out = (struct decimal){ 0 };
	}
}

static void take_models(struct reader *r, json_value *all)
{
	static const char *const keys[] = { "context_tokens",
					    "max_output_tokens",
					    "first_token_seconds",
					    "output_tokens_per_second",
					    "source",
					    "note",
					    NULL };
	size_t n = 0;
	for (json_value *v = json_first(all); v; v = json_next(v))
		n++;
	r->card->limits = arena_alloc(&r->card->arena, n * sizeof *r->card->limits);
	for (json_value *v = json_first(all); v; v = json_next(v)) {
		struct model_limits *l = &r->card->limits[r->card->limits_count++];
		const char *place = at(r, "models.%s", json_key(v));
		check_keys(r, v, place, keys);
		l->provider = r->card->provider;
		l->model = arena_text(&r->card->arena, json_key(v), strlen(json_key(v)));
		json_value *m = json_member(v, "context_tokens");
		if (m)
			take_whole(r, m, at(r, "%s.context_tokens", place), 1, &l->context_tokens);
		m = json_member(v, "max_output_tokens");
		if (m)
			take_whole(r, m, at(r, "%s.max_output_tokens", place), 1,
				   &l->output_tokens_max);
		take_speed(r, v, place, "first_token_seconds", &l->first_token_seconds);
		take_speed(r, v, place, "output_tokens_per_second", &l->tokens_per_second);
	}
}

static void take_caches(struct reader *r, json_value *all)
{
	struct card *c = r->card;
	size_t n = 0;
	for (json_value *v = json_first(all); v; v = json_next(v))
		cache_contract_parse(&c->cache, &c->cache_count, v, at(r, "caches[%zu]", n++),
				     &c->arena, r->faults);
	for (size_t i = 0; i < c->cache_count; i++)
		c->cache[i].provider = c->provider;
}

static void take_regions(struct reader *r, json_value *all)
{
	struct card *c = r->card;
	size_t n = 0;
	if (all && json_kind(all) != JSON_ARRAY)
		fault_add(r->faults, "regions", "an array is expected");
	for (json_value *v = json_first(all); v; v = json_next(v))
		region_rule_parse(&c->region_rule, &c->region_rule_count, v,
				  at(r, "regions[%zu]", n++), &c->arena, r->faults);
	for (size_t i = 0; i < c->region_rule_count; i++)
		if (!c->region_rule[i].provider)
			c->region_rule[i].provider = c->provider;
}

static int read_card(struct card **out, struct text json, const char *file,
		     const struct reader *how)
{
	static const char *const keys[] = { "schema",	"provider", "title",   "reseller",
					    "checked",	"note",	    "models",  "calendars",
					    "holidays", "aliases",  "prices",  "gaps",
					    "caches",	"disputes", "regions", "tools",
					    NULL };
	static const char *const gap_keys[] = { "model", "currency", "from", "to", "why", NULL };
	struct json_document *doc;
	struct fault_list *faults = how->faults;
	struct err e;
	const size_t before = faults->count;
	if (json_open(&doc, json, &e) != 0) {
		fault_add(faults, "", "%s", e.message);
		return -ERR_INVALID;
	}
	struct card *card = mem_zalloc(sizeof *card);
	json_value *root = json_root(doc);
	struct reader r = *how;
	r.card = card;
	r.tools = json_member(root, "tools");
	card->file = arena_text(&card->arena, file, strlen(file));
	check_keys(&r, root, "", keys);
	if (!text_is(json_string(json_member(root, "schema")), "tally.card/1"))
		fault_add(faults, "schema", "\"tally.card/1\" is expected");
	card->provider = take_text(&r, root, "provider", "", false);
	card->title = take_text(&r, root, "title", "", false);
	card->checked = take_text(&r, root, "checked", "", false);
	card->reseller = json_true(json_member(root, "reseller"));
	take_models(&r, json_member(root, "models"));
	take_caches(&r, json_member(root, "caches"));
	take_regions(&r, json_member(root, "regions"));
	check_tools(&r);
	take_holidays(&r, json_member(root, "holidays"));
	take_calendars(&r, json_member(root, "calendars"));
	take_aliases(&r, json_member(root, "aliases"));
	take_disputes(&r, json_member(root, "disputes"));
	json_value *prices = json_member(root, "prices"), *gaps = json_member(root, "gaps");
	size_t n = 0;
	for (json_value *v = json_first(gaps); v; v = json_next(v))
		check_keys(&r, v, at(&r, "gaps[%zu]", n++), gap_keys);
	if (json_kind(prices) != JSON_ARRAY)
		fault_add(faults, "prices", "an array is expected");
	n = 0;
	for (json_value *v = json_first(prices); v; v = json_next(v))
		n++;
	card->price = arena_alloc(&card->arena, (n + 1) * sizeof *card->price);
	n = 0;
	for (json_value *v = json_first(prices); v; v = json_next(v))
		take_price(&r, v, n++);
	if (!r.known)
		series_check(card, gaps, faults);
	regional_prices_make(card, faults);
	for (size_t i = 0; i < card->price_count; i++)
		if (!card->price[i].id)
			card->price[i].id = made_id(&card->arena, &card->price[i]);
	json_close(doc);
	*out = card;
	return faults->count == before ? 0 : -ERR_INVALID;
}

/* A card is read without places first: only one with faults is read again, for their places. */
static int parse(struct card **out, struct text json, const char *file, bool known,
		 struct fault_list *faults)
{
	struct fault_list unplaced = { 0 };
	struct card *card = NULL;
	const int rc = read_card(&card, json, file,
				 &(struct reader){ .faults = &unplaced, .known = known });
	fault_list_release(&unplaced);
	if (rc == 0) {
		*out = card;
		return 0;
	}
	card_close(card);
	return read_card(out, json, file, &(struct reader){ .faults = faults, .says_where = true });
}

int card_parse(struct card **out, struct text json, const char *file, struct fault_list *faults)
{
	return parse(out, json, file, false, faults);
}

int card_parse_known(struct card **out, struct text json, const char *file,
		     struct fault_list *faults)
{
	return parse(out, json, file, true, faults);
}

int card_check(struct text json, struct err *e)
{
	struct fault_list faults = { 0 };
	struct card *card = NULL;
	int rc = 0;
	if (card_parse(&card, json, "card", &faults) != 0)
		rc = err_set(e, ERR_INVALID, "%s%s%s", faults.fault[0].place,
			     *faults.fault[0].place ? ": " : "", faults.fault[0].message);
	card_close(card);
	fault_list_release(&faults);
	return rc;
}

int card_read_file(struct card **out, const char *path, struct fault_list *faults)
{
	struct buf b = { 0 };
	struct err e;
	int rc = file_read(&b, path, JSON_BYTES_MAX, &e);
	if (rc == 0)
		rc = card_read_text(out, (struct text){ b.p, b.n }, path, CARD_OF_FILE, faults);
	else
		fault_add(faults, "", "%s", e.message);
	buf_release(&b);
	return rc;
}

int card_read_text(struct card **out, struct text json, const char *file, enum card_kind kind,
		   struct fault_list *faults)
{
	int rc = card_parse(out, json, file, faults);
	if (rc == 0) {
		struct card *c = *out;
		c->kind = kind;
		c->json = (struct text){ arena_text(&c->arena, json.p, json.n), json.n };
	}
	return rc;
}

void card_close(struct card *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->calendar_count; i++)
		zone_close(c->calendar[i]->zone);
	free(c->cache);
	free(c->region_rule);
	arena_release(&c->arena);
	free(c);
}

size_t tariff_tier(const struct tariff *t, int64_t prompt_tokens)
{
	for (size_t i = t->tier_count; i > 0; i--)
		if (prompt_tokens > t->tier[i - 1].above ||
		    (t->tier[i - 1].inclusive && prompt_tokens == t->tier[i - 1].above))
			return i;
	return 0;
}

const struct rates *tariff_rates(const struct tariff *t, int64_t prompt_tokens)
{
	size_t tier = tariff_tier(t, prompt_tokens);
	return tier ? &t->tier[tier - 1].rates : &t->rates;
}
