#include "pricing/import.h"

#include <stdlib.h>
#include <string.h>

#include "pricing/import_compare.h"
#include "pricing/spelling.h"

static void add_note(struct import *im, enum import_event event, const char *why)
{
	if ((im->note_count & (im->note_count - 1)) == 0)
		im->note = mem_grow(im->note,
				    (im->note_count ? im->note_count * 2 : 1) * sizeof *im->note);
	im->note[im->note_count++] =
		(struct import_note){ event, im->entry, arena_text(&im->arena, why, strlen(why)) };
}

void import_begin(struct import *im, const char *entry)
{
	im->entry = arena_text(&im->arena, entry, strlen(entry));
	im->normalised = im->rounded = im->left_out = im->refused = im->unasked = im->known = false;
	memcpy(im->effect_before, im->effect, sizeof im->effect);
	im->changes_before = im->change_count;
	im->looked_count = 0;
	im->prices_before = im->prices.n;
	im->aliases_before = im->aliases.n;
	im->entries++;
}

void import_refuse(struct import *im, const char *why)
{
	if (!im->refused)
		add_note(im, IMPORT_REFUSED, why);
	im->refused = true;
}

void import_end(struct import *im)
{
	if (im->refused) {
		for (size_t i = 0; i < im->stated_count; i++)
			if (im->stated[i].entry == im->entry)
				im->stated[i].entry = NULL;
		buf_cut(&im->prices, im->prices_before);
		buf_cut(&im->aliases, im->aliases_before);
		memcpy(im->effect, im->effect_before, sizeof im->effect);
		im->change_count = im->changes_before;
		im->count[IMPORT_REFUSED]++;
		return;
	}
	if (im->prices.n == im->prices_before && (im->unasked || im->known)) {
		im->count[im->unasked ? IMPORT_UNASKED : IMPORT_KNOWN]++;
		return;
	}
	im->taken++;
	im->count[IMPORT_NORMALISED] += im->normalised;
	im->count[IMPORT_ROUNDED] += im->rounded;
	im->count[IMPORT_LEFT_OUT] += im->left_out;
}

void import_looked(struct import *im, json_value *v)
{
	if (!v)
		return;
	if ((im->looked_count & (im->looked_count - 1)) == 0)
		im->looked = mem_grow(im->looked, (im->looked_count ? im->looked_count * 2 : 1) *
							  sizeof *im->looked);
	im->looked[im->looked_count++] = v;
}

static bool was_looked_at(const struct import *im, json_value *v)
{
	for (size_t i = 0; i < im->looked_count; i++)
		if (im->looked[i] == v)
			return true;
	return false;
}

bool import_speaks_of_a_price(const char *key)
{
	static const char *const words[] = { "cost", "pric",	  "multiplier", "fee_",
					     "_fee", "surcharge", "discount",	"charge",
					     "usd",  "uplift",	  "billing" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strstr(key, words[i]))
			return true;
	return strcmp(key, "fee") == 0 || strcmp(key, "fees") == 0 ||
	       strcmp(key, "provider_specific_entry") == 0;
}

void import_leave_out(struct import *im, const char *key)
{
	im->left_out = true;
	add_note(im, IMPORT_LEFT_OUT,
		 arena_printf(&im->arena, "'%s' is the price of a unit that cards do not have",
			      key));
}

/* cost_per_second, cost_per_image_above_128k_tokens: not of tokens. */
static bool is_of_a_unit(const char *key)
{
	const char *above = strstr(key, "_above_"), *token = strstr(key, "token");
	return strstr(key, "_per_") && (!token || (above && token > above));
}

void import_check(struct import *im, json_value *object, bool (*speaks)(const char *key))
{
	for (json_value *v = json_first(object); v && !im->refused; v = json_next(v)) {
		const enum json_kind kind = json_kind(v);
		const char *key = json_kind(object) == JSON_OBJECT ? json_key(v) : "a list";
		if (kind == JSON_NULL || was_looked_at(im, v))
			continue;
		const enum json_kind inner = kind == JSON_ARRAY ? json_kind(json_first(v)) : kind;
		const bool told = !speaks || speaks(key);
		if (inner == JSON_OBJECT || inner == JSON_ARRAY)
			import_check(im, v, told ? NULL : speaks);
		else if (!told)
			continue;
		else if (is_of_a_unit(key))
			import_leave_out(im, key);
		else
			import_refuse(im,
				      arena_printf(&im->arena,
						   "'%s' speaks of a price and is not understood",
						   key));
	}
}

void import_check_vendor(struct import *im, json_value *vendor, const char *const *about)
{
	for (; *about; about++)
		import_looked(im, json_member(vendor, *about));
	import_check(im, vendor, import_speaks_of_a_price);
}

/* Rounds a price that is finer than a card can hold; false, and the entry refused, when it is too
 * large. */
static bool to_card_places(struct import *im, struct decimal *d)
{
	char was[DECIMAL_TEXT_MAX], is[DECIMAL_TEXT_MAX];
	const struct decimal exact = *d;
	struct err e;
	struct money m;
	bool changed;
	*d = decimal_round_places(exact, MONEY_PLACES, &changed);
	if (changed) {
		im->rounded = true;
		add_note(im, IMPORT_ROUNDED,
			 arena_printf(&im->arena, "%s became %s", decimal_format(exact, was),
				      decimal_format(*d, is)));
	}
	if (money_from_decimal(&m, *d, &e) == 0)
		return true;
	import_refuse(im, e.message);
	return false;
}

bool import_amount(struct import *im, json_value *v, int shift, struct decimal *out)
{
	enum json_kind kind = json_kind(v);
	struct decimal d;
	struct err e;
	bool changed;
	import_looked(im, v);
	if (kind == JSON_NULL)
		return false;
	if (kind != JSON_NUMBER && kind != JSON_STRING) {
		import_refuse(im, "a price is neither a number nor a decimal in quotes");
		return false;
	}
	if (decimal_parse(&d, kind == JSON_NUMBER ? json_number(v) : json_string(v), &e) != 0) {
		import_refuse(im, e.message);
		return false;
	}
	if (d.digits < 0) {
		import_refuse(im,
			      "a price is negative (the catalogue's sign for a price that varies)");
		return false;
	}
	if (d.digits > (int128)1000000000 * 1000000000 * 1000000000 && d.scale == 0) {
		import_refuse(im, "a price is larger than a card can hold");
		return false;
	}
	d = decimal_round_significant(d, 15, &changed);
	im->normalised |= changed;
	d = decimal_shift(d, shift);
	*out = d;
	return to_card_places(im, out);
}

void import_scale(struct import *im, struct decimal *rate, struct decimal factor)
{
	if (!decimal_multiply(*rate, factor, rate))
		import_refuse(im, "a price is larger than a card can hold");
	else
		to_card_places(im, rate);
}

void import_rate(struct import *im, json_value *object, const char *key, int shift, enum bucket b,
		 struct import_rates *out)
{
	if (import_amount(im, json_member(object, key), shift, &out->rate[b]))
		out->known |= 1u << b;
}

void import_fee(struct import *im, struct import_price *p, json_value *v, const char *unit,
		int64_t per)
{
	struct decimal amount;
	if (!import_amount(im, v, 0, &amount))
		return;
	if (p->fee_count == IMPORT_FEES_MAX) {
		import_refuse(im, "it states more fees than an import takes");
		return;
	}
	p->fee[p->fee_count].unit = unit;
	p->fee[p->fee_count].amount = amount;
	p->fee[p->fee_count].unless = NULL;
	p->fee[p->fee_count++].per = per;
}

/* That every request pays a fee by what its record may leave unsaid, no catalogue says: of a model
 * of which the book does, the price has it too, with the least of the catalogue's own fees. */
static void keep_unsaid(struct import_price *p, const struct fee *of_book)
{
	int least = -1;
	for (int i = 0; i < p->fee_count; i++) {
		if (strcmp(p->fee[i].unit, FEE_PER_REQUEST) == 0)
			return; /* it states one fee for every request */
		for (const char *const *u = of_book->unless; *u; u++)
			if (strcmp(p->fee[i].unit, *u) == 0 &&
			    (least < 0 ||
			     (p->fee[i].per == p->fee[least].per &&
			      decimal_cmp(p->fee[i].amount, p->fee[least].amount) < 0)))
				least = i;
	}
	if (p->fee_count == IMPORT_FEES_MAX)
		return;
	p->fee[p->fee_count].unit = FEE_PER_REQUEST;
	p->fee[p->fee_count].amount = least < 0 ? (struct decimal){ 0 } : p->fee[least].amount;
	p->fee[p->fee_count].per = least < 0 ? 1 : p->fee[least].per;
	p->fee[p->fee_count++].unless = of_book->unless;
}

struct import_rates *import_tier(struct import_price *p, int64_t above)
{
	int i = 0;
	while (i < p->tier_count && p->tier[i].above < above)
		i++;
	if (i < p->tier_count && p->tier[i].above == above)
		return &p->tier[i].rates;
	if (p->tier_count == IMPORT_TIERS_MAX)
		return NULL;
	memmove(&p->tier[i + 1], &p->tier[i], (size_t)(p->tier_count - i) * sizeof p->tier[0]);
	memset(&p->tier[i], 0, sizeof p->tier[i]);
	p->tier[i].above = above;
	p->tier_count++;
	return &p->tier[i].rates;
}

void import_inherit(struct import_rates *tier, const struct import_rates *lower)
{
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (!(tier->known >> b & 1) && lower->known >> b & 1) {
			tier->rate[b] = lower->rate[b];
			tier->known |= 1u << b;
		}
}

static void put_rates(struct buf *b, const struct import_rates *r)
{
	char text[DECIMAL_TEXT_MAX];
	const char *comma = "";
	buf_puts(b, "{");
	for (int i = 0; i < BUCKET_COUNT; i++)
		if (r->known >> i & 1) {
			buf_printf(b, "%s\"%s\": \"%s\"", comma, bucket_name((enum bucket)i),
				   decimal_format(r->rate[i], text));
			comma = ", ";
		}
	buf_puts(b, "}");
}

static void put_sizes(struct buf *b, const char *name, const struct import_size *size, int count)
{
	buf_printf(b, "%s[", name);
	for (int i = 0; i < count; i++) {
		buf_printf(b, "%s{\"above\": %lld, \"rates\": ", i ? ", " : "",
			   (long long)size[i].above);
		put_rates(b, &size[i].rates);
		buf_puts(b, "}");
	}
	buf_puts(b, "]");
}

static void put_text(struct buf *b, const char *lead, const char *value)
{
	buf_puts(b, lead);
	json_put_string(b, text_of(value));
}

/* Who states that price already, made when nobody does; what a refused entry stated is free. */
static struct import_stated *stated_of(struct import *im, const char *key)
{
	bool is_new;
	uint64_t *index = dict_need(&im->stated_index, text_of(key), &is_new);
	if (is_new) {
		if ((im->stated_count & (im->stated_count - 1)) == 0)
			im->stated =
				mem_grow(im->stated, (im->stated_count ? im->stated_count * 2 : 1) *
							     sizeof *im->stated);
		*index = im->stated_count;
		im->stated[im->stated_count++] = (struct import_stated){ 0 };
	}
	return &im->stated[*index];
}

static bool is_asked(const struct import *im, const char *provider)
{
	for (const char *at = im->only; at && *at; at += strcspn(at, ","), at += *at == ',')
		if (text_eq(provider_spelling((struct text){ at, strcspn(at, ",") }),
			    text_of(provider)))
			return true;
	return !im->only;
}

/* The book's answer at that instant; until: before it the answer cannot change. */
static const struct price *book_has(const struct import *im, const struct import_price *p,
				    struct instant at, struct instant *until)
{
	struct price_match m;
	const struct price_query q = {
		.provider = text_of(p->provider),
		.model = text_of(p->model),
		.service_tier = text_of(p->service_tier ? p->service_tier : ""),
		.region = text_of(p->region ? p->region : ""),
		.currency = "USD",
		.at = at,
	};
	const bool found = book_find(im->book, &q, &m, NULL) == 0;
	*until = m.until;
	return found ? m.price : NULL;
}

static bool book_ever_had(const struct import *im, const struct import_price *p)
{
	struct instant until;
	bool found = book_has(im, p, (struct instant){ 0 }, &until) != NULL;
	while (!found && until.us != INSTANT_MAX.us)
		found = book_has(im, p, until, &until) != NULL;
	return found;
}

static void note_change(struct import *im, const struct import_price *p, const struct price *old)
{
	static const enum bucket buckets[] = { BUCKET_INPUT, BUCKET_OUTPUT };
	struct import_change c = { .provider = p->provider,
				   .model = p->model,
				   .service_tier = p->service_tier,
				   .region = p->region };
	struct buf besides = { 0 };
	struct money *before[] = { &c.input_before, &c.output_before },
		     *after[] = { &c.input_after, &c.output_after };
	const struct rates *r = &old->tariff[old->tariff_count - 1].rates;
	bool same = true;
	for (size_t i = 0; i < 2; i++) {
		char x[DECIMAL_TEXT_MAX], y[DECIMAL_TEXT_MAX];
		*before[i] = r->per_million[buckets[i]];
		if (p->rates.known >> buckets[i] & 1)
			money_from_decimal(after[i], p->rates.rate[buckets[i]], NULL);
		same = same && !((p->rates.known ^ r->known) >> buckets[i] & 1) &&
		       strcmp(money_format(*before[i], x), money_format(*after[i], y)) == 0;
	}
	import_differences(&besides, p, old);
	if (besides.n)
		c.besides = arena_text(&im->arena, besides.p, besides.n);
	buf_release(&besides);
	same &= !c.besides;
	im->effect[same ? IMPORT_SAME : IMPORT_OTHER]++;
	if (same)
		return;
	im->change = mem_grow(im->change, (im->change_count + 1) * sizeof *im->change);
	im->change[im->change_count++] = c;
}

/*
 * Compares the price with the book. To fill gaps: a price without a date is taken where the book
 * never had one, a dated one where it has none then, until the book's next. False: not taken.
 */
static bool fits(struct import *im, struct import_price *p)
{
	struct instant until, from = im->now;
	if (p->from && instant_parse(&from, text_of(p->from), NULL) != 0)
		from = im->now;
	const struct price *now = book_has(im, p, from, &until);
	if (im->fill && (now || (!p->from && book_ever_had(im, p))))
		return false;
	if (im->fill && p->from && until.us != INSTANT_MAX.us) {
		char *to = arena_alloc(&im->arena, INSTANT_TEXT_MAX);
		struct instant end;
		instant_format(until, to);
		if (!p->to || instant_parse(&end, text_of(p->to), NULL) != 0 || end.us > until.us)
			p->to = to;
	}
	if (now && now->last_depends)
		keep_unsaid(p, &now->fee[now->fee_count - 1]);
	if (now)
		note_change(im, p, now);
	else
		im->effect[IMPORT_ADDS]++;
	return true;
}

/* The calendar of these hours, once. */
static void put_calendar(struct import *im, const char *hours)
{
	struct buf name = { 0 };
	buf_printf(&name, "\"%s UTC\"", hours);
	if (!im->calendars.p || !strstr(im->calendars.p, name.p)) {
		buf_printf(&im->calendars, "%s\n  %s: {\"zone\": \"UTC\", \"hours\": [\"",
			   im->calendars.n ? "," : "", name.p);
		for (const char *c = hours; *c; c++)
			if (*c == ',')
				buf_puts(&im->calendars, "\", \"");
			else if (*c != ' ')
				buf_add(&im->calendars, c, 1);
		buf_puts(&im->calendars, "\"]}");
	}
	buf_release(&name);
}

/* The i-th fee of the object of them, with what comes before and behind it. */
static void put_fee(struct buf *b, const struct import_price *p, int i)
{
	char text[DECIMAL_TEXT_MAX];
	buf_printf(b, "%s\"%s\": {\"amount\": \"%s\", \"per\": %lld",
		   i ? ", " : ",\n   \"fees\": {", p->fee[i].unit,
		   decimal_format(p->fee[i].amount, text), (long long)p->fee[i].per);
	for (const char *const *u = p->fee[i].unless; u && *u; u++)
		buf_printf(b, "%s\"%s\"%s", u == p->fee[i].unless ? ", \"unless\": [" : ", ", *u,
			   u[1] ? "" : "]");
	buf_puts(b, i + 1 == p->fee_count ? "}}" : "}");
}

/* What a price says apart from whose it is, when it holds and where it is from. */
static void put_terms(struct import *im, const struct import_price *p)
{
	struct buf *b = &im->prices;
	buf_puts(b, ",\n   \"rates\": ");
	put_rates(b, &p->rates);
	if (p->tier_count)
		put_sizes(b, ",\n   \"context\": ", p->tier, p->tier_count);
	for (int i = 0; i < p->window_count; i++) {
		put_calendar(im, p->window[i].hours);
		buf_printf(b, "%s{\"window\": \"%s UTC\", \"calendar\": \"%s UTC\", \"rates\": ",
			   i ? ", " : ",\n   \"windows\": [", p->window[i].hours,
			   p->window[i].hours);
		put_rates(b, &p->window[i].rates);
		if (p->tier_count || p->window[i].tier_count)
			put_sizes(b, ", \"context\": ", p->window[i].tier, p->window[i].tier_count);
		buf_puts(b, "}");
		if (i + 1 == p->window_count)
			buf_puts(b, "]");
	}
	for (int i = 0; i < p->fee_count; i++)
		put_fee(b, p, i);
}

/* The price as a member of the card; where another entry states it already, nothing: two names of
 * one price are no fault, two prices of one name are. */
static void put_price(struct import *im, const struct import_price *p, struct import_stated *stated)
{
	struct buf *b = &im->prices;
	const size_t before = b->n;
	put_text(b, b->n ? ",\n  {\"provider\": " : "\n  {\"provider\": ", p->provider);
	put_text(b, ", \"model\": ", p->model);
	buf_puts(b, ", \"currency\": \"USD\"");
	if (p->service_tier)
		put_text(b, ", \"service_tier\": ", p->service_tier);
	if (p->region)
		put_text(b, ", \"region\": ", p->region);
	if (p->from)
		put_text(b, ", \"from\": ", p->from);
	if (p->to)
		put_text(b, ", \"to\": ", p->to);
	const size_t terms = b->n;
	put_terms(im, p);
	if (stated->entry) {
		if (b->n - terms != stated->n ||
		    memcmp(b->p + terms, b->p + stated->terms, stated->n) != 0)
			import_refuse(im, arena_printf(&im->arena,
						       "entry '%s' states another price of %s %s",
						       stated->entry, p->provider, p->model));
		buf_cut(b, before);
		return;
	}
	*stated = (struct import_stated){ im->entry, terms, b->n - terms };
	/* who is no first party of the book sells what others make */
	if (im->book && !book_has_maker(im->book, p->provider))
		buf_puts(b, ", \"reseller\": true");
	put_text(b, ",\n   \"source\": ", im->source);
	put_text(b, ", \"sure\": ", p->from ? "third party" : "third party, undated");
	put_text(b, ", \"note\": ", arena_printf(&im->arena, "entry %s", im->entry));
	buf_puts(b, "}");
}

static struct import_stated *stated_price(struct import *im, const struct import_price *p)
{
	return stated_of(im, arena_printf(&im->arena, "%s\n%s\n%s\n%s\n%s", p->provider, p->model,
					  p->service_tier ? p->service_tier : "",
					  p->region ? p->region : "", p->from ? p->from : ""));
}

void import_take(struct import *im, const struct import_price *price)
{
	struct import_price copy = *price, *p = &copy;
	if (im->refused)
		return;
	/* as the book calls that vendor */
	p->provider = provider_spelling(text_of(p->provider)).p;
	if (!is_asked(im, p->provider)) {
		im->unasked = true;
		return;
	}
	if (p->rates.known == 0 && p->fee_count == 0) {
		import_refuse(im, "it states no price per token, request or unit");
		return;
	}
	struct import_stated *stated = stated_price(im, p);
	if (im->book && !stated->entry && !fits(im, p)) {
		im->known = true;
		return;
	}
	put_price(im, p, stated);
}

void import_alias(struct import *im, const char *provider, const char *alias, const char *model)
{
	struct buf *b = &im->aliases;
	provider = provider_spelling(text_of(provider)).p;
	const struct import_price named = { .provider = provider, .model = alias };
	if (im->refused || strcmp(alias, model) == 0 || !is_asked(im, provider) ||
	    (im->fill && book_ever_had(im, &named)))
		return;
	struct import_stated *stated =
		stated_of(im, arena_printf(&im->arena, "alias\n%s\n%s", provider, alias));
	if (stated->entry)
		return;
	stated->entry = im->entry;
	put_text(b, b->n ? ",\n  {\"provider\": " : "\n  {\"provider\": ", provider);
	put_text(b, ", \"alias\": ", alias);
	put_text(b, ", \"model\": ", model);
	buf_puts(b, "}");
}

void import_card(const struct import *im, const char *checked, struct buf *out)
{
	buf_printf(out, "{\n \"schema\": \"tally.card/1\",\n \"title\": \"imported from %s\"",
		   im->catalogue);
	if (checked)
		buf_printf(out, ",\n \"checked\": \"%s\"", checked);
	if (im->calendars.n)
		buf_printf(out, ",\n \"calendars\": {%s\n }", im->calendars.p);
	if (im->aliases.n)
		buf_printf(out, ",\n \"aliases\": [%s\n ]", im->aliases.p);
	buf_printf(out, ",\n \"prices\": [%s\n ]\n}\n", im->prices.n ? im->prices.p : "");
}

void import_release(struct import *im)
{
	buf_release(&im->prices);
	buf_release(&im->aliases);
	buf_release(&im->calendars);
	free(im->note);
	free(im->change);
	free(im->looked);
	free(im->stated);
	dict_release(&im->stated_index);
	arena_release(&im->arena);
}
