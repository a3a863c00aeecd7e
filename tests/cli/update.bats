#!/usr/bin/env bats
# Newer prices from a file or a server, and cards of one's own that every command uses.
load common

setup() {
	common_setup
	export XDG_DATA_HOME=$DIR/data TALLY_SYSTEM_PRICES=$DIR/machine
	unset TALLY_PRICES TALLY_PRICES_URL
	mkdir cards served
	pid=
}
# book PRICE DATE: a book of one card
book() {
	cat >cards/maker.json <<J
{"schema": "tally.card/1", "provider": "maker", "checked": "$2", "aliases": [{"alias": "M-Latest", "model": "m-one"}],
 "prices": [{"model": "m-one", "currency": "USD", "rates": {"input": "$1"}, "source": "a list", "sure": "seen"}]}
J
	"$ROOT/tools/release_book.py" cards "$2" served/book.zip
}
serve() { # [CERTIFICATE]
	rm -f port
	python3 "$ROOT/tests/support/book_server.py" served "$@" >port 2>/dev/null 3>&- &
	pid=$!
	for _ in $(seq 100); do [ -s port ] && break; sleep 0.05; done
	url=http${1:+s}://127.0.0.1:$(cat port)
}
price_is() {
	cost --model "${2-m-one}" --input 1000000
	expect 0 "\"total\": \"$1\""
}

@test "a newer book from a file is used by every command, with its names and its age" {
	book 7 2099-01-01
	run "$TALLY" price update served/book.zip
	expect 0 'the prices of 2099-01-01 are installed (1 cards, 1 prices)'
	price_is 7
	price_is 7 m-latest
	run "$TALLY" price list --json
	expect 0 '"released": "2099-01-01"' '"m-one"'
	run "$TALLY" cost --model gpt-4o --input 1
	[ "$status" -ne 0 ] || fail "the shipped cards are still used beside it"
	run "$TALLY" cost --model m-ome --input 1
	expect 1 "did you mean"
}
@test "an older book is refused unless asked for, a damaged or wrong one changes nothing" {
	book 7 2099-01-01
	"$TALLY" price update served/book.zip >/dev/null
	book 8 2098-01-01
	run "$TALLY" price update served/book.zip
	expect 1 'older than the installed prices (2099-01-01)'
	price_is 7
	book 9 2099-02-01
	printf '%064d\n' 0 >served/book.zip.sha256
	run "$TALLY" price update served/book.zip
	expect 1 'checksum' 'nothing is changed'
	price_is 7
	sed -i 's/"input": "9"/"input": "-9"/' cards/maker.json
	"$ROOT/tools/release_book.py" cards 2099-03-01 served/book.zip
	run "$TALLY" price update served/book.zip
	expect 1 'maker.json: prices[0].rates.input: a price cannot be negative'
	price_is 7
	echo nonsense >served/other.zip
	run "$TALLY" price update served/other.zip
	[ "$status" -eq 1 ] || fail "nonsense is no book"
	price_is 7
}
@test "from a server: the checksum beside it, the ETag, then nothing is sent again" {
	book 7 2099-01-01
	serve
	run "$TALLY" price update --from "$url/book.zip"
	expect 0 'the prices of 2099-01-01 are installed'
	price_is 7
	export TALLY_PRICES_URL=$url/book.zip
	run "$TALLY" price update
	expect 0 'the prices of 2099-01-01 are already the newest'
	[ "$(grep -c 'book.zip ' served/requests)" -eq 2 ] || fail "$(cat served/requests)"
	book 8 2099-02-01
	run "$TALLY" price update --json
	expect 0 '"released": "2099-02-01"' '"before": "2099-01-01"' '"changed": true'
	price_is 8
	rm served/book.zip.sha256
	book 9 2099-03-01
	rm served/book.zip.sha256
	run "$TALLY" price update
	expect 1 'give one with --sha256'
	price_is 8
	run "$TALLY" price update --sha256 "$(sha256sum served/book.zip | cut -c1-64)"
	expect 0 2099-03-01
	price_is 9
}
@test "a checksum that is empty or none is no checksum; in capitals, behind a name or after blanks it is one; the same book again is no other" {
	book 7 2099-01-01
	serve
	"$TALLY" price update --from "$url/book.zip" >/dev/null
	run "$TALLY" price update served/book.zip
	expect 0 'the prices of 2099-01-01 are already the newest'
	book 9 2099-02-01
	local sum; sum=$(cut -c1-64 served/book.zip.sha256)
	for none in '' '<html>' "${sum}0" "${sum%?}"; do
		printf '%s' "$none" >served/book.zip.sha256
		run "$TALLY" price update "$url/book.zip"
		expect 1 'holds no checksum' 'nothing is changed' || return 1
		run "$TALLY" price update served/book.zip
		expect 1 'holds no checksum' || return 1
	done
	price_is 7
	for written in "${sum^^}" "SHA256 (book.zip) = $sum" "  $sum *book.zip"; do
		printf '%s\r\n' "$written" >served/book.zip.sha256
		rm -rf data
		run "$TALLY" price update "$url/book.zip"
		expect 0 'the prices of 2099-02-01 are installed' || return 1
	done
	run "$TALLY" price update served/book.zip --sha256 "${sum^^}"
	expect 0
	# what is told beside the installed book may be lost: the book itself says of when it is
	book 8 2099-01-15
	for state in '' '{' '{"released":"x"}' '{"released":"2098-01-01","etag":"\"1\""}'; do
		printf '%s' "$state" >data/tally/prices/book.json
		run "$TALLY" price update "$url/book.zip"
		expect 1 'older than the installed prices (2099-02-01)' || return 1
	done
	price_is 9
}
@test "offline, cut off, missing, or not HTTPS: an error that changes nothing" {
	book 7 2099-01-01
	"$TALLY" price update served/book.zip >/dev/null
	book 8 2099-02-01
	serve
	for from in http://127.0.0.1:1/book.zip "$url/cut" "$url/none.zip" http://prices.example.com/book.zip; do
		run "$TALLY" price update --from "$from"
		[ "$status" -ne 0 ] || fail "$from was taken"
		price_is 7
	done
}
@test "a server that is slow to answer, to send or with the checksum: within the time that is given for all of it, and nothing changes" {
	book 7 2099-01-01
	"$TALLY" price update served/book.zip >/dev/null
	book 8 2099-02-01
	serve
	for from in slow drip/book.zip tardy/book.zip; do
		began=$(date +%s%N)
		run "$TALLY" price update --from "$url/$from" --timeout 2
		took=$((($(date +%s%N) - began) / 1000000))
		[ "$status" -ne 0 ] || fail "$from was taken"
		expect "$status" 'did not come in the time that there was; --timeout gives it more'
		[ $took -ge 1500 ] && [ $took -lt 8000 ] || fail "$from: $took ms"
		price_is 7 || return 1
	done
	grep -q '^tardy/book.zip.sha256' served/requests || fail "the checksum was not asked for"
	for seconds in 0 3601 -1 1.5 x; do
		run "$TALLY" price update --from "$url/book.zip" --timeout "$seconds"
		expect 2 timeout
	done
	run "$TALLY" price update --from "$url/book.zip" --timeout 30
	expect 0 'the prices of 2099-02-01 are installed'
	price_is 8
}
@test "over TLS: only whom the certificates say, through redirections that stay encrypted, within a size and a time" {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=own 2>/dev/null
	openssl req -newkey rsa:2048 -nodes -keyout host.key -out host.csr -subj /CN=host 2>/dev/null
	printf 'subjectAltName=IP:127.0.0.1' >host.ext
	openssl x509 -req -in host.csr -CA ca.pem -CAkey ca.key -days 2 -extfile host.ext -out host.crt 2>/dev/null
	cat host.crt host.key >host.pem
	book 7 2099-01-01
	serve host.pem
	unset SSL_CERT_FILE CURL_CA_BUNDLE
	run "$TALLY" price update --from "$url/book.zip"
	[ "$status" -ne 0 ] || fail "a stranger's certificate was taken"
	expect "$status" '$SSL_CERT_FILE'
	export SSL_CERT_FILE=$DIR/ca.pem
	run "$TALLY" price update --from "https://localhost:$(cat port)/book.zip"
	[ "$status" -ne 0 ] || fail "the certificate of another name was taken"
	[ ! -e data/tally/prices/book.pack ] || fail "something was installed"
	run "$TALLY" price update --from "$url/moved/book.zip"
	expect 0 'the prices of 2099-01-01 are installed'
	run "$TALLY" price update --from "$url/moved/book.zip"
	expect 0 'already the newest'
	tail -n 1 served/requests | grep -q 'book.zip "' || fail "asked without the tag: $(cat served/requests)"
	book 8 2099-02-01
	mkdir served/plain served/moved
	for name in plain/book.zip loop cut huge none.zip; do
		run "$TALLY" price update --from "$url/$name" --sha256 "$(cut -c1-64 served/book.zip.sha256)"
		[ "$status" -ne 0 ] || fail "$name was taken"
		price_is 7 || return 1
	done
	run "$TALLY" price update --from "$url/huge" --sha256 "$(cut -c1-64 served/book.zip.sha256)"
	expect "$status" 'is larger than 65536 KiB'
	run "$TALLY" price update --from "$url/book.zip" --sha256 "$(printf 0%.0s $(seq 64))"
	expect 1 'its checksum is' 'nothing is changed'
	price_is 7
	run "$TALLY" price update --from "$url/book.zip"
	expect 0 'the prices of 2099-02-01 are installed'
	price_is 8
}
@test "a damaged installed book is named, never taken for another" {
	book 7 2099-01-01
	"$TALLY" price update served/book.zip >/dev/null
	printf 'x' | dd of=data/tally/prices/book.pack bs=1 seek=200 conv=notrunc 2>/dev/null
	run "$TALLY" cost --model m-one --input 1
	expect 1 'book.pack' 'is damaged' 'tally price update'
	run "$TALLY" price update served/book.zip
	expect 0 'are installed'
	price_is 7
}
@test "an old book is said once" {
	book 7 2099-01-01
	"$TALLY" price update served/book.zip >/dev/null
	price_is 7
	[[ $output != *'days old'* ]] || fail "it is not old"
	! sanitized || skip "a sanitizer must be loaded before the clock"
	cat >clock.c <<'C'
#include <time.h>
int clock_gettime(clockid_t which, struct timespec *t) { (void)which; t->tv_sec = 4078771200; t->tv_nsec = 0; return 0; } /* 2099-04-02 */
C
	"${CC_FOR_TESTS:-cc}" -shared -fPIC -o clock.so clock.c
	run env LD_PRELOAD="$DIR/clock.so" "$TALLY" cost --model m-one --input 1
	expect 0 'the prices are dated 2099-01-01, 91 days old; `tally price update` installs newer ones'
	run env LD_PRELOAD="$DIR/clock.so" "$TALLY" cost --model m-one --input 1
	[[ $output != *'days old'* ]] || fail "said twice"
}
@test "cards of the machine, of the user, of TALLY_PRICES and of --prices, each over the one before" {
	for n in 1 2 3 4; do
		sed "s/PRICE/$n/" >own$n.json <<'J'
{"schema": "tally.card/1", "provider": "openai", "prices": [{"model": "gpt-4o", "currency": "USD", "rates": {"input": "PRICE"}, "source": "mine", "sure": "mine"}]}
J
	done
	"$TALLY" price install own1.json --scope system
	price_is 1 gpt-4o
	run "$TALLY" price install own2.json
	expect 0 'data/tally/prices/cards/own2.json is installed (1 prices)'
	price_is 2 gpt-4o
	export TALLY_PRICES=$DIR/own3.json
	price_is 3 gpt-4o
	cost --model gpt-4o --input 1000000 --prices own4.json
	expect 0 '"total": "4"'
	unset TALLY_PRICES
	"$TALLY" price install own2.json --remove
	price_is 1 gpt-4o
	run "$TALLY" price install own2.json --remove
	expect 1 "no card"
	echo '{}' >bad.json
	run "$TALLY" price install bad.json
	[ "$status" -eq 1 ] || fail "a bad card is installed"
	TALLY_PRICES=$DIR/none.json run "$TALLY" cost --model gpt-4o --input 1
	expect 1 'TALLY_PRICES' none.json
}
@test "the address that is built in is that of the release page of the clone's origin, or none: no other is guessed" {
	page() {
		local got
		got=$("$ROOT/tools/release_page" "$1")
		[ "$got" = "$2" ] || fail "of the origin $1 comes '$got', not '$2'"
	}
	github=https://github.com/owner/name/releases/latest/download/tally-book.zip
	for origin in https://github.com/owner/name https://github.com/owner/name.git/ https://user:secret@github.com/owner/name.git \
		git@github.com:owner/name.git github.com:owner/name ssh://git@github.com/owner/name.git; do
		page "$origin" "$github"
	done
	page git@gitlab.example.org:group/part/name.git https://gitlab.example.org/group/part/name/-/releases/permalink/latest/downloads/tally-book.zip
	for origin in '' /srv/name.git ../name file:///srv/name C:/name http://github.com/owner/name https://github.com/owner https://github.com/owner/name/more \
		https://git.example.org/owner/name 'https://github.com/owner/$(touch x)' 'https://github.com/owner/"name' https://github.com/../name https://github.com:8443/owner/name; do
		page "$origin" ''
	done
	[[ $(make -C "$ROOT" -n -B MODE=dev PRICES_URL="$github" build/dev/cli/command.o 2>/dev/null) == *"-DTALLY_PRICES_URL='\"$github\"'"* ]] || fail "the build does not take the address"
}
@test "where newer prices come from: an option, the environment, a setting; where none is set, an error that changes nothing" {
	export TALLY_CONFIG=$DIR/config.json
	[ -z "$("$ROOT/tools/release_page")" ] || skip "this build has an address of its own"
	run "$TALLY" price update
	expect 2 'no address for newer prices is set, and nothing was changed' 'price update FILE' 'config set prices_url' 'TALLY_PRICES_URL'
	[ ! -e data/tally/prices/book.pack ] || fail "something was installed"
	run "$TALLY" config set prices_url nowhere
	expect 2 "'nowhere' is not an address"
	book 7 2099-01-01
	serve
	run "$TALLY" config set prices_url "$url/book.zip"
	expect 0
	run "$TALLY" config --json
	expect 0 "\"$url/book.zip\""
	run "$TALLY" price update
	expect 0 'the prices of 2099-01-01 are installed'
	TALLY_PRICES_URL=http://127.0.0.1:1/none run "$TALLY" price update
	[ "$status" -ne 0 ] || fail "the setting went before the environment"
	price_is 7
}
