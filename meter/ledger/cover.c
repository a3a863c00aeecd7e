/*
 * Usage that no lot paid, and that lots have something for after all: because usage before it was
 * reversed, a grant was dated back, or the invoice that asked for it is void.
 */
#include "meter/ledger/ledger_parts.h"

#include <stdlib.h>

#include "meter/ledger/swap.h"
#include "meter/ledger/hours.h"

/* What usage of a part of an hour did not get from lots. */
struct shortage {
	struct instant from, at; /* at: its latest */
	int64_t nano, owed;	 /* owed: so much of it no invoice has asked for */
	int64_t first, last;	 /* rows of usage */
};

struct shortages {
	struct instant from, to; /* that are asked for */
	struct shortage *of;
	size_t count;
};

static const struct sql sql_short = {
	.text = "SELECT t.at,-sum(e.amount),min(t.usage_from),max(t.usage_to) FROM ledger_txn t "
		"INDEXED BY txn_of_usage JOIN ledger_entry e ON e.txn=t.id WHERE t.account=:account "
		"AND t.usage_from IS NOT NULL AND t.at>=:from AND t.at<:to AND e.pot IN ('overage','billed') "
		"GROUP BY t.at HAVING sum(e.amount)<>0 ORDER BY t.at",
};

static void add_short(struct shortages *list, struct hours *hours, const struct shortage *row)
{
	struct instant from, to;
	hours_part(hours, row->at.us, &from, &to);
	struct shortage *s = list->count ? &list->of[list->count - 1] : NULL;
	if (!s || s->from.us != from.us) {
		list->of = mem_grow(list->of, (list->count + 1) * sizeof *list->of);
		s = &list->of[list->count++];
		*s = *row;
		s->from = from;
		return;
	}
	s->at = row->at;
	s->nano += row->nano;
	s->first = row->first < s->first ? row->first : s->first;
	s->last = row->last > s->last ? row->last : s->last;
}

/* In order. */
static int read_short(struct ledger *l, struct state *s, struct shortages *out, struct err *e)
{
	struct hours hours = { .zone = s->zone };
	struct query *q;
	int rc = hours_read(&hours, l->db, s->account.id, e);
	if (rc == 0)
		rc = db_statement(l->db, &sql_short, &q, e);
	if (rc == 0) {
		db_bind_int(q, ":account", s->account.id);
		db_bind_int(q, ":from", out->from.us);
		db_bind_int(q, ":to", out->to.us);
		while ((rc = db_step(l->db, q, e)) == 1)
			add_short(out, &hours,
				  &(struct shortage){ .at = { db_int(q, 0) },
						      .nano = db_int(q, 1),
						      .first = db_int(q, 2),
						      .last = db_int(q, 3) });
		db_reset(q);
	}
	hours_release(&hours);
	return rc;
}

/* Invoices ask for whole periods, so what is still owed is of the latest usage. Which of it debt
 * has repaid is not told: the oldest may be what is owed. */
static void divide(struct shortages *list, const struct account *a)
{
	int64_t owed = a->owed.nano;
	for (size_t i = list->count; i-- > 0;) {
		struct shortage *p =
			&list->of[a->overage == OVERAGE_DEBT ? list->count - 1 - i : i];
		p->owed = p->nano < owed ? p->nano : owed;
		p->owed = p->owed > 0 ? p->owed : 0;
		owed -= p->owed;
	}
}

/* What the entries so far have taken from lots, `paid`, was owed, or asked for on an invoice. */
static int post_paid(struct ledger *l, struct state *s, struct shortage *p, int64_t paid,
		     struct instant now, struct err *e)
{
	const int64_t owed = paid < p->owed ? paid : p->owed;
	ledger_put_entry(l, "overage", 0, owed);
	ledger_put_entry(l, "billed", 0, paid - owed);
	int rc = ledger_post(l,
			     &(struct posting){ .state = s,
						.kind = "repay",
						.at = p->at,
						.booked = now,
						.usage_from = p->first,
						.usage_to = p->last },
			     NULL, e);
	s->account.owed.nano -= owed;
	p->owed -= owed;
	p->nano -= paid;
	/* what debt carries is the day's already */
	if (rc == 0)
		rc = ledger_add_taken(l, s, p->at,
				      s->account.overage == OVERAGE_DEBT ? paid - owed : paid, e);
	return rc == 0 ? ledger_write_state(l, s, e) : rc;
}

/* How much of it lots may pay. */
static int64_t payable(const struct state *s, const struct covering *c, const struct shortage *p)
{
	if (p->at.us >= c->until.us)
		return 0;
	return c->billed && s->account.overage != OVERAGE_DEBT ? p->nano : p->owed;
}

/* By what lots of its own day have left. */
static int pay_by_lots(struct ledger *l, struct state *s, const struct covering *c,
		       struct shortage *p, struct err *e)
{
	const int64_t most = payable(s, c, p);
	struct credits_total rest;
	int rc = most > 0 && c->lapsed ? ledger_reopen_lapsed(l, s, p->at, c->now, e) : 0;
	if (rc == 0 && most > 0)
		rc = ledger_need_lots(l, s, e);
	if (rc != 0 || most <= 0)
		return rc;
	rc = ledger_use_lots(l, s,
			     &(struct lot_demand){ p->at,
						   credits_of_nano((struct nano_credits){ most }),
						   SHORT_PARTIAL },
			     &rest, e);
	const int64_t paid = rc == 0 ? most - ledger_nano_of(rest) : 0;
	if (paid > 0)
		rc = post_paid(l, s, p, paid, c->now, e);
	ledger_drop_empty(s);
	return rc;
}

/* By what these have paid of other usage, which others of its own day can pay. */
static int pay_by_swap(struct ledger *l, struct state *s, const struct covering *c,
		       struct shortages *list, struct err *e)
{
	struct swap *x = NULL;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < list->count; i++) {
		struct shortage *p = &list->of[i];
		struct swapped got = { .nano = 1 };
		if (!x && payable(s, c, p) > 0)
			rc = swap_open(&x, l, s, c->now, e);
		while (rc == 0 && got.nano > 0 && payable(s, c, p) > 0) {
			rc = swap_for(x, p->at, payable(s, c, p), &got, e);
			if (rc != 0 || got.nano == 0)
				break;
			l->entries = 0;
			ledger_put_entry(l, "grant", got.grant, -got.nano);
			rc = post_paid(l, s, p, got.nano, c->now, e);
		}
	}
	swap_close(x);
	return rc;
}

static int cover(struct ledger *l, struct state *s, const struct covering *c,
		 struct shortages *list, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < list->count; i++)
		rc = pay_by_lots(l, s, c, &list->of[i], e);
	return rc == 0 ? pay_by_swap(l, s, c, list, e) : rc;
}

int ledger_cover(struct ledger *l, struct state *s, const struct covering *c, struct err *e)
{
	struct shortages list = { 0 };
	if (s->account.owed.nano == 0 && !c->billed)
		return 0;
	int rc = swap_span(l, s, &list.from, &list.to, e);
	if (rc == 0 && list.from.us < list.to.us)
		rc = ledger_need_zone(s, e);
	if (rc == 0 && list.from.us < list.to.us)
		rc = read_short(l, s, &list, e);
	/* what is owed of them depends on all others */
	if (rc == 0 && list.count) {
		list = (struct shortages){ { INT64_MIN }, INSTANT_MAX, list.of, 0 };
		rc = read_short(l, s, &list, e);
	}
	divide(&list, &s->account);
	if (rc == 0)
		rc = cover(l, s, c, &list, e);
	free(list.of);
	return rc;
}

/* whether there is usage after that instant */
static const struct sql sql_later = {
	.text = "SELECT 1 FROM ledger_txn INDEXED BY txn_of_usage WHERE account=:account "
		"AND usage_from IS NOT NULL AND at>:at LIMIT 1",
};

int ledger_cover_late(struct ledger *l, struct state *s, struct instant at, int64_t nano,
		      struct instant now, struct err *e)
{
	const struct covering c = { .until = INSTANT_MAX, .now = now };
	struct shortages list = { .from = { at.us - US_PER_HOUR }, .to = { at.us + US_PER_HOUR } };
	struct query *q;
	int rc = db_statement(l->db, &sql_later, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", s->account.id);
	db_bind_int(q, ":at", at.us);
	rc = db_step(l->db, q, e);
	db_reset(q);
	if (rc == 0) {
		/* its is the latest usage, so what is owed is owed for it */
		s->to_cover = true;
		s->cover_now = now;
		return 0;
	}
	if (rc != 1 || (rc = ledger_need_zone(s, e)) != 0)
		return rc;
	rc = read_short(l, s, &list, e);
	for (size_t i = 0; i < list.count; i++) {
		struct shortage *p = &list.of[i];
		const bool of_it = p->from.us <= at.us && at.us <= p->at.us;
		p->owed = !of_it ? 0 : nano < p->nano ? nano : p->nano;
	}
	if (rc == 0)
		rc = cover(l, s, &c, &list, e);
	free(list.of);
	return rc;
}

int ledger_cover_pending(struct ledger *l, struct state *s, struct err *e)
{
	const struct covering all = { .billed = s->to_cover_billed,
				      .until = INSTANT_MAX,
				      .now = s->cover_now };
	if (!s->to_cover)
		return 0;
	s->to_cover = s->to_cover_billed = false;
	return ledger_cover(l, s, &all, e);
}

int ledger_end(struct ledger *l, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < l->states; i++)
		rc = ledger_cover_pending(l, l->state[i], e);
	return rc == 0 ? journal_finish(&l->journal, e) : rc;
}
