/* cache_words: caches and their scopes as people name them, on the command line and over HTTP. */
#ifndef TALLY_SIM_CACHE_WORDS_H
#define TALLY_SIM_CACHE_WORDS_H

#include "sim/whatif.h"

/* global, or conversation, model and customer joined by +; NULL: global. Errors: ERR_USAGE. */
int cache_scope_parse(const char *text, enum cache_scope *out, struct err *e);
/* none, recorded, rebuilt, vendor, infinite or a number of blocks, with ,ttl=SECONDS where blocks
 * expire; NULL: for prompts in blocks vendor, or infinite where r says that no card counts, else
 * rebuilt. Errors: ERR_USAGE. */
int cache_words_parse(const char *text, bool blocks, enum whatif_cache *cache,
		      struct cache_rules *r, struct err *e);
/* The word for the cache that was read of text, which may be NULL. */
const char *cache_words_of(const char *text, enum whatif_cache cache, const struct cache_rules *r);

#endif
