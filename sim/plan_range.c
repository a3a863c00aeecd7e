#include "sim/plan_range.h"

int plan_range_parse(struct plan_range *out, struct text s, plan_value *one, void *user,
		     struct err *e)
{
	enum { WORDS = 3 };
	int64_t value[WORDS] = { 0 };
	struct text rest = s;
	int n = 0, rc = 0;
	bool more = true;
	for (; rc == 0 && more && n < WORDS; n++) {
		const char *dots = rest.n ? memmem(rest.p, rest.n, "..", 2) : NULL;
		const size_t length = dots ? (size_t)(dots - rest.p) : rest.n;
		rc = one(user, (struct text){ rest.p, length }, &value[n], e);
		more = dots != NULL;
		if (more)
			rest = (struct text){ dots + 2, rest.n - length - 2 };
	}
	if (rc != 0)
		return rc;
	for (int i = 1; i < n; i++)
		more |= value[i - 1] > value[i];
	if (more)
		return err_set(e, ERR_INVALID,
			       "'%.*s' is not a range; write LOW..HIGH or LOW..LIKELY..HIGH",
			       (int)(s.n > 60 ? 60 : s.n), s.p);
	out->at[PLAN_LOW] = value[0];
	out->at[PLAN_HIGH] = value[n - 1];
	out->at[PLAN_LIKELY] = n == 2 ? value[0] + (value[1] - value[0]) / 2 : value[n / 2];
	return 0;
}
