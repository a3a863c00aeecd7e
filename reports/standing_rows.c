#include "reports/standing_rows.h"

#include <stdlib.h>

#include "base/dict.h"
#include "meter/store/archived.h"

struct standing_rows {
	struct standing_question q;
	int64_t last;
	uint8_t *gone;	    /* a bit a row */
	struct dict stands; /* record's own row to the row that stands for it */
	bool *counts;
	unsigned *flags;
	int (*take)(void *user, const struct usage_row *row);
	void *user;
};

static void set_gone(struct standing_rows *x, int64_t seq)
{
	x->gone[seq / 8] |= (uint8_t)(1 << seq % 8);
}

static bool is_gone(const struct standing_rows *x, int64_t seq)
{
	return x->gone[seq / 8] >> (seq % 8) & 1;
}

/* First look: which rows were reversed, and what rows have. */
static int find_gone(void *user, const struct usage_row *row)
{
	struct standing_rows *x = user;
	for (int k = 0; x->counts && k < COUNT_KINDS; k++)
		x->counts[k] |= row->record.counts[k] != 0;
	*x->flags |= row->flags;
	if (!row->of)
		return 0;
	const int64_t first = row->of;
	uint64_t *standing =
		dict_need(&x->stands, (struct text){ (const char *)&first, sizeof first }, NULL);
	if (row->kind == USAGE_REVERSAL) {
		set_gone(x, *standing ? (int64_t)*standing : first);
		set_gone(x, row->seq);
	} else {
		*standing = (uint64_t)row->seq;
	}
	return 0;
}

static int hand_on(void *user, const struct usage_row *row)
{
	const struct standing_rows *x = user;
	const struct record *r = &row->record;
	if (is_gone(x, row->seq) || r->time_us < x->q.since.us || r->time_us >= x->q.until.us ||
	    (x->q.customer && !text_is(r->text[FIELD_CUSTOMER], x->q.customer)))
		return 0;
	return x->take(x->user, row);
}

int standing_rows_open(struct standing_rows **out, const struct standing_question *q, bool *counts,
		       unsigned *flags, struct err *e)
{
	struct standing_rows *x = *out = mem_zalloc(sizeof *x);
	*x = (struct standing_rows){ .q = *q, .counts = counts, .flags = flags };
	int rc = store_refresh(q->store, e);
	x->last = store_last_seq(q->store);
	x->gone = mem_zalloc((size_t)x->last / 8 + 1);
	return rc == 0 ? store_each_row(q->store,
					&(struct row_span){ 1, x->last, q->since.us, q->until.us },
					find_gone, x, e)
		       : rc;
}

int standing_rows_each(struct standing_rows *x,
		       int (*take)(void *user, const struct usage_row *row), void *user,
		       struct err *e)
{
	x->take = take;
	x->user = user;
	return store_each_row(x->q.store,
			      &(struct row_span){ 1, x->last, x->q.since.us, x->q.until.us },
			      hand_on, x, e);
}

void standing_rows_close(struct standing_rows *x)
{
	if (!x)
		return;
	free(x->gone);
	dict_release(&x->stands);
	free(x);
}
