#!/usr/bin/env bats
# No body ends the server.
load common
teardown() { [ -z "${pid-}" ] || kill "$pid" 2>/dev/null || true; rm -rf "$DIR"; }

@test "broken bodies of commands over HTTP are refused, and the server stays" {
	"$TALLY" db init --db t.db >/dev/null
	"$TALLY" serve --db t.db --listen 127.0.0.1:0 >log 2>&1 3>&- &
	pid=$!
	for i in $(seq 100); do url=$(sed -n 's/.*\(http:\/\/127[0-9.:]*\).*/\1/p' log | head -n 1); [ -n "$url" ] && break; sleep 0.05; done
	for path in /v1/whatif /v1/grants /v1/invoices/draft /v1/invoices/finalize /v1/quarantine/retry; do
		for body in '{' '' x '[' '[]' '""' 'null' '{"a":"\ud800"}'; do
			code=$(curl -s -m 5 -o body -w '%{http_code}' -X POST --data-binary "$body" "$url$path" || echo dead)
			[[ $code == 4?? ]] || fail "$path with '$body' answers $code: $(cat body)"
		done
	done
	run curl -s -m 5 "$url/healthz"
	[ "$status" -eq 0 ] || fail "the server is gone: $(cat log)"
}
@test "a gzip body of several members is read whole" {
	"$TALLY" db init --db t.db >/dev/null
	"$TALLY" serve --db t.db --listen 127.0.0.1:0 >log 2>&1 3>&- &
	pid=$!
	for i in $(seq 100); do url=$(sed -n 's/.*\(http:\/\/127[0-9.:]*\).*/\1/p' log | head -n 1); [ -n "$url" ] && break; sleep 0.05; done
	for id in a b c; do printf '{"id":"%s","time":"2026-06-15T08:00:00Z","model":"deepseek-v4-flash","input":10}\n' $id | gzip; done >body.gz
	run curl -s -m 5 -X POST -H 'Content-Encoding: gzip' --data-binary @body.gz "$url/v1/usage"
	expect 0 '"accepted":3'
	{ cat body.gz; printf 'rest'; } >bad.gz
	run curl -s -m 5 -o body -w '%{http_code}' -X POST -H 'Content-Encoding: gzip' --data-binary @bad.gz "$url/v1/usage"
	[[ $output == 4?? ]] || fail "bytes behind the last member were dropped: $output"
}
