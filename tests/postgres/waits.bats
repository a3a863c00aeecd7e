# A writer that stands still, and a server of the database that answers nothing: others wait for so long as is stated, and no longer.
# waits for the times that are stated
load own_server

setup() {
	own_server meter
	DB="postgresql:///meter?host=$OWN&user=tally"
	psql="psql -h $OWN -U tally -d meter -qAtX -v ON_ERROR_STOP=1"
	echo '{"id":"c1","time":"2026-08-24T02:00:00Z","model":"deepseek-v4-flash","customer":"acme","input":1000,"output":7}' >a.jsonl
}
# serve: a server of tally with its $pid and $url
serve() { serve_on "$DB" log; pid=$SERVER url=$URL; }
# ends SECONDS STATUS: $pid ends within so many, with that status
ends() {
	local began=$SECONDS rc=0
	wait "$pid" || rc=$?
	[ $((SECONDS - began)) -le "$1" ] || fail "it took $((SECONDS - began)) seconds"
	[ "$rc" = "$2" ] || fail "it ended with $rc: $(cat log)"
}
@test "SIGTERM ends the server within its stated time, whatever the database does" {
	"$TALLY" ingest --db "$DB" -q a.jsonl
	serve
	kill -TERM $pid; ends 5 0
	# the processes of the database answer nothing more: no time-out of a server that stands still can help
	serve
	curl -s -o /dev/null -m 5 --data-binary @a.jsonl "$url/v1/usage"
	backends=$($psql -c "SELECT pid FROM pg_stat_activity WHERE datname='meter' AND pid<>pg_backend_pid()")
	kill -STOP $backends
	sed s/c1/c2/ a.jsonl | curl -s -o /dev/null -m 60 --data-binary @- "$url/v1/usage" 3>&- & local client=$!
	sleep 1
	kill -TERM $pid
	ends 27 1 || { kill -CONT $backends; false; }
	kill -CONT $backends
	wait $client || true
	case $(cat log) in *stop_late*) ;; *) fail "$(cat log)" ;; esac
	run "$TALLY" ingest --db "$DB" a.jsonl; expect 0 "1 duplicate"
	run "$TALLY" fsck --db "$DB"; expect 0 clean
}
@test "a writer that stands still in its transaction loses it, and others go on" {
	"$TALLY" ingest --db "$DB" -q a.jsonl
	awk 'BEGIN { print "id,time,model,customer,input,output"; for (i = 0; i < 300000; i++) printf "r%d,2026-06-%02dT00:00:00Z,deepseek-v4-flash,acme,%d,7\n", i, 1 + i % 28, i % 1000 }' >many.csv
	local began caught=
	"$TALLY" ingest --db "$DB" -q many.csv >ingest.log 2>&1 3>&- & pid=$!; pids="$pids $pid"
	while kill -STOP $pid 2>/dev/null; do
		sleep 0.05
		[ "$($psql -c "SELECT count(*) FROM pg_stat_activity WHERE datname='meter' AND state='idle in transaction'")" = 1 ] && { caught=yes; break; }
		kill -CONT $pid
		sleep 0.02
	done
	[ -n "$caught" ] || fail "it was never inside a transaction"
	began=$SECONDS
	# in turn, for the id is known
	run timeout 60 "$TALLY" ingest --db "$DB" a.jsonl; expect 0 "1 duplicate"
	[ $((SECONDS - began)) -le 20 ] || fail "others waited for $((SECONDS - began)) seconds"
	# where it had no lock yet, nobody waited for it
	while [ "$($psql -c "SELECT count(*) FROM pg_stat_activity WHERE datname='meter' AND state='idle in transaction'")" != 0 ]; do
		[ $((SECONDS - began)) -le 17 ] || fail "it still has its transaction"
		sleep 0.5
	done
	kill -CONT $pid
	wait $pid && fail "it does not know that its transaction was ended" || true
	grep -q "nothing of the transaction is kept" ingest.log || fail "$(cat ingest.log)"
	run "$TALLY" ingest --db "$DB" -q many.csv; expect 0
	run "$TALLY" usage --db "$DB" --json; expect 0 '"records": 300001'
	run "$TALLY" fsck --db "$DB"; expect 0 clean
}
