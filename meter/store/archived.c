#include "meter/store/archived.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "meter/store/sums_sql.h"

#define QUARTER_US (900 * US_PER_SECOND)
#define WAYS_OUT \
	ASKED("with-archive") \
	" reads them from their files, and `tally db restore %s` brings " \
	"them back"

int64_t month_of(int64_t us)
{
	const struct civil c = civil_from_day(floor_div(us, US_PER_DAY));
	return ((int64_t)c.year - 1970) * 12 + c.month - 1;
}

int64_t month_begins_us(int64_t month)
{
	const int64_t year = floor_div(month, 12);
	return civil_to_day((struct civil){ (int)(1970 + year), (int)(month - 12 * year) + 1, 1 }) *
	       US_PER_DAY;
}

char *month_format(int64_t month, char text[MONTH_TEXT_MAX])
{
	const int64_t year = floor_div(month, 12);
	snprintf(text, MONTH_TEXT_MAX, "%04d-%02d", (int)(1970 + year),
		 (int)(month - 12 * year) + 1);
	return text;
}

static const struct sql sql_months = {
	.text = "SELECT month,rows,first,last FROM archive ORDER BY month",
};

int archived_read(struct archived *a, struct db *db, int64_t version, struct err *e)
{
	struct query *q;
	int rc = db_statement(db, &sql_months, &q, e);
	if (rc != 0)
		return rc;
	a->count = 0;
	while ((rc = db_step(db, q, e)) == 1) {
		if ((a->count & (a->count - 1)) == 0)
			a->list =
				mem_grow(a->list, (a->count ? a->count * 2 : 1) * sizeof *a->list);
		a->list[a->count++] = (struct archived_month){ db_int(q, 0), db_int(q, 1),
							       db_int(q, 2), db_int(q, 3) };
	}
	db_reset(q);
	a->version = rc == 0 ? version : -1;
	return rc;
}

void archived_release(struct archived *a)
{
	free(a->list);
	*a = (struct archived){ .version = -1 };
}

bool archived_lacks(const struct archived *a, const struct row_span *span,
		    struct archived_lack *out)
{
	struct archived_lack lack = { 0 };
	for (size_t i = 0; i < a->count && !a->attached; i++) {
		const struct archived_month *m = &a->list[i];
		if (m->first > span->to || m->last < span->from ||
		    month_begins_us(m->month) >= span->until_us ||
		    month_begins_us(m->month + 1) <= span->since_us)
			continue;
		lack.first_month = lack.rows ? lack.first_month : m->month;
		lack.last_month = m->month;
		lack.rows += m->rows;
	}
	if (out)
		*out = lack;
	return lack.rows != 0;
}

int archived_need_rows(const struct archived *a, const struct row_span *span, struct err *e)
{
	char first[MONTH_TEXT_MAX], last[MONTH_TEXT_MAX];
	struct archived_lack lack;
	if (!archived_lacks(a, span, &lack))
		return 0;
	month_format(lack.first_month, first);
	month_format(lack.last_month, last);
	const bool one = lack.first_month == lack.last_month;
	return err_set(e, ERR_ARCHIVED,
		       "%lld rows of %s%s%s are needed, which are archived: " WAYS_OUT,
		       (long long)lack.rows, first, one ? "" : " to ", one ? "" : last,
		       one ? first : "MONTH");
}

int archived_is_open(const struct archived *a, int64_t us, struct err *e)
{
	char month[MONTH_TEXT_MAX];
	if (!a->count)
		return 0;
	const int64_t of = month_of(us);
	for (size_t i = 0; i < a->count; i++)
		if (a->list[i].month == of)
			return err_set(e, ERR_ARCHIVED,
				       "%s is archived and takes no records: `tally db restore %s` "
				       "brings it back",
				       month_format(of, month), month);
	return 0;
}

static const struct sql sql_month_of_record = {
	.text = "SELECT a.month,a.file FROM archived_id i JOIN archive a ON a.month=i.month WHERE "
		"i.seq=:seq",
};

int archived_need_record(const struct archived *a, struct db *db, int64_t seq, struct err *e)
{
	char month[MONTH_TEXT_MAX];
	struct query *q;
	if (!seq || !a->count || a->attached)
		return 0;
	int rc = db_statement(db, &sql_month_of_record, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":seq", seq);
	rc = db_step(db, q, e);
	if (rc == 1) {
		const struct text file = db_text(q, 1);
		month_format(db_int(q, 0), month);
		rc = err_set(e, ERR_ARCHIVED,
			     "the record (row %lld) is archived with %s, in %.*s: " WAYS_OUT,
			     (long long)seq, month, (int)file.n, file.p, month);
	}
	db_reset(q);
	return rc;
}

static const struct sql sql_cells = {
	.text = "SELECT quarter,series,price," SUM_COLUMNS
		" FROM archived_cell WHERE quarter>=:from AND quarter<:to",
};

int archived_each_cell(const struct archived *a, struct db *db, const struct row_span *period,
		       int (*take)(void *user, const struct archived_cell *c), void *user,
		       struct err *e)
{
	struct query *q;
	if (!archived_lacks(a, period, NULL))
		return 0;
	const int64_t from = floor_div(period->since_us, QUARTER_US),
		      to = floor_div(period->until_us, QUARTER_US);
	/* of a quarter that is cut the rows would be needed */
	struct row_span first = *period, last = *period;
	first.until_us = period->since_us + (from * QUARTER_US != period->since_us);
	last.since_us = period->until_us - (to * QUARTER_US != period->until_us);
	int rc = first.since_us < first.until_us ? archived_need_rows(a, &first, e) : 0;
	if (rc == 0 && last.since_us < last.until_us)
		rc = archived_need_rows(a, &last, e);
	if (rc == 0)
		rc = db_statement(db, &sql_cells, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", from);
	db_bind_int(q, ":to", to);
	while ((rc = db_step(db, q, e)) == 1) {
		struct archived_cell c = { db_int(q, 0), db_int(q, 1), db_int(q, 2),
					   db_int(q, 3), db_int(q, 4), { 0 } };
		for (int b = 0; b < BUCKET_COMMON; b++)
			c.tokens[b] = db_int(q, 5 + b);
		if ((rc = take(user, &c)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}
