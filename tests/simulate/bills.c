/*
 * What is sold and billed: top-ups, credits that are sold, terms with coupons, documents, notes and
 * payments; and what they must come to, from the model's own records and price lists.
 */
#include <stdio.h>
#include <string.h>

#include "meter/billing/exchange.h"
#include "meter/billing/payment.h"
#include "tests/simulate/wholes.h"
#include "tests/simulate/world.h"

static const int128 one = (int128)1000000000 * 1000000000; /* of a currency, as 1e-18 */

/* --- terms, as the program reads them and as the model does --- */

static const struct bill_terms {
	const char *text;
	enum bill_currency currency;
	int places;
	bool by_document, inclusive;
	bool seats;   /* 3 for 31 from 11 September on, less its 20th to 24th */
	int call;     /* thousandths a request */
	bool bounded; /* from 5 to 40 */
	int discount; /* percent */
	int off_percent, off_amount, off_first, off_last; /* a coupon, by months */
} bill_terms[] = {
	{ .text = "{\"places\":9}", .currency = BILL_CREDITS, .places = 9 },
	{ .text = "{\"currency\":\"USD\",\"rounding_of\":\"document\",\"items\":[{\"description\":"
		  "\"Seat\",\"amount\":\"31\",\"quantity\":\"3\",\"from\":\"2026-09-11\","
		  "\"pauses\":[{\"from\":\"2026-09-20\",\"to\":\"2026-09-25\"}]}],\"metered\":[{"
		  "\"description\":\"Calls\",\"of\":\"requests\",\"pricing\":{\"unit\":\"0.015\"}}"
		  "],\"taxes\":[{\"name\":\"VAT\",\"percent\":\"19\"}]}",
	  .currency = BILL_USD,
	  .places = 2,
	  .by_document = true,
	  .seats = true,
	  .call = 15 },
	{ .text = "{\"currency\":\"USD\",\"places\":12,\"minimum\":\"5\",\"maximum\":\"40\","
		  "\"discount_percent\":\"10\",\"coupons\":[{\"description\":\"HALF\",\"percent\":"
		  "\"50\",\"from\":\"2026-09-05\",\"periods\":1}],\"taxes\":[{\"name\":\"A\","
		  "\"percent\":\"7.7\"},{\"name\":\"B\",\"percent\":\"2\"}]}",
	  .currency = BILL_USD,
	  .places = 12,
	  .bounded = true,
	  .discount = 10,
	  .off_percent = 50,
	  .off_first = 9,
	  .off_last = 9 },
	{ .text = "{\"currency\":\"USD\",\"places\":12,\"threshold\":\"1\",\"tax_inclusive\":true,"
		  "\"coupons\":[{\"description\":\"TEN\",\"amount\":\"10\",\"from\":\"2026-08-15\","
		  "\"periods\":2}],\"taxes\":[{\"name\":\"A\",\"percent\":\"20\"}]}",
	  .currency = BILL_USD,
	  .places = 12,
	  .inclusive = true,
	  .off_amount = 10,
	  .off_first = 8,
	  .off_last = 9 },
	{ .text = "{\"currency\":\"EUR\",\"rounding_of\":\"document\",\"threshold\":\"0.5\"}",
	  .currency = BILL_EUR,
	  .places = 2,
	  .by_document = true },
};
enum { BILL_TERMS = sizeof bill_terms / sizeof *bill_terms };

/* One euro is 1.25 dollars on any day; a rate counts for some days after its own. */
int bills_read_rates(struct world *w)
{
	char path[240];
	snprintf(path, sizeof path, "%s/rates.csv", w->folder);
	FILE *f = fopen(path, "w");
	if (!f)
		return err_set(&w->e, ERR_STORE, "the rates cannot be written");
	fputs("day,base,currency,rate\n", f);
	for (int64_t day = civil_to_day((struct civil){ 2026, 8, 1 }), k = 0; k < 30; k++, day += 7) {
		const struct civil c = civil_from_day(day);
		fprintf(f, "%04d-%02d-%02d,EUR,USD,1.25\n", c.year, c.month, c.day);
	}
	fclose(f);
	return exchange_read(&w->rates, path, &w->e);
}

static struct period month_of(int m)
{
	return (struct period){ { civil_to_day((struct civil){ 2026, m, 1 }) * US_PER_DAY },
				{ civil_to_day((struct civil){ 2026, m + 1, 1 }) * US_PER_DAY } };
}

/* --- operations --- */

static int account_of(struct world *w, struct session *s, uint32_t n, const struct account **out)
{
	return ledger_account(s->ledger, text_of(customer_name(n % ACCOUNTS)), out, &w->e);
}

static int do_terms(struct world *w, struct session *s)
{
	const struct account *a;
	int rc = account_of(w, s, w->op->number[0], &a);
	if (rc != 0)
		return rc;
	struct account changed = *a;
	changed.terms = text_of(bill_terms[w->op->number[1] % BILL_TERMS].text);
	rc = ledger_set_account(s->ledger, &changed, w->model.now, &w->e);
	drawer_forget(s->drawer);
	return rc;
}

/* What a credit costs, whoever buys it. */
static int64_t unit_pico(uint32_t account)
{
	return account % ACCOUNTS ? 500000000000 : 250000000000;
}

static struct top_up top_up_of(const struct operation *op)
{
	const uint32_t *n = op->number;
	return (struct top_up){ .on = n[1] % 3 != 0,
				.below = { (int64_t)(1 + n[2] % 5) * 1000000000 },
				.target = { (int64_t)(5 + n[3] % 20) * 1000000000 },
				.most = { n[1] % 2 ? 60000000000 : 0 },
				.has_price = n[1] % 5 != 0,
				.price = { unit_pico(n[0]) },
				.currency = TEXT("USD"),
				.lasts = n[2] % 3 ? TEXT("") : TEXT("1week") };
}

static int do_top_up(struct world *w, struct session *s)
{
	const struct account *a;
	const struct top_up t = top_up_of(w->op);
	int rc = account_of(w, s, w->op->number[0], &a);
	rc = rc == 0 ? ledger_set_top_up(s->ledger, a, &t, &w->e) : rc;
	drawer_forget(s->drawer);
	return rc;
}

static int64_t bought_nano(uint32_t n)
{
	return (int64_t)(1 + n * 37 % 900) * 12345678;
}

static int do_buy(struct world *w, struct session *s)
{
	const struct account *a;
	char name[24];
	const uint32_t n = w->op->number[1] % PURCHASES_MOST;
	const struct top_up by = { .on = true,
				   .has_price = true,
				   .price = { unit_pico(w->op->number[0]) },
				   .currency = TEXT("USD"),
				   .lasts = n % 2 ? TEXT("1month") : TEXT("") };
	snprintf(name, sizeof name, "buy%u", n);
	int rc = account_of(w, s, w->op->number[0], &a);
	return rc == 0 ? ledger_buy(s->ledger, a,
				    &(struct purchase){ text_of(name), { bought_nano(n) }, &by },
				    w->model.now, &w->e)
		       : rc;
}

static int do_note(struct world *w, struct session *s)
{
	const uint32_t *n = w->op->number;
	struct money_total amount = { one / 100 * (1 + n[2] % 900) };
	int64_t id;
	const struct note_asked asked = { 1 + n[0] % DOCUMENTS_MOST, n[1] % 3 ? &amount : NULL,
					  "simulation" };
	int rc = invoice_note(s->ledger, &asked, w->model.now, &id, &w->e);
	w->counts->notes += rc == 0;
	return rc == -ERR_LIMIT || rc == -ERR_CONFLICT || rc == -ERR_INVALID || rc == -ERR_NOT_FOUND
		       ? REFUSED
		       : rc;
}

/* What a reference says is always the same. */
static struct payment payment_of(const struct world *w, uint32_t n, char reference[24])
{
	snprintf(reference, 24, "bank-%u", n);
	return (struct payment){ .invoice = 1 + n % DOCUMENTS_MOST,
				 .amount = { one / 2 * (1 + n % 9) * (n % 4 ? 1 : -1) },
				 .at = { w->model.now.us - (int64_t)(n % 3) * US_PER_DAY },
				 .reference = text_of(reference) };
}

static int do_pay(struct world *w, struct session *s)
{
	char reference[24];
	const uint32_t n = w->op->number[1] % PAYMENTS_MOST;
	struct payment p = payment_of(w, n, reference);
	bool again = false;
	if (w->op->number[2] % 5 == 0) {
		snprintf(reference, sizeof reference, "moved");
		p.reference = text_of(reference);
		p.amount.atto = one / 2;
	}
	int rc = w->op->number[2] % 5
			 ? payment_add(s->ledger, &p, w->model.now, &again, &w->e)
			 : payment_move(s->ledger, 1 + w->op->number[3] % DOCUMENTS_MOST, &p,
					w->model.now, &again, &w->e);
	w->done = rc == 0 && w->op->number[2] % 5;
	if (w->done && w->model.payment[n] && !again)
		return err_set(&w->e, ERR_STORE, "a payment that is known was added once more");
	if (w->done && !w->model.payment[n] && again && !w->again)
		return err_set(&w->e, ERR_STORE, "a payment that is new was taken for known");
	return rc == -ERR_LIMIT || rc == -ERR_CONFLICT || rc == -ERR_NOT_FOUND || rc == -ERR_INVALID
		       ? REFUSED
		       : rc;
}

/* Draft and final; what is in the way stays. */
static int invoice_one(struct world *w, struct session *s, const struct account *a, int month,
		       enum invoice_part part)
{
	struct draft made = { 0 };
	const struct period of = month_of(month);
	if (of.to.us > w->model.now.us)
		return 0;
	invoicer_part(s->invoicer, part);
	int rc = invoice_draft(s->invoicer, a, of, w->model.now, &made, &w->e);
	if (rc == 0 && made.id)
		rc = invoice_finalize(s->invoicer, made.id, w->model.now, &w->e);
	invoicer_part(s->invoicer, INVOICE_OWN);
	w->counts->invoices += rc == 0 && made.id;
	return rc == -ERR_CONFLICT || rc == -ERR_NOT_FOUND ? 0 : rc;
}

/* Everything is invoiced, and what has changed since then. */
static int do_settle_bills(struct world *w, struct session *s)
{
	const struct account *a;
	struct draw_counts drawn;
	int rc = drawer_sweep(s->drawer, w->model.now, &drawn, &w->e);
	for (uint32_t c = 0; rc == 0 && c < ACCOUNTS; c++) {
		rc = account_of(w, s, c, &a);
		for (int m = 0; rc == 0 && !w->at_fault[c] && m < 2 * BILL_MONTHS; m++)
			rc = invoice_one(w, s, a, BILL_FIRST + m % BILL_MONTHS,
					 m < BILL_MONTHS ? INVOICE_OWN : INVOICE_SUPPLEMENT);
	}
	w->done = rc == 0;
	return rc == -ERR_UNPRICED ? REFUSED : rc;
}

int bills_do(struct world *w, struct session *s)
{
	switch (w->op->kind) {
	case OP_TERMS:
		return do_terms(w, s);
	case OP_TOP_UP:
		return do_top_up(w, s);
	case OP_BUY:
		return do_buy(w, s);
	case OP_NOTE:
		return do_note(w, s);
	case OP_PAY:
		return do_pay(w, s);
	default:
		return do_settle_bills(w, s);
	}
}

void bills_model(struct world *w)
{
	struct model *m = &w->model;
	const uint32_t *n = w->op->number;
	struct model_sale *bought = &m->purchase[n[0] % ACCOUNTS][n[1] % PURCHASES_MOST];
	switch (w->op->kind) {
	case OP_TERMS:
		m->terms[n[0] % ACCOUNTS] = (int)(n[1] % BILL_TERMS);
		break;
	case OP_TOP_UP:
		m->tops_up[n[0] % ACCOUNTS] = top_up_of(w->op).on;
		break;
	case OP_BUY:
		if (!bought->known)
			*bought = (struct model_sale){ .known = true, .effective = m->now };
		break;
	case OP_PAY:
		if (w->done && !m->payment[n[1] % PAYMENTS_MOST]) {
			char reference[24];
			m->payment[n[1] % PAYMENTS_MOST] = true;
			m->paid.atto += payment_of(w, n[1] % PAYMENTS_MOST, reference).amount.atto;
			w->counts->payments++;
		}
		break;
	default:
		break;
	}
}

/* --- what a month comes to --- */

static int128 rounded(int128 x, int128 per)
{
	const int128 half = x < 0 ? -per / 2 : per / 2;
	return (x + half) / per * per;
}

static int128 unit_of(int places)
{
	int128 unit = one;
	while (places-- > 0)
		unit /= 10;
	return unit;
}

/* Lines as they are added up: rounded, unless the document is. */
struct sum {
	const struct bill_terms *t;
	int128 atto;
};
static void add(struct sum *s, int128 line)
{
	s->atto += s->t->by_document ? line : rounded(line, unit_of(s->t->places));
}

struct sales_check {
	struct world *w;
	struct sum *sum;
	int account;
	struct period of;
	bool seen[GRANTS_MOST], bought[PURCHASES_MOST];
	int bad;
};

/* What it must be, by its name; NULL where that is nobody's. */
static struct model_sale *known_sale(struct sales_check *x, const struct credit_sale *s,
				     int64_t *pico, int64_t *nano)
{
	unsigned n;
	char name[40];
	struct model *m = &x->w->model;
	static struct model_sale automatic;
	snprintf(name, sizeof name, "%.*s", (int)s->grant.n, s->grant.p);
	automatic = (struct model_sale){ .known = true };
	*nano = s->amount.nano;
	*pico = (int64_t)(((int128)unit_pico((uint32_t)x->account) * s->amount.nano + 999999999) /
			  1000000000);
	if (sscanf(name, "buy%u", &n) == 1 && n < PURCHASES_MOST) {
		*nano = bought_nano(n);
		x->bought[n] = true;
		return &m->purchase[x->account][n];
	}
	if (sscanf(name, "g%u", &n) == 1 && n < GRANTS_MOST) {
		const struct model_grant g = model_grant(n);
		*nano = g.nano;
		*pico = g.pico;
		x->seen[n] = true;
		return &m->grant[x->account][n];
	}
	if (sscanf(name, "rule%u", &n) == 1) {
		*nano = (int64_t)(n + 1) * 5000000;
		*pico = MODEL_RULE_PICO;
		automatic.voided = true; /* where it was ended */
		return &automatic;
	}
	return text_is(s->note, "automatic top-up") && s->amount.nano % 1000000000 == 0 ? &automatic
											: NULL;
}

static int check_sale(void *user, const struct credit_sale *s)
{
	struct sales_check *x = user;
	int64_t pico, nano;
	const struct model_sale *known = known_sale(x, s, &pico, &nano);
	if (!known || !known->known || s->price.pico != pico || s->amount.nano != nano ||
	    (s->voided.nano && !known->voided) || s->voided.nano > nano)
		x->bad = wrong(x->w,
			       "c%d was sold '%.*s', %lld billionths for %lld; the model has "
			       "%lld for %lld",
			       x->account, (int)s->grant.n, s->grant.p, (long long)s->amount.nano,
			       (long long)s->price.pico, (long long)nano, (long long)pico);
	/* of what is void nothing is asked for: half up, at 1e-18 */
	int128 atto = (int128)pico * 1000000;
	if (s->voided.nano) {
		const int128 whole = atto / nano, rest = atto % nano;
		const int128 kept = nano - s->voided.nano;
		atto = whole * kept + (2 * rest * kept + nano) / (2 * nano);
	}
	if (x->sum->t->currency == BILL_EUR)
		atto = (atto * 8 + 5) / 10;
	if (atto)
		add(x->sum, atto);
	return x->bad;
}

static bool within(const struct model_sale *s, struct instant effective, struct period of)
{
	return s->known && effective.us >= of.from.us && effective.us < of.to.us;
}

/* What the ledger says was sold is what the model sold, all of it. */
static int add_sales(struct world *w, struct session *s, int account, struct period of,
		     struct sum *sum)
{
	const struct account *a;
	struct sales_check x = { .w = w, .sum = sum, .account = account, .of = of };
	int rc = account_of(w, s, (uint32_t)account, &a);
	if (rc == 0)
		rc = ledger_each_sale(s->ledger, &(struct sales_asked){ a->id, of.from, of.to },
				      check_sale, &x, &w->e);
	if (x.bad)
		return 1;
	if (rc != 0)
		return wrong(w, "sales: %s", w->e.message);
	for (unsigned n = 0; n < GRANTS_MOST; n++)
		if (model_grant(n).pico && !x.seen[n] &&
		    within(&w->model.grant[account][n], model_grant(n).effective, of))
			return wrong(w, "c%d: the sale of g%u is missing", account, n);
	for (unsigned n = 0; n < PURCHASES_MOST; n++) {
		const struct model_sale *p = &w->model.purchase[account][n];
		if (!x.bought[n] && within(p, p->effective, of))
			return wrong(w, "c%d: the purchase buy%u is missing", account, n);
	}
	return 0;
}

static int seat_days(int month)
{
	return month == 9 ? 15 : month == 10 ? 31 : 0;
}

/* Usage and calls, seats and sales, bounds, discount, coupon: before credits and taxes. */
static int subtotal_of(struct world *w, struct session *s, int account, int month, int128 *out)
{
	const struct bill_terms *t = &bill_terms[w->model.terms[account]];
	const struct period of = month_of(month);
	struct model_sums u;
	struct sum sum = { .t = t };
	model_sum_span(&w->model, account, of.from.us, of.to.us, &u);
	if (t->currency == BILL_CREDITS) {
		*out = u.credits * 1000000000;
		return 0;
	}
	add(&sum, t->currency == BILL_USD ? u.atto[0] + u.atto[1] / 4 * 5
					  : u.atto[1] + u.atto[0] / 5 * 4);
	add(&sum, one / 1000 * t->call * u.requests);
	if (t->seats)
		add(&sum,
		    rounded(10 * 93 * one / (month == 9 ? 30 : 31) * seat_days(month), 10) / 10);
	if (add_sales(w, s, account, of, &sum))
		return 1;
	if (t->bounded && sum.atto < 5 * one)
		sum.atto = 5 * one;
	if (t->bounded && sum.atto > 40 * one)
		sum.atto = 40 * one;
	add(&sum, -(sum.atto / 100 * t->discount));
	if (t->off_first && month >= t->off_first && month <= t->off_last) {
		int128 off = t->off_percent ? sum.atto / 100 * t->off_percent : one * t->off_amount;
		add(&sum, -(off < sum.atto ? off : sum.atto));
	}
	*out = rounded(sum.atto, unit_of(t->places));
	return 0;
}

static int check_month(struct world *w, struct session *s, int account, int month)
{
	const struct account *a;
	struct invoice i;
	char text[2][DECIMAL_TEXT_MAX];
	int128 expected, got;
	const struct bill_terms *t = &bill_terms[w->model.terms[account]];
	int rc = account_of(w, s, (uint32_t)account, &a);
	if (rc == 0)
		rc = invoice_compute(s->invoicer, &i, a,
				     &(struct invoice_basis){ .period = month_of(month) }, &w->e);
	if (rc != 0)
		return wrong(w, "the whole of 2026-%02d: %s", month, w->e.message);
	got = i.subtotal.atto + (t->inclusive ? i.tax_total.atto : 0);
	const bool below = i.total.atto < 0 || i.credits_applied.atto < 0 ||
			   i.credits_applied.atto > i.subtotal.atto + i.tax_total.atto;
	invoice_release(&i);
	if (below)
		return wrong(w, "c%d, 2026-%02d asks for less than nothing", account, month);
	if (subtotal_of(w, s, account, month, &expected))
		return 1;
	if (got == expected)
		return 0;
	return wrong(w, "c%d, 2026-%02d, terms %d: subtotal %s; the model has %s", account, month,
		     w->model.terms[account],
		     money_total_format((struct money_total){ got }, text[0]),
		     money_total_format((struct money_total){ expected }, text[1]));
}

/* --- what all documents come to --- */

struct documents {
	struct world *w;
	struct store *store;
	int account;			  /* negative: all */
	int128 standing[BILL_CURRENCIES]; /* without notes */
	int128 asked, due, paid;
	int bad;
};

static int add_document(void *user, const struct stored_invoice *i)
{
	struct documents *d = user;
	struct settlement x;
	struct decimal total;
	struct money_total m = { 0 };
	int rc = settlement_read(d->store, i, INSTANT_MAX, &x, &d->w->e);
	if (rc == 0)
		rc = decimal_parse(&total, i->total, &d->w->e);
	if (rc == 0)
		rc = amount_from_decimal(&m, total, &d->w->e);
	if (rc != 0)
		return rc;
	d->due += x.due.atto;
	d->paid += x.paid.atto;
	if (!text_is(i->status, "final"))
		return 0;
	d->asked += m.atto;
	if (!text_is(i->kind, "note"))
		d->standing[bill_currency_number(i->currency)] += m.atto;
	if (x.credited.atto < 0 ||
	    (!text_is(i->kind, "note") && x.credited.atto > 0 && x.credited.atto > m.atto))
		d->bad = wrong(d->w, "the notes of %.*s are more than it", (int)i->number.n,
			       i->number.p);
	return d->bad;
}

/* Each payment once, and what is due is what is asked for less those. */
static int check_payments(struct world *w, struct store *s)
{
	char text[3][DECIMAL_TEXT_MAX];
	struct documents d = { .w = w, .store = s };
	if (invoice_each(s, NULL, add_document, &d, &w->e) < 0)
		return wrong(w, "documents: %s", w->e.message);
	if (d.bad)
		return 1;
	if (d.paid == w->model.paid.atto && d.asked == d.due + d.paid)
		return 0;
	return wrong(w, "paid %s of %s asked for; the model has %s",
		     money_total_format((struct money_total){ d.paid }, text[0]),
		     money_total_format((struct money_total){ d.asked }, text[1]),
		     money_total_format(w->model.paid, text[2]));
}

/* After everything is invoiced: documents come to what the periods come to as a whole. */
static int check_standing_sum(struct world *w, struct session *s, int account)
{
	const struct account *a;
	char text[2][DECIMAL_TEXT_MAX];
	int128 whole[BILL_CURRENCIES] = { 0 };
	struct documents d = { .w = w, .store = s->store };
	int bad = 0;
	int rc = account_of(w, s, (uint32_t)account, &a);
	if (rc == 0)
		rc = wholes_add(s->store, s->invoicer, a, whole, &w->e);
	if (rc != 0)
		return wrong(w, "the wholes: %s", w->e.message);
	if (!bad &&
	    invoice_each(s->store, customer_name((uint32_t)account), add_document, &d, &w->e) < 0)
		bad = wrong(w, "documents: %s", w->e.message);
	for (int c = 0; !bad && c < BILL_CURRENCIES; c++)
		if (d.standing[c] != whole[c])
			bad = wrong(w, "c%d: documents come to %s %s, the whole is %s", account,
				    money_total_format((struct money_total){ d.standing[c] },
						       text[0]),
				    bill_currencies[c],
				    money_total_format((struct money_total){ whole[c] }, text[1]));
	return bad || d.bad;
}

int bills_check(struct world *w, struct session *s)
{
	const bool settled = w->op->kind == OP_SETTLE_BILLS && w->done;
	if (check_payments(w, s->store))
		return 1;
	for (int c = 0; settled && c < ACCOUNTS; c++)
		if (!w->at_fault[c] && check_standing_sum(w, s, c))
			return 1;
	for (int c = 0; (settled || w->op->kind == OP_DRAFT) && c < ACCOUNTS; c++)
		for (int m = 0; !w->at_fault[c] && m < BILL_MONTHS; m++)
			if (check_month(w, s, c, BILL_FIRST + m))
				return 1;
	return 0;
}
