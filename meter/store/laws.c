#include "meter/store/laws.h"

#include <stdio.h>

int laws_check(struct store *s, const struct law *law, size_t count, char fault[FAULT_MAX],
	       struct err *e)
{
	*fault = 0;
	for (size_t i = 0; i < count && !*fault; i++) {
		int64_t n;
		int rc = db_read_int(store_db(s), law[i].sql, &n, e);
		if (rc != 0)
			return rc;
		if (n)
			snprintf(fault, FAULT_MAX, "%s (%lld)", law[i].what, (long long)n);
	}
	return 0;
}
