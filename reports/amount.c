#include "reports/amount.h"

#include <string.h>

#include "reports/table.h"

void put_amount(struct buf *b, const char *plain, const char *currency, bool lower_bound)
{
	char grouped[DECIMAL_TEXT_MAX * 2];
	bool dollars = currency && strcmp(currency, "USD") == 0;
	const bool negative = *plain == '-';
	number_grouped(grouped, plain + negative);
	b->n = 0;
	buf_printf(b, "%s%s%s%s%s%s", lower_bound ? ">= " : "", negative ? "-" : "",
		   dollars ? "$" : "", grouped, currency && !dollars ? " " : "",
		   currency && !dollars ? currency : "");
}

void put_money(struct buf *b, struct money_total m, const char *currency, bool lower_bound)
{
	char plain[DECIMAL_TEXT_MAX];
	put_amount(b, money_total_format(m, plain), currency, lower_bound);
}

void put_shown_money(struct buf *b, struct money_total m, const char *currency, bool lower_bound)
{
	if (table_to_the_cent())
		cents_text(b, m, currency, lower_bound);
	else
		put_money(b, m, currency, lower_bound);
}

const char *cents_text(struct buf *b, struct money_total m, const char *currency, bool lower_bound)
{
	char cents[DECIMAL_TEXT_MAX * 2];
	put_money(b, m, currency, lower_bound);
	amount_to_the_cent(cents, sizeof cents, b->p);
	buf_cut(b, 0);
	buf_puts(b, cents);
	return b->p;
}

void put_count(struct buf *b, int64_t n)
{
	char plain[DECIMAL_TEXT_MAX];
	decimal_format_fixed(plain, n, 0);
	put_amount(b, plain, NULL, false);
}

char *percent_text(int128 part, int128 whole, char text[DECIMAL_TEXT_MAX])
{
	if (whole == 0 || !ratio_format(part * 100, whole, 1, text))
		return strcpy(text, "-");
	return strcat(text, strchr(text, '.') ? " %" : ".0 %");
}

void put_plain_money(struct buf *b, struct money_total m, const char *currency)
{
	char plain[DECIMAL_TEXT_MAX];
	money_total_format(m, plain);
	if (strcmp(currency, "USD") == 0)
		buf_printf(b, "%s$%s", *plain == '-' ? "-" : "", plain + (*plain == '-'));
	else
		buf_printf(b, "%s %s", plain, currency);
}

void put_short_money(struct buf *b, struct money_total m, const char *currency, bool lower_bound)
{
	char plain[DECIMAL_TEXT_MAX];
	const int128 unit = (int128)1000000000000000000;
	const int places = m.atto < unit && m.atto > -unit ? 4 : 2;
	bool changed;
	const struct decimal d = decimal_round_places(
		(struct decimal){ m.atto, MONEY_TOTAL_PLACES }, places, &changed);
	decimal_format(d, plain);
	char *point = strchr(plain, '.');
	size_t have = point ? strlen(point + 1) : 0;
	if (!point)
		strcat(plain, ".");
	while (have++ < (size_t)places)
		strcat(plain, "0");
	put_amount(b, plain, currency, lower_bound);
}
