#include "meter/ledger/foresight.h"
#include "meter/store/laws.h"

#include <stdio.h>
#include <stdlib.h>

int nano_credits_from_decimal(struct nano_credits *out, struct decimal d, struct err *e)
{
	char text[DECIMAL_TEXT_MAX];
	return decimal_to_int64(d, 9, &out->nano)
		       ? 0
		       : err_set(e, ERR_RANGE,
				 "%s credits: the ledger keeps nine decimals and up to "
				 "9,223,372,036 credits",
				 decimal_format(d, text));
}

char *nano_credits_format(struct nano_credits n, char buf[DECIMAL_TEXT_MAX])
{
	decimal_format_fixed(buf, n.nano, 9);
	return buf;
}

struct credits_total credits_of_nano(struct nano_credits n)
{
	return (struct credits_total){ (int128)n.nano * atto_per_nano };
}

int64_t ledger_nano_of(struct credits_total c)
{
	return (int64_t)(c.atto / atto_per_nano);
}

const char *ledger_class_name(enum lot_class c)
{
	return c == LOT_PAID ? "paid" : "granted";
}

enum lot_class ledger_class_of(struct text name)
{
	return text_is(name, "paid") ? LOT_PAID : LOT_GRANTED;
}

int ledger_open(struct ledger **out, struct store *s, struct err *e)
{
	(void)e;
	struct ledger *l = mem_zalloc(sizeof *l);
	l->store = s;
	l->db = store_db(s);
	l->journal.store = s;
	*out = l;
	return 0;
}

void ledger_forget_states(struct ledger *l)
{
	ledger_keep_redoing(l);
	for (size_t i = 0; i < l->states; i++) {
		free(l->state[i]->lot);
		zone_close(l->state[i]->zone);
		dict_release(&l->state[i]->drawn);
		uses_release(&l->state[i]->uses);
		free(l->state[i]);
	}
	l->states = 0;
	dict_clear(&l->by_customer);
	dict_clear(&l->by_id);
	arena_reset(&l->arena);
	l->next_txn = 0;
	journal_forget(&l->journal, false);
}

void ledger_reload(struct ledger *l)
{
	ledger_forget_states(l);
	foresight_forget_all(l);
}

void ledger_forget(struct ledger *l)
{
	ledger_reload(l);
	l->waits = 0;
	l->marked = false;
	journal_forget(&l->journal, true);
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	ledger_forget(l);
	free(l->state);
	dict_release(&l->by_customer);
	dict_release(&l->by_id);
	arena_release(&l->arena);
	free(l->entry);
	free(l->use);
	free(l->waiting);
	free(l);
}

struct store *ledger_store(struct ledger *l)
{
	return l->store;
}

int ledger_begin(struct ledger *l, struct err *e)
{
	int64_t version;
	int rc = store_data_version(l->store, &version, e);
	if (rc == 0 && version != l->data_version) {
		ledger_reload(l);
		l->data_version = version;
	}
	return rc;
}

bool ledger_moved(const struct ledger *l)
{
	return l->journal.dirty;
}

struct text ledger_keep(struct ledger *l, struct text t)
{
	return (struct text){ arena_text(&l->arena, t.n ? t.p : "", t.n), t.n };
}

static const struct sql sql_txns = {
	.text = "SELECT id,account,at,booked,kind,usage_from,usage_to,key,note FROM ledger_txn "
		"WHERE account=:account AND at>=:since AND at<:until ORDER BY at,id",
};

int ledger_each_txn(struct ledger *l, int64_t account, struct period of,
		    int (*take)(void *user, const struct ledger_txn *t), void *user, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_txns, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	db_bind_int(q, ":since", of.from.us);
	db_bind_int(q, ":until", of.to.us);
	while ((rc = db_step(l->db, q, e)) == 1) {
		const struct ledger_txn t = { db_int(q, 0),
					      db_int(q, 1),
					      { db_int(q, 2) },
					      { db_int(q, 3) },
					      db_text(q, 4),
					      db_is_null(q, 7) ? TEXT("") : db_text(q, 7),
					      db_text(q, 8),
					      db_is_null(q, 5) ? 0 : db_int(q, 5),
					      db_is_null(q, 6) ? 0 : db_int(q, 6) };
		if ((rc = take(user, &t)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

static const struct sql sql_entries = {
	.text = "SELECT place,pot,grant_id,amount,(SELECT name FROM credit_grant g "
		"WHERE g.id=grant_id) FROM ledger_entry WHERE txn=:txn ORDER BY place",
};

int ledger_each_entry(struct ledger *l, int64_t txn,
		      int (*take)(void *user, const struct ledger_entry *en), void *user,
		      struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_entries, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":txn", txn);
	while ((rc = db_step(l->db, q, e)) == 1) {
		const struct ledger_entry en = { db_text(q, 1),
						 db_is_null(q, 4) ? TEXT("") : db_text(q, 4),
						 db_is_null(q, 2) ? 0 : db_int(q, 2),
						 { db_int(q, 3) } };
		if ((rc = take(user, &en)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

int ledger_enter(struct ledger *l, const char *kind, int64_t ref, struct text content,
		 struct err *e)
{
	return journal_add(&l->journal, kind, ref, content, e);
}

/* Facts as the number of rows for which they do not hold. */
static const struct law laws[] = {
	{ "transactions do not sum to zero", "SELECT count(*) FROM (SELECT txn FROM ledger_entry "
					     "GROUP BY txn HAVING sum(amount)<>0) x" },
	{ "entries belong to no transaction",
	  "SELECT count(*) FROM ledger_entry WHERE txn NOT IN (SELECT id FROM ledger_txn)" },
	{ "transactions have no entries",
	  "SELECT count(*) FROM ledger_txn WHERE id NOT IN (SELECT txn FROM ledger_entry)" },
	{ "lots are not what their entries come to",
	  "SELECT count(*) FROM credit_lot l WHERE l.left<>(SELECT coalesce(sum(amount),0) FROM "
	  "ledger_entry e WHERE e.grant_id=l.grant_id)" },
	{ "what has expired of lots is not what their entries come to",
	  "SELECT count(*) FROM credit_lot l WHERE lapsed<>-(SELECT coalesce(sum(e.amount),0) FROM "
	  "ledger_entry e JOIN ledger_txn t ON t.id=e.txn WHERE e.grant_id=l.grant_id AND "
	  "t.kind='expire')" },
	{ "grants have no lot or another amount than was entered",
	  "SELECT count(*) FROM credit_grant g WHERE NOT EXISTS(SELECT 1 FROM credit_lot l WHERE "
	  "l.grant_id=g.id) OR amount<>(SELECT coalesce(sum(e.amount),0) FROM ledger_entry e JOIN "
	  "ledger_txn t ON t.id=e.txn WHERE e.grant_id=g.id AND t.kind='grant')" },
	{ "accounts owe something else than their entries come to",
	  "SELECT count(*) FROM credit_state s WHERE owed<>-(SELECT coalesce(sum(e.amount),0) FROM "
	  "ledger_entry e JOIN ledger_txn t ON t.id=e.txn WHERE t.account=s.account AND "
	  "e.pot='overage')" },
	{ "what was taken by days is not what the entries come to",
	  "SELECT count(*) FROM credit_account a WHERE (SELECT coalesce(sum(nano),0) FROM "
	  "credit_taken t WHERE t.account=a.id)<>(SELECT coalesce(-sum(e.amount),0) FROM "
	  "ledger_txn t JOIN ledger_entry e ON e.txn=t.id WHERE t.account=a.id AND t.kind IN "
	  "('draw','refund','repay') AND e.pot='grant')+CASE a.overage WHEN 'debt' THEN (SELECT "
	  "owed FROM credit_state s WHERE s.account=a.id) ELSE 0 END" },
	{ "transactions are not in the journal",
	  "SELECT count(*) FROM ledger_txn WHERE id NOT IN (SELECT ref FROM journal WHERE "
	  "kind='txn')" },
};

int ledger_verify(struct ledger *l, char fault[200], struct err *e)
{
	return laws_check(l->store, laws, sizeof laws / sizeof *laws, fault, e);
}
