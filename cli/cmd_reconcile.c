#include <string.h>

#include "base/zone.h"
#include "cli/command.h"
#include "cli/metering.h"
#include "cli/typed.h"
#include "meter/billing/reconcile.h"
#include "meter/billing/tiers.h"
#include "reports/reconcile_report.h"
#include "reports/table.h"

static const struct option options[] = {
	{ "format", 'f', "deepseek|anthropic|openai|csv", "the vendor of the bill", false },
	{ "map", 0, "FIELD=COLUMN",
	  "columns of a CSV: day, model, cost, currency, project, kind, input, cache_read, output, "
	  "none",
	  true },
	{ "provider", 'p', "VENDOR",
	  "only records priced by this vendor (default the bill's; "
	  "csv: all)",
	  false },
	{ "customer", 0, "NAME", "only this customer", false },
	{ "project", 0, "NAME", "only this project", false },
	{ "tolerance", 0, "AMOUNT", "accepted difference per day and model (default 0.005)",
	  false },
	{ "html", 0, "FILE", "also write one self-contained HTML file", false },
	{ "xlsx", 0, "FILE", "also write a workbook", false },
	{ "all", 0, NULL, "also show what matches", false },
	{ 0 },
};

static int read_map(struct cli *cli, struct bill_options *o, struct err *e)
{
	const char *spec;
	for (int i = 0; (spec = cli_value_at(cli, "map", i)); i++) {
		const size_t n = strcspn(spec, "=");
		if (!spec[n] || !bill_map(o, (struct text){ spec, n }, spec + n + 1))
			return err_set(e, ERR_USAGE, "--map %s: FIELD=COLUMN, with " BILL_MAP_NAMES,
				       spec);
	}
	return 0;
}

/* The exit status, or an error. */
static int show(struct cli *cli, const struct reconciliation *r, const struct bill *bill,
		struct err *e)
{
	const char *html = cli_value(cli, "html"), *xlsx = cli_value(cli, "xlsx");
	const struct reconcile_report o = { .r = r,
					    .bill = bill,
					    .currency = *bill->currency ? bill->currency
									: cli_currency(cli),
					    .zone = r->zone,
					    .project = cli_value(cli, "project"),
					    .all = cli_flag(cli, "all") };
	int rc = html ? reconcile_report_html(&o, html, e) : 0;
	if (rc == 0 && xlsx)
		rc = reconcile_report_xlsx(&o, xlsx, e);
	if (rc != 0)
		return rc;
	if (bill->partial && bill->pages_missing)
		print_notice("tally: %lld of the bill's %lld pages are missing; add them\n",
			     (long long)bill->pages_missing, (long long)bill->pages);
	else if (bill->partial)
		print_notice("tally: has_more: the bill is one page of several; add "
			     "the others\n");
	if (r->silent_days)
		print_notice(
			"tally: calls were metered on %lld %s of which the bill says nothing: add the file "
			"or page that has %s\n",
			(long long)r->silent_days, r->silent_days == 1 ? "day" : "days",
			r->silent_days == 1 ? "it" : "them");
	if (bill->unread.n)
		print_notice("tally: columns that speak of money and were not read: %.*s\n",
			     (int)bill->unread.n, bill->unread.p);
	if (bill->doubtful.n)
		print_notice(
			"tally: what may change the bill and was not read: %.*s; say with --map what "
			"it is, or --map none=COLUMN\n",
			(int)bill->doubtful.n, bill->doubtful.p);
	if (cli->json)
		reconcile_report_json(&o);
	else if (cli->csv)
		reconcile_report_csv(&o);
	else
		reconcile_report_table(&o);
	bool off = r->open || r->unexplained.atto || r->total_is_wrong;
	const bool part = bill->partial || bill->doubtful.n || r->silent_days;
	return off ? 5 : part || r->unpriced || r->placeholders ? 3 : 0;
}

static int run(struct cli *cli, struct err *e)
{
	static const char *const formats[] = { "csv", "deepseek", "anthropic", "openai", NULL };
	const char *tolerance = cli_value(cli, "tolerance");
	struct book *book = NULL;
	struct store *store = NULL;
	struct zone *zone = NULL;
	char zone_room[ZONE_NAME_MAX];
	struct bill bill = { 0 };
	struct bill_options reading = { 0 };
	struct reconciliation r = { 0 };
	struct reconcile_options o = { .customer = cli_value(cli, "customer"),
				       .project = cli_value(cli, "project"),
				       .provider = cli_value(cli, "provider"),
				       .tolerance = { (int128)5 * 1000000000000000 } };
	struct decimal d;
	int format;
	int rc = cli_choice(cli, "format", formats, &format, e);
	if (rc == 0)
		rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_period(cli, zone, &o.since, &o.until, e);
	if (rc == 0)
		rc = read_map(cli, &reading, e);
	if (rc == 0 && tolerance &&
	    (decimal_parse(&d, text_of(tolerance), NULL) != 0 || d.digits < 0 ||
	     amount_from_decimal(&o.tolerance, d, NULL) != 0))
		rc = err_set(e, ERR_USAGE, "--tolerance: '%s' is not an amount", tolerance);
	if (rc == 0)
		rc = cli_database_book(cli, DB_READ, &book, &store, e);
	reading.book = book;
	if (o.since.us != INSTANT_MIN.us && o.until.us != INSTANT_MAX.us) {
		reading.from = zone_day(zone, o.since);
		reading.to = zone_day(zone, o.until);
	}
	if (rc == 0)
		rc = bill_read(&bill, (const char *const *)cli->argument,
			       (size_t)cli->argument_count, &reading, e);
	if (rc == 0)
		rc = cli_store_kept(cli, &store, DB_READ, e);
	if (rc == 0)
		cli_tell_unknown(cli, store);
	if (rc == 0)
		rc = cli_tell_other_cards(cli, store, book, e);
	o.book = book;
	o.exact = tolerance != NULL;
	o.zone = cli_value(cli, "timezone") ? zone : NULL;
	o.zone_name = cli_zone_name(cli, zone_room);
	o.currency = cli_value(cli, "currency") ? cli_currency(cli) : NULL;
	if (rc == 0 && !o.provider)
		o.provider = format ? formats[format] : bill.provider;
	if (rc == 0)
		rc = reconcile(&r, store, &bill, &o, e);
	int status = rc ? 0 : show(cli, &r, &bill, e);
	if (status < 0)
		rc = status;
	reconciliation_release(&r);
	bill_release(&bill);
	store_close(store);
	book_close(book);
	zone_close(zone);
	return rc ? rc : status;
}

const struct command command_reconcile = {
	.name = "reconcile",
	.place = HELP_BILL + 18,
	.summary = "compare a provider's bill with what was metered",
	.arguments = "BILL...",
	.arguments_min = 1,
	.arguments_max = -1,
	.description =
		"Compares by day and model: what matches, what differs, what was billed but never metered, and the reverse, with the causes of differences first. Files are recognised by their header: cost reports of OpenAI, Anthropic, DeepSeek (amount and cost files together, or the ZIP), AWS, Azure, Google Cloud and GitHub Copilot, FOCUS from any vendor, usage reports that state costs, or any CSV with --map. Days are in UTC, in the zone that the bill states, or in that of -z. Names that meant the same model at the time count as one. Exit status 5 when anything does not match, 3 when the bill is incomplete or calls have no price.",
	.examples = "  tally reconcile amount-2026-10.csv cost-2026-10.csv\n"
		    "  tally reconcile cost_report.json --html beside.html\n"
		    "  tally reconcile bill.csv --map day=Date --map cost='Total (USD)' --map "
		    "model=SKU\n",
	.options = options,
	.common = TAKES_ARCHIVE | TAKES_PRICES | TAKES_CSV | TAKES_PERIOD | TAKES_ZONE |
		  TAKES_CURRENCY,
	.run = run,
};
