/*
 * pack: a workload in columns, in a file of our own, so that it is not parsed again.
 *
 * Two kinds: records (any trace or log), and block traces. Columns stand in chunks of PACK_CHUNK
 * calls, as narrow as the chunk allows (what is above its least value) and compressed by zstd;
 * every section carries its CRC-32. Beside its rows a pack of records holds their sums by quarter
 * hour and subject: where a price holds for a whole quarter hour, and is the same for every prompt,
 * pricing the sums is pricing the rows. Packs are for the machine that made them (its byte order is
 * checked), not for keeping.
 */
#ifndef TALLY_SIM_PACK_H
#define TALLY_SIM_PACK_H

#include "sim/workload.h"

enum { PACK_CHUNK = 65536 };

enum pack_column {
	PACK_TIME, /* 64-bit columns */
	PACK_TOKENS,
	PACK_REQUESTS = PACK_TOKENS + BUCKET_COMMON,
	PACK_CONVERSATION, /* 32-bit columns */
	PACK_CALL,
	PACK_SUBJECT,
	PACK_CUSTOMER,
	PACK_PROJECT,
	PACK_WORKLOAD,
	PACK_TASK,
	PACK_EFFORT,
	PACK_SESSION,
	PACK_RARE,
	PACK_COLUMNS
};

struct pack_rollup {
	int64_t quarter, first_us, last_us; /* quarter hours since 1970; of its calls */
	int64_t records, tokens[BUCKET_COMMON];
	uint64_t subject;
};

struct pack;

/* Replaces the file. A workload of the database cannot be packed. Errors: ERR_USAGE, ERR_SYSTEM. */
int pack_write(const char *path, const struct workload *w, struct err *e);

bool pack_is(const char *path);
/* Checks everything but the columns, which are checked when they are read. Errors: ERR_NOT_FOUND,
 * ERR_UNREADABLE, ERR_INVALID (not a pack, of another version or machine, or damaged). */
int pack_open(struct pack **out, const char *path, struct err *e);
void pack_close(struct pack *p);

/* ERR_INVALID when a format (NULL: any) was asked for that it is not of. */
int pack_check_format(const struct pack *p, const char *format, struct err *e);
const char *pack_shape(const struct pack *p);
bool pack_is_relative(const struct pack *p);
bool pack_has_blocks(const struct pack *p);
bool pack_has_conversations(const struct pack *p);
/* Adds what its trace was in doubt of when it was packed. */
void pack_doubts(const struct pack *p, struct doubts *out);
size_t pack_calls(const struct pack *p);
size_t pack_chunks(const struct pack *p);
int64_t pack_first_us(const struct pack *p); /* INT64_MAX: no calls */
size_t pack_subjects(const struct pack *p);
const struct work_subject *pack_subject(const struct pack *p, size_t i);
/* Reads names, conversations and rare counts, which pricing sums does not need; before any of the
 * functions below. Errors: ERR_INVALID. */
int pack_need_names(struct pack *p, struct err *e);
size_t pack_names(const struct pack *p);
/* By number, from 1; TEXT_ROOM bytes can be read from its start. */
struct text pack_name(const struct pack *p, uint32_t number);
size_t pack_conversations(const struct pack *p);
struct text pack_conversation(const struct pack *p, size_t i); /* empty where it has no name */
size_t pack_rares(const struct pack *p);
const struct work_rare *pack_rare(const struct pack *p, size_t i);
/* The first call from that one on of whose answer the log had only the start; SIZE_MAX: none. */
size_t pack_placeholder_from(const struct pack *p, size_t call);
/* None when a sum would not fit, records have rare buckets, or an answer lacks its end. */
const struct pack_rollup *pack_rollups(const struct pack *p, size_t *count);

size_t pack_chunk_calls(const struct pack *p, size_t chunk);
/* Whether a column of a chunk is this value throughout; cheap. */
bool pack_column_is(const struct pack *p, size_t chunk, enum pack_column c, int64_t value);
/* One column of a chunk, into room for PACK_CHUNK values of its width. scratch: room for PACK_CHUNK
 * 64-bit values. */
int pack_read_column(const struct pack *p, size_t chunk, enum pack_column c, void *out,
		     void *scratch, struct err *e);
/* The block trace that a pack of blocks holds; after pack_need_names. */
int pack_read_blocks(struct block_trace **out, const struct pack *p, struct err *e);

#endif
