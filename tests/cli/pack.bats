#!/usr/bin/env bats
# Packs give the same answers as the traces they were made of, and damaged ones are refused.
load common

same() { # trace pack arguments...
	local trace=$1 pack=$2; shift 2
	"$TALLY" replay "$trace" "$@" --json >one || [ $? = 3 ]
	"$TALLY" replay "$pack" "$@" --json >two || [ $? = 3 ]
	cmp one two
}

@test "records: every grouping, period, plan and model" {
	cp "$ROOT/examples/sample.csv" s.csv
	run "$TALLY" pack s.csv
	expect 0 "4,001 calls" "s.csv.pack"
	for by in model window,model workload task session customer,day project,week hour; do same s.csv s.csv.pack --by $by; done
	same s.csv s.csv.pack
	same s.csv s.csv.pack --by workload --plan vm0
	same s.csv s.csv.pack --by model --remodel deepseek-v4-pro
	same s.csv s.csv.pack --by model,window --at 2026-09-01
	# neither end on a quarter of an hour
	same s.csv s.csv.pack --by model --since 2026-08-26T10:07:01Z --until 2026-08-29T00:00:01Z
	"$TALLY" whatif s.csv -s recorded -s pro=deepseek-v4-pro -s c=conversation:3:deepseek-v4-pro:deepseek-v4-flash --since 2026-08-26 --json >one
	"$TALLY" whatif s.csv.pack -s recorded -s pro=deepseek-v4-pro -s c=conversation:3:deepseek-v4-pro:deepseek-v4-flash --since 2026-08-26 --json >two
	cmp one two
	"$TALLY" sim fit s.csv >one
	"$TALLY" sim fit s.csv.pack >two
	cmp one two
}

@test "a price that changes within a quarter of an hour, prices by prompt length, rare counts and strangers" {
	cat >s.csv <<'END'
id,time,model,input,output,audio_input,effort
a,2026-08-31T23:59:59Z,deepseek-v4-flash,1000000,10,0,high
b,2026-09-01T00:00:01Z,deepseek-v4-flash,1000000,10,0,low
c,2026-09-01T00:07:30Z,nobody-9,5,5,0,
d,2026-09-01T00:07:30Z,claude-sonnet-4-5,300000,5,0,
e,2026-09-01T00:07:31Z,claude-sonnet-4-5,100,5,0,
END
	"$TALLY" pack s.csv -o p -q
	for by in model hour,model; do same s.csv p --by $by; done
	echo '{"rules": [{"when": {"effort": "high"}, "model": "deepseek-v4-pro"}], "otherwise": "recorded"}' >r.json
	"$TALLY" whatif s.csv -s r=rules:r.json --resamples 0 --json >one || [ $? = 3 ]
	"$TALLY" whatif p -s r=rules:r.json --resamples 0 --json >two || [ $? = 3 ]
	cmp one two
	sed 's/,0,/,7,/' s.csv >rare.csv
	sed -i 1s/audio_input/input_audio/ rare.csv
	"$TALLY" pack rare.csv -o q -q
	same rare.csv q --by model
	head -2 s.csv >t.csv; echo 'bad,2026-09-01,x,-5,1,0,' >>t.csv
	run "$TALLY" pack t.csv -o t.pack
	expect 3 "t.csv:3" "1 record refused and not packed"
}

@test "a pack whose blocks are listed one by one, as packs were, is read like one of runs" {
	printf '%s\n' '{"timestamp": 0, "input_length": 1100, "output_length": 7, "hash_ids": [5, 6, 7]}' \
		'{"timestamp": 1000, "input_length": 1500, "output_length": 7, "hash_ids": [5, 6, 9]}' \
		'{"timestamp": 2000, "input_length": 2100, "output_length": 7, "hash_ids": [5, 6, 9, 2, 7]}' >b.jsonl
	for args in "--curve" "--capacity 3" "--rule unit" "--capacity inf"; do
		"$TALLY" cache b.jsonl $args --json >one
		"$TALLY" cache "$ROOT/tests/cases/listed_blocks.pack" $args --json >two
		cmp one two
	done
	grep -q '"hit_blocks": 5, "hit_tokens": 2560' two
}

@test "blocks that only a refused line names do not keep a pack from being read" {
	printf '%s\n' '{"timestamp": 0, "input_length": 400, "output_length": 7, "hash_ids": [5]}' \
		'{"timestamp": 1000, "input_length": 400, "output_length": 7, "hash_ids": [6, 7, 8, 9]}' \
		'{"timestamp": 2000, "input_length": 900, "output_length": 7, "hash_ids": [5, 9]}' >b.jsonl
	run "$TALLY" pack b.jsonl -o b.pack
	[ "$status" = 3 ]
	"$TALLY" cache b.jsonl --capacity inf --json >one || [ $? = 3 ]
	"$TALLY" cache b.pack --capacity inf --json >two
	grep '"hit_tokens": 512' one
	grep -o '"results.*' one >three
	grep -o '"results.*' two | cmp - three
}

@test "block traces: caches, routes and replays" {
	cp "$ROOT/examples/sessions.jsonl" s.jsonl
	cp "$ROOT/examples/blocks.jsonl" b.jsonl
	for t in s b; do
		"$TALLY" pack $t.jsonl -o $t.pack -q
		for by in task model hour; do same $t.jsonl $t.pack --at 2026-06-15 -m deepseek-v4-flash --by $by; done
		for cache in infinite 300 200,ttl=60; do
			"$TALLY" whatif $t.jsonl --at 2026-06-15 --cache $cache -s p=deepseek-v4-pro -s m=every:5:deepseek-v4-pro:deepseek-v4-flash --json >one
			"$TALLY" whatif $t.pack --at 2026-06-15 --cache $cache -s p=deepseek-v4-pro -s m=every:5:deepseek-v4-pro:deepseek-v4-flash --json >two
			cmp one two
		done
		"$TALLY" cache $t.jsonl --curve --json >one
		"$TALLY" cache $t.pack --curve --json >two
		cmp one two
	done
	run "$TALLY" whatif s.pack -s p=deepseek-v4-pro
	expect 2 "--at"
	run "$TALLY" replay s.pack
	expect 2 "--at"
}

@test "what does not fit together is refused" {
	cp "$ROOT/examples/sample.csv" s.csv
	"$TALLY" pack s.csv -o p -q
	run "$TALLY" pack p
	expect 2 "is a pack already"
	run "$TALLY" replay p s.csv
	expect 2 "one after the other"
	run "$TALLY" replay p --map model=x
	expect 2 "names already"
	run "$TALLY" replay p --boundary completion
	expect 2 "instants of completion"
	run "$TALLY" cache p
	expect 1 "names no blocks"
	run "$TALLY" pack s.csv -o /nowhere/p
	expect 1 "/nowhere/p"
	run "$TALLY" pack nothing.csv
	expect 1 "nothing.csv"
}

@test "records of a pack whose instants cannot be are refused one by one" {
	"$TALLY" pack "$ROOT/examples/sample.csv" -o p -q
	run "$TALLY" replay p --at 9999-12-31T23:00:00Z --by task --json
	expect 3 '"file": "p"' 'the years 1 to 9999'
	[ "$(json records)" = "$("$TALLY" replay "$ROOT/examples/sample.csv" --at 9999-12-31T23:00:00Z --by task --json 2>/dev/null | sed -n 's/^ "records": \([0-9]*\).*/\1/p')" ]
}
@test "damaged packs are refused, or what is damaged is not needed" {
	head -300 "$ROOT/examples/sample.csv" >s.csv
	"$TALLY" pack s.csv -o p -q
	"$TALLY" replay p --by task,model --json >whole
	size=$(wc -c <p)
	refused=0
	for at in $(awk -v size="$size" 'BEGIN { srand(7); for (i = 0; i < 120; i++) print int(rand() * size) }') 0 9 13 21 100 $((size - 1)); do
		cp p bad
		printf "$(printf '\\%03o' $((($(od -An -tu1 -j "$at" -N 1 p) + 1) % 256)))" | dd of=bad bs=1 seek="$at" conv=notrunc status=none
		if "$TALLY" replay bad --by task,model --json >got 2>err; then cmp whole got; else
			[ $? -lt 3 ]
			refused=$((refused + 1))
		fi
	done
	[ $refused -gt 60 ]
	for n in 0 5 100 $((size / 2)) $((size - 1)); do
		head -c "$n" p >bad
		run "$TALLY" replay bad --by model
		[ "$status" -ne 0 ]
	done
}
