/*
 * assemble: the sightings of calls in one source, or in many, into calls.
 *
 * A call that is seen several times under one id counts once. Of sightings that may grow
 * (`cumulative`) the one that is at least as large in every count is kept, whatever the order in
 * which they come. Sightings that contradict each other, and repeated records that do not grow, are
 * all handed on: the store decides and shows them.
 */
#ifndef TALLY_METER_FORMATS_ASSEMBLE_H
#define TALLY_METER_FORMATS_ASSEMBLE_H

#include "meter/formats/payload.h"

/* How the counts of two sightings of one call compare. */
enum sighting { SIGHTING_SAME, SIGHTING_SMALLER, SIGHTING_LARGER, SIGHTING_OTHER };
/* Of b beside a. */
enum sighting sighting_compare(const int64_t a[BUCKET_COUNT], const int64_t b[BUCKET_COUNT]);

struct assembly;
/* every: records that cannot grow are merged too when they are the same, and marked `conflict` when
 * they are not; else they are all kept. */
struct assembly *assembly_open(bool every);
void assembly_close(struct assembly *a);
/* Keeps a copy. */
void assembly_add(struct assembly *a, const struct metered *m);
/* The calls so far, in the order in which they were first seen; valid until the next add. */
size_t assembly_count(const struct assembly *a);
struct metered *assembly_call(const struct assembly *a, size_t i);
/* Sightings that were merged into another. */
int64_t assembly_merged(const struct assembly *a);
void assembly_clear(struct assembly *a);

#endif
