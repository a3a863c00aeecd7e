#!/usr/bin/env bats
# Generated work that resembles recorded work: in tokens, hits and cost, as counts and as blocks.
load common

# sessions that grow, are compacted and go back to an earlier prompt, all with a head of 1,600 tokens
blocks() {
	awk 'BEGIN { next_id = 100
		for (s = 0; s < 60; s++) { n = 0; t = s * 900
			for (c = 0; c < 5 + s % 20; c++) {
				if (c == 0 || c % 9 == 8) { ids = "0-99"; len = 1600 }          # compacted to the head
				else if (c % 7 == 6) { ids = back; len = back_len }              # back to the call before last
				back = last; back_len = last_len; last = ids; last_len = len
				grow = 10 + (s * 7 + c * 3) % 40
				ids = ids "," next_id "-" next_id + grow - 1; next_id += grow; len += grow * 16
				printf "{\"chat_id\":%d,\"parent_chat_id\":%d,\"timestamp\":%d,\"input_length\":%d,\"output_length\":%d,\"type\":\"text\",\"turn\":%d,\"model\":\"%s\",\"hash_ids\":\"%s\"}\n", s * 1000 + c + 1, c ? s * 1000 + c : -1, t, len, 20 + c, c + 1, s % 3 ? "claude-sonnet-4-6" : "gpt-4o", ids
				t += 20 + (c * 37) % 400 } } }' | sort -t: -k4 -n
}
total() { "$TALLY" whatif "$1" --at 2026-06-15 --cache "$2" -s "$3" --resamples 0 --csv | awk -F, 'NR == 2 { print $10 }'; }

@test "over 20 seeds tokens, calls, hits and cost are within a tenth of the trace, and it says so" {
	blocks > t.jsonl
	"$TALLY" sim fit t.jsonl --at 2026-06-15 > f.json
	grep -q '"shared_prompt": 1600' f.json
	grep -A8 '"fidelity"' f.json | grep -o '"error": "[0-9.]*"' | tr -d '"' | awk '{ n++; if ($2 > 0.1) exit 1 } END { exit n < 6 }'
	for seed in 1 2 3; do
		"$TALLY" sim generate f.json --seed $seed --blocks -o g.jsonl -q
		for model in claude-sonnet-4-6 gpt-4o deepseek-v4-flash; do
			a=$(total t.jsonl vendor $model) b=$(total g.jsonl vendor $model)
			awk -v a="$a" -v b="$b" 'BEGIN { exit !(a > 0 && b > 0.9 * a && b < 1.1 * a) }' || fail "$model, seed $seed: $a became $b"
		done
		# the head of each class is its own
		paste <("$TALLY" cache t.jsonl --json | grep -o '"hit_tokens": [0-9]*') <("$TALLY" cache g.jsonl --json | grep -o '"hit_tokens": [0-9]*') |
			awk '{ exit !($4 > 0.99 * $2 && $4 <= $2) }'
	done
}

@test "sessions of a short trace end with it, so that caches of few blocks find what they found" {
	# a call a second for 20 minutes: sessions of a call each, and talks that come back every 7 to 13 seconds until all is over
	awk 'BEGIN { for (t = 0; t < 1200; t++) { s = t % 3 ? "x" t : "talk" t % 21; n = ++turn[s]; ids = ""
		for (k = 0; k < (t % 3 ? 20 : 40 + n); k++) ids = ids (k ? "," : "") (t % 3 ? 100000 + t * 100 + k : t % 21 * 1000 + k)
		printf "{\"session_id\":\"%s\",\"timestamp\":%d,\"input_length\":%d,\"output_length\":5,\"hash_ids\":[%s]}\n", s, t * 1000, (t % 3 ? 20 : 40 + n) * 512, ids } }' > t.jsonl
	"$TALLY" sim fit t.jsonl --at 2026-06-15 -m gpt-4o > f.json 2>/dev/null
	hits() { "$TALLY" cache "$1" --capacity "$2" --json | tr -d ' \n' | sed 's/.*"hit_tokens":\([0-9]*\).*/\1/'; }
	for seed in 1 2 3; do
		"$TALLY" sim generate f.json --seed $seed --blocks -o g.jsonl -q
		tail -n 1 g.jsonl | sed 's/.*"timestamp":\([0-9]*\).*/\1/' | awk '{ exit !($1 > 1000 && $1 <= 1320) }' || fail "the work ends at $(tail -n 1 g.jsonl | cut -c1-80)"
		for n in 600 1500 inf; do
			a=$(hits t.jsonl $n) b=$(hits g.jsonl $([ $n = inf ] && echo inf || echo $((n * 32))))
			echo "seed $seed, $n blocks: $a, and $b"
			[ $n = 600 ] || awk -v a="$a" -v b="$b" 'BEGIN { exit !(b > 0.9 * a && b < 1.1 * a) }' || fail "seed $seed, $n blocks: $a became $b"
		done
	done
	echo '{"start": "2026-10-01", "days": 1, "classes": [{"model": "m", "sessions_per_day": "1000000000", "arrivals": "steady", "sessions": [[[0, 15, 0, 5]]]}]}' > p.json
	run "$TALLY" sim generate p.json --scale 1000000
	expect 1 'more than'
}

@test "a month with five Thursdays, of sessions that ask two models, is straddled by 20 that are generated" {
	# 2026-10: weekdays have 24 sessions, weekends 3; what a session holds varies
	awk 'BEGIN { srand(7); print "id,time,model,session,input,cache_read,output"
		for (d = 0; d < 30; d++) for (s = 0; s < ((d + 3) % 7 < 5 ? 24 : 3); s++) { calls = 1 + int(rand() * 12)
			for (c = 0; c < calls; c++) printf "x%d-%d-%d,2026-10-%02dT%02d:%02d:%02dZ,%s,s%d-%d,%d,%d,%d\n", d, s, c, d + 1, 8 + s % 10, c * 4, s, rand() < 0.3 ? "claude-opus-4-6" : "claude-sonnet-4-6", d, s, 100 + int(rand() * 900), c * 800, 50 + int(rand() * 400) } }' >m.csv
	"$TALLY" sim fit m.csv -o f.json -q
	recorded=$("$TALLY" replay m.csv --csv | awk -F, 'NR > 1 { t += $(NF - 1) } END { print t }')
	for seed in $(seq 20); do
		"$TALLY" sim generate f.json --seed $seed -q -o g.csv
		"$TALLY" replay g.csv --csv -q | awk -F, 'NR > 1 { t += $(NF - 1) } END { print t }'
	done >months
	sort -n months | awk -v r="$recorded" '{ t[NR] = $1; sum += $1 } END { if (t[1] > r * 1.000001 || t[NR] < r * 0.999999 || sum / NR < 0.995 * r || sum / NR > 1.005 * r) { print r, t[1], t[NR], sum / NR; exit 1 } }' ||
		fail "they do not straddle it"
}
@test "another start, more days, ten times the work" {
	echo '{"start": "2026-10-01", "days": 10, "classes": [{"model": "m", "sessions_per_day": "2.5", "arrivals": "steady", "first_prompt": 100, "output": 1}]}' > p.json
	[ "$("$TALLY" sim generate p.json | wc -l)" -eq 26 ]
	[ "$("$TALLY" sim generate p.json --scale 10 | wc -l)" -eq 251 ]
	[ "$("$TALLY" sim generate p.json --scale 0.4 --days 30 | wc -l)" -eq 31 ]
	"$TALLY" sim generate p.json --start 2027-03-01 --days 1 | awk -F, 'NR > 1 && substr($2, 1, 10) != "2027-03-01" { exit 1 }'
	for bad in 'scale 0' 'scale x' 'start soon'; do
		run "$TALLY" sim generate p.json --${bad% *} "${bad#* }"
		expect 2 "--${bad% *}"
	done
	sed 's/steady/"tidy"/; s/""/"/g' p.json > bad.json
	run "$TALLY" sim generate bad.json
	expect 1 "'arrivals'"
}

@test "a class that pays for a cache writes what it does not read, and nothing hits that was not written" {
	echo '{"start": "2026-10-01", "days": 1, "classes": [{"model": "claude-sonnet-4-6", "sessions_per_day": 50, "arrivals": "steady", "calls": 4, "first_prompt": 5000, "added": 300, "output": 100, "gap_seconds": {"values": [20, 400]}, "shared_prompt": 4000, "writes": "5m"}]}' > p.json
	"$TALLY" sim generate p.json > g.csv
	# 200 calls; whole prompts are read or written, a gap of 400 seconds is too long for five minutes
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		{ split($1, id, "-"); p = 5000 + 400 * (id[3] - 1); r = $at["cache_read"]; w = $at["cache_write_5m"]
		  if (r + w != p || $at["input"] != 0) { print; exit 1 }
		  if (r != 0 && r != 4000 && r != p - 400) { print; exit 1 }
		  if (++n == 1 && r != 0) exit 1; kinds[r == 0 ? "none" : r == 4000 ? "head" : "all"]++ }
		END { exit !(n == 200 && kinds["none"] && kinds["head"] && kinds["all"]) }' g.csv
	# the same work in blocks costs the same to 1 %: blocks are whole, and each cache is asked itself
	"$TALLY" sim generate p.json --blocks -o g.jsonl -q
	counts=$("$TALLY" replay g.csv --json | sed -n 's/^ *"total": "\([0-9.]*\)".*/\1/p' | head -n 1)
	a=$(total g.jsonl vendor claude-sonnet-4-6)
	awk -v a="$a" -v b="$counts" 'BEGIN { exit !(a > 0.99 * b && a < 1.01 * b) }' || fail "$a, $counts"
	# prompts of 900, 1,050 and 1,200 tokens, of which 1,024 are the least that is kept: the first that is long enough
	# writes, and others find as much of the head as it had
	echo '{"start": "2026-10-01", "days": 1, "classes": [{"model": "m", "sessions_per_day": 1, "arrivals": "steady", "calls": 3, "first_prompt": 900, "added": 100, "output": 50, "shared_prompt": 5000, "writes": "1h", "cache_minimum": 1024}]}' > p.json
	"$TALLY" sim generate p.json | cut -d, -f10,11,15 > c
	printf 'input,cache_read,cache_write_1h\n900,0,0\n0,0,1050\n0,1050,150\n' | cmp - c || fail "$(cat c)"
	sed 's/"writes": "1h"/"writes": 1/' p.json > bad.json
	run "$TALLY" sim generate bad.json
	expect 1 "'writes'"
}

# blocks without conversations: two products' instructions, documents that are asked about, talks that go on
unnamed() {
	awk 'BEGIN { srand(7); id = 1000
		for (i = 0; i < 600; i++) {
			u = rand()
			if (u < 0.4 && i > 20) full = said[int(rand() * 20)]          # a talk goes on
			else if (u < 0.8) { d = int(rand() * rand() * 12); full = (d % 2 ? "0,1,2,3" : "8,9") two(d) }
			else full = u < 0.95 ? "0,1,2,3" : ""
			for (k = int(rand() * 9) + 1; k; k--) full = full (full == "" ? "" : ",") id++
			said[i % 20] = full
			printf "{\"timestamp\": %d, \"input_length\": %d, \"output_length\": %d, \"hash_ids\": [%s,%d]}\n", i * 9000, split(full, parts, ",") * 512 + 100, 20 + i % 90, full, id++ } }
		function two(d,  k, s) { for (k = 0; k < 6 + d; k++) s = s "," 100 + d * 30 + k; return s }'
}

@test "blocks of calls without conversations keep what they have in common: instructions, documents, talks" {
	unnamed > t.jsonl
	for model in '' '-m deepseek-v4-flash'; do
		"$TALLY" sim fit t.jsonl --at 2026-06-15 $model > f.json
		grep -q '"layers": \[' f.json
		grep -A8 '"fidelity"' f.json | grep -o '"error": [^}]*' | tr -d '"' | awk '{ n++; if ($2 != "null" && $2 > 0.001) exit 1 } END { exit n < 6 }'
	done
	for seed in 1 2 3; do
		"$TALLY" sim generate f.json --seed $seed --blocks -o g.jsonl -q
		for cache in infinite infinite,ttl=300 vendor; do
			a=$(total t.jsonl $cache deepseek-v4-flash) b=$(total g.jsonl $cache deepseek-v4-flash)
			awk -v a="$a" -v b="$b" 'BEGIN { exit !(a > 0 && b > 0.95 * a && b < 1.05 * a) }' || fail "$cache, seed $seed: $a became $b"
		done
		paste <("$TALLY" cache t.jsonl --json | grep -o '"hit_tokens": [0-9]*') <("$TALLY" cache g.jsonl --json | grep -o '"hit_tokens": [0-9]*') |
			awk '{ exit !($2 > 0 && $4 > 0.999 * $2 && $4 < 1.001 * $2) }'
	done
	# five times the work, of which every part is like it
	"$TALLY" sim generate f.json --scale 5 --blocks -o g.jsonl -q
	[ "$(wc -l < g.jsonl)" -eq 3000 ]
}

@test "layers go on from one another, and what is wrong about them is named" {
	calls='[[0, 3000, 0, 5]]'
	spec() { echo "{\"start\": \"2026-10-01\", \"days\": 1, \"layers\": $1, \"classes\": [{\"model\": \"m\", \"sessions_per_day\": 3, \"arrivals\": \"steady\", \"cache_seconds\": 90000, \"sessions\": $2}]}"; }
	spec '[[1600], [2400, 1], [1608, 1]]' "[{\"layer\": 1, \"calls\": $calls}, {\"layer\": 2, \"calls\": $calls}, {\"layer\": 2, \"calls\": $calls}]" > p.json
	"$TALLY" sim generate p.json | awk -F, 'NR > 1 { n[$11]++ } END { exit !(n[0] == 1 && n[1600] + n[2400] == 2 && n[2400] >= 1) }'
	"$TALLY" sim generate p.json --blocks -o g.jsonl -q
	# three prompts begin with the same 100 blocks, two of them with 50 more
	"$TALLY" cache g.jsonl --json | grep -q '"hit_blocks": 250'
	while IFS='|' read -r layers sessions says; do
		spec "$layers" "$sessions" > bad.json
		run "$TALLY" sim generate bad.json
		expect 1 "$says"
	done <<END
[[0]]|[$calls]|layer 1
[[100], [100, 1]]|[$calls]|layer 2
[[100, 1]]|[$calls]|layer 1
[100]|[$calls]|layer 1
7|[$calls]|'layers'
[[100]]|[{"layer": 2, "calls": $calls}]|'layer'
[[100]]|[{"layers": 1, "calls": $calls}]|layers
[[100]]|[{"layer": 1}]|'calls'
END
}

@test "full caches, too: gaps to the millisecond, and a short trace goes about as it went" {
	# twelve minutes, in which work grows; talks of up to twelve calls a second or some apart, which began when there was time
	awk 'BEGIN { srand(5); id = 1
		for (s = 0; s < 500; s++) { t = int(600000 * sqrt(rand())); calls = 1 + int(rand() * rand() * 14); full = ""
			for (c = 0; c < calls && t < 720000; c++) {
				for (k = int(rand() * 8) + 2; k; k--) full = full (full == "" ? "" : ",") id++
				printf "%d\t{\"timestamp\": %d, \"input_length\": %d, \"output_length\": 50, \"hash_ids\": [%s]}\n", t, t, split(full, parts, ",") * 512, full
				t += int(-log(1 - rand()) * (rand() < 0.5 ? 700 : 20000)) } } }' | sort -n | cut -f2 >t.jsonl
	"$TALLY" sim fit t.jsonl --at 2026-06-15 >f.json 2>/dev/null
	hits() { "$TALLY" cache "$1" --capacity "$2" --json | grep -o '"hit_tokens": [0-9]*' | cut -d' ' -f2; }
	for blocks in 40 100 300; do
		want=$(hits t.jsonl $blocks) sum=0
		for seed in 1 2 3 4 5; do
			"$TALLY" sim generate f.json --seed $seed --blocks -o g.jsonl -q
			sum=$((sum + $(hits g.jsonl $((blocks * 32)))))
		done
		echo "$blocks blocks: $want became $((sum / 5))"
		awk -v a="$want" -v b="$sum" 'BEGIN { exit !(a > 0 && b / 5 > 0.85 * a && b / 5 < 1.15 * a) }' || fail "$blocks blocks: $want became $((sum / 5))"
	done
	# how far they are is in the specification, for sizes from the largest that is full
	sizes=$(tr -d ' \n' <f.json | grep -o '{"blocks":[^}]*}' | tr -d '{}"' | tr ',' ' ' | sed 's/[a-z]*://g')
	[ "$(wc -l <<<"$sizes")" = 8 ] || fail "$sizes"
	distinct=$("$TALLY" cache t.jsonl --curve --csv | tail -n 1 | cut -d, -f1)
	read -r largest rest <<<"$sizes"
	[ "$largest" -lt "$distinct" ] && [ $((largest * 2)) -ge "$distinct" ] || fail "$largest of $distinct"
	while read -r blocks recorded least most error; do
		[ "$blocks" -ge 32 ] || continue
		awk -v a="$recorded" -v b="$("$TALLY" cache t.jsonl --capacity $blocks --csv | tail -n 1 | cut -d, -f4)" 'BEGIN { exit !(a - b < 2e-6 && b - a < 2e-6) }' || fail "$blocks: $recorded is not what was found"
		awk -v r=$recorded -v l=$least -v m=$most -v e=$error 'BEGIN { d = r - l > m - r ? r - l : m - r; exit !(e - d / r < 1e-4 && d / r - e < 1e-4) }' || fail "$blocks: $recorded $least $most $error"
		for seed in 1 2 3; do
			"$TALLY" sim generate f.json --seed $seed --blocks -o g.jsonl -q
			found=$("$TALLY" cache g.jsonl --capacity $((blocks * 32)) --csv | tail -n 1 | cut -d, -f4)
			awk -v f=$found -v l=$least -v m=$most 'BEGIN { exit !(f > l - 0.01 && f < m + 0.01) }' || fail "$blocks, seed $seed: $found is outside $least to $most"
		done
	done <<<"$sizes"
}
