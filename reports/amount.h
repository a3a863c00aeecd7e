/*
 * amount: money, credits and counts as people read them: grouped digits, the currency's sign, and
 * the bound that the amount is (">=" where records are left out). Every digit is shown.
 *
 * What stored usage cost is printed by put_cost alone, which knows the bound of its sums.
 */
#ifndef TALLY_REPORTS_AMOUNT_H
#define TALLY_REPORTS_AMOUNT_H

#include "base/money.h"
#include "meter/store/usage_query.h"
#include "reports/plain.h"

/* What an amount tells of the whole: it is the whole; the whole is not less (a sum that lacks
 * records), not more (a saving against such a sum), or on either side of it (a difference of two).
 */
enum amount_bound { EXACTLY, AT_LEAST, AT_MOST, ABOUT };
static inline enum amount_bound at_least(bool lacks)
{
	return lacks ? AT_LEAST : EXACTLY;
}
/* Of a - b. */
enum amount_bound bound_of_difference(enum amount_bound a, enum amount_bound b);
/* ">= ", "<= ", "~ ", or nothing. */
const char *bound_sign(enum amount_bound bound);
/* Behind a name: ", at least", ", at most", ", about", or nothing. */
const char *bound_words(enum amount_bound bound);

/* Each replaces what b holds. */
void put_amount(struct buf *b, const char *plain, const char *currency, enum amount_bound bound);
void put_money(struct buf *b, struct money_total m, const char *currency, enum amount_bound bound);
/* What the records of s cost: every digit, as put_shown_money, as cents_text. */
void put_cost(struct buf *b, const struct usage_sums *s, const char *currency);
void put_shown_cost(struct buf *b, const struct usage_sums *s, const char *currency);
const char *cents_cost(struct buf *b, const struct usage_sums *s, const char *currency);
/* To cents, and to four digits where it is below one. */
void put_short_money(struct buf *b, struct money_total m, const char *currency,
		     enum amount_bound bound);
/* The same of a difference: "+" before what is more. */
void put_short_change(struct buf *b, struct money_total m, const char *currency,
		      enum amount_bound bound);
/* For lines beside tables: to the cent on a terminal, every digit elsewhere and with --exact. */
void put_shown_money(struct buf *b, struct money_total m, const char *currency,
		     enum amount_bound bound);
/* Appends it without grouping: "$" before dollars, the code after everything else. */
void put_plain_money(struct buf *b, struct money_total m, const char *currency);
/* To the cent wherever it is printed. Returns the text, for arguments of other functions. */
const char *cents_text(struct buf *b, struct money_total m, const char *currency,
		       enum amount_bound bound);
/* Replaces what b holds by an amount as documents have it, without its currency: grouped, with all
 * decimals of the currency's coins ("1,234.50" dollars, "1,100" yen) and further ones as they are;
 * credits have no coins. Returns the text. */
const char *coins_text(struct buf *b, const char *plain, struct text currency);
/* Replaces the amount in b by the word where nothing that it sums has a price; returns the text. */
const char *unless_unpriced(struct buf *b, bool unpriced);
void put_count(struct buf *b, int64_t n);
/* What part is of whole, with one decimal: "97.0 %"; "-" of nothing. Returns text. */
char *percent_text(int128 part, int128 whole, char text[DECIMAL_TEXT_MAX]);

#endif
