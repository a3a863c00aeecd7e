#include "base/clock.h"
#include "base/zone.h"
#include "cli/memo_output.h"
#include "reports/statement_report.h"

static const struct option options[] = {
	MEMO_OPTIONS,
	{ "language", 0, "CODE", "of its labels: de, en, ja or zh (default as the terms say)",
	  false, OPTION_OUTPUT },
	{ 0 },
};

static int show(struct cli *cli, const struct statement *s, enum memo_format format, struct err *e)
{
	struct memo m;
	struct json_out j;
	int rc;
	if (cli->json) {
		cli_json_open(cli, &j);
		statement_put(&j, s);
		return cli_json_close(cli, &j, e);
	}
	statement_memo(&m, s);
	rc = cli_memo_show(cli, &m, format, e);
	memo_release(&m);
	return rc;
}

static int run(struct cli *cli, struct err *e)
{
	struct statement_question q = { .customer = cli->argument[0],
					.language = cli_value(cli, "language"),
					.now = clock_now() };
	struct statement *statement = NULL;
	struct zone *zone = NULL;
	enum memo_format format;
	int rc = cli_memo_format(cli, &format, e);
	if (rc == 0)
		rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_period(cli, zone, &q.since, &q.until, e);
	q.zone = zone;
	if (rc == 0)
		rc = cli_store(cli, &q.store, DB_READ, e);
	if (rc == 0)
		rc = statement_open(&statement, &q, e);
	if (rc == 0)
		rc = show(cli, statement, format, e);
	if (statement)
		statement_close(statement);
	store_close(q.store);
	zone_close(zone);
	return rc;
}

const struct command command_invoice_statement = {
	.name = "invoice statement",
	.place = HELP_BILL + 16,
	.summary = "a customer's statement of account",
	.arguments = "CUSTOMER",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"What was owed at the beginning, each invoice, credit note, void and payment with the "
		"balance after it, what is owed at the end, and what is open. By currency.",
	.examples = "  tally invoice statement acme --period 2026-11\n"
		    "  tally invoice statement acme --format pdf --output statement.pdf\n",
	.options = options,
	.common = TAKES_ARCHIVE | TAKES_PERIOD | TAKES_ZONE,
	.run = run,
};
