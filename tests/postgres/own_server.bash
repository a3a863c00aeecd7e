# A server of the test's own in $OWN, a folder of the test's own to work in, and the processes $pids that end with it; $at_end is run last.
load ../cli/common

own_server() { # DATABASE...
	TALLY=$TALLY_BINARY
	DIR=$(mktemp -d)
	cd "$DIR"
	OWN=$DIR/server
	mkdir "$OWN"; chmod 755 "$DIR" "$OWN"
	"$BATS_TEST_DIRNAME/../support/postgres_server" start "$OWN"
	for name in "$@"; do createdb -h "$OWN" -U tally "$name"; done
}
# serve_on ADDRESS [LOG]: tally serve there until the test ends, as $SERVER; where it listens in $URL, what it says in LOG
serve_on() {
	local log=${2-serve.log}
	: >"$log" # it is read before the server has opened it
	"$TALLY" serve --db "$1" --listen 127.0.0.1:0 >>"$log" 2>&1 3>&- & SERVER=$!
	pids="$pids $SERVER"
	for i in $(seq 200); do URL=$(sed -n 's/.*listening on \(http[^ "]*\).*/\1/p' "$log"); [ -n "$URL" ] && return; sleep 0.05; done
	fail "no server: $(cat "$log")"
}
teardown() {
	for p in $pids; do kill -9 "$p" 2>/dev/null || true; done
	"$BATS_TEST_DIRNAME/../support/postgres_server" stop "$OWN" || true
	eval "$at_end" || true
	rm -rf "$DIR"
}
