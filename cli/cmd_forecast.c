#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli/ledger_session.h"
#include "meter/billing/cycle.h"
#include "meter/store/usage_query.h"
#include "reports/amount.h"
#include "reports/json_out.h"
#include "sim/forecast.h"

static const struct option options[] = {
	{ "budget", 0, "AMOUNT",
	  "what may be spent from --since (default the month's begin) to --by", false },
	{ "credits", 0, "N|balance", "credits that are left, or what the customer's account has",
	  false },
	{ "by", 0, "DATE", "until the begin of that day (default the next month's)", false },
	{ "customer", 0, "NAME", "only this customer", false },
	{ "project", 0, "NAME", "only this project", false },
	{ "model", 'm', "MODEL", "only this model", false },
	{ "history", 0, "DAYS", "past days to draw from (default 56)", false },
	{ "now", 0, "WHEN", "forecast as of WHEN (default now)", false },
	{ "seed", 0, "N", "of the draws (default 1)", false },
	{ "draws", 0, "N", "how many (default 10000)", false },
	{ 0 },
};

struct asked {
	struct instant now, since, by;
	int64_t today; /* local day */
	int64_t history, draws, seed;
	bool credits;
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
	return floor_div(t.us + zone_offset(z, t, NULL) * US_PER_SECOND, US_PER_DAY);
}

/* Money by day, from the meter. */
static int read_money(struct cli *cli, struct store *s, const struct zone *z, struct asked *a,
		      struct history *h, struct err *e)
{
	static const enum usage_dim by_day[] = { USAGE_BY_DAY };
	struct usage_result *r;
	struct usage_filter f = { .since = cycle_midnight(z, h->first),
				  .until = cycle_midnight(z, a->today),
				  .customer = cli_value(cli, "customer"),
				  .project = cli_value(cli, "project"),
				  .model = cli_value(cli, "model") };
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
	f.since = a->since;
	f.until = a->now;
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
static int read_credits(struct cli *cli, struct ledger_session *s, const struct zone *z,
			struct asked *a, struct history *h, struct err *e)
{
	const char *customer = cli_value(cli, "customer"), *credits = cli_value(cli, "credits");
	const struct account *account;
	struct balance b;
	struct nano_credits left;
	struct credit_days x = { h, z, s->ledger, e, 0 };
	if (!customer)
		return err_set(e, ERR_USAGE,
			       "--credits needs --customer: credits are drawn by the plan of an "
			       "account");
	int rc = ledger_account(s->ledger, text_of(customer), &account, e);
	if (rc == 0 && strcmp(credits, "balance") == 0) {
		rc = ledger_balance(s->ledger, account, a->now, &b, e);
		left.nano = b.available.nano - b.held.nano;
	} else if (rc == 0) {
		rc = cli_credits_of("--credits", credits, &left, e);
	}
	if (rc != 0)
		return rc;
	a->allowed = (struct money_total){ (int128)left.nano * 1000000000 };
	a->has_allowed = true;
	snprintf(a->currency, sizeof a->currency, "credits");
	return ledger_each_txn(s->ledger, account->id, cycle_midnight(z, h->first),
			       cycle_midnight(z, a->today), add_draw, &x, e);
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

static int read_asked(struct cli *cli, const struct zone *z, struct asked *a, struct err *e)
{
	const char *budget = cli_value(cli, "budget"), *by = cli_value(cli, "by"),
		   *now = cli_value(cli, "now");
	struct instant until;
	struct decimal d;
	*a = (struct asked){ .now = clock_now(), .credits = cli_value(cli, "credits") != NULL };
	int rc = now ? cli_instant("now", now, z, &a->now, e) : 0;
	a->today = local_day(z, a->now);
	cycle_period(z, 1, a->now, &a->since, &a->by);
	if (rc == 0 && cli_value(cli, "since"))
		rc = cli_period(cli, z, &a->since, &until, e);
	if (rc == 0 && by)
		rc = cli_instant("by", by, z, &a->by, e);
	if (rc == 0 && a->by.us <= a->now.us)
		rc = err_set(e, ERR_USAGE, "--by is in the past");
	if (rc == 0 && budget && a->credits)
		rc = err_set(e, ERR_USAGE, "give --budget or --credits, not both");
	if (rc == 0 && budget) {
		if (decimal_parse(&d, text_of(budget), NULL) != 0 || d.digits < 0 || d.scale > 18)
			return err_set(e, ERR_USAGE, "--budget: '%s' is no amount", budget);
		a->allowed.atto = d.digits;
		for (int i = d.scale; i < MONEY_TOTAL_PLACES; i++)
			a->allowed.atto *= 10;
		a->has_allowed = true;
	}
	if (rc == 0)
		rc = cli_count(cli, "history", 56, &a->history, e);
	if (rc == 0)
		rc = cli_count(cli, "draws", 10000, &a->draws, e);
	if (rc == 0)
		rc = cli_count(cli, "seed", 1, &a->seed, e);
	if (rc == 0 &&
	    (a->history < 1 || a->history > 3660 || a->draws < 100 || a->draws > 1000000))
		rc = err_set(e, ERR_USAGE, "--history is 1 to 3660 days, --draws 100 to 1,000,000");
	return rc;
}

static void day_text(int64_t day, char out[16])
{
	struct civil c = civil_from_day(day);
	snprintf(out, 16, "%04d-%02d-%02d", c.year, c.month, c.day);
}

static const int permilles[] = { 50, 250, 500, 750, 950 };

static struct money_total with_spent(const struct asked *a, struct money_total m)
{
	if (!a->credits)
		m.atto += a->spent.atto;
	return m;
}

static void put_json(const struct asked *a, const struct history *h, const struct forecast *f)
{
	struct json_out j;
	char text[DECIMAL_TEXT_MAX], day[16];
	json_out_open(&j, stdout);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.forecast/1");
	json_out_string(&j, "currency", a->currency);
	json_out_instant(&j, "now", a->now);
	json_out_instant(&j, "since", a->since);
	json_out_instant(&j, "by", a->by);
	json_out_int(&j, "history_days", h->count);
	json_out_bool(&j, "seasonal", f->seasonal);
	json_out_string(&j, "trend", f->trend > 0 ? "rising" : f->trend < 0 ? "falling" : "none");
	json_out_int(&j, "unpriced", h->unpriced);
	if (!a->credits)
		json_out_money(&j, "spent", a->spent);
	json_out_object(&j, "quantiles");
	for (size_t i = 0; i < sizeof permilles / sizeof *permilles; i++)
		json_out_money(&j, decimal_format((struct decimal){ permilles[i] / 10, 2 }, text),
			       with_spent(a, forecast_sum_at(f, permilles[i])));
	json_out_end(&j, '}');
	if (a->has_allowed) {
		json_out_money(&j, a->credits ? "credits" : "budget", a->allowed);
		ratio_format(f->over, f->draws, 4, text);
		json_out_string(&j, "probability_of_overrun", text);
		json_out_object(&j, "exhausted");
		for (size_t i = 0; i < sizeof permilles / sizeof *permilles; i++) {
			int64_t in = forecast_gone_at(f, permilles[i]);
			day_text(a->today + in, day);
			decimal_format((struct decimal){ permilles[i] / 10, 2 }, text);
			json_out_string(&j, text, in == FORECAST_DAYS_FAR ? NULL : day);
		}
		json_out_end(&j, '}');
	}
	json_out_int(&j, "draws", f->draws);
	json_out_end(&j, '}');
	json_out_close(&j);
}

static void put_line(const struct asked *a, const char *what, struct money_total m)
{
	struct buf b = { 0 };
	char text[DECIMAL_TEXT_MAX];
	bool changed;
	decimal_format(decimal_round_places((struct decimal){ m.atto, MONEY_TOTAL_PLACES }, 2,
					    &changed),
		       text);
	put_amount(&b, text, a->credits ? "" : a->currency, false);
	printf("%-44s %16s\n", what, b.p);
	buf_release(&b);
}

static void put_text(const struct asked *a, const struct history *h, const struct forecast *f)
{
	static const char *const names[] = { "5 %", "25 %", "half", "75 %", "95 %" };
	char by[INSTANT_TEXT_MAX], what[80], share[DECIMAL_TEXT_MAX], day[2][16];
	printf("%lld past days%s%s%s\n\n", (long long)h->count,
	       f->seasonal ? "; the weekdays differ, and are drawn from their own" : "",
	       f->trend > 0 ? "; spending is rising, so this is low" : "",
	       f->trend < 0 ? "; spending is falling, so this is high" : "");
	instant_format(a->by, by);
	if (!a->credits)
		put_line(a, "spent so far", a->spent);
	for (size_t i = 0; i < sizeof permilles / sizeof *permilles; i++) {
		snprintf(what, sizeof what, "by %.10s, in %s of the draws at most", by, names[i]);
		put_line(a, what, with_spent(a, forecast_sum_at(f, permilles[i])));
	}
	if (!a->has_allowed)
		return;
	put_line(a, a->credits ? "credits left" : "budget", a->allowed);
	ratio_format((int128)f->over * 100, f->draws, 1, share);
	printf("\n%s %% of the draws go beyond %s by then\n", share,
	       a->credits ? "them" : "the budget");
	int64_t median = forecast_gone_at(f, 500), early = forecast_gone_at(f, 50);
	day_text(a->today + median, day[0]);
	day_text(a->today + early, day[1]);
	if (median == FORECAST_DAYS_FAR)
		printf("at this pace it lasts more than ten years\n");
	else
		printf("gone on %s (in 5 %% of the draws by %s)\n", day[0], day[1]);
}

static int run(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	struct zone *z = NULL;
	struct asked a;
	struct history h = { 0 };
	struct forecast f = { 0 };
	bool likely = false;
	int rc = cli_zone(cli, &z, e);
	if (rc == 0)
		rc = read_asked(cli, z, &a, e);
	if (rc == 0)
		rc = ledger_session_open(&s, cli, DB_READ, e);
	else
		s = (struct ledger_session){ 0 };
	if (rc == 0) {
		h.count = a.history;
		h.first = a.today - a.history;
		h.day = mem_zalloc((size_t)h.count * sizeof *h.day);
		rc = a.credits ? read_credits(cli, &s, z, &a, &h, e)
			       : read_money(cli, s.store, z, &a, &h, e);
	}
	if (rc == 0) {
		cut_front(&h);
		struct instant tomorrow = cycle_midnight(z, a.today + 1);
		int64_t end_day = local_day(z, (struct instant){ a.by.us - 1 });
		const struct forecast_options o = {
			.day = h.day,
			.days = (size_t)h.count,
			.first_weekday = weekday_of_day(h.first),
			.rest_of_today_s =
				((end_day > a.today ? tomorrow.us : a.by.us) - a.now.us) /
				US_PER_SECOND,
			.horizon_days = end_day - a.today,
			.left = { a.allowed.atto - (a.credits ? 0 : a.spent.atto) },
			.seed = (uint64_t)a.seed,
			.draws = a.draws
		};
		rc = forecast_run(&f, &o, e);
	}
	if (rc == 0) {
		if (cli->json)
			put_json(&a, &h, &f);
		else
			put_text(&a, &h, &f);
		likely = a.has_allowed && f.over * 2 > f.draws;
	}
	forecast_release(&f);
	free(h.day);
	rc = ledger_session_close(&s, rc, e);
	zone_close(z);
	return rc ? rc : likely ? 4 : 0;
}

const struct command command_forecast = {
	.name = "forecast",
	.summary = "what will be spent, and when a budget or the credits are gone",
	.arguments = "",
	.description =
		"Draws the coming days from past ones, from those of the same weekday where four "
		"weeks or more show that the weekdays differ. Quantiles are members of the sample. "
		"It "
		"knows nothing of growth: a trend in the history is told, not extrapolated. Exit "
		"status 4 when most draws go beyond the budget or the credits.",
	.examples = "  tally forecast --budget 2000\n"
		    "  tally forecast --credits balance --customer acme --by 2027-01-01\n",
	.options = options,
	.common = TAKES_DB | TAKES_PERIOD | TAKES_ZONE,
	.run = run,
};
