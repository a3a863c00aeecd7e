#!/usr/bin/env bats
# A forecast of what comes after a move to another model. Every figure is a calculation by hand.
load common
load server

@test "from the day of a move on, usage is priced on the target; before it and elsewhere as it was" {
	{
		echo id,time,model,input,cache_read,cache_write_5m,output
		for d in $(seq -w 1 28); do
			echo "p$d,2026-06-${d}T10:00:00Z,deepseek-v4-pro,1000000,1000000,0,100000"
			echo "c$d,2026-06-${d}T11:00:00Z,claude-sonnet-4-6,1000000,1000000,500000,100000"
		done
	} >t.csv
	"$TALLY" ingest --db t.db -q t.csv
	forecast() { run "$TALLY" forecast --db t.db --now 2026-06-29 --since 2026-07-01 --by 2026-07-11 -z UTC "$@"; }
	# ten days of 0.525625 (Pro) and 6.675 (Sonnet)
	forecast; expect 0 'in half of the draws' ' $72.01'
	# six of them on Flash: 0.1708, and 0.2408 with the writes as input
	forecast --move deepseek-v4-flash --move-on 2026-07-05
	expect 0 'in half of the draws' ' $31.27' '$3.13' '$28.14' 'from 2026-07-05 on, everything runs on deepseek-v4-flash' 'prices change on 2026-07-05'
	# all ten, one model: 10 x 0.2408 + 10 x 0.525625
	forecast --move claude-sonnet-4-6=deepseek-v4-flash
	expect 0 'in half of the draws' ' $7.66' 'from 2026-06-30 on, claude-sonnet-4-6 runs on'
	forecast --move claude-sonnet-4-6=deepseek-v4-flash --json
	expect 0 '"model": "claude-sonnet-4-6"' '"to": "deepseek-v4-flash"' '"on": "2026-06-30T00:00:00Z"' '"0.5": "7.66425"'
	[[ $output == *'"moves_nothing": false'* ]] || fail "$output"
	# the same model by another of its names
	forecast --move anthropic/claude-sonnet-4-6=deepseek-v4-flash --json
	expect 0 '"0.5": "7.66425"' '"moves_nothing": false'
	# a model that nothing ran on
	forecast --move gpt-4.1=deepseek-v4-flash; expect 0 ' $72.01' 'no past call ran on gpt-4.1: nothing moves'
	forecast --move gpt-4.1=deepseek-v4-flash --json; expect 0 '"moves_nothing": true'
	forecast --model deepseek-v4-pro --move claude-sonnet-4-6=deepseek-v4-flash --json; expect 0 '"moves_nothing": true'
	# to where writes are billed: 1 + 0.1 + 0.5 x 1.25 + 0.5 and, of Pro, 1 + 0.1 + 0.5
	forecast --move claude-haiku-4-5; expect 0 'in half of the draws' ' $38.25'
	# routes: a quarter on Flash (4.116) and the rest on Haiku (38.25); all on Flash and a twentieth of it on Haiku as well; half the price in a batch
	forecast --scenario mix=share:25%:deepseek-v4-flash:claude-haiku-4-5 --json; expect 0 '"0.5": "29.7165"' '"to": "share:25%:deepseek-v4-flash:claude-haiku-4-5"'
	forecast --scenario share:25%:deepseek-v4-flash:claude-haiku-4-5; expect 0 'runs on 25 % deepseek-v4-flash and 75 % claude-haiku-4-5' 'shares are of the cost'
	forecast --scenario escalate:0.05:deepseek-v4-flash:claude-haiku-4-5 --json; expect 0 '"0.5": "6.0285"'
	forecast --scenario escalate:5%:deepseek-v4-flash:claude-haiku-4-5; expect 0 'runs on deepseek-v4-flash, and 5 % of it on claude-haiku-4-5 as well'
	forecast --scenario batch:claude-haiku-4-5 --json; expect 0 '"0.5": "19.125"'
	# a part of the work alone: Sonnet's 2.225 a day on Haiku and a tenth of its 0.2408 on Flash as well, beside ten days of Pro
	forecast --move claude-sonnet-4-6=escalate:10%:claude-haiku-4-5:deepseek-v4-flash --json; expect 0 '"0.5": "27.74705"' '"model": "claude-sonnet-4-6"'
	forecast --scenario share:25%:deepseek-v4-flash:nope; expect 1 "model 'nope' is in no price card"
	forecast --scenario share:5%..8%:deepseek-v4-flash:claude-haiku-4-5; expect 2 'takes one share, not a range'
	forecast --scenario a=b=c; expect 2 'names two scenarios'
	forecast --move nope; expect 1 "--move: model 'nope' is in no price card"
	forecast --move deepseek-v4-flash --move-on 2026-06-01; expect 2 '--move-on must lie in the future'
	forecast --move-on 2026-07-01; expect 2 '--move-on needs --move'
}

@test "a server answers the same question" {
	local day=$(date -u +%s) k
	for k in $(seq 28); do
		printf '{"id":"a%s","time":"%s","model":"claude-sonnet-4-6","input":1000000}\n' "$k" "$(date -u -d "@$((day - 86400 * k))" +%Y-%m-%dT00:00:00Z)"
	done >t.jsonl
	"$TALLY" ingest -q t.jsonl
	serve
	ask="$URL/v1/forecast?since=$(date -u -d "@$((day + 2 * 86400))" +%F)&by=$(date -u -d "@$((day + 12 * 86400))" +%F)"
	get "$ask"; expect 0 '"0.5": "30"' 200
	get "$ask&move=claude-haiku-4-5"; expect 0 '"0.5": "10"' '"model": null' '"to": "claude-haiku-4-5"' 200
	get "$ask&move=claude-sonnet-4-6=claude-haiku-4-5&move_on=$(date -u -d "@$((day + 7 * 86400))" +%F)"
	expect 0 '"0.5": "20"' '"model": "claude-sonnet-4-6"' 200
	get "$ask&move=share:50%25:claude-haiku-4-5:claude-sonnet-4-6"; expect 0 '"0.5": "20"' 200
	get "$ask&move=nope"; expect 0 "model 'nope' is in no price card" 404
	get "$ask&move=claude-haiku-4-5&move_on=2026-01-01"; expect 0 'must lie in the future' 400
	get "$ask&move_on=2027-01-01"; expect 0 'move_on needs move' 400
}
@test "a forecast takes a period as its siblings do, and a scenario" {
	printf 'time,model,input,output\n' >t.csv
	for day in 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28; do printf '2026-06-%sT10:00:00Z,deepseek-v4-pro,1000000,0\n' $day; done >>t.csv
	export TALLY_DB=$DIR/t.db TZ=UTC
	"$TALLY" ingest t.csv -q
	run "$TALLY" forecast --now 2026-06-29 --until 2026-07 --json; expect 0 '"by": "2026-08-01T00:00:00Z"' '"since": "2026-06-01T00:00:00Z"'
	run "$TALLY" forecast --now 2026-06-29 --period 2026-07 --json; expect 0 '"by": "2026-08-01T00:00:00Z"' '"since": "2026-07-01T00:00:00Z"' '"spent": "0"'
	run "$TALLY" forecast --now 2026-06-29 --until 2026-07-31 --scenario flash=deepseek-v4-flash --json; expect 0 '"to": "deepseek-v4-flash"' '"on": "2026-06-30T00:00:00Z"'
	moved=$output
	run "$TALLY" forecast --now 2026-06-29 --by 2026-08-01 --move deepseek-v4-flash --json; expect 0
	[ "$output" = "$moved" ] || fail "--scenario is --move of everything"
	run "$TALLY" forecast --now 2026-06-29 --scenario every:2:a:b; expect 2 "'every:2:a:b' is not a scenario; write MODEL, batch:MODEL"
	run "$TALLY" forecast --now 2026-06-29 --until 2026-07 --by 2026-08-01; expect 2 'not both'
}
