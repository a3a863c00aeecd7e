#include "meter/billing/bill_names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Words that say whose it is, where it runs and which state it is in. */
static bool is_beside(struct text word)
{
	static const char *const words[] = { "amazon",	  "anthropic", "openai",     "meta",
					     "mistralai", "cohere",    "ai21",	     "deepseek",
					     "google",	  "moonshot",  "moonshotai", "zai",
					     "minimax",	  "us",	       "eu",	     "apac",
					     "jp",	  "au",	       "global",     "instruct",
					     "preview",	  "latest",    "text",	     "v1",
					     "v2" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i]) == word.n && strncasecmp(word.p, words[i], word.n) == 0)
			return true;
	return false;
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

/* A name, with what is left of it and which half has it. */
struct named {
	struct text name;
	struct buf bare;
	bool billed, metered;
	struct named *other; /* of a name that only the meter has: the one of the bill */
};

static struct named *named_of(struct named *all, size_t *count, struct text name)
{
	for (size_t i = 0; i < *count; i++)
		if (text_eq(all[i].name, name))
			return &all[i];
	struct named *n = &all[(*count)++];
	*n = (struct named){ .name = name };
	bare_of(&n->bare, name);
	return n;
}

/* The only one that the other half alone has and that is as bare; NULL. */
static struct named *only_other(struct named *all, size_t count, const struct named *of)
{
	struct named *found = NULL;
	for (size_t i = 0; i < count; i++) {
		struct named *n = &all[i];
		if (n->billed == of->metered && n->metered == of->billed &&
		    n->bare.n == of->bare.n && memcmp(n->bare.p, of->bare.p, n->bare.n) == 0) {
			if (found)
				return NULL;
			found = n;
		}
	}
	return found;
}

static void move_metered(struct reconciled *to, const struct reconciled *from)
{
	usage_sums_add(&to->metered, &from->metered, NULL);
	to->has_at_cards |= from->has_at_cards;
	money_total_add(&to->at_cards, from->at_cards);
}

static void join_line(struct reconciliation *r, size_t at, struct text name, bool *gone)
{
	struct reconciled *from = &r->line[at];
	for (size_t i = 0; i < r->lines; i++)
		if (r->line[i].day == from->day && text_eq(r->line[i].model, name)) {
			move_metered(&r->line[i], from);
			gone[at] = true;
			return;
		}
	from->model = name;
}

void bill_names_join(struct reconciliation *r)
{
	struct named *all = mem_zalloc((r->lines + 1) * sizeof *all);
	bool *gone = mem_zalloc((r->lines + 1) * sizeof *gone);
	size_t count = 0, kept = 0;
	for (size_t i = 0; i < r->lines; i++) {
		struct named *n = named_of(all, &count, r->line[i].model);
		n->billed |= r->line[i].billed.has_cost || r->line[i].billed.has_tokens;
		n->metered |= r->line[i].metered.records != 0;
	}
	for (size_t i = 0; i < count; i++) {
		struct named *n = &all[i], *other = NULL;
		if (n->metered && !n->billed && n->bare.n)
			other = only_other(all, count, n);
		n->other = other && only_other(all, count, other) == n ? other : NULL;
	}
	for (size_t i = 0; i < r->lines; i++) {
		const struct named *n = named_of(all, &count, r->line[i].model);
		if (n->other)
			join_line(r, i, n->other->name, gone);
	}
	for (size_t i = 0; i < r->lines; i++)
		if (!gone[i])
			r->line[kept++] = r->line[i];
	r->lines = kept;
	for (size_t i = 0; i < count; i++)
		buf_release(&all[i].bare);
	free(all);
	free(gone);
}
