#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

int text_cmp(struct text a, struct text b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool text_between_zeros(struct text *rest, struct text *piece)
{
	enum { RUN = 4 };
	const char *p = rest->p, *end = p + rest->n;
	while (p < end && !*p)
		p++;
	const char *stop = p;
	for (const char *q = p; q < end;) {
		const char *zero = memchr(q, 0, (size_t)(end - q));
		stop = zero ? zero : end;
		for (q = stop; q < end && !*q; q++)
			;
		if (q - stop >= RUN || q == end)
			break;
	}
	*piece = (struct text){ p, (size_t)(stop - p) };
	*rest = (struct text){ stop, (size_t)(end - stop) };
	return piece->n > 0;
}

size_t utf8_valid_prefix(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
	uint64_t eight;
	size_t i = 0;
	while (i < n) {
		/* eight at a time while all are ASCII and none is zero */
		while (n - i >= 8 && (memcpy(&eight, p + i, 8), !((eight | (eight - ones)) & high)))
			i += 8;
		if (i == n)
			break;
		unsigned char c = p[i];
		if (c == 0)
			return i;
		if (c < 0x80) {
			i++;
			continue;
		}
		size_t more;
		uint32_t min, cp;
		if (c >= 0xC2 && c <= 0xDF)
			more = 1, min = 0x80, cp = c & 0x1Fu;
		else if ((c & 0xF0) == 0xE0)
			more = 2, min = 0x800, cp = c & 0x0Fu;
		else if (c >= 0xF0 && c <= 0xF4)
			more = 3, min = 0x10000, cp = c & 0x07u;
		else
			return i;
		if (more >= n - i)
			return i;
		for (size_t k = 1; k <= more; k++) {
			if ((p[i + k] & 0xC0) != 0x80)
				return i;
			cp = cp << 6 | (p[i + k] & 0x3Fu);
		}
		if (cp < min || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
			return i;
		i += more + 1;
	}
	return n;
}

void buf_need(struct buf *b, size_t more)
{
	if (b->room - b->n > more)
		return;
	size_t room = b->room ? b->room * 2 : 256;
	while (room - b->n <= more)
		room *= 2;
	b->p = mem_grow(b->p, room);
	b->room = room;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	buf_need(b, n);
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = 0;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

char *digits_before(char *end, uint64_t v)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	for (; v >= 10; v /= 100)
		memcpy(end -= 2, pairs + v % 100 * 2, 2);
	if (v)
		*--end = (char)('0' + v);
	return end;
}

char *count_words(char room[COUNT_WORDS_MAX], int64_t n, const char *noun)
{
	char digits[24];
	const size_t one = strcspn(noun, "|");
	int k = snprintf(digits, sizeof digits, "%lld", (long long)n), out = 0;
	for (int i = 0; i < k; i++) {
		if (i && digits[i - 1] != '-' && (k - i) % 3 == 0)
			room[out++] = ',';
		room[out++] = digits[i];
	}
	room[out] = 0;
	if (!*noun)
		return room;
	if (n == 1)
		snprintf(room + out, COUNT_WORDS_MAX - (size_t)out, " %.*s", (int)one, noun);
	else
		snprintf(room + out, COUNT_WORDS_MAX - (size_t)out, " %s%s",
			 noun[one] ? noun + one + 1 : noun, noun[one] ? "" : "s");
	return room;
}

void buf_int(struct buf *b, int64_t v)
{
	if (v >= 0 && v < 10) {
		buf_char(b, (char)('0' + v));
		return;
	}
	char text[24], *end = text + sizeof text;
	char *p = digits_before(end, v < 0 ? -(uint64_t)v : (uint64_t)v);
	/* a pair may begin with a zero */
	while (p < end && *p == '0')
		p++;
	if (p == end)
		*--p = '0';
	if (v < 0)
		*--p = '-';
	buf_add(b, p, (size_t)(end - p));
}

void buf_add_utf8(struct buf *b, struct text t)
{
	while (t.n) {
		size_t good = utf8_valid_prefix(t.p, t.n);
		buf_add(b, t.p, good);
		if (good < t.n)
			buf_puts(b, "\xEF\xBF\xBD");
		good += good < t.n;
		t.p += good;
		t.n -= good;
	}
}

/* U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069 */
static bool turns_text(uint32_t c)
{
	return c == 0x61C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* How many bytes at the beginning of TEXT are printable ASCII, by eights: short by less than eight
 * of them. */
static size_t printable_eights(const char *text, size_t n)
{
	const uint64_t each = 0x0101010101010101, high = 0x80 * each;
	size_t i = 0;
	for (uint64_t x; i + sizeof x <= n; i += sizeof x) {
		memcpy(&x, text + i, sizeof x);
		/* 0x7F and above carry into the highest bit, and so does all but what is below 0x20
		 */
		if (((x | (x + each)) & high) || ((x + 0x60 * each) & high) != high)
			break;
	}
	return i;
}

void buf_add_plain(struct buf *b, struct text t)
{
	size_t kept = 0;
	for (size_t i = 0; i < t.n;) {
		i += printable_eights(t.p + i, t.n - i);
		if (i == t.n)
			break;
		const unsigned char *p = (const unsigned char *)t.p + i;
		if (*p >= 0x20 && *p < 0x7F) {
			i++;
			continue;
		}
		const size_t left = t.n - i, most = left < 4 ? left : 4;
		size_t n = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
		const bool good = *p < 0x80 || (n <= most && utf8_valid_prefix(t.p + i, n) == n);
		uint32_t c = !good    ? 0
			     : n == 1 ? *p
			     : n == 2 ? (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F)
			     : n == 3 ? (uint32_t)(p[0] & 0x0F) << 12 |
						(uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F)
				      : 0x10000;
		n = good ? n : 1;
		if (good && (c == '\t' || c == '\n' || (c >= 0xA0 && !turns_text(c)))) {
			i += n;
			continue;
		}
		buf_add(b, t.p + kept, i - kept);
		if (good)
			buf_printf(b, "\\u%04x", c);
		else
			buf_puts(b, "\xEF\xBF\xBD");
		i += n;
		kept = i;
	}
	buf_add(b, t.p + kept, t.n - kept);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	buf_need(b, 64);
	for (;;) { /* again only when the room was too small */
		size_t room = b->room - b->n;
		va_start(ap, fmt);
		int n = vsnprintf(b->p + b->n, room, fmt, ap);
		va_end(ap);
		if (n < 0)
			break;
		if ((size_t)n < room) {
			b->n += (size_t)n;
			return;
		}
		buf_need(b, (size_t)n);
	}
	b->p[b->n] = 0;
}

void buf_cut(struct buf *b, size_t n)
{
	if (n >= b->n)
		return;
	b->n = n;
	b->p[n] = 0;
}

void buf_release(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

uint32_t text_hash(struct text t)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < t.n; i++)
		h = (h ^ (unsigned char)t.p[i]) * 16777619u;
	return h;
}

int text_distance(struct text a, struct text b, int most)
{
	int row[80], before[80] = { 0 }, last[80]; /* last: the row above as it was */
	if (a.n > 70 || b.n > 70 || abs((int)a.n - (int)b.n) > most)
		return most + 1;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= a.n; i++) {
		memcpy(last, row, (b.n + 1) * sizeof *row);
		int diagonal = row[0], best = row[0] = (int)i;
		for (size_t j = 1; j <= b.n; j++) {
			int up = row[j], v = diagonal + (a.p[i - 1] != b.p[j - 1]);
			v = v < up + 1 ? v : up + 1;
			v = v < row[j - 1] + 1 ? v : row[j - 1] + 1;
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1] && before[j - 2] + 1 < v)
				v = before[j - 2] + 1;
			diagonal = up;
			row[j] = v;
			best = v < best ? v : best;
		}
		if (best > most)
			return most + 1;
		memcpy(before, last, (b.n + 1) * sizeof *last);
	}
	return row[b.n];
}

void text_nearest_try(struct text_nearest *x, struct text name)
{
	const int most = x->name.n ? x->distance - 1 : x->typed.n > 4 ? 2 : 1;
	const int distance = text_distance(x->typed, name, most);
	if (name.n && distance <= most) {
		x->name = name;
		x->distance = distance;
	}
}
