#include <stdlib.h>

#include "pricing/book_parts.h"
#include "pricing/spelling.h"

static void narrow(struct held_span *held, struct instant at, struct instant edge)
{
	book_lower_until(&held->until, at, edge);
	if (edge.us <= at.us && edge.us > held->from.us)
		held->from = edge;
}

/* To the edges at which an alias of that name begins or ends, or a price that goes before one. */
static void narrow_to_edges(struct held_span *held, const struct name_entry *n, struct instant at)
{
	for (size_t i = 0; n->alias_count && i < n->price_count; i++) {
		narrow(held, at, n->price[i]->from);
		narrow(held, at, n->price[i]->to);
	}
	for (size_t i = 0; i < n->alias_count; i++) {
		narrow(held, at, n->alias[i]->from);
		narrow(held, at, n->alias[i]->to);
	}
}

/* Whether the name has a price of its own then, for which the alias is not followed. */
static bool has_price(const struct name_entry *n, const struct alias *a, struct instant at)
{
	for (size_t i = 0; i < n->price_count; i++) {
		const struct price *p = n->price[i];
		if (!p->withdrawn && p->layer >= a->layer && book_holds(p->from, p->to, at) &&
		    strcmp(p->provider, a->provider) == 0)
			return true;
	}
	return false;
}

static const struct name_entry *follow_aliases(struct book *b, const struct name_entry *n,
					       const char *provider, struct instant at,
					       struct held_span *held)
{
	struct err none;
	if (!provider && book_owner_of(b, n, &provider, &none) != 0)
		return n;
	for (int hop = 0; hop < 8; hop++) {
		narrow_to_edges(held, n, at);
		const struct alias *a = book_alias_of(n, provider, at);
		const struct name_entry *next =
			a && !has_price(n, a, at) ? book_look_up(b, text_of(a->model), provider)
						  : NULL;
		if (!next)
			break;
		n = next;
	}
	return n;
}

static const struct name_entry *look_up_made(struct book *b, struct text name, const char *maker)
{
	book_open_name(b, name, maker, FIRST_PARTY);
	return book_closest_name(b, name, book_is_made, maker);
}

/* Whether a spelling took something off the front of what was left, and nothing else. */
static bool is_tail(struct text t, struct buf of)
{
	return t.n && t.n < of.n && memcmp(of.p + of.n - t.n, t.p, t.n) == 0;
}

/* The name as its maker has it, under whichever spelling; NULL where no maker does, and simplest is
 * then what is left of it. */
static const struct name_entry *maker_of(struct book *b, struct text name, struct buf *simplest)
{
	struct spelling s = { .model = name };
	const struct name_entry *n = look_up_made(b, name, NULL);
	simplest->n = 0;
	buf_add(simplest, name.p, name.n);
	while (!n && spelling_next(&s)) {
		const char *seller = s.provider.n ? book_known_provider(b, s.provider) : NULL;
		if (seller && !book_is_reseller(b, NULL, seller))
			n = look_up_made(b, s.model, seller);
		n = n ? n : look_up_made(b, s.model, NULL);
		/* what a name that nobody lists ends in is its own */
		if ((s.tiers || s.loose) && !is_tail(s.model, *simplest))
			continue;
		simplest->n = 0;
		buf_add(simplest, s.model.p, s.model.n);
	}
	return n;
}

static void find_model_name(struct book *b, const struct named_model *m, struct buf *out,
			    struct held_span *held)
{
	struct price_query q = { m->provider, m->model, TEXT(""), TEXT(""), "", m->at, NULL };
	struct buf name = { 0 }, simplest = { 0 };
	spelling_take_offer(&q.model);
	spelling_via(&q.provider);
	const char *provider = q.provider.n ? book_vendor_named(b, q.provider) : NULL;
	const struct name_entry *n = book_look_up_spelled(b, &q, &provider);
	n = n ? follow_aliases(b, n, provider, m->at, held) : NULL;
	struct text left = n ? n->name : q.model;
	do {
		name.n = 0;
		buf_add(&name, left.p, left.n);
		n = maker_of(b, (struct text){ name.p, name.n }, &simplest);
		left = (struct text){ simplest.p, simplest.n };
	} while (!n && spelling_take_edition(&left));
	if (n)
		left = follow_aliases(b, n, NULL, m->at, held)->name;
	for (size_t i = 0; i < left.n; i++) {
		const char c = left.p[i];
		buf_char(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
	}
	buf_release(&name);
	buf_release(&simplest);
}

/* What a spelling leaves may be a name that some card knows, and so on. */
static void find_last_name(struct book *b, const struct named_model *m, struct buf *out,
			   struct held_span *held)
{
	enum { TURNS_MOST = 4 };
	struct buf next = { 0 };
	struct named_model asked = *m;
	find_model_name(b, &asked, out, held);
	for (int i = 0; i < TURNS_MOST; i++) {
		asked = (struct named_model){ TEXT(""), { out->p, out->n }, m->at };
		next.n = 0;
		find_model_name(b, &asked, &next, held);
		if (text_eq((struct text){ next.p, next.n }, asked.model))
			break;
		out->n = 0;
		buf_add(out, next.p, next.n);
	}
	buf_release(&next);
}

static struct meant *meant_of(struct book *b, const struct named_model *m)
{
	enum { MEANT_MOST = 1 << 16 };
	struct buf key = { 0 };
	if (b->meant_count >= MEANT_MOST)
		book_forget_meant(b);
	buf_add(&key, m->provider.p, m->provider.n);
	buf_add(&key, "", 1);
	buf_add(&key, m->model.p, m->model.n);
	uint64_t *at = dict_need(&b->meant_index, (struct text){ key.p, key.n }, NULL);
	buf_release(&key);
	if (!*at) {
		if ((b->meant_count & (b->meant_count - 1)) == 0)
			b->meant = mem_grow(b->meant, (b->meant_count ? b->meant_count * 2 : 1) *
							      sizeof *b->meant);
		b->meant[b->meant_count] = (struct meant){ 0 };
		*at = ++b->meant_count;
	}
	return &b->meant[*at - 1];
}

static void mean(struct book *b, const struct named_model *m, struct buf *out,
		 struct held_span *held)
{
	struct buf name = { 0 };
	struct meant *k = meant_of(b, m);
	if (!k->name || m->at.us < k->held.from.us || m->at.us >= k->held.until.us) {
		*held = (struct held_span){ INSTANT_MIN, INSTANT_MAX };
		find_last_name(b, m, &name, held);
		/* a card that was opened for it has begun the list again */
		k = meant_of(b, m);
		free(k->name);
		buf_add(&name, "", 1);
		*k = (struct meant){ *held, name.p, name.n - 1 };
	}
	*held = k->held;
	buf_add(out, k->name, k->n);
}

void book_model_name(const struct book *b, const struct named_model *m, struct buf *out,
		     struct held_span *held)
{
	*held = (struct held_span){ INSTANT_MIN, INSTANT_MAX };
	if (!m->model.n)
		return;
	pthread_mutex_lock(&b->self->lock);
	mean(b->self, m, out, held);
	pthread_mutex_unlock(&b->self->lock);
}

bool book_same_model(const struct book *b, struct text one, const struct named_model *other,
		     struct instant *until)
{
	struct buf names[2] = { { 0 }, { 0 } };
	const struct named_model each[2] = { { TEXT(""), one, other->at }, *other };
	bool same = text_eq(one, other->model);
	for (int i = 0; i < 2 && !same; i++) {
		struct held_span held;
		book_model_name(b, &each[i], &names[i], &held);
		if (held.until.us < until->us)
			*until = held.until;
	}
	same = same || text_eq((struct text){ names[0].p, names[0].n },
			       (struct text){ names[1].p, names[1].n });
	buf_release(&names[0]);
	buf_release(&names[1]);
	return same;
}
