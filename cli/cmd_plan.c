#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/memo_output.h"
#include "base/clock.h"
#include "reports/json_out.h"
#include "reports/work_question.h"

/* What a plan file may say: the options that describe the work, with _ for -. */
static const char *const keys[] = { "per_day",	"cached",      "input",	   "output",   "hit_ratio",
				    "growth",	"days",	       "start",	   "hours",    "weekdays",
				    "retries",	"scenarios{}", "currency", "timezone", "plan",
				    "note",	"turns",       "users",	   "tickets",  "documents",
				    "sessions", "calls_each",  "months",   "by",       NULL };

static const struct option options[] = {
	{ "per-day", 0, "N", "calls per working day (10k and 2M are understood)", false },
	{ "tickets", 0, "N", "or tickets per working day", false },
	{ "documents", 0, "N", "or documents per working day", false },
	{ "sessions", 0, "N", "or sessions per working day", false },
	{ "users", 0, "N",
	  "users, each with the work that the options above say (default 1 call each)", false },
	{ "calls-each", 0, "N", "calls of a ticket, document, session or user (default 1)", false },
	{ "turns", 0, "N",
	  "calls per conversation, each repeating the conversation so far in its prompt (default 1)",
	  false },
	{ "cached", 0, "N", "prompt tokens that can be cached", false },
	{ "input", 0, "N", "other prompt tokens", false },
	{ "output", 0, "N", "output tokens, reasoning included", false },
	{ "model", 'm', "MODEL", "one scenario: this model answers every call", true },
	{ "scenario", 's', "NAME=SPEC",
	  "MODEL, batch:MODEL, share:5%:A:B (5% of the calls to A, the rest to B), or escalate:5%:A:B (all to A, and 5% of them to B as well)",
	  true },
	{ "escalate", 0, "P:MODEL", "P of the calls of every --model go to MODEL as well", false },
	{ "hit-ratio", 0, "P", "share of calls that hit the cache (default 100%)", false },
	{ "retries", 0, "P", "share of calls that are retried (default 0)", false },
	{ "growth", 0, "P", "growth of calls per month: 10%, or -5% where work shrinks (default 0)",
	  false },
	{ "days", 0, "N", "how many days (default 30)", false },
	{ "months", 0, "N", "or how many months of the calendar: 3 for a quarter", false },
	{ "by", 0, "day|month|quarter",
	  "rows and charts (default months; quarters beyond a year; CSV: days)", false },
	{ "start", 0, "DATE", "the first day (default tomorrow)", false },
	{ "hours", 0, "A-B", "working hours, such as 9-17 or 08:30-18:00 (default the whole day)",
	  false },
	{ "weekdays", 0, "DAYS", "mon-fri, or mon,wed,sat (default every day)", false },
	{ "plan", 0, "PLAN", "also credits under this plan (see `tally credit plan`)", false },
	{ "save", 0, "FILE", "write the question to FILE, for `tally plan FILE`", false },
	MEMO_OPTIONS_WITH("write"), /* --output is tokens here */
	{ 0 },
};

struct question {
	struct cli *cli;
	struct arena arena;
	struct json_document *file; /* NULL: only options */
	char zone_room[ZONE_NAME_MAX];
	enum memo_format format;
	struct work_question p;
};

/* The option, else what the file says under that name. */
static const char *asked(void *user, const char *name)
{
	struct question *q = user;
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

static int take_scenarios(struct question *q, struct err *e)
{
	const char *spec, *escalate = cli_value(q->cli, "escalate");
	int rc = 0;
	for (int i = 0; rc == 0 && (spec = cli_value_at(q->cli, "model", i)); i++)
		rc = work_question_add_model(&q->p, spec, escalate, e);
	for (int i = 0; rc == 0 && (spec = cli_value_at(q->cli, "scenario", i)); i++)
		rc = work_question_add(&q->p, spec, e);
	/* else the command line replaces those of the file */
	if (rc == 0 && q->file && !q->p.scenarios)
		rc = work_question_add_all(&q->p, json_member(json_root(q->file), "scenarios"), e);
	return rc;
}

/* The file's keys; one that says what it is is another command's. */
static int check_file(const struct question *q, struct err *e)
{
	const char *path = q->cli->argument[0];
	const struct text schema = json_string(json_member(json_root(q->file), "schema"));
	if (text_is(schema, "tally.synthetic/1"))
		return err_set(e, ERR_INVALID,
			       "%s is a specification of a trace (tally.synthetic/1): `tally sim "
			       "generate` reads it, and a plan is asked for here",
			       path);
	if (schema.n)
		return err_set(e, ERR_INVALID, "%s is a '%.*s', and a plan is asked for here", path,
			       (int)(schema.n > 60 ? 60 : schema.n), schema.p);
	return json_check_members(json_root(q->file), keys, path, e);
}

static int open_question(struct question *q, struct err *e)
{
	if (q->cli->argument_count) {
		const char *path = q->cli->argument[0];
		int rc = json_open_file(&q->file, path, e);
		if (rc != 0 && *path >= '0' && *path <= '9' && access(path, F_OK) != 0)
			return err_set(e, ERR_USAGE,
				       "'%s' is no file; the work of a day is an option, such as "
				       "--per-day %s --input 300 --output 150",
				       path, path);
		if (rc == 0)
			rc = check_file(q, e);
		if (rc != 0)
			return rc;
	}
	const char *zone = asked(q, "timezone"), *currency = asked(q, "currency");
	q->p.timezone = !zone			     ? cli_zone_name(q->cli, q->zone_room)
			: strcmp(zone, "local") != 0 ? zone
						     : zone_local_name(q->zone_room);
	q->p.prices.currency = currency ? currency : cli_currency(q->cli);
	int rc = work_question_open(&q->p, e);
	return rc == 0 ? take_scenarios(q, e) : rc;
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
		const char *value = strchr(name, '{') ? NULL : asked(q, name);
		if (!value)
			continue;
		buf_printf(&b, "  \"%s\": ", keys[i]);
		json_put_string(&b, text_of(value));
		buf_puts(&b, ",\n");
	}
	buf_puts(&b, "  \"scenarios\": {");
	for (size_t i = 0; i < q->p.scenarios; i++) {
		buf_puts(&b, i ? ", " : " ");
		const char *equals = strchr(q->p.spec[i], '=');
		json_put_string(&b, text_of(q->p.scenario[i].name));
		buf_puts(&b, ": ");
		json_put_string(&b, text_of(equals ? equals + 1 : q->p.spec[i]));
	}
	buf_puts(&b, " }\n}\n");
	int rc = file_write(path, (struct text){ b.p, b.n }, e);
	buf_release(&b);
	return rc;
}

static int show(void *user, const struct plan_report *report, struct err *e)
{
	const struct question *q = user;
	struct cli *cli = q->cli;
	struct memo memo = { 0 };
	int rc = 0;
	struct plan_report shown = *report;
	shown.quiet = cli->quiet;
	if (cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		plan_report_put(&j, report);
		json_out_close(&j);
	} else if (cli->csv) {
		plan_report_csv(report);
	} else if (q->format == MEMO_AS_TEXT) {
		plan_report_table(&shown);
	} else {
		plan_report_memo(&memo, report);
		rc = cli_memo_show(cli, &memo, q->format, e);
	}
	memo_release(&memo);
	return rc;
}

static int run(struct cli *cli, struct err *e)
{
	struct question *q = mem_zalloc(sizeof *q);
	struct book *book = NULL;
	struct plan_file *plans = NULL;
	bool incomplete = false;
	*q = (struct question){ .cli = cli,
				.p = { .asked = asked, .user = q, .now = clock_now() } };
	int rc = cli_memo_format(cli, &q->format, e);
	if (rc == 0 && cli_value(cli, "write") && (cli->json || cli->csv))
		rc = err_set(e, ERR_USAGE, "--write is for --format html and pdf");
	if (rc == 0)
		rc = open_question(q, e);
	const char *plan = rc == 0 ? asked(q, "plan") : NULL, *path = cli_value(cli, "save");
	plan = plan ? plan : cli_plan(cli);
	if (rc == 0)
		rc = cli_book(cli, &book, e);
	if (rc == 0 && plan)
		rc = plan_open(&plans, &q->p.prices.plan, plan, e);
	if (rc == 0 && path)
		rc = save(q, path, e);
	q->p.prices.book = book;
	if (rc == 0)
		rc = work_question_answer(&q->p, show, q, &incomplete, e);
	plan_file_close(plans);
	book_close(book);
	json_close(q->file);
	work_question_release(&q->p);
	arena_release(&q->arena);
	free(q);
	return rc ? rc : incomplete ? 3 : 0;
}

const struct command command_plan = {
	.name = "plan",
	.place = HELP_PLAN + 2,
	.summary = "what future work will cost, from averages",
	.arguments = "[FILE]",
	.arguments_max = 1,
	.description =
		"Takes calls per day and the tokens of an average call, and prices every quarter hour of the coming days at the price that the book states for it: announced prices, expiring promotions and peak hours are included. Scenarios are shown side by side. Fractions of calls are counted as fractions; nothing is random. A value that is not known exactly is given as a range (8k..12k, or 8k..9k..12k with what is likely): the answer then has an interval, from every low end to every high end. What each range, and a tenth more of every other assumption, would change is listed below.\n"
		"\n"
		"FILE is a question that --save wrote; options replace what it says. Calls that no price covers make the total a lower bound and give exit status 3.",
	.examples =
		"  tally plan --per-day 10k --cached 2000 --input 300 --output 150 --days 91 --model "
		"deepseek-v4-flash --escalate 5%:deepseek-v4-pro\n"
		"  tally plan --per-day 10k --cached 2000 --input 300 --output 150 --hours 9-17 "
		"--weekdays mon-fri -s flash=deepseek-v4-flash -s "
		"mixed=share:5%:deepseek-v4-pro:deepseek-v4-flash -s sonnet=claude-sonnet-4-6 --plan "
		"vm0\n"
		"  tally plan --tickets 8k..12k --cached 2000 --input 300 --output 100..200 --months 3 "
		"--model deepseek-v4-flash --escalate 3%..8%:deepseek-v4-pro\n"
		"  tally plan --users 200 --sessions 4 --turns 30 --cached 12k --input 800 --output 400 "
		"--months 12 --by quarter -m deepseek-v4-flash\n"
		"  tally plan --per-day 500 --turns 40 --cached 12k --input 1500 --output 800 -m "
		"deepseek-v4-flash\n"
		"  tally plan tickets.json --start 2027-01-01 --days 90 --json\n",
	.options = options,
	.common = TAKES_PRICES | TAKES_CSV | TAKES_ZONE | TAKES_CURRENCY,
	.run = run,
};
