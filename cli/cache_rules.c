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

int cli_cache_rules(struct cli *cli, struct cache_rules *r, struct err *e)
{
	static const char *const touches[] = { "reverse", "forward", NULL };
	static const char *const hits[] = { "clamp", "full", NULL };
	static const char *const parts[] = { "ttl",    "settle",    "quantum",	"minimum",
					     "expire", "recompute", "lookback", "writes",
					     "scope",  NULL };
	int touch, hit;
	*r = (struct cache_rules){ .capacity = -1, .ttl_us = -1 };
	int rc = cli_choice(cli, "touch", touches, &touch, e);
	if (rc == 0)
		rc = cli_choice(cli, "hits", hits, &hit, e);
	if (rc == 0)
		rc = read_rule(cli_value(cli, "rule"), r, e);
	for (int i = 0; rc == 0 && parts[i]; i++) {
		const char *value = cli_value(cli, parts[i]);
		struct err why;
		if (value && cache_part_parse(r, parts[i], text_of(value), &why) != 0)
			rc = err_set(e, ERR_USAGE, "--%s", why.message);
	}
	if (rc == 0) {
		r->forward = touch == 1;
		r->full = hit == 1;
	}
	return rc;
}

int cli_no_cache_rules(const struct cli *cli, struct err *e)
{
	static const char *const rules[] = { "touch",	"hits",	    "rule",   "scope",	   "settle",
					     "quantum", "minimum",  "expire", "recompute", "ttl",
					     "writes",	"lookback", NULL };
	return cli_none_of(cli, rules,
			   "applies to a cache of blocks: add --cache infinite or --cache BLOCKS",
			   e);
}

int cli_no_block_rules(const struct cli *cli, struct err *e)
{
	static const char *const rules[] = { "lookback", "touch", "hits", NULL };
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
