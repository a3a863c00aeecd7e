/*
 * test_database: where a test keeps a database: a file, or a database of the PostgreSQL server at
 * TALLY_TEST_SERVER (a folder with its socket), which is of the cluster in the folder
 * TALLY_TEST_CLUSTER (tests/support/citus_servers) where that is given.
 */
#ifndef TALLY_TESTS_SUPPORT_TEST_DATABASE_H
#define TALLY_TESTS_SUPPORT_TEST_DATABASE_H

#include <stdbool.h>

bool test_on_server(void);
bool test_on_cluster(void);
/* What to open for the file of that path; lives until eight more were asked for. */
const char *test_database(const char *path);
/* Starts over: empty or absent. */
void test_database_forget(const char *path);

#endif
