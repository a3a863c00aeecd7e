#include "sim/replay.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "meter/formats/record_reader.h"
#include "pricing/rate.h"
#include "sim/conversation.h"
#include "sim/tariffs.h"

enum { REFUSALS_KEPT = 200, THREADS_MAX = 64, AT_ONCE = 64 };
#define LAST_INSTANT_US INT64_C(253402300799999999) /* 9999-12-31T23:59:59.999999Z */
#define RARE_FIELDS \
	(((uint64_t)1 << FIELD_REQUESTS) - ((uint64_t)1 << (FIELD_COUNTS + BUCKET_COMMON)))

static const char *const dim_names[DIM_COUNT] = {
#define X(id, name, what) [id] = name,
	REPLAY_DIMS(X)
#undef X
};

/* The record field of a text dimension, FIELD_NONE of the others. */
static enum record_field dim_field(enum replay_dim d)
{
	switch (d) {
	case DIM_TASK:
		return FIELD_TASK;
	case DIM_WORKLOAD:
		return FIELD_WORKLOAD;
	case DIM_CUSTOMER:
		return FIELD_CUSTOMER;
	case DIM_PROJECT:
		return FIELD_PROJECT;
	case DIM_SESSION:
		return FIELD_SESSION;
	default:
		return FIELD_NONE;
	}
}

const char *replay_dim_name(enum replay_dim d)
{
	return dim_names[d];
}

int replay_dims_parse(enum replay_dim out[DIM_COUNT], size_t *count, const char *list,
		      struct err *e)
{
	*count = 0;
	while (*list) {
		size_t n = strcspn(list, ",");
		int found = -1;
		for (int d = 0; d < DIM_COUNT; d++)
			if (text_is((struct text){ list, n }, dim_names[d]))
				found = d;
		if (found < 0)
			return err_set(
				e, ERR_USAGE,
				"--by: there is no grouping '%.*s'; choose from task, workload, "
				"model, customer, project, session, day, week, month, hour, window",
				(int)n, list);
		for (size_t i = 0; i < *count; i++)
			if (out[i] == (enum replay_dim)found)
				return err_set(e, ERR_USAGE, "--by: '%.*s' is named twice", (int)n,
					       list);
		out[(*count)++] = (enum replay_dim)found;
		list += n;
		if (*list == ',' && *++list == 0)
			return err_set(e, ERR_USAGE,
				       "--by: a grouping is missing after the last comma");
	}
	return 0;
}

/* Names that threads must agree on: models and windows. Ids begin at 1. */
struct names {
	pthread_mutex_t lock;
	struct arena arena;
	struct text *name;
	uint32_t count;
};

static uint32_t name_id(struct names *n, struct text name)
{
	pthread_mutex_lock(&n->lock);
	uint32_t id = 0;
	for (uint32_t i = 0; i < n->count && !id; i++)
		if (text_eq(n->name[i], name))
			id = i + 1;
	if (!id) {
		if ((n->count & (n->count - 1)) == 0)
			n->name =
				mem_grow(n->name, (n->count ? n->count * 2 : 1) * sizeof *n->name);
		n->name[n->count++] =
			(struct text){ arena_text(&n->arena, name.p, name.n), name.n };
		id = n->count;
	}
	pthread_mutex_unlock(&n->lock);
	return id;
}

struct refusal {
	size_t file;
	int64_t offset, line; /* line is -1 when only the offset is known */
	char *message;
};

struct reasons {
	struct arena arena;
	struct replay_reason *reason;
	size_t count;
};

enum pass { PASS_FIRST_INSTANT, PASS_CONVERSATIONS, PASS_PRICE };

struct run {
	const struct replay_options *o;
	struct trace **trace;
	size_t trace_count;
	enum pass pass;
	int64_t shift_us;
	bool by_conversation;
	bool group_by_answer; /* model and window alone, or nothing, tell the groups apart */
	struct group_layout layout;
	struct names models, windows;
	struct conversations *conversations;
	uint64_t seed[2];
	atomic_bool torn, stop;
	atomic_int running;
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct err failure;
};

struct worker {
	struct run *run;
	int index;
	pthread_t thread;
	struct tariffs *tariffs;
	struct groups *groups;
	/* of the batch at work, a row each */
	int64_t us[BATCH_ROWS];
	struct subject *subject[BATCH_ROWS];
	struct tariff_answer *answer[BATCH_ROWS];
	struct money_total cost[BATCH_ROWS];
	struct credits_total credits[BATCH_ROWS];
	uint8_t unpriced[BATCH_ROWS], uncredited[BATCH_ROWS], drop[BATCH_ROWS];
	uint64_t hash[AT_ONCE];
	const char *key_at[AT_ONCE + 1]; /* of the rows that are grouped at once, and where the last
					    key ends */
	char *key;			 /* aligned, with room for AT_ONCE keys */
	struct reasons unpriced_reasons, uncredited_reasons;
	struct refusal refusal[REFUSALS_KEPT];
	size_t refusal_count;
	int64_t refused, without_time, accepted, outside;
	int64_t first_us, last_us;
	int64_t completion_known, hinging;
	struct money_total hinging_difference;
	/* the block at work */
	size_t file;
	const struct trace_block *block;
	bool overflow;
	/* offset of the zone, valid in [zone_from_us, zone_to_us) */
	int64_t zone_from_us, zone_to_us, zone_offset_us;
};

static uint32_t reason_id(struct reasons *r, struct text model, const char *why)
{
	for (size_t i = 0; i < r->count; i++)
		if (text_eq(r->reason[i].model, model) && strcmp(r->reason[i].why, why) == 0)
			return (uint32_t)i + 1;
	if ((r->count & (r->count - 1)) == 0)
		r->reason = mem_grow(r->reason, (r->count ? r->count * 2 : 1) * sizeof *r->reason);
	r->reason[r->count++] =
		(struct replay_reason){ { arena_text(&r->arena, model.p, model.n), model.n },
					arena_text(&r->arena, why, strlen(why)),
					0 };
	return (uint32_t)r->count;
}

static void count_reason(struct reasons *r, uint32_t *id, struct text model, const char *why)
{
	if (!*id)
		*id = reason_id(r, model, why);
	r->reason[*id - 1].records++;
}

static void refuse(void *user, const char *at, size_t n, const struct err *why)
{
	struct worker *w = user;
	(void)n;
	if (w->run->pass != PASS_PRICE)
		return;
	w->refused++;
	if (w->refusal_count == REFUSALS_KEPT)
		return;
	struct refusal *r = &w->refusal[w->refusal_count++];
	r->file = w->file;
	r->offset = w->block->offset < 0 ? -1 : w->block->offset + (at - w->block->p);
	r->line = w->block->line;
	for (const char *p = w->block->p; r->line >= 0 && p < at; p++)
		r->line += *p == '\n';
	r->message = strcpy(mem_alloc(strlen(why->message) + 1), why->message);
}

/*
 * Keys tell their own length: a byte of length (or 255 and two bytes) before a text, a byte of
 * number (or 255 and four) for a name, fixed sizes for the rest. Each function returns the place
 * behind what it wrote.
 */
enum { KEY_PIECE_MAX = RECORD_TEXT_MAX + 16 };

static inline char *put_bytes(char *k, const void *p, size_t n)
{
	memcpy(k, p, n);
	return k + n;
}

static inline char *put_number(char *k, uint32_t v)
{
	if (v < 255) {
		*k++ = (char)v;
		return k;
	}
	*k++ = (char)255;
	return put_bytes(k, &v, sizeof v);
}

static inline char *put_text(char *k, struct text s)
{
	if (s.n < 255) {
		*k++ = (char)s.n;
	} else {
		uint16_t n = (uint16_t)s.n;
		*k++ = (char)255;
		k = put_bytes(k, &n, sizeof n);
	}
	if (s.n - 8 <= 8) { /* 8 to 16 bytes: two overlapping words */
		memcpy(k, s.p, 8);
		memcpy(k + s.n - 8, s.p + s.n - 8, 8);
	} else if (s.n - 4 < 4) {
		memcpy(k, s.p, 4);
		memcpy(k + s.n - 4, s.p + s.n - 4, 4);
	} else if (s.n) {
		memcpy(k, s.p, s.n);
	}
	return k + s.n;
}

static int64_t local_us(struct worker *w, int64_t us)
{
	if (us < w->zone_from_us || us >= w->zone_to_us) {
		struct instant until;
		w->zone_offset_us = zone_offset(w->run->o->zone, (struct instant){ us }, &until) *
				    US_PER_SECOND;
		w->zone_from_us = us;
		w->zone_to_us = until.us;
	}
	return us + w->zone_offset_us;
}

static inline char *put_key(struct worker *w, const struct record_batch *b, size_t row, char *k)
{
	const struct replay_options *o = w->run->o;
	const int64_t us = w->us[row];
	for (size_t i = 0; i < o->dim_count; i++) {
		int64_t day;
		int32_t v;
		switch (o->dim[i]) {
		case DIM_MODEL:
			k = put_number(k, w->subject[row]->model_id);
			break;
		case DIM_WINDOW:
			k = put_number(k, w->answer[row]->window_id);
			break;
		case DIM_DAY:
			v = (int32_t)floor_div(local_us(w, us), US_PER_DAY);
			k = put_bytes(k, &v, sizeof v);
			break;
		case DIM_WEEK: /* the Monday */
			day = floor_div(local_us(w, us), US_PER_DAY);
			v = (int32_t)(day - weekday_of_day(day));
			k = put_bytes(k, &v, sizeof v);
			break;
		case DIM_MONTH: {
			struct civil c = civil_from_day(floor_div(local_us(w, us), US_PER_DAY));
			v = c.year * 12 + c.month - 1;
			k = put_bytes(k, &v, sizeof v);
			break;
		}
		case DIM_HOUR: { /* the UTC instant of the local hour's start, and the offset for
				    the label */
			int64_t hour_us = floor_div(local_us(w, us), US_PER_HOUR) * US_PER_HOUR -
					  w->zone_offset_us;
			v = (int32_t)(w->zone_offset_us / US_PER_SECOND);
			k = put_bytes(put_bytes(k, &hour_us, sizeof hour_us), &v, sizeof v);
			break;
		}
		default: {
			enum record_field f = dim_field(o->dim[i]);
			CHECK(f < FIELD_TEXTS);
			struct text t = b->columns >> f & 1 ? b->text[f][row] : (struct text){ 0 };
			if (o->dim[i] == DIM_TASK && w->run->by_conversation && t.n == 0 &&
			    b->columns >> FIELD_CHAT & 1)
				t = conversations_root(w->run->conversations,
						       b->text[FIELD_CHAT][row]);
			k = put_text(k, t);
		}
		}
	}
	/* zeros up to a multiple of 8 bytes; keys are written at such multiples */
	memset(k, 0, 8);
	return k + (-(uintptr_t)k & 7);
}

/* Cost of r under a when tiers, fees or rare buckets may matter. */
static bool price_in_full(const struct record *r, const struct tariff_answer *a,
			  struct money_total *cost, struct err *why)
{
	struct usage u = { .requests = r->requests };
	struct rating rating;
	memcpy(u.tokens, r->tokens, sizeof u.tokens);
	if (rate_usage(&rating, &u, a->price, a->tariff, why) != 0)
		return false;
	*cost = rating.total;
	return true;
}

/* Tiers, fees, rare buckets; or the reason why there is no price. */
static __attribute__((noinline)) void price_or_explain(struct worker *w,
						       const struct record_batch *b, size_t row)
{
	struct tariff_answer *a = w->answer[row];
	struct record r;
	struct err why;
	uint32_t none = 0;
	w->cost[row] = (struct money_total){ 0 };
	w->unpriced[row] = 0;
	if (!a->price) {
		count_reason(&w->unpriced_reasons, &a->why_id, w->subject[row]->model, a->unpriced);
		w->unpriced[row] = 1;
		return;
	}
	record_from_batch(&r, b, row);
	if (!price_in_full(&r, a, &w->cost[row], &why)) {
		count_reason(&w->unpriced_reasons, &none, w->subject[row]->model, why.message);
		w->unpriced[row] = 1;
	}
}

/* The same rates without the detour, where one price holds for every prompt and all used buckets
 * are priced. */
static inline void price_plainly(struct worker *w, const struct record_batch *b)
{
	uint8_t used[BUCKET_REASONING];
	int n = 0;
	bool rare = (b->columns & RARE_FIELDS) != 0;
	for (int k = 0; k < BUCKET_REASONING; k++)
		if (b->columns >> (FIELD_COUNTS + k) & 1)
			used[n++] = (uint8_t)k;
	for (size_t i = 0; i < b->n; i++) {
		const struct tariff_answer *a = w->answer[i];
		struct money_total sum = { 0 };
		bool ok = a->plain && !rare;
		for (int k = 0; k < n; k++) {
			int64_t tokens = b->tokens[used[k]][i];
			ok &= money_total_add(
				&sum, money_of_tokens((struct money){ a->rate[used[k]] }, tokens));
			ok &= !(a->unstated >> used[k] & 1) || tokens == 0;
		}
		w->cost[i] = sum;
		w->unpriced[i] = 0;
		if (__builtin_expect(!ok, 0))
			price_or_explain(w, b, i);
	}
}

static void add_credits(struct worker *w, const struct record_batch *b, size_t row)
{
	struct tariff_answer *a = w->answer[row];
	struct subject *s = w->subject[row];
	struct record r;
	struct err e;
	struct credit_rates by_prompt;
	const struct credit_rates *rates = &a->credits;
	uint32_t none = 0;
	int rc = 0;
	w->credits[row] = (struct credits_total){ 0 };
	w->uncredited[row] = 1;
	if (!a->has_credits) {
		count_reason(&w->uncredited_reasons, &a->why_credits_id, s->model, a->uncredited);
		return;
	}
	record_from_batch(&r, b, row);
	if (a->credits_by_prompt) {
		struct usage u = { .requests = r.requests };
		int64_t prompt = 0;
		memcpy(u.tokens, r.tokens, sizeof u.tokens);
		rc = usage_prompt(&u, &prompt, &e);
		if (rc == 0)
			rc = tariffs_credits(w->tariffs, s, a, w->us[row], prompt, &by_prompt, &e);
		rates = &by_prompt;
	}
	if (rc == 0)
		rc = credits_of(rates, r.tokens, r.requests, &w->credits[row], &e);
	if (rc != 0)
		count_reason(&w->uncredited_reasons, &none, s->model, e.message);
	w->uncredited[row] = rc != 0;
}

/* What the other choice of the deciding instant would have cost. */
static void compare_boundary(struct worker *w, const struct record_batch *b, size_t row)
{
	struct err why;
	struct money_total cost;
	struct record r;
	bool start = w->run->o->boundary == BOUNDARY_START;
	record_from_batch(&r, b, row);
	if (r.completed_us == TIME_ABSENT || r.time_us == TIME_ABSENT)
		return;
	const struct tariff_answer *other =
		tariffs_ask(w->tariffs, w->subject[row],
			    w->run->shift_us + (start ? r.completed_us : r.time_us));
	w->completion_known++;
	if (other == w->answer[row] || w->unpriced[row] || !other->price ||
	    !price_in_full(&r, other, &cost, &why) || cost.atto == w->cost[row].atto)
		return;
	w->hinging++;
	w->overflow |=
		!money_total_add(&w->hinging_difference, money_total_minus(cost, w->cost[row]));
}

static void price_rows(struct worker *w, const struct record_batch *b)
{
	price_plainly(w, b);
	for (size_t i = 0; w->run->o->plan && i < b->n; i++)
		add_credits(w, b, i);
	for (size_t i = 0; b->columns >> FIELD_COMPLETED & 1 && i < b->n; i++)
		compare_boundary(w, b, i);
}

static void ask_tariffs(struct worker *w, const struct record_batch *b)
{
	struct run *run = w->run;
	const struct replay_options *o = run->o;
	const struct text none = { 0 };
	const uint64_t has = b->columns;
	for (size_t i = 0; i < b->n; i++) {
		struct text model = has >> FIELD_MODEL & 1 ? b->text[FIELD_MODEL][i] : none;
		struct text provider =
			has >> FIELD_PROVIDER & 1 ? b->text[FIELD_PROVIDER][i] : none;
		if (o->remodel) {
			model = text_of(o->remodel);
			provider = none;
		} else if (model.n == 0 && o->model) {
			model = text_of(o->model);
		}
		if (provider.n == 0 && o->provider)
			provider = text_of(o->provider);
		struct subject *s = tariffs_subject(
			w->tariffs, provider, model,
			has >> FIELD_SERVICE_TIER & 1 ? b->text[FIELD_SERVICE_TIER][i] : none,
			has >> FIELD_REGION & 1 ? b->text[FIELD_REGION][i] : none);
		struct tariff_answer *a = tariffs_ask(w->tariffs, s, w->us[i]);
		if (__builtin_expect(!s->model_id, 0))
			s->model_id = name_id(&run->models, s->model);
		if (__builtin_expect(!a->window_id && a->price, 0))
			a->window_id = name_id(&run->windows, text_of(a->tariff->window));
		w->subject[i] = s;
		w->answer[i] = a;
	}
}

/* The rare buckets of a row; false when they are all zero. */
static bool rare_of(const struct record_batch *b, size_t row,
		    int64_t rare[BUCKET_COUNT - BUCKET_COMMON])
{
	int64_t any = 0;
	for (int k = BUCKET_COMMON; k < BUCKET_COUNT; k++)
		any |= rare[k - BUCKET_COMMON] =
			b->columns >> (FIELD_COUNTS + k) & 1 ? b->tokens[k][row] : 0;
	return any != 0;
}

static inline void add_to_group(struct worker *w, const struct record_batch *b, size_t row,
				struct group *g)
{
	const struct group_layout *layout = &w->run->layout;
	bool bad = !money_total_add(&g->cost, w->cost[row]);
	bad |= __builtin_add_overflow(g->records, 1, &g->records);
	for (int k = 0; k < layout->bucket_count; k++)
		if (b->columns >> (FIELD_COUNTS + layout->bucket[k]) & 1)
			bad |= __builtin_add_overflow(
				g->tokens[k], b->tokens[layout->bucket[k]][row], &g->tokens[k]);
	bad |= __builtin_add_overflow(g->unpriced, w->unpriced[row], &g->unpriced);
	if (layout->credits) {
		struct group_credit *c = group_credits(w->groups, g);
		bad |= !credits_add(&c->total, w->credits[row]);
		c->missing += w->uncredited[row];
	}
	if (__builtin_expect((b->columns & RARE_FIELDS) != 0, 0)) {
		int64_t rare[BUCKET_COUNT - BUCKET_COMMON];
		if (rare_of(b, row, rare))
			bad |= !group_add_rare(w->groups, g, rare);
	}
	w->overflow |= bad;
}

static struct group *group_of(struct worker *w, const struct record_batch *b, size_t row)
{
	size_t n = (size_t)(put_key(w, b, row, w->key) - w->key);
	return groups_need(w->groups, groups_hash(w->groups, w->key, n), w->key, (uint32_t)n);
}

/* Pricing is linear: where one price holds for every row of an answer, its tokens are added up
 * first and priced at the end. */
static bool all_can_wait(const struct worker *w, const struct record_batch *b)
{
	if (w->run->o->plan || b->columns & (RARE_FIELDS | (uint64_t)1 << FIELD_COMPLETED))
		return false;
	bool ok = true;
	for (size_t i = 0; i < b->n; i++)
		ok &= w->answer[i]->plain && !w->answer[i]->unstated;
	return ok;
}

static void let_wait(struct worker *w, const struct record_batch *b)
{
	const struct group_layout *layout = &w->run->layout;
	bool bad = false;
	for (size_t i = 0; i < b->n; i++)
		w->answer[i]->waiting_records++;
	for (int k = 0; k < layout->bucket_count; k++) {
		int bucket = layout->bucket[k];
		if (b->columns >> (FIELD_COUNTS + bucket) & 1)
			for (size_t i = 0; i < b->n; i++)
				bad |= __builtin_add_overflow(w->answer[i]->waiting[bucket],
							      b->tokens[bucket][i],
							      &w->answer[i]->waiting[bucket]);
	}
	w->overflow |= bad;
}

/* Prices what waited under an answer. */
static void settle(void *user, struct tariff_answer *a)
{
	struct worker *w = user;
	const struct group_layout *layout = &w->run->layout;
	struct group *g = a->group;
	if (!a->waiting_records)
		return;
	bool bad = __builtin_add_overflow(g->records, a->waiting_records, &g->records);
	for (int k = 0; k < BUCKET_REASONING; k++)
		bad |= !money_total_add(&g->cost, money_of_tokens((struct money){ a->rate[k] },
								  a->waiting[k]));
	for (int k = 0; k < layout->bucket_count; k++)
		bad |= __builtin_add_overflow(g->tokens[k], a->waiting[layout->bucket[k]],
					      &g->tokens[k]);
	w->overflow |= bad;
}

static void add_by_answer(struct worker *w, const struct record_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (__builtin_expect(!w->answer[i]->group, 0))
			w->answer[i]->group = group_of(w, b, i);
	if (all_can_wait(w, b)) {
		let_wait(w, b);
		return;
	}
	price_rows(w, b);
	for (size_t i = 0; i < b->n; i++)
		add_to_group(w, b, i, w->answer[i]->group);
}

static void add_to_groups(struct worker *w, const struct record_batch *b)
{
	price_rows(w, b);
	/*
	 * In passes over a few rows, so that the memory of one row is fetched while others are
	 * worked on, and a key is hashed only after its bytes have left the store buffer.
	 */
	for (size_t from = 0; from < b->n; from += AT_ONCE) {
		size_t n = b->n - from < AT_ONCE ? b->n - from : AT_ONCE;
		char *k = w->key;
		for (size_t i = 0; i < n; i++) {
			w->key_at[i] = k;
			k = put_key(w, b, from + i, k);
		}
		w->key_at[n] = k;
		for (size_t i = 0; i < n; i++) {
			w->hash[i] = groups_hash(w->groups, w->key_at[i],
						 (size_t)(w->key_at[i + 1] - w->key_at[i]));
			groups_prefetch_slot(w->groups, w->hash[i]);
		}
		for (size_t i = 0; i < n; i++)
			groups_prefetch_group(w->groups, w->hash[i]);
		for (size_t i = 0; i < n; i++)
			add_to_group(w, b, from + i,
				     groups_need(w->groups, w->hash[i], w->key_at[i],
						 (uint32_t)(w->key_at[i + 1] - w->key_at[i])));
	}
}

static __attribute__((noinline)) void refuse_because(struct worker *w, const char *at,
						     const char *why)
{
	struct err e;
	err_set(&e, ERR_INVALID, "%s", why);
	refuse(w, at, 0, &e);
}

/* The deciding instants. Rows without one, or outside the period, leave the batch. */
static void take_instants(struct worker *w, struct record_batch *b)
{
	const struct replay_options *o = w->run->o;
	bool has_time = b->columns >> FIELD_TIME & 1;
	bool by_completion =
		o->boundary == BOUNDARY_COMPLETION && b->columns >> FIELD_COMPLETED & 1;
	int64_t shift = w->run->shift_us, first = w->first_us, last = w->last_us;
	/* calendar years 1 to 9999 */
	const int64_t lowest = -INT64_C(62135596800000000);
	size_t dropped = 0;
	for (size_t i = 0; i < b->n; i++) {
		int64_t us = has_time ? b->time_us[i] : TIME_ABSENT;
		if (by_completion && b->completed_us[i] != TIME_ABSENT)
			us = b->completed_us[i];
		us = us != TIME_ABSENT ? us + shift : o->has_at ? o->at.us : TIME_ABSENT;
		w->us[i] = us;
		bool inside = us >= o->since.us && us < o->until.us && us >= lowest &&
			      us <= LAST_INSTANT_US;
		w->drop[i] = !inside;
		dropped += !inside;
		first = inside && us < first ? us : first;
		last = inside && us > last ? us : last;
	}
	w->first_us = first;
	w->last_us = last;
	if (!dropped)
		return;
	size_t kept = 0;
	for (size_t i = 0; i < b->n; i++) {
		int64_t us = w->us[i];
		if (us == TIME_ABSENT) {
			w->without_time++;
			refuse_because(w, b->at[i],
				       "field 'time' is missing, and without its instant a call "
				       "has no price (see --at)");
		} else if (us > LAST_INSTANT_US || us < lowest) {
			refuse_because(
				w, b->at[i],
				"field 'time': the instant lies outside the years 1 to 9999");
		} else if (w->drop[i]) {
			w->outside++;
		} else {
			w->us[kept++] = us;
		}
	}
	record_batch_drop(b, w->drop);
}

static void accept(void *user, struct record_batch *b)
{
	struct worker *w = user;
	struct run *run = w->run;
	if (run->pass == PASS_CONVERSATIONS) {
		for (size_t i = 0; i < b->n && b->columns >> FIELD_CHAT & 1; i++)
			conversations_add(run->conversations, b->text[FIELD_CHAT][i],
					  b->columns >> FIELD_PARENT & 1 ? b->text[FIELD_PARENT][i]
									 : (struct text){ 0 });
		return;
	}
	if (run->pass == PASS_FIRST_INSTANT) {
		for (size_t i = 0; i < b->n && b->columns >> FIELD_TIME & 1; i++)
			if (b->time_us[i] != TIME_ABSENT && b->time_us[i] < w->first_us)
				w->first_us = b->time_us[i];
		return;
	}
	take_instants(w, b);
	w->accepted += (int64_t)b->n;
	ask_tariffs(w, b);
	if (run->group_by_answer)
		add_by_answer(w, b);
	else
		add_to_groups(w, b);
}

/* Two threads that share a core waste the other one. */
static void pin(int index)
{
	cpu_set_t all, one;
	if (sched_getaffinity(0, sizeof all, &all) != 0)
		return;
	int n = CPU_COUNT(&all), skip = n ? index % n : 0;
	for (int c = 0; c < CPU_SETSIZE; c++)
		if (CPU_ISSET(c, &all) && skip-- == 0) {
			CPU_ZERO(&one);
			CPU_SET(c, &one);
			pthread_setaffinity_np(pthread_self(), sizeof one, &one);
			return;
		}
}

/* Text fields that neither the price nor the grouping looks at. */
static uint64_t unneeded_fields(const struct run *run)
{
	uint64_t needed = (uint64_t)1 << FIELD_MODEL | (uint64_t)1 << FIELD_PROVIDER |
			  (uint64_t)1 << FIELD_SERVICE_TIER | (uint64_t)1 << FIELD_REGION |
			  (uint64_t)1 << FIELD_CHAT | (uint64_t)1 << FIELD_PARENT;
	for (size_t i = 0; i < run->o->dim_count; i++)
		if (dim_field(run->o->dim[i]) != FIELD_NONE)
			needed |= (uint64_t)1 << dim_field(run->o->dim[i]);
	return (((uint64_t)1 << FIELD_TEXTS) - 1) & ~needed;
}

static void read_file(struct worker *w, struct trace *t, struct trace_block *b)
{
	struct run *run = w->run;
	const struct record_sink sink = { w, accept, refuse };
	const struct shape *shape = trace_shape(t);
	struct csv_reader *csv = NULL;
	struct jsonl_reader *jsonl = NULL;
	enum record_field *field = NULL;
	struct err e = { 0 };
	int rc;
	if (shape->container == CONTAINER_CSV) {
		field = mem_alloc(trace_columns(t) * sizeof *field);
		for (size_t i = 0; i < trace_columns(t); i++)
			field[i] = trace_column_field(t, i);
		csv = csv_reader_open(
			&(struct csv_layout){ shape, trace_separator(t), trace_columns(t), field,
					      unneeded_fields(run), run->o->strict_only });
	} else {
		jsonl = jsonl_reader_open(&(struct jsonl_layout){
			shape, run->o->map, run->o->map_count, run->o->strict_only });
	}
	while (!atomic_load_explicit(&run->stop, memory_order_relaxed) &&
	       (rc = trace_next(t, b, &e)) != 0) {
		if (rc < 0) {
			pthread_mutex_lock(&run->lock);
			if (run->failure.code == ERR_NONE)
				run->failure = e;
			pthread_mutex_unlock(&run->lock);
			break;
		}
		w->block = b;
		struct record_block block = { b->p, b->n, b->in_order, b->span, b->span_count };
		if (b->cut) {
			/* all but the torn last record */
			const char *nl = memrchr(b->p, '\n', b->n);
			block.n = nl ? (size_t)(nl + 1 - b->p) : 0;
		}
		if (csv) {
			if (!csv_reader_run(csv, &block, &sink)) {
				atomic_store(&run->torn, true);
				atomic_store(&run->stop, true);
			}
		} else {
			jsonl_reader_run(jsonl, &block, &sink);
		}
		if (b->cut) {
			err_set(&e, ERR_INVALID, "the line is longer than %d bytes",
				TRACE_RECORD_MAX);
			refuse(w, b->p + block.n, b->n - block.n, &e);
		}
	}
	csv_reader_close(csv);
	jsonl_reader_close(jsonl);
	free(field);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct run *run = w->run;
	struct trace_block block = { 0 };
	pin(w->index);
	for (w->file = 0; w->file < run->trace_count; w->file++)
		read_file(w, run->trace[w->file], &block);
	if (w->tariffs)
		tariffs_each(w->tariffs, settle, w);
	trace_block_release(&block);
	pthread_mutex_lock(&run->lock);
	atomic_fetch_sub(&run->running, 1);
	pthread_cond_signal(&run->done);
	pthread_mutex_unlock(&run->lock);
	return NULL;
}

struct sorted_group {
	uint64_t first; /* of the first dimension, so that most comparisons end here */
	const struct group *group;
};

struct replay_result {
	enum replay_dim dim[DIM_COUNT];
	size_t dim_count;
	struct sums total;
	struct groups *groups;
	struct sorted_group *sorted;
	size_t group_count;
	struct text *model, *window; /* by id - 1 */
	uint32_t model_count, window_count;
	uint32_t *model_rank, *window_rank;
	struct arena arena;
	struct reasons unpriced, uncredited;
	struct replay_refusal *refusal;
	size_t refusal_count;
	int64_t refused, outside, first_us, last_us, completion_known, hinging;
	struct money_total hinging_difference;
	const char *damage, *unused_columns;
};

static void worker_release(struct worker *w)
{
	tariffs_close(w->tariffs);
	groups_close(w->groups);
	free(w->key);
	free(w->unpriced_reasons.reason);
	free(w->uncredited_reasons.reason);
	arena_release(&w->unpriced_reasons.arena);
	arena_release(&w->uncredited_reasons.arena);
	for (size_t i = 0; i < w->refusal_count; i++)
		free(w->refusal[i].message);
}

static void report_progress(struct run *run)
{
	const struct replay_options *o = run->o;
	int64_t done = 0, total = 0;
	for (size_t i = 0; i < run->trace_count; i++) {
		done += trace_progress(run->trace[i]);
		total += trace_size(run->trace[i]);
	}
	o->progress(o->progress_user, done, total);
}

/* Runs all workers over all files once. */
static int run_pass(struct run *run, struct worker *worker, int threads, bool in_order,
		    struct err *e)
{
	const struct replay_options *o = run->o;
	atomic_store(&run->torn, false);
	atomic_store(&run->stop, false);
	run->failure.code = ERR_NONE;
	for (size_t i = 0; i < run->trace_count; i++) {
		int rc = trace_rewind(run->trace[i], in_order, e);
		if (rc != 0)
			return rc;
	}
	atomic_store(&run->running, threads);
	for (int i = 0; i < threads; i++) {
		struct worker *w = &worker[i];
		*w = (struct worker){
			.run = run, .index = i, .first_us = INT64_MAX, .last_us = INT64_MIN
		};
		if (run->pass == PASS_PRICE) {
			w->tariffs = tariffs_open(o->book, o->plan, o->currency);
			w->groups = groups_open(run->seed, &run->layout);
			w->key = mem_zalloc(AT_ONCE * (o->dim_count * KEY_PIECE_MAX + 16));
		}
		CHECK(pthread_create(&w->thread, NULL, work, w) == 0);
	}
	pthread_mutex_lock(&run->lock);
	while (atomic_load(&run->running) > 0) {
		struct timespec ts;
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_nsec += 100000000;
		ts.tv_sec += ts.tv_nsec / 1000000000;
		ts.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&run->done, &run->lock, &ts);
		if (o->progress && atomic_load(&run->running) > 0)
			report_progress(run);
	}
	pthread_mutex_unlock(&run->lock);
	for (int i = 0; i < threads; i++)
		pthread_join(worker[i].thread, NULL);
	return 0;
}

static int run_pass_or_in_order(struct run *run, struct worker *worker, int threads, struct err *e)
{
	int rc = run_pass(run, worker, threads, false, e);
	if (rc == 0 && atomic_load(&run->torn)) {
		/* a quoted field spans lines somewhere: only reading in order tells where records
		 * begin */
		for (int i = 0; i < threads; i++)
			worker_release(&worker[i]);
		rc = run_pass(run, worker, threads, true, e);
	}
	return rc;
}

static int refusal_order(const void *x, const void *y)
{
	const struct refusal *a = x, *b = y;
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

static void collect_refusals(struct replay_result *out, struct run *run, struct worker *worker,
			     int threads)
{
	size_t n = 0;
	for (int i = 0; i < threads; i++)
		n += worker[i].refusal_count;
	struct refusal *all = mem_alloc((n + 1) * sizeof *all);
	n = 0;
	for (int i = 0; i < threads; i++) {
		for (size_t k = 0; k < worker[i].refusal_count; k++)
			all[n++] = worker[i].refusal[k];
		out->refused += worker[i].refused;
	}
	qsort(all, n, sizeof *all, refusal_order);
	out->refusal = arena_alloc(&out->arena, REPLAY_REFUSALS_SHOWN * sizeof *out->refusal);
	for (size_t i = 0; i < n && i < REPLAY_REFUSALS_SHOWN; i++) {
		struct trace *t = run->trace[all[i].file];
		out->refusal[out->refusal_count++] = (struct replay_refusal){
			arena_text(&out->arena, trace_path(t), strlen(trace_path(t))),
			all[i].line >= 0 ? all[i].line : trace_line_at(t, all[i].offset),
			arena_text(&out->arena, all[i].message, strlen(all[i].message)),
		};
	}
	free(all);
}

static int reason_order(const void *x, const void *y)
{
	const struct replay_reason *a = x, *b = y;
	if (a->records != b->records)
		return a->records > b->records ? -1 : 1;
	int c = text_cmp(a->model, b->model);
	return c ? c : strcmp(a->why, b->why);
}

static void sort_reasons(struct reasons *r)
{
	if (r->count)
		qsort(r->reason, r->count, sizeof *r->reason, reason_order);
}

static void collect_reasons(struct reasons *to, const struct reasons *from)
{
	for (size_t i = 0; i < from->count; i++) {
		uint32_t id = reason_id(to, from->reason[i].model, from->reason[i].why);
		to->reason[id - 1].records += from->reason[i].records;
	}
}

struct rank_item {
	struct text name;
	uint32_t id;
};

static int rank_order(const void *x, const void *y)
{
	return text_cmp(((const struct rank_item *)x)->name, ((const struct rank_item *)y)->name);
}

/* Order of the names by their text; id 0 (none) first. */
static uint32_t *ranks(const struct names *n)
{
	struct rank_item *item = mem_alloc((n->count + 1) * sizeof *item);
	uint32_t *rank = mem_zalloc((n->count + 1) * sizeof *rank);
	for (uint32_t i = 0; i < n->count; i++)
		item[i] = (struct rank_item){ n->name[i], i + 1 };
	qsort(item, n->count, sizeof *item, rank_order);
	for (uint32_t i = 0; i < n->count; i++)
		rank[item[i].id] = i + 1;
	free(item);
	return rank;
}

/* One dimension of an encoded key; moves *p. */
struct dim_value {
	struct text text;
	int64_t number; /* sorts the dimensions that are not text */
	int32_t offset_s;
};

static struct dim_value next_value(const struct replay_result *r, enum replay_dim d, const char **p)
{
	struct dim_value v = { 0 };
	uint32_t id;
	int32_t small;
	uint16_t n;
	switch (d) {
	case DIM_MODEL:
	case DIM_WINDOW:
		id = (unsigned char)*(*p)++;
		if (id == 255) {
			memcpy(&id, *p, sizeof id);
			*p += sizeof id;
		}
		v.number = d == DIM_MODEL ? r->model_rank[id] : r->window_rank[id];
		if (id)
			v.text = d == DIM_MODEL ? r->model[id - 1] : r->window[id - 1];
		break;
	case DIM_DAY:
	case DIM_WEEK:
	case DIM_MONTH:
		memcpy(&small, *p, 4);
		*p += 4;
		v.number = small;
		break;
	case DIM_HOUR:
		memcpy(&v.number, *p, 8);
		memcpy(&v.offset_s, *p + 8, 4);
		*p += 12;
		break;
	default:
		n = (unsigned char)*(*p)++;
		if (n == 255) {
			memcpy(&n, *p, sizeof n);
			*p += sizeof n;
		}
		v.text = (struct text){ *p, n };
		*p += n;
	}
	return v;
}

static bool is_text_dim(enum replay_dim d)
{
	return dim_field(d) != FIELD_NONE;
}

static _Thread_local const struct replay_result *sorting;

static int group_order(const void *x, const void *y)
{
	const struct sorted_group *a = x, *b = y;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	const char *p = group_key(sorting->groups, a->group),
		   *q = group_key(sorting->groups, b->group);
	for (size_t i = 0; i < sorting->dim_count; i++) {
		struct dim_value v = next_value(sorting, sorting->dim[i], &p),
				 u = next_value(sorting, sorting->dim[i], &q);
		if (is_text_dim(sorting->dim[i])) {
			int c = text_cmp(v.text, u.text);
			if (c)
				return c;
		} else if (v.number != u.number) {
			return v.number < u.number ? -1 : 1;
		}
	}
	return 0;
}

/* Bytes that all texts of the first dimension begin with. */
static size_t common_prefix(const struct replay_result *r)
{
	struct text first = { 0 };
	size_t same = 0;
	for (size_t i = 0; i < r->group_count; i++) {
		const char *p = group_key(r->groups, r->sorted[i].group);
		struct text t = next_value(r, r->dim[0], &p).text;
		if (t.n == 0)
			continue;
		if (!first.p) {
			first = t;
			same = t.n;
		}
		size_t k = 0;
		while (k < same && k < t.n && t.p[k] == first.p[k])
			k++;
		same = k;
	}
	return same;
}

struct sort_job {
	const struct replay_result *r;
	struct sorted_group *from;
	size_t n;
};

static void *sort_part(void *arg)
{
	struct sort_job *job = arg;
	sorting = job->r;
	qsort(job->from, job->n, sizeof *job->from, group_order);
	return NULL;
}

static void sort_groups(struct replay_result *r, int threads)
{
	struct group **list = groups_list(r->groups);
	r->group_count = groups_count(r->groups);
	r->sorted = mem_alloc((r->group_count + 1) * sizeof *r->sorted);
	for (size_t i = 0; i < r->group_count; i++)
		r->sorted[i].group = list[i];
	free(list);
	if (r->dim_count == 0)
		return;
	bool text = is_text_dim(r->dim[0]);
	size_t skip = text ? common_prefix(r) : 0;
	for (size_t i = 0; i < r->group_count; i++) {
		const char *p = group_key(r->groups, r->sorted[i].group);
		struct dim_value v = next_value(r, r->dim[0], &p);
		uint64_t first = (uint64_t)v.number ^ (uint64_t)1 << 63;
		if (text) {
			first = 0;
			for (size_t k = 0; k < 8; k++)
				first = first << 8 |
					(skip + k < v.text.n ? (unsigned char)v.text.p[skip + k]
							     : 0);
		}
		r->sorted[i].first = first;
	}
	size_t half = r->group_count / 2;
	struct sort_job a = { r, r->sorted, half },
			b = { r, r->sorted + half, r->group_count - half };
	pthread_t helper;
	if (threads < 2 || r->group_count < 10000 ||
	    pthread_create(&helper, NULL, sort_part, &a) != 0) {
		sort_part(&(struct sort_job){ r, r->sorted, r->group_count });
		return;
	}
	sort_part(&b);
	pthread_join(helper, NULL);
	struct sorted_group *merged = mem_alloc((r->group_count + 1) * sizeof *merged);
	size_t i = 0, k = half, n = 0;
	while (i < half || k < r->group_count)
		merged[n++] = k == r->group_count || (i < half && group_order(&r->sorted[i],
									      &r->sorted[k]) <= 0)
				      ? r->sorted[i++]
				      : r->sorted[k++];
	free(r->sorted);
	r->sorted = merged;
}

static int collect(struct replay_result *out, struct run *run, struct worker *worker, int threads,
		   struct err *e)
{
	const struct replay_options *o = run->o;
	bool fits = true;
	out->first_us = INT64_MAX;
	out->last_us = INT64_MIN;
	for (int i = 0; i < threads; i++) {
		struct worker *w = &worker[i];
		fits &= !w->overflow &&
			money_total_add(&out->hinging_difference, w->hinging_difference);
		if (i == 0) {
			out->groups = w->groups;
			w->groups = NULL;
		} else {
			fits &= groups_merge(out->groups, w->groups);
			groups_close(w->groups);
			w->groups = NULL;
		}
		collect_reasons(&out->unpriced, &w->unpriced_reasons);
		collect_reasons(&out->uncredited, &w->uncredited_reasons);
		out->outside += w->outside;
		out->completion_known += w->completion_known;
		out->hinging += w->hinging;
		out->first_us = w->first_us < out->first_us ? w->first_us : out->first_us;
		out->last_us = w->last_us > out->last_us ? w->last_us : out->last_us;
	}
	out->model = run->models.name;
	out->window = run->windows.name;
	out->model_count = run->models.count;
	out->window_count = run->windows.count;
	out->model_rank = ranks(&run->models);
	out->window_rank = ranks(&run->windows);
	memcpy(out->dim, o->dim, sizeof out->dim);
	out->dim_count = o->dim_count;
	sort_groups(out, threads);
	for (size_t i = 0; i < out->group_count; i++) {
		struct sums sums;
		group_sums(out->groups, out->sorted[i].group, &sums);
		fits &= sums_add(&out->total, &sums);
	}
	if (!fits)
		return err_set(e, ERR_RANGE, "the records add up to more than a total can hold");
	sort_reasons(&out->unpriced);
	sort_reasons(&out->uncredited);
	collect_refusals(out, run, worker, threads);
	if (run->failure.code != ERR_NONE) {
		out->damage =
			arena_text(&out->arena, run->failure.message, strlen(run->failure.message));
		out->refused++;
	}
	return 0;
}

static void note_unused_columns(struct replay_result *out, const struct run *run)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < run->trace_count; i++) {
		const struct trace *t = run->trace[i];
		for (size_t k = 0; trace_shape(t)->column == NULL && k < trace_columns(t); k++)
			if (trace_column_field(t, k) == FIELD_NONE && b.n < 300)
				buf_printf(&b, "%s%s", b.n ? ", " : "", trace_column_name(t, k));
		if (b.n) /* files of one kind share their header */
			break;
	}
	if (b.n)
		out->unused_columns = arena_text(&out->arena, b.p, b.n);
	buf_release(&b);
}

/* Opens every file and checks that its instants can be told, before any work. */
static int open_traces(struct run *run, bool *absolute, struct err *e)
{
	const struct replay_options *o = run->o;
	struct trace_options to = { o->format, o->map, o->map_count, false };
	run->trace = mem_zalloc((o->path_count + 1) * sizeof *run->trace);
	to.spool = o->has_at;
	for (size_t i = 0; i < o->path_count; i++) {
		int rc = trace_open(&run->trace[i], o->path[i], &to, e);
		if (rc != 0)
			return rc;
		run->trace_count++;
		const struct trace *t = run->trace[i];
		const struct shape *s = trace_shape(t);
		*absolute |= s->time == TIME_INSTANT && trace_may_have(t, FIELD_TIME);
		run->by_conversation |= s->container == CONTAINER_JSONL && s->column &&
					strcmp(s->name, "bailian") == 0;
		if (o->has_at)
			continue;
		if (s->time != TIME_INSTANT)
			return err_set(e, ERR_USAGE,
				       "%s: the times of a %s trace count from its start; say when "
				       "that was with --at, for example --at 2026-06-15",
				       o->path[i], s->name);
		if (!trace_may_have(t, FIELD_TIME))
			return err_set(e, ERR_USAGE,
				       "%s: the trace has no instants, and a price without a date "
				       "is not a price; give one with --at, for example --at "
				       "2026-06-15, or name the column with --map time=COLUMN",
				       o->path[i]);
	}
	return 0;
}

static void run_release(struct run *run)
{
	for (size_t i = 0; i < run->trace_count; i++)
		trace_close(run->trace[i]);
	free(run->trace);
	conversations_close(run->conversations);
	pthread_mutex_destroy(&run->lock);
	pthread_cond_destroy(&run->done);
	pthread_mutex_destroy(&run->models.lock);
	pthread_mutex_destroy(&run->windows.lock);
}

/* The buckets that some file can fill. */
static struct group_layout layout_of(const struct run *run)
{
	struct group_layout l = { .credits = run->o->plan != NULL };
	for (int k = BUCKET_COMMON; k < BUCKET_COUNT; k++)
		for (size_t i = 0; i < run->trace_count; i++)
			l.rare |= trace_may_have(run->trace[i],
						 (enum record_field)(FIELD_COUNTS + k));
	for (int k = 0; k < BUCKET_COMMON; k++) {
		bool may = false;
		for (size_t i = 0; i < run->trace_count; i++)
			may |= trace_may_have(run->trace[i],
					      (enum record_field)(FIELD_COUNTS + k)) ||
			       (k == BUCKET_INPUT && trace_may_have(run->trace[i], FIELD_PROMPT));
		if (may)
			l.bucket[l.bucket_count++] = (uint8_t)k;
	}
	return l;
}

static int replay_passes(struct replay_result *out, struct run *run, struct worker *worker,
			 int threads, bool absolute, struct err *e)
{
	const struct replay_options *o = run->o;
	int rc = 0;
	bool by_task = false;
	for (size_t i = 0; i < o->dim_count; i++)
		by_task |= o->dim[i] == DIM_TASK;
	run->by_conversation &= by_task;
	run->group_by_answer = true;
	for (size_t i = 0; i < o->dim_count; i++)
		run->group_by_answer &= o->dim[i] == DIM_MODEL || o->dim[i] == DIM_WINDOW;
	run->layout = layout_of(run);
	if (o->has_at && absolute) {
		int64_t first_us = INT64_MAX;
		run->pass = PASS_FIRST_INSTANT;
		rc = run_pass_or_in_order(run, worker, threads, e);
		for (int i = 0; rc == 0 && i < threads; i++) {
			first_us = worker[i].first_us < first_us ? worker[i].first_us : first_us;
			worker_release(&worker[i]);
		}
		run->shift_us = first_us == INT64_MAX ? 0 : o->at.us - first_us;
	} else if (o->has_at) {
		run->shift_us = o->at.us;
	}
	if (rc == 0 && run->by_conversation) {
		run->conversations = conversations_open();
		run->pass = PASS_CONVERSATIONS;
		rc = run_pass_or_in_order(run, worker, threads, e);
		for (int i = 0; rc == 0 && i < threads; i++)
			worker_release(&worker[i]);
	}
	if (rc != 0)
		return rc;
	run->pass = PASS_PRICE;
	rc = run_pass_or_in_order(run, worker, threads, e);
	if (rc != 0)
		return rc;
	int64_t without_time = 0, accepted = 0;
	for (int i = 0; i < threads; i++) {
		without_time += worker[i].without_time;
		accepted += worker[i].accepted + worker[i].outside;
	}
	if (without_time && !accepted)
		rc = err_set(e, ERR_USAGE,
			     "%s: the trace has no instants, and a price without a date is not a "
			     "price; give one with --at, for example --at 2026-06-15",
			     o->path[0]);
	if (rc == 0)
		rc = collect(out, run, worker, threads, e);
	for (int i = 0; i < threads; i++)
		worker_release(&worker[i]);
	return rc;
}

int replay_run(struct replay_result **out, const struct replay_options *o, struct err *e)
{
	struct run run = { .o = o };
	bool absolute = false;
	pthread_mutex_init(&run.lock, NULL);
	pthread_cond_init(&run.done, NULL);
	pthread_mutex_init(&run.models.lock, NULL);
	pthread_mutex_init(&run.windows.lock, NULL);
	int rc = open_traces(&run, &absolute, e);
	if (rc == 0 && getrandom(run.seed, sizeof run.seed, 0) != sizeof run.seed)
		rc = err_set(e, ERR_SYSTEM, "the system gives no random bytes");
	struct replay_result *r = mem_zalloc(sizeof *r);
	if (rc == 0) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);
		int threads = o->threads > 0 ? o->threads : cores > 0 ? (int)cores : 1;
		threads = threads > THREADS_MAX ? THREADS_MAX : threads;
		struct worker *worker = mem_zalloc((size_t)threads * sizeof *worker);
		rc = replay_passes(r, &run, worker, threads, absolute, e);
		free(worker);
	}
	note_unused_columns(r, &run);
	if (rc != 0) {
		free(run.models.name);
		free(run.windows.name);
	}
	/* the labels of the result live on in its arena's stead */
	struct text *lists[] = { r->model, r->window };
	const uint32_t counts[] = { r->model_count, r->window_count };
	for (int k = 0; k < 2; k++)
		for (uint32_t i = 0; i < counts[k]; i++)
			lists[k][i].p = arena_text(&r->arena, lists[k][i].p, lists[k][i].n);
	arena_release(&run.models.arena);
	arena_release(&run.windows.arena);
	run_release(&run);
	if (rc != 0) {
		r->model = r->window = NULL;
		replay_result_close(r);
		return rc;
	}
	*out = r;
	return 0;
}

void replay_result_close(struct replay_result *r)
{
	if (!r)
		return;
	groups_close(r->groups);
	free(r->sorted);
	free(r->model);
	free(r->window);
	free(r->model_rank);
	free(r->window_rank);
	free(r->total.rare);
	free(r->unpriced.reason);
	free(r->uncredited.reason);
	arena_release(&r->unpriced.arena);
	arena_release(&r->uncredited.arena);
	arena_release(&r->arena);
	free(r);
}

const struct sums *replay_total(const struct replay_result *r)
{
	return &r->total;
}

size_t replay_group_count(const struct replay_result *r)
{
	return r->dim_count ? r->group_count : 0;
}

void replay_group_sums(const struct replay_result *r, size_t i, struct sums *out)
{
	group_sums(r->groups, r->sorted[i].group, out);
}

struct text replay_group_label(const struct replay_result *r, size_t i, size_t d,
			       char buf[INSTANT_TEXT_MAX])
{
	const char *p = group_key(r->groups, r->sorted[i].group);
	struct dim_value v = { 0 };
	for (size_t k = 0; k <= d; k++)
		v = next_value(r, r->dim[k], &p);
	struct civil c;
	int n;
	switch (r->dim[d]) {
	case DIM_DAY:
		c = civil_from_day(v.number);
		n = snprintf(buf, INSTANT_TEXT_MAX, "%04d-%02d-%02d", c.year, c.month, c.day);
		break;
	case DIM_WEEK: { /* ISO 8601: the week belongs to the year of its Thursday */
		int year = civil_from_day(v.number + 3).year;
		int64_t jan1 = civil_to_day((struct civil){ year, 1, 1 });
		n = snprintf(buf, INSTANT_TEXT_MAX, "%04d-W%02d", year,
			     (int)((v.number + 3 - jan1) / 7 + 1));
		break;
	}
	case DIM_MONTH:
		n = snprintf(buf, INSTANT_TEXT_MAX, "%04d-%02d", (int)(v.number / 12),
			     (int)(v.number % 12 + 1));
		break;
	case DIM_HOUR: {
		int64_t us = v.number + v.offset_s * US_PER_SECOND;
		int64_t day = floor_div(us, US_PER_DAY);
		int minute = v.offset_s / 60, size = minute < 0 ? -minute : minute;
		c = civil_from_day(day);
		n = snprintf(buf, INSTANT_TEXT_MAX, "%04d-%02d-%02dT%02d:00", c.year, c.month,
			     c.day, (int)((us - day * US_PER_DAY) / US_PER_HOUR));
		n += minute ? snprintf(buf + n, (size_t)(INSTANT_TEXT_MAX - n), "%c%02d:%02d",
				       minute < 0 ? '-' : '+', size / 60, size % 60)
			    : snprintf(buf + n, (size_t)(INSTANT_TEXT_MAX - n), "Z");
		break;
	}
	default:
		return v.text.n ? v.text : (struct text){ 0 };
	}
	return (struct text){ buf, (size_t)n };
}

size_t replay_unpriced_count(const struct replay_result *r)
{
	return r->unpriced.count;
}
const struct replay_reason *replay_unpriced(const struct replay_result *r, size_t i)
{
	return &r->unpriced.reason[i];
}
size_t replay_uncredited_count(const struct replay_result *r)
{
	return r->uncredited.count;
}
const struct replay_reason *replay_uncredited(const struct replay_result *r, size_t i)
{
	return &r->uncredited.reason[i];
}
int64_t replay_refused(const struct replay_result *r)
{
	return r->refused;
}
size_t replay_refusal_count(const struct replay_result *r)
{
	return r->refusal_count;
}
const struct replay_refusal *replay_refusal(const struct replay_result *r, size_t i)
{
	return &r->refusal[i];
}
const char *replay_damage(const struct replay_result *r)
{
	return r->damage;
}
int64_t replay_outside(const struct replay_result *r)
{
	return r->outside;
}

bool replay_span(const struct replay_result *r, struct instant *first, struct instant *last)
{
	first->us = r->first_us;
	last->us = r->last_us;
	return r->first_us <= r->last_us;
}

void replay_boundary(const struct replay_result *r, int64_t *known, int64_t *hinging,
		     struct money_total *difference)
{
	*known = r->completion_known;
	*hinging = r->hinging;
	*difference = r->hinging_difference;
}

const char *replay_unused_columns(const struct replay_result *r)
{
	return r->unused_columns;
}
