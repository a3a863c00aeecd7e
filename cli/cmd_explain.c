#include "cli/ledger_session.h"
#include "reports/explain_report.h"

static int run(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	int rc = ledger_session_open(&s, cli, DB_READ, e);
	const struct explain_question q = {
		.id = cli->argument[0], .ledger = s.ledger, .drawer = s.drawer, .book = s.book
	};
	if (rc == 0 && cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		rc = explain_report_put(&j, &q, e);
		json_out_close_if(&j, rc == 0);
	} else if (rc == 0) {
		rc = explain_report_print(&q, e);
	}
	return ledger_session_close(&s, rc, e);
}

const struct command command_explain = {
	.name = "explain",
	.place = HELP_LOOK + 26,
	.summary = "explain one record: counts, price, every step of its cost",
	.arguments = "ID",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "Shows the record of that id and whatever corrected it: where it came from, "
		       "its raw counts and the rule that took them apart, the price that held and "
		       "its source, and the multiplication.",
	.examples = "  tally explain msg_01ABC\n",
	.common = TAKES_ARCHIVE | TAKES_PRICES,
	.run = run,
};
