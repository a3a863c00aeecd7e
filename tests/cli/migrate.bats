#!/usr/bin/env bats
# tally migrate: recorded work on other models. Every figure was computed by hand from the dated prices.
bats_require_minimum_version 1.5.0
load common
# Sonnet 4.6 (3/3.75/0.3/15): A reads 1,000 and writes 20,000; B, a minute later, finds them and writes 1,500.
work() {
	cat >t.csv <<-'CSV'
	id,time,model,session,workload,input,cache_read,cache_write_5m,output
	a,2026-10-05T12:00:00Z,claude-sonnet-4-6,s1,code,1000,0,20000,500
	b,2026-10-05T12:01:00Z,claude-sonnet-4-6,s1,code,200,20000,1500,700
	CSV
}
migrate() { run --separate-stderr "$TALLY" migrate -z UTC "$@"; }

@test "what it cost, and cache writes as input where the target does not bill them" {
	work
	migrate t.csv --to deepseek-v4-flash --cache none --json
	# 1,200 x 3 + 20,000 x 0.3 + 21,500 x 3.75 + 1,200 x 15 per million
	expect 0 '"name": "recorded"' '"total": "0.108225"' '"schema": "tally.whatif/1"'
	expect 0 '"input": 22700, "cache_read": 20000, "cache_write_5m": 0' 'cache writes are paid as input' '"does_not_fit": 0'
	# its own cache finds the first prompt in whole 128-token units, not what Anthropic's breakpoints found
	migrate t.csv --to deepseek-v4-flash --json
	expect 0 "its own cache by the vendor's contract" '"cache": "rebuilt"'
	[[ $output != *'"cache_read": 20000, "cache_write_5m": 0'* ]] || fail "the target has the recorded hits"
}
@test "--from moves calls of one model, and all others stay where they were" {
	work
	echo 'c,2026-10-05T12:02:00Z,claude-opus-4-6,s2,code,1000,0,0,100' >>t.csv
	migrate t.csv --from claude-sonnet-4-6 --to claude-haiku-4-5 --cache none --json
	# Haiku: 1,200 x 1 + 20,000 x 0.1 + 21,500 x 1.25 + 1,200 x 5; Opus as it was: 1,000 x 5 + 100 x 25, per million
	expect 0 '"total": "0.043575"' 'only calls of claude-sonnet-4-6 move'
	migrate t.csv --from claude-sonnet-4-6 --from claude-opus-4-6 --to claude-haiku-4-5 --cache none --json
	expect 0 '"total": "0.037575"'
	migrate t.csv --from claude-sonnet-4-6 --to claude-haiku-4-5; expect 0 'Moving claude-sonnet-4-6 to claude-haiku-4-5'
	migrate t.csv --from sonnet --to claude-haiku-4-5; expect 1
	[[ $stderr == *"no call ran on 'sonnet'; there are claude-sonnet-4-6, claude-opus-4-6"* ]] || fail "$stderr"
	migrate t.csv --from claude-sonnet-4-6 --to batch:claude-haiku-4-5; expect 2
}
@test "factors are stated with their source and move prompt and answers" {
	work
	migrate t.csv --to claude-haiku-4-5 --cache none --tokenizer '1.1:own count' --wordiness 2 --json
	# 1.1 x 1,200 in, 1.1 x 20,000 read, 1.1 x 21,500 written, 2.2 x 1,200 out at 1/0.1/1.25/5
	expect 0 '"total": "0.0462825"' '"value": "1.1", "source": "own count"' '"value": "2", "source": null' 'nobody measured it'
	migrate t.csv --to claude-haiku-4-5 --tokenizer 0; expect 2; [[ $stderr == *--tokenizer* ]]
}
@test "the first month and the run rate are the days that were seen, scaled" {
	work
	migrate t.csv --to claude-haiku-4-5 --start 2026-12-01 --json
	# one day of 0.108225: Monday 2026-10-05 becomes Monday 2026-12-07; 30 days, 365/12 days
	expect 0 '"from": "2026-12-07"' '"first_month": "3.24675"' '"run_rate_month": "3.29184375"' '"run_rate_year": "39.502125"' '30/1'
	# a span of one day is that day, and a count has its plural
	run "$TALLY" migrate t.csv --to claude-haiku-4-5 --start 2026-12-01
	expect 0 'calls of 2026-10-05 (1 path)' 'the calls of 2026-10-05 are made again' 'the first month is 1 day of it, times 30/1'
}
@test "what does not fit is counted, and where work falls into peak hours is said" {
	work
	echo 'c,2026-10-12T08:00:00Z,claude-sonnet-4-6,s2,code,1200000,0,0,100' >>t.csv
	migrate t.csv --to deepseek-v4-flash --json
	expect 0 '"does_not_fit": 1' 'do not fit into deepseek-v4-flash: 1 (longest recorded prompt: 1,200,000 tokens)' 'fall into peak hours'
	migrate t.csv --to claude-haiku-4-5 --json
	expect 0 '"context_tokens": 200000, "over_context": 1'
}
@test "credits under a plan, several targets, and a report to hand on" {
	work
	migrate t.csv --to deepseek-v4-flash --to deepseek-v4-pro --plan vm0
	expect 0 'Moving to deepseek-v4-flash, deepseek-v4-pro' 'CREDITS A MONTH' 'What to watch' 'What this rests on'
	migrate t.csv --to deepseek-v4-flash --format html -o m.html
	expect 0; grep -q '<h1>Moving to deepseek-v4-flash' m.html; grep -q 'class="bar"' m.html; ! grep -q '<script' m.html
	migrate t.csv --to deepseek-v4-flash --format pdf -o m.pdf
	expect 0; [ "$(head -c 5 m.pdf)" = %PDF- ] || fail "no PDF"
	migrate t.csv; expect 2; [[ $stderr == *--to* ]]
	migrate t.csv --to deepseek-v4-flash -o x; expect 2
}
@test "from the database too; calls without a price are named and counted" {
	work
	"$TALLY" ingest t.csv --db d.db -q >/dev/null
	migrate --db d.db --to claude-haiku-4-5 --json
	expect 0 '"total": "0.108225"' '"calls": 2'
	migrate t.csv --to no-such-model --json
	[ "$status" -ne 0 ] || fail "an unknown model is no target"
	sed -i 's/claude-sonnet-4-6,s1,code,200/some-model-nobody-sells,s1,code,200/' t.csv
	migrate t.csv --to claude-haiku-4-5
	expect 3 'some-model-nobody-sells' '>= $'
}
