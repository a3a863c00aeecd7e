#include "meter/ledger/uses.h"

#include <stdlib.h>
#include <string.h>

static uint64_t *back_of(struct uses *u, int64_t grant)
{
	return dict_need(&u->back, (struct text){ (const char *)&grant, sizeof grant }, NULL);
}

/* At the end, whatever the order: the caller turns round what is read backwards. */
static void add(struct uses *u, int64_t grant, int64_t nano)
{
	if ((u->count & (u->count - 1)) == 0)
		u->use = mem_grow(u->use, (u->count ? u->count * 2 : 16) * sizeof *u->use);
	u->use[u->count++] = (struct use_left){ grant, nano };
}

void uses_note(struct uses *u, int64_t grant, int64_t nano)
{
	if (nano < 0)
		add(u, grant, -nano);
	for (size_t i = u->count; i-- > 0 && nano > 0;) {
		struct use_left *of = &u->use[i];
		const int64_t most = of->grant != grant ? 0 : of->nano < nano ? of->nano : nano;
		of->nano -= most;
		nano -= most;
	}
	if (nano > 0)
		*back_of(u, grant) += (uint64_t)nano;
	while (u->count > 0 && u->use[u->count - 1].nano == 0)
		u->count--;
}

static const struct sql sql_before = {
	.text = "SELECT t.id,e.grant_id,e.amount FROM ledger_txn t INDEXED BY txn_of_account "
		"JOIN ledger_entry e ON e.txn=t.id WHERE t.account=:account AND t.id<:from "
		"AND t.kind IN ('draw','repay','refund') AND e.pot='grant' "
		"ORDER BY t.id DESC,e.place DESC",
};

/* Earlier ones, the latest first, until there are so many and their transaction ends. */
static int read_before(struct uses *u, struct db *db, int64_t account, size_t most, struct err *e)
{
	struct query *q;
	int rc = db_statement(db, &sql_before, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	db_bind_int(q, ":from", u->from_txn ? u->from_txn : INT64_MAX);
	while ((rc = db_step(db, q, e)) == 1) {
		const int64_t amount = db_int(q, 2);
		if (u->count >= most && db_int(q, 0) != u->from_txn)
			break;
		u->from_txn = db_int(q, 0);
		uint64_t *back = back_of(u, db_int(q, 1));
		if (amount > 0) {
			*back += (uint64_t)amount;
			continue;
		}
		const int64_t known = (int64_t)*back < -amount ? (int64_t)*back : -amount;
		*back -= (uint64_t)known;
		if (-amount > known)
			add(u, db_int(q, 1), -amount - known);
	}
	db_reset(q);
	u->whole = rc == 0;
	return rc < 0 ? rc : 0;
}

static void turn(struct use_left *use, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		const struct use_left first = use[i];
		use[i] = use[count - 1 - i];
		use[count - 1 - i] = first;
	}
}

/* Each time twice as many, so that all of it is moved a few times only. */
int uses_need(struct uses *u, struct db *db, int64_t account, size_t count, struct err *e)
{
	if (u->count >= count || u->whole)
		return 0;
	turn(u->use, u->count);
	const int rc = read_before(u, db, account, count * 2, e);
	turn(u->use, u->count);
	return rc;
}

void uses_release(struct uses *u)
{
	free(u->use);
	dict_release(&u->back);
}
