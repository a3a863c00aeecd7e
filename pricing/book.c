#include "pricing/book.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/dict.h"
#include "base/digest.h"
#include "pricing/book_pack.h"
#include "pricing/near_names.h"
#include "pricing/regional.h"
#include "pricing/series.h"
#include "pricing/spelling.h"

/* Everything known under one model name. */
struct name_entry {
	struct text name;
	const struct price **price;
	size_t price_count;
	const struct alias **alias;
	size_t alias_count;
	struct name_entry *next; /* same hash */
};

enum { NAME_SLOTS = 4096 };

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

enum { MEANT_MOST = 1 << 16 };
struct meant {
	struct held_span held;
	char *name;
	size_t n;
};

static void forget_meant(struct book *b)
{
	for (size_t i = 0; i < b->meant_count; i++)
		free(b->meant[i].name);
	free(b->meant);
	dict_release(&b->meant_index);
	b->meant = NULL;
	b->meant_count = 0;
}

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

static uint32_t slot_of(struct text name)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];
		h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 16777619u;
	}
	return h % NAME_SLOTS;
}

static bool same_ignoring_case(struct text a, struct text b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* Exact spelling first, then ignoring case; of several the first in the order of their bytes, so
 * that what else is open does not matter. */
static bool names_closer(const struct name_entry *n, const struct name_entry *than,
			 struct text name)
{
	if (!than || text_eq(n->name, name))
		return true;
	return !text_eq(than->name, name) && text_cmp(n->name, than->name) < 0;
}

/* The closest entry of those that `fits` takes for that provider; of all, where it is NULL. */
static struct name_entry *closest_name(const struct book *b, struct text name,
				       bool (*fits)(const struct book *b,
						    const struct name_entry *n,
						    const char *provider),
				       const char *provider)
{
	struct name_entry *found = NULL;
	for (struct name_entry *n = b->slot[slot_of(name)]; n; n = n->next)
		if (same_ignoring_case(n->name, name) && (!fits || fits(b, n, provider)) &&
		    names_closer(n, found, name))
			found = n;
	return found;
}

static struct name_entry *find_name(const struct book *b, struct text name)
{
	return closest_name(b, name, NULL, NULL);
}

static struct name_entry *need_name(struct book *b, const char *s)
{
	struct text name = text_of(s);
	uint32_t slot = slot_of(name);
	for (struct name_entry *n = b->slot[slot]; n; n = n->next)
		if (text_eq(n->name, name))
			return n;
	struct name_entry *n = arena_alloc(&b->arena, sizeof *n);
	n->name = name;
	n->next = b->slot[slot];
	b->slot[slot] = n;
	return n;
}

static const void **push(const void **list, size_t *count, const void *item)
{
	/* grows at powers of two */
	if ((*count & (*count - 1)) == 0)
		list = mem_grow(list, (*count ? *count * 2 : 1) * sizeof *list);
	list[(*count)++] = item;
	return list;
}

static void add_card(struct book *b, struct card *c, int layer)
{
	forget_meant(b);
	b->card = mem_grow(b->card, (b->card_count + 1) * sizeof *b->card);
	b->card[b->card_count++] = c;
	for (size_t i = 0; i < c->price_count; i++) {
		struct price *p = &c->price[i];
		struct name_entry *n = need_name(b, p->model);
		p->layer = layer;
		p->card = c;
		n->price = (const struct price **)push((const void **)n->price, &n->price_count, p);
	}
	for (size_t i = 0; i < c->alias_count; i++) {
		struct alias *a = &c->alias[i];
		struct name_entry *n = need_name(b, a->alias);
		a->layer = layer;
		n->alias = (const struct alias **)push((const void **)n->alias, &n->alias_count, a);
	}
}

void book_add_card(struct book *b, struct card *c)
{
	add_card(b, c, b->layer_next);
}

/* Opens a shipped card, once. They were checked when the program was built and tested. */
static void open_shipped(struct book *b, size_t i)
{
	const struct shipped_card *s = &b->table.card[i];
	if (b->opened[i])
		return;
	char *text = mem_alloc(s->size + 1);
	uLongf size = s->size;
	CHECK(uncompress((unsigned char *)text, &size, s->bytes, s->packed) == Z_OK &&
	      size == s->size);
	struct fault_list faults = { 0 };
	struct card *card = NULL;
	CHECK(card_parse_known(&card, (struct text){ text, size }, s->name, &faults) == 0);
	fault_list_release(&faults);
	free(text);
	b->opened[i] = card;
	add_card(b, card, 0);
}

static void open_all(struct book *b)
{
	for (size_t i = 0; i < b->table.cards; i++)
		open_shipped(b, i);
}

/* The first name of the table that is not before it, ignoring case. */
static size_t shipped_from(const struct book *b, struct text name)
{
	size_t low = 0, high = b->table.names;
	while (low < high) {
		size_t mid = (low + high) / 2;
		const char *known = b->table.text + b->table.name[mid].at;
		size_t i = 0;
		int order = 0;
		for (; i < name.n && order == 0; i++) {
			char c = name.p[i];
			c = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
			order = (unsigned char)known[i] - (unsigned char)c;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

enum sellers { FIRST_PARTY, RESELLERS };

/* Opens the shipped cards that know the name: those of a provider, or (NULL) of first parties or of
 * resellers. Returns whether there is such a card. */
static bool open_name(struct book *b, struct text name, const char *provider, enum sellers which)
{
	bool found = false;
	for (size_t i = shipped_from(b, name); i < b->table.names; i++) {
		const char *known = b->table.text + b->table.name[i].at;
		if (strlen(known) != name.n || strncasecmp(known, name.p, name.n) != 0)
			break;
		const struct shipped_card *s = &b->table.card[b->table.name[i].card];
		if (provider ? strcasecmp(provider, s->provider) != 0
			     : s->reseller != (which == RESELLERS))
			continue;
		open_shipped(b, b->table.name[i].card);
		found = true;
	}
	return found;
}

int book_open(struct book **out, struct err *e)
{
	(void)e;
	CHECK(shipped_card_count <= SHIPPED_CARDS_MAX);
	struct book *b = mem_zalloc(sizeof *b);
	pthread_mutex_init(&b->lock, NULL);
	b->self = b;
	b->table = shipped_table();
	b->layer_next = 1;
	*out = b;
	return 0;
}

int book_use_pack(struct book *b, const char *path, struct err *e)
{
	struct book_pack *pack;
	int rc = book_pack_open(&pack, path, e);
	if (rc != 0)
		return rc;
	struct card_table t = book_pack_table(pack);
	if (strcmp(t.released, b->table.released) <= 0) {
		book_pack_close(pack);
		return 0;
	}
	b->table = t;
	b->pack = pack;
	return 0;
}

const char *book_released(const struct book *b)
{
	return b->table.released;
}

void book_close(struct book *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < NAME_SLOTS; i++)
		for (struct name_entry *n = b->slot[i]; n; n = n->next) {
			free(n->price);
			free(n->alias);
		}
	for (size_t i = 0; i < b->card_count; i++)
		card_close(b->card[i]);
	free(b->card);
	book_pack_close(b->pack);
	arena_release(&b->arena);
	buf_release(&b->own);
	dict_release(&b->guess);
	forget_meant(b);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

void book_ask_own_names(struct book *b, void (*names)(const void *user, struct buf *out),
			const void *user)
{
	b->own_names = names;
	b->own_user = user;
}

/* Takes over what was read of a card, as one more layer. */
static int take_card(struct book *b, int rc, struct card *card, struct fault_list *faults,
		     const char *file, struct err *e)
{
	if (rc == 0) {
		book_add_card(b, card);
		b->layer_next += !b->peers;
	} else {
		err_set(e, (enum err_code) - rc, "price card %s: %s%s%s%s", file,
			faults->fault[0].place, *faults->fault[0].place ? ": " : "",
			faults->fault[0].message,
			faults->count > 1 ? " (and more; see `tally price check`)" : "");
		card_close(card);
	}
	fault_list_release(faults);
	return rc;
}

void book_peers_begin(struct book *b)
{
	CHECK(!b->peers);
	b->peers = true;
	b->first_peer = b->card_count;
}

int book_peers_end(struct book *b, struct err *e)
{
	struct fault_list faults = { 0 };
	const size_t found = cards_contradict((const struct card *const *)b->card + b->first_peer,
					      b->card_count - b->first_peer, &faults);
	b->peers = false;
	b->layer_next++;
	if (found) {
		struct buf more = { 0 };
		if (found > 1)
			buf_printf(&more, ", and %zu more like it", found - 1);
		err_set(e, ERR_INVALID,
			"price card %s %s%s; neither goes before the other: correct or remove one "
			"of them",
			faults.fault[0].place, faults.fault[0].message, more.n ? more.p : "");
		buf_release(&more);
	}
	fault_list_release(&faults);
	return found ? -ERR_INVALID : 0;
}

static int add_file(struct book *b, const char *path, struct err *e)
{
	struct fault_list faults = { 0 };
	struct card *card = NULL;
	const int rc = card_read_file(&card, path, &faults);
	return take_card(b, rc, card, &faults, path, e);
}

int book_add_text(struct book *b, struct text json, const char *file, enum card_kind kind,
		  struct err *e)
{
	struct fault_list faults = { 0 };
	struct card *card = NULL;
	const int rc = card_read_text(&card, json, file, kind, &faults);
	return take_card(b, rc, card, &faults, file, e);
}

static int json_file_filter(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return n > 5 && strcmp(d->d_name + n - 5, ".json") == 0 && d->d_name[0] != '.';
}

int book_add_path(struct book *b, const char *path, struct err *e)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return err_set(e, ERR_NOT_FOUND, "price card '%s': %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return add_file(b, path, e);
	struct dirent **names;
	int n = scandir(path, &names, json_file_filter, alphasort);
	if (n < 0)
		return err_set(e, ERR_UNREADABLE, "could not read the directory '%s': %s", path,
			       strerror(errno));
	int rc = n ? 0
		   : err_set(e, ERR_NOT_FOUND, "the directory '%s' holds no price cards (*.json)",
			     path);
	book_peers_begin(b);
	for (int i = 0; i < n; i++) {
		char file[4096];
		snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
		if (rc == 0)
			rc = add_file(b, file, e);
		free(names[i]);
	}
	free(names);
	const int alone = book_peers_end(b, rc == 0 ? e : NULL);
	return rc ? rc : alone;
}

static void lower(struct instant *until, struct instant at, struct instant edge)
{
	if (edge.us > at.us && edge.us < until->us)
		*until = edge;
}

/* The next instant at which something of that name begins or ends. */
static void lower_to_edges(struct instant *until, const struct name_entry *n, struct instant at)
{
	for (size_t i = 0; i < n->price_count; i++) {
		lower(until, at, n->price[i]->from);
		lower(until, at, n->price[i]->old_seen);
		lower(until, at, n->price[i]->to);
	}
	for (size_t i = 0; i < n->alias_count; i++) {
		lower(until, at, n->alias[i]->from);
		lower(until, at, n->alias[i]->to);
	}
}

static bool holds(struct instant from, struct instant to, struct instant t)
{
	return t.us >= from.us && t.us < to.us;
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

static bool tier_matches(const struct price *p, struct text tier)
{
	return service_tier_is_standard(tier) ? strcmp(p->service_tier, "standard") == 0
					      : text_is(tier, p->service_tier);
}

static const struct price *best_price(const struct name_entry *n, const char *provider,
				      const struct price_query *q)
{
	const struct price *best = NULL;
	for (size_t i = 0; i < n->price_count; i++) {
		const struct price *p = n->price[i];
		if (!p->withdrawn && holds(p->from, p->to, q->at) &&
		    strcmp(p->provider, provider) == 0 && strcmp(p->currency, q->currency) == 0 &&
		    tier_matches(p, q->service_tier) && price_is_of_region(p, q->region) &&
		    (!best || beats(p, best)))
			best = p;
	}
	return best;
}

static const struct alias *best_alias(const struct name_entry *n, const char *provider,
				      struct instant t)
{
	const struct alias *best = NULL;
	for (size_t i = 0; i < n->alias_count; i++) {
		const struct alias *a = n->alias[i];
		if (holds(a->from, a->to, t) && strcmp(a->provider, provider) == 0 &&
		    (!best || a->layer > best->layer ||
		     (a->layer == best->layer && a->from.us > best->from.us)))
			best = a;
	}
	return best;
}

static const struct shipped_card *shipped_of(const struct book *b, const char *provider)
{
	for (size_t i = 0; i < b->table.cards; i++)
		if (strcasecmp(b->table.card[i].provider, provider) == 0)
			return &b->table.card[i];
	return NULL;
}

/* Whether that vendor resells: its card says so, or the shipped card of that vendor. */
static bool is_reseller(const struct book *b, const struct price *p, const char *provider)
{
	if (p && p->reseller)
		return true;
	const struct shipped_card *s = shipped_of(b, provider);
	return s && s->reseller;
}

struct text book_seller_named(struct text word, struct arena *a)
{
	static const char *const protocols[] = { "openai", "anthropic" };
	const struct text name = provider_spelling(word);
	if (!word.n)
		return word;
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
		if (same_ignoring_case(text_of(protocols[i]), name))
			return TEXT("");
	for (size_t i = 0; i < shipped_card_count; i++)
		if (same_ignoring_case(text_of(shipped_cards[i].provider), name))
			return text_of(shipped_cards[i].provider);
	return text_of(arena_printf(a, SOLD_VIA "%.*s", word.n > 100 ? 100 : (int)word.n, word.p));
}

bool book_has_maker(const struct book *b, const char *provider)
{
	const struct shipped_card *s = shipped_of(b, provider);
	return s && !s->reseller;
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
		    is_reseller(b, p, provider) == resellers)
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

/*
 * The vendor meant by a bare model name: the one first party that sells it, of the highest layer
 * where there is just one (more cards never make a name ambiguous that was not); where no first
 * party does, the one reseller.
 */
static int owner_of(const struct book *b, const struct name_entry *n, const char **out,
		    struct err *e)
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

/* Whether all who sell that name resell it. */
static bool is_resold(const struct book *b, const struct name_entry *n)
{
	for (size_t i = 0; i < n->price_count; i++)
		if (!is_reseller(b, n->price[i], n->price[i]->provider))
			return false;
	for (size_t i = 0; i < n->alias_count; i++)
		if (!is_reseller(b, NULL, n->alias[i]->provider))
			return false;
	return true;
}

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
			near_names_see(&near, n->name, is_resold(b, n));
	for (size_t i = 0; i < b->table.names; i++)
		near_names_see(&near, text_of(b->table.text + b->table.name[i].at),
			       b->table.card[b->table.name[i].card].reseller);
	near_names_put(&near, &meant);
	const char *text = meant.n ? arena_text(&b->arena, meant.p, meant.n) : "";
	*dict_need(&b->guess, model, NULL) = (uintptr_t)text;
	buf_release(&meant);
	return text;
}

static int unknown_model(struct book *b, struct text model, struct err *e)
{
	if (!e) /* nobody reads what the name may have meant */
		return -ERR_NOT_FOUND;
	const char *meant = guess(b, model);
	return err_set(e, ERR_NOT_FOUND, "model '%.*s' is in no price card%s",
		       model.n > 200 ? 200 : (int)model.n, model.p,
		       *meant ? meant : "; `tally price install` adds one");
}

/* Opens the shipped card of a vendor: what it says of all its models must not depend on which of
 * them was asked for before. */
static void open_provider(struct book *b, const char *provider)
{
	for (size_t i = 0; i < b->table.cards; i++)
		if (strcasecmp(b->table.card[i].provider, provider) == 0)
			open_shipped(b, i);
}

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
	open_provider(b, p->provider);
	for (size_t i = b->card_count; !found && i-- > 0;)
		found = card_region_rule(b->card[i], p);
	return found;
}

/* Whether p, which names no region, is the price in that one too. */
static bool holds_in(struct book *b, const struct name_entry *n, const struct price *p,
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
		if (!x->withdrawn && holds(x->from, x->to, at) &&
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

static int no_such_region(struct book *b, const struct name_entry *n, const struct price *p,
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
	else if (!tier_matches(p, q->service_tier))
		other = &x->other_tier;
	else if (!price_is_of_region(p, q->region))
		other = &x->other_region;
	if (other) {
		if (holds(p->from, p->to, q->at))
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
		    holds(p->from, p->to, q->at) && !strstr(codes, p->currency))
			snprintf(codes + at, sizeof codes - at, "%s%s", at ? " and " : "",
				 p->currency);
	}
	return err_set(e, ERR_UNPRICED, "%s/%.*s has no price in %s, only in %s", provider,
		       (int)n->name.n, n->name.p, q->currency, codes);
}

/* Says why provider's model n has no price at q->at. */
static int explain_absence(struct book *b, const struct name_entry *n, const char *provider,
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
		return err_set(e, ERR_UNPRICED,
			       "%s/%.*s has no price for service tier '%.*s' (only '%s')", provider,
			       len, n->name.p, (int)q->service_tier.n, q->service_tier.p,
			       x.other_tier->service_tier);
	if (x.other_region && (q->region.n || (!x.before && !x.after)))
		return no_such_region(b, n, x.other_region, q, e);
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

static const char *known_provider(const struct book *b, struct text name)
{
	for (size_t i = 0; i < b->table.cards; i++)
		if (same_ignoring_case(text_of(b->table.card[i].provider), name))
			return b->table.card[i].provider;
	for (size_t i = 0; i < b->card_count; i++)
		for (size_t k = 0; k < b->card[i]->price_count; k++)
			if (same_ignoring_case(text_of(b->card[i]->price[k].provider), name))
				return b->card[i]->price[k].provider;
	return NULL;
}

/* The same by another spelling of the name, too. */
static const char *vendor_named(const struct book *b, struct text name)
{
	const char *known = known_provider(b, name);
	return known ? known : known_provider(b, provider_spelling(name));
}

/* Whether that vendor, or (NULL) a first party or a card of the user's, knows the name. What else
 * happens to be open must not matter. */
static bool is_sold(const struct book *b, const struct name_entry *n, const char *provider)
{
	for (size_t i = 0; n && i < n->price_count; i++) {
		const struct price *p = n->price[i];
		if (provider ? strcmp(provider, p->provider) == 0
			     : p->layer > 0 || !is_reseller(b, p, p->provider))
			return true;
	}
	for (size_t i = 0; n && i < n->alias_count; i++) {
		const struct alias *a = n->alias[i];
		if (provider ? strcmp(provider, a->provider) == 0
			     : a->layer > 0 || !is_reseller(b, NULL, a->provider))
			return true;
	}
	return false;
}

/* The entry of a name as that provider sells it, or (NULL) as a first party does. */
static const struct name_entry *look_up(struct book *b, struct text name, const char *provider)
{
	open_name(b, name, provider, FIRST_PARTY);
	return closest_name(b, name, is_sold, provider);
}

/* The same of a gateway that lists the models of others under names of its own. */
static const struct name_entry *look_up_own(struct book *b, struct text name, const char *provider)
{
	char own[SPELLING_MAX];
	const char *prefix = provider ? spelling_own_prefix(provider) : NULL;
	const struct name_entry *n = look_up(b, name, provider);
	if (n || !prefix || name.n >= sizeof own - strlen(prefix))
		return n;
	snprintf(own, sizeof own, "%s%.*s", prefix, (int)name.n, name.p);
	return look_up(b, text_of(own), provider);
}

/* The same; what a vendor sells under the names of another one of its cards is found there, and
 * that one is then the provider. */
static const struct name_entry *look_up_seller(struct book *b, struct text name,
					       const char **provider)
{
	const struct name_entry *n = look_up_own(b, name, *provider);
	const char *other = n || !*provider ? NULL : spelling_other_card(*provider, name);
	const char *seller = other ? known_provider(b, text_of(other)) : NULL;
	if (seller && (n = look_up(b, name, seller)) != NULL)
		*provider = seller;
	return n;
}

/* Whether `named` sells what the spelling says that `seller` does. */
static bool may_sell(const char *seller, const char *named, struct text name)
{
	const char *other = spelling_other_card(seller, name);
	return strcmp(seller, named) == 0 || (other && strcmp(other, named) == 0);
}

/*
 * The entry of a model under the name that was written or another spelling of it, first parties
 * before resellers. What the spelling tells besides goes into q, the vendor into *provider.
 */
static const struct name_entry *look_up_spelled(struct book *b, struct price_query *q,
						const char **provider)
{
	struct spelling s = { .model = q->model };
	const struct name_entry *n = look_up_seller(b, q->model, provider);
	while (!n && spelling_next(&s)) {
		/* a name that a reseller lists ends in no tier, and has no more to take off */
		if ((s.tiers || s.loose) && !*provider && open_name(b, q->model, NULL, RESELLERS) &&
		    find_name(b, q->model))
			break;
		const char *seller = s.provider.n ? known_provider(b, s.provider) : *provider;
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
		open_name(b, q->model, NULL, FIRST_PARTY);
	if (!n)
		open_name(b, q->model, NULL, RESELLERS);
	return n ? n : find_name(b, q->model);
}

/* What resellers alone sell under a simpler spelling of a name that is in no card: it has no price,
 * but sellers to choose from. */
static const struct name_entry *find_resold(struct book *b, struct text model)
{
	struct spelling s = { .model = model };
	while (spelling_next(&s))
		if (!s.provider.n && open_name(b, s.model, NULL, RESELLERS) &&
		    find_name(b, s.model))
			return find_name(b, s.model);
	return NULL;
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

/* A price with a fee of its own on every request; unit: FEE_REGION where it is that of a region. */
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

/* p for a call that names no region: where it would cost more in some, this is the least. */
static const struct price *without_region(struct book *b, const struct price *p)
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

/* The price p where every request pays its fee of that unit too. */
static const struct price *with_request_fee(struct book *b, const struct price *p, const char *unit)
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

/* p for a call of a seller of whom no card has prices. */
static const struct price *in_place(struct book *b, const struct price *p)
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

static int find_price(struct book *b, const struct price_query *query, struct price_match *out,
		      struct err *e)
{
	struct price_query q = *query;
	const char *provider = NULL;
	if (q.model.n == 0)
		return err_set(e, ERR_NOT_FOUND, "no model is named");
	const bool via = spelling_via(&q.provider);
	if (q.provider.n) {
		provider = vendor_named(b, q.provider);
		if (!provider && !via)
			return err_set(
				e, ERR_NOT_FOUND,
				"provider '%.*s' is in no price card; see `tally price list`",
				q.provider.n > 100 ? 100 : (int)q.provider.n, q.provider.p);
	}
	const bool stands_in = via && !provider;
	const struct name_entry *n = look_up_spelled(b, &q, &provider);
	if (!n && !provider && (n = find_resold(b, q.model)) != NULL) {
		int rc = owner_of(b, n, &provider, e);
		return rc != 0 ? rc
			       : err_set(e, ERR_AMBIGUOUS,
					 "'%.*s' may be '%.*s' of %s; name the provider",
					 q.model.n > 100 ? 100 : (int)q.model.n, q.model.p,
					 (int)n->name.n, n->name.p, provider);
	}
	if (!n)
		return unknown_model(b, q.model, e);
	if (!provider) {
		int rc = owner_of(b, n, &provider, e);
		if (rc != 0)
			return rc;
	}
	const struct name_entry *asked = n;
	lower_to_edges(&out->until, n, q.at);
	for (int hop = 0; hop < 8; hop++) {
		const struct price *p = best_price(n, provider, &q);
		const struct alias *a = best_alias(n, provider, q.at);
		if (p && (!a || p->layer >= a->layer)) {
			if (!holds_in(b, n, p, q.region))
				return no_such_region(b, n, p, &q, e);
			out->price = p;
			out->may_be = may_be(n, p, q.at);
			if (q.region.n == 0) {
				out->price = without_region(b, out->price);
				out->may_be = without_region(b, out->may_be);
			}
			if (q.request_fee) {
				out->price = with_request_fee(b, out->price, q.request_fee);
				out->may_be = with_request_fee(b, out->may_be, q.request_fee);
			}
			if (stands_in) {
				out->price = in_place(b, out->price);
				out->may_be = in_place(b, out->may_be);
			}
			take_window(out, p, q.at);
			return 0;
		}
		if (!a)
			return explain_absence(b, n, provider, &q, e);
		out->alias = a;
		n = look_up(b, text_of(a->model), provider);
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

/* --- what names mean --- */

static void narrow(struct held_span *held, struct instant at, struct instant edge)
{
	lower(&held->until, at, edge);
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
		if (!p->withdrawn && p->layer >= a->layer && holds(p->from, p->to, at) &&
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
	if (!provider && owner_of(b, n, &provider, &none) != 0)
		return n;
	for (int hop = 0; hop < 8; hop++) {
		narrow_to_edges(held, n, at);
		const struct alias *a = best_alias(n, provider, at);
		const struct name_entry *next =
			a && !has_price(n, a, at) ? look_up(b, text_of(a->model), provider) : NULL;
		if (!next)
			break;
		n = next;
	}
	return n;
}

/* Whether that maker, or (NULL) any, has the name in a card. */
static bool is_made(const struct book *b, const struct name_entry *n, const char *maker)
{
	for (size_t i = 0; i < n->price_count; i++)
		if ((!maker || strcmp(maker, n->price[i]->provider) == 0) &&
		    !is_reseller(b, n->price[i], n->price[i]->provider))
			return true;
	for (size_t i = 0; i < n->alias_count; i++)
		if ((!maker || strcmp(maker, n->alias[i]->provider) == 0) &&
		    !is_reseller(b, NULL, n->alias[i]->provider))
			return true;
	return false;
}

static const struct name_entry *look_up_made(struct book *b, struct text name, const char *maker)
{
	open_name(b, name, maker, FIRST_PARTY);
	return closest_name(b, name, is_made, maker);
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
		const char *seller = s.provider.n ? known_provider(b, s.provider) : NULL;
		if (seller && !is_reseller(b, NULL, seller))
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
	const char *provider = q.provider.n ? vendor_named(b, q.provider) : NULL;
	const struct name_entry *n = look_up_spelled(b, &q, &provider);
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
		buf_add(out, &(char){ c >= 'A' && c <= 'Z' ? (char)(c + 32) : c }, 1);
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
	struct buf key = { 0 };
	if (b->meant_count >= MEANT_MOST)
		forget_meant(b);
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

static int digest_shipped(uint8_t out[DIGEST_BYTES], const struct shipped_card *s, struct err *e)
{
	char *text = mem_alloc(s->size + 1);
	uLongf size = s->size;
	CHECK(uncompress((unsigned char *)text, &size, s->bytes, s->packed) == Z_OK);
	int rc = digest_sha256(out, (struct text){ text, size }, e);
	free(text);
	return rc;
}

static int identify(struct book *b, const struct card *c, struct err *e)
{
	uint8_t bytes[DIGEST_BYTES];
	int rc = -ERR_NOT_FOUND;
	if (c->sha256[0])
		return 0;
	for (size_t i = 0; i < b->table.cards; i++)
		if (b->opened[i] == c)
			rc = digest_shipped(bytes, &b->table.card[i], e);
	for (size_t i = 0; rc == -ERR_NOT_FOUND && i < b->card_count; i++)
		if (b->card[i] == c) {
			rc = digest_sha256(bytes, c->json, e);
			break;
		}
	for (size_t i = 0; rc == 0 && i < b->card_count; i++)
		for (int k = 0; b->card[i] == c && k < DIGEST_BYTES; k++)
			snprintf(b->card[i]->sha256 + 2 * k, 3, "%02x", bytes[k]);
	return rc;
}

int book_identify(const struct book *b, const struct card *c, struct err *e)
{
	pthread_mutex_lock(&b->self->lock);
	int rc = identify(b->self, c, e);
	pthread_mutex_unlock(&b->self->lock);
	return rc;
}

const struct card *book_card_named(const struct book *b, const char *name, const char *sha256)
{
	const struct card *found = NULL;
	pthread_mutex_lock(&b->self->lock);
	for (size_t i = 0; i < b->table.cards; i++) {
		const char *slash = strrchr(b->table.card[i].name, '/');
		if (strcmp(slash ? slash + 1 : b->table.card[i].name, name) == 0)
			open_shipped(b->self, i);
	}
	for (size_t i = 0; i < b->card_count; i++) {
		const struct card *c = b->card[i];
		const bool named = strcmp(card_name(c), name) == 0;
		if (!named && c->kind == CARD_OF_BOOK)
			continue;
		const bool same = identify(b->self, c, NULL) == 0 && strcmp(c->sha256, sha256) == 0;
		if (same || (named && !found))
			found = c;
		if (same)
			break;
	}
	pthread_mutex_unlock(&b->self->lock);
	return found;
}

const char *book_vendor(const struct book *b, struct text name)
{
	pthread_mutex_lock(&b->self->lock);
	const char *vendor = vendor_named(b, name);
	pthread_mutex_unlock(&b->self->lock);
	return vendor;
}

const struct price *book_over(const struct book *b, const struct price *p, struct instant at)
{
	const struct price_query q = { .service_tier = text_of(p->service_tier),
				       .region = text_of(p->region ? p->region : ""),
				       .currency = p->currency,
				       .at = at };
	pthread_mutex_lock(&b->self->lock);
	const struct name_entry *n = look_up(b->self, text_of(p->model), p->provider);
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
	const char *seller = known_provider(b, provider);
	const struct name_entry *n =
		seller && has_bounded(b, seller) ? look_up(b->self, model, seller) : NULL;
	for (size_t i = 0; n && i < n->price_count; i++)
		if (text_is(id, n->price[i]->id) && (!p || n->price[i]->layer > p->layer))
			p = n->price[i];
	if (p)
		*next = may_be(n, p, (struct instant){ p->to.us - 1 });
	pthread_mutex_unlock(&b->self->lock);
	return *next ? p : NULL;
}

size_t book_card_count(const struct book *b)
{
	pthread_mutex_lock(&b->self->lock);
	open_all(b->self);
	pthread_mutex_unlock(&b->self->lock);
	return b->card_count;
}

const struct card *book_card(const struct book *b, size_t i)
{
	return b->card[i];
}

const struct model_limits *book_limits(const struct book *b, const char *model)
{
	pthread_mutex_lock(&b->self->lock);
	look_up(b->self, text_of(model), NULL);
	const struct model_limits *found = NULL;
	for (size_t i = b->card_count; !found && i-- > 0;) {
		const struct card *c = b->card[i];
		for (size_t k = 0; k < c->limits_count; k++)
			if (strcmp(c->limits[k].model, model) == 0) {
				found = &c->limits[k];
				break;
			}
	}
	pthread_mutex_unlock(&b->self->lock);
	return found;
}

const struct cache_contract *book_cache(const struct book *b, const char *provider,
					const char *model, struct instant at, struct instant *until)
{
	const struct cache_contract *found = NULL;
	struct instant edge = INSTANT_MAX;
	pthread_mutex_lock(&b->self->lock);
	look_up(b->self, text_of(model), NULL);
	for (size_t i = b->card_count; i-- > 0;) {
		const struct card *c = b->card[i];
		size_t closest = found ? SIZE_MAX : 0; /* of older cards only their dates count */
		for (size_t k = 0; k < c->cache_count; k++) {
			const struct cache_contract *one = &c->cache[k];
			const size_t close = cache_contract_names(one, model);
			if (!close || (one->provider && strcmp(one->provider, provider) != 0))
				continue;
			if (one->from.us > at.us && one->from.us < edge.us)
				edge = one->from;
			if (one->to.us > at.us && one->to.us < edge.us)
				edge = one->to;
			if (close <= closest || !holds(one->from, one->to, at))
				continue;
			closest = close;
			found = one;
		}
	}
	pthread_mutex_unlock(&b->self->lock);
	if (until)
		*until = edge;
	return found;
}

const struct dispute *book_dispute(const struct book *b, const char *provider, const char *model,
				   struct instant at, size_t i)
{
	for (size_t c = 0; c < b->card_count; c++)
		for (size_t k = 0; k < b->card[c]->dispute_count; k++) {
			const struct dispute *d = &b->card[c]->dispute[k];
			if (strcmp(d->model, model) == 0 && holds(d->from, d->to, at) &&
			    (!d->provider || strcmp(d->provider, provider) == 0) && i-- == 0)
				return d;
		}
	return NULL;
}

void book_each_name(const struct book *b, void (*take)(void *user, struct text name), void *user)
{
	for (size_t i = 0; i < NAME_SLOTS; i++)
		for (const struct name_entry *n = b->slot[i]; n; n = n->next)
			take(user, n->name);
	for (size_t i = 0; i < shipped_name_count; i++)
		take(user, text_of(shipped_name_text + shipped_names[i].at));
}
