#include "tests/unit/unit.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>

#include "pricing/book.h"
#include "pricing/model_names.h"
#include "pricing/plan.h"
#include "pricing/rate.h"
#include "pricing/shelf.h"
#include "pricing/spelling.h"
#include "pricing/tariffs.h"

static struct instant when(const char *s)
{
	struct instant t = { 0 };
	assert_int_equal(instant_parse(&t, text_of(s), NULL), 0);
	return t;
}

static struct book *shipped(void)
{
	struct book *b = NULL;
	struct err e = { 0 };
	if (book_open(&b, &e) != 0)
		fail_msg("%s", e.message);
	return b;
}

static int find(const struct book *b, const char *provider, const char *model, const char *currency,
		const char *at, struct price_match *m, struct err *e)
{
	struct price_query q = { .provider = text_of(provider),
				 .model = text_of(model),
				 .currency = currency,
				 .at = when(at) };
	return book_find(b, &q, m, e);
}

/* Expected prices are the published ones, copied from the vendor's page, not from the cards. */
static void the_price_of_an_instant_is_found(void **state)
{
	(void)state;
	static const struct {
		const char *provider, *model, *currency, *at, *window, *input, *cache_read, *output;
	} cases[] = {
		{ "", "deepseek-chat", "USD", "2025-01-15", "flat", "0.14", "0.014", "0.28" },
		{ "", "deepseek-chat", "USD", "2025-02-20", "flat", "0.27", "0.07", "1.1" },
		{ "", "deepseek-chat", "USD", "2025-03-01T16:29:59Z", "peak", "0.27", "0.07",
		  "1.1" },
		{ "", "deepseek-chat", "USD", "2025-03-01T16:30:00Z", "off-peak", "0.135", "0.035",
		  "0.55" },
		{ "", "deepseek-chat", "USD", "2025-03-02T00:29:59Z", "off-peak", "0.135", "0.035",
		  "0.55" },
		{ "", "deepseek-chat", "USD", "2025-03-02T00:30:00Z", "peak", "0.27", "0.07",
		  "1.1" },
		{ "", "deepseek-reasoner", "USD", "2025-03-01T20:00:00Z", "off-peak", "0.135",
		  "0.035", "0.55" },
		{ "", "deepseek-reasoner", "USD", "2025-03-01T12:00:00Z", "peak", "0.55", "0.14",
		  "2.19" },
		{ "", "deepseek-chat", "USD", "2025-09-10", "flat", "0.56", "0.07", "1.68" },
		{ "", "deepseek-chat", "USD", "2026-05-10", "flat", "0.14", "0.0028", "0.28" },
		{ "", "deepseek-v4-flash", "USD", "2026-04-26T12:14:59Z", "flat", "0.14", "0.028",
		  "0.28" },
		{ "", "deepseek-v4-flash", "USD", "2026-04-26T12:15:00Z", "flat", "0.14", "0.0028",
		  "0.28" },
		{ "", "deepseek-v4-pro", "USD", "2026-04-24T12:00:00Z", "flat", "1.74", "0.145",
		  "3.48" },
		{ "", "deepseek-v4-pro", "USD", "2026-04-25T12:00:00Z", "flat", "0.435", "0.03625",
		  "0.87" },
		{ "", "deepseek-v4-pro", "USD", "2026-05-31T15:58:59Z", "flat", "0.435", "0.003625",
		  "0.87" },
		{ "", "deepseek-v4-pro", "USD", "2026-06-10T02:00:00Z", "flat", "0.435", "0.003625",
		  "0.87" },
		{ "", "deepseek-v4-pro", "USD", "2026-07-20T02:00:00Z", "flat", "0.435", "0.003625",
		  "0.87" },
		{ "", "deepseek-v4-pro", "USD", "2026-08-16T15:59:59Z", "flat", "0.435", "0.003625",
		  "0.87" },
		{ "", "deepseek-v4-pro", "USD", "2026-08-22T09:59:59Z", "peak", "1.32", "0.044",
		  "3.96" },
		{ "", "deepseek-v4-pro", "USD", "2026-08-23T02:00:00Z", "off-peak", "0.66", "0.022",
		  "1.98" },
		{ "", "deepseek-v4-pro", "USD", "2026-08-24T02:00:00Z", "peak", "1.32", "0.044",
		  "3.96" },
		{ "", "deepseek-v4-pro", "USD", "2026-10-01T02:00:00Z", "off-peak", "0.66", "0.022",
		  "1.98" },
		{ "", "deepseek-v4-pro", "USD", "2026-10-08T02:00:00Z", "peak", "1.32", "0.044",
		  "3.96" },
		{ "", "deepseek-v4-flash", "USD", "2026-10-15T02:00:00Z", "peak", "0.3", "0.006",
		  "1.2" },
		{ "", "deepseek-v4-pro", "CNY", "2026-09-15T12:00:00Z", "off-peak", "4.5", "0.15",
		  "13.5" },
		{ "tokenhub", "deepseek-v4-flash", "USD", "2026-06-15", "flat", "0.15", "0.003",
		  "0.3" },
		{ "", "deepseek/deepseek-v4-flash", "USD", "2026-06-15", "flat", "0.14", "0.0028",
		  "0.28" },
		{ "", "claude-sonnet-4-6", "USD", "2026-06-15", "flat", "3", "0.3", "15" },
		{ "", "claude-haiku-4-5-20251001", "USD", "2026-06-15", "flat", "1", "0.1", "5" },
		{ "", "minimax-m2.7", "USD", "2026-06-15", "flat", "0.3", "0.06", "1.2" },
		{ "", "glm-5.1", "USD", "2026-06-15", "flat", "1.4", "0.26", "4.4" },
	};
	struct book *b = shipped();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct price_match m;
		struct err e = { 0 };
		char text[DECIMAL_TEXT_MAX];
		if (find(b, cases[i].provider, cases[i].model, cases[i].currency, cases[i].at, &m,
			 &e) != 0)
			fail_msg("%s at %s: %s", cases[i].model, cases[i].at, e.message);
		const struct rates *r = &m.tariff->rates;
		if (strcmp(m.tariff->window, cases[i].window) != 0 ||
		    strcmp(money_format(r->per_million[BUCKET_INPUT], text), cases[i].input) != 0 ||
		    strcmp(money_format(r->per_million[BUCKET_CACHE_READ], text),
			   cases[i].cache_read) != 0 ||
		    strcmp(money_format(r->per_million[BUCKET_OUTPUT], text), cases[i].output) != 0)
			fail_msg("%s at %s is priced by %s, %s", cases[i].model, cases[i].at,
				 m.price->id, m.tariff->window);
		assert_false(m.price->withdrawn);
	}
	book_close(b);
}

static void what_has_no_price_says_why(void **state)
{
	(void)state;
	static const struct {
		const char *provider, *model, *currency, *at;
		enum err_code code;
		const char *says;
	} cases[] = {
		{ "", "deepseek-chat", "USD", "2026-08-01", ERR_RETIRED, "deepseek-v4-flash" },
		{ "", "deepseek-reasoner", "USD", "2026-07-24T15:59:00Z", ERR_RETIRED,
		  "retired at 2026-07-24T15:59:00Z" },
		{ "", "snowflake/claude-opus-4-7", "USD", "2026-08-01", ERR_NOT_FOUND,
		  "in no price card" },
		{ "", "deepsek-v4-flash", "USD", "2026-08-01", ERR_NOT_FOUND,
		  "did you mean 'deepseek-v4-flash'" },
		{ "nobody", "deepseek-v4-flash", "USD", "2026-08-01", ERR_NOT_FOUND,
		  "provider 'nobody'" },
		{ "anthropic", "deepseek-v4-flash", "USD", "2026-08-01", ERR_NOT_FOUND,
		  "has no model" },
		{ "", "deepseek-v4-flash", "USD", "2026-04-23T23:59:59Z", ERR_UNPRICED,
		  "before 2026-04-24T00:00:00Z" },
		{ "", "deepseek-v4-pro", "CNY", "2026-05-10", ERR_UNPRICED,
		  "between 2026-04-26T12:15:00Z and 2026-05-31T15:59:00Z" },
		{ "", "claude-sonnet-4-6", "CNY", "2026-05-10", ERR_UNPRICED, "only in USD" },
		{ "", "", "USD", "2026-05-10", ERR_NOT_FOUND, "no model" },
	};
	struct book *b = shipped();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct price_match m;
		struct err e = { 0 };
		int rc = find(b, cases[i].provider, cases[i].model, cases[i].currency, cases[i].at,
			      &m, &e);
		if (rc != -(int)cases[i].code || !strstr(e.message, cases[i].says))
			fail_msg("%s at %s: %d %s", cases[i].model, cases[i].at, rc, e.message);
	}
	struct price_query q = { .model = TEXT("claude-sonnet-4-6"),
				 .service_tier = TEXT("scale"),
				 .currency = "USD",
				 .at = when("2026-05-10") };
	struct price_match m;
	assert_int_equal(book_find(b, &q, &m, NULL), -ERR_UNPRICED);
	book_close(b);
}

/* Before `until` the answer must not change, at it something must be able to. Checked on random
 * instants. */
static void an_answer_holds_until_it_says(void **state)
{
	(void)state;
	static const char *const models[] = { "deepseek-v4-pro", "deepseek-v4-flash",
					      "deepseek-chat", "claude-sonnet-4-6" };
	struct book *b = shipped();
	uint64_t seed = unit_seed();
	int64_t from = when("2024-12-01").us, span = when("2027-03-01").us - from;
	for (int i = 0; i < 20000; i++) {
		struct price_match m, n;
		struct price_query q = { .model = text_of(models[i % 4]),
					 .currency = "USD",
					 .at = { from +
						 (int64_t)(unit_random(&seed) % (uint64_t)span) } };
		int rc = book_find(b, &q, &m, NULL);
		assert_true(m.until.us > q.at.us);
		if (m.until.us == INSTANT_MAX.us)
			continue;
		q.at.us += (int64_t)(unit_random(&seed) % (uint64_t)(m.until.us - q.at.us));
		assert_int_equal(book_find(b, &q, &n, NULL), rc);
		if (rc == 0)
			assert_true(m.price == n.price && m.tariff == n.tariff);
	}
	book_close(b);
}

static struct card *card_of(const char *json, struct fault_list *faults)
{
	struct card *c = NULL;
	card_parse(&c, text_of(json), "test", faults);
	return c;
}

#define HEAD "{\"schema\":\"tally.card/1\",\"provider\":\"p\","
#define PRICE(extra) \
	"{\"model\":\"m\",\"currency\":\"USD\",\"source\":\"s\",\"sure\":\"s\",\"rates\":{" \
	"\"input\":\"1\",\"output\":\"2\"}" extra "}"

static void faults_of_a_card_name_their_place(void **state)
{
	(void)state;
	static const struct {
		const char *json, *place, *says;
	} cases[] = {
		{ HEAD "\"prices\":[" PRICE("") "]}", NULL, NULL },
		{ "{", "", "not valid JSON" },
		{ HEAD "\"prices\":[" PRICE(",\"colour\":1") "]}", "prices[0]",
		  "unknown key \"colour\"" },
		{ HEAD "\"typo\":1,\"prices\":[]}", "", "unknown key \"typo\"" },
		{ HEAD "\"prices\":[" PRICE("") "," PRICE("") "]}", "prices[1]", "overlaps" },
		{ HEAD "\"prices\":[" PRICE(",\"to\":\"2026-01-01\"") "," PRICE(
			  ",\"from\":\"2026-02-01\"") "]}",
		  "prices[1]", "gap" },
		{ HEAD "\"gaps\":[{\"model\":\"m\",\"currency\":\"USD\",\"from\":\"2026-01-01\","
		       "\"to\":\"2026-02-01\",\"why\":\"x\"}],\"prices\":[" PRICE(
			       ",\"to\":\"2026-01-01\"") "," PRICE(",\"from\":\"2026-02-01\"") "]}",
		  NULL, NULL },
		{ HEAD "\"prices\":[" PRICE(",\"from\":\"2026-02-30\"") "]}", "prices[0].from",
		  "not an instant" },
		{ HEAD "\"prices\":[" PRICE(",\"from\":\"2026-03-01\",\"to\":\"2026-02-01\"") "]}",
		  "prices[0]", "ends before it begins" },
		{ HEAD "\"prices\":[{\"model\":\"m\",\"currency\":\"USD\",\"source\":\"s\","
		       "\"sure\":\"s\",\"rates\":{\"input\":\"0.0000000000001\"}}]}",
		  "prices[0].rates.input", "finer than" },
		{ HEAD "\"prices\":[{\"model\":\"m\",\"currency\":\"USD\",\"source\":\"s\","
		       "\"sure\":\"s\",\"rates\":{\"input\":\"-1\"}}]}",
		  "prices[0].rates.input", "negative" },
		{ HEAD "\"prices\":[{\"model\":\"m\",\"currency\":\"USD\",\"source\":\"s\","
		       "\"sure\":\"s\",\"rates\":{\"input\":\"NaN\"}}]}",
		  "prices[0].rates.input", "not a decimal" },
		{ HEAD "\"prices\":[{\"model\":\"m\",\"currency\":\"USD\",\"source\":\"s\","
		       "\"sure\":\"s\",\"rates\":{\"input\":1}}]}",
		  "prices[0].rates.input", "in quotes" },
		{ HEAD "\"prices\":[{\"model\":\"m\",\"currency\":\"USD\",\"source\":\"s\","
		       "\"sure\":\"s\",\"rates\":{\"inptu\":\"1\"}}]}",
		  "prices[0].rates.inptu", "no such bucket" },
		{ HEAD "\"prices\":[" PRICE(",\"windows\":[{\"window\":\"peak\",\"calendar\":\"c\","
					    "\"rates\":{}}]") "]}",
		  "prices[0].windows[0].calendar", "no calendar 'c'" },
		{ HEAD "\"calendars\":{\"c\":{\"zone\":\"UTC\",\"hours\":[\"25:00-26:00\"]}},"
		       "\"prices\":[]}",
		  "calendars.c.hours[0]", "not a window" },
		{ HEAD "\"calendars\":{\"c\":{\"zone\":\"Mars/"
		       "X\",\"hours\":[\"01:00-02:00\"]}},\"prices\":[]}",
		  "calendars.c.zone", "not known" },
		{ HEAD "\"prices\":[" PRICE(",\"context\":[{\"above\":5,\"rates\":{}},{\"above\":5,"
					    "\"rates\":{}}]") "]}",
		  "prices[0].context[1]", "ascending" },
		{ HEAD "\"prices\":[" PRICE(",\"fees\":{\"x\":{\"amount\":\"1\",\"per\":7}}") "]}",
		  "prices[0].fees.x.per", "divide" },
		{ HEAD "\"prices\":[" PRICE(",\"kind\":\"gift\"") "]}", "prices[0].kind", "list" },
		/* nothing of a price that was given up is the next one's */
		{ HEAD "\"prices\":[{\"model\":\"m\",\"source\":\"s\",\"sure\":\"s\",\"rates\":{},"
		       "\"fees\":{\"x\":{\"amount\":\"1\"}}}," PRICE(
			       ",\"fees\":{\"y\":{\"amount\":\"1\"}}") "]}",
		  "prices[0]", "key \"currency\" is missing" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fault_list faults = { 0 };
		struct card *c = card_of(cases[i].json, &faults);
		bool found = cases[i].place == NULL && faults.count == 0;
		for (size_t k = 0; k < faults.count && cases[i].place; k++)
			found |= strcmp(faults.fault[k].place, cases[i].place) == 0 &&
				 strstr(faults.fault[k].message, cases[i].says);
		if (!found)
			fail_msg("case %zu: %zu faults, the first at '%s': %s", i, faults.count,
				 faults.count ? faults.fault[0].place : "",
				 faults.count ? faults.fault[0].message : "");
		card_close(c);
		fault_list_release(&faults);
	}
}

static void layers_override_and_bare_names_find_their_owner(void **state)
{
	(void)state;
	struct book *b = shipped();
	struct fault_list faults = { 0 };
	struct price_match m;
	struct err e;
	struct card *mine =
		card_of("{\"schema\":\"tally.card/1\",\"prices\":["
			"{\"provider\":\"deepseek\",\"model\":\"deepseek-v4-pro\",\"currency\":"
			"\"USD\",\"from\":\"2026-05-01\",\"to\":\"2026-05-02\","
			"\"source\":\"s\",\"sure\":\"s\",\"rates\":{\"input\":\"9\"}},"
			"{\"provider\":\"a\",\"model\":\"m\",\"currency\":\"USD\",\"source\":\"s\","
			"\"sure\":\"s\",\"rates\":{\"input\":\"1\"}},"
			"{\"provider\":\"b\",\"model\":\"m\",\"currency\":\"USD\",\"source\":\"s\","
			"\"sure\":\"s\",\"rates\":{\"input\":\"2\"}}]}",
			&faults);
	assert_int_equal(faults.count, 0);
	book_add_card(b, mine);
	/* mine is layer 1: it wins over the shipped promotion on its day, and not beside it */
	assert_int_equal(find(b, "", "deepseek-v4-pro", "USD", "2026-05-01T12:00:00Z", &m, &e), 0);
	assert_int_equal(m.tariff->rates.per_million[BUCKET_INPUT].pico, INT64_C(9000000000000));
	assert_int_equal(find(b, "", "deepseek-v4-pro", "USD", "2026-05-02T12:00:00Z", &m, &e), 0);
	assert_true(m.price->promotion);
	assert_int_equal(find(b, "", "m", "USD", "2026-05-02", &m, &e), -ERR_AMBIGUOUS);
	assert_non_null(strstr(e.message, "a, b"));
	assert_int_equal(find(b, "b", "m", "USD", "2026-05-02", &m, &e), 0);
	book_close(b);
	fault_list_release(&faults);
}

static void unstated_is_not_free(void **state)
{
	(void)state;
	struct fault_list faults = { 0 };
	struct card *c =
		card_of(HEAD "\"prices\":[" PRICE(
				",\"fees\":{\"search\":{\"amount\":\"12\",\"per\":1000}}") "]}",
			&faults);
	const struct price *p = &c->price[0];
	struct usage u = { .requests = 1, .tokens = { [BUCKET_CACHE_READ] = 1 } };
	struct rating r;
	struct err e;
	assert_int_equal(rate_usage(&r, &u, p, p->tariff, &e), -ERR_UNPRICED);
	assert_non_null(strstr(e.message, "cache_read"));
	u = (struct usage){ .requests = 1, .unit_count = 1, .unit = { { "images", 1 } } };
	assert_int_equal(rate_usage(&r, &u, p, p->tariff, &e), -ERR_UNPRICED);
	u.unit[0] = (struct usage_unit){ "search", 3 };
	assert_int_equal(rate_usage(&r, &u, p, p->tariff, &e), 0);
	char text[DECIMAL_TEXT_MAX];
	assert_string_equal(money_total_format(r.total, text), "0.036");
	u = (struct usage){ .requests = 1,
			    .tokens = { [BUCKET_OUTPUT] = 1, [BUCKET_REASONING] = 2 } };
	assert_int_equal(rate_usage(&r, &u, p, p->tariff, &e), -ERR_INVALID);
	u = (struct usage){ .requests = 1, .tokens = { [BUCKET_INPUT] = INT64_MAX } };
	assert_int_equal(rate_usage(&r, &u, p, p->tariff, &e), 0);
	assert_string_equal(money_total_format(r.total, text), "9223372036854.775807");
	card_close(c);
	fault_list_release(&faults);
}

static void cliffs_are_strict_or_inclusive_as_stated(void **state)
{
	(void)state;
	struct fault_list faults = { 0 };
	struct card *c = card_of(
		HEAD "\"prices\":[" PRICE(
			",\"context\":[{\"above\":100,\"rates\":{\"input\":\"3\",\"output\":\"4\"}}"
			","
			"{\"above\":200,\"inclusive\":true,\"rates\":{\"input\":\"5\"}}]") "]}",
		&faults);
	assert_int_equal(faults.count, 0);
	const struct tariff *t = c->price[0].tariff;
	static const struct {
		int64_t prompt, input, output; /* per million, whole */
	} cases[] = { { 0, 1, 2 },   { 100, 1, 2 }, { 101, 3, 4 },
		      { 199, 3, 4 }, { 200, 5, 2 }, { 1000, 5, 2 } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct rates *r = tariff_rates(t, cases[i].prompt);
		assert_int_equal(r->per_million[BUCKET_INPUT].pico,
				 cases[i].input * INT64_C(1000000000000));
		assert_int_equal(r->per_million[BUCKET_OUTPUT].pico,
				 cases[i].output * INT64_C(1000000000000));
	}
	/* the whole prompt counts, cache included, and a row of several calls does not tell its
	 * prompts */
	struct usage u = { .requests = 1,
			   .tokens = { [BUCKET_INPUT] = 50, [BUCKET_CACHE_READ] = 51 } };
	const struct rates *r;
	assert_int_equal(rate_tier(&r, &u, t, NULL), 0);
	assert_int_equal(r->per_million[BUCKET_INPUT].pico, INT64_C(3000000000000));
	u.requests = 2;
	assert_int_equal(rate_tier(&r, &u, t, NULL), -ERR_UNPRICED);
	u.tokens[BUCKET_CACHE_READ] = 50;
	assert_int_equal(rate_tier(&r, &u, t, NULL), 0);
	card_close(c);
	fault_list_release(&faults);
}

static int rates_of(const struct plan *p, const struct book *b, const struct price_query *q,
		    const char *resolved, struct credit_rates *out, struct err *e)
{
	struct instant until = INSTANT_MAX;
	return plan_rates(p, &(struct plan_question){ .book = b, .query = q, .resolved = resolved },
			  out, &until, e);
}

static void plans_give_the_published_credits(void **state)
{
	(void)state;
	static const struct {
		const char *plan, *model, *at;
		int64_t input, cache_read, output;
		const char *credits;
	} cases[] = {
		{ "vm0", "claude-sonnet-4-6", "2026-06-15", 50000, 0, 5000, "225" },
		{ "vm0", "deepseek-v4-flash", "2026-06-15", 50000, 0, 5000, "4.5" },
		{ "vm0", "deepseek-chat", "2026-06-15", 50000, 0, 5000, "4.5" },
		{ "vm0", "deepseek-v4-pro", "2026-06-15", 50000, 0, 5000, "67.5" },
		{ "vm0-mid-2026", "deepseek-v4-pro", "2026-06-15", 50000, 0, 5000, "13.5" },
		{ "vm0-dated", "deepseek-v4-pro", "2026-05-15", 50000, 0, 5000, "67.5" },
		{ "vm0-dated", "deepseek-v4-pro", "2026-07-15", 50000, 0, 5000, "13.5" },
		{ "vm0-dated", "deepseek-v4-pro", "2026-10-15", 50000, 0, 5000, "22.5" },
		{ "vm0-tokens", "deepseek-v4-flash", "2026-06-15", 50000, 0, 5000, "9" },
		{ "vm0-tokens", "deepseek-v4-flash", "2026-06-15", 0, 1, 0, "1" },
		{ "vm0-tokens", "deepseek-v4-flash", "2026-06-15", 0, 1000000, 0, "3" },
		{ "new-api", "deepseek-v4-flash", "2026-06-15", 1000, 0, 500, "140" },
		{ "vm0-late-2026", "deepseek-v4-flash", "2026-10-15", 1, 0, 0, NULL },
		{ "vm0", "claude-opus-4-1", "2026-06-15", 1, 0, 0, NULL },
	};
	struct book *b = shipped();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct plan_file *f;
		const struct plan *p;
		struct err e = { 0 };
		struct credit_rates rates;
		struct credits_total total;
		struct price_match m;
		struct price_query q = { .model = text_of(cases[i].model),
					 .currency = "USD",
					 .at = when(cases[i].at) };
		int64_t tokens[COUNT_TOKENS] = { [BUCKET_INPUT] = cases[i].input,
						 [BUCKET_CACHE_READ] = cases[i].cache_read,
						 [BUCKET_OUTPUT] = cases[i].output };
		assert_int_equal(plan_open(&f, &p, cases[i].plan, &e), 0);
		assert_int_equal(book_find(b, &q, &m, &e), 0);
		int rc = rates_of(p, b, &q, m.price->model, &rates, &e);
		if (rc == 0)
			rc = credits_of(&rates, tokens, 1, &total, &e);
		char text[DECIMAL_TEXT_MAX];
		if ((rc == 0) != (cases[i].credits != NULL))
			fail_msg("%s %s: %s", cases[i].plan, cases[i].model, e.message);
		if (rc == 0 && strcmp(credits_format(total, text), cases[i].credits) != 0)
			fail_msg("%s %s at %s: %s instead of %s", cases[i].plan, cases[i].model,
				 cases[i].at, text, cases[i].credits);
		plan_file_close(f);
	}
	book_close(b);
}

static void other_platforms_are_data(void **state)
{
	(void)state;
	static const char json[] =
		"{\"schema\":\"tally.plans/1\",\"plans\":["
		"{\"plan\":\"ratios\",\"rule\":\"ratio\",\"group_ratio\":\"1.5\",\"rounding\":{"
		"\"scope\":\"record\",\"mode\":\"half-up\"},\"tables\":[{\"table\":\"r\"}]},"
		"{\"plan\":\"flat\",\"rule\":\"flat\",\"tables\":[{\"table\":\"f\"}]}],"
		"\"tables\":{\"r\":{\"values\":{\"gpt-4o\":{\"model_ratio\":\"1.25\",\"completion_"
		"ratio\":\"4\",\"cache_ratio\":\"0.5\"}}},"
		"\"f\":{\"values\":{\"gpt-4o\":\"2.5\",\"*\":\"1\"}}}}";
	struct plan_file *f;
	struct err e = { 0 };
	if (plan_file_parse(&f, TEXT(json), "test", &e) != 0)
		fail_msg("%s", e.message);
	struct book *b = shipped();
	struct credit_rates rates;
	struct credits_total total;
	struct price_query q = { .model = TEXT("gpt-4o"),
				 .currency = "USD",
				 .at = when("2026-06-15") };
	int64_t tokens[COUNT_TOKENS] = {
		[BUCKET_INPUT] = 800, [BUCKET_CACHE_READ] = 200, [BUCKET_OUTPUT] = 500
	};
	char text[DECIMAL_TEXT_MAX];
	/* (800 + 200 x 0.5 + 500 x 4) x 1.25 x 1.5 = 5437.5, half away from zero */
	assert_int_equal(rates_of(plan_file_plan(f, 0), b, &q, NULL, &rates, &e), 0);
	assert_int_equal(credits_of(&rates, tokens, 1, &total, &e), 0);
	assert_string_equal(credits_format(total, text), "5438");
	assert_int_equal(rates_of(plan_file_plan(f, 1), b, &q, NULL, &rates, &e), 0);
	assert_int_equal(credits_of(&rates, tokens, 3, &total, &e), 0);
	assert_string_equal(credits_format(total, text), "7.5");
	q.model = TEXT("anything");
	assert_int_equal(rates_of(plan_file_plan(f, 1), b, &q, NULL, &rates, &e), 0);
	assert_int_equal(credits_of(&rates, tokens, 3, &total, &e), 0);
	assert_string_equal(credits_format(total, text), "3");
	assert_int_equal(
		plan_file_parse(&f,
				TEXT("{\"schema\":\"tally.plans/"
				     "1\",\"plans\":[{\"plan\":\"x\",\"rule\":\"guess\"}]}"),
				"test", &e),
		-ERR_INVALID);
	book_close(b);
	plan_file_close(f);
}

struct asking {
	struct shelf *shelf;
	atomic_bool ended;
	atomic_int wrong;
};

static void *ask_on(void *user)
{
	struct asking *x = user;
	do {
		const struct book *b = shelf_take(x->shelf);
		struct price_match m;
		struct err e = { 0 };
		if (find(b, "openai", "gpt-4o", "USD", "2026-01-01T00:00:00Z", &m, &e) != 0)
			atomic_fetch_add(&x->wrong, 1);
		shelf_give(x->shelf, b);
	} while (!atomic_load(&x->ended));
	return NULL;
}

/* A sanitizer would see a book that was closed while it was asked, or never. */
static void a_book_is_replaced_while_threads_ask(void **state)
{
	(void)state;
	enum { THREADS = 3, TIMES = 20 };
	struct asking x = { .shelf = shelf_open(shipped()) };
	pthread_t thread[THREADS];
	const struct book *kept = shelf_take(x.shelf);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, ask_on, &x), 0);
	for (int i = 0; i < TIMES; i++)
		shelf_put(x.shelf, shipped());
	atomic_store(&x.ended, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	const struct book *now = shelf_take(x.shelf);
	assert_ptr_not_equal(now, kept);
	assert_string_equal(book_released(now), book_released(kept));
	shelf_give(x.shelf, now);
	shelf_give(x.shelf, kept);
	assert_int_equal(atomic_load(&x.wrong), 0);
	shelf_close(x.shelf);
}

/* Whether a name that no card has is told what it may have meant. */
static bool has_guess(const struct book *b, const char *name)
{
	struct price_match m;
	struct err e;
	const struct price_query q = { .model = text_of(name),
				       .currency = "USD",
				       .at = { INT64_C(1780000000000000) } };
	assert_int_equal(book_find(b, &q, &m, &e), -ERR_NOT_FOUND);
	return strstr(e.message, "did you mean") != NULL;
}

/* Names without end, as a token may send them, take neither memory nor time without end. */
static void names_without_end_are_bounded(void **state)
{
	enum { PAGES = 12000, PAGE_US = 4096 * 900 };
	struct book *b = shipped();
	struct tariffs *t = tariffs_open(b, NULL, "USD");
	const struct text none = { 0 };
	(void)state;
	struct subject *s = tariffs_subject(t, none, TEXT("deepseek-v4-flash"), none, none);
	const int64_t now_us = INT64_C(1780000000000000);
	struct tariff_answer *first = tariffs_ask(t, s, now_us);
	const size_t before = mallinfo2().uordblks;
	for (int i = 0; i < PAGES; i++)
		tariffs_ask(t, s, (now_us - (int64_t)(i + 1) * PAGE_US * INT64_C(1000000)));
	assert_true(mallinfo2().uordblks - before < 50u << 20);
	assert_ptr_equal(tariffs_ask(t, s, now_us), first);
	assert_int_equal(tariffs_subjects(t), 1);
	tariffs_close(t);
	for (int i = 0; i < 1100; i++) /* however often it is asked */
		assert_true(has_guess(b, "deepseek-v4-flsh"));
	for (int i = 0; i < 999; i++) {
		char name[40];
		snprintf(name, sizeof name, "number-%d", i);
		has_guess(b, name);
	}
	assert_false(has_guess(b, "deepseek-v4-prro"));
	assert_true(has_guess(b, "deepseek-v4-flsh"));
	book_close(b);
}

/* --- what names of models mean --- */

struct named_list {
	char (*name)[SPELLING_MAX];
	size_t count;
};

static void keep_name(void *user, struct text name)
{
	struct named_list *l = user;
	if ((l->count & (l->count - 1)) == 0)
		l->name = mem_grow(l->name, (l->count ? l->count * 2 : 1) * sizeof *l->name);
	snprintf(l->name[l->count++], SPELLING_MAX, "%.*s", (int)name.n, name.p);
}

static struct text means(struct model_names *x, const char *provider, const char *name, char *room)
{
	const struct text t =
		model_names_of(x, &(struct named_model){ text_of(provider), text_of(name),
							 when("2026-11-20T12:00:00Z") });
	snprintf(room, SPELLING_MAX, "%.*s", (int)t.n, t.p);
	return text_of(room);
}

/* Names that clouds, gateways and agents write for one model, by hand; the first one is it. */
static void every_spelling_means_its_model(void **state)
{
	static const char *const each[][12] = {
		{ "deepseek-flash", "deepseek-v4-flash", "deepseek/deepseek-v4-flash",
		  "DeepSeek-V4-Flash", "openrouter/deepseek/deepseek-v4-flash",
		  "deepseek/deepseek-v4-flash:free", "azure_ai/deepseek-v4-flash",
		  "accounts/fireworks/models/deepseek-v4-flash", "deepseek-v4-flash-latest",
		  "deepseek-v4-flash@20260424", " deepseek-v4-flash " },
		{ "claude-opus-4-6", "Claude Opus 4.6", "us.anthropic.claude-opus-4-6-v1:0",
		  "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-6-v1",
		  "vertex_ai/claude-opus-4-6@20260101", "anthropic/claude-opus-4.6",
		  "claude-opus-4-6[1m]", "claude-4-6-opus", "anthropic:claude-opus-4-6",
		  "projects/p/locations/eu/publishers/anthropic/models/claude-opus-4-6" },
		{ "gpt-5.4", "azure/eu/gpt-5.4", "openai/gpt-5.4", "gpt-5-4", "gpt-5.4-2026-03-05",
		  "gpt-5.4-2031-01-01", "GPT-5.4", "gpt-5.4-high", "gpt-5.4-batch" },
		/* of what no card lists, as much as can be said */
		{ "house-7", "acme/house-7", "HOUSE-7", "house-7@20310101", "house-7-latest",
		  "azure/house-7", "bedrock/us-east-1/house-7", "house-7-20310101" },
	};
	struct book *b = shipped();
	struct model_names *x = model_names_open(b);
	char room[SPELLING_MAX];
	(void)state;
	for (size_t i = 0; i < COUNT(each); i++)
		for (size_t k = 0; k < COUNT(each[i]) && each[i][k]; k++)
			if (!text_is(means(x, "", each[i][k], room), each[i][0]))
				fail_msg("'%s' means '%s', not '%s'", each[i][k], room, each[i][0]);
	assert_false(model_names_same(x, TEXT("gpt-5.4"),
				      &(struct named_model){ TEXT(""), TEXT("gpt-5.4-mini"),
							     when("2026-11-20T12:00:00Z") }));
	model_names_close(x);
	book_close(b);
}

/* Names that are put together at random of the pieces of names: what is tried comes to an end. */
static void spellings_come_to_an_end(void **state)
{
	static const char *const pieces[] = { "claude", "gpt",	    "gemini",  "opus",	   "sonnet",
					      "4",	"5",	    "6",       "20250929", "latest",
					      "high",	"mini",	    "bedrock", "us.",	   "v1:0",
					      "azure",	"vertex_ai" };
	static const char marks[] = "---. /:@[";
	(void)state;
	srand(7);
	for (int i = 0; i < 200000; i++) {
		char name[120] = "";
		size_t n = 0;
		for (int k = rand() % 6; k >= 0; k--) {
			n += (size_t)snprintf(name + n, sizeof name - n, "%s",
					      pieces[(size_t)rand() % COUNT(pieces)]);
			name[n++] = marks[(size_t)rand() % (sizeof marks - 1)];
		}
		struct spelling s = { .model = { name, n - (size_t)(rand() % 4 > 0) } };
		int tried = 0;
		while (spelling_next(&s) && tried < 60)
			tried++;
		if (tried == 60)
			fail_msg("'%.*s' has no end of spellings", (int)n, name);
	}
}

/* Of every name that the cards know, and of ways to write it: what it means means itself, and is
 * what the price that it gets is a price of. */
static void what_a_name_means_is_what_it_is_billed_as(void **state)
{
	static const char *const ways[] = { "%s",	   "openrouter/%s", "azure/eu/%s",
					    "%s@20251231", "us.%s",	    "%s[1m]" };
	struct book *b = shipped();
	struct model_names *x = model_names_open(b);
	struct named_list all = { 0 };
	size_t priced = 0;
	(void)state;
	book_each_name(b, keep_name, &all);
	assert_true(all.count > 4000);
	for (size_t i = 0; i < all.count * COUNT(ways); i++) {
		char name[2 * SPELLING_MAX], room[SPELLING_MAX], again[SPELLING_MAX];
		struct price_match m;
		struct err e;
		snprintf(name, sizeof name, ways[i % COUNT(ways)], all.name[i / COUNT(ways)]);
		means(x, "", name, room);
		if (!text_is(means(x, "", room, again), room))
			fail_msg("'%s' means '%s', which means '%s'", name, room, again);
		if (find(b, "", name, "USD", "2026-11-20T12:00:00Z", &m, &e) != 0 ||
		    m.price->model[0] == ':')
			continue;
		priced++;
		if (!text_is(means(x, m.price->provider, m.price->model, again), room))
			fail_msg("'%s' means '%s' and is billed as '%s'", name, room, again);
	}
	assert_true(priced > 10000);
	free(all.name);
	model_names_close(x);
	book_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_without_end_are_bounded),
		cmocka_unit_test(the_price_of_an_instant_is_found),
		cmocka_unit_test(what_has_no_price_says_why),
		cmocka_unit_test(an_answer_holds_until_it_says),
		cmocka_unit_test(faults_of_a_card_name_their_place),
		cmocka_unit_test(layers_override_and_bare_names_find_their_owner),
		cmocka_unit_test(unstated_is_not_free),
		cmocka_unit_test(cliffs_are_strict_or_inclusive_as_stated),
		cmocka_unit_test(plans_give_the_published_credits),
		cmocka_unit_test(other_platforms_are_data),
		cmocka_unit_test(every_spelling_means_its_model),
		cmocka_unit_test(spellings_come_to_an_end),
		cmocka_unit_test(what_a_name_means_is_what_it_is_billed_as),
		cmocka_unit_test(a_book_is_replaced_while_threads_ask),
	};
	return cmocka_run_group_tests_name("pricing", tests, NULL, NULL);
}
