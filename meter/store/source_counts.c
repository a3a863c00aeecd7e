#include "meter/store/source_counts.h"

#include "meter/store/archived.h"
#include "meter/store/row_text.h"
#include "meter/store/sums_sql.h"

/* Shapes as about.sources has them: each between two ends of lines. */
static void put_shapes(struct buf *b, const bool without[LOG_SOURCES])
{
	b->n = 0;
	for (int i = 0; i < LOG_SOURCES; i++)
		if (log_source_shape(i) && !(without && without[i]))
			buf_printf(b, "%s%s\n", b->n ? "" : "\n", log_source_shape(i));
}

static bool lists(struct text shapes, const char *shape)
{
	struct buf b = { 0 };
	buf_printf(&b, "\n%s\n", shape);
	const bool found = memmem(shapes.p, shapes.n, b.p, b.n) != NULL;
	buf_release(&b);
	return found;
}

static const struct sql sql_counted = { .text = "SELECT value FROM about WHERE key='sources'" };

static int read_counted(struct store *s, bool counted[LOG_SOURCES], struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_counted, &q, e);
	if (rc == 0)
		rc = db_step(store_db(s), q, e);
	if (rc < 0)
		return rc;
	const struct text shapes = rc == 1 ? db_text(q, 0) : TEXT("");
	for (int i = 0; i < LOG_SOURCES; i++)
		counted[i] =
			!log_source_shape(i) || (shapes.n && lists(shapes, log_source_shape(i)));
	db_reset(q);
	return 0;
}

static const struct sql sql_origins = { .text = "SELECT DISTINCT shape FROM origin" };

/* Of those that are not counted, which the database has. */
static int find_uncounted(struct store *s, bool counted[LOG_SOURCES], struct err *e)
{
	bool there[LOG_SOURCES] = { 0 };
	struct query *q;
	int rc = db_statement(store_db(s), &sql_origins, &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		const int place = log_source_place(db_text(q, 0));
		if (place >= 0)
			there[place] = true;
	}
	db_reset(q);
	for (int i = 0; i < LOG_SOURCES; i++)
		counted[i] |= !there[i];
	return rc;
}

static bool all(const bool known[LOG_SOURCES])
{
	bool any_not = false;
	for (int i = 0; i < LOG_SOURCES; i++)
		any_not |= !known[i];
	return !any_not;
}

int source_counts_known(struct store *s, bool known[LOG_SOURCES], struct err *e)
{
	int rc = read_counted(s, known, e);
	return rc == 0 && !all(known) ? find_uncounted(s, known, e) : rc;
}

#define COUNT_ROWS(found) \
	"INSERT INTO rollup_more SELECT (u.time-((u.time%900000000+900000000)%900000000))/900000000," \
	"u.series,u.price,'" ROLLED_SOURCE \
	"'||o.shape,sum(CASE u.kind WHEN 1 THEN -1 ELSE 1 END) " \
	"FROM usage u JOIN origin o ON o.id=u.origin WHERE u.seq BETWEEN :from AND :to AND " found \
	" GROUP BY 1,2,3,4 ON CONFLICT(quarter,series,price,name) DO UPDATE SET " ADD( \
		"rollup_more", count)
static const struct sql sql_count_rows = {
	.text = COUNT_ROWS("instr(:shapes,char(10)||o.shape||char(10))>0"),
	.postgres = COUNT_ROWS("position(chr(10)||o.shape||chr(10) IN CAST(:shapes AS text))>0"),
};

static int count_rows(struct store *s, int64_t from, int64_t to, struct text shapes, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_count_rows, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", from);
	db_bind_int(q, ":to", to);
	db_bind_text(q, ":shapes", shapes);
	return db_done(store_db(s), q, e);
}

static const struct sql sql_uncount = {
	.text = "DELETE FROM rollup_more WHERE instr(:shapes,char(10)||substr(name,6)||char(10))>0 "
		"AND substr(name,1,5)='" ROLLED_SOURCE "'",
	.postgres = "DELETE FROM rollup_more WHERE position(chr(10)||substr(name,6)||chr(10) IN "
		    "CAST(:shapes AS text))>0 AND substr(name,1,5)='" ROLLED_SOURCE "'",
};

/* From the first row to that one; what was counted of them before is none. */
static int count_again(struct store *s, int64_t to, struct text shapes, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_uncount, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":shapes", shapes);
	rc = db_done(store_db(s), q, e);
	return rc == 0 ? count_rows(s, 1, to, shapes, e) : rc;
}

static const struct sql sql_set_counted = {
	.text = "INSERT INTO about VALUES('sources',:shapes) ON CONFLICT(key) DO UPDATE SET "
		"value=excluded.value",
};
static const struct sql sql_forget_sessions = {
	.text = "DELETE FROM about WHERE key='sessions_to'",
};

int source_counts_catch_up(struct store *s, int64_t done, struct err *e)
{
	bool known[LOG_SOURCES], there[LOG_SOURCES];
	struct buf shapes = { 0 };
	struct query *q;
	int rc = read_counted(s, known, e);
	if (rc != 0 || all(known))
		return rc;
	memcpy(there, known, sizeof there);
	rc = find_uncounted(s, there, e);
	/* rows that are archived cannot be counted: until they are at hand, totals say that */
	const bool lacks = !all(there) &&
			   archived_lacks(store_archived(s),
					  &(struct row_span){ 1, done, ROWS_OF_ANY_TIME }, NULL);
	if (rc != 0 || lacks)
		return rc;
	put_shapes(&shapes, known);
	if (!all(there) && done > 0)
		rc = count_again(s, done, (struct text){ shapes.p, shapes.n }, e);
	if (rc == 0)
		rc = db_statement(store_db(s), &sql_forget_sessions, &q, e);
	if (rc == 0)
		rc = db_done(store_db(s), q, e);
	if (rc == 0)
		rc = db_statement(store_db(s), &sql_set_counted, &q, e);
	put_shapes(&shapes, NULL);
	if (rc == 0) {
		db_bind_text(q, ":shapes", (struct text){ shapes.p, shapes.n });
		rc = db_done(store_db(s), q, e);
	}
	buf_release(&shapes);
	return rc;
}

int source_counts_roll(struct store *s, int64_t from, int64_t to, struct err *e)
{
	struct buf shapes = { 0 };
	put_shapes(&shapes, NULL);
	int rc = count_rows(s, from, to, (struct text){ shapes.p, shapes.n }, e);
	buf_release(&shapes);
	return rc;
}
