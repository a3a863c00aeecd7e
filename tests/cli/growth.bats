#!/usr/bin/env bats
# What is asked of many distinct names takes a time that grows with them, not with their pairs.
load common
setup() { common_setup; }

calls() { awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++) printf "{\"id\":\"%d\",\"time\":\"2026-06-15T08:00:00Z\",\"model\":\"x%d\",\"provider\":\"v%d\",\"customer\":\"c%d\",\"project\":\"p%d\",\"session\":\"s%d\",\"input\":10}\n", i, i, i, i, i, i }'; }
# milliseconds of processor time
cpu() {
	local TIMEFORMAT=%U
	{ time "$TALLY" "$@" >out.txt 2>err.txt || true; } 2>time.txt
	sed 's/[.]//;s/^0*\([0-9]\)/\1/' time.txt
}

@test "reports, replays and comparisons of 40,000 names take less than eight times as long as of 10,000" {
	for n in 10000 40000; do
		calls $n >$n.jsonl
		"$TALLY" ingest $n.jsonl -q --db $n.db || [ $? = 3 ]
		{ echo date,model,cost; seq -f '2026-06-15,y%.0f,1.5' $n; } >$n.csv
	done
	for report in "daily --db N.db" "blocks --db N.db" "session --db N.db" "usage --by model --db N.db" "usage --model x7 --db N.db" "replay N.jsonl --by model" "reconcile N.csv --db N.db" "status --db N.db"; do
		few=$(cpu ${report//N/10000}) many=$(cpu ${report//N/40000})
		[ "$many" -lt $((8 * few + 1000)) ] || fail "$report: $few ms, then $many ms"
	done
}
