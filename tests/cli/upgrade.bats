#!/usr/bin/env bats
# A database of version 1.0 (SQLite to step 0007, PostgreSQL to 0004) opens, is upgraded by the first command that writes, and says the same.
load common
setup() { common_setup; export TALLY_DB=$DIR/new.db; on_server || command -v sqlite3 >/dev/null || skip "no sqlite3 shell"; }

call() { printf '{"id":"%s","time":"2026-06-%02dT02:00:00Z","model":"%s","customer":"%s","project":"p%d","input":%d,"output":7}\n' "$1" $(($2 % 28 + 1)) "$3" "$4" $(($2 % 3)) $((1000 + $2)); }
life() {
	for c in acme beta; do
		"$TALLY" credit account $c --plan vm0 --since 2026-06-01 -q
		"$TALLY" credit grant $c 1000 --id g --effective 2026-06-01 -q
	done
	"$TALLY" credit grant acme 5 --id again --every 1month --effective 2026-06-01 -q
	for i in $(seq 60); do call c$i $i deepseek-v4-flash acme; call d$i $i claude-sonnet-4-6 beta; done >calls.jsonl
	call c1 5 deepseek-v4-flash acme >conflict.jsonl
	printf 'no json\n' >>conflict.jsonl
	"$TALLY" ingest -q calls.jsonl
	"$TALLY" ingest -q conflict.jsonl || true
	"$TALLY" amend c2 --set output=0 --why 'too much' -q
	"$TALLY" void c3 --why twice -q
	"$TALLY" credit hold acme 20 --id h1 --seconds 86400 -q
	"$TALLY" credit hold acme 30 --id h2 -q
	"$TALLY" credit settle h2 10 -q
	"$TALLY" limit set acme --amount 1000 --period month -z UTC -q
	"$TALLY" budget set all --amount 0.01 --period ever --soft 50,100 -q
	"$TALLY" budget status -q >status || [ $? -eq 4 ] # alarms are told once
	"$TALLY" invoice draft acme --period 2026-06 -q || [ $? = 3 ] # one record is refused
	"$TALLY" invoice finalize --all -q
}
t() { "$TALLY" "$@" || true; } # some tell by their status what is missing
reports() {
	for by in model customer project day price; do t usage --by $by --json; done
	for c in acme beta; do for what in balance ledger holds; do t credit $what $c --json; done; done
	t invoice list --json
	t invoice show 2026-000001 --json
	t limit list --json
	t budget status --json
	t quarantine list --json
	for id in c1 c2 c3 d4; do t explain $id --json; done
	t export journal
	t fsck --json
}
# what was rated before step 0023 has no card
said() { reports 2>&1 | sed -e 's/, "cards": \[[^]]*\]//' -e 's/"db": ".*"//' -e 's/"bytes": [0-9]*//' -e '/^ "at": "/d'; }

# make_old: what is in new.db, as the tables of then held it, in old.db
make_old_file() {
	"$ROOT"/tools/schema sqlite "$ROOT"/meter/sql/000[1-7]_*.sql | sqlite3 old.db
	{
		echo "ATTACH 'new.db' AS new; PRAGMA foreign_keys=OFF; BEGIN;"
		sqlite3 old.db "SELECT 'DROP TRIGGER '||name||';' FROM sqlite_master WHERE type='trigger'"
		for t in $(sqlite3 old.db "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite%'"); do
			columns=$(sqlite3 old.db "SELECT group_concat('\"'||name||'\"') FROM pragma_table_info('$t')")
			echo "DELETE FROM main.$t; INSERT INTO main.$t($columns) SELECT $columns FROM new.$t;"
		done
		sqlite3 old.db "SELECT sql||';' FROM sqlite_master WHERE type='trigger'"
		echo "COMMIT; PRAGMA user_version=7; PRAGMA application_id=$((0x74616c79));"
	} >copy.sql
	sqlite3 old.db <copy.sql
}
make_old_schema() {
	"$TALLY" db init --db old.db -q
	new() { psql -h "$TALLY_TEST_SERVER" -U tally -d "$(cat new.db)" -qAtX -v ON_ERROR_STOP=1 "$@"; }
	old() { PGOPTIONS='-c search_path=tally' psql -h "$TALLY_TEST_SERVER" -U tally -d "$(cat old.db)" -qAtX -v ON_ERROR_STOP=1 "$@"; }
	old -c 'DROP SCHEMA tally CASCADE; CREATE SCHEMA tally'
	"$ROOT"/tools/schema postgres "$ROOT"/meter/sql/000[1-7]_*.sql | old -1
	{
		echo "SET session_replication_role=replica;"
		for t in $(old -c "SELECT tablename FROM pg_tables WHERE schemaname='tally'"); do
			columns=$(old -c "SELECT string_agg(quote_ident(column_name),',') FROM information_schema.columns WHERE table_schema='tally' AND table_name='$t'")
			echo "DELETE FROM tally.$t; COPY tally.$t($columns) FROM stdin;"
			new -c "COPY (SELECT $columns FROM tally.$t) TO stdout"
			echo '\.'
		done
		for n in $(old -c "SELECT sequencename FROM pg_sequences WHERE schemaname='tally'"); do
			new -c "SELECT format('SELECT setval(''tally.$n'',%s,%L);',last_value,is_called) FROM tally.$n"
		done
		echo "UPDATE tally.about SET value='4' WHERE key='schema';"
	} >copy.sql
	old -f copy.sql
}

@test "a database of version 1.0 opens, is upgraded and says the same" {
	life
	said >new.said
	grep -q '"clean": true' new.said || fail "$(tail -n 20 new.said)"
	if on_server; then make_old_schema; else make_old_file; fi
	export TALLY_DB=$DIR/old.db
	sql old.db "UPDATE hold SET request='{\"project\":\"p1\",\"model\":\"deepseek-v4-flash\"}' WHERE id='h1'"
	[ "$(sql old.db 'SELECT count(*) FROM usage')" = "$(sql new.db 'SELECT count(*) FROM usage')" ]
	run "$TALLY" usage; expect 1 "older schema; any command that writes upgrades it"
	# the first command that writes
	run "$TALLY" ingest calls.jsonl --json; expect 0 '"accepted": 0' '"duplicates": 120'
	said >old.said
	diff new.said old.said || fail "it says something else"
	[ "$(sql old.db "SELECT project||' '||model FROM hold WHERE id='h1'")" = "p1 deepseek-v4-flash" ] || fail "the hold lost its scope"
	# and life goes on
	call e1 9 deepseek-v4-flash acme >e.jsonl; run "$TALLY" ingest e.jsonl; expect 0 "1 accepted"
	run "$TALLY" credit settle h1 5; expect 0
	printf '{"op":"draw","customer":"%s","id":"order-1","amount":"1"}\n' acme beta >ops.jsonl; run "$TALLY" credit post ops.jsonl; expect 0 "2 done"
	run "$TALLY" fsck --rebuild; expect 0 clean
	run "$TALLY" fsck; expect 0 clean
}

# writes FILE: tables in whose rows a value is checked by a table in memory
writes() {
	for t in $(sql "$1" "SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite%'"); do
		if sqlite3 "$1" "EXPLAIN INSERT INTO \"$t\" VALUES($(sql "$1" "SELECT group_concat('?') FROM pragma_table_info('$t')"))" | grep -q OpenEphemeral; then echo "$t"; fi
	done
}

@test "rows are checked by comparisons: no list of values fills a table in memory for each row" {
	if on_server; then skip "SQLite's"; fi
	life
	[ "$(writes new.db)" = "" ] || fail "$(writes new.db)"
	make_old_file
	"$TALLY" db init --db old.db -q
	[ "$(writes old.db)" = "" ] || fail "$(writes old.db)"
	constraints() { sqlite3 "$1" "SELECT sql FROM sqlite_schema WHERE type='table' ORDER BY name" | grep -E "CHECK \(.*='?[a-z]" | sed 's/ *--.*//' | sort; }
	[ "$(constraints old.db)" = "$(constraints new.db)" ] || fail "$(diff <(constraints old.db) <(constraints new.db))"
	[ "$(sqlite3 old.db 'PRAGMA integrity_check')" = ok ] || fail "no longer whole"
	# what was refused still is
	for s in "INSERT INTO ledger_entry VALUES(900,0,'spent',NULL,1)" "INSERT INTO journal VALUES(900,'x',1,x'00')" \
		"UPDATE hold SET state='gone' WHERE state='open'" "UPDATE quarantine SET state='x'" "UPDATE credit_account SET overage='x'" \
		"INSERT INTO ledger_entry VALUES(900,0,'used',NULL,1),(900,1,'source',NULL,-1); INSERT INTO ledger_txn VALUES(900,1,1,1,'gift',NULL,NULL,NULL,'')"; do
		run sqlite3 old.db "BEGIN; $s"
		[[ "$output" == *"CHECK constraint failed"* ]] || fail "$s: $output"
	done
}

@test "a new file has, made at once, the tables that all steps make" {
	! on_server || skip "for a file"
	schema() { sqlite3 "$1" "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name; PRAGMA user_version; PRAGMA application_id"; }
	"$TALLY" db init -q
	schema new.db >new.sql
	"$ROOT"/tools/schema sqlite "$ROOT"/meter/sql/0001_*.sql | sqlite3 old.db
	sqlite3 old.db "PRAGMA user_version=1; PRAGMA application_id=$((0x74616c79))"
	call c1 1 deepseek-v4-flash acme | "$TALLY" ingest - --db old.db -q
	schema old.db >old.sql
	[ "$(wc -l <new.sql)" -gt 100 ]
	diff old.sql new.sql
}
