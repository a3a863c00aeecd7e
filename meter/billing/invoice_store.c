#include "meter/billing/invoice_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "meter/ledger/journal.h"
#include "meter/store/store_sql.h"

static struct text text_or_empty(struct query *q, int column)
{
	return db_is_null(q, column) ? TEXT("") : db_text(q, column);
}

static int64_t int_or_zero(struct query *q, int column)
{
	return db_is_null(q, column) ? 0 : db_int(q, column);
}

static void read_invoice(struct query *q, struct stored_invoice *out)
{
	*out = (struct stored_invoice){ .id = db_int(q, 0),
					.kind = db_text(q, 1),
					.status = db_text(q, 2),
					.number = text_or_empty(q, 3),
					.customer = db_text(q, 4),
					.currency = db_text(q, 5),
					.from = { db_int(q, 6) },
					.to = { db_int(q, 7) },
					.document = db_text(q, 8),
					.total = db_text(q, 9),
					.created = { db_int(q, 10) },
					.finalized = { int_or_zero(q, 11) },
					.voided = { int_or_zero(q, 12) },
					.why = db_text(q, 13),
					.corrects = int_or_zero(q, 14),
					.first_day = text_or_empty(q, 15),
					.last_day = text_or_empty(q, 16),
					.zone = text_or_empty(q, 17) };
}

static struct text keep(struct arena *a, struct text t)
{
	return (struct text){ arena_text(a, t.n ? t.p : "", t.n), t.n };
}

/* The row, with texts that outlive the statement: a statement that is left open would hold back a
 * reader's view of the database. */
static void take_row(struct query *q, struct arena *a, struct stored_invoice *out)
{
	read_invoice(q, out);
	struct text *const texts[] = { &out->kind,     &out->status,   &out->number,
				       &out->customer, &out->currency, &out->document,
				       &out->total,    &out->why,      &out->first_day,
				       &out->last_day, &out->zone };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = keep(a, *texts[i]);
	db_reset(q);
}

static int find_by_id(struct store *s, int64_t id, struct arena *a, struct stored_invoice *out,
		      struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), INVOICE_AT, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":id", id);
	rc = db_step(store_db(s), q, e);
	if (rc == 1)
		take_row(q, a, out);
	return rc == 1	 ? 0
	       : rc == 0 ? err_set(e, ERR_NOT_FOUND, "there is no invoice #%lld", (long long)id)
			 : rc;
}

int invoice_find(struct store *s, const char *name, struct arena *keep_in,
		 struct stored_invoice *out, struct err *e)
{
	struct query *q;
	char *end;
	int rc = db_statement(store_db(s), INVOICE_BY_NUMBER, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":number", text_of(name));
	rc = db_step(store_db(s), q, e);
	if (rc == 1) {
		take_row(q, keep_in, out);
		return 0;
	}
	db_reset(q);
	if (rc < 0)
		return rc;
	int64_t id = strtoll(name + (*name == '#'), &end, 10);
	if (*end || id <= 0)
		return err_set(e, ERR_NOT_FOUND, "there is no invoice '%s'", name);
	return find_by_id(s, id, keep_in, out, e);
}

int invoice_each(struct store *s, const char *customer,
		 int (*take)(void *user, const struct stored_invoice *i), void *user, struct err *e)
{
	struct query *q;
	struct stored_invoice i;
	int rc = db_statement(store_db(s), INVOICE_LIST, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", text_of(customer ? customer : ""));
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		read_invoice(q, &i);
		if ((rc = take(user, &i)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

/* --- what was charged before --- */

struct earlier {
	struct billed_period *period;
	size_t count;
	struct arena arena;
};

static int read_charges(struct store *s, struct billed_period *p, struct arena *a, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), INVOICE_USAGE, &q, e), more = 0;
	if (rc != 0)
		return rc;
	db_bind_int(q, ":of", p->invoice);
	while (rc == 0 && (more = db_step(store_db(s), q, e)) == 1) {
		struct decimal d;
		if ((p->charges & (p->charges - 1)) == 0)
			p->charge = mem_grow(p->charge, (p->charges ? p->charges * 2 : 16) *
								sizeof *p->charge);
		struct charge *c = &p->charge[p->charges++];
		*c = (struct charge){ .project = keep(a, db_text(q, 0)),
				      .model = keep(a, db_text(q, 1)),
				      .bucket = keep(a, db_text(q, 2)),
				      .unit_price = keep(a, db_text(q, 3)),
				      .quantity = db_int(q, 4) };
		rc = decimal_parse(&d, db_text(q, 5), e);
		if (rc == 0)
			rc = amount_from_decimal(&c->amount, d, e);
	}
	db_reset(q);
	return rc == 0 && more < 0 ? more : rc;
}

static int read_earlier(struct store *s, const struct account *a, struct text currency,
			struct instant from, struct earlier *out, struct err *e)
{
	struct query *q;
	struct stored_invoice i;
	int rc = db_statement(store_db(s), INVOICE_EARLIER, &q, e), more;
	*out = (struct earlier){ 0 };
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", a->customer);
	db_bind_text(q, ":currency", currency);
	db_bind_int(q, ":from", from.us);
	while ((more = db_step(store_db(s), q, e)) == 1) {
		read_invoice(q, &i);
		out->period = mem_grow(out->period, (out->count + 1) * sizeof *out->period);
		out->period[out->count++] =
			(struct billed_period){ .invoice = i.id,
						.number = keep(&out->arena, i.number),
						.from = i.from,
						.to = i.to };
	}
	db_reset(q);
	rc = more;
	for (size_t k = 0; rc == 0 && k < out->count; k++)
		rc = read_charges(s, &out->period[k], &out->arena, e);
	return rc;
}

static void earlier_release(struct earlier *x)
{
	for (size_t i = 0; i < x->count; i++)
		free(x->period[i].charge);
	free(x->period);
	arena_release(&x->arena);
}

static int compute(struct invoicer *v, struct store *s, struct invoice *out,
		   const struct account *a, struct instant from, struct instant to, struct err *e)
{
	struct terms t;
	struct earlier before;
	int rc = terms_read(&t, a->terms, e);
	if (rc != 0)
		return err_context(e, "the terms of '%.*s'", (int)a->customer.n, a->customer.p);
	rc = read_earlier(s, a, t.currency, from, &before, e);
	if (rc == 0)
		rc = invoice_compute(v, out, a, from, to, before.period, before.count, e);
	earlier_release(&before);
	terms_release(&t);
	return rc;
}

/* --- drafts --- */

static int check_overlap(struct store *s, const struct invoice *i, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), INVOICE_OVERLAP, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", i->customer);
	db_bind_text(q, ":currency", i->currency);
	db_bind_int(q, ":from", i->from.us);
	db_bind_int(q, ":to", i->to.us);
	rc = db_step(store_db(s), q, e);
	if (rc == 1)
		rc = err_set(e, ERR_CONFLICT,
			     "invoice %.*s of '%.*s' covers some of that period already",
			     (int)db_text(q, 0).n, db_text(q, 0).p, (int)i->customer.n,
			     i->customer.p);
	db_reset(q);
	return rc;
}

struct new_invoice {
	const char *kind, *status, *why;
	struct text number, customer, currency, document, total;
	struct instant from, to, created, finalized;
	int64_t corrects;
};

static int insert(struct store *s, const struct new_invoice *n, int64_t *id, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), INVOICE_ADD, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":kind", text_of(n->kind));
	db_bind_text(q, ":status", text_of(n->status));
	if (n->number.n)
		db_bind_text(q, ":number", n->number);
	else
		db_bind_null(q, ":number");
	db_bind_text(q, ":customer", n->customer);
	db_bind_text(q, ":currency", n->currency);
	db_bind_int(q, ":from", n->from.us);
	db_bind_int(q, ":to", n->to.us);
	db_bind_text(q, ":document", n->document);
	db_bind_text(q, ":total", n->total);
	db_bind_int(q, ":created", n->created.us);
	if (n->finalized.us)
		db_bind_int(q, ":finalized", n->finalized.us);
	else
		db_bind_null(q, ":finalized");
	db_bind_text(q, ":why", text_of(n->why));
	if (n->corrects)
		db_bind_int(q, ":corrects", n->corrects);
	else
		db_bind_null(q, ":corrects");
	return db_returned(store_db(s), q, id, e);
}

int invoice_draft(struct invoicer *v, struct ledger *l, const struct account *a,
		  struct instant from, struct instant to, struct instant now, int64_t *id,
		  struct err *e)
{
	struct store *s = ledger_store(l);
	struct invoice i;
	struct buf document = { 0 };
	char total[DECIMAL_TEXT_MAX];
	struct query *q;
	int rc = compute(v, s, &i, a, from, to, e);
	if (rc != 0)
		return rc;
	rc = check_overlap(s, &i, e);
	if (rc == 0)
		rc = db_statement(store_db(s), INVOICE_DROP_DRAFT, &q, e);
	if (rc == 0) {
		db_bind_text(q, ":customer", i.customer);
		db_bind_text(q, ":currency", i.currency);
		db_bind_int(q, ":from", from.us);
		rc = db_done(store_db(s), q, e);
	}
	if (rc == 0) {
		invoice_put(&document, &i, "draft", NULL, now);
		rc = insert(
			s,
			&(struct new_invoice){ .kind = "invoice",
					       .status = "draft",
					       .why = "",
					       .customer = i.customer,
					       .currency = i.currency,
					       .document = { document.p, document.n },
					       .total = text_of(money_total_format(i.total, total)),
					       .from = from,
					       .to = to,
					       .created = now },
			id, e);
	}
	buf_release(&document);
	invoice_release(&i);
	return rc;
}

/* --- final --- */

/* "2026-000017": the year in which it is final, and the next number of that series. */
static int next_number(struct store *s, const char *prefix, const struct account *a,
		       struct instant now, char out[80], struct err *e)
{
	struct zone *z;
	struct query *q;
	char series[60];
	int rc = zone_open(&z, a ? a->zone.p : "UTC", e);
	if (rc != 0)
		return rc;
	struct civil c = civil_from_day(
		floor_div(now.us + zone_offset(z, now, NULL) * US_PER_SECOND, US_PER_DAY));
	zone_close(z);
	snprintf(series, sizeof series, "%.50s%04d", prefix, c.year);
	rc = db_statement(store_db(s), INVOICE_NEXT_NUMBER, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":series", text_of(series));
	rc = db_step(store_db(s), q, e);
	if (rc == 1)
		snprintf(out, 80, "%s-%06lld", series, (long long)db_int(q, 0));
	db_reset(q);
	return rc == 1 ? 0 : rc < 0 ? rc : err_set(e, ERR_STORE, "no number could be given");
}

static int write_usage(struct store *s, int64_t id, const struct invoice *i, struct err *e)
{
	struct query *q;
	char text[DECIMAL_TEXT_MAX];
	for (size_t k = 0; k < i->lines; k++) {
		const struct invoice_line *l = &i->line[k];
		if (l->kind != LINE_USAGE && l->kind != LINE_ADJUSTMENT)
			continue;
		int rc = db_statement(store_db(s), INVOICE_ADD_USAGE, &q, e);
		if (rc != 0)
			return rc;
		db_bind_int(q, ":invoice", id);
		db_bind_int(q, ":place", (int64_t)k);
		db_bind_int(q, ":of", l->of_period ? l->of_period : id);
		db_bind_text(q, ":project", l->project);
		db_bind_text(q, ":model", l->model);
		db_bind_text(q, ":bucket", l->bucket);
		db_bind_text(q, ":unit_price", l->charge_price);
		db_bind_int(q, ":quantity", (int64_t)(l->quantity.nano / 1000000000));
		db_bind_text(q, ":amount", text_of(money_total_format(l->charge_amount, text)));
		rc = db_done(store_db(s), q, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int enter(struct ledger *l, const char *kind, int64_t id, struct err *e)
{
	struct buf b = { 0 };
	bool there;
	int rc = invoice_text(ledger_store(l), id, strcmp(kind, "void") == 0, &b, &there, e);
	if (rc == 0)
		rc = ledger_enter(l, kind, id, (struct text){ b.p, b.n }, e);
	buf_release(&b);
	return rc;
}

static int write_final(struct ledger *l, int64_t id, const struct invoice *i,
		       const struct account *a, struct instant now, struct err *e)
{
	struct store *s = ledger_store(l);
	struct buf document = { 0 };
	char number[80], total[DECIMAL_TEXT_MAX], prefix[60];
	struct query *q;
	snprintf(prefix, sizeof prefix, "%.*s",
		 (int)(i->terms.series.n < 50 ? i->terms.series.n : 50),
		 i->terms.series.n ? i->terms.series.p : "");
	int rc = next_number(s, prefix, a, now, number, e);
	if (rc == 0)
		rc = db_statement(store_db(s), INVOICE_FINALIZE, &q, e);
	if (rc != 0)
		return rc;
	invoice_put(&document, i, "final", number, now);
	db_bind_int(q, ":id", id);
	db_bind_text(q, ":number", text_of(number));
	db_bind_text(q, ":document", (struct text){ document.p, document.n });
	db_bind_text(q, ":total", text_of(money_total_format(i->total, total)));
	db_bind_int(q, ":now", now.us);
	db_bind_int(q, ":counted", i->counted.nano);
	rc = db_done(store_db(s), q, e);
	if (rc == 0)
		rc = write_usage(s, id, i, e);
	if (rc == 0)
		rc = enter(l, "invoice", id, e);
	if (rc == 0 && i->overage.nano) {
		char key[100];
		snprintf(key, sizeof key, "invoice:%s", number);
		rc = ledger_bill_overage(l, a->id, i->overage, text_of(key), now, now, e);
	}
	buf_release(&document);
	return rc;
}

int invoice_finalize(struct invoicer *v, struct ledger *l, int64_t id, struct instant now,
		     struct err *e)
{
	struct store *s = ledger_store(l);
	struct stored_invoice draft;
	const struct account *a;
	struct invoice i;
	struct arena texts = { 0 };
	char to[INSTANT_TEXT_MAX];
	int rc = find_by_id(s, id, &texts, &draft, e);
	if (rc == 0 && !text_is(draft.status, "draft"))
		rc = err_set(e, ERR_CONFLICT, "invoice %.*s is %.*s already", (int)draft.number.n,
			     draft.number.p, (int)draft.status.n, draft.status.p);
	if (rc == 0 && draft.to.us > now.us)
		rc = err_set(e, ERR_INVALID,
			     "the period ends at %s: an invoice is final only after it",
			     instant_format(draft.to, to));
	if (rc == 0)
		rc = ledger_account(l, draft.customer, &a, e);
	if (rc == 0)
		rc = compute(v, s, &i, a, draft.from, draft.to, e);
	arena_release(&texts);
	if (rc != 0)
		return rc;
	rc = write_final(l, id, &i, a, now, e);
	invoice_release(&i);
	return rc;
}

int invoice_void(struct ledger *l, int64_t id, const char *why, struct instant now, struct err *e)
{
	struct store *s = ledger_store(l);
	struct stored_invoice i;
	struct arena texts = { 0 };
	struct query *q;
	int rc = find_by_id(s, id, &texts, &i, e);
	if (rc == 0 && !text_is(i.status, "final"))
		rc = err_set(e, ERR_CONFLICT, "invoice #%lld is a %.*s; only a final one is voided",
			     (long long)id, (int)i.status.n, i.status.p);
	arena_release(&texts);
	if (rc == 0)
		rc = db_statement(store_db(s), INVOICE_VOID, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":id", id);
	db_bind_int(q, ":now", now.us);
	db_bind_text(q, ":why", text_of(why));
	rc = db_done(store_db(s), q, e);
	return rc == 0 ? enter(l, "void", id, e) : rc;
}

/* --- credit notes --- */

static int total_of(struct text s, struct money_total *out, struct err *e)
{
	struct decimal d;
	int rc = decimal_parse(&d, s, e);
	return rc == 0 ? amount_from_decimal(out, d, e) : rc;
}

struct notes {
	int64_t of;
	struct money_total sum;
	struct err *e;
};

static int add_note(void *user, const struct stored_invoice *i)
{
	struct notes *n = user;
	struct money_total t;
	if (i->corrects != n->of || !text_is(i->status, "final"))
		return 0;
	int rc = total_of(i->total, &t, n->e);
	n->sum.atto += t.atto;
	return rc;
}

static void put_note(struct buf *b, const struct stored_invoice *of, const char *number,
		     struct money_total amount, const char *why, struct instant now)
{
	char text[DECIMAL_TEXT_MAX], at[INSTANT_TEXT_MAX];
	struct buf what = { 0 };
	buf_printf(&what, "credit for invoice %.*s: %s", (int)of->number.n, of->number.p, why);
	money_total_format(amount, text);
	buf_printf(b, "{\"schema\":\"tally.invoice/1\",\"number\":\"%s\",\"status\":\"final\"",
		   number);
	buf_puts(b, ",\"kind\":\"note\",\"customer\":");
	json_put_string(b, of->customer);
	buf_printf(b, ",\"period\":{\"from\":\"%s\"", instant_format(of->from, at));
	buf_printf(b, ",\"to\":\"%s\",\"first_day\":\"%.*s\",\"last_day\":\"%.*s\",\"timezone\":",
		   instant_format(of->to, at), (int)of->first_day.n, of->first_day.p,
		   (int)of->last_day.n, of->last_day.p);
	json_put_string(b, of->zone);
	buf_puts(b, "},\"currency\":");
	json_put_string(b, of->currency);
	buf_printf(b, ",\"issued\":\"%s\",\"corrects\":", instant_format(now, at));
	json_put_string(b, of->number);
	buf_puts(b, ",\"lines\":[\n{\"description\":");
	json_put_string(b, (struct text){ what.p, what.n });
	buf_printf(
		b,
		",\"kind\":\"note\",\"project\":\"\",\"model\":\"\",\"bucket\":\"\",\"quantity\":"
		"\"1\",\"unit_price\":\"%s\",\"unit\":\"\",\"exact\":\"%s\",\"amount\":\"%s\"}],\n"
		"\"subtotal\":\"%s\",\"credits_applied\":\"0\",\"taxes\":[],\"total\":\"%s\"}\n",
		text, text, text, text, text);
	buf_release(&what);
}

int invoice_note(struct ledger *l, int64_t id, const struct money_total *amount, const char *why,
		 struct instant now, int64_t *note, struct err *e)
{
	struct store *s = ledger_store(l);
	struct stored_invoice i;
	struct notes given = { .of = id, .e = e };
	struct money_total total, left;
	struct arena texts = { 0 };
	char number[80], text[2][DECIMAL_TEXT_MAX];
	int rc = invoice_each(s, NULL, add_note, &given, e);
	if (rc == 0)
		rc = find_by_id(s, id, &texts, &i, e);
	if (rc == 0 && (!text_is(i.status, "final") || !text_is(i.kind, "invoice")))
		rc = err_set(e, ERR_CONFLICT, "a credit note is for a final invoice");
	if (rc == 0)
		rc = total_of(i.total, &total, e);
	if (rc != 0) {
		arena_release(&texts);
		return rc;
	}
	left.atto = total.atto + given.sum.atto; /* notes are negative */
	struct money_total back = amount ? *amount : left;
	if (back.atto <= 0 || back.atto > left.atto)
		rc = err_set(e, ERR_LIMIT, "%s cannot be credited: %s is left of invoice %.*s",
			     money_total_format(back, text[0]), money_total_format(left, text[1]),
			     (int)i.number.n, i.number.p);
	struct buf document = { 0 };
	const struct account *a = NULL;
	back.atto = -back.atto;
	if (rc == 0)
		rc = ledger_find_account(l, i.customer, &a, e);
	if (rc == 0)
		rc = next_number(s, "CN-", a, now, number, e);
	if (rc == 0) {
		put_note(&document, &i, number, back, why, now);
		rc = insert(
			s,
			&(struct new_invoice){ .kind = "note",
					       .status = "final",
					       .why = why,
					       .number = text_of(number),
					       .customer = i.customer,
					       .currency = i.currency,
					       .document = { document.p, document.n },
					       .total = text_of(money_total_format(back, text[0])),
					       .from = i.from,
					       .to = i.to,
					       .created = now,
					       .finalized = now,
					       .corrects = id },
			note, e);
	}
	if (rc == 0)
		rc = enter(l, "invoice", *note, e);
	buf_release(&document);
	arena_release(&texts);
	return rc;
}

/* --- checks --- */

int invoice_text(struct store *s, int64_t id, bool voided, struct buf *out, bool *there,
		 struct err *e)
{
	struct stored_invoice i;
	struct arena texts = { 0 };
	struct err none;
	int rc = find_by_id(s, id, &texts, &i, &none);
	*there = false;
	if (rc != 0 && none.code == ERR_NOT_FOUND)
		return 0;
	if (rc != 0) {
		*e = none;
		return rc;
	}
	/* a draft has no place in the journal */
	*there = !text_is(i.status, "draft") && (!voided || text_is(i.status, "void"));
	buf_add(out, i.number.p, i.number.n);
	if (voided) {
		buf_printf(out, " %lld ", (long long)i.voided.us);
		buf_add(out, i.why.p, i.why.n);
	} else {
		buf_printf(out, " %lld ", (long long)i.finalized.us);
		buf_add(out, i.document.p, i.document.n);
	}
	arena_release(&texts);
	return 0;
}

int invoice_verify(struct store *s, char fault[200], struct err *e)
{
	static const struct {
		const char *what, *sql;
	} laws[] = {
		{ "invoice numbers have gaps",
		  "SELECT count(*) FROM invoice_series WHERE last<>(SELECT count(*) FROM invoice "
		  "WHERE substr(number,1,length(series)+1)=series||'-' AND "
		  "substr(number,length(series)+2) NOT LIKE '%-%')" },
		{ "invoices do not say what their rows say",
		  "SELECT count(*) FROM invoice WHERE status<>'draft' AND (document->>'number'<>"
		  "number OR document->>'total'<>total OR document->>'customer'<>customer)" },
		{ "final invoices are not in the journal",
		  "SELECT count(*) FROM invoice WHERE status<>'draft' AND id NOT IN (SELECT ref "
		  "FROM "
		  "journal WHERE kind='invoice')" },
	};
	*fault = 0;
	for (size_t i = 0; i < sizeof laws / sizeof *laws && !*fault; i++) {
		int64_t n;
		int rc = db_read_int(store_db(s), laws[i].sql, &n, e);
		if (rc != 0)
			return rc;
		if (n)
			snprintf(fault, 200, "%s (%lld)", laws[i].what, (long long)n);
	}
	return 0;
}
