#include "meter/read/item_parts.h"

#include <string.h>
#include <strings.h>

struct part_word {
	const char *word, *part;
};

/* Whether s begins with the word, whose spaces stand for whatever is no letter. */
static bool begins(struct text s, const char *word)
{
	const size_t n = strlen(word);
	bool same = n <= s.n;
	for (size_t i = 0; same && i < n; i++)
		same = word[i] == ' ' ? !is_letter(s.p[i]) : strncasecmp(s.p + i, word + i, 1) == 0;
	return same;
}

/* The part of the first entry whose word stands in s, with no letter before it or behind it. */
static struct text part_in(struct text s, const struct part_word *words, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		const size_t n = strlen(words[k].word);
		for (size_t i = 0; i + n <= s.n; i++)
			if ((i == 0 || !is_letter(s.p[i - 1])) &&
			    (i + n == s.n || !is_letter(s.p[i + n])) &&
			    begins((struct text){ s.p + i, s.n - i }, words[k].word))
				return text_of(words[k].part);
	}
	return TEXT("");
}

struct text item_tokens(struct text words)
{
	static const struct part_word parts[] = {
		{ "uncached", "input" },
		{ "no cache", "input" },
		{ "cache miss", "input" },
		{ "cache write", "cache_write" },
		{ "cache creation", "cache_write" },
		{ "cache read", "cache_read" },
		{ "cache hit", "cache_read" },
		{ "cached", "cache_read" },
		{ "cachd", "cache_read" },
		{ "input caching", "cache_read" },
		{ "output", "output" },
		{ "outp", "output" },
		{ "outpt", "output" },
		{ "opt", "output" },
		{ "completion", "output" },
		{ "response", "output" },
		{ "input", "input" },
		{ "inp", "input" },
		{ "inpt", "input" },
		{ "prompt", "input" },
	};
	return part_in(words, parts, sizeof parts / sizeof *parts);
}

struct text item_tier(struct text words)
{
	static const struct part_word parts[] = {
		{ "batch", "batch" }, { "btch", "batch" },	  { "batches", "batch" },
		{ "flex", "flex" },   { "priority", "priority" }, { "prty", "priority" },
		{ "fast", "fast" },
	};
	return part_in(words, parts, sizeof parts / sizeof *parts);
}
