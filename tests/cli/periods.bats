#!/usr/bin/env bats
# Periods, recurrences and rollovers in the civil time of the account.
load common

setup_one() {
	export TALLY_DB=$DIR/t.db
	cat > card.json <<'JSON'
{"schema": "tally.card/1", "provider": "north", "title": "made up", "checked": "2026-01-01", "models": {"n1": {"context_tokens": 1000000, "max_output_tokens": 100000}},
 "prices": [{"model": "n1", "currency": "USD", "from": "2015-01-01T00:00:00Z", "rates": {"input": "1", "output": "10"}, "source": "made up", "sure": "test"}]}
JSON
	cat > plan.json <<'JSON'
{"schema": "tally.plans/1", "plans": [{"plan": "one", "rule": "ratio", "currency": "USD", "credits_per_unit": "1", "group_ratio": "1",
 "tables": [{"table": "t"}], "rounding": {"scope": "none"}}], "tables": {"t": {}}}
JSON
}
# use ID TIME MILLIONTHS [CUSTOMER]
use() {
	printf '{"id":"%s","time":"%s","customer":"%s","provider":"north","model":"n1","input":%s}\n' "$1" "$2" "${4:-acme}" "$3" > use.jsonl
	"$TALLY" ingest use.jsonl --prices card.json -q
}
of_month() { run "$TALLY" invoice draft "$1" --period "$2" --prices card.json --json; }

@test "a zone changes from a day on, and no border moves" {
	setup_one
	echo '{"currency": "USD"}' > terms.json
	"$TALLY" credit account acme --plan plan.json --terms terms.json --timezone Europe/Berlin --since 2026-06-01 -q
	# June ends at 22:00 UTC, as it does without the change
	use a 2026-06-30T21:59:00Z 1000000
	use b 2026-06-30T22:01:00Z 2000000
	use c 2026-07-01T02:00:00Z 4000000
	run "$TALLY" credit account acme --timezone 'America/New_York from 2026-07-01'
	expect 1 'can change from 2026-07-02 on'
	run "$TALLY" credit account acme --timezone 'America/New_York from 2026-07-02'
	expect 0
	run "$TALLY" credit account acme
	expect 0 'Europe/Berlin, America/New_York from 2026-07-02'
	of_month acme 2026-06
	expect 0 '"total": "1"'
	# July ends at midnight of New York, 04:00 UTC
	use d 2026-08-01T03:59:00Z 8000000
	use e 2026-08-01T04:00:00Z 16000000
	of_month acme 2026-07
	expect 0 '"total": "14"' '"to":"2026-08-01T04:00:00Z"'
	# the other way around, across a month
	"$TALLY" credit account east --plan plan.json --terms terms.json --timezone America/New_York --since 2026-06-01 -q
	use f 2026-07-01T03:59:00Z 1000000 east
	"$TALLY" credit account east --timezone 'Asia/Kolkata from 2026-07-01' -q
	use g 2026-07-01T04:00:00Z 2000000 east
	use h 2026-07-31T18:29:00Z 4000000 east
	use i 2026-07-31T18:30:00Z 8000000 east
	of_month east 2026-06
	expect 0 '"total": "1"' '"to":"2026-07-01T04:00:00Z"'
	of_month east 2026-07
	expect 0 '"total": "6"' '"to":"2026-07-31T18:30:00Z"'
	run "$TALLY" credit account east --timezone 'Mars/Olympus from 2026-10-01'
	expect 1 "time zone 'Mars/Olympus'"
}

@test "a month begins where its midnight does not exist" {
	setup_one
	echo '{"currency": "USD"}' > terms.json
	# in Amman 1 April 2016 began at 01:00, 22:00 UTC
	"$TALLY" credit account acme --plan plan.json --terms terms.json --timezone Asia/Amman --since 2016-01-01 -q
	of_month acme 2016-04
	expect 0 '"from":"2016-03-31T22:00:00Z"'
	of_month acme 2016-03
	expect 0 '"to":"2016-03-31T22:00:00Z"'
}

@test "what recurs recurs at the account's own hour, whatever the month and the summer time" {
	setup_one
	"$TALLY" credit account acme --plan plan.json --timezone Europe/Berlin --since 2026-01-01 -q
	"$TALLY" credit grant acme 10 --every 1month --effective 2026-01-01 --id monthly -q
	run "$TALLY" credit balance acme --at 2026-11-28 --json
	for at in 2025-12-31T23 2026-01-31T23 2026-02-28T23 2026-03-31T22 2026-05-31T22 2026-10-31T23; do
		run "$TALLY" credit ledger acme --json
		expect 0 "\"${at}:00:00Z\""
	done
	# of the hours at which something recurred, not of those at which that was booked; December begins in winter time
	case $(grep -o '"at": "[^"]*"' <<<"$output") in *T01:00*|*-0[4-9]-30T23*) fail "a month begins at another hour" ;; esac
	# a day is a day of the zone: 29 March had 23 hours
	"$TALLY" credit account beta --plan plan.json --timezone Europe/Berlin --since 2026-01-01 -q
	"$TALLY" credit grant beta 1 --every 1d --effective 2026-03-28 --expires 2026-04-01 --id daily -q
	run "$TALLY" credit ledger beta --json
	expect 0 2026-03-27T23:00:00Z 2026-03-28T23:00:00Z 2026-03-29T22:00:00Z
}

# the balance of a customer: 100 a month, of what is left 20 are kept
balance_of() { "$TALLY" credit balance "$1" --json | sed -n 's/.*"available": *"\([^"]*\)".*/\1/p' | head -1; }
monthly() {
	"$TALLY" credit account "$1" --plan plan.json --since 2026-06-01 -q
	"$TALLY" credit grant "$1" 100 --every 1month --effective 2026-06-01 --expires 2026-09-01 --rollover 20 --id monthly -q
}

@test "late usage over a rollover is redone, and so is usage that is taken back" {
	setup_one
	# in time: June 30 of 100, 20 kept of 70; July 50 of 120, 20 kept of 70; August 120 less 5
	monthly intime
	monthly late
	monthly back
	for who in intime late back; do
		use $who-1 2026-06-10T00:00:00Z 30000000 $who
		[ $who = late ] || use $who-2 2026-06-11T00:00:00Z 40000000 $who
		[ $who = intime ] || use $who-3 2026-07-10T00:00:00Z 50000000 $who
		[ $who != intime ] || use $who-3 2026-07-10T00:00:00Z 50000000 $who
		use $who-4 2026-08-10T00:00:00Z 5000000 $who
	done
	use late-2 2026-06-11T00:00:00Z 40000000 late
	[ "$(balance_of late)" = "$(balance_of intime)" ] || fail "late $(balance_of late), in time $(balance_of intime)"
	[ "$(balance_of late)" = 115 ] || fail "$(balance_of late)"
	# more of June than was trimmed of it: 30 + 40 + 45 are 15 beyond its 100
	for who in intime late; do use $who-5 2026-06-12T00:00:00Z 25000000 $who; done
	[ "$(balance_of late)" = "$(balance_of intime)" ] || fail "late $(balance_of late), in time $(balance_of intime)"
	# 40 of June are taken back: 20 more would have been trimmed in July already
	"$TALLY" void back-2 -q
	"$TALLY" credit draw --prices card.json -q
	[ "$(balance_of back)" = 115 ] || fail "$(balance_of back)"
	run "$TALLY" fsck
	expect 0
}

@test "an interim invoice asks for usage so far, and the period's own for the rest" {
	setup_one
	echo '{"currency": "USD", "threshold": "40", "items": [{"description": "Seat", "amount": "10"}], "taxes": [{"name": "VAT", "percent": "20"}]}' > terms.json
	"$TALLY" credit account acme --plan plan.json --terms terms.json --since 2026-06-01 -q
	use a 2026-06-05T00:00:00Z 30000000
	# 30 and 6 of tax are below the threshold
	run "$TALLY" invoice draft --all --interim --period 2026-06 --prices card.json --json
	expect 0 '"invoices": []'
	use b 2026-06-06T00:00:00Z 10000000
	run "$TALLY" invoice draft --all --interim --period 2026-06 --prices card.json --json
	expect 0 '"total": "48"'
	"$TALLY" invoice finalize --all --prices card.json -q
	run "$TALLY" invoice draft acme --interim --period 2026-06 --prices card.json
	expect 0 'nothing to ask for yet'
	use c 2026-06-20T00:00:00Z 5000000
	# 45 + 10, and 11 of tax, less 48
	of_month acme 2026-06
	expect 0 '"total": "18"' '"description":"Seat"'
	"$TALLY" invoice finalize --all --prices card.json -q
	# late usage is a supplement where the next invoice is not to show it
	use d 2026-06-21T00:00:00Z 2000000
	run "$TALLY" invoice draft acme --supplement --period 2026-06 --prices card.json --json
	expect 0 '"total": "2.4"' '"part": "supplement"' '"corrects":"2026-000002"'
	"$TALLY" invoice finalize --all --prices card.json -q
	run "$TALLY" invoice draft acme --supplement --period 2026-06 --prices card.json
	expect 0 'nothing to ask for'
	of_month acme 2026-07
	expect 0 '"total": "12"'
	# the parts void, the whole is asked for by a new document: 47 + 10, 11.40
	for n in 2026-000001 2026-000002 2026-000003; do "$TALLY" invoice void $n --why again -q; done
	of_month acme 2026-06
	expect 0 '"total": "68.4"'
	run "$TALLY" fsck
	expect 0
}

@test "a period is asked for in one currency; what changes in another one is a supplement" {
	setup_one
	printf 'day,base,currency,rate\n2026-06-30,EUR,USD,2\n2026-07-31,EUR,USD,2\n' > rates.csv
	echo '{"currency": "USD"}' > usd.json
	echo '{"currency": "EUR"}' > eur.json
	"$TALLY" credit account acme --plan plan.json --terms usd.json --since 2026-06-01 -q
	use a 2026-06-05T00:00:00Z 30000000
	of_month acme 2026-06
	expect 0 '"total": "30"'
	"$TALLY" invoice finalize --all --prices card.json -q
	"$TALLY" credit account acme --terms eur.json -q
	run "$TALLY" invoice draft acme --period 2026-06 --rates rates.csv --prices card.json
	[ "$status" -ne 0 ] || fail "June is asked for twice"
	case $output in *"invoiced to 'acme' in USD"*|*"covers some of that period"*) ;; *) fail "no reason" ;; esac
	use b 2026-06-06T00:00:00Z 4000000
	use c 2026-07-06T00:00:00Z 8000000
	# July in euros does not hold June's dollars, and says so
	run "$TALLY" invoice draft acme --period 2026-07 --rates rates.csv --prices card.json
	expect 3 '1 earlier period in another currency changed since: draft it with --supplement' ' 4.00  EUR'
	"$TALLY" invoice finalize --all --rates rates.csv --prices card.json -q
	run "$TALLY" invoice draft acme --supplement --period 2026-06 --prices card.json --json
	expect 0 '"total": "4"' '"currency": "USD"'
	"$TALLY" invoice finalize --all --rates rates.csv --prices card.json -q
	run "$TALLY" invoice draft acme --period 2026-08 --rates rates.csv --prices card.json
	expect 0
}

@test "prices that hold their taxes" {
	setup_one
	echo '{"currency": "USD", "tax_inclusive": true, "items": [{"description": "Seat", "amount": "19"}], "taxes": [{"name": "VAT", "percent": "19"}]}' > terms.json
	"$TALLY" credit account acme --plan plan.json --terms terms.json --since 2026-06-01 -q
	use a 2026-06-05T00:00:00Z 100000000
	# 119 hold 19
	of_month acme 2026-06
	expect 0 '"total": "119"' '"subtotal": "100"' '"taxes that the prices include"' '"amount":"-19"'
	# two taxes: 121 hold 100 x 0.19 and 100 x 0.02
	echo '{"currency": "USD", "tax_inclusive": true, "items": [{"description": "Seat", "amount": "21"}], "taxes": [{"name": "A", "percent": "19"}, {"name": "B", "percent": "2"}]}' > terms.json
	"$TALLY" credit account acme --terms terms.json -q
	of_month acme 2026-06
	expect 0 '"total": "121"' '"subtotal": "100"' '"amount":"19"' '"amount":"2"'
	# what credits paid holds no tax any more: 100 of 121 are paid, 21 hold 3.65
	echo '{"currency": "USD", "credit_price": "plan", "tax_inclusive": true, "items": [{"description": "Seat", "amount": "21"}], "taxes": [{"name": "VAT", "percent": "21"}]}' > terms.json
	"$TALLY" credit account beta --plan plan.json --terms terms.json --since 2026-06-01 -q
	"$TALLY" credit grant beta 100 --effective 2026-06-01 --id welcome -q
	use b 2026-06-05T00:00:00Z 100000000 beta
	of_month beta 2026-06
	# 21 x 21 / 121 = 3.644...
	expect 0 '"total": "21"' '"amount":"3.64"'
	# a note gives back in the same ratio
	"$TALLY" invoice finalize --all --prices card.json -q
	run "$TALLY" invoice note 2026-000001 --amount 60.5 --why half --json
	expect 0 '"total": "-60.5"' '"amount":"-9.5"' '"amount":"-1"'
	"$TALLY" export journal > j.txt
	! command -v hledger > /dev/null || hledger -f j.txt balance > /dev/null
}

@test "what a credit was worth stays with what was invoiced by it" {
	setup_one
	echo '{"currency": "USD", "credit_price": "plan"}' > terms.json
	"$TALLY" credit account acme --plan plan.json --terms terms.json --since 2026-06-01 -q
	use a 2026-06-05T00:00:00Z 10000000
	of_month acme 2026-06
	expect 0 '"total": "10"' '"credit_worth":{"credits":"1","currency":"USD"}'
	"$TALLY" invoice finalize --all --prices card.json -q
	# from now on two credits are a dollar: June's ten credits stay ten dollars
	sed 's/"credits_per_unit": "1"/"credits_per_unit": "2"/' plan.json > plan2.json
	"$TALLY" credit account acme --plan plan2.json -q
	of_month acme 2026-07
	expect 0 '"total": "0"' '"lines": []'
}
