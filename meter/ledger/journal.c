#include "meter/ledger/journal.h"

#include <stdio.h>

static int hash_link(uint8_t out[JOURNAL_HASH], const uint8_t before[JOURNAL_HASH],
		     const char *kind, int64_t ref, struct text content, struct err *e)
{
	struct buf b = { 0 };
	buf_add(&b, before, JOURNAL_HASH);
	buf_printf(&b, "%s %lld\n", kind, (long long)ref);
	buf_add(&b, content.p, content.n);
	int rc = digest_sha256(out, (struct text){ b.p, b.n }, e);
	buf_release(&b);
	return rc;
}

static const struct sql sql_journal_last = {
	.text = "SELECT seq,hash FROM journal ORDER BY seq DESC LIMIT 1",
};

static int read_last(struct store *s, int64_t *seq, uint8_t hash[JOURNAL_HASH], struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_journal_last, &q, e);
	if (rc != 0)
		return rc;
	*seq = 0;
	memset(hash, 0, JOURNAL_HASH);
	rc = db_step(store_db(s), q, e);
	if (rc == 1) {
		*seq = db_int(q, 0);
		struct text kept = db_text(q, 1);
		if (kept.n == JOURNAL_HASH)
			memcpy(hash, kept.p, JOURNAL_HASH);
	}
	db_reset(q);
	return rc < 0 ? rc : 0;
}

static const struct sql sql_journal_add = {
	.text = "INSERT OR FAIL INTO journal VALUES(:seq,:kind,:ref,:hash)",
};

int journal_add(struct journal *j, const char *kind, int64_t ref, struct text content,
		struct err *e)
{
	struct db *db = store_db(j->store);
	struct query *q;
	int rc = 0;
	if (!j->known)
		rc = read_last(j->store, &j->seq, j->hash, e);
	j->known = rc == 0;
	if (rc == 0)
		rc = hash_link(j->hash, j->hash, kind, ref, content, e);
	if (rc == 0)
		rc = db_statement(db, &sql_journal_add, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":seq", ++j->seq);
	db_bind_text(q, ":kind", text_of(kind));
	db_bind_int(q, ":ref", ref);
	db_bind_blob(q, ":hash", j->hash, JOURNAL_HASH);
	j->dirty = true;
	return db_done(db, q, e);
}

static void head_text(char out[100], int64_t seq, const uint8_t hash[JOURNAL_HASH])
{
	int n = snprintf(out, 30, "%lld:", (long long)seq);
	for (int i = 0; i < JOURNAL_HASH; i++)
		snprintf(out + n + 2 * i, 3, "%02x", hash[i]);
}

static const struct sql sql_journal_set_head = {
	.text = "INSERT INTO about VALUES('journal_head',:head) ON CONFLICT(key) DO UPDATE "
		"SET value=excluded.value",
};

int journal_finish(struct journal *j, struct err *e)
{
	struct query *q;
	char head[100];
	int rc = 0;
	if (!j->dirty)
		return 0;
	if (!j->known)
		rc = read_last(j->store, &j->seq, j->hash, e);
	if (rc == 0)
		rc = db_statement(store_db(j->store), &sql_journal_set_head, &q, e);
	if (rc != 0)
		return rc;
	head_text(head, j->seq, j->hash);
	db_bind_text(q, ":head", text_of(head));
	j->dirty = false;
	/* another process may write before the next transaction */
	j->known = false;
	return db_done(store_db(j->store), q, e);
}

void journal_forget(struct journal *j, bool all)
{
	j->known = false;
	j->dirty &= !all;
}

static const struct sql sql_journal_head = {
	.text = "SELECT value FROM about WHERE key='journal_head'",
};

static int check_head(struct store *s, int64_t seq, const uint8_t hash[JOURNAL_HASH],
		      char fault[200], struct err *e)
{
	struct query *q;
	char head[100];
	int rc = db_statement(store_db(s), &sql_journal_head, &q, e);
	if (rc != 0)
		return rc;
	head_text(head, seq, hash);
	rc = db_step(store_db(s), q, e);
	if (rc == 1 && !text_is(db_text(q, 0), head))
		snprintf(fault, 200,
			 "the journal ends at %lld and should end at %.*s: it was cut off or "
			 "written by someone else",
			 (long long)seq, (int)(db_text(q, 0).n < 20 ? db_text(q, 0).n : 20),
			 db_text(q, 0).p);
	else if (rc == 0 && seq)
		snprintf(fault, 200, "the journal's end is not recorded");
	db_reset(q);
	return rc < 0 ? rc : 0;
}

static const struct sql sql_journal_all = {
	.text = "SELECT seq,kind,ref,hash FROM journal ORDER BY seq",
};

int journal_verify(struct store *s, journal_content *content, void *user, int64_t *links,
		   char fault[200], struct err *e)
{
	struct db *db = store_db(s);
	struct query *q;
	uint8_t hash[JOURNAL_HASH] = { 0 };
	struct buf b = { 0 };
	int rc = db_statement(db, &sql_journal_all, &q, e), more = 0;
	*fault = 0;
	*links = 0;
	while (rc == 0 && !*fault && (more = db_step(db, q, e)) == 1) {
		const int64_t seq = db_int(q, 0), ref = db_int(q, 2);
		struct text kind = db_text(q, 1);
		char name[16];
		bool there;
		snprintf(name, sizeof name, "%.*s", (int)kind.n, kind.p);
		b.n = 0;
		rc = content(user, name, ref, &b, &there, e);
		if (rc == 0 && seq != *links + 1)
			snprintf(fault, 200, "journal entry %lld is missing",
				 (long long)(*links + 1));
		else if (rc == 0 && !there)
			snprintf(fault, 200, "journal entry %lld: %s %lld is missing",
				 (long long)seq, name, (long long)ref);
		if (rc != 0 || *fault)
			break;
		rc = hash_link(hash, hash, name, ref, (struct text){ b.p, b.n }, e);
		if (rc == 0 &&
		    !text_eq(db_text(q, 3), (struct text){ (const char *)hash, JOURNAL_HASH }))
			snprintf(fault, 200,
				 "journal entry %lld: %s %lld is not what it was when it was "
				 "entered",
				 (long long)seq, name, (long long)ref);
		*links = seq;
	}
	db_reset(q);
	buf_release(&b);
	if (rc == 0 && more < 0)
		rc = more;
	if (rc == 0 && !*fault)
		rc = check_head(s, *links, hash, fault, e);
	return rc;
}
