#!/usr/bin/env bats
# A plan holds from a day on: usage of earlier days keeps the plan before, whenever it comes.
load common

setup() {
	common_setup
	export TALLY_DB=$DIR/t.db
	cat >card.json <<'END'
{"schema":"tally.card/1","provider":"north","title":"made up","checked":"2026-01-01","models":{"n1":{}},"prices":[
 {"model":"n1","currency":"USD","from":"2023-01-01T00:00:00Z","source":"made up","sure":"test","rates":{"input":"1","output":"1"}}]}
END
	for n in 1 10; do cat >p$n.json <<END
{"schema": "tally.plans/1", "plans": [{"plan": "p$n", "rule": "ratio", "currency": "USD", "credits_per_unit": "$n", "group_ratio": "1",
 "tables": [{"table": "t"}], "rounding": {"scope": "none"}}], "tables": {"t": {}}}
END
	done
}
# use ID TIME MILLIONS
use() {
	printf '{"id":"%s","customer":"acme","model":"n1","provider":"north","input":%s000000,"time":"%s"}\n' "$1" "$3" "$2" >"$1.jsonl"
	"$TALLY" ingest "$1.jsonl" --prices card.json -q
}
used() { "$TALLY" invoice draft acme --period "$1" --json | jq -r .subtotal; }

@test "a plan from a day on, in the account's zone, and usage that comes late" {
	"$TALLY" credit account acme --plan p1.json --since 2026-05-01 --timezone Asia/Kolkata -q
	use a 2026-05-10T00:00:00Z 2
	"$TALLY" credit account acme --plan 'p10.json from 2026-05-20' -q
	use b 2026-05-19T18:29:59Z 3 # 23:59:59 there: 3 credits
	use c 2026-05-19T18:30:00Z 4 # 40 credits
	use late 2026-05-11T00:00:00Z 5
	[ "$(used 2026-05)" = 50 ] # 2 + 3 + 40 + 5
	# what was drawn is given back as it was drawn
	"$TALLY" void b --why test -q
	"$TALLY" void c --why test -q
	"$TALLY" credit draw --prices card.json -q
	[ "$(used 2026-05)" = 7 ]
	run "$TALLY" fsck; expect 0
	# usage has drawn on the 20th, if only for a while
	run "$TALLY" credit account acme --plan 'p1.json from 2026-05-19'; expect 1 "usage of that day or a later one has drawn already"
	run "$TALLY" credit account acme --plan 'p1.json from 2026-05-25T12:00:00Z'; expect 2 "from the beginning of a day"
	run "$TALLY" credit account new --plan 'p1.json from 2026-05-25'; expect 2 "no other plan before"
	run "$TALLY" credit account acme --plan 'p1.json from 2026-06-01'; expect 0
	run "$TALLY" credit account acme --plan 'p10.json from 2026-06-01'; expect 1 "another plan began then"
	use d 2026-05-30T00:00:00Z 1
	use e 2026-06-10T00:00:00Z 1
	[ "$(used 2026-05)" = 17 ]
	[ "$(used 2026-06)" = 1 ]
	# without a day it is of all usage that has not drawn yet
	"$TALLY" credit account acme --plan p1.json -q
	use f 2026-05-28T00:00:00Z 1
	[ "$(used 2026-05)" = 18 ]
	run "$TALLY" fsck; expect 0
}

@test "a credit is worth what the plan of the period's first day says" {
	"$TALLY" credit account acme --plan p1.json --since 2026-05-01 -q
	echo '{"currency":"USD","credit_price":"plan"}' >terms.json
	"$TALLY" credit account acme --terms terms.json --plan 'p10.json from 2026-06-01' -q
	use a 2026-05-10T00:00:00Z 6
	use b 2026-06-10T00:00:00Z 7
	[ "$(used 2026-05)" = 6 ] # 6 credits, one a dollar
	[ "$(used 2026-06)" = 7 ] # 70 credits, ten a dollar
}
