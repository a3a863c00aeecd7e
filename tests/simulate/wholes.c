#include "tests/simulate/wholes.h"

#include "meter/billing/standing.h"

const char *const bill_currencies[BILL_CURRENCIES] = { "credits", "USD", "EUR" };

int bill_currency_number(struct text c)
{
	int k = 0;
	while (k < BILL_CURRENCIES - 1 && !text_is(c, bill_currencies[k]))
		k++;
	return k;
}

/* What the period comes to under the terms of its own invoice; parts that have none, and are in the
 * way of one in another currency, come to what they say. */
static int add_whole(struct invoicer *v, const struct account *a, const struct standing *of,
		     int128 *to, struct err *e)
{
	struct invoice i;
	if (of->number.n == 0) {
		*to -= of->credits.atto;
		for (size_t k = 0; k < of->lines; k++)
			*to += of->line[k].amount.atto;
		for (size_t k = 0; k < of->taxes; k++)
			*to += of->tax[k].amount.atto;
		return 0;
	}
	/* its rates and the worth of its credits are its own as well */
	struct account then = *a;
	struct standing bare = *of;
	then.terms = of->terms;
	bare.lines = bare.taxes = 0;
	bare.credits = (struct money_total){ 0 };
	const struct standing_list list = { .period = &bare, .count = 1 };
	int rc = invoice_compute(
		v, &i, &then, &(struct invoice_basis){ { of->from, of->to }, of->currency, &list },
		e);
	if (rc != 0)
		return rc;
	/* without what it asks for in advance: that is the next period's */
	*to -= i.period[0].credits_applied.atto;
	for (size_t k = 0; k < i.lines; k++)
		*to += i.line[k].period == 0 ? i.line[k].amount.atto : 0;
	for (size_t k = 0; k < i.period[0].taxes; k++)
		*to += i.period[0].tax[k].amount.atto;
	invoice_release(&i);
	return 0;
}

int wholes_add(struct store *s, struct invoicer *v, const struct account *a,
	       int128 sum[BILL_CURRENCIES], struct err *e)
{
	struct standing_list all;
	int rc = standing_read(&all, s, a->customer, e);
	if (rc != 0)
		return rc;
	for (size_t k = 0; rc == 0 && k < all.count; k++)
		rc = add_whole(v, a, &all.period[k],
			       &sum[bill_currency_number(all.period[k].currency)], e);
	standing_release(&all);
	return rc;
}
