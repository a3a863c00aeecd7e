#include "reports/advice_report.h"

#include <stdio.h>

#include "reports/amount.h"
#include "reports/json_out.h"
#include "reports/table.h"

static void begin(struct json_out *j, const char *question, const char *currency)
{
	json_out_open(j, stdout);
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.advice/1");
	json_out_string(j, "question", question);
	json_out_string(j, "currency", currency);
}

static void end(struct json_out *j)
{
	json_out_end(j, '}');
	json_out_close(j);
}

static const char *seconds(int64_t us, char text[DECIMAL_TEXT_MAX])
{
	return decimal_format((struct decimal){ us, 6 }, text);
}

/* --- cache --- */

static void put_life(struct json_out *j, const struct advice_life *l)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, NULL);
	json_out_string(j, "kept_seconds", seconds(l->life_us, text));
	json_out_string(j, "every_seconds", seconds(l->every_us, text));
	if (l->break_even_pings >= 0)
		json_out_int(j, "break_even_pings", l->break_even_pings);
	else
		json_out_null(j, "break_even_pings");
	json_out_end(j, '}');
}

/* Whether no call has a price, whatever is paid for: then nothing is the cheapest. */
static bool is_unpriced(const struct advice_cache *a, const struct advice_cache_asked *asked)
{
	int64_t priced = 0;
	for (size_t i = 0; i < a->choices; i++)
		priced += !a->choice[i].unpriced || a->choice[i].total.atto;
	return !priced && asked->options->workload->count;
}

static void print_no_price(void)
{
	print_note(
		"no call has a price when it is made; `tally price history MODEL` lists when one "
		"holds, and --at DATE starts there");
}

static void cache_json(const struct advice_cache *a, const struct advice_cache_asked *asked)
{
	struct json_out j;
	char text[DECIMAL_TEXT_MAX];
	begin(&j, "cache", asked->options->currency);
	json_out_text(&j, "model", asked->model);
	json_out_int(&j, "calls", (int64_t)asked->options->workload->count);
	json_out_bool(&j, "can_be_warmed", a->can_be_warmed);
	json_out_array(&j, "lifetimes");
	for (int k = 0; k < CACHE_LIFETIMES; k++)
		if (a->life[k].life_us)
			put_life(&j, &a->life[k]);
	json_out_end(&j, ']');
	json_out_array(&j, "choices");
	for (size_t i = 0; i < a->choices; i++) {
		const struct advice_choice *c = &a->choice[i];
		json_out_object(&j, NULL);
		json_out_string(&j, "name", c->name);
		json_out_money(&j, "total", c->total);
		json_out_string(&j, "hit_ratio",
				c->prompt && ratio_format(c->hits, c->prompt, 6, text) ? text
										       : "0");
		json_out_int(&j, "pings_at_most", c->pings_most);
		json_out_int(&j, "pings", c->pings);
		json_out_money(&j, "pings_total", c->pings_cost);
		json_out_int(&j, "unpriced", c->unpriced);
		json_out_end(&j, '}');
	}
	json_out_end(&j, ']');
	json_out_string(&j, "cheapest", is_unpriced(a, asked) ? NULL : a->choice[a->cheapest].name);
	end(&j);
}

static void cache_table(const struct advice_cache *a, const struct advice_cache_asked *asked)
{
	static const struct table_column columns[] = {
		{ "CACHE", false, true },	{ "HITS", true, .leaves = 2 },
		{ "PINGS", true, .leaves = 3 }, { "THEY COST", true, .leaves = 1 },
		{ "COST", true, false },	{ "", false, false }
	};
	const char *currency = asked->options->currency;
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	struct buf b = { 0 };
	char text[DECIMAL_TEXT_MAX];
	for (size_t i = 0; i < a->choices; i++) {
		const struct advice_choice *c = &a->choice[i];
		table_cell(t, c->name);
		table_cell(t, percent_text(c->hits, c->prompt, text));
		put_count(&b, c->pings);
		table_cell(t, c->pings_most ? b.p : "");
		put_short_money(&b, c->pings_cost, currency, at_least(c->unpriced > 0));
		table_cell(t, c->pings_most ? b.p : "");
		put_short_money(&b, c->total, currency, at_least(c->unpriced > 0));
		table_cell(t, unless_unpriced(&b, c->unpriced && !c->total.atto));
		table_cell(t, i == a->cheapest && !is_unpriced(a, asked) ? "cheapest" : "");
	}
	table_print(t);
	table_close(t);
	print_note("\n%s on %.*s; pings are sent after the last call of a conversation too",
		   COUNTED((int64_t)asked->options->workload->count, "call"), (int)asked->model.n,
		   asked->model.p);
	if (is_unpriced(a, asked))
		print_no_price();
	for (int k = 0; k < CACHE_LIFETIMES; k++) {
		const struct advice_life *l = &a->life[k];
		char all[DECIMAL_TEXT_MAX], whole[DECIMAL_TEXT_MAX];
		if (!a->can_be_warmed || l->life_us <= 0 || l->every_us > l->life_us ||
		    l->break_even_pings < 0)
			continue;
		print_note("kept for %s seconds, pings every %s: writing a prompt once more costs "
			   "as much as %lld of them, so a pause that surely ends within %s seconds "
			   "is worth them",
			   seconds(l->life_us, text), seconds(l->every_us, all),
			   (long long)l->break_even_pings,
			   seconds(l->break_even_pings * l->every_us + l->life_us, whole));
	}
	buf_release(&b);
}

void advice_cache_report(const struct advice_cache *a, const struct advice_cache_asked *asked,
			 bool json)
{
	(json ? cache_json : cache_table)(a, asked);
}

/* --- switch --- */

static void switch_json(const struct advice_switch *a, const struct advice_switch_asked *asked)
{
	struct json_out j;
	begin(&j, "switch", asked->currency);
	json_out_string(&j, "from", asked->from);
	json_out_string(&j, "to", asked->to);
	json_out_array(&j, "turns");
	for (int64_t k = 0; k < a->turns; k++) {
		json_out_object(&j, NULL);
		json_out_int(&j, "turn", k + 1);
		json_out_money(&j, "stay", a->stay[k]);
		json_out_money(&j, "switch", a->move[k]);
		json_out_end(&j, '}');
	}
	json_out_end(&j, ']');
	if (a->pays_from)
		json_out_int(&j, "pays_from_turn", a->pays_from);
	else
		json_out_null(&j, "pays_from_turn");
	json_out_array(&j, "caches_not_known");
	for (int i = 0; i < 2; i++)
		if (!a->knows_cache[i])
			json_out_string(&j, NULL, i ? asked->to : asked->from);
	json_out_end(&j, ']');
	json_out_int(&j, "unpriced", a->unpriced);
	end(&j);
}

static void switch_table(const struct advice_switch *a, const struct advice_switch_asked *asked)
{
	static const struct table_column columns[] = { { "TURNS", true, false },
						       { "STAY", true, false },
						       { "SWITCH", true, false },
						       { "DIFFERENCE", true, .leaves = 1 } };
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	struct buf b = { 0 };
	for (int64_t k = 0; k < a->turns; k++) {
		if (k >= 20 && k + 1 != a->turns && k + 1 != a->pays_from && (k + 1) % 10)
			continue;
		put_count(&b, k + 1);
		table_cell(t, b.p);
		put_short_money(&b, a->stay[k], asked->currency, at_least(a->unpriced > 0));
		table_cell(t, unless_unpriced(&b, a->unpriced && !a->stay[k].atto));
		put_short_money(&b, a->move[k], asked->currency, at_least(a->unpriced > 0));
		table_cell(t, unless_unpriced(&b, a->unpriced && !a->move[k].atto));
		put_short_money(&b, money_total_minus(a->move[k], a->stay[k]), asked->currency,
				a->unpriced ? ABOUT : EXACTLY);
		table_cell(t, a->unpriced && (!a->stay[k].atto || !a->move[k].atto) ? "" : b.p);
	}
	table_print(t);
	table_close(t);
	if (a->unpriced && (!a->stay[a->turns - 1].atto || !a->move[a->turns - 1].atto)) {
		print_note("\nnothing can be compared");
		print_no_price();
	} else if (a->pays_from)
		print_note("\n"
			   "switching from %s to %s pays off with %lld or more turns to come",
			   asked->from, asked->to, (long long)a->pays_from);
	else
		print_note("\nswitching from %s to %s does not pay within %lld turns", asked->from,
			   asked->to, (long long)a->turns);
	for (int i = 0; i < 2; i++)
		if (!a->knows_cache[i])
			print_note("no card says how the cache of %s works: it is taken to keep "
				   "every prompt",
				   i ? asked->to : asked->from);
	buf_release(&b);
}

void advice_switch_report(const struct advice_switch *a, const struct advice_switch_asked *asked,
			  bool json)
{
	(json ? switch_json : switch_table)(a, asked);
}

/* --- hits --- */

/* A share as a fraction; whether it lies between none and all. */
struct fraction {
	int128 a, b;
	bool within;
};

static struct fraction fraction_of(int128 a, int128 b)
{
	if (b < 0) {
		a = -a;
		b = -b;
	}
	return (struct fraction){ a, b, b > 0 && a >= 0 && a <= b };
}

/* The share at which both cost the same, had they the same. */
static struct fraction same_share(const struct advice_hits *h)
{
	const struct advice_side *x = &h->side[0], *y = &h->side[1];
	return fraction_of(x->missed.atto - y->missed.atto,
			   (x->missed.atto - x->hit.atto) - (y->missed.atto - y->hit.atto));
}

/* What the side costs at a share of hits of `nano` billionths, half up. */
static struct money_total cost_at(const struct advice_side *s, int64_t nano)
{
	const int128 saved = s->missed.atto - s->hit.atto, billion = 1000000000;
	int128 product;
	if (__builtin_mul_overflow(saved, (int128)nano, &product))
		return (struct money_total){ s->missed.atto - saved / billion * nano };
	return (struct money_total){ s->missed.atto - (product + billion / 2) / billion };
}

/* The share that the side needs to cost that much. */
static struct fraction needed_share(const struct advice_side *s, struct money_total cost)
{
	return fraction_of(s->missed.atto - cost.atto, s->missed.atto - s->hit.atto);
}

static void put_share(struct json_out *j, const char *key, struct fraction f)
{
	char text[DECIMAL_TEXT_MAX];
	if (f.within && ratio_format(f.a, f.b, 6, text))
		json_out_string(j, key, text);
	else
		json_out_null(j, key);
}

/* Nothing can be compared where calls have no price. */
static bool is_priced(const struct advice_hits *h)
{
	return !h->side[0].unpriced && !h->side[1].unpriced;
}

static const struct advice_side *cheaper(const struct advice_hits *h, bool hit)
{
	const int128 x = hit ? h->side[0].hit.atto : h->side[0].missed.atto,
		     y = hit ? h->side[1].hit.atto : h->side[1].missed.atto;
	return &h->side[y < x];
}

static void hits_json(const struct advice_hits *h, const char *currency, int64_t nano)
{
	static const char *const sides[2] = { "from", "to" };
	struct json_out j;
	char text[DECIMAL_TEXT_MAX];
	const struct money_total own = cost_at(&h->side[0], nano);
	begin(&j, "hits", currency);
	json_out_int(&j, "calls", h->calls);
	json_out_int(&j, "prompt_tokens", h->prompt);
	json_out_int(&j, "output_tokens", h->output);
	for (int i = 0; i < 2; i++) {
		const struct advice_side *s = &h->side[i];
		json_out_object(&j, sides[i]);
		json_out_text(&j, "model", s->model);
		json_out_money(&j, "without_hits", s->missed);
		json_out_money(&j, "all_hits", s->hit);
		json_out_int(&j, "unpriced", s->unpriced);
		json_out_end(&j, '}');
	}
	if (is_priced(h)) {
		put_share(&j, "same_cost_at_hit_ratio", same_share(h));
		json_out_text(&j, "cheaper_without_hits", cheaper(h, false)->model);
		json_out_text(&j, "cheaper_with_all_hits", cheaper(h, true)->model);
		json_out_string(&j, "from_hit_ratio",
				decimal_format((struct decimal){ nano, 9 }, text));
		json_out_money(&j, "from_total", own);
		put_share(&j, "to_needs_hit_ratio", needed_share(&h->side[1], own));
	}
	end(&j);
}

static void hits_table(const struct advice_hits *h, const char *currency, int64_t nano)
{
	static const struct table_column columns[] = { { "MODEL", false, true },
						       { "NO HITS", true, false },
						       { "ALL HITS", true, false } };
	const struct fraction same = same_share(h);
	const struct money_total own = cost_at(&h->side[0], nano);
	const struct fraction needed = needed_share(&h->side[1], own);
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	struct buf b = { 0 };
	char text[2][DECIMAL_TEXT_MAX];
	for (int i = 0; i < 2; i++) {
		const struct advice_side *s = &h->side[i];
		table_cell(t, s->model.p);
		const bool none = s->unpriced && !s->missed.atto && !s->hit.atto;
		put_short_money(&b, s->missed, currency, at_least(s->unpriced > 0));
		table_cell(t, unless_unpriced(&b, none));
		put_short_money(&b, s->hit, currency, at_least(s->unpriced > 0));
		table_cell(t, unless_unpriced(&b, none));
	}
	table_print(t);
	table_close(t);
	if (!is_priced(h)) {
		print_note("\nsome calls have no price on one of the models, so nothing can be "
			   "compared");
		buf_release(&b);
		return;
	}
	if (same.within)
		print_note(
			"\n"
			"both cost the same when %s of the prompt tokens are hits; below that %s is cheaper, above it %s",
			percent_text(same.a, same.b, text[0]), cheaper(h, false)->model.p,
			cheaper(h, true)->model.p);
	else
		print_note("\n%s is cheaper at every share of hits that both have",
			   cheaper(h, false)->model.p);
	put_short_money(&b, own, currency, at_least(h->side[0].unpriced > 0));
	if (needed.within)
		print_note("%s with %s hits costs %s; %s costs as much with %s", h->side[0].model.p,
			   percent_text(nano, 1000000000, text[0]), b.p, h->side[1].model.p,
			   percent_text(needed.a, needed.b, text[1]));
	else
		print_note("%s with %s hits costs %s; %s costs %s at every share",
			   h->side[0].model.p, percent_text(nano, 1000000000, text[0]), b.p,
			   h->side[1].model.p, needed.a > needed.b ? "more" : "less");
	buf_release(&b);
}

void advice_hits_report(const struct advice_hits *h, const char *currency, int64_t own_hits,
			bool json)
{
	const int64_t recorded =
		h->prompt ? (int64_t)((int128)h->recorded_hits * 1000000000 / h->prompt) : 0;
	(json ? hits_json : hits_table)(h, currency, own_hits < 0 ? recorded : own_hits);
}
