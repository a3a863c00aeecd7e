#include "sim/cache_words.h"

#include <stdlib.h>
#include <string.h>

int cache_scope_parse(const char *text, enum cache_scope *out, struct err *e)
{
	static const struct {
		const char *word;
		enum cache_scope scope;
	} words[] = { { "conversation", CACHE_CONVERSATION },
		      { "model", CACHE_MODEL },
		      { "customer", CACHE_CUSTOMER } };
	unsigned scope = CACHE_GLOBAL;
	const char *p = text;
	bool known = true;
	if (text && strcmp(text, "global") != 0)
		do {
			const struct text word = { p, strcspn(p, "+") };
			known = false;
			for (size_t i = 0; i < sizeof words / sizeof *words; i++)
				if (text_is(word, words[i].word)) {
					scope |= words[i].scope;
					known = true;
				}
			p += word.n;
		} while (known && *p++ == '+');
	if (!known)
		return err_set(e, ERR_USAGE,
			       "scope is global, or conversation, model and customer joined by +, "
			       "not '%s'",
			       text);
	*out = (enum cache_scope)scope;
	return 0;
}

static const char *unasked(bool blocks, const struct cache_rules *r)
{
	return !blocks ? "rebuilt" : r->vendor ? "vendor" : "infinite";
}

const char *cache_words_of(const char *text, enum whatif_cache cache, const struct cache_rules *r)
{
	return text ? text : unasked(cache == WHATIF_CACHE_BLOCKS, r);
}

int cache_words_parse(const char *text, bool blocks, enum whatif_cache *cache,
		      struct cache_rules *r, struct err *e)
{
	char *end;
	if (!text)
		text = unasked(blocks, r);
	if (strcmp(text, "none") == 0 || strcmp(text, "recorded") == 0) {
		*cache = *text == 'n' ? WHATIF_CACHE_NONE : WHATIF_CACHE_RECORDED;
		return 0;
	}
	if (strcmp(text, "rebuilt") == 0) {
		*cache = WHATIF_CACHE_REBUILT;
		return 0;
	}
	*cache = WHATIF_CACHE_BLOCKS;
	size_t n = strcspn(text, ",");
	const bool vendor = strcmp(text, "vendor") == 0;
	if (text[n] && r->asked & CACHE_ASKED_TTL)
		return err_set(e, ERR_USAGE,
			       "--cache %s and --ttl both say how long blocks stay: say it once",
			       text);
	if (vendor && !r->vendor)
		return err_set(e, ERR_USAGE,
			       "--cache vendor keeps prompts as long as the model's card says, and "
			       "--rule says that no card counts");
	if (!vendor) /* how long blocks stay is as it says */
		r->asked |= CACHE_ASKED_TTL;
	if (vendor || (n == 8 && memcmp(text, "infinite", 8) == 0)) {
		r->capacity = -1;
	} else {
		r->capacity = strtoll(text, &end, 10);
		if (end != text + n || r->capacity < 1)
			return err_set(
				e, ERR_USAGE,
				"--cache %s: none, recorded, rebuilt, vendor, infinite or a number of "
				"blocks, with ,ttl=SECONDS behind it where blocks expire",
				text);
	}
	if (text[n] == 0)
		return 0;
	if (strncmp(text + n, ",ttl=", 5) != 0)
		return err_set(e, ERR_USAGE, "--cache %s: only ,ttl=SECONDS may follow", text);
	if (span_parse(&r->ttl_us, text_of(text + n + 5), US_PER_SECOND, NULL) != 0)
		return err_set(e, ERR_USAGE, "--cache %s: ttl is a number of seconds", text);
	return 0;
}
