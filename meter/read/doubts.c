#include "meter/read/doubts.h"

#include <string.h>

enum { NAMES_MOST = 400 };

static bool has_name(const struct buf *all, struct text name)
{
	const char *p = all->p, *end = all->p + all->n;
	while (p < end) {
		const char *comma = memmem(p, (size_t)(end - p), ", ", 2);
		const size_t n = (size_t)((comma ? comma : end) - p);
		if (n == name.n && memcmp(p, name.p, n) == 0)
			return true;
		p += n + 2;
	}
	return false;
}

void doubts_add_column(struct doubts *d, struct text name)
{
	const size_t n = name.n > 60 ? 60 : name.n;
	if (d->columns.n > NAMES_MOST ||
	    (d->columns.n && has_name(&d->columns, (struct text){ name.p, n })))
		return;
	if (d->columns.n)
		buf_puts(&d->columns, ", ");
	buf_add(&d->columns, name.p, n);
}

void doubts_append(struct doubts *to, const struct doubts *from)
{
	page_list_append(&to->pages, &from->pages);
	if (!from->columns.n)
		return;
	const char *p = from->columns.p, *end = p + from->columns.n;
	while (p < end) {
		const char *comma = memmem(p, (size_t)(end - p), ", ", 2);
		const char *stop = comma ? comma : end;
		doubts_add_column(to, (struct text){ p, (size_t)(stop - p) });
		p = stop + 2;
	}
}

void doubts_release(struct doubts *d)
{
	page_list_release(&d->pages);
	buf_release(&d->columns);
}
