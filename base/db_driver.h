/* db_driver: what an engine does for base/db. Internal to base/. */
#ifndef TALLY_BASE_DB_DRIVER_H
#define TALLY_BASE_DB_DRIVER_H

#include "base/db.h"

struct db_driver {
	/* With db->path and db->schema set; up to date when it returns 0. */
	int (*open)(struct db *db, const char *path, enum db_mode mode, struct err *e);
	void (*close)(struct db *db);
	int (*failed)(struct db *db, const char *doing, struct err *e);
	int (*run)(struct db *db, const char *sql, struct err *e);
	/* kept: it will run often */
	int (*prepare)(struct db *db, const char *sql, bool kept, struct query **out,
		       struct err *e);
	void (*drop)(struct query *q);
	void (*reset)(struct query *q);
	int (*step)(struct db *db, struct query *q, struct err *e);
	/* 0 when there is no such name */
	int (*place)(struct query *q, const char *name);
	void (*bind_int)(struct query *q, int place, int64_t v);
	void (*bind_text)(struct query *q, int place, struct text v);
	void (*bind_blob)(struct query *q, int place, const void *p, size_t n);
	void (*bind_null)(struct query *q, int place);
	int64_t (*integer)(struct query *q, int column);
	struct text (*text)(struct query *q, int column);
	bool (*is_null)(struct query *q, int column);
	bool (*is_blob)(struct query *q, int column);
	int (*copied)(struct db *db, struct err *e);
	int (*copy)(struct db *db, const char *table, struct text lines,
		    struct err *e); /* or NULL */
	int64_t (*changes)(struct db *db);
	/* NULL: an INSERT says it itself (RETURNING) */
	int64_t (*last_number)(struct db *db);
	int (*begin)(struct db *db, struct err *e);
	int (*begin_beside)(struct db *db, struct err *e); /* or NULL, as is lock */
	int (*lock)(struct db *db, bool shared, struct err *e);
	int (*begin_reading)(struct db *db, struct err *e);
	bool (*in_transaction)(struct db *db);
	void (*rollback)(struct db *db);
	int (*room)(struct db *db, struct err *e);
	int (*check)(struct db *db, void (*take)(void *user, struct text fault), void *user,
		     struct err *e);
	int (*backup)(struct db *db, const char *path,
		      void (*progress)(void *user, int64_t done, int64_t total), void *user,
		      struct err *e);
};

extern const struct db_driver db_sqlite, db_postgres;

/* The steps behind `version`, each told its number for the engine to keep; inside a transaction. */
int db_migrate_from(struct db *db, const struct migration *migrations, int64_t version,
		    int (*keep)(struct db *db, int64_t version, struct err *e), struct err *e);
int64_t db_migrations_known(const struct migration *migrations);
/* A writer that has been open since before an upgrade writes nothing more. Sets ERR_STORE. */
int db_upgraded(const struct db *db, struct err *e);

#endif
