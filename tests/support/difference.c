#include "tests/support/difference.h"

static int unit_at(const struct unit_price *p, struct quantity q, struct money_total *unit,
		   struct money_total *amount, struct err *e)
{
	size_t which;
	int rc;
	if (!p->tiers) {
		*unit = p->unit;
		return amount_of(p->unit, q, (struct quantity){ 1000000000 }, amount, e);
	}
	rc = tiers_volume(p->volume, p->tiers, q, &which, amount, e);
	if (rc == 0)
		*unit = p->volume[which].unit;
	return rc;
}

int difference_of(struct difference *out, const struct unit_price *p, struct quantity billed,
		  struct quantity now, struct err *e)
{
	struct money_total old_unit, new_unit, old_amount, new_amount;
	int rc = unit_at(p, billed, &old_unit, &old_amount, e);
	if (rc == 0)
		rc = unit_at(p, now, &new_unit, &new_amount, e);
	if (rc != 0)
		return rc;
	*out = (struct difference){ .net = money_total_minus(new_amount, old_amount) };
	if (old_unit.atto == new_unit.atto) {
		if (now.nano != billed.nano || out->net.atto)
			out->line[out->lines++] = (struct difference_line){
				{ now.nano - billed.nano }, new_unit, out->net
			};
		return 0;
	}
	if (billed.nano)
		out->line[out->lines++] = (struct difference_line){ { -billed.nano },
								    old_unit,
								    { -old_amount.atto } };
	out->line[out->lines++] = (struct difference_line){ now, new_unit, new_amount };
	return 0;
}
