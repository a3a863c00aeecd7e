#!/usr/bin/env bats
# The figure of a what-if that a reader takes: one, wherever it is shown.
load common
setup() {
	common_setup
	# 30 seconds, ten minutes and 30 seconds after each other, the last one shorter than all before (tests/cli/caches.bats has the sums)
	cat >t.csv <<-'END'
	time,model,session,input,output
	2026-06-15T00:00:00Z,no-such-model,a,64000,0
	2026-06-15T00:00:30Z,no-such-model,a,64640,0
	2026-06-15T00:10:30Z,no-such-model,a,65280,0
	2026-06-15T00:11:00Z,no-such-model,a,6400,0
	END
}

# headline NAME MEMBER: of that scenario of r.json, without spaces
headline() { tr -d '\n ' <r.json | sed "s/.*\"name\":\"$1\"//; s/.*\"headline\":{//; s/}.*//" | grep -o "\"$2\":\"[^\"]*\"" | head -n 1 | cut -d'"' -f4; }

@test "what is expected is the headline of the JSON, the table, CSV and a saved comparison; what is certain is its own" {
	ask() { "$TALLY" whatif t.csv -s flash=deepseek-v4-flash -s sonnet=claude-sonnet-4-6 --resamples 0 "$@"; }
	ask --json >r.json
	[ "$(headline sonnet total)" = 0.54628725 ] && [ "$(headline sonnet verdict)" = dearer ] || fail "$(cat r.json)"
	grep -q '"verdict": "baseline"' r.json
	# 0.54628725 - 0.0104644036
	[ "$(headline sonnet delta)" = 0.5358228464 ] || fail "$(headline sonnet delta)"
	run ask
	expect 0 '$0.5463' '+$0.5358' "cache hits of 3 of the calls are not certain; the cost expects as much rewriting as in recorded sessions"
	run ask --csv
	expect 0 "low,high,headline" ",0.54628725"
	# the same question again has changed nothing, and neither has one that an older version kept
	ask --save base.json >/dev/null
	run ask --against base.json --json
	expect 0 '"what": "same"'
	[[ $output != *'"what": "changed"'* ]]
	tr -d '\n' <base.json | sed 's/"headline": {[^}]*}, *//g' >old.json
	run grep -c headline old.json
	expect 1 0
	run ask --against old.json --json
	expect 0 '"old": "0.5304"' '"new": "0.5304"'
	[[ $output != *'"what": "changed"'* ]]
	# prompts that a record proves are what they are
	run "$TALLY" whatif t.csv -s none=claude-sonnet-4-6 --cache none --resamples 0 --json
	expect 0 '"total": "0.60096"' '"headline": {"total": "0.60096"'
}

@test "a difference whose sign hangs on hits that are not known is not certain" {
	# one model dearer by three hundredths, whose cache bills nothing to write and keeps nothing of what is rewritten
	card() {
		printf '{"schema": "tally.card/1", "provider": "v", "caches": [{"models": ["a"], "asked_by": "nobody", "minimum_tokens": 0, "lifetimes": [{"seconds": 300}], "source": "s", "sure": "s"}],
		 "prices": [{"model": "a", "currency": "USD", "rates": {"input": "10", "cache_read": "1", "output": "1"}, "source": "s", "sure": "s"},
		 {"model": "b", "currency": "USD", "rates": {"input": "%s", "cache_read": "%s", "output": "1"}, "source": "s", "sure": "s"}]}' "$1" "$1" >card.json
	}
	# a: 0.064 x 10, then 64,000 of 64,640 found and 64,640 of 65,280 not (ten minutes), 6,400 found by length: what is rewritten costs more
	verdict() {
		card "$1"
		"$TALLY" whatif t.csv --prices card.json -s b=v/b -s a=v/a --resamples 0 --json >r.json
		headline a verdict
	}
	[ "$(verdict 20)" = cheaper ] && [ "$(verdict 2)" = dearer ] || fail "$(cat r.json)"
	low=$(tr -d '\n ' <r.json | grep -o '"total_low":"[^"]*"' | tail -n 1 | cut -d'"' -f4)
	high=$(tr -d '\n ' <r.json | grep -o '"total_high":"[^"]*"' | tail -n 1 | cut -d'"' -f4)
	# a price of b between the two bounds of a
	between=$(awk -v l="$low" -v h="$high" 'BEGIN { printf "%.4f", (l + h) / 2 / 0.20032 }')
	[ "$(verdict "$between")" = notcertain ] || fail "$low $high $between $(cat r.json)"
	run "$TALLY" whatif t.csv --prices card.json -s b=v/b -s a=v/a --resamples 0
	expect 0 "a: those hits decide whether it is cheaper than b"
}
