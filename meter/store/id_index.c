#include "meter/store/id_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/dict.h"

enum {
	PAGE_BYTES = 1 << 16,
	PAGE_SLOTS = PAGE_BYTES / 16 - 1,
	PROBES_MOST = 256, /* a page is full when an id would lie further from its place */
	DEPTH_MOST = 40,
	PAGE_MARK = 0x69647061,
	GROW_PAGES = 256, /* of the file at a time: 16 MiB */
};
#define MAP_MOST ((size_t)1 << 40) /* address space, not memory */

static const char magic[8] = "tallyid1";

struct head {
	char magic[8];
	uint8_t database[16];
	char boot[40]; /* of the machine, when it was written */
	uint64_t seed[2];
	int64_t rows;	   /* all rows up to this one are here */
	uint64_t last;	   /* hash of that row's id */
	uint64_t pages;	   /* in use */
	uint64_t splits;   /* grows with every change of the directory */
	uint64_t changing; /* a split is under way */
};

struct slot {
	uint64_t hash;
	int64_t row; /* 0: free */
};

/* The page of all hashes that begin with the `depth` bits of `prefix`. */
struct page {
	uint32_t mark, depth; /* PAGE_MARK: it was written by this room */
	uint64_t prefix;
	struct slot slot[PAGE_SLOTS];
};
_Static_assert(sizeof(struct page) == PAGE_BYTES, "a page is a page");

struct id_index {
	int fd;
	char *path;
	char *map; /* the head's page, then the others */
	size_t file_pages;
	uint32_t *directory; /* page of each prefix of `depth` bits */
	uint32_t depth;
	uint64_t splits_seen;
};

static struct head *head_of(const struct id_index *x)
{
	return (struct head *)(void *)x->map;
}

static struct page *page_at(const struct id_index *x, uint64_t n)
{
	return (struct page *)(void *)(x->map + (n + 1) * PAGE_BYTES);
}

static void boot_of_machine(char out[40])
{
	memset(out, 0, 40);
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return; /* elsewhere the file is trusted after a restart only if it was complete */
	ssize_t n = read(fd, out, 36);
	(void)n;
	close(fd);
}

/* Room for so many pages in use; the disk's blocks are taken now, so that writing to the map later
 * cannot fail. */
static int need_pages(struct id_index *x, uint64_t pages, struct err *e)
{
	if (pages + 1 <= x->file_pages)
		return 0;
	size_t want = pages + 1 < GROW_PAGES ? (pages < 16 ? 16 : GROW_PAGES) : pages + GROW_PAGES;
	int rc = posix_fallocate(x->fd, (off_t)x->file_pages * PAGE_BYTES,
				 (off_t)(want - x->file_pages) * PAGE_BYTES);
	if (rc != 0)
		return err_set(e, ERR_STORE, "could not enlarge '%s': %s", x->path, strerror(rc));
	x->file_pages = want;
	return 0;
}

static void read_directory(struct id_index *x)
{
	const struct head *h = head_of(x);
	struct stat st;
	if (fstat(x->fd, &st) == 0)
		x->file_pages = (size_t)st.st_size / PAGE_BYTES;
	x->depth = 0;
	for (uint64_t i = 0; i < h->pages; i++)
		if (page_at(x, i)->depth > x->depth)
			x->depth = page_at(x, i)->depth;
	x->directory = mem_grow(x->directory, ((size_t)1 << x->depth) * sizeof *x->directory);
	for (uint64_t i = 0; i < h->pages; i++) {
		const struct page *p = page_at(x, i);
		uint64_t span = (uint64_t)1 << (x->depth - p->depth);
		for (uint64_t k = 0; k < span; k++)
			x->directory[p->prefix * span + k] = (uint32_t)i;
	}
	x->splits_seen = h->splits;
}

/* Whether pages and prefixes cover everything once. */
static bool is_sound(const struct id_index *x)
{
	const struct head *h = head_of(x);
	if (h->pages == 0 || h->pages + 1 > x->file_pages || h->changing)
		return false;
	/* in units of the deepest page that there can be, the prefixes must fill the whole */
	uint64_t covered = 0;
	for (uint64_t i = 0; i < h->pages; i++) {
		const struct page *p = page_at(x, i);
		if (p->mark != PAGE_MARK || p->depth > DEPTH_MOST || p->prefix >> p->depth)
			return false;
		covered += (uint64_t)1 << (DEPTH_MOST - p->depth);
	}
	return covered == (uint64_t)1 << DEPTH_MOST;
}

int id_index_clear(struct id_index *x, struct err *e)
{
	struct head *h = head_of(x);
	int rc = need_pages(x, 1, e);
	if (rc != 0)
		return rc;
	h->changing = 1;
	memset(page_at(x, 0), 0, PAGE_BYTES);
	page_at(x, 0)->mark = PAGE_MARK;
	h->pages = 1;
	h->rows = 0;
	h->splits++;
	h->changing = 0;
	read_directory(x);
	return 0;
}

int id_index_open(struct id_index **out, const char *path, const struct id_index_state *state,
		  bool *whole, struct err *e)
{
	struct id_index *x = mem_zalloc(sizeof *x);
	char boot[40];
	struct stat st;
	int rc = 0;
	x->path = strcpy(mem_alloc(strlen(path) + 1), path);
	x->map = MAP_FAILED;
	x->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (x->fd < 0 || fstat(x->fd, &st) != 0)
		rc = err_set(e, ERR_STORE, "could not open '%s': %s", path, strerror(errno));
	const uint64_t pages_at_first = rc == 0 ? (uint64_t)st.st_size / PAGE_BYTES : 0;
	if (rc == 0) {
		x->file_pages = pages_at_first;
		rc = need_pages(x, 1, e);
	}
	if (rc == 0) {
		x->map = mmap(NULL, MAP_MOST, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			      x->fd, 0);
		if (x->map == MAP_FAILED)
			rc = err_set(e, ERR_STORE, "could not map '%s': %s", path, strerror(errno));
	}
	if (rc == 0) {
		struct head *h = head_of(x);
		boot_of_machine(boot);
		bool known = memcmp(h->magic, magic, sizeof magic) == 0 &&
			     memcmp(h->database, state->database, sizeof h->database) == 0 &&
			     memcmp(h->seed, state->seed, sizeof h->seed) == 0 &&
			     memcmp(h->boot, boot, sizeof boot) == 0 && h->rows <= state->rows &&
			     h->pages < pages_at_first && is_sound(x);
		*whole = known;
		if (known) {
			read_directory(x);
		} else {
			memcpy(h->magic, magic, sizeof magic);
			memcpy(h->database, state->database, sizeof h->database);
			memcpy(h->boot, boot, sizeof boot);
			memcpy(h->seed, state->seed, sizeof h->seed);
			rc = id_index_clear(x, e);
		}
	}
	if (rc != 0) {
		id_index_close(x);
		return rc;
	}
	*out = x;
	return 0;
}

void id_index_close(struct id_index *x)
{
	if (!x)
		return;
	if (x->map != MAP_FAILED)
		munmap(x->map, MAP_MOST);
	if (x->fd >= 0)
		close(x->fd);
	free(x->directory);
	free(x->path);
	free(x);
}

bool id_index_refresh(struct id_index *x)
{
	const struct head *h = head_of(x);
	if (h->changing)
		return false;
	if (h->splits != x->splits_seen)
		read_directory(x);
	return true;
}

uint64_t id_index_hash(const struct id_index *x, struct text id)
{
	return hash_bytes(id.p, id.n, head_of(x)->seed);
}

static struct page *page_of(const struct id_index *x, uint64_t hash)
{
	return page_at(x, x->directory[x->depth ? hash >> (64 - x->depth) : 0]);
}

/* The low bits choose the slot, since the high ones chose the page. */
static size_t first_slot(uint64_t hash)
{
	return (size_t)((hash & 0xFFFFFFFFu) * PAGE_SLOTS >> 32);
}

void id_index_prefetch(const struct id_index *x, uint64_t hash)
{
	__builtin_prefetch(&page_of(x, hash)->slot[first_slot(hash)], 1);
}

int64_t id_index_find(const struct id_index *x, uint64_t hash,
		      bool (*is_it)(void *user, int64_t row), void *user)
{
	const struct page *p = page_of(x, hash);
	for (size_t i = first_slot(hash); p->slot[i].row; i = i + 1 == PAGE_SLOTS ? 0 : i + 1)
		if (p->slot[i].hash == hash && is_it(user, p->slot[i].row))
			return p->slot[i].row;
	return 0;
}

/* False when there is no free slot near enough. The head of the page is not touched: it lies in
 * other memory than the slot. */
static bool put(struct page *p, struct slot s)
{
	size_t i = first_slot(s.hash), probes = 0;
	while (p->slot[i].row) {
		if (++probes > PROBES_MOST)
			return false;
		i = i + 1 == PAGE_SLOTS ? 0 : i + 1;
	}
	p->slot[i].hash = s.hash;
	/* a slot counts once its row stands in it */
	atomic_signal_fence(memory_order_release);
	p->slot[i].row = s.row;
	return true;
}

/* A full page into two that each hold one more bit of prefix. */
static int split(struct id_index *x, uint64_t hash, struct err *e)
{
	uint32_t n = x->directory[x->depth ? hash >> (64 - x->depth) : 0];
	struct head *h = head_of(x);
	int rc = need_pages(x, h->pages + 1, e);
	if (rc != 0)
		return rc;
	struct page *low = page_at(x, n), *high = page_at(x, h->pages);
	if (low->depth == DEPTH_MOST)
		return err_set(e, ERR_STORE, "'%s' cannot hold more ids", x->path);
	struct page *old = mem_alloc(PAGE_BYTES);
	memcpy(old, low, PAGE_BYTES);
	h->changing = 1;
	atomic_signal_fence(memory_order_seq_cst);
	memset(low, 0, PAGE_BYTES);
	memset(high, 0, PAGE_BYTES);
	low->mark = high->mark = PAGE_MARK;
	low->depth = high->depth = old->depth + 1;
	low->prefix = old->prefix * 2;
	high->prefix = old->prefix * 2 + 1;
	h->pages++;
	for (size_t i = 0; i < PAGE_SLOTS; i++)
		/* half as many find room where all did */
		CHECK(!old->slot[i].row ||
		      put(old->slot[i].hash >> (63 - old->depth) & 1 ? high : low, old->slot[i]));
	h->splits++;
	atomic_signal_fence(memory_order_seq_cst);
	h->changing = 0;
	if (low->depth > x->depth) {
		read_directory(x);
	} else {
		uint64_t span = (uint64_t)1 << (x->depth - high->depth);
		for (uint64_t k = 0; k < span; k++)
			x->directory[high->prefix * span + k] = (uint32_t)(h->pages - 1);
		x->splits_seen = h->splits;
	}
	free(old);
	return 0;
}

int id_index_add(struct id_index *x, uint64_t hash, int64_t row, struct err *e)
{
	while (!put(page_of(x, hash), (struct slot){ hash, row })) {
		int rc = split(x, hash, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

void id_index_holds(struct id_index *x, int64_t rows, uint64_t last_hash)
{
	head_of(x)->rows = rows;
	head_of(x)->last = last_hash;
}

uint64_t id_index_last_hash(const struct id_index *x)
{
	return head_of(x)->last;
}

int64_t id_index_rows(const struct id_index *x)
{
	return head_of(x)->rows;
}
