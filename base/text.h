/*
 * text: bytes with a length, growing buffers, and the checks that text from outside must pass.
 */
#ifndef TALLY_BASE_TEXT_H
#define TALLY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct text {
	const char *p;
	size_t n;
};

#define TEXT(literal) ((struct text){ literal, sizeof(literal) - 1 })

static inline struct text text_of(const char *s)
{
	return (struct text){ s, s ? strlen(s) : 0 };
}
/* Copies a text to where there is room for it; where it ends. */
static inline char *text_put(char *at, struct text t)
{
	if (t.n)
		memcpy(at, t.p, t.n);
	return at + t.n;
}
static inline bool text_eq(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
/* text_eq for names that are short and compared often: overlapping words instead of a call. */
static inline bool text_eq_short(struct text a, struct text b)
{
	uint64_t x[2], y[2];
	if (a.n != b.n)
		return false;
	if (a.n - 8 <= 8) {
		memcpy(&x[0], a.p, 8);
		memcpy(&y[0], b.p, 8);
		memcpy(&x[1], a.p + a.n - 8, 8);
		memcpy(&y[1], b.p + b.n - 8, 8);
		return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
	}
	if (a.n - 16 <= 16) {
		memcpy(x, a.p, 16);
		memcpy(y, b.p, 16);
		uint64_t differ = (x[0] ^ y[0]) | (x[1] ^ y[1]);
		memcpy(x, a.p + a.n - 16, 16);
		memcpy(y, b.p + b.n - 16, 16);
		return (differ | (x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
	}
	return a.n == 0 || memcmp(a.p, b.p, a.n) == 0;
}
static inline bool text_is(struct text a, const char *s)
{
	return text_eq(a, text_of(s));
}
/* caseless: a letter of ASCII and its capital are the same. */
static inline bool text_is_caseless(struct text a, const char *s)
{
	return a.n == strlen(s) && strncasecmp(a.p, s, a.n) == 0;
}
static inline bool text_begins(struct text a, const char *s)
{
	const size_t n = strlen(s);
	return a.n >= n && memcmp(a.p, s, n) == 0;
}
static inline bool text_begins_caseless(struct text a, const char *s)
{
	const size_t n = strlen(s);
	return a.n >= n && strncasecmp(a.p, s, n) == 0;
}
static inline bool text_ends(struct text a, const char *s)
{
	const size_t n = strlen(s);
	return a.n >= n && memcmp(a.p + (a.n - n), s, n) == 0;
}
static inline bool text_ends_caseless(struct text a, const char *s)
{
	const size_t n = strlen(s);
	return a.n >= n && strncasecmp(a.p + (a.n - n), s, n) == 0;
}
/* Whether it is one of the words, which NULL ends. */
static inline bool text_is_one_of(struct text a, const char *const *words)
{
	for (; *words; words++)
		if (text_is(a, *words))
			return true;
	return false;
}
static inline bool text_is_one_of_caseless(struct text a, const char *const *words)
{
	for (; *words; words++)
		if (text_is_caseless(a, *words))
			return true;
	return false;
}

/* Of ASCII. */
static inline bool is_letter(char c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}
static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}
/* Where the word stands in it first, or NULL; a text without bytes holds none. */
static inline const char *text_find(struct text a, const char *word)
{
	return a.n ? memmem(a.p, a.n, word, strlen(word)) : NULL;
}
static inline bool text_holds(struct text a, const char *word)
{
	return text_find(a, word) != NULL;
}
/* Byte order; a prefix sorts first. */
int text_cmp(struct text a, struct text b);

/* A crash leaves zero bytes where a file had grown and nothing was written yet: the next piece of
 * *rest between runs of them, and *rest behind it; false: there is no more. Zero bytes within a
 * piece are fewer than four, as in texts of another coding. */
bool text_between_zeros(struct text *rest, struct text *piece);

/* The number of leading bytes that are valid UTF-8 without NUL; n when all is well. */
size_t utf8_valid_prefix(const char *p, size_t n);

/* Growing buffer. Zero-initialised is empty. p stays NUL-terminated after every append. */
struct buf {
	char *p;
	size_t n, room;
};
void buf_need(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *p, size_t n);
static inline void buf_char(struct buf *b, char c)
{
	if (b->room - b->n < 2)
		buf_need(b, 1);
	b->p[b->n++] = c;
	b->p[b->n] = 0;
}
void buf_puts(struct buf *b, const char *s);
void buf_int(struct buf *b, int64_t v);
/* The text as UTF-8 without NUL: each byte that is none becomes U+FFFD. */
void buf_add_utf8(struct buf *b, struct text t);
/*
 * The text as people may see it: control characters but tab and newline, and those that turn the
 * direction of writing or end a line unseen, become \uXXXX (in JSON the same text), bytes that are
 * no UTF-8 U+FFFD. Every text from outside goes through this on its way to a terminal, a page or a
 * PDF.
 */
void buf_add_plain(struct buf *b, struct text t);
/* "1 call", "4,005 calls": a count with its noun. The noun is "call", or "match|matches" where the
 * plural is no s, or "" for the number alone. Returns room. */
enum { COUNT_WORDS_MAX = 64 };
char *count_words(char room[COUNT_WORDS_MAX], int64_t n, const char *noun);
/* The same until the block ends. */
#define COUNTED(n, noun) count_words((char[COUNT_WORDS_MAX]){ 0 }, (n), (noun))
/* Writes the digits of v in front of `end`, two at a time, and returns where they begin: nothing
 * for 0, otherwise perhaps a zero too many. 20 bytes suffice. */
char *digits_before(char *end, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Back to its first n bytes. */
void buf_cut(struct buf *b, size_t n);
void buf_release(struct buf *b);

/* FNV-1a for small in-memory dictionaries of trusted size; not for what a client can choose. */
uint32_t text_hash(struct text t);

/* How many letters must be changed, added, taken or swapped with their neighbour to make b of a
 * (Levenshtein, Damerau), for "did you mean"; most + 1 where it is more than `most`, and for texts
 * of over 70 bytes. */
int text_distance(struct text a, struct text b, int most);
/* The one of many names that a typed one may mean: two letters wrong at most, one in a short name.
 * Begins as { .typed = ... }; name.n is 0 where none is near. */
struct text_nearest {
	struct text typed, name;
	int distance;
};
void text_nearest_try(struct text_nearest *x, struct text name);

#endif
