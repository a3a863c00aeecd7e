#include "reports/disputes.h"

#include <string.h>

void disputes_add(struct disputes *x, const struct dispute *d)
{
	const char *has = strstr(d->says, " has ");
	const struct text what = text_of(has ? has + 5 : d->says),
			  who = { d->says, has ? (size_t)(has - d->says) : 0 };
	size_t i = 0;
	while (i < x->count && !(who.n && x->who[i].n && text_is(x->about[i], d->about) &&
				 text_eq(x->what[i], what)))
		i++;
	if (i == DISPUTES_SHOWN)
		return;
	if (i == x->count) {
		x->about[i] = text_of(d->about);
		x->what[i] = what;
		x->count++;
	} else if (memmem(x->who[i].p, x->who[i].n, who.p, who.n)) {
		return; /* of another time */
	} else {
		buf_puts(&x->who[i], ", ");
		x->many[i] = true;
	}
	buf_add(&x->who[i], who.p, who.n);
}

const char *disputes_line(struct disputes *x, size_t i)
{
	const struct buf *who = &x->who[i];
	x->line.n = 0;
	buf_printf(&x->line, "%.*s: %s%s%.*s", (int)x->about[i].n, x->about[i].p,
		   who->n ? who->p : "",
		   !who->n	? ""
		   : x->many[i] ? " have "
				: " has ",
		   (int)x->what[i].n, x->what[i].p);
	return x->line.p;
}

void disputes_release(struct disputes *x)
{
	for (size_t i = 0; i < x->count; i++)
		buf_release(&x->who[i]);
	buf_release(&x->line);
}
