#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli/look_source.h"
#include "cli/typed.h"
#include "reports/look.h"

static const struct option options[] = {
	{ "breakdown", 'b', NULL, "list the models of each row below it", false },
	{ "order", 'o', "key|cost|records|asc|desc",
	  "order of the rows (default key; desc: newest first)", false },
	{ "limit", 0, "N", "N rows only: the newest, or the first of --order cost", false },
	{ "project", 'p', "NAME", "only this project", false },
	{ "instances", 'i', NULL, "a row for each project in each period", false },
	{ "model", 'm', "MODEL", "only this model", false },
	RECORDED_COST_OPTION,
	OPTIONS_OF_LOOKS,
	{ 0 },
};

/* What each of the commands groups by. */
/* a look is quick */
enum { PLACEHOLDERS_COUNTED = 1000 };

struct view {
	const char *command;
	enum usage_dim dim[4]; /* labels, the day of the last call where has_last, the model */
	size_t labels;
	bool has_last;
	const char *title[2];
};
static const struct view views[] = {
	{ "today", { USAGE_BY_DAY, USAGE_BY_MODEL }, 1, false, { "day" } },
	{ "daily", { USAGE_BY_DAY, USAGE_BY_MODEL }, 1, false, { "day" } },
	{ "weekly", { USAGE_BY_WEEK, USAGE_BY_MODEL }, 1, false, { "week" } },
	{ "monthly", { USAGE_BY_MONTH, USAGE_BY_MODEL }, 1, false, { "month" } },
	{ "session",
	  { USAGE_BY_SESSION, USAGE_BY_PROJECT, USAGE_BY_DAY, USAGE_BY_MODEL },
	  2,
	  true,
	  { "session", "project" } },
};

static const struct view *view_of(const struct cli *cli)
{
	size_t i = 0;
	while (strcmp(views[i].command, cli->command->name) != 0)
		i++;
	return &views[i];
}

static int take_period(const struct cli *cli, const struct zone *zone, struct usage_filter *f,
		       struct err *e)
{
	if (strcmp(cli->command->name, "today") != 0)
		return cli_period(cli, zone, &f->since, &f->until, e);
	const int64_t day = zone_day(zone, clock_now());
	f->since = zone_midnight(zone, day);
	f->until = zone_midnight(zone, day + 1);
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

static int run(struct cli *cli, struct err *e)
{
	static const char *const orders[] = { "key", "cost", "records", "asc", "desc", NULL };
	const struct view of_command = *view_of(cli);
	const struct view by_project = { .dim = { of_command.dim[0], USAGE_BY_PROJECT,
						  USAGE_BY_MODEL },
					 .labels = 2,
					 .title = { of_command.title[0], "project" } };
	const struct view *view =
		cli_flag(cli, "instances") && of_command.labels == 1 ? &by_project : &of_command;
	char zone_room[ZONE_NAME_MAX], from[600];
	struct cli_names names = { 0 };
	struct usage_filter filter = { .recorded = cli_flag(cli, "recorded-cost") };
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
		rc = take_period(cli, zone, &filter, e);
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
	if (rc == 0)
		rc = usage_lower_bound(&report.bound, source.store, &filter, PLACEHOLDERS_COUNTED,
				       e);
	if (rc == 0) {
		look_fold(&look, result, view->labels, view->has_last);
		report.from_start = sort_rows(&look, order, view->has_last);
		snprintf(from, sizeof from, "%s, days of %s", source.words, report.timezone);
		report.look = &look;
		report.recorded = filter.recorded;
		report.left_out = &source.left_out;
		if (cli->json)
			look_report_json(&report);
		else if (cli->csv)
			look_report_csv(&report);
		else
			look_report_table(&report);
		if (!look.rows)
			cli_tell_empty(cli, source.store, zone);
		status = usage_total(result)->unpriced || left_out_any(&source.left_out) ||
					 report.bound.placeholders
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

#define LOOK_COMMAND(id, words, what, takes, more_examples) \
	const struct command command_##id = { \
		.name = words, \
		.summary = what, \
		.arguments = "[LOG|DIRECTORY...]", \
		.arguments_max = -1, \
		.description = \
			"Reads the database if there is one, else the named logs or those of the " \
			"agents on this machine. Each call counts once, at its own price. What was " \
			"read is cached in ~/.cache/tally, so that the next run reads only what is " \
			"new.\n\n" \
			"Calls without a price make totals lower bounds and give exit status 3.", \
		.examples = more_examples, \
		.options = options, \
		.common = TAKES_DB | TAKES_PRICES | TAKES_CURRENCY | TAKES_CSV | TAKES_ZONE | \
			  (takes), \
		.run = run, \
	}

LOOK_COMMAND(today, "today", "today's cost so far, by model", 0,
	     "  tally today\n  tally today --breakdown\n");
LOOK_COMMAND(daily, "daily", "what each day cost, from the database or the agents' logs",
	     TAKES_PERIOD,
	     "  tally daily --since 7d\n  tally daily --breakdown ~/.claude/projects\n");
LOOK_COMMAND(weekly, "weekly", "what each week cost", TAKES_PERIOD, "  tally weekly\n");
LOOK_COMMAND(monthly, "monthly", "what each month cost", TAKES_PERIOD,
	     "  tally monthly\n  tally monthly --csv\n");
LOOK_COMMAND(session, "session", "what each session cost, latest last", TAKES_PERIOD,
	     "  tally session --since today\n  tally session --order cost --limit 10\n");
