#!/usr/bin/env bats
# Tables of one's own whose columns carry the vendors' names of counts, and traces of simulators.
load common

# table HEADER ROW: replayed, and metered with the same sum
table() {
	printf '%s\n' "$@" >t.csv
	run "$TALLY" replay t.csv --json
	local replayed=$(json total) ended=$status
	rm -rf m.db*
	"$TALLY" ingest --db m.db t.csv >/dev/null 2>&1 || true
	run "$TALLY" usage --db m.db --since 2020-01-01 --json
	[ "$(json total)" = "$replayed" ] || fail "replay $replayed, usage $(json total)"
	status=$ended cost=$replayed
}
# gpt-5: $1.25 in, $0.125 cached, $10 out; claude-sonnet-4-6: $3, $0.30, $3.75, $15 a million
@test "the names of OpenAI and Anthropic are understood, the cache inside or beside as they mean it" {
	while IFS='|' read -r header row ends is; do
		table "$header" "$row"
		[[ $status = "$ends" && $cost = "$is" ]] || fail "$header: $status $cost"
	done <<'CASES'
timestamp,model,prompt_tokens,completion_tokens|2026-06-01T10:00:00Z,gpt-5,1000,200|0|0.00325
created_at,model,input_tokens,output_tokens,cached_tokens,user|2026-06-01 10:00:00Z,gpt-5,1000,200,400,bob|0|0.0028
id;created;Model Name;Prompt Tokens;Completion Tokens|a;1780308000;gpt-5;1000;200|0|0.00325
ts,model,input_tokens,output_tokens,cache_read_input_tokens,cache_creation_input_tokens|2026-06-01T10:00:00Z,claude-sonnet-4-6,1000,200,5000,400|0|0.009
ts,model,input_tokens,output_tokens,cache_read_input_tokens,ephemeral_1h_input_tokens|2026-06-01T10:00:00Z,claude-sonnet-4-6,1000,200,5000,400|0|0.0099
ts,model,service_tier,prompt_tokens,completion_tokens|2026-06-01T10:00:00Z,gpt-5,batch,1000,200|0|0.001625
ts,model,prompt_tokens,completion_tokens,reasoning_tokens,total_tokens|2026-06-01T10:00:00Z,gpt-5,1000,200,50,1200|0|0.00325
CASES
}
@test "a column of tokens whose place is not known leaves the rows unpriced, by its name" {
	for column in cache_read_tokens cache_tokens audio_tokens thinking_tokens; do
		table "ts,model,input_tokens,output_tokens,$column" 2026-06-01T10:00:00Z,gpt-5,1000,200,50
		[ "$status" = 3 ] || fail "$column: $cost"
		run "$TALLY" replay t.csv
		expect 3 "'$column'" '>='
	done
}
@test "lines of JSON with these names are the same calls" {
	echo '{"ts":"2026-06-01T10:00:00Z","model":"gpt-5","prompt_tokens":1000,"completion_tokens":200,"cached_tokens":400}' >t.jsonl
	run "$TALLY" replay t.jsonl --json
	[ "$status" = 0 ] && [ "$(json total)" = 0.0028 ]
}
@test "traces of Vidur and Splitwise are known by their columns" {
	printf '%s\n' arrived_at,num_prefill_tokens,num_decode_tokens 0.5,1000,20 1.5,3000,40 >t.csv
	run "$TALLY" replay t.csv --at 2026-06-01 --model gpt-5 --json
	[ "$status" = 0 ] && [ "$(json total)" = 0.0056 ]
	printf '%s\n' request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size 0,2,0,0.5,1,1000,20 1,2,0,1.5,1,3000,40 >t.csv
	run "$TALLY" replay t.csv --at 2026-06-01 --model gpt-5 --json
	[ "$status" = 0 ] && [ "$(json total)" = 0.0056 ]
}
@test "--map says what the columns mean, whatever their names would" {
	printf '%s\n' ts,model,user,prompt_tokens,completion_tokens,cache_read_tokens 2026-06-01T10:00:00Z,gpt-5,acme,1000,200,400 >t.csv
	as='--map time=ts --map customer=user --map prompt=prompt_tokens --map output=completion_tokens --map cache_read=cache_read_tokens'
	run "$TALLY" replay t.csv $as --json
	[ "$status" = 0 ] && [ "$(json total)" = 0.0028 ] || fail replay
	run "$TALLY" ingest --db m.db t.csv $as
	[ "$status" = 0 ] || fail ingest
	run "$TALLY" usage --db m.db --since 2020-01-01 --by customer --json
	expect 0 '"acme"' '"0.0028"'
}
