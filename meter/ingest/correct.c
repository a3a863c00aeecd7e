#include "meter/ingest/correct.h"

#include <stdlib.h>

#include "base/dict.h"
#include "meter/store/archived.h"
#include "meter/store/cards.h"

static int note_kind(void *user, const struct rated_card *c)
{
	*(bool *)user |= !text_is(c->kind, "book");
	return 0;
}

/* Whether the old price is of a card that is not at hand, which *name then tells, and the new one
 * of no card of the user's. */
static int is_of_missing_card(struct store *s, const struct book *book, const int64_t price[2],
			      bool *out, struct buf *name, struct err *e)
{
	bool at_hand = true, users = false;
	int rc = cards_at_hand(s, price[0], book, &at_hand, name, e);
	if (rc == 0)
		rc = cards_each(s, price[1], note_kind, &users, e);
	*out = rc == 0 && !at_hand && !users;
	return rc;
}

/* A contract's price is not lost to the book's because its card was forgotten. */
static int keep_card(struct store *s, struct ingest *in, const char *id, const int64_t price[2],
		     struct err *e)
{
	const struct stored_price *old;
	struct buf name = { 0 };
	bool missing = false;
	int rc = store_stored_price(s, price[0], &old, e);
	if (rc == 0 && old->reason.n == 0 && price[0] != price[1])
		rc = is_of_missing_card(s, ingest_book(in), price, &missing, &name, e);
	if (missing)
		rc = err_set(
			e, ERR_CONFLICT,
			"'%s' was rated by the card '%s', which is not at hand: name it with " ASKED(
				"prices") ", or take the book's price with " ASKED("other-cards"),
			id, name.p ? name.p : "");
	buf_release(&name);
	return rc;
}

bool record_field_is_amendable(enum record_field f)
{
	return f < FIELD_END && f != FIELD_ID && f != FIELD_PROMPT && f != FIELD_TOTAL &&
	       f != FIELD_CHAT && f != FIELD_PARENT;
}

#define OF_ANSWER \
	((uint64_t)1 << (FIELD_COUNTS + BUCKET_OUTPUT) | \
	 (uint64_t)1 << (FIELD_COUNTS + BUCKET_OUTPUT_AUDIO) | \
	 (uint64_t)1 << (FIELD_COUNTS + BUCKET_OUTPUT_IMAGE) | \
	 (uint64_t)1 << (FIELD_COUNTS + BUCKET_OUTPUT_VIDEO))
#define WRITES \
	((uint64_t)1 << (FIELD_COUNTS + BUCKET_CACHE_WRITE_5M) | \
	 (uint64_t)1 << (FIELD_COUNTS + BUCKET_CACHE_WRITE_1H))

int correct_amend(struct store *s, struct ingest *in, const char *id, const struct amendment *am,
		  struct err *e)
{
	struct known_id known;
	struct usage_row row = { 0 }, fresh = { 0 };
	struct arena a = { 0 };
	bool unpriced;
	int rc = reversal_find(s, id, &known, &row, &a, e);
	if (rc == 0) {
		fresh = row;
		fresh.kind = USAGE_CORRECTION;
		fresh.of = known.first;
		const struct record *given = &am->record;
		struct record *r = &fresh.record;
		for (int f = 0; f < FIELD_TEXTS; f++)
			if (f != FIELD_ID && given->present >> f & 1)
				r->text[f] = given->text[f];
		if (given->present >> FIELD_TIME & 1)
			r->time_us = given->time_us;
		if (given->present >> FIELD_COMPLETED & 1)
			r->completed_us = given->completed_us;
		for (int k = 0; k < COUNT_KINDS; k++)
			if (given->present >> (FIELD_COUNTS + k) & 1)
				r->counts[k] = given->counts[k];
		if (given->present >> FIELD_REQUESTS & 1)
			r->requests = given->requests;
		/* how long its cache writes stay is told now */
		if (fresh.flags & USAGE_UNSPLIT && given->present & WRITES)
			fresh.flags &=
				~(unsigned)(USAGE_UNSPLIT |
					    (fresh.flags & USAGE_CUT ? 0 : USAGE_BROKEN_OFF));
		if (fresh.flags & USAGE_UNDIVIDED && given->present & OF_ANSWER)
			fresh.flags &=
				~(unsigned)(USAGE_UNDIVIDED |
					    (fresh.flags & USAGE_CUT ? 0 : USAGE_BROKEN_OFF));
		struct usage u = { .requests = r->requests };
		memcpy(u.counts, r->counts, sizeof u.counts);
		rc = usage_check(&u, e);
		char why[200];
		if (rc == 0 && ingest_check_size(r, why))
			rc = err_set(e, ERR_RANGE, "%s", why);
	}
	if (rc == 0)
		rc = store_note_change(s, "amend", am->why, e);
	if (rc == 0)
		rc = reversal_append(s, &row, known.first, e);
	if (rc == 0)
		rc = store_series(s, &fresh.record, &fresh.series, e);
	if (rc == 0)
		fresh.flags = ingest_boundary(in, &fresh.record, fresh.flags);
	const struct rated what = { .record = &fresh.record,
				    .stated = fresh.stated,
				    .flags = fresh.flags };
	if (rc == 0)
		rc = ingest_price(in, &what, &fresh.price, &unpriced, e);
	if (rc == 0 && !am->other_cards)
		rc = keep_card(s, in, id, (const int64_t[]){ row.price, fresh.price }, e);
	if (rc == 0)
		rc = ingest_bound(in, fresh.price, &fresh.flags, e);
	if (rc == 0)
		rc = store_append(s, &fresh, e);
	arena_release(&a);
	return rc;
}

struct rerating {
	struct store *store;
	struct ingest *in;
	struct rerate_result *out;
	struct dict index;  /* model, old and new price to 1 + line */
	struct dict others; /* old and new price to whether another card's is kept */
	const struct rerate_wish *wish;
	/* rows that no longer stand: 1 bit a row */
	uint8_t *gone;
	struct change {
		int64_t seq, first, price;
	} * change;
	size_t changes;
	struct err *e;
};

static struct text keep_text(struct rerate_result *out, struct text t)
{
	return (struct text){ arena_text(&out->arena, t.n ? t.p : "", t.n), t.n };
}

/* Whether the old price is of a card that is not at hand, and the new one of the book alone. */
static int is_of_another_card(struct rerating *r, int64_t old, int64_t fresh, bool *out)
{
	const int64_t key[2] = { old, fresh };
	enum { NO = 1, YES };
	uint64_t *known =
		dict_need(&r->others, (struct text){ (const char *)key, sizeof key }, NULL);
	struct buf name = { 0 }, *missing = &r->out->missing;
	bool is = *known == YES;
	int rc = *known ? 0
			: is_of_missing_card(r->store, ingest_book(r->in), key, &is, &name, r->e);
	if (rc == 0)
		*known = is ? YES : NO;
	*out = is;
	if (*out && name.n && !(missing->p && strstr(missing->p, name.p)))
		buf_printf(missing, "%s%s", missing->n ? ", " : "", name.p);
	buf_release(&name);
	return rc;
}

static int compare_row(struct rerating *r, const struct usage_row *row)
{
	const struct stored_price *old, *fresh;
	struct money_total before, after;
	int64_t price;
	bool unpriced;
	/* no card makes up for what the call itself leaves open */
	if (row->flags & USAGE_UNREAD)
		return 0;
	const struct rated what = { .record = &row->record,
				    .stated = row->stated,
				    .flags = ingest_boundary(r->in, &row->record, row->flags) };
	int rc = ingest_price(r->in, &what, &price, &unpriced, r->e);
	if (rc != 0 || price == row->price)
		return rc;
	rc = store_stored_price(r->store, row->price, &old, r->e);
	if (rc == 0 && old->reason.n == 0 && !text_eq(old->currency, r->wish->currency)) {
		r->out->elsewhere++;
		return 0;
	}
	if (rc == 0 && unpriced && old->reason.n == 0 && !r->wish->unprice) {
		r->out->kept++;
		return 0;
	}
	bool another = false;
	if (rc == 0 && !unpriced && old->reason.n == 0 && !r->wish->other_cards)
		rc = is_of_another_card(r, row->price, price, &another);
	if (rc == 0 && another) {
		r->out->others++;
		return 0;
	}
	if (rc == 0)
		rc = store_stored_price(r->store, price, &fresh, r->e);
	if (rc == 0)
		rc = stored_price_amount(old, row->record.counts, row->record.requests, &before,
					 r->e);
	if (rc == 0)
		rc = stored_price_amount(fresh, row->record.counts, row->record.requests, &after,
					 r->e);
	if (rc != 0)
		return rc;
	struct rerate_result *out = r->out;
	const int64_t key[2] = { row->price, price };
	uint64_t *at = dict_need(&r->index, (struct text){ (const char *)key, sizeof key }, NULL);
	if (!*at) {
		if ((out->count & (out->count - 1)) == 0)
			out->line = mem_grow(out->line,
					     (out->count ? out->count * 2 : 1) * sizeof *out->line);
		out->line[out->count] = (struct rerate_line){
			.model = keep_text(out, row->record.text[FIELD_MODEL]),
			.from_ref = keep_text(out, old->ref),
			.to_ref = keep_text(out, fresh->ref),
			.from_window = keep_text(out, old->window),
			.to_window = keep_text(out, fresh->window),
			.from_why = keep_text(out, old->reason),
			.to_why = keep_text(out, fresh->reason),
		};
		*at = ++out->count;
	}
	struct rerate_line *line = &out->line[*at - 1];
	line->records++;
	out->records++;
	if (!money_total_add(&line->before, before) || !money_total_add(&line->after, after) ||
	    !money_total_add(&out->before, before) || !money_total_add(&out->after, after))
		return err_set(r->e, ERR_RANGE, "the amounts are larger than a total can hold");
	if ((r->changes & (r->changes - 1)) == 0)
		r->change =
			mem_grow(r->change, (r->changes ? r->changes * 2 : 1) * sizeof *r->change);
	r->change[r->changes++] = (struct change){ row->seq, row->of ? row->of : row->seq, price };
	return 0;
}

static int take_current(void *user, const struct usage_row *row)
{
	struct rerating *r = user;
	if (row->kind == USAGE_REVERSAL || r->gone[row->seq / 8] >> (row->seq % 8) & 1 ||
	    row->record.time_us < r->wish->since.us || row->record.time_us >= r->wish->until.us)
		return 0;
	return compare_row(r, row);
}

/* A reversal reverses the row of its record that stood last before it. */
struct standing {
	struct rerating *r;
	struct dict last; /* first row to the row that stands */
};

static int follow_chain(void *user, const struct usage_row *row)
{
	struct standing *st = user;
	if (row->kind == USAGE_RECORD)
		return 0;
	const int64_t first = row->of;
	uint64_t *stands =
		dict_need(&st->last, (struct text){ (const char *)&first, sizeof first }, NULL);
	if (row->kind == USAGE_CORRECTION) {
		*stands = (uint64_t)row->seq;
		return 0;
	}
	int64_t gone = *stands ? (int64_t)*stands : first;
	st->r->gone[gone / 8] |= (uint8_t)(1u << (gone % 8));
	return 0;
}

int correct_rerate(struct rerate_result *out, struct store *s, struct ingest *in,
		   const struct rerate_wish *wish, struct err *e)
{
	const int64_t last = store_last_seq(s);
	struct rerating r = { .store = s, .in = in, .out = out, .wish = wish, .e = e };
	struct standing st = { .r = &r };
	*out = (struct rerate_result){ 0 };
	r.gone = mem_zalloc((size_t)last / 8 + 1);
	const struct row_span span = { 1, last, wish->since.us, wish->until.us };
	int rc = store_each_row(s, &span, follow_chain, &st, e);
	if (rc == 0)
		rc = store_each_row(s, &span, take_current, &r, e);
	if (rc == 0 && !wish->dry && r.changes)
		rc = store_note_change(s, "rerate", wish->why, e);
	for (size_t i = 0; rc == 0 && !wish->dry && i < r.changes; i++) {
		struct usage_row row;
		struct arena a = { 0 };
		rc = store_row(s, r.change[i].seq, &row, e);
		if (rc == 0) {
			reversal_keep_row(&row, &a);
			rc = reversal_append(s, &row, r.change[i].first, e);
		}
		if (rc == 0) {
			row.kind = USAGE_CORRECTION;
			row.of = r.change[i].first;
			row.price = r.change[i].price;
			row.flags = ingest_boundary(in, &row.record, row.flags);
			rc = ingest_bound(in, row.price, &row.flags, e);
			if (rc == 0)
				rc = store_append(s, &row, e);
		}
		arena_release(&a);
	}
	dict_release(&r.index);
	dict_release(&r.others);
	dict_release(&st.last);
	free(r.gone);
	free(r.change);
	if (rc != 0)
		rerate_result_release(out);
	return rc;
}

void rerate_result_release(struct rerate_result *r)
{
	free(r->line);
	buf_release(&r->missing);
	arena_release(&r->arena);
	*r = (struct rerate_result){ 0 };
}
