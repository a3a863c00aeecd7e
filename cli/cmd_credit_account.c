/* Commands that open accounts and give credits. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/zone.h"
#include "cli/cmd_credit_accounts.h"
#include "cli/ledger_session.h"
#include "cli/typed.h"
#include "meter/billing/terms.h"
#include "meter/ledger/batch.h"
#include "reports/credit_report.h"
#include "reports/json_out.h"
#include "reports/table.h"

/* --- credit account --- */

static const struct option account_options[] = {
	{ "plan", 0, "PLAN",
	  "how usage becomes credits: a shipped plan, FILE.json or FILE.json:NAME; append ' from DAY' to keep the previous plan for earlier days",
	  false },
	{ "byo", 0, "yes|no",
	  "bring your own key: usage is reported but draws no credits "
	  "(default no)",
	  false },
	{ "overage", 0, "refuse|limit|debt",
	  "when credits run out: refuse calls, admit them up to --overage-limit, "
	  "or always admit, repaid by later grants (default "
	  "refuse)",
	  false },
	{ "overage-limit", 0, "N", "how far below zero the balance may go", false },
	{ "burn-order", 0, "KEYS",
	  "which credits are used first: "
	  "priority,expiry,class,cost-basis,effective, "
	  "created,id (the default), expiry-second, largest",
	  false },
	{ "billing-day", 0, "N", "first day of its billing months (default 1)", false },
	{ "low-balance", 0, "N", "warn when the balance falls below this", false },
	{ "terms", 0, "FILE", "JSON file of invoice terms (docs/invoices.md)", false },
	{ 0 },
};

/* "NAME from DAY": where that day begins for the account; *from stays as it is without one. */
static int read_plan_day(struct cli *cli, const struct account *a, struct arena *keep,
			 const char **plan, struct instant *from, struct err *e)
{
	const char *given = cli_value(cli, "plan"), *at = given ? strstr(given, " from ") : NULL;
	struct zone *z = NULL;
	*plan = given;
	if (!at)
		return 0;
	if (!a->id)
		return err_set(e, ERR_USAGE, "--plan: a new account has had no other plan before");
	*plan = arena_text(keep, given, (size_t)(at - given));
	int rc = zone_open(&z, a->zone.p, e);
	if (rc == 0)
		rc = cli_instant("plan", at + 6, z, from, e);
	if (rc == 0 && zone_midnight(z, zone_day(z, *from)).us != from->us)
		rc = err_set(e, ERR_USAGE, "--plan: a plan holds from the beginning of a day on");
	zone_close(z);
	return rc;
}

static int read_plan(struct cli *cli, struct ledger *l, struct account *a, struct arena *keep,
		     struct err *e)
{
	const char *plan;
	struct instant from = INSTANT_MIN;
	int dated = read_plan_day(cli, a, keep, &plan, &from, e);
	if (dated == 0 && plan && a->id)
		dated = from.us == INSTANT_MIN.us ? ledger_plan_always(l, a, e)
						  : ledger_plan_until(l, a, from, e);
	if (dated != 0)
		return dated;
	struct plan_file *file;
	const struct plan *p;
	if (!plan)
		return a->id ? 0
			     : err_set(e, ERR_USAGE,
				       "--plan is required (tally credit plan lists them)");
	int rc = plan_open(&file, &p, plan, e);
	if (rc != 0)
		return rc;
	a->plan = text_of(arena_text(keep, plan_name(p), strlen(plan_name(p))));
	a->plan_text = TEXT("");
	plan_file_close(file);
	size_t n = strcspn(plan, ":");
	if (n > 5 && strncmp(plan + n - 5, ".json", 5) == 0) {
		/* the plan as it is now stays with the account, whatever becomes of the file */
		struct buf b = { 0 };
		rc = file_read(&b, arena_text(keep, plan, n), 1 << 20, e);
		if (rc == 0)
			a->plan_text = (struct text){ arena_text(keep, b.p, b.n), b.n };
		buf_release(&b);
	}
	return rc;
}

static int read_terms(struct cli *cli, struct account *a, struct arena *keep, struct err *e)
{
	const char *path = cli_value(cli, "terms");
	struct buf b = { 0 };
	if (!path)
		return 0;
	int rc = file_read(&b, path, 1 << 20, e);
	if (rc == 0) {
		a->terms = (struct text){ arena_text(keep, b.p, b.n), b.n };
		rc = terms_check(a->terms, e);
		if (rc != 0)
			err_context(e, "%s", path);
	}
	buf_release(&b);
	return rc;
}

static int read_settings(struct cli *cli, struct ledger *l, struct account *a, struct arena *keep,
			 struct err *e)
{
	static const char *const policies[] = { "refuse", "limit", "debt", NULL };
	static const char *const yes_no[] = { "no", "yes", NULL };
	struct burn_order order;
	int64_t day = a->anchor_day;
	int choice;
	int rc = read_plan(cli, l, a, keep, e);
	if (rc == 0)
		rc = read_terms(cli, a, keep, e);
	if (rc == 0 && cli_value(cli, "byo")) {
		rc = cli_choice(cli, "byo", yes_no, &choice, e);
		a->byo = choice == 1;
	}
	if (rc == 0 && cli_value(cli, "overage")) {
		rc = cli_choice(cli, "overage", policies, &choice, e);
		a->overage = (enum overage_policy)choice;
	}
	if (rc == 0 && cli_value(cli, "overage-limit"))
		rc = cli_credits(cli, "overage-limit", true, &a->overage_limit, e);
	if (rc == 0 && cli_value(cli, "low-balance")) {
		rc = cli_credits(cli, "low-balance", true, &a->low_balance, e);
		a->has_low_balance = true;
	}
	if (rc == 0 && cli_value(cli, "burn-order")) {
		a->burn_order = text_of(cli_value(cli, "burn-order"));
		rc = burn_order_parse(&order, a->burn_order.p, e);
	}
	if (rc == 0)
		rc = cli_count(cli, "billing-day", a->anchor_day, &day, e);
	if (rc == 0 && (day < 1 || day > 31))
		rc = err_set(e, ERR_USAGE, "--billing-day is a day from 1 to 31");
	a->anchor_day = (int)day;
	const char *zone = cli_value(cli, "timezone");
	if (rc == 0 && zone) {
		struct buf both = { 0 };
		if (strstr(zone, " from ") && !strstr(zone, ", "))
			buf_printf(&both, "%.*s, ", (int)a->zone.n, a->zone.p);
		buf_puts(&both, zone);
		a->zone = (struct text){ arena_text(keep, both.p, both.n), both.n };
		buf_release(&both);
	}
	return rc;
}

/* Opens or changes one account inside the session. */
static int set_one(struct cli *cli, struct ledger_session *s, const char *customer, bool *opened,
		   struct err *e)
{
	const struct account *known = NULL;
	struct zone *zone = NULL;
	struct arena keep = { 0 };
	struct instant until;
	struct account a = { .customer = text_of(customer),
			     .zone = TEXT("UTC"),
			     .terms = TEXT("{}"),
			     .burn_order = TEXT(BURN_ORDER_DEFAULT),
			     .anchor_day = 1 };
	int rc = ledger_find_account(s->ledger, a.customer, &known, e);
	if (rc == 0 && known)
		a = *known;
	*opened = rc == 0 && !known;
	if (rc == 0)
		rc = read_settings(cli, s->ledger, &a, &keep, e);
	struct instant since = s->now;
	if (rc == 0 && cli_value(cli, "since")) { /* usage that is there already draws too */
		rc = zone_open(&zone, a.zone.p, e);
		if (rc == 0)
			rc = cli_period(cli, zone, &since, &until, e);
	}
	if (rc == 0 && *opened) {
		a.opened = s->now;
		a.since = since;
		a.drawn_to = zone ? 0 : store_last_seq(s->store);
	} else if (rc == 0 && zone && since.us != known->since.us) {
		rc = ledger_begin_from(s->ledger, known, since, e);
	}
	if (rc == 0)
		rc = ledger_set_account(s->ledger, &a, s->now, e);
	zone_close(zone);
	arena_release(&keep);
	return rc;
}

/* Without options it changes nothing. */
static bool only_looks(const struct cli *cli)
{
	for (const struct option *o = account_options; o->name; o++)
		if (cli_value(cli, o->name))
			return false;
	return !cli_value(cli, "since") && !cli_value(cli, "timezone");
}

static int look(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	int rc = ledger_session_open(&s, cli, DB_READ, e);
	if (rc == 0)
		rc = show_accounts(cli, &s, e);
	return ledger_session_close(&s, rc, e);
}

static int account(struct cli *cli, struct err *e)
{
	if (only_looks(cli))
		return look(cli, e);
	struct ledger_session s = { 0 };
	bool opened = false;
	int rc = ledger_session_open(&s, cli, DB_CREATE, e);
	for (int i = 0; rc == 0 && i < cli->argument_count; i++) {
		rc = set_one(cli, &s, cli->argument[i], &opened, e);
		if (rc == 0 && !cli->json)
			cli_done(cli, true, cli->argument[i],
				 opened ? "%s: account opened" : "%s: account changed",
				 cli->argument[i]);
		if (rc == 0 && opened)
			rc = cli_tell_before_account(cli, &s, cli->argument[i],
						     (struct usage_filter){ .since = INSTANT_MIN,
									    .until = INSTANT_MAX },
						     e);
	}
	rc = ledger_session_close(&s, rc, e);
	return rc == 0 && cli->json ? look(cli, e) : rc;
}

const struct command command_credit_account = {
	.name = "credit account",
	.place = HELP_CREDITS + 6,
	.summary = "open, change or show credit accounts of customers",
	.arguments = "CUSTOMER...",
	.arguments_min = 1,
	.arguments_max = -1,
	.description =
		"An account sets the plan that turns a customer's usage into credits, which "
		"credits are used first, and what happens when they run out. Usage from its "
		"opening on (or from --since on) draws credits. Without options it shows the "
		"account. --timezone is the zone in which its months begin.",
	.examples = "  tally credit account acme --plan vm0 --timezone Europe/Berlin\n"
		    "  tally credit account acme --overage debt --low-balance 500\n"
		    "  tally credit account beta --plan plans.json:beta --since 2026-11-01\n",
	.options = account_options,
	.common = TAKES_DB | TAKES_SINCE | TAKES_ZONE,
	.run = account,
};

/* --- credit grant --- */

static const struct option grant_options[] = {
	{ "id", 0, "NAME", "its id; repeating it with the same content changes nothing", false },
	{ "class", 0, "granted|paid", "granted (free) or paid (default granted)", false },
	{ "priority", 0, "N", "lower is used first (default 0)", false },
	{ "effective", 0, "WHEN", "effective from (default now)", false },
	{ "expires", 0, "WHEN", "expires at (default never)", false },
	{ "cost-basis", 0, "AMOUNT", "price paid per credit", false },
	{ "price", 0, "AMOUNT", "price of the whole grant, which the period's invoice asks for",
	  false },
	{ "cap", 0, "N", "refuse the grant if the balance would exceed N", false },
	{ "every", 0, "INTERVAL", "recur every 1month, 1w, 1d ..., starting at --effective",
	  false },
	{ "lasts", 0, "INTERVAL", "lifetime of each recurring grant (default until the next)",
	  false },
	{ "rollover", 0, "N", "unused credits of a recurring grant to carry over (default 0)",
	  false },
	{ "note", 0, "TEXT", "a note", false },
	{ 0 },
};

static int read_grant(struct cli *cli, const struct ledger_session *s, const struct zone *z,
		      struct grant *g, struct err *e)
{
	static const char *const classes[] = { "granted", "paid", NULL };
	const char *basis = cli_value(cli, "cost-basis"), *effective = cli_value(cli, "effective"),
		   *expires = cli_value(cli, "expires"), *note = cli_value(cli, "note"),
		   *price = cli_value(cli, "price");
	struct decimal d;
	int class;
	*g = (struct grant){ .effective = s->now,
			     .expires = INSTANT_MAX,
			     .currency = text_of(cli_currency(cli)),
			     .note = text_of(note ? note : "") };
	int rc = cli_credits_of("the amount", cli->argument[1], &g->amount, e);
	if (rc == 0)
		rc = cli_choice(cli, "class", classes, &class, e);
	if (rc == 0)
		g->kind = class ? LOT_PAID : LOT_GRANTED;
	if (rc == 0)
		rc = cli_count(cli, "priority", 0, &g->priority, e);
	if (rc == 0 && effective)
		rc = cli_instant("effective", effective, z, &g->effective, e);
	if (rc == 0 && expires)
		rc = cli_instant("expires", expires, z, &g->expires, e);
	/* a length of time, not a date */
	if (rc == 0 && expires && is_digit(*expires) && !strpbrk(expires, "-/:.") &&
	    g->expires.us <= g->effective.us)
		rc = err_set(e, ERR_USAGE, "--expires: '%s' is so long ago; did you mean 'in %s'?",
			     expires, expires);
	if (rc == 0)
		rc = cli_credits(cli, "cap", false, &g->balance_most, e);
	if (rc == 0 && basis) {
		rc = cli_amount_of("--cost-basis", basis, cli_currency(cli), &d, e);
		if (rc == 0)
			rc = money_from_decimal(&g->cost_basis, d, e);
		g->has_cost_basis = true;
	}
	if (rc == 0 && price) {
		rc = cli_amount_of("--price", price, cli_currency(cli), &d, e);
		if (rc == 0)
			rc = money_from_decimal(&g->price, d, e);
		g->has_price = true;
	}
	return rc;
}

struct rule_named {
	struct text name;
	bool found;
};

static int note_rule(void *user, const struct credit_rule *r)
{
	struct rule_named *x = user;
	x->found |= text_eq(r->name, x->name);
	return 0;
}

/* The grant as a rule; *again: it was added before. */
static int grant_again(const struct cli *cli, struct ledger_session *s, const struct grant *g,
		       struct nano_credits rollover, bool *again, struct err *e)
{
	struct credit_rule r = credit_rule_of(g, text_of(cli_value(cli, "every")));
	r.lasts = text_of(cli_value(cli, "lasts"));
	r.rollover = rollover;
	struct rule_named named = { g->name, false };
	int rc = ledger_each_rule(s->ledger, g->account, note_rule, &named, e);
	*again = named.found;
	if (rc == 0)
		rc = ledger_add_rule(s->ledger, &r, e);
	if (rc == 0)
		rc = ledger_recur(s->ledger, s->now, s->now, e);
	return rc;
}

static int grant(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	struct zone *zone = NULL;
	struct grant g;
	const struct account *a;
	struct nano_credits rollover = { 0 };
	const char *id = cli_value(cli, "id"), *every = cli_value(cli, "every");
	char name[64], at[INSTANT_TEXT_MAX];
	int64_t number;
	bool again = false;
	int rc = ledger_session_open(&s, cli, DB_WRITE, e);
	if (rc == 0)
		rc = ledger_account(s.ledger, text_of(cli->argument[0]), &a, e);
	if (rc == 0)
		rc = cli_zone_or(cli, a->zone.p, &zone, e);
	if (rc == 0)
		rc = read_grant(cli, &s, zone, &g, e);
	if (rc == 0)
		rc = cli_credits(cli, "rollover", false, &rollover, e);
	if (rc == 0 && cli_value(cli, "lasts") && !every)
		rc = err_set(e, ERR_USAGE,
			     "--lasts belongs to --every; a single grant has --expires");
	if (rc == 0 && rollover.nano && !every)
		rc = err_set(e, ERR_USAGE, "--rollover belongs to --every");
	if (rc == 0) {
		if (every)
			snprintf(name, sizeof name, "every %.50s", every);
		else
			snprintf(name, sizeof name, "grant %s", instant_format(s.now, at));
		g.account = a->id;
		g.name = id ? text_of(id) : every && g.note.n ? g.note : text_of(name);
	}
	if (rc == 0 && every) {
		rc = grant_again(cli, &s, &g, rollover, &again, e);
	} else if (rc == 0) {
		struct grant known;
		struct err none;
		again = id && ledger_find_grant(s.ledger, a->id, g.name, &known, &none) == 0;
		rc = ledger_grant(s.ledger, &g, s.now, &number, e);
	}
	rc = ledger_session_close(&s, rc, e);
	zone_close(zone);
	if (rc != 0)
		return rc;
	const char *who = cli->argument[0];
	if (every)
		return cli_done(cli, !again, who,
				again ? "%s: that recurring grant was added already"
				      : "%s: recurring grant added",
				who);
	char amount[DECIMAL_TEXT_MAX], grouped[DECIMAL_TEXT_MAX * 2];
	number_grouped(grouped, nano_credits_format(g.amount, amount));
	if (again)
		return cli_done(cli, false, who, "%s: '%s' was granted already (%s credits)", who,
				id, grouped);
	return cli_done(cli, true, who, "%s: %s credit%s granted", who, grouped,
			strcmp(grouped, "1") == 0 ? "" : "s");
}

const struct command command_credit_grant = {
	.name = "credit grant",
	.place = HELP_CREDITS + 4,
	.summary = "give credits to a customer, once or recurring",
	.arguments = "CUSTOMER AMOUNT",
	.arguments_min = 2,
	.arguments_max = 2,
	.description =
		"A grant is valid from its effective instant until it expires. With --every it "
		"recurs; unused credits carry over up to --rollover, oldest used first, and "
		"expire without it. Grants are never changed: void what is left with `tally "
		"credit void`.",
	.examples = "  tally credit grant acme 10000 --note 'Free plan' --every 1month --effective "
		    "2026-11-01\n"
		    "  tally credit grant acme 50000 --class paid --cost-basis 0.001 --expires "
		    "2027-11-01 --id order-17\n",
	.options = grant_options,
	.common = TAKES_DB | TAKES_ZONE | TAKES_CURRENCY,
	.run = grant,
};

/* --- credit void, expire, draw, post --- */

static const struct option void_options[] = { { "why", 0, "TEXT", "the reason (stored)", false },
					      { 0 } };

static int take_back(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	const char *why = cli_value(cli, "why");
	int rc = why ? 0 : err_set(e, ERR_USAGE, "--why is required");
	if (rc != 0)
		return rc;
	rc = ledger_session_open(&s, cli, DB_WRITE, e);
	if (rc == 0)
		rc = ledger_void_grant(s.ledger, text_of(cli->argument[0]),
				       text_of(cli->argument[1]), s.now, why, e);
	rc = ledger_session_close(&s, rc, e);
	return rc ? rc
		  : cli_done(cli, true, cli->argument[1], "%s: the unused rest is void",
			     cli->argument[1]);
}

const struct command command_credit_void = {
	.name = "credit void",
	.place = HELP_CREDITS + 30,
	.summary = "void the unused rest of a grant",
	.arguments = "CUSTOMER GRANT",
	.arguments_min = 2,
	.arguments_max = 2,
	.description = "Credits already used stay used.",
	.examples = "  tally credit void acme order-17 --why 'charged back'\n",
	.options = void_options,
	.common = TAKES_DB,
	.run = take_back,
};

static const struct option no_options[] = { { 0 } };

static void print_drawn(const struct cli *cli, const struct draw_counts *n)
{
	char text[3][DECIMAL_TEXT_MAX];
	nano_credits_format(n->drawn, text[0]);
	nano_credits_format(n->overage, text[1]);
	nano_credits_format(n->refunded, text[2]);
	if (cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.credit-draw/1");
		json_out_int(&j, "records", n->rows);
		json_out_int(&j, "transactions", n->transactions);
		json_out_string(&j, "drawn", text[0]);
		json_out_string(&j, "overage", text[1]);
		json_out_string(&j, "refunded", text[2]);
		json_out_int(&j, "uncovered", n->uncovered);
		json_out_int(&j, "accounts_at_fault", n->at_fault);
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (!cli->quiet) {
		char rows[COUNT_WORDS_MAX], transactions[COUNT_WORDS_MAX];
		printf("%s drew %s credits in %s", count_words(rows, n->rows, "record"), text[0],
		       count_words(transactions, n->transactions, "transaction"));
		if (n->overage.nano)
			printf(", %s of them overage", text[1]);
		if (n->refunded.nano)
			printf("; %s were refunded", text[2]);
		printf("\n");
		if (n->uncovered)
			print_note("%s drew nothing: the plan does not cover the model",
				   count_words(rows, n->uncovered, "record"));
	}
}

static int draw_or_expire(struct cli *cli, bool draws, struct err *e)
{
	struct ledger_session s;
	struct draw_counts n = { 0 };
	int rc = ledger_session_open(&s, cli, DB_WRITE, e);
	if (rc == 0)
		drawer_look_again(s.drawer);
	/* what expires is what usage has not drawn before */
	if (rc == 0)
		rc = drawer_sweep(s.drawer, s.now, &n, e);
	rc = ledger_session_close(&s, rc, e);
	if (rc != 0)
		return rc;
	if (draws)
		print_drawn(cli, &n);
	else
		cli_done(cli, n.transactions > 0, NULL,
			 "recurring grants and expiries are up to date");
	if (n.at_fault)
		print_notice("tally: %s cannot be drawn and wait%s (tally status names "
			     "%s)\n",
			     COUNTED(n.at_fault, "account"), n.at_fault == 1 ? "s" : "",
			     n.at_fault == 1 ? "it" : "them");
	return n.uncovered || n.at_fault ? 3 : 0;
}

struct fault_of {
	int64_t account;
	bool found;
	char why[300];
};

static int find_fault(void *user, const struct account_fault *f)
{
	struct fault_of *of = user;
	if (f->account != of->account)
		return 0;
	of->found = true;
	snprintf(of->why, sizeof of->why, "%.*s", (int)f->why.n, f->why.p);
	return 0;
}

static int repair(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	struct draw_counts n = { 0 };
	const struct account *a;
	struct fault_of of = { 0 };
	int rc = ledger_session_open(&s, cli, DB_WRITE, e);
	if (rc == 0)
		rc = ledger_account(s.ledger, text_of(cli->argument[0]), &a, e);
	if (rc == 0) {
		of.account = a->id;
		drawer_repair(s.drawer, of.account);
		rc = drawer_sweep(s.drawer, s.now, &n, e);
	}
	if (rc == 0)
		rc = ledger_each_fault(s.store, find_fault, &of, e);
	rc = ledger_session_close(&s, rc, e);
	if (rc == 0 && of.found)
		return err_set(e, ERR_MISMATCH, "%s is still at fault: %s", cli->argument[0],
			       of.why);
	return rc ? rc
		  : cli_done(cli, n.rows || n.transactions, cli->argument[0],
			     "%s: what waited is drawn", cli->argument[0]);
}

const struct command command_credit_repair = {
	.name = "credit repair",
	.place = HELP_CREDITS + 32,
	.summary = "draw pending usage of an account that was at fault",
	.arguments = "CUSTOMER",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"When usage cannot be drawn from an account, it is stored as pending and other "
		"accounts continue; `tally status` names the account and the reason. This "
		"command retries. If reversed usage had already been refunded by hand, only the "
		"remainder is refunded.",
	.examples = "  tally credit repair acme\n",
	.options = no_options,
	.common = TAKES_DB,
	.run = repair,
};

static int draw(struct cli *cli, struct err *e)
{
	return draw_or_expire(cli, true, e);
}

static int expire(struct cli *cli, struct err *e)
{
	return draw_or_expire(cli, false, e);
}

const struct command command_credit_draw = {
	.name = "credit draw",
	.place = HELP_CREDITS + 26,
	.summary = "draw credits for pending usage",
	.arguments = "",
	.description = "`tally ingest` and `tally serve` do this themselves; use it for usage "
		       "from before an account was opened, and after manual changes.",
	.examples = "  tally credit draw --json\n",
	.options = no_options,
	.common = TAKES_DB | TAKES_PRICES,
	.run = draw,
};

const struct command command_credit_expire = {
	.name = "credit expire",
	.place = HELP_CREDITS + 28,
	.summary = "book recurring grants and expiries up to now",
	.arguments = "",
	.description = "Balances are right without it, since they consult the clock; this writes "
		       "the ledger entries. `tally serve` does it once a second.",
	.examples = "  tally credit expire\n",
	.options = no_options,
	.common = TAKES_DB,
	.run = expire,
};

static int post(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	struct buf lines = { 0 };
	struct batch_result *r = NULL;
	size_t n = 0, failed = 0;
	int rc = file_read(&lines, strcmp(cli->argument[0], "-") == 0 ? NULL : cli->argument[0],
			   64 << 20, e);
	if (rc == 0) {
		rc = ledger_session_open(&s, cli, DB_WRITE, e);
		if (rc == 0)
			rc = batch_run(s.ledger, (struct text){ lines.p, lines.n }, s.now, &r, &n,
				       e);
		rc = ledger_session_close(&s, rc, e);
	}
	for (size_t i = 0; rc == 0 && i < n; i++) {
		failed += !r[i].done;
		if (!cli->json && !r[i].done)
			print_notice("tally: %s:%zu: %s%s\n", cli->argument[0], i + 1,
				     r[i].undone ? "undone, because " : "", batch_reason(&r[i]));
	}
	if (rc == 0 && cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		batch_report_put(&j, r, n);
		json_out_close(&j);
	} else if (rc == 0 && !cli->quiet) {
		printf("%zu operations: %zu done, %zu not\n", n, n - failed, failed);
	}
	free(r);
	buf_release(&lines);
	return rc ? rc : failed ? 1 : 0;
}

const struct command command_credit_post = {
	.name = "credit post",
	.place = HELP_CREDITS + 34,
	.summary = "post grants, draws and refunds from a JSON Lines file",
	.arguments = "FILE",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"One operation a line: {\"op\": \"grant\", \"customer\", \"id\", \"amount\", "
		"\"class\", \"priority\", \"effective\", \"expires\", \"note\"}; \"op\": "
		"\"draw\" or \"refund\" with \"customer\", \"id\", \"amount\", \"at\"; \"op\": "
		"\"void\" with \"customer\", \"id\". \"linked\": true chains an operation to the "
		"next one: a chain succeeds or fails as a whole. Each operation has its own "
		"result, and posting the file again changes nothing.",
	.examples = "  tally credit post grants.jsonl --json\n",
	.options = no_options,
	.common = TAKES_DB,
	.run = post,
};
