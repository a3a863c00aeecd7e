#include "pricing/import_compare.h"

#include <string.h>

enum { SHOWN = 4 };

/* What is said so far. */
struct said {
	struct buf *out;
	size_t count;
};

/* How the next one begins; NULL where enough are shown. */
static const char *next_one(struct said *x)
{
	static const char *const begins[] = { "", ", " };
	return x->count++ < SHOWN ? begins[x->count > 1] : NULL;
}

static const char *amount(const struct rates *r, int bucket, char text[DECIMAL_TEXT_MAX])
{
	return r->known >> bucket & 1 ? money_format(r->per_million[bucket], text) : "none";
}

static struct rates as_rates(const struct import_rates *r)
{
	struct rates out = { .known = r->known };
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (r->known >> b & 1)
			money_from_decimal(&out.per_million[b], r->rate[b], NULL);
	return out;
}

/* but: buckets that are not looked at. above: the size of the prompt, or -1 for every one. */
static void compare_rates(struct said *x, const struct rates *new, const struct rates *old,
			  uint32_t but, int64_t above)
{
	char a[DECIMAL_TEXT_MAX], b[DECIMAL_TEXT_MAX];
	for (int k = 0; k < BUCKET_COUNT; k++) {
		if (but >> k & 1 || !(old->known >> k & 1) ||
		    strcmp(amount(new, k, a), amount(old, k, b)) == 0)
			continue;
		const char *begin = next_one(x);
		if (!begin)
			continue;
		buf_puts(x->out, begin);
		if (above >= 0)
			buf_printf(x->out, "above %lld: ", (long long)above);
		buf_printf(x->out, "%s %s instead of %s", bucket_name((enum bucket)k),
			   amount(new, k, a), amount(old, k, b));
	}
}

/* What a prompt of more than that pays by each. */
static struct rates new_above(const struct import_price *p, int64_t above)
{
	const struct import_rates *r = &p->rates;
	for (int i = 0; i < p->tier_count; i++)
		if (p->tier[i].above <= above)
			r = &p->tier[i].rates;
	return as_rates(r);
}

static void compare_tiers(struct said *x, const struct import_price *p, const struct tariff *old)
{
	for (int i = 0; i < p->tier_count; i++) {
		const struct rates new = as_rates(&p->tier[i].rates);
		compare_rates(x, &new, tariff_rates(old, p->tier[i].above + 1), 0,
			      p->tier[i].above);
	}
	for (size_t i = 0; i < old->tier_count; i++) {
		bool seen = false;
		for (int k = 0; k < p->tier_count; k++)
			seen |= p->tier[k].above == old->tier[i].above;
		const struct rates new = new_above(p, old->tier[i].above);
		if (!seen)
			compare_rates(x, &new, &old->tier[i].rates, 0, old->tier[i].above);
	}
}

static void put_fee(struct buf *out, bool known, struct money fee, int64_t per)
{
	char text[DECIMAL_TEXT_MAX];
	if (known)
		buf_printf(out, "%s per %lld", money_format(fee, text), (long long)per);
	else
		buf_puts(out, "none");
}

static void compare_fee(struct said *x, const struct fee *old, const struct import_price *p)
{
	struct money fee = { 0 };
	int64_t per = 0;
	for (int i = 0; i < p->fee_count; i++)
		if (strcmp(p->fee[i].unit, old->unit) == 0 &&
		    money_from_decimal(&fee, p->fee[i].amount, NULL) == 0)
			per = p->fee[i].per;
	if (old->unless && !old->amount.pico) /* what no source states, a catalogue does not lack */
		return;
	/* 0.01 each is 10 per 1,000 */
	if (per && (int128)fee.pico * old->per == (int128)old->amount.pico * per)
		return;
	const char *begin = next_one(x);
	if (!begin)
		return;
	buf_printf(x->out, "%s%s ", begin, old->unit);
	put_fee(x->out, per > 0, fee, per);
	buf_puts(x->out, " instead of ");
	put_fee(x->out, true, old->amount, old->per);
}

void import_differences(struct buf *out, const struct import_price *p, const struct price *old)
{
	static const uint32_t said_already = 1u << BUCKET_INPUT | 1u << BUCKET_OUTPUT;
	struct said x = { .out = out };
	const struct tariff *base = &old->tariff[old->tariff_count - 1];
	const struct rates new = as_rates(&p->rates);
	compare_rates(&x, &new, &base->rates, said_already, -1);
	compare_tiers(&x, p, base);
	for (size_t i = 0; i < old->fee_count; i++)
		compare_fee(&x, &old->fee[i], p);
	if ((size_t)p->window_count + 1 != old->tariff_count) {
		const char *begin = next_one(&x);
		if (begin)
			buf_printf(out, "%s%d windows of hours instead of %zu", begin,
				   p->window_count, old->tariff_count - 1);
	}
	if (x.count > SHOWN)
		buf_printf(out, " and %zu more", x.count - SHOWN);
}
