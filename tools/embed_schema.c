/*
 * embed_schema: what the steps of the database's schema come to in SQLite, as C.
 *
 * Takes every step in memory and prints the statements that make the same tables at once, for a new
 * file. A step that leaves rows in an empty database has no place there and ends it.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/db.h"

extern const struct migration store_migrations[];

static sqlite3 *db;

static void refuse(const char *name, const char *what)
{
	fprintf(stderr, "%s: %s\n", name, what);
	exit(1);
}

static void put_quoted(const char *s)
{
	putchar('"');
	for (; *s; s++)
		if (*s == '\n')
			fputs("\\n\"\n\"", stdout);
		else if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else
			putchar(*s);
	puts(";\"");
}

static void want_no_rows(const char *table)
{
	sqlite3_stmt *q;
	char sql[256];
	snprintf(sql, sizeof sql, "SELECT 1 FROM \"%s\"", table);
	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
		refuse(table, sqlite3_errmsg(db));
	if (sqlite3_step(q) != SQLITE_DONE)
		refuse(table, "a step leaves rows in it, which a new database would lack");
	sqlite3_finalize(q);
}

int main(void)
{
	sqlite3_stmt *q;
	if (sqlite3_open(":memory:", &db) != SQLITE_OK)
		refuse("SQLite", sqlite3_errmsg(db));
	for (const struct migration *m = store_migrations; m->sql; m++)
		if (sqlite3_exec(db, m->sql, NULL, NULL, NULL) != SQLITE_OK)
			refuse(m->name, sqlite3_errmsg(db));
	if (sqlite3_prepare_v2(db,
			       "SELECT name, sql, type = 'table' FROM sqlite_schema "
			       "WHERE sql IS NOT NULL ORDER BY rowid",
			       -1, &q, NULL) != SQLITE_OK)
		refuse("sqlite_schema", sqlite3_errmsg(db));
	puts("extern const char store_schema_at_once[];\nconst char store_schema_at_once[] =");
	while (sqlite3_step(q) == SQLITE_ROW) {
		if (sqlite3_column_int(q, 2))
			want_no_rows((const char *)sqlite3_column_text(q, 0));
		put_quoted((const char *)sqlite3_column_text(q, 1));
	}
	puts(";");
	sqlite3_finalize(q);
	sqlite3_close(db);
	return 0;
}
