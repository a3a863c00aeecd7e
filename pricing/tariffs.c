#include "pricing/tariffs.h"
#include "pricing/rate.h"

#include <stdlib.h>

/* PAGES_MOST: of all subjects, 32 MiB */
enum { PAGE_QUARTERS = 4096, PAGES_MOST = 4096, SLOTS_FIRST = 1024, RECENT = 64 };
#define QUARTER_US (900 * US_PER_SECOND)
#define DIVIDED UINT16_MAX

/* Answers of PAGE_QUARTERS quarter hours: index + 1 into subject->answer, 0 when not asked yet,
 * DIVIDED. */
struct tariff_page {
	int64_t number;
	struct tariff_page *next;
	uint16_t answer[PAGE_QUARTERS];
};

struct tariffs {
	bool in_doubt;
	const struct book *book;
	const struct plan *plan;
	const char *currency;
	struct arena arena;
	struct subject **slot; /* a power of two of them, as many as subjects at least */
	size_t slots, subjects, pages;
	/* by a cheap hash of the model name */
	struct subject *recent[RECENT], *recent_model[RECENT];
};

struct tariffs *tariffs_open(const struct book *book, const struct plan *plan, const char *currency)
{
	struct tariffs *t = mem_zalloc(sizeof *t);
	t->book = book;
	t->plan = plan;
	t->currency = currency;
	t->slots = SLOTS_FIRST;
	t->slot = mem_zalloc(t->slots * sizeof(struct subject *));
	return t;
}

/* Pages only say which answer holds when: the book can be asked again. */
static void free_pages(struct tariffs *t)
{
	for (size_t i = 0; i < t->slots; i++)
		for (struct subject *s = t->slot[i]; s; s = s->next) {
			for (struct tariff_page *p = s->page, *next; p; p = next) {
				next = p->next;
				free(p);
			}
			s->page = s->last_page = NULL;
		}
	t->pages = 0;
}

void tariffs_close(struct tariffs *t)
{
	if (!t)
		return;
	free_pages(t);
	for (size_t i = 0; i < t->slots; i++)
		for (struct subject *s = t->slot[i]; s; s = s->next)
			free(s->answer);
	arena_release(&t->arena);
	free(t->slot);
	free(t);
}

static bool same_subject(const struct subject *s, struct text provider, struct text model,
			 struct text tier, struct text region)
{
	return text_eq_short(s->model, model) && text_eq_short(s->provider, provider) &&
	       text_eq_short(s->service_tier, tier) && text_eq_short(s->region, region);
}

static struct text keep(struct tariffs *t, struct text s)
{
	return (struct text){ arena_text(&t->arena, s.p, s.n), s.n };
}

static size_t quick_hash(struct text model)
{
	if (model.n == 0)
		return 0;
	return (model.n * 7 + (unsigned char)model.p[model.n - 1] +
		(unsigned char)model.p[model.n / 2] * 5) %
	       RECENT;
}

struct subject *tariffs_model(struct tariffs *t, struct text provider, struct text model)
{
	struct subject **recent = &t->recent_model[quick_hash(model)];
	if (!*recent || !text_eq_short((*recent)->model, model))
		*recent =
			tariffs_subject(t, provider, model, (struct text){ 0 }, (struct text){ 0 });
	return *recent;
}

static void more_slots(struct tariffs *t)
{
	const size_t slots = t->slots * 2;
	struct subject **slot = mem_zalloc(slots * sizeof(struct subject *));
	for (size_t i = 0; i < t->slots; i++)
		for (struct subject *s = t->slot[i], *next; s; s = next) {
			next = s->next;
			s->next = slot[s->hash & (slots - 1)];
			slot[s->hash & (slots - 1)] = s;
		}
	free(t->slot);
	t->slot = slot;
	t->slots = slots;
}

struct subject *tariffs_subject(struct tariffs *t, struct text provider, struct text model,
				struct text tier, struct text region)
{
	size_t quick = quick_hash(model);
	struct subject *s = t->recent[quick];
	if (s && same_subject(s, provider, model, tier, region))
		return s;
	const uint32_t hash = text_hash(model) ^ text_hash(provider) * 3 ^ text_hash(tier) * 5 ^
			      text_hash(region) * 7;
	for (s = t->slot[hash & (t->slots - 1)]; s; s = s->next)
		if (same_subject(s, provider, model, tier, region))
			return t->recent[quick] = s;
	s = arena_alloc(&t->arena, sizeof *s);
	t->subjects++;
	s->provider = keep(t, provider);
	s->model = keep(t, model);
	s->service_tier = keep(t, tier);
	s->region = keep(t, region);
	s->hash = hash;
	if (t->subjects > t->slots)
		more_slots(t);
	struct subject **slot = &t->slot[hash & (t->slots - 1)];
	s->next = *slot;
	return *slot = t->recent[quick] = s;
}

static struct price_query query_of(const struct tariffs *t, const struct subject *s,
				   int64_t time_us)
{
	return (struct price_query){ s->provider, s->model,    s->service_tier,
				     s->region,	  t->currency, { time_us } };
}

/* The rates when they depend on the prompt. */
static int rates_of_prompt(struct tariffs *t, const struct tariff_answer *a,
			   const struct credited *what, struct credit_rates *out, struct err *e)
{
	struct price_query q = query_of(t, what->subject, what->time_us);
	struct instant until = INSTANT_MAX;
	int64_t prompt = 0;
	int rc = usage_prompt(what->usage, &prompt, e);
	if (rc == 0)
		rc = plan_rates(t->plan,
				&(struct plan_question){ t->book, &q, a->resolved, prompt }, out,
				&until, e);
	if (rc == 0 && what->usage->requests > 1 && out->above_lowest_tier)
		rc = err_set(e, ERR_UNPRICED, RATE_TIER_NOT_TOLD);
	return rc;
}

int tariffs_credits(struct tariffs *t, const struct tariff_answer *a, const struct credited *what,
		    struct credits_total *out, struct credit_rates *used, struct err *e)
{
	const struct credit_rates *rates = &a->credits;
	struct credit_rates by_prompt = { 0 };
	if (!a->has_credits)
		return err_set(e, ERR_UNPRICED, "%s", a->uncredited);
	if (a->credits_by_prompt) {
		int rc = rates_of_prompt(t, a, what, &by_prompt, e);
		if (rc != 0)
			return rc;
		rates = &by_prompt;
	}
	if (used)
		*used = *rates;
	return credits_of(rates, what->usage->counts, what->usage->requests, out, e);
}

static bool same_reason(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static size_t add_answer(struct subject *s, struct tariff_answer *a)
{
	CHECK(s->answer_count < DIVIDED - 1);
	if ((s->answer_count & (s->answer_count - 1)) == 0)
		s->answer = mem_grow(s->answer, (s->answer_count ? s->answer_count * 2 : 1) *
							sizeof *s->answer);
	s->answer[s->answer_count] = a;
	return s->answer_count++;
}

size_t tariffs_subjects(const struct tariffs *t)
{
	return t->subjects;
}

bool tariffs_in_doubt(const struct tariffs *t)
{
	return t->in_doubt;
}

/* What makes an answer plain, where no call is billed under other rates than r. */
static void find_plain(struct tariff_answer *a, const struct rates *r)
{
	a->plain = !a->request_fee && !a->price->needs && !(r->known >> BUCKET_REASONING & 1);
	bool linear = a->plain && !a->may_be && !a->price->stands_in && !a->price->moves;
	for (int b = 0; b < BUCKET_REASONING && a->plain; b++) {
		a->rate[b] = r->per_million[b].pico;
		a->unstated |= r->known >> b & 1 ? 0 : 1u << b;
		linear = linear && a->rate[b] >> 56 == 0;
	}
	a->linear = linear ? ~a->unstated & ((1u << BUCKET_REASONING) - 1) : 0;
}

/* a, which is kept, for a call of each context tier. */
static void answer_by_prompt(struct tariffs *t, struct tariff_answer *a)
{
	const size_t tiers = a->tariff->tier_count;
	struct tariff_answer *by = arena_alloc(&t->arena, (tiers + 1) * sizeof *by);
	for (size_t i = 0; i <= tiers; i++) {
		memcpy(&by[i], a, sizeof by[i]);
		find_plain(&by[i], i ? &a->tariff->tier[i - 1].rates : &a->tariff->rates);
	}
	a->by_prompt = by;
}

/* Asks the book and the plan, and shares equal answers. Returns the index of the answer. */
static size_t ask_now(struct tariffs *t, struct subject *s, int64_t time_us, int64_t *until_us)
{
	struct tariff_answer a = { 0 };
	struct price_query q = query_of(t, s, time_us);
	struct price_match m;
	struct err why = { 0 }, why_credits = { 0 };
	if (book_find(t->book, &q, &m, &why) == 0) {
		a.price = m.price;
		a.tariff = m.tariff;
		a.may_be = m.may_be;
		t->in_doubt |= m.may_be != NULL || m.price->stands_in || m.price->moves;
		a.resolved = m.price->model;
		for (size_t i = 0; i < m.price->fee_count; i++)
			a.request_fee |= fee_is_per_request(&m.price->fee[i]);
	}
	if (a.price && a.tariff->tier_count == 0)
		find_plain(&a, &a.tariff->rates);
	if (t->plan) {
		int rc = plan_rates(t->plan, &(struct plan_question){ t->book, &q, a.resolved, 0 },
				    &a.credits, &m.until, &why_credits);
		a.has_credits = rc == 0;
		a.credits_by_prompt = a.credits.depends_on_prompt;
	}
	*until_us = m.until.us;
	for (size_t i = 0; i < s->answer_count; i++) {
		const struct tariff_answer *b = s->answer[i];
		if (b->price == a.price && b->tariff == a.tariff && b->may_be == a.may_be &&
		    b->has_credits == a.has_credits &&
		    same_reason(b->unpriced, why.code ? why.message : NULL) &&
		    same_reason(b->uncredited, why_credits.code ? why_credits.message : NULL) &&
		    memcmp(&b->credits, &a.credits, sizeof a.credits) == 0)
			return i;
	}
	struct tariff_answer *kept = arena_alloc(&t->arena, sizeof *kept);
	memcpy(kept, &a, sizeof a);
	kept->unpriced = why.code ? arena_text(&t->arena, why.message, strlen(why.message)) : NULL;
	kept->uncredited = why_credits.code ? arena_text(&t->arena, why_credits.message,
							 strlen(why_credits.message))
					    : NULL;
	if (kept->price && kept->tariff->tier_count)
		answer_by_prompt(t, kept);
	return add_answer(s, kept);
}

static struct tariff_page *need_page(struct tariffs *t, struct subject *s, int64_t number)
{
	for (struct tariff_page *p = s->page; p; p = p->next)
		if (p->number == number)
			return p;
	if (t->pages == PAGES_MOST)
		free_pages(t);
	t->pages++;
	struct tariff_page *p = mem_zalloc(sizeof *p);
	p->number = number;
	p->next = s->page;
	return s->page = p;
}

/* What the table knows of a quarter hour, asked when it knows nothing; NULL when the quarter hour
 * is divided. */
static struct tariff_answer *ask_table(struct tariffs *t, struct subject *s, int64_t quarter)
{
	int64_t number = quarter >> 12, until_us;
	if (!s->last_page || s->last_page->number != number)
		s->last_page = need_page(t, s, number);
	uint16_t *known = &s->last_page->answer[quarter & (PAGE_QUARTERS - 1)];
	if (*known == 0) {
		const size_t i = ask_now(t, s, quarter * QUARTER_US, &until_us);
		const int64_t whole_until = floor_div(until_us, QUARTER_US);
		*known = whole_until > quarter ? (uint16_t)(i + 1) : DIVIDED;
		if (whole_until > quarter) { /* and in the quarters before it changes */
			s->held = s->answer[i];
			s->held_from_us = quarter * QUARTER_US;
			s->held_to_us =
				until_us >= INSTANT_MAX.us ? INT64_MAX : whole_until * QUARTER_US;
		}
	}
	return *known == DIVIDED ? NULL : s->answer[*known - 1];
}

/* What the page that was asked last knows of a quarter hour; NULL: nothing, or it is divided. */
static inline struct tariff_answer *known_answer(const struct subject *s, int64_t quarter)
{
	const struct tariff_page *p = s->last_page;
	const uint16_t known =
		p && p->number == quarter >> 12 ? p->answer[quarter & (PAGE_QUARTERS - 1)] : 0;
	return known != 0 && known != DIVIDED ? s->answer[known - 1] : NULL;
}

/* Holds the answer of a quarter hour, unless it is held for longer. */
static inline struct tariff_answer *hold(struct subject *s, struct tariff_answer *a,
					 int64_t time_us, int64_t quarter)
{
	if (s->held == a && time_us >= s->held_from_us && time_us < s->held_to_us)
		return a;
	s->held = a;
	s->held_from_us = quarter * QUARTER_US;
	s->held_to_us = s->held_from_us + QUARTER_US;
	return a;
}

/* What is not known yet, or changes within the quarter hour. */
static __attribute__((noinline)) struct tariff_answer *ask_book(struct tariffs *t,
								struct subject *s, int64_t time_us,
								int64_t quarter)
{
	struct tariff_answer *a = ask_table(t, s, quarter);
	if (a)
		return hold(s, a, time_us, quarter);
	int64_t until_us;
	const size_t i = ask_now(t, s, time_us, &until_us); /* may move s->answer */
	return s->answer[i];
}

struct tariff_answer *tariffs_ask_table(struct tariffs *t, struct subject *s, int64_t time_us)
{
	/* instants before 1970 are rare: floor and truncation differ there */
	const int64_t quarter = time_us >= 0 ? (int64_t)((uint64_t)time_us / (uint64_t)QUARTER_US)
					     : floor_div(time_us, QUARTER_US);
	struct tariff_answer *a = known_answer(s, quarter);
	return a ? hold(s, a, time_us, quarter) : ask_book(t, s, time_us, quarter);
}

struct tariff_answer *tariffs_none(struct tariffs *t, struct subject *s, const char *why)
{
	for (size_t i = 0; i < s->answer_count; i++)
		if (!s->answer[i]->price && s->answer[i]->unpriced &&
		    strcmp(s->answer[i]->unpriced, why) == 0)
			return s->answer[i];
	struct tariff_answer *a = arena_alloc(&t->arena, sizeof *a);
	a->unpriced = a->uncredited = arena_text(&t->arena, why, strlen(why));
	add_answer(s, a);
	return a;
}

void tariffs_each(struct tariffs *t, void (*take)(void *user, struct tariff_answer *a), void *user)
{
	for (size_t i = 0; i < t->slots; i++)
		for (struct subject *s = t->slot[i]; s; s = s->next)
			for (size_t k = 0; k < s->answer_count; k++) {
				struct tariff_answer *a = s->answer[k];
				take(user, a);
				for (size_t p = 0; a->by_prompt && p <= a->tariff->tier_count; p++)
					take(user, &a->by_prompt[p]);
			}
}

const char *tariffs_divided(struct tariffs *t, struct subject *s, int64_t from_us, int64_t to_us)
{
	struct tariff_answer *first = tariffs_ask(t, s, from_us);
	const struct price *price = first->price;
	const struct tariff *tariff = first->tariff;
	for (int64_t us = (floor_div(from_us, QUARTER_US) + 1) * QUARTER_US; us < to_us;
	     us += QUARTER_US) {
		const struct tariff_answer *a = tariffs_ask(t, s, us);
		if (a->price == price && a->tariff == tariff)
			continue;
		return a->price == price
			       ? "a time bucket over hours with different prices: how much fell "
				 "into which is unknown (use calls, or hourly buckets)"
			       : "a time bucket in which the price changed: how much lay before "
				 "is unknown (use calls, or hourly buckets)";
	}
	return NULL;
}

bool tariffs_same_credits(struct tariffs *t, struct subject *s, int64_t from_us, int64_t to_us)
{
	const struct tariff_answer *first = tariffs_ask(t, s, from_us);
	for (int64_t us = (floor_div(from_us, QUARTER_US) + 1) * QUARTER_US; us < to_us;
	     us += QUARTER_US) {
		const struct tariff_answer *a = tariffs_ask(t, s, us);
		if (a->has_credits != first->has_credits ||
		    memcmp(&a->credits, &first->credits, sizeof a->credits) != 0)
			return false;
	}
	return true;
}
