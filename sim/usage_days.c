#include "sim/usage_days.h"

#include <stdlib.h>
#include <string.h>

#include "base/dict.h"
#include "meter/store/stored_price.h"

enum { QUARTERS = 104 }; /* of the longest local day */
#define QUARTER_US (900 * US_PER_SECOND)

_Static_assert(COUNT_KINDS <= 64, "what is counted is a set of bits here");

/* One model (with its tier and region) at one quarter of an hour, as it was priced. */
struct use {
	struct subject *subject;		 /* once they are ready */
	struct subject *moved[USAGE_MOVE_PARTS]; /* what it runs on from the day of the move on, by
						    part; NULL: it stays */
	struct subject_names names;
	const struct stored_price *price;
	int64_t then_us; /* a quarter in which it was metered so */
	int64_t records;
	uint32_t model, kind;
	int quarter;
	uint64_t counted; /* the buckets and units, by count */
	bool by_book;	  /* the book's own price, of the tier for prompts above `above` */
	int64_t above;	  /* -1: the lowest */
	bool kept;	  /* on some day the book had no price for it */
};

struct day_cell {
	uint32_t use, day, who; /* 0: all */
	struct usage_sums sums;
};

/* The prices of a day: the rates behind each use (NULL: as it was), and what past days would cost
 * at them, by day, who and model. */
struct day_prices {
	const struct rates **rates; /* by use and part of a move; the first NULL: as it was */
	const struct price **price;
	struct money_total *cost; /* of each day the models', and their sum */
	bool *costed;		  /* by past day */
};

struct usage_days {
	const struct book *book;
	const struct zone *zone;
	struct tariffs *tariffs;
	int64_t first_day;
	size_t days, empty;
	struct usage_move move;
	struct arena arena;
	struct err failure;
	struct dict index, model_index, who_index;
	size_t whos, kinds;
	struct text *model;
	size_t models;
	struct use *use;
	size_t uses;
	struct day_cell *cell; /* by day once they are ready */
	size_t cells;
	struct day_cell *of_customer; /* `use` is the kind of use until they are ready */
	size_t of_customers;
	size_t *first_cell;	     /* by day, and the end */
	int64_t *tokens;	     /* by day, who, model and bucket */
	struct money_total *metered; /* by day and who */
	struct day_prices *prices;
	size_t price_days;
	uint32_t *prices_of; /* by coming day: 1 + place of its prices; 0: not asked yet */
};

struct usage_days *usage_days_open(const struct book *book, const struct zone *zone,
				   int64_t first_day, size_t days)
{
	struct usage_days *u = mem_zalloc(sizeof *u);
	*u = (struct usage_days){
		.book = book, .zone = zone, .first_day = first_day, .days = days, .whos = 1
	};
	return u;
}

void usage_days_close(struct usage_days *u)
{
	if (!u)
		return;
	for (size_t k = 0; k < u->price_days; k++) {
		free(u->prices[k].rates);
		free(u->prices[k].price);
		free(u->prices[k].cost);
		free(u->prices[k].costed);
	}
	tariffs_close(u->tariffs);
	dict_release(&u->index);
	dict_release(&u->model_index);
	dict_release(&u->who_index);
	arena_release(&u->arena);
	free(u->model);
	free(u->use);
	free(u->cell);
	free(u->of_customer);
	free(u->first_cell);
	free(u->tokens);
	free(u->metered);
	free(u->prices);
	free(u->prices_of);
	free(u);
}

void usage_days_customers(struct usage_days *u, const struct text *customer, size_t count)
{
	for (size_t i = 0; i < count; i++)
		*dict_need(&u->who_index, customer[i], NULL) = i + 1;
	u->whos = 1 + count;
}

size_t usage_days_whos(const struct usage_days *u)
{
	return u->whos;
}

const struct err *usage_days_error(const struct usage_days *u)
{
	return &u->failure;
}

/* Makes room for one more: rooms are powers of two. */
static void *one_more(void *list, size_t count, size_t size)
{
	return count & (count - 1) ? list : mem_grow(list, (count ? count * 2 : 1) * size);
}

static struct text kept_text(struct usage_days *u, struct text s)
{
	return (struct text){ arena_text(&u->arena, s.p, s.n), s.n };
}

static uint32_t model_of(struct usage_days *u, struct text name)
{
	uint64_t *at = dict_need(&u->model_index, name, NULL);
	if (!*at) {
		u->model = one_more(u->model, u->models, sizeof *u->model);
		u->model[u->models] = kept_text(u, name);
		*at = ++u->models;
	}
	return (uint32_t)(*at - 1);
}

static void put_part(struct buf *key, struct text s)
{
	buf_int(key, (int64_t)s.n);
	buf_add(key, ":", 1);
	buf_add(key, s.p, s.n);
}

/* The number of what has that key, from 1; 0 where it is new. */
static uint64_t *number_of(struct usage_days *u, struct buf *key)
{
	uint64_t *at = dict_need(&u->index, (struct text){ key->p, key->n }, NULL);
	buf_release(key);
	return at;
}

/* What ran on a model, with its tier and region, at a price. */
static uint32_t kind_of(struct usage_days *u, const struct usage_call *c)
{
	struct buf key = { 0 };
	const struct subject_names *n = c->subject;
	buf_printf(&key, "k%p", (const void *)c->price);
	put_part(&key, n->provider);
	put_part(&key, n->model);
	put_part(&key, n->service_tier);
	put_part(&key, n->region);
	uint64_t *at = number_of(u, &key);
	if (!*at)
		*at = ++u->kinds;
	return (uint32_t)(*at - 1);
}

static uint32_t use_of(struct usage_days *u, const struct usage_call *c, int quarter)
{
	struct buf key = { 0 };
	const struct subject_names *n = c->subject;
	const uint32_t kind = kind_of(u, c);
	buf_printf(&key, "u%d,%u", quarter, kind);
	uint64_t *at = number_of(u, &key);
	if (!*at) {
		u->use = one_more(u->use, u->uses, sizeof *u->use);
		u->use[u->uses] =
			(struct use){ .names = { kept_text(u, n->provider), kept_text(u, n->model),
						 kept_text(u, n->service_tier),
						 kept_text(u, n->region) },
				      .price = c->price,
				      .then_us = c->time_us,
				      .model = model_of(u, n->model),
				      .kind = kind,
				      .quarter = quarter };
		*at = ++u->uses;
	}
	return (uint32_t)(*at - 1);
}

/* The past day of a cell, or -1. */
static int64_t place_of(const struct usage_days *u, const struct usage_call *c)
{
	const int64_t place = zone_day(u->zone, (struct instant){ c->time_us }) - u->first_day;
	return place < (int64_t)u->days ? place : -1;
}

/* Adds to the cell of that day, use (of a customer: kind of use) and who. */
static int add_sums(struct usage_days *u, struct day_cell **list, size_t *count, struct day_cell at,
		    const struct usage_sums *sums)
{
	const uint64_t key[2] = { (uint64_t)at.day << 32 | at.who, at.use };
	uint64_t *cell = dict_need(&u->index, (struct text){ (const char *)key, sizeof key }, NULL);
	if (!*cell) {
		*list = one_more(*list, *count, sizeof **list);
		(*list)[*count] = at;
		*cell = ++*count;
	}
	return usage_sums_add(&(*list)[*cell - 1].sums, sums, &u->failure);
}

int usage_days_take(void *user, const struct usage_call *c)
{
	struct usage_days *u = user;
	const struct instant at = { c->time_us };
	const int64_t place = place_of(u, c),
		      local = c->time_us + zone_offset(u->zone, at, NULL) * US_PER_SECOND;
	if (place < 0)
		return 0;
	const int quarter = (int)((local - floor_div(local, US_PER_DAY) * US_PER_DAY) / QUARTER_US);
	const uint32_t use = use_of(u, c, quarter);
	struct use *of = &u->use[use];
	for (int k = 0; k < COUNT_KINDS; k++)
		of->counted |= c->sums->counts[k] ? (uint64_t)1 << k : 0;
	of->records += c->sums->records;
	return add_sums(u, &u->cell, &u->cells,
			(struct day_cell){ .use = use, .day = (uint32_t)place }, c->sums);
}

int usage_days_take_customer(void *user, const struct usage_call *c)
{
	struct usage_days *u = user;
	const int64_t place = place_of(u, c);
	const uint64_t *who = dict_find(&u->who_index, usage_call_label(c, BY_CUSTOMER));
	if (place < 0 || !who)
		return 0;
	return add_sums(u, &u->of_customer, &u->of_customers,
			(struct day_cell){ .use = kind_of(u, c),
					   .day = (uint32_t)place,
					   .who = (uint32_t)*who },
			c->sums);
}

static int by_day(const void *a, const void *b)
{
	const struct day_cell *x = a, *y = b;
	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	if (x->use != y->use)
		return x->use < y->use ? -1 : 1;
	return x->who < y->who ? -1 : x->who > y->who;
}

static bool same_rates(const struct rates *a, const struct rates *b)
{
	if (a->known != b->known)
		return false;
	for (int k = 0; k < BUCKET_COUNT; k++)
		if ((a->known >> k & 1) && a->per_million[k].pico != b->per_million[k].pico)
			return false;
	return true;
}

static bool same_fees(const struct stored_price *s, const struct price *p)
{
	const bool told = p->last_depends && !fees_at_least(s->fee, s->fee_count);
	bool same = s->fee_count == p->fee_count - told;
	for (size_t i = 0; same && i < s->fee_count; i++)
		same = strcmp(s->fee[i].unit, p->fee[i].unit) == 0 &&
		       s->fee[i].amount.pico == p->fee[i].amount.pico &&
		       s->fee[i].per == p->fee[i].per;
	return same;
}

void usage_days_move(struct usage_days *u, const struct usage_move *move)
{
	u->move = *move;
}

bool usage_move_takes(const struct usage_move *m, const struct subject_names *of)
{
	struct instant until = INSTANT_MAX;
	if (!m->model.n || text_eq(m->model, of->model))
		return true;
	return m->book &&
	       book_same_model(m->book, m->model,
			       &(struct named_model){ of->provider, of->model, m->at }, &until);
}

static void find_target(struct usage_days *u, struct use *use)
{
	const struct usage_move *m = &u->move;
	const bool moves = usage_move_takes(m, &use->names);
	for (int i = 0; moves && i < m->parts; i++)
		use->moved[i] = tariffs_subject(u->tariffs, TEXT(""), m->part[i].to,
						m->part[i].service_tier, TEXT(""));
}

/* Whether it was metered at what the book says for then, and of which tier. */
static void find_tier(struct usage_days *u, struct use *use)
{
	const struct stored_price *s = use->price;
	use->subject = tariffs_subject(u->tariffs, use->names.provider, use->names.model,
				       use->names.service_tier, use->names.region);
	const struct tariff_answer *a = tariffs_ask(u->tariffs, use->subject, use->then_us);
	if (s->reason.n || !a->price || !same_fees(s, a->price))
		return;
	use->above = -1;
	use->by_book = same_rates(&s->rates, &a->tariff->rates);
	for (size_t k = 0; !use->by_book && k < a->tariff->tier_count; k++) {
		use->above = a->tariff->tier[k].above;
		use->by_book = same_rates(&s->rates, &a->tariff->tier[k].rates);
	}
}

static void add_most(struct money_total *sum, struct money_total more)
{
	if (!money_total_add(sum, more))
		sum->atto = (int128)(~(uint128)0 >> 2);
}

/* Adds what was counted and metered. */
static void note_cell(struct usage_days *u, const struct day_cell *c)
{
	const size_t at = c->day * u->whos + c->who;
	int64_t *t = &u->tokens[(at * u->models + u->use[c->use].model) * BUCKET_COUNT];
	for (int b = 0; b < BUCKET_COUNT; b++)
		t[b] += c->sums.tokens[b];
	add_most(&u->metered[at], c->sums.cost);
}

/* Where the cells of each day begin. */
static void find_cells(struct usage_days *u)
{
	if (u->cells)
		qsort(u->cell, u->cells, sizeof *u->cell, by_day);
	memset(u->first_cell, 0, (u->days + 2) * sizeof *u->first_cell);
	for (size_t i = 0; i < u->cells; i++)
		u->first_cell[u->cell[i].day + 1] = i + 1;
	for (size_t d = 1; d <= u->days; d++)
		if (u->first_cell[d] < u->first_cell[d - 1])
			u->first_cell[d] = u->first_cell[d - 1];
}

/* The use of a kind that most records of a day had; false where none had. */
static bool find_use(const struct usage_days *u, size_t day, uint32_t kind, uint32_t *use)
{
	int64_t most = INT64_MIN;
	for (size_t k = u->first_cell[day]; k < u->first_cell[day + 1]; k++) {
		const struct day_cell *c = &u->cell[k];
		if (u->use[c->use].kind == kind && c->sums.records > most) {
			most = c->sums.records;
			*use = c->use;
		}
	}
	return most != INT64_MIN;
}

/* What customers used lies at quarters of an hour, as what all did. */
static void place_customers(struct usage_days *u)
{
	size_t found = 0;
	for (size_t i = 0; i < u->of_customers; i++) {
		struct day_cell c = u->of_customer[i];
		if (find_use(u, c.day, c.use, &c.use))
			u->of_customer[found++] = c;
	}
	for (size_t i = 0; i < found; i++) {
		u->cell = one_more(u->cell, u->cells, sizeof *u->cell);
		u->cell[u->cells++] = u->of_customer[i];
	}
	find_cells(u);
}

void usage_days_ready(struct usage_days *u, const char *currency)
{
	if (u->book)
		u->tariffs = tariffs_open(u->book, NULL,
					  arena_text(&u->arena, currency, strlen(currency)));
	for (size_t k = 0; u->tariffs && k < u->uses; k++) {
		find_tier(u, &u->use[k]);
		find_target(u, &u->use[k]);
	}
	u->first_cell = mem_zalloc((u->days + 2) * sizeof *u->first_cell);
	u->tokens =
		mem_zalloc((u->days * u->whos * u->models + 1) * BUCKET_COUNT * sizeof *u->tokens);
	u->metered = mem_zalloc((u->days + 1) * u->whos * sizeof *u->metered);
	u->prices_of = mem_zalloc((u->days + USAGE_DAYS_FAR + 1) * sizeof *u->prices_of);
	find_cells(u);
	place_customers(u);
	for (size_t i = 0; i < u->cells; i++)
		note_cell(u, &u->cell[i]);
	u->empty = u->cells ? u->cell[0].day : u->days;
}

size_t usage_days_empty(const struct usage_days *u)
{
	return u->empty;
}

size_t usage_days_models(const struct usage_days *u)
{
	return u->models;
}

struct text usage_days_model(const struct usage_days *u, size_t model)
{
	return u->model[model];
}

struct money_total usage_days_metered(const struct usage_days *u, size_t who, size_t i)
{
	return u->metered[i * u->whos + who];
}

const int64_t *usage_days_tokens(const struct usage_days *u, size_t who, size_t i, size_t model)
{
	return &u->tokens[((i * u->whos + who) * u->models + model) * BUCKET_COUNT];
}

/* --- what the book says of a day --- */

enum { WRITES = 1u << BUCKET_CACHE_WRITE_5M | 1u << BUCKET_CACHE_WRITE_1H };

static bool bills_writes(const struct rates *r)
{
	return (r->known & WRITES) == WRITES && r->per_million[BUCKET_CACHE_WRITE_5M].pico > 0;
}

/* The price states everything that was used. */
static bool states_all(const struct use *use, const struct price *p, const struct rates *r)
{
	/* parts lie within their buckets where the price does not tell them apart */
	uint64_t stated = r->known | 1u << BUCKET_REASONING |
			  ((1u << PART_COUNT) - 1) << BUCKET_COUNT |
			  (use->moved[0] ? (uint32_t)WRITES : 0);
	for (size_t i = 0; i < p->fee_count; i++) {
		const int unit = unit_by_name(p->fee[i].unit, strlen(p->fee[i].unit));
		stated |= unit >= 0 ? (uint64_t)1 << (COUNT_TOKENS + unit) : 0;
	}
	return (use->counted & ~stated) == 0;
}

static const struct rates *rates_of(const struct tariff *t, int64_t above)
{
	if (above < 0)
		return &t->rates;
	for (size_t k = 0; k < t->tier_count; k++)
		if (t->tier[k].above == above)
			return &t->tier[k].rates;
	return tariff_rates(t, above + 1);
}

/* The rates and the price of a use at an instant; false where the book has none for all of it. */
static bool find_rates(struct usage_days *u, const struct use *use, struct subject *of, int64_t us,
		       const struct rates **rates, const struct price **price)
{
	const struct tariff_answer *a = tariffs_ask(u->tariffs, of, us);
	const struct rates *r = a->price ? rates_of(a->tariff, use->above) : NULL;
	if (!r || !states_all(use, a->price, r))
		return false;
	*rates = r;
	*price = a->price;
	return true;
}

static void ask_book(struct usage_days *u, size_t t, struct day_prices *p)
{
	const int64_t day = (u->first_day + (int64_t)t) * US_PER_DAY;
	for (size_t k = 0; k < u->uses; k++) {
		struct use *use = &u->use[k];
		const bool moved = t >= u->move.from && use->moved[0];
		const size_t at = k * USAGE_MOVE_PARTS;
		if (!use->by_book && !moved)
			continue;
		const struct instant then = zone_instant(u->zone, day + use->quarter * QUARTER_US);
		bool known = true;
		for (int i = 0; known && i < (moved ? u->move.parts : 1); i++)
			known = find_rates(u, use, moved ? use->moved[i] : use->subject, then.us,
					   &p->rates[at + (size_t)i], &p->price[at + (size_t)i]);
		if (!known) {
			use->kept = true;
			p->rates[at] = NULL;
		}
	}
}

/* Days on which all rates are the same share their costs. */
static size_t prices_at(struct usage_days *u, size_t t)
{
	const size_t last = u->days + USAGE_DAYS_FAR;
	if (t > last)
		t = last - 6 + (t - last + 6) % 7;
	if (u->prices_of[t])
		return u->prices_of[t] - 1;
	const size_t bytes = (u->uses + 1) * USAGE_MOVE_PARTS * sizeof(const struct rates *);
	struct day_prices p = { .rates = mem_zalloc(bytes), .price = mem_zalloc(bytes) };
	ask_book(u, t, &p);
	size_t k = 0;
	while (k < u->price_days && memcmp(u->prices[k].rates, p.rates, bytes) != 0)
		k++;
	if (k < u->price_days) {
		free(p.rates);
		free(p.price);
	} else {
		p.cost = mem_zalloc((u->days + 1) * u->whos * (u->models + 1) * sizeof *p.cost);
		p.costed = mem_zalloc(u->days + 1);
		u->prices = one_more(u->prices, u->price_days, sizeof *u->prices);
		u->prices[u->price_days++] = p;
	}
	u->prices_of[t] = (uint32_t)k + 1;
	return k;
}

bool usage_days_same_prices(struct usage_days *u, size_t t, size_t s)
{
	return prices_at(u, t) == prices_at(u, s);
}

/* What the cell costs at these rates; false where that is too large. */
static bool cost_at(const struct day_cell *c, const struct rates *r, const struct price *price,
		    bool moved, struct money_total *out)
{
	const struct stored_price at = { .rates = *r,
					 .fee = price->fee,
					 .fee_count = rate_fees_of_sums(price, c->sums.units) };
	int64_t counts[COUNT_KINDS];
	struct err e = { 0 };
	memcpy(counts, c->sums.counts, sizeof counts);
	if (moved && !bills_writes(r)) {
		counts[BUCKET_INPUT] +=
			counts[BUCKET_CACHE_WRITE_5M] + counts[BUCKET_CACHE_WRITE_1H];
		counts[BUCKET_CACHE_WRITE_5M] = counts[BUCKET_CACHE_WRITE_1H] = 0;
	}
	return stored_price_amount(&at, counts, c->sums.requests, out, &e) == 0;
}

static struct money_total cell_cost(const struct usage_days *u, const struct day_prices *p,
				    const struct day_cell *c, bool moved)
{
	const size_t at = (size_t)c->use * USAGE_MOVE_PARTS;
	struct money_total cost, sum = { 0 };
	int128 rest = 0; /* in millionths of the last place */
	if (!p->rates[at])
		return c->sums.cost;
	if (!moved)
		return cost_at(c, p->rates[at], p->price[at], false, &cost) ? cost : c->sums.cost;
	for (int i = 0; i < u->move.parts; i++) {
		const int64_t share = u->move.part[i].share;
		if (!cost_at(c, p->rates[at + (size_t)i], p->price[at + (size_t)i], true, &cost))
			return c->sums.cost;
		rest += cost.atto % USAGE_MOVE_WHOLE * share;
		add_most(&sum, (struct money_total){ cost.atto / USAGE_MOVE_WHOLE * share });
	}
	add_most(&sum, (struct money_total){ (rest + USAGE_MOVE_WHOLE / 2) / USAGE_MOVE_WHOLE });
	return sum;
}

/* By model, and their sum. */
static const struct money_total *costs_at(struct usage_days *u, size_t who, size_t i, size_t t)
{
	const size_t at = prices_at(u, t); /* the list may move */
	struct day_prices *p = &u->prices[at];
	for (size_t k = u->first_cell[i]; !p->costed[i] && k < u->first_cell[i + 1]; k++) {
		const struct day_cell *c = &u->cell[k];
		const struct use *use = &u->use[c->use];
		struct money_total *cost = &p->cost[(i * u->whos + c->who) * (u->models + 1)];
		const struct money_total one =
			cell_cost(u, p, c, t >= u->move.from && use->moved[0]);
		add_most(&cost[use->model], one);
		add_most(&cost[u->models], one);
	}
	p->costed[i] = true;
	return &p->cost[(i * u->whos + who) * (u->models + 1)];
}

struct money_total usage_days_cost_of(struct usage_days *u, size_t who, size_t i, size_t t,
				      size_t model)
{
	return costs_at(u, who, i, t)[model];
}

struct money_total usage_days_cost(struct usage_days *u, size_t who, size_t i, size_t t)
{
	return costs_at(u, who, i, t)[u->models];
}

struct usage_days_kept usage_days_kept(const struct usage_days *u)
{
	struct usage_days_kept kept = { 0 };
	int64_t *by_model = mem_zalloc((u->models + 1) * sizeof *by_model), most = 0;
	for (size_t k = 0; u->tariffs && k < u->uses; k++) {
		const struct use *use = &u->use[k];
		if (use->price->reason.n || (use->by_book && !use->kept))
			continue;
		kept.records += use->records;
		by_model[use->model] += use->records;
		if (by_model[use->model] > most) {
			most = by_model[use->model];
			kept.model = u->model[use->model];
		}
	}
	free(by_model);
	return kept;
}
