#!/usr/bin/env bats
# The door of the server: who may ask, how much one visitor may take, and that it always answers.
# waits for the time that slow visitors are given
load common
load server


# ask CURL-ARGUMENTS: the status in $code, the answer in $output
ask() { run curl -s -m 20 -o body -w '%{http_code}' "$@"; code=$output; output=$(cat body 2>/dev/null || true); }
record() { printf '{"id":"%s","time":"2026-06-15T08:00:00Z","model":"deepseek-v4-flash","input":10}' "$1"; }
peak() { awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$SERVER/status"; }
# sockets COUNT TEXT SECONDS: so many connections that send TEXT and then nothing, in the background as $other; "open" in the file once they stand
sockets() {
	rm -f open answers
	cat >hold.mjs <<'JS'
import net from 'node:net'; import fs from 'node:fs';
const [port, count, text, seconds] = process.argv.slice(2); let up = 0, said = '';
for (let i = 0; i < +count; i++) {
	const s = net.connect(+port, '127.0.0.1', () => { if (text) s.write(JSON.parse('"' + text + '"')); if (++up == +count) fs.writeFileSync('open', ''); });
	s.on('data', d => { said += d; }); s.on('error', () => {}); s.on('close', () => {});
}
setTimeout(() => { fs.writeFileSync('answers', said); process.exit(0); }, seconds * 1000);
JS
	node hold.mjs "$port" "$1" "$2" "$3" >node.log 2>&1 3>&- & other=$!
	for i in $(seq 200); do [ -e open ] && return; sleep 0.05; done
	fail "the sockets do not open: $(cat node.log)"
}

@test "a token is asked for before the body is read" {
	command -v node >/dev/null || skip "no node"
	"$TALLY" token app --file tokens 2>/dev/null
	serve_surely --tokens tokens
	sockets 1 'POST /v1/usage HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n' 2
	wait $other; other=
	grep -q '^HTTP/1.1 401' answers || fail "a body is awaited without a token: $(cat answers)"
	# of the bodies that came all the same nothing is kept, and the answer is heard
	head -c 15000000 /dev/zero >big
	for i in 1 2 3 4; do ask -X POST --data-binary @big "$URL/v1/usage"; [ "$code" = 401 ] || fail "answered $code"; done
	sanitized || [ "$(peak)" -lt 60 ] || fail "took $(peak) MB"
}
@test "2,500 half-open connections leave room for others, and are ended" {
	command -v node >/dev/null || skip "no node"
	[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 6000 ] || skip "too few open files are allowed"
	ulimit -n "$(ulimit -Hn)"
	serve_surely
	sockets 2500 'POST /v1/us' 14
	for i in 1 2 3; do
		ask -m 2 "$URL/healthz"; [ "$code" = 200 ] || fail "healthz answered $code"
		ask -m 5 -d "$(record a$i)" "$URL/v1/usage"; [ "$code" = 200 ] || fail "usage answered $code: $output"
	done
	wait $other; other=
	grep -q '^HTTP/1.1 408' answers || fail "the slow heads were not told: $(head -c 300 answers)"
	for i in $(seq 40); do run curl -s "$URL/metrics"; n=$(printf '%s\n' "$output" | sed -n 's/^tally_http_connections \([0-9]*\).*/\1/p'); [ "$n" -lt 10 ] && break; sleep 0.2; done
	[ "$n" -lt 10 ] || fail "$n connections are kept"
}
@test "a body that comes too slowly is answered 408, and its connection ended" {
	command -v node >/dev/null || skip "no node"
	serve_surely --body-seconds 1
	sockets 3 'POST /v1/usage HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{' 4
	wait $other; other=
	[ "$(grep -c '^HTTP/1.1 408' answers)" = 3 ] || fail "answers: $(cat answers)"
	# a byte now and then does not lengthen it
	cat >drip.mjs <<'JS'
import net from 'node:net';
const s = net.connect(+process.argv[2], '127.0.0.1', () => s.write('POST /v1/usage HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n')); let said = '';
const t = setInterval(() => s.write('['), 100); s.on('data', d => { said += d; }); s.on('error', () => {}); s.on('close', () => { console.log(said); process.exit(0); });
setTimeout(() => { console.log('still open'); process.exit(1); }, 6000);
JS
	run node drip.mjs "$port"
	expect 0 '408'
}
@test "connections of one address, requests under way and bytes of bodies are bounded" {
	command -v node >/dev/null || skip "no node"
	serve_surely --connections-each 5
	sockets 5 'POST /v1/usage HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{' 3
	ask -d "$(record a)" "$URL/v1/usage"; [ "$code" = 429 ] || fail "one address too many answered $code"
	ask "$URL/healthz"; [ "$code" = 200 ] || fail "healthz answered $code"
	wait $other; other=
	ask -d "$(record a)" "$URL/v1/usage"; [ "$code" = 200 ] || fail "afterwards $code"
	kill $SERVER; wait $SERVER || true
	serve_surely --requests 4
	sockets 4 'POST /v1/usage HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{' 3
	run curl -s -m 5 -D head -o body -w '%{http_code}' -d "$(record b)" "$URL/v1/usage"; [ "$output" = 503 ] || fail "one request too many answered $output"
	grep -qi '^retry-after: 1' head || fail "no Retry-After: $(cat head)"
	ask "$URL/healthz"; [ "$code" = 200 ] || fail "healthz answered $code"
	wait $other; other=
	ask -d "$(record b)" "$URL/v1/usage"; [ "$code" = 200 ] || fail "afterwards $code"
	kill $SERVER; wait $SERVER || true
	serve_surely --body-memory 1
	head -c 3000000 /dev/zero >big
	ask -H 'Transfer-Encoding: chunked' --data-binary @big "$URL/v1/usage"; [ "$code" = 503 ] || fail "3 MB of 1 answered $code"
	ask -d "$(record c)" "$URL/v1/usage"; [ "$code" = 200 ] || fail "afterwards $code"
}
@test "a body of which nearly nothing can be taken costs little, and is summed up" {
	"$TALLY" db init --db t.db >/dev/null
	serve_surely
	awk 'BEGIN { printf "["; for (i = 0; i < 5000000; i++) printf "1,"; printf "1]" }' >ones
	ask -X POST --data-binary @ones "$URL/v1/usage"
	[ "$code" = 422 ] || fail "answered $code"
	[[ $output == *'"read":5000001,'*'"quarantined":5000001,'* ]] || fail "not all are counted: ${output:0:300}"
	[[ $output == *'4999001 more records of this body'* ]] || fail "the rest is not named"
	sanitized || [ "$(peak)" -lt 200 ] || fail "took $(peak) MB"
	[ "$(sql t.db 'SELECT count(*) FROM quarantine')" -le 1001 ]
	# nested, and as lines: as little
	{ printf '['; cat ones; printf ']'; } >nested; { cat ones; echo; cat ones; } | head -c 16000000 >lines
	for f in nested lines; do
		ask -X POST --data-binary @$f "$URL/v1/usage"
		[ "$code" = 422 ] || fail "$f answered $code"
	done
	sanitized || [ "$(peak)" -lt 300 ] || fail "took $(peak) MB"
	# among good ones every bad one is kept
	{ for i in $(seq 1500); do echo "$i"; record "a$i"; echo; done; } >mixed
	ask -X POST --data-binary @mixed "$URL/v1/usage"
	[[ $output == *'"read":3000,"accepted":1500,'*'"quarantined":1500,'* ]] || fail "${output:0:300}"
	[[ $output != *'more of this body'* ]] || fail "summed up"
}
@test "of a body that was refused a hundred thousand times the rest is counted, not read" {
	"$TALLY" db init --db t.db >/dev/null
	serve_surely
	{ yes 1 | head -n 101000; record last; } >lines
	ask -X POST --data-binary @lines "$URL/v1/usage"
	[[ $code = 422 && $output == *'"read":101001,"accepted":0,'*'"quarantined":101001,'* ]] || fail "$code ${output:0:300}"
	{ printf '['; yes 1, | head -n 101000; record last; printf ']'; } | gzip >array.gz
	ask -X POST -H 'Content-Encoding: gzip' --data-binary @array.gz "$URL/v1/usage"
	[[ $code = 422 && $output == *'"read":101001,"accepted":0,'* ]] || fail "$code ${output:0:300}"
	{ yes 1 | head -n 100999; record last; } >lines
	ask -X POST --data-binary @lines "$URL/v1/usage"
	[[ $output == *'"accepted":1,'* ]] || fail "$code ${output:0:300}"
}
@test "the Host is checked for everyone, and --host allows more" {
	serve_surely --host tally.example.org
	for h in localhost LOCALHOST "localhost:$port" 127.0.0.1 "127.0.0.1:$port" 127.9.9.9 '[::1]:80' tally.example.org 'Tally.Example.org.:8687'; do
		ask -H "Host: $h" "$URL/v1/usage"; [ "$code" = 200 ] || fail "$h answered $code"
	done
	for h in evil.example.org 10.0.0.1 192.168.1.1:80 localhost.evil.org tally.example.org.evil.org '[::2]' 'localhost:x' ''; do
		for path in / /v1/usage /metrics /session /v1/status; do ask -H "Host: $h" "$URL$path"; [ "$code" = 403 ] || [ "$code" = 400 ] || fail "$h answered $code for $path"; done
		ask -H "Host: $h" -d "$(record a)" "$URL/v1/usage"; [ "$code" = 403 ] || [ "$code" = 400 ] || fail "$h answered $code"
		ask -H "Host: $h" "$URL/healthz"; [ "$code" = 200 ] || [ "$code" = 400 ] || fail "healthz for $h answered $code"
	done
	ask --http1.0 -H 'Host:' "$URL/v1/usage"; [ "$code" = 403 ] || fail "no Host answered $code"
}
@test "TLS is 1.2 at least" {
	command -v openssl >/dev/null || skip "no openssl"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 2 -subj /CN=localhost 2>/dev/null
	serve_surely --tls-cert c.pem --tls-key k.pem
	for v in 1.2 1.3; do run curl -sk -m 5 --tlsv$v --tls-max $v "https://127.0.0.1:$port/healthz"; expect 0 ok; done
	for v in -tls1 -tls1_1; do
		# asked for with the lowest level of security, so that it is the server that refuses
		run openssl s_client $v -cipher 'ALL:@SECLEVEL=0' -connect "127.0.0.1:$port" </dev/null
		case $output in *"Cipher is (NONE)"* | *alert*) ;; *) fail "$v was spoken" ;; esac
	done
	# what a stranger sends does not fill the log
	for i in $(seq 1 200); do (printf '\026\003\001\377\377%08000d' 1 >"/dev/tcp/127.0.0.1/$port") 2>/dev/null || true; done
	kill "$SERVER"; wait "$SERVER" || true
	lines=$(grep -c '"event":"http"' serve.log)
	[ "$lines" -le 45 ] || fail "$lines lines"
	grep -q 'more lines of a minute were left out' serve.log || fail "$(tail -3 serve.log)"
}
@test "tokens expire, and are revoked and added while the server runs" {
	umask 022
	boss=$("$TALLY" token boss --scope admin --file tokens 2>/dev/null)
	late=$("$TALLY" token late --scope admin --expires 2020-01-01 --file tokens 2>/dev/null)
	soon=$("$TALLY" token soon --scope admin --expires 90d --file tokens 2>/dev/null)
	[ "$(stat -c %a tokens)" = 600 ] || fail "tokens are $(stat -c %a tokens)"
	serve_surely --tokens tokens
	with() { ask -H "Authorization: Bearer $1" "$URL/v1/usage"; }
	with "$boss"; [ "$code" = 200 ] || fail "$code"
	with "$soon"; [ "$code" = 200 ] || fail "$code"
	with "$late"; [ "$code" = 401 ] || fail "an expired token answered $code"
	run "$TALLY" token soon --revoke --file tokens; [ "$status" -eq 0 ]
	with "$soon"; [ "$code" = 401 ] || fail "a revoked token answered $code"
	new=$("$TALLY" token new --scope admin --file tokens 2>/dev/null)
	with "$new"; [ "$code" = 200 ] || fail "a new token answered $code"
	# a line that is wrong changes nothing, and is told
	echo 'broken' >>tokens; with "$boss"; [ "$code" = 200 ] || fail "$code"
	grep -q tokens_failed serve.log || fail "nothing is told: $(cat serve.log)"
	: >tokens; with "$boss"; [ "$code" = 401 ] || fail "an empty file allows: $code"
	run "$TALLY" token nobody --revoke --file tokens; expect 1 "no token 'nobody'"
}
@test "the page's cookie is a session, which ends" {
	boss=$("$TALLY" token boss --scope admin --file tokens 2>/dev/null)
	serve_surely --tokens tokens
	ask -D head --data-binary "$boss" "$URL/session"; [ "$code" = 200 ] || fail "$code"
	cookie=$(sed -n 's/^[Ss]et-[Cc]ookie: tally=\([^;]*\);.*/\1/p' head)
	[ -n "$cookie" ] && [ "$cookie" != "$boss" ] || fail "the cookie is the token: $(cat head)"
	grep -qi 'HttpOnly; SameSite=Strict' head
	ask -H "Cookie: tally=$cookie" "$URL/v1/usage"; [ "$code" = 200 ] || fail "$code"
	ask -H "Cookie: tally=$boss" "$URL/v1/usage"; [ "$code" = 401 ] || fail "the token as a cookie answered $code"
	ask -H "Authorization: Bearer $cookie" "$URL/v1/usage"; [ "$code" = 401 ] || fail "the session as a token answered $code"
	# signed out, it is worth nothing
	ask -X POST -H "Cookie: tally=$cookie" "$URL/session"; [ "$code" = 200 ]
	ask -H "Cookie: tally=$cookie" "$URL/v1/usage"; [ "$code" = 401 ] || fail "signed out and $code"
	# neither is it when its token is revoked
	ask -D head --data-binary "$boss" "$URL/session"
	cookie=$(sed -n 's/^[Ss]et-[Cc]ookie: tally=\([^;]*\);.*/\1/p' head)
	ask -H "Cookie: tally=$cookie" "$URL/v1/usage"; [ "$code" = 200 ]
	"$TALLY" token boss --revoke --file tokens 2>/dev/null
	ask -H "Cookie: tally=$cookie" "$URL/v1/usage"; [ "$code" = 401 ] || fail "revoked and $code"
}
@test "readyz says whether the database can be read and written, healthz that the server lives" {
	on_server && skip "of files"
	serve_surely
	ask "$URL/readyz"; [ "$code" = 200 ] || fail "$code: $output"
	[[ $output == *'"ready":true'* ]]
	{ echo 'BEGIN IMMEDIATE;'; sleep 6; echo 'COMMIT;'; } | sqlite3 t.db 3>&- & other=$!
	sleep 0.7
	ask -m 5 "$URL/readyz"; [ "$code" = 503 ] || fail "locked and $code: $output"
	[[ $output == *'"ready":false'* ]]
	ask -m 1 "$URL/healthz"; [ "$code" = 200 ] || fail "$code"
	wait $other; other=
	for i in $(seq 50); do ask -m 5 "$URL/readyz"; [ "$code" = 200 ] && break; sleep 0.1; done
	[ "$code" = 200 ] || fail "free again and $code: $output"
	kill $SERVER; wait $SERVER
	run "$TALLY" fsck --db t.db; expect 0 clean
}
@test "readyz says that a full disk cannot be written, and when it can again" {
	on_server && skip "of files"
	mkdir small; mount -t tmpfs -o size=6m tmpfs small 2>/dev/null || skip "nothing can be mounted here"
	export TALLY_DB=$DIR/small/t.db
	serve_surely
	post() { ask -m 20 -d '{"id":"'$1'","time":"'$(date -u +%FT%TZ)'","model":"deepseek-v4-flash","input":1}' "$URL/v1/usage"; }
	post a; [ "$code" = 200 ] || fail "$code: $output"
	ask "$URL/readyz"; [ "$code" = 200 ] || fail "$code: $output"
	head -c 20m /dev/zero >small/filler 2>/dev/null || true
	ask -m 5 "$URL/readyz"; [ "$code" = 503 ] || fail "full and $code: $output"
	[[ $output == *"the database has no room: No space left on device"* ]] || fail "$output"
	ask -m 1 "$URL/healthz"; [ "$code" = 200 ] || fail "$code"
	ask "$URL/v1/usage"; [ "$code" = 200 ] || fail "a report: $code: $output"
	rm small/filler
	ask -m 5 "$URL/readyz"; [ "$code" = 200 ] || fail "free again and $code: $output"
	post b; [ "$code" = 200 ] || fail "$code: $output"
	# the log is not larger for having been asked
	size=$(stat -c %s small/t.db-wal); for i in 1 2 3 4 5; do ask "$URL/readyz"; done
	[ "$(stat -c %b small/t.db-wal)" -lt $((size / 512 + 4096)) ] || fail "$(ls -ls small)"
	kill $SERVER; wait $SERVER
	run "$TALLY" fsck; expect 0 clean
}
@test "a file that may not grow is told, and the server goes on" {
	on_server && skip "of files"
	command -v prlimit >/dev/null || skip "no prlimit"
	serve_surely
	prlimit --fsize=$((2 << 20)): -p $SERVER
	ask "$URL/readyz"; [ "$code" = 200 ] || fail "$code: $output"
	for b in $(seq 12); do
		for i in $(seq 2000); do printf '{"id":"b%d-%d","time":"2026-06-15T08:00:00Z","model":"deepseek-v4-flash","input":10,"project":"%0100d"}\n' $b $i $i; done >many
		ask --data-binary @many "$URL/v1/usage"; [ "$code" = 200 ] || break
	done
	[ "$code" = 503 ] || fail "too large and $code: $output"
	[[ $output == *'File too large'* ]] || fail "$output"
	ask -m 5 "$URL/readyz"; [ "$code" = 503 ] || fail "ready and $code: $output"
	prlimit --fsize=unlimited: -p $SERVER
	ask -m 5 "$URL/readyz"; [ "$code" = 200 ] || fail "$code: $output"
	ask --data-binary @many "$URL/v1/usage"; [ "$code" = 200 ] || fail "$code: $output"
	stop
	run "$TALLY" fsck; expect 0 clean
}
@test "a log or a memory that was moved away is told like the file: nothing is committed where nobody looks" {
	on_server && skip "of files"
	serve_surely
	ask -d "$(record a)" "$URL/v1/usage"; [ "$code" = 200 ]
	for part in -wal -shm; do
		mv t.db$part away
		ask -d "$(record b$part)" "$URL/v1/usage"; [ "$code" = 503 ] || fail "without $part: $code: $output"
		ask "$URL/readyz"; [ "$code" = 503 ] || fail "without $part: $code: $output"
		cp away t.db$part
		ask -d "$(record b$part)" "$URL/v1/usage"; [ "$code" = 503 ] || fail "another $part: $code: $output"
		mv away t.db$part
		ask -d "$(record b$part)" "$URL/v1/usage"; [ "$code" = 200 ] || fail "$part again: $code: $output"
	done
	stop
	run "$TALLY" fsck; expect 0 '3 rows, clean'
}
@test "folders whose rights are lost while the server runs are told, and it goes on when they are back" {
	on_server && skip "of files"
	[ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1 || skip "no other user to be"
	mkdir own; chown nobody own; chmod 755 . "$(dirname "$TALLY")"
	cat >as_nobody <<-EOF
		#!/bin/sh
		exec setpriv --reuid=nobody --clear-groups --inh-caps=-all "$TALLY" "\$@"
	EOF
	chmod 755 as_nobody
	export TALLY_DB=$DIR/own/t.db
	TALLY=$DIR/as_nobody HOME=$DIR/own serve_surely
	ask -d "$(record a)" "$URL/v1/usage"; [ "$code" = 200 ] || fail "$code: $output"
	chmod 0 own
	ask "$URL/readyz"; [ "$code" = 503 ] || fail "$code: $output"
	ask -d "$(record b)" "$URL/v1/usage"; [ "$code" = 503 ] || fail "$code: $output"
	chmod 755 own
	ask "$URL/readyz"; [ "$code" = 200 ] || fail "$code: $output"
	ask -d "$(record b)" "$URL/v1/usage"; [ "$code" = 200 ] || fail "$code: $output"
	stop
	run "$TALLY" fsck; expect 0 '2 rows, clean'
}
@test "a database that is cut off while it is in use ends the server with a word, if it does" {
	on_server && skip "of files"
	for i in $(seq 20000); do printf '{"id":"r%d","time":"2026-06-15T08:00:00Z","model":"deepseek-v4-flash","input":10,"project":"%0100d"}\n' $i $i; done | "$TALLY" ingest -q -
	serve_surely
	for i in 1 2; do ask "$URL/v1/usage"; [ "$code" = 200 ]; done
	truncate -s 8192 t.db
	for i in 1 2 3; do
		ask -m 5 "$URL/v1/records?sort=cost"; ask -m 5 -d "$(record n$i)" "$URL/v1/usage"
		kill -0 $SERVER 2>/dev/null || break
	done
	if kill -0 $SERVER 2>/dev/null; then kill -TERM $SERVER; wait $SERVER || true
	else
		status=0; wait $SERVER || status=$?
		[ "$status" = 1 ] || fail "status $status"
		grep -q 'cut off while it was in use' serve.log || fail "$(tail -n 3 serve.log)"
	fi
}
@test "a body may be packed at every address, and has the bound of the address unpacked" {
	serve_surely
	printf '{"name":"b","amount":"5"}' | gzip >packed
	ask -H 'Content-Encoding: gzip' --data-binary @packed "$URL/v1/budgets"; [ "$code" = 200 ] || fail "$code: $output"
	ask -H 'Content-Encoding: br' --data-binary @packed "$URL/v1/budgets"; [ "$code" = 415 ] || fail "$code: $output"
	{ printf '{"name":"b","amount":"5"'; head -c 2m /dev/zero | tr '\0' ' '; printf '}'; } | gzip >packed
	ask -H 'Content-Encoding: gzip' --data-binary @packed "$URL/v1/budgets"; [ "$code" = 413 ] || fail "$code: $output"
}
