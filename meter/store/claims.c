#include "meter/store/claims.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/dict.h"
#include "meter/store/record_id.h"
#include "meter/store/server_array.h"

enum {
	NUMBERS_AT_ONCE = 100, /* the sequence's increment */
	COPIED_FROM = 200,     /* keys */
};

struct claim {
	struct record_key key;
	bool mine;
	struct known_id known;
};

/* An id that is only looked for. */
struct sought {
	struct record_key key;
	struct known_id known;
};

struct claims {
	struct dict sought_by_id; /* 1 + index */
	struct sought *sought;
	size_t sought_count, sought_room, sought_read;
	struct dict by_id; /* 1 + index */
	struct claim *claim;
	size_t count, room;
	size_t taken, looked;	/* so many of the first ones */
	bool hopeful;		/* the last ones were all new */
	int64_t number, unused; /* the claim's; numbers that no transaction had yet */
	struct server_array array;
	struct buf lines;     /* of keys, for COPY */
	struct err key_error; /* why an id has no key */
};

struct claims *claims_open(void)
{
	return mem_zalloc(sizeof(struct claims));
}

void claims_close(struct claims *c)
{
	if (!c)
		return;
	dict_release(&c->by_id);
	dict_release(&c->sought_by_id);
	free(c->sought);
	server_array_release(&c->array);
	buf_release(&c->lines);
	free(c->claim);
	free(c);
}

static struct claim *need(struct claims *c, struct text id)
{
	bool is_new;
	uint64_t *at = dict_need(&c->by_id, id, &is_new);
	if (!is_new)
		return &c->claim[*at - 1];
	if (c->count == c->room) {
		c->room = c->room ? c->room * 2 : 64;
		c->claim = mem_grow(c->claim, c->room * sizeof *c->claim);
	}
	struct claim *k = &c->claim[c->count];
	*k = (struct claim){ 0 };
	if (record_id_key(id, &k->key, &c->key_error) != 0)
		k->key.n = 0;
	*at = ++c->count;
	return k;
}

void claims_want(struct claims *c, struct text id)
{
	need(c, id);
}

bool claims_wanted(const struct claims *c)
{
	return c->taken < c->count;
}

void claims_again(struct claims *c)
{
	c->sought_read = 0;
	c->taken = c->looked = 0;
	c->number = 0;
	for (size_t i = 0; i < c->count; i++) {
		c->claim[i].mine = false;
		c->claim[i].known = (struct known_id){ 0 };
	}
}

void claims_forget(struct claims *c)
{
	dict_clear(&c->by_id);
	dict_clear(&c->sought_by_id);
	c->sought_count = c->sought_read = 0;
	c->count = c->taken = c->looked = 0;
	c->number = 0;
}

void claims_drop_numbers(struct claims *c)
{
	c->unused = 0;
}

static bool is_known(const struct claim *k)
{
	return !k->mine;
}

static bool is_unused(const struct claim *k)
{
	return k->mine && !k->known.first;
}

/* Binds the keys of such claims from index `from` on; at[]: which they are, for the answers. */
static size_t bind_keys(struct claims *c, size_t from, bool (*which)(const struct claim *k),
			uint32_t *at, struct query *q)
{
	size_t n = 0;
	server_array_begin(&c->array, SERVER_BYTEA);
	for (size_t i = from; i < c->count; i++) {
		if (which && !which(&c->claim[i]))
			continue;
		server_array_add(&c->array, c->claim[i].key.byte, c->claim[i].key.n);
		if (at)
			at[n] = (uint32_t)i;
		n++;
	}
	server_array_bind(&c->array, q, ":keys");
	return n;
}

/* --- taking --- */

static const struct sql sql_claim_numbers = {
	.postgres = "SELECT nextval('claim_number')",
};

static int take_number(struct claims *c, struct db *db, struct err *e)
{
	if (c->number)
		return 0;
	if (!c->unused) {
		struct query *q;
		int rc = db_statement(db, &sql_claim_numbers, &q, e);
		if (rc == 0)
			rc = db_returned(db, q, &c->unused, e);
		if (rc != 0)
			return rc;
	}
	c->number = c->unused++;
	if (c->unused % NUMBERS_AT_ONCE == 1)
		c->unused = 0;
	return 0;
}

static const struct sql sql_claim_rows = {
	.postgres = "SELECT w.i," CLAIM_ROW
		    " FROM unnest(CAST(:keys AS bytea[])) WITH ORDINALITY AS w(key,i) "
		    "JOIN usage_key k ON k.key=w.key JOIN usage_claim c ON c.claim=k.claim",
};

/* Of those that others have: the row of each one's record. */
static int find_rows(struct claims *c, struct db *db, struct err *e)
{
	struct query *q;
	uint32_t *at = mem_alloc((c->count - c->taken + 1) * sizeof *at);
	int rc = db_statement(db, &sql_claim_rows, &q, e);
	if (rc == 0) {
		bind_keys(c, c->taken, is_known, at, q);
		while ((rc = db_step(db, q, e)) == 1)
			c->claim[at[db_int(q, 0) - 1]].known.first = db_int(q, 1);
		db_reset(q);
	}
	free(at);
	for (size_t i = c->taken; rc == 0 && i < c->count; i++)
		if (is_known(&c->claim[i]) && !c->claim[i].known.first)
			rc = err_set(e, ERR_STORE, "%s: the key of an id points to no row",
				     db->path);
	return rc;
}

/* in the order of the keys, so that two transactions never wait for each other */
#define CLAIM_THEM \
	"INSERT INTO usage_key(key,claim,place) SELECT key,CAST(:claim AS bigint)," \
	"CAST(:base AS bigint)+place FROM unnest(CAST(:keys AS bytea[])) WITH ORDINALITY " \
	"AS w(key,place) ORDER BY key"
static const struct sql sql_claim_all_keys = {
	.postgres = CLAIM_THEM,
};

static int insert_all(struct claims *c, struct db *db, struct err *e)
{
	struct query *q;
	int rc = db_statement(db, &sql_claim_all_keys, &q, e);
	if (rc != 0)
		return rc;
	bind_keys(c, c->taken, NULL, NULL, q);
	db_bind_int(q, ":claim", c->number);
	db_bind_int(q, ":base", (int64_t)c->taken);
	return db_done(db, q, e);
}

static int by_key(const void *x, const void *y)
{
	const struct record_key *a = &(*(const struct claim *const *)x)->key,
				*b = &(*(const struct claim *const *)y)->key;
	const int order = memcmp(a->byte, b->byte, a->n < b->n ? a->n : b->n);
	return order ? order : (int)a->n - (int)b->n;
}

/* The same in the same order; the server takes rows of a COPY in many at a time. */
static int copy_all(struct claims *c, struct db *db, struct err *e)
{
	static const char hex[] = "0123456789abcdef";
	const size_t n = c->count - c->taken;
	const struct claim **list = mem_alloc((n + 1) * sizeof *list);
	for (size_t i = 0; i < n; i++)
		list[i] = &c->claim[c->taken + i];
	qsort(list, n, sizeof *list, by_key);
	c->lines.n = 0;
	for (size_t i = 0; i < n; i++) {
		char digits[2 * RECORD_KEY_MAX];
		const struct record_key *k = &list[i]->key;
		for (size_t b = 0; b < k->n; b++) {
			digits[2 * b] = hex[k->byte[b] >> 4];
			digits[2 * b + 1] = hex[k->byte[b] & 15];
		}
		buf_puts(&c->lines, "\\\\x");
		buf_add(&c->lines, digits, 2 * (size_t)k->n);
		buf_puts(&c->lines, "\t");
		buf_int(&c->lines, c->number);
		buf_puts(&c->lines, "\t");
		buf_int(&c->lines, list[i] - c->claim + 1);
		buf_puts(&c->lines, "\n");
	}
	free(list);
	int rc = db_copy(db, "usage_key(key,claim,place)", (struct text){ c->lines.p, c->lines.n },
			 e);
	return rc == 0 ? db_copied(db, e) : rc;
}

/* All of them, or a failure when one is known: a third faster than asking which. */
static int take_all(struct claims *c, struct db *db, struct err *e)
{
	/* a COPY is asked for first, and few keys are not worth that */
	const bool many = c->count - c->taken >= COPIED_FROM;
	int rc = many ? copy_all(c, db, e) : insert_all(c, db, e);
	/* whatever it was (a worker's duplicate is told as an internal error): it is asked again */
	if (rc != 0)
		return err_set(e, ERR_BUSY, "%s: some of the ids are known", db->path);
	for (size_t i = c->taken; rc == 0 && i < c->count; i++)
		c->claim[i].mine = true;
	return rc;
}

static const struct sql sql_claim_keys = {
	.postgres = CLAIM_THEM " ON CONFLICT DO NOTHING RETURNING place",
};

static int take_new(struct claims *c, struct db *db, struct err *e)
{
	struct query *q;
	int rc = db_statement(db, &sql_claim_keys, &q, e);
	if (rc != 0)
		return rc;
	size_t mine = 0, wanted = bind_keys(c, c->taken, NULL, NULL, q);
	db_bind_int(q, ":claim", c->number);
	db_bind_int(q, ":base", (int64_t)c->taken);
	while ((rc = db_step(db, q, e)) == 1) {
		c->claim[db_int(q, 0) - 1].mine = true;
		mine++;
	}
	db_reset(q);
	if (rc == 0)
		c->hopeful = mine == wanted;
	return rc == 0 && mine < wanted ? find_rows(c, db, e) : rc;
}

static int take(struct claims *c, struct db *db, bool may_fail, struct err *e)
{
	if (!claims_wanted(c))
		return 0;
	if (c->key_error.code != ERR_NONE) {
		*e = c->key_error;
		c->key_error.code = ERR_NONE;
		return -(int)e->code;
	}
	int rc = take_number(c, db, e);
	if (rc == 0 && c->hopeful && may_fail) {
		c->hopeful = false;
		rc = take_all(c, db, e);
		c->hopeful = rc == 0;
	} else if (rc == 0) {
		rc = take_new(c, db, e);
	}
	if (rc == 0)
		c->taken = c->count;
	return rc;
}

int claims_take(struct claims *c, struct db *db, struct err *e)
{
	return take(c, db, true, e);
}

size_t claims_new(const struct claims *c, bool *all)
{
	size_t n = 0;
	for (size_t i = 0; i < c->taken; i++)
		n += c->claim[i].mine;
	*all = n == c->count;
	return n;
}

static const struct sql sql_claim_current = {
	.postgres = "SELECT of,seq,kind FROM usage WHERE of=ANY(CAST(:firsts AS bigint[])) "
		    "ORDER BY seq",
};

int claims_look(struct claims *c, struct db *db, struct err *e)
{
	struct query *q;
	struct dict by_first = { 0 }; /* to 1 + index */
	struct buf firsts = { 0 };
	int rc = 0;
	for (size_t i = c->looked; i < c->taken; i++) {
		struct known_id *k = &c->claim[i].known;
		if (!is_known(&c->claim[i]))
			continue;
		k->current = k->first;
		buf_printf(&firsts, "%c%lld", firsts.n ? ',' : '{', (long long)k->first);
		*dict_need(&by_first, (struct text){ (char *)&k->first, sizeof k->first }, NULL) =
			1 + i;
	}
	if (firsts.n && (rc = db_statement(db, &sql_claim_current, &q, e)) == 0) {
		buf_puts(&firsts, "}");
		db_bind_text(q, ":firsts", (struct text){ firsts.p, firsts.n });
		/* ascending: the last one counts */
		while ((rc = db_step(db, q, e)) == 1) {
			int64_t first = db_int(q, 0);
			uint64_t *at =
				dict_find(&by_first, (struct text){ (char *)&first, sizeof first });
			CHECK(at);
			c->claim[*at - 1].known.current =
				db_int(q, 2) == USAGE_CORRECTION ? db_int(q, 1) : 0;
		}
		db_reset(q);
	}
	dict_release(&by_first);
	buf_release(&firsts);
	if (rc == 0)
		c->looked = c->taken;
	return rc;
}

int claims_find(struct claims *c, struct db *db, struct text id, struct known_id *out,
		struct err *e)
{
	need(c, id);
	int rc = take(c, db, false, e);
	if (rc == 0 && c->looked < c->taken)
		rc = claims_look(c, db, e);
	if (rc == 0)
		*out = need(c, id)->known;
	return rc;
}

static struct sought *seek(struct claims *c, struct text id)
{
	bool is_new;
	uint64_t *at = dict_need(&c->sought_by_id, id, &is_new);
	if (!is_new)
		return &c->sought[*at - 1];
	if (c->sought_count == c->sought_room) {
		c->sought_room = c->sought_room ? c->sought_room * 2 : 64;
		c->sought = mem_grow(c->sought, c->sought_room * sizeof *c->sought);
	}
	struct sought *s = &c->sought[c->sought_count];
	*s = (struct sought){ 0 };
	if (record_id_key(id, &s->key, &c->key_error) != 0)
		s->key.n = 0;
	*at = ++c->sought_count;
	return s;
}

void claims_want_look(struct claims *c, struct text id)
{
	seek(c, id);
}

/* The rows of those that were not read yet, and what they stand for now. */
static int read_sought(struct claims *c, struct db *db, struct err *e)
{
	struct query *q;
	const size_t from = c->sought_read;
	int rc = db_statement(db, &sql_claim_rows, &q, e);
	if (rc != 0)
		return rc;
	server_array_begin(&c->array, SERVER_BYTEA);
	for (size_t i = from; i < c->sought_count; i++)
		server_array_add(&c->array, c->sought[i].key.byte, c->sought[i].key.n);
	server_array_bind(&c->array, q, ":keys");
	while ((rc = db_step(db, q, e)) == 1)
		c->sought[from + (size_t)db_int(q, 0) - 1].known.first = db_int(q, 1);
	db_reset(q);
	for (size_t i = from; rc == 0 && i < c->sought_count; i++) {
		struct known_id *k = &c->sought[i].known;
		k->current = k->first;
		if (!k->first || (rc = db_statement(db, &sql_claim_current, &q, e)) != 0)
			continue;
		char first[32];
		snprintf(first, sizeof first, "{%lld}", (long long)k->first);
		db_bind_text(q, ":firsts", text_of(first));
		while ((rc = db_step(db, q, e)) == 1)
			k->current = db_int(q, 2) == USAGE_CORRECTION ? db_int(q, 1) : 0;
		db_reset(q);
	}
	c->sought_read = rc == 0 ? c->sought_count : from;
	return rc;
}

int claims_look_for(struct claims *c, struct db *db, struct text id, struct known_id *out,
		    struct err *e)
{
	/* what this transaction has of it itself is not among the rows yet */
	if (dict_find(&c->by_id, id))
		return claims_find(c, db, id, out, e);
	seek(c, id);
	int rc = c->sought_read < c->sought_count ? read_sought(c, db, e) : 0;
	*out = rc == 0 ? seek(c, id)->known : (struct known_id){ 0 };
	return rc;
}

static const struct sql sql_claim_search = {
	.postgres = "SELECT " CLAIM_ROW
		    " FROM usage_key k JOIN usage_claim c ON c.claim=k.claim WHERE k.key=:key",
};

int claims_search(struct db *db, struct text id, int64_t *first, struct err *e)
{
	struct record_key key;
	struct query *q;
	int rc = record_id_key(id, &key, e);
	if (rc == 0)
		rc = db_statement(db, &sql_claim_search, &q, e);
	if (rc != 0)
		return rc;
	db_bind_blob(q, ":key", key.byte, key.n);
	rc = db_step(db, q, e);
	*first = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int claims_note(struct claims *c, struct db *db, const struct usage_row *row, struct err *e)
{
	const struct text id = row->record.text[FIELD_ID];
	struct known_id known;
	int rc = claims_find(c, db, id, &known, e);
	if (rc != 0)
		return rc;
	struct claim *k = need(c, id);
	if (row->kind == USAGE_RECORD && k->known.first)
		return err_set(e, ERR_STORE, "%s: the id '%.*s' is stored already", db->path,
			       (int)id.n, id.p);
	if (row->kind == USAGE_RECORD)
		k->known.first = row->seq;
	k->known.current = row->kind == USAGE_REVERSAL ? 0 : row->seq;
	return 0;
}

void claims_put_known_rows(const struct claims *c, struct buf *array)
{
	const size_t from = array->n;
	for (size_t i = 0; i < c->looked; i++) {
		const struct known_id *k = &c->claim[i].known;
		if (!is_known(&c->claim[i]))
			continue;
		buf_printf(array, "%c%lld", array->n > from ? ',' : '{', (long long)k->first);
		if (k->current && k->current != k->first)
			buf_printf(array, ",%lld", (long long)k->current);
	}
	if (array->n > from)
		buf_puts(array, "}");
}

/* --- settling --- */

static const struct sql sql_claim_give_back = {
	.postgres = "DELETE FROM usage_key WHERE key=ANY(CAST(:keys AS bytea[])) AND claim=:claim",
};
static const struct sql sql_claim_settle = {
	.postgres = "INSERT INTO usage_claim VALUES(:claim,:first,CAST(:places AS int[]))",
};

int claims_settle(struct claims *c, struct db *db, int64_t first, struct err *e)
{
	struct query *q;
	struct buf places = { 0 };
	size_t mine = 0, used = 0;
	bool in_order = true;
	int rc = 0;
	for (size_t i = 0; i < c->taken; i++) {
		const struct claim *k = &c->claim[i];
		const bool counts = k->mine && k->known.first;
		mine += k->mine;
		used += counts;
		in_order = in_order && (!counts || k->known.first == first + (int64_t)i);
		buf_printf(&places, "%c%lld", i ? ',' : '{',
			   counts ? (long long)(k->known.first - first) : 0);
	}
	buf_puts(&places, "}");
	if (used < mine && (rc = db_statement(db, &sql_claim_give_back, &q, e)) == 0) {
		bind_keys(c, 0, is_unused, NULL, q);
		db_bind_int(q, ":claim", c->number);
		rc = db_done(db, q, e);
	}
	if (rc == 0 && used && (rc = db_statement(db, &sql_claim_settle, &q, e)) == 0) {
		db_bind_int(q, ":claim", c->number);
		db_bind_int(q, ":first", first);
		if (in_order)
			db_bind_null(q, ":places");
		else
			db_bind_text(q, ":places", (struct text){ places.p, places.n });
		rc = db_done(db, q, e);
	}
	buf_release(&places);
	return rc;
}
