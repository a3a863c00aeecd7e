#!/usr/bin/env bats
# tally plan: work that does not exist yet, from averages. Every figure was computed by hand from the dated prices.
load common
plan() { run "$TALLY" plan --json -z UTC "$@"; }

@test "the published calculators come out to the digit" {
	plan --per-day 1M --cached 2000 --input 200 --output 300 --days 1 --start 2026-04-25 -m deepseek-v4-flash
	expect 0 '"total": "168"' '"per_call": "0.000168"'
	plan --per-day 1M --cached 2000 --input 200 --output 300 --days 1 --start 2026-05-10 -m deepseek-v4-flash
	expect 0 '"total": "117.6"'
	plan --per-day 1 --output 50k --days 1 --start 2026-05-10 -m deepseek-v4-flash -m claude-opus-4-7
	expect 0 '"total": "0.014"' '"total": "1.25"'
}
@test "peak hours are paid where the work falls into them" {
	# Monday 2026-08-31: 01-04 and 06-10 UTC are peak at twice the price; 7 of 24 hours, so 240 calls cost 310 units of 0.000000557... each
	plan --per-day 240 --cached 1000 --input 1000 --output 500 --days 1 --start 2026-08-31 -m deepseek-v4-flash
	expect 0 "\"total\": \"$(awk 'BEGIN{printf "%.6f", (170 + 70 * 2) * 0.000557}' | sed 's/0*$//')\""
	plan --per-day 100 --cached 1000 --input 1000 --output 500 --days 1 --start 2026-08-31 --hours 06:00-10:00 -m deepseek-v4-flash
	expect 0 '"total": "0.1114"'
	plan --per-day 100 --cached 1000 --input 1000 --output 500 --days 1 --start 2026-08-31 --hours 12-18 -m deepseek-v4-flash
	expect 0 '"total": "0.0557"'
}
@test "escalated calls are paid twice, shared ones once, retries again" {
	# Sonnet 4.6: 1,000 in and 100 out are 0.0045; Opus 4.7: 0.0075
	plan --per-day 1000 --input 1000 --output 100 --days 2 --start 2026-06-01 -m claude-sonnet-4-6 --escalate 5%:claude-opus-4-7
	expect 0 '"records": 2000, "requests": 2100' '"total": "9.75"'
	plan --per-day 1000 --input 1000 --output 100 --days 2 --start 2026-06-01 -s s=share:0.05:claude-opus-4-7:claude-sonnet-4-6
	expect 0 '"records": 2000, "requests": 2000' '"total": "9.3"'
	plan --per-day 1000 --input 1000 --output 100 --days 2 --start 2026-06-01 -m claude-sonnet-4-6 --retries 10%
	expect 0 '"requests": 2200' '"total": "9.9"'
}
@test "calls that miss the cache write it where writes are billed" {
	# 100 calls of 10,000 cached tokens, 90 hits: Sonnet 90 x 0.003 + 10 x 0.0375
	plan --per-day 100 --cached 10000 --days 1 --start 2026-06-01 --hit-ratio 90% -m claude-sonnet-4-6
	expect 0 '"cache_read": 900000, "cache_write_5m": 100000' '"total": "0.645"'
	plan --per-day 100 --cached 10000 --days 1 --start 2026-06-01 --hit-ratio 90% -m deepseek-v4-flash
	expect 0 '"input": 100000, "cache_read": 900000, "cache_write_5m": 0'
}
@test "days of work, growth and months" {
	# June 2026 has 22 weekdays, July 23; July has 10 % more calls
	plan --per-day 100 --input 1000 --days 61 --start 2026-06-01 --weekdays mon-fri --growth 10% -m claude-sonnet-4-6
	expect 0 '"month": "2026-06", "records": 2200, "total": "6.6"' '"month": "2026-07", "records": 2530, "total": "7.59"' '"total": "14.19"'
}
@test "a question can be saved and asked again; nothing is free" {
	"$TALLY" plan --per-day 10k --input 300 --output 150 --days 3 --start 2026-06-01 -z UTC -m deepseek-v4-flash --escalate 5%:deepseek-v4-pro --save p.json --json >a.json
	"$TALLY" plan p.json --json >b.json
	cmp a.json b.json || fail "the saved question has another answer"
	plan p.json --days 6
	expect 0 '"records": 60000'
	plan --per-day 10 --input 300 --days 1 -m no-such-model
	expect 1 "scenario 'no-such-model': model 'no-such-model' is in no price card"
	plan --per-day 10 --input 300 --days 1 --start 2020-01-01 -m deepseek-v4-flash
	expect 3 '"unpriced": 10' 'has no USD price before'
	plan --per-day 10 --input 300 --days 1 -s a=share:5:x:y; expect 2 "write 5% or 0.05"
	plan --input 300 -m deepseek-v4-flash; expect 2 '--per-day'
	plan --per-day 1 --input 1 -m deepseek-v4-flash --hours 9; expect 2 '9-17'
}
@test "conversations are calls that send again what was said; what each assumption moves is said" {
	# 500 of 40 calls: 12,000 + 39 x 2,300 / 2 cached tokens on average: 3.1836 + 4.2 + 4.48
	plan --per-day 500 --turns 40 --cached 12k --input 1500 --output 800 --days 1 --start 2026-06-01 -m deepseek-v4-flash
	expect 0 '"records": 20000' '"cache_read": 1137000000' '"total": "11.8636"' '"turns": 40, "per_conversation": "0.0237272"'
	expect 0 '{"assumption": "per_day", "by": "10 % more calls", "total": "13.04996", "delta": "1.18636"}' \
		'"assumption": "output", "by": "10 % more output tokens", "total": "12.3116", "delta": "0.448"' \
		'"assumption": "hit_ratio", "by": "hits 10 points fewer", "total": "27.46324"'
	run "$TALLY" plan --per-day 500 --turns 40 --cached 12k --input 1500 --output 800 --days 1 --start 2026-06-01 -z UTC -m deepseek-v4-flash
	expect 0 'a conversation of 40 calls costs $0.0237272' '10 % more calls +$1.19, 10 % more cached tokens +$0.32'
	# the last call's prompt is longer than the average one
	plan --per-day 1 --turns 100 --input 15000 --output 1000 --days 1 --start 2026-06-01 -m deepseek-v4-flash
	expect 0 '"does_not_fit": "deepseek-v4-flash"'
	plan --per-day 1 --turns 0 --input 1 -m deepseek-v4-flash; expect 2 '--turns must be from 1'
}
@test "a file of another command is named as what it is" {
	run "$TALLY" plan "$ROOT/examples/synthetic.json"
	expect 1 'specifies a trace' 'tally sim generate'
	run "$TALLY" plan "$ROOT/examples/decide.json"
	expect 1 "is a 'tally.decision/1', and a plan is asked for here"
}
@test "clocks that change, and ranges of work, answers and shares" {
	# peak is 01-04 and 06-10 UTC on weekdays, twice the price; 9-17 in Berlin is 08-16 UTC until the clocks change on 28 March 2027, 07-15 after:
	# a call of 1,000 cached, 500 other and 250 output tokens is 0.000228; 8 x 400 calls a day, 2 hours of them at peak on 10 days, 3 on 13 days
	run "$TALLY" plan --json --per-day 3200 --cached 1000 --input 500 --output 250 --start 2027-03-15 --days 31 --hours 9-17 --weekdays mon-fri -z Europe/Berlin -m deepseek-v4-flash
	expect 0 '"records": 73600' '"total": "22.1616"'
	# low: 80,000 calls of 0.001 and 3 % of 0.005; high: 120,000 of 0.0015 and 8 % of 0.0075
	plan --tickets 8000..12000 --cached 2000 --input 300 --output 100..200 --start 2026-06-01 --days 10 -m claude-haiku-4-5 --escalate 3%..8%:claude-opus-4-7
	expect 0 '"low": "92"' '"high": "252"' '"total": "159.375"' '"per_unit": "0.00159375"'
}
@test "work that shrinks can be planned" {
	# 100 calls a day, a tenth fewer each month: 31 x 100 + 31 x 90 + 28 x 81
	run "$TALLY" plan --per-day 100 --input 10 --output 10 -m deepseek-v4-flash --growth -10% --days 90 --start 2026-12-01 --by month
	expect 0 '8,158' '3,100' '2,790' '2,268'
	run "$TALLY" plan --per-day 100 --input 10 --output 10 -m deepseek-v4-flash --growth=-100% --days 90 --start 2026-12-01 --json
	expect 0 '"records": 3100'
	run "$TALLY" plan --per-day 100 --input 10 --output 10 -m deepseek-v4-flash --growth -101%; expect 2 "'-101%' is not a share from -100% to 1000%"
	run "$TALLY" plan --per-day 100 --input 10 --output 10 -m deepseek-v4-flash --retries=-5%; expect 2 'from 0% to 100%'
}
@test "a value of another type is refused, not taken for none, in questions and in decisions" {
	for value in true null '[]' '{}' '[1]'; do
		for key in per_day input output start growth note; do
			[ $key = per_day ] && other='"input":1' || other='"per_day":1'
			echo "{$other,\"$key\":$value,\"scenarios\":{\"a\":\"deepseek-v4-flash\"}}" >q.json
			run "$TALLY" plan q.json; expect 1 "q.json: '$key' must be a number or text, and is" || fail "$key: $value"
		done
		[ "$value" = '{}' ] || { echo "{\"per_day\":1,\"input\":1,\"scenarios\":$value}" >q.json; run "$TALLY" plan q.json; expect 1 "'scenarios' must be an object"; }
	done
	echo '{"per_dya":1,"input":1,"scenarios":{"a":"deepseek-v4-flash"}}' >q.json
	run "$TALLY" plan q.json; expect 1 "unknown key 'per_dya'; did you mean 'per_day'?"
	decision() { sed "$1" "$ROOT/examples/decide.json" >d.json; cmp -s d.json "$ROOT/examples/decide.json" && fail "nothing changed: $1"; run "$TALLY" decide d.json; expect 1 "$2"; }
	decision 's/"floor": *[^,}]*/"floor": true/' "'floor' must be a number or text, and is true or false"
	decision 's/"has": *\[/"has": [true, /' "each element of 'has' must be a number or text, and one is true or false"
	decision 's/"scores": *\[/"scores": [[], /' "each element of 'scores' must be an object, and one is an array"
	decision 's/"workloads"/"workload"/' "unknown key 'workload'; did you mean 'workloads'?"
}
@test "a small plan is a large one divided: fractions of calls are counted" {
	# one call a day, spread over it: 7 of 24 hours at twice the price of 0.000557
	plan --per-day 1 --cached 1000 --input 1000 --output 500 --days 1 --start 2026-08-31 -m deepseek-v4-flash; expect 0 "\"total\": \"0.000719458333333333\""
	plan --per-day 3 --input 1000 --output 100 --days 7 --start 2026-06-01 -s s=share:5%:claude-opus-4-7:claude-sonnet-4-6
	# 21 calls: 1.05 of 0.0075 and 19.95 of 0.0045
	expect 0 '"records": 21' '"total": "0.09765"'
	total() { sed -n 's/.*"total": "\([^"]*\)", "interval".*/\1/p' <<<"$output" | head -n 1; }
	for shape in '-m deepseek-v4-flash --escalate 7%:deepseek-v4-pro --hit-ratio 93%' '-m claude-sonnet-4-6 --growth 7% --retries 3% --hit-ratio 31.7%' \
		'-s s=share:0.1%:gpt-5:deepseek-v4-pro --hours 0:30-7 --weekdays mon,sat' '-s b=batch:gpt-5-mini --hit-ratio 0.123457 --growth -9%'; do
		for n in 1 17; do
			plan --per-day $n --cached 1999 --input 301 --output 77 --days 100 --start 2026-09-01 $shape; small=$(total)
			plan --per-day ${n}000 --cached 1999 --input 301 --output 77 --days 100 --start 2026-09-01 $shape
			python3 -c "from decimal import *; import sys; getcontext().prec = 60; d = Decimal(sys.argv[1]) * 1000 - Decimal(sys.argv[2]); sys.exit(abs(d) > Decimal('1e-15'))" "$small" "$(total)" || fail "$shape: $small x 1000 is not $(total)"
		done
	done
}
@test "a tenth more is a tenth, whatever the number" {
	# 19 calls of 0.003: a tenth more is 1.9 of them; 15 tokens of output: 1.5 of 0.000015 each
	plan --per-day 19 --input 1000 --days 1 --start 2026-06-01 -m claude-sonnet-4-6; expect 0 '"by": "10 % more calls", "total": "0.0627", "delta": "0.0057"'
	plan --per-day 1 --input 1000 --output 15 --days 1 --start 2026-06-01 -m claude-sonnet-4-6; expect 0 '"by": "10 % more output tokens", "total": "0.0032475", "delta": "0.0000225"'
}
