/*
 * book_parts: what the parts of the price book share. Internal to pricing/.
 *
 * book.c keeps the cards, opens those that are shipped and finds names in them; book_sellers.c
 * knows the vendors, book_names.c the entry that a name means as it was written, book_meaning.c the
 * name that a model's maker has for it; book_regions.c says in which regions a price holds,
 * book_variants.c makes prices that differ from a card's, book_find.c finds the price that held,
 * book_absence.c says why there is none, book_facts.c what cards say besides prices.
 *
 * Whoever calls these holds the lock of the book.
 */
#ifndef TALLY_PRICING_BOOK_PARTS_H
#define TALLY_PRICING_BOOK_PARTS_H

#include <pthread.h>
#include <strings.h>

#include "base/dict.h"
#include "pricing/book.h"
#include "pricing/shipped.h"

/* Everything known under one model name. */
struct name_entry {
	struct text name;
	const struct price **price;
	size_t price_count;
	const struct alias **alias;
	size_t alias_count;
	struct name_entry *next; /* same hash */
};

/* What a name meant when it was asked for, and as long as that holds. */
struct meant {
	struct held_span held;
	char *name;
	size_t n;
};

enum { NAME_SLOTS = 4096 };

struct book_pack;
struct variant;

struct book {
	struct card_table table; /* the shipped cards, or those installed in their place */
	struct book_pack *pack;
	struct card **card;
	size_t card_count;
	int layer_next;
	size_t first_peer; /* where `peers`: the first card of the layer in the making */
	bool peers;
	struct arena arena;
	struct name_entry *slot[NAME_SLOTS];
	const struct card *opened[SHIPPED_CARDS_MAX];
	struct variant *variant;			      /* that were asked for */
	void (*own_names)(const void *user, struct buf *out); /* asked once, where it is needed */
	const void *own_user;
	struct buf own;
	pthread_mutex_t lock; /* of all of it: cards are opened while threads ask */
	struct book *self;    /* for opening a card of a book that is only asked */
	struct dict guess;    /* at what unknown names may have meant: name to text */
	/* what names meant when they were asked for: provider, 0, model to 1 + place */
	struct dict meant_index;
	struct meant *meant;
	size_t meant_count;
};

/* Ignoring case. */
static inline bool book_same_name(struct text a, struct text b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* Whether t is in [from, to). */
static inline bool book_holds(struct instant from, struct instant to, struct instant t)
{
	return t.us >= from.us && t.us < to.us;
}

/* Lowers *until to an edge that comes after `at`. */
static inline void book_lower_until(struct instant *until, struct instant at, struct instant edge)
{
	if (edge.us > at.us && edge.us < until->us)
		*until = edge;
}

/* Whether p is the price of that service tier, by any of its names. */
static inline bool book_is_of_tier(const struct price *p, struct text tier)
{
	return service_tier_is_standard(tier) ? strcmp(p->service_tier, "standard") == 0
					      : text_is(tier, p->service_tier);
}

/* --- cards and the names in them (book.c) --- */

enum sellers { FIRST_PARTY, RESELLERS };

/* Opens the shipped cards that know the name: those of a provider, or (NULL) of first parties or of
 * resellers. Returns whether there is such a card. */
bool book_open_name(struct book *b, struct text name, const char *provider, enum sellers which);
/* Opens the shipped card of a vendor: what it says of all its models must not depend on which of
 * them was asked for before. */
void book_open_provider(struct book *b, const char *provider);
/* The closest entry of that name of those that `fits` takes for that provider; of all, where it is
 * NULL. NULL: none is open. */
struct name_entry *book_closest_name(const struct book *b, struct text name,
				     bool (*fits)(const struct book *b, const struct name_entry *n,
						  const char *provider),
				     const char *provider);
/* What names meant, which one more card may change. */
void book_forget_meant(struct book *b);

/* --- who sells (book_sellers.c) --- */

/* Whether that vendor resells: its card says so (that of p, which may be NULL), or the shipped card
 * of that vendor. */
bool book_is_reseller(const struct book *b, const struct price *p, const char *provider);
/* Whether that maker, or (NULL) any, has the name in a card. */
bool book_is_made(const struct book *b, const struct name_entry *n, const char *maker);
/* A vendor as the cards spell it, ignoring case, or NULL. */
const char *book_known_provider(const struct book *b, struct text name);
/* The same by another spelling of the name, too. */
const char *book_vendor_named(const struct book *b, struct text name);
/*
 * The vendor meant by a bare model name: the one first party that sells it, of the highest layer
 * where there is just one (more cards never make a name ambiguous that was not); where no first
 * party does, the one reseller. Errors: ERR_AMBIGUOUS, ERR_NOT_FOUND.
 */
int book_owner_of(const struct book *b, const struct name_entry *n, const char **out,
		  struct err *e);

/* --- which entry a name means (book_names.c) --- */

/* The entry of a name as that provider sells it, or (NULL) as a first party does; or NULL. */
const struct name_entry *book_look_up(struct book *b, struct text name, const char *provider);
/*
 * The entry of a model under the name that was written or another spelling of it, first parties
 * before resellers. What the spelling tells besides goes into q, the vendor into *provider.
 */
const struct name_entry *book_look_up_spelled(struct book *b, struct price_query *q,
					      const char **provider);
/* What resellers alone sell under a simpler spelling of a name that is in no card: it has no price,
 * but sellers to choose from. */
const struct name_entry *book_find_resold(struct book *b, struct text model);
/* What the name is an alias of at that vendor then, or NULL. */
const struct alias *book_alias_of(const struct name_entry *n, const char *provider,
				  struct instant t);

/* --- regions (book_regions.c) --- */

/* Whether p, which names no region, is the price in that one too; true of one that names it. */
bool book_holds_in_region(struct book *b, const struct name_entry *n, const struct price *p,
			  struct text region);
/* Says that what p prices has no price in the region of q, and in which it has one. Returns
 * -ERR_UNPRICED. */
int book_no_such_region(struct book *b, const struct name_entry *n, const struct price *p,
			const struct price_query *q, struct err *e);

/* --- prices that differ from a card's (book_variants.c); of NULL: NULL --- */

/* p for a call that names no region: where it would cost more in some, this is the least. */
const struct price *book_price_without_region(struct book *b, const struct price *p);
/* The price p where every request pays its fee of that unit too. */
const struct price *book_price_with_request_fee(struct book *b, const struct price *p,
						const char *unit);
/* p of another service tier than the standard one: where the standard price (NULL: none) has
 * context tiers above all of p's, p states nothing of a prompt above the lowest of them. */
const struct price *book_price_within_stated_length(struct book *b, const struct price *p,
						    const struct price *standard);
/* p for a call by a name that moves to newer models (its own, or of the alias that was followed,
 * which may be NULL), where the book does not say when it moves next. */
const struct price *book_price_of_moving_name(struct book *b, const struct price *p,
					      const struct alias *alias);
/* p for a call of a seller of whom no card has prices. */
const struct price *book_price_standing_in(struct book *b, const struct price *p);

/* --- why there is no price (book_absence.c) --- */

/* Returns -ERR_NOT_FOUND; e, if any, says what the name may have meant. */
int book_unknown_model(struct book *b, struct text model, struct err *e);
/* Says why provider's model n has no price at q->at. Returns what book_find does. */
int book_explain_absence(struct book *b, const struct name_entry *n, const char *provider,
			 const struct price_query *q, struct err *e);

#endif
