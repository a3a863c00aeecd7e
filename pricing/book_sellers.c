#include "pricing/book_parts.h"
#include "pricing/spelling.h"

static const struct shipped_card *shipped_of(const struct book *b, const char *provider)
{
	for (size_t i = 0; i < b->table.cards; i++)
		if (strcasecmp(b->table.card[i].provider, provider) == 0)
			return &b->table.card[i];
	return NULL;
}

bool book_is_reseller(const struct book *b, const struct price *p, const char *provider)
{
	if (p && p->reseller)
		return true;
	const struct shipped_card *s = shipped_of(b, provider);
	return s && s->reseller;
}

bool book_is_made(const struct book *b, const struct name_entry *n, const char *maker)
{
	for (size_t i = 0; i < n->price_count; i++)
		if ((!maker || strcmp(maker, n->price[i]->provider) == 0) &&
		    !book_is_reseller(b, n->price[i], n->price[i]->provider))
			return true;
	for (size_t i = 0; i < n->alias_count; i++)
		if ((!maker || strcmp(maker, n->alias[i]->provider) == 0) &&
		    !book_is_reseller(b, NULL, n->alias[i]->provider))
			return true;
	return false;
}

const char *book_known_provider(const struct book *b, struct text name)
{
	for (size_t i = 0; i < b->table.cards; i++)
		if (book_same_name(text_of(b->table.card[i].provider), name))
			return b->table.card[i].provider;
	for (size_t i = 0; i < b->card_count; i++)
		for (size_t k = 0; k < b->card[i]->price_count; k++)
			if (book_same_name(text_of(b->card[i]->price[k].provider), name))
				return b->card[i]->price[k].provider;
	return NULL;
}

const char *book_vendor_named(const struct book *b, struct text name)
{
	const char *known = book_known_provider(b, name);
	return known ? known : book_known_provider(b, provider_spelling(name));
}

const char *book_vendor(const struct book *b, struct text name)
{
	pthread_mutex_lock(&b->self->lock);
	const char *vendor = book_vendor_named(b, name);
	pthread_mutex_unlock(&b->self->lock);
	return vendor;
}

bool book_has_maker(const struct book *b, const char *provider)
{
	const struct shipped_card *s = shipped_of(b, provider);
	return s && !s->reseller;
}

struct text book_seller_named(struct text word, struct arena *a)
{
	static const char *const protocols[] = { "openai", "anthropic" };
	const struct text name = provider_spelling(word);
	if (!word.n)
		return word;
	if (spelling_is_framework(word))
		return TEXT("");
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
		if (book_same_name(text_of(protocols[i]), name))
			return TEXT("");
	for (size_t i = 0; i < shipped_card_count; i++)
		if (book_same_name(text_of(shipped_cards[i].provider), name))
			return text_of(shipped_cards[i].provider);
	return text_of(arena_printf(a, SOLD_VIA "%.*s", word.n > 100 ? 100 : (int)word.n, word.p));
}

/* Those who sell a name in one layer. */
struct sellers_found {
	const char *one;
	struct buf others;
};

/* The first of them in the order of their names that comes after another (NULL: the very first), or
 * NULL. */
static const char *next_seller(const struct book *b, const struct name_entry *n, int layer,
			       bool resellers, const char *after)
{
	const char *next = NULL;
	for (size_t i = 0; i < n->price_count + n->alias_count; i++) {
		bool is_alias = i >= n->price_count;
		const struct price *p = is_alias ? NULL : n->price[i];
		const struct alias *a = is_alias ? n->alias[i - n->price_count] : NULL;
		const char *provider = is_alias ? a->provider : p->provider;
		/* whether it resells is asked last: it takes a walk through the cards */
		if ((is_alias ? a->layer : p->layer) == layer &&
		    (!after || strcmp(provider, after) > 0) &&
		    (!next || strcmp(provider, next) < 0) &&
		    book_is_reseller(b, p, provider) == resellers)
			next = provider;
	}
	return next;
}

static void find_sellers(const struct book *b, const struct name_entry *n, int layer,
			 bool resellers, struct sellers_found *out)
{
	out->one = next_seller(b, n, layer, resellers, NULL);
	for (const char *p = out->one; p && (p = next_seller(b, n, layer, resellers, p)) != NULL;)
		buf_printf(&out->others, ", %s", p);
}

static int highest_layer(const struct name_entry *n)
{
	int layer = -1;
	for (size_t i = 0; i < n->price_count; i++)
		layer = n->price[i]->layer > layer ? n->price[i]->layer : layer;
	for (size_t i = 0; i < n->alias_count; i++)
		layer = n->alias[i]->layer > layer ? n->alias[i]->layer : layer;
	return layer;
}

int book_owner_of(const struct book *b, const struct name_entry *n, const char **out, struct err *e)
{
	struct sellers_found ambiguous = { 0 };
	for (int resellers = 0; resellers < 2 && !ambiguous.one; resellers++)
		for (int layer = highest_layer(n); layer >= 0; layer--) {
			struct sellers_found found = { 0 };
			find_sellers(b, n, layer, resellers, &found);
			if (found.one && !found.others.n) {
				*out = found.one;
				buf_release(&ambiguous.others);
				return 0;
			}
			if (found.one && !ambiguous.one)
				ambiguous = found;
			else
				buf_release(&found.others);
		}
	int rc = ambiguous.one
			 ? err_set(e, ERR_AMBIGUOUS,
				   "several vendors sell '%.*s' (%s%.200s); name the provider",
				   (int)n->name.n, n->name.p, ambiguous.one, ambiguous.others.p)
			 : err_set(e, ERR_NOT_FOUND, "no price card lists '%.*s'", (int)n->name.n,
				   n->name.p);
	buf_release(&ambiguous.others);
	return rc;
}
