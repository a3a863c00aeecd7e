/*
 * id_index: which ids have been stored, by hash, at a cost that does not grow with their number.
 *
 * A folder beside the database ("NAME-ids"): sorted runs of (hash, row) that are written in order
 * and merged as they multiply. The youngest rows stand in a table in memory, which is read back
 * from the database when a process starts. A process that looks for many ids makes itself a filter
 * of bits in memory, which says of most new ids at once that they are new. A hit is only a hint:
 * the caller compares the row itself. A miss is certain, so every row must be in a run or the
 * table: everything is rebuilt from the database when the machine has restarted, a change was cut
 * off, the folder is missing or belongs to another database, or something in it is not as it was
 * written: head and runs carry checksums. The head's is looked at when the folder is opened and
 * when it has changed, that of a run before anything is read from it.
 *
 * Several processes share the folder; whoever changes it holds the database's write lock.
 */
#ifndef TALLY_METER_STORE_ID_INDEX_H
#define TALLY_METER_STORE_ID_INDEX_H

#include "base/err.h"
#include "base/text.h"

struct id_index;

#ifndef ID_INDEX_TABLE_FULL
#define ID_INDEX_TABLE_FULL (1 << 18) /* ids in memory that become a run, between transactions */
#endif

/* What the database says of itself, to tell whether the folder belongs to it. */
struct id_index_identity {
	uint8_t database[16];
	uint64_t seed[2];
};

int id_index_open(struct id_index **out, const char *path, const struct id_index_identity *identity,
		  struct err *e);
void id_index_close(struct id_index *x);
/* Under the write lock: sees what other processes changed, or makes itself empty when it cannot be
 * trusted. The caller then adds the rows behind id_index_known. */
void id_index_refresh(struct id_index *x);
/* The same before ids are looked for or added: runs that are not as they were written make it
 * empty, too. What was found so is not read again. */
void id_index_need(struct id_index *x);
/* Rows up to that one are in the index; 0: none. */
int64_t id_index_known(const struct id_index *x);
/* The row that the runs end with and its id's hash, to tell whether it is this database's; 0: no
 * run. */
int64_t id_index_last_row(const struct id_index *x);
uint64_t id_index_last_hash(const struct id_index *x);
/* Forgets everything; the caller adds every row again. */
void id_index_clear(struct id_index *x);
/* Under the write lock, with all rows added and committed: writes a run when the table is full.
 * Errors: ERR_STORE; the index goes on without the run. */
int id_index_tidy(struct id_index *x, struct err *e);

uint64_t id_index_hash(const struct id_index *x, struct text id);
void id_index_prefetch(const struct id_index *x, uint64_t hash);
/* Calls is_it for each row that the hash may mean until it says true; returns that row, or 0. */
int64_t id_index_find(struct id_index *x, uint64_t hash, bool (*is_it)(void *user, int64_t row),
		      void *user);
/* Whether something was read or about to be changed that is not as it was written. What was found
 * is then worth nothing: the transaction must fail, and the next id_index_refresh forgets
 * everything. */
bool id_index_is_damaged(const struct id_index *x);
/* Rows come in order. findable false: a row that corrects another is found through that one. */
void id_index_add(struct id_index *x, uint64_t hash, int64_t row, bool findable);
/* After a rollback: rows above that one do not exist. */
void id_index_forget_above(struct id_index *x, int64_t row);

#endif
