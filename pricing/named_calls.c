#include "pricing/named_calls.h"

#include <stdio.h>

static void add_name(struct named_calls *to, const char *name, int64_t records)
{
	size_t i = 0;
	while (i < to->count && strcmp(name, to->of[i].name) != 0)
		i++;
	if (i == CALLS_NAMED) {
		to->others = true;
		return;
	}
	if (i == to->count)
		snprintf(to->of[to->count++].name, sizeof to->of->name, "%s", name);
	to->of[i].records += records;
}

bool named_calls_add(struct named_calls *to, struct text name, int64_t records,
		     struct money_total cost)
{
	char short_name[sizeof to->of->name];
	snprintf(short_name, sizeof short_name, "%.*s", (int)name.n, name.n ? name.p : "");
	add_name(to, short_name, records);
	to->records += records;
	return money_total_add(&to->cost, cost);
}

bool named_calls_merge(struct named_calls *to, const struct named_calls *from)
{
	for (size_t i = 0; i < from->count; i++)
		add_name(to, from->of[i].name, from->of[i].records);
	to->others |= from->others;
	to->records += from->records;
	return money_total_add(&to->cost, from->cost);
}
