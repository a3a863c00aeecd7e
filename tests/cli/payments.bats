#!/usr/bin/env bats
# What was paid for invoices, and what each still asks for.
# with sanitizers, too
load common

# An invoice of 100, and 19 of VAT: 119. In the next month a second one.
setup_invoices() {
	export TALLY_DB=$DIR/t.db
	echo '{"currency": "USD", "items": [{"description": "Seat", "amount": "100"}], "taxes": [{"name": "VAT", "percent": "19"}], "due_days": 14}' > terms.json
	"$TALLY" credit account acme --plan vm0 --since 2026-01-01 --terms terms.json -q
	"$TALLY" invoice draft acme --period 2026-01 -q
	"$TALLY" invoice finalize --all -q > /dev/null
	"$TALLY" invoice draft acme --period 2026-02 -q
	"$TALLY" invoice finalize --all -q > /dev/null
	one=$(sql t.db "SELECT number FROM invoice ORDER BY id LIMIT 1")
	two=$(sql t.db "SELECT number FROM invoice ORDER BY id DESC LIMIT 1")
}
pay() { run "$TALLY" invoice pay "$@"; }
state() { run "$TALLY" invoice show "$1" --json "${@:2}"; }

@test "open, partly paid, paid and overdue are derived from payments, notes and the day" {
	setup_invoices
	state "$one"
	expect 0 '"status":"open"' '"amount_due":"119"'
	pay "$one" 1.000; expect 2 "'1.000' may be thousands or a fraction; write 1 or 1000"
	pay "$one" '5 EUR'; expect 2 "'5 EUR' is in EUR, and amounts here are in USD"
	run "$TALLY" invoice note "$one" --amount 1,000 --why outage; expect 2 'may be thousands'
	pay "$one" '$50.00' --reference bank-1
	expect 0 "$one: partly paid, due 69.00 USD"
	state "$one" --at "$(date -u -d '+15 days' +%F)"
	expect 0 '"status":"overdue"' '"paid":"50"' '"amount_due":"69"'
	"$TALLY" invoice note "$one" --amount 11.9 --why outage -q
	state "$one"
	expect 0 '"status":"partly paid"' '"credited":"11.9"' '"amount_due":"57.1"'
	pay "$one" 57.1 --reference bank-2
	expect 0 "$one: paid, due 0.00 USD"
	state "$one" --at "$(date -u -d '+15 days' +%F)"
	expect 0 '"status":"paid"' '"reference":"bank-1"' '"reference":"bank-2"'
	run "$TALLY" invoice show "$one"
	expect 0 "Payment   paid" "Credit notes" "Paid (2 payments)" "-\$107.10" "Amount due"
	"$TALLY" invoice show "$one" --format html > one.html
	grep -q 'Amount due' one.html
	"$TALLY" invoice show "$one" --format pdf -o a.pdf
	"$TALLY" invoice show "$one" --format pdf -o b.pdf
	cmp a.pdf b.pdf
	run "$TALLY" invoice list acme --json
	expect 0 '"payment": "paid"' '"payment": "open"' '"amount_due": "119"'
	run "$TALLY" invoice list acme --at "$(date -u -d '+15 days' +%F)"
	expect 0 "overdue" "due 119.00 USD, overdue 119.00 USD"
	run "$TALLY" fsck
	expect 0 clean
}

@test "a reference counts once, and nothing is paid that cannot be" {
	setup_invoices
	pay "$one" 50 --reference r -q
	pay "$one" 50 --reference r
	expect 0 "was recorded already" "due 69"
	pay "$one" 49 --reference r
	expect 1 "already has a payment 'r' with another amount"
	pay "$one" 0.005
	expect 1 "finer than the 2 decimals"
	pay "$one" 5 --at 2999-01-01
	expect 1 "cannot lie in the future"
	pay "$one" -- -5.5
	expect 0 "due 74.5"
	pay "$one" 45 --back
	expect 4 "at most 44.5 can"
	pay "$one" 0
	expect 2 "not a positive amount"
	"$TALLY" invoice note "$one" --amount 1.19 --why x -q
	pay "$(sql t.db "SELECT number FROM invoice WHERE kind='note'")" 1
	expect 1 "is a credit note"
	"$TALLY" invoice draft acme --period 2026-03 -q
	pay "#$(sql t.db "SELECT id FROM invoice WHERE status='draft'")" 1
	expect 1 "a draft cannot be paid"
	[ "$(sql t.db "SELECT count(*) FROM payment")" = 2 ]
	run sql t.db "UPDATE payment SET amount='1'"
	[[ "$output" == *"never changed"* ]]
}

@test "what was paid too much is a credit balance: paid back, or moved; a void gives it all back" {
	setup_invoices
	pay "$one" 130
	expect 0 "$one: credit, credit balance 11.00 USD"
	run "$TALLY" invoice list acme
	expect 0 "credit balance 11.00 USD"
	pay "$two" 12 --from "$one"
	expect 4 "the credit of invoice $one is 11"
	pay "$two" 7 --from "$one"
	expect 0 "$two: partly paid, due 112.00 USD"
	pay "$one" 4 --back
	expect 0 "$one: paid, due 0.00 USD"
	# a payment that bounced is owed again
	pay "$one" 119 --back
	expect 0 "$one: open, due 119.00 USD"
	"$TALLY" invoice void "$two" --why wrong -q
	state "$two"
	expect 0 '"status":"credit"' '"amount_due":"-7"'
	pay "$two" 1
	expect 1 "is void"
	pay "$one" 7 --from "$two"
	expect 0 "$one: partly paid, due 112.00 USD"
	run "$TALLY" fsck
	expect 0 clean
}

@test "payments are bookings against receivables, once, on their day" {
	setup_invoices
	pay "$one" 50 --reference 'bank; 1' --at 2026-01-05 -q
	pay "$one" 69 --at 2026-02-05 -q
	"$TALLY" export journal --strict > j
	"$TALLY" export journal --style beancount > b
	hledger -f j check --strict
	bean-check b
	run hledger -f j balance Assets:Receivable -N cur:USD
	expect 0 "119"
	run hledger -f j balance Assets:Payments -N cur:USD
	expect 0 "119"
	grep -q '2026-01-05 .* payment bank, 1' j
	year=$(date -u +%Y)
	run "$TALLY" export invoices --profile datev --since "$year-01-01" --account bank=1800 --account currency=USD
	expect 0 '50,00;"H";"USD";;;"";10000;1800;"";0501' '69,00;"H"'
	run "$TALLY" export invoices --profile xero --payments --since 2026-02-01 --until 2026-03-01
	expect 0 "*Date,*Amount,Payee" "05/02/2026,69,acme,$one,,USD"
	[[ "$output" != *"50"* ]]
}

@test "payments come with the database to another one" {
	setup_invoices
	pay "$one" 119 --reference r -q
	# a server is copied by its own program: tests/postgres/move.bats carries a payment
	on_server && skip "backup is of files"
	"$TALLY" backup copy.db -q
	TALLY_DB=copy.db run "$TALLY" invoice show "$one" --json
	expect 0 '"status":"paid"'
	run "$TALLY" fsck
	expect 0 clean
}

@test "a credit balance that is moved is moved once, also when the same is asked again after it is used up" {
	export TALLY_DB=$DIR/t.db
	printf '{"currency":"USD","items":[{"description":"Seat","amount":"30"}]}' >seat.json
	"$TALLY" credit account seat --plan vm0 --since 2026-06-01 --terms seat.json -q
	for m in 2026-06 2026-07; do
		"$TALLY" invoice draft seat --period $m -q >/dev/null
		"$TALLY" invoice finalize --all -q >/dev/null
	done
	read -r june july < <("$TALLY" invoice list seat --json | jq -r '[.invoices[].number] | join(" ")')
	"$TALLY" invoice pay "$june" 45 -q
	run "$TALLY" invoice pay "$july" 10 --from "$june"; expect 0 "partly paid, due 20.00 USD"
	run "$TALLY" invoice pay "$july" 10 --from "$june"; expect 0 "was recorded already; partly paid, due 20.00 USD"
	run "$TALLY" invoice pay "$july" 5 --from "$june"; expect 1 "give another payment a reference of its own"
	run "$TALLY" invoice pay "$july" 5 --from "$june" --reference rest; expect 0 "due 15.00 USD"
	# nothing of the 15 is left
	run "$TALLY" invoice pay "$july" 5 --from "$june" --reference rest; expect 0 "was recorded already" "due 15.00 USD"
	run "$TALLY" invoice pay "$july" 1 --from "$june" --reference more; expect 4 "the credit of invoice $june is 0"
	run "$TALLY" fsck; expect 0
}
