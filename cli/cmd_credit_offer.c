/* Commands that sell credits as a platform does. */
#include <string.h>

#include "base/file.h"
#include "base/zone.h"
#include "cli/ledger_session.h"
#include "pricing/offer.h"
#include "reports/json_out.h"
#include "reports/table.h"

static const struct option list_options[] = {
	{ "offers", 0, "FILE", "with those of this file (docs/credits.md)", true },
	{ 0 },
};

/* Those that are shipped, and those of files. */
static int open_offers(struct cli *cli, struct offer_list *out, struct err *e)
{
	const char *path;
	struct buf b = { 0 };
	int rc = offers_open(out, e);
	for (int i = 0; rc == 0 && (path = cli_value_at(cli, "offers", i)); i++) {
		b.n = 0;
		rc = file_read(&b, path, 1 << 20, e);
		if (rc == 0 && (rc = offers_add(out, (struct text){ b.p, b.n }, e)) != 0)
			err_context(e, "%s", path);
		if (rc != 0)
			offers_close(out);
	}
	buf_release(&b);
	return rc;
}

static int list(struct cli *cli, struct err *e)
{
	static const struct table_column columns[] = {
		{ "OFFER", false, false },  { "PLAN", false, false },  { "PRICE", true, false },
		{ "CREDITS", true, false }, { "EVERY", false, false }, { "WHAT", .wraps = true }
	};
	struct offer_list offers;
	struct json_out j;
	struct table *t = NULL;
	char price[DECIMAL_TEXT_MAX], credits[DECIMAL_TEXT_MAX], text[DECIMAL_TEXT_MAX * 2];
	int rc = open_offers(cli, &offers, e);
	if (rc != 0)
		return rc;
	if (cli->json) {
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.credit-offers/1");
		json_out_array(&j, "offers");
	} else {
		t = table_open(columns, sizeof columns / sizeof *columns);
	}
	for (size_t i = 0; i < offers.count; i++) {
		const struct offer *o = &offers.offer[i];
		decimal_format(o->price, price);
		decimal_format(o->credits, credits);
		if (cli->json) {
			json_out_object(&j, NULL);
			json_out_text(&j, "offer", o->name);
			json_out_text(&j, "title", o->title);
			json_out_text(&j, "plan", o->plan);
			json_out_string(&j, "price", price);
			json_out_text(&j, "currency", o->currency);
			json_out_string(&j, "credits", credits);
			json_out_text(&j, "every", o->every);
			json_out_text(&j, "lasts", o->lasts);
			json_out_end(&j, '}');
			continue;
		}
		table_cell(t, o->name.p);
		table_cell(t, o->plan.p);
		snprintf(text, sizeof text, "%s %s", price, o->currency.p);
		table_cell(t, text);
		table_cell(t, number_grouped(text, credits));
		table_cell(t, o->every.n ? o->every.p : "once");
		table_cell(t, o->title.p);
	}
	if (cli->json) {
		json_out_end(&j, ']');
		json_out_end(&j, '}');
		json_out_close(&j);
	} else {
		table_print(t);
		table_close(t);
	}
	offers_close(&offers);
	return 0;
}

const struct command command_credit_offers = {
	.name = "credit offers",
	.summary = "what `tally credit subscribe` knows",
	.arguments = "",
	.description = "VM0's Free, Pro, Team and top-up, as data; and your own.",
	.examples = "  tally credit offers\n  tally credit offers --offers ours.json\n",
	.options = list_options,
	.common = 0,
	.run = list,
};

static const struct option subscribe_options[] = {
	{ "from", 0, "WHEN", "effective from (default now)", false },
	{ "end", 0, "WHEN",
	  "end the subscription: no grants from then on, and "
	  "unused credits granted for later days are void",
	  false },
	{ "switch", 0, "OFFER", "to this one, which ends at --from (default now)", false },
	{ "quantity", 0, "N", "how many (default 1)", false },
	{ "offers", 0, "FILE", "an offer of this file (docs/credits.md)", true },
	{ "id", 0, "NAME", "id of a top-up or single grant; repeating it changes nothing", false },
	{ 0 },
};

/* The account that the offer needs, opened when there is none. */
static int need_account(struct ledger_session *s, struct text customer, const struct offer *o,
			struct instant from, const char *zone, const struct account **out,
			struct err *e)
{
	struct decimal d;
	int rc = ledger_find_account(s->ledger, customer, out, e);
	if (rc != 0 || *out)
		return rc;
	struct account a = { .customer = customer,
			     .plan = o->plan,
			     .plan_text = TEXT(""),
			     .zone = text_of(zone ? zone : "UTC"),
			     .terms = TEXT("{}"),
			     .burn_order = o->burn_order,
			     .overage = text_is(o->overage, "debt") ? OVERAGE_DEBT : OVERAGE_REFUSE,
			     .anchor_day = 1,
			     .since = from,
			     .opened = s->now,
			     .has_low_balance = o->low_balance.n > 0 };
	if (a.has_low_balance) {
		rc = decimal_parse(&d, o->low_balance, e);
		if (rc == 0)
			rc = nano_credits_from_decimal(&a.low_balance, d, e);
	}
	if (rc == 0)
		rc = ledger_set_account(s->ledger, &a, e);
	return rc == 0 ? ledger_account(s->ledger, customer, out, e) : rc;
}

struct rule_search {
	struct text name;
	struct instant from;
	bool ended, goes_on;
};

static int look_at_rule(void *user, const struct credit_rule *r)
{
	struct rule_search *x = user;
	if (!text_eq(r->name, x->name))
		return 0;
	x->ended |= r->until.us <= x->from.us;
	x->goes_on |= r->until.us > x->from.us;
	return 0;
}

/* A subscription that comes back after it ended has a name of its own. */
static int name_rule(struct ledger_session *s, const struct account *a, struct text wanted,
		     struct instant from, char out[120], struct err *e)
{
	struct rule_search x = { .name = wanted, .from = from };
	char at[INSTANT_TEXT_MAX];
	int rc = ledger_each_rule(s->ledger, a->id, look_at_rule, &x, e);
	snprintf(out, 120, "%.60s", wanted.p);
	if (rc == 0 && x.ended && !x.goes_on)
		snprintf(out, 120, "%.60s from %.10s", wanted.p, instant_format(from, at));
	return rc;
}

static int give(struct cli *cli, struct ledger_session *s, const struct account *a,
		const struct offer *o, struct instant from, int64_t quantity, struct err *e)
{
	const char *id = cli_value(cli, "id");
	struct nano_credits amount;
	struct money basis = { 0 }, price;
	char name[120], at[INSTANT_TEXT_MAX];
	int64_t number;
	int rc = nano_credits_from_decimal(&amount, o->credits, e);
	if (rc == 0 && __builtin_mul_overflow(amount.nano, quantity, &amount.nano))
		rc = err_set(e, ERR_RANGE, "more credits than an account can hold");
	if (rc == 0 && o->has_cost_basis)
		rc = money_from_decimal(&basis, o->cost_basis, e);
	if (rc == 0)
		rc = money_from_decimal(&price, o->price, e);
	if (rc == 0 && __builtin_mul_overflow(price.pico, quantity, &price.pico))
		rc = err_set(e, ERR_RANGE, "a price larger than an amount can hold");
	if (rc != 0)
		return rc;
	const enum lot_class class = text_is(o->class, "paid") ? LOT_PAID : LOT_GRANTED;
	if (o->every.n) {
		rc = name_rule(s, a, id ? text_of(id) : o->name, from, name, e);
		if (rc != 0)
			return rc;
		rc = ledger_add_rule(s->ledger,
				     &(struct credit_rule){ .account = a->id,
							    .name = text_of(name),
							    .every = o->every,
							    .lasts = o->lasts,
							    .amount = amount,
							    .kind = class,
							    .anchor = from,
							    .next = from,
							    .until = INSTANT_MAX,
							    .has_cost_basis = o->has_cost_basis,
							    .cost_basis = basis,
							    .has_price = price.pico != 0,
							    .price = price,
							    .currency = o->currency },
				     e);
		return rc == 0 ? ledger_recur(s->ledger, s->now, s->now, e) : rc;
	}
	struct instant expires = INSTANT_MAX;
	struct recurrence lasts;
	if (o->lasts.n) {
		struct zone *zone = NULL;
		rc = recurrence_parse(&lasts, o->lasts, from, e);
		if (rc == 0)
			rc = zone_open(&zone, a->zone.p, e);
		lasts.zone = zone;
		if (rc == 0)
			expires = recurrence_from(&lasts, (struct instant){ from.us + 1 });
		zone_close(zone);
	}
	snprintf(name, sizeof name, "%.40s %s", o->name.p, instant_format(from, at));
	if (rc == 0)
		rc = ledger_grant(s->ledger,
				  &(struct grant){ .account = a->id,
						   .name = text_of(id ? id : name),
						   .amount = amount,
						   .kind = class,
						   .effective = from,
						   .expires = expires,
						   .has_cost_basis = o->has_cost_basis,
						   .cost_basis = basis,
						   .has_price = price.pico != 0,
						   .price = price,
						   .currency = o->currency,
						   .note = o->title },
				  s->now, &number, e);
	return rc;
}

/* The last rule of a subscription that goes on: the offer's, or that of one which came back. */
struct subscribed {
	struct text offer;
	struct instant at;
	char name[120];
};

static int look_for_end(void *user, const struct credit_rule *r)
{
	static const char from[] = " from ";
	struct subscribed *x = user;
	const size_t n = x->offer.n;
	const bool same = text_eq(r->name, x->offer),
		   back = r->name.n > n + sizeof from - 1 &&
			  memcmp(r->name.p, x->offer.p, n) == 0 &&
			  memcmp(r->name.p + n, from, sizeof from - 1) == 0;
	if ((same || back) && r->until.us > x->at.us)
		snprintf(x->name, sizeof x->name, "%.*s", (int)r->name.n, r->name.p);
	return 0;
}

/* Ends what the customer has: it must be there. */
static int end_one(struct ledger_session *s, const char *customer, struct text offer,
		   struct instant at, struct err *e)
{
	const struct account *a;
	struct subscribed x = { .offer = offer, .at = at };
	int rc = ledger_account(s->ledger, text_of(customer), &a, e);
	if (rc == 0)
		rc = ledger_each_rule(s->ledger, a->id, look_for_end, &x, e);
	return rc == 0 ? ledger_end_rule(s->ledger, a, x.name[0] ? text_of(x.name) : offer, at,
					 s->now, e)
		       : rc;
}

/* --end and --switch. */
static int end_subscription(struct cli *cli, struct ledger_session *s, struct offer_list *offers,
			    struct zone *zone, const struct offer *o, struct instant from,
			    struct err *e)
{
	const char *end = cli_value(cli, "end"), *other = cli_value(cli, "switch"),
		   *id = cli_value(cli, "id");
	const struct offer *known;
	struct instant at;
	int rc = 0;
	if (end && other)
		return err_set(e, ERR_USAGE, "give --end or --switch, not both");
	if (other) {
		rc = offers_find(offers, other, &known, e);
		return rc == 0 ? end_one(s, cli->argument[0], known->name, from, e) : rc;
	}
	if (!end)
		return 0;
	rc = cli_instant("end", end, zone, &at, e);
	if (rc == 0 && !o->every.n)
		rc = err_set(e, ERR_USAGE,
			     "'%s' is not a subscription; void a grant with `tally credit void`",
			     o->name.p);
	return rc == 0 ? end_one(s, cli->argument[0], id ? text_of(id) : o->name, at, e) : rc;
}

/* Days are the account's own, or of the zone in which it is opened. */
static int zone_of_customer(struct cli *cli, struct ledger_session *s, struct zone **out,
			    struct err *e)
{
	const struct account *a;
	int rc = ledger_find_account(s->ledger, text_of(cli->argument[0]), &a, e);
	return rc != 0 ? rc : cli_zone_or(cli, a ? a->zone.p : "UTC", out, e);
}

static int subscribe(struct cli *cli, struct err *e)
{
	struct ledger_session s = { 0 };
	struct offer_list offers = { 0 };
	struct zone *zone = NULL;
	const struct offer *o;
	const struct account *a;
	const char *from_text = cli_value(cli, "from");
	struct instant from = { 0 };
	int64_t quantity;
	int rc = cli_count(cli, "quantity", 1, &quantity, e);
	if (rc == 0 && quantity < 1)
		rc = err_set(e, ERR_USAGE, "--quantity is at least 1");
	if (rc == 0)
		rc = open_offers(cli, &offers, e);
	if (rc == 0)
		rc = offers_find(&offers, cli->argument[1], &o, e);
	if (rc == 0)
		rc = ledger_session_open(&s, cli, DB_CREATE, e);
	if (rc == 0)
		rc = zone_of_customer(cli, &s, &zone, e);
	if (rc == 0) {
		from = s.now;
		if (from_text)
			rc = cli_instant("from", from_text, zone, &from, e);
	}
	if (rc == 0)
		rc = end_subscription(cli, &s, &offers, zone, o, from, e);
	if (rc == 0 && !cli_value(cli, "end"))
		rc = need_account(&s, text_of(cli->argument[0]), o, from,
				  cli_value(cli, "timezone"), &a, e);
	if (rc == 0 && !cli_value(cli, "end"))
		rc = give(cli, &s, a, o, from, quantity, e);
	rc = ledger_session_close(&s, rc, e);
	if (rc == 0 && !cli->quiet && !cli->json)
		printf("%s: %s%s%s\n", cli->argument[0], o->title.p,
		       cli_value(cli, "end") ? ", ends " : "",
		       cli_value(cli, "end") ? cli_value(cli, "end") : "");
	offers_close(&offers);
	zone_close(zone);
	return rc;
}

const struct command command_credit_subscribe = {
	.name = "credit subscribe",
	.summary = "subscribe a customer to an offer: Free, Pro, Team, top-up",
	.arguments = "CUSTOMER OFFER",
	.arguments_min = 2,
	.arguments_max = 2,
	.description =
		"Opens the account if needed, with the settings of the offer's platform, and "
		"grants its credits, once or every month. `tally credit offers` lists them.",
	.examples = "  tally credit subscribe acme vm0-pro --from 2026-11-01\n"
		    "  tally credit subscribe acme vm0-team --switch vm0-pro --from 2026-12-01\n"
		    "  tally credit subscribe acme vm0-team --end 2027-03-01\n"
		    "  tally credit subscribe acme vm0-top-up --quantity 25 --id order-17\n",
	.options = subscribe_options,
	.common = TAKES_DB | TAKES_ZONE,
	.run = subscribe,
};
