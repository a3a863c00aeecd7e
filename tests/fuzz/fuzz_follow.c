/*
 * A file that is followed while it grows and is replaced, by one process after another, with a
 * state that is kept or forgotten in between: after each look all that the file holds is known, so
 * that reading it from its start adds nothing. The content is any bytes, in lines that are mostly
 * records.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "meter/ingest/ingest_follow.h"
#include "pricing/book.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64], path[100], next_path[100];
static struct store *store;
static struct book *book;
static int64_t taken; /* by the process at work */

static void need(int rc, const struct err *e)
{
	if (rc == 0)
		return;
	fprintf(stderr, "fuzz_follow: %s\n", e->message);
	abort();
}

/* Nobody waits here for a file to grow, nor for a disk. */
int nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time, (void)left;
	return 0;
}
int fsync(int fd)
{
	(void)fd;
	return 0;
}
int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

static void clean_up(void)
{
	char command[100];
	snprintf(command, sizeof command, "rm -rf %s", folder);
	if (system(command) != 0)
		_exit(1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err e = { 0 };
	char database[100];
	(void)argc, (void)argv;
	snprintf(folder, sizeof folder, "%s/tally-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(folder))
		abort();
	atexit(clean_up);
	snprintf(path, sizeof path, "%s/log.jsonl", folder);
	snprintf(next_path, sizeof next_path, "%s/next", folder);
	snprintf(database, sizeof database, "%s/m.db", folder);
	need(store_open(&store, database, DB_CREATE, &e), &e);
	need(book_open(&book, &e), &e);
	return 0;
}

static atomic_bool stop;

/* Two looks: what came between begin and end of the first is there at the second. */
static int pass(void *user, const struct ingest_counts *counts, struct err *e)
{
	int *looks = user;
	(void)e;
	taken = counts->accepted;
	if (++*looks == 2)
		atomic_store(&stop, true);
	return 0;
}

static int64_t follow(void)
{
	struct err e = { 0 };
	struct ingest_counts counts = { 0 };
	const char *const paths[] = { path };
	int looks = 0;
	const struct ingest_files o = { .options = { .book = book,
						     .currency = "USD",
						     .ahead_us_most = 366000 * US_PER_DAY,
						     .behind_us_most = 366000 * US_PER_DAY },
					.user = &looks };
	atomic_store(&stop, false);
	taken = 0;
	const int rc =
		ingest_follow(store, &o, &(struct follow){ paths, 1, &stop, pass }, &counts, &e);
	if (rc == -ERR_STORE || rc == -ERR_BUSY || rc == -ERR_RANGE)
		need(rc, &e);
	return rc == 0 ? taken : 0;
}

static void forget(void)
{
	struct err e = { 0 };
	need(store_begin(store, (struct instant){ 0 }, &e), &e);
	need(db_run(store_db(store), "DELETE FROM followed", &e), &e);
	need(store_commit(store, &e), &e);
}

static void add(const char *where, int flags, const uint8_t *data, size_t n)
{
	const int fd = open(where, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		abort();
	close(fd);
}

/* A piece of the input: its first byte says what is done with the rest up to the next 0x1E. */
static void change(uint8_t how, const uint8_t *data, size_t n)
{
	if (how % 4 == 3) { /* rotated */
		add(next_path, O_TRUNC, data, n);
		if (rename(next_path, path) != 0)
			abort();
	} else {
		add(path, O_APPEND, data, n);
	}
	if (how & 8)
		add(path, O_APPEND, (const uint8_t *)"\n", 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 2000)
		return 0;
	unlink(path);
	forget();
	while (size > 1) {
		const uint8_t *end = memchr(data + 1, 0x1E, size - 1);
		const size_t n = end ? (size_t)(end - data) : size;
		change(*data, data + 1, n - 1);
		follow();
		if (*data & 16)
			forget();
		data += n + (end != NULL);
		size -= n + (end != NULL);
	}
	forget();
	const int64_t more = follow();
	if (more) {
		fprintf(stderr, "fuzz_follow: %lld records were not known\n", (long long)more);
		abort();
	}
	return 0;
}
