# What current versions of agents and instrumentations write beside the counts of older ones.
# with sanitizers, too
load common.bash
setup() { common_setup; export TALLY_NOW=2026-11-20T00:00:00Z TALLY_CACHE_DIR=$DIR/cache XDG_CACHE_HOME=$DIR/cache; mkdir -p s; }
costs() { run "$TALLY" replay s; expect "$1" "$2" ${3:+"$3"}; }
# pi MODEL USAGE: a session of one answer
pi() {
	printf '{"type":"session","version":3,"id":"s","timestamp":"2026-07-28T10:00:00.000Z","cwd":"/p"}\n{"type":"message","id":"a1","parentId":null,"timestamp":"2026-07-28T10:00:05.000Z","message":{"role":"assistant","api":"x","provider":"%s","model":"%s","usage":{%s,"cost":{"total":0}},"stopReason":"stop","timestamp":1785232805000}}\n' "$3" "$1" "$2" >s/a.jsonl
}
@test "pi: how much of the cache writes stays for an hour, and what of the answer was reasoning" {
	# Opus 4.6, 5, 10 (an hour), 6.25 (five minutes), 25 a million: 100 x 5 + 600 x 10 + 400 x 6.25 + 20 x 25
	pi claude-opus-4-6 '"input":100,"output":20,"cacheRead":0,"cacheWrite":1000,"cacheWrite1h":600,"totalTokens":1120' anthropic; costs 0 '$0.0095'
	pi claude-opus-4-6 '"input":100,"output":20,"cacheRead":0,"cacheWrite":1000,"cacheWrite1h":0,"totalTokens":1120' anthropic; costs 0 '$0.00725'
	pi claude-opus-4-6 '"input":100,"output":20,"cacheRead":0,"cacheWrite":1000,"cttl":{"ephemeral1h":600},"totalTokens":1120' anthropic; costs 0 '$0.0095'
	pi claude-opus-4-6 '"input":100,"output":20,"cacheRead":0,"cacheWrite":1000,"cttl":{"ephemeral5m":400,"ephemeral1h":600},"totalTokens":1120' anthropic; costs 0 '$0.0095'
	# without it nothing tells how long they stay; more than there is contradicts
	pi claude-opus-4-6 '"input":100,"output":20,"cacheRead":0,"cacheWrite":1000,"totalTokens":1120' anthropic; costs 3 '>= $0.00725'
	pi claude-opus-4-6 '"input":100,"output":20,"cacheRead":0,"cacheWrite":1000,"cacheWrite1h":1600,"totalTokens":1120' anthropic; costs 3 refused
	for key in reasoning reasoningTokens; do
		pi gpt-5-mini "\"input\":1000,\"output\":150,\"$key\":50,\"cacheRead\":0,\"cacheWrite\":0,\"totalTokens\":1150" openai; costs 0 '$0.00055' REASONING
	done
}
@test "Droid: sums of sessions with files of their own are not counted, and one without its file is told" {
	session() { printf '{"model":"claude-sonnet-4-6","providerLock":"anthropic","providerLockTimestamp":"2026-07-31T10:00:00.000Z","tokenUsage":{"inputTokens":%d,"outputTokens":200,"cacheCreationTokens":0,"cacheReadTokens":0,"thinkingTokens":0,"factoryCredits":42}%s}\n' "$1" "$2"; }
	mkdir -p s/-p s/-q
	session 1000 ',"inclusiveTokenUsage":{"inputTokens":3000,"outputTokens":400,"cacheCreationTokens":0,"cacheReadTokens":0,"thinkingTokens":0},"childInclusiveTokenUsageBySessionId":{"d2":{"inputTokens":2000,"outputTokens":200}}' >s/-p/d1.settings.json
	costs 3 '$0.006' "the session began 'd2', which used tokens, and no file of it is there"
	# its own: 1,000 x 3 + 200 x 15; with the other one, 2,000 x 3 + 200 x 15 more
	session 2000 >s/-p/d2.settings.json; costs 0 '$0.015'
	mv s/-p/d2.settings.json s/-q; costs 0 '$0.015'
	sed -i 's/"d2":{[^}]*}/"d9":{"inputTokens":0}/' s/-p/d1.settings.json; costs 0 '$0.015'
	sed -i 's/"d9"/"*"/; s/"inputTokens":0}/"inputTokens":5}/' s/-p/d1.settings.json; costs 3 "the session began '*'"
}
# span ATTRIBUTES: 1,000 tokens in and 300 out
span() {
	python3 - "$@" >s/span.json <<'P'
import json, sys
v = lambda x: {"stringValue": x} if isinstance(x, str) else {"intValue": str(x)}
a = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 300, **json.loads("{" + sys.argv[1] + "}")}
print(json.dumps({"resourceSpans": [{"scopeSpans": [{"scope": {"name": "pydantic-ai"}, "spans": [{"traceId": "01" * 16, "spanId": "02" * 8, "name": "chat", "startTimeUnixNano": "1787133600000000000", "endTimeUnixNano": "1787133605000000000", "attributes": [{"key": k, "value": v(x)} for k, x in a.items()]}]}]}]}))
P
}
@test "spans: Gemini's details by modality are parts of what stands beside them" {
	d=gen_ai.usage.details
	g='"gen_ai.provider.name":"gcp.gemini","gen_ai.response.model":"gemini-2.5-flash"'
	# 1,000 x 0.3 + 300 x 2.5
	span "$g,\"$d.text_prompt_tokens\":1000,\"$d.thoughts_tokens\":200,\"$d.text_candidates_tokens\":100"; costs 0 '$0.00105' REASONING
	# 400 of them heard, at 1 a million
	span "$g,\"$d.text_prompt_tokens\":600,\"$d.audio_prompt_tokens\":400"; costs 0 '$0.00133'
	# 500 of the prompt cached, at 0.03
	span "$g,\"$d.text_prompt_tokens\":1000,\"$d.cached_content_tokens\":500,\"$d.text_cache_tokens\":500"; costs 0 '$0.000915'
	span "$g,\"$d.image_prompt_tokens\":258,\"$d.video_prompt_tokens\":100"; costs 0 '$0.00105'
	span "$g,\"$d.smell_prompt_tokens\":10"; costs 3 smell_prompt_tokens
}
@test "spans: beside a tier that was served the one that was asked for says nothing; alone it leaves the price open" {
	g='"gen_ai.provider.name":"openai","gen_ai.response.model":"gpt-5-mini"'
	# 1,000 x 0.25 + 300 x 2
	for asked in openai.request.service_tier gen_ai.openai.request.service_tier gen_ai.request.service_tier; do
		span "$g,\"$asked\":\"flex\",\"openai.response.service_tier\":\"default\""; costs 0 '$0.00085'
		span "$g,\"$asked\":\"default\",\"openai.response.service_tier\":\"flex\""; costs 0 '$0.000425'
		span "$g,\"$asked\":\"flex\""; costs 3 "the tier 'flex' was asked for"
		span "$g,\"$asked\":\"priority\""; costs 3 '>= $0.00085'
		span "$g,\"$asked\":\"auto\""; costs 0 '$0.00085'
	done
	span '"gen_ai.provider.name":"anthropic","gen_ai.response.model":"claude-sonnet-4-6","anthropic.request.service_tier":"standard_only"'; costs 0 '$0.0075'
}
@test "an id that Bedrock or Vertex gave says who served the call, whose price depends on a region that nobody tells" {
	# 1,000 x 3 + 300 x 15 a million
	for model in claude-sonnet-4-5-20250929 claude-sonnet-4-6; do for ids in '"msg_bdrk_01abc" "x"' '"msg_vrtx_01abc" "x"' '"msg_01abc" "req_vrtx_01abc"'; do
		read -r id request <<<"$ids"
		printf '{"type":"assistant","sessionId":"s","uuid":"u","timestamp":"2026-08-20T10:00:00Z","requestId":%s,"message":{"id":%s,"type":"message","role":"assistant","model":"%s","stop_reason":"end_turn","usage":{"input_tokens":1000,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":300}}}\n' "$request" "$id" $model >s/log.jsonl
		costs 3 '>= $0.0075' 'not tell what the price depends on'
		rm s/log.jsonl
		[[ $id == *msg_01* ]] && continue
		printf '{"id":%s,"type":"message","model":"%s","time":"2026-08-20T10:00:00Z","usage":{"input_tokens":1000,"output_tokens":300}}\n' "$id" $model >s/body.json
		costs 3 '>= $0.0075' 'not tell what the price depends on'
		# a region in which it was served has its own price, and so has a seller who is named
		sed -i 's/"time"/"region":"global","time"/' s/body.json; costs 0 '$0.0075'
		sed -i 's/"region":"global"/"provider":"anthropic"/' s/body.json; costs 0 '$0.0075'
		rm s/body.json
		span "\"gen_ai.response.model\":\"$model\",\"gen_ai.response.id\":$id"; costs 3 '>= $0.0075' 'not tell what the price depends on'
		rm s/span.json
	done; done
	printf '{"event.name":"claude_code.api_request","event.timestamp":"2026-08-20T10:00:00Z","request_id":"req_vrtx_1","model":"claude-sonnet-4-6","input_tokens":1000,"output_tokens":300,"cache_read_tokens":0,"cache_creation_tokens":0}\n' >s/event.json
	costs 3 '>= $0.0075' 'not tell what the price depends on'
}
# call N: of a Codex thread, 6,000 in, 4,000 read, 500 out of gpt-5.5: 0.047, in priority 0.094
call() { printf '{"timestamp":"2026-09-01T10:0%d:09Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":%d,"cached_input_tokens":%d,"output_tokens":%d,"reasoning_output_tokens":0,"total_tokens":%d},"last_token_usage":{"input_tokens":10000,"cached_input_tokens":4000,"output_tokens":500,"reasoning_output_tokens":0,"total_tokens":10500}}}}\n' "$1" $(($1 * 10000)) $(($1 * 4000)) $(($1 * 500)) $(($1 * 10500)); }
tier() { printf '{"timestamp":"2026-09-01T10:00:01Z","type":"event_msg","payload":{"type":"thread_settings_applied","thread_settings":{"model":"gpt-5.5"%s}}}\n' "$1"; }
turn() { printf '{"timestamp":"2026-09-01T10:00:00Z","type":"turn_context","payload":{"cwd":"/p","model":"gpt-5.5","effort":"high"%s}}\n' "$1"; }
@test "Codex: a tier in the settings of a thread, or of a turn, holds for the calls behind it until the next one" {
	thread() { { printf '{"timestamp":"2026-09-01T10:00:00Z","type":"session_meta","payload":{"id":"a","cwd":"/p","model_provider":"openai"}}\n'; turn; cat; } >s/rollout.jsonl; }
	{ call 1; call 2; } | thread; costs 0 '$0.094'
	{ tier ',"service_tier":"priority"'; call 1; tier ',"service_tier":"default"'; call 2; } | thread; costs 0 '$0.141'
	{ tier ',"service_tier":"priority"'; call 1; turn; call 2; } | thread; costs 0 '$0.188'
	{ tier ',"service_tier":"priority"'; call 1; tier; call 2; } | thread; costs 0 '$0.141'
	{ tier ',"service_tier":"priority"'; call 1; tier ',"service_tier":null'; call 2; } | thread; costs 0 '$0.141'
	{ turn ',"service_tier":"fast"'; call 1; turn ',"service_tier":null'; call 2; } | thread; costs 0 '$0.141'
	{ tier ',"service_tier":"flex"'; call 1; tier ',"service_tier":"auto"'; call 2; } | thread; costs 0 '$0.0705'
	{ tier ',"service_tier":"warp"'; call 1; } | thread; costs 3 warp
}
@test "oh-my-pi: so does the tier that a session changes to" {
	omp() {
		pi gpt-5.5 '"input":6000,"output":500,"cacheRead":4000,"cacheWrite":0,"totalTokens":10500' "${2-openai}"
		sed -i "1a {\"type\":\"service_tier_change\",\"id\":\"x\",\"parentId\":null,\"timestamp\":\"2026-07-28T10:00:01.000Z\",\"serviceTier\":$1}" s/a.jsonl
	}
	omp null; costs 0 '$0.047'
	omp '"priority"'; costs 0 '$0.094'
	omp '{"openai":"priority"}'; costs 0 '$0.094'
	omp '{"google":"priority"}'; costs 0 '$0.047'
	# nothing tells whether others were asked for it
	omp '"priority"' azure; costs 3 '>= $0.047'
}
# said TYPE DATA [HOUR]: a line of Copilot CLI
said() { n=$((${n:-0} + 1)); printf '{"type":"%s","data":%s,"id":"e%d","timestamp":"2026-07-16T%02d:00:00.000Z","parentId":null}\n' "$1" "$2" $n "${3:-10}"; }
started() { said session.start '{"sessionId":"s1","producer":"copilot-agent","startTime":"2026-07-16T10:00:00.000Z","selectedModel":"claude-sonnet-4.6"}'; }
# ended REQUESTS PROMPT READ WRITTEN OUTPUT [HOUR]
ended() { said session.shutdown "{\"shutdownType\":\"routine\",\"modelMetrics\":{\"claude-sonnet-4.6\":{\"requests\":{\"count\":$1,\"cost\":1},\"usage\":{\"inputTokens\":$2,\"outputTokens\":$5,\"cacheReadTokens\":$3,\"cacheWriteTokens\":$4,\"reasoningTokens\":0}}}}" "${6:-11}"; }
answered() { said assistant.message '{"messageId":"m","content":"x","outputTokens":'$1'}'; }
@test "Copilot CLI: what its sessions said at their ends before they wrote each call" {
	unset n
	# 1,000 prompt of which 600 read and 300 written: 100 x 3 + 600 x 0.3 + 300 x 3.75 + 50 x 15 a million
	{ started; answered 50; ended 1 1000 600 300 50; } >s/events.jsonl; costs 0 '$0.002355'
	# resumed, and ended again: 400 more of the prompt and 30 of the answer
	{ ended 2 1400 600 300 80 12; } >>s/events.jsonl; costs 0 '$0.004005'
	ended 2 1400 600 300 80 13 >>s/events.jsonl; costs 0 '$0.004005'
	# begun anew: 200 x 3 + 10 x 15
	ended 1 200 0 0 10 14 >>s/events.jsonl; costs 0 '$0.004755'
	run "$TALLY" ingest s --db c.db -q; run "$TALLY" ingest s --db c.db -q; run "$TALLY" usage --db c.db; expect 0 '$0.004755'
	# a compaction may begin the sums anew
	{ started; said session.compaction_complete '{"success":true}'; ended 1 1000 600 300 50; } >s/events.jsonl; costs 3 '>= $0.002355'
	# a session that did not end, and an end that counts nothing
	{ started; answered 50; } >s/events.jsonl; costs 3 'did not end'
	{ started; ended 1 1000 600 300 50 | sed 's/"usage"/"used"/'; } >s/events.jsonl; costs 3 "counts nothing of 'claude-sonnet-4.6'"
	{ started; ended 1 1000 600 300 50 | sed 's/"cacheReadTokens"/"cachedTokens"/'; } >s/events.jsonl; costs 3 cachedTokens
	# newer ones write the calls, too
	{ started; answered 50; said session.usage_record '{"usage":{"model":"claude-sonnet-4.6","inputTokens":1000,"outputTokens":50,"cacheReadTokens":600,"cacheWriteTokens":300,"reasoningTokens":0,"apiCallId":"a"}}'; answered 50; ended 1 1000 600 300 50; } >s/events.jsonl
	costs 0 '$0.002355'
}
@test "Copilot CLI: what a session says at its end gives way to its calls in the database" {
	unset n
	mkdir -p s/session-state/s1
	{ started; answered 50; ended 2 1000 600 300 50; } >s/session-state/s1/events.jsonl
	python3 - s/session-store.db <<'P'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE assistant_usage_events (id INTEGER PRIMARY KEY, session_id TEXT, model TEXT, input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER, reasoning_tokens INTEGER, created_at TEXT)")
for i, row in enumerate([(600, 30, 300, 300), (400, 20, 300, 0)]):
    db.execute("INSERT INTO assistant_usage_events VALUES (?,'s1','claude-sonnet-4.6',?,?,?,?,0,'2026-07-16T10:30:00Z')", (i + 1, *row))
db.commit()
P
	run "$TALLY" replay s; expect 0 '$0.002355'
	for order in 'session-state session-store.db' 'session-store.db session-state'; do
		rm -rf o.db*
		for part in $order; do "$TALLY" ingest s/$part --db o.db -q; done
		run "$TALLY" usage --db o.db; expect 0 '$0.002355'
	done
}
