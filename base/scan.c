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

static size_t scan_portable(const char *p, size_t n, char separator, uint32_t *out, unsigned *flags)
{
	size_t k = 0;
	unsigned seen = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (p[i] == separator || c == '\n' || c == '"')
			out[k++] = (uint32_t)i;
		seen |= c >= 0x80 ? SCAN_HIGH : c == 0 ? SCAN_NUL : c == '\r' ? SCAN_CR : 0;
	}
	*flags = seen;
	return k;
}

#if defined(__x86_64__) && !defined(TALLY_PORTABLE)
static size_t scan_sse2(const char *p, size_t n, char separator, uint32_t *out, unsigned *flags)
{
	const __m128i sep = _mm_set1_epi8(separator), nl = _mm_set1_epi8('\n'),
		      quote = _mm_set1_epi8('"');
	const __m128i cr = _mm_set1_epi8('\r'), zero = _mm_setzero_si128();
	__m128i high = zero, nul = zero, crs = zero;
	size_t k = 0, i = 0;
	for (; i + 64 <= n; i += 64) {
		uint64_t bits = 0;
		for (int j = 0; j < 4; j++) {
			__m128i v =
				_mm_loadu_si128((const __m128i *)(const void *)(p + i + j * 16));
			__m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, sep),
								_mm_cmpeq_epi8(v, nl)),
						   _mm_cmpeq_epi8(v, quote));
			bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(hit) << (j * 16);
			high = _mm_or_si128(high, v);
			nul = _mm_or_si128(nul, _mm_cmpeq_epi8(v, zero));
			crs = _mm_or_si128(crs, _mm_cmpeq_epi8(v, cr));
		}
		k = put_bits(bits, (uint32_t)i, out, k);
	}
	unsigned tail;
	size_t more = scan_portable(p + i, n - i, separator, out + k, &tail);
	for (size_t j = 0; j < more; j++)
		out[k + j] += (uint32_t)i;
	*flags = tail | (_mm_movemask_epi8(high) ? SCAN_HIGH : 0) |
		 (_mm_movemask_epi8(nul) ? SCAN_NUL : 0) | (_mm_movemask_epi8(crs) ? SCAN_CR : 0);
	return k + more;
}

__attribute__((target("avx2,bmi,bmi2,popcnt"))) static size_t scan_avx2(const char *p, size_t n,
									char separator,
									uint32_t *out,
									unsigned *flags)
{
	const __m256i sep = _mm256_set1_epi8(separator), nl = _mm256_set1_epi8('\n'),
		      quote = _mm256_set1_epi8('"');
	const __m256i cr = _mm256_set1_epi8('\r'), zero = _mm256_setzero_si256();
	__m256i high = zero, nul = zero, crs = zero;
	size_t k = 0, i = 0;
	for (; i + 64 <= n; i += 64) {
		__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(p + i));
		__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + i + 32));
		__m256i ha = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(a, sep),
							     _mm256_cmpeq_epi8(a, nl)),
					     _mm256_cmpeq_epi8(a, quote));
		__m256i hb = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(b, sep),
							     _mm256_cmpeq_epi8(b, nl)),
					     _mm256_cmpeq_epi8(b, quote));
		uint64_t bits = (uint32_t)_mm256_movemask_epi8(ha) |
				(uint64_t)(uint32_t)_mm256_movemask_epi8(hb) << 32;
		high = _mm256_or_si256(high, _mm256_or_si256(a, b));
		nul = _mm256_or_si256(nul, _mm256_or_si256(_mm256_cmpeq_epi8(a, zero),
							   _mm256_cmpeq_epi8(b, zero)));
		crs = _mm256_or_si256(crs, _mm256_or_si256(_mm256_cmpeq_epi8(a, cr),
							   _mm256_cmpeq_epi8(b, cr)));
		size_t count = (size_t)__builtin_popcountll(bits);
		uint32_t *o = out + k;
		for (; bits; o += 8)
			for (int j = 0; j < 8; j++) {
				o[j] = (uint32_t)i + (uint32_t)_tzcnt_u64(bits);
				bits = _blsr_u64(bits);
			}
		k += count;
	}
	unsigned tail;
	size_t more = scan_portable(p + i, n - i, separator, out + k, &tail);
	for (size_t j = 0; j < more; j++)
		out[k + j] += (uint32_t)i;
	*flags = tail | (_mm256_movemask_epi8(high) ? SCAN_HIGH : 0) |
		 (_mm256_movemask_epi8(nul) ? SCAN_NUL : 0) |
		 (_mm256_movemask_epi8(crs) ? SCAN_CR : 0);
	return k + more;
}
#endif

static struct scan_kind kinds[4] = { { "portable", scan_portable } };
static const struct scan_kind *chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose(void)
{
	size_t n = 1;
#if defined(__x86_64__) && !defined(TALLY_PORTABLE)
	kinds[n++] = (struct scan_kind){ "sse2", scan_sse2 };
	bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
	if (avx2)
		kinds[n++] = (struct scan_kind){ "avx2", scan_avx2 };
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

size_t scan_delimiters(const char *p, size_t n, char separator, uint32_t *out, unsigned *flags)
{
	pthread_once(&once, choose);
	return chosen->run(p, n, separator, out, flags);
}
