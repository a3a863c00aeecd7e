/*
 * scan: finding delimiters and reading numbers and instants in bulk text, fast.
 *
 * Three implementations of the same function (portable, SSE2, AVX2); the best one for the processor
 * is chosen once, or the one that TALLY_SCAN names ("portable", "sse2", "avx2"). The inline readers
 * accept only what is certain; on anything else they return false and the caller takes the strict
 * path.
 */
#ifndef TALLY_BASE_SCAN_H
#define TALLY_BASE_SCAN_H

#include "base/instant.h"

enum {
	SCAN_HIGH = 1,
	SCAN_NUL = 2,
	SCAN_CR = 4
}; /* what else the text holds: bytes >= 0x80, NUL, '\r' */

/*
 * Writes the positions of separator, '\n' and '"' in p[0..n) to out (room for n + 64) in ascending
 * order and returns how many. n < 2^32. Reads up to 63 bytes past n, whose values do not matter.
 */
size_t scan_delimiters(const char *p, size_t n, char separator, uint32_t *out, unsigned *flags);
/* The implementations, for tests; NULL-ended. A processor that lacks one has NULL for its function.
 */
struct scan_kind {
	const char *name;
	size_t (*run)(const char *p, size_t n, char separator, uint32_t *out, unsigned *flags);
};
const struct scan_kind *scan_kinds(void);

static inline uint64_t load64(const char *p)
{
	uint64_t v;
	memcpy(&v, p, 8);
	return v;
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

/* The last date that was read, so that its digits are checked once a day of the trace. */
struct scan_date {
	char text[10];
	int64_t midnight_us;
};

/* YYYY-MM-DD[T or space]HH:MM:SS[.1 to 6 digits][Z] */
ALWAYS_INLINE bool scan_instant(const char *p, size_t n, struct scan_date *memo, int64_t *out_us)
{
	if (n < 19 || n > 27)
		return false;
	uint16_t day, known;
	memcpy(&day, p + 8, 2);
	memcpy(&known, memo->text + 8, 2);
	if (load64(p) != load64(memo->text) || day != known) {
		struct instant midnight;
		if (p[4] != '-' || instant_parse(&midnight, (struct text){ p, 10 }, NULL) != 0)
			return false;
		memcpy(memo->text, p, 10);
		memo->midnight_us = midnight.us;
	}
	if ((p[10] != 'T' && p[10] != ' ') || p[13] != ':' || p[16] != ':')
		return false;
	unsigned h1 = (unsigned)p[11] - '0', h0 = (unsigned)p[12] - '0', m1 = (unsigned)p[14] - '0',
		 m0 = (unsigned)p[15] - '0';
	unsigned s1 = (unsigned)p[17] - '0', s0 = (unsigned)p[18] - '0';
	if (h0 > 9 || m0 > 9 || s0 > 9 || h1 > 2 || m1 > 5 || s1 > 5)
		return false;
	unsigned hour = h1 * 10 + h0;
	if (hour > 23)
		return false;
	int64_t us = (int64_t)(hour * 3600 + (m1 * 10 + m0) * 60 + s1 * 10 + s0) * US_PER_SECOND;
	size_t i = 19;
	if (i < n && p[i] == '.') {
		int64_t unit = 100000;
		for (i++; i < n && p[i] >= '0' && p[i] <= '9' && unit; i++, unit /= 10)
			us += (p[i] - '0') * unit;
		if (i == 20)
			return false;
	}
	if (i < n && p[i] == 'Z')
		i++;
	*out_us = memo->midnight_us + us;
	return i == n;
}

#endif
