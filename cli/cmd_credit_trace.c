/* The command that follows a grant to the usage that it paid and the invoices that show it. */
#include "cli/ledger_session.h"
#include "reports/trace_report.h"

static const struct option options[] = {
	{ "usage", 'u', NULL, "with projects and models of the calls it paid for (slower)", false },
	{ 0 },
};

static int run(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	struct json_out j;
	int rc = ledger_session_open(&s, cli, DB_READ, e);
	const struct trace_question q = { .ledger = s.ledger,
					  .customer = text_of(cli->argument[0]),
					  .grant = text_of(cli->argument[1]),
					  .with_usage = cli_flag(cli, "usage") };
	if (rc == 0 && cli->json) {
		json_out_open(&j, stdout);
		rc = trace_report_put(&j, &q, e);
		json_out_close(&j);
	} else if (rc == 0) {
		rc = trace_report_print(&q, e);
	}
	return ledger_session_close(&s, rc, e);
}

const struct command command_credit_trace = {
	.name = "credit trace",
	.place = HELP_CREDITS + 24,
	.summary = "what a grant paid for",
	.arguments = "CUSTOMER GRANT",
	.arguments_min = 2,
	.arguments_max = 2,
	.description =
		"Every ledger entry of the grant, with the usage rows it paid for and the final "
		"invoices that show it (--usage: their projects and models).",
	.examples = "  tally credit trace acme order-17 --usage\n",
	.options = options,
	.common = TAKES_DB,
	.run = run,
};
