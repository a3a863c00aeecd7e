/*
 * parquet_parts: what the writer (parquet.c) and the reader (parquet_read.c) share: numbers of the
 * format, and the parts of a file beside its values, which are written one way only. The reader
 * makes them again from what it has read and compares, so that nothing of them goes unchecked.
 */
#ifndef TALLY_BASE_PARQUET_PARTS_H
#define TALLY_BASE_PARQUET_PARTS_H

#include "base/dict.h"
#include "base/parquet.h"

#define PARQUET_MAGIC "PAR1"
enum { PARQUET_GROUP_ROWS = 65536, DECIMAL_BYTES = 16, DECIMAL_DIGITS = 38 };
enum { TYPE_INT64 = 2, TYPE_BYTES = 6, TYPE_FIXED = 7 };
enum { PAGE_DATA = 0, PAGE_DICTIONARY = 2 };
enum { PLAIN = 0, RUNS = 3, BY_DICTIONARY = 8 };
enum { CODEC_ZSTD = 6 };
/* Thrift's compact protocol. */
enum { IS_TRUE = 1, IS_INT = 5, IS_LONG = 6, IS_BYTES = 8, IS_LIST = 9, IS_STRUCT = 12 };

struct parquet_type {
	int type, length, converted, logical;
};
extern const struct parquet_type parquet_types[]; /* by enum parquet_kind */

/* A column of a group. */
struct parquet_chunk {
	int64_t place, dictionary, data; /* where it begins, its dictionary (-1: none), its data */
	int64_t bytes, packed;
	int64_t rows, values; /* values: of the rows that have one */
	int64_t least, most;  /* of whole numbers and instants */
};
void parquet_put_chunk(struct buf *b, const struct parquet_column *c,
		       const struct parquet_chunk *k);
/* A group: how many columns before its chunks, and its end behind them. */
void parquet_put_columns(struct buf *b, size_t columns);
void parquet_put_group(struct buf *b, int64_t bytes, int64_t rows);

/* All groups: told is what was put of each. */
struct parquet_groups {
	int64_t rows;
	size_t groups;
	struct text told;
};
/* The end of a file, without its length and the last mark. */
void parquet_put_end(struct buf *b, const struct parquet_column *column, size_t columns,
		     const struct parquet_groups *g);

struct parquet_page {
	int kind, encoding;
	int64_t bytes, packed;
	int32_t crc; /* of the packed bytes */
	int64_t values;
};
void parquet_put_head(struct buf *b, const struct parquet_page *p);

/* The digest of a column with one value more; p NULL: with a row that has none. */
static inline uint64_t parquet_digest_on(uint64_t before, const void *p, size_t n)
{
	return hash_bytes(p ? p : "", n, (const uint64_t[2]){ before, p ? 1 : 2 });
}

#endif
