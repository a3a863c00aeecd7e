/*
 * Spending, limits and hard budgets: random interleavings of holds, settlements, releases, posts,
 * voids, expiry and changed amounts, of many customers, against a naive model that adds everything
 * up from the beginning; and after each step the bound of an overspend as docs/metering.md states
 * it. What of it fails prints its seed.
 */
#include "tests/unit/unit.h"

#include "meter/billing/budget.h"
#include "meter/billing/window.h"
#include "meter/check_store.h"
#include "meter/hold.h"
#include "meter/ingest/correct.h"
#include "meter/store/rollup.h"
#include "tests/support/test_database.h"

enum { HOLDS_MOST = 2000, RECORDS_MOST = 3000, SCOPES = 18, LIMITS = 3 };

static const char *const customers[] = { "c0", "c1", "c2", "c3" };
static const char *const projects[] = { "", "p0", "p1" };
static const char *const models[] = { "", "m0", "m1" };

/* What they are called: one that cards have, and one that none has. */
static const char *const spelled[2][8] = {
	{ "claude-opus-4-6", "Claude-Opus-4.6", "anthropic/claude-opus-4-6",
	  "us.anthropic.claude-opus-4-6-v1", "vertex_ai/claude-opus-4-6@20260101",
	  "claude-opus-4-6-latest", "openrouter/anthropic/claude-opus-4.6:free",
	  "claude-opus-4-6-thinking" },
	{ "house-1", "HOUSE-1", "acme/house-1", "house-1@20260101", "house-1-latest",
	  "azure/house-1", "openrouter/acme/house-1", "bedrock/us-east-1/house-1-2026-01-01" },
};

/* The naive model: what happened, as it happened. Amounts in pico. */
struct fact {
	const char *customer, *project, *model;
	int64_t time_us, amount;
	bool priced, voided, free; /* free: posted, or settled a hold that had expired */
};

struct reservation {
	const char *customer, *project, *model;
	int64_t created_us, expires_us, estimate;
	enum { OPEN, SETTLED, RELEASED } state;
	int fact; /* that settled it, or -1 */
	bool late;
};

/* Of a budget or, with a customer and nothing else, of a limit. */
struct scope {
	const char *customer, *project, *model, *period, *zone;
	int64_t amount, base; /* base: what the bound begins with */
	bool limit;
};

static struct world {
	uint64_t random;
	struct store *store;
	struct ledger *ledger;
	struct spending *spending;
	struct instant now;
	struct fact fact[RECORDS_MOST];
	struct reservation hold[HOLDS_MOST];
	struct scope scope[SCOPES];
	int facts, holds;
	int64_t admitted, refused;
} w;

static char folder[64];

static int64_t pick(int64_t n)
{
	return (int64_t)(unit_random(&w.random) >> 11) % n;
}

#define PICK(list) (list)[pick(COUNT(list))]

static struct text by_some_name(const char *model)
{
	return text_of(*model ? spelled[model[1] - '0'][pick(8)] : "");
}

static bool has(const char *wanted, const char *have)
{
	return !*wanted || strcmp(wanted, have) == 0;
}

/* Summer in Berlin, where the clock of these worlds comes to. */
static bool is_summer(int64_t us)
{
	static const int64_t change[] = { 1792890000, 1806195600, 1824944400, 1837645200 };
	bool summer = true;
	for (size_t i = 0; i < COUNT(change); i++)
		if (us >= change[i] * US_PER_SECOND)
			summer = i % 2;
	return summer;
}

static int64_t offset_of(const char *zone, int64_t us)
{
	if (strcmp(zone, "Europe/Berlin") == 0)
		return (is_summer(us) ? 2 : 1) * US_PER_HOUR;
	return strcmp(zone, "+08:00") == 0   ? 8 * US_PER_HOUR
	       : strcmp(zone, "+05:30") == 0 ? 11 * US_PER_HOUR / 2
					     : 0;
}

/* When a clock there shows it first. */
static int64_t when(const char *zone, int64_t local)
{
	const int64_t us = local - 2 * US_PER_HOUR;
	return strcmp(zone, "Europe/Berlin") == 0 && is_summer(us) ? us
	       : strcmp(zone, "Europe/Berlin") == 0		   ? local - US_PER_HOUR
								   : local - offset_of(zone, 0);
}

static void period_of(const struct scope *s, int64_t *from, int64_t *to)
{
	const int64_t local = w.now.us + offset_of(s->zone, w.now.us);
	int64_t day = floor_div(local, US_PER_DAY), end = day + 1;
	if (strcmp(s->period, "ever") == 0) {
		*from = INT64_MIN;
		*to = INT64_MAX;
		return;
	}
	if (strcmp(s->period, "rolling 30h") == 0) {
		const int64_t quarter = 15 * 60 * US_PER_SECOND;
		*from = floor_div(w.now.us - 30 * US_PER_HOUR, quarter) * quarter;
		*to = INT64_MAX;
		return;
	}
	if (strcmp(s->period, "5h") == 0 || strcmp(s->period, "hour") == 0) {
		const int64_t each = s->period[0] == '5' ? 5 : 1,
			      hour = floor_div(local, US_PER_HOUR) - day * 24,
			      first = hour / each * each, last = first + each;
		*from = when(s->zone, day * US_PER_DAY + first * US_PER_HOUR);
		*to = when(s->zone, day * US_PER_DAY + (last < 24 ? last : 24) * US_PER_HOUR);
		return;
	}
	if (strcmp(s->period, "week") == 0) {
		day -= (day + 3) % 7; /* 1970-01-01 was a Thursday */
		end = day + 7;
	}
	if (strcmp(s->period, "month") == 0) {
		struct civil c = civil_from_day(day);
		c.day = 1;
		day = civil_to_day(c);
		c.month++;
		if (c.month > 12)
			c = (struct civil){ .year = c.year + 1, .month = 1, .day = 1 };
		end = civil_to_day(c);
	}
	*from = when(s->zone, day * US_PER_DAY);
	*to = when(s->zone, end * US_PER_DAY);
}

/* What counts within a scope now, and what the bound allows. */
struct naive {
	int64_t spent, held, bound;
};

static struct naive add_up(const struct scope *s)
{
	int64_t from, to, excess = 0, unheld = 0;
	struct naive n = { 0 };
	static int64_t shown[RECORDS_MOST];
	period_of(s, &from, &to);
	for (int i = 0; i < w.facts; i++) {
		const struct fact *f = &w.fact[i];
		bool here = has(s->customer, f->customer) && has(s->project, f->project) &&
			    has(s->model, f->model) && f->time_us >= from && f->time_us < to;
		shown[i] = here && f->priced && !f->voided ? f->amount : 0;
		n.spent += shown[i];
		unheld += f->free ? shown[i] : 0;
	}
	for (int i = 0; i < w.holds; i++) {
		const struct reservation *h = &w.hold[i];
		const struct fact *f = h->fact >= 0 ? &w.fact[h->fact] : NULL;
		bool here = has(s->customer, h->customer) && has(s->project, h->project) &&
			    has(s->model, h->model);
		if (here && h->state == OPEN && h->expires_us > w.now.us)
			n.held += h->estimate;
		if (!f)
			continue;
		int64_t counted = shown[h->fact];
		if (here && h->created_us >= from && h->created_us < to && !f->voided && !counted)
			counted = f->priced ? f->amount : h->estimate;
		n.spent += counted - shown[h->fact];
		if (!here || h->late)
			unheld += f->free ? counted - shown[h->fact] : counted;
		else if (counted > h->estimate)
			excess += counted - h->estimate;
	}
	n.bound = s->base + excess + unheld;
	return n;
}

static void must(int rc, const struct err *e)
{
	if (rc != 0)
		fail_msg("%s", e->message);
}

static void set_scope(struct scope *s, int64_t amount)
{
	struct err e = { 0 };
	char name[24];
	snprintf(name, sizeof name, "b%d", (int)(s - w.scope));
	s->amount = amount;
	if (s->limit)
		must(limit_set(w.store,
			       &(struct spending_limit){ text_of(s->customer),
							 TEXT("USD"),
							 text_of(s->period),
							 text_of(s->zone),
							 { amount } },
			       w.now, &e),
		     &e);
	else
		must(budget_set(w.store,
				&(struct budget){ .name = text_of(name),
						  .customer = text_of(s->customer),
						  .project = text_of(s->project),
						  .model = by_some_name(s->model),
						  .currency = TEXT("USD"),
						  .period = text_of(s->period),
						  .zone = text_of(s->zone),
						  .amount = { amount },
						  .soft = { 80 },
						  .soft_count = 1,
						  .hard = true },
				w.now, &e),
		     &e);
	struct naive n = add_up(s);
	s->base = n.spent + n.held > amount ? n.spent + n.held : amount;
}

static int add_fact(const struct fact *wanted)
{
	struct err e = { 0 };
	struct usage_row row = { .kind = USAGE_RECORD };
	struct fee fees[1 + UNIT_COUNT] = { { FEE_PER_REQUEST, { 7 }, 1 } };
	struct fact *f = &w.fact[w.facts];
	const int unit = (int)pick(UNIT_COUNT);
	assert_true(w.facts < RECORDS_MOST);
	*f = *wanted;
	struct stored_price price = { .ref = TEXT("p"),
				      .vendor = TEXT("v"),
				      .model = text_of(*f->model ? spelled[f->model[1] - '0'][0]
								 : ""),
				      .window = TEXT(""),
				      .currency = TEXT("USD"),
				      .fee = fees,
				      .fee_count = COUNT(fees),
				      .reason = TEXT("") };
	char id[24];
	for (int u = 0; u < UNIT_COUNT; u++)
		fees[1 + u] = (struct fee){ unit_name((enum unit)u), { 500 }, 1 };
	snprintf(id, sizeof id, "r%d", w.facts);
	price.rates.known = 1u << BUCKET_INPUT | 1u << BUCKET_OUTPUT | 1u << BUCKET_INPUT_AUDIO;
	price.rates.per_million[BUCKET_INPUT] = (struct money){ 1000000 };
	price.rates.per_million[BUCKET_OUTPUT] = (struct money){ 5000000 };
	price.rates.per_million[BUCKET_INPUT_AUDIO] = (struct money){ 3000000 };
	if (!f->priced)
		price = stored_price_none(TEXT("m"), "no card names it");
	record_clear(&row.record);
	row.record.text[FIELD_ID] = text_of(id);
	row.record.text[FIELD_CUSTOMER] = text_of(f->customer);
	row.record.text[FIELD_PROJECT] = text_of(f->project);
	row.record.text[FIELD_MODEL] = by_some_name(f->model);
	row.record.time_us = f->time_us;
	/* the amount, out of common and rare tokens, a unit and requests */
	row.record.requests = 1 + pick(2);
	int64_t rest = f->amount - 7 * row.record.requests;
	row.record.units[unit] = rest > 500 && pick(2) ? 1 : 0;
	rest -= 500 * row.record.units[unit];
	row.record.tokens[BUCKET_INPUT_AUDIO] = pick(2) ? rest / 3 : 0;
	rest -= 3 * row.record.tokens[BUCKET_INPUT_AUDIO];
	row.record.tokens[BUCKET_OUTPUT] = pick(2) ? rest / 5 : 0;
	row.record.tokens[BUCKET_INPUT] = rest - 5 * row.record.tokens[BUCKET_OUTPUT];
	must(store_series(w.store, &row.record, &row.series, &e), &e);
	must(store_price(w.store, &price, &row.price, &e), &e);
	must(store_origin(w.store, "test", "test", "test", &row.origin, &e), &e);
	must(store_append(w.store, &row, &e), &e);
	return w.facts++;
}

/* When a call is: now, at another time of the month, in another month. */
static int64_t some_time(void)
{
	switch (pick(5)) {
	case 0:
		return w.now.us - pick(50) * US_PER_DAY;
	case 1:
		return w.now.us + pick(3) * US_PER_DAY / 2;
	default:
		return w.now.us;
	}
}

static void do_hold(void)
{
	struct err e = { 0 };
	struct standing after;
	char id[24];
	if (w.holds == HOLDS_MOST)
		return;
	struct reservation *h = &w.hold[w.holds];
	*h = (struct reservation){ PICK(customers), PICK(projects), PICK(models), w.now.us, 0,
				   1 + pick(3000),  OPEN,	    -1,		  false };
	h->expires_us = w.now.us + (1 + pick(3600)) * US_PER_SECOND;
	bool fits = true;
	for (int i = 0; i < SCOPES; i++) {
		const struct scope *s = &w.scope[i];
		struct naive n = add_up(s);
		if (has(s->customer, h->customer) && has(s->project, h->project) &&
		    has(s->model, h->model))
			fits &= n.spent + n.held + h->estimate <= s->amount;
	}
	snprintf(id, sizeof id, "h%d", w.holds);
	int rc = hold_open(w.spending, w.ledger,
			   &(struct hold){ .id = text_of(id),
					   .customer = text_of(h->customer),
					   .project = text_of(h->project),
					   .model = by_some_name(h->model),
					   .currency = TEXT("USD"),
					   .request = TEXT("{}"),
					   .amount = { h->estimate },
					   .expires = { h->expires_us } },
			   w.now, &after, &e);
	if (rc != 0 && e.code != ERR_LIMIT)
		fail_msg("%s", e.message);
	if ((rc == 0) != fits)
		fail_msg("hold %d: %s", w.holds, fits ? e.message : "was admitted");
	if (rc == 0)
		w.holds++;
	*(rc == 0 ? &w.admitted : &w.refused) += 1;
}

static void do_settle(struct reservation *h)
{
	struct err e = { 0 };
	char id[24], usage[24];
	if (h->state != OPEN || h->fact >= 0)
		return;
	/* expired and marked so, or by its instant only: it is settled late */
	const bool late = h->expires_us <= w.now.us;
	int64_t expired;
	if (late)
		must(hold_expire(w.spending, w.now, &expired, &e), &e);
	h->late = late;
	h->fact = add_fact(&(struct fact){
		pick(9) ? h->customer : PICK(customers), pick(9) ? h->project : PICK(projects),
		pick(9) ? h->model : PICK(models), some_time(),
		600 + h->estimate * (1 + pick(5)) / 4, pick(6) != 0, false, late });
	h->state = late ? OPEN : SETTLED;
	snprintf(id, sizeof id, "h%d", (int)(h - w.hold));
	snprintf(usage, sizeof usage, "r%d", h->fact);
	must(hold_end(w.spending, text_of(id), "settled", text_of(usage), w.now, &e), &e);
}

static void do_release(struct reservation *h)
{
	struct err e = { 0 };
	char id[24];
	if (h->state != OPEN || h->expires_us <= w.now.us || h->fact >= 0)
		return;
	snprintf(id, sizeof id, "h%d", (int)(h - w.hold));
	must(hold_end(w.spending, text_of(id), "released", TEXT(""), w.now, &e), &e);
	h->state = RELEASED;
}

static void do_void(void)
{
	struct err e = { 0 };
	char id[24];
	int k = w.facts ? (int)pick(w.facts) : 0;
	if (!w.facts || w.fact[k].voided)
		return;
	snprintf(id, sizeof id, "r%d", k);
	must(correct_void(w.store, id, "test", &e), &e);
	w.fact[k].voided = true;
}

static void step(void)
{
	struct err e = { 0 };
	int64_t n;
	struct reservation *some = w.holds ? &w.hold[pick(w.holds)] : NULL;
	w.now.us += pick(20) ? pick(600) * US_PER_SECOND : pick(12) * US_PER_DAY;
	must(store_begin(w.store, w.now, &e), &e);
	must(ledger_begin(w.ledger, &e), &e);
	switch (pick(12)) {
	case 0:
	case 1:
	case 2:
	case 3:
		do_hold();
		break;
	case 4:
	case 5:
	case 6:
		/* mostly of the last ones, which are open */
		for (int i = w.holds - 1; i >= 0 && i >= w.holds - 6; i--)
			if (pick(3) == 0)
				do_settle(&w.hold[i]);
		break;
	case 7:
		if (some)
			do_release(some);
		break;
	case 8:
		add_fact(&(struct fact){ PICK(customers), PICK(projects), PICK(models), some_time(),
					 600 + pick(900), pick(4) != 0, false, true });
		break;
	case 9:
		do_void();
		break;
	case 10:
		must(hold_expire(w.spending, w.now, &n, &e), &e);
		must(rollup_catch_up(w.store, pick(3) * 10, &e), &e);
		break;
	default: {
		struct scope *s = &w.scope[pick(SCOPES)];
		struct naive was = add_up(s);
		set_scope(s, was.spent + was.held + 1 + pick(9000));
	}
	}
	must(ledger_end(w.ledger, &e), &e);
	must(store_commit(w.store, &e), &e);
}

static void check_scopes(int at)
{
	struct err e = { 0 };
	for (int i = 0; i < SCOPES; i++) {
		const struct scope *s = &w.scope[i];
		struct scope_state got;
		const struct naive n = add_up(s);
		must(spending_of(w.spending,
				 &(struct spending_scope){ text_of(s->customer),
							   text_of(s->project),
							   by_some_name(s->model), TEXT("USD"),
							   text_of(s->period), text_of(s->zone) },
				 w.now, &got, &e),
		     &e);
		if (got.spent.atto != (int128)n.spent * 1000000 ||
		    got.held.atto != (int128)n.held * 1000000)
			fail_msg("step %d, scope %d: spent %lld, held %lld; the model %lld, %lld",
				 at, i, (long long)(got.spent.atto / 1000000),
				 (long long)(got.held.atto / 1000000), (long long)n.spent,
				 (long long)n.held);
		if (n.spent + n.held > n.bound)
			fail_msg("step %d, scope %d: spent %lld and held %lld pass the bound %lld",
				 at, i, (long long)n.spent, (long long)n.held, (long long)n.bound);
	}
}

static void open_world(uint64_t seed, bool keeps)
{
	static const struct scope scopes[SCOPES] = {
		{ "c0", "", "", "month", "UTC", 9000, 0, true },
		{ "c1", "", "", "day", "UTC", 6000, 0, true },
		{ "c2", "", "", "ever", "UTC", 20000, 0, true },
		{ "", "", "", "month", "UTC", 30000, 0, false },
		{ "", "", "", "day", "+08:00", 20000, 0, false },
		{ "", "p0", "", "month", "+08:00", 9000, 0, false },
		{ "", "", "m1", "ever", "UTC", 20000, 0, false },
		{ "c3", "p1", "", "day", "UTC", 5000, 0, false },
		{ "c1", "", "m0", "month", "UTC", 5000, 0, false },
		{ "c1", "", "", "5h", "+05:30", 3000, 0, true },
		{ "c0", "", "", "rolling 30h", "UTC", 5000, 0, true },
		{ "", "p1", "", "rolling 30h", "UTC", 9000, 0, false },
		{ "", "", "m0", "week", "+08:00", 20000, 0, false },
		/* with the two of it above, all kinds of window at once, over changed clocks */
		{ "c0", "", "", "hour", "Europe/Berlin", 3500, 0, true },
		{ "c0", "", "", "5h", "Europe/Berlin", 4000, 0, true },
		{ "c0", "", "", "day", "Europe/Berlin", 4500, 0, true },
		{ "c0", "", "", "week", "Europe/Berlin", 6000, 0, true },
		{ "", "", "", "5h", "Europe/Berlin", 20000, 0, false },
	};
	struct err e = { 0 };
	char path[100];
	memset(&w, 0, sizeof w);
	w.random = seed;
	/* forty minutes before clocks change, in autumn or in spring */
	w.now.us = (keeps ? INT64_C(1792887600) : INT64_C(1806193200)) * US_PER_SECOND;
	memcpy(w.scope, scopes, sizeof scopes);
	strcpy(folder, "/tmp/tally-spending-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/t.db", folder);
	test_database_forget(path);
	must(store_open(&w.store, test_database(path), DB_CREATE, &e), &e);
	must(ledger_open(&w.ledger, w.store, &e), &e);
	w.spending = spending_open(w.store);
	if (keeps) /* sums of what is held are kept, or added up */
		spending_keep_held(w.spending);
	must(store_begin(w.store, w.now, &e), &e);
	for (int i = 0; i < SCOPES; i++)
		set_scope(&w.scope[i], w.scope[i].amount);
	must(store_commit(w.store, &e), &e);
}

static void close_world(void)
{
	char command[100];
	spending_close(w.spending);
	ledger_close(w.ledger);
	store_close(w.store);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

static void admitted_stays_within_the_bound(void **state)
{
	const char *longer = getenv("TALLY_SPENDING_STEPS");
	const int steps = longer ? atoi(longer) : test_on_server() ? 300 : 1200;
	uint64_t seed = unit_seed();
	struct store_check check;
	struct err e = { 0 };
	(void)state;
	for (int run = 0; run < 3; run++) {
		open_world(seed + (uint64_t)run * 1000003, run != 1);
		for (int i = 0; i < steps && w.facts < RECORDS_MOST - 8; i++) {
			step();
			check_scopes(i);
		}
		/* asked for the first time, it is the same */
		spending_close(w.spending);
		w.spending = spending_open(w.store);
		check_scopes(-1);
		must(store_check(w.store, &check, &e), &e);
		if (check.faults)
			fail_msg("%s", check.fault[0]);
		print_message("# %lld holds admitted, %lld refused, %d records\n",
			      (long long)w.admitted, (long long)w.refused, w.facts);
		assert_true(w.admitted > steps / 50 && w.refused > 0);
		close_world();
	}
}

/* Where windows begin and end, by hand. */
static void windows_begin_where_the_clock_says(void **state)
{
	static const struct {
		const char *window, *zone, *now, *from, *to;
	} cases[] = {
		{ "ever", "UTC", "2026-03-05T10:40:00Z", NULL, NULL },
		{ "hour", "Asia/Kolkata", "2026-03-05T10:40:00Z", "2026-03-05T10:30:00Z",
		  "2026-03-05T11:30:00Z" },
		{ "5h", "America/New_York", "2026-07-01T03:59:00Z", "2026-07-01T00:00:00Z",
		  "2026-07-01T04:00:00Z" },
		{ "5h", "UTC", "2026-07-01T05:00:00Z", "2026-07-01T05:00:00Z",
		  "2026-07-01T10:00:00Z" },
		/* the night of 29 March has 23 hours: 0 o'clock is 23:00Z, 5 o'clock 03:00Z */
		{ "5h", "Europe/Berlin", "2026-03-29T02:59:00Z", "2026-03-28T23:00:00Z",
		  "2026-03-29T03:00:00Z" },
		/* 2 o'clock is skipped there: no window begins twice */
		{ "1h", "Europe/Berlin", "2026-03-29T01:10:00Z", "2026-03-29T01:00:00Z",
		  "2026-03-29T02:00:00Z" },
		{ "hour", "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T00:00:00Z",
		  "2026-10-25T02:00:00Z" }, /* comes twice, and is one */
		{ "day", "America/Havana", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z",
		  "2026-03-09T04:00:00Z" }, /* has no midnight */
		{ "day", "Australia/Lord_Howe", "2026-04-05T03:00:00Z", "2026-04-04T13:00:00Z",
		  "2026-04-05T13:30:00Z" }, /* clocks change by half an hour */
		{ "day", "Australia/Lord_Howe", "2026-10-04T03:00:00Z", "2026-10-03T13:30:00Z",
		  "2026-10-04T13:00:00Z" },
		{ "day", "Africa/Cairo", "2026-04-24T05:00:00Z", "2026-04-23T22:00:00Z",
		  "2026-04-24T21:00:00Z" }, /* no midnight */
		{ "day", "Africa/Cairo", "2026-10-29T10:00:00Z", "2026-10-28T21:00:00Z",
		  "2026-10-29T22:00:00Z" }, /* 23 o'clock twice */
		{ "2h", "Asia/Beirut", "2026-03-29T00:10:00Z", "2026-03-28T23:00:00Z",
		  "2026-03-29T01:00:00Z" }, /* no 0 o'clock: 2 to 4 */
		{ "day", "America/Santiago", "2026-09-06T12:00:00Z", "2026-09-06T04:00:00Z",
		  "2026-09-07T03:00:00Z" },
		{ "day", "Pacific/Apia", "2011-12-30T09:00:00Z", "2011-12-29T10:00:00Z",
		  "2011-12-30T10:00:00Z" }, /* the 30th is left out */
		{ "5h", "Asia/Kathmandu", "2026-06-10T20:00:00Z", "2026-06-10T18:15:00Z",
		  "2026-06-10T23:15:00Z" },
		{ "5h", "Europe/Berlin", "2026-10-25T22:59:59Z", "2026-10-25T19:00:00Z",
		  "2026-10-25T23:00:00Z" }, /* 20 to 24 */
		{ "month", "Asia/Kolkata", "2026-06-30T18:30:00Z", "2026-06-30T18:30:00Z",
		  "2026-07-31T18:30:00Z" },
		{ "week", "UTC", "2026-03-01T12:00:00Z", "2026-02-23T00:00:00Z",
		  "2026-03-02T00:00:00Z" },
		{ "quarter", "UTC", "2026-12-31T23:59:59Z", "2026-10-01T00:00:00Z",
		  "2027-01-01T00:00:00Z" },
		{ "year", "+08:00", "2026-12-31T16:00:00Z", "2026-12-31T16:00:00Z",
		  "2027-12-31T16:00:00Z" },
		{ "rolling 5h", "UTC", "2026-03-01T12:14:59Z", "2026-03-01T07:00:00Z", NULL },
		{ "rolling-30d", "UTC", "2026-03-31T00:00:00Z", "2026-03-01T00:00:00Z", NULL },
	};
	static const char *const wrong[] = {
		"",	      "5",	    "24h",	  "0h",	 "rolling", "rolling ",
		"rolling 5m", "rolling 0d", "rolling99d", "30d", "-1h",	    "rolling 9999w"
	};
	struct err e = { 0 };
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct window x;
		struct zone *z;
		struct instant now;
		char text[INSTANT_TEXT_MAX];
		must(window_parse(&x, text_of(cases[i].window), &e), &e);
		must(zone_open(&z, cases[i].zone, &e), &e);
		must(instant_parse(&now, text_of(cases[i].now), &e), &e);
		const struct window_span s = window_span(&x, z, now);
		if (cases[i].from)
			assert_string_equal(instant_format(s.from, text), cases[i].from);
		else
			assert_true(s.from.us == INSTANT_MIN.us);
		if (cases[i].to)
			assert_string_equal(instant_format(s.to, text), cases[i].to);
		else
			assert_true(s.to.us == INSTANT_MAX.us);
		assert_true(s.apart.us < s.from.us);
		zone_close(z);
	}
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct window x;
		assert_int_equal(window_parse(&x, text_of(wrong[i]), &e), -ERR_USAGE);
	}
	/* kept by one name */
	struct window same;
	must(window_parse(&same, TEXT("monthly"), &e), &e);
	assert_string_equal(same.text, "month");
	must(window_parse(&same, TEXT("hour"), &e), &e);
	assert_string_equal(same.text, "1h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_begin_where_the_clock_says),
		cmocka_unit_test(admitted_stays_within_the_bound),
	};
	return cmocka_run_group_tests_name("spending", tests, NULL, NULL);
}
