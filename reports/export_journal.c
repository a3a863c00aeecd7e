#include <stdlib.h>

#include "base/arena.h"
#include "base/dict.h"
#include "base/json.h"
#include "meter/billing/payment.h"
#include "meter/billing/tiers.h"
#include "reports/export.h"

/*
 * Two books in one journal: the credits, as the ledger has them, and the money, as the invoices
 * have it (receivable against income and tax, on the day of issue, with the number; payments
 * against the receivable, on the day on which they moved).
 *
 * Accounts: beancount wants components that begin with a capital or a digit and have no blanks;
 * both want them without colons. Names that had to change end with a
 * check of the whole name, so that two customers never share an account and what else is exported
 * renames none.
 */
struct writer {
	struct ledger *l;
	const struct export_options *o;
	enum journal_style style;
	struct buf b;
	struct dict opened, currencies; /* what is declared */
	const struct account *account;
	const struct ledger_txn *txn;
	struct err *e;
	bool opening; /* only collects what has to be declared */
};

static void put_component(struct writer *w, struct text name, struct text key)
{
	bool changed = false;
	size_t from = w->b.n;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'), digit = is_digit(c);
		letter |= (unsigned char)c >= 0x80; /* of a script beyond ASCII */
		char put = letter || digit || (c == '-' && i) ? c : '-';
		if (w->b.n == from && c >= 'a' && c <= 'z') {
			put = (char)(c - 'a' + 'A');
			changed = true;
		}
		if (w->b.n == from && put == '-') {
			put = 'X';
			changed = true;
		}
		changed |= put != c;
		buf_add(&w->b, &put, 1);
	}
	if (w->b.n == from) {
		buf_puts(&w->b, "X");
		changed = true;
	}
	if (!changed)
		return;
	static const uint64_t seed[2] = { 0x74616c6c79737469, 0x636b206a6f75726e };
	buf_printf(&w->b, "-%010llx",
		   (unsigned long long)(hash_bytes(key.p, key.n, seed) & 0xffffffffff));
}

static void put_account(struct writer *w, const struct ledger_entry *en)
{
	static const struct {
		const char *pot, *beneath;
	} pots[] = { { "grant", "Liabilities:Credits" }, { "source", "Equity:Grants" },
		     { "used", "Income:Used" },		 { "expired", "Income:Expired" },
		     { "overage", "Assets:Overage" },	 { "billed", "Assets:Billed" } };
	struct buf key = { 0 };
	for (size_t i = 0; i < sizeof pots / sizeof *pots; i++)
		if (text_is(en->pot, pots[i].pot))
			buf_printf(&w->b, "%s:", pots[i].beneath);
	put_component(w, w->account->customer, w->account->customer);
	if (en->grant.n) {
		buf_printf(&key, "%.*s/%.*s", (int)w->account->customer.n, w->account->customer.p,
			   (int)en->grant.n, en->grant.p);
		buf_puts(&w->b, ":");
		put_component(w, en->grant, (struct text){ key.p, key.n });
		buf_release(&key);
	}
}

/* Declares the account that was written from there on, and takes its name out again. */
static void declare(struct writer *w, size_t from, const char *commodity)
{
	struct text account = { w->b.p + from, w->b.n - from };
	uint64_t *known = dict_need(&w->opened, account, NULL);
	struct buf name = { 0 };
	buf_add(&name, account.p, account.n);
	w->b.n = from;
	if (!*known) {
		*known = 1;
		if (w->style == JOURNAL_BEANCOUNT)
			buf_printf(&w->b, "1970-01-01 open %s %s\n", name.p, commodity);
		else if (w->o->declare)
			buf_printf(&w->b, "account %s\n", name.p);
	}
	buf_release(&name);
}

static int put_entry(void *user, const struct ledger_entry *en)
{
	struct writer *w = user;
	char text[DECIMAL_TEXT_MAX];
	size_t from = w->b.n;
	if (w->opening) {
		put_account(w, en);
		declare(w, from, "CREDIT");
		return 0;
	}
	buf_puts(&w->b, w->style == JOURNAL_HLEDGER ? "    " : "  ");
	put_account(w, en);
	/* a customer's credits are what is owed to them: liabilities are negative in these journals
	 */
	buf_printf(&w->b, "    %s CREDIT\n",
		   nano_credits_format((struct nano_credits){ -en->amount.nano }, text));
	return 0;
}

static void flush(struct writer *w)
{
	if (w->b.n)
		plain_write(w->o->out, (struct text){ w->b.p, w->b.n });
	w->b.n = 0;
}

static void put_quoted(struct buf *b, struct text s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '\n')
			buf_puts(b, " ");
		else
			buf_add(b, s.p + i, 1);
}

static int put_txn(void *user, const struct ledger_txn *t)
{
	struct writer *w = user;
	char day[DAY_TEXT_MAX];
	w->txn = t;
	if (!w->opening) {
		buf_printf(&w->b, "%s * ", day_format(zone_day(w->o->zone, t->at), day));
		if (w->style == JOURNAL_BEANCOUNT) {
			buf_puts(&w->b, "\"");
			put_quoted(&w->b, w->account->customer);
			buf_printf(&w->b, "\" \"%.*s", (int)t->kind.n, t->kind.p);
			buf_puts(&w->b, t->note.n ? ": " : "");
			put_quoted(&w->b, t->note);
			buf_printf(&w->b, "\"\n  txn: \"%lld\"\n", (long long)t->id);
		} else {
			buf_printf(&w->b, "(%lld) ", (long long)t->id);
			put_quoted(&w->b, w->account->customer);
			buf_printf(&w->b, " | %.*s", (int)t->kind.n, t->kind.p);
			if (t->note.n) {
				struct buf note = { 0 };
				put_quoted(&note, t->note);
				for (size_t i = 0; i < note.n; i++) /* begins a comment there */
					note.p[i] = note.p[i] == ';' ? ',' : note.p[i];
				buf_printf(&w->b, ": %s", note.p);
				buf_release(&note);
			}
			buf_puts(&w->b, "\n");
		}
	}
	int rc = ledger_each_entry(w->l, t->id, put_entry, w, w->e);
	if (!w->opening)
		buf_puts(&w->b, "\n");
	if (w->b.n > 1 << 16)
		flush(w);
	return rc;
}

static int put_account_txns(void *user, const struct account *a)
{
	struct writer *w = user;
	w->account = a;
	if (w->o->customer && !text_is(a->customer, w->o->customer))
		return 0;
	return ledger_each_txn(w->l, a->id, (struct period){ w->o->since, w->o->until }, put_txn, w,
			       w->e);
}

/* --- money: what was invoiced --- */

struct posting {
	const char *beneath;
	struct text name; /* the last component */
	struct money_total amount;
};

static void put_posting(struct writer *w, const struct posting *p, struct text currency)
{
	char text[DECIMAL_TEXT_MAX];
	if (p->amount.atto == 0)
		return;
	if (!w->opening)
		buf_puts(&w->b, w->style == JOURNAL_HLEDGER ? "    " : "  ");
	size_t from = w->b.n;
	buf_printf(&w->b, "%s:", p->beneath);
	put_component(w, p->name, p->name);
	if (w->opening) {
		declare(w, from, ""); /* in whatever currency */
		return;
	}
	buf_printf(&w->b, "    %s %.*s\n", money_total_format(p->amount, text), (int)currency.n,
		   currency.p);
}

static void put_head(struct writer *w, const struct stored_invoice *i, struct instant at,
		     const char *what)
{
	char day[DAY_TEXT_MAX];
	buf_printf(&w->b, "%s * ", day_format(zone_day(w->o->zone, at), day));
	if (w->style == JOURNAL_BEANCOUNT) {
		buf_puts(&w->b, "\"");
		put_quoted(&w->b, i->customer);
		buf_printf(&w->b, "\" \"%s\"\n  number: \"%.*s\"\n", what, (int)i->number.n,
			   i->number.p);
	} else {
		buf_printf(&w->b, "(%.*s) ", (int)i->number.n, i->number.p);
		put_quoted(&w->b, i->customer);
		buf_printf(&w->b, " | %s\n", what);
	}
}

static int read_amount(json_value *o, const char *key, bool reversed, struct money_total *out,
		       struct err *e)
{
	struct text s = json_string(json_member(o, key));
	int rc = amount_if_stated(out, s, e);
	if (reversed)
		out->atto = -out->atto;
	return rc;
}

/* Receivable is what is asked for; income is what of it is neither tax nor paid before. */
static int put_postings(struct writer *w, const struct stored_invoice *i, json_value *root,
			bool reversed)
{
	struct money_total total, applied, tax, income;
	bool fits = true;
	int rc = read_amount(root, "total", reversed, &total, w->e);
	if (rc == 0)
		rc = read_amount(root, "credits_applied", reversed, &applied, w->e);
	if (rc != 0)
		return rc;
	income = total;
	fits &= money_total_add(&income, applied);
	put_posting(w, &(struct posting){ "Assets:Receivable", i->customer, total }, i->currency);
	put_posting(w, &(struct posting){ "Liabilities:Prepaid", i->customer, applied },
		    i->currency);
	for (json_value *t = json_first(json_member(root, "taxes")); t; t = json_next(t)) {
		rc = read_amount(t, "amount", !reversed, &tax, w->e);
		if (rc != 0)
			return rc;
		fits &= money_total_add(&income, tax);
		put_posting(w,
			    &(struct posting){ "Liabilities:Tax",
					       json_string(json_member(t, "name")), tax },
			    i->currency);
	}
	income.atto = -income.atto;
	put_posting(w, &(struct posting){ "Income:Invoiced", i->customer, income }, i->currency);
	return fits ? 0
		    : err_set(w->e, ERR_RANGE, "%.*s: its amounts are out of range",
			      (int)i->number.n, i->number.p);
}

static int put_document(struct writer *w, const struct stored_invoice *i, struct instant at,
			const char *what, bool reversed)
{
	struct json_document *doc;
	if (at.us < w->o->since.us || at.us >= w->o->until.us)
		return 0;
	int rc = json_open(&doc, i->document, w->e);
	if (rc != 0)
		return rc;
	if (!w->opening)
		put_head(w, i, at, what);
	rc = put_postings(w, i, json_root(doc), reversed);
	if (!w->opening)
		buf_puts(&w->b, "\n");
	json_close(doc);
	if (w->b.n > 1 << 16)
		flush(w);
	return rc;
}

struct paying {
	struct writer *w;
	const struct stored_invoice *i;
};

static int put_payment(void *user, const struct payment *p)
{
	const struct paying *x = user;
	struct writer *w = x->w;
	struct buf what = { 0 };
	if (p->at.us < w->o->since.us || p->at.us >= w->o->until.us)
		return 0;
	buf_puts(&what, p->amount.atto < 0 ? "paid back" : "payment");
	if (p->reference.n) {
		buf_puts(&what, " ");
		put_quoted(&what, p->reference);
	}
	for (size_t k = 0; k < what.n; k++) /* begins a comment there */
		what.p[k] = what.p[k] == ';' ? ',' : what.p[k];
	if (!w->opening)
		put_head(w, x->i, p->at, what.p);
	buf_release(&what);
	put_posting(w, &(struct posting){ "Assets:Payments", x->i->customer, p->amount },
		    x->i->currency);
	put_posting(w,
		    &(struct posting){ "Assets:Receivable", x->i->customer, { -p->amount.atto } },
		    x->i->currency);
	if (!w->opening)
		buf_puts(&w->b, "\n");
	return 0;
}

/* What is final; what was voided since is reversed on that day. Invoices in credits are in the
 * book of the credits. */
static int put_invoice(void *user, const struct stored_invoice *i)
{
	struct writer *w = user;
	bool note = text_is(i->kind, "note");
	if (!i->number.n || text_is(i->currency, "credits"))
		return 0;
	if (w->opening && !*dict_need(&w->currencies, i->currency, NULL)) {
		*dict_need(&w->currencies, i->currency, NULL) = 1;
		buf_printf(&w->b,
			   w->style == JOURNAL_BEANCOUNT ? "1970-01-01 commodity %.*s\n"
							 : "commodity 1000.000000000 %.*s\n",
			   (int)i->currency.n, i->currency.p);
	}
	int rc = put_document(w, i, i->finalized, note ? "credit note" : "invoice", false);
	if (rc == 0 && text_is(i->status, "void"))
		rc = put_document(w, i, i->voided, note ? "credit note voided" : "invoice voided",
				  true);
	return rc == 0 ? payments_each(ledger_store(w->l), i->id, put_payment,
				       &(struct paying){ w, i }, w->e)
		       : rc;
}

static int put_all(struct writer *w)
{
	int rc = ledger_each_account(w->l, put_account_txns, w, w->e);
	return rc == 0 ? invoice_each(ledger_store(w->l), w->o->customer, put_invoice, w, w->e)
		       : rc;
}

int export_journal(struct ledger *l, const struct export_options *o, struct export_told *told,
		   struct err *e)
{
	struct writer w = { .l = l, .o = o, .style = o->style, .e = e, .opening = true };
	(void)told;
	buf_puts(&w.b, o->style == JOURNAL_BEANCOUNT ? "option \"title\" \"Credits and invoices\"\n"
						       "1970-01-01 commodity CREDIT\n"
						     : "commodity 1000.000000000 CREDIT\n");
	int rc = put_all(&w);
	w.opening = false;
	buf_puts(&w.b, "\n");
	if (rc == 0)
		rc = put_all(&w);
	flush(&w);
	buf_release(&w.b);
	dict_release(&w.opened);
	dict_release(&w.currencies);
	return rc;
}
