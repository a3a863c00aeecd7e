#!/usr/bin/env bats
# Sessions that agents keep in databases, in documents that are rewritten, and in exports.
# with sanitizers, too
load common

# Each call here, unless it says otherwise: DeepSeek Flash on 15 June, 1,000 uncached, 9,000 from the cache, 200 out: 0.0002212
ONE=0.0002212
# both STATUS RECORDS TOTAL [PATH]: the replay, the meter, and the meter again
both() {
	run "$TALLY" replay "${4-logs}" --json
	expect "$1" "\"records\": $2" "\"total\": \"$3\"" || return 1
	run "$TALLY" ingest --db t.db "${4-logs}" --json
	expect "$1" "\"accepted\": $2" || return 1
	run "$TALLY" ingest --db t.db "${4-logs}" --json
	expect "$1" '"accepted": 0' "\"duplicates\": $2" || return 1
	run "$TALLY" usage --db t.db --json
	expect 0 "\"total\": \"$3\""
}
# opencode FILE: an empty database of OpenCode
opencode() {
	mkdir -p "$(dirname "$1")"
	sqlite3 "$1" "PRAGMA journal_mode = WAL; CREATE TABLE session(id TEXT PRIMARY KEY, parent_id TEXT, directory TEXT, time_created INTEGER);
		CREATE TABLE message(id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
		CREATE TABLE part(id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
		INSERT INTO session VALUES('ses_1', NULL, '/app', 1781510400000);" >/dev/null
}
TOKENS='"tokens":{"total":10200,"input":1000,"output":150,"reasoning":50,"cache":{"read":9000,"write":0}}'
# message ID SESSION MS [TOKENS]: SQL of an answer
message() {
	printf "INSERT INTO message VALUES('%s', '%s', %s, %s, '{\"role\":\"assistant\",\"modelID\":\"deepseek-v4-flash\",\"providerID\":\"deepseek\",\"cost\":0.1,\"path\":{\"root\":\"/app\"},%s,\"time\":{\"created\":%s,\"completed\":%s}}');" "$1" "$2" "$3" "$3" "${4-$TOKENS}" "$3" "$(($3 + 900))"
}
step() { printf "INSERT INTO part VALUES('%s', '%s', 'ses_1', 0, 0, '{\"reason\":\"stop\",\"type\":\"step-finish\",%s,\"cost\":0.1}');" "$1" "$2" "${3-$TOKENS}"; }

@test "OpenCode: each step of a message is a call, a fork's copy is none, a folder with the database alone is enough" {
	opencode logs/opencode.db
	# two steps, of which the message has kept the last; one without steps; a fork of it; a user's message; one without counts
	sqlite3 logs/opencode.db "$(message msg_1 ses_1 1781510400000; step prt_1 msg_1; step prt_2 msg_1 "${TOKENS/9000/9000}"; message msg_2 ses_1 1781510410000; message msg_9 ses_fork 1781510410000)
		INSERT INTO message VALUES('msg_3', 'ses_1', 1, 1, '{\"role\":\"user\",\"time\":{\"created\":1}}');
		$(message msg_4 ses_1 1781510420000 '"tokens":{"input":0,"output":0,"reasoning":0,"cache":{"read":0,"write":0}}')
		INSERT INTO part VALUES('prt_3', 'msg_1', 'ses_1', 0, 0, '{\"type\":\"text\",\"text\":\"a step-finish in words\"}');"
	both 0 3 0.0006636
	run "$TALLY" usage --db t.db --by project,session --json
	expect 0 '"project": "/app"' '"session": "ses_1"'
	ls logs >left; [ "$(cat left)" = opencode.db ] || fail "something was left beside the database: $(cat left)"
}
@test "OpenCode: the total tells whether the output holds the reasoning, and a total that is no sum is refused" {
	opencode logs/opencode.db
	sqlite3 logs/opencode.db "$(message msg_1 ses_1 1781510400000; message msg_2 ses_1 1781510401000 '"tokens":{"total":10200,"input":1000,"output":200,"reasoning":50,"cache":{"read":9000,"write":0}}'; message msg_3 ses_1 1781510402000 '"tokens":{"input":1000,"output":200,"reasoning":50,"cache":{"read":9000,"write":0}}')"
	both 0 3 0.0006636
	sqlite3 logs/opencode.db "$(message msg_4 ses_1 1781510403000 '"tokens":{"total":9,"input":1000,"output":200,"reasoning":50,"cache":{"read":9000,"write":0}}')"
	run "$TALLY" replay logs --json
	expect 3 '"records": 3' 'not the sum'
	sqlite3 logs/opencode.db "DELETE FROM message WHERE id = 'msg_4'; $(message msg_5 ses_1 1781510403000 '"tokens":{"input":1000,"output":200,"reasoning":0,"turbo_tokens":5,"cache":{"read":9000,"write":0}}')"
	run "$TALLY" replay logs --json
	expect 3 '"records": 3' "'turbo_tokens'"
}
@test "OpenCode: a step that is cut, has no tokens, or has lost its message is told, in the database and in files" {
	# a message keeps its last step alone: what its other steps cost is not in it
	opencode logs/opencode.db
	sqlite3 logs/opencode.db "$(message msg_1 ses_1 1781510400000; step prt_1 msg_1; step prt_2 msg_1)"
	both 0 2 0.0004424
	while read -r data why; do
		sqlite3 logs/opencode.db "DELETE FROM part WHERE id = 'prt_3'; INSERT INTO part VALUES('prt_3', 'msg_${data%%:*}', 'ses_1', 0, 0, '${data#*:}')"
		run "$TALLY" replay logs --json
		expect 3 '"records": 2' "$why" || return 1
	done <<-'EOF'
		1:{"type":"step-finish","tokens":{"inp not valid JSON
		1:{"type":"step-finish","cost":1} has not 'tokens'
		7:{"type":"step-finish","tokens":{"input":5}} has not the message
	EOF
	s=old/storage; mkdir -p $s/message/ses_1 $s/part/msg_1
	printf '{"id":"msg_1","sessionID":"ses_1","role":"assistant","modelID":"deepseek-v4-flash",%s,"time":{"created":1781510400000}}' "$TOKENS" >$s/message/ses_1/msg_1.json
	for i in 1 2; do printf '{"id":"prt_%s","type":"step-finish",%s,"cost":0.1}' $i "$TOKENS" >$s/part/msg_1/prt_$i.json; done
	truncate -s 60 $s/part/msg_1/prt_2.json
	run "$TALLY" replay old --json
	expect 3 '"records": 1' "not valid JSON"
}
@test "OpenCode: what is only in the write-ahead log counts, while its program has it open and after a crash" {
	opencode logs/opencode.db
	# a program that keeps the database open and has committed, but not checkpointed
	mkfifo in; sqlite3 logs/opencode.db <in >/dev/null 3>&- & pid=$!
	exec 9>in
	printf 'PRAGMA wal_autocheckpoint = 0;\n%s\n' "$(message msg_1 ses_1 1781510400000)" >&9
	for _ in $(seq 50); do [ "$(sqlite3 logs/opencode.db 'SELECT count(*) FROM message')" = 1 ] && break; sleep 0.1; done
	[ -s logs/opencode.db-wal ] || fail "the log was written back"
	both 0 1 $ONE
	# as a crash leaves it, in a folder that cannot hold more
	mkdir crashed; cp logs/opencode.db logs/opencode.db-wal crashed/
	both_in_crashed=$("$TALLY" replay crashed --json)
	exec 9>&-; wait "$pid"; pid=
	[[ $both_in_crashed == *'"records": 1'* ]] || fail "the log of a crash was not read"
	ls crashed >left; [ "$(cat left)" = "opencode.db
opencode.db-wal" ] || fail "something was left: $(cat left)"
}
@test "OpenCode's older files, with the steps beside them; files and database both count once" {
	s=logs/storage; mkdir -p $s/message/ses_1 $s/part/msg_1 $s/session/p
	printf '{"id":"msg_1","sessionID":"ses_1","role":"assistant","modelID":"deepseek-v4-flash","providerID":"deepseek","cost":0.2,%s,"time":{"created":1781510400000,"completed":1781510400900}}' "$TOKENS" >$s/message/ses_1/msg_1.json
	for i in 1 2; do printf '{"id":"prt_%s","messageID":"msg_1","sessionID":"ses_1","type":"step-finish",%s,"cost":0.1}' $i "$TOKENS" >$s/part/msg_1/prt_$i.json; done
	printf '{"id":"msg_2","sessionID":"ses_1","role":"user","time":{"created":1781510400000}}' >$s/message/ses_1/msg_2.json
	printf '{"id":"ses_1","projectID":"p","directory":"/app","title":"x","time":{"created":1}}' >$s/session/p/ses_1.json
	both 0 2 0.0004424
	opencode logs/opencode.db
	sqlite3 logs/opencode.db "$(message msg_1 ses_1 1781510400000; step prt_1 msg_1; step prt_2 msg_1)"
	rm -rf t.db*; run "$TALLY" replay logs --json
	expect 0 '"records": 2'
	run "$TALLY" ingest --db t.db logs --json
	expect 0 '"accepted": 2' '"duplicates": 2'
}
@test "Goose: rows of its ledger, and totals of sessions in older databases" {
	mkdir logs
	sqlite3 logs/sessions.db "CREATE TABLE sessions(id TEXT, working_dir TEXT, created_at TEXT, total_tokens INTEGER, input_tokens INTEGER, output_tokens INTEGER, accumulated_total_tokens INTEGER, accumulated_input_tokens INTEGER, accumulated_output_tokens INTEGER, model_config_json TEXT);
		CREATE TABLE messages(id INTEGER);
		INSERT INTO sessions VALUES('20260615_1', '/app', '2026-06-15 08:00:00', 10200, 10000, 200, 10200, 10000, 200, '{\"model_name\":\"deepseek-v4-flash\"}');"
	# no cache is told: 10,000 uncached and 200 out
	both 0 1 0.001456
	rm -r t.db*
	sqlite3 logs/sessions.db "CREATE TABLE usage_ledger(id INTEGER PRIMARY KEY, session_id TEXT, created_timestamp INTEGER, model TEXT, input_tokens INTEGER, output_tokens INTEGER, total_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER, cost REAL, cost_source TEXT, is_compaction INTEGER);
		INSERT INTO usage_ledger VALUES(1, '20260615_1', 1781510400, 'deepseek-v4-flash', 10000, 200, 10200, 9000, NULL, 0.1, 'estimated', 0), (2, '20260615_1', 1781510400, 'deepseek-v4-flash', 10000, 200, 10200, 9000, NULL, 0.1, 'estimated', 1);"
	both 0 2 0.0004424
}
@test "Copilot CLI: rows of its store, unless the session's own file tells its calls" {
	mkdir -p logs/session-state/s2
	sqlite3 logs/session-store.db "CREATE TABLE sessions(id TEXT, cwd TEXT); INSERT INTO sessions VALUES('s1', '/app'), ('s2', '/app');
		CREATE TABLE assistant_usage_events(id INTEGER PRIMARY KEY, session_id TEXT, model TEXT, input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER, reasoning_tokens INTEGER, created_at TEXT);
		INSERT INTO assistant_usage_events VALUES(1, 's1', 'deepseek-v4-flash', 10000, 200, 9000, 0, 50, '2026-06-15T08:00:00.000Z'), (2, 's2', 'deepseek-v4-flash', 10000, 200, 9000, 0, 50, '2026-06-15T08:00:00.000Z');"
	printf '%s\n' '{"type":"session.usage_record","timestamp":"2026-06-15T08:00:00Z","data":{"usage":{"model":"deepseek-v4-flash","inputTokens":10000,"outputTokens":200,"cacheReadTokens":9000,"cacheWriteTokens":0,"reasoningTokens":50,"apiCallId":"r-cop"}}}' >logs/session-state/s2/events.jsonl
	both 0 2 0.0004424
}
@test "Crush keeps no totals: its sessions are named, never counted and never silent" {
	mkdir logs
	sqlite3 logs/crush.db "CREATE TABLE sessions(id TEXT, parent_session_id TEXT, prompt_tokens INTEGER, completion_tokens INTEGER, cost REAL, created_at INTEGER); CREATE TABLE messages(id TEXT);
		INSERT INTO sessions VALUES('c1', NULL, 5000, 100, 1.25, 1781510400), ('c2', 'c1', 100, 5, 0.25, 1781510400), ('c3', NULL, 0, 0, 0, 1781510400);"
	run "$TALLY" replay logs --json
	expect 3 '"records": 0' "session 'c1'" '1.250000 USD'
	[[ $output != *c2* ]] || fail "a child's cost is in its parent's"
	run "$TALLY" ingest --db t.db logs
	expect 3 '0 accepted' '1 quarantined'
}
@test "Cursor's export: four disjoint columns, equal rows, overlapping exports, rows without a charge" {
	mkdir logs
	head='Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost'
	row='"2026-06-15T08:00:00.000Z","Included","deepseek-v4-flash","No","0","1000","9000","200","10200","Included"'
	printf '\xef\xbb\xbf%s\n%s\n%s\n%s\n' "$head" "$row" "$row" '"2026-06-15T08:00:00.000Z","Errored, No Charge","deepseek-v4-flash","No","0","1000","9000","200","10200","0"' >logs/usage.csv
	both 0 2 0.0004424
	run "$TALLY" replay logs/usage.csv --json
	expect 0 '"records": 2'
	# another export, which begins with the same rows, in the older form
	printf '%s\r\n' 'Date,Model,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost,Cost to you' '2026-06-15T08:00:00.000Z,deepseek-v4-flash,0,1000,9000,200,10200,$0.01,$0.00' '2026-06-15T09:00:00.000Z,deepseek-v4-flash,0,1000,9000,200,10200,NaN,' >logs/usage2.csv
	run "$TALLY" replay logs --json
	expect 0 '"records": 3' '"total": "0.0006636"'
	run "$TALLY" ingest --db t.db logs --json
	expect 0 '"accepted": 1' '"duplicates": 3'
	# what goes to the cache has a column of its own
	printf '%s\n%s\n' "$head" '2026-06-15T08:00:00.000Z,Included,claude-sonnet-4-6,No,28342,775,105891,21282,156290,1' >w.csv
	run "$TALLY" replay w.csv --json
	expect 0 '"cache_write_5m": 28342' '"input": 775' '"cache_read": 105891' '"output": 21282'
	printf '%s\n%s\n' "$head" '2026-06-15T08:00:00.000Z,Included,claude-sonnet-4-6,No,1,1,1,1,5,1' >bad.csv
	run "$TALLY" replay bad.csv --json
	expect 3 'bad.csv:2' 'not the sum'
}
@test "Amp: usage in the messages, or in the ledger of older threads; a thread that grew" {
	mkdir logs
	m() { printf '{"role":"assistant","messageId":%s,"usage":{"model":"deepseek-v4-flash","timestamp":"2026-06-15T08:00:00Z","inputTokens":1000,"cacheCreationInputTokens":0,"cacheReadInputTokens":9000,"totalInputTokens":10000,"outputTokens":200,"credits":1.5}}' "$1"; }
	printf '{"id":"T-1","v":3,"messages":[{"role":"user","messageId":0},%s],"usageLedger":{"events":[{"id":"e1","timestamp":"2026-06-15T08:00:00Z","model":"deepseek-v4-flash","tokens":{"input":1000,"output":200},"toMessageId":1}]}}\n' "$(m 1)" >logs/T-1.json
	both 0 1 $ONE
	printf '{"id":"T-1","v":4,"messages":[{"role":"user","messageId":0},%s,%s]}\n' "$(m 1)" "$(m 2)" >logs/T-1.json
	run "$TALLY" ingest --db t.db logs --json
	expect 0 '"accepted": 1' '"duplicates": 1'
	printf '{"id":"T-2","messages":[{"role":"assistant","messageId":1,"usage":{"cacheCreationInputTokens":0,"cacheReadInputTokens":9000}}],"usageLedger":{"events":[{"id":"e1","timestamp":"2026-06-15T08:00:00Z","model":"deepseek-v4-flash","credits":1,"tokens":{"input":1000,"output":200},"fromMessageId":0,"toMessageId":1}]}}\n' >logs/T-2.json
	run "$TALLY" replay logs --json
	expect 0 '"records": 3' '"total": "0.0006636"'
}
@test "Droid: a session's total, which grows" {
	mkdir logs
	droid() { printf '{"model":"custom:deepseek-v4-flash","providerLock":"x","providerLockTimestamp":"2026-06-15T08:00:00Z","tokenUsage":{"inputTokens":%s,"outputTokens":150,"cacheCreationTokens":0,"cacheReadTokens":9000,"thinkingTokens":50}}\n' "$1" >logs/d1.settings.json; }
	droid 1000; both 0 1 $ONE
	droid 2000
	run "$TALLY" ingest --db t.db logs --json
	expect 0 '"grown": 1'
	run "$TALLY" usage --db t.db --json
	expect 0 '"total": "0.0003612"'
}
@test "tasks of Cline, Roo and Kilo: requests, deleted ones, the model in the entry or beside it" {
	mkdir -p logs/1/x logs/2
	printf '[{"ts":1781510400000,"type":"say","say":"text","text":"hello"},{"ts":1781510400001,"type":"say","say":"api_req_started","text":"{\\"request\\":\\"r\\",\\"tokensIn\\":1000,\\"tokensOut\\":200,\\"cacheWrites\\":0,\\"cacheReads\\":9000,\\"cost\\":0.5}","modelInfo":{"modelId":"deepseek-v4-flash","providerId":"deepseek"}},{"ts":1781510400002,"type":"say","say":"deleted_api_reqs","text":"{\\"tokensIn\\":1000,\\"tokensOut\\":200,\\"cacheReads\\":9000,\\"cost\\":0.5}","modelInfo":{"modelId":"deepseek-v4-flash"}},{"ts":1781510400003,"type":"say","say":"api_req_started","text":"{\\"request\\":\\"r\\"}"}]' >logs/1/ui_messages.json
	printf '[{"ts":1781510400001,"type":"say","say":"api_req_started","text":"{\\"request\\":\\"r\\",\\"tokensIn\\":1000,\\"tokensOut\\":200,\\"cacheReads\\":9000}"}]' >logs/2/ui_messages.json
	printf '[{"role":"user","content":[{"type":"text","text":"<environment_details><model>deepseek-v4-flash</model></environment_details>"}],"ts":1781510400001},{"role":"user","content":"<model>gpt-5.1-codex</model>","ts":1781510500000}]' >logs/2/api_conversation_history.json
	both 0 3 0.0006636
}
@test "Kimi's old command line: a step in two sessions is one call, and so is what is mirrored of a sub-agent" {
	mkdir -p logs/a logs/b
	s='{"timestamp":1781510400.5,"message":{"type":"StatusUpdate","payload":{"message_id":"m1","token_usage":{"input_other":1000,"input_cache_read":9000,"input_cache_creation":0,"output":200}}}}'
	printf '%s\n' '{"timestamp":1781510400.1,"message":{"type":"TurnBegin","payload":{"user_input":"x"}}}' "$s" '{"timestamp":1781510400.6,"message":{"type":"StatusUpdate","payload":{"message_id":"m2","token_usage":null}}}' '{"timestamp":1781510400.7,"message":{"type":"SubagentEvent","payload":{"event":{"type":"StatusUpdate","payload":{"message_id":"m3","token_usage":{"input_other":1000,"input_cache_read":9000,"output":200}}}}}}' >logs/a/wire.jsonl
	printf '%s\n' "$s" >logs/b/wire.jsonl
	run "$TALLY" replay logs --model deepseek-v4-flash --json
	expect 0 '"records": 2' '"input": 2000' '"output": 400'
	mkdir logs/c; printf '%s\n' "${s/m1/m3}" >logs/c/wire.jsonl
	run "$TALLY" replay logs --model deepseek-v4-flash --json
	expect 0 '"records": 2' '"input": 2000' '"output": 400'
	run "$TALLY" ingest --db t.db logs --model deepseek-v4-flash --json
	expect 0 '"accepted": 2' '"duplicates": 2'
	mkdir nameless; printf '%s\n' '{"timestamp":1781510400.1,"message":{"type":"TurnBegin","payload":{"user_input":"x"}}}' '{"timestamp":1781510400.7,"message":{"type":"SubagentEvent","payload":{"event":{"type":"StatusUpdate","payload":{"token_usage":{"input_other":30,"output":4}}}}}}' >nameless/wire.jsonl
	run "$TALLY" replay nameless --model deepseek-v4-flash --json
	expect 3
}
@test "Continue: the answers of a session, at the instant at which it began" {
	mkdir logs
	printf '[{"sessionId":"c1","title":"x","dateCreated":"1781510400000","workspaceDirectory":"/app","messageCount":2}]' >logs/sessions.json
	printf '{"sessionId":"c1","title":"x","workspaceDirectory":"/app","history":[{"message":{"role":"user","content":"x"}},{"message":{"role":"assistant","content":"y","usage":{"prompt_tokens":10000,"completion_tokens":200,"total_tokens":10200,"prompt_tokens_details":{"cached_tokens":9000},"completion_tokens_details":{"reasoning_tokens":50},"model":"deepseek-v4-flash","cost_cents":1}}}],"usage":{"totalCost":1,"promptTokens":10000,"completionTokens":200}}' >logs/c1.json
	both 0 1 $ONE
}
@test "a database of no agent is refused by name, and none of a folder" {
	mkdir logs; sqlite3 logs/other.db 'CREATE TABLE t(x)'
	run "$TALLY" replay logs/other.db; expect 1 'other.db' 'no known agent'
	run "$TALLY" ingest --db t.db logs/other.db; expect 1 'no known agent'
	run "$TALLY" replay logs; expect 1 'holds no'
}
@test "a folder of traces in CSV, with logs beside them or alone" {
	mkdir logs
	printf '%s\n' 'id,time,model,input,cache_read,output' 'a,2026-06-15T08:00:00Z,deepseek-v4-flash,1000,9000,200' 'b,2026-06-15T08:00:01Z,deepseek-v4-flash,1000,9000,200' >logs/a.csv
	printf 'question,answer\nwhat,that\n' >logs/words.csv
	printf 'input,output\nsome words,"more, words"\n' >logs/pairs.csv
	both 0 2 0.0004424
	run "$TALLY" replay logs/a.csv --json; expect 0 '"records": 2'
	# the same file by its name
	run "$TALLY" ingest --db t.db logs/a.csv --json; expect 0 '"accepted": 0' '"duplicates": 2'
	printf '%s\n' 'time,model,input,output' '2026-06-15T08:00:00Z,deepseek-v4-flash,x,200' >logs/bad.csv
	run "$TALLY" ingest --db t.db logs; expect 3 'bad.csv:2'
	run "$TALLY" replay logs; expect 3 'bad.csv:2'
}
