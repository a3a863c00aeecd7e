#include "meter/ingest/reversal.h"

#include "meter/store/rollup.h"

/* A copy that outlives the statement which it was read with. */
void reversal_keep_row(struct usage_row *row, struct arena *a)
{
	for (int f = 0; f < FIELD_TEXTS; f++)
		row->record.text[f].p =
			arena_text(a, row->record.text[f].n ? row->record.text[f].p : "",
				   row->record.text[f].n);
	row->raw.p = arena_text(a, row->raw.n ? row->raw.p : "", row->raw.n);
}

/* The current row of an id. */
int reversal_find(struct store *s, const char *id, struct known_id *known, struct usage_row *row,
		  struct arena *a, struct err *e)
{
	int rc = store_find(s, text_of(id), known, e);
	if (rc == 0 && !known->first)
		rc = err_set(e, ERR_NOT_FOUND, "no record with id '%s'", id);
	if (rc == 0 && !known->current)
		rc = err_set(e, ERR_INVALID, "the record '%s' was voided", id);
	if (rc == 0)
		rc = store_row(s, known->current, row, e);
	if (rc == 0)
		reversal_keep_row(row, a);
	return rc;
}

int reversal_append(struct store *s, const struct usage_row *current, int64_t first, struct err *e)
{
	struct usage_row back = *current;
	back.kind = USAGE_REVERSAL;
	back.of = first;
	back.raw = TEXT("");
	for (int k = 0; k < COUNT_KINDS; k++)
		back.record.counts[k] = -back.record.counts[k];
	back.record.requests = -back.record.requests;
	back.stated.amount.pico = -back.stated.amount.pico;
	return store_append(s, &back, e);
}

int correct_void(struct store *s, const char *id, const char *why, struct err *e)
{
	struct known_id known;
	struct usage_row row;
	struct arena a = { 0 };
	rollup_follow(s);
	int rc = reversal_find(s, id, &known, &row, &a, e);
	if (rc == 0)
		rc = store_note_change(s, "void", why, e);
	if (rc == 0)
		rc = reversal_append(s, &row, known.first, e);
	arena_release(&a);
	return rc;
}

struct last_standing {
	struct usage_row row;
	struct arena arena;
};

static int note_standing(void *user, const struct usage_row *row)
{
	struct last_standing *last = user;
	if (row->kind == USAGE_REVERSAL)
		return 0;
	arena_reset(&last->arena);
	last->row = *row;
	reversal_keep_row(&last->row, &last->arena);
	return 0;
}

int correct_restore(struct store *s, const char *id, const char *why, struct err *e)
{
	struct known_id known;
	struct last_standing last = { 0 };
	rollup_follow(s);
	int rc = store_find(s, text_of(id), &known, e);
	if (rc != 0 || !known.first || known.current)
		return rc;
	rc = store_each_row_of(s, known.first, note_standing, &last, e);
	last.row.kind = USAGE_CORRECTION;
	last.row.of = known.first;
	if (rc == 0)
		rc = store_note_change(s, "amend", why, e);
	if (rc == 0)
		rc = store_append(s, &last.row, e);
	arena_release(&last.arena);
	return rc;
}

int correct_unprice(struct store *s, const char *id, const char *why, struct err *e)
{
	struct known_id known;
	struct usage_row row;
	struct arena a = { 0 };
	rollup_follow(s);
	int rc = reversal_find(s, id, &known, &row, &a, e);
	if (rc == 0)
		rc = store_note_change(s, "amend", why, e);
	if (rc == 0)
		rc = reversal_append(s, &row, known.first, e);
	const struct stored_price none = stored_price_none(row.record.text[FIELD_MODEL], why);
	row.kind = USAGE_CORRECTION;
	row.of = known.first;
	row.flags |= USAGE_UNREAD;
	if (rc == 0)
		rc = store_price(s, &none, &row.price, e);
	if (rc == 0)
		rc = store_append(s, &row, e);
	arena_release(&a);
	return rc;
}
