#include "meter/read/exports.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/csv.h"

#define COUNT(raw) (ROLE_COUNT + (raw))
#define UNIT(unit) (ROLE_COUNT + RAW_COUNTS + (unit))

static const struct export_format formats[] = {
	{ .shape = "openai.usage",
	  .title = "OpenAI's usage",
	  .provider = "openai",
	  .grain = EXPORT_BUCKETS,
	  .rows = "results",
	  .needs = { "start_time", "input_tokens", "num_model_requests" },
	  .column = { { "start_time", ROLE_START },
		      { "end_time", ROLE_END },
		      { "model", ROLE_MODEL },
		      { "project_id", ROLE_PROJECT },
		      { "user_id", ROLE_KEY },
		      { "api_key_id", ROLE_KEY },
		      { "batch", ROLE_BATCH },
		      { "service_tier", ROLE_TIER },
		      { "num_model_requests", ROLE_REQUESTS },
		      { "input_tokens", COUNT(RAW_PROMPT) },
		      { "input_cached_tokens", COUNT(RAW_CACHE_READ) },
		      { "output_tokens", COUNT(RAW_COMPLETION) },
		      { "input_audio_tokens", COUNT(RAW_INPUT_AUDIO) },
		      { "output_audio_tokens", COUNT(RAW_OUTPUT_AUDIO) } },
	  .cache = CACHE_INSIDE,
	  .fixed = true },
	{ .shape = "openai.activity",
	  .title = "OpenAI's former activity export",
	  .provider = "openai",
	  .grain = EXPORT_BUCKETS,
	  .rows = "results",
	  .needs = { "n_context_tokens_total", "n_generated_tokens_total",
		     "aggregation_timestamp" },
	  .column = { { "aggregation_timestamp", ROLE_START },
		      { "snapshot_id", ROLE_MODEL },
		      { "model", ROLE_MODEL },
		      { "project_id", ROLE_PROJECT },
		      { "user_id", ROLE_KEY },
		      { "api_key_id", ROLE_KEY },
		      { "operation", ROLE_KEY },
		      { "batch", ROLE_BATCH },
		      { "service_tier", ROLE_TIER },
		      { "n_requests", ROLE_REQUESTS },
		      { "n_context_tokens_total", COUNT(RAW_PROMPT) },
		      { "n_cached_context_tokens_total", COUNT(RAW_CACHE_READ) },
		      { "n_generated_tokens_total", COUNT(RAW_COMPLETION) } },
	  .cache = CACHE_INSIDE,
	  .fixed = true },
	{ .shape = "anthropic.usage",
	  .title = "Anthropic's usage report",
	  .provider = "anthropic",
	  .grain = EXPORT_BUCKETS,
	  .rows = "results",
	  .needs = { "starting_at", "uncached_input_tokens", "output_tokens" },
	  .column = { { "starting_at", ROLE_START },
		      { "ending_at", ROLE_END },
		      { "model", ROLE_MODEL },
		      { "workspace_id", ROLE_PROJECT },
		      { "api_key_id", ROLE_KEY },
		      { "service_tier", ROLE_TIER },
		      { "context_window", ROLE_KEY },
		      { "inference_geo", ROLE_GEO },
		      { "speed", ROLE_SPEED },
		      { "uncached_input_tokens", COUNT(RAW_PROMPT) },
		      { "cache_creation>ephemeral_5m_input_tokens", COUNT(RAW_CACHE_WRITE_5M) },
		      { "cache_creation>ephemeral_1h_input_tokens", COUNT(RAW_CACHE_WRITE_1H) },
		      { "cache_read_input_tokens", COUNT(RAW_CACHE_READ) },
		      { "output_tokens", COUNT(RAW_COMPLETION) },
		      { "server_tool_use>web_search_requests", UNIT(UNIT_WEB_SEARCH) } },
	  .cache = CACHE_BESIDE,
	  .fixed = true },
	{ .shape = "anthropic.console",
	  .title = "the Anthropic Console's usage",
	  .provider = "anthropic",
	  .grain = EXPORT_BUCKETS,
	  .needs = { "usage_date_utc", "usage_input_tokens_no_cache", "usage_output_tokens" },
	  .column = { { "usage_date_utc", ROLE_START },
		      { "model_version", ROLE_MODEL },
		      { "workspace", ROLE_PROJECT },
		      { "api_key", ROLE_SECRET },
		      { "usage_type", ROLE_TIER },
		      { "context_window", ROLE_KEY },
		      { "inference_geo", ROLE_GEO },
		      { "speed", ROLE_SPEED },
		      { "usage_input_tokens_no_cache", COUNT(RAW_PROMPT) },
		      { "usage_input_tokens_cache_write_5m", COUNT(RAW_CACHE_WRITE_5M) },
		      { "usage_input_tokens_cache_write_1h", COUNT(RAW_CACHE_WRITE_1H) },
		      { "usage_input_tokens_cache_read", COUNT(RAW_CACHE_READ) },
		      { "usage_output_tokens", COUNT(RAW_COMPLETION) },
		      { "web_search_count", UNIT(UNIT_WEB_SEARCH) } },
	  .cache = CACHE_BESIDE,
	  .fixed = true },
	{ .shape = "anthropic.claude_code",
	  .title = "Claude Code analytics",
	  .provider = "anthropic",
	  .grain = EXPORT_BUCKETS,
	  .rows = "model_breakdown",
	  .needs = { "date", "actor", "model", "tokens>input", "tokens>output" },
	  .column = { { "date", ROLE_START },
		      { "model", ROLE_MODEL },
		      { "actor>email_address", ROLE_CUSTOMER },
		      { "actor>api_key_name", ROLE_PROJECT },
		      { "terminal_type", ROLE_KEY },
		      { "customer_type", ROLE_KEY },
		      { "tokens>input", COUNT(RAW_PROMPT) },
		      { "tokens>cache_read", COUNT(RAW_CACHE_READ) },
		      { "tokens>cache_creation", COUNT(RAW_CACHE_WRITE) },
		      { "tokens>output", COUNT(RAW_COMPLETION) } },
	  .cache = CACHE_BESIDE,
	  .fixed = true },
	{ .shape = "deepseek.amount",
	  .title = "DeepSeek's usage export, amounts",
	  .provider = "deepseek",
	  .grain = EXPORT_BUCKETS,
	  .needs = { "utc_date", "model", "type", "amount" },
	  .column = { { "utc_date", ROLE_START },
		      { "model", ROLE_MODEL },
		      { "user_id", ROLE_KEY },
		      { "api_key_name", ROLE_PROJECT },
		      { "api_key", ROLE_SECRET },
		      { "type", ROLE_TYPE },
		      { "amount", ROLE_AMOUNT } },
	  .cache = CACHE_BESIDE,
	  .fixed = true },
	{ .shape = "deepseek.amount",
	  .title = "DeepSeek's usage export, amounts",
	  .provider = "deepseek",
	  .grain = EXPORT_BUCKETS,
	  .needs = { "start_time_iso", "model", "type", "amount" },
	  .column = { { "start_time_iso", ROLE_START },
		      { "end_time_iso", ROLE_END },
		      { "model", ROLE_MODEL },
		      { "user_id", ROLE_KEY },
		      { "api_key_name", ROLE_PROJECT },
		      { "api_key", ROLE_SECRET },
		      { "type", ROLE_TYPE },
		      { "amount", ROLE_AMOUNT } },
	  .cache = CACHE_BESIDE,
	  .fixed = true },
	{ .shape = "openrouter.activity",
	  .title = "OpenRouter's activity by day",
	  .grain = EXPORT_BUCKETS,
	  .needs = { "date", "model_permaslug", "prompt_tokens", "completion_tokens", "requests" },
	  .column = { { "date", ROLE_START },
		      { "model", ROLE_MODEL },
		      { "model_permaslug", ROLE_KEY },
		      { "endpoint_id", ROLE_KEY },
		      { "provider_name", ROLE_KEY },
		      { "requests", ROLE_REQUESTS },
		      { "prompt_tokens", COUNT(RAW_PROMPT) },
		      { "completion_tokens", COUNT(RAW_COMPLETION) },
		      { "reasoning_tokens", COUNT(RAW_REASONING) } },
	  .cache = CACHE_INSIDE,
	  .fixed = true },
	{ .shape = "openrouter.days",
	  .title = "OpenRouter's activity by day",
	  .grain = EXPORT_BUCKETS,
	  .needs = { "Date", "Slug", "Prompt Tokens", "Completion Tokens", "Requests" },
	  .column = { { "Date", ROLE_START },
		      { "Slug", ROLE_MODEL },
		      { "Requests", ROLE_REQUESTS },
		      { "Prompt Tokens", COUNT(RAW_PROMPT) },
		      { "Completion Tokens", COUNT(RAW_COMPLETION) },
		      { "Reasoning Tokens", COUNT(RAW_REASONING) } },
	  .cache = CACHE_INSIDE,
	  .fixed = true },
	{ .shape = "vercel.report",
	  .title = "the report of Vercel's AI gateway",
	  .grain = EXPORT_BUCKETS,
	  .needs = { "day", "model", "input_tokens", "output_tokens", "request_count" },
	  .column = { { "day", ROLE_START },
		      { "model", ROLE_MODEL },
		      { "user", ROLE_CUSTOMER },
		      { "provider", ROLE_KEY },
		      { "credential_type", ROLE_KEY },
		      { "tag", ROLE_KEY },
		      { "request_count", ROLE_REQUESTS },
		      { "input_tokens", COUNT(RAW_PROMPT) },
		      { "cached_input_tokens", COUNT(RAW_CACHE_READ) },
		      { "cache_creation_input_tokens", COUNT(RAW_CACHE_WRITE) },
		      { "output_tokens", COUNT(RAW_COMPLETION) },
		      { "reasoning_tokens", COUNT(RAW_REASONING) } },
	  .cache = CACHE_INSIDE,
	  .fixed = true },
	{ .shape = "helicone",
	  .title = "Helicone's requests",
	  .needs = { "request_id", "request_created_at", "prompt_tokens", "completion_tokens" },
	  .column = { { "request_id", ROLE_ID },
		      { "request_created_at", ROLE_START },
		      { "response_created_at", ROLE_END },
		      { "response_model", ROLE_MODEL },
		      { "model", ROLE_MODEL },
		      { "request_model", ROLE_MODEL },
		      { "request_user_id", ROLE_CUSTOMER },
		      { "prompt_tokens", COUNT(RAW_PROMPT) },
		      { "prompt_cache_read_tokens", COUNT(RAW_CACHE_READ) },
		      { "prompt_cache_write_tokens", COUNT(RAW_CACHE_WRITE) },
		      { "completion_tokens", COUNT(RAW_COMPLETION) },
		      { "total_tokens", COUNT(RAW_TOTAL) } },
	  .cache = CACHE_INSIDE },
	{ .shape = "portkey",
	  .title = "Portkey's logs",
	  .needs = { "created_at", "ai_model", "req_units", "res_units" },
	  .column = { { "id", ROLE_ID },
		      { "created_at", ROLE_START },
		      { "ai_model", ROLE_MODEL },
		      { "metadata>_user", ROLE_CUSTOMER },
		      { "trace_id", ROLE_SESSION },
		      { "req_units", COUNT(RAW_PROMPT) },
		      { "res_units", COUNT(RAW_COMPLETION) },
		      { "total_units", COUNT(RAW_TOTAL) } },
	  .cache = CACHE_INSIDE },
	{ .shape = "cursor",
	  .title = "Cursor's usage events",
	  .needs = { "Date", "Model", "Input (w/ Cache Write)", "Input (w/o Cache Write)",
		     "Output Tokens" },
	  .column = { { "Date", ROLE_START },
		      { "Model", ROLE_MODEL },
		      { "User", ROLE_CUSTOMER },
		      { "Kind", ROLE_UNCHARGED },
		      { "Input (w/ Cache Write)", COUNT(RAW_CACHE_WRITE) },
		      { "Input (w/o Cache Write)", COUNT(RAW_PROMPT) },
		      { "Cache Read", COUNT(RAW_CACHE_READ) },
		      { "Output Tokens", COUNT(RAW_COMPLETION) },
		      { "Total Tokens", COUNT(RAW_TOTAL) } },
	  .cache = CACHE_BESIDE },
	{ .shape = "langfuse",
	  .title = "Langfuse's observations",
	  .as_json = true,
	  .needs = { "traceId", "type", "startTime", "usageDetails" } },
	{ .shape = "litellm",
	  .title = "LiteLLM's spend logs",
	  .as_json = true,
	  .needs = { "request_id", "call_type", "spend", "startTime" } },
	{ .shape = "cloudflare",
	  .title = "logs of Cloudflare's AI gateway",
	  .as_json = true,
	  .needs = { "created_at", "provider", "tokens_in", "tokens_out" } },
};

enum { FORMATS = sizeof formats / sizeof *formats };

/* The first part of a name with ">" is the column that holds it. */
static bool is_named(struct text column, const char *need)
{
	return text_is(column, need) ||
	       (strncmp(need, column.n ? column.p : "", column.n) == 0 && need[column.n] == '>');
}

/* The first whose needed names are all there; NULL when none fits. */
static const struct export_format *export_of_columns(const struct text *names, size_t count)
{
	for (size_t f = 0; f < FORMATS; f++) {
		bool fits = true;
		for (int n = 0; fits && n < EXPORT_NEEDS && formats[f].needs[n]; n++) {
			bool found = false;
			for (size_t i = 0; i < count && !found; i++)
				found = is_named(names[i], formats[f].needs[n]);
			fits = found;
		}
		if (fits)
			return &formats[f];
	}
	return NULL;
}

static json_value *member_at(json_value *v, const char *name)
{
	char key[80];
	const char *next = strchr(name, '>');
	if (!next)
		return json_member(v, name);
	size_t n = (size_t)(next - name);
	memcpy(key, name, n);
	key[n] = 0;
	return member_at(json_member(v, key), next + 1);
}

json_value *export_value(json_value *row, json_value *item, const char *name)
{
	json_value *v = member_at(row, name);
	return v || !item ? v : member_at(item, name);
}

json_value *export_page_items(json_value *v)
{
	static const char *const lists[] = { "data", "results", "result", "items" };
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		json_value *list = json_member(v, lists[i]);
		if (json_kind(list) == JSON_ARRAY)
			return list;
	}
	return NULL;
}

static bool fits_row(const struct export_format *f, json_value *row, json_value *item)
{
	for (int n = 0; n < EXPORT_NEEDS && f->needs[n]; n++)
		if (!export_value(row, item, f->needs[n]))
			return false;
	return json_kind(row) == JSON_OBJECT;
}

static bool fits_item(const struct export_format *f, json_value *item)
{
	for (json_value *row = f->rows ? json_first(json_member(item, f->rows)) : NULL; row;
	     row = json_next(row))
		if (fits_row(f, row, item))
			return true;
	return fits_row(f, item, NULL);
}

const struct export_format *export_of_document(json_value *v)
{
	json_value *items = export_page_items(v);
	for (size_t f = 0; f < FORMATS; f++) {
		if (formats[f].as_json)
			continue;
		if (fits_item(&formats[f], v))
			return &formats[f];
		for (json_value *item = json_first(items); item; item = json_next(item))
			if (fits_item(&formats[f], item))
				return &formats[f];
	}
	return NULL;
}

static const struct export_format *export_of_names(const struct text *name, size_t count)
{
	static const struct export_format native = { .shape = "native",
						     .title = "native CSV",
						     .as_json = true };
	bool counts = false, says = false;
	for (size_t i = 0; i < count; i++) {
		enum record_field f = record_field_by_name(name[i]);
		counts |= f >= FIELD_COUNTS && f < FIELD_END && f != FIELD_REQUESTS;
		says |= f == FIELD_TIME || f == FIELD_MODEL;
	}
	return counts && says ? &native : NULL;
}

/* What the columns of the header tell to `find`. */
static const struct export_format *of_header(
	struct text line, char *separator,
	const struct export_format *(*find)(const struct text *, size_t))
{
	static const char separators[] = ",;\t";
	const struct export_format *found = NULL;
	struct csv_record *names = mem_zalloc(sizeof *names);
	if (line.n >= 3 && memcmp(line.p, "\xEF\xBB\xBF", 3) == 0)
		line = (struct text){ line.p + 3, line.n - 3 };
	for (const char *s = separators; *s && !found; s++)
		if (line.n && memchr(line.p, *s, line.n) && csv_split(names, line, *s, NULL) == 0) {
			found = find(names->field, names->count);
			*separator = *s;
		}
	csv_record_release(names);
	free(names);
	return found;
}

const struct export_format *export_of_header(struct text line, char *separator)
{
	return of_header(line, separator, export_of_columns);
}

const struct export_format *export_of_trace(struct text line, char *separator)
{
	return of_header(line, separator, export_of_names);
}
