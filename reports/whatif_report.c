#include "reports/cache_misses.h"
#include "reports/whatif_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/csv.h"
#include "reports/amount.h"
#include "reports/hosting_report.h"
#include "reports/json_out.h"
#include "reports/left_out.h"
#include "reports/lower_bound_report.h"
#include "reports/table.h"
#include "sim/route_names.h"

/* a / b with six decimals, "0" where b is 0. */
static const char *ratio(int128 a, int128 b, char buf[DECIMAL_TEXT_MAX])
{
	if (b == 0 || !ratio_format(a, b, 6, buf))
		strcpy(buf, "0");
	return buf;
}

static struct credits_total drawn(const struct whatif_report *r, struct credits_total c)
{
	return r->byo ? (struct credits_total){ 0 } : c;
}

static const struct whatif_result *baseline(const struct whatif_report *r)
{
	return &r->result[r->options->baseline];
}

static void put_tokens(struct json_out *j, const int64_t tokens[BUCKET_COMMON])
{
	json_out_object(j, "tokens");
	for (int b = 0; b < BUCKET_COMMON; b++)
		json_out_int(j, bucket_name((enum bucket)b), tokens[b]);
	json_out_end(j, '}');
}

static const char *level(const struct whatif_report *r, char buf[DECIMAL_TEXT_MAX])
{
	decimal_format((struct decimal){ r->options->level_permille, 3 }, buf);
	return buf;
}

static void put_interval(struct json_out *j, const char *key, const struct whatif_report *r,
			 const struct interval *i)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, key);
	json_out_money(j, "low", i->low);
	json_out_money(j, "high", i->high);
	json_out_string(j, "level", level(r, text));
	json_out_end(j, '}');
}

static void put_ratio_interval(struct json_out *j, const struct whatif_report *r,
			       const struct interval *i)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, "ratio_interval");
	json_out_string(j, "low", decimal_format((struct decimal){ i->low.atto, 6 }, text));
	json_out_string(j, "high", decimal_format((struct decimal){ i->high.atto, 6 }, text));
	json_out_string(j, "level", level(r, text));
	json_out_end(j, '}');
}

static void put_estimate(struct json_out *j, const struct whatif_report *r,
			 const struct sample_estimate *s)
{
	json_out_object(j, "estimate");
	json_out_money(j, "total", s->total);
	put_interval(j, "interval", r, &s->interval);
	put_interval(j, "interval_without_control", r, &s->plain);
	json_out_end(j, '}');
}

static void put_model(struct json_out *j, const struct whatif_report *r,
		      const struct whatif_model *m)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, NULL);
	json_out_text(j, "model", m->model);
	if (m->provider.n)
		json_out_text(j, "provider", m->provider);
	json_out_int(j, "records", m->records);
	put_tokens(j, m->tokens);
	json_out_money(j, "total", m->cost);
	if (m->unpriced)
		json_out_int(j, "unpriced", m->unpriced);
	if (m->placeholders)
		json_out_int(j, "placeholders", m->placeholders);
	if (m->moving)
		json_out_int(j, "moving_name", m->moving);
	if (r->options->plan)
		json_out_credits(j, "credits", drawn(r, m->credits));
	if (r->options->plan && m->uncredited)
		json_out_int(j, "uncovered", m->uncredited);
	if (m->token_hours)
		json_out_int(j, "cache_token_hours", m->token_hours);
	if (m->context_tokens) {
		json_out_int(j, "context_tokens", m->context_tokens);
		json_out_int(j, "over_context", m->over_context);
	}
	if (m->hosting)
		hosting_report_put(j, m);
	if (whatif_busy_ms(m) >= 0)
		json_out_string(j, "serial_seconds",
				decimal_format((struct decimal){ whatif_busy_ms(m), 3 }, text));
	json_out_end(j, '}');
}

/* null where calls had no price, for what the others cost is no answer. */
static void put_varied(struct json_out *j, const char *key, struct money_total cost, bool none)
{
	if (none)
		json_out_string(j, key, NULL);
	else
		json_out_money(j, key, cost);
}

static void put_sensitivity(struct json_out *j, const struct whatif_report *r, size_t i)
{
	const struct sensitivity *s = &r->sensitivity[i];
	char text[DECIMAL_TEXT_MAX];
	json_out_array(j, "sensitivity");
	for (int k = 0; k < VARIED; k++) {
		json_out_object(j, NULL);
		json_out_string(j, "assumption", varied_name(s->order[k]));
		json_out_string(j, "varied_by",
				decimal_format((struct decimal){ r->vary_permille, 3 }, text));
		put_varied(j, "with_less", s->low[s->order[k]], s->no_low[s->order[k]]);
		put_varied(j, "with_more", s->high[s->order[k]], s->no_high[s->order[k]]);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_parts(struct json_out *j, const struct whatif_result *w)
{
	char text[INSTANT_TEXT_MAX];
	json_out_array(j, "by_day");
	for (size_t i = 0; i < w->days; i++) {
		json_out_object(j, NULL);
		instant_format((struct instant){ w->by_day[i].day * US_PER_DAY }, text);
		json_out_text(j, "day", (struct text){ text, 10 });
		json_out_int(j, "records", w->by_day[i].records);
		json_out_money(j, "total", w->by_day[i].cost);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_array(j, "by_window");
	for (size_t i = 0; i < w->windows; i++) {
		json_out_object(j, NULL);
		json_out_string(j, "window", w->by_window[i].window);
		json_out_int(j, "records", w->by_window[i].records);
		json_out_money(j, "total", w->by_window[i].cost);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_sizes(struct json_out *j, const struct whatif_report *r)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_int(j, "block_tokens", r->options->workload->blocks->block_tokens);
	json_out_array(j, "cache_sizes");
	for (size_t i = 0; i < r->sizes->points; i++) {
		const struct size_point *p = &r->sizes->point[i];
		json_out_object(j, NULL);
		if (p->capacity < 0)
			json_out_null(j, "capacity");
		else
			json_out_int(j, "capacity", p->capacity);
		json_out_array(j, "scenarios");
		for (size_t k = 0; k < r->sizes->scenarios; k++) {
			const struct whatif_result *w = &p->result[k];
			json_out_object(j, NULL);
			json_out_money(j, "total", w->cost);
			json_out_string(j, "hit_ratio",
					ratio(w->tokens[BUCKET_CACHE_READ], w->prompt_tokens,
					      text));
			json_out_end(j, '}');
		}
		json_out_end(j, ']');
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static const char *what_changed(const struct whatif_change *c)
{
	return !c->has_old			      ? "added"
	       : !c->has_new			      ? "removed"
	       : c->old_cost.atto == c->new_cost.atto ? "same"
						      : "changed";
}

static void put_against(struct json_out *j, const struct whatif_changes *a)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, "against");
	json_out_string(j, "file", a->file);
	json_out_string(j, "currency", a->currency);
	json_out_array(j, "changes");
	for (size_t i = 0; i < a->count; i++) {
		const struct whatif_change *c = &a->change[i];
		struct money_total delta = money_total_minus(c->new_cost, c->old_cost);
		json_out_object(j, NULL);
		json_out_string(j, "name", c->name);
		json_out_string(j, "what", what_changed(c));
		if (c->has_old)
			json_out_money(j, "old", c->old_cost);
		if (c->has_new)
			json_out_money(j, "new", c->new_cost);
		if (c->has_old && c->has_new) {
			json_out_money(j, "change", delta);
			json_out_string(j, "change_ratio",
					ratio(delta.atto, c->old_cost.atto, text));
		}
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
}

static void put_credits(struct json_out *j, const struct whatif_report *r,
			const struct whatif_result *w)
{
	const struct plan *plan = r->options->plan;
	json_out_object(j, "credits");
	json_out_string(j, "plan", plan_name(plan));
	json_out_string(j, "rule", plan_rule_name(plan));
	json_out_credits(j, "total", drawn(r, w->credits));
	json_out_int(j, "unpriced", w->uncredited);
	if (r->byo)
		json_out_credits(j, "built_in", w->credits);
	json_out_end(j, '}');
}

static void put_waiting(struct json_out *j, const struct whatif_result *w)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, "waiting");
	json_out_int(j, "moved", w->moved);
	json_out_string(j, "total_seconds",
			decimal_format((struct decimal){ w->waited_us, 6 }, text));
	json_out_string(j, "longest_seconds",
			decimal_format((struct decimal){ w->longest_us, 6 }, text));
	json_out_money(j, "without_waiting", w->without_waiting);
	json_out_money(j, "saves", money_total_minus(w->without_waiting, w->cost));
	json_out_end(j, '}');
}

static void put_rebuilt(struct json_out *j, const struct whatif_result *w)
{
	json_out_object(j, "rebuilt");
	json_out_int(j, "calls_as_recorded", w->calls_recorded);
	json_out_int(j, "uncertain_calls", w->calls_uncertain);
	json_out_int(j, "unproven_calls", w->calls_unproven);
	put_misses(j, &w->missed);
	if (whatif_has_bounds(w)) {
		json_out_money(j, "total_low", w->cost_low);
		json_out_money(j, "total_high", w->cost_high);
		json_out_money(j, "total_expected", w->cost_expected);
	}
	json_out_end(j, '}');
}

static void put_retries(struct json_out *j, const struct whatif_result *w)
{
	json_out_object(j, "retries");
	json_out_int(j, "calls", w->retried);
	json_out_int(j, "billed", w->retries_billed);
	json_out_money(j, "total", w->retry_cost);
	json_out_end(j, '}');
}

static void put_intervals(struct json_out *j, const struct whatif_report *r,
			  const struct whatif_result *w)
{
	put_interval(j, "interval", r, &w->total);
	put_interval(j, "delta_interval", r, &w->difference);
	if (w->has_ratio)
		put_ratio_interval(j, r, &w->ratio_micro);
}

/* What the interval of the cost is around the headline. */
static struct interval around_headline(const struct whatif_result *w)
{
	const int128 more = whatif_headline(w).atto - w->cost.atto;
	return (struct interval){ .low = { w->total.low.atto + more },
				  .high = { w->total.high.atto + more } };
}

static struct money_total change_of(const struct whatif_report *r, const struct whatif_result *w)
{
	return money_total_minus(whatif_headline(w), whatif_headline(baseline(r)));
}

/* The figures to take. */
static void put_headline(struct json_out *j, const struct whatif_report *r,
			 const struct whatif_result *w)
{
	static const char *const verdict[] = { "cheaper", "same", "dearer", "not certain" };
	const struct money_total delta = change_of(r, w);
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, "headline");
	json_out_money(j, "total", whatif_headline(w));
	json_out_money(j, "delta", delta);
	json_out_string(j, "delta_ratio",
			ratio(delta.atto, whatif_headline(baseline(r)).atto, text));
	json_out_string(j, "verdict",
			w == baseline(r)
				? "baseline"
				: verdict[whatif_verdict(w, baseline(r)) - WHATIF_CHEAPER]);
	if (w->has_intervals) {
		const struct interval around = around_headline(w);
		put_interval(j, "interval", r, &around);
	}
	json_out_end(j, '}');
}

static void put_budget(struct json_out *j, const struct whatif_options *o,
		       const struct whatif_result *w)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, "budget");
	json_out_money(j, "amount", o->budget);
	json_out_string(j, "overrun_probability", ratio(w->over_budget, o->resamples, text));
	json_out_end(j, '}');
}

static void put_reasons(struct json_out *j, const struct whatif_result *w)
{
	json_out_array(j, "unpriced_reasons");
	for (size_t k = 0; k < w->reasons; k++) {
		json_out_object(j, NULL);
		json_out_string(j, "model", w->reason[k].model);
		json_out_string(j, "reason", w->reason[k].why);
		json_out_int(j, "records", w->reason[k].records);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_unmet(void *user, const char *what, struct text name)
{
	struct json_out *j = user;
	json_out_object(j, NULL);
	json_out_string(j, "what", what);
	json_out_text(j, "name", name);
	json_out_end(j, '}');
}

static void put_scenario(struct json_out *j, const struct whatif_report *r, size_t i)
{
	const struct whatif_options *o = r->options;
	const struct whatif_result *w = &r->result[i];
	const struct scenario *s = &o->scenario[i];
	char text[DECIMAL_TEXT_MAX];
	struct money_total delta = money_total_minus(w->cost, baseline(r)->cost);
	json_out_object(j, NULL);
	json_out_string(j, "name", s->name);
	json_out_string(j, "route", s->spec);
	json_out_int(j, "records", w->records);
	put_tokens(j, w->tokens);
	json_out_array(j, "by_model");
	for (size_t k = 0; k < w->models; k++)
		put_model(j, r, &w->model[k]);
	json_out_end(j, ']');
	json_out_string(j, "currency", o->currency);
	json_out_money(j, "total", w->cost);
	json_out_int(j, "unpriced", w->unpriced);
	json_out_int(j, "placeholders", w->placeholders);
	if (o->plan)
		put_credits(j, r, w);
	json_out_money(j, "delta", delta);
	json_out_string(j, "delta_ratio", ratio(delta.atto, baseline(r)->cost.atto, text));
	json_out_string(j, "hit_ratio",
			ratio(w->tokens[BUCKET_CACHE_READ], w->prompt_tokens, text));
	if (!o->sample)
		put_headline(j, r, w);
	if (w->has_intervals)
		put_intervals(j, r, w);
	if (o->sample)
		put_estimate(j, r, &w->estimate);
	if (s->route.kind == ROUTE_OFFPEAK)
		put_waiting(j, w);
	if (s->route.escalates)
		json_out_int(j, "escalated", w->escalated);
	if (o->cache == WHATIF_CACHE_REBUILT)
		put_rebuilt(j, w);
	else if (o->cache == WHATIF_CACHE_BLOCKS)
		put_misses(j, &w->missed);
	if (s->has_retries)
		put_retries(j, w);
	if (o->has_budget && w->has_intervals)
		put_budget(j, o, w);
	if (r->sensitivity)
		put_sensitivity(j, r, i);
	put_parts(j, w);
	if (s->route.rules || s->route.waits || s->route.escalates || s->route.targets > 1) {
		json_out_array(j, "names_no_call");
		route_names_unmet(&s->route, o->workload, o->sample ? NULL : w, put_unmet, j);
		json_out_end(j, ']');
	}
	if (w->reasons)
		put_reasons(j, w);
	json_out_end(j, '}');
}

void whatif_report_put(struct buf *out, const struct whatif_report *r)
{
	const struct whatif_options *o = r->options;
	const struct workload *w = o->workload;
	char text[DECIMAL_TEXT_MAX];
	struct json_out j;
	json_out_open(&j, NULL);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.whatif/1");
	json_out_string(&j, "baseline", o->scenario[o->baseline].name);
	json_out_int(&j, "calls", (int64_t)w->count);
	json_out_int(&j, "conversations", w->has_conversations ? (int64_t)w->conversations : 0);
	json_out_int(&j, "quarantined", w->refused);
	put_columns_in_doubt(&j, (struct text){ w->doubts.columns.p, w->doubts.columns.n });
	if (w->outside)
		json_out_int(&j, "outside_period", w->outside);
	if (o->sample)
		json_out_int(&j, "sampled_conversations", (int64_t)o->sample->count);
	json_out_string(&j, "cache", r->cache);
	json_out_int(&j, "resamples", o->resamples);
	snprintf(text, sizeof text, "%llu", (unsigned long long)o->seed);
	json_out_string(&j, "seed", text);
	json_out_array(&j, "scenarios");
	for (size_t i = 0; i < o->scenarios; i++)
		put_scenario(&j, r, i);
	json_out_end(&j, ']');
	if (r->sizes)
		put_sizes(&j, r);
	if (r->against)
		put_against(&j, r->against);
	if (r->more)
		r->more(&j, r->more_user);
	json_out_end(&j, '}');
	json_out_take(&j, out);
}

static void csv_money(struct buf *b, struct money_total m)
{
	char text[DECIMAL_TEXT_MAX];
	buf_puts(b, ",");
	buf_puts(b, money_total_format(m, text));
}

void whatif_report_csv(const struct whatif_report *r)
{
	const struct whatif_options *o = r->options;
	char text[DECIMAL_TEXT_MAX];
	struct buf b = { 0 };
	buf_puts(&b, "scenario,model,records");
	for (int k = 0; k < BUCKET_COMMON; k++)
		buf_printf(&b, ",%s", bucket_name((enum bucket)k));
	buf_puts(&b, ",total,unpriced,placeholders,delta,hit_ratio,low,high,headline");
	if (o->plan)
		buf_puts(&b, ",credits,uncovered");
	buf_puts(&b, "\n");
	for (size_t i = 0; i < o->scenarios; i++) {
		const struct whatif_result *w = &r->result[i];
		csv_put_text(&b, text_of(o->scenario[i].name));
		buf_printf(&b, ",,%lld", (long long)w->records);
		for (int k = 0; k < BUCKET_COMMON; k++)
			buf_printf(&b, ",%lld", (long long)w->tokens[k]);
		csv_money(&b, w->cost);
		buf_printf(&b, ",%lld,%lld", (long long)w->unpriced, (long long)w->placeholders);
		csv_money(&b, money_total_minus(w->cost, baseline(r)->cost));
		buf_printf(&b, ",%s", ratio(w->tokens[BUCKET_CACHE_READ], w->prompt_tokens, text));
		if (w->has_intervals) {
			csv_money(&b, w->total.low);
			csv_money(&b, w->total.high);
		} else {
			buf_puts(&b, ",,");
		}
		csv_money(&b, whatif_headline(w));
		if (o->plan)
			buf_printf(&b, ",%s,%lld", credits_format(drawn(r, w->credits), text),
				   (long long)w->uncredited);
		buf_puts(&b, "\n");
		for (size_t k = 0; k < w->models; k++) {
			const struct whatif_model *m = &w->model[k];
			csv_put_text(&b, text_of(o->scenario[i].name));
			buf_puts(&b, ",");
			csv_put_text(&b, m->model);
			buf_printf(&b, ",%lld", (long long)m->records);
			for (int c = 0; c < BUCKET_COMMON; c++)
				buf_printf(&b, ",%lld", (long long)m->tokens[c]);
			csv_money(&b, m->cost);
			buf_printf(&b, ",%lld,%lld,,,,,", (long long)m->unpriced,
				   (long long)m->placeholders);
			if (o->plan)
				buf_printf(&b, ",%s,%lld",
					   credits_format(drawn(r, m->credits), text),
					   (long long)m->uncredited);
			buf_puts(&b, "\n");
		}
	}
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
}

static enum amount_bound bound_of(const struct whatif_result *w)
{
	return at_least(whatif_at_least(w));
}

static enum amount_bound change_bound(const struct whatif_report *r, const struct whatif_result *w)
{
	return bound_of_difference(bound_of(w), bound_of(baseline(r)));
}

/* A difference is of two amounts. */
static bool is_comparable(const struct whatif_report *r, const struct whatif_result *w)
{
	return !whatif_is_unpriced(w) && !whatif_is_unpriced(baseline(r));
}

static void change_cell(struct table *t, const struct whatif_report *r, size_t i, struct buf *b)
{
	const struct whatif_result *w = &r->result[i], *base = baseline(r);
	char text[DECIMAL_TEXT_MAX];
	if (i == r->options->baseline) {
		table_cell(t, "baseline");
		return;
	}
	if (!is_comparable(r, w)) {
		table_cell(t, "");
		return;
	}
	const int128 delta = change_of(r, w).atto;
	b->n = 0;
	percent_text(delta, whatif_headline(base).atto, text);
	buf_printf(b, "%s%s%s", *text == '-' && !text[1] ? "" : bound_sign(change_bound(r, w)),
		   delta > 0 && *text != '-' ? "+" : "", text);
	table_cell(t, b->p);
}

static void scenario_rows(struct table *t, const struct whatif_report *r, size_t i, struct buf *b)
{
	const struct whatif_options *o = r->options;
	const struct whatif_result *w = &r->result[i];
	char text[DECIMAL_TEXT_MAX];
	const struct money_total delta = change_of(r, w);
	b->n = 0;
	buf_printf(b, "%c %s",
		   i == o->baseline || !is_comparable(r, w) ? ' '
		   : delta.atto > 0			    ? '+'
		   : delta.atto < 0			    ? '-'
							    : '=',
		   o->scenario[i].name);
	table_cell(t, b->p);
	put_count(b, w->records);
	table_cell(t, b->p);
	table_cell(t, percent_text(w->tokens[BUCKET_CACHE_READ], w->prompt_tokens, text));
	put_short_money(b, whatif_headline(w), o->currency, bound_of(w));
	table_cell(t, unless_unpriced(b, whatif_is_unpriced(w)));
	put_short_change(b, delta, o->currency, change_bound(r, w));
	table_cell(t, i == o->baseline || !is_comparable(r, w) ? "" : b->p);
	change_cell(t, r, i, b);
	if (w->has_intervals && !whatif_is_unpriced(w)) {
		const struct interval around = around_headline(w);
		struct buf high = { 0 };
		put_short_money(b, around.low, o->currency, bound_of(w));
		put_short_money(&high, around.high, o->currency, EXACTLY);
		buf_printf(b, " to %s", high.p);
		table_cell(t, b->p);
		buf_release(&high);
	} else {
		table_cell(t, "");
	}
	if (o->plan) {
		put_amount(b, credits_format(drawn(r, w->credits), text), NULL,
			   at_least(whatif_draws_at_least(w)));
		table_cell(t, b->p);
	}
	for (size_t k = 0; w->models > 1 && k < w->models; k++) {
		const struct whatif_model *m = &w->model[k];
		b->n = 0;
		buf_printf(b, "    %.*s%s%.*s", (int)m->provider.n, m->provider.p,
			   m->provider.n ? "/" : "", (int)m->model.n, m->model.p);
		table_cell(t, b->p);
		put_count(b, m->records);
		table_cell(t, b->p);
		int128 prompt = 0;
		for (int c = 0; c < BUCKET_OUTPUT; c++)
			prompt += m->tokens[c];
		table_cell(t, percent_text(m->tokens[BUCKET_CACHE_READ], prompt, text));
		put_short_money(b, m->cost, o->currency, at_least(m->unpriced || m->placeholders));
		table_cell(t, unless_unpriced(b, m->unpriced && m->unpriced >= m->records &&
							 !m->cost.atto));
		table_cell(t, "");
		table_cell(t, "");
		table_cell(t, "");
		if (o->plan) {
			put_amount(b, credits_format(drawn(r, m->credits), text), NULL,
				   at_least(m->uncredited || m->placeholders));
			table_cell(t, m->uncredited && m->uncredited == m->records ? "not covered"
										   : b->p);
		}
	}
}

static void put_span(struct buf *b, int64_t ms)
{
	int64_t s = (ms + 500) / 1000;
	if (s >= 2 * 3600)
		buf_printf(b, "%lld h %lld min", (long long)(s / 3600), (long long)(s / 60 % 60));
	else if (s >= 120)
		buf_printf(b, "%lld min %lld s", (long long)(s / 60), (long long)(s % 60));
	else
		buf_printf(b, "%lld.%lld s", (long long)(ms / 1000), (long long)(ms / 100 % 10));
}

/* Contexts that are too short, caches that are paid by the hour, machines, and how long it takes.
 */
static void model_remarks(const char *name, const struct whatif_result *w, const char *currency,
			  struct buf *b)
{
	int64_t busy_ms = 0;
	for (size_t k = 0; k < w->models; k++) {
		const struct whatif_model *m = &w->model[k];
		int64_t ms = whatif_busy_ms(m);
		busy_ms = ms < 0 || busy_ms < 0 ? -1 : busy_ms + ms;
		if (m->over_context) {
			put_count(b, m->over_context);
			print_note("  %s: %s of the calls do not fit into the %lld tokens of %.*s",
				   name, b->p, (long long)m->context_tokens, (int)m->model.n,
				   m->model.p);
		}
	}
	for (size_t k = 0; k < w->models; k++)
		if (w->model[k].token_hours) {
			put_count(b, w->model[k].token_hours);
			print_note(
				"  %s: the cache of %.*s is kept for %s token-hours, which are in "
				"the bill",
				name, (int)w->model[k].model.n, w->model[k].model.p, b->p);
		}
	for (size_t k = 0; k < w->models; k++)
		if (w->model[k].hosting)
			hosting_report_print(name, &w->model[k], currency);
	if (busy_ms > 0) {
		b->n = 0;
		put_span(b, busy_ms);
		print_note(
			"  %s: run one after another, the calls would take %s (published speeds)",
			name, b->p);
	}
}

static void waiting_remark(const char *name, const struct whatif_result *w, const char *currency,
			   struct buf *b)
{
	struct buf line = { 0 };
	buf_printf(&line, "%s %s", COUNTED(w->moved, "call"), w->moved == 1 ? "waits" : "wait");
	if (w->moved) {
		buf_puts(&line, ", ");
		put_span(&line, w->waited_us / 1000 / w->moved);
		buf_puts(&line, " on average and ");
		put_span(&line, w->longest_us / 1000);
		buf_puts(&line, " at most");
	}
	put_short_money(b, money_total_minus(w->without_waiting, w->cost), currency, bound_of(w));
	print_note("  %s: %s; that saves %s", name, line.p, b->p);
	buf_release(&line);
}

static void estimate_remark(const char *name, const struct whatif_result *w, const char *currency,
			    struct buf *b)
{
	const struct sample_estimate *s = &w->estimate;
	struct buf low = { 0 }, high = { 0 }, plain = { 0 }, most = { 0 };
	put_short_money(b, s->total, currency, bound_of(w));
	put_short_money(&low, s->interval.low, currency, EXACTLY);
	put_short_money(&high, s->interval.high, currency, EXACTLY);
	put_short_money(&plain, s->plain.low, currency, EXACTLY);
	put_short_money(&most, s->plain.high, currency, EXACTLY);
	print_note(
		"  %s: everything would cost about %s (%s to %s; without the control variate %s to %s)",
		name, b->p, low.p, high.p, plain.p, most.p);
	buf_release(&low);
	buf_release(&high);
	buf_release(&plain);
	buf_release(&most);
}

static void bounds_remark(const char *name, const struct whatif_report *r,
			  const struct whatif_result *w, struct buf *b)
{
	const char *currency = r->options->currency;
	struct buf low = { 0 }, high = { 0 }, counted = { 0 };
	put_count(b, w->calls_uncertain + w->calls_unproven);
	put_short_money(&low, w->cost_low, currency, bound_of(w));
	put_short_money(&high, w->cost_high, currency, EXACTLY);
	put_short_money(&counted, w->cost, currency, bound_of(w));
	print_note(
		"  %s: cache hits of %s of the calls are not certain; the cost expects as much rewriting as in recorded sessions, and is %s to %s with the most and the fewest hits%s%s%s",
		name, b->p, low.p, high.p, w->models > 1 ? "; its models add up to " : "",
		w->models > 1 ? counted.p : "", w->models > 1 ? ", if nothing is" : "");
	if (w != baseline(r) && !whatif_at_least(w) && !whatif_at_least(baseline(r)) &&
	    whatif_verdict(w, baseline(r)) == WHATIF_NOT_CERTAIN)
		print_note("  %s: those hits decide whether it is cheaper than %s", name,
			   r->options->scenario[r->options->baseline].name);
	buf_release(&low);
	buf_release(&high);
	buf_release(&counted);
}

static void retry_remark(const char *name, const struct whatif_result *w, const char *currency,
			 struct buf *b)
{
	struct buf cost = { 0 };
	put_count(b, w->retried);
	put_short_money(&cost, w->retry_cost, currency, bound_of(w));
	print_note("  %s: %s failed attempts are retried; the failed ones cost %s", name, b->p,
		   cost.p);
	buf_release(&cost);
}

static void sensitivity_remarks(const char *name, const struct whatif_report *r, size_t i,
				struct buf *b)
{
	const struct sensitivity *s = &r->sensitivity[i];
	const char *currency = r->options->currency;
	const int whole = r->vary_permille / 10, tenth = r->vary_permille % 10;
	for (int k = 0; k < VARIED; k++) {
		const int a = s->order[k];
		struct buf more = { 0 };
		if (s->no_low[a] || s->no_high[a]) {
			print_note("  %s: with %d.%d %% fewer or more %s some calls have no price",
				   name, whole, tenth, varied_name(a));
			continue;
		}
		if (s->low[a].atto == s->high[a].atto)
			continue;
		put_short_money(b, s->low[a], currency, at_least(s->at_least));
		put_short_money(&more, s->high[a], currency, EXACTLY);
		print_note("  %s: %d.%d %% fewer or more %s: %s or %s", name, whole, tenth,
			   varied_name(a), b->p, more.p);
		buf_release(&more);
	}
}

static void say_unmet(void *user, const char *what, struct text name)
{
	static const char *const says[][2] = {
		{ "rule", "decides no call: nothing fits it that no rule before it fits" },
		{ "target", "answers no call" },
		{ "escalation", "has nothing sent on to it" },
	};
	for (size_t i = 0; i < sizeof says / sizeof *says; i++)
		if (strcmp(what, says[i][0]) == 0) {
			print_note("  %s: %s%.*s %s", (const char *)user, i ? "" : "rule ",
				   (int)name.n, name.p, says[i][1]);
			return;
		}
	print_note("  %s: no call has the %s '%.*s' that it names", (const char *)user, what,
		   (int)name.n, name.p);
}

static void remarks(const struct whatif_report *r, size_t i, struct buf *b)
{
	const struct whatif_options *o = r->options;
	const struct whatif_result *w = &r->result[i];
	const char *name = o->scenario[i].name;
	if (o->scenario[i].route.kind == ROUTE_RECORDED && o->cache == WHATIF_CACHE_REBUILT &&
	    (o->rules.asked | o->scenario[i].cache.asked))
		print_note(
			"  %s: not as recorded: the cache rules given (--writes, --ttl and the like) apply to the record, too",
			name);
	route_names_unmet(&o->scenario[i].route, o->workload, o->sample ? NULL : w, say_unmet,
			  (void *)(uintptr_t)name);
	model_remarks(name, w, o->currency, b);
	if (o->scenario[i].route.kind == ROUTE_OFFPEAK)
		waiting_remark(name, w, o->currency, b);
	if (w->escalated) {
		put_count(b, w->escalated);
		print_note("  %s: %s calls are run on both models", name, b->p);
	}
	if (o->sample)
		estimate_remark(name, w, o->currency, b);
	b->n = 0;
	misses_say(b, &w->missed);
	if (b->n)
		print_note("  %s: calls that find less than %s:%s", name,
			   o->cache == WHATIF_CACHE_BLOCKS ? "they share with those before"
							   : "the prompt before",
			   b->p);
	if (whatif_has_bounds(w))
		bounds_remark(name, r, w, b);
	if (w->retried)
		retry_remark(name, w, o->currency, b);
	if (o->has_budget && w->has_intervals) {
		char text[DECIMAL_TEXT_MAX];
		put_short_money(b, o->budget, o->currency, EXACTLY);
		print_note("  %s: over the budget of %s in %s of the resamples", name, b->p,
			   percent_text(w->over_budget, o->resamples, text));
	}
	if (r->sensitivity)
		sensitivity_remarks(name, r, i, b);
	for (size_t k = 0; k < w->models; k++)
		if (w->model[k].moving) {
			put_count(b, w->model[k].moving);
			print_note("  %s: %s calls of %.*s have the last price that is known of a "
				   "name that moves to newer models",
				   name, b->p, (int)w->model[k].model.n, w->model[k].model.p);
		}
	for (size_t k = 0; k < w->reasons && k < 5; k++) {
		print_note("  %s: no amount for %s of %s: %s", name,
			   COUNTED(w->reason[k].records, "call"), w->reason[k].model,
			   w->reason[k].why);
	}
	if (whatif_is_unpriced(w))
		print_note("  %s: none of its calls has a price; `tally price history MODEL` lists "
			   "when one holds, and --at DATE starts a trace there",
			   name);
}

/* As people know it from tools that compare infrastructure: what is new, gone, or changed. */
static void against_table(const struct whatif_report *r)
{
	static const struct table_column columns[] = { { "SCENARIO", false, true },
						       { "OLD", true, false },
						       { "NEW", true, false },
						       { "CHANGE", true, false },
						       { "", true, false } };
	const struct whatif_changes *a = r->against;
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	struct buf b = { 0 };
	printf("\nsince %s:\n", a->file);
	for (size_t i = 0; i < a->count; i++) {
		const struct whatif_change *c = &a->change[i];
		char text[DECIMAL_TEXT_MAX] = "";
		const bool both = c->has_old && c->has_new;
		struct money_total delta = money_total_minus(c->new_cost, c->old_cost);
		b.n = 0;
		buf_printf(&b, "%c %s",
			   !c->has_old	 ? '+'
			   : !c->has_new ? '-'
			   : delta.atto	 ? '~'
					 : ' ',
			   c->name);
		table_cell(t, b.p);
		put_short_money(&b, c->old_cost, a->currency, at_least(c->old_lacks));
		table_cell(t, c->has_old ? b.p : "");
		put_short_money(&b, c->new_cost, a->currency, at_least(c->new_lacks));
		table_cell(t, c->has_new ? b.p : "");
		put_short_change(&b, delta, a->currency,
				 bound_of_difference(at_least(c->new_lacks),
						     at_least(c->old_lacks)));
		table_cell(t, both ? b.p : "");
		b.n = 0;
		buf_printf(&b, "%s%s", delta.atto > 0 ? "+" : "",
			   percent_text(delta.atto, c->old_cost.atto, text));
		table_cell(t, both && delta.atto ? b.p : "");
	}
	table_print(t);
	table_close(t);
	buf_release(&b);
}

/* What the figures of the table are of. */
static void below_table(const struct whatif_report *r, struct buf *b)
{
	const struct whatif_options *o = r->options;
	const struct workload *w = o->workload;
	struct buf line = { 0 };
	buf_puts(&line, COUNTED((int64_t)w->count, "call"));
	if (w->has_conversations) {
		put_count(b, (int64_t)w->conversations);
		buf_printf(&line, " in %s", COUNTED(w->conversations, "conversation"));
	}
	buf_printf(&line, " (%s), cache: %s", w->shape, r->cache);
	if (r->result[0].has_intervals) {
		put_count(b, o->resamples);
		buf_printf(&line, "; intervals: %d.%d %% of %s resamples of whole %s, seed %llu",
			   o->level_permille / 10, o->level_permille % 10, b->p,
			   w->has_conversations ? "conversations" : "calls",
			   (unsigned long long)o->seed);
	}
	if (o->sample) {
		put_count(b, (int64_t)o->sample->count);
		buf_printf(&line, "; only %s conversations are replayed, and in the table", b->p);
	}
	print_note("\n%s", line.p);
	print_note("amounts are rounded here; --json and --csv have every digit");
	if (o->scenarios == 1 && !r->against)
		print_note(
			"nothing to compare with: name another scenario (--scenario recorded is the work as it was)");
	const struct lower_bound bound = { .placeholders = r->result[0].placeholders,
					   .unsaid = r->result[0].unsaid };
	print_lower_bound(&bound);
	if (o->cache == WHATIF_CACHE_NONE && w->blocks)
		print_note("no cache is replayed: every prompt token is uncached, as asked");
	buf_release(&line);
}

void whatif_report_table(const struct whatif_report *r)
{
	static const struct table_column columns[] = {
		{ "SCENARIO", false, true },	     { "CALLS", true, .leaves = 2 },
		{ "CACHE HITS", true, .leaves = 3 }, { "COST", true, false },
		{ "DIFFERENCE", true, .leaves = 4 }, { "CHANGE", true, .leaves = 5 },
		{ "INTERVAL", true, .leaves = 1 },   { "CREDITS", true, .money = true, .leaves = 6 }
	};
	const struct whatif_options *o = r->options;
	const struct workload *w = o->workload;
	struct table *t = table_open(columns, o->plan ? 8 : 7);
	struct buf b = { 0 };
	for (size_t i = 0; i < o->scenarios; i++)
		scenario_rows(t, r, i, &b);
	table_print(t);
	table_close(t);
	if (r->against)
		against_table(r);
	if (r->quiet) {
		buf_release(&b);
		return;
	}
	put_count(&b, (int64_t)w->count);
	below_table(r, &b);
	for (size_t i = 0; i < o->scenarios; i++)
		remarks(r, i, &b);
	buf_release(&b);
}
