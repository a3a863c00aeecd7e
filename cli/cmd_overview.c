#include <stdio.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli/look_source.h"
#include "reports/overview.h"

static const struct option options[] = {
	OPTIONS_OF_LOOKS,
	{ 0 },
};

/* The day of the newest record, where there is one. */
static int find_newest(struct overview *o, struct store *s, const struct zone *zone, struct err *e)
{
	struct instant first, last;
	const int rc = usage_span(s, &first, &last, &o->has_newest, e);
	if (rc == 0)
		o->newest = zone_day(zone, last);
	return rc;
}

static int run(struct cli *cli, struct err *e)
{
	static const enum grouping dims[] = { BY_DAY, BY_MODEL };
	char zone_room[ZONE_NAME_MAX];
	struct look_source source = { 0 };
	struct usage_result *result = NULL;
	struct look look = { 0 };
	struct zone *zone = NULL;
	struct overview o = { .days = &look,
			      .timezone = cli_zone_name(cli, zone_room),
			      .source = source.words };
	int status = 0, rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = look_source_open(&source, cli, false, e);
	if (rc == -ERR_NOT_FOUND && !cli_value(cli, "db") && !cli->argument_count) {
		printf("No database yet, and no agent's logs in their usual places. Begin with\n"
		       "  tally ingest FILE|DIRECTORY    records, logs or exports, each call once\n"
		       "  tally replay FILE --by model   what a trace of calls costs, to the last "
		       "digit\n"
		       "  tally help                     everything else\n");
		zone_close(zone);
		return 2;
	}
	if (rc == 0) {
		o.today = zone_day(zone, clock_now());
		struct usage_filter filter = { .since = zone_midnight(zone, overview_first_day(&o)),
					       .until = zone_midnight(zone, o.today + 1) };
		rc = usage_query(&result, source.store, &filter,
				 &(struct usage_grouping){ dims, 2, zone }, e);
	}
	if (rc == 0 && usage_total(result)->records == 0)
		rc = find_newest(&o, source.store, zone, e);
	if (rc == 0) {
		look_fold(&look, result, 1, false);
		o.left_out = &source.left_out;
		if (cli->json)
			overview_json(&o);
		else
			overview_print(&o);
		if (!cli->json)
			look_source_tell_newer(&source, cli);
		status = overview_is_lower_bound(&o) ? 3 : 0;
	}
	look_release(&look);
	usage_result_close(result);
	look_source_close(&source);
	zone_close(zone);
	return rc ? rc : status;
}

const struct command command_overview = {
	.name = "overview",
	.place = HELP_LOOK + 2,
	.summary = "today, this week and this month at a glance (also: tally alone)",
	.arguments = "[LOG|DIRECTORY...]",
	.arguments_max = -1,
	.description = "What `tally` alone shows: what today, this week and this month cost, the "
		       "month by model, and what needs a look; from the database where there is "
		       "one, else from the logs of the agents on this machine.",
	.examples = "  tally\n  tally overview ~/.claude/projects\n",
	.options = options,
	.common = TAKES_DB | TAKES_PRICES | TAKES_CURRENCY | TAKES_ZONE,
	.run = run,
};
