/* failing_memory: allocations of SQLite that fail, as on a machine without memory. */
#ifndef TALLY_TESTS_FAILING_MEMORY_H
#define TALLY_TESTS_FAILING_MEMORY_H

#include <stdbool.h>

/* Before anything of SQLite is used, and before failing_vfs_install. */
void failing_memory_install(void);
/* From now on the n-th allocation fails, and all after it until this is called again (once: only
 * that one); 0: none. */
void failing_memory_fail_at(int n, bool once);
/* Allocations since the last fail_at. */
int failing_memory_calls(void);

#endif
