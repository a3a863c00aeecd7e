/*
 * bill: what a provider says was used and owed, by day and model.
 *
 * Reads what meter/read/headers.h knows (DeepSeek's export, the costs of Anthropic and OpenAI, AWS,
 * FOCUS, ...), plain or in a ZIP or gzip, and any CSV whose columns are named. A number counts
 * once: of amounts and costs the costs are the money, and a file that is given twice is refused.
 * Days are UTC's, or of the zone whose offset the file states.
 */
#ifndef TALLY_METER_BILLING_BILL_H
#define TALLY_METER_BILLING_BILL_H

#include "base/arena.h"
#include "base/money.h"

enum bill_kind { BILL_USAGE, BILL_TAX, BILL_CREDIT, BILL_REFUND, BILL_ADJUSTMENT, BILL_FEE };
const char *bill_kind_name(enum bill_kind k);

struct bill_line {
	int64_t day;	   /* since 1970, in the bill's zone */
	struct text model; /* "" where the bill names none; of other kinds than usage: of what */
	struct text project;
	enum bill_kind kind;
	int64_t rows; /* of the file that state a cost */
	struct money_total cost;
	struct money_total estimate; /* price by amount: the cost where none is stated */
	bool has_cost, has_tokens;
	int64_t input, cache_read, output; /* tokens */
};

struct bill_columns {
	const char *day, *model, *cost, *input, *cache_read,
		*output; /* as --map names them; NULL: not */
};

struct bill {
	struct bill_line *line; /* one a day, kind, model and project, in that order */
	size_t lines;
	char currency[16];
	int places;	 /* decimals of its costs, at most */
	bool partial;	 /* a page says that there is more, and no last page is here */
	bool has_offset; /* its days are of a zone: */
	int64_t offset_us;
	const char *provider; /* whose bill it is; NULL: not known */
	bool says_total;      /* a row of totals */
	struct money_total total;
	struct arena arena;
};

/* Several files are one bill (DeepSeek exports tokens and costs apart). Errors: ERR_NOT_FOUND,
 * ERR_UNREADABLE, ERR_INVALID with file, line and field. */
int bill_read(struct bill *out, const char *const *path, size_t count,
	      const struct bill_columns *columns, struct err *e);
/* One file from memory; path is for messages. */
int bill_parse(struct bill *out, struct text all, const char *path,
	       const struct bill_columns *columns, struct err *e);
void bill_release(struct bill *b);

#endif
