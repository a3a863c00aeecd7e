# A database spread over the workers of a cluster: brought there in place, by a move, and back; corrections whose sums are read by others at once.
load ../cli/common

setup() {
	common_setup
	[ -n "${TALLY_TEST_CLUSTER-}" ] || skip "no cluster (tests/run citus)"
	CLUSTER=$TALLY_TEST_CLUSTER TALLY=$TALLY_BINARY made=
	servers=$BATS_TEST_DIRNAME/../support/citus_servers
}
teardown() {
	for d in $made; do for n in coordinator worker1 worker2; do dropdb -h "$CLUSTER/$n" -U tally --force --if-exists "$d"; done; done
	common_teardown
}
# made_by WHAT: a database "$1" (empty: of the cluster and spread; database: without tables) whose address is $DB
made_by() {
	name=t_own_$BATS_TEST_NUMBER$RANDOM
	made="$made $name"
	"$servers" "$1" "$CLUSTER" "$name"
	DB="postgresql:///$name?host=$CLUSTER/coordinator&user=tally"
	psql="psql -h $CLUSTER/coordinator -U tally -d $name -qAtX -v ON_ERROR_STOP=1"
}
records() { # count
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "{\"id\":\"m%d\",\"time\":\"2026-07-%02dT%02d:00:00Z\",\"model\":\"%s\",\"customer\":\"c%d\",\"input\":%d%s}\n",
		i, 1 + i % 28, i % 24, i % 2 ? "deepseek-v4-pro" : "claude-sonnet-4-6", i % 70, i, i % 9 ? "" : ",\"cache_write_5m\":7" }'
}
reports() { all_reports "$1" | sed '/^ "at": /d'; }
all_reports() { # DATABASE
	for by in model customer day hour; do "$TALLY" usage --by $by --json --db "$1"; done
	"$TALLY" records --json --db "$1"
	"$TALLY" credit balance c1 --json --db "$1" || true; "$TALLY" credit ledger c1 --json --db "$1"
	"$TALLY" invoice list --json --db "$1"
	"$TALLY" export journal --db "$1"
	"$TALLY" fsck --json --db "$1"
}

@test "corrections over several kept connections: no sum is wrong" {
	# as many as are asked for; connections as whoever looks after the server may have set them
	n=${AMENDMENTS:-40}
	made_by empty
	records 2000 >u.jsonl
	"$TALLY" ingest u.jsonl --db "$DB" -q
	$psql -c "ALTER DATABASE $name SET citus.max_cached_conns_per_worker TO 8; ALTER DATABASE $name SET citus.max_adaptive_executor_pool_size TO 16; ALTER DATABASE $name SET citus.force_max_query_parallelization TO on"
	for i in $(seq "$n"); do
		"$TALLY" amend "m$((i * 37 % 2000))" --set output=$i --why test --db "$DB" -q
		[ $((i * 10 % n)) -ne 0 ] || { run "$TALLY" fsck --db "$DB"; expect 0 clean; }
	done
	run "$TALLY" usage --json --db "$DB"
	expect 0 '"records": 2000' "\"output\": $((n * (n + 1) / 2))"
	run "$TALLY" fsck --db "$DB"
	expect 0 clean
}
@test "a database is spread in place, in steps that may be stopped" {
	made_by database
	run "$TALLY" db distribute --db "$DB"
	expect 1 'has no tally tables yet'
	records 5000 >u.jsonl
	"$TALLY" ingest u.jsonl --db "$DB" -q
	"$TALLY" credit account c1 --plan vm0 --since 2026-07-01 -q --db "$DB"
	"$TALLY" credit grant c1 1000 --id g --effective 2026-07-01 -q --db "$DB"
	"$TALLY" amend m7 --set output=5 --why test --db "$DB" -q
	"$TALLY" credit draw --db "$DB" -q
	reports "$DB" >before
	for i in 1 2 3 4; do
		"$TALLY" db distribute --db "$DB" -q & spreading=$!
		sleep 0.$((i * 2))
		kill -9 $spreading 2>/dev/null || true
		wait $spreading || true
		reports "$DB" | diff before - || fail "it says something else after $i"
	done
	run "$TALLY" db distribute --db "$DB" --json
	expect 0 '"workers": 2' '"shards": 8' '"table": "usage", "by": "series"'
	reports "$DB" | diff before - || fail "it says something else"
	[ "$($psql -c "SELECT count(*) FROM pg_dist_shard WHERE logicalrelid='tally.usage'::regclass")" = 8 ]
	[ "$($psql -c "SELECT pg_relation_size('tally.usage')+pg_relation_size('tally.usage_key')")" = 0 ]
	run "$TALLY" ingest u.jsonl --db "$DB"
	expect 0 '0 accepted, 5,000 duplicates'
	# a worker is no coordinator
	run "$TALLY" usage --db "postgresql:///$name?host=$CLUSTER/worker1&user=tally"
	expect 1 "is a worker's"
}
@test "moved to a cluster and back, every row compared" {
	records 3000 >u.jsonl
	"$TALLY" ingest u.jsonl --db a.db -q
	"$TALLY" credit account c1 --plan vm0 --since 2026-07-01 -q --db a.db
	"$TALLY" credit grant c1 1000 --id g --effective 2026-07-01 -q --db a.db
	"$TALLY" amend m7 --set output=5 --why test --db a.db -q
	"$TALLY" void m8 --why test --db a.db -q
	"$TALLY" credit draw --db a.db -q
	made_by empty
	run "$TALLY" db move a.db "$DB"
	expect 0 'each read back and compared'
	run "$TALLY" db move "$DB" b.db
	expect 0 'each read back and compared'
	for db in a b; do sqlite3 $db.db .dump | grep -av "'identity'" | sort >$db.dump; done
	diff a.dump b.dump || fail 'rows differ'
	reports a.db >a.reports
	for db in "$DB" b.db; do reports "$db" | diff a.reports - || fail "$db says something else"; done
	run "$TALLY" ingest u.jsonl --db "$DB"
	expect 0 '0 accepted, 3,000 duplicates'
}
@test "what cannot be spread says why" {
	"$TALLY" db init --db a.db -q
	run "$TALLY" db distribute --db a.db
	expect 2 'a.db is a file'
	made_by database
	$psql -c "SELECT citus_remove_node('$CLUSTER/worker1',5432),citus_remove_node('$CLUSTER/worker2',5432)" >/dev/null
	run "$TALLY" db init --citus "$DB"
	expect 1 'there is no worker'
	run "$TALLY" db init --citus "$DB" --shards 0
	expect 2 '--shards'
}
