/*
 * server_array: many values as one parameter of a statement on a server: an array in its binary
 * format, whose type the statement names (CAST(:keys AS bytea[])).
 */
#ifndef TALLY_METER_STORE_SERVER_ARRAY_H
#define TALLY_METER_STORE_SERVER_ARRAY_H

#include "base/db.h"
#include "base/text.h"

/* The server's numbers of the types of elements. */
enum server_type { SERVER_BYTEA = 17, SERVER_BIGINT = 20, SERVER_TEXT = 25 };

/* Zero-initialised and begun, it is empty; bytes is released by its owner. */
struct server_array {
	struct buf bytes;
	uint32_t count;
};

void server_array_begin(struct server_array *a, enum server_type type);
/* A bytea or a text. */
void server_array_add(struct server_array *a, const void *p, size_t n);
void server_array_add_int(struct server_array *a, int64_t v);
/* The array must stay until the statement is done. */
void server_array_bind(struct server_array *a, struct query *q, const char *name);
void server_array_release(struct server_array *a);

#endif
