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

/* Cost of a call, escalations and retries included, to twelve decimals. */
static const char *per_call(const struct planner_sums *s, char buf[DECIMAL_TEXT_MAX])
{
	const int128 one = (int128)1000000000000000000;
	if (!s->calls || !ratio_format(s->cost.atto, one * s->calls, 12, buf))
		return "0";
	struct decimal d;
	return decimal_parse(&d, text_of(buf), NULL) == 0 ? decimal_format(d, buf) : buf;
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
	put_periods(j, r, "by_month", "month", 7, result->month, result->months);
	put_periods(j, r, "by_day", "day", 10, result->day, result->days);
	json_out_end(j, '}');
}

void plan_report_json(const struct plan_report *r)
{
	struct json_out j;
	char text[16];
	json_out_open(&j, stdout);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.plan/1");
	json_out_string(&j, "currency", r->currency);
	json_out_string(&j, "timezone", r->timezone);
	json_out_string(&j, "from", day_text(r->work->first_day, text));
	json_out_string(&j, "to", day_text(r->work->first_day + r->work->days, text));
	json_out_array(&j, "scenarios");
	for (size_t i = 0; i < r->count; i++)
		put_scenario(&j, r, i);
	json_out_end(&j, ']');
	json_out_end(&j, '}');
	json_out_close(&j);
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

/* What one should know before one believes the figures. */
static void put_remarks(const struct plan_report *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct planner_result *p = &r->result[i];
		const char *name = r->scenario[i].name;
		if (p->total.unpriced)
			printf("%s: %lld requests have no price and are left out: %s\n", name,
			       (long long)p->total.unpriced, p->unpriced.message);
		if (p->total.uncovered)
			printf("%s: the plan covers %lld requests not: %s\n", name,
			       (long long)p->total.uncovered, p->uncovered.message);
		if (p->too_long)
			printf("%s: a call does not fit into the context of %s\n", name,
			       p->too_long);
	}
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
	printf("\n%s to %s (%s), at the prices that the book states for those days\n",
	       day_text(r->work->first_day, from),
	       day_text(r->work->first_day + r->work->days - 1, to), r->timezone);
	put_remarks(r);
	buf_release(&name);
}
