#include "reports/plan_report.h"

#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "reports/amount.h"
#include "reports/json_out.h"
#include "reports/table.h"

/* Cost of so many calls, escalations and retries included, to twelve decimals. */
static const char *per_unit(const struct planner_sums *s, int64_t calls, char buf[DECIMAL_TEXT_MAX])
{
	const int128 one = (int128)1000000000000000000;
	int128 cost;
	if (s->calls_millionths <= 0 ||
	    __builtin_mul_overflow(s->cost.atto, (int128)calls * SHARE_WHOLE, &cost) ||
	    !ratio_format(cost, one * s->calls_millionths, 12, buf))
		return "0";
	struct decimal d;
	return decimal_parse(&d, text_of(buf), NULL) == 0 ? decimal_format(d, buf) : buf;
}

static const char *per_call(const struct planner_sums *s, char buf[DECIMAL_TEXT_MAX])
{
	return per_unit(s, 1, buf);
}

static void put_moves(struct json_out *j, const struct plan_report *r, size_t i)
{
	json_out_array(j, "moves");
	for (size_t k = 0; k < r->moves[i].count; k++) {
		const struct plan_move *m = &r->moves[i].move[k];
		json_out_object(j, NULL);
		json_out_string(j, "assumption", m->name);
		json_out_string(j, "by", m->words);
		json_out_money(j, "total", m->cost);
		json_out_money(j, "delta", money_total_minus(m->cost, r->result[i].total.cost));
		if (m->is_range) {
			json_out_money(j, "total_low", m->cost_low);
			json_out_money(j, "delta_low",
				       money_total_minus(m->cost_low, r->result[i].total.cost));
		}
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

/* "+$6.28" */
static void put_change(struct buf *b, const struct plan_report *r, size_t i, struct money_total to)
{
	const int128 cent = (int128)10000000000000000;
	struct buf amount = { 0 };
	const struct money_total by = money_total_minus(to, r->result[i].total.cost);
	/* a difference of two lower bounds is neither */
	const enum amount_bound bound = r->result[i].total.unpriced ? ABOUT : EXACTLY;
	if (by.atto > -cent && by.atto < cent)
		put_short_change(&amount, by, r->currency, EXACTLY);
	else
		cents_text(&amount, by, r->currency, EXACTLY);
	buf_printf(b, "%s%s%s", bound_sign(bound), by.atto >= cent ? "+" : "", amount.p);
	buf_release(&amount);
}

/* "100 to 200 output tokens -$3.10 to +$3.10, 10 % more calls +$6.28, ..." */
static const char *moves_text(const struct plan_report *r, size_t i, struct buf *b)
{
	b->n = 0;
	buf_puts(b, "");
	for (size_t k = 0; k < r->moves[i].count; k++) {
		const struct plan_move *m = &r->moves[i].move[k];
		buf_printf(b, "%s%s ", k ? ", " : "", m->words);
		if (m->is_range) {
			put_change(b, r, i, m->cost_low);
			buf_puts(b, " to ");
		}
		put_change(b, r, i, m->cost);
	}
	return b->p;
}

/* ": a ticket of 3 calls costs $0.046" */
static void put_unit(struct buf *b, const struct plan_report *r, size_t i,
		     const struct plan_unit *unit)
{
	char text[DECIMAL_TEXT_MAX], calls[COUNT_WORDS_MAX];
	const struct planner_sums *s = &r->result[i].total;
	struct buf amount = { 0 };
	put_amount(&amount, per_unit(s, unit->calls, text), r->currency, at_least(s->unpriced > 0));
	buf_puts(b, b->n ? ", " : "");
	if (!b->n)
		buf_printf(b, "%s: ", r->scenario[i].name);
	if (strcmp(unit->name, "user") == 0)
		buf_printf(b, "a user costs %s on a day of work", amount.p);
	else if (unit->calls > 1)
		buf_printf(b, "a %s of %s costs %s", unit->name,
			   count_words(calls, unit->calls, "call"), amount.p);
	else
		buf_printf(b, "a %s costs %s", unit->name, amount.p);
	buf_release(&amount);
}

/* What one of each thing costs that the plan counts; "" where it counts calls. */
static const char *units_text(const struct plan_report *r, size_t i, struct buf *b)
{
	b->n = 0;
	buf_puts(b, "");
	if (r->turns > 1 && (!r->units || r->unit[0].calls != r->turns))
		put_unit(b, r, i, &(struct plan_unit){ "conversation", r->turns });
	for (size_t k = 0; k < r->units; k++)
		put_unit(b, r, i, &r->unit[k]);
	return b->p;
}

static const struct planner_sums *sums_by(const struct planner_result *p, enum plan_by by,
					  size_t *count)
{
	*count = by == PLAN_BY_DAY ? p->days : by == PLAN_BY_MONTH ? p->months : p->quarters;
	return by == PLAN_BY_DAY ? p->day : by == PLAN_BY_MONTH ? p->month : p->quarter;
}

/* The rows where none are asked: those of a year at most, and none where there is one only. */
static enum plan_by rows_by(const struct plan_report *r)
{
	enum { ROWS_MOST = 13 };
	if (r->by != PLAN_BY_DEFAULT)
		return r->by;
	return r->result->months <= ROWS_MOST ? PLAN_BY_MONTH : PLAN_BY_QUARTER;
}

/* 2026-06-01, 2026-06, 2026-Q2 */
static const char *period_name(int64_t day, enum plan_by by, char buf[16])
{
	const struct civil c = civil_from_day(day);
	day_format(day, buf);
	if (by == PLAN_BY_MONTH)
		buf[7] = 0;
	if (by == PLAN_BY_QUARTER)
		memcpy(buf + 4, (char[]){ '-', 'Q', (char)('1' + (c.month - 1) / 3), 0 }, 4);
	return buf;
}

static void json_interval(struct json_out *j, const struct planner_sums *low,
			  const struct planner_sums *high)
{
	json_out_object(j, "interval");
	json_out_money(j, "low", low->cost);
	json_out_money(j, "high", high->cost);
	json_out_end(j, '}');
}

static void put_periods(struct json_out *j, const struct plan_report *r, size_t scenario,
			enum plan_by by)
{
	static const char *const names[] = {
		[PLAN_BY_DAY] = "day", [PLAN_BY_MONTH] = "month", [PLAN_BY_QUARTER] = "quarter"
	};
	const struct plan_interval *i = &r->interval[scenario];
	size_t count;
	const struct planner_sums *s = sums_by(&r->result[scenario], by, &count);
	char text[16], key[16];
	snprintf(key, sizeof key, "by_%s", names[by]);
	json_out_array(j, key);
	for (size_t k = 0; k < count; k++) {
		json_out_object(j, NULL);
		json_out_string(j, names[by], period_name(s[k].day, by, text));
		json_out_int(j, "records", s[k].calls);
		json_out_money(j, "total", s[k].cost);
		if (i->known)
			json_interval(j, &sums_by(&i->low, by, &count)[k],
				      &sums_by(&i->high, by, &count)[k]);
		if (r->plan)
			json_out_credits(j, "credits", s[k].credits);
		if (s[k].unpriced)
			json_out_int(j, "unpriced", s[k].unpriced);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_units(struct json_out *j, const struct plan_report *r, const struct planner_sums *s)
{
	char text[DECIMAL_TEXT_MAX];
	if (r->turns > 1) {
		json_out_int(j, "turns", r->turns);
		json_out_string(j, "per_conversation", per_unit(s, r->turns, text));
	}
	if (!r->units)
		return;
	json_out_array(j, "units");
	for (size_t k = 0; k < r->units; k++) {
		json_out_object(j, NULL);
		json_out_string(j, "unit", r->unit[k].name);
		json_out_int(j, "records", r->unit[k].calls);
		json_out_string(j, "per_unit", per_unit(s, r->unit[k].calls, text));
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_scenario(struct json_out *j, const struct plan_report *r, size_t i)
{
	const struct planner_result *result = &r->result[i];
	const struct planner_sums *s = &result->total;
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, NULL);
	json_out_string(j, "name", r->scenario[i].name);
	json_out_int(j, "records", s->calls);
	json_out_int(j, "requests", s->requests);
	json_out_object(j, "tokens");
	for (int b = 0; b < BUCKET_COMMON; b++)
		json_out_int(j, bucket_name((enum bucket)b), s->tokens[b]);
	json_out_end(j, '}');
	json_out_money(j, "total", s->cost);
	if (r->interval[i].known)
		json_interval(j, &r->interval[i].low.total, &r->interval[i].high.total);
	else
		json_out_null(j, "interval");
	json_out_string(j, "per_call", per_call(s, text));
	json_out_int(j, "unpriced", s->unpriced);
	if (s->unpriced)
		json_out_string(j, "unpriced_reason", result->unpriced.message);
	json_out_string(j, "does_not_fit", result->too_long);
	if (r->plan) {
		json_out_object(j, "credits");
		json_out_string(j, "plan", plan_name(r->plan));
		json_out_credits(j, "total", s->credits);
		json_out_int(j, "uncovered", s->uncovered);
		json_out_end(j, '}');
	}
	put_units(j, r, s);
	put_moves(j, r, i);
	put_periods(j, r, i, PLAN_BY_QUARTER);
	put_periods(j, r, i, PLAN_BY_MONTH);
	put_periods(j, r, i, PLAN_BY_DAY);
	json_out_end(j, '}');
}

void plan_report_put(struct json_out *j, const struct plan_report *r)
{
	char text[16];
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.plan/1");
	json_out_string(j, "currency", r->currency);
	json_out_string(j, "timezone", r->timezone);
	json_out_string(j, "from", day_format(r->work->first_day, text));
	json_out_string(j, "to", day_format(r->work->first_day + r->work->days, text));
	json_out_array(j, "scenarios");
	for (size_t i = 0; i < r->count; i++)
		put_scenario(j, r, i);
	json_out_end(j, ']');
	json_out_end(j, '}');
}

void plan_report_csv(const struct plan_report *r)
{
	const enum plan_by by = r->by == PLAN_BY_DEFAULT ? PLAN_BY_DAY : r->by;
	const bool interval = r->count && r->interval->known;
	struct buf b = { 0 };
	char day[16], text[DECIMAL_TEXT_MAX];
	size_t count;
	buf_printf(&b, "scenario,%s,calls,requests,currency,total%s%s,unpriced\n",
		   by == PLAN_BY_DAY	 ? "day"
		   : by == PLAN_BY_MONTH ? "month"
					 : "quarter",
		   interval ? ",total_low,total_high" : "", r->plan ? ",credits" : "");
	for (size_t i = 0; i < r->count; i++) {
		const struct planner_sums *sums = sums_by(&r->result[i], by, &count);
		for (size_t k = 0; k < count; k++) {
			const struct planner_sums *s = &sums[k];
			csv_put_text(&b, text_of(r->scenario[i].name));
			buf_printf(&b, ",%s,%lld,%lld,%s,%s", period_name(s->day, by, day),
				   (long long)s->calls, (long long)s->requests, r->currency,
				   money_total_format(s->cost, text));
			if (interval) {
				buf_printf(&b, ",%s",
					   money_total_format(
						   sums_by(&r->interval[i].low, by, &count)[k].cost,
						   text));
				buf_printf(
					&b, ",%s",
					money_total_format(
						sums_by(&r->interval[i].high, by, &count)[k].cost,
						text));
			}
			if (r->plan)
				buf_printf(&b, ",%s", credits_format(s->credits, text));
			buf_printf(&b, ",%lld\n", (long long)s->unpriced);
		}
	}
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
}

/* "$56.12 to $70.03"; "" where nothing is uncertain. */
static const char *interval_text(struct buf *b, const struct plan_report *r,
				 const struct planner_sums *low, const struct planner_sums *high)
{
	struct buf end = { 0 };
	const bool lower = high->unpriced > 0;
	cents_text(b, low->cost, r->currency, at_least(lower));
	buf_printf(b, " to %s", cents_text(&end, high->cost, r->currency, at_least(lower)));
	buf_release(&end);
	return b->p;
}

/* low and high: NULL where nothing is uncertain */
static void put_row(struct table *t, const struct plan_report *r, const char *name,
		    const struct planner_sums *const s[3])
{
	const bool whole = *name != ' ';
	struct buf b = { 0 };
	char text[DECIMAL_TEXT_MAX];
	table_cell(t, name);
	put_count(&b, s[0]->calls);
	table_cell(t, b.p);
	put_money(&b, s[0]->cost, r->currency, at_least(s[0]->unpriced > 0));
	table_cell(t, b.p);
	if (s[1])
		table_cell(t, interval_text(&b, r, s[1], s[2]));
	put_amount(&b, per_call(s[0], text), r->currency, at_least(s[0]->unpriced > 0));
	table_cell(t, whole ? b.p : "");
	if (r->plan) {
		put_amount(&b, credits_format(s[0]->credits, text), NULL,
			   at_least(s[0]->uncovered > 0));
		table_cell(t, b.p);
	}
	buf_release(&b);
}

/* What one should know before one believes the figures: the i-th scenario's k-th remark, or "". */
static const char *remark(const struct plan_report *r, size_t i, int k, struct buf *b)
{
	const struct planner_result *p = &r->result[i];
	const char *name = r->scenario[i].name;
	b->n = 0;
	buf_puts(b, "");
	if (k == 0 && p->total.unpriced)
		buf_printf(b, "%s: %s requests have no price and are left out: %s", name,
			   COUNTED(p->total.unpriced, ""), p->unpriced.message);
	if (k == 1 && p->total.uncovered)
		buf_printf(b, "%s: the plan does not cover %s requests: %s", name,
			   COUNTED(p->total.uncovered, ""), p->uncovered.message);
	if (k == 2 && p->too_long)
		buf_printf(b, "%s: a call does not fit into the context of %s", name, p->too_long);
	return b->p;
}
enum { REMARKS = 3 };

static void put_remarks(const struct plan_report *r)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < r->count; i++)
		for (int k = 0; k < REMARKS; k++)
			if (*remark(r, i, k, &b))
				print_note("%s", b.p);
	buf_release(&b);
}

/* A scenario's row and those of its periods. */
static void put_rows(struct table *t, const struct plan_report *r, size_t i)
{
	const enum plan_by by = rows_by(r);
	const struct plan_interval *v = &r->interval[i];
	struct buf name = { 0 };
	char period[16];
	size_t count;
	put_row(t, r, r->scenario[i].name,
		(const struct planner_sums *const[3]){
			&r->result[i].total, v->known ? &v->low.total : NULL, &v->high.total });
	const struct planner_sums *s = sums_by(&r->result[i], by, &count);
	const struct planner_sums *low = sums_by(&v->low, by, &(size_t){ 0 }),
				  *high = sums_by(&v->high, by, &(size_t){ 0 });
	for (size_t k = 0; count > 1 && k < count; k++) {
		name.n = 0;
		buf_printf(&name, "  %s", period_name(s[k].day, by, period));
		put_row(t, r, name.p,
			(const struct planner_sums *const[3]){ &s[k], v->known ? &low[k] : NULL,
							       v->known ? &high[k] : NULL });
	}
	buf_release(&name);
}

void plan_report_table(const struct plan_report *r)
{
	const struct table_column all[] = { { "SCENARIO", .may_shrink = true },
					    { "CALLS", .right = true, .leaves = 3 },
					    { "COST", .right = true, .money = true },
					    { "INTERVAL", .right = true, .leaves = 1 },
					    { "A CALL", .right = true, .leaves = 2 },
					    { "CREDITS", .right = true, .money = true } };
	struct table_column columns[6];
	const bool interval = r->interval->known;
	int n = 0;
	for (int k = 0; k < 6; k++)
		if ((k != 3 || interval) && (k != 5 || r->plan))
			columns[n++] = all[k];
	struct table *t = table_open(columns, n);
	struct buf b = { 0 };
	char days[DAYS_TEXT_MAX];
	for (size_t i = 0; i < r->count; i++)
		put_rows(t, r, i);
	table_print(t);
	table_close(t);
	print_note("\n%s (%s), at the prices that the book states for %s",
		   days_format(r->work->first_day, r->work->first_day + r->work->days - 1, days),
		   r->timezone, r->work->days == 1 ? "that day" : "those days");
	if (interval)
		print_note("INTERVAL: every uncertain assumption at its low end, and every one at "
			   "its high end");
	for (size_t i = 0; i < r->count; i++)
		if (*units_text(r, i, &b))
			print_note("%s", b.p);
	for (size_t i = 0; i < r->count && !r->quiet; i++)
		if (*moves_text(r, i, &b))
			print_note("%s: %s", r->scenario[i].name, b.p);
	put_remarks(r);
	buf_release(&b);
}

static void memo_row(struct memo *out, const struct plan_report *r, size_t i)
{
	const struct planner_sums *s = &r->result[i].total;
	char text[DECIMAL_TEXT_MAX];
	struct buf b = { 0 };
	memo_cell(out, r->scenario[i].name);
	put_count(&b, s->calls);
	memo_cell(out, b.p);
	memo_cell(out, cents_text(&b, s->cost, r->currency, at_least(s->unpriced > 0)));
	if (r->interval->known)
		memo_cell(out, interval_text(&b, r, &r->interval[i].low.total,
					     &r->interval[i].high.total));
	put_amount(&b, per_call(s, text), r->currency, at_least(s->unpriced > 0));
	memo_cell(out, b.p);
	if (r->plan) {
		put_amount(&b, credits_format(s->credits, text), NULL, at_least(s->uncovered > 0));
		memo_cell(out, b.p);
	}
	buf_release(&b);
}

/* What a scenario's chart shows: what was asked; else days where there is one month only. */
static enum plan_by chart_by(const struct plan_report *r)
{
	return r->by == PLAN_BY_DEFAULT && r->result->months < 2 ? PLAN_BY_DAY : rows_by(r);
}

/* Bars of one scale over all scenarios. */
static void memo_periods(struct memo *out, const struct plan_report *r)
{
	static const char *const names[] = { "", "day", "month", "quarter" };
	const enum plan_by by = chart_by(r);
	int128 most = 1;
	size_t count;
	char day[16], title[200];
	struct buf b = { 0 };
	for (size_t i = 0; i < r->count; i++) {
		const struct planner_sums *s = sums_by(&r->result[i], by, &count);
		for (size_t k = 0; k < count; k++)
			most = s[k].cost.atto > most ? s[k].cost.atto : most;
	}
	for (size_t i = 0; i < r->count; i++) {
		const struct planner_sums *s = sums_by(&r->result[i], by, &count);
		if (count < 2)
			continue;
		snprintf(title, sizeof title, "%s by %s", r->scenario[i].name, names[by]);
		memo_bars(out, title);
		for (size_t k = 0; k < count; k++) {
			memo_bar(out, period_name(s[k].day, by, day),
				 cents_text(&b, s[k].cost, r->currency,
					    at_least(s[k].unpriced > 0)),
				 (int)(s[k].cost.atto / (most / 1000 + 1)));
		}
	}
	buf_release(&b);
}

void plan_report_memo(struct memo *out, const struct plan_report *r)
{
	const struct memo_column all[] = { { "SCENARIO", false, 0 }, { "CALLS", true, 2 },
					   { "COST", true, 0 },	     { "INTERVAL", true, 0 },
					   { "A CALL", true, 1 },    { "CREDITS", true, 0 } };
	/* the memo is printed later */
	struct memo_column *columns = arena_alloc(&out->arena, sizeof all);
	int columns_count = 0;
	for (int k = 0; k < 6; k++)
		if ((k != 3 || r->interval->known) && (k != 5 || r->plan))
			columns[columns_count++] = all[k];
	char days[DAYS_TEXT_MAX], n[4][COUNT_WORDS_MAX];
	struct buf b = { 0 };
	int128 most = 1;
	out->title = "What it will cost";
	out->subtitle = arena_printf(&out->arena, "%s (%s), at the prices stated for %s",
				     days_format(r->work->first_day,
						 r->work->first_day + r->work->days - 1, days),
				     r->timezone, r->work->days == 1 ? "that day" : "those days");
	out->dated.us = r->work->first_day * US_PER_DAY;
	if (r->note)
		memo_text(out, "%s", r->note);
	memo_text(out, "%s on a day of work; %s of a prompt in the cache, %s, %s of the answer.",
		  count_words(n[0], r->work->per_day, "call"),
		  count_words(n[1], r->work->cached, "token"),
		  count_words(n[2], r->work->input, "other"),
		  count_words(n[3], r->work->output, "token"));
	memo_table(out, columns, columns_count);
	for (size_t i = 0; i < r->count; i++) {
		const int128 cost = r->result[i].total.cost.atto;
		memo_row(out, r, i);
		most = cost > most ? cost : most;
	}
	memo_bars(out, "Cost of each scenario");
	for (size_t i = 0; i < r->count; i++) {
		const struct planner_sums *s = &r->result[i].total;
		memo_bar(out, r->scenario[i].name,
			 cents_text(&b, s->cost, r->currency, at_least(s->unpriced > 0)),
			 (int)(s->cost.atto / (most / 1000 + 1)));
	}
	memo_periods(out, r);
	for (size_t i = 0; i < r->count; i++)
		if (*units_text(r, i, &b))
			memo_point(out, "%s", b.p);
	for (size_t i = 0; i < r->count; i++)
		if (*moves_text(r, i, &b))
			memo_point(out, "%s: %s", r->scenario[i].name, b.p);
	for (size_t i = 0; i < r->count; i++)
		for (int k = 0; k < REMARKS; k++)
			if (*remark(r, i, k, &b))
				memo_point(out, "%s", b.p);
	buf_release(&b);
}
