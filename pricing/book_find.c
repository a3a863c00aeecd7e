#include "pricing/book_parts.h"
#include "pricing/regional.h"
#include "pricing/spelling.h"

/* The next instant at which something of that name begins or ends. */
static void lower_to_edges(struct instant *until, const struct name_entry *n, struct instant at)
{
	for (size_t i = 0; i < n->price_count; i++) {
		book_lower_until(until, at, n->price[i]->from);
		book_lower_until(until, at, n->price[i]->old_seen);
		book_lower_until(until, at, n->price[i]->to);
	}
	for (size_t i = 0; i < n->alias_count; i++) {
		book_lower_until(until, at, n->alias[i]->from);
		book_lower_until(until, at, n->alias[i]->to);
	}
}

/* How closely a price is of a region that is asked for: the card states it of that one, or a rule
 * does, or of every other, or it names none. */
static int closeness(const struct price *p)
{
	return p->region ? 1 + 2 * (strcmp(p->region, REGION_ANY_OTHER) != 0) + !p->rule : 0;
}

/* a should be used rather than b */
static bool beats(const struct price *a, const struct price *b)
{
	if (a->layer != b->layer)
		return a->layer > b->layer;
	if (a->promotion != b->promotion)
		return a->promotion;
	if (closeness(a) != closeness(b))
		return closeness(a) > closeness(b);
	return a->from.us > b->from.us;
}

static const struct price *best_price(const struct name_entry *n, const char *provider,
				      const struct price_query *q)
{
	const struct price *best = NULL;
	for (size_t i = 0; i < n->price_count; i++) {
		const struct price *p = n->price[i];
		if (!p->withdrawn && book_holds(p->from, p->to, q->at) &&
		    strcmp(p->provider, provider) == 0 && strcmp(p->currency, q->currency) == 0 &&
		    book_is_of_tier(p, q->service_tier) && price_is_of_region(p, q->region) &&
		    (!best || beats(p, best)))
			best = p;
	}
	return best;
}

/* The standard price beside p, which is of another service tier: what states p states it too. */
static const struct price *standard_beside(const struct name_entry *n, const struct price *p,
					   const struct price_query *q, struct instant at)
{
	const struct price *best = NULL;
	for (size_t i = 0; i < n->price_count; i++) {
		const struct price *s = n->price[i];
		if (s->layer == p->layer && !s->withdrawn && book_holds(s->from, s->to, at) &&
		    strcmp(s->provider, p->provider) == 0 &&
		    strcmp(s->currency, p->currency) == 0 && book_is_of_tier(s, TEXT("")) &&
		    price_is_of_region(s, q->region) && (!best || beats(s, best)))
			best = s;
	}
	return best;
}

/* p without a price for prompts of which only the standard price says that they cost more. */
static const struct price *within_stated_length(struct book *b, const struct name_entry *n,
						const struct price *p, const struct price_query *q)
{
	if (!p || book_is_of_tier(p, TEXT("")))
		return p;
	const struct instant at = p->from.us > q->at.us ? p->from : q->at;
	return book_price_within_stated_length(b, p, standard_beside(n, p, q, at));
}

static bool follows(const struct price *next, const struct price *p)
{
	return next->from.us == p->to.us && next->promotion == p->promotion &&
	       strcmp(next->provider, p->provider) == 0 && strcmp(next->model, p->model) == 0 &&
	       strcmp(next->currency, p->currency) == 0 &&
	       strcmp(next->service_tier, p->service_tier) == 0 &&
	       strcmp(next->region ? next->region : "", p->region ? p->region : "") == 0;
}

/* The price that may have held at the instant instead: it was first seen where p ends, and p itself
 * was last seen before. */
static const struct price *may_be(const struct name_entry *n, const struct price *p,
				  struct instant at)
{
	for (size_t i = 0; i < n->price_count; i++) {
		const struct price *next = n->price[i];
		if (next->layer == p->layer && !next->withdrawn && follows(next, p) &&
		    next->old_seen.us != INSTANT_MIN.us && next->old_seen.us <= at.us)
			return next;
	}
	return NULL;
}

/* The window of p that holds then, and until when. */
static void take_window(struct price_match *out, const struct price *p, struct instant at)
{
	out->tariff = &p->tariff[p->tariff_count - 1];
	for (size_t i = 0; i + 1 < p->tariff_count; i++) {
		const struct calendar *c = p->tariff[i].calendar;
		const struct instant edge = calendar_next_edge(c, at);
		if (edge.us < out->until.us)
			out->until = edge;
		out->guess |= calendar_is_guess(c, at);
	}
	for (size_t i = 0; i + 1 < p->tariff_count; i++)
		if (calendar_contains(p->tariff[i].calendar, at)) {
			out->tariff = &p->tariff[i];
			break;
		}
}

/* p as the question changes it: the length and the region that it leaves open, the fee of its
 * spelling, and whether it stands in for a seller's. NULL stays NULL. */
static const struct price *vary(struct book *b, const struct name_entry *n, const struct price *p,
				const struct price_query *q, bool stands_in)
{
	p = within_stated_length(b, n, p, q);
	if (q->region.n == 0)
		p = book_price_without_region(b, p);
	if (q->request_fee)
		p = book_price_with_request_fee(b, p, q->request_fee);
	return stands_in ? book_price_standing_in(b, p) : p;
}

static int find_price(struct book *b, const struct price_query *query, struct price_match *out,
		      struct err *e)
{
	struct price_query q = *query;
	const char *provider = NULL;
	if (q.model.n == 0)
		return err_set(e, ERR_NOT_FOUND, "no model is named");
	const bool via = spelling_via(&q.provider);
	if (q.provider.n) {
		provider = book_vendor_named(b, q.provider);
		if (!provider && !via)
			return err_set(
				e, ERR_NOT_FOUND,
				"provider '%.*s' is in no price card; see `tally price list`",
				q.provider.n > 100 ? 100 : (int)q.provider.n, q.provider.p);
	}
	const bool stands_in = via && !provider;
	const struct name_entry *n = book_look_up_spelled(b, &q, &provider);
	if (!n && !provider && (n = book_find_resold(b, q.model)) != NULL) {
		int rc = book_owner_of(b, n, &provider, e);
		return rc != 0 ? rc
			       : err_set(e, ERR_AMBIGUOUS,
					 "'%.*s' may be '%.*s' of %s; name the provider",
					 q.model.n > 100 ? 100 : (int)q.model.n, q.model.p,
					 (int)n->name.n, n->name.p, provider);
	}
	if (!n)
		return book_unknown_model(b, q.model, e);
	if (!provider) {
		int rc = book_owner_of(b, n, &provider, e);
		if (rc != 0)
			return rc;
	}
	const struct name_entry *asked = n;
	lower_to_edges(&out->until, n, q.at);
	for (int hop = 0; hop < 8; hop++) {
		const struct price *p = best_price(n, provider, &q);
		const struct alias *a = book_alias_of(n, provider, q.at);
		if (p && (!a || p->layer >= a->layer)) {
			if (!book_holds_in_region(b, n, p, q.region))
				return book_no_such_region(b, n, p, &q, e);
			out->may_be = vary(b, n, may_be(n, p, q.at), &q, stands_in);
			out->price = vary(b, n, book_price_of_moving_name(b, p, out->alias), &q,
					  stands_in);
			take_window(out, within_stated_length(b, n, p, &q), q.at);
			return 0;
		}
		if (!a)
			return book_explain_absence(b, n, provider, &q, e);
		out->alias = a;
		n = book_look_up(b, text_of(a->model), provider);
		if (!n)
			return err_set(e, ERR_UNPRICED,
				       "'%.*s' means '%s', which is in no price card",
				       (int)asked->name.n, asked->name.p, a->model);
		lower_to_edges(&out->until, n, q.at);
	}
	return err_set(e, ERR_INVALID, "the aliases of '%.*s' form a cycle", (int)asked->name.n,
		       asked->name.p);
}

int book_find(const struct book *b, const struct price_query *q, struct price_match *out,
	      struct err *e)
{
	pthread_mutex_lock(&b->self->lock);
	*out = (struct price_match){ .until = INSTANT_MAX };
	int rc = find_price(b->self, q, out, e);
	pthread_mutex_unlock(&b->self->lock);
	return rc;
}

const struct price *book_over(const struct book *b, const struct price *p, struct instant at)
{
	const struct price_query q = { .service_tier = text_of(p->service_tier),
				       .region = text_of(p->region ? p->region : ""),
				       .currency = p->currency,
				       .at = at };
	pthread_mutex_lock(&b->self->lock);
	const struct name_entry *n = book_look_up(b->self, text_of(p->model), p->provider);
	const struct price *best = n ? best_price(n, p->provider, &q) : NULL;
	pthread_mutex_unlock(&b->self->lock);
	return best && best->layer > p->layer ? best : NULL;
}

/* Whether a card that is open, or one of the vendor, may have prices of bounded dates. */
static bool has_bounded(const struct book *b, const char *provider)
{
	for (size_t i = 0; i < b->table.cards; i++)
		if (b->table.card[i].bounded && strcmp(b->table.card[i].provider, provider) == 0)
			return true;
	for (size_t i = 0; i < b->card_count; i++)
		for (size_t k = 0; k < b->card[i]->price_count; k++)
			if (b->card[i]->price[k].old_seen.us != INSTANT_MIN.us)
				return true;
	return false;
}

const struct price *book_price_in_doubt(const struct book *b, struct text provider,
					struct text model, struct text id,
					const struct price **next)
{
	const struct price *p = NULL;
	*next = NULL;
	pthread_mutex_lock(&b->self->lock);
	const char *seller = book_known_provider(b, provider);
	const struct name_entry *n =
		seller && has_bounded(b, seller) ? book_look_up(b->self, model, seller) : NULL;
	for (size_t i = 0; n && i < n->price_count; i++)
		if (text_is(id, n->price[i]->id) && (!p || n->price[i]->layer > p->layer))
			p = n->price[i];
	if (p)
		*next = may_be(n, p, (struct instant){ p->to.us - 1 });
	pthread_mutex_unlock(&b->self->lock);
	return *next ? p : NULL;
}
