#include "reports/amount.h"

#include <string.h>

#include "meter/billing/terms.h"
#include "reports/table.h"

enum amount_bound bound_of_difference(enum amount_bound a, enum amount_bound b)
{
	static const enum amount_bound turned[] = { EXACTLY, AT_MOST, AT_LEAST, ABOUT };
	return b == EXACTLY ? a : a == EXACTLY || a == turned[b] ? turned[b] : ABOUT;
}

const char *bound_sign(enum amount_bound bound)
{
	static const char *const sign[] = { "", ">= ", "<= ", "~ " };
	return sign[bound];
}

const char *bound_words(enum amount_bound bound)
{
	static const char *const words[] = { "", ", at least", ", at most", ", about" };
	return words[bound];
}

void put_amount(struct buf *b, const char *plain, const char *currency, enum amount_bound bound)
{
	char grouped[DECIMAL_TEXT_MAX * 2];
	bool dollars = currency && strcmp(currency, "USD") == 0;
	const int sign = *plain == '-' || *plain == '+';
	number_grouped(grouped, plain + sign);
	b->n = 0;
	buf_puts(b, bound_sign(bound));
	buf_add(b, plain, (size_t)sign);
	buf_puts(b, dollars ? "$" : "");
	buf_puts(b, grouped);
	if (currency && !dollars) {
		buf_puts(b, " ");
		buf_puts(b, currency);
	}
}

void put_money(struct buf *b, struct money_total m, const char *currency, enum amount_bound bound)
{
	char plain[DECIMAL_TEXT_MAX];
	put_amount(b, money_total_format(m, plain), currency, bound);
}

void put_cost(struct buf *b, const struct usage_sums *s, const char *currency)
{
	put_money(b, s->cost, currency, at_least(usage_sums_at_least(s)));
}

void put_shown_cost(struct buf *b, const struct usage_sums *s, const char *currency)
{
	put_shown_money(b, s->cost, currency, at_least(usage_sums_at_least(s)));
}

const char *cents_cost(struct buf *b, const struct usage_sums *s, const char *currency)
{
	return cents_text(b, s->cost, currency, at_least(usage_sums_at_least(s)));
}

void put_shown_money(struct buf *b, struct money_total m, const char *currency,
		     enum amount_bound bound)
{
	if (table_to_the_cent())
		cents_text(b, m, currency, bound);
	else
		put_money(b, m, currency, bound);
}

const char *cents_text(struct buf *b, struct money_total m, const char *currency,
		       enum amount_bound bound)
{
	char cents[DECIMAL_TEXT_MAX * 2];
	put_money(b, m, currency, bound);
	amount_to_the_cent(cents, sizeof cents, b->p);
	buf_cut(b, 0);
	buf_puts(b, cents);
	return b->p;
}

const char *coins_text(struct buf *b, const char *plain, struct text currency)
{
	const char *point = strchr(plain, '.');
	size_t have = point ? strlen(point + 1) : 0;
	const int places = text_is(currency, "credits") ? 0 : currency_places(currency);
	put_amount(b, plain, NULL, EXACTLY);
	for (; have < (size_t)places; have++)
		buf_puts(b, strchr(b->p, '.') ? "0" : ".0");
	return b->p;
}

const char *unless_unpriced(struct buf *b, bool unpriced)
{
	if (unpriced) {
		b->n = 0;
		buf_puts(b, "unpriced");
	}
	return b->p;
}

void put_count(struct buf *b, int64_t n)
{
	char plain[DECIMAL_TEXT_MAX];
	decimal_format_fixed(plain, n, 0);
	put_amount(b, plain, NULL, EXACTLY);
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

static void short_text(struct money_total m, char plain[DECIMAL_TEXT_MAX])
{
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
}

void put_short_money(struct buf *b, struct money_total m, const char *currency,
		     enum amount_bound bound)
{
	char plain[DECIMAL_TEXT_MAX];
	short_text(m, plain);
	put_amount(b, plain, currency, bound);
}

void put_short_change(struct buf *b, struct money_total m, const char *currency,
		      enum amount_bound bound)
{
	char plain[DECIMAL_TEXT_MAX + 1] = "+";
	short_text(m, plain + 1);
	put_amount(b, plain + (m.atto <= 0), currency, bound);
}
