#include "meter/formats/counts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct known_key {
	const char *outer, *key; /* outer NULL: the key stands in the usage object itself */
	uint8_t which;		 /* enum raw_count */
	uint8_t tells;		 /* what the key says about containment */
};

/* TELLS_THOUGHTS: they lie beside the answer */
enum { TELLS_NOTHING, TELLS_ANTHROPIC, TELLS_DETAILS, TELLS_PROMPT, TELLS_THOUGHTS };

static const struct known_key keys[] = {
	{ NULL, "prompt_tokens", RAW_PROMPT, TELLS_PROMPT },
	{ NULL, "input_tokens", RAW_PROMPT, TELLS_NOTHING },
	{ NULL, "inputTokens", RAW_PROMPT, TELLS_NOTHING },
	{ NULL, "promptTokens", RAW_PROMPT, TELLS_NOTHING },
	{ NULL, "prompt_eval_count", RAW_PROMPT, TELLS_NOTHING },
	{ NULL, "inputTokenCount", RAW_PROMPT, TELLS_NOTHING },
	{ NULL, "promptTokenCount", RAW_PROMPT, TELLS_NOTHING },
	{ NULL, "completion_tokens", RAW_COMPLETION, TELLS_NOTHING },
	{ NULL, "output_tokens", RAW_COMPLETION, TELLS_NOTHING },
	{ NULL, "outputTokens", RAW_COMPLETION, TELLS_NOTHING },
	{ NULL, "completionTokens", RAW_COMPLETION, TELLS_NOTHING },
	{ NULL, "eval_count", RAW_COMPLETION, TELLS_NOTHING },
	{ NULL, "outputTokenCount", RAW_COMPLETION, TELLS_NOTHING },
	{ NULL, "candidatesTokenCount", RAW_COMPLETION, TELLS_NOTHING },
	{ NULL, "responseTokenCount", RAW_COMPLETION, TELLS_NOTHING },
	/* Gemini, as its libraries write it */
	{ NULL, "prompt_token_count", RAW_PROMPT, TELLS_NOTHING },
	{ NULL, "candidates_token_count", RAW_COMPLETION, TELLS_NOTHING },
	{ NULL, "response_token_count", RAW_COMPLETION, TELLS_NOTHING },
	{ NULL, "total_token_count", RAW_TOTAL, TELLS_NOTHING },
	{ NULL, "cached_content_token_count", RAW_CACHE_READ, TELLS_DETAILS },
	{ NULL, "thoughts_token_count", RAW_REASONING, TELLS_NOTHING },
	{ NULL, "tool_use_prompt_token_count", RAW_TOOL_PROMPT, TELLS_NOTHING },
	/* Meta's and Amazon's models on Bedrock, and Bedrock's headers */
	{ NULL, "generation_token_count", RAW_COMPLETION, TELLS_NOTHING },
	{ NULL, "inputTextTokenCount", RAW_PROMPT, TELLS_NOTHING },
	{ NULL, "totalOutputTextTokenCount", RAW_COMPLETION, TELLS_NOTHING },
	{ NULL, "x-amzn-bedrock-input-token-count", RAW_PROMPT, TELLS_NOTHING },
	{ NULL, "x-amzn-bedrock-output-token-count", RAW_COMPLETION, TELLS_NOTHING },
	{ NULL, "x-amzn-bedrock-cache-read-input-token-count", RAW_CACHE_READ, TELLS_ANTHROPIC },
	{ NULL, "x-amzn-bedrock-cache-write-input-token-count", RAW_CACHE_WRITE, TELLS_ANTHROPIC },
	{ NULL, "total_tokens", RAW_TOTAL, TELLS_NOTHING },
	{ NULL, "totalTokens", RAW_TOTAL, TELLS_NOTHING },
	{ NULL, "totalTokenCount", RAW_TOTAL, TELLS_NOTHING },
	{ NULL, "prompt_cache_hit_tokens", RAW_CACHE_READ, TELLS_DETAILS },
	{ NULL, "prompt_cache_miss_tokens", RAW_CACHE_MISS, TELLS_DETAILS },
	{ NULL, "cache_read_input_tokens", RAW_CACHE_READ, TELLS_ANTHROPIC },
	{ NULL, "cache_creation_input_tokens", RAW_CACHE_WRITE, TELLS_ANTHROPIC },
	{ NULL, "cacheReadInputTokens", RAW_CACHE_READ, TELLS_ANTHROPIC },
	{ NULL, "cacheReadInputTokenCount", RAW_CACHE_READ, TELLS_ANTHROPIC },
	{ NULL, "cacheWriteInputTokens", RAW_CACHE_WRITE, TELLS_ANTHROPIC },
	{ NULL, "cacheWriteInputTokenCount", RAW_CACHE_WRITE, TELLS_ANTHROPIC },
	{ NULL, "cache_read_tokens", RAW_CACHE_READ, TELLS_DETAILS },
	{ NULL, "cache_write_tokens", RAW_CACHE_WRITE, TELLS_DETAILS },
	{ NULL, "cached_tokens", RAW_CACHE_READ, TELLS_DETAILS },
	{ NULL, "cached_input_tokens", RAW_CACHE_READ, TELLS_DETAILS },
	{ NULL, "cachedContentTokenCount", RAW_CACHE_READ, TELLS_DETAILS },
	{ NULL, "cachedInputTokens", RAW_CACHE_READ, TELLS_DETAILS },
	/* Microsoft.Extensions.AI, which may give what it got of a vendor */
	{ NULL, "cachedInputTokenCount", RAW_CACHE_READ, TELLS_DETAILS },
	{ NULL, "reasoningTokenCount", RAW_REASONING, TELLS_NOTHING },
	{ NULL, "cache_write_input_tokens", RAW_CACHE_WRITE, TELLS_DETAILS },
	{ NULL, "reasoning_tokens", RAW_REASONING, TELLS_NOTHING },
	{ NULL, "reasoningTokens", RAW_REASONING, TELLS_NOTHING },
	{ NULL, "reasoning_output_tokens", RAW_REASONING, TELLS_NOTHING },
	{ NULL, "thoughtsTokenCount", RAW_REASONING, TELLS_NOTHING },
	{ NULL, "toolUsePromptTokenCount", RAW_TOOL_PROMPT, TELLS_NOTHING },
	/* Gemini's interactions, by themselves and on Vertex AI */
	{ NULL, "total_input_tokens", RAW_PROMPT, TELLS_NOTHING },
	{ NULL, "totalInputTokens", RAW_PROMPT, TELLS_NOTHING },
	{ NULL, "total_output_tokens", RAW_COMPLETION, TELLS_NOTHING },
	{ NULL, "totalOutputTokens", RAW_COMPLETION, TELLS_NOTHING },
	{ NULL, "total_cached_tokens", RAW_CACHE_READ, TELLS_DETAILS },
	{ NULL, "totalCachedTokens", RAW_CACHE_READ, TELLS_DETAILS },
	{ NULL, "total_thought_tokens", RAW_REASONING, TELLS_THOUGHTS },
	{ NULL, "totalThoughtTokens", RAW_REASONING, TELLS_THOUGHTS },
	{ NULL, "total_tool_use_tokens", RAW_TOOL_PROMPT, TELLS_NOTHING },
	{ NULL, "totalToolUseTokens", RAW_TOOL_PROMPT, TELLS_NOTHING },
	/* Mistral's cache, and its libraries' */
	{ NULL, "num_cached_tokens", RAW_CACHE_READ, TELLS_DETAILS },
	{ NULL, "numCachedTokens", RAW_CACHE_READ, TELLS_DETAILS },
	/* Mistral: what its connectors put into the prompt, inside the total alone */
	{ NULL, "connector_tokens", RAW_TOOL_PROMPT, TELLS_NOTHING },
	{ "cache_creation", "ephemeral_5m_input_tokens", RAW_CACHE_WRITE_5M, TELLS_ANTHROPIC },
	{ "cache_creation", "ephemeral_1h_input_tokens", RAW_CACHE_WRITE_1H, TELLS_ANTHROPIC },
	{ "prompt_tokens_details", "cached_tokens", RAW_CACHE_READ, TELLS_DETAILS },
	{ "prompt_tokens_details", "cache_write_tokens", RAW_CACHE_WRITE, TELLS_DETAILS },
	{ "prompt_tokens_details", "cache_creation_tokens", RAW_CACHE_WRITE, TELLS_DETAILS },
	{ "prompt_tokens_details", "cache_creation_input_tokens", RAW_CACHE_WRITE, TELLS_DETAILS },
	/* New API */
	{ "prompt_tokens_details", "cached_creation_tokens", RAW_CACHE_WRITE, TELLS_DETAILS },
	{ "input_tokens_details", "cached_creation_tokens", RAW_CACHE_WRITE, TELLS_DETAILS },
	{ NULL, "claude_cache_creation_5_m_tokens", RAW_CACHE_WRITE_5M, TELLS_NOTHING },
	{ NULL, "claude_cache_creation_1_h_tokens", RAW_CACHE_WRITE_1H, TELLS_NOTHING },
	{ "prompt_tokens_details.cache_creation", "ephemeral_5m_input_tokens", RAW_CACHE_WRITE_5M,
	  TELLS_DETAILS },
	{ "prompt_tokens_details.cache_creation", "ephemeral_1h_input_tokens", RAW_CACHE_WRITE_1H,
	  TELLS_DETAILS },
	{ "prompt_tokens_details.cache_creation_token_details", "ephemeral_5m_input_tokens",
	  RAW_CACHE_WRITE_5M, TELLS_DETAILS },
	{ "prompt_tokens_details.cache_creation_token_details", "ephemeral_1h_input_tokens",
	  RAW_CACHE_WRITE_1H, TELLS_DETAILS },
	{ "prompt_tokens_details", "audio_tokens", RAW_INPUT_AUDIO, TELLS_DETAILS },
	{ "prompt_tokens_details", "video_tokens", RAW_INPUT_VIDEO, TELLS_DETAILS },
	{ "input_tokens_details", "cached_tokens", RAW_CACHE_READ, TELLS_DETAILS },
	{ "input_tokens_details", "cache_write_tokens", RAW_CACHE_WRITE, TELLS_DETAILS },
	{ "input_tokens_details", "audio_tokens", RAW_INPUT_AUDIO, TELLS_DETAILS },
	{ "input_tokens_details", "cache_write_input_tokens", RAW_CACHE_WRITE, TELLS_DETAILS },
	{ "input_tokens_details", "image_tokens", RAW_INPUT_IMAGE, TELLS_DETAILS },
	{ "prompt_tokens_details", "image_tokens", RAW_INPUT_IMAGE, TELLS_DETAILS },
	/* Pydantic AI */
	{ NULL, "input_audio_tokens", RAW_INPUT_AUDIO, TELLS_NOTHING },
	{ NULL, "cache_audio_read_tokens", RAW_CACHE_READ_AUDIO, TELLS_NOTHING },
	{ NULL, "output_audio_tokens", RAW_OUTPUT_AUDIO, TELLS_NOTHING },
	/* Perplexity */
	{ NULL, "citation_tokens", RAW_CITATION, TELLS_NOTHING },
	/* LangChain */
	{ "input_token_details", "cache_read", RAW_CACHE_READ, TELLS_DETAILS },
	{ "input_token_details", "cache_creation", RAW_CACHE_WRITE, TELLS_DETAILS },
	{ "input_token_details", "ephemeral_5m_input_tokens", RAW_CACHE_WRITE_5M, TELLS_DETAILS },
	{ "input_token_details", "ephemeral_1h_input_tokens", RAW_CACHE_WRITE_1H, TELLS_DETAILS },
	{ "input_token_details", "ephemeral_1hr_input_tokens", RAW_CACHE_WRITE_1H, TELLS_DETAILS },
	{ "input_token_details", "audio", RAW_INPUT_AUDIO, TELLS_DETAILS },
	/* OpenAI realtime */
	{ "input_token_details", "cached_tokens", RAW_CACHE_READ, TELLS_DETAILS },
	{ "input_token_details", "audio_tokens", RAW_INPUT_AUDIO, TELLS_DETAILS },
	{ "input_token_details", "image_tokens", RAW_INPUT_IMAGE, TELLS_DETAILS },
	{ "input_token_details.cached_tokens_details", "audio_tokens", RAW_CACHE_READ_AUDIO,
	  TELLS_DETAILS },
	{ "input_token_details.cached_tokens_details", "image_tokens", RAW_CACHED_PART_IMAGE,
	  TELLS_DETAILS },
	{ "output_token_details", "audio_tokens", RAW_OUTPUT_AUDIO, TELLS_NOTHING },
	{ "output_token_details", "reasoning_tokens", RAW_REASONING, TELLS_NOTHING },
	/* Cohere */
	{ "billed_units", "input_tokens", RAW_PROMPT, TELLS_NOTHING },
	{ "billed_units", "output_tokens", RAW_COMPLETION, TELLS_NOTHING },
	{ "output_token_details", "reasoning", RAW_REASONING, TELLS_NOTHING },
	{ "output_token_details", "audio", RAW_OUTPUT_AUDIO, TELLS_NOTHING },
	/* AI SDK 6 */
	{ "inputTokenDetails", "cacheReadTokens", RAW_CACHE_READ, TELLS_DETAILS },
	{ "inputTokenDetails", "cacheWriteTokens", RAW_CACHE_WRITE, TELLS_DETAILS },
	{ "outputTokenDetails", "reasoningTokens", RAW_REASONING, TELLS_NOTHING },
	{ "completion_tokens_details", "reasoning_tokens", RAW_REASONING, TELLS_NOTHING },
	{ "completion_tokens_details", "audio_tokens", RAW_OUTPUT_AUDIO, TELLS_NOTHING },
	{ "completion_tokens_details", "image_tokens", RAW_OUTPUT_IMAGE, TELLS_NOTHING },
	{ "output_tokens_details", "reasoning_tokens", RAW_REASONING, TELLS_NOTHING },
	{ "output_tokens_details", "audio_tokens", RAW_OUTPUT_AUDIO, TELLS_NOTHING },
	{ "output_tokens_details", "image_tokens", RAW_OUTPUT_IMAGE, TELLS_NOTHING },
	{ 0 },
};

/* How vendors write the counts of what is no token. An outer name with a dot is an object in an
 * object; the rows of one object are together, and add up where they are one unit. */
static const struct {
	const char *outer, *key; /* outer NULL: in the usage object itself */
	enum unit unit;
} unit_keys[] = {
	{ "server_tool_use", "web_search_requests", UNIT_WEB_SEARCH },
	{ "prompt_tokens_details", "web_search_requests", UNIT_WEB_SEARCH },
	{ NULL, "num_search_queries", UNIT_WEB_SEARCH },
	{ "output_token_details", "num_search_queries", UNIT_WEB_SEARCH },
	{ "input_token_details", "num_search_queries", UNIT_WEB_SEARCH },
	/* OpenRouter */
	{ "server_tool_use_details", "web_search_requests", UNIT_WEB_SEARCH },
	/* OpenAI, beside the usage */
	{ "web_search", "num_requests", UNIT_WEB_SEARCH },
	/* Pydantic AI */
	{ "details", "web_search_requests", UNIT_WEB_SEARCH },
	/* Alibaba */
	{ "plugins.search", "count", UNIT_WEB_SEARCH },
	/* Perplexity's agents */
	{ "tool_calls_details.search_web", "invocation", UNIT_WEB_SEARCH },
	{ "tool_calls_details.fetch_url", "invocation", UNIT_WEB_FETCH },
	/* xAI: sources of its older live search, then tools */
	{ NULL, "num_sources_used", UNIT_SEARCH_SOURCE },
	{ "server_side_tool_usage_details", "web_search_calls", UNIT_WEB_SEARCH },
	{ "server_side_tool_usage_details", "x_search_calls", UNIT_X_SEARCH },
	{ "server_side_tool_usage_details", "code_interpreter_calls", UNIT_CODE_EXECUTION },
	{ "server_side_tool_usage_details", "file_search_calls", UNIT_FILE_SEARCH },
	{ "server_side_tool_usage_details", "document_search_calls", UNIT_FILE_SEARCH },
	{ "server_side_tool_usage", "web_search", UNIT_WEB_SEARCH },
	{ "server_side_tool_usage", "x_search", UNIT_X_SEARCH },
	{ "server_side_tool_usage", "code_execution", UNIT_CODE_EXECUTION },
	{ "server_side_tool_usage", "file_search", UNIT_FILE_SEARCH },
	{ "server_side_tool_usage", "SERVER_SIDE_TOOL_WEB_SEARCH", UNIT_WEB_SEARCH },
	{ "server_side_tool_usage", "SERVER_SIDE_TOOL_X_SEARCH", UNIT_X_SEARCH },
	{ "server_side_tool_usage", "SERVER_SIDE_TOOL_CODE_EXECUTION", UNIT_CODE_EXECUTION },
	{ "server_side_tool_usage", "SERVER_SIDE_TOOL_COLLECTIONS_SEARCH", UNIT_FILE_SEARCH },
	/* Mistral's conversations */
	{ "connectors", "web_search", UNIT_WEB_SEARCH },
	{ "connectors", "web_search_premium", UNIT_WEB_SEARCH_PREMIUM },
	{ "connectors", "code_interpreter", UNIT_CODE_EXECUTION },
	{ "connectors", "image_generation", UNIT_GENERATED_IMAGE },
	{ "connectors", "document_library", UNIT_FILE_SEARCH },
	/* rerankers */
	{ "billed_units", "search_units", UNIT_QUERY },
	{ NULL, "search_units", UNIT_QUERY },
	/* Mistral's OCR */
	{ NULL, "pages_processed", UNIT_PAGE },
	/* transcription by the second */
	{ NULL, "seconds", UNIT_SECOND },
	{ NULL, "prompt_audio_seconds", UNIT_SECOND },
};
enum { UNIT_KEYS = sizeof unit_keys / sizeof *unit_keys };

bool counts_key(size_t i, const char **outer, const char **key)
{
	const size_t counts = sizeof keys / sizeof *keys - 1, units = UNIT_KEYS;
	*outer = i < counts	      ? keys[i].outer
		 : i < counts + units ? unit_keys[i - counts].outer
				      : NULL;
	*key = i < counts ? keys[i].key : i < counts + units ? unit_keys[i - counts].key : NULL;
	return *key != NULL;
}

/* The length of a number without a fraction of nothing but zeros: some writers of JSON know no
 * whole numbers. */
static size_t without_fraction(struct text digits)
{
	const char *dot = memchr(digits.p, '.', digits.n);
	size_t zeros = dot ? (size_t)(digits.p + digits.n - dot) - 1 : 0;
	for (const char *p = dot; zeros && dot > digits.p && p[1] == '0'; p++)
		if (p + 2 == digits.p + digits.n)
			return (size_t)(dot - digits.p);
	return digits.n;
}

/* Digits of a JSON number or string, as record fields read them. */
static int read_count(int64_t *out, const char *name, json_value *v, struct err *e)
{
	struct text digits = json_number_or_string(v);
	int64_t n = 0;
	if (json_kind(v) != JSON_NUMBER && json_kind(v) != JSON_STRING)
		return err_set(e, ERR_INVALID, "field '%s' must be a count, not %s", name,
			       json_kind_name(v));
	if (digits.n == 0)
		return err_set(e, ERR_INVALID, "field '%s' is empty", name);
	const size_t whole = without_fraction(digits);
	/* "1.000" as a text may be a thousand */
	if (json_kind(v) == JSON_NUMBER || digits.n - whole != 4 || whole > 3)
		digits.n = whole;
	for (size_t i = 0; i < digits.n; i++) {
		char c = digits.p[i];
		if (c < '0' || c > '9')
			return err_set(e, ERR_INVALID,
				       "field '%s': '%.*s' is not a whole number from 0", name,
				       (int)(digits.n > 40 ? 40 : digits.n), digits.p);
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, c - '0', &n))
			return err_set(e, ERR_RANGE,
				       "field '%s': '%.*s' is larger than 63 bits can hold", name,
				       (int)(digits.n > 40 ? 40 : digits.n), digits.p);
	}
	*out = n;
	return 0;
}

static int keep(struct raw_counts *c, enum raw_count which, int64_t n, const char *name,
		struct err *e)
{
	if (c->has >> which & 1 && c->count[which] != n && c->count[which] != 0 && n != 0)
		return err_set(e, ERR_INVALID,
			       "field '%s' (%lld) contradicts the same count under another name "
			       "(%lld)",
			       name, (long long)n, (long long)c->count[which]);
	c->has |= 1u << which;
	c->count[which] = n > c->count[which] ? n : c->count[which];
	return 0;
}

int counts_set(struct raw_counts *c, enum raw_count which, json_value *v, struct err *e)
{
	int64_t n;
	if (!v)
		return err_set(e, ERR_INVALID, "a count is missing, and unknown is not zero");
	int rc = read_count(&n, json_key(v), v, e);
	return rc == 0 ? keep(c, which, n, json_key(v), e) : rc;
}

/* A kind of token by its name, or by the number that it has in Google's libraries. */
static struct text modality_of(json_value *v)
{
	static const char *const numbered[] = { "", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT" };
	const struct text said = json_number_or_string(v);
	const bool number = said.n == 1 && *said.p > '0' && *said.p < '6';
	return number ? text_of(numbered[*said.p - '0']) : said;
}

/* Gemini's lists of {modality, tokenCount}, which Interactions write in small letters. Pictures and
 * films of a prompt cost what text costs where a card has no price of theirs, so they are parts of
 * it. */
static int read_modalities(struct raw_counts *c, json_value *list, enum raw_count audio,
			   enum raw_count video, enum raw_count image, struct err *e)
{
	c->divided |= audio == RAW_OUTPUT_AUDIO && json_first(list);
	for (json_value *v = json_first(list); v; v = json_next(v)) {
		struct text modality = modality_of(json_member(v, "modality"));
		json_value *n = json_member(v, "tokenCount");
		if (!n)
			n = json_member(v, "token_count");
		if (!n)
			n = json_member(v, "tokens");
		enum raw_count which = text_is_caseless(modality, "AUDIO")   ? audio
				       : text_is_caseless(modality, "VIDEO") ? video
				       : text_is_caseless(modality, "IMAGE") ? image
									     : RAW_COUNTS;
		static const char *const plain[] = { "TEXT", "IMAGE", "VIDEO", "DOCUMENT" };
		bool is_known = which != RAW_COUNTS;
		for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
			is_known |= text_is_caseless(modality, plain[i]);
		if (!is_known)
			return err_set(e, ERR_INVALID,
				       "field '%s' names an unknown modality ('%.*s'), which may "
				       "have its own price",
				       json_key(list), (int)(modality.n > 40 ? 40 : modality.n),
				       modality.p);
		if (which == RAW_COUNTS || !n || json_kind(n) == JSON_NULL)
			continue;
		int rc = counts_set(c, which, n, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* The lists by their names, as the interface and as its libraries write them. */
static int read_modality_lists(struct raw_counts *c, json_value *usage, struct err *e)
{
	static const struct {
		const char *camel, *snake;
		enum raw_count audio, video, image;
	} lists[] = {
		{ "promptTokensDetails", "prompt_tokens_details", RAW_INPUT_AUDIO, RAW_PART_VIDEO,
		  RAW_PART_IMAGE },
		{ "cacheTokensDetails", "cache_tokens_details", RAW_CACHE_READ_AUDIO,
		  RAW_CACHED_PART_VIDEO, RAW_CACHED_PART_IMAGE },
		{ "candidatesTokensDetails", "candidates_tokens_details", RAW_OUTPUT_AUDIO,
		  RAW_OUTPUT_VIDEO, RAW_OUTPUT_IMAGE },
		{ "responseTokensDetails", "response_tokens_details", RAW_OUTPUT_AUDIO,
		  RAW_OUTPUT_VIDEO, RAW_OUTPUT_IMAGE },
		{ "inputTokensByModality", "input_tokens_by_modality", RAW_INPUT_AUDIO,
		  RAW_PART_VIDEO, RAW_PART_IMAGE },
		{ "cachedTokensByModality", "cached_tokens_by_modality", RAW_CACHE_READ_AUDIO,
		  RAW_CACHED_PART_VIDEO, RAW_CACHED_PART_IMAGE },
		{ "outputTokensByModality", "output_tokens_by_modality", RAW_OUTPUT_AUDIO,
		  RAW_OUTPUT_VIDEO, RAW_OUTPUT_IMAGE },
	};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof lists / sizeof *lists; i++) {
		json_value *list = json_member(usage, lists[i].camel);
		if (!list)
			list = json_member(usage, lists[i].snake);
		if (json_kind(list) == JSON_ARRAY)
			rc = read_modalities(c, list, lists[i].audio, lists[i].video,
					     lists[i].image, e);
	}
	return rc;
}

/* Whether a member says which of an answer was text. (The AI SDK's textTokens are what was no
 * reasoning.) */
static bool tells_text(const char *outer, json_value *v)
{
	static const char *const answers[] = { "completion_tokens_details", "output_tokens_details",
					       "output_token_details" };
	bool any = false;
	for (size_t i = 0; outer && i < sizeof answers / sizeof *answers; i++)
		any |= strcmp(outer, answers[i]) == 0;
	return any && strcmp(json_key(v), "text_tokens") == 0 && json_kind(v) == JSON_NUMBER;
}

/* One member of the usage object, or of an object in it. */
static int read_member(struct raw_counts *c, json_value *v, const char *outer, struct err *e)
{
	const char *name = json_key(v);
	const struct known_key *k = keys;
	c->divided |= outer && tells_text(outer, v);
	/* most names differ in their first letter or in the next one */
	while (k->key && (k->key[0] != name[0] || (k->outer == NULL) != (outer == NULL) ||
			  strcmp(k->key, name) != 0 || (outer && strcmp(k->outer, outer) != 0)))
		k++;
	if (!k->key)
		return 0;
	if (json_kind(v) == JSON_NULL) {
		/* vendors write null for parts that they do not tell apart */
		if (k->which != RAW_PROMPT && k->which != RAW_COMPLETION)
			return 0;
		return err_set(e, ERR_INVALID, "field '%s' is null, which is not zero", name);
	}
	int rc = counts_set(c, (enum raw_count)k->which, v, e);
	c->anthropic_keys |= k->tells == TELLS_ANTHROPIC;
	c->details_keys |= k->tells == TELLS_DETAILS;
	c->prompt_key |= k->tells == TELLS_PROMPT;
	c->reasoning_beside |= k->tells == TELLS_THOUGHTS;
	return rc;
}

/* The members of an object in the usage, and of the objects in it. */
static int read_part(struct raw_counts *c, json_value *part, const char *path, struct err *e)
{
	char inner[80];
	int rc = 0;
	for (json_value *m = json_first(part); m && rc == 0; m = json_next(m)) {
		const bool deeper = json_kind(m) == JSON_OBJECT && !strchr(path, '.');
		if (deeper) {
			snprintf(inner, sizeof inner, "%s.%s", path, json_key(m));
			rc = read_part(c, m, inner, e);
		} else {
			rc = read_member(c, m, path, e);
		}
	}
	return rc;
}

/* Bedrock's list of what was written, {inputTokens, ttl}. */
static int read_lifetimes(struct raw_counts *c, json_value *list, struct err *e)
{
	int64_t five = 0, hour = 0, n = 0;
	for (json_value *v = json_first(list); v; v = json_next(v)) {
		const struct text ttl = json_string(json_member(v, "ttl"));
		const bool long_one = text_is(ttl, "1h");
		json_value *count = json_member(v, "inputTokens");
		if (json_kind(v) != JSON_OBJECT)
			return err_set(e, ERR_INVALID,
				       "field 'cacheDetails' holds no list of counts by lifetime");
		if (!count || json_kind(count) == JSON_NULL)
			continue;
		if (!long_one && !text_is(ttl, "5m"))
			return err_set(e, ERR_INVALID,
				       "field 'cacheDetails' names a lifetime that is not known "
				       "('%.*s'), which may have a price of its own",
				       (int)(ttl.n > 40 ? 40 : ttl.n), ttl.p);
		int rc = read_count(&n, "cacheDetails", count, e);
		if (rc != 0)
			return rc;
		if (__builtin_add_overflow(long_one ? hour : five, n, long_one ? &hour : &five))
			return err_set(e, ERR_RANGE, "field 'cacheDetails' is too large");
	}
	if (!json_first(list))
		return 0;
	int rc = keep(c, RAW_CACHE_WRITE_5M, five, "cacheDetails", e);
	return rc == 0 ? keep(c, RAW_CACHE_WRITE_1H, hour, "cacheDetails", e) : rc;
}

/* Perplexity's fee for a request goes by the size of its search, unless its searches are counted.
 */
static int read_search_size(struct raw_counts *c, json_value *usage, struct err *e)
{
	static const struct {
		const char *size;
		enum unit unit;
	} sizes[] = { { "low", UNIT_WEB_SEARCH_LOW },
		      { "medium", UNIT_WEB_SEARCH_MEDIUM },
		      { "high", UNIT_WEB_SEARCH_HIGH } };
	json_value *said = json_member(usage, "search_context_size");
	const struct text size = json_string(said);
	if (!said || json_kind(said) == JSON_NULL || (json_kind(said) == JSON_STRING && !size.n) ||
	    c->units[UNIT_WEB_SEARCH])
		return 0;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		if (text_is(size, sizes[i].size)) {
			c->units[sizes[i].unit] = 1;
			return 0;
		}
	return err_set(e, ERR_INVALID,
		       "field 'search_context_size' is none of the sizes that have a fee (low, "
		       "medium, high)");
}

/* One member of the usage (outer NULL) or of the object in it that outer names: what it counts is
 * added to here. */
static int read_unit(int64_t here[UNIT_COUNT], const char *outer, json_value *v, struct err *e)
{
	const char *name = json_key(v);
	int64_t n;
	for (size_t i = 0; i < UNIT_KEYS; i++) {
		if (unit_keys[i].key[0] != name[0] || !unit_keys[i].outer != !outer ||
		    strcmp(unit_keys[i].key, name) != 0 ||
		    (outer && strcmp(unit_keys[i].outer, outer) != 0) || json_kind(v) == JSON_NULL)
			continue;
		int rc = read_count(&n, name, v, e);
		int64_t *to = &here[unit_keys[i].unit];
		if (rc == 0 && __builtin_add_overflow(*to, n, to))
			rc = err_set(e, ERR_RANGE, "field '%s' is too large", name);
		return rc;
	}
	return 0;
}

/* Whether a row of the table begins with that name. */
static bool holds_units(const char *name)
{
	const size_t n = strlen(name);
	for (size_t i = 0; i < UNIT_KEYS; i++)
		if (unit_keys[i].outer && unit_keys[i].outer[0] == name[0] &&
		    strncmp(unit_keys[i].outer, name, n) == 0 &&
		    (unit_keys[i].outer[n] == 0 || unit_keys[i].outer[n] == '.'))
			return true;
	return false;
}

/* The members of an object in the usage, and of the objects in it. The same count in two objects is
 * one. */
static int read_unit_part(int64_t units[UNIT_COUNT], json_value *part, const char *path,
			  struct err *e)
{
	int64_t here[UNIT_COUNT] = { 0 };
	char inner[80];
	int rc = 0;
	for (json_value *v = json_first(part); v && rc == 0; v = json_next(v)) {
		if (json_kind(v) == JSON_OBJECT && !strchr(path, '.')) {
			snprintf(inner, sizeof inner, "%s.%s", path, json_key(v));
			rc = read_unit_part(here, v, inner, e);
		} else {
			rc = read_unit(here, path, v, e);
		}
	}
	for (int u = 0; u < UNIT_COUNT; u++)
		units[u] = here[u] > units[u] ? here[u] : units[u];
	return rc;
}

int counts_read_units(struct raw_counts *c, json_value *usage, struct err *e)
{
	int64_t own[UNIT_COUNT] = { 0 };
	int rc = 0;
	for (json_value *v = json_first(usage); rc == 0 && v; v = json_next(v)) {
		if (json_kind(v) != JSON_OBJECT)
			rc = read_unit(own, NULL, v, e);
		else if (holds_units(json_key(v)))
			rc = read_unit_part(c->units, v, json_key(v), e);
	}
	for (int u = 0; u < UNIT_COUNT; u++)
		c->units[u] = own[u] > c->units[u] ? own[u] : c->units[u];
	return rc == 0 ? read_search_size(c, usage, e) : rc;
}

int counts_read(struct raw_counts *c, json_value *usage, struct err *e)
{
	int rc = 0;
	/* Cohere says what it bills, beside what its model saw */
	json_value *billed = json_member(usage, "billed_units");
	if (json_kind(billed) == JSON_OBJECT &&
	    (json_member(billed, "input_tokens") || json_member(billed, "output_tokens"))) {
		rc = read_part(c, billed, json_key(billed), e);
		return rc == 0 ? counts_read_units(c, usage, e) : rc;
	}
	for (json_value *v = json_first(usage); v && rc == 0; v = json_next(v))
		rc = json_kind(v) == JSON_OBJECT ? read_part(c, v, json_key(v), e)
						 : read_member(c, v, NULL, e);
	if (rc == 0)
		rc = read_lifetimes(c, json_member(usage, "cacheDetails"), e);
	if (rc != 0)
		return rc;
	/* New API: a prompt as Anthropic counts it, under OpenAI's names */
	if (text_is(json_string(json_member(usage, "usage_semantic")), "anthropic")) {
		c->cache = CACHE_BESIDE;
		c->fixed = true;
	}
	/* the mere presence of details says which family the shape is of */
	c->details_keys |= json_member(usage, "prompt_tokens_details") ||
			   json_member(usage, "input_tokens_details") ||
			   json_member(usage, "input_token_details") ||
			   json_member(usage, "inputTokenDetails");
	rc = counts_read_units(c, usage, e);
	if (rc != 0)
		return rc;
	return read_modality_lists(c, usage, e);
}

#define HAS(c, which) ((c)->has >> (which)&1)

/* Sums saturate: what does not fit equals no total and is refused for its parts. */
static int64_t plus(int64_t a, int64_t b)
{
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* The wholes, and which of them lie beside each other instead of in one another. */
struct parts {
	int64_t prompt, completion, total, cache_read, write, reasoning;
	bool cache_beside, reasoning_beside;
	int64_t five, hour; /* the writes by their lifetime */
};

/* The first identity that the total satisfies. */
static bool decide_by_total(struct parts *p)
{
	int64_t cache = plus(p->cache_read, p->write), plain = plus(p->prompt, p->completion);
	static const struct {
		bool cache_beside, reasoning_beside;
	} identity[] = { { false, false }, { false, true }, { true, false }, { true, true } };
	for (size_t i = 0; i < sizeof identity / sizeof *identity; i++) {
		int64_t sum = plus(plain, identity[i].cache_beside ? cache : 0);
		sum = plus(sum, identity[i].reasoning_beside ? p->reasoning : 0);
		if (sum != p->total || sum == INT64_MAX)
			continue;
		p->cache_beside = identity[i].cache_beside;
		p->reasoning_beside = identity[i].reasoning_beside;
		return true;
	}
	return false;
}

static int split_writes(const struct raw_counts *c, int64_t *five, int64_t *hour, struct err *e)
{
	bool split = HAS(c, RAW_CACHE_WRITE_5M) || HAS(c, RAW_CACHE_WRITE_1H);
	*five = c->count[RAW_CACHE_WRITE_5M];
	*hour = c->count[RAW_CACHE_WRITE_1H];
	if (!split) {
		/* without a lifetime the shorter one is billed */
		*five = c->count[RAW_CACHE_WRITE];
		return 0;
	}
	int64_t sum = plus(*five, *hour);
	if (HAS(c, RAW_CACHE_WRITE) && c->count[RAW_CACHE_WRITE] != sum) {
		/* the split of an older answer may be all zeros beside a real count, and frameworks
		 * write zero beside the split */
		if (sum == 0)
			*five = c->count[RAW_CACHE_WRITE];
		if (sum == 0 || c->count[RAW_CACHE_WRITE] == 0)
			return 0;
		return err_set(
			e, ERR_INVALID,
			"field 'cache_creation_input_tokens' (%lld) contradicts its split by "
			"lifetime (%lld)",
			(long long)c->count[RAW_CACHE_WRITE], (long long)sum);
	}
	return 0;
}

/* What of a prompt was picture or film lies in what was fresh and in what was cached. Where it is
 * not told which, as much as there is room for was fresh, which is never too cheap. */
static int check_parts(struct record *out, const struct raw_counts *c, struct err *e)
{
	int64_t told[PART_COUNT];
	memcpy(told, out->parts, sizeof told);
	if (!HAS(c, RAW_CACHED_PART_IMAGE) && !HAS(c, RAW_CACHED_PART_VIDEO))
		parts_fit(out->counts);
	int128 lost = 0;
	for (int p = 0; p < PART_COUNT; p++)
		lost += (int128)told[p] - out->parts[p];
	if (lost) /* it lies in neither */
		return err_set(e, ERR_INVALID,
			       "the image or video tokens are %lld more than the prompt that must "
			       "contain them",
			       (long long)lost);
	struct usage u = { .requests = 1 };
	usage_set_counts(&u, out->counts);
	return usage_check(&u, e);
}

static bool has_units(const struct raw_counts *c)
{
	int64_t any = 0;
	for (int u = 0; u < UNIT_COUNT; u++)
		any |= c->units[u];
	return any != 0;
}

/* The prompt as a whole: with what hits and misses add up to, and with what tools were told. */
static int take_prompt(struct parts *p, const struct raw_counts *c, bool *has_prompt, struct err *e)
{
	*has_prompt = HAS(c, RAW_PROMPT);
	if (HAS(c, RAW_CACHE_MISS)) {
		int64_t whole = plus(p->cache_read, c->count[RAW_CACHE_MISS]);
		if (*has_prompt && whole != p->prompt)
			return err_set(e, ERR_INVALID,
				       "field 'prompt_tokens' (%lld) is not the sum of cache hits "
				       "and misses (%lld)",
				       (long long)p->prompt, (long long)whole);
		p->prompt = whole;
		*has_prompt = true;
	}
	/* beside the prompt, and never cached */
	p->prompt = plus(p->prompt, c->count[RAW_TOOL_PROMPT]);
	return 0;
}

/* What is missing beside the total, or which of the parts lie beside each other. */
static int take_total(struct parts *p, const struct raw_counts *c, bool has_prompt, struct err *e)
{
	if (!has_prompt) {
		int64_t rest = plus(p->completion, p->reasoning_beside ? p->reasoning : 0);
		if (rest > p->total)
			return err_set(e, ERR_INVALID,
				       "field 'total_tokens' (%lld) is smaller than the answer "
				       "(%lld)",
				       (long long)p->total, (long long)rest);
		p->prompt = p->total - rest;
		if (p->cache_beside)
			p->prompt -= plus(p->cache_read, p->write);
		if (p->prompt < 0)
			return err_set(e, ERR_INVALID,
				       "field 'total_tokens' (%lld) is smaller than its parts",
				       (long long)p->total);
	} else if (!HAS(c, RAW_COMPLETION)) {
		/* the family of its keys says where the parts lie: another identity would fit, too
		 */
		p->reasoning_beside = c->reasoning_beside;
		int64_t rest = plus(p->prompt, p->cache_beside ? plus(p->cache_read, p->write) : 0);
		rest = plus(rest, p->reasoning_beside ? p->reasoning : 0);
		if (rest > p->total)
			return err_set(e, ERR_INVALID,
				       "the total (%lld) is smaller than the prompt (%lld)",
				       (long long)p->total, (long long)rest);
		p->completion = p->total - rest;
	} else if (!decide_by_total(p)) {
		return err_set(
			e, ERR_INVALID,
			"the total (%lld) is not the sum of its parts: prompt %lld, answer %lld, "
			"cache read %lld, cache write %lld, reasoning %lld",
			(long long)p->total, (long long)p->prompt, (long long)p->completion,
			(long long)p->cache_read, (long long)p->write, (long long)p->reasoning);
	}
	return 0;
}

static int take_wholes(struct parts *p, const struct raw_counts *c, struct err *e)
{
	bool has_prompt = false;
	int rc = split_writes(c, &p->five, &p->hour, e);
	if (rc != 0)
		return rc;
	p->prompt = c->count[RAW_PROMPT];
	p->completion = c->count[RAW_COMPLETION];
	p->total = c->count[RAW_TOTAL];
	p->cache_read = c->count[RAW_CACHE_READ];
	p->write = plus(p->five, p->hour);
	p->reasoning = c->count[RAW_REASONING];
	if (!HAS(c, RAW_PROMPT) && !HAS(c, RAW_COMPLETION) && !HAS(c, RAW_CACHE_READ) &&
	    !HAS(c, RAW_CACHE_WRITE) && !HAS(c, RAW_TOTAL) && !has_units(c))
		return err_set(e, ERR_INVALID, "the usage has no known token count");
	rc = take_prompt(p, c, &has_prompt, e);
	if (rc == 0 && !has_prompt && HAS(c, RAW_COMPLETION) && !HAS(c, RAW_TOTAL) && !c->fixed &&
	    !c->partial)
		rc = err_set(e, ERR_INVALID,
			     "the usage counts an answer but no prompt: unknown is not zero");
	p->cache_beside = c->cache == CACHE_BY_KEYS
				  ? c->anthropic_keys && !c->prompt_key && !c->details_keys
				  : c->cache == CACHE_BESIDE;
	/* what is larger than the answer cannot lie inside */
	p->reasoning_beside =
		c->reasoning_beside || p->reasoning > p->completion || HAS(c, RAW_CITATION);
	if (rc == 0 && HAS(c, RAW_TOTAL) && !c->fixed && !HAS(c, RAW_CITATION))
		rc = take_total(p, c, has_prompt, e);
	if (rc == 0 && !p->cache_beside && plus(p->cache_read, p->write) > p->prompt)
		rc = err_set(e, ERR_INVALID,
			     "the cache parts (read %lld, written %lld) are larger than the "
			     "prompt (%lld) that must contain them",
			     (long long)p->cache_read, (long long)p->write, (long long)p->prompt);
	return rc;
}

/* A prompt by modality, which of it has prices of its own; the rest is text. */
struct modalities {
	int64_t audio, image, video; /* that was fresh */
	int64_t cached_audio;
};

/* Whether films and pictures are told beside what else there is of the prompt, but may be of what
 * was cached: then they are parts of their buckets, as Gemini's are. */
static bool are_parts(const struct raw_counts *c, const struct modalities *m, int64_t input)
{
	return (c->count[RAW_CACHED_PART_IMAGE] && HAS(c, RAW_INPUT_IMAGE)) ||
	       plus(plus(m->audio, c->count[RAW_INPUT_VIDEO]), c->count[RAW_INPUT_IMAGE]) > input;
}

/*
 * Modality and cache are two divisions of one prompt, of which input was fresh and cache_read was
 * not. Where it is not told how much audio was cached, as much as there is room for was fresh,
 * which is never too cheap. What of films and pictures does not fit beside it is left to set_parts.
 */
static int divide_prompt(struct modalities *m, const struct raw_counts *c, int64_t input,
			 int64_t cache_read, struct err *e)
{
	const int64_t audio = c->count[RAW_INPUT_AUDIO];
	*m = (struct modalities){ .cached_audio = c->count[RAW_CACHE_READ_AUDIO] };
	if (m->cached_audio > cache_read || m->cached_audio > audio)
		return err_set(e, ERR_INVALID, "the cached audio (%lld) is larger than its whole",
			       (long long)m->cached_audio);
	if (!HAS(c, RAW_CACHE_READ_AUDIO) && audio > input)
		m->cached_audio = audio - input;
	m->audio = audio - m->cached_audio;
	if (m->audio > input || m->cached_audio > cache_read)
		return err_set(e, ERR_INVALID,
			       "the audio tokens (%lld) are larger than the prompt (%lld fresh, "
			       "%lld cached) that must contain them",
			       (long long)audio, (long long)input, (long long)cache_read);
	if (are_parts(c, m, input))
		return 0;
	m->image = c->count[RAW_INPUT_IMAGE];
	m->video = c->count[RAW_INPUT_VIDEO];
	return 0;
}

/* What of the films and pictures of a prompt has no bucket of its own lies in what was fresh and in
 * what was cached; check_parts moves what does not fit. */
static void set_parts(struct record *out, const struct raw_counts *c)
{
	const int64_t image = c->count[RAW_INPUT_IMAGE] - out->tokens[BUCKET_INPUT_IMAGE],
		      video = c->count[RAW_INPUT_VIDEO] - out->tokens[BUCKET_INPUT_VIDEO];
	out->parts[PART_INPUT_IMAGE] =
		plus(c->count[RAW_PART_IMAGE], image) - c->count[RAW_CACHED_PART_IMAGE];
	out->parts[PART_INPUT_VIDEO] =
		plus(c->count[RAW_PART_VIDEO], video) - c->count[RAW_CACHED_PART_VIDEO];
	out->parts[PART_CACHE_READ_IMAGE] = c->count[RAW_CACHED_PART_IMAGE];
	out->parts[PART_CACHE_READ_VIDEO] = c->count[RAW_CACHED_PART_VIDEO];
}

/* Wholes into disjoint buckets: parts with prices of their own leave the plain ones; audio that was
 * read from the cache is told apart only where the vendor does. */
static int set_tokens(int64_t t[BUCKET_COUNT], const struct parts *p, const struct raw_counts *c,
		      struct err *e)
{
	const int64_t cache = plus(p->cache_read, p->write),
		      input = p->cache_beside ? p->prompt : p->prompt - cache,
		      output = plus(p->completion, p->reasoning_beside ? p->reasoning : 0);
	const int64_t special_out =
		plus(plus(c->count[RAW_OUTPUT_AUDIO], c->count[RAW_OUTPUT_IMAGE]),
		     c->count[RAW_OUTPUT_VIDEO]);
	struct modalities m;
	int rc = divide_prompt(&m, c, input, p->cache_read, e);
	if (rc != 0)
		return rc;
	if (special_out > output)
		return err_set(e, ERR_INVALID,
			       "the audio, image or video tokens (%lld) are larger than the answer "
			       "(%lld) that must contain them",
			       (long long)special_out, (long long)output);
	if (input == INT64_MAX || output == INT64_MAX || cache == INT64_MAX)
		return err_set(e, ERR_RANGE, "the token counts add up to more than 63 bits");
	if (p->reasoning > output - special_out)
		return err_set(e, ERR_INVALID,
			       "the reasoning (%lld) is larger than the answer (%lld) that must "
			       "contain it",
			       (long long)p->reasoning, (long long)(output - special_out));
	t[BUCKET_INPUT] = input - m.audio - m.image - m.video;
	t[BUCKET_CACHE_READ] = p->cache_read - m.cached_audio;
	t[BUCKET_CACHE_WRITE_5M] = p->five;
	t[BUCKET_CACHE_WRITE_1H] = p->hour;
	t[BUCKET_OUTPUT] = output - special_out;
	t[BUCKET_REASONING] = p->reasoning;
	t[BUCKET_INPUT_AUDIO] = m.audio;
	t[BUCKET_CACHE_READ_AUDIO] = m.cached_audio;
	t[BUCKET_INPUT_VIDEO] = m.video;
	t[BUCKET_INPUT_IMAGE] = m.image;
	t[BUCKET_OUTPUT_AUDIO] = c->count[RAW_OUTPUT_AUDIO];
	t[BUCKET_OUTPUT_IMAGE] = c->count[RAW_OUTPUT_IMAGE];
	t[BUCKET_OUTPUT_VIDEO] = c->count[RAW_OUTPUT_VIDEO];
	t[BUCKET_CITATION] = c->count[RAW_CITATION];
	return 0;
}

int counts_normalise(struct record *out, const struct raw_counts *c, const char **rule,
		     struct err *e)
{
	static const char *const rules[2][2] = { { "prompt-holds-cache,answer-holds-reasoning",
						   "prompt-holds-cache,reasoning-beside" },
						 { "cache-beside,answer-holds-reasoning",
						   "cache-beside,reasoning-beside" } };
	struct parts p = { 0 };
	int rc = take_wholes(&p, c, e);
	if (rc == 0)
		rc = set_tokens(out->tokens, &p, c, e);
	if (rc != 0)
		return rc;
	set_parts(out, c);
	const bool divided = c->divided || HAS(c, RAW_OUTPUT_AUDIO) || HAS(c, RAW_OUTPUT_IMAGE) ||
			     HAS(c, RAW_OUTPUT_VIDEO);
	if (c->pictures && !divided)
		out->parts[PART_OUTPUT_IMAGE] =
			out->tokens[BUCKET_OUTPUT] - out->tokens[BUCKET_REASONING];
	out->undivided = !divided && !c->pictures;
	if ((rc = check_parts(out, c, e)) != 0)
		return rc;
	memcpy(out->units, c->units, sizeof out->units);
	out->unsplit = p.five != c->count[RAW_CACHE_WRITE_5M];
	for (int k = 0; k < COUNT_KINDS; k++)
		if (k < BUCKET_COMMON || out->counts[k])
			out->present |= (uint64_t)1 << (FIELD_COUNTS + k);
	*rule = rules[p.cache_beside][p.reasoning_beside];
	return 0;
}
