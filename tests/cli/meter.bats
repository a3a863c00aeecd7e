load common

logs() { mkdir -p "$2" && awk -v dir="$2" -v seed="$1" -v sessions="${3:-6}" -f "$ROOT/tests/support/agent_logs.awk" && read -r messages input read w5 w1 out usd <"$2/truth"; }
export TALLY_DB=t.db

@test "agent logs: the true total on every report, whatever the seed, order and pieces" {
	for seed in 1 2 3; do
		rm -rf t.db* logs piece.*; logs $seed logs
		run "$TALLY" replay logs/projects --format claude --json
		expect 0 "\"records\": $messages" "\"total\": \"$usd\"" "\"input\": $input" "\"output\": $out" "\"cache_write_1h\": $w1" "\"cache_write_5m\": $w5" "\"cache_read\": $read"
		run "$TALLY" ingest logs/projects --json
		expect 0 "\"read\": $messages" "\"accepted\": $messages" '"conflicts": 0' '"quarantined": 0'
		for by in day model session project month window hour task; do
			run "$TALLY" usage --by $by --json
			expect 0 "\"total\": \"$usd\"" "\"records\": $messages"
			sum=$("$TALLY" usage --by $by --csv | tail -n +2 | awk -F, '{ n += $2 } END { print n }')
			[ "$sum" -eq "$messages" ] || fail "by $by: $sum records"
		done
		run "$TALLY" ingest logs/projects --json
		expect 0 '"accepted": 0' "\"duplicates\": $messages"
		"$TALLY" usage --by day,model,session --json >first
		# other order, in pieces of lines, some of them twice
		rm -rf t.db*
		cat $(find logs -name '*.jsonl' | sort -r) >all.jsonl
		split -l 17 all.jsonl piece.
		for p in $(ls piece.* | sort -r); do "$TALLY" ingest $p --format claude >/dev/null; done
		"$TALLY" ingest piece.aa --format claude >/dev/null
		"$TALLY" usage --by day,model,session --json | cmp first
		run "$TALLY" fsck
		expect 0 clean
	done
}
@test "replay and meter say the same of the same records, to the last digit" {
	"$TALLY" ingest "$ROOT/examples/sample.csv" >/dev/null
	for by in model workload,customer day window; do
		"$TALLY" replay "$ROOT/examples/sample.csv" --by $by --csv | cut -d, -f1-9 | tail -n +2 | sort >a
		"$TALLY" usage --by $by --csv | tail -n +2 | sort >b
		n=$(echo $by | tr , '\n' | wc -l)
		[ "$("$TALLY" replay "$ROOT/examples/sample.csv" --json | grep '"total"')" = "$("$TALLY" usage --json | grep '"total"' | head -n 1)" ] || fail "totals of $by"
		[ "$(wc -l <a)" -eq "$(wc -l <b)" ] || fail "groups of $by"
	done
}
@test "bad records are named with file and line, kept, and the rest counts" {
	printf '%s\n' '{"id":"a","time":"2026-06-15","model":"deepseek-v4-flash","input":100,"output":5}' \
		'{"id":"b","time":"2026-06-15","model":"deepseek-v4-flash","input":-1}' 'garbage' \
		'{"id":"c","model":"deepseek-v4-flash","input":1}' \
		'{"id":"a","time":"2026-06-15","model":"deepseek-v4-flash","input":100,"output":6}' \
		'{"id":"d","time":"2026-06-15","model":"unheard-of","input":1}' >bad.jsonl
	run "$TALLY" ingest bad.jsonl
	expect 3 "bad.jsonl:2: field 'input': '-1' is negative" 'bad.jsonl:3: not valid JSON' 'bad.jsonl:4: the record has no instant' 'bad.jsonl:5: the id is stored with another output' '6 records read: 2 accepted, 0 duplicates, 1 conflict, 3 quarantined'
	run "$TALLY" quarantine list --json
	expect 0 '"schema": "tally.quarantine/1"' '"differs": "output"' '"line": 4'
	run "$TALLY" quarantine retry --all --at 2026-06-16
	expect 3 '1 of 3 taken'
	run "$TALLY" usage --by model --json
	expect 3 '"records": 3' '"unpriced": 1' '"quarantined": 2' "is in no price card"
	run "$TALLY" quarantine drop --all
	expect 0 '2 dropped'
	run "$TALLY" usage --model deepseek-v4-flash; expect 0 '1 record of the database came with an id that another had'
	run "$TALLY" ingest bad.jsonl
	expect 3 '0 accepted, 3 duplicates, 1 conflict, 2 quarantined'
}
@test "CSV lines keep their names in quarantine" {
	printf 'when,who,model,input,output\n2026-06-15,acme,deepseek-v4-flash,10,1\n,acme,deepseek-v4-flash,10,2\n2026-06-15,acme,deepseek-v4-flash,x,3\n' >t.csv
	run "$TALLY" ingest t.csv --map time=when --map customer=who
	expect 3 "t.csv:3: field 'time' is empty" "t.csv:4: field 'input': 'x'" '1 accepted' '2 quarantined'
	run "$TALLY" usage --by customer --csv
	expect 3 'acme,1,1,10,0,0,0,1'
}
@test "amend, void and rerate add and never edit" {
	printf '%s\n' '{"id":"a","time":"2026-06-15","model":"deepseek-v4-flash","input":1000000,"output":5}' >a.jsonl
	"$TALLY" ingest a.jsonl
	run "$TALLY" amend a --set input=2000000 --set customer=acme --why 'cut off'
	expect 0 amended
	run "$TALLY" usage --by customer --json
	expect 0 '"customer": "acme"' '"total": "0.2800014"'
	run "$TALLY" usage --by customer --json --as-of 1
	expect 0 '"total": "0.1400014"'
	run "$TALLY" usage --as-of 4
	expect 2 'row 4 is not settled yet' 'up to 3'
	run "$TALLY" explain a
	expect 0 'row 1: record' 'row 2: reversal (amend: cut off)' 'row 3: correction' '$0.2800014'
	run "$TALLY" explain a --json
	expect 0 '"state": "corrected"' '"per_million": "0.14"'
	run "$TALLY" rerate --dry-run
	expect 0 'every record keeps its price'
	run "$TALLY" void a --why 'a test'
	expect 0 voided
	run "$TALLY" usage --json
	expect 0 '"records": 0' '"total": "0"'
	run "$TALLY" void a
	expect 1 'was voided'
	run "$TALLY" amend nobody --set input=1
	expect 1 "no record with id 'nobody'"
	run "$TALLY" amend a
	expect 2 'say what to change'
	run "$TALLY" ingest a.jsonl
	expect 0 '1 duplicate'
	run "$TALLY" fsck
	expect 0 clean
}
@test "damaged lines before a log or a trace do not hide what it is" {
	logs 5 gen 1
	f=$(find gen -name '*.jsonl')
	mkdir logs; { echo '","x":{"output_tokens":3}}}'; echo; echo '{"cut":'; echo '{"other":1}'; cat $f; } >logs/a.jsonl
	run "$TALLY" ingest logs --json
	expect 3 "\"accepted\": $messages," '"quarantined": 3'
	run "$TALLY" usage --json
	expect 3 "\"total\": \"$usd\""
	run "$TALLY" replay logs/a.jsonl --json
	expect 3 "\"total\": \"$usd\"" '"quarantined": 3'
	{ echo '{"cut":'; echo '{"other":1}'; printf '{"timestamp": 5, "input_length": %d, "output_length": 1, "hash_ids": []}\n' 10 20; } >m.jsonl
	run "$TALLY" replay m.jsonl --at 2026-06-15 --model deepseek-v4-flash --json
	expect 3 '"records": 2' '"input": 30' '"quarantined": 2'
}
@test "a growing log is read on, also after a restart, a rotation and a new file" {
	mkdir logs; logs 5 gen 1
	f=$(find gen -name '*.jsonl'); half=$(($(wc -l <$f) / 2))
	head -n $half $f >logs/a.jsonl
	head -c 100 $f | tail -c 60 >>logs/a.jsonl   # a torn last line
	"$TALLY" ingest --follow logs >out 2>err & pid=$!
	for i in $(seq 100); do sleep 0.1; [ "$("$TALLY" usage --csv 2>/dev/null | wc -l)" -gt 1 ] && break; done
	kill $pid; wait $pid || true
	head -n $half $f >logs/a.jsonl.new; tail -n +$((half + 1)) $f >>logs/a.jsonl.new
	cat logs/a.jsonl.new >logs/a.jsonl; rm logs/a.jsonl.new
	"$TALLY" ingest --follow logs >out 2>err & pid=$!
	for i in $(seq 100); do sleep 0.1; [ "$("$TALLY" usage --json | grep -c "\"total\": \"$usd\"")" -ge 1 ] && break; done
	logs2=$usd; n=$messages
	mv logs/a.jsonl logs/old.jsonl   # rotated: the same calls under another name
	printf '%s\n' '{"id":"z","time":"2026-06-15","model":"deepseek-v4-flash","input":1000000}' >logs/a.jsonl
	for i in $(seq 100); do sleep 0.1; "$TALLY" usage --by model --csv | grep -q deepseek-v4-flash && break; done
	sleep 0.5; kill $pid; wait $pid || true
	run "$TALLY" usage --json
	expect 3 "\"records\": $((n + 1))," '"quarantined": 1' # the torn line, which nothing ended
	run "$TALLY" fsck
	expect 0 clean
}
# until COMMAND...: within ten seconds it succeeds
until_so() { for i in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; fail "never: $*"; }
counted() { [ "$("$TALLY" usage --json | sed -n 's/.*"records": \([0-9]*\),.*/\1/p' | head -n 1)" = "$1" ]; }
@test "a growing CSV file is read on: header and records as they become whole, each once, and credits are drawn meanwhile" {
	"$TALLY" credit account a --plan vm0 -q
	"$TALLY" credit grant a 1000 -q
	now=$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)
	: >u.csv
	"$TALLY" ingest --follow u.csv >out 2>err & pid=$!
	sleep 0.4; printf 'time,model,customer,input,out' >>u.csv
	sleep 0.4; printf 'put\n%s,deepseek-v4-flash,a,1000000,0\n%s,deepseek-v4-flash,a,1000000,0\n%s,deepseek-v4-flash,"a' $now $now $now >>u.csv
	until_so counted 2
	# asking for a balance would draw, too
	drawn() { [ "$(sql t.db "SELECT count(*) FROM ledger_txn WHERE kind='draw'")" = 1 ]; }
	until_so drawn
	run "$TALLY" credit balance a --json
	expect 0 '"available": "880"'
	# a record that spans lines comes in three parts; bad rows are told and kept
	printf '\nb' >>u.csv; sleep 0.4; counted 2
	printf '",7,8\nbad,row\n' >>u.csv
	until_so counted 3
	kill $pid; wait $pid || true
	grep -q 'u.csv:6: the line has 2 fields where the header has 5' err || fail "$(cat err)"
	# rows without ids that are equal are told apart by their place, after a restart, too
	printf '%s,deepseek-v4-flash,a,1000000,0\n' $now >>u.csv
	"$TALLY" ingest --follow u.csv >out 2>err & pid=$!
	until_so counted 4
	kill $pid; wait $pid || true
	grep -q '1 accepted, 3 duplicates' out || fail "$(cat out)"
	# with ids, reading goes on where it stopped
	printf '\xef\xbb\xbfid,time,model,input\n' >ids.csv
	for i in 1 2 3; do printf 'r%d,%s,deepseek-v4-flash,5\n' $i $now >>ids.csv; done
	"$TALLY" ingest --follow ids.csv >out & pid=$!
	until_so counted 7
	kill $pid; wait $pid || true
	printf 'r4,%s,deepseek-v4-flash,5\n' $now >>ids.csv
	"$TALLY" ingest --follow ids.csv >out & pid=$!
	until_so counted 8
	printf 'id,time,model,input\nr5,%s,deepseek-v4-flash,5\n' $now >ids.csv # written again
	until_so counted 9
	kill $pid; wait $pid || true
	grep -q '^2 records read: 2 accepted' out || fail "$(cat out)"
	run "$TALLY" fsck
	expect 0 clean
	run "$TALLY" ingest --follow -
	expect 2 'standard input'
	gzip -c ids.csv >z.csv.gz
	run timeout 10 "$TALLY" ingest --follow --format csv z.csv.gz
	expect 2 'compressed'
}
@test "options of traces hold for files that grow" {
	printf '{"when":"2026-08-01T00:00:00Z","m":"deepseek-v4-flash","in":5,"no":"x1"}\n' >g.jsonl
	"$TALLY" ingest --follow g.jsonl --map time=when --map model=m --map input=in --map id=no 2>err & pid=$!
	until_so counted 1
	printf '{"when":"2026-08-01T00:00:01Z","m":"deepseek-v4-flash","in":6,"no":"x2"}\n' >>g.jsonl
	until_so counted 2
	kill $pid; wait $pid || true
	run "$TALLY" usage --json
	expect 0 '"input": 11'
	printf 'TIMESTAMP,ContextTokens,GeneratedTokens\n' >azure.csv
	"$TALLY" ingest --follow azure.csv --format azure --model deepseek-v4-pro 2>err & pid=$!
	printf '2023-11-16 18:17:03.2,100,7\n' >>azure.csv
	until_so counted 3
	kill $pid; wait $pid || true
}
@test "backup while others write opens like the original" {
	! on_server || skip "pg_dump copies a server"
	"$TALLY" ingest "$ROOT/examples/sample.csv" >/dev/null
	run "$TALLY" backup copy.db --quiet
	expect 0
	"$TALLY" usage --by model --json >a
	"$TALLY" usage --by model --json --db copy.db | cmp a
	run "$TALLY" backup copy.db
	expect 1 'exists already'
	run "$TALLY" fsck --db copy.db
	expect 0 clean
}
@test "a quoted field that spans lines late in a file counts nothing twice" {
	awk 'BEGIN { print "time,model,task,input,output"; for (i = 0; i < 120000; i++) printf "2026-08-01T00:00:%02dZ,deepseek-v4-flash,t%d,%d,5\n", i % 60, i, i % 1000 }' >torn.csv
	printf '2026-08-01T00:00:00Z,deepseek-v4-flash,"two\nlines",1,5\n' >>torn.csv
	run "$TALLY" ingest torn.csv --json
	expect 0 '"read": 120001' '"accepted": 120001' '"duplicates": 0'
	run "$TALLY" ingest torn.csv --json
	expect 0 '"accepted": 0' '"duplicates": 120001'
}
@test "db init makes a database, db move carries it, and neither overwrites one" {
	! on_server || skip "tests/postgres/move.bats does it there"
	run "$TALLY" db init --db new/made.db --json
	expect 0 '"schema": "tally.db.init/1"' '"rows": 0'
	"$TALLY" ingest "$ROOT/examples/sample.csv" -q >/dev/null
	run "$TALLY" db move t.db new/made.db
	expect 0 'each read back and compared'
	"$TALLY" usage --by customer --json >a
	"$TALLY" usage --by customer --json --db new/made.db | cmp a
	run "$TALLY" fsck --db new/made.db
	expect 0 clean
	run "$TALLY" ingest "$ROOT/examples/sample.csv" --db new/made.db --json
	expect 0 '"accepted": 0'
	run "$TALLY" db move t.db new/made.db
	expect 1 'holds records already'
	run "$TALLY" db move t.db
	expect 2 'FROM TO'
}
@test "fsck finds what does not fit, and rebuilds it bit for bit" {
	command -v sqlite3 >/dev/null || skip "no sqlite3 shell"
	"$TALLY" ingest "$ROOT/examples/sample.csv" >/dev/null
	sql t.db 'SELECT * FROM rollup_day ORDER BY 1,2,3; SELECT * FROM rollup_quarter ORDER BY 1,2,3' >before
	sql t.db 'UPDATE rollup_day SET input=input+1 WHERE day=(SELECT min(day) FROM rollup_day)'
	run "$TALLY" fsck
	expect 5 'differs from the sum of the records'
	run "$TALLY" fsck --rebuild
	expect 0 clean
	sql t.db 'SELECT * FROM rollup_day ORDER BY 1,2,3; SELECT * FROM rollup_quarter ORDER BY 1,2,3' | cmp before
	run sql t.db 'DELETE FROM usage'
	[ "$status" -ne 0 ] || fail "rows can be deleted"
	run sql t.db 'UPDATE usage SET input=0'
	[ "$status" -ne 0 ] || fail "rows can be changed"
}
@test "what cannot be opened is told before any work" {
	! on_server || skip "of files"
	run "$TALLY" usage
	expect 1 "no database 't.db'"
	run "$TALLY" ingest nothing.jsonl
	expect 1 "could not open 'nothing.jsonl'"
	[ ! -e t.db ] || fail "a database was made"
	printf 'no database at all, really not one' >t.db
	run "$TALLY" usage
	expect 1 'is not a database'
	run "$TALLY" usage --by nonsense
	expect 2 "no grouping 'nonsense'; choose from day, week, month, hour, model, provider,"
	run "$TALLY" usage --by day,; expect 2 "a grouping is missing after the last comma"
	run "$TALLY" usage --by weekly,week; expect 2 "'week' is named twice"
	run "$TALLY" usage --db "postgresql://someone:secret@/nothing?host=$PWD"
	expect 1 'could not connect to postgresql://someone@/nothing'
	case $output in *secret*) fail "a password is shown" ;; esac
}
@test "status tells what needs a look" {
	printf '%s\n' '{"id":"d","time":"2026-06-15","model":"unheard-of","input":1}' 'x' >a.jsonl
	"$TALLY" ingest a.jsonl >/dev/null 2>&1 || true
	run "$TALLY" status --json
	expect 3 '"schema": "tally.status/1"' '"rows": 1' '"unpriced": 1' '"quarantined": 1' '"records_last_minute": 1'
	run "$TALLY" status
	expect 3 'quarantine    1 kept' 'last check    none (tally fsck)'
	# when all of it was checked last, and what came of it
	"$TALLY" fsck --quiet
	run "$TALLY" status; expect 3 'last check    20' 'Z, clean'
	run "$TALLY" status --json; expect 3 '"last_check": {' '"faults": 0'
	! on_server || return 0 # the fault is made in a file
	python3 -c "
import os, sqlite3
c = sqlite3.connect(os.environ['TALLY_DB'])
c.execute('UPDATE rollup_day SET input=input+1')
c.commit()"
	run "$TALLY" fsck; expect 5
	run "$TALLY" status; expect 3 ', 1 fault (tally fsck names them)'
}
@test "records, the last first, by customer, project, model and period; explain says what a record draws" {
	export TALLY_DB=$DIR/t.db
	"$TALLY" credit account acme --plan vm0 --since 2026-06-02 -q
	"$TALLY" credit account beta --plan vm0 --byo yes --since 2026-06-01 -q
	cat >u.csv <<'END'
id,time,model,customer,project,input,output
a,2026-06-01T00:00:00Z,claude-sonnet-4-6,acme,web,1000,0
b,2026-06-15T00:00:00Z,claude-sonnet-4-6,acme,web,1000,0
c,2026-06-16T00:00:00Z,nobody-1,acme,api,1000,0
d,2026-06-17T00:00:00Z,claude-sonnet-4-6,beta,,1000,0
END
	run "$TALLY" ingest u.csv
	run "$TALLY" records --json
	expect 0 '"schema": "tally.records/1"' '"total": "0.003"' '"unpriced"'
	[ "$(printf '%s\n' "$output" | grep -o '"id": "."' | tr -d '\n')" = '"id": "d""id": "c""id": "b""id": "a"' ]
	run "$TALLY" records --customer acme --model claude-sonnet-4-6 --since 2026-06-02 --json
	[ "$(printf '%s\n' "$output" | grep -o '"id": "."')" = '"id": "b"' ]
	run "$TALLY" records --unpriced --limit 1
	expect 0 "nobody-1" "no price"
	run "$TALLY" records --limit 0
	expect 2 "--limit"
	"$TALLY" void a --why test -q
	run "$TALLY" records --limit 1
	expect 0 "reversed" '-$0.003'
	run "$TALLY" explain b
	expect 0 "credits    3 (plan vm0)"
	run "$TALLY" explain d --json
	expect 0 '"credits": {"plan": "vm0", "total": null, "why": "the customer brings its own key"}'
	run "$TALLY" explain a
	expect 0 "the account starts later" "refunds what the record drew"
}
