#include "pricing/stand_ins.h"

#include <strings.h>

#include "pricing/spelling.h"

bool stand_ins_add(struct named_calls *to, struct text provider, struct text vendor,
		   int64_t records, struct money_total cost)
{
	if (!spelling_via(&provider) || !vendor.n || spelling_via(&vendor))
		return true;
	const struct text known = provider_spelling(provider);
	if (known.n == vendor.n && strncasecmp(known.p, vendor.p, vendor.n) == 0)
		return true;
	return named_calls_add(to, provider, records, cost);
}
