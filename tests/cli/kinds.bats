#!/usr/bin/env bats
# Kinds of answers, streams, batches and captures, each read the same by replay and by ingest with usage.
load common

# reads NAME EXIT WANTED... [-- OPTION...]: NAME is a file; a WANTED is a piece of the JSON of both ways
reads() {
	local name=$1 rc=$2 want=() way
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		want+=("$1")
		shift
	done
	[ $# -gt 0 ] && shift
	run "$TALLY" replay "$name" --at 2026-11-01T00:00:00Z --json -q "$@"
	expect "$rc" "${want[@]}"
	rm -rf k.db*
	run "$TALLY" ingest "$name" --at 2026-11-01T00:00:00Z --db k.db -q "$@"
	[ "$status" = "$rc" ] || fail "$name: ingest ends with $status: $output"
	run "$TALLY" usage --db k.db --json
	for way in "${want[@]}"; do
		[[ $output == *"$way"* || $way == *message* ]] || fail "$name: usage lacks $way: $output"
	done
}

@test "an answer is told by what it is, not by a list of names: files of one line, events, pages of answers" {
	# OpenAI's realtime interface names its model once a session
	cat >realtime.jsonl <<-'EOF'
		{"type":"session.created","event_id":"e0","session":{"id":"s","model":"gpt-realtime","audio":{"input":{"transcription":{"model":"gpt-5.4"}}}}}
		{"type":"response.created","event_id":"e1","response":{"object":"realtime.response","id":"r1","status":"in_progress"}}
		{"type":"response.output_audio.delta","event_id":"e2","delta":"AAAA"}
		{"type":"response.done","event_id":"e3","response":{"object":"realtime.response","id":"r1","status":"completed","usage":{"total_tokens":300,"input_tokens":200,"output_tokens":100,"input_token_details":{"text_tokens":100,"audio_tokens":80,"image_tokens":20,"cached_tokens":90,"cached_tokens_details":{"text_tokens":50,"audio_tokens":40,"image_tokens":0}},"output_token_details":{"text_tokens":30,"audio_tokens":70}}}}
		{"type":"conversation.item.input_audio_transcription.completed","event_id":"e4","item_id":"i1","transcript":"x","usage":{"type":"tokens","input_tokens":14,"output_tokens":45,"total_tokens":59}}
		{"type":"rate_limits.updated","event_id":"e5","rate_limits":[{"name":"tokens","limit":1,"remaining":1}]}
	EOF
	reads realtime.jsonl 0 '"records": 2' '"input": 64' '"cache_read": 50' '"output": 75' '"input_audio": 40' '"cache_read_audio": 40' '"input_image": 20' '"output_audio": 70'
	# a transcription whose model the session does not tell has no price
	sed 1d realtime.jsonl >cut.jsonl
	reads cut.jsonl 3 'which model wrote down what was said' -- --model gpt-realtime
	echo '{"object":"list","data":[{"id":"a","object":"response","created_at":1790000000,"model":"gpt-5.4","usage":{"input_tokens":3,"output_tokens":4,"total_tokens":7}},{"id":"b","object":"response","created_at":1790000000,"model":"gpt-5.4","usage":{"input_tokens":5,"output_tokens":6,"total_tokens":11}}],"has_more":false}' >page.json
	reads page.json 0 '"records": 2' '"input": 8' '"output": 10'
	# Gemini's live interface, and Gemini as its libraries write it
	cat >live.jsonl <<-'EOF'
		{"serverContent":{"modelTurn":{"parts":[{"text":"a"}]}}}
		{"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":100,"responseTokenCount":50,"totalTokenCount":150,"promptTokensDetails":[{"modality":"TEXT","tokenCount":20},{"modality":"AUDIO","tokenCount":80}],"responseTokensDetails":[{"modality":"AUDIO","tokenCount":50}]}}
	EOF
	reads live.jsonl 0 '"input": 20' '"output": 0' '"input_audio": 80' '"output_audio": 50' -- --model gemini-2.5-flash-native-audio-preview-09-2025
	echo '{"candidates":[{"content":{"parts":[{"text":"x"}]},"finish_reason":"STOP"}],"usage_metadata":{"prompt_token_count":100,"prompt_tokens_details":[{"modality":"TEXT","token_count":100}],"candidates_token_count":20,"thoughts_token_count":30,"cached_content_token_count":40,"total_token_count":150},"model_version":"gemini-2.5-flash","response_id":"rs"}' >snake.json
	reads snake.json 0 '"input": 60' '"cache_read": 40' '"output": 50' '"reasoning": 30'
}

@test "answers whose counts are not in a usage object: Bedrock's events and headers, Llama, Titan, Cohere, LangChain" {
	cat >converse.jsonl <<-'EOF'
		{"messageStart":{"role":"assistant"}}
		{"contentBlockDelta":{"delta":{"text":"hi"},"contentBlockIndex":0}}
		{"messageStop":{"stopReason":"end_turn"}}
		{"metadata":{"usage":{"inputTokens":10,"outputTokens":20,"totalTokens":30},"metrics":{"latencyMs":500}}}
	EOF
	reads converse.jsonl 0 '"input": 10' '"output": 20' -- --model amazon.nova-pro-v1:0
	sed '$d' converse.jsonl >cut.jsonl
	reads cut.jsonl 3 '"records": 0' -- --model amazon.nova-pro-v1:0
	echo '{"ResponseMetadata":{"RequestId":"q3","HTTPStatusCode":200,"HTTPHeaders":{"content-length":"12","x-amzn-bedrock-input-token-count":"100","x-amzn-bedrock-output-token-count":"50","x-amzn-bedrock-cache-read-input-token-count":"1000","x-amzn-bedrock-cache-write-input-token-count":"0","x-amzn-bedrock-invocation-latency":"900"}},"modelId":"anthropic.claude-3-haiku-20240307-v1:0"}' >headers.json
	reads headers.json 0 '"input": 100' '"cache_read": 1000' '"output": 50'
	echo '{"generation":"x","prompt_token_count":25,"generation_token_count":40,"stop_reason":"stop"}' >llama.json
	reads llama.json 0 '"input": 25' '"output": 40' -- --model meta.llama3-70b-instruct-v1:0
	echo '{"inputTextTokenCount":5,"results":[{"tokenCount":17,"outputText":"x","completionReason":"FINISH"},{"tokenCount":3,"outputText":"y"}]}' >titan.json
	reads titan.json 3 '"input": 5' '"output": 20' -- --model some-titan
	# what Cohere bills, not what its model saw
	echo '{"id":"co1","finish_reason":"COMPLETE","message":{"role":"assistant","content":[]},"usage":{"billed_units":{"input_tokens":5,"output_tokens":418},"tokens":{"input_tokens":71,"output_tokens":418},"cached_tokens":64}}' >v2.json
	echo '{"response_id":"r","text":"x","generation_id":"g","meta":{"api_version":{"version":"1"},"billed_units":{"input_tokens":5,"output_tokens":418},"tokens":{"input_tokens":72,"output_tokens":418}}}' >v1.json
	printf '%s\n' '{"type":"message-start","id":"c","delta":{}}' '{"type":"content-delta","index":0,"delta":{}}' '{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":5,"output_tokens":418},"tokens":{"input_tokens":71,"output_tokens":418}}}}' >stream.jsonl
	for f in v1.json v2.json stream.jsonl; do
		reads $f 0 '"records": 1' '"input": 5' '"output": 418' -- --model command-a-03-2025
	done
	echo '{"generations":[[{"text":"x","type":"ChatGeneration"}]],"llm_output":{"token_usage":{"completion_tokens":8,"prompt_tokens":100,"total_tokens":108},"model_name":"gpt-4o"},"run":null,"type":"LLMResult"}' >result.json
	reads result.json 0 '"records": 1' '"input": 100' '"output": 8'
	# a message in the result tells more than the sum beside it
	echo '{"generations":[[{"text":"x","type":"ChatGeneration","message":{"content":"x","id":"run-1","response_metadata":{"model_name":"gpt-4o"},"usage_metadata":{"input_tokens":100,"output_tokens":8,"total_tokens":108,"input_token_details":{"cache_read":64}}}}]],"llm_output":{"token_usage":{"completion_tokens":8,"prompt_tokens":100,"total_tokens":108},"model_name":"gpt-4o"},"type":"LLMResult"}' >result.json
	reads result.json 0 '"records": 1' '"input": 36' '"cache_read": 64' '"output": 8'
}

@test "a stream of OpenAI's responses that breaks off is named; one that failed costs nothing" {
	created() { echo "data: {\"type\":\"response.created\",\"response\":{\"id\":\"$1\",\"object\":\"response\",\"status\":\"in_progress\",\"model\":\"gpt-5.4\",\"usage\":null}}"; }
	ended() { echo "data: {\"type\":\"response.$2\",\"response\":{\"id\":\"$1\",\"object\":\"response\",\"created_at\":1790000000,\"status\":\"$2\",\"model\":\"gpt-5.4\",\"usage\":$3}}"; }
	{ created a; echo 'data: {"type":"response.output_text.delta","delta":"hi"}'; } >cut.txt
	reads cut.txt 3 '"records": 0' '"quarantined": 1'
	{ created a; created b; ended b completed '{"input_tokens":3,"output_tokens":4,"total_tokens":7}'; } >two.txt
	reads two.txt 3 '"records": 1' '"quarantined": 1'
	{ created a; ended a failed null; created b; ended b incomplete '{"input_tokens":3,"output_tokens":4,"total_tokens":7}'; } >failed.txt
	reads failed.txt 0 '"records": 1' '"input": 3'
}

@test "lines of batch results that failed cost nothing; Google's lines are at the price of batches" {
	cat >openai.jsonl <<-'EOF'
		{"id":"b1","custom_id":"r1","response":{"status_code":200,"request_id":"q1","body":{"id":"c1","object":"chat.completion","created":1790000000,"model":"gpt-5.4","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}},"error":null}
		{"id":"b2","custom_id":"r2","response":null,"error":{"code":"batch_expired","message":"x"}}
		{"id":"b3","custom_id":"r3","response":{"status_code":400,"request_id":"q4","body":{"error":{"message":"x","type":"invalid_request_error"}}},"error":null}
	EOF
	reads openai.jsonl 0 '"records": 1' '"total": "0.002"'
	answer='"response":{"candidates":[{"finishReason":"STOP"}],"modelVersion":"gemini-2.5-flash","responseId":"r1","usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100}}'
	printf '%s\n' "{\"status\":\"\",\"processed_time\":\"2026-10-01T00:00:00Z\",\"request\":{\"contents\":[]},$answer}" '{"status":"Bad Request: {}","processed_time":"2026-10-01T00:00:00Z","request":{},"response":{}}' >vertex.jsonl
	reads vertex.jsonl 0 '"records": 1' '"total": "0.000275"'
	printf '%s\n' "{\"key\":\"a\",$answer}" '{"key":"b","error":{"code":3,"message":"x"}}' >gemini.jsonl
	reads gemini.jsonl 3 '"records": 1' "service tier 'batch'"
}

# lines of what Claude Code prints: answer ID INPUT OUTPUT; result UUID USAGE-INPUT MODEL:INPUT:OUTPUT...
answer() { echo "{\"type\":\"assistant\",\"message\":{\"id\":\"$1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-4-6\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":$2,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":$3}},\"parent_tool_use_id\":null,\"session_id\":\"s\",\"uuid\":\"u$1\"}"; }
result() {
	local uuid=$1 top=$2 models= m
	shift 2
	for m; do
		IFS=: read -r name in out <<<"$m"
		models+="${models:+,}\"$name\":{\"inputTokens\":$in,\"outputTokens\":$out,\"cacheReadInputTokens\":0,\"cacheCreationInputTokens\":0,\"webSearchRequests\":0,\"costUSD\":1,\"contextWindow\":200000}"
	done
	echo "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"num_turns\":2,\"result\":\"x\",\"session_id\":\"s\",\"total_cost_usd\":1,\"usage\":{\"input_tokens\":$top,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":1},\"modelUsage\":{$models},\"uuid\":\"$uuid\"}"
}

@test "what Claude Code prints: the result has every model; without it the answers are a lower bound" {
	result r1 10 claude-sonnet-4-6:10:50 claude-haiku-4-5:200:30 >one.json
	reads one.json 0 '"records": 2' '"input": 210' '"output": 80' '"total": "0.00113"'
	init='{"type":"system","subtype":"init","session_id":"s","model":"claude-sonnet-4-6"}'
	{ echo "$init"; answer a 10 1; answer b 20 2; answer b 20 3; } >cut.jsonl
	run "$TALLY" replay cut.jsonl --at 2026-11-01T00:00:00Z --json
	expect 3 '"records": 2' '"input": 30' '"output": 4' '"placeholders": 2'
	rm -rf k.db*
	run "$TALLY" ingest cut.jsonl --at 2026-11-01T00:00:00Z --db k.db
	[[ $output == *"lower bound"* ]] || fail "$output"
	# the same answers with their result; as a list of one document, too
	{ cat cut.jsonl; result r1 30 claude-sonnet-4-6:30:90; } >whole.jsonl
	reads whole.jsonl 0 '"records": 1' '"input": 30' '"output": 90'
	sed -e '1s/^/[/' -e '$!s/$/,/' -e '$s/$/]/' whole.jsonl | tr -d '\n' >whole.json
	reads whole.json 0 '"records": 1' '"input": 30' '"output": 90'
	# a second turn of the same process adds to the sums; another process begins again
	{ cat whole.jsonl; answer c 100 1; result r2 100 claude-sonnet-4-6:130:95 claude-haiku-4-5:7:1; } >two.jsonl
	reads two.jsonl 0 '"records": 3' '"input": 137' '"output": 96'
	{ cat whole.jsonl; answer c 130 1; result r2 130 claude-sonnet-4-6:130:95; } >again.jsonl
	reads again.jsonl 0 '"records": 2' '"input": 160' '"output": 185'
	# a turn behind the last result
	{ cat whole.jsonl; answer c 100 1; } >open.jsonl
	run "$TALLY" replay open.jsonl --at 2026-11-01T00:00:00Z --json
	expect 3 '"records": 2' '"input": 130'
	# renamed counts are no zeros
	sed 's/"outputTokens":50/"outputTokensX":50/' one.json >renamed.json
	reads renamed.json 3 '"records": 0'
}

@test "what Codex, Gemini CLI and their like print without a screen" {
	turn() { printf '%s\n' "{\"type\":\"thread.started\",\"thread_id\":\"t\"}" '{"type":"turn.started"}' '{"type":"item.completed","item":{"id":"i","type":"agent_message","text":"x"}}' "{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":$1,\"cached_input_tokens\":$2,\"output_tokens\":$3,\"reasoning_output_tokens\":$4}}"; }
	mkdir t
	turn 1000 400 100 40 >t/1.jsonl
	turn 2500 900 150 60 >t/2.jsonl # the thread resumed: its sum goes on
	reads t/1.jsonl 0 '"records": 1' '"input": 600' '"cache_read": 400' '"output": 100' '"reasoning": 40' -- --model gpt-5.4
	reads t 0 '"records": 1' '"input": 1600' '"cache_read": 900' '"output": 150' '"reasoning": 60' -- --model gpt-5.4
	turn 1 0 1 0 | sed '$d' >cut.jsonl
	reads cut.jsonl 3 '"records": 0' '"quarantined": 1'
	echo '{"session_id":"g","response":"x","stats":{"models":{"gemini-2.5-pro":{"api":{"totalRequests":2,"totalErrors":0,"totalLatencyMs":5053},"tokens":{"prompt":24939,"candidates":20,"total":25113,"cached":21263,"thoughts":154,"tool":0}}},"tools":{"totalCalls":1},"files":{}}}' >gemini.json
	reads gemini.json 0 '"records": 1' '"input": 3676' '"cache_read": 21263' '"output": 174' '"reasoning": 154'
	printf '%s\n' '{"type":"init","session_id":"h","model":"gemini-2.5-pro","timestamp":"2026-10-01T00:00:00Z"}' '{"type":"message","role":"assistant","content":"x","delta":true,"timestamp":"2026-10-01T00:00:01Z"}' '{"type":"result","status":"success","timestamp":"2026-10-01T00:00:02Z","stats":{"total_tokens":120,"input_tokens":100,"output_tokens":20,"cached":40,"input":60,"duration_ms":1,"tool_calls":0,"models":{"gemini-2.5-pro":{"total_tokens":120,"input_tokens":100,"output_tokens":20,"cached":40,"input":60}}}}' >events.jsonl
	reads events.jsonl 0 '"records": 1' '"input": 60' '"cache_read": 40' '"output": 20'
}

@test "an answer in what a proxy kept of the call is that answer, not one of a batch" {
	answer='{"id":"c","object":"chat.completion","created":1790000000,"model":"gpt-4o","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120}}'
	google='{"usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100},"modelVersion":"gemini-2.5-pro","responseId":"z","candidates":[]}'
	echo "{\"timestamp\":\"2026-10-01T00:00:00Z\",\"request\":{\"model\":\"gpt-4o\"},\"response\":$answer}" >log.json
	reads log.json 0 '"records": 1' '"total": "0.00045"'
	echo "{\"status\":200,\"headers\":{},\"response\":{\"status\":200,\"body\":$answer}}" >body.json
	reads body.json 0 '"records": 1' '"total": "0.00045"'
	echo "{\"timestamp\":\"2026-10-01T00:00:00Z\",\"request\":{\"contents\":[]},\"response\":$google}" >gemini.json
	reads gemini.json 0 '"records": 1' '"total": "0.00225"'
	# what stands beside the answer is judged; two answers may be one call or two
	echo "{\"request\":{},\"batch_discount\":0.5,\"response\":$answer}" >beside.json
	reads beside.json 3 '"unpriced": 1' 'batch_discount'
	echo "{\"response\":$answer,\"result\":$answer}" >two.json
	reads two.json 3 '"records": 0'
}

@test "Qwen's answers count with or without the events beside them; Pydantic AI's histories, OpenCode's runs" {
	answer='{"uuid":"u1","parentUuid":null,"sessionId":"s","timestamp":"2026-10-01T00:00:00Z","type":"assistant","cwd":"/w","version":"0.15.10","model":"qwen3-coder-plus","message":{"role":"model","parts":[]},"usageMetadata":{"promptTokenCount":900,"candidatesTokenCount":120,"thoughtsTokenCount":70,"cachedContentTokenCount":600,"totalTokenCount":1020}}'
	event='{"uuid":"u0","parentUuid":null,"sessionId":"s","timestamp":"2026-10-01T00:00:00Z","type":"system","subtype":"ui_telemetry","systemPayload":{"uiEvent":{"event.name":"qwen-code.api_response","event.timestamp":"2026-10-01T00:00:00Z","response_id":"c1","model":"qwen3-coder-plus","status_code":200,"input_token_count":900,"output_token_count":120,"cached_content_token_count":600,"thoughts_token_count":70,"total_token_count":1020}}}'
	for order in "$answer" "$event"$'\n'"$answer" "$answer"$'\n'"$event"; do
		echo "$order" >qwen.jsonl
		reads qwen.jsonl 0 '"records": 1' '"input": 300' '"cache_read": 600' '"output": 120' '"reasoning": 70'
	done
	# two answers alike are two, with and without their events
	printf '%s\n' "$answer" "${answer/u1/u2}" >qwen.jsonl
	reads qwen.jsonl 0 '"records": 2'
	printf '%s\n' "$event" "$answer" "${event/c1/c2}" "${answer/u1/u2}" >qwen.jsonl
	reads qwen.jsonl 0 '"records": 2'
	echo '[{"parts":[{"content":"x","part_kind":"text"}],"usage":{"input_tokens":1310,"cache_write_tokens":300,"cache_read_tokens":1000,"output_tokens":50,"details":{"input_tokens":10,"cache_creation_input_tokens":300}},"model_name":"gpt-5.6-sol","timestamp":"2026-10-01T00:00:00Z","kind":"response","provider_response_id":"msg_p","finish_reason":"stop"}]' >pydantic.json
	reads pydantic.json 0 '"records": 1' '"input": 10' '"cache_read": 1000' '"cache_write_5m": 300' '"output": 50'
	printf '%s\n' '{"type":"step_start","timestamp":1790000000000,"sessionID":"ses_1","part":{"type":"step-start","id":"prt_0"}}' '{"type":"step_finish","timestamp":1790000001000,"sessionID":"ses_1","part":{"id":"prt_1","type":"step-finish","cost":0.001,"tokens":{"input":671,"output":8,"reasoning":2,"cache":{"read":21415,"write":5}}}}' >opencode.jsonl
	reads opencode.jsonl 0 '"records": 1' '"input": 671' '"cache_read": 21415' '"cache_write_5m": 5' '"output": 10' '"reasoning": 2' -- --model gpt-5.6-sol
}
