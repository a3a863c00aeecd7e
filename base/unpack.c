#include "base/unpack.h"

#include <string.h>
#include <strings.h>
#include <zlib.h>

static uint32_t little(const char *p, int bytes)
{
	uint32_t v = 0;
	for (int i = bytes - 1; i >= 0; i--)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

/* window_bits: as zlib's, negative for a raw stream. */
static int inflate_all(struct buf *out, struct text in, int window_bits, size_t room, struct err *e)
{
	enum { CHUNK = 1 << 16 };
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.n };
	if (in.n > UINT32_MAX || inflateInit2(&z, window_bits) != Z_OK)
		return err_set(e, ERR_SYSTEM, "zlib could not start");
	int code = Z_OK, rc = 0;
	while (rc == 0 && code != Z_STREAM_END) {
		buf_need(out, CHUNK);
		z.next_out = (Bytef *)out->p + out->n;
		z.avail_out = CHUNK;
		code = inflate(&z, Z_NO_FLUSH);
		out->n += CHUNK - z.avail_out;
		if (code != Z_OK && code != Z_STREAM_END)
			rc = err_set(e, ERR_INVALID,
				     "the compressed data are damaged or end too early");
		else if (out->n > room)
			rc = err_set(e, ERR_RANGE, "it unpacks to more than %zu bytes", room);
		else if (code == Z_STREAM_END && window_bits > MAX_WBITS && z.avail_in)
			code = inflateReset(&z); /* gzip files may have several members */
	}
	inflateEnd(&z);
	return rc;
}

/* The central directory's end record, from behind. */
static const char *directory_end(struct text all)
{
	for (size_t i = 22; i <= all.n && i <= 22 + 65535; i++)
		if (memcmp(all.p + all.n - i, "PK\5\6", 4) == 0)
			return all.p + all.n - i;
	return NULL;
}

struct entry {
	struct text name, packed;
	uint32_t method, sum;
};

/* The entry at `at` of the directory; *at moves on. */
static int read_entry(struct text all, size_t *at, struct entry *out, struct err *e)
{
	const char *p = all.p + *at;
	if (*at > all.n || all.n - *at < 46 || memcmp(p, "PK\1\2", 4) != 0)
		return err_set(e, ERR_INVALID, "the ZIP archive's directory is damaged");
	size_t name = little(p + 28, 2), from = little(p + 42, 4), n = little(p + 20, 4);
	if (all.n - *at - 46 < name || from > all.n || all.n - from < 30)
		return err_set(e, ERR_INVALID, "the ZIP archive's directory is damaged");
	out->name = (struct text){ p + 46, name };
	out->method = little(p + 10, 2);
	out->sum = little(p + 16, 4);
	if (little(p + 8, 2) & 1)
		return err_set(e, ERR_INVALID, "the ZIP archive is encrypted; unpack it first");
	size_t head = 30 + little(all.p + from + 26, 2) + little(all.p + from + 28, 2);
	if (all.n - from < head || all.n - from - head < n)
		return err_set(e, ERR_INVALID, "the ZIP archive ends too early");
	out->packed = (struct text){ all.p + from + head, n };
	*at += 46 + name + little(p + 30, 2) + little(p + 32, 2);
	return 0;
}

/* Papers beside the data, and what systems leave in archives: known by the name. */
static bool is_data(struct text name)
{
	static const char *const papers[] = { ".pdf", ".md",  ".html",		".htm",
					      ".png", ".jpg", "/manifest.json", "readme.txt" };
	const char *slash = memrchr(name.p, '/', name.n);
	struct text base = name;
	if (slash)
		base = (struct text){ slash + 1, (size_t)(name.p + name.n - slash - 1) };
	bool data = base.n && *base.p != '.' &&
		    !(name.n > 9 && memcmp(name.p, "__MACOSX/", 9) == 0) &&
		    !text_is(name, "manifest.json");
	for (size_t i = 0; data && i < sizeof papers / sizeof *papers; i++)
		data = !text_ends_caseless(name, papers[i]);
	return data;
}

static int unpack_zip(struct text all, size_t room, unpack_take *take, void *user, struct err *e)
{
	const char *end = directory_end(all);
	if (!end)
		return err_set(e, ERR_INVALID,
			       "the ZIP archive has no directory: it ends too early");
	size_t at = little(end + 16, 4), count = little(end + 10, 2);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct entry x;
		struct buf b = { 0 };
		rc = read_entry(all, &at, &x, e);
		if (rc == 0 && !is_data(x.name))
			continue;
		if (rc == 0 && x.method != 0 && x.method != 8)
			rc = err_set(e, ERR_INVALID,
				     "the ZIP archive is packed in a way (%u) that "
				     "is not read; unpack it first",
				     x.method);
		if (rc == 0 && x.method == 8)
			rc = inflate_all(&b, x.packed, -MAX_WBITS, room, e);
		struct text content = x.method == 8 ? (struct text){ b.p, b.n } : x.packed;
		if (rc == 0 && content.n > room)
			rc = err_set(e, ERR_RANGE, "it unpacks to more than %zu bytes", room);
		if (rc == 0 && crc32(0, (const Bytef *)content.p, (uInt)content.n) != x.sum)
			rc = err_set(e, ERR_INVALID, "'%.*s' in the ZIP archive is damaged",
				     (int)x.name.n, x.name.p);
		if (rc == 0) {
			room -= content.n;
			rc = take(user, x.name, content, e);
		}
		buf_release(&b);
	}
	return rc;
}

/* One code point of UTF-16 at p, which has n bytes; the bytes taken, 0 where it is none. */
static size_t take_point(const unsigned char *p, size_t n, bool big, uint32_t *out)
{
	uint32_t unit[2] = { 0 };
	for (size_t i = 0; i < 2 && 2 * i + 1 < n; i++)
		unit[i] = (uint32_t)(big ? p[2 * i] << 8 | p[2 * i + 1]
					 : p[2 * i + 1] << 8 | p[2 * i]);
	*out = unit[0];
	if (n < 2 || unit[0] >> 10 == 0xDC00 >> 10)
		return 0;
	if (unit[0] >> 10 != 0xD800 >> 10)
		return 2;
	*out = 0x10000 + ((unit[0] & 0x3FF) << 10) + (unit[1] & 0x3FF);
	return unit[1] >> 10 == 0xDC00 >> 10 ? 4 : 0;
}

static void put_utf8(struct buf *b, uint32_t c)
{
	const int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char first[] = { 0, 0xC0, 0xE0, 0xF0 };
	char out[4] = { (char)(first[more] | c >> (6 * more)) };
	for (int i = 1; i <= more; i++)
		out[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3F));
	buf_add(b, out, (size_t)more + 1);
}

void unpack_1252(struct buf *out, struct text s)
{
	static const uint16_t high[32] = { 0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020,
					   0x2021, 0x2C6,  0x2030, 0x160,  0x2039, 0x152,  0x8D,
					   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D,
					   0x2022, 0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A,
					   0x153,  0x9D,   0x17E,  0x178 };
	for (size_t i = 0; i < s.n; i++) {
		const unsigned char c = (unsigned char)s.p[i];
		put_utf8(out, c >= 0x80 && c < 0xA0 ? high[c - 0x80] : c);
	}
}

bool text_ends_lines_with_cr(struct text s)
{
	bool is = false;
	for (size_t i = 0; i < s.n; i++) {
		const unsigned char c = (unsigned char)s.p[i];
		if (c < ' ' && c != '\t' &&
		    c != '\r') /* a line feed, or no text: compressed, say */
			return false;
		is |= c == '\r';
	}
	return is;
}

/* The text with lines that end as they do elsewhere. */
static int in_lines(struct text all, unpack_take *take, void *user, struct text name, struct err *e)
{
	if (!text_ends_lines_with_cr(all))
		return take(user, name, all, e);
	struct buf b = { 0 };
	buf_add(&b, all.p, all.n);
	for (size_t i = 0; i < b.n; i++)
		b.p[i] = b.p[i] == '\r' ? '\n' : b.p[i];
	int rc = take(user, name, (struct text){ b.p, b.n }, e);
	buf_release(&b);
	return rc;
}

/* The text in UTF-8, whichever of the two it is written in. */
static int in_utf8(struct text all, unpack_take *take, void *user, struct text name, struct err *e)
{
	if (!text_is_utf16(all))
		return in_lines(all, take, user, name, e);
	const unsigned char *p = (const unsigned char *)all.p;
	const bool big = p[0] == 0xFE;
	struct buf b = { 0 };
	int rc = 0;
	uint32_t c;
	for (size_t i = 2, n; rc == 0 && i < all.n; i += n) {
		n = take_point(p + i, all.n - i, big, &c);
		if (n)
			put_utf8(&b, c);
		else
			rc = err_set(e, ERR_INVALID, "byte %zu is not text in UTF-16", i + 1);
	}
	if (rc == 0)
		rc = in_lines((struct text){ b.n ? b.p : "", b.n }, take, user, name, e);
	buf_release(&b);
	return rc;
}

struct handing {
	unpack_take *take;
	void *user;
};

static int hand_over(void *user, struct text name, struct text content, struct err *e)
{
	const struct handing *h = user;
	return in_utf8(content, h->take, h->user, name, e);
}

bool text_is_utf16(struct text s)
{
	return s.n >= 2 && (memcmp(s.p, "\xff\xfe", 2) == 0 || memcmp(s.p, "\xfe\xff", 2) == 0);
}

int unpack(struct text all, size_t bytes_max, unpack_take *take, void *user, struct err *e)
{
	struct handing h = { take, user };
	if (all.n >= 4 && memcmp(all.p, "PK\3\4", 4) == 0)
		return unpack_zip(all, bytes_max, hand_over, &h, e);
	if (all.n < 2 || memcmp(all.p, "\x1f\x8b", 2) != 0)
		return hand_over(&h, (struct text){ "", 0 }, all, e);
	struct buf b = { 0 };
	int rc = inflate_all(&b, all, MAX_WBITS + 16, bytes_max, e);
	if (rc == 0)
		rc = hand_over(&h, (struct text){ "", 0 }, (struct text){ b.p, b.n }, e);
	buf_release(&b);
	return rc;
}
