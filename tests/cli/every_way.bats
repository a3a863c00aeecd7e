#!/usr/bin/env bats
# The same call costs the same everywhere: random calls with every dimension, against a reference of its own in another language.
load common

@test "random calls cost the same by every command that prices, and what the reference says" {
	command -v node >/dev/null || skip "no node"
	seed=${SEED:-$RANDOM}
	# 5: a rule of regions that holds everywhere but where the card has prices by region
	for i in 5 "$seed" $((seed + 1)); do
		run timeout 1200 node "$ROOT/tests/support/every_way.mjs" "$TALLY" "$i" "${CALLS:-200}"
		expect 0 "calls by every way"
	done
}
@test "on another model what was written is input where that model bills no writes: in replays, packs and what-ifs" {
	printf 'time,model,input,cache_write_5m,cache_write_1h,output\n2026-06-15T00:00:00Z,claude-sonnet-4-6,10,1000000,500,10\n' >t.csv
	"$TALLY" pack t.csv -o p -q
	for m in deepseek-v4-flash gemini-2.5-pro; do
		want=$("$TALLY" whatif t.csv -s $m --resamples 0 --csv -q | sed -n 2p | cut -d, -f4-10)
		for source in t.csv p "t.csv --reference" "t.csv --threads 3"; do
			[ "$("$TALLY" replay $source --remodel $m --csv -q | sed -n 2p | cut -d, -f2-7,9)" = "$want" ] || fail "$m, $source: not $want"
		done
	done
	# what bills them keeps them, and what was recorded stays as it was
	for m in claude-opus-4-6 claude-sonnet-4-6; do
		run "$TALLY" replay t.csv --remodel $m --csv
		expect 0 "1,10,0,1000000,500,10"
	done
}
