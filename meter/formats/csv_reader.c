#include <stdlib.h>

#include "base/arena.h"
#include "base/scan.h"
#include "meter/formats/record_reader.h"

enum column_kind { COLUMN_UNUSED, COLUMN_TEXT, COLUMN_INSTANT, COLUMN_SPAN, COLUMN_COUNT, COLUMN_REQUESTS };

struct column {
	enum column_kind kind;
	enum record_field field;
	void *slot; /* in csv_reader.record */
};

struct csv_reader {
	struct csv_layout layout;
	struct column *column;
	bool must_finish; /* the columns state wholes that contain parts */
	uint64_t present;
	uint32_t *index;
	size_t index_room;
	struct scan_date date;
	struct record record;
	struct csv_record *split;
};

static int64_t *count_slot(struct record *r, enum record_field f)
{
	if (f < FIELD_REQUESTS)
		return &r->tokens[f - FIELD_COUNTS];
	return f == FIELD_REQUESTS ? &r->requests : f == FIELD_PROMPT ? &r->prompt : &r->total;
}

struct csv_reader *csv_reader_open(const struct csv_layout *layout)
{
	struct csv_reader *r = mem_zalloc(sizeof *r);
	r->layout = *layout;
	r->column = mem_zalloc(layout->columns * sizeof *r->column);
	r->split = mem_zalloc(sizeof *r->split);
	record_clear(&r->record);
	for (size_t i = 0; i < layout->columns; i++) {
		enum record_field f = layout->field[i];
		struct column *c = &r->column[i];
		c->field = f;
		if (f == FIELD_NONE)
			continue;
		if (f < FIELD_TEXTS) {
			c->kind = COLUMN_TEXT;
			c->slot = &r->record.text[f];
		} else if (f == FIELD_TIME || f == FIELD_COMPLETED) {
			c->kind = layout->shape->time == TIME_INSTANT ? COLUMN_INSTANT : COLUMN_SPAN;
			c->slot = f == FIELD_TIME ? &r->record.time_us : &r->record.completed_us;
		} else {
			c->kind = f == FIELD_REQUESTS ? COLUMN_REQUESTS : COLUMN_COUNT;
			c->slot = count_slot(&r->record, f);
		}
		r->must_finish |= f == FIELD_PROMPT || f == FIELD_TOTAL;
		r->present |= (uint64_t)1 << f;
	}
	return r;
}

void csv_reader_close(struct csv_reader *r)
{
	if (!r)
		return;
	csv_record_release(r->split);
	free(r->split);
	free(r->column);
	free(r->index);
	free(r);
}

/* The strict path for one record without its newline. */
static void read_strictly(struct csv_reader *r, const char *p, size_t n, const struct record_sink *sink)
{
	struct err e = { 0 };
	struct record rec;
	record_clear(&rec);
	rec.at = p;
	int rc = csv_split(r->split, (struct text){ p, n }, r->layout.separator, &e);
	if (rc == 0 && r->split->count != r->layout.columns)
		rc = err_set(&e, ERR_INVALID, "the line has %zu fields where the header has %zu", r->split->count,
			     r->layout.columns);
	for (size_t i = 0; rc == 0 && i < r->layout.columns; i++)
		rc = record_set(&rec, r->layout.field[i], r->split->field[i], VALUE_TEXT, r->layout.shape->time, &e);
	if (rc == 0)
		rc = record_finish(&rec, &e);
	if (rc == 0)
		sink->accept(sink->user, &rec);
	else
		sink->refuse(sink->user, p, n, &e);
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Columns of the row at p whose delimiters are end[0..columns). False: take the strict path. */
static inline bool read_fast(struct csv_reader *r, const char *block, const char *p, const uint32_t *end)
{
	struct record *rec = &r->record;
	uint64_t present = r->present;
	rec->at = p;
	size_t columns = r->layout.columns;
	for (size_t i = 0; i < columns; i++) {
		const char *stop = block + end[i];
		size_t n = (size_t)(stop - p);
		const struct column *c = &r->column[i];
		if (i + 1 == columns) {
			if (*stop != '\n')
				return false;
			if (n && stop[-1] == '\r')
				n--;
		} else if (*stop != r->layout.separator) {
			return false;
		}
		switch (c->kind) {
		case COLUMN_UNUSED:
			break;
		case COLUMN_TEXT:
			if (n > RECORD_TEXT_MAX || (n && (is_blank(p[0]) || is_blank(p[n - 1]))))
				return false;
			*(struct text *)c->slot = (struct text){ p, n };
			break;
		case COLUMN_INSTANT:
			if (!scan_instant(p, n, &r->date, c->slot)) {
				struct instant t;
				if (n == 0 || is_blank(p[0]) || is_blank(p[n - 1]) ||
				    instant_parse_lenient(&t, (struct text){ p, n }, NULL) != 0)
					return false;
				*(int64_t *)c->slot = t.us;
			}
			break;
		case COLUMN_SPAN:
			if (span_parse(c->slot, (struct text){ p, n },
				       r->layout.shape->time == TIME_SECONDS ? US_PER_SECOND : 1000, NULL) != 0)
				return false;
			break;
		case COLUMN_COUNT:
			if (!scan_count(p, n, c->slot))
				return false;
			if (n == 0)
				present &= ~((uint64_t)1 << c->field);
			break;
		case COLUMN_REQUESTS:
			if (n == 0 || !scan_count(p, n, c->slot))
				return false;
			break;
		}
		p = stop + 1;
	}
	rec->present = present;
	if (rec->tokens[BUCKET_REASONING] > rec->tokens[BUCKET_OUTPUT] || rec->requests < 1)
		return false;
	return !r->must_finish || record_finish(rec, NULL) == 0;
}

bool csv_reader_run(struct csv_reader *r, const struct record_block *b, const struct record_sink *sink)
{
	if (r->index_room < b->n + 64) {
		free(r->index);
		r->index_room = b->n + 64;
		r->index = mem_alloc(r->index_room * sizeof *r->index);
	}
	unsigned flags = 0;
	size_t count = r->layout.strict_only ? 0 : scan_delimiters(b->p, b->n, r->layout.separator, r->index, &flags);
	size_t k = 0, span = 0, columns = r->layout.columns;
	const char *p = b->p, *end = b->p + b->n;
	while (p < end) {
		if (*p == '\n' || (*p == '\r' && p[1] == '\n')) { /* a blank line is no record */
			p += *p == '\r' ? 2 : 1;
			k += k < count;
			continue;
		}
		if (k + columns <= count) {
			const char *stop = b->p + r->index[k + columns - 1];
			size_t n = (size_t)(stop - p);
			bool plain = !flags || (!((flags & (SCAN_HIGH | SCAN_NUL)) && utf8_valid_prefix(p, n) != n) &&
						!(flags & SCAN_CR && n && memchr(p, '\r', n - 1)));
			if (plain && n <= CSV_RECORD_MAX && read_fast(r, b->p, p, r->index + k)) {
				sink->accept(sink->user, &r->record);
				p = stop + 1;
				k += columns;
				continue;
			}
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
		read_strictly(r, p, (size_t)(next - p) - (next > p && next[-1] == '\n'), sink);
		p = next;
		while (k < count && b->p + r->index[k] < p)
			k++;
	}
	return true;
}
