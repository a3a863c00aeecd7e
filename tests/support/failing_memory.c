#include "tests/support/failing_memory.h"

#include <sqlite3.h>
#include <stddef.h>

static sqlite3_mem_methods real_memory;
static int calls, fail_at;
static bool only_once;

static bool fails(void)
{
	calls++;
	return fail_at && (only_once ? calls == fail_at : calls >= fail_at);
}
static void *failing_malloc(int n)
{
	return fails() ? NULL : real_memory.xMalloc(n);
}
static void *failing_realloc(void *p, int n)
{
	return fails() ? NULL : real_memory.xRealloc(p, n);
}

void failing_memory_install(void)
{
	sqlite3_shutdown();
	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
	sqlite3_mem_methods failing = real_memory;
	failing.xMalloc = failing_malloc;
	failing.xRealloc = failing_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	/* small ones, too, one by one */
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
	sqlite3_initialize();
}

void failing_memory_fail_at(int n, bool once)
{
	calls = 0;
	fail_at = n;
	only_once = once;
}

int failing_memory_calls(void)
{
	return calls;
}
