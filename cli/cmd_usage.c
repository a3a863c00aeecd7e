#include <stdlib.h>
#include <string.h>

#include "cli/memo_output.h"
#include "cli/typed.h"
#include "meter/ledger/ledger.h"
#include "meter/ingest/quarantine.h"
#include "reports/usage_report.h"

static const struct option options[] = {
	{ "by", 0, "KEYS",
	  "group by day, week, month, hour, model, provider, customer, project, workload, effort, task, session, window, region (a,b,c; default day)",
	  false },
	{ "order", 0, "key|cost|records", "order of the groups (default key)", false },
	{ "limit", 0, "N", "show the first N groups only", false },
	{ "customer", 0, "NAME", "only this customer", false },
	{ "project", 0, "NAME", "only this project", false },
	{ "model", 'm', "MODEL", "only this model", false },
	{ "hits", 0, NULL, "in the table, the share of the prompts that was read from a cache",
	  false },
	RECORDED_COST_OPTION,
	MEMO_OPTIONS,
	{ "as-of", 0, "ROW", "as of that row (see `tally explain`)", false, OPTION_ADVANCED },
	{ 0 },
};

/* "2026-11-01 to 2026-11-30, of the customer acme" */
static void put_about(struct buf *b, const struct cli *cli, const struct usage_filter *f,
		      const struct zone *z)
{
	static const char *const names[] = { "customer", "project", "model" };
	const char *const named[] = { f->customer, f->project, f->model };
	char day[DAY_TEXT_MAX];
	if (f->since.us == INSTANT_MIN.us && f->until.us == INSTANT_MAX.us)
		buf_puts(b, "everything that was metered");
	if (f->since.us != INSTANT_MIN.us)
		buf_printf(b, "from %s", day_format(zone_day(z, f->since), day));
	if (f->until.us != INSTANT_MAX.us)
		buf_printf(b, "%sto %s", b->n ? " " : "",
			   day_format(zone_day(z, (struct instant){ f->until.us - 1 }), day));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (named[i])
			buf_printf(b, ", of the %s %s", names[i], *named[i] ? named[i] : "(none)");
	if (cli_value(cli, "as-of"))
		buf_printf(b, ", as of row %s", cli_value(cli, "as-of"));
}

static int show(struct cli *cli, const struct usage_report *r, enum memo_format format,
		const char *about, struct err *e)
{
	struct memo memo = { 0 };
	struct json_out j;
	int rc = 0;
	if (format != MEMO_AS_TEXT) {
		usage_report_memo(&memo, r, about);
		rc = cli_memo_show(cli, &memo, format, e);
		memo_release(&memo);
	} else if (cli->json) {
		cli_json_open(cli, &j);
		usage_report_put(&j, r);
		rc = cli_json_close(cli, &j, e);
	} else if (cli->csv) {
		usage_report_csv(r);
	} else {
		usage_report_table(r);
	}
	return rc;
}

/* One form at a time. */
static int form_of(const struct cli *cli, enum memo_format *out, struct err *e)
{
	if (cli_value(cli, "format") && (cli->json || cli->csv))
		return err_set(e, ERR_USAGE, "--format and --%s: ask for one of them",
			       cli->json ? "json" : "csv");
	if (cli_value(cli, "output") && cli->csv)
		return err_set(e, ERR_USAGE,
			       "--csv goes to standard output: tally usage --csv > FILE");
	return cli_memo_format(cli, out, e);
}

static int run(struct cli *cli, struct err *e)
{
	static const char *const orders[] = { "key", "cost", "records", NULL };
	struct store *store = NULL;
	struct zone *zone = NULL;
	struct usage_result *result = NULL;
	struct book *book = NULL;
	enum grouping dim[GROUPING_COUNT];
	char zone_room[ZONE_NAME_MAX];
	struct usage_report report = { .dim = dim, .timezone = cli_zone_name(cli, zone_room) };
	struct cli_names names = { 0 };
	struct usage_filter filter = { .recorded = cli_flag(cli, "recorded-cost") };
	const char *by = cli_value(cli, "by");
	int order = 0, status = 0;
	enum memo_format format;
	struct buf about = { 0 };
	int rc = form_of(cli, &format, e);
	if (rc == 0)
		rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_period(cli, zone, &filter.since, &filter.until, e);
	if (rc == 0)
		rc = groupings_parse(dim, &report.dim_count, by ? by : "day", GROUPS_OF_USAGE, e);
	if (rc == 0)
		rc = cli_choice(cli, "order", orders, &order, e);
	if (rc == 0)
		rc = cli_count(cli, "limit", 0, &report.limit, e);
	if (rc == 0)
		rc = cli_count(cli, "as-of", 0, &filter.seq_until, e);
	if (rc == 0)
		rc = cli_store(cli, &store, DB_READ, e);
	if (rc == 0)
		rc = cli_names_open(&names, cli, store, &filter, e);
	if (rc == 0)
		rc = usage_query(&result, store, &filter,
				 &(struct usage_grouping){ dim, report.dim_count, zone }, e);
	if (rc == 0)
		rc = ledger_all_uncovered(store, &report.uncovered, e);
	if (rc == 0)
		rc = conflict_count(store, &report.conflicts, e);
	if (rc == 0)
		rc = cli_book(cli, &book, e);
	if (rc == 0)
		rc = price_dates_of(&report.dates, store, book, &filter, e);
	if (rc == 0)
		rc = stood_in_of(&report.stand_ins, store, &filter, e);
	if (rc == 0)
		rc = moving_names_of(&report.moving, store, book, &filter, e);
	if (rc == 0) {
		report.result = result;
		report.bound = usage_lower_bound(result);
		report.recorded = filter.recorded;
		report.hits = cli_flag(cli, "hits");
		report.order = (enum usage_order)order;
		put_about(&about, cli, &filter, zone);
		rc = show(cli, &report, format, about.p, e);
	}
	if (rc == 0) {
		if (!usage_total(result)->records)
			cli_tell_empty(cli, store, zone);
		status = usage_sums_at_least(usage_total(result)) ||
					 lower_bound_is_uncertain(&report.bound)
				 ? 3
				 : 0;
	}
	buf_release(&about);
	cli_names_release(&names);
	usage_result_close(result);
	book_close(book);
	store_close(store);
	zone_close(zone);
	return rc ? rc : status;
}

const struct command command_usage = {
	.name = "usage",
	.place = HELP_LOOK + 22,
	.summary = "metered usage, by day, model, customer, project, ...",
	.arguments = "",
	.description = "Adds up the stored records exactly, each at the price that it was stored "
		       "with. Answers come from rollups where they suffice, so millions of records "
		       "take milliseconds; grouping by task or session reads the records.\n\n"
		       "Records without a price, and answers of which only the beginning was seen, "
		       "make totals lower bounds and give exit status 3.",
	.examples = "  tally usage\n"
		    "  tally usage --by month,customer --order cost\n"
		    "  tally usage --by day,model --since 2026-11-01 -z Europe/Berlin --json\n"
		    "  tally usage --by model --hits\n"
		    "  tally usage --by day --period last-month --format html -o usage.html\n"
		    "  tally usage --by session --project /home/me/app --order cost --limit 10\n",
	.options = options,
	.common = TAKES_ARCHIVE | TAKES_CSV | TAKES_PERIOD | TAKES_ZONE,
	.run = run,
};
