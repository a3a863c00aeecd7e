#include "reports/plan_report.h"

#include <stdio.h>

#include "base/csv.h"
#include "reports/amount.h"
#include "reports/json_out.h"
#include "reports/table.h"

static char *day_text(int64_t day, char buf[16])
{
	struct civil c = civil_from_day(day);
	snprintf(buf, 16, "%04d-%02d-%02d", c.year, c.month, c.day);
	return buf;
}

/* Cost of so many calls, escalations and retries included, to twelve decimals. */
static const char *per_unit(const struct planner_sums *s, int64_t calls, char buf[DECIMAL_TEXT_MAX])
{
	const int128 one = (int128)1000000000000000000;
	int128 cost;
	if (!s->calls || __builtin_mul_overflow(s->cost.atto, (int128)calls, &cost) ||
	    !ratio_format(cost, one * s->calls, 12, buf))
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
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

/* "10 % more calls +$6.28, ..." */
static const char *moves_text(const struct plan_report *r, size_t i, struct buf *b)
{
	struct buf amount = { 0 };
	char cent[DECIMAL_TEXT_MAX * 2];
	b->n = 0;
	buf_puts(b, "");
	for (size_t k = 0; k < r->moves[i].count; k++) {
		const struct plan_move *m = &r->moves[i].move[k];
		const struct money_total by = money_total_minus(m->cost, r->result[i].total.cost);
		put_money(&amount, by, r->currency, false);
		amount_to_the_cent(cent, sizeof cent, amount.p);
		buf_printf(b, "%s%s %s%s", k ? ", " : "", m->words, by.atto > 0 ? "+" : "", cent);
	}
	buf_release(&amount);
	return b->p;
}

/* "a conversation of 40 calls costs $0.046" */
static const char *conversation_text(const struct plan_report *r, size_t i, struct buf *b)
{
	char text[DECIMAL_TEXT_MAX];
	struct buf amount = { 0 };
	b->n = 0;
	buf_puts(b, "");
	put_amount(&amount, per_unit(&r->result[i].total, r->turns, text), r->currency,
		   r->result[i].total.unpriced > 0);
	if (r->turns > 1)
		buf_printf(b, "%s: a conversation of %lld calls costs %s", r->scenario[i].name,
			   (long long)r->turns, amount.p);
	buf_release(&amount);
	return b->p;
}

static void put_periods(struct json_out *j, const struct plan_report *r, const char *key,
			const char *name, size_t name_length, const struct planner_sums *s,
			size_t count)
{
	char text[16];
	json_out_array(j, key);
	for (size_t i = 0; i < count; i++) {
		day_text(s[i].day, text);
		json_out_object(j, NULL);
		json_out_text(j, name, (struct text){ text, name_length });
		json_out_int(j, "records", s[i].calls);
		json_out_money(j, "total", s[i].cost);
		if (r->plan)
			json_out_credits(j, "credits", s[i].credits);
		if (s[i].unpriced)
			json_out_int(j, "unpriced", s[i].unpriced);
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
	if (r->turns > 1) {
		json_out_int(j, "turns", r->turns);
		json_out_string(j, "per_conversation", per_unit(s, r->turns, text));
	}
	put_moves(j, r, i);
	put_periods(j, r, "by_month", "month", 7, result->month, result->months);
	put_periods(j, r, "by_day", "day", 10, result->day, result->days);
	json_out_end(j, '}');
}

void plan_report_put(struct json_out *j, const struct plan_report *r)
{
	char text[16];
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.plan/1");
	json_out_string(j, "currency", r->currency);
	json_out_string(j, "timezone", r->timezone);
	json_out_string(j, "from", day_text(r->work->first_day, text));
	json_out_string(j, "to", day_text(r->work->first_day + r->work->days, text));
	json_out_array(j, "scenarios");
	for (size_t i = 0; i < r->count; i++)
		put_scenario(j, r, i);
	json_out_end(j, ']');
	json_out_end(j, '}');
}

void plan_report_csv(const struct plan_report *r)
{
	struct buf b = { 0 };
	char day[16], text[DECIMAL_TEXT_MAX];
	buf_printf(&b, "scenario,day,calls,requests,currency,total%s,unpriced\n",
		   r->plan ? ",credits" : "");
	for (size_t i = 0; i < r->count; i++)
		for (size_t k = 0; k < r->result[i].days; k++) {
			const struct planner_sums *s = &r->result[i].day[k];
			csv_put_text(&b, text_of(r->scenario[i].name));
			buf_printf(&b, ",%s,%lld,%lld,%s,%s", day_text(s->day, day),
				   (long long)s->calls, (long long)s->requests, r->currency,
				   money_total_format(s->cost, text));
			if (r->plan)
				buf_printf(&b, ",%s", credits_format(s->credits, text));
			buf_printf(&b, ",%lld\n", (long long)s->unpriced);
		}
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
}

static void put_row(struct table *t, const struct plan_report *r, const char *name,
		    const struct planner_sums *s, bool whole)
{
	struct buf b = { 0 };
	char text[DECIMAL_TEXT_MAX];
	table_cell(t, name);
	put_count(&b, s->calls);
	table_cell(t, b.p);
	put_money(&b, s->cost, r->currency, s->unpriced > 0);
	table_cell(t, b.p);
	put_amount(&b, per_call(s, text), r->currency, s->unpriced > 0);
	table_cell(t, whole ? b.p : "");
	if (r->plan) {
		put_amount(&b, credits_format(s->credits, text), NULL, s->uncovered > 0);
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
		buf_printf(b, "%s: %lld requests have no price and are left out: %s", name,
			   (long long)p->total.unpriced, p->unpriced.message);
	if (k == 1 && p->total.uncovered)
		buf_printf(b, "%s: the plan does not cover %lld requests: %s", name,
			   (long long)p->total.uncovered, p->uncovered.message);
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

void plan_report_table(const struct plan_report *r)
{
	static const struct table_column columns[] = { { "SCENARIO", .may_shrink = true },
						       { "CALLS", .right = true, .leaves = 2 },
						       { "COST", .right = true, .money = true },
						       { "A CALL", .right = true, .leaves = 1 },
						       { "CREDITS", .right = true } };
	struct table *t = table_open(columns, r->plan ? 5 : 4);
	struct buf name = { 0 };
	char from[16], to[16], month[16];
	for (size_t i = 0; i < r->count; i++) {
		const struct planner_result *p = &r->result[i];
		put_row(t, r, r->scenario[i].name, &p->total, true);
		for (size_t k = 0; p->months > 1 && k < p->months; k++) {
			name.n = 0;
			buf_printf(&name, "  %.7s", day_text(p->month[k].day, month));
			put_row(t, r, name.p, &p->month[k], false);
		}
	}
	table_print(t);
	table_close(t);
	print_note("\n%s to %s (%s), at the prices that the book states for those days",
		   day_text(r->work->first_day, from),
		   day_text(r->work->first_day + r->work->days - 1, to), r->timezone);
	for (size_t i = 0; i < r->count; i++)
		if (*conversation_text(r, i, &name))
			print_note("%s", name.p);
	for (size_t i = 0; i < r->count && !r->quiet; i++)
		if (*moves_text(r, i, &name))
			print_note("%s: %s", r->scenario[i].name, name.p);
	put_remarks(r);
	buf_release(&name);
}

static const char *to_the_cent(struct buf *b, struct money_total m, const char *currency,
			       bool lower)
{
	char cent[DECIMAL_TEXT_MAX * 2];
	put_money(b, m, currency, lower);
	amount_to_the_cent(cent, sizeof cent, b->p);
	b->n = 0;
	buf_puts(b, cent);
	return b->p;
}

static void memo_row(struct memo *out, const struct plan_report *r, size_t i)
{
	const struct planner_sums *s = &r->result[i].total;
	char text[DECIMAL_TEXT_MAX];
	struct buf b = { 0 };
	memo_cell(out, r->scenario[i].name);
	put_count(&b, s->calls);
	memo_cell(out, b.p);
	memo_cell(out, to_the_cent(&b, s->cost, r->currency, s->unpriced > 0));
	put_amount(&b, per_call(s, text), r->currency, s->unpriced > 0);
	memo_cell(out, b.p);
	if (r->plan) {
		put_amount(&b, credits_format(s->credits, text), NULL, s->uncovered > 0);
		memo_cell(out, b.p);
	}
	buf_release(&b);
}

/* What a scenario's chart shows: months, or days where there is one month only. */
static const struct planner_sums *periods(const struct planner_result *p, size_t *count)
{
	*count = p->months > 1 ? p->months : p->days;
	return p->months > 1 ? p->month : p->day;
}

/* Bars of one scale over all scenarios. */
static void memo_periods(struct memo *out, const struct plan_report *r)
{
	int128 most = 1;
	size_t count;
	char day[16], title[200];
	struct buf b = { 0 };
	for (size_t i = 0; i < r->count; i++) {
		const struct planner_sums *s = periods(&r->result[i], &count);
		for (size_t k = 0; k < count; k++)
			most = s[k].cost.atto > most ? s[k].cost.atto : most;
	}
	for (size_t i = 0; i < r->count; i++) {
		const struct planner_sums *s = periods(&r->result[i], &count);
		const bool months = r->result[i].months > 1;
		if (count < 2)
			continue;
		snprintf(title, sizeof title, "%s by %s", r->scenario[i].name,
			 months ? "month" : "day");
		memo_bars(out, title);
		for (size_t k = 0; k < count; k++) {
			day_text(s[k].day, day)[months ? 7 : 10] = 0;
			memo_bar(out, day,
				 to_the_cent(&b, s[k].cost, r->currency, s[k].unpriced > 0),
				 (int)(s[k].cost.atto / (most / 1000 + 1)));
		}
	}
	buf_release(&b);
}

void plan_report_memo(struct memo *out, const struct plan_report *r)
{
	static const struct memo_column columns[] = { { "SCENARIO", false, 0 },
						      { "CALLS", true, 2 },
						      { "COST", true, 0 },
						      { "A CALL", true, 1 },
						      { "CREDITS", true, 0 } };
	char from[16], to[16], n[4][COUNT_WORDS_MAX];
	struct buf b = { 0 };
	int128 most = 1;
	out->title = "What it will cost";
	out->subtitle =
		arena_printf(&out->arena, "%s to %s (%s), at the prices stated for those days",
			     day_text(r->work->first_day, from),
			     day_text(r->work->first_day + r->work->days - 1, to), r->timezone);
	out->dated.us = r->work->first_day * US_PER_DAY;
	if (r->note)
		memo_text(out, "%s", r->note);
	memo_text(out, "%s on a day of work; %s of a prompt in the cache, %s, %s of the answer.",
		  count_words(n[0], r->work->per_day, "call"),
		  count_words(n[1], r->work->cached, "token"),
		  count_words(n[2], r->work->input, "other"),
		  count_words(n[3], r->work->output, "token"));
	memo_table(out, columns, r->plan ? 5 : 4);
	for (size_t i = 0; i < r->count; i++) {
		const int128 cost = r->result[i].total.cost.atto;
		memo_row(out, r, i);
		most = cost > most ? cost : most;
	}
	memo_bars(out, "Cost of each scenario");
	for (size_t i = 0; i < r->count; i++) {
		const struct planner_sums *s = &r->result[i].total;
		memo_bar(out, r->scenario[i].name,
			 to_the_cent(&b, s->cost, r->currency, s->unpriced > 0),
			 (int)(s->cost.atto / (most / 1000 + 1)));
	}
	memo_periods(out, r);
	for (size_t i = 0; i < r->count; i++)
		if (*conversation_text(r, i, &b))
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
