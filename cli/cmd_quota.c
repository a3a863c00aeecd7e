#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli/look_source.h"
#include "meter/ingest/quota_log.h"
#include "reports/look.h"
#include "reports/quota_report.h"

static const struct option options[] = {
	OPTIONS_OF_LOOKS,
	{ 0 },
};

/* What the vendor's calls since the window's begin come to. */
static int weigh(struct quota_row *row, struct look_source *source, const struct zone *zone,
		 struct instant now, char currency[16], struct err *e)
{
	static const enum grouping dims[] = { BY_PROVIDER };
	const struct quota *q = &row->quota;
	struct usage_filter filter = { .since = { q->resets_us - q->length_us }, .until = now };
	struct usage_result *result;
	if (!source->store || !q->length_us || q->resets_us == TIME_UNKNOWN ||
	    quota_is_over(q, now) || filter.since.us >= now.us)
		return 0;
	int rc = usage_query(&result, source->store, &filter,
			     &(struct usage_grouping){ dims, 1, zone }, e);
	if (rc != 0)
		return rc;
	row->has_worth = true;
	for (size_t i = 0; i < usage_group_count(result); i++) {
		if (text_is(usage_label(result, i, 0), q->provider))
			row->worth = *usage_group(result, i);
	}
	snprintf(currency, 16, "%s", usage_currency(result));
	usage_result_close(result);
	return 0;
}

static int run(struct cli *cli, struct err *e)
{
	struct quota_list list = { 0 };
	struct quota_row row[QUOTA_WINDOWS_MAX] = { 0 };
	struct look_source source = { 0 };
	struct zone *zone = NULL;
	struct err none;
	char currency[16] = "USD";
	struct quota_report report = { .row = row, .now = clock_now(), .currency = currency };
	quota_log_read(&list);
	quota_log_codex(&list);
	int rc = zone_open(&zone, "UTC", e);
	/* windows are worth a look without calls to compare them with */
	if (rc == 0 && list.count && look_source_open(&source, cli, false, &none) != 0)
		source = (struct look_source){ 0 };
	for (size_t i = 0; rc == 0 && i < list.count; i++) {
		row[i].quota = list.window[i];
		rc = weigh(&row[i], &source, zone, report.now, currency, e);
	}
	if (rc == 0) {
		report.rows = list.count;
		if (cli->json)
			quota_report_json(&report);
		else
			quota_report_table(&report);
	}
	look_source_close(&source);
	zone_close(zone);
	return rc;
}

const struct command command_quota = {
	.name = "quota",
	.place = HELP_LOOK + 18,
	.summary = "your subscription windows: used, pace, worth at list price",
	.arguments = "",
	.description =
		"What agents reported about an account's windows: Claude Code through `tally "
		"statusline`, Codex in its logs. The newest observation of each window counts; "
		"what was not reported is not guessed. The pace is the use so far over the time "
		"that passed; list price is what the calls on this machine in that window would "
		"have cost.",
	.examples = "  tally quota\n  tally quota --json\n",
	.options = options,
	.common = TAKES_DB | TAKES_PRICES | TAKES_CURRENCY,
	.run = run,
};
