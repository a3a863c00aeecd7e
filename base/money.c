#include "base/money.h"

int money_from_decimal(struct money *out, struct decimal d, struct err *e)
{
	char shown[DECIMAL_TEXT_MAX];
	struct money m;
	if (d.scale > MONEY_PLACES)
		return err_set(e, ERR_RANGE, "%s is finer than 1e-12 and cannot be held exactly",
			       decimal_format(d, shown));
	if (!decimal_to_int64(d, MONEY_PLACES, &m.pico))
		return err_set(e, ERR_RANGE, "%s is larger than an amount can hold",
			       decimal_format(d, shown));
	*out = m;
	return 0;
}

bool money_times(struct money m, struct decimal factor, struct money *out)
{
	int128 product;
	if (__builtin_mul_overflow((int128)m.pico, factor.digits, &product))
		return false;
	for (int i = 0; i < factor.scale; i++, product /= 10)
		if (product % 10 != 0)
			return false;
	if (product > INT64_MAX || product < INT64_MIN)
		return false;
	out->pico = (int64_t)product;
	return true;
}

char *money_format(struct money m, char buf[DECIMAL_TEXT_MAX])
{
	decimal_format_fixed(buf, m.pico, MONEY_PLACES);
	return buf;
}

char *money_total_format(struct money_total t, char buf[DECIMAL_TEXT_MAX])
{
	decimal_format_fixed(buf, t.atto, MONEY_TOTAL_PLACES);
	return buf;
}

char *credits_format(struct credits_total t, char buf[DECIMAL_TEXT_MAX])
{
	decimal_format_fixed(buf, t.atto, MONEY_TOTAL_PLACES);
	return buf;
}

bool money_total_add_units(struct money_total *t, struct money amount, int64_t count, int64_t per)
{
	CHECK(per > 0 && (PER_MILLION % per == 0 || count % per == 0));
	if (PER_MILLION % per != 0) {
		count /= per;
		per = 1;
	}
	int128 product = (int128)amount.pico * count;
	int64_t factor = PER_MILLION / per;
	const int128 limit = (((int128)1 << 126) - 1) / factor;
	if (product > limit || product < -limit)
		return false;
	struct money_total sum = *t;
	if (!money_total_add(&sum, (struct money_total){ product * factor }))
		return false;
	*t = sum;
	return true;
}

struct credits_total credits_round(struct credits_total c, enum rounding_mode mode)
{
	const int128 one = (int128)1000000000000000000;
	int128 whole = c.atto / one, rest = c.atto % one;
	int sign = c.atto < 0 ? -1 : 1;
	int128 size = rest < 0 ? -rest : rest;
	switch (mode) {
	case ROUND_NONE:
		return c;
	case ROUND_DOWN:
		break;
	case ROUND_UP:
		whole += size ? sign : 0;
		break;
	case ROUND_HALF_UP:
		whole += size * 2 >= one ? sign : 0;
		break;
	case ROUND_HALF_EVEN:
		if (size * 2 > one || (size * 2 == one && whole % 2 != 0))
			whole += sign;
		break;
	}
	return (struct credits_total){ whole * one };
}
