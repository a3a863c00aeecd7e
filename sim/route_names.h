/*
 * route_names: what a route names and no call of a workload meets.
 *
 * A rule for a customer who is not there, a workload that may wait, a conversation that is
 * escalated: misspelled, or of other work. A rule that another one goes before, a model that
 * answers nothing. What rests on such a name changes nothing, and whoever wrote it should know.
 */
#ifndef TALLY_SIM_ROUTE_NAMES_H
#define TALLY_SIM_ROUTE_NAMES_H

#include "sim/whatif.h"

/* Tells each such name once for each place that has it; `what` is the kind of name: "customer",
 * "rule" (its number), "target" (a model that answers nothing), "escalation" (the model to which
 * nothing is sent on). got: what the route came to; NULL: only some calls were replayed, and rules
 * and models of no call are not told. */
void route_names_unmet(const struct route *r, const struct workload *w,
		       const struct whatif_result *got,
		       void (*tell)(void *user, const char *what, struct text name), void *user);

#endif
