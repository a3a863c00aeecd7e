/*
 * parquet: a table written as Apache Parquet, which DuckDB, ClickHouse, Spark, pandas and others
 * read.
 *
 * Whole numbers, instants in microseconds of UTC, texts and decimals of 18 places, each exact. Rows
 * are gathered in groups, each column of a group is compressed by Zstandard, and each page carries
 * its CRC-32, so that damage is noticed. Texts that repeat are written once a group. Of numbers and
 * instants the least and the most of a group are told, so that readers skip what they do not need.
 * Source: the format's own description (parquet.thrift 2.10, Encodings.md).
 */
#ifndef TALLY_BASE_PARQUET_H
#define TALLY_BASE_PARQUET_H

#include <stdio.h>

#include "base/decimal.h"
#include "base/err.h"
#include "base/text.h"

enum parquet_kind { PARQUET_INT, PARQUET_INSTANT, PARQUET_TEXT, PARQUET_DECIMAL };
enum { PARQUET_PLACES = 18 }; /* of a decimal, which has 38 digits */

struct parquet_column {
	const char *name;
	enum parquet_kind kind;
	bool optional; /* a row may have none */
};

struct parquet;

/* The columns are copied, their names are not. Nothing is written before the first group is full or
 * the table ends. */
struct parquet *parquet_open(FILE *out, const struct parquet_column *column, size_t columns);
void parquet_release(struct parquet *p);

/* The next row has this in that column; one that is not given is absent, or 0 or empty where the
 * column is not optional. Texts are copied. */
void parquet_int(struct parquet *p, size_t column, int64_t v);
void parquet_text(struct parquet *p, size_t column, struct text t);
/* In 1e-18. Errors: ERR_RANGE for 10^20 and more. */
int parquet_decimal(struct parquet *p, size_t column, int128 v, struct err *e);

/* The row ends. Errors: ERR_SYSTEM where it cannot be written or packed. */
int parquet_end_row(struct parquet *p, struct err *e);
/* The table ends. Errors likewise. */
int parquet_finish(struct parquet *p, struct err *e);
/* Of all values that the column got, and of the rows in which it got none: what reads the file
 * again must come to the same. */
uint64_t parquet_digest(const struct parquet *p, size_t column);

#endif
