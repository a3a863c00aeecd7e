/* cache_rules: the options that describe a prefix cache, for every command that replays one. */
#ifndef TALLY_CLI_CACHE_RULES_H
#define TALLY_CLI_CACHE_RULES_H

#include "cli/command.h"
#include "sim/whatif.h"

/* The same in every command, last of its own, and what few need last of these. */
#define CACHE_RULE_OPTIONS \
	{ "rule", \
	  0, \
	  "RULE", \
	  "vendor (what the model's card says; see docs/caches.md), prefix, " \
	  "unit[,common][,interval=N] (DeepSeek V4), or " \
	  "breakpoints (Anthropic)", \
	  false, \
	  OPTION_ADVANCED }, \
		{ "writes", \
		  0, \
		  "none|5m|1h|24h", \
		  "the lifetime that the client asks for, and pays for where writes or storage are " \
		  "billed (default 5m)", \
		  false, \
		  OPTION_ADVANCED }, \
		{ "ttl",     0, \
		  "SECONDS", "so long a prompt is kept: seconds, 5m, 1h or 24h", \
		  false,     OPTION_ADVANCED }, \
		{ "scope", 0, \
		  "SCOPE", "global, or conversation, model and customer joined by +", \
		  false,   OPTION_ADVANCED }, \
		{ "expire", \
		  0, \
		  "touch|write", \
		  "what a time to live counts from (default touch: reading refreshes it)", \
		  false, \
		  OPTION_ADVANCED }, \
		{ "minimum", 0, "N", "hits below N tokens do not count", false, OPTION_ADVANCED }, \
		{ "quantum", 0, "N", "hits are whole multiples of N tokens", false, OPTION_ADVANCED }, \
		{ "settle",  0, \
		  "SECONDS", "a block can hit so long after it came (default 0)", \
		  false,     OPTION_ADVANCED }, \
		{ "recompute", 0, \
		  "N",	       "the last N tokens never hit, and only whole blocks do (vLLM: 1)", \
		  false,       OPTION_ADVANCED }, \
		{ "lookback", \
		  0, \
		  "N", \
		  "hits end within N content blocks of a mark, where prompts tell theirs " \
		  "(Anthropic: 20; 0: all)", \
		  false, \
		  OPTION_ADVANCED }, \
		{ "touch", \
		  0, \
		  "reverse|forward", \
		  "order in which a request touches its blocks (default reverse: the root " \
		  "stays most recent)", \
		  false, \
		  OPTION_ADVANCED }, \
	{ \
		"hits", 0, "clamp|full", "whether a partial last block can hit (default clamp)", \
			false, OPTION_ADVANCED \
	}

/* Everything but capacity and time to live. Errors: ERR_USAGE. */
int cli_cache_rules(struct cli *cli, struct cache_rules *out, struct err *e);
/* ERR_USAGE when some rule was given, since there is no cache that it could apply to. */
int cli_no_cache_rules(const struct cli *cli, struct err *e);
/* ERR_USAGE when some rule was given that only blocks can follow. */
int cli_no_block_rules(const struct cli *cli, struct err *e);

#endif
