#include <stdio.h>

#include "meter/formats/assemble.h"
#include "meter/formats/counts.h"
#include "meter/ingest/ingest_parts.h"
#include "meter/ingest/quarantine.h"
#include "meter/store/archived.h"
#include "meter/store/rollup.h"

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
		rc = ingest_origin_of(in, m->shape, m->rule, &row->origin, e);
	if (rc == 0)
		rc = ingest_price(in, &what, &row->price, unpriced, e);
	if (rc == 0)
		rc = ingest_bound(in, row->price, &row->flags, e);
	if (rc == 0)
		rc = store_append(in->store, row, e);
	if (rc == 0 && in->o.own_ids)
		rc = store_set_own_ids(in->store, e);
	if (rc == 0 && !in->o.own_ids)
		rc = ingest_note_other_ids(in, m, r->text[FIELD_ID], e);
	if (rc == 0 && ingest_may_be_of_session(in, m))
		rc = session_sums_note(&in->sums, in->store, m, r->text[FIELD_ID], e);
	return rc;
}

/* The call is known, and its record is archived: there is nothing to compare it with, and it counts
 * once. */
static int take_archived(struct ingest *in, struct text id, const struct err *why)
{
	in->stored = id;
	in->counts.archived++;
	ingest_tell(in, INGEST_DUPLICATE, in->shown, why->message);
	return 0;
}

/* Whether sums and calls of its session are to be asked for, and which of them are archived (empty:
 * none), so that nobody can say whether the record counts already. */
static int look_for_session(struct ingest *in, const struct metered *m, bool *out, char lacks[200],
			    struct err *e)
{
	struct err failed = { 0 };
	*lacks = 0;
	*out = ingest_may_be_of_session(in, m);
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
	struct usage_row row = { .record = ingest_with_defaults(in, m),
				 .flags = ingest_flags_of(m) };
	struct record *const r = &row.record;
	struct known_id known;
	char why[200], lacks[200];
	bool unpriced, of_session;
	if (in->o.own_ids && !text_is(r->text[FIELD_CUSTOMER], in->o.customer))
		return ingest_refuse_call(in, m, INGEST_FOREIGN, now, e);
	int rc = ingest_find_id(in, r->text[FIELD_CUSTOMER], &id, &known, &failed);
	r->text[FIELD_ID] = id;
	r->present |= (uint64_t)1 << FIELD_ID;
	if (rc == 0)
		rc = ingest_find_call(in, m, r, &known, &failed);
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
		return rc == 0 ? ingest_take_known(in, m, r, &known, now, e) : rc;
	}
	if (!bad)
		bad = ingest_check_record(in, r, &row.flags, now, why);
	if (!bad && *lacks)
		bad = lacks;
	const struct span span = ingest_span_of(m, r);
	if (!bad && (rc = ingest_look_for_crossing(in, &span, &bad, e)) != 0)
		return rc;
	const bool sound = !bad;
	if (!bad && (rc = ingest_look_for_double(in, m, &span, &bad, e)) != 0)
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
		ingest_tell(in, INGEST_DUPLICATE, in->shown, NULL);
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
	ingest_tell(in, INGEST_ACCEPTED, in->shown, NULL);
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
