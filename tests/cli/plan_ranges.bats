#!/usr/bin/env bats
# tally plan: what is not known to the digit, what work is counted in, and quarters. Sonnet 4.6: 3 in, 0.3 from the
# cache, 3.75 written, 15 out per million; every figure is a calculation by hand.
load common
plan() { run "$TALLY" plan -z UTC --start 2026-10-01 "$@"; }

@test "a range is answered at its ends, and what each one moves is said" {
	# 100..200 calls (150) of 1,000 in and 100..300 (200) out: 0.0045, 0.006, 0.0075 a call; 92 days
	plan --per-day 100..200 --input 1000 --output 100..300 --months 3 -m claude-sonnet-4-6 --json
	expect 0 '"total": "82.8"' '"low": "41.4"' '"high": "138"' '"assumption": "per_day", "by": "100 to 200 calls a day", "total": "110.4", "delta": "27.6", "total_low": "55.2", "delta_low": "-27.6"' \
		'"assumption": "output", "by": "100 to 300 output tokens"' '"quarter": "2026-Q4", "records": 13800, "total": "82.8"' '"to": "2027-01-01"'
	[[ $output != *'10 % more calls'* ]] || fail "the same assumption twice"
	# what is likely may be said; a growth that may be none
	plan --per-day 10..10..1k --input 1000 --growth 0..10% --months 2 -m claude-sonnet-4-6 --json; expect 0 '"total": "1.875"' '"low": "1.83"' '"high": "192"'
	# fewer hits cost more: 100 calls of 10,000 cached, 0.003 found and 0.0375 written
	plan --per-day 100 --cached 10k --hit-ratio 80%..100% --days 1 -m claude-sonnet-4-6 --json; expect 0 '"total": "0.645"' '"low": "0.3"' '"high": "0.99"'
	# a share of calls moved to what is dearer, or cheaper: Haiku 4.5 is a third
	plan --per-day 1000 --input 1000 --days 1 -s a=share:10%..30%:claude-haiku-4-5:claude-sonnet-4-6 -s b=escalate:0%..10%:claude-haiku-4-5:claude-sonnet-4-6 --json
	expect 0 '"total": "2.6"' '"low": "2.4"' '"high": "2.8"' '"total": "1.15"' '"low": "1"' '"high": "1.3"'
	plan --per-day 100..200 --input 1000 --output 100..300 --months 3 -m claude-sonnet-4-6
	expect 0 INTERVAL '$41.40 to $138.00' '2026-11' '100 to 300 output tokens -$20.70 to +$20.70'
	plan --per-day 1..2 --input 1 -m claude-sonnet-4-6 --csv; expect 0 'total,total_low,total_high,unpriced'
	for bad in 2..1 1..3..2 1.. ..2 1..2..3..4 a..b; do plan --per-day $bad --input 1 -m claude-sonnet-4-6; [ "$status" = 2 ] || fail "$bad"; done
	plan --per-day 1..2 --input 1 -m claude-sonnet-4-6 --save p.json -q; plan p.json --json; expect 0 '"interval": {'
	echo '{"date":"2026-06-02","models":{"a":{}},"workloads":[{"name":"w","measure":"m","calls":1,"input":1,"tokens_from":"assumed","routes":["x=share:5%..9%:a:a"]}]}' >d.json
	run "$TALLY" decide d.json; expect 1 'one value'
}

@test "work is counted in tickets, documents, sessions or users; each is told what it costs" {
	plan --tickets 100 --calls-each 3 --input 1000 --days 1 -m claude-sonnet-4-6 --json; expect 0 '"records": 300' '"unit": "ticket", "records": 3, "per_unit": "0.009"'
	plan --users 20 --sessions 4 --turns 2 --input 1000 --days 10 -m claude-sonnet-4-6 --json
	# the second call of a session sends the first thousand again, 500 on average: 0.00315 a call
	expect 0 '"records": 1600' '"total": "5.04"' '"unit": "session", "records": 2, "per_unit": "0.0063"' '"unit": "user", "records": 8, "per_unit": "0.0252"'
	plan --users 20 --calls-each 5 --input 1000 --days 1 -m claude-sonnet-4-6; expect 0 'a user costs $0.015 on a day of work'
	plan --documents 10 --input 100k --days 1 -m claude-sonnet-4-6; expect 0 'a document costs $0.3'
	plan --documents 10 --tickets 3 --input 1 -m claude-sonnet-4-6; expect 2 'not both'
	plan --input 1 -m claude-sonnet-4-6; expect 2 '--tickets'
}

@test "rows are days, months or quarters; quarters by themselves beyond a year" {
	plan --per-day 10 --input 1000 --days 366 -m claude-sonnet-4-6; expect 0 '2026-10' '2027-10'
	plan --per-day 10 --input 1000 --months 14 -m claude-sonnet-4-6; expect 0 '2026-Q4' '2027-Q4'
	[[ $output != *'  2026-10 '* ]]
	plan --per-day 10 --input 1000 --months 5 --by quarter --csv -m claude-sonnet-4-6
	[ "$output" = 'scenario,quarter,calls,requests,currency,total,unpriced
claude-sonnet-4-6,2026-Q4,920,920,USD,2.76,0
claude-sonnet-4-6,2027-Q1,590,590,USD,1.77,0' ]
	run "$TALLY" plan -z UTC --per-day 10 --input 1000 --start 2027-01-31 --months 1 -m claude-sonnet-4-6 --by day --csv; [ "${#lines[@]}" = 29 ]
	plan --per-day 10 --input 1000 --months 5 --by quarter --format html -o p.html -m claude-sonnet-4-6; grep -q 'by quarter' p.html
	plan --per-day 1 --input 1 --months 2 --days 3 -m claude-sonnet-4-6; expect 2 'not both'
	plan --per-day 1 --input 1 --by week -m claude-sonnet-4-6; expect 2 'day, month or quarter'
}
