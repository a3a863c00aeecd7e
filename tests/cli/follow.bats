#!/usr/bin/env bats
# Following files that do not only grow: cut, rotated, replaced, rewritten, databases.
load common

# call ID: a line of a log, one call of 10,000 in and 100 out on Sonnet 4.6; all of one length
call() {
	printf '{"type":"assistant","timestamp":"2026-06-15T08:00:00Z","sessionId":"s","cwd":"/app","requestId":"req_%s","message":{"id":"%s","model":"claude-sonnet-4-6","role":"assistant","stop_reason":"end_turn","usage":{"input_tokens":10000,"output_tokens":100,"cache_read_input_tokens":0,"cache_creation_input_tokens":0}}}\n' "$1" "$1"
}
follow() { timeout 120 "$TALLY" ingest --db t.db --follow "$@" >follow.out 2>&1 3>&- & pid=$!; }
# has N: so many records within a few seconds
has() {
	for _ in $(seq 60); do
		run "$TALLY" usage --db t.db --json; [ "$(json records)" = "$1" ] && return 0; sleep 0.1
	done
	fail "not $1 records"
}
stop() { kill -INT "$pid"; wait "$pid" || true; pid=; }

@test "a log that is cut and has grown past where it was read is read again from its start" {
	mkdir logs; { call a1; call a2; } >logs/a.jsonl
	follow logs; has 2
	# in place, between two looks, longer than before and with the same first line
	{ call a1; call b2; call b3; call b4; } >new; cat new >logs/a.jsonl
	has 5
	{ call c1; call c2; call c3; call c4; call c5; } >new; cat new >logs/a.jsonl
	has 10
	# cut to less, and to nothing
	call d1 >logs/a.jsonl; has 11
	: >logs/a.jsonl; sleep 0.5; call d2 >>logs/a.jsonl; has 12
	stop
	run cat follow.out; status=$(grep -c 'quarantined' follow.out); expect 1 ', 0 conflicts, 0 quarantined'
}
@test "the same between two runs: what was cut meanwhile is read again" {
	mkdir logs; { call a1; call a2; } >logs/a.jsonl
	follow logs; has 2; stop
	{ call a1; call b2; call b3; } >new; cat new >logs/a.jsonl
	follow logs; has 4; stop
	call b4 >>logs/a.jsonl
	follow logs; has 5; stop
	run cat follow.out; status=0
	# only what is new was read
	expect 0 '1 record read'
}
@test "a log that is rotated or replaced is read to its end, and its successor from its start" {
	mkdir logs; { call a1; call a2; } >logs/a.jsonl
	follow logs; has 2
	call a3 >>logs/a.jsonl; mv logs/a.jsonl logs/a.jsonl.1; { call b1; call b2; call b3; } >logs/a.jsonl
	has 6
	{ call c1; call c2; call c3; call c4; } >new; mv new logs/a.jsonl
	has 10
	rm logs/a.jsonl; sleep 0.4; call d1 >logs/a.jsonl; has 11
	mkdir -p logs/later/deep; call e1 >logs/later/deep/e.jsonl; has 12
	stop
}
@test "a database is read again when it has changed, and nothing of it twice" {
	mkdir logs
	m() { printf "INSERT OR REPLACE INTO message VALUES('%s', 'ses_1', '{\"role\":\"assistant\",\"modelID\":\"deepseek-v4-flash\",\"providerID\":\"p\",\"tokens\":{\"total\":%s,\"input\":%s,\"output\":200,\"reasoning\":0,\"cache\":{\"read\":0,\"write\":0}},\"time\":{\"created\":%s}}');" "$1" $(($2 + 200)) "$2" "$3"; }
	sqlite3 logs/opencode.db "PRAGMA journal_mode = WAL; CREATE TABLE session(id TEXT); CREATE TABLE message(id TEXT PRIMARY KEY, session_id TEXT, data TEXT); $(m one 1000 1781510400000)" >/dev/null
	follow logs; has 1
	sqlite3 logs/opencode.db "$(m two 1000 1781510401000)"; has 2
	# its program keeps it open: commits go to the log beside it
	mkfifo in; sqlite3 logs/opencode.db <in >/dev/null 3>&- & other=$!
	exec 9>in
	echo "$(m three 1000 1781510402000)" >&9; has 3
	echo "$(m four 1000 1781510403000)" >&9; has 4
	exec 9>&-; wait "$other"
	sqlite3 logs/opencode.db "PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null; sleep 0.6
	stop
	run cat follow.out; status=0; expect 0 '4 records read: 4 accepted'
}
@test "a database that shows more without looking changed, as its log does, is read once more" {
	mkdir logs
	m() { printf "INSERT INTO message VALUES('%s', 'ses_1', '{\"role\":\"assistant\",\"modelID\":\"deepseek-v4-flash\",\"providerID\":\"p\",\"tokens\":{\"total\":1200,\"input\":1000,\"output\":200,\"reasoning\":0,\"cache\":{\"read\":0,\"write\":0}},\"time\":{\"created\":%s}}');" "$1" "$2"; }
	sqlite3 logs/opencode.db "CREATE TABLE session(id TEXT); CREATE TABLE message(id TEXT PRIMARY KEY, session_id TEXT, data TEXT); $(m one 1781510400000)"
	touch -d '+5 seconds' logs/opencode.db; touch -r logs/opencode.db now
	size=$(stat -c %s logs/opencode.db)
	follow logs; has 1
	sqlite3 logs/opencode.db "$(m two 1781510401000)"; touch -r now logs/opencode.db
	[ "$(stat -c %s logs/opencode.db)" = "$size" ]
	for _ in 1 2 3; do sleep 2; run "$TALLY" usage --db t.db --json; [ "$(json records)" = 2 ] && break; done
	has 2
	stop
}
@test "a document that is rewritten is read when it is whole" {
	mkdir logs
	one() { printf '{"role":"assistant","messageId":%s,"usage":{"model":"deepseek-v4-flash","timestamp":"2026-06-15T08:00:00Z","inputTokens":1000,"cacheCreationInputTokens":0,"cacheReadInputTokens":0,"totalInputTokens":1000,"outputTokens":200}}' "$1"; }
	printf '{"id":"T-1","messages":[%s]}' "$(one 1)" >logs/T-1.json
	follow logs; has 1
	# half of it, then all of it
	printf '{"id":"T-1","messages":[%s,' "$(one 1)" >logs/T-1.json; sleep 0.1
	printf '{"id":"T-1","messages":[\n%s,\n%s]}' "$(one 1)" "$(one 2)" >logs/T-1.json
	has 2
	printf '{"id":"T-1","messages":[%s,%s,%s]}' "$(one 1)" "$(one 2)" "$(one 3)" >new; mv new logs/T-1.json
	has 3; stop
	run cat follow.out; status=0; expect 0 '3 records read: 3 accepted' '0 quarantined'
}
@test "a compressed log is read once, and again when it has changed" {
	mkdir logs; { call a1; call a2; } | gzip >logs/a.jsonl.gz
	follow logs; has 2; sleep 1
	{ call a1; call a2; call a3; } | gzip >logs/a.jsonl.gz; has 3; stop
	run cat follow.out; status=0; expect 0 '5 records read: 3 accepted, 2 duplicates'
}
@test "a log whose lines hang on earlier ones is understood after a restart" {
	mkdir logs
	printf '%s\n' '{"type":"llm.request","model":"deepseek-v4-flash"}' '{"type":"context.append_loop_event","event":{"type":"step.end","usage":{"inputOther":1000,"output":200,"inputCacheRead":0,"inputCacheCreation":0},"messageId":"k1"},"time":1781510400000}' >logs/wire.jsonl
	follow logs; has 1; stop
	printf '%s\n' '{"type":"context.append_loop_event","event":{"type":"step.end","usage":{"inputOther":1000,"output":200,"inputCacheRead":0,"inputCacheCreation":0},"messageId":"k2"},"time":1781510401000}' >>logs/wire.jsonl
	follow logs; has 2; stop
	run "$TALLY" usage --db t.db --json; expect 0 '"unpriced": 0'
}
