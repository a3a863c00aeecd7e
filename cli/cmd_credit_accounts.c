/* Commands that look at accounts, and at plans and terms before an account has them. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/cmd_credit_accounts.h"
#include "meter/billing/rule_file.h"
#include "pricing/plan.h"
#include "reports/credit_report.h"
#include "reports/table.h"

static void print_top_up(const struct top_up *t)
{
	char text[DECIMAL_TEXT_MAX];
	printf("top-up       below %s", nano_credits_format(t->below, text));
	printf(", to %s", nano_credits_format(t->target, text));
	if (t->most.nano)
		printf(", at most %s in 30 days", nano_credits_format(t->most, text));
	if (t->has_price)
		printf(", %s %.*s a credit", money_format(t->price, text), (int)t->currency.n,
		       t->currency.p);
	printf("\n");
}

static void print_account(const struct account *a)
{
	char text[DECIMAL_TEXT_MAX], at[INSTANT_TEXT_MAX];
	printf("customer     %.*s\n", (int)a->customer.n, a->customer.p);
	printf("plan         %.*s%s\n", (int)a->plan.n, a->plan.p,
	       a->plan_text.n ? " (its file is kept with the account)" : "");
	if (a->byo)
		printf("own keys     usage draws no credits\n");
	printf("overage      %s", overage_name(a->overage));
	if (a->overage == OVERAGE_LIMIT)
		printf(" of %s", nano_credits_format(a->overage_limit, text));
	printf("\nowed         %s\n", nano_credits_format(a->owed, text));
	if (a->has_low_balance)
		printf("low balance  %s\n", nano_credits_format(a->low_balance, text));
	if (a->top_up.on)
		print_top_up(&a->top_up);
	printf("burn order   %.*s\n", (int)a->burn_order.n, a->burn_order.p);
	printf("time zone    %.*s\n", (int)a->zone.n, a->zone.p);
	printf("billing day  %d\n", a->anchor_day);
	printf("draws since  %s\n", instant_format(a->since, at));
	printf("terms        %.*s\n", (int)a->terms.n, a->terms.p);
}

int show_accounts(struct cli *cli, struct ledger_session *s, struct err *e)
{
	struct json_out j;
	int rc = 0;
	if (cli->json) {
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.credit-accounts/1");
		json_out_array(&j, "accounts");
	}
	for (int i = 0; rc == 0 && i < cli->argument_count; i++) {
		const struct account *a;
		rc = ledger_account(s->ledger, text_of(cli->argument[i]), &a, e);
		if (rc == 0 && cli->json) {
			json_out_object(&j, NULL);
			account_put(&j, a);
			json_out_end(&j, '}');
		} else if (rc == 0) {
			if (i)
				printf("\n");
			print_account(a);
		}
	}
	if (cli->json) {
		json_out_end(&j, ']');
		json_out_end(&j, '}');
		json_out_close(&j);
	}
	return rc;
}

/* --- credit accounts --- */

struct listing {
	struct json_out *j;
	struct table *t;
};

static int list_one(void *user, const struct account *a)
{
	struct listing *x = user;
	char text[DECIMAL_TEXT_MAX];
	if (x->j) {
		json_out_object(x->j, NULL);
		account_put(x->j, a);
		json_out_end(x->j, '}');
		return 0;
	}
	table_text(x->t, a->customer);
	table_text(x->t, a->plan);
	table_cell(x->t, overage_name(a->overage));
	table_text(x->t, a->zone);
	table_int(x->t, a->anchor_day);
	table_cell(x->t, nano_credits_format(a->owed, text));
	return 0;
}

static int list(struct cli *cli, struct err *e)
{
	static const struct table_column columns[] = {
		{ "CUSTOMER", false, true },	{ "PLAN", false, false },
		{ "OVERAGE", false, false },	{ "TIME ZONE", false, false },
		{ "BILLING DAY", true, false }, { "OWED", true, .money = true },
	};
	struct ledger_session s;
	struct json_out j;
	struct listing x = { 0 };
	int rc = ledger_session_open(&s, cli, DB_READ, e);
	if (rc == 0 && cli->json) {
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.credit-accounts/1");
		json_out_array(&j, "accounts");
		x.j = &j;
	} else if (rc == 0) {
		x.t = table_open(columns, sizeof columns / sizeof *columns);
	}
	if (rc == 0)
		rc = ledger_each_account(s.ledger, list_one, &x, e);
	if (x.j) {
		json_out_end(&j, ']');
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (x.t) {
		table_print_or(x.t, "no credit accounts");
		table_close(x.t);
	}
	return ledger_session_close(&s, rc, e);
}

static const struct option no_options[] = { { 0 } };

const struct command command_credit_accounts = {
	.name = "credit accounts",
	.place = HELP_CREDITS + 8,
	.summary = "list all accounts",
	.arguments = "",
	.description = "`tally credit account NAME` shows one in full.",
	.examples = "  tally credit accounts\n  tally credit accounts --json\n",
	.options = no_options,
	.common = TAKES_DB,
	.run = list,
};

/* --- plan check, credit check --- */

static void check_file(const char *path, const char **kind, struct err_list *faults)
{
	struct buf b = { 0 };
	struct err e;
	int rc = file_read(&b, path, 1 << 20, &e);
	if (rc == 0) {
		rule_file_check((struct text){ b.p, b.n }, path, kind, faults);
	} else {
		err_gather(&e, faults);
		err_next(&e, rc);
		err_gather(NULL, NULL);
	}
	buf_release(&b);
}

/* All files, whatever is wrong with one of them. */
static int check(struct cli *cli, struct err *e)
{
	int faults = 0, last = 0;
	struct json_out j;
	if (cli->json) {
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.plan-check/1");
		json_out_array(&j, "files");
	}
	for (int i = 0; i < cli->argument_count; i++) {
		const char *kind = "";
		struct err_list found = { 0 };
		check_file(cli->argument[i], &kind, &found);
		for (size_t k = 0; k < found.count; k++) {
			/* a fault of the file, not of the command */
			struct err why = found.fault[k];
			why.code = why.code == ERR_USAGE ? ERR_INVALID : why.code;
			if (faults++)
				print_notice("tally: %s\n", e->message);
			last = err_pass(e, &why);
		}
		if (!found.count && !cli->quiet && !cli->json)
			printf("%s: good %s\n", cli->argument[i], kind);
		if (cli->json && !found.count) {
			json_out_object(&j, NULL);
			json_out_string(&j, "file", cli->argument[i]);
			json_out_string(&j, "good", kind);
			json_out_end(&j, '}');
		}
		err_list_release(&found);
	}
	if (cli->json) {
		json_out_end(&j, ']');
		json_out_end(&j, '}');
		json_out_close_if(&j, last == 0);
	}
	return last;
}

#define CHECK_COMMAND \
	.arguments = "FILE...", .arguments_min = 1, .arguments_max = -1, \
	.description = \
		"Each fault is reported with file, place and key. Plan files say " \
		"\"tally.plans/1\", offers \"tally.offers/1\"; anything else is read as terms " \
		"(docs/plan-format.md, docs/credits.md, docs/invoices.md).", \
	.options = no_options, .common = 0, .run = check

const struct command command_plan_check = {
	.name = "plan check",
	.place = HELP_CREDITS + 10,
	.summary = "check plans, offers and terms before using them",
	.examples = "  tally plan check plan.json offers.json terms.json\n",
	CHECK_COMMAND,
};

const struct command command_credit_check = {
	.name = "credit check",
	.place = HELP_CREDITS + 12,
	.summary = "the same as `tally plan check`",
	.examples = "  tally credit check plan.json terms.json\n",
	CHECK_COMMAND,
};
