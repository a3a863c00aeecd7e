#include "meter/read/recorded_cost.h"

bool recorded_cost_add(struct recorded_cost to[COST_KINDS], const struct stated_cost *c,
		       int64_t records, const struct money_total *ours)
{
	struct recorded_cost *k = &to[recorded_kind(c)];
	const struct money_total theirs = money_of_tokens(c->amount, PER_MILLION);
	bool fits = !__builtin_add_overflow(k->records, records, &k->records) &&
		    money_total_add(&k->total, theirs);
	if (ours)
		fits = fits && !__builtin_add_overflow(k->compared, records, &k->compared) &&
		       money_total_add(&k->theirs, theirs) && money_total_add(&k->ours, *ours);
	return fits;
}

bool recorded_cost_merge(struct recorded_cost to[COST_KINDS],
			 const struct recorded_cost from[COST_KINDS])
{
	bool fits = true;
	for (int i = 0; i < COST_KINDS; i++)
		fits &= !__builtin_add_overflow(to[i].records, from[i].records, &to[i].records) &&
			!__builtin_add_overflow(to[i].compared, from[i].compared,
						&to[i].compared) &&
			money_total_add(&to[i].total, from[i].total) &&
			money_total_add(&to[i].theirs, from[i].theirs) &&
			money_total_add(&to[i].ours, from[i].ours);
	return fits;
}
