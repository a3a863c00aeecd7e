#include "reports/statement_report.h"

#include <stdlib.h>
#include <string.h>

#include "meter/billing/terms.h"
#include "meter/billing/tiers.h"
#include "reports/amount.h"
#include "reports/invoice_view.h"

enum entry_kind { ENTRY_INVOICE, ENTRY_NOTE, ENTRY_VOID, ENTRY_PAYMENT, ENTRY_REFUND };
static const char *const kind_names[] = { "invoice", "credit note", "void", "payment", "refund" };

struct entry {
	struct instant at;
	size_t order; /* among those of one instant */
	enum entry_kind kind;
	const char *document, *about;
	struct money_total amount; /* of what is owed: a payment is below 0 */
	int64_t unpriced;
	const char *currency;
};

/* What still asks for something, at the end of the statement. */
struct open_item {
	const char *document, *currency;
	struct money_total due;
	struct instant due_at;
	int64_t unpriced;
	bool overdue;
};

enum { PARTY_LINES = 12 };

struct statement {
	struct statement_question q;
	struct arena texts;
	struct entry *entry;
	size_t entries;
	struct open_item *open;
	size_t opens;
	struct err *e;
	const struct stored_invoice *paid; /* whose payments are read */
	/* of the newest invoice, which says who they are: lines, NULL-ended */
	struct buf newest;
	struct instant newest_at;
	const char *from[PARTY_LINES], *to[PARTY_LINES], *pay_to[PARTY_LINES];
};

static const char *keep(struct statement *s, struct text t)
{
	return arena_text(&s->texts, t.n ? t.p : "", t.n);
}

static void add(struct statement *s, struct entry x)
{
	if ((s->entries & (s->entries - 1)) == 0)
		s->entry = mem_grow(s->entry, (s->entries ? s->entries * 2 : 1) * sizeof *s->entry);
	x.order = s->entries;
	s->entry[s->entries++] = x;
}

static int add_payment(void *user, const struct payment *p)
{
	struct statement *s = user;
	const bool back = p->amount.atto < 0;
	add(s, (struct entry){ .at = p->at,
			       .kind = back ? ENTRY_REFUND : ENTRY_PAYMENT,
			       .document = keep(s, s->paid->number),
			       .about = keep(s, p->reference),
			       .amount = { -p->amount.atto },
			       .currency = keep(s, s->paid->currency) });
	return 0;
}

static void add_open(struct statement *s, const struct stored_invoice *i,
		     const struct settlement *x)
{
	if (!x->due.atto)
		return;
	if ((s->opens & (s->opens - 1)) == 0)
		s->open = mem_grow(s->open, (s->opens ? s->opens * 2 : 1) * sizeof *s->open);
	s->open[s->opens++] = (struct open_item){ .document = keep(s, i->number),
						  .currency = keep(s, i->currency),
						  .due = x->due,
						  .due_at = x->due_at,
						  .unpriced = i->unpriced,
						  .overdue = x->state == SETTLEMENT_OVERDUE };
}

/* A document, that it is void, and what was paid for it. */
static int add_document(void *user, const struct stored_invoice *i)
{
	struct statement *s = user;
	struct settlement x = { 0 };
	struct decimal d;
	struct entry of = { .at = i->finalized, .kind = ENTRY_INVOICE, .unpriced = i->unpriced };
	if (text_is(i->status, "draft") || i->finalized.us >= s->q.until.us)
		return 0;
	const bool note = text_is(i->kind, "note"), is_void = text_is(i->status, "void");
	int rc = decimal_parse(&d, i->total, s->e);
	if (rc == 0)
		rc = amount_from_decimal(&of.amount, d, s->e);
	if (rc != 0)
		return rc;
	of.kind = note ? ENTRY_NOTE : ENTRY_INVOICE;
	of.document = keep(s, i->number);
	of.currency = keep(s, i->currency);
	of.about = note ? keep(s, i->why)
			: arena_printf(&s->texts, "%.*s to %.*s", (int)i->first_day.n,
				       i->first_day.p, (int)i->last_day.n, i->last_day.p);
	add(s, of);
	if (!note && i->finalized.us >= s->newest_at.us) {
		s->newest_at = i->finalized;
		s->newest.n = 0;
		buf_add(&s->newest, i->document.p, i->document.n);
	}
	if (is_void) {
		of.at = i->voided;
		of.kind = ENTRY_VOID;
		of.amount.atto = -of.amount.atto;
		of.unpriced = 0;
		of.about = keep(s, i->why);
		add(s, of);
	}
	if (note)
		return 0;
	s->paid = i;
	rc = payments_each(s->q.store, i->id, add_payment, s, s->e);
	/* as it is at the end of the statement */
	if (rc == 0)
		rc = settlement_read(s->q.store, i, (struct instant){ s->q.until.us - 1 }, &x,
				     s->e);
	if (rc == 0)
		add_open(s, i, &x);
	return rc;
}

static int in_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	const int c = strcmp(x->currency, y->currency);
	if (c)
		return c;
	if (x->at.us != y->at.us)
		return x->at.us < y->at.us ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int keep_lines(struct statement *s, const char **out, const char *const *lines)
{
	int n = 0;
	for (; n + 1 < PARTY_LINES && lines[n]; n++)
		out[n] = keep(s, text_of(lines[n]));
	return n;
}

static int read_parties(struct statement *s, struct err *e)
{
	struct invoice_view *v;
	int rc = s->newest.n ? invoice_view_open(&v, (struct text){ s->newest.p, s->newest.n },
						 "final", NULL, e)
			     : 1;
	if (rc != 0)
		return rc < 0 ? rc : 0;
	keep_lines(s, s->from, v->issuer);
	keep_lines(s, s->to, v->bill_to);
	/* but the last line, which refers to that document */
	const int lines = keep_lines(s, s->pay_to, v->pay_to);
	if (lines && *v->number)
		s->pay_to[lines - 1] = NULL;
	invoice_view_close(v);
	return 0;
}

int statement_open(struct statement **out, const struct statement_question *q, struct err *e)
{
	struct statement *s = mem_zalloc(sizeof *s);
	s->q = *q;
	s->e = e;
	if (s->q.until.us > q->now.us + 1)
		s->q.until.us = q->now.us + 1;
	int rc = invoice_each(q->store, q->customer, add_document, s, e);
	if (rc != 0) {
		statement_close(s);
		return rc;
	}
	if (s->entries)
		qsort(s->entry, s->entries, sizeof *s->entry, in_order);
	rc = read_parties(s, e);
	if (rc != 0)
		statement_close(s);
	else
		*out = s;
	return rc;
}

void statement_close(struct statement *s)
{
	free(s->entry);
	free(s->open);
	buf_release(&s->newest);
	arena_release(&s->texts);
	free(s);
}

/* The entries of one currency: from `first` to the returned one, and what was owed before the
 * statement begins. */
static size_t one_currency(const struct statement *s, size_t first, size_t *begin,
			   struct money_total *before, bool *bound)
{
	size_t end = first;
	*before = (struct money_total){ 0 };
	*bound = false;
	*begin = first;
	for (; end < s->entries && strcmp(s->entry[end].currency, s->entry[first].currency) == 0;
	     end++) {
		const struct entry *x = &s->entry[end];
		if (x->at.us < s->q.since.us) {
			before->atto += x->amount.atto;
			*bound |= x->unpriced != 0;
			*begin = end + 1;
		}
	}
	return end;
}

static bool in_time(const struct statement *s, const struct entry *x)
{
	return x->at.us < s->q.until.us;
}

/* --- as a document --- */

static void put_entry(struct json_out *j, const struct entry *x, struct money_total balance)
{
	json_out_object(j, NULL);
	json_out_instant(j, "at", x->at);
	json_out_string(j, "kind", kind_names[x->kind]);
	json_out_string(j, "document", x->document);
	json_out_string(j, "about", x->about);
	json_out_money(j, "amount", x->amount);
	json_out_money(j, "balance", balance);
	json_out_int(j, "unpriced", x->unpriced);
	json_out_end(j, '}');
}

static void put_open(struct json_out *j, const struct statement *s, const char *currency)
{
	json_out_array(j, "open");
	for (size_t i = 0; i < s->opens; i++) {
		const struct open_item *o = &s->open[i];
		if (strcmp(o->currency, currency) != 0)
			continue;
		json_out_object(j, NULL);
		json_out_string(j, "document", o->document);
		json_out_money(j, "due", o->due);
		if (o->due_at.us)
			json_out_instant(j, "due_at", o->due_at);
		else
			json_out_null(j, "due_at");
		json_out_bool(j, "overdue", o->overdue);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

void statement_put(struct json_out *j, const struct statement *s)
{
	size_t begin;
	bool bound;
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.statement/1");
	json_out_string(j, "customer", s->q.customer);
	json_out_instant(j, "since", s->q.since);
	json_out_instant(j, "until", s->q.until);
	json_out_array(j, "accounts");
	for (size_t i = 0, end; i < s->entries; i = end) {
		struct money_total balance;
		end = one_currency(s, i, &begin, &balance, &bound);
		json_out_object(j, NULL);
		json_out_string(j, "currency", s->entry[i].currency);
		json_out_money(j, "opening", balance);
		json_out_array(j, "entries");
		for (size_t k = begin; k < end && in_time(s, &s->entry[k]); k++) {
			balance.atto += s->entry[k].amount.atto;
			bound |= s->entry[k].unpriced != 0;
			put_entry(j, &s->entry[k], balance);
		}
		json_out_end(j, ']');
		json_out_money(j, "closing", balance);
		json_out_bool(j, "at_least", bound);
		put_open(j, s, s->entry[i].currency);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
}

/* --- on paper --- */

/* With the currency's decimals, and more where there are more. */
static const char *amount(struct buf *b, struct money_total m, const char *currency, bool bound)
{
	char text[DECIMAL_TEXT_MAX * 2];
	money_total_format(m, text);
	const int places =
		strcmp(currency, "credits") == 0 ? 0 : currency_places(text_of(currency));
	const char *point = strchr(text, '.');
	int have = point ? (int)strlen(point + 1) : 0;
	if (places && !point)
		strcat(text, ".");
	while (have++ < places)
		strcat(text, "0");
	put_amount(b, text, currency, bound);
	return b->p;
}

static const char *day(const struct statement *s, struct instant at, char out[DAY_TEXT_MAX])
{
	return day_format(zone_day(s->q.zone, at), out);
}

static void put_open_memo(struct memo *m, const struct statement *s, const char *currency)
{
	static const struct memo_column columns[] = {
		{ "Document" }, { "Due by" }, { "", .leaves = 1 }, { "Due", .right = true }
	};
	struct buf b = { 0 };
	char text[16];
	bool any = false;
	for (size_t i = 0; i < s->opens; i++) {
		const struct open_item *o = &s->open[i];
		if (strcmp(o->currency, currency) != 0)
			continue;
		if (!any) {
			memo_heading(m, "Open documents");
			memo_table(m, columns, sizeof columns / sizeof *columns);
		}
		any = true;
		memo_cell(m, o->document);
		memo_cell(m, o->due_at.us ? day(s, o->due_at, text) : "");
		memo_cell(m, o->due.atto < 0 ? "paid too much" : o->overdue ? "overdue" : "");
		memo_cell(m, amount(&b, o->due, currency, o->unpriced != 0));
	}
	buf_release(&b);
}

static void put_account(struct memo *m, const struct statement *s, size_t first, size_t *end)
{
	static const struct memo_column columns[] = { { "Day" },
						      { "What" },
						      { "About", .leaves = 1, .wraps = true },
						      { "Amount", .right = true },
						      { "Balance", .right = true } };
	const char *currency = s->entry[first].currency;
	struct money_total balance;
	struct buf b = { 0 };
	char text[16], what[64];
	size_t begin;
	bool bound;
	*end = one_currency(s, first, &begin, &balance, &bound);
	memo_heading(m, currency);
	memo_table(m, columns, sizeof columns / sizeof *columns);
	memo_cell(m, s->q.since.us > 0 ? day(s, s->q.since, text) : "");
	memo_cell(m, "opening balance");
	memo_cell(m, "");
	memo_cell(m, "");
	memo_cell(m, amount(&b, balance, currency, bound));
	for (size_t k = begin; k < *end && in_time(s, &s->entry[k]); k++) {
		const struct entry *x = &s->entry[k];
		balance.atto += x->amount.atto;
		bound |= x->unpriced != 0;
		snprintf(what, sizeof what, "%s %.40s", kind_names[x->kind], x->document);
		memo_cell(m, day(s, x->at, text));
		memo_cell(m, what);
		memo_cell(m, x->about);
		memo_cell(m, amount(&b, x->amount, currency, x->unpriced != 0));
		memo_cell(m, amount(&b, balance, currency, bound));
	}
	memo_text(m, "%s: %s",
		  balance.atto < 0 ? "In the customer's favour, paid ahead or credited"
				   : "Owed at the end",
		  amount(&b,
			 (struct money_total){ balance.atto < 0 ? -balance.atto : balance.atto },
			 currency, bound));
	put_open_memo(m, s, currency);
	buf_release(&b);
}

/* Both parties side by side, as on an invoice. */
static void put_parties(struct memo *m, const struct statement *s)
{
	static const struct memo_column columns[] = { { "From" }, { "To" } };
	if (!s->from[0] && !s->to[0])
		return;
	memo_table(m, columns, sizeof columns / sizeof *columns);
	for (int i = 0; i < PARTY_LINES && (s->from[i] || s->to[i]); i++) {
		memo_cell(m, s->from[i] ? s->from[i] : "");
		memo_cell(m, s->to[i] ? s->to[i] : "");
	}
}

static void put_pay_to(struct memo *m, const struct statement *s)
{
	if (!s->opens || !s->pay_to[0])
		return;
	memo_heading(m, "How to pay");
	for (int i = 0; i < PARTY_LINES && s->pay_to[i]; i++)
		memo_text(m, "%s", s->pay_to[i]);
}

void statement_memo(struct memo *m, const struct statement *s)
{
	char from[16], to[16];
	*m = (struct memo){ .dated = s->q.now };
	day(s, (struct instant){ s->q.until.us - 1 }, to);
	m->title = "Statement of account";
	m->subtitle = s->q.since.us > 0
			      ? arena_printf(&m->arena, "%s, %s to %s", s->q.customer,
					     day(s, s->q.since, from), to)
			      : arena_printf(&m->arena, "%s, up to %s", s->q.customer, to);
	put_parties(m, s);
	for (size_t i = 0, end; i < s->entries; i = end)
		put_account(m, s, i, &end);
	put_pay_to(m, s);
	if (!s->entries)
		memo_text(m, "No invoice, credit note or payment.");
}
