#include "pricing/book_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/instant.h"
#include "base/json.h"
#include "base/unpack.h"
#include "pricing/card.h"

enum { BOOK_BYTES_MAX = 64 << 20 };
static const char magic[8] = "tallybk1";

/* Then the cards, the names, the texts, and the compressed cards; all offsets are of the file. */
struct head {
	char magic[8], released[16];
	uint32_t cards, names, text, text_size, size,
		sum; /* sum: CRC-32 of what follows the head */
};

struct packed_card {
	uint32_t name, provider; /* of the texts */
	uint32_t reseller, bytes, packed, size;
};

struct book_pack {
	const char *file;
	size_t size;
	struct shipped_card *card;
};

struct card_table shipped_table(void)
{
	return (struct card_table){ shipped_cards,	shipped_card_count, shipped_names,
				    shipped_name_count, shipped_name_text,  shipped_released };
}

struct name {
	const char *text;
	size_t card;
};

struct making {
	struct arena arena;
	struct packed_card card[SHIPPED_CARDS_MAX];
	size_t count;
	struct name *name;
	size_t names;
	struct buf text, bytes;
	struct book_summary *summary;
};

static uint32_t add_text(struct making *m, const char *s)
{
	uint32_t at = (uint32_t)m->text.n;
	buf_add(&m->text, s, strlen(s) + 1);
	return at;
}

static void add_name(struct making *m, const char *s)
{
	char *copy = arena_text(&m->arena, s, strlen(s));
	for (char *c = copy; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	if ((m->names & (m->names - 1)) == 0)
		m->name = mem_grow(m->name, (m->names ? m->names * 2 : 1) * sizeof *m->name);
	m->name[m->names++] = (struct name){ copy, m->count };
}

static int take_card(struct making *m, struct text name, struct text content, struct err *e)
{
	struct fault_list faults = { 0 };
	struct card *card = NULL;
	char *file = arena_text(&m->arena, name.p, name.n);
	int rc = card_parse(&card, content, file, &faults);
	if (rc != 0)
		err_set(e, ERR_INVALID, "%s: %s%s%s", file, faults.fault[0].place,
			*faults.fault[0].place ? ": " : "", faults.fault[0].message);
	else if (!card->provider)
		rc = err_set(e, ERR_INVALID, "%s: a card of a book names its provider", file);
	else if (m->count == SHIPPED_CARDS_MAX)
		rc = err_set(e, ERR_RANGE, "the book has more than %d cards", SHIPPED_CARDS_MAX);
	if (rc == 0) {
		uLongf n = compressBound(content.n);
		unsigned char *packed = mem_alloc(n);
		CHECK(compress2(packed, &n, (const unsigned char *)content.p, content.n, 9) ==
		      Z_OK);
		for (size_t i = 0; i < card->price_count; i++)
			add_name(m, card->price[i].model);
		for (size_t i = 0; i < card->alias_count; i++)
			add_name(m, card->alias[i].alias);
		m->card[m->count++] = (struct packed_card){ .name = add_text(m, file),
							    .provider = add_text(m, card->provider),
							    .reseller = card->reseller,
							    .bytes = (uint32_t)m->bytes.n,
							    .packed = (uint32_t)n,
							    .size = (uint32_t)content.n };
		buf_add(&m->bytes, packed, n);
		free(packed);
		m->summary->prices += card->price_count;
	}
	card_close(card);
	fault_list_release(&faults);
	return rc;
}

static int take_about(struct making *m, struct text content, struct err *e)
{
	struct json_document *doc;
	struct civil day;
	int rc = json_open(&doc, content, e);
	if (rc != 0)
		return err_context(e, "book.json");
	struct text schema = json_string(json_member(json_root(doc), "schema")),
		    released = json_string(json_member(json_root(doc), "released"));
	if (!text_is(schema, "tally.book/1"))
		rc = err_set(e, ERR_INVALID, "book.json: its schema is not \"tally.book/1\"");
	else if (released.n != 10 || civil_parse(&day, released, e) != 0)
		rc = err_set(e, ERR_INVALID, "book.json: \"released\" is not a date");
	else
		memcpy(m->summary->released, released.p, 10);
	json_close(doc);
	return rc;
}

static int take_entry(void *user, struct text name, struct text content, struct err *e)
{
	static const char json[] = ".json";
	if (text_is(name, "book.json"))
		return take_about(user, content, e);
	if (name.n == 0)
		return err_set(e, ERR_INVALID, "not a ZIP archive of cards");
	if (name.n < sizeof json || memcmp(name.p + name.n - 5, json, 5) != 0)
		return 0;
	return take_card(user, name, content, e);
}

static int by_text(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = strcmp(x->text, y->text);
	return order ? order : (x->card > y->card) - (x->card < y->card);
}

static void put_pack(struct making *m, struct buf *out)
{
	struct head h = { 0 };
	struct buf names = { 0 };
	const char *before = NULL;
	uint32_t at = 0;
	if (m->names)
		qsort(m->name, m->names, sizeof *m->name, by_text);
	for (size_t i = 0; i < m->names; i++) {
		if (i && by_text(&m->name[i], &m->name[i - 1]) == 0)
			continue;
		if (!before || strcmp(before, m->name[i].text) != 0)
			at = add_text(m, m->name[i].text);
		before = m->name[i].text;
		struct shipped_name one;
		memset(&one, 0, sizeof one);
		one.at = at;
		one.card = (uint16_t)m->name[i].card;
		buf_add(&names, &one, sizeof one);
		h.names++;
	}
	memcpy(h.magic, magic, sizeof magic);
	memcpy(h.released, m->summary->released, sizeof m->summary->released);
	h.cards = (uint32_t)m->count;
	h.text = (uint32_t)(sizeof h + m->count * sizeof *m->card + names.n);
	h.text_size = (uint32_t)m->text.n;
	h.size = h.text + h.text_size + (uint32_t)m->bytes.n;
	for (size_t i = 0; i < m->count; i++)
		m->card[i].bytes += h.text + h.text_size;
	buf_add(out, &h, sizeof h);
	buf_add(out, m->card, m->count * sizeof *m->card);
	buf_add(out, names.p, names.n);
	buf_add(out, m->text.p, m->text.n);
	buf_add(out, m->bytes.p, m->bytes.n);
	h.sum = (uint32_t)crc32(0, (const unsigned char *)out->p + sizeof h,
				(uInt)(out->n - sizeof h));
	memcpy(out->p, &h, sizeof h);
	buf_release(&names);
}

int book_pack_make(struct buf *out, struct text released_book, struct book_summary *summary,
		   struct err *e)
{
	struct making *m = mem_zalloc(sizeof *m);
	*summary = (struct book_summary){ 0 };
	m->summary = summary;
	int rc = unpack(released_book, BOOK_BYTES_MAX, take_entry, m, e);
	if (rc == 0 && !*summary->released)
		rc = err_set(e, ERR_INVALID, "the archive has no book.json");
	if (rc == 0 && m->count == 0)
		rc = err_set(e, ERR_INVALID, "the archive holds no cards");
	summary->cards = m->count;
	if (rc == 0)
		put_pack(m, out);
	buf_release(&m->text);
	buf_release(&m->bytes);
	free(m->name);
	arena_release(&m->arena);
	free(m);
	return rc;
}

/* Everything that the tables point at lies inside; the sum guards the rest. */
static bool is_sound(const struct book_pack *p)
{
	struct head h;
	if (p->size < sizeof h)
		return false;
	memcpy(&h, p->file, sizeof h);
	const uint64_t tables = sizeof h + (uint64_t)h.cards * sizeof(struct packed_card) +
				(uint64_t)h.names * sizeof(struct shipped_name);
	return memcmp(h.magic, magic, sizeof magic) == 0 && h.size == p->size &&
	       h.cards <= SHIPPED_CARDS_MAX && h.text == tables &&
	       tables + h.text_size <= p->size && h.released[sizeof h.released - 1] == 0 &&
	       h.text_size && p->file[h.text + h.text_size - 1] == 0 &&
	       h.sum == (uint32_t)crc32(0, (const unsigned char *)p->file + sizeof h,
					(uInt)(p->size - sizeof h));
}

int book_pack_open(struct book_pack **out, const char *path, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNREADABLE,
			       "could not open '%s': %s", path, strerror(errno));
	struct book_pack p = { 0 };
	if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= BOOK_BYTES_MAX)
		p.size = (size_t)st.st_size;
	void *map = p.size ? mmap(NULL, p.size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	close(fd);
	p.file = map;
	if (map == MAP_FAILED || !is_sound(&p)) {
		if (map != MAP_FAILED)
			munmap(map, p.size);
		return err_set(
			e, ERR_INVALID,
			"the installed price book '%s' is damaged; `tally price update` makes "
			"it again, or delete it",
			path);
	}
	const struct head *h = map;
	const struct packed_card *c = (const void *)(p.file + sizeof *h);
	p.card = mem_alloc((h->cards + 1) * sizeof *p.card);
	for (uint32_t i = 0; i < h->cards; i++)
		p.card[i] = (struct shipped_card){
			.name = p.file + h->text + c[i].name,
			.provider = p.file + h->text + c[i].provider,
			.reseller = c[i].reseller,
			.bounded = true, /* the file does not say */
			.bytes = (const unsigned char *)p.file + c[i].bytes,
			.packed = c[i].packed,
			.size = c[i].size,
		};
	*out = mem_alloc(sizeof **out);
	**out = p;
	return 0;
}

void book_pack_close(struct book_pack *p)
{
	if (!p)
		return;
	munmap((void *)(uintptr_t)p->file, p->size);
	free(p->card);
	free(p);
}

struct card_table book_pack_table(const struct book_pack *p)
{
	const struct head *h = (const void *)p->file;
	return (struct card_table){
		.card = p->card,
		.cards = h->cards,
		.name = (const void *)(p->file + sizeof *h + h->cards * sizeof(struct packed_card)),
		.names = h->names,
		.text = p->file + h->text,
		.released = h->released,
	};
}
