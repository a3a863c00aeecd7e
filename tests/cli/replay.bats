load common

sample() { printf 'time,model,customer,task,input,cache_read,output\n2026-06-15T10:00:00Z,deepseek-v4-flash,a,t1,1000,0,500\n2026-06-16T23:30:00Z,deepseek-v4-pro,b,t2,2000,100,50\n' >s.csv; }

@test "a native CSV, its groups and its document" {
	sample
	run "$TALLY" replay s.csv --by task,model --json
	expect 0 '"schema": "tally.replay/1"' '"records": 2' '"total": "0.0011938625"' '"unpriced": 0' \
		'{"task": "t1", "model": "deepseek-v4-flash", "records": 1, "tokens": {"input": 1000, "cache_read": 0, "cache_write_5m": 0, "cache_write_1h": 0, "output": 500, "reasoning": 0}, "total": "0.00028"}'
	run "$TALLY" replay s.csv --by day -z Asia/Shanghai --csv
	expect 0 'day,records,input' '2026-06-15,1,' '2026-06-17,1,'
	run "$TALLY" replay s.csv --by hour -z Asia/Kolkata --csv
	expect 0 '2026-06-15T15:00+05:30,1,'
	run "$TALLY" replay s.csv --by week,month
	expect 0 '2026-W25' '2026-06' 'total'
}
@test "plain, gzip, zstd and standard input give the same" {
	sample
	gzip -k s.csv
	zstd -q -k s.csv
	"$TALLY" replay s.csv --json >plain
	"$TALLY" replay s.csv.gz --json | cmp plain
	"$TALLY" replay s.csv.zst --json | cmp plain
	"$TALLY" replay - --json <s.csv | cmp plain
	# standard input that is a pipe, at once and in pieces
	cat s.csv | "$TALLY" replay - --json | cmp plain
	cat s.csv.gz | "$TALLY" replay - --json | cmp plain
	{ head -c 100 s.csv; sleep 0.2; tail -c +101 s.csv; } | "$TALLY" replay - --json | cmp plain
	"$TALLY" replay - --json <s.csv.gz | cmp plain
	"$TALLY" replay - --at 2026-06-15T10:00:00Z --json <s.csv | cmp plain
	cat s.csv.gz s.csv.gz >two.gz && "$TALLY" replay two.gz --reference --json >/dev/null || true
}
@test "several members of a gzip file are one text" {
	printf 'model,time,input\n' | gzip >m.gz
	printf 'deepseek-v4-flash,2026-06-15,7\n' | gzip >>m.gz
	run "$TALLY" replay m.gz --json
	expect 0 '"records": 1'
}
@test "foreign columns by --map, and the whole prompt taken apart" {
	printf 'when;who\n' >/dev/null
	printf 'ts,prompt_tokens,cached,completion_tokens,total\n1781517600,1000,400,10,1010\n1781517600,100,400,10,110\n' >f.csv
	run "$TALLY" replay f.csv --model deepseek-v4-flash --map time=ts --map prompt=prompt_tokens --map cache_read=cached --map output=completion_tokens --json
	expect 3 '"records": 1' '"input": 600' '"cache_read": 400' '"quarantined": 1' "f.csv:3: field 'prompt' (100) is smaller"
	run "$TALLY" replay f.csv --map time=nothing
	expect 1 "no column 'nothing'"
	run "$TALLY" replay f.csv --map nothing=ts
	expect 2 "no field 'nothing'"
}
@test "BurstGPT, Mooncake, agent sessions and Azure are recognised" {
	printf 'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n45,GPT-4,1087,230,1317,API log\n50,GPT-4,10,10,21,API log\n' >b.csv
	run "$TALLY" replay b.csv --at 2026-06-15 --remodel deepseek-v4-flash --by workload --json
	expect 3 '"workload": "API log", "records": 1' '"workload": "Conversation log"' "b.csv:4: field 'total' (21) contradicts its parts (20)"
	run "$TALLY" replay b.csv --at 2026-06-15 --json
	expect 3 '"unpriced": 1' "'ChatGPT' is in no price card"
	printf '{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]}\n' >m.jsonl
	run "$TALLY" replay m.jsonl --at 2026-06-15 --model deepseek-v4-flash --json
	expect 0 '"input": 6955' '"first": "2026-06-15T00:00:27.482Z"'
	printf '{"c":3,"n":1,"i":0,"d":0,"t":19.5,"m":"claude-opus-4-5-20251101","in":100,"out":2,"api":7.34,"think":0.0,"h":"1-2"}\n' >a.jsonl
	run "$TALLY" replay a.jsonl --at 2026-06-15 --by task --json
	expect 0 '"task": "3"' '"total": "0.00055"' '"first": "2026-06-15T00:00:19.5Z"'
	printf 'TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:17:03.9799600,4808,10\r\n2023-11-16 18:17:04.0319600,3180,8' >z.csv
	run "$TALLY" replay z.csv --model deepseek-v4-flash --at 2026-06-15 --json
	expect 0 '"records": 2' '"input": 7988' '"last": "2026-06-15T00:00:00.052Z"'
	run "$TALLY" replay z.csv --json
	expect 3 '"unpriced": 2' 'no model is named'
}
@test "the public traces come out to the digit" {
	traces=${TALLY_TRACES:-$ROOT/../shared/traces}
	[ -d "$traces" ] || skip "no traces here (TALLY_TRACES)"
	run "$TALLY" replay "$traces/azure_code_2023.csv" --model deepseek-v4-flash --at 2026-06-15 --json
	expect 0 '"records": 8819' '"input": 18059974' '"output": 245896' '"total": "2.59724724"'
	run "$TALLY" replay "$traces/azure_code_2023.csv" --model deepseek-v4-pro --at 2026-06-15 --json
	expect 0 '"total": "8.07001821"'
	run "$TALLY" replay "$traces/mooncake_synthetic.jsonl" --model deepseek-v4-flash --at 2026-06-15 --json
	expect 0 '"records": 3993' '"input": 61194628' '"output": 595432'
	run "$TALLY" replay "$traces/agent_sessions_150.jsonl" --at 2026-06-15 --json
	expect 0 '"records": 7643' '"input": 1129831225' '"output": 3206215'
	"$TALLY" replay "$traces"/*.csv --at 2026-06-15 --model deepseek-v4-flash >/dev/null 2>err || true
	grep -q routellm err
}
@test "every bad line is named with file, line and field, and the good ones count" {
	{
		printf '\xef\xbb\xbftime,model,task,input,output\r\n'
		printf '2026-06-15,deepseek-v4-flash,ok,1,1\r\n'
		printf '2026-06-15,deepseek-v4-flash,neg,-1,1\r\n'
		printf '2026-06-15,deepseek-v4-flash,frac,1.5,1\r\n'
		printf '2026-06-15,deepseek-v4-flash,big,99999999999999999999,1\r\n'
		printf '2026-02-30,deepseek-v4-flash,date,1,1\r\n'
		printf '2026-06-15,deepseek-v4-flash,short,1\r\n'
		printf '2026-06-15,deepseek-v4-flash,long,1,1,1\r\n'
		printf '2026-06-15,deepseek-v4-flash,"open,1,1\r\n'
		printf '2026-06-15,deepseek-v4-flash,nul\0,1,1\r\n'
		printf '2026-06-15,deepseek-v4-flash,utf\xff,1,1\r\n'
		printf ',deepseek-v4-flash,empty,1,1\r\n'
		printf '\r\n'
		printf '2026-06-15,nobody,unknown,1,1\r\n'
		printf '2026-06-15,deepseek-chat,alias,1,1\r\n'
		printf '2026-08-15,deepseek-chat,retired,1,1\r\n'
		printf '2026-06-15,deepseek-v4-flash,last,1,1'
	} >bad.csv
	run "$TALLY" replay bad.csv --json
	expect 3 '"records": 5' '"unpriced": 2' '"quarantined": 10' '"total": "0.00000126"' \
		"bad.csv:3: field 'input': '-1' is negative" "bad.csv:4: field 'input': '1.5' has a fraction" "bad.csv:5: field 'input'" "larger than 63 bits" \
		"bad.csv:6: field 'time'" 'no such day' 'bad.csv:7: the line has 4 fields where the header has 5' 'bad.csv:8: the line has 6 fields' \
		'bad.csv:9: a quote' 'bad.csv:10: the line holds a NUL byte' 'bad.csv:11: the line is not valid UTF-8' "bad.csv:12: field 'time' is empty" \
		"model 'nobody' is in no price card" "'deepseek-chat' was retired"
	run "$TALLY" replay bad.csv
	expect 3 '>= $0.00000126' '2 records without a price'
}
@test "bad JSON Lines are refused one by one" {
	{
		printf '{"time":"2026-06-15","model":"deepseek-v4-flash","input":1}\n'
		printf '{"time":"2026-06-15","model":"deepseek-v4-flash","input":1,"input":2}\n'
		printf '{"time":"2026-06-15","model":"deepseek-v4-flash","input":1} x\n'
		printf '{"time":"2026-06-15","model":"deepseek-v4-flash","input":null}\n'
		printf '{"time":"2026-06-15","model":"deepseek-v4-flash","input":1.5}\n'
		printf '{"time":"2026-06-15","model":"deepseek-v4-flash"}\n'
		printf '{"time":"2026-06-15","model":"deepseek-v4-flash","output":1,"reasoning":2}\n'
		printf '[1,2]\nnot json\n\n'
		printf '{"time":"2026-06-15","model":"deepseek-v4-flash","input":"12"}\n'
		printf '{"time":1781481600,"model":"deepseek-v4-flash","input":1,"note":{"a":[1]}}'
	} >bad.jsonl
	run "$TALLY" replay bad.jsonl --json
	expect 3 '"records": 3' '"input": 14' '"quarantined": 8' 'bad.jsonl:2: key' 'bad.jsonl:3: not valid JSON' "bad.jsonl:4: field 'input' is null" \
		"bad.jsonl:5: field 'input'" 'bad.jsonl:6: the record has no token counts' "bad.jsonl:7: field 'reasoning' (2) is larger" 'bad.jsonl:8: a record must be an object' 'bad.jsonl:9: not valid JSON'
}
@test "files that cannot be used are errors before any work" {
	: >empty.csv
	printf '   \n\n' >blank.csv
	mkdir folder
	printf 'a,b\n1,2\n' >nothing.csv
	printf 'input,input\n1,2\n' >twice.csv
	printf 'input,output\n1,2\n' >undated.csv
	printf '[{"input":1}]\n' >array.json
	sample
	run "$TALLY" replay missing.csv; expect 1 "could not open 'missing.csv'"
	run "$TALLY" replay s.csv empty.csv; expect 1 'empty.csv: the file is empty'
	run "$TALLY" replay blank.csv; expect 1 'empty'
	run "$TALLY" replay folder; expect 1 "the directory 'folder' holds no .jsonl"
	run "$TALLY" replay nothing.csv; expect 1 'no column holds tokens' 'a,b'
	run "$TALLY" replay twice.csv; expect 1 "both give field 'input'"
	run "$TALLY" replay undated.csv --model deepseek-v4-flash; expect 2 'no instants' '--at'
	run "$TALLY" replay array.json; expect 3 "array.json:1: field 'time' is missing"
	run "$TALLY" replay s.csv --by colour; expect 2 "no grouping 'colour'"
	run "$TALLY" replay s.csv --by provider; expect 2 "no grouping 'provider'; choose from day, week, month, hour, model, customer,"
	run "$TALLY" replay s.csv --by task,task; expect 2 'named twice'
	run "$TALLY" replay s.csv --by task,; expect 2 'a grouping is missing after the last comma'
	run "$TALLY" replay s.csv --by daily,day; expect 2 "'day' is named twice"
	run "$TALLY" replay s.csv -z Mars/X; expect 2 "--timezone: time zone 'Mars/X' is not known here; write"
	run "$TALLY" replay s.csv --plan nobody; expect 1 "no plan 'nobody'"
	run "$TALLY" replay s.csv --format nobody; expect 2 "no trace format 'nobody'"
	run "$TALLY" replay s.csv --since 2026-06-17 --until 2026-06-16; expect 2 '--until'
	HOME=$DIR run "$TALLY" replay; expect 1 'no logs of agents'
	printf 'time,model,input\n' >header.csv
	run "$TALLY" replay header.csv --json; expect 0 '"records": 0' '"total": "0"'
}
@test "a truncated or damaged archive counts what could be read and says so" {
	{ echo 'time,model,input'; for i in $(seq 20000); do echo "2026-06-15T10:00:00Z,deepseek-v4-flash,$i"; done; } >big.csv
	gzip -k big.csv; zstd -q -k big.csv
	head -c 30000 big.csv.gz >cut.csv.gz
	run "$TALLY" replay cut.csv.gz --json
	expect 3 'cut.csv.gz: the gzip data ends too early' '"quarantined":'
	[ "$(json records)" -gt 1000 ]
	head -c $(($(wc -c <big.csv.zst) / 2)) big.csv.zst >cut.csv.zst
	run "$TALLY" replay cut.csv.zst
	[ "$status" -ne 0 ]
	case $output in *'zstd data ends too early'*) ;; *) fail "no message" ;; esac
}
@test "a field of 100 MB costs one record" {
	{ printf 'time,model,task,input\n2026-06-15,deepseek-v4-flash,a,1\n2026-06-15,deepseek-v4-flash,'; head -c 100000000 /dev/zero | tr '\0' x; printf ',1\n2026-06-15,deepseek-v4-flash,b,1\n'; } >wide.csv
	run "$TALLY" replay wide.csv --json
	expect 3 '"records": 2' '"quarantined": 1' 'wide.csv:3: the line is longer than'
	run "$TALLY" replay - --json <wide.csv
	expect 3 '"records": 2' '"quarantined": 1' ':3: the line is longer than'
}
@test "since, until, remodel, provider, credits and order" {
	sample
	run "$TALLY" replay s.csv --since 2026-06-16 --json
	expect 0 '"records": 1' '"outside_period": 1'
	run "$TALLY" replay s.csv --remodel deepseek-v4-flash --provider tokenhub --json
	expect 0 '"total": "0.0006153"'
	run "$TALLY" replay s.csv --plan vm0 --json
	expect 0 '"plan": "vm0"' '"total": "2.244"'
	run "$TALLY" replay s.csv --plan vm0 --byo --json
	expect 0 '"total": "0"' '"built_in": "2.244"'
	run "$TALLY" replay s.csv --by task --order cost --limit 1 --json
	expect 0 '"task": "t2"' '"groups_left_out": 1'
}
@test "a reader that goes away ends the program quietly" {
	{ echo 'time,model,task,input'; for i in $(seq 20000); do echo "2026-06-15T10:00:00Z,deepseek-v4-flash,t$i,$i"; done; } >many.csv
	"$TALLY" replay many.csv --by task 2>err | head -n 1 >/dev/null
	[ ! -s err ]
	run bash -c "'$TALLY' replay many.csv --by task --csv >/dev/full"
	expect 1 'could not write'
}
@test "standard input is read where there is no /dev" {
	unshare -m true 2>/dev/null || skip "no room of its own for /dev"
	! on_server || skip "of files"
	head -n 50 "$ROOT/examples/sample.csv" >c.csv
	"$TALLY" replay c.csv --json -q >want
	printf '{"id":"a","time":"2026-06-15","model":"deepseek-v4-flash","input":1000000}\n' >one.jsonl
	for how in 'replay - --json -q <c.csv | cmp - want' 'cat c.csv | "$TALLY" replay - --json -q | cmp - want'; do
		case $how in replay*) how="\"$TALLY\" $how" ;; esac
		run unshare -m sh -c "mount -t tmpfs none /dev && : >/dev/null && $how"
		expect 0
	done
	run unshare -m sh -c 'mount -t tmpfs none /dev && "$TALLY" ingest - --db t.db <one.jsonl && "$TALLY" ingest - --db t.db -q <one.jsonl && echo "{}" | "$TALLY" statusline >/dev/null'
	expect 0 '1 accepted'
}
@test "a pipe beside a file whose quoted fields span lines" {
	sample
	printf 'time,model,task,input\n2026-06-15,deepseek-v4-flash,"a\nb",5\n' >q.csv
	run bash -c "'$TALLY' replay q.csv - --json <s.csv"
	expect 0 '"records": 3' '"input": 3005'
}
@test "dated and undated traces are not mixed" {
	sample
	printf '{"timestamp": 5, "input_length": 10, "output_length": 1, "hash_ids": []}\n' >m.jsonl
	run "$TALLY" replay s.csv m.jsonl --at 2026-06-15 --model deepseek-v4-flash
	expect 2 'one after the other'
}
@test "tokens of a group that no longer fit are an error, never a small number" {
	{ echo time,model,task,customer,input; for i in $(seq 300); do echo 2026-06-15,deepseek-v4-flash,t,c,7; done
	for i in 1 2; do echo 2026-06-15,deepseek-v4-flash,t,c,5000000000000000000; done; } >large.csv
	for by in task task,model,customer model; do
		run "$TALLY" replay large.csv --by $by
		expect 1 'add up to more than a total can hold'
	done
	sed '$d' large.csv >one.csv
	run "$TALLY" replay one.csv --by task --json
	expect 0 '"input": 5000000000000002100'
}
@test "a cache replays the blocks of prompts, one for every model, and whatif says the same to the last digit" {
	trace=$ROOT/examples/sessions.jsonl
	sed 's/claude-sonnet-4-6/claude-haiku-4-5/;n' "$trace" >two.jsonl # every second call on another model
	for cache in infinite 50 50,ttl=30 infinite,ttl=60; do
		for f in "$trace" two.jsonl; do
			for scope in global conversation; do
				rules="--cache $cache --scope $scope --at 2026-06-15"
				"$TALLY" whatif "$f" $rules -s recorded --resamples 0 --json | tr ',' '\n' >asked
				read=$(sed -n 's/.*"cache_read": *\([0-9]*\).*/\1/p' asked | head -n 1)
				run "$TALLY" replay "$f" $rules --json
				expect 0 "\"cache_read\": $read,"
				grep -q "\"total\": \"$(json total)\"" asked || fail "whatif says otherwise: $(grep total asked)"
			done
		done
	done
	# the parts add up, tasks are conversations, and one model for all finds what any of them read
	run "$TALLY" replay two.jsonl --at 2026-06-15 --cache infinite --csv
	all=$(tail -n 1 <<<"$output" | cut -d, -f3)
	[ "$("$TALLY" replay two.jsonl --at 2026-06-15 --cache infinite --by task --csv | awk -F, 'NR > 1 { n += $4 } END { print n }')" = "$all" ]
	one=$("$TALLY" replay two.jsonl --at 2026-06-15 --cache infinite --remodel deepseek-v4-flash --csv | tail -n 1 | cut -d, -f3)
	[ "$one" -gt "$all" ] || fail "$one hits of one model, $all of two"
	[ "$one" = "$("$TALLY" cache two.jsonl --json | sed -n 's/.*"hit_tokens": *\([0-9]*\).*/\1/p' | head -n 1)" ]
	# a period chooses what is counted; what came before has warmed the cache
	halves=0
	for period in "--until 2026-06-15T00:10:00Z" "--since 2026-06-15T00:10:00Z"; do
		halves=$((halves + $("$TALLY" replay two.jsonl --at 2026-06-15 --cache infinite $period --csv -q | tail -n 1 | cut -d, -f3)))
	done
	[ "$halves" = "$all" ] || fail "$halves in two periods, $all in one"
	"$TALLY" pack two.jsonl -o p -q
	[ "$("$TALLY" replay p --at 2026-06-15 --cache infinite --csv)" = "$output" ]
}
@test "a cache without blocks, and rules without a cache, are refused" {
	sample
	run "$TALLY" replay s.csv --cache infinite
	expect 2 'names no blocks' 'without --cache'
	for bad in "--cache often" "--cache 0" "--cache 10,ttl=x" "--cache recorded" "--scope model" "--block 64" "--cache none --quantum 5"; do
		run "$TALLY" replay "$ROOT/examples/sessions.jsonl" --at 2026-06-15 $bad
		expect 2 "--"
	done
	run "$TALLY" replay "$ROOT/examples/sessions.jsonl" --cache infinite
	expect 2 '--at'
	run "$TALLY" replay "$ROOT/examples/sessions.jsonl" --at 2026-06-15
	expect 0 'note: prompts name their blocks' '--cache vendor'
	run "$TALLY" replay "$ROOT/examples/sessions.jsonl" --at 2026-06-15 --cache infinite
	case $output in *note:*) fail "a note where a cache was replayed" ;; esac
	# standard input can be read more than once, a pipe too
	"$TALLY" replay "$ROOT/examples/sessions.jsonl" --at 2026-06-15 --cache infinite --csv >file.out
	"$TALLY" replay - --at 2026-06-15 --cache infinite --csv <"$ROOT/examples/sessions.jsonl" | cmp - file.out
	cat "$ROOT/examples/sessions.jsonl" | "$TALLY" replay - --at 2026-06-15 --cache infinite --csv | cmp - file.out
}
@test "lines that follow each other and are refused for one reason are told together, by every command" {
	printf '{"time":"2026-06-01T00:00:00Z","input":1,"model":"gpt-5"}\nxx\nxx\nxx\n{"time":"2026-06-01T00:00:00Z","input":2,"model":"gpt-5"}\nxx\n{"input":-1}\n{"input":-1}\n' >r.jsonl
	for command in replay "whatif -s gpt-5 --resamples 0" "ingest --db r.db"; do
		run "$TALLY" $command r.jsonl
		expect 3 'r.jsonl:2: not valid JSON' 'r.jsonl:3 to 4: the same' 'r.jsonl:6: not valid JSON' "r.jsonl:7: field 'input'" 'r.jsonl:8: the same'
		[[ $output != *"more"* && $output != *"r.jsonl:3:"* ]] || fail "$command"
	done
	for i in $(seq 30); do echo '{"input":-1}'; echo '{"time":"2026-06-01T00:00:00Z","input":2,"model":"gpt-5"}'; done >many.jsonl
	for command in replay "whatif -s gpt-5 --resamples 0" "ingest --db many.db"; do
		run "$TALLY" $command many.jsonl
		expect 3 "many.jsonl:5: field 'input'" 'and 27 more'
	done
}
