#include "meter/billing/tiers.h"

static const int128 unit_nano = 1000000000;

static int too_large(struct err *e)
{
	return err_set(e, ERR_RANGE, "an amount is larger than can be held exactly");
}

static bool shift(struct decimal d, int places, int128 *out)
{
	if (d.scale > places)
		return false;
	for (int i = d.scale; i < places; i++)
		if (__builtin_mul_overflow(d.digits, 10, &d.digits))
			return false;
	*out = d.digits;
	return true;
}

int quantity_from_decimal(struct quantity *out, struct decimal d, struct err *e)
{
	return shift(d, 9, &out->nano)
		       ? 0
		       : err_set(e, ERR_RANGE, "quantity out of range or finer than nine decimals");
}

char *quantity_format(struct quantity q, char buf[DECIMAL_TEXT_MAX])
{
	decimal_format_fixed(buf, q.nano, 9);
	return buf;
}

int amount_from_decimal(struct money_total *out, struct decimal d, struct err *e)
{
	return shift(d, MONEY_TOTAL_PLACES, &out->atto)
		       ? 0
		       : err_set(e, ERR_RANGE, "amount out of range or finer than 18 decimals");
}

int amount_parse(struct money_total *out, struct text s, struct err *e)
{
	struct decimal d;
	int rc = decimal_parse(&d, s, e);
	return rc == 0 ? amount_from_decimal(out, d, e) : rc;
}

int amount_if_stated(struct money_total *out, struct text s, struct err *e)
{
	*out = (struct money_total){ 0 };
	return s.n ? amount_parse(out, s, e) : 0;
}

/* a / b, half away from zero. */
static int128 divide(int128 a, int128 b)
{
	int128 q = a / b, r = a % b;
	if (r < 0)
		r = -r;
	if (r >= b - r)
		q += a < 0 ? -1 : 1;
	return q;
}

int amount_of(struct money_total price, struct quantity q, struct quantity per,
	      struct money_total *out, struct err *e)
{
	int128 product;
	if (per.nano <= 0)
		return err_set(e, ERR_INVALID, "the quantity of a price must be positive");
	if (__builtin_mul_overflow(price.atto, q.nano, &product)) {
		/* whole units where they are */
		if (q.nano % unit_nano || per.nano % unit_nano ||
		    __builtin_mul_overflow(price.atto, q.nano / unit_nano, &product))
			return too_large(e);
		out->atto = divide(product, per.nano / unit_nano);
		return 0;
	}
	out->atto = divide(product, per.nano);
	return 0;
}

static int times(struct money_total price, struct quantity q, struct money_total *out,
		 struct err *e)
{
	return amount_of(price, q, (struct quantity){ unit_nano }, out, e);
}

int tiers_graduated(const struct tier *tier, size_t count, struct quantity q,
		    struct money_total part[TIERS_MAX], struct money_total *total, struct err *e)
{
	struct quantity below = { 0 };
	*total = (struct money_total){ 0 };
	for (size_t i = 0; i < count; i++) {
		struct quantity here = { 0 };
		struct money_total amount = { 0 };
		bool reached = i == 0 || q.nano > below.nano;
		if (reached) {
			here.nano = tier[i].bounded && tier[i].up_to.nano < q.nano
					    ? tier[i].up_to.nano - below.nano
					    : q.nano - below.nano;
			int rc = times(tier[i].unit, here, &amount, e);
			if (rc != 0)
				return rc;
			if (!money_total_add(&amount, tier[i].flat) ||
			    !money_total_add(total, amount))
				return too_large(e);
		}
		if (part)
			part[i] = amount;
		below = tier[i].bounded ? tier[i].up_to : q;
	}
	if (count == 0 || (tier[count - 1].bounded && q.nano > tier[count - 1].up_to.nano))
		return err_set(e, ERR_INVALID, "the quantity is above the last tier");
	return 0;
}

int tiers_volume(const struct tier *tier, size_t count, struct quantity q, size_t *which,
		 struct money_total *total, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		if (tier[i].bounded && q.nano > tier[i].up_to.nano)
			continue;
		int rc = times(tier[i].unit, q, total, e);
		if (rc == 0 && !money_total_add(total, tier[i].flat))
			rc = too_large(e);
		if (which)
			*which = i;
		return rc;
	}
	return err_set(e, ERR_INVALID, "the quantity is above the last tier");
}

int package_amount(struct quantity size, struct money_total price, struct quantity free_units,
		   struct quantity q, struct money_total *total, struct err *e)
{
	const int128 paid = q.nano - free_units.nano;
	if (size.nano <= 0)
		return err_set(e, ERR_INVALID, "the quantity of a package must be positive");
	const int128 begun = paid <= 0 ? 0 : (paid + size.nano - 1) / size.nano;
	return __builtin_mul_overflow(price.atto, begun, &total->atto) ? too_large(e) : 0;
}

struct money_total minimum_topup(struct money_total used, struct money_total minimum)
{
	return (struct money_total){ minimum.atto > used.atto ? minimum.atto - used.atto : 0 };
}

int fee_of(struct money_total amount, struct decimal percent, struct money_total cap,
	   struct money_total *fee, struct err *e)
{
	int rc = amount_percent(amount, percent, ROUND_EXACT, fee, e);
	if (rc == 0 && fee->atto > cap.atto)
		*fee = cap;
	return rc;
}

struct money_total amount_round(struct money_total a, struct rounding to)
{
	int128 step = 1;
	if (to.mode == ROUND_NONE || to.places >= MONEY_TOTAL_PLACES)
		return a;
	for (int i = to.places; i < MONEY_TOTAL_PLACES; i++)
		step *= 10;
	int128 q = a.atto / step, r = a.atto % step;
	int sign = a.atto < 0 ? -1 : 1;
	r = r < 0 ? -r : r;
	bool up = to.mode == ROUND_UP	     ? r > 0
		  : to.mode == ROUND_DOWN    ? false
		  : to.mode == ROUND_HALF_UP ? r >= step - r
					     : r > step - r || (r == step - r && q % 2 != 0);
	return (struct money_total){ (q + (up ? sign : 0)) * step };
}

/* q is cut off; rest: something was. The rounding of the quotient must not decide a tie that is
 * none, so what is cut off nudges it by less than a unit of 1e-18. */
static struct money_total round_quotient(int128 q, bool rest, bool negative, struct rounding to)
{
	struct money_total cut = { q };
	if (rest && to.mode != ROUND_DOWN && to.mode != ROUND_NONE) {
		struct money_total beyond = { q + (negative ? -1 : 1) };
		int128 step = 1;
		for (int i = to.places; i < MONEY_TOTAL_PLACES; i++)
			step *= 10;
		int128 over = q % step;
		if ((over == 0 && to.mode == ROUND_UP) || over * 2 == step || over * 2 == -step)
			return amount_round(beyond, to);
	}
	return amount_round(cut, to);
}

int amount_share(struct money_total a, int64_t num, int64_t den, struct rounding to,
		 struct money_total *out, struct err *e)
{
	int128 product;
	if (den <= 0)
		return err_set(e, ERR_INVALID, "the whole of a share must be positive");
	if (__builtin_mul_overflow(a.atto, (int128)num, &product))
		return too_large(e);
	*out = round_quotient(product / den, product % den != 0, product < 0, to);
	return 0;
}

struct money_total amount_ratio(struct money_total a, struct money_total part,
				struct money_total whole, struct rounding to)
{
	const bool negative = a.atto < 0;
	const uint128 times = negative ? -(uint128)a.atto : (uint128)a.atto,
		      of = (uint128)whole.atto, add = (uint128)part.atto;
	uint128 q = 0, r = 0;
	CHECK(whole.atto > 0 && part.atto >= 0 && part.atto <= whole.atto);
	/* long division of times x add by of, bit by bit: q is at most `times` */
	for (int bit = 127; bit >= 0; bit--) {
		q <<= 1;
		r <<= 1;
		if (times >> bit & 1)
			r += add;
		for (; r >= of; r -= of)
			q++;
	}
	return round_quotient(negative ? -(int128)q : (int128)q, r != 0, negative, to);
}

int amount_percent(struct money_total a, struct decimal percent, struct rounding to,
		   struct money_total *out, struct err *e)
{
	int64_t num, den = 100;
	if (percent.scale > 9 || percent.digits > INT64_MAX || percent.digits < INT64_MIN)
		return err_set(e, ERR_RANGE, "a percentage has at most nine decimals");
	for (int i = 0; i < percent.scale; i++)
		den *= 10;
	num = (int64_t)percent.digits;
	return amount_share(a, num, den, to, out, e);
}
