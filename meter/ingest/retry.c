#include "meter/ingest/retry.h"

#include "meter/store/rollup.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/json.h"
#include "meter/read/columns.h"

struct attempt {
	struct ingest *in;
	struct instant now;
	bool taken;
	char why[600]; /* it was not */
	struct err failure;
};

static void tell(void *user, const struct ingest_item *item)
{
	struct attempt *a = user;
	a->taken |= item->result != INGEST_QUARANTINED;
	if (item->result == INGEST_QUARANTINED)
		snprintf(a->why, sizeof a->why, "%s", item->reason);
}

static void take(void *user, const struct metered *m)
{
	struct attempt *a = user;
	if (a->failure.code == ERR_NONE)
		ingest_take(a->in, m, a->now, &a->failure);
}

static void refuse(void *user, int64_t line, struct text raw, const struct err *why)
{
	struct attempt *a = user;
	(void)line;
	(void)raw;
	snprintf(a->why, sizeof a->why, "%s", why->message);
}

static enum record_field field_of(struct text name)
{
	return column_field(shape_by_name("csv"), NULL, 0, name);
}

/* What may be billed and is not understood leaves the record without a price, as it did before. */
static void judge_value(struct metered *m, struct buf *why, struct text name, struct text value,
			bool lacks)
{
	const enum record_field f = field_of(name);
	if (!m->unread && ((f == FIELD_UNKNOWN && !value_is_nothing(value)) ||
			   (f == FIELD_OBSCURE && lacks && value_may_be_count(value)) ||
			   (field_is_unread(f) && value_is_price_word(value)))) {
		column_tell(why, name);
		m->unread = why->p;
	}
}

/* One value of a line under the name of its column. */
static int read_value(struct metered *m, struct text name, struct text value, bool has_at,
		      struct err *e)
{
	const enum record_field f = field_of(name);
	/* the instant that the retry gives stands for one that is empty */
	if (f == FIELD_TIME && has_at && value.n == 0)
		return 0;
	value = f < FIELD_TEXTS ? csv_plain_text(value) : value;
	return f >= FIELD_END ? 0 : record_set(&m->record, f, value, VALUE_TEXT, TIME_INSTANT, e);
}

/* A line of a table, with the names that its header had. */
static void read_line(struct attempt *a, const struct held *h, bool has_at)
{
	struct csv_record *names = mem_zalloc(sizeof *names), *values = mem_zalloc(sizeof *values);
	struct metered m = { .shape = "csv", .rule = "as-given", .line = h->line };
	struct err e;
	struct text raw = h->raw;
	while (raw.n && (raw.p[raw.n - 1] == '\n' || raw.p[raw.n - 1] == '\r'))
		raw.n--;
	record_clear(&m.record);
	const char separator = csv_separator_of(h->header);
	struct buf why = { 0 };
	int rc = csv_split(names, h->header, separator, &e);
	if (rc == 0)
		rc = csv_split(values, raw, separator, &e);
	if (rc == 0 && names->count != values->count)
		rc = err_set(&e, ERR_INVALID, "the line has %zu fields where the header has %zu",
			     values->count, names->count);
	uint64_t fields = 0;
	for (size_t i = 0; rc == 0 && i < names->count; i++)
		fields |= (uint64_t)1 << record_field_by_name(names->field[i]);
	for (size_t i = 0; rc == 0 && i < names->count; i++) {
		judge_value(&m, &why, names->field[i], values->field[i],
			    fields_lack_counts(fields));
		rc = read_value(&m, names->field[i], values->field[i], has_at, &e);
	}
	if (rc == 0)
		rc = record_finish(&m.record, &e);
	if (rc == 0)
		take(a, &m);
	else
		refuse(a, h->line, h->raw, &e);
	buf_release(&why);
	csv_record_release(names);
	csv_record_release(values);
	free(names);
	free(values);
}

static const char *told(json_value *v, const char *key)
{
	struct text t = json_string(json_member(v, key));
	return t.n ? t.p : NULL;
}

static int retry_held(struct store *s, const struct ingest_options *given, const struct held *h,
		      struct attempt *a, struct err *e)
{
	struct json_document *d = NULL;
	struct ingest_options o = *given;
	char source[300];
	int rc = json_open(&d, h->told, e);
	if (rc != 0)
		return rc;
	json_value *v = json_root(d);
	o.customer = o.customer ? o.customer : told(v, "customer");
	/* what a customer sent stays in that customer's space, whoever tries it again */
	o.own_ids = told(v, "own_ids") && told(v, "customer");
	if (o.own_ids)
		o.customer = told(v, "customer");
	o.project = o.project ? o.project : told(v, "project");
	o.model = o.model ? o.model : told(v, "model");
	o.provider = o.provider ? o.provider : told(v, "provider");
	snprintf(source, sizeof source, "%.*s", (int)h->source.n, h->source.p);
	a->in = ingest_open(s, &o, source, tell, a);
	if (h->header.n) {
		read_line(a, h, o.has_at);
	} else {
		struct payload_reader *r = payload_open(&(struct payload_sink){ a, take, refuse });
		payload_set_held(r);
		payload_line(r, h->raw, h->line);
		payload_finish(r);
		payload_close(r);
	}
	ingest_close(a->in);
	json_close(d);
	return a->failure.code != ERR_NONE ? err_pass(e, &a->failure) : 0;
}

int retry_all(struct store *s, const struct ingest_options *o, const struct retry_list *list,
	      int64_t *taken, struct instant now, struct err *e)
{
	int rc = 0;
	*taken = 0;
	for (size_t i = 0; rc == 0 && i < list->count; i++) {
		struct held h;
		struct arena texts = { 0 };
		struct attempt a = { .now = now };
		rc = quarantine_at(s, list->id[i], &h, &texts, e);
		if (rc == 0)
			rc = retry_held(s, o, &h, &a, e);
		if (rc == 0 && a.taken)
			rc = quarantine_set_state(s, list->id[i], "retried", e);
		else if (rc == 0)
			list->refused(list->user, list->id[i], a.why);
		*taken += a.taken;
		arena_release(&texts);
	}
	return rc == 0 ? rollup_catch_up(s, 0, e) : rc;
}
