#include "meter/read/doubts.h"

#include <string.h>

enum { NAMES_MOST = 400 };

bool doubts_next_column(struct text columns, size_t *at, struct text *name)
{
	if (*at >= columns.n)
		return false;
	const char *p = columns.p + *at, *comma = memmem(p, columns.n - *at, ", ", 2);
	*name = (struct text){ p, comma ? (size_t)(comma - p) : columns.n - *at };
	*at += name->n + 2;
	return true;
}

static struct text columns_of(const struct doubts *d)
{
	return (struct text){ d->columns.p, d->columns.n };
}

static bool has_name(const struct doubts *d, struct text name)
{
	struct text known;
	for (size_t at = 0; doubts_next_column(columns_of(d), &at, &known);)
		if (text_eq(known, name))
			return true;
	return false;
}

void doubts_add_column(struct doubts *d, struct text name)
{
	const size_t n = name.n > 60 ? 60 : name.n;
	if (d->columns.n > NAMES_MOST || has_name(d, (struct text){ name.p, n }))
		return;
	if (d->columns.n)
		buf_puts(&d->columns, ", ");
	buf_add(&d->columns, name.p, n);
}

void doubts_add_reading(struct doubts *d, const char *name, const char *why)
{
	struct buf b = { 0 };
	buf_printf(&b, "%.35s (%s)", name, why);
	doubts_add_column(d, (struct text){ b.p, b.n });
	buf_release(&b);
}

/* The column of a reading, and what its values leave open; NULL: the name is no reading. */
static const char *reading_of(struct text *name)
{
	static const struct {
		const char *why, *sentence;
	} readings[] = {
		{ " (" DOUBT_DAYS ")", "has days without hours: prices by the hour, and days of "
				       "another time zone, may be off" },
		{ " (" DOUBT_NO_CHARGE ")", "has what is no charge in dollars, and is not kept" },
	};
	for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
		const size_t n = strlen(readings[i].why);
		if (name->n <= n || memcmp(name->p + name->n - n, readings[i].why, n) != 0)
			continue;
		name->n -= n;
		return readings[i].sentence;
	}
	return NULL;
}

int doubts_put_sentences(struct buf *out, struct text columns, const char *hint)
{
	struct buf unknown = { 0 };
	struct text name;
	int lines = 0;
	for (size_t at = 0; doubts_next_column(columns, &at, &name);) {
		const char *sentence = reading_of(&name);
		if (sentence)
			buf_printf(out, "the column '%.*s' %s\n", (int)name.n, name.p, sentence);
		else
			buf_printf(&unknown, "%s%.*s", unknown.n ? ", " : "", (int)name.n, name.p);
		lines += sentence != NULL;
	}
	if (unknown.n)
		buf_printf(out,
			   "no table knows what these columns count, so that it may be missing "
			   "here: %s%s\n",
			   unknown.p, hint);
	lines += unknown.n > 0;
	buf_release(&unknown);
	return lines;
}

void doubts_append(struct doubts *to, const struct doubts *from)
{
	struct text name;
	page_list_append(&to->pages, &from->pages);
	to->zeros += from->zeros;
	for (size_t at = 0; doubts_next_column(columns_of(from), &at, &name);)
		doubts_add_column(to, name);
}

void doubts_release(struct doubts *d)
{
	page_list_release(&d->pages);
	buf_release(&d->columns);
	*d = (struct doubts){ 0 };
}
