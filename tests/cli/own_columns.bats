#!/usr/bin/env bats
# Tables of one's own whose columns carry the vendors' names of counts, and traces of simulators.
bats_require_minimum_version 1.5.0
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
# gemini-2.5-flash: $0.30 in, $0.03 cached, $2.50 out, thoughts beside the answer
# gpt-5: $1.25 in, $0.125 cached, $10 out; claude-sonnet-4-6: $3, $0.30, $3.75, $15 a million
@test "the names of OpenAI and Anthropic are understood, the cache inside or beside as they mean it" {
	while IFS='|' read -r header row ends is; do
		table "$header" "$row"
		[[ $status = "$ends" && $cost = "$is" ]] || fail "$header: $status $cost"
	done <<'CASES'
timestamp,model,prompt_tokens,completion_tokens|2026-06-01T10:00:00Z,gpt-5,1000,200|0|0.00325
time,model,tokens_in,tokens_out,cached|2026-06-01T10:00:00Z,gpt-5,1000,200,400|0|0.0028
arrival_time,model,input_length,output_length|2026-06-01T10:00:00Z,gpt-5,1000,200|0|0.00325
created_at,model,input_tokens,output_tokens,cached_tokens,user|2026-06-01 10:00:00Z,gpt-5,1000,200,400,bob|0|0.0028
id;created;Model Name;Prompt Tokens;Completion Tokens|a;1780308000;gpt-5;1000;200|0|0.00325
ts,model,input_tokens,output_tokens,cache_read_input_tokens,cache_creation_input_tokens|2026-06-01T10:00:00Z,claude-sonnet-4-6,1000,200,5000,400|0|0.009
ts,model,input_tokens,output_tokens,cache_read_input_tokens,ephemeral_1h_input_tokens|2026-06-01T10:00:00Z,claude-sonnet-4-6,1000,200,5000,400|0|0.0099
ts,model,service_tier,prompt_tokens,completion_tokens|2026-06-01T10:00:00Z,gpt-5,batch,1000,200|0|0.001625
ts,model,prompt_tokens,completion_tokens,reasoning_tokens,total_tokens|2026-06-01T10:00:00Z,gpt-5,1000,200,50,1200|0|0.00325
time,model,promptTokenCount,cachedContentTokenCount,candidatesTokenCount,thoughtsTokenCount,toolUsePromptTokenCount,totalTokenCount|2026-06-01T10:00:00Z,gemini-2.5-flash,1000,200,100,50,30,1180|0|0.00063
time,model,prompt_token_count,candidates_token_count,total_token_count|2026-06-01T10:00:00Z,gemini-2.5-flash,1000,100,1100|0|0.00055
CASES
}
@test "lines whose time or model has nearly the name of a field have that instant and model, with --at and without" {
	row='"model":"claude-sonnet-4-6","input":1000,"output":100}'
	printf '%s\n' '{"timestamp":"2026-06-01T00:00:00Z",'"$row" '{"timestamp":"2026-06-01T02:00:00Z",'"$row" '{"time":"2026-06-01T05:00:00Z","timestamp":"x",'"$row" >t.jsonl
	run "$TALLY" replay t.jsonl --by hour --csv
	expect 0 2026-06-01T00:00 2026-06-01T02:00 2026-06-01T05:00
	run "$TALLY" replay t.jsonl --by hour --at 2026-07-01 --csv
	expect 0 2026-07-01T00:00 2026-07-01T02:00 2026-07-01T05:00
	printf '%s\n' '{"ts":0,"Model":"claude-sonnet-4-6","input":1000,"output":100}' '{"ts":7200,"Model":"claude-sonnet-4-6","input":1000,"output":100}' >s.jsonl
	run "$TALLY" replay s.jsonl; expect 2 'count from the start'
	run "$TALLY" replay s.jsonl --by hour --at 2026-07-01 --csv
	expect 0 2026-07-01T00:00 2026-07-01T02:00
}
@test "a table without a model has the one that is asked for, and none unasked" {
	printf 'timestamp,input_tokens,output_tokens\n2026-06-01T10:00:00Z,1000,200\n' >t.csv
	run "$TALLY" replay t.csv
	expect 3 'no model is named'
	run "$TALLY" replay t.csv --model gpt-5 --json
	[ "$(json total)" = 0.00325 ]
	run "$TALLY" replay t.csv --remodel gpt-5 --json
	[ "$(json total)" = 0.00325 ]
}
@test "one column named by hand leaves the others what they are, and a pipe is read as its file is" {
	while IFS='|' read -r header row; do
		sep=${header//[a-zA-Z_ 0-9]/}; sep=${sep:0:1}
		printf '%s\n' "$header" "$row" >t.csv
		printf '%s\n' "$header${sep}Squad" "$row${sep}blue" >s.csv
		run "$TALLY" replay t.csv --json
		plain=$(json total)
		[ "$(cat t.csv | "$TALLY" replay - --json | sed -n 's/^ "total": "\(.*\)",/\1/p')" = "$plain" ] || fail "pipe: $header"
		run "$TALLY" replay s.csv --map project=Squad --by project --json
		[[ "$(json total)" = "$plain" && $output = *'"project": "blue"'* ]] || fail "mapped: $header: $output, not $plain"
		rm -rf m.db*; "$TALLY" ingest --db m.db s.csv --map project=Squad -q
		run "$TALLY" usage --db m.db --since 2020-01-01 --project blue --json
		[ "$(json total)" = "$plain" ] || fail "ingested: $header: $output, not $plain"
	done <<'CASES'
timestamp,model,prompt_tokens,completion_tokens|2026-06-01T10:00:00Z,gpt-5,1000,200
created_at,model,input_tokens,output_tokens,cached_tokens,user|2026-06-01 10:00:00Z,gpt-5,1000,200,400,bob
id;created;Model Name;Prompt Tokens;Completion Tokens|a;1780308000;gpt-5;1000;200
ts,model,input_tokens,output_tokens,cache_read_input_tokens,cache_creation_input_tokens|2026-06-01T10:00:00Z,claude-sonnet-4-6,1000,200,5000,400
ts,model,input_tokens,output_tokens,cache_read_input_tokens,ephemeral_1h_input_tokens|2026-06-01T10:00:00Z,claude-sonnet-4-6,1000,200,5000,400
ts,model,service_tier,prompt_tokens,completion_tokens|2026-06-01T10:00:00Z,gpt-5,batch,1000,200
ts,model,prompt_tokens,completion_tokens,reasoning_tokens,total_tokens|2026-06-01T10:00:00Z,gpt-5,1000,200,50,1200
CASES
	# what may be meant in two ways is not taken: two columns of prompts, counts of which one is mapped
	printf '%s\n' ts,model,prompt_tokens,input_tokens,completion_tokens,Squad 2026-06-01T10:00:00Z,gpt-5,1000,900,200,blue >t.csv
	run "$TALLY" replay t.csv --map project=Squad; expect 1 'no column holds tokens'
	# a model that no column names, and lines of JSON through a pipe
	printf '%s\n' ts,prompt_tokens,completion_tokens 2026-06-01T10:00:00Z,1000,200 >t.csv
	run "$TALLY" replay t.csv --model gpt-5 --json; [ "$(json total)" = 0.00325 ]
	echo '{"ts":"2026-06-01T10:00:00Z","model":"gpt-5","prompt_tokens":1000,"completion_tokens":200,"cached_tokens":400}' >t.jsonl
	for c in 'replay -' 'whatif - -s recorded'; do
		cat t.jsonl | "$TALLY" $c --json | grep -q '"total": "0.0028"' || fail "$c"
	done
	# what was piped into a command that reads the agents' logs is told, once it has been looked at
	mkdir -p .claude/projects/p; echo '{}' >.claude/projects/p/a.jsonl
	cat t.csv | (sleep 0.3; HOME=$PWD "$TALLY" replay) >pipe 2>&1 || true
	HOME=$PWD "$TALLY" replay <t.csv >file 2>&1 || true
	for out in pipe file; do
		grep -q 'standard input was not read; `tally replay -` reads it' $out || fail "$(cat $out)"
	done
	HOME=$PWD "$TALLY" replay </dev/null >out 2>&1 || true
	! grep -q 'standard input was not read' out
}
@test "a column of tokens whose place is not known leaves the rows unpriced, by its name" {
	for column in cache_read_tokens cache_tokens audio_tokens thinking_tokens; do
		table "ts,model,input_tokens,output_tokens,$column" 2026-06-01T10:00:00Z,gpt-5,1000,200,50
		[ "$status" = 3 ] || fail "$column: $cost"
		run "$TALLY" replay t.csv
		expect 3 "'$column'" '>='
	done
}
@test "names of calls in answers and logs come from any member that --map names" {
	for i in 1 2 3; do printf '{"id":"c%s","object":"chat.completion","created":178000000%s,"model":"gpt-5-mini","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010},"metadata":{"team":"t%s"},"tags":["x",{"run":%s}]}\n' $i $i $((i % 2)) $i; done >a.jsonl
	by() { run "$TALLY" replay "$1" --map "$2" --by "${2%%=*}" --csv; }
	by a.jsonl customer=metadata.team; expect 0 'customer,records' 't0,1,1000' 't1,2,2000'
	by a.jsonl task=tags.1.run; expect 0 '1,1,1000' '3,1,1000'
	"$TALLY" ingest a.jsonl --map customer=metadata.team --map session=id --db m.db -q
	run "$TALLY" usage --db m.db --by customer,session --csv; expect 0 't1,c1,1' 't0,c2,1' 't1,c3,1'
	run "$TALLY" whatif a.jsonl -s recorded --map customer=metadata.team --customer t1 --resamples 0 --csv; expect 0 ',2,2000,'
	# an array is read by its elements, an event by its data or by what is around it
	{ echo '['; sed '$!s/$/,/' a.jsonl; echo ']'; } >a.json
	by a.json customer=metadata.team; expect 0 't0,1,1000' 't1,2,2000'
	printf '{"specversion":"1.0","id":"e","source":"s","type":"t","tenant":"acme","data":%s}\n' "$(head -n 1 a.jsonl)" >e.jsonl
	by e.jsonl customer=tenant; expect 0 'acme,1,1000'
	by e.jsonl customer=metadata.team; expect 0 't1,1,1000'
	# a log that is read by place has its other members, too
	mkdir logs; for i in 1 2; do echo '{"type":"assistant","timestamp":"2026-06-15T00:00:0'$i'Z","requestId":"r'$i'","gitBranch":"b'$i'","message":{"id":"m'$i'","model":"claude-sonnet-4-6","usage":{"input_tokens":1,"output_tokens":1}}}'; done >logs/a.jsonl
	by logs workload=gitBranch; expect 0 'b1,1,1' 'b2,1,1'
	by a.jsonl customer=metadata.tema; expect 1 "none of its calls has the member 'metadata.tema' that --map names"
	run "$TALLY" replay a.jsonl --map input=usage.x; expect 2 'whose counts, model and time are understood'
	run timeout 20 "$TALLY" ingest --follow a.jsonl --map customer=metadata.team --db f.db; expect 2 '--follow reads without --map'
}
@test "lines of JSON with these names are the same calls" {
	echo '{"ts":"2026-06-01T10:00:00Z","model":"gpt-5","prompt_tokens":1000,"completion_tokens":200,"cached_tokens":400}' >t.jsonl
	run "$TALLY" replay t.jsonl --json
	[ "$status" = 0 ]
	[ "$(json total)" = 0.0028 ]
}
@test "a table whose first time is seconds from the start is a trace; --at says when that was" {
	printf '%s\n' request_id,timestamp,input_tokens,output_tokens 0,0.25,100,20 1,3600,200,30 >t.csv # as generators of load write it
	run "$TALLY" replay t.csv --at 2026-06-15 --model gpt-5 --by hour --csv
	expect 0 '2026-06-15T00:00Z,1,100' '2026-06-15T01:00Z,1,200'
	run "$TALLY" replay t.csv --model gpt-5
	expect 2 'count from the start of the trace' '--at'
	run "$TALLY" ingest t.csv --at 2026-06-15 --model gpt-5 --db a.db --json
	expect 0 '"accepted": 2'
	printf '%s\n' start_time,model,prompt_tokens,completion_tokens 0,gpt-5,1000,20 >t.csv
	run "$TALLY" replay t.csv --at 2026-06-15 --json
	expect 0 '"total": "0.00145"'
}
@test "Mooncake's older names are the same trace" {
	for n in '"timestamp" input_length output_length delay' '"created_time" input_tokens output_tokens delay_ms'; do
		set -- $n
		printf '{%s:%d,"%s":%d,"%s":5,"hash_ids":[1,2]}\n' "$1" 0 "$2" 1000 "$3" "$1" 7200000 "$2" 1000 "$3" >t.jsonl
		run "$TALLY" replay t.jsonl --at 2026-06-15 --model gpt-5 --by hour --csv
		expect 0 '2026-06-15T00:00Z,1,1000' '2026-06-15T02:00Z,1,1000'
		run "$TALLY" cache t.jsonl --capacity inf --json
		expect 0 '"hit_tokens": 1000'
	done
}
# Each of these decides the price: a seller's, a region's, and whether there is one.
@test "who sold a call, where and when it was is read beside a body as in a table" {
	body() { echo "{\"id\":\"$1\",\"model\":\"gpt-5.5\",\"usage\":{\"prompt_tokens\":2000,\"completion_tokens\":100,\"total_tokens\":2100}$2}" >u.json; }
	cost() { body "$1" "$2" && run "$TALLY" replay u.json --json; }
	at=',"timestamp":"2026-06-15T10:00:00Z"'
	cost a "$at"
	expect 0 '"total": "0.013"'
	cost a "$at,\"region\":\"eu\""
	expect 0 '"total": "0.0143"'
	for as in provider vendor provider_name model_provider custom_llm_provider; do
		cost a "$at,\"$as\":\"azure\""
		expect 3 '"placeholders": 1' # its regions cost more
		cost a "$at,\"$as\":\"openai.chat\""
		expect 0 '"total": "0.013"'
	done
	for word in 'Azure OpenAI' AZURE azure-openai AzureOpenAI azure.chat; do
		cost a "$at,\"provider\":\"$word\""
		expect 3 '"placeholders": 1'
	done
	cost a "$at,\"provider\":\"nobody\""
	expect 3 "provider 'nobody' is in no price card"
	cost a "$at,\"_hidden_params\":{\"custom_llm_provider\":\"azure\"}"
	expect 3 '"placeholders": 1'
	cost gen-1 "$at,\"provider\":\"Azure\"" # OpenRouter says who stands behind it
	expect 3 "provider 'openrouter' has no model 'gpt-5.5'"
	cost a ',"timestamp":"soon"'
	expect 3 "field 'timestamp'"
	for row in '"provider":"azure"' '"region":"eu"'; do # as lines of calls, too
		echo "{\"ts\":\"2026-06-15T10:00:00Z\",\"model\":\"gpt-5.5\",\"prompt_tokens\":2000,\"completion_tokens\":100,$row}" >u.jsonl
		run "$TALLY" replay u.jsonl --json
		case $row in *azure*) expect 3 '"placeholders": 1' ;; *) expect 0 '"total": "0.0143"' ;; esac
	done
}
@test "traces of Vidur and Splitwise are known by their columns" {
	printf '%s\n' arrived_at,num_prefill_tokens,num_decode_tokens 0.5,1000,20 1.5,3000,40 >t.csv
	run "$TALLY" replay t.csv --at 2026-06-01 --model gpt-5 --json
	[ "$status" = 0 ]
	[ "$(json total)" = 0.0056 ]
	printf '%s\n' request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size 0,2,0,0.5,1,1000,20 1,2,0,1.5,1,3000,40 >t.csv
	run "$TALLY" replay t.csv --at 2026-06-01 --model gpt-5 --json
	[ "$status" = 0 ]
	[ "$(json total)" = 0.0056 ]
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
	[ "$status" = 0 ]
	[ "$(json total)" = 0.00125 ]
	run "$TALLY" replay t.csv --map output=zork --json
	[ "$status" = 0 ]
	[ "$(json total)" = 0.00325 ]
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
		[ "$("$TALLY" replay t.csv --csv -q | tail -n 1)" = "1,1000,0,0,0,200,0,USD,0.00325,0,0" ] || fail "$time"
	done
	# two that may be meant must say the same; the field's own name goes before, and what --map says
	printf 'Date,Timestamp,model,input,output\n2026-06-01,10:00,gpt-5,1000,200\n' >t.csv
	run "$TALLY" replay t.csv
	expect 3 'may both be the time' '--map time=Date'
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
# Every command that reads calls from files takes the same stream of them, and the stream tells: those that the manual
# gives --map, so that a new one is asked as well.
doubted() { # NAME COMMAND...
	run "$TALLY" "${@:2}"
	expect 3 "no table knows what these columns count" ": $1; where"
}
@test "a column in doubt is told by every command that reads calls, and by its exit status" {
	printf '%s\n' time,model,input,output,zork 2026-06-01T10:00:00Z,gpt-5,1000,200,50 >t.csv
	echo '{"timestamp":0,"input_length":1000,"output_length":10,"hash_ids":[1,2],"video_tokens":9}' >b.jsonl
	"$TALLY" help --manual | awk '/^\.SS tally /{c=$0; sub(/^\.SS tally /,"",c); sub(/ *[[A-Z].*$/,"",c)} /^\.B \\-\\-map /{print c}' >commands
	[ "$(wc -l <commands)" -ge 9 ]
	while read -r c; do
		case $c in
		reconcile | 'price sql') ;; # read bills, write SQL
		cache) doubted video_tokens cache b.jsonl ;;
		replay | pack) doubted zork $c t.csv ;;
		ingest) doubted zork ingest --db d.db t.csv ;;
		whatif) doubted zork whatif -s a=gpt-5 t.csv ;;
		migrate) doubted zork migrate --to gpt-5-mini t.csv ;;
		"advise cache") doubted zork advise cache --on gpt-5 t.csv ;;
		"advise hits") doubted zork advise hits --from gpt-5 --to gpt-4o t.csv ;;
		"sim fit") doubted zork sim fit t.csv ;;
		*) fail "what does 'tally $c' say of columns in doubt?" ;;
		esac
	done <commands
	# what is packed tells the same as what it was packed from
	"$TALLY" pack -o t.pack t.csv && fail "no doubt" || [ $? = 3 ]
	"$TALLY" pack -o b.pack b.jsonl && fail "no doubt" || [ $? = 3 ]
	doubted zork replay t.pack
	doubted zork whatif -s a=gpt-5 t.pack
	doubted zork sim fit t.pack
	doubted video_tokens cache b.pack
	"$TALLY" pack -o t.pack t.csv --map none=zork
	run "$TALLY" replay t.pack
	expect 0
	for c in "replay --at 2026-06-01 -m gpt-5 --cache vendor" "whatif --at 2026-06-01 -m gpt-5 -s a=gpt-5" "pack" "cache"; do
		doubted video_tokens $c b.jsonl
		run "$TALLY" $c b.jsonl --map none=video_tokens
		expect 0
	done
}
@test "what is written for programs lists the columns in doubt, and what is written for people names them" {
	printf '%s\n' time,model,input,output,zork,zarf 2026-06-01T10:00:00Z,gpt-5,1000,200,50,9 >t.csv
	for c in replay "ingest --db d.db" "whatif -s a=gpt-5" "migrate --to gpt-5-mini"; do
		run --separate-stderr "$TALLY" $c t.csv --json
		[[ $(tr -d ' \n' <<<"$output") == *'"columns_in_doubt":["zork","zarf"]'* ]] || fail "$c: $output"
		rm -rf d.db*
		run --separate-stderr "$TALLY" $c t.csv --json --map none=zork --map none=zarf
		[[ $(tr -d ' \n' <<<"$output") == *'"columns_in_doubt":[]'* ]] || fail "$c: $output"
	done
	run "$TALLY" migrate --to gpt-5-mini t.csv
	expect 3 'Not known to be in these figures: what the columns zork, zarf count'
	run "$TALLY" whatif -s a=gpt-5 t.csv --html w.html
	grep -q '"columns_in_doubt":\|columns_in_doubt' w.html
}

@test "a table of days without ids has sums of days: one that grew counts once" {
	export TALLY_DB=$DIR/days.db
	head=date,model,input_tokens,output_tokens
	printf '%s\n' $head 2026-06-15,gpt-5,1000000,200000 2026-06-16,gpt-5,2000000,100000 >days.csv
	run "$TALLY" ingest days.csv
	[ "$status" -eq 0 ]
	sed -i s/2000000/3000000/ days.csv
	run "$TALLY" ingest days.csv
	[ "$status" -eq 0 ]
	run "$TALLY" usage --since 2026-06-01 --json
	[[ "$output" == *'"total": "8",'* ]] || fail "$output" # 1.25 x 4 + 10 x 0.3
	# an equal row is told, rows of one day add up
	printf '%s\n' $head 06/17/2026,gpt-5,1000000,0 06/17/2026,gpt-5,1000000,0 06/17/2026,gpt-5,3000000,0 >calls.csv
	run "$TALLY" ingest calls.csv
	[ "$status" -eq 3 ]
	[[ "$output" == *"same row as in line 2"*"ids or times of day"* ]]
	run "$TALLY" usage --since 2026-06-01 --json
	[[ "$output" == *'"total": "13",'* ]] || fail "$output"
	# with times of day, or ids, rows are calls
	printf '%s\n' $head '2026-06-18 10:00,gpt-5,1000000,0' '2026-06-18 10:00,gpt-5,1000000,0' >times.csv
	printf '%s\n' id,$head a,2026-06-18,gpt-5,1000000,0 b,2026-06-18,gpt-5,1000000,0 >ids.csv
	run "$TALLY" ingest times.csv ids.csv
	[ "$status" -eq 0 ] || fail "$output"
	run "$TALLY" usage --since 2026-06-01 --json
	[[ "$output" == *'"total": "18",'* ]] || fail "$output"
}

@test "a table without ids that another --map reads again is the same rows, which know more then" {
	export TALLY_DB=$DIR/t.db
	table() { printf '%s\n' when,who,model,in_tok,out_tok,team 2026-06-15T10:00:00Z,alice,gpt-5,100,10,red 2026-06-15T10:00:00Z,bob,gpt-5,200,20,blue "$@" >t.csv; }
	read_with() { run "$TALLY" ingest t.csv --map time=when --map input=in_tok --map output=out_tok "$@"; }
	table
	read_with; expect 0 "2 accepted"
	read_with --map customer=who; expect 0 "0 accepted, 2 duplicates"
	read_with; expect 0 "0 accepted, 2 duplicates"
	run "$TALLY" usage --by customer --csv; expect 0 "alice,1,1,100," "bob,1,1,200,"
	# rows that are new come in as that map reads them, and are known by every one
	table 2026-06-15T10:00:01Z,carl,gpt-5,7,1,red
	read_with --map customer=who; expect 0 "1 accepted, 2 duplicates"
	read_with --map project=team; expect 0 "0 accepted, 3 duplicates"
	read_with; expect 0 "0 accepted, 3 duplicates"
	run "$TALLY" usage --by customer,project --csv; expect 0 "alice,red,1,1,100," "bob,blue,1,1,200," "carl,red,1,1,7,"
	# other counts are a conflict
	run "$TALLY" ingest t.csv --map time=when --map input=out_tok --map output=in_tok; expect 3 "3 conflicts"
	# what was voided may come back
	"$TALLY" void "$(sql t.db "SELECT min(id) FROM usage")" --why wrong >void.out
	read_with --map workload=team; expect 0 "1 accepted, 2 duplicates"
	run "$TALLY" fsck; expect 0 clean
	# with columns that have the names of usage objects, whichever comes first
	sed 's/in_tok/input_tokens/; s/out_tok/output_tokens/; s/when/timestamp/' t.csv >own.csv
	for order in '- project' 'project -' 'workload project -'; do
		rm -f t.db
		for field in $order; do run "$TALLY" ingest own.csv $([ $field = - ] || echo --map $field=team); expect 0; done
		run "$TALLY" usage --json; expect 0 '"records": 3,' '"input": 307,' || fail "$order"
	done
	# and with lines of JSON
	rm -f t.db; sed 1d t.csv | jq -Rc 'split(",") | {when: .[0], who: .[1], model: .[2], in_tok: (.[3] | tonumber), out_tok: (.[4] | tonumber)}' >t.jsonl
	for map in "" "--map customer=who"; do run "$TALLY" ingest t.jsonl --map time=when --map input=in_tok --map output=out_tok $map; expect 0; done
	run "$TALLY" usage --by customer --json; expect 0 '"input": 307,' '"customer": "carl"'
}

@test "two processes that read a table with rows without ids at once, each with its own --map, store each row once" {
	"$TALLY" db init --db t.db >/dev/null
	# both have looked for what other maps read long before the rows that have no ids
	awk 'BEGIN { print "when,model,in_tok,out_tok,team,who,no"
		for (i = 0; i < 20050; i++) printf "2026-06-15T%02d:%02d:%02dZ,deepseek-v4-flash,%d,7,t1,w1,%s\n", i / 3600, i / 60 % 60, i % 60, 100 + i, i < 20000 ? "id" i : "" }' >t.csv
	local map="--map time=when --map input=in_tok --map output=out_tok --map id=no"
	"$TALLY" ingest t.csv $map --map customer=who --db t.db -q 3>&- & local one=$!
	"$TALLY" ingest t.csv $map --map project=team --db t.db -q
	wait $one
	run "$TALLY" usage --db t.db --json; expect 0 '"records": 20050,'
	# and a third one knows the rows of both
	"$TALLY" ingest t.csv $map --map workload=team --db t.db -q
	run "$TALLY" usage --db t.db --json; expect 0 '"records": 20050,'
}

@test "an answer without an id that another --map reads again is the same answer; one that it calls another customer's is a conflict" {
	export TALLY_DB=$DIR/t.db
	printf '%s\n' '{"object":"chat.completion","created":1781517600,"model":"gpt-4o","metadata":{"team":"red"},"org":"blue","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}' >one.json
	sed 's/1781517600/1781517601/' one.json | cat one.json one.json - >three.json
	local order
	for order in '- customer=metadata.team project=org' 'project=org - customer=metadata.team' 'customer=metadata.team project=org -' 'customer=metadata.team customer=metadata.team project=org'; do
		rm -rf t.db*
		for map in $order; do run "$TALLY" ingest three.json $([ $map = - ] || echo --map $map); expect 0; done
		run "$TALLY" usage --by customer,project --csv; expect 0 "red,blue,3,3,3000,"
		run "$TALLY" ingest three.json --map customer=org; expect 3 "3 conflicts"
		run "$TALLY" usage --json; expect 0 '"records": 3,'
		run "$TALLY" fsck; expect 0 clean
	done
}

@test "a duplicate that names the customer, or another text that is missing, adds it; one that names another is a conflict" {
	export TALLY_DB=$DIR/t.db
	printf '%s\n' '{"id":"a","time":"2026-06-15T10:00:00Z","model":"gpt-5","input":100,"output":10}' >bare.jsonl
	sed 's/"id"/"customer":"acme","project":"shop","id"/' bare.jsonl >named.jsonl
	for order in 'bare named' 'named bare' 'bare named bare named'; do
		rm -f t.db
		for f in $order; do run "$TALLY" ingest $f.jsonl; expect 0; done
		run "$TALLY" usage --by customer,project --csv; expect 0 "acme,shop,1,1,100,"
		run "$TALLY" fsck; expect 0 clean
	done
	sed 's/acme/other/' named.jsonl >other.jsonl
	run "$TALLY" ingest other.jsonl; expect 3 "another customer"
}
