#!/usr/bin/env bats
# Exports whose vendors rename, add and leave out columns: nothing that may be billed is lost in silence, and what a seller charged is kept.
load common

@test "no column of any kind of export can be renamed without a word where it changes a total" {
	command -v python3 > /dev/null || skip "no python3"
	run timeout 1200 python3 "$ROOT/tests/support/renamed_columns.py" "$TALLY" "$ROOT/meter/read/exports"
	[ -z "$output" ] || fail "$output"
}

@test "a column of no known meaning: by its name, by its value, by what is missing" {
	head='request_id,request_created_at,model,prompt_tokens,prompt_cache_read_tokens,prompt_cache_write_tokens,completion_tokens,total_tokens,cost'
	try() { # COLUMN VALUE STATUS
		printf '%s,%s\nr,2026-06-15T10:00:00Z,claude-sonnet-4-6,600,400,0,200,1200,0.1,%s\n' "$head" "$1" "$2" >h.csv
		run "$TALLY" replay h.csv --json
		expect "$3"
		[ "$3" = 0 ] || [[ $output == *"the column '$1' is of no known meaning, and it may be billed"* ]] || fail "$output"
		rm -rf a.db*
		run "$TALLY" ingest h.csv --db a.db
		expect "$3"
	}
	try video_tokens 5 3
	try processing_tier gold 3
	try lane priority 3
	try lane Flex 3
	try lane left 0
	try video_tokens 0 0
	try note 7 0 # all counts have their columns
	try batch_id batch-7 0
	try job_name batch 3
	try request_path /v1/batch 0
}

@test "a row that cost something and counts nothing is refused, one of nothing is passed over" {
	printf '%s\n' request_id,request_created_at,model,prompt_tokens,completion_tokens,total_tokens,cost \
		r,2026-06-15T10:00:00Z,nobodys-model,,,,0.5 s,2026-06-15T10:00:00Z,nobodys-model,,,,0 >h.csv
	run "$TALLY" replay h.csv --json
	expect 3 '"records": 0' '"quarantined": 1' 'h.csv:2: the row states a cost, and counts nothing'
}

@test "what a seller charged is kept with its rows, and prices what no card does" {
	printf '%s\n' 'Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,Reasoning Tokens' \
		2026-06-15,anthropic/claude-sonnet-4.6,0.5,0,3,1000,200,0 2026-06-15,nobody/knows-it,0.25,0,4,1000,200,0 >days.csv
	printf '%s\n' 'Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost' \
		'2026-06-15T10:00:00.000Z,On-Demand,nobodys-model,No,0,6,4,2,12,$0.125' '2026-06-15T11:00:00.000Z,Included,nobodys-model,No,0,6,4,2,12,0.5' \
		'2026-06-15T12:00:00.000Z,Included,nobodys-model,No,0,6,4,2,12,Included' >cursor.csv
	printf '%s\n' request_id,request_created_at,model,prompt_tokens,completion_tokens,total_tokens,cost 'r,2026-06-15T10:00:00Z,nobodys-model,6,4,10,0.75' >helicone.csv
	run "$TALLY" replay days.csv cursor.csv helicone.csv --json --recorded-cost
	expect 3 '"records": 6' '"total": "0.381"' '"unpriced": 3'
	[[ $(tr -d ' \n' <<<"$output") == *'"charged":{"records":3,"total":"0.875","compared":1,"theirs":"0.5","ours":"0.006"'* ]] || fail "$output"
	[[ $(tr -d ' \n' <<<"$output") == *'"estimated":{"records":2,"total":"1.25"'* ]] || fail "$output"
	"$TALLY" ingest days.csv cursor.csv helicone.csv --db a.db -q || [ $? = 3 ]
	run "$TALLY" usage --db a.db --json
	expect 3 '"total": "0.381"' '"unpriced": 3'
}

@test "what a bill says in columns that nobody reads: named, in doubt, or refused" {
	export TALLY_DB=$DIR/b.db
	printf '%s\n' id,time,model,input a,2026-06-15T01:00:00Z,claude-sonnet-4-6,2000000 >u.csv
	"$TALLY" ingest u.csv -q
	said() { # HEADER ROW STATUS WORDS
		printf '%s\n' "$1" "$2" >bill.csv
		run "$TALLY" reconcile bill.csv "${@:5}"
		expect "$3" "$4"
	}
	said day,model,cost,sort 2026-06-15,claude-sonnet-4-6,6,Tax 3 'what may change the bill and was not read: sort'
	said day,model,cost,sort 2026-06-15,claude-sonnet-4-6,6,Usage 0 'matches'
	said day,model,cost,sort 2026-06-15,claude-sonnet-4-6,6,Tax 0 'matches' --map none=sort
	said day,model,cost,money 2026-06-15,claude-sonnet-4-6,6,EUR 1 "'money' says EUR"
	said 'day,model,cost,Cost (net)' 2026-06-15,claude-sonnet-4-6,6,5 0 'were not read: Cost (net)'
	said line_item_usage_start_date,line_item_usage_type,line_item_unblended_cost,line_item_net_cost,line_item_product_code \
		2026-06-15,USE1-Claude4.6Sonnet-input-tokens,6,5,AmazonBedrock 3 'what may change the bill and was not read: line_item_net_cost'
}

@test "a page of an answer in parts that is not here: by time or by number, in a replay as in the meter" {
	page() { # FILE FROM TO MORE
		printf '{"object":"page","data":[{"object":"bucket","start_time":%d,"end_time":%d,"results":[{"input_tokens":1000,"output_tokens":200,"input_cached_tokens":0,"num_model_requests":3,"model":"gpt-5-mini"}]}],"has_more":%s}' "$2" "$3" "$4" >"$1.json"
	}
	numbered() { # FILE NUMBER TOTAL
		printf '{"result":[{"id":"c%d","created_at":"2026-06-01T10:00:00Z","provider":"openai","model":"gpt-5-mini","tokens_in":1,"tokens_out":1,"success":true,"cached":false}],"result_info":{"page":%d,"per_page":1,"count":1,"total_count":%d}}' "$2" "$2" "$3" >"$1.json"
	}
	page a 1781481600 1781568000 true
	page b 1781568000 1781654400 true
	page c 1781654400 1781740800 false
	for n in 1 2 3; do numbered n$n $n 3; done
	for set in "0 a b c" "0 c a b" "3 a c" "3 a" "3 a b" "0 c" "0 b c" "0 n1 n2 n3" "3 n1 n3" "3 n3" "0 n1 n2 n3 a b c"; do
		set -- ${set#* } -- "${set%% *}"
		files=() && while [ "$1" != -- ]; do files+=("$1.json"); shift; done
		run "$TALLY" replay "${files[@]}"
		# Cloudflare's rows do not tell what was cached
		[[ ${files[*]} == *n[0-9]* ]] && whole=3 || whole=0
		[ "$status" = $((whole | $2)) ] || fail "replay ${files[*]}: $output"
		[ "$2" = 0 ] && ! [[ $output == *has_more* ]] || [[ $2 = 3 && $output == *has_more* ]] || fail "$output"
		rm -rf a.db*
		run "$TALLY" ingest "${files[@]}" --db a.db
		[ "$status" = "$2" ] || fail "ingest ${files[*]}: $output"
	done
}

@test "a fault in an export of usage is told, or its figures are right: units, commas, pages, currencies, signs, zones, torn rows, grains" {
	command -v python3 >/dev/null || skip "no python3"
	EVERY=${EVERY:-17} run timeout 1200 python3 "$ROOT/tests/support/usage_faults.py" "$TALLY" "$ROOT/meter/read/exports"
	[ "$status" = 0 ] && [[ $output != *wants* && $output != *'not read whole'* ]] || fail "$output"
}
