#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/typed.h"
#include "meter/hold.h"
#include "reports/amount.h"
#include "reports/budget_report.h"
#include "reports/json_out.h"
#include "reports/table.h"

static const struct option set_options[] = {
	{ "amount", 0, "AMOUNT", "the amount allowed in a period", false },
	{ "period", 0, "PERIOD",
	  "month (default), 5h (any hours up to 23), day, week, quarter, year, ever, or rolling 5h, "
	  "rolling 30d; in the zone of -z (default the account's, else UTC)",
	  false },
	{ 0 },
};
static const struct option clear_options[] = {
	{ "period", 0, "PERIOD", "of this period only (default all of them)", false },
	{ 0 },
};
static const struct option no_options[] = { { 0 } };

static int change(struct cli *cli, bool clear, struct err *e)
{
	const char *amount = cli_value(cli, "amount"), *period = cli_value(cli, "period"),
		   *zone = cli_value(cli, "timezone");
	char zone_room[ZONE_NAME_MAX];
	struct store *store = NULL;
	struct spending_limit l = { .customer = text_of(cli->argument[0]),
				    .currency = text_of(cli_currency(cli)),
				    .period = text_of(period ? period : "month"),
				    .zone = text_of(zone ? cli_zone_name(cli, zone_room) : "") };
	struct decimal d = { 0 };
	int rc = 0;
	if (rc == 0 && !clear && !amount)
		rc = err_set(e, ERR_USAGE, "--amount is required, for example --amount 100");
	if (rc == 0 && !clear)
		rc = cli_amount_of("--amount", amount, cli_currency(cli), &d, e);
	if (rc == 0 && !clear)
		rc = money_from_decimal(&l.amount, d, e);
	if (rc == 0)
		rc = cli_store(cli, &store, DB_CREATE, e);
	if (rc == 0)
		rc = store_begin(store, clock_now(), e);
	if (rc == 0)
		rc = clear ? limit_clear(store, cli->argument[0], period, e)
			   : limit_set(store, &l, clock_now(), e);
	if (rc == 0)
		rc = store_commit(store, e);
	else
		store_rollback(store);
	store_close(store);
	if (rc != 0)
		return rc;
	char words[CLI_PERIOD_MAX], text[DECIMAL_TEXT_MAX];
	struct buf what = { 0 };
	put_amount(&what, money_format(l.amount, text), l.currency.p, EXACTLY);
	cli_done(cli, true, cli->argument[0], "%s: %s%s%s%s", cli->argument[0],
		 clear ? "no limit" : "limit set, ", clear ? "" : what.p, clear ? "" : " ",
		 clear ? "" : cli_period_words(words, l.period));
	buf_release(&what);
	return rc;
}

static int set(struct cli *cli, struct err *e)
{
	return change(cli, false, e);
}

static int clear(struct cli *cli, struct err *e)
{
	return change(cli, true, e);
}

struct listing {
	struct json_out *j;
	struct table *t;
	struct spending *spending;
	struct err *e;
	/* copied: asking how a customer stands reads the limits again */
	struct spending_limit *limit;
	size_t count;
	struct arena arena;
	int64_t lacks; /* records that are not in what is spent, or in part */
};

static int collect(void *user, const struct spending_limit *l)
{
	struct listing *list = user;
	if ((list->count & (list->count - 1)) == 0)
		list->limit = mem_grow(list->limit,
				       (list->count ? list->count * 2 : 1) * sizeof *list->limit);
	struct spending_limit *kept = &list->limit[list->count++];
	*kept = *l;
	kept->customer.p = arena_text(&list->arena, l->customer.p, l->customer.n);
	kept->currency.p = arena_text(&list->arena, l->currency.p, l->currency.n);
	kept->period.p = arena_text(&list->arena, l->period.p, l->period.n);
	kept->zone.p = arena_text(&list->arena, l->zone.n ? l->zone.p : "", l->zone.n);
	return 0;
}

static int show(struct listing *list, const struct spending_limit *l)
{
	struct scope_state st;
	char text[DECIMAL_TEXT_MAX];
	struct buf b = { 0 };
	int rc = limit_state(list->spending, l, clock_now(), &st, list->e);
	if (rc != 0)
		return rc;
	list->lacks += st.unpriced + st.placeholders;
	if (list->j) {
		json_out_object(list->j, NULL);
		json_out_text(list->j, "customer", l->customer);
		json_out_string(list->j, "limit", money_format(l->amount, text));
		json_out_text(list->j, "currency", l->currency);
		json_out_text(list->j, "period", l->period);
		json_out_text(list->j, "timezone", l->zone); /* empty: the account's, else UTC */
		json_out_instant(list->j, "from", st.from);
		json_out_instant(list->j, "to", st.to);
		json_out_money(list->j, "spent", st.spent);
		json_out_money(list->j, "held", st.held);
		json_out_int(list->j, "unpriced", st.unpriced);
		json_out_int(list->j, "placeholders", st.placeholders);
		json_out_end(list->j, '}');
		return 0;
	}
	table_cell(list->t, l->customer.p);
	put_amount(&b, money_format(l->amount, text), l->currency.p, EXACTLY);
	table_cell(list->t, b.p);
	table_cell(list->t, l->period.p);
	put_money(&b, st.spent, l->currency.p, at_least(st.unpriced || st.placeholders));
	table_cell(list->t, b.p);
	put_money(&b, st.held, l->currency.p, EXACTLY);
	table_cell(list->t, b.p);
	buf_release(&b);
	return 0;
}

static int list(struct cli *cli, struct err *e)
{
	static const struct table_column columns[] = { { "CUSTOMER", false, true },
						       { "LIMIT", true, .money = true },
						       { "PERIOD", false, false },
						       { "SPENT", true, .money = true },
						       { "HELD", true, .money = true } };
	struct store *store = NULL;
	struct json_out j;
	struct listing l = { .e = e };
	int rc = cli_store(cli, &store, DB_READ, e);
	if (rc == 0) {
		l.spending = spending_open(store);
		rc = limits_each(store, collect, &l, e);
	}
	if (rc == 0 && cli->json) {
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.limit/1");
		json_out_array(&j, "limits");
		l.j = &j;
	} else {
		l.t = table_open(columns, sizeof columns / sizeof *columns);
	}
	for (size_t i = 0; rc == 0 && i < l.count; i++)
		rc = show(&l, &l.limit[i]);
	if (rc == 0 && cli->json) {
		json_out_end(&j, ']');
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (rc == 0) {
		table_print_or(l.t, "no limits are set");
		print_spent_bound(l.lacks);
	}
	table_close(l.t);
	spending_close(l.spending);
	free(l.limit);
	arena_release(&l.arena);
	store_close(store);
	return rc ? rc : l.lacks ? 3 : 0;
}

const struct command command_limit_set = {
	.name = "limit set",
	.place = HELP_BILL + 28,
	.summary = "limit a customer's spending; holds beyond it are refused",
	.arguments = "CUSTOMER",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "A hold (POST /v1/holds) is admitted while spending in the period, open "
		       "holds and the new estimate stay within the limit. A customer may have one "
		       "limit for each period; all of them hold.",
	.examples = "  tally limit set acme --amount 500 --period month\n"
		    "  tally limit set acme --amount 20 --period 5h\n"
		    "  tally limit set acme --amount 100 --period 'rolling 7d'\n",
	.options = set_options,
	.common = TAKES_DB | TAKES_CURRENCY | TAKES_ZONE,
	.run = set,
};

const struct command command_limit_clear = {
	.name = "limit clear",
	.place = HELP_BILL + 32,
	.summary = "remove a customer's limits",
	.arguments = "CUSTOMER",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "The customer's holds are then always admitted, or with --period whatever "
		       "its other limits allow.",
	.examples = "  tally limit clear acme\n  tally limit clear acme --period 5h\n",
	.options = clear_options,
	.common = TAKES_DB,
	.run = clear,
};

const struct command command_limit_list = {
	.name = "limit list",
	.place = HELP_BILL + 30,
	.summary = "limits and current spending",
	.arguments = "",
	.description = "The limit, spending in the current period, and open holds of calls in "
		       "flight.",
	.examples = "  tally limit list\n",
	.options = no_options,
	.common = TAKES_DB,
	.run = list,
};
