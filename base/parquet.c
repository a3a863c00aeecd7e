#include "base/parquet_parts.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/arena.h"
#include "base/dict.h"

enum {
	GROUP_ROWS = PARQUET_GROUP_ROWS,
	FIRST_ROWS = 64,
	GROUP_BYTES = 64 << 20, /* of texts, beyond which a group is full */
	PACKING = 3		/* Zstandard's own default */
};

const struct parquet_type parquet_types[] = {
	[PARQUET_INT] = { TYPE_INT64, 0, -1, 0 },
	[PARQUET_INSTANT] = { TYPE_INT64, 0, 10, 8 },
	[PARQUET_TEXT] = { TYPE_BYTES, 0, 0, 1 },
	[PARQUET_DECIMAL] = { TYPE_FIXED, DECIMAL_BYTES, 5, 5 },
};

/* --- Thrift --- */

static void put_varint(struct buf *b, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		buf_char(b, (char)(v | 128));
	buf_char(b, (char)v);
}

/* A struct at work; its fields come in the order of their numbers. */
struct fields {
	struct buf *b;
	int last;
};

static void put_field(struct fields *f, int number, int type)
{
	buf_char(f->b, (char)((number - f->last) << 4 | type));
	f->last = number;
}

static void put_int(struct fields *f, int number, int type, int64_t v)
{
	put_field(f, number, type);
	put_varint(f->b, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0)); /* zigzag */
}

static void put_bytes(struct fields *f, int number, struct text t)
{
	put_field(f, number, IS_BYTES);
	put_varint(f->b, t.n);
	buf_add(f->b, t.p, t.n);
}

static void put_list(struct fields *f, int number, int type, size_t count)
{
	put_field(f, number, IS_LIST);
	if (count < 15) {
		buf_char(f->b, (char)(count << 4 | (size_t)type));
		return;
	}
	buf_char(f->b, (char)(15 << 4 | type));
	put_varint(f->b, count);
}

static struct fields begin_struct(struct fields *f, int number)
{
	put_field(f, number, IS_STRUCT);
	return (struct fields){ f->b, 0 };
}

static void end_struct(struct fields *f)
{
	buf_char(f->b, 0);
}

static void put_empty_struct(struct fields *f, int number)
{
	struct fields none = begin_struct(f, number);
	end_struct(&none);
}

/* --- columns --- */

/* What a group has in one column. */
struct column {
	struct parquet_column of;
	bool given;	     /* of the row at work */
	uint32_t *has;	     /* of each row: 1, or 0 where it is absent; NULL: not optional */
	struct buf value;    /* as they are written; of texts nothing */
	uint32_t *number;    /* of texts: which word, of each that is there */
	struct dict numbers; /* of words, from 0 on */
	struct text *word;
	size_t values, words, room;
	int64_t least, most; /* of whole numbers and instants */
	uint64_t digest;
};

struct parquet {
	FILE *out;
	struct column *column;
	size_t columns, rows, groups;
	size_t room;	    /* rows, and one at work, for which the columns have place */
	size_t text_bytes;  /* of the words of the group at work */
	int64_t all, place; /* rows in all; bytes written */
	struct buf told;    /* of the groups that are written, as the end of the file tells it */
	struct buf page, packed, head;
	ZSTD_CCtx *packer;
};

static void make_room(struct parquet *p, size_t rows)
{
	p->room = rows;
	for (size_t i = 0; i < p->columns; i++) {
		struct column *c = &p->column[i];
		if (c->of.optional)
			c->has = mem_grow(c->has, rows * sizeof *c->has);
		if (c->of.kind == PARQUET_TEXT)
			c->number = mem_grow(c->number, rows * sizeof *c->number);
	}
}

struct parquet *parquet_open(FILE *out, const struct parquet_column *column, size_t columns)
{
	struct parquet *p = mem_zalloc(sizeof *p);
	p->out = out;
	p->columns = columns;
	p->column = mem_zalloc(columns * sizeof *p->column);
	p->packer = ZSTD_createCCtx();
	for (size_t i = 0; i < columns; i++) {
		struct column *c = &p->column[i];
		c->of = column[i];
	}
	make_room(p, FIRST_ROWS);
	return p;
}

void parquet_release(struct parquet *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->columns; i++) {
		struct column *c = &p->column[i];
		free(c->has);
		free(c->number);
		free(c->word);
		dict_release(&c->numbers);
		buf_release(&c->value);
	}
	free(p->column);
	ZSTD_freeCCtx(p->packer);
	buf_release(&p->told);
	buf_release(&p->page);
	buf_release(&p->packed);
	buf_release(&p->head);
	free(p);
}

static void put_little(struct buf *b, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_char(b, (char)(v >> 8 * i));
}

void parquet_int(struct parquet *p, size_t column, int64_t v)
{
	struct column *c = &p->column[column];
	put_little(&c->value, (uint64_t)v, 8);
	c->digest = parquet_digest_on(c->digest, &v, sizeof v);
	c->least = !c->values || v < c->least ? v : c->least;
	c->most = !c->values || v > c->most ? v : c->most;
	c->values++;
	c->given = true;
}

void parquet_text(struct parquet *p, size_t column, struct text t)
{
	struct column *c = &p->column[column];
	bool is_new;
	uint64_t *number = dict_need(&c->numbers, t, &is_new);
	if (is_new) {
		*number = c->words;
		if (c->words == c->room) {
			c->room = c->room ? 2 * c->room : 64;
			c->word = mem_grow(c->word, c->room * sizeof *c->word);
		}
		c->word[c->words++] = dict_key(&c->numbers, t);
		p->text_bytes += t.n;
	}
	c->number[c->values++] = (uint32_t)*number;
	c->digest = parquet_digest_on(c->digest, t.n ? t.p : "", t.n);
	c->given = true;
}

int parquet_decimal(struct parquet *p, size_t column, int128 v, struct err *e)
{
	struct column *c = &p->column[column];
	int128 most = 1;
	for (int i = 0; i < DECIMAL_DIGITS; i++)
		most *= 10;
	if (v >= most || v <= -most)
		return err_set(e, ERR_RANGE, "%s: a decimal of Parquet has %d digits", c->of.name,
			       DECIMAL_DIGITS);
	for (int i = DECIMAL_BYTES - 1; i >= 0; i--)
		buf_char(&c->value, (char)(v >> 8 * i));
	c->digest = parquet_digest_on(c->digest, &v, sizeof v);
	c->values++;
	c->given = true;
	return 0;
}

/* --- pages --- */

/* Numbers of so many bits: one run where all are the same, else packed, eight at a time. */
static void put_runs(struct buf *b, const uint32_t *v, size_t n, int bits)
{
	size_t same = 1;
	while (same < n && v[same] == v[0])
		same++;
	if (same >= n) {
		put_varint(b, n << 1);
		put_little(b, n ? v[0] : 0, (bits + 7) / 8);
		return;
	}
	const size_t eights = (n + 7) / 8;
	uint64_t held = 0;
	int count = 0;
	put_varint(b, eights << 1 | 1);
	for (size_t i = 0; i < 8 * eights; i++) {
		held |= (uint64_t)(i < n ? v[i] : 0) << count;
		for (count += bits; count >= 8; count -= 8, held >>= 8)
			buf_char(b, (char)held);
	}
}

static int bits_of(size_t most)
{
	int bits = 1;
	while (most >> bits)
		bits++;
	return bits;
}

/* Which rows have a value, in front of those. */
static void put_presence(struct buf *b, const struct column *c, size_t rows)
{
	if (!c->has)
		return;
	const size_t at = b->n;
	put_little(b, 0, 4);
	put_runs(b, c->has, rows, 1);
	for (size_t i = 0, n = b->n - at - 4; i < 4; i++)
		b->p[at + i] = (char)(n >> 8 * i);
}

static void put_word(struct buf *b, struct text t)
{
	put_little(b, t.n, 4);
	buf_add(b, t.p, t.n);
}

static int write_bytes(struct parquet *p, struct text t, struct err *e)
{
	if (t.n && fwrite(t.p, 1, t.n, p->out) != t.n)
		return err_set(e, ERR_SYSTEM, "the table could not be written");
	p->place += (int64_t)t.n;
	return 0;
}

void parquet_put_head(struct buf *b, const struct parquet_page *p)
{
	struct fields f = { b, 0 };
	put_int(&f, 1, IS_INT, p->kind);
	put_int(&f, 2, IS_INT, p->bytes);
	put_int(&f, 3, IS_INT, p->packed);
	put_int(&f, 4, IS_INT, p->crc);
	struct fields of = begin_struct(&f, p->kind == PAGE_DATA ? 5 : 7);
	put_int(&of, 1, IS_INT, p->values);
	put_int(&of, 2, IS_INT, p->encoding);
	if (p->kind == PAGE_DATA) {
		put_int(&of, 3, IS_INT, RUNS);
		put_int(&of, 4, IS_INT, RUNS);
	}
	end_struct(&of);
	end_struct(&f);
}

/* p->page as one page of that kind. */
static int write_page(struct parquet *p, int kind, int encoding, size_t values,
		      struct parquet_chunk *c, struct err *e)
{
	p->packed.n = p->head.n = 0;
	buf_need(&p->packed, ZSTD_compressBound(p->page.n));
	const size_t n = p->packer ? ZSTD_compressCCtx(p->packer, p->packed.p, p->packed.room,
						       p->page.p, p->page.n, PACKING)
				   : 0;
	if (!p->packer || ZSTD_isError(n))
		return err_set(e, ERR_SYSTEM, "the table could not be packed");
	p->packed.n = n;
	parquet_put_head(&p->head, &(struct parquet_page){
					   kind, encoding, (int64_t)p->page.n, (int64_t)n,
					   (int32_t)crc32(0, (const Bytef *)p->packed.p, (uInt)n),
					   (int64_t)values });
	c->bytes += (int64_t)(p->head.n + p->page.n);
	c->packed += (int64_t)(p->head.n + n);
	p->page.n = 0;
	int rc = write_bytes(p, (struct text){ p->head.p, p->head.n }, e);
	return rc == 0 ? write_bytes(p, (struct text){ p->packed.p, n }, e) : rc;
}

/* Texts that repeat: each once, then which of them. */
static int write_by_dictionary(struct parquet *p, const struct column *c, struct parquet_chunk *out,
			       struct err *e)
{
	const int bits = bits_of(c->words ? c->words - 1 : 0);
	for (size_t i = 0; i < c->words; i++)
		put_word(&p->page, c->word[i]);
	out->dictionary = p->place;
	int rc = write_page(p, PAGE_DICTIONARY, PLAIN, c->words, out, e);
	out->data = p->place;
	put_presence(&p->page, c, p->rows);
	buf_char(&p->page, (char)bits);
	put_runs(&p->page, c->number, c->values, bits);
	return rc == 0 ? write_page(p, PAGE_DATA, BY_DICTIONARY, p->rows, out, e) : rc;
}

static int write_plain(struct parquet *p, const struct column *c, struct parquet_chunk *out,
		       struct err *e)
{
	out->data = p->place;
	put_presence(&p->page, c, p->rows);
	if (c->of.kind == PARQUET_TEXT)
		for (size_t i = 0; i < c->values; i++)
			put_word(&p->page, c->word[c->number[i]]);
	else
		buf_add(&p->page, c->value.p, c->value.n);
	return write_page(p, PAGE_DATA, PLAIN, p->rows, out, e);
}

/* How many rows have none, and the least and the most. */
static void tell_range(struct fields *f, const struct parquet_chunk *k, bool ranged)
{
	struct buf word = { 0 };
	struct fields of = begin_struct(f, 12);
	put_int(&of, 3, IS_LONG, k->rows - k->values);
	if (ranged && k->values) {
		put_little(&word, (uint64_t)k->most, 8);
		put_bytes(&of, 5, (struct text){ word.p, 8 });
		word.n = 0;
		put_little(&word, (uint64_t)k->least, 8);
		put_bytes(&of, 6, (struct text){ word.p, 8 });
	}
	end_struct(&of);
	buf_release(&word);
}

void parquet_put_chunk(struct buf *b, const struct parquet_column *c, const struct parquet_chunk *k)
{
	const int type = parquet_types[c->kind].type;
	struct fields f = { b, 0 };
	put_int(&f, 2, IS_LONG, k->place);
	struct fields of = begin_struct(&f, 3);
	put_int(&of, 1, IS_INT, type);
	put_list(&of, 2, IS_INT, 3);
	put_varint(b, PLAIN << 1);
	put_varint(b, RUNS << 1);
	put_varint(b, BY_DICTIONARY << 1);
	put_list(&of, 3, IS_BYTES, 1);
	put_varint(b, strlen(c->name));
	buf_puts(b, c->name);
	put_int(&of, 4, IS_INT, CODEC_ZSTD);
	put_int(&of, 5, IS_LONG, k->rows);
	put_int(&of, 6, IS_LONG, k->bytes);
	put_int(&of, 7, IS_LONG, k->packed);
	put_int(&of, 9, IS_LONG, k->data);
	if (k->dictionary >= 0)
		put_int(&of, 11, IS_LONG, k->dictionary);
	tell_range(&of, k, type == TYPE_INT64);
	end_struct(&of);
	end_struct(&f);
}

void parquet_put_group(struct buf *b, int64_t bytes, int64_t rows)
{
	struct fields f = { b, 1 };
	put_int(&f, 2, IS_LONG, bytes);
	put_int(&f, 3, IS_LONG, rows);
	end_struct(&f);
}

void parquet_put_columns(struct buf *b, size_t columns)
{
	struct fields f = { b, 0 };
	put_list(&f, 1, IS_STRUCT, columns);
}

static void forget(struct column *c)
{
	c->value.n = 0;
	c->values = c->words = 0;
	dict_clear(&c->numbers);
}

static int write_group(struct parquet *p, struct err *e)
{
	int rc = p->place == 0 ? write_bytes(p, text_of(PARQUET_MAGIC), e) : 0;
	int64_t bytes = 0;
	if (p->rows == 0)
		return rc;
	parquet_put_columns(&p->told, p->columns);
	for (size_t i = 0; rc == 0 && i < p->columns; i++) {
		struct column *c = &p->column[i];
		struct parquet_chunk k = { .place = p->place,
					   .dictionary = -1,
					   .rows = (int64_t)p->rows,
					   .values = (int64_t)c->values,
					   .least = c->least,
					   .most = c->most };
		rc = c->of.kind == PARQUET_TEXT && 2 * c->words <= c->values
			     ? write_by_dictionary(p, c, &k, e)
			     : write_plain(p, c, &k, e);
		parquet_put_chunk(&p->told, &c->of, &k);
		bytes += k.bytes;
		forget(c);
	}
	parquet_put_group(&p->told, bytes, (int64_t)p->rows);
	p->groups++;
	p->all += (int64_t)p->rows;
	p->rows = p->text_bytes = 0;
	return rc;
}

int parquet_end_row(struct parquet *p, struct err *e)
{
	for (size_t i = 0; i < p->columns; i++) {
		struct column *c = &p->column[i];
		if (c->has && !c->given)
			c->digest = parquet_digest_on(c->digest, NULL, 0);
		if (c->has)
			c->has[p->rows] = c->given;
		else if (!c->given && c->of.kind == PARQUET_TEXT)
			parquet_text(p, i, (struct text){ "", 0 });
		else if (!c->given && c->of.kind == PARQUET_DECIMAL)
			(void)parquet_decimal(p, i, 0, e);
		else if (!c->given)
			parquet_int(p, i, 0);
		c->given = false;
	}
	p->rows++;
	if (p->rows == p->room && p->room < GROUP_ROWS)
		make_room(p, 2 * p->room);
	return p->rows == GROUP_ROWS || p->text_bytes > GROUP_BYTES ? write_group(p, e) : 0;
}

/* --- the end of the file --- */

static void tell_logical(struct fields *f, const struct parquet_column *c)
{
	if (!parquet_types[c->kind].logical)
		return;
	struct fields logical = begin_struct(f, 10),
		      of = begin_struct(&logical, parquet_types[c->kind].logical);
	if (c->kind == PARQUET_DECIMAL) {
		put_int(&of, 1, IS_INT, PARQUET_PLACES);
		put_int(&of, 2, IS_INT, DECIMAL_DIGITS);
	}
	if (c->kind == PARQUET_INSTANT) {
		put_field(&of, 1, IS_TRUE);
		struct fields unit = begin_struct(&of, 2);
		put_empty_struct(&unit, 2);
		end_struct(&unit);
	}
	end_struct(&of);
	end_struct(&logical);
}

static void tell_schema(struct fields *f, const struct parquet_column *column, size_t columns)
{
	put_list(f, 2, IS_STRUCT, columns + 1);
	struct fields root = { f->b, 0 };
	put_bytes(&root, 4, TEXT("table"));
	put_int(&root, 5, IS_INT, (int64_t)columns);
	end_struct(&root);
	for (size_t i = 0; i < columns; i++) {
		const struct parquet_column *c = &column[i];
		const struct parquet_type *k = &parquet_types[c->kind];
		struct fields of = { f->b, 0 };
		put_int(&of, 1, IS_INT, k->type);
		if (k->length)
			put_int(&of, 2, IS_INT, k->length);
		put_int(&of, 3, IS_INT, c->optional);
		put_bytes(&of, 4, text_of(c->name));
		if (k->converted >= 0)
			put_int(&of, 6, IS_INT, k->converted);
		if (c->kind == PARQUET_DECIMAL) {
			put_int(&of, 7, IS_INT, PARQUET_PLACES);
			put_int(&of, 8, IS_INT, DECIMAL_DIGITS);
		}
		tell_logical(&of, c);
		end_struct(&of);
	}
}

void parquet_put_end(struct buf *b, const struct parquet_column *column, size_t columns,
		     const struct parquet_groups *g)
{
	struct fields f = { b, 0 };
	put_int(&f, 1, IS_INT, 2);
	tell_schema(&f, column, columns);
	put_int(&f, 3, IS_LONG, g->rows);
	put_list(&f, 4, IS_STRUCT, g->groups);
	buf_add(b, g->told.p, g->told.n);
	put_bytes(&f, 6, TEXT("tally"));
	put_list(&f, 7, IS_STRUCT, columns);
	for (size_t i = 0; i < columns; i++) {
		struct fields order = { b, 0 };
		put_empty_struct(&order, 1);
		end_struct(&order);
	}
	end_struct(&f);
}

int parquet_finish(struct parquet *p, struct err *e)
{
	struct parquet_column *columns = mem_alloc(p->columns * sizeof *columns);
	struct buf end = { 0 };
	int rc = write_group(p, e);
	for (size_t i = 0; i < p->columns; i++)
		columns[i] = p->column[i].of;
	parquet_put_end(&end, columns, p->columns,
			&(struct parquet_groups){ p->all, p->groups, { p->told.p, p->told.n } });
	free(columns);
	put_little(&end, end.n, 4);
	buf_puts(&end, PARQUET_MAGIC);
	if (rc == 0)
		rc = write_bytes(p, (struct text){ end.p, end.n }, e);
	buf_release(&end);
	return rc;
}

uint64_t parquet_digest(const struct parquet *p, size_t column)
{
	return p->column[column].digest;
}
