#!/usr/bin/env bats
# Months in files: what needs no rows says what it said, what needs them says so or reads the files, and a month that is brought back is what it was.
load common
setup() { common_setup; export TALLY_DB=$DIR/a.db TZ=UTC; }

call() { # id month day model customer more
	printf '{"id":"%s","time":"2026-%02d-%02dT%02d:%02d:00Z","model":"%s","customer":"%s","project":"p%d","session":"s%d","input":%d,"output":7,"cache_read":%d%s}\n' \
		"$1" "$2" $(($3 % 28 + 1)) $(($3 % 24)) $(($3 * 7 % 60)) "$4" "$5" $(($3 % 3)) $(($3 % 5)) $((1000 + $3)) $(($3 % 9)) "$6"
}
life() {
	for c in acme beta; do
		"$TALLY" credit account $c --plan vm0 --since 2026-05-01 -q
		"$TALLY" credit grant $c 100000 --id g --effective 2026-05-01 -q
	done
	for m in 5 6 7 8; do for i in 1 2 3 9 17 23 27; do
		call c$m-$i $m $i deepseek-v4-flash acme
		call d$m-$i $m $i claude-sonnet-4-6 beta ',"cache_write_1h":50,"service_tier":"batch"'
		call e$m-$i $m $i claude-sonnet-4-6 gamma ',"web_search":2,"effort":"high","region":"eu"'
	done; done >calls.jsonl
	# a UUID, in the first hour of a month, of a model without a price
	echo '{"id":"018f2b60-0000-7000-8000-0123456789ab","time":"2026-06-01T00:30:00Z","model":"no-such-model","customer":"gamma","input":10,"output":5,"broken_off":true}' >>calls.jsonl
	call c6-1 6 9 deepseek-v4-flash acme >conflict.jsonl
	"$TALLY" ingest -q calls.jsonl || [ $? = 3 ]
	"$TALLY" ingest -q conflict.jsonl || true
	"$TALLY" amend c5-2 --set output=0 --why 'too much' -q
	"$TALLY" void c6-3 --why twice -q
	"$TALLY" void d5-3 --why twice -q
	"$TALLY" invoice draft acme --period 2026-05 -q || [ $? = 3 ]
	"$TALLY" invoice finalize --all -q
} >/dev/null 2>&1
t() { echo "== ${*%% --with-archive*}"; "$TALLY" "$@" 2>&1 && echo 0 || echo $?; }
# without rows
sums() {
	for by in model,customer day month price hour,effort; do t usage --by $by --json; done
	t usage --by day --customer acme -z America/New_York --json
	t usage --by month,customer,region -z Asia/Kolkata --csv
	t usage --since 2026-05-03T04:15Z --until 2026-06-20 --customer gamma --json
	for c in acme beta; do t credit balance $c --json; t credit ledger $c --json; done
	t invoice show 2026-000001 --json
	t invoice draft beta --period 2026-05 --json
	t status --json
}
# with them
rows() {
	t records --limit 500 --json $with
	t export csv $with
	t explain c5-2 --json $with
	t usage --by task,session --json $with
	t usage --json --recorded-cost $with
}
alike() { sed -e 's/"db": ".*"//' -e 's/"bytes": [0-9]*//' -e '/"at": "/d' -e 's/ --with-archive [^ ]*//' -e '/"checked"/d' -e '/"faults"/d' -e '/"last_record"/d'; }
# every row of a database, by its number
dump() { sql a.db "SELECT seq,id,kind,of,time,completed,series,price,origin,input,cache_read,cache_write_5m,cache_write_1h,output,reasoning,requests,task,session,raw,more,flags FROM usage ORDER BY seq"; }

@test "months go into files and come back; sums stay, and rows are read from the files" {
	life
	sums >/dev/null # drafts are there now
	"$TALLY" invoice discard --all -q >/dev/null 2>&1 || true
	run "$TALLY" db archive --before 2026-07-20 --to files
	expect 3 "2026-05 stays: draft invoices are of it: 1" "2026-06: usage-2026-06-"
	run "$TALLY" invoice finalize --all -q
	run "$TALLY" db restore 2026-06 --from files; expect 0 "23 rows"
	sums | alike >sums.before; with=; rows | alike >rows.before; dump >dump.before
	run "$TALLY" db archive --before 2026-07-20 --to files
	expect 0 "2026-05: usage-2026-05-" "24 rows" "2026-06: usage-2026-06-" "23 rows"
	[ "$(stat -c %a files/usage-2026-05-*)" = 600 ]
	sums | alike | diff sums.before -
	with="--with-archive files"; rows | alike | diff rows.before -
	run "$TALLY" fsck; expect 0 "89 rows, clean"
	run "$TALLY" fsck --with-archive files; expect 0 "89 rows, clean"
	run "$TALLY" fsck --rebuild; expect 3 "archived"
	# what needs rows says so
	run "$TALLY" records --limit 500; expect 3 "47 rows of 2026-05 to 2026-06 are archived"
	run "$TALLY" records --order time --limit 5; expect 0
	run "$TALLY" records --since 2026-07-01 --limit 500; expect 0
	run "$TALLY" export csv; expect 3 "47 rows of 2026-05 to 2026-06 are needed, which are archived" "--with-archive"
	run "$TALLY" export csv --since 2026-07-01; expect 0
	run "$TALLY" explain c5-2; expect 3 "archived with 2026-05, in usage-2026-05-"
	for change in "amend c5-2 --set output=1" "void c5-2"; do run "$TALLY" $change --why x; expect 3 "tally db restore 2026-05"; done
	run "$TALLY" rerate --why x; expect 3 "are archived"
	# ids are known, and the month is closed
	head -n 3 calls.jsonl >again.jsonl; call new 5 4 gpt-5 gamma >>again.jsonl; call now 9 4 gpt-5 gamma >>again.jsonl
	run "$TALLY" ingest again.jsonl; expect 3 "5 records read: 1 accepted, 3 duplicates" "1 quarantined" "3 of them of archived records"
	run "$TALLY" quarantine list; expect 0 "2026-05 is archived"
	if ! on_server; then rm -r a.db-ids; run "$TALLY" ingest again.jsonl; expect 3 "0 accepted, 4 duplicates"; fi
	# new accounts of old customers wait for their rows
	run "$TALLY" credit account gamma --plan vm0 --since 2026-05-01; "$TALLY" ingest again.jsonl >/dev/null || true
	run "$TALLY" status --json; expect 3 "its usage from before is archived"
	# back as they were
	for m in 05 06; do run "$TALLY" db restore 2026-$m --from files; expect 0 "back in the database"; done
	dump | head -n 89 | diff dump.before -
	run "$TALLY" fsck; expect 0 clean
	run "$TALLY" void c5-2 --why x; expect 0
}

@test "a run that goes on after its month is archived waits, and nothing else does" {
	export TALLY_DB=$DIR/a.db
	answer() { # number, day, input
		printf '{"type":"result","subtype":"success","is_error":false,"session_id":"s","uuid":"u%s","timestamp":"2026-%sT16:00:00Z","total_cost_usd":0.1,"usage":{"input_tokens":%s,"output_tokens":60},"modelUsage":{"claude-sonnet-4-6":{"inputTokens":%s,"outputTokens":60}}}\n' "$1" "$2" "$3" "$3" >answer.$1.json
	}
	call() { printf '{"type":"assistant","sessionId":"%s","timestamp":"2026-%sT10:00:00Z","requestId":"r%s","version":"2.0.0","message":{"id":"m%s","type":"message","role":"assistant","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":%s,"output_tokens":20}}}\n' "$1" "$2" "$3" "$3" "$4" >call.$3.jsonl; }
	answer 1 06-30 50; answer 2 07-02 43; call s 07-02 1 8; call other 07-02 2 9
	"$TALLY" ingest answer.1.json -q
	"$TALLY" db archive --before 2026-07 --to files -q
	run "$TALLY" ingest answer.2.json call.1.jsonl call.2.jsonl
	expect 3 '3 records read: 1 accepted, 0 duplicates, 0 conflicts, 2 quarantined' "field 'session'" 'archived with 2026-06'
	run "$TALLY" fsck; expect 0 clean
	"$TALLY" db restore 2026-06 --from files -q
	run "$TALLY" quarantine retry --all; expect 0 '2 of 2 taken'
	run "$TALLY" usage --json; expect 3 '"records": 4'
}

@test "a file that is not what was archived is named, and nothing of it is believed" {
	life
	"$TALLY" db archive --before 2026-07 --to files -q || [ $? = 3 ]
	file=$(ls files/usage-2026-06-*)
	cp "$file" whole
	for at in 900 $(($(stat -c %s whole) - 3)); do
		cp whole "$file"
		printf '\x5a' | dd of="$file" bs=1 seek="$at" conv=notrunc status=none
		run "$TALLY" usage --by task --with-archive files; [ "$status" -ne 0 ]; expect "$status" "usage-2026-06-"
		run "$TALLY" db restore 2026-06 --from files; [ "$status" -ne 0 ]; expect "$status" "usage-2026-06-"
	done
	rm "$file"; run "$TALLY" export csv --with-archive files; expect 1 "could not open 'files/usage-2026-06-"
	ln -s "$DIR/whole" "$file"; run "$TALLY" export csv --with-archive files; [ "$status" -ne 0 ]
	rm "$file"; cp whole "$file"; run "$TALLY" db restore 2026-06 --from files; expect 0
	run "$TALLY" fsck; expect 0 clean
}

@test "whatever ends it, no row is lost or there twice" {
	life
	with=; rows | alike >rows.before
	for s in 03 06 1 16; do
		"$TALLY" db archive --before 2026-08 --to files -q >/dev/null 2>&1 &
		sleep 0.$s
		kill -9 $! 2>/dev/null || true; wait $! 2>/dev/null || true
		run "$TALLY" fsck; expect 0 clean
	done
	"$TALLY" db archive --before 2026-08 --to files -q
	with="--with-archive files"; rows | alike | diff rows.before -
	[ "$(ls files | grep -c 'parquet$')" = 3 ]
	# notes move with the database
	on_server && return
	"$TALLY" db move a.db b.db -q
	TALLY_DB=$DIR/b.db; run "$TALLY" fsck --with-archive files; expect 0 clean
	rows | alike | diff rows.before -
}
