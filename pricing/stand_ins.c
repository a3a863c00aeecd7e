#include "pricing/stand_ins.h"

#include <stdio.h>
#include <strings.h>

#include "pricing/spelling.h"

static void add_seller(struct stand_ins *to, const char *name, int64_t records)
{
	size_t i = 0;
	while (i < to->sellers && strcmp(name, to->seller[i].name) != 0)
		i++;
	if (i == SELLERS_NAMED) {
		to->others = true;
		return;
	}
	if (i == to->sellers)
		snprintf(to->seller[to->sellers++].name, sizeof to->seller->name, "%s", name);
	to->seller[i].records += records;
}

bool stand_ins_add(struct stand_ins *to, struct text provider, struct text vendor, int64_t records,
		   struct money_total cost)
{
	char name[sizeof to->seller->name];
	if (!spelling_via(&provider) || !vendor.n || spelling_via(&vendor))
		return true;
	const struct text known = provider_spelling(provider);
	if (known.n == vendor.n && strncasecmp(known.p, vendor.p, vendor.n) == 0)
		return true;
	snprintf(name, sizeof name, "%.*s", (int)provider.n, provider.p);
	add_seller(to, name, records);
	to->records += records;
	return money_total_add(&to->cost, cost);
}

bool stand_ins_merge(struct stand_ins *to, const struct stand_ins *from)
{
	for (size_t i = 0; i < from->sellers; i++)
		add_seller(to, from->seller[i].name, from->seller[i].records);
	to->others |= from->others;
	to->records += from->records;
	return money_total_add(&to->cost, from->cost);
}
