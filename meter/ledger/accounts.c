#include "meter/ledger/ledger_parts.h"

#include <stdio.h>
#include <stdlib.h>

static int read_account(struct ledger *l, struct query *q, struct state *s, struct err *e)
{
	struct account *a = &s->account;
	*s = (struct state){ .account = { .id = db_int(q, 0),
					  .customer = ledger_keep(l, db_text(q, 1)),
					  .plan = ledger_keep(l, db_text(q, 2)),
					  .plan_text = ledger_keep(l, db_text(q, 3)),
					  .byo = db_int(q, 4) != 0,
					  .overage_limit = { db_int(q, 6) },
					  .burn_order = ledger_keep(l, db_text(q, 7)),
					  .zone = ledger_keep(l, db_text(q, 8)),
					  .anchor_day = (int)db_int(q, 9),
					  .has_low_balance = !db_is_null(q, 10),
					  .terms = ledger_keep(l, db_text(q, 11)),
					  .since = { db_int(q, 12) },
					  .opened = { db_int(q, 13) },
					  .drawn_to = db_int(q, 14),
					  .owed = { db_int(q, 16) } },
			     .rest = db_int(q, 15) };
	if (a->has_low_balance)
		a->low_balance.nano = db_int(q, 10);
	if (!db_is_null(q, 17))
		a->top_up = (struct top_up){ .on = true,
					     .below = { db_int(q, 17) },
					     .target = { db_int(q, 18) },
					     .most = { db_int(q, 19) },
					     .has_price = !db_is_null(q, 20),
					     .currency = ledger_keep(l, db_text(q, 21)),
					     .lasts = ledger_keep(l, db_text(q, 22)) };
	if (a->top_up.has_price)
		a->top_up.price.pico = db_int(q, 20);
	struct text overage = db_text(q, 5);
	a->overage = text_is(overage, "debt")	 ? OVERAGE_DEBT
		     : text_is(overage, "limit") ? OVERAGE_LIMIT
						 : OVERAGE_REFUSE;
	int rc = burn_order_parse(&s->order, a->burn_order.p, e);
	for (int k = 0; rc == 0 && k < s->order.count; k++)
		s->moving |= s->order.key[k] == BURN_LARGEST;
	return rc;
}

#define ACCOUNT \
	"SELECT id,customer,plan,plan_text,byo,overage,overage_limit,burn_order,zone," \
	"anchor_day,low_balance,terms,since,opened,drawn_to,rest,owed,below,target,most,price," \
	"currency,lasts FROM credit_account JOIN credit_state s ON s.account=id " \
	"LEFT JOIN credit_top_up t ON t.account=id "
static const struct sql sql_account = {
	.text = ACCOUNT "WHERE customer=:customer",
};

static int find_state(struct ledger *l, struct text customer, struct state **out, struct err *e)
{
	struct query *q;
	uint64_t *at = dict_find(&l->by_customer, customer);
	*out = NULL;
	if (at) {
		*out = *at ? l->state[*at - 1] : NULL;
		return 0;
	}
	int rc = db_statement(l->db, &sql_account, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", customer);
	rc = db_step(l->db, q, e);
	at = dict_need(&l->by_customer, customer, NULL);
	*at = 0; /* remembered too: there is none */
	if (rc == 1) {
		struct state *s = mem_zalloc(sizeof *s);
		rc = read_account(l, q, s, e);
		if (rc != 0) {
			free(s);
		} else {
			l->state = mem_grow(l->state, (l->states + 1) * sizeof *l->state);
			const int64_t id = s->account.id;
			ledger_go_on_redoing(l, s);
			l->state[l->states] = *out = s;
			*at = ++l->states;
			*dict_need(&l->by_id, (struct text){ (const char *)&id, sizeof id }, NULL) =
				l->states;
		}
	}
	db_reset(q);
	return rc < 0 ? rc : 0;
}

static const struct sql sql_account_at = {
	.text = ACCOUNT "WHERE id=:id",
};

int ledger_state_of(struct ledger *l, int64_t account, struct state **out, struct err *e)
{
	l->working = account;
	struct query *q;
	uint64_t *at =
		dict_find(&l->by_id, (struct text){ (const char *)&account, sizeof account });
	if (at) {
		*out = l->state[*at - 1];
		return 0;
	}
	int rc = db_statement(l->db, &sql_account_at, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":id", account);
	rc = db_step(l->db, q, e);
	if (rc != 1)
		return rc < 0 ? rc : err_set(e, ERR_NOT_FOUND, "no such account");
	struct text customer = ledger_keep(l, db_text(q, 1));
	db_reset(q);
	return find_state(l, customer, out, e);
}

int ledger_find_account(struct ledger *l, struct text customer, const struct account **out,
			struct err *e)
{
	struct state *s;
	int rc = find_state(l, customer, &s, e);
	*out = rc == 0 && s ? &s->account : NULL;
	return rc;
}

int ledger_account(struct ledger *l, struct text customer, const struct account **out,
		   struct err *e)
{
	int rc = ledger_find_account(l, customer, out, e);
	if (rc == 0 && !*out)
		return err_set(e, ERR_NOT_FOUND,
			       "'%.*s' has no credit account; open one with `tally credit account "
			       "%.*s --plan PLAN`",
			       (int)customer.n, customer.p, (int)customer.n, customer.p);
	return rc;
}

static const struct sql sql_accounts = {
	.text = ACCOUNT "ORDER BY customer",
};

int ledger_each_account(struct ledger *l, int (*take)(void *user, const struct account *a),
			void *user, struct err *e)
{
	struct query *q;
	struct state s;
	int rc = db_statement(l->db, &sql_accounts, &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(l->db, q, e)) == 1) {
		rc = read_account(l, q, &s, e);
		if (rc == 0)
			rc = take(user, &s.account);
		if (rc != 0)
			break;
	}
	db_reset(q);
	return rc;
}

int ledger_need_zone(struct state *s, struct err *e)
{
	return s->zone ? 0 : zone_open(&s->zone, s->account.zone.p, e);
}

static const struct sql sql_has_begun = {
	.text = "SELECT (SELECT count(*) FROM credit_day WHERE account=:account)+(SELECT count(*) "
		"FROM credit_uncovered WHERE account=:account)+(SELECT count(*) FROM ledger_txn "
		"WHERE account=:account AND kind IN ('draw','refund','repay','bill'))+(SELECT "
		"count(*) FROM invoice WHERE customer=:customer AND status<>'draft')",
};
static const struct sql sql_begin_from = {
	.text = "UPDATE credit_account SET since=:since WHERE id=:id",
};

int ledger_begin_from(struct ledger *l, const struct account *a, struct instant since,
		      struct err *e)
{
	char text[INSTANT_TEXT_MAX];
	struct query *q;
	int rc = db_statement(l->db, &sql_has_begun, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", a->id);
	db_bind_text(q, ":customer", a->customer);
	rc = db_step(l->db, q, e);
	const bool begun = rc == 1 && db_int(q, 0) > 0;
	db_reset(q);
	if (rc < 0)
		return rc;
	if (begun)
		return err_set(
			e, ERR_CONFLICT,
			"usage of '%.*s' has drawn or was invoiced already: it draws from %s "
			"on, and " ASKED("since") " can no longer change that",
			(int)a->customer.n, a->customer.p, instant_format(a->since, text));
	rc = db_statement(l->db, &sql_begin_from, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":since", since.us);
	db_bind_int(q, ":id", a->id);
	rc = db_done(l->db, q, e);
	if (rc == 0)
		rc = ledger_set_drawn_to(l, a->id, 0, e);
	ledger_reload(l);
	return rc;
}

static const struct sql sql_set_state = {
	.text = "UPDATE credit_state SET drawn_to=:drawn_to,rest=:rest,owed=:owed "
		"WHERE account=:account",
};

int ledger_write_state(struct ledger *l, const struct state *s, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_set_state, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", s->account.id);
	db_bind_int(q, ":drawn_to", s->account.drawn_to);
	db_bind_int(q, ":rest", s->rest);
	db_bind_int(q, ":owed", s->account.owed.nano);
	return db_done(l->db, q, e);
}

int ledger_set_drawn_to(struct ledger *l, int64_t account, int64_t seq, struct err *e)
{
	struct state *s;
	int rc = ledger_state_of(l, account, &s, e);
	if (rc != 0)
		return rc;
	s->account.drawn_to = seq;
	return ledger_write_state(l, s, e);
}

static const struct sql sql_add_uncovered = {
	.text = "INSERT INTO credit_uncovered VALUES(:seq,:account,:reason) "
		"ON CONFLICT DO NOTHING",
};

int ledger_add_uncovered(struct ledger *l, int64_t account, int64_t seq, const char *why,
			 struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_add_uncovered, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":seq", seq);
	db_bind_int(q, ":account", account);
	db_bind_text(q, ":reason", text_of(why));
	return db_done(l->db, q, e);
}

static const struct sql sql_drop_uncovered = {
	.text = "DELETE FROM credit_uncovered WHERE seq=:seq RETURNING account",
};

int ledger_drop_uncovered(struct ledger *l, int64_t seq, bool *was, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_drop_uncovered, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":seq", seq);
	rc = db_step(l->db, q, e);
	*was = rc == 1;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

/* that of the row which stood before a reversal of its record */
static const struct sql sql_drop_reversed = {
	.text = "DELETE FROM credit_uncovered WHERE seq=coalesce((SELECT max(seq) FROM usage "
		"WHERE of=:of AND kind=2 AND seq<:seq),:of) RETURNING account",
};

int ledger_drop_reversed(struct ledger *l, int64_t of, int64_t seq, bool *was, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_drop_reversed, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":of", of);
	db_bind_int(q, ":seq", seq);
	rc = db_step(l->db, q, e);
	*was = rc == 1;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

static const struct sql sql_any_uncovered = {
	.text = "SELECT count(*) FROM (SELECT 1 FROM credit_uncovered LIMIT 1) c",
};

/* Nearly always there is none, and then no row is looked for: on a cluster they lie elsewhere. */
static int any_uncovered(struct db *db, bool *out, struct err *e)
{
	struct query *q;
	int64_t n = 0;
	int rc = db_statement(db, &sql_any_uncovered, &q, e);
	if (rc == 0)
		rc = db_returned(db, q, &n, e);
	*out = rc == 0 && n > 0;
	return rc;
}

static const struct sql sql_uncovered = {
	.text = "SELECT count(*) FROM credit_uncovered c JOIN usage u ON u.seq=c.seq "
		"WHERE account=:account AND u.time>=:from AND u.time<:to AND u.kind<>1",
};

int ledger_uncovered_in(struct ledger *l, int64_t account, struct instant from, struct instant to,
			int64_t *count, struct err *e)
{
	struct query *q;
	bool any;
	*count = 0;
	int rc = any_uncovered(l->db, &any, e);
	if (rc != 0 || !any || (rc = db_statement(l->db, &sql_uncovered, &q, e)) != 0)
		return rc;
	db_bind_int(q, ":account", account);
	db_bind_int(q, ":from", from.us);
	db_bind_int(q, ":to", to.us);
	rc = db_step(l->db, q, e);
	*count = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int ledger_uncovered(struct ledger *l, int64_t account, int64_t *count, struct err *e)
{
	return ledger_uncovered_in(l, account, INSTANT_MIN, INSTANT_MAX, count, e);
}

static const struct sql sql_all_uncovered = {
	.text = "SELECT count(*) FROM credit_uncovered c JOIN usage u ON u.seq=c.seq "
		"WHERE u.kind<>1",
};

int ledger_all_uncovered(struct store *s, int64_t *count, struct err *e)
{
	struct query *q;
	bool any;
	*count = 0;
	int rc = any_uncovered(store_db(s), &any, e);
	if (rc != 0 || !any || (rc = db_statement(store_db(s), &sql_all_uncovered, &q, e)) != 0)
		return rc;
	rc = db_step(store_db(s), q, e);
	*count = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

void ledger_work_on(struct ledger *l, int64_t account)
{
	l->working = account;
}

int64_t ledger_worked_on(const struct ledger *l)
{
	return l->working;
}

/* from the few faults, not through all accounts */
static const struct sql sql_faults = {
	.text = "SELECT f.account,a.customer,f.since,f.why FROM credit_fault f "
		"CROSS JOIN credit_account a WHERE a.id=f.account ORDER BY a.customer",
};

int ledger_each_fault(struct store *s, int (*take)(void *user, const struct account_fault *f),
		      void *user, struct err *e)
{
	struct db *db = store_db(s);
	struct query *q;
	int rc = db_statement(db, &sql_faults, &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(db, q, e)) == 1) {
		const struct account_fault f = {
			db_int(q, 0), db_text(q, 1), db_text(q, 3), { db_int(q, 2) }
		};
		if ((rc = take(user, &f)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

static const struct sql sql_add_fault = {
	.text = "INSERT INTO credit_fault VALUES(:account,:now,:why) ON CONFLICT(account) "
		"DO UPDATE SET why=excluded.why",
};

int ledger_add_fault(struct ledger *l, int64_t account, const char *why, struct instant now,
		     struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_add_fault, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	db_bind_int(q, ":now", now.us);
	db_bind_text(q, ":why", text_of(why));
	return db_done(l->db, q, e);
}

static const struct sql sql_drop_fault = {
	.text = "DELETE FROM credit_fault WHERE account=:account",
};

int ledger_drop_fault(struct ledger *l, int64_t account, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_drop_fault, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	return db_done(l->db, q, e);
}
