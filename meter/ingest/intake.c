#include "meter/ingest/intake.h"

#include "base/clock.h"
#include "meter/store/rollup.h"

enum { RECORDS_A_COMMIT = 10000, COMMIT_AFTER_US = 500000 };

static int begin(struct intake *x, struct err *e)
{
	if (x->open)
		return 0;
	x->now = clock_now();
	int rc = store_begin(x->store, x->now, e);
	if (rc != 0)
		return rc;
	x->open = true;
	x->beside = false;
	ingest_mark(x->in);
	return 0;
}

static int begin_beside(struct intake *x, struct err *e)
{
	x->now = clock_now();
	int rc = store_begin_beside(x->store, x->now, &x->beside, e);
	if (rc != 0)
		return rc;
	x->open = true;
	ingest_mark(x->in);
	return 0;
}

static void roll_back(struct intake *x)
{
	if (!x->open)
		return;
	store_rollback(x->store);
	ingest_back_to_mark(x->in);
	x->open = false;
}

static int take_now(struct intake *x, const struct metered *m, struct text id, int64_t line,
		    struct err *e)
{
	x->item_line = line;
	return ingest_take_as(x->in, m, id, x->now, e);
}

static int refuse_now(struct intake *x, const struct refused_line *r, struct err *e)
{
	x->item_line = -1;
	int rc = ingest_refuse(x->in, r, x->now, e);
	if (rc == 0 && x->o->on_refusal)
		x->o->on_refusal(x->o->user, x->path, r->line, r->why);
	return rc;
}

static int take_each_gathered(struct intake *x, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < x->gathered.count; i++) {
		const struct gathered_item *g = &x->gathered.item[i];
		if (!g->refused.why)
			rc = ingest_want_series(x->in, &g->record, g->id, e);
	}
	if (rc == 0)
		rc = store_make_series(x->store, e);
	for (size_t i = 0; rc == 0 && i < x->gathered.count; i++) {
		const struct gathered_item *g = &x->gathered.item[i];
		rc = g->refused.why ? refuse_now(x, &g->refused, e)
				    : take_now(x, &g->record, g->id, g->line, e);
	}
	return rc;
}

/* Beside others where there are only new records; what turns out to be more is done in turn. */
static int take_gathered(struct intake *x, struct err *e)
{
	struct err why = { 0 };
	const bool in_turn = x->open || x->gathered.refusals || x->gathered.in_turn;
	int rc = 0;
	if (x->gathered.count) {
		rc = in_turn ? begin(x, &why) : begin_beside(x, &why);
		if (rc == 0)
			rc = take_each_gathered(x, &why);
	}
	if (rc != 0 && why.code == ERR_BUSY && x->open && x->beside) {
		roll_back(x);
		for (size_t i = 0; i < x->gathered.count; i++)
			ingest_prefetch(x->in, &x->gathered.item[i].record, x->gathered.item[i].id);
		why.code = ERR_NONE;
		rc = begin(x, &why);
		if (rc == 0)
			rc = take_each_gathered(x, &why);
	}
	gathered_clear(&x->gathered);
	if (rc != 0 && e)
		*e = why;
	return rc;
}

int intake_end(struct intake *x, int rc, struct err *e)
{
	if (rc == 0)
		rc = take_gathered(x, e);
	gathered_clear(&x->gathered);
	x->since_commit = 0;
	if (rc != 0)
		roll_back(x);
	if (!x->open)
		return rc;
	x->open = false;
	if (!x->beside)
		rc = rollup_catch_up(x->store, ROLLUP_LAG_MOST, e);
	if (rc == 0)
		rc = store_commit(x->store, e);
	else
		store_rollback(x->store);
	if (rc != 0)
		ingest_back_to_mark(x->in);
	else if (x->beside)
		rc = rollup_catch_up_beside(x->store, ROLLUP_LAG_LOADING, x->now, e);
	return rc;
}

static int commit_when_due(struct intake *x, struct err *e)
{
	if (x->since_commit++ == 0)
		x->began_us = clock_monotonic_us();
	if (x->since_commit < RECORDS_A_COMMIT &&
	    (x->since_commit % 64 != 0 || clock_monotonic_us() - x->began_us < COMMIT_AFTER_US))
		return 0;
	int rc = intake_end(x, 0, e);
	if (rc == 0 && x->o->progress)
		x->o->progress(x->o->user, ingest_counts(x->in)->read,
			       x->bytes_before + x->bytes_done, x->bytes_total);
	return rc;
}

int intake_take(struct intake *x, const struct metered *m, int64_t line, struct err *e)
{
	int rc = 0;
	struct metered own;
	if (m->mapped.n) {
		own = *m;
		own.also = ingest_mapped_id(x->in, m);
		m = &own;
	}
	const struct text id = ingest_id(x->in, m);
	x->anonymous |= m->record.text[FIELD_ID].n == 0;
	if (x->gathers) {
		ingest_prefetch(x->in, m, id);
		gathered_add(&x->gathered, m, id, line);
	} else {
		rc = begin(x, e);
		if (rc == 0)
			rc = take_now(x, m, id, line, e);
	}
	return rc == 0 ? commit_when_due(x, e) : rc;
}

int intake_refuse(struct intake *x, const struct refused_line *r, struct err *e)
{
	int rc = 0;
	if (x->gathers) {
		gathered_refuse(&x->gathered, r);
	} else {
		rc = begin(x, e);
		if (rc == 0)
			rc = refuse_now(x, r, e);
	}
	return rc == 0 ? commit_when_due(x, e) : rc;
}

void intake_refuse_later(struct intake *x, const struct refused_line *r)
{
	if (x->failure.code == ERR_NONE)
		intake_refuse(x, r, &x->failure);
}

void intake_prefetch(struct intake *x, struct text id)
{
	/* where they are gathered, each is looked up when it is taken */
	if (id.n && !x->gathers)
		store_prefetch(x->store, id);
}

int intake_take_calls(struct intake *x, struct assembly *calls, struct err *e)
{
	const size_t n = assembly_count(calls);
	int rc = x->failure.code == ERR_NONE ? 0 : -(int)x->failure.code;
	if (rc != 0)
		*e = x->failure;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct metered *m = assembly_call(calls, i);
		for (size_t k = i; i % BATCH_ROWS == 0 && k < n && k < i + BATCH_ROWS; k++)
			intake_prefetch(x, assembly_call(calls, k)->record.text[FIELD_ID]);
		rc = intake_take(x, m, m->line, e);
	}
	assembly_clear(calls);
	return rc;
}

int intake_hold(struct intake *x, struct err *e)
{
	int rc = begin(x, e);
	return rc == 0 ? take_gathered(x, e) : rc;
}

int intake_end_source(struct intake *x, struct err *e)
{
	return x->gathered.count ? intake_end(x, 0, e) : 0;
}

void intake_start_again(struct intake *x)
{
	roll_back(x);
	gathered_clear(&x->gathered);
	ingest_start_again(x->in);
}

/* What ingest itself refuses or finds in conflict is told with the line, too. */
static void tell_item(void *user, const struct ingest_item *item)
{
	struct intake *x = user;
	if (item->reason && x->item_line >= 0 && x->o->on_refusal)
		x->o->on_refusal(x->o->user, x->path, x->item_line, item->reason);
}

void intake_open(struct intake *x, struct store *s, const struct ingest_files *o, const char *path)
{
	*x = (struct intake){
		.store = s, .o = o, .path = path, .gathers = db_on_server(store_db(s))
	};
	x->in = ingest_open(s, &o->options, path, tell_item, x);
}

void intake_close(struct intake *x)
{
	ingest_close(x->in);
	gathered_release(&x->gathered);
}

void intake_set_source(struct intake *x, const char *path)
{
	x->path = path;
	x->anonymous = false;
	x->bytes_done = 0;
	ingest_set_source(x->in, path);
}
