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
	const char *first_day, *last_day; /* of an invoice's period; else NULL */
	struct money_total amount;	  /* of what is owed: a payment is below 0 */
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
	const struct labels *labels;
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

/* Why a note was made: behind "credit for invoice 2026-000017: " in its line. What the invoice's
 * row says is why it was declared void, once it is. */
static const char *note_reason(struct statement *s, const struct stored_invoice *i)
{
	struct json_document *d;
	struct err none;
	if (!text_is(i->status, "void") || json_open(&d, i->document, &none) != 0)
		return keep(s, i->why);
	json_value *line = json_first(json_member(json_root(d), "lines"));
	const char *what = json_string(json_member(line, "description")).p;
	const char *reason = what ? strstr(what, ": ") : NULL;
	const char *out = keep(s, text_of(reason ? reason + 2 : ""));
	json_close(d);
	return out;
}

/* A document, that it is void, and what was paid for it. */
static int add_document(void *user, const struct stored_invoice *i)
{
	struct statement *s = user;
	struct settlement x = { 0 };
	struct entry of = { .at = i->finalized, .kind = ENTRY_INVOICE, .unpriced = i->unpriced };
	if (text_is(i->status, "draft"))
		return 0;
	const bool note = text_is(i->kind, "note"), is_void = text_is(i->status, "void"),
		   later = i->finalized.us >= s->q.until.us;
	/* one of after the statement says who they are where none of before does */
	if (!note && (later ? !s->newest.n : i->finalized.us >= s->newest_at.us)) {
		s->newest_at = later ? s->newest_at : i->finalized;
		s->newest.n = 0;
		buf_add(&s->newest, i->document.p, i->document.n);
	}
	if (later)
		return 0;
	int rc = amount_parse(&of.amount, i->total, s->e);
	if (rc != 0)
		return rc;
	of.kind = note ? ENTRY_NOTE : ENTRY_INVOICE;
	of.document = keep(s, i->number);
	of.currency = keep(s, i->currency);
	of.about = note ? note_reason(s, i)
			: arena_printf(&s->texts, "%.*s to %.*s", (int)i->first_day.n,
				       i->first_day.p, (int)i->last_day.n, i->last_day.p);
	of.first_day = note ? NULL : keep(s, i->first_day);
	of.last_day = note ? NULL : keep(s, i->last_day);
	add(s, of);
	if (is_void) {
		of.at = i->voided;
		of.kind = ENTRY_VOID;
		of.amount.atto = -of.amount.atto;
		of.unpriced = 0;
		of.about = keep(s, i->why);
		of.first_day = of.last_day = NULL;
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
	if (!s->newest.n)
		return paper_labels(&s->labels, s->q.language, TEXT(""), e);
	int rc = invoice_view_open(&v, (struct text){ s->newest.p, s->newest.n }, "final",
				   s->q.language, e);
	if (rc != 0)
		return rc;
	s->labels = v->labels;
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

/* A statement on its way onto paper. */
struct paper {
	const struct statement *s;
	const struct labels *l;
	struct memo *m;
};

static const char *said(const struct paper *p, const char *key)
{
	return label(p->l, key);
}

static const char *with(const struct paper *p, const char *key, const char *a, const char *b)
{
	const char *const places[3] = { a, b, "" };
	return label_with(p->l, &p->m->arena, key, places);
}

/* With the currency's decimals, and more where there are more. */
static const char *amount(const struct paper *p, struct money_total m, const char *currency,
			  bool bound)
{
	char text[DECIMAL_TEXT_MAX];
	const bool credits = strcmp(currency, "credits") == 0;
	const char *n = paper_number(p->l, &p->m->arena, text_of(money_total_format(m, text)),
				     credits ? 0 : currency_places(text_of(currency)));
	if (strcmp(currency, "USD") == 0)
		n = paper_dollars(p->l, &p->m->arena, n);
	else
		n = arena_printf(&p->m->arena, "%s %s", n, currency);
	return bound ? arena_printf(&p->m->arena, ">= %s", n) : n;
}

static const char *day(const struct paper *p, struct instant at)
{
	char text[DAY_TEXT_MAX];
	return label_day(p->l, &p->m->arena, day_format(zone_day(p->s->q.zone, at), text));
}

/* Columns whose titles are labels; an empty key: no title. */
static void table(const struct paper *p, const struct memo_column *columns, size_t count,
		  bool plain)
{
	struct memo_column *own = arena_alloc(&p->m->arena, count * sizeof *own);
	for (size_t i = 0; i < count; i++) {
		own[i] = columns[i];
		own[i].title = *columns[i].title ? said(p, columns[i].title) : "";
	}
	(plain ? memo_plain_table : memo_table)(p->m, own, count);
}

static void put_open_memo(const struct paper *p, const char *currency)
{
	static const struct memo_column columns[] = {
		{ "document" }, { "due" }, { "", .leaves = 1 }, { "amount-due", .right = true }
	};
	bool any = false;
	for (size_t i = 0; i < p->s->opens; i++) {
		const struct open_item *o = &p->s->open[i];
		if (strcmp(o->currency, currency) != 0)
			continue;
		if (!any) {
			memo_heading(p->m, said(p, "open-documents"));
			table(p, columns, sizeof columns / sizeof *columns, false);
		}
		any = true;
		memo_cell(p->m, o->document);
		memo_cell(p->m, o->due_at.us ? day(p, o->due_at) : "");
		memo_cell(p->m, o->due.atto < 0 ? said(p, "state.credit")
				: o->overdue	? said(p, "state.overdue")
						: "");
		memo_cell(p->m, amount(p, o->due, currency, o->unpriced != 0));
	}
}

/* "Invoice 2026-000017", "2026-000017 declared void". */
static const char *what_of(const struct paper *p, const struct entry *x)
{
	static const char *const keys[] = { [ENTRY_INVOICE] = "invoice",
					    [ENTRY_NOTE] = "note",
					    [ENTRY_VOID] = "voided",
					    [ENTRY_PAYMENT] = "payment",
					    [ENTRY_REFUND] = "paid-back" };
	return x->kind == ENTRY_VOID
		       ? with(p, keys[x->kind], x->document, "")
		       : arena_printf(&p->m->arena, "%s %s", said(p, keys[x->kind]), x->document);
}

static const char *about_of(const struct paper *p, const struct entry *x)
{
	struct arena *a = &p->m->arena;
	return x->first_day ? with(p, "days", label_day(p->l, a, x->first_day),
				   label_day(p->l, a, x->last_day))
			    : x->about;
}

static void put_account(const struct paper *p, size_t first, size_t *end)
{
	static const struct memo_column columns[] = { { "date-column" },
						      { "document" },
						      { "description", .leaves = 1, .wraps = true },
						      { "amount", .right = true },
						      { "balance", .right = true } };
	const struct statement *s = p->s;
	struct memo *m = p->m;
	const char *currency = s->entry[first].currency;
	struct money_total balance;
	size_t begin;
	bool bound;
	*end = one_currency(s, first, &begin, &balance, &bound);
	memo_heading(m, currency);
	table(p, columns, sizeof columns / sizeof *columns, false);
	memo_cell(m, s->q.since.us > 0 ? day(p, s->q.since) : "");
	memo_cell(m, said(p, "opening"));
	memo_cell(m, "");
	memo_cell(m, "");
	memo_cell(m, amount(p, balance, currency, bound));
	for (size_t k = begin; k < *end && in_time(s, &s->entry[k]); k++) {
		const struct entry *x = &s->entry[k];
		balance.atto += x->amount.atto;
		bound |= x->unpriced != 0;
		memo_cell(m, day(p, x->at));
		memo_cell(m, what_of(p, x));
		memo_cell(m, about_of(p, x));
		memo_cell(m, amount(p, x->amount, currency, x->unpriced != 0));
		memo_cell(m, amount(p, balance, currency, bound));
	}
	const bool ahead = balance.atto < 0;
	balance.atto = ahead ? -balance.atto : balance.atto;
	memo_figure(m,
		    said(p, ahead	   ? "credit-balance"
			    : balance.atto ? "amount-due"
					   : "closing"),
		    amount(p, balance, currency, bound));
	put_open_memo(p, currency);
}

/* Both parties side by side, as on an invoice. */
static void put_parties(const struct paper *p)
{
	static const struct memo_column columns[] = { { "from" }, { "to" } };
	const struct statement *s = p->s;
	if (!s->from[0] && !s->to[0])
		return;
	table(p, columns, sizeof columns / sizeof *columns, true);
	for (int i = 0; i < PARTY_LINES && (s->from[i] || s->to[i]); i++) {
		memo_cell(p->m, s->from[i] ? s->from[i] : "");
		memo_cell(p->m, s->to[i] ? s->to[i] : "");
	}
}

static void put_pay_to(const struct paper *p)
{
	if (!p->s->opens || !p->s->pay_to[0])
		return;
	memo_heading(p->m, said(p, "pay-to"));
	for (int i = 0; i < PARTY_LINES && p->s->pay_to[i]; i++)
		memo_text(p->m, "%s", p->s->pay_to[i]);
}

void statement_memo(struct memo *m, const struct statement *s)
{
	*m = (struct memo){ .dated = s->q.now,
			    .language = labels_language(s->labels),
			    .page = label(s->labels, "page"),
			    .title = label(s->labels, "statement") };
	const struct paper p = { s, s->labels, m };
	/* from its beginning, or from the first that there is */
	struct instant from = s->q.since;
	for (size_t i = 0; s->q.since.us <= 0 && i < s->entries; i++)
		from = i == 0 || s->entry[i].at.us < from.us ? s->entry[i].at : from;
	const char *to = day(&p, (struct instant){ s->q.until.us - 1 });
	m->subtitle = arena_printf(&m->arena, "%s, %s", s->q.customer,
				   from.us > 0 ? with(&p, "days", day(&p, from), to) : to);
	put_parties(&p);
	for (size_t i = 0, end; i < s->entries; i = end)
		put_account(&p, i, &end);
	put_pay_to(&p);
	if (!s->entries)
		memo_text(m, "%s", said(&p, "nothing"));
}
