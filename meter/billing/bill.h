/*
 * bill: what a provider says was used and owed, by day and model.
 *
 * Reads what the registry of meter/read/exports.h knows (bills, and reports of usage that state
 * what it cost), plain or in a ZIP or gzip, and any CSV whose columns are named. A number counts
 * once: of amounts and costs the costs are the money, and a file that is given twice is refused.
 * Days are UTC's, of the zone that the registry names, or of that whose offset the file states.
 */
#ifndef TALLY_METER_BILLING_BILL_H
#define TALLY_METER_BILLING_BILL_H

#include "base/arena.h"
#include "base/decimal.h"
#include "base/money.h"
#include "meter/read/exports.h"
#include "pricing/book.h"

enum bill_kind {
	BILL_USAGE,
	BILL_TAX,
	BILL_CREDIT,
	BILL_REFUND,
	BILL_ADJUSTMENT,
	BILL_FEE,
	BILL_OTHER /* another service of the same vendor */
};
const char *bill_kind_name(enum bill_kind k);

struct bill_line {
	int64_t day, end;  /* since 1970, in the bill's zone; the day after the last */
	struct text model; /* "" where the bill names none; of other kinds than usage: of what */
	struct text project;
	struct text tier, tokens; /* "batch", "cache_read"; "" where its rows do not say */
	struct text unit;	  /* of the quantity, as the bill writes it */
	struct decimal quantity;  /* of its rows together */
	bool has_quantity;
	enum bill_kind kind;
	size_t order;	   /* in which the bill begins its lines */
	int64_t rows;	   /* of the file that state a cost */
	struct text place; /* of the first of them: file and line, or file and item */
	struct money_total cost;
	struct money_total list; /* the same at list prices, where the bill says so */
	bool has_list;
	struct money_total estimate; /* price by amount: the cost where none is stated */
	bool has_cost, has_tokens;
	int64_t input, cache_read, output; /* tokens */
};

enum { BILL_NONE_MAX = 64 };

struct bill_options {
	const char *column[EXPORT_ROLES];    /* as --map names them, by their meaning; NULL: not */
	const char *none[BILL_NONE_MAX + 1]; /* columns that do not matter, up to NULL */
	const struct book *book;	     /* tells models from other words; NULL: none */
	int64_t from, to; /* the days of a file that states none, not the last; else equal */
};

struct bill {
	struct bill_line *line; /* one a day, kind, model, project, tier, kind of token and unit */
	size_t lines;
	char currency[16];
	/* what its amounts, or the words beside the table, say of a currency that is not certain:
	 * the sign of several, or two; "" */
	const char *unclear;
	char beside[4];	 /* the currency that words beside the table speak of; "" */
	int places;	 /* decimals of its costs, at most */
	bool partial;	 /* a page says that there is more, and the next one is not here */
	bool has_offset; /* its days are of a zone: */
	int64_t offset_us;
	const char *zone;     /* or of this one; NULL */
	const char *provider; /* whose bill it is; NULL: not known */
	const char *title;    /* what it was read as; of several kinds of file the first */
	struct text cost;     /* the column of the costs, "" where it has no name */
	struct text unread;   /* columns that speak of money and were not read, ", " between */
	struct text doubtful; /* what may change it and was not read, ", " between */
	bool total_is_wrong;  /* a row of totals, of a day or of all, is not the sum of the rows */
	struct money_total total_off; /* what these say more than the rows */
	int64_t pages, pages_missing; /* where the pages say how many there are; else 0 */
	int64_t *quiet;		      /* days of which it says that nothing was charged */
	size_t quiets;
	struct arena arena;
};

/* Says what a column of a bill is, by the names of --map; the text of it is kept by the caller.
 * False where there is no such name, no column, or more than BILL_NONE_MAX that do not matter. */
#define BILL_MAP_NAMES \
	"day, model, cost, currency, project, kind, input, cache_read, output or none"
bool bill_map(struct bill_options *o, struct text name, const char *column);

/* Several files are one bill (DeepSeek exports tokens and costs apart). Errors: ERR_NOT_FOUND,
 * ERR_UNREADABLE, ERR_INVALID with file, line and field. */
int bill_read(struct bill *out, const char *const *path, size_t count, const struct bill_options *o,
	      struct err *e);
/* Files that are in memory; names are for messages. */
struct bill_file {
	const char *name;
	struct text bytes;
};
int bill_parse(struct bill *out, const struct bill_file *file, size_t count,
	       const struct bill_options *o, struct err *e);
void bill_release(struct bill *b);

#endif
