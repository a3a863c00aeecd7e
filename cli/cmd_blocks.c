#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli/look_source.h"
#include "reports/blocks_report.h"
#include "reports/look.h"

enum { HOURS = 5, HOURS_MOST = 168, RECENT_DAYS = 3 };

static const struct option options[] = {
	{ "active", 'a', NULL, "only the current block", false },
	{ "recent", 'r', NULL, "the blocks of the last three days", false },
	{ "hours", 'n', "N", "the length of a block (default 5)", false },
	{ "token-limit", 't', "N|max",
	  "the limit of a block, if you know your account's; max: "
	  "the largest finished block",
	  false },
	{ "order", 'o', "asc|desc", "order of the blocks (default asc: newest last)", false },
	OPTIONS_OF_LOOKS,
	{ 0 },
};

static int take_limit(const struct cli *cli, struct blocks_report *r, struct err *e)
{
	const char *limit = cli_value(cli, "token-limit");
	if (!limit || strcmp(limit, "max") != 0)
		return cli_count(cli, "token-limit", 0, &r->token_limit, e);
	for (size_t i = 0; i < r->blocks->count; i++) {
		const struct usage_block *b = &r->blocks->block[i];
		const int64_t tokens = look_tokens(&b->sums);
		if (!usage_block_active(b, r->now.us) && tokens > r->token_limit)
			r->token_limit = tokens;
	}
	return 0;
}

/* The first block to show. */
static size_t first_shown(const struct cli *cli, const struct blocks_report *r)
{
	size_t i = 0;
	const size_t n = r->blocks->count;
	if (cli_flag(cli, "active"))
		return n && usage_block_active(&r->blocks->block[n - 1], r->now.us) ? n - 1 : n;
	while (cli_flag(cli, "recent") && i < n &&
	       r->blocks->block[i].end_us < r->now.us - RECENT_DAYS * US_PER_DAY)
		i++;
	return i;
}

static int run(struct cli *cli, struct err *e)
{
	char zone_room[ZONE_NAME_MAX];
	struct look_source source = { 0 };
	struct usage_blocks blocks = { 0 };
	struct usage_filter filter = { 0 };
	struct zone *zone = NULL;
	struct blocks_report report = { .blocks = &blocks,
					.now = clock_now(),
					.timezone = cli_zone_name(cli, zone_room),
					.source = source.words };
	static const char *const orders[] = { "asc", "desc", NULL };
	int64_t hours = HOURS;
	int order = 0;
	int status = 0, rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_period(cli, zone, &filter.since, &filter.until, e);
	if (rc == 0)
		rc = cli_count(cli, "hours", HOURS, &hours, e);
	if (rc == 0 && (hours < 1 || hours > HOURS_MOST))
		rc = err_set(e, ERR_USAGE, "--hours is from 1 to %d", HOURS_MOST);
	if (rc == 0)
		rc = cli_choice(cli, "order", orders, &order, e);
	if (rc == 0)
		rc = look_source_open(&source, cli, false, e);
	if (rc == 0)
		rc = usage_blocks_read(&blocks, source.store, &filter, (int)hours, e);
	if (rc == 0)
		rc = take_limit(cli, &report, e);
	if (rc == 0) {
		report.zone = zone;
		report.newest_first = order == 1;
		report.from = first_shown(cli, &report);
		report.left_out = &source.left_out;
		if (cli->json)
			blocks_report_json(&report);
		else if (cli->csv)
			blocks_report_csv(&report);
		else
			blocks_report_table(&report);
		for (size_t i = report.from; i < blocks.count; i++)
			status = usage_sums_at_least(&blocks.block[i].sums) ? 3 : status;
		if (left_out_any(&source.left_out))
			status = 3;
	}
	usage_blocks_release(&blocks);
	look_source_close(&source);
	zone_close(zone);
	return rc ? rc : status;
}

const struct command command_blocks = {
	.name = "blocks",
	.place = HELP_LOOK + 14,
	.summary = "calls in blocks of five hours, with the burn rate of the current one",
	.arguments = "[LOG|DIRECTORY...]",
	.arguments_max = -1,
	.description =
		"A block begins at the full UTC hour of its first call and lasts five hours; a "
		"call after its end, or more than five hours after the last one, begins the "
		"next. Vendors do not publish where their own windows begin, so blocks are an "
		"estimate.\n\nReads the named logs, else the database if there is one, else the logs "
		"of the agents on this machine.",
	.examples = "  tally blocks --recent\n  tally blocks --active --token-limit max\n",
	.options = options,
	.common = TAKES_DB | TAKES_PRICES | TAKES_CURRENCY | TAKES_CSV | TAKES_PERIOD | TAKES_ZONE,
	.run = run,
};
