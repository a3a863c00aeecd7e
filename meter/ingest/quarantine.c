#include "meter/ingest/quarantine.h"

#include "base/dict.h"

void content_hash(uint8_t out[16], const struct text *part, size_t parts)
{
	static const uint64_t seed[2][2] = { { 0x243F6A8885A308D3u, 0x13198A2E03707344u },
					     { 0xA4093822299F31D0u, 0x082EFA98EC4E6C89u } };
	uint64_t h[2] = { 0, 0 };
	for (size_t i = 0; i < parts; i++)
		for (int k = 0; k < 2; k++) {
			const uint64_t both[2] = { h[k],
						   hash_bytes(part[i].p, part[i].n, seed[k]) };
			h[k] = hash_bytes(both, sizeof both, seed[k]);
		}
	memcpy(out, h, sizeof h);
}

static struct text place_text(const int64_t *place)
{
	return (struct text){ (const char *)place, sizeof *place };
}

static const struct sql sql_hold = {
	.text = "INSERT INTO quarantine(hash,at,source,line,raw,header,reason,seen,state,told) "
		"VALUES(:hash,:at,:source,:line,:raw,:header,:reason,1,'held',:told) "
		"ON CONFLICT(hash) DO UPDATE SET seen=quarantine.seen+1,state=CASE "
		"quarantine.state WHEN 'dropped' THEN 'dropped' "
		"ELSE 'held' END,reason=excluded.reason",
};

int quarantine_hold(struct store *s, const struct held *h, struct instant now, struct err *e)
{
	uint8_t hash[16];
	struct query *q;
	struct text raw = h->raw;
	raw.n = raw.n < QUARANTINE_RAW_MAX ? raw.n : QUARANTINE_RAW_MAX;
	content_hash(hash, (struct text[]){ raw, h->header, h->source, place_text(&h->place) },
		     h->place ? 4 : 2);
	int rc = db_statement(store_db(s), &sql_hold, &q, e);
	if (rc != 0)
		return rc;
	db_bind_blob(q, ":hash", hash, sizeof hash);
	db_bind_int(q, ":at", now.us);
	db_bind_text(q, ":source", h->source);
	db_bind_int(q, ":line", h->line);
	db_bind_raw(q, ":raw", raw);
	db_bind_raw(q, ":header", h->header);
	db_bind_text(q, ":reason", h->reason);
	db_bind_text(q, ":told", h->told);
	return db_done(store_db(s), q, e);
}

static void read_held(struct query *q, struct held *h)
{
	*h = (struct held){ db_int(q, 0),  { db_int(q, 1) }, db_text(q, 2), db_int(q, 3),
			    db_text(q, 4), db_text(q, 5),    db_text(q, 6), db_text(q, 8),
			    db_int(q, 7),  db_text(q, 9) };
}

static const struct sql sql_held = {
	.text = "SELECT id,at,source,line,raw,header,reason,seen,state,told FROM quarantine "
		"WHERE state='held' OR :all=1 ORDER BY id",
};

int quarantine_each(struct store *s, bool all, int (*take)(void *user, const struct held *h),
		    void *user, struct err *e)
{
	struct query *q;
	struct held h;
	int rc = db_statement(store_db(s), &sql_held, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":all", all);
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		read_held(q, &h);
		if ((rc = take(user, &h)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

static const struct sql sql_held_at = {
	.text = "SELECT id,at,source,line,raw,header,reason,seen,state,told FROM quarantine "
		"WHERE id=:id",
};

int quarantine_at(struct store *s, int64_t id, struct held *out, struct arena *texts, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_held_at, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":id", id);
	rc = db_step(store_db(s), q, e);
	if (rc == 1) {
		read_held(q, out);
		struct text *const each[] = { &out->source, &out->raw,	 &out->header,
					      &out->reason, &out->state, &out->told };
		for (size_t i = 0; i < sizeof each / sizeof *each; i++)
			each[i]->p = arena_text(texts, each[i]->n ? each[i]->p : "", each[i]->n);
	}
	db_reset(q);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND,
			       "no quarantined record %lld; see `tally quarantine list`",
			       (long long)id);
	return rc < 0 ? rc : 0;
}

static const struct sql sql_held_state = {
	.text = "UPDATE quarantine SET state=:state WHERE id=:id",
};

int quarantine_set_state(struct store *s, int64_t id, const char *state, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_held_state, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":id", id);
	db_bind_text(q, ":state", text_of(state));
	return db_done(store_db(s), q, e);
}

static const struct sql sql_conflict_count = {
	.text = "SELECT count(*) FROM conflict",
};

int conflict_count(struct store *s, int64_t *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_conflict_count, &q, e);
	if (rc == 0)
		rc = db_step(store_db(s), q, e);
	if (rc < 0)
		return rc;
	*out = db_int(q, 0);
	db_reset(q);
	return 0;
}

static const struct sql sql_add_conflict = {
	.text = "INSERT INTO conflict(hash,at,first,record,differs,source,line,seen) "
		"VALUES(:hash,:at,:first,:record,:differs,:source,:line,1) ON CONFLICT(hash) "
		"DO UPDATE SET seen=conflict.seen+1",
};

int conflict_hold(struct store *s, const struct conflicting *c, struct instant now, struct err *e)
{
	uint8_t hash[16];
	struct query *q;
	content_hash(hash, (struct text[]){ c->record, c->source, place_text(&c->place) },
		     c->place ? 3 : 1);
	int rc = db_statement(store_db(s), &sql_add_conflict, &q, e);
	if (rc != 0)
		return rc;
	db_bind_blob(q, ":hash", hash, sizeof hash);
	db_bind_int(q, ":at", now.us);
	db_bind_int(q, ":first", c->first);
	db_bind_text(q, ":record", c->record);
	db_bind_text(q, ":differs", c->differs);
	db_bind_text(q, ":source", c->source);
	db_bind_int(q, ":line", c->line);
	return db_done(store_db(s), q, e);
}

static const struct sql sql_conflicts = {
	.text = "SELECT id,at,first,record,differs,source,line,seen FROM conflict ORDER BY id",
};

int conflict_each(struct store *s, int (*take)(void *user, const struct conflicting *c), void *user,
		  struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_conflicts, &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		const struct conflicting c = { db_int(q, 0),  { db_int(q, 1) }, db_int(q, 2),
					       db_text(q, 3), db_text(q, 4),	db_text(q, 5),
					       db_int(q, 6),  db_int(q, 7) };
		if ((rc = take(user, &c)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

int quarantine_forget(struct store *s, struct text source, struct err *e)
{
	static const struct sql forget[] = {
		{ .text = "DELETE FROM quarantine WHERE source=:source" },
		{ .text = "DELETE FROM conflict WHERE source=:source" },
	};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof forget / sizeof *forget; i++) {
		struct query *q;
		rc = db_statement(store_db(s), &forget[i], &q, e);
		if (rc != 0)
			break;
		db_bind_text(q, ":source", source);
		rc = db_done(store_db(s), q, e);
	}
	return rc;
}
