#!/usr/bin/env bats
# Calls that tell no usage, and counts that are null, missing or out of their place: told, never a smaller total in silence.
# with sanitizers, too
load common

# told NAME LINE...: exit status 3
told() {
	local name=$1
	shift
	printf '%s\n' "$@" >told.jsonl
	run "$TALLY" replay told.jsonl --at 2026-06-15T10:00:00Z --json -q
	[ "$status" -eq 3 ] || fail "$name"
}
# counts TEXT... LINE: exit status 0
counts() {
	printf '%s\n' "${@: -1}" >counts.jsonl
	run "$TALLY" replay counts.jsonl --at 2026-06-15T10:00:00Z --json -q
	expect 0 "${@:1:$#-1}"
}

@test "sessions of every agent with one call that tells no usage" {
	run timeout 120 python3 "$ROOT/tests/support/missing_usage.py" "$TALLY"
	expect 0 'agents tell what is missing'
}

@test "pages of usage: a count that is null or missing beside others, rows without a time, items without rows" {
	local row='{"model":"gpt-5","input_tokens":100,"input_cached_tokens":40,"output_tokens":9,"num_model_requests":2}'
	local page='{"object":"page","data":[{"start_time":1781481600,"end_time":1781568000,"results":['$row']},{"start_time":1781568000,"end_time":1781654400,"results":['$row']}],"has_more":false}'
	counts '"input": 120,' '"output": 18,' "$page"
	for count in input_tokens input_cached_tokens output_tokens num_model_requests; do
		told "null $count" "$(jq -c ".data[0].results[0].$count = null" <<<"$page")"
		told "no $count" "$(jq -c "del(.data[0].results[0].$count)" <<<"$page")"
	done
	for change in 'del(.data[0].results)' '.data[0].results = null' 'del(.data[0].start_time)' '.data[0].start_time = null'; do told "$change" "$(jq -c "$change" <<<"$page")"; done
	# embeddings have no answer, and a bucket may be empty
	counts '"input": 200,' "$(jq -c 'del(.data[].results[].output_tokens, .data[].results[].input_cached_tokens)' <<<"$page")"
	counts '"input": 60,' "$(jq -c '.data[0].results = []' <<<"$page")"
	row='{"model":"claude-sonnet-4-6","uncached_input_tokens":60,"cache_read_input_tokens":40,"cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":7},"output_tokens":9}'
	page='{"data":[{"starting_at":"2026-06-15T00:00:00Z","ending_at":"2026-06-16T00:00:00Z","results":['$row']},{"starting_at":"2026-06-16T00:00:00Z","ending_at":"2026-06-17T00:00:00Z","results":['$row']}],"has_more":false}'
	printf '%s\n' "$page" >whole.jsonl
	run "$TALLY" replay whole.jsonl --json -q
	expect "$status" '"cache_write_1h": 14,' '"output": 18,'
	for count in uncached_input_tokens cache_read_input_tokens output_tokens cache_creation.ephemeral_1h_input_tokens; do
		for change in ".data[0].results[0].$count = null" "del(.data[0].results[0].$count)"; do
			told "$change" "$(jq -c "$change" <<<"$page")"
			expect 3 "${count##*.}"
		done
	done
}

@test "LiteLLM: what was cached stands in the usage object, or in the older values beside it; without both a prompt has no price" {
	local row='{"request_id":"c","call_type":"acompletion","spend":0.1,"total_tokens":1150,"prompt_tokens":1100,"completion_tokens":50,"startTime":"2026-06-15T10:00:00Z","model":"claude-sonnet-4-6","cache_hit":"False","metadata":{"usage_object":{"prompt_tokens":1100,"completion_tokens":50,"total_tokens":1150,"prompt_tokens_details":{"cached_tokens":1000}}}}'
	counts '"input": 100,' '"cache_read": 1000,' "$row"
	counts '"input": 100,' '"cache_read": 1000,' "$(jq -c '.metadata = {additional_usage_values: {cache_read_input_tokens: 1000, cache_creation_input_tokens: 0, prompt_tokens_details: null}}' <<<"$row")"
	for change in 'del(.metadata)' '.metadata = {}' '.metadata.usage_object = {}' '.metadata.usage_object = null'; do
		told "$change" "$(jq -c "$change" <<<"$row")"
		expect 3 'which tells what was cached'
	done
	counts '"input": 1100,' "$(jq -c '.metadata = {} | .call_type = "aembedding" | .completion_tokens = 0 | .total_tokens = 1100' <<<"$row")"
}

@test "Grok: a turn is the sum of its models, and its cached part is where it belongs" {
	local counts='"inputTokens":1000,"cachedReadTokens":800,"outputTokens":50,"reasoningTokens":7,"totalTokens":1050'
	local turn='{"timestamp":1781517600,"method":"_x.ai/session/update","params":{"sessionId":"s","update":{"sessionUpdate":"turn_completed","prompt_id":"p","usage":{'$counts',"modelUsage":{"grok-4.3":{'$counts'}}}},"_meta":{"totalTokens":9}}}'
	local usage=.params.update.usage model='.params.update.usage.modelUsage["grok-4.3"]'
	counts '"input": 200,' '"cache_read": 800,' "$turn"
	for change in "$model.cachedReadTokens = 700" "del($model.cachedReadTokens)" "$usage.cachedReadTokens = 900" "del($usage.modelUsage)|.params.update.cachedReadTokens = 800|del($usage.cachedReadTokens)" \
		"del($usage.modelUsage)|.params.cachedReadTokens = 800|del($usage.cachedReadTokens)" "del($usage.modelUsage,$usage.cachedReadTokens)"; do
		told "$change" "$(jq -c "$change" <<<"$turn")"
	done
}

@test "results of claude -p: cache writes without their lifetime, models without their cost" {
	model() { echo "{\"inputTokens\":9,\"outputTokens\":5,\"cacheReadInputTokens\":4,\"cacheCreationInputTokens\":$1,\"webSearchRequests\":0,\"costUSD\":$2}"; }
	local result='{"type":"result","session_id":"s","num_turns":1,"total_cost_usd":0.3,"usage":{"input_tokens":9,"cache_creation_input_tokens":7,"cache_read_input_tokens":4,"output_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4}},"modelUsage":{"claude-opus-4-8":'$(model 7 0.1)',"claude-haiku-4-5":'$(model 0 0.2)'}}'
	counts '"cache_write_5m": 3,' '"cache_write_1h": 4,' "$result"
	for change in 'del(.usage)' '.usage = {usage: .usage}' '.message = {usage: .usage} | del(.usage)' 'del(.usage.cache_creation)' 'del(.modelUsage["claude-haiku-4-5"])'; do told "$change" "$(jq -c "$change" <<<"$result")"; done
	# a nested agent wrote, too: for how long is not told, and five minutes are the least
	told nested "$(jq -c '.modelUsage["claude-haiku-4-5"].cacheCreationInputTokens = 90' <<<"$result")"
	expect 3 '"placeholders": 1,'
	jq -c '.modelUsage["claude-haiku-4-5"].cacheCreationInputTokens = 90' <<<"$result" >nested.jsonl
	run "$TALLY" replay nested.jsonl --at 2026-06-15T10:00:00Z; expect 3 '>= $' 'cache writes without how long they stay'
	"$TALLY" ingest nested.jsonl --at 2026-06-15T10:00:00Z --db n.db -q
	run "$TALLY" usage --db n.db; expect 3 '>= $' 'cache writes without how long they stay'
}

@test "an id that is no word, a request of no kind, an event, a result and an answer that are gone" {
	local claude='{"type":"assistant","sessionId":"s","uuid":"u","timestamp":"2026-06-15T10:00:00Z","requestId":"r","message":{"id":"m1","type":"message","role":"assistant","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":3,"cache_read_input_tokens":40,"cache_creation_input_tokens":0,"output_tokens":9}}}'
	counts '"cache_read": 40,' "$claude"
	for change in '.message.id = ["m1"]' '.message.id = null' 'del(.message.id)' 'del(.message.usage)'; do
		told "$change" "$claude" "$(jq -c ".message.id = \"m2\" | $change" <<<"$claude")"
	done
	# the API states no cache by null, and others that write this form leave a side out
	for change in '.message.usage.cache_read_input_tokens = null' 'del(.message.usage.cache_read_input_tokens)'; do counts '"cache_read": 0,' "$(jq -c "$change" <<<"$claude")"; done
	counts '"cache_read": 40,' "$(jq -c 'del(.message.usage.cache_creation_input_tokens)' <<<"$claude")"
	told "written with blanks" "$claude" "$(jq -c 'del(.message.usage)' <<<"$claude" | sed 's/":/": /g')"
	local request='{"ts":1781517601000,"type":"say","say":"api_req_started","text":"{\"tokensIn\":400,\"tokensOut\":70,\"cacheWrites\":0,\"cacheReads\":2000}","modelInfo":{"modelId":"claude-sonnet-4-6"}}'
	for change in 'del(.type)' '.type = "zork"' 'del(.ts)' '.ts = "x"'; do told "$change" "$(jq -c "$change" <<<"$request")"; done
	local event='{"uuid":"u","sessionId":"q","timestamp":"2026-06-15T10:00:00Z","type":"system","subtype":"ui_telemetry","systemPayload":{"uiEvent":{"event.name":"qwen-code.api_response","event.timestamp":"2026-06-15T10:00:00Z","response_id":"r","model":"deepseek-v4-flash","input_token_count":100,"output_token_count":9,"cached_content_token_count":40,"thoughts_token_count":0,"total_token_count":109}}}'
	counts '"cache_read": 40,' "$event"
	for change in 'del(.systemPayload)' '.systemPayload = [.systemPayload]' '.systemPayload.uiEvent["event.name"] = null' 'del(.systemPayload.uiEvent.cached_content_token_count)'; do told "$change" "$(jq -c "$change" <<<"$event")"; done
	told batch '{"custom_id":"c1"}'
	local entry='{"schemaType":"ModelInvocationLog","timestamp":"2026-06-15T10:00:00Z","region":"us-east-1","requestId":"r","operation":"Converse","modelId":"amazon.nova-lite-v1:0","input":{"inputTokenCount":100},"output":{"outputTokenCount":9}}'
	counts '"output": 9,' "$entry"
	for change in 'del(.output)' '.output = null' 'del(.output.outputTokenCount)'; do told "$change" "$(jq -c "$change" <<<"$entry")"; done
	told other "$(jq -c . <<<'{"id":1,"type":2,"created_at":1781517600,"model_name":"gpt-5","quota":3625,"prompt_tokens":100,"completion_tokens":10,"other":null}')"
	# no side of a Codex call is what its total leaves, and an answer is no other split of one
	told codex '{"timestamp":"2026-06-15T10:00:00Z","type":"session_meta","payload":{"id":"th"}}' '{"timestamp":"2026-06-15T10:00:01Z","type":"token_usage_record","payload":{"response_id":"r","thread_id":"th","usage":{"input_tokens":100,"cached_input_tokens":40,"reasoning_output_tokens":0,"total_tokens":110}}}'
	counts '"input": 5,' '"cache_read": 3,' '"output": 4,' '{"id":"r","object":"response","created_at":1781517600,"model":"gpt-5","usage":{"input_tokens":8,"input_tokens_details":{"cached_tokens":3},"output_tokens_details":{"reasoning_tokens":1},"total_tokens":12}}'
	# a record of our own whose answer lies in another object
	told native '{"id":"a","time":"2026-06-15T10:00:00Z","model":"deepseek-v4-flash","input":5,"zork":{"output":5}}'
	counts '"output": 6,' '{"id":"a","time":"2026-06-15T10:00:00Z","model":"deepseek-v4-flash","input":5,"output":6,"zork":{"output":5}}'
}

@test "an answer with nothing but a total, and a row that disagrees with the answer in it, have no price" {
	a='"created":1781517600,"model":"gpt-5-mini","object":"chat.completion","choices":[{"message":{"content":"x"}}]'
	told "a total alone" "{\"id\":\"a\",$a,\"usage\":{\"total_tokens\":110}}"
	counts '"total": "0.000045"' "{\"id\":\"a\",$a,\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":10,\"total_tokens\":110}}"
	row='"model":"gpt-5-mini","usage":{"prompt_tokens":100,"completion_tokens":10},"response"'
	told "another usage within" "{$row:{\"id\":\"b\",$a,\"usage\":{\"prompt_tokens\":900,\"completion_tokens\":10}}}"
	counts '"total": "0.000045"' "{$row:{\"id\":\"b\",$a,\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":10}}}"
}
@test "a call whose id is gone or no word has no price: it would count again beside itself" {
	local copilot='{"type":"session.usage_record","timestamp":"2026-06-15T10:00:00Z","data":{"usage":{"apiCallId":"c1","model":"gpt-5","inputTokens":100,"outputTokens":10,"cacheReadTokens":40,"cacheWriteTokens":0}}}'
	local opencode='{"id":"msg_1","sessionID":"s","role":"assistant","modelID":"claude-sonnet-4-6","providerID":"anthropic","tokens":{"total":2470,"input":400,"output":70,"reasoning":0,"cache":{"read":2000,"write":0}},"time":{"created":1781517600000,"completed":1781517609000}}'
	local chat='{"id":"c1","object":"chat.completion","created":1781517600,"model":"gpt-5","usage":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}}'
	local amp='{"id":"T-1","messages":[{"role":"assistant","messageId":1,"usage":{"model":"claude-sonnet-4-6","timestamp":"2026-06-15T10:00:01Z","inputTokens":4,"outputTokens":70,"cacheCreationInputTokens":0,"cacheReadInputTokens":2000,"totalInputTokens":2004}}]}'
	for whole in "$copilot" "$opencode" "$chat" "$amp"; do counts '"records": 1,' "$whole"; done
	for change in 'del(.data.usage.apiCallId)' '.data.usage.apiCallId = null' '.data.usage.apiCallId = ["c1"]'; do told "$change" "$(jq -c "$change" <<<"$copilot")"; done
	for change in 'del(.time.created)' 'del(.providerID)'; do told "$change" "$(jq -c "$change" <<<"$opencode")"; done
	for change in '.id = ["c1"]' '.id = {n: "c1"}'; do told "$change" "$(jq -c "$change" <<<"$chat")"; done
	for change in '.messages[0].messageId = null' '.messages[0].messageId = {n: 1}'; do told "$change" "$(jq -c "$change" <<<"$amp")"; done
	# an answer may have none
	counts '"records": 1,' "$(jq -c 'del(.id)' <<<"$chat")"
}

@test "what agents write beside their counts is no fault: times of tokens, the effort, sums of a session" {
	printf '%s\n' '{"type":"llm.request","agentId":"main","model":"deepseek-v4-flash","time":1781517600000}' '{"type":"context.append_loop_event","agentId":"main","time":1781517600000,"event":{"type":"step.end","messageId":"m","usage":{"inputOther":100,"output":9,"inputCacheRead":40,"inputCacheCreation":0},"llmFirstTokenLatencyMs":74,"llmServerFirstTokenMs":62}}' >kimi.jsonl
	run "$TALLY" replay kimi.jsonl --json -q; expect 0 '"records": 1,' '"unpriced": 0,'
	counts '"unpriced": 0,' '{"type":"session.usage_record","timestamp":"2026-06-15T10:00:00Z","data":{"usage":{"apiCallId":"c","model":"gpt-5","inputTokens":100,"outputTokens":9,"cacheReadTokens":40,"cacheWriteTokens":0,"reasoningEffort":"medium"}}}'
	# what LangChain's callback for JavaScript is told of the end of a call: its message says it with all parts
	counts '"cache_read": 1000,' '"unpriced": 0,' '{"generations":[[{"text":"hi","message":{"lc":1,"type":"constructor","id":["langchain_core","messages","AIMessage"],"kwargs":{"id":"chatcmpl-1","content":"hi","response_metadata":{"tokenUsage":{"promptTokens":1010,"completionTokens":50,"totalTokens":1060},"finish_reason":"stop","model_provider":"openai","model_name":"gpt-5"},"usage_metadata":{"output_tokens":50,"input_tokens":1010,"total_tokens":1060,"input_token_details":{"audio":0,"cache_read":1000},"output_token_details":{"audio":0,"reasoning":20}}}},"generationInfo":{"finish_reason":"stop"}}]],"llmOutput":{"tokenUsage":{"promptTokens":1010,"completionTokens":50,"totalTokens":1060}}}'
	# Cline's sums of a session, which are not there without its messages
	mkdir -p s
	echo '{"version":1,"session_id":"s","prompt":"Hi","metadata":{"usage":{"inputTokens":100,"outputTokens":9,"cacheReadTokens":40}},"messages_path":"/home/x/.cline/data/sessions/s/s.messages.json"}' >s/s.json
	run "$TALLY" replay s --json -q; expect 3 '"records": 0,' 'messages are not beside it'
	echo '{"version":1,"system_prompt":"x","messages":[{"id":"m","role":"assistant","ts":1781517600000,"modelInfo":{"id":"gpt-5"},"metrics":{"inputTokens":100,"outputTokens":9,"cacheReadTokens":40,"cacheWriteTokens":0}}]}' >s/s.messages.json
	run "$TALLY" replay s --json -q; expect 0 '"records": 1,' '"input": 60,'
	# pi's answer that was cut has the counts with which it began
	local cut='{"type":"message","id":"a","parentId":"b","timestamp":"2026-06-15T10:00:01Z","message":{"role":"assistant","responseId":"r","model":"claude-sonnet-4-6","timestamp":1781517600000,"stopReason":"error","usage":{"input":4,"output":2,"cacheRead":100,"cacheWrite":0,"totalTokens":106}}}'
	told cut "$cut"
	expect 3 '"placeholders": 1,'
	counts '"placeholders": 0,' "$(jq -c '.message.stopReason = "toolUse"' <<<"$cut")"
}
@test "Claude Code: an agent that gave a result and of which no line is there is told" {
	mkdir -p p
	answer() { printf '{"type":"assistant","sessionId":"S","uuid":"%s","timestamp":"2026-06-15T10:00:00Z"%s,"message":{"id":"%s","type":"message","role":"assistant","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":10,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":100}}}\n' "$1" "$2" "$1"; }
	result() { printf '{"type":"user","sessionId":"S","uuid":"q%s","timestamp":"2026-06-15T10:02:00Z","message":{"role":"user","content":[]},"toolUseResult":{"status":"completed","agentId":"%s"%s}}\n' "$1" "$1" "${2-,\"totalTokens\":207834,\"usage\":{\"input_tokens\":20,\"output_tokens\":50\}}"; }
	missing() { run "$TALLY" replay p --json; expect 3 "the agent '$1' gave a result" "\"records\": $2,"; }
	whole() { run "$TALLY" replay p --json; expect 0 "\"records\": $1,"; }
	{ answer a; result x | sed 's/\\}/}/'; } >p/S.jsonl; missing x 1
	# one that has only begun used nothing yet, and a name that is no file's is no agent's
	{ answer a; result x ''; } >p/S.jsonl; whole 1
	# its lines among those of the session
	{ answer a; answer b ',"isSidechain":true,"agentId":"x"'; result x | sed 's/\\}/}/'; } >p/S.jsonl; whole 2
	{ answer a; answer b ',"isSidechain":true,"agentId":"y"'; result x | sed 's/\\}/}/'; } >p/S.jsonl; missing x 2
	# in a file of its own: beside the session's, or in the folder of the session; and one that it began itself
	{ answer a; result x | sed 's/\\}/}/'; } >p/S.jsonl
	answer b ',"isSidechain":true,"agentId":"x"' >p/agent-x.jsonl; whole 2
	mkdir -p p/S/subagents; mv p/agent-x.jsonl p/S/subagents; whole 2
	result z | sed 's/\\}/}/' >>p/S/subagents/agent-x.jsonl; missing z 2
	answer c ',"isSidechain":true,"agentId":"z"' >p/S/subagents/agent-z.jsonl; whole 3
	# a session that goes on under another name
	mv p/S.jsonl p/T.jsonl; whole 3
}
