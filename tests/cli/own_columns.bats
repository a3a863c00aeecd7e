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
# In a table without a prompt or an answer a number of unknown meaning may be it, so its rows have no
# price; where both are there it may be any other count, which is told. Names, times, places and marks
# count nothing.
@test "a column of whole numbers that no table knows is never passed over in silence" {
	while IFS='|' read -r header row ends is; do
		table "$header" "$row"
		[[ $status = "$ends" && $cost = "$is" ]] || fail "$header: $status $cost"
		run "$TALLY" replay t.csv
		[ "$ends" = 0 ] || expect 3 zork
		run "$TALLY" ingest --db n.db t.csv
		[ "$status" = "$ends" ] || fail "ingest $header: $status"
		rm -rf n.db*
	done <<'CASES'
time,model,input,zork|2026-06-01T10:00:00Z,gpt-5,1000,200|3|0
time,model,zork,output|2026-06-01T10:00:00Z,gpt-5,1000,200|3|0
time,model,prompt,cache_read,zork|2026-06-01T10:00:00Z,gpt-5,1000,400,"1,200"|3|0
time,model,input,output,zork|2026-06-01T10:00:00Z,gpt-5,1000,200,50|3|0.00325
ts,model,prompt_tokens,completion_tokens,zork|2026-06-01T10:00:00Z,gpt-5,1000,200,50|3|0.00325
time,model,input,zork|2026-06-01T10:00:00Z,gpt-5,1000,plain words|0|0.00125
time,model,input,zork|2026-06-01T10:00:00Z,gpt-5,1000,0|0|0.00125
time,model,input,total,zork|2026-06-01T10:00:00Z,gpt-5,1000,1000,7|3|0.00125
time,model,input,rowNumber,user_id,http_status,latency_ms,port,retries,Score|2026-06-01T10:00:00Z,gpt-5,1000,1,7,200,1300,443,2,5|0|0.00125
time,model,input,output,row,Status Code,duration,ttft,attempt,temperature|2026-06-01T10:00:00Z,gpt-5,1000,200,1,200,3,120,1,1|0|0.00325
CASES
}
@test "a mapped column, or one that costs nothing, is in no doubt" {
	printf '%s\n' time,model,input,zork 2026-06-01T10:00:00Z,gpt-5,1000,200 >t.csv
	run "$TALLY" replay t.csv --map none=zork --json
	[ "$status" = 0 ] && [ "$(json total)" = 0.00125 ]
	run "$TALLY" replay t.csv --map output=zork --json
	[ "$status" = 0 ] && [ "$(json total)" = 0.00325 ]
}
@test "records in JSON that lack an answer are unpriced by such a key, and told by it where nothing lacks" {
	for i in 1 2 3; do echo '{"time":"2026-06-01T10:00:00Z","model":"gpt-5","input":1000,"zork":200}'; done >t.jsonl
	run "$TALLY" replay t.jsonl
	expect 3 "'zork'" '3 records without a price'
	"$TALLY" ingest --db m.db t.jsonl && false || [ $? = 3 ]
	sed -i 's/"input"/"output":5,"input"/' t.jsonl
	run "$TALLY" replay t.jsonl
	expect 3 zork '$0.0039'
	run "$TALLY" replay t.jsonl --reference
	expect 3 zork '$0.0039'
}
@test "a column is what people mean by its name, where no other has the field's own" {
	own() { printf '%s\n2026-06-01T10:00:00Z,gpt-5,1000,200\n' "$1" >t.csv; }
	for time in timestamp date Date Time datetime created_at "Start time" ts; do
		own "$time,Model,Input,output"
		for command in "replay --json" "ingest --db $RANDOM.db --json"; do
			run "$TALLY" $command t.csv
			expect 0
		done
		[ "$("$TALLY" replay t.csv --csv -q | tail -n 1)" = "1,1000,0,0,0,200,0,USD,0.00325,0" ] || fail "$time"
	done
	# two that may be meant are nobody's; the field's own name goes before, and what --map says
	printf 'Date,Timestamp,model,input,output\n2026-06-01,10:00,gpt-5,1000,200\n' >t.csv
	run "$TALLY" replay t.csv
	expect 2 'no instants' '--map time=COLUMN'
	printf 'Date,time,model,input,output\nyesterday,2026-06-01T10:00:00Z,gpt-5,1000,200\n' >t.csv
	run "$TALLY" replay t.csv
	expect 0 'columns not used: Date'
	printf 'Date,when,model,input,output\nyesterday,2026-06-01T10:00:00Z,gpt-5,1000,200\n' >t.csv
	run "$TALLY" replay t.csv --map time=when
	expect 0 'columns not used: Date'
	# a line that was refused keeps what its columns mean
	printf 'Date,Model,Input,output\n2026-06-01T10:00:00Z,gpt-5,x,200\n' >t.csv
	run "$TALLY" ingest t.csv --db kept.db
	expect 3 "field 'input'"
	run "$TALLY" quarantine list --db kept.db --json
	expect 0 'input'
}
@test "whose counts they are does not make them harmless: a user's prompt is a prompt" {
	for name in user_input userPrompt line_in gpu_out user_reply; do
		printf 'time,model,%s,output\n2026-06-01T10:00:00Z,gpt-5,1000,200\n' "$name" >t.csv
		run "$TALLY" replay t.csv
		expect 3 "the column '$name' is of no known meaning"
	done
	for name in user_id line_no input_ms response_id tests_passed; do
		printf 'time,model,%s,input,output\n2026-06-01T10:00:00Z,gpt-5,1000,1000,200\n' "$name" >t.csv
		run "$TALLY" replay t.csv
		expect 0 '$0.00325'
	done
}
