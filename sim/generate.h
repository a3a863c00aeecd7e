/*
 * generate: calls that could be, from a short specification, for planning before any usage exists.
 *
 * A class of work opens sessions at random (Poisson, by hours and weekdays); each session makes
 * calls whose prompts grow: what was said before, the answer, and what is added. What the last call
 * had sent is read from the cache when it came recently enough. Where the class lists whole
 * sessions instead, they are dealt like cards, each once before any comes again. The same
 * specification and seed give the same bytes.
 */
#ifndef TALLY_SIM_GENERATE_H
#define TALLY_SIM_GENERATE_H

#include "base/arena.h"
#include "base/instant.h"
#include "base/json.h"

struct synthetic_call {
	int64_t time_us, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning;
	uint32_t place, session, call; /* of the class, its session, the session's call, from 0 */
};

struct synthetic_class {
	const char *model, *provider, *customer, *project, *workload; /* "" where it names none */
};

struct synthetic {
	struct synthetic_class *work; /* classes of work */
	size_t classes;
	struct synthetic_call *call; /* by time */
	size_t count;
	bool has_writes; /* some call writes to a cache */
	struct arena arena;
};

enum { SYNTHETIC_CALLS_MOST = 50000000 };

/* days 0: as the specification says. Errors: ERR_INVALID (names class and key), ERR_RANGE. */
int synthetic_generate(struct synthetic *out, json_value *spec, bool has_seed, uint64_t seed,
		       int64_t days, struct err *e);
/* Native CSV. */
void synthetic_put_csv(struct buf *out, const struct synthetic *s, size_t from, size_t to);
void synthetic_release(struct synthetic *s);

#endif
