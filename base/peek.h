/*
 * peek: a look into another program's SQLite database, which is never written.
 *
 * The program may be writing meanwhile: what it has committed is seen, its write-ahead log
 * included. Nothing is created beside the file. Where SQLite cannot read it in place (its shared
 * memory is missing, its folder denied), a temporary copy is read. Our own databases are base/db.
 */
#ifndef TALLY_BASE_PEEK_H
#define TALLY_BASE_PEEK_H

#include "base/err.h"
#include "base/text.h"

/* Whether the file begins as SQLite's do. */
bool peek_is_database(const char *path);

struct peek;
/* Errors: ERR_NOT_FOUND, ERR_UNREADABLE. */
int peek_open(struct peek **out, const char *path, struct err *e);
/* The same as it lay when its log was last written back, without waiting or copying: enough to see
 * which tables it has. */
int peek_glance(struct peek **out, const char *path, struct err *e);
void peek_close(struct peek *p);
/* Whether its program wrote it while it was read in a way that takes no lock: read it again. */
bool peek_was_written(const struct peek *p);

bool peek_is_empty(struct peek *p);
bool peek_has_table(struct peek *p, const char *table);
bool peek_has_column(struct peek *p, const char *table, const char *column);

struct peek_rows;
/* Errors: ERR_UNREADABLE. */
int peek_query(struct peek *p, struct peek_rows **out, const char *sql, struct err *e);
/* 1: a row; 0: no more; negative: the file could not be read on. */
int peek_next(struct peek_rows *r, struct err *e);
void peek_end(struct peek_rows *r);
/* A column of the row as text, numbers in digits; NULL is the empty text. Valid until the next row;
 * a NUL stands behind it. */
struct text peek_text(struct peek_rows *r, int column);
/* A whole number; 0 when it is none. */
int64_t peek_int(struct peek_rows *r, int column);
/* Whether it is a whole number that is not negative. */
bool peek_is_count(struct peek_rows *r, int column);

/* Appends the path as SQLite takes it in a URI, "file:" before it. */
void peek_put_uri(struct buf *b, const char *path);

#endif
