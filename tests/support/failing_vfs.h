/* failing_vfs: an SQLite file system that fails at the N-th write or sync, as a full or broken disk
 * does. */
#ifndef TALLY_TESTS_FAILING_VFS_H
#define TALLY_TESTS_FAILING_VFS_H

/* Becomes the default of the process. */
void failing_vfs_install(void);
/* From now on the n-th call fails, and all after it until this is called again; 0: none. */
void failing_vfs_fail_at(int n);
/* Only the n-th call fails. */
void failing_vfs_fail_once_at(int n);
/* At the n-th call the process is killed; 0: never. */
void failing_vfs_kill_at(int n);
/* Calls since the last fail_at. */
int failing_vfs_calls(void);

#endif
