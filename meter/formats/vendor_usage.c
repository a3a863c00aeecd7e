/*
 * The vendor's own usage, which a framework hands on beside the usage that it made of it: "raw" of
 * the AI SDK, response_metadata of LangChain. A framework's names have no room for all that is
 * billed (tools, tiers, places, kinds of tokens), so the vendor's are what counts.
 */
#include <string.h>

#include "meter/formats/assemble.h"
#include "meter/formats/payload_run.h"

/* Whose members they are. */
static const char *shape_of(json_value *usage)
{
	static const char *const anthropic[] = { "cache_creation_input_tokens", "cache_creation",
						 "server_tool_use", "iterations", "inference_geo" };
	if (usage_is_gemini(usage))
		return "gemini.content";
	for (size_t i = 0; i < sizeof anthropic / sizeof *anthropic; i++)
		if (json_member(usage, anthropic[i]))
			return "anthropic.message";
	return "openai.chat";
}

/* What one of the two does not state, it does not deny. */
static void take_counts(struct record *to, struct record *vendor)
{
	sighting_share_split(to->tokens, vendor->tokens);
	sighting_share_cached(to->tokens, vendor->tokens);
	memcpy(to->tokens, vendor->tokens, sizeof to->tokens);
	sighting_share_others(to->counts, vendor->counts);
	to->present |= vendor->present;
	to->unsplit &= vendor->unsplit;
	to->undivided &= vendor->undivided;
}

/* The counts of the vendor in the place of the framework's, of which they may have more. */
static int take_vendor(struct metered *m, const struct raw_counts *c, struct err *e)
{
	struct record vendor = { .time_us = TIME_ABSENT };
	const char *rule = m->rule;
	int rc = counts_normalise(&vendor, c, &rule, e);
	if (rc != 0)
		return rc;
	const int128 prompt = sighting_prompt(&vendor), had = sighting_prompt(&m->record);
	const int64_t answer = vendor.tokens[BUCKET_OUTPUT], said = m->record.tokens[BUCKET_OUTPUT];
	/* a part of it, or nothing yet, is in no contradiction */
	if (prompt && answer && prompt >= had && answer >= said)
		take_counts(&m->record, &vendor);
	else if ((prompt && prompt != had) || (answer && answer != said))
		return err_set(e, ERR_INVALID, "it counts other tokens than the usage beside it");
	else
		sighting_share_others(m->record.counts, vendor.counts);
	return 0;
}

void payload_vendor_usage(struct payload_reader *r, struct metered *m, json_value *usage,
			  bool counted)
{
	const bool gemini = usage_is_gemini(usage);
	struct raw_counts c = { .cache = gemini ? CACHE_INSIDE : CACHE_BY_KEYS,
				.reasoning_beside = gemini };
	const char *const shape = m->shape;
	struct err why;
	if (json_kind(usage) != JSON_OBJECT || !json_first(usage))
		return;
	int rc = counted ? 0 : counts_read(&c, usage, &why);
	if (rc == 0 && !counted)
		rc = payload_extras(r, m, usage, &c, &why);
	if (rc == 0 && !counted)
		rc = take_vendor(m, &c, &why);
	if (rc != 0 && !m->unread)
		m->unread = arena_printf(&r->arena, "the vendor's own usage is not understood: %s",
					 why.message);
	m->shape = shape_of(usage);
	payload_judge(r, m, usage, true);
	m->shape = shape;
}
