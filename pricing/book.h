/*
 * book: all price cards together; answers which one price held at an instant, and why.
 *
 * The shipped cards are layer 0; every file or folder that the user names is a layer above and
 * overrides the ones below where it states a price or an alias for that provider, model and
 * instant. Cards of one folder are one layer, and are refused where they contradict each other.
 * Within a layer a promotion overrides the list price. Withdrawn announcements are shown but never
 * used. Read-only after loading, so threads may share it.
 */
#ifndef TALLY_PRICING_BOOK_H
#define TALLY_PRICING_BOOK_H

#include "pricing/card.h"

struct book;

/* The shipped cards only. */
int book_open(struct book **out, struct err *e);
/* names adds to out, with near_names_own, the models that the user has calls of: a name that no
 * card lists may have meant one of them. Asked once at most; user lives as long as the book. */
void book_ask_own_names(struct book *b, void (*names)(const void *user, struct buf *out),
			const void *user);
void book_close(struct book *b);
/* The book that was installed at that path (pricing/book_pack.h) in place of the shipped cards,
 * where it is newer than they are; before anything else is asked or added. Errors: those of
 * book_pack_open. */
int book_use_pack(struct book *b, const char *path, struct err *e);
/* The day on which its shipped, or installed, cards were checked: 2026-11-27. */
const char *book_released(const struct book *b);
/* A card file, or every *.json of a directory, as one more layer. */
int book_add_path(struct book *b, const char *path, struct err *e);
/* Cards that are added between the two are one layer: none goes before another, so they must not
 * contradict each other. A directory's are so by themselves. Errors: ERR_INVALID with the first
 * contradiction; the book is then good for closing only. */
void book_peers_begin(struct book *b);
int book_peers_end(struct book *b, struct err *e);
/* Takes ownership of the card. */
void book_add_card(struct book *b, struct card *c);

struct price_query {
	struct text provider; /* empty: the vendor that owns the name */
	struct text model;
	struct text service_tier, region; /* empty: standard, any */
	const char *currency;
	struct instant at;
	/* private */
	const char *request_fee;
};

struct price_match {
	const struct price *price;
	const struct tariff *tariff; /* the window that holds at the instant */
	const struct price
		*may_be;	   /* may have held instead: p ends when this one was first seen,
				      and  was last seen before the instant; NULL: no doubt of it */
	const struct alias *alias; /* the last alias that was followed, or NULL */
	struct instant until;	   /* before it the answer to the same question cannot change */
	bool guess;		   /* the holidays that would decide are not known for that day */
};

/*
 * Errors: ERR_NOT_FOUND (unknown model or provider), ERR_AMBIGUOUS (several vendors), ERR_RETIRED
 * (alias ended), ERR_UNPRICED (known, but no price of that currency or tier holds then). On error
 * out->until is set too. The message does not depend on query.at except through which prices
 * surround it.
 */
int book_find(const struct book *b, const struct price_query *q, struct price_match *out,
	      struct err *e);

/*
 * What a name of a model means at an instant: the name under which its maker has it in the cards,
 * whoever sells it and however clouds, gateways and agents write it; of what no maker lists, the
 * simplest spelling of it. In lower case, appended to out. A name means itself: asked for what it
 * said, it says the same.
 */
struct named_model {
	struct text provider, model; /* provider: empty where nobody is named */
	struct instant at;
};
/* held: as long as it says the same at least, [from, until). */
struct held_span {
	struct instant from, until;
};
void book_model_name(const struct book *b, const struct named_model *m, struct buf *out,
		     struct held_span *held);
/* Whether a name that was typed means the model that a call names: the same text, or the same
 * meaning then. *until is lowered to the first instant at which that may change. */
bool book_same_model(const struct book *b, struct text typed, const struct named_model *call,
		     struct instant *until);

/*
 * The price of a layer above that is taken instead of p, which holds then: it is of the same
 * series, or a promotion, or of the vendor's name for it. NULL: p is what a question for it gets.
 */
const struct price *book_over(const struct book *b, const struct price *p, struct instant at);

/*
 * The price of that id as the vendor sells the model, where another may have held before it ended:
 * *next, which was first seen where it ends, while it was last seen itself before. NULL: there is
 * no such price, or its end is not in doubt. A card in which no date is in doubt is not opened.
 */
const struct price *book_price_in_doubt(const struct book *b, struct text provider,
					struct text model, struct text id,
					const struct price **next);

/*
 * Who sold a call, as a record says it, by the word of an agent's configuration: a vendor of the
 * shipped cards ("amazon-bedrock" is bedrock); "via WORD", in the arena, of whom they have none; or
 * nothing where the word (openai, anthropic) is as likely the protocol of an endpoint that somebody
 * else runs, or is a framework's (spelling_is_framework). The name of the model says who sells the
 * calls of those.
 */
struct text book_seller_named(struct text word, struct arena *a);

/* The vendor whom the cards know by the name, or whom gateways and agents call so; NULL: none. */
const char *book_vendor(const struct book *b, struct text name);
/* Whether the book has that vendor as a first party. */
bool book_has_maker(const struct book *b, const char *provider);

/* Every name of a model that the shipped cards know, and those that were added; in no order, and
 * perhaps more than once. */
void book_each_name(const struct book *b, void (*take)(void *user, struct text name), void *user);

/* Lists; the count opens every shipped card. */
size_t book_card_count(const struct book *b);
const struct card *book_card(const struct book *b, size_t i);
/* Works out the digest of the text of one of its cards. Errors: ERR_SYSTEM. */
int book_identify(const struct book *b, const struct card *c, struct err *e);
/* The card that is called so, or has that digest (which is then the one); NULL: none. Its own
 * digest is known. */
const struct card *book_card_named(const struct book *b, const char *name, const char *sha256);
/* A card by its text, as one more layer; file: what messages call it. Errors: ERR_INVALID. */
int book_add_text(struct book *b, struct text json, const char *file, enum card_kind kind,
		  struct err *e);
/* What the sources disagree about of that model at that instant: the i-th, or NULL. */
const struct dispute *book_dispute(const struct book *b, const char *provider, const char *model,
				   struct instant at, size_t i);

/* What is known of a model (by its resolved name) beside its price, or NULL. */
const struct model_limits *book_limits(const struct book *b, const char *model);

/* What the vendor's cache of that model (both by the names of its price) promises then, or NULL.
 * The newest card that says something, and there what names the model most closely. until (may be
 * NULL): as long as the answer holds at least. */
const struct cache_contract *book_cache(const struct book *b, const char *provider,
					const char *model, struct instant at,
					struct instant *until);

/* The JSON files of plans and offers that are compiled into the program. */
struct shipped_file {
	const char *name, *bytes;
};
extern const struct shipped_file shipped_plans[], shipped_offers[]; /* ended by a NULL name */

/* Tier names that all mean the standard price: the i-th, or NULL. */
const char *service_tier_standard(size_t i);
/* One of them, or none at all. */
bool service_tier_is_standard(struct text tier);

#endif
