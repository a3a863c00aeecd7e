#!/usr/bin/env bats
# What a platform sells is on its invoices: subscriptions, top-ups by hand and by themselves.
load common

setup() {
	common_setup
	export TALLY_DB=$DIR/t.db
	cat >card.json <<'END'
{"schema":"tally.card/1","provider":"north","title":"made up","checked":"2026-01-01","models":{"n1":{}},"prices":[
 {"model":"n1","currency":"USD","from":"2023-01-01T00:00:00Z","source":"made up","sure":"test","rates":{"input":"1","output":"1"}}]}
END
	cat >plan.json <<'END'
{"schema": "tally.plans/1", "plans": [{"plan": "one", "rule": "ratio", "currency": "USD", "credits_per_unit": "1", "group_ratio": "1",
 "tables": [{"table": "t"}], "rounding": {"scope": "none"}}], "tables": {"t": {}}}
END
	cat >terms.json <<'END'
{"currency":"USD","taxes":[{"name":"VAT","percent":"20"}]}
END
}
# use ID TIME MILLIONS
use() {
	printf '{"id":"%s","customer":"acme","model":"n1","provider":"north","input":%s000000,"time":"%s"}\n' "$1" "$3" "$2" >"$1.jsonl"
	"$TALLY" ingest "$1.jsonl" --prices card.json -q
}
lines() { "$TALLY" invoice show "$1" --format json | jq -c '[(.lines[] | [.description, .amount]), .credits_applied, .total]'; }
draft() { "$TALLY" invoice draft acme --period "$1" --json | jq -r '.drafts[0].id // .id // empty'; }

@test "a subscription's fee is on the invoice of each month that it grants for, and what is void of it is given back" {
	"$TALLY" credit account acme --plan plan.json --since 2026-06-01 --terms terms.json -q
	"$TALLY" credit grant acme 30 --class paid --price 20 --every 1month --lasts 12month --effective 2026-06-10 --expires 2026-09-01 --id pro -q
	use one 2026-06-15T00:00:00Z 25
	"$TALLY" invoice draft acme --period 2026-06 -q
	# usage 25, all paid by the 30 credits; the fee is 20, VAT 4
	[ "$(lines '#1')" = '[["n1","25"],["pro 2026-06-10","20"],"25","24"]' ] || { lines '#1'; false; }
	"$TALLY" invoice finalize '#1' -q
	# July's 30 credits are charged back when 6 of them are used: 6 of 30 parts of 20 stay
	"$TALLY" invoice draft acme --period 2026-07 -q
	"$TALLY" invoice finalize '#2' -q
	[ "$(lines 2026-000002)" = '[["pro 2026-07-10","20"],"0","24"]' ] || { lines 2026-000002; false; }
	use two 2026-07-15T00:00:00Z 11
	"$TALLY" credit void acme 'pro 2026-07-10' --why 'charged back' -q
	"$TALLY" invoice draft acme --period 2026-08 -q
	run lines '#3'
	# late usage of July: 11, of which 5 of June's credits and 6 of July's; August's fee is 20
	[ "$(jq -c 'map(select(type == "array")) | map(.[1])' <<<"$output")" = '["20","11","-16"]' ] || { echo "$output"; false; }
	run "$TALLY" fsck; expect 0
}

@test "an account buys credits by itself, up to its target, and its invoice asks for them" {
	"$TALLY" credit account acme --plan plan.json --since 2026-06-01 --terms terms.json -q
	"$TALLY" credit top-up acme --below 10 --to 50 --price 0.5 --most 80 -q
	run "$TALLY" credit account acme; expect 0 'top-up       below 10, to 50, at most 80 in 30 days, 0.5 USD a credit'
	balance() { "$TALLY" credit balance acme --json | jq -r '.available // .balance[0].available'; }
	[ "$(balance)" = 50 ]
	sleep 1.1
	use one "$(date -u +%FT%TZ)" 40
	[ "$(balance)" = 10 ] # not fewer than 10
	printf '{"id":"small","customer":"acme","model":"n1","provider":"north","input":500000,"time":"%s"}\n' "$(date -u +%FT%TZ)" >s.jsonl
	"$TALLY" ingest s.jsonl --prices card.json -q
	# 9.5 would be left: 41 whole credits would be bought, 30 may be
	[ "$(balance)" = 39.5 ]
	use two "$(date -u +%FT%TZ)" 35
	[ "$(balance)" = 4.5 ]
	"$TALLY" invoice draft acme --period this-month -q 2>/dev/null || "$TALLY" invoice draft acme --since "$(date -u +%Y-%m-01)" --until "$(date -u +%F)" -q
	run "$TALLY" invoice show '#1' --format json
	# 50 and 30 credits at half a dollar; usage of 75.5 is paid by 75.5 of the 80 credits
	[ "$(jq -c '[.lines[] | select(.description | startswith("top-up")) | .amount]' <<<"$output")" = '["25","15"]' ] || { echo "$output"; false; }
	[ "$(jq -r .credits_applied <<<"$output")" = 75.5 ]
	[ "$(jq -r .total <<<"$output")" = 48 ] # 40 and VAT
	"$TALLY" credit top-up acme --off -q
	use three "$(date -u +%FT%TZ)" 4
	[ "$(balance)" = 0.5 ]
	run "$TALLY" credit top-up acme; expect 2 "give one of --below, --now and --off"
	run "$TALLY" credit top-up acme --below 10 --to 5; expect 1 "less than the balance below which"
	run "$TALLY" fsck; expect 0
}

@test "usage of a day that comes at once is paid by what is bought hour by hour, none of it is owed" {
	"$TALLY" credit account acme --plan plan.json --since 2026-06-01 --terms terms.json -q
	"$TALLY" credit grant acme 10 --effective 2026-06-01 -q
	"$TALLY" credit top-up acme --below 2 --to 10 --price 0.25 -q
	for h in 10 11 12 13; do printf '{"id":"%s","customer":"acme","model":"n1","provider":"north","input":7000000,"time":"2026-06-03T%s:30:00Z"}\n' $h $h; done >day.jsonl
	"$TALLY" ingest day.jsonl --prices card.json -q
	run "$TALLY" credit balance acme --json
	# 10 - 7 is 3; 3 - 7 would be -4: 14 more are bought, and leave 10; once more the same
	[ "$(jq -c '.balance[0] // . | [.owed, .available]' <<<"$output")" = '["0","10"]' ] || { "$TALLY" credit ledger acme; false; }
	"$TALLY" invoice draft acme --period 2026-06 -q
	[ "$(lines '#1')" = '[["n1","28"],["top-up 2026-06-03 #2, automatic top-up","3.5"],["top-up 2026-06-03 #3, automatic top-up","3.5"],"28","8.4"]' ] || { lines '#1'; false; }
	run "$TALLY" fsck; expect 0
}

@test "under debt a top-up buys what is owed as well; own keys buy nothing; a hold may be what asks" {
	"$TALLY" credit account acme --plan plan.json --since 2026-06-01 --overage debt -q
	use one "$(date -u +%FT%TZ)" 30
	"$TALLY" credit top-up acme --below 1 --to 20 -q # buys the 30 that are owed, too
	run "$TALLY" credit balance acme --json
	[ "$(jq -r '.owed // .balance[0].owed' <<<"$output")" = 0 ]
	[ "$(jq -r '.available // .balance[0].available' <<<"$output")" = 20 ]
	"$TALLY" credit account byo --plan plan.json --byo yes -q
	"$TALLY" credit top-up byo --below 5 -q
	run "$TALLY" credit balance byo --json
	[ "$(jq -r '.available // .balance[0].available' <<<"$output")" = 0 ]
	"$TALLY" credit account hold --plan plan.json -q
	"$TALLY" credit top-up hold --below 5 --to 9 -q
	run "$TALLY" credit hold hold 8; expect 0 held
	run "$TALLY" credit hold hold 8; expect 4 "out of credit"
}

@test "an offer's price is on invoices in money, in its currency, unless the terms say no" {
	"$TALLY" credit subscribe acme vm0-pro --from 2026-06-01 -q
	"$TALLY" credit account acme --terms terms.json -q
	"$TALLY" credit subscribe acme vm0-team --switch vm0-pro --from 2026-07-15 -q
	"$TALLY" credit subscribe acme vm0-top-up --quantity 25 --id order-17 --from 2026-07-20 -q
	"$TALLY" invoice draft acme --period 2026-07 -q
	[ "$(lines '#1')" = '[["vm0-pro 2026-07-01","20"],["vm0-team 2026-07-15","200"],["order-17, Top-up: 1,000 credits a dollar, no expiry","25"],"0","294"]' ] || { lines '#1'; false; }
	printf 'day,base,currency,rate\n2026-07-31,EUR,USD,1.25\n' >rates.csv
	echo '{"currency":"EUR"}' >euro.json
	"$TALLY" credit account acme --terms euro.json -q
	"$TALLY" invoice draft acme --period 2026-07 --rates rates.csv -q
	"$TALLY" invoice list --json | jq -e '.invoices | map(select(.currency == "EUR" and .total == "196")) | length == 1'
	for terms in '{"currency":"USD","sales":false}' '{}' '{"money":"credits"}'; do
		echo "$terms" >none.json
		"$TALLY" credit account acme --terms none.json -q
		"$TALLY" invoice draft acme --period 2026-06 -q
		run "$TALLY" invoice list --json
		[ "$(jq -c '[.invoices[] | select(.from == "2026-06-01T00:00:00Z" or .period.from == "2026-06-01") | .total] | unique' <<<"$output")" = '["0"]' ] || { echo "$output"; false; }
	done
	while IFS='|' read -r terms why; do
		echo "$terms" >bad.json
		run "$TALLY" credit check bad.json; expect 1 "bad.json" "$why"
	done <<'END'
{"sales":"no"}|'sales' is true or false
{"currency":"USD","money":"credits"}|'money' is "credits" and 'currency' USD
{"money":"dear"}|'money' is list, plan or credits
{"currency":"USD","money":"list","credit_price":"plan"}|leave out 'credit_price'
{"items":[{"description":"x","amount":"1","prorate":"no"}]}|items[0]: 'prorate' is true or false
END
}

@test "a subscription that comes back can be switched and ended like any" {
	echo '{"currency":"USD"}' >usd.json
	# also where what the subscription gave has expired before it is ended with a past day
	for who in acme beta; do
		step() { "$TALLY" credit subscribe $who "$@" -q; [ $who = acme ] || "$TALLY" credit expire -q; }
		step vm0-pro --from 2026-05-01
		"$TALLY" credit account $who --terms usd.json -q
		step vm0-team --switch vm0-pro --from 2026-05-20
		step vm0-pro --switch vm0-team --from 2026-06-05
		step vm0-team --switch vm0-pro --from 2026-07-05
		step vm0-team --end 2026-08-01
		asked=
		for m in 05 06 07 08; do asked="$asked $("$TALLY" invoice draft $who --period 2026-$m --json | jq -r .total)"; done
		[ "$asked" = " 220 20 200 0" ] || { echo "$who: $asked"; false; }
	done
	run "$TALLY" fsck; expect 0
	run "$TALLY" credit subscribe acme vm0-team --end 2026-08-01
	expect 1 "no recurring grant 'vm0-team'"
	run "$TALLY" fsck; expect 0
}
