#include "meter/billing/bill_names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/dict.h"

/* Words that say whose it is, where it runs and which state it is in. */
static bool is_beside(struct text word)
{
	static const char *const words[] = { "amazon",	  "anthropic", "openai",     "meta",
					     "mistralai", "cohere",    "ai21",	     "deepseek",
					     "google",	  "moonshot",  "moonshotai", "zai",
					     "minimax",	  "us",	       "eu",	     "apac",
					     "jp",	  "au",	       "global",     "instruct",
					     "preview",	  "latest",    "text",	     "v1",
					     "v2",	  NULL };
	return text_is_one_of_caseless(word, words);
}

/* Without ":0" and the "-1" or "-v1" before it, and without what an own model's owner added. */
static struct text without_version(struct text s)
{
	const char *colon = s.n ? memrchr(s.p, ':', s.n) : NULL;
	size_t digits = 0, n = colon ? (size_t)(colon - s.p) : 0;
	if (s.n > 3 && strncasecmp(s.p, "ft:", 3) == 0) {
		const char *owner = memchr(s.p + 3, ':', s.n - 3);
		return owner ? (struct text){ s.p, (size_t)(owner - s.p) } : s;
	}
	while (colon && n + 1 + digits < s.n && is_digit(colon[1 + digits]))
		digits++;
	if (!colon || n + 1 + digits != s.n)
		return s;
	const size_t whole = n;
	while (n && is_digit(s.p[n - 1]))
		n--;
	n -= n && (s.p[n - 1] | 32) == 'v';
	return (struct text){ s.p, n && s.p[n - 1] == '-' ? n - 1 : whole };
}

/* "20260217", "2026-02-17" at i; how long it is. */
static size_t date_at(struct text s, size_t i)
{
	size_t n = 0, digits = 0;
	if (s.p[i] != '2' || (i && is_digit(s.p[i - 1])))
		return 0;
	while (i + n < s.n && digits < 8 && (is_digit(s.p[i + n]) || (s.p[i + n] == '-' && digits)))
		digits += is_digit(s.p[i + n++]);
	const bool whole = digits == 8 && (n == 8 || (n == 10 && s.p[i + 4] == '-'));
	return whole && (i + n == s.n || !is_digit(s.p[i + n])) ? n : 0;
}

/* What is left of a name. */
static void bare_of(struct buf *out, struct text name)
{
	const char *slash = name.n ? memrchr(name.p, '/', name.n) : NULL;
	if (slash)
		name = (struct text){ slash + 1, (size_t)(name.p + name.n - slash - 1) };
	name = without_version(name);
	for (size_t i = 0, n; i < name.n; i += n) {
		n = date_at(name, i);
		if (n)
			continue;
		/* "2.0" is 2 */
		n = 2;
		if (i && is_digit(name.p[i - 1]) && name.n - i >= 2 && name.p[i] == '.' &&
		    name.p[i + 1] == '0' && (i + 2 == name.n || !is_digit(name.p[i + 2])))
			continue;
		for (n = 0;
		     i + n < name.n && (is_letter(name.p[i + n]) || is_digit(name.p[i + n]));)
			n++;
		if (!is_beside((struct text){ name.p + i, n }))
			for (size_t k = 0; k < n; k++)
				buf_add(out,
					&(char){ is_letter(name.p[i + k])
							 ? (char)(name.p[i + k] | 32)
							 : name.p[i + k] },
					1);
		n += n == 0;
	}
}

/* A name, with which half has it. */
struct named {
	struct text name;
	bool billed, metered;
	uint64_t left; /* of it: 1 + place; 0: nothing */
};

/* What is left of names, and the only name of each half that the other half lacks. */
struct left {
	const struct named *billed, *metered;
	size_t billed_count, metered_count;
};

struct halves {
	struct reconciliation *r;
	struct dict names, lefts, lines; /* to 1 + place; lines: by day and name */
	struct named *named;
	struct left *left;
	bool *gone; /* lines that are another one's now */
};

static struct named *named_of(struct halves *h, struct text name)
{
	return &h->named[*dict_need(&h->names, name, NULL) - 1];
}

static uint64_t *line_of(struct halves *h, int64_t day, struct text name, struct buf *key)
{
	key->n = 0;
	buf_add(key, &day, sizeof day);
	buf_add(key, name.p, name.n);
	return dict_need(&h->lines, (struct text){ key->p, key->n }, NULL);
}

static void read_halves(struct halves *h, struct buf *key)
{
	const struct reconciliation *r = h->r;
	for (size_t i = 0; i < r->lines; i++) {
		const struct reconciled *l = &r->line[i];
		uint64_t *at = dict_need(&h->names, l->model, NULL),
			 *line = line_of(h, l->day, l->model, key);
		if (!*at) {
			*at = h->names.count;
			h->named[*at - 1].name = l->model;
		}
		*line = *line ? *line : i + 1;
		struct named *n = &h->named[*at - 1];
		n->billed |= l->billed.has_cost || l->billed.has_tokens;
		n->metered |= l->metered.records != 0;
	}
	for (size_t i = 0; i < h->names.count; i++) {
		struct named *n = &h->named[i];
		key->n = 0;
		bare_of(key, n->name);
		if (!key->n || n->billed == n->metered)
			continue;
		uint64_t *at = dict_need(&h->lefts, (struct text){ key->p, key->n }, NULL);
		*at = *at ? *at : h->lefts.count;
		struct left *l = &h->left[(n->left = *at) - 1];
		*(n->billed ? &l->billed : &l->metered) = n;
		++*(n->billed ? &l->billed_count : &l->metered_count);
	}
}

/* Of a name that only the meter has: the one that only the bill has and that is as bare, where
 * both are alone; NULL. */
static const struct named *other_of(const struct halves *h, const struct named *n)
{
	const struct left *l = n->left && n->metered ? &h->left[n->left - 1] : NULL;
	return l && l->billed_count == 1 && l->metered_count == 1 ? l->billed : NULL;
}

static void move_metered(struct reconciled *to, const struct reconciled *from)
{
	usage_sums_add(&to->metered, &from->metered, NULL);
	to->has_at_cards |= from->has_at_cards;
	money_total_add(&to->at_cards, from->at_cards);
}

static void join_line(struct halves *h, size_t at, struct text name, struct buf *key)
{
	struct reconciled *from = &h->r->line[at];
	uint64_t *known = line_of(h, from->day, name, key);
	if (*known) {
		move_metered(&h->r->line[*known - 1], from);
		h->gone[at] = true;
		return;
	}
	*known = at + 1;
	from->model = name;
}

void bill_names_join(struct reconciliation *r)
{
	struct halves h = { .r = r,
			    .named = mem_zalloc((r->lines + 1) * sizeof *h.named),
			    .left = mem_zalloc((r->lines + 1) * sizeof *h.left),
			    .gone = mem_zalloc((r->lines + 1) * sizeof *h.gone) };
	struct buf key = { 0 };
	size_t kept = 0;
	read_halves(&h, &key);
	for (size_t i = 0; i < r->lines; i++) {
		const struct named *other = other_of(&h, named_of(&h, r->line[i].model));
		if (other)
			join_line(&h, i, other->name, &key);
	}
	for (size_t i = 0; i < r->lines; i++)
		if (!h.gone[i])
			r->line[kept++] = r->line[i];
	r->lines = kept;
	struct dict *const dicts[] = { &h.names, &h.lefts, &h.lines };
	for (size_t i = 0; i < sizeof dicts / sizeof *dicts; i++)
		dict_release(dicts[i]);
	buf_release(&key);
	free(h.named);
	free(h.left);
	free(h.gone);
}
