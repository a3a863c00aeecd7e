/*
 * observations: what the events of tracers told of observations so far, across the bodies that they
 * come in: who sends events sends the beginning and the end of a long call apart.
 *
 * It is in memory and bounded: the oldest are forgotten, as all are when the process ends. Threads
 * share it.
 */
#ifndef TALLY_METER_FORMATS_OBSERVATIONS_H
#define TALLY_METER_FORMATS_OBSERVATIONS_H

#include "base/arena.h"
#include "base/text.h"

/* Observations, and bytes of them, of which twice as many may be kept; and the most of one. */
enum { OBSERVATIONS_MOST = 20000, OBSERVATIONS_BYTES = 16 << 20, OBSERVATION_MOST = 64 << 10 };

struct observations;
struct observations *observations_open(void);
void observations_close(struct observations *o);
/* What is known of the id, a copy in a; empty: nothing. owner: whose ids they are. */
struct text observations_find(struct observations *o, struct text owner, struct text id,
			      struct arena *a);
/* Keeps that in place of what was known; what is longer than OBSERVATION_MOST is not kept. */
void observations_keep(struct observations *o, struct text owner, struct text id, struct text all);

#endif
