#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli/look_source.h"
#include "cli/typed.h"
#include "reports/look.h"
#include "reports/table.h"

#define OPTIONS_OF_VIEWS \
	{ "breakdown", 'b', NULL, "list the models of each row below it", false }, \
		{ "order", 'o', "key|cost|records|asc|desc", \
		  "order of the rows (default key; desc: newest first)", false }, \
		{ "limit", 0, "N", "N rows only: the newest, or the first of --order cost", \
		  false }, \
		{ "project", 'p', "NAME", "only this project", false }, \
		{ "model", 'm', "MODEL", "only this model", false }, RECORDED_COST_OPTION, \
		OPTIONS_OF_LOOKS

static const struct option by_period[] = {
	{ "instances", 'i', NULL, "a row for each project in each period", false },
	{ "last", 0, "N", "the last N days, weeks or months, this one included", false,
	  OPTION_PERIOD },
	OPTIONS_OF_VIEWS,
	{ 0 },
};
static const struct option by_session[] = {
	{ "id", 'i', "ID", "only this session", false },
	OPTIONS_OF_VIEWS,
	{ 0 },
};

/* What each of the commands groups by. */
/* a look is quick */

struct view {
	const char *command;
	enum grouping dim[5]; /* labels, the day of the last call where has_last, the model */
	size_t labels;
	bool has_last;
	const char *title[3];
};
static const struct view views[] = {
	{ "today", { BY_DAY, BY_MODEL }, 1, false, { "day" } },
	{ "daily", { BY_DAY, BY_MODEL }, 1, false, { "day" } },
	{ "weekly", { BY_WEEK, BY_MODEL }, 1, false, { "week" } },
	{ "monthly", { BY_MONTH, BY_MODEL }, 1, false, { "month" } },
	{ "session",
	  { BY_SESSION, BY_PROJECT, BY_CUSTOMER, BY_DAY, BY_MODEL },
	  3,
	  true,
	  { "session", "project", "customer" } },
};

static const struct view *view_of(const struct cli *cli)
{
	size_t i = 0;
	while (strcmp(views[i].command, cli->command->name) != 0)
		i++;
	return &views[i];
}

/* The first day of the `n` days, weeks or months of which today's is the last. */
static int64_t first_day(enum grouping by, int64_t today, int64_t n)
{
	if (by == BY_DAY)
		return today - (n - 1);
	if (by == BY_WEEK)
		return today - weekday_of_day(today) - 7 * (n - 1);
	for (today -= civil_from_day(today).day - 1; n > 1; n--)
		today -= civil_from_day(today - 1).day;
	return today;
}

enum { LAST_MOST = 10000 };
static int take_period(const struct cli *cli, const struct view *view, const struct zone *zone,
		       struct usage_filter *f, struct err *e)
{
	static const char *const others[] = { "since", "until", "period", NULL };
	const int64_t today = zone_day(zone, clock_now());
	const bool only_today = strcmp(cli->command->name, "today") == 0;
	int64_t last = only_today;
	int rc = cli_count(cli, "last", last, &last, e);
	if (rc != 0)
		return err_set(
			e, ERR_USAGE,
			"--last: '%.100s' is no number; write --last 7, or a word of time as "
			"in --period last-month",
			cli_value(cli, "last"));
	if (rc == 0 && !cli_value(cli, "last") && !only_today)
		return cli_period(cli, zone, &f->since, &f->until, e);
	if (rc == 0)
		rc = cli_none_of(cli, others, "and --last name a period each: give one", e);
	if (rc == 0 && (last < 1 || last > LAST_MOST))
		rc = err_set(e, ERR_USAGE, "--last is from 1 to %d", LAST_MOST);
	if (rc != 0)
		return rc;
	f->since = zone_midnight(zone, first_day(view->dim[0], today, last));
	f->until = zone_midnight(zone, today + 1);
	return 0;
}

/* As --order says; whether the first of them are those that a limit leaves. */
static bool sort_rows(struct look *l, int order, bool has_last)
{
	enum { ASCENDING = 3, DESCENDING };
	const bool by_key = order == LOOK_BY_KEY || order >= ASCENDING;
	look_sort(l, by_key && has_last ? LOOK_BY_LAST
		     : by_key		? LOOK_BY_KEY
					: (enum look_order)order);
	if (order == DESCENDING)
		look_reverse(l);
	return !by_key || order == DESCENDING;
}

static void show(const struct cli *cli, const struct look_report *r)
{
	if (cli->json)
		look_report_json(r);
	else if (cli->csv)
		look_report_csv(r);
	else
		look_report_table(r);
}

static int run(struct cli *cli, struct err *e)
{
	static const char *const orders[] = { "key", "cost", "records", "asc", "desc", NULL };
	const struct view of_command = *view_of(cli);
	const struct view by_project = { .dim = { of_command.dim[0], BY_PROJECT, BY_MODEL },
					 .labels = 2,
					 .title = { of_command.title[0], "project" } };
	const struct view *view =
		cli_flag(cli, "instances") && of_command.labels == 1 ? &by_project : &of_command;
	char zone_room[ZONE_NAME_MAX], from[600];
	struct cli_names names = { 0 };
	struct usage_filter filter = { .recorded = cli_flag(cli, "recorded-cost"),
				       .session = cli_value(cli, "id") };
	struct look_report report = { .title = view->title,
				      .titles = view->labels,
				      .has_last = view->has_last,
				      .breakdown = cli_flag(cli, "breakdown"),
				      .timezone = cli_zone_name(cli, zone_room),
				      .from = from };
	struct look_source source = { 0 };
	struct usage_result *result = NULL;
	struct look look = { 0 };
	struct zone *zone = NULL;
	int order = 0, status = 0, rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = take_period(cli, &of_command, zone, &filter, e);
	if (rc == 0)
		rc = cli_choice(cli, "order", orders, &order, e);
	if (rc == 0)
		rc = cli_count(cli, "limit", 0, &report.limit, e);
	if (rc == 0)
		rc = look_source_open(&source, cli, false, e);
	if (rc == 0)
		rc = cli_names_open(&names, cli, source.store, &filter, e);
	if (rc == 0)
		rc = usage_query(&result, source.store, &filter,
				 &(struct usage_grouping){
					 view->dim, view->labels + view->has_last + 1, zone },
				 e);
	if (rc == 0) {
		report.bound = usage_lower_bound(result);
		look_fold(&look, result, view->labels, view->has_last);
		report.from_start = sort_rows(&look, order, view->has_last);
		snprintf(from, sizeof from, "%s, days in %s", source.words, report.timezone);
		report.look = &look;
		report.titles -= view->labels > 2 && !look_names(&look, view->labels - 1);
		report.recorded = filter.recorded;
		report.left_out = &source.left_out;
		show(cli, &report);
		if (!look.rows && filter.session)
			print_note("no session has the id '%s' in that period (`tally session` "
				   "lists them)",
				   filter.session);
		else if (!look.rows)
			look_source_tell_empty(&source, cli, zone);
		status = usage_sums_at_least(usage_total(result)) ||
					 lower_bound_is_uncertain(&report.bound) ||
					 left_out_any(&source.left_out)
				 ? 3
				 : 0;
	}
	cli_names_release(&names);
	look_release(&look);
	usage_result_close(result);
	look_source_close(&source);
	zone_close(zone);
	return rc ? rc : status;
}

/* What all of them are: each with its name, place, summary, options and examples. */
#define LOOK_COMMAND \
	.arguments = "[LOG|DIRECTORY...]", .arguments_max = -1, \
	.description = \
		"Reads the named logs, else the database if there is one, else the logs of the " \
		"agents on this machine. Each call counts once, at its own price. What was " \
		"read is cached in ~/.cache/tally, so that the next run reads only what is " \
		"new.\n\n" \
		"Calls without a price make totals lower bounds and give exit status 3.", \
	.run = run
enum { LOOK_TAKES = TAKES_ARCHIVE | TAKES_PRICES | TAKES_CURRENCY | TAKES_CSV | TAKES_ZONE };

const struct command command_today = {
	.name = "today",
	.place = HELP_LOOK + 4,
	.summary = "today's cost so far, by model",
	.examples = "  tally today\n  tally today --breakdown\n",
	.options = by_period,
	.common = LOOK_TAKES,
	LOOK_COMMAND,
};
const struct command command_daily = {
	.name = "daily",
	.place = HELP_LOOK + 6,
	.summary = "what each day cost, from the database or the agents' logs",
	.examples = "  tally daily --since 7d\n  tally daily --breakdown ~/.claude/projects\n",
	.options = by_period,
	.common = LOOK_TAKES | TAKES_PERIOD,
	LOOK_COMMAND,
};
const struct command command_weekly = {
	.name = "weekly",
	.place = HELP_LOOK + 8,
	.summary = "what each week cost",
	.examples = "  tally weekly\n  tally weekly --last 4\n",
	.options = by_period,
	.common = LOOK_TAKES | TAKES_PERIOD,
	LOOK_COMMAND,
};
const struct command command_monthly = {
	.name = "monthly",
	.place = HELP_LOOK + 10,
	.summary = "what each month cost",
	.examples = "  tally monthly\n  tally monthly --csv\n",
	.options = by_period,
	.common = LOOK_TAKES | TAKES_PERIOD,
	LOOK_COMMAND,
};
const struct command command_session = {
	.name = "session",
	.place = HELP_LOOK + 12,
	.summary = "what each session cost, latest last",
	.examples = "  tally session --since today\n  tally session --order cost --limit 10\n",
	.options = by_session,
	.common = LOOK_TAKES | TAKES_PERIOD,
	LOOK_COMMAND,
};
