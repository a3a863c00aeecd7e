#!/usr/bin/env bats
# Every kind of source: replay and ingest + usage say the same, in any order, any cut and any repetition; exports as their vendors give them.
load common

@test "random calls in every kind of source: replay is ingest and usage, however they are cut and repeated" {
	run timeout 1200 python3 "$ROOT/tests/support/every_source.py" "$TALLY" "${SEED:-1}"
	expect 0 'kinds of sources agree'
}

@test "a bucket of time and its calls are one usage in replays, too: the first counts, the other is named" {
	printf '%s\n' request_id,request_created_at,response_created_at,model,prompt_tokens,completion_tokens \
		g1,2026-06-15T10:00:00Z,2026-06-15T10:00:01Z,deepseek/deepseek-v4-flash,1000000,5 >calls.csv
	printf '%s\n' day,model,total_cost,request_count,input_tokens,output_tokens \
		2026-06-15,deepseek/deepseek-v4-flash,0.5,3,3000000,10 >days.csv
	for order in "calls.csv days.csv" "days.csv calls.csv"; do
		run "$TALLY" replay $order --json
		expect 3 '"records": 1,' '"quarantined": 1'
		counted=$(json input)
		rm -rf a.db*
		"$TALLY" ingest $order --db a.db -q || [ $? = 3 ]
		run "$TALLY" usage --db a.db --json
		expect 3 "\"input\": $counted,"
	done
}

@test "a day over hours with different prices counts in a replay as it does in the meter: unpriced, with its tokens" {
	printf '%s\n' user_id,utc_date,model,api_key_name,api_key,type,price,amount u,2026-11-16,deepseek-v4-flash,k,s,input_cache_miss_tokens,1,1000000 u,2026-11-16,deepseek-v4-flash,k,s,request_count,1,4 >n.csv
	run "$TALLY" replay n.csv --json
	expect 3 '"records": 1,' '"input": 1000000' '"unpriced": 1' '"quarantined": 0'
	# and so does a sum of prompts that may lie in several tiers of context, however many calls it is
	printf '%s\n' day,model,input_tokens,output_tokens,request_count 2026-06-15,gemini-2.5-pro,300000,10,1 >v.csv
	run "$TALLY" replay v.csv --json
	expect 3 '"unpriced": 1' 'depends on the length of each prompt'
	"$TALLY" ingest v.csv --db a.db -q || [ $? = 3 ]
	run "$TALLY" usage --db a.db --json
	expect 3 '"unpriced": 1'
}

@test "whatever becomes of a member: replay is ingest and usage, ingest again and another order of sightings change nothing" {
	command -v python3 >/dev/null || skip "no python3"
	run timeout 1200 python3 "$ROOT/tests/support/mutated_meter.py" "$TALLY" "$ROOT/tests/cases/reported_payloads.jsonl" "${SEED:-1}" "${CHANGES:-60}"
	expect 0 'every way says the same'
}
