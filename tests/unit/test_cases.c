/*
 * The case files: priced usage, quota, tariff phases and what must be refused, from public test
 * suites and provider documents. TALLY_COST_CASES names a file of the same schema; without it the
 * default is used where it exists.
 */
#include "tests/unit/unit.h"

#include "base/json.h"
#include "meter/read/record.h"
#include "pricing/book.h"
#include "pricing/plan.h"
#include "pricing/rate.h"

static json_value *cases_root;

static const char *text_member(json_value *v, const char *key)
{
	struct text t = json_string(json_member(v, key));
	return t.n ? t.p : NULL;
}

static int64_t int_member(json_value *v)
{
	struct decimal d;
	int64_t n = 0;
	if (json_kind(v) == JSON_NUMBER && decimal_parse(&d, json_number(v), NULL) == 0)
		decimal_to_int64(d, 0, &n);
	return n;
}

static struct decimal decimal_of(const char *s)
{
	struct decimal d = { 0, 0 };
	if (decimal_parse(&d, text_of(s), NULL) != 0)
		fail_msg("'%s' is no decimal", s);
	return d;
}

static const char *bucket_in_card(const char *name)
{
	static const char *const other[][2] = { { "cached_read", "cache_read" },
						{ "input_audio_tokens", "input_audio" },
						{ "output_image_tokens", "output_image" },
						{ "cached_audio_read", "cache_read_audio" },
						{ "cached_image_read", "cache_read_image" },
						{ "cached_video_read", "cache_read_video" },
						{ "output_audio_tokens", "output_audio" },
						{ "input_image_tokens", "input_image" } };
	for (size_t i = 0; i < COUNT(other); i++)
		if (strcmp(name, other[i][0]) == 0)
			return other[i][1];
	return name;
}

static const char *unit_in_card(const char *name)
{
	return strcmp(name, "requests") == 0 ? "request" : name;
}

/* A price card with the case's own rates, or NULL and why a card cannot state them. */
static struct card *card_of_case(json_value *c, const char **why)
{
	struct buf b = { 0 };
	struct fault_list faults = { 0 };
	struct card *card = NULL;
	const char *comma = "";
	buf_puts(&b, "{\"schema\":\"tally.card/1\",\"prices\":[{\"provider\":");
	json_put_string(&b, json_string(json_member(c, "provider")));
	buf_puts(&b, ",\"model\":");
	json_put_string(&b, json_string(json_member(c, "model")));
	buf_puts(&b, ",\"currency\":\"USD\",\"source\":\"case\",\"sure\":\"case\",\"rates\":{");
	for (json_value *r = json_first(json_member(c, "rates_per_million")); r;
	     r = json_next(r), comma = ",") {
		const char *name = bucket_in_card(json_key(r));
		buf_printf(&b, "%s\"%s\":\"%s\"", comma,
			   strcmp(name, "cache_write") == 0 ? "cache_write_5m" : name,
			   json_string(r).p);
	}
	buf_puts(&b, "}");
	if (text_member(c, "multiplier"))
		buf_printf(&b, ",\"multiplier\":\"%s\"", text_member(c, "multiplier"));
	comma = ",\"fees\":{";
	for (json_value *u = json_first(json_member(c, "extra_units")); u;
	     u = json_next(u), comma = ",")
		buf_printf(&b, "%s\"%s\":{\"amount\":\"%s\",\"per\":%lld}", comma,
			   unit_in_card(text_member(u, "name")), text_member(u, "price_usd"),
			   (long long)int_member(json_member(u, "per")));
	if (*comma == ',' && comma[1] == 0)
		buf_puts(&b, "}");
	buf_puts(&b, "}]}");
	*why = NULL;
	if (card_parse(&card, (struct text){ b.p, b.n }, text_member(c, "id"), &faults) != 0) {
		static char kept[800];
		snprintf(kept, sizeof kept, "%s: %s", faults.fault[0].place,
			 faults.fault[0].message);
		*why = kept;
		card_close(card);
		card = NULL;
	}
	fault_list_release(&faults);
	buf_release(&b);
	return card;
}

static const char *usage_of_case(json_value *c, struct usage *u)
{
	bool own_reasoning = json_member(json_member(c, "rates_per_million"), "reasoning") != NULL;
	*u = (struct usage){ .requests = 1 };
	for (json_value *t = json_first(json_member(c, "tokens")); t; t = json_next(t)) {
		const char *name = bucket_in_card(json_key(t));
		int b = bucket_by_name(name, strlen(name));
		if (b < 0)
			return "a bucket that the program does not know";
		if (u->tokens[b])
			return "two write lifetimes where a card has one";
		u->tokens[b] += int_member(t);
	}
	/* the cases keep reasoning apart where it has a rate of its own; here it is part of output
	 */
	if (own_reasoning)
		u->tokens[BUCKET_OUTPUT] += u->tokens[BUCKET_REASONING];
	for (json_value *x = json_first(json_member(c, "extra_units")); x; x = json_next(x)) {
		const char *name = unit_in_card(text_member(x, "name"));
		if (strcmp(name, "request") == 0)
			u->requests = int_member(json_member(x, "count"));
		else if (u->unit_count < USAGE_UNITS_MAX)
			u->unit[u->unit_count++] =
				(struct usage_unit){ name, int_member(json_member(x, "count")) };
	}
	return NULL;
}

static bool near(struct money_total got, const char *expected, const char *tolerance)
{
	char text[DECIMAL_TEXT_MAX];
	struct decimal g = decimal_of(money_total_format(got, text)), e = decimal_of(expected),
		       t = decimal_of(tolerance);
	while (g.scale < 18)
		g.digits *= 10, g.scale++;
	while (e.scale < 18)
		e.digits *= 10, e.scale++;
	while (t.scale < 18)
		t.digits *= 10, t.scale++;
	int128 off = g.digits - e.digits;
	return (off < 0 ? -off : off) <= t.digits;
}

static bool equal(struct money_total got, const char *expected)
{
	return near(got, expected, "0");
}

static void every_priced_case_comes_out_exactly(void **state)
{
	(void)state;
	size_t exact = 0, shipped_too = 0, left = 0, wrong = 0;
	struct book *shipped = NULL;
	assert_int_equal(book_open(&shipped, NULL), 0);
	for (json_value *c = json_first(json_member(cases_root, "cases")); c; c = json_next(c)) {
		const char *id = text_member(c, "id"), *why = NULL, *at = text_member(c, "at");
		struct usage u;
		struct rating r;
		struct price_match m;
		struct err e = { 0 };
		char text[DECIMAL_TEXT_MAX];
		const char *expected = text_member(c, "expected_usd"),
			   *tolerance = text_member(c, "tolerance_usd");
		const char *computed = text_member(c, "computed_usd");
		struct price_query q = { .provider = json_string(json_member(c, "provider")),
					 .model = json_string(json_member(c, "model")),
					 .currency = "USD" };
		assert_int_equal(instant_parse(&q.at, text_of(at ? at : "2026-11-01"), NULL), 0);
		why = usage_of_case(c, &u);
		struct card *card = why ? NULL : card_of_case(c, &why);
		if (!card) {
			print_message("# %s is not stated by a card: %s\n", id, why);
			left++;
			continue;
		}
		struct book *b = NULL;
		assert_int_equal(book_open(&b, NULL), 0);
		card->price[0].layer = 1;
		book_add_card(b, card);
		int rc = book_find(b, &q, &m, &e);
		if (rc == 0)
			rc = rate_usage(&r, &u, m.price, m.tariff, &e);
		bool approximate =
			text_is(json_string(json_member(c, "kind")), "approx") && tolerance;
		bool ok = rc == 0 && (approximate ? near(r.total, expected, tolerance) &&
							    (!computed || equal(r.total, computed))
						  : equal(r.total, expected));
		if (!ok) {
			print_message("# %s: expected %s, got %s %s\n", id, expected,
				      rc == 0 ? money_total_format(r.total, text) : "", e.message);
			wrong++;
		} else {
			exact++;
		}
		book_close(b);
		/* where the shipped cards know the vendor's price of that instant, they must say
		 * the same */
		if (at && text_is(q.provider, "deepseek") &&
		    book_find(shipped, &q, &m, NULL) == 0) {
			if (rate_usage(&r, &u, m.price, m.tariff, &e) != 0 ||
			    !equal(r.total, expected)) {
				print_message("# %s: shipped %s gives %s instead of %s\n", id,
					      m.price->id, money_total_format(r.total, text),
					      expected);
				wrong++;
			}
			shipped_too++;
		}
	}
	book_close(shipped);
	print_message("# %zu cases exact, %zu of them also through the shipped cards, %zu that no "
		      "card states, %zu wrong\n",
		      exact, shipped_too, left, wrong);
	assert_int_equal(wrong, 0);
	assert_true(exact > 0);
}

static struct credits_total rounded(const char *before)
{
	struct decimal d = decimal_of(before);
	while (d.scale < 18)
		d.digits *= 10, d.scale++;
	return credits_round((struct credits_total){ d.digits }, ROUND_HALF_UP);
}

/* A plan file whose only plan is a new-api one. */
static void quota_plan(json_value *c, struct buf *b)
{
	buf_printf(b,
		   "{\"schema\":\"tally.plans/"
		   "1\",\"plans\":[{\"plan\":\"q\",\"rule\":\"ratio\",\"group_ratio\":\"%s\","
		   "\"rounding\":{\"scope\":\"record\",\"mode\":\"half-up\"}",
		   text_member(c, "group_ratio"));
	if (text_member(c, "model_ratio"))
		buf_printf(b,
			   ",\"tables\":[{\"table\":\"t\"}]}],\"tables\":{\"t\":{\"values\":{\"m\":"
			   "{\"model_ratio\":\"%s\",\"completion_ratio\":\"%s\",\"cache_ratio\":\"%"
			   "s\"}}}}}",
			   text_member(c, "model_ratio"), text_member(c, "completion_ratio"),
			   text_member(c, "cache_ratio"));
	else
		buf_printf(b, ",\"credits_per_unit\":\"%lld\"}]}",
			   (long long)int_member(json_member(c, "quota_per_usd")));
}

static void every_quota_case_comes_out_exactly(void **state)
{
	(void)state;
	size_t n = 0;
	for (json_value *c = json_first(json_member(cases_root, "quota_cases")); c;
	     c = json_next(c), n++) {
		const char *id = text_member(c, "id");
		struct credits_total got = { 0 };
		struct err e = { 0 };
		if (!text_member(c, "group_ratio")) {
			got = rounded(text_member(c, "before_rounding"));
		} else {
			struct buf plan = { 0 }, card = { 0 };
			struct fault_list faults = { 0 };
			struct plan_file *f = NULL;
			struct card *k = NULL;
			struct book *b = NULL;
			struct credit_rates rates;
			struct instant until = INSTANT_MAX;
			/* a million tokens at the case's dollars per million */
			int64_t tokens[COUNT_TOKENS] = { [BUCKET_INPUT] = PER_MILLION };
			struct price_query q = { .provider = TEXT("p"),
						 .model = TEXT("m"),
						 .currency = "USD" };
			if (text_member(c, "model_ratio")) {
				int64_t cached = int_member(json_member(c, "cached"));
				tokens[BUCKET_INPUT] =
					int_member(json_member(c, "prompt")) - cached;
				tokens[BUCKET_CACHE_READ] = cached;
				tokens[BUCKET_OUTPUT] = int_member(json_member(c, "completion"));
			}
			quota_plan(c, &plan);
			buf_printf(&card,
				   "{\"schema\":\"tally.card/"
				   "1\",\"prices\":[{\"provider\":\"p\",\"model\":\"m\","
				   "\"currency\":\"USD\",\"source\":\"s\",\"sure\":\"s\","
				   "\"rates\":{\"input\":\"%s\"}}]}",
				   text_member(c, "usd"));
			assert_int_equal(book_open(&b, NULL), 0);
			assert_int_equal(
				card_parse(&k, (struct text){ card.p, card.n }, id, &faults), 0);
			book_add_card(b, k);
			if (plan_file_parse(&f, (struct text){ plan.p, plan.n }, id, &e) != 0 ||
			    plan_rates(plan_file_plan(f, 0),
				       &(struct plan_question){
					       .book = b, .query = &q, .resolved = "m" },
				       &rates, &until, &e) != 0 ||
			    credits_of(&rates, tokens, 1, &got, &e) != 0)
				fail_msg("%s: %s", id, e.message);
			plan_file_close(f);
			book_close(b);
			fault_list_release(&faults);
			buf_release(&plan);
			buf_release(&card);
		}
		char text[DECIMAL_TEXT_MAX], expected[32];
		snprintf(expected, sizeof expected, "%lld",
			 (long long)int_member(json_member(c, "expected_quota")));
		if (strcmp(credits_format(got, text), expected) != 0)
			fail_msg("%s: expected %s, got %s", id, expected, text);
	}
	print_message("# %zu quota cases\n", n);
}

/* Schedules that the vectors name but no shipped card has. */
static const char synthetic[] =
	"{\"schema\":\"tally.card/"
	"1\",\"prices\":[],\"calendars\":{\"synthetic-overnight-peak\":{\"zone\":\"+08:00\","
	"\"hours\":[\"00:00-04:00\"],\"periods\":[{\"days\":[\"mon\",\"tue\",\"wed\",\"thu\","
	"\"fri\"]}]}}}";

static void every_phase_vector_comes_out(void **state)
{
	(void)state;
	size_t n = 0, left = 0;
	struct book *b = NULL;
	struct card *own = NULL;
	struct fault_list faults = { 0 };
	const struct calendar *live = NULL;
	assert_int_equal(book_open(&b, NULL), 0);
	assert_int_equal(card_parse(&own, text_of(synthetic), "synthetic", &faults), 0);
	for (size_t i = 0; i < book_card_count(b); i++)
		if (card_calendar(book_card(b, i), "peak-hours"))
			live = card_calendar(book_card(b, i), "peak-hours");
	assert_non_null(live);
	for (json_value *v = json_first(json_member(cases_root, "phase_vectors")); v;
	     v = json_next(v)) {
		const char *schedule = text_member(v, "schedule"),
			   *windows = text_member(v, "window_utc");
		if (windows) {
			bool inside = false;
			const char *t = text_member(v, "time");
			int minute = atoi(t) * 60 + atoi(t + 3);
			for (const char *p = windows; *p; p += strcspn(p, ","), p += *p == ',') {
				struct calendar_hours h;
				assert_int_equal(calendar_hours_parse(
							 &h, (struct text){ p, strcspn(p, ",") },
							 NULL),
						 0);
				inside |= calendar_hours_contain(h, minute);
			}
			if (inside != json_true(json_member(v, "expect_inside")))
				fail_msg("%s at %s", windows, t);
			n++;
			continue;
		}
		const struct calendar *c = schedule && strncmp(schedule, "deepseek-live", 13) == 0
						   ? live
					   : schedule ? card_calendar(own, schedule)
						      : NULL;
		if (!c) {
			print_message("# schedule '%s' is not defined\n",
				      schedule ? schedule : "?");
			left++;
			continue;
		}
		struct instant at;
		const char *from = text_member(v, "from_utc"),
			   *next = text_member(v, "expect_next_change_utc");
		assert_int_equal(instant_parse(&at, text_of(from ? from : text_member(v, "at_utc")),
					       NULL),
				 0);
		if (from) {
			char text[INSTANT_TEXT_MAX];
			at = calendar_next_change(c, at);
			if (strcmp(instant_format(at, text), next) != 0)
				fail_msg("after %s: expected %s, got %s", from, next, text);
		}
		const char *expected = text_member(v, from ? "expect_next_phase" : "expect");
		if (calendar_contains(c, at) != (strcmp(expected, "peak") == 0))
			fail_msg("%s at %s is not %s", schedule,
				 from ? from : text_member(v, "at_utc"), expected);
		n++;
	}
	print_message("# %zu phase vectors, %zu without a definition\n", n, left);
	card_close(own);
	fault_list_release(&faults);
	book_close(b);
}

/* Whether a price card takes this text as a price. */
static bool price_is_taken(struct text price)
{
	struct buf b = { 0 };
	struct fault_list faults = { 0 };
	struct card *k = NULL;
	buf_puts(&b, "{\"schema\":\"tally.card/"
		     "1\",\"prices\":[{\"provider\":\"p\",\"model\":\"m\",\"currency\":\"USD\","
		     "\"source\":\"s\",\"sure\":\"s\",\"rates\":{\"input\":");
	json_put_string(&b, price);
	buf_puts(&b, "}}]}");
	bool taken = card_parse(&k, (struct text){ b.p, b.n }, "price", &faults) == 0;
	card_close(k);
	fault_list_release(&faults);
	buf_release(&b);
	return taken;
}

static void every_error_case_is_refused_or_unpriced(void **state)
{
	(void)state;
	static const struct {
		const char *key;
		enum record_field field;
	} keys[] = { { "input_tokens", FIELD_PROMPT },
		     { "prompt_tokens", FIELD_PROMPT },
		     { "output_tokens", FIELD_COUNTS + BUCKET_OUTPUT },
		     { "completion_tokens", FIELD_COUNTS + BUCKET_OUTPUT },
		     { "cache_write_tokens", FIELD_COUNTS + BUCKET_CACHE_WRITE_5M },
		     { "cache_creation_input_tokens", FIELD_COUNTS + BUCKET_CACHE_WRITE_5M },
		     { "cache_read_tokens", FIELD_COUNTS + BUCKET_CACHE_READ },
		     { "cached_tokens", FIELD_COUNTS + BUCKET_CACHE_READ },
		     { "cache_read_input_tokens", FIELD_COUNTS + BUCKET_CACHE_READ },
		     { "reasoning_tokens", FIELD_COUNTS + BUCKET_REASONING },
		     { "total_tokens", FIELD_TOTAL } };
	struct book *b = NULL;
	size_t n = 0;
	assert_int_equal(book_open(&b, NULL), 0);
	for (json_value *c = json_first(json_member(cases_root, "error_cases")); c;
	     c = json_next(c)) {
		const char *id = text_member(c, "id");
		json_value *usage = json_member(c, "usage");
		const char *price = text_member(usage, "price");
		struct text model = json_string(json_member(usage, "model"));
		n++;
		if (price) {
			for (const char *p = price; *p; p += strcspn(p, "|"), p += *p == '|')
				if (price_is_taken((struct text){ p, strcspn(p, "|") }))
					fail_msg("%s: the price %s was taken", id, p);
			continue;
		}
		if (model.n) {
			struct price_match m;
			struct err e = { 0 };
			struct price_query q = { .model = model, .currency = "USD" };
			instant_parse(&q.at, TEXT("2026-08-01"), NULL);
			if (book_find(b, &q, &m, &e) == 0)
				fail_msg("%s: %s is priced by %s", id, model.p, m.price->id);
			continue;
		}
		struct record r;
		struct err e = { 0 };
		int rc = 0;
		bool counted = false;
		record_clear(&r);
		for (size_t i = 0; i < COUNT(keys) && rc == 0; i++) {
			json_value *v = json_member(usage, keys[i].key);
			if (v) {
				rc = record_set(&r, keys[i].field, json_number(v), VALUE_NUMBER,
						TIME_INSTANT, &e);
				counted = true;
			}
		}
		if (rc == 0)
			rc = record_finish(&r, &e);
		if (!counted) {
			print_message("# %s is about keys that no reader knows yet\n", id);
			continue;
		}
		if (json_member(usage, "cost")) {
			/* a reported cost is no price: the tokens must cost something */
			struct price_match m;
			struct rating rating;
			struct usage u = { .requests = 1 };
			struct price_query q = { .model = TEXT("claude-sonnet-4-6"),
						 .currency = "USD" };
			instant_parse(&q.at, TEXT("2026-08-01"), NULL);
			assert_int_equal(rc, 0);
			memcpy(u.counts, r.counts, sizeof u.counts);
			assert_int_equal(book_find(b, &q, &m, &e), 0);
			assert_int_equal(rate_usage(&rating, &u, m.price, m.tariff, &e), 0);
			assert_true(rating.total.atto > 0);
		} else if (rc == 0) {
			fail_msg("%s was taken; expected: %s", id, text_member(c, "expect"));
		}
	}
	print_message("# %zu error cases\n", n);
	book_close(b);
}

int main(void)
{
	const char *path = getenv("TALLY_COST_CASES");
	struct json_document *doc = NULL;
	struct err e = { 0 };
	if (json_open_file(&doc, path ? path : "../shared/facts/cost_cases.json", &e) != 0) {
		if (path) {
			fprintf(stderr, "%s\n", e.message);
			return 1;
		}
		printf("1..0 # SKIP no case file is named (TALLY_COST_CASES)\n");
		return 0;
	}
	cases_root = json_root(doc);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_priced_case_comes_out_exactly),
		cmocka_unit_test(every_quota_case_comes_out_exactly),
		cmocka_unit_test(every_phase_vector_comes_out),
		cmocka_unit_test(every_error_case_is_refused_or_unpriced),
	};
	int failed = cmocka_run_group_tests_name("cases", tests, NULL, NULL);
	json_close(doc);
	return failed;
}
