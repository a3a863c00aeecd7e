#include "sim/whatif_run.h"

#include <stdlib.h>
#include <string.h>

#include "pricing/rate.h"

static int too_large(const struct scenario *s, struct err *e)
{
	return err_set(e, ERR_RANGE, "scenario '%s': a sum is out of range", s->name);
}

/* --- lines of models --- */

static void take_limits(const struct stage *st, uint32_t target, const char *resolved,
			struct whatif_model *m)
{
	const struct model_limits *l = resolved ? book_limits(st->o->book, resolved) : NULL;
	if (l) {
		m->context_tokens = l->context_tokens;
		m->output_tokens_max = l->output_tokens_max;
		m->first_token_seconds = l->first_token_seconds;
		m->tokens_per_second = l->tokens_per_second;
	}
	if (target >= st->s->route.targets)
		return;
	if (st->s->first_token_seconds[target].digits)
		m->first_token_seconds = st->s->first_token_seconds[target];
	if (st->s->tokens_per_second[target].digits)
		m->tokens_per_second = st->s->tokens_per_second[target];
	if (st->s->hosting[target].gpu_hour.pico)
		m->hosting = &st->s->hosting[target];
}

struct whatif_model *whatif_line(struct stage *st, struct whatif_result *list, uint32_t target,
				 const char *resolved)
{
	int32_t *at = &st->line_of[target];
	const struct work_subject n = whatif_target(st, target);
	/* the same model twice (as A and as B, or in two tiers) is one line */
	for (size_t i = 0; *at < 0 && i < list->models; i++)
		if (text_eq(list->model[i].model, n.model) &&
		    text_eq(list->model[i].provider, n.provider))
			*at = (int32_t)i;
	if (*at < 0) {
		list->model = mem_grow(list->model, (list->models + 1) * sizeof *list->model);
		struct whatif_model *m = &list->model[list->models];
		*m = (struct whatif_model){ .provider = n.provider, .model = n.model };
		take_limits(st, target, resolved, m);
		*at = (int32_t)list->models++;
	}
	return &list->model[*at];
}

/* --- what a call is on its target --- */

/* tokens x factor, half up: what another tokenizer or a wordier model makes of a count. */
static int64_t scaled(int64_t tokens, struct decimal factor)
{
	int128 ten = 1;
	for (int i = 0; i < factor.scale; i++)
		ten *= 10;
	return (int64_t)((tokens * factor.digits * 2 + ten) / (2 * ten));
}

static void use_factors(const struct run *r, uint32_t target, int64_t tokens[BUCKET_COMMON])
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
	for (int k = BUCKET_OUTPUT; k <= BUCKET_REASONING; k++)
		tokens[k] = out.digits ? scaled(tokens[k], out) : tokens[k];
}

/* What a sensitivity analysis makes of the assumptions. */
static void vary(const struct scenario *s, int64_t tokens[BUCKET_COMMON])
{
	for (int k = 0; s->vary_prompt.digits && k < BUCKET_OUTPUT; k++)
		tokens[k] = scaled(tokens[k], s->vary_prompt);
	for (int k = BUCKET_OUTPUT; s->vary_output.digits && k <= BUCKET_REASONING; k++)
		tokens[k] = scaled(tokens[k], s->vary_output);
}

static int64_t prompt_of(const int64_t tokens[BUCKET_COMMON])
{
	int64_t prompt = 0;
	for (int k = 0; k < BUCKET_OUTPUT; k++)
		prompt += tokens[k];
	return prompt;
}

/* The same of a hit; it never exceeds the prompt, and a price that sells none makes it none. */
static inline int64_t hit_of(const struct run *r, const struct play *p, bool sold, int64_t hit,
			     int64_t prompt)
{
	const struct scenario *s = r->s;
	if (!sold)
		return 0;
	if (is_recorded(r, p->target))
		return hit;
	if (!r->stage->assumes)
		return least(hit, prompt);
	if (s->has_factors && s->input_factor[p->target].digits && r->o->cache != WHATIF_CACHE_NONE)
		hit = scaled(hit, s->input_factor[p->target]);
	if (s->vary_prompt.digits)
		hit = scaled(hit, s->vary_prompt);
	if (s->vary_hits.digits)
		hit = scaled(hit, s->vary_hits);
	return least(hit, prompt);
}

/* A prompt that a cache divides, whatever it finds of it. */
struct dividing {
	const struct model_cache *of; /* NULL: it stays as it was recorded */
	int64_t reach, prompt;
	bool an_hour, sold;
};

/* What a cache that was replayed or rebuilt is given of a prompt. */
static void give_prompt(const struct run *r, const struct play *p,
			const int64_t tokens[BUCKET_COMMON], struct dividing *d)
{
	const struct workload *w = r->o->workload;
	d->of = model_cache_at(&r->stage->cache[p->cache], p->time_us);
	d->an_hour = p->unmarked && tokens[BUCKET_CACHE_WRITE_1H] && !tokens[BUCKET_CACHE_WRITE_5M];
	d->reach = d->prompt;
	if (r->o->cache == WHATIF_CACHE_BLOCKS) {
		const struct block_request *q = &w->blocks->request[p->call];
		d->reach -=
			least(d->reach, q->input - prefix_cache_reach(w->blocks, &d->of->rules, q));
	} else if (p->unmarked) {
		d->reach -= tokens[BUCKET_INPUT];
	}
}

/* Whether what the record wrote is input on the target. */
static bool reads_writes(struct run *r, const struct play *p, const struct tariff_answer *a)
{
	const struct work_call *c = call_of(r, p);
	const struct asked *own = whatif_ask(r, r->s->route.targets + c->subject, c);
	return model_cache_reads_writes(a, tariffs_ask(r->tariffs, own->subject, p->time_us));
}

/* What the record says, but for hits that an assumption varies. Where the target bills no cache
 * writes, what is not a hit is plain input. */
static void split_recorded(struct run *r, const struct play *p, const struct tariff_answer *a,
			   int64_t hit, int64_t tokens[BUCKET_COMMON])
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

/* A price that states none for hits (of batches at some vendors) sells none: all is read. What was
 * recorded stays, and is then without a price. */
static bool sells_hits(const struct run *r, const struct play *p, const struct tariff_answer *a)
{
	return !a->price || (a->tariff->rates.known >> BUCKET_CACHE_READ & 1) ||
	       (is_recorded(r, p->target) &&
		!route_retiers(&r->s->route, r->o->workload, call_of(r, p)));
}

/* What a play counts and costs on its target, and how its prompt came to be divided. */
struct charge {
	const int64_t *tokens; /* the record's, or: */
	int64_t own[BUCKET_COMMON];
	struct money_total cost;
	const struct tariff_answer *plain; /* its rates, one a token; NULL: there is more to it */
	struct dividing how;
};

/* Whether each bucket counts what was recorded. */
static bool counts_as_recorded(const struct run *r, const struct play *p)
{
	return p->as_recorded && is_recorded(r, p->target) &&
	       p->hit == call_of(r, p)->tokens[BUCKET_CACHE_READ] &&
	       r->s->cache.writes != CACHE_WRITES_ASKED && !r->s->route.service_tier.n;
}

/* The buckets of a call on its target. */
static void divide(struct run *r, const struct play *p, const struct tariff_answer *a,
		   struct charge *is)
{
	const struct work_call *c = call_of(r, p);
	const bool recorded = is_recorded(r, p->target);
	int64_t *tokens = is->own;
	struct dividing *d = &is->how;
	is->tokens = c->tokens;
	if (counts_as_recorded(r, p))
		return;
	is->tokens = tokens;
	memcpy(tokens, c->tokens, sizeof c->tokens);
	const bool assumes = r->stage->assumes && !recorded;
	if (assumes && r->s->has_factors)
		use_factors(r, p->target, tokens);
	int64_t hit = r->o->cache == WHATIF_CACHE_NONE ? tokens[BUCKET_CACHE_READ] : p->hit;
	if (assumes)
		vary(r->s, tokens);
	if (p->failed && r->s->retry[p->target].bill == RETRY_BILLS_PROMPT)
		tokens[BUCKET_OUTPUT] = tokens[BUCKET_REASONING] = 0;
	*d = (struct dividing){ .prompt = prompt_of(tokens), .sold = sells_hits(r, p, a) };
	hit = hit_of(r, p, d->sold, hit, d->prompt);
	if (r->o->cache == WHATIF_CACHE_BLOCKS ||
	    (r->o->cache == WHATIF_CACHE_REBUILT && !p->as_recorded)) {
		give_prompt(r, p, tokens, d);
		model_cache_split(d->of, a, d->an_hour, d->reach, hit, tokens);
	} else {
		split_recorded(r, p, a, hit, tokens);
	}
}

/* Makes room for one more: rooms are powers of two. */
static void *one_more(void *list, size_t count, size_t size)
{
	return count & (count - 1) ? list : mem_grow(list, (count ? count * 2 : 1) * size);
}

static void count_reason(struct run *r, uint128 key, const char *model, const char *why)
{
	struct whatif_result *out = r->out;
	model = model ? model : "";
	for (size_t i = 0; i < out->reasons; i++)
		if (strcmp(out->reason[i].model, model) == 0 &&
		    strcmp(out->reason[i].why, why) == 0) {
			out->reason[i].records++;
			r->reason_key[i] = key < r->reason_key[i] ? key : r->reason_key[i];
			return;
		}
	out->reason = one_more(out->reason, out->reasons, sizeof *out->reason);
	r->reason_key = one_more(r->reason_key, out->reasons, sizeof *r->reason_key);
	r->reason_key[out->reasons] = key;
	out->reason[out->reasons++] =
		(struct whatif_reason){ arena_text(&out->arena, model, strlen(model)),
					arena_text(&out->arena, why, strlen(why)), 1 };
}

/* The play with those tokens, and with what it counts beside the common buckets. */
static void usage_of(const struct run *r, const struct play *p, const int64_t tokens[BUCKET_COMMON],
		     struct usage *out)
{
	const struct work_call *c = call_of(r, p);
	int64_t counts[COUNT_KINDS] = { 0 };
	memcpy(counts, tokens, BUCKET_COMMON * sizeof *tokens);
	if (c->rare)
		memcpy(counts + BUCKET_COMMON, r->o->workload->rare[c->rare - 1].counts,
		       sizeof r->o->workload->rare->counts);
	parts_fit(counts);
	usage_set_counts(out, counts);
	if (p->token_hours)
		out->unit[out->unit_count++] = (struct usage_unit){
			model_cache_at(&r->stage->cache[p->cache], p->time_us)->rules.storage,
			p->token_hours
		};
}

/* A count that has just been written: not two with one load, which would have to wait until both
 * are in the processor's cache. */
static inline int64_t count_at(const int64_t tokens[BUCKET_COMMON], int k)
{
	return __atomic_load_n(&tokens[k], __ATOMIC_RELAXED);
}

/* The answer of a play that one price of each token holds for; NULL where there is more to it. */
static const struct tariff_answer *plain_answer(struct tariff_answer *a, const struct work_call *c,
						const int64_t tokens[BUCKET_COMMON])
{
	int64_t prompt = 0, any = 0;
	for (int k = 0; k < BUCKET_OUTPUT; k++) {
		const int64_t n = count_at(tokens, k);
		any |= n;
		prompt += n;
	}
	if ((any | tokens[BUCKET_OUTPUT]) >> 58 || c->rare || (a->by_prompt && c->requests > 1))
		return NULL;
	a = tariffs_of_prompt(a, prompt);
	return a->plain ? a : NULL;
}

/* False where something is counted that has no price. */
static inline bool price_plainly(const struct tariff_answer *a, const int64_t tokens[BUCKET_COMMON],
				 struct money_total *cost)
{
	int128 sum = 0;
	for (int k = 0; a->unstated && k < BUCKET_REASONING; k++)
		if (tokens[k] && a->unstated >> k & 1)
			return false;
	for (int k = 0; k < BUCKET_REASONING; k++)
		sum += (int128)a->rate[k] * count_at(tokens, k);
	cost->atto = sum;
	return true;
}

/* The cost, line by line. Why there is no price (in *e, or for good); NULL where there is one. */
static const char *price_or_why(struct run *r, const struct play *p, struct charge *is,
				struct err *e)
{
	const struct tariff_answer *a = p->answer;
	struct usage u = { .requests = call_of(r, p)->requests };
	struct rating rating;
	if (!a->price)
		return a->unpriced;
	usage_of(r, p, is->tokens, &u);
	if (rate_usage(&rating, &u, a->price, a->tariff, e) != 0)
		return e->message;
	is->cost = rating.total;
	r->unsaid = rating.at_least;
	return NULL;
}

/* The same, with the reason counted; false where there is none. */
static bool price_by_lines(struct run *r, const struct play *p, const char *model,
			   struct charge *is)
{
	struct err e;
	const char *why = price_or_why(r, p, is, &e);
	if (why)
		count_reason(r, play_key(r, p) + (model ? 0 : KEY_BOUNDS), model, why);
	return !why;
}

static bool is_plain(const struct play *p, const struct charge *is)
{
	return is->plain && !p->token_hours;
}

/* False, with the reason counted, when there is no price. model: NULL for what the play would cost
 * with other hits. Nearly all plays are priced plainly, in a frame without the room that lines
 * need. */
static inline bool price_play(struct run *r, const struct play *p, const char *model,
			      struct charge *is)
{
	return (is_plain(p, is) && price_plainly(is->plain, is->tokens, &is->cost)) ||
	       price_by_lines(r, p, model, is);
}

/* As a vendor would ask for what runs on machines. */
static bool vendor_price(struct run *r, const struct play *p, struct charge *is)
{
	struct err unknown;
	return (is_plain(p, is) && price_plainly(is->plain, is->tokens, &is->cost)) ||
	       !price_or_why(r, p, is, &unknown);
}

static bool credit_play(struct run *r, struct subject *s, const struct tariff_answer *a,
			const struct play *p, const int64_t tokens[BUCKET_COMMON],
			struct credits_total *out)
{
	struct err why = { 0 };
	const struct work_call *c = call_of(r, p);
	struct usage u = { .requests = c->requests };
	usage_of(r, p, tokens, &u);
	const struct credited what = { s, p->time_us, &u };
	int rc = tariffs_credits(r->tariffs, a, &what, out, NULL, &why);
	if (rc != 0)
		count_reason(r, play_key(r, p) + KEY_CREDITS, s->model.p, why.message);
	return rc == 0;
}

/* What a hosted model does takes time on a replica, and no money of its own. */
static bool host_play(struct run *r, const struct play *p, struct whatif_model *m,
		      const int64_t tokens[BUCKET_COMMON], const struct money_total *at_vendor)
{
	const int64_t read_anew = tokens[BUCKET_INPUT] + tokens[BUCKET_CACHE_WRITE_5M] +
				  tokens[BUCKET_CACHE_WRITE_1H];
	const int128 work_us = hosting_work_us(read_anew, m->hosting->prompt_rate) +
			       hosting_work_us(tokens[BUCKET_OUTPUT], m->hosting->output_rate);
	if (r->hosteds == r->hosted_room) {
		r->hosted_room = r->hosted_room ? r->hosted_room * 2 : 256;
		r->hosted = mem_grow(r->hosted, r->hosted_room * sizeof *r->hosted);
	}
	r->hosted[r->hosteds++] =
		(struct hosted_call){ .time_us = p->time_us,
				      .work_us = (int64_t)work_us,
				      .order = call_of(r, p)->order * 2 + p->again,
				      .model = (uint32_t)(m - r->out->model) };
	if (at_vendor)
		money_total_add(&m->at_vendor, *at_vendor);
	m->vendor_unpriced += !at_vendor;
	return work_us / m->hosting->slots < HOSTED_WORK_MOST_US / m->hosting->slots;
}

static struct whatif_part *insert_part(struct whatif_part **list, size_t *count, size_t at)
{
	*list = one_more(*list, *count, sizeof **list);
	memmove(*list + at + 1, *list + at, (*count - at) * sizeof **list);
	(*list)[at] = (struct whatif_part){ 0 };
	(*count)++;
	return &(*list)[at];
}

/* Days in order, most often without a gap. */
static struct whatif_part *day_part(struct whatif_result *out, int64_t day)
{
	size_t low = 0, high = out->days;
	while (low < high) {
		const size_t mid = (low + high) / 2;
		if (out->by_day[mid].day < day)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == out->days || out->by_day[low].day != day)
		insert_part(&out->by_day, &out->days, low)->day = day;
	return &out->by_day[low];
}

static struct whatif_part *day_of(struct run *r, int64_t time_us)
{
	struct whatif_result *out = r->out;
	const uint64_t after =
		((uint64_t)time_us - (uint64_t)r->days_from_us) / (uint64_t)US_PER_DAY;
	if (after < out->days &&
	    (uint64_t)out->by_day[after].day - (uint64_t)out->by_day[0].day == after)
		return &out->by_day[after];
	struct whatif_part *part = day_part(out, floor_div(time_us, US_PER_DAY));
	r->days_from_us = out->by_day[0].day * US_PER_DAY;
	return part;
}

/* The number of an answer's window among those that the thread has met. */
static uint32_t window_number(struct run *r, struct tariff_answer *a)
{
	const char *name = a->tariff->window;
	struct desk *d = r->desk;
	for (size_t i = 0; !a->window_id && i < d->windows; i++)
		if (strcmp(d->window[i], name) == 0)
			a->window_id = (uint32_t)i + 1;
	if (!a->window_id) {
		d->window = one_more(d->window, d->windows, sizeof *d->window);
		d->window[d->windows++] = name;
		a->window_id = (uint32_t)d->windows;
	}
	return a->window_id;
}

static struct whatif_part *window_part(struct run *r, struct tariff_answer *a, const struct play *p)
{
	struct whatif_result *out = r->out;
	const uint32_t number = window_number(r, a);
	while (number >= r->window_room) {
		r->window_at = mem_grow(r->window_at, (r->window_room + 1) * sizeof *r->window_at);
		r->window_at[r->window_room++] = 0;
	}
	uint32_t *at = &r->window_at[number];
	if (!*at) {
		r->window_key = one_more(r->window_key, out->windows, sizeof *r->window_key);
		r->window_key[out->windows] = ~(uint128)0;
		insert_part(&out->by_window, &out->windows, out->windows)->window =
			r->desk->window[number - 1];
		*at = (uint32_t)out->windows;
	}
	uint128 *first = &r->window_key[*at - 1];
	if (!play_is_after(*first, p->time_us)) {
		const uint128 key = play_key(r, p);
		*first = key < *first ? key : *first;
	}
	return &out->by_window[*at - 1];
}

/* Parts of a sum that fits, fit. */
static void add_part(struct whatif_part *part, struct money_total cost)
{
	part->records++;
	part->cost.atto += cost.atto;
}

/* The cost with another hit and so much storage; the same where that has no price. */
static struct money_total cost_other(struct run *r, const struct play *p, const struct charge *is,
				     int64_t hit, int64_t hours)
{
	const struct dividing *d = &is->how;
	struct charge with;
	CHECK(d->of); /* what was found as it was recorded has one hit */
	memcpy(with.own, is->tokens, sizeof with.own);
	with.tokens = with.own;
	with.plain = is->plain;
	model_cache_split(d->of, p->answer, d->an_hour, d->reach,
			  hit_of(r, p, d->sold, hit, d->prompt), with.own);
	if (!hours && is->plain && price_plainly(is->plain, with.own, &with.cost))
		return with.cost;
	struct play other = *p;
	other.token_hours = hours;
	return price_play(r, &other, NULL, &with) ? with.cost : is->cost;
}

static inline struct money_total cost_with(struct run *r, const struct play *p,
					   const struct charge *is, int64_t hit, int64_t hours)
{
	return hit == p->hit && hours == p->token_hours ? is->cost
							: cost_other(r, p, is, hit, hours);
}

static bool add_more(struct money_total *to, struct money_total with, struct money_total is)
{
	return money_total_add(to, money_total_minus(with, is));
}

/* What more the play would cost with the fewest and the most hits, and with those that are
 * expected. */
static bool add_bounds(struct run *r, const struct play *p, const struct charge *is)
{
	struct whatif_result *out = r->out;
	const struct play_bounds *b = &r->desk->bounds[p - r->play];
	const struct money_total least = cost_with(r, p, is, b->most, b->hours_least),
				 expected = cost_with(r, p, is, b->expected, p->token_hours),
				 most = cost_with(r, p, is, b->floor, b->hours_most);
	const bool fits = add_more(&out->cost_low, least, is->cost) &&
			  add_more(&out->cost_expected, expected, is->cost);
	if (b->floor == b->least)
		return add_more(&out->cost_high, most, is->cost) && fits;
	/* a part of the hits costs that part of what they all do */
	const struct money_total all = money_total_minus(most, is->cost);
	return fits && (all.atto <= 0 ||
			losses_add(&out->losses, all, p->hit - b->least, p->hit - b->floor));
}

/* As it was metered, whatever the cards say now. */
static bool metered_play(struct run *r, const struct play *p, const struct subject *s,
			 struct money_total *cost)
{
	const struct workload *w = r->o->workload;
	const size_t at = r->from + p->call;
	const bool unpriced = w->metered_lacks[at] == METERED_UNPRICED;
	if (unpriced)
		count_reason(r, play_key(r, p), s->model.p,
			     "the record was metered without a price");
	*cost = w->metered[at];
	r->unsaid = w->metered_lacks[at] == METERED_UNSAID;
	return !unpriced;
}

static bool is_metered(const struct run *r, const struct play *p)
{
	const struct workload *w = r->o->workload;
	return w->metered && is_recorded(r, p->target) &&
	       !route_retiers(&r->s->route, w, call_of(r, p));
}

/* Tokens, to the model; what does not fit it is counted. */
static bool add_tokens(struct whatif_model *m, const struct work_call *c,
		       const int64_t tokens[BUCKET_COMMON])
{
	bool fits = true;
	int64_t prompt = 0;
	for (int k = 0; k < BUCKET_COMMON; k++)
		if (__builtin_add_overflow(m->tokens[k], tokens[k], &m->tokens[k]))
			fits = false;
	for (int k = 0; k < BUCKET_OUTPUT; k++)
		prompt += tokens[k];
	m->records++;
	const bool over_context = m->context_tokens && c->requests == 1 &&
				  prompt + tokens[BUCKET_OUTPUT] > m->context_tokens;
	m->over_context += over_context;
	m->does_not_fit += over_context || (m->output_tokens_max && c->requests == 1 &&
					    tokens[BUCKET_OUTPUT] > m->output_tokens_max);
	return fits;
}

/* A sample's conversations each have a place, others share what a resample draws. */
static struct money_total *cluster_of(struct run *r, const struct work_call *c)
{
	if (!r->cluster || r->cluster_of != c->conversation) {
		r->cluster_of = c->conversation;
		r->cluster =
			r->stage->by_conversation
				? &r->stage->by_conversation[c->conversation]
				: &r->out->by_conversation[c->conversation % r->stage->clusters];
	}
	return r->cluster;
}

static bool add_cost(struct run *r, const struct play *p, struct whatif_model *m,
		     struct tariff_answer *a, struct money_total cost)
{
	bool fits = true;
	add_part(day_of(r, p->time_us), cost);
	if (a->price)
		add_part(window_part(r, a, p), cost);
	fits &= money_total_add(&m->cost, cost);
	fits &= money_total_add(cluster_of(r, call_of(r, p)), cost);
	return fits;
}

static int add_play(struct run *r, const struct play *p, struct err *e)
{
	const struct work_call *c = call_of(r, p);
	struct whatif_result *out = r->out;
	struct subject *s = p->asked->subject;
	struct tariff_answer *a = p->answer;
	struct charge is;
	r->unsaid = false;
	is.cost = (struct money_total){ 0 };
	divide(r, p, a, &is);
	is.plain = plain_answer(a, c, is.tokens);
	struct whatif_model *m = r->stage->line_of[p->target] < 0
					 ? whatif_line(r->stage, out, p->target, a->resolved)
					 : &out->model[r->stage->line_of[p->target]];
	bool priced;
	if (is_metered(r, p)) {
		priced = metered_play(r, p, s, &is.cost);
	} else if (m->hosting) { /* its price is the machines'; the vendor's is there to compare */
		priced = vendor_price(r, p, &is);
	} else {
		priced = price_play(r, p, s->model.p, &is);
	}
	bool fits = add_tokens(m, c, is.tokens);
	if (p->failed) {
		out->retries_billed++;
		money_total_add(&out->retry_cost, is.cost);
	}
	if (m->hosting) {
		fits &= host_play(r, p, m, is.tokens, priced ? &is.cost : NULL);
		priced = true;
		r->unsaid = false; /* of the vendor's */
		is.cost = (struct money_total){ 0 };
	}
	m->unpriced += !priced;
	const bool by_card = priced && a->price && !m->hosting,
		   least = c->placeholder ||
			   (by_card && c->unsplit && is.tokens[BUCKET_CACHE_WRITE_5M] &&
			    rates_by_lifetime(&a->tariff->rates)) ||
			   (by_card && c->undivided &&
			    is.tokens[BUCKET_OUTPUT] > is.tokens[BUCKET_REASONING] &&
			    rates_by_modality(&a->tariff->rates));
	m->placeholders += least + r->unsaid;
	m->unsaid += r->unsaid;
	m->moving += priced && !m->hosting && a->price && a->price->moves;
	fits &= !__builtin_add_overflow(m->token_hours, p->token_hours, &m->token_hours);
	fits &= add_cost(r, p, m, a, is.cost);
	if (r->o->plan) {
		struct credits_total credits = { 0 };
		bool credited = credit_play(r, s, a, p, is.tokens, &credits);
		m->uncredited += !credited;
		if (credited)
			fits &= credits_add(&m->credits, credits);
	}
	if (p->bounded && priced)
		fits &= add_bounds(r, p, &is);
	return fits ? 0 : too_large(r->s, e);
}

int whatif_add_plays(struct run *r, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->plays; i++)
		rc = add_play(r, &r->play[i], e);
	return rc;
}

/* What all models come to; false where that is too large. */
static bool sum_models(struct whatif_result *out)
{
	bool fits = true;
	for (size_t i = 0; i < out->models; i++) {
		const struct whatif_model *m = &out->model[i];
		fits &= money_total_add(&out->cost, m->cost) &&
			credits_add(&out->credits, m->credits);
		for (int k = 0; k < BUCKET_COMMON; k++)
			fits &= !__builtin_add_overflow(out->tokens[k], m->tokens[k],
							&out->tokens[k]);
		out->records += m->records;
		out->unpriced += m->unpriced;
		out->uncredited += m->uncredited;
		out->placeholders += m->placeholders;
		out->unsaid += m->unsaid;
	}
	for (int k = 0; k < BUCKET_OUTPUT; k++)
		fits &= !__builtin_add_overflow(out->prompt_tokens, out->tokens[k],
						&out->prompt_tokens);
	return fits;
}

int whatif_sum(const struct stage *st, struct whatif_result *out, struct err *e)
{
	return sum_models(out) ? 0 : too_large(st->s, e);
}

/* The calls of a model on machines that the threads noted, one after the other. */
static struct hosted_call *calls_of_model(const struct run *run, int runs, size_t model,
					  size_t *count)
{
	size_t n = 0;
	for (int i = 0; i < runs; i++)
		n += run[i].hosteds;
	struct hosted_call *call = mem_alloc((n + 1) * sizeof *call);
	*count = 0;
	for (int i = 0; i < runs; i++)
		for (size_t k = 0; k < run[i].hosteds; k++)
			if (run[i].hosted[k].model == model)
				call[(*count)++] = run[i].hosted[k];
	return call;
}

int whatif_rent(const struct scenario *s, struct whatif_result *out, const struct run *run,
		int runs, struct err *e)
{
	for (size_t i = 0; i < out->models; i++) {
		struct whatif_model *m = &out->model[i];
		size_t calls;
		if (!m->hosting)
			continue;
		struct hosted_call *call = calls_of_model(run, runs, i, &calls);
		int rc = hosting_run(&m->hosted, m->hosting, call, calls, e);
		free(call);
		if (rc != 0)
			return err_context(e, "scenario '%s'", s->name);
		const int128 units = (int128)m->hosted.replica_hours * m->hosting->gpus;
		int128 pico;
		if (__builtin_mul_overflow(units, (int128)m->hosting->gpu_hour.pico, &pico) ||
		    pico > ((int128)1 << 100))
			return too_large(s, e);
		const struct money_total cost = { pico * 1000000 };
		if (!money_total_add(&m->cost, cost) || !money_total_add(&out->cost, cost) ||
		    !money_total_add(&out->fixed, cost))
			return too_large(s, e);
	}
	return 0;
}

/* --- what the threads found, together --- */

static bool merge_model(struct whatif_model *to, const struct whatif_model *m)
{
	bool fits = money_total_add(&to->cost, m->cost) && credits_add(&to->credits, m->credits) &&
		    money_total_add(&to->at_vendor, m->at_vendor);
	for (int k = 0; k < BUCKET_COMMON; k++)
		fits &= !__builtin_add_overflow(to->tokens[k], m->tokens[k], &to->tokens[k]);
	to->records += m->records;
	to->unpriced += m->unpriced;
	to->placeholders += m->placeholders;
	to->unsaid += m->unsaid;
	to->moving += m->moving;
	to->uncredited += m->uncredited;
	to->over_context += m->over_context;
	to->does_not_fit += m->does_not_fit;
	to->vendor_unpriced += m->vendor_unpriced;
	fits &= !__builtin_add_overflow(to->token_hours, m->token_hours, &to->token_hours);
	return fits;
}

static bool merge_sums(struct whatif_result *to, const struct whatif_result *r)
{
	bool fits = money_total_add(&to->cost_low, r->cost_low) &&
		    money_total_add(&to->cost_high, r->cost_high) &&
		    money_total_add(&to->cost_expected, r->cost_expected) &&
		    losses_join(&to->losses, &r->losses);
	money_total_add(&to->retry_cost, r->retry_cost);
	to->calls_recorded += r->calls_recorded;
	to->calls_uncertain += r->calls_uncertain;
	to->calls_unproven += r->calls_unproven;
	for (int k = 0; k < MISSES; k++) {
		to->missed.calls[k] += r->missed.calls[k];
		to->missed.tokens[k] += r->missed.tokens[k];
	}
	to->moved += r->moved;
	to->waited_us += r->waited_us;
	to->longest_us = r->longest_us > to->longest_us ? r->longest_us : to->longest_us;
	to->escalated += r->escalated;
	for (size_t i = 0; i < ROUTE_RULES_MAX; i++)
		to->decides[i] |= r->decides[i];
	to->retried += r->retried;
	to->retries_billed += r->retries_billed;
	for (size_t i = 0; i < to->models; i++)
		fits &= merge_model(&to->model[i], &r->model[i]);
	return fits;
}

static void merge_parts(struct whatif_result *to, const struct whatif_result *r)
{
	for (size_t i = 0; i < r->days; i++) {
		struct whatif_part *p = day_part(to, r->by_day[i].day);
		p->records += r->by_day[i].records;
		p->cost.atto += r->by_day[i].cost.atto;
	}
}

/* The thread and the place in its list of what comes first in the order of plays. */
struct found_first {
	uint128 key;
	const struct run *run;
	size_t place;
};

static int by_key(const void *a, const void *b)
{
	const struct found_first *x = a, *y = b;
	return x->key < y->key ? -1 : x->key > y->key;
}

static void merge_windows(struct whatif_result *to, const struct run *run, int runs)
{
	size_t n = 0, count = 0;
	for (int i = 0; i < runs; i++)
		count += run[i].out->windows;
	struct found_first *all = mem_alloc((count + 1) * sizeof *all);
	for (int i = 0; i < runs; i++)
		for (size_t k = 0; k < run[i].out->windows; k++)
			all[n++] = (struct found_first){ run[i].window_key[k], &run[i], k };
	qsort(all, n, sizeof *all, by_key);
	for (size_t i = 0; i < n; i++) {
		const struct whatif_part *from = &all[i].run->out->by_window[all[i].place];
		size_t at = 0;
		while (at < to->windows && strcmp(to->by_window[at].window, from->window) != 0)
			at++;
		if (at == to->windows)
			insert_part(&to->by_window, &to->windows, at)->window = from->window;
		to->by_window[at].records += from->records;
		to->by_window[at].cost.atto += from->cost.atto;
	}
	free(all);
}

static void merge_reasons(struct whatif_result *to, const struct run *run, int runs)
{
	size_t n = 0, count = 0;
	for (int i = 0; i < runs; i++)
		count += run[i].out->reasons;
	struct found_first *all = mem_alloc((count + 1) * sizeof *all);
	for (int i = 0; i < runs; i++)
		for (size_t k = 0; k < run[i].out->reasons; k++)
			all[n++] = (struct found_first){ run[i].reason_key[k], &run[i], k };
	qsort(all, n, sizeof *all, by_key);
	for (size_t i = 0; i < n; i++) {
		const struct whatif_reason *from = &all[i].run->out->reason[all[i].place];
		size_t at = 0;
		while (at < to->reasons && (strcmp(to->reason[at].model, from->model) != 0 ||
					    strcmp(to->reason[at].why, from->why) != 0))
			at++;
		if (at == to->reasons) {
			to->reason = one_more(to->reason, at, sizeof *to->reason);
			to->reason[to->reasons++] = (struct whatif_reason){
				arena_text(&to->arena, from->model, strlen(from->model)),
				arena_text(&to->arena, from->why, strlen(from->why)), 0
			};
		}
		to->reason[at].records += from->records;
	}
	free(all);
}

int whatif_merge(struct stage *st, struct whatif_result *out, struct run *run, int runs,
		 struct err *e)
{
	bool fits = true;
	out->model = st->plan.model;
	out->models = st->plan.models;
	st->plan.model = NULL;
	for (int i = 0; i < runs; i++) {
		const struct whatif_result *part = run[i].out;
		fits &= merge_sums(out, part);
		merge_parts(out, part);
		for (size_t k = 0; part->by_conversation && k < st->clusters; k++)
			fits &= money_total_add(&out->by_conversation[k], part->by_conversation[k]);
	}
	fits &= sum_models(out) && money_total_add(&out->cost_high, losses_most(&out->losses));
	merge_windows(out, run, runs);
	merge_reasons(out, run, runs);
	if (st->o->cache == WHATIF_CACHE_REBUILT) /* so far they were what is more than the cost */
		fits &= money_total_add(&out->cost_low, out->cost) &&
			money_total_add(&out->cost_high, out->cost) &&
			money_total_add(&out->cost_expected, out->cost);
	return fits ? 0 : too_large(st->s, e);
}
