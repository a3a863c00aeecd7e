/*
 * lower_bound: what a source does not tell. Some agents leave calls out of their logs, and an
 * answer that was cut keeps the count with which it began; sums of them are lower bounds, which is
 * said once. Rows of some gateways do not tell what of a prompt was cached; sums of them may be off
 * either way.
 */
#ifndef TALLY_METER_FORMATS_LOWER_BOUND_H
#define TALLY_METER_FORMATS_LOWER_BOUND_H

#include "base/text.h"

/* An agent whose log leaves calls out, or a gateway whose rows do not tell what was cached. */
struct log_gap {
	const char *shape; /* of its log */
	const char *whole; /* shape of a source that has every call; NULL: there is none */
	const char *agent, *left_out, *completed_by;
	bool cache_untold; /* every call is there, at the price of a prompt that was not cached */
};

/* A row of gaps.def each. */
enum {
#define GAP(...) +1
	LOG_GAPS = 0
#include "meter/formats/gaps.def"
#undef GAP
};
/* NULL behind the last. */
const struct log_gap *log_gap_at(size_t i);

/* The sources that open or close a gap, by a place each; some places are nobody's. */
enum { LOG_SOURCES = 2 * LOG_GAPS };
/* -1: records of that shape are whole, and complete nothing. */
int log_source_place(struct text shape);
/* NULL: the place is nobody's. */
const char *log_source_shape(int place);

/* Which of them a set of sources has. */
struct lower_bound {
	bool log[LOG_GAPS], whole[LOG_GAPS];
	long long placeholders; /* calls of which only a part is counted: the answer's start, or */
	long long unsaid;	/* (of them) the least of what they may cost: they leave open what
				 * their price depends on */
	bool or_more;		/* there are at least so many */
};
/* A record of that shape; its place is asked once for many. */
void lower_bound_see_place(struct lower_bound *b, int place);
void lower_bound_see(struct lower_bound *b, const char *shape);
void lower_bound_add(struct lower_bound *to, const struct lower_bound *more);
/* Whether gap i is open: its log was read, and nothing that has every call. */
bool lower_bound_open(const struct lower_bound *b, size_t i);
/* Whether rows were read that do not tell what was cached, so that a sum may be off either way. */
bool lower_bound_is_uncertain(const struct lower_bound *b);

#endif
