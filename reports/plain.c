#include "reports/plain.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"

enum { SPEC_MAX = 32, VALUE_MAX = 512 };

/* One conversion of a format: its text without the arguments of '*', which are filled in. */
struct spec {
	char flags[8];
	int width, precision; /* -1: none */
	char length[3], kind;
};

static const char *read_spec(const char *p, struct spec *s, va_list *ap)
{
	size_t n = strspn(p, "-+ #0'");
	*s = (struct spec){ .width = -1, .precision = -1 };
	CHECK(n < sizeof s->flags - 1);
	memcpy(s->flags, p, n);
	p += n;
	for (int *to = &s->width;; to = &s->precision) {
		if (*p == '*') {
			*to = va_arg(*ap, int);
			p++;
		} else if (to == &s->precision || is_digit(*p)) {
			for (*to = 0; is_digit(*p); p++)
				*to = *to * 10 + (*p - '0');
		}
		if (to == &s->precision || *p != '.')
			break;
		p++;
	}
	if (s->width < -1) { /* a negative width is the flag '-' */
		s->flags[strlen(s->flags)] = '-';
		s->width = -s->width;
	}
	n = strspn(p, "hlzjtL");
	CHECK(n < sizeof s->length);
	memcpy(s->length, p, n);
	p += n;
	s->kind = *p;
	return p + (*p != 0);
}

static void put_text(struct buf *b, const struct spec *s, const char *text)
{
	text = text ? text : "(null)";
	const size_t n = s->precision >= 0 ? strnlen(text, (size_t)s->precision) : strlen(text);
	const size_t from = b->n;
	buf_add_plain(b, (struct text){ text, n });
	const size_t wide = s->width > 0 ? (size_t)s->width : 0, put = b->n - from;
	if (put >= wide)
		return;
	buf_need(b, wide - put);
	const bool left = strchr(s->flags, '-') != NULL;
	if (!left)
		memmove(b->p + from + (wide - put), b->p + from, put);
	memset(b->p + from + (left ? put : 0), ' ', wide - put);
	b->n += wide - put;
	b->p[b->n] = 0;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void put_number(struct buf *b, const struct spec *s, va_list *ap)
{
	char format[SPEC_MAX], value[VALUE_MAX];
	const bool is_long = strcmp(s->length, "l") == 0, is_wide = strcmp(s->length, "ll") == 0,
		   is_size = *s->length == 'z' || *s->length == 'j' || *s->length == 't';
	snprintf(format, sizeof format, "%%%s*.*%s%c", s->flags,
		 strchr("diuxXoc", s->kind) ? (s->kind == 'c' ? "" : "ll") : "", s->kind);
	const int width = s->width < 0 ? 0 : s->width;
	CHECK(s->kind && strchr("diuxXocfgeFGEp", s->kind));
	if (strchr("fgeFGE", s->kind))
		snprintf(value, sizeof value, format, width, s->precision, va_arg(*ap, double));
	else if (s->kind == 'c')
		snprintf(value, sizeof value, format, width, s->precision, va_arg(*ap, int));
	else if (s->kind == 'p')
		snprintf(value, sizeof value, "%p", va_arg(*ap, void *));
	else if (strchr("di", s->kind))
		snprintf(value, sizeof value, format, width, s->precision,
			 is_wide   ? va_arg(*ap, long long)
			 : is_long ? (long long)va_arg(*ap, long)
			 : is_size ? (long long)va_arg(*ap, ptrdiff_t)
				   : (long long)va_arg(*ap, int));
	else
		snprintf(value, sizeof value, format, width, s->precision,
			 is_wide   ? va_arg(*ap, unsigned long long)
			 : is_long ? (unsigned long long)va_arg(*ap, unsigned long)
			 : is_size ? (unsigned long long)va_arg(*ap, size_t)
				   : (unsigned long long)va_arg(*ap, unsigned));
	buf_puts(b, value);
}
#pragma GCC diagnostic pop

int plain_printf(FILE *out, const char *format, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, format);
	for (const char *p = format; *p;) {
		const size_t n = strcspn(p, "%");
		struct spec s;
		buf_add(&b, p, n);
		p += n;
		if (!*p)
			break;
		p = read_spec(p + 1, &s, &ap);
		if (s.kind == 's')
			put_text(&b, &s, va_arg(ap, const char *));
		else if (s.kind == '%')
			buf_add(&b, "%", 1);
		else
			put_number(&b, &s, &ap);
	}
	va_end(ap);
	const size_t put = b.n ? fwrite(b.p, 1, b.n, out) : 0;
	const int n = put == b.n ? (int)b.n : -1;
	buf_release(&b);
	return n;
}

void plain_write(FILE *out, struct text t)
{
	struct buf b = { 0 };
	buf_add_plain(&b, t);
	fwrite(b.p, 1, b.n, out);
	buf_release(&b);
}
