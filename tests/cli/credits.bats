#!/usr/bin/env bats
# Accounts, grants, holds, draws from usage, journals, budgets, forecasts and bills, as a user meets them.
load common

usage() { # records
	awk -v n="${1:-400}" 'BEGIN { print "id,time,model,customer,project,input,cache_read,output"
		for (i = 0; i < n; i++) printf "r%d,2026-09-%02dT%02d:%02d:00Z,%s,%s,p%d,%d,%d,%d\n", i, 1 + i % 28, i % 24, i % 60,
			i % 3 ? "deepseek-v4-flash" : "claude-sonnet-4-6", i % 2 ? "acme" : "beta", i % 2, 100 + i * 7, i % 5 ? i * 11 : 0, i * 3 }'
}
open_accounts() {
	export TALLY_DB=$DIR/t.db
	"$TALLY" credit account acme --plan vm0 --since 2026-09-01 --timezone Europe/Berlin -q
	"$TALLY" credit account beta --plan vm0-tokens --since 2026-09-01 --overage debt -q
	"$TALLY" credit grant acme 300 --id welcome --effective 2026-09-01 --expires 2026-09-15 -q
	"$TALLY" credit grant acme 500 --id order-1 --class paid --cost-basis 0.001 --effective 2026-09-01 -q
}

@test "usage draws credits in burn order, and the ledger explains itself" {
	open_accounts
	usage > u.csv
	"$TALLY" ingest u.csv -q
	# what the plan says of the same usage, less what the grants paid
	run "$TALLY" replay u.csv --by customer --plan vm0 --json
	credits=$(printf '%s\n' "$output" | sed -n 's/.*"customer": "acme".*"credits": "\([0-9.]*\)".*/\1/p')
	run "$TALLY" credit balance acme --json
	[ "$status" -eq 4 ]
	expect 4 '"schema": "tally.balance/1"' '"available": "0"' '"records_waiting": 0'
	owed=$(json owed)
	[ "$(awk "BEGIN { printf \"%.6f\", $owed + 800 }")" = "$(awk "BEGIN { printf \"%.6f\", $credits }")" ]
	run "$TALLY" credit trace acme welcome --json
	expect 0 '"kind": "draw"' '"usage_from"'
	run "$TALLY" credit ledger acme
	expect 0 "grant welcome" "used" "usage rows"
	run "$TALLY" credit ledger acme --csv
	expect 0 "txn,at,kind,pot,grant,amount,note"
	# before the first call there were only the grants
	run "$TALLY" credit balance acme --at 2026-09-01T00:00:01Z --json
	expect 0 '"balance": "800"' '"used": "0"'
	run "$TALLY" fsck
	expect 0 "clean"
}

@test "in pieces, in another order and twice: the same credits" {
	open_accounts
	usage > u.csv
	"$TALLY" ingest u.csv -q
	one=$("$TALLY" credit balance acme --json | sed -n 's/.*"owed": "\(.*\)".*/\1/p')
	rm -rf t.db*
	open_accounts
	{ head -1 u.csv; tail -n +201 u.csv; } > b.csv
	head -200 u.csv > a.csv
	"$TALLY" ingest b.csv -q; "$TALLY" ingest a.csv -q; "$TALLY" ingest u.csv -q
	two=$("$TALLY" credit balance acme --json | sed -n 's/.*"owed": "\(.*\)".*/\1/p')
	[ "$one" = "$two" ]
}

@test "corrections give credits back; own keys draw none; what no plan covers is shown" {
	open_accounts
	usage 20 > u.csv
	"$TALLY" ingest u.csv -q
	run "$TALLY" credit balance acme --json
	before=$(json available)
	"$TALLY" void r19 --why test -q
	run "$TALLY" credit draw --json
	expect 0 '"records": 1' '"refunded"'
	run "$TALLY" credit balance acme --json
	[ "$(json available)" != "$before" ]
	"$TALLY" credit account own --plan vm0 --byo yes --since 2026-09-01 -q
	printf 'id,time,model,customer,input,output\nx1,2026-09-03T00:00:00Z,claude-sonnet-4-6,own,1000000,1000\nx2,2026-09-03T00:00:00Z,gpt-unknown,acme,5,5\n' > v.csv
	run "$TALLY" ingest v.csv
	run "$TALLY" credit balance own --json
	expect 4 '"available": "0"' '"owed": "0"' '"byo": true'
	run "$TALLY" credit balance acme --json
	expect "$status" '"records_uncovered": 1'
}

@test "holds reserve, settle, release; over the balance is refused" {
	open_accounts
	run "$TALLY" credit hold acme 400 --id h1
	expect 0
	run "$TALLY" credit hold acme 200 --id h2
	expect 4 "out of credit"
	run "$TALLY" credit holds acme --json
	expect 0 '"id": "h1"' '"credits": "400"'
	run "$TALLY" credit settle h1 400.5 --strict
	expect 4 "400"
	run "$TALLY" credit settle h1 100
	expect 0
	run "$TALLY" credit settle h1 100
	expect 1 "already settled"
	run "$TALLY" credit hold acme 20 --id h3
	run "$TALLY" credit release h3
	expect 0
	run "$TALLY" credit release h3
	expect 0
	run "$TALLY" credit balance acme --json
	expect "$status" '"held": "0"'
}

@test "a hold that is settled by credits has nothing to do with a record, whatever its id" {
	open_accounts
	printf '{"id":"hold:h1","time":"2026-09-03T00:00:00Z","model":"gpt-5","customer":"beta","input":1000}\n' >r.jsonl
	"$TALLY" ingest r.jsonl -q
	"$TALLY" credit hold acme 40 --id h1 -q
	run "$TALLY" credit settle h1 10
	expect 0
	[ "$(sql "$TALLY_DB" "SELECT count(*) FROM settled_apart")" = 0 ] || fail "$(sql "$TALLY_DB" "SELECT * FROM settled_apart")"
}

@test "recurring grants, voids, files of operations" {
	open_accounts
	"$TALLY" credit grant beta 100 --every 1month --effective 2026-09-01 --rollover 150 --id monthly -q
	run "$TALLY" credit balance beta --json
	# three months: 100, kept 100 + 100, kept 150 + 100
	expect "$status" '"grant": "monthly 2026-11-01"' '"available": "250"'
	run "$TALLY" credit void acme order-1 --why mistake
	expect 0
	run "$TALLY" credit void acme order-1 --why again
	expect 1 "nothing is left of the grant 'order-1'"
	# it ended: what was left has expired
	run "$TALLY" credit void acme welcome --why mistake
	expect 1 "nothing is left of the grant 'welcome'"
	"$TALLY" credit grant acme 500 --id order-2 --effective 2026-09-01 -q
	printf '%s\n' '{"op":"grant","customer":"acme","id":"a","amount":"5","linked":true}' '{"op":"draw","customer":"acme","id":"b","amount":"99999"}' \
		'{"op":"draw","customer":"acme","id":"c","amount":"1"}' > ops.jsonl
	run "$TALLY" credit post ops.jsonl --json
	expect 1 '"index": 0, "result": "undone"' '"index": 1, "result": "failed"' '"index": 2, "result": "done"'
	run "$TALLY" credit post ops.jsonl
	expect 1 "1 done"
}

@test "an operation that says what nobody knows is not done" {
	open_accounts
	while read -r why op; do
		run "$TALLY" credit post - <<<"{\"customer\":\"acme\",\"id\":\"x\",$op}"
		expect 1 "$why" "0 done"
	done <<-'END'
		expries "op":"grant","amount":"5","expries":"2027-01-01T00:00:00Z"
		'expires' "op":"grant","amount":"5","expires":1798761600
		'linked' "op":"grant","amount":"5","linked":"yes"
		'priority' "op":"grant","amount":"5","priority":"1"
		expires "op":"draw","amount":"5","expires":"2027-01-01T00:00:00Z"
		amount "op":"void","amount":"5"
		'op' "op":"give","amount":"5"
	END
}

@test "ten thousand operations, or two thousand on a server: hledger and beancount agree with us" {
	command -v hledger || skip "no hledger"
	operations=10000
	! on_server || operations=2000
	export TALLY_DB=$DIR/t.db
	for c in acme "beta corp" "gämma" "d:elta"; do "$TALLY" credit account "$c" --plan vm0 --since 2026-01-01 -q; done
	awk -v seed=3 -v n=$operations -f "$ROOT/tests/support/credit_ops.awk" > ops.jsonl
	"$TALLY" credit post ops.jsonl -q 2>/dev/null || true
	"$TALLY" credit expire -q
	"$TALLY" export journal > j.hledger
	hledger -f j.hledger check
	for c in acme "gämma"; do
		ours=$("$TALLY" credit ledger "$c" --csv | awk -F, '$4 == "used" { s += $6 } END { printf "%.3f", s }')
		name=$(grep -a -A6 "| " j.hledger | grep -a -B1 -A5 ") $c |" | sed -n 's/.*Income:Used:\([^ ]*\) .*/\1/p' | head -1)
		theirs=$(hledger -f j.hledger balance "^Income:Used:$name\$" --no-total --layout=bare -O csv | tail -1 | awk -F'"' '{ printf "%.3f", -$6 }')
		[ "$ours" = "$theirs" ] || fail "$c: $ours and $theirs"
	done
	# all of it together is zero
	hledger -f j.hledger balance | tail -1 | grep -q ' 0 *$'
	if command -v bean-check; then
		"$TALLY" export journal --style beancount > j.beancount
		bean-check j.beancount
	fi
	run "$TALLY" fsck
	expect 0 "clean"
}

@test "budgets: thresholds, alarms once, hooks until they succeed, hard ones" {
	open_accounts
	usage > u.csv
	"$TALLY" ingest u.csv -q
	"$TALLY" budget set all --amount 2 --period ever --soft 50,100 --hook "test -e $DIR/up && cat >> $DIR/told" -q
	"$TALLY" budget set small --customer acme --amount 1000 --period ever -q
	run "$TALLY" budget status
	expect 4 "all" "over" "the hook failed"
	[ ! -e told ]
	touch up
	run "$TALLY" budget status --json
	expect 4 '"schema": "tally.budget-status/1"' '"state": "over"' '"state": "ok"'
	"$TALLY" budget status >/dev/null 2>&1 || true
	[ "$(wc -l < told)" -eq 2 ]
	grep -q '"percent":50' told
	run "$TALLY" budget status small
	expect 0
	run "$TALLY" budget clear small
	expect 0
	run "$TALLY" budget status small
	expect 1 "no budget"
}

@test "forecast: quantiles, overrun, exhaustion, and too little history" {
	open_accounts
	usage > u.csv
	"$TALLY" ingest u.csv -q
	run "$TALLY" forecast --now 2026-09-27T12:00:00Z --budget 1 --json
	expect 4 '"schema": "tally.forecast/1"' '"probability_of_overrun": "1"' '"0.5":'
	run "$TALLY" forecast --now 2026-09-27T12:00:00Z --budget 100
	expect 0 "past days" "0 % of the draws"
	run "$TALLY" forecast --now 2026-09-03 --budget 100
	expect 1 "too few"
	run "$TALLY" forecast --credits balance --customer beta --now 2026-09-27 --by 2026-10-15 --json
	expect 4 '"currency": "credits"' '"exhausted"'
	a=$("$TALLY" forecast --now 2026-09-27T12:00:00Z --json) || true
	b=$("$TALLY" forecast --now 2026-09-27T12:00:00Z --json --seed 2) || true
	[ "$a" != "$b" ]
}

@test "bills of providers beside what was metered" {
	export TALLY_DB=$DIR/t.db
	cat > u.csv <<'END'
id,time,model,input,cache_read,output
a,2026-06-15T01:00:00Z,deepseek-v4-flash,1000000,2000000,100000
b,2026-06-16T01:00:00Z,deepseek-v4-pro,1000000,0,0
c,2026-06-16T02:00:00Z,claude-sonnet-4-6,1000000,0,0
END
	"$TALLY" ingest u.csv -q
	# DeepSeek: tokens and costs in files of their own; deepseek-chat meant V4 Flash then
	printf 'user_id,utc_date,model,api_key_name,api_key,type,price,amount\nu,2026-06-15,deepseek-chat,k,sk,input_cache_hit_tokens,,2000000\nu,2026-06-15,deepseek-chat,k,sk,input_cache_miss_tokens,,1000000\nu,2026-06-15,deepseek-chat,k,sk,output_tokens,,100000\n' > amount.csv
	printf 'user_id,utc_date,model,wallet_type,cost,currency\nu,2026-06-15,deepseek-chat,paid,0.1736,USD\nu,2026-06-16,deepseek-v4-pro,paid,0.44,USD\nu,2026-06-17,deepseek-v4-pro,paid,1.5,USD\n' > cost.csv
	run "$TALLY" reconcile amount.csv cost.csv --format deepseek --json
	expect 5 '"matching": 2' '"billed_only": 1' '"differing": 0' '"billed": "2.1136"'
	run "$TALLY" reconcile amount.csv cost.csv --format deepseek --tolerance 0
	expect 5 "differs" "billed only" '$0.005'
	# Anthropic: cents
	printf '{"data":[{"starting_at":"2026-06-16T00:00:00Z","results":[{"currency":"USD","amount":"300","model":"claude-sonnet-4-6"}]}]}' > cost.json
	run "$TALLY" reconcile cost.json --format anthropic
	expect 0 "1 match"
	# OpenAI: dollars
	printf '{"object":"page","data":[{"start_time":1781568000,"results":[{"amount":{"value":0.06,"currency":"usd"},"line_item":"gpt-5, input"}]}]}' > openai.json
	run "$TALLY" reconcile openai.json --format openai --json
	expect 5 '"result": "billed only"' '"day": "2026-06-16"'
	printf 'Date,SKU,Total\n2026-06-16,claude-sonnet-4-6,3.2\n' > any.csv
	run "$TALLY" reconcile any.csv --map day=Date --map model=SKU --map cost=Total --provider anthropic --json
	expect 5 '"differing": 1' '"difference": "0.2"'
	sed -i 1s/Total/Paid/ any.csv
	run "$TALLY" reconcile any.csv
	expect 1 "any.csv:1" "cost=COLUMN" --map
}

@test "FOCUS rows add up to what usage shows; records read in again are the same" {
	open_accounts
	usage > u.csv
	"$TALLY" ingest u.csv -q
	"$TALLY" export focus > f.csv
	head -1 f.csv | grep -q "BilledCost,BillingAccountId" 
	run "$TALLY" usage --json
	total=$(json total)
	sum=$(awk -F, 'NR > 1 && /,Usage,/ && /Tokens/ { s += $1 } END { printf "%.9f", s }' f.csv)
	[ "$(awk "BEGIN { printf \"%.9f\", $total }")" = "$sum" ]
	grep -q "bought credits: order-1" f.csv
	grep -q ",Credits," f.csv
	"$TALLY" export csv -o r.csv
	"$TALLY" ingest r.csv --db other.db -q
	run "$TALLY" usage --json --db other.db
	[ "$(json total)" = "$total" ]
	"$TALLY" export xlsx -o x.xlsx
	[ "$(head -c 2 x.xlsx)" = PK ]
	printf 'id,time,model,input\nnope,2026-06-01,nobody-knows,5\n' | "$TALLY" ingest - -q --db third.db || true
	run "$TALLY" export xlsx -o y.xlsx --db third.db
	expect 3 '1 record has no price' 'lower bound'
	run "$TALLY" export spreadsheet
	expect 2 "focus, journal, invoices, csv, parquet or xlsx"
}

@test "what is not understood is refused with the choice" {
	export TALLY_DB=$DIR/t.db
	"$TALLY" credit account acme --plan vm0 -q
	run "$TALLY" credit account acme --overage maybe
	expect 2 "--overage"
	run "$TALLY" credit account beta
	expect 1 "--plan"
	run "$TALLY" credit account beta --plan nothing
	expect 1 "nothing"
	run "$TALLY" credit grant nobody 5
	expect 1 "no credit account" "tally credit account nobody"
	run "$TALLY" credit grant acme many
	expect 2 "'many'"
	run "$TALLY" credit grant acme 5 --every sometimes
	expect 2 "'sometimes'"
	run "$TALLY" credit account acme --burn-order colour
	expect 2 "'colour'"
	run "$TALLY" credit balance nobody
	expect 1 "nobody"
	run "$TALLY" credit grant acme 5 --id x
	run "$TALLY" credit grant acme 6 --id x
	expect 1 "other content"
}

@test "offers: a plan, its account, its recurring grant and a top-up in one command each" {
	export TALLY_DB=$DIR/t.db
	run "$TALLY" credit offers
	expect 0 "vm0-pro" "20 USD" "20,000" "vm0-top-up"
	run "$TALLY" credit subscribe acme vm0-pro --from 2026-09-10
	expect 0 "acme"
	"$TALLY" credit subscribe acme vm0-top-up --quantity 5 --id order-9 --from 2026-09-12 -q
	"$TALLY" credit subscribe acme vm0-top-up --quantity 5 --id order-9 --from 2026-09-12 -q
	# a month's 20,000 live for two months, so that two of them and the top-up stand in the second
	run "$TALLY" credit balance acme --at 2026-10-11 --json
	expect 0 '"balance": "45000"' '"expired": "0"'
	run "$TALLY" credit balance acme --at 2026-11-11 --json
	expect 0 '"balance": "45000"' '"expired": "20000"'
	run "$TALLY" credit subscribe acme vm0-max
	expect 1 "vm0-max" "tally credit offers"
	# --lasts by hand
	"$TALLY" credit account beta --plan vm0 --since 2026-09-01 -q
	"$TALLY" credit grant beta 10 --every 1w --lasts 2w --effective 2026-09-01 -q
	run "$TALLY" credit balance beta --at 2026-09-08T00:00:01Z --json
	expect 0 '"balance": "20"'
	run "$TALLY" credit balance beta --at 2026-09-15T00:00:01Z --json
	expect 0 '"balance": "20"' '"expired": "10"'
	run "$TALLY" credit grant beta 10 --lasts 2w
	expect 2 "--every"
	run "$TALLY" fsck
	expect 0 "clean"
}

@test "a grant that has come due is there when one asks, with no usage in between" {
	export TALLY_DB=$DIR/t.db
	"$TALLY" credit account acme --plan vm0 --since 2026-09-01 -q
	"$TALLY" credit grant acme 10 --every 1d --effective 2030-01-01 --id daily -q
	run "$TALLY" credit balance acme --json
	expect 4 '"available": "0"'
	# its day comes: two days ago, yesterday and today
	due=$(($(date +%s) * 1000000 - 2 * 86400000000 - 5000000))
	sql t.db "UPDATE credit_rule SET anchor=$due,next=$due"
	chmod a-w t.db
	run "$TALLY" credit balance acme --json
	[ "$(id -u)" = 0 ] || expect 4 '"available": "0"'
	chmod u+w t.db
	run "$TALLY" credit balance acme --json
	expect 0 '"available": "10"'
	run "$TALLY" credit ledger acme --json
	[ "$(printf '%s' "$output" | grep -c '"kind": "grant"')" -eq 3 ]
	run "$TALLY" fsck
	expect 0 "clean"
}

@test "usage that comes late is paid by the grant that counted then, though it has expired" {
	usage > u.csv
	for order in whole pieces reversed; do
		rm -rf t.db*
		export TALLY_DB=$DIR/t.db
		"$TALLY" credit account acme --plan vm0 --since 2026-09-01 -q
		"$TALLY" credit grant acme 5000 --id month --effective 2026-09-01 --expires 2026-09-15 -q
		"$TALLY" credit grant acme 2 --id rest --effective 2026-09-01 -q
		if [ $order = whole ]; then "$TALLY" ingest u.csv -q; fi
		for k in 1 2 3 4; do
			[ $order = reversed ] && from=$((5 - k)) || from=$k
			{ head -1 u.csv; tail -n +$((from * 100 - 98)) u.csv | head -100; } > p.csv
			[ $order = whole ] || "$TALLY" ingest p.csv -q
		done
		"$TALLY" credit balance acme --json >now.json || true
		"$TALLY" credit balance acme --at 2026-09-20 --json >then.json
		{ grep -E '"(available|owed|used|expired)"' now.json; grep -E '"(balance|used|expired|owed)"' then.json; } >$order
		run "$TALLY" fsck
		expect 0 "clean"
	done
	grep -q '"expired": "[1-9]' whole
	cmp whole pieces
	cmp whole reversed
	run "$TALLY" credit trace acme month
	expect 0 "expire"
}
