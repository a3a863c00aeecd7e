#include "reports/overview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/amount.h"
#include "reports/lower_bound_report.h"
#include "reports/plain.h"
#include "reports/table.h"
#include "reports/usage_report.h"

enum { MODELS_SHOWN = 7 };

/* The days from `from` to `to`, both included. */
static struct usage_sums sums_of(const struct overview *o, int64_t from, int64_t to)
{
	struct usage_sums s = { 0 };
	char first[16], last[16];
	day_format(from, first);
	day_format(to, last);
	for (size_t i = 0; i < o->days->rows; i++) {
		const struct look_row *row = &o->days->row[i];
		if (text_cmp(row->label[0], text_of(first)) < 0 ||
		    text_cmp(row->label[0], text_of(last)) > 0)
			continue;
		look_add(&s, &row->sums);
	}
	return s;
}

struct named_days {
	const char *name, *key;
	int64_t from, to;
};

static void periods_of(const struct overview *o, struct named_days p[OVERVIEW_PERIODS])
{
	const int64_t day = o->today;
	p[0] = (struct named_days){ "today", "today", day, day };
	p[1] = (struct named_days){ "yesterday", "yesterday", day - 1, day - 1 };
	p[2] = (struct named_days){ "this week", "this_week", day - weekday_of_day(day), day };
	p[3] = (struct named_days){ "this month", "this_month", day - civil_from_day(day).day + 1,
				    day };
}

int64_t overview_first_day(const struct overview *o)
{
	struct named_days p[OVERVIEW_PERIODS];
	int64_t first = o->today;
	periods_of(o, p);
	for (int i = 0; i < OVERVIEW_PERIODS; i++)
		first = p[i].from < first ? p[i].from : first;
	return first;
}

bool overview_is_lower_bound(const struct overview *o)
{
	const struct lower_bound bound = usage_lower_bound(o->days->result);
	return usage_sums_at_least(usage_total(o->days->result)) ||
	       lower_bound_is_uncertain(&bound) || left_out_any(o->left_out);
}

/* What is said of them beside their cost. */
static struct lower_bound bound_of(const struct usage_sums *s)
{
	return (struct lower_bound){ .placeholders = s->placeholders, .unsaid = s->unsaid };
}

/* What each day of a period cost; nothing of a single day. */
static void put_days(struct table *t, const struct overview *o, const struct named_days *p)
{
	enum { DAYS_MOST = 31 };
	int128 cost[DAYS_MOST];
	size_t days = 0;
	for (int64_t day = p->from; day <= p->to && days < DAYS_MOST && p->to > p->from; day++)
		cost[days++] = sums_of(o, day, day).cost.atto;
	table_sparkline(t, cost, days);
}

static void put_periods(const struct overview *o)
{
	static const struct table_column columns[] = { { "" },
						       { "CALLS", true },
						       { "TOKENS", true },
						       { "COST", true, .money = true },
						       { "", .bar = true } };
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	struct named_days p[OVERVIEW_PERIODS];
	struct buf b = { 0 };
	periods_of(o, p);
	for (int i = 0; i < OVERVIEW_PERIODS; i++) {
		const struct usage_sums s = sums_of(o, p[i].from, p[i].to);
		table_cell(t, p[i].name);
		put_count(&b, s.records);
		table_cell(t, b.p);
		put_count(&b, look_tokens(&s));
		table_cell(t, b.p);
		put_cost(&b, &s, usage_currency(o->days->result));
		table_cell(t, b.p);
		put_days(t, o, &p[i]);
	}
	table_print(t);
	table_close(t);
	buf_release(&b);
}

void overview_json(const struct overview *o)
{
	struct json_out j;
	struct named_days p[OVERVIEW_PERIODS];
	periods_of(o, p);
	json_out_open(&j, stdout);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.overview/1");
	json_out_string(&j, "currency", usage_currency(o->days->result));
	json_out_string(&j, "timezone", o->timezone);
	for (int i = 0; i < OVERVIEW_PERIODS; i++) {
		const struct usage_sums s = sums_of(o, p[i].from, p[i].to);
		json_out_object(&j, p[i].key);
		put_usage_sums(&j, &s);
		const struct lower_bound bound = bound_of(&s);
		put_lower_bound(&j, &bound);
		json_out_end(&j, '}');
	}
	if (o->has_newest) {
		char day[16];
		day_format(o->newest, day);
		json_out_string(&j, "newest_record", day);
	}
	put_left_out(&j, o->left_out);
	const struct lower_bound whole = usage_lower_bound(o->days->result);
	put_lower_bound(&j, &whole);
	put_unpriced_reasons(&j, o->days->result);
	json_out_end(&j, '}');
	json_out_close(&j);
}

static int dearest_first(const void *x, const void *y)
{
	const struct look_model *a = x, *b = y;
	return (a->sums.cost.atto < b->sums.cost.atto) - (a->sums.cost.atto > b->sums.cost.atto);
}

/* The models of the month with the share of each. */
static void put_models(const struct overview *o, int64_t month_start)
{
	static const struct table_column columns[] = { { "THIS MONTH BY MODEL",
							 .may_shrink = true },
						       { "SHARE", true },
						       { "COST", true, .money = true },
						       { "", .bar = true } };
	const struct usage_sums whole = sums_of(o, month_start, o->today);
	struct look_models models = { 0 };
	char first[16];
	struct buf b = { 0 };
	day_format(month_start, first);
	for (size_t i = 0; i < o->days->rows; i++) {
		const struct look_row *row = &o->days->row[i];
		for (size_t m = 0; m < row->models; m++)
			if (text_cmp(row->label[0], text_of(first)) >= 0)
				look_models_add(&models, row->model[m].name, &row->model[m].sums);
	}
	dict_release(&models.index);
	struct look_model *model = models.model;
	const size_t n = models.count;
	if (n == 0)
		return;
	qsort(model, n, sizeof *model, dearest_first);
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < n && i < MODELS_SHOWN; i++) {
		const int128 all = whole.cost.atto;
		const int share = all > 0 ? (int)((model[i].sums.cost.atto / (all / 1000 + 1))) : 0;
		table_cell(t, model[i].name.n ? model[i].name.p : "(no model)");
		b.n = 0;
		buf_printf(&b, "%d %%", (share + 5) / 10);
		table_cell(t, b.p);
		put_cost(&b, &model[i].sums, usage_currency(o->days->result));
		table_cell(t, b.p);
		table_bar(t, model[i].sums.cost.atto, all);
	}
	printf("\n");
	table_print(t);
	table_close(t);
	if (n > MODELS_SHOWN)
		print_note("and %zu more (tally monthly --breakdown)", n - MODELS_SHOWN);
	buf_release(&b);
	free(model);
}

void overview_print(const struct overview *o)
{
	const int64_t month_start = o->today - civil_from_day(o->today).day + 1;
	printf("%s, days in %s\n\n", o->source, o->timezone);
	put_periods(o);
	put_models(o, month_start);
	if (overview_is_lower_bound(o))
		printf("\nNeeds a look\n");
	look_put_attention(o->days->result, o->left_out);
	const struct lower_bound bound = usage_lower_bound(o->days->result);
	print_lower_bound(&bound);
	if (o->has_newest) {
		char day[16];
		day_format(o->newest, day);
		print_note("\nThe newest record is of %s (tally daily --since %s)", day, day);
	}
	if (!o->no_hint)
		print_note(
			"\ntally daily, weekly, monthly, session, blocks show more; tally help lists all");
}
