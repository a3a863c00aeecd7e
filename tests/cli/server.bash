# A server for tests that ask over HTTP: on a port of its own, at $URL, over $TALLY_DB; it ends with the test.
export TALLY_DB=t.db
serve() {
	"$TALLY" serve --listen 127.0.0.1:0 "$@" 2>serve.log 3>&- & SERVER=$!
	for i in $(seq 100); do
		port=$(sed -n 's/.*listening on [a-z]*:\/\/127.0.0.1:\([0-9]*\)".*/\1/p' serve.log | tail -n 1)
		[ -n "$port" ] && break
		kill -0 $SERVER 2>/dev/null || break
		sleep 0.05
	done
	URL=http://127.0.0.1:$port
}
stop() { kill -TERM $SERVER; wait $SERVER; }
get() { run curl -s -m 20 -w '\n%{http_code}' "$@"; }
