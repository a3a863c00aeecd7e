#include "sim/planner.h"

#include <stdlib.h>
#include <string.h>

#include "pricing/rate.h"

enum { QUARTERS = 96 };
#define US_PER_QUARTER (US_PER_HOUR / 4)

/* One call of a part, found or missed by the cache, at the price that holds until `until`. */
struct unit_call {
	struct usage usage;
	struct money_total cost;
	struct credits_total credits;
	struct instant until;
	bool asked, priced, covered;
};

/*
 * Whatever is counted is counted in parts of one. There are as many as make every share of a
 * quarter hour's calls a whole number of parts: a day's calls are whole millionths, a part of the
 * scenario has whole `share_unit`s of them, those that hit whole `hit_unit`s of these, and a
 * quarter hour one of `slots`.
 */
struct run {
	const struct planner_work *w;
	const struct planner_scenario *s;
	const struct planner_prices *by;
	struct planner_result *out;
	struct unit_call unit[PLANNER_PARTS_MAX][2];
	int64_t share_unit, hit_unit; /* divisors of SHARE_WHOLE */
	int slots;
	int128 one;
};

int planner_share_parse(int64_t *out, struct text s, int64_t least, int64_t most, struct err *e)
{
	struct decimal d;
	bool percent = s.n && s.p[s.n - 1] == '%';
	if (percent)
		s.n--;
	if (decimal_parse(&d, s, NULL) != 0 || !decimal_to_int64(d, percent ? 4 : 6, out) ||
	    *out < least || *out > most || (!percent && *out > SHARE_WHOLE))
		return err_set(e, ERR_INVALID,
			       "'%.*s%s' is not a share from %lld%% to %lld%% of at most four "
			       "decimals; write 5%% or 0.05",
			       (int)(s.n > 40 ? 40 : s.n), s.p, percent ? "%" : "",
			       (long long)(least / (SHARE_WHOLE / 100)),
			       (long long)(most / (SHARE_WHOLE / 100)));
	return 0;
}

/* The words of a spec between colons; returns how many, 5 for more than four. */
static int split(char *spec, char *word[4])
{
	int n = 0;
	for (char *next; (next = strsep(&spec, ":")); n++) {
		if (n == 4)
			return 5;
		word[n] = next;
	}
	return n;
}

static int share_value(void *user, struct text s, int64_t *out, struct err *e)
{
	(void)user;
	return planner_share_parse(out, s, 0, SHARE_WHOLE, e);
}

int planner_scenario_parse(struct planner_scenario *out, const char *spec, struct arena *arena,
			   struct err *e)
{
	char *text = arena_printf(arena, "%s", spec), *equals = strchr(text, '='), *word[4];
	*out = (struct planner_scenario){ .name = text };
	if (equals)
		*equals = 0;
	else
		out->name = arena_printf(arena, "%s", spec);
	int n = split(equals ? equals + 1 : text, word);
	const int64_t whole = SHARE_WHOLE;
	out->share = (struct plan_range){ { whole, whole, whole } };
	bool of_two = n == 4 && (strcmp(word[0], "share") == 0 || strcmp(word[0], "escalate") == 0);
	if (!(n == 1 && *word[0]) && !(n == 2 && strcmp(word[0], "batch") == 0) && !of_two)
		return err_set(e, ERR_INVALID,
			       "'%s' is not a scenario; write MODEL, batch:MODEL, share:5%%:A:B or "
			       "escalate:5%%:A:B",
			       spec);
	if (of_two) {
		int rc = plan_range_parse(&out->share, text_of(word[1]), share_value, NULL, e);
		if (rc != 0)
			return rc;
	}
	if (!of_two) {
		out->part[out->parts++] =
			(struct planner_part){ word[n - 1], n == 2 ? "batch" : "", whole, false };
		return 0;
	}
	const bool again = *word[0] == 'e';
	out->part[out->parts++] = (struct planner_part){ word[2], "", whole, false };
	out->part[out->parts++] = (struct planner_part){ word[3], "", whole, again };
	planner_scenario_take(out, PLAN_LIKELY);
	return 0;
}

void planner_scenario_take(struct planner_scenario *s, enum plan_end end)
{
	const int64_t share = s->share.at[end];
	if (s->parts < 2)
		return;
	if (s->part[1].again) {
		s->part[1].share = share;
	} else {
		s->part[0].share = share;
		s->part[1].share = SHARE_WHOLE - share;
	}
}

/* Whether writing into the cache has a price of its own; else what is written is plain input. */
static bool bills_writes(const struct rates *r)
{
	const struct money *price = r->per_million;
	return (r->known >> BUCKET_CACHE_WRITE_5M & 1) && price[BUCKET_CACHE_WRITE_5M].pico > 0 &&
	       price[BUCKET_CACHE_WRITE_5M].pico != price[BUCKET_INPUT].pico;
}

/* The tokens of a call as that price bills them. */
static struct usage call_usage(const struct planner_work *w, const struct tariff *t, bool hit)
{
	struct usage u = { .requests = 1 };
	u.tokens[BUCKET_INPUT] = w->input;
	u.tokens[BUCKET_OUTPUT] = w->output;
	if (hit)
		u.tokens[BUCKET_CACHE_READ] = w->cached;
	else if (t && bills_writes(&t->rates))
		u.tokens[BUCKET_CACHE_WRITE_5M] = w->cached;
	else
		u.tokens[BUCKET_INPUT] += w->cached;
	return u;
}

static void check_context(struct run *r, const char *model, const struct usage *u)
{
	const struct model_limits *limits = book_limits(r->by->book, model);
	int64_t prompt;
	if (limits && limits->context_tokens && usage_prompt(u, &prompt, NULL) == 0 &&
	    prompt + r->w->last_longer + u->tokens[BUCKET_OUTPUT] > limits->context_tokens)
		r->out->too_long = limits->model;
}

/* Asks the book once for each stretch of time in which its answer stays. */
static void ask(struct run *r, struct unit_call *u, const struct planner_part *p, bool hit,
		struct instant at)
{
	struct price_match m;
	struct rating rating;
	struct err why;
	struct price_query q = { .model = text_of(p->model),
				 .service_tier = text_of(p->service_tier),
				 .currency = r->by->currency,
				 .at = at };
	*u = (struct unit_call){ .asked = true };
	bool found = book_find(r->by->book, &q, &m, &why) == 0;
	u->until = m.until;
	u->usage = call_usage(r->w, found ? m.tariff : NULL, hit);
	if (!found || rate_usage(&rating, &u->usage, m.price, m.tariff, &why) != 0) {
		if (!r->out->unpriced.code)
			r->out->unpriced = why;
		return;
	}
	u->priced = true;
	u->cost = rating.total;
	check_context(r, m.price->model, &u->usage);
	if (!r->by->plan)
		return;
	struct credit_rates rates;
	struct plan_question of = { .book = r->by->book, .query = &q, .resolved = m.price->model };
	if (usage_prompt(&u->usage, &of.prompt_tokens, &why) == 0 &&
	    plan_rates(r->by->plan, &of, &rates, &u->until, &why) == 0 &&
	    credits_of(&rates, u->usage.counts, 1, &u->credits, &why) == 0)
		u->covered = true;
	else if (!r->out->uncovered.code)
		r->out->uncovered = why;
}

/* An instant, and the day that its calls are added to. */
struct slot {
	struct planner_parts *to;
	struct instant at;
};

static bool add(int128 *to, int128 more)
{
	return !__builtin_add_overflow(*to, more, to);
}

/* Adds amount x n / one: what is whole, and what is left in parts. */
static bool add_amount(const struct run *r, int128 *whole, int128 *rest, int128 amount, int128 n)
{
	const int128 common = greatest_common(n, r->one), times = n / common, by = r->one / common;
	int128 product, left;
	if (__builtin_mul_overflow(amount / by, times, &product) ||
	    __builtin_mul_overflow(amount % by, times, &left) || !add(whole, product) ||
	    !add(whole, left / by))
		return false;
	*rest += left % by * common;
	*whole += *rest / r->one;
	*rest %= r->one;
	return true;
}

/* n parts of a call more. */
static int add_calls(struct run *r, const struct slot *slot, int part, bool hit, int128 n,
		     struct err *e)
{
	struct planner_parts *to = slot->to;
	struct unit_call *u = &r->unit[part][hit];
	if (n == 0)
		return 0;
	if (!u->asked || slot->at.us >= u->until.us)
		ask(r, u, &r->s->part[part], hit, slot->at);
	bool fits = add_amount(r, &to->cost, &to->cost_rest, u->cost.atto, n) &&
		    add_amount(r, &to->credits, &to->credits_rest, u->credits.atto, n) &&
		    add(&to->requests, n);
	for (int b = 0; b < BUCKET_COMMON; b++) {
		int128 tokens;
		fits = fits && !__builtin_mul_overflow((int128)u->usage.tokens[b], n, &tokens) &&
		       add(&to->tokens[b], tokens);
	}
	if (!fits)
		return err_set(e, ERR_RANGE, "the plan is larger than a total can hold");
	to->unpriced += u->priced ? 0 : n;
	to->uncovered += r->by->plan && u->priced && !u->covered ? n : 0;
	return 0;
}

/* So many millionths of a call more, spread over the quarter hours of a day, at one of them. */
static int add_slot(struct run *r, const struct slot *slot, int128 millionths, struct err *e)
{
	const int128 shares = SHARE_WHOLE / r->share_unit, hits = SHARE_WHOLE / r->hit_unit,
		     hit = r->w->hit_ratio / r->hit_unit;
	int rc = 0;
	if (!add(&slot->to->calls, millionths * shares * hits))
		return err_set(e, ERR_RANGE, "the plan is larger than a total can hold");
	for (int p = 0; rc == 0 && p < r->s->parts; p++) {
		const int128 taken = millionths * (r->s->part[p].share / r->share_unit);
		rc = add_calls(r, slot, p, true, taken * hit, e);
		if (rc == 0)
			rc = add_calls(r, slot, p, false, taken * (hits - hit), e);
	}
	return rc;
}

static void take_units(struct run *r)
{
	int128 share = SHARE_WHOLE;
	for (int p = 0; p < r->s->parts; p++)
		share = greatest_common(share, r->s->part[p].share);
	r->share_unit = (int64_t)share;
	r->hit_unit = (int64_t)greatest_common(SHARE_WHOLE, r->w->hit_ratio);
	r->slots = (r->w->end_quarter - r->w->first_quarter + QUARTERS) % QUARTERS;
	r->slots = r->slots ? r->slots : QUARTERS;
	r->one = (int128)SHARE_WHOLE * (SHARE_WHOLE / r->share_unit) * (SHARE_WHOLE / r->hit_unit) *
		 r->slots;
}

/* Quarter hour q of a civil day, by the clock of the zone. */
static struct instant quarter(const struct zone *z, int64_t day, int q)
{
	struct instant utc = { day * US_PER_DAY + q * US_PER_QUARTER };
	struct instant t = { utc.us - zone_offset(z, utc, NULL) * US_PER_SECOND };
	t.us = utc.us - zone_offset(z, t, NULL) * US_PER_SECOND;
	return t;
}

static int add_day(struct run *r, struct planner_parts *to, int64_t day, int128 millionths,
		   struct err *e)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < r->slots; i++) {
		const int q = (r->w->first_quarter + i) % QUARTERS;
		rc = add_slot(r, &(struct slot){ to, quarter(r->w->zone, day, q) }, millionths, e);
	}
	return rc;
}

static int month_of(int64_t day)
{
	struct civil c = civil_from_day(day);
	return c.year * 12 + c.month;
}

static int add_parts(const struct run *r, struct planner_parts *to, const struct planner_parts *s,
		     struct err *e)
{
	bool fits = add(&to->calls, s->calls) && add(&to->requests, s->requests) &&
		    add(&to->unpriced, s->unpriced) && add(&to->uncovered, s->uncovered) &&
		    add(&to->cost, s->cost) && add(&to->credits, s->credits);
	for (int b = 0; b < BUCKET_COMMON; b++)
		fits = fits && add(&to->tokens[b], s->tokens[b]);
	to->cost_rest += s->cost_rest;
	to->credits_rest += s->credits_rest;
	fits = fits && add(&to->cost, to->cost_rest / r->one) &&
	       add(&to->credits, to->credits_rest / r->one);
	to->cost_rest %= r->one;
	to->credits_rest %= r->one;
	return fits ? 0 : err_set(e, ERR_RANGE, "the plan is larger than a total can hold");
}

/* As a whole number: the nearest, or the next. */
static bool settle_count(const struct run *r, int128 parts, bool next, int64_t *out)
{
	const int128 more = next ? r->one - 1 : r->one / 2;
	return !__builtin_add_overflow(parts, more, &parts) &&
	       !__builtin_add_overflow(parts / r->one, (int128)0, out);
}

/* The figures, each rounded once. */
static int settle(const struct run *r, struct planner_sums *s, struct err *e)
{
	const struct planner_parts *p = &s->parts;
	bool fits = settle_count(r, p->calls, false, &s->calls) &&
		    settle_count(r, p->requests, false, &s->requests) &&
		    settle_count(r, p->unpriced, true, &s->unpriced) &&
		    settle_count(r, p->uncovered, true, &s->uncovered);
	for (int b = 0; b < BUCKET_COMMON; b++)
		fits = fits && settle_count(r, p->tokens[b], false, &s->tokens[b]);
	s->calls_millionths = p->calls / (r->one / SHARE_WHOLE);
	fits = fits && money_total_add(&s->cost, (struct money_total){ p->cost }) &&
	       credits_add(&s->credits, (struct credits_total){ p->credits });
	s->cost.atto += p->cost_rest >= (r->one + 1) / 2;
	s->credits.atto += p->credits_rest >= (r->one + 1) / 2;
	return fits ? 0 : err_set(e, ERR_RANGE, "the plan is larger than a total can hold");
}

static int settle_all(const struct run *r, struct planner_result *out, struct err *e)
{
	int rc = settle(r, &out->total, e);
	for (size_t i = 0; rc == 0 && i < out->days; i++)
		rc = settle(r, &out->day[i], e);
	for (size_t i = 0; rc == 0 && i < out->months; i++)
		rc = settle(r, &out->month[i], e);
	for (size_t i = 0; rc == 0 && i < out->quarters; i++)
		rc = settle(r, &out->quarter[i], e);
	return rc;
}

/* The months of each quarter of the calendar. */
static int sum_quarters(const struct run *r, struct planner_result *out, struct err *e)
{
	int last = -1, rc = 0;
	for (size_t i = 0; rc == 0 && i < out->months; i++) {
		const int quarter = (month_of(out->month[i].day) - 1) / 3;
		if (quarter != last)
			out->quarter[out->quarters++].day = out->month[i].day;
		last = quarter;
		rc = add_parts(r, &out->quarter[out->quarters - 1].parts, &out->month[i].parts, e);
	}
	return rc;
}

int planner_run(struct planner_result *out, const struct planner_work *w,
		const struct planner_scenario *s, const struct planner_prices *prices,
		struct err *e)
{
	struct run r = { .w = w, .s = s, .by = prices, .out = out };
	/* calls a day in millionths, so that growth compounds without being rounded every month */
	int128 per_day = (int128)w->per_day * SHARE_WHOLE;
	int rc = 0, month = month_of(w->first_day);
	take_units(&r);
	*out = (struct planner_result){ .total.day = w->first_day };
	out->day = mem_zalloc((size_t)(w->days + 1) * sizeof *out->day);
	out->month = mem_zalloc((size_t)(w->days / 28 + 3) * sizeof *out->month);
	out->quarter = mem_zalloc((size_t)(w->days / 28 + 3) * sizeof *out->quarter);
	for (int64_t i = 0; rc == 0 && i < w->days; i++) {
		int64_t day = w->first_day + i;
		if (month_of(day) != month || i == 0) {
			if (i) {
				per_day += per_day * w->growth / SHARE_WHOLE;
				month = month_of(day);
			}
			out->month[out->months++].day = day;
		}
		if (per_day / SHARE_WHOLE > INT64_C(1000000000000))
			rc = err_set(e, ERR_RANGE, "more than 10^12 calls a day");
		if (rc != 0 || !(w->weekdays >> weekday_of_day(day) & 1))
			continue;
		struct planner_sums *to = &out->day[out->days++];
		to->day = day;
		rc = add_day(&r, &to->parts, day, per_day, e);
		if (rc == 0)
			rc = add_parts(&r, &out->month[out->months - 1].parts, &to->parts, e);
		if (rc == 0)
			rc = add_parts(&r, &out->total.parts, &to->parts, e);
	}
	if (rc == 0)
		rc = sum_quarters(&r, out, e);
	if (rc == 0)
		rc = settle_all(&r, out, e);
	if (rc != 0)
		planner_release(out);
	return rc;
}

void planner_release(struct planner_result *r)
{
	free(r->day);
	free(r->month);
	free(r->quarter);
	r->day = r->month = r->quarter = NULL;
}
