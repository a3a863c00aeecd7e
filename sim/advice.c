#include "sim/advice.h"

#include <stdlib.h>
#include <string.h>

#include "pricing/rate.h"
#include "pricing/tariffs.h"
#include "sim/model_cache.h"
#include "sim/workload_build.h"

static struct scenario plain_scenario(const char *name, struct text provider, struct text model)
{
	struct scenario s = { .name = name, .spec = name };
	s.route = (struct route){ .kind = ROUTE_MODEL, .targets = 1 };
	s.route.target[0] = (struct route_target){ provider, model };
	return s;
}

static int ask_part(struct scenario *s, const char *key, const char *value, struct err *e)
{
	return cache_part_parse(&s->cache, key, text_of(value), e);
}

/* --- cache --- */

struct warming {
	const struct advice_cache_asked *asked;
	struct tariffs *tariffs;
	const struct work_call **call; /* by conversation, in the order of time */
	const struct cache_contract *contract;
};

static int by_conversation(const void *a, const void *b)
{
	const struct work_call *x = *(const struct work_call *const *)a,
			       *y = *(const struct work_call *const *)b;
	if (x->conversation != y->conversation)
		return x->conversation < y->conversation ? -1 : 1;
	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static struct subject *subject_of(struct warming *x, const struct work_call *c)
{
	const struct work_subject *was = &x->asked->options->workload->subject[c->subject];
	return tariffs_subject(x->tariffs, x->asked->provider, x->asked->model, was->service_tier,
			       was->region);
}

/* Pings after a call: one every so often, until the next call comes or there were enough. Nobody
 * knows that a conversation is over, so they are sent after its last call too. */
static bool add_pings(struct warming *x, const struct work_call *c, const struct work_call *next,
		      struct advice_choice *out)
{
	const int64_t pause_us = next && next->conversation == c->conversation
					 ? next->time_us - c->time_us
					 : INT64_MAX;
	struct usage u = { .requests = 1 };
	bool fits = true;
	u.tokens[BUCKET_CACHE_READ] = work_prompt(c);
	u.tokens[BUCKET_OUTPUT] = x->asked->ping_output;
	if (work_prompt(c) < x->contract->minimum || c->requests != 1)
		return true;
	for (int64_t k = 1; k <= out->pings_most && k * out->every_us < pause_us; k++) {
		const struct tariff_answer *a =
			tariffs_ask(x->tariffs, subject_of(x, c), c->time_us + k * out->every_us);
		struct rating rating;
		struct err why = { 0 };
		out->pings++;
		if (a->price && rate_usage(&rating, &u, a->price, a->tariff, &why) == 0)
			fits &= money_total_add(&out->pings_cost, rating.total);
		else
			out->unpriced++;
	}
	return fits;
}

static int add_warming(struct warming *x, struct advice_choice *out, struct err *e)
{
	const size_t count = x->asked->options->workload->count;
	bool fits = true;
	for (size_t i = 0; i < count; i++)
		fits &= add_pings(x, x->call[i], i + 1 < count ? x->call[i + 1] : NULL, out);
	fits &= money_total_add(&out->total, out->pings_cost);
	return fits ? 0 : err_set(e, ERR_RANGE, "what pings cost is out of range");
}

/* What writing a prompt token once more costs in reads of it. */
static int64_t break_even_pings(const struct tariff_answer *a, int bucket)
{
	const struct rates *r = &a->tariff->rates;
	const int64_t read = r->per_million[BUCKET_CACHE_READ].pico,
		      write = r->per_million[bucket >= 0 && (r->known >> bucket & 1) ? bucket
										     : BUCKET_INPUT]
				      .pico;
	if (!(r->known >> BUCKET_CACHE_READ & 1) || read <= 0)
		return -1;
	return write > read ? (write - read) / read : 0;
}

/* The model's contract on the first call's day. */
static int find_contract(struct warming *x, struct advice_cache *out, struct err *e)
{
	const struct whatif_options *o = x->asked->options;
	struct subject *s = subject_of(x, x->call[0]);
	const struct tariff_answer *a = tariffs_ask(x->tariffs, s, x->call[0]->time_us);
	if (!a->price)
		return err_set(e, ERR_UNPRICED, "%s", a->unpriced);
	x->contract = book_cache(o->book, a->price->provider, a->resolved,
				 (struct instant){ x->call[0]->time_us }, NULL);
	if (!x->contract)
		return err_set(e, ERR_NOT_FOUND,
			       "no card says how the cache of %.*s works (docs/caches.md)",
			       (int)x->asked->model.n, x->asked->model.p);
	for (int k = 0; k < CACHE_LIFETIMES; k++) {
		struct advice_life *l = &out->life[k];
		l->life_us = x->contract->life_us[k];
		l->every_us =
			x->asked->every_us ? x->asked->every_us : l->life_us - 10 * US_PER_SECOND;
		l->break_even_pings = break_even_pings(a, x->contract->write[k]);
		out->can_be_warmed |= l->life_us && !x->contract->of_write[k];
	}
	const int64_t longest_us = out->life[CACHE_LONG].life_us > out->life[CACHE_SHORT].life_us
					   ? out->life[CACHE_LONG].life_us
					   : out->life[CACHE_SHORT].life_us;
	if (out->can_be_warmed && x->asked->every_us > longest_us)
		return err_set(
			e, ERR_USAGE,
			"pings every %lld seconds come too late: the cache of %.*s lives %lld",
			(long long)(x->asked->every_us / US_PER_SECOND), (int)x->asked->model.n,
			x->asked->model.p, (long long)(longest_us / US_PER_SECOND));
	return 0;
}

static const int64_t pings_tried[] = { 1, 2, 3, 5, 8, 11, 17, 23 };

static struct scenario *next_choice(struct advice_cache *out, struct scenario *s, const char *name,
				    const struct advice_cache_asked *asked)
{
	out->choice[out->choices].name = name;
	s[out->choices] = plain_scenario(name, asked->provider, asked->model);
	return &s[out->choices++];
}

/* What is written for a lifetime and kept warm by pings. */
static int add_warm_choices(struct advice_cache *out, struct scenario *s, const struct warming *x,
			    enum cache_lifetime k, struct err *e)
{
	static const char *const names[CACHE_LIFETIMES][9] = {
		{ "5m, 1 ping", "5m, 2 pings", "5m, 3 pings", "5m, 5 pings", "5m, 8 pings",
		  "5m, 11 pings", "5m, 17 pings", "5m, 23 pings", "5m, pings" },
		{ "1h, 1 ping", "1h, 2 pings", "1h, 3 pings", "1h, 5 pings", "1h, 8 pings",
		  "1h, 11 pings", "1h, 17 pings", "1h, 23 pings", "1h, pings" },
	};
	const struct advice_life *l = &out->life[k];
	int rc = 0;
	if (l->every_us <= 0 || l->every_us > l->life_us || x->contract->of_write[k])
		return 0;
	for (size_t i = 0; rc == 0 && i < 8; i++) {
		const int64_t pings = x->asked->pings ? x->asked->pings : pings_tried[i];
		struct advice_choice *c = &out->choice[out->choices];
		struct scenario *to =
			next_choice(out, s, names[k][x->asked->pings ? 8 : i], x->asked);
		c->pings_most = pings;
		c->every_us = l->every_us;
		rc = ask_part(to, "writes", k == CACHE_LONG ? "1h" : "5m", e);
		to->cache.asked |= CACHE_ASKED_TTL;
		to->cache.ttl_us = pings * l->every_us + l->life_us;
		if (x->asked->pings)
			break;
	}
	return rc;
}

static int add_choices(struct advice_cache *out, struct scenario *s, const struct warming *x,
		       struct err *e)
{
	static const char *const names[] = { "none", "5m", "1h" };
	int rc = 0;
	for (int i = 0; rc == 0 && i < 3; i++)
		if (i < 2 || out->life[CACHE_LONG].life_us)
			rc = ask_part(next_choice(out, s, names[i], x->asked), "writes", names[i],
				      e);
	for (int k = 0; rc == 0 && out->can_be_warmed && k < CACHE_LIFETIMES; k++)
		rc = add_warm_choices(out, s, x, (enum cache_lifetime)k, e);
	return rc;
}

#define UNKNOWN_RECORD TEXT("the record of a question")

/*
 * A client that asked for no cache marked nothing, and the record would say that all of its prompts
 * lie behind the mark. The question is what it would find if it asked, so conversations without a
 * hit or a write are taken to come from a model of which the record proves nothing. To be released
 * with release_unasked; NULL: there are none.
 */
static struct workload *as_if_asked(const struct workload *w)
{
	bool *asked = mem_zalloc(w->conversations + 1);
	size_t unasked = 0;
	for (size_t i = 0; i < w->count; i++)
		asked[w->call[i].conversation] |=
			work_prompt(&w->call[i]) != w->call[i].tokens[BUCKET_INPUT];
	for (size_t i = 0; i < w->count; i++)
		unasked += !asked[w->call[i].conversation];
	if (w->blocks || !unasked) {
		free(asked);
		return NULL;
	}
	struct workload *v = mem_alloc(sizeof *v);
	*v = *w;
	v->call = mem_alloc((w->count + 1) * sizeof *v->call);
	v->subject = mem_alloc((2 * w->subjects + 1) * sizeof *v->subject);
	v->subjects = 2 * w->subjects;
	v->metered = NULL;
	for (size_t k = 0; k < w->subjects; k++) {
		v->subject[k] = v->subject[w->subjects + k] = w->subject[k];
		v->subject[w->subjects + k].provider = (struct text){ 0 };
		v->subject[w->subjects + k].model = UNKNOWN_RECORD;
	}
	for (size_t i = 0; i < w->count; i++) {
		v->call[i] = w->call[i];
		if (!asked[w->call[i].conversation])
			v->call[i].subject += (uint32_t)w->subjects;
	}
	free(asked);
	return v;
}

static void release_unasked(struct workload *v)
{
	if (!v)
		return;
	free(v->call);
	free(v->subject);
	free(v);
}

static int run_choices(struct advice_cache *out, struct warming *x, struct err *e)
{
	struct scenario *s = mem_zalloc(ADVICE_CHOICES * sizeof *s);
	struct whatif_result *result = NULL;
	int rc = add_choices(out, s, x, e);
	struct whatif_options o = *x->asked->options;
	o.scenario = s;
	o.scenarios = out->choices;
	o.baseline = 0;
	o.resamples = 0;
	struct workload *view = as_if_asked(o.workload);
	o.workload = view ? view : o.workload;
	if (rc == 0)
		rc = whatif_run(&result, &o, e);
	for (size_t i = 0; rc == 0 && i < out->choices; i++) {
		struct advice_choice *c = &out->choice[i];
		c->total = result[i].cost;
		c->unpriced = result[i].unpriced;
		c->hits = result[i].tokens[BUCKET_CACHE_READ];
		c->prompt = result[i].prompt_tokens;
		rc = add_warming(x, c, e);
		if (c->total.atto < out->choice[out->cheapest].total.atto)
			out->cheapest = i;
	}
	if (result)
		whatif_results_close(result, out->choices);
	release_unasked(view);
	free(s);
	return rc;
}

int advice_cache_run(struct advice_cache *out, const struct advice_cache_asked *asked,
		     struct err *e)
{
	const struct whatif_options *o = asked->options;
	const struct workload *w = o->workload;
	struct warming x = { .asked = asked, .tariffs = tariffs_open(o->book, NULL, o->currency) };
	*out = (struct advice_cache){ 0 };
	x.call = mem_alloc((w->count + 1) * sizeof *x.call);
	for (size_t i = 0; i < w->count; i++)
		x.call[i] = &w->call[i];
	if (w->count)
		qsort(x.call, w->count, sizeof *x.call, by_conversation);
	int rc = w->count ? find_contract(&x, out, e) : err_set(e, ERR_NOT_FOUND, "no calls");
	if (rc == 0)
		rc = run_choices(out, &x, e);
	free(x.call);
	tariffs_close(x.tariffs);
	return rc;
}

/* --- switch --- */

/* The conversation up to so many turns after the answered call: prompts grow by the answer and by
 * what is added. The record names no model that any card knows, so that it proves nothing. */
static bool add_conversation(struct workload_build *b, const struct advice_switch_asked *asked,
			     int64_t turns)
{
	const uint32_t of = build_conversation(b, (struct conversation_id){ 0 }),
		       subject = build_subject(b, (struct work_subject){ .model = UNKNOWN_RECORD });
	int64_t prompt = asked->prompt;
	for (int64_t k = 0; k <= turns; k++) {
		struct work_call c = { .time_us = asked->at_us + k * asked->gap_us,
				       .requests = 1,
				       .conversation = of,
				       .subject = subject };
		c.tokens[BUCKET_INPUT] = prompt;
		c.tokens[BUCKET_OUTPUT] = asked->output;
		build_call(b, &c);
		if (!build_takes(prompt) || !build_takes(asked->output))
			return false;
		prompt += asked->output + asked->added;
	}
	return true;
}

/* Conversation k has k turns, so that each total is that of a conversation. */
static int turns_workload(struct workload **out, const struct advice_switch_asked *asked,
			  struct err *e)
{
	struct workload_build b = { .w = mem_zalloc(sizeof *b.w) };
	bool fits = true;
	b.w->shape = "question";
	b.w->has_conversations = true;
	for (int64_t k = 0; fits && k <= asked->turns; k++)
		fits = add_conversation(&b, asked, k);
	build_finish(&b, WORK_BY_CONVERSATION);
	*out = b.w;
	return fits ? 0 : err_set(e, ERR_USAGE, "the prompts grow beyond what any may be");
}

static bool knows_cache(struct tariffs *t, const struct advice_switch_asked *asked,
			const struct route_target *m)
{
	const struct tariff_answer *a =
		tariffs_ask(t, tariffs_model(t, m->provider, m->model), asked->at_us);
	return a->price && book_cache(asked->book, a->price->provider, a->resolved,
				      (struct instant){ asked->at_us }, NULL);
}

static void take_turns(struct advice_switch *out, const struct whatif_result *r)
{
	struct money_total *to[2] = { out->stay, out->move };
	for (int i = 0; i < 2; i++)
		for (int64_t k = 0; k < out->turns; k++)
			to[i][k] = money_total_minus(r[i].by_conversation[k + 1],
						     r[i].by_conversation[0]);
	out->unpriced = r[0].unpriced + r[1].unpriced;
	out->pays_from = out->turns;
	while (out->pays_from &&
	       out->move[out->pays_from - 1].atto < out->stay[out->pays_from - 1].atto)
		out->pays_from--;
	out->pays_from = out->pays_from < out->turns ? out->pays_from + 1 : 0;
}

static int two_routes(struct scenario_list *l, const struct advice_switch_asked *asked,
		      struct err *e)
{
	struct buf spec = { 0 };
	buf_printf(&spec, "stay=%s", asked->from);
	int rc = scenario_add(l, spec.p, asked->book, e);
	spec.n = 0;
	buf_printf(&spec, "move=from:1:%s:%s", asked->to, asked->from);
	if (rc == 0)
		rc = scenario_add(l, spec.p, asked->book, e);
	/* nothing of the record is taken over */
	for (size_t i = 0; rc == 0 && i < l->count; i++)
		rc = ask_part(&l->scenario[i], "recompute", "0", e);
	if (rc == 0 && l->scenario[0].route.kind != ROUTE_MODEL)
		rc = err_set(e, ERR_USAGE, "'%s' is no model", asked->from);
	buf_release(&spec);
	return rc;
}

int advice_switch_run(struct advice_switch *out, const struct advice_switch_asked *asked,
		      struct err *e)
{
	struct workload *w = NULL;
	struct scenario_list list = { 0 };
	struct whatif_result *result = NULL;
	*out = (struct advice_switch){ .turns = asked->turns };
	int rc = turns_workload(&w, asked, e);
	if (rc == 0)
		rc = two_routes(&list, asked, e);
	const struct whatif_options o = { .workload = w,
					  .scenario = list.scenario,
					  .scenarios = list.count,
					  .book = asked->book,
					  .currency = asked->currency,
					  .cache = WHATIF_CACHE_REBUILT,
					  .rules = *asked->rules,
					  .threads = 1 };
	if (rc == 0)
		rc = whatif_run(&result, &o, e);
	if (rc == 0) {
		struct tariffs *t = tariffs_open(asked->book, NULL, asked->currency);
		const struct route *move = &list.scenario[1].route;
		out->stay = mem_alloc((size_t)(asked->turns + 1) * sizeof *out->stay);
		out->move = mem_alloc((size_t)(asked->turns + 1) * sizeof *out->move);
		take_turns(out, result);
		for (int i = 0; i < 2; i++)
			out->knows_cache[i] = knows_cache(t, asked, &move->target[1 - i]);
		tariffs_close(t);
	}
	if (result)
		whatif_results_close(result, list.count);
	scenario_list_release(&list);
	workload_close(w);
	return rc;
}

void advice_switch_release(struct advice_switch *s)
{
	free(s->stay);
	free(s->move);
}

/* --- hits --- */

static bool add_side(struct advice_side *side, const struct tariff_answer *a,
		     const struct work_call *c, bool pays_writes)
{
	struct usage missed = { .requests = c->requests }, hit = { .requests = c->requests };
	struct rating all[2];
	struct err why = { 0 };
	const enum bucket as =
		pays_writes && model_cache_bills_writes(a) ? BUCKET_CACHE_WRITE_5M : BUCKET_INPUT;
	missed.tokens[as] = hit.tokens[BUCKET_CACHE_READ] = work_prompt(c);
	missed.tokens[BUCKET_OUTPUT] = hit.tokens[BUCKET_OUTPUT] = c->tokens[BUCKET_OUTPUT];
	missed.tokens[BUCKET_REASONING] = hit.tokens[BUCKET_REASONING] =
		c->tokens[BUCKET_REASONING];
	if (!a->price || rate_usage(&all[0], &missed, a->price, a->tariff, &why) != 0 ||
	    rate_usage(&all[1], &hit, a->price, a->tariff, &why) != 0) {
		side->unpriced++;
		return true;
	}
	return money_total_add(&side->missed, all[0].total) &&
	       money_total_add(&side->hit, all[1].total);
}

int advice_hits_run(struct advice_hits *out, const struct workload *w, const struct book *book,
		    const char *currency, bool pays_writes, struct err *e)
{
	struct tariffs *t = tariffs_open(book, NULL, currency);
	bool fits = true;
	for (size_t i = 0; i < w->count; i++) {
		const struct work_call *c = &w->call[i];
		const struct work_subject *was = &w->subject[c->subject];
		out->calls += c->requests;
		out->prompt += work_prompt(c);
		out->output += c->tokens[BUCKET_OUTPUT];
		out->recorded_hits += c->tokens[BUCKET_CACHE_READ];
		for (int k = 0; k < 2; k++) {
			struct advice_side *side = &out->side[k];
			struct subject *s = tariffs_subject(t, side->provider, side->model,
							    was->service_tier, was->region);
			fits &= add_side(side, tariffs_ask(t, s, c->time_us), c, pays_writes);
		}
	}
	tariffs_close(t);
	return fits ? 0 : err_set(e, ERR_RANGE, "a sum is out of range");
}

struct workload *advice_workload(int64_t prompt, int64_t output, int64_t at_us)
{
	struct workload_build b = { .w = mem_zalloc(sizeof *b.w) };
	b.w->shape = "question";
	struct work_call c = { .time_us = at_us,
			       .requests = 1,
			       .conversation =
				       build_conversation(&b, (struct conversation_id){ 0 }),
			       .subject =
				       build_subject(&b, (struct work_subject){ .model = { 0 } }) };
	c.tokens[BUCKET_INPUT] = prompt;
	c.tokens[BUCKET_OUTPUT] = output;
	build_call(&b, &c);
	build_finish(&b, WORK_BY_CONVERSATION);
	return b.w;
}
