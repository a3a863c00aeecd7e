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
teardown() {
	for p in $pids; do kill -9 "$p" 2>/dev/null || true; done
	"$BATS_TEST_DIRNAME/../support/postgres_server" stop "$OWN" || true
	eval "$at_end" || true
	rm -rf "$DIR"
}
