#include <stdlib.h>

#include "base/arena.h"
#include "base/dict.h"
#include "reports/export.h"

/*
 * Accounts of the plain-text journals. Beancount wants components that begin with a capital or a
 * digit and have no blanks; both want them without colons. Names that had to change end with a
 * check of the whole name, so that two customers never share an account and what else is exported
 * renames none.
 */
struct writer {
	struct ledger *l;
	const struct export_options *o;
	enum journal_style style;
	struct buf b;
	struct dict opened;
	const struct account *account;
	const struct ledger_txn *txn;
	struct err *e;
	bool opening; /* only collects what has to be opened */
};

static void put_component(struct writer *w, struct text name, struct text key)
{
	bool changed = false;
	size_t from = w->b.n;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'),
		     digit = c >= '0' && c <= '9';
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

static int put_entry(void *user, const struct ledger_entry *en)
{
	struct writer *w = user;
	char text[DECIMAL_TEXT_MAX];
	size_t from = w->b.n;
	if (w->opening) {
		put_account(w, en);
		struct text account = { w->b.p + from, w->b.n - from };
		uint64_t *known = dict_need(&w->opened, account, NULL);
		struct buf name = { 0 };
		buf_add(&name, account.p, account.n);
		w->b.n = from;
		if (!*known) {
			*known = 1;
			buf_printf(&w->b, "1970-01-01 open %s CREDIT\n", name.p);
		}
		buf_release(&name);
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
	w->txn = t;
	if (!w->opening) {
		struct civil c = civil_from_day(
			floor_div(t->at.us + zone_offset(w->o->zone, t->at, NULL) * US_PER_SECOND,
				  US_PER_DAY));
		buf_printf(&w->b, "%04d-%02d-%02d * ", c.year, c.month, c.day);
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
	return ledger_each_txn(w->l, a->id, w->o->since, w->o->until, put_txn, w, w->e);
}

int export_journal(struct ledger *l, const struct export_options *o, enum journal_style style,
		   struct err *e)
{
	struct writer w = { .l = l, .o = o, .style = style, .e = e };
	int rc = 0;
	if (style == JOURNAL_BEANCOUNT) {
		buf_puts(&w.b, "option \"title\" \"Credits\"\n1970-01-01 commodity CREDIT\n");
		w.opening = true;
		rc = ledger_each_account(l, put_account_txns, &w, e);
		w.opening = false;
		buf_puts(&w.b, "\n");
	} else {
		buf_puts(&w.b, "commodity 1000.000000000 CREDIT\n\n");
	}
	if (rc == 0)
		rc = ledger_each_account(l, put_account_txns, &w, e);
	flush(&w);
	buf_release(&w.b);
	dict_release(&w.opened);
	return rc;
}
