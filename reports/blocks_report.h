/* blocks_report: what `tally blocks` shows: calls in blocks of hours, and where the one under way
 * leads. */
#ifndef TALLY_REPORTS_BLOCKS_REPORT_H
#define TALLY_REPORTS_BLOCKS_REPORT_H

#include "base/zone.h"
#include "meter/store/usage_blocks.h"

struct blocks_report {
	const struct usage_blocks *blocks;
	size_t from; /* the first one shown */
	bool newest_first;
	struct instant now;
	const struct zone *zone;
	const char *timezone, *source;
	int64_t token_limit; /* 0: none; what the account allows in a block, as its owner says */
	const struct left_out *left_out;
};

/* What a block under way comes to: its speed so far, and its end at that speed. */
struct block_outlook {
	bool known; /* false: a single instant has no speed */
	int64_t tokens_a_minute;
	struct money_total cost_an_hour;
	int64_t minutes_left;
	int64_t tokens_at_end;
	struct money_total cost_at_end;
};
struct block_outlook block_outlook(const struct usage_block *b, struct instant now);

void blocks_report_table(const struct blocks_report *r);
/* Where the block under way leads; nothing where none is. */
void blocks_report_outlook(const struct blocks_report *r);
void blocks_report_csv(const struct blocks_report *r);
void blocks_report_json(const struct blocks_report *r);

/* "1h 05m", "12m" */
char *span_words(char room[32], int64_t us);

#endif
