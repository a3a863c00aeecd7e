#!/usr/bin/env bats
# Synthetic workloads: reproducible, as specified, fitted from traces, and refused with the key that is wrong.
load common

plan() { # classes
	echo "{\"start\": \"2026-10-01\", \"days\": 20, \"seed\": 5, \"hours\": [0,0,0,0,0,0,0,0,0,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0], \"weekdays\": [1,1,1,1,1,0,0], \"classes\": [$1]}" > p.json
}
class='{"workload": "code", "project": "a, b", "model": "deepseek-v4-pro", "sessions_per_day": 50, "calls": 4, "first_prompt": {"values": [1000, 3000]}, "added": 10, "output": {"poisson": 200}, "reasoning": 50, "gap_seconds": {"values": [10, 100]}, "cache_seconds": 60}'

@test "the same specification gives the same bytes, another seed others" {
	plan "$class"
	"$TALLY" sim generate p.json > a.csv
	"$TALLY" sim generate p.json -o b.csv -q
	cmp a.csv b.csv
	"$TALLY" sim generate p.json --seed 5 | cmp - a.csv
	"$TALLY" sim generate p.json --seed 6 > c.csv
	run cmp a.csv c.csv
	expect 1
	"$TALLY" sim generate p.json | "$TALLY" replay - --json > piped
	"$TALLY" replay a.csv --json | cmp - piped
}

@test "sessions, hours, growing prompts and cached prefixes are as specified" {
	plan "$class"
	"$TALLY" sim generate p.json > a.csv
	run "$TALLY" replay a.csv --json
	expect 0 '"quarantined": 0'
	# 14 working days of 50 x 7 / 5 sessions: 980 with a standard error of 31; answers of 200 on average
	awk -F'"' 'NR > 1 { sub(/"a, b"/, "p"); print }' a.csv | awk -F, '
		function bad(why) { print why ": " $0; exit 1 }
		{ hour = substr($2, 12, 2); if (hour != "09" && hour != "10" && $1 ~ /-1$/) bad("hour")
		  split($1, id, "-"); s = id[1] "-" id[2]
		  if (id[3] == 1) { if ($10 != 1000 && $10 != 3000) bad("first prompt"); if ($11 != 0) bad("hit"); sessions++ }
		  else { if ($10 + $11 != prompt[s] + 10 + out[s] - 50) bad("growth"); if ($11 != 0 && $11 != prompt[s]) bad("prefix"); hits += $11 > 0; n++ }
		  prompt[s] = $10 + $11; out[s] = $12; sum += $12; rows++ }
		END { if (sessions < 980 - 126 || sessions > 980 + 126 || rows != sessions * 4) bad(sessions " sessions")
		      if (sum / rows < 198 || sum / rows > 202) bad("output")
		      if (hits / n < .45 || hits / n > .55) bad("gaps") }'
}

@test "a fitted trace gives one like it" {
	run "$TALLY" sim fit "$ROOT/examples/sample.csv"
	expect 0 '"schema": "tally.synthetic/1"' '"workload": "classification"' '"start": "2026-08-24"' '"days": 7'
	printf '%s\n' "$output" > fit.json
	"$TALLY" sim generate fit.json --days 70 -o g.csv -q
	ours=$("$TALLY" replay g.csv --json | sed -n 's/.*"output": \([0-9]*\).*/\1/p' | tail -n 1)
	theirs=$("$TALLY" replay "$ROOT/examples/sample.csv" --json | sed -n 's/.*"output": \([0-9]*\).*/\1/p' | tail -n 1)
	# ten times the days; sums of some ten thousand draws
	awk -v a="$ours" -v b="$theirs" 'BEGIN { exit !(a > 9.5 * b && a < 10.5 * b) }'
	run "$TALLY" sim fit "$ROOT/examples/sessions.jsonl" --at 2026-06-15 -m deepseek-v4-flash
	expect 0 '"sessions": [' '"cache_seconds": 3600'
}

@test "what is compacted, read from a cache and written to one stays so" {
	# prompts grow to 10,000 and are compacted, each call reads what the last one sent and writes the rest
	awk 'BEGIN { print "id,time,model,session,input,cache_read,cache_write_5m,output"
		for (s = 0; s < 40; s++) for (c = 0; c < 20; c++) { p = 2000 * (c % 5 + 1); h = c % 5 ? p - 2000 : 0
			printf "%d-%d,2026-06-%02dT%02d:%02d:00Z,claude-sonnet-4-6,s%d,0,%d,%d,%d\n", s, c, s / 4 + 1, s % 24, c * 2, s, h, p - h, s + c + 1 } }' > t.csv
	"$TALLY" sim fit t.csv > fit.json
	"$TALLY" sim generate fit.json --days 100 -o g.csv -q
	# ten times the days: hits, writes and calls a session to the last token of each session
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		{ n++; s[$at["session"]]++; read += $at["cache_read"]; write += $at["cache_write_5m"]; input += $at["input"] }
		END { for (x in s) { k++; if (s[x] != 20) exit 1 }
			if (k < 340 || k > 460 || input != 0 || read / n != 4000 || write / n != 2000) { print k, read / n, write / n, input; exit 1 } }' g.csv
}

@test "a list of sessions that is wrong is named" {
	for bad in '[]' '{}' '[[[1, 2, 3]]]' '[[[0, 10, 5, 1, 2]]]' '[[[0, -1]]]' '[[[0, 1, 0, 0, 0, 0, 0, 0]]]' '[[5]]'; do
		plan "{\"model\": \"x\", \"sessions_per_day\": 1, \"sessions\": $bad}"
		run "$TALLY" sim generate p.json
		expect 1 "class 1" "'sessions'"
	done
}

@test "wrong specifications name the class and the key" {
	for bad in '"days": 0}' '"classes": []}' '"start": "soon", "classes": [{}]}' '"colour": 1}'; do
		echo "{\"start\": \"2026-10-01\", $bad" > p.json
		run "$TALLY" sim generate p.json
		expect 1 "p.json"
	done
	while read -r key value; do
		plan "$(printf '%s' "$class" | sed "s/\"$key\": \([0-9]*\|{[^}]*}\)/\"$key\": $value/")"
		run "$TALLY" sim generate p.json
		expect 1 "class 1" "'$key'"
	done <<'END'
calls {"lognormal": {"median": 5, "p90": 1}}
output {"gamma": 3}
added -4
first_prompt {"quantiles": [5, 3]}
gap_seconds {"values": []}
END
	plan '{"model": "x", "sessions_per_day": 100000000, "first_prompt": 1, "output": 1}'
	run "$TALLY" sim generate p.json
	expect 1 "more than 50000000 calls"
	run "$TALLY" sim generate nothing.json
	expect 1 "nothing.json"
}
