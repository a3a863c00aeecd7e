#!/usr/bin/env bats
# Where agents keep their logs: found without a path, in their default places and where the environment moves them.
# with sanitizers, too
load common
setup() {
	common_setup
	export HOME=$DIR/home TALLY_DB=$DIR/t.db
	mkdir "$HOME"
	unset XDG_DATA_HOME XDG_CONFIG_HOME CLAUDE_CONFIG_DIR CODEX_HOME OPENCODE_DB OPENCODE_DATA_DIR GEMINI_CLI_HOME GOOSE_PATH_ROOT CRUSH_GLOBAL_DATA
}
# call FILE ID: one call of 10,000 in and 100 out on Sonnet 4.6, 0.0315
call() {
	mkdir -p "$(dirname "$1")"
	printf '{"type":"assistant","timestamp":"2026-06-15T08:00:00Z","sessionId":"s","cwd":"/app","requestId":"req_%s","message":{"id":"%s","model":"claude-sonnet-4-6","role":"assistant","stop_reason":"end_turn","usage":{"input_tokens":10000,"output_tokens":100,"cache_read_input_tokens":0,"cache_creation_input_tokens":0}}}\n' "$2" "$2" >>"$1"
}

@test "without a path the logs of every agent are found, told and read" {
	call "$HOME/.claude/projects/-app/a.jsonl" one
	call "$HOME/.config/claude/projects/-app/b.jsonl" two
	mkdir -p "$HOME/.codex/sessions/2026/06/15"
	printf '%s\n' '{"timestamp":"2026-06-15T08:00:00Z","type":"session_meta","payload":{"id":"x1"}}' '{"timestamp":"2026-06-15T08:00:00Z","type":"turn_context","payload":{"model":"gpt-5.1-codex"}}' '{"timestamp":"2026-06-15T08:00:01Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":1000,"cached_input_tokens":0,"output_tokens":10,"reasoning_output_tokens":0,"total_tokens":1010},"last_token_usage":{"input_tokens":1000,"cached_input_tokens":0,"output_tokens":10,"reasoning_output_tokens":0,"total_tokens":1010}}}}' >"$HOME/.codex/sessions/2026/06/15/rollout-1.jsonl"
	run "$TALLY" replay --by model
	expect 0 'found Claude Code: 2 files' '1 more place' 'found Codex: 1 file' 'gpt-5.1-codex' 'claude-sonnet-4-6'
	run "$TALLY" ingest
	expect 0 'found Claude Code: 2 files' '3 accepted'
	run "$TALLY" ingest --json 2>/dev/null
	expect 0 '"accepted": 0' '"duplicates": 3'
	run "$TALLY" replay agents:codex --json
	expect 0 '"records": 1'
	run "$TALLY" ingest agents:claude --quiet --db u.db
	expect 0 '2 accepted'
	[[ $output != *found* ]] || fail "quiet means quiet"
}
@test "nothing found is told, with where to look" {
	run "$TALLY" replay
	expect 1 'no logs of agents were found' 'tally sources'
	run "$TALLY" ingest
	expect 1 'no logs of agents were found'
	[ ! -e t.db ] || fail "a database was made for nothing"
	run "$TALLY" sources
	expect 0 'Claude Code' 'not there' 'no logs of agents were found'
	run "$TALLY" replay agents:nobody
	expect 2 "no agent 'nobody'" 'opencode'
}
@test "sources says what lies where, and what moved it" {
	call cc/projects/p/a.jsonl one; call other/projects/p/b.jsonl two
	call "$HOME/.claude/projects/p/c.jsonl" three
	CLAUDE_CONFIG_DIR=$DIR/cc,$DIR/other/projects run "$TALLY" sources
	expect 0 "$DIR/cc/projects" "$DIR/other/projects" 'CLAUDE_CONFIG_DIR'
	CLAUDE_CONFIG_DIR=$DIR/cc,$DIR/other/projects run "$TALLY" replay --json
	expect 0 '"records": 2'
	run "$TALLY" sources claude --json
	expect 0 '"schema": "tally.sources/1"' '"agent": "claude"' '"files": 1' '"moved": false'
	XDG_DATA_HOME=$DIR/data run "$TALLY" sources --all
	expect 0 "$DIR/data/opencode" "$DIR/data/goose/sessions"
}
@test "a place that cannot be looked into is named, and the rest counts" {
	[ "$(id -u)" -ne 0 ] || skip "root reads everything"
	call "$HOME/.claude/projects/p/a.jsonl" one
	mkdir -p "$HOME/.codex/sessions"; chmod 0 "$HOME/.codex/sessions"
	run "$TALLY" replay --json
	chmod 700 "$HOME/.codex/sessions"
	expect 3 '"records": 1' 'Codex'
}
@test "one directory under two names is read once" {
	call "$HOME/.claude/projects/p/a.jsonl" one
	mkdir -p "$HOME/.config"; ln -s "$HOME/.claude" "$HOME/.config/claude"
	run "$TALLY" ingest
	expect 0 '1 record read: 1 accepted'
}
@test "following without a path reads what agents write later" {
	mkdir -p "$HOME/.claude"
	timeout 60 "$TALLY" ingest --follow >follow.out 2>&1 3>&- & pid=$!
	sleep 0.5
	call "$HOME/.claude/projects/p/a.jsonl" one
	for _ in $(seq 50); do run "$TALLY" usage --json; case $output in *'"records": 1'*) break ;; esac; sleep 0.1; done
	expect 0 '"records": 1' '"total": "0.0315"'
}
@test "the copy of a home is read with the hidden folders of agents, and no others; what was skipped is told" {
	call old/me/.claude/projects/-app/a.jsonl one
	call old/me/.config/claude/projects/-app/b.jsonl two
	call old/me/notes/c.jsonl three
	call old/me/.trash/projects/d.jsonl four
	mkdir -p old/me/.codex/sessions old/me/.git
	run "$TALLY" replay old --json; expect 0 '"records": 3,'
	run "$TALLY" daily old; expect 0 '3 logs'
	run "$TALLY" ingest old; expect 0 '3 accepted'
	call other/.trash/projects/d.jsonl four
	run "$TALLY" replay other; expect 1 'holds no .jsonl' 'folders whose names begin with a dot are skipped'
	run "$TALLY" replay other/.trash --json; expect 0 '"records": 1,'
	mkdir bare; run "$TALLY" replay bare; expect 1 'holds no .jsonl'
	[[ $output != *dot* ]]
}
