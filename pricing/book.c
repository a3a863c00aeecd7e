#include "pricing/book.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/digest.h"
#include "pricing/book_pack.h"
#include "pricing/book_parts.h"
#include "pricing/series.h"

void book_forget_meant(struct book *b)
{
	for (size_t i = 0; i < b->meant_count; i++)
		free(b->meant[i].name);
	free(b->meant);
	dict_release(&b->meant_index);
	b->meant = NULL;
	b->meant_count = 0;
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

/* Exact spelling first, then ignoring case; of several the first in the order of their bytes, so
 * that what else is open does not matter. */
static bool names_closer(const struct name_entry *n, const struct name_entry *than,
			 struct text name)
{
	if (!than || text_eq(n->name, name))
		return true;
	return !text_eq(than->name, name) && text_cmp(n->name, than->name) < 0;
}

struct name_entry *book_closest_name(const struct book *b, struct text name,
				     bool (*fits)(const struct book *b, const struct name_entry *n,
						  const char *provider),
				     const char *provider)
{
	struct name_entry *found = NULL;
	for (struct name_entry *n = b->slot[slot_of(name)]; n; n = n->next)
		if (book_same_name(n->name, name) && (!fits || fits(b, n, provider)) &&
		    names_closer(n, found, name))
			found = n;
	return found;
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
	book_forget_meant(b);
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

/* The text of a shipped card, s->size bytes of mem_alloc. */
static char *unpack_shipped(const struct shipped_card *s)
{
	char *text = mem_alloc(s->size + 1);
	uLongf size = s->size;
	CHECK(uncompress((unsigned char *)text, &size, s->bytes, s->packed) == Z_OK &&
	      size == s->size);
	return text;
}

/* Opens a shipped card, once. They were checked when the program was built and tested. */
static void open_shipped(struct book *b, size_t i)
{
	const struct shipped_card *s = &b->table.card[i];
	if (b->opened[i])
		return;
	char *text = unpack_shipped(s);
	struct fault_list faults = { 0 };
	struct card *card = NULL;
	CHECK(card_parse_known(&card, (struct text){ text, s->size }, s->name, &faults) == 0);
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

bool book_open_name(struct book *b, struct text name, const char *provider, enum sellers which)
{
	bool found = false;
	for (size_t i = shipped_from(b, name); i < b->table.names; i++) {
		const char *known = b->table.text + b->table.name[i].at;
		if (!book_same_name(text_of(known), name))
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

void book_open_provider(struct book *b, const char *provider)
{
	for (size_t i = 0; i < b->table.cards; i++)
		if (strcasecmp(b->table.card[i].provider, provider) == 0)
			open_shipped(b, i);
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
	book_forget_meant(b);
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

static int digest_shipped(uint8_t out[DIGEST_BYTES], const struct shipped_card *s, struct err *e)
{
	char *text = unpack_shipped(s);
	int rc = digest_sha256(out, (struct text){ text, s->size }, e);
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

void book_each_name(const struct book *b, void (*take)(void *user, struct text name), void *user)
{
	for (size_t i = 0; i < NAME_SLOTS; i++)
		for (const struct name_entry *n = b->slot[i]; n; n = n->next)
			take(user, n->name);
	for (size_t i = 0; i < shipped_name_count; i++)
		take(user, text_of(shipped_name_text + shipped_names[i].at));
}
