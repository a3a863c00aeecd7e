#!/usr/bin/env bats
# What block traces say besides blocks: marks of what is kept, customers, delays; in traces and packs.
load common

@test "a pack keeps marks and customers: caches, scopes, periods and groupings are those of the trace" {
	echo '{"start": "2026-10-01", "days": 2, "classes": [
		{"model": "claude-sonnet-4-6", "customer": "acme", "sessions_per_day": 12, "arrivals": "steady", "calls": 6, "first_prompt": 6000, "added": 700, "output": 100, "shared_prompt": 5000, "gap_seconds": {"values": [30, 700]}},
		{"model": "claude-sonnet-4-6", "customer": "umbra", "sessions_per_day": 12, "arrivals": "steady", "calls": 6, "first_prompt": 6000, "added": 700, "output": 100, "shared_prompt": 5000}]}' > p.json
	"$TALLY" sim generate p.json --blocks -o t.jsonl -q
	"$TALLY" pack t.jsonl -o t.pack -q
	while read -r command; do
		[ "$command" ] || continue
		"$TALLY" ${command/FILE/t.jsonl} > one
		"$TALLY" ${command/FILE/t.pack} > two
		cmp one two || fail "$command"
	done <<'END'
whatif FILE --at 2026-06-15 --cache vendor -s claude-sonnet-4-6 -s deepseek-v4-flash --resamples 0 --csv
whatif FILE --at 2026-06-15 --cache vendor --scope customer -s deepseek-v4-flash --resamples 0 --csv
whatif FILE --at 2026-06-15 --until 2026-06-15T20:00:00Z --cache vendor --scope customer -s deepseek-v4-flash --resamples 0 --csv
replay FILE --at 2026-06-15 --cache vendor --by customer,model --csv -q
replay FILE --at 2026-06-15 --by customer,model --csv -q
cache FILE --scope customer --json
sim fit FILE --at 2026-06-15
END
	# marks decide: without them a client's cache keeps the prompt to its end
	sed 's/"breakpoints":\[[0-9,]*\],//' t.jsonl > unmarked.jsonl
	sed 's/"breakpoints":\[\([0-9]*\),[0-9]*\]/"breakpoints":[\1]/' t.jsonl > head.jsonl
	"$TALLY" pack head.jsonl -o t.pack -q
	for t in unmarked.jsonl head.jsonl t.pack; do
		"$TALLY" replay $t --at 2026-06-15 --cache vendor --csv -q | cut -d, -f1-5 > $t.csv
	done
	cmp head.jsonl.csv t.pack.csv
	run cmp unmarked.jsonl.csv t.pack.csv
	[ "$status" -eq 1 ]
}

@test "a pack whose marks lie outside their prompts is damaged" {
	command -v python3 > /dev/null && command -v zstd > /dev/null || skip "there is no python3 or no zstd"
	for i in 0 1; do printf '{"timestamp":%d,"input_length":1024,"output_length":1,"hash_ids":[0,1],"customer":"acme","breakpoints":[512,1024]}\n' $i; done > t.jsonl
	"$TALLY" pack t.jsonl -o t.pack -q
	for change in '257 0 5' '257 4 3' '257 8 9' '258 0 2000' '258 8 100'; do
		python3 - $change <<'PY'
import struct, subprocess, sys, zlib
kind, at, value = map(int, sys.argv[1:])
b = bytearray(open('t.pack', 'rb').read())
sections, directory = struct.unpack_from('<QQ', b, 64)
for s in range(sections):
    place = directory + s * 56
    k, _, offset, stored, raw, _, compressed = struct.unpack_from('<IIQQQII', b, place)
    if k == kind:
        data = subprocess.run(['zstd', '-dc'], input=bytes(b[offset:offset + stored]), stdout=subprocess.PIPE, check=True).stdout if compressed else bytes(b[offset:offset + stored])
        data = bytearray(data)
        struct.pack_into('<I' if kind == 257 else '<Q', data, at, value)
        new = len(b)
        tail = bytes(b[directory:])
        b = b[:directory] + data + b'\0' * (-len(data) % 16) + tail
        moved = len(b) - len(tail)
        struct.pack_into('<QQQII', b, moved + s * 56 + 8, directory, len(data), len(data), zlib.crc32(bytes(data)), 0)
        struct.pack_into('<QQ', b, 72, moved, len(b))
        struct.pack_into('<I', b, 144, zlib.crc32(bytes(b[moved:])))
        struct.pack_into('<I', b, 148, zlib.crc32(bytes(b[:148])))
open('hurt.pack', 'wb').write(b)
PY
		run "$TALLY" whatif hurt.pack --at 2026-06-15 --cache vendor -s claude-sonnet-4-6
		expect 1 "damaged"
	done
}

@test "each call of a session that waits is priced at its own instant" {
	price() { printf '{"model": "m", "currency": "USD", "from": "%s", %s "kind": "list", "rates": {"input": "%s", "output": "%s"}, "source": "s", "sure": "s"}' "$1" "$2" "$3" "$3"; }
	echo "{\"schema\": \"tally.card/1\", \"provider\": \"v\", \"prices\": [$(price 2026-01-01T00:00:00Z '"to": "2026-06-16T00:00:00Z",' 1), $(price 2026-06-16T00:00:00Z '' 10)]}" > prices.json
	cat > t.jsonl <<'END'
{"session_id": "a", "input_length": 1000000, "output_length": 0, "model": "m", "delay": 0}
{"session_id": "a", "input_length": 1000000, "output_length": 0, "model": "m", "delay": 7200000}
{"session_id": "b", "input_length": 1000000, "output_length": 0, "model": "m", "timestamp": 60000}
{"session_id": "b", "input_length": 1000000, "output_length": 0, "model": "m", "delay": 60000}
END
	"$TALLY" pack t.jsonl -o t.pack -q
	for t in t.jsonl t.pack; do
		"$TALLY" replay $t --prices prices.json --at 2026-06-15T23:00:00Z -z UTC --by day,session --csv | cut -d, -f1-3,11 > out
		printf 'day,session,records,total\n2026-06-15,a,1,1\n2026-06-15,b,2,2\n2026-06-16,a,1,10\n' | cmp - out || fail "$(cat out)"
		"$TALLY" whatif $t --prices prices.json --at 2026-06-15T23:00:00Z -s recorded --json | grep -q '"total": "13"'
	done
	# a pipe, which is read more than once here, answers as the file does
	for c in replay whatif; do
		if [ $c = replay ]; then more="--by day,session --csv"; else more="-s recorded --json"; fi
		"$TALLY" $c t.jsonl --prices prices.json --at 2026-06-15T23:00:00Z -z UTC $more > file
		cat t.jsonl | "$TALLY" $c - --prices prices.json --at 2026-06-15T23:00:00Z -z UTC $more > pipe
		sed -i 's#"trace": *"[^"]*"##' file pipe
		cmp file pipe || fail "$c: $(diff file pipe)"
	done
}

@test "the options of a cache are the same set in cache, replay and whatif, and in a scenario" {
	options() { "$TALLY" "$1" --help | sed -n '/^Options/,/^Examples/p' | grep -o '^  *\(-[a-z], \)\?--[a-z-]*' | sed 's/.*--//' | grep -x "$(paste -sd'|' all | sed 's/|/\\|/g')" | sort; }
	printf '%s\n' rule writes ttl scope expire minimum quantum settle recompute touch hits cache > all
	for c in cache replay whatif; do
		options $c > $c
		sort all | cmp - $c || fail "$c: $(comm -3 <(sort all) $c)"
	done
	# what a scenario may say of a cache is what the options say, but for those of blocks and of the rule itself
	for key in writes ttl scope expire minimum quantum settle recompute; do
		echo '{"scenarios": [{"name": "s", "route": "deepseek-v4-flash", "cache": {"'$key'": {}}}]}' > s.json
		run "$TALLY" whatif "$ROOT/examples/sample.csv" --scenarios s.json
		expect 1 "'cache': " "$key"
	done
}

@test "every name of a class of work is a text" {
	for key in model provider customer project workload; do
		for bad in 5 true '["x"]' '{}'; do
			echo '{"start": "2026-10-01", "classes": [{"model": "m", "sessions_per_day": 1, "first_prompt": 1, "output": 1, "'$key'": '$bad'}]}' | sed "s/\"model\": \"m\", \(.*\"model\"\)/\1/" > p.json
			run "$TALLY" sim generate p.json
			expect 1 "'$key' is a text"
		done
	done
}
