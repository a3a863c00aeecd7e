#!/usr/bin/env bats
# Invoices in another currency than that of a price or a plan, and usage at the worth of its credits.
load common

# A million tokens of n1 cost one dollar; four credits are one dollar, and a million tokens are 4 credits.
setup_one() {
	export TALLY_DB=$DIR/t.db
	cat > card.json <<'END2'
{"schema": "tally.card/1", "provider": "north", "title": "made up", "checked": "2026-01-01", "models": {"n1": {"context_tokens": 1000000, "max_output_tokens": 100000}},
 "prices": [{"model": "n1", "currency": "USD", "from": "2023-01-01T00:00:00Z", "rates": {"input": "1", "output": "10"}, "source": "made up", "sure": "test"}]}
END2
	cat > plan.json <<'END2'
{"schema": "tally.plans/1", "plans": [{"plan": "four", "rule": "ratio", "currency": "USD", "credits_per_unit": "4", "group_ratio": "1",
 "tables": [{"table": "t"}], "rounding": {"scope": "none"}}], "tables": {"t": {}}}
END2
	# no rates on the weekend of 30 and 31 May; the last day of June and July have one
	cat > ecb.csv <<'END2'
Date,USD,JPY,GBP,
2026-07-31,1.2,180,0.9,
2026-06-30,1.25,160,0.8,
2026-05-29,1.6,N/A,0.8,
END2
}
use() {
	printf '{"id":"%s","time":"%s","customer":"acme","provider":"north","model":"n1","input":%s}\n' "$1" "$2" "$3" > use.jsonl
	"$TALLY" ingest use.jsonl --prices card.json -q
}
account() { echo "$1" > terms.json; "$TALLY" credit account acme --plan plan.json --since 2026-05-01 --terms terms.json -q; }
terms() { echo "$1" > terms.json; "$TALLY" credit account acme --terms terms.json -q; }
month() { run "$TALLY" invoice draft acme --period "$1" --prices card.json --json "${@:2}"; }
final() { "$TALLY" invoice finalize --all --prices card.json -q "$@"; }
standing() { sql t.db "SELECT coalesce(round(CAST(sum(CAST(total AS NUMERIC)) AS NUMERIC),4),0) FROM invoice WHERE status='final'" | sed 's/\.0*$//'; }

@test "dollars into euros at the rate of the period's last day, which the document keeps" {
	setup_one
	account '{"currency": "EUR", "taxes": [{"name": "VAT", "percent": "20"}]}'
	use a 2026-06-05T00:00:00Z 50000000
	month 2026-06
	expect 1 "priced in USD, its terms ask for EUR" "--rates"
	# 50 dollars at 1.25 are 40 euros, and 8 of VAT
	month 2026-06 --rates ecb.csv
	expect 0 '"total": "48"' '"unit_price":"0.8"' '"rate":"1 EUR = 1.25 USD (2026-06-30, ecb.csv)"'
	final --rates ecb.csv
	run "$TALLY" invoice show 2026-000001
	expect 0 "Exchanged at 1 EUR = 1.25 USD (2026-06-30, ecb.csv)."
	# late usage of June goes by the rate of June, whatever the file says by now: 10 more are 8 and 1.60;
	# July itself: 24 dollars at 1.2 are 20 and 4
	use b 2026-06-06T00:00:00Z 10000000
	use c 2026-07-06T00:00:00Z 24000000
	sed 's/06-30,1.25/06-30,5/' ecb.csv > other.csv
	month 2026-07 --rates other.csv
	expect 0 '"total": "33.6"' '1 EUR = 1.2 USD (2026-07-31' '1 EUR = 1.25 USD (2026-06-30'
	final --rates other.csv
	[ "$(standing)" = "81.6" ]
	# June void and drafted again is what it was
	"$TALLY" invoice void 2026-000001 --why address -q
	month 2026-06 --rates other.csv
	expect 0 '"total": "48"'
	run "$TALLY" fsck
	expect 0 clean
}

@test "usage at what its credits are worth, and credits that pay it" {
	setup_one
	account '{"currency": "USD", "credit_price": "plan"}'
	"$TALLY" credit grant acme 80 --effective 2026-05-01 --id g -q
	# 200 credits are 50 dollars; 80 of them were granted: 30 are left to pay
	use a 2026-06-05T00:00:00Z 50000000
	month 2026-06
	expect 0 '"subtotal": "50"' '"credits_applied": "20"' '"total": "30"'
	# at a price of its own: 200 x 0.3, less 80 x 0.3
	terms '{"currency": "USD", "credit_price": "0.3"}'
	month 2026-06
	expect 0 '"subtotal": "60"' '"credits_applied": "24"' '"total": "36"'
	# in euros: 50 and 20 dollars at 1.25
	terms '{"currency": "EUR", "credit_price": "plan"}'
	month 2026-06
	expect 1 "priced in USD, its terms ask for EUR"
	month 2026-06 --rates ecb.csv
	expect 0 '"subtotal": "40"' '"credits_applied": "16"' '"total": "24"'
	# the list price in euros with credits of a plan in dollars is the same
	terms '{"currency": "EUR"}'
	month 2026-06 --rates ecb.csv
	expect 0 '"subtotal": "40"' '"credits_applied": "16"' '"total": "24"'
	run terms '{"credit_price": "plan"}'
	expect 1 "for invoices in money"
}

@test "yen have no decimals, a rate goes through the euro, and a Friday's holds on the weekend" {
	setup_one
	account '{"currency": "JPY"}'
	# 1.23 dollars are 1.23 x 160 / 1.25 = 157.44 yen
	use a 2026-06-05T00:00:00Z 1230000
	month 2026-06 --rates ecb.csv
	expect 0 '"total": "157"' '1.25 USD = 160 JPY (2026-06-30'
	terms '{"currency": "GBP"}'
	# 3.20 dollars at 1.6 are 2 euros, 1.60 pounds
	use b 2026-05-05T00:00:00Z 3200000
	month 2026-05 --rates ecb.csv
	expect 0 '"total": "1.6"' '(2026-05-29'
	# yen have none on that day
	terms '{"currency": "JPY"}'
	month 2026-05 --rates ecb.csv
	expect 1 "no rate from USD to JPY for 2026-05-31 or the 9 days before it"
}

@test "a list of rates, and files that are none" {
	setup_one
	account '{"currency": "CHF"}'
	use a 2026-06-05T00:00:00Z 10000000
	printf 'day,base,currency,rate\n2026-06-30,USD,CHF,0.75\n' > list.csv
	month 2026-06 --rates ecb.csv --rates list.csv
	expect 0 '"total": "7.5"' '1 USD = 0.75 CHF (2026-06-30, list.csv)'
	printf 'day,base,currency,rate\n2026-06-30,USD,CHF,0\n' > bad.csv
	month 2026-06 --rates bad.csv
	expect 1 "bad.csv, line 2" "not a positive rate"
	printf 'a,b\n1,2\n' > bad.csv
	month 2026-06 --rates bad.csv
	expect 1 "bad.csv, line 1" "day,base,currency,rate"
	month 2026-06 --rates none.csv
	expect 1 "none.csv"
}

@test "the server exchanges by the same files, as they are when the invoice is made" {
	source "$BATS_TEST_DIRNAME/server.bash"
	setup_one
	account '{"currency": "EUR", "taxes": [{"name": "VAT", "percent": "20"}]}'
	use a 2026-06-05T00:00:00Z 50000000
	run "$TALLY" serve --listen 127.0.0.1:0 --rates nowhere.csv
	expect 1 nowhere.csv
	grep -v 2026-06-30 ecb.csv > rates.csv
	serve --prices card.json --rates rates.csv
	get -d '{"customer":"acme","period":"2026-06"}' "$URL/v1/invoices/draft"
	expect 0 "2026-06-30" 422
	cp ecb.csv rates.csv
	get -d '{"customer":"acme","period":"2026-06"}' "$URL/v1/invoices/draft"
	expect 0 '"total": "48"' '1 EUR = 1.25 USD (2026-06-30, rates.csv)' 200
	get -d '{"invoice":"#1"}' "$URL/v1/invoices/finalize"
	expect 0 '"number": "2026-000001"' 200
	kill -TERM $SERVER; wait $SERVER || true
}
