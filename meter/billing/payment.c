#include "meter/billing/payment.h"
#include "meter/store/laws.h"

#include <stdio.h>

#include "base/json.h"

const char *settlement_name(enum settlement_state s)
{
	static const char *const names[] = { "none", "open",	"partly paid",
					     "paid", "overdue", "credit" };
	return names[s];
}

/* --- what is due --- */

static const struct sql sql_payments_of = {
	.text = "SELECT id,amount,at,reference,booked FROM payment WHERE invoice=:invoice "
		"ORDER BY at,id",
};

int payments_each(struct store *s, int64_t invoice,
		  int (*take)(void *user, const struct payment *p), void *user, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_payments_of, &q, e), more = 0;
	if (rc != 0)
		return rc;
	db_bind_int(q, ":invoice", invoice);
	while (rc == 0 && (more = db_step(store_db(s), q, e)) == 1) {
		struct payment p = { .id = db_int(q, 0),
				     .invoice = invoice,
				     .at = { db_int(q, 2) },
				     .reference = db_text(q, 3),
				     .booked = { db_int(q, 4) } };
		rc = amount_parse(&p.amount, db_text(q, 1), e);
		if (rc == 0)
			rc = take(user, &p);
	}
	db_reset(q);
	return rc == 0 && more < 0 ? more : rc;
}

struct sum {
	struct money_total paid;
	struct instant until;
};

static int add_paid(void *user, const struct payment *p)
{
	struct sum *x = user;
	if (p->at.us <= x->until.us)
		x->paid.atto += p->amount.atto;
	return 0;
}

static const struct sql sql_invoice_notes = {
	.text = "SELECT total FROM invoice WHERE corrects=:invoice AND kind='note' "
		"AND status='final' AND finalized<=:at",
};

/* What the credit notes that stand give back, as an amount above 0. */
static int credited_of(struct store *s, int64_t invoice, struct instant at, struct money_total *out,
		       struct err *e)
{
	struct query *q;
	struct money_total note;
	int rc = db_statement(store_db(s), &sql_invoice_notes, &q, e), more = 0;
	if (rc != 0)
		return rc;
	db_bind_int(q, ":invoice", invoice);
	db_bind_int(q, ":at", at.us);
	while (rc == 0 && (more = db_step(store_db(s), q, e)) == 1) {
		rc = amount_parse(&note, db_text(q, 0), e);
		if (rc == 0)
			out->atto -= note.atto;
	}
	db_reset(q);
	return rc == 0 && more < 0 ? more : rc;
}

static enum settlement_state state_of(const struct settlement *x, struct instant at)
{
	if (x->due.atto < 0)
		return SETTLEMENT_CREDIT;
	if (x->due.atto == 0)
		return SETTLEMENT_PAID;
	if (x->due_at.us && x->due_at.us < at.us)
		return SETTLEMENT_OVERDUE;
	return x->paid.atto > 0 ? SETTLEMENT_PARTLY : SETTLEMENT_OPEN;
}

int settlement_read(struct store *s, const struct stored_invoice *i, struct instant at,
		    struct settlement *out, struct err *e)
{
	struct sum sum = { .until = at };
	*out = (struct settlement){ 0 };
	if (text_is(i->status, "draft") || text_is(i->kind, "note"))
		return 0;
	const bool stands = text_is(i->status, "final");
	int rc = payments_each(s, i->id, add_paid, &sum, e);
	if (rc == 0 && stands)
		rc = credited_of(s, i->id, at, &out->credited, e);
	if (rc == 0 && stands)
		rc = amount_parse(&out->due, i->total, e);
	if (rc == 0 && i->due.n)
		rc = instant_parse(&out->due_at, i->due, e);
	out->paid = sum.paid;
	out->due.atto -= out->credited.atto + out->paid.atto;
	/* of what is void nothing is asked for; what was paid for it is the customer's */
	if (stands || out->due.atto)
		out->state = state_of(out, at);
	return rc;
}

/* --- recording --- */

static int enter(struct ledger *l, int64_t id, struct err *e)
{
	struct buf b = { 0 };
	bool there;
	int rc = payment_text(ledger_store(l), id, &b, &there, e);
	if (rc == 0)
		rc = ledger_enter(l, "payment", id, (struct text){ b.p, b.n }, e);
	buf_release(&b);
	return rc;
}

static const struct sql sql_payment_add = {
	.text = "INSERT INTO payment(invoice,amount,at,reference,booked) "
		"VALUES(:invoice,:amount,:at,:reference,:now) RETURNING id",
};

static int insert(struct ledger *l, const struct payment *p, struct instant now, struct err *e)
{
	struct store *s = ledger_store(l);
	struct query *q;
	char amount[DECIMAL_TEXT_MAX];
	int64_t id;
	int rc = db_statement(store_db(s), &sql_payment_add, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":invoice", p->invoice);
	db_bind_text(q, ":amount", text_of(money_total_format(p->amount, amount)));
	db_bind_int(q, ":at", p->at.us);
	db_bind_text(q, ":reference", p->reference);
	db_bind_int(q, ":now", now.us);
	rc = db_returned(store_db(s), q, &id, e);
	return rc == 0 ? enter(l, id, e) : rc;
}

struct known {
	const struct payment *like;
	bool found, same;
};

static int look_at(void *user, const struct payment *p)
{
	struct known *k = user;
	if (k->like->reference.n && text_eq(p->reference, k->like->reference)) {
		k->found = true;
		k->same = p->amount.atto == k->like->amount.atto;
	}
	return 0;
}

static int places_of(const struct stored_invoice *i, int64_t *out, struct err *e)
{
	struct json_document *doc;
	struct decimal d;
	int rc = json_open(&doc, i->document, e);
	*out = 2;
	if (rc != 0)
		return rc;
	json_value *places = json_member(json_member(json_root(doc), "rounding"), "places");
	if (decimal_parse(&d, json_number(places), NULL) == 0)
		decimal_to_int64(d, 0, out);
	json_close(doc);
	return 0;
}

/* Whether money of that amount can have moved for it. */
static int check_payment(const struct stored_invoice *i, const struct payment *p,
			 struct instant now, struct err *e)
{
	char text[DECIMAL_TEXT_MAX];
	int64_t places;
	const struct text name = i->number.n ? i->number : TEXT("a draft");
	if (text_is(i->kind, "note"))
		return err_set(e, ERR_CONFLICT,
			       "%.*s is a credit note: record payments on its invoice, which it "
			       "reduces",
			       (int)name.n, name.p);
	if (text_is(i->status, "draft"))
		return err_set(e, ERR_CONFLICT, "a draft cannot be paid: finalize it first");
	if (text_is(i->status, "void") && p->amount.atto > 0)
		return err_set(e, ERR_CONFLICT, "invoice %.*s is void: nothing can be paid for it",
			       (int)name.n, name.p);
	if (p->at.us > now.us)
		return err_set(e, ERR_INVALID, "a payment cannot lie in the future");
	int rc = places_of(i, &places, e);
	if (rc == 0 && amount_round(p->amount, (struct rounding){ (int)places, ROUND_DOWN }).atto !=
			       p->amount.atto)
		rc = err_set(e, ERR_INVALID, "%s is finer than the %lld decimals of invoice %.*s",
			     money_total_format(p->amount, text), (long long)places, (int)name.n,
			     name.p);
	return rc;
}

/* No more is paid back than was paid, or than the invoice owes the customer. */
static int check_back(struct store *s, const struct stored_invoice *i, const struct payment *p,
		      struct err *e)
{
	struct settlement x;
	char text[2][DECIMAL_TEXT_MAX];
	int rc = settlement_read(s, i, INSTANT_MAX, &x, e);
	if (rc != 0 || p->amount.atto >= 0)
		return rc;
	struct money_total most = { x.paid.atto > -x.due.atto ? x.paid.atto : -x.due.atto },
			   back = { -p->amount.atto };
	if (most.atto < 0)
		most.atto = 0;
	if (back.atto > most.atto)
		return err_set(e, ERR_LIMIT,
			       "%s cannot be refunded on invoice %.*s: at most %s can",
			       money_total_format(back, text[0]), (int)i->number.n, i->number.p,
			       money_total_format(most, text[1]));
	return 0;
}

int payment_add(struct ledger *l, const struct payment *p, struct instant now, bool *again,
		struct err *e)
{
	struct store *s = ledger_store(l);
	struct arena texts = { 0 };
	struct stored_invoice i;
	struct known k = { .like = p };
	char name[24];
	snprintf(name, sizeof name, "#%lld", (long long)p->invoice);
	int rc = invoice_find(s, name, &texts, &i, e);
	if (rc == 0)
		rc = payments_each(s, p->invoice, look_at, &k, e);
	*again = rc == 0 && k.found && k.same;
	if (rc == 0 && k.found && !k.same)
		rc = err_set(e, ERR_CONFLICT,
			     "invoice %.*s already has a payment '%.*s' with "
			     "another amount; give another payment a reference of its own",
			     (int)i.number.n, i.number.p, (int)p->reference.n, p->reference.p);
	if (rc == 0 && !*again)
		rc = check_payment(&i, p, now, e);
	if (rc == 0 && !*again)
		rc = check_back(s, &i, p, e);
	if (rc == 0 && !*again)
		rc = insert(l, p, now, e);
	arena_release(&texts);
	return rc;
}

int payment_move(struct ledger *l, int64_t from, const struct payment *p, struct instant now,
		 bool *again, struct err *e)
{
	struct store *s = ledger_store(l);
	struct arena texts = { 0 };
	struct stored_invoice giver = { 0 }, taker = { 0 };
	struct settlement x;
	struct buf reference[2] = { 0 };
	char name[24], text[2][DECIMAL_TEXT_MAX];
	struct payment part = *p;
	struct known k = { .like = &part };
	*again = false;
	snprintf(name, sizeof name, "#%lld", (long long)from);
	int rc = invoice_find(s, name, &texts, &giver, e);
	snprintf(name, sizeof name, "#%lld", (long long)p->invoice);
	if (rc == 0)
		rc = invoice_find(s, name, &texts, &taker, e);
	if (rc == 0 && !(text_eq(giver.customer, taker.customer) &&
			 text_eq(giver.currency, taker.currency) && from != p->invoice))
		rc = err_set(e, ERR_CONFLICT,
			     "a credit balance pays another invoice of the same customer in the "
			     "same currency");
	buf_printf(&reference[0], "to %.*s", (int)taker.number.n,
		   taker.number.n ? taker.number.p : "");
	buf_printf(&reference[1], "from %.*s", (int)giver.number.n,
		   giver.number.n ? giver.number.p : "");
	for (int n = 0; n < 2; n++)
		if (p->reference.n)
			buf_printf(&reference[n], " %.*s", (int)p->reference.n, p->reference.p);
	part.reference = (struct text){ reference[1].p, reference[1].n };
	/* what is repeated has taken its credit already */
	if (rc == 0)
		rc = payments_each(s, part.invoice, look_at, &k, e);
	if (rc == 0)
		rc = settlement_read(s, &giver, INSTANT_MAX, &x, e);
	if (rc == 0 && !k.found && (p->amount.atto <= 0 || p->amount.atto > -x.due.atto))
		rc = err_set(
			e, ERR_LIMIT, "%s cannot be moved: the credit of invoice %.*s is %s",
			money_total_format(p->amount, text[0]), (int)giver.number.n, giver.number.p,
			money_total_format((struct money_total){ x.due.atto < 0 ? -x.due.atto : 0 },
					   text[1]));
	if (rc == 0)
		rc = payment_add(l, &part, now, again, e);
	part.invoice = from;
	part.amount.atto = -p->amount.atto;
	part.reference = (struct text){ reference[0].p, reference[0].n };
	if (rc == 0 && !*again)
		rc = payment_add(l, &part, now, again, e);
	buf_release(&reference[0]);
	buf_release(&reference[1]);
	arena_release(&texts);
	return rc;
}

/* --- checks --- */

static const struct sql sql_payment_at = {
	.text = "SELECT invoice,amount,at,reference,booked FROM payment WHERE id=:id",
};

int payment_text(struct store *s, int64_t id, struct buf *out, bool *there, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_payment_at, &q, e);
	*there = false;
	if (rc != 0)
		return rc;
	db_bind_int(q, ":id", id);
	rc = db_step(store_db(s), q, e);
	if (rc == 1) {
		*there = true;
		buf_printf(out, "%lld %.*s %lld %lld ", (long long)db_int(q, 0),
			   (int)db_text(q, 1).n, db_text(q, 1).p, (long long)db_int(q, 2),
			   (long long)db_int(q, 4));
		buf_add(out, db_text(q, 3).p, db_text(q, 3).n);
	}
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int payments_verify(struct store *s, char fault[200], struct err *e)
{
	static const struct law laws[] = {
		{ "payments belong to no final invoice",
		  "SELECT count(*) FROM payment p WHERE NOT EXISTS(SELECT 1 FROM invoice i WHERE "
		  "i.id=p.invoice AND i.kind='invoice' AND i.status<>'draft')" },
		{ "payments are not in the journal",
		  "SELECT count(*) FROM payment WHERE id NOT IN (SELECT ref FROM journal WHERE "
		  "kind='payment')" },
	};
	return laws_check(s, laws, sizeof laws / sizeof *laws, fault, e);
}
