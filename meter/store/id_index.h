/*
 * id_index: which ids have been stored, by hash, without a B-tree of random keys.
 *
 * A file beside the database ("NAME-ids"), mapped into memory and shared by every process that
 * writes to the database: extendible hashing over pages of 64 KiB, each slot a 64-bit keyed hash
 * and the row that it leads to. A hit is only a hint: the caller compares the row itself. A miss is
 * certain, which is what the file is for, so it must hold every row: it is written before the rows
 * are committed, and it is made anew from the database when a machine has restarted, a change was
 * cut off, or the file is missing or belongs to another database. Callers hold the database's write
 * lock.
 */
#ifndef TALLY_METER_STORE_ID_INDEX_H
#define TALLY_METER_STORE_ID_INDEX_H

#include "base/err.h"
#include "base/text.h"

struct id_index;

/* What the database says of itself, to tell whether the file belongs to it. */
struct id_index_state {
	uint8_t database[16]; /* identity */
	int64_t rows;	      /* rows that the file must hold: 1 to rows */
	uint64_t seed[2];
};

/* *whole is false when the file was made empty: the caller then adds every row from 1 on. */
int id_index_open(struct id_index **out, const char *path, const struct id_index_state *state,
		  bool *whole, struct err *e);
void id_index_close(struct id_index *x);
/* Under the write lock, before anything else: sees what other processes changed. false: the file
 * must be made anew. */
bool id_index_refresh(struct id_index *x);
/* Forgets everything; the caller adds every row again. */
int id_index_clear(struct id_index *x, struct err *e);

uint64_t id_index_hash(const struct id_index *x, struct text id);
void id_index_prefetch(const struct id_index *x, uint64_t hash);
/* Calls is_it for each row that the hash may mean until it says true; returns that row, or 0. */
int64_t id_index_find(const struct id_index *x, uint64_t hash,
		      bool (*is_it)(void *user, int64_t row), void *user);
/* Errors: ERR_STORE when the file cannot grow (a full disk). */
int id_index_add(struct id_index *x, uint64_t hash, int64_t row, struct err *e);
/* After a commit: the file holds every row up to that one, whose id has that hash. */
void id_index_holds(struct id_index *x, int64_t rows, uint64_t last_hash);
int64_t id_index_rows(const struct id_index *x);
/* To tell whether the row that the file ends with is the database's. */
uint64_t id_index_last_hash(const struct id_index *x);

#endif
