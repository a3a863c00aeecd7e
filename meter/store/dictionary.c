#include "meter/store/dictionary.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/dict.h"
#include "meter/formats/lower_bound.h"
#include "meter/store/server_array.h"

/* A stretch of numbers: entries by their number. */
struct by_number {
	void **entry;
	size_t room;
};

/* A series that is made with others: its texts are the caller's until then. */
struct wanted_series {
	struct series_names names;
	struct text key;
	int64_t number; /* 0: not found or made yet */
};

struct dictionary {
	struct db *db;
	char *address;	 /* on a server, of one that is written to; else NULL */
	struct db names; /* a second connection there, on which entries are made */
	struct dict series, origins, prices, subjects, cards, links; /* key to number */
	struct by_number price_by, series_by, subject_by, origin_by;
	struct arena arena; /* what they point to */
	struct buf key;
	/* on a server, series that are made at once */
	struct dict wanted_keys;
	struct wanted_series *wanted;
	size_t wanted_count, wanted_room;
};

struct dictionary *dictionary_open(struct db *db, const char *address)
{
	struct dictionary *x = mem_zalloc(sizeof *x);
	x->db = db;
	x->address = address ? mem_text(address) : NULL;
	return x;
}

void dictionary_close(struct dictionary *x)
{
	if (!x)
		return;
	db_close(&x->names);
	free(x->address);
	dict_release(&x->series);
	dict_release(&x->origins);
	dict_release(&x->prices);
	dict_release(&x->subjects);
	dict_release(&x->cards);
	dict_release(&x->links);
	dict_release(&x->wanted_keys);
	free(x->wanted);
	free(x->price_by.entry);
	free(x->series_by.entry);
	free(x->subject_by.entry);
	free(x->origin_by.entry);
	arena_release(&x->arena);
	buf_release(&x->key);
	free(x);
}

static void forget_wanted(struct dictionary *x)
{
	dict_clear(&x->wanted_keys);
	x->wanted_count = 0;
}

void dictionary_forget(struct dictionary *x)
{
	forget_wanted(x);
	dict_clear(&x->series);
	dict_clear(&x->origins);
	dict_clear(&x->prices);
	dict_clear(&x->subjects);
	dict_clear(&x->cards);
	dict_clear(&x->links);
	struct by_number *const lists[] = { &x->price_by, &x->series_by, &x->subject_by,
					    &x->origin_by };
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (lists[i]->room)
			memset(lists[i]->entry, 0, lists[i]->room * sizeof(void *));
}

/*
 * On a server entries are made at once, so that no writer waits for another one's transaction.
 * Their commit need not wait for the disk: that of the rows which name them does, and lies behind
 * it.
 */
static int open_names(struct dictionary *x, struct err *e)
{
	if (x->names.driver)
		return 0;
	int rc = db_open(&x->names, x->address, DB_WRITE, x->db->schema, e);
	/* plans are made while the tables are small */
	return rc == 0 ? db_run(&x->names,
				"SET synchronous_commit TO off; SET enable_seqscan TO off", e)
		       : rc;
}

/* An entry of a dictionary table that is wanted. */
struct wanted_entry {
	struct dict *known; /* the numbers in memory, by the key */
	struct text key;
	const struct sql *find, *add;
	void (*bind)(struct query *q, const void *what);
	const void *what;
};

/* Its number: from memory, from the table, or made there. */
static int number_of(struct dictionary *x, const struct wanted_entry *w, int64_t *out,
		     struct err *e)
{
	uint64_t *known = dict_find(w->known, w->key);
	struct db *db = x->db;
	struct query *q;
	int rc = 0;
	if (known) {
		*out = (int64_t)*known;
		return 0;
	}
	if (x->address) {
		db = &x->names;
		rc = open_names(x, e);
	}
	/* who finds none and makes none finds that another one has made it */
	static const int tries = 2;
	bool there = false;
	for (int i = 0; rc == 0 && !there && i < tries; i++) {
		const struct sql *const statements[] = { w->find, w->add };
		for (int k = 0; rc == 0 && !there && k < 2; k++) {
			if ((rc = db_statement(db, statements[k], &q, e)) != 0)
				break;
			w->bind(q, w->what);
			rc = k == 0 ? db_found(db, q, out, e) : db_added(db, q, out, e);
			there = rc == 1;
			rc = there ? 0 : rc;
		}
	}
	if (rc == 0 && !there)
		rc = err_set(e, ERR_STORE, "%s: an entry can be neither created nor found",
			     x->db->path);
	if (rc == 0)
		*dict_need(w->known, w->key, NULL) = (uint64_t)*out;
	return rc;
}

/* The length first, in a byte where it fits: keys are hashed and compared for every record, and
 * short ones stay in the processor's cache. */
static void key_part(struct buf *b, struct text t)
{
	enum { LONG = 255 };
	const uint32_t n = (uint32_t)t.n;
	buf_need(b, 1 + sizeof n + t.n);
	b->p[b->n++] = (char)(n < LONG ? n : LONG);
	if (n >= LONG) {
		memcpy(b->p + b->n, &n, sizeof n);
		b->n += sizeof n;
	}
	if (n)
		memcpy(b->p + b->n, t.p, n);
	b->n += n;
}

static void bind_subject(struct query *q, const void *what)
{
	const struct record *r = what;
	db_bind_text(q, ":provider", r->text[FIELD_PROVIDER]);
	db_bind_text(q, ":model", r->text[FIELD_MODEL]);
	db_bind_text(q, ":service_tier", r->text[FIELD_SERVICE_TIER]);
	db_bind_text(q, ":region", r->text[FIELD_REGION]);
}

static void bind_series(struct query *q, const void *what)
{
	const struct series_names *s = what;
	db_bind_text(q, ":customer", s->customer);
	db_bind_text(q, ":project", s->project);
	db_bind_text(q, ":workload", s->workload);
	db_bind_text(q, ":effort", s->effort);
	db_bind_int(q, ":subject", s->subject);
}

static void **entry_at(struct by_number *b, int64_t number)
{
	CHECK(number > 0);
	if ((size_t)number >= b->room) {
		size_t room = b->room ? b->room : 64;
		while (room <= (size_t)number)
			room *= 2;
		b->entry = mem_grow(b->entry, room * sizeof *b->entry);
		memset(b->entry + b->room, 0, (room - b->room) * sizeof *b->entry);
		b->room = room;
	}
	return &b->entry[number];
}

static struct text keep(struct dictionary *x, struct text t)
{
	return (struct text){ arena_text(&x->arena, t.p, t.n), t.n };
}

/* What the numbers of a record's series stand for need not be read back. */
static void keep_series_names(struct dictionary *x, int64_t number, const struct series_names *s)
{
	void **slot = entry_at(&x->series_by, number);
	if (*slot)
		return;
	struct series_names *n = arena_alloc(&x->arena, sizeof *n);
	*n = (struct series_names){ keep(x, s->customer), keep(x, s->project), keep(x, s->workload),
				    keep(x, s->effort), s->subject };
	*slot = n;
}

/* by the indexes, which are of hashes */
static const struct sql sql_find_subject = {
	.text = "SELECT id FROM subject WHERE model=:model AND provider=:provider "
		"AND service_tier=:service_tier AND region=:region",
	.postgres = "SELECT id FROM subject WHERE model=:model AND provider=:provider "
		    "AND service_tier=:service_tier AND region=:region AND md5(model)=md5(:model) "
		    "AND md5(provider)=md5(:provider) AND md5(service_tier)=md5(:service_tier) "
		    "AND md5(region)=md5(:region)",
};
#define ADD_SUBJECT \
	"INSERT INTO subject(provider,model,service_tier,region) " \
	"VALUES(:provider,:model,:service_tier,:region)"
/* by several writers at once */
static const struct sql sql_add_subject = {
	.text = ADD_SUBJECT,
	.postgres = ADD_SUBJECT " ON CONFLICT DO NOTHING RETURNING id",
};
static const struct sql sql_find_series = {
	.text = "SELECT id FROM series WHERE customer=:customer AND project=:project "
		"AND workload=:workload AND effort=:effort AND subject=:subject",
	.postgres = "SELECT id FROM series WHERE subject=:subject AND customer=:customer "
		    "AND project=:project AND workload=:workload AND effort=:effort "
		    "AND md5(customer)=md5(:customer) AND md5(project)=md5(:project) "
		    "AND md5(workload)=md5(:workload) AND md5(effort)=md5(:effort)",
};
#define ADD_SERIES \
	"INSERT INTO series(customer,project,workload,effort,subject) " \
	"VALUES(:customer,:project,:workload,:effort,:subject)"
static const struct sql sql_add_series = {
	.text = ADD_SERIES,
	.postgres = ADD_SERIES " ON CONFLICT DO NOTHING RETURNING id",
};

/* What a record's series is known by; the subject is the tail of it, behind *head bytes. */
static struct text series_key(struct dictionary *x, const struct record *r, size_t *head)
{
	static const enum record_field own[] = { FIELD_CUSTOMER, FIELD_PROJECT, FIELD_WORKLOAD,
						 FIELD_EFFORT },
				       of_subject[] = { FIELD_PROVIDER, FIELD_MODEL,
							FIELD_SERVICE_TIER, FIELD_REGION };
	x->key.n = 0;
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		key_part(&x->key, r->text[own[i]]);
	*head = x->key.n;
	for (size_t i = 0; i < sizeof of_subject / sizeof *of_subject; i++)
		key_part(&x->key, r->text[of_subject[i]]);
	return (struct text){ x->key.p, x->key.n };
}

/* The names of a record's series, with the number of its subject. */
static int series_of(struct dictionary *x, const struct record *r, struct text subject_key,
		     struct series_names *out, struct err *e)
{
	const struct wanted_entry subject = { &x->subjects,	subject_key,  &sql_find_subject,
					      &sql_add_subject, bind_subject, r };
	*out = (struct series_names){ r->text[FIELD_CUSTOMER], r->text[FIELD_PROJECT],
				      r->text[FIELD_WORKLOAD], r->text[FIELD_EFFORT], 0 };
	return number_of(x, &subject, &out->subject, e);
}

int dictionary_series(struct dictionary *x, const struct record *r, int64_t *out, struct err *e)
{
	size_t head;
	struct series_names names;
	const struct text key = series_key(x, r, &head);
	uint64_t *known = dict_find(&x->series, key);
	if (known) {
		*out = (int64_t)*known;
		return 0;
	}
	const struct wanted_entry series = { &x->series,      key,	   &sql_find_series,
					     &sql_add_series, bind_series, &names };
	int rc = series_of(x, r, (struct text){ key.p + head, key.n - head }, &names, e);
	if (rc == 0)
		rc = number_of(x, &series, out, e);
	if (rc == 0)
		keep_series_names(x, *out, &names);
	return rc;
}

/* --- many series at once --- */

int dictionary_want_series(struct dictionary *x, const struct record *r, struct err *e)
{
	size_t head;
	bool is_new;
	if (!x->address)
		return 0;
	const struct text key = series_key(x, r, &head);
	if (dict_find(&x->series, key))
		return 0;
	dict_need(&x->wanted_keys, key, &is_new);
	if (!is_new)
		return 0;
	if (x->wanted_count == x->wanted_room) {
		x->wanted_room = x->wanted_room ? x->wanted_room * 2 : 64;
		x->wanted = mem_grow(x->wanted, x->wanted_room * sizeof *x->wanted);
	}
	struct wanted_series *w = &x->wanted[x->wanted_count++];
	*w = (struct wanted_series){ .key = dict_key(&x->wanted_keys, key) };
	return series_of(x, r, (struct text){ key.p + head, key.n - head }, &w->names, e);
}

#define WANTED_SERIES \
	"unnest(CAST(:customer AS text[]),CAST(:project AS text[]),CAST(:workload AS text[])," \
	"CAST(:effort AS text[]),CAST(:subject AS bigint[]))"
static const struct sql sql_find_wanted = {
	.postgres =
		"SELECT w.i,s.id FROM " WANTED_SERIES
		" WITH ORDINALITY AS w(customer,project,workload,effort,subject,i) JOIN series s "
		"ON s.subject=w.subject AND md5(s.customer)=md5(w.customer) AND "
		"md5(s.project)=md5(w.project) AND md5(s.workload)=md5(w.workload) AND "
		"md5(s.effort)=md5(w.effort) AND s.customer=w.customer AND s.project=w.project "
		"AND s.workload=w.workload AND s.effort=w.effort",
};
/* in one order, so that two writers never wait for each other */
static const struct sql sql_add_wanted = {
	.postgres = "INSERT INTO series(customer,project,workload,effort,subject) SELECT "
		    "customer,project,workload,effort,subject FROM " WANTED_SERIES
		    " AS w(customer,project,workload,effort,subject) ORDER BY subject,customer,"
		    "project,workload,effort ON CONFLICT DO NOTHING",
};

/* Runs a statement over those that have no number yet. */
static int over_wanted(struct dictionary *x, const struct sql *which, struct err *e)
{
	struct server_array array[5] = { 0 };
	static const char *const names[] = { ":customer", ":project", ":workload", ":effort",
					     ":subject" };
	enum { TEXTS = 4 };
	struct query *q;
	uint32_t *at = mem_alloc((x->wanted_count + 1) * sizeof *at), n = 0;
	for (int k = 0; k <= TEXTS; k++)
		server_array_begin(&array[k], k < TEXTS ? SERVER_TEXT : SERVER_BIGINT);
	for (size_t i = 0; i < x->wanted_count; i++) {
		const struct series_names *s = &x->wanted[i].names;
		const struct text text[TEXTS] = { s->customer, s->project, s->workload, s->effort };
		if (x->wanted[i].number)
			continue;
		for (int k = 0; k < TEXTS; k++)
			server_array_add(&array[k], text[k].p, text[k].n);
		server_array_add_int(&array[TEXTS], s->subject);
		at[n++] = (uint32_t)i;
	}
	int rc = n ? db_statement(&x->names, which, &q, e) : 0;
	if (rc == 0 && n) {
		for (int k = 0; k <= TEXTS; k++)
			server_array_bind(&array[k], q, names[k]);
		while ((rc = db_step(&x->names, q, e)) == 1)
			x->wanted[at[db_int(q, 0) - 1]].number = db_int(q, 1);
		db_reset(q);
	}
	for (int k = 0; k <= TEXTS; k++)
		server_array_release(&array[k]);
	free(at);
	return rc;
}

int dictionary_make_series(struct dictionary *x, struct err *e)
{
	if (!x->wanted_count)
		return 0;
	int rc = open_names(x, e);
	if (rc == 0)
		rc = over_wanted(x, &sql_find_wanted, e);
	if (rc == 0)
		rc = over_wanted(x, &sql_add_wanted, e);
	if (rc == 0)
		rc = over_wanted(x, &sql_find_wanted, e);
	for (size_t i = 0; rc == 0 && i < x->wanted_count; i++) {
		const struct wanted_series *w = &x->wanted[i];
		if (!w->number)
			continue; /* it is asked for by itself */
		*dict_need(&x->series, w->key, NULL) = (uint64_t)w->number;
		keep_series_names(x, w->number, &w->names);
	}
	forget_wanted(x);
	return rc;
}

struct origin_key {
	const char *source, *shape, *rule;
};

static void bind_origin(struct query *q, const void *what)
{
	const struct origin_key *k = what;
	db_bind_text(q, ":source", text_of(k->source));
	db_bind_text(q, ":shape", text_of(k->shape));
	db_bind_text(q, ":rule", text_of(k->rule));
}

static const struct sql sql_find_origin = {
	.text = "SELECT id FROM origin WHERE source=:source AND shape=:shape AND rule=:rule",
	.postgres = "SELECT id FROM origin WHERE source=:source AND shape=:shape AND rule=:rule "
		    "AND md5(source)=md5(:source)",
};
#define ADD_ORIGIN "INSERT INTO origin(source,shape,rule) VALUES(:source,:shape,:rule)"
static const struct sql sql_add_origin = {
	.text = ADD_ORIGIN,
	.postgres = ADD_ORIGIN " ON CONFLICT DO NOTHING RETURNING id",
};

int dictionary_origin(struct dictionary *x, const char *source, const char *shape, const char *rule,
		      int64_t *out, struct err *e)
{
	struct origin_key key = { source, shape, rule };
	x->key.n = 0;
	key_part(&x->key, text_of(source));
	key_part(&x->key, text_of(shape));
	key_part(&x->key, text_of(rule));
	const struct wanted_entry w = { &x->origins,	  { x->key.p, x->key.n },
					&sql_find_origin, &sql_add_origin,
					bind_origin,	  &key };
	return number_of(x, &w, out, e);
}

struct price_key {
	const struct stored_price *price;
	struct text rates, fees;
};

static void bind_price(struct query *q, const void *what)
{
	const struct price_key *k = what;
	db_bind_text(q, ":ref", k->price->ref);
	db_bind_text(q, ":vendor", k->price->vendor);
	db_bind_text(q, ":model", k->price->model);
	db_bind_text(q, ":window", k->price->window);
	db_bind_text(q, ":currency", k->price->currency);
	db_bind_text(q, ":rates", k->rates);
	db_bind_text(q, ":fees", k->fees);
	db_bind_text(q, ":reason", k->price->reason);
}

static const struct sql sql_find_price = {
	.text = "SELECT id FROM price WHERE ref=:ref AND \"window\"=:window "
		"AND currency=:currency AND rates=:rates AND fees=:fees AND reason=:reason "
		"AND model=:model AND :vendor=vendor",
};
#define ADD_PRICE \
	"INSERT INTO price(ref,vendor,model,\"window\",currency,rates,fees,reason) " \
	"VALUES(:ref,:vendor,:model,:window,:currency,:rates,:fees,:reason)"
static const struct sql sql_add_price = {
	.text = ADD_PRICE,
	.postgres = ADD_PRICE " ON CONFLICT DO NOTHING RETURNING id",
};

static const char *const card_kinds[] = { "book", "file", "database" };

static void bind_card(struct query *q, const void *what)
{
	const struct card *c = what;
	db_bind_text(q, ":name", text_of(card_name(c)));
	db_bind_text(q, ":kind", text_of(card_kinds[c->kind]));
	db_bind_text(q, ":sha256", text_of(c->sha256));
	db_bind_text(q, ":checked", text_of(c->checked ? c->checked : ""));
	db_bind_int(q, ":at", clock_now().us);
}

static const struct sql sql_find_card = {
	.text = "SELECT id FROM card WHERE name=:name AND kind=:kind AND sha256=:sha256 AND "
		"checked=:checked AND (at<=:at OR at>:at)",
};
#define ADD_CARD \
	"INSERT INTO card(name,kind,checked,sha256,at) VALUES(:name,:kind,:checked,:sha256,:at)"
static const struct sql sql_add_card = {
	.text = ADD_CARD,
	.postgres = ADD_CARD " ON CONFLICT DO NOTHING RETURNING id",
};

static void bind_link(struct query *q, const void *what)
{
	const int64_t *of = what;
	db_bind_int(q, ":price", of[0]);
	db_bind_int(q, ":card", of[1]);
}

static const struct sql sql_find_link = {
	.text = "SELECT card FROM priced_by WHERE price=:price AND card=:card",
};
#define ADD_LINK "INSERT INTO priced_by(price,card) VALUES(:price,:card)"
static const struct sql sql_add_link = {
	.text = ADD_LINK,
	.postgres = ADD_LINK " ON CONFLICT DO NOTHING RETURNING card",
};

/* Which card states the price of that number. */
static int link_card(struct dictionary *x, const struct card *c, int64_t price, struct err *e)
{
	int64_t of[2] = { price, 0 }, ignored;
	x->key.n = 0;
	key_part(&x->key, text_of(card_name(c)));
	key_part(&x->key, text_of(card_kinds[c->kind]));
	key_part(&x->key, text_of(c->sha256));
	const struct wanted_entry card = { &x->cards,	   { x->key.p, x->key.n },
					   &sql_find_card, &sql_add_card,
					   bind_card,	   c };
	int rc = number_of(x, &card, &of[1], e);
	const struct wanted_entry link = { &x->links,	   { (const char *)of, sizeof of },
					   &sql_find_link, &sql_add_link,
					   bind_link,	   of };
	return rc == 0 ? number_of(x, &link, &ignored, e) : rc;
}

int dictionary_price(struct dictionary *x, const struct stored_price *p, int64_t *out,
		     struct err *e)
{
	struct buf rates = { 0 }, fees = { 0 };
	stored_price_put_rates(&rates, p);
	stored_price_put_fees(&fees, p);
	struct price_key key = { p, { rates.p, rates.n }, { fees.p, fees.n } };
	x->key.n = 0;
	key_part(&x->key, p->ref);
	key_part(&x->key, p->model);
	key_part(&x->key, p->window);
	key_part(&x->key, p->currency);
	key_part(&x->key, key.rates);
	key_part(&x->key, key.fees);
	key_part(&x->key, p->reason);
	const struct wanted_entry w = { &x->prices,	 { x->key.p, x->key.n },
					&sql_find_price, &sql_add_price,
					bind_price,	 &key };
	int rc = number_of(x, &w, out, e);
	buf_release(&rates);
	buf_release(&fees);
	return rc == 0 && p->card ? link_card(x, p->card, *out, e) : rc;
}

/* The row of a dictionary table; the statement is left at it. */
static int entry_row(struct dictionary *x, const struct sql *which, int64_t number,
		     struct query **q, struct err *e)
{
	int rc = db_statement(x->db, which, q, e);
	if (rc != 0)
		return rc;
	db_bind_int(*q, ":id", number);
	rc = db_step(x->db, *q, e);
	if (rc == 0)
		return err_set(e, ERR_STORE, "%s: the database names an entry %lld that it lacks",
			       x->db->path, (long long)number);
	return rc < 0 ? rc : 0;
}

static const struct sql sql_price_at = {
	.text = "SELECT ref,vendor,model,\"window\",currency,rates,fees,reason FROM price "
		"WHERE id=:id",
};

int dictionary_stored_price(struct dictionary *x, int64_t number, const struct stored_price **out,
			    struct err *e)
{
	void **slot = entry_at(&x->price_by, number);
	struct query *q;
	if (!*slot) {
		int rc = entry_row(x, &sql_price_at, number, &q, e);
		if (rc != 0)
			return rc;
		struct stored_price *p = arena_alloc(&x->arena, sizeof *p);
		*p = (struct stored_price){ .ref = keep(x, db_text(q, 0)),
					    .vendor = keep(x, db_text(q, 1)),
					    .model = keep(x, db_text(q, 2)),
					    .window = keep(x, db_text(q, 3)),
					    .currency = keep(x, db_text(q, 4)),
					    .reason = keep(x, db_text(q, 7)) };
		rc = stored_price_read(p, db_text(q, 5), db_text(q, 6), &x->arena, e);
		db_reset(q);
		if (rc != 0)
			return rc;
		*slot = p;
	}
	*out = *slot;
	return 0;
}

static const struct sql sql_series_at = {
	.text = "SELECT customer,project,workload,subject,effort FROM series WHERE id=:id",
};

int dictionary_series_names(struct dictionary *x, int64_t number, const struct series_names **out,
			    struct err *e)
{
	void **slot = entry_at(&x->series_by, number);
	struct query *q;
	if (!*slot) {
		int rc = entry_row(x, &sql_series_at, number, &q, e);
		if (rc != 0)
			return rc;
		struct series_names *n = arena_alloc(&x->arena, sizeof *n);
		n->customer = keep(x, db_text(q, 0));
		n->project = keep(x, db_text(q, 1));
		n->workload = keep(x, db_text(q, 2));
		n->subject = db_int(q, 3);
		n->effort = keep(x, db_text(q, 4));
		db_reset(q);
		*slot = n;
	}
	*out = *slot;
	return 0;
}

static const struct sql sql_subject_at = {
	.text = "SELECT provider,model,service_tier,region FROM subject WHERE id=:id",
};

int dictionary_subject_names(struct dictionary *x, int64_t number, const struct subject_names **out,
			     struct err *e)
{
	void **slot = entry_at(&x->subject_by, number);
	struct query *q;
	if (!*slot) {
		int rc = entry_row(x, &sql_subject_at, number, &q, e);
		if (rc != 0)
			return rc;
		struct subject_names *n = arena_alloc(&x->arena, sizeof *n);
		n->provider = keep(x, db_text(q, 0));
		n->model = keep(x, db_text(q, 1));
		n->service_tier = keep(x, db_text(q, 2));
		n->region = keep(x, db_text(q, 3));
		db_reset(q);
		*slot = n;
	}
	*out = *slot;
	return 0;
}

static const struct sql sql_origin_at = { .text = "SELECT shape FROM origin WHERE id=:id" };

int dictionary_source(struct dictionary *x, int64_t origin, int *place, struct err *e)
{
	void **slot = entry_at(&x->origin_by, origin);
	struct query *q;
	if (!*slot) {
		int rc = db_statement(x->db, &sql_origin_at, &q, e);
		if (rc != 0)
			return rc;
		db_bind_int(q, ":id", origin);
		if ((rc = db_step(x->db, q, e)) < 0)
			return rc;
		int *known = arena_alloc(&x->arena, sizeof *known);
		/* that there is none is for `tally fsck` to say */
		*known = rc == 1 ? log_source_place(db_text(q, 0)) : -1;
		db_reset(q);
		*slot = known;
	}
	*place = *(int *)*slot;
	return 0;
}
