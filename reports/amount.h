/* amount: money, credits and counts as people read them: grouped digits, the currency's sign, and
 * ">=" where records are left out. Every digit is shown. */
#ifndef TALLY_REPORTS_AMOUNT_H
#define TALLY_REPORTS_AMOUNT_H

#include "base/money.h"
#include "reports/plain.h"

/* Each replaces what b holds. */
void put_amount(struct buf *b, const char *plain, const char *currency, bool lower_bound);
void put_money(struct buf *b, struct money_total m, const char *currency, bool lower_bound);
/* To cents, and to four digits where it is below one. */
void put_short_money(struct buf *b, struct money_total m, const char *currency, bool lower_bound);
/* For lines beside tables: to the cent on a terminal, every digit elsewhere and with --exact. */
void put_shown_money(struct buf *b, struct money_total m, const char *currency, bool lower_bound);
/* Appends it without grouping: "$" before dollars, the code after everything else. */
void put_plain_money(struct buf *b, struct money_total m, const char *currency);
/* To the cent wherever it is printed. Returns the text, for arguments of other functions. */
const char *cents_text(struct buf *b, struct money_total m, const char *currency, bool lower_bound);
void put_count(struct buf *b, int64_t n);
/* What part is of whole, with one decimal: "97.0 %"; "-" of nothing. Returns text. */
char *percent_text(int128 part, int128 whole, char text[DECIMAL_TEXT_MAX]);

#endif
