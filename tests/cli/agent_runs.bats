#!/usr/bin/env bats
# Sessions as agents wrote them when they were run against an upstream whose usage was known: forks, sub-agents, broken streams, and what they print.
# with sanitizers, too
load common

# Each call, unless it says otherwise: DeepSeek Flash on 15 June, 1,000 uncached, 9,000 from the cache, 200 out: 0.0002212
T='"time":{"created":1781510400000,"completed":1781510400900}'
N='"tokens":{"total":10200,"input":1000,"output":150,"reasoning":50,"cache":{"read":9000,"write":0}}'
reads() { # STATUS TEXT... for the replay of logs
	run "$TALLY" replay logs --json
	expect "$@"
}

@test "OpenCode: steps that broke off are told, once with a fork's copies; what is in the making is not" {
	mkdir logs
	cut="{\"role\":\"assistant\",\"modelID\":\"deepseek-v4-flash\",\"providerID\":\"deepseek\",\"error\":{\"name\":\"APIError\"},\"tokens\":{\"input\":0,\"output\":0,\"reasoning\":0,\"cache\":{\"read\":0,\"write\":0}},$T}"
	sqlite3 logs/opencode.db "CREATE TABLE session(id TEXT PRIMARY KEY, parent_id TEXT, directory TEXT, time_created INTEGER);
		CREATE TABLE message(id TEXT PRIMARY KEY, session_id TEXT, data TEXT); CREATE TABLE part(id TEXT PRIMARY KEY, message_id TEXT, data TEXT);
		INSERT INTO message VALUES('msg_1', 'ses_1', '{\"role\":\"assistant\",\"modelID\":\"deepseek-v4-flash\",\"providerID\":\"deepseek\",$N,$T}'),
			('msg_2', 'ses_1', '${cut/$T/\"time\":{\"created\":1781510401000,\"completed\":1781510402000\}}'), ('msg_3', 'ses_fork', '${cut/$T/\"time\":{\"created\":1781510401000,\"completed\":1781510402000\}}'),
			('msg_4', 'ses_1', '${cut/$T/\"time\":{\"created\":1781510403000\}}'), ('msg_5', 'ses_1', '${cut/$T/\"time\":{\"created\":1781510404000,\"completed\":1781510405000\}}');
		INSERT INTO part VALUES('p1', 'msg_1', '{\"type\":\"step-start\"}'), ('p2', 'msg_1', '{\"type\":\"step-finish\",$N}'), ('p3', 'msg_2', '{\"type\":\"step-start\"}'), ('p4', 'msg_2', '{\"type\":\"step-start\"}'),
			('p5', 'msg_3', '{\"type\":\"step-start\"}'), ('p6', 'msg_3', '{\"type\":\"step-start\"}'), ('p7', 'msg_4', '{\"type\":\"step-start\"}'), ('p8', 'msg_5', '{\"type\":\"text\",\"text\":\"a step-start in words\"}');"
	reads 3 '"records": 1,' '"total": "0.0002212"' '"quarantined": 1' "2 of the steps of an answer of 'deepseek-v4-flash' broke off"
	# a call that failed began no step
	sqlite3 logs/opencode.db "DELETE FROM part WHERE message_id IN ('msg_2', 'msg_3')"
	reads 0 '"records": 1,' '"quarantined": 0'
}
@test "OpenCode: an exported session is read, and meets its database; what it prints tells what broke off, and failures are none" {
	mkdir logs
	echo '{"info":{"id":"ses_1","title":"t","tokens":{"input":1000,"output":150,"reasoning":50,"cache":{"read":9000,"write":0}}},"messages":[{"info":{"role":"user","id":"msg_0","sessionID":"ses_1","time":{"created":1}},"parts":[{"type":"text","text":"hi"}]},{"info":{"role":"assistant","id":"msg_1","sessionID":"ses_1","modelID":"deepseek-v4-flash","providerID":"deepseek",'"$N,$T"'},"parts":[{"type":"step-start"},{"type":"step-finish",'"$N"'}]}]}' >logs/ses_1.json
	reads 0 '"records": 1,' '"input": 1000,' '"cache_read": 9000,' '"output": 200,' '"total": "0.0002212"'
	sqlite3 logs/opencode.db "CREATE TABLE session(id TEXT); CREATE TABLE message(id TEXT PRIMARY KEY, session_id TEXT, data TEXT);
		INSERT INTO message VALUES('msg_1', 'ses_1', '{\"role\":\"assistant\",\"modelID\":\"deepseek-v4-flash\",\"providerID\":\"deepseek\",$N,$T}');"
	reads 0 '"records": 1,'
	sed -i 's/{"type":"step-finish",[^]]*]/]/; s/{"type":"step-start"},/{"type":"step-start"}/' logs/ses_1.json; rm logs/opencode.db
	reads 3 '1 of the steps of an answer'
	rm logs/*
	p() { echo '{"type":"'$1'","timestamp":1781510400000,"sessionID":"ses_1",'"$2"'}'; }
	started='"part":{"id":"prt_1","type":"step-start"}' ended='"part":{"id":"prt_2","type":"step-finish",'"$N"'}' failed='"error":{"name":"APIError","data":{"message":"no","statusCode":400}}'
	{ p step_start "$started"; p step_finish "$ended"; p error "$failed"; } >logs/run.jsonl
	run "$TALLY" replay logs --json --model deepseek-v4-flash; expect 0 '"records": 1,' '"input": 1000,' '"output": 200,'
	{ p step_start "$started"; p step_start "$started"; p error "$failed"; p step_start "$started"; p step_finish "$ended"; p step_start "$started"; } >logs/run.jsonl
	run "$TALLY" replay logs --json --model deepseek-v4-flash; expect 3 '"records": 1,' '"quarantined": 3' "a step of session 'ses_1' ended without usage"
}
# cop TYPE DATA: a line of Copilot CLI
cop() { printf '{"type":"%s","id":"x","parentId":null,"timestamp":"2026-06-15T08:00:00Z","data":%s}\n' "$1" "$2"; }
call() { cop session.usage_record '{"usage":{"model":"deepseek-v4-flash","inputTokens":10000,"outputTokens":200,"cacheReadTokens":9000,"cacheWriteTokens":0,"reasoningTokens":50,"apiCallId":"'$1'"'"${2-}"',"accounting":{"sourceSessionId":"'"${3-s1}"'","sequence":1}}}'; }
@test "Copilot CLI: calls belong to the session of their file, sums of sub-agents and lengths of prompts are no calls, and a key of one's own has its vendor's price" {
	mkdir -p logs/a logs/b
	{ cop session.start '{"sessionId":"s1","producer":"copilot-agent","context":{"cwd":"/app"}}'; call c1 ',"isByok":true,"providerType":"openai"'; call c2 ',"isByok":true,"providerType":"openai"' sub
		cop subagent.completed '{"agentName":"explore","totalToolCalls":0,"totalTokens":10200,"durationMs":95}'; cop session.shutdown '{"modelMetrics":{},"currentTokens":10911,"systemTokens":5473}'; } >logs/a/events.jsonl
	# a session that ended before a call
	{ cop session.start '{"sessionId":"s2","producer":"copilot-agent"}'; cop session.error '{"errorType":"query","statusCode":400}'; cop session.shutdown '{"modelMetrics":{},"currentTokens":10911,"systemTokens":5473,"conversationTokens":32,"toolDefinitionsTokens":5403}'; } >logs/b/events.jsonl
	run "$TALLY" replay logs --by session --json; expect 0 '"records": 2,' '"session": "s1", "records": 2,' '"total": "0.0004424"' '"quarantined": 0' '"sellers": []'
	sed -i 's/"isByok":true/"isByok":false/' logs/a/events.jsonl
	reads 0 '"sellers": ["github-copilot"]'
	# behind the start of its file, the call itself says so
	call c3 >logs/a/events.jsonl
	run "$TALLY" replay logs --by session --json; expect 0 '"session": "s1", "records": 1,'
	# sums of calls that are not there are told
	{ cop session.start '{"sessionId":"s1"}'; cop subagent.completed '{"totalTokens":10200}'; } >logs/a/events.jsonl
	reads 3 "'data.totalTokens' counts tokens"
}
@test "Copilot CLI and Cline: what they print without counts or without a session is told call by call, never empty" {
	mkdir logs
	{ cop user.message '{"content":"hi"}'; cop model.call_finished '{"turnId":"0","outcome":"success"}'; echo '{"type":"result","timestamp":"2026-06-15T08:00:00Z","sessionId":"s1","exitCode":0,"usage":{"premiumRequests":0,"totalApiDurationMs":95}}'
		cop model.call_finished '{"turnId":"0","outcome":"error"}'; cop model.call_finished '{"turnId":"1","outcome":"success"}'; } >logs/run.jsonl
	run "$TALLY" replay logs/run.jsonl --json; expect 3 '"records": 0,' '"quarantined": 2' 'does not count the tokens of its calls'
	e() { echo '{"ts":"2026-06-15T08:00:00Z","type":"'$1'",'"$2"'}'; }
	u='"inputTokens":10000,"outputTokens":200,"cacheReadTokens":9000'
	{ e hook_event '"hookEventName":"agent_start","agentId":"a"'; e agent_event '"event":{"type":"iteration_start","iteration":1}'; e agent_event '"event":{"type":"usage",'"$u"',"totalInputTokens":10000}'
		e agent_event '"event":{"type":"done","iterations":1,"usage":{'"$u"'}}'; e run_result '"iterations":1,"usage":{'"$u"'},"aggregateUsage":{'"$u"'},"model":{"id":"deepseek-v4-flash","provider":"deepseek"}'; } >logs/run.jsonl
	run "$TALLY" replay logs/run.jsonl --json; expect 3 '"records": 0,' '"quarantined": 1' 'does not say of which session a call is'
}
@test "Cline's command line: a sub-agent's document is its parent's session, and an answer of zeros was cut" {
	mkdir logs
	m() { echo '{"id":"'$1'","role":"assistant","content":[{"type":"text","text":"x"}],"ts":1781510400000,"modelInfo":{"id":"deepseek-v4-flash","provider":"deepseek"},"metrics":{"inputTokens":'$2',"outputTokens":'$3',"cacheReadTokens":'$4',"cacheWriteTokens":0}}'; }
	echo '{"version":1,"agent":"lead","sessionId":"s1","origin":{"source":"cli"},"system_prompt":"p","messages":[{"id":"u","role":"user","content":[],"ts":1781510400000},'"$(m m1 10000 200 9000)"']}' >logs/s1.messages.json
	echo '{"version":1,"agent":"subagent","sessionId":"s1__a1","taskType":"subagent_task","origin":{"source":"cli","mode":"subagent","parentThreadId":"s1"},"messages":['"$(m m2 10000 200 9000)"']}' >logs/a1.messages.json
	run "$TALLY" replay logs --by session --json; expect 0 '"session": "s1", "records": 2,' '"total": "0.0004424"' '"placeholders": 0'
	echo '{"version":1,"agent":"lead","sessionId":"s2","origin":{"source":"cli"},"system_prompt":"p","messages":['"$(m m3 0 0 0)"']}' >logs/s2.messages.json
	reads 3 '"records": 3,' '"total": "0.0004424"' '"placeholders": 1'
}
@test "Continue: a fork's copies are none, Anthropic's prompts are without their cache, and answers without details say that totals may be off" {
	mkdir logs
	c='"model":"deepseek-v4-flash","cost_cents":0'
	d='"prompt_tokens":10000,"completion_tokens":200,"total_tokens":10200,"prompt_tokens_details":{"cached_tokens":9000}'
	a() { echo '{"message":{"role":"assistant","content":"'$1'","usage":{'"${2-$d},$c"'}},"contextItems":[]}'; }
	q='{"message":{"role":"user","content":"q"},"contextItems":[]}'
	sums() { echo '"usage":{"totalCost":0.1,"promptTokens":'$1',"completionTokens":'$2'}'; }
	echo '[{"sessionId":"s1","dateCreated":"1781510400000"},{"sessionId":"s2","dateCreated":"1781510400000"},{"sessionId":"s3","dateCreated":"1781510400000"}]' >logs/sessions.json
	parent='{"sessionId":"s1","title":"t","workspaceDirectory":"/app","history":['"$q,$(a one),$q,$(a two)"'],'"$(sums 20000 400)"'}'
	echo "$parent" >logs/s1.json
	echo '{"sessionId":"s2","title":"t","workspaceDirectory":"/app","history":['"$q,$(a one),$q,$(a two),$q,$(a three)"'],'"$(sums 10000 200)"'}' >logs/s2.json
	reads 0 '"records": 3,' '"total": "0.0006636"'
	# what no other session tells is its own: what it was forked from is gone, or an older version kept no sums
	rm logs/s1.json
	reads 0 '"records": 3,' '"total": "0.0006636"'
	# other words are another session's
	echo "${parent/two/2}" >logs/s1.json
	reads 0 '"records": 5,'
	# sums that its answers do not make up
	echo "${parent/20000/20001}" >logs/s1.json; rm logs/s2.json
	reads 3 '"records": 2,' 'the session counts 20001 tokens of prompts and 400 of answers, of which its answers tell 20000 and 400'
	# Anthropic: 40 beside 500 read and 100 written; where all could lie inside, nothing tells which
	n='"prompt_tokens":40,"completion_tokens":10,"total_tokens":50,"prompt_tokens_details":{"cache_write_tokens":100,"cache_read_tokens":500,"cached_tokens":500}'
	c='"model":"claude-sonnet-4-6","cost_cents":0'
	echo '{"sessionId":"s3","title":"t","workspaceDirectory":"/app","history":['"$q,$(a one "$n"),$q,$(a two "$(sed "s/:40,/:4000,/; s/:50,/:4010,/" <<<"$n")")"'],'"$(sums 4040 20)"'}' >logs/s3.json; rm logs/s1.json
	reads 0 '"records": 2,' '"input": 4040,' '"cache_read": 1000,' '"cache_write_5m": 200,' '"output": 20,' '"unpriced": 0'
	echo '{"sessionId":"s3","title":"t","workspaceDirectory":"/app","history":['"$q,$(a one "$(sed "s/:40,/:4000,/; s/:50,/:4010,/" <<<"$n")")"'],'"$(sums 4000 10)"'}' >logs/s3.json
	reads 3 '"unpriced": 1' 'the prompt may be with or without what the cache did'
	# OpenAI's Responses: no details
	c='"model":"gpt-5.6-sol","cost_cents":0'
	echo '{"sessionId":"s3","title":"t","workspaceDirectory":"/app","history":['"$q,$(a one '"prompt_tokens":4000,"completion_tokens":10,"total_tokens":4010')"'],'"$(sums 4000 10)"'}' >logs/s3.json
	run "$TALLY" replay logs; expect 3 "rows of Continue's answers without details do not tell what of the prompts was cached"
}
