#!/usr/bin/env bats
# Folders of logs as they really are: empty files, dangling and circling links, denied folders, files of another kind.
load common

# call FILE ID: one call of 10,000 in and 100 out on Sonnet 4.6, 0.0315
call() {
	mkdir -p "$(dirname "$1")"
	printf '{"type":"assistant","timestamp":"2026-06-15T08:00:00Z","sessionId":"s","cwd":"/app","requestId":"req_%s","message":{"id":"%s","model":"claude-sonnet-4-6","role":"assistant","stop_reason":"end_turn","usage":{"input_tokens":10000,"output_tokens":100,"cache_read_input_tokens":0,"cache_creation_input_tokens":0}}}\n' "$2" "$2" >>"$1"
}
# both STATUS RECORDS TOTAL: the replay and the meter
both() {
	run "$TALLY" replay logs --json
	expect "$1" "\"records\": $2" "\"total\": \"$3\""
	run "$TALLY" ingest --db t.db logs --json
	expect "$1" "\"accepted\": $2"
	run "$TALLY" usage --db t.db --json
	expect 0 "\"total\": \"$3\""
}

@test "nothing in a folder ends the run" {
	call logs/a.jsonl one; call logs/z/z.jsonl two
	: >logs/empty.jsonl
	printf '{\n // a comment\n "theme": "dark"\n}\n' >logs/settings.json
	printf '{"agentType":"x","spawnDepth":1}' >logs/agent-1.meta.json
	mkdir logs/folder.jsonl
	ln -s ../logs logs/circle
	both 0 2 0.063
	ln -s gone.jsonl logs/dangling.jsonl
	run "$TALLY" replay logs --json
	expect 3 '"records": 2' '"total": "0.063"'
	run "$TALLY" ingest --db u.db logs
	expect 3 '2 accepted' 'dangling.jsonl' '1 file could not be read'
}
@test "a folder behind a link counts once" {
	call real/a.jsonl one; mkdir logs; ln -s ../real logs/link; ln -s ../real logs/link2
	both 0 1 0.0315
}
@test "a file that counts tokens in a way that is not known is named, never nothing" {
	call logs/a.jsonl one
	printf '{"kind":"turn","stats":{"promptTokens_v9": 1200, "answerTokens_v9": 40}}\n' >logs/other.json
	run "$TALLY" replay logs --json; expect 3 '"records": 1' 'other.json' 'counts tokens'
	run "$TALLY" ingest --db t.db logs; expect 3 '1 accepted' 'other.json' 'counts tokens'
	run "$TALLY" ingest --db t.db logs/other.json; expect 3
	[[ $output == *counts\ tokens* ]] || [[ $output == *quarantined* ]] || fail "nothing was said"
}
