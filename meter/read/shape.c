#include "meter/read/shape.h"

#include <string.h>

#include "base/json.h"

#define F(bucket) ((enum record_field)(FIELD_COUNTS + (bucket)))

static const struct shape_column azure[] = { { "TIMESTAMP", FIELD_TIME },
					     { "ContextTokens", F(BUCKET_INPUT) },
					     { "GeneratedTokens", F(BUCKET_OUTPUT) },
					     { NULL, FIELD_NONE } };
static const char *const azure_needs[] = { "TIMESTAMP", "ContextTokens", "GeneratedTokens", NULL };

static const struct shape_column burstgpt[] = { { "Timestamp", FIELD_TIME },
						{ "Model", FIELD_MODEL },
						{ "Session ID", FIELD_SESSION },
						{ "Request tokens", F(BUCKET_INPUT) },
						{ "Response tokens", F(BUCKET_OUTPUT) },
						{ "Total tokens", FIELD_TOTAL },
						{ "Log Type", FIELD_WORKLOAD },
						{ NULL, FIELD_NONE } };
static const char *const burstgpt_needs[] = { "Timestamp", "Model", "Request tokens",
					      "Response tokens", NULL };

static const struct shape_column vidur[] = { { "arrived_at", FIELD_TIME },
					     { "num_prefill_tokens", F(BUCKET_INPUT) },
					     { "num_decode_tokens", F(BUCKET_OUTPUT) },
					     { NULL, FIELD_NONE } };
static const char *const vidur_needs[] = { "arrived_at", "num_prefill_tokens", "num_decode_tokens",
					   NULL };

static const struct shape_column splitwise[] = {
	{ "request_id", FIELD_ID },	     { "application_id", FIELD_PROJECT },
	{ "arrival_timestamp", FIELD_TIME }, { "prompt_size", F(BUCKET_INPUT) },
	{ "token_size", F(BUCKET_OUTPUT) },  { NULL, FIELD_NONE }
};
static const char *const splitwise_needs[] = { "arrival_timestamp", "prompt_size", "token_size",
					       NULL };

/* Calls: cached tokens are inside the prompt, reasoning inside the completion. */
static const struct shape_column openrouter[] = { { "generation_id", FIELD_ID },
						  { "created_at", FIELD_TIME },
						  { "model_permaslug", FIELD_MODEL },
						  { "api_key_name", FIELD_PROJECT },
						  { "tokens_prompt", FIELD_PROMPT },
						  { "tokens_cached", F(BUCKET_CACHE_READ) },
						  { "tokens_completion", F(BUCKET_OUTPUT) },
						  { "tokens_reasoning", F(BUCKET_REASONING) },
						  { NULL, FIELD_NONE } };
static const char *const openrouter_needs[] = { "generation_id", "model_permaslug", "tokens_prompt",
						"tokens_completion", NULL };

/* Requests that name their blocks, and what they may say besides. */
#define BLOCKS_ARE_OF(blocks) \
	{ blocks, FIELD_BLOCKS }, { "breakpoints", FIELD_BREAKPOINTS }, \
		{ "content_blocks", FIELD_CONTENTS }, { "model", FIELD_MODEL }, \
		{ "customer", FIELD_CUSTOMER }, { "user_id", FIELD_CUSTOMER }, \
	{ \
		"cache_salt", FIELD_CUSTOMER \
	}

static const struct shape_column bailian[] = { { "chat_id", FIELD_CHAT },
					       { "parent_chat_id", FIELD_PARENT },
					       { "timestamp", FIELD_TIME },
					       { "input_length", F(BUCKET_INPUT) },
					       { "output_length", F(BUCKET_OUTPUT) },
					       { "type", FIELD_WORKLOAD },
					       BLOCKS_ARE_OF("hash_ids"),
					       { NULL, FIELD_NONE } };
static const char *const bailian_needs[] = { "chat_id", "parent_chat_id", "input_length",
					     "output_length", NULL };

/* NVIDIA AIPerf writes the same with turns of sessions, so many milliseconds after the turn before;
 * Dynamo reads it under the names of older writers, too. */
static const struct shape_column mooncake[] = { { "session_id", FIELD_SESSION },
						{ "timestamp", FIELD_TIME },
						{ "created_time", FIELD_TIME },
						{ "delay", FIELD_DELAY },
						{ "delay_ms", FIELD_DELAY },
						{ "input_length", F(BUCKET_INPUT) },
						{ "input_tokens", F(BUCKET_INPUT) },
						{ "output_length", F(BUCKET_OUTPUT) },
						{ "output_tokens", F(BUCKET_OUTPUT) },
						BLOCKS_ARE_OF("hash_ids"),
						{ NULL, FIELD_NONE } };
static const char *const mooncake_needs[] = { "timestamp", "input_length", "output_length", NULL };

static const char *const mooncake_older[] = { "created_time", "input_tokens", "output_tokens",
					      "hash_ids", NULL };

static const char *const sessions_needs[] = { "session_id", "input_length", "output_length", NULL };

static const struct shape_column agent[] = { { "c", FIELD_TASK },	  { "t", FIELD_TIME },
					     { "m", FIELD_MODEL },	  { "in", F(BUCKET_INPUT) },
					     { "out", F(BUCKET_OUTPUT) }, BLOCKS_ARE_OF("h"),
					     { NULL, FIELD_NONE } };
static const char *const agent_needs[] = { "c", "t", "in", "out", NULL };

static const char *const no_needs[] = { NULL };

/* The native shapes stand last of their container: they fit everything. */
static const struct shape shapes[] = {
	{ "azure", "Azure LLM inference trace 2023 (CSV)", CONTAINER_CSV, TIME_INSTANT, azure,
	  azure_needs, false },
	{ "burstgpt", "BurstGPT (CSV, seconds from its start)", CONTAINER_CSV, TIME_SECONDS,
	  burstgpt, burstgpt_needs, false },
	{ "vidur", "Vidur and Sarathi (CSV, seconds from its start)", CONTAINER_CSV, TIME_SECONDS,
	  vidur, vidur_needs, false },
	{ "splitwise", "Splitwise (CSV, seconds from its start)", CONTAINER_CSV, TIME_SECONDS,
	  splitwise, splitwise_needs, false },
	{ "openrouter", "OpenRouter's activity, a row a call (CSV)", CONTAINER_CSV, TIME_INSTANT,
	  openrouter, openrouter_needs, false },
	{ "csv", "native CSV", CONTAINER_CSV, TIME_INSTANT, NULL, no_needs, false },
	{ "bailian", "Qwen-Bailian (JSON Lines, seconds from its start)", CONTAINER_JSONL,
	  TIME_SECONDS, bailian, bailian_needs, true },
	{ "sessions", "sessions with delays (JSON Lines, milliseconds)", CONTAINER_JSONL,
	  TIME_MILLISECONDS, mooncake, sessions_needs, true },
	{ "mooncake", "Mooncake (JSON Lines, milliseconds from its start)", CONTAINER_JSONL,
	  TIME_MILLISECONDS, mooncake, mooncake_needs, true },
	{ "mooncake", "Mooncake (JSON Lines, milliseconds from its start)", CONTAINER_JSONL,
	  TIME_MILLISECONDS, mooncake, mooncake_older, true },
	{ "agent", "agent sessions (JSON Lines, seconds from its start)", CONTAINER_JSONL,
	  TIME_SECONDS, agent, agent_needs, true },
	{ "jsonl", "native JSON Lines", CONTAINER_JSONL, TIME_INSTANT, NULL, no_needs, false },
	/* never told by their names: what shape_of_seconds makes of the native ones */
	{ "csv-seconds", "native CSV, seconds from its start", CONTAINER_CSV, TIME_SECONDS, NULL,
	  no_needs, false },
	{ "jsonl-seconds", "native JSON Lines, seconds from its start", CONTAINER_JSONL,
	  TIME_SECONDS, NULL, no_needs, false },
	{ NULL, NULL, CONTAINER_CSV, TIME_INSTANT, NULL, NULL, false },
};

const struct shape *shape_by_name(const char *name)
{
	for (const struct shape *s = shapes; s->name; s++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

const struct shape *shape_detect(enum container container, const struct text *names, size_t count)
{
	for (const struct shape *s = shapes; s->name; s++) {
		bool fits = s->container == container;
		for (size_t i = 0; fits && s->needs[i]; i++) {
			bool found = false;
			for (size_t k = 0; k < count && !found; k++)
				found = text_is(names[k], s->needs[i]);
			fits = found;
		}
		if (fits)
			return s;
	}
	return NULL;
}

const struct shape *shape_of_seconds(const struct shape *s, struct text time)
{
	struct instant at;
	int64_t us;
	if (s->column || s->time != TIME_INSTANT || time.n == 0 ||
	    instant_parse_lenient(&at, time, NULL) == 0 || instant_is_sheet_day(time) ||
	    span_parse(&us, time, US_PER_SECOND, NULL) != 0)
		return s;
	return shape_by_name(s->container == CONTAINER_CSV ? "csv-seconds" : "jsonl-seconds");
}

bool shape_is_native(json_value *object)
{
	bool counts = false;
	for (json_value *m = json_first(object); m && !counts; m = json_next(m)) {
		enum record_field f = record_field_by_name(text_of(json_key(m)));
		counts = f >= FIELD_COUNTS && f < FIELD_END && json_kind(m) != JSON_ARRAY &&
			 json_kind(m) != JSON_OBJECT;
	}
	return counts;
}

int field_map_parse(struct field_map *out, const char *spec, struct err *e)
{
	const char *equals = strchr(spec, '=');
	if (!equals || equals == spec || !equals[1])
		return err_set(e, ERR_USAGE,
			       "'" ASKED("map") " %s' must be FIELD=COLUMN, for example " ASKED(
				       "map") " input=prompt_tokens",
			       spec);
	const struct text name = { spec, (size_t)(equals - spec) };
	out->field = record_field_by_name(name);
	out->column = equals + 1;
	if (out->field == FIELD_NONE && !text_is(name, FIELD_MAP_NONE))
		return err_set(
			e, ERR_USAGE,
			"'" ASKED("map") " %s': no field '%.*s'; `tally replay --help` lists the "
					 "fields",
			spec, (int)(equals - spec), spec);
	return 0;
}

bool field_map_names(const struct field_map *map, size_t count)
{
	bool names = false;
	for (size_t i = 0; i < count; i++)
		names |= map[i].field != FIELD_NONE;
	return names;
}

enum record_field shape_field(const struct shape *s, const struct field_map *map, size_t map_count,
			      struct text name)
{
	for (size_t i = 0; i < map_count; i++)
		if (text_is(name, map[i].column))
			return map[i].field;
	enum record_field f = FIELD_NONE;
	if (s->column) {
		for (const struct shape_column *c = s->column; c->column; c++)
			if (text_is(name, c->column))
				f = c->field;
	} else {
		f = record_field_by_name(name);
		if (f == FIELD_CHAT || f == FIELD_PARENT)
			f = FIELD_NONE;
	}
	/* a field that --map takes from another column no longer comes from this one */
	for (size_t i = 0; i < map_count; i++)
		if (map[i].field == f)
			return FIELD_NONE;
	return f;
}
