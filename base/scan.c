#include "base/scan.h"

#include <pthread.h>
#include <stdlib.h>

#if defined(__x86_64__) && !defined(TALLY_PORTABLE)
#include <immintrin.h>
#endif

/* Appends the positions of the set bits. Eight at a time: rows have about eight delimiters in 64
 * bytes. */
static inline size_t put_bits(uint64_t bits, uint32_t base, uint32_t *out, size_t k)
{
	size_t count = (size_t)__builtin_popcountll(bits);
	uint32_t *o = out + k;
	while (bits) {
		for (int i = 0; i < 8; i++) {
			/* a zero word writes values past `count` that the next call overwrites */
			o[i] = base + (uint32_t)__builtin_ctzll(bits | (uint64_t)1 << 63);
			bits &= bits - 1;
		}
		o += 8;
	}
	return k + count;
}

bool scan_hour(const char *p, struct scan_date *memo)
{
	struct instant midnight;
	unsigned h1 = (unsigned char)p[11] - '0', h0 = (unsigned char)p[12] - '0';
	if (p[4] != '-' || (p[10] != 'T' && p[10] != ' ') || p[13] != ':' || h0 > 9 ||
	    h1 * 10 + h0 > 23 || instant_parse(&midnight, (struct text){ p, 10 }, NULL) != 0)
		return false;
	memcpy(memo->text, p, 14);
	memo->hour_us = midnight.us + (int64_t)(h1 * 10 + h0) * US_PER_HOUR;
	return true;
}

static void delimiters_portable(const char *p, size_t n, char separator, uint32_t *out,
				struct scan_found *found)
{
	*found = (struct scan_found){ 0 };
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (p[i] == separator || c == '\n' || c == '"')
			out[found->count++] = (uint32_t)i;
		found->newlines += c == '\n';
		found->flags |= c >= 0x80		? SCAN_HIGH
				: c == 0		? SCAN_NUL
				: c == '\r'		? SCAN_CR
				: c == '"'		? SCAN_QUOTE
				: c == ' ' || c == '\t' ? SCAN_BLANK
							: 0;
	}
}

static void counts_portable(const char *block, const uint32_t *end, size_t stride, size_t n,
			    int64_t *out, uint8_t *bad)
{
	for (size_t i = 0; i < n; i++, end += stride) {
		const char *p = block + (uint32_t)(end[-1] + 1);
		bad[i] |= !scan_count(p, (size_t)(block + *end - p), &out[i]);
	}
}

#if defined(__x86_64__) && !defined(TALLY_PORTABLE)
/* The bytes behind the last whole 64, added to what was found before them. */
static void add_tail(const char *p, size_t i, size_t n, char separator, uint32_t *out,
		     struct scan_found *found)
{
	struct scan_found tail;
	delimiters_portable(p + i, n - i, separator, out + found->count, &tail);
	for (size_t j = 0; j < tail.count; j++)
		out[found->count + j] += (uint32_t)i;
	found->count += tail.count;
	found->newlines += tail.newlines;
	found->flags |= tail.flags;
}

static void delimiters_sse2(const char *p, size_t n, char separator, uint32_t *out,
			    struct scan_found *found)
{
	const __m128i sep = _mm_set1_epi8(separator), nl = _mm_set1_epi8('\n'),
		      quote = _mm_set1_epi8('"'), cr = _mm_set1_epi8('\r'),
		      blank = _mm_set1_epi8(' '), tab = _mm_set1_epi8('\t'),
		      zero = _mm_setzero_si128();
	__m128i high = zero, nul = zero, crs = zero, quotes = zero, blanks = zero;
	size_t k = 0, i = 0, newlines = 0;
	for (; i + 64 <= n; i += 64) {
		uint64_t bits = 0, lines = 0;
		for (int j = 0; j < 4; j++) {
			__m128i v =
				_mm_loadu_si128((const __m128i *)(const void *)(p + i + j * 16));
			__m128i is_nl = _mm_cmpeq_epi8(v, nl), is_quote = _mm_cmpeq_epi8(v, quote);
			__m128i hit =
				_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, sep), is_nl), is_quote);
			bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(hit) << (j * 16);
			lines |= (uint64_t)(uint32_t)_mm_movemask_epi8(is_nl) << (j * 16);
			high = _mm_or_si128(high, v);
			nul = _mm_or_si128(nul, _mm_cmpeq_epi8(v, zero));
			crs = _mm_or_si128(crs, _mm_cmpeq_epi8(v, cr));
			quotes = _mm_or_si128(quotes, is_quote);
			blanks = _mm_or_si128(blanks, _mm_or_si128(_mm_cmpeq_epi8(v, blank),
								   _mm_cmpeq_epi8(v, tab)));
		}
		k = put_bits(bits, (uint32_t)i, out, k);
		newlines += (size_t)__builtin_popcountll(lines);
	}
	found->count = k;
	found->newlines = newlines;
	found->flags = (_mm_movemask_epi8(high) ? SCAN_HIGH : 0) |
		       (_mm_movemask_epi8(nul) ? SCAN_NUL : 0) |
		       (_mm_movemask_epi8(crs) ? SCAN_CR : 0) |
		       (_mm_movemask_epi8(quotes) ? SCAN_QUOTE : 0) |
		       (_mm_movemask_epi8(blanks) ? SCAN_BLANK : 0);
	add_tail(p, i, n, separator, out, found);
}

#define AVX2_CODE __attribute__((target("avx2,bmi,bmi2,popcnt")))

AVX2_CODE static void delimiters_avx2(const char *p, size_t n, char separator, uint32_t *out,
				      struct scan_found *found)
{
	const __m256i sep = _mm256_set1_epi8(separator), nl = _mm256_set1_epi8('\n'),
		      quote = _mm256_set1_epi8('"'), cr = _mm256_set1_epi8('\r'),
		      blank = _mm256_set1_epi8(' '), tab = _mm256_set1_epi8('\t'),
		      zero = _mm256_setzero_si256();
	__m256i high = zero, nul = zero, crs = zero, quotes = zero, blanks = zero;
	size_t k = 0, i = 0, newlines = 0;
	for (; i + 64 <= n; i += 64) {
		uint64_t bits = 0, lines = 0;
		for (int j = 0; j < 2; j++) {
			__m256i v =
				_mm256_loadu_si256((const __m256i *)(const void *)(p + i + j * 32));
			__m256i is_nl = _mm256_cmpeq_epi8(v, nl),
				is_quote = _mm256_cmpeq_epi8(v, quote);
			__m256i hit = _mm256_or_si256(
				_mm256_or_si256(_mm256_cmpeq_epi8(v, sep), is_nl), is_quote);
			bits |= (uint64_t)(uint32_t)_mm256_movemask_epi8(hit) << (j * 32);
			lines |= (uint64_t)(uint32_t)_mm256_movemask_epi8(is_nl) << (j * 32);
			high = _mm256_or_si256(high, v);
			nul = _mm256_or_si256(nul, _mm256_cmpeq_epi8(v, zero));
			crs = _mm256_or_si256(crs, _mm256_cmpeq_epi8(v, cr));
			quotes = _mm256_or_si256(quotes, is_quote);
			blanks =
				_mm256_or_si256(blanks, _mm256_or_si256(_mm256_cmpeq_epi8(v, blank),
									_mm256_cmpeq_epi8(v, tab)));
		}
		uint32_t *o = out + k;
		k += (size_t)__builtin_popcountll(bits);
		newlines += (size_t)__builtin_popcountll(lines);
		for (; bits; o += 8)
			for (int j = 0; j < 8; j++) {
				o[j] = (uint32_t)i + (uint32_t)_tzcnt_u64(bits);
				bits = _blsr_u64(bits);
			}
	}
	found->count = k;
	found->newlines = newlines;
	found->flags = (_mm256_movemask_epi8(high) ? SCAN_HIGH : 0) |
		       (_mm256_movemask_epi8(nul) ? SCAN_NUL : 0) |
		       (_mm256_movemask_epi8(crs) ? SCAN_CR : 0) |
		       (_mm256_movemask_epi8(quotes) ? SCAN_QUOTE : 0) |
		       (_mm256_movemask_epi8(blanks) ? SCAN_BLANK : 0);
	add_tail(p, i, n, separator, out, found);
}

#define AVX512_CODE __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi,bmi2,popcnt")))

AVX512_CODE static void delimiters_avx512(const char *p, size_t n, char separator, uint32_t *out,
					  struct scan_found *found)
{
	static const uint8_t places[64] = { 0,	1,  2,	3,  4,	5,  6,	7,  8,	9,  10, 11, 12,
					    13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
					    26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
					    39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
					    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63 };
	const __m512i sep = _mm512_set1_epi8(separator), nl = _mm512_set1_epi8('\n'),
		      quote = _mm512_set1_epi8('"'), cr = _mm512_set1_epi8('\r'),
		      blank = _mm512_set1_epi8(' '), tab = _mm512_set1_epi8('\t'),
		      place = _mm512_loadu_si512(places);
	uint64_t high = 0, nul = 0, crs = 0, quotes = 0, blanks = 0;
	size_t k = 0, i = 0, newlines = 0;
	for (; i + 64 <= n; i += 64) {
		__m512i v = _mm512_loadu_si512(p + i);
		uint64_t lines = _mm512_cmpeq_epi8_mask(v, nl);
		uint64_t is_quote = _mm512_cmpeq_epi8_mask(v, quote);
		uint64_t bits = _mm512_cmpeq_epi8_mask(v, sep) | lines | is_quote;
		high |= _mm512_movepi8_mask(v);
		nul |= _mm512_testn_epi8_mask(v, v);
		crs |= _mm512_cmpeq_epi8_mask(v, cr);
		quotes |= is_quote;
		blanks |= _mm512_cmpeq_epi8_mask(v, blank) | _mm512_cmpeq_epi8_mask(v, tab);
		newlines += (size_t)__builtin_popcountll(lines);
		size_t count = (size_t)__builtin_popcountll(bits);
		/* the places of the set bits, side by side; sixteen of them at a time */
		__m512i found_at = _mm512_maskz_compress_epi8(bits, place);
		__m512i base = _mm512_set1_epi32((int)i);
		_mm512_storeu_si512(
			out + k, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(
								_mm512_castsi512_si128(found_at))));
		if (__builtin_expect(count > 16, 0)) {
			uint8_t all[64];
			_mm512_storeu_si512(all, found_at);
			for (size_t j = 16; j < count; j++)
				out[k + j] = (uint32_t)i + all[j];
		}
		k += count;
	}
	found->count = k;
	found->newlines = newlines;
	found->flags = (high ? SCAN_HIGH : 0) | (nul ? SCAN_NUL : 0) | (crs ? SCAN_CR : 0) |
		       (quotes ? SCAN_QUOTE : 0) | (blanks ? SCAN_BLANK : 0);
	add_tail(p, i, n, separator, out, found);
}

/* Four counts of at most eight digits at once. */
AVX2_CODE static void counts_avx2(const char *block, const uint32_t *end, size_t stride, size_t n,
				  int64_t *out, uint8_t *bad)
{
	const __m256i nine = _mm256_set1_epi8(9), zeros = _mm256_set1_epi8('0'),
		      tens = _mm256_set1_epi16(1 << 8 | 10),
		      hundreds = _mm256_set1_epi32(1 << 16 | 100),
		      myriads = _mm256_set1_epi64x(10000), none = _mm256_setzero_si256();
	size_t i = 0;
	for (; i + 4 <= n; i += 4, end += 4 * stride) {
		const uint32_t e0 = end[0], e1 = end[stride], e2 = end[2 * stride],
			       e3 = end[3 * stride];
		const uint32_t n0 = e0 - end[-1] - 1, n1 = e1 - end[stride - 1] - 1,
			       n2 = e2 - end[2 * stride - 1] - 1, n3 = e3 - end[3 * stride - 1] - 1;
		if ((n0 | n1 | n2 | n3) > 7 && (n0 > 8 || n1 > 8 || n2 > 8 || n3 > 8)) {
			counts_portable(block, end, stride, 4, out + i, bad + i);
			continue;
		}
		__m256i drop =
			_mm256_sub_epi64(_mm256_set1_epi64x(64),
					 _mm256_slli_epi64(_mm256_set_epi64x(n3, n2, n1, n0), 3));
		__m256i v = _mm256_set_epi64x((int64_t)load64(block + e3 - 8),
					      (int64_t)load64(block + e2 - 8),
					      (int64_t)load64(block + e1 - 8),
					      (int64_t)load64(block + e0 - 8));
		/* what stands before the digits becomes zeros */
		v = _mm256_sllv_epi64(_mm256_srlv_epi64(_mm256_xor_si256(v, zeros), drop), drop);
		__m256i good = _mm256_cmpeq_epi64(_mm256_subs_epu8(v, nine), none);
		unsigned ok = (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(good));
		v = _mm256_madd_epi16(_mm256_maddubs_epi16(v, tens), hundreds);
		v = _mm256_add_epi64(_mm256_mul_epu32(v, myriads), _mm256_srli_epi64(v, 32));
		_mm256_storeu_si256((__m256i *)(void *)(out + i), v);
		if (__builtin_expect(ok != 15, 0))
			for (unsigned j = 0; j < 4; j++)
				bad[i + j] |= !(ok >> j & 1);
	}
	counts_portable(block, end, stride, n - i, out + i, bad + i);
}
#endif

static const char *pair_portable(const char *p, size_t n, const char a[2], const char b[2])
{
	for (size_t i = 0; i + 1 < n; i++)
		if ((p[i] == a[0] && p[i + 1] == a[1]) || (p[i] == b[0] && p[i + 1] == b[1]))
			return p + i;
	return NULL;
}

#if defined(__SSE2__) && !defined(TALLY_PORTABLE)
/* Sixteen places at once: SSE2 is there on every x86-64, and is bound by memory. */
static const char *pair_sse2(const char *p, size_t n, const char a[2], const char b[2])
{
	const __m128i a0 = _mm_set1_epi8(a[0]), a1 = _mm_set1_epi8(a[1]), b0 = _mm_set1_epi8(b[0]),
		      b1 = _mm_set1_epi8(b[1]);
	size_t i = 0;
	for (; i + 17 <= n; i += 16) {
		const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i)),
			      w = _mm_loadu_si128((const __m128i *)(const void *)(p + i + 1));
		const __m128i hit =
			_mm_or_si128(_mm_and_si128(_mm_cmpeq_epi8(v, a0), _mm_cmpeq_epi8(w, a1)),
				     _mm_and_si128(_mm_cmpeq_epi8(v, b0), _mm_cmpeq_epi8(w, b1)));
		const unsigned bits = (unsigned)_mm_movemask_epi8(hit);
		if (bits)
			return p + i + __builtin_ctz(bits);
	}
	return pair_portable(p + i, n - i, a, b);
}
#endif

const char *scan_pair(const char *p, size_t n, const char a[2], const char b[2])
{
#if defined(__SSE2__) && !defined(TALLY_PORTABLE)
	return pair_sse2(p, n, a, b);
#else
	return pair_portable(p, n, a, b);
#endif
}

static struct scan_kind kinds[5] = { { "portable", delimiters_portable, counts_portable } };
static const struct scan_kind *chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose(void)
{
	size_t n = 1;
#if defined(__x86_64__) && !defined(TALLY_PORTABLE)
	kinds[n++] = (struct scan_kind){ "sse2", delimiters_sse2, counts_portable };
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
		kinds[n++] = (struct scan_kind){ "avx2", delimiters_avx2, counts_avx2 };
	if (__builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl"))
		kinds[n++] = (struct scan_kind){ "avx512", delimiters_avx512, counts_avx2 };
#endif
	chosen = &kinds[n - 1];
	const char *wanted = getenv("TALLY_SCAN");
	for (size_t i = 0; wanted && i < n; i++)
		if (strcmp(kinds[i].name, wanted) == 0)
			chosen = &kinds[i];
}

const struct scan_kind *scan_kinds(void)
{
	pthread_once(&once, choose);
	return kinds;
}

void scan_delimiters(const char *p, size_t n, char separator, uint32_t *out,
		     struct scan_found *found)
{
	pthread_once(&once, choose);
	chosen->delimiters(p, n, separator, out, found);
}

void scan_counts(const char *block, const uint32_t *end, size_t stride, size_t n, int64_t *out,
		 uint8_t *bad)
{
	pthread_once(&once, choose);
	chosen->counts(block, end, stride, n, out, bad);
}
