#include "pricing/book_parts.h"
#include "pricing/regional.h"

/* Whether cards state prices of regions; those that follow from rules are none of these. */
static bool has_regional_prices(const struct name_entry *n, const char *provider)
{
	for (size_t i = 0; i < n->price_count; i++)
		if (n->price[i]->region && !n->price[i]->rule &&
		    strcmp(n->price[i]->provider, provider) == 0)
			return true;
	return false;
}

/* What the newest card that says something of the model's regions says of them, or NULL. */
static const struct region_rule *region_rule_of(struct book *b, const struct price *p)
{
	const struct region_rule *found = NULL;
	book_open_provider(b, p->provider);
	for (size_t i = b->card_count; !found && i-- > 0;)
		found = card_region_rule(b->card[i], p);
	return found;
}

bool book_holds_in_region(struct book *b, const struct name_entry *n, const struct price *p,
			  struct text region)
{
	if (region.n == 0 || p->region)
		return true;
	const struct region_rule *rule = region_rule_of(b, p);
	return rule && region_rule_holds(rule, region, has_regional_prices(n, p->provider));
}

static void take_next(const char **next, const char *word, const char *after)
{
	if (word && strcmp(word, REGION_ANY_OTHER) != 0 && (!after || strcmp(word, after) > 0) &&
	    (!*next || strcmp(word, *next) < 0))
		*next = word;
}

/* The regions in which what p prices has a price then: the next in the order of their names. */
static const char *next_region(const struct name_entry *n, const struct price *p,
			       const struct region_rule *rule, struct instant at, const char *after)
{
	const char *next = NULL;
	for (size_t i = 0; i < n->price_count; i++) {
		const struct price *x = n->price[i];
		if (!x->withdrawn && book_holds(x->from, x->to, at) &&
		    strcmp(x->provider, p->provider) == 0 &&
		    strcmp(x->currency, p->currency) == 0 &&
		    strcmp(x->service_tier, p->service_tier) == 0)
			take_next(&next, x->region, after);
	}
	for (size_t i = 0; rule && rule->same[i]; i++)
		take_next(&next, rule->same[i], after);
	return next;
}

/* "; it has one for 'eu', 'us' and 3 more" */
static void put_regions(struct buf *out, struct book *b, const struct name_entry *n,
			const struct price *p, struct instant at)
{
	enum { SHOWN = 12 };
	const struct region_rule *rule = region_rule_of(b, p);
	const char *region = NULL;
	size_t count = 0;
	while ((region = next_region(n, p, rule, at, region)) != NULL && ++count <= SHOWN)
		buf_printf(out, "%s'%s'", count == 1 ? "; it has one for " : ", ", region);
	for (size_t more = 0; region; region = next_region(n, p, rule, at, region)) {
		more++;
		if (!next_region(n, p, rule, at, region))
			buf_printf(out, " and %zu more (`tally price show %s`)", more, p->model);
	}
	if (!count)
		buf_puts(out, ", and no card says that it costs the same there");
}

int book_no_such_region(struct book *b, const struct name_entry *n, const struct price *p,
			const struct price_query *q, struct err *e)
{
	struct buf there = { 0 };
	if (!e) /* nobody reads where there would be one */
		return -ERR_UNPRICED;
	put_regions(&there, b, n, p, q->at);
	if (q->region.n)
		err_set(e, ERR_UNPRICED, "%s/%.200s has no price for region '%.*s'%s", p->provider,
			p->model, q->region.n > 60 ? 60 : (int)q->region.n, q->region.p, there.p);
	else
		err_set(e, ERR_UNPRICED, "%s/%.200s has no price without a region%s", p->provider,
			p->model, there.p);
	buf_release(&there);
	return -ERR_UNPRICED;
}
