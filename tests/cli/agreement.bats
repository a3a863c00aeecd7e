# The same records by every way that prices them: replay, pack, what-if and meter must say the same to the last digit.
load common

# records SEED: three months of several models, some without a price, with cache writes, reasoning and rows of several requests
records() {
	awk -v seed="$1" 'function some(n) { return int(rand() * n) } function maybe(n) { return rand() < 0.5 ? 0 : some(n) }
	BEGIN {
		srand(seed)
		n = split("deepseek-v4-flash deepseek-v4-pro deepseek-chat claude-sonnet-4-6 claude-opus-4-5 claude-haiku-4-5 unknown-model", model, " ")
		print "id,time,completed,model,customer,project,workload,task,session,input,cache_read,cache_write_5m,cache_write_1h,output,reasoning,requests"
		for (i = 0; i < 2000; i++) {
			m = model[some(n) + 1]; claude = m ~ /^claude/; out = some(3000); mon = 6 + some(3); day = 1 + some(29); hour = some(24)
			# calls end in the same hour, an hour later, on the next day, or nobody knows when
			done = some(4); done = done == 0 ? "" : sprintf("2026-%02d-%02dT%02d:59:59.999Z", mon, day + (done == 3), done == 2 && hour < 23 ? hour + 1 : hour)
			printf "x%d-%d,2026-%02d-%02dT%02d:%02d:%02d.%03dZ,%s,%s,%s,%s,%s,%s,%s,%d,%d,%s,%s,%d,%s,%d\n", seed, i, mon, day, hour, some(60), some(60), some(1000),
				done, m, substr("abc", some(4) + 1, 1), substr("pq", some(3) + 1, 1), substr("vw", some(3) + 1, 1), some(3) ? "t" some(50) : "", some(3) ? "s" some(40) : "",
				maybe(300000), maybe(300000), claude ? some(5000) : "", claude && some(3) == 0 ? some(500) : "", out, some(2) ? some(out + 1) : "", some(4) ? 1 : 3
		}
	}'
}
# what both print, in one order
of_trace() { "$TALLY" replay "$@" --csv -q 2>/dev/null | tail -n +2 | sort; }
metered() { # without the column of requests, behind as many dimensions
	"$TALLY" usage --db m.db "$@" --csv -q 2>/dev/null | awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "requests") drop = i; next } { line = ""; for (i = 1; i <= NF; i++) if (i != drop) line = line (i == 1 ? "" : OFS) $i; print line }' | sort
}
@test "replay, pack and meter agree by every grouping, in any zone, in any order of the records" {
	seed=${SEED:-$RANDOM}; echo "# seed $seed" >&2
	records "$seed" >t.csv
	{ head -n 1 t.csv; tail -n +2 t.csv | sort -t, -k9; } >mixed.csv
	"$TALLY" pack t.csv -o p -q
	run "$TALLY" ingest mixed.csv --db m.db -q
	expect 3 '2,000 accepted'
	for by in model customer,model project,workload task,session day month,model "week,customer -z Asia/Kolkata" "hour,model -z America/St_Johns" "day,project -z Europe/Berlin"; do
		of_trace t.csv --by $by >want
		[ "$(wc -l <want)" -gt 2 ] || fail "no groups by $by"
		of_trace mixed.csv --by $by | cmp - want || fail "mixed by $by"
		of_trace p --by $by | cmp - want || fail "packed by $by"
		metered --by $by | cmp - want || fail "metered by $by: $(metered --by $by | diff - want | head -n 4)"
	done
	run "$TALLY" fsck --db m.db
	expect 0 clean
	# where the completion decides the price, a call still belongs to the day of its start
	rm -rf m.db*
	"$TALLY" ingest t.csv --db m.db --boundary completion -q >/dev/null || [ $? -eq 3 ]
	for by in day,model hour "model --since 2026-07-05 --until 2026-08-10T05:00:00Z"; do
		of_trace t.csv --boundary completion --by $by >want
		metered --by $by | cmp - want || fail "by completion, by $by: $(metered --by $by | diff - want | head -n 4)"
		[ "$by" != day,model ] || ! of_trace t.csv --by $by | cmp -s - want || fail "no price hung on the completion"
	done
}
@test "a what-if of what was recorded is the replay: of traces, of packs, of logs and of the database" {
	seed=${SEED:-$RANDOM}; echo "# seed $seed" >&2
	recorded() { "$TALLY" whatif "$@" -s recorded --resamples 0 --csv -q 2>/dev/null | sed -n 's/^recorded,,//p' | cut -d, -f1-9; }
	total() { "$TALLY" replay "$@" --csv -q 2>/dev/null | tail -n 1 | cut -d, -f1-7,9,10; }
	records "$seed" >t.csv
	"$TALLY" pack t.csv -o p -q
	"$TALLY" ingest t.csv --db m.db -q >/dev/null || [ $? -eq 3 ]
	want=$(total t.csv)
	[ -n "$want" ]
	for w in t.csv p "--db m.db" "t.csv --cache none"; do [ "$(recorded $w)" = "$want" ] || fail "$w: $(recorded $w) is not $want"; done
	mkdir logs; awk -v dir=logs -v seed="$seed" -v sessions=5 -v turns=20 -f "$ROOT/tests/support/agent_logs.awk" >/dev/null
	[ "$(recorded logs)" = "$(total logs)" ] || fail "logs: $(recorded logs) is not $(total logs)"
}
@test "web searches of logs cost the same in replay, pack, what-if and meter, and none is free where no price is known" {
	cat >card.json <<'END'
{"schema": "tally.card/1", "provider": "searching", "title": "searches at a price",
 "prices": [{"model": "searching-1", "currency": "USD", "from": "2026-01-01T00:00:00Z", "source": "a test", "sure": "yes",
   "rates": {"input": "3", "output": "15"}, "fees": {"web_search": {"amount": "10", "per": 1000}}}]}
END
	mkdir logs
	for i in 0 1 2; do
		printf '{"type":"assistant","timestamp":"2026-06-15T00:0%d:00Z","sessionId":"s%d","requestId":"r%d","message":{"id":"m%d","model":"%s","usage":{"input_tokens":10,"output_tokens":10,"server_tool_use":{"web_search_requests":%d}}}}\n' $i $((i / 2)) $i $i "$MODEL" $i
	done >lines
	for model in searching-1 claude-sonnet-4-6 claude-2.1; do
		sed "s/\"model\":\"\"/\"model\":\"$model\"/" lines >logs/a.jsonl
		rm -rf m.db* p; "$TALLY" pack logs -o p -q
		"$TALLY" ingest logs --db m.db --prices card.json -q >/dev/null || [ $? -eq 3 ]
		case $model in claude-2.1) want=0.00032,2 ;; *) want=0.03054,0 ;; esac
		for how in "replay logs" "replay p" "replay logs --by session" "replay p --by session" "replay logs --boundary completion"; do
			[ "$("$TALLY" $how --prices card.json --csv -q 2>/dev/null | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { t += $at["total"]; u += $at["unpriced"] } END { print t "," u }')" = $want ] || fail "$model: $how"
		done
		for how in "whatif logs" "whatif p" "whatif --db m.db"; do
			[ "$("$TALLY" $how --prices card.json -s recorded --resamples 0 --csv -q 2>/dev/null | sed -n 2p | cut -d, -f10,11)" = $want ] || fail "$model: $how"
		done
		[ "$("$TALLY" usage --db m.db --by model --csv -q 2>/dev/null | sed -n 2p | cut -d, -f11,12)" = $want ] || fail "$model: $("$TALLY" usage --db m.db --by model --csv)"
	done
}
