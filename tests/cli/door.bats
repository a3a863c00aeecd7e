#!/usr/bin/env bats
# No body ends the server.
load common
load server


# post PATH BODY: $status_code and the answer in $output
post() { run curl -s -m 20 -o body -w '%{http_code}' -X POST --data-binary "$2" "$URL$1"; status_code=$output; output=$(cat body); }
use() { printf '{"id":"%s","time":"2026-06-15T08:00:00Z","model":"deepseek-v4-flash","input":10}' "$1"; }

@test "broken bodies of commands over HTTP are refused, and the server stays" {
	"$TALLY" db init --db t.db >/dev/null
	serve_surely
	for path in /v1/whatif /v1/grants /v1/invoices/draft /v1/invoices/finalize /v1/invoices/pay /v1/quarantine/retry; do
		for body in '{' '' x '[' '[]' '""' 'null' '{"a":"\ud800"}'; do
			code=$(curl -s -m 5 -o body -w '%{http_code}' -X POST --data-binary "$body" "$URL$path" || echo dead)
			[[ $code == 4?? ]] || fail "$path with '$body' answers $code: $(cat body)"
		done
	done
	run curl -s -m 5 "$URL/healthz"
	[ "$status" -eq 0 ] || fail "the server is gone: $(cat serve.log)"
}
@test "after a hold has ended, what others commit stops no later write" {
	"$TALLY" db init --db t.db >/dev/null
	serve_surely
	post /v1/holds '{"id":"h1","customer":"acme","model":"deepseek-v4-flash","input":1000}'; [ "$status_code" = 201 ] || fail "$status_code"
	post /v1/holds/h1/release ''; [ "$status_code" = 200 ] || fail "$status_code"
	use other >o.jsonl; "$TALLY" ingest --db t.db -q o.jsonl
	post /v1/usage "$(use a)"; [ "$status_code" = 200 ] || fail "$status_code"
	post /v1/holds '{"id":"h2","customer":"acme","model":"deepseek-v4-flash","input":1000}'; [ "$status_code" = 201 ] || fail "$status_code"
	post /v1/holds/h2/settle "$(use b)"; [ "$status_code" = 200 ] || fail "$status_code"
	use other2 >o.jsonl; "$TALLY" ingest --db t.db -q o.jsonl
	post /v1/usage "$(use c)"; [ "$status_code" = 200 ] || fail "$status_code"
	run "$TALLY" usage --db t.db --json; [ "$(json records)" = 5 ]
}
@test "a hold that has ended is not open, whoever asks for it again" {
	"$TALLY" db init --db t.db >/dev/null
	serve_surely
	h='{"id":"h1","customer":"acme","model":"deepseek-v4-flash","input":1000}'
	post /v1/holds "$h"; [ "$status_code" = 201 ] || fail "$status_code"
	expect 0 '"state":"open"'
	first=$output
	post /v1/holds "$h"; [ "$status_code" = 201 ] || fail "$status_code"
	[ "$output" = "$first" ] || fail "another answer than $first"
	post /v1/holds/h1/release ''
	post /v1/holds "$h"; [ "$status_code" = 409 ] || fail "$status_code"
	expect 0 'already released'
}
@test "what a hold or a write says that nobody knows is refused, never left out" {
	"$TALLY" db init --db t.db >/dev/null
	serve_surely
	while read -r why body; do
		post /v1/holds "$body"; [ "$status_code" = 422 ] || fail "$status_code for $body"
		expect 0 "$why"
	done <<-'END'
		inptu {"customer":"acme","model":"deepseek-v4-flash","inptu":1000,"output":10}
		max_tokens {"customer":"acme","model":"deepseek-v4-flash","input":1000,"max_tokens":10}
		amuont {"customer":"acme","amount":"1","amuont":"2"}
		needs {"customer":"acme","model":"deepseek-v4-flash"}
		currency {"customer":"acme","amount":"1","currency":"dollars"}
		USD {"customer":"acme","model":"deepseek-v4-flash","input":1000,"currency":"EUR"}
	END
	post /v1/holds '{"customer":"acme","amount":"1","currency":"EUR"}'; [ "$status_code" = 201 ] || fail "$status_code"
	expect 0 '"currency":"EUR"'
	for path in usage?customer=acme events?x=1 holds?amount=2 holds/h/release?x= holds/h/settle?brokenoff=1 traces?customer=acme; do
		post "/v1/$path" '{"customer":"acme","model":"deepseek-v4-flash","input":1000,"id":"u"}'
		[ "$status_code" = 400 ] || fail "$status_code for $path"
		expect 0 parameter
	done
	post '/v1/holds/none/settle?broken_off=1' "$(use a)"; [ "$status_code" = 404 ] || fail "$status_code"
	run "$TALLY" usage --db t.db --json; [ "$(json records)" = 0 ]
}
@test "a server that is ended while the database is locked answers what waits, and ends" {
	on_server && skip "of files"
	"$TALLY" db init --db t.db >/dev/null
	serve_surely
	{ echo 'BEGIN IMMEDIATE;'; sleep 3; echo 'COMMIT;'; } | sqlite3 t.db 3>&- & local locker=$!
	sleep 0.5
	curl -s -m 40 -o answer -w '%{http_code}' -X POST --data-binary "$(use a)" "$URL/v1/usage" >code 3>&- & local client=$!
	sleep 0.5
	kill -TERM $SERVER
	wait $SERVER; local rc=$?
	wait $client $locker || true
	[ $rc -eq 0 ] || fail "the server ended with $rc: $(cat serve.log)"
	[ "$(cat code)" = 200 ] || fail "answered $(cat code): $(cat answer)"
	run "$TALLY" usage --db t.db --json; [ "$(json records)" = 1 ]
}
@test "a gzip body of several members is read whole" {
	"$TALLY" db init --db t.db >/dev/null
	serve_surely
	for id in a b c; do printf '{"id":"%s","time":"2026-06-15T08:00:00Z","model":"deepseek-v4-flash","input":10}\n' $id | gzip; done >body.gz
	run curl -s -m 5 -X POST -H 'Content-Encoding: gzip' --data-binary @body.gz "$URL/v1/usage"
	expect 0 '"accepted":3'
	{ cat body.gz; printf 'rest'; } >bad.gz
	run curl -s -m 5 -o body -w '%{http_code}' -X POST -H 'Content-Encoding: gzip' --data-binary @bad.gz "$URL/v1/usage"
	[[ $output == 4?? ]] || fail "bytes behind the last member were dropped: $output"
}
