#include "tests/support/test_database.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool test_on_server(void)
{
	return getenv("TALLY_TEST_SERVER") != NULL;
}

/* A name for the server, from the path. */
static void name_of(const char *path, char name[60])
{
	size_t n = strlen(path), skip = n > 50 ? n - 50 : 0;
	snprintf(name, 60, "u_%s", path + skip);
	for (char *p = name; *p; p++)
		*p = isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '_';
}

bool test_on_cluster(void)
{
	return getenv("TALLY_TEST_CLUSTER") != NULL;
}

const char *test_database(const char *path)
{
	static char address[8][200];
	static int turn;
	char name[60];
	if (!test_on_server())
		return path;
	name_of(path, name);
	char *p = address[turn++ % 8];
	snprintf(p, sizeof address[0], "postgresql:///%s?host=%s&user=tally", name,
		 getenv("TALLY_TEST_SERVER"));
	return p;
}

void test_database_forget(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	char name[60], command[400];
	if (test_on_server()) {
		const char *server = getenv("TALLY_TEST_SERVER"),
			   *cluster = getenv("TALLY_TEST_CLUSTER");
		name_of(path, name);
		if (cluster)
			snprintf(command, sizeof command,
				 "tests/support/citus_servers empty %s %s 2>/dev/null", cluster,
				 name);
		else
			snprintf(command, sizeof command,
				 "dropdb -h %s -U tally --if-exists %s 2>/dev/null; createdb -h %s "
				 "-U tally %s",
				 server, name, server, name);
		if (system(command) != 0)
			abort();
		return;
	}
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		snprintf(command, sizeof command, "%s%s", path, ends[i]);
		unlink(command);
	}
	snprintf(command, sizeof command, "rm -rf %s-ids", path);
	if (system(command) != 0)
		abort();
}
