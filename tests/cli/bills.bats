#!/usr/bin/env bats
# A bill is a difference: what a period comes to, less what standing documents charged for it.
load common

# One credit is one dollar, and a million tokens of n1 cost one: usage of N million is N.
setup_one() {
	export TALLY_DB=$DIR/t.db
	cat > card.json <<'END'
{"schema": "tally.card/1", "provider": "north", "title": "made up", "checked": "2026-01-01", "models": {"n1": {"context_tokens": 1000000, "max_output_tokens": 100000}},
 "prices": [{"model": "n1", "currency": "USD", "from": "2023-01-01T00:00:00Z", "rates": {"input": "1", "output": "10"}, "source": "made up", "sure": "test"}]}
END
	cat > plan.json <<'END'
{"schema": "tally.plans/1", "plans": [{"plan": "one", "rule": "ratio", "currency": "USD", "credits_per_unit": "1", "group_ratio": "1",
 "tables": [{"table": "t"}], "rounding": {"scope": "none"}}], "tables": {"t": {}}}
END
}
# use ID TIME MILLIONTHS [CUSTOMER]
use() {
	printf '{"id":"%s","time":"%s","customer":"%s","provider":"north","model":"n1","input":%s}\n' "$1" "$2" "${4:-acme}" "$3" > use.jsonl
	"$TALLY" ingest use.jsonl --prices card.json -q
}
account() { "$TALLY" credit account acme --plan plan.json --since 2026-06-01 "$@" -q; }
change() { "$TALLY" credit account acme "$@" -q; }
month() { run "$TALLY" invoice draft acme --period "$1" --prices card.json --json; }
final() { "$TALLY" invoice finalize --all --prices card.json -q; }
# the sum of all standing documents
standing() { sql t.db "SELECT coalesce(round(CAST(sum(CAST(total AS NUMERIC)) AS NUMERIC),4),0) FROM invoice WHERE status='final'" | sed 's/\.0*$//'; }
number() { sql t.db "SELECT number FROM invoice WHERE kind='invoice' AND status='final' ORDER BY id DESC LIMIT 1"; }

@test "late usage, a void and a reissue end at the same sum" {
	setup_one
	echo '{"currency": "USD", "items": [{"description": "Seat", "amount": "10"}], "metered": [{"description": "Tokens", "of": "input", "pricing": {"volume": [{"up_to": "70000000", "unit": "0.000001"}, {"unit": "0.0000005"}]}}], "discount_percent": "10", "taxes": [{"name": "VAT", "percent": "19"}]}' > terms.json
	account --terms terms.json
	use a 2026-06-05T00:00:00Z 50000000
	# 50 + 50 metered + 10 = 110, less 10 % is 99, 19 % of it 18.81
	month 2026-06
	expect 0 '"total": "117.81"'
	final
	first=$(number)
	# 30 more in June: 80, 40 metered under the second tier, 10: 130, 117, 139.23; 21.42 of it are new
	use b 2026-06-06T00:00:00Z 30000000
	use c 2026-07-05T00:00:00Z 10000000
	# July: 10 + 10 + 10 = 30, 27, 32.13
	month 2026-07
	expect 0 '"total": "53.55"' "adjustment of $first: Tokens" "adjustment of $first: 10 % discount"
	final
	[ "$(standing)" = "171.36" ]
	"$TALLY" invoice void "$first" --why address -q
	month 2026-06
	# what July's document charged for June stands
	expect 0 '"total": "117.81"'
	final
	[ "$(standing)" = "171.36" ]
	# July void: both its own and June's adjustment go
	"$TALLY" invoice void "$(sql t.db "SELECT number FROM invoice WHERE status='final' AND total='53.55'")" --why again -q
	month 2026-07
	expect 0 '"total": "53.55"'
	final
	[ "$(standing)" = "171.36" ]
	month 2026-08
	expect 0 '"amount":"10"' '"total": "10.71"'
	run "$TALLY" fsck
	expect 0 "clean"
}

@test "credits belong to the month whose usage they paid, in any order" {
	setup_one
	account
	"$TALLY" credit grant acme 75 --effective 2026-06-01 --id g -q
	use a 2026-06-05T00:00:00Z 70000000
	use b 2026-07-05T00:00:00Z 20000000
	month 2026-07
	expect 0 '"credits_applied": "5"' '"total": "15"'
	final
	month 2026-06
	expect 0 '"credits_applied": "70"' '"total": "0"'
	final
	run "$TALLY" fsck
	expect 0 "clean"
}

@test "a month that is never invoiced keeps its credits" {
	setup_one
	account
	"$TALLY" credit grant acme 70 --effective 2026-06-01 --id g -q
	use a 2026-06-05T00:00:00Z 70000000
	use b 2026-07-05T00:00:00Z 40000000
	month 2026-07
	expect 0 '"credits_applied": "0"' '"total": "40"'
}

@test "covered usage leaves no dust, and gifts pay no more than is asked for" {
	setup_one
	echo '{"currency": "USD", "discount_percent": "50", "maximum": "5"}' > low.json
	echo '{"currency": "USD", "minimum": "5", "discount_percent": "50"}' > least.json
	account
	"$TALLY" credit grant acme 3.5 --effective 2026-06-01 --id g -q
	for p in x y z; do
		printf '{"id":"%s","time":"2026-06-05T00:00:00Z","customer":"acme","project":"%s","provider":"north","model":"n1","input":336000}\n' $p $p
	done > dust.jsonl
	"$TALLY" ingest dust.jsonl --prices card.json -q
	month 2026-06
	expect 0 '"subtotal": "1.02"' '"credits_applied": "1.02"' '"total": "0"'
	use a 2026-07-05T00:00:00Z 12000000
	# of 12, 2.492 were paid: the rest is 9.508
	month 2026-07
	expect 0 '"total": "9.51"'
	# at most 5, half of it, and credits pay that
	change --terms low.json
	month 2026-07
	expect 0 '"subtotal": "2.5"' '"credits_applied": "2.49"' '"total": "0.01"'
	# half of the minimum; usage of 12 is more than that
	change --terms least.json
	month 2026-06
	expect 0 '"subtotal": "2.5"' '"credits_applied": "0.51"'
}

@test "debt is carried to the balance and not invoiced; the policy does not change while it is owed" {
	setup_one
	account --overage debt
	"$TALLY" credit grant acme 50 --effective 2026-06-01 --id g -q
	use a 2026-06-05T00:00:00Z 90000000
	month 2026-06
	expect 0 '"total": "0"'
	final
	run change --overage refuse
	expect 1 "owes 40 credits"
	"$TALLY" credit grant acme 100 --class paid --effective 2026-07-02 --id topup -q
	run "$TALLY" credit balance acme --json
	expect 0 '"available": "60"' '"owed": "0"'
	run change --overage refuse
	expect 0
	month 2026-06
	expect 1 "covers part of that period"
	run "$TALLY" fsck
	expect 0 "clean"
}

@test "overage that an invoice asked for is owed again when it is void" {
	setup_one
	account
	use a 2026-06-05T00:00:00Z 9000000
	use b 2026-07-05T00:00:00Z 4000000
	month 2026-06
	expect 0 '"total": "9"'
	final
	run "$TALLY" credit balance acme --json
	expect 4 '"owed": "4"'
	"$TALLY" invoice void "$(number)" --why test -q
	run "$TALLY" credit balance acme --json
	expect 4 '"owed": "13"'
	run "$TALLY" fsck
	expect 0 "clean"
}

@test "notes carry issuer and tax, are no finer than the invoice, and end with it" {
	setup_one
	echo '{"currency": "USD", "issuer": {"name": "Works"}, "customer": {"name": "Acme"}, "taxes": [{"name": "VAT", "percent": "19"}]}' > terms.json
	account --terms terms.json
	use a 2026-06-05T00:00:00Z 100000000
	month 2026-06
	final
	n=$(number)
	run "$TALLY" invoice note "$n" --amount 0.005 --why half
	expect 1 "finer than the 2 decimals"
	run "$TALLY" invoice note "$n" --amount 11.9 --why outage --json
	expect 0 '"name":"Works"' '"name":"Acme"' '"amount":"-1.9"' '"subtotal": "-10"' '"total": "-11.9"'
	"$TALLY" invoice void "$n" --why address -q
	[ "$(standing)" = 0 ]
	run "$TALLY" invoice show CN-"${n%-*}"-000001
	expect 0 "(VOID)"
	month 2026-06
	final
	[ "$(standing)" = 119 ]
	run "$TALLY" fsck
	expect 0 "clean"
}

@test "a currency is compared, never relabelled, and has the decimals it has" {
	setup_one
	echo '{"currency": "EUR"}' > eur.json
	account --terms eur.json
	use a 2026-06-05T00:00:00Z 60000000
	month 2026-06
	expect 1 "priced in USD" "bill in EUR"
	echo '{"currency": "JPY", "usage": false, "items": [{"description": "fee", "amount": "100.5"}]}' > jpy.json
	change --terms jpy.json
	month 2026-06
	expect 0 '"places":0' '"total": "101"'
	echo '{"currency": "TND", "usage": false, "items": [{"description": "fee", "amount": "1.0005"}]}' > tnd.json
	change --terms tnd.json
	month 2026-06
	expect 0 '"total": "1.001"'
}

@test "markup of a vendor, of a vendor's model, of all" {
	setup_one
	echo '{"currency": "USD", "markup": [{"percent": "10"}, {"provider": "north", "percent": "5"}, {"provider": "north", "model": "n2", "percent": "2"}]}' > terms.json
	account --terms terms.json
	use a 2026-06-05T00:00:00Z 100000000
	month 2026-06
	expect 0 '"unit_price":"1.05"' '"total": "105"'
}

@test "usage without a price or not covered is loud: exit 3, >=, and finalize refuses" {
	setup_one
	account
	use a 2026-06-05T00:00:00Z 5000000
	printf '{"id":"n","time":"2026-06-06T00:00:00Z","customer":"acme","provider":"north9","model":"n9","input":1000000}\n' > n.jsonl
	"$TALLY" ingest n.jsonl --prices card.json -q || true
	month 2026-06
	expect 3 '"unpriced": 1' '"total": "5"'
	run "$TALLY" invoice list
	expect 0 ">= 5"
	run "$TALLY" invoice show '#1'
	expect 0 ">= 5"
	run "$TALLY" invoice finalize --all --prices card.json
	expect 1 "--accept-uncovered"
	# July has none
	use b 2026-07-05T00:00:00Z 5000000
	month 2026-07
	expect 0 '"total": "5"'
	# a card comes: what waited is drawn
	sed 's/"n1"/"n9"/g; s/"north"/"north9"/' card.json > n9.json
	run "$TALLY" credit draw --prices card.json --prices n9.json
	expect 0 "1 transaction"
	run "$TALLY" invoice draft acme --period 2026-06 --prices card.json --json
	expect 0 '"total": "6"'
	run "$TALLY" fsck
	expect 0 "clean"
}

@test "a reversal undoes the draw as it was stored, under other cards or none" {
	setup_one
	account
	"$TALLY" credit grant acme 10 --effective 2026-06-01 --id g -q
	use a 2026-06-05T00:00:00Z 4000000
	use b 2026-06-05T00:00:00Z 1000000
	sed 's/"input": "1"/"input": "3"/' card.json > dear.json
	"$TALLY" void a --why test --prices dear.json -q || "$TALLY" void a --why test -q
	run "$TALLY" credit draw --prices dear.json
	run "$TALLY" credit balance acme --json
	expect 0 '"available": "9"'
	"$TALLY" void b --why test -q
	run "$TALLY" credit balance acme --json
	expect 0 '"available": "10"'
}

@test "an hour is divided where a grant ends" {
	setup_one
	account
	"$TALLY" credit grant acme 8 --effective 2026-06-01 --expires 2026-06-05T10:30:00Z --id soon -q
	"$TALLY" credit grant acme 100 --effective 2026-06-01 --id later -q
	use a 2026-06-05T10:05:00Z 3000000
	use b 2026-06-05T10:45:00Z 4000000
	run "$TALLY" credit balance acme --json
	expect 0 '"available": "96"'
}

@test "one refused customer does not stop the others" {
	setup_one
	account
	"$TALLY" credit account beta --plan plan.json --since 2026-06-01 -q
	use a 2026-06-05T00:00:00Z 2000000
	use b 2026-06-05T00:00:00Z 3000000 beta
	"$TALLY" invoice draft acme --since 2026-06-01 --until 2026-06-16 --prices card.json -q
	final
	run "$TALLY" invoice draft --all --period 2026-06 --prices card.json
	expect 1 "acme: invoice" "beta"
	run "$TALLY" invoice list beta
	expect 0 "3"
}

@test "terms and items have their days" {
	setup_one
	cat > terms.json <<'END'
{"versions": [
 {"from": "2026-06-01", "terms": {"currency": "USD", "items": [{"description": "Pro", "amount": "30", "from": "2026-06-16"}, {"description": "Setup", "amount": "7", "from": "2026-06-10", "once": true}]}},
 {"from": "2026-07-01", "terms": {"currency": "USD", "items": [{"description": "Team", "amount": "20", "quantity": "3", "to": "2026-07-11", "prorate": false}]}}]}
END
	account --terms terms.json
	# 15 of 30 days, and the setup
	month 2026-06
	expect 0 '"total": "22"'
	final
	month 2026-07
	expect 0 '"total": "60"'
	final
	month 2026-08
	expect 0 '"total": "0"'
	echo '{"versions": [{"from": "2026-07-01", "terms": {}}, {"from": "2026-06-01", "terms": {}}]}' > bad.json
	run change --terms bad.json
	expect 1 "versions[1]" "ascend"
}

@test "a subscription ends, is switched, and comes back" {
	setup_one
	"$TALLY" credit subscribe u1 vm0-pro --from 2026-06-01 -q
	run "$TALLY" credit subscribe u1 vm0-pro --end 2026-08-10
	expect 0 "ends 2026-08-10"
	[ "$(sql t.db "SELECT count(*) FROM credit_grant g JOIN credit_lot l ON l.grant_id=g.id WHERE l.\"left\">0 AND g.effective>=1786320000000000")" = 0 ]
	run "$TALLY" credit subscribe u1 vm0-pro --end 2026-09-10
	expect 1 "no recurring grant"
	"$TALLY" credit subscribe u1 vm0-team --from 2026-08-10 -q
	"$TALLY" credit subscribe u1 vm0-pro --switch vm0-team --from 2026-09-10 -q
	run sql t.db "SELECT name FROM credit_rule WHERE until IS NULL"
	expect 0 "vm0-pro from 2026-09-10"
	run "$TALLY" fsck
	expect 0 "clean"
}

@test "accounts are shown and listed, and files checked, without touching anything" {
	setup_one
	account --overage debt
	run "$TALLY" credit account acme
	expect 0 "plan         one" "overage      debt" "draws since  2026-06-01"
	run "$TALLY" credit account acme --json
	expect 0 '"customer": "acme"' '"billing_day": 1'
	run "$TALLY" credit accounts
	expect 0 "acme" "debt"
	run "$TALLY" credit account nobody
	expect 1 "no credit account"
	echo '{"items": [{"description": "x", "amount": "1"}, {"description": "y", "amount": 2}]}' > bad.json
	run "$TALLY" credit check plan.json
	expect 0 "good plans"
	run "$TALLY" credit check bad.json
	expect 1 "bad.json" "items[1]" "'amount'"
}

@test "the example of docs/billing.md" {
	setup_one
	sed -n '/^{"versions"/,/^```/p' "$ROOT/docs/billing.md" | grep -v '^```' > terms.json
	run "$TALLY" credit check plan.json terms.json
	expect 0 "good plans" "good terms"
	account --terms terms.json
	"$TALLY" credit grant acme 30 --effective 2026-06-01 --id welcome -q
	use a 2026-06-10T00:00:00Z 50000000
	month 2026-06
	expect 0 '"subtotal": "70"' '"credits_applied": "30"' '"amount":"7.6"' '"total": "47.6"'
	final
	first=$(number)
	use late 2026-06-20T00:00:00Z 10000000
	use b 2026-07-10T00:00:00Z 12000000
	month 2026-07
	expect 0 '"amount":"9.68"' '"amount":"32"' '"amount":"-5.37"' '"amount":"11.08"' "\"corrects\":\"$first\"" '"total": "69.39"'
	final
	[ "$(standing)" = 116.99 ]
	"$TALLY" invoice void "$first" --why address -q
	month 2026-06
	expect 0 '"total": "47.6"'
	final
	[ "$(standing)" = 116.99 ]
	run "$TALLY" invoice note "$(number)" --amount 11.9 --why outage --json
	expect 0 '"subtotal": "-10"' '"amount":"-1.9"'
	[ "$(standing)" = 105.09 ]
	run "$TALLY" fsck
	expect 0 "clean"
}

@test "alarms are of an amount: a raised budget warns again" {
	setup_one
	printf '#!/bin/sh\ncat >/dev/null; echo alarm >> %s/alarms\n' "$DIR" > hook
	chmod +x hook
	: > alarms
	now=$(date -u +%Y-%m-01T00:00:01Z)
	"$TALLY" budget set b --amount 10 --soft 50,100 --hook "$DIR/hook" -q
	use a "$now" 10000000
	"$TALLY" budget status -q > out || true
	[ "$(wc -l < alarms)" = 2 ]
	"$TALLY" budget set b --amount 20 --soft 50,100 --hook "$DIR/hook" -q
	use b "$now" 1000000
	"$TALLY" budget status -q > out || true
	[ "$(wc -l < alarms)" = 3 ]
	"$TALLY" budget status -q > out || true
	[ "$(wc -l < alarms)" = 3 ]
}

@test "documents older than this reckoning: their usage is compared, once, and nothing else" {
	on_server && skip "rewrites a final document, which only a file lets a test do"
	setup_one
	echo '{"currency": "USD", "minimum": "100", "discount_percent": "10", "taxes": [{"name": "VAT", "percent": "19"}]}' > terms.json
	account --terms terms.json
	use a 2026-06-05T00:00:00Z 50000000
	month 2026-06
	final
	# as it was written before: without periods, and the discount before the minimum
	sql t.db "DROP TRIGGER final_is_final; UPDATE invoice SET total='119',document=json_remove(json_set(document,'\$.total','119'),'\$.periods')"
	use b 2026-06-06T00:00:00Z 5000000
	month 2026-07
	# 100 less 10, and 5 more in June: 95, 113.05
	expect 0 '"quantity":"5000000"' '"subtotal": "95"' '"total": "113.05"'
	final
	month 2026-08
	expect 0 '"total": "107.1"'
	case $output in *adjustment*) fail "adjusted twice" ;; esac
}

@test "what a draw by hand lacks, for usage came before it, is asked for by no invoice and stays owed" {
	export TALLY_DB=$DIR/t.db
	"$TALLY" credit account acme --plan vm0 --since 2026-10-01 -q
	"$TALLY" credit grant acme 5 --effective 2026-10-01 -q
	"$TALLY" credit post -q - <<<'{"op":"draw","customer":"acme","id":"order","amount":"5","at":"2026-10-10T00:00:00Z"}'
	# 15 credits of usage, and then 3
	use() { printf 'id,time,model,customer,input\n%s,%s,claude-sonnet-4-6,acme,%s\n' "$@" >u.csv; "$TALLY" ingest u.csv -q >/dev/null; "$TALLY" credit draw -q; }
	owed() { run "$TALLY" credit balance acme --json; expect "$status" "\"owed\": \"$1\""; }
	use u1 2026-10-05T00:00:00Z 5000
	owed 15 # the grant paid 5 of the usage, the order lacks them
	"$TALLY" invoice draft acme --period 2026-10 -q
	run "$TALLY" invoice finalize 1; expect 0
	run "$TALLY" invoice show 2026-000001 --json; expect 0 '"total": "10"'
	owed 5
	use u2 2026-11-05T00:00:00Z 1000
	"$TALLY" invoice draft acme --period 2026-11 -q
	run "$TALLY" invoice show 2 --json; expect 0 '"total": "3"'
	run "$TALLY" invoice void 2026-000001 --why mistake; expect 0
	owed 18
	run "$TALLY" fsck; expect 0
}
@test "a bill of many names, many metered names and many rows of a name are compared in a time that grows with them alone" {
	# in pairs these were 10^9 comparisons, in each of the three
	awk 'BEGIN { for (i = 1; i <= 30000; i++) printf "{\"id\":\"%d\",\"time\":\"2026-06-15T08:00:00Z\",\"model\":\"x%d\",\"input\":10}\n", i, i }' >u.jsonl
	"$TALLY" ingest u.jsonl -q --db t.db || [ $? = 3 ]
	{ echo date,model,cost; seq -f '2026-06-15,X-%.0f,1.5' 29999; } >b.csv
	run timeout 20 "$TALLY" reconcile b.csv --db t.db
	[ "$status" = 3 ] || [ "$status" = 5 ] || fail "$status ${output: -300}"
	expect 3 "29999 differ, 0 billed and never metered, 1 metered and never billed"
	{ echo date,model,cost; seq -f '2026-06-15,y%.0f,1.5' 30000; } >b.csv
	run timeout 20 "$TALLY" reconcile b.csv --db t.db
	[ "$status" = 3 ] || [ "$status" = 5 ] || fail "$status ${output: -300}"
	{ echo date,model,cost; yes '2026-06-15,x1,1.5' | head -50000; } >b.csv
	run timeout 20 "$TALLY" reconcile b.csv --db t.db
	[ "$status" = 3 ] || [ "$status" = 5 ] || fail "$status ${output: -300}"
}
