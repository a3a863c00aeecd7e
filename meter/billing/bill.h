/*
 * bill: what a provider says was used and owed, by day and model.
 *
 * Reads DeepSeek's usage export (amount and cost CSV), Anthropic's cost report (JSON; amounts are
 * in cents), OpenAI's costs (JSON; in dollars), and any CSV whose columns are named. Dates are the
 * provider's days, UTC.
 */
#ifndef TALLY_METER_BILLING_BILL_H
#define TALLY_METER_BILLING_BILL_H

#include "base/arena.h"
#include "base/money.h"

enum bill_format { BILL_DEEPSEEK, BILL_ANTHROPIC, BILL_OPENAI, BILL_CSV };

struct bill_line {
	int64_t day;	   /* since 1970, UTC */
	struct text model; /* "" where the bill names none */
	struct money_total cost;
	bool has_cost, has_tokens;
	int64_t input, cache_read, output; /* tokens */
};

struct bill_columns {
	const char *day, *model, *cost, *input, *cache_read, *output; /* of BILL_CSV; NULL: none */
};

struct bill {
	struct bill_line *line; /* one a day and model, in that order */
	size_t lines;
	char currency[16];
	struct arena arena;
};

/* Several files are one bill (DeepSeek exports tokens and costs apart). Errors: ERR_NOT_FOUND,
 * ERR_UNREADABLE, ERR_INVALID with file, line and field. */
int bill_read(struct bill *out, const char *const *path, size_t count, enum bill_format format,
	      const struct bill_columns *columns, struct err *e);
/* One file from memory; path is for messages. */
int bill_parse(struct bill *out, struct text all, const char *path, enum bill_format format,
	       const struct bill_columns *columns, struct err *e);
void bill_release(struct bill *b);

#endif
