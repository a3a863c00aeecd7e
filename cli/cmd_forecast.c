#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli/ledger_session.h"
#include "cli/typed.h"
#include "reports/forecast_report.h"

static const struct option options[] = {
	{ "budget", 0, "AMOUNT", "the budget from --since (default start of the month) to --by",
	  false },
	{ "credits", 0, "N|balance", "credits left; balance: the customer's current balance",
	  false },
	{ "plan", 0, "PLAN",
	  "forecast credits under this plan, whatever plan the account has (see `tally credit plan`)",
	  false },
	{ "by", 0, "DATE",
	  "up to the start of that day (default the start of next month); --until includes the day or month it names",
	  false },
	{ "customer", 0, "NAME", "only this customer", false },
	{ "project", 0, "NAME", "only this project", false },
	{ "model", 'm', "MODEL", "only this model", false },
	{ "scenario", 0, "[NAME=]SPEC",
	  "what everything runs on from --move-on: MODEL, batch:MODEL, share:5%:A:B (5% on A, the rest on B), escalate:5%:A:B (all on A, and 5% on B as well); recorded: no change",
	  false },
	{ "move", 0, "[MODEL=]SPEC", "what the work of MODEL (default all) runs on from --move-on",
	  false },
	{ "move-on", 0, "DATE", "the day of the move (default tomorrow)", false },
	{ "history", 0, "DAYS", "past days to draw from (default 56)", false, OPTION_ADVANCED },
	{ "now", 0, "WHEN", "forecast as of WHEN (default now)", false },
	{ "seed", 0, "N", "of the draws (default 1)", false, OPTION_ADVANCED },
	{ "draws", 0, "N", "how many (default 10000)", false, OPTION_ADVANCED },
	{ 0 },
};

static int read_move(struct cli *cli, struct forecast_question *q, struct err *e)
{
	const char *move = cli_value(cli, "move"), *on = cli_value(cli, "move-on"),
		   *scenario = cli_value(cli, "scenario"),
		   *equals = scenario ? strchr(scenario, '=') : NULL;
	const char *name = scenario ? "--scenario" : "--move";
	if (scenario && move)
		return err_set(e, ERR_USAGE, "give --scenario or --move, not both");
	if (scenario)
		move = equals ? equals + 1 : scenario;
	if (scenario && strcmp(move, "recorded") == 0 && !on)
		return 0;
	if (scenario && strchr(move, '='))
		return err_set(e, ERR_USAGE,
			       "--scenario: '%s' names two scenarios; --move MODEL=TO moves a part",
			       scenario);
	int rc = on ? cli_instant("move-on", on, q->zone, &q->move_on, e) : 0;
	if (rc == 0 && !move)
		return on ? err_set(e, ERR_USAGE, "--move-on needs --move or --scenario") : 0;
	if (rc == 0 && (rc = forecast_move_parse(q, move, cli_currency(cli), e)) != 0)
		err_context(e, "%s", name);
	return rc;
}

static int read_period(struct cli *cli, struct forecast_question *q, struct err *e)
{
	const char *by = cli_value(cli, "by");
	struct instant since, until;
	int rc = cli_period(cli, q->zone, &since, &until, e);
	if (rc == 0 && by && until.us != INSTANT_MAX.us)
		return err_set(e, ERR_USAGE, "give --by, or --until or --period, not both");
	if (rc == 0 && since.us != INSTANT_MIN.us)
		q->since = since;
	if (rc == 0 && until.us != INSTANT_MAX.us)
		q->by = until;
	return rc == 0 && by ? cli_instant("by", by, q->zone, &q->by, e) : rc;
}

static int read_asked(struct cli *cli, struct forecast_question *q, struct err *e)
{
	const char *budget = cli_value(cli, "budget"), *credits = cli_value(cli, "credits");
	char plain[DECIMAL_TEXT_MAX];
	struct decimal amount = { 0 };
	int rc = 0;
	q->customer = cli_value(cli, "customer");
	q->project = cli_value(cli, "project");
	q->model = cli_value(cli, "model");
	rc = read_period(cli, q, e);
	if (rc == 0 && budget)
		rc = cli_amount_of("--budget", budget, cli_currency(cli), &amount, e);
	if (rc == 0 && budget)
		rc = forecast_budget_parse(q, decimal_format(amount, plain), e);
	if (rc == 0)
		rc = read_move(cli, q, e);
	q->credits = credits != NULL;
	q->plan = cli_value(cli, "plan");
	q->of_balance = credits && strcmp(credits, "balance") == 0;
	if (rc == 0 && credits && !q->of_balance)
		rc = cli_credits_of("--credits", credits, &q->credits_left, e);
	if (rc == 0)
		rc = cli_count(cli, "history", q->history, &q->history, e);
	if (rc == 0)
		rc = cli_count(cli, "draws", q->draws, &q->draws, e);
	if (rc == 0)
		rc = cli_count(cli, "seed", q->seed, &q->seed, e);
	return rc == 0 ? forecast_question_check(q, e) : rc;
}

static int run(struct cli *cli, struct err *e)
{
	struct ledger_session s = { 0 };
	struct book *book = NULL;
	struct zone *z = NULL;
	struct forecast_question q = { 0 };
	struct forecast_verdict verdict = { 0 };
	struct instant now = clock_now();
	const char *at = cli_value(cli, "now");
	int rc = cli_zone(cli, &z, e);
	if (rc == 0 && at)
		rc = cli_instant("now", at, z, &now, e);
	if (rc == 0)
		rc = cli_book(cli, &book, e);
	if (rc == 0) {
		q = forecast_question_of(NULL, z, now);
		q.book = book;
		rc = read_asked(cli, &q, e);
	}
	if (rc == 0)
		rc = ledger_session_open(&s, cli, DB_READ, e);
	if (rc == 0)
		cli_tell_unknown(cli, s.store);
	q.ledger = s.ledger;
	if (rc == 0 && cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		rc = forecast_report_put(&j, &q, &verdict, e);
		json_out_close_if(&j, rc == 0);
	} else if (rc == 0) {
		rc = forecast_report_print(&q, &verdict, e);
	}
	rc = ledger_session_close(&s, rc, e);
	forecast_question_release(&q);
	book_close(book);
	zone_close(z);
	return rc ? rc : verdict.overrun_is_likely ? 4 : verdict.lacks ? 3 : 0;
}

const struct command command_forecast = {
	.name = "forecast",
	.place = HELP_PLAN + 10,
	.summary = "what will be spent, and when a budget or credits run out",
	.arguments = "",
	.description =
		"Draws the coming days from past ones, thousands of times, and gives quantiles of the draws. Days before a change of level are left out; a customer who came, left or changed is drawn from the days since then, and the others from all of theirs; weekdays are drawn separately when two weeks or more show that they differ; clear growth continues for about a month and then levels off. What is drawn is usage, priced for each coming day by the book: dated increases, expiring promotions, peak hours and holidays are included. The answer the same forecast would have given 28 days ago is shown for comparison.\n"
		"\n"
		"--since may lie in the future: the days before it are not counted. Exit status 4 when most draws go beyond the budget or the credits, 3 where past calls have no price.",
	.examples =
		"  tally forecast --budget 2000\n"
		"  tally forecast --by 2027-04-01 --move deepseek-v4-flash --move-on 2027-01-01\n"
		"  tally forecast --until 2027-03 --scenario escalate:5%:deepseek-v4-flash:deepseek-v4-pro\n"
		"  tally forecast --until 2027-03 --scenario deepseek-v4-flash --move-on 2027-01-01 "
		"--plan vm0\n"
		"  tally forecast --credits balance --customer acme --by 2027-01-01\n",
	.options = options,
	.common = TAKES_ARCHIVE | TAKES_PRICES | TAKES_PERIOD | TAKES_ZONE,
	.run = run,
};
