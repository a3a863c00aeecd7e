#include <stdio.h>

#include "pricing/book_parts.h"
#include "pricing/near_names.h"
#include "pricing/regional.h"

/* What a name that no card has may have meant. Each name is guessed at once, so that whoever asks
 * for it, and however often, reads the same. */
static const char *guess(struct book *b, struct text model)
{
	/* each is compared with all names, which takes as long as hundreds of records */
	enum { GUESSES_MOST = 1000 };
	struct near_names near;
	struct buf meant = { 0 };
	const uint64_t *known = dict_find(&b->guess, model);
	if (known)
		return (const char *)(uintptr_t)*known;
	if (b->guess.count == GUESSES_MOST)
		return "";
	if (b->self->own_names)
		b->self->own_names(b->own_user, &b->self->own);
	b->self->own_names = NULL;
	near_names_begin(&near, model, (struct text){ b->own.p, b->own.n });
	for (size_t i = 0; i < NAME_SLOTS; i++)
		for (const struct name_entry *n = b->slot[i]; n; n = n->next)
			near_names_see(&near, n->name, !book_is_made(b, n, NULL));
	for (size_t i = 0; i < b->table.names; i++)
		near_names_see(&near, text_of(b->table.text + b->table.name[i].at),
			       b->table.card[b->table.name[i].card].reseller);
	near_names_put(&near, &meant);
	const char *text = meant.n ? arena_text(&b->arena, meant.p, meant.n) : "";
	*dict_need(&b->guess, model, NULL) = (uintptr_t)text;
	buf_release(&meant);
	return text;
}

int book_unknown_model(struct book *b, struct text model, struct err *e)
{
	if (!e) /* nobody reads what the name may have meant */
		return -ERR_NOT_FOUND;
	const char *meant = guess(b, model);
	return err_set(e, ERR_NOT_FOUND, "model '%.*s' is in no price card%s",
		       model.n > 200 ? 200 : (int)model.n, model.p,
		       *meant ? meant : "; `tally price install` adds one");
}

/* What that vendor has of the name, but not as it was asked for. */
struct absence {
	bool sells; /* the name, at all */
	const struct alias *ended;
	const struct price *before, *after, *other_currency, *other_tier, *other_region;
};

static void note_price(struct absence *x, const struct price *p, const struct price_query *q)
{
	const struct price **other = NULL;
	if (p->withdrawn)
		return;
	if (strcmp(p->currency, q->currency) != 0)
		other = &x->other_currency;
	else if (!book_is_of_tier(p, q->service_tier))
		other = &x->other_tier;
	else if (!price_is_of_region(p, q->region))
		other = &x->other_region;
	if (other) {
		if (book_holds(p->from, p->to, q->at))
			*other = p;
		return;
	}
	if (p->to.us <= q->at.us && (!x->before || p->to.us > x->before->to.us))
		x->before = p;
	if (p->from.us > q->at.us && (!x->after || p->from.us < x->after->from.us))
		x->after = p;
}

static struct absence find_absence(const struct name_entry *n, const char *provider,
				   const struct price_query *q)
{
	struct absence x = { 0 };
	for (size_t i = 0; i < n->alias_count; i++) {
		const struct alias *a = n->alias[i];
		if (strcmp(a->provider, provider) != 0)
			continue;
		x.sells = true;
		if (a->to.us <= q->at.us && (!x.ended || a->to.us > x.ended->to.us))
			x.ended = a;
	}
	for (size_t i = 0; i < n->price_count; i++) {
		if (strcmp(n->price[i]->provider, provider) != 0)
			continue;
		x.sells = true;
		note_price(&x, n->price[i], q);
	}
	return x;
}

/* Of the currencies, each once, in which the vendor states a price at q->at: another is asked. */
static int only_in(const struct name_entry *n, const char *provider, const struct price_query *q,
		   struct err *e)
{
	char codes[64] = "";
	for (size_t i = 0; i < n->price_count; i++) {
		const struct price *p = n->price[i];
		const size_t at = strlen(codes);
		if (strcmp(p->provider, provider) == 0 && !p->withdrawn &&
		    book_holds(p->from, p->to, q->at) && !strstr(codes, p->currency))
			snprintf(codes + at, sizeof codes - at, "%s%s", at ? " and " : "",
				 p->currency);
	}
	return err_set(e, ERR_UNPRICED, "%s/%.*s has no price in %s, only in %s", provider,
		       (int)n->name.n, n->name.p, q->currency, codes);
}

/* What differs in more letters than this is no spelling of the other. */
enum { TIER_DISTANCE_MOST = 20 };

/* How far a service tier is from the one that was asked for: one of which it is a part, or that is
 * a part of it, is nearest ("flex" of "flex-tier"), then what differs in fewer letters. */
static int tier_distance(struct text asked, const char *tier)
{
	const struct text t = text_of(tier);
	const bool is_part = asked.n >= t.n ? memmem(asked.p, asked.n, t.p, t.n) != NULL
					    : asked.n && memmem(t.p, t.n, asked.p, asked.n);
	return is_part ? -1 : text_distance(asked, t, TIER_DISTANCE_MOST);
}

static bool tier_is_nearer(struct text asked, const char *a, const char *b)
{
	const int x = tier_distance(asked, a), y = tier_distance(asked, b);
	return x != y ? x < y : strcmp(a, b) < 0;
}

/* The service tiers in which the vendor states a price at q->at, each once, the nearest spelling
 * first: another is asked. */
static int only_in_tiers(const struct name_entry *n, const char *provider,
			 const struct price_query *q, struct err *e)
{
	enum { TIERS_SHOWN = 16 };
	const char *tier[TIERS_SHOWN];
	size_t count = 0;
	struct buf names = { 0 };
	for (size_t i = 0; i < n->price_count; i++) {
		const struct price *p = n->price[i];
		size_t at = 0, same = 0;
		if (p->withdrawn || strcmp(p->provider, provider) != 0 ||
		    strcmp(p->currency, q->currency) != 0 || !book_holds(p->from, p->to, q->at))
			continue;
		while (same < count && strcmp(tier[same], p->service_tier) != 0)
			same++;
		if (same < count || count == TIERS_SHOWN)
			continue;
		while (at < count && tier_is_nearer(q->service_tier, tier[at], p->service_tier))
			at++;
		memmove(&tier[at + 1], &tier[at], (count - at) * sizeof *tier);
		tier[at] = p->service_tier;
		count++;
	}
	for (size_t i = 0; i < count; i++)
		buf_printf(&names, "%s'%s'", i ? ", " : "", tier[i]);
	const int rc =
		err_set(e, ERR_UNPRICED, "%s/%.*s has no price for service tier '%.*s' (only %.*s)",
			provider, (int)n->name.n, n->name.p, (int)q->service_tier.n,
			q->service_tier.p, (int)names.n, names.n ? names.p : "");
	buf_release(&names);
	return rc;
}

int book_explain_absence(struct book *b, const struct name_entry *n, const char *provider,
			 const struct price_query *q, struct err *e)
{
	char a[INSTANT_TEXT_MAX], c[INSTANT_TEXT_MAX];
	const struct absence x = find_absence(n, provider, q);
	int len = (int)n->name.n;
	if (!x.sells)
		return err_set(e, ERR_NOT_FOUND,
			       "provider '%s' has no model '%.*s' in any price card", provider, len,
			       n->name.p);
	if (x.ended && (!x.before || x.before->to.us <= x.ended->to.us) && !x.after)
		return err_set(e, ERR_RETIRED, "'%.*s' was retired at %s; use '%s' instead", len,
			       n->name.p, instant_format(x.ended->to, a),
			       x.ended->successor ? x.ended->successor : x.ended->model);
	if (x.other_tier)
		return only_in_tiers(n, provider, q, e);
	if (x.other_region && (q->region.n || (!x.before && !x.after)))
		return book_no_such_region(b, n, x.other_region, q, e);
	if (x.other_currency && !x.before && !x.after)
		return only_in(n, provider, q, e);
	if (x.before && x.after)
		return err_set(e, ERR_UNPRICED, "%s/%.*s has no %s price between %s and %s",
			       provider, len, n->name.p, q->currency,
			       instant_format(x.before->to, a), instant_format(x.after->from, c));
	if (x.after)
		return err_set(e, ERR_UNPRICED, "%s/%.*s has no %s price before %s", provider, len,
			       n->name.p, q->currency, instant_format(x.after->from, a));
	if (x.before)
		return err_set(e, ERR_UNPRICED, "%s/%.*s has no %s price from %s on", provider, len,
			       n->name.p, q->currency, instant_format(x.before->to, a));
	return err_set(e, ERR_UNPRICED, "%s/%.*s has no price in %s", provider, len, n->name.p,
		       q->currency);
}
