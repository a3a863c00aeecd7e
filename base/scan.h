/*
 * scan: finding delimiters and reading numbers and instants in bulk text, fast.
 *
 * Four implementations of the same functions (portable, SSE2, AVX2, AVX-512); the best one for the
 * processor is chosen once, or the one that TALLY_SCAN names ("portable", "sse2", "avx2",
 * "avx512"). The inline readers accept only what is certain; on anything else they return false and
 * the caller takes the strict path.
 */
#ifndef TALLY_BASE_SCAN_H
#define TALLY_BASE_SCAN_H

#include "base/instant.h"

enum {
	SCAN_HIGH = 1,
	SCAN_NUL = 2,
	SCAN_CR = 4,
	SCAN_QUOTE = 8,
	SCAN_BLANK = 16
}; /* what the text holds: bytes >= 0x80, NUL, '\r', '"', blank or tab */

struct scan_found {
	size_t count, newlines; /* delimiters in all, and how many of them are '\n' */
	unsigned flags;
};

/*
 * Writes the positions of separator, '\n' and '"' in p[0..n) to out (room for n + 64) in ascending
 * order. n < 2^32. Reads up to 63 bytes past n, whose values do not matter.
 */
void scan_delimiters(const char *p, size_t n, char separator, uint32_t *out,
		     struct scan_found *found);

/*
 * A column of counts: number i lies between the delimiters at end[i * stride - 1] and
 * end[i * stride] of block (one position is 32 bits wide and may be -1). bad[i] is set where
 * scan_count would return false. The 8 bytes before the block must be readable.
 */
void scan_counts(const char *block, const uint32_t *end, size_t stride, size_t n, int64_t *out,
		 uint8_t *bad);

/* The first place of p[0..n) where one of two pairs of bytes stands; NULL: there is none. */
const char *scan_pair(const char *p, size_t n, const char a[2], const char b[2]);

/* The implementations, for tests; ended by a NULL name. */
struct scan_kind {
	const char *name;
	void (*delimiters)(const char *p, size_t n, char separator, uint32_t *out,
			   struct scan_found *found);
	void (*counts)(const char *block, const uint32_t *end, size_t stride, size_t n,
		       int64_t *out, uint8_t *bad);
};
const struct scan_kind *scan_kinds(void);

static inline uint64_t load64(const char *p)
{
	uint64_t v;
	memcpy(&v, p, 8);
	return v;
}

/* The first n bytes, 1 to 7, of eight that can be read. */
static inline uint64_t load_bytes(const char *p, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return load64(p) << (64 - 8 * n);
#else
	return load64(p) >> (64 - 8 * n);
#endif
}

/* Eight ASCII digits in memory order; false when any byte is no digit. Little-endian machines; see
 * scan.c for the others. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE bool eight_digits(uint64_t v, uint64_t *out)
{
	if (((v & 0xF0F0F0F0F0F0F0F0u) |
	     (((v + 0x0606060606060606u) & 0xF0F0F0F0F0F0F0F0u) >> 4)) != 0x3333333333333333u)
		return false;
	v = (v & 0x0F0F0F0F0F0F0F0Fu) * 2561 >> 8;
	v = (v & 0x00FF00FF00FF00FFu) * 6553601 >> 16;
	*out = (v & 0x0000FFFF0000FFFFu) * 42949672960001u >> 32;
	return true;
}

/* 0 to 16 digits (none is zero). The 8 bytes before p must be readable. */
ALWAYS_INLINE bool scan_count(const char *p, size_t n, int64_t *out)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && !defined(TALLY_PORTABLE)
	uint64_t low, high = 0;
	if (n - 1 < 8) {
		unsigned drop = (unsigned)(8 - n) * 8;
		uint64_t v = load64(p + n - 8) >> drop << drop;
		if (!eight_digits(v | (drop ? 0x3030303030303030u >> (64 - drop) : 0), &low))
			return false;
		*out = (int64_t)low;
		return true;
	}
	if (n == 0) {
		*out = 0;
		return true;
	}
	if (n > 16)
		return false;
	unsigned drop = (unsigned)(16 - n) * 8;
	uint64_t v = load64(p + n - 16) >> drop << drop;
	if (!eight_digits(v | (drop ? 0x3030303030303030u >> (64 - drop) : 0), &high) ||
	    !eight_digits(load64(p + n - 8), &low))
		return false;
	*out = (int64_t)(high * 100000000 + low);
	return true;
#else
	int64_t v = 0;
	if (n > 16)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (p[i] - '0');
	}
	*out = v;
	return true;
#endif
}

/* The last hour that was read, so that its digits are checked once an hour of the trace. */
struct scan_date {
	char text[16]; /* "YYYY-MM-DDTHH:" and two zeros */
	int64_t hour_us;
};

/* The hour in p[0..14); false when it is not certain. */
bool scan_hour(const char *p, struct scan_date *memo);

/* YYYY-MM-DD[T or space]HH:MM:SS[.1 to 6 digits][Z]. 22 bytes from p on must be readable. */
ALWAYS_INLINE bool scan_instant(const char *p, size_t n, struct scan_date *memo, int64_t *out_us)
{
	if (n < 19 || n > 27)
		return false;
	uint64_t differ =
		(load64(p) ^ load64(memo->text)) | (load64(p + 6) ^ load64(memo->text + 6));
	if (differ != 0 && !scan_hour(p, memo))
		return false;
	int64_t us;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && !defined(TALLY_PORTABLE)
	/* "MM:SS" without what digits and colon have in common; no byte may be above 5, 9, 0, 5, 9
	 */
	uint64_t w = (load64(p + 14) ^ 0x30303A3030u) & 0xFFFFFFFFFFu;
	if (((w + 0x767A7F767Au) | w) & 0x8080808080u)
		return false;
	w = w * 10 + (w >> 8);
	us = (int64_t)((w & 0xFF) * 60 + (w >> 24 & 0xFF)) * US_PER_SECOND;
#else
	unsigned m1 = (unsigned char)p[14] - '0', m0 = (unsigned char)p[15] - '0';
	unsigned s1 = (unsigned char)p[17] - '0', s0 = (unsigned char)p[18] - '0';
	if (p[16] != ':' || m0 > 9 || s0 > 9 || m1 > 5 || s1 > 5)
		return false;
	us = (int64_t)((m1 * 10 + m0) * 60 + s1 * 10 + s0) * US_PER_SECOND;
#endif
	if (n == 20 && p[19] == 'Z') {
		*out_us = memo->hour_us + us;
		return true;
	}
	size_t i = 19;
	if (i < n && p[i] == '.') {
		int64_t unit = 100000;
		for (i++; i < n && is_digit(p[i]) && unit; i++, unit /= 10)
			us += (p[i] - '0') * unit;
		if (i == 20)
			return false;
	}
	if (i < n && p[i] == 'Z')
		i++;
	*out_us = memo->hour_us + us;
	return i == n;
}

#endif
