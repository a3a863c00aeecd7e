#include "reports/work_question.h"

#include <stdlib.h>
#include <string.h>

#include "base/when.h"

enum { TURNS_MOST = 10000 };

static int take_count(struct work_question *q, const char *name, int64_t missing, int64_t *out,
		      struct err *e)
{
	return count_parse(name, q->asked(q->user, name), missing, out, e);
}

static int take_share(struct work_question *q, const char *name, int64_t missing, int64_t most,
		      int64_t *out, struct err *e)
{
	struct err why;
	const char *s = q->asked(q->user, name);
	*out = missing;
	if (s && planner_share_parse(out, text_of(s), most, &why) != 0)
		return err_set(e, ERR_USAGE, "--%s: %s", name, why.message);
	return 0;
}

/* 9, 09:30; in quarter hours */
static bool take_clock(const char **p, int *quarter)
{
	int hour = 0, minute = 0, digits = 0;
	for (; **p >= '0' && **p <= '9' && digits < 2; (*p)++, digits++)
		hour = hour * 10 + (**p - '0');
	if (digits && **p == ':') {
		(*p)++;
		for (digits = 0; **p >= '0' && **p <= '9' && digits < 2; (*p)++, digits++)
			minute = minute * 10 + (**p - '0');
		digits = digits == 2;
	}
	*quarter = hour * 4 + minute / 15;
	return digits && minute % 15 == 0 && minute < 60 && *quarter <= 96;
}

static int take_hours(struct work_question *q, struct err *e)
{
	const char *s = q->asked(q->user, "hours"), *p = s;
	if (!s)
		return 0;
	if (!take_clock(&p, &q->work.first_quarter) || *p++ != '-' ||
	    !take_clock(&p, &q->work.end_quarter) || *p ||
	    q->work.first_quarter == q->work.end_quarter)
		return err_set(e, ERR_USAGE,
			       "--hours: '%s' is not a span of quarter hours; write 9-17 or "
			       "08:30-18:00",
			       s);
	q->work.first_quarter %= 96;
	q->work.end_quarter %= 96;
	return 0;
}

static int weekday(struct text s)
{
	static const char names[7][4] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	for (int i = 0; i < 7; i++)
		if (s.n >= 3 && memcmp(s.p, names[i], 3) == 0)
			return i;
	return -1;
}

/* mon-fri, or mon,wed,sat */
static int take_weekdays(struct work_question *q, struct err *e)
{
	const char *s = q->asked(q->user, "weekdays");
	q->work.weekdays = s ? 0 : 0x7f;
	for (const char *p = s; p && *p;) {
		size_t n = strcspn(p, ",");
		const char *dash = memchr(p, '-', n);
		int from = weekday((struct text){ p, dash ? (size_t)(dash - p) : n });
		int to = dash ? weekday((struct text){ dash + 1, n - (size_t)(dash + 1 - p) })
			      : from;
		if (from < 0 || to < 0)
			return err_set(
				e, ERR_USAGE,
				"--weekdays: '%s' names no days; write mon-fri or mon,wed,sat", s);
		for (int i = from;; i = (i + 1) % 7) {
			q->work.weekdays |= 1u << i;
			if (i == to)
				break;
		}
		p += n + (p[n] == ',');
	}
	if (!q->work.weekdays)
		return err_set(e, ERR_USAGE, "--weekdays names no day");
	return 0;
}

static int take_start(struct work_question *q, const char *text, struct instant *out, struct err *e)
{
	struct when w;
	if (when_parse(&w, text_of(text), q->now, q->zone, e) != 0) {
		err_context(e, "--start");
		e->code = ERR_USAGE;
		return -ERR_USAGE;
	}
	*out = w.from;
	return 0;
}

/* Conversations instead of calls: each call sends again what was said before it, which the cache
 * may hold: on average half of what the last one does. */
static int take_turns(struct work_question *q, struct err *e)
{
	struct planner_work *w = &q->work;
	int64_t said, before;
	if (q->turns < 1 || q->turns > TURNS_MOST)
		return err_set(e, ERR_USAGE, "--turns must be from 1 to %d", TURNS_MOST);
	if (__builtin_add_overflow(w->input, w->output, &said) ||
	    __builtin_mul_overflow(said, q->turns - 1, &before) ||
	    __builtin_mul_overflow(w->per_day, q->turns, &w->per_day) ||
	    __builtin_add_overflow(w->cached, before / 2 + before % 2, &w->cached))
		return err_set(e, ERR_RANGE, "the plan is larger than a total can hold");
	w->last_longer = before / 2;
	return 0;
}

static int take_work(struct work_question *q, struct err *e)
{
	struct planner_work *w = &q->work;
	struct instant start;
	const char *from = q->asked(q->user, "start");
	int rc = take_count(q, "per-day", 0, &w->per_day, e);
	if (rc == 0)
		rc = take_count(q, "cached", 0, &w->cached, e);
	if (rc == 0)
		rc = take_count(q, "input", 0, &w->input, e);
	if (rc == 0)
		rc = take_count(q, "output", 0, &w->output, e);
	if (rc == 0)
		rc = take_count(q, "turns", 1, &q->turns, e);
	if (rc == 0)
		rc = take_count(q, "days", 30, &w->days, e);
	if (rc == 0)
		rc = take_share(q, "hit-ratio", SHARE_WHOLE, SHARE_WHOLE, &w->hit_ratio, e);
	if (rc == 0)
		rc = take_share(q, "growth", 0, 10 * SHARE_WHOLE, &w->growth, e);
	if (rc == 0)
		rc = take_share(q, "retries", 0, SHARE_WHOLE, &q->retries, e);
	if (rc == 0)
		rc = take_hours(q, e);
	if (rc == 0)
		rc = take_weekdays(q, e);
	if (rc == 0)
		rc = take_start(q, from ? from : "tomorrow", &start, e);
	if (rc != 0)
		return rc;
	w->first_day = zone_day(q->zone, start);
	if (w->per_day < 1 || w->cached + w->input + w->output < 1)
		return err_set(e, ERR_USAGE,
			       "give the calls (--per-day) and what each uses (--cached, --input, "
			       "--output)");
	if (w->days < 1 || w->days > PLANNER_DAYS_MAX)
		return err_set(e, ERR_USAGE, "--days must be from 1 to %d", PLANNER_DAYS_MAX);
	return take_turns(q, e);
}

/* One scenario, and with it the retries that every scenario has. */
int work_question_add(struct work_question *q, const char *spec, struct err *e)
{
	struct err why;
	struct planner_scenario *s = &q->scenario[q->scenarios];
	if (q->scenarios == PLAN_SCENARIOS_MOST)
		return err_set(e, ERR_USAGE, "more than %d scenarios", PLAN_SCENARIOS_MOST);
	if (planner_scenario_parse(s, spec, &q->arena, &why) != 0)
		return err_set(e, ERR_USAGE, "%s", why.message);
	for (int i = 0, parts = s->parts; q->retries && i < parts; i++) {
		struct planner_part *again = &s->part[s->parts++];
		*again = s->part[i];
		again->share = (int64_t)((int128)again->share * q->retries / SHARE_WHOLE);
		again->again = true;
	}
	q->spec[q->scenarios++] = spec;
	return 0;
}

/* --model M, with --escalate P:B as the scenario "M + P B" = escalate:P:M:B. */
int work_question_add_model(struct work_question *q, const char *model, const char *escalate,
			    struct err *e)
{
	const char *colon = escalate ? strchr(escalate, ':') : NULL;
	if (escalate && (!colon || !colon[1]))
		return err_set(e, ERR_USAGE,
			       "--escalate: '%s' is not P:MODEL, such as 5%%:deepseek-v4-pro",
			       escalate);
	return work_question_add(q,
				 colon ? arena_printf(&q->arena, "%s + %.*s %s=escalate:%.*s:%s:%s",
						      model, (int)(colon - escalate), escalate,
						      colon + 1, (int)(colon - escalate), escalate,
						      model, colon + 1)
				       : model,
				 e);
}

int work_question_add_all(struct work_question *q, json_value *scenarios, struct err *e)
{
	int rc = 0;
	for (json_value *v = json_first(scenarios); rc == 0 && v; v = json_next(v)) {
		struct text t = json_string(v);
		rc = work_question_add(q,
				       arena_printf(&q->arena, "%s=%.*s", json_key(v), (int)t.n,
						    t.p ? t.p : ""),
				       e);
	}
	return rc;
}

int work_question_open(struct work_question *q, struct err *e)
{
	int rc = zone_open(&q->zone, q->timezone, e);
	q->work.zone = q->zone;
	return rc == 0 ? take_work(q, e) : rc;
}

int work_question_answer(struct work_question *q, const struct book *book, const struct plan *plan,
			 int (*show)(void *user, const struct plan_report *r, struct err *e),
			 void *user, bool *incomplete, struct err *e)
{
	struct planner_result result[PLAN_SCENARIOS_MOST] = { 0 };
	struct plan_moves moves[PLAN_SCENARIOS_MOST];
	size_t done = 0;
	int rc = q->scenarios ? 0
			      : err_set(e, ERR_USAGE,
					"name a model (--model deepseek-v4-flash) or a scenario");
	*incomplete = false;
	for (; rc == 0 && done < q->scenarios; done++) {
		rc = planner_run(&result[done], &q->work, &q->scenario[done], book, plan,
				 q->currency, e);
		if (rc == 0)
			rc = plan_moves(&moves[done], &q->work, &q->scenario[done], book,
					q->currency, e);
		*incomplete |=
			rc == 0 && (result[done].total.unpriced || result[done].total.uncovered);
	}
	if (rc == 0) {
		const struct plan_report report = { .work = &q->work,
						    .scenario = q->scenario,
						    .result = result,
						    .moves = moves,
						    .turns = q->turns,
						    .count = q->scenarios,
						    .plan = plan,
						    .currency = q->currency,
						    .timezone = q->timezone,
						    .note = q->asked(q->user, "note") };
		rc = show(user, &report, e);
	}
	for (size_t i = 0; i < done; i++)
		planner_release(&result[i]);
	return rc;
}

void work_question_release(struct work_question *q)
{
	zone_close(q->zone);
	arena_release(&q->arena);
}
