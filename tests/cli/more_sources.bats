#!/usr/bin/env bats
# OpenClaw, Zed, Hermes, ZCode and Mux in their places, each call or session once.
# with sanitizers, too
load common

found() { # AGENT RECORDS INPUT READ WRITE OUTPUT: by its place, replayed and ingested twice
	run "$TALLY" replay "agents:$1" --json
	expect "${7-0}" "\"records\": $2," "\"input\": $3," "\"cache_read\": $4," "\"cache_write_5m\": $5," "\"output\": $6,"
	"$TALLY" ingest "agents:$1" --db "$1.db" -q || [ $? = 3 ]
	"$TALLY" ingest "agents:$1" --db "$1.db" -q || [ $? = 3 ]
	run "$TALLY" usage --db "$1.db" --json
	expect "${7-0}" "\"records\": $2," "\"input\": $3," "\"cache_read\": $4," "\"cache_write_5m\": $5," "\"output\": $6,"
	run "$TALLY" sources
	expect 0 "$1"
}
home() { export HOME=$PWD; }

@test "OpenClaw: entries without ids of answers, forks, and the Google count of older versions" {
	home
	d=.openclaw/agents/main/sessions
	mkdir -p $d .moltbot/agents/x/sessions
	entry() { printf '{"type":"message","id":"%s","timestamp":"2026-06-15T10:00:0%s.000Z","message":{"role":"assistant","provider":"anthropic","model":"claude-sonnet-4-6","usage":{"input":%s,"output":%s,"cacheRead":%s,"cacheWrite":%s,"totalTokens":%s,"cost":{"total":1}},"stopReason":"stop"}}\n' "$@"; }
	{
		echo '{"type":"session","version":3,"id":"s1","timestamp":"2026-06-15T10:00:00Z","cwd":"/app"}'
		entry a1 1 10 200 5000 400 5610
		entry a2 2 1000 50 800 0 1050
		echo '{"type":"message","id":"a3","timestamp":"2026-06-15T10:00:03Z","message":{"role":"assistant","provider":"openclaw","model":"delivery-mirror","usage":{"input":0,"output":0,"cacheRead":0,"cacheWrite":0,"totalTokens":0}}}'
	} >$d/one.jsonl
	cp $d/one.jsonl $d/fork.jsonl
	entry a1 9 1 2 0 0 3 >.moltbot/agents/x/sessions/two.jsonl
	found openclaw 3 211 5800 400 252 3 # how long its cache writes stay is not told
}

@test "ZCode: a row a call, its cache and reasoning inside" {
	home
	mkdir -p .zcode/cli/db
	sqlite3 .zcode/cli/db/db.sqlite "CREATE TABLE session(id TEXT, directory TEXT); CREATE TABLE message(id TEXT, session_id TEXT, data TEXT);
		CREATE TABLE model_usage(id TEXT, session_id TEXT, provider_id TEXT, model_id TEXT, status TEXT, started_at INTEGER, completed_at INTEGER, input_tokens INTEGER,
			output_tokens INTEGER, reasoning_tokens INTEGER, cache_read_input_tokens INTEGER, cache_creation_input_tokens INTEGER, computed_total_tokens INTEGER);
		INSERT INTO model_usage VALUES('u1','s','zai','glm-5.1','completed',1781517600000,1781517601000,140159,139,39,139584,0,140298),
			('u2','s','zai','glm-5.1','error',1781517602000,1781517602000,0,0,0,0,0,0),
			('u3','s','zai','glm-5.1','completed',1781517604000,1781517605000,100,20,0,64,0,120);"
	found zcode 2 611 139648 0 159
}

@test "Hermes: the sums of sessions grow; newer versions have them by model" {
	home
	mkdir -p .hermes/profiles/office
	schema="CREATE TABLE messages(id INTEGER, session_id TEXT); CREATE TABLE sessions(id TEXT, model TEXT, started_at REAL, ended_at REAL, cwd TEXT, input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER, reasoning_tokens INTEGER, estimated_cost_usd REAL);"
	sqlite3 .hermes/state.db "$schema INSERT INTO sessions VALUES('h1','claude-sonnet-4-6',1781517600.5,NULL,'/app',100,20,3000,40,5,9.9),('h2','claude-sonnet-4-6',1781517700.5,NULL,'/app',0,0,0,0,0,0);"
	sqlite3 .hermes/profiles/office/state.db "$schema CREATE TABLE session_model_usage(session_id TEXT, model TEXT, input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER, reasoning_tokens INTEGER);
		INSERT INTO sessions VALUES('h3','deepseek-v4-flash',1781517600.5,NULL,'/app',30,3,0,0,0,0); INSERT INTO session_model_usage VALUES('h3','deepseek-v4-flash',10,1,0,0,0),('h3','claude-sonnet-4-6',20,2,0,0,0);"
	found hermes 3 130 3000 40 23
	sqlite3 .hermes/state.db "UPDATE sessions SET input_tokens=150, output_tokens=30 WHERE id='h1'"
	"$TALLY" ingest agents:hermes --db hermes.db -q
	run "$TALLY" usage --db hermes.db --json
	expect 0 '"records": 3' '"input": 180' '"output": 33'
}

@test "Zed: the total of a thread, packed or not; hosted models have prices of their own" {
	home
	d=.local/share/zed/threads
	mkdir -p $d
	thread() { printf '{"model":{"provider":"%s","model":"%s"},"cumulative_token_usage":%s,"request_token_usage":%s}' "$@"; }
	thread anthropic claude-sonnet-4-6 '{"input_tokens":10,"output_tokens":20,"cache_read_input_tokens":300}' '{"a":{"input_tokens":4,"output_tokens":8}}' >t1
	thread anthropic claude-sonnet-4-6 '{}' '{"a":{"input_tokens":4,"output_tokens":8,"cache_creation_input_tokens":7},"b":{"input_tokens":1,"output_tokens":2}}' >t2
	thread other-agent x '{}' '{}' >t3
	kind=json
	if command -v zstd >/dev/null; then zstd -q t1 -o t1.zst; mv t1.zst t1; kind=zstd; fi
	sqlite3 $d/threads.db "CREATE TABLE threads(id TEXT PRIMARY KEY, summary TEXT, updated_at TEXT, data_type TEXT, data BLOB);
		INSERT INTO threads VALUES('t1','','2026-06-15T10:00:00Z','$kind',readfile('t1')),('t2','','2026-06-15T10:00:00+00:00','json',CAST(readfile('t2') AS TEXT)),('t3','','2026-06-15T10:00:00Z','json',CAST(readfile('t3') AS TEXT));"
	found zed 2 15 300 7 30
	thread zed.dev claude-sonnet-4-6 '{"input_tokens":1000,"output_tokens":1}' '{}' >t4
	sqlite3 $d/threads.db "INSERT INTO threads VALUES('t4','','2026-06-15T10:00:00Z','json',CAST(readfile('t4') AS TEXT)),('t5','','2026-06-15T10:00:00Z','zip','x');"
	run "$TALLY" replay agents:zed --json
	expect 3 '"records": 3' '"unpriced": 1' "'zed'" "'data_type' is not known ('zip')"
}

@test "Mux: a message's metadata, the cache inside" {
	home
	mkdir -p .mux/sessions/w1
	{
		echo '{"id":"m1","role":"user","metadata":{"timestamp":1781517600000}}'
		echo '{"id":"m2","role":"assistant","workspaceId":"w1","metadata":{"timestamp":1781517601000,"model":"anthropic:claude-sonnet-4-6","usage":{"inputTokens":5000,"outputTokens":60,"cachedInputTokens":4000,"totalTokens":5060},"providerMetadata":{"anthropic":{"cacheCreationInputTokens":700}}}}'
	} >.mux/sessions/w1/chat.jsonl
	found mux 1 300 4000 700 60
}

@test "Gemini's interactions are read: thoughts beside the answer, parts by modality, in the spelling of Vertex AI as well; grounding that is counted is told" {
	at='"status":"completed","created":"2026-06-15T10:00:00Z"'
	# 60 of 1.25, 40 of 0.125, 10 + 5 of 10 a million
	printf '{"id":"a","object":"interaction","model":"gemini-2.5-pro",%s,"usage":{"total_input_tokens":100,"input_tokens_by_modality":[{"modality":"text","tokens":100}],"total_cached_tokens":40,"total_output_tokens":10,"total_thought_tokens":5,"total_tokens":115,"total_tool_use_tokens":0}}\n' "$at" >a.jsonl
	printf '{"id":"b","model":"gemini-2.5-pro",%s,"usage":{"totalInputTokens":100,"totalCachedTokens":40,"totalOutputTokens":10,"totalThoughtTokens":5,"totalTokens":115}}\n' "$at" >b.jsonl
	for f in a b; do run "$TALLY" replay $f.jsonl --json; expect 0 '"total": "0.00023"'; done
	# 70 of 0.30, 30 of audio at 1.00, 10 of 2.50
	printf '{"id":"c","object":"interaction","model":"gemini-2.5-flash",%s,"usage":{"total_input_tokens":100,"input_tokens_by_modality":[{"modality":"text","tokens":70},{"modality":"audio","tokens":30}],"total_output_tokens":10,"total_tokens":110}}\n' "$at" >c.jsonl
	run "$TALLY" replay c.jsonl --json; expect 0 '"total": "0.000076"'
	sed 's/"total_tokens":110/&,"grounding_tool_count":[{"type":"google_search","count":2}]/' c.jsonl >d.jsonl
	run "$TALLY" replay d.jsonl --json; expect 3 grounding_tool_count
	sed 's/"audio"/"smell"/' c.jsonl >e.jsonl
	run "$TALLY" replay e.jsonl --json; expect 3 'unknown modality'
	# in events: the last one has the counts, and a stream without it is told
	{
		echo 'event: interaction.created'
		echo 'data: {"interaction":{"id":"a","status":"in_progress","object":"interaction","model":"gemini-2.5-pro"},"event_type":"interaction.created"}'
		echo 'data: {"index":0,"step_usage":{"total_input_tokens":100},"event_type":"step.stop"}'
	} >cut.sse
	{ cat cut.sse; echo "data: {\"event_type\":\"interaction.completed\",\"interaction\":$(cat a.jsonl)}"; echo 'data: [DONE]'; } >whole.sse
	sed 's/interaction.created/interaction.start/; s/interaction.completed/interaction.complete/; s/step.stop/content.stop/' whole.sse >older.sse
	for f in whole.sse older.sse "whole.sse a.jsonl older.sse"; do run "$TALLY" replay $f --json; expect 0 '"total": "0.00023"'; done
	run "$TALLY" replay cut.sse --json; expect 3 "ended without usage"
	sed 's/"usage":/"usagf":/' whole.sse >renamed.sse
	run "$TALLY" replay renamed.sse --json; expect 3 "ended without usage"
	sed 's/"completed","created"/"failed","created"/; s/"usage":/"used":/' whole.sse >failed.sse
	run "$TALLY" replay failed.sse --json; expect 3 "ended without usage"
}
@test "a stream of Ollama's is its last piece, and one that was cut is told once" {
	piece='{"model":"deepseek-v4-flash","created_at":"2026-06-15T10:00:00.1Z","message":{"role":"assistant","content":"a"},"done":false}'
	printf '%s\n%s\n%s\n' "$piece" "$piece" '{"model":"deepseek-v4-flash","created_at":"2026-06-15T10:00:01Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":48,"load_duration":13,"prompt_eval_count":1000,"prompt_eval_duration":34,"eval_count":200,"eval_duration":45}' >a.jsonl
	run "$TALLY" replay a.jsonl --json; expect 0 '"records": 1' '"input": 1000' '"output": 200'
	head -n 2 a.jsonl >b.jsonl
	run "$TALLY" replay b.jsonl --json; expect 3 '"records": 0' '"quarantined": 1' 'ended without usage'
}
@test "members that answers carry beside what they are: Mistral's cached tokens, Groq's usage in both places, a Bedrock stream's times, tasks of Claude Code" {
	head='"object":"chat.completion.chunk","created":1781517600'
	usage='{"queue_time":0.1,"prompt_tokens":18,"prompt_time":0.01,"completion_tokens":5,"completion_time":0.2,"total_tokens":23,"total_time":0.3}'
	printf '{"id":"g",%s,"model":"llama-3.3-70b-versatile","choices":[],"usage":%s,"x_groq":{"id":"r","usage":%s}}\n' "$head" "$usage" "$usage" >g.jsonl
	# 18 of 0.59, 5 of 0.79 a million
	run "$TALLY" replay g.jsonl --json; expect 0 '"records": 1' '"total": "0.00001457"'
	printf '{"id":"m","object":"chat.completion","created":1781517600,"model":"mistral-large-2512","choices":[],"usage":{"prompt_tokens":100,"total_tokens":115,"completion_tokens":15,"num_cached_tokens":20}}\n' >m.jsonl
	# 80 of 0.5, 20 of 0.05, 15 of 1.5 a million
	run "$TALLY" replay m.jsonl --json; expect 0 '"input": 80' '"cache_read": 20' '"total": "0.0000635"'
	printf '{"type":"message_stop","modelId":"global.anthropic.claude-sonnet-4-6","amazon-bedrock-invocationMetrics":{"inputTokenCount":10,"outputTokenCount":40,"invocationLatency":5,"firstByteLatency":3}}\n' >b.jsonl
	run "$TALLY" replay b.jsonl --at 2026-06-15T10:00:00Z --json; expect 0 '"input": 10' '"output": 40'
	printf '%s\n' '{"type":"system","subtype":"task_progress","task_id":"t","usage":{"total_tokens":10310,"tool_uses":1,"duration_ms":152},"session_id":"s"}' \
		'{"type":"result","subtype":"success","session_id":"s","uuid":"u","num_turns":1,"usage":{"input_tokens":10,"output_tokens":5},"modelUsage":{"claude-sonnet-4-6":{"inputTokens":10,"outputTokens":5,"cacheReadInputTokens":0,"cacheCreationInputTokens":0,"webSearchRequests":0,"costUSD":0.1}}}' >c.jsonl
	run "$TALLY" replay c.jsonl --at 2026-06-15T10:00:00Z --json; expect 0 '"records": 1' '"input": 10' '"output": 5'
}
@test "what is counted beside the usage in units, or as billed, charged or consumed, is named whatever holds it" {
	body() { printf '{"modelId":"global.anthropic.claude-sonnet-4-6","output":{"message":{"role":"assistant","content":[{"text":"hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":10,"outputTokens":5,"totalTokens":15},"metrics":{"latencyMs":5},"trace":%s}\n' "$1"; }
	body '{"guardrail":{"inputAssessment":{"x":{}}}}' >a.jsonl
	run "$TALLY" replay a.jsonl --at 2026-06-15T10:00:00Z --json; expect 0 '"total": "0.000105"'
	for part in '"usage":{"topicPolicyUnits":1}' '"consumption":{"topicPolicyUnits":1}' '"policy":{"billed":2}' '"policy":{"billable_items":2}' '"units":{"topic":1}' '"charged":{"topics":1}' '"consumed":3'; do
		body "{\"guardrail\":{\"inputAssessment\":{\"x\":{\"invocationMetrics\":{$part}}}}}" >b.jsonl
		run "$TALLY" replay b.jsonl --at 2026-06-15T10:00:00Z --json
		expect 3 'may be billed' || fail "$part"
	done
	body '{"units":0,"consumed_by":"team","billed":null}' >c.jsonl
	run "$TALLY" replay c.jsonl --at 2026-06-15T10:00:00Z --json; expect 0 '"total": "0.000105"'
}
