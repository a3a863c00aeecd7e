#include "meter/ingest/ingest_parts.h"
#include "meter/store/record_id.h"

void ingest_prefetch(struct ingest *in, const struct metered *m, struct text id)
{
	if (in->o.own_ids) {
		store_prefetch(in->store, ingest_own_id(&in->full, text_of(in->o.customer), id));
		store_prefetch_look(in->store, id);
	} else {
		store_prefetch(in->store, id);
		struct text customer = m->record.text[FIELD_CUSTOMER];
		if (!customer.n && in->o.customer)
			customer = text_of(in->o.customer);
		if (in->looks_at_own && customer.n)
			store_prefetch_look(in->store, ingest_own_id(&in->full, customer, id));
	}
}

int ingest_want_series(struct ingest *in, const struct metered *m, struct text id, struct err *e)
{
	struct known_id known;
	if (!db_on_server(store_db(in->store)))
		return 0;
	const struct record r = ingest_with_defaults(in, m);
	if (in->o.own_ids)
		id = ingest_own_id(&in->full, text_of(in->o.customer), id);
	int rc = store_find(in->store, id, &known, e);
	if (rc == -ERR_ARCHIVED)
		return 0; /* it is known */
	return rc == 0 && !known.first ? store_want_series(in->store, &r, e) : rc;
}

/* What an operator or a file had recorded of the call before its customer sent it. */
static int find_common(struct ingest *in, struct text customer, struct text *id,
		       struct known_id *known, struct err *e)
{
	struct usage_row row = { 0 };
	struct known_id common;
	int rc = store_look_for(in->store, in->shown, &common, e);
	if (rc == 0 && common.first)
		rc = store_row(in->store, common.first, &row, e);
	if (rc == 0 && common.first && text_eq(row.record.text[FIELD_CUSTOMER], customer)) {
		*known = common;
		*id = in->shown;
	}
	return rc;
}

/* What the customer sent of the call that an operator or a file records now. */
static int find_own(struct ingest *in, struct text customer, struct text *id,
		    struct known_id *known, struct err *e)
{
	struct known_id own;
	bool any;
	int rc = store_has_own_ids(in->store, &any, e);
	if (rc != 0 || !any)
		return rc;
	in->looks_at_own = true;
	const struct text full = ingest_own_id(&in->other, customer, in->shown);
	rc = store_look_for(in->store, full, &own, e);
	if (rc == 0 && own.first) {
		*known = own;
		*id = full;
	}
	return rc;
}

/* The call of the agent's other source that says the same, and has no pair yet; in->twin is the
 * number of the pair. */
static int find_twin(struct ingest *in, const struct metered *m, struct known_id *known,
		     struct err *e)
{
	char room[TWIN_ROOM];
	struct known_id own;
	int rc = 0;
	in->twin = 0;
	if (!m->twin.n)
		return 0;
	do
		rc = store_find_also(in->store, twin_name(room, m, ++in->twin, m->in_log), true,
				     &own, e);
	while (rc == 0 && own.first);
	if (rc == 0)
		rc = store_find_also(in->store, twin_name(room, m, in->twin, !m->in_log), true,
				     known, e);
	return rc;
}

/* That the record has, or is, the source's part of the pair. */
static int note_twin(struct ingest *in, const struct metered *m, struct text id, struct err *e)
{
	char room[TWIN_ROOM];
	if (!in->twin || !m->twin.n)
		return 0;
	return store_also(in->store, twin_name(room, m, in->twin, m->in_log), id, false, e);
}

/* The record meets one of the other source, under whose id it is kept. */
static int meet_twin(struct ingest *in, const struct metered *m, struct text id,
		     const struct known_id *known, struct err *e)
{
	struct usage_row have;
	int rc = store_row(in->store, known->first, &have, e);
	if (rc != 0)
		return rc;
	in->also.n = 0;
	buf_add(&in->also, have.record.text[FIELD_ID].p, have.record.text[FIELD_ID].n);
	const struct text kept = { in->also.p, in->also.n };
	rc = store_also(in->store, id, kept, false, e);
	return rc == 0 ? note_twin(in, m, kept, e) : rc;
}

int ingest_note_other_ids(struct ingest *in, const struct metered *m, struct text id, struct err *e)
{
	int rc = 0;
	if (m->also.n)
		rc = store_also(in->store, m->also, id, false, e);
	if (rc == 0 && m->copy_of.n)
		rc = store_also(in->store, m->copy_of, id, true, e);
	return rc == 0 ? note_twin(in, m, id, e) : rc;
}

/* Whether a known record is another call under the same id: some relays give every answer one. */
static int is_other_call(struct ingest *in, const struct metered *m, const struct record *r,
			 const struct known_id *known, bool *other, struct err *e)
{
	struct known_id same;
	struct usage_row have;
	int rc = store_find_also(in->store, m->also, false, &same, e);
	*other = false;
	if (rc != 0 || same.first == known->first)
		return rc;
	rc = store_row(in->store, known->current, &have, e);
	*other = rc == 0 && text_is(have.shape, m->shape) &&
		 sighting_is_other_request(have.record.tokens, r->tokens);
	return rc;
}

/* What another source calls the call, or whose copy it is. */
static int find_elsewhere(struct ingest *in, const struct metered *m, const struct record *r,
			  struct known_id *known, struct err *e)
{
	const struct text id = r->text[FIELD_ID];
	struct usage_row have;
	int rc = m->also.n ? store_look_for(in->store, m->also, known, e)
			   : store_find_also(in->store, id, true, known, e);
	/* an id that is not the call's own proves nothing where the input side is another */
	if (rc == 0 && known->first && (rc = store_row(in->store, known->first, &have, e)) == 0 &&
	    sighting_is_other_request(have.record.tokens, r->tokens))
		known->first = known->current = 0;
	if (rc != 0 || known->first || !m->copy_of.n)
		return rc;
	rc = store_look_for(in->store, m->copy_of, known, e);
	if (rc == 0 && !known->first)
		rc = store_find_also(in->store, m->copy_of, false, known, e);
	/* a fork of the fork names the copy */
	if (rc == 0 && known->first && (rc = store_row(in->store, known->first, &have, e)) == 0) {
		in->also.n = 0;
		buf_add(&in->also, have.record.text[FIELD_ID].p, have.record.text[FIELD_ID].n);
		rc = store_also(in->store, id, (struct text){ in->also.p, in->also.n }, false, e);
	}
	return rc;
}

int ingest_find_id(struct ingest *in, struct text customer, struct text *id, struct known_id *known,
		   struct err *e)
{
	in->shown = *id;
	if (in->o.own_ids)
		*id = ingest_own_id(&in->full, customer, *id);
	int rc = store_find(in->store, *id, known, e);
	if (rc != 0 || known->first || !customer.n)
		return rc;
	return in->o.own_ids ? find_common(in, customer, id, known, e)
			     : find_own(in, customer, id, known, e);
}

int ingest_find_call(struct ingest *in, const struct metered *m, struct record *r,
		     struct known_id *known, struct err *e)
{
	struct text *id = &r->text[FIELD_ID];
	bool other = false;
	int rc = 0;
	if (in->o.own_ids || metered_stands_alone(m))
		return 0;
	if (store_is_beside(in->store))
		return err_set(e, ERR_BUSY, "calls that may be known by another id are pending");
	if (known->first && known->current && m->also.n && !m->within)
		rc = is_other_call(in, m, r, known, &other, e);
	if (rc == 0 && other) {
		in->also.n = 0;
		buf_printf(&in->also, "%.*s#%.*s", (int)id->n, id->p, (int)m->also.n, m->also.p);
		*id = in->shown = (struct text){ in->also.p, in->also.n };
		return store_find(in->store, *id, known, e);
	}
	in->twin = 0;
	if (rc == 0 && !known->first)
		rc = find_elsewhere(in, m, r, known, e);
	/* it met its twin before */
	if (rc == 0 && !known->first && m->twin.n)
		rc = store_find_also(in->store, *id, true, known, e);
	if (rc != 0 || known->first)
		return rc;
	rc = find_twin(in, m, known, e);
	return rc == 0 && known->first ? meet_twin(in, m, *id, known, e) : rc;
}
