/*
 * The set of members is closed: whatever member of a payload gets another name, the usage that
 * comes out is the same, or the loss is told (refused, unpriced with the member named, or without
 * the model or instant that a price needs). Payloads of every shape below, and those of the case
 * files.
 */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "base/json.h"
#include "meter/formats/assemble.h"
#include "meter/formats/members.h"
#include "meter/read/doubts.h"

static const char *const payloads[] = {
	/* OpenAI chat, with every detail that is read */
	"{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1787536800,\"model\":\"m\","
	"\"service_tier\":\"priority\",\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":50,"
	"\"total_tokens\":150,\"prompt_tokens_details\":{\"cached_tokens\":40,\"audio_tokens\":7,"
	"\"text_tokens\":93},\"completion_tokens_details\":{\"reasoning_tokens\":20,"
	"\"accepted_prediction_tokens\":3,\"rejected_prediction_tokens\":2}}}",
	/* OpenAI responses */
	"{\"id\":\"r\",\"object\":\"response\",\"created_at\":1787536800,\"model\":\"m\","
	"\"service_tier\":\"flex\",\"max_output_tokens\":900,\"usage\":{\"input_tokens\":90,"
	"\"input_tokens_details\":{\"cached_tokens\":30,\"cache_write_input_tokens\":10},"
	"\"output_tokens\":9,\"output_tokens_details\":{\"reasoning_tokens\":4},"
	"\"total_tokens\":99}}",
	/* OpenAI realtime */
	"{\"id\":\"r\",\"object\":\"response\",\"created_at\":1787536800,\"model\":\"m\",\"usage\":"
	"{\"input_tokens\":90,\"output_tokens\":9,\"total_tokens\":99,\"input_token_details\":"
	"{\"cached_tokens\":30,\"text_tokens\":50,\"audio_tokens\":40,\"cached_tokens_details\":"
	"{\"text_tokens\":20,\"audio_tokens\":10}},\"output_token_details\":{\"text_tokens\":4,"
	"\"audio_tokens\":5}}}",
	/* Anthropic */
	"{\"id\":\"b\",\"type\":\"message\",\"model\":\"m\",\"created\":1787536800,\"usage\":{"
	"\"input_tokens\":5,\"cache_creation_input_tokens\":30,\"cache_read_input_tokens\":7,"
	"\"cache_creation\":{\"ephemeral_5m_input_tokens\":10,\"ephemeral_1h_input_tokens\":20},"
	"\"output_tokens\":9,\"service_tier\":\"batch\",\"speed\":\"fast\",\"inference_geo\":\"us\","
	"\"server_tool_use\":{\"web_search_requests\":3,\"web_fetch_requests\":2},\"iterations\":["
	"{\"type\":\"message\",\"input_tokens\":5,\"output_tokens\":9},"
	"{\"type\":\"advisor_message\",\"model\":\"n\",\"input_tokens\":50,\"output_tokens\":90},"
	"{\"type\":\"compaction\",\"input_tokens\":500,\"output_tokens\":900}]}}",
	/* its stream */
	"{\"type\":\"message_start\",\"message\":{\"id\":\"s\",\"model\":\"m\",\"usage\":{"
	"\"input_tokens\":5,\"cache_read_input_tokens\":7,\"output_tokens\":1,\"speed\":\"fast\"}},"
	"\"time\":\"2026-03-01T10:00:00Z\"}\n"
	"{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":80,\"input_tokens\":5}}\n"
	"{\"type\":\"message_stop\"}",
	/* Gemini */
	"{\"responseId\":\"g\",\"modelVersion\":\"m\",\"createTime\":\"2026-03-01T10:00:00Z\","
	"\"usageMetadata\":{\"promptTokenCount\":100,\"cachedContentTokenCount\":30,"
	"\"candidatesTokenCount\":20,\"thoughtsTokenCount\":5,\"totalTokenCount\":125,"
	"\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":60},{\"modality\":"
	"\"AUDIO\",\"tokenCount\":40}]}}",
	/* OpenRouter */
	"{\"id\":\"gen-1\",\"provider\":\"DeepSeek\",\"model\":\"m\",\"object\":"
	"\"chat.completion\",\"created\":1788400000,\"usage\":{\"prompt_tokens\":800,"
	"\"completion_tokens\":90,\"total_tokens\":890,\"cost\":0.5,\"is_byok\":true,"
	"\"cost_details\":{\"upstream_inference_cost\":0.0064}}}",
	/* Bedrock */
	"{\"modelId\":\"m\",\"time\":\"2026-03-01T10:00:00Z\",\"usage\":{\"inputTokens\":10,"
	"\"outputTokens\":5,\"totalTokens\":18,\"cacheReadInputTokens\":3}}",
	/* LangChain */
	"{\"model\":\"m\",\"created\":1787536800,\"usage\":{\"input_tokens\":100,"
	"\"output_tokens\":10,\"total_tokens\":110,\"input_token_details\":{\"cache_read\":20,"
	"\"cache_creation\":30,\"audio\":5},\"output_token_details\":{\"reasoning\":4}}}",
	/* Cohere */
	"{\"id\":\"co\",\"model\":\"m\",\"created\":1787536800,\"usage\":{\"billed_units\":{"
	"\"input_tokens\":10,\"output_tokens\":3},\"tokens\":{\"input_tokens\":99,"
	"\"output_tokens\":3}}}",
	/* gateways and tracers */
	"{\"id\":\"l\",\"call_type\":\"completion\",\"model\":\"m\",\"response_cost\":0.5,"
	"\"startTime\":1787536800,\"cache_hit\":null,\"prompt_tokens\":100,"
	"\"completion_tokens\":5,\"total_tokens\":105,\"metadata\":{\"usage_object\":{"
	"\"prompt_tokens\":100,\"completion_tokens\":5,\"total_tokens\":105,"
	"\"prompt_tokens_details\":{\"cached_tokens\":60}}}}",
	"{\"id\":\"lf\",\"model\":\"m\",\"startTime\":\"2026-03-01T10:00:00Z\",\"usageDetails\":{"
	"\"input\":80,\"input_cached_tokens\":30,\"output\":40,\"total\":150}}",
	"{\"id\":\"cf\",\"model\":\"m\",\"success\":true,\"cached\":false,\"created_at\":"
	"\"2026-03-01T10:00:00Z\",\"tokens_in\":10,\"tokens_out\":4,\"cost\":0.1}",
	/* Claude Code */
	"{\"type\":\"assistant\",\"sessionId\":\"s\",\"cwd\":\"/p\",\"uuid\":\"u\",\"timestamp\":"
	"\"2026-03-01T10:00:00Z\",\"requestId\":\"req_1\",\"message\":{\"id\":\"msg_1\",\"model\":"
	"\"m\",\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":3,"
	"\"cache_creation_input_tokens\":30,\"cache_read_input_tokens\":5,\"output_tokens\":9,"
	"\"cache_creation\":{\"ephemeral_5m_input_tokens\":10,\"ephemeral_1h_input_tokens\":20},"
	"\"service_tier\":\"priority\",\"server_tool_use\":{\"web_search_requests\":2}}}}\n"
	"{\"type\":\"assistant\",\"sessionId\":\"s\",\"cwd\":\"/p\",\"uuid\":\"v\",\"timestamp\":"
	"\"2026-03-01T10:01:00Z\",\"requestId\":\"req_2\",\"message\":{\"id\":\"msg_2\",\"model\":"
	"\"m\",\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":4,\"output_tokens\":8}}}",
	/* Codex, with records of answers */
	"{\"timestamp\":\"2026-03-01T10:00:00Z\",\"type\":\"session_meta\",\"payload\":{\"id\":"
	"\"t\",\"cwd\":\"/p\"}}\n"
	"{\"timestamp\":\"2026-03-01T10:00:00Z\",\"type\":\"turn_context\",\"payload\":{\"model\":"
	"\"m\",\"effort\":\"high\"}}\n"
	"{\"timestamp\":\"2026-03-01T10:00:01Z\",\"type\":\"token_usage_record\",\"payload\":{"
	"\"response_id\":\"resp_1\",\"thread_id\":\"t\",\"usage\":{\"input_tokens\":10,"
	"\"cached_input_tokens\":4,\"output_tokens\":5,\"reasoning_output_tokens\":2,"
	"\"total_tokens\":15}}}",
	/* and without */
	"{\"timestamp\":\"2026-03-01T10:00:00Z\",\"type\":\"session_meta\",\"payload\":{\"id\":"
	"\"t\",\"cwd\":\"/p\"}}\n"
	"{\"timestamp\":\"2026-03-01T10:00:00Z\",\"type\":\"turn_context\",\"payload\":{\"model\":"
	"\"m\"}}\n"
	"{\"timestamp\":\"2026-03-01T10:00:01Z\",\"type\":\"event_msg\",\"payload\":{\"type\":"
	"\"token_count\",\"info\":{\"total_token_usage\":{\"input_tokens\":10,"
	"\"cached_input_tokens\":4,\"output_tokens\":5,\"reasoning_output_tokens\":2,"
	"\"total_tokens\":15},\"last_token_usage\":{\"input_tokens\":10,"
	"\"cached_input_tokens\":4,\"output_tokens\":5,\"reasoning_output_tokens\":2,"
	"\"total_tokens\":15},\"model_context_window\":258400}}}",
	/* agents that write each call once */
	"{\"type\":\"message\",\"timestamp\":\"2026-03-01T10:00:00Z\",\"message\":{\"responseId\":"
	"\"p\",\"model\":\"m\",\"timestamp\":\"2026-03-01T10:00:00Z\",\"usage\":{\"input\":4,"
	"\"output\":7,\"cacheRead\":9,\"cacheWrite\":3,\"totalTokens\":23,\"cost\":{\"total\":"
	"0.1}}}}",
	"{\"type\":\"session.usage_record\",\"timestamp\":\"2026-03-01T10:00:00Z\",\"data\":{"
	"\"usage\":{\"apiCallId\":\"q\",\"model\":\"m\",\"inputTokens\":10,\"outputTokens\":5,"
	"\"cacheReadTokens\":3,\"cacheWriteTokens\":2,\"reasoningTokens\":1,\"duration\":233}}}",
	"{\"type\":\"gemini\",\"id\":\"k\",\"timestamp\":\"2026-03-01T10:00:00Z\",\"model\":\"m\","
	"\"tokens\":{\"input\":12,\"output\":5,\"cached\":10,\"thoughts\":3,\"tool\":2,"
	"\"total\":22}}",
	"{\"id\":\"s\",\"system_prompt\":\"x\",\"messages\":[{\"id\":\"c\",\"ts\":1781517600000,\"modelInfo\":{"
	"\"id\":\"m\",\"provider\":\"p\"},\"metrics\":{\"inputTokens\":12,\"outputTokens\":5,\"cacheReadTokens\":7,"
	"\"cacheWriteTokens\":3}}]}",
	"{\"type\":\"llm.request\",\"model\":\"m\"}\n"
	"{\"type\":\"context.append_loop_event\",\"time\":1781517600000,\"event\":{\"type\":\"step.end\",\"messageId\":"
	"\"k\",\"usage\":{\"inputOther\":4,\"output\":7,\"inputCacheRead\":9,\"inputCacheCreation\":3}}}",
	/* of which each call is said twice */
	"{\"uuid\":\"u\",\"sessionId\":\"s\",\"timestamp\":\"2026-03-01T10:00:00Z\",\"type\":\"system\",\"subtype\":"
	"\"ui_telemetry\",\"systemPayload\":{\"uiEvent\":{\"event.name\":\"qwen-code.api_response\","
	"\"event.timestamp\":\"2026-03-01T10:00:00Z\",\"response_id\":\"q\",\"model\":\"m\",\"input_token_count\":20,"
	"\"output_token_count\":9,\"cached_content_token_count\":8,\"thoughts_token_count\":2,"
	"\"total_token_count\":29}}}",
	"{\"uuid\":\"v\",\"sessionId\":\"s\",\"timestamp\":\"2026-03-01T10:00:00Z\",\"type\":\"assistant\",\"model\":"
	"\"m\",\"usageMetadata\":{\"promptTokenCount\":20,\"candidatesTokenCount\":9,\"thoughtsTokenCount\":2,"
	"\"cachedContentTokenCount\":8,\"totalTokenCount\":29}}",
	/* Vertex, as Python's client writes it */
	"{\"response_id\":\"g\",\"model_version\":\"m\",\"create_time\":\"2026-03-01T10:00:00Z\","
	"\"usage_metadata\":{\"prompt_token_count\":100,\"candidates_token_count\":20,"
	"\"total_token_count\":120,\"traffic_type\":\"PROVISIONED_THROUGHPUT\"}}",
	/* telemetry */
	"{\"event.name\":\"claude_code.api_request\",\"event.timestamp\":\"2026-03-01T10:00:00Z\","
	"\"request_id\":\"req_1\",\"model\":\"m\",\"input_tokens\":4,\"output_tokens\":5,"
	"\"cache_read_tokens\":6,\"cache_creation_tokens\":7,\"cost_usd\":0.1,\"speed\":\"fast\"}",
	/* newer agents */
	"{\"timestamp\":1781517600,\"method\":\"_x.ai/session/update\",\"params\":{\"sessionId\":\"s\",\"update\":{\"sessionUpdate\":\"turn_completed\",\"prompt_id\":\"p\",\"usage\":{\"inputTokens\":1000,\"totalTokens\":1050,\"outputTokens\":50,\"modelUsage\":{\"m\":{\"inputTokens\":1000,\"cachedReadTokens\":800,\"outputTokens\":50,\"reasoningTokens\":7,\"totalTokens\":1050,\"modelCalls\":3}}}}}}",
	"{\"type\":\"message\",\"id\":\"i\",\"timestamp\":1781517600000,\"sessionId\":\"s\",\"providerData\":{\"messageId\":\"m1\",\"requestModelId\":\"m\",\"rawUsage\":{\"prompt_tokens\":100,\"completion_tokens\":20,\"total_tokens\":120,\"prompt_cache_hit_tokens\":60,\"completion_thinking_tokens\":5}}}",
	"{\"session_id\":\"v1\",\"start_time\":\"2026-06-15T10:00:00Z\",\"stats\":{\"steps\":4,\"session_prompt_tokens\":5000,\"session_completion_tokens\":100},\"config\":{\"active_model\":\"m\"}}",
	"{\"data\":[{\"start_time\":1781481600,\"end_time\":1781568000,\"results\":[{\"model\":\"m\",\"num_model_requests\":2,\"input_tokens\":1000,\"input_cached_tokens\":400,\"output_tokens\":10,\"input_audio_tokens\":3}]}],\"has_more\":false}",
	"{\"custom_id\":\"c\",\"result\":{\"type\":\"succeeded\",\"message\":{\"id\":\"b\",\"type\":\"message\",\"model\":\"m\",\"created\":1787536800,\"usage\":{\"input_tokens\":5,\"output_tokens\":9}}}}",
	/* what bills beside the usage: tools of vendors, in the answers of each */
	"{\"id\":\"r\",\"object\":\"response\",\"created_at\":1787536800,\"model\":\"m\",\"output\":["
	"{\"id\":\"ws\",\"type\":\"web_search_call\",\"status\":\"completed\",\"action\":{\"type\":\"search\","
	"\"query\":\"a\"}},{\"id\":\"fs\",\"type\":\"file_search_call\",\"queries\":[\"a\"]},{\"id\":\"o\",\"type\":"
	"\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"x\",\"annotations\":[]}]}],\"tools\":["
	"{\"type\":\"web_search_preview\"},{\"type\":\"file_search\"}],\"usage\":{\"input_tokens\":100,"
	"\"output_tokens\":20,\"total_tokens\":120}}",
	"{\"id\":\"r\",\"object\":\"response\",\"created_at\":1787536800,\"model\":\"m\",\"output\":[],"
	"\"tool_usage\":{\"web_search\":{\"num_requests\":3}},\"usage\":{\"input_tokens\":100,"
	"\"output_tokens\":20,\"total_tokens\":120}}",
	"{\"id\":\"a\",\"type\":\"message\",\"model\":\"m\",\"created\":1787536800,\"content\":[{\"type\":"
	"\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\",\"input\":{\"query\":\"x\"}},{\"type\":\"text\","
	"\"text\":\"x\"}],\"usage\":{\"input_tokens\":100,\"output_tokens\":20}}",
	"{\"responseId\":\"g\",\"modelVersion\":\"gemini-3\",\"createTime\":\"2026-06-15T10:00:00Z\","
	"\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]},\"finishReason\":\"STOP\",\"groundingMetadata\":{"
	"\"webSearchQueries\":[\"a\",\"b\"],\"searchEntryPoint\":{\"renderedContent\":\"x\"},\"groundingChunks\":["
	"{\"web\":{\"uri\":\"x\"}}]}}],\"usageMetadata\":{\"promptTokenCount\":100,\"candidatesTokenCount\":20,"
	"\"totalTokenCount\":120}}",
	"{\"responseId\":\"g\",\"modelVersion\":\"gemini-2.5-flash\",\"createTime\":\"2026-06-15T10:00:00Z\","
	"\"candidates\":[{\"finishReason\":\"STOP\",\"groundingMetadata\":{\"groundingChunks\":[{\"maps\":{\"uri\":"
	"\"x\"}}]}}],\"usageMetadata\":{\"promptTokenCount\":100,\"candidatesTokenCount\":20,"
	"\"totalTokenCount\":120}}",
	"{\"id\":\"k\",\"object\":\"chat.completion\",\"created\":1787536800,\"model\":\"m\",\"choices\":[{\"index\":0,"
	"\"finish_reason\":\"tool_calls\",\"message\":{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"t\",\"type\":"
	"\"builtin_function\",\"function\":{\"name\":\"$web_search\",\"arguments\":\"{}\"}}]}}],\"usage\":{"
	"\"prompt_tokens\":100,\"completion_tokens\":20,\"total_tokens\":120}}",
	"{\"id\":\"z\",\"object\":\"chat.completion\",\"created\":1787536800,\"model\":\"m\",\"choices\":[{\"index\":0,"
	"\"message\":{\"content\":\"x\"}}],\"web_search\":[{\"title\":\"t\",\"link\":\"l\"}],\"usage\":{"
	"\"prompt_tokens\":100,\"completion_tokens\":20,\"total_tokens\":120,\"search_context_size\":\"low\"}}",
	"{\"object\":\"conversation.response\",\"conversation_id\":\"c\",\"created_at\":1787536800,\"outputs\":["
	"{\"type\":\"tool.execution\",\"name\":\"web_search\"},{\"type\":\"message.output\",\"model\":\"m\"}],\"usage\":{"
	"\"prompt_tokens\":188,\"completion_tokens\":55,\"total_tokens\":7355,\"connector_tokens\":7112,"
	"\"connectors\":{\"web_search\":1}}}",
	/* frameworks: what a vendor says stands in a part of its own */
	"{\"usage\":{\"inputTokens\":10,\"outputTokens\":5,\"totalTokens\":15},\"finishReason\":\"stop\",\"response\":{"
	"\"id\":\"x\",\"modelId\":\"gemini-3\",\"timestamp\":\"2026-06-15T10:00:00Z\"},\"providerMetadata\":{\"google\":{"
	"\"groundingMetadata\":{\"webSearchQueries\":[\"a\"]},\"usageMetadata\":{\"promptTokenCount\":10,"
	"\"candidatesTokenCount\":5,\"totalTokenCount\":15}}}}",
	"{\"usage\":{\"promptTokens\":4,\"completionTokens\":60,\"totalTokens\":64},\"finishReason\":\"stop\","
	"\"response\":{\"id\":\"x\",\"modelId\":\"m\",\"timestamp\":\"2026-06-15T10:00:00Z\"},\"providerMetadata\":{"
	"\"anthropic\":{\"cacheCreationInputTokens\":787,\"cacheReadInputTokens\":100}}}",
	"{\"usage\":{\"inputTokens\":10,\"outputTokens\":5,\"totalTokens\":15},\"finishReason\":\"stop\",\"content\":[{"
	"\"type\":\"tool-call\",\"toolName\":\"web_search\",\"toolCallId\":\"t\",\"providerExecuted\":true},{\"type\":"
	"\"text\",\"text\":\"x\"}],\"response\":{\"id\":\"x\",\"modelId\":\"m\",\"timestamp\":\"2026-06-15T10:00:00Z\"},"
	"\"providerMetadata\":{\"openai\":{\"serviceTier\":\"flex\"}}}",
	"{\"type\":\"ai\",\"id\":\"x\",\"created\":1787536800,\"usage_metadata\":{\"input_tokens\":10,\"output_tokens\":5,"
	"\"total_tokens\":15},\"response_metadata\":{\"model_name\":\"gemini-3\",\"created\":1787536800,"
	"\"grounding_metadata\":{\"web_search_queries\":[\"a\",\"b\"]}}}",
	/* results of batches, whose lines have members of their own */
	"{\"id\":\"b1\",\"custom_id\":\"r1\",\"response\":{\"status_code\":200,\"request_id\":\"q1\",\"body\":{\"id\":\"c1\","
	"\"object\":\"chat.completion\",\"created\":1790000000,\"model\":\"m\",\"choices\":[],\"usage\":{"
	"\"prompt_tokens\":1000,\"completion_tokens\":100,\"total_tokens\":1100}}},\"error\":null}",
	"{\"status\":\"\",\"processed_time\":\"2026-06-15T10:00:00Z\",\"request\":{\"contents\":[{\"role\":\"user\"}]},"
	"\"response\":{\"responseId\":\"v\",\"modelVersion\":\"m\",\"createTime\":\"2026-06-15T10:00:00Z\","
	"\"usageMetadata\":{\"promptTokenCount\":100,\"candidatesTokenCount\":20,\"totalTokenCount\":120}}}",
	"{\"key\":\"k1\",\"response\":{\"responseId\":\"v2\",\"modelVersion\":\"m\",\"createTime\":"
	"\"2026-06-15T10:00:00Z\",\"usageMetadata\":{\"promptTokenCount\":100,\"candidatesTokenCount\":20,"
	"\"totalTokenCount\":120}}}",
	/* pages of rows, and a log of invocations */
	"{\"result\":[{\"id\":\"cf\",\"model\":\"m\",\"success\":true,\"cached\":false,\"created_at\":"
	"\"2026-03-01T10:00:00Z\",\"tokens_in\":10,\"tokens_out\":4,\"cost\":0.1}]}",
	"{\"data\":[{\"starting_at\":\"2026-06-15T00:00:00Z\",\"ending_at\":\"2026-06-16T00:00:00Z\",\"results\":[{"
	"\"model\":\"m\",\"uncached_input_tokens\":1200,\"cache_creation\":{\"ephemeral_1h_input_tokens\":300,"
	"\"ephemeral_5m_input_tokens\":500},\"cache_read_input_tokens\":40000,\"output_tokens\":800,"
	"\"server_tool_use\":{\"web_search_requests\":3}}]}],\"has_more\":false}",
	"{\"schemaType\":\"ModelInvocationLog\",\"timestamp\":\"2026-06-15T10:00:00Z\",\"requestId\":\"q\",\"modelId\":"
	"\"m\",\"region\":\"us-east-1\",\"input\":{\"inputTokenCount\":100,\"cacheReadInputTokenCount\":50},\"output\":{"
	"\"outputTokenCount\":30}}",
	/* spans, and events of agents in their envelope */
	"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"t\",\"spanId\":\"s\",\"name\":\"chat m\","
	"\"startTimeUnixNano\":\"1781517600000000000\",\"endTimeUnixNano\":\"1781517601000000000\","
	"\"attributes\":[{\"key\":\"gen_ai.response.model\",\"value\":{\"stringValue\":\"m\"}},"
	"{\"key\":\"gen_ai.usage.input_tokens\",\"value\":{\"intValue\":\"100\"}},"
	"{\"key\":\"gen_ai.usage.cache_read.input_tokens\",\"value\":{\"intValue\":\"60\"}},"
	"{\"key\":\"gen_ai.usage.reasoning.output_tokens\",\"value\":{\"intValue\":7}},"
	"{\"key\":\"gen_ai.usage.output_tokens\",\"value\":{\"intValue\":\"20\"}}]}]}]}]}",
	"{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"1781517600000000000\",\"body\":{"
	"\"stringValue\":\"claude_code.api_request\"},\"attributes\":[{\"key\":\"model\",\"value\":{\"stringValue\":"
	"\"m\"}},{\"key\":\"request_id\",\"value\":{\"stringValue\":\"r\"}},{\"key\":\"input_tokens\",\"value\":{"
	"\"intValue\":4}},{\"key\":\"output_tokens\",\"value\":{\"intValue\":5}},{\"key\":\"cache_read_tokens\","
	"\"value\":{\"intValue\":6}},{\"key\":\"cache_creation_tokens\",\"value\":{\"intValue\":7}}]}]}]}]}",
	"{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"attributes\":[{\"key\":\"event.name\",\"value\":{"
	"\"stringValue\":\"codex.sse_event\"}},{\"key\":\"event.kind\",\"value\":{\"stringValue\":"
	"\"response.completed\"}},{\"key\":\"event.timestamp\",\"value\":{\"stringValue\":"
	"\"2026-06-15T10:00:00Z\"}},{\"key\":\"conversation.id\",\"value\":{\"stringValue\":\"c\"}},{\"key\":"
	"\"model\",\"value\":{\"stringValue\":\"m\"}},{\"key\":\"input_token_count\",\"value\":{\"stringValue\":"
	"\"100\"}},{\"key\":\"output_token_count\",\"value\":{\"stringValue\":\"20\"}},{\"key\":"
	"\"cached_token_count\",\"value\":{\"stringValue\":\"60\"}}]}]}]}]}",
	/* rows of gateways, and of a model at home */
	"{\"id\":5,\"type\":2,\"created_at\":1781517600,\"token_name\":\"t\",\"model_name\":\"m\",\"quota\":9,"
	"\"prompt_tokens\":100,\"completion_tokens\":20,\"other\":{\"model_ratio\":1.5,\"cache_tokens\":60}}",
	"{\"model\":\"m\",\"created_at\":\"2026-06-15T10:00:00Z\",\"done\":true,\"total_duration\":5,"
	"\"prompt_eval_count\":26,\"prompt_eval_duration\":3,\"eval_count\":298,\"eval_duration\":9}",
	"{\"data\":{\"id\":\"g\",\"model\":\"m\",\"created_at\":\"2026-06-15T10:00:00Z\",\"total_cost\":0.5,"
	"\"native_tokens_prompt\":100,\"native_tokens_completion\":20,\"native_tokens_cached\":60}}",
	/* metrics */
	"{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"claude_code.token.usage\",\"sum\":{"
	"\"aggregationTemporality\":1,\"isMonotonic\":true,\"dataPoints\":[{\"startTimeUnixNano\":"
	"\"1781517540000000000\",\"timeUnixNano\":\"1781517600000000000\",\"asInt\":\"100\",\"attributes\":[{\"key\":"
	"\"type\",\"value\":{\"stringValue\":\"input\"}},{\"key\":\"model\",\"value\":{\"stringValue\":\"m\"}}]}]}}]}]}]}",
};

struct seen {
	struct assembly *calls;
	int refused;
	char why[600];
};

static void take(void *user, const struct metered *m)
{
	struct seen *s = user;
	assembly_add(s->calls, m);
}

static void refuse(void *user, int64_t line, struct text raw, const struct err *why)
{
	struct seen *s = user;
	(void)line;
	(void)raw;
	s->refused++;
	snprintf(s->why, sizeof s->why, "%s", why->message);
}

/* A cost that is not told prices nothing, and a call that only it prices has none then. */
static bool without_stated;

static bool holds(struct text t, const char *word)
{
	return t.n && memmem(t.p, t.n, word, strlen(word)) != NULL;
}

/* What decides the price of what the text holds; *told: something is missing, and that is said. */
static void outcome(struct buf *out, const char *text, bool *told)
{
	struct seen s = { .calls = assembly_open(true) };
	struct payload_reader *r = payload_open(&(struct payload_sink){ &s, take, refuse });
	int64_t n = 0;
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n");
		payload_line(r, (struct text){ p, len }, ++n);
		p += len + (p[len] == '\n');
	}
	payload_finish(r);
	*told = s.refused > 0 || payload_doubts(r)->columns.n > 0;
	payload_close(r);
	out->n = 0;
	buf_puts(out, "");
	for (size_t i = 0; i < assembly_count(s.calls); i++) {
		const struct metered *m = assembly_call(s.calls, i);
		const struct record *c = &m->record;
		/* a word that is no tier, or no region, has no price */
		*told |= text_is(c->text[FIELD_REGION], "word") ||
			 text_is(c->text[FIELD_REGION], "1.5") ||
			 text_is(c->text[FIELD_REGION], "-1");
		*told |= holds(c->text[FIELD_SERVICE_TIER], "word") ||
			 holds(c->text[FIELD_SERVICE_TIER], "1");
		*told |= m->unread || m->broken_off || c->text[FIELD_MODEL].n == 0 ||
			 (c->time_us == TIME_ABSENT && c->completed_us == TIME_ABSENT);
		buf_printf(out, "%.*s/%.*s/%.*s", (int)c->text[FIELD_MODEL].n,
			   c->text[FIELD_MODEL].p, (int)c->text[FIELD_SERVICE_TIER].n,
			   c->text[FIELD_SERVICE_TIER].p, (int)c->text[FIELD_REGION].n,
			   c->text[FIELD_REGION].p);
		for (int k = 0; k < COUNT_KINDS; k++)
			buf_printf(out, " %lld", (long long)c->counts[k]);
		/* an estimate is no price */
		if (m->stated.given && !m->stated.estimate && !without_stated)
			buf_printf(out, ", stated %lld", (long long)m->stated.amount.pico);
		buf_puts(out, "\n");
		if (m->stated.given && m->stated.amount.pico < 0)
			fail_msg("a cost below zero: %s", text);
	}
	assembly_close(s.calls);
}

static const char after[] = "7 behind it", listed[] = "a list of it",
		  nested[] = "an object that holds it", wrapped[] = "it in an object beside",
		  beside[] = "a count of no known name before it";

/* What is put before a member as `beside`. */
static const char *put_beside = "\"zork_count\":7,";

/* What becomes of the member number `at` of a document: another name (as a format of its own),
 * another value or, as `listed` and so on, what it was in something else, or (neither, or `after`)
 * that member twice, before or behind what it was. A text under a name that says nothing cannot be
 * told from any other, so a format that begins with z is for what counts. */
struct edit {
	int at;
	const char *format, *value;
	int members;	    /* passed so far */
	struct buf *edited; /* the name of the member */
};

/* snake_case for camelCase and the other way round: a name that another format may have. */
static void put_other_style(struct buf *b, const char *key)
{
	const bool snake = strchr(key, '_') != NULL;
	for (const char *p = key; *p; p++)
		if (snake && *p == '_' && p[1] >= 'a' && p[1] <= 'z')
			buf_printf(b, "%c", *++p - 'a' + 'A');
		else if (!snake && *p >= 'A' && *p <= 'Z' && p > key)
			buf_printf(b, "_%c", *p - 'A' + 'a');
		else
			buf_printf(b, "%c", *p);
}

static const char other_style[] = "the other style";

static void put_edited(struct buf *b, json_value *v, struct edit *e)
{
	const bool list = json_kind(v) == JSON_ARRAY;
	bool first = true;
	if (!list && json_kind(v) != JSON_OBJECT) {
		json_put_value(b, v);
		return;
	}
	buf_puts(b, list ? "[" : "{");
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		const bool here = !list && e->members++ == e->at &&
				  !(e->format && *e->format == 'z' && json_kind(m) != JSON_NUMBER);
		const bool again = here && !e->format && (!e->value || e->value == after);
		for (int nth = 0; nth <= again; nth++) {
			buf_puts(b, first ? "" : ",");
			first = false;
			if (!list) {
				struct buf key = { 0 };
				if (here && e->format == other_style)
					put_other_style(&key, json_key(m));
				else
					buf_printf(&key, here && e->format ? e->format : "%s",
						   json_key(m));
				if (here && e->value == beside)
					buf_puts(b, put_beside);
				if (here && e->value == wrapped)
					buf_puts(b, "\"zork\":{");
				json_put_string(b, (struct text){ key.p, key.n });
				buf_puts(b, ":");
				buf_release(&key);
			}
			if (again && nth == (e->value == after))
				buf_puts(b, "7");
			else if (here && (e->value == listed || e->value == nested ||
					  e->value == wrapped || e->value == beside)) {
				buf_puts(b, e->value == listed	 ? "["
					    : e->value == nested ? "{\"zork\":"
								 : "");
				put_edited(b, m, e);
				buf_puts(b, e->value == listed	 ? "]"
					    : e->value == beside ? ""
								 : "}");
			} else if (here && e->value && !again)
				buf_puts(b, e->value);
			else
				put_edited(b, m, e);
		}
		if (here)
			buf_puts(e->edited, json_key(m));
	}
	buf_puts(b, list ? "]" : "}");
}

/* Every member of every line under another name: how many lose something silently. */
static int mutate(const char *name, const char *text, const char *format, int *tried)
{
	struct buf was = { 0 }, now = { 0 }, changed = { 0 }, renamed = { 0 };
	bool told;
	int silent = 0;
	outcome(&was, text, &told);
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n"), skip = strncmp(line, "data: ", 6) == 0 ? 6 : 0;
		struct json_document *doc;
		if (json_open(&doc, (struct text){ line + skip, len - skip }, NULL) == 0) {
			int members = 1;
			for (int at = 0; at < members; at++) {
				changed.n = renamed.n = 0;
				struct edit e = { .at = at, .format = format, .edited = &renamed };
				buf_add(&changed, text, (size_t)(line - text) + skip);
				put_edited(&changed, json_root(doc), &e);
				members = e.members;
				buf_puts(&changed, line + len);
				outcome(&now, changed.p, &told);
				++*tried;
				/* m as a key is the name of a model, which is another then */
				if (told || strcmp(was.p, now.p) == 0 ||
				    (renamed.n && strcmp(renamed.p, "m") == 0))
					continue;
				/* the same calls: a line that is printed comes after those of a log
				 */
				if (format == other_style && strcmp(renamed.p, "sessionId") == 0 &&
				    was.n == now.n)
					continue;
				print_message("# %s: without '%s' it is silently\n%s instead "
					      "of\n%s",
					      name, renamed.p, now.p, was.p);
				silent++;
			}
			json_close(doc);
		}
		line += len + (line[len] == '\n');
	}
	buf_release(&was);
	buf_release(&now);
	buf_release(&changed);
	buf_release(&renamed);
	return silent;
}

/* What else a value may be: of another kind, or a count that is none. `n` stands for the number
 * that it was. */
static const char *const other_values[] = { "\"word\"", "1.5",	     "-1",   "99999999999999999999",
					    "true",	"{\"n\":7}", "[7]",  "\"\"",
					    "\"-1\"",	"\"1.5\"",   "1e30", "[{\"n\":7}]" };

/* Names, of which another one is another call or model; what says that nothing is billed; and the
 * envelopes around the usage, without which there is none. */
static bool may_change(const char *key, const char *value)
{
	static const char *const names[] = { "id",
					     "model",
					     "sessionId",
					     "uuid",
					     "requestId",
					     "cwd",
					     "session_id",
					     "request_id",
					     "apiCallId",
					     "thread_id",
					     "modelId",
					     "modelVersion",
					     "model_version",
					     "model_name",
					     "active_model",
					     "requestModelId",
					     "message",
					     "messages",
					     "systemPayload",
					     "uiEvent",
					     "payload",
					     "info",
					     "data",
					     "result",
					     "providerData",
					     "tokens",
					     "resourceSpans",
					     "resourceMetrics",
					     "resourceLogs",
					     "amazon-bedrock-invocationMetrics",
					     NULL };
	for (const char *const *n = names; *n; n++)
		if (strcmp(*n, key) == 0)
			return true;
	/* what was asked for, and the name of a line of a batch */
	if (value == wrapped && (strcmp(key, "tools") == 0 || strcmp(key, "key") == 0))
		return true;
	/* a region, which has a price in the cards or none */
	if (value && *value == '"' && strcmp(key, "inference_geo") == 0)
		return true;
	if (value && *value == '{' && (strcmp(key, "metadata") == 0 || strcmp(key, "other") == 0))
		return true;
	return value && strcmp(value, "true") == 0 &&
	       (strcmp(key, "cached") == 0 || strcmp(key, "cache_hit") == 0);
}

/* Every member of every line with another value: how many change the outcome silently. */
static int mutate_values(const char *name, const char *text, const char *value, int *tried)
{
	struct buf was = { 0 }, now = { 0 }, changed = { 0 }, key = { 0 };
	bool told;
	int silent = 0;
	without_stated = true;
	outcome(&was, text, &told);
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n"), skip = strncmp(line, "data: ", 6) == 0 ? 6 : 0;
		struct json_document *doc;
		if (json_open(&doc, (struct text){ line + skip, len - skip }, NULL) == 0) {
			int members = 1;
			for (int at = 0; at < members; at++) {
				struct edit e = { .at = at, .value = value, .edited = &key };
				changed.n = key.n = 0;
				buf_add(&changed, text, (size_t)(line - text) + skip);
				put_edited(&changed, json_root(doc), &e);
				/* what is empty is not told */
				if (value && strcmp(value, "\"\"") == 0) {
					struct buf absent = { 0 }, again = { 0 };
					struct edit none = { .at = at,
							     .value = "null",
							     .edited = &again };
					buf_add(&absent, text, (size_t)(line - text) + skip);
					put_edited(&absent, json_root(doc), &none);
					buf_puts(&absent, line + len);
					outcome(&was, absent.p, &told);
					buf_release(&absent);
					buf_release(&again);
					if (told)
						continue;
				}
				members = e.members > members ? e.members : members;
				if (!key.n)
					break;
				buf_puts(&changed, line + len);
				outcome(&now, changed.p, &told);
				++*tried;
				if (told || strcmp(was.p, now.p) == 0 || may_change(key.p, value))
					continue;
				print_message("# %s: '%s' as %s is silently\n%s instead of\n%s",
					      name, key.p, value ? value : "two of it", now.p,
					      was.p);
				silent++;
			}
			json_close(doc);
		}
		line += len + (line[len] == '\n');
	}
	buf_release(&was);
	buf_release(&now);
	buf_release(&changed);
	buf_release(&key);
	without_stated = false;
	return silent;
}

/* The document of a line, edited, in its place: whether that is told, and whether the calls are the
 * same. */
static bool is_told(const char *text, const char *line, size_t skip, json_value *root,
		    struct edit *e, bool *same)
{
	struct buf was = { 0 }, now = { 0 }, changed = { 0 }, key = { 0 };
	bool told;
	struct edit own = *e;
	outcome(&was, text, &told);
	own.edited = &key;
	buf_add(&changed, text, (size_t)(line - text) + skip);
	put_edited(&changed, root, &own);
	e->members = own.members;
	buf_puts(&changed, line + strcspn(line, "\n"));
	outcome(&now, changed.p, &told);
	*same = strcmp(was.p, now.p) == 0;
	told |= key.n == 0;
	buf_release(&was);
	buf_release(&now);
	buf_release(&changed);
	buf_release(&key);
	return told;
}

/* Where a number is a count, a number of no known name beside it may be one, too. */
static int mutate_beside(const char *name, const char *text, int *tried)
{
	int silent = 0;
	for (const char *line = text; *line;) {
		const size_t len = strcspn(line, "\n"),
			     skip = strncmp(line, "data: ", 6) == 0 ? 6 : 0;
		struct json_document *doc;
		if (json_open(&doc, (struct text){ line + skip, len - skip }, NULL) == 0) {
			int members = 1;
			for (int at = 0; at < members; at++) {
				struct edit gone = { .at = at, .format = "zz%.0s" },
					    more = { .at = at, .value = beside };
				bool same;
				is_told(text, line, skip, json_root(doc), &gone, &same);
				members = gone.members > members ? gone.members : members;
				if (same) /* no count */
					continue;
				++*tried;
				if (is_told(text, line, skip, json_root(doc), &more, &same) ||
				    !same)
					continue;
				print_message("# %s: what is added beside member %d is not told\n",
					      name, at);
				silent++;
			}
			json_close(doc);
		}
		line += len + (line[len] == '\n');
	}
	return silent;
}

static void no_count_beside_others_is_ignored(void **state)
{
	(void)state;
	int silent = 0, tried = 0;
	char name[40];
	for (size_t i = 0; i < COUNT(payloads); i++) {
		/* tables have columns of any kind, and points no member but their sum */
		if (strstr(payloads[i], "results") || strstr(payloads[i], "resourceMetrics"))
			continue;
		snprintf(name, sizeof name, "payload %zu", i);
		silent += mutate_beside(name, payloads[i], &tried);
	}
	print_message("# %d counts added, %d silent\n", tried, silent);
	assert_int_equal(silent, 0);
}

/* Says how a call was served, or where, in each way that a usage may: among the counts it changes
 * the record or is told, whatever the shape. */
static void no_dimension_beside_counts_is_read_and_lost(void **state)
{
	(void)state;
	static const struct {
		const char *name, *text;
	} dimensions[] = {
		{ "service_tier", "\"service_tier\":\"dearer\"," },
		{ "serviceTier", "\"serviceTier\":\"dearer\"," },
		{ "speed", "\"speed\":\"dearer\"," },
		{ "inference_geo", "\"inference_geo\":\"mars\"," },
		{ "trafficType", "\"trafficType\":\"ON_DEMAND_DEARER\"," },
		{ "traffic_type", "\"traffic_type\":\"ON_DEMAND_DEARER\"," },
	};
	const char *was = put_beside;
	int silent = 0, tried = 0;
	for (size_t k = 0; k < COUNT(dimensions); k++)
		for (size_t i = 0; i < COUNT(payloads); i++) {
			char name[60];
			/* which has one already; points of a metric have no member but their sum */
			if (strstr(payloads[i], dimensions[k].name) ||
			    (k == 1 && strstr(payloads[i], dimensions[0].name)) ||
			    (k == 3 && strstr(payloads[i], "region")) ||
			    strstr(payloads[i], "resourceMetrics"))
				continue;
			put_beside = dimensions[k].text;
			snprintf(name, sizeof name, "payload %zu with %s", i, dimensions[k].name);
			silent += mutate_beside(name, payloads[i], &tried);
		}
	put_beside = was;
	print_message("# %d dimensions added, %d silent\n", tried, silent);
	assert_true(tried > 500);
	assert_int_equal(silent, 0);
}

static void no_value_of_another_kind_changes_a_call_silently(void **state)
{
	(void)state;
	int silent = 0, tried = 0;
	char name[40];
	for (size_t i = 0; i < COUNT(payloads); i++) {
		snprintf(name, sizeof name, "payload %zu", i);
		for (size_t k = 0; k < COUNT(other_values); k++)
			silent += mutate_values(name, payloads[i], other_values[k], &tried);
		silent += mutate_values(name, payloads[i], NULL, &tried);
		silent += mutate_values(name, payloads[i], after, &tried);
		silent += mutate_values(name, payloads[i], listed, &tried);
		silent += mutate_values(name, payloads[i], nested, &tried);
		silent += mutate_values(name, payloads[i], wrapped, &tried);
	}
	print_message("# %d values changed, %d silent\n", tried, silent);
	assert_int_equal(silent, 0);
}

static void no_member_gets_lost_silently(void **state)
{
	(void)state;
	int silent = 0, tried = 0;
	char name[40];
	for (size_t i = 0; i < COUNT(payloads); i++) {
		struct buf out = { 0 };
		bool told;
		snprintf(name, sizeof name, "payload %zu", i);
		outcome(&out, payloads[i], &told);
		if (out.n == 0 || told)
			fail_msg("%s is not read: %s", name, out.p);
		buf_release(&out);
		silent += mutate(name, payloads[i], "%s_v2", &tried);
		silent += mutate(name, payloads[i], other_style, &tried);
		/* tables have columns of any kind */
		if (strstr(payloads[i], "results"))
			continue;
		silent += mutate(name, payloads[i], "zz%.0s", &tried);
		silent += mutate(name, payloads[i], "qx%.0s", &tried);
	}
	print_message("# %d members renamed, %d silent\n", tried, silent);
	assert_int_equal(silent, 0);
}

static void nor_of_the_case_files(void **state)
{
	(void)state;
	struct json_document *d = NULL;
	const char *path = getenv("TALLY_USAGE_SHAPES");
	path = path ? path : "../shared/facts/usage_shapes.json";
	if (access(path, R_OK) != 0)
		path = "tests/cases/usage_shapes.json";
	assert_int_equal(json_open_file(&d, path, NULL), 0);
	int silent = 0, tried = 0;
	for (json_value *c = json_first(json_member(json_root(d), "shapes")); c; c = json_next(c)) {
		struct buf text = { 0 };
		json_value *payload = json_member(c, "payload");
		bool list = json_kind(payload) == JSON_ARRAY;
		for (json_value *m = list ? json_first(payload) : payload; m;
		     m = list ? json_next(m) : NULL) {
			if (json_kind(m) == JSON_STRING)
				buf_puts(&text, json_string(m).p);
			else
				json_put_value(&text, m);
			buf_puts(&text, "\n");
		}
		silent += mutate(json_string(json_member(c, "id")).p, text.p, "%s_v2", &tried);
		for (size_t k = 0; k < COUNT(other_values); k++)
			silent += mutate_values(json_string(json_member(c, "id")).p, text.p,
						other_values[k], &tried);
		buf_release(&text);
	}
	json_close(d);
	print_message("# %d members changed, %d silent\n", tried, silent);
	assert_int_equal(silent, 0);
}

static void what_speaks_of_money(void **state)
{
	(void)state;
	static const char *const money[] = { "audio_tokens",
					     "tokenCount",
					     "web_search_requests",
					     "costUSD",
					     "credits",
					     "iterations",
					     "speed",
					     "inference_geo",
					     "service_tier",
					     "is_batch",
					     "cacheTokensDetails",
					     "modality",
					     "outputTokenDetails",
					     "traffic_type",
					     "performance",
					     "units",
					     "billed",
					     "is_billable",
					     "charged",
					     "consumed" };
	static const char *const other[] = {
		"id", "model", "content", "object", "created", "role"
	};
	for (size_t i = 0; i < COUNT(money); i++)
		assert_true(name_speaks_of_money(text_of(money[i])));
	for (size_t i = 0; i < COUNT(other); i++)
		assert_false(name_speaks_of_money(text_of(other[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_member_gets_lost_silently),
		cmocka_unit_test(nor_of_the_case_files),
		cmocka_unit_test(no_value_of_another_kind_changes_a_call_silently),
		cmocka_unit_test(no_count_beside_others_is_ignored),
		cmocka_unit_test(no_dimension_beside_counts_is_read_and_lost),
		cmocka_unit_test(what_speaks_of_money),
	};
	return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
