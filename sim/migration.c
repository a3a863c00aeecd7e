#include "sim/migration.h"

#include <stdlib.h>

/* amount x times / parts, half up; amounts are not negative. Divided first where the product does
 * not fit into 128 bits. */
static int128 scaled(int128 amount, int64_t times, int64_t parts)
{
	int128 product;
	if (__builtin_mul_overflow(amount, (int128)times, &product))
		return amount / parts * times;
	return (product + parts / 2) / parts;
}

static void move(struct workload *w, int64_t days)
{
	for (size_t i = 0; i < w->count; i++)
		w->call[i].time_us += days * US_PER_DAY;
}

static void measure(struct migration_result *m, const struct workload *w)
{
	int64_t first_us = INT64_MAX, last_us = INT64_MIN;
	for (size_t i = 0; i < w->count; i++) {
		const struct work_call *c = &w->call[i];
		first_us = c->time_us < first_us ? c->time_us : first_us;
		last_us = c->time_us > last_us ? c->time_us : last_us;
		if (c->requests == 1 && work_prompt(c) > m->longest_prompt)
			m->longest_prompt = work_prompt(c);
	}
	m->first_day = floor_div(first_us, US_PER_DAY);
	m->days = floor_div(last_us, US_PER_DAY) - m->first_day + 1;
}

/* Whole weeks from day to the first that is not before `to`. */
static int64_t weeks(int64_t day, int64_t to)
{
	return -floor_div(day - to, 7) * 7;
}

int migration_run(struct migration_result *out, const struct whatif_options *o, struct workload *w,
		  int64_t start_day, struct err *e)
{
	struct migration_result m = { 0 };
	struct whatif_options v = *o;
	if (w->count == 0)
		return err_set(e, ERR_NOT_FOUND, "no calls to move");
	measure(&m, w);
	int rc = whatif_run(&m.past, &v, e);
	if (rc != 0)
		return rc;
	/* what was metered is the past; the same calls to come are priced by the book */
	struct money_total *metered = w->metered;
	w->metered = NULL;
	const int64_t to_month = weeks(m.first_day, start_day);
	const int64_t to_later = to_month + MIGRATION_LATER_DAYS;
	m.month_day = m.first_day + to_month;
	m.later_day = m.first_day + to_later;
	v.resamples = 0;
	move(w, to_month);
	rc = whatif_run(&m.month, &v, e);
	if (rc == 0)
		rc = sensitivity_run(&m.sensitivity, &v, 100, e);
	if (rc == 0) {
		move(w, to_later - to_month);
		rc = whatif_run(&m.later, &v, e);
		move(w, to_month - to_later);
	}
	move(w, -to_month);
	w->metered = metered;
	if (rc != 0)
		migration_release(&m, o->scenarios);
	else
		*out = m;
	return rc;
}

void migration_release(struct migration_result *m, size_t scenarios)
{
	whatif_results_close(m->past, scenarios);
	whatif_results_close(m->month, scenarios);
	whatif_results_close(m->later, scenarios);
	free(m->sensitivity);
	*m = (struct migration_result){ 0 };
}

struct money_total migration_first_month(const struct migration_result *m, size_t scenario)
{
	const struct whatif_result *r = &m->month[scenario];
	struct money_total sum = { 0 };
	if (m->days < MIGRATION_MONTH_DAYS)
		return (struct money_total){ scaled(r->cost.atto, MIGRATION_MONTH_DAYS, m->days) };
	for (size_t i = 0; i < r->days; i++)
		if (r->by_day[i].day < m->month_day + MIGRATION_MONTH_DAYS)
			sum.atto += r->by_day[i].cost.atto;
	return sum;
}

struct money_total migration_month_rate(const struct migration_result *m, size_t scenario)
{
	return (struct money_total){ scaled(m->later[scenario].cost.atto, 365, 12 * m->days) };
}

struct money_total migration_year_rate(const struct migration_result *m, size_t scenario)
{
	return (struct money_total){ scaled(m->later[scenario].cost.atto, 365, m->days) };
}

struct credits_total migration_month_credits(const struct migration_result *m, size_t scenario)
{
	return (struct credits_total){ scaled(m->later[scenario].credits.atto, 365, 12 * m->days) };
}

int64_t migration_does_not_fit(const struct whatif_result *r)
{
	int64_t n = 0;
	for (size_t i = 0; i < r->models; i++)
		n += r->model[i].does_not_fit;
	return n;
}
