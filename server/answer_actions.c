/* What is changed over HTTP: grants, invoices, payments, budgets, limits, what was refused.
 * Each does what the command of its name does. */
#include <stdlib.h>
#include <string.h>

#include "meter/billing/budget.h"
#include "meter/billing/cycle.h"
#include "meter/billing/payment.h"
#include "meter/hold.h"
#include "meter/ingest/retry.h"
#include "reports/invoice_view.h"
#include "server/action.h"
#include "server/answers.h"

static int customer_of(struct action *a, const struct account **out, struct err *e)
{
	const char *customer;
	int rc = action_text(a, "customer", true, &customer, e);
	if (rc != 0)
		return rc;
	a->customer = text_of(customer);
	return out ? ledger_account(a->c.ledger, a->customer, out, e) : 0;
}

/* --- credits --- */

static int credits_setting(struct action *a, const char *name, bool needed,
			   struct nano_credits *out, bool *given, struct err *e)
{
	struct decimal d;
	int rc = action_amount(a, name, needed, &d, given, e);
	return rc == 0 && *given ? nano_credits_from_decimal(out, d, e) : rc;
}

/* Days are the account's own. */
static int read_grant(struct action *a, const char *zone, struct grant *g, struct err *e)
{
	static const char *const classes[] = { "granted", "paid", NULL };
	struct decimal amount;
	const char *note, *currency;
	bool given;
	int class;
	int rc = action_amount(a, "amount", true, &amount, &given, e);
	if (rc == 0)
		rc = nano_credits_from_decimal(&g->amount, amount, e);
	if (rc == 0)
		rc = action_choice(a, "class", classes, &class, e);
	if (rc == 0)
		g->kind = class ? LOT_PAID : LOT_GRANTED;
	if (rc == 0)
		rc = action_count(a, "priority", 0, 1000000, &g->priority, e);
	if (rc == 0)
		rc = action_instant(a, "effective", zone, &g->effective, e);
	if (rc == 0)
		rc = action_instant(a, "expires", zone, &g->expires, e);
	if (rc == 0)
		rc = action_amount(a, "cost_basis", false, &amount, &given, e);
	if (rc == 0 && given) {
		g->has_cost_basis = true;
		rc = money_from_decimal(&g->cost_basis, amount, e);
	}
	if (rc == 0)
		rc = action_amount(a, "price", false, &amount, &g->has_price, e);
	if (rc == 0 && g->has_price)
		rc = money_from_decimal(&g->price, amount, e);
	if (rc == 0)
		rc = action_text(a, "currency", false, &currency, e);
	if (rc == 0 && currency)
		g->currency = text_of(currency);
	if (rc == 0)
		rc = action_text(a, "note", false, &note, e);
	if (rc == 0 && note)
		g->note = text_of(note);
	return rc;
}

/* One that comes back every so often. */
static int recur(struct action *a, const struct grant *g, const char *every, struct err *e)
{
	struct credit_rule r = credit_rule_of(g, text_of(every));
	const char *lasts;
	bool given;
	int rc = action_text(a, "lasts", false, &lasts, e);
	if (rc == 0)
		rc = action_credits(a, "rollover", &r.rollover, &given, e);
	r.lasts = text_of(lasts ? lasts : "");
	if (rc == 0)
		rc = ledger_add_rule(a->c.ledger, &r, e);
	return rc == 0 ? ledger_recur(a->c.ledger, a->c.now, a->c.now, e) : rc;
}

static int grant(struct action *a, struct err *e)
{
	const struct account *account;
	struct grant g = { .effective = a->c.now,
			   .expires = INSTANT_MAX,
			   .currency = text_of(a->o->currency),
			   .note = TEXT("") };
	const char *id, *every;
	char at[INSTANT_TEXT_MAX];
	int64_t number;
	bool given;
	int rc = customer_of(a, &account, e);
	if (rc == 0)
		rc = read_grant(a, account->zone.p, &g, e);
	if (rc == 0)
		rc = action_credits(a, "cap", &g.balance_most, &given, e);
	if (rc == 0)
		rc = action_text(a, "id", false, &id, e);
	if (rc == 0)
		rc = action_text(a, "every", false, &every, e);
	if (rc != 0)
		return rc;
	g.account = account->id;
	g.name = a->about = text_of(
		id	? id
		: every ? arena_printf(&a->arena, "every %s", every)
			: arena_printf(&a->arena, "grant %s", instant_format(a->c.now, at)));
	if (every)
		return recur(a, &g, every, e);
	return ledger_grant(a->c.ledger, &g, a->c.now, &number, e);
}

int answer_grant(struct reader *r, const struct http_question *q, struct http_reply *out,
		 struct err *e)
{
	return act(r, q, out, "grant", grant, e);
}

static int void_grant(struct action *a, struct err *e)
{
	const char *name, *why;
	int rc = customer_of(a, NULL, e);
	if (rc == 0)
		rc = action_text(a, "grant", true, &name, e);
	if (rc == 0)
		rc = action_text(a, "why", true, &why, e);
	if (rc != 0)
		return rc;
	a->about = text_of(name);
	return ledger_void_grant(a->c.ledger, a->customer, a->about, a->c.now, why, e);
}

int answer_grant_void(struct reader *r, const struct http_question *q, struct http_reply *out,
		      struct err *e)
{
	return act(r, q, out, "grant void", void_grant, e);
}

/* A hold ends with an amount of credits instead of a usage record. */
static int settle_credits(struct action *a, struct err *e)
{
	struct hold_settlement s = { 0 };
	struct hold h;
	struct drawn drawn;
	const char *name;
	bool given;
	int rc = action_text(a, "hold", true, &name, e);
	if (rc == 0)
		rc = credits_setting(a, "amount", true, &s.used, &given, e);
	if (rc == 0)
		rc = hold_find(a->c.store, text_of(name), &h, &a->arena, e);
	if (rc != 0)
		return rc;
	a->customer = h.customer;
	a->about = s.hold = h.id;
	struct spending *spending = spending_open(a->c.store);
	rc = hold_settle_credits(spending, a->c.ledger, &s, a->c.now, &drawn, e);
	spending_close(spending);
	return rc;
}

int answer_credit_settle(struct reader *r, const struct http_question *q, struct http_reply *out,
			 struct err *e)
{
	return act(r, q, out, "credit settle", settle_credits, e);
}

/* --- top-ups --- */

/* What a credit costs and how long it lasts. */
static int read_sale(struct action *a, struct top_up *t, struct err *e)
{
	const char *currency, *lasts;
	struct decimal price;
	int rc = action_amount(a, "price", false, &price, &t->has_price, e);
	if (rc == 0 && t->has_price)
		rc = money_from_decimal(&t->price, price, e);
	if (rc == 0)
		rc = action_text(a, "currency", false, &currency, e);
	if (rc == 0)
		rc = action_text(a, "lasts", false, &lasts, e);
	if (rc == 0) {
		t->currency = text_of(currency ? currency : a->o->currency);
		t->lasts = text_of(lasts ? lasts : "");
	}
	return rc;
}

/* What is pending draws at once, so that what is missing is bought. */
static int keep_top_up(struct action *a, const struct account *account, const struct top_up *t,
		       struct err *e)
{
	struct draw_counts drawn;
	int rc = ledger_set_top_up(a->c.ledger, account, t, e);
	return rc == 0 ? drawer_sweep(a->c.drawer, a->c.now, &drawn, e) : rc;
}

static int set_top_up(struct action *a, struct err *e)
{
	const struct account *account;
	struct top_up t = { .on = true };
	bool given;
	int rc = customer_of(a, &account, e);
	if (rc == 0)
		rc = credits_setting(a, "below", true, &t.below, &given, e);
	t.target = t.below;
	if (rc == 0)
		rc = credits_setting(a, "to", false, &t.target, &given, e);
	if (rc == 0)
		rc = credits_setting(a, "most", false, &t.most, &given, e);
	if (rc == 0)
		rc = read_sale(a, &t, e);
	return rc == 0 ? keep_top_up(a, account, &t, e) : rc;
}

int answer_top_up_set(struct reader *r, const struct http_question *q, struct http_reply *out,
		      struct err *e)
{
	return act(r, q, out, "top-up set", set_top_up, e);
}

static int clear_top_up(struct action *a, struct err *e)
{
	const struct account *account;
	int rc = customer_of(a, &account, e);
	return rc == 0 ? keep_top_up(a, account, &(struct top_up){ 0 }, e) : rc;
}

int answer_top_up_clear(struct reader *r, const struct http_question *q, struct http_reply *out,
			struct err *e)
{
	return act(r, q, out, "top-up clear", clear_top_up, e);
}

static int buy(struct action *a, struct err *e)
{
	const struct account *account;
	struct top_up t = { 0 };
	struct purchase p = { 0 };
	const char *id;
	char at[INSTANT_TEXT_MAX];
	bool given;
	int rc = customer_of(a, &account, e);
	if (rc == 0)
		rc = credits_setting(a, "amount", true, &p.amount, &given, e);
	if (rc == 0)
		rc = read_sale(a, &t, e);
	if (rc == 0)
		rc = action_text(a, "id", false, &id, e);
	if (rc != 0)
		return rc;
	p.by = t.has_price ? &t : NULL;
	p.name = a->about = text_of(
		id ? id : arena_printf(&a->arena, "top-up %s", instant_format(a->c.now, at)));
	return ledger_buy(a->c.ledger, account, &p, a->c.now, e);
}

int answer_top_up_buy(struct reader *r, const struct http_question *q, struct http_reply *out,
		      struct err *e)
{
	return act(r, q, out, "top-up buy", buy, e);
}

/* --- invoices --- */

/* drafted: what making it said, NULL where it was not made now. */
static int show_invoice(struct action *a, int64_t id, const struct draft *drafted, struct err *e)
{
	struct arena texts = { 0 };
	struct stored_invoice i;
	struct invoice_view *v = NULL;
	char name[24];
	snprintf(name, sizeof name, "#%lld", (long long)id);
	int rc = invoice_find(a->c.store, name, &texts, &i, e);
	if (rc == 0)
		rc = invoice_view_of(&v, a->c.store, &i, a->c.now, NULL, e);
	if (rc == 0) {
		v->drafted = drafted;
		invoice_json_put(&a->out->body, v);
		const struct text about = i.number.n ? i.number : text_of(name);
		a->about = (struct text){ arena_text(&a->arena, about.p, about.n), about.n };
		a->customer = (struct text){ arena_text(&a->arena, i.customer.p, i.customer.n),
					     i.customer.n };
	}
	invoice_view_close(v);
	arena_release(&texts);
	return rc;
}

static int find_invoice(struct action *a, const char *setting, int64_t *id, struct err *e)
{
	struct arena texts = { 0 };
	struct stored_invoice i;
	const char *name;
	int rc = action_text(a, setting, true, &name, e);
	if (rc == 0)
		rc = invoice_find(a->c.store, name, &texts, &i, e);
	*id = rc == 0 ? i.id : 0;
	arena_release(&texts);
	return rc;
}

/* Usage that waits draws first, so that the invoice is of all of it. */
static int open_invoicer(struct action *a, struct invoicer **out, struct err *e)
{
	struct draw_counts drawn;
	drawer_look_again(a->c.drawer);
	int rc = drawer_sweep(a->c.drawer, a->c.now, &drawn, e);
	if (rc == 0)
		rc = invoicer_open(out, a->c.ledger, a->c.drawer, e);
	if (rc == 0 && action_flag(a, "accept_uncovered"))
		invoicer_accept_uncovered(*out);
	/* files that grow day by day are as they are now */
	for (const char *const *path = a->o->rates; rc == 0 && path && *path; path++)
		rc = exchange_read(&a->rates, *path, e);
	if (rc == 0)
		invoicer_exchange(*out, a->rates);
	return rc;
}

/* From `since` to `until`, where one of them is given. */
static int span_of(struct action *a, const char *zone, struct period *out, bool *given,
		   struct err *e)
{
	const char *period;
	*out = (struct period){ INSTANT_MIN, INSTANT_MAX };
	int rc = action_text(a, "period", false, &period, e);
	if (rc == 0)
		rc = action_instant(a, "since", zone, &out->from, e);
	if (rc == 0)
		rc = action_instant(a, "until", zone, &out->to, e);
	const bool from = out->from.us != INSTANT_MIN.us, to = out->to.us != INSTANT_MAX.us;
	*given = from || to;
	if (rc == 0 && *given && (period || !from || !to))
		rc = err_set(e, ERR_USAGE, "give 'period', or both 'since' and 'until'");
	if (rc == 0 && *given && out->from.us >= out->to.us)
		rc = err_set(e, ERR_USAGE, "'since' must be before 'until'");
	return rc;
}

/* The month or days that are named; without them that which an interim invoice is of now, else the
 * last month that has ended. */
static int period_of(struct action *a, const struct account *account, enum invoice_part part,
		     struct period *out, struct err *e)
{
	const char *period;
	struct zone *z = NULL;
	bool given = false;
	int rc = span_of(a, account->zone.p, out, &given, e);
	if (rc == 0)
		rc = action_text(a, "period", false, &period, e);
	if (rc != 0 || given)
		return rc;
	rc = zone_open(&z, account->zone.p, e);
	if (rc == 0 && !period && part == INVOICE_INTERIM)
		*out = cycle_period(z, account->anchor_day, a->c.now);
	else if (rc == 0)
		rc = cycle_named(z, account->anchor_day, period, a->c.now, out, e);
	zone_close(z);
	return rc;
}

static int draft(struct action *a, struct err *e)
{
	static const char *const words[] = { "own", "interim", "supplement", NULL };
	static const enum invoice_part parts[] = { INVOICE_OWN, INVOICE_INTERIM,
						   INVOICE_SUPPLEMENT };
	const struct account *account;
	struct invoicer *v = NULL;
	struct period of;
	struct draft drafted = { 0 };
	int part;
	int rc = open_invoicer(a, &v, e); /* before the account, which it forgets */
	if (rc == 0)
		rc = customer_of(a, &account, e);
	if (rc == 0)
		rc = action_choice(a, "part", words, &part, e);
	if (rc == 0)
		rc = period_of(a, account, parts[part], &of, e);
	if (rc == 0) {
		invoicer_part(v, parts[part]);
		rc = invoice_draft(v, account, of, a->c.now, &drafted, e);
	}
	if (rc == 0 && !drafted.id)
		rc = err_set(e, ERR_CONFLICT, "there is nothing to ask for%s",
			     parts[part] == INVOICE_INTERIM ? " yet (`threshold` in the terms)"
							    : "");
	if (rc == 0)
		rc = show_invoice(a, drafted.id, &drafted, e);
	invoicer_close(v);
	return rc;
}

int answer_invoice_draft(struct reader *r, const struct http_question *q, struct http_reply *out,
			 struct err *e)
{
	return act(r, q, out, "invoice draft", draft, e);
}

static int put_list_of_one(struct action *a, int64_t id, struct err *e)
{
	struct arena texts = { 0 };
	struct stored_invoice i;
	struct settlement x;
	struct json_out j;
	char name[24];
	snprintf(name, sizeof name, "#%lld", (long long)id);
	int rc = invoice_find(a->c.store, name, &texts, &i, e);
	if (rc == 0)
		rc = settlement_read(a->c.store, &i, a->c.now, &x, e);
	if (rc == 0) {
		json_out_open(&j, NULL);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.invoice-list/1");
		json_out_array(&j, "invoices");
		invoice_list_item(&j, &i, &x);
		json_out_end(&j, ']');
		json_out_end(&j, '}');
		json_out_take(&j, &a->out->body);
		a->about =
			(struct text){ arena_text(&a->arena, i.number.p, i.number.n), i.number.n };
		a->customer = (struct text){ arena_text(&a->arena, i.customer.p, i.customer.n),
					     i.customer.n };
	}
	arena_release(&texts);
	return rc;
}

static int finalize(struct action *a, struct err *e)
{
	struct invoicer *v = NULL;
	int64_t id = 0;
	int rc = find_invoice(a, "invoice", &id, e);
	if (rc == 0)
		rc = open_invoicer(a, &v, e);
	if (rc == 0)
		rc = invoice_finalize(v, id, a->c.now, e);
	if (rc == 0)
		rc = put_list_of_one(a, id, e);
	invoicer_close(v);
	return rc;
}

int answer_invoice_finalize(struct reader *r, const struct http_question *q, struct http_reply *out,
			    struct err *e)
{
	return act(r, q, out, "invoice finalize", finalize, e);
}

static int void_invoice(struct action *a, struct err *e)
{
	const char *why;
	int64_t id;
	int rc = find_invoice(a, "invoice", &id, e);
	if (rc == 0)
		rc = action_text(a, "why", true, &why, e);
	if (rc == 0)
		rc = invoice_void(a->c.ledger, id, why, a->c.now, e);
	return rc == 0 ? show_invoice(a, id, NULL, e) : rc;
}

int answer_invoice_void(struct reader *r, const struct http_question *q, struct http_reply *out,
			struct err *e)
{
	return act(r, q, out, "invoice void", void_invoice, e);
}

static int note(struct action *a, struct err *e)
{
	struct money_total amount;
	struct decimal d;
	const char *why;
	int64_t id, written = 0;
	bool given;
	int rc = find_invoice(a, "invoice", &id, e);
	if (rc == 0)
		rc = action_amount(a, "amount", false, &d, &given, e);
	if (rc == 0 && given)
		rc = amount_from_decimal(&amount, d, e);
	if (rc == 0)
		rc = action_text(a, "why", true, &why, e);
	if (rc == 0)
		rc = invoice_note(a->c.ledger,
				  &(struct note_asked){ id, given ? &amount : NULL, why }, a->c.now,
				  &written, e);
	return rc == 0 ? show_invoice(a, written, NULL, e) : rc;
}

int answer_invoice_note(struct reader *r, const struct http_question *q, struct http_reply *out,
			struct err *e)
{
	return act(r, q, out, "invoice note", note, e);
}

static int pay(struct action *a, struct err *e)
{
	struct payment p = { .at = a->c.now, .reference = TEXT("") };
	const char *reference, *from_name;
	struct decimal d;
	int64_t from = 0;
	bool given, again;
	int rc = find_invoice(a, "invoice", &p.invoice, e);
	if (rc == 0)
		rc = action_amount(a, "amount", true, &d, &given, e);
	if (rc == 0)
		rc = amount_from_decimal(&p.amount, d, e);
	if (rc == 0)
		rc = action_instant(a, "at", "UTC", &p.at, e);
	if (rc == 0)
		rc = action_text(a, "reference", false, &reference, e);
	if (rc == 0)
		rc = action_text(a, "from", false, &from_name, e);
	if (rc == 0 && from_name)
		rc = find_invoice(a, "from", &from, e);
	if (rc != 0)
		return rc;
	if (reference)
		p.reference = text_of(reference);
	if (action_flag(a, "back") && from)
		return err_set(e, ERR_USAGE, "give 'back' or 'from', not both");
	if (action_flag(a, "back"))
		p.amount.atto = -p.amount.atto;
	rc = from ? payment_move(a->c.ledger, from, &p, a->c.now, &again, e)
		  : payment_add(a->c.ledger, &p, a->c.now, &again, e);
	return rc == 0 ? show_invoice(a, p.invoice, NULL, e) : rc;
}

int answer_invoice_pay(struct reader *r, const struct http_question *q, struct http_reply *out,
		       struct err *e)
{
	return act(r, q, out, "invoice pay", pay, e);
}

/* --- budgets and limits --- */

static int set_budget(struct action *a, struct err *e)
{
	static const char *const texts[] = { "name",   "customer",    "project",  "model",
					     "hook",   "timezone",    "currency", "soft",
					     "period", "soft_amounts" };
	const char *value[sizeof texts / sizeof *texts] = { 0 };
	struct budget b = { .hard = action_flag(a, "hard") };
	struct zone *z = NULL;
	struct decimal d;
	bool given;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof texts / sizeof *texts; i++)
		rc = action_text(a, texts[i], i == 0, &value[i], e);
	if (rc == 0)
		rc = action_amount(a, "amount", true, &d, &given, e);
	if (rc == 0)
		rc = money_from_decimal(&b.amount, d, e);
	if (rc == 0)
		rc = zone_open(&z, value[5] ? value[5] : "UTC", e);
	zone_close(z);
	/* a command that anybody with a token could have run here is none of HTTP's */
	if (rc == 0 && value[4] && strncmp(value[4], "http://", 7) != 0 &&
	    strncmp(value[4], "https://", 8) != 0)
		rc = err_set(e, ERR_USAGE,
			     "the hook is an http address here; commands are set with "
			     "`tally budget set`");
	if (rc == 0)
		rc = budget_soft_parse(&b, value[7] ? value[7] : "80,100", e);
	if (rc == 0)
		rc = budget_soft_amounts_parse(&b, value[9] ? value[9] : "", e);
	if (rc != 0)
		return rc;
	b.name = a->about = text_of(value[0]);
	b.customer = a->customer = text_of(value[1] ? value[1] : "");
	b.project = text_of(value[2] ? value[2] : "");
	b.model = text_of(value[3] ? value[3] : "");
	b.hook = text_of(value[4] ? value[4] : "");
	b.zone = text_of(value[5] ? value[5] : "");
	b.currency = text_of(value[6] ? value[6] : a->o->currency);
	b.period = text_of(value[8] ? value[8] : "month");
	return budget_set(a->c.store, &b, a->c.now, e);
}

int answer_budget_set(struct reader *r, const struct http_question *q, struct http_reply *out,
		      struct err *e)
{
	return act(r, q, out, "budget set", set_budget, e);
}

static int clear_budget(struct action *a, struct err *e)
{
	const char *name;
	int rc = action_text(a, "name", true, &name, e);
	if (rc != 0)
		return rc;
	a->about = text_of(name);
	return budget_clear(a->c.store, name, e);
}

int answer_budget_clear(struct reader *r, const struct http_question *q, struct http_reply *out,
			struct err *e)
{
	return act(r, q, out, "budget clear", clear_budget, e);
}

static int set_limit(struct action *a, struct err *e)
{
	struct spending_limit l = { 0 };
	const char *currency, *period, *zone;
	struct decimal d;
	bool given;
	int rc = customer_of(a, NULL, e);
	if (rc == 0)
		rc = action_text(a, "period", false, &period, e);
	if (rc == 0)
		rc = action_text(a, "timezone", false, &zone, e);
	if (rc == 0)
		rc = action_amount(a, "amount", true, &d, &given, e);
	if (rc == 0)
		rc = money_from_decimal(&l.amount, d, e);
	if (rc == 0)
		rc = action_text(a, "currency", false, &currency, e);
	if (rc != 0)
		return rc;
	l.customer = a->customer;
	l.currency = text_of(currency ? currency : a->o->currency);
	l.period = text_of(period ? period : "month");
	l.zone = text_of(zone ? zone : "");
	return limit_set(a->c.store, &l, a->c.now, e);
}

int answer_limit_set(struct reader *r, const struct http_question *q, struct http_reply *out,
		     struct err *e)
{
	return act(r, q, out, "limit set", set_limit, e);
}

static int clear_limit(struct action *a, struct err *e)
{
	const char *period;
	int rc = customer_of(a, NULL, e);
	if (rc == 0)
		rc = action_text(a, "period", false, &period, e);
	return rc == 0 ? limit_clear(a->c.store, a->customer.p, period, e) : rc;
}

int answer_limit_clear(struct reader *r, const struct http_question *q, struct http_reply *out,
		       struct err *e)
{
	return act(r, q, out, "limit clear", clear_limit, e);
}

/* --- what was refused --- */

struct chosen {
	int64_t *id;
	size_t count;
	const char *reason; /* only what was refused for it; NULL: anything */
};

static int add_id(void *user, const struct held *h)
{
	struct chosen *c = user;
	if (c->reason && !text_is(h->reason, c->reason))
		return 0;
	if ((c->count & (c->count - 1)) == 0)
		c->id = mem_grow(c->id, (c->count ? c->count * 2 : 1) * sizeof *c->id);
	c->id[c->count++] = h->id;
	return 0;
}

/* "ids": [1, 2]; else all, or all with the "reason". */
static int choose(struct action *a, struct chosen *c, struct err *e)
{
	json_value *ids = setting(a->q, "ids");
	int rc = action_text(a, "reason", false, &c->reason, e);
	if (rc != 0 || !ids)
		return rc == 0 ? quarantine_each(a->c.store, false, add_id, c, e) : rc;
	for (json_value *v = json_first(ids); v; v = json_next(v)) {
		struct held h = { 0 };
		struct decimal d;
		if (decimal_parse(&d, json_number_or_string(v), NULL) != 0 ||
		    !decimal_to_int64(d, 0, &h.id))
			return err_set(e, ERR_USAGE, "'ids' is a list of numbers");
		h.reason = text_of(c->reason);
		add_id(c, &h);
	}
	return 0;
}

struct refused_again {
	struct json_out *j;
	int64_t count;
};

static void put_refused(void *user, int64_t id, const char *why)
{
	enum { TOLD = 100 };
	struct refused_again *x = user;
	if (x->count++ >= TOLD)
		return;
	json_out_object(x->j, NULL);
	json_out_int(x->j, "id", id);
	json_out_string(x->j, "reason", why);
	json_out_end(x->j, '}');
}

static int retry(struct action *a, struct err *e)
{
	struct ingest_options o = { .book = a->c.book,
				    .currency = a->o->currency,
				    .by_completion = a->o->by_completion,
				    .ahead_us_most = AHEAD_DAYS_MOST * US_PER_DAY,
				    .behind_us_most = BEHIND_DAYS_MOST * US_PER_DAY,
				    .at = INSTANT_MIN };
	struct chosen c = { 0 };
	struct json_out j;
	struct refused_again refused = { &j, 0 };
	int64_t taken = 0;
	int rc = action_text(a, "model", false, &o.model, e);
	if (rc == 0)
		rc = action_text(a, "customer", false, &o.customer, e);
	if (rc == 0)
		rc = action_text(a, "project", false, &o.project, e);
	if (rc == 0)
		rc = action_text(a, "provider", false, &o.provider, e);
	if (rc == 0)
		rc = action_instant(a, "at", "UTC", &o.at, e);
	o.has_at = o.at.us != INSTANT_MIN.us;
	if (rc == 0)
		rc = choose(a, &c, e);
	json_out_open(&j, NULL);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.quarantine-retry/1");
	json_out_array(&j, "refused");
	if (rc == 0)
		rc = retry_all(a->c.store, &o,
			       &(struct retry_list){ c.id, c.count, put_refused, &refused }, &taken,
			       a->c.now, e);
	json_out_end(&j, ']');
	json_out_int(&j, "tried", (int64_t)c.count);
	json_out_int(&j, "taken", taken);
	json_out_end(&j, '}');
	json_out_take(&j, &a->out->body);
	if (o.customer)
		a->customer = text_of(o.customer);
	free(c.id);
	return rc;
}

int answer_quarantine_retry(struct reader *r, const struct http_question *q, struct http_reply *out,
			    struct err *e)
{
	return act(r, q, out, "quarantine retry", retry, e);
}

static int drop(struct action *a, struct err *e)
{
	struct chosen c = { 0 };
	struct json_out j;
	int rc = choose(a, &c, e);
	for (size_t i = 0; rc == 0 && i < c.count; i++) {
		struct held h;
		struct arena texts = { 0 };
		rc = quarantine_at(a->c.store, c.id[i], &h, &texts, e);
		if (rc == 0)
			rc = quarantine_set_state(a->c.store, c.id[i], "dropped", e);
		arena_release(&texts);
	}
	json_out_open(&j, NULL);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.quarantine-drop/1");
	json_out_int(&j, "dropped", (int64_t)c.count);
	json_out_end(&j, '}');
	json_out_take(&j, &a->out->body);
	free(c.id);
	return rc;
}

int answer_quarantine_drop(struct reader *r, const struct http_question *q, struct http_reply *out,
			   struct err *e)
{
	return act(r, q, out, "quarantine drop", drop, e);
}
