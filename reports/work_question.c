#include "reports/work_question.h"

#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "sim/route.h"

enum { TURNS_MOST = 10000 };

/* The end of a range that counts in this corner. */
static enum plan_end end_of(const struct work_question *q, const char *name)
{
	const struct plan_corner *c = &q->corner;
	if (c->only && strcmp(c->only, name) != 0)
		return PLAN_LIKELY;
	return strcmp(name, "hit-ratio") == 0 ? c->hits
	       : strcmp(name, "share") == 0   ? c->shares
					      : c->amounts;
}

static int64_t take_end(struct work_question *q, const char *name, const struct plan_range *r)
{
	bool seen = !plan_range_uncertain(r);
	for (size_t i = 0; i < q->uncertains; i++)
		seen |= strcmp(q->uncertain[i], name) == 0;
	if (!seen && q->uncertains < PLAN_RANGES_MOST)
		q->uncertain[q->uncertains++] = name;
	return r->at[end_of(q, name)];
}

struct one_count {
	struct work_question *q;
	const char *name;
};

static int count_value(void *user, struct text s, int64_t *out, struct err *e)
{
	struct one_count *c = user;
	const char *label = arena_printf(&c->q->arena, "--%s", c->name);
	return count_parse(label, arena_text(&c->q->arena, s.p, s.n), 0, out, e);
}

static int take_count(struct work_question *q, const char *name, int64_t missing, int64_t *out,
		      struct err *e)
{
	struct one_count of = { q, name };
	struct plan_range range;
	const char *s = q->asked(q->user, name);
	*out = missing;
	if (!s)
		return 0;
	int rc = plan_range_parse(&range, text_of(s), count_value, &of, e);
	if (rc == -ERR_INVALID) {
		err_context(e, ASKED("%s"), name);
		e->code = ERR_USAGE;
		return -ERR_USAGE;
	}
	if (rc == 0)
		*out = take_end(q, name, &range);
	return rc;
}

struct share_bounds {
	int64_t least, most;
};

static int share_value(void *user, struct text s, int64_t *out, struct err *e)
{
	const struct share_bounds *b = user;
	return planner_share_parse(out, s, b->least, b->most, e);
}

static int take_share(struct work_question *q, const char *name, int64_t missing,
		      struct share_bounds bounds, int64_t *out, struct err *e)
{
	struct err why;
	struct plan_range range;
	const char *s = q->asked(q->user, name);
	*out = missing;
	if (s && plan_range_parse(&range, text_of(s), share_value, &bounds, &why) != 0)
		return err_set(e, ERR_USAGE, ASKED("%s") ": %s", name, why.message);
	if (s)
		*out = take_end(q, name, &range);
	return 0;
}

/* 9, 09:30; in quarter hours */
static bool take_clock(const char **p, int *quarter)
{
	int hour = 0, minute = 0, digits = 0;
	for (; is_digit(**p) && digits < 2; (*p)++, digits++)
		hour = hour * 10 + (**p - '0');
	if (digits && **p == ':') {
		(*p)++;
		for (digits = 0; is_digit(**p) && digits < 2; (*p)++, digits++)
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
		return err_set(
			e, ERR_USAGE,
			ASKED("hours") ": '%s' is not a span of quarter hours; write 9-17 or "
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
				ASKED("weekdays") ": '%s' names no days; write mon-fri or mon,wed,sat",
				s);
		for (int i = from;; i = (i + 1) % 7) {
			q->work.weekdays |= 1u << i;
			if (i == to)
				break;
		}
		p += n + (p[n] == ',');
	}
	if (!q->work.weekdays)
		return err_set(e, ERR_USAGE, ASKED("weekdays") " names no day");
	return 0;
}

static int take_start(struct work_question *q, const char *text, struct instant *out, struct err *e)
{
	struct when w;
	if (when_parse(&w, text_of(text), q->now, q->zone, e) != 0) {
		err_context(e, ASKED("start"));
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
		return err_set(e, ERR_USAGE, ASKED("turns") " must be from 1 to %d", TURNS_MOST);
	if (__builtin_add_overflow(w->input, w->output, &said) ||
	    __builtin_mul_overflow(said, q->turns - 1, &before) ||
	    __builtin_mul_overflow(w->per_day, q->turns, &w->per_day) ||
	    __builtin_add_overflow(w->cached, before / 2 + before % 2, &w->cached))
		return err_set(e, ERR_RANGE, "the plan is larger than a total can hold");
	w->last_longer = before / 2;
	return 0;
}

/* What the work of a day is counted in: calls, or what calls are made for; and by whom. */
static int take_units(struct work_question *q, struct err *e)
{
	static const struct {
		const char *option, *name;
	} things[] = { { "per-day", NULL },
		       { "tickets", "ticket" },
		       { "documents", "document" },
		       { "sessions", "session" } };
	int64_t count, users, each, a_day = 1;
	const char *given = NULL, *name = NULL;
	int rc = take_count(q, "turns", 1, &q->turns, e);
	if (rc == 0)
		rc = take_count(q, "calls-each", 1, &each, e);
	if (rc == 0)
		rc = take_count(q, "users", 0, &users, e);
	for (size_t i = 0; rc == 0 && i < sizeof things / sizeof *things; i++) {
		if (!q->asked(q->user, things[i].option))
			continue;
		rc = take_count(q, things[i].option, 0, &count, e);
		if (rc == 0 && given)
			rc = err_set(e, ERR_USAGE,
				     "give " ASKED("%s") " or " ASKED("%s") ", not both", given,
				     things[i].option);
		given = things[i].option;
		name = things[i].name;
		a_day = rc == 0 ? count : 0;
	}
	if (rc != 0)
		return rc;
	q->users = users;
	q->units = 0;
	if (!given && !users)
		a_day = 0;
	const int64_t of_one = q->turns * each;
	if (name && of_one > 0)
		q->unit[q->units++] = (struct plan_unit){ name, of_one };
	if (users && of_one > 0 && a_day <= INT64_MAX / of_one)
		q->unit[q->units++] = (struct plan_unit){ "user", of_one * a_day };
	/* the turns are multiplied below */
	if (__builtin_mul_overflow(a_day, each, &q->work.per_day) ||
	    __builtin_mul_overflow(q->work.per_day, users ? users : 1, &q->work.per_day))
		return err_set(e, ERR_RANGE, "the plan is larger than a total can hold");
	return 0;
}

/* --days, or --months of the calendar. */
static int take_days(struct work_question *q, struct err *e)
{
	enum { MONTHS_MOST = 120 };
	struct planner_work *w = &q->work;
	const char *asked = q->asked(q->user, "months");
	int64_t months;
	if (!asked)
		return take_count(q, "days", 30, &w->days, e);
	if (q->asked(q->user, "days"))
		return err_set(e, ERR_USAGE,
			       "give " ASKED("days") " or " ASKED("months") ", not both");
	int rc = count_parse(ASKED("months"), asked, 0, &months, e);
	if (rc == 0 && (months < 1 || months > MONTHS_MOST))
		rc = err_set(e, ERR_USAGE, ASKED("months") " must be from 1 to %d", MONTHS_MOST);
	if (rc != 0)
		return rc;
	struct civil c = civil_from_day(w->first_day);
	const int month = c.month - 1 + (int)months;
	c.year += month / 12;
	c.month = month % 12 + 1;
	while (!civil_valid(c))
		c.day--;
	w->days = civil_to_day(c) - w->first_day;
	return 0;
}

static int take_by(struct work_question *q, struct err *e)
{
	static const char *const names[] = { "", "day", "month", "quarter" };
	const char *s = q->asked(q->user, "by");
	for (int i = PLAN_BY_DAY; s && i <= PLAN_BY_QUARTER; i++)
		if (strcmp(s, names[i]) == 0)
			q->by = (enum plan_by)i;
	return s && !q->by
		       ? err_set(e, ERR_USAGE, ASKED("by") " is day, month or quarter, not '%s'", s)
		       : 0;
}

static int take_work(struct work_question *q, struct err *e)
{
	struct planner_work *w = &q->work;
	struct instant start;
	const char *from = q->asked(q->user, "start");
	const struct share_bounds part = { 0, SHARE_WHOLE },
				  growth = { -SHARE_WHOLE, 10 * SHARE_WHOLE };
	int rc = take_units(q, e);
	if (rc == 0)
		rc = take_count(q, "cached", 0, &w->cached, e);
	if (rc == 0)
		rc = take_count(q, "input", 0, &w->input, e);
	if (rc == 0)
		rc = take_count(q, "output", 0, &w->output, e);
	if (rc == 0)
		rc = take_share(q, "hit-ratio", SHARE_WHOLE, part, &w->hit_ratio, e);
	if (rc == 0)
		rc = take_share(q, "growth", 0, growth, &w->growth, e);
	if (rc == 0)
		rc = take_share(q, "retries", 0, part, &q->retries, e);
	if (rc == 0)
		rc = take_hours(q, e);
	if (rc == 0)
		rc = take_weekdays(q, e);
	if (rc == 0)
		rc = take_by(q, e);
	if (rc == 0)
		rc = take_start(q, from ? from : "tomorrow", &start, e);
	if (rc != 0)
		return rc;
	w->first_day = zone_day(q->zone, start);
	rc = take_days(q, e);
	if (rc != 0)
		return rc;
	if (w->per_day < 1)
		return err_set(
			e, ERR_USAGE,
			"give the work of a day (" ASKED("per-day") ", " ASKED("tickets") ", " ASKED(
				"documents") ", " ASKED("sessions") " or " ASKED("users") ")");
	if (w->cached + w->input + w->output < 1)
		return err_set(e, ERR_USAGE,
			       "give what a call uses (" ASKED("cached") ", " ASKED(
				       "input") ", " ASKED("output") ")");
	if (w->days < 1 || w->days > PLANNER_DAYS_MAX)
		return err_set(e, ERR_USAGE, ASKED("days") " must be from 1 to %d",
			       PLANNER_DAYS_MAX);
	return take_turns(q, e);
}

/* The scenario in the corner of the question, and with it the retries that every scenario has. */
static int read_scenario(struct work_question *q, struct planner_scenario *s, const char *spec,
			 struct err *e)
{
	struct err why;
	if (planner_scenario_parse(s, spec, &q->arena, &why) != 0)
		return err_set(e, ERR_USAGE, "%s", why.message);
	take_end(q, "share", &s->share);
	planner_scenario_take(s, end_of(q, "share"));
	for (int i = 0, parts = s->parts; q->retries && i < parts; i++) {
		struct planner_part *again = &s->part[s->parts++];
		*again = s->part[i];
		again->share = (int64_t)((int128)again->share * q->retries / SHARE_WHOLE);
		again->again = true;
	}
	return 0;
}

int work_question_add(struct work_question *q, const char *spec, struct err *e)
{
	if (q->scenarios == PLAN_SCENARIOS_MOST)
		return err_set(e, ERR_USAGE, "more than %d scenarios", PLAN_SCENARIOS_MOST);
	int rc = read_scenario(q, &q->scenario[q->scenarios], spec, e);
	if (rc == 0)
		q->spec[q->scenarios++] = spec;
	return rc;
}

/* --model M, with --escalate P:B as the scenario "M + P B" = escalate:P:M:B. */
int work_question_add_model(struct work_question *q, const char *model, const char *escalate,
			    struct err *e)
{
	const char *colon = escalate ? strchr(escalate, ':') : NULL;
	if (escalate && (!colon || !colon[1]))
		return err_set(
			e, ERR_USAGE,
			ASKED("escalate") ": '%s' is not P:MODEL, such as 5%%:deepseek-v4-pro",
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

/* What the answer is made of. */
struct answer {
	struct planner_result result[PLAN_SCENARIOS_MOST];
	struct plan_interval interval[PLAN_SCENARIOS_MOST];
	struct plan_moves moves[PLAN_SCENARIOS_MOST];
};

/* One scenario at those ends of the ranges. */
static int run_at(struct work_question *q, size_t scenario, const struct plan_corner *corner,
		  struct planner_result *out, struct err *e)
{
	const struct work_question likely = *q;
	struct planner_scenario s;
	q->corner = *corner;
	int rc = take_work(q, e);
	if (rc == 0)
		rc = read_scenario(q, &s, q->spec[scenario], e);
	if (rc == 0)
		rc = planner_run(out, &q->work, &s, &q->prices, e);
	/* what was read, without what the arena has got meanwhile */
	const struct arena arena = q->arena;
	*q = likely;
	q->arena = arena;
	return rc;
}

/* All ranges at their ends together. More of anything costs more; what more hits or another share
 * does depends on the models, so that both are tried. */
static int widen(struct work_question *q, size_t scenario, struct answer *a, struct err *e)
{
	int rc = 0;
	for (unsigned k = 0; rc == 0 && q->uncertains && k < 8; k++) {
		const struct plan_corner corner = { .amounts = k & 1 ? PLAN_HIGH : PLAN_LOW,
						    .hits = k & 2 ? PLAN_HIGH : PLAN_LOW,
						    .shares = k & 4 ? PLAN_HIGH : PLAN_LOW };
		struct planner_result r;
		rc = run_at(q, scenario, &corner, &r, e);
		if (rc != 0)
			break;
		plan_interval_add(&a->interval[scenario], &r);
		planner_release(&r);
	}
	return rc;
}

/* "100 to 200 output tokens" */
static const char *range_words(struct work_question *q, const char *name)
{
	static const char *const words[][2] = {
		{ "per-day", "calls a day" },
		{ "tickets", "tickets a day" },
		{ "documents", "documents a day" },
		{ "sessions", "sessions a day" },
		{ "users", "users" },
		{ "calls-each", "calls each" },
		{ "turns", "turns" },
		{ "cached", "cached tokens" },
		{ "input", "other prompt tokens" },
		{ "output", "output tokens" },
		{ "hit-ratio", "hits" },
		{ "growth", "growth a month" },
		{ "retries", "retries" },
	};
	const char *asked = q->asked(q->user, name), *of = "of the calls moved";
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		of = strcmp(words[i][0], name) == 0 ? words[i][1] : of;
	if (!asked)
		return "the share of the calls";
	const char *low_end = strstr(asked, ".."), *high = low_end;
	for (const char *p = high; p; p = strstr(p + 2, ".."))
		high = p + 2;
	return arena_printf(&q->arena, "%.*s to %s %s", (int)(low_end - asked), asked, high, of);
}

static const char *member_name(struct work_question *q, const char *option)
{
	char *name = arena_printf(&q->arena, "%s", option);
	for (char *p = name; *p; p++)
		*p = *p == '-' ? '_' : *p;
	return name;
}

/* Each range at its ends, everything else as is likely. */
static int move_ranges(struct work_question *q, size_t scenario, struct answer *a, struct err *e)
{
	struct plan_moves *m = &a->moves[scenario];
	int rc = 0;
	m->count = 0;
	for (size_t i = 0; rc == 0 && i < q->uncertains; i++) {
		const char *name = q->uncertain[i];
		struct planner_result low, high;
		if (strcmp(name, "share") == 0 &&
		    !plan_range_uncertain(&q->scenario[scenario].share))
			continue;
		rc = run_at(q, scenario,
			    &(struct plan_corner){ name, PLAN_LOW, PLAN_LOW, PLAN_LOW }, &low, e);
		if (rc != 0)
			break;
		rc = run_at(q, scenario,
			    &(struct plan_corner){ name, PLAN_HIGH, PLAN_HIGH, PLAN_HIGH }, &high,
			    e);
		if (rc == 0) {
			m->move[m->count++] = (struct plan_move){ .name = member_name(q, name),
								  .words = range_words(q, name),
								  .is_range = true,
								  .cost_low = low.total.cost,
								  .cost = high.total.cost };
			planner_release(&high);
		}
		planner_release(&low);
	}
	return rc;
}

static int answer_scenario(struct work_question *q, size_t i, struct answer *a, struct err *e)
{
	int rc = planner_run(&a->result[i], &q->work, &q->scenario[i], &q->prices, e);
	if (rc == 0)
		rc = widen(q, i, a, e);
	if (rc == 0)
		rc = move_ranges(q, i, a, e);
	if (rc == 0)
		rc = plan_moves(&a->moves[i], &q->work, &q->scenario[i], &q->prices, e);
	return rc;
}

/* A model that no card has is a slip of the pen, and what it costs no answer. */
static int check_models(const struct work_question *q, struct err *e)
{
	for (size_t i = 0; i < q->scenarios; i++)
		for (int k = 0; k < q->scenario[i].parts; k++) {
			const struct route_target t = { .model = text_of(
								q->scenario[i].part[k].model) };
			if (route_target_known(&t, q->prices.book, e) != 0)
				return err_context(e, "scenario '%s'", q->scenario[i].name);
		}
	return 0;
}

int work_question_answer(struct work_question *q,
			 int (*show)(void *user, const struct plan_report *r, struct err *e),
			 void *user, bool *incomplete, struct err *e)
{
	struct answer *a = mem_zalloc(sizeof *a);
	int rc = q->scenarios ? 0
			      : err_set(e, ERR_USAGE,
					"name a model (" ASKED(
						"model") " deepseek-v4-flash) or a scenario");
	*incomplete = false;
	if (rc == 0)
		rc = check_models(q, e);
	for (size_t i = 0; rc == 0 && i < q->scenarios; i++) {
		rc = answer_scenario(q, i, a, e);
		*incomplete |=
			rc == 0 && (a->result[i].total.unpriced || a->result[i].total.uncovered);
	}
	if (rc == 0) {
		const struct plan_report report = { .work = &q->work,
						    .scenario = q->scenario,
						    .result = a->result,
						    .interval = a->interval,
						    .moves = a->moves,
						    .turns = q->turns,
						    .unit = q->unit,
						    .units = q->units,
						    .users = q->users,
						    .by = q->by,
						    .count = q->scenarios,
						    .plan = q->prices.plan,
						    .currency = q->prices.currency,
						    .timezone = q->timezone,
						    .note = q->asked(q->user, "note") };
		rc = show(user, &report, e);
	}
	for (size_t i = 0; i < q->scenarios; i++) {
		planner_release(&a->result[i]);
		plan_interval_release(&a->interval[i]);
	}
	free(a);
	return rc;
}

void work_question_release(struct work_question *q)
{
	zone_close(q->zone);
	arena_release(&q->arena);
}
