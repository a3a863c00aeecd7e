#include "pricing/regional.h"

#include <stdlib.h>
#include <string.h>

const struct region_rule *card_region_rule(const struct card *c, const struct price *p)
{
	const struct region_rule *found = NULL;
	size_t closest = 0;
	for (size_t k = 0; k < c->region_rule_count; k++) {
		const struct region_rule *r = &c->region_rule[k];
		const size_t close = region_rule_names(r, p->model);
		if (close <= closest || (r->provider && strcmp(r->provider, p->provider) != 0))
			continue;
		closest = close;
		found = r;
	}
	return found;
}

bool price_is_of_region(const struct price *p, struct text region)
{
	if (!p->region || text_is(region, p->region))
		return true;
	return region.n && strcmp(p->region, REGION_ANY_OTHER) == 0 &&
	       !(p->rule && region_rule_names_same(p->rule, region));
}

struct decimal price_region_factor(const struct price *p)
{
	const struct region_factor *f = p->rule->times;
	while (strcmp(f->region, p->region) != 0)
		f++;
	return f->times;
}

static bool scale(struct rates *r, struct decimal times)
{
	bool held = true;
	for (int b = 0; b < BUCKET_COUNT; b++)
		held &= money_times(r->per_million[b], times, &r->per_million[b]);
	return held;
}

/* Copies of the tariffs with every token price times the factor; false: one cannot be held. */
static bool scale_tariffs(struct arena *a, struct price *p, struct decimal times)
{
	bool held = true;
	struct tariff *t = arena_alloc(a, p->tariff_count * sizeof *t);
	memcpy(t, p->tariff, p->tariff_count * sizeof *t);
	p->tariff = t;
	for (size_t i = 0; i < p->tariff_count; i++) {
		struct context_tier *tier = arena_alloc(a, (t[i].tier_count + 1) * sizeof *tier);
		if (t[i].tier_count)
			memcpy(tier, t[i].tier, t[i].tier_count * sizeof *tier);
		t[i].tier = tier;
		held &= scale(&t[i].rates, times);
		for (size_t k = 0; k < t[i].tier_count; k++)
			held &= scale(&tier[k].rates, times);
	}
	return held;
}

/* A card, and what is made of its prices until they are all known. */
struct maker {
	struct card *card;
	struct fault_list *faults;
	struct price *made; /* of mem_grow */
	size_t count;
};

static void make_price(struct maker *m, const struct price *base, const struct region_factor *f,
		       const struct region_rule *rule, struct instant from, struct instant to)
{
	struct arena *a = &m->card->arena;
	const char *place = strstr(base->place, ": prices[");
	struct price p = *base;
	p.region = f->region;
	p.rule = rule;
	p.id = NULL; /* that of its region */
	p.from = from;
	p.to = to;
	if (from.us != base->from.us)
		p.old_seen = INSTANT_MIN;
	if (rule->doubt)
		p.doubt = base->doubt ? arena_printf(a, "%s; %s", base->doubt, rule->doubt)
				      : rule->doubt;
	if (!scale_tariffs(a, &p, f->times))
		fault_add(m->faults, place ? place + 2 : base->place,
			  "the price times the factor of region '%s' cannot be held exactly",
			  f->region);
	m->made = mem_grow(m->made, (m->count + 1) * sizeof *m->made);
	m->made[m->count++] = p;
}

/* The first price of that series that the card states for the region and that holds somewhere
 * between two instants. */
static const struct price *stated_between(const struct card *c, const struct price *base,
					  const char *region, struct instant from,
					  struct instant to)
{
	const struct price *first = NULL;
	for (size_t i = 0; i < c->price_count; i++) {
		const struct price *p = &c->price[i];
		if (p->region && !p->withdrawn && strcmp(p->region, region) == 0 &&
		    strcmp(p->model, base->model) == 0 &&
		    strcmp(p->provider, base->provider) == 0 &&
		    strcmp(p->currency, base->currency) == 0 &&
		    strcmp(p->service_tier, base->service_tier) == 0 &&
		    p->promotion == base->promotion && p->to.us > from.us && p->from.us < to.us &&
		    (!first || p->from.us < first->from.us))
			first = p;
	}
	return first;
}

/* What a rule says of a price in one region, for as long as the card states none there. */
static void make_prices(struct maker *m, const struct price *base, const struct region_factor *f,
			const struct region_rule *rule)
{
	struct instant from = base->from;
	const struct price *stated;
	while (from.us < base->to.us &&
	       (stated = stated_between(m->card, base, f->region, from, base->to)) != NULL) {
		if (from.us < stated->from.us)
			make_price(m, base, f, rule, from, stated->from);
		from = stated->to;
	}
	if (from.us < base->to.us)
		make_price(m, base, f, rule, from, base->to);
}

void regional_prices_make(struct card *c, struct fault_list *faults)
{
	struct maker m = { .card = c, .faults = faults };
	for (size_t i = 0; i < c->price_count; i++) {
		const struct price *p = &c->price[i];
		const struct region_rule *r =
			p->region || p->withdrawn ? NULL : card_region_rule(c, p);
		for (const struct region_factor *f = r ? r->times : NULL; f && f->region; f++)
			make_prices(&m, p, f, r);
	}
	if (m.count) {
		struct price *all =
			arena_alloc(&c->arena, (c->price_count + m.count) * sizeof *all);
		memcpy(all, c->price, c->price_count * sizeof *all);
		memcpy(all + c->price_count, m.made, m.count * sizeof *all);
		c->price = all;
		c->price_count += m.count;
	}
	free(m.made);
}
