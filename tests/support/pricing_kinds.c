#include "tests/support/pricing_kinds.h"

/* What so many blocks cost, of q in them. */
static int blocks_cost(const struct block_tier *t, struct quantity q, struct money_total *out,
		       struct err *e)
{
	return package_amount(t->block, t->price, (struct quantity){ 0 }, q, out, e);
}

int blocks_all(const struct block_tier *tier, size_t count, struct quantity q,
	       struct money_total part[TIERS_MAX], struct money_total *total, struct err *e)
{
	struct quantity left = q;
	*total = (struct money_total){ 0 };
	for (size_t i = 0; i < count; i++) {
		struct quantity here = left;
		const int128 most = tier[i].block.nano * tier[i].blocks_max;
		struct money_total amount;
		/* the last tier takes what is above its maximum too */
		if (most && here.nano > most && i + 1 < count)
			here.nano = most;
		int rc = blocks_cost(&tier[i], here, &amount, e);
		if (rc != 0)
			return rc;
		if (!money_total_add(total, amount))
			return err_set(e, ERR_RANGE, "an amount is too large");
		if (part)
			part[i] = amount;
		left.nano -= here.nano;
	}
	return 0;
}

int blocks_top(const struct block_tier *tier, size_t count, struct quantity q,
	       struct money_total *total, struct err *e)
{
	int128 reach = 0;
	for (size_t i = 0; i < count; i++) {
		reach += tier[i].block.nano * tier[i].blocks_max;
		if (i + 1 == count || !tier[i].blocks_max || q.nano <= reach)
			return blocks_cost(&tier[i], q, total, e);
	}
	return err_set(e, ERR_INVALID, "no tiers are given");
}

struct quantity increments(struct quantity first, struct quantity step, struct quantity q)
{
	if (q.nano <= 0)
		return (struct quantity){ 0 };
	if (q.nano <= first.nano)
		return first;
	return (struct quantity){ first.nano +
				  (q.nano - first.nano + step.nano - 1) / step.nano * step.nano };
}

struct quantity increments_covered(struct quantity balance, struct quantity increment,
				   struct quantity q)
{
	int128 need = (q.nano + increment.nano - 1) / increment.nano,
	       can = balance.nano > 0 ? balance.nano / increment.nano : 0;
	return (struct quantity){ (need < can ? need : can) * increment.nano };
}

struct money_total spend_cap(const struct money_total *part, size_t count,
			     struct money_total allowed, struct money_total *discount)
{
	struct money_total paid = { 0 };
	if (allowed.atto < 0)
		allowed.atto = 0;
	for (size_t i = 0; i < count; i++) {
		int128 left = allowed.atto - paid.atto,
		       pays = part[i].atto < left ? part[i].atto : left;
		discount[i].atto = part[i].atto - pays;
		paid.atto += pays;
	}
	return paid;
}

struct quantity billable(struct quantity free_units, struct quantity before, struct quantity q)
{
	int128 left = free_units.nano - before.nano;
	left = left > 0 ? left : 0;
	return (struct quantity){ q.nano > left ? q.nano - left : 0 };
}

int allocate(int64_t total, const int64_t *num, const int64_t *den, size_t count, int64_t *part,
	     struct err *e)
{
	int64_t left = total;
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		if (den[i] <= 0 || num[i] < 0)
			return err_set(e, ERR_INVALID, "a share is not negative");
		part[i] = (int64_t)((int128)total * num[i] / den[i]);
		left -= part[i];
		any |= num[i] > 0;
	}
	if (left < 0 || (left > 0 && !any))
		return err_set(e, ERR_INVALID, "the shares do not make up the whole");
	for (size_t i = 0; left > 0; i = (i + 1) % count)
		if (num[i] > 0) {
			part[i]++;
			left--;
		}
	return 0;
}
