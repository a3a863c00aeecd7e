#include "tests/support/failing_vfs.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

struct file {
	sqlite3_file base;
	sqlite3_file *real;
};

static sqlite3_vfs *real_vfs, vfs;
static int calls, fail_at, kill_at;
static bool only_once;

static int fails(void)
{
	calls++;
	if (kill_at && calls >= kill_at)
		raise(SIGKILL);
	return fail_at && (only_once ? calls == fail_at : calls >= fail_at);
}

#define REAL(f) (((struct file *)(f))->real)

static int x_close(sqlite3_file *f)
{
	return REAL(f)->pMethods ? REAL(f)->pMethods->xClose(REAL(f)) : SQLITE_OK;
}
static int x_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return REAL(f)->pMethods->xRead(REAL(f), p, n, at);
}
static int x_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	return fails() ? SQLITE_FULL : REAL(f)->pMethods->xWrite(REAL(f), p, n, at);
}
static int x_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return REAL(f)->pMethods->xTruncate(REAL(f), n);
}
static int x_sync(sqlite3_file *f, int flags)
{
	return fails() ? SQLITE_IOERR_FSYNC : REAL(f)->pMethods->xSync(REAL(f), flags);
}
static int x_size(sqlite3_file *f, sqlite3_int64 *n)
{
	return REAL(f)->pMethods->xFileSize(REAL(f), n);
}
static int x_lock(sqlite3_file *f, int l)
{
	return REAL(f)->pMethods->xLock(REAL(f), l);
}
static int x_unlock(sqlite3_file *f, int l)
{
	return REAL(f)->pMethods->xUnlock(REAL(f), l);
}
static int x_reserved(sqlite3_file *f, int *out)
{
	return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out);
}
static int x_control(sqlite3_file *f, int op, void *p)
{
	return REAL(f)->pMethods->xFileControl(REAL(f), op, p);
}
static int x_sector(sqlite3_file *f)
{
	return REAL(f)->pMethods->xSectorSize(REAL(f));
}
static int x_character(sqlite3_file *f)
{
	return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}
static int x_shm_map(sqlite3_file *f, int i, int n, int extend, void volatile **p)
{
	return REAL(f)->pMethods->xShmMap(REAL(f), i, n, extend, p);
}
static int x_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return REAL(f)->pMethods->xShmLock(REAL(f), at, n, flags);
}
static void x_shm_barrier(sqlite3_file *f)
{
	REAL(f)->pMethods->xShmBarrier(REAL(f));
}
static int x_shm_unmap(sqlite3_file *f, int del)
{
	return REAL(f)->pMethods->xShmUnmap(REAL(f), del);
}

static const sqlite3_io_methods methods = {
	2,	    x_close,	   x_read,	x_write,   x_truncate, x_sync,	    x_size,
	x_lock,	    x_unlock,	   x_reserved,	x_control, x_sector,   x_character, x_shm_map,
	x_shm_lock, x_shm_barrier, x_shm_unmap, 0,	   0,
};

static int x_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct file *file = (struct file *)f;
	(void)v;
	file->real = (sqlite3_file *)(void *)(file + 1);
	memset(file->real, 0, (size_t)real_vfs->szOsFile);
	int rc = real_vfs->xOpen(real_vfs, name, file->real, flags, out);
	file->base.pMethods = rc == SQLITE_OK ? &methods : NULL;
	return rc;
}

void failing_vfs_install(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = "failing";
	vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
	vfs.xOpen = x_open;
	sqlite3_vfs_register(&vfs, 1);
}

void failing_vfs_fail_at(int n)
{
	calls = 0;
	fail_at = n;
	only_once = false;
}

void failing_vfs_fail_once_at(int n)
{
	failing_vfs_fail_at(n);
	only_once = true;
}

void failing_vfs_kill_at(int n)
{
	calls = 0;
	kill_at = n;
}

int failing_vfs_calls(void)
{
	return calls;
}
