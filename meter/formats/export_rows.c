/*
 * Rows of usage exports, as meter/read/exports.h describes them: calls, or all calls of a bucket of
 * time. Rows of one bucket in one document are one record (DeepSeek writes a row a kind of token).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "base/digest.h"
#include "base/loose.h"
#include "meter/formats/payload_run.h"
#include "meter/read/columns.h"
#include "meter/read/exports.h"
#include "meter/read/item_words.h"
#include "pricing/book.h"

/* A record in the making. */
struct pending_row {
	struct metered m; /* texts in the reader's arena */
	struct raw_counts counts;
	int64_t requests;
	bool told_requests;
	const struct export_format *format;
	bool bucket; /* of all calls of a time, not of one call */
};

/* What one row says. */
struct row {
	const struct export_format *format;
	struct pending_row p;
	struct buf key; /* what tells its bucket apart */
	struct text type;
	int64_t amount;
	bool has_amount, uncharged, included;
	bool is_day; /* its time is a day */
	struct text cost, currency;
	const char *cost_name;
	const struct export_seen *seen; /* of its table; NULL: a document, which has its keys */
};

static struct text kept(struct payload_reader *r, struct text s)
{
	return (struct text){ arena_text(&r->arena, s.n ? s.p : "", s.n), s.n };
}

static void set_text(struct record *r, enum record_field f, struct text s)
{
	if (r->text[f].n || !s.n) /* of several spellings the first that says something */
		return;
	r->text[f] = s;
	r->present |= (uint64_t)1 << f;
}

static int read_count(int64_t *out, const char *name, struct text s, struct err *e)
{
	return loose_count(out, s, e) == 0 ? 0 : err_context(e, "field '%s'", name);
}

static int read_time(struct row *w, enum record_field f, const char *name, struct text s,
		     struct err *e)
{
	struct loose_time t;
	struct err why;
	if (loose_time_parse(&t, s, &why) != 0)
		return err_set(e, ERR_INVALID, "field '%s': %s", name, why.message);
	w->is_day |= f == FIELD_TIME && t.is_day;
	*(f == FIELD_TIME ? &w->p.m.record.time_us : &w->p.m.record.completed_us) = t.at.us;
	w->p.m.record.present |= (uint64_t)1 << f;
	return 0;
}

static void add_key(struct row *w, const char *name, struct text s)
{
	buf_printf(&w->key, " %s=", name);
	for (size_t i = 0; i < s.n; i++) /* "True" of a spreadsheet is true */
		buf_add(&w->key,
			&(char){ s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i] },
			1);
}

static void add_hash(struct buf *b, struct text s)
{
	uint8_t digest[DIGEST_BYTES];
	if (digest_sha256(digest, s, NULL) == 0)
		for (int i = 0; i < 16; i++)
			buf_printf(b, "%02x", digest[i]);
}

static bool says_true(struct text s)
{
	return text_is(s, "true") || text_is(s, "True") || text_is(s, "TRUE");
}

/* The tier that a dimension of the row makes of it. */
static void take_tier(struct row *w, enum export_role role, struct text s)
{
	struct text *tier = &w->p.m.record.text[FIELD_SERVICE_TIER];
	bool standard = tier->n == 0 || service_tier_is_standard(*tier);
	if (role == ROLE_BATCH)
		s = says_true(s) ? TEXT("batch") : TEXT("");
	else if (role == ROLE_SPEED && text_is(s, "standard"))
		s = TEXT("");
	if (!s.n || (!standard && role == ROLE_TIER))
		return;
	*tier = (struct text){ 0 };
	set_text(&w->p.m.record, FIELD_SERVICE_TIER, s);
}

static void take_model(struct payload_reader *r, struct row *w, struct text s)
{
	struct buf spelled = { 0 };
	model_from_display(&spelled, s);
	set_text(&w->p.m.record, FIELD_MODEL, kept(r, (struct text){ spelled.p, spelled.n }));
	buf_release(&spelled);
}

/* Where the count of a column is kept. */
static int64_t *counted(struct raw_counts *counts, const struct export_column *c)
{
	const int k = c->role - ROLE_COUNT;
	return k < RAW_COUNTS ? &counts->count[k] : &counts->units[k - RAW_COUNTS];
}

static bool is_count(uint8_t role)
{
	return role == ROLE_REQUESTS || role == ROLE_AMOUNT || role >= ROLE_COUNT;
}

/* What reconcile reads and usage does not need. */
static bool is_of_bills(uint8_t role)
{
	return role >= ROLE_COST && role < ROLE_COUNT;
}

static const char *fee_of(struct payload_reader *r, const char *name)
{
	return arena_printf(
		&r->arena, "'%s' is charged beside tokens, and no card knows how much it is", name);
}

/* Of several columns the first that says something. */
static void take_cost(struct row *w, const struct export_column *c, struct text s)
{
	if (c->role == ROLE_COST && !w->cost.n) {
		w->cost = s;
		w->cost_name = c->name;
	}
	if (c->role == ROLE_CURRENCY && !w->currency.n)
		w->currency = s;
}

static int take_value(struct payload_reader *r, struct row *w, const struct export_column *c,
		      struct text s, struct err *e)
{
	static const enum record_field fields[ROLE_COUNT] = { [ROLE_ID] = FIELD_ID,
							      [ROLE_PROVIDER] = FIELD_PROVIDER,
							      [ROLE_CUSTOMER] = FIELD_CUSTOMER,
							      [ROLE_PROJECT] = FIELD_PROJECT,
							      [ROLE_SESSION] = FIELD_SESSION,
							      [ROLE_TASK] = FIELD_TASK };
	int64_t n;
	int rc = 0;
	if (is_count(c->role) && (rc = read_count(&n, c->name, s, e)) != 0)
		return rc;
	if (is_of_bills(c->role)) {
		take_cost(w, c, s);
		return 0;
	}
	switch (c->role) {
	case ROLE_START:
	case ROLE_END:
		return read_time(w, c->role == ROLE_START ? FIELD_TIME : FIELD_COMPLETED, c->name,
				 s, e);
	case ROLE_REQUESTS:
		w->p.requests = n;
		w->p.told_requests = true;
		return 0;
	case ROLE_TYPE:
		w->type = s;
		return 0;
	case ROLE_AMOUNT:
		w->amount = n;
		w->has_amount = true;
		return 0;
	case ROLE_UNCHARGED:
		w->included = export_charge_of(s) == INCLUDED;
		w->uncharged = export_charge_of(s) == NOT_CHARGED;
		return 0;
	case ROLE_MODEL:
		take_model(r, w, s);
		break;
	case ROLE_TIER:
	case ROLE_BATCH:
	case ROLE_SPEED:
		take_tier(w, (enum export_role)c->role, kept(r, s));
		break;
	case ROLE_GEO:
		payload_geo(&w->p.m.record, kept(r, s));
		break;
	case ROLE_KEY:
	case ROLE_FLAG:
		break;
	case ROLE_FEE:
		if (!value_is_nothing(s))
			w->p.m.unread = fee_of(r, c->name);
		return 0;
	case ROLE_SECRET:
		buf_printf(&w->key, " %s=", c->name);
		add_hash(&w->key, s);
		return 0;
	default:
		if (c->role >= ROLE_COUNT) {
			*counted(&w->p.counts, c) = n;
			if (c->role < ROLE_COUNT + RAW_COUNTS)
				w->p.counts.has |= 1u << (c->role - ROLE_COUNT);
			return 0;
		}
		set_text(&w->p.m.record, fields[c->role], kept(r, s));
	}
	add_key(w, c->name, s);
	return rc;
}

/* What the row counts of the kind of token that it names. */
static int take_type(struct row *w, struct err *e)
{
	static const struct {
		const char *type;
		enum raw_count which;
	} types[] = { { "input_cache_hit_tokens", RAW_CACHE_READ },
		      { "prompt_cache_hit_tokens", RAW_CACHE_READ },
		      { "input_cache_miss_tokens", RAW_PROMPT },
		      { "prompt_cache_miss_tokens", RAW_PROMPT },
		      { "output_tokens", RAW_COMPLETION },
		      { "completion_tokens", RAW_COMPLETION } };
	if (text_is(w->type, "request_count")) {
		w->p.requests = w->amount;
		w->p.told_requests = w->has_amount;
		return 0;
	}
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (text_is(w->type, types[i].type)) {
			w->p.counts.count[types[i].which] = w->amount;
			w->p.counts.has |= 1u << types[i].which;
			return 0;
		}
	return err_set(e, ERR_INVALID, "field 'type': '%.*s' is an unknown kind of token",
		       (int)(w->type.n > 60 ? 60 : w->type.n), w->type.p);
}

/* What the row says that it cost, in dollars: a charge of whoever sells the calls, or an estimate.
 */
static int take_stated(struct payload_reader *r, struct row *w, struct err *e)
{
	struct decimal d;
	int places;
	char currency[4], text[DECIMAL_TEXT_MAX];
	const struct export_format *f = w->format;
	if (loose_number(&d, &places, w->cost, false, NULL) != 0)
		return 0; /* "Included" */
	if (d.digits < 0)
		return err_set(e, ERR_INVALID,
			       "field '%s': '%.*s' is negative: a row that gives back is no usage",
			       w->cost_name, (int)(w->cost.n > 40 ? 40 : w->cost.n), w->cost.p);
	struct text said = loose_currency(currency, w->cost) ? text_of(currency)
			   : w->currency.n		     ? w->currency
			   : f->currency		     ? text_of(f->currency)
							     : TEXT("");
	if (said.n == 3 && strncasecmp(said.p, "USD", 3) == 0)
		payload_recorded_as(&w->p.m,
				    text_of(decimal_format(decimal_shift(d, -f->places), text)),
				    f->charges && !w->included);
	else if (d.digits)
		doubts_add_reading(&r->doubts, w->cost_name, DOUBT_NO_CHARGE);
	return 0;
}

static int read_row(struct payload_reader *r, struct row *w, json_value *v, json_value *item,
		    struct err *e)
{
	const struct export_format *f = w->format;
	int rc = 0;
	if (f->key && item) { /* rows of an object: its key says what they are of */
		take_model(r, w, text_of(json_key(v)));
		add_key(w, f->key, text_of(json_key(v)));
	}
	for (const struct export_column *c = f->column; rc == 0 && c->name; c++) {
		json_value *field = export_value(v, item, c->name);
		struct text s = json_number_or_string(field);
		if (json_kind(field) == JSON_BOOL)
			s = json_true(field) ? TEXT("true") : TEXT("false");
		const bool inner =
			json_kind(field) == JSON_OBJECT || json_kind(field) == JSON_ARRAY;
		if (inner && json_first(field))
			rc = err_set(e, ERR_INVALID, "field '%s' must be a value, not %s", c->name,
				     json_kind_name(field));
		else if (field && json_kind(field) == JSON_NULL && is_count(c->role))
			w->p.m.unread = arena_printf(
				&r->arena, "field '%s' is null, and unknown is not zero", c->name);
		else if (field && s.n)
			rc = take_value(r, w, c, s, e);
	}
	if (rc == 0 && w->type.n)
		rc = take_type(w, e);
	if (rc == 0)
		rc = take_stated(r, w, e);
	if (rc == 0 && !w->p.m.unread)
		w->p.m.unread = export_unread(r, f, w->seen, v, item);
	struct record *rec = &w->p.m.record;
	/* a table of somebody's own that has days and no ids has sums of days */
	w->p.bucket =
		f->kind == EXPORT_BUCKETS || (f->general && w->is_day && !rec->text[FIELD_ID].n &&
					      rec->completed_us == TIME_ABSENT);
	if (rc != 0 || !w->p.bucket || rec->time_us == TIME_ABSENT)
		return rc;
	if (rec->completed_us == TIME_ABSENT)
		rec->completed_us = rec->time_us + US_PER_DAY;
	rec->present |= (uint64_t)1 << FIELD_COMPLETED;
	if (rec->completed_us <= rec->time_us)
		rc = err_set(e, ERR_INVALID, "the bucket ends before it begins");
	return rc;
}

/* The id of a bucket: the same whenever and however it is read. */
static struct text bucket_id(struct payload_reader *r, const struct row *w)
{
	enum { ID_MOST = 400 };
	char from[INSTANT_TEXT_MAX], to[INSTANT_TEXT_MAX];
	struct buf id = { 0 };
	buf_printf(&id, "%s %s/%s", w->format->shape,
		   instant_format((struct instant){ w->p.m.record.time_us }, from),
		   instant_format((struct instant){ w->p.m.record.completed_us }, to));
	if (w->key.n > ID_MOST) {
		buf_puts(&id, " ");
		add_hash(&id, (struct text){ w->key.p, w->key.n });
	} else if (w->key.n) {
		buf_add(&id, w->key.p, w->key.n);
	}
	struct text made = kept(r, (struct text){ id.p, id.n });
	buf_release(&id);
	return made;
}

static int add_to(struct pending_row *to, const struct pending_row *more, struct err *e)
{
	bool bad = __builtin_add_overflow(to->requests, more->requests, &to->requests);
	for (int u = 0; u < UNIT_COUNT; u++)
		bad |= __builtin_add_overflow(to->counts.units[u], more->counts.units[u],
					      &to->counts.units[u]);
	for (int i = 0; i < RAW_COUNTS; i++)
		bad |= __builtin_add_overflow(to->counts.count[i], more->counts.count[i],
					      &to->counts.count[i]);
	to->counts.has |= more->counts.has;
	if (!to->m.stated.given)
		to->m.stated = more->m.stated;
	else if (more->m.stated.given)
		bad |= __builtin_add_overflow(to->m.stated.amount.pico, more->m.stated.amount.pico,
					      &to->m.stated.amount.pico);
	if (!to->m.unread)
		to->m.unread = more->m.unread;
	to->told_requests |= more->told_requests;
	return bad ? err_set(e, ERR_RANGE, "the counts of the bucket are too large") : 0;
}

static void put_counts(struct buf *b, struct pending_row *p)
{
	b->n = 0;
	buf_puts(b, "{");
	for (const struct export_column *c = p->format->column; c->name; c++)
		if (c->role >= ROLE_COUNT) {
			buf_puts(b, b->n > 1 ? "," : "");
			json_put_string(b, text_of(c->name));
			buf_printf(b, ":%lld", (long long)*counted(&p->counts, c));
		}
	buf_puts(b, "}");
}

/* A whole record, of one row or of several. */
static void hand_over(struct payload_reader *r, struct pending_row *p)
{
	struct err e;
	int64_t any = p->requests;
	for (int u = 0; u < UNIT_COUNT; u++)
		any |= p->counts.units[u];
	for (int i = 0; i < RAW_COUNTS; i++)
		any |= p->counts.count[i];
	put_counts(&r->raw, p);
	p->m.raw = (struct text){ r->raw.p, r->raw.n };
	if (!any && p->m.stated.given) {
		err_set(&e, ERR_INVALID, "the row states a cost, and counts nothing");
		r->sink.refuse(r->sink.user, p->m.line, p->m.raw, &e);
		return;
	}
	if (!any) { /* a day without calls */
		r->passed_over++;
		return;
	}
	/* a bucket whose number of calls is not told has none to add */
	if (p->told_requests || p->bucket)
		p->m.record.requests = p->requests;
	p->m.record.present |= (uint64_t)p->told_requests << FIELD_REQUESTS;
	if (counts_normalise(&p->m.record, &p->counts, &p->m.rule, &e) != 0)
		r->sink.refuse(r->sink.user, p->m.line, p->m.raw, &e);
	else
		payload_take(r, &p->m);
}

/* The id of a call whose row has none: what it says, and of equal rows how many there were, so that
 * exports may overlap. */
static struct text call_id(struct payload_reader *r, const struct row *w)
{
	static const enum record_field texts[] = { FIELD_MODEL, FIELD_CUSTOMER, FIELD_PROJECT,
						   FIELD_SESSION };
	char at[INSTANT_TEXT_MAX];
	const struct record *rec = &w->p.m.record;
	struct buf what = { 0 }, id = { 0 };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		buf_add(&what, rec->text[texts[i]].p, rec->text[texts[i]].n);
		buf_puts(&what, "\x1f");
	}
	for (int i = 0; i < RAW_COUNTS; i++)
		buf_printf(&what, "/%lld", (long long)w->p.counts.count[i]);
	buf_printf(&id, "%s %s ", w->format->shape,
		   instant_format((struct instant){ rec->time_us }, at));
	add_hash(&id, (struct text){ what.p, what.n });
	uint64_t *same = dict_need(&r->same_rows, (struct text){ id.p, id.n }, NULL);
	if (++*same > 1)
		buf_printf(&id, "#%llu", (unsigned long long)*same);
	r->rows_once += *same == 1;
	r->rows_again += *same == 2;
	r->rows_line = w->p.m.line;
	struct text made = kept(r, (struct text){ id.p, id.n });
	buf_release(&what);
	buf_release(&id);
	return made;
}

/* Whether the row was there before in its document, word for word; which line that was. */
static int64_t same_row(struct payload_reader *r, struct text bucket, json_value *v, int64_t line)
{
	struct buf b = { 0 }, key = { 0 };
	buf_add(&b, bucket.p, bucket.n);
	json_put_value(&b, v);
	add_hash(&key, (struct text){ b.p, b.n });
	uint64_t *at = dict_need(&r->bucket_rows, (struct text){ key.p, key.n }, NULL);
	const int64_t before = (int64_t)*at;
	if (!before)
		*at = (uint64_t)line;
	buf_release(&b);
	buf_release(&key);
	return before;
}

/* Rows of one bucket complement each other; the same row again is no further usage, but a page that
 * is there twice. */
static int take_bucket(struct payload_reader *r, const struct row *w, json_value *v, struct err *e)
{
	const struct text id = w->p.m.record.text[FIELD_ID];
	const int64_t before = same_row(r, id, v, w->p.m.line ? w->p.m.line : 1);
	uint64_t *at = dict_need(&r->buckets, id, NULL);
	if (before)
		return err_set(
			e, ERR_INVALID,
			w->format->kind == EXPORT_BUCKETS
				? "the same row as in line %lld, which counts once: a page twice?"
				: "the same row as in line %lld, which counts once: if these are "
				  "calls, give them ids or times of day",
			(long long)before);
	if (*at)
		return add_to(&r->bucket[*at - 1], &w->p, e);
	if ((r->bucket_count & (r->bucket_count - 1)) == 0)
		r->bucket = mem_grow(r->bucket, (r->bucket_count ? r->bucket_count * 2 : 1) *
							sizeof *r->bucket);
	r->bucket[r->bucket_count++] = w->p;
	*at = r->bucket_count;
	return 0;
}

/* A row of a document that counts, and says of no time when: a table may have rows of totals. */
static bool lacks_time(const struct row *w)
{
	return w->p.bucket && !w->seen && !w->uncharged && w->p.counts.has &&
	       w->p.m.record.time_us == TIME_ABSENT;
}

static void take_row(struct payload_reader *r, const struct export_format *f,
		     const struct export_seen *seen, json_value *v, json_value *item, int64_t line)
{
	struct err e = { 0 };
	struct row w = { .format = f, .p = { .format = f }, .seen = seen };
	payload_begin(&w.p.m, f->shape, line);
	w.p.counts = (struct raw_counts){ .cache = f->cache,
					  .fixed = f->kind == EXPORT_BUCKETS,
					  .reasoning_beside = f->thoughts_beside,
					  .partial = true };
	if (f->provider)
		set_text(&w.p.m.record, FIELD_PROVIDER, text_of(f->provider));
	int rc = read_row(r, &w, v, item, &e);
	if (rc == 0 && lacks_time(&w))
		rc = err_set(&e, ERR_INVALID, "the row counts, and does not say of when");
	if (rc == 0 && (w.uncharged || w.p.m.record.time_us == TIME_ABSENT) &&
	    (w.uncharged || w.p.bucket)) {
		r->passed_over++; /* not charged, or a row of totals */
	} else if (rc == 0 && w.p.bucket) {
		w.p.m.aggregate = w.p.m.cumulative = true;
		set_text(&w.p.m.record, FIELD_ID, bucket_id(r, &w));
		rc = take_bucket(r, &w, v, &e);
	} else if (rc == 0) {
		if (!w.p.m.record.text[FIELD_ID].n && w.p.m.record.time_us != TIME_ABSENT)
			set_text(&w.p.m.record, FIELD_ID, call_id(r, &w));
		hand_over(r, &w.p);
	}
	if (rc != 0 && *r->item)
		err_context(&e, "%s", r->item);
	if (rc != 0)
		payload_refuse(r, line, v, &e);
	buf_release(&w.key);
}

static void hand_over_buckets(struct payload_reader *r)
{
	for (size_t i = 0; i < r->bucket_count; i++)
		hand_over(r, &r->bucket[i]);
	dict_clear(&r->bucket_rows);
	r->bucket_count = 0;
	dict_clear(&r->buckets);
}

void export_release(struct payload_reader *r)
{
	free(r->bucket);
	dict_release(&r->buckets);
	dict_release(&r->bucket_rows);
	dict_release(&r->same_rows);
	dict_release(&r->names);
}

/* What may be the rows of an item that has none where its format has them. */
static json_value *rows_elsewhere(const struct export_format *f, json_value *item, json_value *rows)
{
	for (json_value *v = json_first(rows); v; v = json_next(v))
		if (json_kind(v) == JSON_ARRAY)
			return rows;
	for (json_value *v = rows || !f->rows ? NULL : json_first(item); v; v = json_next(v)) {
		json_value *first = json_first(v);
		if (json_kind(first) == JSON_ARRAY ||
		    (json_kind(v) == JSON_ARRAY && json_kind(first) == JSON_OBJECT))
			return v;
	}
	return NULL;
}

/* Whether an item has neither rows nor counts of its own. */
static bool lacks_rows(const struct export_format *f, json_value *item)
{
	for (const struct export_column *c = f->rows ? f->column : NULL; c && c->name; c++)
		if (is_count(c->role) && export_value(item, NULL, c->name))
			return false;
	return f->rows && !f->key;
}

static void take_item(struct payload_reader *r, const struct export_format *f, json_value *item,
		      int64_t line)
{
	json_value *rows = export_rows_in(f, item);
	json_value *other = rows_elsewhere(f, item, rows);
	struct err e;
	if (other) {
		err_set(&e, ERR_INVALID,
			"the item has no list of rows in '%s', and holds one of no known meaning "
			"('%.60s')",
			f->rows, json_key(other));
		payload_refuse(r, line, item, &e);
		return;
	}
	if (!rows && lacks_rows(f, item)) {
		err_set(&e, ERR_INVALID, "the item has no list of rows in '%s'", f->rows);
		payload_refuse(r, line, item, &e);
		return;
	}
	if (!rows)
		take_row(r, f, NULL, item, NULL, line);
	const size_t at = strlen(r->item), room = sizeof r->item - at;
	size_t n = 0;
	for (json_value *v = rows ? json_first(rows) : NULL; v; v = json_next(v), n++) {
		if (f->key)
			snprintf(r->item + at, room, "%s%s.%.60s", at ? "." : "", f->rows,
				 json_key(v));
		else
			snprintf(r->item + at, room, "%s%s[%zu]", at ? "." : "", f->rows, n);
		take_row(r, f, NULL, v, item, line);
		r->item[at] = 0;
	}
}

bool export_document(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *items = export_page_items(v);
	const struct export_format *f = export_of_document(v, EXPORT_AS_USAGE);
	size_t n = 0;
	*r->item = 0;
	if (items)
		page_list_see(&r->doubts.pages, v, f);
	if (!f && !export_page_is_empty(v))
		return false;
	if (!f) {
		r->passed_over++;
		return true;
	}
	export_see_document(r, f, items ? items : v);
	/* a row of a list is an item; a list of rows in an item is not the page's */
	if (items && items != export_rows_in(f, v))
		for (json_value *item = json_first(items); item; item = json_next(item), n++) {
			snprintf(r->item, sizeof r->item, "%s[%zu]", json_key(items), n);
			take_item(r, f, item, line);
			*r->item = 0;
		}
	else
		take_item(r, f, v, line);
	hand_over_buckets(r);
	return true;
}

/* --- CSV: each row as the object that the interface would have given --- */

/* number: of a column that counts or says a cost, which a document writes as a plain number. */
static void put_field(struct buf *b, struct text name, struct text s, bool count, bool cost)
{
	int64_t n;
	int places;
	struct decimal d;
	char room[4], plain[DECIMAL_TEXT_MAX];
	struct json_document *doc;
	if (!s.n)
		return;
	buf_puts(b, b->n > 1 ? "," : "");
	json_put_string(b, name);
	buf_puts(b, ":");
	if (count && read_count(&n, "", s, NULL) == 0)
		buf_int(b, n);
	else if (cost && !loose_currency(room, s) && loose_number(&d, &places, s, false, NULL) == 0)
		buf_puts(b, decimal_format(d, plain));
	else if ((*s.p == '{' || *s.p == '[') && json_open(&doc, s, NULL) == 0) {
		json_put_value(b, json_root(doc));
		json_close(doc);
	} else {
		json_put_string(b, s);
	}
}

/* A table at work. */
struct table {
	const struct export_format *format;
	struct csv_record names, written; /* as the registry and as the file spell them */
	struct export_seen seen;
	/* takes rows that are documents of another format */
	void (*take_document)(struct payload_reader *r, json_value *v, int64_t line);
};

static uint8_t role_of(const struct export_format *f, struct text name)
{
	for (const struct export_column *c = f->column; c->name; c++)
		if (text_is(name, c->name))
			return c->role;
	return ROLE_END_OF_LIST;
}

static int take_record(struct payload_reader *r, const struct table *t, const struct csv_record *v,
		       int64_t line, struct err *e)
{
	const struct csv_record *names = &t->names;
	struct json_document *doc = NULL;
	struct buf object = { 0 };
	buf_puts(&object, "{");
	for (size_t i = 0; i < v->count && i < names->count; i++) {
		const uint8_t role =
			t->format->as_json ? role_of(t->format, names->field[i]) : ROLE_END_OF_LIST;
		if (names->field[i].n)
			put_field(&object, names->field[i],
				  t->format->native ? csv_plain_text(v->field[i]) : v->field[i],
				  is_count(role), role == ROLE_COST);
	}
	bool empty = object.n == 1;
	buf_puts(&object, "}");
	int rc = v->count != names->count
			 ? err_set(e, ERR_INVALID, "%zu fields, the header has %zu", v->count,
				   names->count)
			 : json_open(&doc, (struct text){ object.p, object.n }, e);
	if (rc == 0 && !empty) {
		if (t->format->as_json) {
			r->unread_row = t->format->native ? NULL
							  : export_unread(r, t->format, &t->seen,
									  json_root(doc), NULL);
			t->take_document(r, json_root(doc), line);
			r->unread_row = NULL;
		} else {
			take_row(r, t->format, &t->seen, json_root(doc), NULL, line);
		}
	}
	json_close(doc);
	buf_release(&object);
	return rc;
}

static bool same_fields(const struct csv_record *a, const struct csv_record *b)
{
	bool same = a->count == b->count;
	for (size_t i = 0; same && i < a->count; i++)
		same = a->field[i].n == b->field[i].n &&
		       memcmp(a->field[i].p, b->field[i].p, a->field[i].n) == 0;
	return same;
}

/* Whether the row is no usage of its own: the header once more, where files were joined, or sums.
 */
static bool is_beside(const struct table *t, const struct csv_record *v)
{
	size_t i = 0;
	while (i < v->count && !v->field[i].n)
		i++;
	return (i < v->count && words_say_total(v->field[i])) || same_fields(&t->written, v);
}

/* What follows a header that comes again was exported by itself, and may overlap what stood before:
 * equal rows are counted from the beginning. */
static void begin_again(struct payload_reader *r, const struct table *t, const struct csv_record *v)
{
	if (same_fields(&t->written, v))
		dict_clear(&r->same_rows);
}

/* Rows without ids may be equal; where each one is there again, the file was joined to itself. */
static void judge_repeated(struct payload_reader *r, int64_t line)
{
	struct err e;
	if (r->rows_once > 1 && r->rows_again >= r->rows_once) {
		err_set(&e, ERR_INVALID,
			"every row above is there twice, and counts twice: the same file joined to "
			"itself?");
		r->sink.refuse(r->sink.user, line, TEXT(""), &e);
	}
	r->rows_once = r->rows_again = 0;
}

void export_finish(struct payload_reader *r)
{
	judge_repeated(r, r->rows_line);
}

static int64_t lines_in(const char *p, const char *end)
{
	int64_t n = 0;
	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))))
		n++, p++;
	return n;
}

void export_table(struct payload_reader *r, const struct export_format *f, char separator,
		  struct text all, int64_t line,
		  void (*take_document)(struct payload_reader *r, json_value *v, int64_t line))
{
	struct table *t = mem_zalloc(sizeof *t);
	struct csv_record *names = &t->names, *v = mem_zalloc(sizeof *v);
	const char *p = all.p, *end = all.p + all.n;
	struct err e;
	t->format = f;
	t->take_document = take_document;
	if (all.n >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
		p += 3;
	while (p < end) {
		const char *next = csv_record_end(p, end, true, separator, names->count);
		struct text record = { p, (size_t)(next - p) };
		while (record.n &&
		       (record.p[record.n - 1] == '\n' || record.p[record.n - 1] == '\r'))
			record.n--;
		struct csv_record *to = names->count ? v : names;
		int rc = record.n ? csv_split(to, record, separator, &e) : 0;
		if (rc == 0 && to == names)
			rc = csv_split(&t->written, record, separator, &e);
		for (size_t i = 0; rc == 0 && to == names && i < names->count; i++) {
			names->field[i] = export_spelled(f, names->field[i]);
			export_see(&t->seen, f, names->field[i]);
		}
		if (rc == 0 && record.n && to == v) {
			if (is_beside(t, v)) {
				begin_again(r, t, v);
				r->passed_over++;
			} else {
				rc = take_record(r, t, v, line, &e);
			}
		}
		if (rc != 0)
			r->sink.refuse(r->sink.user, line, record, &e);
		line += lines_in(p, next);
		p = next;
	}
	hand_over_buckets(r);
	judge_repeated(r, line - 1);
	csv_record_release(names);
	csv_record_release(&t->written);
	csv_record_release(v);
	free(t);
	free(v);
}
