#include "cli/memo_output.h"
#include "reports/decision_report.h"

static const struct option options[] = {
	MEMO_OPTIONS,
	{ "at", 0, "DATE", "prices of that day instead of the file's", false },
	{ 0 },
};

static int run(struct cli *cli, struct err *e)
{
	struct decision d = { 0 };
	struct book *book = NULL;
	struct memo memo = { 0 };
	struct buf b = { 0 };
	enum memo_format format;
	const struct decision_report report = { .decision = &d,
						.currency = cli_currency(cli),
						.file = cli->argument[0] };
	const char *at = cli_value(cli, "at");
	int status = 0, rc = cli_memo_format(cli, &format, e);
	if (rc == 0)
		rc = decision_read(&d, cli->argument[0], e);
	if (rc == 0 && at)
		rc = cli_instant("at", at, NULL, &d.at, e);
	if (rc == 0)
		rc = cli_book(cli, &book, e);
	if (rc == 0)
		rc = decision_run(&d, book, report.currency, e);
	if (rc == 0 && cli->json) {
		decision_report_put(&b, &report);
		rc = cli_document_show(cli, (struct text){ b.p, b.n }, e);
	} else if (rc == 0) {
		decision_report_memo(&memo, &report);
		rc = cli_memo_show(cli, &memo, format, e);
	}
	for (size_t i = 0; i < d.works; i++)
		for (int k = 0; k < d.work[i].routes; k++)
			if (!d.answer[i][k].priced)
				status = 3;
	buf_release(&b);
	memo_release(&memo);
	book_close(book);
	decision_release(&d);
	return rc ? rc : status;
}

const struct command command_decide = {
	.name = "decide",
	.place = HELP_PLAN + 6,
	.summary = "choose a model for each kind of work, by score, speed and price",
	.arguments = "FILE",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"FILE lists quality scores and speeds of models, each with its source and date, "
		"and kinds of work with the tokens of a task and the minimum score "
		"(docs/planning.md). Shows the cost of a task and of a point on every route, and "
		"the cheapest route that meets the floor.\n\nA route is MODEL, batch:MODEL, "
		"share:P:A:B or escalate:P:A:B. Unknowns decide nothing: a route without a score "
		"is never called good enough. Exit status 3 when a route has no price.",
	.examples =
		"  tally decide examples/decide.json\n"
		"  tally decide examples/decide.json --at 2026-12-01 --format html -o which.html\n",
	.options = options,
	.common = TAKES_PRICES | TAKES_CURRENCY,
	.run = run,
};
