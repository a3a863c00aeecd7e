#include "meter/ledger/credit_sums.h"

#include "meter/store/store_models.h"

static bool fits(const char *want, struct text have)
{
	return !want || text_is(have, want);
}

/* price: NULL where it is not told. */
static int find_wanted(struct store *s, const struct usage_filter *f, const struct usage_call *c,
		       bool *out, struct err *e)
{
	*out = fits(f->customer, c->series->customer) && fits(f->project, c->series->project) &&
	       fits(f->workload, c->series->workload) && fits(f->effort, c->series->effort) &&
	       (!c->price || fits(f->provider, usage_call_label(c, BY_PROVIDER)));
	return *out && f->model ? store_is_model(s, text_of(f->model),
						 &(struct recorded_model){ c->subject, c->price,
									   usage_filter_asked(f) },
						 out, e)
				: 0;
}

#define DAYS \
	"SELECT d.day,d.series,d.records,d.requests,d.nano,d.rest FROM credit_account a JOIN " \
	"credit_day d ON d.account=a.id WHERE d.day>=:first AND d.day<=:last"
static const struct sql sql_days = { .text = DAYS };
static const struct sql sql_days_of = { .text = DAYS " AND a.customer=:customer" };

int credit_sums_each_day(struct store *s, const struct usage_filter *f, struct day_range days,
			 int (*take)(void *user, const struct credit_day_sum *d), void *user,
			 struct err *e)
{
	struct query *q = NULL;
	bool wanted;
	int rc = db_statement(store_db(s), f->customer ? &sql_days_of : &sql_days, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":first", days.first);
	db_bind_int(q, ":last", days.last);
	if (f->customer)
		db_bind_text(q, ":customer", text_of(f->customer));
	while (rc == 0 && (rc = db_step(store_db(s), q, e)) == 1) {
		struct credit_day_sum d = { .day = db_int(q, 0),
					    .records = db_int(q, 2),
					    .requests = db_int(q, 3),
					    .credits = { (int128)db_int(q, 4) * 1000000000 +
							 db_int(q, 5) } };
		rc = store_names_of(s, db_int(q, 1), &d.series, &d.subject, e);
		if (rc == 0)
			rc = find_wanted(s, f,
					 &(struct usage_call){ .series = d.series,
							       .subject = d.subject },
					 &wanted, e);
		if (rc == 0 && wanted)
			rc = take(user, &d);
	}
	db_reset(q);
	return rc;
}

int credit_sums_each_uncovered(struct store *s, const struct usage_filter *f,
			       int (*take)(void *user, const struct usage_call *call), void *user,
			       struct err *e)
{
	struct query *q = NULL;
	bool wanted;
	int rc = db_prepare(store_db(s),
			    /* CROSS: few rows are uncovered, and SQLite would go through all */
			    "SELECT u.time,u.series,u.price,u.task,u.session FROM credit_uncovered "
			    "c CROSS JOIN usage u WHERE u.seq=c.seq AND u.time>=:since AND "
			    "u.time<:until",
			    &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":since", f->since.us);
	db_bind_int(q, ":until", f->until.us);
	while (rc == 0 && (rc = db_step(store_db(s), q, e)) == 1) {
		struct usage_call c = { .time_us = db_int(q, 0),
					.task = db_text(q, 3),
					.session = db_text(q, 4) };
		rc = store_names_of(s, db_int(q, 1), &c.series, &c.subject, e);
		if (rc == 0)
			rc = store_stored_price(s, db_int(q, 2), &c.price, e);
		if (rc == 0)
			rc = find_wanted(s, f, &c, &wanted, e);
		if (rc == 0 && wanted)
			rc = take(user, &c);
	}
	db_drop(q);
	return rc;
}
