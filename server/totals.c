#include "server/totals.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/zone.h"
#include "meter/store/usage_query.h"

struct totals {
	const struct reader_options *o;
	struct store *store;
	struct zone *utc;
	struct usage_sums all, today;
	int64_t day;  /* that `today` is of */
	int64_t seq;  /* rows up to that one are in both */
	int64_t rows; /* as they were told then */
	bool known;
};

struct totals *totals_open(const struct reader_options *o)
{
	struct totals *t = mem_zalloc(sizeof *t);
	t->o = o;
	return t;
}

void totals_close(struct totals *t)
{
	if (!t)
		return;
	store_close(t->store);
	zone_close(t->utc);
	free(t);
}

/* The sums of the rows from that one on (0: all), of the period. */
static int sum(struct totals *t, int64_t from, struct instant since, struct usage_sums *to,
	       struct err *e)
{
	const struct usage_filter f = {
		.since = since, .until = INSTANT_MAX, .seq_from = from, .currency = t->o->currency
	};
	struct usage_result *r = NULL;
	int rc = usage_query(&r, t->store, &f, &(struct usage_grouping){ .zone = t->utc }, e);
	if (rc == 0)
		rc = usage_sums_add(to, usage_total(r), e);
	usage_result_close(r);
	return rc;
}

static int keep_up(struct totals *t, int64_t day, struct err *e)
{
	const struct instant midnight = { day * US_PER_DAY };
	/* rows of a server may appear between others: only a file's come in their order */
	const bool again = !t->known || db_on_server(store_db(t->store));
	int rc = db_begin_reading(store_db(t->store), e);
	if (rc == 0)
		rc = store_refresh(t->store, e);
	const int64_t last = rc == 0 ? store_last_seq(t->store) : 0;
	if (again)
		t->all = t->today = (struct usage_sums){ 0 };
	else if (day != t->day)
		t->today = (struct usage_sums){ 0 };
	if (rc == 0 && (again || last > t->seq))
		rc = sum(t, again ? 0 : t->seq + 1, INSTANT_MIN, &t->all, e);
	if (rc == 0 && (again || day != t->day || last > t->seq))
		rc = sum(t, again || day != t->day ? 0 : t->seq + 1, midnight, &t->today, e);
	if (db_in_transaction(store_db(t->store)))
		db_rollback(store_db(t->store));
	t->known = rc == 0;
	t->seq = last;
	t->day = day;
	return rc;
}

static void put_sums(struct buf *out, const struct totals *t, const char *name,
		     const struct usage_sums *s)
{
	char text[DECIMAL_TEXT_MAX];
	int64_t tokens = 0;
	for (int b = 0; b < BUCKET_COUNT; b++)
		tokens += b == BUCKET_REASONING ? 0 : s->tokens[b]; /* part of output */
	buf_printf(out,
		   "\"%s\":{\"currency\":\"%s\",\"total\":\"%s\",\"at_least\":%s,\"records\":%lld,"
		   "\"requests\":%lld,\"tokens\":%lld,\"unpriced\":%lld,\"placeholders\":%lld,"
		   "\"foreign\":%lld}",
		   name, t->o->currency, money_total_format(s->cost, text),
		   usage_sums_at_least(s) ? "true" : "false", (long long)s->records,
		   (long long)s->requests, (long long)tokens, (long long)s->unpriced,
		   (long long)s->placeholders, (long long)s->foreign);
}

void totals_put(struct totals *t, int64_t rows, struct buf *out)
{
	const int64_t day = floor_div(clock_now().us, US_PER_DAY);
	struct err e;
	int rc = 0;
	if (!t->utc)
		rc = zone_open(&t->utc, "UTC", &e);
	if (rc == 0 && !t->store)
		rc = store_open(&t->store, t->o->path, DB_READ, &e);
	if (rc == 0 && (!t->known || rows != t->rows || day != t->day))
		rc = keep_up(t, day, &e);
	t->rows = rows;
	if (rc != 0) {
		store_close(t->store);
		t->store = NULL;
		t->known = false;
		buf_puts(out, "\"totals\":null,\"today\":null");
		return;
	}
	put_sums(out, t, "totals", &t->all);
	buf_puts(out, ",");
	put_sums(out, t, "today", &t->today);
}
