#include <stdio.h>
#include <string.h>

#include "base/zone.h"
#include "cli/typed.h"
#include "reports/amount.h"
#include "reports/record_report.h"
#include "reports/table.h"

enum { LIMIT_DEFAULT = 50 };

static const struct option options[] = {
	{ "customer", 0, "NAME", "only this customer", false },
	{ "project", 0, "NAME", "only this project", false },
	{ "model", 'm', "MODEL", "only this model, under any of its names", false },
	{ "order", 0, "stored|time|cost|tokens", "which come first (default the last stored)",
	  false },
	{ "unpriced", 0, NULL, "only records without a price", false },
	{ "limit", 0, "N", "how many (default 50)", false },
	{ 0 },
};

static void tell_lack(const struct archived_lack *lack)
{
	char first[MONTH_TEXT_MAX], last[MONTH_TEXT_MAX];
	month_format(lack->first_month, first);
	month_format(lack->last_month, last);
	print_notice("tally: %s of %s%s%s are archived and not among these: --with-archive FOLDER "
		     "reads them from their files\n",
		     COUNTED(lack->rows, "row"), first, strcmp(first, last) ? " to " : "",
		     strcmp(first, last) ? last : "");
}

static int run(struct cli *cli, struct err *e)
{
	static const char *const orders[] = { "stored", "time", "cost", "tokens", NULL };
	struct cli_names names = { 0 };
	struct rows_question q = { .kind = -1,
				   .priced = cli_flag(cli, "unpriced") ? ROWS_UNPRICED : ROWS_ANY };
	struct store *store = NULL;
	struct zone *zone = NULL;
	struct json_out j;
	struct archived_lack lack = { 0 };
	int order = 0;
	int rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_period(cli, zone, &q.filter.since, &q.filter.until, e);
	if (rc == 0)
		rc = cli_choice(cli, "order", orders, &order, e);
	if (rc == 0)
		rc = cli_count(cli, "limit", LIMIT_DEFAULT, &q.limit, e);
	if (rc == 0 && (q.limit < 1 || q.limit > ROWS_PAGE_MOST))
		rc = err_set(e, ERR_USAGE, "--limit is from 1 to %d", ROWS_PAGE_MOST);
	q.order = (enum rows_order)order;
	if (rc == 0)
		rc = cli_store(cli, &store, DB_READ, e);
	if (rc == 0)
		rc = cli_names_open(&names, cli, store, &q.filter, e);
	if (rc == 0 && cli->json) {
		struct buf document = { 0 };
		json_out_open(&j, NULL);
		rc = record_report_put(&j, store, &q, false, &lack, e);
		json_out_take(&j, &document);
		if (rc == 0)
			fwrite(document.p, 1, document.n, stdout);
		buf_release(&document);
	} else if (rc == 0) {
		rc = record_report_table(store, &q, cli->quiet, &lack, e);
	}
	if (rc == 0 && lack.rows)
		tell_lack(&lack);
	cli_names_release(&names);
	store_close(store);
	zone_close(zone);
	return rc ? rc : lack.rows ? 3 : 0;
}

const struct command command_records = {
	.name = "records",
	.place = HELP_LOOK + 28,
	.summary = "the records behind the sums, latest stored first",
	.arguments = "",
	.description = "Rows as they are stored: a record that was reversed or corrected later "
		       "is listed with its reversal and correction.",
	.examples = "  tally records --customer acme --limit 20\n  tally records --unpriced\n",
	.options = options,
	.common = TAKES_ARCHIVE | TAKES_PERIOD | TAKES_ZONE,
	.run = run,
};
