#include "meter/ingest/ingest_parts.h"
#include "meter/ingest/quarantine.h"
#include "meter/store/record_id.h"

/* Numbers as bytes that are the same on every machine. */
static void put_number(uint8_t *out, int64_t v)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)((uint64_t)v >> (i * 8));
}

bool ingest_is_part_of_count(int kind)
{
	return kind >= BUCKET_COUNT && kind < COUNT_TOKENS;
}

/* The counts that ids were always made of stand at their places; what came later is added by name,
 * where there is any, so that no record's id changes when a bucket or a unit is new. */
enum { ID_BUCKETS = 16, ID_FIRST_UNIT = COUNT_TOKENS, ID_NUMBERS = ID_BUCKETS + 4 };

static void put_later_counts(struct buf *b, const struct record *r)
{
	for (int k = ID_BUCKETS; k < COUNT_KINDS; k++)
		if (k != ID_FIRST_UNIT && !ingest_is_part_of_count(k) && r->counts[k])
			buf_printf(b, "%s=%lld ", count_name(k), (long long)r->counts[k]);
}

/* An id for a record that has none: its content, and which of the equal ones of its source it is.
 */
static struct text make_id(struct ingest *in, const struct record *r)
{
	static const char hex[] = "0123456789abcdef";
	struct text part[FIELD_TEXTS + 2];
	uint8_t numbers[ID_NUMBERS][8], hash[16];
	uint64_t half;
	char id[48] = "auto:";
	size_t n = 5;
	for (int f = 0; f < FIELD_TEXTS; f++)
		part[f] = r->text[f].n ? r->text[f] : TEXT("");
	for (int b = 0; b < ID_BUCKETS; b++)
		put_number(numbers[b], r->tokens[b]);
	put_number(numbers[ID_BUCKETS], r->time_us);
	put_number(numbers[ID_BUCKETS + 1], r->completed_us);
	put_number(numbers[ID_BUCKETS + 2], r->requests);
	put_number(numbers[ID_BUCKETS + 3], r->counts[ID_FIRST_UNIT]);
	part[FIELD_TEXTS] = (struct text){ (const char *)numbers, sizeof numbers };
	in->text.n = 0;
	put_later_counts(&in->text, r);
	part[FIELD_TEXTS + 1] = (struct text){ in->text.p, in->text.n };
	content_hash(hash, part, FIELD_TEXTS + 1 + (in->text.n != 0));
	memcpy(&half, hash, sizeof half);
	int64_t nth = ingest_count_occurrence(in, half);
	for (int i = 0; i < 16; i++) {
		id[n++] = hex[hash[i] >> 4];
		id[n++] = hex[hash[i] & 15];
	}
	in->id.n = 0;
	buf_add(&in->id, id, n);
	if (nth > 1)
		buf_printf(&in->id, ":%lld", (long long)nth);
	return (struct text){ in->id.p, in->id.n };
}

static void default_text(struct record *r, enum record_field f, const char *value)
{
	if (r->text[f].n || !value)
		return;
	r->text[f] = text_of(value);
	r->present |= (uint64_t)1 << f;
}

struct record ingest_with_defaults(struct ingest *in, const struct metered *m)
{
	struct record r = m->record;
	default_text(&r, FIELD_CUSTOMER, in->o.customer);
	default_text(&r, FIELD_PROJECT, in->o.project);
	default_text(&r, FIELD_MODEL, in->o.model);
	default_text(&r, FIELD_PROVIDER, in->o.provider);
	return r;
}

struct text ingest_id(struct ingest *in, const struct metered *m)
{
	/* on a server an id is claimed before anything can be looked up */
	if (m->copy_of.n && db_on_server(store_db(in->store)))
		return m->copy_of;
	if (m->record.text[FIELD_ID].n)
		return m->record.text[FIELD_ID];
	struct metered own = *m;
	payload_unmap(&own.record, m->mapped);
	const struct record r = ingest_with_defaults(in, &own);
	return make_id(in, &r);
}

struct text ingest_mapped_id(struct ingest *in, const struct metered *m)
{
	if (!m->mapped.n || m->record.text[FIELD_ID].n || m->also.n)
		return m->also;
	const struct record r = ingest_with_defaults(in, m);
	const struct text id = make_id(in, &r);
	in->mapped.n = 0;
	buf_add(&in->mapped, id.p, id.n);
	return (struct text){ in->mapped.p, in->mapped.n };
}

struct text ingest_own_id(struct buf *b, struct text customer, struct text id)
{
	b->n = 0;
	record_id_put_own(b, customer, id);
	return (struct text){ b->p, b->n };
}
