#include "meter/check_store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "meter/billing/payment.h"
#include "meter/ingest/quarantine.h"
#include "meter/retention.h"
#include "meter/store/record_id.h"
#include "meter/store/refused.h"
#include "meter/store/claims.h"
#include "meter/store/rollup.h"

__attribute__((format(printf, 2, 3))) static void fault(struct store_check *c, const char *fmt, ...)
{
	if (c->faults < STORE_FAULTS_KEPT) {
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(c->fault[c->faults], sizeof *c->fault, fmt, ap);
		va_end(ap);
	}
	c->faults++;
}

static void take_fault(void *user, struct text t)
{
	fault(user, "%.*s", (int)t.n, t.p);
}

/* Facts that must hold of the rows, as the number of rows for which they do not. */
static const struct {
	const char *what, *sql;
} laws[] = {
	{ "rows refer to dictionary entries that are missing",
	  "SELECT count(*) FROM usage WHERE series NOT IN (SELECT id FROM series) OR price NOT IN "
	  "(SELECT id FROM price) OR origin NOT IN (SELECT id FROM origin)" },
	/* corrections by themselves first: their records may lie on other servers */
	{ "corrections belong to no record",
	  "WITH c AS MATERIALIZED(SELECT seq,id,of FROM usage WHERE of IS NOT NULL) SELECT "
	  "(SELECT count(*) FROM c)-(SELECT count(*) FROM c JOIN usage r ON r.seq=c.of WHERE "
	  "r.kind=0 AND r.id=c.id AND r.seq<c.seq)" },
	{ "records carry negative counts",
	  "SELECT count(*) FROM usage WHERE kind<>1 AND (input<0 OR cache_read<0 OR "
	  "cache_write_5m<0 OR cache_write_1h<0 OR output<0 OR reasoning<0 OR requests<0)" },
	{ "sums of open holds do not match the holds",
	  "WITH o AS (SELECT c,p,m,currency,sum(pico/1000000) AS a,sum(pico%1000000) AS b,"
	  "sum(credits/1000000) AS d,sum(credits%1000000) AS f FROM (SELECT CASE WHEN n&1=0 THEN "
	  "'' ELSE customer END AS c,CASE WHEN n&2=0 THEN '' ELSE project END AS p,CASE WHEN "
	  "n&4=0 THEN '' ELSE model END AS m,currency,pico,credits FROM hold,(SELECT 0 AS n UNION "
	  "ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT "
	  "5 UNION ALL SELECT 6 UNION ALL SELECT 7) scope WHERE state='open' AND (n&1=0 OR "
	  "customer<>'') AND (n&2=0 OR project<>'') AND (n&4=0 OR model<>'')) x GROUP BY "
	  "c,p,m,currency) SELECT count(*) FROM held s LEFT JOIN o ON o.c=s.customer AND "
	  "o.p=s.project AND o.m=s.model AND o.currency=s.currency WHERE "
	  "coalesce(a,0)<>millions OR coalesce(b,0)<>rest OR coalesce(d,0)<>credit_millions OR "
	  "coalesce(f,0)<>credit_rest" },
	{ "records claim more reasoning than output",
	  "SELECT count(*) FROM usage WHERE abs(reasoning)>abs(output)" },
};

/* On a server transactions under way hold numbers; up to the rollups all are decided. */
#define SKIPPED "(SELECT coalesce(sum(rows),0) FROM skipped)"
/* with their files at hand they are among the rows */
#define ARCHIVED "(SELECT coalesce(sum(rows),0)*:away FROM archive)"
static const char no_number_is_missing[] =
	"SELECT " FILE_LAST_NUMBER "-(SELECT count(*) FROM usage)-" SKIPPED "-" ARCHIVED;
#define ROLLED_TO "coalesce((SELECT value::bigint FROM about WHERE key='rolled_to'),0)"
static const char no_number_is_missing_there[] =
	"SELECT " ROLLED_TO "-(SELECT count(*) FROM usage WHERE seq<=(SELECT " ROLLED_TO
	"))-" SKIPPED "-" ARCHIVED;

/* How many are missing. */
static int missing_numbers(struct store *s, int64_t *out, struct err *e)
{
	struct db *db = store_db(s);
	struct query *q;
	int rc = db_prepare(
		db, db_on_server(db) ? no_number_is_missing_there : no_number_is_missing, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":away", !store_archived(s)->attached);
	rc = db_step(db, q, e);
	*out = rc == 1 ? db_int(q, 0) : 0;
	db_drop(q);
	return rc < 0 ? rc : 0;
}

/* The keys of ids, which take the place of an index of ids on a server. */
#define KEYS_LEAD_TO(records) \
	"SELECT count(*) FROM (SELECT k.key," CLAIM_ROW " AS seq FROM usage_key k LEFT JOIN " \
	"usage_claim c ON c.claim=k.claim) k FULL JOIN (" records \
	") u ON u.seq=k.seq WHERE u.seq " \
	"IS NULL OR k.seq IS NULL OR CASE length(k.key) WHEN 16 THEN length(u.id)<>36 OR " \
	"encode(k.key,'hex')<>replace(u.id,'-','') ELSE k.key<>key_of(u.id) END"
static const char keys_lead_to_records[] = KEYS_LEAD_TO("SELECT seq,id FROM usage WHERE kind=0"),
		  keys_lead_to_all[] = KEYS_LEAD_TO("SELECT seq,id FROM usage WHERE kind=0 UNION "
						    "ALL SELECT seq,id FROM archived_id");

struct index_check {
	struct store *store;
	struct store_check *check;
	struct err *e;
};

static int check_row(void *user, const struct usage_row *row)
{
	struct index_check *x = user;
	struct known_id known;
	char id[64];
	if (row->kind != USAGE_RECORD)
		return 0;
	/* looking up other rows reuses what the row's texts lie in */
	struct text t = row->record.text[FIELD_ID];
	snprintf(id, sizeof id, "%.*s", (int)t.n, t.p);
	struct arena keep = { 0 };
	struct text own = { arena_text(&keep, t.p, t.n), t.n };
	int64_t seq = row->seq;
	int rc = store_find(x->store, own, &known, x->e);
	if (rc == 0 && known.first == 0)
		fault(x->check, "the index of ids lacks '%s' (row %lld)", id, (long long)seq);
	else if (rc == 0 && known.first != seq)
		fault(x->check, "the id '%s' is stored twice (rows %lld and %lld)", id,
		      (long long)known.first, (long long)seq);
	arena_release(&keep);
	return rc;
}

static const struct sql sql_archived_ids = {
	.text = "SELECT seq,id FROM archived_id ORDER BY seq",
};

/* The ids of archived records are known. */
static int check_archived_ids(struct index_check *x)
{
	struct db *db = store_db(x->store);
	struct buf id = { 0 };
	struct query *q;
	int rc = db_statement(db, &sql_archived_ids, &q, x->e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(db, q, x->e)) == 1) {
		const struct text t = db_text(q, 1);
		struct known_id known;
		struct err why = { 0 };
		id.n = 0;
		if (db_is_blob(q, 1) && t.n == RECORD_UUID_BYTES)
			record_id_put_uuid(&id, (const uint8_t *)t.p);
		else
			buf_add(&id, t.p, t.n);
		rc = store_find(x->store, (struct text){ id.p, id.n }, &known, &why);
		if (rc != -ERR_ARCHIVED && rc != 0) {
			rc = err_pass(x->e, &why);
			break;
		}
		if (rc == 0)
			fault(x->check,
			      "the index of ids lacks '%.*s', which is archived (row %lld)",
			      (int)id.n, id.p, (long long)db_int(q, 0));
	}
	db_reset(q);
	buf_release(&id);
	return rc < 0 ? rc : 0;
}

static int content_of(void *user, const char *kind, int64_t ref, struct buf *out, bool *there,
		      struct err *e)
{
	if (strcmp(kind, "txn") == 0)
		return ledger_txn_text(user, ref, out, there, e);
	if (strcmp(kind, "payment") == 0)
		return payment_text(user, ref, out, there, e);
	return invoice_text(user, ref, strcmp(kind, "void") == 0, out, there, e);
}

/* Credits, invoices, and the chain of hashes over both. */
static int check_ledger(struct store *s, struct store_check *c, struct err *e)
{
	struct ledger *l;
	char why[200];
	int rc = ledger_open(&l, s, e);
	if (rc != 0)
		return rc;
	rc = ledger_verify(l, why, e);
	if (rc == 0 && *why)
		fault(c, "ledger: %s", why);
	if (rc == 0)
		rc = invoice_verify(s, why, e);
	if (rc == 0 && *why)
		fault(c, "invoices: %s", why);
	if (rc == 0)
		rc = payments_verify(s, why, e);
	if (rc == 0 && *why)
		fault(c, "payments: %s", why);
	if (rc == 0)
		rc = journal_verify(s, content_of, s, &c->journal, why, e);
	if (rc == 0 && *why)
		fault(c, "%s", why);
	ledger_close(l);
	return rc;
}

/* Of the last number those that have a row. */
static int count_rows(struct store *s, int64_t *out, struct err *e)
{
	int64_t skipped;
	int rc = db_read_int(store_db(s), "SELECT sum(rows) FROM skipped", &skipped, e);
	*out = rc == 0 ? store_last_seq(s) - skipped : 0;
	return rc;
}

/* Records that an older version took, and that count more than one may now: sums of them may not
 * fit. Those that were voided are harmless. */
static int check_sizes(struct store *s, struct store_check *c, struct err *e)
{
#define LARGE(column) "abs(" column ")>1000000000000 OR "
	static const char sql[] =
		"WITH l AS MATERIALIZED(SELECT seq,coalesce(of,seq) AS of FROM usage WHERE kind<>1 "
		"AND (" LARGE("input") LARGE("cache_read") LARGE("cache_write_5m")
			LARGE("cache_write_1h") LARGE("output")
				LARGE("reasoning") "abs(requests)>1000000000000)),r AS "
						   "MATERIALIZED(SELECT of,max(seq) AS seq FROM "
						   "usage WHERE kind=1 AND of IS NOT NULL AND of "
						   "IN (SELECT of FROM l) GROUP BY of) SELECT "
						   "l.seq FROM l LEFT JOIN r ON r.of=l.of WHERE "
						   "r.seq IS NULL OR r.seq<l.seq ORDER BY l.seq "
						   "LIMIT 20";
	int64_t seq[20];
	int n = 0;
	struct query *q;
	int rc = db_prepare(store_db(s), sql, &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(store_db(s), q, e)) == 1)
		seq[n++] = db_int(q, 0);
	db_drop(q);
	for (int i = 0; rc == 0 && i < n; i++) {
		struct usage_row row;
		rc = store_row(s, seq[i], &row, e);
		if (rc == 0)
			fault(c,
			      "the record '%.*s' (row %lld) exceeds the limit of a record, so "
			      "sums may be out of range: `tally void` it, then `tally fsck --rebuild`",
			      (int)row.record.text[FIELD_ID].n, row.record.text[FIELD_ID].p,
			      (long long)seq[i]);
	}
	return rc;
}

/* What the rollups hold, against what was counted as they took it in and against the rows. */
static int check_rollups(struct store *s, struct store_check *out, struct err *e)
{
	struct err why = { 0 };
	char difference[200];
	bool same = true;
	int rc = rollup_check(s, &why);
	if (rc == -ERR_MISMATCH)
		fault(out, "%s", why.message);
	else if (rc != 0)
		return err_pass(e, &why);
	rc = rollup_verify(s, &same, difference, e);
	if (rc == -ERR_RANGE) {
		fault(out, "%s", e->message);
		rc = 0;
	} else if (rc == 0 && !same) {
		fault(out, "%s differs from the sum of the records", difference);
	}
	return rc;
}

/* All of one moment, whatever others write meanwhile. */
static int check_all(struct store *s, struct store_check *out, struct err *e)
{
	struct index_check x = { s, out, e };
	int rc = db_check(store_db(s), take_fault, out, e);
	for (size_t i = 0; rc == 0 && i < sizeof laws / sizeof *laws; i++) {
		int64_t n;
		rc = db_read_int(store_db(s), laws[i].sql, &n, e);
		if (rc == 0 && n)
			fault(out, "%s: %lld", laws[i].what, (long long)n);
	}
	if (rc == 0)
		rc = check_sizes(s, out, e);
	int64_t missing;
	if (rc == 0)
		rc = missing_numbers(s, &missing, e);
	if (rc == 0 && missing)
		fault(out, "numbers are missing among the rows: %lld", (long long)missing);
	if (rc == 0)
		rc = check_rollups(s, out, e);
	if (rc == 0)
		rc = retention_check(s, take_fault, out, e);
	const bool away = archived_lacks(
		store_archived(s), &(struct row_span){ 1, INT64_MAX, ROWS_OF_ANY_TIME }, NULL);
	if (rc == 0 && db_on_server(store_db(s))) {
		int64_t n;
		rc = db_read_int(store_db(s), away ? keys_lead_to_all : keys_lead_to_records, &n,
				 e);
		if (rc == 0 && n)
			fault(out, "keys of ids and records do not match: %lld", (long long)n);
	} else if (rc == 0) {
		/* of what there is */
		rc = store_each_row(
			s, &(struct row_span){ 1, store_last_seq(s), INT64_MAX, INT64_MIN },
			check_row, &x, e);
		if (rc == 0 && away)
			rc = check_archived_ids(&x);
	}
	if (rc == 0)
		rc = count_rows(s, &out->rows, e);
	return rc == 0 ? check_ledger(s, out, e) : rc;
}

int store_check(struct store *s, struct store_check *out, struct err *e)
{
	*out = (struct store_check){ 0 };
	int rc = db_begin_reading(store_db(s), e);
	if (rc == 0)
		rc = check_all(s, out, e);
	db_rollback(store_db(s));
	return rc;
}

static const struct sql sql_checked = {
	.text = "SELECT value FROM about WHERE key='checked'",
};
static const struct sql sql_set_checked = {
	.text = "INSERT INTO about VALUES('checked',:at) ON CONFLICT(key) DO UPDATE "
		"SET value=excluded.value",
};

int store_note_check(struct store *s, struct instant now, int faults, struct err *e)
{
	char at[INSTANT_TEXT_MAX], noted[INSTANT_TEXT_MAX + 16];
	struct query *q;
	int rc = db_statement(store_db(s), &sql_set_checked, &q, e);
	if (rc != 0)
		return rc;
	snprintf(noted, sizeof noted, "%s %d", instant_format(now, at), faults);
	db_bind_text(q, ":at", text_of(noted));
	return db_done(store_db(s), q, e);
}

/* As store_note_check has written it. */
static int read_check(struct store *s, struct store_status *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_checked, &q, e);
	out->checked = INSTANT_MIN;
	if (rc != 0 || (rc = db_step(store_db(s), q, e)) != 1)
		return rc;
	const struct text noted = db_text(q, 0);
	const char *gap = memchr(noted.p, ' ', noted.n);
	rc = instant_parse(&out->checked,
			   (struct text){ noted.p, gap ? (size_t)(gap - noted.p) : noted.n }, e);
	out->check_faults = gap ? strtoll(gap, NULL, 10) : 0;
	db_reset(q);
	return rc;
}

int store_status(struct store *s, struct instant now, struct store_status *out, struct err *e)
{
	struct stat st;
	char sql[200];
	int64_t rolled, us;
	int rc = store_refresh(s, e);
	if (rc == 0)
		rc = count_rows(s, &out->rows, e);
	if (rc == 0)
		rc = refused_all(s, &out->quarantined, e);
	if (rc == 0)
		rc = conflict_count(s, &out->conflicts, e);
	if (rc == 0)
		rc = rollup_rolled_to(s, &rolled, e);
	if (rc == 0)
		out->rollup_lag = store_last_seq(s) - rolled;
	const struct {
		int64_t span_us, *out;
	} spans[] = { { 60 * US_PER_SECOND, &out->last_minute }, { US_PER_HOUR, &out->last_hour } };
	for (size_t i = 0; rc == 0 && i < sizeof spans / sizeof *spans; i++) {
		snprintf(sql, sizeof sql, "SELECT min(first) FROM batch WHERE at>=%lld",
			 (long long)(now.us - spans[i].span_us));
		rc = db_read_int(store_db(s), sql, &us, e);
		*spans[i].out = us ? store_last_seq(s) - us + 1 : 0;
	}
	if (rc == 0)
		rc = db_read_int(store_db(s), "SELECT time FROM usage ORDER BY seq DESC LIMIT 1",
				 &out->last_time.us, e);
	if (rc == 0)
		rc = db_read_int(store_db(s), "SELECT at FROM batch ORDER BY first DESC LIMIT 1",
				 &out->last_written.us, e);
	if (rc == 0)
		rc = read_check(s, out, e);
	out->bytes = stat(store_path(s), &st) == 0 ? (int64_t)st.st_size : 0;
	return rc;
}
