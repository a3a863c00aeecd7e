#include "meter/store/row_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static const char *const cost_name[COST_KINDS] = { ROW_CHARGED, ROW_ESTIMATED };

bool row_is_recorded_cost(const char *name)
{
	return strcmp(name, ROW_CHARGED) == 0 || strcmp(name, ROW_ESTIMATED) == 0;
}

/* Sets *c when the name is one of them. */
static void read_recorded_cost(struct stated_cost *c, const char *name, int64_t n)
{
	if (row_is_recorded_cost(name))
		*c = (struct stated_cost){ true, strcmp(name, ROW_ESTIMATED) == 0, { n } };
}

void row_put_more(struct buf *b, const struct usage_row *row)
{
	const struct record *r = &row->record;
	const size_t from = b->n;
	for (int k = counts_any_rare(r->counts) ? BUCKET_COMMON : COUNT_KINDS; k < COUNT_KINDS; k++)
		if (r->counts[k])
			buf_printf(b, "%s\"%s\":%lld", b->n > from ? "," : "{", count_name(k),
				   (long long)r->counts[k]);
	if (row->stated.given)
		buf_printf(b, "%s\"%s\":%lld", b->n > from ? "," : "{",
			   cost_name[recorded_kind(&row->stated)],
			   (long long)row->stated.amount.pico);
	if (b->n > from)
		buf_puts(b, "}");
}

int row_count_kind(struct text name, struct err *e)
{
	const int k = count_by_name(name.p, name.n);
	return k >= 0 ? k
		      : err_set(e, ERR_STORE,
				"the database counts '%.*s', which this version of tally does not "
				"know",
				(int)name.n, name.p);
}

int row_read_more(int64_t *counts, struct stated_cost *stated, struct text more, struct err *e)
{
	struct json_document *d;
	int rc = json_open(&d, more, e);
	if (rc != 0)
		return rc;
	for (json_value *v = json_first(json_root(d)); v && rc == 0; v = json_next(v)) {
		const int64_t n = strtoll(json_number(v).p, NULL, 10);
		if (row_is_recorded_cost(json_key(v))) {
			if (stated)
				read_recorded_cost(stated, json_key(v), n);
			continue;
		}
		const int k = row_count_kind(text_of(json_key(v)), e);
		if (k < 0)
			rc = k;
		else
			counts[k] = n;
	}
	json_close(d);
	return rc;
}

/* The letter behind the backslash that stands for it; 0 when it stands for itself. */
static char escape_of(char c)
{
	return c == '\\' ? '\\' : c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : 0;
}

void copy_put_text(struct buf *b, struct text t)
{
	for (size_t i = 0, from = 0; i <= t.n; i++) {
		if (i < t.n && !escape_of(t.p[i]))
			continue;
		buf_add(b, t.p + from, i - from);
		if (i < t.n)
			buf_add(b, (const char[]){ '\\', escape_of(t.p[i]) }, 2);
		from = i + 1;
	}
}

void row_put_copy_line(struct buf *b, const struct usage_row *row, struct buf *scratch)
{
	const struct record *r = &row->record;
	const struct {
		bool known;
		int64_t v;
	} before[] = { { true, row->kind },   { row->of != 0, row->of },
		       { true, r->time_us },  { r->completed_us != TIME_ABSENT, r->completed_us },
		       { true, row->series }, { true, row->price },
		       { true, row->origin } };
	buf_int(b, row->seq);
	buf_puts(b, "\t");
	copy_put_text(b, r->text[FIELD_ID]);
	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		buf_puts(b, before[i].known ? "\t" : "\t\\N");
		if (before[i].known)
			buf_int(b, before[i].v);
	}
	for (int k = 0; k < BUCKET_COMMON; k++) {
		buf_puts(b, "\t");
		buf_int(b, r->tokens[k]);
	}
	buf_puts(b, "\t");
	buf_int(b, r->requests);
	scratch->n = 0;
	row_put_more(scratch, row);
	const struct text texts[] = {
		r->text[FIELD_TASK], r->text[FIELD_SESSION], row->raw, { scratch->p, scratch->n }
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		buf_puts(b, texts[i].n ? "\t" : "\t\\N");
		copy_put_text(b, texts[i]);
	}
	buf_puts(b, row->flags ? "\t" : "\t\\N");
	if (row->flags)
		buf_int(b, row->flags);
	buf_puts(b, "\n");
}
