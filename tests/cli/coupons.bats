#!/usr/bin/env bats
# Coupons, pauses, reverse charge, and rounding by the document.
load common

setup_one() { export TALLY_DB=$DIR/t.db; }
account() { echo "$1" > terms.json; "$TALLY" credit account acme --plan vm0 --since 2026-01-01 --terms terms.json -q "${@:2}"; }
terms() { echo "$1" > terms.json; "$TALLY" credit account acme --terms terms.json -q; }
month() { run "$TALLY" invoice draft acme --period "$1" --json; }
final() { "$TALLY" invoice finalize --all -q > /dev/null; }

@test "a coupon counts for its periods by the calendar, and a void neither uses nor restores it twice" {
	setup_one
	account '{"currency": "USD", "items": [{"description": "Seat", "amount": "40"}], "discount_percent": "10",
	 "coupons": [{"description": "HALF", "percent": "50", "from": "2026-02-10", "periods": 2}, {"description": "TEN", "amount": "10", "from": "2026-02-01", "periods": 1}],
	 "taxes": [{"name": "VAT", "percent": "20"}]}'
	# 40 less 10 % is 36, and 7.20
	month 2026-01
	expect 0 '"total": "43.2"'
	# half of 36, then 10: 8, and 1.60
	month 2026-02
	expect 0 '"description":"HALF","kind":"coupon"' '"amount":"-18"' '"amount":"-10"' '"total": "9.6"'
	final
	# TEN was for once: 18 and 3.60
	month 2026-03
	expect 0 '"total": "21.6"'
	month 2026-04
	expect 0 '"total": "43.2"'
	"$TALLY" invoice void "$(sql t.db "SELECT number FROM invoice WHERE status='final' AND total='9.6'")" --why again -q
	month 2026-02
	expect 0 '"total": "9.6"'
}

@test "a coupon never pays out, and goes by the account's own months" {
	setup_one
	account '{"currency": "USD", "items": [{"description": "Seat", "amount": "40"}], "coupons": [{"description": "BIG", "amount": "100", "from": "2026-02-10", "periods": 1}]}' --billing-day 15
	# 10 February lies in the month that begins on 15 January
	month 2026-01
	expect 0 '"amount":"-40"' '"total": "0"'
	month 2026-02
	expect 0 '"total": "40"'
	run terms '{"currency": "USD", "coupons": [{"description": "X", "percent": "5", "amount": "1"}]}'
	expect 1 "coupons[0]" "'percent' or 'amount'"
	run terms '{"currency": "USD", "coupons": [{"description": "X", "percent": "5", "periods": 2}]}'
	expect 1 "counted from a day"
}

@test "a pause takes its days out, and a trial ends where an item begins" {
	setup_one
	# 31 days: 11 of a trial, 10 paused: 10 of 31 of 62
	account '{"currency": "USD", "items": [{"description": "Pro", "amount": "62", "from": "2026-03-12", "pauses": [{"from": "2026-03-15", "to": "2026-03-25"}, {"from": "2026-04-01", "to": "2026-05-01"}]}]}'
	month 2026-03
	expect 0 '"total": "20"'
	month 2026-04
	expect 0 '"total": "0"'
	month 2026-05
	expect 0 '"total": "62"'
	run terms '{"items": [{"description": "Pro", "amount": "1", "pauses": [{"from": "2026-03-15", "to": "2026-03-25"}, {"from": "2026-03-20", "to": "2026-03-28"}]}]}'
	expect 1 "items[0]" "pauses[1]" "ascend"
}

@test "reverse charge asks for no tax, says so, and needs a tax number" {
	setup_one
	account '{"currency": "USD", "items": [{"description": "Seat", "amount": "40"}], "customer": {"name": "Acme", "tax_id": "DE1"}, "reverse_charge": true, "taxes": [{"name": "VAT", "percent": "20"}]}'
	month 2026-01
	expect 0 '"reverse_charge": true' '"taxes": []' '"total": "40"'
	run "$TALLY" invoice show '#1'
	expect 0 "Reverse charge: the recipient of the service owes the tax."
	run terms '{"currency": "USD", "reverse_charge": true}'
	expect 1 "'tax_id'"
}

@test "rounding by the document is a line, and the rows add up to the total" {
	setup_one
	items='[{"description": "A", "amount": "0.333"}, {"description": "B", "amount": "0.333"}, {"description": "C", "amount": "0.333"}]'
	account "{\"currency\": \"USD\", \"items\": $items}"
	month 2026-01
	expect 0 '"total": "0.99"'
	terms "{\"currency\": \"USD\", \"rounding_of\": \"document\", \"items\": $items}"
	# 0.999 is 1; the lines are 0.33 each
	month 2026-01
	expect 0 '"kind":"rounding"' '"amount":"0.01"' '"total": "1"' '"of":"document"'
	run "$TALLY" invoice show "#1" --csv
	expect 0 "rounding of the sum"
	run terms '{"rounding_of": "page"}'
	expect 1 "line or document"
}
