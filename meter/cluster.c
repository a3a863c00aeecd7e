#include "meter/cluster.h"

#include <stdio.h>

/* Before those that refer to them. */
static const struct spread {
	const char *name, *by;
	const char *first; /* what has to be done before; again and again is once */
} spread[] = {
	{ "subject", NULL, NULL },
	{ "series", NULL, NULL },
	{ "price", NULL, NULL },
	{ "origin", NULL, NULL },
	{ "batch", NULL, NULL },
	{ "usage_claim", NULL, NULL },
	{ "usage_key", "key", NULL },
	/* fsck checks what the constraints did: that conflicts are of records, and no number is
	 * given twice */
	{ "usage", "series",
	  "ALTER TABLE conflict DROP CONSTRAINT IF EXISTS conflict_first_fkey; ALTER TABLE usage "
	  "DROP CONSTRAINT IF EXISTS usage_pkey; ALTER TABLE usage ADD PRIMARY KEY (seq,series); "
	  /* the trigger that refuses changes reads nothing, so it works on each worker */
	  "SET LOCAL citus.enable_unsafe_triggers TO on" },
};
enum { SPREAD = sizeof spread / sizeof *spread };

static int must_be(struct store *s, const char *sql, const char *else_why, struct err *e)
{
	int64_t n;
	int rc = db_read_int(store_db(s), sql, &n, e);
	if (rc != 0 || n)
		return rc;
	return err_set(e, ERR_INVALID, "%s: %s", store_path(s), else_why);
}

static int check_cluster(struct store *s, struct err *e)
{
	if (!db_on_server(store_db(s)))
		return err_set(e, ERR_USAGE,
			       "%s is a file: `tally db move` it to a PostgreSQL database first",
			       store_path(s));
	int rc = must_be(
		s, "SELECT count(*) FROM pg_extension WHERE extname='citus'",
		"there is no Citus in this database (CREATE EXTENSION citus, on each server)", e);
	if (rc == 0)
		rc = must_be(s, "SELECT count(*) FROM pg_dist_node WHERE groupid=0",
			     "the servers do not know the coordinator's address (SELECT "
			     "citus_set_coordinator_host('HOST'))",
			     e);
	if (rc == 0)
		rc = must_be(s,
			     "SELECT count(*) FROM pg_dist_node WHERE groupid<>0 AND isactive AND "
			     "shouldhaveshards AND noderole='primary'",
			     "there is no worker (SELECT citus_add_node('HOST',PORT))", e);
	return rc;
}

static int is_spread(struct store *s, const char *table, bool *out, struct err *e)
{
	char sql[200];
	int64_t n;
	snprintf(
		sql, sizeof sql,
		"SELECT count(*) FROM pg_dist_partition WHERE logicalrelid='tally.%s'::regclass AND "
		"(partmethod='h' OR repmodel='t')",
		table);
	int rc = db_read_int(store_db(s), sql, &n, e);
	*out = n > 0;
	return rc;
}

/* The rows of a table in any order. */
struct content {
	int64_t rows, hash;
};

static int read_content(struct store *s, const char *table, struct content *out, struct err *e)
{
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
	int rc = db_read_int(store_db(s), sql, &out->rows, e);
	snprintf(
		sql, sizeof sql,
		"SELECT coalesce(sum(hashtextextended(CAST(t AS text),0)%%1000000007),0)::bigint FROM "
		"%s t",
		table);
	return rc == 0 ? db_read_int(store_db(s), sql, &out->hash, e) : rc;
}

static int spread_rows(struct store *s, const struct spread *t, int64_t shards, int64_t *rows,
		       struct err *e)
{
	char sql[200];
	struct content before = { 0 }, after = { 0 };
	int rc = db_run(store_db(s), "SET LOCAL statement_timeout TO 0", e);
	if (rc == 0)
		rc = read_content(s, t->name, &before, e);
	if (rc == 0 && t->first)
		rc = db_run(store_db(s), t->first, e);
	if (t->by)
		snprintf(sql, sizeof sql,
			 "SELECT create_distributed_table('tally.%s','%s',shard_count=>%lld,"
			 "colocate_with=>'none')",
			 t->name, t->by, (long long)shards);
	else
		snprintf(sql, sizeof sql, "SELECT create_reference_table('tally.%s')", t->name);
	if (rc == 0)
		rc = db_run(store_db(s), sql, e);
	if (rc == 0)
		rc = read_content(s, t->name, &after, e);
	if (rc == 0 && (before.rows != after.rows || before.hash != after.hash))
		rc = err_set(
			e, ERR_MISMATCH,
			"%s: the table '%s' does not read back as it was (%lld rows, %lld read "
			"back); nothing of it is kept",
			store_path(s), t->name, (long long)before.rows, (long long)after.rows);
	*rows = before.rows;
	return rc;
}

static int spread_table(struct store *s, const struct spread *t, int64_t shards,
			struct cluster_table *out, struct err *e)
{
	struct db *db = store_db(s);
	bool done;
	*out = (struct cluster_table){ .name = t->name, .by = t->by };
	/* whoever writes waits for its end, and then goes on where the rows are */
	int rc = db_begin(db, e);
	if (rc == 0)
		rc = is_spread(s, t->name, &done, e);
	if (rc == 0 && !done) {
		out->moved = true;
		rc = spread_rows(s, t, shards, &out->rows, e);
	}
	if (rc == 0)
		rc = db_commit(db, e);
	if (rc != 0)
		db_rollback(db);
	return rc;
}

/* What the tables had on the coordinator is not seen any more, and goes when all are spread: those
 * that refer to each other together. */
static int tidy(struct store *s, struct err *e)
{
	struct db *db = store_db(s);
	char sql[200];
	int64_t done;
	int rc = db_begin(db, e);
	if (rc == 0)
		rc = db_read_int(db, "SELECT count(*) FROM about WHERE key='cluster'", &done, e);
	for (size_t i = 0; rc == 0 && !done && i < SPREAD; i++) {
		snprintf(sql, sizeof sql,
			 "SELECT truncate_local_data_after_distributing_table('tally.%s')",
			 spread[i].name);
		rc = db_run(db, sql, e);
	}
	if (rc == 0)
		rc = db_run(db, "INSERT INTO about VALUES('cluster','1') ON CONFLICT DO NOTHING",
			    e);
	if (rc == 0)
		rc = db_commit(db, e);
	if (rc != 0)
		db_rollback(db);
	return rc;
}

int cluster_distribute(struct store *s, const struct cluster_options *o, struct cluster_state *out,
		       struct err *e)
{
	*out = (struct cluster_state){ 0 };
	int rc = check_cluster(s, e);
	for (size_t i = 0; rc == 0 && i < SPREAD; i++) {
		if (o->show)
			o->show(o->user, spread[i].name, i, SPREAD);
		rc = spread_table(s, &spread[i], o->shards, &out->table[out->tables++], e);
	}
	if (rc == 0)
		rc = tidy(s, e);
	if (rc == 0)
		rc = db_read_int(
			store_db(s),
			"SELECT count(*) FROM pg_dist_node WHERE groupid<>0 AND isactive AND "
			"shouldhaveshards AND noderole='primary'",
			&out->workers, e);
	if (rc == 0)
		rc = db_read_int(store_db(s),
				 "SELECT count(*) FROM pg_dist_shard WHERE "
				 "logicalrelid='tally.usage'::regclass",
				 &out->shards, e);
	return rc;
}
