#include "meter/formats/agent_call.h"

#include "base/peek.h"

void agent_set(struct record *r, enum record_field f, struct text value)
{
	if (value.n == 0)
		return;
	r->text[f] = value;
	r->present |= (uint64_t)1 << f;
}

void agent_set_time(struct record *r, enum record_field f, int64_t us)
{
	*(f == FIELD_TIME ? &r->time_us : &r->completed_us) = us;
	r->present |= (uint64_t)1 << f;
}

bool agent_may_bill(json_value *v)
{
	return !json_is_nothing(v) &&
	       (json_kind(v) == JSON_NUMBER || name_speaks_of_money(text_of(json_key(v))) ||
		json_kind(json_first(v)) == JSON_NUMBER || json_kind(json_first(v)) == JSON_OBJECT);
}

const struct agent_count agent_usual_counts[] = { { "input_tokens", RAW_PROMPT, false },
						  { "output_tokens", RAW_COMPLETION, false },
						  { "cache_read_tokens", RAW_CACHE_READ, false },
						  { "cache_write_tokens", RAW_CACHE_WRITE, false },
						  { "reasoning_tokens", RAW_REASONING, false },
						  { NULL, RAW_COUNTS, false } };

int agent_counts(struct raw_counts *c, json_value *usage, const struct agent_count *table,
		 struct err *e)
{
	if (usage && json_kind(usage) != JSON_NULL && json_kind(usage) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "field '%.60s' is no object of counts",
			       json_key(usage) ? json_key(usage) : "usage");
	for (json_value *v = json_first(usage); v; v = json_next(v)) {
		const struct agent_count *k = table;
		while (k->key && strcmp(k->key, json_key(v)) != 0)
			k++;
		if (!k->key && agent_may_bill(v))
			return err_set(e, ERR_INVALID,
				       "field '%.60s' is unknown, and may be billed", json_key(v));
		if (!k->key || k->harmless || json_kind(v) == JSON_NULL)
			continue;
		int rc = counts_set(c, k->which, v, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

bool agent_holds_counts(json_value *v, const struct agent_count *table)
{
	int met = 0;
	for (; table->key; table++)
		met += !table->harmless && json_kind(json_member(v, table->key)) == JSON_NUMBER;
	return met >= 2;
}

int agent_columns(struct raw_counts *c, struct peek_rows *rows, int first,
		  const struct agent_count *table, struct buf *raw, struct err *e)
{
	int rc = 0;
	buf_puts(raw, "{");
	for (int i = 0; table[i].key; i++) {
		struct text v = peek_text(rows, first + i);
		if (v.n == 0)
			continue;
		const bool count = peek_is_count(rows, first + i);
		if (rc == 0 && !count)
			rc = err_set(e, ERR_INVALID, "column '%s' is not a count (%.*s)",
				     table[i].key, v.n > 40 ? 40 : (int)v.n, v.p);
		c->count[table[i].which] = peek_int(rows, first + i);
		c->has |= 1u << table[i].which;
		buf_printf(raw, "%s\"%s\":", raw->n > 1 ? "," : "", table[i].key);
		if (count)
			buf_add(raw, v.p, v.n);
		else
			json_put_string(raw, v);
	}
	buf_puts(raw, "}");
	return rc;
}

int agent_row_texts(struct record *out, struct peek_rows *rows, const struct agent_row *at,
		    struct err *e)
{
	struct instant t;
	struct text when = peek_text(rows, at->time);
	agent_set(out, FIELD_MODEL, peek_text(rows, at->model));
	agent_set(out, FIELD_SESSION, peek_text(rows, at->session));
	agent_set(out, FIELD_TASK, peek_text(rows, at->session));
	agent_set(out, FIELD_PROJECT, peek_text(rows, at->project));
	if (when.n == 0)
		return 0;
	int rc = instant_parse_lenient(&t, when, e);
	if (rc == 0)
		agent_set_time(out, FIELD_TIME, t.us);
	return rc;
}

void agent_refuse_part(struct payload_reader *r, json_value *v, const char *name, int64_t line)
{
	struct err e;
	err_set(&e, ERR_INVALID, "the line has no '%s' of its kind, so what it counts is unknown",
		name);
	payload_refuse(r, line, v, &e);
}

int agent_check_counts(const struct raw_counts *c, struct err *e)
{
	static const uint32_t both = 1u << RAW_PROMPT | 1u << RAW_COMPLETION;
	if ((c->has >> RAW_TOTAL & 1 && !c->fixed) || c->partial || (c->has & both) == both)
		return 0;
	return err_set(e, ERR_INVALID, "the usage counts no %s: unknown is not zero",
		       c->has >> RAW_PROMPT & 1 ? "answer" : "prompt");
}

void agent_take(struct payload_reader *r, struct metered *m, const struct raw_counts *c,
		struct text raw, int rc, struct err *e)
{
	m->raw = raw;
	if (rc == 0)
		rc = agent_check_counts(c, e);
	if (rc == 0)
		rc = counts_normalise(&m->record, c, &m->rule, e);
	if (rc == 0)
		payload_take(r, m);
	else
		r->sink.refuse(r->sink.user, m->line, raw, e);
}

void agent_take_json(struct payload_reader *r, struct metered *m, const struct raw_counts *c,
		     json_value *usage, int rc, struct err *e)
{
	payload_recorded(m, usage, true);
	payload_dimensions(r, m, usage);
	payload_judge_missing(r, m, usage);
	agent_take(r, m, c, payload_raw(r, usage), rc, e);
}

struct text path_part(const char *path, int levels_up)
{
	const char *end = path ? path + strlen(path) : NULL;
	for (; end; levels_up--) {
		const char *p = end;
		while (p > path && p[-1] != '/')
			p--;
		if (levels_up == 0)
			return (struct text){ p, (size_t)(end - p) };
		if (p == path)
			break;
		end = p - 1;
	}
	return TEXT("");
}

/* Where the counts stand in the usage objects of the formats. */
static const struct {
	const char *shape, *key;
	enum raw_count which;
} counts[] = {
#define COUNT(shape, key, which) { shape, key, which },
#include "meter/formats/session_counts.def"
#undef COUNT
};

int agent_session_counts(struct raw_counts *c, const char *shape, json_value *usage, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof counts / sizeof *counts; i++) {
		json_value *n =
			strcmp(counts[i].shape, shape) == 0 ? json_at(usage, counts[i].key) : NULL;
		if (n && json_kind(n) != JSON_NULL)
			rc = counts_set(c, counts[i].which, n, e);
	}
	return rc;
}

int agent_counts_in(const char *shape, json_value *v)
{
	int met = 0;
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		met += strcmp(counts[i].shape, shape) == 0 &&
		       json_kind(json_at(v, counts[i].key)) == JSON_NUMBER;
	return met;
}
