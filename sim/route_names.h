/*
 * route_names: what a route names that no call of a workload has.
 *
 * A rule for a customer who is not there, a workload that may wait, a conversation that is
 * escalated: misspelled, or of other work. What rests on such a name changes nothing, and whoever
 * wrote it should know.
 */
#ifndef TALLY_SIM_ROUTE_NAMES_H
#define TALLY_SIM_ROUTE_NAMES_H

#include "sim/route.h"

/* Tells each such name once for each place that has it; `what` is the kind of name ("customer"). */
void route_names_unmet(const struct route *r, const struct workload *w,
		       void (*tell)(void *user, const char *what, struct text name), void *user);

#endif
