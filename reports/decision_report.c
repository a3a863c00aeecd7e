#include "reports/decision_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/amount.h"
#include "reports/json_out.h"
#include "reports/table.h"

static const char *verdict_name(const struct decision_answer *a, bool has_floor)
{
	static const char *const names[] = { "meets the floor", "below the floor", "not known",
					     "not possible" };
	return a->verdict == KEEPS_FLOOR && !has_floor ? "possible" : names[a->verdict];
}

static const char *points(int64_t millionths, char out[DECIMAL_TEXT_MAX])
{
	return decimal_format((struct decimal){ millionths, 6 }, out);
}

/* What the route's figures rest on. */
static void put_rests(struct json_out *j, const struct decision_report *r,
		      const struct decision_work *w, const struct planner_scenario *s)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_array(j, "rests_on");
	for (int i = 0; i < s->parts; i++) {
		const struct decision_model *m = decision_model(r->decision, s->part[i].model);
		const struct measured *score = decision_score(m, w->measure);
		json_out_object(j, NULL);
		json_out_string(j, "model", m->name);
		if (score) {
			json_out_string(j, "benchmark", score->name);
			json_out_string(j, "score", decimal_format(score->value, text));
			json_out_string(j, "score_source", score->source);
			json_out_string(j, "score_date", score->date);
		}
		if (m->speed.value.digits) {
			json_out_string(j, "tokens_per_second",
					decimal_format(m->speed.value, text));
			json_out_string(j, "speed_source", m->speed.source);
			json_out_string(j, "speed_date", m->speed.date);
		}
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_answer(struct json_out *j, const struct decision_report *r,
		       const struct decision_work *w, int k, const struct decision_answer *a)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, NULL);
	json_out_string(j, "route", w->route[k].name);
	if (a->priced)
		json_out_money(j, "cost_per_task", a->cost);
	else
		json_out_null(j, "cost_per_task");
	json_out_string(j, "cost_from", a->cost_source ? "published" : "prices");
	if (a->inferred_tokens >= 0)
		json_out_int(j, "inferred_output_tokens", a->inferred_tokens);
	json_out_string(j, "score", a->has_score ? points(a->score, text) : NULL);
	if (a->has_score)
		json_out_bool(j, "score_at_least", a->at_least);
	if (a->has_score && a->priced && a->score > 0)
		json_out_money(j, "cost_per_point", a->per_point);
	else
		json_out_null(j, "cost_per_point");
	json_out_string(j, "seconds",
			a->milliseconds < 0 || a->cost_source
				? NULL
				: decimal_format((struct decimal){ a->milliseconds, 3 }, text));
	json_out_string(j, "verdict", verdict_name(a, w->has_floor));
	json_out_string(j, "why", a->why);
	put_rests(j, r, w, &w->route[k]);
	json_out_end(j, '}');
}

void decision_report_put(struct buf *out, const struct decision_report *r)
{
	const struct decision *d = r->decision;
	char text[DECIMAL_TEXT_MAX];
	struct json_out j;
	json_out_open(&j, NULL);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.decide/1");
	json_out_instant(&j, "prices_of", d->at);
	json_out_string(&j, "currency", r->currency);
	json_out_array(&j, "workloads");
	for (size_t i = 0; i < d->works; i++) {
		const struct decision_work *w = &d->work[i];
		json_out_object(&j, NULL);
		json_out_string(&j, "name", w->name);
		json_out_string(&j, "measure", w->measure);
		json_out_string(&j, "floor", w->has_floor ? decimal_format(w->floor, text) : NULL);
		json_out_string(&j, "needs", w->needs);
		json_out_string(&j, "tokens_from", w->tokens_from);
		json_out_string(&j, "cheapest",
				d->cheapest[i] < 0 ? NULL : w->route[d->cheapest[i]].name);
		json_out_array(&j, "routes");
		for (int k = 0; k < w->routes; k++)
			put_answer(&j, r, w, k, &d->answer[i][k]);
		json_out_end(&j, ']');
		json_out_end(&j, '}');
	}
	json_out_end(&j, ']');
	json_out_end(&j, '}');
	json_out_take(&j, out);
}

/* Six significant decimals are enough to compare; JSON has every digit. */
static const char *money(struct buf *b, struct money_total m, const char *currency)
{
	char text[DECIMAL_TEXT_MAX];
	bool cut;
	decimal_format(decimal_round_significant((struct decimal){ m.atto, MONEY_TOTAL_PLACES }, 4,
						 &cut),
		       text);
	put_amount(b, text, currency, EXACTLY);
	return b->p;
}

static void memo_answer(struct memo *out, const struct decision_report *r, size_t i, int k)
{
	const struct decision *d = r->decision;
	const struct decision_work *w = &d->work[i];
	const struct decision_answer *a = &d->answer[i][k];
	char text[DECIMAL_TEXT_MAX], grouped[DECIMAL_TEXT_MAX * 2], line[300];
	struct buf b = { 0 };
	memo_cell(out, k ? "" : w->name);
	snprintf(line, sizeof line, "%s%s", k == d->cheapest[i] ? "> " : "", w->route[k].name);
	memo_cell(out, line);
	memo_cell(out, a->priced ? money(&b, a->cost, r->currency) : "-");
	snprintf(line, sizeof line, "%s%s", a->at_least ? ">= " : "", points(a->score, text));
	memo_cell(out, a->has_score ? line : "-");
	memo_cell(out, a->has_score && a->priced && a->score > 0
			       ? money(&b, a->per_point, r->currency)
			       : "-");
	decimal_format(decimal_round_places((struct decimal){ a->milliseconds, 3 }, 1,
					    &(bool){ false }),
		       text);
	memo_cell(out, a->milliseconds < 0 || a->cost_source ? "-" : number_grouped(grouped, text));
	snprintf(line, sizeof line, "%s%s%s", verdict_name(a, w->has_floor), a->why ? ": " : "",
		 a->why ? a->why : "");
	memo_cell(out, line);
	buf_release(&b);
}

static void memo_rests(struct memo *out, const struct decision_report *r)
{
	const struct decision *d = r->decision;
	char text[DECIMAL_TEXT_MAX], n[4][COUNT_WORDS_MAX];
	memo_heading(out, "What this rests on");
	for (size_t i = 0; i < d->models; i++) {
		const struct decision_model *m = &d->model[i];
		for (size_t k = 0; k < m->scores; k++)
			memo_point(out, "%s: %s %s (%s, %s)", m->name, m->score[k].name,
				   decimal_format(m->score[k].value, text), m->score[k].source,
				   m->score[k].date);
		if (m->speed.value.digits)
			memo_point(out, "%s: %s tokens a second (%s, %s)", m->name,
				   decimal_format(m->speed.value, text), m->speed.source,
				   m->speed.date);
	}
	for (size_t i = 0; i < d->works; i++) {
		const struct decision_work *w = &d->work[i];
		if (w->cost)
			memo_point(out,
				   "%s: the cost is published, not computed; its tokens are "
				   "inferred (%s)",
				   w->name, w->tokens_from);
		else
			memo_point(out, "%s: %s of %s, %s and %s (%s)", w->name,
				   count_words(n[0], w->calls, "call"),
				   count_words(n[1], w->cached, "cached|cached"),
				   count_words(n[2], w->input, "other|other"),
				   count_words(n[3], w->output, "output token"), w->tokens_from);
		for (int k = 0; k < w->routes; k++)
			if (d->answer[i][k].inferred_tokens >= 0)
				memo_point(out,
					   "%s on %s: %s at most, if all were output at that day's "
					   "price",
					   w->name, w->route[k].name,
					   count_words(n[0], d->answer[i][k].inferred_tokens,
						       "token"));
		if (w->note)
			memo_point(out, "%s: %s", w->name, w->note);
	}
}

void decision_report_memo(struct memo *out, const struct decision_report *r)
{
	static const struct memo_column columns[] = {
		{ "WORK", .wraps = true },    { "ROUTE", false, 0 },  { "A TASK", true, 0 },
		{ "SCORE", true, 3 },	      { "A POINT", true, 1 }, { "SECONDS", true, 2 },
		{ "VERDICT", .wraps = true },
	};
	const struct decision *d = r->decision;
	char day[INSTANT_TEXT_MAX], text[DECIMAL_TEXT_MAX];
	instant_format(d->at, day);
	out->title = "Which model for which work";
	out->subtitle =
		arena_printf(&out->arena,
			     "prices of %.10s; > marks the cheapest route that meets its floor",
			     day);
	out->dated = d->at;
	memo_table(out, columns, 7);
	for (size_t i = 0; i < d->works; i++)
		for (int k = 0; k < d->work[i].routes; k++)
			memo_answer(out, r, i, k);
	memo_heading(out, "Decisions");
	for (size_t i = 0; i < d->works; i++) {
		const struct decision_work *w = &d->work[i];
		const char *floor = w->has_floor ? decimal_format(w->floor, text) : "";
		if (d->cheapest[i] >= 0)
			memo_point(out, "%s: %s%s%s%s%s", w->name, w->route[d->cheapest[i]].name,
				   w->has_floor ? ", for a floor of " : "", floor,
				   w->has_floor ? " in " : "", w->has_floor ? w->measure : "");
		else
			memo_point(out, "%s: no route is known to meet %s%s%s%s", w->name,
				   w->has_floor ? "a floor of " : "what is needed", floor,
				   w->has_floor ? " in " : "", w->has_floor ? w->measure : "");
	}
	memo_rests(out, r);
}
