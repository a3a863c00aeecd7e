#include <stdlib.h>

#include "base/arena.h"
#include "base/scan.h"
#include "meter/read/columns.h"
#include "meter/read/record_reader.h"

enum { ROWS_AFTER_BAD = 8 };

struct csv_reader {
	struct csv_layout layout;
	uint64_t columns; /* mask of the fields that the file has */
	uint32_t *index_memory;
	uint32_t *index; /* of the delimiters; index[-1] is writable too */
	size_t index_room;
	/* of the block at work: */
	struct scan_found found;
	bool regular;
	struct scan_date date[2];
	struct csv_record *split;
	struct buf why; /* the last record has no price */
	bool *told;	/* of each column, that it may count */
	struct record_batch batch, single;
	int64_t prompt[BATCH_ROWS], total[BATCH_ROWS];
	uint8_t bad[BATCH_ROWS]; /* rows that the strict path must read */
	size_t at_once;		 /* rows that are looked at; fewer behind a bad one */
};

struct csv_reader *csv_reader_open(const struct csv_layout *layout)
{
	struct csv_reader *r = mem_zalloc(sizeof *r);
	r->layout = *layout;
	r->batch.roomy = true; /* its texts lie in the block */
	r->at_once = BATCH_ROWS;
	r->split = mem_zalloc(sizeof *r->split);
	r->told = mem_zalloc(layout->columns + 1);
	for (size_t i = 0; i < layout->columns; i++)
		if (layout->field[i] < FIELD_END)
			r->columns |= (uint64_t)1 << layout->field[i];
	return r;
}

void csv_reader_close(struct csv_reader *r)
{
	if (!r)
		return;
	csv_record_release(r->split);
	free(r->split);
	free(r->told);
	free(r->index_memory);
	buf_release(&r->why);
	free(r);
}

/* Our own files have an apostrophe before what a spreadsheet would take for a formula. */
static struct text text_in(const struct csv_reader *r, size_t column)
{
	const struct text s = r->split->field[column];
	const bool own = !r->layout.shape->column && r->layout.field[column] < FIELD_TEXTS;
	return own ? csv_plain_text(s) : s;
}

/* What a column that is no field holds: why the record has no price, or NULL. */
static const char *judge(struct csv_reader *r, size_t column, struct text value)
{
	const struct csv_layout *l = &r->layout;
	const enum record_field f = l->field[column];
	const struct text name = text_of(l->name[column]);
	const bool count = f == FIELD_OBSCURE && value_may_be_count(value);
	if (count && !l->lacks && l->doubt && !r->told[column])
		l->doubt(l->doubt_user, name);
	r->told[column] |= count;
	if (!(count && l->lacks) && !(f == FIELD_UNKNOWN && !value_is_nothing(value)) &&
	    !(field_is_unread(f) && value_is_price_word(value)))
		return NULL;
	column_tell(&r->why, name);
	return r->why.p;
}

static int take_time_again(struct csv_reader *r, size_t column, struct record *rec, struct err *e)
{
	const struct csv_layout *l = &r->layout;
	size_t first = 0;
	while (l->field[first] != FIELD_TIME)
		first++;
	return column_time_again(rec,
				 &(struct named_value){ text_of(l->name[first]),
							r->split->field[first], VALUE_TEXT },
				 &(struct named_value){ text_of(l->name[column]),
							r->split->field[column], VALUE_TEXT },
				 l->shape->time, e);
}

/* The strict path for one record without its newline. */
static void read_strictly(struct csv_reader *r, const char *p, size_t n,
			  const struct record_sink *sink)
{
	struct err e = { 0 };
	struct record rec;
	record_clear(&rec);
	rec.at = p;
	int rc = csv_split(r->split, (struct text){ p, n }, r->layout.separator, &e);
	if (rc == 0 && r->split->count != r->layout.columns)
		rc = err_set(&e, ERR_INVALID, "the line has %zu fields where the header has %zu",
			     r->split->count, r->layout.columns);
	const char *unread = NULL;
	for (size_t i = 0; rc == 0 && i < r->layout.columns; i++) {
		if (r->layout.field[i] >= FIELD_END && !unread)
			unread = judge(r, i, r->split->field[i]);
		rc = record_set(&rec, r->layout.field[i], text_in(r, i), VALUE_TEXT,
				r->layout.shape->time, &e);
	}
	for (size_t i = 0; rc == 0 && i < r->layout.columns; i++)
		if (r->layout.field[i] == FIELD_TIME_AGAIN)
			rc = take_time_again(r, i, &rec, &e);
	if (rc == 0)
		rc = record_finish(&rec, &e);
	if (rc == 0) {
		record_batch_single(&r->single, &rec);
		r->single.unread = unread;
		sink->accept(sink->user, &r->single);
	} else {
		sink->refuse(sink->user, p, n, &e);
	}
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Where the fields of one column lie, in rows that follow each other. */
struct column {
	const char *block;
	const uint32_t *end; /* delimiter of the first row's field; its predecessor is in front */
	size_t columns;	     /* of a row: so many delimiters further is the next row's */
	bool may_end_in_cr;  /* between the last byte and the delimiter */
};

static inline struct text field_at(struct column c, size_t row)
{
	const uint32_t *end = c.end + row * c.columns;
	const char *p = c.block + (uint32_t)(end[-1] + 1);
	size_t n = (size_t)(c.block + *end - p);
	if (c.may_end_in_cr && n && p[n - 1] == '\r')
		n--;
	return (struct text){ p, n };
}

static void read_texts(struct csv_reader *r, struct column c, struct text *out)
{
	struct record_batch *b = &r->batch;
	const bool look = r->found.flags & SCAN_BLANK, own = !r->layout.shape->column;
	/* that the row is short enough for any text has been seen */
	for (size_t i = 0; i < b->n; i++) {
		out[i] = field_at(c, i);
		r->bad[i] |= own && *out[i].p == '\'';
	}
	/* p[-1] and p[n] are readable: delimiters, or the slack around the block */
	for (size_t i = 0; look && i < b->n; i++) {
		const char *p = out[i].p;
		size_t n = out[i].n;
		r->bad[i] |= n && (is_blank(p[0]) || is_blank(p[n - 1]));
	}
}

static void read_counts(struct csv_reader *r, struct column c, int64_t *out)
{
	struct record_batch *b = &r->batch;
	if (!c.may_end_in_cr) {
		scan_counts(c.block, c.end, c.columns, b->n, out, r->bad);
		return;
	}
	for (size_t i = 0; i < b->n; i++) {
		const struct text t = field_at(c, i);
		r->bad[i] |= !scan_count(t.p, t.n, &out[i]);
	}
}

static void read_instants(struct csv_reader *r, struct column c, int64_t *out,
			  struct scan_date *date, bool may_be_empty)
{
	struct record_batch *b = &r->batch;
	for (size_t i = 0; i < b->n; i++) {
		const struct text field = field_at(c, i);
		if (scan_instant(field.p, field.n, date, &out[i]))
			continue;
		struct instant t = { TIME_ABSENT };
		if (field.n == 0 && may_be_empty) {
			out[i] = TIME_ABSENT;
			continue;
		}
		r->bad[i] |= field.n == 0 || is_blank(field.p[0]) ||
			     is_blank(field.p[field.n - 1]) ||
			     instant_parse_lenient(&t, field, NULL) != 0;
		out[i] = t.us;
	}
}

static void read_spans(struct csv_reader *r, struct column c, int64_t *out, int64_t unit_us)
{
	struct record_batch *b = &r->batch;
	for (size_t i = 0; i < b->n; i++)
		r->bad[i] |= span_parse(&out[i], field_at(c, i), unit_us, NULL) != 0;
}

/* Rows that state something in a column that may be billed go to the strict path, which names it.
 */
static void look_for_values(struct csv_reader *r, struct column c)
{
	struct record_batch *b = &r->batch;
	for (size_t i = 0; i < b->n; i++) {
		const struct text t = field_at(c, i);
		r->bad[i] |= t.n > 1 || (t.n == 1 && *t.p != '0');
	}
}

/* Without quotes and blanks around it. */
static __attribute__((noinline)) bool is_price_word_inside(struct text t)
{
	while (t.n && (*t.p == '"' || is_blank(*t.p)))
		t = (struct text){ t.p + 1, t.n - 1 };
	while (t.n && (t.p[t.n - 1] == '"' || is_blank(t.p[t.n - 1])))
		t.n--;
	return value_is_price_word(t);
}

/* The same of those that hold a word for a price. */
static void look_for_words(struct csv_reader *r, struct column c)
{
	struct record_batch *b = &r->batch;
	for (size_t i = 0; i < b->n; i++) {
		const struct text t = field_at(c, i);
		if (t.n > 3 && value_may_be_price_word(*t.p))
			r->bad[i] |= is_price_word_inside(t);
	}
}

/* Where empty means something else than 0. */
static void look_for_empty(struct csv_reader *r, struct column c)
{
	struct record_batch *b = &r->batch;
	for (size_t i = 0; i < b->n; i++)
		r->bad[i] |= field_at(c, i).n == 0;
}

/* The same of a column whose name says nothing: of every number where it may be the prompt or the
 * answer, else of the first. told: that it may count has been told. */
static void look_for_counts(struct csv_reader *r, struct column c, bool told)
{
	struct record_batch *b = &r->batch;
	bool look = r->layout.lacks || (r->layout.doubt && !told);
	for (size_t i = 0; look && i < b->n; i++) {
		const struct text t = field_at(c, i);
		const bool count = value_may_be_count(t);
		r->bad[i] |=
			count || (t.n && (*t.p == '"' || is_blank(*t.p) || is_blank(t.p[t.n - 1])));
		look = r->layout.lacks || !count;
	}
}

/* The checks of record_finish on whole columns; rows that fail any go to the strict path, which
 * says why. */
static void check_wholes(struct csv_reader *r)
{
	struct record_batch *b = &r->batch;
	uint64_t has = r->columns;
	if (has >> (FIELD_COUNTS + BUCKET_REASONING) & 1)
		for (size_t i = 0; i < b->n; i++)
			r->bad[i] |= !(has >> (FIELD_COUNTS + BUCKET_OUTPUT) & 1) ||
				     b->tokens[BUCKET_REASONING][i] > b->tokens[BUCKET_OUTPUT][i];
	if (has >> FIELD_REQUESTS & 1)
		for (size_t i = 0; i < b->n; i++)
			r->bad[i] |= b->requests[i] < 1;
	/* wholes that contain parts: the strict arithmetic on a record made of the row */
	if (!(has & (FIELDS_OF_PARTS | (uint64_t)1 << FIELD_PROMPT | (uint64_t)1 << FIELD_TOTAL)))
		return;
	b->columns &= ~((uint64_t)1 << FIELD_PROMPT | (uint64_t)1 << FIELD_TOTAL);
	if (has >> FIELD_PROMPT & 1)
		b->columns |= (uint64_t)1 << (FIELD_COUNTS + BUCKET_INPUT);
	for (size_t i = 0; i < b->n; i++) {
		struct record rec;
		if (r->bad[i])
			continue;
		record_from_batch(&rec, b, i);
		rec.present = has;
		rec.prompt = r->prompt[i];
		rec.total = r->total[i];
		r->bad[i] |= record_finish(&rec, NULL) != 0;
		b->tokens[BUCKET_INPUT][i] = rec.tokens[BUCKET_INPUT];
	}
}

/*
 * Reads b->n rows whose delimiters are known to be in order, column by column, so that the
 * processor can overlap the rows.
 */
static void read_columns(struct csv_reader *r, const char *block, const uint32_t *index)
{
	struct record_batch *b = &r->batch;
	const size_t columns = r->layout.columns;
	b->columns = r->columns & ~r->layout.unneeded;
	for (size_t i = 0; i < columns; i++) {
		const enum record_field f = r->layout.field[i];
		const struct column c = { block, index + i, columns,
					  i + 1 == columns && r->found.flags & SCAN_CR };
		if (f == FIELD_UNKNOWN)
			look_for_values(r, c);
		if (f == FIELD_OBSCURE)
			look_for_counts(r, c, r->told[i]);
		if (field_is_unread(f))
			look_for_words(r, c);
		if (f >= FIELD_END || (f < FIELD_TEXTS && r->layout.unneeded >> f & 1))
			continue;
		if (f < FIELD_TEXTS) {
			read_texts(r, c, b->text[f]);
		} else if (f == FIELD_TIME || f == FIELD_COMPLETED) {
			int64_t *out = f == FIELD_TIME ? b->time_us : b->completed_us;
			if (r->layout.shape->time == TIME_INSTANT)
				read_instants(r, c, out, &r->date[f == FIELD_COMPLETED],
					      f == FIELD_COMPLETED);
			else
				read_spans(r, c, out,
					   r->layout.shape->time == TIME_SECONDS ? US_PER_SECOND
										 : 1000);
		} else {
			read_counts(r, c,
				    f < FIELD_REQUESTS	  ? b->counts[f - FIELD_COUNTS]
				    : f == FIELD_REQUESTS ? b->requests
				    : f == FIELD_PROMPT	  ? r->prompt
							  : r->total);
			if (f >= FIELD_REQUESTS)
				look_for_empty(r, c);
		}
	}
	check_wholes(r);
}

/* Every line of the block has the header's number of fields, and nothing in it needs a closer look:
 * the newlines are all where they must be, and no other newline or quote is among the delimiters.
 */
static bool is_regular(const struct csv_reader *r, const struct record_block *blk)
{
	const size_t columns = r->layout.columns;
	bool ok = columns > 1 && !(r->found.flags & ~(unsigned)SCAN_BLANK) &&
		  r->found.newlines * columns == r->found.count;
	for (size_t k = columns - 1; ok && k < r->found.count; k += columns)
		ok = blk->p[r->index[k]] == '\n';
	return ok;
}

/* Whether the row at p, with the delimiters from `end` on, has the right ones in the right places.
 */
static bool row_is_plain(const struct csv_reader *r, const struct record_block *blk,
			 const uint32_t *end, const char *p)
{
	const size_t columns = r->layout.columns;
	const char separator = r->layout.separator;
	const char *stop = blk->p + end[columns - 1];
	bool ok = *stop == '\n';
	for (size_t c = 0; c + 1 < columns; c++)
		ok &= blk->p[end[c]] == separator;
	size_t n = (size_t)(stop - p);
	/* no byte of a blank line, which is no record, gets here: it has columns - 1
	 * delimiters too few, unless one column */
	if (!ok || n > CSV_RECORD_MAX || n == 0 || (n == 1 && *p == '\r'))
		return false;
	return !(r->found.flags & (SCAN_HIGH | SCAN_NUL) && utf8_valid_prefix(p, n) != n) &&
	       !(r->found.flags & SCAN_CR && memchr(p, '\r', n - 1));
}

/* Rows from delimiter k on that can be read fast; at most r->at_once. p is where the first begins.
 */
static size_t take_rows(struct csv_reader *r, const struct record_block *blk, const char *p,
			size_t k)
{
	struct record_batch *b = &r->batch;
	const size_t columns = r->layout.columns;
	const uint32_t *end = r->index + k;
	size_t rows = 0, most = (r->found.count - k) / columns;
	r->index_memory[k] = (uint32_t)(p - blk->p) - 1; /* index[k - 1] */
	most = most < r->at_once ? most : r->at_once;
	for (; rows < most; rows++, end += columns) {
		const char *stop = blk->p + end[columns - 1];
		if (r->regular ? stop - p > CSV_RECORD_MAX : !row_is_plain(r, blk, end, p))
			break;
		b->at[rows] = p;
		/* in a row this short no text can be too long */
		r->bad[rows] = stop - p > RECORD_TEXT_MAX;
		p = stop + 1;
	}
	return rows;
}

/* Reads b->n rows as far as none needs a closer look, and that one too; how many. Rows are handed
 * on in the order of the file; behind such a row fewer are looked at in vain. */
static size_t read_fast(struct csv_reader *r, const struct record_block *blk, size_t k,
			const struct record_sink *sink)
{
	struct record_batch *b = &r->batch;
	const size_t columns = r->layout.columns, rows = b->n;
	read_columns(r, blk->p, r->index + k);
	const uint8_t *bad = memchr(r->bad, 1, rows);
	const size_t good = bad ? (size_t)(bad - r->bad) : rows;
	b->n = good;
	if (b->n)
		sink->accept(sink->user, b);
	r->at_once = good < rows	       ? ROWS_AFTER_BAD
		     : r->at_once < BATCH_ROWS ? 2 * r->at_once
					       : BATCH_ROWS;
	if (good == rows)
		return rows;
	const uint32_t end = r->index[k + good * columns + columns - 1];
	read_strictly(r, b->at[good], (size_t)(blk->p + end - b->at[good]), sink);
	return good + 1;
}

bool csv_reader_run(struct csv_reader *r, const struct record_block *b,
		    const struct record_sink *sink)
{
	if (r->index_room < b->n + 64) {
		free(r->index_memory);
		r->index_room = b->n + 64;
		r->index_memory = mem_alloc((1 + r->index_room) * sizeof *r->index);
		r->index = r->index_memory + 1;
	}
	r->found = (struct scan_found){ 0 };
	if (!r->layout.strict_only)
		scan_delimiters(b->p, b->n, r->layout.separator, r->index, &r->found);
	r->regular = is_regular(r, b);
	const size_t count = r->found.count;
	size_t k = 0, span = 0, columns = r->layout.columns;
	const char *p = b->p, *end = b->p + b->n;
	while (p < end) {
		r->batch.n = take_rows(r, b, p, k);
		if (r->batch.n) {
			k += read_fast(r, b, k, sink) * columns;
			p = b->p + r->index[k - 1] + 1;
			continue;
		}
		if (*p == '\n' || (*p == '\r' && p[1] == '\n')) { /* a blank line is no record */
			p += *p == '\r' ? 2 : 1;
			k += k < count;
			continue;
		}
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *next = nl ? nl + 1 : end;
		if (b->in_order) {
			while (span < b->span_count && b->p + b->span[span].from < p)
				span++;
			if (span < b->span_count && b->p + b->span[span].from == p)
				next = b->p + b->span[span].to;
		} else if (memchr(p, '"', (size_t)(next - p)) &&
			   csv_record_end(p, end, false, r->layout.separator, columns) != next) {
			return false;
		}
		struct text rest = { p, (size_t)(next - p) - (next > p && next[-1] == '\n') },
			    piece;
		while (text_between_zeros(&rest, &piece))
			read_strictly(r, piece.p, piece.n, sink);
		p = next;
		while (k < count && b->p + r->index[k] < p)
			k++;
	}
	return true;
}
