#include "meter/billing/logo.h"

#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "base/base64.h"

static uint32_t word_at(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The rows of the picture are whole: the compressed bytes end where they should. */
static bool rows_are_whole(struct text packed)
{
	unsigned char rows[4096];
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)packed.p,
		       .avail_in = (unsigned)packed.n };
	int rc = inflateInit(&z);
	while (rc == Z_OK) {
		z.next_out = rows;
		z.avail_out = sizeof rows;
		rc = inflate(&z, Z_NO_FLUSH);
	}
	inflateEnd(&z);
	return rc == Z_STREAM_END;
}

/* Every part with its checksum, a head of a sensible size first, the end last. */
static bool is_whole(struct text png)
{
	static const char signature[8] = "\x89PNG\r\n\x1a\n";
	struct buf packed = { 0 };
	bool ended = false, good = png.n > 33 && memcmp(png.p, signature, 8) == 0 &&
				   memcmp(png.p + 12, "IHDR", 4) == 0;
	for (size_t at = 8; good && !ended;) {
		const size_t n = png.n - at >= 12 ? word_at(png.p + at) : SIZE_MAX;
		if (n > png.n || png.n - at - 12 < n) {
			good = false;
			break;
		}
		const char *kind = png.p + at + 4;
		good = word_at(kind + 4 + n) ==
		       crc32(0, (const unsigned char *)kind, (unsigned)n + 4);
		if (memcmp(kind, "IDAT", 4) == 0)
			buf_add(&packed, kind + 4, n);
		ended = memcmp(kind, "IEND", 4) == 0;
		at += n + 12;
	}
	good = good && ended && rows_are_whole((struct text){ packed.p, packed.n });
	buf_release(&packed);
	if (!good)
		return false;
	const uint32_t width = word_at(png.p + 16), height = word_at(png.p + 20);
	return width && height && width <= LOGO_SIDE_MOST && height <= LOGO_SIDE_MOST;
}

int logo_read(struct buf *out, struct text data, struct err *e)
{
	static const char start[] = "data:image/png;base64,";
	const size_t head = sizeof start - 1, before = out->n;
	if (data.n < head || memcmp(data.p, start, head) != 0)
		return err_set(e, ERR_INVALID,
			       "'logo' is a PNG file as text, \"data:image/png;base64,...\"");
	if (data.n / 4 * 3 > LOGO_BYTES_MOST + head)
		return err_set(e, ERR_INVALID, "'logo' is larger than %d KiB",
			       LOGO_BYTES_MOST >> 10);
	if (base64_decode(out, (struct text){ data.p + head, data.n - head }) &&
	    is_whole((struct text){ out->p + before, out->n - before }))
		return 0;
	out->n = before;
	return err_set(e, ERR_INVALID, "'logo' is no whole PNG file of at most %d by %d points",
		       LOGO_SIDE_MOST, LOGO_SIDE_MOST);
}
