#include "pricing/book_parts.h"
#include "pricing/regional.h"
#include "pricing/spelling.h"

/* A price that differs from a card's; unit: the fee of its own on every request, FEE_REGION where
 * it is that of a region, or whatever else tells the variants of one price apart. */
struct variant {
	struct price price;
	const struct price *of;
	const char *unit;
	struct variant *next;
};

/* The variant of p that was made before, or one that begins as p with room for one more fee. */
static struct variant *variant_of(struct book *b, const struct price *p, const char *unit,
				  bool *made)
{
	struct variant *v = b->variant;
	while (v && (v->of != p || v->unit != unit))
		v = v->next;
	*made = !v;
	if (v)
		return v;
	v = arena_alloc(&b->arena, sizeof *v);
	*v = (struct variant){ .price = *p, .of = p, .unit = unit, .next = b->variant };
	v->price.fee = arena_alloc(&b->arena, (p->fee_count + 1) * sizeof *p->fee);
	return b->variant = v;
}

const struct price *book_price_without_region(struct book *b, const struct price *p)
{
	static const char *const region[] = { FEE_REGION, NULL };
	bool made;
	if (!p || p->region)
		return p;
	const struct region_rule *rule = card_region_rule(p->card, p);
	if (!rule || rule->unsaid == UNSAID_IS_SAME)
		return p;
	struct variant *v = variant_of(b, p, FEE_REGION, &made);
	if (made && rule->unsaid == UNSAID_IS_OPEN) {
		v->price.fee = p->fee;
		v->price.doubt = arena_printf(&b->arena,
					      "%s%sthe record does not say in which region it was "
					      "served, and some cost less or more",
					      p->doubt ? p->doubt : "", p->doubt ? "; " : "");
	} else if (made) { /* in front, so that a fee which a call may tell stays the last */
		v->price.fee[0] = (struct fee){ FEE_PER_REQUEST, { 0 }, 1, region };
		if (p->fee_count)
			memcpy(v->price.fee + 1, p->fee, p->fee_count * sizeof *p->fee);
		v->price.fee_count++;
	}
	return &v->price;
}

const struct price *book_price_with_request_fee(struct book *b, const struct price *p,
						const char *unit)
{
	bool made, stated = false;
	if (!p)
		return NULL;
	struct variant *v = variant_of(b, p, unit, &made);
	if (!made)
		return &v->price;
	for (size_t i = 0; i < p->fee_count; i++) {
		v->price.fee[i] = p->fee[i];
		if (strcmp(p->fee[i].unit, unit) == 0) {
			v->price.fee[i].unit = FEE_PER_REQUEST;
			stated = true;
		}
	}
	v->price.id = arena_printf(&b->arena, "%s/%s", p->id, unit);
	v->price.of_spelling = true;
	if (stated)
		v->price.doubt = arena_printf(
			&b->arena,
			"%s%swhat it searched is charged as one search of the size that is the "
			"default; the record does not say what it was",
			p->doubt ? p->doubt : "", p->doubt ? "; " : "");
	else /* the maker's own search, of which a call makes as many as it likes */
		v->price.needs = unit_name(UNIT_WEB_SEARCH);
	return &v->price;
}

const struct price *book_price_standing_in(struct book *b, const struct price *p)
{
	static const char sold_via[] = SOLD_VIA;
	bool made;
	if (!p)
		return NULL;
	struct variant *v = variant_of(b, p, sold_via, &made);
	if (!made)
		return &v->price;
	v->price.fee = p->fee;
	v->price.stands_in = true;
	v->price.doubt = arena_printf(&b->arena,
				      "%s%sno card has prices of the seller that is named: this is "
				      "what %s asks",
				      p->doubt ? p->doubt : "", p->doubt ? "; " : "", p->provider);
	return &v->price;
}

/* The lowest context tier of s above all of t's, in the same window or else whenever. */
static const struct context_tier *first_beyond(const struct tariff *t, const struct price *s)
{
	const struct tariff *of = &s->tariff[s->tariff_count - 1];
	const int64_t last = t->tier_count ? t->tier[t->tier_count - 1].above : -1;
	for (size_t i = 0; i < s->tariff_count; i++)
		if (strcmp(s->tariff[i].window, t->window) == 0)
			of = &s->tariff[i];
	for (size_t i = 0; i < of->tier_count; i++)
		if (of->tier[i].above > last)
			return &of->tier[i];
	return NULL;
}

/* t with one more context tier, in which nothing has a price. */
static void end_at(struct tariff *t, const struct context_tier *beyond, struct arena *a)
{
	struct context_tier *tier = arena_alloc(a, (t->tier_count + 1) * sizeof *tier);
	if (t->tier_count)
		memcpy(tier, t->tier, t->tier_count * sizeof *tier);
	tier[t->tier_count] =
		(struct context_tier){ .above = beyond->above, .inclusive = beyond->inclusive };
	t->tier = tier;
	t->tier_count++;
}

const struct price *book_price_within_stated_length(struct book *b, const struct price *p,
						    const struct price *standard)
{
	bool made, any = false;
	for (size_t i = 0; standard && i < p->tariff_count; i++)
		any |= first_beyond(&p->tariff[i], standard) != NULL;
	if (!any)
		return p;
	struct variant *v = variant_of(b, p, standard->id, &made);
	if (!made)
		return &v->price;
	v->price.fee = p->fee;
	v->price.tariff = arena_alloc(&b->arena, p->tariff_count * sizeof *p->tariff);
	for (size_t i = 0; i < p->tariff_count; i++) {
		const struct context_tier *beyond = first_beyond(&p->tariff[i], standard);
		v->price.tariff[i] = p->tariff[i];
		if (beyond)
			end_at(&v->price.tariff[i], beyond, &b->arena);
	}
	return &v->price;
}
