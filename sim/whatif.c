#include "sim/whatif.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "pricing/rate.h"
#include "pricing/tariffs.h"
#include "sim/count_cache.h"

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* One call as a scenario runs it. */
struct play {
	uint32_t call, target; /* target: of the route, or behind them the recorded subjects */
	int64_t time_us;
	int64_t hit;	     /* prompt tokens that the cache had */
	int64_t low, high;   /* where it is rebuilt: at least, at most */
	uint32_t cache;	     /* that it uses, where caches are asked */
	bool as_recorded;    /* what it found, and so what it wrote */
	bool records_writes; /* the recorded model bills them, so input is what nobody marked */
	bool again;	     /* a second pass over the conversation, on another model */
	bool failed;	     /* an attempt that another one follows */
};

/* What cache_number said of a subject's last answer. */
struct numbered {
	const struct tariff_answer *answer;
	uint32_t number;
};

/* The state of one scenario at work. */
struct run {
	const struct whatif_options *o;
	const struct scenario *s;
	struct whatif_result *out;
	struct tariffs *tariffs;
	struct play *play;
	size_t plays;
	uint32_t targets;	  /* of the route, and the recorded subjects behind them */
	struct subject **subject; /* by target and by what was recorded; NULL: not asked for yet */
	int32_t *model_at;	  /* place of each target's model in out; -1: not used yet */
	struct model_caches caches;
	struct numbered *numbered; /* by subject's place */
	bool waits;
};

static bool is_recorded(const struct run *r, uint32_t target)
{
	return target >= r->s->route.targets;
}

static struct work_subject target_names(const struct run *r, uint32_t target)
{
	const struct route *route = &r->s->route;
	if (is_recorded(r, target))
		return r->o->workload->subject[target - route->targets];
	return (struct work_subject){ .provider = route->target[target].provider,
				      .model = route->target[target].model };
}

/* The call on its target: another model keeps the call's service tier and region. */
static struct work_subject names_of(const struct run *r, uint32_t target, uint32_t call)
{
	const struct workload *w = r->o->workload;
	const struct work_subject *was = &w->subject[w->call[call].subject];
	struct work_subject names = target_names(r, target);
	names.service_tier =
		route_retiers(&r->s->route, w, call) ? r->s->route.service_tier : was->service_tier;
	names.region = was->region;
	return names;
}

/* Where `subject` keeps what names_of says: route's targets first, what was recorded behind. */
static size_t subject_place(const struct run *r, uint32_t target, uint32_t call)
{
	const struct workload *w = r->o->workload;
	const uint32_t row = is_recorded(r, target) ? r->s->route.targets : target;
	return (row * w->subjects + w->call[call].subject) * 2 +
	       route_retiers(&r->s->route, w, call);
}

static struct subject *subject_of(struct run *r, uint32_t target, uint32_t call)
{
	struct subject **s = &r->subject[subject_place(r, target, call)];
	if (!*s) {
		const struct work_subject n = names_of(r, target, call);
		*s = tariffs_subject(r->tariffs, n.provider, n.model, n.service_tier, n.region);
	}
	return *s;
}

static void take_limits(struct run *r, uint32_t target, const char *resolved,
			struct whatif_model *m)
{
	const struct model_limits *l = resolved ? book_limits(r->o->book, resolved) : NULL;
	if (l) {
		m->context_tokens = l->context_tokens;
		m->output_tokens_max = l->output_tokens_max;
		m->first_token_seconds = l->first_token_seconds;
		m->tokens_per_second = l->tokens_per_second;
	}
	if (is_recorded(r, target))
		return;
	if (r->s->first_token_seconds[target].digits)
		m->first_token_seconds = r->s->first_token_seconds[target];
	if (r->s->tokens_per_second[target].digits)
		m->tokens_per_second = r->s->tokens_per_second[target];
	if (r->s->hosting[target].gpu_hour.pico)
		m->hosting = &r->s->hosting[target];
}

/* tokens at so many a second, in microseconds, half up. */
static int128 work_us(int64_t tokens, struct decimal rate)
{
	int128 per_rate = US_PER_SECOND;
	for (int i = 0; i < rate.scale; i++)
		per_rate *= 10;
	return rate.digits ? (2 * tokens * per_rate + rate.digits) / (2 * rate.digits) : 0;
}

int64_t whatif_busy_ms(const struct whatif_model *m)
{
	const struct decimal first = m->first_token_seconds, rate = m->tokens_per_second;
	int128 ten = 1, per_rate = 1000;
	if (rate.digits <= 0 || rate.scale > 9 || first.scale > 9)
		return -1;
	for (int i = 0; i < first.scale; i++)
		ten *= 10;
	for (int i = 0; i < rate.scale; i++)
		per_rate *= 10;
	int128 waiting = (2 * (int128)m->records * first.digits * 1000 + ten) / (2 * ten);
	int128 speaking =
		(2 * (int128)m->tokens[BUCKET_OUTPUT] * per_rate + rate.digits) / (2 * rate.digits);
	return (int64_t)(waiting + speaking);
}

static struct whatif_model *model_of(struct run *r, uint32_t target, const struct tariff_answer *a)
{
	struct whatif_result *out = r->out;
	if (r->model_at[target] < 0) {
		struct whatif_model *m;
		const struct work_subject n = target_names(r, target);
		/* the same model twice (as A and as B, or in two tiers) is one line */
		for (size_t i = 0; i < out->models; i++)
			if (text_eq(out->model[i].model, n.model) &&
			    text_eq(out->model[i].provider, n.provider))
				r->model_at[target] = (int32_t)i;
		if (r->model_at[target] < 0) {
			out->model = mem_grow(out->model, (out->models + 1) * sizeof *out->model);
			m = &out->model[out->models];
			*m = (struct whatif_model){ .provider = n.provider, .model = n.model };
			take_limits(r, target, a->resolved, m);
			r->model_at[target] = (int32_t)out->models++;
		}
	}
	return &out->model[r->model_at[target]];
}

/* --- which model, and when --- */

/* What an hour costs for a model: memory of one answer, and of when it gets cheaper. */
struct hour {
	const struct subject *of;
	int64_t from_us, until_us;
	int64_t cheaper_us; /* INT64_MAX: not within reach */
};

static int128 price_level(const struct price_match *m)
{
	return (int128)m->tariff->rates.per_million[BUCKET_INPUT].pico +
	       m->tariff->rates.per_million[BUCKET_OUTPUT].pico;
}

static void look_ahead(const struct run *r, const struct subject *s, int64_t us, struct hour *h)
{
	struct price_query q = { s->provider, s->model,	      s->service_tier,
				 s->region,   r->o->currency, { us } };
	struct price_match now, then;
	*h = (struct hour){ s, us, us + 1, INT64_MAX };
	if (book_find(r->o->book, &q, &now, NULL) != 0)
		return;
	h->until_us = now.until.us;
	for (q.at = now.until; q.at.us - h->until_us <= r->s->route.delay_us; q.at = then.until) {
		if (book_find(r->o->book, &q, &then, NULL) != 0)
			return;
		if (price_level(&then) < price_level(&now)) {
			h->cheaper_us = q.at.us;
			return;
		}
	}
}

static int by_time(const void *a, const void *b)
{
	const struct play *x = a, *y = b;
	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	if (x->call != y->call)
		return x->call < y->call ? -1 : 1;
	if (x->again != y->again)
		return x->again ? 1 : -1;
	return y->failed - x->failed;
}

/* A play that fails comes twice; which do is the same in every scenario of a seed. */
static void add_retry(struct run *r, struct play *p)
{
	const uint64_t seeds[2] = { r->o->seed, 0x7265747279 };
	const uint64_t key = (uint64_t)p->call << 1 | p->again;
	if (!r->s->has_retries || is_recorded(r, p->target))
		return;
	const struct retry *t = &r->s->retry[p->target];
	if (!t->all && hash_bytes(&key, sizeof key, seeds) >= t->share)
		return;
	r->out->retried++;
	if (t->bill == RETRY_BILLS_NOTHING) /* it was turned away: nothing was read or kept */
		return;
	r->play[r->plays++] = *p;
	p->failed = true;
}

static void wait_for_cheaper(struct run *r, struct play *p, struct hour *hour)
{
	const int64_t most_us = r->s->route.delay_us;
	const struct subject *s = subject_of(r, p->target, p->call);
	if (hour->of != s || p->time_us < hour->from_us || p->time_us >= hour->until_us)
		look_ahead(r, s, p->time_us, hour);
	if (hour->cheaper_us == INT64_MAX || hour->cheaper_us - p->time_us > most_us)
		return;
	int64_t waits_us = hour->cheaper_us - p->time_us;
	p->time_us = hour->cheaper_us;
	r->out->moved++;
	r->out->waited_us += waits_us;
	if (waits_us > r->out->longest_us)
		r->out->longest_us = waits_us;
}

static void choose(struct run *r)
{
	const struct workload *w = r->o->workload;
	const struct route *route = &r->s->route;
	struct hour hour = { 0 };
	r->play = mem_alloc((w->count * 4 + 1) * sizeof *r->play);
	for (size_t i = 0; i < w->count; i++) {
		const struct work_call *c = &w->call[i];
		if (r->o->sample && !r->o->sample->in[c->conversation])
			continue;
		uint32_t target = route_target(route, w, i, r->o->seed);
		struct play *p = &r->play[r->plays++];
		if (target == ROUTE_AS_RECORDED)
			target = route->targets + c->subject;
		*p = (struct play){ .call = (uint32_t)i, .target = target, .time_us = c->time_us };
		if (r->waits && route_may_wait(route, w, i))
			wait_for_cheaper(r, p, &hour);
		add_retry(r, p);
	}
	const size_t first = r->plays;
	for (size_t i = 0; route->escalates && i < first; i++)
		if (!r->play[i].failed &&
		    route_escalates(route, w, r->play[i].call, r->play[i].target, r->o->seed)) {
			struct play *p = &r->play[r->plays++];
			*p = (struct play){ .call = r->play[i].call,
					    .target = route->escalate_to,
					    .time_us = r->play[i].time_us,
					    .again = true };
			add_retry(r, p);
			r->out->escalated++;
		}
	/* a cache sees what happens in the order of time, second passes too */
	if (r->out->moved || r->out->escalated)
		qsort(r->play, r->plays, sizeof *r->play, by_time);
}

/* --- what the caches had --- */

/* What the scenario says of its caches, over what the options say. */
static struct cache_rules asked_rules(const struct run *r)
{
	struct cache_rules rules = r->o->rules;
	if (r->o->cache == WHATIF_CACHE_BLOCKS) /* --cache says how long blocks stay */
		rules.asked |= CACHE_ASKED_TTL;
	cache_rules_over(&rules, &r->s->cache);
	return rules;
}

static uint32_t cache_number(struct run *r, uint32_t target, uint32_t call, int64_t time_us)
{
	struct numbered *memo = &r->numbered[subject_place(r, target, call)];
	struct subject *s = subject_of(r, target, call);
	const struct tariff_answer *a = tariffs_ask(r->tariffs, s, time_us);
	const bool hosted = !is_recorded(r, target) && r->s->hosting[target].gpu_hour.pico != 0;
	if (memo->answer != a)
		*memo = (struct numbered){ a,
					   model_caches_number(&r->caches, s, a, time_us, hosted) };
	return memo->number;
}

static int hit_blocks(struct run *r, struct err *e)
{
	const struct workload *w = r->o->workload;
	struct block_trace view = *w->blocks;
	struct cache_rules rules = asked_rules(r);
	struct cache_result sums;
	uint32_t *model = mem_alloc((r->plays + 1) * sizeof *model);
	int64_t *hits = mem_alloc((r->plays + 1) * sizeof *hits);
	rules.scope = cache_scope_by_model(rules.scope);
	bool same = r->plays == w->count && !r->out->moved;
	if (!same) {
		view.request = mem_alloc((r->plays + 1) * sizeof *view.request);
		view.count = r->plays;
	}
	for (size_t i = 0; i < r->plays; i++) {
		struct play *p = &r->play[i];
		model[i] = p->cache = cache_number(r, p->target, p->call, p->time_us);
		if (!same) {
			view.request[i] = w->blocks->request[p->call];
			view.request[i].time_us += p->time_us - w->call[p->call].time_us;
		}
	}
	struct cache_rules *each = model_caches_rules(&r->caches);
	int rc = prefix_cache_run_each(&view, &rules, each, model, hits, &sums, e);
	for (size_t i = 0; rc == 0 && i < r->plays; i++)
		r->play[i].hit = r->caches.cache[model[i]].finds_nothing ? 0 : hits[i];
	if (!same)
		free(view.request);
	free(each);
	free(model);
	free(hits);
	return rc;
}

static int hit_rebuilt(struct run *r, struct err *e)
{
	const struct workload *w = r->o->workload;
	uint32_t *recorded = mem_alloc((w->count + 1) * sizeof *recorded);
	for (size_t i = 0; i < w->count; i++)
		recorded[i] = cache_number(r, r->s->route.targets + w->call[i].subject, (uint32_t)i,
					   w->call[i].time_us);
	for (size_t i = 0; i < r->plays; i++)
		r->play[i].cache =
			cache_number(r, r->play[i].target, r->play[i].call, r->play[i].time_us);
	if (w->conversations > ((size_t)1 << 26) / r->caches.count) {
		free(recorded);
		return err_set(e, ERR_RANGE,
			       "%zu conversations on %u models are too many for one what-if; "
			       "choose a shorter period",
			       w->conversations, r->caches.count);
	}
	struct count_cache *c = count_cache_open(w, r->caches.cache, r->caches.count, recorded);
	for (size_t i = 0; i < r->plays; i++) {
		struct play *p = &r->play[i];
		const struct count_found f = count_cache_find(
			c, &(struct count_call){ p->call, p->cache, p->time_us,
						 p->time_us != w->call[p->call].time_us });
		p->low = f.low;
		p->hit = f.hit;
		p->high = f.high;
		p->as_recorded = f.recorded;
		p->records_writes = r->caches.cache[recorded[p->call]].bills_writes;
		r->out->calls_recorded += f.recorded;
		r->out->missed_calls[f.miss] += f.missed > 0;
		r->out->missed_tokens[f.miss] += f.missed;
		r->out->calls_uncertain += f.low != f.hit || f.high != f.hit;
	}
	count_cache_close(c);
	free(recorded);
	return 0;
}

/* Set beside the prompt of a model's last call while it lacks nothing that came after. */
static const int64_t up_to_date = INT64_C(1) << 62;

/*
 * What a model can still find of a conversation, after a call that found `read`. Before its own
 * first call that is what every call so far had found. keeps: the call takes nothing from it.
 */
static int64_t after_call(int64_t seen, int64_t read, bool keeps)
{
	if (seen < 0)
		return read;
	if (seen & up_to_date)
		return keeps ? seen : least(seen - up_to_date, read);
	return least(seen, read);
}

static int hit_recorded(struct run *r, struct err *e)
{
	const struct workload *w = r->o->workload;
	if (w->conversations > SIZE_MAX / 64 / r->targets ||
	    w->conversations * r->targets > (size_t)1 << 31)
		return err_set(e, ERR_RANGE,
			       "%zu conversations on %u models are too many for one what-if; "
			       "choose a shorter period",
			       w->conversations, r->targets);
	int64_t *seen = mem_alloc((w->conversations * r->targets + 1) * sizeof *seen);
	/* recorded models lack nothing until a call of theirs goes to another one */
	for (size_t i = 0; i < w->conversations * r->targets; i++)
		seen[i] = is_recorded(r, (uint32_t)(i % r->targets)) ? INT64_MAX : -1;
	for (size_t i = 0; i < r->plays; i++) {
		const struct work_call *c = &w->call[r->play[i].call];
		const int64_t read = c->tokens[BUCKET_CACHE_READ];
		int64_t *of = seen + (size_t)c->conversation * r->targets;
		/* a second pass of a cascade over a conversation begins anew, on its own model */
		const bool again = r->play[i].again;
		const uint32_t target = r->play[i].target;
		for (uint32_t t = 0; t < r->targets && !again; t++)
			of[t] = after_call(of[t], read,
					   t == target ||
						   (is_recorded(r, t) && is_recorded(r, target)));
		if (again && of[target] < 0)
			of[target] = read;
		r->play[i].hit = of[target] & up_to_date ? read : least(of[target], read);
		of[target] = work_prompt(c) | up_to_date;
	}
	free(seen);
	return 0;
}

/* --- what it costs --- */

/* tokens x factor, half up: what another tokenizer or a wordier model makes of a count. */
static int64_t scaled(int64_t tokens, struct decimal factor)
{
	int128 ten = 1;
	for (int i = 0; i < factor.scale; i++)
		ten *= 10;
	return (int64_t)((tokens * factor.digits * 2 + ten) / (2 * ten));
}

static void use_factors(const struct run *r, uint32_t target, int64_t tokens[BUCKET_COUNT],
			int64_t *hit)
{
	const struct decimal in = r->s->input_factor[target], out = r->s->output_factor[target],
			     effort = r->s->reasoning_factor[target];
	if (effort.digits) {
		int64_t thought = tokens[BUCKET_REASONING];
		tokens[BUCKET_REASONING] = scaled(thought, effort);
		tokens[BUCKET_OUTPUT] += tokens[BUCKET_REASONING] - thought;
	}
	for (int k = 0; k < BUCKET_OUTPUT; k++)
		tokens[k] = in.digits ? scaled(tokens[k], in) : tokens[k];
	*hit = in.digits ? scaled(*hit, in) : *hit;
	for (int k = BUCKET_OUTPUT; k <= BUCKET_REASONING; k++)
		tokens[k] = out.digits ? scaled(tokens[k], out) : tokens[k];
}

/* What a sensitivity analysis makes of the assumptions; hits never exceed the prompt. */
static void vary(const struct scenario *s, int64_t tokens[BUCKET_COUNT], int64_t *hit)
{
	int64_t prompt = 0;
	if (s->vary_prompt.digits) {
		for (int k = 0; k < BUCKET_OUTPUT; k++)
			tokens[k] = scaled(tokens[k], s->vary_prompt);
		*hit = scaled(*hit, s->vary_prompt);
	}
	for (int k = BUCKET_OUTPUT; s->vary_output.digits && k <= BUCKET_REASONING; k++)
		tokens[k] = scaled(tokens[k], s->vary_output);
	for (int k = 0; k < BUCKET_OUTPUT; k++)
		prompt += tokens[k];
	if (s->vary_hits.digits)
		*hit = scaled(*hit, s->vary_hits);
	*hit = least(*hit, prompt);
}

/* What a cache that was replayed or rebuilt leaves of a prompt. */
static void split_prompt(const struct run *r, const struct play *p, const struct tariff_answer *a,
			 int64_t hit, int64_t tokens[BUCKET_COUNT])
{
	const struct workload *w = r->o->workload;
	const struct model_cache *of = &r->caches.cache[p->cache];
	const bool an_hour = p->records_writes && tokens[BUCKET_CACHE_WRITE_1H] &&
			     !tokens[BUCKET_CACHE_WRITE_5M];
	int64_t reach = 0;
	for (int k = 0; k < BUCKET_OUTPUT; k++)
		reach += tokens[k];
	if (r->o->cache == WHATIF_CACHE_BLOCKS) {
		const struct block_request *q = &w->blocks->request[p->call];
		reach -= least(reach, q->input - prefix_cache_reach(w->blocks, &of->rules, q));
	} else if (p->records_writes) {
		reach -= tokens[BUCKET_INPUT];
	}
	model_cache_split(of, a, an_hour, reach, hit, tokens);
}

/* Whether what the record wrote is input on the target. */
static bool reads_writes(struct run *r, const struct play *p, const struct tariff_answer *a)
{
	struct subject *own =
		subject_of(r, r->s->route.targets + r->o->workload->call[p->call].subject, p->call);
	return model_cache_reads_writes(a, tariffs_ask(r->tariffs, own, p->time_us));
}

/* What the record says, but for hits that an assumption varies. Where the target bills no cache
 * writes, what is not a hit is plain input. */
static void split_recorded(struct run *r, const struct play *p, const struct tariff_answer *a,
			   int64_t hit, int64_t tokens[BUCKET_COUNT])
{
	int64_t *in = &tokens[BUCKET_INPUT], *read = &tokens[BUCKET_CACHE_READ],
		*w5 = &tokens[BUCKET_CACHE_WRITE_5M], *w1 = &tokens[BUCKET_CACHE_WRITE_1H];
	const bool wrote = *w5 || *w1, bills = model_cache_bills_writes(a);
	/* fewer hits than recorded: what is missing is read, and written, again */
	int64_t lost = *read - hit;
	*read = hit;
	if (lost > 0 && wrote && bills)
		*w5 += lost;
	else if (lost > 0)
		*in += lost;
	/* more hits: what they have is not read, and where that is not enough not written */
	for (int64_t *from = in; lost < 0; from = from == in ? w5 : w1) {
		const int64_t part = least(*from, -lost);
		*from -= part;
		lost += part;
		if (from == w1)
			break;
	}
	if (wrote && !is_recorded(r, p->target) && reads_writes(r, p, a)) {
		*in += *w5 + *w1;
		*w5 = *w1 = 0;
	}
	if (r->s->cache.writes == CACHE_WRITES_ASKED && bills && !wrote) {
		*w5 = *in;
		*in = 0;
	}
}

/* The buckets of a call on its target. */
static void divide(struct run *r, const struct play *p, const struct tariff_answer *a,
		   int64_t tokens[BUCKET_COUNT])
{
	const struct work_call *c = &r->o->workload->call[p->call];
	int64_t hit = p->hit;
	memset(tokens, 0, BUCKET_COUNT * sizeof *tokens);
	memcpy(tokens, c->tokens, sizeof c->tokens);
	if (r->s->has_factors && !is_recorded(r, p->target))
		use_factors(r, p->target, tokens, &hit);
	if (r->o->cache == WHATIF_CACHE_NONE)
		hit = tokens[BUCKET_CACHE_READ];
	if (!is_recorded(r, p->target))
		vary(r->s, tokens, &hit);
	if (p->failed && r->s->retry[p->target].bill == RETRY_BILLS_PROMPT)
		tokens[BUCKET_OUTPUT] = tokens[BUCKET_REASONING] = 0;
	if (r->o->cache == WHATIF_CACHE_BLOCKS ||
	    (r->o->cache == WHATIF_CACHE_REBUILT && !p->as_recorded))
		split_prompt(r, p, a, hit, tokens);
	else
		split_recorded(r, p, a, hit, tokens);
}

static void count_reason(struct run *r, const char *model, const char *why)
{
	struct whatif_result *out = r->out;
	for (size_t i = 0; i < out->reasons; i++)
		if (strcmp(out->reason[i].model, model) == 0 &&
		    strcmp(out->reason[i].why, why) == 0) {
			out->reason[i].records++;
			return;
		}
	out->reason = mem_grow(out->reason, (out->reasons + 1) * sizeof *out->reason);
	out->reason[out->reasons++] =
		(struct whatif_reason){ arena_text(&out->arena, model, strlen(model)),
					arena_text(&out->arena, why, strlen(why)), 1 };
}

/* The call with those tokens, and with what it counts beside the common buckets. */
static void usage_of(const struct run *r, const struct work_call *c,
		     const int64_t tokens[BUCKET_COUNT], struct usage *out)
{
	memcpy(out->tokens, tokens, sizeof out->tokens);
	if (!c->rare)
		return;
	const struct work_rare *rare = &r->o->workload->rare[c->rare - 1];
	memcpy(out->tokens + BUCKET_COMMON, rare->tokens, sizeof rare->tokens);
	if (rare->web_searches)
		out->unit[out->unit_count++] =
			(struct usage_unit){ UNIT_WEB_SEARCH, rare->web_searches };
}

/* False, with the reason counted, when there is no price. */
static bool price_play(struct run *r, const struct tariff_answer *a, const struct work_call *c,
		       const char *model, const int64_t tokens[BUCKET_COUNT],
		       struct money_total *cost)
{
	struct err why = { 0 };
	bool plain = a->price && a->plain && !c->rare && !a->unstated;
	for (int k = 0; k < BUCKET_REASONING && plain; k++)
		plain = tokens[k] >> 58 == 0;
	if (plain) {
		int128 sum = 0;
		for (int k = 0; k < BUCKET_REASONING; k++)
			sum += (int128)a->rate[k] * tokens[k];
		cost->atto = sum;
		return true;
	}
	if (!a->price) {
		count_reason(r, model, a->unpriced);
		return false;
	}
	struct usage u = { .requests = c->requests };
	struct rating rating;
	usage_of(r, c, tokens, &u);
	if (rate_usage(&rating, &u, a->price, a->tariff, &why) != 0) {
		count_reason(r, model, why.message);
		return false;
	}
	*cost = rating.total;
	return true;
}

static bool credit_play(struct run *r, struct subject *s, const struct tariff_answer *a,
			const struct play *p, const int64_t tokens[BUCKET_COUNT],
			struct credits_total *out)
{
	struct err why = { 0 };
	const struct work_call *c = &r->o->workload->call[p->call];
	struct usage u = { .requests = c->requests };
	usage_of(r, c, tokens, &u);
	const struct credited what = { s, p->time_us, &u };
	int rc = tariffs_credits(r->tariffs, a, &what, out, NULL, &why);
	if (rc != 0)
		count_reason(r, s->model.p, why.message);
	return rc == 0;
}

/* What a hosted model does takes time on a replica, and no money of its own. */
static void host_play(struct whatif_model *m, const int64_t tokens[BUCKET_COUNT],
		      struct money_total cost, bool priced)
{
	int64_t read_anew = tokens[BUCKET_INPUT] + tokens[BUCKET_CACHE_WRITE_5M] +
			    tokens[BUCKET_CACHE_WRITE_1H];
	m->busy_us += work_us(read_anew, m->hosting->prompt_rate) +
		      work_us(tokens[BUCKET_OUTPUT], m->hosting->output_rate);
	if (priced)
		money_total_add(&m->at_vendor, cost);
	m->vendor_unpriced += !priced;
}

static struct whatif_part *new_part(struct whatif_part **list, size_t *count)
{
	if ((*count & (*count - 1)) == 0)
		*list = mem_grow(*list, (*count ? *count * 2 : 1) * sizeof **list);
	(*list)[*count] = (struct whatif_part){ 0 };
	return &(*list)[(*count)++];
}

/* Calls come in the order of time, or nearly, so the last days are the ones to look at. */
static struct whatif_part *day_of(struct whatif_result *out, int64_t day)
{
	for (size_t i = out->days; i-- > 0;)
		if (out->by_day[i].day == day)
			return &out->by_day[i];
	struct whatif_part *part = new_part(&out->by_day, &out->days);
	part->day = day;
	return part;
}

static struct whatif_part *window_of(struct whatif_result *out, const char *window)
{
	for (size_t i = 0; i < out->windows; i++)
		if (strcmp(out->by_window[i].window, window) == 0)
			return &out->by_window[i];
	struct whatif_part *part = new_part(&out->by_window, &out->windows);
	part->window = window;
	return part;
}

/* Parts of a sum that fits, fit. */
static void add_part(struct whatif_part *part, struct money_total cost)
{
	part->records++;
	part->cost.atto += cost.atto;
}

static int by_day(const void *a, const void *b)
{
	const struct whatif_part *x = a, *y = b;
	return x->day < y->day ? -1 : x->day > y->day;
}

/* What the play would cost with the fewest and the most hits. */
static bool add_bounds(struct run *r, const struct play *p, const struct tariff_answer *a,
		       struct money_total cost)
{
	const struct work_call *c = &r->o->workload->call[p->call];
	const int64_t hits[2] = { p->high, p->low };
	struct money_total *sum[2] = { &r->out->cost_low, &r->out->cost_high };
	bool fits = true;
	for (int k = 0; k < 2; k++) {
		struct play other = *p;
		struct money_total at = cost;
		int64_t tokens[BUCKET_COUNT];
		other.hit = hits[k];
		if (hits[k] != p->hit) {
			divide(r, &other, a, tokens);
			if (!price_play(r, a, c, "", tokens, &at))
				at = cost;
		}
		fits &= money_total_add(sum[k], at);
	}
	return fits;
}

static int add_play(struct run *r, const struct play *p, struct err *e)
{
	const struct workload *w = r->o->workload;
	const struct work_call *c = &w->call[p->call];
	struct whatif_result *out = r->out;
	struct subject *s = subject_of(r, p->target, p->call);
	const struct tariff_answer *a = tariffs_ask(r->tariffs, s, p->time_us);
	int64_t tokens[BUCKET_COUNT];
	struct money_total cost = { 0 };
	struct credits_total credits = { 0 };
	divide(r, p, a, tokens);
	struct whatif_model *m = model_of(r, p->target, a);
	bool priced, fits = true;
	if (w->metered && is_recorded(r, p->target) && !route_retiers(&r->s->route, w, p->call)) {
		/* as it was metered, whatever the cards say now */
		priced = !w->metered_unpriced[p->call];
		cost = w->metered[p->call];
		if (!priced)
			count_reason(r, s->model.p, "the record was metered without a price");
	} else {
		priced = price_play(r, a, c, s->model.p, tokens, &cost);
	}
	for (int k = 0; k < BUCKET_COMMON; k++) {
		fits &= !__builtin_add_overflow(m->tokens[k], tokens[k], &m->tokens[k]);
		fits &= !__builtin_add_overflow(out->tokens[k], tokens[k], &out->tokens[k]);
	}
	int64_t prompt = 0;
	for (int k = 0; k < BUCKET_OUTPUT; k++)
		prompt += tokens[k];
	fits &= !__builtin_add_overflow(out->prompt_tokens, prompt, &out->prompt_tokens);
	m->records++;
	out->records++;
	if (p->failed) {
		out->retries_billed++;
		money_total_add(&out->retry_cost, cost);
	}
	if (m->hosting) {
		host_play(m, tokens, cost, priced);
		priced = true;
		cost = (struct money_total){ 0 };
	}
	m->unpriced += !priced;
	out->unpriced += !priced;
	const bool over_context = m->context_tokens && c->requests == 1 &&
				  prompt + tokens[BUCKET_OUTPUT] > m->context_tokens;
	m->over_context += over_context;
	m->does_not_fit += over_context || (m->output_tokens_max && c->requests == 1 &&
					    tokens[BUCKET_OUTPUT] > m->output_tokens_max);
	add_part(day_of(out, floor_div(p->time_us, US_PER_DAY)), cost);
	if (a->price)
		add_part(window_of(out, a->tariff->window), cost);
	fits &= money_total_add(&m->cost, cost);
	fits &= money_total_add(&out->cost, cost);
	fits &= money_total_add(&out->by_conversation[c->conversation], cost);
	if (r->o->plan) {
		bool credited = credit_play(r, s, a, p, tokens, &credits);
		m->uncredited += !credited;
		out->uncredited += !credited;
		if (credited) {
			fits &= credits_add(&m->credits, credits);
			fits &= credits_add(&out->credits, credits);
		}
	}
	if (r->o->cache == WHATIF_CACHE_REBUILT && priced)
		fits &= add_bounds(r, p, a, cost);
	return fits ? 0
		    : err_set(e, ERR_RANGE, "scenario '%s': a sum is larger than can be held",
			      r->s->name);
}

/*
 * The machines of hosted models: whole hours from the first call to the last, and as many replicas
 * as the work needs in that time.
 */
static int rent(struct run *r, struct err *e)
{
	struct whatif_result *out = r->out;
	int64_t first = INT64_MAX, last = INT64_MIN;
	for (size_t i = 0; i < r->plays; i++) {
		first = least(first, r->play[i].time_us);
		last = r->play[i].time_us > last ? r->play[i].time_us : last;
	}
	for (size_t i = 0; i < out->models; i++) {
		struct whatif_model *m = &out->model[i];
		if (!m->hosting)
			continue;
		m->hours = (last - first) / US_PER_HOUR + 1;
		m->replicas = (int64_t)((m->busy_us + m->hours * US_PER_HOUR - 1) /
					((int128)m->hours * US_PER_HOUR));
		m->replicas = m->replicas < 1 ? 1 : m->replicas;
		const int128 units = (int128)m->hours * m->replicas * m->hosting->gpus;
		if (units > INT64_MAX)
			return err_set(e, ERR_RANGE,
				       "scenario '%s': so many GPU hours cannot be held",
				       r->s->name);
		struct money_total cost = { (int128)m->hosting->gpu_hour.pico * units * 1000000 };
		if (!money_total_add(&m->cost, cost) || !money_total_add(&out->cost, cost) ||
		    !money_total_add(&out->fixed, cost))
			return err_set(e, ERR_RANGE,
				       "scenario '%s': a sum is larger than can be held",
				       r->s->name);
	}
	return 0;
}

enum { STOP_ASKED_EACH = 4096 };

static bool must_stop(const struct whatif_options *o)
{
	return o->stops && o->stops(o->stops_user);
}

static int stopped(struct err *e)
{
	return err_set(e, ERR_BUSY, "it took longer than it may here; use the command line for it");
}

static int run_scenario(struct whatif_result *out, const struct whatif_options *o,
			const struct scenario *s, bool waits, struct err *e)
{
	const struct workload *w = o->workload;
	struct run r = { .o = o, .s = s, .out = out, .waits = waits };
	int rc = 0;
	r.targets = s->route.targets + (uint32_t)w->subjects;
	r.subject =
		mem_zalloc(((r.s->route.targets + 1) * w->subjects * 2 + 1) * sizeof *r.subject);
	r.numbered =
		mem_zalloc(((r.s->route.targets + 1) * w->subjects * 2 + 1) * sizeof *r.numbered);
	r.model_at = mem_alloc((r.targets + 1) * sizeof *r.model_at);
	for (uint32_t t = 0; t < r.targets; t++)
		r.model_at[t] = -1;
	r.tariffs = tariffs_open(o->book, o->plan, o->currency);
	out->by_conversation = mem_zalloc((w->conversations + 1) * sizeof *out->by_conversation);
	r.caches = (struct model_caches){ .book = o->book, .asked = asked_rules(&r) };
	choose(&r);
	if (o->cache == WHATIF_CACHE_BLOCKS)
		rc = hit_blocks(&r, e);
	else if (o->cache == WHATIF_CACHE_RECORDED)
		rc = hit_recorded(&r, e);
	else if (o->cache == WHATIF_CACHE_REBUILT)
		rc = hit_rebuilt(&r, e);
	for (size_t i = 0; rc == 0 && i < r.plays; i++)
		rc = i % STOP_ASKED_EACH == 0 && must_stop(o) ? stopped(e)
							      : add_play(&r, &r.play[i], e);
	if (rc == 0)
		rc = rent(&r, e);
	if (out->days)
		qsort(out->by_day, out->days, sizeof *out->by_day, by_day);
	/* the names of models are the workload's or the route's, the tariffs' are not needed */
	tariffs_close(r.tariffs);
	model_caches_release(&r.caches);
	free(r.numbered);
	free(r.subject);
	free(r.model_at);
	free(r.play);
	return rc;
}

/* What waiting buys is the same route without it. */
static int run_both(struct whatif_result *out, const struct whatif_options *o,
		    const struct scenario *s, struct err *e)
{
	int rc = run_scenario(out, o, s, true, e);
	if (rc != 0 || s->route.kind != ROUTE_OFFPEAK)
		return rc;
	struct whatif_result *at_once = mem_zalloc(sizeof *at_once);
	rc = run_scenario(at_once, o, s, false, e);
	out->without_waiting = at_once->cost;
	whatif_results_close(at_once, 1);
	return rc;
}

struct pool {
	const struct whatif_options *o;
	struct whatif_result *result;
	atomic_size_t next;
	pthread_mutex_t lock;
	struct err failure;
};

static void *work(void *user)
{
	struct pool *p = user;
	for (size_t i; (i = atomic_fetch_add(&p->next, 1)) < p->o->scenarios;) {
		struct err e = { 0 };
		if (run_both(&p->result[i], p->o, &p->o->scenario[i], &e) == 0)
			continue;
		pthread_mutex_lock(&p->lock);
		if (p->failure.code == ERR_NONE)
			p->failure = e;
		pthread_mutex_unlock(&p->lock);
	}
	return NULL;
}

/* False where the baseline costs nothing in some resample. */
static bool add_ratio(struct whatif_result *r, const struct money_total *own,
		      const struct money_total *base, size_t draws, int level_permille)
{
	const int128 million = 1000000, most = ((int128)1 << 126) / million / 2;
	struct money_total *ratio = mem_alloc(draws * sizeof *ratio);
	bool ok = true;
	for (size_t k = 0; ok && k < draws; k++) {
		ok = base[k].atto > 0 && own[k].atto >= 0 && own[k].atto < most;
		if (ok)
			ratio[k].atto =
				(2 * own[k].atto * million + base[k].atto) / (2 * base[k].atto);
	}
	if (ok)
		r->ratio_micro = resample_interval(ratio, draws, level_permille);
	free(ratio);
	return ok;
}

/* Columns: each scenario's cost by conversation, and its difference from the baseline's. */
static void add_intervals(struct whatif_result *result, const struct whatif_options *o)
{
	const size_t n = o->workload->conversations, count = o->scenarios;
	const size_t draws = (size_t)o->resamples;
	const struct money_total **column = mem_alloc(count * sizeof *column);
	struct money_total *sums, *difference = mem_alloc(draws * sizeof *difference);
	for (size_t i = 0; i < count; i++)
		column[i] = result[i].by_conversation;
	resample_sums(&(struct resample){ column, count, n, o->seed, o->resamples, o->threads },
		      &sums);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < draws; k++)
			sums[i * draws + k].atto += result[i].fixed.atto;
	for (size_t i = 0; i < count; i++) {
		const struct money_total *base = sums + o->baseline * draws,
					 *own = sums + i * draws;
		for (size_t k = 0; k < draws; k++)
			difference[k] = money_total_minus(own[k], base[k]);
		for (size_t k = 0; k < draws; k++)
			result[i].over_budget += o->has_budget && own[k].atto > o->budget.atto;
		result[i].has_ratio = add_ratio(&result[i], own, base, draws, o->level_permille);
		result[i].total = resample_interval(own, draws, o->level_permille);
		result[i].difference = resample_interval(difference, draws, o->level_permille);
		result[i].has_intervals = true;
	}
	free(sums);
	free(difference);
	free(column);
}

static int check_options(const struct whatif_options *o, struct err *e)
{
	const struct workload *w = o->workload;
	if (o->cache == WHATIF_CACHE_BLOCKS && !w->blocks)
		return err_set(e, ERR_USAGE,
			       WORKLOAD_HAS_NO_BLOCKS
			       "; --cache recorded divides its own hits, --cache none keeps them",
			       w->shape);
	if ((o->cache == WHATIF_CACHE_RECORDED || o->cache == WHATIF_CACHE_REBUILT) && w->blocks)
		return err_set(
			e, ERR_USAGE,
			"a %s trace records no hits; replay a cache with --cache infinite or "
			"--cache N",
			w->shape);
	if (o->sample && w->blocks && !(o->rules.scope & CACHE_CONVERSATION) &&
	    o->cache == WHATIF_CACHE_BLOCKS)
		return err_set(e, ERR_USAGE,
			       "--sample needs conversations that share no cache: --scope "
			       "conversation");
	if (o->sample && o->resamples == 0)
		return err_set(e, ERR_USAGE, "--sample needs --resamples");
	if (o->resamples > RESAMPLES_MAX)
		return err_set(e, ERR_USAGE, "at most %d resamples", RESAMPLES_MAX);
	return 0;
}

int whatif_run(struct whatif_result **out, const struct whatif_options *o, struct err *e)
{
	enum { THREADS = 64 };
	pthread_t thread[THREADS];
	int threads = o->threads < 1 ? 1 : o->threads > THREADS ? THREADS : o->threads;
	int rc = check_options(o, e);
	if (rc != 0)
		return rc;
	struct pool p = { .o = o, .result = mem_zalloc((o->scenarios + 1) * sizeof *p.result) };
	pthread_mutex_init(&p.lock, NULL);
	for (int i = 0; i < threads; i++)
		CHECK(pthread_create(&thread[i], NULL, work, &p) == 0);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	pthread_mutex_destroy(&p.lock);
	if (p.failure.code != ERR_NONE) {
		whatif_results_close(p.result, o->scenarios);
		*e = p.failure;
		return -(int)e->code;
	}
	if (o->sample)
		for (size_t i = 0; rc == 0 && i < o->scenarios; i++)
			rc = sample_estimate(&p.result[i].estimate, o->sample,
					     p.result[i].by_conversation, p.result[i].fixed,
					     o->seed, o->resamples, o->level_permille, e);
	else if (o->resamples > 0 && o->workload->conversations > 1)
		add_intervals(p.result, o);
	if (rc != 0) {
		whatif_results_close(p.result, o->scenarios);
		return rc;
	}
	*out = p.result;
	return 0;
}

void whatif_results_close(struct whatif_result *r, size_t count)
{
	for (size_t i = 0; r && i < count; i++) {
		free(r[i].model);
		free(r[i].reason);
		free(r[i].by_day);
		free(r[i].by_window);
		free(r[i].by_conversation);
		arena_release(&r[i].arena);
	}
	free(r);
}
