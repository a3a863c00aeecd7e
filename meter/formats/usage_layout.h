/*
 * usage_layout: usage objects that differ in nothing but their numbers. Internal to meter/formats/.
 *
 * The lines of a log are much alike. A usage that was read as JSON, of which every member is
 * understood, is kept as a layout: its text, and which of its numbers is which count. A later one
 * of the same text is read by place. Digits within quotes are part of the text, and a zero is one:
 * whatever else differs is read as JSON.
 */
#ifndef TALLY_METER_FORMATS_USAGE_LAYOUT_H
#define TALLY_METER_FORMATS_USAGE_LAYOUT_H

#include "base/arena.h"
#include "meter/formats/counts.h"
#include "meter/formats/payload.h"

struct usage_layout;
enum { LAYOUTS = 8 };
struct usage_layouts {
	struct usage_layout *layout[LAYOUTS];
	unsigned learnt, last; /* last: the one that was found last */
};

/* The counts of a usage of a known layout, and the tier and region that it states, set in m; false,
 * and nothing is set: it must be read as JSON. */
bool layouts_read(struct usage_layouts *l, struct metered *m, struct raw_counts *c,
		  struct text usage);
/* Keeps the layout of a usage that was read as JSON into m and c, unless something in it hangs on
 * more than the places of its counts. What it keeps lives in the arena. */
void layouts_learn(struct usage_layouts *l, struct arena *a, const struct metered *m,
		   const struct raw_counts *c, struct text usage);

#endif
