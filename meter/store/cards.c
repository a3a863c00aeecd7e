#include "meter/store/cards.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "meter/store/rollup.h"

#define CARDS_WHERE(which) \
	"SELECT name,kind,checked,sha256,at,count(*) FROM card JOIN priced_by ON card=id WHERE " which \
	" GROUP BY id,name,kind,checked,sha256,at ORDER BY id"
static const struct sql sql_of_price = {
	.text = CARDS_WHERE("price=:price"),
};
/* A price that was only looked at, or whose row a rollback took, rated nothing. The rollup of
 * quarters knows the same prices as that of days and does not grow with the number of customers.
 * The last row that is rolled up is bound: of one that a query names, an engine reads all rows. */
static const struct sql sql_of_all = {
	.text = CARDS_WHERE("price IN (SELECT price FROM rollup_quarter) OR price IN (SELECT price "
			    "FROM usage WHERE seq>:rolled_to)"),
};

static int ask(struct store *s, int64_t price, struct query **q, struct err *e)
{
	int64_t rolled_to = 0;
	int rc = price ? 0 : rollup_rolled_to(s, &rolled_to, e);
	if (rc == 0)
		rc = db_statement(store_db(s), price ? &sql_of_price : &sql_of_all, q, e);
	if (rc == 0 && price)
		db_bind_int(*q, ":price", price);
	else if (rc == 0)
		db_bind_int(*q, ":rolled_to", rolled_to);
	return rc;
}

int cards_each(struct store *s, int64_t price, int (*take)(void *user, const struct rated_card *c),
	       void *user, struct err *e)
{
	struct query *q;
	int rc = ask(s, price, &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		const struct rated_card c = { db_text(q, 0), db_text(q, 1),    db_text(q, 2),
					      db_text(q, 3), { db_int(q, 4) }, db_int(q, 5) };
		if ((rc = take(user, &c)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

struct search {
	const struct book *book;
	bool known, there;
	struct buf *name;
};

static int look_for(void *user, const struct rated_card *c)
{
	struct search *x = user;
	char name[256], sha256[65];
	snprintf(name, sizeof name, "%.*s", (int)c->name.n, c->name.p);
	snprintf(sha256, sizeof sha256, "%.*s", (int)c->sha256.n, c->sha256.p);
	x->known = true;
	x->there |= book_card_named(x->book, name, sha256) != NULL;
	x->name->n = 0;
	buf_puts(x->name, name);
	return 0;
}

int cards_at_hand(struct store *s, int64_t price, const struct book *b, bool *out, struct buf *name,
		  struct err *e)
{
	struct search x = { .book = b, .name = name };
	const int rc = cards_each(s, price, look_for, &x, e);
	*out = x.there || !x.known;
	return rc;
}

struct difference {
	const struct book *book;
	struct buf *out;
};

static int compare(void *user, const struct rated_card *c)
{
	struct difference *d = user;
	char name[256], sha256[65];
	snprintf(name, sizeof name, "%.*s", (int)c->name.n, c->name.p);
	snprintf(sha256, sizeof sha256, "%.*s", (int)c->sha256.n, c->sha256.p);
	const struct card *now = book_card_named(d->book, name, sha256);
	if (now && strcmp(now->sha256, sha256) == 0)
		return 0;
	buf_printf(d->out, "%s%s", d->out->n ? ", " : "", name);
	if (c->checked.n)
		buf_printf(d->out, " of %.*s", (int)c->checked.n, c->checked.p);
	if (!now)
		buf_puts(d->out, " (not at hand now)");
	else if (now->checked && !text_is(c->checked, now->checked))
		buf_printf(d->out, " (now of %s)", now->checked);
	else
		buf_puts(d->out, " (says something else now)");
	return 0;
}

int cards_differ(struct store *s, const struct book *b, struct buf *out, struct err *e)
{
	struct difference d = { b, out };
	return cards_each(s, 0, compare, &d, e);
}

int own_cards_add(struct db *db, struct book *b, struct err *e)
{
	struct query *q = NULL;
	int rc = db_prepare(db, "SELECT name,content FROM own_card ORDER BY name", &q, e);
	book_peers_begin(b);
	while (rc == 0 && (rc = db_step(db, q, e)) == 1) {
		struct buf name = { 0 };
		const struct text t = db_text(q, 0);
		buf_add(&name, t.p, t.n);
		rc = book_add_text(b, db_text(q, 1), name.p, CARD_OF_DATABASE, e);
		if (rc != 0)
			err_context(e, "a card of the database %s", db->path);
		buf_release(&name);
	}
	db_drop(q);
	const int alone = book_peers_end(b, rc == 0 ? e : NULL);
	if (rc == 0 && alone != 0)
		err_context(e, "the cards of the database %s", db->path);
	return rc ? rc : alone;
}

int own_cards_each(struct store *s, int (*take)(void *user, const struct own_card *c), void *user,
		   struct err *e)
{
	struct query *q = NULL;
	int rc = db_prepare(store_db(s), "SELECT name,at,content FROM own_card ORDER BY name", &q,
			    e);
	while (rc == 0 && (rc = db_step(store_db(s), q, e)) == 1) {
		const struct own_card c = { db_text(q, 0), db_text(q, 2), { db_int(q, 1) } };
		rc = take(user, &c);
	}
	db_drop(q);
	return rc;
}

int own_cards_trace(struct db *db, struct buf *out, struct err *e)
{
	struct query *q = NULL;
	int rc =
		db_prepare(db, "SELECT name,at,length(content) FROM own_card ORDER BY name", &q, e);
	while (rc == 0 && (rc = db_step(db, q, e)) == 1) {
		const struct text t = db_text(q, 0);
		buf_printf(out, "%.*s %lld %lld\n", (int)t.n, t.p, (long long)db_int(q, 1),
			   (long long)db_int(q, 2));
		rc = 0;
	}
	db_drop(q);
	return rc;
}

/* What is installed now must be of one mind. */
static int check_own_cards(struct store *s, struct err *e)
{
	struct book *b;
	int rc = book_open(&b, e);
	if (rc != 0)
		return rc;
	rc = own_cards_add(store_db(s), b, e);
	book_close(b);
	return rc;
}

int own_card_put(struct store *s, struct text name, struct text content, struct err *e)
{
	struct query *q = NULL;
	int rc = db_prepare(store_db(s),
			    "INSERT INTO own_card(name,at,content) VALUES(:name,:at,:content) ON "
			    "CONFLICT(name) DO UPDATE SET at=excluded.at,content=excluded.content",
			    &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":name", name);
	db_bind_int(q, ":at", clock_now().us);
	db_bind_text(q, ":content", content);
	rc = db_done(store_db(s), q, e);
	db_drop(q);
	return rc == 0 ? check_own_cards(s, e) : rc;
}

int own_card_remove(struct store *s, struct text name, struct err *e)
{
	struct query *q = NULL;
	int rc = db_prepare(store_db(s), "DELETE FROM own_card WHERE name=:name", &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":name", name);
	rc = db_done(store_db(s), q, e);
	db_drop(q);
	if (rc == 0 && db_changes(store_db(s)) == 0)
		rc = err_set(e, ERR_NOT_FOUND, "%s: no card '%.*s' is installed there",
			     store_path(s), (int)name.n, name.p);
	return rc;
}
