#include "meter/billing/held.h"

#include <stdlib.h>

#include "base/dict.h"

enum {
	HELD_FEW = 8,	       /* open holds of a customer that are added up rather than kept */
	UNKEPT_MOST = 1 << 16, /* customers */
};

struct held {
	struct store *store;
	bool keeps;
	/* customers of which no sum is kept, as the transaction `alone` knows it */
	struct dict unkept;
	uint64_t alone;
	int64_t version;
};

struct held *held_open(struct store *s)
{
	struct held *h = mem_zalloc(sizeof *h);
	h->store = s;
	return h;
}

void held_close(struct held *h)
{
	if (!h)
		return;
	dict_release(&h->unkept);
	free(h);
}

void held_keep(struct held *h)
{
	h->keeps = true;
}

/* --- sums that are kept --- */

/* Forgets what others may have changed; *sure: what is read now holds until the transaction ends.
 */
static int look_around(struct held *h, bool *sure, struct err *e)
{
	struct db *db = store_db(h->store);
	const uint64_t alone = db_alone(db);
	int64_t version = 0;
	*sure = alone != 0;
	if (*sure && alone == h->alone)
		return 0;
	int rc = *sure ? store_data_version(h->store, &version, e) : 0;
	if (!*sure || db_on_server(db) || version != h->version || h->unkept.count > UNKEPT_MOST)
		dict_clear(&h->unkept);
	h->version = version;
	h->alone = rc == 0 ? alone : 0;
	return rc;
}

struct kept_row {
	struct text project, model, currency;
};

struct kept_rows {
	struct text customer; /* '': of anyone */
	struct kept_row *row;
	size_t count;
	struct arena texts;
};

static void release_rows(struct kept_rows *r)
{
	free(r->row);
	arena_release(&r->texts);
}

static struct text copy(struct arena *texts, struct text t)
{
	return (struct text){ arena_text(texts, t.n ? t.p : "", t.n), t.n };
}

static const struct sql sql_held_rows = {
	.text = "SELECT project,model,currency FROM held WHERE customer=:customer",
};

/* The sums that are kept of that customer, '' for anyone, and cover a hold. */
static int read_rows(struct held *h, struct text customer, const struct held_part *p,
		     struct kept_rows *out, struct err *e)
{
	struct db *db = store_db(h->store);
	struct query *q;
	bool sure, any = false;
	*out = (struct kept_rows){ .customer = customer };
	int rc = look_around(h, &sure, e);
	if (rc != 0 || dict_find(&h->unkept, customer))
		return rc;
	rc = db_statement(db, &sql_held_rows, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", customer);
	for (; (rc = db_step(db, q, e)) == 1; any = true) {
		const struct text project = db_text(q, 0), model = db_text(q, 1);
		if ((project.n && !text_eq(project, p->of.project)) ||
		    (model.n && !text_eq(model, p->of.model)))
			continue;
		out->row = mem_grow(out->row, (out->count + 1) * sizeof *out->row);
		out->row[out->count++] =
			(struct kept_row){ copy(&out->texts, project), copy(&out->texts, model),
					   copy(&out->texts, db_text(q, 2)) };
	}
	db_reset(q);
	if (rc == 0 && sure && !any)
		*dict_need(&h->unkept, customer, NULL) = 1;
	return rc;
}

struct held_part held_part_of(struct money amount, struct nano_credits credits)
{
	return (struct held_part){ .millions = amount.pico / 1000000,
				   .rest = amount.pico % 1000000,
				   .credit_millions = credits.nano / 1000000,
				   .credit_rest = credits.nano % 1000000 };
}

static const struct sql sql_held_add = {
	.text = "UPDATE held SET millions=millions+:millions,rest=rest+:rest,"
		"credit_millions=credit_millions+:credit_millions,"
		"credit_rest=credit_rest+:credit_rest WHERE customer=:customer AND "
		"project=:project AND model=:model AND currency=:currency",
};
static const struct sql sql_held_put = {
	.text = "INSERT INTO held VALUES(:customer,:project,:model,:currency,:millions,:rest,"
		":credit_millions,:credit_rest)",
};

static int write_row(struct held *h, const struct sql *how, struct held_scope of,
		     const struct held_part *p, int sign, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(h->store), how, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", of.customer);
	db_bind_text(q, ":project", of.project);
	db_bind_text(q, ":model", of.model);
	db_bind_text(q, ":currency", p->currency);
	db_bind_int(q, ":millions", sign * p->millions);
	db_bind_int(q, ":rest", sign * p->rest);
	db_bind_int(q, ":credit_millions", sign * p->credit_millions);
	db_bind_int(q, ":credit_rest", sign * p->credit_rest);
	return db_done(store_db(h->store), q, e);
}

/* A scope has a sum for each currency that was held in it. */
static int add_to_scope(struct held *h, const struct kept_rows *rows, size_t at,
			const struct held_part *p, int sign, struct err *e)
{
	const struct kept_row *r = &rows->row[at];
	const struct held_scope of = { rows->customer, r->project, r->model };
	const struct sql *how = &sql_held_put;
	for (size_t i = 0; i < rows->count; i++) {
		const struct kept_row *o = &rows->row[i];
		const bool same = text_eq(o->project, r->project) && text_eq(o->model, r->model);
		if (same && i < at)
			return 0; /* was added to with its first row */
		if (same && text_eq(o->currency, p->currency))
			how = &sql_held_add;
	}
	return write_row(h, how, of, p, sign, e);
}

int held_changed(struct held *h, const struct held_part *p, int sign, struct err *e)
{
	const struct text customers[] = { TEXT(""), p->of.customer };
	int rc = 0;
	for (size_t c = 0; rc == 0 && c < (p->of.customer.n ? 2 : 1); c++) {
		struct kept_rows rows;
		rc = read_rows(h, customers[c], p, &rows, e);
		for (size_t i = 0; rc == 0 && i < rows.count; i++)
			rc = add_to_scope(h, &rows, i, p, sign, e);
		release_rows(&rows);
	}
	return rc;
}

static const struct sql sql_held_due = {
	.text = "SELECT currency,sum(pico/1000000),sum(pico%1000000),sum(credits/1000000),"
		"sum(credits%1000000),customer,project,model FROM hold INDEXED BY hold_expiry "
		"WHERE state='open' AND expires<=:now GROUP BY currency,customer,project,model",
};

int held_expires(struct held *h, struct instant now, struct err *e)
{
	struct db *db = store_db(h->store);
	struct held_part *list = NULL;
	struct arena texts = { 0 };
	struct query *q;
	size_t n = 0;
	int rc = db_statement(db, &sql_held_due, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":now", now.us);
	while ((rc = db_step(db, q, e)) == 1) {
		if ((n & (n - 1)) == 0)
			list = mem_grow(list, (n ? n * 2 : 1) * sizeof *list);
		list[n++] = (struct held_part){ { copy(&texts, db_text(q, 5)),
						  copy(&texts, db_text(q, 6)),
						  copy(&texts, db_text(q, 7)) },
						copy(&texts, db_text(q, 0)),
						db_int(q, 1),
						db_int(q, 2),
						db_int(q, 3),
						db_int(q, 4) };
	}
	db_reset(q);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = held_changed(h, &list[i], -1, e);
	free(list);
	arena_release(&texts);
	return rc;
}

int held_rebuild(struct store *s, struct err *e)
{
	return db_run(store_db(s), "DELETE FROM held", e);
}

/* --- the sum of a scope --- */

static const struct sql sql_held_kept = {
	.text = "SELECT currency,millions,rest,credit_millions,credit_rest,1 FROM held "
		"WHERE customer=:customer AND project=:project AND model=:model",
};

struct asked {
	const struct held_scope *of;
	struct text currency;
	struct instant now;
};

static int add_up(struct held *h, const struct asked *a, const struct sql *which,
		  struct held_sums *out, struct err *e)
{
	struct db *db = store_db(h->store);
	struct query *q;
	int rc = db_statement(db, which, &q, e);
	*out = (struct held_sums){ 0 };
	if (rc != 0)
		return rc;
	db_bind_text(q, ":project", a->of->project);
	db_bind_text(q, ":model", a->of->model);
	db_bind_text(q, ":customer", a->of->customer);
	if (which != &sql_held_kept)
		db_bind_int(q, ":now", a->now.us);
	while ((rc = db_step(db, q, e)) == 1) {
		const int128 pico = (int128)db_int(q, 1) * 1000000 + db_int(q, 2);
		out->nano += (int128)db_int(q, 3) * 1000000 + db_int(q, 4);
		out->count += db_int(q, 5);
		*(text_eq(db_text(q, 0), a->currency) ? &out->pico : &out->foreign) += pico;
	}
	db_reset(q);
	return rc;
}

#define HELD_SUMS "sum(pico/1000000),sum(pico%1000000),sum(credits/1000000),sum(credits%1000000)"
/* Holds and scopes name a model by what its name means (hold_open). */
#define IN_SCOPE "AND :project IN ('',project) AND :model IN ('',model) "
#define HELD_IN "WHERE state='open' AND :customer IN ('',customer) " IN_SCOPE
static const struct sql sql_keep_held = {
	.text = "INSERT INTO held SELECT :customer,:project,:model,currency," HELD_SUMS
		" FROM hold " HELD_IN "GROUP BY currency",
};

/* The sum of a scope that is not kept yet. */
static int keep_sum(struct held *h, const struct asked *a, struct err *e)
{
	struct db *db = store_db(h->store);
	struct query *q;
	int rc = db_statement(db, &sql_keep_held, &q, e);
	if (rc != 0)
		return rc;
	dict_clear(&h->unkept);
	db_bind_text(q, ":customer", a->of->customer);
	db_bind_text(q, ":project", a->of->project);
	db_bind_text(q, ":model", a->of->model);
	rc = db_done(db, q, e);
	const struct held_part nothing = { .currency = a->currency };
	return rc == 0 && db_changes(db) == 0 ? write_row(h, &sql_held_put, *a->of, &nothing, 1, e)
					      : rc;
}

static const struct sql sql_held_late = {
	.text = "SELECT currency," HELD_SUMS ",count(*) FROM hold INDEXED BY hold_expiry " HELD_IN
		"AND expires<=:now GROUP BY currency",
};
static const struct sql sql_held = {
	.text = "SELECT currency," HELD_SUMS ",count(*) FROM hold " HELD_IN
		"AND expires>:now GROUP BY currency",
};
static const struct sql sql_held_of = {
	.text = "SELECT currency," HELD_SUMS ",count(*) FROM hold INDEXED BY hold_open WHERE "
		"state='open' AND customer=:customer " IN_SCOPE
		"AND expires>:now GROUP BY currency",
};

/* What is kept, less what is over and has not been marked so. */
static int sum_kept(struct held *h, const struct asked *a, struct held_sums *out, struct err *e)
{
	struct held_sums late;
	int rc = add_up(h, a, &sql_held_kept, out, e);
	if (rc != 0 || out->count == 0)
		return rc;
	rc = add_up(h, a, &sql_held_late, &late, e);
	out->pico -= late.pico;
	out->foreign -= late.foreign;
	out->nano -= late.nano;
	return rc;
}

int held_sum(struct held *h, const struct held_scope *of, struct text currency, struct instant now,
	     struct held_sums *out, struct err *e)
{
	const struct asked a = { of, currency, now };
	const bool of_one = of->customer.n != 0;
	bool sure;
	*out = (struct held_sums){ 0 };
	int rc = look_around(h, &sure, e);
	if (rc == 0 && !dict_find(&h->unkept, of->customer))
		rc = sum_kept(h, &a, out, e);
	if (rc != 0 || out->count)
		return rc;
	if (of_one || !h->keeps)
		rc = add_up(h, &a, of_one ? &sql_held_of : &sql_held, out, e);
	if (rc != 0 || !h->keeps || (of_one && out->count <= HELD_FEW))
		return rc;
	rc = keep_sum(h, &a, e);
	return rc == 0 ? sum_kept(h, &a, out, e) : rc;
}
