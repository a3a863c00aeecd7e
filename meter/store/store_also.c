#include "meter/store/store_parts.h"

#define ALSO "(?,?,?)"
#define ALSO_4 ALSO "," ALSO "," ALSO "," ALSO
static const struct sql sql_add_also = {
	.text = "INSERT INTO call_also VALUES" ALSO " ON CONFLICT DO NOTHING",
};
/* ALSO_AT_ONCE of them */
static const struct sql sql_add_many = {
	.text = "INSERT INTO call_also VALUES" ALSO_4 "," ALSO_4 "," ALSO_4 "," ALSO_4
		" ON CONFLICT DO NOTHING",
};

int store_flush_also(struct store *s, struct err *e)
{
	struct also_list *l = &s->also;
	const size_t n = l->count, at_once = n == ALSO_AT_ONCE ? n : 1;
	const char *p = l->texts.p;
	struct query *q;
	int rc = 0;
	l->count = l->texts.n = 0;
	for (size_t i = 0; rc == 0 && i < n; i += at_once) {
		rc = db_statement(&s->db, at_once == 1 ? &sql_add_also : &sql_add_many, &q, e);
		for (size_t k = 0; rc == 0 && k < at_once; k++) {
			const int place = (int)(3 * k);
			const size_t name = l->name[i + k], id = l->id[i + k];
			db_bind_text_at(q, place + 1, (struct text){ p, name });
			db_bind_text_at(q, place + 2, (struct text){ p + name, id });
			db_bind_int_at(q, place + 3, l->copy[i + k]);
			p += name + id;
		}
		if (rc == 0)
			rc = db_done(&s->db, q, e);
	}
	return rc;
}

int store_also(struct store *s, struct text also, struct text id, bool copy, struct err *e)
{
	struct also_list *l = &s->also;
	l->name[l->count] = also.n;
	l->id[l->count] = id.n;
	l->copy[l->count++] = copy;
	buf_add(&l->texts, also.p, also.n);
	buf_add(&l->texts, id.p, id.n);
	return l->count == ALSO_AT_ONCE || !s->writing ? store_flush_also(s, e) : 0;
}

static const struct sql sql_find_also = {
	.text = "SELECT id,copy FROM call_also WHERE also=:also",
};

static int also_text(struct store *s, struct text also, bool copies, struct buf *out, struct err *e)
{
	struct query *q;
	out->n = 0;
	int rc = store_flush_also(s, e);
	if (rc == 0)
		rc = db_statement(&s->db, &sql_find_also, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":also", also);
	rc = db_step(&s->db, q, e);
	if (rc == 1 && (copies || !db_int(q, 1)))
		buf_add(out, db_text(q, 0).p, db_text(q, 0).n);
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int store_also_text(struct store *s, struct text also, struct buf *out, struct err *e)
{
	return also_text(s, also, true, out, e);
}

int store_find_also(struct store *s, struct text also, bool copies, struct known_id *out,
		    struct err *e)
{
	struct buf id = { 0 };
	*out = (struct known_id){ 0 };
	int rc = also_text(s, also, copies, &id, e);
	rc = rc < 0 ? rc : id.n ? store_look_for(s, (struct text){ id.p, id.n }, out, e) : 0;
	buf_release(&id);
	return rc;
}
