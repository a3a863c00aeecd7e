#include "meter/ingest/ingest.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/dict.h"
#include "base/json.h"
#include "meter/formats/assemble.h"
#include "meter/formats/counts.h"
#include "meter/ingest/quarantine.h"
#include "meter/ingest/reversal.h"
#include "meter/ingest/session_sums.h"
#include "meter/ingest/spans.h"
#include "meter/store/archived.h"
#include "meter/store/record_id.h"
#include "meter/store/rollup.h"
#include "pricing/tariffs.h"

/* How often a content without an id stood in this source. */
struct occurrence {
	uint64_t hash; /* 0: free */
	int64_t count;
};

struct ingest {
	struct store *store;
	struct ingest_options o;
	char *source;
	struct tariffs *tariffs;
	struct session_sums sums;
	struct spans *spans; /* what is counted already; opened with the first record */
	void (*on_item)(void *user, const struct ingest_item *item);
	void *user;
	struct ingest_counts counts, counts_at_mark, counts_at_source;
	struct occurrence *occurrence;
	size_t occurrences, occurrence_room;
	struct buf id, text, told;
	struct dict customers;	/* that sources were sent for: their names outlive the requests */
	struct buf full, other; /* ids in the spaces of customers */
	struct text stored;	/* and as it is stored */
	bool looks_at_own;	/* there are such ids: they are looked for ahead */
	struct text shown;	/* the id of the record at work as its sender knows it */
	struct buf also;	/* an id of another call under the same name */
	struct buf mapped;	/* that of the record as --map names it */
	struct buf unread;	/* why a call that is known has no price */
	int twin; /* which of the calls that say the same the record is; 0: no matter */
	/* of the last record: most follow each other with the same shape */
	char shape[72],
		rule[72]; /* of `origin`: copies, for one place may hold another name later */
	int64_t origin;
	int gap; /* place of the last record's shape among the gaps, or -1 */
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

static void tell(struct ingest *in, enum ingest_result result, struct text id, const char *reason)
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

/* Counts one more occurrence of that content in this source. */
static int64_t count_occurrence(struct ingest *in, uint64_t hash)
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

/* Which of the equal ones of its source what is held is; 0: that does not matter. */
static int64_t place_of(struct ingest *in, struct text raw)
{
	static const uint64_t seed[2] = { 0x68656c64, 0x706c616365 };
	return in->o.held_by_place ? count_occurrence(in, hash_bytes(raw.p, raw.n, seed)) : 0;
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
				.place = place_of(in, r->raw) };
	int rc = quarantine_hold(in->store, &h, now, e);
	if (rc == 0)
		tell(in, INGEST_QUARANTINED, TEXT(""), r->why);
	return rc;
}

static void put_record(struct buf *b, const struct record *r)
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
	put_record(b, &m->record);
	b->n--;
	buf_puts(b, ",\"" HELD_MEMBER "\":");
	payload_put_held(b, m);
	buf_puts(b, "}");
	return ingest_refuse(
		in, &(struct refused_line){ .line = m->line, .raw = { b->p, b->n }, .why = why },
		now, e);
}

/* Numbers as bytes that are the same on every machine. */
static void put_number(uint8_t *out, int64_t v)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)((uint64_t)v >> (i * 8));
}

/* What a vendor tells of a bucket beside its count is no part of what a call is known by: earlier
 * versions did not read it. */
static bool is_part(int kind)
{
	return kind >= BUCKET_COUNT && kind < COUNT_TOKENS;
}

/* The counts that ids were always made of stand at their places; what came later is added by name,
 * where there is any, so that no record's id changes when a bucket or a unit is new. */
enum { ID_BUCKETS = 16, ID_FIRST_UNIT = COUNT_TOKENS, ID_NUMBERS = ID_BUCKETS + 4 };

static void put_later_counts(struct buf *b, const struct record *r)
{
	for (int k = ID_BUCKETS; k < COUNT_KINDS; k++)
		if (k != ID_FIRST_UNIT && !is_part(k) && r->counts[k])
			buf_printf(b, "%s=%lld ", count_name(k), (long long)r->counts[k]);
}

/* An id for a record that has none: its content, and which of the equal ones of its source it is.
 */
static struct text make_id(struct ingest *in, const struct record *r)
{
	static const char hex[] = "0123456789abcdef";
	struct text part[FIELD_TEXTS + 2];
	uint8_t numbers[ID_NUMBERS][8], hash[16];
	uint64_t half;
	char id[48] = "auto:";
	size_t n = 5;
	for (int f = 0; f < FIELD_TEXTS; f++)
		part[f] = r->text[f].n ? r->text[f] : TEXT("");
	for (int b = 0; b < ID_BUCKETS; b++)
		put_number(numbers[b], r->tokens[b]);
	put_number(numbers[ID_BUCKETS], r->time_us);
	put_number(numbers[ID_BUCKETS + 1], r->completed_us);
	put_number(numbers[ID_BUCKETS + 2], r->requests);
	put_number(numbers[ID_BUCKETS + 3], r->counts[ID_FIRST_UNIT]);
	part[FIELD_TEXTS] = (struct text){ (const char *)numbers, sizeof numbers };
	in->text.n = 0;
	put_later_counts(&in->text, r);
	part[FIELD_TEXTS + 1] = (struct text){ in->text.p, in->text.n };
	content_hash(hash, part, FIELD_TEXTS + 1 + (in->text.n != 0));
	memcpy(&half, hash, sizeof half);
	int64_t nth = count_occurrence(in, half);
	for (int i = 0; i < 16; i++) {
		id[n++] = hex[hash[i] >> 4];
		id[n++] = hex[hash[i] & 15];
	}
	in->id.n = 0;
	buf_add(&in->id, id, n);
	if (nth > 1)
		buf_printf(&in->id, ":%lld", (long long)nth);
	return (struct text){ in->id.p, in->id.n };
}

static void default_text(struct record *r, enum record_field f, const char *value)
{
	if (r->text[f].n || !value)
		return;
	r->text[f] = text_of(value);
	r->present |= (uint64_t)1 << f;
}

const char *ingest_check_size(const struct record *r, char why[200])
{
	const char *name = r->requests > RECORD_COUNT_MOST ? "requests" : NULL;
	int64_t count = r->requests, bits = 0;
	for (int k = 0; k < COUNT_KINDS; k++)
		bits |= r->counts[k];
	/* hardly any record has a bit so high: then none of them is too large */
	if (!name && (uint64_t)bits < RECORD_COUNT_MOST)
		return NULL;
	for (int k = 0; !name && k < COUNT_KINDS; k++)
		if (r->counts[k] > RECORD_COUNT_MOST) {
			name = count_name(k);
			count = r->counts[k];
		}
	if (!name)
		return NULL;
	snprintf(why, 200, "field '%s' (%lld) is larger than a record may count (10^12)", name,
		 (long long)count);
	return why;
}

/* Why a record cannot be stored, or NULL. */
static const char *check(struct ingest *in, struct record *r, unsigned *flags, struct instant now,
			 char why[200])
{
	if (r->time_us == TIME_ABSENT && r->completed_us != TIME_ABSENT)
		r->time_us = r->completed_us;
	if (r->time_us == TIME_ABSENT && in->o.has_at) {
		r->time_us = in->o.at.us;
		*flags |= USAGE_TIME_ASSUMED;
	}
	if (r->time_us == TIME_ABSENT)
		return "the record has no instant, and without one a call has no price (the "
		       "option 'at' gives one)";
	int64_t ahead = r->time_us - now.us;
	if (ahead > in->o.ahead_us_most) {
		snprintf(why, 200,
			 "field 'time' lies %lld hours in the future; at most %lld are accepted",
			 (long long)(ahead / US_PER_HOUR),
			 (long long)(in->o.ahead_us_most / US_PER_HOUR));
		return why;
	}
	if (-ahead > in->o.behind_us_most) {
		snprintf(why, 200,
			 "field 'time' lies %lld days in the past; at most %lld are accepted",
			 (long long)(-ahead / US_PER_DAY),
			 (long long)(in->o.behind_us_most / US_PER_DAY));
		return why;
	}
	struct err closed;
	if (archived_is_open(store_archived(in->store), r->time_us, &closed) != 0) {
		snprintf(why, 200, "field 'time': %.180s", closed.message);
		return why;
	}
	return NULL;
}

const struct book *ingest_book(const struct ingest *in)
{
	return in->o.book;
}

unsigned ingest_boundary(const struct ingest *in, const struct record *r, unsigned flags)
{
	const bool known = r->completed_us != TIME_ABSENT && !(flags & USAGE_AGGREGATE);
	if (in->o.by_completion && known)
		return flags | USAGE_BY_COMPLETION;
	return in->o.by_start ? flags & ~(unsigned)USAGE_BY_COMPLETION : flags;
}

/* Whose prices are remembered: some 15 MB. */
enum { SUBJECTS_MOST = 20000 };

int ingest_price(struct ingest *in, const struct rated *what, int64_t *price, bool *unpriced,
		 struct err *e)
{
	const struct record *r = what->record;
	struct err why;
	struct stored_price p;
	*unpriced = true;
	if (what->unread) {
		p = stored_price_none(r->text[FIELD_MODEL], what->unread);
		return store_price(in->store, &p, price, e);
	}
	if (tariffs_subjects(in->tariffs) > SUBJECTS_MOST)
		ingest_use_book(in, in->o.book);
	const bool aggregate = what->flags & USAGE_AGGREGATE;
	const int64_t us = what->flags & USAGE_BY_COMPLETION ? r->completed_us : r->time_us;
	struct subject *s =
		tariffs_subject(in->tariffs, r->text[FIELD_PROVIDER], r->text[FIELD_MODEL],
				r->text[FIELD_SERVICE_TIER], r->text[FIELD_REGION]);
	const char *doubt =
		aggregate ? tariffs_divided(in->tariffs, s, r->time_us, r->completed_us) : NULL;
	struct tariff_answer *a = tariffs_ask(in->tariffs, s, us);
	/* one price holds for every call under a plain answer that uses only stated buckets */
	const bool rare = counts_any_rare(r->counts);
	uint32_t used = 0;
	int64_t prompt = 0;
	for (int k = 0; k < BUCKET_COMMON; k++) {
		used |= (uint32_t)(r->counts[k] != 0) << k;
		prompt += bucket_is_prompt((enum bucket)k) ? r->counts[k] : 0;
	}
	if (!aggregate && r->requests < 2 && !rare)
		a = tariffs_of_prompt(a, prompt);
	const bool plain = a->plain && !(used & a->unstated) && !rare && !doubt;
	if (plain && a->number) {
		*price = a->number;
		*unpriced = false;
		return 0;
	}
	*unpriced = true;
	if (a->price && !doubt) {
		struct usage u = { .requests = r->requests };
		if (aggregate && u.requests < 2)
			u.requests = 2; /* how long each prompt was is not told */
		usage_set_counts(&u, r->counts);
		*unpriced = stored_price_of(&p, &u, a->price, a->tariff, &why) != 0;
		const int rc = *unpriced || !p.card ? 0 : book_identify(in->o.book, p.card, e);
		if (rc != 0)
			return rc;
	}
	struct fee fee;
	if (*unpriced && what->stated.given && !what->stated.estimate && r->requests > 0 &&
	    strcmp(in->o.currency, "USD") == 0) {
		p = stored_price_stated(&fee, r->text[FIELD_PROVIDER], r->text[FIELD_MODEL],
					what->stated.amount, r->requests);
		*unpriced = false;
	} else if (*unpriced) {
		p = stored_price_none(r->text[FIELD_MODEL], doubt      ? doubt
							    : a->price ? why.message
								       : a->unpriced);
	}
	int rc = store_price(in->store, &p, price, e);
	if (rc == 0 && plain)
		a->number = *price;
	return rc;
}

int ingest_bound(struct ingest *in, int64_t price, unsigned *flags, struct err *e)
{
	const struct stored_price *p;
	if (!(*flags & (USAGE_UNSPLIT | USAGE_UNDIVIDED)))
		return 0;
	const int rc = store_stored_price(in->store, price, &p, e);
	if (rc == 0)
		*flags = *flags & USAGE_CUT ||
					 (*flags & USAGE_UNSPLIT && rates_by_lifetime(&p->rates)) ||
					 (*flags & USAGE_UNDIVIDED && rates_by_modality(&p->rates))
				 ? *flags | USAGE_BROKEN_OFF
				 : *flags & ~(unsigned)USAGE_BROKEN_OFF;
	return rc;
}

static int origin_of(struct ingest *in, const char *shape, const char *rule, int64_t *out,
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

/* Texts that a later sighting may add to a record which lacks them. */
enum { ADDED_FIRST = FIELD_PROVIDER, ADDED_LAST = FIELD_EFFORT };

/* Adds a name to those of the fields in which the later record differs. */
static void put_difference(struct buf *differs, const char *name)
{
	buf_printf(differs, "%s%s", differs->n ? "," : "", name);
}

/* What one side does not say is no contradiction. */
static bool is_other_text(enum record_field f, struct text a, struct text b)
{
	return f == FIELD_MODEL ? sighting_is_other_model(a, b) : a.n && b.n && !text_eq(a, b);
}

/* Of the texts in `which`, a bit each. */
static void compare_texts(struct buf *differs, const struct record *h, const struct record *r,
			  unsigned which)
{
	for (int f = ADDED_FIRST; f <= FIELD_WORKLOAD; f++)
		if (which >> f & 1 && is_other_text((enum record_field)f, h->text[f], r->text[f]))
			put_difference(differs, record_field_name((enum record_field)f));
}

/* Names of the fields in which the later record differs; empty when it says the same. */
static void compare(struct buf *differs, const struct usage_row *have, const struct record *r,
		    bool ignore_time)
{
	const struct record *h = &have->record;
	differs->n = 0;
	for (int k = 0; k < COUNT_KINDS; k++)
		if (h->counts[k] != r->counts[k] &&
		    !(is_part(k) && (!h->counts[k] || !r->counts[k])))
			put_difference(differs, count_name(k));
	if (h->requests != r->requests)
		put_difference(differs, "requests");
	if (!ignore_time && h->time_us != r->time_us)
		put_difference(differs, "time");
	compare_texts(differs, h, r, ~0u);
}

static unsigned flags_of(const struct metered *m)
{
	return (m->cumulative ? USAGE_CUMULATIVE : 0) |
	       (m->broken_off ? USAGE_BROKEN_OFF | USAGE_CUT : 0) |
	       (metered_is_unsplit(m) ? USAGE_UNSPLIT : 0) |
	       (metered_is_undivided(m) ? USAGE_UNDIVIDED : 0) |
	       (m->aggregate ? USAGE_AGGREGATE : 0) | (m->unread ? USAGE_UNREAD : 0);
}

static bool says_more(const struct record *have, const struct record *r)
{
	bool more = false;
	for (int f = ADDED_FIRST; f <= ADDED_LAST; f++)
		more |= !have->text[f].n && r->text[f].n;
	return more;
}

static int append_grown(struct ingest *in, const struct metered *m, struct usage_row *have,
			const struct known_id *known, const struct record *r, struct err *e)
{
	struct usage_row back, row;
	bool unpriced;
	/* what is reversed may live in the statement that the next call reuses */
	struct arena keep = { 0 };
	int rc = store_note_change(in->store, "grown", "a later sighting of the call", e);
	back = *have;
	for (int f = 0; f < FIELD_TEXTS; f++)
		back.record.text[f] = (struct text){
			arena_text(&keep, back.record.text[f].n ? back.record.text[f].p : "",
				   back.record.text[f].n),
			back.record.text[f].n
		};
	back.raw = TEXT("");
	back.kind = USAGE_REVERSAL;
	back.of = known->first;
	for (int k = 0; k < COUNT_KINDS; k++)
		back.record.counts[k] = -back.record.counts[k];
	back.record.requests = -back.record.requests;
	back.stated.amount.pico = -back.stated.amount.pico;
	if (rc == 0)
		rc = store_append(in->store, &back, e);
	const unsigned flags =
		ingest_boundary(in, r, (have->flags & USAGE_CUMULATIVE) | flags_of(m));
	const struct stated_cost stated = m->stated.given ? m->stated : have->stated;
	struct record whole = *r;
	for (int f = ADDED_FIRST; f <= ADDED_LAST; f++)
		if (back.record.text[f].n)
			whole.text[f] = back.record.text[f];
	sighting_share_others(whole.counts, have->record.counts);
	const struct rated what = { &whole, flags, m->unread, stated };
	row = (struct usage_row){ .kind = USAGE_CORRECTION,
				  .stated = stated,
				  .of = known->first,
				  .record = whole,
				  .series = have->series,
				  .raw = m->raw,
				  .flags = flags };
	/* the sighting may come from a source that names the call otherwise */
	row.record.text[FIELD_ID] = back.record.text[FIELD_ID];
	if (rc == 0 && says_more(&back.record, r))
		rc = store_series(in->store, &whole, &row.series, e);
	if (rc == 0)
		rc = origin_of(in, m->shape, m->rule, &row.origin, e);
	if (rc == 0)
		rc = ingest_price(in, &what, &row.price, &unpriced, e);
	if (rc == 0)
		rc = ingest_bound(in, row.price, &row.flags, e);
	if (rc == 0)
		rc = store_append(in->store, &row, e);
	arena_release(&keep);
	in->counts.grown += rc == 0;
	session_sums_grown(&in->sums);
	return rc;
}

/* Whether the end of its answer is missing. */
static bool is_cut(const struct usage_row *have)
{
	const unsigned why = have->flags & (USAGE_UNSPLIT | USAGE_CUT | USAGE_UNDIVIDED);
	return have->flags & USAGE_BROKEN_OFF && (!why || why & USAGE_CUT);
}

/* The later sighting with what both say of the call beside its counts, which are still its own.
 * counts: how those of the later compare. *news: whether that is more than what is stored. have:
 * stays the current row. */
static int say_together(struct ingest *in, struct metered *both, bool *news,
			const struct usage_row *have, enum sighting counts, struct err *e)
{
	const unsigned why = have->flags & (USAGE_UNSPLIT | USAGE_CUT | USAGE_UNDIVIDED);
	const int64_t *was = have->record.tokens, *is = both->record.tokens;
	const bool part = have->flags & USAGE_BROKEN_OFF, cut = is_cut(have),
		   unsplit = why ? why & USAGE_UNSPLIT : part && !was[BUCKET_CACHE_WRITE_1H];
	const struct stored_price *price;
	both->broken_off = sighting_is_part(counts, cut, both->broken_off);
	both->record.unsplit = sighting_is_unsplit(
		counts, (struct sighting_lifetimes){ sighting_writes(was), unsplit },
		(struct sighting_lifetimes){ sighting_writes(is), both->record.unsplit });
	if (counts != SIGHTING_LARGER)
		both->record.undivided = have->flags & USAGE_UNDIVIDED &&
					 (both->record.undivided || counts == SIGHTING_SMALLER);
	const bool ends = cut && !both->broken_off, splits = unsplit && !both->record.unsplit,
		   divides = why & USAGE_UNDIVIDED && !both->record.undivided;
	/* of a row that does not tell why, both must be over */
	*news = (both->unread && !(have->flags & USAGE_UNREAD)) ||
		(why ? ends || splits || divides
		     : part && !both->broken_off && !both->record.unsplit);
	if (both->unread || !(have->flags & USAGE_UNREAD))
		return 0;
	int rc = store_stored_price(in->store, have->price, &price, e);
	if (rc == 0) {
		in->unread.n = 0;
		buf_add(&in->unread, price->reason.p, price->reason.n);
		both->unread = in->unread.p;
	}
	return rc;
}

/* How a sighting compares with what is stored, and by its counts alone (*counts); grown becomes
 * what both say together. */
static enum sighting compare_sightings(const struct ingest *in, const struct metered *m,
				       const struct usage_row *have, struct record *grown,
				       enum sighting *counts)
{
	int64_t stored[BUCKET_COUNT];
	int64_t time_us = have->record.time_us, completed_us = have->record.completed_us;
	memcpy(stored, have->record.tokens, sizeof stored);
	if (m->record.unsplit || m->unread || have->flags & (USAGE_UNREAD | USAGE_UNSPLIT) ||
	    text_is(have->shape, "claude-code.event"))
		sighting_share_split(stored, grown->tokens);
	/* what is stored may be what several sources say together: its shape is that of the last */
	if (m->twin.n)
		sighting_share_cached(stored, grown->tokens);
	enum sighting s = sighting_compare(stored, grown->tokens);
	for (int u = 0; u < UNIT_COUNT; u++)
		if (s == SIGHTING_SAME && grown->units[u] > have->record.units[u])
			s = SIGHTING_LARGER;
	if (m->cumulative && have->flags & USAGE_CUMULATIVE && !m->aggregate)
		s = sighting_beside_weak(s, have->flags & USAGE_UNREAD, m->unread);
	/* under another request's id it would be another call */
	if (m->cumulative && m->also.n && !m->within)
		s = sighting_beside_weak(s, is_cut(have), m->broken_off);
	*counts = s;
	if (m->aggregate) { /* its instants are its bounds */
		/* calls that failed in a bucket count no token */
		return s == SIGHTING_SAME && grown->requests > have->record.requests
			       ? SIGHTING_LARGER
			       : s;
	}
	sighting_span(&time_us, &completed_us, grown);
	/* the call began with its earliest sighting, and its cache writes may be told by lifetime
	 * now
	 */
	if (s != SIGHTING_OTHER &&
	    (time_us < have->record.time_us || says_more(&have->record, grown) ||
	     memcmp(stored, have->record.tokens, sizeof stored) != 0 ||
	     (in->o.by_completion && completed_us != have->record.completed_us))) {
		if (s == SIGHTING_SMALLER)
			memcpy(grown->tokens, stored, sizeof stored);
		s = SIGHTING_LARGER;
	}
	grown->time_us = time_us;
	grown->completed_us = completed_us;
	return s;
}

/* The record with what the caller said of all. */
static struct record with_defaults(struct ingest *in, const struct metered *m)
{
	struct record r = m->record;
	default_text(&r, FIELD_CUSTOMER, in->o.customer);
	default_text(&r, FIELD_PROJECT, in->o.project);
	default_text(&r, FIELD_MODEL, in->o.model);
	default_text(&r, FIELD_PROVIDER, in->o.provider);
	return r;
}

struct text ingest_id(struct ingest *in, const struct metered *m)
{
	/* on a server an id is claimed before anything can be looked up */
	if (m->copy_of.n && db_on_server(store_db(in->store)))
		return m->copy_of;
	if (m->record.text[FIELD_ID].n)
		return m->record.text[FIELD_ID];
	struct metered own = *m;
	payload_unmap(&own.record, m->mapped);
	const struct record r = with_defaults(in, &own);
	return make_id(in, &r);
}

struct text ingest_mapped_id(struct ingest *in, const struct metered *m)
{
	if (!m->mapped.n || m->record.text[FIELD_ID].n || m->also.n)
		return m->also;
	const struct record r = with_defaults(in, m);
	const struct text id = make_id(in, &r);
	in->mapped.n = 0;
	buf_add(&in->mapped, id.p, id.n);
	return (struct text){ in->mapped.p, in->mapped.n };
}

/* The name after aliases. */
static struct text resolve(void *user, struct text provider, struct text model, int64_t time_us)
{
	struct ingest *in = user;
	struct subject *s = tariffs_subject(in->tariffs, provider, model, TEXT(""), TEXT(""));
	const struct tariff_answer *a = tariffs_ask(in->tariffs, s, time_us);
	return a->resolved && *a->resolved ? text_of(a->resolved) : model;
}

static struct span span_of(const struct metered *m, const struct record *r)
{
	const bool metric = strcmp(m->shape, OTLP_METRIC_SHAPE) == 0;
	return (struct span){
		r->time_us,	      r->completed_us,	 r->text[FIELD_PROVIDER],
		r->text[FIELD_MODEL], text_of(m->shape), metric ? r->text[FIELD_ID] : TEXT("")
	};
}

static int take_back(struct ingest *in, struct text id, const char *why, struct err *e)
{
	in->also.n = 0;
	buf_add(&in->also, id.p, id.n);
	return correct_void(in->store, in->also.p, why, e);
}

/* The sums of metrics that count the call give way to it. */
static int take_back_sums(struct ingest *in, const struct span *call, struct err *e)
{
	struct text id;
	int rc = 0;
	while (rc == 0 &&
	       spans_take_sum(in->spans, call->provider, call->model, call->from_us, &id))
		rc = take_back(in, id, "calls arrived that the metric had already summed up", e);
	return rc;
}

/* Delta sums that the cumulative one of their series counts give way to it. */
static int take_back_parts(struct ingest *in, const struct span *sum, struct err *e)
{
	struct text id;
	int rc = 0;
	while (rc == 0 && spans_take_part(in->spans, sum, &id))
		rc = take_back(in, id, "the cumulative sum of its series counts it", e);
	return rc;
}

static int open_spans(struct ingest *in, struct err *e)
{
	return in->spans ? 0 : spans_open(&in->spans, in->store, resolve, in, e);
}

/* Whether the record is a sum of a metric that another one of its series counts in part. */
static int look_for_crossing(struct ingest *in, const struct span *span, const char **why,
			     struct err *e)
{
	int rc = span->id.n ? open_spans(in, e) : 0;
	if (rc == 0 && span->id.n)
		*why = spans_refuse_crossing(in->spans, span);
	return rc;
}

/* Whether what the record counts is counted already, by calls or by a bucket; *why then says so. */
static int look_for_double(struct ingest *in, const struct metered *m, const struct span *span,
			   const char **why, struct err *e)
{
	int rc = open_spans(in, e);
	if (rc == 0 && m->aggregate) {
		rc = spans_refuse_bucket(in->spans, in->store, span, why, e);
		return rc == 0 && !*why && span->id.n ? take_back_parts(in, span, e) : rc;
	}
	if (rc == 0)
		*why = spans_refuse_call(in->spans, span->provider, span->model, span->from_us);
	return rc == 0 && !*why ? take_back_sums(in, span, e) : rc;
}

/* A metric's sum that has grown over calls that are stored gives way to them, too. */
static int grow_sum(struct ingest *in, const struct metered *m, const struct record *grown,
		    bool *gone, struct err *e)
{
	const char *why = NULL;
	int rc = 0;
	*gone = false;
	if (strcmp(m->shape, OTLP_METRIC_SHAPE) != 0)
		return 0;
	const struct span span = span_of(m, grown);
	rc = look_for_double(in, m, &span, &why, e);
	if (rc == 0 && !why)
		spans_add_bucket(in->spans, &span);
	if (rc != 0 || !why)
		return rc;
	*gone = true;
	return take_back(in, span.id, why, e);
}

enum { REFUSED = 1 };

/* The stored call becomes the larger sighting. Returns REFUSED where it must not, which is told. */
static int grow(struct ingest *in, const struct metered *m, const struct record *grown,
		const struct known_id *known, struct instant now, struct err *e)
{
	struct usage_row have;
	const char *why = NULL;
	bool gone = false;
	const struct span span = span_of(m, grown);
	int rc = look_for_crossing(in, &span, &why, e);
	if (rc == 0 && why) {
		rc = ingest_refuse_call(in, m, why, now, e);
		return rc == 0 ? REFUSED : rc;
	}
	if (rc == 0)
		rc = grow_sum(in, m, grown, &gone, e);
	if (rc != 0 || gone)
		return rc;
	rc = store_row(in->store, known->current, &have, e);
	return rc == 0 ? append_grown(in, m, &have, known, grown, e) : rc;
}

/* Of what both say, the counts and instants of what is stored. */
static void keep_counts(struct record *both, const struct record *have)
{
	memcpy(both->counts, have->counts, sizeof both->counts);
	both->requests = have->requests;
	both->time_us = have->time_us;
	both->completed_us = have->completed_us;
}

/* Of agents' logs and telemetry and of what agents print. */
static bool may_be_of_session(const struct ingest *in, const struct metered *m)
{
	return !metered_stands_alone(m) && !in->o.own_ids;
}

/* Whether what is stored is the copy of a call that a fork of its session wrote with instants of
 * its own: the earliest is the call's. */
static bool is_copied_from(const struct ingest *in, const struct metered *m,
			   const struct usage_row *have, const struct record *r)
{
	return may_be_of_session(in, m) && !(have->flags & USAGE_TIME_ASSUMED) &&
	       r->time_us != TIME_ABSENT && r->time_us < have->record.time_us;
}

/* The record says what is stored, and perhaps more: whose call it was, say. */
static int take_repeated(struct ingest *in, const struct metered *m, const struct record *r,
			 const struct known_id *known, struct err *e)
{
	struct usage_row have;
	struct metered both = *m;
	bool news = false;
	int rc = store_row(in->store, known->current, &have, e);
	if (rc == 0)
		rc = say_together(in, &both, &news, &have, SIGHTING_SAME, e);
	const bool earlier = is_copied_from(in, m, &have, r);
	if (rc == 0 && (news || earlier || says_more(&have.record, r))) {
		struct record more = *r;
		keep_counts(&more, &have.record);
		if (earlier) {
			more.time_us = r->time_us;
			more.completed_us = r->completed_us;
		}
		memcpy(both.record.tokens, more.tokens, sizeof more.tokens);
		rc = append_grown(in, &both, &have, known, &more, e);
	}
	if (rc == 0)
		tell(in, INGEST_DUPLICATE, in->shown, NULL);
	return rc;
}

/* The id is stored already. */
static int take_known(struct ingest *in, const struct metered *m, const struct record *r,
		      const struct known_id *known, struct instant now, struct err *e)
{
	struct usage_row have;
	bool news = false;
	int rc;
	if (!known->current) { /* it was voided: sending it again changes nothing */
		tell(in, INGEST_DUPLICATE, in->shown, NULL);
		return 0;
	}
	/* a correction does not make the original a conflict */
	rc = store_row(in->store, known->first, &have, e);
	if (rc != 0)
		return rc;
	if ((m->cumulative || have.flags & USAGE_CUMULATIVE) &&
	    !sighting_is_other_model(have.record.text[FIELD_MODEL], r->text[FIELD_MODEL])) {
		if (known->current != known->first &&
		    (rc = store_row(in->store, known->current, &have, e)) != 0)
			return rc;
		struct record grown = *r;
		enum sighting counts, s = compare_sightings(in, m, &have, &grown, &counts);
		struct metered both = *m;
		if (s != SIGHTING_OTHER)
			rc = say_together(in, &both, &news, &have, counts, e);
		if (news && s == SIGHTING_SMALLER)
			keep_counts(&grown, &have.record);
		memcpy(both.record.tokens, grown.tokens, sizeof grown.tokens);
		if (rc == 0 && (s == SIGHTING_LARGER || (s != SIGHTING_OTHER && news)))
			rc = grow(in, &both, &grown, known, now, e);
		if (rc == REFUSED)
			return 0;
		if (s != SIGHTING_OTHER) {
			if (rc == 0)
				tell(in, INGEST_DUPLICATE, in->shown, NULL);
			return rc;
		}
	}
	compare(&in->text, &have, r,
		m->cumulative || have.flags & USAGE_TIME_ASSUMED || r->time_us == TIME_ABSENT ||
			may_be_of_session(in, m));
	unsigned added = 0;
	for (int f = ADDED_FIRST; f <= ADDED_LAST; f++)
		added |= (unsigned)!have.record.text[f].n << f;
	if (in->text.n == 0 && known->current != known->first) {
		if ((rc = store_row(in->store, known->current, &have, e)) != 0)
			return rc;
		compare_texts(&in->text, &have.record, r, added);
	}
	if (in->text.n == 0)
		return take_repeated(in, m, r, known, e);
	struct buf record = { 0 };
	char why[300];
	snprintf(why, sizeof why, "the id is stored with another %s; the first record counts",
		 in->text.p);
	put_record(&record, r);
	const struct conflicting c = { .first = known->first,
				       .record = { record.p, record.n },
				       .differs = { in->text.p, in->text.n },
				       .source = text_of(in->source),
				       .line = m->line,
				       .place = place_of(in, (struct text){ record.p, record.n }) };
	rc = conflict_hold(in->store, &c, now, e);
	if (rc == 0)
		tell(in, INGEST_CONFLICT, in->shown, why);
	buf_release(&record);
	return rc;
}

static struct text own_id(struct buf *b, struct text customer, struct text id)
{
	b->n = 0;
	record_id_put_own(b, customer, id);
	return (struct text){ b->p, b->n };
}

void ingest_prefetch(struct ingest *in, const struct metered *m, struct text id)
{
	if (in->o.own_ids) {
		store_prefetch(in->store, own_id(&in->full, text_of(in->o.customer), id));
		store_prefetch_look(in->store, id);
	} else {
		store_prefetch(in->store, id);
		struct text customer = m->record.text[FIELD_CUSTOMER];
		if (!customer.n && in->o.customer)
			customer = text_of(in->o.customer);
		if (in->looks_at_own && customer.n)
			store_prefetch_look(in->store, own_id(&in->full, customer, id));
	}
}

int ingest_want_series(struct ingest *in, const struct metered *m, struct text id, struct err *e)
{
	struct known_id known;
	if (!db_on_server(store_db(in->store)))
		return 0;
	const struct record r = with_defaults(in, m);
	if (in->o.own_ids)
		id = own_id(&in->full, text_of(in->o.customer), id);
	int rc = store_find(in->store, id, &known, e);
	if (rc == -ERR_ARCHIVED)
		return 0; /* it is known */
	return rc == 0 && !known.first ? store_want_series(in->store, &r, e) : rc;
}

/* What an operator or a file had recorded of the call before its customer sent it. */
static int find_common(struct ingest *in, struct text customer, struct text *id,
		       struct known_id *known, struct err *e)
{
	struct usage_row row = { 0 };
	struct known_id common;
	int rc = store_look_for(in->store, in->shown, &common, e);
	if (rc == 0 && common.first)
		rc = store_row(in->store, common.first, &row, e);
	if (rc == 0 && common.first && text_eq(row.record.text[FIELD_CUSTOMER], customer)) {
		*known = common;
		*id = in->shown;
	}
	return rc;
}

/* What the customer sent of the call that an operator or a file records now. */
static int find_own(struct ingest *in, struct text customer, struct text *id,
		    struct known_id *known, struct err *e)
{
	struct known_id own;
	bool any;
	int rc = store_has_own_ids(in->store, &any, e);
	if (rc != 0 || !any)
		return rc;
	in->looks_at_own = true;
	const struct text full = own_id(&in->other, customer, in->shown);
	rc = store_look_for(in->store, full, &own, e);
	if (rc == 0 && own.first) {
		*known = own;
		*id = full;
	}
	return rc;
}

/* The call of the agent's other source that says the same, and has no pair yet; in->twin is the
 * number of the pair. */
static int find_twin(struct ingest *in, const struct metered *m, struct known_id *known,
		     struct err *e)
{
	char room[TWIN_ROOM];
	struct known_id own;
	int rc = 0;
	in->twin = 0;
	if (!m->twin.n)
		return 0;
	do
		rc = store_find_also(in->store, twin_name(room, m, ++in->twin, m->in_log), true,
				     &own, e);
	while (rc == 0 && own.first);
	if (rc == 0)
		rc = store_find_also(in->store, twin_name(room, m, in->twin, !m->in_log), true,
				     known, e);
	return rc;
}

/* That the record has, or is, the source's part of the pair. */
static int note_twin(struct ingest *in, const struct metered *m, struct text id, struct err *e)
{
	char room[TWIN_ROOM];
	if (!in->twin || !m->twin.n)
		return 0;
	return store_also(in->store, twin_name(room, m, in->twin, m->in_log), id, false, e);
}

/* The record meets one of the other source, under whose id it is kept. */
static int meet_twin(struct ingest *in, const struct metered *m, struct text id,
		     const struct known_id *known, struct err *e)
{
	struct usage_row have;
	int rc = store_row(in->store, known->first, &have, e);
	if (rc != 0)
		return rc;
	in->also.n = 0;
	buf_add(&in->also, have.record.text[FIELD_ID].p, have.record.text[FIELD_ID].n);
	const struct text kept = { in->also.p, in->also.n };
	rc = store_also(in->store, id, kept, false, e);
	return rc == 0 ? note_twin(in, m, kept, e) : rc;
}

/* The other ids of a new record. */
static int note_other_ids(struct ingest *in, const struct metered *m, struct text id, struct err *e)
{
	int rc = 0;
	if (m->also.n)
		rc = store_also(in->store, m->also, id, false, e);
	if (rc == 0 && m->copy_of.n)
		rc = store_also(in->store, m->copy_of, id, true, e);
	return rc == 0 ? note_twin(in, m, id, e) : rc;
}

/* Whether a known record is another call under the same id: some relays give every answer one. */
static int is_other_call(struct ingest *in, const struct metered *m, const struct record *r,
			 const struct known_id *known, bool *other, struct err *e)
{
	struct known_id same;
	struct usage_row have;
	int rc = store_find_also(in->store, m->also, false, &same, e);
	*other = false;
	if (rc != 0 || same.first == known->first)
		return rc;
	rc = store_row(in->store, known->current, &have, e);
	*other = rc == 0 && text_is(have.shape, m->shape) &&
		 sighting_is_other_request(have.record.tokens, r->tokens);
	return rc;
}

/* What another source calls the call, or whose copy it is. */
static int find_elsewhere(struct ingest *in, const struct metered *m, const struct record *r,
			  struct known_id *known, struct err *e)
{
	const struct text id = r->text[FIELD_ID];
	struct usage_row have;
	int rc = m->also.n ? store_look_for(in->store, m->also, known, e)
			   : store_find_also(in->store, id, true, known, e);
	/* an id that is not the call's own proves nothing where the input side is another */
	if (rc == 0 && known->first && (rc = store_row(in->store, known->first, &have, e)) == 0 &&
	    sighting_is_other_request(have.record.tokens, r->tokens))
		known->first = known->current = 0;
	if (rc != 0 || known->first || !m->copy_of.n)
		return rc;
	rc = store_look_for(in->store, m->copy_of, known, e);
	if (rc == 0 && !known->first)
		rc = store_find_also(in->store, m->copy_of, false, known, e);
	/* a fork of the fork names the copy */
	if (rc == 0 && known->first && (rc = store_row(in->store, known->first, &have, e)) == 0) {
		in->also.n = 0;
		buf_add(&in->also, have.record.text[FIELD_ID].p, have.record.text[FIELD_ID].n);
		rc = store_also(in->store, id, (struct text){ in->also.p, in->also.n }, false, e);
	}
	return rc;
}

/*
 * An id that a customer's token sends is that customer's own. One of an operator or a file is of
 * the common space, and there of whatever customer its first record names. The same id of the same
 * customer in both is the same call, whoever tells of it first. *id becomes the one that the record
 * is, or will be, stored with.
 */
static int find_id(struct ingest *in, struct text customer, struct text *id, struct known_id *known,
		   struct err *e)
{
	in->shown = *id;
	if (in->o.own_ids)
		*id = own_id(&in->full, customer, *id);
	int rc = store_find(in->store, *id, known, e);
	if (rc != 0 || known->first || !customer.n)
		return rc;
	return in->o.own_ids ? find_common(in, customer, id, known, e)
			     : find_own(in, customer, id, known, e);
}

/* The record that this is another sighting of, where its id does not tell; r gets the id under
 * which it is kept where it is new. What a customer's token sends is sought in that customer's
 * space alone. */
static int find_call(struct ingest *in, const struct metered *m, struct record *r,
		     struct known_id *known, struct err *e)
{
	struct text *id = &r->text[FIELD_ID];
	bool other = false;
	int rc = 0;
	if (in->o.own_ids || metered_stands_alone(m))
		return 0;
	if (store_is_beside(in->store))
		return err_set(e, ERR_BUSY, "calls that may be known by another id are pending");
	if (known->first && known->current && m->also.n && !m->within)
		rc = is_other_call(in, m, r, known, &other, e);
	if (rc == 0 && other) {
		in->also.n = 0;
		buf_printf(&in->also, "%.*s#%.*s", (int)id->n, id->p, (int)m->also.n, m->also.p);
		*id = in->shown = (struct text){ in->also.p, in->also.n };
		return store_find(in->store, *id, known, e);
	}
	in->twin = 0;
	if (rc == 0 && !known->first)
		rc = find_elsewhere(in, m, r, known, e);
	/* it met its twin before */
	if (rc == 0 && !known->first && m->twin.n)
		rc = store_find_also(in->store, *id, true, known, e);
	if (rc != 0 || known->first)
		return rc;
	rc = find_twin(in, m, known, e);
	return rc == 0 && known->first ? meet_twin(in, m, *id, known, e) : rc;
}

/* The row of a record that is new and sound, and what is known of its call from now on. */
static int append(struct ingest *in, const struct metered *m, struct usage_row *row, bool *unpriced,
		  struct err *e)
{
	const struct record *r = &row->record;
	const struct rated what = { r, row->flags, m->unread, m->stated };
	row->kind = USAGE_RECORD;
	row->stated = m->stated;
	row->raw = m->raw;
	int rc = store_series(in->store, r, &row->series, e);
	if (rc == 0)
		rc = origin_of(in, m->shape, m->rule, &row->origin, e);
	if (rc == 0)
		rc = ingest_price(in, &what, &row->price, unpriced, e);
	if (rc == 0)
		rc = ingest_bound(in, row->price, &row->flags, e);
	if (rc == 0)
		rc = store_append(in->store, row, e);
	if (rc == 0 && in->o.own_ids)
		rc = store_set_own_ids(in->store, e);
	if (rc == 0 && !in->o.own_ids)
		rc = note_other_ids(in, m, r->text[FIELD_ID], e);
	if (rc == 0 && may_be_of_session(in, m))
		rc = session_sums_note(&in->sums, in->store, m, r->text[FIELD_ID], e);
	return rc;
}

/* The call is known, and its record is archived: there is nothing to compare it with, and it counts
 * once. */
static int take_archived(struct ingest *in, struct text id, const struct err *why)
{
	in->stored = id;
	in->counts.archived++;
	tell(in, INGEST_DUPLICATE, in->shown, why->message);
	return 0;
}

/* Whether sums and calls of its session are to be asked for, and which of them are archived (empty:
 * none), so that nobody can say whether the record counts already. */
static int look_for_session(struct ingest *in, const struct metered *m, bool *out, char lacks[200],
			    struct err *e)
{
	struct err failed = { 0 };
	*lacks = 0;
	*out = may_be_of_session(in, m);
	int rc = *out ? session_sums_need(in->store, m, &failed) : 0;
	if (rc != -ERR_ARCHIVED)
		return rc == 0 ? 0 : err_pass(e, &failed);
	*out = false;
	snprintf(lacks, 200, "field 'session': %.180s", failed.message);
	return 0;
}

int ingest_take_as(struct ingest *in, const struct metered *m, struct text id, struct instant now,
		   struct err *e)
{
	struct err failed = { 0 };
	struct usage_row row = { .record = with_defaults(in, m), .flags = flags_of(m) };
	struct record *const r = &row.record;
	struct known_id known;
	char why[200], lacks[200];
	bool unpriced, of_session;
	if (in->o.own_ids && !text_is(r->text[FIELD_CUSTOMER], in->o.customer))
		return ingest_refuse_call(in, m, INGEST_FOREIGN, now, e);
	int rc = find_id(in, r->text[FIELD_CUSTOMER], &id, &known, &failed);
	r->text[FIELD_ID] = id;
	r->present |= (uint64_t)1 << FIELD_ID;
	if (rc == 0)
		rc = find_call(in, m, r, &known, &failed);
	if (rc == -ERR_ARCHIVED)
		return take_archived(in, r->text[FIELD_ID], &failed);
	if (rc != 0)
		return err_pass(e, &failed);
	in->stored = r->text[FIELD_ID];
	const char *bad = ingest_check_size(r, why);
	if ((rc = look_for_session(in, m, &of_session, lacks, e)) != 0)
		return rc;
	if (known.first && !bad) {
		rc = of_session ? session_sums_again(&in->sums, in->store, m, &known, e) : 0;
		return rc == 0 ? take_known(in, m, r, &known, now, e) : rc;
	}
	if (!bad)
		bad = check(in, r, &row.flags, now, why);
	if (!bad && *lacks)
		bad = lacks;
	const struct span span = span_of(m, r);
	if (!bad && (rc = look_for_crossing(in, &span, &bad, e)) != 0)
		return rc;
	const bool sound = !bad;
	if (!bad && (rc = look_for_double(in, m, &span, &bad, e)) != 0)
		return rc;
	enum session_met met = MET_NOTHING;
	if (!bad && of_session && (rc = session_sums_meet(&in->sums, in->store, m, &met, e)) != 0)
		return rc;
	if (met == MET_UNSURE)
		bad = MAY_BE_HELD;
	struct metered own;
	if (met == MET_IN_PART) {
		own = *m;
		own.unread = CALLS_ARE_MISSING;
		row.flags |= USAGE_UNREAD;
		m = &own;
	}
	/* a metric, or the sum of a session, says again what is told better already */
	if (met == MET_AGAIN || (bad && sound && strcmp(m->shape, OTLP_METRIC_SHAPE) == 0)) {
		tell(in, INGEST_DUPLICATE, in->shown, NULL);
		return 0;
	}
	if (bad)
		return ingest_refuse_call(in, m, bad, now, e);
	row.flags = ingest_boundary(in, r, row.flags);
	rc = append(in, m, &row, &unpriced, e);
	if (rc != 0)
		return rc;
	if (m->aggregate)
		spans_add_bucket(in->spans, &span);
	else
		spans_add_call(in->spans, span.provider, span.model, span.from_us);
	in->counts.unpriced += unpriced;
	in->counts.bound.placeholders += (row.flags & USAGE_BROKEN_OFF) != 0;
	lower_bound_see_place(&in->counts.bound, in->gap);
	if (m->met)
		lower_bound_see(&in->counts.bound, m->met);
	tell(in, INGEST_ACCEPTED, in->shown, NULL);
	return 0;
}

struct text ingest_last_id(const struct ingest *in)
{
	return in->stored;
}

int ingest_take(struct ingest *in, const struct metered *m, struct instant now, struct err *e)
{
	return ingest_take_as(in, m, ingest_id(in, m), now, e);
}

void ingest_mark(struct ingest *in)
{
	in->counts_at_mark = in->counts;
	session_sums_begin(&in->sums);
}

static void forget_number(void *user, struct tariff_answer *a)
{
	(void)user;
	a->number = 0;
}

void ingest_back_to_mark(struct ingest *in)
{
	in->counts = in->counts_at_mark;
	in->origin = 0;
	session_sums_forget(&in->sums);
	/* dictionary entries that were made since are gone as well */
	tariffs_each(in->tariffs, forget_number, NULL);
}
