#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli/command.h"
#include "meter/billing/budget.h"
#include "reports/amount.h"
#include "reports/json_out.h"
#include "reports/table.h"

static const struct option set_options[] = {
	{ "amount", 0, "AMOUNT", "the amount allowed in a period", false },
	{ "customer", 0, "NAME", "of this customer (default all)", false },
	{ "project", 0, "NAME", "on this project (default all)", false },
	{ "model", 'm', "MODEL", "on this model (default all)", false },
	{ "period", 0, "month|week|day|ever", "in the zone of -z (default month)", false },
	{ "soft", 0, "PERCENTS", "alert at each of these, once a period (default 80,100)", false },
	{ "hard", 0, NULL, "refuse holds that would pass the amount", false },
	{ "hook", 0, "COMMAND|URL",
	  "receives every alert as JSON, on standard input or by POST "
	  "(curl); retried until it "
	  "succeeds; killed after 30 seconds",
	  false },
	{ 0 },
};

static int set(struct cli *cli, struct err *e)
{
	static const char *const periods[] = { "month", "week", "day", "ever", NULL };
	const char *amount = cli_value(cli, "amount"), *soft = cli_value(cli, "soft"),
		   *zone_name = cli_value(cli, "timezone");
	struct store *store = NULL;
	struct zone *zone = NULL;
	struct decimal d;
	int period = 0;
	struct budget b = { .name = text_of(cli->argument[0]),
			    .customer = text_of(cli_value(cli, "customer")),
			    .project = text_of(cli_value(cli, "project")),
			    .model = text_of(cli_value(cli, "model")),
			    .hook = text_of(cli_value(cli, "hook")),
			    .currency = text_of(cli_currency(cli)),
			    .zone = text_of(zone_name ? zone_name : "UTC"),
			    .hard = cli_flag(cli, "hard") };
	int rc = cli_choice(cli, "period", periods, &period, e);
	b.period = text_of(periods[period]);
	if (rc == 0)
		rc = cli_zone(cli, &zone, e);
	zone_close(zone);
	if (rc == 0 && !amount)
		rc = err_set(e, ERR_USAGE, "--amount is required");
	if (rc == 0 && (decimal_parse(&d, text_of(amount), NULL) != 0 || d.digits <= 0))
		rc = err_set(e, ERR_USAGE, "--amount: '%s' is not a positive amount", amount);
	if (rc == 0)
		rc = money_from_decimal(&b.amount, d, e);
	if (rc == 0)
		rc = budget_soft_parse(&b, soft ? soft : "80,100", e);
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
	if (rc == 0 && !cli->quiet && !cli->json)
		printf("%s: budget set\n", cli->argument[0]);
	return rc;
}

const struct command command_budget_set = {
	.name = "budget set",
	.summary = "a budget for everything, a customer, a project or a model",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "`tally serve` (every few seconds), `tally budget status` and `tally budget "
		       "check` raise alerts: in the log, as exit status 4, and through the hook.",
	.examples =
		"  tally budget set all --amount 2000 --soft 50,80,100 --hook 'mail -s budget "
		"ops@example.com'\n"
		"  tally budget set acme-web --customer acme --project web --amount 300 --hard\n",
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
	if (rc == 0 && !cli->quiet && !cli->json)
		printf("%s: budget removed\n", cli->argument[0]);
	return rc;
}

const struct command command_budget_clear = {
	.name = "budget clear",
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

struct shown {
	struct budgets *budgets;
	struct json_out *j;
	struct table *t;
	const char *only;
	struct instant now;
	struct err *e;
	bool over, any, failed;
};

/* Ten characters of the part that is spent. */
static void bar_cell(struct table *t, int percent)
{
	char text[40];
	int filled = percent > 100 ? 10 : percent / 10;
	snprintf(text, sizeof text, "%.*s%.*s %d %%", filled, "##########", 10 - filled,
		 "..........", percent);
	table_cell(t, text);
}

static const char *state_name(const struct budget *b, int percent)
{
	const char *name = "ok";
	for (int i = 0; i < b->soft_count; i++)
		if (percent >= b->soft[i])
			name = "soft";
	return percent >= 100 ? "over" : name;
}

/* why: it could not be evaluated, and `s` holds nothing. */
static void show_json(struct json_out *j, const struct budget *b, const struct budget_state *s,
		      const struct err *why)
{
	char amount[DECIMAL_TEXT_MAX];
	json_out_object(j, NULL);
	json_out_text(j, "budget", b->name);
	json_out_text(j, "customer", b->customer);
	json_out_text(j, "project", b->project);
	json_out_text(j, "model", b->model);
	json_out_text(j, "period", b->period);
	if (!why) {
		json_out_instant(j, "from", s->from);
		json_out_instant(j, "to", s->to);
	}
	json_out_text(j, "currency", b->currency);
	json_out_string(j, "amount", money_format(b->amount, amount));
	if (!why) {
		json_out_money(j, "spent", s->spent);
		json_out_money(j, "held", s->held);
		json_out_int(j, "percent", s->percent);
	}
	json_out_string(j, "state", why ? "unknown" : state_name(b, s->percent));
	json_out_bool(j, "hard", b->hard);
	if (why)
		json_out_string(j, "error", why->message);
	else
		json_out_int(j, "unpriced", s->unpriced);
	json_out_end(j, '}');
}

static void show_row(struct table *t, const struct budget *b, const struct budget_state *s,
		     const struct err *why)
{
	struct buf m = { 0 };
	char amount[DECIMAL_TEXT_MAX];
	const struct text scope[] = { b->name, b->customer, b->project, b->model, b->period };
	for (size_t i = 0; i < sizeof scope / sizeof *scope; i++)
		table_cell(t, scope[i].n ? scope[i].p : "any");
	if (why)
		buf_puts(&m, "?");
	else
		put_money(&m, s->spent, b->currency.p, s->unpriced > 0);
	table_cell(t, m.p);
	put_amount(&m, money_format(b->amount, amount), b->currency.p, false);
	table_cell(t, m.p);
	if (why)
		table_cell(t, "");
	else
		bar_cell(t, s->percent);
	table_cell(t, why ? "unknown" : state_name(b, s->percent));
	buf_release(&m);
}

static int show(void *user, const struct budget *b)
{
	struct shown *x = user;
	struct budget_state s;
	struct err why;
	if (x->only && !text_is(b->name, x->only))
		return 0;
	int rc = budget_state_of(x->budgets, b, x->now, &s, &why);
	if (rc != 0 && budget_failure_is_general(&why)) {
		*x->e = why;
		return rc;
	}
	x->any = true;
	x->failed |= rc != 0;
	x->over |= rc == 0 && s.percent >= 100;
	if (rc != 0)
		fprintf(stderr, "tally: %s\n", why.message);
	if (x->j)
		show_json(x->j, b, &s, rc != 0 ? &why : NULL);
	else
		show_row(x->t, b, &s, rc != 0 ? &why : NULL);
	return 0;
}

/* What show tells of. */
static void pass(void *user, const struct budget *b, const struct err *why)
{
	(void)user;
	(void)b;
	(void)why;
}

static void told(void *user, const struct budget_alarm *a, bool ok)
{
	(void)user;
	fprintf(stderr, "tally: budget '%s' passed %d %%: %s spent%s\n", a->budget.name.p,
		a->percent, a->spent.p, ok ? "" : " (the hook failed and will be retried)");
}

static int status(struct cli *cli, struct err *e)
{
	static const struct table_column columns[] = {
		{ "BUDGET", false, true }, { "CUSTOMER", false, true }, { "PROJECT", false, true },
		{ "MODEL", false, true },  { "PERIOD", false, false },	{ "SPENT", true, false },
		{ "AMOUNT", true, false }, { "", false, false },	{ "STATE", false, false },
	};
	struct store *store = NULL;
	struct json_out j;
	struct shown x = { .e = e,
			   .now = clock_now(),
			   .only = cli->argument_count ? cli->argument[0] : NULL };
	const struct budget_listener listener = { &x, pass, told };
	int64_t raised = 0;
	struct err unable;
	/* who may only read sees how the budgets stand; alarms are left to those who write */
	bool writes = cli_store(cli, &store, DB_WRITE, &unable) == 0;
	int rc = writes ? 0 : cli_store(cli, &store, DB_READ, e);
	if (rc != 0)
		return rc;
	x.budgets = budgets_open(store);
	rc = writes ? store_begin(store, x.now, &unable) : 0;
	if (rc != 0 && unable.code != ERR_STORE) {
		*e = unable;
	} else if (rc != 0) {
		writes = false;
		rc = 0;
	}
	if (rc == 0 && writes) {
		rc = budgets_raise(x.budgets, x.now, &listener, &raised, e);
		if (rc == 0)
			rc = store_commit(store, e);
		else
			store_rollback(store);
	}
	if (rc == 0 && cli->json) {
		x.j = &j;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.budget-status/1");
		json_out_array(&j, "budgets");
	} else if (rc == 0) {
		x.t = table_open(columns, sizeof columns / sizeof *columns);
	}
	if (rc == 0)
		rc = budgets_each(x.budgets, show, &x, e);
	if (rc == 0 && cli->json) {
		json_out_end(&j, ']');
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (rc == 0) {
		table_print(x.t);
	}
	table_close(x.t);
	if (rc == 0 && writes)
		rc = budgets_tell(x.budgets, x.now, true, &listener, e);
	if (rc == 0 && x.only && !x.any)
		rc = err_set(e, ERR_NOT_FOUND, "no budget named '%s'", x.only);
	budgets_close(x.budgets);
	store_close(store);
	return rc ? rc : x.failed ? 1 : x.over ? 4 : 0;
}

const struct command command_budget_status = {
	.name = "budget status",
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
