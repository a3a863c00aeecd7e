# A server for tests that ask over HTTP: on a port of its own, at $URL, over $TALLY_DB, with its messages in serve.log; it ends with the test.
export TALLY_DB=t.db
serve() {
	: >serve.log # that of an earlier server must not be read before the new one has opened it
	"$TALLY" serve --listen 127.0.0.1:0 "$@" >>serve.log 2>&1 3>&- & SERVER=$!
	port=
	for i in $(seq 200); do
		port=$(sed -n 's/.*listening on [a-z]*:\/\/127.0.0.1:\([0-9]*\)".*/\1/p' serve.log)
		[ -n "$port" ] && break
		kill -0 $SERVER 2>/dev/null || break
		sleep 0.05
	done
	URL=http://127.0.0.1:$port
}
# The same where a server that does not listen is the end of the test.
serve_surely() { serve "$@"; [ -n "$port" ] || fail "no server: $(cat serve.log)"; }
stop() { kill -TERM $SERVER; wait $SERVER; }
get() { run curl -s -m 20 -w '\n%{http_code}' "$@"; }
