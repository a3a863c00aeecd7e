#!/usr/bin/env bats
# tally cache on traces written here and, where they are, on public ones with known answers.
load common

trace() {
	cat > t.jsonl <<'END'
{"timestamp": 0, "input_length": 1100, "output_length": 5, "hash_ids": [1, 2, 3]}
{"timestamp": 1000, "input_length": 1600, "output_length": 5, "hash_ids": [1, 2, 4, 5]}
{"timestamp": 900000, "input_length": 1100, "output_length": 5, "hash_ids": [1, 2, 3]}
END
}

@test "a table, JSON and CSV say the same" {
	trace
	run "$TALLY" cache t.jsonl --capacity 2,inf
	expect 0 "2,124" "0.558947" "3 requests of a mooncake trace" "3,800 input tokens"
	run "$TALLY" cache t.jsonl --capacity 2,inf --json
	expect 0 '"schema": "tally.cache/1"' '"capacity": 2' '"capacity": null' '"hit_tokens": 2124' '"hit_ratio": "0.558947"'
	run "$TALLY" cache t.jsonl --capacity 2,inf --csv
	expect 0 "capacity,hit_blocks,hit_tokens,hit_ratio" "inf,5,2124,0.558947"
}

@test "the curve, as a plot and as numbers" {
	trace
	run "$TALLY" cache t.jsonl --curve
	expect 0 "CAPACITY" "HIT RATIO" "####"
	run "$TALLY" cache t.jsonl --curve --csv
	expect 0 "5,5,2124,0.558947"
}

@test "time to live ends inclusively, and full blocks only" {
	trace
	run "$TALLY" cache t.jsonl --ttl 899 --csv
	expect 0 "inf,4,2048,"
	run "$TALLY" cache t.jsonl --ttl 898 --csv
	expect 0 "inf,2,1024,"
	run "$TALLY" cache t.jsonl --hits full --csv
	expect 0 ",2048,"
}

@test "what is not understood is refused with the choice" {
	trace
	run "$TALLY" cache t.jsonl --capacity none
	expect 2 "--capacity" "'none'"
	run "$TALLY" cache t.jsonl --rule sometimes
	expect 2 "--rule"
	run "$TALLY" cache t.jsonl --curve --scope conversation
	expect 2 "--curve"
	run "$TALLY" cache t.jsonl --curve --capacity 4
	expect 2 "--capacity"
	run "$TALLY" cache absent.jsonl
	[ "$status" -ne 0 ]
	expect "$status" "absent.jsonl"
	run "$TALLY" cache t.jsonl --block 1024
	[ "$status" -ne 0 ]
	expect "$status" "t.jsonl:1" "--block"
}

@test "public traces give their known answers" {
	traces=$ROOT/../shared/traces
	[ -d "$traces" ] || skip "no traces beside the project"
	m=$(find "$traces" -name 'mooncake_synthetic*' | head -n 1)
	[ -n "$m" ] || skip "no Mooncake trace"
	run "$TALLY" cache "$m" --capacity inf,1000,10000 --csv
	expect 0 ",39852661," ",5245479," ",26421660,"
	run "$TALLY" cache "$m" --capacity 1000 --touch forward --csv
	expect 0 ",5142055,"
	run "$TALLY" cache "$m" --hits full --csv
	expect 0 ",39802880,"
}

@test "public agent sessions, each conversation with a cache of its own" {
	a=$ROOT/../shared/traces/agent_sessions_150.jsonl
	[ -f "$a" ] || skip "no traces beside the project"
	run "$TALLY" cache "$a" --scope conversation --csv
	expect 0 ",1078645376,"
}
@test "lines that are no request are named and left out; the others count, in every command" {
	head -n 40 "$ROOT/examples/sessions.jsonl" >good.jsonl
	{ echo '{"cut":'; head -n 20 good.jsonl; echo 'c,n,i'; sed -n 1p good.jsonl | sed 's/"in":/"inn":/'; sed -n 2p good.jsonl | sed 's/}$/} x/'; sed -n 3p good.jsonl | sed 's/"in":[0-9]*/"in":5/'; tail -n 20 good.jsonl; } >bad.jsonl
	for how in "cache --capacity 50,inf" "replay --at 2026-06-15 --cache 50 --by task" "whatif --at 2026-06-15 --cache 50 -s p=deepseek-v4-pro --resamples 0"; do
		"$TALLY" ${how%% *} good.jsonl ${how#* } --csv >want
		run "$TALLY" ${how%% *} bad.jsonl ${how#* } --csv
		expect 3 'bad.jsonl:1: not valid JSON' "bad.jsonl:22: not valid JSON" "bad.jsonl:23: field 'in' is missing" 'bad.jsonl:24: not valid JSON' 'bad.jsonl:25: the prompt of 5 tokens has' '5 records refused and not counted'
		"$TALLY" ${how%% *} bad.jsonl ${how#* } --csv 2>/dev/null | cmp - want
	done
	run "$TALLY" cache bad.jsonl --json
	expect 3 '"quarantined": 5'
	{ printf '\xef\xbb\xbf'; cat good.jsonl; } >mark.jsonl
	[ "$("$TALLY" cache mark.jsonl --csv)" = "$("$TALLY" cache good.jsonl --csv)" ]
	grep -v '^{"c"' bad.jsonl >none.jsonl
	run "$TALLY" cache none.jsonl
	expect 1 'none.jsonl:1: not valid JSON'
}
@test "block traces come by the one stream: compressed, from a pipe, with escapes, in the order of lines whichever way they are read" {
	head -n 40 "$ROOT/examples/sessions.jsonl" >t.jsonl
	"$TALLY" cache t.jsonl --csv >want
	gzip -c t.jsonl >t.jsonl.gz
	"$TALLY" cache t.jsonl.gz --csv | cmp - want
	"$TALLY" cache - --csv <t.jsonl | cmp - want
	if command -v zstd >/dev/null; then
		zstd -q t.jsonl
		"$TALLY" cache t.jsonl.zst --csv | cmp - want
	fi
	# every other line is for the strict reader: its key is written with an escape
	awk 'NR % 2 { sub(/"m":/, "\"\\u006d\":") } { print }' t.jsonl >e.jsonl
	grep -c u006d e.jsonl
	"$TALLY" cache e.jsonl --csv | cmp - want
	"$TALLY" whatif e.jsonl --at 2026-06-15 --cache 50 -s p=deepseek-v4-pro --resamples 0 --csv >got
	"$TALLY" whatif t.jsonl --at 2026-06-15 --cache 50 -s p=deepseek-v4-pro --resamples 0 --csv | cmp - got
}
@test "a request that does not say its answer is refused by every reader, not counted as none" {
	printf '%s\n' '{"timestamp":0,"input_length":512,"output_length":1,"hash_ids":[1]}' '{"timestamp":1,"input_length":512,"hash_ids":[1]}' >t.jsonl
	for how in "cache t.jsonl" "replay t.jsonl --at 2026-06-15 -m deepseek-v4-pro" "replay t.jsonl --at 2026-06-15 -m deepseek-v4-pro --cache 50" \
		"whatif t.jsonl --at 2026-06-15 -m deepseek-v4-pro -s p=deepseek-v4-pro --resamples 0"; do
		run "$TALLY" $how
		expect 3 "t.jsonl:2: field 'output_length' is missing"
	done
}
@test "a request names at most a million blocks, in one range or in several" {
	row() { printf '{"timestamp":0,"input_length":600000000,"output_length":1,"hash_ids":"%s"}\n' "$1"; }
	row 0-1048575 >most.jsonl
	run "$TALLY" cache most.jsonl --capacity inf --json
	expect 0 '"requests": 1'
	for blocks in 0-1048576 0-1000000,2000000-2048576 0-9223372036854775807; do
		row "$blocks" >over.jsonl
		run "$TALLY" cache over.jsonl --capacity inf
		expect 1 'over.jsonl:1' 'more than 1048576 blocks'
	done
	row 9-3 >over.jsonl
	run "$TALLY" cache over.jsonl --capacity inf
	expect 1 'are not a range'
}
