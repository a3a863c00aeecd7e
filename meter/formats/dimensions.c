/*
 * What an answer says of how it was served beside its counts: the service tier, a faster speed, how
 * capacity was bought. All of these are one dimension of the price, the tier; a tier that no card
 * states finds no price, and is named.
 */
#include <ctype.h>
#include <strings.h>

#include "meter/formats/payload_run.h"
#include "pricing/book.h"

enum { DEPTH = 2 };

/* Where they stand: beside the usage, or in it. */
static const struct {
	bool in_usage, tier; /* tier: another name of the same, of which the first one counts */
	const char *path[DEPTH];
} stated_at[] = {
	{ false, true, { "service_tier" } },
	{ true, true, { "service_tier" } },
	{ false, true, { "serviceTier", "type" } },
	{ false, true, { "serviceTier" } },
	{ true, true, { "serviceTier" } },
	{ false, false, { "performanceConfig", "latency" } },
	{ true, false, { "trafficType" } },
	{ true, false, { "traffic_type" } },
};

/* Other words for tiers; those of the standard price are the book's. */
static const struct {
	const char *word, *tier;
} words[] = {
	{ "on_demand_flex", "flex" },
	{ "on_demand_priority", "priority" },
	{ "provisioned_throughput", "provisioned" },
	{ "traffic_type_unspecified", "" },
	{ "standard_only", "" },
	{ "optimized", "latency-optimized" },
};

static struct text tier_of(struct payload_reader *r, struct text said)
{
	char *low = arena_text(&r->arena, said.p, said.n);
	for (size_t i = 0; i < said.n; i++)
		low[i] = (char)tolower((unsigned char)low[i]);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(low, words[i].word) == 0)
			return text_of(words[i].tier);
	return (struct text){ low, said.n };
}

bool tier_is_word(struct text said)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (*words[i].tier && said.n == strlen(words[i].word) &&
		    strncasecmp(said.p, words[i].word, said.n) == 0)
			return true;
	return value_is_price_word(said);
}

/* Whether a tier, which may be several words, holds that one. */
bool tier_has_part(struct text tier, struct text word)
{
	for (size_t from = 0; from + word.n <= tier.n; from++)
		if (strncasecmp(tier.p + from, word.p, word.n) == 0 &&
		    (from == 0 || tier.p[from - 1] == '+') &&
		    (from + word.n == tier.n || tier.p[from + word.n] == '+'))
			return true;
	return false;
}

void payload_geo(struct record *r, struct text geo)
{
	if (r->text[FIELD_REGION].n || geo.n == 0 || text_is(geo, "global") ||
	    text_is(geo, "not_available"))
		return;
	r->text[FIELD_REGION] = geo;
	r->present |= (uint64_t)1 << FIELD_REGION;
}

void payload_add_tier(struct payload_reader *r, struct metered *m, struct text said)
{
	struct text *tier = &m->record.text[FIELD_SERVICE_TIER];
	if (said.n == 0 || text_eq(said, *tier))
		return;
	const struct text more = tier_of(r, said);
	const bool standard = service_tier_is_standard(more);
	if (more.n == 0 || (standard && tier->n) || tier_has_part(*tier, more))
		return;
	m->record.present |= (uint64_t)1 << FIELD_SERVICE_TIER;
	if (service_tier_is_standard(*tier))
		*tier = more;
	else
		/* two of them at once have a price only where a card names both */
		*tier = text_of(arena_printf(&r->arena, "%.*s+%.*s", (int)tier->n, tier->p,
					     (int)more.n, more.p));
}

void payload_tier(struct payload_reader *r, struct metered *m, json_value *v, json_value *usage)
{
	bool served =
		false; /* what an answer says of its tier is the one that it was served with */
	for (size_t i = 0; i < sizeof stated_at / sizeof *stated_at; i++) {
		json_value *at = stated_at[i].in_usage ? usage : v;
		for (int k = 0; k < DEPTH && stated_at[i].path[k] && at; k++)
			at = json_member(at, stated_at[i].path[k]);
		const struct text said = json_string(at);
		if (!json_is_nothing(at) && json_kind(at) != JSON_STRING &&
		    json_kind(at) != JSON_OBJECT && !m->unread)
			m->unread = arena_printf(&r->arena,
						 "the member '%s', which tells how the call was "
						 "served, is no word",
						 json_key(at));
		if (said.n == 0 || (stated_at[i].tier && served))
			continue;
		served |= stated_at[i].tier;
		payload_add_tier(r, m, said);
	}
}

void payload_dimensions(struct payload_reader *r, struct metered *m, json_value *usage)
{
	payload_tier(r, m, NULL, usage);
	payload_add_tier(r, m, json_string(json_member(usage, "speed")));
	payload_geo(&m->record, json_string(json_member(usage, "inference_geo")));
}

void payload_asked_tier(struct metered *m, struct text said)
{
	if (said.n && !m->asked_tier.n)
		m->asked_tier = said;
}

void payload_settle_tier(struct payload_reader *r, struct metered *m)
{
	const struct text asked = m->asked_tier;
	if (!asked.n || m->record.present >> FIELD_SERVICE_TIER & 1)
		return;
	const struct text tier = tier_of(r, asked);
	if (service_tier_is_standard(tier) || text_is(tier, "auto"))
		return;
	if (text_is(tier, "priority") || text_is(tier, "fast"))
		m->broken_off = true;
	else if (!m->unread)
		m->unread = arena_printf(&r->arena,
					 "the tier '%.*s' was asked for, and nothing tells which "
					 "one was served",
					 asked.n > 40 ? 40 : (int)asked.n, asked.p);
}
