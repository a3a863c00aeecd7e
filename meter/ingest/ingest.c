#include "meter/ingest/ingest.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "meter/formats/assemble.h"
#include "meter/formats/counts.h"
#include "meter/ingest/ingest_parts.h"
#include "meter/ingest/quarantine.h"
#include "meter/store/archived.h"
#include "meter/store/rollup.h"

/* How often a content without an id stood in this source. */
struct occurrence {
	uint64_t hash; /* 0: free */
	int64_t count;
};

const char *ingest_result_name(enum ingest_result r)
{
	static const char *const names[] = { "accepted", "duplicate", "conflict", "quarantined" };
	return names[r];
}

static void put_told(struct buf *b, const char *key, const char *value)
{
	if (!value)
		return;
	buf_puts(b, b->n > 1 ? "," : "");
	json_put_string(b, text_of(key));
	buf_puts(b, ":");
	json_put_string(b, text_of(value));
}

static void put_all_told(struct ingest *in)
{
	in->told.n = 0;
	buf_puts(&in->told, "{");
	put_told(&in->told, "customer", in->o.customer);
	put_told(&in->told, "project", in->o.project);
	put_told(&in->told, "model", in->o.model);
	put_told(&in->told, "provider", in->o.provider);
	put_told(&in->told, "own_ids", in->o.own_ids ? "true" : NULL);
	buf_puts(&in->told, "}");
}

struct ingest *ingest_open(struct store *s, const struct ingest_options *o, const char *source,
			   void (*on_item)(void *user, const struct ingest_item *item), void *user)
{
	struct ingest *in = mem_zalloc(sizeof *in);
	in->store = s;
	in->o = *o;
	in->source = mem_text(source);
	in->tariffs = tariffs_open(o->book, NULL, o->currency);
	in->on_item = on_item;
	in->user = user;
	put_all_told(in);
	rollup_follow(s);
	return in;
}

void ingest_use_book(struct ingest *in, const struct book *book)
{
	tariffs_close(in->tariffs);
	in->o.book = book;
	in->tariffs = tariffs_open(book, NULL, in->o.currency);
}

void ingest_close(struct ingest *in)
{
	if (!in)
		return;
	tariffs_close(in->tariffs);
	spans_close(in->spans);
	session_sums_release(&in->sums);
	buf_release(&in->id);
	buf_release(&in->also);
	buf_release(&in->mapped);
	buf_release(&in->unread);
	buf_release(&in->text);
	buf_release(&in->told);
	buf_release(&in->full);
	buf_release(&in->other);
	dict_release(&in->customers);
	free(in->occurrence);
	free(in->source);
	free(in);
}

static void forget_occurrences(struct ingest *in)
{
	if (in->occurrences)
		memset(in->occurrence, 0, in->occurrence_room * sizeof *in->occurrence);
	in->occurrences = 0;
}

void ingest_set_source(struct ingest *in, const char *source)
{
	free(in->source);
	in->source = mem_text(source);
	in->origin = 0;
	in->counts_at_source = in->counts;
	forget_occurrences(in);
}

void ingest_start_again(struct ingest *in)
{
	const struct ingest_counts *before = &in->counts_at_source;
	struct ingest_counts *c = &in->counts;
	/* what was accepted will be a duplicate; all else will be what it was */
	c->duplicates = before->duplicates - (c->accepted - before->accepted);
	c->read = before->read;
	c->conflicts = before->conflicts;
	c->quarantined = before->quarantined;
	c->passed_over = before->passed_over;
	c->unread = before->unread;
	in->counts_at_mark = *c;
	forget_occurrences(in);
}

void ingest_next_source(struct ingest *in, const char *customer, struct instant at, void *user)
{
	if (customer) {
		dict_need(&in->customers, text_of(customer), NULL);
		customer = dict_key(&in->customers, text_of(customer)).p;
	}
	bool other = (customer == NULL) != (in->o.customer == NULL) ||
		     (customer && strcmp(customer, in->o.customer) != 0);
	in->counts = in->counts_at_mark = (struct ingest_counts){ 0 };
	forget_occurrences(in);
	in->o.has_at = true;
	in->o.at = at;
	in->user = user;
	in->o.customer = customer;
	in->o.own_ids = customer != NULL;
	if (other)
		put_all_told(in);
}

const struct ingest_counts *ingest_counts(const struct ingest *in)
{
	return &in->counts;
}

void ingest_counts_add(struct ingest_counts *to, const struct ingest_counts *c)
{
	to->read += c->read;
	to->accepted += c->accepted;
	to->duplicates += c->duplicates;
	to->conflicts += c->conflicts;
	to->quarantined += c->quarantined;
	to->unpriced += c->unpriced;
	to->grown += c->grown;
	to->archived += c->archived;
	to->passed_over += c->passed_over;
	to->unread += c->unread;
	lower_bound_add(&to->bound, &c->bound);
}

void ingest_add_unread(struct ingest *in)
{
	in->counts.unread++;
}

void ingest_add_passed_over(struct ingest *in, int64_t n)
{
	in->counts.passed_over += n;
}

void ingest_tell(struct ingest *in, enum ingest_result result, struct text id, const char *reason)
{
	in->counts.read++;
	*(result == INGEST_ACCEPTED    ? &in->counts.accepted
	  : result == INGEST_DUPLICATE ? &in->counts.duplicates
	  : result == INGEST_CONFLICT  ? &in->counts.conflicts
				       : &in->counts.quarantined) += 1;
	if (in->on_item)
		in->on_item(in->user, &(struct ingest_item){ result, id, reason });
}

static struct occurrence *occurrence_of(struct ingest *in, uint64_t hash)
{
	size_t i = hash & (in->occurrence_room - 1);
	while (in->occurrence[i].hash && in->occurrence[i].hash != hash)
		i = (i + 1) & (in->occurrence_room - 1);
	return &in->occurrence[i];
}

int64_t ingest_count_occurrence(struct ingest *in, uint64_t hash)
{
	if (in->occurrences * 2 >= in->occurrence_room) {
		struct occurrence *old = in->occurrence;
		size_t room = in->occurrence_room;
		in->occurrence_room = room ? room * 2 : 64;
		in->occurrence = mem_zalloc(in->occurrence_room * sizeof *in->occurrence);
		for (size_t i = 0; i < room; i++)
			if (old[i].hash)
				*occurrence_of(in, old[i].hash) = old[i];
		free(old);
	}
	hash |= hash == 0;
	struct occurrence *o = occurrence_of(in, hash);
	if (!o->hash) {
		o->hash = hash;
		in->occurrences++;
	}
	return ++o->count;
}

int64_t ingest_place_of(struct ingest *in, struct text raw)
{
	static const uint64_t seed[2] = { 0x68656c64, 0x706c616365 };
	return in->o.held_by_place ? ingest_count_occurrence(in, hash_bytes(raw.p, raw.n, seed))
				   : 0;
}

int ingest_refuse(struct ingest *in, const struct refused_line *r, struct instant now,
		  struct err *e)
{
	const struct held h = { .source = text_of(in->source),
				.line = r->line,
				.raw = r->raw,
				.header = r->header,
				.reason = text_of(r->why),
				.told = { in->told.p, in->told.n },
				.place = ingest_place_of(in, r->raw) };
	int rc = quarantine_hold(in->store, &h, now, e);
	if (rc == 0)
		ingest_tell(in, INGEST_QUARANTINED, TEXT(""), r->why);
	return rc;
}

void ingest_put_record(struct buf *b, const struct record *r)
{
	char when[INSTANT_TEXT_MAX];
	b->n = 0;
	buf_puts(b, "{");
	for (int f = 0; f < FIELD_TEXTS; f++)
		if (r->text[f].n) {
			buf_printf(b, "%s\"%s\":", b->n > 1 ? "," : "",
				   record_field_name((enum record_field)f));
			json_put_string(b, r->text[f]);
		}
	if (r->time_us != TIME_ABSENT)
		buf_printf(b, "%s\"time\":\"%s\"", b->n > 1 ? "," : "",
			   instant_format((struct instant){ r->time_us }, when));
	if (r->completed_us != TIME_ABSENT)
		buf_printf(b, "%s\"completed\":\"%s\"", b->n > 1 ? "," : "",
			   instant_format((struct instant){ r->completed_us }, when));
	for (int k = 0; k < COUNT_KINDS; k++)
		if (k < BUCKET_COMMON || r->counts[k])
			buf_printf(b, "%s\"%s\":%lld", b->n > 1 ? "," : "",
				   record_field_name((enum record_field)(FIELD_COUNTS + k)),
				   (long long)r->counts[k]);
	if (r->requests > 0)
		buf_printf(b, ",\"requests\":%lld", (long long)r->requests);
	buf_puts(b, "}");
}

int ingest_refuse_call(struct ingest *in, const struct metered *m, const char *why,
		       struct instant now, struct err *e)
{
	struct buf *b = &in->text;
	ingest_put_record(b, &m->record);
	b->n--;
	buf_puts(b, ",\"" HELD_MEMBER "\":");
	payload_put_held(b, m);
	buf_puts(b, "}");
	return ingest_refuse(
		in, &(struct refused_line){ .line = m->line, .raw = { b->p, b->n }, .why = why },
		now, e);
}

int ingest_origin_of(struct ingest *in, const char *shape, const char *rule, int64_t *out,
		     struct err *e)
{
	char with_version[200];
	if (in->origin && strcmp(in->shape, shape) == 0 && strcmp(in->rule, rule) == 0) {
		*out = in->origin;
		return 0;
	}
	snprintf(with_version, sizeof with_version, "%s/%d", rule, COUNTS_RULE_VERSION);
	int rc = store_origin(in->store, in->source, shape, with_version, out, e);
	in->gap = log_source_place(text_of(shape));
	/* names that do not fit are asked for again */
	in->origin = 0;
	if (rc == 0 && strlen(shape) < sizeof in->shape && strlen(rule) < sizeof in->rule) {
		strcpy(in->shape, shape);
		strcpy(in->rule, rule);
		in->origin = *out;
	}
	return rc;
}
