#!/usr/bin/env bats
# Limits and budgets in several windows of time at once, and alarms at amounts.
load common

setup() {
	common_setup
	export TALLY_DB=$DIR/t.db
	cat >card.json <<'END'
{"schema":"tally.card/1","provider":"north","title":"made up","checked":"2026-01-01","models":{"n1":{}},"prices":[
 {"model":"n1","currency":"USD","from":"2023-01-01T00:00:00Z","source":"made up","sure":"test","rates":{"input":"1","output":"1"}}]}
END
}
# use ID HOURS_AGO DOLLARS
use() {
	printf '{"id":"%s","customer":"acme","model":"n1","provider":"north","input":%s000000,"time":"%s"}\n' "$1" "$3" \
		"$(date -u -d "$2 hours ago" +%FT%TZ)" >"$1.jsonl"
	"$TALLY" ingest "$1.jsonl" --prices card.json -q
}
limits() { "$TALLY" limit list --json | jq -c '[.limits[] | [.period, .limit, .spent]]'; }

@test "a customer has a limit for each period, and all of them hold" {
	"$TALLY" limit set acme --amount 10 --period month -q
	"$TALLY" limit set acme --amount 5 --period rolling-30h -q
	"$TALLY" limit set acme --amount 7 --period 'rolling 7d' -q
	use now 0 3
	use yesterday 20 1
	use earlier 50 2
	use before 400 9
	run limits
	[ "$(jq -c '[.[] | select(.[0] != "month")]' <<<"$output")" = '[["rolling 30h","5","4"],["rolling 7d","7","6"]]' ]
	"$TALLY" limit set acme --amount 6 --period 'rolling 30h' -q # the same period: changed
	[ "$("$TALLY" limit list --json | jq '.limits | length')" = 3 ]
	"$TALLY" limit clear acme --period month -q
	[ "$("$TALLY" limit list --json | jq -c '[.limits[].period]')" = '["rolling 30h","rolling 7d"]' ]
	run "$TALLY" limit clear acme --period year; expect 1 "no limit for 'year'"
	run "$TALLY" limit set acme --amount 1 --period 25h; expect 2 "did you mean 'rolling 25h'"
	for bad in fortnight 'rolling 5m' ''; do
		run "$TALLY" limit set acme --amount 1 --period "$bad"; expect 2 "is not one of: a number of hours"
		run "$TALLY" budget set b --amount 1 --period "$bad"; expect 2 "is not one of: a number of hours"
	done
	for period in 1h 2h 3h 4h 5h 6h; do "$TALLY" limit set acme --amount 1 --period $period -q; done
	run "$TALLY" limit set acme --amount 1 --period 7h; expect 1 "has 8 limits already"
	"$TALLY" limit clear acme -q
	[ "$(limits)" = '[]' ]
	run "$TALLY" fsck; expect 0
}

@test "windows of an account are in its zone, also when that changes, unless another one is named" {
	"$TALLY" credit account acme --plan vm0 --timezone Asia/Kolkata -q
	"$TALLY" limit set acme --amount 10 --period hour -q
	"$TALLY" budget set b --customer acme --amount 10 --period hour -q
	"$TALLY" budget set u --customer acme --amount 10 --period hour -z UTC -q
	at() { "$TALLY" budget status --json | jq -r '[.budgets[] | .budget + " " + .from[14:16]] | join(", ")'; }
	[ "$(at)" = 'b 30, u 00' ]
	[ "$("$TALLY" limit list --json | jq -r '.limits[0].from[14:16]')" = 30 ]
	"$TALLY" credit account acme --timezone 'UTC' -q
	[ "$(at)" = 'b 00, u 00' ]
}

@test "an alarm without a hook is told, once" {
	"$TALLY" budget set b --customer acme --amount 10 --soft 50 --soft-amounts 3 -q
	use one 0 6
	run "$TALLY" budget status; expect 0 "budget 'b' passed 3 USD: \$6 spent" "budget 'b' passed 50 %: \$6 spent"
	run "$TALLY" budget status; expect 0; [[ $output != *passed* ]]
	use two 0 5
	run "$TALLY" budget status; expect 4 "over"; [[ $output != *passed* ]] # 100 % is not among its percents
	run "$TALLY" fsck; expect 0
}

@test "an alarm at an amount rings once, whatever the budget becomes; a rolling one once what rang it has left" {
	"$TALLY" budget set b --customer acme --amount 100 --period 'rolling 30d' --soft 50 --soft-amounts 5,40 \
		--hook 'tee -a hook.json' -q
	use one 2 6
	run "$TALLY" budget status; expect 0 "budget 'b' passed 5 USD: \$6 spent" "soft"
	"$TALLY" budget set b --customer acme --amount 10 --period 'rolling 30d' --soft 50 --soft-amounts 5,40 \
		--hook 'tee -a hook.json' -q
	run "$TALLY" budget status; expect 0 "passed 50 %"
	refute_output_contains() { [[ $output != *"$1"* ]]; }
	refute_output_contains 'passed 5 USD'
	run "$TALLY" budget status; expect 0; refute_output_contains passed
	[ "$(jq -c '[.passed, .percent, .amount]' hook.json | tr '\n' ' ')" = '["5",null,"100"] [null,50,"10"] ' ]
	run "$TALLY" budget set b --amount 1 --soft-amounts 5,5; expect 2 "ascending amounts"
	run "$TALLY" fsck; expect 0
}
