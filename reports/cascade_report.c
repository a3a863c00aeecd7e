#include "reports/cascade_report.h"

#include <stdio.h>

#include "reports/amount.h"
#include "reports/json_out.h"
#include "reports/table.h"

static const int128 billion = 1000000000;

static const char *nano_text(int128 v, char buf[DECIMAL_TEXT_MAX])
{
	decimal_format_fixed(buf, v, 9);
	return buf;
}

/* Six decimals of a share. */
static const char *share_text(int128 v, char buf[DECIMAL_TEXT_MAX])
{
	bool changed;
	return decimal_format(decimal_round_places((struct decimal){ v, 9 }, 6, &changed), buf);
}

static void put_share(struct json_out *j, const char *key, bool known, int128 v)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_string(j, key, known ? share_text(v, text) : NULL);
}

static void put_cost_json(struct json_out *j, const char *key, const struct cascade_report *r,
			  struct money_total cost)
{
	if (r->result->has_costs)
		json_out_money(j, key, cost);
	else
		json_out_null(j, key);
}

/* Whole counts as integers; where a gate decides by chance the expectation stands beside. */
static void put_count_of(struct json_out *j, const char *key, const char *expected, int128 count)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_int(j, key, (int64_t)((count * 2 + billion) / (2 * billion)));
	if (count % billion)
		json_out_string(j, expected, nano_text(count, text));
}

/* cost / count, rounded to 12 decimals; NULL where nothing is solved. */
static const char *per(int128 cost, int128 count_nano, char buf[DECIMAL_TEXT_MAX])
{
	if (count_nano == 0)
		return NULL;
	int128 a = cost * billion, q = (2 * (a < 0 ? -a : a) + count_nano) / (2 * count_nano);
	bool changed;
	return decimal_format(
		decimal_round_places((struct decimal){ a < 0 ? -q : q, MONEY_TOTAL_PLACES },
				     MONEY_PLACES, &changed),
		buf);
}

static void put_interval(struct json_out *j, const struct cascade_report *r)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, "interval");
	json_out_money(j, "low", r->result->cost_per_solved.low);
	json_out_money(j, "high", r->result->cost_per_solved.high);
	json_out_string(j, "level",
			decimal_format((struct decimal){ r->options->level_permille, 3 }, text));
	json_out_end(j, '}');
}

static void put_policy(struct json_out *j, const char *key, const struct cascade_report *r,
		       const struct cascade_policy *p, const int64_t wilson[2])
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, key);
	put_count_of(j, "solved", "expected_solved", p->solved_nano);
	put_cost_json(j, "cost", r, p->cost);
	if (r->result->has_costs)
		json_out_string(j, "cost_per_solved", per(p->cost.atto, p->solved_nano, text));
	if (wilson) {
		json_out_array(j, "solved_share_interval");
		put_share(j, NULL, true, wilson[0]);
		put_share(j, NULL, true, wilson[1]);
		json_out_end(j, ']');
	}
	json_out_end(j, '}');
}

static void put_cascade(struct json_out *j, const struct cascade_report *r)
{
	const struct cascade_result *c = r->result;
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, "cascade");
	put_count_of(j, "escalated", "expected_escalated", c->cascade.escalated_nano);
	put_count_of(j, "solved", "expected_solved", c->cascade.solved_nano);
	put_cost_json(j, "cost", r, c->cascade.cost);
	if (c->has_costs) {
		json_out_string(j, "cost_per_solved",
				per(c->cascade.cost.atto, c->cascade.solved_nano, text));
		int128 more = c->cascade.solved_nano - c->cheap.solved_nano;
		json_out_string(j, "marginal_cost_per_extra_solve",
				more > 0
					? per(c->cascade.cost.atto - c->cheap.cost.atto, more, text)
					: NULL);
	}
	json_out_array(j, "solved_share_interval");
	put_share(j, NULL, true, c->wilson_nano[2][0]);
	put_share(j, NULL, true, c->wilson_nano[2][1]);
	json_out_end(j, ']');
	if (c->has_interval)
		put_interval(j, r);
	json_out_end(j, '}');
}

static void put_sweep(struct json_out *j, const struct cascade_report *r)
{
	const struct cascade_result *c = r->result;
	if (r->sweep) {
		json_out_string(j, "signal", r->sweep);
		json_out_string(j, "escalates", r->options->high_escalates ? "high" : "low");
	}
	json_out_array(j, "sweep");
	for (size_t i = 0; i < c->sweeps; i++) {
		const struct cascade_point *p = &c->sweep[i];
		json_out_object(j, NULL);
		json_out_decimal(j, "threshold", p->threshold);
		json_out_int(j, "escalated", p->escalated);
		json_out_int(j, "solved", p->solved);
		put_cost_json(j, "cost", r, p->cost);
		json_out_bool(j, "pareto", p->on_hull);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_observed(struct json_out *j, const struct outcomes *o)
{
	json_out_object(j, "observed");
	json_out_int(j, "tasks", (int64_t)o->tasks);
	if (o->has_runs)
		json_out_int(j, "solved", o->run_solved);
	json_out_money(j, "cost", o->cost);
	json_out_int(j, "attempts", o->attempts);
	json_out_int(j, "attempts_without_model", o->without_model);
	json_out_money(j, "cost_without_model", o->cost_without_model);
	if (o->has_runs) {
		json_out_object(j, "gate");
		json_out_int(j, "accepted", o->accepted);
		json_out_int(j, "accepted_solved", o->accepted_solved);
		json_out_end(j, '}');
	}
	json_out_array(j, "models");
	for (size_t m = 0; m < o->models; m++) {
		int64_t tried = 0, solved = 0;
		struct money_total cost = { 0 };
		for (size_t t = 0; t < o->tasks; t++) {
			const struct outcome *x = outcome_at(o, t, (int)m);
			tried += x->tried;
			solved += x->solved;
			cost.atto += x->cost.atto;
		}
		json_out_object(j, NULL);
		json_out_text(j, "model", o->model[m]);
		json_out_int(j, "tasks", tried);
		json_out_int(j, "solved", solved);
		json_out_money(j, "cost", cost);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
}

void cascade_report_put(struct buf *out, const struct cascade_report *r)
{
	const struct cascade_result *c = r->result;
	struct json_out j;
	json_out_open(&j, NULL);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.cascade/1");
	if (c) {
		json_out_int(&j, "tasks", c->tasks);
		json_out_int(&j, "incomplete", c->incomplete);
		json_out_object(&j, "joint");
		json_out_int(&j, "both", c->both);
		json_out_int(&j, "cheap_only", c->cheap_only);
		json_out_int(&j, "strong_only", c->strong_only);
		json_out_int(&j, "neither", c->neither);
		json_out_end(&j, '}');
		json_out_string(&j, "currency", r->currency);
		put_policy(&j, "cheap", r, &c->cheap, c->wilson_nano[0]);
		put_policy(&j, "strong", r, &c->strong, c->wilson_nano[1]);
		put_cascade(&j, r);
		put_share(&j, "break_even_escalation_rate", c->has_break_even, c->break_even_nano);
		put_share(&j, "break_even_escalation_rate_of_escalated", c->has_break_even,
			  c->break_even_escalated_nano);
		put_policy(&j, "oracle", r, &c->oracle, NULL);
		put_share(&j, "mcnemar_p", true, c->mcnemar_p_nano);
		put_sweep(&j, r);
		put_share(&j, "apgr", c->has_apgr, c->apgr_nano);
		put_share(&j, "aiq", c->has_aiq, c->aiq_nano);
		put_share(&j, "cpt50", c->has_cpt50, c->cpt50_nano);
		put_share(&j, "cpt80", c->has_cpt80, c->cpt80_nano);
	} else {
		json_out_int(&j, "tasks", (int64_t)r->outcomes->tasks);
	}
	put_observed(&j, r->outcomes);
	json_out_end(&j, '}');
	json_out_take(&j, out);
}

void cascade_report_csv(const struct cascade_report *r)
{
	const struct cascade_result *c = r->result;
	char a[DECIMAL_TEXT_MAX], b[DECIMAL_TEXT_MAX], d[DECIMAL_TEXT_MAX];
	if (!c)
		return;
	if (c->sweeps) {
		printf("threshold,escalated,solved,cost,pareto\n");
		for (size_t i = 0; i < c->sweeps; i++)
			printf("%s,%lld,%lld,%s,%d\n", decimal_format(c->sweep[i].threshold, a),
			       (long long)c->sweep[i].escalated, (long long)c->sweep[i].solved,
			       c->has_costs ? money_total_format(c->sweep[i].cost, b) : "",
			       c->sweep[i].on_hull);
		return;
	}
	const struct {
		const char *name;
		const struct cascade_policy *p;
	} rows[] = { { "cheap", &c->cheap },
		     { "strong", &c->strong },
		     { "cascade", &c->cascade },
		     { "oracle", &c->oracle } };
	printf("policy,escalated,solved,cost\n");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		printf("%s,%s,%s,%s\n", rows[i].name, nano_text(rows[i].p->escalated_nano, a),
		       nano_text(rows[i].p->solved_nano, b),
		       c->has_costs ? money_total_format(rows[i].p->cost, d) : "");
}

static void percent_cell(struct table *t, int128 part_nano, int64_t n)
{
	char text[DECIMAL_TEXT_MAX + 4];
	if (n == 0 || !ratio_format(part_nano / 10000000, (int128)n, 1, text))
		strcpy(text, "-");
	strcat(text, " %");
	table_cell(t, text);
}

static void money_cell(struct table *t, const struct cascade_report *r, const char *plain)
{
	struct buf b = { 0 };
	bool changed;
	struct decimal d;
	char text[DECIMAL_TEXT_MAX];
	if (!r->result->has_costs || !plain || decimal_parse(&d, text_of(plain), NULL) != 0) {
		table_cell(t, "-");
		return;
	}
	decimal_format(decimal_round_places(d, 4, &changed), text);
	put_amount(&b, text, r->currency, EXACTLY);
	table_cell(t, b.p);
	buf_release(&b);
}

/* An amount in a line of text, as the cells above have it. */
static const char *shown_amount(char room[DECIMAL_TEXT_MAX * 2], const char *plain,
				const struct cascade_report *r)
{
	struct buf b = { 0 };
	bool changed;
	struct decimal d;
	char text[DECIMAL_TEXT_MAX];
	if (decimal_parse(&d, text_of(plain), NULL) == 0)
		plain = decimal_format(decimal_round_places(d, 4, &changed), text);
	put_amount(&b, plain, r->currency, EXACTLY);
	snprintf(room, DECIMAL_TEXT_MAX * 2, "%s", b.p);
	buf_release(&b);
	return room;
}

static void policy_row(struct table *t, const struct cascade_report *r, const char *name,
		       struct text model, const struct cascade_policy *p, const int64_t wilson[2])
{
	char text[DECIMAL_TEXT_MAX], low[DECIMAL_TEXT_MAX], high[DECIMAL_TEXT_MAX];
	struct buf b = { 0 };
	bool changed;
	buf_printf(&b, "%s%s%.*s", name, model.n ? " " : "", (int)model.n, model.n ? model.p : "");
	table_cell(t, b.p);
	b.n = 0;
	decimal_format(decimal_round_places((struct decimal){ p->solved_nano, 9 }, 2, &changed),
		       text);
	table_cell(t, text);
	percent_cell(t, p->solved_nano, r->result->tasks);
	if (wilson) {
		decimal_format(decimal_round_places((struct decimal){ wilson[0], 7 }, 1, &changed),
			       low);
		decimal_format(decimal_round_places((struct decimal){ wilson[1], 7 }, 1, &changed),
			       high);
		buf_printf(&b, "%s to %s %%", low, high);
		table_cell(t, b.p);
	} else {
		table_cell(t, "");
	}
	decimal_format(decimal_round_places((struct decimal){ p->escalated_nano, 9 }, 2, &changed),
		       text);
	table_cell(t, text);
	money_cell(t, r, money_total_format(p->cost, text));
	money_cell(t, r, per(p->cost.atto, p->solved_nano, text));
	buf_release(&b);
}

static void print_observed(const struct outcomes *o, const char *currency)
{
	struct buf b = { 0 };
	put_money(&b, o->cost, currency, EXACTLY);
	char tasks[COUNT_WORDS_MAX], attempts[COUNT_WORDS_MAX];
	printf("%s, %s, %s", count_words(tasks, (int64_t)o->tasks, "task"),
	       count_words(attempts, o->attempts, "attempt"), o->cost.atto ? b.p : "no costs");
	if (o->has_runs)
		printf("; %lld solved; the file's gate accepted %lld, of which %lld were right",
		       (long long)o->run_solved, (long long)o->accepted,
		       (long long)o->accepted_solved);
	printf("\n");
	if (o->without_model) {
		put_money(&b, o->cost_without_model, currency, EXACTLY);
		print_note("%lld attempts (%s) name no model: counted here, and in no model's "
			   "figures",
			   (long long)o->without_model, b.p);
	}
	buf_release(&b);
}

static void print_sweep(const struct cascade_report *r)
{
	static const struct table_column columns[] = { { "THRESHOLD", true, false },
						       { "ESCALATED", true, false },
						       { "SOLVED", true, false },
						       { "COST", true, false },
						       { "", false, false } };
	enum { ROWS_SHOWN = 20 };
	const struct cascade_result *c = r->result;
	char text[DECIMAL_TEXT_MAX];
	struct buf b = { 0 };
	size_t shown = 0, every = c->sweeps / ROWS_SHOWN + 1;
	printf(r->options->high_escalates
		       ? "\nTasks with %s at or above the threshold are escalated, the others "
			 "accepted:\n"
		       : "\nThe cheap model's answers with %s at or above the threshold are "
			 "accepted, the others escalated:\n",
	       r->sweep);
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < c->sweeps; i++) {
		const struct cascade_point *p = &c->sweep[i];
		if (i % every && i + 1 < c->sweeps)
			continue;
		table_cell(t, decimal_format(p->threshold, text));
		put_count(&b, p->escalated);
		table_cell(t, b.p);
		put_count(&b, p->solved);
		table_cell(t, b.p);
		money_cell(t, r, money_total_format(p->cost, text));
		table_cell(t, p->on_hull ? "Pareto" : "");
		shown++;
	}
	table_print(t);
	table_close(t);
	if (shown < c->sweeps)
		printf("%zu of %zu thresholds; --csv has all\n", shown, c->sweeps);
	buf_release(&b);
}

void cascade_report_table(const struct cascade_report *r)
{
	static const struct table_column columns[] = {
		{ "POLICY", .may_shrink = true },
		{ "SOLVED", true },
		{ "SHARE", true, .leaves = 2 },
		{ "INTERVAL", true, .leaves = 1 },
		{ "ESCALATED", true, .leaves = 3 },
		{ "COST", true },
		{ "PER SOLVED", true },
	};
	const struct cascade_result *c = r->result;
	char text[DECIMAL_TEXT_MAX], other[DECIMAL_TEXT_MAX], a[DECIMAL_TEXT_MAX * 2],
		b[DECIMAL_TEXT_MAX * 2];
	if (!c) {
		print_observed(r->outcomes, r->currency);
		return;
	}
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	policy_row(t, r, "cheap:", r->outcomes->model[r->options->cheap], &c->cheap,
		   c->wilson_nano[0]);
	policy_row(t, r, "strong:", r->outcomes->model[r->options->strong], &c->strong,
		   c->wilson_nano[1]);
	policy_row(t, r, "cascade", (struct text){ 0 }, &c->cascade, c->wilson_nano[2]);
	policy_row(t, r, "oracle", (struct text){ 0 }, &c->oracle, NULL);
	table_print(t);
	table_close(t);
	print_note(
		"\njoint    both %lld, cheap only %lld, strong only %lld, neither %lld (McNemar p = %s)",
		(long long)c->both, (long long)c->cheap_only, (long long)c->strong_only,
		(long long)c->neither, share_text(c->mcnemar_p_nano, text));
	if (c->has_break_even)
		print_note(
			"break even at %s of the tasks escalated, by average costs; at %s with the "
			"costs of those that are",
			percent_text(c->break_even_nano, billion, text),
			percent_text(c->break_even_escalated_nano, billion, other));
	int128 more = c->cascade.solved_nano - c->cheap.solved_nano;
	if (c->has_costs && more > 0)
		print_note("each task that the cascade solves beyond the cheap model costs %s",
			   shown_amount(a,
					per(c->cascade.cost.atto - c->cheap.cost.atto, more, text),
					r));
	if (c->has_interval)
		print_note("cost per solved task in the cascade: %s to %s (%d.%d %% of resampled "
			   "tasks)",
			   shown_amount(a, money_total_format(c->cost_per_solved.low, text), r),
			   shown_amount(b, money_total_format(c->cost_per_solved.high, other), r),
			   r->options->level_permille / 10, r->options->level_permille % 10);
	if (c->has_apgr || c->has_aiq)
		print_note("%s%s%s%s%s%s%s", c->has_apgr ? "APGR " : "",
			   c->has_apgr ? share_text(c->apgr_nano, text) : "",
			   c->has_apgr
				   ? " (share of the quality gap recovered, over all thresholds)"
				   : "",
			   c->has_apgr && c->has_aiq ? "; " : "", c->has_aiq ? "AIQ " : "",
			   c->has_aiq ? share_text(c->aiq_nano, other) : "",
			   c->has_aiq ? " (quality over cost)" : "");
	if (c->incomplete)
		print_note("%s not tried by both models: in no figure above",
			   count_words(text, c->incomplete, "task"));
	if (!c->has_costs)
		print_note("some costs are not known, so there are no amounts");
	if (c->sweeps)
		print_sweep(r);
	if (!r->quiet)
		print_observed(r->outcomes, r->currency);
}
