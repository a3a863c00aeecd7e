#include "base/parquet_read.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/arena.h"
#include "base/parquet_parts.h"

enum {
	GROUP_MOST =
		1 << 28, /* bytes of a group, unpacked: four times what the writer ends one at */
	HEAD_MOST = 80,
	ENDS = 8 /* its length and the mark */
};

/* What a group has in one column. */
struct column {
	struct parquet_column of;
	struct buf page, words; /* unpacked */
	uint32_t *has;		/* of each row, where it is optional */
	uint32_t *number;	/* of texts in a dictionary: which word, of each that is there */
	struct text *text;	/* of texts: each that is there */
	struct text *word;
	const char *plain;	    /* of numbers: each that is there */
	size_t row_room, word_room; /* rows and words for which there is place */
	size_t values, at;	    /* at: the one of the row at work */
	bool there;
	uint64_t digest;
};

struct parquet_reader {
	FILE *in;
	const char *name;
	struct column *column;
	size_t columns;
	int64_t place, end, size; /* end: where the groups end */
	int64_t rows, row;	  /* of the group at work; row: the next one */
	int64_t all, room;	  /* room: bytes to which the group at work may still unpack */
	size_t groups;
	struct buf told, packed;
	ZSTD_DCtx *unpacker;
};

static int damaged(const struct parquet_reader *r, const struct column *c, const char *what,
		   struct err *e)
{
	return c ? err_set(e, ERR_INVALID, "%s: column '%s' is damaged (%s, group %zu of rows)",
			   r->name, c->of.name, what, r->groups + 1)
		 : err_set(e, ERR_INVALID, "%s is damaged, or no file of tally's (%s)", r->name,
			   what);
}

static int read_at(struct parquet_reader *r, int64_t place, void *out, size_t n, struct err *e)
{
	if (fseeko(r->in, (off_t)place, SEEK_SET) != 0 || fread(out, 1, n, r->in) != n)
		return err_set(e, ERR_UNREADABLE, "%s could not be read", r->name);
	return 0;
}

static uint64_t little(const char *p, size_t bytes)
{
	uint64_t v = 0;
	for (size_t i = 0; i < bytes; i++)
		v |= (uint64_t)(uint8_t)p[i] << 8 * i;
	return v;
}

static int128 decimal_of(const struct column *c)
{
	uint128 v = 0;
	for (int i = 0; i < DECIMAL_BYTES; i++)
		v = v << 8 | (uint8_t)c->plain[DECIMAL_BYTES * c->at + (size_t)i];
	return (int128)v;
}

/* --- heads of pages --- */

static bool take_varint(struct text *t, uint64_t *out)
{
	*out = 0;
	for (int shift = 0; t->n && shift < 63; shift += 7) {
		const uint8_t b = (uint8_t)*t->p;
		t->p++;
		t->n--;
		*out |= (uint64_t)(b & 127) << shift;
		if (b < 128)
			return true;
	}
	return false;
}

/* The next field, which holds a number. */
static bool take_int(struct text *t, int64_t *out)
{
	uint64_t v;
	if (!t->n)
		return false;
	t->p++;
	t->n--;
	if (!take_varint(t, &v))
		return false;
	*out = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
	return true;
}

/* The head that stands there, and how long it is; what it says must come to the same bytes. */
static int read_head(struct parquet_reader *r, const struct column *c, struct parquet_page *out,
		     struct err *e)
{
	char bytes[HEAD_MOST];
	const int64_t left = r->end - r->place;
	struct text t = { bytes, (size_t)(left < HEAD_MOST ? left : HEAD_MOST) };
	int64_t v[6] = { 0 };
	struct buf again = { 0 };
	int rc = read_at(r, r->place, bytes, t.n, e);
	if (rc != 0)
		return rc;
	bool good = true;
	for (int i = 0; good && i < 6; i++) {
		if (i == 4 && t.n) { /* a struct begins */
			t.p++;
			t.n--;
		}
		good = take_int(&t, &v[i]);
	}
	*out = (struct parquet_page){ (int)v[0], (int)v[5], v[1], v[2], (int32_t)v[3], v[4] };
	parquet_put_head(&again, out);
	const size_t n = (size_t)(left < HEAD_MOST ? left : HEAD_MOST);
	good = good && again.n <= n && memcmp(again.p, bytes, again.n) == 0 && out->bytes >= 0 &&
	       out->bytes <= r->room && out->packed >= 0 && out->packed <= left - (int64_t)again.n;
	r->place += (int64_t)again.n;
	buf_release(&again);
	if (!good)
		return damaged(r, c, "the head of a page", e);
	r->room -= out->bytes;
	return 0;
}

/* The next page, unpacked into *out. */
static int read_page(struct parquet_reader *r, struct column *c, struct parquet_page *page,
		     struct buf *out, struct err *e)
{
	int rc = read_head(r, c, page, e);
	if (rc != 0)
		return rc;
	const size_t packed = (size_t)page->packed, bytes = (size_t)page->bytes;
	r->packed.n = out->n = 0;
	buf_need(&r->packed, packed + 1);
	rc = read_at(r, r->place, r->packed.p, packed, e);
	if (rc != 0)
		return rc;
	r->place += page->packed;
	if ((int32_t)crc32(0, (const Bytef *)r->packed.p, (uInt)packed) != page->crc)
		return damaged(r, c, "its CRC-32", e);
	if (ZSTD_getFrameContentSize(r->packed.p, packed) != bytes)
		return damaged(r, c, "how long a page is", e);
	buf_need(out, bytes + 1);
	const size_t n = ZSTD_decompressDCtx(r->unpacker, out->p, bytes, r->packed.p, packed);
	if (ZSTD_isError(n) || n != bytes)
		return damaged(r, c, "a page that cannot be unpacked", e);
	out->n = bytes;
	return 0;
}

/* --- what pages hold --- */

/* n numbers of so many bits, of which nothing is left over. */
static bool take_runs(struct text t, size_t n, int bits, uint32_t *out)
{
	uint64_t head, held = 0;
	int count = 0;
	size_t at = 0;
	if (!take_varint(&t, &head))
		return false;
	if (!(head & 1)) {
		const size_t bytes = (size_t)(bits + 7) / 8;
		if (head >> 1 != n || t.n != bytes || little(t.p, bytes) >> bits)
			return false;
		for (size_t i = 0; i < n; i++)
			out[i] = (uint32_t)little(t.p, bytes);
		return true;
	}
	if (head >> 1 != (n + 7) / 8 || t.n != (head >> 1) * (size_t)bits)
		return false;
	for (size_t i = 0; i < n; i++) {
		for (; count < bits; count += 8)
			held |= (uint64_t)(uint8_t)t.p[at++] << count;
		out[i] = (uint32_t)(held & ((UINT64_C(1) << bits) - 1));
		held >>= bits;
		count -= bits;
	}
	return true;
}

static bool take_bytes(struct text *t, size_t n, struct text *out)
{
	if (t->n < n)
		return false;
	*out = (struct text){ t->p, n };
	t->p += n;
	t->n -= n;
	return true;
}

static bool take_words(struct text *t, struct text *word, size_t n)
{
	struct text length;
	for (size_t i = 0; i < n; i++)
		if (!take_bytes(t, 4, &length) ||
		    !take_bytes(t, (size_t)little(length.p, 4), &word[i]))
			return false;
	return t->n == 0;
}

/* Which rows have a value. */
static bool take_presence(struct column *c, struct text *t, size_t rows)
{
	struct text length, runs;
	c->values = rows;
	if (!c->of.optional)
		return true;
	if (!take_bytes(t, 4, &length) || !take_bytes(t, (size_t)little(length.p, 4), &runs) ||
	    !take_runs(runs, rows, 1, c->has))
		return false;
	c->values = 0;
	for (size_t i = 0; i < rows; i++)
		c->values += c->has[i];
	return true;
}

static bool take_numbered(struct column *c, struct text t, size_t words)
{
	struct text bits;
	int needed = 1;
	while (words && (words - 1) >> needed)
		needed++;
	if (!take_bytes(&t, 1, &bits) || *bits.p != needed ||
	    !take_runs(t, c->values, needed, c->number))
		return false;
	for (size_t i = 0; i < c->values; i++) {
		if (c->number[i] >= words)
			return false;
		c->text[i] = c->word[c->number[i]];
	}
	return true;
}

static bool take_values(struct column *c, const struct parquet_page *page, size_t words,
			size_t rows)
{
	struct text t = { c->page.p, c->page.n };
	const size_t size = parquet_types[c->of.kind].type == TYPE_INT64 ? 8 : DECIMAL_BYTES;
	if (!take_presence(c, &t, rows))
		return false;
	if (page->encoding == BY_DICTIONARY)
		return take_numbered(c, t, words);
	if (c->of.kind == PARQUET_TEXT)
		return take_words(&t, c->text, c->values);
	c->plain = t.p;
	return t.n == c->values * size;
}

/* What the file tells of the column behind its groups. */
static void tell(struct parquet_reader *r, const struct column *c, struct parquet_chunk *k)
{
	k->packed = r->place - k->place;
	k->rows = r->rows;
	k->values = (int64_t)c->values;
	for (size_t i = 0; i < c->values && parquet_types[c->of.kind].type == TYPE_INT64; i++) {
		const int64_t v = (int64_t)little(c->plain + 8 * i, 8);
		k->least = !i || v < k->least ? v : k->least;
		k->most = !i || v > k->most ? v : k->most;
	}
	parquet_put_chunk(&r->told, &c->of, k);
}

static int read_dictionary(struct parquet_reader *r, struct column *c, struct parquet_page *page,
			   struct err *e)
{
	if (c->of.kind != PARQUET_TEXT || page->encoding != PLAIN || page->values < 0 ||
	    page->values > PARQUET_GROUP_ROWS)
		return damaged(r, c, "a dictionary", e);
	struct text t = { c->words.p, c->words.n };
	const size_t words = (size_t)page->values;
	if (words > c->word_room) {
		c->word_room = words;
		c->word = mem_grow(c->word, words * sizeof *c->word);
	}
	return take_words(&t, c->word, words) ? 0 : damaged(r, c, "the words of a dictionary", e);
}

static void make_room(struct column *c, size_t rows)
{
	if (rows <= c->row_room)
		return;
	c->row_room = rows;
	if (c->of.optional)
		c->has = mem_grow(c->has, rows * sizeof *c->has);
	if (c->of.kind == PARQUET_TEXT) {
		c->number = mem_grow(c->number, rows * sizeof *c->number);
		c->text = mem_grow(c->text, rows * sizeof *c->text);
	}
}

/* The column of the next group. *bytes grows by what it is when it is unpacked. */
static int read_column(struct parquet_reader *r, struct column *c, int64_t *bytes, struct err *e)
{
	struct parquet_chunk k = { .place = r->place, .dictionary = -1 };
	struct parquet_page page;
	size_t words = 0;
	int rc = read_page(r, c, &page, &c->page, e);
	k.bytes = r->place - k.place - page.packed + page.bytes;
	if (rc == 0 && page.kind == PAGE_DICTIONARY) {
		/* the words stay where they are */
		const struct buf first = c->words;
		c->words = c->page;
		c->page = first;
		words = (size_t)page.values;
		rc = read_dictionary(r, c, &page, e);
		k.dictionary = k.place;
		k.data = r->place;
		if (rc == 0)
			rc = read_page(r, c, &page, &c->page, e);
		k.bytes += r->place - k.data - page.packed + page.bytes;
	} else {
		k.data = k.place;
	}
	if (rc != 0)
		return rc;
	if (r->rows == 0)
		r->rows = page.values;
	if (page.kind != PAGE_DATA || page.values != r->rows || r->rows < 1 ||
	    r->rows > PARQUET_GROUP_ROWS ||
	    page.encoding != (k.dictionary >= 0 ? BY_DICTIONARY : PLAIN))
		return damaged(r, c, "another page than there must be", e);
	make_room(c, (size_t)r->rows);
	if (!take_values(c, &page, words, (size_t)r->rows))
		return damaged(r, c, "its values", e);
	tell(r, c, &k);
	*bytes += k.bytes;
	return 0;
}

static int read_group(struct parquet_reader *r, struct err *e)
{
	int64_t bytes = 0;
	int rc = 0;
	r->rows = r->row = 0;
	r->room = GROUP_MOST;
	parquet_put_columns(&r->told, r->columns);
	for (size_t i = 0; rc == 0 && i < r->columns; i++) {
		r->column[i].at = SIZE_MAX;
		rc = read_column(r, &r->column[i], &bytes, e);
	}
	if (rc != 0) {
		r->rows = 0;
		return rc;
	}
	parquet_put_group(&r->told, bytes, r->rows);
	r->groups++;
	r->all += r->rows;
	return 0;
}

/* All is read: the end must say what was read. */
static int check_end(struct parquet_reader *r, struct err *e)
{
	struct parquet_column *columns = mem_alloc(r->columns * sizeof *columns);
	struct buf end = { 0 }, have = { 0 };
	for (size_t i = 0; i < r->columns; i++)
		columns[i] = r->column[i].of;
	parquet_put_end(&end, columns, r->columns,
			&(struct parquet_groups){ r->all, r->groups, { r->told.p, r->told.n } });
	free(columns);
	int rc = 0;
	if (r->end + (int64_t)end.n + ENDS != r->size)
		rc = damaged(r, NULL, "its end", e);
	buf_need(&have, end.n + 1);
	if (rc == 0)
		rc = read_at(r, r->end, have.p, end.n, e);
	if (rc == 0 && memcmp(have.p, end.p, end.n) != 0)
		rc = damaged(r, NULL, "its end", e);
	buf_release(&end);
	buf_release(&have);
	return rc;
}

/* --- rows --- */

static void digest(struct column *c)
{
	const int64_t v = c->there && parquet_types[c->of.kind].type == TYPE_INT64
				  ? (int64_t)little(c->plain + 8 * c->at, 8)
				  : 0;
	if (!c->there)
		c->digest = parquet_digest_on(c->digest, NULL, 0);
	else if (c->of.kind == PARQUET_TEXT)
		c->digest = parquet_digest_on(c->digest, c->text[c->at].p, c->text[c->at].n);
	else if (c->of.kind == PARQUET_DECIMAL)
		c->digest =
			parquet_digest_on(c->digest, &(int128){ decimal_of(c) }, sizeof(int128));
	else
		c->digest = parquet_digest_on(c->digest, &v, sizeof v);
}

/* Where the groups end, by the last eight bytes. */
static int find_end(struct parquet_reader *r, struct err *e)
{
	char ends[ENDS], mark[4];
	if (fseeko(r->in, 0, SEEK_END) != 0 || (r->size = (int64_t)ftello(r->in)) < 0)
		return err_set(e, ERR_UNREADABLE, "%s could not be read", r->name);
	if (r->size < 4 + ENDS)
		return damaged(r, NULL, "it is too short", e);
	int rc = read_at(r, 0, mark, sizeof mark, e);
	if (rc == 0)
		rc = read_at(r, r->size - ENDS, ends, sizeof ends, e);
	if (rc != 0)
		return rc;
	r->place = 4;
	r->end = r->size - ENDS - (int64_t)little(ends, 4);
	return memcmp(mark, PARQUET_MAGIC, 4) != 0 || memcmp(ends + 4, PARQUET_MAGIC, 4) != 0 ||
			       r->end < r->place
		       ? damaged(r, NULL, "its first or last bytes", e)
		       : 0;
}

int parquet_read_open(struct parquet_reader **out, FILE *in, const char *name,
		      const struct parquet_column *column, size_t columns, struct err *e)
{
	struct parquet_reader *r = mem_zalloc(sizeof *r);
	*out = r;
	r->in = in;
	r->name = name;
	r->columns = columns;
	r->column = mem_zalloc(columns * sizeof *r->column);
	r->unpacker = ZSTD_createDCtx();
	for (size_t i = 0; i < columns; i++)
		r->column[i].of = column[i];
	return r->unpacker ? find_end(r, e) : err_set(e, ERR_SYSTEM, "no memory to unpack");
}

void parquet_read_close(struct parquet_reader *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->columns; i++) {
		struct column *c = &r->column[i];
		buf_release(&c->page);
		buf_release(&c->words);
		free(c->has);
		free(c->number);
		free(c->text);
		free(c->word);
	}
	free(r->column);
	buf_release(&r->told);
	buf_release(&r->packed);
	ZSTD_freeDCtx(r->unpacker);
	free(r);
}

int parquet_next(struct parquet_reader *r, struct err *e)
{
	if (r->row == r->rows) {
		if (r->place == r->end)
			return check_end(r, e);
		int rc = read_group(r, e);
		if (rc != 0)
			return rc;
	}
	for (size_t i = 0; i < r->columns; i++) {
		struct column *c = &r->column[i];
		c->there = !c->of.optional || c->has[r->row];
		c->at += c->there;
		digest(c);
	}
	r->row++;
	return 1;
}

bool parquet_has(const struct parquet_reader *r, size_t column)
{
	return r->column[column].there;
}

int64_t parquet_read_int(const struct parquet_reader *r, size_t column)
{
	const struct column *c = &r->column[column];
	return c->there ? (int64_t)little(c->plain + 8 * c->at, 8) : 0;
}

struct text parquet_read_text(const struct parquet_reader *r, size_t column)
{
	const struct column *c = &r->column[column];
	return c->there ? c->text[c->at] : (struct text){ "", 0 };
}

uint64_t parquet_read_digest(const struct parquet_reader *r, size_t column)
{
	return r->column[column].digest;
}
