/* cache_words: caches and their scopes as people name them, on the command line and over HTTP. */
#ifndef TALLY_SIM_CACHE_WORDS_H
#define TALLY_SIM_CACHE_WORDS_H

#include "sim/whatif.h"

/* global, or conversation, model and customer joined by +; NULL: global. Errors: ERR_USAGE. */
int cache_scope_parse(const char *text, enum cache_scope *out, struct err *e);
/* none, recorded, rebuilt, infinite or a number of blocks, with ,ttl=SECONDS where blocks expire;
 * NULL: none for prompts in blocks, else rebuilt. Errors: ERR_USAGE. */
int cache_words_parse(const char *text, bool blocks, enum whatif_cache *cache,
		      struct cache_rules *r, struct err *e);

#endif
