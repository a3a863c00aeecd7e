#!/usr/bin/env bats
# tally whatif against an independent slow replay, against the meter, and by hand.
load common

P=deepseek-v4-pro F=deepseek-v4-flash

against_reference() { # trace
	node "$ROOT/tests/support/whatif_reference.mjs" "$1" > expected
	"$TALLY" whatif "$1" --at 2026-06-15T00:00:00Z --cache infinite --scope conversation --csv --resamples 0 \
		-s pro=$P -s flash=$F -s every5=every:5:$P:$F -s every2=every:2:$P:$F \
		-s conversation3=conversation:3:$P:$F -s from10=from:10:$P:$F |
		awk -F, 'NR > 1 && $2 == "" { print $1 "," $4 "," $5 "," $8 "," $10 }' > got
	diff expected got
}

@test "generated sessions, every route, to the last picodollar" {
	command -v node || skip "no node"
	for seed in 1 2 3; do
		awk -v seed=$seed -v conversations=20 -v calls=500 -f "$ROOT/examples/generate_sessions.awk" > t.jsonl
		against_reference t.jsonl
	done
}

@test "public agent sessions, every route, to the last picodollar" {
	command -v node || skip "no node"
	a=$ROOT/../shared/traces/agent_sessions_150.jsonl
	[ -f "$a" ] || skip "no traces beside the project"
	against_reference "$a"
	run "$TALLY" whatif "$a" --at 2026-06-15 --cache infinite --scope conversation -s pro=$P -s mix=every:5:$P:$F
	expect 0 "+ mix" "+7.2 %"
}

sessions() { awk -v seed=5 -v conversations=30 -v calls=400 -f "$ROOT/examples/generate_sessions.awk" > t.jsonl; }

@test "the table says what is compared, and neither threads nor order of scenarios change a figure" {
	sessions
	run "$TALLY" whatif t.jsonl --at 2026-06-15 --cache infinite --scope conversation -s pro=$P -s flash=$F --plan vm0
	expect 0 "baseline" "CREDITS" "30 conversations" "resamples of whole conversations" "published speeds"
	"$TALLY" whatif t.jsonl --at 2026-06-15 --cache 5000 -s pro=$P -s mix=share:30%:$P:$F --json --threads 1 > one
	"$TALLY" whatif t.jsonl --at 2026-06-15 --cache 5000 -s pro=$P -s mix=share:30%:$P:$F --json --threads 4 > four
	cmp one four
	"$TALLY" whatif t.jsonl --at 2026-06-15 --cache 5000 -s pro=$P -s mix=share:30%:$P:$F --json --seed 2 > other
	! cmp -s one other
}

@test "peak and off-peak: what waiting costs and buys" {
	# 02:00 UTC on a weekday is peak, the next cheaper hour begins at 04:00
	cat > t.csv <<'END'
time,model,session,workload,input,output
2026-09-15T02:00:00Z,deepseek-v4-flash,a,batch,1000000,0
2026-09-15T03:30:00Z,deepseek-v4-flash,b,chat,1000000,0
2026-09-15T05:00:00Z,deepseek-v4-flash,c,batch,1000000,0
END
	run "$TALLY" whatif t.csv -s recorded -s night=offpeak:2h:$F --json
	expect 0 '"moved": 2' '"total_seconds": "9000"' '"longest_seconds": "7200"' '"saves": "0.3"'
	run "$TALLY" whatif t.csv -s recorded -s night=offpeak:1h:$F --json
	expect 0 '"moved": 1' '"saves": "0.15"'
	echo '{"scenarios":[{"name":"r","route":"recorded"},{"name":"n","route":"offpeak:2h:deepseek-v4-flash","wait":["batch"]}]}' > s.json
	run "$TALLY" whatif t.csv --scenarios s.json --json
	expect 0 '"moved": 1' '"saves": "0.15"'
}

@test "hits are rebuilt from what each model has seen; recorded ones are kept or divided" {
	cat > t.csv <<'END'
time,model,session,input,cache_read,cache_write_5m,output
2026-06-15T00:00:00Z,claude-sonnet-4-6,s,100,0,900,10
2026-06-15T00:01:00Z,claude-sonnet-4-6,s,100,900,500,10
2026-06-15T00:02:00Z,claude-sonnet-4-6,s,100,1400,500,10
END
	# one model: whole units of 64 of the prompt before; writes are plain input where none are billed
	run "$TALLY" whatif t.csv -s flash=$F --csv --resamples 0
	expect 0 "flash,,3,2068,2432,0,0,30,"
	run "$TALLY" whatif t.csv -s recorded --csv --resamples 0
	expect 0 "recorded,,3,300,2300,1900,0,30,"
	# the third call is Pro's first: it has seen nothing
	run "$TALLY" whatif t.csv -s mix=from:2:$P:$F --csv --resamples 0
	expect 0 "mix,$P,1,2000,0,0,0,10,"
	# the second is Pro's; Flash finds the 1,000 tokens that it saw first
	run "$TALLY" whatif t.csv -s mix=every:2:$P:$F --csv --resamples 0
	expect 0 "mix,$F,2,2040,960,0,0,20," "mix,$P,1,1500,0,0,0,10,"
	# the recorded hits, divided: of the 1,000 tokens 900 were still the prefix when Pro was asked
	run "$TALLY" whatif t.csv -s mix=every:2:$P:$F --csv --resamples 0 --cache recorded
	expect 0 "mix,$F,2,2100,900,0,0,20," "mix,$P,1,1500,0,0,0,10,"
	run "$TALLY" whatif t.csv -s mix=every:2:$P:$F --csv --resamples 0 --cache none
	expect 0 "mix,,3,2200,2300,0,0,30,"
	# hits beyond what the conversation had written come from elsewhere: one model keeps them, another's call between takes them
	printf 'time,model,session,input,cache_read,output\n' >t.csv
	for i in 1 2 3; do printf '2026-06-15T00:0%d:00Z,%s,s,100,5000,10\n' $i $F >>t.csv; done
	sed -i '2s/5000/700/' t.csv
	run "$TALLY" whatif t.csv -s f=$F --csv --resamples 0
	expect 0 "f,$F,3,300,10700,0,0,30,"
	run "$TALLY" whatif t.csv -s mix=every:2:$P:$F --csv --resamples 0
	expect 0 "mix,$F,2,4432,1468,0,0,20," # 700 as recorded, and 768 of its own 800
	run "$TALLY" whatif t.csv -s mix=every:2:$P:$F --csv --resamples 0 --cache recorded
	expect 0 "mix,$F,2,4400,1500,0,0,20,"
	"$TALLY" whatif "$ROOT/examples/sample.csv" -s recorded -s f=$F --resamples 0 --csv >both
	[ "$(sed -n 's/^recorded,,//p' both)" = "$(sed -n 's/^f,,//p' both)" ] || fail "$(cat both)"
}

@test "rules, cascades and factors" {
	cat > t.csv <<'END'
time,model,task,workload,input,output
2026-06-15T00:00:00Z,claude-sonnet-4-6,t1,code,1000000,0
2026-06-15T00:01:00Z,claude-sonnet-4-6,t2,chat,1000000,0
2026-06-15T00:02:00Z,claude-sonnet-4-6,t3,chat,10,0
END
	echo '{"rules":[{"when":{"workload":"code"},"model":"deepseek-v4-pro"},{"when":{"prompt_max":100},"model":"recorded"}],"otherwise":"deepseek-v4-flash"}' > r.json
	run "$TALLY" whatif t.csv -s r=rules:r.json --csv --resamples 0
	expect 0 "r,deepseek-v4-pro,1,1000000" "r,deepseek-v4-flash,1,1000000" "r,claude-sonnet-4-6,1,10" ",0.57503,0,"
	echo '{"cheap":"deepseek-v4-flash","strong":"deepseek-v4-pro","escalated":["t2"]}' > c.json
	run "$TALLY" whatif t.csv -s c=cascade:c.json --json --resamples 0
	expect 0 '"records": 4' '"escalated": 1' '"total": "0.7150014"'
	echo '{"scenarios":[{"name":"f","route":"deepseek-v4-flash","input_factor":{"deepseek-v4-flash":"1.5"}}]}' > s.json
	run "$TALLY" whatif t.csv --scenarios s.json --csv --resamples 0
	expect 0 "f,,3,3000015,"
	echo '{"rules":[{"when":{"colour":"red"},"model":"deepseek-v4-pro"}]}' > bad.json
	run "$TALLY" whatif t.csv -s r=rules:bad.json
	expect 1 "bad.json" "rule 1" "'colour'"
}

@test "the metered database: recorded is the metered cost exactly" {
	awk 'BEGIN { print "id,time,model,customer,session,input,cache_read,output"
		for (i = 0; i < 500; i++) printf "r%d,2026-09-%02dT%02d:%02d:00Z,%s,c%d,s%d,%d,%d,%d\n", i, 1 + i % 28, i % 24, i % 60,
			i % 3 ? "deepseek-v4-flash" : "claude-sonnet-4-6", i % 4, i % 40, 100 + i * 7, i % 5 ? i * 11 : 0, i * 3 }' > u.csv
	"$TALLY" ingest u.csv --db m.db
	"$TALLY" void r7 --db m.db --why test
	"$TALLY" amend r8 --db m.db --set output=5 --why test
	run "$TALLY" usage --db m.db --json
	expect 0
	total=$(json total)
	run "$TALLY" whatif --db m.db -s recorded -s flash=$F --json
	expect 0 "\"total\": \"$total\"" '"records": 499'
	run "$TALLY" whatif --db m.db -s recorded --customer nobody
	[ "$status" -ne 0 ]
	expect "$status" "no usage"
}

@test "what is not understood is refused with the choice" {
	sessions
	run "$TALLY" whatif t.jsonl --at 2026-06-15
	expect 2 "--scenario"
	run "$TALLY" whatif t.jsonl -s flash=$F
	expect 2 "--at"
	run "$TALLY" whatif t.jsonl --at 2026-06-15 -s x=every:0:$P:$F
	expect 2 "whole number from 1"
	run "$TALLY" whatif t.jsonl --at 2026-06-15 -s x=share:1.5:$P:$F
	expect 2 "from 0 to 1"
	run "$TALLY" whatif t.jsonl --at 2026-06-15 -s x=every:5:$P
	expect 2 "parts"
	run "$TALLY" whatif t.jsonl --at 2026-06-15 -s a=$P -s a=$F
	expect 2 "'a'"
	run "$TALLY" whatif t.jsonl --at 2026-06-15 -s a=$P --baseline b
	expect 2 "--baseline"
	run "$TALLY" whatif t.jsonl --at 2026-06-15 -s a=$P --cache often
	expect 2 "--cache"
	run "$TALLY" whatif t.jsonl --at 2026-06-15 -s a=no-such-model --resamples 0
	expect 1 "scenario 'a': model 'no-such-model' is in no price card"
	run "$TALLY" whatif absent.jsonl --at 2026-06-15 -s a=$P
	[ "$status" -ne 0 ]
	expect "$status" "absent.jsonl"
}

@test "retries, thinking effort, machines by the hour, budgets, sensitivity: by hand" {
	# two sessions, an hour and a minute apart; Flash in June 2026: 0.14 read, 0.28 written a million
	cat > t.csv <<'END'
id,time,model,session,effort,input,output,reasoning
a,2026-06-15T00:00:00Z,claude-sonnet-4-6,s1,high,1000000,100000,40000
b,2026-06-15T01:01:00Z,claude-sonnet-4-6,s2,low,3000000,300000,0
END
	cat > s.json <<'END'
{"baseline": "flash", "scenarios": [{"name": "flash", "route": "deepseek-v4-flash"},
 {"name": "all", "route": "deepseek-v4-flash", "retries": {"deepseek-v4-flash": {"share": "100%"}}},
 {"name": "prompt", "route": "deepseek-v4-flash", "retries": {"deepseek-v4-flash": {"share": "1", "billed": "prompt"}}},
 {"name": "nothing", "route": "deepseek-v4-flash", "retries": {"deepseek-v4-flash": {"share": "1", "billed": "nothing"}}},
 {"name": "half", "route": "deepseek-v4-flash", "reasoning_factor": {"deepseek-v4-flash": "0.5"}},
 {"name": "own", "route": "deepseek-v4-flash", "self_hosted": {"deepseek-v4-flash": {"gpu_hour": "1.50", "gpus": 4, "prompt_tokens_per_second": 1000, "output_tokens_per_second": "100"}}},
 {"name": "effort", "route": "rules:r.json"}]}
END
	echo '{"rules": [{"when": {"effort": "high"}, "model": "deepseek-v4-pro"}], "otherwise": "deepseek-v4-flash"}' > r.json
	run "$TALLY" whatif t.csv --scenarios s.json --csv --resamples 0
	# 4 x 0.14 + 0.4 x 0.28; twice; the prompts once more; nothing; 20,000 fewer; 2,000 s of work in the first hour, and 6,000 s that end in the third
	expect 0 "flash,,2,4000000,0,0,0,400000,40000,0.672," "all,,4,8000000,0,0,0,800000,80000,1.344," "prompt,,4,8000000,0,0,0,400000,40000,1.232," \
		"nothing,,2,4000000,0,0,0,400000,40000,0.672," "half,,2,4000000,0,0,0,380000,20000,0.6664," "own,,2,4000000,0,0,0,400000,40000,18," \
		"effort,deepseek-v4-pro,1,1000000"
	run "$TALLY" whatif t.csv --scenarios s.json --json --budget 1.5 --sensitivity 0.5
	# 8,000 s of 3 hours x 3,600 s hold 2 calls; 18 / 0.672 = 26.8 times this work would need more machines
	expect 0 '"hours": 3, "replicas": 1, "gpus": 4, "busy_ratio": "0.740741", "at_vendor_price": "0.672", "calls_at_most": 2, "break_even_volume": null, "break_even_calls": null' \
		'"retries": {"calls": 2, "billed": 2, "total": "0.672"}' '"amount": "1.5", "overrun_probability": "1"' \
		'"assumption": "prompt tokens", "varied_by": "0.5", "with_less": "0.392", "with_more": "0.952"' '"assumption": "output tokens", "varied_by": "0.5", "with_less": "0.616", "with_more": "0.728"'
	run "$TALLY" whatif t.csv --scenarios s.json --budget 1.5 --sensitivity 0.5
	expect 0 "failed attempts are retried" "on 4 GPUs for 3 hours" "over the budget of" "fewer or more prompt tokens"
	# rules first, then what they left to Flash goes on to Pro for one session
	echo '{"rules": [{"when": {"effort": "high"}, "model": "recorded"}], "otherwise": "deepseek-v4-flash", "escalate": {"from": "deepseek-v4-flash", "to": "deepseek-v4-pro", "escalated": ["s1", "s2"]}}' > r.json
	run "$TALLY" whatif t.csv -s r=rules:r.json --json --resamples 0
	expect 0 '"escalated": 1'
	for bad in '"retries": {"gpt-5": {"share": "0.1"}}' '"retries": {"deepseek-v4-flash": {"share": "2"}}' '"retries": {"deepseek-v4-flash": {"share": "0.1", "billed": "some"}}' \
		'"self_hosted": {"deepseek-v4-flash": {"gpu_hour": "-1", "gpus": 1}}' '"self_hosted": {"deepseek-v4-flash": {"gpu_hour": "1", "gpus": 0}}' '"reasoning_factor": {"deepseek-v4-flash": "x"}'; do
		echo "{\"scenarios\": [{\"name\": \"x\", \"route\": \"deepseek-v4-flash\", $bad}]}" > bad.json
		run "$TALLY" whatif t.csv --scenarios bad.json
		expect $status "bad.json: scenario 'x'"
		[ "$status" -ne 0 ]
	done
	run "$TALLY" whatif t.csv -s f=$F --sensitivity 2
	expect 2 "--sensitivity"
	run "$TALLY" whatif t.csv -s f=$F --budget none
	expect 2 "--budget"
	"$TALLY" ingest t.csv --db t.db -q
	# the database keeps the effort: the same routes as from the trace
	run "$TALLY" whatif t.csv -s r=rules:r.json --csv
	expect 0
	trace=$(cut -d, -f1-6 <<< "$output")
	run "$TALLY" whatif --db t.db -s r=rules:r.json --csv
	expect 0
	[ "$(cut -d, -f1-6 <<< "$output")" = "$trace" ] || fail "from the trace: $trace"
}

@test "a saved baseline, what changed since, and one HTML file" {
	cp "$ROOT/examples/sessions.jsonl" t.jsonl
	run "$TALLY" whatif t.jsonl --at 2026-06-15 --cache infinite --scope conversation -s "old <b>=$F" -s pro=$P --save base.json
	expect 0 "pro"
	run "$TALLY" whatif t.jsonl --at 2026-09-15 --cache infinite --scope conversation -s pro=$P -s mix=every:5:$P:$F --against base.json
	expect 0 "since base.json" "~ pro" "+ mix" "- old <b>"
	run "$TALLY" whatif t.jsonl --at 2026-06-15 --cache infinite --scope conversation -s pro=$P -s "old <b>=$F" --against base.json --json
	expect 0 '"what": "same"' '"change": "0"'
	run "$TALLY" whatif t.jsonl --at 2026-06-15 -s pro=$P --against t.jsonl
	[ "$status" -ne 0 ]
	echo '{"schema": "tally.usage/1"}' > other.json
	run "$TALLY" whatif t.jsonl --at 2026-06-15 -s pro=$P --against other.json
	expect 1 "other.json is no report"
	run "$TALLY" whatif t.jsonl --at 2026-06-15 --cache infinite --scope conversation -s "old <b>=$F" -s pro=$P --html r.html -q
	expect 0
	# names stay text, nothing comes from elsewhere, and the document is the one of --json
	run grep -c '<b>' r.html
	expect 1 "0"
	run grep -cE '(src|href)="?https?:' r.html
	expect 1 "0"
	command -v node || skip "no node"
	node -e 'const h = require("fs").readFileSync("r.html", "utf8"); const d = JSON.parse(h.split("id=\"report-data\">")[1].split("</script>")[0]);
		if (d.scenarios[0].name !== "old <b>" || d.cache_sizes.at(-1).capacity !== null || d.cache_sizes.at(-1).scenarios[1].total !== d.scenarios[1].total) process.exit(1);
		const sum = (list) => list.reduce((a, x) => a + Number(x.total), 0);
		for (const s of d.scenarios) if (Math.abs(sum(s.by_day) - Number(s.total)) > 1e-9 || Math.abs(sum(s.by_window) - Number(s.total)) > 1e-9) process.exit(2);'
	run "$TALLY" whatif t.jsonl --at 2026-06-15 -s pro=$P --html /nowhere/r.html
	expect 1 "/nowhere/r.html"
	run "$TALLY" cascade "$ROOT/examples/outcomes.csv" --html c.html -q
	expect 0
	grep -q 'tally.cascade/1' c.html
}

@test "a sample estimates the whole: intervals hold, the control variate narrows them, flat prices are nearly exact" {
	"$TALLY" sim generate "$ROOT/examples/synthetic.json" --days 8 -o t.csv -q
	value() { sed -n "s/.*\"name\": \"$1\".*\"estimate\": {\"total\": \"\([0-9.]*\)\", \"interval\": {\"low\": \"\([0-9.-]*\)\", \"high\": \"\([0-9.]*\)\".*without_control\": {\"low\": \"\([0-9.-]*\)\", \"high\": \"\([0-9.]*\)\".*/\1 \2 \3 \4 \5/p" got; }
	rebuilt() { "$TALLY" whatif t.csv -s mix=every:5:$P:$F "$@"; }
	flat() { "$TALLY" whatif t.csv -s sonnet=claude-sonnet-4-6 --cache none "$@"; } # the same hits for whoever reads
	{ flat --csv --resamples 0; rebuilt --csv --resamples 0; } >whole
	sonnet=$(awk -F, '$1 == "sonnet" && $2 == "" { print $10 }' whole)
	mix=$(awk -F, '$1 == "mix" && $2 == "" { print $10 }' whole)
	for seed in $(seq 20); do
		{ flat --sample 80 --resamples 400 --seed $seed --json; rebuilt --sample 80 --resamples 400 --seed $seed --json; } >got
		echo "$(value sonnet) $sonnet $(value mix) $mix"
	done >table
	awk '{ if ($6 < $1 * .9999 || $6 > $1 * 1.0001) bad++
		inside += $12 >= $8 && $12 <= $9; with += $9 - $8; without += $11 - $10 } END { print inside, with, without, bad + 0; exit !(NR == 20 && inside >= 16 && with < .8 * without && bad == 0) }' table
	"$TALLY" whatif t.csv -s mix=every:5:$P:$F --sample 80 --threads 1 --json >one
	"$TALLY" whatif t.csv -s mix=every:5:$P:$F --sample 80 --threads 2 --json | cmp - one
	run "$TALLY" whatif t.csv -s mix=every:5:$P:$F --sample 80
	expect 0 "everything would cost about" "only 80 conversations"
	run "$TALLY" whatif t.csv -s f=$F --sample 9
	expect 2 "from 10"
	run "$TALLY" whatif "$ROOT/examples/sessions.jsonl" --at 2026-06-15 --cache infinite -s f=$F --sample 10
	expect 2 "--scope conversation"
	run "$TALLY" whatif t.csv -s recorded -s f=$F --json
	expect 0 '"ratio_interval": {"low": "1", "high": "1"'
}
@test "a period chooses the calls of traces that name their blocks, too" {
	run_period() { "$TALLY" whatif "$ROOT/examples/sessions.jsonl" --at 2026-06-15 --cache "$1" -s p=$P --resamples 0 --csv ${2:-} ${3:-} | sed -n 2p; }
	for cache in none infinite; do
		all=$(run_period $cache)
		early=$(run_period $cache --until 2026-06-15T00:10:00Z)
		late=$(run_period $cache --since 2026-06-15T00:10:00Z)
		# records, and input with what the caches had
		[ "$(printf '%s\n' "$early" "$late" | awk -F, '{ n += $3; t += $4 + $5 } END { print n, t }')" = "$(awk -F, '{ print $3, $4 + $5 }' <<<"$all")" ] || fail "$all / $early / $late"
		[ "$(cut -d, -f3 <<<"$early")" -gt 0 ]
	done
	run "$TALLY" whatif "$ROOT/examples/sessions.jsonl" --at 2026-06-15 --since 2027-01-01 -s p=$P
	expect 1 'no call of that kind and period'
}
@test "what does not fit a workload is refused, and customers and projects choose calls of traces, too" {
	"$TALLY" whatif "$ROOT/examples/sample.csv" --customer contoso -s recorded --resamples 0 --csv >one
	[ "$(sed -n 's/^recorded,,\([0-9]*\),.*/\1/p' one)" = "$("$TALLY" replay "$ROOT/examples/sample.csv" --by customer --csv | sed -n 's/^contoso,\([0-9]*\),.*/\1/p')" ]
	"$TALLY" pack "$ROOT/examples/sample.csv" -o p -q
	"$TALLY" whatif p --customer contoso -s recorded --resamples 0 --csv | cmp - one
	run "$TALLY" whatif p --customer nobody -s recorded
	expect 1 'no call of that kind'
	for bad in "$ROOT/examples/sample.csv --touch forward" "$ROOT/examples/sample.csv --block 64" "p --format azure" "$ROOT/examples/sessions.jsonl --at 2026-06-15 --customer x" "$ROOT/examples/sessions.jsonl --at 2026-06-15 --map model=x"; do
		run "$TALLY" whatif $bad -s f=$F
		[ "$status" -eq 2 -o "$status" -eq 1 ] || fail "$bad was taken"
	done
	"$TALLY" ingest "$ROOT/examples/sample.csv" --db m.db -q >/dev/null
	run "$TALLY" whatif --db m.db --at 2026-06-15 -s recorded
	expect 2 '--at is for traces'
	mkdir logs; echo '{"type":"assistant","timestamp":"2026-06-15T00:00:00Z","requestId":"r","message":{"id":"m","model":"claude-sonnet-4-6","usage":{"input_tokens":1,"output_tokens":1}}}' >logs/a.jsonl
	for how in "replay" "ingest --db m.db" "whatif -s recorded"; do
		run "$TALLY" $how logs --map model=x
		expect 2 '--map names customer, project, workload, task or session there'
	done
}
@test "without a path a what-if reads the agents' logs where there is no database, and with --logs always" {
	export HOME=$DIR/home XDG_DATA_HOME=$DIR/data XDG_CACHE_HOME=$DIR/cache; unset TALLY_DB
	run "$TALLY" whatif -s recorded; expect 1 'no database yet'
	on_server || { run "$TALLY" whatif --db none.db -s recorded; expect 1 "no database 'none.db'"; }
	mkdir -p "$HOME/.claude/projects/app"
	printf '{"type":"assistant","sessionId":"s","timestamp":"2026-06-15T10:00:00.000Z","requestId":"q","message":{"id":"m","model":"claude-opus-4-6","stop_reason":"end_turn","usage":{"input_tokens":1000000,"output_tokens":0}}}\n' >"$HOME/.claude/projects/app/s.jsonl"
	run "$TALLY" whatif -s recorded --resamples 0; expect 0 '$5.00' '(logs)'
	printf 'time,model,input\n2026-06-15T10:00:00Z,deepseek-v4-flash,1000000\n' >t.csv
	"$TALLY" ingest t.csv -q
	run "$TALLY" whatif -s recorded --resamples 0; expect 0 '$0.14' '(database)'
	run "$TALLY" whatif --logs -s recorded --resamples 0; expect 0 '$5.00' '(logs)'
}
@test "a file of rules that is named as a model is told, not priced as one" {
	run "$TALLY" whatif "$ROOT/examples/sample.csv" --scenario routes.json
	expect 2 "'routes.json' is the name of a file, not of a model; the rules in it are the scenario rules:routes.json"
}
@test "a rule and a migration take calls of a model under all its names" {
	{
		echo time,model,session,input,output
		n=0
		for model in claude-sonnet-4-5 anthropic/claude-sonnet-4-5 us.anthropic.claude-sonnet-4-5-20250929-v1:0 CLAUDE-SONNET-4-5 deepseek-v4-pro; do
			n=$((n + 1))
			echo "2026-10-01T10:0$n:00Z,$model,s$n,1000000,100000"
		done
	} >t.csv
	echo '{"rules": [{"when": {"model": "claude-sonnet-4-5"}, "model": "deepseek-v4-flash"}], "otherwise": "recorded"}' >r.json
	run "$TALLY" whatif t.csv -s r=rules:r.json --resamples 0 --csv -q
	expect 0 "r,deepseek-v4-flash,4," "r,deepseek-v4-pro,1,"
	run "$TALLY" migrate t.csv --from anthropic/claude-sonnet-4-5 --to deepseek-v4-flash --json -q
	[[ $output == *'"name": "deepseek-v4-flash"'*'"by_model": [{"model": "deepseek-v4-flash", "records": 4,'* ]] || fail "$output"
}
