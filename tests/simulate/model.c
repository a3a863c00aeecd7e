#include <stdio.h>
#include <string.h>

#include "tests/simulate/simulate.h"

/* cents for a million tokens; a bucket that has none makes a record unpriced; a web search costs a
 * cent. Where the prompt is longer than `above`, every token costs twice as much. */
static const struct listed {
	const char *name, *currency;
	int64_t input, cache_read, cache_write, output, audio, above;
	bool inclusive; /* a prompt of just `above` is dearer, too */
} prices[MODEL_BOOKS][MODEL_PRICED] = {
	{ { "sim-alpha", "USD", 300, 30, 375, 1500, 4000, 120000, false },
	  { "sim-beta", "USD", 17, 3, 0, 99, 0, 0, false } },
	{ { "sim-alpha", "USD", 250, 25, 312, 1000, 3200, 90000, true },
	  { "sim-beta", "USD", 20, 4, 0, 101, 0, 0, false } },
	{ { "sim-alpha", "EUR", 277, 28, 346, 1388, 3700, 100000, false },
	  { "sim-beta", "EUR", 16, 3, 0, 92, 0, 0, false } },
};

const char *const model_currencies[MODEL_CURRENCIES] = { "USD", "EUR" };

static int put_rate(char *to, size_t room, const char *name, int64_t cents)
{
	return cents ? snprintf(to, room, ",\"%s\":\"%lld.%02lld\"", name, (long long)cents / 100,
				(long long)cents % 100)
		     : 0;
}

static int put_rates(char *to, size_t room, const struct listed *p, int64_t times)
{
	const int64_t input = p->input * times;
	int n = snprintf(to, room, "\"rates\":{\"input\":\"%lld.%02lld\"", (long long)input / 100,
			 (long long)input % 100);
	n += put_rate(to + n, room - (size_t)n, "cache_read", p->cache_read * times);
	n += put_rate(to + n, room - (size_t)n, "cache_write_5m", p->cache_write * times);
	n += put_rate(to + n, room - (size_t)n, "output", p->output * times);
	n += put_rate(to + n, room - (size_t)n, "input_audio", p->audio * times);
	return n + snprintf(to + n, room - (size_t)n, "}");
}

static int put_price(char *to, size_t room, const struct listed *p)
{
	int n = snprintf(to, room,
			 "{\"model\":\"%s\",\"currency\":\"%s\",\"from\":\"2020-01-01T00:"
			 "00:00Z\",\"to\":null,",
			 p->name, p->currency);
	n += put_rates(to + n, room - (size_t)n, p, 1);
	if (p->above) {
		n += snprintf(to + n, room - (size_t)n,
			      ",\"context\":[{\"above\":%lld,\"inclusive\":%s,",
			      (long long)p->above, p->inclusive ? "true" : "false");
		n += put_rates(to + n, room - (size_t)n, p, 2);
		n += snprintf(to + n, room - (size_t)n, "}]");
	}
	return n + snprintf(to + n, room - (size_t)n,
			    ",\"fees\":{\"web_search\":{\"amount\":\"10\",\"per\":1000}},"
			    "\"source\":\"simulation\",\"sure\":\"yes\"}");
}

const char *model_card(int book)
{
	static char card[3000];
	int n = snprintf(
		card, sizeof card,
		"{\"schema\":\"tally.card/1\",\"provider\":\"simco\",\"title\":\"Simco\",\"models\":{\"sim-alpha\":{},\"sim-beta\":{}},"
		"\"prices\":[");
	for (int i = 0; i < MODEL_PRICED; i++) {
		n += put_price(card + n, sizeof card - (size_t)n, &prices[book][i]);
		card[n++] = i < MODEL_PRICED - 1 ? ',' : ']';
	}
	snprintf(card + n, sizeof card - (size_t)n, "}");
	return card;
}

const char model_plan[] =
	"{\"schema\":\"tally.plans/1\",\"plans\":[{\"plan\":\"flat\",\"rule\":\"token-priced\","
	"\"credits_per_unit\":\"1\",\"categories\":{\"input\":[\"input\"],\"output\":[\"output\"],"
	"\"cache_read\":[\"cache_read\"]},\"tables\":[{\"table\":\"t\"}],\"rounding\":{\"scope\":"
	"\"none\"}}],\"tables\":{\"t\":{\"values\":{\"sim-alpha\":{\"input\":\"1\","
	"\"output\":\"1\",\"cache_read\":\"1\"}}}}}";

static uint64_t mixed(uint64_t n)
{
	n = (n ^ n >> 30) * 0xBF58476D1CE4E5B9u;
	n = (n ^ n >> 27) * 0x94D049BB133111EBu;
	return n ^ n >> 31;
}

bool model_has_id(uint32_t n)
{
	return n % 5 != 3;
}

bool model_too_large(uint32_t n)
{
	return n % 29 == 7;
}

void model_make(struct metered *m, uint32_t n, int variant, char id[40])
{
	static const char *const models[] = { "sim-alpha", "sim-beta", "sim-alpha",
					      "nobody-knows" };
	static const char *const customers[CUSTOMERS] = { "c0", "c1", "c2", "c3", "c4" };
	const uint64_t r = mixed(n + 1);
	/* 2026-10-26, and up to two months before */
	const int64_t end = INT64_C(1793000000000000);
	*m = (struct metered){ .shape = "test", .rule = "as-given", .line = (int64_t)n + 1 };
	record_clear(&m->record);
	if (n % 2)
		snprintf(id, 40, "%08x-1234-4abc-a123-%012x", (unsigned)r, n);
	else
		snprintf(id, 40, "call-%u", n);
	if (model_has_id(n))
		m->record.text[FIELD_ID] = text_of(id);
	m->record.text[FIELD_CUSTOMER] = text_of(customers[(r >> 8) % CUSTOMERS]);
	m->record.text[FIELD_MODEL] = text_of(models[(r >> 16) % 4]);
	m->record.time_us = end - (int64_t)(r % 5000000) * 1000000 - 1;
	m->record.tokens[BUCKET_INPUT] = (int64_t)(r >> 20) % 100000 + variant;
	m->record.tokens[BUCKET_CACHE_READ] = (int64_t)(r >> 24) % 100000;
	m->record.tokens[BUCKET_OUTPUT] = (int64_t)(r >> 30) % 5000;
	m->record.tokens[BUCKET_REASONING] = m->record.tokens[BUCKET_OUTPUT] / 3;
	if (n % 7 == 4)
		m->record.requests = 1 + (int64_t)(r >> 40) % 5;
	if (n % 31 == 5) /* the most that is admitted */
		m->record.tokens[BUCKET_INPUT] = RECORD_COUNT_MOST;
	if (model_too_large(n))
		m->record.tokens[BUCKET_INPUT] = n % 2 ? INT64_MAX / 2 : RECORD_COUNT_MOST + 1;
	/* now and then what few calls have */
	if (n % 9 == 2)
		m->record.tokens[BUCKET_CACHE_WRITE_5M] = (int64_t)(r >> 12) % 30000;
	if (n % 11 == 3)
		m->record.tokens[BUCKET_INPUT_AUDIO] = (int64_t)(r >> 9) % 7000;
	if (n % 13 == 6)
		m->record.units[UNIT_WEB_SEARCH] = 1 + (int64_t)(r >> 5) % 9;
	m->record.present = (uint64_t)1 << FIELD_CUSTOMER | (uint64_t)1 << FIELD_MODEL |
			    (uint64_t)1 << FIELD_TIME;
	if (model_has_id(n))
		m->record.present |= (uint64_t)1 << FIELD_ID;
}

const char *model_currency(int book)
{
	return prices[book][0].currency;
}

static int currency_of(const struct listed *p)
{
	return strcmp(p->currency, model_currencies[0]) != 0;
}

int model_cost(const struct model_record *m, int book, int128 *atto)
{
	const struct record *r = &m->record;
	const int64_t input = r->tokens[BUCKET_INPUT], read = r->tokens[BUCKET_CACHE_READ],
		      written = r->tokens[BUCKET_CACHE_WRITE_5M],
		      audio = r->tokens[BUCKET_INPUT_AUDIO],
		      prompt = input + read + written + audio;
	*atto = 0;
	for (int i = 0; i < MODEL_PRICED; i++) {
		const struct listed *p = &prices[book][i];
		if (!text_is(r->text[FIELD_MODEL], p->name))
			continue;
		const bool dearer = p->above && prompt >= p->above + !p->inclusive;
		/* of several requests nobody knows how long each prompt was */
		if ((written && !p->cache_write) || (audio && !p->audio) ||
		    (dearer && r->requests > 1))
			return MODEL_UNPRICED;
		/* a cent a million tokens is 1e-8 of the currency a token */
		*atto = ((int128)input * p->input + (int128)read * p->cache_read +
			 (int128)written * p->cache_write + (int128)audio * p->audio +
			 (int128)r->tokens[BUCKET_OUTPUT] * p->output) *
				(1 + dearer) * 10000000000 +
			(int128)m->searches * 10000000000000000;
		return currency_of(p);
	}
	return MODEL_UNPRICED;
}

bool model_credits(const struct record *r, int128 *nano)
{
	const int64_t *tokens = r->tokens;
	const bool alpha = text_is(r->text[FIELD_MODEL], prices[0][0].name);
	*nano = ((int128)tokens[BUCKET_INPUT] + tokens[BUCKET_CACHE_READ] + tokens[BUCKET_OUTPUT]) *
		1000;
	if (tokens[BUCKET_CACHE_WRITE_5M] || tokens[BUCKET_INPUT_AUDIO])
		return false;
	return alpha || (text_is(r->text[FIELD_MODEL], prices[0][1].name) &&
			 tokens[BUCKET_INPUT] == 0 && tokens[BUCKET_CACHE_READ] == 0);
}

/* Which records are summed: negative customer: all; of the instants [from, to). */
struct wanted {
	int customer;
	int64_t from, to;
};

static void add(const struct model_record *r, const struct wanted *w, struct model_sums *out)
{
	int128 atto, nano;
	if (!r->present || r->record.time_us < w->from || r->record.time_us >= w->to ||
	    (w->customer >= 0 && r->record.text[FIELD_CUSTOMER].p[1] - '0' != w->customer))
		return;
	for (int i = 0; i < r->copies; i++) {
		out->records++;
		out->requests += r->record.requests;
		out->searches += r->searches;
		for (int k = 0; k < BUCKET_COUNT; k++)
			out->tokens[k] += r->record.tokens[k];
		const int currency = model_cost(r, r->book[i], &atto);
		if (currency == MODEL_UNPRICED) {
			out->unpriced++;
		} else {
			out->atto[currency] += atto;
			out->priced[currency]++;
		}
		if (model_credits(&r->record, &nano))
			out->credits += nano;
		else
			out->uncovered++;
	}
}

static void sum(const struct model *m, const struct wanted *w, struct model_sums *out)
{
	*out = (struct model_sums){ 0 };
	for (int i = 0; i < RECORDS_MOST; i++)
		add(&m->record[i], w, out);
	for (int i = 0; i < RECORDS_MOST; i++)
		add(&m->own[i], w, out);
	for (int i = 0; i < HOLDS_MOST; i++)
		add(&m->settlement[i], w, out);
}

void model_sum(const struct model *m, int customer, struct model_sums *out)
{
	sum(m, &(struct wanted){ customer, INT64_MIN, INT64_MAX }, out);
}

void model_sum_span(const struct model *m, int customer, int64_t from_us, int64_t to_us,
		    struct model_sums *out)
{
	sum(m, &(struct wanted){ customer, from_us, to_us }, out);
}

/* Those that are sold become effective in the months that are invoiced. */
struct model_grant model_grant(uint32_t n)
{
	const uint32_t h = (uint32_t)mixed(n + 77);
	const bool sold = n % 3 == 1;
	const int64_t first = sold ? 20666 /* 2026-08-01 */ : 20454; /* 2026-01-01 */
	return (struct model_grant){ (int64_t)(h % 4000 + 1) * 10000000,
				     sold ? (int64_t)(h / 7 % 4000 + 1) * 10000000000 : 0,
				     { (first + (int64_t)(h / 3 % (sold ? 90 : 30))) *
				       US_PER_DAY } };
}

const char *const model_periods[MODEL_PERIODS] = { "ever", "month", "week",
						   "day",  "5h",    "rolling 7d" };
const char *const model_zones[MODEL_ZONES] = { "UTC", "Asia/Kolkata", "Etc/GMT+12" };
static const int64_t ahead_s[MODEL_ZONES] = { 0, 19800, -43200 };

static int64_t floored(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t model_day(int64_t us, int zone)
{
	return floored(us + ahead_s[zone] * US_PER_SECOND, US_PER_DAY);
}

static int64_t midnight(int64_t day, int zone)
{
	return day * US_PER_DAY - ahead_s[zone] * US_PER_SECOND;
}

void model_sum_day(const struct model *m, int64_t day, int zone, struct model_sums *out)
{
	sum(m, &(struct wanted){ -1, midnight(day, zone), midnight(day + 1, zone) }, out);
}

static void period_around(int64_t now, int period, int zone, int64_t *from, int64_t *to)
{
	const int64_t day = model_day(now, zone);
	int64_t first = day, last = day;
	if (period == 0) {
		*from = INT64_MIN;
		*to = INT64_MAX;
		return;
	}
	if (period == 1) {
		int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }, month = 0;
		/* of 2026 and 2027, where the clock is */
		first = 20454; /* 2026-01-01 */
		while (first + days[month % 12] <= day)
			first += days[month++ % 12];
		last = first + days[month % 12] - 1;
	} else if (period == 2) { /* from Monday; 1970-01-01 was a Thursday */
		first = day - (day + 3) % 7;
		last = first + 6;
	}
	*from = midnight(first, zone);
	*to = midnight(last + 1, zone);
	if (period == 4) { /* the last of the day's is shorter */
		const int64_t hours = 5 * 3600 * US_PER_SECOND, n = (now - *from) / hours;
		*from += n * hours;
		*to = *from + hours < *to ? *from + hours : *to;
	} else if (period == 5) { /* from a whole quarter of an hour on */
		const int64_t quarter = 900 * US_PER_SECOND;
		*from = floored(now - 7 * US_PER_DAY, quarter) * quarter;
		*to = INT64_MAX;
	}
}

struct model_spending model_spent(const struct model *m, int customer, int period, int zone)
{
	struct model_sums usage;
	struct wanted w = { customer, 0, 0 };
	int128 atto;
	period_around(m->now.us, period, zone, &w.from, &w.to);
	sum(m, &w, &usage);
	struct model_spending out = { usage.atto[0], usage.priced[1] };
	for (int i = 0; i < HOLDS_MOST; i++) {
		const struct model_record *r = &m->settlement[i];
		const struct model_hold *h = &m->hold[i];
		if ((!r->present && h->state != 'c') || h->created_us < w.from ||
		    h->created_us >= w.to || (customer >= 0 && h->customer != customer))
			continue;
		/* at least its estimate, where its price does not count here */
		if (h->state == 'c' || model_cost(r, r->book[0], &atto) != 0)
			out.atto += (int128)h->pico * 1000000;
		else if (r->record.time_us < w.from || r->record.time_us >= w.to)
			out.atto += atto;
	}
	return out;
}

static bool is_open(const struct model *m, const struct model_hold *h, int customer)
{
	return h->known && h->state == 'o' && (customer < 0 || h->customer == customer) &&
	       h->expires_us > m->now.us;
}

int64_t model_held(const struct model *m, int customer)
{
	int64_t pico = 0;
	for (int i = 0; i < HOLDS_MOST; i++)
		if (is_open(m, &m->hold[i], customer))
			pico += m->hold[i].pico;
	return pico;
}

int64_t model_held_credits(const struct model *m, int customer)
{
	int64_t nano = 0;
	for (int i = 0; i < HOLDS_MOST; i++)
		if (is_open(m, &m->hold[i], customer))
			nano += m->hold[i].nano;
	return nano;
}
