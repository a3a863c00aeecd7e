#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli/look_source.h"
#include "cli/watch.h"
#include "reports/blocks_report.h"
#include "reports/overview.h"
#include "reports/record_report.h"
#include "reports/table.h"

enum { BLOCK_HOURS = 5, CALLS_SHOWN = 6 };

static const struct option options[] = {
	OPTION_INTERVAL,
	OPTIONS_OF_LOOKS,
	{ 0 },
};

/* Where the block under way leads, in its own words. */
static int put_block(struct store *s, struct blocks_report r, struct err *e)
{
	struct usage_blocks blocks = { 0 };
	const struct usage_filter recent = { .since = { r.now.us - 2 * US_PER_DAY },
					     .until = INSTANT_MAX };
	int rc = usage_blocks_read(&blocks, s, &recent, BLOCK_HOURS, e);
	r.blocks = &blocks;
	if (rc == 0)
		blocks_report_outlook(&r);
	usage_blocks_release(&blocks);
	return rc;
}

static int put_days(struct overview o, struct store *s, const struct zone *zone, bool *below,
		    struct err *e)
{
	static const enum grouping dims[] = { BY_DAY, BY_MODEL };
	struct usage_result *result = NULL;
	struct look look = { 0 };
	o.days = &look;
	o.today = zone_day(zone, clock_now());
	const struct usage_filter filter = { .since = zone_midnight(zone, overview_first_day(&o)),
					     .until = zone_midnight(zone, o.today + 1) };
	int rc = usage_query(&result, s, &filter, &(struct usage_grouping){ dims, 2, zone }, e);
	if (rc == 0) {
		look_fold(&look, result, 1, false);
		overview_print(&o);
		*below = overview_is_lower_bound(&o);
	}
	look_release(&look);
	usage_result_close(result);
	return rc;
}

static int draw(struct cli *cli, struct err *e)
{
	char zone_room[ZONE_NAME_MAX], now[INSTANT_TEXT_MAX];
	struct look_source source = { 0 };
	struct zone *zone = NULL;
	struct overview o = { .timezone = cli_zone_name(cli, zone_room),
			      .source = source.words,
			      .no_hint = true };
	struct blocks_report blocks = { .now = { clock_now().us / US_PER_SECOND * US_PER_SECOND },
					.timezone = o.timezone,
					.source = source.words };
	const struct rows_question latest = { .filter = { .since = INSTANT_MIN,
							  .until = INSTANT_MAX },
					      .kind = -1,
					      .order = ROWS_BY_TIME,
					      .limit = CALLS_SHOWN };
	struct archived_lack lack;
	bool below = false;
	int rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = look_source_open(&source, cli, false, e);
	if (rc == 0) {
		if (table_room(0))
			printf("%s, ^C ends\n", instant_format(blocks.now, now));
		o.left_out = &source.left_out;
		rc = put_days(o, source.store, zone, &below, e);
	}
	blocks.zone = zone;
	if (rc == 0)
		rc = put_block(source.store, blocks, e);
	if (rc == 0) {
		printf("\n");
		rc = record_report_table(source.store, &latest, true, &lack, e);
	}
	const int status = below ? 3 : 0;
	look_source_close(&source);
	zone_close(zone);
	return rc ? rc : status;
}

static int run(struct cli *cli, struct err *e)
{
	return watch(cli, draw, e);
}

const struct command command_live = {
	.name = "live",
	.place = HELP_LOOK + 16,
	.summary = "today, the current block and the latest calls, updated as they come",
	.arguments = "[LOG|DIRECTORY...]",
	.arguments_max = -1,
	.description =
		"What `tally` alone shows, where the five-hour block under way leads, and the latest "
		"calls, every two seconds in place; ^C ends it and leaves the last picture. From the "
		"database where there is one, else from the logs of the agents on this machine, of "
		"which only what is new is read. In a pipe each picture is printed that differs from "
		"the one before.",
	.examples = "  tally live\n  tally live --interval 10 ~/.claude/projects\n",
	.options = options,
	.common = TAKES_DB | TAKES_PRICES | TAKES_CURRENCY | TAKES_ZONE | NO_JSON,
	.run = run,
};
