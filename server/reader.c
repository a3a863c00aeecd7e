#include "server/reader.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "meter/store/day_cells.h"
#include "meter/store/store_models.h"
#include "meter/store/usage_rows.h"

struct readers {
	const struct reader_options *o;
	pthread_mutex_t lock;
	pthread_cond_t free;
	struct reader *reader;
	bool *taken;
	int count;
};

struct readers *readers_open(const struct reader_options *o, int count)
{
	struct readers *r = mem_zalloc(sizeof *r);
	r->o = o;
	r->count = count;
	r->reader = mem_zalloc((size_t)count * sizeof *r->reader);
	r->taken = mem_zalloc((size_t)count * sizeof *r->taken);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->free, NULL);
	return r;
}

static void close_one(struct reader *x)
{
	drawer_close(x->drawer);
	ledger_close(x->ledger);
	store_close(x->store);
	if (x->book)
		shelf_give(x->o->shelf, x->book);
	*x = (struct reader){ 0 };
}

void readers_close(struct readers *r)
{
	if (!r)
		return;
	for (int i = 0; i < r->count; i++)
		close_one(&r->reader[i]);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->free);
	free(r->reader);
	free(r->taken);
	free(r);
}

/* The server has it: where it cannot be opened now, it is not the question that is wrong. */
static int open_database(struct store **out, const char *path, enum db_mode mode, struct err *e)
{
	struct err why = { 0 };
	int rc = store_open(out, path, mode, &why);
	return rc == 0		      ? 0
	       : why.code == ERR_BUSY ? err_pass(e, &why)
				      : err_set(e, ERR_STORE, "%s", why.message);
}

static void forget_days(void *days)
{
	day_cells_forget(days);
}

static int open_one(struct reader *x, const struct reader_options *o, struct err *e)
{
	x->o = o;
	x->book = shelf_take(o->shelf);
	int rc = open_database(&x->store, o->path, DB_READ, e);
	if (rc == 0) {
		store_use_book(x->store, x->book);
		store_share_days(x->store, o->days);
		if (o->days)
			store_on_renewal(x->store, forget_days, o->days);
		store_share_peaks(x->store, o->peaks);
		store_find_through(x->store, o->ids);
	}
	if (rc == 0)
		rc = ledger_open(&x->ledger, x->store, e);
	if (rc == 0)
		rc = drawer_open(&x->drawer, x->ledger, x->book, e);
	if (rc != 0)
		close_one(x);
	return rc;
}

/* The prices of now in the place of those that it was opened with. */
static void renew_one(struct reader *x)
{
	const struct book *now = shelf_take(x->o->shelf), *before = x->book;
	if (now != before) {
		drawer_use_book(x->drawer, now);
		store_use_book(x->store, now);
	}
	x->book = now;
	shelf_give(x->o->shelf, before);
}

int readers_take(struct readers *r, struct reader **out, struct err *e)
{
	int i = 0;
	pthread_mutex_lock(&r->lock);
	for (;;) {
		for (i = 0; i < r->count && r->taken[i]; i++)
			;
		if (i < r->count)
			break;
		pthread_cond_wait(&r->free, &r->lock);
	}
	r->taken[i] = true;
	pthread_mutex_unlock(&r->lock);
	struct reader *x = &r->reader[i];
	if (x->store)
		renew_one(x);
	int rc = x->store ? 0 : open_one(x, r->o, e);
	x->now = clock_now();
	if (rc == 0)
		rc = ledger_begin(x->ledger, e);
	if (rc != 0)
		readers_give(r, x, true);
	else
		*out = x;
	return rc;
}

void readers_give(struct readers *r, struct reader *x, bool failed)
{
	if (x->store && db_in_transaction(store_db(x->store)))
		db_rollback(store_db(x->store));
	if (failed)
		close_one(x);
	pthread_mutex_lock(&r->lock);
	r->taken[x - r->reader] = false;
	pthread_cond_signal(&r->free);
	pthread_mutex_unlock(&r->lock);
}

/* A memory bit by bit, so that nobody waits for a reader, from INT64_MAX down to where it ends. */
static int warm(struct readers *r, int (*some)(struct store *s, int64_t *next, struct err *e),
		int64_t end)
{
	struct reader *x;
	struct err e = { 0 };
	int64_t next = INT64_MAX;
	int rc = 0;
	while (rc == 0 && next != end && !(r->o->ending && atomic_load(r->o->ending))) {
		rc = readers_take(r, &x, &e);
		if (rc != 0)
			return rc; /* the next question says why */
		rc = db_begin_reading(store_db(x->store), &e);
		if (rc == 0)
			rc = some(x->store, &next, &e);
		readers_give(r, x, rc != 0);
	}
	return rc;
}

void readers_warm(struct readers *r)
{
	if (warm(r, day_cells_warm, INT64_MIN) == 0)
		warm(r, usage_rows_warm, 0);
}

int change_begin(struct change *c, const struct reader_options *o, struct err *e)
{
	*c = (struct change){ .o = o, .book = shelf_take(o->shelf), .now = clock_now() };
	int rc = open_database(&c->store, o->path, DB_WRITE, e);
	if (rc == 0)
		store_use_book(c->store, c->book);
	if (rc == 0)
		rc = ledger_open(&c->ledger, c->store, e);
	if (rc == 0)
		rc = drawer_open(&c->drawer, c->ledger, c->book, e);
	if (rc == 0) {
		rc = store_begin(c->store, c->now, e);
		c->begun = rc == 0;
	}
	return rc == 0 ? ledger_begin(c->ledger, e) : rc;
}

void change_drop(struct change *c)
{
	if (c->begun)
		store_rollback(c->store);
	drawer_close(c->drawer);
	ledger_close(c->ledger);
	store_close(c->store);
	if (c->book)
		shelf_give(c->o->shelf, c->book);
	*c = (struct change){ 0 };
}

int change_end(struct change *c, int rc, struct err *e)
{
	if (c->begun && rc == 0)
		rc = ledger_end(c->ledger, e);
	if (c->begun && rc == 0) {
		rc = store_commit(c->store, e);
		c->begun = false;
	}
	change_drop(c);
	return rc;
}
