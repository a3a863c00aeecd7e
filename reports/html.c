#include "reports/html.h"

static void put_escaped(struct buf *b, struct text s)
{
	for (size_t i = 0; i < s.n; i++)
		switch (s.p[i]) {
		case '&':
			buf_puts(b, "&amp;");
			break;
		case '<':
			buf_puts(b, "&lt;");
			break;
		case '>':
			buf_puts(b, "&gt;");
			break;
		case '"':
			buf_puts(b, "&quot;");
			break;
		case '\'':
			buf_puts(b, "&#39;");
			break;
		default:
			buf_add(b, s.p + i, 1);
		}
}

void html_put(struct buf *b, struct text s)
{
	struct buf plain = { 0 };
	buf_add_plain(&plain, s);
	put_escaped(b, (struct text){ plain.p, plain.n });
	buf_release(&plain);
}
