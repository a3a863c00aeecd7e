/* What must be true after each operation: what is stored says what the model says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter/check_store.h"
#include "meter/store/usage_query.h"
#include "tests/simulate/world.h"

/* Which currency a query asks for: one now, the other then. */
static int asked(const struct world *w)
{
	return (int)(w->op->number[1] % MODEL_CURRENCIES);
}

static int compare_sums(struct world *w, const char *what, const struct usage_sums *u, int customer)
{
	const int currency = asked(w);
	struct model_sums m;
	model_sum(&w->model, customer, &m);
	if (u->records != m.records || u->unpriced != m.unpriced || u->requests != m.requests ||
	    u->units[UNIT_WEB_SEARCH] != m.searches)
		return wrong(w,
			     "%s c%d: %lld records, %lld unpriced, %lld requests; the model has "
			     "%lld, %lld, %lld",
			     what, customer, (long long)u->records, (long long)u->unpriced,
			     (long long)u->requests, (long long)m.records, (long long)m.unpriced,
			     (long long)m.requests);
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (u->tokens[b] != m.tokens[b])
			return wrong(w, "%s c%d: %lld tokens of bucket %d; the model has %lld",
				     what, customer, (long long)u->tokens[b], b,
				     (long long)m.tokens[b]);
	if (u->cost.atto != m.atto[currency] || u->foreign != m.priced[!currency]) {
		char text[2][DECIMAL_TEXT_MAX];
		return wrong(w, "%s c%d: cost %s %s, %lld foreign; the model has %s, %lld", what,
			     customer, money_total_format(u->cost, text[0]),
			     model_currencies[currency], (long long)u->foreign,
			     money_total_format((struct money_total){ m.atto[currency] }, text[1]),
			     (long long)m.priced[!currency]);
	}
	return 0;
}

/* By days of a zone: each is the model's, and together they are all. */
static int check_days(struct world *w, struct store *s, const struct usage_filter *f)
{
	const enum grouping by_day = BY_DAY;
	const int number = (int)(w->op->number[2] % MODEL_ZONES);
	struct usage_result *r = NULL;
	struct model_sums of_day, all, m = { 0 };
	struct zone *z;
	if (zone_open(&z, model_zones[number], &w->e) != 0)
		return wrong(w, "%s", w->e.message);
	int bad = usage_query(&r, s, f, &(struct usage_grouping){ &by_day, 1, z }, &w->e) != 0;
	if (bad)
		wrong(w, "usage by day: %s", w->e.message);
	for (size_t i = 0; !bad && i < usage_group_count(r); i++) {
		const struct usage_sums *u = usage_group(r, i);
		struct civil c = { 0 };
		const struct text day = usage_label(r, i, 0);
		sscanf(day.p, "%d-%d-%d", &c.year, &c.month, &c.day);
		model_sum_day(&w->model, civil_to_day(c), number, &of_day);
		if (u->records != of_day.records || u->cost.atto != of_day.atto[asked(w)])
			bad = wrong(w, "the day %.*s of %s has %lld records; the model has %lld",
				    (int)day.n, day.p, model_zones[number], (long long)u->records,
				    (long long)of_day.records);
		m.records += u->records;
	}
	model_sum(&w->model, -1, &all);
	if (!bad && m.records != all.records)
		bad = wrong(w, "days do not add up to the model's sums");
	usage_result_close(r);
	zone_close(z);
	return bad;
}

/* Sums by customer, and by days of a zone. */
static int check_usage(struct world *w, struct store *s)
{
	const struct usage_filter everything = { .since = { INT64_MIN / 2 },
						 .until = { INT64_MAX / 2 },
						 .currency = model_currencies[asked(w)] };
	const enum grouping by_customer = BY_CUSTOMER;
	struct usage_result *r = NULL;
	struct zone *utc;
	if (zone_open(&utc, "UTC", &w->e) != 0)
		return wrong(w, "%s", w->e.message);
	int bad = usage_query(&r, s, &everything, &(struct usage_grouping){ &by_customer, 1, utc },
			      &w->e) != 0;
	if (bad)
		wrong(w, "usage: %s", w->e.message);
	for (size_t i = 0; !bad && i < usage_group_count(r); i++)
		bad = compare_sums(w, "usage of", usage_group(r, i),
				   usage_label(r, i, 0).p[1] - '0');
	if (!bad)
		bad = compare_sums(w, "usage of all", usage_total(r), -1);
	usage_result_close(r);
	zone_close(utc);
	return bad || check_days(w, s, &everything);
}

static int compare_standing(struct world *w, const struct standing *st, int customer, int period,
			    int zone)
{
	const struct model_spending spent = model_spent(&w->model, customer, period, zone);
	const int64_t held = model_held(&w->model, customer),
		      credits = model_held_credits(&w->model, customer);
	if (st->of.spent.atto == spent.atto && st->of.foreign == spent.foreign &&
	    st->of.held.atto == (int128)held * 1000000 && st->of.held_credits.nano == credits)
		return 0;
	return wrong(
		w,
		"c%d stands at %.9g spent, %lld foreign, %.9g held, %lld credits; the model at "
		"%.9g, %lld, %.9g, %lld",
		customer, (double)st->of.spent.atto / 1e18, (long long)st->of.foreign,
		(double)st->of.held.atto / 1e18, (long long)st->of.held_credits.nano,
		(double)spent.atto / 1e18, (long long)spent.foreign, (double)held / 1e12,
		(long long)credits);
}

static int period_number(const char *name)
{
	for (int i = 0; i < MODEL_PERIODS; i++)
		if (strcmp(model_periods[i], name) == 0)
			return i;
	return -1;
}

/* Each limit that the model has, and no other. */
static int check_limits(struct world *w, const struct standings *all, int customer)
{
	const struct model_bound *limit = w->model.limit[customer];
	size_t set = 0;
	for (int i = 0; i < MODEL_PERIODS; i++)
		set += limit[i].set;
	if (all->count != set)
		return wrong(w, "c%d has %zu limits; the model %zu", customer, all->count, set);
	for (size_t i = 0; i < set; i++) {
		const int period = period_number(all->of[i].period);
		if (period < 0 || !limit[period].set || all->of[i].limit.pico != limit[period].pico)
			return wrong(w, "c%d has a limit for '%s' that the model does not have",
				     customer, all->of[i].period);
		if (compare_standing(w, &all->of[i], customer, period, limit[period].zone))
			return 1;
	}
	return 0;
}

static int check_standing(struct world *w, struct session *s)
{
	struct standings all;
	struct standing ever;
	for (int c = 0; c < CUSTOMERS; c++) {
		const struct text name = text_of(customer_name((uint32_t)c));
		if (standings_of(s->spending, name, w->model.now, &all, &w->e) != 0 ||
		    standing_of(s->spending, name, TEXT("USD"), w->model.now, &ever, &w->e) != 0)
			return wrong(w, "standing: %s", w->e.message);
		if (check_limits(w, &all, c) || (!all.count && compare_standing(w, &ever, c, 0, 0)))
			return 1;
	}
	return 0;
}

static int note_fault(void *user, const struct account_fault *f)
{
	struct world *w = user;
	for (int c = 0; c < ACCOUNTS; c++)
		w->at_fault[c] |= text_is(f->customer, customer_name((uint32_t)c));
	return 0;
}

static int64_t read_credits(struct world *w, struct store *s, const char *what, int customer)
{
	char sql[300];
	int64_t out = 0;
	snprintf(sql, sizeof sql,
		 "SELECT CAST(coalesce(%s,0) AS BIGINT) FROM %s c JOIN credit_account a "
		 "ON a.id=c.account WHERE a.customer='c%d'",
		 what, strstr(what, "nano") ? "credit_day" : "credit_uncovered", customer);
	if (db_read_int(store_db(s), sql, &out, &w->e) != 0)
		wrong(w, "%s: %s", sql, w->e.message);
	return out;
}

/* What usage drew is what the model says, record by record; what is not covered waits. */
static int check_credits(struct world *w, struct store *s)
{
	struct model_sums m;
	memset(w->at_fault, 0, sizeof w->at_fault);
	if (ledger_each_fault(s, note_fault, w, &w->e) != 0)
		return wrong(w, "accounts at fault: %s", w->e.message);
	for (int c = 0; c < ACCOUNTS; c++) {
		model_sum(&w->model, c, &m);
		w->counts->faulty_accounts += w->at_fault[c];
		if (w->at_fault[c])
			continue;
		const int64_t nano = read_credits(w, s, "sum(c.nano)", c),
			      waits = read_credits(w, s, "count(*)", c);
		if (nano != m.credits || waits != m.uncovered)
			return wrong(w,
				     "c%d drew %lld billionths and %lld wait; the model has %lld "
				     "and %lld",
				     c, (long long)nano, (long long)waits, (long long)m.credits,
				     (long long)m.uncovered);
	}
	return 0;
}

static int check_clean(struct world *w, struct store *s, const char *of)
{
	struct store_check c;
	w->counts->checks++;
	if (store_check(s, &c, &w->e) != 0)
		return wrong(w, "fsck of %s: %s", of, w->e.message);
	return c.faults ? wrong(w, "fsck of %s: %s", of, c.fault[0]) : 0;
}

int check_all(struct world *w, struct session *s)
{
	int rc = store_begin(s->store, w->model.now, &w->e);
	if (rc == 0)
		rc = ledger_begin(s->ledger, &w->e);
	if (rc != 0)
		return wrong(w, "a transaction cannot begin: %s", w->e.message);
	rc = check_standing(w, s);
	if (rc == 0)
		rc = bills_check(w, s);
	store_rollback(s->store);
	ledger_forget(s->ledger);
	drawer_forget(s->drawer);
	if (rc == 0)
		rc = check_usage(w, s->store);
	if (rc == 0)
		rc = check_credits(w, s->store);
	return rc == 0 ? check_clean(w, s->store, "the database") : rc;
}
