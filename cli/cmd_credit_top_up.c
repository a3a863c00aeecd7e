/* The command by which an account buys credits, by itself or once. */
#include "cli/ledger_session.h"
#include "cli/typed.h"
#include "reports/credit_report.h"

static const struct option options[] = {
	{ "below", 0, "N", "buy when fewer than N credits are left", false },
	{ "to", 0, "N", "buy up to N, in whole credits (default as --below)", false },
	{ "most", 0, "N", "at most N in 30 days (default no limit)", false },
	{ "price", 0, "AMOUNT",
	  "price per credit, which invoices charge (default none: credits are free)", false },
	{ "lasts", 0, "INTERVAL", "lifetime of each top-up, such as 1y (default no expiry)",
	  false },
	{ "off", 0, NULL, "no more", false },
	{ "now", 0, "N", "buy N credits at once, at --price, or as the account buys them by itself",
	  false },
	{ "id", 0, "NAME", "id of what --now buys; repeating it changes nothing", false },
	{ 0 },
};

/* One of --below, --off and --now says what is to be done. */
static int check_one(struct cli *cli, struct err *e)
{
	const bool below = cli_value(cli, "below"), off = cli_flag(cli, "off"),
		   now = cli_value(cli, "now");
	if (below + off + now != 1)
		return err_set(e, ERR_USAGE, "give one of --below, --now and --off");
	if (cli_value(cli, "id") && !now)
		return err_set(e, ERR_USAGE, "--id names what --now buys");
	if (now && (cli_value(cli, "to") || cli_value(cli, "most")))
		return err_set(e, ERR_USAGE, "--to and --most go with --below");
	return 0;
}

static int read_top_up(struct cli *cli, struct top_up *t, struct err *e)
{
	const char *price = cli_value(cli, "price"), *lasts = cli_value(cli, "lasts");
	struct decimal d = { 0 };
	*t = (struct top_up){ .on = !cli_flag(cli, "off"),
			      .has_price = price != NULL,
			      .currency = text_of(cli_currency(cli)),
			      .lasts = text_of(lasts ? lasts : "") };
	int rc = check_one(cli, e);
	if (rc == 0 && cli_value(cli, "below"))
		rc = cli_credits(cli, "below", false, &t->below, e);
	t->target = t->below;
	if (rc == 0 && cli_value(cli, "to"))
		rc = cli_credits(cli, "to", false, &t->target, e);
	if (rc == 0 && cli_value(cli, "most"))
		rc = cli_credits(cli, "most", false, &t->most, e);
	if (rc == 0 && price)
		rc = cli_amount_of("--price", price, cli_currency(cli), &d, e);
	return rc == 0 && price ? money_from_decimal(&t->price, d, e) : rc;
}

/* --now: at the price and for as long as the options say, or as the account buys by itself. */
static int buy(struct cli *cli, struct ledger_session *s, const struct account *a,
	       const struct top_up *t, struct err *e)
{
	const char *id = cli_value(cli, "id");
	char name[80], at[INSTANT_TEXT_MAX];
	struct purchase p = { .by = t->has_price ? t : NULL };
	snprintf(name, sizeof name, "top-up %s", instant_format(s->now, at));
	p.name = text_of(id ? id : name);
	int rc = cli_credits(cli, "now", true, &p.amount, e);
	return rc == 0 ? ledger_buy(s->ledger, a, &p, s->now, e) : rc;
}

static void say(const struct cli *cli, const struct top_up *t)
{
	if (cli_value(cli, "now"))
		cli_done(cli, true, cli->argument[0], "%s: bought %s credits", cli->argument[0],
			 cli_value(cli, "now"));
	else
		cli_done(cli, true, cli->argument[0], "%s: %s", cli->argument[0],
			 t->on ? "tops itself up" : "does not top itself up");
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
	if (rc == 0 && cli_value(cli, "now"))
		rc = buy(cli, &s, a, &t, e);
	else if (rc == 0)
		rc = ledger_set_top_up(s.ledger, a, &t, e);
	if (rc == 0)
		rc = drawer_sweep(s.drawer, s.now, &counts, e);
	rc = ledger_session_close(&s, rc, e);
	if (rc == 0)
		say(cli, &t);
	return rc;
}

const struct command command_credit_top_up = {
	.name = "credit top-up",
	.place = HELP_CREDITS + 22,
	.summary = "buy credits, once or whenever few are left",
	.arguments = "CUSTOMER",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"When usage is drawn, or a hold exceeds the balance, and fewer than --below credits are left, whole credits are granted up to --to; under --overage debt, owed credits are bought, too. With --price they are paid credits, charged by the invoice of the period (docs/invoices.md). --now buys once.",
	.examples =
		"  tally credit top-up acme --below 1000 --to 20000 --price 0.001 --most 100000\n"
		"  tally credit top-up acme --off\n"
		"  tally credit top-up acme --now 5000 --id order-18\n",
	.options = options,
	.common = TAKES_DB | TAKES_CURRENCY,
	.run = run,
};
