#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli/command.h"
#include "cli/typed.h"
#include "meter/billing/budget.h"
#include "meter/billing/window.h"
#include "reports/amount.h"
#include "reports/budget_report.h"
#include "reports/table.h"

static const struct option set_options[] = {
	{ "amount", 0, "AMOUNT", "the amount allowed in a period", false },
	{ "customer", 0, "NAME", "of this customer (default all)", false },
	{ "project", 0, "NAME", "on this project (default all)", false },
	{ "model", 'm', "MODEL", "on this model (default all)", false },
	{ "period", 0, "PERIOD",
	  "month (default), 5h (any hours up to 23), day, week, quarter, year, ever, or rolling 5h, "
	  "rolling 30d; in the zone of -z (default the account's, else UTC)",
	  false },
	{ "soft", 0, "PERCENTS", "alert at each of these, once a period (default 80,100)", false },
	{ "soft-amounts", 0, "AMOUNTS", "alert at each of these amounts, too", false },
	{ "hard", 0, NULL, "refuse holds that would pass the amount", false },
	{ "hook", 0, "COMMAND|URL",
	  "receives every alert as JSON, on standard input or by POST "
	  "(curl); retried until it "
	  "succeeds; killed after 30 seconds",
	  false },
	{ 0 },
};

/* What it covers: a budget named after a customer is not that customer's. */
static void print_set(const struct cli *cli, const struct budget *b)
{
	const struct text what[] = { b->customer, b->project, b->model };
	static const char *const words[] = { "customer", "project", "model" };
	struct buf scope = { 0 };
	for (int i = 0; i < 3; i++)
		if (what[i].n) {
			buf_printf(&scope, "%s%s ", scope.n ? ", " : " for ", words[i]);
			buf_add_plain(&scope, what[i]);
		}
	char period[CLI_PERIOD_MAX], text[DECIMAL_TEXT_MAX];
	struct buf amount = { 0 };
	put_amount(&amount, money_format(b->amount, text), b->currency.p, EXACTLY);
	cli_done(cli, true, cli->argument[0], "%s: budget set, %s %s%s%s", cli->argument[0],
		 amount.p, cli_period_words(period, b->period),
		 scope.n ? scope.p : " for all usage (--customer, --project or --model narrows it)",
		 b->hard ? "; holds beyond it are refused" : "");
	buf_release(&amount);
	buf_release(&scope);
}

/* The name is anybody's to choose; one that says what the budget should be of does not do it. */
static int check_name(const struct cli *cli, struct err *e)
{
	static const char *const words[] = { "customer", "project", "model" };
	const char *name = cli->argument[0];
	struct decimal d;
	if (!cli_value(cli, "amount") && cli_amount_of("", name, cli_currency(cli), &d, NULL) == 0)
		return err_set(e, ERR_USAGE,
			       "'%s' would be the budget's name; for example: tally budget set all "
			       "--amount %s",
			       name, name);
	bool narrowed = false;
	for (int i = 0; i < 3; i++)
		narrowed |= cli_value(cli, words[i]) != NULL;
	for (int i = 0; !narrowed && i < 3; i++) {
		const size_t n = strlen(words[i]);
		if (strncmp(name, words[i], n) == 0 && strchr(":=/", name[n]) && name[n])
			return err_set(
				e, ERR_USAGE,
				"'%s' would only name the budget, which would cover all usage; for example: tally budget set %s --%s %s --amount 100",
				name, name + n + 1, words[i], name + n + 1);
	}
	return 0;
}

static int set(struct cli *cli, struct err *e)
{
	const char *amount = cli_value(cli, "amount"), *soft = cli_value(cli, "soft"),
		   *zone_name = cli_value(cli, "timezone"), *period = cli_value(cli, "period"),
		   *amounts = cli_value(cli, "soft-amounts");
	char zone_room[ZONE_NAME_MAX];
	struct store *store = NULL;
	struct zone *zone = NULL;
	struct decimal d;
	struct window w;
	struct budget b = { .name = text_of(cli->argument[0]),
			    .customer = text_of(cli_value(cli, "customer")),
			    .project = text_of(cli_value(cli, "project")),
			    .model = text_of(cli_value(cli, "model")),
			    .hook = text_of(cli_value(cli, "hook")),
			    .currency = text_of(cli_currency(cli)),
			    .zone = text_of(zone_name ? cli_zone_name(cli, zone_room) : ""),
			    .hard = cli_flag(cli, "hard") };
	int rc = check_name(cli, e);
	if (rc == 0)
		rc = window_parse(&w, text_of(period ? period : "month"), e);
	b.period = text_of(w.text);
	if (rc == 0)
		rc = cli_zone(cli, &zone, e);
	zone_close(zone);
	if (rc == 0 && !amount)
		rc = err_set(e, ERR_USAGE, "--amount is required, for example --amount 100");
	if (rc == 0)
		rc = cli_amount_of("--amount", amount, cli_currency(cli), &d, e);
	if (rc == 0 && d.digits == 0)
		rc = err_set(e, ERR_USAGE, "--amount: a budget must be positive");
	if (rc == 0)
		rc = money_from_decimal(&b.amount, d, e);
	if (rc == 0)
		rc = budget_soft_parse(&b, soft ? soft : "80,100", e);
	if (rc == 0)
		rc = budget_soft_amounts_parse(&b, amounts ? amounts : "", e);
	if (rc == 0)
		rc = cli_store(cli, &store, DB_CREATE, e);
	if (rc == 0)
		rc = store_begin(store, clock_now(), e);
	if (rc == 0) {
		rc = budget_set(store, &b, clock_now(), e);
		if (rc == 0)
			rc = store_commit(store, e);
		else
			store_rollback(store);
	}
	store_close(store);
	if (rc == 0)
		print_set(cli, &b);
	return rc;
}

const struct command command_budget_set = {
	.name = "budget set",
	.place = HELP_BILL + 22,
	.summary = "a budget for everything, a customer, a project or a model",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"`tally serve` (every few seconds) and `tally budget status` raise alerts: in "
		"the log, as exit status 4, and through the hook.",
	.examples =
		"  tally budget set all --amount 2000 --soft 50,80,100 --hook 'mail -s budget "
		"ops@example.com'\n"
		"  tally budget set acme-web --customer acme --project web --amount 300 --hard\n"
		"  tally budget set acme-5h --customer acme --amount 20 --period 5h --hard\n"
		"  tally budget set acme-30d --customer acme --amount 300 --period 'rolling 30d' "
		"--soft-amounts 100,250\n",
	.options = set_options,
	.common = TAKES_DB | TAKES_CURRENCY | TAKES_ZONE,
	.run = set,
};

static const struct option no_options[] = { { 0 } };

static int clear(struct cli *cli, struct err *e)
{
	struct store *store = NULL;
	int rc = cli_store(cli, &store, DB_WRITE, e);
	if (rc == 0)
		rc = store_begin(store, clock_now(), e);
	if (rc == 0) {
		rc = budget_clear(store, cli->argument[0], e);
		if (rc == 0)
			rc = store_commit(store, e);
		else
			store_rollback(store);
	}
	store_close(store);
	return rc ? rc
		  : cli_done(cli, true, cli->argument[0], "%s: budget removed", cli->argument[0]);
}

const struct command command_budget_clear = {
	.name = "budget clear",
	.place = HELP_BILL + 26,
	.summary = "remove a budget and its alerts",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "Usage is not changed.",
	.examples = "  tally budget clear acme-web\n",
	.options = no_options,
	.common = TAKES_DB,
	.run = clear,
};

/* What show tells of. */
static void pass(void *user, const struct budget *b, const struct err *why)
{
	(void)user;
	(void)b;
	(void)why;
}

static void told(void *user, const struct budget_alarm *a, bool ok)
{
	char passed[BUDGET_PASSED_MAX], spent[DECIMAL_TEXT_MAX + 32];
	struct buf amount = { 0 };
	(void)user;
	put_amount(&amount, a->spent.p, a->budget.currency.p, EXACTLY);
	snprintf(spent, sizeof spent, "%s", amount.p);
	if (table_to_the_cent())
		amount_to_the_cent(spent, sizeof spent, amount.p);
	print_notice("tally: budget '%s' passed %s: %s spent%s\n", a->budget.name.p,
		     budget_alarm_passed(a, passed), spent,
		     ok ? "" : " (the hook failed and will be retried)");
	buf_release(&amount);
}

static void say_failed(void *user, const struct budget *b, const struct err *why)
{
	(void)user;
	(void)b;
	print_notice("tally: %s\n", why->message);
}

static int show_all(struct cli *cli, const struct budget_question *q,
		    struct budget_verdict *verdict, struct err *e)
{
	struct json_out j;
	if (!cli->json)
		return budget_report_print(q, verdict, e);
	json_out_open(&j, stdout);
	int rc = budget_report_put(&j, q, verdict, e);
	json_out_close_if(&j, rc == 0);
	return rc;
}

static int status(struct cli *cli, struct err *e)
{
	struct store *store = NULL;
	struct budget_question q = { .now = clock_now(),
				     .only = cli->argument_count ? cli->argument[0] : NULL,
				     .failed = say_failed };
	struct budget_verdict verdict = { 0 };
	const struct budget_listener listener = { NULL, pass, told };
	int64_t raised = 0;
	struct err unable;
	/* who may only read sees how the budgets stand; alarms are left to those who write */
	bool writes = cli_store(cli, &store, DB_WRITE, &unable) == 0;
	int rc = writes ? 0 : cli_store(cli, &store, DB_READ, e);
	if (rc != 0)
		return rc;
	q.budgets = budgets_open(store);
	rc = writes ? store_begin(store, q.now, &unable) : 0;
	if (rc != 0 && unable.code != ERR_STORE) {
		*e = unable;
	} else if (rc != 0) {
		writes = false;
		rc = 0;
	}
	if (rc == 0 && writes) {
		rc = budgets_raise(q.budgets, q.now, &listener, &raised, e);
		if (rc == 0)
			rc = store_commit(store, e);
		else
			store_rollback(store);
	}
	if (rc == 0)
		rc = show_all(cli, &q, &verdict, e);
	if (rc == 0 && writes)
		rc = budgets_tell(q.budgets, q.now, true, &listener, e);
	if (rc == 0 && q.only && !verdict.any)
		rc = err_set(e, ERR_NOT_FOUND, "there is no budget '%s'", q.only);
	budgets_close(q.budgets);
	store_close(store);
	return rc ? rc : verdict.failed ? 1 : verdict.over ? 4 : verdict.lacks ? 3 : 0;
}

const struct command command_budget_status = {
	.name = "budget status",
	.place = HELP_BILL + 24,
	.summary = "spending against budgets, and alerts that are due",
	.arguments = "[NAME]",
	.arguments_max = 1,
	.description =
		"Exit status 4 when a budget is used up, 1 when one cannot be evaluated (the "
		"others are shown). Alerts that are due are raised and their hooks run in "
		"parallel, as `tally serve` does by itself; a hook that runs longer than 30 "
		"seconds is killed and counts as failed.",
	.examples = "  tally budget status\n  tally budget status acme-web --json\n",
	.options = no_options,
	.common = TAKES_DB,
	.run = status,
};
