#include "meter/store/id_index.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/dict.h"

/* tests/fuzz/fuzz_ids makes them small */
#ifndef ID_INDEX_FILTER_BLOCKS
#define ID_INDEX_FILTER_BLOCKS (1 << 12)
#define ID_INDEX_LOOKS_WITHOUT 4096
#endif

enum {
	TABLE_FULL = ID_INDEX_TABLE_FULL,
	TABLE_SLOTS = TABLE_FULL < 2048 ? 2 * TABLE_FULL : 4096, /* at first: most runs add few */
	RUNS_MOST = 256,
	RUNS_TO_MERGE = 8, /* of about the same size */
	BITS_A_KEY = 16,   /* of the filter, when it is full: one miss in about 1600 passes it */
	BLOCK_WORDS = 8,   /* a block is a cache line */
	BLOCK_KEYS = BLOCK_WORDS * 64 / BITS_A_KEY,
	FILTER_BLOCKS_LEAST = ID_INDEX_FILTER_BLOCKS,
	LOOKS_WITHOUT = ID_INDEX_LOOKS_WITHOUT, /* a filter: to make one takes longer */
};

static const char magic[8] = "tallyid4";

struct entry {
	uint64_t hash;
	int64_t row; /* 0: free */
};

struct run_info {
	uint64_t number, count, sum; /* sum: a checksum of its bytes */
};

/* The file "head", shared by all processes. */
struct head {
	char magic[8];
	uint8_t database[16];
	char boot[40]; /* of the machine, when it was written */
	uint64_t seed[2];
	uint64_t changing;   /* a change is under way */
	uint64_t generation; /* grows with every change */
	uint64_t folder;     /* random: whether everything was forgotten meanwhile */
	uint64_t next_number;
	int64_t last_row; /* rows up to that one are in the runs */
	uint64_t last_hash;
	uint64_t run_count;
	struct run_info run[RUNS_MOST];
	uint64_t sum; /* of all above but `changing` */
};

struct run {
	struct run_info info;
	const struct entry *entry;
	bool whole; /* its checksum was found right: runs never change */
};

struct id_index {
	char *path;
	struct id_index_identity identity;
	struct head *head;
	int head_fd;
	uint64_t generation_seen, folder_seen;
	/* the process's own: made of runs and table when there were enough looks; NULL: not yet */
	uint64_t (*filter)[BLOCK_WORDS];
	uint64_t filter_blocks, filter_keys;
	int64_t filtered; /* ids of rows up to that one are in it */
	unsigned looks;	  /* while there is none */
	struct run run[RUNS_MOST];
	size_t run_count;
	bool all_whole; /* all runs are */
	bool damaged;
	/* the youngest rows */
	struct entry *table;
	size_t table_slots, table_count;
	int64_t in_runs;     /* rows up to that one are in the runs that are mapped */
	int64_t known;	     /* rows up to that one are in runs or table */
	uint64_t known_hash; /* of that row's id */
};

static void boot_of_machine(char out[40])
{
	memset(out, 0, 40);
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return; /* elsewhere the folder is trusted across restarts */
	ssize_t n = read(fd, out, 36);
	(void)n;
	close(fd);
}

static int failed(const struct id_index *x, const char *doing, struct err *e)
{
	return err_set(e, ERR_STORE, "could not %s the index of ids '%s': %s", doing, x->path,
		       strerror(errno));
}

static void name_file(const struct id_index *x, char out[400], const char *kind, uint64_t number)
{
	snprintf(out, 400, "%s/%s.%llu", x->path, kind, (unsigned long long)number);
}

/* --- checksums --- */

static const uint64_t odd[8] = { 0x9E3779B97F4A7C15u, 0xC2B2AE3D27D4EB4Fu, 0x165667B19E3779F9u,
				 0xD6E8FEB86659FD93u, 0xA0761D6478BD642Fu, 0xE7037ED1A0B428DBu,
				 0x8EBC6AF09C88C6E3u, 0x589965CC75374CC3u };

static uint64_t mixed(uint64_t h)
{
	h = (h ^ h >> 32) * odd[0];
	return h ^ h >> 29;
}

/* Against what disks and people do, not against intent: anyone who may write here may as well write
 * the database. */
static uint64_t sum_of(const void *bytes, size_t n, uint64_t seed)
{
	const char *p = bytes;
	uint64_t lane[4] = { seed ^ odd[4], seed ^ odd[5], seed ^ odd[6], ~seed };
	size_t i = 0;
	for (; i + 32 <= n; i += 32) {
		uint64_t word[4];
		memcpy(word, p + i, 32);
		for (int k = 0; k < 4; k++)
			lane[k] = (lane[k] ^ word[k]) * odd[k];
	}
	for (; i < n; i++)
		lane[i % 4] = (lane[i % 4] ^ (unsigned char)p[i]) * odd[i % 4];
	return mixed(mixed(lane[0] ^ n) + mixed(lane[1]) * 3 + mixed(lane[2]) * 5 +
		     mixed(lane[3]) * 7);
}

static uint64_t sum_of_head(const struct head *h)
{
	struct head copy = *h;
	copy.changing = 0;
	return sum_of(&copy, offsetof(struct head, sum), 1);
}

/* The next transaction, of any process, rebuilds everything. */
static void notice_damage(struct id_index *x)
{
	x->damaged = true;
	x->head->changing = 1;
}

static int is_damaged(const struct id_index *x, struct err *e)
{
	return err_set(e, ERR_STORE, "the index of ids '%s' is damaged", x->path);
}

/* --- the filter --- */

/* The high half of the hash chooses the block; a mix of it the bit of each word. */
static uint64_t (*block_of(const struct id_index *x, uint64_t hash))[BLOCK_WORDS]
{
	return &x->filter[(hash >> 32) * x->filter_blocks >> 32];
}

static uint64_t bit_of(uint64_t bits, int word)
{
	return bits >> (word * 6 + 10) & 63;
}

static bool filter_has(const struct id_index *x, uint64_t hash)
{
	const uint64_t *word = *block_of(x, hash), bits = hash * odd[0];
	uint64_t all = 1;
	for (int i = 0; i < BLOCK_WORDS; i++)
		all &= word[i] >> bit_of(bits, i);
	return all & 1;
}

static void filter_set(struct id_index *x, uint64_t hash)
{
	uint64_t *word = *block_of(x, hash), bits = hash * odd[0];
	for (int i = 0; i < BLOCK_WORDS; i++)
		word[i] |= (uint64_t)1 << bit_of(bits, i);
	x->filter_keys++;
}

static void drop_filter(struct id_index *x)
{
	if (x->filter)
		munmap(x->filter, x->filter_blocks * sizeof *x->filter);
	x->filter = NULL;
	x->filter_keys = x->filter_blocks = 0;
	x->filtered = 0;
}

/* The ids of a run's rows above that one. */
static void filter_set_run(struct id_index *x, const struct run *r, int64_t above)
{
	enum { AHEAD = 16 };
	for (size_t i = 0; i < r->info.count; i++) {
		if (i + AHEAD < r->info.count)
			__builtin_prefetch(block_of(x, r->entry[i + AHEAD].hash), 1);
		if (r->entry[i].row > above)
			filter_set(x, r->entry[i].hash);
	}
}

/*
 * A filter of all that runs and table hold, with room for as many again. It is read and written at
 * random, so it lies in large pages where the system has them; and it is no file, whose pages would
 * be written back and faulted in again and again. Without memory for it looks go to the runs.
 */
static void make_filter(struct id_index *x)
{
	uint64_t keys = x->table_count;
	drop_filter(x);
	for (size_t i = 0; i < x->run_count; i++)
		keys += x->run[i].info.count;
	uint64_t blocks = keys * 2 / BLOCK_KEYS;
	if (blocks < FILTER_BLOCKS_LEAST)
		blocks = FILTER_BLOCKS_LEAST;
	if (blocks > UINT32_MAX) /* 2^36 ids; the more there are, the more pass it */
		blocks = UINT32_MAX;
	const size_t bytes = blocks * sizeof *x->filter;
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return;
	madvise(p, bytes, MADV_HUGEPAGE);
	x->filter = p;
	x->filter_blocks = blocks;
	for (size_t i = 0; i < x->run_count; i++)
		filter_set_run(x, &x->run[i], 0);
	for (size_t i = 0; i < x->table_slots; i++)
		if (x->table[i].row)
			filter_set(x, x->table[i].hash);
	x->filtered = x->known;
}

/* --- runs --- */

static void unmap_runs(struct id_index *x)
{
	for (size_t i = 0; i < x->run_count; i++)
		munmap((void *)(uintptr_t)x->run[i].entry,
		       x->run[i].info.count * sizeof(struct entry));
	x->run_count = 0;
}

/* Nothing is read from a run before that. */
static bool find_whole(struct run *r)
{
	if (!r->whole)
		r->whole = sum_of(r->entry, r->info.count * sizeof *r->entry, r->info.number) ==
			   r->info.sum;
	return r->whole;
}

static bool find_all_whole(struct id_index *x)
{
	for (size_t i = 0; i < x->run_count && !x->all_whole; i++)
		if (!find_whole(&x->run[i]))
			return false;
	x->all_whole = true;
	return true;
}

static int map_run(struct id_index *x, struct run_info info, struct err *e)
{
	char path[400];
	struct stat st;
	size_t bytes = info.count * sizeof(struct entry);
	name_file(x, path, "run", info.number);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(x, "open", e);
	bool whole = fstat(fd, &st) == 0 && (size_t)st.st_size == bytes;
	void *p = whole ? mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	close(fd);
	if (p == MAP_FAILED)
		return failed(x, "map", e);
	x->run[x->run_count++] = (struct run){ info, p, false };
	return 0;
}

static int write_run(struct id_index *x, const struct entry *list, size_t count, uint64_t number,
		     struct err *e)
{
	char path[400];
	name_file(x, path, "run", number);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(x, "write", e);
	const char *p = (const char *)list;
	size_t left = count * sizeof *list;
	while (left) {
		ssize_t n = write(fd, p, left);
		if (n < 0) {
			int rc = failed(x, "write", e);
			close(fd);
			unlink(path);
			return rc;
		}
		p += n;
		left -= (size_t)n;
	}
	close(fd);
	return 0;
}

/* By hash: three passes of 11 bits over the high half, and what is equal there by insertion. Takes
 * the list and returns it or another. */
static struct entry *sort_entries(struct entry *list, size_t n)
{
	enum { BITS = 11, RADIX = 1 << BITS };
	struct entry *to = mem_alloc((n + 1) * sizeof *to), *from = list;
	for (unsigned shift = 31; shift < 64; shift += BITS) {
		size_t start[RADIX + 1] = { 0 };
		for (size_t i = 0; i < n; i++)
			start[(from[i].hash >> shift & (RADIX - 1)) + 1]++;
		for (int k = 0; k < RADIX; k++)
			start[k + 1] += start[k];
		for (size_t i = 0; i < n; i++)
			to[start[from[i].hash >> shift & (RADIX - 1)]++] = from[i];
		struct entry *swap = from;
		from = to;
		to = swap;
	}
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && from[k].hash < from[k - 1].hash; k--) {
			struct entry swap = from[k];
			from[k] = from[k - 1];
			from[k - 1] = swap;
		}
	free(to);
	return from;
}

static struct entry *merge_two(const struct entry *a, size_t n, const struct entry *b, size_t m)
{
	struct entry *out = mem_alloc((n + m + 1) * sizeof *out);
	size_t i = 0, k = 0, at = 0;
	while (i < n && k < m)
		out[at++] = a[i].hash <= b[k].hash ? a[i++] : b[k++];
	memcpy(out + at, a + i, (n - i) * sizeof *a);
	memcpy(out + at + n - i, b + k, (m - k) * sizeof *b);
	return out;
}

static int size_class(uint64_t count)
{
	int c = 0;
	for (; count >= (uint64_t)TABLE_FULL * RUNS_TO_MERGE; count /= RUNS_TO_MERGE)
		c++;
	return c;
}

/* --- the folder as a whole --- */

static void unlink_but(const struct id_index *x, const struct head *keep)
{
	DIR *d = opendir(x->path);
	if (!d)
		return;
	for (struct dirent *f; (f = readdir(d));) {
		char kind[16], path[400];
		unsigned long long number;
		bool used = false;
		/* filters are of earlier versions */
		if (sscanf(f->d_name, "%15[a-z].%llu", kind, &number) != 2 ||
		    (strcmp(kind, "run") != 0 && strcmp(kind, "filter") != 0))
			continue;
		for (uint64_t i = 0; strcmp(kind, "run") == 0 && i < keep->run_count; i++)
			used |= keep->run[i].number == number;
		if (!used) {
			name_file(x, path, kind, number);
			unlink(path);
		}
	}
	closedir(d);
}

static void begin_change(struct id_index *x)
{
	x->head->changing = 1;
	atomic_signal_fence(memory_order_seq_cst);
}

static void end_change(struct id_index *x)
{
	x->head->generation++;
	x->head->sum = sum_of_head(x->head);
	atomic_signal_fence(memory_order_seq_cst);
	x->head->changing = x->damaged;
	x->generation_seen = x->head->generation;
}

static void make_table(struct id_index *x, size_t slots)
{
	x->table = mem_zblock(slots * sizeof *x->table);
	x->table_slots = slots;
	x->table_count = 0;
}

/* An empty table is left as it is: its zeros may be pages that nobody has touched. */
static void clear_table(struct id_index *x)
{
	if (x->table_count)
		memset(x->table, 0, x->table_slots * sizeof *x->table);
	x->table_count = 0;
}

/* Files and generations of a new folder have numbers that no process has seen, whatever became of
 * the head that told the last ones. */
static uint64_t number_from(uint64_t last)
{
	uint64_t n;
	if (getrandom(&n, sizeof n, 0) != sizeof n)
		n = last ^ (uint64_t)clock_now().us << 20;
	return n >> 2;
}

void id_index_clear(struct id_index *x)
{
	struct head *h = x->head;
	struct head fresh = { .folder = number_from(h->folder),
			      .next_number = number_from(h->next_number),
			      .generation = number_from(h->generation) };
	begin_change(x);
	memcpy(fresh.magic, magic, sizeof magic);
	memcpy(fresh.database, x->identity.database, sizeof fresh.database);
	memcpy(fresh.seed, x->identity.seed, sizeof fresh.seed);
	boot_of_machine(fresh.boot);
	fresh.changing = 1;
	drop_filter(x);
	unmap_runs(x);
	clear_table(x);
	x->known = x->in_runs = 0;
	x->folder_seen = fresh.folder;
	x->all_whole = true;
	x->damaged = false;
	*h = fresh;
	end_change(x);
	unlink_but(x, h);
}

/* The numbers of the runs that were found whole. */
static size_t list_whole(const struct id_index *x, uint64_t whole[RUNS_MOST])
{
	size_t count = 0;
	for (size_t i = 0; i < x->run_count; i++)
		if (x->run[i].whole)
			whole[count++] = x->run[i].info.number;
	return count;
}

static bool is_among(const uint64_t *list, size_t count, uint64_t number)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == number)
			return true;
	return false;
}

/* The runs as the head names them; what the filter lacks of them enters it. Where that fails, what
 * is mapped answers nothing until a refresh has succeeded. */
static int map_all(struct id_index *x, struct err *e)
{
	const struct head *h = x->head;
	uint64_t whole[RUNS_MOST];
	const size_t whole_count = list_whole(x, whole);
	x->damaged = true;
	x->all_whole = false;
	if (h->run_count > RUNS_MOST)
		return is_damaged(x, e);
	int rc = 0;
	unmap_runs(x);
	if (h->folder != x->folder_seen)
		drop_filter(x);
	x->folder_seen = h->folder;
	for (uint64_t i = 0; rc == 0 && i < h->run_count; i++) {
		struct run *r = &x->run[i];
		rc = map_run(x, h->run[i], e);
		if (rc != 0)
			break;
		r->whole = is_among(whole, whole_count, r->info.number);
		/* rows that another process had from its own transactions lie in runs that are new
		 * here; a filter was made of runs that were whole */
		if (x->filter && h->last_row > x->filtered && !r->whole) {
			rc = find_whole(r) ? 0 : is_damaged(x, e);
			if (rc == 0)
				filter_set_run(x, r, x->filtered);
		}
	}
	if (rc == 0 && h->last_row > x->filtered)
		x->filtered = h->last_row;
	clear_table(x);
	x->known = x->in_runs = h->last_row;
	x->known_hash = h->last_hash;
	x->generation_seen = h->generation;
	x->damaged = rc != 0;
	return rc;
}

static bool is_ours(const struct id_index *x)
{
	const struct head *h = x->head;
	char boot[40];
	boot_of_machine(boot);
	return memcmp(h->magic, magic, sizeof magic) == 0 && !h->changing &&
	       h->sum == sum_of_head(h) &&
	       memcmp(h->database, x->identity.database, sizeof h->database) == 0 &&
	       memcmp(h->seed, x->identity.seed, sizeof h->seed) == 0 &&
	       memcmp(h->boot, boot, sizeof boot) == 0;
}

int id_index_open(struct id_index **out, const char *path, const struct id_index_identity *identity,
		  struct err *e)
{
	struct id_index *x = mem_zalloc(sizeof *x);
	char name[400];
	int rc = 0;
	x->path = mem_text(path);
	x->identity = *identity;
	make_table(x, TABLE_SLOTS);
	x->head_fd = -1;
	snprintf(name, sizeof name, "%s/head", path);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		rc = failed(x, "make", e);
	if (rc == 0) {
		x->head_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (x->head_fd < 0 || posix_fallocate(x->head_fd, 0, sizeof *x->head) != 0)
			rc = failed(x, "open", e);
	}
	if (rc == 0) {
		x->head = mmap(NULL, sizeof *x->head, PROT_READ | PROT_WRITE, MAP_SHARED,
			       x->head_fd, 0);
		if (x->head == MAP_FAILED) {
			x->head = NULL;
			rc = failed(x, "map", e);
		}
	}
	/* what cannot be read as it is named is rebuilt */
	if (rc == 0 && (!is_ours(x) || map_all(x, NULL) != 0))
		id_index_clear(x);
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
	unmap_runs(x);
	drop_filter(x);
	if (x->head)
		munmap(x->head, sizeof *x->head);
	if (x->head_fd >= 0)
		close(x->head_fd);
	mem_block_free(x->table, x->table_slots * sizeof *x->table);
	free(x->path);
	free(x);
}

void id_index_refresh(struct id_index *x)
{
	if (!x->damaged && !x->head->changing && x->head->generation == x->generation_seen)
		return;
	if (!is_ours(x) || map_all(x, NULL) != 0)
		id_index_clear(x);
}

void id_index_need(struct id_index *x)
{
	if (!find_all_whole(x))
		id_index_clear(x);
}

int64_t id_index_known(const struct id_index *x)
{
	return x->known;
}

int64_t id_index_last_row(const struct id_index *x)
{
	return x->head->last_row;
}

uint64_t id_index_last_hash(const struct id_index *x)
{
	return x->head->last_hash;
}

uint64_t id_index_hash(const struct id_index *x, struct text id)
{
	return hash_bytes(id.p, id.n, x->identity.seed);
}

void id_index_prefetch(const struct id_index *x, uint64_t hash)
{
	if (x->filter)
		__builtin_prefetch(block_of(x, hash), 1);
	__builtin_prefetch(&x->table[hash & (x->table_slots - 1)], 1);
}

/* The first entry of a run whose hash is not below. The hashes are spread evenly: the place is
 * guessed and then closed in on. */
static size_t lower_bound(const struct run *r, uint64_t hash)
{
	size_t n = r->info.count, low = 0, high = n;
	__extension__ typedef unsigned __int128 wide;
	size_t guess = (size_t)((wide)hash * n >> 64), step = 64;
	if (guess < n && r->entry[guess].hash < hash) {
		low = guess + 1;
		while (low + step < n && r->entry[low + step].hash < hash) {
			low += step + 1;
			step *= 2;
		}
		high = low + step < n ? low + step : n;
	} else {
		high = guess < n ? guess : n;
		while (high > step && r->entry[high - step].hash >= hash) {
			high -= step;
			step *= 2;
		}
		low = high > step ? high - step : 0;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (r->entry[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool id_index_is_damaged(const struct id_index *x)
{
	return x->damaged;
}

int64_t id_index_find(struct id_index *x, uint64_t hash, bool (*is_it)(void *user, int64_t row),
		      void *user)
{
	if (!find_all_whole(x)) {
		notice_damage(x);
		return 0;
	}
	/* where there is no run, the table answers as fast */
	if (!x->filter && x->run_count && ++x->looks > LOOKS_WITHOUT)
		make_filter(x);
	if (x->filter && !filter_has(x, hash))
		return 0;
	for (size_t i = hash & (x->table_slots - 1); x->table[i].row;
	     i = (i + 1) & (x->table_slots - 1))
		if (x->table[i].hash == hash && is_it(user, x->table[i].row))
			return x->table[i].row;
	for (size_t k = x->run_count; k-- > 0;) {
		const struct run *r = &x->run[k];
		for (size_t i = lower_bound(r, hash); i < r->info.count && r->entry[i].hash == hash;
		     i++)
			if (is_it(user, r->entry[i].row))
				return r->entry[i].row;
	}
	return 0;
}

static void table_put(struct id_index *x, struct entry en)
{
	if (x->table_count * 4 >= x->table_slots * 3) {
		struct entry *old = x->table;
		const size_t slots = x->table_slots;
		make_table(x, slots * 2);
		for (size_t i = 0; i < slots; i++)
			if (old[i].row)
				table_put(x, old[i]);
		mem_block_free(old, slots * sizeof *old);
	}
	size_t i = en.hash & (x->table_slots - 1);
	while (x->table[i].row)
		i = (i + 1) & (x->table_slots - 1);
	x->table[i] = en;
	x->table_count++;
}

void id_index_add(struct id_index *x, uint64_t hash, int64_t row, bool findable)
{
	if (findable)
		table_put(x, (struct entry){ hash, row });
	x->known = row;
	x->known_hash = hash;
	if (!x->filter || row <= x->filtered)
		return;
	if (findable)
		filter_set(x, hash);
	x->filtered = row;
	if (x->filter_keys > x->filter_blocks * BLOCK_KEYS && x->filter_blocks < UINT32_MAX)
		make_filter(x);
}

void id_index_forget_above(struct id_index *x, int64_t row)
{
	/* the next row of such a number may have another id */
	if (x->filtered > row)
		x->filtered = row;
	/* stale entries lead to rows that do not exist, or that have another id: only hints */
	if (x->known > row) {
		x->known = x->in_runs;
		clear_table(x);
	}
}

/* The youngest runs of one size, with `list`, as one list; *from is the first that was merged. */
static struct entry *merge_youngest(struct id_index *x, struct entry *list, size_t *count,
				    size_t *from)
{
	*from = x->run_count;
	for (;;) {
		size_t same = 0;
		int c = size_class(*count);
		while (same < *from && size_class(x->run[*from - 1 - same].info.count) == c)
			same++;
		if (same < RUNS_TO_MERGE - 1)
			return list;
		for (size_t k = 0; k < same; k++) {
			const struct run *r = &x->run[--*from];
			struct entry *both = merge_two(list, *count, r->entry, r->info.count);
			*count += r->info.count;
			free(list);
			list = both;
		}
	}
}

int id_index_tidy(struct id_index *x, struct err *e)
{
	struct head *h = x->head;
	if (x->damaged || x->table_count < TABLE_FULL || x->run_count >= RUNS_MOST - 1)
		return 0;
	/* what is written below would make it right */
	if (h->sum != sum_of_head(h) || !find_all_whole(x)) {
		notice_damage(x);
		return 0;
	}
	struct entry *list = mem_alloc((x->table_count + 1) * sizeof *list);
	size_t count = 0, from;
	for (size_t i = 0; i < x->table_slots; i++)
		if (x->table[i].row)
			list[count++] = x->table[i];
	const uint64_t number = h->next_number;
	struct entry *sorted = sort_entries(list, count);
	sorted = merge_youngest(x, sorted, &count, &from);
	begin_change(x);
	const uint64_t sum = sum_of(sorted, count * sizeof *sorted, number);
	int rc = write_run(x, sorted, count, number, e);
	free(sorted);
	if (rc != 0) {
		/* nothing was named yet: all stays as it was, and the table grows on */
		end_change(x);
		return rc;
	}
	h->next_number = number + 1;
	h->run_count = from;
	h->run[h->run_count++] = (struct run_info){ number, count, sum };
	h->last_row = x->known;
	h->last_hash = x->known_hash;
	end_change(x);
	unlink_but(x, h);
	return map_all(x, e);
}
