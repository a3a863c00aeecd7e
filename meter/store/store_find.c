#include "meter/store/record_id.h"
#include "meter/store/store_parts.h"

/* Whether the row has the id that is looked for. */
static bool row_has_id(void *user, int64_t row)
{
	struct store *s = user;
	struct query *q = NULL;
	s->find_rc = s->pending_count ? store_flush(s, s->find_error) : 0;
	int step = s->find_rc;
	if (step == 0)
		step = store_step_id_at(s, row, &q, s->find_error);
	bool same = step == 1 && text_eq(store_id_of_column(s, q, 0), s->look_for) &&
		    db_int(q, 1) == USAGE_RECORD;
	if (q)
		db_reset(q);
	if (step < 0)
		s->find_rc = step;
	return same || step < 0; /* a failure ends the search */
}

void store_prefetch(struct store *s, struct text id)
{
	if (s->ids)
		id_index_prefetch(s->ids, id_index_hash(s->ids, id));
	else if (s->claims)
		claims_want(s->claims, id);
}

void store_prefetch_look(struct store *s, struct text id)
{
	if (s->ids)
		id_index_prefetch(s->ids, id_index_hash(s->ids, id));
	else if (s->claims)
		claims_want_look(s->claims, id);
}

static const struct sql sql_has_own_ids = {
	.text = "SELECT count(*) FROM about WHERE key='own_ids'",
};

int store_has_own_ids(struct store *s, bool *out, struct err *e)
{
	int64_t n = s->own_ids;
	int rc = n < 0 ? store_read_int(s, &sql_has_own_ids, &n, e) : 0;
	*out = rc == 0 && n > 0;
	if (rc == 0 && db_in_transaction(&s->db))
		s->own_ids = n;
	return rc;
}

static const struct sql sql_set_own_ids = {
	.text = "INSERT INTO about VALUES('own_ids','1') ON CONFLICT DO NOTHING",
};

int store_set_own_ids(struct store *s, struct err *e)
{
	struct query *q;
	bool known;
	int rc = store_has_own_ids(s, &known, e);
	if (rc != 0 || known)
		return rc;
	rc = db_statement(&s->db, &sql_set_own_ids, &q, e);
	s->own_ids = 1;
	return rc == 0 ? db_done(&s->db, q, e) : rc;
}

static const struct sql sql_search_id = {
	.text = "SELECT seq FROM usage WHERE seq>:above AND id=:id AND kind=0 UNION ALL SELECT seq "
		"FROM archived_id WHERE seq>:above AND id=:id LIMIT 1",
};

/* The rows above that one are searched: all where there is no index, which only writers have; those
 * that the index does not know yet where there is one. */
static int find_by_search(struct store *s, struct text id, int64_t above, int64_t *first,
			  struct err *e)
{
	struct query *q;
	uint8_t bytes[RECORD_UUID_BYTES];
	if (db_on_server(&s->db))
		return claims_search(&s->db, id, first, e);
	int rc = db_statement(&s->db, &sql_search_id, &q, e);
	if (rc != 0)
		return rc;
	if (record_id_uuid(id, bytes))
		db_bind_blob(q, ":id", bytes, sizeof bytes);
	else
		db_bind_text(q, ":id", id);
	db_bind_int(q, ":above", above);
	rc = db_step(&s->db, q, e);
	*first = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int store_look_for(struct store *s, struct text id, struct known_id *out, struct err *e)
{
	*out = (struct known_id){ 0 };
	if (!s->claims || !db_in_transaction(&s->db))
		return store_find(s, id, out, e);
	int rc = claims_look_for(s->claims, &s->db, id, out, e);
	return rc == 0 ? archived_need_record(&s->archived, &s->db, out->first, e) : rc;
}

static int find_by_index(struct store *s, struct text id, int64_t *first, struct err *e)
{
	int rc = s->writing ? store_need_ids(s, e) : 0;
	if (rc != 0)
		return rc;
	s->look_for = id;
	s->find_error = e;
	s->find_rc = 0;
	*first = id_index_find(s->ids, id_index_hash(s->ids, id), row_has_id, s);
	if (s->find_rc != 0)
		return s->find_rc;
	if (id_index_is_damaged(s->ids))
		return err_set(e, ERR_STORE,
			       "the index of ids '%s-ids' was damaged; it will be rebuilt from "
			       "the records at the next transaction: try again",
			       s->db.path);
	/* between transactions it may lack rows: those of other writers, and all that it forgot
	 * with a transaction that failed */
	return *first || s->writing ? 0 : find_by_search(s, id, id_index_known(s->ids), first, e);
}

/* Through somebody's index. What was stored after this store's look at the database is not in it.
 */
static int find_through(struct store *s, struct text id, int64_t *first, struct err *e)
{
	struct err failed = { 0 };
	if (s->finder.find(s->finder.user, id, first, &failed) != 0)
		return find_by_search(s, id, 0, first, e);
	s->look_for = id;
	s->find_error = e;
	s->find_rc = 0;
	if (*first && !row_has_id(s, *first))
		*first = 0;
	return s->find_rc;
}

static int find_first(struct store *s, struct text id, int64_t *first, struct err *e)
{
	if (s->ids)
		return find_by_index(s, id, first, e);
	if (s->finder.find && !db_on_server(&s->db))
		return find_through(s, id, first, e);
	return find_by_search(s, id, 0, first, e);
}

int store_find(struct store *s, struct text id, struct known_id *out, struct err *e)
{
	*out = (struct known_id){ 0 };
	if (!s->ids && s->claims && db_in_transaction(&s->db)) {
		int rc = claims_find(s->claims, &s->db, id, out, e);
		return rc == 0 ? archived_need_record(&s->archived, &s->db, out->first, e) : rc;
	}
	int rc = find_first(s, id, &out->first, e);
	if (rc != 0)
		return rc;
	return out->first ? store_find_row(s, out->first, out, e) : 0;
}

static const struct sql sql_last_of = {
	.text = "SELECT seq,kind FROM usage WHERE of=:first ORDER BY seq DESC LIMIT 1",
};

int store_find_row(struct store *s, int64_t first, struct known_id *out, struct err *e)
{
	/* few records are ever corrected: the index of corrections is small */
	struct query *q;
	int rc = archived_need_record(&s->archived, &s->db, first, e);
	if (rc == 0)
		rc = store_flush(s, e);
	*out = (struct known_id){ .first = first };
	if (rc == 0)
		rc = db_statement(&s->db, &sql_last_of, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":first", out->first);
	rc = db_step(&s->db, q, e);
	out->current = rc == 0				  ? out->first
		       : rc < 0				  ? 0
		       : db_int(q, 1) == USAGE_CORRECTION ? db_int(q, 0)
							  : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}
