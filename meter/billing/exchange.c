#include "meter/billing/exchange.h"

#include <stdlib.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/instant.h"
#include "base/loose.h"

enum { FILE_MOST = 64 << 20 };

struct quote {
	struct text currency;
	struct quantity rate;
};

/* What one base was worth on one day. */
struct sheet {
	int64_t day;
	struct text base, source;
	size_t first, count;
};

struct exchange_rates {
	struct sheet *sheet;
	size_t sheets;
	struct quote *quote;
	size_t quotes;
	struct arena arena;
};

static struct text keep(struct arena *a, struct text t)
{
	return (struct text){ arena_text(a, t.n ? t.p : "", t.n), t.n };
}

static struct sheet *add_sheet(struct exchange_rates *x, int64_t day, struct text base,
			       struct text source)
{
	if ((x->sheets & (x->sheets - 1)) == 0)
		x->sheet = mem_grow(x->sheet, (x->sheets ? x->sheets * 2 : 16) * sizeof *x->sheet);
	struct sheet *s = &x->sheet[x->sheets++];
	*s = (struct sheet){ .day = day, .base = base, .source = source, .first = x->quotes };
	return s;
}

static int add_quote(struct exchange_rates *x, struct sheet *s, struct text currency,
		     struct text rate, struct err *e)
{
	struct decimal d;
	struct quantity q;
	if (decimal_parse(&d, rate, NULL) != 0 || d.digits <= 0 ||
	    quantity_from_decimal(&q, d, NULL) != 0)
		return err_set(e, ERR_INVALID,
			       "'%.*s' is not a positive rate with at most nine decimals, for "
			       "%.*s",
			       (int)rate.n, rate.p, (int)currency.n, currency.p);
	if ((x->quotes & (x->quotes - 1)) == 0)
		x->quote = mem_grow(x->quote, (x->quotes ? x->quotes * 2 : 64) * sizeof *x->quote);
	x->quote[x->quotes++] = (struct quote){ currency, q };
	s->count++;
	return 0;
}

static int day_of(struct text t, int64_t *out, struct err *e)
{
	struct loose_time at;
	int rc = loose_time_parse(&at, t, e);
	*out = rc == 0 ? floor_div(at.at.us, US_PER_DAY) : 0;
	return rc;
}

/* --- the two kinds of file --- */

struct reading {
	struct exchange_rates *all;
	struct csv_record head, row;
	struct text source;
	bool listed; /* day,base,currency,rate */
	int column[4];
};

static int read_head(struct reading *r, struct err *e)
{
	static const char *const names[] = { "day", "base", "currency", "rate" };
	r->listed = true;
	for (size_t k = 0; k < 4; k++) {
		r->column[k] = -1;
		for (size_t i = 0; i < r->head.count; i++)
			if (text_is(r->head.field[i], names[k]))
				r->column[k] = (int)i;
		r->listed &= r->column[k] >= 0;
	}
	if (r->listed)
		return 0;
	if (r->head.count < 2 || !text_is(r->head.field[0], "Date"))
		return err_set(e, ERR_INVALID,
			       "rates have the columns day,base,currency,rate, or Date and a "
			       "column for each currency as the European Central Bank has them");
	for (size_t i = 1; i < r->head.count; i++)
		r->head.field[i] = keep(&r->all->arena, r->head.field[i]);
	return 0;
}

static int read_row(struct reading *r, struct err *e)
{
	struct exchange_rates *x = r->all;
	const struct text *f = r->row.field;
	int64_t day;
	if (r->row.count < (r->listed ? 4 : 2))
		return err_set(e, ERR_INVALID, "a row has too few fields");
	int rc = day_of(f[r->listed ? r->column[0] : 0], &day, e);
	if (rc != 0)
		return rc;
	if (r->listed) {
		struct sheet *s = add_sheet(x, day, keep(&x->arena, f[r->column[1]]), r->source);
		return add_quote(x, s, keep(&x->arena, f[r->column[2]]), f[r->column[3]], e);
	}
	struct sheet *s = add_sheet(x, day, TEXT("EUR"), r->source);
	for (size_t i = 1; rc == 0 && i < r->row.count && i < r->head.count; i++)
		if (r->head.field[i].n && f[i].n && !text_is(f[i], "N/A"))
			rc = add_quote(x, s, r->head.field[i], f[i], e);
	return rc;
}

static int read_lines(struct reading *r, struct text all, const char *path, struct err *e)
{
	long line = 0;
	int rc = 0;
	for (const char *p = all.p, *end = all.p + all.n; rc == 0 && p < end;) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		struct text text = { p, (size_t)((stop ? stop : end) - p) };
		p = stop ? stop + 1 : end;
		line++;
		if (text.n == 0 || text_is(text, "\r"))
			continue;
		rc = csv_split(line == 1 ? &r->head : &r->row, text, ',', e);
		if (rc == 0)
			rc = line == 1 ? read_head(r, e) : read_row(r, e);
	}
	return rc == 0 ? 0 : err_context(e, "%s, line %ld", path, line);
}

int exchange_read(struct exchange_rates **all, const char *path, struct err *e)
{
	struct buf bytes = { 0 };
	const char *name = strrchr(path, '/');
	if (!*all)
		*all = mem_zalloc(sizeof **all);
	struct reading *r = mem_zalloc(sizeof *r);
	r->all = *all;
	r->source = keep(&(*all)->arena, text_of(name ? name + 1 : path));
	int rc = file_read(&bytes, path, FILE_MOST, e);
	struct text text = { bytes.p, bytes.n };
	if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0)
		text = (struct text){ text.p + 3, text.n - 3 };
	if (rc == 0)
		rc = read_lines(r, text, path, e);
	csv_record_release(&r->head);
	csv_record_release(&r->row);
	free(r);
	buf_release(&bytes);
	return rc;
}

void exchange_close(struct exchange_rates *all)
{
	if (!all)
		return;
	free(all->sheet);
	free(all->quote);
	arena_release(&all->arena);
	free(all);
}

/* --- between two currencies --- */

static const struct quantity one = { 1000000000 };

static const struct quantity *worth_on(const struct exchange_rates *x, const struct sheet *s,
				       struct text currency)
{
	if (text_eq(s->base, currency))
		return &one;
	for (size_t i = s->first; i < s->first + s->count; i++)
		if (text_eq(x->quote[i].currency, currency))
			return &x->quote[i].rate;
	return NULL;
}

static void put_day(struct buf *b, int64_t day)
{
	char text[DAY_TEXT_MAX];
	buf_puts(b, day_format(day, text));
}

int exchange_find(const struct exchange_rates *all, struct text from, struct text to, int64_t day,
		  struct exchange_rate *out, struct err *e)
{
	const struct sheet *best = NULL;
	for (size_t i = 0; all && i < all->sheets; i++) {
		const struct sheet *s = &all->sheet[i];
		if (s->day > day || s->day <= day - EXCHANGE_DAYS_MOST ||
		    (best && s->day <= best->day))
			continue;
		if (worth_on(all, s, from) && worth_on(all, s, to))
			best = s;
	}
	if (!best) {
		struct buf text = { 0 };
		put_day(&text, day);
		int rc = err_set(e, ERR_NOT_FOUND,
				 "no rate from %.*s to %.*s for %s or the %d days before it",
				 (int)from.n, from.p, (int)to.n, to.p, text.p,
				 EXCHANGE_DAYS_MOST - 1);
		buf_release(&text);
		return rc;
	}
	*out = (struct exchange_rate){ .from = from,
				       .to = to,
				       .source = best->source,
				       .day = best->day,
				       .multiply = *worth_on(all, best, to),
				       .divide = *worth_on(all, best, from) };
	return 0;
}

int exchange_amount(const struct exchange_rate *r, struct money_total amount,
		    struct money_total *out, struct err *e)
{
	return amount_of(amount, r->multiply, r->divide, out, e);
}

void exchange_put(struct buf *out, const struct exchange_rate *r)
{
	char text[2][DECIMAL_TEXT_MAX];
	quantity_format(r->multiply, text[0]);
	quantity_format(r->divide, text[1]);
	const bool per_to = strcmp(text[0], "1") == 0;
	buf_printf(out, "%s %.*s = %s %.*s (", per_to ? text[0] : text[1],
		   (int)(per_to ? r->to.n : r->from.n), per_to ? r->to.p : r->from.p,
		   per_to ? text[1] : text[0], (int)(per_to ? r->from.n : r->to.n),
		   per_to ? r->from.p : r->to.p);
	put_day(out, r->day);
	if (r->source.n)
		buf_printf(out, ", %.*s", (int)r->source.n, r->source.p);
	buf_puts(out, ")");
}
