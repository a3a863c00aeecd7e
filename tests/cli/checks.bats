#!/usr/bin/env bats
# Plans, offers and terms are checked before they are used: every fault with file, place and key.
load common

# fault TEXT: of the file, as it stands, after one change by sed
check() { run "$TALLY" plan check "$@"; }
# faults FILE: lines "sed command|text" on standard input
faults() {
	while IFS='|' read -r change why; do
		sed "$change" "$1" >changed.json
		if cmp -s "$1" changed.json; then fail "nothing changed: $change"; fi
		check changed.json
		expect 1 changed.json "$why" || { echo "$change"; return 1; }
	done
}

@test "plans" {
	cat >plan.json <<'END'
{"schema": "tally.plans/1", "plans": [
 {"plan": "one", "rule": "multiplier", "currency": "USD", "credits_per_unit": "1000", "baseline": {"provider": "p", "model": "m"},
  "rounding": {"scope": "record", "mode": "up"}, "tables": [{"table": "t", "from": "2026-01-01", "to": "2026-07-01"}]},
 {"plan": "two", "rule": "token-priced", "credits_per_unit": "1", "categories": {"in": ["input", "cache_read"]},
  "rounding": {"scope": "category", "mode": "up"}, "tables": [{"table": "u"}]},
 {"plan": "three", "rule": "ratio", "credits_per_unit": "1", "tables": [{"table": "v"}]}],
 "tables": {"t": {"values": {"m": "1.5"}}, "u": {"values": {"m": {"output": "2"}}}, "v": {"values": {"m": {"cache_ratio": "0.1"}}}}}
END
	check plan.json; expect 0 "plan.json: good plans"
	faults plan.json <<'END'
s/"plan": "two", //|plans[1].plan: is missing
s/"rule": "ratio"/"rule": "ration"/|three.rule: is one of multiplier, token-priced, ratio, flat
s/"credits_per_unit": "1000"/"credits_per_unit": 1000/|one.credits_per_unit: a decimal in quotes
s/"credits_per_unit": "1000"/"credits_per_unit": "0"/|one.credits_per_unit: is above 0
s/"currency"/"curency"/|one: unknown key 'curency'
s/, "model": "m"}/}/|one.baseline.model: is missing
s/"mode": "up"}, "tables": \[{"table": "t"/"mode": "upp"}, "tables": [{"table": "t"/|one.rounding.mode: is one of none, up, down
s/"scope": "record", //|one.rounding: "rounding" needs a scope
s/{"table": "v"}/{"table": "w"}/|three.tables[0].table: "tables" of the file has no table
s/"2026-07-01"/"2025-07-01"/|one.tables[0].to: comes after "from"
s/"2026-07-01"/"soon"/|one.tables[0].to: a day or an instant
s/{"m": "1.5"}/{"m": 1.5}/|tables.t.values.m: a decimal in quotes
s/"output": "2"/"outputs": "2"/|tables.u.values.m.outputs: there is no such bucket
s/"cache_ratio"/"cached_ratio"/|tables.v.values.m: unknown key 'cached_ratio'
s/"cache_read"\]/"cached"]/|two.categories.in: there is no bucket 'cached'
s/"tables": {"t"/"tabels": {"t"/|unknown key 'tabels'
s/"schema": "tally.plans\/1", "plans": \[/"schema": "tally.plans\/1", "plans": [,/|line 1, column 
END
}

@test "offers, and what is subscribed to of one's own" {
	cat >offers.json <<'END'
{"schema": "tally.offers/1", "offers": [
 {"offer": "basic", "title": "Basic", "plan": "vm0", "price": "9.50", "currency": "EUR", "credits": "900", "class": "paid", "every": "1month", "lasts": "2month"},
 {"offer": "pack", "title": "Pack", "plan": "vm0", "price": "5", "currency": "EUR", "credits": "400", "class": "paid", "cost_basis": "0.0125"}],
 "account": {"overage": "debt", "burn_order": "expiry,priority"}}
END
	check offers.json; expect 0 "good offers"
	faults offers.json <<'END'
s/"offer": "basic", //|offers[0]: 'offer' is missing
s/"offer": "pack"/"offer": "basic"/|offers[1]: there is another offer 'basic'
s/"9.50"/9.5/|offers[0]: 'price' must be a decimal in quotes
s/"400"/"0"/|offers[1]: 'credits' must be a decimal in quotes, above 0
s/"class": "paid", "every"/"class": "bought", "every"/|offers[0]: 'class' is granted or paid
s/"every"/"evry"/|offers[0]: an offer: unknown key 'evry'
s/1month/1moon/|offers[0]: 'every': '1moon' is not an interval
s/2month/fortnight/|offers[0]: 'lasts': 'fortnight' is not an interval
s/"debt"/"dept"/|account: 'overage' is refuse, limit or debt
s/expiry,/expired,/|expired
END
	export TALLY_DB=$DIR/t.db
	run "$TALLY" credit offers --offers offers.json; expect 0 basic "9.5 EUR" vm0-pro
	"$TALLY" credit subscribe acme basic --offers offers.json --from 2026-06-10 -q
	echo '{"currency": "EUR", "taxes": [{"name": "VAT", "percent": "20"}]}' >terms.json
	"$TALLY" credit account acme --terms terms.json -q
	run "$TALLY" invoice draft acme --period 2026-06 --json
	expect 0 '"total": "11.4"'
	run "$TALLY" credit subscribe acme basic; expect 1 "there is no offer 'basic'"
}

@test "terms; every file is looked at, whatever is wrong with one of them" {
	echo '{"currency": "USD", "items": [{"description": "Seat", "amount": "3"}]}' >good.json
	echo '{"versions": [{"from": "2026-06-01", "terms": {"currency": "USD", "discount": "5"}}]}' >bad.json
	check bad.json good.json missing.json
	expect 1 "bad.json: versions[0]" "unknown key 'discount'" "good.json: good terms" "missing.json"
	run "$TALLY" credit check good.json; expect 0 "good terms"
}

@test "every fault of a file is told, each once, with its place" {
	# lines FILE: what is said of it, without the file's name
	lines() { run "$TALLY" plan check "$1"; [ "$status" = 1 ] || fail "exit $status"; printf '%s\n' "$output" | sed "s/^tally: \(plan file \)\?$1: //"; }
	cat >terms.json <<'JSON'
{"currency": "USD", "rounding": 7, "places": "two", "items": [{"amount": "x", "from": "soon"}, {"description": "A", "amount": "1", "one": 1, "two": 2}, 7],
 "metered": [{"of": "nothing", "pricing": {"graduated": [{"up_to": "a", "unit": "1"}, {"unit": "z"}]}}],
 "coupons": [{"description": "c", "percent": "200", "from": "2026-06-02", "to": "2026-06-01"}], "prices": [{"rates": {"inputt": "1", "output": "-1"}}],
 "minimum": {"amount": "q", "to": "z"}, "markup": [{"model": 5, "percent": "10"}], "contract": {"from": "x"}, "issuer": {"name": 5}}
JSON
	lines terms.json >said
	diff said - <<'TEXT' || fail "terms"
'rounding' is half-up, half-even, up or down
'places' is a whole number from 0 to 12
'issuer': 'name' is a text or a list of texts
contract: 'from' must be a day such as 2026-11-01
items[0]: 'description' is missing
items[0]: 'from' must be a day such as 2026-11-01
items[0]: 'amount' must be a decimal number as text
items[1]: an item: unknown key 'one'; did you mean 'once'?
items[1]: an item: unknown key 'two'; did you mean 'to'?
items[2]: an item must be an object, and is a number
metered[0]: 'of' is requests, tokens, a bucket such as output or a unit such as page
metered[0]: pricing: tier 1: 'up_to' must be a decimal number as text
metered[0]: pricing: tier 2: 'unit' must be a decimal number as text
markup[0]: 'model' must be a text
prices[0]: a price names a 'model', a 'provider' or both
prices[0]: rates: 'inputt' is no bucket and no unit
prices[0]: 'output' cannot be negative
coupons[0]: 'percent' is from 0 to 100
coupons[0]: 'to' cannot be before 'from'
minimum: 'amount' must be a decimal number as text
minimum: 'to' must be a day such as 2026-11-01
TEXT
	echo '{"versions": [{"from": "2026-06-01", "terms": {"currenc": "USD"}}, {"from": "2026-05-01", "terms": {"items": [{"amount": "1"}], "places": 99}}, {"from": "x"}]}' >versions.json
	lines versions.json >said
	diff said - <<'TEXT' || fail "versions"
versions[1]: versions ascend by 'from'
versions[2]: 'from' must be a day such as 2026-11-01
versions[2]: 'terms' is missing
versions[0]: the terms: unknown key 'currenc'; did you mean 'currency'?
versions[1]: 'places' is a whole number from 0 to 12
versions[1]: items[0]: 'description' is missing
TEXT
	cat >plan.json <<'JSON'
{"schema": "tally.plans/1", "more": 1, "plans": [{"plan": "a", "rule": "ratoi"}, {"rule": "flat", "credits_per_unit": 5, "tables": [{"table": "x"}, {"table": "t", "from": "soon"}]}],
 "tables": {"t": {"values": {"m": 1, "n": "-1"}}}}
JSON
	lines plan.json >said
	diff said - <<'TEXT' || fail "plans"
the file: unknown key 'more'
a.rule: is one of multiplier, token-priced, ratio, flat
plans[1].plan: is missing
plans[1].credits_per_unit: a decimal in quotes, not negative, is expected
plans[1].tables[0].table: "tables" of the file has no table of that name
plans[1].tables[1].from: a day or an instant is expected
tables.t.values.m: a decimal in quotes, not negative, is expected
tables.t.values.n: a decimal in quotes, not negative, is expected
TEXT
	cat >offers.json <<'JSON'
{"schema": "tally.offers/1", "offers": [{"offer": "a", "price": 1, "currency": "EUR", "credits": "0", "class": "x"},
 {"offer": "b", "title":"B","plan":"vm0", "price": "1", "currency": "EUR", "credits": "3", "class": "paid", "every": "1moon", "lasts": "x"}],
 "account": {"overage": "dept", "low_balance": 5, "burn_order": "expired"}}
JSON
	lines offers.json | cut -c1-60 >said
	diff said - <<'TEXT' || fail "offers"
account: 'low_balance' must be a decimal in quotes, not nega
account: 'overage' is refuse, limit or debt
offers[0]: 'title' is missing
offers[0]: 'plan' is missing
offers[0]: 'class' is granted or paid
offers[0]: 'price' must be a decimal in quotes, not negative
offers[0]: 'credits' must be a decimal in quotes, above 0
account: 'burn_order': burn order: 'expired' is no key; choo
offers[1]: 'every': '1moon' is not an interval: write a numb
offers[1]: 'lasts': 'x' is not an interval: write a number w
TEXT
}
