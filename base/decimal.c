#include "base/decimal.h"

#include <string.h>

static int128 pow10_128(int n)
{
	int128 v = 1;
	while (n-- > 0)
		v *= 10;
	return v;
}

static struct decimal trimmed(int128 digits, int scale)
{
	while (scale > 0 && digits % 10 == 0) {
		digits /= 10;
		scale--;
	}
	return (struct decimal){ digits, scale };
}

int decimal_parse(struct decimal *out, struct text s, struct err *e)
{
	const char *p = s.p, *end = s.p + s.n;
	int shown = s.n > 60 ? 60 : (int)s.n;
	bool negative = false;
	int128 digits = 0;
	int count = 0, scale = 0, whole = 0, fraction = 0;
	if (p < end && *p == '-')
		negative = true, p++;
	for (; p < end && is_digit(*p); p++, whole++) {
		if (digits || *p != '0')
			count++;
		if (count > DECIMAL_DIGITS_MAX)
			return err_set(e, ERR_RANGE, "'%.*s' has more than %d digits", shown, s.p,
				       DECIMAL_DIGITS_MAX);
		digits = digits * 10 + (*p - '0');
	}
	if (whole == 0)
		return err_set(e, ERR_INVALID, "'%.*s' is not a decimal number", shown, s.p);
	if (p < end && *p == '.') {
		const char *first = ++p;
		/* trailing zeros carry no value and must not count as digits */
		const char *last = first;
		for (const char *q = first; q < end && is_digit(*q); q++) {
			fraction++;
			if (*q != '0')
				last = q + 1;
		}
		for (; p < last; p++) {
			if (digits || *p != '0')
				count++;
			if (count > DECIMAL_DIGITS_MAX || scale >= 60)
				return err_set(e, ERR_RANGE, "'%.*s' has more than %d digits",
					       shown, s.p, DECIMAL_DIGITS_MAX);
			digits = digits * 10 + (*p - '0');
			scale++;
		}
		p = first + fraction;
		if (fraction == 0)
			return err_set(e, ERR_INVALID, "'%.*s' is not a decimal number", shown,
				       s.p);
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		bool down = false;
		int exponent = 0, n = 0;
		if (p < end && (*p == '+' || *p == '-'))
			down = *p++ == '-';
		for (; p < end && is_digit(*p); p++, n++) {
			if (exponent < 1000)
				exponent = exponent * 10 + (*p - '0');
		}
		if (n == 0)
			return err_set(e, ERR_INVALID, "'%.*s' is not a decimal number", shown,
				       s.p);
		if (digits == 0)
			exponent = 0;
		scale += down ? exponent : -exponent;
		while (scale < 0 && count <= DECIMAL_DIGITS_MAX) {
			digits *= 10;
			count++;
			scale++;
		}
		if (scale < 0 || scale > 60 || count > DECIMAL_DIGITS_MAX)
			return err_set(e, ERR_RANGE, "'%.*s' is too large or too fine", shown, s.p);
	}
	if (p != end)
		return err_set(e, ERR_INVALID, "'%.*s' is not a decimal number", shown, s.p);
	*out = trimmed(negative ? -digits : digits, scale);
	return 0;
}

size_t decimal_format_fixed(char buf[DECIMAL_TEXT_MAX], int128 digits, int places)
{
	char tmp[64], *end = tmp + sizeof tmp, *first = end;
	bool negative = digits < 0;
	uint128 v = negative ? -(uint128)digits : (uint128)digits;
	/* in 64-bit parts: dividing 128 bits digit by digit is slow */
	while (v > UINT64_MAX) {
		char *part = first - 19;
		first = digits_before(first, (uint64_t)(v % 10000000000000000000ull));
		while (first > part)
			*--first = '0';
		v /= 10000000000000000000ull;
	}
	first = digits_before(first, (uint64_t)v);
	while (first < end && *first == '0')
		first++;
	while (end - first <= places)
		*--first = '0';
	const char *point = end - places;
	while (end > point && end[-1] == '0')
		end--;
	char *p = buf;
	if (negative)
		*p++ = '-';
	memcpy(p, first, (size_t)(point - first));
	p += point - first;
	if (end > point) {
		*p++ = '.';
		memcpy(p, point, (size_t)(end - point));
		p += end - point;
	}
	*p = 0;
	return (size_t)(p - buf);
}

char *decimal_format(struct decimal d, char buf[DECIMAL_TEXT_MAX])
{
	/* the fixed formatter holds 48 digits; finer values are shown with leading zeros here */
	if (d.scale <= 40) {
		decimal_format_fixed(buf, d.digits, d.scale);
		return buf;
	}
	char digits[DECIMAL_TEXT_MAX];
	bool negative = d.digits < 0;
	size_t n = decimal_format_fixed(digits, negative ? -d.digits : d.digits, 0);
	char *p = buf;
	if (negative)
		*p++ = '-';
	*p++ = '0';
	*p++ = '.';
	for (int i = 0; i < d.scale - (int)n; i++)
		*p++ = '0';
	memcpy(p, digits, n + 1);
	return buf;
}

bool decimal_to_int64(struct decimal d, int places, int64_t *out)
{
	int128 v = d.digits;
	int up = places - d.scale;
	if (up < 0) {
		if (-up > 37)
			return v == 0 ? (*out = 0, true) : false;
		int128 q = pow10_128(-up);
		if (v % q)
			return false;
		v /= q;
	}
	for (; up > 0 && v != 0; up--) {
		if (v > INT64_MAX || v < INT64_MIN)
			return false;
		v *= 10;
	}
	if (v > INT64_MAX || v < INT64_MIN)
		return false;
	*out = (int64_t)v;
	return true;
}

struct decimal decimal_shift(struct decimal d, int power)
{
	d.scale -= power;
	while (d.scale < 0) {
		d.digits *= 10;
		d.scale++;
	}
	return trimmed(d.digits, d.scale);
}

static struct decimal drop_digits(struct decimal d, int drop, bool *changed)
{
	int128 q = pow10_128(drop), r = d.digits % q;
	*changed = r != 0;
	int128 v = d.digits / q;
	if (r >= q - r && r > 0)
		v++;
	if (-r >= q + r && r < 0)
		v--;
	return trimmed(v, d.scale - drop);
}

struct decimal decimal_round_significant(struct decimal d, int significant, bool *changed)
{
	int count = 0;
	for (int128 v = d.digits; v; v /= 10)
		count++;
	*changed = false;
	if (count <= significant || d.scale < count - significant)
		return d;
	return drop_digits(d, count - significant, changed);
}

struct decimal decimal_round_places(struct decimal d, int places, bool *changed)
{
	*changed = false;
	if (d.scale <= places)
		return d;
	int drop = d.scale - places;
	if (drop > 37) {
		*changed = d.digits != 0;
		return (struct decimal){ 0, 0 };
	}
	return drop_digits(d, drop, changed);
}

bool decimal_multiply(struct decimal a, struct decimal b, struct decimal *out)
{
	const int128 limit = pow10_128(18);
	if (a.digits > limit || a.digits < -limit || b.digits > limit || b.digits < -limit ||
	    a.scale + b.scale > 60)
		return false;
	*out = trimmed(a.digits * b.digits, a.scale + b.scale);
	return true;
}

bool decimal_add(struct decimal a, struct decimal b, struct decimal *out)
{
	int128 sum;
	while (a.scale < b.scale && !__builtin_mul_overflow(a.digits, 10, &a.digits))
		a.scale++;
	while (b.scale < a.scale && !__builtin_mul_overflow(b.digits, 10, &b.digits))
		b.scale++;
	if (a.scale != b.scale || __builtin_add_overflow(a.digits, b.digits, &sum))
		return false;
	*out = trimmed(sum, a.scale);
	return true;
}

int decimal_cmp(struct decimal a, struct decimal b)
{
	/* compare whole parts first, then fractions brought to one scale */
	while (a.scale < b.scale && a.digits < pow10_128(36) && a.digits > -pow10_128(36))
		a.digits *= 10, a.scale++;
	while (b.scale < a.scale && b.digits < pow10_128(36) && b.digits > -pow10_128(36))
		b.digits *= 10, b.scale++;
	return (a.digits > b.digits) - (a.digits < b.digits);
}

bool ratio_format(int128 a, int128 b, int places, char buf[DECIMAL_TEXT_MAX])
{
	CHECK(b != 0 && places >= 0 && places <= 12);
	bool negative = (a < 0) != (b < 0);
	uint128 n = a < 0 ? -(uint128)a : (uint128)a, d = b < 0 ? -(uint128)b : (uint128)b;
	uint128 q = n / d, r = n % d;
	for (int i = 0; i < places; i++) {
		if (q > (uint128)pow10_128(36))
			return false;
		/* r < d, so r*10 needs at most 4 more bits than d */
		if (d >> 123)
			return false;
		r *= 10;
		q = q * 10 + r / d;
		r %= d;
	}
	if (r >= d - r && r > 0)
		q++;
	decimal_format_fixed(buf, negative ? -(int128)q : (int128)q, places);
	return true;
}

/* Takes out the commas or underscores between groups of three digits. What is grouped otherwise
 * stays as it is, and is no number then. */
static size_t ungroup(char *out, const char *s, size_t n)
{
	const size_t lead = strspn(s, "0123456789");
	const char mark = s[lead];
	size_t end = lead, length = 0;
	if (mark == ',' || mark == '_')
		while (s[end] == mark && strspn(s + end + 1, "0123456789") == 3)
			end += 4;
	const bool grouped = end > lead && lead >= 1 && lead <= 3 && s[end] != mark;
	for (size_t i = 0; i < n; i++)
		if (!grouped || i >= end || s[i] != mark)
			out[length++] = s[i];
	return length;
}

int count_parse(const char *name, const char *text, int64_t missing, int64_t *out, struct err *e)
{
	enum { LONGEST = 60, UNITS = 3 };
	static const char units[] = "kMGKmg";
	char plain[LONGEST];
	struct decimal d;
	*out = missing;
	if (!text)
		return 0;
	size_t n = strlen(text);
	const char *unit = n > 1 ? strchr(units, text[n - 1]) : NULL;
	const int places = unit ? 3 * ((int)(unit - units) % UNITS + 1) : 0;
	const size_t length = n < LONGEST ? ungroup(plain, text, n - (unit != NULL)) : 0;
	if (decimal_parse(&d, (struct text){ plain, length }, NULL) != 0 || d.digits < 0 ||
	    (strpbrk(text, "eE") ? unit != NULL : !unit && strchr(text, '.')) ||
	    !decimal_to_int64(d, places, out))
		return err_set(e, ERR_USAGE,
			       "%s: '%.*s' is not a whole number (10000, 10,000, 10k, 2.5M, 1G "
			       "and 1e6 are understood)",
			       name, LONGEST, text);
	return 0;
}

int128 greatest_common(int128 a, int128 b)
{
	while (b) {
		const int128 rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}
