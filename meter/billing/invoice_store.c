#include "meter/billing/invoice_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/zone.h"
#include "meter/billing/cycle.h"
#include "meter/billing/standing.h"
#include "meter/ledger/journal.h"
#include "meter/store/refused.h"
#include "meter/store/laws.h"

static struct text text_or_empty(struct query *q, int column)
{
	return db_is_null(q, column) ? TEXT("") : db_text(q, column);
}

static int64_t int_or_zero(struct query *q, int column)
{
	return db_is_null(q, column) ? 0 : db_int(q, column);
}

static int64_t number_or_zero(struct query *q, int column)
{
	struct decimal d;
	int64_t n = 0;
	if (!db_is_null(q, column) && decimal_parse(&d, db_text(q, column), NULL) == 0)
		decimal_to_int64(d, 0, &n);
	return n;
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
					.zone = text_or_empty(q, 17),
					.unpriced = number_or_zero(q, 18),
					.due = text_or_empty(q, 19),
					.placeholders = number_or_zero(q, 21) };
	if (!db_is_null(q, 20))
		out->part =
			text_is(db_text(q, 20), "interim") ? INVOICE_INTERIM : INVOICE_SUPPLEMENT;
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
				       &out->last_day, &out->zone,     &out->due };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = keep(a, *texts[i]);
}

#define INVOICE \
	"SELECT id,kind,status,number,customer,currency,period_from,period_to,document," \
	"total,created,finalized,voided,why,corrects,document->'period'->>'first_day'," \
	"document->'period'->>'last_day',document->'period'->>'timezone'," \
	"document->>'unpriced',document->>'due',document->>'part'," \
	"document->>'placeholders' FROM invoice "
static const struct sql sql_invoice_at = {
	.text = INVOICE "WHERE id=:id",
};

static int find_by_id(struct store *s, int64_t id, struct arena *a, struct stored_invoice *out,
		      struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_invoice_at, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":id", id);
	rc = db_step(store_db(s), q, e);
	if (rc == 1)
		take_row(q, a, out);
	db_reset(q);
	return rc == 1	 ? 0
	       : rc == 0 ? err_set(e, ERR_NOT_FOUND, "no invoice #%lld", (long long)id)
			 : rc;
}

static const struct sql sql_invoice_by_number = {
	.text = INVOICE "WHERE number=:number",
};

int invoice_find(struct store *s, const char *name, struct arena *keep_in,
		 struct stored_invoice *out, struct err *e)
{
	struct query *q;
	char *end;
	int rc = db_statement(store_db(s), &sql_invoice_by_number, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":number", text_of(name));
	rc = db_step(store_db(s), q, e);
	if (rc == 1)
		take_row(q, keep_in, out);
	db_reset(q);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	int64_t id = strtoll(name + (*name == '#'), &end, 10);
	if (*end || id <= 0)
		return err_set(e, ERR_NOT_FOUND, "no invoice '%s'", name);
	return find_by_id(s, id, keep_in, out, e);
}

static const struct sql sql_invoice_list = { .text = INVOICE "ORDER BY period_from,id" };
static const struct sql sql_invoices_of = {
	.text = INVOICE "WHERE customer=:customer ORDER BY period_from,id",
};

int invoice_each(struct store *s, const char *customer,
		 int (*take)(void *user, const struct stored_invoice *i), void *user, struct err *e)
{
	struct query *q;
	struct stored_invoice i;
	const bool all = !customer || !*customer;
	int rc = db_statement(store_db(s), all ? &sql_invoice_list : &sql_invoices_of, &q, e);
	if (rc != 0)
		return rc;
	if (!all)
		db_bind_text(q, ":customer", text_of(customer));
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		read_invoice(q, &i);
		if ((rc = take(user, &i)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

/* Terms say the currency; those of the period's first day hold. */
static int currency_of(const struct account *a, struct instant from, struct arena *keep_in,
		       struct text *out, struct err *e)
{
	struct zone *z;
	struct terms *t;
	int rc = zone_open(&z, a->zone.p, e);
	if (rc != 0)
		return rc;
	t = mem_zalloc(sizeof *t);
	rc = terms_read(t, a->terms, zone_day(z, from), e);
	if (rc == 0)
		*out = keep(keep_in, t->currency);
	else
		err_context(e, "the terms of '%.*s'", (int)a->customer.n, a->customer.p);
	if (rc == 0)
		terms_release(t);
	free(t);
	zone_close(z);
	return rc;
}

/* Charges stand for whole periods: a period that shares days with another one has no difference;
 * and in one currency, or they would be asked for twice. */
static int check_standing(const struct standing_list *l, const struct invoice *i, struct err *e)
{
	for (size_t k = 0; k < l->count; k++) {
		const struct standing *s = &l->period[k];
		const bool same = s->from.us == i->from.us && s->to.us == i->to.us;
		if (s->from.us >= i->to.us || s->to.us <= i->from.us || !standing_counts(s) ||
		    (same && text_eq(s->currency, i->currency)))
			continue;
		if (same)
			return err_set(
				e, ERR_CONFLICT,
				"the period is already invoiced to '%.*s' in %.*s: void that invoice before one in %.*s",
				(int)i->customer.n, i->customer.p, (int)s->currency.n,
				s->currency.p, (int)i->currency.n, i->currency.p);
		return err_set(e, ERR_CONFLICT,
			       "%s%.*s of '%.*s' already covers part of that period",
			       s->number.n ? "invoice " : "an adjustment", (int)s->number.n,
			       s->number.n ? s->number.p : "", (int)i->customer.n, i->customer.p);
	}
	return 0;
}

/* A supplement is in the currency of its period's own invoice, whatever the terms say now. */
static int supplement_of(const struct standing_list *l, const struct account *a, struct period of,
			 struct text *currency, struct err *e)
{
	for (size_t k = 0; k < l->count; k++)
		if (l->period[k].from.us == of.from.us && l->period[k].to.us == of.to.us &&
		    l->period[k].number.n) {
			*currency = l->period[k].currency;
			return 0;
		}
	return err_set(e, ERR_NOT_FOUND, "'%.*s' has no invoice of that period to supplement",
		       (int)a->customer.n, a->customer.p);
}

static int compute(struct invoicer *v, struct invoice *out, const struct account *a,
		   struct period period, struct instant now, struct err *e)
{
	struct standing_list standing = { 0 };
	struct invoice_basis of = { .period = period, .standing = &standing, .now = now };
	struct arena texts = { 0 };
	int rc = currency_of(a, period.from, &texts, &of.currency, e);
	if (rc == 0)
		rc = standing_read(&standing, ledger_store(invoicer_ledger(v)), a->customer, e);
	if (rc == 0 && invoicer_part_of(v) == INVOICE_SUPPLEMENT)
		rc = supplement_of(&standing, a, period, &of.currency, e);
	if (rc == 0)
		rc = invoice_compute(v, out, a, &of, e);
	if (rc == 0) {
		rc = check_standing(&standing, out, e);
		if (rc != 0)
			invoice_release(out);
	}
	standing_release(&standing);
	arena_release(&texts);
	return rc;
}

/* --- drafts --- */

/* interim invoices and supplements are parts of their period; drafts give way, see drop_drafts */
static const struct sql sql_invoice_overlap = {
	.text = "SELECT number FROM invoice WHERE customer=:customer AND kind='invoice' AND "
		"status='final' AND period_from<:to AND period_to>:from AND NOT(period_from=:from "
		"AND period_to=:to AND document->>'part' IS NOT NULL) LIMIT 1",
};

static int check_overlap(struct store *s, const struct invoice *i, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_invoice_overlap, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", i->customer);
	db_bind_int(q, ":from", i->from.us);
	db_bind_int(q, ":to", i->to.us);
	rc = db_step(store_db(s), q, e);
	if (rc == 1)
		rc = err_set(e, ERR_CONFLICT,
			     "invoice %.*s of '%.*s' already covers part of that period",
			     (int)db_text(q, 0).n, db_text(q, 0).p, (int)i->customer.n,
			     i->customer.p);
	db_reset(q);
	return rc;
}

static const struct sql sql_invoiced_before = {
	.text = "SELECT coalesce(max(period_to),0) FROM invoice WHERE customer=:customer AND "
		"kind='invoice' AND status='final' AND period_to<=:from",
};

/* Where the last invoice before it ends in the midst of a period, the rest of that one is on none.
 */
static int find_gap(struct store *s, const struct account *a, const struct invoice *i,
		    struct draft *out, struct err *e)
{
	struct query *q;
	struct zone *z;
	int rc = db_statement(store_db(s), &sql_invoiced_before, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", i->customer);
	db_bind_int(q, ":from", i->from.us);
	rc = db_step(store_db(s), q, e);
	const struct instant from = { rc == 1 ? db_int(q, 0) : 0 };
	db_reset(q);
	rc = rc < 0 ? rc : zone_open(&z, a->zone.p, e);
	if (rc != 0)
		return rc;
	const struct period of = cycle_period(z, a->anchor_day, from);
	if (from.us > 0 && of.from.us < from.us && of.to.us <= i->from.us) {
		day_format(zone_day(z, from), out->gap_from);
		day_format(zone_day(z, (struct instant){ of.to.us - 1 }), out->gap_last);
	}
	zone_close(z);
	return 0;
}

struct new_invoice {
	const char *kind, *status, *why;
	struct text number, customer, currency, document, total;
	struct instant from, to, created, finalized;
	int64_t corrects;
};

static const struct sql sql_invoice_add = {
	.text = "INSERT INTO invoice(kind,status,number,customer,currency,period_from,period_to,"
		"document,total,created,finalized,why,corrects,counted) "
		"VALUES(:kind,:status,:number,:customer,:currency,:from,:to,:document,:total,"
		":created,:finalized,:why,:corrects,0) RETURNING id",
};

static int insert(struct store *s, const struct new_invoice *n, int64_t *id, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_invoice_add, &q, e);
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

static int refuse_fault(void *user, const struct account_fault *f)
{
	const struct account *a = user;
	return f->account == a->id ? 1 : 0;
}

/* Usage that waits behind a fault would be missing. */
static int check_fault(struct store *s, const struct account *a, struct err *e)
{
	int rc = ledger_each_fault(s, refuse_fault, (void *)(uintptr_t)a, e);
	if (rc <= 0)
		return rc;
	return err_set(e, ERR_MISMATCH,
		       "usage of %.*s has not been drawn (`tally status` says why); run `tally "
		       "credit repair` first",
		       (int)a->customer.n, a->customer.p);
}

/* What a part of a period is for: an interim invoice from the threshold of the terms on, a
 * supplement where anything has changed. */
static bool is_due(const struct invoice *i)
{
	if (i->part == INVOICE_INTERIM)
		return i->lines && i->total.atto >= i->terms.threshold.atto && i->total.atto > 0;
	return i->part == INVOICE_OWN || i->lines || i->total.atto;
}

/* whichever days of the period they were of: its zone or billing day may have changed since */
static const struct sql sql_invoice_drop_drafts = {
	.text = "DELETE FROM invoice WHERE status='draft' AND customer=:customer "
		"AND period_from<:to AND period_to>:from",
};

static int drop_drafts(struct store *s, const struct invoice *i, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_invoice_drop_drafts, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", i->customer);
	db_bind_int(q, ":from", i->from.us);
	db_bind_int(q, ":to", i->to.us);
	return db_done(store_db(s), q, e);
}

static int put_draft(struct store *s, const struct invoice *i, struct instant now, int64_t *id,
		     struct err *e)
{
	struct buf document = { 0 };
	char total[DECIMAL_TEXT_MAX];
	invoice_put(&document, i, "draft", NULL, now);
	const struct new_invoice n = { .kind = "invoice",
				       .status = "draft",
				       .why = "",
				       .customer = i->customer,
				       .currency = i->currency,
				       .document = { document.p, document.n },
				       .total = text_of(money_total_format(i->total, total)),
				       .from = i->from,
				       .to = i->to,
				       .created = now };
	int rc = insert(s, &n, id, e);
	buf_release(&document);
	return rc;
}

int invoice_draft(struct invoicer *v, const struct account *a, struct period period,
		  struct instant now, struct draft *out, struct err *e)
{
	struct store *s = ledger_store(invoicer_ledger(v));
	struct invoice i;
	*out = (struct draft){ 0 };
	int rc = check_fault(s, a, e);
	if (rc == 0)
		rc = compute(v, &i, a, period, now, e);
	if (rc != 0)
		return rc;
	out->unpriced = i.unpriced;
	out->elsewhere = i.elsewhere;
	const struct usage_filter of = { .customer = a->customer.p,
					 .since = period.from,
					 .until = period.to };
	rc = refused_count(s, &of, &out->refused, e);
	if (rc == 0 && i.part != INVOICE_SUPPLEMENT)
		rc = check_overlap(s, &i, e);
	if (rc == 0 && i.part == INVOICE_OWN)
		rc = find_gap(s, a, &i, out, e);
	if (rc == 0)
		rc = drop_drafts(s, &i, e);
	if (rc == 0 && is_due(&i))
		rc = put_draft(s, &i, now, &out->id, e);
	invoice_release(&i);
	return rc;
}

/* --- final --- */

static const struct sql sql_invoice_next_number = {
	.text = "INSERT INTO invoice_series VALUES(:series,1) ON CONFLICT(series) DO UPDATE "
		"SET last=invoice_series.last+1 RETURNING last",
};

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
	struct civil c = civil_from_day(zone_day(z, now));
	zone_close(z);
	snprintf(series, sizeof series, "%.50s%04d", prefix, c.year);
	rc = db_statement(store_db(s), &sql_invoice_next_number, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":series", text_of(series));
	rc = db_step(store_db(s), q, e);
	if (rc == 1)
		snprintf(out, 80, "%s-%06lld", series, (long long)db_int(q, 0));
	db_reset(q);
	return rc == 1	? 0
	       : rc < 0 ? rc
			: err_set(e, ERR_STORE, "no invoice number could be assigned");
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

static const struct sql sql_invoice_finalize = {
	/* terms may have changed since the draft */
	.text = "UPDATE invoice SET status='final',number=:number,document=:document,"
		"currency=:currency,total=:total,finalized=:now,counted=:counted WHERE id=:id",
};

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
		rc = db_statement(store_db(s), &sql_invoice_finalize, &q, e);
	if (rc != 0)
		return rc;
	invoice_put(&document, i, "final", number, now);
	db_bind_int(q, ":id", id);
	db_bind_text(q, ":number", text_of(number));
	db_bind_text(q, ":document", (struct text){ document.p, document.n });
	db_bind_text(q, ":currency", i->currency);
	db_bind_text(q, ":total", text_of(money_total_format(i->total, total)));
	db_bind_int(q, ":now", now.us);
	db_bind_int(q, ":counted", i->counted.nano);
	rc = db_done(store_db(s), q, e);
	if (rc == 0)
		rc = enter(l, "invoice", id, e);
	if (rc == 0 && i->overage.nano) {
		char key[100];
		snprintf(key, sizeof key, "invoice:%s", number);
		rc = ledger_bill_overage(l, a->id, i->overage, text_of(key), now, e);
	}
	buf_release(&document);
	return rc;
}

int invoice_finalize(struct invoicer *v, int64_t id, struct instant now, struct err *e)
{
	struct ledger *l = invoicer_ledger(v);
	struct stored_invoice draft;
	const struct account *a;
	struct invoice i;
	struct arena texts = { 0 };
	char to[INSTANT_TEXT_MAX];
	int rc = find_by_id(ledger_store(l), id, &texts, &draft, e);
	if (rc == 0 && !text_is(draft.status, "draft"))
		rc = err_set(e, ERR_CONFLICT, "invoice %.*s is %.*s already", (int)draft.number.n,
			     draft.number.p, (int)draft.status.n, draft.status.p);
	if (rc == 0 && draft.to.us > now.us && draft.part != INVOICE_INTERIM)
		rc = err_set(e, ERR_INVALID,
			     "the period ends at %s: an invoice is final only after it",
			     instant_format(draft.to, to));
	if (rc == 0)
		rc = ledger_account(l, draft.customer, &a, e);
	if (rc == 0) {
		invoicer_part(v, draft.part);
		rc = compute(v, &i, a, (struct period){ draft.from, draft.to }, now, e);
	}
	arena_release(&texts);
	if (rc != 0)
		return rc;
	if (i.unpriced && !invoicer_accepts_uncovered(v)) {
		rc = err_set(e, ERR_UNPRICED,
			     "%s of the period %s no price or %s not covered "
			     "by the plan; add what is missing, or accept the invoice as it is "
			     "with " ASKED("accept-uncovered"),
			     COUNTED(i.unpriced, "record"), i.unpriced == 1 ? "has" : "have",
			     i.unpriced == 1 ? "is" : "are");
		invoice_release(&i);
		return rc;
	}
	rc = write_final(l, id, &i, a, now, e);
	invoice_release(&i);
	return rc;
}

static const struct sql sql_invoice_void = {
	.text = "UPDATE invoice SET status='void',voided=:now,why=:why WHERE id=:id",
};

static int set_void(struct ledger *l, int64_t id, const char *why, struct instant now,
		    struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(ledger_store(l)), &sql_invoice_void, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":id", id);
	db_bind_int(q, ":now", now.us);
	db_bind_text(q, ":why", text_of(why));
	rc = db_done(store_db(ledger_store(l)), q, e);
	return rc == 0 ? enter(l, "void", id, e) : rc;
}

struct notes_of {
	int64_t of, *id;
	size_t count;
};

static int take_note(void *user, const struct stored_invoice *i)
{
	struct notes_of *n = user;
	if (i->corrects != n->of || !text_is(i->status, "final"))
		return 0;
	n->id = mem_grow(n->id, (n->count + 1) * sizeof *n->id);
	n->id[n->count++] = i->id;
	return 0;
}

static int not_final(const struct stored_invoice *i, const char *what, struct err *e)
{
	char name[24];
	snprintf(name, sizeof name, "#%lld", (long long)i->id);
	const struct text n = i->number.n ? i->number : text_of(name);
	const bool note = text_is(i->status, "final");
	return err_set(e, ERR_CONFLICT, "%.*s is %s%.*s; only a final invoice can be %s", (int)n.n,
		       n.p,
		       note			     ? "a credit "
		       : text_is(i->status, "draft") ? "a "
						     : "",
		       (int)(note ? i->kind.n : i->status.n), note ? i->kind.p : i->status.p, what);
}

/* Its credit notes end with it, and the account owes again what it asked for. */
int invoice_void(struct ledger *l, int64_t id, const char *why, struct instant now, struct err *e)
{
	struct store *s = ledger_store(l);
	struct stored_invoice i;
	struct arena texts = { 0 };
	struct notes_of notes = { .of = id };
	const struct account *a = NULL;
	char key[2][100];
	int rc = find_by_id(s, id, &texts, &i, e);
	if (rc == 0 && !text_is(i.status, "final"))
		rc = not_final(&i, "voided", e);
	if (rc == 0)
		rc = invoice_each(s, i.customer.p, take_note, &notes, e);
	for (size_t k = 0; rc == 0 && k < notes.count; k++)
		rc = set_void(l, notes.id[k], why, now, e);
	if (rc == 0)
		rc = set_void(l, id, why, now, e);
	if (rc == 0)
		rc = ledger_find_account(l, i.customer, &a, e);
	if (rc == 0 && a && text_is(i.kind, "invoice")) {
		snprintf(key[0], sizeof key[0], "invoice:%.*s", (int)i.number.n, i.number.p);
		snprintf(key[1], sizeof key[1], "void:%.*s", (int)i.number.n, i.number.p);
		rc = ledger_unbill(l, a->id, text_of(key[0]), text_of(key[1]), now, e);
	}
	free(notes.id);
	arena_release(&texts);
	return rc;
}

/* --- credit notes --- */

/* What the standing notes of an invoice come to, and each of its taxes in them, in its order; and
 * what the next one is of. All are below 0. */
struct notes {
	int64_t of;
	struct money_total back;
	struct money_total sum, tax[TERMS_ITEMS_MAX];
	struct err *e;
};

static int add_note_taxes(struct notes *n, struct text document)
{
	struct json_document *doc;
	size_t k = 0;
	int rc = json_open(&doc, document, n->e);
	if (rc != 0)
		return rc;
	for (json_value *t = json_first(json_member(json_root(doc), "taxes"));
	     rc == 0 && t && k < TERMS_ITEMS_MAX; t = json_next(t)) {
		struct money_total tax = { 0 };
		rc = amount_parse(&tax, json_string(json_member(t, "amount")), n->e);
		n->tax[k++].atto += tax.atto;
	}
	json_close(doc);
	return rc;
}

static int add_note(void *user, const struct stored_invoice *i)
{
	struct notes *n = user;
	struct money_total t;
	if (i->corrects != n->of || !text_is(i->status, "final"))
		return 0;
	int rc = amount_parse(&t, i->total, n->e);
	if (rc != 0)
		return rc;
	n->sum.atto += t.atto;
	return add_note_taxes(n, i->document);
}

static void put_amount(struct buf *b, const char *key, struct money_total m)
{
	char text[DECIMAL_TEXT_MAX];
	buf_printf(b, ",\"%s\":\"%s\"", key, money_total_format(m, text));
}

/* What a note credits of a tax: all notes until then, of so much, have it in the invoice's ratio,
 * so that roundings do not add up and an invoice that is credited whole has all of its tax
 * credited. `before` is in the notes that stand; where a void one leaves more than the ratio,
 * nothing is. */
static struct money_total note_tax(struct money_total tax, struct money_total credited,
				   struct money_total total, struct money_total before, int places)
{
	struct money_total part =
		amount_ratio(tax, credited, total, (struct rounding){ places, ROUND_HALF_UP });
	part.atto = -part.atto - before.atto;
	return (part.atto < 0) == (tax.atto > 0) ? part : (struct money_total){ 0 };
}

/* Each tax in the ratio that the invoice has it, rounded as it is; the rest is net. */
static int put_note_taxes(struct buf *b, json_value *root, const struct notes *given,
			  struct money_total *net, struct err *e)
{
	struct money_total total;
	const struct money_total credited = { -given->back.atto - given->sum.atto };
	json_value *rounding = json_member(root, "rounding");
	struct decimal d;
	int64_t places = 2;
	size_t k = 0;
	int rc = amount_parse(&total, json_string(json_member(root, "total")), e);
	if (decimal_parse(&d, json_number(json_member(rounding, "places")), NULL) == 0)
		decimal_to_int64(d, 0, &places);
	*net = given->back;
	buf_puts(b, ",\"taxes\":[");
	for (json_value *t = json_first(json_member(root, "taxes"));
	     rc == 0 && t && k < TERMS_ITEMS_MAX; t = json_next(t), k++) {
		struct money_total tax, part;
		rc = amount_parse(&tax, json_string(json_member(t, "amount")), e);
		if (rc == 0)
			part = note_tax(tax, credited, total, given->tax[k], (int)places);
		if (rc != 0)
			break;
		net->atto -= part.atto;
		buf_puts(b, k ? ",{\"name\":" : "{\"name\":");
		json_put_string(b, json_string(json_member(t, "name")));
		buf_puts(b, ",\"percent\":");
		json_put_string(b, json_string(json_member(t, "percent")));
		put_amount(b, "amount", part);
		buf_puts(b, "}");
	}
	buf_puts(b, "]");
	return rc;
}

/* Who issues it, who gets it and how it is written are as in the invoice. */
static int put_note(struct buf *b, const struct stored_invoice *of, const struct notes *given,
		    const struct new_invoice *n, struct err *e)
{
	static const char *const taken[] = { "issuer", "bill_to", "language", "reverse_charge",
					     "rounding" };
	char text[DECIMAL_TEXT_MAX], at[INSTANT_TEXT_MAX];
	struct buf what = { 0 }, taxes = { 0 };
	struct money_total net;
	struct json_document *doc;
	int rc = json_open(&doc, of->document, e);
	if (rc != 0)
		return rc;
	json_value *root = json_root(doc);
	rc = put_note_taxes(&taxes, root, given, &net, e);
	buf_printf(&what, "credit for invoice %.*s: %s", (int)of->number.n, of->number.p, n->why);
	money_total_format(net, text);
	buf_printf(b, "{\"schema\":\"tally.invoice/1\",\"number\":\"%.*s\",\"status\":\"final\"",
		   (int)n->number.n, n->number.p);
	buf_puts(b, ",\"kind\":\"note\",\"customer\":");
	json_put_string(b, of->customer);
	buf_printf(b, ",\"period\":{\"from\":\"%s\"", instant_format(of->from, at));
	buf_printf(b, ",\"to\":\"%s\",\"first_day\":\"%.*s\",\"last_day\":\"%.*s\",\"timezone\":",
		   instant_format(of->to, at), (int)of->first_day.n, of->first_day.p,
		   (int)of->last_day.n, of->last_day.p);
	json_put_string(b, of->zone);
	buf_puts(b, "},\"currency\":");
	json_put_string(b, of->currency);
	buf_printf(b, ",\"issued\":\"%s\",\"corrects\":", instant_format(n->created, at));
	json_put_string(b, of->number);
	for (size_t k = 0; k < sizeof taken / sizeof *taken; k++)
		if (json_member(root, taken[k])) {
			buf_printf(b, ",\"%s\":", taken[k]);
			json_put_value(b, json_member(root, taken[k]));
		}
	buf_puts(b, ",\"lines\":[\n{\"description\":");
	json_put_string(b, (struct text){ what.p, what.n });
	buf_printf(
		b,
		",\"kind\":\"note\",\"project\":\"\",\"model\":\"\",\"bucket\":\"\",\"quantity\":"
		"\"1\",\"unit_price\":\"%s\",\"unit\":\"\",\"exact\":\"%s\",\"amount\":\"%s\"}],\n"
		"\"subtotal\":\"%s\",\"credits_applied\":\"0\"",
		text, text, text, text);
	buf_add(b, taxes.p, taxes.n);
	put_amount(b, "total", given->back);
	buf_puts(b, "}\n");
	buf_release(&what);
	buf_release(&taxes);
	json_close(doc);
	return rc;
}

/* A note has no finer places than its invoice. */
static int check_places(const struct stored_invoice *of, struct money_total amount, struct err *e)
{
	struct json_document *doc;
	struct decimal d;
	int64_t places = 2;
	char text[DECIMAL_TEXT_MAX];
	int rc = json_open(&doc, of->document, e);
	if (rc != 0)
		return rc;
	json_value *rounding = json_member(json_root(doc), "rounding");
	if (decimal_parse(&d, json_number(json_member(rounding, "places")), NULL) == 0)
		decimal_to_int64(d, 0, &places);
	json_close(doc);
	if (amount_round(amount, (struct rounding){ (int)places, ROUND_DOWN }).atto == amount.atto)
		return 0;
	return err_set(e, ERR_INVALID, "%s is finer than the %lld decimals of invoice %.*s",
		       money_total_format(amount, text), (long long)places, (int)of->number.n,
		       of->number.p);
}

/* What later documents gave back is not credited once more. */
static int limit_to_standing(struct store *s, const struct stored_invoice *i,
			     struct money_total *left, struct err *e)
{
	struct standing_list standing;
	bool known;
	int rc = standing_read(&standing, s, i->customer, e);
	if (rc == 0) {
		const struct money_total most = standing_creditable(&standing, i->number, &known);
		if (known && most.atto < left->atto)
			*left = most;
	}
	standing_release(&standing);
	return rc;
}

int invoice_note(struct ledger *l, const struct note_asked *asked, struct instant now,
		 int64_t *note, struct err *e)
{
	struct store *s = ledger_store(l);
	struct stored_invoice i;
	struct notes given = { .of = asked->invoice, .e = e };
	struct money_total total, left;
	struct arena texts = { 0 };
	char number[80] = "", text[2][DECIMAL_TEXT_MAX];
	int rc = find_by_id(s, asked->invoice, &texts, &i, e);
	if (rc == 0)
		rc = invoice_each(s, i.customer.p, add_note, &given, e);
	if (rc == 0 && (!text_is(i.status, "final") || !text_is(i.kind, "invoice")))
		rc = not_final(&i, "credited", e);
	if (rc == 0)
		rc = amount_parse(&total, i.total, e);
	if (rc != 0) {
		arena_release(&texts);
		return rc;
	}
	left.atto = total.atto + given.sum.atto; /* notes are negative */
	rc = limit_to_standing(s, &i, &left, e);
	struct money_total back = asked->amount ? *asked->amount : left;
	if (rc == 0 && (back.atto <= 0 || back.atto > left.atto))
		rc = err_set(e, ERR_LIMIT, "%s cannot be credited: %s is left of invoice %.*s",
			     money_total_format(back, text[0]), money_total_format(left, text[1]),
			     (int)i.number.n, i.number.p);
	if (rc == 0)
		rc = check_places(&i, back, e);
	struct buf document = { 0 };
	const struct account *a = NULL;
	given.back.atto = -back.atto;
	if (rc == 0)
		rc = ledger_find_account(l, i.customer, &a, e);
	if (rc == 0)
		rc = next_number(s, "CN-", a, now, number, e);
	struct new_invoice n = { .kind = "note",
				 .status = "final",
				 .why = asked->why,
				 .number = text_of(number),
				 .customer = i.customer,
				 .currency = i.currency,
				 .total = text_of(money_total_format(given.back, text[0])),
				 .from = i.from,
				 .to = i.to,
				 .created = now,
				 .finalized = now,
				 .corrects = asked->invoice };
	if (rc == 0)
		rc = put_note(&document, &i, &given, &n, e);
	if (rc == 0) {
		n.document = (struct text){ document.p, document.n };
		rc = insert(s, &n, note, e);
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
	static const struct law laws[] = {
		{ "invoice numbers have gaps",
		  "SELECT count(*) FROM invoice_series WHERE last<>(SELECT count(*) FROM invoice "
		  "WHERE substr(number,1,length(series)+1)=series||'-' AND "
		  "substr(number,length(series)+2) NOT LIKE '%-%')" },
		{ "invoices differ from their rows",
		  "SELECT count(*) FROM invoice WHERE status<>'draft' AND (document->>'number'<>"
		  "number OR document->>'total'<>total OR document->>'customer'<>customer "
		  "OR document->>'currency'<>currency)" },
		{ "final invoices are not in the journal",
		  "SELECT count(*) FROM invoice WHERE status<>'draft' AND id NOT IN (SELECT ref "
		  "FROM "
		  "journal WHERE kind='invoice')" },
	};
	return laws_check(s, laws, sizeof laws / sizeof *laws, fault, e);
}
