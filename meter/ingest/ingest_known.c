#include <stdio.h>

#include "meter/formats/assemble.h"
#include "meter/formats/counts.h"
#include "meter/ingest/ingest_parts.h"
#include "meter/ingest/quarantine.h"
#include "meter/ingest/reversal.h"

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
		    !(ingest_is_part_of_count(k) && (!h->counts[k] || !r->counts[k])))
			put_difference(differs, count_name(k));
	if (h->requests != r->requests)
		put_difference(differs, "requests");
	if (!ignore_time && h->time_us != r->time_us)
		put_difference(differs, "time");
	compare_texts(differs, h, r, ~0u);
}

unsigned ingest_flags_of(const struct metered *m)
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
		ingest_boundary(in, r, (have->flags & USAGE_CUMULATIVE) | ingest_flags_of(m));
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
		rc = ingest_origin_of(in, m->shape, m->rule, &row.origin, e);
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
	if (m->made && sighting_is_other_answer(&have->record, grown))
		s = SIGHTING_OTHER;
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

enum { REFUSED = 1 };

/* The stored call becomes the larger sighting. Returns REFUSED where it must not, which is told. */
static int grow(struct ingest *in, const struct metered *m, const struct record *grown,
		const struct known_id *known, struct instant now, struct err *e)
{
	struct usage_row have;
	const char *why = NULL;
	bool gone = false;
	const struct span span = ingest_span_of(m, grown);
	int rc = ingest_look_for_crossing(in, &span, &why, e);
	if (rc == 0 && why) {
		rc = ingest_refuse_call(in, m, why, now, e);
		return rc == 0 ? REFUSED : rc;
	}
	if (rc == 0)
		rc = ingest_grow_sum(in, m, grown, &gone, e);
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

bool ingest_may_be_of_session(const struct ingest *in, const struct metered *m)
{
	return !metered_stands_alone(m) && !in->o.own_ids;
}

/* Whether what is stored is the copy of a call that a fork of its session wrote with instants of
 * its own: the earliest is the call's. */
static bool is_copied_from(const struct ingest *in, const struct metered *m,
			   const struct usage_row *have, const struct record *r)
{
	return ingest_may_be_of_session(in, m) && !(have->flags & USAGE_TIME_ASSUMED) &&
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
		ingest_tell(in, INGEST_DUPLICATE, in->shown, NULL);
	return rc;
}

int ingest_take_known(struct ingest *in, const struct metered *m, const struct record *r,
		      const struct known_id *known, struct instant now, struct err *e)
{
	struct usage_row have;
	bool news = false;
	int rc;
	if (!known->current) { /* it was voided: sending it again changes nothing */
		ingest_tell(in, INGEST_DUPLICATE, in->shown, NULL);
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
				ingest_tell(in, INGEST_DUPLICATE, in->shown, NULL);
			return rc;
		}
	}
	compare(&in->text, &have, r,
		m->cumulative || have.flags & USAGE_TIME_ASSUMED || r->time_us == TIME_ABSENT ||
			ingest_may_be_of_session(in, m));
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
	ingest_put_record(&record, r);
	const struct conflicting c = { .first = known->first,
				       .record = { record.p, record.n },
				       .differs = { in->text.p, in->text.n },
				       .source = text_of(in->source),
				       .line = m->line,
				       .place = ingest_place_of(in, (struct text){ record.p,
										   record.n }) };
	rc = conflict_hold(in->store, &c, now, e);
	if (rc == 0)
		ingest_tell(in, INGEST_CONFLICT, in->shown, why);
	buf_release(&record);
	return rc;
}
