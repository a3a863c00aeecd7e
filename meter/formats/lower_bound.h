/*
 * lower_bound: what a source does not tell. Some agents leave calls out of their logs, and an
 * answer that was cut keeps the count with which it began; sums of them are lower bounds, which is
 * said once. Rows of some gateways do not tell what of a prompt was cached; sums of them may be off
 * either way.
 */
#ifndef TALLY_METER_FORMATS_LOWER_BOUND_H
#define TALLY_METER_FORMATS_LOWER_BOUND_H

#include <stdbool.h>
#include <stddef.h>

/* An agent whose log leaves calls out, or a gateway whose rows do not tell what was cached. */
struct log_gap {
	const char *shape; /* of its log */
	const char *whole; /* shape of a source that has every call; NULL: there is none */
	const char *agent, *left_out, *completed_by;
	bool cache_untold; /* every call is there, at the price of a prompt that was not cached */
};

enum { LOG_GAPS_MOST = 16 };
/* NULL behind the last. */
const struct log_gap *log_gap_at(size_t i);

/* Which of them a set of sources has. */
struct lower_bound {
	bool log[LOG_GAPS_MOST], whole[LOG_GAPS_MOST];
	long long placeholders; /* calls of which only a part is counted: the answer's start, or */
	long long unsaid;	/* (of them) the least of what they may cost: they leave open what
				 * their price depends on */
	bool or_more;		/* there are at least so many */
};
void lower_bound_see(struct lower_bound *b, const char *shape);
void lower_bound_add(struct lower_bound *to, const struct lower_bound *more);
/* Whether gap i is open: its log was read, and nothing that has every call. */
bool lower_bound_open(const struct lower_bound *b, size_t i);
/* Whether rows were read that do not tell what was cached, so that a sum may be off either way. */
bool lower_bound_is_uncertain(const struct lower_bound *b);

#endif
