/*
 * The folder of ids under damage: rows are added, processes come and go, and bytes of the files are
 * zeroed, changed or cut off in between. Whatever becomes of the folder, an id that is known is
 * found, or the index says that it is damaged: it never takes a known one for new.
 */
#define ID_INDEX_TABLE_FULL 32
#define ID_INDEX_FILTER_BLOCKS 4
#define ID_INDEX_LOOKS_WITHOUT 100
#include "meter/store/id_index.c"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS_MOST = 4000, PROCESSES = 2 };

static char folder[80];
static const struct id_index_identity identity = { .seed = { 1, 2 } };

static void clean_up(void)
{
	char command[200];
	snprintf(command, sizeof command, "rm -rf %s", folder);
	if (system(command) != 0)
		_exit(1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	snprintf(folder, sizeof folder, "%s/tally-fuzz-ids-%d",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	atexit(clean_up);
	return 0;
}

static void remove_all(void)
{
	char path[400];
	struct dirent *entry;
	DIR *d = opendir(folder);
	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.') {
			snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
			unlink(path);
		}
	if (d)
		closedir(d);
}

/*
 * As disks and people damage, not as one who makes the checksums right. Runs are read whole when
 * they are opened, and trusted from then on; the head at each transaction. A mapped file that is
 * cut off under a process is a signal, which no checksum helps against.
 */
static void damage(const uint8_t how[6], bool anyone_reads)
{
	char path[400] = "";
	struct dirent *entry;
	struct stat st;
	int which = how[0] % 8;
	DIR *d = opendir(folder);
	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.') {
			snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
			if (which-- == 0)
				break;
		}
	if (d)
		closedir(d);
	int fd = *path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	const off_t at = (how[1] | how[2] << 8) % st.st_size;
	uint8_t bytes[256] = { 0 };
	const size_t n = 1u + how[3];
	if (how[4] % 4 == 1)
		memset(bytes, 0xFF, sizeof bytes);
	else if (how[4] % 4 == 2)
		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)(mixed(how[5] + i) >> 13);
	if (anyone_reads && (strstr(path, "/run.") || how[4] % 4 == 3)) {
		close(fd);
		return;
	}
	if (how[4] % 4 == 3) {
		if (how[5] % 2 ? unlink(path) != 0 : ftruncate(fd, at) != 0)
			abort();
	} else if (pwrite(fd, bytes, n < (size_t)(st.st_size - at) ? n : (size_t)(st.st_size - at),
			  at) < 0) {
		abort();
	}
	close(fd);
}

static uint64_t hash_of(const struct id_index *x, int64_t row)
{
	return id_index_hash(x, (struct text){ (const char *)&row, sizeof row });
}

static bool is_row(void *user, int64_t row)
{
	return *(const int64_t *)user == row;
}

/* Under the lock: what others changed, and the rows that it does not know. */
static void catch_up(struct id_index *x, int64_t rows)
{
	struct err e = { 0 };
	id_index_refresh(x);
	id_index_need(x);
	for (int64_t row = id_index_known(x) + 1; row <= rows; row++)
		id_index_add(x, hash_of(x, row), row, true);
	id_index_tidy(x, &e);
}

/* A transaction that fails: rows of numbers that others then have with other ids. */
static void fail_transaction(struct id_index *x, int64_t rows, int64_t count)
{
	for (int64_t row = rows + 1; row <= rows + count; row++)
		id_index_add(x, hash_of(x, row + 2 * ROWS_MOST), row, true);
	id_index_forget_above(x, rows);
}

/* One in so many; all that are known are found, or the index says that it is damaged. */
static void look(struct id_index *x, int64_t rows, int64_t every)
{
	for (int64_t row = 1; row <= rows; row += every) {
		int64_t want = row;
		const int64_t got = id_index_find(x, hash_of(x, row), is_row, &want);
		if (id_index_is_damaged(x))
			return; /* the transaction fails, and the next one begins with a refresh */
		if (got != row) {
			fprintf(stderr, "fuzz_ids: row %lld of %lld was taken for new\n",
				(long long)row, (long long)rows);
			abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct id_index *process[PROCESSES] = { 0 };
	struct err e = { 0 };
	int64_t rows = 0;
	if (size > 120)
		return 0;
	remove_all();
	for (; size >= 8; data += 8, size -= 8) {
		struct id_index **x = &process[data[0] % PROCESSES];
		if (data[1] % 4 == 2)
			damage(data + 2, process[0] || process[1]);
		if (!*x && id_index_open(x, folder, &identity, &e) != 0)
			abort();
		switch (data[1] % 4) {
		case 0:
		case 1:
			rows += data[2];
			rows = rows > ROWS_MOST ? ROWS_MOST : rows;
			break;
		case 2:
			break;
		default:
			id_index_close(*x);
			*x = NULL;
			continue;
		}
		catch_up(*x, rows);
		if (data[1] % 4 == 1)
			fail_transaction(*x, rows, data[3]);
		look(*x, id_index_known(*x) < rows ? id_index_known(*x) : rows, 1 + data[7] % 16);
		/* in the next transaction it is whole again, whoever made it so */
		if (id_index_is_damaged(*x)) {
			struct id_index *other = process[!(data[0] % PROCESSES)];
			if (other && data[1] & 4)
				catch_up(other, rows);
			catch_up(*x, rows);
			if (id_index_is_damaged(*x))
				abort();
			look(*x, rows, 1);
		}
	}
	for (int i = 0; i < PROCESSES; i++)
		id_index_close(process[i]);
	return 0;
}
