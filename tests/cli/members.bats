# with sanitizers, too
load common

export TALLY_DB=t.db
answer() { # id, more of the usage
	echo "{\"id\":\"$1\",\"object\":\"chat.completion\",\"created\":1787536800,\"model\":\"deepseek-v4-flash\",\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":10,\"total_tokens\":1010$2}}"
}
log() { # message, request, time, output, 5m, 1h
	echo "{\"type\":\"assistant\",\"sessionId\":\"s\",\"uuid\":\"u$1$3\",\"timestamp\":\"2026-06-10T10:00:$3Z\",\"requestId\":\"$2\",\"message\":{\"id\":\"$1\",\"model\":\"claude-sonnet-4-6\",\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":20,\"cache_creation_input_tokens\":$(($5 + $6)),\"cache_creation\":{\"ephemeral_5m_input_tokens\":$5,\"ephemeral_1h_input_tokens\":$6},\"output_tokens\":$4}}}"
}
event() { # request, output, cache writes
	echo "{\"event.name\":\"claude_code.api_request\",\"event.timestamp\":\"2026-06-10T10:00:30Z\",\"duration_ms\":5000,\"request_id\":\"$1\",\"model\":\"claude-sonnet-4-6\",\"input_tokens\":10,\"output_tokens\":$2,\"cache_read_tokens\":20,\"cache_creation_tokens\":$3}"
}

@test "a member that may be billed and is not understood leaves its record without a price" {
	{ answer a; answer b ',"video_tokens":7'; answer c ',"video_tokens":0'; } >a.jsonl
	run "$TALLY" replay a.jsonl --json
	expect 3 '"records": 3' '"unpriced": 1' "usage.video_tokens"
	run "$TALLY" ingest a.jsonl
	expect 3
	run "$TALLY" explain b
	expect 0 "usage.video_tokens: not understood" "usage.prompt_tokens: read"
	run "$TALLY" usage --json
	expect 3 '"unpriced": 1'
}

@test "a log and the telemetry of its session are one call, whichever comes first" {
	{ log m1 req_1 05 2 30 40; log m2 req_2 06 9 0 0; } >log.jsonl
	{ event req_1 50 70; event req_3 5 0; } >events.jsonl
	run "$TALLY" replay log.jsonl events.jsonl --json
	expect 0 '"records": 3' '"output": 64' '"cache_write_5m": 30' '"cache_write_1h": 40'
	for order in "log.jsonl events.jsonl" "events.jsonl log.jsonl"; do
		rm -rf t.db*
		for f in $order $order; do run "$TALLY" ingest $f; expect 0; done
		run "$TALLY" usage --json
		expect 0 '"records": 3' '"output": 64' '"cache_write_5m": 30' '"cache_write_1h": 40'
		run "$TALLY" fsck
		expect 0 clean
	done
}

@test "one message id with other requests and other input sides is several calls" {
	{ log m1 req_1 05 2 30 40; log m1 req_2 06 9 1 0; log m1 req_3 07 2 30 40; } >log.jsonl
	run "$TALLY" replay log.jsonl --json
	expect 0 '"records": 2' '"output": 11'
	run "$TALLY" ingest log.jsonl; expect 0
	run "$TALLY" ingest log.jsonl; expect 0 "0 accepted"
	run "$TALLY" usage --json
	expect 0 '"records": 2' '"output": 11'
}

@test "what a run printed, a list of lifetimes and an agent's metric under another name are told" {
	told() { # WORDS
		run "$TALLY" replay t.jsonl --at 2026-06-15T10:00:00Z
		expect 3 "$1"
	}
	echo '{"type":"step_finish","timestamp":1781517600000,"sessionID":"s","part":{"id":"p","type":"step-finish","tokens_v2":{"input":5,"output":2}}}' >t.jsonl
	told "a step ended without 'part.tokens'"
	echo '{"modelId":"us.anthropic.claude-sonnet-4-6","time":"2026-06-15T10:00:00Z","output":{},"stopReason":"end_turn","usage":{"inputTokens":10,"outputTokens":5,"cacheWriteInputTokens":4000,"cacheDetails":[[{"inputTokens":4000,"ttl":"1h"}]]}}' >t.jsonl
	told "'cacheDetails' holds no list of counts by lifetime"
	echo '{"type":"result","session_id":"s","num_turns":1,"usage":[{"input_tokens":9}],"modelUsage":{"claude-sonnet-4-6":{"inputTokens":9,"outputTokens":5,"cacheReadInputTokens":0,"cacheCreationInputTokens":7,"webSearchRequests":0}}}' >t.jsonl
	told "the member 'usage' is not an object of counts"
	echo '{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"gemini-cli"}}]},"scopeMetrics":[{"scope":{"name":"gemini-cli"},"metrics":[{"name":"gemini_cli.zork","sum":{"aggregationTemporality":2,"dataPoints":[{"attributes":[{"key":"model","value":{"stringValue":"gemini-2.5-flash"}},{"key":"type","value":{"stringValue":"input"}}],"startTimeUnixNano":"1781517600000000000","timeUnixNano":"1781517660000000000","asInt":"20"}]}}]}]}]}' >t.jsonl
	told "the metric 'gemini_cli.zork' counts tokens, but its kind is unknown"
}
