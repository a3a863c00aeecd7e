/* cache_rules: the options that describe a prefix cache, for every command that replays one. */
#ifndef TALLY_CLI_CACHE_RULES_H
#define TALLY_CLI_CACHE_RULES_H

#include "cli/command.h"
#include "sim/whatif.h"

/* The same in every command, last of its own, and what few need last of these. */
#define CACHE_RULE_OPTIONS \
	{ "rule", 0, "RULE", \
	  "vendor (what the model's card says; see docs/caches.md), prefix, " \
	  "unit[,common][,interval=N] (DeepSeek V4), or " \
	  "breakpoints (Anthropic)", \
	  false }, \
		{ "writes", 0, "none|5m|1h|24h", \
		  "the lifetime that the client asks for, and pays for where writes or storage are " \
		  "billed (default 5m)", \
		  false }, \
		{ "ttl", 0, "SECONDS", "so long a prompt is kept: seconds, 5m, 1h or 24h", \
		  false }, \
		{ "scope", 0, "SCOPE", "global, or conversation, model and customer joined by +", \
		  false }, \
		{ "expire", 0, "touch|write", \
		  "what a time to live counts from (default touch: reading refreshes it)", \
		  false }, \
		{ "minimum", 0, "N", "hits below N tokens do not count", false }, \
		{ "quantum", 0, "N", "hits are whole multiples of N tokens", false }, \
		{ "settle", 0, "SECONDS", "a block can hit so long after it came (default 0)", \
		  false }, \
		{ "recompute", 0, "N", \
		  "the last N tokens never hit, and only whole blocks do (vLLM: 1)", false }, \
		{ "lookback", 0, "N", \
		  "hits end within N content blocks of a mark, where prompts tell theirs " \
		  "(Anthropic: 20; 0: all)", \
		  false }, \
		{ "touch", 0, "reverse|forward", \
		  "order in which a request touches its blocks (default reverse: the root " \
		  "stays most recent)", \
		  false }, \
	{ \
		"hits", 0, "clamp|full", "whether a partial last block can hit (default clamp)", \
			false \
	}

/* Everything but capacity and time to live. Errors: ERR_USAGE. */
int cli_cache_rules(struct cli *cli, struct cache_rules *out, struct err *e);
/* ERR_USAGE when some rule was given, for there is no cache that it could be of. */
int cli_no_cache_rules(const struct cli *cli, struct err *e);
/* ERR_USAGE when some rule was given that only blocks can follow. */
int cli_no_block_rules(const struct cli *cli, struct err *e);

#endif
