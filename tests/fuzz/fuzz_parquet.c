/* Any bytes as a table of Parquet that is read back: as pages whose heads and checksums are made
 * right, so that what they guard is met; and as rows that are written, read again to the same
 * digests, and refused with any byte changed. Never a crash, never more memory than a group may
 * take. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/arena.h"
#include "base/parquet_parts.h"
#include "base/parquet_read.h"

static const struct parquet_column column[] = {
	{ "whole", PARQUET_INT, false },     { "some", PARQUET_INT, true },
	{ "name", PARQUET_TEXT, false },     { "note", PARQUET_TEXT, true },
	{ "amount", PARQUET_DECIMAL, true }, { "at", PARQUET_INSTANT, false },
};
enum { COLUMNS = sizeof column / sizeof *column };

struct input {
	const uint8_t *p;
	size_t n;
};

static uint64_t take(struct input *in, size_t bytes)
{
	uint64_t v = 0;
	for (; bytes && in->n; bytes--, in->p++, in->n--)
		v = v << 8 | *in->p;
	return v;
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Empty again. */
static FILE *file_of(const void *p, size_t n)
{
	static FILE *f;
	if (!f)
		f = fdopen(memfd_create("parquet", 0), "w+b");
	rewind(f);
	must(ftruncate(fileno(f), 0) == 0 && fwrite(p, 1, n, f) == n && fflush(f) == 0);
	return f;
}

/* What reading comes to: 0, or an error; the digests of the columns at the end. */
static int read_all(FILE *f, uint64_t digest[COLUMNS])
{
	struct parquet_reader *r;
	int rc = parquet_read_open(&r, f, "t.parquet", column, COLUMNS, NULL);
	while (rc == 0 && (rc = parquet_next(r, NULL)) == 1) {
		rc = 0;
		for (size_t i = 0; i < COLUMNS; i++) {
			const struct text t = column[i].kind == PARQUET_TEXT
						      ? parquet_read_text(r, i)
						      : (struct text){ "", 0 };
			if (t.n)
				(void)*(const volatile char *)(t.p + t.n - 1);
			if (column[i].kind == PARQUET_INT || column[i].kind == PARQUET_INSTANT)
				(void)parquet_read_int(r, i);
		}
	}
	for (size_t i = 0; i < COLUMNS; i++)
		digest[i] = parquet_read_digest(r, i);
	parquet_read_close(r);
	return rc;
}

/* Pages: of each its kind and encoding, how many values, and what it unpacks to. */
static void read_pages(struct input in)
{
	static ZSTD_CCtx *packer;
	struct buf file = { 0 }, packed = { 0 };
	uint64_t digest[COLUMNS];
	if (!packer)
		packer = ZSTD_createCCtx();
	buf_add(&file, PARQUET_MAGIC, 4);
	while (in.n) {
		const unsigned how = (unsigned)take(&in, 1);
		struct parquet_page page = {
			.kind = how & 1 ? PAGE_DICTIONARY : PAGE_DATA,
			.encoding = how & 2 ? BY_DICTIONARY : PLAIN,
			.values = (int64_t)take(&in, how & 4 ? 3 : 1),
		};
		size_t bytes = (size_t)take(&in, how & 8 ? 2 : 1);
		bytes = bytes < in.n ? bytes : in.n;
		packed.n = 0;
		buf_need(&packed, ZSTD_compressBound(bytes));
		packed.n = ZSTD_compressCCtx(packer, packed.p, ZSTD_compressBound(bytes), in.p,
					     bytes, 1);
		page.bytes = how & 16 ? (int64_t)take(&in, 4) : (int64_t)bytes;
		page.packed = (int64_t)packed.n;
		page.crc = (int32_t)crc32(0, (const Bytef *)packed.p, (uInt)packed.n);
		parquet_put_head(&file, &page);
		buf_add(&file, packed.p, packed.n);
		in.p += bytes < in.n ? bytes : in.n;
		in.n -= bytes < in.n ? bytes : in.n;
	}
	buf_add(&file, "\0\0\0\0" PARQUET_MAGIC, 8);
	read_all(file_of(file.p, file.n), digest);
	buf_release(&packed);
	buf_release(&file);
}

static void write_row(struct parquet *p, struct input *in)
{
	const unsigned has = (unsigned)take(in, 1);
	parquet_int(p, 0, (int64_t)take(in, has & 1 ? 8 : 1));
	if (has & 2)
		parquet_int(p, 1, (int64_t)take(in, 2));
	for (size_t i = 2; i < 4; i++) {
		size_t n = (size_t)take(in, 1) % 24;
		n = n < in->n ? n : in->n;
		if (i == 2 || has & 4)
			parquet_text(p, i, (struct text){ (const char *)in->p, n });
		in->p += n;
		in->n -= n;
	}
	if (has & 8)
		must(parquet_decimal(p, 4, (int128)(int64_t)take(in, 8) * 1000003, NULL) == 0);
	parquet_int(p, 5, (int64_t)take(in, 4));
	must(parquet_end_row(p, NULL) == 0);
}

static void write_and_read(struct input in)
{
	const size_t place = (size_t)take(&in, 3);
	const uint8_t change = (uint8_t)take(&in, 1);
	uint64_t written[COLUMNS], read[COLUMNS];
	char *bytes = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&bytes, &size);
	struct parquet *p = parquet_open(f, column, COLUMNS);
	while (in.n)
		write_row(p, &in);
	must(parquet_finish(p, NULL) == 0);
	for (size_t i = 0; i < COLUMNS; i++)
		written[i] = parquet_digest(p, i);
	parquet_release(p);
	fclose(f);
	must(read_all(file_of(bytes, size), read) == 0);
	must(memcmp(read, written, sizeof read) == 0);
	if (change) {
		bytes[place % size] = (char)(bytes[place % size] ^ change);
		must(read_all(file_of(bytes, size), read) != 0);
	}
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint64_t digest[COLUMNS];
	switch (take(&in, 1) % 3) {
	case 0:
		read_all(file_of(in.p, in.n), digest);
		break;
	case 1:
		read_pages(in);
		break;
	default:
		write_and_read(in);
		break;
	}
	return 0;
}
