#include "pricing/near_names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What was typed is all of the name but its marks; a part of one that the user has calls of; a part
 * in one piece that is whole words, or is not; its words are among those of the name. */
enum { RANK_ALL, RANK_OWN, RANK_WHOLE, RANK_PIECE, RANK_WORDS, RANK_NONE };
enum { RESOLD = RANK_NONE }; /* added to a rank */
enum { SHORTEST = 3, NAME_MOST = 200 };

static size_t squeeze(char *out, size_t room, struct text t)
{
	size_t n = 0;
	for (size_t i = 0; i < t.n && n < room; i++)
		if (isalnum((unsigned char)t.p[i]))
			out[n++] = (char)tolower((unsigned char)t.p[i]);
	return n;
}

/* A bit for each letter and digit, whatever its case; marks have none. */
static uint64_t letters_of(struct text t)
{
	uint64_t bits = 0;
	for (size_t i = 0; i < t.n; i++) {
		const unsigned char c = (unsigned char)t.p[i], low = c | 0x20;
		if (low >= 'a' && low <= 'z')
			bits |= (uint64_t)1 << (low - 'a');
		else if (is_digit(c))
			bits |= (uint64_t)1 << (26 + c - '0');
	}
	return bits;
}

void near_names_begin(struct near_names *x, struct text typed, struct text own)
{
	*x = (struct near_names){ .typed = typed, .own = own };
	x->letter_count = squeeze(x->letters, sizeof x->letters, typed);
	x->bits = letters_of(typed);
	/* a letter in four may be wrong: 'acme-1' is no 'aura-1' */
	x->distance_most = typed.n < 8 ? 1 : typed.n < 12 ? 2 : 3;
	x->distance = x->distance_most + 1;
}

/* The next run of letters and digits from *at on. */
static bool next_word(struct text t, size_t *at, struct text *out)
{
	while (*at < t.n && !isalnum((unsigned char)t.p[*at]))
		++*at;
	const size_t from = *at;
	while (*at < t.n && isalnum((unsigned char)t.p[*at]))
		++*at;
	*out = (struct text){ t.p + from, *at - from };
	return out->n > 0;
}

static bool same_word(struct text a, struct text b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (tolower((unsigned char)a.p[i]) != tolower((unsigned char)b.p[i]))
			return false;
	return true;
}

static bool has_words(struct text name, struct text typed)
{
	struct text word, other;
	for (size_t i = 0; next_word(typed, &i, &word);) {
		bool found = false;
		for (size_t k = 0; !found && next_word(name, &k, &other);)
			found = same_word(word, other);
		if (!found)
			return false;
	}
	return true;
}

/* Whether a word of the name begins at its letter of that number. */
static bool begins_word(struct text name, size_t letter)
{
	struct text word;
	size_t before = 0;
	for (size_t i = 0; before < letter && next_word(name, &i, &word);)
		before += word.n;
	return before == letter;
}

static int rank_of(const struct near_names *x, struct text name, uint64_t bits)
{
	char letters[NAME_MOST];
	int rank = RANK_NONE;
	if (x->letter_count < SHORTEST || x->bits & ~bits)
		return RANK_NONE;
	const size_t n = squeeze(letters, sizeof letters, name);
	for (size_t i = 0, end = x->letter_count; end <= n && rank > RANK_WHOLE; i++, end++) {
		if (memcmp(letters + i, x->letters, x->letter_count) != 0)
			continue;
		const bool ends =
			end == n || is_digit((unsigned char)letters[end]) || begins_word(name, end);
		rank = n == x->letter_count	      ? RANK_ALL
		       : ends && begins_word(name, i) ? RANK_WHOLE
						      : RANK_PIECE;
	}
	return rank == RANK_NONE && has_words(name, x->typed) ? RANK_WORDS : rank;
}

/* The first number of a name and, behind one mark, its next: of "claude-opus-4-1" 4.1, as 41. One
 * of two digits or before a letter is a date or a size. */
static int version_of(struct text name)
{
	int version = 0;
	size_t at = 0;
	while (at < name.n && !is_digit((unsigned char)name.p[at]))
		at++;
	for (int k = 10; k; k /= 10, at += 2) {
		const int next = at + 1 < name.n ? (unsigned char)name.p[at + 1] : '-';
		if (at >= name.n || !is_digit((unsigned char)name.p[at]) || isdigit(next) ||
		    next == 'b' || next == 'k')
			break;
		version += k * (name.p[at] - '0');
	}
	return version;
}

/* Of one rank the newer version is nearer, of one version the shorter name. */
static bool nearer(const struct near_name *a, const struct near_name *b)
{
	const int newer = version_of(a->name) - version_of(b->name);
	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (newer)
		return newer > 0;
	return a->name.n != b->name.n ? a->name.n < b->name.n : text_cmp(a->name, b->name) > 0;
}

static bool same_letters(struct text a, struct text b)
{
	char letters[2][NAME_MOST];
	const size_t n = squeeze(letters[0], NAME_MOST, a);
	return n == squeeze(letters[1], NAME_MOST, b) && memcmp(letters[0], letters[1], n) == 0;
}

/* A state of a model that is named by its day ("-20250805", "-0613"). */
static bool is_snapshot(struct text name)
{
	int digits = 0;
	for (size_t i = 0; i < name.n && digits < 4; i++)
		digits = is_digit((unsigned char)name.p[i]) ? digits + 1 : 0;
	return digits == 4;
}

static void take_part(struct near_names *x, const struct near_name *new)
{
	size_t at = 0;
	while (at < x->count && !same_letters(x->best[at].name, new->name))
		at++;
	if (at == x->count) {
		x->parts++;
		if (x->count == NEAR_NAMES_SHOWN && !nearer(new, &x->best[--at]))
			return;
		x->count += x->count < NEAR_NAMES_SHOWN;
	} else if (new->rank > x->best[at].rank ||
		   (new->rank == x->best[at].rank &&text_cmp(new->name, x->best[at].name) <= 0)) {
		return; /* of "gpt-5-5" and "gpt-5.5" the second is the maker's */
	}
	for (; at > 0 && nearer(new, &x->best[at - 1]); at--)
		x->best[at] = x->best[at - 1];
	x->best[at] = *new;
}

void near_names_own(struct buf *own, struct text name)
{
	buf_printf(own, "\n%.*s\n", (int)name.n, name.p);
}

static bool is_own(const struct near_names *x, struct text name)
{
	char line[NAME_MOST];
	const int n = snprintf(line, sizeof line, "\n%.*s\n", (int)name.n, name.p);
	return x->own.n && n < (int)sizeof line && memmem(x->own.p, x->own.n, line, (size_t)n);
}

void near_names_see(struct near_names *x, struct text name, bool resold)
{
	const uint64_t bits = letters_of(name);
	const int rank = rank_of(x, name, bits);
	for (size_t i = 0; rank != RANK_NONE && i < name.n; i++) /* a gateway's spelling */
		resold |= strchr("/@:~", name.p[i]) != NULL;
	resold |= rank != RANK_NONE && is_snapshot(name);
	if (rank != RANK_NONE && rank != RANK_ALL && is_own(x, name))
		take_part(x, &(struct near_name){ name, RANK_OWN });
	else if (rank != RANK_NONE)
		take_part(x, &(struct near_name){ name, rank + (resold ? RESOLD : 0) });
	const int most = x->distance > x->distance_most ? x->distance_most : x->distance;
	/* each slip changes two of the letters at most */
	const int d = __builtin_popcountll(x->bits ^ bits) > 2 * most
			      ? most + 1
			      : text_distance(x->typed, name, most);
	if (d < x->distance || (d == x->distance && x->alike.n && text_cmp(name, x->alike) < 0)) {
		x->distance = d;
		x->alike = name;
	}
}

/* Letter by letter, as `tally price list` looks. */
static bool holds_typed(const struct near_names *x, struct text name)
{
	for (size_t i = 0; i + x->typed.n <= name.n; i++)
		if (strncasecmp(name.p + i, x->typed.p, x->typed.n) == 0)
			return true;
	return false;
}

void near_names_put(const struct near_names *x, struct buf *out)
{
	const int sure = x->count ? x->best[0].rank : RANK_NONE;
	/* a first party's name that was cut, before a slip of the keys; several slips last */
	if (x->alike.n && sure > RANK_PIECE && (x->distance <= 1 || sure > RANK_WORDS)) {
		buf_printf(out, "; did you mean '%.*s'?", (int)x->alike.n, x->alike.p);
		return;
	}
	const size_t shown = sure == RANK_ALL ? 1 : x->count;
	for (size_t i = 0; i < shown; i++)
		buf_printf(out, "%s'%.*s'",
			   i == 0				 ? "; did you mean "
			   : i + 1 == shown && x->parts == shown ? " or "
								 : ", ",
			   (int)x->best[i].name.n, x->best[i].name.p);
	if (sure != RANK_ALL && x->parts > shown && holds_typed(x, x->best[0].name))
		buf_printf(out, ", ... (`tally price list %.*s`)", (int)x->typed.n, x->typed.p);
	else if (sure != RANK_ALL && x->parts > shown)
		buf_printf(out, ", or one of %zu more", x->parts - shown);
	if (shown)
		buf_puts(out, "?");
}
