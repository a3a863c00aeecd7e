#include "reports/migration_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/amount.h"
#include "reports/disputes.h"
#include "reports/json_out.h"
#include "reports/left_out.h"
#include "reports/lower_bound_report.h"
#include "reports/table.h"

struct points {
	struct arena arena;
	const char *text[64];
	size_t count;
};

static void point(struct points *p, const char *text)
{
	if (p->count < sizeof p->text / sizeof *p->text)
		p->text[p->count++] = arena_text(&p->arena, text, strlen(text));
}

/* The name of scenario i's model; its first target. */
static const struct route_target *target(const struct migration_report *r, size_t i)
{
	const struct scenario *s = &r->whatif->options->scenario[i];
	return s->route.targets ? &s->route.target[0] : NULL;
}

static int find_price(const struct migration_report *r, size_t i, int64_t day,
		      struct price_match *out, struct err *e)
{
	const struct route_target *t = target(r, i);
	const struct price_query q = { .provider = t->provider,
				       .model = t->model,
				       .currency = r->whatif->options->currency,
				       .at = { day * US_PER_DAY } };
	return book_find(r->whatif->options->book, &q, out, e);
}

static void list_factors(struct points *p, const struct migration_report *r)
{
	char text[DECIMAL_TEXT_MAX], line[500];
	for (size_t i = 0; i < r->factors; i++) {
		const struct migration_factor *f = &r->factor[i];
		const char *what = strcmp(f->name, "tokenizer") == 0
					   ? "tokens that the target makes of the same text"
					   : "length of its answers";
		snprintf(line, sizeof line, "%s: %s times the recorded %s (%s)", f->name,
			 decimal_format(f->times, text), what,
			 f->source ? f->source : "assumed; nobody measured it");
		point(p, line);
	}
}

static void list_contract(struct points *p, const struct migration_report *r, size_t i)
{
	struct price_match m;
	struct err e;
	char line[700], day[16];
	const char *name = r->whatif->options->scenario[i].name;
	if (find_price(r, i, r->migration->month_day, &m, &e) != 0) {
		snprintf(line, sizeof line, "%s: no price on %s: %s", name,
			 day_format(r->migration->month_day, day), e.message);
		point(p, line);
		return;
	}
	snprintf(line, sizeof line, "%s: priced by %s (%s)", name, m.price->id, m.price->source);
	point(p, line);
	const struct cache_contract *c = book_cache(r->whatif->options->book, m.price->provider,
						    m.price->model, m.price->from, NULL);
	const bool bills = m.tariff->rates.known >> BUCKET_CACHE_WRITE_5M & 1 &&
			   m.tariff->rates.per_million[BUCKET_CACHE_WRITE_5M].pico != 0;
	if (r->whatif->options->cache == WHATIF_CACHE_REBUILT && c) {
		snprintf(line, sizeof line, "%s: its own cache by the vendor's contract (%s); %s",
			 name, c->source,
			 bills ? "cache writes are billed" : "cache writes are paid as input");
		point(p, line);
	} else {
		snprintf(line, sizeof line, "%s: cache %s; %s", name, r->whatif->cache,
			 bills ? "cache writes are billed" : "cache writes are paid as input");
		point(p, line);
	}
	const struct model_limits *l = book_limits(r->whatif->options->book, m.price->model);
	char room[40];
	if (l && l->context_tokens) {
		snprintf(room, sizeof room, "%lld", (long long)l->context_tokens);
		char grouped[DECIMAL_TEXT_MAX * 2];
		snprintf(line, sizeof line, "%s: a context of %s tokens (price card)", name,
			 number_grouped(grouped, room));
	} else {
		snprintf(line, sizeof line,
			 "%s: its context limit is not known, so nothing is checked against it",
			 name);
	}
	point(p, line);
}

static void list_assumptions(struct points *p, const struct migration_report *r)
{
	const struct migration_result *m = r->migration;
	char line[300], days[DAYS_TEXT_MAX], day[DAY_TEXT_MAX];
	list_factors(p, r);
	if (r->from) {
		snprintf(line, sizeof line,
			 "only calls of %.200s move; all others stay on the models they ran on",
			 r->from);
		point(p, line);
	}
	for (size_t i = 1; i < r->whatif->options->scenarios; i++)
		list_contract(p, r, i);
	snprintf(line, sizeof line,
		 "the work repeats: the calls of %s are made again from %s, on the same weekdays "
		 "and at the same hours",
		 days_format(m->first_day, m->first_day + m->days - 1, days),
		 day_format(m->month_day, day));
	point(p, line);
	if (m->days < MIGRATION_MONTH_DAYS) {
		snprintf(line, sizeof line, "the first month is %s of it, times %d/%lld",
			 COUNTED(m->days, "day"), MIGRATION_MONTH_DAYS, (long long)m->days);
		point(p, line);
	}
	snprintf(line, sizeof line,
		 "the run rate is a twelfth of 365 such days at the prices stated for %s and after",
		 day_format(m->later_day, day));
	point(p, line);
	point(p, "calls, retries and the quality of answers stay as they were; a cheaper model "
		 "that needs more attempts costs more");
}

/* What the price of a target does within a year after the move. */
static void watch_prices(struct points *p, const struct migration_report *r, size_t i)
{
	struct price_match m;
	struct err e;
	char line[500], day[16];
	const char *name = r->whatif->options->scenario[i].name;
	if (find_price(r, i, r->migration->month_day, &m, &e) != 0)
		return;
	if (m.price->to.us < (r->migration->month_day + 365) * US_PER_DAY) {
		snprintf(line, sizeof line, "%s: %s ends on %s", name,
			 m.price->promotion ? "the promotion" : "this price",
			 day_format(floor_div(m.price->to.us, US_PER_DAY), day));
		point(p, line);
	}
	struct disputes disputes = { 0 };
	const struct dispute *d;
	for (size_t k = 0;
	     (d = book_dispute(r->whatif->options->book, m.price->provider, m.price->model,
			       (struct instant){ r->migration->month_day * US_PER_DAY }, k));
	     k++)
		disputes_add(&disputes, d);
	for (size_t k = 0; k < disputes.count; k++) {
		snprintf(line, sizeof line, "%s: sources disagree about the %s", name,
			 disputes_line(&disputes, k));
		point(p, line);
	}
	disputes_release(&disputes);
}

static void watch_fit(struct points *p, const struct migration_report *r, size_t i)
{
	const struct whatif_result *w = &r->migration->past[i];
	const char *name = r->whatif->options->scenario[i].name;
	char line[300], longest[40], grouped[DECIMAL_TEXT_MAX * 2];
	struct buf n = { 0 };
	for (size_t k = 0; k < w->models; k++) {
		const struct whatif_model *m = &w->model[k];
		if (!m->does_not_fit)
			continue;
		put_count(&n, m->does_not_fit);
		snprintf(longest, sizeof longest, "%lld", (long long)r->migration->longest_prompt);
		snprintf(
			line, sizeof line,
			"%s: calls that do not fit into %.*s: %s (longest recorded prompt: %s tokens); "
			"they need compaction, or another model",
			name, (int)m->model.n, m->model.p, n.p, number_grouped(grouped, longest));
		point(p, line);
	}
	buf_release(&n);
}

static void watch_windows(struct points *p, const struct migration_report *r, size_t i)
{
	const struct whatif_result *w = &r->migration->later[i];
	char line[300], share[2][DECIMAL_TEXT_MAX];
	for (size_t k = 0; k < w->windows; k++)
		if (strcmp(w->by_window[k].window, "peak") == 0) {
			snprintf(
				line, sizeof line,
				"%s: %s of the calls and %s of the cost fall into peak hours; work "
				"that can wait is cheaper outside them (tally whatif -s "
				"offpeak:8h:MODEL)",
				r->whatif->options->scenario[i].name,
				percent_text(w->by_window[k].records, w->records, share[0]),
				percent_text(w->by_window[k].cost.atto, w->cost.atto, share[1]));
			point(p, line);
		}
}

static enum amount_bound bound_of(const struct whatif_result *w)
{
	return at_least(whatif_at_least(w));
}

static void watch_doubts(struct points *p, const struct migration_report *r, size_t i)
{
	const struct migration_result *m = r->migration;
	const struct whatif_result *w = &m->past[i];
	const char *name = r->whatif->options->scenario[i].name,
		   *currency = r->whatif->options->currency;
	const struct sensitivity *s = &m->sensitivity[i];
	char line[400];
	struct buf a = { 0 }, b = { 0 };
	if ((w->calls_uncertain || w->calls_unproven) && !w->fixed.atto) {
		put_count(&b, w->calls_uncertain + w->calls_unproven);
		snprintf(
			line, sizeof line,
			"%s: what %s calls find in a cache is not certain; the recorded work costs "
			"between %s",
			name, b.p, cents_text(&a, w->cost_low, currency, bound_of(w)));
		snprintf(line + strlen(line), sizeof line - strlen(line), " and %s",
			 cents_text(&b, w->cost_high, currency, bound_of(w)));
		point(p, line);
	}
	for (int k = 0; i > 0 && k < VARIED; k++) {
		const int v = s->order[k];
		int128 moves = s->high[v].atto - s->low[v].atto;
		moves = moves < 0 ? -moves : moves;
		/* less than 1% of the cost is no matter */
		if (s->no_low[v] || s->no_high[v] || moves < m->month[i].cost.atto / 100)
			continue;
		snprintf(line, sizeof line, "%s: 10 %% fewer or more %s: %s", name, varied_name(v),
			 cents_text(&a, s->low[v], currency, at_least(s->at_least)));
		snprintf(line + strlen(line), sizeof line - strlen(line),
			 " or %s for the same calls instead of %s",
			 cents_text(&a, s->high[v], currency, at_least(s->at_least)),
			 cents_text(&b, m->month[i].cost, currency, bound_of(&m->month[i])));
		point(p, line);
	}
	buf_release(&a);
	buf_release(&b);
}

static void watch_unpriced(struct points *p, const struct migration_report *r, size_t i,
			   const struct whatif_result *w, const char *when)
{
	const struct migration_result *m = r->migration;
	char line[500], room[COUNT_WORDS_MAX];
	for (size_t k = 0; k < w[i].reasons; k++) {
		const struct whatif_reason *why = &w[i].reason[k];
		bool told = false;
		for (size_t n = 0; w != m->past && n < m->past[i].reasons; n++)
			told |= strcmp(m->past[i].reason[n].model, why->model) == 0 &&
				strcmp(m->past[i].reason[n].why, why->why) == 0;
		if (told) /* already, of the past */
			continue;
		snprintf(line, sizeof line, "%s, %s: %s of %s without an amount: %s",
			 i ? r->whatif->options->scenario[i].name : "as it is", when,
			 count_words(room, why->records, "call"),
			 *why->model ? why->model : "(no model)", why->why);
		point(p, line);
	}
}

/* What was done is priced when it was done; only a trace can be moved to another time. */
static void watch_no_price(struct points *p, const struct migration_report *r, size_t i)
{
	char line[400];
	if (!whatif_is_unpriced(&r->migration->past[i]))
		return;
	snprintf(line, sizeof line,
		 "%s: no call has a price when it was made; `tally price history MODEL` lists when "
		 "one holds, and --at DATE starts a trace there",
		 i ? r->whatif->options->scenario[i].name : "as it is");
	point(p, line);
}

static void watch_placeholders(struct points *p, const struct whatif_result *recorded)
{
	char line[300], room[COUNT_WORDS_MAX];
	if (!recorded->placeholders)
		return;
	snprintf(line, sizeof line, "of %s the log has %s: every amount is a lower bound",
		 count_words(room, recorded->placeholders, "call"),
		 known_part(recorded->placeholders, recorded->unsaid));
	point(p, line);
}

static void list_watch(struct points *p, const struct migration_report *r)
{
	const struct whatif_options *o = r->whatif->options;
	for (size_t i = 0; i < o->scenarios; i++) {
		if (i == 0)
			watch_placeholders(p, r->migration->past);
		watch_unpriced(p, r, i, r->migration->past, "when recorded");
		watch_unpriced(p, r, i, r->migration->month, "in the first month");
		watch_no_price(p, r, i);
		if (i == 0)
			continue;
		watch_fit(p, r, i);
		watch_windows(p, r, i);
		watch_prices(p, r, i);
		watch_doubts(p, r, i);
	}
}

static int64_t does_not_fit(const struct migration_report *r)
{
	int64_t most = 0;
	for (size_t i = 1; i < r->whatif->options->scenarios; i++) {
		const int64_t n = migration_does_not_fit(&r->migration->past[i]);
		most = n > most ? n : most;
	}
	return most;
}

static void put_list(struct json_out *j, const char *key, const struct points *p)
{
	json_out_array(j, key);
	for (size_t i = 0; i < p->count; i++)
		json_out_string(j, NULL, p->text[i]);
	json_out_end(j, ']');
}

static void put_coming(struct json_out *j, const struct migration_report *r)
{
	const struct whatif_options *o = r->whatif->options;
	const struct migration_result *m = r->migration;
	char day[16];
	json_out_array(j, "coming");
	for (size_t i = 0; i < o->scenarios; i++) {
		json_out_object(j, NULL);
		json_out_string(j, "name", o->scenario[i].name);
		json_out_int(j, "does_not_fit", migration_does_not_fit(&m->past[i]));
		json_out_string(j, "from", day_format(m->month_day, day));
		json_out_money(j, "first_month", migration_first_month(m, i));
		json_out_string(j, "run_rate_from", day_format(m->later_day, day));
		json_out_money(j, "run_rate_month", migration_month_rate(m, i));
		json_out_money(j, "run_rate_year", migration_year_rate(m, i));
		if (o->plan)
			json_out_credits(j, "run_rate_month_credits",
					 migration_month_credits(m, i));
		if (o->plan)
			json_out_int(j, "uncredited", m->later[i].uncredited);
		json_out_int(j, "placeholders", m->month[i].placeholders);
		json_out_int(j, "unpriced",
			     m->month[i].unpriced > m->later[i].unpriced ? m->month[i].unpriced
									 : m->later[i].unpriced);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_factors(struct json_out *j, const struct migration_report *r,
			const struct points *p)
{
	json_out_array(j, "assumptions");
	for (size_t i = 0; i < p->count; i++) {
		json_out_object(j, NULL);
		json_out_string(j, "assumption", i < r->factors ? r->factor[i].name : "other");
		if (i < r->factors) {
			json_out_decimal(j, "value", r->factor[i].times);
			json_out_string(j, "source", r->factor[i].source);
		}
		json_out_string(j, "text", p->text[i]);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_members(struct json_out *j, const void *user)
{
	const struct migration_report *r = user;
	struct points assumptions = { 0 }, watch = { 0 };
	list_assumptions(&assumptions, r);
	list_watch(&watch, r);
	json_out_int(j, "days", r->migration->days);
	put_coming(j, r);
	json_out_array(j, "left_out");
	for (size_t i = 0; i < r->refusals; i++) {
		json_out_object(j, NULL);
		json_out_string(j, "why", r->refusal[i].why);
		json_out_int(j, "records", r->refusal[i].records);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_int(j, "does_not_fit", does_not_fit(r));
	put_factors(j, r, &assumptions);
	put_list(j, "watch", &watch);
	arena_release(&assumptions.arena);
	arena_release(&watch.arena);
}

void migration_report_put(struct buf *out, const struct migration_report *r)
{
	struct whatif_report full = *r->whatif;
	full.more = put_members;
	full.more_user = r;
	whatif_report_put(out, &full);
}

/* "+12.3 %" of scenario i's run rate against what is there. */
enum { CHANGE_MAX = DECIMAL_TEXT_MAX + 8 };
static const char *change(const struct migration_report *r, size_t i, char out[CHANGE_MAX])
{
	const int128 base = migration_month_rate(r->migration, 0).atto,
		     delta = migration_month_rate(r->migration, i).atto - base;
	char text[DECIMAL_TEXT_MAX];
	if (i == 0 || whatif_is_unpriced(&r->migration->later[i]) ||
	    whatif_is_unpriced(r->migration->later))
		return "";
	const enum amount_bound bound = bound_of_difference(bound_of(&r->migration->later[i]),
							    bound_of(r->migration->later));
	snprintf(out, CHANGE_MAX, "%s%s%s", base ? bound_sign(bound) : "", delta > 0 ? "+" : "",
		 percent_text(delta, base, text));
	return out;
}

static void memo_costs(struct memo *out, const struct migration_report *r)
{
	static const struct memo_column columns[] = { { "", false, 0 },
						      { "RECORDED", true, 0 },
						      { "FIRST MONTH", true, 2 },
						      { "A MONTH AFTER", true, 0 },
						      { "A YEAR", true, 3 },
						      { "CHANGE", true, 0 },
						      { "CREDITS A MONTH", true, 1 } };
	const struct whatif_options *o = r->whatif->options;
	const struct migration_result *m = r->migration;
	char text[CHANGE_MAX];
	struct buf b = { 0 };
	int128 most = 1;
	memo_table(out, columns, o->plan ? 7 : 6);
	for (size_t i = 0; i < o->scenarios; i++) {
		const enum amount_bound later = bound_of(&m->later[i]);
		memo_cell(out, i ? o->scenario[i].name : "as it is");
		const bool none = whatif_is_unpriced(&m->later[i]);
		cents_text(&b, m->past[i].cost, o->currency, bound_of(&m->past[i]));
		memo_cell(out, unless_unpriced(&b, whatif_is_unpriced(&m->past[i])));
		cents_text(&b, migration_first_month(m, i), o->currency, bound_of(&m->month[i]));
		memo_cell(out, unless_unpriced(&b, whatif_is_unpriced(&m->month[i])));
		cents_text(&b, migration_month_rate(m, i), o->currency, later);
		memo_cell(out, unless_unpriced(&b, none));
		cents_text(&b, migration_year_rate(m, i), o->currency, later);
		memo_cell(out, unless_unpriced(&b, none));
		memo_cell(out, change(r, i, text));
		if (o->plan) {
			bool cut;
			struct decimal d = decimal_round_places(
				(struct decimal){ migration_month_credits(m, i).atto,
						  MONEY_TOTAL_PLACES },
				2, &cut);
			decimal_format(d, text);
			put_amount(&b, text, NULL, at_least(whatif_draws_at_least(&m->later[i])));
			memo_cell(out, b.p);
		}
		const int128 rate = migration_month_rate(m, i).atto;
		most = rate > most ? rate : most;
	}
	memo_bars(out, "A month after the move");
	for (size_t i = 0; i < o->scenarios; i++) {
		const struct money_total rate = migration_month_rate(m, i);
		memo_bar(out, i ? o->scenario[i].name : "as it is",
			 (cents_text(&b, rate, o->currency, bound_of(&m->later[i])),
			  unless_unpriced(&b, whatif_is_unpriced(&m->later[i]))),
			 (int)(rate.atto / (most / 1000 + 1)));
	}
	buf_release(&b);
}

static void memo_models(struct memo *out, const struct migration_report *r)
{
	static const struct memo_column columns[] = {
		{ "MODEL", false, 0 },	      { "CALLS", true, 0 },
		{ "PROMPT TOKENS", true, 2 }, { "CACHE HITS", true, 3 },
		{ "OUTPUT TOKENS", true, 1 }, { "COST", true, 0 }
	};
	const struct whatif_options *o = r->whatif->options;
	char text[DECIMAL_TEXT_MAX], name[200];
	struct buf b = { 0 };
	memo_heading(out, "The work, as it was and on the target");
	memo_table(out, columns, 6);
	for (size_t i = 0; i < o->scenarios; i++)
		for (size_t k = 0; k < r->migration->past[i].models; k++) {
			const struct whatif_model *m = &r->migration->past[i].model[k];
			int64_t prompt = 0;
			for (int c = 0; c < BUCKET_OUTPUT; c++)
				prompt += m->tokens[c];
			snprintf(name, sizeof name, "%s%.*s%s", i ? "on " : "was ", (int)m->model.n,
				 m->model.p, m->model.n ? "" : "(no model)");
			memo_cell(out, name);
			put_count(&b, m->records);
			memo_cell(out, b.p);
			put_count(&b, prompt);
			memo_cell(out, b.p);
			memo_cell(out, percent_text(m->tokens[BUCKET_CACHE_READ], prompt, text));
			put_count(&b, m->tokens[BUCKET_OUTPUT]);
			memo_cell(out, b.p);
			cents_text(&b, m->cost, o->currency,
				   at_least(m->unpriced || m->placeholders));
			memo_cell(out,
				  unless_unpriced(&b, m->unpriced && m->unpriced >= m->records &&
							      !m->cost.atto));
		}
	buf_release(&b);
}

static void memo_points(struct memo *out, const char *title, const struct points *p)
{
	if (!p->count)
		return;
	memo_heading(out, title);
	for (size_t i = 0; i < p->count; i++)
		memo_point(out, "%s", p->text[i]);
}

static void memo_verdict(struct memo *out, const struct migration_report *r)
{
	const struct whatif_options *o = r->whatif->options;
	const struct migration_result *m = r->migration;
	struct buf a = { 0 }, b = { 0 };
	for (size_t i = 1; i < o->scenarios; i++) {
		const struct money_total now = migration_month_rate(m, 0),
					 then = migration_month_rate(m, i);
		const bool less = then.atto <= now.atto;
		const struct money_total by = { less ? now.atto - then.atto
						     : then.atto - now.atto };
		const bool now_low = whatif_at_least(&m->later[0]),
			   then_low = whatif_at_least(&m->later[i]);
		if (whatif_is_unpriced(&m->later[i]) || whatif_is_unpriced(&m->later[0])) {
			memo_text(out, "%s: nothing can be compared: no call of %s has a price.",
				  o->scenario[i].name,
				  whatif_is_unpriced(&m->later[i]) ? "it" : "today's models");
			continue;
		}
		cents_text(&a, by, o->currency, EXACTLY);
		put_count(&b, migration_does_not_fit(&m->past[i]));
		memo_text(out, "%s: %s%s a month %s than today's models%s%s%s.",
			  o->scenario[i].name,
			  now_low && then_low	  ? "about "
			  : !now_low && !then_low ? ""
			  : now_low == less	  ? "at least "
						  : "at most ",
			  a.p, less ? "less" : "more",
			  now_low && then_low ? ", where both amounts are lower bounds"
			  : now_low	      ? ", whose amount lacks calls without a price"
			  : then_low	      ? "; its own amount lacks calls without a price"
					      : "",
			  *b.p == '0' ? "; every call fits" : "; calls that do not fit: ",
			  *b.p == '0' ? "" : b.p);
	}
	buf_release(&a);
	buf_release(&b);
}

/* What is in no figure: a report that one hands on must not hide it. */
static void memo_left_out(struct memo *out, const struct migration_report *r)
{
	char room[COUNT_WORDS_MAX];
	struct buf b = { 0 };
	for (size_t i = 0; i < r->refusals; i++)
		buf_printf(&b, "%s%s (%s)", b.n ? ", " : "",
			   count_words(room, r->refusal[i].records, "record"), r->refusal[i].why);
	if (r->left_out && r->left_out->quarantined)
		buf_printf(&b, "%s%s in quarantine", b.n ? ", " : "",
			   count_words(room, r->left_out->quarantined, "record"));
	if (r->left_out && r->left_out->unread)
		buf_printf(&b, "%s%s that could not be read", b.n ? ", " : "",
			   count_words(room, r->left_out->unread, "file"));
	if (b.n)
		memo_text(out, "In none of these figures: %s.", b.p);
	buf_release(&b);
	const struct buf *columns = &r->whatif->options->workload->doubts.columns;
	if (columns->n)
		memo_text(out,
			  "Not known to be in these figures: what the columns %s count, which no "
			  "table knows.",
			  columns->p);
}

void migration_report_memo(struct memo *out, const struct migration_report *r)
{
	const struct whatif_options *o = r->whatif->options;
	struct points assumptions = { 0 }, watch = { 0 };
	struct buf title = { 0 };
	char n[COUNT_WORDS_MAX];
	char days[DAYS_TEXT_MAX];
	buf_printf(&title, "Moving %s%sto ", r->from ? r->from : "", r->from ? " " : "");
	for (size_t i = 1; i < o->scenarios; i++)
		buf_printf(&title, "%s%s", i > 1 ? ", " : "", o->scenario[i].name);
	out->title = arena_text(&out->arena, title.p, title.n);
	out->subtitle =
		arena_printf(&out->arena,
			     "%s of %s (%s); amounts to the cent, every digit in --json",
			     count_words(n, (int64_t)o->workload->count, "call"),
			     days_format(r->migration->first_day,
					 r->migration->first_day + r->migration->days - 1, days),
			     r->source);
	out->dated.us = r->migration->month_day * US_PER_DAY;
	list_assumptions(&assumptions, r);
	list_watch(&watch, r);
	memo_verdict(out, r);
	memo_left_out(out, r);
	memo_costs(out, r);
	memo_models(out, r);
	memo_points(out, "What to watch", &watch);
	memo_points(out, "What this rests on", &assumptions);
	arena_release(&assumptions.arena);
	arena_release(&watch.arena);
	buf_release(&title);
}
