#!/usr/bin/env bats
# Bills of mixtures that billing systems got wrong, each computed by hand.
# with sanitizers, too
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
	"$TALLY" ingest "$1.jsonl" --prices card.json --currency "${6-USD}" -q || [ $? = 3 ] # euros are not in the plan
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

@test "minimum, maximum and items count for the days of the contract, and by the second where that is said" {
	draft() { "$TALLY" invoice draft "$1" --period "$2" -q || [ $? = 3 ]; }
	id() { "$TALLY" invoice list "$1" --json | jq -r '.invoices[-1].id'; }
	show() { lines "#$(id "$1")"; }
	account acme '{"currency":"USD","contract":{"from":"2026-06-16","to":"2026-08-11"},"minimum":"100","items":[{"description":"Seat","amount":"30"}]}'
	use a acme 2026-06-20T00:00:00Z 10000000
	draft acme 2026-06
	# 15 of 30 days: a seat 15, at least 50
	is "$(show acme)" '[["n1","10"],["Seat","15"],["up to the agreed minimum","25"],"0","","50"]'
	draft acme 2026-07; is "$(show acme)" '[["Seat","30"],["up to the agreed minimum","70"],"0","","100"]'
	# 10 of 31 days: 9.68, at least 32.26
	draft acme 2026-08; is "$(show acme)" '[["Seat","9.68"],["up to the agreed minimum","22.58"],"0","","32.26"]'
	draft acme 2026-09; is "$(show acme)" '["0","","0"]'
	# a minimum that is paused for 10 of 30 days, a maximum that is not prorated; from the account's own day
	printf '%s' '{"currency":"USD","contract":"account","minimum":{"amount":"60","pauses":[{"from":"2026-09-01","to":"2026-09-11"}]},"maximum":{"amount":"80","prorate":false}}' >t.json
	"$TALLY" credit account beta --plan plan.json --since 2026-06-21 --terms t.json -q
	draft beta 2026-06; is "$(show beta)" '[["up to the agreed minimum","20"],"0","","20"]'
	use b beta 2026-06-22T00:00:00Z 90000000
	draft beta 2026-06; is "$(show beta)" '[["n1","90"],["down to the agreed maximum","-10"],"0","","80"]'
	draft beta 2026-09; is "$(show beta)" '[["up to the agreed minimum","40"],"0","","40"]'
	# a third seat at noon of the 16th: 60 x 15.5/30, 90 x 14.5/30
	account seats '{"currency":"USD","proration":"second","items":[{"description":"2 seats","amount":"30","quantity":"2","to":"2026-06-16T12:00:00Z"},
 {"description":"3 seats","amount":"30","quantity":"3","from":"2026-06-16T12:00:00Z"}]}'
	draft seats 2026-06; is "$(show seats)" '[["2 seats","31"],["3 seats","43.5"],"0","","74.5"]'
	# Lord Howe: October 2026 has 2,676,600 seconds, for its clocks go on by half an hour on the 4th
	account howe '{"currency":"USD","proration":"second","items":[{"description":"Pro","amount":"26766","to":"2026-10-05"}]}' -z Australia/Lord_Howe
	draft howe 2026-10; is "$(show howe)" '[["Pro","3438"],"0","","3438"]' # 4 x 86,400 - 1,800 seconds
	run "$TALLY" credit account howe --terms <(echo '{"items":[{"description":"a","amount":"1","from":"2026-06-16T12:00:00Z"}]}'); expect 1 'needs "proration": "second"'
}

@test "an item in advance is asked for with the document before, and what ends earlier is given back" {
	show() { lines "#$("$TALLY" invoice list acme --json | jq -r '.invoices[-1].id')"; }
	final() { "$TALLY" invoice draft acme --period "$1" -q; "$TALLY" invoice finalize "#$("$TALLY" invoice list acme --json | jq -r '.invoices[-1].id')" -q; }
	change() { printf '%s' "$1" >t.json; "$TALLY" credit account acme --terms t.json -q; }
	terms() { change '{"currency":"USD","items":[{"description":"Pro","amount":"20","advance":true,"from":"2026-06-16"'"$1"'}],"taxes":[{"name":"VAT","percent":"10"}]}'; }
	account acme '{}'
	terms ''
	# 15 of 30 days, and July
	final 2026-06; is "$(show)" '[["Pro","10"],["Pro, 2026-07-01 to 2026-07-31","20"],"0","3","33"]'
	# the line in advance is of July in exports, too
	run "$TALLY" export focus --of invoices
	grep -q '"Pro, 2026-07-01 to 2026-07-31",Recurring,2026-08-01T00:00:00Z,2026-07-01T00:00:00Z' <<<"$output" || fail "$output"
	# July is paid already; it is dearer from August on
	change '{"versions":[{"from":"2026-01-01","terms":{"currency":"USD","items":[{"description":"Pro","amount":"20","advance":true,"from":"2026-06-16"}],"taxes":[{"name":"VAT","percent":"10"}]}},
 {"from":"2026-08-01","terms":{"currency":"USD","items":[{"description":"Pro","amount":"31","advance":true}],"taxes":[{"name":"VAT","percent":"10"}]}}]}'
	"$TALLY" invoice draft acme --period 2026-07 -q; is "$(show)" '[["Pro, 2026-08-01 to 2026-08-31","31"],"0","3.1","34.1"]'
	# it ends on the 10th after all: 10 of 31 days are 6.45, less 20
	terms ',"to":"2026-07-11"'
	final 2026-07; is "$(show)" '[["Pro","-13.55"],"0","-1.35","-14.9"]'
	# without June's document, July is asked for by its own: 6.45
	"$TALLY" invoice void 2026-000001 --why test -q; "$TALLY" invoice void 2026-000002 --why test -q
	final 2026-07; is "$(show)" '[["Pro","6.45"],"0","0.65","7.1"]'
	"$TALLY" invoice draft acme --period 2026-06 -q
	is "$("$TALLY" invoice list acme --json | jq -c '[.invoices[] | select(.status == "draft") | .total]')" '["11"]'
	run "$TALLY" fsck; expect 0
}

@test "terms that change their currency after the draft make the final document's currency the one of its row" {
	account acme '{"currency":"USD","items":[{"description":"Pro","amount":"20"}]}'
	"$TALLY" invoice draft acme --period 2026-06 -q
	printf '{"currency":"EUR","items":[{"description":"Pro","amount":"18"}]}' >t.json
	"$TALLY" credit account acme --terms t.json -q
	"$TALLY" invoice finalize '#1' -q
	is "$("$TALLY" invoice list acme --json | jq -c '.invoices[0] | [.total, .currency]')" '["18","EUR"]'
	is "$("$TALLY" invoice show 2026-000001 --format json | jq -r .currency)" EUR
	# nothing is left to ask for
	"$TALLY" invoice draft acme --period 2026-06 --supplement -q || true
	is "$("$TALLY" invoice list acme --json | jq '.invoices | length')" 1
	run "$TALLY" fsck; expect 0
}

@test "notes and later adjustments together give back no more than was asked for, in either order" {
	final() { "$TALLY" invoice draft "$1" --period "$2" -q; "$TALLY" invoice finalize "#$("$TALLY" invoice list "$1" --json | jq -r '[.invoices[].id] | max')" -q; }
	show() { lines "#$("$TALLY" invoice list "$1" --json | jq -r '[.invoices[].id] | max')"; }
	account acme '{"currency":"USD","taxes":[{"name":"VAT","percent":"19"}]}'
	use a acme 2026-06-05T00:00:00Z 60000000; use b acme 2026-06-06T00:00:00Z 40000000
	final acme 2026-06
	# all of it is credited, then most of the usage is void: nothing more is given back
	"$TALLY" invoice note 2026-000001 --why outage -q
	"$TALLY" void a --why test -q
	"$TALLY" invoice draft acme --period 2026-07 -q
	is "$(show acme)" '[["adjustment of 2026-000001: n1","-60"],["adjustment of 2026-000001: credited by notes already","60"],"0","0","0"]'
	run "$TALLY" invoice show "$("$TALLY" invoice list acme --json | jq -r '[.invoices[].id] | max | "#\(.)"')"
	grep -q '^adjustment of 2026-000001: n1' <<<"$output" || fail "$output"
	# its invoice is void and with it the note: June is 40, and no note holds it up
	"$TALLY" invoice void 2026-000001 --why test -q
	"$TALLY" invoice draft acme --period 2026-06 -q
	is "$("$TALLY" invoice list acme --json | jq -c '[.invoices[] | select(.status == "draft") | .total]')" '["47.6","0"]'
	# the other way round: 60 of 100 are adjusted in July, so a note on June's invoice is over the other 40 at most
	account beta '{"currency":"USD"}'
	use c beta 2026-06-05T00:00:00Z 60000000; use d beta 2026-06-06T00:00:00Z 40000000
	final beta 2026-06
	"$TALLY" void c --why test -q
	final beta 2026-07
	number=$("$TALLY" invoice list beta --json | jq -r '.invoices[0].number')
	run "$TALLY" invoice note "$number" --amount 40.01 --why x; expect 4 '40 is left'
	"$TALLY" invoice note "$number" --why rest -q
	is "$("$TALLY" invoice list beta --json | jq -c '[.invoices[] | .total]')" '["100","-40","-60"]'
	run "$TALLY" fsck; expect 0
}

@test "usage that an account's plan does not cover is told when it comes in, as usage without a price is" {
	cat >other.json <<'END'
{"schema": "tally.plans/1", "plans": [{"plan": "two", "rule": "token-priced", "currency": "USD", "credits_per_unit": "1", "unlisted": "refuse", "categories":{"input":["input"]},
 "tables": [{"table": "t"}], "rounding": {"scope": "none"}}], "tables": {"t": {"values": {"other":{"input":"1"}}}}}
END
	"$TALLY" credit account acme --plan other.json --since 2026-01-01 -q
	printf '{"id":"a","customer":"acme","model":"n1","provider":"north","input":1000000,"time":"2026-06-05"}\n' >a.jsonl
	run "$TALLY" ingest a.jsonl --prices card.json; expect 3 '1 draw no credits'
	sed 's/"a"/"b"/' a.jsonl >b.jsonl
	run "$TALLY" ingest b.jsonl --prices card.json --json; expect 3 '"uncovered": 1' '"unpriced": 0'
	# again: nothing new
	run "$TALLY" ingest b.jsonl --prices card.json; expect 0
}

@test "negotiated prices of a customer by model and vendor, dated, without a markup on them" {
	show() { lines "#$("$TALLY" invoice list acme --json | jq -r '[.invoices[].id] | max')"; }
	account acme '{"versions":[{"from":"2026-01-01","terms":{"currency":"USD","markup":[{"percent":"50"}],
 "prices":[{"provider":"north","rates":{"output":"4"}},{"model":"n1","provider":"north","rates":{"input":"0.8"}},{"model":"new","rates":{"input":"2","request":"0.01"}}]}},
 {"from":"2026-07-01","terms":{"currency":"USD"}}]}'
	printf '{"id":"a","customer":"acme","model":"n1","provider":"north","input":10000000,"cache_read":0,"output":3000000,"time":"2026-06-05"}
{"id":"b","customer":"acme","model":"n1","provider":"north","input":10000000,"output":3000000,"time":"2026-07-05"}
{"id":"c","customer":"acme","model":"new","input":500000,"requests":3,"time":"2026-06-06"}\n' >u.jsonl
	run "$TALLY" ingest u.jsonl --prices card.json -q; expect 3
	# 10 x 0.8, 3 x 4; a model that no card has: 0.5 x 2 and three requests
	"$TALLY" invoice draft acme --period 2026-06 -q
	is "$(show)" '[["n1","8"],["n1","12"],["new","1"],["new","0.03"],"0","","21.03"]'
	"$TALLY" invoice draft acme --period 2026-07 -q; is "$(show)" '[["n1","10"],["n1","3"],"0","","13"]'
	# output of it has no price, so what no card prices of that model is a lower bound
	echo '{"id":"d","customer":"acme","model":"new","input":1,"output":1,"time":"2026-06-07"}' >d.jsonl; "$TALLY" ingest d.jsonl --prices card.json -q || true
	run "$TALLY" invoice draft acme --period 2026-06; expect 3 '2 records have no price' '>= 20'
	for bad in '{"prices":[{"model":"n1","rates":{"input":"1"}}]}' '{"currency":"USD","prices":[{"rates":{"input":"1"}}]}' '{"currency":"USD","prices":[{"model":"a","rates":{"inputs":"1"}}]}' '{"currency":"USD","prices":[{"model":"a","rates":{"input":"-1"}}]}'; do
		echo "$bad" >bad.json
		run "$TALLY" plan check bad.json; expect 1 price
	done
}

@test "terms name a model under any of its names: prices, markups and metered items" {
	account acme '{"versions":[{"from":"2026-01-01","terms":{"currency":"USD","prices":[{"model":"deepseek-v4-flash","rates":{"input":"2"}}],"markup":[{"model":"claude-opus-4-6","percent":"50"}],
 "metered":[{"description":"flash","of":"tokens","model":"deepseek/deepseek-v4-flash","pricing":{"unit":"0.000001"}},{"description":"calls","of":"requests","model":"DeepSeek-V4-Flash","pricing":{"unit":"1"}}]}}]}'
	printf '{"id":"a","customer":"acme","model":"openrouter/deepseek/deepseek-v4-flash","input":1000000,"time":"2026-06-05"}
{"id":"b","customer":"acme","model":"deepseek-v4-flash@20260424","input":1000000,"time":"2026-06-05"}
{"id":"c","customer":"acme","model":"us.anthropic.claude-opus-4-6-v1:0","region":"us-east-1","input":1000000,"time":"2026-06-05"}
' >u.jsonl
	"$TALLY" ingest u.jsonl -q || [ $? = 3 ]
	"$TALLY" invoice draft acme --period 2026-06 -q
	lines=$("$TALLY" invoice show 1 --json | jq -c '[.lines[] | [.description, .amount]]')
	for line in '"flash","2"' '"calls","2"'; do [[ $lines == *"[$line]"* ]] || fail "$line: $lines"; done
	[ "$(jq -c '[.[] | select(.[1] == "2")] | length' <<<"$lines")" = 4 ] || fail "two negotiated prices and two items: $lines"
}

# each CN: net, taxes, total
notes() {
	"$TALLY" invoice list "$1" --json | jq -r '.invoices[] | select(.kind == "note") | .number' | sort | while read -r n; do
		"$TALLY" invoice show "$n" --format json | jq -c '[.lines[0].amount, .taxes[].amount, .total]'
	done | tr '\n' ' '
}

@test "notes together credit each tax as the invoice has it: their roundings do not add up" {
	echo '{"currency":"USD","items":[{"description":"a","amount":"100.01"}],"taxes":[{"name":"V","percent":"19"},{"name":"W","percent":"7.7"}]}' >n.json
	"$TALLY" credit account n --plan plan.json --since 2026-06-01 --terms n.json -q
	"$TALLY" invoice draft n --period 2026-06 -q >/dev/null
	"$TALLY" invoice finalize --all -q >/dev/null
	# 100.01, 19.00, 7.70: 126.71. A third of 7.70 is 2.57, two thirds are 5.13
	"$TALLY" invoice note 2026-000001 --amount 42.23 --why x -q
	"$TALLY" invoice note 2026-000001 --amount 42.23 --why x -q
	"$TALLY" invoice note 2026-000001 --why x -q
	[ "$(notes n)" = '["-33.33","-6.33","-2.57","-42.23"] ["-33.34","-6.33","-2.56","-42.23"] ["-33.34","-6.34","-2.57","-42.25"] ' ] || fail "$(notes n)"
	# 1001 yen and 100: a third of the tax is 33, two thirds are 67
	echo '{"currency":"JPY","items":[{"description":"a","amount":"1001"}],"taxes":[{"name":"V","percent":"10"}]}' >j.json
	"$TALLY" credit account j --plan plan.json --since 2026-06-01 --terms j.json -q
	"$TALLY" invoice draft j --period 2026-06 -q >/dev/null
	"$TALLY" invoice finalize --all -q >/dev/null
	for i in 1 2 3; do "$TALLY" invoice note 2026-000002 --amount 367 --why x -q; done
	[ "$(notes j)" = '["-334","-33","-367"] ["-333","-34","-367"] ["-334","-33","-367"] ' ] || fail "$(notes j)"
	# one of them void, what it credited can be credited again
	run "$TALLY" invoice void CN-2026-000005 --why mistake
	expect 0 "void; what it credited can be credited again"
	"$TALLY" invoice note 2026-000002 --why x -q
	[ "$(notes j)" = '["-334","-33","-367"] ["-333","-34","-367"] ["-334","-33","-367"] ["-333","-34","-367"] ' ] || fail "$(notes j)"
	run "$TALLY" fsck; expect 0 clean
}
