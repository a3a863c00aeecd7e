#include "reports/quarantine_report.h"

#include <stdint.h>
#include <stdio.h>

#include "meter/ingest/quarantine.h"
#include "reports/table.h"

struct listing {
	struct json_out *j;
	struct table *t;
	int64_t count;
	/* of the document */
	const struct quarantine_question *q;
	int64_t last;
	bool more;
};

/* A cell of at most that many bytes, on one line. */
static void text_cell(struct table *t, struct text s, size_t most)
{
	struct buf b = { 0 };
	buf_add(&b, s.p, s.n < most ? s.n : most);
	for (size_t i = 0; i < b.n; i++)
		b.p[i] = (unsigned char)b.p[i] < 0x20 ? ' ' : b.p[i];
	table_cell(t, b.p);
	buf_release(&b);
}

static int list_held(void *user, const struct held *h)
{
	struct listing *l = user;
	l->count++;
	if (l->j) {
		json_out_object(l->j, NULL);
		json_out_int(l->j, "id", h->id);
		json_out_instant(l->j, "at", h->at);
		json_out_text(l->j, "source", h->source);
		json_out_int(l->j, "line", h->line);
		json_out_text(l->j, "reason", h->reason);
		json_out_text(l->j, "raw", h->raw);
		json_out_int(l->j, "seen", h->seen);
		json_out_text(l->j, "state", h->state);
		json_out_end(l->j, '}');
		return 0;
	}
	table_int(l->t, h->id);
	if (h->line)
		table_put(l->t, "%.*s:%lld", (int)h->source.n, h->source.p, (long long)h->line);
	else
		table_text(l->t, h->source);
	text_cell(l->t, h->reason, SIZE_MAX);
	text_cell(l->t, h->raw, 60);
	table_int(l->t, h->seen);
	return 0;
}

static int list_conflict(void *user, const struct conflicting *c)
{
	struct listing *l = user;
	l->count++;
	if (l->j) {
		json_out_object(l->j, NULL);
		json_out_int(l->j, "id", c->id);
		json_out_instant(l->j, "at", c->at);
		json_out_int(l->j, "first_row", c->first);
		json_out_text(l->j, "differs", c->differs);
		json_out_text(l->j, "record", c->record);
		json_out_text(l->j, "source", c->source);
		json_out_int(l->j, "line", c->line);
		json_out_int(l->j, "seen", c->seen);
		json_out_end(l->j, '}');
		return 0;
	}
	table_int(l->t, c->first);
	text_cell(l->t, c->differs, SIZE_MAX);
	text_cell(l->t, c->record, SIZE_MAX);
	text_cell(l->t, c->source, SIZE_MAX);
	return 0;
}

static int put_causes(struct json_out *j, struct store *s, struct err *e)
{
	struct query *q = NULL;
	int rc = db_prepare(store_db(s),
			    "SELECT reason,count(*),sum(seen) FROM quarantine WHERE state='held' "
			    "GROUP BY reason ORDER BY 2 DESC,1 LIMIT 200",
			    &q, e);
	json_out_array(j, "causes");
	while (rc == 0 && (rc = db_step(store_db(s), q, e)) == 1) {
		json_out_object(j, NULL);
		json_out_text(j, "reason", db_text(q, 0));
		json_out_int(j, "records", db_int(q, 1));
		json_out_int(j, "seen", db_int(q, 2));
		json_out_end(j, '}');
		rc = 0;
	}
	db_drop(q);
	json_out_end(j, ']');
	return rc;
}

/* Ends a list that is long enough. */
enum { ENOUGH = 1 };

static int list_some(void *user, const struct held *h)
{
	struct listing *l = user;
	if (h->id <= l->q->after || (l->q->reason && !text_is(h->reason, l->q->reason)))
		return 0;
	if (l->q->most && l->count == l->q->most) {
		l->more = true;
		return ENOUGH;
	}
	l->last = h->id;
	return list_held(l, h);
}

static int list_some_conflicts(void *user, const struct conflicting *c)
{
	struct listing *l = user;
	return l->q->most && l->count == l->q->most ? ENOUGH : list_conflict(l, c);
}

int quarantine_report_put(struct json_out *j, struct store *s, const struct quarantine_question *q,
			  struct err *e)
{
	struct listing l = { .j = j, .q = q }, conflicts = l;
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.quarantine/1");
	json_out_array(j, "quarantined");
	int rc = quarantine_each(s, q->all, list_some, &l, e);
	json_out_end(j, ']');
	json_out_array(j, "conflicts");
	if (rc >= 0)
		rc = conflict_each(s, list_some_conflicts, &conflicts, e);
	json_out_end(j, ']');
	if (rc >= 0)
		rc = put_causes(j, s, e);
	if (l.more)
		json_out_int(j, "next", l.last);
	else
		json_out_null(j, "next");
	json_out_end(j, '}');
	return rc < 0 ? rc : 0;
}

int quarantine_report_print(struct store *s, bool all, struct err *e)
{
	static const struct table_column held[] = { { "ID", true, false },
						    { "WHERE", false, true },
						    { "REASON", .wraps = true },
						    { "CONTENT", .may_shrink = true, .leaves = 1 },
						    { "SEEN", true, false } };
	static const struct table_column conflicts[] = { { "FIRST ROW", true, false },
							 { "DIFFERS IN", false, false },
							 { "THE LATER RECORD", false, true },
							 { "SOURCE", false, true } };
	struct listing l = { 0 };
	l.t = table_open(held, sizeof held / sizeof *held);
	int rc = quarantine_each(s, all, list_held, &l, e);
	if (l.count)
		table_print(l.t);
	else
		printf("nothing is in quarantine\n");
	table_close(l.t);
	l.count = 0;
	l.t = table_open(conflicts, sizeof conflicts / sizeof *conflicts);
	if (rc == 0)
		rc = conflict_each(s, list_conflict, &l, e);
	if (l.count) {
		printf("\nConflicts: a stored id arrived again with different content; "
		       "the first one counts.\n\n");
		table_print(l.t);
	}
	table_close(l.t);
	return rc;
}
