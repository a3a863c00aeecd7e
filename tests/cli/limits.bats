#!/usr/bin/env bats
# Limits, hard budgets, holds and alarms, as customers who share them meet them.
# waits for hooks and writers that stand still
load common
load server

setup() {
	common_setup
	export TALLY_DB=$DIR/t.db
	cat >card.json <<'END'
{"schema":"tally.card/1","provider":"north","title":"made up","checked":"2026-01-01","models":{"n1":{}},"prices":[
 {"model":"n1","currency":"USD","from":"2023-01-01T00:00:00Z","source":"made up","sure":"test",
  "rates":{"input":"1","output":"1","input_audio":"10"},"fees":{"request":{"amount":"0.5","per":1}}}]}
END
}
cards() { serve_surely --prices card.json "$@"; }
post() { run curl -s -m 20 -w '\n%{http_code}' -d "$1" "$URL/v1/$2"; }

@test "a hard budget of everything, a project or a model counts the holds of every customer" {
	run "$TALLY" budget set all --amount 1 --hard; expect 0 'holds beyond it are refused'
	run "$TALLY" budget status; expect 0 'ok, hard'
	"$TALLY" budget set web --project web --amount 0.5 --hard -q
	"$TALLY" budget set model --model n1 --amount 0.7 --hard -q
	cards
	post '{"customer":"c1","project":"web","amount":"0.3"}' holds
	expect 0 '"state":"open"' 201
	post '{"customer":"c2","project":"web","amount":"0.3"}' holds
	expect 0 "budget 'web'" '0.3 held' 402
	post '{"customer":"c3","model":"n1","amount":"0.6"}' holds
	expect 0 201
	post '{"customer":"c4","model":"n1","amount":"0.11"}' holds
	expect 0 402
	post '{"customer":"c4","amount":"0.11"}' holds
	expect 0 "budget 'all'" '0.9 held' 402
	post '{"customer":"c5","amount":"0.1"}' holds
	expect 0 201
	run "$TALLY" budget status --json
	expect 0 '"held": "1"' '"held": "0.3"' '"held": "0.6"'
}

@test "a hard budget of a model counts it under every name: of clouds, gateways, snapshots, the newest one" {
	"$TALLY" budget set flash --model deepseek-v4-flash --amount 1 --hard -q
	serve_surely
	n=0
	for name in deepseek-v4-flash DeepSeek-V4-Flash deepseek/deepseek-v4-flash openrouter/deepseek/deepseek-v4-flash azure_ai/deepseek-v4-flash \
		deepseek-v4-flash@20260424 deepseek-v4-flash-latest bedrock/us-east-1/deepseek.deepseek-v4-flash deepseek-flash deepseek/deepseek-v4-flash:free; do
		post '{"customer":"c'$((n += 1))'","model":"'$name'","amount":"0.1"}' holds
		expect 0 '"state":"open"' 201
		post '{"customer":"c0","model":"'$name'","amount":"'0.$((10 - n))'1"}' holds
		expect 0 "budget 'flash' does not allow it: 0 of 1 spent, $([ $n = 10 ] && echo 1 || echo 0.$n) held" 402
	done
	run "$TALLY" budget status --json; expect 0 '"held": "1"'
	# of another model there is as much as anybody asks for
	post '{"customer":"c1","model":"claude-opus-4-6","amount":"5"}' holds; expect 0 201
	run "$TALLY" fsck; expect 0 clean
}

@test "usage under any name of a model is its budget's, its report's and its settlement's" {
	"$TALLY" budget set flash --model deepseek/deepseek-v4-flash --amount 100 --hard --period ever -q
	serve_surely
	now=$(date -u +%Y-%m-%dT%H:%M:%SZ) n=0
	for name in deepseek-v4-flash deepseek/deepseek-v4-flash openrouter/deepseek/deepseek-v4-flash DEEPSEEK-V4-FLASH; do
		post '{"id":"r'$((n += 1))'","time":"'$now'","model":"'$name'","customer":"acme","input":1000000}' usage; expect 0 200
	done
	post '{"id":"h","customer":"acme","model":"deepseek-flash","input":1000000,"output":0}' holds; expect 0 201
	post '{"id":"r5","time":"'$now'","model":"deepseek-v4-flash@20260424","input":1000000}' holds/h/settle; expect 0 200
	post '{"id":"o","time":"'$now'","model":"claude-opus-4-6","customer":"acme","input":1000000}' usage; expect 0 200
	for name in deepseek-v4-flash openrouter/deepseek/deepseek-v4-flash deepseek-flash; do
		"$TALLY" usage --model $name --json >u.json
		[ "$(jq -r .records u.json)" = 5 ] || fail "$name: $(cat u.json)"
	done
	spent=$("$TALLY" budget status --json | jq -r '.. | .spent? // empty' | head -1)
	[ "$spent" = "$(jq -r .total u.json)" ] || fail "the budget says $spent, the report $(cat u.json)"
	[ "$("$TALLY" records --model deepseek-flash --json | jq '.records | length')" = 5 ] || fail "$("$TALLY" records --model deepseek-flash --json)"
}

@test "a name that the cards learn later counts for its model from then on, in open holds too" {
	sed 's/"models":{"n1":{}}/"models":{"n1":{}},"aliases":[{"alias":"house-2","model":"n1","from":"2023-01-01T00:00:00Z","source":"made up"}]/' card.json >later.json; mkdir new; mv later.json new/card.json
	"$TALLY" budget set n --model n1 --amount 1 --hard -q
	"$TALLY" price install card.json --scope database -q
	serve_surely
	post '{"customer":"c1","model":"house-2","amount":"0.6"}' holds; expect 0 201
	run "$TALLY" budget status --json; expect 0 '"held": "0"'
	"$TALLY" price install new/card.json --scope database -q
	for i in $(seq 50); do grep -q prices_changed serve.log && break; sleep 0.1; done
	post '{"customer":"c2","model":"n1","amount":"0.5"}' holds
	expect 0 "0.6 held" 402
	run "$TALLY" budget status --json; expect 0 '"held": "0.6"'
	# and when the cards forget it again, it is what it was sent as
	"$TALLY" budget set h --model house-2 --amount 1 --hard -q
	"$TALLY" price install card.json --scope database -q
	for i in $(seq 50); do [ "$(grep -c prices_changed serve.log)" = 2 ] && break; sleep 0.1; done
	post '{"customer":"c2","model":"house-2","amount":"0.5"}' holds
	expect 0 "budget 'h'" "0.6 held" 402
	post '{"customer":"c2","model":"n1","amount":"1"}' holds
	expect 0 201
	run "$TALLY" fsck; expect 0 clean
}

@test "a settlement counts where its hold did: with another instant, another project, or no price" {
	"$TALLY" limit set acme --amount 10 --period month -q
	"$TALLY" budget set web --project web --amount 10 --hard -q
	cards
	for h in past unpriced elsewhere; do post '{"id":"'$h'","customer":"acme","project":"web","amount":"2"}' holds; expect 0 201; done
	# a million tokens are $1, a request 0.5
	post '{"id":"u1","time":"2026-01-15T00:00:00Z","model":"n1","project":"web","input":1000000}' holds/past/settle
	expect 0 '"spent":"1.5"' '"held":"4"' 200
	post '{"id":"u2","model":"nobody-knows","project":"web","input":1}' holds/unpriced/settle
	expect 0 '"spent":"3.5"' '"held":"2"' '"unpriced":1' 200
	post '{"id":"u3","model":"n1","project":"other","input":1000000}' holds/elsewhere/settle
	expect 0 '"spent":"5"' '"held":"0"' 200
	run "$TALLY" budget status --json
	expect 3 '"spent": "5"' '"held": "0"' '"unpriced": 1'
	# what is reversed is spent nowhere
	"$TALLY" void u2 --why test -q
	run "$TALLY" limit list --json
	expect 0 '"spent": "3"'
	post '{"customer":"acme","amount":"7"}' holds
	expect 0 201
	run "$TALLY" fsck
	expect 0 clean
}

@test "a hold that had expired and is settled late counts in its period too" {
	"$TALLY" limit set acme --amount 10 --period day -q
	cards
	post '{"id":"h","customer":"acme","amount":"2","expires_in":1}' holds
	expect 0 201
	sleep 1.1
	post '{"id":"u","model":"nobody-knows","input":1}' holds/h/settle
	expect 0 200
	post '{"id":"u","model":"nobody-knows","input":1}' holds/h/settle
	expect 0 '"spent":"2"' '"held":"0"' 200
}

@test "rarer buckets and fees of several requests count in limits and budgets as in reports" {
	"$TALLY" limit set acme --amount 100 --period month -q
	"$TALLY" budget set all --amount 100 -q
	now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	record() { printf '{"id":"%s","time":"%s","customer":"acme","model":"n1","input":1000000,"input_audio":100000,"requests":3}\n' "$1" "$now"; }
	record a | "$TALLY" ingest - --prices card.json -q
	cards
	post '{"id":"h","customer":"acme","amount":"1"}' holds
	expect 0 '"spent":"3.5"' 201
	# what comes between two questions counts the same
	record b | "$TALLY" ingest - --prices card.json -q
	post '{"id":"h2","customer":"acme","amount":"1"}' holds
	expect 0 '"spent":"7"' 201
	run "$TALLY" usage --json
	expect 0 '"total": "7"'
	run "$TALLY" budget status --json
	expect 0 '"spent": "7"'
	run "$TALLY" limit list --json
	expect 0 '"spent": "7"'
}

@test "what is in another currency is refused when it is set, refuses holds, and silences nothing else" {
	printf '{"id":"a","time":"%s","customer":"acme","model":"n1","input":1000000}\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >u.jsonl
	"$TALLY" budget set early --amount 100 --currency EUR --project web --hard -q
	"$TALLY" budget set first --amount 100 --currency EUR --hard -q
	"$TALLY" budget set mine --amount 1 --soft 50 --hook "cat >> $DIR/told" -q
	"$TALLY" ingest u.jsonl --prices card.json -q
	run "$TALLY" budget set late --amount 100 --currency EUR --hard
	expect 1 'EUR' '1 record of its period in another currency'
	run "$TALLY" limit set acme --amount 100 --currency EUR
	expect 1 "the limit of 'acme' is in EUR" 'there are records of its period in another currency'
	run "$TALLY" budget status
	expect 1 "budget 'first' is in EUR" 'unknown' 'over' "budget 'mine' passed 50 %"
	[ "$(wc -l <told)" -eq 1 ]
	cards
	post '{"customer":"acme","amount":"1"}' holds
	expect 0 "budget 'first' is in EUR and cannot judge a hold in USD" 402
	"$TALLY" budget clear first -q
	post '{"customer":"acme","amount":"1"}' holds
	expect 0 201
	post '{"customer":"acme","project":"web","amount":"1"}' holds
	expect 0 "budget 'early'" 402
	"$TALLY" limit set beta --amount 10 --currency EUR -q
	post '{"customer":"beta","amount":"1"}' holds
	expect 0 "the limit of 'beta' is in EUR" 402
}

@test "holds of more than a sum holds are sums all the same" {
	"$TALLY" budget set all --amount 9000000 --hard -q
	cards
	for i in 1 2 3; do post '{"customer":"c'$i'","amount":"3000000"}' holds; expect 0 201; done
	post '{"customer":"c4","amount":"9000000"}' holds
	expect 0 "budget 'all'" '9000000 held' 402
	"$TALLY" budget clear all -q
	for i in 5 6 7; do post '{"customer":"c'$i'","amount":"9000000"}' holds; expect 0 201; done
	post '{"customer":"c5","amount":"9000000"}' holds
	expect 0 '"held":"18000000"' 201
}

@test "a hook that hangs holds up no other alarm, and is killed after 30 seconds with what it started" {
	printf '{"id":"a","time":"%s","customer":"acme","model":"n1","input":1000000}\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" | "$TALLY" ingest - --prices card.json -q
	"$TALLY" budget set a --amount 1 --soft 50 --hook "sleep 333 & echo \$! >$DIR/child; cat >/dev/null; wait" -q
	"$TALLY" budget set b --amount 1 --soft 50,100 --hook "cat >>$DIR/told" -q
	"$TALLY" budget set c --amount 1 --soft 50 --hook true -q
	cards
	for i in $(seq 80); do [ -s told ] && [ "$(wc -l <told)" -eq 2 ] && break; sleep 0.1; done
	[ "$(wc -l <told)" -eq 2 ] || fail "told: $(cat told serve.log)"
	kill -0 "$(cat child)"
	first=$(cat child)
	for i in $(seq 400); do grep -q budget_hook_failed serve.log && break; sleep 0.1; done
	grep -q 'budget_hook_failed.*a passed 50' serve.log || fail "$(cat serve.log)"
	# ended, whoever waits for it, if anybody does
	ended() { ! kill -0 "$first" 2>/dev/null || [[ "$(ps -o stat= -p "$first")" = Z* ]]; }
	for i in $(seq 50); do ended && break; sleep 0.1; done
	ended
	# the server does not wait for what it tried again
	before=$SECONDS
	stop
	[ $((SECONDS - before)) -lt 10 ]
}

@test "a command waits for another writer as long as it says" {
	command -v python3 >/dev/null || skip "no python3"
	on_server && skip "a file only"
	echo '{"id":"a","time":"2026-06-15T00:00:00Z","model":"n1","input":1}' >a.jsonl
	"$TALLY" ingest a.jsonl --prices card.json -q
	python3 -c 'import sqlite3, sys, time
c = sqlite3.connect("t.db", isolation_level=None); c.execute("BEGIN IMMEDIATE"); open("locked", "w").close(); time.sleep(100)' 3>&- & pid=$!
	for i in $(seq 50); do [ -e locked ] && break; sleep 0.1; done
	before=$SECONDS
	echo '{"id":"b","time":"2026-06-15T00:00:00Z","model":"n1","input":1}' >b.jsonl
	run timeout 90 "$TALLY" ingest b.jsonl --prices card.json
	expect 1 'another process has held the write lock for 30 seconds'
	[ $((SECONDS - before)) -ge 29 ] && [ $((SECONDS - before)) -le 40 ] || fail "waited $((SECONDS - before)) s"
	kill "$pid"; wait "$pid" || true
	run "$TALLY" ingest b.jsonl --prices card.json
	expect 0 "1 accepted"
}

@test "draft --all and finalize --all go on past what fails, report it, and leave no gap" {
	command -v sqlite3 >/dev/null || skip "no sqlite3 shell"
	on_server && skip "the fault is made in a file"
	for c in a b c; do
		"$TALLY" credit account $c --plan vm0 --overage debt --since 2026-06-01 -q
		echo '{"id":"'$c'","time":"2026-06-15T01:00:00Z","customer":"'$c'","model":"deepseek-v4-flash","input":1000000}' | "$TALLY" ingest - -q
	done
	cp t.db before.db
	sqlite3 t.db "UPDATE credit_account SET zone='Nowhere/None' WHERE customer='b'"
	run "$TALLY" invoice draft --all --period 2026-06
	expect 1 "tally: b: time zone 'Nowhere/None'" '#2'
	cp before.db t.db
	"$TALLY" invoice draft --all --period 2026-06 -q
	# fails after its number was taken
	sqlite3 t.db "CREATE TRIGGER broken BEFORE UPDATE ON invoice WHEN old.customer='b' BEGIN SELECT raise(ABORT,'it is broken'); END"
	run "$TALLY" invoice finalize --all
	expect 1 'tally: b, 2026-06-01 to 2026-06-30 (#2): ' 'it is broken' '2026-000001' '2026-000002'
	sqlite3 t.db "DROP TRIGGER broken"
	run "$TALLY" invoice finalize --all
	expect 0 '2026-000003'
	run "$TALLY" fsck
	expect 0 clean
}

@test "a hook ends with all that it started, whatever it prints, closes or ignores, and the others are told" {
	now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	echo '{"id":"a","time":"'$now'","model":"claude-opus-4-6","customer":"acme","input":1000000}' | "$TALLY" ingest -q -
	set_hook() { "$TALLY" budget set "$1" --amount 0.01 --soft 50 --hook "$2" -q; }
	set_hook left 'sleep 300 & echo $! >left.pid; exit 0'
	set_hook crowd 'for i in 1 2 3 4 5 6 7 8; do (trap "" TERM HUP PIPE; exec >&- 2>&-; sleep 300) & done; sleep 1; exit 0'
	set_hook flood 'yes flood'
	set_hook deaf 'trap "" PIPE; i=0; while [ $i -lt 200000 ]; do echo flood; i=$((i+1)); done 2>/dev/null; touch deaf.done'
	set_hook killed 'kill -9 $$'
	set_hook good 'cat >good.json; echo well; printf "no newline"'
	run timeout 60 "$TALLY" budget status; [ "$status" != 124 ] || fail "it waits for what a hook left"
	[ -s good.json ] && [ -e deaf.done ] || fail "the others were not told: $output"
	[[ $output == *well* && $output == *"no newline"$'\n'* ]] || fail "$output"
	[ ${#output} -lt 200000 ] || fail "${#output} bytes of what hooks print"
	left() { ps -eo pid,args | grep '[s]leep 300' | while read -r pid rest; do [ "$(readlink /proc/$pid/cwd)" != "$PWD" ] || echo $pid; done; }
	for i in $(seq 50); do [ -n "$(left)" ] || break; sleep 0.1; done
	[ -s left.pid ] && [ -z "$(left)" ] || fail "what a hook started goes on: $(left)"
}

@test "a hook that hangs for a hundred budgets holds up no other" {
	echo '{"id":"a","time":"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'","model":"claude-opus-4-6","customer":"acme","input":1000000}' | "$TALLY" ingest -q -
	for i in $(seq 100); do "$TALLY" budget set h$i --amount 0.01 --soft 50 --hook 'exec sleep 300' -q; done
	"$TALLY" budget set last --amount 0.01 --soft 50 --hook 'cat >told' -q
	serve_surely
	for i in $(seq 100); do [ -s told ] && break; sleep 0.1; done
	[ -s told ] || fail "not told in ten seconds"
	stop
}
