# What only a server can do: writers and the database itself are killed under load, it is away, wrong, too new; and what it must take in.
load own_server

setup() {
	own_server meter
	DB="postgresql:///meter?host=$OWN&user=tally"
}
# records FROM COUNT: lines of their own
records() { awk -v from="$1" -v n="$2" 'BEGIN { for (i = from; i < from + n; i++) printf "{\"id\":\"call-%d\",\"time\":\"2026-08-24T02:00:00Z\",\"model\":\"deepseek-v4-flash\",\"customer\":\"c%d\",\"input\":%d,\"output\":7}\n", i, i % 5, i }'; }

# keys of few records are claimed by a statement, those of many by a COPY
size_of() { echo $(($1 % 2 ? 50 : 250)); }
# writer NUMBER: batches until the end; the ranges that were acknowledged go to acked.NUMBER
writer() {
	at=$(($1 * 1000000)) size=$(size_of $1)
	while [ ! -e end ]; do
		records $at $size >batch.$1
		if "$TALLY" ingest batch.$1 --db "$DB" -q >out.$1 2>err.$1; then echo $at >>acked.$1; at=$((at + size)); fi
	done
}
@test "four writers, killed at random, and the server killed three times: every acknowledged record is there once" {
	"$TALLY" ingest --db "$DB" -q - <<<"$(records 99000000 1)"
	for w in 1 2 3 4; do writer $w 3>&- & pids="$pids $!"; done
	for round in 1 2 3; do
		for k in 1 2 3 4 5 6; do
			sleep 0.3
			victim=$(pgrep -f "ingest batch.$((RANDOM % 4 + 1)) --db $DB" | head -n 1)
			[ -z "$victim" ] || kill -9 "$victim" 2>/dev/null || true
		done
		"$BATS_TEST_DIRNAME/../support/postgres_server" kill "$OWN"
		sleep 0.2
		"$BATS_TEST_DIRNAME/../support/postgres_server" start "$OWN"
	done
	sleep 1
	touch end; for p in $pids; do wait "$p" || true; done
	run "$TALLY" fsck --db "$DB"
	expect 0 clean
	acked=0
	for w in 1 2 3 4; do
		[ -s acked.$w ] || fail "writer $w got nothing in"
		while read -r at; do records $at $(size_of $w); done <acked.$w >again.$w
		run "$TALLY" ingest again.$w --db "$DB" --json
		expect 0 '"accepted": 0' '"conflicts": 0'
		acked=$((acked + $(wc -l <again.$w)))
	done
	[ "$acked" -ge 1000 ] || fail "only $acked records"
}
# of committed transactions, which each statement is that makes an entry by itself
commits() { psql -h "$OWN" -U tally -d meter -qAtXc "SELECT xact_commit FROM pg_stat_database WHERE datname='meter'"; }
@test "new series are made at once, not by a statement each" {
	"$TALLY" db init --db "$DB" -q
	awk 'BEGIN { for (i = 0; i < 2000; i++) printf "{\"id\":\"s%d\",\"time\":\"2026-08-24T02:00:00Z\",\"model\":\"deepseek-v4-flash\",\"customer\":\"c%d\",\"input\":1}\n", i, i }' >series
	sleep 0.6; before=$(commits)
	"$TALLY" ingest series --db "$DB" -q
	sleep 0.6; after=$(commits)
	[ $((after - before)) -lt 200 ] || fail "$((after - before)) transactions"
	run "$TALLY" usage --by customer --json --db "$DB"
	[ "$(printf '%s' "$output" | grep -c '"customer": "c')" = 2000 ] || fail "not all are there"
	run "$TALLY" fsck --db "$DB"; expect 0 clean
}
@test "a server that is gone, wrong or too new is told clearly, and nothing is half written" {
	"$TALLY" ingest --db "$DB" -q - <<<"$(records 1 10)"
	run "$TALLY" usage --db "postgresql:///nowhere?host=$OWN&user=tally"
	expect 1 'could not connect to postgresql:///nowhere'
	run "$TALLY" usage --db "postgresql:///meter?host=$OWN&user=nobody"
	expect 1 'could not connect'
	createdb -h "$OWN" -U tally empty
	run "$TALLY" usage --db "postgresql:///empty?host=$OWN&user=tally"
	expect 1 'has no tally tables yet'
	psql -h "$OWN" -U tally -d meter -qc "UPDATE tally.about SET value=999+value::int WHERE key='schema'"
	run "$TALLY" usage --db "$DB"
	expect 1 'written by a newer tally'
	psql -h "$OWN" -U tally -d meter -qc "UPDATE tally.about SET value=value::int-999 WHERE key='schema'"
	"$BATS_TEST_DIRNAME/../support/postgres_server" kill "$OWN"
	run "$TALLY" ingest --db "$DB" - <<<"$(records 11 10)"
	expect 1 'could not connect'
	"$BATS_TEST_DIRNAME/../support/postgres_server" start "$OWN"
	run "$TALLY" ingest --db "$DB" --json - <<<"$(records 1 20)"
	expect 0 '"accepted": 10' '"duplicates": 10'
}
@test "a server that comes back is used again, and what was answered meanwhile was the truth" {
	"$TALLY" ingest --db "$DB" -q - <<<"$(records 1 10)"
	serve_on "$DB"
	post() { records "$1" 5 | curl -s -o answer -w '%{http_code}' --data-binary @- "$URL/v1/usage"; }
	[ "$(post 100)" = 200 ]
	"$BATS_TEST_DIRNAME/../support/postgres_server" kill "$OWN"
	[ "$(post 200)" = 503 ] || fail "$(cat answer)"
	"$BATS_TEST_DIRNAME/../support/postgres_server" start "$OWN"
	[ "$(post 300)" = 200 ] || fail "$(cat answer)"
	[ "$(post 200)" = 200 ]
	grep -q '"accepted":5' answer
	[ "$(post 100)" = 200 ]
	grep -q '"duplicates":5' answer
	run curl -s "$URL/v1/usage"
	expect 0 '"records": 25,'
}
# pooler MODE: a pgbouncer before the server, on a socket in pool.MODE; its address is in $pooled
pooler() {
	mkdir pool.$1
	cat >pool.$1/ini <<END
[databases]
* = host=$OWN user=tally
[pgbouncer]
unix_socket_dir = $DIR/pool.$1
listen_addr =
auth_type = any
pool_mode = $1
server_round_robin = 1
logfile = $DIR/pool.$1/log
pidfile = $DIR/pool.$1/pid
END
	as=
	[ "$(id -u)" != 0 ] || { as="runuser -u postgres --"; chown -R postgres pool.$1; }
	$as pgbouncer -q -d pool.$1/ini 3>&-
	for i in $(seq 100); do [ -S pool.$1/.s.PGSQL.6432 -a -s pool.$1/pid ] && break; sleep 0.05; done
	pids="$pids $(cat pool.$1/pid)"
	pooled="postgresql:///meter?host=$DIR/pool.$1&port=6432&user=tally"
}
@test "behind a pooler that keeps sessions all is the same; one that does not is told, and nothing is counted wrong" {
	PATH=$PATH:/usr/sbin
	command -v pgbouncer >/dev/null || skip "there is no pgbouncer"
	pooler session
	for w in 1 2 3; do "$TALLY" ingest --db "$pooled" -q - <<<"$(records $w 30000)" & load="$load $!"; done
	for p in $load; do wait $p || fail "a writer failed"; done
	run "$TALLY" usage --db "$pooled" --json
	expect 0 '"records": 30002,'
	run "$TALLY" fsck --db "$pooled"
	expect 0 '30,002 rows, clean'
	pooler transaction
	# connections of the pool to go around among
	for c in 1 2 3; do psql -h "$DIR/pool.transaction" -p 6432 -U tally -d meter -qc 'SELECT pg_sleep(0.5)' >/dev/null & load="$load $!"; done
	for p in $load; do wait $p || true; done
	run "$TALLY" ingest --db "$pooled" - <<<"$(records 50000 20)"
	expect 1 'a pooler that gives each transaction another one cannot be used (pgbouncer: pool_mode=session)'
	run "$TALLY" usage --db "$DB" --json
	expect 0 '"records": 30002,'
}
@test "what is no text, and names of any length, stop no batch" {
	long() { head -c 750 /dev/urandom | base64 -w 0; }
	printf '{"id":"a","time":"2026-06-15","model":"deepseek-v4-flash","input":1}\n{"id":"b","time":"2026-06-15","model":"m\377\376","input":1}\n{"id":"c","ti\0me":1}\n' >bad.jsonl
	printf '{"id":"d","time":"2026-06-15","model":"%s","provider":"%s","customer":"%s","project":"%s","workload":"%s","region":"%s","input":2}\n' "$(long)" "$(long)" "$(long)" "$(long)" "$(long)" "$(long)" >>bad.jsonl
	run "$TALLY" ingest bad.jsonl --db "$DB"
	expect 3 '4 records read: 2 accepted' '2 quarantined'
	run "$TALLY" ingest bad.jsonl --db "$DB"
	expect 3 '0 accepted, 2 duplicates' '2 quarantined'
	sed -n 2p bad.jsonl | tr -d '\n' >sent
	psql -h "$OWN" -U tally -d meter -qAtXc "SELECT encode(raw,'base64') FROM tally.quarantine ORDER BY id LIMIT 1" | base64 -d | cmp - sent
	run "$TALLY" fsck --db "$DB"
	expect 0 clean
}
@test "four writers of the same records at once: each counts once, and every id leads to its row" {
	records 1 40000 >all.jsonl
	awk 'NR % 2' all.jsonl >odd.jsonl
	tac all.jsonl >backwards.jsonl
	"$TALLY" ingest --db "$DB" -q - <<<"$(records 99000000 1)"
	n=0
	for f in all odd backwards all; do
		n=$((n + 1))
		"$TALLY" ingest $f.jsonl --db "$DB" --json >out.$n 3>&- & pids="$pids $!"
	done
	for p in $pids; do wait "$p" || fail "a writer failed"; done
	[ "$(cat out.* | sed -n 's/.*"accepted": \([0-9]*\).*/\1/p' | awk '{ n += $1 } END { print n }')" = 40000 ] || fail "$(cat out.*)"
	[ "$(cat out.* | sed -n 's/.*"duplicates": \([0-9]*\).*/\1/p' | awk '{ n += $1 } END { print n }')" = 100000 ] || fail "$(cat out.*)"
	# new ones between known ones
	records 30000 20000 | awk '{ if (NR % 3) print; else { sub("call-", "more-"); print } }' >mixed.jsonl
	run "$TALLY" ingest mixed.jsonl --db "$DB" --json
	expect 0 '"accepted": 13332' '"duplicates": 6668'
	run "$TALLY" ingest mixed.jsonl --db "$DB" --json
	expect 0 '"accepted": 0' '"duplicates": 20000'
	run "$TALLY" explain call-39999 --db "$DB"
	expect 0 '39,999'
	run "$TALLY" fsck --db "$DB"
	expect 0 clean
	psql -h "$OWN" -U tally -d meter -qc "DELETE FROM tally.usage_key WHERE key=tally.key_of('call-7')"
	run "$TALLY" fsck --db "$DB"
	expect 5 'keys of ids and records do not match: 1'
}
@test "numbers of a transaction that is given up are skipped, and one under way is waited for by sums, not by writers" {
	sql() { psql -h "$OWN" -U tally -d meter -qAtX -v ON_ERROR_STOP=1 "$@"; }
	"$TALLY" ingest --db "$DB" -q - <<<"$(records 1 10)"
	sql -c 'SET search_path TO tally; BEGIN; SELECT take_numbers(50); ROLLBACK' >/dev/null
	"$TALLY" ingest --db "$DB" -q - <<<"$(records 11 10)"
	[ "$(sql -c 'SELECT first, rows FROM tally.skipped')" = '11|50' ] || fail "$(sql -c 'SELECT * FROM tally.skipped')"
	# a slow writer, whose rows come after those of faster ones with higher numbers
	cat >slow.sql <<'END'
SET search_path TO tally;
BEGIN;
SELECT pg_advisory_xact_lock_shared(1952541817);
INSERT INTO usage_claim SELECT 999999, take_numbers(2), NULL;
INSERT INTO usage_key SELECT key_of('slow-'||i), 999999, i FROM generate_series(1,2) i;
INSERT INTO usage SELECT c.first+i-1,'slow-'||i,kind,of,time,completed,series,price,origin,input,cache_read,cache_write_5m,cache_write_1h,output,reasoning,requests,
	task,session,raw,more,flags FROM usage u, usage_claim c, generate_series(1,2) i WHERE u.seq=1 AND c.claim=999999;
INSERT INTO batch SELECT first, 0 FROM usage_claim WHERE claim=999999;
SELECT pg_sleep(4);
COMMIT;
END
	sql -f slow.sql >/dev/null & slow=$!
	sleep 1
	began=$(date +%s)
	"$TALLY" ingest --db "$DB" -q - <<<"$(records 100 300)"
	[ $(($(date +%s) - began)) -le 2 ] || fail "the writer waited"
	[ "$(sql -c "SELECT value FROM tally.about WHERE key='rolled_to'")" = 70 ] || fail "sums went past a transaction under way: $(sql -c 'TABLE tally.about')"
	run "$TALLY" usage --db "$DB" --json
	expect 0 '"records": 320,'
	run "$TALLY" usage --db "$DB" --json --as-of 73
	expect 2 'row 73 is not settled yet' 'up to 70'
	run "$TALLY" usage --db "$DB" --json --as-of 70
	expect 0 '"records": 20,'
	wait $slow
	run "$TALLY" usage --db "$DB" --json --as-of 70
	expect 0 '"records": 20,'
	run "$TALLY" usage --db "$DB" --json --as-of 73
	expect 0 '"records": 23,'
	run "$TALLY" usage --db "$DB" --json
	expect 0 '"records": 322,'
	"$TALLY" ingest --db "$DB" -q - <<<"$(records 500 1)"
	[ "$(sql -c "SELECT value FROM tally.about WHERE key='rolled_to'")" = 373 ] || fail "$(sql -c 'TABLE tally.about')"
	run "$TALLY" usage --db "$DB" --json
	expect 0 '"records": 323,'
	run "$TALLY" ingest --db "$DB" --json - <<<'{"id":"slow-2","time":"2026-08-24T02:00:00Z","model":"deepseek-v4-flash","customer":"c1","input":1,"output":7}'
	expect 0 '"duplicates": 1'
	run "$TALLY" status --db "$DB" --json
	expect 0 '"rows": 323' '"rollup_lag": 0'
	run "$TALLY" fsck --db "$DB"
	expect 0 '323 rows, clean'
	# numbers that were skipped and summed over are not given to a later row, whatever asks for the last one meanwhile
	sql -c 'SET search_path TO tally; BEGIN; SELECT take_numbers(7); ROLLBACK' >/dev/null
	"$TALLY" budget set hard --customer c1 --amount 1000 --period ever --hard --db "$DB" -q
	serve_on "$DB"
	[ "$(curl -s -o answer -w '%{http_code}' -d '{"id":"h","customer":"c1","amount":"1"}' $URL/v1/holds)" = 201 ] || fail "$(cat answer)"
	[ "$(curl -s -o answer -w '%{http_code}' -d '{"id":"settled","time":"2026-08-24T02:00:00Z","model":"deepseek-v4-flash","input":1}' $URL/v1/holds/h/settle)" = 200 ] || fail "$(cat answer)"
	kill "${pids##* }"; wait "${pids##* }" || true
	run "$TALLY" usage --db "$DB" --json
	expect 0 '"records": 324,'
	run "$TALLY" fsck --db "$DB"
	expect 0 '324 rows, clean'
	# and so it is in a file
	sql -c 'SET search_path TO tally; BEGIN; SELECT take_numbers(5); ROLLBACK' >/dev/null
	"$TALLY" db move "$DB" file.db -q
	run "$TALLY" fsck --db file.db
	expect 0 '324 rows, clean'
	last=$(sql -c 'SELECT last_value FROM tally.usage_seq_seq')
	"$TALLY" ingest --db file.db -q - <<<"$(records 800 1)"
	[ "$(sqlite3 file.db 'SELECT max(seq) FROM usage')" = $((last + 1)) ] || fail "a number was given out twice"
	# numbers that were skipped at the end are not given out again there, for sums have gone past them
	sql -c 'SET search_path TO tally; BEGIN; SELECT take_numbers(5); ROLLBACK' >/dev/null
	"$TALLY" budget set other --amount 5 --period ever --db "$DB" -q
	serve_on "$DB"
	for i in $(seq 50); do [ "$(sql -c "SELECT value::int=(SELECT last_value FROM tally.usage_seq_seq) FROM tally.about WHERE key='rolled_to'")" = t ] && break; sleep 0.2; done
	kill "${pids##* }"; wait "${pids##* }" || true
	createdb -h "$OWN" -U tally further
	"$TALLY" db move "$DB" tail.db -q
	"$TALLY" db move "$DB" "postgresql:///further?host=$OWN&user=tally" -q
	"$TALLY" db move tail.db again.db -q
	for db in tail.db again.db "postgresql:///further?host=$OWN&user=tally"; do
		"$TALLY" ingest --db "$db" -q - <<<"$(records 900 3)"
		run "$TALLY" usage --db "$db" --json
		expect 0 '"records": 327,'
		run "$TALLY" fsck --db "$db"
		expect 0 '327 rows, clean'
	done
	# what is taken out is missed
	sql -c 'SET search_path TO tally; ALTER TABLE usage DISABLE TRIGGER ALL; DELETE FROM usage WHERE seq=5'
	run "$TALLY" fsck --db "$DB"
	expect 5 'numbers are missing among the rows: 1'
}
@test "a full disk on the server: told, nothing half written, and done once there is room" {
	mkdir small; mount -t tmpfs -o size=40m none small 2>/dev/null || skip "no small disk can be mounted here"
	at_end='umount -l small'
	chown postgres small
	psql -h "$OWN" -U tally -d meter -qc "CREATE TABLESPACE small LOCATION '$DIR/small'"
	createdb -h "$OWN" -U tally -D small full
	full="postgresql:///full?host=$OWN&user=tally"
	records 1 300000 >many
	run "$TALLY" ingest many --db "$full"
	expect 1 "the server's disk is full"
	run "$TALLY" usage --db "$full" --json
	expect 0 '"records"'
	mount -o remount,size=400m small
	run "$TALLY" fsck --db "$full"
	expect 0 clean
	run "$TALLY" ingest many --db "$full" --json
	expect 0 '"read": 300000'
	run "$TALLY" usage --db "$full" --json
	expect 0 '"records": 300000,'
	run "$TALLY" fsck --db "$full"
	expect 0 '300,000 rows, clean'
}
@test "two servers on one database: each record once, holds within the limit, invoice numbers without a gap" {
	"$TALLY" limit set acme --amount 10 --period ever --db "$DB" -q
	for s in 1 2; do serve_on "$DB" log.$s; eval "url$s=$URL"; done
	for b in $(seq 20); do records $((b * 150)) 200 >batch.$b; done # each shares 50 with the next
	load=
	for s in 1 2; do
		eval "url=\$url$s"
		(
			for b in $(seq 20); do curl -s --data-binary @batch.$b $url/v1/usage | grep -o '"accepted":[0-9]*'; done >accepted.$s
			for h in $(seq 20); do curl -s -o /dev/null -w '%{http_code}\n' -d "{\"id\":\"h$s-$h\",\"customer\":\"acme\",\"amount\":\"1\"}" $url/v1/holds; done >holds.$s
		) 3>&- & load="$load $!"
	done
	for p in $load; do wait $p; done
	[ "$(cat accepted.1 accepted.2 | awk -F: '{ n += $2 } END { print n }')" = 3050 ] || fail "$(paste accepted.1 accepted.2)"
	[ "$(cat holds.1 holds.2 | grep -c '^20')" = 10 ] || fail "$(cat holds.1 holds.2 | sort | uniq -c)"
	[ "$(cat holds.1 holds.2 | grep -c '^402')" = 30 ] || fail "$(cat holds.1 holds.2 | sort | uniq -c)"
	run "$TALLY" usage --db "$DB" --json
	expect 0 '"records": 3050,'
	for c in c0 c1 c2 c3 c4; do "$TALLY" credit account $c --plan vm0 --since 2026-08-01 --db "$DB" -q; done
	"$TALLY" credit draw --db "$DB" -q >/dev/null || true
	"$TALLY" invoice draft --all --period 2026-08 --db "$DB" -q >/dev/null
	load=
	for i in 1 2 3 4 5; do "$TALLY" invoice finalize "#$i" --db "$DB" -q & load="$load $!"; done
	for p in $load; do wait $p; done
	[ "$("$TALLY" invoice list --db "$DB" --json | grep -o '"number": "[0-9]*-[0-9]*"' | sed 's/.*-0*//; s/"//' | sort -n | tr '\n' ' ')" = "1 2 3 4 5 " ] || fail "$("$TALLY" invoice list --db "$DB")"
	run "$TALLY" fsck --db "$DB"
	expect 0 clean
}
