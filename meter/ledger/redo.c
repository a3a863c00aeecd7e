#include "meter/ledger/foresight.h"
#include "meter/ledger/redo.h"

#include <stdlib.h>

/* What is owed when the time begins, and what was asked for. */
static void set_out(struct redo *r)
{
	struct afresh *a = &r->afresh;
	a->lacked = r->s->account.owed.nano;
	for (size_t i = 0; i < a->events; i++) {
		const struct redo_slot *s = &r->slot[a->event[i].of];
		a->event[i].asked = s->asked < s->lacks ? s->asked : s->lacks;
		a->event[i].asked = a->event[i].asked > 0 ? a->event[i].asked : 0;
		a->lacked -= s->lacks - a->event[i].asked;
	}
}

/* What invoices have asked for of each use. */
static int read_asked(struct redo *r, struct err *e)
{
	struct afresh *a = &r->afresh;
	int rc = asked_read(&r->asked, r->l, r->s, &r->hours, e);
	if (rc == 0)
		rc = redo_read_booked(r, e);
	for (size_t i = 0; rc == 0 && i < a->events; i++) {
		struct redo_slot *s = &r->slot[a->event[i].of];
		const struct asked_of *p = s->kind == AFRESH_USE
						   ? asked_find(&r->asked, s->part_us, s->by_hand)
						   : NULL;
		s->asked = p ? p->asked : 0;
		a->event[i].asked_by = p ? p->by : 0;
	}
	return rc;
}

int redo_list(struct redo *r, struct err *e)
{
	struct afresh *a = &r->afresh;
	bool unbilled = true;
	a->event = mem_alloc((r->slots + 1) * sizeof *a->event);
	for (size_t i = 0; i < r->slots; i++) {
		const struct redo_slot *s = &r->slot[i];
		a->event[a->events++] = (struct afresh_event){
			.kind = s->kind, .at = s->at, .lot = s->lot, .of = i, .nano = s->used
		};
	}
	afresh_sort(a->event, a->events);
	for (size_t i = 0; i < a->events; i++)
		r->slot[a->event[i].of].event = i;
	/* what was asked for is owed no more: without it, usage would seem to be paid */
	int rc = ledger_is_unbilled(r->l, r->s, &unbilled, e);
	if (rc == 0 && !unbilled)
		rc = read_asked(r, e);
	if (rc == 0)
		set_out(r);
	return rc;
}

/* All of it from that instant on; *more: earlier uses count, too. */
static int redo(struct ledger *l, struct state *s, struct instant from, bool *more, struct err *e)
{
	struct redo r;
	const bool whole = from.us == INT64_MIN;
	int rc = redo_read(&r, l, s, from, e);
	*more = rc == 0 && afresh_ended_before(&r.afresh) && !whole;
	if (rc == 0 && !*more)
		rc = redo_list(&r, e);
	if (rc == 0 && !*more) {
		afresh_run(&r.afresh);
		*more = r.afresh.wants_more && !whole;
	}
	if (rc == 0 && !*more)
		rc = redo_post(&r, e);
	redo_release(&r);
	return rc;
}

int ledger_redo(struct ledger *l, struct state *s, struct err *e)
{
	bool more = false;
	if (!s->redo.account)
		return 0;
	l->redid = true;
	ledger_work_on(l, s->account.id);
	struct instant from = s->redo.from;
	int rc = redo(l, s, from, &more, e);
	for (int64_t back = afresh_back_us; rc == 0 && more; back *= afresh_back_times) {
		from = afresh_earlier(from, back);
		rc = redo(l, s, from, &more, e);
	}
	s->redo = (struct redoing){ 0 };
	s->foreseen = 0;
	return rc;
}

/* --- whether anything was booked for a later instant --- */

static const struct sql sql_last_of_usage = {
	.text = "SELECT max(at) FROM ledger_txn INDEXED BY txn_of_usage WHERE account=:account "
		"AND usage_from IS NOT NULL",
};
static const struct sql sql_last_by_hand = {
	.text = "SELECT max(at) FROM ledger_txn INDEXED BY txn_by_hand WHERE account=:account "
		"AND usage_from IS NULL AND kind<>'grant' AND kind<>'bill'",
};

static int read_last(struct ledger *l, const struct sql *which, int64_t account,
		     struct instant *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, which, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	rc = db_step(l->db, q, e);
	out->us = rc == 1 && !db_is_null(q, 0) ? db_int(q, 0) : INT64_MIN;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int ledger_need_last(struct ledger *l, struct state *s, struct err *e)
{
	if (s->has_last)
		return 0;
	int rc = read_last(l, &sql_last_of_usage, s->account.id, &s->last_usage, e);
	if (rc == 0)
		rc = read_last(l, &sql_last_by_hand, s->account.id, &s->last_by_hand, e);
	s->has_last = rc == 0;
	return rc;
}

static const struct sql sql_in_order = {
	.text = "SELECT at,CASE kind WHEN 'void' THEN 1 ELSE 0 END FROM ledger_txn INDEXED BY "
		"txn_of_account WHERE account=:account AND kind<>'grant' AND kind<>'bill' ORDER BY "
		"id",
};

int ledger_is_in_order(struct ledger *l, struct state *s, bool *out, struct err *e)
{
	struct query *q;
	int64_t last = INT64_MIN;
	*out = s->in_order == IN_ORDER;
	if (s->in_order != ORDER_UNKNOWN)
		return 0;
	int rc = db_statement(l->db, &sql_in_order, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", s->account.id);
	for (*out = true; *out && (rc = db_step(l->db, q, e)) == 1; last = db_int(q, 0))
		*out = db_int(q, 0) >= last && db_int(q, 1) == 0;
	db_reset(q);
	s->in_order = rc < 0 ? ORDER_UNKNOWN : *out ? IN_ORDER : OUT_OF_ORDER;
	return rc < 0 ? rc : 0;
}

int ledger_redo_all(struct ledger *l, struct nano_credits *lacks, struct err *e)
{
	int rc = 0;
	const int64_t before = l->lacks_more;
	struct state *s;
	for (size_t i = l->waits; rc == 0 && i-- > 0;)
		rc = ledger_state_of(l, l->waiting[i].account, &s, e);
	for (size_t i = 0; rc == 0 && i < l->states; i++)
		rc = ledger_redo(l, l->state[i], e);
	if (lacks)
		lacks->nano = l->lacks_more - before;
	return rc;
}

int ledger_end(struct ledger *l, struct err *e)
{
	int rc = ledger_redo_all(l, NULL, e);
	foresight_forget_all(l);
	return rc == 0 ? journal_finish(&l->journal, e) : rc;
}
