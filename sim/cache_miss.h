/* cache_miss: why a call found less in a cache than there might have been. */
#ifndef TALLY_SIM_CACHE_MISS_H
#define TALLY_SIM_CACHE_MISS_H

#include <stdint.h>

enum cache_miss {
	MISS_NONE,
	MISS_COLD,    /* its model has not answered the conversation, or not what came since */
	MISS_EXPIRED, /* it came too late */
	MISS_EVICTED, /* others took its room */
	MISS_UNREADY, /* it came before what was written could be read */
	MISS_CHANGED, /* the prompts part before */
	MISS_SHORT,   /* what is common is shorter than the vendor keeps */
	MISS_UNPAID,  /* the client wrote nothing, where writes are billed */
	MISS_UNSEEN,  /* the end of what was written lies further from a mark than is looked */
	MISS_ROUNDED, /* whole units, and the tokens at the end that are always computed */
	MISSES,
};

struct misses {
	int64_t calls[MISSES], tokens[MISSES]; /* by cause */
};

#endif
