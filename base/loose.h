/*
 * loose: numbers and days as spreadsheets and vendors write them.
 *
 * What can be read in two ways is refused, not guessed.
 */
#ifndef TALLY_BASE_LOOSE_H
#define TALLY_BASE_LOOSE_H

#include "base/decimal.h"
#include "base/instant.h"

/*
 * "1,234.50", "1.234,50", "9,00", "$0.10", "9.00 EUR", "(1.00)", "1.00-", "1.00 CR" (negative),
 * "12,34,567.00", ".5", "1e-05". One sign with three digits behind it ("1,234") is a thousands sign
 * where a comma separates the fields or has no meaning, and refused where comma_decimals says that
 * either may be meant. *places: how many decimals were written. Errors: ERR_INVALID.
 */
int loose_number(struct decimal *out, int *places, struct text s, bool comma_decimals,
		 struct err *e);

/* A whole number from 0, of what is counted: "1,000", "1000.0"; "1.000" may be either, and is
 * refused. Errors: ERR_INVALID. */
int loose_count(int64_t *out, struct text s, struct err *e);

/* Whether the sign or the letters of a currency stand in s ("EUR 9,00", "$0.10", "Total (USD)"),
 * and its code; "" where none does, or its sign is that of several. */
bool loose_currency(char out[4], struct text s);

/* Whether the three letters are the code of a currency that bills are written in. */
bool loose_is_currency(struct text code);

/* A column of currencies: a code, a sign alone or a name ("$", "US Dollar", "人民币") as its code.
 * False where it is none of these; true with "" for a sign of several currencies. */
bool loose_currency_code(char out[4], struct text s);

/* The next currency that running words speak of ("All amounts in EUR"), behind *from, which moves
 * on: a known code that stands alone, or a sign. False where there is no more. */
bool loose_currency_in_words(char out[4], struct text s, size_t *from);

struct loose_time {
	struct instant at;
	bool has_offset;
	int64_t offset_us; /* of its zone, where it names one */
	bool is_day;	   /* without a time of day */
};
/* ISO 8601, Unix seconds, a spreadsheet's 46188.25, 20260615, 15.06.2026, 2026/06/15, Jun 15, 2026,
 * and 6/15/2026 or 15-6-2026 where the numbers leave no doubt; a time of day may follow. Errors:
 * ERR_INVALID. */
int loose_time_parse(struct loose_time *out, struct text s, struct err *e);
/* The same where it is known which stands first: 6/7/2026. */
enum loose_order { LOOSE_ORDER_UNKNOWN, LOOSE_MONTH_FIRST, LOOSE_DAY_FIRST };
int loose_time_parse_as(struct loose_time *out, struct text s, enum loose_order order,
			struct err *e);

#endif
