/*
 * What a source says that a call cost, where it says it beside the counts: one table for all
 * formats. What a seller or gateway charged may price a call that no card prices; what an agent, a
 * tracer or a proxy works out from a list of its own is an estimate, which is kept and shown on
 * demand.
 */
#include <string.h>

#include "base/loose.h"
#include "meter/formats/payload_run.h"

enum { DEPTH = 3 };
/* Places of the decimal point between the number and dollars. */
enum money_unit { DOLLARS = 0, CENTS = 2, MICROS = 6, TICKS = 10 };

static const struct cost_member {
	const char *shape; /* "*": any */
	bool in_usage;	   /* else beside it */
	bool charged;
	enum money_unit unit;
	const char *path[DEPTH];
} members[] = {
	{ "*", true, true, TICKS, { "cost_in_usd_ticks" } },
	{ "ai-sdk.result", false, true, DOLLARS, { "gateway", "cost" } },
	{ "pi.session", true, false, DOLLARS, { "cost", "total" } },
	{ "cline-cli.session", true, false, DOLLARS, { "cost" } },
	{ "cline-cli.session", true, false, DOLLARS, { "totalCost" } },
	{ "cline.task", true, false, DOLLARS, { "cost" } },
	{ "cline.task", true, false, DOLLARS, { "totalCost" } },
	{ "grok.session", true, false, TICKS, { "costUsdTicks" } },
	{ "vibe.session", true, false, DOLLARS, { "session_cost" } },
	{ "continue", true, false, CENTS, { "cost_cents" } },
	{ "claude-code.log", false, false, DOLLARS, { "costUSD" } },
	{ "litellm.log", false, false, DOLLARS, { "spend" } },
	{ "litellm.log", false, false, DOLLARS, { "response_cost" } },
	{ "cloudflare.log", false, false, DOLLARS, { "cost" } },
	{ "langfuse.observation", false, false, DOLLARS, { "totalCost" } },
	{ "langfuse.observation", false, false, DOLLARS, { "calculatedTotalCost" } },
	{ "langfuse.observation", false, false, DOLLARS, { "costDetails", "total" } },
	{ "claude-code.event", true, false, DOLLARS, { "cost_usd" } },
	{ "claude-code.event", true, false, MICROS, { "cost_usd_micros" } },
	{ "otlp.span", true, false, DOLLARS, { "gen_ai.usage.cost" } },
	{ "otlp.span", true, false, DOLLARS, { "gen_ai.usage.total_cost" } },
	{ "otlp.span", true, false, DOLLARS, { "llm.cost.total" } },
};

/* Amounts in a usage object that are for something else than tokens. */
static const char *const beside_tokens[] = {
	"cost.tool_calls_cost",
	"cost.search_queries_cost",
};

/* Where a source names the currency of its costs. */
static const char *const currencies[] = { "currency", "cost.currency", "cost_currency",
					  "cost_details.currency", "currency_code" };
static const char *const dollar_words[] = { "USD", "$", "US$", "US dollar", "US dollars", NULL };

static bool is_in_other_money(json_value *v)
{
	bool other = false;
	for (size_t i = 0; v && i < sizeof currencies / sizeof *currencies; i++) {
		const struct text word = json_number_or_string(json_at(v, currencies[i]));
		other |= word.n && !text_is_one_of_caseless(word, dollar_words);
	}
	/* under whatever name: a cost that is an object holds numbers otherwise */
	for (json_value *w = json_first(json_member(v, "cost")); w; w = json_next(w)) {
		const struct text word = json_string(w);
		other |= loose_is_currency(word) && !text_is_one_of_caseless(word, dollar_words);
	}
	return other;
}

/* Dollars to 1e-12: what computes costs in binary floats writes many digits. A cost of zero is that
 * of a subscription, or of a price that its teller did not know. */
static void take_amount(struct metered *m, struct text number, enum money_unit unit, bool charged)
{
	struct decimal d;
	struct money amount;
	bool rounded;
	if (m->other_money || m->stated.given || number.n == 0 ||
	    decimal_parse(&d, number, NULL) != 0)
		return;
	d = decimal_round_places(decimal_shift(d, -(int)unit), MONEY_PLACES, &rounded);
	if (money_from_decimal(&amount, d, NULL) == 0 && amount.pico > 0)
		m->stated = (struct stated_cost){ true, !charged, amount };
}

void payload_recorded_as(struct metered *m, struct text dollars, bool charged)
{
	take_amount(m, dollars, DOLLARS, charged);
}

/* "otlp.span" is "otlp.span.untold" and "otlp.span.estimated", too, and "continue" all of them. */
static bool is_of(const struct cost_member *c, const struct metered *m)
{
	const size_t n = strlen(c->shape);
	return strcmp(c->shape, "*") == 0 ||
	       (strncmp(c->shape, m->shape, n) == 0 && (!m->shape[n] || m->shape[n] == '.'));
}

void payload_recorded_attribute(struct metered *m, struct text name, json_value *v)
{
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (is_of(&members[i], m) && !members[i].path[1] &&
		    text_is(name, members[i].path[0]))
			take_amount(m, json_number_or_string(v), members[i].unit,
				    members[i].charged);
}

static json_value *at_path(json_value *v, const char *const *path)
{
	for (int i = 0; i < DEPTH && path[i] && v; i++)
		v = json_member(v, path[i]);
	return v;
}

bool payload_is_amount(json_value *v)
{
	struct decimal d;
	const struct text number = json_number_or_string(v);
	return number.n && *number.p != '-' && decimal_parse(&d, number, NULL) == 0 &&
	       strpbrk(number.p, "123456789");
}

void payload_bills_beside(struct metered *m, const char *member)
{
	if (member)
		m->billed_beside = member;
}

void payload_settle_beside(struct metered *m)
{
	const struct record *c = &m->record;
	bool units = false, any = false;
	for (int u = 0; u < UNIT_COUNT; u++)
		units |= c->units[u] != 0;
	for (int k = 0; k < COUNT_KINDS; k++)
		any |= c->counts[k] != 0;
	if ((m->billed_beside && !units) || (m->stated.given && m->stated.estimate && !any))
		m->broken_off = true;
}

void payload_recorded(struct metered *m, json_value *v, bool in_usage)
{
	if (is_in_other_money(v)) {
		m->other_money = true;
		m->stated = (struct stated_cost){ 0 };
	}
	for (size_t i = 0; in_usage && i < sizeof beside_tokens / sizeof *beside_tokens; i++)
		if (payload_is_amount(json_at(v, beside_tokens[i])))
			payload_bills_beside(m, beside_tokens[i]);
	for (size_t i = 0; v && !m->stated.given && i < sizeof members / sizeof *members; i++)
		if (members[i].in_usage == in_usage && is_of(&members[i], m))
			take_amount(m, json_number_or_string(at_path(v, members[i].path)),
				    members[i].unit, members[i].charged);
}
