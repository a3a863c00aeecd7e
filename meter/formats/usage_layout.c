#include "meter/formats/usage_layout.h"

enum { PLACES = 48, DIGITS = 18, LEARNT_MOST = 256 };

/* A number of the text that is not zero. */
struct place {
	uint32_t at, n;
	enum raw_count which; /* RAW_COUNTS: of none */
};

struct usage_layout {
	struct text text, tier, region;
	struct raw_counts counts; /* of the usage that it was learnt from */
	size_t places;
	struct place place[PLACES];
};

/* The digits from p on, of a number that is not zero; how many, 0 where it is none or a long one.
 */
static size_t read_digits(const char *p, const char *end, int64_t *out)
{
	size_t n = 0;
	int64_t v = 0;
	if (p < end && *p == '0')
		return 0;
	for (; n <= DIGITS && p + n < end && is_digit(p[n]); n++)
		v = n < DIGITS ? v * 10 + (p[n] - '0') : v;
	*out = v;
	return n <= DIGITS ? n : 0;
}

static bool matches(const struct usage_layout *l, struct text usage, int64_t number[PLACES])
{
	const char *p = usage.p, *end = usage.p + usage.n;
	size_t from = 0;
	for (size_t i = 0; i <= l->places; i++) {
		const size_t to = i < l->places ? l->place[i].at : l->text.n;
		if ((size_t)(end - p) < to - from || memcmp(p, l->text.p + from, to - from) != 0)
			return false;
		p += to - from;
		if (i == l->places)
			break;
		const size_t n = read_digits(p, end, &number[i]);
		if (!n)
			return false;
		p += n;
		from = to + l->place[i].n;
	}
	return p == end;
}

static void set_text(struct record *r, enum record_field f, struct text v)
{
	if (v.n == 0)
		return;
	r->text[f] = v;
	r->present |= (uint64_t)1 << f;
}

static void set_counts(const struct usage_layout *l, struct raw_counts *c,
		       const int64_t number[PLACES])
{
	*c = l->counts;
	for (size_t i = 0; i < l->places; i++)
		if (l->place[i].which != RAW_COUNTS)
			c->count[l->place[i].which] = number[i];
}

bool layouts_read(struct usage_layouts *l, struct metered *m, struct raw_counts *c,
		  struct text usage)
{
	int64_t number[PLACES];
	for (unsigned k = 0; k < LAYOUTS; k++) {
		const unsigned i = (l->last + k) % LAYOUTS;
		const struct usage_layout *one = l->layout[i];
		if (!one || !matches(one, usage, number))
			continue;
		l->last = i;
		set_counts(one, c, number);
		set_text(&m->record, FIELD_SERVICE_TIER, one->tier);
		set_text(&m->record, FIELD_REGION, one->region);
		return true;
	}
	return false;
}

/* Where the numbers stand; false: there are too many, or some are too long. */
static bool find_places(struct usage_layout *l)
{
	bool quoted = false;
	int64_t v;
	for (size_t i = 0; i < l->text.n; i++) {
		const char c = l->text.p[i];
		if (c == '\\')
			return false; /* no name of a member that is understood is escaped */
		quoted ^= c == '"';
		if (quoted || !is_digit(c))
			continue;
		const size_t n = read_digits(l->text.p + i, l->text.p + l->text.n, &v);
		if (n && l->places == PLACES)
			return false;
		if (n)
			l->place[l->places++] =
				(struct place){ (uint32_t)i, (uint32_t)n, RAW_COUNTS };
		else if (c != '0')
			return false;
		while (i + 1 < l->text.n && is_digit(l->text.p[i + 1]))
			i++;
	}
	return true;
}

/* Reads the text with the i-th of its numbers replaced by 2^i: a count that is one of them comes
 * from that place, and one that is their sum from none. */
static bool name_places(struct usage_layout *l)
{
	struct raw_counts c = { .cache = l->counts.cache };
	struct json_document *doc;
	struct buf probe = { 0 };
	size_t from = 0;
	for (size_t i = 0; i < l->places; i++) {
		buf_add(&probe, l->text.p + from, l->place[i].at - from);
		buf_printf(&probe, "%lld", 1LL << i);
		from = l->place[i].at + l->place[i].n;
	}
	buf_add(&probe, l->text.p + from, l->text.n - from);
	bool ok = json_open(&doc, (struct text){ probe.p, probe.n }, NULL) == 0;
	if (ok) {
		ok = counts_read(&c, json_root(doc), NULL) == 0;
		json_close(doc);
	}
	buf_release(&probe);
	for (int k = 0; ok && k < RAW_COUNTS; k++)
		for (size_t i = 0; i < l->places; i++)
			if (c.count[k] == 1LL << i)
				l->place[i].which = (enum raw_count)k;
	for (int u = 0; u < UNIT_COUNT; u++)
		ok &= c.units[u] == 0;
	return ok;
}

/* Whether by its places the text says what was read of it as JSON. */
static bool says_the_same(const struct usage_layout *l)
{
	struct raw_counts c;
	int64_t number[PLACES];
	if (!matches(l, l->text, number))
		return false;
	set_counts(l, &c, number);
	for (int k = 0; k < RAW_COUNTS; k++)
		if (c.count[k] != l->counts.count[k])
			return false;
	/* each count that is not zero has its place */
	size_t named = 0, given = 0;
	for (size_t i = 0; i < l->places; i++)
		named += l->place[i].which != RAW_COUNTS;
	for (int k = 0; k < RAW_COUNTS; k++)
		given += l->counts.count[k] != 0;
	return named == given;
}

void layouts_learn(struct usage_layouts *l, struct arena *a, const struct metered *m,
		   const struct raw_counts *c, struct text usage)
{
	const struct text tier = m->record.text[FIELD_SERVICE_TIER],
			  region = m->record.text[FIELD_REGION];
	struct usage_layout own = { .text = usage, .counts = *c };
	if (m->unread || m->stated.given || l->learnt >= LEARNT_MOST || !find_places(&own) ||
	    !name_places(&own) || !says_the_same(&own))
		return;
	own.text.p = arena_text(a, usage.p, usage.n);
	own.tier = (struct text){ arena_text(a, tier.n ? tier.p : "", tier.n), tier.n };
	own.region = (struct text){ arena_text(a, region.n ? region.p : "", region.n), region.n };
	struct usage_layout *kept = arena_alloc(a, sizeof *kept);
	*kept = own;
	l->layout[l->learnt++ % LAYOUTS] = kept;
}
