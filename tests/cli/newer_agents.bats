#!/usr/bin/env bats
# Grok, CodeBuddy and Vibe in their places; agents whose logs cannot be counted are refused by name.
load common

found() { # AGENT RECORDS INPUT READ WRITE OUTPUT [STATUS]
	local want=("\"records\": $2," "\"input\": $3," "\"cache_read\": $4," "\"cache_write_5m\": $5," "\"output\": $6,")
	run "$TALLY" replay "agents:$1" --json --recorded-cost
	expect "${7-0}" "${want[@]}"
	said=$output
	for i in 1 2; do "$TALLY" ingest "agents:$1" --db "$1.db" -q || [ $? = "${7-0}" ]; done
	run "$TALLY" usage --db "$1.db" --json
	expect "${7-0}" "${want[@]}"
	output=$said
}

@test "Grok: a turn by model, written again, with the cache inside and its own cost as an estimate" {
	export HOME=$PWD
	d=.grok/sessions/%2Fapp/s1
	mkdir -p $d
	turn() { printf '{"timestamp":1781517600,"method":"_x.ai/session/update","params":{"sessionId":"s1","update":{"sessionUpdate":"turn_completed","prompt_id":"%s","usage":{"inputTokens":%d,"cachedReadTokens":%d,"cacheCreationTokens":0,"outputTokens":%d,"reasoningTokens":7,"totalTokens":%d,"modelCalls":3,"apiDurationMs":5,"costUsdTicks":5000000000,"numTurns":3,"usageIsIncomplete":false,"modelUsage":{"grok-4.3":{"inputTokens":%d,"cachedReadTokens":%d,"outputTokens":%d,"reasoningTokens":7,"totalTokens":%d,"modelCalls":3,"costUsdTicks":5000000000%s}}}}}}\n' "$1" $2 $3 $4 $(($2 + $4)) $2 $3 $4 $(($2 + $4)) "$5"; }
	{
		echo '{"timestamp":1781517600,"method":"_x.ai/session/update","params":{"sessionId":"s1","update":{"sessionUpdate":"agent_message_chunk","content":{"text":"tokens"}},"_meta":{"totalTokens":9}}}'
		turn p1 1000 800 50
		turn p1 1000 800 50
		turn p2 2000 0 20
	} >$d/updates.jsonl
	found grok 2 2200 800 0 70
	[[ $output == *'"estimated": {'*'"total": "1"'* ]] || fail "no estimate"
	turn p3 10 0 1 ',"videoTokens":4' >>$d/updates.jsonl
	run "$TALLY" replay agents:grok
	expect 3 "field 'videoTokens' is unknown, and may be billed"
}

@test "CodeBuddy: lines of one answer, under the names of several vendors" {
	export HOME=$PWD
	mkdir -p .codebuddy/projects/p
	line() { printf '{"type":"%s","id":"%s","timestamp":1781517600000,"sessionId":"s","cwd":"/app","providerData":{"messageId":"%s","requestModelId":"glm-5.2","rawUsage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"prompt_cache_hit_tokens":%d,"prompt_cache_miss_tokens":%d,"cache_read_input_tokens":0,"cache_creation_input_tokens":0,"prompt_cache_write_tokens":0,"completion_thinking_tokens":5,"credit":1.5%s}}}\n' "$1" "$RANDOM" "$2" $3 $4 $(($3 + $4)) $5 $(($3 - $5)) "$6"; }
	{
		printf '{"type":"message","role":"user","timestamp":1781517600000,"sessionId":"s","providerData":{"agent":"cli"}}\n'
		line message m1 35086 752 15872
		line function_call m1 35086 752 15872
		line message m2 100 10 0
	} >.codebuddy/projects/p/s.jsonl
	found codebuddy 2 19314 15872 0 762
	line message m3 100 10 0 ',"search_tokens":3' >>.codebuddy/projects/p/s.jsonl
	run "$TALLY" replay agents:codebuddy
	expect 3 "field 'search_tokens' is unknown, and may be billed"
}

@test "Vibe: the running total of a session" {
	export HOME=$PWD
	mkdir -p .vibe/logs/session/x
	echo '{"session_id":"v1","start_time":"2026-06-15T10:00:00Z","stats":{"steps":4,"session_prompt_tokens":5000,"session_completion_tokens":100,"context_tokens":900,"tokens_per_second":3.5,"session_cost":0.25},"config":{"active_model":"devstral","models":[{"name":"deepseek-v4-flash","alias":"devstral"}]}}' >.vibe/logs/session/x/meta.json
	found vibe 1 5000 0 0 100
}

@test "what cannot be counted is refused by name" {
	echo '{"type":"session","id":"d","seedLength":0}' >dsh.jsonl
	echo '{"kind":0,"v":{"version":3,"sessionId":"x","requests":[{"requestId":"r","completionTokens":5}]}}' >vscode.jsonl
	echo '{"requesterUsername":"u","responderUsername":"GitHub Copilot","requests":[{"requestId":"r"}]}' >chat.json
	sqlite3 warp.sqlite "CREATE TABLE ai_queries(id INTEGER); CREATE TABLE agent_conversations(id INTEGER, conversation_data TEXT)"
	while read -r f name; do
		run "$TALLY" replay "$f"
		expect 3 "$name"
		run "$TALLY" ingest "$f" --db a.db
		expect 3 "$name"
	done <<-'END'
		dsh.jsonl dsh
		vscode.jsonl Copilot in VS Code
		chat.json Copilot in VS Code
		warp.sqlite Warp
	END
}
