# What vendors' tools did for an answer has its fee, or leaves its call without a price and is named; it is never free in silence.
load common

# call DOCUMENT AMOUNT: the document costs so much, in a replay and in a database
call() {
	printf '%s\n' "$1" >call.jsonl
	run "$TALLY" replay call.jsonl --at 2026-06-15T10:00:00Z --json
	expect 0 "\"total\": \"$2\"" "${@:3}" || return 1
	rm -rf m.db*
	"$TALLY" ingest call.jsonl --at 2026-06-15T10:00:00Z --db m.db -q >/dev/null 2>&1 || fail "ingest of $1"
	run "$TALLY" usage --db m.db --json
	expect 0 "\"total\": \"$2\"" || return 1
}
# named DOCUMENT TEXT: it has no price, for the reason that is told
named() {
	printf '%s\n' "$1" >call.jsonl
	run "$TALLY" replay call.jsonl --at 2026-06-15T10:00:00Z
	expect 3 "$2" || return 1
	rm -rf m.db*
	run "$TALLY" ingest call.jsonl --at 2026-06-15T10:00:00Z --db m.db
	expect 3 || return 1
}
# OpenAI: 100 tokens in and 20 out of gpt-5 are 0.000325
responses() { echo '{"id":"r","object":"response","created_at":1781517600,"model":"'"${3:-gpt-5}"'","output":['"$1"'],'"$2"'"usage":{"input_tokens":100,"output_tokens":20,"total_tokens":120}}'; }
# any answer of a chat with more in its usage and beside it
chat() { echo '{"id":"c","object":"chat.completion","created":1781517600,"model":"'"$1"'",'"$3"'"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120'"$2"'}}'; }
# Gemini: 100 tokens in and 20 out of gemini-2.5-flash are 0.00008
gemini() { echo '{"responseId":"g","modelVersion":"'"$1"'","createTime":"2026-06-15T10:00:00Z","candidates":[{"content":{},"finishReason":"STOP","groundingMetadata":'"$2"'}],"usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":20,"totalTokenCount":120}}'; }
# Anthropic: 100 tokens in and 20 out of claude-sonnet-4-6 are 0.0006
message() { echo '{"id":"m","type":"message","model":"claude-sonnet-4-6","content":['"$1"'],"usage":{"input_tokens":100,"output_tokens":20'"$2"'}}'; }

@test "OpenAI: searches of files and of the web have a fee, by the tool that was asked for; containers, pictures and unknown tools are named" {
	call "$(responses '{"type":"file_search_call","status":"completed","queries":["a","b"]}')" 0.002825 '"file_search": 1'
	call "data: {\"type\":\"response.completed\",\"response\":$(responses '{"type":"file_search_call"}')}" 0.002825
	call "$(responses '{"type":"web_search_call","action":{"type":"search"}}' '"tools":[{"type":"web_search_preview"}],' gpt-4o)" 0.02545 '"web_search_preview": 1'
	call "$(responses '{"type":"web_search_call","action":{"type":"search"}}' '"tools":[{"type":"web_search_preview_2025_03_11"}],')" 0.010325
	call "$(responses '{"type":"web_search_call","action":{"type":"search"}}' '"tools":[{"type":"web_search"}],' gpt-4o)" 0.01045 '"web_search": 1'
	call "$(responses '' '"tool_usage":{"web_search":{"num_requests":3},"image_gen":{"input_tokens":0,"output_tokens":0}},')" 0.030325 '"web_search": 3'
	call "$(responses '{"type":"computer_call","action":{"type":"click"}},{"type":"function_call"},{"type":"mcp_call"},{"type":"shell_call","environment":{"type":"local"}}')" 0.000325
	# chat models that search in every call and do not say so
	call "$(chat gpt-4o-search-preview)" 0.02545 '"web_search": 1'
	named "$(responses '{"type":"code_interpreter_call","container_id":"a"},{"type":"code_interpreter_call","container_id":"a"}')" "no price for unit 'container'"
	named "$(responses '{"type":"shell_call","environment":{"type":"container_reference","container_id":"a"}}')" "no price for unit 'container'"
	named "$(responses '{"type":"image_generation_call"}')" "no price for unit 'generated_image'"
	named "$(responses '{"type":"teleport_call"}')" "the tool 'teleport_call' may be billed"
	named "$(responses '' '"tool_usage":{"web_search":{"num_requests":0},"image_gen":{"input_tokens":5,"output_tokens":9}},')" "'tool_usage.image_gen.input_tokens' is unknown"
	# a run of an assistant tells what it might use
	named '{"id":"run_1","object":"thread.run","created_at":1781517600,"model":"gpt-4o","tools":[{"type":"function"},{"type":"code_interpreter"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}' "the tool 'code_interpreter' may be billed"
	# a card that has a fee for a container: two runs of code in the one, and one in another
	cat >card.json <<-'END'
		{"schema": "tally.card/1", "provider": "tools", "title": "tools", "tools": [{"models": ["contained-*"], "currency": "USD", "fees": {"container": {"amount": "3"}}, "source": "a test"}],
		 "prices": [{"model": "contained-1", "currency": "USD", "rates": {"input": "0", "output": "0"}, "source": "a test", "sure": "yes"}, {"model": "other-1", "currency": "USD", "rates": {"input": "0", "output": "0"}, "source": "a test", "sure": "yes"}]}
	END
	printf '%s\n' "$(responses '{"type":"code_interpreter_call","container_id":"a"},{"type":"code_interpreter_call","container_id":"a"},{"type":"code_interpreter_call","container_id":"b"}' '' contained-1)" >call.jsonl
	run "$TALLY" replay call.jsonl --prices card.json --json
	expect 0 '"total": "6"'
	sed 's/contained-1/other-1/' call.jsonl >other.jsonl
	run "$TALLY" replay other.jsonl --prices card.json
	expect 3 "no price for unit 'container'"
}
@test "Gemini: a grounded prompt is billed once before the third generation, each query since; in streams, in frameworks, and where a gateway counts the queries" {
	queries='{"webSearchQueries":["a","b","a",""],"groundingChunks":[{"web":{"uri":"x"}}]}'
	call "$(gemini gemini-2.5-flash "$queries")" 0.03508 '"web_search": 1'
	call "$(gemini gemini-3-flash-preview "$queries")" 0.02811 '"web_search": 2'
	call "$(gemini gemini-2.5-flash '{"groundingChunks":[{"web":{"uri":"x"}}]}')" 0.03508
	call "$(gemini gemini-2.5-flash '{"groundingChunks":[{"maps":{"uri":"x"}}]}')" 0.02508 '"map_search": 1'
	call "$(gemini gemini-2.5-flash '{}')" 0.00008
	call "$(chat gemini/gemini-2.5-flash ',"prompt_tokens_details":{"web_search_requests":3}')" 0.03508
	call '{"usage":{"inputTokens":10,"outputTokens":5,"totalTokens":15},"finishReason":"stop","response":{"id":"x","modelId":"gemini-2.5-flash","timestamp":"2026-06-15T10:00:00Z"},"providerMetadata":{"google":{"groundingMetadata":{"webSearchQueries":["a"]},"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15}}}}' 0.0350155
	call '{"type":"ai","id":"x","usage_metadata":{"input_tokens":10,"output_tokens":5,"total_tokens":15},"response_metadata":{"model_name":"gemini-3-flash-preview","grounding_metadata":{"web_search_queries":["a","b"]}}}' 0.02802
	for id in '"responseId":"s",' ''; do
		piece() { echo "data: {$id\"modelVersion\":\"gemini-2.5-flash\",\"createTime\":\"2026-06-15T10:00:00Z\",\"candidates\":[{\"content\":{}$1}],\"usageMetadata\":{\"promptTokenCount\":100,\"candidatesTokenCount\":$2,\"totalTokenCount\":$((100 + $2))}}"; }
		call "$(piece "" 5; piece ',"groundingMetadata":{"webSearchQueries":["a"]}' 10; piece ',"finishReason":"STOP"' 20)" 0.03508 || return 1
	done
	named "$(gemini gemini-flash-latest "$queries")" "2 searches are billed each or as one"
	named "$(gemini gemini-2.5-flash '{"retrievalQueries":["a"]}')" "no price for unit 'file_search'"
	# what a user counts is what is billed
	printf '{"id":"a","time":"2026-06-15T10:00:00Z","model":"gemini-2.5-flash","input":100,"output":20,"units":{"web_search":2}}\n' >t.jsonl
	for f in replay ingest; do [ $f = replay ] && run "$TALLY" replay t.jsonl --json || { "$TALLY" ingest t.jsonl --db u.db -q >/dev/null; run "$TALLY" usage --db u.db --json; }; expect 0 '"total": "0.07008"' || return 1; done
}
@test "Anthropic: fetched pages are free, code that ran is named unless a search ran it, in streams too" {
	call "$(message '{"type":"server_tool_use","name":"web_fetch"}' ',"server_tool_use":{"web_search_requests":0,"web_fetch_requests":1}')" 0.0006
	call "$(message '{"type":"server_tool_use","name":"code_execution"},{"type":"server_tool_use","name":"web_search","caller":{"type":"code_execution_20260120"}}' ',"server_tool_use":{"web_search_requests":1}')" 0.0106
	named "$(message '{"type":"server_tool_use","name":"code_execution"},{"type":"server_tool_use","name":"bash_code_execution"}' ',"server_tool_use":{"web_search_requests":0}')" "no price for unit 'container'"
	named "$(message '{"type":"server_tool_use","name":"teleport"}')" "the tool 'teleport' may be billed"
	named "$(message '' ',"server_tool_use":{"web_search_requests":0,"teleport_requests":2}')" "'usage.server_tool_use.teleport_requests' is unknown"
	for tool in "code_execution" "teleport"; do
		named 'data: {"type":"message_start","message":{"id":"s","model":"claude-sonnet-4-6","usage":{"input_tokens":5,"output_tokens":1}}}
data: {"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","name":"'$tool'"}}
data: {"type":"message_delta","delta":{},"usage":{"output_tokens":80}}
data: {"type":"message_stop"}' "$([ $tool = teleport ] && echo "the tool 'teleport'" || echo "unit 'container'")" || return 1
	done
}
@test "xAI, Mistral, Moonshot, Z.ai, Perplexity and OpenRouter: what they count has its fee, and what is not known of it is named" {
	call "$(chat grok-4 ',"num_sources_used":4')" 0.100175 '"search_source": 4'
	call "$(chat grok-4 ',"num_server_side_tools_used":4,"server_side_tool_usage_details":{"web_search_calls":2,"x_search_calls":1,"code_interpreter_calls":1,"file_search_calls":0,"mcp_calls":0,"document_search_calls":0}')" 0.020175 '"x_search": 1' '"code_execution": 1'
	# what failed is in the list and not in the count
	call '{"id":"r","object":"response","created_at":1781517600,"model":"grok-4","output":[{"type":"web_search_call"},{"type":"web_search_call"}],"usage":{"input_tokens":100,"output_tokens":20,"total_tokens":120,"server_side_tool_usage_details":{"web_search_calls":1}}}' 0.005175
	named "$(chat grok-4 ',"server_side_tool_usage_details":{"file_search_calls":2,"document_search_calls":1}')" "no price for unit 'file_search'"
	named "$(chat grok-4 ',"server_side_tool_usage_details":{"teleport_calls":1}')" "teleport_calls' is unknown"
	named "$(chat grok-4 '' '"server_side_tool_usage":{"SERVER_SIDE_TOOL_WEB_SEARCH":2},')" "SERVER_SIDE_TOOL_WEB_SEARCH' is unknown"
	conversation='{"object":"conversation.response","conversation_id":"c","outputs":[{"type":"tool.execution","name":"web_search"},{"type":"message.output","model":"mistral-medium-2505","content":[]}],"usage":{"prompt_tokens":188,"completion_tokens":55,"total_tokens":7355,"connector_tokens":7112,"connectors":{"web_search":1}}}'
	call "$conversation" 0.03303 '"web_search": 1' # 7,300 at 0.4 a million, 55 at 2, one search
	named "${conversation/\"web_search\":1/\"teleport\":1}" "'usage.connectors.teleport' is unknown"
	call '{"id":"k","object":"chat.completion","created":1781517600,"model":"kimi-k2.6","choices":[{"finish_reason":"tool_calls","message":{"tool_calls":[{"type":"builtin_function","function":{"name":"$web_search"}},{"type":"function","function":{"name":"mine"}}]}}],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120}}' 0.005175
	named "$(chat qwen-plus ',"plugins":{"search":{"count":1,"strategy":"turbo"}}')" "no price for unit 'web_search'"
	call "$(chat sonar ',"search_context_size":"low","cost":{"input_tokens_cost":0.0001,"output_tokens_cost":0.00002,"request_cost":0.005,"total_cost":0.00512}')" 0.00512 '"web_search_low": 1'
	named '{"id":"gen-1","provider":"OpenAI","object":"chat.completion","created":1781517600,"model":"openai/gpt-5","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"server_tool_use_details":{"web_search_requests":2,"tool_calls_executed":2}}}' "no price for unit 'web_search'"
	named '{"modelId":"amazon.nova-pro-v1:0","usage":{"inputTokens":10,"outputTokens":5,"totalTokens":15,"serverToolUsage":{"webSearch":2}}}' "serverToolUsage.webSearch' is unknown"
	named "$(chat groq/compound '' '"usage_breakdown":{"models":[{"model":"llama-3.3-70b-versatile","usage":{"prompt_tokens":50}}]},')" "usage_breakdown.models.usage.prompt_tokens"
	# seconds of sound
	printf '%s\n' '{"text":"x","model":"hears","usage":{"type":"duration","seconds":27}}' >call.jsonl
	run "$TALLY" replay call.jsonl --at 2026-06-15T10:00:00Z --json
	expect 3 '"second": 27'
}
