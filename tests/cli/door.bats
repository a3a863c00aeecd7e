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
# raw FORMAT...: what the server answers to bytes as they are
raw() { printf "$@" >bytes; exec 9<>"/dev/tcp/127.0.0.1/$port"; cat bytes >&9; timeout 10 cat <&9; exec 9>&-; }
@test "a hold of an amount is of what its fields say, also where they are of another kind" {
	"$TALLY" db init --db t.db >/dev/null
	"$TALLY" budget set p --project 7 --amount 1 --hard --db t.db -q
	serve_surely
	post /v1/holds '{"customer":"acme","amount":"5","project":7}'; [ "$status_code" = 402 ] || fail "$status_code $output"
	for field in '"project":["7"]' '"model":true' '"id":{}' '"customer":["acme"]' '"time":"soon"' '"input":-1'; do
		post /v1/holds "{\"customer\":\"acme\",\"amount\":\"1\",$field}"
		[[ $status_code == 4?? ]] || fail "$field: $status_code $output"
	done
	post /v1/holds '{"customer":"acme","amount":"1","id":7}'; [ "$status_code" = 201 ] || fail "$status_code $output"
	post /v1/holds '{"customer":"acme","amount":"1","id":7}'; [ "$status_code" = 201 ] || fail "$status_code $output"
	expect 0 '"id":"7"' '"held":"1"'
	post /v1/holds "{\"customer\":\"acme\",\"amount\":\"1\",\"project\":\"$(printf %05000d 0)\"}"; [ "$status_code" = 422 ] || fail "$status_code"
}
@test "a stream ends with the token or the session that opened it" {
	"$TALLY" db init --db t.db >/dev/null
	admin=$("$TALLY" token root --scope admin --file tokens.txt)
	reader=$("$TALLY" token page --scope read --file tokens.txt)
	serve_surely --tokens tokens.txt
	curl -s -c jar -X POST -d "$reader" "$URL/session" >/dev/null
	curl -s -N -m 30 -H "Authorization: Bearer $reader" "$URL/v1/live" >live 3>&- & one=$!
	curl -s -N -m 30 -b jar "$URL/v1/live" >page 3>&- & two=$!
	for i in $(seq 100); do [ -s live ] && [ -s page ] && break; sleep 0.1; done
	[ -s live ]
	[ -s page ]
	curl -s -b jar -X POST "$URL/session" >/dev/null
	"$TALLY" token page --revoke --file tokens.txt 2>/dev/null
	curl -s -m 20 -H "Authorization: Bearer $admin" -X POST -d "$(use a)" "$URL/v1/usage" >/dev/null
	began=$SECONDS
	wait $one; wait $two
	((SECONDS - began < 25)) || fail "the streams went on"
	! grep -h '"accepted":1' live page
}
@test "a head that can be read in two ways is refused, and its connection ends" {
	"$TALLY" db init --db t.db >/dev/null
	serve_surely
	next='GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n'
	for head in 'Content-Length: 3\r\nContent-Length: 4\r\n' 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n' \
		'Transfer-Encoding: xchunked\r\n' 'Content-Length : 3\r\n' 'Host: example.com\r\nContent-Length: 3\r\n' \
		'Authorization: a\r\nAuthorization: b\r\nContent-Length: 3\r\n'; do
		out=$(raw "POST /v1/usage HTTP/1.1\r\nHost: localhost\r\n$head\r\n{}\n$next")
		[[ $out == 'HTTP/1.1 400'* ]] || fail "$head: $out"
		[ "$(grep -c '^HTTP/1.1' <<<"$out")" = 1 ] || fail "$head: $out"
	done
	get "$URL/v1/usage?by=model&by=customer"; expect 0 'given twice'
	get "$URL/v1/usage?by=model%00x"; [ "${lines[-1]}" = 400 ] || fail "$output"
	get "$URL/v1/usage%00x"; [ "${lines[-1]}" = 404 ] || fail "$output"
}
@test "who is too slow is told so in whole JSON" {
	"$TALLY" db init --db t.db >/dev/null
	serve_surely --body-seconds 1
	raw 'POST /v1/usage HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc' | tr -d '\r' >answer
	grep -q '^HTTP/1.1 408' answer
	sed '1,/^$/d' answer | python3 -c 'import json,sys; json.load(sys.stdin)'
	length=$(sed -n 's/^Content-Length: //p' answer)
	[ -z "$length" ] || [ "$length" = "$(sed '1,/^$/d' answer | wc -c)" ]
}
@test "a token that is revoked is gone from the file that a link leads to, and its readers stay" {
	mkdir real
	"$TALLY" token a --scope read --file real/tokens >/dev/null; "$TALLY" token b --scope read --file real/tokens >/dev/null
	chmod 640 real/tokens; ln -s real/tokens link
	[ "$(id -u)" != 0 ] || chown 65534:65534 real/tokens
	before=$(stat -c '%a %u %g' real/tokens)
	"$TALLY" token a --revoke --file link
	[ -L link ]
	run grep -q '^a ' real/tokens
	[ "$status" = 1 ]
	grep -q '^b ' real/tokens
	[ "$(stat -c '%a %u %g' real/tokens)" = "$before" ]
}
@test "a body that takes long to read holds up nobody else" {
	"$TALLY" db init --db t.db >/dev/null
	serve_surely
	python3 -c 'import gzip,sys; sys.stdout.buffer.write(gzip.compress(b"[" + b"[]," * 20000000 + b"[]]", 1))' >heavy.gz
	(curl -s -m 300 -X POST -H 'Content-Encoding: gzip' --data-binary @heavy.gz "$URL/v1/usage" >heavy.out; touch ended) 3>&- &
	for i in 1 2 3 4 5; do sleep 0.1; get "$URL/healthz"; [ "${lines[-1]}" = 200 ]; done
	[ ! -e ended ] || fail "the body was read before the others were answered"
	wait $!
	grep -q 'holds no record' heavy.out
}
@test "a resource of OpenTelemetry with more attributes than any has is refused" {
	python3 - <<-'END' >many.json
		import json
		a = lambda k, v: {"key": k, "value": {"stringValue": v}}
		span = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "chat", "startTimeUnixNano": "1781510400000000000", "endTimeUnixNano": "1781510401000000000",
		        "attributes": [a("gen_ai.operation.name", "chat"), a("gen_ai.request.model", "deepseek-v4-flash"), {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "10"}}]}
		for n in (1024, 1025):
		    print(json.dumps({"resourceSpans": [{"resource": {"attributes": [a("k%d" % i, "v") for i in range(n)]}, "scopeSpans": [{"spans": [dict(span, spanId="%016x" % n)]}]}]}))
	END
	run "$TALLY" ingest many.json --db t.db
	expect 3 '1 accepted' '1 quarantined'
	run "$TALLY" quarantine list --db t.db
	expect 0 'more than 1,024 attributes'
}
@test "a writer commits nothing to a file that was replaced or removed, or that another version has upgraded" {
	"$TALLY" db init --db t.db >/dev/null
	serve_surely
	post /v1/usage "$(use a)"; [ "$status_code" = 200 ] || fail "$status_code"
	version=$(sqlite3 t.db 'PRAGMA user_version')
	sqlite3 t.db "PRAGMA user_version=$((version + 1))"
	post /v1/usage "$(use b)"; [ "$status_code" = 503 ] || fail "$status_code"
	expect 0 'another version of tally'
	post /v1/holds '{"customer":"acme","amount":"1"}'; [ "$status_code" = 503 ] || fail "$status_code"
	sqlite3 t.db "PRAGMA user_version=$version"
	post /v1/usage "$(use b)"; [ "$status_code" = 200 ] || fail "$status_code"
	"$TALLY" backup copy.db --db t.db 2>/dev/null
	mv t.db old.db; mv copy.db t.db
	post /v1/usage "$(use c)"; [ "$status_code" = 503 ] || fail "$status_code"
	expect 0 'replaced, moved or removed'
	get "$URL/readyz"; [ "${lines[-1]}" = 503 ] || fail "$output"
	rm t.db
	post /v1/usage "$(use c)"; [ "$status_code" = 503 ] || fail "$status_code"
	mv old.db t.db
	post /v1/usage "$(use c)"; [ "$status_code" = 200 ] || fail "$status_code"
	stop
	run "$TALLY" fsck --db t.db; expect 0 '3 rows, clean'
}
