/* Commands that sell credits as a platform does. */
#include <string.h>

#include "base/file.h"
#include "base/zone.h"
#include "cli/ledger_session.h"
#include "meter/ledger/subscription.h"
#include "reports/offer_report.h"
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
	struct table *t;
	char price[DECIMAL_TEXT_MAX], credits[DECIMAL_TEXT_MAX], text[DECIMAL_TEXT_MAX * 2];
	int rc = open_offers(cli, &offers, e);
	if (rc != 0)
		return rc;
	if (cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		offer_list_put(&j, &offers);
		json_out_close(&j);
		offers_close(&offers);
		return 0;
	}
	t = table_open(columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < offers.count; i++) {
		const struct offer *o = &offers.offer[i];
		decimal_format(o->price, price);
		decimal_format(o->credits, credits);
		table_cell(t, o->name.p);
		table_cell(t, o->plan.p);
		snprintf(text, sizeof text, "%s %s", price, o->currency.p);
		table_cell(t, text);
		table_cell(t, number_grouped(text, credits));
		table_cell(t, o->every.n ? o->every.p : "once");
		table_cell(t, o->title.p);
	}
	table_print(t);
	table_close(t);
	offers_close(&offers);
	return 0;
}

const struct command command_credit_offers = {
	.name = "credit offers",
	.place = HELP_CREDITS + 18,
	.summary = "offers that `tally credit subscribe` accepts",
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

/* --end and --switch: another subscription ends when this one begins, or this one at a time of its
 * own. */
static int end_subscription(const struct cli *cli, struct ledger *l,
			    const struct offer_list *offers, const struct zone *zone,
			    const struct subscription *this, struct err *e)
{
	const char *end = cli_value(cli, "end"), *other = cli_value(cli, "switch");
	const struct offer *known;
	struct instant at = this->from;
	struct text id;
	int rc = 0;
	if (end && other)
		return err_set(e, ERR_USAGE, "give --end or --switch, not both");
	if (!end && !other)
		return 0;
	if (other) {
		rc = offers_find(offers, other, &known, e);
		id = rc == 0 ? known->name : TEXT("");
	} else {
		rc = cli_instant("end", end, zone, &at, e);
		if (rc == 0 && !this->offer->every.n)
			rc = err_set(e, ERR_USAGE,
				     "'%s' is not a subscription; void a grant with `tally credit "
				     "void`",
				     this->offer->name.p);
		id = this->id ? text_of(this->id) : this->offer->name;
	}
	return rc == 0 ? subscription_end(l, this->customer, id, at, this->now, e) : rc;
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
	const char *from = cli_value(cli, "from"), *end = cli_value(cli, "end");
	struct subscription wish = { .customer = text_of(cli->argument[0]),
				     .id = cli_value(cli, "id"),
				     .zone = cli_value(cli, "timezone") };
	int rc = cli_count(cli, "quantity", 1, &wish.quantity, e);
	if (rc == 0 && wish.quantity < 1)
		rc = err_set(e, ERR_USAGE, "--quantity is at least 1");
	if (rc == 0)
		rc = open_offers(cli, &offers, e);
	if (rc == 0)
		rc = offers_find(&offers, cli->argument[1], &wish.offer, e);
	if (rc == 0)
		rc = ledger_session_open(&s, cli, DB_CREATE, e);
	if (rc == 0)
		rc = zone_of_customer(cli, &s, &zone, e);
	wish.from = wish.now = s.now;
	if (rc == 0 && from)
		rc = cli_instant("from", from, zone, &wish.from, e);
	if (rc == 0)
		rc = end_subscription(cli, s.ledger, &offers, zone, &wish, e);
	if (rc == 0 && !end)
		rc = subscription_begin(s.ledger, &wish, e);
	rc = ledger_session_close(&s, rc, e);
	if (rc == 0)
		cli_done(cli, true, cli->argument[0], "%s: %s%s%s", cli->argument[0],
			 wish.offer->title.p, end ? ", ends " : "", end ? end : "");
	offers_close(&offers);
	zone_close(zone);
	return rc;
}

const struct command command_credit_subscribe = {
	.name = "credit subscribe",
	.place = HELP_CREDITS + 20,
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
