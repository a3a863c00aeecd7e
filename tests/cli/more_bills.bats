#!/usr/bin/env bats
# Bills of mixtures that billing systems got wrong, each computed by hand.
load common

setup() {
	common_setup
	export TALLY_DB=$DIR/t.db
	cat >card.json <<'END'
{"schema":"tally.card/1","provider":"north","title":"made up","checked":"2026-01-01","models":{"n1":{},"e1":{}},"prices":[
 {"model":"n1","currency":"USD","from":"2023-01-01T00:00:00Z","source":"made up","sure":"test","rates":{"input":"1","output":"1"}},
 {"model":"e1","currency":"EUR","from":"2023-01-01T00:00:00Z","source":"made up","sure":"test","rates":{"input":"1","output":"1"}}]}
END
	cat >plan.json <<'END'
{"schema": "tally.plans/1", "plans": [{"plan": "one", "rule": "ratio", "currency": "USD", "credits_per_unit": "1", "group_ratio": "1",
 "tables": [{"table": "t"}], "rounding": {"scope": "none"}}], "tables": {"t": {}}}
END
}
# use ID CUSTOMER TIME TOKENS [MODEL CURRENCY]
use() {
	printf '{"id":"%s","customer":"%s","model":"%s","provider":"north","input":%s,"time":"%s"}\n' "$1" "$2" "${5-n1}" "$4" "$3" >"$1.jsonl"
	"$TALLY" ingest "$1.jsonl" --prices card.json --currency "${6-USD}" -q
}
account() { # CUSTOMER TERMS [options]
	printf '%s' "$2" >"terms-$1.json"
	"$TALLY" credit account "$1" --plan plan.json --since 2026-01-01 --terms "terms-$1.json" "${@:3}" -q
}
lines() { "$TALLY" invoice show "$1" --format json | jq -c '[(.lines[] | [.description, .amount]), .credits_applied, ([.taxes[].amount] | join("+")), .total]'; }
is() { [ "$1" = "$2" ] || fail "is $1, not $2"; }

@test "usage that is priced in two currencies is one bill, and nobody else's is stopped by it" {
	account acme '{"currency":"USD","metered":[{"description":"calls","of":"requests","pricing":{"unit":"0.5"}}]}'
	account beta '{"currency":"USD"}'
	use a acme 2026-06-10T00:00:00Z 10000000
	use b acme 2026-06-11T00:00:00Z 4000000 e1 EUR
	use c beta 2026-06-10T00:00:00Z 3000000
	printf 'day,base,currency,rate\n2026-06-30,EUR,USD,1.25\n' >rates.csv
	run "$TALLY" invoice draft acme --period 2026-06; expect 1 'no exchange rate is known'
	run "$TALLY" invoice draft --all --period 2026-06 --rates rates.csv; expect 0
	# 4 euros are 5 dollars, two calls 1
	is "$(lines '#1')" '[["e1","5"],["n1","10"],["calls","1"],"0","","16"]'
	is "$(lines '#2')" '[["n1","3"],"0","","3"]'
	# without rates, only the one who needs them is refused
	run "$TALLY" invoice draft --all --period 2026-06; expect 1 'no exchange rate is known'
	is "$(lines '#2')" '[["n1","3"],"0","","3"]'
}
