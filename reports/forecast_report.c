#include "reports/forecast_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter/billing/cycle.h"
#include "meter/store/usage_query.h"
#include "reports/amount.h"
#include "reports/plain.h"
#include "reports/table.h"
#include "sim/forecast.h"

struct asked {
	const struct forecast_question *q;
	int64_t today;		    /* local day */
	struct money_total allowed; /* of money from since to by, or credits that are left */
	bool has_allowed;
	struct money_total spent; /* so far, from since to now */
	char currency[16];
};

struct history {
	struct money_total *day; /* by local day from `first` on */
	int64_t first, count;
	int64_t unpriced;
};

static int64_t local_day(const struct zone *z, struct instant t)
{
	return zone_day(z, t);
}

/* Money by day, from the meter. */
static int read_money(struct asked *a, struct history *h, struct err *e)
{
	static const enum usage_dim by_day[] = { USAGE_BY_DAY };
	const struct zone *z = a->q->zone;
	struct store *s = ledger_store(a->q->ledger);
	struct usage_result *r;
	struct usage_filter f = { .since = zone_midnight(z, h->first),
				  .until = zone_midnight(z, a->today),
				  .customer = a->q->customer,
				  .project = a->q->project,
				  .model = a->q->model };
	int rc = usage_query(&r, s, by_day, 1, &f, z, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < usage_group_count(r); i++) {
		struct civil c;
		if (civil_parse(&c, usage_label(r, i, 0), NULL) != 0)
			continue;
		int64_t place = civil_to_day(c) - h->first;
		if (place >= 0 && place < h->count)
			h->day[place] = usage_group(r, i)->cost;
	}
	h->unpriced = usage_total(r)->unpriced;
	snprintf(a->currency, sizeof a->currency, "%s", usage_currency(r));
	usage_result_close(r);
	f.since = a->q->since;
	f.until = a->q->now;
	rc = usage_query(&r, s, NULL, 0, &f, z, e);
	if (rc == 0) {
		a->spent = usage_total(r)->cost;
		usage_result_close(r);
	}
	return rc;
}

struct credit_days {
	struct history *h;
	const struct zone *z;
	struct ledger *l;
	struct err *e;
	int64_t day;
};

static int add_used(void *user, const struct ledger_entry *en)
{
	struct credit_days *x = user;
	int64_t place = x->day - x->h->first;
	if (text_is(en->pot, "used") && place >= 0 && place < x->h->count)
		x->h->day[place].atto += (int128)en->amount.nano * 1000000000;
	return 0;
}

static int add_draw(void *user, const struct ledger_txn *t)
{
	struct credit_days *x = user;
	x->day = local_day(x->z, t->at);
	return ledger_each_entry(x->l, t->id, add_used, x, x->e);
}

/* Credits by day, from the ledger. */
static int read_credits(struct asked *a, struct history *h, struct err *e)
{
	const struct forecast_question *q = a->q;
	const struct account *account;
	struct balance b;
	struct nano_credits left = q->credits_left;
	struct credit_days x = { h, q->zone, q->ledger, e, 0 };
	int rc = ledger_account(q->ledger, text_of(q->customer), &account, e);
	if (rc == 0 && q->of_balance) {
		rc = ledger_balance(q->ledger, account, q->now, &b, e);
		left.nano = b.available.nano - b.held.nano;
	}
	if (rc != 0)
		return rc;
	a->allowed = (struct money_total){ (int128)left.nano * 1000000000 };
	a->has_allowed = true;
	snprintf(a->currency, sizeof a->currency, "credits");
	return ledger_each_txn(q->ledger, account->id, zone_midnight(q->zone, h->first),
			       zone_midnight(q->zone, a->today), add_draw, &x, e);
}

/* Days before the first usage are no history. */
static void cut_front(struct history *h)
{
	int64_t empty = 0;
	while (empty < h->count && h->day[empty].atto == 0)
		empty++;
	memmove(h->day, h->day + empty, (size_t)(h->count - empty) * sizeof *h->day);
	h->first += empty;
	h->count -= empty;
}

static void day_text(int64_t day, char out[16])
{
	struct civil c = civil_from_day(day);
	snprintf(out, 16, "%04d-%02d-%02d", c.year, c.month, c.day);
}

enum { CHECK_DAYS = 28 }; /* of the back-test */
static const int permilles[] = { 50, 250, 500, 750, 950 };

static struct money_total with_spent(const struct asked *a, struct money_total m)
{
	if (!a->q->credits)
		m.atto += a->spent.atto;
	return m;
}

static void put_model(struct json_out *j, const struct history *h, const struct forecast *f)
{
	char day[16], text[DECIMAL_TEXT_MAX];
	bool cut;
	json_out_bool(j, "seasonal", f->model.seasonal);
	json_out_string(j, "trend", f->trend > 0 ? "rising" : f->trend < 0 ? "falling" : "none");
	day_text(h->first + (int64_t)f->model.first, day);
	json_out_string(j, "level_since", f->model.changed ? day : NULL);
	/* percent a day, for people */
	struct decimal growth = { llround(expm1(f->model.growth) * 1e6), 4 };
	json_out_string(j, "growth_percent_per_day",
			decimal_format(decimal_round_places(growth, 2, &cut), text));
}

static void put_json(struct json_out *j, const struct asked *a, const struct history *h,
		     const struct forecast *f, const struct forecast_check *check)
{
	char text[DECIMAL_TEXT_MAX], day[16];
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.forecast/1");
	json_out_string(j, "currency", a->currency);
	json_out_instant(j, "now", a->q->now);
	json_out_instant(j, "since", a->q->since);
	json_out_instant(j, "by", a->q->by);
	json_out_int(j, "history_days", h->count);
	put_model(j, h, f);
	json_out_int(j, "unpriced", h->unpriced);
	if (!a->q->credits)
		json_out_money(j, "spent", a->spent);
	json_out_object(j, "quantiles");
	for (size_t i = 0; i < sizeof permilles / sizeof *permilles; i++)
		json_out_money(j, decimal_format((struct decimal){ permilles[i] / 10, 2 }, text),
			       with_spent(a, forecast_sum_at(f, permilles[i])));
	json_out_end(j, '}');
	if (a->has_allowed) {
		json_out_money(j, a->q->credits ? "credits" : "budget", a->allowed);
		ratio_format(f->over, f->draws, 4, text);
		json_out_string(j, "probability_of_overrun", text);
		json_out_object(j, "exhausted");
		for (size_t i = 0; i < sizeof permilles / sizeof *permilles; i++) {
			int64_t in = forecast_gone_at(f, permilles[i]);
			day_text(a->today + in, day);
			decimal_format((struct decimal){ permilles[i] / 10, 2 }, text);
			json_out_string(j, text, in == FORECAST_DAYS_FAR ? NULL : day);
		}
		json_out_end(j, '}');
	}
	if (check) {
		json_out_object(j, "back_test");
		json_out_int(j, "days", CHECK_DAYS);
		json_out_money(j, "0.05", check->low);
		json_out_money(j, "0.5", check->middle);
		json_out_money(j, "0.95", check->high);
		json_out_money(j, "real", check->real);
		json_out_end(j, '}');
	}
	json_out_int(j, "draws", f->draws);
	json_out_end(j, '}');
}

/* To the cent, ">=" where calls had no price. */
static void put_short(struct buf *b, const struct asked *a, struct money_total m, bool lower_bound)
{
	char text[DECIMAL_TEXT_MAX];
	bool changed;
	decimal_format(decimal_round_places((struct decimal){ m.atto, MONEY_TOTAL_PLACES }, 2,
					    &changed),
		       text);
	put_amount(b, text, a->q->credits ? "" : a->currency, lower_bound);
}

static void put_line(const struct asked *a, const char *what, struct money_total m,
		     bool lower_bound)
{
	struct buf b = { 0 };
	put_short(&b, a, m, lower_bound);
	printf("%-44s %16s\n", what, b.p);
	buf_release(&b);
}

/* What the past days say, in words. */
static void put_story(const struct history *h, const struct forecast *f)
{
	const struct day_model *m = &f->model;
	struct buf b = { 0 };
	char day[16];
	buf_printf(&b, "%lld past days", (long long)h->count);
	if (m->seasonal)
		buf_puts(&b, m->group[5] == 1 && m->group[4] == 0
				     ? "; weekends differ from working days"
				     : "; the weekdays differ");
	if (m->changed) {
		day_text(h->first + (int64_t)m->first, day);
		buf_printf(&b, "; the level changed, and only days from %s on are drawn from", day);
	}
	if (m->growth != 0)
		buf_printf(&b,
			   "; spending %s by %.1f %% a day, and is taken to level off within a "
			   "month",
			   m->growth > 0 ? "grows" : "falls", fabs(expm1(m->growth)) * 100);
	print_note("%s", b.p);
	printf("\n");
	buf_release(&b);
}

static void put_check(const struct asked *a, const struct forecast_check *c)
{
	struct buf low = { 0 }, middle = { 0 }, high = { 0 }, real = { 0 };
	put_short(&low, a, c->low, false);
	put_short(&middle, a, c->middle, false);
	put_short(&high, a, c->high, false);
	put_short(&real, a, c->real, false);
	print_note(
		"\n%d days ago it would have said %s for the days since (90 %% between %s and %s); "
		"they came to %s",
		CHECK_DAYS, middle.p, low.p, high.p, real.p);
	buf_release(&low);
	buf_release(&middle);
	buf_release(&high);
	buf_release(&real);
}

static void put_text(const struct asked *a, const struct history *h, const struct forecast *f,
		     const struct forecast_check *check)
{
	static const char *const names[] = { "5 %", "25 %", "half", "75 %", "95 %" };
	char by[INSTANT_TEXT_MAX], what[80], share[DECIMAL_TEXT_MAX], day[2][16];
	put_story(h, f);
	instant_format(a->q->by, by);
	if (!a->q->credits)
		put_line(a, "spent so far", a->spent, h->unpriced > 0);
	for (size_t i = 0; i < sizeof permilles / sizeof *permilles; i++) {
		snprintf(what, sizeof what, "by %.10s, in %s of the draws at most", by, names[i]);
		put_line(a, what, with_spent(a, forecast_sum_at(f, permilles[i])), h->unpriced > 0);
	}
	if (check)
		put_check(a, check);
	if (h->unpriced)
		print_note(
			"\n%lld past calls have no price (tally usage names them), so all of this is "
			"a lower bound",
			(long long)h->unpriced);
	if (!a->has_allowed)
		return;
	printf("\n");
	put_line(a, a->q->credits ? "credits left" : "budget", a->allowed, false);
	ratio_format((int128)f->over * 100, f->draws, 1, share);
	printf("\n%s %% of the draws exceed %s by then\n", share,
	       a->q->credits ? "them" : "the budget");
	int64_t median = forecast_gone_at(f, 500), early = forecast_gone_at(f, 50);
	day_text(a->today + median, day[0]);
	day_text(a->today + early, day[1]);
	if (median == FORECAST_DAYS_FAR)
		printf("at this pace it lasts more than ten years\n");
	else
		printf("runs out on %s (in 5 %% of the draws by %s)\n", day[0], day[1]);
}

/* The part of a local day that lies in [from, to). */
static struct day_share share_of_day(const struct zone *z, int64_t day, struct instant from,
				     struct instant to)
{
	const struct instant begin = zone_midnight(z, day), end = zone_midnight(z, day + 1);
	const int64_t a = from.us > begin.us ? from.us : begin.us,
		      b = to.us < end.us ? to.us : end.us;
	return a == begin.us && b == end.us ? (struct day_share){ 0 }
					    : (struct day_share){ b - a, end.us - begin.us };
}

/* What is to come of the period from --since to --by; credits are drawn from now on. */
static void set_period(struct forecast_options *o, const struct asked *a, const struct zone *z)
{
	const struct instant from =
		!a->q->credits && a->q->since.us > a->q->now.us ? a->q->since : a->q->now;
	const int64_t first = local_day(z, from),
		      last = local_day(z, (struct instant){ a->q->by.us - 1 });
	o->first_day = first - a->today;
	o->last_day = last - a->today;
	o->first_share = share_of_day(z, first, from, a->q->by);
	if (last > first)
		o->last_share = share_of_day(z, last, from, a->q->by);
}

/* Everything that a forecast says. */
struct outlook {
	struct asked asked;
	struct history history;
	struct forecast forecast;
	struct forecast_check check;
	bool has_check;
};

static int look_ahead(struct outlook *x, const struct forecast_question *q, struct err *e)
{
	struct asked *a = &x->asked;
	struct history *h = &x->history;
	*x = (struct outlook){ .asked = { .q = q,
					  .today = local_day(q->zone, q->now),
					  .allowed = q->budget,
					  .has_allowed = q->has_budget } };
	h->count = q->history;
	h->first = a->today - q->history;
	h->day = mem_zalloc((size_t)h->count * sizeof *h->day);
	int rc = q->credits ? read_credits(a, h, e) : read_money(a, h, e);
	if (rc != 0)
		return rc;
	cut_front(h);
	struct forecast_options o = {
		.day = h->day,
		.days = (size_t)h->count,
		.first_weekday = weekday_of_day(h->first),
		.left = { a->allowed.atto - (q->credits ? 0 : a->spent.atto) },
		.seed = (uint64_t)q->seed,
		.draws = q->draws,
	};
	set_period(&o, a, q->zone);
	rc = forecast_run(&x->forecast, &o, e);
	x->has_check = rc == 0 && forecast_back_test(&x->check, &o, CHECK_DAYS);
	return rc;
}

static void outlook_release(struct outlook *x, struct forecast_verdict *verdict)
{
	*verdict = (struct forecast_verdict){ .overrun_is_likely =
						      x->asked.has_allowed &&
						      x->forecast.over * 2 > x->forecast.draws,
					      .unpriced = x->history.unpriced };
	forecast_release(&x->forecast);
	free(x->history.day);
}

struct forecast_question forecast_question_of(struct ledger *l, const struct zone *z,
					      struct instant now)
{
	struct forecast_question q = {
		.ledger = l, .zone = z, .now = now, .history = 56, .draws = 10000, .seed = 1
	};
	cycle_period(z, 1, now, &q.since, &q.by);
	return q;
}

int forecast_question_check(const struct forecast_question *q, struct err *e)
{
	if (q->by.us <= q->now.us)
		return err_set(e, ERR_USAGE, "--by is in the past");
	if (q->has_budget && q->credits)
		return err_set(e, ERR_USAGE, "give --budget or --credits, not both");
	if (q->credits && !q->customer)
		return err_set(e, ERR_USAGE,
			       "--credits needs --customer: the account's plan sets how credits "
			       "are drawn");
	if (q->history < 1 || q->history > 3660 || q->draws < 100 || q->draws > 1000000)
		return err_set(e, ERR_USAGE,
			       "--history is 1 to 3660 days, --draws 100 to 1,000,000");
	return 0;
}

int forecast_budget_parse(struct forecast_question *q, const char *text, struct err *e)
{
	struct decimal d;
	if (decimal_parse(&d, text_of(text), NULL) != 0 || d.digits < 0 ||
	    d.scale > MONEY_TOTAL_PLACES || d.digits > (int128)1000000000000000000)
		return err_set(e, ERR_USAGE, "--budget: '%s' is not an amount", text);
	q->budget.atto = d.digits;
	for (int i = d.scale; i < MONEY_TOTAL_PLACES; i++)
		q->budget.atto *= 10;
	q->has_budget = true;
	return 0;
}

int forecast_report_put(struct json_out *j, const struct forecast_question *q,
			struct forecast_verdict *verdict, struct err *e)
{
	struct outlook x;
	int rc = look_ahead(&x, q, e);
	if (rc == 0)
		put_json(j, &x.asked, &x.history, &x.forecast, x.has_check ? &x.check : NULL);
	outlook_release(&x, verdict);
	return rc;
}

int forecast_report_print(const struct forecast_question *q, struct forecast_verdict *verdict,
			  struct err *e)
{
	struct outlook x;
	int rc = look_ahead(&x, q, e);
	if (rc == 0)
		put_text(&x.asked, &x.history, &x.forecast, x.has_check ? &x.check : NULL);
	outlook_release(&x, verdict);
	return rc;
}
