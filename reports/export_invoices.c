#include <stdlib.h>

#include "base/arena.h"
#include "base/csv.h"
#include "base/json.h"
#include "base/unpack.h"
#include "meter/billing/payment.h"
#include "meter/billing/tiers.h"
#include "reports/export.h"
#include "reports/invoice_view.h"

/*
 * Invoices as bookkeeping programs import them. A row is one amount with quantity 1, for these
 * programs multiply, round and add taxes by rules of their own; taxes and credits are rows, so that
 * the rows of an invoice add up to its total.
 */
struct books {
	struct store *store;
	const struct export_options *o;
	const struct book_settings *s;
	struct buf b;
	int64_t count, in_credits;
	int year;
	struct err *e;
};

/* One amount of a document. */
struct item {
	const char *description, *account;
	struct money_total amount;
	const char *day; /* NULL: of issue */
};

static void put_day(struct buf *b, const char *iso, const char *order)
{
	int year = 0, month = 0, day = 0;
	if (sscanf(iso, "%d-%d-%d", &year, &month, &day) != 3)
		return;
	if (*order == 'd')
		buf_printf(b, "%02d/%02d/%04d", day, month, year);
	else
		buf_printf(b, "%02d/%02d/%04d", month, day, year);
}

static void put_item(struct books *k, const struct invoice_view *v, const struct item *i)
{
	char amount[DECIMAL_TEXT_MAX];
	const bool xero = k->s->profile == BOOK_XERO;
	struct buf *b = &k->b;
	money_total_format(i->amount, amount);
	csv_put_text(b, text_of(xero ? v->customer : v->number));
	buf_puts(b, ",");
	csv_put_text(b, text_of(xero ? v->number : v->customer));
	buf_puts(b, ",");
	put_day(b, v->issued, xero ? "d" : "m");
	buf_puts(b, ",");
	put_day(b, *v->due ? v->due : v->issued, xero ? "d" : "m");
	buf_puts(b, ",");
	if (!xero)
		buf_puts(b, "Services,");
	csv_put_text(b, text_of(*i->description ? i->description : v->title));
	buf_printf(b, ",1,%s,", amount);
	if (xero) {
		csv_put_text(b, text_of(i->account));
		buf_puts(b, ",");
		csv_put_text(b, text_of(k->s->tax_type));
	} else {
		buf_puts(b, amount);
	}
	buf_printf(b, ",%s\n", v->currency);
}

/* --- DATEV: EXTF 700, Buchungsstapel; Windows-1252, decimal commas, amounts without a sign --- */

/* The character at the beginning of s in Windows-1252, '?' where it has none; *n: its bytes in s.
 */
static char in_1252(struct text s, size_t *n)
{
	const unsigned char c = (unsigned char)*s.p;
	char found = '?';
	*n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
	*n = *n < s.n ? *n : s.n;
	if (*n == 1)
		return c == '"' || c < ' ' ? ' ' : (char)c;
	for (int k = 0x80; k < 0x100 && found == '?'; k++) {
		const char byte = (char)k;
		struct buf b = { 0 };
		unpack_1252(&b, (struct text){ &byte, 1 });
		if (b.n == *n && memcmp(b.p, s.p, *n) == 0)
			found = byte;
		buf_release(&b);
	}
	return found;
}

static void put_1252(struct buf *b, struct text s, size_t most)
{
	for (size_t i = 0, put = 0, n; i < s.n && put < most; put++, i += n) {
		const char c = in_1252((struct text){ s.p + i, s.n - i }, &n);
		buf_add(b, &c, 1);
	}
}

/* Belegfeld 1 takes letters, digits and these signs, at most 36 of them. */
static void put_document_number(struct buf *b, struct text s)
{
	enum { NUMBER_MOST = 36 };
	for (size_t i = 0; i < s.n && i < NUMBER_MOST; i++) {
		const char c = s.p[i], low = c | 32;
		const bool taken = (c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') ||
				   (c && strchr("_$&%*+-/", c));
		buf_add(b, taken ? &c : "-", 1);
	}
}

static int put_booking(struct books *k, const struct invoice_view *v, const struct item *i)
{
	char amount[DECIMAL_TEXT_MAX];
	int year = 0, month = 0, day = 0;
	bool debit = i->amount.atto >= 0;
	money_total_format(debit ? i->amount : (struct money_total){ -i->amount.atto }, amount);
	char *point = strchr(amount, '.');
	if (point && strlen(point) > 3)
		return err_set(k->e, ERR_INVALID,
			       "invoice %s: DATEV takes amounts of two decimals, this one is %s",
			       v->number, amount);
	buf_printf(&k->b, "%.*s,%s", (int)(point ? point - amount : (long)strlen(amount)), amount,
		   point ? point + 1 : "00");
	if (point && strlen(point) == 2)
		buf_puts(&k->b, "0");
	sscanf(i->day ? i->day : v->issued, "%d-%d-%d", &year, &month, &day);
	if (k->year && year != k->year)
		return err_set(k->e, ERR_INVALID,
			       "a batch of DATEV is of one year, and the bookings are of %d and "
			       "%d: narrow them with " ASKED("since") " and " ASKED("until"),
			       k->year, year);
	k->year = year;
	buf_printf(&k->b, ";\"%c\";\"%s\";;;\"\";%s;%s;\"\";%02d%02d;\"", debit ? 'S' : 'H',
		   v->currency, k->s->receivable, i->account, day, month);
	put_document_number(&k->b, text_of(v->number));
	buf_puts(&k->b, "\";\"\";;\"");
	struct buf text = { 0 };
	buf_printf(&text, "%s %s", v->customer, i->description);
	put_1252(&k->b, (struct text){ text.p, text.n }, 60);
	buf_release(&text);
	buf_puts(&k->b, "\"\r\n");
	return 0;
}

static int put_one(struct books *k, const struct invoice_view *v, const struct item *i)
{
	if (i->amount.atto == 0)
		return 0;
	if (k->s->profile == BOOK_DATEV)
		return put_booking(k, v, i);
	put_item(k, v, i);
	return 0;
}

static int amount_from(struct money_total *out, struct text s, bool reversed, struct err *e)
{
	struct decimal d;
	*out = (struct money_total){ 0 };
	int rc = s.n ? decimal_parse(&d, s, e) : 0;
	if (rc == 0 && s.n)
		rc = amount_from_decimal(out, d, e);
	if (reversed)
		out->atto = -out->atto;
	return rc;
}

static int put_invoice(struct books *k, const struct invoice_view *v)
{
	struct item item = { .account = k->s->revenue };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < v->lines; i++) {
		item.description = v->line[i].description;
		rc = amount_from(&item.amount, v->line[i].plain_amount, false, k->e);
		if (rc == 0)
			rc = put_one(k, v, &item);
	}
	item = (struct item){ "Credits applied", k->s->prepaid, { 0 } };
	if (rc == 0)
		rc = amount_from(&item.amount, json_string(json_member(v->root, "credits_applied")),
				 true, k->e);
	if (rc == 0)
		rc = put_one(k, v, &item);
	for (json_value *t = json_first(json_member(v->root, "taxes")); rc == 0 && t;
	     t = json_next(t)) {
		char name[200];
		struct text n = json_string(json_member(t, "name"));
		snprintf(name, sizeof name, "%.*s", (int)n.n, n.n ? n.p : "");
		item = (struct item){ name, k->s->tax, { 0 } };
		rc = amount_from(&item.amount, json_string(json_member(t, "amount")), false, k->e);
		if (rc == 0)
			rc = put_one(k, v, &item);
	}
	return rc;
}

/* --- payments: bookings of DATEV, and of the others the lines of a bank statement --- */

static void put_statement(struct books *k, const struct invoice_view *v, const struct item *i)
{
	char amount[DECIMAL_TEXT_MAX];
	struct buf *b = &k->b;
	money_total_format(i->amount, amount);
	put_day(b, i->day, k->s->profile == BOOK_XERO ? "d" : "m");
	buf_printf(b, ",%s,", amount);
	csv_put_text(b, text_of(v->customer));
	buf_puts(b, ",");
	csv_put_text(b, text_of(v->number));
	buf_puts(b, ",");
	csv_put_text(b, text_of(i->description));
	buf_printf(b, ",%s\n", v->currency);
}

static int put_payments(struct books *k, const struct stored_invoice *i)
{
	struct invoice_view *v;
	int rc = invoice_view_of(&v, k->store, i, INSTANT_MAX, "en", k->e);
	if (rc != 0)
		return rc;
	for (size_t n = 0; rc == 0 && n < v->payments; n++) {
		struct item item = { v->payment[n].reference, k->s->bank, v->payment[n].amount,
				     v->payment[n].day };
		if (v->payment[n].at.us < k->o->since.us || v->payment[n].at.us >= k->o->until.us)
			continue;
		/* the receivable is lessened against the bank */
		if (k->s->profile == BOOK_DATEV) {
			item.amount.atto = -item.amount.atto;
			rc = put_booking(k, v, &item);
		} else {
			put_statement(k, v, &item);
		}
	}
	invoice_view_close(v);
	return rc;
}

static int take(void *user, const struct stored_invoice *i)
{
	struct books *k = user;
	struct invoice_view *v;
	const bool documents = k->s->profile == BOOK_DATEV || !k->s->payments,
		   payments = k->s->profile == BOOK_DATEV || k->s->payments;
	if (payments && i->number.n && !text_is(i->currency, "credits")) {
		int rc = put_payments(k, i);
		if (rc != 0)
			return rc;
	}
	if (!documents)
		return 0;
	if (!text_is(i->status, "final") || i->finalized.us < k->o->since.us ||
	    i->finalized.us >= k->o->until.us)
		return 0;
	if (text_is(i->currency, "credits")) {
		k->in_credits++;
		return 0;
	}
	if (++k->count > BOOK_XERO_MOST && k->s->profile == BOOK_XERO)
		return err_set(k->e, ERR_RANGE,
			       "Xero imports at most %d invoices at once: narrow them with " ASKED(
				       "since") " "
						"and " ASKED("until"),
			       BOOK_XERO_MOST);
	if (i->number.n > BOOK_QUICKBOOKS_NUMBER && k->s->profile == BOOK_QUICKBOOKS)
		return err_set(k->e, ERR_INVALID,
			       "invoice %.*s: QuickBooks takes numbers of at most %d characters",
			       (int)i->number.n, i->number.p, BOOK_QUICKBOOKS_NUMBER);
	int rc = invoice_view_open(&v, i->document, "final", "en", k->e);
	if (rc != 0)
		return rc;
	rc = put_invoice(k, v);
	invoice_view_close(v);
	return rc;
}

static void put_datev_head(FILE *out, const struct books *k)
{
	/* the day of creation is left out: the same invoices give the same bytes */
	fprintf(out,
		"\"EXTF\";700;21;\"Buchungsstapel\";13;;;\"RE\";\"\";\"\";%s;%s;%04d0101;%d;%04d0101;"
		"%04d1231;\"Rechnungen\";\"\";1;0;0;\"EUR\";;\"\";;;\"\";;;\"\";\"\"\r\n",
		k->s->consultant, k->s->client, k->year, (int)strlen(k->s->revenue), k->year,
		k->year);
	fputs("\"Umsatz (ohne Soll/Haben-Kz)\";\"Soll/Haben-Kennzeichen\";\"WKZ Umsatz\";\"Kurs\";"
	      "\"Basis-Umsatz\";\"WKZ Basis-Umsatz\";\"Konto\";\"Gegenkonto (ohne BU-Schl\xFCssel)\";"
	      "\"BU-Schl\xFCssel\";\"Belegdatum\";\"Belegfeld 1\";\"Belegfeld 2\";\"Skonto\";"
	      "\"Buchungstext\"\r\n",
	      out);
}

/* Accounts of the ledger have as many digits as the header says, those of customers one more.
 * Source: developer.datev.de, DATEV-Format, Header and Buchungsstapel. */
static int check_datev(const struct book_settings *s, struct err *e)
{
	enum { LENGTH_MIN = 4, LENGTH_MAX = 8 };
	const struct {
		const char *name, *code;
	} accounts[] = { { "revenue", s->revenue },	  { "tax", s->tax },
			 { "prepaid", s->prepaid },	  { "bank", s->bank },
			 { "receivable", s->receivable }, { "consultant", s->consultant },
			 { "client", s->client } };
	const size_t length = strlen(s->revenue);
	for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++) {
		const char *code = accounts[i].code;
		const size_t n = strlen(code);
		const bool digits = n && strspn(code, "0123456789") == n;
		const bool account = i < 5, personal = i == 4 && n == length + 1;
		if (!digits || (account && n != length && !personal) ||
		    (account && (length < LENGTH_MIN || length > LENGTH_MAX)))
			return err_set(
				e, ERR_USAGE,
				ASKED("account") " %s=%s: DATEV takes accounts of %d to %d digits, all of "
						 "one length (that of the revenue account); a customer's may have "
						 "one digit more",
				accounts[i].name, code, LENGTH_MIN, LENGTH_MAX);
	}
	return 0;
}

int export_invoices(struct ledger *l, const struct export_options *o,
		    const struct book_settings *settings, int64_t *left_out, struct err *e)
{
	static const char *const heads[][2] = {
		[BOOK_XERO] = { "*ContactName,*InvoiceNumber,*InvoiceDate,*DueDate,*Description,"
				"*Quantity,*UnitAmount,*AccountCode,*TaxType,Currency\n",
				"*Date,*Amount,Payee,Description,Reference,Currency\n" },
		[BOOK_QUICKBOOKS] = { "*InvoiceNo,*Customer,*InvoiceDate,*DueDate,Item(Product/"
				      "Service),ItemDescription,ItemQuantity,ItemRate,*ItemAmount,"
				      "Currency\n",
				      "Date,Amount,Payee,Description,Reference,Currency\n" },
	};
	struct books k = { .store = ledger_store(l), .o = o, .s = settings, .e = e };
	int rc = settings->profile == BOOK_DATEV ? check_datev(settings, e) : 0;
	if (rc == 0)
		rc = invoice_each(ledger_store(l), o->customer, take, &k, e);
	*left_out = k.in_credits;
	if (rc == 0 && settings->profile == BOOK_DATEV && !k.year)
		rc = err_set(
			e, ERR_NOT_FOUND,
			"no invoice became final or was paid in that period, and DATEV takes no empty "
			"batch");
	else if (rc == 0 && settings->profile == BOOK_DATEV)
		put_datev_head(o->out, &k);
	else if (rc == 0)
		fputs(heads[settings->profile][settings->payments], o->out);
	if (rc == 0 && k.b.n)
		fwrite(k.b.p, 1, k.b.n, o->out);
	buf_release(&k.b);
	return rc;
}
