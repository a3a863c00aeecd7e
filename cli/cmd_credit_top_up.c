/* The command that lets an account buy credits by itself. */
#include "cli/ledger_session.h"
#include "reports/credit_report.h"

static const struct option options[] = {
	{ "below", 0, "N", "as soon as fewer credits than N are left", false },
	{ "to", 0, "N", "buy whole credits until there are N (default as --below)", false },
	{ "most", 0, "N", "at most N in 30 days (default no end)", false },
	{ "price", 0, "AMOUNT",
	  "of one credit, which its invoices ask for (default none: they are given)", false },
	{ "lasts", 0, "INTERVAL", "lifetime of each top-up, such as 1y (default for ever)", false },
	{ "off", 0, NULL, "no more", false },
	{ 0 },
};

static int read_top_up(struct cli *cli, struct top_up *t, struct err *e)
{
	const char *price = cli_value(cli, "price"), *lasts = cli_value(cli, "lasts");
	struct decimal d;
	*t = (struct top_up){ .on = !cli_flag(cli, "off"),
			      .has_price = price != NULL,
			      .currency = text_of(cli_currency(cli)),
			      .lasts = text_of(lasts ? lasts : "") };
	if (!t->on && cli_value(cli, "below"))
		return err_set(e, ERR_USAGE, "give --below or --off, not both");
	if (!t->on)
		return 0;
	int rc = cli_value(cli, "below") ? cli_credits(cli, "below", false, &t->below, e)
					 : err_set(e, ERR_USAGE, "--below or --off is required");
	t->target = t->below;
	if (rc == 0 && cli_value(cli, "to"))
		rc = cli_credits(cli, "to", false, &t->target, e);
	if (rc == 0 && cli_value(cli, "most"))
		rc = cli_credits(cli, "most", false, &t->most, e);
	if (rc == 0 && price && (decimal_parse(&d, text_of(price), NULL) != 0 || d.digits < 0))
		rc = err_set(e, ERR_USAGE, "--price: '%s' is not an amount", price);
	return rc == 0 && price ? money_from_decimal(&t->price, d, e) : rc;
}

static int run(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	struct top_up t;
	struct draw_counts counts;
	const struct account *a = NULL;
	int rc = read_top_up(cli, &t, e);
	if (rc != 0)
		return rc;
	rc = ledger_session_open(&s, cli, DB_WRITE, e);
	if (rc == 0)
		rc = ledger_account(s.ledger, text_of(cli->argument[0]), &a, e);
	if (rc == 0)
		rc = ledger_set_top_up(s.ledger, a, &t, e);
	if (rc == 0)
		rc = drawer_sweep(s.drawer, s.now, &counts, e);
	rc = ledger_session_close(&s, rc, e);
	if (rc == 0 && !cli->quiet && !cli->json)
		printf("%s: %s\n", cli->argument[0],
		       t.on ? "tops itself up" : "does not top itself up");
	return rc;
}

const struct command command_credit_top_up = {
	.name = "credit top-up",
	.summary = "let an account buy credits by itself",
	.arguments = "CUSTOMER",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"Whenever usage is drawn, or a hold asks for more than there is, and fewer credits "
		"than --below are left, whole credits are granted until there are --to; under "
		"--overage debt those that are owed are bought, too. With --price they are paid "
		"credits, and the invoice of the period asks for them (docs/invoices.md).",
	.examples =
		"  tally credit top-up acme --below 1000 --to 20000 --price 0.001 --most 100000\n"
		"  tally credit top-up acme --off\n",
	.options = options,
	.common = TAKES_DB | TAKES_CURRENCY,
	.run = run,
};
