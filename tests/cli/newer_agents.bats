#!/usr/bin/env bats
# Grok, CodeBuddy, Vibe, Antigravity and Codebuff in their places; agents whose logs cannot be counted are refused by name.
# with sanitizers, too
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

conversation() { # PYTHON..: with all of tests/support/antigravity.py
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$ROOT/tests/support python3 -c "from antigravity import *
a = usage('2=1000,3=90,5=8000,9=60,10=30', 'r1')
b = usage('2=500,3=20,10=20', 'r2')
$1"
}

@test "Antigravity: requests by the id of the answer, whether a step, an attempt or a copy of the conversation repeats them" {
	export HOME=$PWD
	here=.gemini/antigravity-cli/conversations
	# 1000 + 500 + 7 + 11 uncached, 8000 from a cache; the answers hold their thinking: 90 + 20 + 3 + 5
	conversation "write('$here/c1.db', [generation(a, 1781517600, attempts=[a, usage('2=7,3=3', 'r0')]), generation(b), generation(usage()), generation(None)],
		[step(a, 1781517601), step(b, 1781521200), step(usage('2=11,3=5', 'r3'), 1781524800, 'gemini-2.5-flash')])"
	found antigravity 4 1518 8000 0 118
	[[ $output == *'"sellers": ["antigravity"]'* ]] || fail "who sold it"
	# 1000 x 1.25 + 8000 x 0.125 + 90 x 10, 500 x 1.25 + 20 x 10, 7 x 1.25 + 3 x 10; of the other model 11 x 0.3 + 5 x 2.5
	[[ $output == *'"total": "0.00402955"'* ]] || fail "the cost"
	TZ=UTC run "$TALLY" records --db antigravity.db
	expect 0 '2026-06-15T10:00:00Z  antigravity:r1  gemini-2.5-pro' '2026-06-15T11:00:00Z  antigravity:r2' '/home/me/my app'
	# a fork: the same requests in another conversation, in the IDE's folder; and one more of its own, which has no id and no instant
	conversation "write('.gemini/antigravity-ide/conversations/c2.db', [generation(a, 1781517600), generation(b), generation(usage('2=4,3=2,4=6', ''), model='claude-sonnet-4-6')], [step(b, 1781521200)])"
	found antigravity 5 1522 8000 6 120
	# what comes later, and the files in another order
	conversation "write('$here/c1.db', [generation(a, 1781517600, attempts=[usage('2=7,3=3', 'r0')]), generation(b), generation(usage()), generation(usage('2=100,3=1', 'r9'), 1781528400)])"
	found antigravity 6 1622 8000 6 121
	run "$TALLY" replay .gemini/antigravity-ide/conversations/c2.db $here/c1.db --json
	expect 0 '"records": 6,' '"input": 1622,' '"output": 121,'
	run "$TALLY" antigravity daily --json
	expect 0 '"input": 1622'
}

@test "Antigravity: what is not known of a request is refused by name, and the others count" {
	while IFS='|' read -r make says; do
		rm -f c.db
		conversation "write('c.db', [generation(a, 1781517600), $make])"
		run "$TALLY" replay c.db --json
		expect 3 '"records": 1,' '"quarantined": 1,' "$says" || return 1
	done <<-'CASES'
		generation(usage('2=5,3=9,9=4,10=4', 'x'))|'outputTokens' (9) is not the sum of thinking and response
		generation(usage('2=5,3=9,9=10', 'x'))|'outputTokens' (9) is not the sum
		generation(usage('2=5,3=9', 'x', field(19, 3)))|field '19' is unknown, and may be billed
		generation(usage('2=5,3=9', 'x', field(20, field(1, 3))))|field '20' is unknown, and may be billed
		generation(usage('2=5,3=9', 'x', field(14, field(1, 4) + field(2, 3))))|'promptTokensDetails' counts 3 tokens of modality 4
		generation(usage('2=5,3=9', 'x', field(17, field(1, 1) + field(2, 3))))|'toolUsePromptTokensDetails' counts 3 tokens of modality 1
		generation(a, attempts=[usage('2=1,3=1')])|an attempt of the request has counts of its own and no id
		generation(a)[:40]|CortexStepGeneratorMetadata
		field(7, 'older')|is of a version whose layout is not known
		generation(usage('2=18446744073709551615,3=9', 'x'))|inputTokens
	CASES
	rm c.db
	conversation "write('c.db', [generation(usage('2=5,3=9', 'x', field(14, field(1, 1) + field(2, 3)) + field(14, field(1, 2) + field(2, 2)) + field(13, 'standard')))])"
	run "$TALLY" replay c.db --json
	expect 0 '"records": 1,' '"quarantined": 0,'
}

@test "Codebuff: usage where a message has it, credits refused by name" {
	export HOME=$PWD
	chat=.config/manicode/projects/app/chats/2026-06-15T10-00-00.000Z
	mkdir -p $chat
	own='{"id":"a2","variant":"ai","content":"","timestamp":"2026-06-15T10:05:00Z","credits":0,"metadata":{"model":"claude-sonnet-4-6","usage":{"inputTokens":100,"outputTokens":50,"cacheCreationInputTokens":20,"cacheReadInputTokens":10}}}'
	vendor='{"id":"a3","variant":"ai","content":"","timestamp":"10:06 AM","metadata":{"codebuff":{"usage":{"model":"gpt-5","prompt_tokens":100,"completion_tokens":50,"prompt_tokens_details":{"cached_tokens":10}}}}}'
	shown='{"id":"u1","variant":"user","content":"hi","timestamp":"10:00 AM"},{"id":"a0","variant":"ai","content":"welcome","timestamp":"10:00 AM"},{"id":"e1","variant":"error","content":"no","timestamp":"10:08 AM"}'
	echo "[$shown,$own,$vendor]" >$chat/chat-messages.json
	# 100 and 100 - 10 uncached; 100 x 3 + 10 x 0.3 + 20 x 3.75 + 50 x 15 and 90 x 1.25 + 10 x 0.125 + 50 x 10
	found codebuff 2 190 20 20 100
	[[ $output == *'"total": "0.00174175"'* ]] || fail "the cost"
	TZ=UTC run "$TALLY" records --db codebuff.db
	expect 0 '2026-06-15T10:00:00Z  codebuff:2026-06-15T10-00-00.000Z:a3  gpt-5' '2026-06-15T10:05:00Z  codebuff:2026-06-15T10-00-00.000Z:a2'
	run "$TALLY" codebuff daily --json
	expect 0 '"input": 190'
	# written again with what Codebuff itself writes
	state() { printf '{"id":"%s","variant":"ai","content":"","timestamp":"10:09 AM","metadata":{"runState":{"sessionState":{"mainAgentState":{"messageHistory":[{"role":"assistant","providerOptions":{%s}}]}}}}}' "$1" "$2"; }
	echo "[$shown,$own,$vendor,{\"id\":\"a4\",\"variant\":\"ai\",\"content\":\"\",\"timestamp\":\"10:09 AM\",\"credits\":12.5,\"completionTime\":\"4s\"},$(state a5 ''),$(state a6 '"codebuff":{"usage":{"prompt_tokens":1,"completion_tokens":2}}')]" >$chat/chat-messages.json
	run "$TALLY" replay agents:codebuff --json
	expect 3 '"records": 2,' '"quarantined": 3,' '"input": 190,'
	run "$TALLY" replay agents:codebuff
	expect 3 "message 'a4' of Codebuff tells neither tokens nor a model, so nothing of it is counted; its credits are 12.5" "message 'a5' of Codebuff tells neither" "message 'a6' of Codebuff has counts in the state of its run"
	sed -i 's/"inputTokens":100/"inputTokens":100,"searchTokens":4/' $chat/chat-messages.json
	run "$TALLY" replay agents:codebuff
	expect 3 "field 'searchTokens' is unknown, and may be billed"
}
