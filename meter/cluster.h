/*
 * cluster: a database on a server with Citus, spread over the servers that work for it.
 *
 * What grows with every record is on the workers: rows of usage by series, keys of ids by key. What
 * those are joined with is on every server. All else (sums, ledger, holds, invoices, the journal)
 * stays on the coordinator, whose locks and numbers they rest on (docs/decisions/0012). Knows
 * tables by their names and nothing of what they mean.
 */
#ifndef TALLY_METER_CLUSTER_H
#define TALLY_METER_CLUSTER_H

#include "meter/store/store.h"

enum { CLUSTER_SHARDS = 8, CLUSTER_SHARDS_MOST = 1024, CLUSTER_TABLES_MOST = 16 };

struct cluster_table {
	const char *name,
		*by;  /* by: the column that tells the shard; NULL: it is on every server */
	int64_t rows; /* that were brought there now */
	bool moved;   /* now, not before */
};

struct cluster_state {
	int64_t workers, shards; /* of usage */
	struct cluster_table table[CLUSTER_TABLES_MOST];
	size_t tables;
};

struct cluster_options {
	int64_t shards; /* of a table that is to be spread now */
	/* told before each table; or NULL */
	void (*show)(void *user, const char *table, size_t done, size_t total);
	void *user;
};

/*
 * Spreads the database, a table a transaction: what was done when it was stopped is not done again.
 * Others may read and write between two tables, and wait during one. Errors: ERR_USAGE for a
 * file; ERR_INVALID where the database is not that of a coordinator with workers; ERR_MISMATCH.
 */
int cluster_distribute(struct store *s, const struct cluster_options *o, struct cluster_state *out,
		       struct err *e);

#endif
