#include "cli/cache_rules.h"

#include "sim/scenario.h"

#include <stdlib.h>
#include <string.h>

static int read_rule(const char *text, struct cache_rules *r, struct err *e)
{
	r->vendor = !text || strcmp(text, "vendor") == 0;
	if (r->vendor || strcmp(text, "prefix") == 0)
		return 0;
	if (strcmp(text, "breakpoints") == 0) {
		r->breakpoints = true;
		return 0;
	}
	while (*text) {
		size_t n = strcspn(text, ",");
		struct text word = { text, n };
		if (text_is(word, "unit")) {
			r->units = true;
		} else if (text_is(word, "common") && r->units) {
			r->common = true;
		} else if (n > 9 && memcmp(text, "interval=", 9) == 0 && r->units) {
			char *end;
			r->interval = strtoll(text + 9, &end, 10);
			if (end != text + n || r->interval < 1)
				return err_set(e, ERR_USAGE,
					       "--rule: '%.*s' is not a number of tokens", (int)n,
					       text);
		} else {
			return err_set(e, ERR_USAGE,
				       "--rule %s: vendor, prefix, unit[,common][,interval=N] or "
				       "breakpoints",
				       text);
		}
		text += n;
		text += *text == ',';
	}
	return 0;
}

/* global, or words joined by +. */
static int read_scope(const char *text, enum cache_scope *out, struct err *e)
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
			       "--scope %s: global, or conversation, model and customer, joined "
			       "by +",
			       text);
	*out = (enum cache_scope)scope;
	return 0;
}

int cli_cache_rules(struct cli *cli, struct cache_rules *r, struct err *e)
{
	static const char *const touches[] = { "reverse", "forward", NULL };
	static const char *const hits[] = { "clamp", "full", NULL };
	static const char *const parts[] = { "ttl",    "settle",    "quantum", "minimum",
					     "expire", "recompute", "writes",  NULL };
	int touch, hit;
	*r = (struct cache_rules){ .capacity = -1, .ttl_us = -1 };
	int rc = cli_choice(cli, "touch", touches, &touch, e);
	if (rc == 0)
		rc = cli_choice(cli, "hits", hits, &hit, e);
	if (rc == 0)
		rc = read_scope(cli_value(cli, "scope"), &r->scope, e);
	if (rc == 0)
		rc = read_rule(cli_value(cli, "rule"), r, e);
	for (int i = 0; rc == 0 && parts[i]; i++) {
		const char *value = cli_value(cli, parts[i]);
		if (value && cache_part_parse(r, parts[i], text_of(value), e) != 0)
			rc = err_set(e, ERR_USAGE, "--%s", e->message);
	}
	if (rc == 0) {
		r->forward = touch == 1;
		r->full = hit == 1;
	}
	return rc;
}

int cli_no_cache_rules(const struct cli *cli, struct err *e)
{
	static const char *const rules[] = { "touch",	  "hits",    "rule",	"scope",
					     "settle",	  "quantum", "minimum", "expire",
					     "recompute", "ttl",     "writes",	NULL };
	return cli_none_of(cli, rules,
			   "applies to a cache of blocks: add --cache infinite or --cache BLOCKS",
			   e);
}

int cli_no_block_rules(const struct cli *cli, struct err *e)
{
	static const char *const rules[] = { "touch", "hits", "scope", NULL };
	const char *rule = cli_value(cli, "rule");
	if (rule && strcmp(rule, "vendor") != 0)
		return err_set(e, ERR_USAGE,
			       "--rule %s applies to a cache of blocks: add --cache infinite or "
			       "--cache BLOCKS",
			       rule);
	return cli_none_of(cli, rules,
			   "applies to a cache of blocks: add --cache infinite or --cache BLOCKS",
			   e);
}

int cli_cache(const char *text, bool blocks, enum whatif_cache *cache, struct cache_rules *r,
	      struct err *e)
{
	char *end;
	if (!text) {
		*cache = blocks ? WHATIF_CACHE_NONE : WHATIF_CACHE_REBUILT;
		return 0;
	}
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
