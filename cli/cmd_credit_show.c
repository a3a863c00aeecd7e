/* Commands that show credits, and reserve them by hand. */
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli/ledger_session.h"
#include "reports/credit_report.h"
#include "reports/table.h"

static const struct option no_options[] = { { 0 } };

/* --- credit balance --- */

static const struct option balance_options[] = {
	{ "at", 0, "WHEN", "the balance at WHEN", false },
	{ 0 },
};

static int past(struct cli *cli, struct ledger_session *s, const struct account *a,
		struct instant at, struct err *e)
{
	struct past_balance b;
	char text[5][DECIMAL_TEXT_MAX], when[INSTANT_TEXT_MAX];
	struct json_out j;
	int rc = ledger_balance_at(s->ledger, a->id, at, &b, e);
	if (rc != 0)
		return rc;
	if (cli->json) {
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.balance-at/1");
		json_out_text(&j, "customer", a->customer);
		json_out_instant(&j, "at", at);
		json_out_string(&j, "balance", nano_credits_format(b.left, text[0]));
		json_out_string(&j, "used", nano_credits_format(b.used, text[1]));
		json_out_string(&j, "expired", nano_credits_format(b.expired, text[2]));
		json_out_string(&j, "owed", nano_credits_format(b.owed, text[3]));
		json_out_string(&j, "billed", nano_credits_format(b.billed, text[4]));
		json_out_end(&j, '}');
		json_out_close(&j);
	} else {
		printf("%.*s at %s: %s credits (%s used, %s expired, %s owed)\n",
		       (int)a->customer.n, a->customer.p, instant_format(at, when),
		       nano_credits_format(b.left, text[0]), nano_credits_format(b.used, text[1]),
		       nano_credits_format(b.expired, text[2]),
		       nano_credits_format(b.owed, text[3]));
	}
	return 0;
}

/* Usage that has not drawn yet and grants that have come due are booked first, where the database
 * may be written; otherwise the answer says what waits. */
static int open_up_to_date(struct ledger_session *s, struct cli *cli, struct err *e)
{
	struct draw_counts counts;
	struct err unable;
	char text[DECIMAL_TEXT_MAX], rows[COUNT_WORDS_MAX];
	bool behind;
	int rc = ledger_session_open(s, cli, DB_READ, e);
	if (rc == 0)
		rc = drawer_is_behind(s->drawer, s->now, &behind, e);
	if (rc != 0 || !behind)
		return rc;
	ledger_session_close(s, 0, e);
	rc = ledger_session_open(s, cli, DB_WRITE, &unable);
	if (rc == 0)
		rc = drawer_sweep(s->drawer, s->now, &counts, &unable);
	if (rc == 0) {
		/* a look that writes says so */
		if (!cli->quiet && counts.transactions)
			print_notice("tally: first drew %s credits for %s that waited\n",
				     nano_credits_format(counts.drawn, text),
				     count_words(rows, counts.rows, "record"));
		return 0;
	}
	ledger_session_close(s, rc, &unable);
	return ledger_session_open(s, cli, DB_READ, e);
}

static int balance(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	struct zone *zone = NULL;
	struct balance_report r;
	struct instant when;
	const char *at = cli_value(cli, "at");
	bool low = false;
	int rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = open_up_to_date(&s, cli, e);
	else
		s = (struct ledger_session){ 0 };
	if (rc == 0)
		rc = balance_report_read(&r, s.ledger, text_of(cli->argument[0]), s.now, e);
	if (rc == 0 && at) {
		rc = cli_instant("at", at, zone, &when, e);
		if (rc == 0)
			rc = past(cli, &s, r.account, when, e);
	} else if (rc == 0 && cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		rc = balance_report_put(&j, &r, s.ledger, e);
		json_out_close(&j);
	} else if (rc == 0) {
		rc = balance_report_table(&r, s.ledger, e);
	}
	if (rc == 0 && !at)
		low = balance_is_low(&r) || (!r.balance.unlimited && r.balance.spendable.nano <= 0);
	rc = ledger_session_close(&s, rc, e);
	zone_close(zone);
	return rc ? rc : low ? 4 : 0;
}

const struct command command_credit_balance = {
	.name = "credit balance",
	.place = HELP_CREDITS + 2,
	.summary = "a customer's credits, by grant",
	.arguments = "CUSTOMER",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"Usage that has not drawn credits yet draws them first, which a line on standard "
		"error says (as tally credit draw does, or tally serve by itself).\n\n"
		"Exit status 4 when the balance is low or used up. --at shows a past balance "
		"from the ledger; usage counts at the last call of its hour.",
	.examples = "  tally credit balance acme\n  tally credit balance acme --at 2026-10-01\n",
	.options = balance_options,
	.common = TAKES_DB | TAKES_ZONE,
	.run = balance,
};

/* --- credit ledger --- */

static int show_ledger(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	struct zone *zone = NULL;
	struct period of;
	const struct account *a;
	int rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_period(cli, zone, &of.from, &of.to, e);
	if (rc == 0)
		rc = ledger_session_open(&s, cli, DB_READ, e);
	else
		s = (struct ledger_session){ 0 };
	if (rc == 0)
		rc = ledger_account(s.ledger, text_of(cli->argument[0]), &a, e);
	if (rc == 0 && cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		rc = ledger_report_put(&j, s.ledger, a, of, e);
		json_out_close_if(&j, rc == 0);
	} else if (rc == 0)
		rc = cli->csv ? ledger_report_csv(s.ledger, a, of, e)
			      : ledger_report_table(s.ledger, a, of, e);
	rc = ledger_session_close(&s, rc, e);
	zone_close(zone);
	return rc;
}

const struct command command_credit_ledger = {
	.name = "credit ledger",
	.place = HELP_CREDITS + 14,
	.summary = "every ledger entry of a customer",
	.arguments = "CUSTOMER",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"Double-entry transactions. Their accounts are source (where grants come from), "
		"grant, used, expired, overage (owed) and billed (charged on an invoice); the "
		"entries of each transaction sum to zero. A draw names the usage rows it is for: "
		"`tally credit trace` lists them for a grant.",
	.examples = "  tally credit ledger acme --since 2026-11-01\n",
	.options = no_options,
	.common = TAKES_DB | TAKES_CSV | TAKES_PERIOD | TAKES_ZONE,
	.run = show_ledger,
};

/* --- credit holds, hold, settle, release --- */

struct holds {
	struct json_out *j;
	struct table *t;
};

static int show_hold(void *user, const struct hold *h)
{
	struct holds *x = user;
	char credits[DECIMAL_TEXT_MAX], amount[DECIMAL_TEXT_MAX], at[INSTANT_TEXT_MAX];
	nano_credits_format(h->credits, credits);
	money_format(h->amount, amount);
	if (x->j) {
		json_out_object(x->j, NULL);
		json_out_text(x->j, "id", h->id);
		json_out_text(x->j, "customer", h->customer);
		json_out_string(x->j, "credits", credits);
		json_out_string(x->j, "amount", amount);
		json_out_text(x->j, "currency", h->currency);
		json_out_text(x->j, "state", h->state);
		json_out_instant(x->j, "created", h->created);
		json_out_instant(x->j, "expires", h->expires);
		json_out_end(x->j, '}');
		return 0;
	}
	table_text(x->t, h->id);
	table_text(x->t, h->customer);
	table_cell(x->t, credits);
	table_cell(x->t, amount);
	table_text(x->t, h->state);
	table_cell(x->t, instant_format(h->expires, at));
	return 0;
}

static int holds(struct cli *cli, struct err *e)
{
	static const struct table_column columns[] = {
		{ "HOLD", false, true },   { "CUSTOMER", false, true }, { "CREDITS", true, false },
		{ "AMOUNT", true, false }, { "STATE", false, false },	{ "EXPIRES", false, false },
	};
	struct ledger_session s;
	struct json_out j;
	struct holds x = { 0 };
	int rc = ledger_session_open(&s, cli, DB_READ, e);
	if (rc == 0) {
		if (cli->json) {
			x.j = &j;
			json_out_open(&j, stdout);
			json_out_object(&j, NULL);
			json_out_string(&j, "schema", "tally.credit-holds/1");
			json_out_array(&j, "holds");
		} else {
			x.t = table_open(columns, sizeof columns / sizeof *columns);
		}
		rc = hold_each_open(s.store, cli->argument_count ? cli->argument[0] : NULL, s.now,
				    show_hold, &x, e);
		if (cli->json) {
			json_out_end(&j, ']');
			json_out_end(&j, '}');
			json_out_close(&j);
		} else {
			table_print_or(x.t, "no open holds");
			table_close(x.t);
		}
	}
	return ledger_session_close(&s, rc, e);
}

const struct command command_credit_holds = {
	.name = "credit holds",
	.place = HELP_CREDITS + 36,
	.summary = "credits reserved for calls in flight",
	.arguments = "[CUSTOMER]",
	.arguments_max = 1,
	.description = "Open holds, of one customer or of all. Programs make them with POST "
		       "/v1/holds; `tally credit hold` makes one by hand.",
	.examples = "  tally credit holds acme\n",
	.options = no_options,
	.common = TAKES_DB,
	.run = holds,
};

static const struct option hold_options[] = {
	{ "id", 0, "NAME", "its id; repeating it returns the same hold", false },
	{ "seconds", 0, "N", "until it expires (default 600)", false },
	{ 0 },
};

/* Whether there is such a hold; in that state, where one is asked for. */
static bool is_known(struct ledger_session *s, const char *id, const char *state)
{
	struct hold h;
	struct arena texts = { 0 };
	struct err none;
	const bool known = id && hold_find(s->store, text_of(id), &h, &texts, &none) == 0 &&
			   (!state || text_is(h.state, state));
	arena_release(&texts);
	return known;
}

static int hold(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	struct spending *spending = NULL;
	struct standing after;
	char name[40], request[100];
	int64_t seconds;
	bool again = false;
	const char *id = cli_value(cli, "id");
	struct hold h = { .customer = text_of(cli->argument[0]),
			  .currency = text_of(cli_currency(cli)) };
	int rc = cli_credits_of("the amount", cli->argument[1], &h.credits, e);
	if (rc == 0)
		rc = cli_count(cli, "seconds", HOLD_SECONDS_DEFAULT, &seconds, e);
	if (rc == 0 && (seconds < 1 || seconds > HOLD_SECONDS_MOST))
		rc = err_set(e, ERR_USAGE, "--seconds is from 1 to %d", HOLD_SECONDS_MOST);
	if (rc != 0)
		return rc;
	rc = ledger_session_open(&s, cli, DB_WRITE, e);
	if (rc == 0) {
		const struct account *a;
		snprintf(name, sizeof name, "hold-%lld", (long long)s.now.us);
		snprintf(request, sizeof request, "{\"credits\":\"%s\"}", cli->argument[1]);
		struct draw_counts counts;
		rc = drawer_sweep(s.drawer, s.now, &counts, e);
		h.id = text_of(id ? id : name);
		h.request = text_of(request);
		h.expires.us = s.now.us + seconds * US_PER_SECOND;
		spending = spending_open(s.store);
		if (rc == 0)
			rc = ledger_account(s.ledger, h.customer, &a, e);
	}
	if (rc == 0)
		again = is_known(&s, id, NULL);
	if (rc == 0)
		rc = hold_open(spending, s.ledger, &h, s.now, &after, e);
	spending_close(spending);
	rc = ledger_session_close(&s, rc, e);
	if (rc != 0)
		return rc;
	return cli_done(cli, !again, h.id.p, again ? "%s: was held already" : "%s: held", h.id.p);
}

const struct command command_credit_hold = {
	.name = "credit hold",
	.place = HELP_CREDITS + 38,
	.summary = "reserve credits by hand",
	.arguments = "CUSTOMER AMOUNT",
	.arguments_min = 2,
	.arguments_max = 2,
	.description = "Refused (exit status 4) when the balance less open holds is too low. "
		       "Settle it with the actual usage, or release it.",
	.examples = "  tally credit hold acme 25 --id job-9\n  tally credit settle job-9 18.5\n",
	.options = hold_options,
	.common = TAKES_DB | TAKES_CURRENCY,
	.run = hold,
};

static const struct option settle_options[] = {
	{ "strict", 0, NULL, "refuse to settle more than was held", false },
	{ 0 },
};

static int end(struct cli *cli, bool settles, struct err *e)
{
	struct ledger_session s;
	struct spending *spending = NULL;
	struct nano_credits used = { 0 };
	struct drawn out;
	const char *ended = settles ? "settled" : "released";
	int rc = settles ? cli_credits_of("the amount", cli->argument[1], &used, e) : 0;
	if (rc != 0)
		return rc;
	rc = ledger_session_open(&s, cli, DB_WRITE, e);
	const bool again = rc == 0 && is_known(&s, cli->argument[0], ended);
	if (rc == 0)
		spending = spending_open(s.store);
	if (rc == 0 && settles)
		rc = hold_settle_credits(spending, s.ledger,
					 &(struct hold_settlement){ text_of(cli->argument[0]), used,
								    cli_flag(cli, "strict") },
					 s.now, &out, e);
	else if (rc == 0)
		rc = hold_end(spending, text_of(cli->argument[0]), "released", TEXT(""), s.now, e);
	spending_close(spending);
	rc = ledger_session_close(&s, rc, e);
	if (rc != 0)
		return rc;
	return cli_done(cli, !again, cli->argument[0], "%s: %s%s%s", cli->argument[0],
			again ? "was " : "", ended, again ? " already" : "");
}

static int settle(struct cli *cli, struct err *e)
{
	return end(cli, true, e);
}

static int release(struct cli *cli, struct err *e)
{
	return end(cli, false, e);
}

const struct command command_credit_settle = {
	.name = "credit settle",
	.place = HELP_CREDITS + 40,
	.summary = "settle a hold with the actual usage",
	.arguments = "HOLD AMOUNT",
	.arguments_min = 2,
	.arguments_max = 2,
	.description = "Draws the actual usage in burn order and frees the rest of the hold. "
		       "Usage beyond the hold is drawn too (usage is a fact; what the balance "
		       "does not cover is overage), unless --strict.",
	.examples = "  tally credit settle job-9 18.5\n",
	.options = settle_options,
	.common = TAKES_DB,
	.run = settle,
};

const struct command command_credit_release = {
	.name = "credit release",
	.place = HELP_CREDITS + 42,
	.summary = "release a hold without usage",
	.arguments = "HOLD",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "Frees everything it reserved.",
	.examples = "  tally credit release job-9\n",
	.options = no_options,
	.common = TAKES_DB,
	.run = release,
};
