/* What a customer is sold and under which terms, changed over HTTP: accounts, plans, terms, offers.
 * Each does what the command of its name does; what is checked is checked here too. */
#include <string.h>

#include "meter/billing/rule_file.h"
#include "meter/billing/terms.h"
#include "meter/ledger/subscription.h"
#include "pricing/plan.h"
#include "reports/offer_report.h"
#include "server/action.h"
#include "server/answers.h"

/* An object of the settings, as JSON that lives as long as the action; empty when absent. */
static int object_of(struct action *a, const char *name, struct text *out, struct err *e)
{
	json_value *v = setting(a->q, name);
	struct buf b = { 0 };
	*out = (struct text){ 0 };
	if (!v || json_kind(v) == JSON_NULL)
		return 0;
	if (json_kind(v) != JSON_OBJECT)
		return err_set(e, ERR_USAGE, "'%s' is an object", name);
	json_put_value(&b, v);
	*out = (struct text){ arena_text(&a->arena, b.p, b.n), b.n };
	buf_release(&b);
	return 0;
}

/* --- accounts --- */

/* Of usage from that day on; without one of all usage that has not drawn. */
static int plan_begins(struct action *a, struct account *account, struct err *e)
{
	struct instant from = INSTANT_MIN;
	struct zone *z = NULL;
	int rc = action_instant(a, "from", account->zone.p, &from, e);
	if (rc != 0 || !account->id)
		return rc == 0 && from.us != INSTANT_MIN.us
			       ? err_set(e, ERR_USAGE, "'from': a new account had no other plan")
			       : rc;
	if (from.us == INSTANT_MIN.us)
		return ledger_plan_always(a->c.ledger, account, e);
	rc = zone_open(&z, account->zone.p, e);
	if (rc == 0 && zone_midnight(z, zone_day(z, from)).us != from.us)
		rc = err_set(e, ERR_USAGE, "'from': a plan holds from the beginning of a day on");
	zone_close(z);
	return rc == 0 ? ledger_plan_until(a->c.ledger, account, from, e) : rc;
}

/* One of a file that was sent: it stays with the account. */
static int plan_of_file(struct action *a, struct text file, const char *wanted,
			struct account *account, struct err *e)
{
	struct plan_file *plans;
	const char *name = NULL;
	int rc = plan_file_parse(&plans, file, "plan_file", e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < plan_file_count(plans) && !name; i++)
		if (!wanted || strcmp(plan_name(plan_file_plan(plans, i)), wanted) == 0)
			name = plan_name(plan_file_plan(plans, i));
	if (name) {
		account->plan = text_of(arena_text(&a->arena, name, strlen(name)));
		account->plan_text = file;
	} else {
		rc = err_set(e, ERR_NOT_FOUND, "'plan_file' has no plan '%s'",
			     wanted ? wanted : "");
	}
	plan_file_close(plans);
	return rc;
}

static int read_plan(struct action *a, struct account *account, struct err *e)
{
	struct plan_file *shipped;
	const struct plan *p;
	struct text file;
	const char *name;
	int rc = action_text(a, "plan", false, &name, e);
	if (rc == 0)
		rc = object_of(a, "plan_file", &file, e);
	if (rc != 0)
		return rc;
	if (!name && !file.n)
		return account->id ? 0 : err_set(e, ERR_USAGE, "'plan' is missing");
	rc = plan_begins(a, account, e);
	if (rc == 0 && file.n)
		return plan_of_file(a, file, name, account, e);
	/* a file of the server is none of a question's */
	if (rc == 0 && strpbrk(name, "/."))
		rc = err_set(e, ERR_USAGE,
			     "'plan' is the name of a shipped plan; send others as 'plan_file'");
	if (rc == 0)
		rc = plan_open(&shipped, &p, name, e);
	if (rc != 0)
		return rc;
	account->plan = text_of(arena_text(&a->arena, plan_name(p), strlen(plan_name(p))));
	account->plan_text = TEXT("");
	plan_file_close(shipped);
	return 0;
}

/* What happens when credits run out, and which are used first. */
static int read_credit_rules(struct action *a, struct account *account, struct err *e)
{
	static const char *const policies[] = { "", "refuse", "limit", "debt", NULL };
	struct burn_order order;
	const char *burn;
	int policy;
	bool given = false;
	int rc = action_choice(a, "overage", policies, &policy, e);
	if (rc == 0 && policy)
		account->overage = (enum overage_policy)(policy - 1);
	if (rc == 0)
		rc = action_credits(a, "overage_limit", &account->overage_limit, &given, e);
	if (rc == 0)
		rc = action_credits(a, "low_balance", &account->low_balance, &given, e);
	account->has_low_balance |= rc == 0 && given;
	if (rc == 0)
		rc = action_text(a, "burn_order", false, &burn, e);
	if (rc == 0 && burn) {
		account->burn_order = text_of(burn);
		rc = burn_order_parse(&order, burn, e);
	}
	return rc;
}

static int read_rest(struct action *a, struct account *account, struct err *e)
{
	static const char *const yes_no[] = { "", "no", "yes", NULL };
	struct text terms;
	const char *zone;
	int64_t day;
	int byo;
	int rc = object_of(a, "terms", &terms, e);
	if (rc == 0 && terms.n) {
		account->terms = terms;
		rc = terms_check(terms, e);
	}
	if (rc == 0)
		rc = action_choice(a, "byo", yes_no, &byo, e);
	if (rc == 0 && byo)
		account->byo = byo == 2;
	if (rc == 0)
		rc = action_count(a, "billing_day", account->anchor_day, 31, &day, e);
	if (rc == 0 && day < 1)
		rc = err_set(e, ERR_USAGE, "'billing_day' is a day from 1 to 31");
	if (rc == 0)
		account->anchor_day = (int)day;
	if (rc == 0)
		rc = action_text(a, "timezone", false, &zone, e);
	if (rc == 0 && zone)
		account->zone =
			strstr(zone, " from ") && !strstr(zone, ", ")
				? text_of(arena_printf(&a->arena, "%.*s, %s", (int)account->zone.n,
						       account->zone.p, zone))
				: text_of(zone);
	return rc;
}

/* Usage that is there already draws too, where the account begins on a day. */
static int open_from(struct action *a, struct account *account, bool known, struct err *e)
{
	const char *since;
	int rc = action_text(a, "since", false, &since, e);
	if (rc != 0)
		return rc;
	if (known)
		return since ? err_set(e, ERR_USAGE, "'since' applies to a new account") : 0;
	account->opened = account->since = a->c.now;
	account->drawn_to = since ? 0 : store_last_seq(a->c.store);
	return action_instant(a, "since", account->zone.p, &account->since, e);
}

static int set_account(struct action *a, struct err *e)
{
	const struct account *known = NULL;
	struct draw_counts drawn;
	const char *customer;
	struct account account = { .zone = TEXT("UTC"),
				   .terms = TEXT("{}"),
				   .plan_text = TEXT(""),
				   .burn_order = TEXT(BURN_ORDER_DEFAULT),
				   .anchor_day = 1 };
	int rc = action_text(a, "customer", true, &customer, e);
	if (rc == 0)
		rc = ledger_find_account(a->c.ledger, text_of(customer), &known, e);
	if (rc != 0)
		return rc;
	if (known)
		account = *known;
	account.customer = a->customer = text_of(customer);
	rc = read_plan(a, &account, e);
	if (rc == 0)
		rc = read_credit_rules(a, &account, e);
	if (rc == 0)
		rc = read_rest(a, &account, e);
	if (rc == 0)
		rc = open_from(a, &account, known != NULL, e);
	if (rc == 0)
		rc = ledger_set_account(a->c.ledger, &account, a->c.now, e);
	return rc == 0 ? drawer_sweep(a->c.drawer, a->c.now, &drawn, e) : rc;
}

int answer_account_set(struct reader *r, const struct http_question *q, struct http_reply *out,
		       struct err *e)
{
	return act(r, q, out, "account set", set_account, e);
}

/* What waits draws again: of a customer at fault, or usage that no card covered before. */
static int draw(struct action *a, struct err *e)
{
	struct draw_counts n = { 0 };
	const struct account *account;
	const char *customer;
	struct json_out j;
	char text[DECIMAL_TEXT_MAX];
	int rc = action_text(a, "customer", true, &customer, e);
	if (rc == 0)
		rc = ledger_account(a->c.ledger, text_of(customer), &account, e);
	if (rc != 0)
		return rc;
	a->customer = text_of(customer);
	drawer_repair(a->c.drawer, account->id);
	drawer_look_again(a->c.drawer);
	rc = drawer_sweep(a->c.drawer, a->c.now, &n, e);
	json_out_open(&j, NULL);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.credit-draw/1");
	json_out_int(&j, "records", n.rows);
	json_out_string(&j, "drawn", nano_credits_format(n.drawn, text));
	json_out_string(&j, "refunded", nano_credits_format(n.refunded, text));
	json_out_int(&j, "uncovered", n.uncovered);
	json_out_int(&j, "accounts_at_fault", n.at_fault);
	json_out_end(&j, '}');
	json_out_take(&j, &a->out->body);
	return rc;
}

int answer_account_draw(struct reader *r, const struct http_question *q, struct http_reply *out,
			struct err *e)
{
	return act(r, q, out, "credit draw", draw, e);
}

/* --- offers --- */

/* Those that are shipped, and those that were sent. */
static int open_offers(struct action *a, struct offer_list *out, struct err *e)
{
	struct text sent = { 0 };
	int rc = offers_open(out, e);
	if (rc == 0)
		rc = object_of(a, "offers", &sent, e);
	return rc == 0 && sent.n ? offers_add(out, sent, e) : rc;
}

/* Days are the account's own, or of the zone in which it is opened. */
static int read_days(struct action *a, const char *zone, struct subscription *s,
		     struct instant *end, struct err *e)
{
	const struct account *account = NULL;
	int rc = ledger_find_account(a->c.ledger, s->customer, &account, e);
	const char *z = account ? account->zone.p : zone ? zone : "UTC";
	z = account ? arena_text(&a->arena, z, strlen(z)) : z;
	if (rc == 0)
		rc = action_instant(a, "from", z, &s->from, e);
	return rc == 0 ? action_instant(a, "end", z, end, e) : rc;
}

/* Ends a subscription, changes it for another, or begins one. */
static int run_subscription(struct action *a, const struct offer_list *offers,
			    const struct subscription *s, struct instant end, struct err *e)
{
	const struct offer *before;
	const char *other;
	int rc = action_text(a, "switch", false, &other, e);
	if (rc == 0 && end.us != INSTANT_MIN.us && other)
		rc = err_set(e, ERR_USAGE, "give 'end' or 'switch', not both");
	if (rc != 0)
		return rc;
	if (end.us != INSTANT_MIN.us && !s->offer->every.n)
		return err_set(e, ERR_USAGE, "'%s' is not a subscription; void its grant",
			       s->offer->name.p);
	if (end.us != INSTANT_MIN.us)
		return subscription_end(a->c.ledger, s->customer,
					s->id ? text_of(s->id) : s->offer->name, end, s->now, e);
	if (other) {
		rc = offers_find(offers, other, &before, e);
		if (rc == 0)
			rc = subscription_end(a->c.ledger, s->customer, before->name, s->from,
					      s->now, e);
	}
	return rc == 0 ? subscription_begin(a->c.ledger, s, e) : rc;
}

static int subscribe(struct action *a, struct err *e)
{
	struct offer_list offers = { 0 };
	struct instant end = INSTANT_MIN;
	struct subscription s = { .from = a->c.now, .now = a->c.now };
	const char *customer, *offer;
	int rc = action_text(a, "customer", true, &customer, e);
	if (rc == 0)
		rc = action_text(a, "offer", true, &offer, e);
	if (rc == 0)
		rc = action_text(a, "id", false, &s.id, e);
	if (rc == 0)
		rc = action_text(a, "timezone", false, &s.zone, e);
	if (rc == 0)
		rc = action_count(a, "quantity", 1, 1000000, &s.quantity, e);
	if (rc == 0 && s.quantity < 1)
		rc = err_set(e, ERR_USAGE, "'quantity' is at least 1");
	if (rc == 0)
		rc = open_offers(a, &offers, e);
	if (rc == 0)
		rc = offers_find(&offers, offer, &s.offer, e);
	if (rc == 0) {
		s.customer = a->customer = text_of(customer);
		a->about = text_of(offer);
		rc = read_days(a, s.zone, &s, &end, e);
	}
	if (rc == 0)
		rc = run_subscription(a, &offers, &s, end, e);
	offers_close(&offers);
	return rc;
}

int answer_subscribe(struct reader *r, const struct http_question *q, struct http_reply *out,
		     struct err *e)
{
	return act(r, q, out, "subscribe", subscribe, e);
}

int answer_plans(struct reader *r, const struct http_question *q, struct http_reply *out,
		 struct err *e)
{
	struct json_out j;
	(void)r;
	(void)q;
	json_out_open(&j, NULL);
	int rc = plan_list_put(&j, e);
	json_out_take(&j, &out->body);
	return rc;
}

int answer_offers(struct reader *r, const struct http_question *q, struct http_reply *out,
		  struct err *e)
{
	struct offer_list offers;
	struct json_out j;
	(void)r;
	(void)q;
	int rc = offers_open(&offers, e);
	if (rc != 0)
		return rc;
	json_out_open(&j, NULL);
	offer_list_put(&j, &offers);
	json_out_take(&j, &out->body);
	offers_close(&offers);
	return 0;
}

/* Plans, offers or terms, before somebody uses them: the settings are the file. That it is faulty
 * is an answer, not an error. */
int answer_rule_check(struct reader *r, const struct http_question *q, struct http_reply *out,
		      struct err *e)
{
	struct err_list faults = { 0 };
	const char *kind;
	struct json_out j;
	(void)r;
	(void)e;
	q->members->whole = true;
	const bool good = rule_file_check(q->body, "the file", &kind, &faults) == 0;
	json_out_open(&j, NULL);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.rule-check/1");
	json_out_string(&j, "kind", kind);
	json_out_bool(&j, "good", good);
	json_out_string(&j, "fault", good ? NULL : faults.fault[0].message);
	json_out_array(&j, "faults");
	for (size_t i = 0; i < faults.count; i++)
		json_out_string(&j, NULL, faults.fault[i].message);
	json_out_end(&j, ']');
	err_list_release(&faults);
	json_out_end(&j, '}');
	json_out_take(&j, &out->body);
	return 0;
}
