# A database with something in every table, carried to a server, to another server's database and back: the same in every report and byte.
load own_server

setup() {
	own_server one two
	ONE="postgresql:///one?host=$OWN&user=tally" TWO="postgresql:///two?host=$OWN&user=tally"
	psql="psql -h $OWN -U tally -qAtX -v ON_ERROR_STOP=1"
}

# life: a database a.db as it is after a while
life() {
	export TALLY_DB=a.db
	# a month whose rows are in a file
	"$TALLY" ingest - -q <<<'{"id":"old","time":"2026-01-20T00:00:00Z","model":"claude-sonnet-4-5","customer":"old","input":7}'
	"$TALLY" db archive --before 2026-02 --to files -q
	printf '%s\n' '{"currency": "USD", "issuer": {"name": "Works <GmbH> & Co"}, "taxes": [{"name": "VAT", "percent": "19"}]}' >terms.json
	"$TALLY" credit account acme --plan vm0 --since 2026-06-01 --timezone Europe/Berlin --terms terms.json -q
	"$TALLY" credit account beta --plan vm0 --since 2026-06-01 --overage debt -q
	"$TALLY" credit account beta --plan 'vm0-tokens from 2026-12-01' -q
	"$TALLY" credit account once --plan vm0 --since 2026-06-01 --overage debt -q
	"$TALLY" credit account once --overage refuse -q
	"$TALLY" credit grant beta 100 --id welcome --effective 2026-06-01 --expires 2026-06-10 -q
	"$TALLY" credit grant beta 500 --id order-1 --class paid --cost-basis 0.001 --effective 2026-06-01 -q
	"$TALLY" credit grant beta 100 --every 1month --effective 2026-06-01 --rollover 150 --id monthly --note 'tab	and \ line' -q
	awk 'BEGIN { print "id,time,model,customer,project,task,input,cache_read,cache_write_1h,output"
		for (i = 0; i < 3000; i++) printf "%s,2026-06-%02dT%02d:%02d:00Z,%s,%s,p%d,t\\%d,%d,%d,%d,%d\n", i % 4 ? sprintf("%08x-0000-4000-8000-%012x", i * 7919, i) : "call " i,
			1 + i % 28, i % 24, i % 60, i % 3 ? "deepseek-v4-flash" : "claude-sonnet-4-6", i % 2 ? "acme" : "beta", i % 2, i % 9, 100 + i * 7, i % 5 ? i * 11 : 0, i % 17, i * 3 }' >u.csv
	"$TALLY" ingest u.csv -q
	printf '{"schema":"tally.card/1","provider":"own","title":"Own","models":{"own-1":{}},"prices":[{"model":"own-1","currency":"USD","from":null,"to":null,"rates":{"input":"1","output":"1"},"source":"contract","sure":"yes"}]}' >own.json
	"$TALLY" price install own.json --scope database -q
	printf '{"id":"cmpl-1","time":"2026-06-15T00:00:00Z","model":"gpt-unknown","customer":"acme","input":5,"output":1}\n{"id":"cmpl-1","time":"2026-06-15T00:00:00Z","model":"gpt-unknown","customer":"acme","input":6,"output":1}\n' >more.jsonl
	printf '{"id":"x","model":"m\377\376","time":"2026-06-15","input":1}\nno json\tat \\ all\n{"id":"w","time":"2026-06-15T00:00:00Z","model":"claude-sonnet-4-6","customer":"beta","input":9,"output":9,"web_search":3,"audio_input":0}\n' >>more.jsonl
	"$TALLY" ingest more.jsonl -q 2>/dev/null || true
	printf '{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6","usage":{"input_tokens":10,"output_tokens":5,"server_tool_use":{"web_search_requests":2}}}\n' >body.json
	"$TALLY" ingest body.json --customer acme --at 2026-06-16T00:00:00Z -q || true # no price, as it was two web searches
	# a call with two ids: its own, and the one by which telemetry tells of it
	printf '{"type":"assistant","sessionId":"s","timestamp":"2026-06-16T10:00:00Z","requestId":"req_1","message":{"id":"msg_2","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":5}}}\n' >log.jsonl
	"$TALLY" ingest log.jsonl -q
	printf '{"id":"f1","time":"2026-06-15T00:00:00Z","model":"deepseek-v4-flash","customer":"acme","input":5}\n' >grows.jsonl
	"$TALLY" ingest grows.jsonl --follow -q & follower=$!
	for i in $(seq 50); do [ "$(sqlite3 a.db 'SELECT count(*) FROM followed')" = 1 ] && break; sleep 0.1; done
	kill -INT $follower; wait $follower || true
	"$TALLY" amend "call 8" --set output=0 --why 'too much' -q
	"$TALLY" void "call 12" --why test -q
	"$TALLY" credit hold beta 20 --id h1 -q
	"$TALLY" credit hold beta 30 --id h2 -q
	"$TALLY" credit settle h2 10 -q
	# as a settlement over HTTP whose record has no price leaves it
	sqlite3 a.db "INSERT INTO settled_apart VALUES(1,'h2','beta','','','USD',1,0,0)"
	# as a server keeps it
	sqlite3 a.db "INSERT INTO held SELECT 'beta','','','USD',sum(pico/1000000),sum(pico%1000000),sum(credits/1000000),sum(credits%1000000) FROM hold WHERE state='open' AND customer='beta'"
	"$TALLY" limit set acme --amount 1000 --period month -q
	"$TALLY" budget set all --amount 0.01 --period ever --soft 50,100 -q
	"$TALLY" budget status -q >/dev/null || true
	# some of the usage has no price, which drafts say by their exit status
	"$TALLY" invoice draft --all --period 2026-06 -q || [ $? -eq 3 ]
	"$TALLY" invoice finalize --all --accept-uncovered -q || [ $? -eq 3 ]
	"$TALLY" invoice pay 2026-000001 10 --reference bank-1 -q
	"$TALLY" ingest - -q <<<'{"id":"late","time":"2026-06-20T00:00:00Z","model":"deepseek-v4-pro","customer":"acme","input":1000000}'
	"$TALLY" invoice draft --all --period 2026-07 -q || [ $? -eq 3 ]
	unset TALLY_DB
}
# reports DATABASE: what it says, without its name and size
reports() {
	export TALLY_DB=$1
	{
		for by in model customer project day hour task price; do "$TALLY" usage --by $by --json || true; done
		"$TALLY" records --json --since 2026-02
		"$TALLY" status --json || [ $? -eq 3 ] # the same record
		for c in acme beta; do
			"$TALLY" credit balance $c --json || true
			"$TALLY" credit ledger $c --json
			"$TALLY" credit holds $c --json
		done
		for g in welcome order-1 "monthly 2026-06-01"; do "$TALLY" credit trace beta "$g" --usage --json; done
		"$TALLY" invoice list --json
		for i in '#1' '#2' '#3' '#4'; do "$TALLY" invoice show "$i" --json || true; done
		"$TALLY" limit list --json
		"$TALLY" budget status --json || true
		"$TALLY" quarantine list --json
		for id in "call 8" "call 12" msg_1 w f1; do "$TALLY" explain "$id" --json; done
		"$TALLY" export journal; "$TALLY" export csv --since 2026-02; "$TALLY" export csv --with-archive files; "$TALLY" export focus 2>left.out || [ $? -eq 3 ] # a record has no price
		cat left.out
		"$TALLY" fsck --json
	} 2>&1 | sed -e 's/"db": ".*"//' -e 's/"bytes": [0-9]*//' -e 's/"records_last_[a-z]*": [0-9]*//' -e '/^ "at": "/d'
	unset TALLY_DB
}

@test "to a server, to another database and back: every report and every row the same" {
	command -v sqlite3 >/dev/null || skip "no sqlite3 shell"
	life
	sqlite3 a.db "INSERT INTO credit_fault SELECT min(id),0,'told' FROM credit_account"
	sqlite3 a.db "INSERT INTO credit_top_up SELECT id,1,1,0,NULL,'USD','' FROM credit_account WHERE customer='beta'"
	sqlite3 a.db "INSERT INTO trail VALUES(1,1,'ops','grant','acme','g1','{}')"
	for t in $(sqlite3 a.db "SELECT name FROM sqlite_master WHERE type='table'"); do
		# skipped: numbers of a server; invoice_usage: of databases from before bills were differences
		[ "$t" = skipped ] || [ "$t" = invoice_usage ] || [ "$(sqlite3 a.db "SELECT count(*) FROM \"$t\"")" != 0 ] || fail "nothing is in the table $t"
	done
	cp -r a.db before.db
	run "$TALLY" db move a.db "$ONE" --json
	expect 0 '"schema": "tally.db.move/1"' "\"records\": $(sqlite3 a.db 'SELECT count(*) FROM usage')"
	run "$TALLY" db move "$ONE" "$TWO"
	expect 0 'each read back and compared'
	run "$TALLY" db move "$TWO" b.db
	expect 0
	for db in a b; do sqlite3 $db.db .dump | grep -av "'identity'" | sort >$db.dump; done
	diff a.dump b.dump || fail "rows differ"
	reports a.db >a.reports
	grep -aq '"clean": true' a.reports
	[ "$(grep -ac '"schema"' a.reports)" -ge 30 ] || fail "$(cat a.reports)"
	for db in "$ONE" "$TWO" b.db; do
		reports "$db" >its.reports
		diff a.reports its.reports || fail "$db says something else"
	done
	# and life goes on in the same way
	for db in a.db b.db "$TWO"; do
		export TALLY_DB=$db
		run "$TALLY" ingest u.csv --json
		expect 0 '"accepted": 0' '"duplicates": 3000'
		"$TALLY" ingest - -q <<<'{"id":"next","time":"2026-07-20T00:00:00Z","model":"deepseek-v4-pro","customer":"new","input":1000000}'
		"$TALLY" credit grant beta 7 --id later --effective 2026-07-01 -q
		"$TALLY" credit settle h1 5 -q
		"$TALLY" invoice draft --all --period 2026-07 -q || [ $? -eq 3 ]
		"$TALLY" invoice finalize --all -q
		unset TALLY_DB
	done
	for db in a.db b.db "$TWO"; do reports "$db" | sed -E 's/2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z|[0-9a-f]{64}//g' | tr -s '\n' >"$(printf %s "$db" | cksum | cut -c1-5).later"; done
	[ "$(cat *.later | wc -c)" -gt 10000 ]
	[ "$(md5sum *.later | cut -c1-32 | sort -u | wc -l)" = 1 ] || { for f in *.later; do diff "$f" "$(ls *.later | head -1)"; done | head -40; false; }
}
@test "a move that cannot be keeps nothing" {
	"$TALLY" ingest - --db a.db -q <<<'{"id":"a","time":"2026-07-20T00:00:00Z","model":"deepseek-v4-pro","customer":"new","input":1000000}'
	run "$TALLY" db move none.db "$ONE"
	expect 1 none.db
	"$TALLY" db move a.db "$ONE" -q
	run "$TALLY" db move a.db "$ONE"
	expect 1 "holds records already"
	run "$TALLY" db move a.db a.db
	expect 1 "holds records already"
	$psql -d one -c 'CREATE TABLE tally.own (a int)'
	run "$TALLY" db move "$ONE" c.db
	expect 1 "a table 'own' that tally did not make"
	# the server goes away in the middle
	awk 'BEGIN { for (i = 0; i < 300000; i++) printf "{\"id\":\"m%d\",\"time\":\"2026-07-20T00:00:00Z\",\"model\":\"deepseek-v4-pro\",\"input\":%d}\n", i, i }' | "$TALLY" ingest - --db big.db -q
	"$TALLY" db init --db "$TWO" -q
	"$TALLY" db move big.db "$TWO" 2>err & mover=$!
	for i in $(seq 100); do [ "$($psql -d two -c "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY \"usage\"%'")" = 0 ] || break; sleep 0.02; done
	"$BATS_TEST_DIRNAME/../support/postgres_server" kill "$OWN"
	run wait $mover
	[ "$status" -ne 0 ] || fail "it went on without a server"
	"$BATS_TEST_DIRNAME/../support/postgres_server" start "$OWN"
	[ "$($psql -d two -c 'SELECT count(*) FROM tally.usage')" = 0 ]
	run "$TALLY" db move big.db "$TWO" --json
	expect 0 '"records": 300000'
	run "$TALLY" fsck --db "$TWO"
	expect 0 clean
}
@test "both engines have the same tables with the same columns" {
	command -v sqlite3 >/dev/null || skip "no sqlite3 shell"
	"$TALLY" db init --db a.db -q; "$TALLY" db init --db "$ONE" -q
	sqlite3 a.db "SELECT m.name||'.'||c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type='table' AND m.name NOT LIKE 'sqlite%'" | sort >a.columns
	# keys of ids take the place of the folder beside a file
	$psql -d one -c "SELECT table_name||'.'||column_name FROM information_schema.columns WHERE table_schema='tally' AND table_name NOT IN ('usage_key','usage_claim')" | sort >one.columns
	diff a.columns one.columns || fail "they differ"
}
