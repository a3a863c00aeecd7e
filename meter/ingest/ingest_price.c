#include <stdio.h>

#include "meter/ingest/ingest_parts.h"
#include "meter/store/archived.h"

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

const char *ingest_check_record(struct ingest *in, struct record *r, unsigned *flags,
				struct instant now, char why[200])
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
