#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/memo_output.h"
#include "reports/plan_report.h"

/* What a plan file may say: the options that describe the work, with _ for -. */
static const char *const keys[] = { "per_day", "cached",    "input",	"output",   "hit_ratio",
				    "growth",  "days",	    "start",	"hours",    "weekdays",
				    "retries", "scenarios", "currency", "timezone", "plan",
				    "note",    NULL };

static const struct option options[] = {
	{ "per-day", 0, "N", "calls per working day (10k and 2M are understood)", false },
	{ "cached", 0, "N", "prompt tokens that can be cached", false },
	{ "input", 0, "N", "other prompt tokens", false },
	{ "output", 0, "N", "output tokens, reasoning included", false },
	{ "model", 'm', "MODEL", "one scenario: this model answers every call", true },
	{ "scenario", 's', "NAME=SPEC",
	  "MODEL, batch:MODEL, share:5%:A:B (5% of the calls to A, the rest to B), or escalate:5%:A:B (all to A, and 5% of them to B as well)",
	  true },
	{ "escalate", 0, "P:MODEL", "P of the calls of every --model go to MODEL as well", false },
	{ "hit-ratio", 0, "P", "share of calls that hit the cache (default 100%)", false },
	{ "retries", 0, "P", "share of calls that are sent twice (default 0)", false },
	{ "growth", 0, "P", "growth of calls per month (default 0)", false },
	{ "days", 0, "N", "how many days (default 30)", false },
	{ "start", 0, "DATE", "the first day (default tomorrow)", false },
	{ "hours", 0, "A-B", "working hours, such as 9-17 or 08:30-18:00 (default the whole day)",
	  false },
	{ "weekdays", 0, "DAYS", "mon-fri, or mon,wed,sat (default every day)", false },
	{ "plan", 0, "PLAN", "also credits under this plan (see `tally credit plan`)", false },
	{ "save", 0, "FILE", "write the question to FILE, for `tally plan FILE`", false },
	MEMO_OPTIONS,
	{ 0 },
};

struct question {
	struct cli *cli;
	struct arena arena;
	struct json_document *file; /* NULL: only options */
	struct zone *zone;
	char zone_room[ZONE_NAME_MAX];
	const char *timezone, *currency;
	struct planner_work work;
	struct planner_scenario scenario[OPTION_VALUES_MAX];
	const char *spec[OPTION_VALUES_MAX]; /* of each, with its name or without */
	size_t scenarios;
	int64_t retries;
};

/* The option, else what the file says under that name. */
static const char *asked(struct question *q, const char *name)
{
	char key[40];
	const char *given = cli_value(q->cli, name);
	if (given || !q->file)
		return given;
	snprintf(key, sizeof key, "%s", name);
	for (char *p = key; *p; p++)
		*p = *p == '-' ? '_' : *p;
	struct text t = json_number_or_string(json_member(json_root(q->file), key));
	return t.n ? arena_printf(&q->arena, "%.*s", (int)t.n, t.p) : NULL;
}

static int take_count(struct question *q, const char *name, int64_t missing, int64_t *out,
		      struct err *e)
{
	return cli_count_of(name, asked(q, name), missing, out, e);
}

static int take_share(struct question *q, const char *name, int64_t missing, int64_t most,
		      int64_t *out, struct err *e)
{
	struct err why;
	const char *s = asked(q, name);
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

static int take_hours(struct question *q, struct err *e)
{
	const char *s = asked(q, "hours"), *p = s;
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
static int take_weekdays(struct question *q, struct err *e)
{
	const char *s = asked(q, "weekdays");
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

static int take_work(struct question *q, struct err *e)
{
	struct planner_work *w = &q->work;
	struct instant start;
	const char *from = asked(q, "start");
	int rc = take_count(q, "per-day", 0, &w->per_day, e);
	if (rc == 0)
		rc = take_count(q, "cached", 0, &w->cached, e);
	if (rc == 0)
		rc = take_count(q, "input", 0, &w->input, e);
	if (rc == 0)
		rc = take_count(q, "output", 0, &w->output, e);
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
		rc = cli_instant("start", from ? from : "tomorrow", q->zone, &start, e);
	if (rc != 0)
		return rc;
	w->first_day = zone_day(q->zone, start);
	if (w->per_day < 1 || w->cached + w->input + w->output < 1)
		return err_set(e, ERR_USAGE,
			       "give the calls (--per-day) and what each uses (--cached, --input, "
			       "--output)");
	if (w->days < 1 || w->days > PLANNER_DAYS_MAX)
		return err_set(e, ERR_USAGE, "--days must be from 1 to %d", PLANNER_DAYS_MAX);
	return 0;
}

/* One scenario, and with it the retries that every scenario has. */
static int add_scenario(struct question *q, const char *spec, struct err *e)
{
	struct err why;
	struct planner_scenario *s = &q->scenario[q->scenarios];
	if (q->scenarios == OPTION_VALUES_MAX)
		return err_set(e, ERR_USAGE, "more than %d scenarios", OPTION_VALUES_MAX);
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

/* --model M, with --escalate P:B as the scenario M=escalate:P:M:B. */
static int add_model(struct question *q, const char *model, const char *escalate, struct err *e)
{
	const char *colon = escalate ? strchr(escalate, ':') : NULL;
	if (escalate && (!colon || !colon[1]))
		return err_set(e, ERR_USAGE,
			       "--escalate: '%s' is not P:MODEL, such as 5%%:deepseek-v4-pro",
			       escalate);
	return add_scenario(q,
			    colon ? arena_printf(&q->arena, "%s=escalate:%.*s:%s:%s", model,
						 (int)(colon - escalate), escalate, model,
						 colon + 1)
				  : model,
			    e);
}

static int take_scenarios(struct question *q, struct err *e)
{
	const char *spec, *escalate = cli_value(q->cli, "escalate");
	int rc = 0;
	for (int i = 0; rc == 0 && (spec = cli_value_at(q->cli, "model", i)); i++)
		rc = add_model(q, spec, escalate, e);
	for (int i = 0; rc == 0 && (spec = cli_value_at(q->cli, "scenario", i)); i++)
		rc = add_scenario(q, spec, e);
	json_value *v = NULL;
	if (q->file && !q->scenarios) /* else the command line replaces those of the file */
		v = json_first(json_member(json_root(q->file), "scenarios"));
	for (; rc == 0 && v; v = json_next(v)) {
		struct text t = json_string(v);
		rc = add_scenario(q, arena_printf(&q->arena, "%s=%.*s", json_key(v), (int)t.n, t.p),
				  e);
	}
	if (rc == 0 && !q->scenarios)
		rc = err_set(e, ERR_USAGE,
			     "name a model (--model deepseek-v4-flash) or a scenario");
	return rc;
}

static int open_question(struct question *q, struct err *e)
{
	if (q->cli->argument_count) {
		int rc = json_open_file(&q->file, q->cli->argument[0], e);
		if (rc == 0)
			rc = json_check_keys(json_root(q->file), keys, q->cli->argument[0], e);
		if (rc != 0)
			return rc;
	}
	const char *zone = asked(q, "timezone"), *currency = asked(q, "currency");
	q->timezone = !zone			   ? cli_zone_name(q->cli, q->zone_room)
		      : strcmp(zone, "local") != 0 ? zone
						   : zone_local_name(q->zone_room);
	q->currency = currency ? currency : cli_currency(q->cli);
	int rc = zone_open(&q->zone, q->timezone, e);
	q->work.zone = q->zone;
	if (rc == 0)
		rc = take_work(q, e);
	if (rc == 0)
		rc = take_scenarios(q, e);
	return rc;
}

/* The question as a file that asks it again. */
static int save(struct question *q, const char *path, struct err *e)
{
	struct buf b = { 0 };
	buf_puts(&b, "{\n");
	for (int i = 0; keys[i]; i++) {
		char name[40];
		snprintf(name, sizeof name, "%s", keys[i]);
		for (char *p = name; *p; p++)
			*p = *p == '_' ? '-' : *p;
		const char *value = strcmp(name, "scenarios") == 0 ? NULL : asked(q, name);
		if (!value)
			continue;
		buf_printf(&b, "  \"%s\": ", keys[i]);
		json_put_string(&b, text_of(value));
		buf_puts(&b, ",\n");
	}
	buf_puts(&b, "  \"scenarios\": {");
	for (size_t i = 0; i < q->scenarios; i++) {
		buf_puts(&b, i ? ", " : " ");
		const char *equals = strchr(q->spec[i], '=');
		json_put_string(&b, text_of(q->scenario[i].name));
		buf_puts(&b, ": ");
		json_put_string(&b, text_of(equals ? equals + 1 : q->spec[i]));
	}
	buf_puts(&b, " }\n}\n");
	int rc = file_write(path, (struct text){ b.p, b.n }, e);
	buf_release(&b);
	return rc;
}

static int show(struct cli *cli, const struct plan_report *report, enum memo_format format,
		struct err *e)
{
	struct memo memo = { 0 };
	int rc = 0;
	if (cli->json) {
		plan_report_json(report);
	} else if (cli->csv) {
		plan_report_csv(report);
	} else if (format == MEMO_AS_TEXT) {
		plan_report_table(report);
	} else {
		plan_report_memo(&memo, report);
		rc = cli_memo_show(cli, &memo, format, e);
	}
	memo_release(&memo);
	return rc;
}

static int run(struct cli *cli, struct err *e)
{
	struct question *q = mem_zalloc(sizeof *q);
	struct planner_result result[OPTION_VALUES_MAX] = { 0 };
	struct book *book = NULL;
	struct plan_file *plans = NULL;
	struct plan_report report = { .result = result };
	size_t done = 0;
	enum memo_format format;
	int status = 0;
	q->cli = cli;
	int rc = cli_memo_format(cli, &format, e);
	if (rc == 0 && cli_value(cli, "write") && (cli->json || cli->csv))
		rc = err_set(e, ERR_USAGE, "--write is for --format html and pdf");
	if (rc == 0)
		rc = open_question(q, e);
	const char *plan = rc == 0 ? asked(q, "plan") : NULL, *path = cli_value(cli, "save");
	plan = plan ? plan : cli_plan(cli);
	if (rc == 0)
		rc = cli_book(cli, &book, e);
	if (rc == 0 && plan)
		rc = plan_open(&plans, &report.plan, plan, e);
	for (; rc == 0 && done < q->scenarios; done++) {
		rc = planner_run(&result[done], &q->work, &q->scenario[done], book, report.plan,
				 q->currency, e);
		if (rc == 0 && (result[done].total.unpriced || result[done].total.uncovered))
			status = 3;
	}
	if (rc == 0 && path)
		rc = save(q, path, e);
	if (rc == 0) {
		report.work = &q->work;
		report.scenario = q->scenario;
		report.count = q->scenarios;
		report.currency = q->currency;
		report.timezone = q->timezone;
		report.note = asked(q, "note");
		rc = show(cli, &report, format, e);
	}
	for (size_t i = 0; i < done; i++)
		planner_release(&result[i]);
	plan_file_close(plans);
	book_close(book);
	json_close(q->file);
	zone_close(q->zone);
	arena_release(&q->arena);
	free(q);
	return rc ? rc : status;
}

const struct command command_plan = {
	.name = "plan",
	.summary = "what future work will cost, from averages",
	.arguments = "[FILE]",
	.arguments_max = 1,
	.description =
		"Takes calls a day and what an average call uses, and prices every quarter of an hour "
		"of the coming days at the price that the book states for it: announced prices, the "
		"end of a promotion and peak hours are in the answer. Scenarios are shown side by "
		"side. Shares are counted out exactly; nothing is random, so there is no interval.\n\n"
		"FILE is a question that --save wrote; options replace what it says. Calls that no "
		"price covers make the total a lower bound and give exit status 3.",
	.examples =
		"  tally plan --per-day 10k --cached 2000 --input 300 --output 150 --days 91 --model "
		"deepseek-v4-flash --escalate 5%:deepseek-v4-pro\n"
		"  tally plan --per-day 10k --cached 2000 --input 300 --output 150 --hours 9-17 "
		"--weekdays mon-fri -s flash=deepseek-v4-flash -s "
		"mixed=share:5%:deepseek-v4-pro:deepseek-v4-flash -s sonnet=claude-sonnet-4-6 --plan "
		"vm0\n"
		"  tally plan tickets.json --start 2027-01-01 --days 90 --json\n",
	.options = options,
	.common = TAKES_PRICES | TAKES_CSV | TAKES_ZONE | TAKES_CURRENCY,
	.run = run,
};
