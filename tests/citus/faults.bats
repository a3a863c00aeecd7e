# A cluster whose servers are killed, replaced, filled up and moved about under load: what was acknowledged is there once, nothing is half written,
# and all of it comes to what one file says.
load ../cli/common

setup() {
	common_setup
	[ -n "${TALLY_TEST_CLUSTER-}" ] || skip "no cluster (tests/run citus)"
	TALLY=$TALLY_BINARY writers= pids=
	servers=$BATS_TEST_DIRNAME/../support/citus_servers
	CLUSTER=$DIR/cluster
	mkdir "$CLUSTER"; chmod 755 "$DIR" "$CLUSTER"
}
teardown() {
	touch end
	for p in $writers $pids; do kill -9 "$p" 2>/dev/null || true; done
	for n in coordinator worker1 worker2 worker1-replica; do
		[ ! -e "$CLUSTER/$n" ] || "$BATS_TEST_DIRNAME/../support/postgres_server" stop "$CLUSTER/$n" 2>/dev/null || true
	done
	if mountpoint -q "$CLUSTER/worker2"; then umount "$CLUSTER/worker2"; fi
	common_teardown
}
# a cluster of the test's own, and a database on it whose address is $DB
own_cluster() {
	"$servers" start "$CLUSTER"
	"$servers" database "$CLUSTER" meter
	DB="postgresql:///meter?host=$CLUSTER/coordinator&user=tally"
	"$TALLY" db init --citus "$DB" -q
}
on_coordinator() { psql -h "$CLUSTER/coordinator" -U tally -d meter -qAtX -v ON_ERROR_STOP=1 -c "$1"; }
# records FROM COUNT: half of all are one customer's
records() {
	awk -v from="$1" -v n="$2" 'BEGIN { for (i = from; i < from + n; i++) printf "{\"id\":\"call-%d\",\"time\":\"2026-08-%02dT%02d:00:00Z\",\"model\":\"%s\",\"customer\":\"c%d\",\"input\":%d,\"output\":7}\n",
		i, 1 + i % 28, i % 24, i % 3 ? "deepseek-v4-flash" : "claude-sonnet-4-6", i % 2 ? 0 : i % 50, i }'
}
# keys of few records are claimed by a statement, those of many by a COPY
size_of() { echo $(($1 % 2 ? 50 : 400)); }
# writer NUMBER: batches until the end, each until it is acknowledged; every seventh is sent again, every fifth amends one of its records
writer() {
	local at=$(($1 * 1000000)) size=$(size_of "$1") n=0
	while [ ! -e end ]; do
		records "$at" "$size" >batch.$1
		if "$TALLY" ingest batch.$1 --db "$DB" -q >out.$1 2>>err.$1; then
			echo "$at" >>acked.$1
			n=$((n + 1))
			if [ $((n % 5)) = 0 ] && "$TALLY" amend "call-$at" --set output=$n --why test --db "$DB" -q >>out.$1 2>>err.$1; then echo "call-$at $n" >>amended.$1; fi
			[ $((n % 7)) = 0 ] || at=$((at + size))
		fi
	done
}
four_writers() { for w in 1 2 3 4; do writer $w & writers="$writers $!"; done; }
# The writers end; what was acknowledged is there, in the cluster as in a file.
writers_end() {
	touch end; for p in $writers; do wait "$p" || true; done
	writers=
	for w in 1 2 3 4; do
		[ -s acked.$w ] || fail "writer $w got nothing in: $(tail -n 3 err.$w)"
		sort -un acked.$w | while read -r at; do records "$at" "$(size_of $w)"; done >again.$w
		run "$TALLY" ingest again.$w --db "$DB" --json
		expect 0 '"accepted": 0' '"conflicts": 0'
		"$TALLY" ingest again.$w batch.$w --db file.db -q
		"$TALLY" ingest batch.$w --db "$DB" -q
		[ ! -e amended.$w ] || while read -r id n; do "$TALLY" amend "$id" --set output=$n --why test --db file.db -q; done <amended.$w
	done
	same_as_the_file
}
# An amendment that was not acknowledged may be there or not, so that outputs are compared only where none was cut off.
same_as_the_file() {
	run "$TALLY" fsck --db "$DB"
	expect 0 clean
	for by in model customer day; do
		"$TALLY" usage --by $by --json --db "$DB" | sed '/"at": /d' >cluster.$by
		"$TALLY" usage --by $by --json --db file.db | sed '/"at": /d' >file.$by
		if [ "$(cat err.* | grep -c amend)" = 0 ]; then diff file.$by cluster.$by || fail "by $by it says something else than the file"
		else diff <(grep -E '"(records|input|customer|model)"' file.$by) <(grep -E '"(records|input|customer|model)"' cluster.$by) || fail "by $by it says something else than the file"; fi
	done
	echo "# $(cat acked.* | wc -l) batches acknowledged, $(cat err.* | grep -c '^tally: ') refused" >&3
}

@test "workers and the coordinator are killed while four write" {
	own_cluster
	four_writers
	for n in worker1 coordinator worker2 worker1 coordinator; do
		sleep "${KILL_EVERY:-4}"
		victim=$(pgrep -f "ingest batch.$((RANDOM % 4 + 1)) --db $DB" | head -n 1)
		[ -z "$victim" ] || kill -9 "$victim" 2>/dev/null || true
		"$servers" kill "$CLUSTER" $n
		sleep 1
		"$servers" again "$CLUSTER" $n
	done
	sleep 5
	writers_end
}
@test "shards are moved to the other worker and back while four write" {
	own_cluster
	four_writers
	sleep 3
	for to in worker2 worker1; do
		from=worker1; [ $to = worker2 ] || from=worker2
		on_coordinator "SELECT citus_set_node_property('$CLUSTER/$to',5432,'shouldhaveshards',true)" >/dev/null
		on_coordinator "SELECT citus_set_node_property('$CLUSTER/$from',5432,'shouldhaveshards',false)" >/dev/null
		on_coordinator "SELECT citus_rebalance_start(shard_transfer_mode=>'force_logical')" >/dev/null
		on_coordinator "SELECT citus_rebalance_wait()" >/dev/null
		[ "$(on_coordinator "SELECT count(*) FROM citus_shards WHERE table_name='tally.usage'::regclass AND nodename='$CLUSTER/$from'")" = 0 ] || fail "$from has shards"
	done
	on_coordinator "SELECT citus_set_node_property('$CLUSTER/worker2',5432,'shouldhaveshards',true); SELECT citus_rebalance_start(shard_transfer_mode=>'force_logical')" >/dev/null
	on_coordinator "SELECT citus_rebalance_wait()" >/dev/null
	writers_end
}
@test "a worker is lost and its replica takes its place while four write" {
	own_cluster
	"$servers" replica "$CLUSTER" worker1
	four_writers
	sleep 5
	"$servers" kill "$CLUSTER" worker1
	sleep 2
	"$servers" promote "$CLUSTER" worker1 meter
	sleep 5
	writers_end
}
@test "while a worker or the coordinator is away: what is answered is true, posts are taken or refused, and go on afterwards" {
	own_cluster
	for db in "$DB" file.db; do
		records 1 500 | "$TALLY" ingest --db "$db" -q -
		records 1000 5 | "$TALLY" ingest --db "$db" -q -
	done
	"$TALLY" usage --by model --json --db file.db | sed '/"at": /d' >file.model
	"$TALLY" serve --db "$DB" --listen 127.0.0.1:0 2>serve.log & pids="$pids $!"
	for i in $(seq 100); do url=$(sed -n 's/.*listening on \(http[^ "]*\).*/\1/p' serve.log | head -n 1); [ -n "$url" ] && break; sleep 0.1; done
	post() { records "$1" 5 | curl -s -m 60 -o answer -w '%{http_code}' --data-binary @- "$url/v1/usage"; }
	[ "$(post 1000)" = 200 ]
	for away in worker1 worker2 coordinator; do
		# all that is stored is summed up
		records 1 5 | "$TALLY" ingest --db "$DB" -q -
		"$servers" kill "$CLUSTER" $away
		# what needs rows is refused with what is away; sums lie on the coordinator
		run "$TALLY" records --db "$DB" --json
		[ "$status" = 1 ] || fail "records with $away away"
		expect 1 "$away"
		run "$TALLY" usage --by model --json --db "$DB"
		if [ $away = coordinator ]; then expect 1 "$away"
		else diff file.model <(sed '/"at": /d' <<<"$output") || fail "another answer with $away away"; fi
		code=$(post 2000)
		[ "$code" = 503 ] || [ "$code" = 200 ] || fail "$code: $(cat answer)"
		"$servers" again "$CLUSTER" $away
		for i in $(seq 30); do [ "$(post 2000)" = 200 ] && break; sleep 0.5; done
		grep -q '"conflicts":0' answer || fail "$(cat answer)"
		[ "$(post 3000)" = 200 ] || fail "$(cat answer)"
		for from in 2000 3000; do records $from 5 | "$TALLY" ingest --db file.db -q -; done
		"$TALLY" usage --by model --json --db file.db | sed '/"at": /d' >file.model
		diff file.model <("$TALLY" usage --by model --json --db "$DB" | sed '/"at": /d') || fail "another sum after $away was away"
		run "$TALLY" fsck --db "$DB"
		expect 0 clean
	done
}
@test "the disk of a worker is full: what is not stored is not acknowledged, and all goes on when there is room" {
	mkdir "$CLUSTER/worker2"; chmod 755 "$CLUSTER/worker2"
	mount -t tmpfs -o size=400m none "$CLUSTER/worker2" 2>/dev/null || skip "no file system of its own can be made"
	own_cluster
	records 1 500 | "$TALLY" ingest --db "$DB" -q -
	# all that is left
	dd if=/dev/zero of="$CLUSTER/worker2/filler" bs=64k 2>/dev/null || true
	stored=500 full=
	for i in $(seq 40); do
		records $((i * 10000)) 5000 >more
		if "$TALLY" ingest more --db "$DB" -q 2>err; then stored=$((stored + 5000)); else full=yes; break; fi
	done
	[ -n "$full" ] || fail "the disk is not full after $stored records"
	grep -qiE 'no space|worker2|recovery|closed|connection' err || fail "$(cat err)"
	rm "$CLUSTER/worker2/filler"
	"$servers" kill "$CLUSTER" worker2 2>/dev/null || true
	"$servers" again "$CLUSTER" worker2 2>/dev/null || true
	run "$TALLY" usage --json --db "$DB"
	expect 0 "\"records\": $stored"
	run "$TALLY" ingest more --db "$DB" --json
	expect 0 '"accepted": 5000'
	run "$TALLY" fsck --db "$DB"
	expect 0 clean
}
