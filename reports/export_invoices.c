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
	int64_t count, rows;
	struct export_told *told;
	int year;
	struct err *e;
};

/*
 * What the programs take: of a file so many documents and rows, of a text so many characters; 0:
 * any. Numbers and names say whose a row is, so longer ones are refused; other texts are cut.
 *
 * Xero: its help on importing sales invoices (500), the limits of its API (255, 255, 4000).
 * QuickBooks Online: Intuit's help on importing invoices (100 and 1,000 rows), its API (21, 500,
 * 4000). DATEV: developer.datev.de, Buchungsstapel (99,999 bookings; Belegfeld 1, Buchungstext).
 */
static const struct {
	const char *name;
	int64_t documents, rows;
	size_t number, customer, text;
} limits[] = {
	[BOOK_XERO] = { "Xero", 500, 0, 255, 255, 4000 },
	[BOOK_QUICKBOOKS] = { "QuickBooks", 100, 1000, 21, 500, 4000 },
	[BOOK_DATEV] = { "DATEV", 0, 99999, 36, 0, 60 },
};

static size_t characters(struct text s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
	return n;
}

/* The text, or as much of it as the program takes, with a mark at its end. */
static void put_cut(struct books *k, struct buf *out, struct text s)
{
	const size_t most = limits[k->s->profile].text;
	size_t n = 0, i = 0;
	out->n = 0;
	if (characters(s) <= most) {
		buf_add(out, s.p, s.n);
		return;
	}
	for (; i < s.n; i++)
		if (((unsigned char)s.p[i] & 0xC0) != 0x80 && n++ == most - 1)
			break;
	buf_add(out, s.p, i);
	buf_puts(out, "\xE2\x80\xA6");
	k->told->cut++;
}

static int check_document(struct books *k, struct text number, struct text customer)
{
	const size_t taken[] = { limits[k->s->profile].number, limits[k->s->profile].customer };
	const char *name = limits[k->s->profile].name;
	if (characters(number) > taken[0])
		return err_set(k->e, ERR_INVALID,
			       "invoice %.*s: %s takes numbers of at most %zu characters",
			       (int)number.n, number.p, name, taken[0]);
	if (taken[1] && characters(customer) > taken[1])
		return err_set(k->e, ERR_INVALID,
			       "invoice %.*s: %s takes names of at most %zu characters",
			       (int)number.n, number.p, name, taken[1]);
	return 0;
}

static int too_many(struct books *k, int64_t most, const char *what)
{
	return err_set(k->e, ERR_RANGE,
		       "%s imports at most %lld %s at once: narrow them with " ASKED(
			       "since") " and " ASKED("until"),
		       limits[k->s->profile].name, (long long)most, what);
}

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
	struct buf text = { 0 };
	put_cut(k, &text, text_of(*i->description ? i->description : v->title));
	csv_put_text(b, (struct text){ text.p, text.n });
	buf_release(&text);
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

static void put_1252(struct buf *b, struct text s)
{
	for (size_t i = 0, n; i < s.n; i += n) {
		const char c = in_1252((struct text){ s.p + i, s.n - i }, &n);
		buf_add(b, &c, 1);
	}
}

/* Belegfeld 1 takes letters, digits and these signs. */
static void put_document_number(struct buf *b, struct text s)
{
	for (size_t i = 0; i < s.n; i++) {
		const char c = s.p[i], low = c | 32;
		const bool taken =
			is_digit(c) || (low >= 'a' && low <= 'z') || (c && strchr("_$&%*+-/", c));
		buf_add(b, taken ? &c : "-", 1);
	}
}

/* 1234,50: whole cents and at most ten digits before the comma. */
static int put_cents(struct books *k, const char *number, struct money_total amount)
{
	enum { DIGITS_MOST = 10 };
	char text[DECIMAL_TEXT_MAX];
	money_total_format(amount, text);
	char *point = strchr(text, '.');
	const size_t whole = point ? (size_t)(point - text) : strlen(text);
	if ((point && strlen(point) > 3) || whole > DIGITS_MOST)
		return err_set(
			k->e, ERR_INVALID,
			"invoice %s: DATEV takes amounts of two decimals and %d digits before "
			"them, this one is %s",
			number, DIGITS_MOST, text);
	buf_printf(&k->b, "%.*s,%s%s", (int)whole, text, point ? point + 1 : "00",
		   point && strlen(point) == 2 ? "0" : "");
	return 0;
}

/* An amount in another currency than that of the books. */
struct foreign {
	bool rated, booked_in_base; /* the rate is stated; the format has no place for it */
	struct money_total rate;    /* units of the currency for one of the base, of six decimals */
	struct money_total base;    /* the amount in the base, in cents */
};

/*
 * A booking in another currency states Kurs, Basis-Umsatz and its currency (developer.datev.de,
 * Buchungsstapel, field 4: "sind #4, #5 und #6 zu übergeben"). Kurs is from 1 to 9999.999999 units
 * of the currency for one of the base, and beside books that are not kept in euros there are only
 * euros (DATEV's help 1036388, which has other amounts booked in the base).
 */
static int find_foreign(struct books *k, const struct invoice_view *v, struct money_total amount,
			int64_t day, struct foreign *out)
{
	const struct money_total one = { INT64_C(1000000000000000000) };
	const struct text base = text_of(k->s->base), currency = text_of(v->currency);
	const bool euros = text_is(base, "EUR") || text_is(currency, "EUR");
	struct exchange_rate to, from;
	*out = (struct foreign){ 0 };
	if (text_eq(base, currency))
		return 0;
	if (!k->s->rates)
		return err_set(
			k->e, ERR_INVALID,
			"invoice %s is in %s and the books are in %s: DATEV takes amounts in "
			"another currency with their rate alone; give " ASKED(
				"rates") ", or the "
					 "currency of the books (" ASKED("account") " currency=%s)",
			v->number, v->currency, k->s->base, v->currency);
	int rc = exchange_find(k->s->rates, currency, base, day, &to, k->e);
	if (rc == 0)
		rc = exchange_find(k->s->rates, base, currency, day, &from, k->e);
	if (rc == 0)
		rc = exchange_amount(&to, amount, &out->base, k->e);
	if (rc == 0)
		rc = exchange_amount(&from, one, &out->rate, k->e);
	if (rc != 0)
		return err_context(k->e, "invoice %s", v->number);
	out->rated = true;
	out->base = amount_round(out->base, (struct rounding){ 2, ROUND_HALF_UP });
	out->rate = amount_round(out->rate, (struct rounding){ 6, ROUND_HALF_UP });
	out->booked_in_base =
		!euros || out->rate.atto < one.atto || out->rate.atto >= one.atto * 10000;
	return 0;
}

static void put_rate(struct buf *b, struct money_total rate)
{
	char text[DECIMAL_TEXT_MAX];
	money_total_format(rate, text);
	char *point = strchr(text, '.');
	if (point)
		*point = ',';
	buf_printf(b, "%s%s", text, !point ? ",00" : strlen(point) == 2 ? "0" : "");
}

/* Umsatz to WKZ Basis-Umsatz: six fields. */
static int put_amounts(struct books *k, const struct invoice_view *v, struct money_total amount,
		       bool debit, const struct foreign *f)
{
	const bool in_base = f->rated && f->booked_in_base;
	int rc = put_cents(k, v->number, in_base ? f->base : amount);
	buf_printf(&k->b, ";\"%c\";\"%s\";", debit ? 'S' : 'H', in_base ? k->s->base : v->currency);
	if (rc == 0 && f->rated && !in_base) {
		put_rate(&k->b, f->rate);
		buf_puts(&k->b, ";");
		rc = put_cents(k, v->number, f->base);
		buf_printf(&k->b, ";\"%s\";", k->s->base);
	} else {
		buf_puts(&k->b, ";;\"\";");
	}
	return rc;
}

/* Who and what for; before it the amount that was exchanged, where no field has it. */
static void put_booking_text(struct books *k, const struct invoice_view *v, const struct item *i,
			     const struct foreign *f)
{
	char amount[DECIMAL_TEXT_MAX];
	struct buf text = { 0 }, cut = { 0 };
	if (f->rated && f->booked_in_base)
		buf_printf(&text, "%s %s ", money_total_format(i->amount, amount), v->currency);
	buf_printf(&text, "%s %s", v->customer, i->description);
	put_cut(k, &cut, (struct text){ text.p, text.n });
	put_1252(&k->b, (struct text){ cut.p, cut.n });
	buf_release(&text);
	buf_release(&cut);
}

static int put_booking(struct books *k, const struct invoice_view *v, const struct item *i)
{
	struct civil day = { 0 };
	struct foreign f;
	const bool debit = i->amount.atto >= 0;
	const struct money_total amount =
		debit ? i->amount : (struct money_total){ -i->amount.atto };
	sscanf(i->day ? i->day : v->issued, "%d-%d-%d", &day.year, &day.month, &day.day);
	if (k->year && day.year != k->year)
		return err_set(k->e, ERR_INVALID,
			       "a batch of DATEV is of one year, and the bookings are of %d and "
			       "%d: narrow them with " ASKED("since") " and " ASKED("until"),
			       k->year, day.year);
	k->year = day.year;
	int rc = find_foreign(k, v, amount, civil_to_day(day), &f);
	if (rc == 0 && f.rated && f.booked_in_base && f.base.atto == 0)
		return 0; /* less than half a cent */
	if (rc == 0)
		rc = put_amounts(k, v, amount, debit, &f);
	if (rc != 0)
		return rc;
	buf_printf(&k->b, "%s;%s;\"\";%02d%02d;\"", k->s->receivable, i->account, day.day,
		   day.month);
	put_document_number(&k->b, text_of(v->number));
	buf_puts(&k->b, "\";\"\";;\"");
	put_booking_text(k, v, i, &f);
	buf_puts(&k->b, "\"\r\n");
	return 0;
}

static int put_one(struct books *k, const struct invoice_view *v, const struct item *i)
{
	if (i->amount.atto == 0)
		return 0;
	if (limits[k->s->profile].rows && ++k->rows > limits[k->s->profile].rows)
		return too_many(k, limits[k->s->profile].rows, "rows");
	if (k->s->profile == BOOK_DATEV)
		return put_booking(k, v, i);
	put_item(k, v, i);
	return 0;
}

static int amount_from(struct money_total *out, struct text s, bool reversed, struct err *e)
{
	int rc = amount_if_stated(out, s, e);
	if (reversed)
		out->atto = -out->atto;
	return rc;
}

/* reversed: a credit note, whose program writes what it gives back as positive amounts. */
static int put_invoice(struct books *k, const struct invoice_view *v, bool reversed)
{
	struct item item = { .account = k->s->revenue };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < v->lines; i++) {
		item.description = v->line[i].description;
		rc = amount_from(&item.amount, v->line[i].plain_amount, reversed, k->e);
		if (rc == 0)
			rc = put_one(k, v, &item);
	}
	item = (struct item){ "Credits applied", k->s->prepaid, { 0 } };
	if (rc == 0)
		rc = amount_from(&item.amount, json_string(json_member(v->root, "credits_applied")),
				 !reversed, k->e);
	if (rc == 0)
		rc = put_one(k, v, &item);
	for (json_value *t = json_first(json_member(v->root, "taxes")); rc == 0 && t;
	     t = json_next(t)) {
		char name[200];
		struct text n = json_string(json_member(t, "name"));
		snprintf(name, sizeof name, "%.*s", (int)n.n, n.n ? n.p : "");
		item = (struct item){ name, k->s->tax, { 0 } };
		rc = amount_from(&item.amount, json_string(json_member(t, "amount")), reversed,
				 k->e);
		if (rc == 0)
			rc = put_one(k, v, &item);
	}
	return rc;
}

/* QuickBooks imports what it calls credit notes by itself, from a file of positive amounts
 * (Intuit's help, "How to import credit notes"); a document that gives back is one. */
static int put_document(struct books *k, const struct invoice_view *v)
{
	struct money_total total;
	int rc = amount_from(&total, json_string(json_member(v->root, "total")), false, k->e);
	const bool note = total.atto < 0, apart = k->s->profile == BOOK_QUICKBOOKS;
	if (rc == 0 && apart && note != k->s->notes) {
		k->told->notes += note;
		return 0;
	}
	const int64_t most = limits[k->s->profile].documents;
	if (rc == 0 && most && ++k->count > most)
		return too_many(k, most, "invoices");
	return rc == 0 ? put_invoice(k, v, note && apart) : rc;
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
	int rc = check_document(k, i->number, i->customer);
	if (rc == 0)
		rc = invoice_view_of(&v, k->store, i, INSTANT_MAX, "en", k->e);
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
		k->told->in_credits++;
		return 0;
	}
	int rc = check_document(k, i->number, i->customer);
	if (rc != 0)
		return rc;
	rc = invoice_view_open(&v, i->document, "final", "en", k->e);
	if (rc != 0)
		return rc;
	rc = put_document(k, v);
	invoice_view_close(v);
	return rc;
}

static void put_datev_head(FILE *out, const struct books *k)
{
	/* the day of creation is left out: the same invoices give the same bytes */
	fprintf(out,
		"\"EXTF\";700;21;\"Buchungsstapel\";13;;;\"RE\";\"\";\"\";%s;%s;%04d0101;%d;%04d0101;"
		"%04d1231;\"Rechnungen\";\"\";1;0;0;\"%s\";;\"\";;;\"\";;;\"\";\"\"\r\n",
		k->s->consultant, k->s->client, k->year, (int)strlen(k->s->revenue), k->year,
		k->year, k->s->base);
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
	if (strlen(s->base) != 3 || strspn(s->base, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
		return err_set(e, ERR_USAGE,
			       ASKED("account") " currency=%s: three letters, such as EUR",
			       s->base);
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

int export_invoices(struct ledger *l, const struct export_options *o, struct export_told *told,
		    struct err *e)
{
	static const char *const heads[][3] = {
		[BOOK_XERO] = { "*ContactName,*InvoiceNumber,*InvoiceDate,*DueDate,*Description,"
				"*Quantity,*UnitAmount,*AccountCode,*TaxType,Currency\n",
				"*Date,*Amount,Payee,Description,Reference,Currency\n" },
		[BOOK_QUICKBOOKS] = { "*InvoiceNo,*Customer,*InvoiceDate,*DueDate,Item(Product/"
				      "Service),ItemDescription,ItemQuantity,ItemRate,*ItemAmount,"
				      "Currency\n",
				      "Date,Amount,Payee,Description,Reference,Currency\n",
				      "*CreditNoteNo,*Customer,*CreditNoteDate,DueDate,Item(Product/"
				      "Service),ItemDescription,ItemQuantity,ItemRate,*ItemAmount,"
				      "Currency\n" },
	};
	const struct book_settings *settings = &o->books;
	struct books k = { .store = ledger_store(l), .o = o, .s = settings, .told = told, .e = e };
	int rc = settings->profile == BOOK_DATEV ? check_datev(settings, e) : 0;
	if (rc == 0)
		rc = invoice_each(ledger_store(l), o->customer, take, &k, e);
	if (rc == 0 && settings->profile == BOOK_DATEV && !k.year)
		rc = err_set(
			e, ERR_NOT_FOUND,
			"no invoice became final or was paid in that period, and DATEV takes no empty "
			"batch");
	else if (rc == 0 && settings->profile == BOOK_DATEV)
		put_datev_head(o->out, &k);
	else if (rc == 0)
		fputs(heads[settings->profile][settings->notes	    ? 2
					       : settings->payments ? 1
								    : 0],
		      o->out);
	if (rc == 0 && k.b.n)
		fwrite(k.b.p, 1, k.b.n, o->out);
	buf_release(&k.b);
	return rc;
}
