#include "meter/store/server_array.h"

#include <arpa/inet.h>
#include <endian.h>

enum { COUNT_AT = 12 };

static void put_int(struct buf *b, uint32_t v)
{
	v = htonl(v);
	buf_add(b, &v, sizeof v);
}

void server_array_begin(struct server_array *a, enum server_type type)
{
	a->bytes.n = 0;
	a->count = 0;
	put_int(&a->bytes, 1); /* dimension */
	put_int(&a->bytes, 0); /* without NULLs */
	put_int(&a->bytes, type);
	put_int(&a->bytes, 0); /* elements: when it is bound */
	put_int(&a->bytes, 1); /* the first one's number */
}

void server_array_add(struct server_array *a, const void *p, size_t n)
{
	put_int(&a->bytes, (uint32_t)n);
	if (n)
		buf_add(&a->bytes, p, n);
	a->count++;
}

void server_array_add_int(struct server_array *a, int64_t v)
{
	const uint64_t there = htobe64((uint64_t)v);
	server_array_add(a, &there, sizeof there);
}

void server_array_bind(struct server_array *a, struct query *q, const char *name)
{
	const uint32_t n = htonl(a->count);
	memcpy(a->bytes.p + COUNT_AT, &n, sizeof n);
	db_bind_blob(q, name, a->bytes.p, a->bytes.n);
}

void server_array_release(struct server_array *a)
{
	buf_release(&a->bytes);
}
