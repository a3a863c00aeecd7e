#include "sim/credit_days.h"

#include <stdlib.h>
#include <string.h>

#include "base/dict.h"

enum { QUARTERS = 104 }; /* of the longest local day */
#define QUARTER_US (900 * US_PER_SECOND)

/* One model (with its tier and region) at one quarter of an hour. */
struct use {
	struct subject_names names;
	int quarter;
	struct usage_sums sums; /* of all days: what a call is like */
	bool kept;		/* on some day its target had no rates for all of it */
};

struct cell {
	uint32_t use, day;
	int64_t requests, records;
	int64_t counts[COUNT_KINDS];
};

/* The rates of a day, and what past days come to at them. */
struct day_rates {
	bool moved;		   /* a day on which the move holds */
	struct credit_rates *rate; /* by use and part; known 0 and no price a request: none */
	int128 *value;		   /* by past day; -1: not asked yet */
	int128 *cost;		   /* likewise: what it would draw */
};

struct credit_days {
	struct credit_days_of of;
	struct usage_move move;
	struct arena arena;
	struct dict index;
	struct use *use;
	struct cell *cell;
	size_t uses, cells;
	struct money_total *drawn; /* by day */
	struct day_rates *rates;
	size_t rate_days;
	uint32_t *rates_of; /* by day: 1 + place of its rates; 0: not asked yet */
	struct err failure;
};

struct credit_days *credit_days_open(const struct credit_days_of *of)
{
	struct credit_days *c = mem_zalloc(sizeof *c);
	c->of = *of;
	c->drawn = mem_zalloc((of->days + 1) * sizeof *c->drawn);
	c->rates_of = mem_zalloc((of->days + CREDIT_DAYS_FAR + 1) * sizeof *c->rates_of);
	return c;
}

void credit_days_close(struct credit_days *c)
{
	if (!c)
		return;
	for (size_t k = 0; k < c->rate_days; k++) {
		free(c->rates[k].rate);
		free(c->rates[k].value);
		free(c->rates[k].cost);
	}
	dict_release(&c->index);
	arena_release(&c->arena);
	free(c->use);
	free(c->cell);
	free(c->drawn);
	free(c->rates);
	free(c->rates_of);
	free(c);
}

void credit_days_move(struct credit_days *c, const struct usage_move *move)
{
	c->move = *move;
}

static bool is_moved(const struct credit_days *c, const struct use *use)
{
	return c->move.parts && usage_move_takes(&c->move, &use->names);
}

/* Makes room for one more: rooms are powers of two. */
static void *one_more(void *list, size_t count, size_t size)
{
	return count & (count - 1) ? list : mem_grow(list, (count ? count * 2 : 1) * size);
}

static struct text kept_text(struct credit_days *c, struct text s)
{
	return (struct text){ arena_text(&c->arena, s.p, s.n), s.n };
}

static uint32_t use_of(struct credit_days *c, const struct subject_names *n, int quarter)
{
	struct buf key = { 0 };
	const struct text parts[] = { n->provider, n->model, n->service_tier, n->region };
	buf_printf(&key, "u%d", quarter);
	for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
		buf_printf(&key, ",%zu:", parts[k].n);
		buf_add(&key, parts[k].p, parts[k].n);
	}
	uint64_t *at = dict_need(&c->index, (struct text){ key.p, key.n }, NULL);
	if (!*at) {
		c->use = one_more(c->use, c->uses, sizeof *c->use);
		c->use[c->uses] =
			(struct use){ .names = { kept_text(c, parts[0]), kept_text(c, parts[1]),
						 kept_text(c, parts[2]), kept_text(c, parts[3]) },
				      .quarter = quarter };
		*at = ++c->uses;
	}
	buf_release(&key);
	return (uint32_t)(*at - 1);
}

int credit_days_take(void *user, const struct usage_call *u)
{
	struct credit_days *c = user;
	const struct instant at = { u->time_us };
	const int64_t place = zone_day(c->of.zone, at) - c->of.first_day,
		      local = u->time_us + zone_offset(c->of.zone, at, NULL) * US_PER_SECOND;
	if (place < 0 || place >= (int64_t)c->of.days)
		return 0;
	const uint32_t use =
		use_of(c, u->subject,
		       (int)((local - floor_div(local, US_PER_DAY) * US_PER_DAY) / QUARTER_US));
	c->cell = one_more(c->cell, c->cells, sizeof *c->cell);
	struct cell *cell = &c->cell[c->cells++];
	*cell = (struct cell){ .use = use,
			       .day = (uint32_t)place,
			       .requests = u->sums->requests,
			       .records = u->sums->records };
	memcpy(cell->counts, u->sums->counts, sizeof cell->counts);
	return usage_sums_add(&c->use[use].sums, u->sums, &c->failure);
}

void credit_days_drew(struct credit_days *c, size_t i, struct nano_credits n)
{
	c->drawn[i].atto += (int128)n.nano * 1000000000;
}

struct money_total credit_days_drawn(const struct credit_days *c, size_t i)
{
	return c->drawn[i];
}

/* --- what a day's plan and prices say --- */

/* A call as they are on average, at that quarter of the day, of that part of the move (-1: not
 * moved). */
static void ask_rates(struct credit_days *c, const struct use *use, int64_t day, int part,
		      struct credit_rates *out)
{
	const int64_t requests = use->sums.requests > 0 ? use->sums.requests : 1;
	struct usage_row row = { .kind = USAGE_RECORD };
	struct usage u = { .requests = 1 };
	struct record *r = &row.record;
	struct err none = { 0 };
	r->requests = 1;
	r->time_us = zone_instant(c->of.zone, day * US_PER_DAY + use->quarter * QUARTER_US).us;
	r->completed_us = r->time_us;
	r->text[FIELD_PROVIDER] = use->names.provider;
	r->text[FIELD_MODEL] = use->names.model;
	r->text[FIELD_SERVICE_TIER] = use->names.service_tier;
	r->text[FIELD_REGION] = use->names.region;
	if (part >= 0) {
		r->text[FIELD_PROVIDER] = r->text[FIELD_REGION] = TEXT("");
		r->text[FIELD_MODEL] = c->move.part[part].to;
		r->text[FIELD_SERVICE_TIER] = c->move.part[part].service_tier;
	}
	/* they depend on the length of the prompt; what they know is asked of each cell */
	for (size_t k = 0; k < sizeof u.counts / sizeof *u.counts; k++)
		u.counts[k] = (use->sums.counts[k] + requests - 1) / requests;
	if (usage_prompt(&u, &r->counts[BUCKET_INPUT], &none) != 0)
		return;
	if (drawer_rates(c->of.drawer, c->of.account, &row, out, &none) != 0)
		*out = (struct credit_rates){ 0 };
}

static bool has_rates(const struct credit_rates *r)
{
	return r->known || r->atto_per_request;
}

static bool same_rates(const struct credit_rates *a, const struct credit_rates *b)
{
	bool same = a->known == b->known && a->atto_per_request == b->atto_per_request;
	for (int k = 0; same && k < BUCKET_COUNT; k++)
		same = !(a->known >> k & 1) || a->atto_per_token[k] == b->atto_per_token[k];
	return same;
}

static void ask_day(struct credit_days *c, size_t t, struct day_rates *out)
{
	const int64_t day = c->of.first_day + (int64_t)t;
	out->moved = c->move.parts && t >= c->move.from;
	for (size_t k = 0; c->of.drawer && k < c->uses; k++) {
		struct credit_rates *rate = &out->rate[k * USAGE_MOVE_PARTS];
		const bool moved = out->moved && is_moved(c, &c->use[k]);
		for (int i = 0; i < (moved ? c->move.parts : 1); i++)
			ask_rates(c, &c->use[k], day, moved ? i : -1, &rate[i]);
	}
}

/* Days on which all rates are the same share what they come to. */
static size_t rates_at(struct credit_days *c, size_t t)
{
	const size_t last = c->of.days + CREDIT_DAYS_FAR, all = c->uses * USAGE_MOVE_PARTS;
	if (t > last)
		t = last - 6 + (t - last + 6) % 7;
	if (c->rates_of[t])
		return c->rates_of[t] - 1;
	struct day_rates r = { .rate = mem_zalloc((all + 1) * sizeof *r.rate) };
	ask_day(c, t, &r);
	size_t k = 0;
	for (; k < c->rate_days; k++) {
		size_t same = 0;
		while (same < all && same_rates(&c->rates[k].rate[same], &r.rate[same]))
			same++;
		if (same == all && c->rates[k].moved == r.moved)
			break;
	}
	if (k < c->rate_days) {
		free(r.rate);
	} else {
		r.value = mem_alloc((c->of.days + 1) * sizeof *r.value);
		r.cost = mem_alloc((c->of.days + 1) * sizeof *r.cost);
		for (size_t i = 0; i < c->of.days; i++)
			r.value[i] = r.cost[i] = -1;
		c->rates = one_more(c->rates, c->rate_days, sizeof *c->rates);
		c->rates[c->rate_days++] = r;
	}
	c->rates_of[t] = (uint32_t)k + 1;
	return k;
}

bool credit_days_same_rates(struct credit_days *c, size_t t, size_t s)
{
	return rates_at(c, t) == rates_at(c, s);
}

/* Not rounded: a cell is of many calls. False where the rates are none for all of it. */
static bool cell_value(const struct cell *cell, const struct credit_rates *rates, bool moved,
		       int128 *out)
{
	struct credit_rates r = *rates;
	struct credits_total sum = { 0 };
	struct err none = { 0 };
	int64_t counts[COUNT_KINDS];
	memcpy(counts, cell->counts, sizeof counts);
	const bool writes = r.known >> BUCKET_CACHE_WRITE_5M & 1 &&
			    r.known >> BUCKET_CACHE_WRITE_1H & 1 &&
			    r.atto_per_token[BUCKET_CACHE_WRITE_5M] > 0;
	if (moved && !writes) {
		counts[BUCKET_INPUT] +=
			counts[BUCKET_CACHE_WRITE_5M] + counts[BUCKET_CACHE_WRITE_1H];
		counts[BUCKET_CACHE_WRITE_5M] = counts[BUCKET_CACHE_WRITE_1H] = 0;
	}
	r.scope = SCOPE_NONE;
	if (!has_rates(&r) || credits_of(&r, counts, cell->requests, &sum, &none) != 0)
		return false;
	*out = sum.atto > 0 ? sum.atto : 0;
	return true;
}

/* By the shares of the move; false where a part of it has no rates for all of the cell. */
static bool moved_value(const struct credit_days *c, const struct cell *cell,
			const struct credit_rates *rate, int128 *out)
{
	int128 sum = 0, rest = 0, one;
	for (int i = 0; i < c->move.parts; i++) {
		const int64_t share = c->move.part[i].share;
		if (!cell_value(cell, &rate[i], true, &one))
			return false;
		sum += one / USAGE_MOVE_WHOLE * share;
		rest += one % USAGE_MOVE_WHOLE * share;
	}
	*out = sum + (rest + USAGE_MOVE_WHOLE / 2) / USAGE_MOVE_WHOLE;
	return true;
}

/* A cell of a past day, whose rates are `own`, at the rates `at` of another. */
static int128 value_at(struct credit_days *c, const struct cell *cell, size_t own, size_t at)
{
	const size_t place = (size_t)cell->use * USAGE_MOVE_PARTS;
	const struct credit_rates *rate = &c->rates[at].rate[place],
				  *mine = &c->rates[own].rate[place];
	struct use *use = &c->use[cell->use];
	const bool moved = c->rates[at].moved && is_moved(c, use);
	int128 one = 0;
	if (moved && moved_value(c, cell, rate, &one))
		return one;
	use->kept |= moved;
	if (!moved && has_rates(rate))
		mine = rate;
	return cell_value(cell, mine, false, &one) ? one : 0;
}

/* What past day i comes to at the rates of day t; usage that has none then is at its own. */
static int128 value_of(struct credit_days *c, size_t i, size_t t)
{
	const size_t own = rates_at(c, i), at = rates_at(c, t); /* the list may move */
	int128 *value = c->rates[at].value, sum = 0;
	if (value[i] >= 0)
		return value[i];
	for (size_t k = 0; k < c->cells; k++)
		if (c->cell[k].day == i)
			sum += value_at(c, &c->cell[k], own, at);
	return value[i] = sum;
}

void credit_days_rate(struct credit_days *c, int64_t *uncovered)
{
	int128 none;
	for (size_t i = 0; i < c->of.days; i++)
		c->drawn[i].atto = value_of(c, i, i);
	for (size_t k = 0; k < c->cells; k++) {
		const struct cell *cell = &c->cell[k];
		const struct day_rates *own = &c->rates[rates_at(c, cell->day)];
		if (!cell_value(cell, &own->rate[(size_t)cell->use * USAGE_MOVE_PARTS], false,
				&none))
			*uncovered += cell->records;
	}
}

int64_t credit_days_kept(const struct credit_days *c)
{
	int64_t records = 0;
	for (size_t k = 0; k < c->uses; k++)
		records += c->use[k].kept ? c->use[k].sums.records : 0;
	return records;
}

static int128 cost_of(struct credit_days *c, size_t i, size_t t)
{
	const struct money_total drawn = c->drawn[i];
	int128 then = value_of(c, i, i), now = value_of(c, i, t), product;
	if (then == now)
		return drawn.atto;
	if (then == 0) /* what no plan covered then is covered now */
		return drawn.atto + now;
	const int128 common = greatest_common(then, now);
	then /= common;
	now /= common;
	for (; __builtin_mul_overflow(drawn.atto, now, &product) && then > 1; then /= 2)
		now /= 2;
	return product / then;
}

struct money_total credit_days_cost(struct credit_days *c, size_t i, size_t t)
{
	const size_t at = rates_at(c, t);
	if (c->rates[at].cost[i] < 0) { /* a draw that gives back is asked again */
		const int128 cost = cost_of(c, i, t);
		c->rates[at].cost[i] = cost;
	}
	return (struct money_total){ c->rates[at].cost[i] };
}
