/*
 * What instrumentations call the same thing, the current name first, and which of their spans are
 * calls.
 *
 * Sources: open-telemetry/semantic-conventions-genai and the older gen_ai and llm names,
 * traceloop/openllmetry, Arize-ai/openinference, vercel/ai (telemetry), langfuse, pydantic-ai,
 * BerriAI/litellm (integrations/opentelemetry), mlflow, mastra-ai/mastra
 * (observability/otel-exporter), google/adk-python (telemetry).
 */
#include <pthread.h>
#include <stdlib.h>

#include "meter/formats/otlp.h"
#include "pricing/spelling.h"

static const struct {
	uint8_t role;
	const char *name;
} names[] = {
	{ RAW_PROMPT, "gen_ai.usage.input_tokens" },
	{ RAW_PROMPT, "gen_ai.usage.prompt_tokens" },
	{ RAW_PROMPT, "llm.usage.prompt_tokens" },
	{ RAW_PROMPT, "llm.token_count.prompt" },
	{ RAW_PROMPT, "ai.usage.inputTokens" },
	{ RAW_PROMPT, "ai.usage.promptTokens" },
	{ RAW_PROMPT, "ai.usage.tokens" },
	{ RAW_COMPLETION, "gen_ai.usage.output_tokens" },
	{ RAW_COMPLETION, "gen_ai.usage.completion_tokens" },
	{ RAW_COMPLETION, "llm.usage.completion_tokens" },
	{ RAW_COMPLETION, "llm.token_count.completion" },
	{ RAW_COMPLETION, "ai.usage.outputTokens" },
	{ RAW_COMPLETION, "ai.usage.completionTokens" },
	{ RAW_TOTAL, "gen_ai.usage.total_tokens" },
	{ RAW_TOTAL, "llm.usage.total_tokens" },
	{ RAW_TOTAL, "llm.token_count.total" },
	{ RAW_TOTAL, "ai.usage.totalTokens" },
	{ RAW_CACHE_READ, "gen_ai.usage.cache_read.input_tokens" },
	{ RAW_CACHE_READ, "gen_ai.usage.cache_read_input_tokens" },
	{ RAW_CACHE_READ, "gen_ai.usage.cache_read_tokens" },
	{ RAW_CACHE_READ, "gen_ai.usage.cached_input_tokens" },
	{ RAW_CACHE_READ, "gen_ai.usage.input_tokens.cached" },
	{ RAW_CACHE_READ, "gen_ai.usage.details.cache_read_input_tokens" },
	{ RAW_CACHE_READ, "gen_ai.usage.details.cache_read_tokens" },
	{ RAW_CACHE_READ, "gen_ai.usage.details.cached_tokens" },
	{ RAW_CACHE_READ, "gen_ai.usage.details.cached_content_tokens" },
	{ RAW_CACHE_READ, "llm.usage.cache_read_input_tokens" },
	{ RAW_CACHE_READ, "llm.token_count.prompt_details.cache_read" },
	{ RAW_CACHE_READ, "ai.usage.inputTokenDetails.cacheReadTokens" },
	{ RAW_CACHE_READ, "ai.usage.cachedInputTokens" },
	{ RAW_CACHE_WRITE, "gen_ai.usage.cache_write.input_tokens" },
	{ RAW_CACHE_WRITE, "gen_ai.usage.cache_creation.input_tokens" },
	{ RAW_CACHE_WRITE, "gen_ai.usage.cache_creation_input_tokens" },
	{ RAW_CACHE_WRITE, "gen_ai.usage.cache_write_input_tokens" },
	{ RAW_CACHE_WRITE, "gen_ai.usage.cache_creation_tokens" },
	{ RAW_CACHE_WRITE, "gen_ai.usage.cache_write_tokens" },
	{ RAW_CACHE_WRITE, "gen_ai.usage.input_tokens.cache_write" },
	{ RAW_CACHE_WRITE, "gen_ai.usage.details.cache_creation_input_tokens" },
	{ RAW_CACHE_WRITE, "gen_ai.usage.details.cache_write_tokens" },
	{ RAW_CACHE_WRITE, "llm.usage.cache_creation_input_tokens" },
	{ RAW_CACHE_WRITE, "llm.token_count.prompt_details.cache_write" },
	{ RAW_CACHE_WRITE, "ai.usage.inputTokenDetails.cacheWriteTokens" },
	{ RAW_CACHE_WRITE_5M, "anthropic.usage.cache_creation.ephemeral_5m_input_tokens" },
	{ RAW_CACHE_WRITE_5M, "gen_ai.usage.cache_creation.5m_input_tokens" },
	{ RAW_CACHE_WRITE_1H, "anthropic.usage.cache_creation.ephemeral_1h_input_tokens" },
	{ RAW_CACHE_WRITE_1H, "gen_ai.usage.cache_creation.1h_input_tokens" },
	{ RAW_REASONING, "gen_ai.usage.reasoning.output_tokens" },
	{ RAW_REASONING, "gen_ai.usage.details.reasoning_tokens" },
	{ RAW_REASONING, "gen_ai.usage.details.thoughts_tokens" },
	{ RAW_REASONING, "gen_ai.usage.reasoning_tokens" },
	{ RAW_REASONING, "gen_ai.usage.output_tokens.reasoning" },
	{ RAW_REASONING, "llm.usage.reasoning_tokens" },
	{ RAW_REASONING, "llm.token_count.completion_details.reasoning" },
	{ RAW_REASONING, "ai.usage.outputTokenDetails.reasoningTokens" },
	{ RAW_REASONING, "ai.usage.reasoningTokens" },
	{ RAW_REASONING, "codex.usage.reasoning_output_tokens" },
	{ RAW_INPUT_AUDIO, "gen_ai.usage.audio.input_tokens" },
	{ RAW_INPUT_AUDIO, "gen_ai.usage.audio_input_tokens" },
	{ RAW_INPUT_AUDIO, "gen_ai.usage.details.input_audio_tokens" },
	/* Gemini's modalities, as Pydantic AI names them */
	{ RAW_INPUT_AUDIO, "gen_ai.usage.details.audio_prompt_tokens" },
	{ RAW_CACHE_READ_AUDIO, "gen_ai.usage.details.audio_cache_tokens" },
	{ RAW_PART_IMAGE, "gen_ai.usage.details.image_prompt_tokens" },
	{ RAW_PART_VIDEO, "gen_ai.usage.details.video_prompt_tokens" },
	{ RAW_CACHED_PART_IMAGE, "gen_ai.usage.details.image_cache_tokens" },
	{ RAW_CACHED_PART_VIDEO, "gen_ai.usage.details.video_cache_tokens" },
	{ RAW_OUTPUT_AUDIO, "gen_ai.usage.details.audio_candidates_tokens" },
	{ RAW_OUTPUT_IMAGE, "gen_ai.usage.details.image_candidates_tokens" },
	{ RAW_OUTPUT_VIDEO, "gen_ai.usage.details.video_candidates_tokens" },
	{ RAW_INPUT_AUDIO, "llm.token_count.prompt_details.audio" },
	{ RAW_INPUT_VIDEO, "gen_ai.usage.video.input_tokens" },
	{ RAW_INPUT_IMAGE, "gen_ai.usage.image.input_tokens" },
	{ RAW_OUTPUT_AUDIO, "gen_ai.usage.audio.output_tokens" },
	{ RAW_OUTPUT_AUDIO, "gen_ai.usage.audio_output_tokens" },
	{ RAW_OUTPUT_AUDIO, "gen_ai.usage.details.output_audio_tokens" },
	{ RAW_OUTPUT_AUDIO, "llm.token_count.completion_details.audio" },
	{ OTLP_ID, "gen_ai.response.id" },
	{ OTLP_ID, "ai.response.id" },
	{ OTLP_ID, "llm.response.id" },
	{ OTLP_MODEL, "gen_ai.response.model" },
	{ OTLP_MODEL, "ai.response.model" },
	{ OTLP_MODEL, "llm.response.model" },
	{ OTLP_MODEL, "llm.model_name" },
	{ OTLP_MODEL, "embedding.model_name" },
	{ OTLP_MODEL, "langfuse.observation.model.name" },
	{ OTLP_MODEL, "mlflow.llm.model" },
	{ OTLP_ASKED_MODEL, "gen_ai.request.model" },
	{ OTLP_ASKED_MODEL, "ai.model.id" },
	{ OTLP_ASKED_MODEL, "llm.request.model" },
	{ OTLP_SELLER, "gen_ai.provider.name" },
	{ OTLP_SELLER, "gen_ai.system" },
	{ OTLP_SELLER, "ai.model.provider" },
	{ OTLP_SELLER, "llm.provider" },
	{ OTLP_SELLER, "mlflow.llm.provider" },
	{ OTLP_SESSION, "gen_ai.conversation.id" },
	{ OTLP_SESSION, "session.id" },
	{ OTLP_SESSION, "langfuse.session.id" },
	{ OTLP_SESSION, "traceloop.association.properties.session_id" },
	{ OTLP_CUSTOMER, "customer" },
	{ OTLP_CUSTOMER, "customer.id" },
	{ OTLP_CUSTOMER, "tenant.id" },
	{ OTLP_CUSTOMER, "enduser.id" },
	{ OTLP_CUSTOMER, "user.id" },
	{ OTLP_CUSTOMER, "langfuse.user.id" },
	{ OTLP_CUSTOMER, "traceloop.association.properties.user_id" },
	{ OTLP_PROJECT, "project" },
	{ OTLP_WORKLOAD, "workload" },
	{ OTLP_TIER, "gen_ai.openai.response.service_tier" },
	{ OTLP_TIER, "openai.response.service_tier" },
	{ OTLP_TIER, "anthropic.response.service_tier" },
	{ OTLP_ASKED_TIER, "gen_ai.openai.request.service_tier" },
	{ OTLP_ASKED_TIER, "openai.request.service_tier" },
	{ OTLP_ASKED_TIER, "gen_ai.request.service_tier" },
	{ OTLP_ASKED_TIER, "anthropic.request.service_tier" },
	{ OTLP_OPERATION, "gen_ai.operation.name" },
	{ OTLP_OPERATION, "llm.request.type" },
	{ OTLP_OPENINFERENCE_KIND, "openinference.span.kind" },
	{ OTLP_TRACELOOP_KIND, "traceloop.span.kind" },
	{ OTLP_LANGFUSE_KIND, "langfuse.observation.type" },
	{ OTLP_LANGSMITH_KIND, "langsmith.span.kind" },
	{ OTLP_MLFLOW_KIND, "mlflow.spanType" },
	{ OTLP_AI_SDK_OPERATION, "ai.operationId" },
	{ OTLP_AGENT_RUN, "final_result" },
	{ OTLP_AGENT_RUN, "all_messages_events" },
	{ OTLP_AGENT_RUN, "pydantic_ai.all_messages" },
	{ OTLP_USAGE_DETAILS, "langfuse.observation.usage_details" },
	{ OTLP_MLFLOW_USAGE, "mlflow.chat.tokenUsage" },
	{ OTLP_METADATA, "ai.response.providerMetadata" },
	{ OTLP_ANSWER, "output.value" },
	{ OTLP_ADK_ANSWER, "gcp.vertex.agent.llm_response" },
	{ OTLP_THOUGHTS, "gen_ai.usage.experimental.reasoning_tokens" },
};

static struct dict known;
static pthread_once_t known_once = PTHREAD_ONCE_INIT;

static void make_known(void)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		*dict_need(&known, text_of(names[i].name), NULL) = i + 1;
}

json_value *otlp_value(json_value *attribute)
{
	json_value *value = json_member(attribute, "value");
	return json_kind(value) == JSON_OBJECT && !json_next(json_first(value)) ? json_first(value)
										: NULL;
}

json_value *otlp_attribute(json_value *attributes, const char *name)
{
	if (json_kind(attributes) == JSON_OBJECT)
		return json_member(attributes, name);
	for (json_value *a = json_first(attributes); a; a = json_next(a))
		if (text_is(json_string(json_member(a, "key")), name))
			return otlp_value(a);
	return NULL;
}

void otlp_names_read(struct otlp_names *n, json_value *attributes)
{
	uint64_t at[OTLP_ROLES] = { 0 };
	const bool list = json_kind(attributes) == JSON_ARRAY;
	pthread_once(&known_once, make_known);
	*n = (struct otlp_names){ 0 };
	for (json_value *a = json_first(attributes); a; a = json_next(a)) {
		struct text name = list ? json_string(json_member(a, "key")) : text_of(json_key(a));
		json_value *v = list ? otlp_value(a) : a;
		const uint64_t *i = name.n ? dict_find(&known, name) : NULL;
		if (!i || json_number_or_string(v).n == 0)
			continue;
		const uint8_t role = names[*i - 1].role;
		/* one that sells nothing does not hide who does */
		if (role == OTLP_SELLER && spelling_is_framework(json_string(v)))
			continue;
		if (at[role] && at[role] <= *i)
			continue;
		at[role] = *i;
		n->value[role] = v;
	}
}

struct text otlp_text(const struct otlp_names *n, enum otlp_role role)
{
	struct text s = json_string(n->value[role]);
	if (s.n > 1 && *s.p == '"' && s.p[s.n - 1] == '"')
		s = (struct text){ s.p + 1, s.n - 2 };
	return s;
}

bool otlp_name_known(struct text name)
{
	pthread_once(&known_once, make_known);
	return dict_find(&known, name) != NULL;
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Operations of OpenTelemetry and of those who write their own in its place: that are calls, and
 * that hold calls or are none. */
static enum otlp_kind kind_of_operation(struct text op)
{
	if (text_is_one_of_caseless(op,
				    WORDS("chat", "text_completion", "embeddings",
					  "generate_content", "completion", "embedding", "response",
					  "responses", "messages", "acompletion", "aembedding",
					  "aresponses", "atext_completion", "anthropic_messages",
					  "call_llm", "llm", "inference", "chat_completion")))
		return OTLP_IS_CALL;
	if (text_is_one_of_caseless(op, WORDS("invoke_agent", "create_agent", "invoke_workflow",
					      "plan", "execute_tool", "retrieval", "agent_step",
					      "rerank", "user_prompt", "agent_call", "tool_call",
					      "handoff", "guardrail", "workflow", "agent", "tool",
					      "task", "evaluate", "search_memory", "update_memory",
					      "create_memory", "delete_memory", "upsert_memory",
					      "create_memory_store", "delete_memory_store")))
		return OTLP_HOLDS_CALLS;
	return OTLP_IS_UNKNOWN;
}

/* AI SDK: ai.generateText around ai.generateText.doGenerate. */
static bool is_ai_sdk_call(struct text id)
{
	return text_holds(id, ".do");
}

enum otlp_kind otlp_kind_of(const struct otlp_names *n, json_value *span)
{
	static const struct {
		enum otlp_role role;
		const char *calls[4];
	} kinds[] = {
		{ OTLP_OPENINFERENCE_KIND, { "LLM", "EMBEDDING", NULL } },
		{ OTLP_TRACELOOP_KIND, { "llm", NULL } },
		{ OTLP_LANGFUSE_KIND, { "generation", "embedding", NULL } },
		{ OTLP_LANGSMITH_KIND, { "llm", "embedding", NULL } },
		{ OTLP_MLFLOW_KIND, { "LLM", "CHAT_MODEL", "EMBEDDING", NULL } },
	};
	/* of all of them */
	static const char *const others[] = { "agent",	   "chain",	"tool",	     "retriever",
					      "reranker",  "guardrail", "evaluator", "prompt",
					      "workflow",  "task",	"session",   "span",
					      "event",	   "parser",	"memory",    "unknown",
					      "embedding", NULL };
	const struct text name = json_string(json_member(span, "name"));
	const struct text ai = json_string(n->value[OTLP_AI_SDK_OPERATION]);
	const struct text op = json_string(n->value[OTLP_OPERATION]);
	bool said = false;
	/* LiteLLM: what the proxy was asked, and what it sent on, around and within the call */
	if (text_is(name, "raw_gen_ai_request") || text_is(name, "Received Proxy Server Request"))
		return OTLP_HOLDS_CALLS;
	if (ai.n && !is_ai_sdk_call(ai))
		return OTLP_HOLDS_CALLS;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const struct text kind = otlp_text(n, kinds[i].role);
		if (kind.n && !text_is_one_of_caseless(kind, kinds[i].calls))
			return text_is_one_of_caseless(kind, others) ? OTLP_HOLDS_CALLS
								     : OTLP_IS_UNKNOWN;
		said |= kind.n != 0;
	}
	if (ai.n)
		return OTLP_IS_CALL;
	if (op.n) {
		const enum otlp_kind kind = kind_of_operation(op);
		return said && kind == OTLP_IS_UNKNOWN ? OTLP_IS_CALL : kind;
	}
	return !said && n->value[OTLP_AGENT_RUN] ? OTLP_HOLDS_CALLS : OTLP_IS_CALL;
}

int64_t otlp_step_of(const struct otlp_names *n, json_value *attributes)
{
	const struct text op = json_string(n->value[OTLP_OPERATION]);
	if (!text_is_one_of_caseless(op, WORDS("model_step", "agent_step")))
		return 0;
	const struct text place =
		json_number_or_string(otlp_attribute(attributes, "mastra.model_step.step_index"));
	return place.n && place.n < 6 ? strtoll(place.p, NULL, 10) + 1 : 1;
}

bool otlp_embeds(const struct otlp_names *n)
{
	static const enum otlp_role says[] = { OTLP_OPERATION,	      OTLP_OPENINFERENCE_KIND,
					       OTLP_LANGFUSE_KIND,    OTLP_LANGSMITH_KIND,
					       OTLP_MLFLOW_KIND,      OTLP_MODEL,
					       OTLP_AI_SDK_OPERATION, OTLP_ASKED_MODEL };
	static const char *const words[] = { "embed", "Embed", "EMBED" };
	bool found = false;
	for (size_t i = 0; i < sizeof says / sizeof *says; i++)
		for (size_t w = 0; w < sizeof words / sizeof *words; w++)
			found |= text_holds(json_string(n->value[says[i]]), words[w]);
	return found;
}

bool otlp_has_usage(const struct otlp_names *n)
{
	return n->value[RAW_PROMPT] || n->value[RAW_COMPLETION] || n->value[RAW_TOTAL] ||
	       n->value[OTLP_USAGE_DETAILS] || n->value[OTLP_MLFLOW_USAGE];
}

bool otlp_is_told_by_events(const struct otlp_item *item)
{
	static const char *const agents[] = { "codex", "gemini-cli", "qwen-code" };
	for (size_t i = 0; i < sizeof agents / sizeof *agents; i++)
		if (text_begins(item->scope, agents[i]) || text_begins(item->service, agents[i]))
			return true;
	return false;
}
