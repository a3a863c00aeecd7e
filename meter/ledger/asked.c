#include "meter/ledger/asked.h"

#include <stdlib.h>

/* What a transaction entered as owed, and as asked for. */
struct row {
	int64_t txn, from_us, at_us, owed, asked;
	bool by_hand, bills;
	struct text key;
};

/* What one invoice asked for. */
struct bill {
	struct text key;
	size_t of;
	int64_t nano;
};

struct reading {
	struct asked *out;
	struct row *row;
	size_t rows;
	struct bill *bill;
	size_t bills;
	size_t *early; /* places of out, the earliest first */
};

static const struct sql sql_lacked = {
	.text = "SELECT t.id,t.at,t.kind,t.usage_from,coalesce(t.key,''),-sum(CASE e.pot WHEN "
		"'overage' THEN e.amount ELSE 0 END),-sum(CASE e.pot WHEN 'billed' THEN e.amount "
		"ELSE 0 END) FROM ledger_txn t INDEXED BY txn_of_account JOIN ledger_entry e ON "
		"e.txn=t.id WHERE t.account=:account AND e.pot IN ('overage','billed') GROUP BY "
		"t.id,t.at,t.kind,t.usage_from,t.key ORDER BY t.id",
};

static int read_rows(struct reading *r, struct ledger *l, struct state *s, struct hours *hours,
		     struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_lacked, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", s->account.id);
	while ((rc = db_step(l->db, q, e)) == 1) {
		if ((r->rows & (r->rows - 1)) == 0)
			r->row = mem_grow(r->row, (r->rows ? r->rows * 2 : 1) * sizeof *r->row);
		struct row *row = &r->row[r->rows++];
		struct instant from = { db_int(q, 1) }, to;
		*row = (struct row){ .txn = db_int(q, 0),
				     .at_us = from.us,
				     .by_hand = db_is_null(q, 3),
				     .bills = text_is(db_text(q, 2), "bill"),
				     .key = ledger_keep(l, db_text(q, 4)),
				     .owed = db_int(q, 5),
				     .asked = db_int(q, 6) };
		if (!row->by_hand)
			hours_part(hours, row->at_us, &from, &to);
		row->from_us = from.us;
	}
	db_reset(q);
	return rc;
}

static int by_place(const void *a, const void *b)
{
	const struct asked_of *x = a, *y = b;
	if (x->from_us != y->from_us)
		return x->from_us < y->from_us ? -1 : 1;
	return (int)x->by_hand - (int)y->by_hand;
}

static struct asked_of *find(const struct asked *a, int64_t from_us, bool by_hand)
{
	const struct asked_of key = { .from_us = from_us, .by_hand = by_hand };
	return a->count ? bsearch(&key, a->of, a->count, sizeof key, by_place) : NULL;
}

const struct asked_of *asked_find(const struct asked *a, int64_t from_us, bool by_hand)
{
	return find(a, from_us, by_hand);
}

static int by_time(const void *a, const void *b, void *user)
{
	const struct asked_of *of = user;
	const size_t x = *(const size_t *)a, y = *(const size_t *)b;
	if (of[x].at_us != of[y].at_us)
		return of[x].at_us < of[y].at_us ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* A place for each part, in order. */
static void list_parts(struct reading *r)
{
	struct asked *a = r->out;
	size_t kept = 0;
	a->of = mem_alloc((r->rows + 1) * sizeof *a->of);
	for (size_t i = 0; i < r->rows; i++)
		if (!r->row[i].bills)
			a->of[a->count++] = (struct asked_of){ .from_us = r->row[i].from_us,
							       .by_hand = r->row[i].by_hand,
							       .at_us = r->row[i].at_us };
	if (a->count > 1)
		qsort(a->of, a->count, sizeof *a->of, by_place);
	for (size_t i = 0; i < a->count; i++)
		if (kept && by_place(&a->of[kept - 1], &a->of[i]) == 0)
			a->of[kept - 1].at_us = a->of[i].at_us > a->of[kept - 1].at_us
							? a->of[i].at_us
							: a->of[kept - 1].at_us;
		else
			a->of[kept++] = a->of[i];
	a->count = kept;
	r->early = mem_alloc((kept + 1) * sizeof *r->early);
	for (size_t i = 0; i < kept; i++)
		r->early[i] = i;
	if (kept > 1)
		qsort_r(r->early, kept, sizeof *r->early, by_time, a->of);
}

static void ask(struct reading *r, const struct row *row)
{
	int64_t nano = row->asked;
	for (size_t k = 0; k < r->out->count && nano > 0; k++) {
		struct asked_of *p = &r->out->of[r->early[k]];
		const int64_t of_it = p->owed < nano ? p->owed : nano;
		if (of_it <= 0 || p->by_hand) /* no invoice lists what was drawn by hand */
			continue;
		p->owed -= of_it;
		p->asked += of_it;
		p->by = row->txn;
		nano -= of_it;
		r->bill = mem_grow(r->bill, (r->bills + 1) * sizeof *r->bill);
		r->bill[r->bills++] = (struct bill){ row->key, r->early[k], of_it };
	}
}

/* "void:NUMBER" reverses what "invoice:NUMBER" asked for, but for what was paid otherwise since.
 */
static void take_back(struct reading *r, const struct row *row)
{
	int64_t nano = -row->asked;
	for (size_t k = r->bills; k-- > 0 && nano > 0;) {
		const struct text number = { r->bill[k].key.p + 8, r->bill[k].key.n - 8 };
		struct asked_of *p = &r->out->of[r->bill[k].of];
		int64_t of_it = r->bill[k].nano < p->asked ? r->bill[k].nano : p->asked;
		if (row->key.n != number.n + 5 ||
		    !text_eq(number, (struct text){ row->key.p + 5, number.n }))
			continue;
		of_it = of_it < nano ? of_it : nano;
		p->asked -= of_it;
		p->owed += of_it;
		nano -= of_it;
	}
}

/* What was given back or repaid by hand is of the latest use before it. */
static void take_latest(struct reading *r, const struct row *row)
{
	int64_t owed = -row->owed, asked = -row->asked;
	for (size_t k = r->out->count; k-- > 0 && (owed > 0 || asked > 0);) {
		struct asked_of *p = &r->out->of[r->early[k]];
		if (p->at_us > row->at_us)
			continue;
		const int64_t o = owed < p->owed ? owed : p->owed,
			      b = asked < p->asked ? asked : p->asked;
		p->owed -= o > 0 ? o : 0;
		p->asked -= b > 0 ? b : 0;
		owed -= o > 0 ? o : 0;
		asked -= b > 0 ? b : 0;
	}
}

static void follow(struct reading *r)
{
	for (size_t i = 0; i < r->rows; i++) {
		const struct row *row = &r->row[i];
		struct asked_of *p = find(r->out, row->from_us, row->by_hand);
		if (row->bills && row->asked > 0)
			ask(r, row);
		else if (row->bills)
			take_back(r, row);
		else if (row->by_hand && row->owed + row->asked < 0)
			take_latest(r, row);
		else if (p) {
			p->owed += row->owed;
			p->asked += row->asked;
		}
	}
}

int asked_read(struct asked *out, struct ledger *l, struct state *s, struct hours *hours,
	       struct err *e)
{
	struct reading r = { .out = out };
	*out = (struct asked){ 0 };
	int rc = read_rows(&r, l, s, hours, e);
	if (rc == 0) {
		list_parts(&r);
		follow(&r);
	}
	free(r.row);
	free(r.bill);
	free(r.early);
	return rc;
}

static const struct sql sql_short_by_hand = {
	.text = "SELECT coalesce(-sum(e.amount),0) FROM ledger_txn t INDEXED BY txn_by_hand JOIN "
		"ledger_entry e ON e.txn=t.id WHERE t.account=:account AND t.usage_from IS NULL "
		"AND t.kind<>'grant' AND t.kind<>'bill' AND t.kind='draw' AND e.pot='overage'",
};

int ledger_lacked_by_hand(struct ledger *l, int64_t account, struct nano_credits *out,
			  struct err *e)
{
	struct query *q;
	struct state *s;
	struct asked asked = { 0 };
	struct hours hours = { 0 };
	*out = (struct nano_credits){ 0 };
	int rc = db_statement(l->db, &sql_short_by_hand, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	rc = db_step(l->db, q, e);
	const bool any = rc == 1 && db_int(q, 0) > 0;
	db_reset(q);
	if (!any)
		return rc < 0 ? rc : 0;
	rc = ledger_state_of(l, account, &s, e);
	if (rc == 0)
		rc = ledger_need_zone(s, e);
	if (rc == 0)
		hours.zone = s->zone;
	if (rc == 0)
		rc = hours_read(&hours, l->db, account, e);
	if (rc != 0)
		return rc;
	rc = asked_read(&asked, l, s, &hours, e);
	for (size_t i = 0; rc == 0 && i < asked.count; i++)
		out->nano += asked.of[i].by_hand ? asked.of[i].owed : 0;
	asked_release(&asked);
	hours_release(&hours);
	return rc;
}

static const struct sql sql_has_bill = {
	.text = "SELECT 1 FROM ledger_txn INDEXED BY txn_bill WHERE account=:account AND "
		"kind='bill' LIMIT 1",
};
static const struct sql sql_billed = {
	.text = "SELECT coalesce(-sum(e.amount),0) FROM ledger_txn t INDEXED BY txn_of_account "
		"JOIN ledger_entry e ON e.txn=t.id WHERE t.account=:account "
		"AND t.kind IN ('bill','refund','repay') AND e.pot='billed'",
};

/* Without a bill nothing was given back or paid of one: most accounts have none. */
int ledger_billed(struct ledger *l, int64_t account, int64_t *out, struct err *e)
{
	static const struct sql *const which[] = { &sql_has_bill, &sql_billed };
	int rc = 0;
	*out = 0;
	for (int i = 0; i < 2; i++) {
		struct query *q;
		rc = db_statement(l->db, which[i], &q, e);
		if (rc != 0)
			return rc;
		db_bind_int(q, ":account", account);
		rc = db_step(l->db, q, e);
		*out = i && rc == 1 ? db_int(q, 0) : 0;
		db_reset(q);
		if (rc != 1)
			break;
	}
	return rc < 0 ? rc : 0;
}

int ledger_is_unbilled(struct ledger *l, struct state *s, bool *out, struct err *e)
{
	int64_t billed = 0;
	int rc = s->never_billed ? 0 : ledger_billed(l, s->account.id, &billed, e);
	*out = s->never_billed = rc == 0 && billed == 0;
	return rc;
}

void asked_release(struct asked *a)
{
	free(a->of);
	*a = (struct asked){ 0 };
}
