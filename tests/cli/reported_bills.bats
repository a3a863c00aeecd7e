#!/usr/bin/env bats
# What users of billing systems have reported as wrong, rebuilt small, with the truth worked out by hand.
load common

setup_one() {
	export TALLY_DB=$DIR/t.db
	cat > card.json <<'JSON'
{"schema": "tally.card/1", "provider": "north", "title": "made up", "checked": "2026-01-01", "models": {"n1": {"context_tokens": 1000000, "max_output_tokens": 100000}},
 "prices": [{"model": "n1", "currency": "USD", "from": "2023-01-01T00:00:00Z", "rates": {"input": "1", "output": "10"}, "source": "made up", "sure": "test"}]}
JSON
	cat > plan.json <<'JSON'
{"schema": "tally.plans/1", "plans": [{"plan": "one", "rule": "ratio", "currency": "USD", "credits_per_unit": "1", "group_ratio": "1",
 "tables": [{"table": "t"}], "rounding": {"scope": "none"}}], "tables": {"t": {}}}
JSON
}
# open NAME TERMS [OPTIONS]
open() { echo "$2" > terms.json; "$TALLY" credit account "$1" --plan plan.json --terms terms.json --since 2026-01-01 -q "${@:3}"; }
# use ID TIME MILLIONTHS [CUSTOMER]
use() {
	printf '{"id":"%s","time":"%s","customer":"%s","provider":"north","model":"n1","input":%s}\n' "$1" "$2" "${4:-acme}" "$3" > use.jsonl
	"$TALLY" ingest use.jsonl --prices card.json -q
}
month() { run "$TALLY" invoice draft "${2:-acme}" --period "$1" --prices card.json --json; }
final() { "$TALLY" invoice finalize --all --prices card.json -q; }
left() { "$TALLY" credit balance "$1" --json | sed -n 's/.*"available": *"\([^"]*\)".*/\1/p' | head -1; }

@test "an upgrade charges each plan for its own days, of its own amount" {
	setup_one
	# 30 a month until the 15th, 61.50 from the 16th: 15 of 30 days each
	open acme '{"currency": "USD", "items": [{"description": "Go", "amount": "30", "to": "2026-06-16"}, {"description": "Pro", "amount": "61.5", "from": "2026-06-16"}]}'
	month 2026-06
	expect 0 '"total": "45.75"'
	final
	month 2026-07
	expect 0 '"total": "61.5"'
	# a yearly plan, paid in advance from the 16th, is charged once
	open yearly '{"currency": "USD", "items": [{"description": "Go", "amount": "30", "to": "2026-06-16"}, {"description": "Year", "amount": "365", "from": "2026-06-16", "once": true}]}'
	month 2026-06 yearly
	expect 0 '"total": "380"'
	month 2026-07 yearly
	expect 0 '"total": "0"'
}

@test "seats that change within a month" {
	setup_one
	# 5 seats for 10 days, 8 for 20: 50 x 10/30 + 80 x 20/30 = 16.67 + 53.33
	open acme '{"currency": "USD", "items": [{"description": "Seats", "amount": "10", "quantity": "5", "to": "2026-06-11"}, {"description": "Seats", "amount": "10", "quantity": "8", "from": "2026-06-11"}]}'
	month 2026-06
	expect 0 '"total": "70"'
	final
	month 2026-07
	expect 0 '"total": "80"'
}

@test "upgraded and taken back on the same day costs nothing" {
	setup_one
	open acme '{"currency": "USD", "items": [{"description": "Go", "amount": "30"}]}'
	month 2026-06
	final
	for t in '{"currency": "USD", "items": [{"description": "Go", "amount": "30", "to": "2026-06-16"}, {"description": "Pro", "amount": "60", "from": "2026-06-16"}]}' \
		'{"currency": "USD", "items": [{"description": "Go", "amount": "30"}]}'; do
		echo "$t" > terms.json
		"$TALLY" credit account acme --terms terms.json -q
	done
	month 2026-07
	expect 0 '"total": "30"' '"kind":"fixed"'
}

@test "what a note gave back is not asked for again" {
	setup_one
	open acme '{"currency": "USD", "items": [{"description": "Year", "amount": "239.9", "from": "2026-06-18", "once": true}], "taxes": [{"name": "VAT", "percent": "20"}]}'
	month 2026-06
	expect 0 '"total": "287.88"'
	final
	"$TALLY" invoice note 2026-000001 --amount 264.22 --why cancelled -q
	month 2026-07
	expect 0 '"total": "0"' '"lines": []'
	run "$TALLY" invoice note 2026-000001 --amount 23.67 --why more
	[ "$status" -ne 0 ] || fail "more than the invoice"
	case $output in *'23.66 is left'*) ;; *) fail "what is left is not told" ;; esac
}

@test "a daily budget begins at the midnight of its zone" {
	setup_one
	day=$(TZ=Asia/Shanghai date +%F)
	"$TALLY" budget set b --amount 100 --period day -z Asia/Shanghai -q
	use a "${day}T00:00:00+08:00" 40000000
	use b "$(TZ=Asia/Shanghai date -d "$day - 1 day" +%F)T23:59:59+08:00" 7000000
	run "$TALLY" budget status --json
	expect 0 '"spent": "40"'
}

@test "a grant in mid-period recurs nothing once more, and one at the reset is whole" {
	setup_one
	"$TALLY" credit account acme --plan plan.json --since 2026-09-01 -q
	"$TALLY" credit grant acme 100 --every 1month --effective 2026-09-01 --expires 2026-11-01 --rollover 50 --id monthly -q
	"$TALLY" credit grant acme 7 --effective 2026-09-15 --id gift -q
	"$TALLY" credit grant acme 9 --effective 2026-10-01 --id reset -q
	# 100 of September, 50 kept, 100 of October, 7 and 9
	[ "$(left acme)" = 166 ] || fail "$(left acme)"
	use a 2026-10-02T00:00:00Z 1000000
	[ "$(left acme)" = 165 ] || fail "$(left acme)"
}

@test "a coupon is never more than the bill, and no tax is on what it took" {
	setup_one
	open acme '{"currency": "USD", "items": [{"description": "Go", "amount": "9"}], "coupons": [{"description": "TEN", "amount": "10", "from": "2026-06-01", "periods": 1}], "taxes": [{"name": "VAT", "percent": "19"}]}'
	month 2026-06
	expect 0 '"total": "0"' '"amount":"-9"'
	final
	month 2026-07
	expect 0 '"total": "10.71"'
}

@test "a tier that an amendment moves out of gives back its flat fee" {
	setup_one
	open acme '{"currency": "USD", "usage": false, "metered": [{"description": "Tokens", "of": "input", "pricing": {"graduated": [{"up_to": "1000000", "unit": "0"}, {"unit": "0.000002", "flat": "5"}]}}]}'
	use a 2026-06-05T00:00:00Z 1500000
	# 500,000 at 2 a million and 5
	month 2026-06
	expect 0 '"total": "6"'
	final
	"$TALLY" amend a --set input=900000 --why miscounted --prices card.json -q
	month 2026-07
	expect 0 '"total": "-6"'
}

@test "a free month is an invoice of nothing, and is final" {
	setup_one
	open acme '{"currency": "USD", "items": [{"description": "Go", "amount": "30"}], "discount_percent": "100", "taxes": [{"name": "VAT", "percent": "19"}]}'
	month 2026-06
	expect 0 '"total": "0"'
	final
	run "$TALLY" invoice list acme --json
	expect 0 '"number": "2026-000001"' '"total": "0"'
}

@test "a payment by two ways at once counts once, and what is too much stays the customer's" {
	setup_one
	open acme '{"currency": "USD", "items": [{"description": "Go", "amount": "30"}]}'
	month 2026-06
	final
	"$TALLY" invoice pay 2026-000001 30 --reference pi_1 -q
	run "$TALLY" invoice pay 2026-000001 30 --reference pi_1
	expect 0 'recorded already'
	run "$TALLY" invoice pay 2026-000001 20 --reference pi_1
	[ "$status" -ne 0 ] || fail "the same reference with another amount"
	"$TALLY" invoice pay 2026-000001 5 --reference pi_2 -q
	run "$TALLY" invoice list acme --json
	expect 0 '"credit": "5"'
}

@test "a billing day of the 31st charges each month once, whatever its length" {
	setup_one
	open acme '{"currency": "USD", "items": [{"description": "Go", "amount": "31"}]}' --billing-day 31
	for m in 2026-01 2026-02 2026-03 2026-04 2026-05; do
		month $m
		expect 0 '"total": "31"'
		final
	done
	run "$TALLY" invoice list acme --json
	for day in 2026-01-31 2026-02-28 2026-03-31 2026-04-30 2026-05-31; do expect 0 "\"$day\"" || return 1; done
}

@test "tax on each line would be another sum: it is on the whole, once" {
	setup_one
	# three of 0.33 with 7 %: 0.02 on each would be 0.06, on 0.99 it is 0.07
	open acme '{"currency": "USD", "items": [{"description": "A", "amount": "0.33"}, {"description": "B", "amount": "0.33"}, {"description": "C", "amount": "0.33"}], "taxes": [{"name": "VAT", "percent": "7"}]}'
	month 2026-06
	expect 0 '"total": "1.06"'
}

@test "credits of a subscription that ended are not given for the months after" {
	setup_one
	"$TALLY" credit subscribe acme vm0-pro --from 2026-08-01 -q
	"$TALLY" credit subscribe acme vm0-pro --end 2026-10-01 -q
	run "$TALLY" credit ledger acme --json
	expect 0 2026-08-01 2026-09-01 'the subscription ended'
	[ "$(left acme)" = 0 ] || fail "$(left acme) are left of October and November"
}

@test "a customer's name is a name in every file" {
	setup_one
	name='=cmd|x, "Ä" & Söhne'
	open "$name" '{"currency": "USD", "items": [{"description": "+Go", "amount": "30"}]}'
	month 2026-06 "$name"
	expect 0 '"total": "30"'
	final
	for what in "invoices --profile xero" "invoices --profile quickbooks" "invoices --profile datev --account currency=USD" "journal" "focus --of invoices"; do
		"$TALLY" export $what > f.csv || fail "$what"
		! grep -E '(^|,)"?=cmd' f.csv || fail "a formula in $what"
	done
}

@test "usage of two currencies is never one sum" {
	setup_one
	sed 's/"USD"/"CNY"/' card.json > yuan.json
	open acme '{"currency": "USD"}'
	use a 2026-06-05T00:00:00Z 1000000
	printf '{"id":"y","time":"2026-06-06T00:00:00Z","customer":"acme","provider":"north","model":"n1","input":2000000}\n' > use.jsonl
	"$TALLY" ingest use.jsonl --prices yuan.json --currency CNY -q || [ $? = 3 ]
	month 2026-06
	[ "$status" -ne 0 ] || fail "yuan are dollars"
	case $output in *CNY*) ;; *) fail "CNY is not named" ;; esac
}

@test "repricing compares one currency: what is priced in another one stays as it is" {
	setup_one
	sed 's/"USD"/"CNY"/; s/"input": "1"/"input": "7"/' card.json > yuan.json
	use a 2026-06-05T00:00:00Z 1000000
	printf '{"id":"y","time":"2026-06-06T00:00:00Z","customer":"beta","provider":"north","model":"n1","input":2000000}\n' > use.jsonl
	"$TALLY" ingest use.jsonl --prices yuan.json --currency CNY -q
	mkdir both && cp card.json both/a.json
	python3 - <<'PY' 2> /dev/null || skip "no python3"
import json
a, b = json.load(open("card.json")), json.load(open("yuan.json"))
a["prices"][0]["rates"]["input"] = "2"
b["prices"][0]["rates"]["input"] = "9"
a["prices"] += b["prices"]
json.dump(a, open("both/a.json", "w"))
PY
	# dollars: 1 becomes 2; the yuan are told and left
	run "$TALLY" rerate --prices both --json
	expect 0 '"records": 1' '"in_another_currency": 1' '"before": "1"' '"after": "2"'
	run "$TALLY" rerate --prices both --currency CNY --json
	expect 0 '"records": 1' '"in_another_currency": 1' '"before": "14"' '"after": "18"'
	run "$TALLY" rerate --prices both --currency CNY --unprice --json
	expect 0 '"records": 0' '"in_another_currency": 1'
	run "$TALLY" usage --customer acme --json
	expect 0 '"total": "2"'
}
