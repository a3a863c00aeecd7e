#include "reports/quarantine_report.h"

#include <stdint.h>
#include <stdio.h>

#include "meter/ingest/quarantine.h"
#include "reports/table.h"

struct listing {
	struct json_out *j;
	struct table *t;
	int64_t count;
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
	char text[40];
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
	struct buf b = { 0 };
	snprintf(text, sizeof text, "%lld", (long long)h->id);
	table_cell(l->t, text);
	buf_printf(&b, "%.*s", (int)h->source.n, h->source.p);
	if (h->line)
		buf_printf(&b, ":%lld", (long long)h->line);
	table_cell(l->t, b.p);
	buf_release(&b);
	text_cell(l->t, h->reason, SIZE_MAX);
	text_cell(l->t, h->raw, 60);
	snprintf(text, sizeof text, "%lld", (long long)h->seen);
	table_cell(l->t, text);
	return 0;
}

static int list_conflict(void *user, const struct conflicting *c)
{
	struct listing *l = user;
	char text[40];
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
	snprintf(text, sizeof text, "%lld", (long long)c->first);
	table_cell(l->t, text);
	text_cell(l->t, c->differs, SIZE_MAX);
	text_cell(l->t, c->record, SIZE_MAX);
	text_cell(l->t, c->source, SIZE_MAX);
	return 0;
}

int quarantine_report_put(struct json_out *j, struct store *s, bool all, struct err *e)
{
	struct listing l = { .j = j };
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.quarantine/1");
	json_out_array(j, "quarantined");
	int rc = quarantine_each(s, all, list_held, &l, e);
	json_out_end(j, ']');
	json_out_array(j, "conflicts");
	if (rc == 0)
		rc = conflict_each(s, list_conflict, &l, e);
	json_out_end(j, ']');
	json_out_end(j, '}');
	return rc;
}

int quarantine_report_print(struct store *s, bool all, struct err *e)
{
	static const struct table_column held[] = { { "ID", true, false },
						    { "WHERE", false, true },
						    { "REASON", false, true },
						    { "CONTENT", false, true },
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
