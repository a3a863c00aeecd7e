#include "meter/ledger/hours.h"

#include <stdlib.h>

static const struct sql sql_borders = {
	.text = "SELECT effective%:hour FROM credit_grant WHERE account=:account "
		"AND effective%:hour<>0 UNION SELECT expires%:hour FROM credit_grant "
		"WHERE account=:account AND expires%:hour<>0 UNION SELECT anchor%:hour "
		"FROM credit_rule WHERE account=:account AND anchor%:hour<>0 ORDER BY 1",
};

int hours_read(struct hours *h, struct db *db, int64_t account, struct err *e)
{
	struct query *q;
	int rc = db_statement(db, &sql_borders, &q, e);
	if (rc != 0)
		return rc;
	h->borders = 0;
	db_bind_int(q, ":account", account);
	db_bind_int(q, ":hour", US_PER_HOUR);
	while ((rc = db_step(db, q, e)) == 1) {
		h->border = mem_grow(h->border, (h->borders + 1) * sizeof *h->border);
		h->border[h->borders++] = db_int(q, 0);
	}
	db_reset(q);
	return rc;
}

void hours_release(struct hours *h)
{
	free(h->border);
	*h = (struct hours){ 0 };
}

int64_t hours_day(struct hours *h, int64_t us)
{
	if (us < h->zone_from_us || us >= h->zone_to_us) {
		struct instant until;
		h->zone_offset_us =
			zone_offset(h->zone, (struct instant){ us }, &until) * US_PER_SECOND;
		h->zone_from_us = us;
		h->zone_to_us = until.us;
	}
	return floor_div(us + h->zone_offset_us, US_PER_DAY);
}

void hours_part(struct hours *h, int64_t us, struct instant *from, struct instant *to)
{
	const int64_t hour = floor_div(us, US_PER_HOUR) * US_PER_HOUR;
	int64_t from_us = hour, to_us = hour + US_PER_HOUR;
	for (size_t i = 0; i < h->borders && to_us == hour + US_PER_HOUR; i++)
		if (hour + h->border[i] <= us)
			from_us = hour + h->border[i];
		else
			to_us = hour + h->border[i];
	/* midnight of half-hour zones is within an hour */
	const int64_t day_us = hours_day(h, us) * US_PER_DAY - h->zone_offset_us;
	from->us = day_us > from_us ? day_us : from_us;
	to->us = day_us + US_PER_DAY < to_us ? day_us + US_PER_DAY : to_us;
}
