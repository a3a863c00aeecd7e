/*
 * gathered: records and refusals of a source that wait until their ids can be claimed together.
 *
 * Copies; they live until clear.
 */
#ifndef TALLY_METER_INGEST_GATHERED_H
#define TALLY_METER_INGEST_GATHERED_H

#include "base/arena.h"
#include "meter/formats/payload.h"

struct gathered_item {
	struct refused_line refused; /* without a reason: a record */
	struct metered record;
	struct text id; /* the record's own, or the one that it was given */
	int64_t line;
};

/* Zero-initialised is empty. */
struct gathered {
	struct gathered_item *item;
	size_t count, room, refusals;
	size_t in_turn; /* records that may be others under another id */
	struct arena arena;
};

void gathered_add(struct gathered *g, const struct metered *m, struct text id, int64_t line);
void gathered_refuse(struct gathered *g, const struct refused_line *r);
void gathered_clear(struct gathered *g);
void gathered_release(struct gathered *g);

#endif
