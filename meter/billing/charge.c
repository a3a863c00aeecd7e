#include "meter/billing/charge.h"

int charge_parts(const struct stored_price *p, const struct usage_sums *sums,
		 struct charge_part part[CHARGE_PARTS_MAX], size_t *count, struct err *e)
{
	*count = 0;
	for (int b = 0; p->reason.n == 0 && b < BUCKET_COUNT; b++) {
		int64_t tokens = rate_billed_tokens(&p->rates, sums->counts, b);
		if (tokens)
			part[(*count)++] = (struct charge_part){
				bucket_name((enum bucket)b), p->rates.per_million[b], PER_MILLION,
				tokens, money_of_tokens(p->rates.per_million[b], tokens)
			};
	}
	for (size_t i = 0; p->reason.n == 0 && i < p->fee_count; i++) {
		const struct fee *f = &p->fee[i];
		const int64_t n = fee_quantity(f, sums->requests, sums->units);
		struct money_total amount = { 0 };
		if (n == 0)
			continue;
		if (*count == CHARGE_PARTS_MAX ||
		    !money_total_add_units(&amount, f->amount, n, f->per))
			return err_set(e, ERR_RANGE, "the fees are out of range");
		part[(*count)++] = (struct charge_part){ f->unit, f->amount, f->per, n, amount };
	}
	return 0;
}
