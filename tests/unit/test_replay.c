/*
 * The replay against itself (threads, order, cuts, groupings, fast against strict) and against a
 * small independent sum.
 */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "base/arena.h"
#include "sim/replay.h"

static struct book *book;
static struct zone *utc;
static char dir[] = "/tmp/tally-replay-XXXXXX";

static const char *write_file(const char *name, const void *p, size_t n)
{
	static char path[8][300];
	static int next;
	char *out = path[next++ % 8];
	snprintf(out, 300, "%s/%s", dir, name);
	FILE *f = fopen(out, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
	return out;
}

/* Everything that a run tells, as text. */
static char *run_text(const struct replay_options *options, struct err *e)
{
	struct replay_result *r = NULL;
	struct buf b = { 0 };
	struct replay_options o = *options;
	char text[DECIMAL_TEXT_MAX];
	struct replay_labels labels;
	o.book = book;
	o.zone = o.zone ? o.zone : utc;
	o.currency = "USD";
	if (o.until.us == 0) {
		o.since = INSTANT_MIN;
		o.until = INSTANT_MAX;
	}
	int rc = replay_run(&r, &o, e);
	if (rc != 0)
		return NULL;
	for (size_t i = 0; i <= replay_group_count(r); i++) {
		struct sums s = *replay_total(r);
		if (i < replay_group_count(r)) {
			replay_group_sums(r, i, &s);
			replay_group_labels(r, i, &labels);
			for (size_t d = 0; d < o.dim_count; d++) {
				struct text t = labels.text[d];
				buf_printf(&b, "%.*s|", (int)t.n, t.p ? t.p : "");
			}
		}
		buf_printf(&b, "%lld %u %u %s", (long long)s.records, s.unpriced, s.uncredited,
			   money_total_format(s.cost, text));
		buf_printf(&b, " %s", credits_format(s.credits, text));
		for (int k = 0; k < BUCKET_COMMON; k++)
			buf_printf(&b, " %lld", (long long)s.tokens[k]);
		buf_puts(&b, "\n");
	}
	for (size_t i = 0; i < replay_unpriced_count(r); i++)
		buf_printf(&b, "unpriced %lld %s\n", (long long)replay_unpriced(r, i)->records,
			   replay_unpriced(r, i)->why);
	buf_printf(&b, "refused %lld\n", (long long)replay_refused(r));
	for (size_t i = 0; i < replay_refusal_count(r); i++)
		buf_printf(&b, "%lld %s\n", (long long)replay_refusal(r, i)->line,
			   replay_refusal(r, i)->message);
	replay_result_close(r);
	return b.p;
}

/* Rounds of the damaged-input properties; slow builds (sanitizers) ask for fewer. */
static int rounds(void)
{
	const char *s = getenv("TALLY_ROUNDS");
	return s ? atoi(s) : 600;
}

static const char *const models[] = { "deepseek-v4-flash", "deepseek-v4-pro", "claude-sonnet-4-6",
				      "claude-sonnet-4-5", "nobody-knows-1" };

static void random_csv(struct buf *b, uint64_t *seed, size_t rows)
{
	buf_puts(b,
		 "id,time,model,customer,task,input,cache_read,cache_write_5m,output,reasoning\n");
	for (size_t i = 0; i < rows; i++) {
		uint64_t r = unit_random(seed);
		unsigned out = (unsigned)(r >> 20) % 3000;
		buf_printf(b, "r%zu,2026-08-%02uT%02u:%02u:%02uZ,%s,c%u,t%u,%u,%u,%u,%u,%u\n", i,
			   10 + (unsigned)(r % 20), (unsigned)(r >> 8) % 24,
			   (unsigned)(r >> 14) % 60, (unsigned)(r >> 19) % 60,
			   models[(r >> 30) % 5], (unsigned)(r >> 33) % 7, (unsigned)(r >> 36) % 50,
			   (unsigned)(r >> 5) % 150000, (unsigned)(r >> 9) % 120000,
			   (unsigned)(r >> 40) % 500, out, out ? (unsigned)(r >> 45) % out : 0);
	}
}

static void nothing_depends_on_threads_order_or_cuts(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	struct buf all = { 0 }, head = { 0 };
	random_csv(&all, &seed, 30000);
	size_t body = (size_t)(strchr(all.p, '\n') + 1 - all.p);
	size_t cut = body + (size_t)(strchr(all.p + all.n / 3, '\n') + 1 - (all.p + body));
	buf_add(&head, all.p, body);
	buf_add(&head, all.p + cut, all.n - cut);
	const char *whole = write_file("whole.csv", all.p, all.n),
		   *first = write_file("first.csv", all.p, cut);
	const char *second = write_file("second.csv", head.p, head.n);
	struct plan_file *f;
	struct replay_options o = { .path = &whole,
				    .path_count = 1,
				    .threads = 1,
				    .dim = { BY_TASK, BY_MODEL, BY_WINDOW },
				    .dim_count = 3 };
	assert_int_equal(plan_open(&f, &o.plan, "vm0-tokens", NULL), 0);
	char *expected = run_text(&o, NULL);
	assert_non_null(expected);
	for (int threads = 2; threads < 6; threads++) {
		const char *paths[2][2] = { { first, second }, { second, first } };
		struct replay_options p = o;
		p.threads = threads;
		char *got = run_text(&p, NULL);
		assert_string_equal(got, expected);
		free(got);
		p.path = paths[threads % 2];
		p.path_count = 2;
		got = run_text(&p, NULL);
		assert_string_equal(got, expected);
		free(got);
	}
	struct replay_options strict = o;
	strict.strict_only = true;
	char *got = run_text(&strict, NULL);
	assert_string_equal(got, expected);
	free(got);
	free(expected);
	plan_file_close(f);
	buf_release(&all);
	buf_release(&head);
}

static bool replays_have(int g)
{
	enum grouping same;
	return grouping_find(&same, text_of(grouping_name((enum grouping)g)), GROUPS_OF_REPLAY);
}

static void every_grouping_adds_up_to_the_same_total(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	struct buf all = { 0 };
	random_csv(&all, &seed, 20000);
	const char *path = write_file("groups.csv", all.p, all.n);
	struct zone *zone;
	assert_int_equal(zone_open(&zone, "America/St_Johns", NULL), 0);
	struct replay_options o = { .path = &path, .path_count = 1, .threads = 2, .zone = zone };
	char *plain = run_text(&o, NULL);
	for (int a = 0; a < GROUPING_COUNT; a++)
		for (int b = -1; b < GROUPING_COUNT; b++) {
			struct replay_options p = o;
			if (a == b || !replays_have(a) || (b >= 0 && !replays_have(b)))
				continue;
			p.dim[p.dim_count++] = (enum grouping)a;
			if (b >= 0)
				p.dim[p.dim_count++] = (enum grouping)b;
			char *grouped = run_text(&p, NULL);
			/* the line of the total is the last one that is not a reason; it must stand
			 * there unchanged */
			char line[400];
			snprintf(line, sizeof line, "\n%.*s\n", (int)strcspn(plain, "\n"), plain);
			if (!strstr(grouped, line))
				fail_msg("by %s and %s the total differs",
					 grouping_name((enum grouping)a),
					 b < 0 ? "-" : grouping_name((enum grouping)b));
			free(grouped);
		}
	free(plain);
	zone_close(zone);
	buf_release(&all);
}

/* Flash at 0.14 / 0.0028 / 0.28 all through June 2026: cost = (140000 in + 2800 hit + 280000 out) x
 * 1e-12, in plain integers. */
static void the_total_agrees_with_an_independent_sum(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	struct buf b = { 0 };
	unsigned long long input = 0, hit = 0, out = 0;
	buf_puts(&b, "output,time,input,cache_read\r\n");
	for (int i = 0; i < 50000; i++) {
		unsigned a = (unsigned)(unit_random(&seed) % 200000),
			 h = (unsigned)(unit_random(&seed) % 100000),
			 o = (unsigned)(unit_random(&seed) % 9000);
		buf_printf(&b, "%u,2026-06-%02d 0%d:10:59.25,%u,%u%s", o, 1 + i % 30, i % 10, a, h,
			   i + 1 < 50000 ? "\r\n" : "");
		input += a, hit += h, out += o;
	}
	const char *path = write_file("flash.csv", b.p, b.n);
	struct replay_options o = { .path = &path, .path_count = 1, .model = "deepseek-v4-flash" };
	char *got = run_text(&o, NULL);
	unsigned long long pico = input * 140000 + hit * 2800 + out * 280000;
	char expected[200], fraction[16];
	snprintf(fraction, sizeof fraction, "%012llu", pico % 1000000000000ull);
	for (size_t n = 12; n && fraction[n - 1] == '0'; n--)
		fraction[n - 1] = 0;
	snprintf(expected, sizeof expected, "50000 0 0 %llu.%s 0 %llu %llu 0 0 %llu 0\nrefused 0\n",
		 pico / 1000000000000ull, fraction, input, hit, out);
	assert_string_equal(got, expected);
	free(got);
	buf_release(&b);
}

/* Bytes that hurt: quotes, blanks, controls, half of UTF-8, long numbers, line ends. */
static void mutate(struct buf *b, uint64_t *seed, size_t times)
{
	static const char *const pieces[] = { "\"",
					      "\"\"",
					      ",",
					      "\n",
					      "\r\n",
					      "\r",
					      " ",
					      "\t",
					      "\xff",
					      "\xc3",
					      "\xc3\xa9",
					      "-1",
					      "1.5",
					      "1e3",
					      "99999999999999999999",
					      "9223372036854775807",
					      "null",
					      "2026-02-30T00:00:00Z",
					      "2026-06-15",
					      "1787536800",
					      "x",
					      "{",
					      "}",
					      "[1,2]",
					      ":",
					      "\\",
					      "\\u00e9",
					      "\"a\nb\"",
					      "",
					      "0",
					      "00",
					      "+3",
					      ";",
					      "true",
					      "\"12\"",
					      ",\"input\":5",
					      "\x01" };
	for (size_t i = 0; i < times; i++) {
		const char *piece = pieces[unit_random(seed) % COUNT(pieces)];
		size_t n = strlen(piece), at = unit_random(seed) % b->n,
		       drop = unit_random(seed) % 3 ? 0 : unit_random(seed) % 12;
		if (unit_random(seed) % 50 == 0)
			piece = "\0", n = 1;
		if (drop > b->n - at)
			drop = b->n - at;
		struct buf out = { 0 };
		buf_add(&out, b->p, at);
		buf_add(&out, piece, n);
		buf_add(&out, b->p + at + drop, b->n - at - drop);
		buf_release(b);
		*b = out;
	}
}

static void compare_fast_with_strict(const char *name, struct buf *b, const char *format)
{
	const char *path = write_file(name, b->p, b->n);
	struct replay_options o = { .path = &path,
				    .path_count = 1,
				    .format = format,
				    .model = "deepseek-v4-flash",
				    .dim = { BY_TASK, BY_CUSTOMER, BY_DAY },
				    .dim_count = 3 };
	struct err e = { 0 }, f = { 0 };
	o.threads = 2;
	char *fast = run_text(&o, &e);
	o.strict_only = true;
	o.threads = 1;
	char *strict = run_text(&o, &f);
	if ((fast == NULL) != (strict == NULL) ||
	    (fast ? strcmp(fast, strict) != 0 : strcmp(e.message, f.message) != 0)) {
		char keep[400];
		snprintf(keep, sizeof keep, "%s/failed-%s", dir, name);
		rename(path, keep);
		fail_msg("fast and strict differ on %s:\n%.600s\n---\n%.600s", keep,
			 fast ? fast : e.message, strict ? strict : f.message);
	}
	free(fast);
	free(strict);
}

static void fast_and_strict_csv_agree_on_damaged_input(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	for (int round = 0; round < rounds(); round++) {
		struct buf b = { 0 };
		random_csv(&b, &seed, round % 40 == 0 ? 4000 : 5 + round % 30);
		size_t header = (size_t)(strchr(b.p, '\n') + 1 - b.p);
		struct buf body = { 0 };
		buf_add(&body, b.p + header, b.n - header);
		mutate(&body, &seed, 1 + unit_random(&seed) % 12);
		b.n = round % 10 ? header : b.n;
		buf_add(&b, body.p, body.n);
		compare_fast_with_strict("fuzz.csv", &b, "csv");
		buf_release(&body);
		buf_release(&b);
	}
}

static void random_jsonl(struct buf *b, uint64_t *seed, size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		uint64_t r = unit_random(seed);
		char field[8][80];
		int order[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
		snprintf(field[0], 80, "\"time\":\"2026-08-%02uT%02u:00:01Z\"",
			 10 + (unsigned)(r % 20), (unsigned)(r >> 8) % 24);
		snprintf(field[1], 80, "\"model\":\"%s\"", models[(r >> 30) % 5]);
		snprintf(field[2], 80, "\"customer\": \"c%u\"", (unsigned)(r >> 33) % 7);
		snprintf(field[3], 80, "\"task\":\"t%u\"", (unsigned)(r >> 36) % 50);
		snprintf(field[4], 80, "\"input\":%u", (unsigned)(r >> 5) % 150000);
		snprintf(field[5], 80, "\"output\" : %u", (unsigned)(r >> 9) % 5000);
		snprintf(field[6], 80, "\"extra\":[1,\"x\",null]");
		snprintf(field[7], 80, "\"note\":\"caf\xc3\xa9 \\n\"");
		if (r >> 60 & 1)
			for (int k = 7; k > 0; k--) {
				int j = (int)(unit_random(seed) % (uint64_t)(k + 1)), t = order[k];
				order[k] = order[j];
				order[j] = t;
			}
		for (int k = 0; k < 8; k++)
			buf_printf(b, "%s%s", k ? "," : "{", field[order[k]]);
		buf_puts(b, "}\n");
	}
}

static void fast_and_strict_jsonl_agree_on_damaged_input(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	for (int round = 0; round < rounds(); round++) {
		struct buf b = { 0 };
		random_jsonl(&b, &seed, round % 40 == 0 ? 2000 : 5 + round % 30);
		if (round % 20)
			mutate(&b, &seed, 1 + unit_random(&seed) % 12);
		compare_fast_with_strict("fuzz.jsonl", &b, "jsonl");
		buf_release(&b);
	}
}

static void a_record_that_spans_lines_is_found_in_any_block(void **state)
{
	(void)state;
	struct buf b = { 0 };
	buf_puts(&b, "time,model,task,input\n");
	/* enough rows that the quoted ones lie in later blocks and across their edges */
	for (int i = 0; i < 60000; i++)
		buf_printf(&b,
			   i % 997 == 996 ? "2026-06-15,deepseek-v4-flash,\"two\nlines, and "
					    "\"\"quotes\"\"\",%d\n"
					  : "2026-06-15,deepseek-v4-flash,t,%d\n",
			   i);
	buf_puts(&b, "2026-06-15,deepseek-v4-flash,\"never "
		     "closed,1\n2026-06-15,deepseek-v4-flash,t,7\n");
	const char *path = write_file("spans.csv", b.p, b.n);
	struct replay_options o = {
		.path = &path, .path_count = 1, .threads = 2, .dim = { BY_TASK }, .dim_count = 1
	};
	char *got = run_text(&o, NULL);
	assert_non_null(strstr(got, "two\nlines, and \"quotes\"|60 "));
	assert_non_null(strstr(got, "\n60001 0 0 "));
	assert_non_null(strstr(got, "refused 1\n60062 "));
	free(got);
	buf_release(&b);
}

static void a_shifted_trace_keeps_its_distances(void **state)
{
	(void)state;
	/* the second call lies 90 minutes after the first: put at 03:00 on a peak morning it leaves
	 * the peak at 04:00 */
	static const char csv[] = "time,model,input\n2020-01-01T12:00:00Z,deepseek-v4-pro,"
				  "1000000\n2020-01-01T10:30:00Z,deepseek-v4-pro,1000000\n";
	const char *path = write_file("shift.csv", csv, sizeof csv - 1);
	struct replay_options o = {
		.path = &path, .path_count = 1, .has_at = true, .dim = { BY_WINDOW }, .dim_count = 1
	};
	instant_parse(&o.at, TEXT("2026-08-24T03:00:00Z"), NULL);
	char *got = run_text(&o, NULL);
	assert_string_equal(got, "off-peak|1 0 0 0.66 0 1000000 0 0 0 0 0\npeak|1 0 0 1.32 0 "
				 "1000000 0 0 0 0 0\n2 0 0 1.98 0 2000000 0 0 0 0 0\nrefused 0\n");
	free(got);
}

static void the_boundary_is_a_choice_whose_price_is_stated(void **state)
{
	(void)state;
	static const char csv[] = "time,completed,model,input\n2026-08-24T03:59:59Z,2026-08-24T04:"
				  "00:01Z,deepseek-v4-pro,1000000\n"
				  "2026-08-24T05:00:00Z,,deepseek-v4-pro,1000000\n";
	const char *path = write_file("boundary.csv", csv, sizeof csv - 1);
	struct replay_options o = { .path = &path,
				    .path_count = 1,
				    .book = book,
				    .zone = utc,
				    .currency = "USD",
				    .since = INSTANT_MIN,
				    .until = INSTANT_MAX };
	for (int k = 0; k < 2; k++) {
		struct replay_result *r;
		int64_t known, hinging;
		struct money_total difference;
		char text[DECIMAL_TEXT_MAX];
		o.boundary = (enum boundary)k;
		assert_int_equal(replay_run(&r, &o, NULL), 0);
		assert_string_equal(money_total_format(replay_total(r)->cost, text),
				    k ? "1.32" : "1.98");
		replay_boundary(r, &known, &hinging, &difference);
		assert_int_equal(known, 1);
		assert_int_equal(hinging, 1);
		assert_string_equal(money_total_format(difference, text), k ? "0.66" : "-0.66");
		replay_result_close(r);
	}
}

static void a_quarter_hour_that_a_price_divides_is_priced_call_by_call(void **state)
{
	(void)state;
	/* the alias ends at 15:59, so one quarter hour holds calls with and without a price */
	static const char csv[] = "time,model,input\n2026-07-24T15:58:59Z,deepseek-chat,1000000\n"
				  "2026-07-24T15:59:00Z,deepseek-chat,1000000\n"
				  "2026-07-24T15:58:58Z,deepseek-chat,1000000\n";
	const char *path = write_file("quarter.csv", csv, sizeof csv - 1);
	struct replay_options o = { .path = &path, .path_count = 1, .threads = 1 };
	char *got = run_text(&o, NULL);
	assert_non_null(strstr(got, "3 1 0 0.28 0 3000000 "));
	free(got);
}

static void groups_with_equal_hashes_stay_apart(void **state)
{
	(void)state;
	static const uint64_t seed[2] = { 1, 2 };
	static const struct group_layout layout = { .bucket = { BUCKET_INPUT },
						    .bucket_count = 1,
						    .credits = true };
	struct groups *g = groups_open(seed, &layout), *more = groups_open(seed, &layout);
	/* whatever the hash, keys decide; so many groups make the table grow under them, and take
	 * bits of the tags */
	enum { GROUPS = 250000 };
	for (uint64_t i = 0; i < GROUPS; i++) {
		char key[16] = { 0 };
		memcpy(key, &i, sizeof i);
		key[15] = 1;
		uint64_t hash = i < 100 ? 42 : groups_hash(g, key, sizeof key);
		struct group *a = groups_need(g, hash, key, sizeof key, NULL);
		assert_int_equal(a->records, 0);
		a->records = (uint32_t)i + 1;
		a->tokens[0] = (int64_t)i;
		group_credits(g, a)->total.atto = (int128)i << 70;
		assert_ptr_equal(groups_need(g, hash, key, sizeof key, NULL), a);
		struct group *b = groups_need(more, groups_hash(more, key, sizeof key), key,
					      sizeof key, NULL);
		b->records = 1;
		if (i % 3 == 0) {
			const int64_t rare[COUNT_RARE] = { [2] = (int64_t)i };
			group_more(more, b)->unpriced = 1;
			group_more(more, b)->placeholders = group_more(more, b)->unsaid = 1;
			if (i % 6 == 0)
				assert_true(group_add_rare(more, b, rare));
		}
	}
	assert_int_equal(groups_count(g), GROUPS);
	groups_close(g);
	g = groups_open(seed, &layout);
	assert_true(groups_merge(g, more));
	assert_true(groups_merge(g, more));
	struct group **list = groups_list(g);
	assert_int_equal(groups_count(g), GROUPS);
	for (size_t i = 0; i < GROUPS; i++) {
		const bool few = i % 3 == 0;
		struct sums s;
		group_sums(g, list[i], &s);
		assert_int_equal(s.records, 2);
		assert_int_equal(s.unpriced, few ? 2 : 0);
		assert_int_equal(s.placeholders, few ? 2 : 0);
		assert_int_equal(s.unsaid, few ? 2 : 0);
		assert_int_equal(s.rare != NULL, i % 6 == 0);
		assert_true(!s.rare || s.rare[2] == 2 * (int64_t)i);
		assert_null(s.recorded);
	}
	free(list);
	groups_close(g);
	groups_close(more);
}

static void chats_are_told_by_their_root(void **state)
{
	(void)state;
	/* a child before its parent, and a chain of three */
	static const char text[] =
		"{\"chat_id\":3,\"parent_chat_id\":2,\"timestamp\":5.5,\"input_length\":30,"
		"\"output_length\":1,\"type\":\"text\",\"turn\":3,\"hash_ids\":[1]}\n"
		"{\"chat_id\":1,\"parent_chat_id\":-1,\"timestamp\":1.0,\"input_length\":10,"
		"\"output_length\":1,\"type\":\"text\",\"turn\":1,\"hash_ids\":[1]}\n"
		"{\"chat_id\":2,\"parent_chat_id\":1,\"timestamp\":2.0,\"input_length\":20,"
		"\"output_length\":1,\"type\":\"text\",\"turn\":2,\"hash_ids\":[1]}\n"
		"{\"chat_id\":4,\"parent_chat_id\":-1,\"timestamp\":3.0,\"input_length\":40,"
		"\"output_length\":1,\"type\":\"image\",\"turn\":1,\"hash_ids\":[]}\n";
	const char *path = write_file("chats.jsonl", text, sizeof text - 1);
	struct replay_options o = { .path = &path,
				    .path_count = 1,
				    .model = "deepseek-v4-flash",
				    .has_at = true,
				    .dim = { BY_TASK, BY_WORKLOAD },
				    .dim_count = 2 };
	instant_parse(&o.at, TEXT("2026-06-15"), NULL);
	char *got = run_text(&o, NULL);
	assert_non_null(strstr(got, "1|text|3 "));
	assert_non_null(strstr(got, "4|image|1 "));
	free(got);
}

static int open_book(void **state)
{
	(void)state;
	return book_open(&book, NULL) != 0 || zone_open(&utc, "UTC", NULL) != 0 || !mkdtemp(dir);
}

static int close_book(void **state)
{
	(void)state;
	char command[400];
	book_close(book);
	zone_close(utc);
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_depends_on_threads_order_or_cuts),
		cmocka_unit_test(every_grouping_adds_up_to_the_same_total),
		cmocka_unit_test(the_total_agrees_with_an_independent_sum),
		cmocka_unit_test(fast_and_strict_csv_agree_on_damaged_input),
		cmocka_unit_test(fast_and_strict_jsonl_agree_on_damaged_input),
		cmocka_unit_test(a_record_that_spans_lines_is_found_in_any_block),
		cmocka_unit_test(a_shifted_trace_keeps_its_distances),
		cmocka_unit_test(the_boundary_is_a_choice_whose_price_is_stated),
		cmocka_unit_test(chats_are_told_by_their_root),
		cmocka_unit_test(a_quarter_hour_that_a_price_divides_is_priced_call_by_call),
		cmocka_unit_test(groups_with_equal_hashes_stay_apart),
	};
	return cmocka_run_group_tests_name("replay", tests, open_book, close_book);
}
