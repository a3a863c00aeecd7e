# Two sightings of one call that differ: which counts, whatever the order, by replay and by ingest; and what contradicts is told.
load common

claude() { # SECOND MODEL STOP_REASON USAGE [REQUEST]
	printf '{"sessionId":"s","type":"assistant","timestamp":"2026-07-18T10:00:%02dZ","message":{"id":"msg_1","type":"message","role":"assistant","model":"%s","content":[],"stop_reason":%s,"usage":{%s}},"requestId":"%s"}\n' \
		"$1" "$2" "$3" "$4" "${5:-req_1}"
}
# both_ways STATUS TEXT...: the replay of a.jsonl and b.jsonl in either order, and their ingest in pieces
both_ways() {
	local status_wanted=$1 order f
	shift
	for order in "a.jsonl b.jsonl" "b.jsonl a.jsonl"; do
		run "$TALLY" replay $order --json
		expect "$status_wanted" "$@"
		rm -rf m.db*
		for f in $order $order; do run "$TALLY" ingest "$f" --db m.db; done
		expect "$status_wanted"
		run "$TALLY" usage --db m.db --json
		expect 0 "$@"
		run "$TALLY" fsck --db m.db
		expect 0 clean
	done
}

@test "the end of a stream replaces its earlier snapshots, whatever moved between the counts" {
	claude 0 claude-sonnet-4-6 null '"input_tokens":8834,"output_tokens":0' >a.jsonl
	claude 3 claude-sonnet-4-6 '"end_turn"' '"input_tokens":18,"output_tokens":426,"cache_creation_input_tokens":0,"cache_read_input_tokens":8831' >b.jsonl
	both_ways 0 '"records": 1,' '"input": 18,' '"cache_read": 8831,' '"output": 426,'
	cat a.jsonl b.jsonl >c.jsonl
	run "$TALLY" replay c.jsonl --json
	expect 0 '"records": 1,' '"input": 18,'
	# of another request it is another call
	claude 3 claude-sonnet-4-6 '"end_turn"' '"input_tokens":18,"output_tokens":426' req_2 >b.jsonl
	run "$TALLY" replay a.jsonl b.jsonl --json
	expect 3 '"records": 2,' '"input": 8852,'
}

@test "sightings that name different models are told, and the first counts" {
	claude 0 claude-sonnet-4-6 null '"input_tokens":20,"output_tokens":1' >a.jsonl
	claude 3 claude-haiku-4-5 '"end_turn"' '"input_tokens":20,"output_tokens":300' >b.jsonl
	run "$TALLY" replay a.jsonl b.jsonl
	expect 3 "b.jsonl:1: the id 'msg_1' has another model elsewhere; the first record counts"
	run "$TALLY" ingest a.jsonl --db m.db
	run "$TALLY" ingest b.jsonl --db m.db
	expect 3 'the id is stored with another output,model; the first record counts' '1 conflict'
	run "$TALLY" daily a.jsonl b.jsonl -z UTC
	expect 3 'the id has another output,model elsewhere; the first record counts'
}

@test "however a model is spelled, it is the same one" {
	claude 0 claude-sonnet-4-6 null '"input_tokens":20,"output_tokens":1' >a.jsonl
	local name
	for name in 'claude-sonnet-4-6[1m]' claude-sonnet-4-6-20260217 Claude-Sonnet-4-6 anthropic/claude-sonnet-4.6 us.anthropic.claude-sonnet-4-6-20260217-v1:0; do
		claude 3 "$name" '"end_turn"' '"input_tokens":20,"output_tokens":300' >b.jsonl
		both_ways 0 '"records": 1,' '"input": 20,' '"output": 300,'
	done
}

@test "a fork copies the calls of its thread with instants of its own: the earliest is the call's, whichever is read first" {
	codex() { # TIME TYPE PAYLOAD
		printf '{"timestamp":"%s","type":"%s","payload":{%s}}\n' "$@"
	}
	counted() { # TIME INPUT OUTPUT, and both so far
		codex "$1" event_msg '"type":"token_count","info":{"total_token_usage":{"input_tokens":'"$4"',"cached_input_tokens":0,"output_tokens":'"$5"',"total_tokens":'$(($4 + $5))'},"last_token_usage":{"input_tokens":'"$2"',"cached_input_tokens":0,"output_tokens":'"$3"',"total_tokens":'$(($2 + $3))'}}'
	}
	{
		codex 2026-08-20T10:00:00Z session_meta '"id":"pppp","cwd":"/p","cli_version":"0.150.0"'
		codex 2026-08-20T10:00:00Z turn_context '"cwd":"/p","model":"gpt-5.6-sol"'
		counted 2026-08-20T10:00:09Z 1000 50 1000 50
	} >a.jsonl
	{
		codex 2026-08-22T04:00:00Z session_meta '"id":"cccc","forked_from_id":"pppp","cwd":"/p","cli_version":"0.150.0"'
		codex 2026-08-22T04:00:00Z session_meta '"id":"pppp","cwd":"/p","cli_version":"0.150.0"'
		codex 2026-08-22T04:00:00Z turn_context '"cwd":"/p","model":"gpt-5.6-sol"'
		counted 2026-08-22T04:00:00Z 1000 50 1000 50
		codex 2026-08-22T04:01:00Z turn_context '"cwd":"/p","model":"gpt-5.6-sol"'
		counted 2026-08-22T04:01:09Z 700 50 1700 100
	} >b.jsonl
	both_ways 0 '"records": 2,' '"input": 1700,'
	for order in "a.jsonl b.jsonl" "b.jsonl a.jsonl"; do
		rm -rf m.db*
		for f in $order $order; do
			run "$TALLY" ingest "$f" --db m.db
			expect 0 ' 0 conflicts'
		done
		run "$TALLY" usage --db m.db --by day --csv -z UTC
		expect 0 '2026-08-20,1,1,1000' '2026-08-22,1,1,700'
		run "$TALLY" replay $order --by day --csv -z UTC
		expect 0 '2026-08-20,1,1000' '2026-08-22,1,700'
	done
}
