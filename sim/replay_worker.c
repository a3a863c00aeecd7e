#include <stdlib.h>

#include "base/processor.h"
#include "base/scan.h"
#include "meter/ingest/spans.h"
#include "pricing/rate.h"
#include "sim/model_cache.h"
#include "sim/replay_run.h"

#define RARE_FIELDS \
	(((uint64_t)1 << FIELD_REQUESTS) - ((uint64_t)1 << (FIELD_COUNTS + BUCKET_COMMON)))

static uint32_t name_id(struct names *n, struct text name)
{
	pthread_mutex_lock(&n->lock);
	uint64_t *at = dict_need(&n->index, name, NULL);
	if (!*at) {
		if ((n->count & (n->count - 1)) == 0)
			n->name =
				mem_grow(n->name, (n->count ? n->count * 2 : 1) * sizeof *n->name);
		n->name[n->count++] =
			(struct text){ arena_text(&n->arena, name.p, name.n), name.n };
		*at = n->count;
	}
	const uint32_t id = (uint32_t)*at;
	pthread_mutex_unlock(&n->lock);
	return id;
}

uint32_t replay_reason_id(struct reasons *r, struct text model, const char *why)
{
	struct buf key = { 0 };
	buf_add(&key, model.p, model.n);
	buf_add(&key, "", 1);
	buf_puts(&key, why);
	uint64_t *at = dict_need(&r->index, (struct text){ key.p, key.n }, NULL);
	buf_release(&key);
	if (*at)
		return (uint32_t)*at;
	if ((r->count & (r->count - 1)) == 0)
		r->reason = mem_grow(r->reason, (r->count ? r->count * 2 : 1) * sizeof *r->reason);
	r->reason[r->count++] =
		(struct replay_reason){ { arena_text(&r->arena, model.p, model.n), model.n },
					arena_text(&r->arena, why, strlen(why)),
					0 };
	return (uint32_t)(*at = r->count);
}

void replay_reasons_release(struct reasons *r)
{
	free(r->reason);
	dict_release(&r->index);
	arena_release(&r->arena);
}

static void count_reason(struct reasons *r, uint32_t *id, struct text model, const char *why)
{
	if (!*id)
		*id = replay_reason_id(r, model, why);
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
	r->file = w->run->in.log ? w->call : w->file;
	r->offset = w->reader ? trace_reader_offset(w->reader, at) : -1;
	r->line = w->reader ? trace_reader_line(w->reader, at) : -1;
	r->message = mem_text(why->message);
}

/* The parts of a key; each function returns the place behind what it wrote. */
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

/* put_text where TEXT_ROOM bytes can be read of any text that is not empty. */
static inline char *put_roomy_text(char *k, struct text s)
{
	if (__builtin_expect(s.n - 1 >= TEXT_ROOM, 0))
		return put_text(k, s);
	*k = (char)s.n;
	memcpy(k + 1, s.p, TEXT_ROOM);
	return k + 1 + s.n;
}

/* Where the texts of the grouping's dimensions stand in the batch at work; absent ones are empty.
 */
static void find_key_texts(struct worker *w, const struct record_batch *b)
{
	const struct replay_options *o = w->run->o;
	for (size_t i = 0; i < o->dim_count; i++) {
		enum record_field f = grouping_field(o->dim[i]);
		w->key_text[i] = f < FIELD_TEXTS && b->columns >> f & 1 ? b->text[f] : NULL;
	}
}

/* The local hour at which its group begins, and the offset where that tells groups apart. */
static char *put_time(struct worker *w, enum grouping dim, int64_t us, char *k)
{
	const int32_t begins = grouping_begins(dim, local_us(w, us)),
		      offset_s = (int32_t)(w->zone_offset_us / US_PER_SECOND);
	k = put_bytes(k, &begins, sizeof begins);
	return grouping_has_offset(dim) ? put_bytes(k, &offset_s, sizeof offset_s) : k;
}

static struct text text_part(const struct worker *w, const struct record_batch *b, size_t row,
			     size_t dim)
{
	struct text t = w->key_text[dim] ? w->key_text[dim][row] : (struct text){ 0 };
	if (w->run->o->dim[dim] == BY_TASK && w->run->by_conversation && t.n == 0 &&
	    b->columns >> FIELD_CHAT & 1)
		t = conversations_root(w->run->conversations, record_text(b, FIELD_CUSTOMER, row),
				       b->text[FIELD_CHAT][row]);
	return t;
}

/* The number of an answer's window; 0 where it has no price. */
static uint32_t window_of(struct worker *w, struct tariff_answer *a)
{
	if (!a->window_id && a->price)
		a->window_id = name_id(&w->run->windows, text_of(a->tariff->window));
	return a->window_id;
}

static inline char *put_key(struct worker *w, const struct record_batch *b, size_t row, char *k)
{
	const struct replay_options *o = w->run->o;
	const bool roomy = b->roomy && !w->run->by_conversation;
	for (size_t i = 0; i < o->dim_count; i++) {
		if (w->key_text[i] && roomy)
			k = put_roomy_text(k, w->key_text[i][row]);
		else if (o->dim[i] == BY_MODEL)
			k = put_number(k, w->subject[row]->model_id);
		else if (o->dim[i] == BY_WINDOW)
			k = put_number(k, window_of(w, w->answer[row]));
		else if (grouping_field(o->dim[i]) != FIELD_NONE)
			k = put_text(k, text_part(w, b, row, i));
		else
			k = put_time(w, o->dim[i], w->us[row], k);
	}
	/* zeros up to a multiple of 8 bytes; keys are written at such multiples */
	memset(k, 0, 8);
	return k + (-(uintptr_t)k & 7);
}

/* Cost of a row under a when tiers, fees, rare buckets or units may matter. */
static bool price_in_full(const struct record *r, const struct batch_unit *more,
			  const struct tariff_answer *a, struct money_total *cost, bool *at_least,
			  struct err *why)
{
	struct usage u = { .requests = r->requests };
	struct rating rating;
	usage_set_counts(&u, r->counts);
	if (more && more->count)
		u.unit[u.unit_count++] = (struct usage_unit){ more->name, more->count };
	if (rate_usage(&rating, &u, a->price, a->tariff, why) != 0)
		return false;
	*cost = rating.total;
	*at_least = rating.at_least;
	return true;
}

/* The cost of a row is the least that it may be. */
static void note_unsaid(struct worker *w, const struct record_batch *b, size_t row)
{
	if (!w->any_unsaid)
		memset(w->unsaid, 0, b->n);
	w->any_unsaid = true;
	w->unsaid[row] = 1;
	w->bound.unsaid++;
	w->bound.placeholders++;
}

/* What the row counts beside its record. */
static const struct batch_unit *unit_of(const struct record_batch *b, size_t row)
{
	return b->has_units ? &b->unit[row] : NULL;
}

/* How long each prompt of a bucket was is not told, not even where it is one call's. */
static bool tier_is_told(const struct record_batch *b, const struct record *r,
			 const struct tariff_answer *a, struct err *why)
{
	struct usage several = { .requests = r->requests < 2 ? 2 : r->requests };
	const struct rates *rates;
	usage_set_counts(&several, r->counts);
	return !b->aggregate || rate_tier(&rates, &several, a->tariff, why) == 0;
}

/* Tiers, fees, rare buckets; or the reason why there is no price. */
static __attribute__((noinline)) void price_or_explain(struct worker *w,
						       const struct record_batch *b, size_t row)
{
	struct tariff_answer *a = w->answer[row];
	struct record r;
	struct err why;
	uint32_t none = 0;
	bool at_least = false;
	w->cost[row] = (struct money_total){ 0 };
	w->unpriced[row] = 0;
	record_from_batch(&r, b, row);
	if (a->price && tier_is_told(b, &r, a, &why) &&
	    price_in_full(&r, unit_of(b, row), a, &w->cost[row], &at_least, &why)) {
		if (at_least)
			note_unsaid(w, b, row);
		return;
	}
	if (b->charge) {
		w->cost[row] = money_of_tokens(*b->charge, PER_MILLION);
		w->by_seller = true;
		w->stated.by_seller++;
		w->overflow |= !money_total_add(&w->stated.sellers, w->cost[row]);
	} else if (!a->price) {
		count_reason(&w->unpriced_reasons, &a->why_id, w->subject[row]->model, a->unpriced);
		w->unpriced[row] = 1;
	} else {
		count_reason(&w->unpriced_reasons, &none, w->subject[row]->model, why.message);
		w->unpriced[row] = 1;
	}
}

/* Whether the row uses a common bucket for which the answer states no price. */
static bool uses_unstated(const struct tariff_answer *a, const struct record_batch *b, size_t row)
{
	for (int k = 0; k < BUCKET_REASONING; k++)
		if (a->unstated >> k & 1 && b->columns >> (FIELD_COUNTS + k) & 1 &&
		    b->tokens[k][row] != 0)
			return true;
	return false;
}

ALWAYS_INLINE void price_columns(struct worker *w, const struct record_batch *b, bool simple,
				 const int64_t *const *used, const uint8_t *bucket, int n)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct tariff_answer *a = w->answer[i];
		int128 sum = 0;
		for (int k = 0; k < n; k++)
			sum += money_of_tokens((struct money){ a->rate[bucket[k]] }, used[k][i])
				       .atto;
		w->cost[i] = (struct money_total){ sum };
		w->unpriced[i] = 0;
		if (__builtin_expect(
			    !(a->plain & simple) || (a->unstated && uses_unstated(a, b, i)), 0))
			price_or_explain(w, b, i);
	}
}

/* The same rates without the detour, where one price holds for every prompt and all used buckets
 * are priced. */
static void price_plainly(struct worker *w, const struct record_batch *b)
{
	const int64_t *used[BUCKET_REASONING];
	uint8_t bucket[BUCKET_REASONING];
	int n = 0;
	uint64_t any = 0;
	for (int k = 0; k < BUCKET_REASONING; k++)
		if (b->columns >> (FIELD_COUNTS + k) & 1) {
			used[n] = b->tokens[k];
			bucket[n++] = (uint8_t)k;
			for (size_t i = 0; i < b->n; i++)
				any |= (uint64_t)b->tokens[k][i];
		}
	/* products of 63 and 58 bits: the sum of the buckets fits into 127 */
	const bool simple = !(b->columns & RARE_FIELDS) && !b->has_units && any >> 58 == 0;
	switch (n) { /* known numbers of buckets make straight code */
	case 2:
		price_columns(w, b, simple, used, bucket, 2);
		break;
	case 3:
		price_columns(w, b, simple, used, bucket, 3);
		break;
	default:
		price_columns(w, b, simple, used, bucket, n);
	}
}

/* Whether a card prices the call of a batch of one. */
static bool priced_here(const struct worker *w)
{
	return !w->unpriced[0] && !w->by_seller;
}

/* What the source of a call says of its cost, beside what a card says. */
static void compare_stated(struct worker *w, const struct record_batch *b)
{
	w->overflow |= !recorded_cost_add(w->stated.recorded, b->stated, 1,
					  priced_here(w) ? &w->cost[0] : NULL);
}

static void add_credits(struct worker *w, const struct record_batch *b, size_t row)
{
	struct tariff_answer *a = w->answer[row];
	struct subject *s = w->subject[row];
	struct record r;
	struct err e;
	uint32_t none = 0;
	w->credits[row] = (struct credits_total){ 0 };
	w->uncredited[row] = 1;
	if (!a->has_credits) {
		count_reason(&w->uncredited_reasons, &a->why_credits_id, s->model, a->uncredited);
		return;
	}
	record_from_batch(&r, b, row);
	struct usage u = { .requests = r.requests };
	memcpy(u.counts, r.counts, sizeof u.counts);
	const struct credited what = { s, w->decides[row], &u };
	int rc = tariffs_credits(w->tariffs, a, &what, &w->credits[row], NULL, &e);
	if (rc != 0)
		count_reason(&w->uncredited_reasons, &none, s->model, e.message);
	w->uncredited[row] = rc != 0;
}

/*
 * The answer for the row's prompt, where rates depend on it and the row tells it: not where it
 * stands for several calls, or counts what is rare.
 */
static struct tariff_answer *of_prompt(const struct record_batch *b, size_t row,
				       struct tariff_answer *a)
{
	int64_t prompt = 0;
	if (!a->by_prompt || b->aggregate || b->columns & RARE_FIELDS ||
	    (b->columns >> FIELD_REQUESTS & 1 && b->requests[row] > 1))
		return a;
	for (int k = 0; k < BUCKET_REASONING; k++)
		if (b->columns >> (FIELD_COUNTS + k) & 1 && bucket_is_prompt((enum bucket)k) &&
		    __builtin_add_overflow(prompt, b->tokens[k][row], &prompt))
			return a;
	return tariffs_of_prompt(a, prompt);
}

/* What the price book says of a row at that instant. */
static struct tariff_answer *ask(struct worker *w, const struct record_batch *b, size_t row,
				 int64_t time_us)
{
	return of_prompt(b, row, tariffs_ask(w->tariffs, w->subject[row], time_us));
}

/* What the other choice of the deciding instant would have cost. */
static void compare_boundary(struct worker *w, const struct record_batch *b, size_t row)
{
	struct err why;
	struct money_total cost;
	struct record r;
	bool at_least;
	bool start = w->run->o->boundary == BOUNDARY_START;
	record_from_batch(&r, b, row);
	if (r.completed_us == TIME_ABSENT || r.time_us == TIME_ABSENT)
		return;
	const struct tariff_answer *other =
		ask(w, b, row, w->run->times.shift_us + (start ? r.completed_us : r.time_us));
	w->completion_known++;
	if (other == w->answer[row] || w->unpriced[row] || !other->price ||
	    !price_in_full(&r, unit_of(b, row), other, &cost, &at_least, &why) ||
	    cost.atto == w->cost[row].atto)
		return;
	w->sensitive++;
	w->overflow |=
		!money_total_add(&w->hinging_difference, money_total_minus(cost, w->cost[row]));
}

/* Whether it is the maker's in place of the seller's, and what the price would have made of it that
 * may have held already. */
static void compare_doubtful(struct worker *w, const struct record_batch *b, size_t row)
{
	struct err why;
	struct money_total now, then;
	struct record r;
	bool at_least;
	const struct tariff_answer *a = w->answer[row];
	if (w->unpriced[row])
		return;
	if (a->price && a->price->stands_in) {
		const char *given = w->run->o->provider;
		const struct text seller = b->columns >> FIELD_PROVIDER & 1
						   ? b->text[FIELD_PROVIDER][row]
						   : text_of(given ? given : "");
		w->overflow |= !stand_ins_add(&w->stand_ins, seller, text_of(a->price->provider), 1,
					      w->cost[row]);
	}
	if (a->price && a->price->moves)
		w->overflow |=
			!named_calls_add(&w->moving, w->subject[row]->model, 1, w->cost[row]);
	if (!a->may_be)
		return;
	const struct tariff_answer *later = ask(w, b, row, a->may_be->from.us);
	record_from_batch(&r, b, row);
	if (!later->price || !price_in_full(&r, unit_of(b, row), a, &now, &at_least, &why) ||
	    !price_in_full(&r, unit_of(b, row), later, &then, &at_least, &why) ||
	    now.atto == then.atto)
		return;
	w->dates.records++;
	w->overflow |= !money_total_add(&w->dates.difference, money_total_minus(then, now));
}

static void price_rows(struct worker *w, const struct record_batch *b)
{
	w->by_seller = w->any_unsaid = false;
	price_plainly(w, b);
	if (b->stated)
		compare_stated(w, b);
	for (size_t i = 0; w->run->o->plan && i < b->n; i++)
		add_credits(w, b, i);
	for (size_t i = 0; b->columns >> FIELD_COMPLETED & 1 && i < b->n; i++)
		compare_boundary(w, b, i);
	for (size_t i = 0; tariffs_in_doubt(w->tariffs) && i < b->n; i++)
		compare_doubtful(w, b, i);
}

/* A subject whose model has its number. */
static inline struct subject *numbered(struct worker *w, struct subject *s)
{
	if (__builtin_expect(!s->model_id, 0))
		s->model_id = name_id(&w->run->models, s->model);
	return s;
}

/* tariffs_model, without a look at the name's own memory for those seen before. */
static inline struct subject *subject_of_model(struct worker *w, struct text provider,
					       struct text model, bool roomy)
{
	uint64_t first, middle = 0, last = 0;
	if (model.n - 8 <= 16) {
		first = load64(model.p);
		middle = load64(model.p + (model.n < 16 ? model.n - 8 : 8));
		last = load64(model.p + model.n - 8);
	} else if (model.n - 1 < 7 && roomy) {
		first = load_bytes(model.p, model.n);
	} else {
		return numbered(w, tariffs_model(w->tariffs, provider, model));
	}
	struct known_model *k =
		&w->known_model[(first ^ middle ^ last) * 0x9E3779B97F4A7C15u >> 58];
	if (__builtin_expect(k->first != first || k->middle != middle || k->last != last ||
				     k->n != model.n,
			     0))
		*k = (struct known_model){ first, middle, last, model.n,
					   numbered(w,
						    tariffs_model(w->tariffs, provider, model)) };
	return k->subject;
}

/* The model of each row as the price book is asked for it. */
static void name_subjects(struct worker *w, const struct record_batch *b)
{
	const struct replay_options *o = w->run->o;
	const struct text none = { 0 }, given_model = text_of(o->model ? o->model : ""),
			  given_provider = text_of(o->provider ? o->provider : ""),
			  remodel = text_of(o->remodel ? o->remodel : "");
	const uint64_t has = b->columns, names = (uint64_t)1 << FIELD_PROVIDER |
						 (uint64_t)1 << FIELD_SERVICE_TIER |
						 (uint64_t)1 << FIELD_REGION;
	const bool has_model = has >> FIELD_MODEL & 1 && !o->remodel;
	if (!(has & names)) { /* only the model can differ from row to row */
		for (size_t i = 0; i < b->n; i++) {
			struct text model = has_model ? b->text[FIELD_MODEL][i] : remodel;
			const bool roomy = has_model && b->roomy && model.n;
			if (model.n == 0)
				model = given_model;
			w->subject[i] = subject_of_model(w, given_provider, model, roomy);
		}
		return;
	}
	for (size_t i = 0; i < b->n; i++) {
		struct text model = has_model ? b->text[FIELD_MODEL][i] : remodel;
		struct text provider = has >> FIELD_PROVIDER & 1 && !o->remodel
					       ? b->text[FIELD_PROVIDER][i]
					       : none;
		w->subject[i] = numbered(
			w, tariffs_subject(
				   w->tariffs, provider.n ? provider : given_provider,
				   model.n ? model : given_model,
				   has >> FIELD_SERVICE_TIER & 1 ? b->text[FIELD_SERVICE_TIER][i]
								 : none,
				   has >> FIELD_REGION & 1 ? b->text[FIELD_REGION][i] : none));
	}
}

/* What the record's own model costs then. */
static const struct tariff_answer *own_answer(struct worker *w, const struct record_batch *b,
					      size_t row)
{
	static const enum record_field names[] = { FIELD_PROVIDER, FIELD_MODEL, FIELD_SERVICE_TIER,
						   FIELD_REGION };
	struct text name[4] = { 0 };
	for (int k = 0; k < 4; k++)
		if (b->columns >> names[k] & 1)
			name[k] = b->text[names[k]][row];
	struct subject *s = tariffs_subject(w->tariffs, name[0], name[1], name[2], name[3]);
	return tariffs_ask(w->tariffs, s, w->decides[row]);
}

/*
 * Under --remodel, what was written is input where the other model bills no writes, as in a
 * what-if: nothing that was sent is free.
 */
static void read_writes(struct worker *w, struct record_batch *b)
{
	static const int buckets[] = { BUCKET_CACHE_WRITE_5M, BUCKET_CACHE_WRITE_1H };
	const uint64_t has_input = (uint64_t)1 << (FIELD_COUNTS + BUCKET_INPUT);
	for (int k = 0; k < 2; k++) {
		int64_t *wrote = b->tokens[buckets[k]];
		if (!(b->columns >> (FIELD_COUNTS + buckets[k]) & 1))
			continue;
		if (!(b->columns & has_input))
			memset(b->tokens[BUCKET_INPUT], 0, b->n * sizeof **b->tokens);
		b->columns |= has_input;
		for (size_t i = 0; i < b->n; i++) {
			if (wrote[i] &&
			    model_cache_reads_writes(w->answer[i], own_answer(w, b, i))) {
				b->tokens[BUCKET_INPUT][i] += wrote[i];
				wrote[i] = 0;
			}
		}
	}
}

/* Whether a row counts tokens of one of these common buckets. */
static bool any_counted(const struct record_batch *b, uint32_t buckets)
{
	uint64_t any = 0;
	for (int k = 0; k < BUCKET_REASONING; k++)
		if (buckets >> k & b->columns >> (FIELD_COUNTS + k) & 1)
			for (size_t i = 0; i < b->n; i++)
				any |= (uint64_t)b->tokens[k][i];
	return any != 0;
}

/* The answers for rows as they are, of which some depend on the prompt or are refused; the buckets
 * that are linear in all of them. */
static __attribute__((noinline)) uint32_t ask_closely(struct worker *w,
						      const struct record_batch *b)
{
	uint32_t linear = UINT32_MAX;
	for (size_t i = 0; i < b->n; i++) {
		w->answer[i] = b->unread ? tariffs_none(w->tariffs, w->subject[i], b->unread)
					 : of_prompt(b, i, w->answer[i]);
		linear &= w->answer[i]->linear;
	}
	return linear;
}

static void ask_tariffs(struct worker *w, struct record_batch *b)
{
	uint32_t linear = UINT32_MAX;
	name_subjects(w, b);
	for (size_t i = 0; i < b->n; i++) {
		w->answer[i] = tariffs_ask(w->tariffs, w->subject[i], w->decides[i]);
		linear &= w->answer[i]->linear;
	}
	if (!linear || b->unread)
		linear = ask_closely(w, b);
	if (w->run->o->remodel)
		read_writes(w, b);
	w->linear = linear && !any_counted(b, ~linear);
}

/* The rare buckets of a row; false when they are all zero. */
static bool rare_of(const struct record_batch *b, size_t row, int64_t rare[COUNT_RARE])
{
	int64_t any = 0;
	for (int k = BUCKET_COMMON; k < COUNT_KINDS; k++)
		any |= rare[k - BUCKET_COMMON] =
			b->columns >> (FIELD_COUNTS + k) & 1 ? b->counts[k][row] : 0;
	return any != 0;
}

/* The columns of the batch that groups add up, and where in the group. */
struct summed {
	const int64_t *column[BUCKET_COMMON];
	uint8_t place[BUCKET_COMMON], bucket[BUCKET_COMMON];
	int count;
};

static struct summed summed_columns(const struct worker *w, const struct record_batch *b)
{
	const struct group_layout *layout = &w->run->layout;
	struct summed s = { .count = 0 };
	for (int k = 0; k < layout->bucket_count; k++)
		if (b->columns >> (FIELD_COUNTS + layout->bucket[k]) & 1) {
			s.column[s.count] = b->tokens[layout->bucket[k]];
			s.bucket[s.count] = layout->bucket[k];
			s.place[s.count++] = (uint8_t)k;
		}
	return s;
}

static inline void add_to_group(struct worker *w, const struct record_batch *b, size_t row,
				struct group *g, const struct summed *s)
{
	bool bad = !money_total_add(&g->cost, w->cost[row]);
	bad |= __builtin_add_overflow(g->records, 1, &g->records);
	for (int k = 0; k < s->count; k++) {
		int64_t *sum = &g->tokens[s->place[k]];
		bad |= __builtin_add_overflow(*sum, s->column[k][row], sum);
	}
	if (__builtin_expect(w->unpriced[row], 0))
		group_more(w->groups, g)->unpriced++;
	if (__builtin_expect(w->any_unsaid && w->unsaid[row], 0)) {
		group_more(w->groups, g)->unsaid++;
		group_more(w->groups, g)->placeholders++;
	}
	if (w->run->layout.credits) {
		struct group_credit *c = group_credits(w->groups, g);
		bad |= !credits_add(&c->total, w->credits[row]);
		c->missing += w->uncredited[row];
	}
	if (__builtin_expect((b->columns & RARE_FIELDS) != 0, 0)) {
		int64_t rare[COUNT_RARE];
		if (rare_of(b, row, rare))
			bad |= !group_add_rare(w->groups, g, rare);
	}
	if (b->stated && w->run->o->recorded)
		bad |= !recorded_cost_add(group_recorded(w->groups, g), b->stated, 1,
					  priced_here(w) ? &w->cost[0] : NULL);
	w->overflow |= bad;
}

static struct group *group_of(struct worker *w, const struct record_batch *b, size_t row)
{
	size_t n = (size_t)(put_key(w, b, row, w->key) - w->key);
	return groups_need(w->groups, groups_hash(w->groups, w->key, n), w->key, (uint32_t)n, NULL);
}

/* Pricing is linear: where one price holds for every row of an answer, its tokens are added up
 * first and priced at the end. */
static bool all_can_wait(const struct worker *w, const struct record_batch *b)
{
	return w->linear && !w->run->o->plan && !b->has_units && !b->stated &&
	       !(b->columns & (RARE_FIELDS | (uint64_t)1 << FIELD_COMPLETED));
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
	find_key_texts(w, b);
	for (size_t i = 0; i < b->n; i++)
		if (__builtin_expect(!w->answer[i]->group, 0))
			w->answer[i]->group = group_of(w, b, i);
	if (all_can_wait(w, b)) {
		let_wait(w, b);
		return;
	}
	price_rows(w, b);
	const struct summed sums = summed_columns(w, b);
	for (size_t i = 0; i < b->n; i++)
		add_to_group(w, b, i, w->answer[i]->group, &sums);
}

/* Whether no sum of such rows can overflow: counts below 2^31 and rates below 2^56, fewer than 2^32
 * rows. */
static bool sums_fit(struct worker *w, const struct record_batch *b, const struct summed *s)
{
	uint64_t any = 0;
	for (int k = 0; k < s->count; k++)
		for (size_t i = 0; i < b->n; i++)
			any |= (uint64_t)s->column[k][i];
	w->large_seen |= any >> 31 != 0 || w->accepted >> 32 != 0;
	return !w->large_seen;
}

/* add_to_group where the row's price is linear and no sum can overflow. */
ALWAYS_INLINE void add_linearly(struct worker *w, size_t row, struct group *g,
				const struct summed *s, int n)
{
	const struct tariff_answer *a = w->answer[row];
	int128 cost = 0;
	for (int k = 0; k < n; k++) {
		int64_t tokens = s->column[k][row];
		cost += (int128)a->rate[s->bucket[k]] * tokens;
		g->tokens[s->place[k]] += tokens;
	}
	g->cost.atto += cost;
	g->records++;
}

/* The rows by their groups; the memory of a row is fetched, slot and then group, while the rows
 * before it are added. n: summed columns where prices are linear, -1 where they stand in w->cost.
 */
ALWAYS_INLINE void add_rows(struct worker *w, const struct record_batch *b,
			    const struct summed *sums, int n)
{
	for (size_t from = 0; from < b->n; from += AHEAD) {
		const size_t to = from + AHEAD < b->n ? from + AHEAD : b->n;
		for (size_t i = from; i < to; i++) {
			w->hash[i] = groups_hash(w->groups, w->key_at[i],
						 (size_t)(w->key_at[i + 1] - w->key_at[i]));
			groups_prefetch_slot(w->groups, w->hash[i]);
		}
		for (size_t i = from; i < to; i++)
			w->guess[i] = groups_guess(w->groups, w->hash[i]);
		for (size_t i = from; i < to; i++) {
			struct group *g = groups_need(w->groups, w->hash[i], w->key_at[i],
						      (uint32_t)(w->key_at[i + 1] - w->key_at[i]),
						      w->guess[i]);
			if (n < 0)
				add_to_group(w, b, i, g, sums);
			else
				add_linearly(w, i, g, sums, n);
		}
	}
}

/* Whether the keys are made of short texts and models only, which put_plain_keys writes. */
static bool keys_are_plain(const struct worker *w, const struct record_batch *b)
{
	const struct replay_options *o = w->run->o;
	bool plain = b->roomy && !w->run->by_conversation;
	for (size_t d = 0; d < o->dim_count; d++)
		plain = plain && (w->key_text[d] || o->dim[d] == BY_MODEL);
	return plain;
}

/* put_key for all rows where keys_are_plain. */
ALWAYS_INLINE void put_plain_keys(struct worker *w, const struct record_batch *b, size_t dims)
{
	const struct text *column[GROUPING_COUNT];
	char *k = w->key;
	for (size_t d = 0; d < dims; d++)
		column[d] = w->key_text[d];
	for (size_t i = 0; i < b->n; i++) {
		w->key_at[i] = k;
		for (size_t d = 0; d < dims; d++)
			k = column[d] ? put_roomy_text(k, column[d][i])
				      : put_number(k, w->subject[i]->model_id);
		memset(k, 0, 8);
		k += -(uintptr_t)k & 7;
	}
	w->key_at[b->n] = k;
}

static void put_keys(struct worker *w, const struct record_batch *b)
{
	char *k = w->key;
	switch (keys_are_plain(w, b) ? w->run->o->dim_count : 0) {
	case 1:
		put_plain_keys(w, b, 1);
		return;
	case 2:
		put_plain_keys(w, b, 2);
		return;
	case 3:
		put_plain_keys(w, b, 3);
		return;
	default:
		for (size_t i = 0; i < b->n; i++) {
			w->key_at[i] = k;
			k = put_key(w, b, i, k);
		}
		w->key_at[b->n] = k;
	}
}

static void add_to_groups(struct worker *w, const struct record_batch *b)
{
	const struct summed sums = summed_columns(w, b);
	const bool linear = all_can_wait(w, b) && sums_fit(w, b, &sums);
	if (!linear)
		price_rows(w, b);
	find_key_texts(w, b);
	put_keys(w, b);
	switch (linear ? sums.count : -1) { /* known numbers of columns make straight code */
	case -1:
		add_rows(w, b, &sums, -1);
		break;
	case 2:
		add_rows(w, b, &sums, 2);
		break;
	case 3:
		add_rows(w, b, &sums, 3);
		break;
	default:
		add_rows(w, b, &sums, sums.count);
	}
}

static __attribute__((noinline)) void refuse_because(struct worker *w, const char *at,
						     const char *why)
{
	struct err e;
	err_set(&e, ERR_INVALID, "%s", why);
	refuse(w, at, 0, &e);
}

/* Rows whose price the completion decides, where it is known. */
static void decide_by_completion(struct worker *w, const struct record_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		w->completed[i] = b->completed_us[i] != TIME_ABSENT
					  ? b->completed_us[i] + w->run->times.shift_us
					  : w->us[i];
	w->decides = w->completed;
}

static void leave(void *user, const struct record_batch *b, size_t row, enum call_place why)
{
	struct worker *w = user;
	w->without_time += why == CALL_WITHOUT_INSTANT;
	w->outside += why == CALL_OUTSIDE;
	if (why != CALL_OUTSIDE)
		refuse_because(w, b->at[row], call_place_reason(why));
}

static void accept(void *user, struct record_batch *b)
{
	struct worker *w = user;
	struct run *run = w->run;
	if (run->pass == PASS_CONVERSATIONS) {
		for (size_t i = 0; i < b->n && b->columns >> FIELD_CHAT & 1; i++)
			conversations_add(run->conversations, record_text(b, FIELD_CUSTOMER, i),
					  b->text[FIELD_CHAT][i], record_text(b, FIELD_PARENT, i));
		return;
	}
	if (run->pass == PASS_FIRST_INSTANT) {
		call_times_see_first(b, &w->span.first_us);
		return;
	}
	call_times_batch(&run->times, b, w->us, &w->span, leave, w);
	w->decides = w->us;
	if (run->o->boundary == BOUNDARY_COMPLETION && b->columns >> FIELD_COMPLETED & 1)
		decide_by_completion(w, b);
	w->accepted += (int64_t)b->n;
	ask_tariffs(w, b);
	if (run->group_by_answer)
		add_by_answer(w, b);
	else
		add_to_groups(w, b);
}

bool replay_accept(struct worker *w, struct record_batch *b)
{
	accept(w, b);
	return b->n > 0;
}

/* Whether the row that was taken last has a price, and that depends on how long cache writes stay.
 */
static bool is_by_lifetime(const struct worker *w)
{
	const struct tariff_answer *a = w->answer[0];
	return a && a->price && rates_by_lifetime(&a->tariff->rates);
}

/* The same of an answer that may be no text. */
static bool is_by_modality(const struct worker *w)
{
	const struct tariff_answer *a = w->answer[0];
	return a && a->price && rates_by_modality(&a->tariff->rates);
}

void replay_bound(struct worker *w, struct record_batch *b)
{
	w->bound.placeholders++;
	if (w->groups)
		group_more(w->groups, group_of(w, b, 0))->placeholders++;
}

bool replay_accept_sums(struct worker *w, struct record_batch *b, const int64_t *records)
{
	ask_tariffs(w, b);
	if (!all_can_wait(w, b))
		return false;
	find_key_texts(w, b);
	for (size_t i = 0; i < b->n; i++) {
		if (!w->answer[i]->group)
			w->answer[i]->group = group_of(w, b, i);
		/* let_wait counts one of them */
		w->answer[i]->waiting_records += records[i] - 1;
		w->accepted += records[i];
	}
	let_wait(w, b);
	return true;
}

void replay_settle(struct worker *w)
{
	tariffs_each(w->tariffs, settle, w);
}

/* Text fields that neither the price nor the grouping looks at. */
static uint64_t unneeded_fields(const struct run *run)
{
	uint64_t needed = (uint64_t)1 << FIELD_MODEL | (uint64_t)1 << FIELD_PROVIDER |
			  (uint64_t)1 << FIELD_SERVICE_TIER | (uint64_t)1 << FIELD_REGION |
			  (uint64_t)1 << FIELD_CHAT | (uint64_t)1 << FIELD_PARENT;
	for (size_t i = 0; i < run->o->dim_count; i++)
		if (grouping_field(run->o->dim[i]) != FIELD_NONE)
			needed |= (uint64_t)1 << grouping_field(run->o->dim[i]);
	return (((uint64_t)1 << FIELD_TEXTS) - 1) & ~needed;
}

static void read_file(struct worker *w, struct trace *t)
{
	struct run *run = w->run;
	const struct trace_reading how = { run->o->map, run->o->map_count, unneeded_fields(run),
					   run->o->strict_only };
	struct err e = { 0 };
	int rc = 1;
	w->reader = trace_reader_open(t, &how, &(struct record_sink){ w, accept, refuse });
	while (rc == 1 && !atomic_load_explicit(&run->stop, memory_order_relaxed))
		rc = trace_reader_next(w->reader, &e);
	if (rc == TRACE_TORN) {
		atomic_store(&run->torn, true);
		atomic_store(&run->stop, true);
	}
	if (rc < 0) {
		pthread_mutex_lock(&run->lock);
		if (run->failure.code == ERR_NONE)
			run->failure = e;
		pthread_mutex_unlock(&run->lock);
	}
	trace_reader_close(w->reader);
	w->reader = NULL;
}

void *replay_work(void *arg)
{
	struct worker *w = arg;
	struct run *run = w->run;
	processor_pin(w->index);
	for (w->file = 0; w->file < run->in.traces; w->file++)
		read_file(w, run->in.trace[w->file]);
	if (w->tariffs)
		tariffs_each(w->tariffs, settle, w);
	pthread_mutex_lock(&run->lock);
	atomic_fetch_sub(&run->running, 1);
	pthread_cond_signal(&run->done);
	pthread_mutex_unlock(&run->lock);
	return NULL;
}

/* Why the calls of a bucket of time have no price that all of them share, or NULL. */
static const char *doubt_of_bucket(struct worker *w, const struct record *r)
{
	struct subject *s =
		tariffs_subject(w->tariffs, r->text[FIELD_PROVIDER], r->text[FIELD_MODEL],
				r->text[FIELD_SERVICE_TIER], r->text[FIELD_REGION]);
	int64_t shift = w->run->times.shift_us;
	return tariffs_divided(w->tariffs, s, r->time_us + shift, r->completed_us + shift);
}

static struct text resolve(void *user, struct text provider, struct text model, int64_t time_us)
{
	struct worker *w = user;
	struct subject *s = tariffs_subject(w->tariffs, provider, model, TEXT(""), TEXT(""));
	const struct tariff_answer *a = tariffs_ask(w->tariffs, s, time_us);
	return a->resolved && *a->resolved ? text_of(a->resolved) : model;
}

/* A bucket of time and the calls that it sums up are one usage, of which the first counts, as it
 * does when they are metered. NULL where no bucket is among the calls. */
static struct spans *open_spans(struct worker *w)
{
	const struct call_log *log = w->run->in.log;
	struct spans *spans = NULL;
	const char *path;
	bool any = false;
	for (size_t i = 0; !any && i < call_log_count(log); i++)
		any = call_log_call(log, i, &path)->aggregate;
	if (any)
		spans_open(&spans, NULL, resolve, w, NULL);
	return spans;
}

/* Why the call must not be counted, or NULL; then it is noted as one that counts. */
static const char *told_twice(struct spans *spans, const struct metered *m)
{
	const struct record *r = &m->record;
	const struct text provider = r->text[FIELD_PROVIDER], model = r->text[FIELD_MODEL];
	const struct span span = { r->time_us, r->completed_us,	  provider,
				   model,      text_of(m->shape), { 0 } };
	const char *why = NULL;
	/* of sums that metrics tell those are left that say something of their own */
	if (!spans || r->time_us == TIME_ABSENT || strcmp(m->shape, OTLP_METRIC_SHAPE) == 0)
		return NULL;
	if (!m->aggregate)
		why = spans_refuse_call(spans, provider, model, r->time_us);
	else if (spans_refuse_bucket(spans, NULL, &span, &why, NULL) != 0)
		return NULL;
	if (!why && m->aggregate)
		spans_add_bucket(spans, &span);
	else if (!why)
		spans_add_call(spans, provider, model, r->time_us);
	return why;
}

void replay_work_calls(struct worker *w)
{
	struct record_batch *b = mem_zalloc(sizeof *b);
	struct spans *spans = w->run->pass == PASS_PRICE ? open_spans(w) : NULL;
	const char *path;
	for (size_t i = 0; i < call_log_count(w->run->in.log); i++) {
		const struct metered *m = call_log_call(w->run->in.log, i, &path);
		if (m->conflict)
			continue;
		w->call = i;
		const char *again = told_twice(spans, m);
		if (again) {
			refuse_because(w, NULL, again);
			continue;
		}
		record_batch_single(b, &m->record);
		const bool dollars = strcmp(w->run->o->currency, "USD") == 0;
		b->aggregate = m->aggregate;
		b->unread = m->unread	   ? m->unread
			    : m->aggregate ? doubt_of_bucket(w, &m->record)
					   : NULL;
		b->stated = m->stated.given && dollars ? &m->stated : NULL;
		b->charge = b->stated && !m->stated.estimate && !m->unread && m->record.requests > 0
				    ? &m->stated.amount
				    : NULL;
		w->answer[0] = NULL;
		if (!replay_accept(w, b))
			continue;
		lower_bound_see(&w->bound, m->shape);
		if (m->met)
			lower_bound_see(&w->bound, m->met);
		if (m->broken_off || (metered_is_unsplit(m) && is_by_lifetime(w)) ||
		    (metered_is_undivided(m) && is_by_modality(w)))
			replay_bound(w, b);
	}
	tariffs_each(w->tariffs, settle, w);
	spans_close(spans);
	free(b);
}

void replay_start_worker(struct run *run, struct worker *w, int index)
{
	const struct replay_options *o = run->o;
	*w = (struct worker){ .run = run, .index = index, .span = { INT64_MAX, INT64_MIN } };
	w->decides = w->us;
	if (run->pass != PASS_PRICE)
		return;
	w->tariffs = tariffs_open(o->book, o->plan, o->currency);
	w->groups = groups_open(run->seed, &run->layout);
	w->key = mem_zalloc(BATCH_ROWS * (o->dim_count * KEY_PIECE_MAX + 16));
}

void replay_worker_release(struct worker *w)
{
	tariffs_close(w->tariffs);
	groups_close(w->groups);
	free(w->key);
	replay_reasons_release(&w->unpriced_reasons);
	replay_reasons_release(&w->uncredited_reasons);
	for (size_t i = 0; i < w->refusal_count; i++)
		free(w->refusal[i].message);
}
