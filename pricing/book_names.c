#include "pricing/book_parts.h"
#include "pricing/spelling.h"

const char *service_tier_standard(size_t i)
{
	static const char *const names[] = { "standard", "default", "auto", "on_demand",
					     "standard_only" };
	return i < sizeof names / sizeof *names ? names[i] : NULL;
}

bool service_tier_is_standard(struct text tier)
{
	const char *name;
	for (size_t i = 0; (name = service_tier_standard(i)); i++)
		if (text_is(tier, name))
			return true;
	return tier.n == 0;
}

const struct alias *book_alias_of(const struct name_entry *n, const char *provider,
				  struct instant t)
{
	const struct alias *best = NULL;
	for (size_t i = 0; i < n->alias_count; i++) {
		const struct alias *a = n->alias[i];
		if (book_holds(a->from, a->to, t) && strcmp(a->provider, provider) == 0 &&
		    (!best || a->layer > best->layer ||
		     (a->layer == best->layer && a->from.us > best->from.us)))
			best = a;
	}
	return best;
}

/* Whether that vendor, or (NULL) a first party or a card of the user's, knows the name. What else
 * happens to be open must not matter. */
static bool is_sold(const struct book *b, const struct name_entry *n, const char *provider)
{
	for (size_t i = 0; n && i < n->price_count; i++) {
		const struct price *p = n->price[i];
		if (provider ? strcmp(provider, p->provider) == 0
			     : p->layer > 0 || !book_is_reseller(b, p, p->provider))
			return true;
	}
	for (size_t i = 0; n && i < n->alias_count; i++) {
		const struct alias *a = n->alias[i];
		if (provider ? strcmp(provider, a->provider) == 0
			     : a->layer > 0 || !book_is_reseller(b, NULL, a->provider))
			return true;
	}
	return false;
}

const struct name_entry *book_look_up(struct book *b, struct text name, const char *provider)
{
	book_open_name(b, name, provider, FIRST_PARTY);
	return book_closest_name(b, name, is_sold, provider);
}

/* As book_look_up, and of a seller that lists the models of others under names of its own. */
static const struct name_entry *look_up_own(struct book *b, struct text name, const char *provider)
{
	char own[SPELLING_MAX];
	const struct name_entry *n = book_look_up(b, name, provider);
	for (int i = 0; !n && provider && spelling_own_name(own, provider, name, i); i++)
		n = book_look_up(b, text_of(own), provider);
	return n;
}

/* The same; what a vendor sells under the names of another one of its cards is found there, and
 * that one is then the provider. */
static const struct name_entry *look_up_seller(struct book *b, struct text name,
					       const char **provider)
{
	const struct name_entry *n = look_up_own(b, name, *provider);
	const char *other = n || !*provider ? NULL : spelling_other_card(*provider, name);
	const char *seller = other ? book_known_provider(b, text_of(other)) : NULL;
	if (seller && (n = book_look_up(b, name, seller)) != NULL)
		*provider = seller;
	return n;
}

/* Whether `named` sells what the spelling says that `seller` does. */
static bool may_sell(const char *seller, const char *named, struct text name)
{
	const char *other = spelling_other_card(seller, name);
	return strcmp(seller, named) == 0 || (other && strcmp(other, named) == 0);
}

static struct name_entry *find_name(const struct book *b, struct text name)
{
	return book_closest_name(b, name, NULL, NULL);
}

const struct name_entry *book_look_up_spelled(struct book *b, struct price_query *q,
					      const char **provider)
{
	struct spelling s = { .model = q->model };
	const struct name_entry *n = look_up_seller(b, q->model, provider);
	while (!n && spelling_next(&s)) {
		/* a name that a reseller lists ends in no tier, and has no more to take off */
		if ((s.tiers || s.loose) && !*provider &&
		    book_open_name(b, q->model, NULL, RESELLERS) && find_name(b, q->model))
			break;
		const char *seller = s.provider.n ? book_known_provider(b, s.provider) : *provider;
		if (s.provider.n &&
		    (!seller || (*provider && !may_sell(seller, *provider, s.model))))
			continue;
		n = look_up_seller(b, s.model, &seller);
		if (!n)
			continue;
		*provider = seller;
		/* a profile or an endpoint in the name is what served the call, wherever it came
		 * from: `global.` called in us-east-1 is the global price */
		q->region = s.region.n ? s.region : q->region;
		q->request_fee = s.request_fee;
		if (service_tier_is_standard(q->service_tier) && s.service_tier.n)
			q->service_tier = s.service_tier;
	}
	/* whose name it is decides what is said of it, whatever was asked before */
	if (!n && *provider)
		book_open_name(b, q->model, NULL, FIRST_PARTY);
	if (!n)
		book_open_name(b, q->model, NULL, RESELLERS);
	return n ? n : find_name(b, q->model);
}

const struct name_entry *book_find_resold(struct book *b, struct text model)
{
	struct spelling s = { .model = model };
	while (spelling_next(&s))
		if (!s.provider.n && book_open_name(b, s.model, NULL, RESELLERS) &&
		    find_name(b, s.model))
			return find_name(b, s.model);
	return NULL;
}
