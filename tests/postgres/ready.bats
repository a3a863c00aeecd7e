# What /readyz and posts answer while the server of the database is away, takes no writes, has no room, or is another one than before.
load own_server

setup() {
	own_server meter
	DB="postgresql:///meter?host=$OWN&user=tally"
}
# ask CURL-ARGUMENTS: the status in $code, the answer in $output
ask() { run curl -s -m 20 -o body -w '%{http_code}' "$@"; code=$output; output=$(cat body 2>/dev/null || true); }
stop() { kill -TERM "$SERVER"; wait "$SERVER"; }
# post ID [CUSTOMER]
post() { ask -d '{"id":"'"$1"'","time":"2026-08-24T02:00:00Z","model":"deepseek-v4-flash","customer":"'"${2-acme}"'","input":1}' "$URL/v1/usage"; }
# all STATUS WHEN ID: what /readyz and a post answer
all() {
	ask -m 5 "$URL/readyz"; [ "$code" = "$1" ] || fail "$2: ready $code: $output"
	post "$3"; [ "$code" = "$1" ] || fail "$2: a post $code: $output"
}
sql() { psql -h "$OWN" -U tally -d meter -qAtX "$@"; }

@test "a server that was stopped and is back: 503 for whatever is asked meanwhile, and the first post after it is taken" {
	serve_on "$DB"
	all 200 before a
	ask "$URL/v1/usage"; [ "$code" = 200 ] || fail "$code: $output"
	"$BATS_TEST_DIRNAME/../support/postgres_server" stop "$OWN"
	all 503 stopped b
	for i in 1 2; do ask "$URL/v1/usage"; [ "$code" = 503 ] || fail "a report, $i: $code: $output"; done
	ask -d '{"customer":"acme","since":"2026-01-01","plan":"vm0"}' "$URL/v1/accounts"; [ "$code" = 503 ] || fail "a change: $code: $output"
	ask "$URL/healthz"; [ "$code" = 200 ] || fail "$code"
	"$BATS_TEST_DIRNAME/../support/postgres_server" start "$OWN"
	post b; [ "$code" = 200 ] || fail "back: a post $code: $output"
	all 200 back c
	ask "$URL/v1/usage"; [ "$code" = 200 ] || fail "$code: $output"
	stop
	run "$TALLY" fsck --db "$DB"; expect 0 '3 rows, clean'
}
@test "a server that stands still is told within three seconds, and what was posted is taken when it goes on" {
	serve_on "$DB"
	all 200 before a
	master=$(head -n 1 "$OWN/data/postmaster.pid"); all_of=$(pgrep -P "$master")
	kill -STOP $master $all_of
	ask -m 5 "$URL/readyz"; [ "$code" = 503 ] || fail "$code: $output"
	[[ $output == *'not answered for 3 seconds'* ]] || fail "$output"
	curl -s -m 30 -o late -w '%{http_code}' -d '{"id":"b","time":"2026-08-24T02:00:00Z","model":"deepseek-v4-flash","input":1}' "$URL/v1/usage" >late.code 3>&- & pids="$pids $!" late=$!
	sleep 1; kill -CONT $master $all_of
	wait $late
	[ "$(cat late.code)" = 200 ] || fail "$(cat late.code): $(cat late)"
	all 200 'goes on' c
	stop
	run "$TALLY" fsck --db "$DB"; expect 0 '3 rows, clean'
}
@test "a role that loses its rights is told, and goes on when it has them again" {
	sql -c 'CREATE ROLE app LOGIN' -c 'CREATE ROLE owner NOLOGIN' -c 'GRANT owner TO app' -c 'GRANT CREATE ON DATABASE meter TO app'
	serve_on "postgresql:///meter?host=$OWN&user=app"
	all 200 before a
	sql -c 'REASSIGN OWNED BY app TO owner' -c 'REVOKE owner FROM app'
	all 503 'no rights' b
	sql -c 'GRANT USAGE ON SCHEMA tally TO app' -c 'GRANT SELECT ON ALL TABLES IN SCHEMA tally TO app'
	all 503 'reads only' b
	ask "$URL/v1/usage"; [ "$code" = 200 ] || fail "$code: $output"
	sql -c 'GRANT owner TO app'
	all 200 'rights again' b
	stop
}
# copy FOLDER OPTION...: a copy of the server's files there
copy() {
	bin=$(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null | sort -V | tail -n 1)
	[ -x "$bin/pg_basebackup" ] || skip "there is no pg_basebackup"
	mkdir "$1"; chmod 755 "$1"; [ "$(id -u)" != 0 ] || chown postgres "$1"
	as "$bin/pg_basebackup" -h "$OWN" -U tally -D "$1/data" -c fast "${@:2}"
	at_end="'$server' stop '$1'"
}
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
@test "a standby has every report and takes nothing, and is written once it is promoted" {
	server=$BATS_TEST_DIRNAME/../support/postgres_server second=$DIR/second
	serve_on "postgresql:///meter?host=$OWN,$second&user=tally"
	all 200 first a
	copy "$second" -R -X stream
	"$server" start "$second" 3>&-
	"$server" stop "$OWN"
	all 503 'a standby' b
	ask "$URL/v1/usage"; [ "$code" = 200 ] || fail "a report: $code: $output"
	as "$bin/pg_ctl" -D "$second/data" promote -w >/dev/null
	all 200 promoted b
	stop
	run "$TALLY" fsck --db "postgresql:///meter?host=$second&user=tally"; expect 0 '2 rows, clean'
}
@test "where another server answers than before, nothing that the first one numbered is taken for its own" {
	server=$BATS_TEST_DIRNAME/../support/postgres_server second=$DIR/second
	ln -s "$OWN" at
	serve_on "postgresql:///meter?host=$DIR/at&user=tally"
	all 200 first a
	ask "$URL/v1/usage?by=customer"; [ "$code" = 200 ]
	copy "$second" -X fetch
	"$server" start "$second" 3>&-
	# the second one never hears of these, and gives their numbers to others
	for i in $(seq 40); do post "lost$i" "only$i"; [ "$code" = 200 ] || fail "$code: $output"; done
	for i in $(seq 40); do printf '{"id":"o%d","time":"2026-08-24T02:00:00Z","model":"deepseek-v4-flash","customer":"other%d","input":1}\n' $i $i; done >others
	"$TALLY" ingest others -q --db "postgresql:///meter?host=$second&user=tally"
	ask "$URL/v1/usage?by=customer"; [[ $output == *only7* ]] || fail "$output"
	ln -sfn "$second" at
	"$server" stop "$OWN"
	for i in $(seq 40); do post "again$i" "only$i"; [ "$code" = 200 ] || fail "$code: $output"; done
	# nor is it told in reports
	ask "$URL/v1/usage?by=customer"; own=$output
	stop
	run "$TALLY" fsck --db "postgresql:///meter?host=$second&user=tally"; expect 0 '81 rows, clean'
	run "$TALLY" usage --by customer --json --db "postgresql:///meter?host=$second&user=tally"
	for i in $(seq 40); do expect 0 "\"customer\": \"only$i\", \"records\": 1," "\"customer\": \"other$i\", \"records\": 1,"; done
	[[ $(printf '%s' "$own" | grep -o '"customer": "[^"]*", "records": 1,' | sort) == "$(printf '%s' "$output" | grep -o '"customer": "[^"]*", "records": 1,' | sort)" ]] || fail "the server says: $own"
}
@test "a full disk of the server is told before a post fails of it, and that there is room again" {
	mkdir small; mount -t tmpfs -o size=40m none small 2>/dev/null || skip "no small disk can be mounted here"
	at_end='umount -l small'
	chown postgres small
	sql -c "CREATE TABLESPACE small LOCATION '$DIR/small'" -c 'CREATE DATABASE packed TABLESPACE small'
	serve_on "postgresql:///packed?host=$OWN&user=tally"
	all 200 before a
	head -c 50m /dev/zero >small/filler 2>/dev/null || true
	ask -m 5 "$URL/readyz"; [ "$code" = 503 ] || fail "full: $code: $output"
	[[ $output == *"the server's disk is full"* ]] || fail "$output"
	rm small/filler
	all 200 'room again' b
	stop
}
