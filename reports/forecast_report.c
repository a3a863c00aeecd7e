#include "reports/forecast_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dict.h"
#include "meter/billing/cycle.h"
#include "meter/ledger/credit_sums.h"
#include "meter/store/usage_query.h"
#include "reports/amount.h"
#include "reports/lower_bound_report.h"
#include "reports/plain.h"
#include "reports/table.h"
#include "sim/credit_days.h"
#include "sim/forecast.h"
#include "sim/usage_days.h"

struct asked {
	const struct forecast_question *q;
	int64_t today;		    /* local day */
	struct money_total allowed; /* of money from since to by, or credits that are left */
	bool has_allowed;
	struct money_total spent; /* so far, from since to now */
	bool spent_lacks;	  /* it is a lower bound */
	char currency[16];
};

/* Who uses most, in all and of late, is looked at alone for changes. */
enum { CUSTOMERS_OF_ALL = 16, CUSTOMERS_MOST = 2 * CUSTOMERS_OF_ALL, LATE_DAYS = 14 };

struct history {
	struct money_total *day; /* by local day from `first` on, all at the prices of today */
	int64_t first, count;
	int64_t unpriced, placeholders; /* records whose cost is unknown, or known in part */
	int64_t unsaid;			/* of the latter: without what their price depends on */
	int64_t uncovered;		/* of credits: records that the plan does not cover */
	struct dict lacking;		/* models of the first two */
	size_t cut;			/* days in front of `first` */
	bool moves_nothing;		/* no past call ran on the model that moves */
	struct money_total *metered;	/* by day */
	/* of money */
	struct usage_days *used;
	struct money_total *part;	      /* by day, who and model, at the prices of today */
	struct text customer[CUSTOMERS_MOST]; /* those who may be told apart: who 1 and on */
	size_t customers;
	struct arena names;
	/* of credits */
	struct credit_days *credits;
	struct drawer *drawer;
	struct account of_plan; /* of a plan without an account; credits are asked of it */
};

/* Else of money. */
static bool is_of_credits(const struct forecast_question *q)
{
	return q->credits || q->plan;
}

static int64_t local_day(const struct zone *z, struct instant t)
{
	return zone_day(z, t);
}

static int take_used(void *user, const struct usage_call *c)
{
	struct history *h = user;
	h->unpriced += c->sums->unpriced;
	h->placeholders += c->sums->placeholders;
	h->unsaid += c->sums->unsaid;
	if (usage_sums_at_least(c->sums))
		*dict_need(&h->lacking, c->subject->model, NULL) = 1;
	return usage_days_take(h->used, c);
}

static int take_uncovered(void *user, const struct usage_call *c)
{
	struct history *h = user;
	h->uncovered += c != NULL;
	return 0;
}

/* Whether what is to come is a lower bound, since past records were. */
static bool lacks(const struct history *h)
{
	return h->unpriced || h->placeholders || h->uncovered;
}

static enum amount_bound history_bound(const struct history *h)
{
	return at_least(lacks(h));
}

static struct money_total cost_on(void *user, size_t who, size_t i, size_t t)
{
	const struct history *h = user;
	return usage_days_cost(h->used, who, h->cut + i, h->cut + t);
}

/* An account is one's own. */
static struct money_total credits_on(void *user, size_t who, size_t i, size_t t)
{
	const struct history *h = user;
	CHECK(who == FORECAST_ALL);
	return credit_days_cost(h->credits, h->cut + i, h->cut + t);
}

/* Whether coming days t and s have the same prices, or rates of credits. */
static bool same_prices(const struct history *h, size_t t, size_t s)
{
	return h->credits ? credit_days_same_rates(h->credits, h->cut + t, h->cut + s)
			  : usage_days_same_prices(h->used, h->cut + t, h->cut + s);
}

/* How much was used, at one and the same prices: those of today. */
static void weigh_days(struct history *h)
{
	const size_t models = usage_days_models(h->used), whos = usage_days_whos(h->used),
		     today = h->cut + (size_t)h->count;
	h->metered = mem_alloc(((size_t)h->count + 1) * sizeof *h->metered);
	h->part = mem_alloc(((size_t)h->count * whos * models + 1) * sizeof *h->part);
	for (size_t i = 0; i < (size_t)h->count; i++) {
		h->day[i] = usage_days_cost(h->used, FORECAST_ALL, h->cut + i, today);
		h->metered[i] = usage_days_metered(h->used, FORECAST_ALL, h->cut + i);
		for (size_t k = 0; k < whos * models; k++)
			h->part[i * whos * models + k] = usage_days_cost_of(
				h->used, k / models, h->cut + i, today, k % models);
	}
}

static int by_cost(const void *a, const void *b, void *user)
{
	const struct usage_result *r = user;
	const struct usage_sums *x = usage_group(r, *(const size_t *)a),
				*y = usage_group(r, *(const size_t *)b);
	return x->cost.atto > y->cost.atto ? -1 : x->cost.atto < y->cost.atto;
}

static bool is_kept(const struct history *h, struct text customer)
{
	bool kept = false;
	for (size_t k = 0; k < h->customers; k++)
		kept |= text_eq(h->customer[k], customer);
	return kept;
}

/* Adds the customers of a period who cost most; *all: how many there are. */
static int find_customers(struct history *h, struct store *s, const struct usage_filter *f,
			  const struct zone *z, size_t *all, struct err *e)
{
	static const enum grouping by_customer[] = { BY_CUSTOMER };
	struct usage_result *r;
	int rc = usage_query(&r, s, f, &(struct usage_grouping){ by_customer, 1, z }, e);
	if (rc != 0)
		return rc;
	*all = usage_group_count(r);
	size_t *order = mem_alloc((*all + 1) * sizeof *order);
	for (size_t i = 0; i < *all; i++)
		order[i] = i;
	qsort_r(order, *all, sizeof *order, by_cost, r);
	for (size_t i = 0; i < *all && i < CUSTOMERS_OF_ALL; i++) {
		const struct text name = usage_label(r, order[i], 0);
		if (!is_kept(h, name))
			h->customer[h->customers++] =
				(struct text){ arena_text(&h->names, name.p, name.n), name.n };
	}
	free(order);
	usage_result_close(r);
	return 0;
}

/* Whom it is worth to look at alone: of one customer there is nothing to tell apart. */
static int look_at_customers(const struct asked *a, struct history *h, struct store *s,
			     const struct usage_filter *f, struct err *e)
{
	static const enum grouping by_day[] = { BY_DAY, BY_CUSTOMER };
	struct usage_filter late = *f;
	struct usage_cells cells = { .store = s,
				     .filter = f,
				     .dim = by_day,
				     .dim_count = 2,
				     .zone = a->q->zone,
				     .take = usage_days_take_customer,
				     .user = h->used };
	size_t all, of_late;
	late.since = zone_midnight(a->q->zone, a->today - LATE_DAYS);
	if (a->q->customer)
		return 0;
	int rc = find_customers(h, s, f, a->q->zone, &all, e);
	if (rc == 0 && all < 2)
		h->customers = 0;
	else if (rc == 0 && late.since.us > f->since.us)
		rc = find_customers(h, s, &late, a->q->zone, &of_late, e);
	usage_days_customers(h->used, h->customer, h->customers);
	return rc == 0 && h->customers ? usage_each_cell(&cells, e) : rc;
}

static struct usage_move move_of(const struct asked *a, const struct history *h)
{
	const struct planner_scenario *s = &a->q->route;
	struct usage_move m = { .model = a->q->move_model,
				.book = a->q->book,
				.at = a->q->now,
				.parts = s->parts,
				.from = (size_t)(local_day(a->q->zone, a->q->move_on) - h->first) };
	CHECK(s->parts <= USAGE_MOVE_PARTS);
	for (int i = 0; i < s->parts; i++) {
		m.part[i].to = text_of(s->part[i].model);
		m.part[i].service_tier = text_of(s->part[i].service_tier);
		m.part[i].share = s->part[i].share;
	}
	return m;
}

/* What was used by day, from the meter. */
static int read_money(struct asked *a, struct history *h, struct err *e)
{
	static const enum grouping by_hour[] = { BY_HOUR };
	const struct zone *z = a->q->zone;
	struct store *s = ledger_store(a->q->ledger);
	struct usage_result *r;
	struct usage_filter f = { .since = zone_midnight(z, h->first),
				  .until = zone_midnight(z, a->today),
				  .customer = a->q->customer,
				  .project = a->q->project,
				  .model = a->q->model };
	struct usage_cells cells = {
		.store = s,
		.filter = &f,
		.dim = by_hour,
		.dim_count = 1,
		.zone = z,
		.take = take_used,
		.user = h,
	};
	h->used = usage_days_open(a->q->book, z, h->first, (size_t)h->count);
	int rc = usage_each_cell(&cells, e);
	if (rc == 0)
		rc = look_at_customers(a, h, s, &f, e);
	if (rc != 0 && usage_days_error(h->used)->code != ERR_NONE)
		*e = *usage_days_error(h->used);
	if (rc != 0)
		return rc;
	if (a->q->move_to) {
		const struct usage_move m = move_of(a, h);
		usage_days_move(h->used, &m);
	}
	usage_days_ready(h->used, cells.currency);
	h->cut = usage_days_empty(h->used);
	h->first += (int64_t)h->cut;
	h->count -= (int64_t)h->cut;
	weigh_days(h);
	f.since = a->q->since;
	f.until = a->q->now;
	rc = usage_query(&r, s, &f, &(struct usage_grouping){ .zone = z }, e);
	if (rc == 0) {
		a->spent = usage_total(r)->cost;
		a->spent_lacks = usage_sums_at_least(usage_total(r));
		snprintf(a->currency, sizeof a->currency, "%s",
			 *cells.currency ? cells.currency : usage_currency(r));
		usage_result_close(r);
	}
	return rc;
}

struct draws {
	struct history *h;
	const struct zone *z;
	struct ledger *l;
	struct err *e;
	int64_t day;
};

static int add_used(void *user, const struct ledger_entry *en)
{
	struct draws *x = user;
	int64_t place = x->day - x->h->first;
	if (text_is(en->pot, "used") && place >= 0 && place < x->h->count)
		credit_days_drew(x->h->credits, (size_t)place, en->amount);
	return 0;
}

static int add_draw(void *user, const struct ledger_txn *t)
{
	struct draws *x = user;
	x->day = local_day(x->z, t->at);
	return ledger_each_entry(x->l, t->id, add_used, x, x->e);
}

/* Credits by day, from the ledger, and the usage behind them. */
static int read_draws(struct asked *a, struct history *h, const struct account *account,
		      struct err *e)
{
	static const enum grouping by_hour[] = { BY_HOUR };
	const struct forecast_question *q = a->q;
	const struct period past = { zone_midnight(q->zone, h->first),
				     zone_midnight(q->zone, a->today) };
	struct draws x = { h, q->zone, q->ledger, e, 0 };
	struct usage_filter f = { .since = past.from,
				  .until = past.to,
				  .customer = q->customer,
				  .project = q->project,
				  .model = q->model };
	/* credits ask for no currency: amounts of several are no error here */
	f.currency = "USD";
	struct usage_cells cells = { .store = ledger_store(q->ledger),
				     .filter = &f,
				     .dim = by_hour,
				     .dim_count = 1,
				     .zone = q->zone,
				     .take = credit_days_take,
				     .user = h->credits };
	if (q->plan) {
		int of_plan = usage_each_cell(&cells, e);
		if (of_plan == 0)
			credit_days_rate(h->credits, &h->uncovered);
		return of_plan;
	}
	int rc = ledger_each_txn(q->ledger, account->id, past, add_draw, &x, e);
	if (rc == 0)
		rc = usage_each_cell(&cells, e);
	return rc == 0 ? credit_sums_each_uncovered(cells.store, &f, take_uncovered, h, e) : rc;
}

/* Days before the first draw are no history; the others at the rates of today. */
static void weigh_draws(struct history *h)
{
	while (h->cut < (size_t)h->count && credit_days_drawn(h->credits, h->cut).atto == 0)
		h->cut++;
	h->first += (int64_t)h->cut;
	h->count -= (int64_t)h->cut;
	h->metered = mem_alloc(((size_t)h->count + 1) * sizeof *h->metered);
	for (size_t i = 0; i < (size_t)h->count; i++) {
		h->metered[i] = credit_days_drawn(h->credits, h->cut + i);
		h->day[i] = credits_on(h, FORECAST_ALL, i, (size_t)h->count);
	}
}

/* What the plan of an account says of the models that usage is moved to. */
static int check_targets(const struct asked *a, const struct history *h,
			 const struct account *account, struct err *e)
{
	const struct forecast_question *q = a->q;
	int rc = 0;
	for (int i = 0; rc == 0 && q->move_to && i < q->route.parts; i++) {
		struct usage_row row = { .kind = USAGE_RECORD,
					 .record = { .requests = 1,
						     .time_us = q->move_on.us,
						     .completed_us = q->move_on.us } };
		struct credit_rates any;
		row.record.text[FIELD_MODEL] = text_of(q->route.part[i].model);
		row.record.text[FIELD_SERVICE_TIER] = text_of(q->route.part[i].service_tier);
		row.record.counts[BUCKET_INPUT] = 1;
		rc = drawer_rates(h->drawer, account, &row, &any, e);
	}
	return rc;
}

static int read_credits(struct asked *a, struct history *h, struct err *e)
{
	const struct forecast_question *q = a->q;
	const struct account *account = NULL;
	struct balance b;
	struct nano_credits left = q->credits_left;
	int rc = q->plan && !q->of_balance
			 ? 0
			 : ledger_account(q->ledger, text_of(q->customer), &account, e);
	if (rc == 0 && q->of_balance) {
		rc = ledger_balance(q->ledger, account, q->now, &b, e);
		left.nano = b.available.nano - b.held.nano;
	}
	h->of_plan = (struct account){ .id = -1, .plan = text_of(q->plan), .zone = TEXT("UTC") };
	account = q->plan ? &h->of_plan : account;
	if (rc == 0 && q->book)
		rc = drawer_open(&h->drawer, q->ledger, q->book, e);
	if (rc == 0)
		rc = check_targets(a, h, account, e);
	if (rc != 0)
		return rc;
	a->allowed = (struct money_total){ (int128)left.nano * 1000000000 };
	a->has_allowed = q->credits;
	snprintf(a->currency, sizeof a->currency, "credits");
	h->credits = credit_days_open(&(struct credit_days_of){ h->drawer, account, q->zone,
								h->first, (size_t)h->count });
	if (q->move_to) {
		const struct usage_move m = move_of(a, h);
		credit_days_move(h->credits, &m);
	}
	rc = read_draws(a, h, account, e);
	if (rc == 0)
		weigh_draws(h);
	return rc;
}

/* Whether something of the past ran on the model that moves. */
static int look_at_move(const struct asked *a, struct history *h, struct err *e)
{
	const struct forecast_question *q = a->q;
	struct usage_result *r;
	if (!q->move_model.n)
		return 0;
	int rc = usage_query(&r, ledger_store(q->ledger),
			     &(struct usage_filter){ .since = zone_midnight(q->zone, h->first),
						     .until = zone_midnight(q->zone, a->today),
						     .customer = q->customer,
						     .project = q->project,
						     .model = q->move_model.p },
			     &(struct usage_grouping){ NULL, 0, q->zone }, e);
	if (rc != 0)
		return rc;
	h->moves_nothing =
		!usage_total(r)->records || (q->model && !text_is(q->move_model, q->model));
	usage_result_close(r);
	return 0;
}

/* What is to come of a model on average. */
struct coming_model {
	struct text model;
	int128 tokens[BUCKET_COUNT];
	struct money_total cost;
};

/* What is to come on average, priced day by day. */
struct coming {
	struct coming_model *model;
	struct money_total *day; /* from the first coming day on */
	size_t models, days;
	struct money_total sum, at_past_prices;
	size_t *changed; /* coming days, from 0, with other prices than a week before */
	size_t changes;
};

/* Everything that a forecast says. */
struct outlook {
	struct asked asked;
	struct history history;
	struct forecast_options options;
	struct forecast forecast;
	struct forecast_check check;
	bool has_check;
	struct coming coming; /* of money */
};

enum { CHECK_DAYS = 28 }; /* of the back-test */
static const int permilles[] = { 50, 250, 500, 750, 950 };

static struct money_total with_spent(const struct asked *a, struct money_total m)
{
	if (!is_of_credits(a->q))
		m.atto += a->spent.atto;
	return m;
}

/* What a customer who is drawn apart did on the first day of the level that holds now. */
static const char *what_changed(const struct history *h, size_t who, size_t first)
{
	bool before = false, since = false;
	const size_t models = usage_days_models(h->used);
	for (size_t k = 0; k < (size_t)h->count * models * BUCKET_COUNT; k++) {
		const size_t i = k / BUCKET_COUNT / models;
		const int64_t *tokens =
			usage_days_tokens(h->used, who, h->cut + i, k / BUCKET_COUNT % models);
		*(i < first ? &before : &since) |= tokens[k % BUCKET_COUNT] > 0;
	}
	return !before ? "came" : !since ? "left" : "changed";
}

static void put_streams(struct json_out *j, const struct history *h, const struct forecast *f)
{
	char day[16];
	json_out_array(j, "customers_apart");
	for (size_t k = 0; k < f->streams; k++)
		for (size_t n = 0; n < f->stream[k].whos; n++) {
			const size_t who = f->stream[k].who[n], first = f->stream[k].model.first;
			day_format(h->first + (int64_t)first, day);
			json_out_object(j, NULL);
			json_out_text(j, "customer", h->customer[who - 1]);
			json_out_string(j, "what", what_changed(h, who, first));
			json_out_string(j, "level_since", day);
			json_out_end(j, '}');
		}
	json_out_end(j, ']');
}

static void put_model(struct json_out *j, const struct history *h, const struct forecast *f)
{
	char day[16], text[DECIMAL_TEXT_MAX];
	bool cut;
	json_out_bool(j, "seasonal", f->model.seasonal);
	json_out_string(j, "trend", f->trend > 0 ? "rising" : f->trend < 0 ? "falling" : "none");
	day_format(h->first + (int64_t)f->model.first, day);
	json_out_string(j, "level_since", f->model.changed ? day : NULL);
	/* percent a day, for people */
	struct decimal growth = { llround(expm1(f->model.growth) * 1e6), 4 };
	json_out_string(j, "growth_percent_per_day",
			decimal_format(decimal_round_places(growth, 2, &cut), text));
	if (h->used)
		put_streams(j, h, f);
}

static void put_coming_model(struct json_out *j, const struct coming_model *m)
{
	json_out_object(j, NULL);
	json_out_text(j, "model", m->model);
	json_out_object(j, "tokens");
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (b < BUCKET_COMMON || m->tokens[b])
			json_out_int(j, bucket_name((enum bucket)b), (int64_t)m->tokens[b]);
	json_out_end(j, '}');
	json_out_money(j, "cost", m->cost);
	json_out_end(j, '}');
}

static void put_changes(struct json_out *j, const struct outlook *x)
{
	char day[16];
	json_out_array(j, "price_changes");
	for (size_t k = 0; k < x->coming.changes; k++) {
		day_format(x->asked.today + x->options.first_day + (int64_t)x->coming.changed[k],
			   day);
		json_out_string(j, NULL, day);
	}
	json_out_end(j, ']');
}

/* What comes on average: by model, by day, and when prices change. */
static void put_coming(struct json_out *j, const struct outlook *x)
{
	const struct coming *c = &x->coming;
	const struct usage_days_kept kept = usage_days_kept(x->history.used);
	const int64_t first = x->asked.today + x->options.first_day;
	char day[16];
	json_out_money(j, "expected", with_spent(&x->asked, c->sum));
	json_out_money(j, "expected_at_past_prices", with_spent(&x->asked, c->at_past_prices));
	json_out_array(j, "by_model");
	for (size_t m = 0; m < c->models; m++)
		put_coming_model(j, &c->model[m]);
	json_out_end(j, ']');
	json_out_array(j, "by_day");
	for (size_t k = 0; k < c->days; k++) {
		json_out_object(j, NULL);
		day_format(first + (int64_t)k, day);
		json_out_string(j, "day", day);
		json_out_money(j, "cost", c->day[k]);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	put_changes(j, x);
	json_out_int(j, "calls_at_past_prices", kept.records);
}

static void put_allowed(struct json_out *j, const struct asked *a, const struct forecast *f)
{
	char text[DECIMAL_TEXT_MAX], day[16];
	json_out_money(j, is_of_credits(a->q) ? "credits" : "budget", a->allowed);
	ratio_format(f->over, f->draws, 4, text);
	json_out_string(j, "probability_of_overrun", text);
	json_out_object(j, "exhausted");
	for (size_t i = 0; i < sizeof permilles / sizeof *permilles; i++) {
		int64_t in = forecast_gone_at(f, permilles[i]);
		day_format(a->today + in, day);
		decimal_format((struct decimal){ permilles[i] / 10, 2 }, text);
		json_out_string(j, text, in == FORECAST_DAYS_FAR ? NULL : day);
	}
	json_out_end(j, '}');
}

/* What the forecast of the last weeks would have said, and by how much its middle was wrong. */
static void put_check_json(struct json_out *j, const struct forecast_check *check)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, "back_test");
	json_out_int(j, "days", CHECK_DAYS);
	json_out_money(j, "0.05", check->low);
	json_out_money(j, "0.5", check->middle);
	json_out_money(j, "0.95", check->high);
	json_out_money(j, "real", check->real);
	if (check->real.atto > 0 &&
	    ratio_format(check->middle.atto - check->real.atto, check->real.atto, 4, text))
		json_out_string(j, "error", text);
	else
		json_out_null(j, "error");
	json_out_end(j, '}');
}

static void put_json(struct json_out *j, const struct outlook *x)
{
	const struct asked *a = &x->asked;
	const struct forecast *f = &x->forecast;
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.forecast/1");
	json_out_string(j, "currency", a->currency);
	json_out_instant(j, "now", a->q->now);
	json_out_instant(j, "since", a->q->since);
	json_out_instant(j, "by", a->q->by);
	json_out_int(j, "history_days", x->history.count);
	if (a->q->move_to) {
		json_out_object(j, "move");
		if (a->q->move_model.n)
			json_out_text(j, "model", a->q->move_model);
		else
			json_out_null(j, "model");
		json_out_string(j, "to", a->q->move_to);
		json_out_instant(j, "on", a->q->move_on);
		json_out_bool(j, "moves_nothing", x->history.moves_nothing);
		json_out_end(j, '}');
	}
	if (a->q->plan)
		json_out_string(j, "plan", a->q->plan);
	put_model(j, &x->history, f);
	json_out_int(j, "unpriced", x->history.unpriced);
	json_out_int(j, "placeholders", x->history.placeholders);
	if (is_of_credits(a->q))
		json_out_int(j, "uncovered", x->history.uncovered);
	if (!is_of_credits(a->q))
		json_out_money(j, "spent", a->spent);
	json_out_object(j, "quantiles");
	for (size_t i = 0; i < sizeof permilles / sizeof *permilles; i++)
		json_out_money(j, decimal_format((struct decimal){ permilles[i] / 10, 2 }, text),
			       with_spent(a, forecast_sum_at(f, permilles[i])));
	json_out_end(j, '}');
	if (is_of_credits(a->q))
		put_changes(j, x);
	else
		put_coming(j, x);
	if (a->has_allowed)
		put_allowed(j, a, f);
	if (x->has_check)
		put_check_json(j, &x->check);
	json_out_int(j, "draws", f->draws);
	json_out_end(j, '}');
}

static void put_short(struct buf *b, const struct asked *a, struct money_total m,
		      enum amount_bound bound)
{
	cents_text(b, m, is_of_credits(a->q) ? NULL : a->currency, bound);
}

static void put_line(const struct asked *a, const char *what, struct money_total m,
		     enum amount_bound bound)
{
	struct buf b = { 0 };
	put_short(&b, a, m, bound);
	printf("%-43s %16s\n", what, b.p);
	buf_release(&b);
}

enum { NAMES_TOLD = 5 };

/* Who is drawn apart, in words. */
static void tell_streams(const struct history *h, const struct forecast *f)
{
	char day[16], others[COUNT_WORDS_MAX];
	size_t told = 0, all = 0;
	for (size_t k = 0; k < f->streams; k++)
		all += f->stream[k].whos;
	for (size_t k = 0; k < f->streams; k++)
		for (size_t n = 0; n < f->stream[k].whos && told < NAMES_TOLD; n++, told++) {
			const size_t who = f->stream[k].who[n], first = f->stream[k].model.first;
			const struct text name = h->customer[who - 1];
			day_format(h->first + (int64_t)first, day);
			const char *what = what_changed(h, who, first);
			print_note("%s%.*s %s on %s: %s",
				   name.n ? "customer " : "usage without a customer", (int)name.n,
				   name.p, what, day,
				   strcmp(what, "left") == 0
					   ? "no more is expected"
					   : "only the days since then are drawn from");
		}
	if (all > told)
		print_note("likewise %s",
			   count_words(others, (int64_t)(all - told), "other customer"));
}

/* What the past days say, in words. */
static void put_story(const struct history *h, const struct forecast *f)
{
	const struct day_model *m = &f->model;
	struct buf b = { 0 };
	char day[16];
	char days[COUNT_WORDS_MAX];
	buf_printf(&b, "drawn from %s", count_words(days, h->count, "past day"));
	if (m->seasonal)
		buf_puts(&b, m->group[5] == 1 && m->group[4] == 0
				     ? "; weekends differ from working days"
				     : "; the weekdays differ");
	if (m->changed) {
		day_format(h->first + (int64_t)m->first, day);
		buf_printf(
			&b,
			"; the level or the mix of models changed, and only days from %s on are drawn from",
			day);
	}
	if (m->growth != 0)
		buf_printf(&b,
			   "; spending %s by %.1f %% a day, and is taken to level off within a "
			   "month",
			   m->growth > 0 ? "grows" : "falls", fabs(expm1(m->growth)) * 100);
	print_note("%s", b.p);
	tell_streams(h, f);
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
	char error[DECIMAL_TEXT_MAX] = "";
	const int128 off = (c->middle.atto - c->real.atto) * 100;
	if (c->real.atto > 0)
		ratio_format(off < 0 ? -off : off, c->real.atto, 1, error);
	print_note(
		"\n%d days ago it would have said %s for the days since (90 %% between %s and %s); "
		"they came to %s%s%s%s",
		CHECK_DAYS, middle.p, low.p, high.p, real.p, off && *error ? ": " : "",
		off ? error : "",
		!off || !*error ? ""
		: off < 0	? " % too little"
				: " % too much");
	buf_release(&low);
	buf_release(&middle);
	buf_release(&high);
	buf_release(&real);
}

static void tell_changes(const struct outlook *x)
{
	const struct coming *c = &x->coming;
	for (size_t k = 0; k < c->changes && k < 5; k++) {
		char day[16];
		day_format(x->asked.today + x->options.first_day + (int64_t)c->changed[k], day);
		print_note("%s change on %s",
			   is_of_credits(x->asked.q) ? "\nrates of credits" : "prices", day);
	}
}

/* Of credits: when rates change, whose they are, and what kept its own. */
static void put_rates(const struct outlook *x)
{
	const struct forecast_question *q = x->asked.q;
	const int64_t kept = credit_days_kept(x->history.credits);
	char calls[COUNT_WORDS_MAX], day[16];
	tell_changes(x);
	if (q->plan) {
		day_format(x->asked.today + x->options.first_day, day);
		print_note("\nin credits of plan %s from %s on, before any rounding", q->plan, day);
	}
	if (kept)
		print_note(
			"%s used tokens for which the plan has no rate at the target; they keep their own rates",
			count_words(calls, kept, "past call"));
}

/* Tokens and cost of each model, and what a change of price does. */
static void put_models(const struct outlook *x)
{
	static const struct table_column columns[] = { { "MODEL", false, true },
						       { "PROMPT", true, .leaves = 1 },
						       { "FROM CACHE", true, .leaves = 3 },
						       { "OUTPUT", true, .leaves = 2 },
						       { "COST ON AVERAGE", true, .money = true } };
	const struct coming *c = &x->coming;
	/* where everything moves, it moves to a model that nothing is known of */
	const bool moved = x->asked.q->move_to != NULL;
	const struct usage_days_kept kept = usage_days_kept(x->history.used);
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	struct buf b = { 0 };
	char calls[COUNT_WORDS_MAX];
	printf("\nto come on average:\n");
	for (size_t m = 0; m < c->models; m++) {
		const int128 *n = c->model[m].tokens;
		table_cell(t, c->model[m].model.p);
		put_count(&b, (int64_t)(n[BUCKET_INPUT] + n[BUCKET_CACHE_READ] +
					n[BUCKET_CACHE_WRITE_5M] + n[BUCKET_CACHE_WRITE_1H]));
		table_cell(t, b.p);
		put_count(&b, (int64_t)n[BUCKET_CACHE_READ]);
		table_cell(t, b.p);
		put_count(&b, (int64_t)n[BUCKET_OUTPUT]);
		table_cell(t, b.p);
		const bool lower =
			moved ? lacks(&x->history)
			      : dict_find(&x->history.lacking, c->model[m].model) != NULL;
		put_short(&b, &x->asked, c->model[m].cost, at_least(lower));
		table_cell(t, b.p);
	}
	table_print(t);
	table_close(t);
	tell_changes(x);
	if (c->sum.atto != c->at_past_prices.atto) {
		put_short(&b, &x->asked, c->at_past_prices, history_bound(&x->history));
		print_note("at the prices that past days were metered at it would be %s", b.p);
	}
	if (kept.records) {
		print_note("%s (most of %.*s) had a price that the book does not state, or states "
			   "none for coming days; they keep it",
			   count_words(calls, kept.records, "past call"), (int)kept.model.n,
			   kept.model.p);
	}
	buf_release(&b);
}

static void put_runs_out(const struct asked *a, const struct forecast *f, bool lower)
{
	char share[DECIMAL_TEXT_MAX], day[2][16];
	printf("\n");
	put_line(a, is_of_credits(a->q) ? "credits left" : "budget", a->allowed, EXACTLY);
	ratio_format((int128)f->over * 100, f->draws, 1, share);
	printf("\n%s%s %% of the draws exceed %s by then\n", lower ? "at least " : "", share,
	       is_of_credits(a->q) ? "them" : "the budget");
	int64_t median = forecast_gone_at(f, 500), early = forecast_gone_at(f, 50);
	day_format(a->today + median, day[0]);
	day_format(a->today + early, day[1]);
	if (median == FORECAST_DAYS_FAR)
		printf("at this pace it lasts more than ten years%s\n",
		       lower ? ", or less: what calls cost is a lower bound" : "");
	else
		printf("runs out on %s%s (in 5 %% of the draws by %s)\n", day[0],
		       lower ? " or earlier" : "", day[1]);
}

/* "A", "A (batch)", "5 % A and 95 % B", "A, and 5 % of it on B as well" */
static void put_route(struct buf *b, const struct planner_scenario *s)
{
	const struct planner_part *p = s->part;
	char share[2][DECIMAL_TEXT_MAX];
	for (int i = 0; i < s->parts && i < 2; i++)
		decimal_format((struct decimal){ p[i].share, 4 }, share[i]);
	if (s->parts == 1)
		buf_printf(b, "%s%s", p[0].model, *p[0].service_tier ? " (batch)" : "");
	else if (p[1].again)
		buf_printf(b, "%s, and %s %% of it on %s as well", p[0].model, share[1],
			   p[1].model);
	else
		buf_printf(b, "%s %% %s and %s %% %s", share[0], p[0].model, share[1], p[1].model);
}

static void put_move(const struct forecast_question *q, bool moves_nothing)
{
	const struct text from = q->move_model.n ? q->move_model : TEXT("everything");
	char day[16];
	if (!q->move_to)
		return;
	day_format(local_day(q->zone, q->move_on), day);
	struct buf to = { 0 };
	put_route(&to, &q->route);
	print_note(
		"from %s on, %.*s runs on %s: with the recorded tokens and cache hits, and cache writes as input where they are not billed%s",
		day, (int)from.n, from.p, to.p,
		q->route.parts > 1
			? "; shares are of the cost, because which calls would go where is not known"
			: "");
	buf_release(&to);
	if (moves_nothing)
		print_note("no past call ran on %.*s: nothing moves", (int)from.n, from.p);
	printf("\n");
}

/* Why it is a lower bound. */
static void tell_lacking(const struct asked *a, const struct history *h)
{
	char what[COUNT_WORDS_MAX];
	if (h->uncovered && a->q->plan)
		print_note(
			"\n%s that plan %s does not cover come to no credits, so all of this is a "
			"lower bound",
			count_words(what, h->uncovered, "past call"), a->q->plan);
	else if (h->uncovered)
		print_note(
			"\n%s that the plan does not cover drew no credits (tally status), so all "
			"of this is a lower bound",
			count_words(what, h->uncovered, "past call"));
	if (h->unpriced)
		print_note(
			"\n%s without a price (tally usage names them), so what rests on them is a "
			"lower bound",
			count_words(what, h->unpriced, "past call"));
	if (h->placeholders)
		print_note("\n%s of which a log has %s, so what rests on them is a lower bound",
			   count_words(what, h->placeholders, "past call"),
			   known_part(h->placeholders, h->unsaid));
	if (!lacks(h) && a->spent_lacks)
		print_note(
			"\ncalls of today without a price, or with only a part of it, make what is "
			"spent a lower bound (tally usage names them)");
}

static void put_text(const struct outlook *x)
{
	static const char *const names[] = { "5 %", "25 %", "half", "75 %", "95 %" };
	const struct asked *a = &x->asked;
	const struct history *h = &x->history;
	const bool lower = lacks(h) || a->spent_lacks;
	char by[INSTANT_TEXT_MAX], what[80];
	put_story(h, &x->forecast);
	instant_format(a->q->by, by);
	put_move(a->q, x->history.moves_nothing);
	if (!is_of_credits(a->q))
		put_line(a, "spent so far", a->spent, at_least(a->spent_lacks));
	for (size_t i = 0; i < sizeof permilles / sizeof *permilles; i++) {
		snprintf(what, sizeof what, "by %.10s, in %s of the draws at most", by, names[i]);
		put_line(a, what, with_spent(a, forecast_sum_at(&x->forecast, permilles[i])),
			 at_least(lower));
	}
	if (is_of_credits(a->q))
		put_rates(x);
	else
		put_models(x);
	if (x->has_check)
		put_check(a, &x->check);
	tell_lacking(a, h);
	if (a->has_allowed)
		put_runs_out(a, &x->forecast, lower);
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

/* Of past day i on day t: the tokens and the cost of each model, and what it was metered at. */
static void tell_day(void *user, size_t who, size_t i, size_t t, int128 *out)
{
	const struct history *h = user;
	const size_t models = usage_days_models(h->used);
	for (size_t m = 0; m < models; m++, out += BUCKET_COUNT + 1) {
		const int64_t *tokens = usage_days_tokens(h->used, who, h->cut + i, m);
		for (int b = 0; b < BUCKET_COUNT; b++)
			out[b] = tokens[b];
		out[BUCKET_COUNT] =
			usage_days_cost_of(h->used, who, h->cut + i, h->cut + t, m).atto;
	}
	*out = usage_days_metered(h->used, who, h->cut + i).atto;
}

/* Days on which prices are others than a week before, and stay so. */
static void find_changes(struct coming *c, const struct history *h, size_t first)
{
	c->changed = mem_alloc((c->days + 1) * sizeof *c->changed);
	for (size_t k = 0; k < c->days; k++) {
		const size_t t = first + k;
		if (t >= 7 && !same_prices(h, t, t - 7) && same_prices(h, t, t + 7) &&
		    (!c->changes || k > c->changed[c->changes - 1] + 6))
			c->changed[c->changes++] = k;
	}
}

static void look_at_models(struct outlook *x)
{
	struct history *h = &x->history;
	struct coming *c = &x->coming;
	const struct forecast_options *o = &x->options;
	c->models = usage_days_models(h->used);
	c->model = mem_zalloc((c->models + 1) * sizeof *c->model);
	c->day = mem_zalloc((c->days + 1) * sizeof *c->day);
	const struct forecast_value value = { c->models * (BUCKET_COUNT + 1) + 1, tell_day, h };
	struct forecast_mean *mean = mem_zalloc(2 * value.count * sizeof *mean),
			     *all = mean + value.count, sum = { 0 };
	for (size_t k = 0; k < c->days; k++) {
		struct forecast_mean day = { 0 };
		forecast_means(&x->forecast, o, o->first_day + (int64_t)k, &value, mean);
		for (size_t v = 0; v < value.count; v++)
			forecast_mean_add(&all[v], mean[v]);
		for (size_t m = 0; m < c->models; m++)
			forecast_mean_add(&day, mean[m * (BUCKET_COUNT + 1) + BUCKET_COUNT]);
		c->day[k].atto = forecast_mean_of(day);
		forecast_mean_add(&sum, day);
	}
	for (size_t m = 0; m < c->models; m++) {
		const struct forecast_mean *of = &all[m * (BUCKET_COUNT + 1)];
		for (int b = 0; b < BUCKET_COUNT; b++)
			c->model[m].tokens[b] = forecast_mean_of(of[b]);
		c->model[m].cost.atto = forecast_mean_of(of[BUCKET_COUNT]);
		c->model[m].model = usage_days_model(h->used, m);
	}
	c->sum.atto = forecast_mean_of(sum);
	c->at_past_prices.atto = forecast_mean_of(all[value.count - 1]);
	free(mean);
}

/* Where the records end, of a history without a day. */
static void tell_newest(struct store *s, const struct zone *zone, struct err *e)
{
	struct instant first, last;
	char day[16];
	bool any = false;
	if (usage_span(s, &first, &last, &any, NULL) != 0 || !any)
		return;
	day_format(zone_day(zone, last), day);
	err_context(e, "the newest record is dated %s, so a forecast as of now finds no history",
		    day);
}

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
	int rc = is_of_credits(q) ? read_credits(a, h, e) : read_money(a, h, e);
	if (rc == 0)
		rc = look_at_move(a, h, e);
	if (rc != 0)
		return rc;
	x->options = (struct forecast_options){
		.day = h->day,
		.days = (size_t)h->count,
		.at = h->used ? cost_on : credits_on,
		.at_user = h,
		.part = h->part,
		.parts = h->used ? usage_days_models(h->used) : 0,
		.whos = h->used ? usage_days_whos(h->used) : 0,
		.metered = h->metered,
		.first_weekday = weekday_of_day(h->first),
		.left = { a->allowed.atto - (is_of_credits(q) ? 0 : a->spent.atto) },
		.seed = (uint64_t)q->seed,
		.draws = q->draws,
	};
	set_period(&x->options, a, q->zone);
	rc = forecast_run(&x->forecast, &x->options, e);
	if (rc != 0 && x->options.days == 0 && h->uncovered)
		rc = err_set(e, ERR_UNPRICED, "%s covers none of the %lld past calls",
			     q->plan ? q->plan : "the account's plan", (long long)h->uncovered);
	else if (rc != 0 && x->options.days == 0)
		tell_newest(ledger_store(q->ledger), q->zone, e);
	x->has_check = rc == 0 && forecast_back_test(&x->check, &x->options, CHECK_DAYS);
	x->coming.days = (size_t)(x->options.last_day - x->options.first_day + 1);
	if (rc == 0)
		find_changes(&x->coming, h, x->options.days + (size_t)x->options.first_day);
	if (rc == 0 && h->used)
		look_at_models(x);
	return rc;
}

static void outlook_release(struct outlook *x, struct forecast_verdict *verdict)
{
	*verdict = (struct forecast_verdict){ .overrun_is_likely =
						      x->asked.has_allowed &&
						      x->forecast.over * 2 > x->forecast.draws,
					      .lacks = lacks(&x->history) || x->asked.spent_lacks };
	forecast_release(&x->forecast);
	usage_days_close(x->history.used);
	credit_days_close(x->history.credits);
	drawer_close(x->history.drawer);
	dict_release(&x->history.lacking);
	arena_release(&x->history.names);
	free(x->history.day);
	free(x->history.metered);
	free(x->history.part);
	free(x->coming.model);
	free(x->coming.day);
	free(x->coming.changed);
}

struct forecast_question forecast_question_of(struct ledger *l, const struct zone *z,
					      struct instant now)
{
	struct forecast_question q = {
		.ledger = l, .zone = z, .now = now, .history = 56, .draws = 10000, .seed = 1
	};
	const struct period month = cycle_period(z, 1, now);
	q.since = month.from;
	q.by = month.to;
	return q;
}

void forecast_question_release(struct forecast_question *q)
{
	arena_release(&q->texts);
}

/* MODEL=TO: the model before a sign that stands before any colon of a route. */
static const char *model_ends(const char *move)
{
	const char *equals = strchr(move, '=');
	return equals && !memchr(move, ':', (size_t)(equals - move)) ? equals : NULL;
}

int forecast_move_parse(struct forecast_question *q, const char *move, const char *currency,
			struct err *e)
{
	const char *equals = model_ends(move);
	const struct plan_range *share = &q->route.share;
	struct price_match m;
	const size_t n = equals ? (size_t)(equals - move) : 0;
	q->move_model = (struct text){ arena_text(&q->texts, move, n), n };
	q->move_to = equals ? equals + 1 : move;
	if (!q->move_on.us)
		q->move_on = zone_midnight(q->zone, zone_day(q->zone, q->now) + 1);
	struct err why;
	int rc = planner_scenario_parse(&q->route, q->move_to, &q->texts, &why);
	if (rc != 0)
		rc = err_set(e, ERR_USAGE, "%s", why.message);
	if (rc == 0 && share->at[PLAN_LOW] != share->at[PLAN_HIGH])
		rc = err_set(e, ERR_USAGE, "'%s': a forecast takes one share, not a range",
			     q->move_to);
	for (int i = 0; rc == 0 && i < q->route.parts; i++) {
		const struct price_query ask = { .model = text_of(q->route.part[i].model),
						 .service_tier =
							 text_of(q->route.part[i].service_tier),
						 .currency = currency,
						 .at = q->move_on };
		rc = book_find(q->book, &ask, &m, e);
	}
	return rc;
}

int forecast_question_check(const struct forecast_question *q, struct err *e)
{
	if (q->by.us <= q->now.us)
		return err_set(e, ERR_USAGE,
			       ASKED("by") " (or " ASKED(
				       "until") ") is in the past: a forecast ends in the future");
	if (q->has_budget && is_of_credits(q))
		return err_set(e, ERR_USAGE, "give " ASKED("budget") " or %s, not both",
			       q->credits ? ASKED("credits") : ASKED("plan"));
	if (q->move_to && local_day(q->zone, q->move_on) <= local_day(q->zone, q->now))
		return err_set(e, ERR_USAGE, ASKED("move-on") " must lie in the future");
	if (q->credits && !q->plan && (q->project || q->model))
		return err_set(
			e, ERR_USAGE,
			"an account draws for all projects and models: leave out %s, or name a " ASKED(
				"plan"),
			q->project ? ASKED("project") : ASKED("model"));
	if (q->credits && !q->customer && (!q->plan || q->of_balance))
		return err_set(e, ERR_USAGE,
			       ASKED("credits") " needs " ASKED(
				       "customer") ": the account's plan sets how credits "
						   "are drawn");
	if (q->history < 1 || q->history > 3660 || q->draws < 100 || q->draws > 1000000)
		return err_set(
			e, ERR_USAGE,
			ASKED("history") " is 1 to 3660 days, " ASKED("draws") " 100 to 1,000,000");
	return 0;
}

int forecast_budget_parse(struct forecast_question *q, const char *text, struct err *e)
{
	struct decimal d;
	if (decimal_parse(&d, text_of(text), NULL) != 0 || d.digits < 0 ||
	    d.scale > MONEY_TOTAL_PLACES || d.digits > (int128)1000000000000000000)
		return err_set(e, ERR_USAGE, ASKED("budget") ": '%s' is not an amount", text);
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
		put_json(j, &x);
	outlook_release(&x, verdict);
	return rc;
}

int forecast_report_print(const struct forecast_question *q, struct forecast_verdict *verdict,
			  struct err *e)
{
	struct outlook x;
	int rc = look_ahead(&x, q, e);
	if (rc == 0)
		put_text(&x);
	outlook_release(&x, verdict);
	return rc;
}
