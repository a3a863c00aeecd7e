/*
 * Calls that wait packed, against the rows that were written: every conversation in the order of
 * time, and of one instant in that of the file, with its own counts and names, from any number of
 * threads, whatever the order of the rows and however large their counts, as JSON Lines and as CSV
 * of which some rows need a closer look. Customers who give sessions the same name have one each.
 */
#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

#include "sim/workload_read.h"

enum { ROWS = 12000, CHATS = 300, CUSTOMERS = 7 }; /* and customer 0: none is named */

struct row {
	int64_t time_us, tokens[BUCKET_COMMON], requests, images;
	int chat, customer, model, task;
	int place; /* in the file */
	bool odd;  /* not as rows are written */
};

static struct row made_up(uint64_t *seed, int64_t at_us)
{
	struct row r = { .time_us = at_us, .requests = 1 };
	const uint64_t many = unit_random(seed) % 40 == 0 ? (uint64_t)1 << 40 : 9000;
	for (int k = 0; k < BUCKET_REASONING; k++)
		r.tokens[k] = (int64_t)(unit_random(seed) % many);
	if (unit_random(seed) % 30 == 0)
		r.requests = 2 + (int64_t)(unit_random(seed) % 3);
	if (unit_random(seed) % 90 == 0)
		r.requests = (int64_t)1 << (30 + unit_random(seed) % 4);
	if (unit_random(seed) % 60 == 0)
		r.images = 1 + (int64_t)(unit_random(seed) % 5);
	r.chat = (int)(unit_random(seed) % CHATS);
	r.customer = r.chat % 2 ? r.chat % CUSTOMERS : (int)(unit_random(seed) % CUSTOMERS);
	r.model = (int)(unit_random(seed) % 5);
	r.task = (int)(unit_random(seed) % 3);
	r.odd = unit_random(seed) % 20 == 0;
	return r;
}

static void put_csv_row(FILE *f, const struct row *r)
{
	fprintf(f, "%lld.%06lld,m%d,", (long long)(r->time_us / 1000000),
		(long long)(r->time_us % 1000000), r->model);
	if (r->customer)
		fprintf(f, "customer-%d", r->customer);
	if (r->task)
		fprintf(f, ",t%d", r->task);
	else
		fputc(',', f);
	fprintf(f, ",%ss%d,%lld,%lld", r->odd ? " " : "", r->chat, (long long)r->requests,
		(long long)r->images);
	for (int k = 0; k < BUCKET_REASONING; k++)
		fprintf(f, ",%lld", (long long)r->tokens[k]);
	fputc('\n', f);
}

static void put_csv_header(FILE *f)
{
	fprintf(f, "time,model,customer,task,session,requests,unit_image");
	for (int k = 0; k < BUCKET_REASONING; k++)
		fprintf(f, ",%s", count_name(k));
	fputc('\n', f);
}

static void put_row(FILE *f, const struct row *r)
{
	fprintf(f, "{\"time\":%lld.%06lld,\"model\":\"m%d\"", (long long)(r->time_us / 1000000),
		(long long)(r->time_us % 1000000), r->model);
	if (r->customer)
		fprintf(f, ",\"customer\":\"customer-%d\"", r->customer);
	if (r->task)
		fprintf(f, ",\"task\":\"t%d\"", r->task);
	fprintf(f, ",\"session\":\"s%d\",\"requests\":%lld,\"unit_image\":%lld", r->chat,
		(long long)r->requests, (long long)r->images);
	for (int k = 0; k < BUCKET_REASONING; k++)
		fprintf(f, ",\"%s\":%lld", count_name(k), (long long)r->tokens[k]);
	fprintf(f, "}\n");
}

static int by_time(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	return x->time_us != y->time_us ? x->time_us < y->time_us ? -1 : 1 : x->place - y->place;
}

static struct workload *read_rows(const char *path, enum work_order order, int threads)
{
	const char *const paths[] = { path };
	const struct workload_options o = { .path = paths,
					    .path_count = 1,
					    .since = INSTANT_MIN,
					    .until = INSTANT_MAX,
					    .threads = threads,
					    .order = order };
	struct workload *w = NULL;
	struct err e = { 0 };
	if (workload_read(&w, &o, &e) != 0)
		fail_msg("%s", e.message);
	return w;
}

static void check_name(const struct workload *w, uint32_t name, const char *kind, int n)
{
	char want[24];
	snprintf(want, sizeof want, "%s%d", kind, n);
	if (strcmp(kind, "s") != 0 && n == 0)
		assert_int_equal(name, 0);
	else
		assert_string_equal(w->name[name], want);
}

static void check_call(const struct workload *w, const struct work_call *c, const struct row *r)
{
	assert_true(c->time_us == r->time_us && c->requests == r->requests);
	assert_memory_equal(c->tokens, r->tokens, sizeof c->tokens);
	check_name(w, c->customer, "customer-", r->customer);
	check_name(w, c->session, "s", r->chat);
	check_name(w, c->task, "t", r->task);
	assert_true(w->subject[c->subject].model.p[1] == '0' + r->model);
	if (r->images)
		assert_int_equal(
			w->rare[c->rare - 1].counts[COUNT_TOKENS + UNIT_IMAGE - BUCKET_COMMON],
			r->images);
	else
		assert_int_equal(c->rare, 0);
}

/* rows: in the order of time */
static void check_workload(const struct workload *w, const struct row *rows)
{
	int64_t at[CHATS][CUSTOMERS] = { { 0 } };
	struct work_call *room = mem_alloc(ROWS * sizeof *room);
	assert_int_equal(w->count, ROWS);
	for (size_t k = 0; k < w->conversations; k++) {
		const size_t from = workload_first_call(w, k),
			     calls = workload_first_call(w, k + 1) - from;
		const struct work_call *c = workload_calls(w, k, room);
		const int chat = atoi(w->conversation_name[k] + 1),
			  customer = c->customer ? atoi(w->name[c->customer] + strlen("customer-"))
						 : 0;
		int64_t *of = &at[chat][customer];
		for (size_t i = 0; i < calls; i++) {
			while (rows[*of].chat != chat || rows[*of].customer != customer)
				(*of)++;
			assert_int_equal(c[i].call, i);
			assert_int_equal(c[i].order, *of);
			assert_int_equal(c[i].conversation, k);
			check_call(w, &c[i], &rows[(*of)++]);
		}
	}
	free(room);
}

static void shuffle(struct row *rows, uint64_t *seed)
{
	for (int i = ROWS - 1; i > 0; i--) {
		const int k = (int)(unit_random(seed) % (uint64_t)(i + 1));
		const struct row kept = rows[i];
		rows[i] = rows[k];
		rows[k] = kept;
	}
}

static void write_rows(const char *path, struct row *rows, bool csv)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	if (csv)
		put_csv_header(f);
	for (int i = 0; i < ROWS; i++) {
		rows[i].place = i;
		if (csv)
			put_csv_row(f, &rows[i]);
		else
			put_row(f, &rows[i]);
	}
	fclose(f);
}

static void check_rows(struct row *rows, uint64_t *seed, bool csv, bool shuffled)
{
	char path[64];
	snprintf(path, sizeof path, "/tmp/tally-workload-%d.trace", (int)getpid());
	for (int i = 0; i < ROWS; i++)
		rows[i] = made_up(seed, INT64_C(1780000000000000) + i / 3 * INT64_C(977001));
	if (shuffled)
		shuffle(rows, seed);
	write_rows(path, rows, csv);
	qsort(rows, ROWS, sizeof *rows, by_time);
	for (int threads = 1; threads <= 4; threads++)
		for (int packed = 0; packed < 2; packed++) {
			struct workload *w = read_rows(
				path, packed ? WORK_PACKED : WORK_BY_CONVERSATION, threads);
			assert_true((w->call == NULL) == packed);
			check_workload(w, rows);
			workload_close(w);
		}
	remove(path);
}

static void test_packed_calls_are_the_rows(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	struct row *rows = mem_alloc(ROWS * sizeof *rows);
	for (int csv = 0; csv < 2; csv++)
		for (int shuffled = 0; shuffled < 2; shuffled++)
			check_rows(rows, &seed, csv, shuffled);
	free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_packed_calls_are_the_rows) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
