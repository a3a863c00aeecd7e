#!/usr/bin/env bats
# Credits to come: at the plan and the prices of each coming day. Every figure is a calculation by hand.
load common

setup() {
	common_setup
	export TALLY_DB=$DIR/t.db
	cat >card.json <<'END'
{"schema":"tally.card/1","provider":"north","title":"made up","checked":"2026-01-01","models":{"n1":{},"n2":{}},"prices":[
 {"model":"n1","currency":"USD","from":"2023-01-01T00:00:00Z","to":"2026-07-05T00:00:00Z","source":"made up","sure":"test","rates":{"input":"1","output":"5"}},
 {"model":"n1","currency":"USD","from":"2026-07-05T00:00:00Z","source":"made up","sure":"test","rates":{"input":"3","output":"5"}},
 {"model":"n2","currency":"USD","from":"2023-01-01T00:00:00Z","source":"made up","sure":"test","rates":{"input":"2","output":"2"}}]}
END
	for n in 1 10; do cat >p$n.json <<END
{"schema": "tally.plans/1", "plans": [{"plan": "p$n", "rule": "ratio", "currency": "USD", "credits_per_unit": "$n", "group_ratio": "1",
 "tables": [{"table": "t"}], "rounding": {"scope": "none"}}], "tables": {"t": {}}}
END
	done
	for d in $(seq -w 1 28); do
		printf '{"id":"a%s","customer":"acme","model":"n1","provider":"north","input":1000000,"time":"2026-06-%sT10:00:00Z"}\n' "$d" "$d"
		printf '{"id":"b%s","customer":"both","model":"n%d","provider":"north","input":2000000,"time":"2026-06-%sT10:00:00Z"}\n' "$d" "$((10#$d % 2 + 1))" "$d"
	done >t.jsonl
	"$TALLY" credit account acme --plan p1.json --since 2026-05-01 -q
	"$TALLY" credit account both --plan p1.json --since 2026-05-01 -q
	"$TALLY" ingest t.jsonl --prices card.json -q
}
coming() { "$TALLY" forecast --prices card.json --credits 100 --customer "$1" --now 2026-06-29 --by 2026-07-11 -z UTC --json || [ $? = 4 ]; }
half() { coming "$1" | jq -r '.quantiles["0.5"]'; }

@test "credits to come are drawn at the prices and by the plan of each coming day" {
	# six days of one credit, six of three
	[ "$(half acme)" = 24 ]
	coming acme | jq -e '.price_changes == ["2026-07-05"] and .exhausted["0.5"] == "2026-08-05"'
	run "$TALLY" forecast --prices card.json --credits 100 --customer acme --now 2026-06-29 --by 2026-07-11 -z UTC
	expect 0 "rates of credits change on 2026-07-05" "95 % of the draws at most               24"
	# days of four credits (n2) and of two, which are six from the 5th on: on average 36 and 30
	coming both | jq -e '(.quantiles["0.5"] | tonumber) | . > 40 and . < 58'
	# ten credits a dollar from the 8th on: 6 x 1, 3 x 3, 3 x 30
	"$TALLY" credit account acme --plan 'p10.json from 2026-07-08' -q
	[ "$(half acme)" = 105 ]
}

@test "a rise behind the last days is in what they weigh" {
	for d in $(seq -w 5 18); do
		printf '{"id":"c%s","customer":"acme","model":"n1","provider":"north","input":1000000,"time":"2026-07-%sT10:00:00Z"}\n' "$d" "$d"
	done >u.jsonl
	for d in 29 30; do printf '{"id":"a%s","customer":"acme","model":"n1","provider":"north","input":1000000,"time":"2026-06-%sT10:00:00Z"}\n' "$d" "$d"; done >>u.jsonl
	for d in 1 2 3 4; do printf '{"id":"e%s","customer":"acme","model":"n1","provider":"north","input":1000000,"time":"2026-07-0%sT10:00:00Z"}\n' "$d" "$d"; done >>u.jsonl
	"$TALLY" ingest u.jsonl --prices card.json -q
	# the same work every day: the level has not changed, its price has
	"$TALLY" forecast --prices card.json --credits 100 --customer acme --now 2026-07-19 --by 2026-07-29 -z UTC --json |
		jq -e '.level_since == null and .trend == "none" and .quantiles["0.5"] == "30" and .quantiles["0.05"] == "30"'
}

@test "after a move, credits are drawn at the rates of the targets" {
	ahead() { run "$TALLY" forecast --prices card.json --customer acme --now 2026-06-29 --by 2026-07-11 -z UTC "$@"; }
	middle() { [ "$(json 0.5)" = "$1" ] || fail "not $1"; }
	# six days of one credit on n1; from the 5th on two on n2, where n1 would draw three
	ahead --credits 100 --move n2 --move-on 2026-07-05 --json; expect 0 '"to": "n2"'; middle 18
	ahead --credits 100 --move n1=n2 --move-on 2026-07-05; expect 0 'from 2026-07-05 on, n1 runs on n2' 'half of the draws at most               18'
	# a quarter of 2 and three of 3; 3 and half of 2
	ahead --credits 100 --scenario share:25%:n2:n1 --move-on 2026-07-05 --json; middle 22.5
	ahead --credits 100 --scenario escalate:50%:n1:n2 --move-on 2026-07-05 --json; middle 30
	# what no account has: ten credits a dollar, of this customer's work and of another's
	ahead --plan p10.json --json; expect 0 '"plan": "p10.json"' '"currency": "credits"'; middle 240
	ahead --plan p10.json --move n2 --move-on 2026-07-05; expect 0 'half of the draws at most              180' 'in credits of plan p10.json from 2026-06-29 on'
	ahead --plan p10.json --credits 100 --move n2 --move-on 2026-07-05; expect 4 'credits left'
	ahead --plan p10.json --since 2026-07-08 --json; middle 90
	run "$TALLY" forecast --prices card.json --now 2026-06-29 --by 2026-07-11 -z UTC --plan p10.json --model n2 --json; expect 0 '"history_days": 28'
	# what the plan says nothing of is counted, and cannot be moved to
	ahead --plan vm0; expect 1 'vm0 covers none of the 28 past calls'
	ahead --plan p10.json --move nope; expect 1 "model 'nope'"
	ahead --plan vm0 --move n2; expect 1 "plan 'vm0' has no entry for 'n2'"
	ahead --plan p10.json --budget 5; expect 2 'give --budget or --plan, not both'
	ahead --credits 100 --model n1; expect 2 'leave out --model'
	run "$TALLY" forecast --credits 5; expect 2 '--credits needs --customer'
	# writes are input where they cost nothing, and what has no rates at the target keeps its own
	printf '{"id":"w%s","customer":"acme","model":"n1","provider":"north","input":500000,"cache_write_5m":500000,"time":"2026-06-%sT10:00:00Z"}\n' 1 20 >w.jsonl
	"$TALLY" ingest w.jsonl --prices card.json -q || [ $? = 3 ]
	ahead --plan p10.json --move deepseek-v4-flash --json
	expect 3 '"uncovered": 1'
	ahead --plan p10.json; expect 3 '>= ' '1 past call that plan p10.json does not cover'
}
