/*
 * The store: each record once whatever the order, pieces and repeats; exact sums by every way of
 * asking; corrections that change nothing; and what failing disks, memory and kills leave behind.
 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/dict.h"
#include "meter/check_store.h"
#include "meter/ingest/correct.h"
#include "meter/ingest/ingest_file.h"
#include "meter/ingest/quarantine.h"
#include "meter/store/refused.h"
#include "meter/store/id_index.h"
#include "meter/store/rollup.h"
#include "meter/store/day_cells.h"
#include "meter/store/row_peaks.h"
#include "meter/store/usage_rows.h"
#include "meter/store/usage_query.h"
#include "tests/support/failing_memory.h"
#include "tests/support/failing_vfs.h"
#include "tests/support/test_database.h"

static char folder[64];
static struct book *book;
static const struct instant now = { INT64_C(1793000000000000) }; /* 2026-10-26 */

static const char *path_of(const char *name)
{
	static char path[8][160];
	static int turn;
	char *p = path[turn++ % 8];
	snprintf(p, sizeof path[0], "%s/%s", folder, name);
	return p;
}

static void forget(const char *name)
{
	test_database_forget(path_of(name));
}

static int open_book(void **state)
{
	struct err e;
	(void)state;
	strcpy(folder, "/tmp/tally-store-XXXXXX");
	assert_non_null(mkdtemp(folder));
	return book_open(&book, &e);
}

static int close_book(void **state)
{
	char command[100];
	(void)state;
	book_close(book);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static struct ingest_options options(void)
{
	return (struct ingest_options){ .book = book,
					.currency = "USD",
					.ahead_us_most = US_PER_DAY,
					.behind_us_most = 3660 * US_PER_DAY };
}

/* A record made of a number: the same number makes the same record. */
static void make(struct metered *m, uint64_t n, char id[40], char customer[16])
{
	static const char *const models[] = { "deepseek-v4-flash", "deepseek-v4-pro",
					      "claude-sonnet-4-6", "nobody-knows" };
	uint64_t r = n * 0x9E3779B97F4A7C15u ^ n << 17;
	r ^= r >> 29;
	*m = (struct metered){ .shape = "test", .rule = "as-given", .line = (int64_t)n + 1 };
	record_clear(&m->record);
	if (n % 2)
		snprintf(id, 40, "%08x-1234-4abc-a123-%012llx", (unsigned)r,
			 (unsigned long long)n & 0xFFFFFFFFFFFFull);
	else
		snprintf(id, 40, "call-%llu", (unsigned long long)n);
	snprintf(customer, 16, "c%u", (unsigned)(r >> 8) % 5);
	m->record.text[FIELD_ID] = text_of(id);
	m->record.text[FIELD_CUSTOMER] = text_of(customer);
	m->record.text[FIELD_MODEL] = text_of(models[(r >> 16) % 4]);
	m->record.time_us = now.us - (int64_t)(r % 5000000) * 1000000 - 1;
	m->record.tokens[BUCKET_INPUT] = (int64_t)(r >> 20) % 100000;
	m->record.tokens[BUCKET_CACHE_READ] = (int64_t)(r >> 24) % 100000;
	m->record.tokens[BUCKET_OUTPUT] = (int64_t)(r >> 30) % 5000;
	m->record.tokens[BUCKET_REASONING] = m->record.tokens[BUCKET_OUTPUT] / 3;
	m->record.present = (uint64_t)1 << FIELD_ID | (uint64_t)1 << FIELD_CUSTOMER |
			    (uint64_t)1 << FIELD_MODEL | (uint64_t)1 << FIELD_TIME;
}

struct writer {
	struct store *store;
	struct ingest *in;
};

static struct writer open_writer(const char *name)
{
	struct writer w;
	struct err e = { 0 };
	struct ingest_options o = options();
	if (store_open(&w.store, test_database(path_of(name)), DB_CREATE, &e) != 0)
		fail_msg("%s", e.message);
	w.in = ingest_open(w.store, &o, "test", NULL, NULL);
	return w;
}

static void close_writer(struct writer *w)
{
	ingest_close(w->in);
	store_close(w->store);
}

static int take_numbers(struct writer *w, const uint64_t *n, size_t count, struct err *e)
{
	struct metered m;
	char id[40], customer[16];
	int rc = store_begin(w->store, now, e);
	bool begun = rc == 0;
	ingest_mark(w->in);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		make(&m, n[i], id, customer);
		rc = ingest_take(w->in, &m, now, e);
	}
	if (rc == 0)
		rc = rollup_catch_up(w->store, 50, e);
	if (rc == 0)
		rc = store_commit(w->store, e);
	else if (begun)
		store_rollback(w->store);
	if (rc != 0)
		ingest_back_to_mark(w->in);
	return rc;
}

static void take_or_fail(struct writer *w, const uint64_t *n, size_t count)
{
	struct err e = { 0 };
	int rc;
	/* where the disk is slow, other writers may hold the lock for long */
	while ((rc = take_numbers(w, n, count, &e)) != 0 && e.code == ERR_BUSY)
		;
	if (rc != 0)
		fail_msg("%s", e.message);
}

/* Everything that reports say, as text: equal texts are equal stores. */
static char *describe(struct store *s, const char *by, const char *zone_name,
		      struct usage_filter filter)
{
	struct err e = { 0 };
	struct usage_result *r;
	enum grouping dim[GROUPING_COUNT];
	size_t n;
	struct zone *z;
	struct buf b = { 0 };
	char text[DECIMAL_TEXT_MAX];
	assert_int_equal(zone_open(&z, zone_name, &e), 0);
	assert_int_equal(groupings_parse(dim, &n, by, GROUPS_OF_USAGE, &e), 0);
	if (usage_query(&r, s, &filter, &(struct usage_grouping){ dim, n, z }, &e) != 0)
		fail_msg("%s", e.message);
	for (size_t i = 0; i <= usage_group_count(r); i++) {
		const struct usage_sums *u =
			i < usage_group_count(r) ? usage_group(r, i) : usage_total(r);
		for (size_t d = 0; i < usage_group_count(r) && d < n; d++)
			buf_printf(&b, "%.*s|", (int)usage_label(r, i, d).n,
				   usage_label(r, i, d).p);
		buf_printf(&b, "%lld %s %lld", (long long)u->records,
			   money_total_format(u->cost, text), (long long)u->unpriced);
		for (int k = 0; k < BUCKET_COUNT; k++)
			buf_printf(&b, " %lld", (long long)u->tokens[k]);
		buf_puts(&b, "\n");
	}
	usage_result_close(r);
	zone_close(z);
	return b.p;
}

static const struct usage_filter everything = {
	{ INT64_MIN / 2 }, { INT64_MAX / 2 }, NULL, NULL, NULL, 0
};

static char *describe_all(struct store *s)
{
	return describe(s, "day,model,customer,window", "UTC", everything);
}

static void check_clean(struct store *s)
{
	struct store_check c;
	struct err e = { 0 };
	if (store_check(s, &c, &e) != 0)
		fail_msg("%s", e.message);
	if (c.faults)
		fail_msg("%s", c.fault[0]);
}

static void shuffle(uint64_t *n, size_t count, uint64_t *seed)
{
	for (size_t i = count; i > 1; i--) {
		size_t k = unit_random(seed) % i;
		uint64_t t = n[i - 1];
		n[i - 1] = n[k];
		n[k] = t;
	}
}

static void order_pieces_and_repeats_change_nothing(void **state)
{
	enum { COUNT_OF_RECORDS = 600 };
	uint64_t seed = unit_seed(), n[COUNT_OF_RECORDS * 2];
	char *expected = NULL;
	(void)state;
	for (int round = 0; round < 6; round++) {
		struct writer w;
		size_t count = 0, at = 0;
		for (uint64_t i = 0; i < COUNT_OF_RECORDS; i++) {
			n[count++] = i;
			if (round && unit_random(&seed) % 3 == 0)
				n[count++] = i;
		}
		if (round)
			shuffle(n, count, &seed);
		forget("order.db");
		w = open_writer("order.db");
		while (at < count) {
			size_t piece = round ? 1 + unit_random(&seed) % 90 : count;
			piece = piece < count - at ? piece : count - at;
			take_or_fail(&w, n + at, piece);
			at += piece;
			if (round % 2) { /* across restarts */
				close_writer(&w);
				w = open_writer("order.db");
			}
		}
		char *got = describe_all(w.store);
		if (!expected)
			expected = got;
		else
			assert_string_equal(got, expected);
		assert_int_equal(store_last_seq(w.store), COUNT_OF_RECORDS);
		check_clean(w.store);
		if (got != expected)
			free(got);
		close_writer(&w);
	}
	free(expected);
}

static void every_record_is_counted_as_just_one_thing(void **state)
{
	uint64_t seed = unit_seed();
	(void)state;
	forget("count.db");
	struct writer w = open_writer("count.db");
	struct err e;
	assert_int_equal(store_begin(w.store, now, &e), 0);
	for (int i = 0; i < 3000; i++) {
		struct metered m;
		char id[40], customer[16];
		make(&m, unit_random(&seed) % 700, id, customer);
		switch (unit_random(&seed) % 8) {
		case 0:
			m.record.tokens[BUCKET_OUTPUT] += 7;
			break;
		case 1:
			m.record.time_us = now.us + 3 * US_PER_DAY;
			break;
		case 2:
			m.record.time_us = TIME_ABSENT;
			break;
		}
		assert_int_equal(ingest_take(w.in, &m, now, &e), 0);
	}
	assert_int_equal(store_commit(w.store, &e), 0);
	const struct ingest_counts *c = ingest_counts(w.in);
	int64_t held, conflicts;
	assert_int_equal(c->read, 3000);
	assert_int_equal(c->read, c->accepted + c->duplicates + c->conflicts + c->quarantined);
	assert_true(c->accepted > 0 && c->duplicates > 0 && c->conflicts > 0 && c->quarantined > 0);
	assert_int_equal(store_last_seq(w.store), c->accepted);
	assert_int_equal(refused_all(w.store, &held, &e), 0);
	assert_int_equal(conflict_count(w.store, &conflicts, &e), 0);
	assert_true(held > 0 && held <= c->quarantined && conflicts <= c->conflicts);
	check_clean(w.store);
	close_writer(&w);
}

/* The first one counts, and a correction of it does not make it another. */
static void a_conflict_keeps_both_and_the_first_counts(void **state)
{
	struct metered m;
	char id[40], customer[16];
	struct err e = { 0 };
	(void)state;
	forget("conflict.db");
	struct writer w = open_writer("conflict.db");
	assert_int_equal(store_begin(w.store, now, &e), 0);
	make(&m, 0, id, customer);
	assert_int_equal(ingest_take(w.in, &m, now, &e), 0);
	int64_t output = m.record.tokens[BUCKET_OUTPUT];
	m.record.tokens[BUCKET_OUTPUT]++;
	assert_int_equal(ingest_take(w.in, &m, now, &e), 0);
	assert_int_equal(ingest_take(w.in, &m, now, &e), 0);
	assert_int_equal(ingest_counts(w.in)->conflicts, 2);
	struct amendment a = { .why = "test" };
	record_clear(&a.record);
	a.record.tokens[BUCKET_OUTPUT] = 1000000;
	a.record.present = (uint64_t)1 << (FIELD_COUNTS + BUCKET_OUTPUT);
	assert_int_equal(correct_amend(w.store, w.in, id, &a, &e), 0);
	make(&m, 0, id, customer);
	assert_int_equal(ingest_take(w.in, &m, now, &e), 0);
	assert_int_equal(ingest_counts(w.in)->duplicates, 1);
	assert_int_equal(store_commit(w.store, &e), 0);
	int64_t conflicts;
	conflict_count(w.store, &conflicts, &e);
	assert_int_equal(conflicts, 1);
	struct usage_filter f = everything;
	char *text = describe(w.store, "", "UTC", f);
	assert_non_null(strstr(text, " 1000000 "));
	free(text);
	f.seq_until = 1;
	text = describe(w.store, "", "UTC", f);
	char want[32];
	snprintf(want, sizeof want, " %lld ", (long long)output);
	assert_non_null(strstr(text, want));
	free(text);
	check_clean(w.store);
	close_writer(&w);
}

/* Rows are written many at a time, and in a shorter statement when all are plain: batches of plain
 * rows in which one is special in one field come back as they went in. */
static void make_special(struct metered *m, uint64_t n, char id[40], char customer[16])
{
	struct record *r = &m->record;
	make(m, n, id, customer);
	r->tokens[BUCKET_REASONING] = 0;
	if (n % 16 != n / 16 % 16)
		return;
	switch (n / 16 % 10) {
	case 1:
		r->tokens[BUCKET_REASONING] = 1;
		break;
	case 2:
		r->tokens[BUCKET_CACHE_WRITE_5M] = 7;
		break;
	case 3:
		r->tokens[BUCKET_CACHE_WRITE_1H] = 8;
		break;
	case 4:
		r->completed_us = r->time_us + 5;
		break;
	case 5:
		r->requests = 3;
		break;
	case 6:
		r->text[FIELD_TASK] = TEXT("task");
		break;
	case 7:
		r->text[FIELD_SESSION] = TEXT("session");
		break;
	case 8:
		m->raw = TEXT("{\"prompt_tokens\":1}");
		break;
	case 9:
		m->record.units[n / 16 % UNIT_COUNT] = 2;
		break;
	default:
		break;
	}
}

static void rows_come_back_as_they_went_in(void **state)
{
	enum { ROWS = 16 * 40 };
	struct metered m;
	struct usage_row row;
	char id[40], customer[16];
	struct err e = { 0 };
	(void)state;
	forget("rows.db");
	struct writer w = open_writer("rows.db");
	assert_int_equal(store_begin(w.store, now, &e), 0);
	for (uint64_t n = 0; n < ROWS; n++) {
		make_special(&m, n, id, customer);
		assert_int_equal(ingest_take(w.in, &m, now, &e), 0);
	}
	assert_int_equal(store_commit(w.store, &e), 0);
	for (uint64_t n = 0; n < ROWS; n++) {
		make_special(&m, n, id, customer);
		assert_int_equal(store_row(w.store, (int64_t)n + 1, &row, &e), 0);
		assert_true(text_is(row.record.text[FIELD_ID], id));
		assert_true(text_eq(row.record.text[FIELD_TASK], m.record.text[FIELD_TASK]));
		assert_true(text_eq(row.record.text[FIELD_SESSION], m.record.text[FIELD_SESSION]));
		assert_true(text_eq(row.raw, m.raw));
		assert_true(row.record.time_us == m.record.time_us);
		assert_true(row.record.completed_us == m.record.completed_us);
		assert_int_equal(row.record.requests, m.record.requests);
		for (int k = 0; k < COUNT_KINDS; k++)
			assert_true(row.record.counts[k] == m.record.counts[k]);
	}
	check_clean(w.store);
	close_writer(&w);
}

/* Sightings of calls that grow, in any order, across transactions: the largest counts. */
static void growing_calls_count_at_their_largest(void **state)
{
	enum { CALLS = 40, SIGHTINGS = 4 };
	uint64_t seed = unit_seed(), order[CALLS * SIGHTINGS];
	char *expected = NULL;
	(void)state;
	for (int round = 0; round < 5; round++) {
		forget("grow.db");
		struct writer w = open_writer("grow.db");
		struct err e = { 0 };
		for (size_t i = 0; i < COUNT(order); i++)
			order[i] = i;
		if (round)
			shuffle(order, COUNT(order), &seed);
		for (size_t i = 0; i < COUNT(order); i++) {
			struct metered m;
			char id[40], customer[16];
			if (i % 7 == 0)
				assert_int_equal(store_begin(w.store, now, &e), 0);
			make(&m, order[i] / SIGHTINGS, id, customer);
			m.cumulative = true;
			m.record.tokens[BUCKET_OUTPUT] = m.record.tokens[BUCKET_REASONING] +
							 (int64_t)(order[i] % SIGHTINGS) * 10;
			if (ingest_take(w.in, &m, now, &e) != 0)
				fail_msg("%s", e.message);
			if (i % 7 == 6 || i + 1 == COUNT(order))
				assert_int_equal(store_commit(w.store, &e), 0);
		}
		char *got = describe_all(w.store);
		expected = expected ? expected : got;
		assert_string_equal(got, expected);
		assert_int_equal(ingest_counts(w.in)->accepted, CALLS);
		assert_int_equal(ingest_counts(w.in)->conflicts, 0);
		check_clean(w.store);
		if (got != expected)
			free(got);
		close_writer(&w);
	}
	free(expected);
}

/* Rollups, rows and edges must say the same for every period, zone and grouping. */
static void sums_do_not_depend_on_how_they_are_asked_for(void **state)
{
	static const char *const bys[] = {
		"",	    "day",	    "model",	     "customer,model",
		"hour",	    "month,window", "week,customer", "day,customer",
		"provider", "task"
	};
	static const char *const zones[] = { "UTC", "Asia/Kolkata", "America/New_York", "+05:45" };
	uint64_t seed = unit_seed(), n[800];
	(void)state;
	forget("ask.db");
	struct writer w = open_writer("ask.db");
	struct err e;
	for (size_t i = 0; i < COUNT(n); i++)
		n[i] = i;
	shuffle(n, COUNT(n), &seed);
	for (size_t i = 0; i < COUNT(n); i += 100)
		take_or_fail(&w, n + i, 100);
	/* some with rarer buckets, and units */
	assert_int_equal(store_begin(w.store, now, &e), 0);
	for (uint64_t i = 1000; i < 1040; i++) {
		struct metered m;
		char id[40], customer[16];
		make(&m, i, id, customer);
		m.record.tokens[BUCKET_INPUT_AUDIO] = (int64_t)i;
		m.record.units[i % UNIT_COUNT] = i % 3;
		assert_int_equal(ingest_take(w.in, &m, now, &e), 0);
	}
	assert_int_equal(store_commit(w.store, &e), 0);
	for (int round = 0; round < 120; round++) {
		struct usage_filter f = everything, rows;
		const char *by = bys[unit_random(&seed) % COUNT(bys)],
			   *zone = zones[unit_random(&seed) % COUNT(zones)];
		if (round % 3) {
			f.since.us = now.us - (int64_t)(unit_random(&seed) % 5000000) * 1000000;
			f.until.us =
				f.since.us + (int64_t)(unit_random(&seed) % 3000000) * 1000000 + 1;
		}
		if (round % 5 == 0)
			f.customer = "c2";
		if (round % 7 == 0)
			f.model = "deepseek-v4-pro";
		/* what stands in the rollups varies */
		if (round == 40 || round == 80) {
			assert_int_equal(store_begin(w.store, now, &e), 0);
			assert_int_equal(round == 40 ? rollup_catch_up(w.store, 0, &e)
						     : rollup_rebuild(w.store, &e),
					 0);
			assert_int_equal(store_commit(w.store, &e), 0);
		}
		rows = f;
		rows.seq_until = store_last_seq(w.store); /* asks the rows alone */
		char *fast = describe(w.store, by, zone, f),
		     *slow = describe(w.store, by, zone, rows);
		if (strcmp(fast, slow) != 0)
			fail_msg("by %s in %s, round %d:\n%s\nrows say:\n%s", by, zone, round, fast,
				 slow);
		free(fast);
		free(slow);
	}
	check_clean(w.store);
	close_writer(&w);
}

static struct store *open_reader(const char *name, struct day_cells *days)
{
	struct store *s;
	struct err e;
	if (store_open(&s, test_database(path_of(name)), DB_READ, &e) != 0)
		fail_msg("%s", e.message);
	store_share_days(s, days);
	return s;
}

/* Spoils the sums by day and shows them to a reader: what it remembers of them is gone with the
 * rollups that they were of. */
static void spoil_and_rebuild(struct writer *w, struct store *reader)
{
	struct err e;
	assert_int_equal(store_begin(w->store, now, &e), 0);
	assert_int_equal(db_run(store_db(w->store),
				"UPDATE rollup_day SET input=input+1;"
				"UPDATE rollup_quarter SET input=input+1",
				&e),
			 0);
	assert_int_equal(store_commit(w->store, &e), 0);
	char *wrong = describe(reader, "day,customer", "UTC", everything);
	free(wrong);
	wrong = describe(reader, "day,model", "UTC", everything);
	free(wrong);
	assert_int_equal(store_begin(w->store, now, &e), 0);
	assert_int_equal(rollup_rebuild(w->store, &e), 0);
	assert_int_equal(store_commit(w->store, &e), 0);
}

/* Readers that remember sums by day, with room for all and for few of them, say what the rows say,
 * whatever was written since. */
static void what_is_remembered_of_days_is_what_the_rows_say(void **state)
{
	enum { BATCH = 15, READERS = 4 };
	static const char *const bys[] = { "customer",
					   "day,customer",
					   "week,customer",
					   "project,customer",
					   "",
					   "day",
					   "model",
					   "day,model",
					   "month,provider",
					   "week,window",
					   "hour,model",
					   "month,customer,model" };
	static const char *const zones[] = { "UTC", "Asia/Kolkata", "America/New_York", "+05:45" };
	uint64_t seed = unit_seed(), n[60 * BATCH];
	(void)state;
	forget("days.db");
	struct writer w = open_writer("days.db");
	struct day_cells *days[] = { day_cells_open(1 << 20), day_cells_open(600),
				     day_cells_open(1 << 20) };
	/* two of them share, and the last one looks for the first time at what is spoilt */
	struct store *reader[READERS] = { open_reader("days.db", days[0]),
					  open_reader("days.db", days[0]),
					  open_reader("days.db", days[1]),
					  open_reader("days.db", days[2]) };
	for (size_t i = 0; i < COUNT(n); i++)
		n[i] = i;
	shuffle(n, COUNT(n), &seed);
	for (size_t round = 0; round < COUNT(n) / BATCH; round++) {
		struct usage_filter f = everything, rows;
		struct store *s = reader[unit_random(&seed) % (round < 30 ? READERS - 1 : READERS)];
		const char *by = bys[unit_random(&seed) % COUNT(bys)],
			   *zone = zones[unit_random(&seed) % COUNT(zones)];
		take_or_fail(&w, n + round * BATCH, BATCH);
		if (round == 30)
			spoil_and_rebuild(&w, reader[READERS - 1]);
		if (round % 3) {
			f.since.us = now.us - (int64_t)(unit_random(&seed) % 5000000) * 1000000;
			f.until.us =
				f.since.us + (int64_t)(unit_random(&seed) % 3000000) * 1000000 + 1;
		}
		if (round % 5 == 0)
			f.customer = "c2";
		rows = f;
		rows.seq_until = store_last_seq(w.store);
		char *fast = describe(s, by, zone, f), *slow = describe(w.store, by, zone, rows);
		if (strcmp(fast, slow) != 0)
			fail_msg("by %s in %s, round %zu:\n%s\nrows say:\n%s", by, zone, round,
				 fast, slow);
		free(fast);
		free(slow);
	}
	for (size_t i = 0; i < READERS; i++)
		store_close(reader[i]);
	for (size_t i = 0; i < COUNT(days); i++)
		day_cells_close(days[i]);
	check_clean(w.store);
	close_writer(&w);
}

struct asked_index {
	struct store *of; /* NULL: it cannot be asked */
	int times;
};

static int ask_index(void *user, struct text id, int64_t *first, struct err *e)
{
	struct asked_index *x = user;
	struct known_id known;
	x->times++;
	int rc = x->of ? store_find(x->of, id, &known, e) : err_set(e, ERR_BUSY, "no index");
	*first = rc == 0 ? known.first : 0;
	return rc;
}

static int64_t first_of(struct store *s, const char *id)
{
	struct known_id known;
	struct err e;
	if (store_find(s, text_of(id), &known, &e) != 0)
		fail_msg("%s", e.message);
	return known.first;
}

/* A reader that asks somebody's index of ids finds what a search finds: nothing that was stored
 * after its look at the database, and everything where the index cannot be asked. */
static void a_reader_finds_ids_through_the_index_of_the_writer(void **state)
{
	uint64_t n[] = { 1, 2, 3, 4, 5, 6 };
	char id[40], customer[16], later[40];
	struct metered m;
	struct err e;
	(void)state;
	if (test_on_server()) /* where the index is a table that every reader sees */
		skip();
	forget("find.db");
	struct writer w = open_writer("find.db");
	struct asked_index index = { w.store, 0 };
	take_or_fail(&w, n, 5);
	struct store *s = open_reader("find.db", NULL);
	store_find_through(s, (struct store_finder){ ask_index, &index });
	make(&m, 6, later, customer);
	make(&m, 3, id, customer);
	assert_int_equal(db_begin_reading(store_db(s), &e), 0);
	assert_int_equal(first_of(s, id), 3);
	assert_int_equal(first_of(s, "never seen"), 0);
	assert_int_equal(index.times, 2);
	take_or_fail(&w, n + 5, 1);
	assert_int_equal(first_of(w.store, later), 6);
	assert_int_equal(first_of(s, later), 0);
	db_rollback(store_db(s));
	assert_int_equal(first_of(s, later), 6);
	index.of = NULL;
	assert_int_equal(first_of(s, later), 6);
	assert_int_equal(first_of(s, "never seen"), 0);
	store_close(s);
	close_writer(&w);
}

static void same_page(struct store *a, struct store *b, const struct rows_question *q,
		      struct rows_page *out)
{
	struct rows_page other;
	struct err e;
	if (usage_rows(out, a, q, &e) != 0 || usage_rows(&other, b, q, &e) != 0)
		fail_msg("%s", e.message);
	assert_int_equal(out->count, other.count);
	assert_int_equal(out->more, other.more);
	for (size_t i = 0; i < other.count; i++) {
		assert_int_equal(out->row[i].seq, other.row[i].seq);
		assert_true(out->row[i].value == other.row[i].value);
	}
	rows_page_release(&other);
}

/* The dearest and the largest rows, where it is remembered in which stretches they can be, are
 * those that a search of all rows finds: page by page, under filters, while rows come in. */
static void the_dearest_rows_are_found_where_they_can_be(void **state)
{
	enum { BATCH = 150, ROUNDS = 30 };
	uint64_t seed = unit_seed(), n[BATCH * ROUNDS];
	struct row_peaks *peaks = row_peaks_open();
	(void)state;
	forget("peaks.db");
	struct writer w = open_writer("peaks.db");
	struct store *s = open_reader("peaks.db", NULL);
	store_share_peaks(s, peaks);
	for (size_t i = 0; i < COUNT(n); i++)
		n[i] = i;
	shuffle(n, COUNT(n), &seed);
	for (size_t round = 0; round < ROUNDS; round++) {
		struct rows_page page;
		struct err e;
		struct rows_question q = { .filter = everything,
					   .kind = -1,
					   .order = round % 2 ? ROWS_BY_COST : ROWS_BY_TOKENS,
					   .ascending = unit_random(&seed) % 2,
					   .limit = 1 + (int64_t)(unit_random(&seed) % 40) };
		take_or_fail(&w, n + round * BATCH, BATCH);
		for (int64_t next = round % 7 ? 0 : INT64_MAX; next;)
			assert_int_equal(usage_rows_warm(s, &next, &e), 0);
		if (round % 3 == 0)
			q.filter.since.us =
				now.us - (int64_t)(unit_random(&seed) % 5000000) * 1000000;
		if (round % 4 == 0)
			q.filter.model = "deepseek-v4-pro";
		if (round % 5 == 0)
			q.filter.customer = "c2";
		for (int pages = 0; pages < 6; pages++) {
			same_page(s, w.store, &q, &page);
			q.goes_on = page.count > 0;
			if (q.goes_on)
				q.after = page.row[page.count - 1];
			rows_page_release(&page);
		}
	}
	store_close(s);
	row_peaks_close(peaks);
	close_writer(&w);
}

/* Small pages, which ask the rollups where rows of the filter lie, lead through the same rows as
 * one large page, which reads all of them. */
static void pages_by_number_skip_only_what_cannot_be_theirs(void **state)
{
	enum { BATCH = 900, ROUNDS = 6, ASKED = 12 };
	uint64_t seed = unit_seed(), n[BATCH * ROUNDS];
	(void)state;
	forget("numbers.db");
	struct writer w = open_writer("numbers.db");
	for (size_t i = 0; i < COUNT(n); i++)
		n[i] = i;
	shuffle(n, COUNT(n), &seed);
	for (size_t round = 0; round < ROUNDS; round++) {
		take_or_fail(&w, n + round * BATCH, BATCH);
		for (int i = 0; i < ASKED; i++) {
			struct rows_page whole, page;
			struct err e;
			struct rows_question q = { .filter = everything,
						   .kind = -1,
						   .order = ROWS_BY_STORED,
						   .ascending = i % 2,
						   .limit = ROWS_PAGE_MOST };
			q.priced = i % 3 == 0 ? ROWS_UNPRICED : ROWS_ANY;
			if (i % 4 == 1)
				q.filter.since.us = now.us - 86400 * US_PER_SECOND;
			if (i % 3 == 1)
				q.filter.model = "deepseek-v4-pro";
			if (i % 5 == 1)
				q.filter.customer = "c2";
			if (i == 7)
				q.filter.customer = "nobody";
			if (usage_rows(&whole, w.store, &q, &e) != 0)
				fail_msg("%s", e.message);
			q.limit = 1;
			for (size_t k = 0; k < 30; k++) {
				if (usage_rows(&page, w.store, &q, &e) != 0)
					fail_msg("%s", e.message);
				assert_int_equal(page.count, k < whole.count);
				assert_int_equal(page.more, k + 1 < whole.count);
				if (page.count)
					assert_int_equal(page.row[0].seq, whole.row[k].seq);
				q.goes_on = page.count > 0;
				q.after = q.goes_on ? page.row[0] : q.after;
				rows_page_release(&page);
				if (!q.goes_on)
					break;
			}
			rows_page_release(&whole);
		}
	}
	close_writer(&w);
}

static void rerating_can_be_undone_to_the_last_digit(void **state)
{
	static const char card[] =
		"{\"schema\":\"tally.card/1\",\"provider\":\"deepseek\",\"prices\":[{\"model\":"
		"\"deepseek-v4-pro\",\"currency\":\"USD\",\"from\":\"2026-01-01T00:00:00Z\",\"to\":"
		"null,\"rates\":{\"input\":\"7\",\"cache_read\":\"1\",\"cache_write_5m\":\"0\","
		"\"cache_write_1h\":\"0\",\"output\":\"9\"},\"source\":\"test\",\"sure\":"
		"\"contract\"}]}";
	uint64_t n[300];
	struct err e = { 0 };
	struct rerate_result r;
	(void)state;
	forget("rerate.db");
	struct writer w = open_writer("rerate.db");
	for (size_t i = 0; i < COUNT(n); i++)
		n[i] = i;
	take_or_fail(&w, n, COUNT(n));
	char *before = describe_all(w.store);
	struct book *other;
	struct fault_list faults = { 0 };
	struct card *c;
	assert_int_equal(book_open(&other, &e), 0);
	if (card_parse(&c, text_of(card), "test.json", &faults) != 0)
		fail_msg("%s: %s", faults.fault[0].place, faults.fault[0].message);
	book_add_card(other, c);
	struct ingest_options o = options();
	o.book = other;
	struct ingest *in = ingest_open(w.store, &o, "test", NULL, NULL);
	int64_t seq = store_last_seq(w.store);
	/* a dry run tells and changes nothing */
	for (int dry = 1; dry >= 0; dry--) {
		assert_int_equal(store_begin(w.store, now, &e), 0);
		if (correct_rerate(&r, w.store, in,
				   &(struct rerate_wish){ INSTANT_MIN, INSTANT_MAX, dry, true,
							  "test", TEXT("USD") },
				   &e) != 0)
			fail_msg("%s", e.message);
		assert_int_equal(store_commit(w.store, &e), 0);
		assert_true(r.records > 30 && r.count > 0);
		if (dry)
			assert_int_equal(store_last_seq(w.store), seq);
		rerate_result_release(&r);
	}
	char *after = describe_all(w.store);
	assert_string_not_equal(after, before);
	struct usage_filter f = everything;
	f.seq_until = seq;
	char *then = describe(w.store, "day,model,customer,window", "UTC", f);
	assert_string_equal(then, before);
	/* asked again, nothing changes, nor with the book alone, which lacks the card; with other
	 * cards allowed, everything goes back */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(store_begin(w.store, now, &e), 0);
		const struct rerate_wish wish = { INSTANT_MIN, INSTANT_MAX, false, true,
						  "test",      TEXT("USD"), i == 2 };
		assert_int_equal(correct_rerate(&r, w.store, i ? w.in : in, &wish, &e), 0);
		assert_int_equal(store_commit(w.store, &e), 0);
		assert_int_equal(r.records > 0, i == 2);
		assert_int_equal(r.others > 0, i == 1);
		rerate_result_release(&r);
	}
	char *again = describe_all(w.store);
	assert_string_equal(again, before);
	check_clean(w.store);
	free(before);
	free(after);
	free(then);
	free(again);
	ingest_close(in);
	book_close(other);
	fault_list_release(&faults);
	close_writer(&w);
}

/* The customer of a source is told by a request that is gone when the next one comes, and the next
 * one's name may lie where it was. */
static void what_waits_is_of_the_customer_that_sent_it(void **state)
{
	struct err e = { 0 };
	int64_t count[2];
	char name[8], id[40], customer[16];
	struct metered m;
	(void)state;
	forget("customers.db");
	struct writer w = open_writer("customers.db");
	assert_int_equal(store_begin(w.store, now, &e), 0);
	for (uint64_t i = 0; i < 2; i++) {
		strcpy(name, i ? "acme" : "beta");
		ingest_next_source(w.in, name, now, NULL);
		make(&m, 2 * i, id, customer);
		m.record.text[FIELD_CUSTOMER] = text_of(name);
		m.record.tokens[BUCKET_INPUT] = RECORD_COUNT_MOST + 1;
		assert_int_equal(ingest_take(w.in, &m, now, &e), 0);
	}
	assert_int_equal(store_commit(w.store, &e), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(db_read_int(store_db(w.store),
					     i ? "SELECT count(*) FROM quarantine WHERE told LIKE "
						 "'%\"acme\"%'"
					       : "SELECT count(*) FROM quarantine WHERE told LIKE "
						 "'%\"beta\"%'",
					     &count[i], &e),
				 0);
	assert_int_equal(count[0], 1);
	assert_int_equal(count[1], 1);
	close_writer(&w);
}

static void a_voided_record_is_gone_and_stays_known(void **state)
{
	struct err e = { 0 };
	uint64_t n[2] = { 4, 5 };
	(void)state;
	forget("void.db");
	struct writer w = open_writer("void.db");
	take_or_fail(&w, n, 1);
	char *one = describe_all(w.store);
	take_or_fail(&w, n + 1, 1);
	struct metered m;
	char id[40], customer[16];
	make(&m, 5, id, customer);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_begin(w.store, now, &e), 0);
		/* the second time it is told that it was voided */
		assert_int_equal(correct_void(w.store, id, "test", &e), i ? -ERR_INVALID : 0);
		if (i)
			store_rollback(w.store);
		else
			assert_int_equal(store_commit(w.store, &e), 0);
	}
	take_or_fail(&w, n + 1, 1);
	char *got = describe_all(w.store);
	assert_string_equal(got, one);
	check_clean(w.store);
	free(one);
	free(got);
	close_writer(&w);
}

/* The index of ids is only a help: lost, damaged or foreign, it is rebuilt. */
static void the_index_of_ids_is_made_anew_when_it_cannot_be_trusted(void **state)
{
	static const char *const damages[] = {
		"rm -rf %s-ids",
		"printf 'garbage that is no header' | dd of=%s-ids/head conv=notrunc status=none",
		"truncate -s 100 %s-ids/head",
		"for f in %s-ids/run.*; do truncate -s 1000 $f; done",
		"rm -f %s-ids/run.*",
		"for f in %s-ids/run.*; do dd if=/dev/zero of=$f bs=65536 seek=4 count=40 "
		"conv=notrunc status=none; done",
		"for f in %s-ids/run.*; do dd if=/dev/urandom of=$f bs=16 seek=100000 count=1 "
		"conv=notrunc status=none; done",
		"dd if=/dev/zero of=%s-ids/head bs=1 seek=120 count=60 conv=notrunc status=none",
		"rm -rf %s-ids && cp -r %s-ids-other %s-ids",
		"rm -rf %s-ids && printf x > %s-ids && rm %s-ids",
	};
	enum { MANY = 270000 }; /* enough for a run */
	struct err e = { 0 };
	(void)state;
	forget("index.db");
	forget("index2.db");
	struct writer other = open_writer("index2.db"), w = open_writer("index.db");
	uint64_t *n = mem_alloc(MANY * sizeof *n);
	for (size_t i = 0; i < MANY; i++)
		n[i] = i;
	take_or_fail(&other, n, 1000);
	take_or_fail(&w, n, MANY);
	take_or_fail(&w, n, 10); /* the run is written between transactions */
	close_writer(&other);
	close_writer(&w);
	char command[900];
	snprintf(command, sizeof command, "ls %s-ids/run.* >/dev/null && cp -r %s-ids %s-ids-other",
		 path_of("index.db"), path_of("index2.db"), path_of("index.db"));
	assert_int_equal(system(command), 0);
	for (size_t d = 0; d < COUNT(damages); d++) {
		snprintf(command, sizeof command, damages[d], path_of("index.db"),
			 path_of("index.db"), path_of("index.db"));
		assert_int_equal(system(command), 0);
		w = open_writer("index.db");
		for (size_t i = 0; i < 3000; i++)
			n[i] = i * 89 % MANY;
		take_or_fail(&w, n, 3000);
		if (ingest_counts(w.in)->duplicates != 3000)
			fail_msg("%s: %lld duplicates", damages[d],
				 (long long)ingest_counts(w.in)->duplicates);
		assert_int_equal(store_last_seq(w.store), MANY);
		close_writer(&w);
	}
	w = open_writer("index.db");
	assert_int_equal(store_begin(w.store, now, &e), 0);
	store_rollback(w.store);
	check_clean(w.store);
	close_writer(&w);
	free(n);
}

static bool any_row(void *user, int64_t row)
{
	return *(const int64_t *)user == row;
}

/* Through several runs and merges, filters that grow, and rows that are not findable. */
static void the_index_grows_and_loses_nothing(void **state)
{
	struct err e = { 0 };
	struct id_index *x;
	const struct id_index_identity identity = { .seed = { 1, 2 } };
	char command[200];
	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", path_of("grow-ids"));
	assert_int_equal(system(command), 0);
	assert_int_equal(id_index_open(&x, path_of("grow-ids"), &identity, &e), 0);
	assert_int_equal(id_index_known(x), 0);
	enum { MANY = 2900000 };
	for (int64_t i = 1; i <= MANY; i++) {
		id_index_add(x, id_index_hash(x, (struct text){ (const char *)&i, sizeof i }), i,
			     i % 1000 != 0);
		if (i % 50000 == 0 && id_index_tidy(x, &e) != 0)
			fail_msg("%s", e.message);
		/* often enough for a filter, which the other rows must enter */
		int64_t want = i;
		if (i < MANY / 5 && i % 50 == 1 &&
		    id_index_find(x, id_index_hash(x, (struct text){ (const char *)&i, sizeof i }),
				  any_row, &want) != i)
			fail_msg("row %lld is not found", (long long)i);
	}
	int64_t in_runs = id_index_last_row(x);
	assert_true(in_runs > MANY / 2 && in_runs <= MANY);
	for (int round = 0; round < 2; round++) {
		int64_t to = round ? in_runs : MANY, seen = 0;
		for (int64_t i = 1; i <= MANY + 100000; i += 7) {
			int64_t want = i;
			int64_t got = id_index_find(
				x, id_index_hash(x, (struct text){ (const char *)&i, sizeof i }),
				any_row, &want);
			if (got != (i <= to && i % 1000 ? i : 0))
				fail_msg("row %lld: %lld", (long long)i, (long long)got);
			seen += got != 0;
		}
		assert_true(seen > 100000);
		id_index_close(x);
		assert_int_equal(id_index_open(&x, path_of("grow-ids"), &identity, &e), 0);
		assert_int_equal(id_index_known(x), in_runs);
	}
	id_index_close(x);
}

static void add_rows(struct id_index *x, int64_t to)
{
	struct err e = { 0 };
	id_index_refresh(x);
	for (int64_t i = id_index_known(x) + 1; i <= to; i++)
		id_index_add(x, id_index_hash(x, (struct text){ (const char *)&i, sizeof i }), i,
			     true);
	if (id_index_tidy(x, &e) != 0)
		fail_msg("%s", e.message);
}

static void expect_rows(struct id_index *x, int64_t to)
{
	for (int64_t i = 1; i <= to; i += 13) {
		int64_t want = i;
		const int64_t got =
			id_index_find(x,
				      id_index_hash(x, (struct text){ (const char *)&i, sizeof i }),
				      any_row, &want);
		if (got != i || id_index_is_damaged(x))
			fail_msg("row %lld: %lld", (long long)i, (long long)got);
	}
}

static void zero(const char *file, long from, size_t bytes)
{
	char nothing[256] = { 0 };
	FILE *f = fopen(file, "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, from, SEEK_SET), 0);
	assert_int_equal(fwrite(nothing, 1, bytes, f), bytes);
	fclose(f);
}

/* Several processes have a folder open that is damaged: whoever mends it, the others go on. */
static void a_damaged_index_is_mended_for_all(void **state)
{
	enum { ROWS = 270000 }; /* more than stay in memory */
	struct err e = { 0 };
	struct id_index *x, *other;
	const struct id_index_identity identity = { .seed = { 1, 2 } };
	char command[200], head[200];
	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", path_of("mended-ids"));
	assert_int_equal(system(command), 0);
	snprintf(head, sizeof head, "%s/head", path_of("mended-ids"));
	assert_int_equal(id_index_open(&x, path_of("mended-ids"), &identity, &e), 0);
	add_rows(x, ROWS);
	/* the numbers that the head told are gone, and no new folder may repeat them */
	zero(head, 64, 64);
	assert_int_equal(id_index_open(&other, path_of("mended-ids"), &identity, &e), 0);
	add_rows(other, ROWS);
	add_rows(x, 2 * ROWS);
	expect_rows(x, 2 * ROWS);
	/* what is written next may not make a damaged head right */
	zero(head, 148, 42);
	add_rows(x, 3 * ROWS);
	add_rows(other, 3 * ROWS);
	add_rows(x, 3 * ROWS);
	expect_rows(other, 3 * ROWS);
	expect_rows(x, 3 * ROWS);
	id_index_close(other);
	id_index_close(x);
}

/* Most who write look for no id: a run is read by who does, and what is wrong with it makes the
 * index empty then. */
static void runs_are_read_by_who_looks_for_an_id(void **state)
{
	enum { ROWS = 270000 }; /* more than stay in memory */
	struct err e = { 0 };
	struct id_index *x;
	const struct id_index_identity identity = { .seed = { 1, 2 } };
	char command[400];
	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", path_of("unread-ids"));
	assert_int_equal(system(command), 0);
	assert_int_equal(id_index_open(&x, path_of("unread-ids"), &identity, &e), 0);
	add_rows(x, ROWS);
	id_index_close(x);
	snprintf(command, sizeof command,
		 "for f in %s/run.*; do dd if=/dev/zero of=$f bs=4096 count=1 conv=notrunc "
		 "status=none; done",
		 path_of("unread-ids"));
	assert_int_equal(system(command), 0);
	assert_int_equal(id_index_open(&x, path_of("unread-ids"), &identity, &e), 0);
	assert_int_equal(id_index_known(x), ROWS);
	id_index_need(x);
	assert_int_equal(id_index_known(x), 0);
	id_index_close(x);
}

/* A process keeps its filter while others write: it has their rows, also those of numbers that it
 * used itself in a transaction that failed. */
static void a_filter_knows_what_other_processes_wrote(void **state)
{
	/* not so many that the filter is made again */
	enum { ROWS = 270000, FAILED = 1000, ALL = ROWS + 265000 };
	struct err e = { 0 };
	struct id_index *x, *other;
	const struct id_index_identity identity = { .seed = { 1, 2 } };
	char command[200];
	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", path_of("filter-ids"));
	assert_int_equal(system(command), 0);
	assert_int_equal(id_index_open(&x, path_of("filter-ids"), &identity, &e), 0);
	add_rows(x, ROWS);
	expect_rows(x, ROWS);
	for (int64_t i = ROWS + 1; i <= ROWS + FAILED; i++)
		id_index_add(x, (uint64_t)i * 0x9E3779B97F4A7C15u, i, true);
	id_index_forget_above(x, ROWS);
	assert_int_equal(id_index_open(&other, path_of("filter-ids"), &identity, &e), 0);
	add_rows(other, ALL);
	add_rows(x, ALL + 100);
	assert_int_equal(id_index_last_row(x), ALL);
	expect_rows(x, ALL + 100);
	/* everything is forgotten, and other ids come (a database that was restored) */
	id_index_clear(other);
	for (int64_t i = 1; i <= ROWS; i++)
		id_index_add(other, (uint64_t)i * 0xC2B2AE3D27D4EB4Fu, i, true);
	assert_int_equal(id_index_tidy(other, &e), 0);
	id_index_refresh(x);
	for (int64_t i = 1, want; i <= ROWS; i += 13) {
		want = i;
		assert_int_equal(
			id_index_find(x, (uint64_t)i * 0xC2B2AE3D27D4EB4Fu, any_row, &want), i);
	}
	id_index_close(other);
	id_index_close(x);
}

/* Two writers at once: each sees what the other wrote. */
/* Queries inside a transaction look for what others wrote; its own rows may not be written yet. */
static void a_refresh_in_between_changes_no_numbers(void **state)
{
	struct err e = { 0 };
	struct metered m;
	char id[40], customer[16];
	(void)state;
	forget("refresh.db");
	struct writer w = open_writer("refresh.db");
	assert_int_equal(store_begin(w.store, now, &e), 0);
	ingest_mark(w.in);
	for (uint64_t n = 0; n < 5; n++) {
		make(&m, n, id, customer);
		assert_int_equal(ingest_take(w.in, &m, now, &e), 0);
		assert_int_equal(store_refresh(w.store, &e), 0);
		assert_int_equal(store_last_seq(w.store), n + 1);
	}
	assert_int_equal(store_commit(w.store, &e), 0);
	assert_int_equal(store_refresh(w.store, &e), 0);
	assert_int_equal(store_last_seq(w.store), 5);
	check_clean(w.store);
	close_writer(&w);
}

static void several_writers_keep_each_id_once(void **state)
{
	enum { WRITERS = 3, NUMBERS = 400 };
	uint64_t n[NUMBERS];
	(void)state;
	forget("several.db");
	struct writer first = open_writer("several.db");
	close_writer(&first);
	for (int k = 0; k < WRITERS; k++)
		if (fork() == 0) {
			uint64_t seed = 77u + (uint64_t)k;
			struct writer w = open_writer("several.db");
			for (size_t i = 0; i < NUMBERS; i++)
				n[i] = i;
			shuffle(n, NUMBERS, &seed);
			for (size_t i = 0; i < NUMBERS; i += 10)
				take_or_fail(&w, n + i, 10);
			close_writer(&w);
			_exit(0);
		}
	for (int k = 0, status; k < WRITERS; k++) {
		wait(&status);
		assert_int_equal(status, 0);
	}
	struct writer w = open_writer("several.db");
	assert_int_equal(store_last_seq(w.store), NUMBERS);
	check_clean(w.store);
	close_writer(&w);
}

/* Killed at random moments: what was acknowledged is there, once. */
static void a_killed_writer_loses_nothing_that_was_acknowledged(void **state)
{
	const char *rounds_text = getenv("TALLY_KILLS");
	int rounds = rounds_text ? atoi(rounds_text) : 200;
	uint64_t seed = unit_seed();
	enum { BATCH = 20 };
	uint64_t next[2] = { 0, 1u << 20 };
	(void)state;
	forget("kill.db");
	struct writer w = open_writer("kill.db");
	close_writer(&w);
	for (int round = 0; round < rounds; round++) {
		int pipes[2][2];
		pid_t child[2];
		for (int k = 0; k < 2; k++) {
			assert_int_equal(pipe(pipes[k]), 0);
			child[k] = fork();
			if (child[k] == 0) {
				w = open_writer("kill.db");
				for (uint64_t at = next[k];; at += BATCH) {
					uint64_t n[BATCH];
					struct err e;
					for (uint64_t i = 0; i < BATCH; i++)
						n[i] = at + i;
					if (take_numbers(&w, n, BATCH, &e) != 0) {
						print_message("# %s\n", e.message);
						_exit(3);
					}
					/* acknowledged only now */
					if (write(pipes[k][1], &at, sizeof at) != sizeof at)
						_exit(4);
				}
			}
			close(pipes[k][1]);
		}
		usleep(2000 + (useconds_t)(unit_random(&seed) % 30000));
		for (int k = 0; k < 2; k++)
			kill(child[k], SIGKILL);
		for (int k = 0; k < 2; k++) {
			uint64_t at;
			int status;
			waitpid(child[k], &status, 0);
			assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
			while (read(pipes[k][0], &at, sizeof at) == sizeof at)
				next[k] = at + BATCH;
			close(pipes[k][0]);
		}
		/* everything acknowledged is known, and sending it again changes nothing */
		w = open_writer("kill.db");
		for (int k = 0; k < 2; k++)
			for (uint64_t at = k ? 1u << 20 : 0; at < next[k]; at += BATCH) {
				uint64_t n[BATCH];
				for (uint64_t i = 0; i < BATCH; i++)
					n[i] = at + i;
				if (round % 5 == 4 || round + 1 == rounds)
					take_or_fail(&w, n, BATCH);
			}
		assert_int_equal(ingest_counts(w.in)->accepted, 0);
		assert_int_equal(ingest_counts(w.in)->conflicts, 0);
		if (round % 5 == 4 || round + 1 == rounds)
			check_clean(w.store);
		close_writer(&w);
	}
	print_message("# %d kills of two writers, %llu records acknowledged\n", rounds,
		      (unsigned long long)(next[0] + next[1] - (1u << 20)));
}

/* The N-th write or sync fails, for every N: an error, nothing half-written, and a retry heals. */
static void a_failing_disk_leaves_nothing_half_written(void **state)
{
	uint64_t n[60];
	int failures = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(n); i++)
		n[i] = i;
	forget("fail.db");
	struct writer w = open_writer("fail.db");
	take_or_fail(&w, n, 20);
	char *before = describe_all(w.store);
	close_writer(&w);
	char *whole = NULL;
	for (int at = 1; at < 400; at++) {
		struct err e = { 0 };
		char command[400];
		snprintf(command, sizeof command, "cp %s %s && rm -rf %s-wal %s-shm %s-ids",
			 path_of("fail.db"), path_of("fail2.db"), path_of("fail2.db"),
			 path_of("fail2.db"), path_of("fail2.db"));
		assert_int_equal(system(command), 0);
		w = open_writer("fail2.db");
		failing_vfs_fail_at(at);
		int rc = take_numbers(&w, n + 20, 40, &e);
		bool done = failing_vfs_calls() < at;
		failing_vfs_fail_at(0);
		failures += rc != 0;
		if (rc != 0) {
			assert_int_equal(e.code, ERR_STORE);
			char *now_there = describe_all(w.store);
			assert_string_equal(now_there, before);
			free(now_there);
		}
		/* the same handle goes on, and so does another process */
		if (at % 2) {
			close_writer(&w);
			w = open_writer("fail2.db");
		}
		take_or_fail(&w, n, COUNT(n));
		char *got = describe_all(w.store);
		whole = whole ? whole : got;
		assert_string_equal(got, whole);
		check_clean(w.store);
		if (got != whole)
			free(got);
		close_writer(&w);
		if (done)
			break;
	}
	print_message("# %d failing writes and syncs\n", failures);
	assert_true(failures > 10);
	free(before);
	free(whole);
}

/* --- allocations of SQLite that fail --- */

/* In a process of its own: the allocator is chosen before SQLite starts. */
static void sweep_allocations(void)
{
	uint64_t n[40];
	int failures = 0;
	uint64_t of_others = 1000;
	for (size_t i = 0; i < COUNT(n); i++)
		n[i] = i;
	failing_memory_install();
	forget("memory.db");
	struct writer w = open_writer("memory.db"), other = open_writer("memory.db");
	take_or_fail(&w, n, 10);
	for (int at = 1; at < 20000; at += at < 200 ? 1 : 17) {
		struct err e = { 0 };
		/* so that the transaction has rows to read as it begins, and may fail at that */
		take_or_fail(&other, &of_others, 1);
		of_others++;
		failing_memory_fail_at(at, false);
		int rc = take_numbers(&w, n, COUNT(n), &e);
		bool done = failing_memory_calls() < at;
		failing_memory_fail_at(0, false);
		if (rc != 0) { /* the same process goes on */
			failures++;
			take_or_fail(&w, &of_others, 1);
			of_others++;
		}
		if (done)
			break;
		if (at % 20 == 0)
			check_clean(w.store);
	}
	take_or_fail(&w, n, COUNT(n));
	assert_int_equal(store_last_seq(w.store), COUNT(n) + of_others - 1000);
	check_clean(w.store);
	close_writer(&other);
	close_writer(&w);
	print_message("# %d failing allocations\n", failures);
	if (failures < 10)
		_exit(5);
	_exit(0);
}

static void failing_allocations_are_survived(void **state)
{
	int status;
	(void)state;
	pid_t child = fork();
	if (child == 0)
		sweep_allocations();
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

/* What an older version took: counts above the bound of a record, and all in one sum. */
static void make_hurt(struct store *s, int64_t first, int64_t last)
{
	char sql[500];
	struct err e = { 0 };
	snprintf(sql, sizeof sql,
		 "%s; UPDATE usage SET input=9223372036854775807,time=(SELECT time FROM usage "
		 "WHERE seq=%lld),series=(SELECT series FROM usage WHERE seq=%lld),price=(SELECT "
		 "price FROM usage WHERE seq=%lld) WHERE seq BETWEEN %lld AND %lld",
		 test_on_server() ? "ALTER TABLE usage DISABLE TRIGGER USER"
				  : "DROP TRIGGER IF EXISTS usage_is_never_changed",
		 (long long)first, (long long)first, (long long)first, (long long)first,
		 (long long)last);
	if (db_run(store_db(s), sql, &e) != 0)
		fail_msg("%s", e.message);
}

static int64_t rolled_to(struct store *s)
{
	int64_t seq;
	struct err e = { 0 };
	assert_int_equal(rollup_rolled_to(s, &seq, &e), 0);
	return seq;
}

/* Sums that do not fit stop no writer; once they fit again they are made. */
static void a_hurt_database_takes_new_records(void **state)
{
	uint64_t n[300];
	char id[40], customer[16];
	struct metered m;
	struct err e = { 0 };
	(void)state;
	if (test_on_cluster()) /* no version took such records there, nor can they be put there */
		skip();
	for (size_t i = 0; i < COUNT(n); i++)
		n[i] = i;
	for (int rolled = 0; rolled < 2; rolled++) {
		forget("hurt.db");
		struct writer w = open_writer("hurt.db");
		take_or_fail(&w, n, rolled ? 100 : 40);
		assert_int_equal(rolled_to(w.store), rolled ? 100 : 0);
		take_or_fail(&w, n, rolled ? 140 : 40);
		make_hurt(w.store, rolled ? 101 : 1, rolled ? 140 : 40);
		close_writer(&w); /* which had the rows as they were */
		w = open_writer("hurt.db");
		for (size_t count = 150; count <= COUNT(n); count += 30)
			take_or_fail(&w, n, count);
		assert_int_equal(store_last_seq(w.store), COUNT(n));
		assert_int_equal(rolled_to(w.store), rolled ? 100 : 0);
		assert_true(rollup_is_left_behind(w.store));
		assert_int_equal(store_begin(w.store, now, &e), 0);
		for (size_t i = rolled ? 100 : 0; i < (rolled ? 140 : 40); i++) {
			make(&m, i, id, customer);
			if (correct_void(w.store, id, "test", &e) != 0)
				fail_msg("%s", e.message);
		}
		assert_int_equal(rollup_catch_up(w.store, 0, &e), 0);
		assert_int_equal(store_commit(w.store, &e), 0);
		/* a transaction on a server does not read what it wrote itself: the next one does
		 */
		if (test_on_server()) {
			assert_int_equal(store_begin(w.store, now, &e), 0);
			assert_int_equal(rollup_catch_up(w.store, 0, &e), 0);
			assert_int_equal(store_commit(w.store, &e), 0);
		}
		assert_false(rollup_is_left_behind(w.store));
		assert_int_equal(rolled_to(w.store), store_last_seq(w.store));
		check_clean(w.store);
		close_writer(&w);
	}
}

static void run_or_fail(struct store *s, const char *sql)
{
	struct err e = { 0 };
	if (store_begin(s, now, &e) != 0 || db_run(store_db(s), sql, &e) != 0 ||
	    store_commit(s, &e) != 0)
		fail_msg("%s", e.message);
}

/* Sums of rows that could not be written are added to by the rows behind them, each to its own. */
static void sums_that_wait_are_not_mixed_up(void **state)
{
	uint64_t n[300];
	(void)state;
	for (size_t i = 0; i < COUNT(n); i++)
		n[i] = i;
	forget("wait.db");
	struct writer w = open_writer("wait.db");
	take_or_fail(&w, n, 100);
	run_or_fail(w.store, "CREATE TABLE kept AS SELECT * FROM rollup_day; UPDATE rollup_day SET "
			     "input=9223372036854775807");
	take_or_fail(&w, n + 100, 100);
	assert_true(rollup_is_left_behind(w.store));
	assert_int_equal(rolled_to(w.store), 100);
	run_or_fail(w.store, "DELETE FROM rollup_day; INSERT INTO rollup_day SELECT * FROM kept; "
			     "DROP TABLE kept");
	take_or_fail(&w, n + 200, 100);
	assert_false(rollup_is_left_behind(w.store));
	assert_int_equal(rolled_to(w.store), 300);
	check_clean(w.store);
	close_writer(&w);
}

/* On a server: many series at once have the entries that each by itself would have, whoever made
 * them first, whatever their names are made of. */
static void series_that_are_made_at_once_are_those_of_their_records(void **state)
{
	enum { MANY = 300 };
	static const char *const odd[] = { "",
					   "a,b",
					   "{\"x\"}",
					   "NULL",
					   "back\\slash",
					   "o'clock",
					   "\xC3\xA9t\xC3\xA9 \xE2\x82\xAC",
					   "line\nfeed" };
	struct err e = { 0 };
	char name[MANY][24], long_name[5000];
	int64_t number, again, before, made;
	(void)state;
	if (!test_on_server())
		return;
	memset(long_name, 'x', sizeof long_name);
	forget("series.db");
	struct writer first = open_writer("series.db"), second = open_writer("series.db");
	for (int round = 0; round < 2; round++) {
		struct store *s = round ? second.store : first.store;
		const int from =
			round ? MANY / 2 : 0; /* the second one knows none of half of them */
		for (int twice = 0; twice < 2; twice++)
			for (int i = from; i < from + MANY / 2 + 50 && i < MANY; i++) {
				struct record r;
				record_clear(&r);
				snprintf(name[i], sizeof name[i], "customer %d", i);
				r.text[FIELD_CUSTOMER] = text_of(name[i]);
				r.text[FIELD_PROJECT] = text_of(odd[i % (int)COUNT(odd)]);
				r.text[FIELD_WORKLOAD] =
					(struct text){ long_name, i % 10 ? 0 : sizeof long_name };
				r.text[FIELD_MODEL] = TEXT("deepseek-v4-flash");
				if (store_want_series(s, &r, &e) != 0)
					fail_msg("%s", e.message);
			}
		if (store_make_series(s, &e) != 0)
			fail_msg("%s", e.message);
	}
	assert_int_equal(
		db_read_int(store_db(first.store), "SELECT count(*) FROM series", &before, &e), 0);
	assert_int_equal(before, MANY);
	for (int i = 0; i < MANY; i++) {
		struct record r;
		const struct series_names *n;
		record_clear(&r);
		r.text[FIELD_CUSTOMER] = text_of(name[i]);
		r.text[FIELD_PROJECT] = text_of(odd[i % (int)COUNT(odd)]);
		r.text[FIELD_WORKLOAD] = (struct text){ long_name, i % 10 ? 0 : sizeof long_name };
		r.text[FIELD_MODEL] = TEXT("deepseek-v4-flash");
		assert_int_equal(store_series(first.store, &r, &number, &e), 0);
		assert_int_equal(store_series(second.store, &r, &again, &e), 0);
		assert_int_equal(number, again);
		struct store *const both[] = { first.store, second.store };
		for (size_t k = 0; k < COUNT(both); k++) {
			assert_int_equal(store_series_names(both[k], number, &n, &e), 0);
			assert_true(text_eq(n->customer, r.text[FIELD_CUSTOMER]));
			assert_true(text_eq(n->project, r.text[FIELD_PROJECT]));
			assert_true(text_eq(n->workload, r.text[FIELD_WORKLOAD]));
		}
	}
	assert_int_equal(
		db_read_int(store_db(first.store), "SELECT count(*) FROM series", &made, &e), 0);
	assert_int_equal(made, MANY);
	close_writer(&first);
	close_writer(&second);
}

static int64_t row_of(struct store *s, const char *id)
{
	struct known_id known;
	struct err e = { 0 };
	assert_int_equal(store_find(s, text_of(id), &known, &e), 0);
	return known.first;
}

/* Also between transactions: after one that failed, and while another writer appends. */
static void an_id_is_found_at_any_time(void **state)
{
	const uint64_t n[] = { 0, 2, 4, 6, 8 };
	struct metered m;
	char id[40], customer[16];
	struct err e = { 0 };
	(void)state;
	forget("anytime.db");
	struct writer w = open_writer("anytime.db"), other = open_writer("anytime.db");
	take_or_fail(&w, n, 3);
	assert_int_equal(store_begin(w.store, now, &e), 0);
	make(&m, 10, id, customer);
	assert_int_equal(ingest_take(w.in, &m, now, &e), 0);
	assert_int_equal(row_of(w.store, "call-10"), 4);
	store_rollback(w.store);
	assert_int_equal(row_of(w.store, "call-10"), 0);
	assert_int_equal(row_of(w.store, "call-0"), 1);
	take_or_fail(&other, n + 3, 2);
	assert_int_equal(row_of(w.store, "call-8"), 5);
	assert_int_equal(store_refresh(w.store, &e), 0);
	check_clean(w.store);
	close_writer(&other);
	close_writer(&w);
	/* and by who has just opened it and read no ids yet */
	for (int how = 0; how < 3; how++) {
		w = open_writer("anytime.db");
		if (how == 2)
			assert_int_equal(store_read_ids(w.store, &e), 0);
		if (how)
			assert_int_equal(store_begin(w.store, now, &e), 0);
		assert_int_equal(row_of(w.store, "call-8"), 5);
		assert_int_equal(row_of(w.store, "call-0"), 1);
		assert_int_equal(row_of(w.store, "call-10"), 0);
		store_rollback(w.store);
		close_writer(&w);
	}
}

/* A disk without room, for real: files may not grow beyond a size. */
static void a_full_disk_is_told_and_survived(void **state)
{
	uint64_t n[2000];
	int status;
	(void)state;
	for (size_t i = 0; i < COUNT(n); i++)
		n[i] = i;
	forget("full.db");
	pid_t child = fork();
	if (child == 0) {
		struct writer w = open_writer("full.db");
		struct rlimit small = { 2 << 20, 2 << 20 };
		struct err e = { 0 };
		take_or_fail(&w, n, 100);
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &small);
		int rc = 0;
		for (uint64_t from = 100; rc == 0 && from < 200000; from += COUNT(n)) {
			for (size_t i = 0; i < COUNT(n); i++)
				n[i] = from + i;
			rc = take_numbers(&w, n, COUNT(n), &e);
		}
		_exit(rc == -ERR_STORE && strstr(e.message, "full.db") ? 0 : 1);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	struct writer w = open_writer("full.db");
	for (size_t i = 0; i < COUNT(n); i++)
		n[i] = i;
	take_or_fail(&w, n, COUNT(n));
	check_clean(w.store);
	close_writer(&w);
}

static void a_newer_or_foreign_database_is_refused(void **state)
{
	struct err e = { 0 };
	struct store *s;
	sqlite3 *db;
	(void)state;
	forget("newer.db");
	struct writer w = open_writer("newer.db");
	close_writer(&w);
	assert_int_equal(sqlite3_open(path_of("newer.db"), &db), SQLITE_OK);
	sqlite3_exec(db, "PRAGMA user_version=999", NULL, NULL, NULL);
	sqlite3_close(db);
	assert_int_equal(store_open(&s, path_of("newer.db"), DB_WRITE, &e), -ERR_INVALID);
	assert_non_null(strstr(e.message, "newer"));
	forget("foreign.db");
	assert_int_equal(sqlite3_open(path_of("foreign.db"), &db), SQLITE_OK);
	sqlite3_exec(db, "CREATE TABLE t(a)", NULL, NULL, NULL);
	sqlite3_close(db);
	assert_int_equal(store_open(&s, path_of("foreign.db"), DB_WRITE, &e), -ERR_INVALID);
	int fd = open(path_of("text.db"), O_CREAT | O_WRONLY, 0644);
	assert_true(write(fd, "this is no database, only some text in a file", 45) == 45);
	close(fd);
	assert_int_equal(store_open(&s, path_of("text.db"), DB_WRITE, &e), -ERR_INVALID);
	assert_int_equal(store_open(&s, path_of("absent.db"), DB_WRITE, &e), -ERR_NOT_FOUND);
}

int main(void)
{
	failing_vfs_install();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_pieces_and_repeats_change_nothing),
		cmocka_unit_test(every_record_is_counted_as_just_one_thing),
		cmocka_unit_test(a_conflict_keeps_both_and_the_first_counts),
		cmocka_unit_test(rows_come_back_as_they_went_in),
		cmocka_unit_test(growing_calls_count_at_their_largest),
		cmocka_unit_test(sums_do_not_depend_on_how_they_are_asked_for),
		cmocka_unit_test(what_is_remembered_of_days_is_what_the_rows_say),
		cmocka_unit_test(a_reader_finds_ids_through_the_index_of_the_writer),
		cmocka_unit_test(the_dearest_rows_are_found_where_they_can_be),
		cmocka_unit_test(pages_by_number_skip_only_what_cannot_be_theirs),
		cmocka_unit_test(rerating_can_be_undone_to_the_last_digit),
		cmocka_unit_test(what_waits_is_of_the_customer_that_sent_it),
		cmocka_unit_test(a_voided_record_is_gone_and_stays_known),
		cmocka_unit_test(a_refresh_in_between_changes_no_numbers),
		cmocka_unit_test(a_hurt_database_takes_new_records),
		cmocka_unit_test(sums_that_wait_are_not_mixed_up),
		cmocka_unit_test(series_that_are_made_at_once_are_those_of_their_records),
		cmocka_unit_test(several_writers_keep_each_id_once),
		cmocka_unit_test(a_killed_writer_loses_nothing_that_was_acknowledged),
	};
	const struct CMUnitTest of_files[] = {
		cmocka_unit_test(the_index_of_ids_is_made_anew_when_it_cannot_be_trusted),
		cmocka_unit_test(the_index_grows_and_loses_nothing),
		cmocka_unit_test(a_damaged_index_is_mended_for_all),
		cmocka_unit_test(runs_are_read_by_who_looks_for_an_id),
		cmocka_unit_test(a_filter_knows_what_other_processes_wrote),
		cmocka_unit_test(a_failing_disk_leaves_nothing_half_written),
		cmocka_unit_test(an_id_is_found_at_any_time),
		cmocka_unit_test(failing_allocations_are_survived),
		cmocka_unit_test(a_full_disk_is_told_and_survived),
		cmocka_unit_test(a_newer_or_foreign_database_is_refused),
	};
	int failed = cmocka_run_group_tests_name("store", tests, open_book, close_book);
	if (!test_on_server())
		failed += cmocka_run_group_tests_name("store in a file", of_files, open_book,
						      close_book);
	return failed;
}
