#!/usr/bin/env bats
# What holds from a day on and until another one: items, pauses, coupons, prices and markups.
load common

setup() {
	common_setup
	export TALLY_DB=$DIR/t.db
	cat >card.json <<'JSON'
{"schema":"tally.card/1","provider":"north","title":"made up","checked":"2026-01-01","models":{"n1":{}},"prices":[
 {"model":"n1","currency":"USD","from":"2023-01-01T00:00:00Z","source":"made up","sure":"test","rates":{"input":"1","output":"1"}}]}
JSON
	cat >plan.json <<'JSON'
{"schema": "tally.plans/1", "plans": [{"plan": "one", "rule": "ratio", "currency": "USD", "credits_per_unit": "1", "group_ratio": "1",
 "tables": [{"table": "t"}], "rounding": {"scope": "none"}}], "tables": {"t": {}}}
JSON
}
use() { # ID CUSTOMER TIME MILLIONS
	printf '{"id":"%s","customer":"%s","model":"n1","provider":"north","input":%s000000,"time":"%s"}\n' "$1" "$2" "$4" "$3" >"$1.jsonl"
	"$TALLY" ingest "$1.jsonl" --prices card.json -q
}
account() { # CUSTOMER TERMS [options]
	printf '%s' "$2" >"terms-$1.json"
	"$TALLY" credit account "$1" --plan plan.json --since 2026-01-01 --terms "terms-$1.json" "${@:3}" -q
}
# bill CUSTOMER MONTH: its draft
bill() {
	"$TALLY" invoice draft "$1" --period "$2" -q >/dev/null
	"$TALLY" invoice show "#$("$TALLY" invoice list "$1" --json | jq -r '.invoices[-1].id')" --format json |
		jq -c '[(.lines[] | [.description, .amount]), .total]'
}
is() { [ "$1" = "$2" ] || fail "is $1, not $2"; }

@test "what begins and ends on the same day counts on no day, whatever it is" {
	# Pro was taken and left on the 16th, Team is from then on: 30 x 15/30
	account acme '{"currency":"USD","items":[{"description":"Pro","amount":"20","from":"2026-06-16","to":"2026-06-16"},
 {"description":"Team","amount":"30","from":"2026-06-16","pauses":[{"from":"2026-06-20","to":"2026-06-20"}]},
 {"description":"Whole","amount":"9","from":"2026-06-16","to":"2026-06-16","prorate":false},
 {"description":"Setup","amount":"7","from":"2026-06-16","to":"2026-06-16","once":true}],
 "coupons":[{"description":"GONE","percent":"50","from":"2026-06-16","to":"2026-06-16"}],
 "minimum":{"amount":"99","from":"2026-06-16","to":"2026-06-16"}}'
	is "$(bill acme 2026-06)" '[["Team","15"],"15"]'
	is "$(bill acme 2026-07)" '[["Team","30"],"30"]'
	# the same instant, by the second
	account beta '{"currency":"USD","proration":"second","items":[{"description":"Pro","amount":"20","from":"2026-06-16T12:00:00Z","to":"2026-06-16T12:00:00Z"},
 {"description":"Team","amount":"30","from":"2026-06-16T12:00:00Z"}]}'
	is "$(bill beta 2026-06)" '[["Team","14.5"],"14.5"]'
	# a contract that never was
	account gone '{"currency":"USD","contract":{"from":"2026-06-16","to":"2026-06-16"},"minimum":"50","items":[{"description":"Pro","amount":"20"}]}'
	is "$(bill gone 2026-06)" '["0"]'
	# what ends before it begins is a mistake
	echo '{"items":[{"description":"a","amount":"1","from":"2026-06-16","to":"2026-06-15"}]}' >t.json
	run "$TALLY" plan check t.json; expect 1 "items[0]: 'to' cannot be before 'from'"
}

@test "prices and markups change in mid-period, by the days of the account, also for usage that comes late" {
	account acme '{"currency":"USD","prices":[{"model":"n1","rates":{"input":"0.8"},"from":"2026-06-11","to":"2026-06-21"}],
 "markup":[{"percent":"10","to":"2026-06-16"},{"percent":"20","from":"2026-06-16"}]}'
	use a acme 2026-06-10T23:59:59Z 10 # 10 and 10 %
	use b acme 2026-06-11T00:00:00Z 10 # 8
	use c acme 2026-06-20T23:00:00Z 10 # 8
	use d acme 2026-06-21T00:00:00Z 10 # 10 and 20 %
	is "$(bill acme 2026-06)" '[["n1","16"],["n1","11"],["n1","12"],"39"]'
	"$TALLY" invoice show '#1' --format json | jq -c '[.lines[] | [.unit_price, .why]]' >why
	is "$(cat why)" '[["0.8",{"first_day":"2026-06-11","last_day":"2026-06-20"}],["1.1",{"first_day":"2026-06-01","last_day":"2026-06-10"}],["1.2",{"first_day":"2026-06-21","last_day":"2026-06-30"}]]'
	"$TALLY" invoice finalize '#1' -q
	use e acme 2026-06-15T12:00:00Z 5 # late: 4
	use f acme 2026-06-22T12:00:00Z 5 # late: 6
	is "$(bill acme 2026-07)" '[["adjustment of 2026-000001: n1","4"],["adjustment of 2026-000001: n1","6"],"10"]'
	# 18:30 of the 10th is midnight there
	account kol '{"currency":"USD","prices":[{"model":"n1","rates":{"input":"0.5"},"from":"2026-06-11"}]}' -z Asia/Kolkata
	use k kol 2026-06-10T18:29:59Z 10
	use l kol 2026-06-10T18:30:00Z 10
	is "$(bill kol 2026-06)" '[["n1","5"],["n1","10"],"15"]'
	is "$("$TALLY" invoice draft --all --period 2026-06 -q >/dev/null; "$TALLY" invoice list kol --json | jq -r '.invoices[-1].total')" 15
	# what credits are worth, with a markup of some days
	account plan '{"currency":"USD","credit_price":"plan","markup":[{"percent":"50","from":"2026-06-11","to":"2026-06-12"}]}'
	use p plan 2026-06-10T12:00:00Z 2
	use q plan 2026-06-11T12:00:00Z 2
	is "$(bill plan 2026-06)" '[["n1","2"],["n1","3"],"5"]'
}
