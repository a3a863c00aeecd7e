#include "pricing/near_names.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* What was typed is all of the name but its marks; a part of it in one piece; its words are among
 * those of the name. */
enum { RANK_ALL, RANK_PIECE, RANK_WORDS, RANK_NONE };
enum { RESOLD = 4 }; /* added to a rank */
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

void near_names_begin(struct near_names *x, struct text typed)
{
	*x = (struct near_names){ .typed = typed };
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

static int rank_of(const struct near_names *x, struct text name, uint64_t bits)
{
	char letters[NAME_MOST];
	if (x->letter_count < SHORTEST || x->bits & ~bits)
		return RANK_NONE;
	const size_t n = squeeze(letters, sizeof letters, name);
	for (size_t i = 0; i + x->letter_count <= n; i++)
		if (memcmp(letters + i, x->letters, x->letter_count) == 0)
			return n == x->letter_count ? RANK_ALL : RANK_PIECE;
	return has_words(name, x->typed) ? RANK_WORDS : RANK_NONE;
}

/* Of one rank the shorter name is nearer, and of one length the later: it is the newer version. */
static bool nearer(const struct near_name *a, const struct near_name *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->name.n != b->name.n ? a->name.n < b->name.n : text_cmp(a->name, b->name) > 0;
}

static void take_part(struct near_names *x, const struct near_name *new)
{
	for (size_t i = 0; i < x->count; i++)
		if (text_eq(x->best[i].name, new->name)) {
			x->best[i].rank = new->rank < x->best[i].rank ? new->rank : x->best[i].rank;
			return;
		}
	x->parts++;
	if (x->count == NEAR_NAMES_SHOWN && !nearer(new, &x->best[x->count - 1]))
		return;
	x->count += x->count < NEAR_NAMES_SHOWN;
	size_t at = x->count - 1;
	for (; at > 0 && nearer(new, &x->best[at - 1]); at--)
		x->best[at] = x->best[at - 1];
	x->best[at] = *new;
}

void near_names_see(struct near_names *x, struct text name, bool resold)
{
	const uint64_t bits = letters_of(name);
	const int rank = rank_of(x, name, bits);
	for (size_t i = 0; rank != RANK_NONE && i < name.n; i++) /* a gateway's spelling */
		resold |= strchr("/@:~", name.p[i]) != NULL;
	if (rank != RANK_NONE)
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
