/*
 * parquet_read: tables that base/parquet wrote, read back.
 *
 * No reader of Parquet at large: the columns must be known, and nothing but what our own writer
 * makes of them is taken. All that stands around the values (heads of pages, the end of the file)
 * is made again from what was read and compared, and each page has its CRC-32, so that every byte
 * of a file is checked: damage is an error that names the file and the column, never another row.
 */
#ifndef TALLY_BASE_PARQUET_READ_H
#define TALLY_BASE_PARQUET_READ_H

#include "base/parquet.h"

struct parquet_reader;

/* in: a file that can be sought in, at any place; closed by whoever opened it. name: for messages,
 * which outlives the reader, as the columns and their names do. Errors: ERR_INVALID,
 * ERR_UNREADABLE.
 */
int parquet_read_open(struct parquet_reader **out, FILE *in, const char *name,
		      const struct parquet_column *column, size_t columns, struct err *e);
void parquet_read_close(struct parquet_reader *r);

/* 1: the next row; 0: there is none, and all of the file is as it was written, which is not known
 * before. Errors: ERR_INVALID for damage, ERR_UNREADABLE. */
int parquet_next(struct parquet_reader *r, struct err *e);

/* Of the row, whose decimals are checked and not given out; texts live until the next call of
 * parquet_next. What is absent is 0 or empty. */
bool parquet_has(const struct parquet_reader *r, size_t column);
int64_t parquet_read_int(const struct parquet_reader *r, size_t column);
struct text parquet_read_text(const struct parquet_reader *r, size_t column);
/* Of all rows so far, as parquet_digest has it of what was written. */
uint64_t parquet_read_digest(const struct parquet_reader *r, size_t column);

#endif
