#!/usr/bin/env bats
# A running server prices by the cards as they are: of the database, of the user, installed or changed by others.
load common
load server

send() { # ID
	run curl -s -m 20 -X POST "$URL/v1/usage" -H 'Content-Type: application/json' \
		-d "{\"id\":\"$1\",\"model\":\"house-one\",\"provider\":\"house\",\"input\":1000000,\"time\":\"2026-09-01T00:00:00Z\"}"
}
card() { # PRICE
	echo "{\"schema\":\"tally.card/1\",\"provider\":\"house\",\"prices\":[{\"model\":\"house-one\",\"currency\":\"USD\",\"from\":\"2026-01-01\",\"rates\":{\"input\":\"$1\",\"output\":\"1\"},\"source\":\"s\",\"sure\":\"s\"}]}"
}
# until the log has N lines of that event
heard() {
	for i in $(seq 300); do
		[ "$(grep -c "\"$1\"" serve.log)" -ge "$2" ] && return
		sleep 0.1
	done
	fail "no $2 x $1 in: $(cat serve.log)"
}
price_of() { curl -s -m 20 "$URL/v1/prices/house-one?current=1&provider=house" | tr -d ' \n'; }

@test "cards of the database, of the user and of the book reach ingest and answers of a running server" {
	export XDG_DATA_HOME=$DIR/data
	serve
	send a
	[[ $output == *unpriced* ]] || fail "$output"
	card 3 >house.json
	run "$TALLY" price install --scope database --db t.db house.json
	expect 0 ''
	heard prices_changed 1
	send b
	[[ $(price_of) == *'"input":"3"'* ]] || fail "$(price_of)"
	card 5 >house.json
	run "$TALLY" price install --scope database --db t.db house.json
	heard prices_changed 2
	send c
	[[ $(price_of) == *'"input":"5"'* ]] || fail "$(price_of)"
	# below the database's card, until that goes
	card 7 >house.json
	run "$TALLY" price install house.json
	heard prices_changed 3
	run "$TALLY" price install --scope database --db t.db --remove house.json
	heard prices_changed 4
	send d
	[[ $(price_of) == *'"input":"7"'* ]] || fail "$(price_of)"
	# a card with a fault leaves the prices as they are, and is told once
	echo '{' >data/tally/prices/cards/house.json
	heard prices_failed 1
	[[ $(price_of) == *'"input":"7"'* ]] || fail "$(price_of)"
	[ "$(grep -c prices_failed serve.log)" = 1 ] || fail "told more than once"
	card 9 >data/tally/prices/cards/house.json
	heard prices_changed 5
	[[ $(price_of) == *'"input":"9"'* ]] || fail "$(price_of)"
	# so does one beside it that contradicts it, which no `price install` would have written
	card 11 >data/tally/prices/cards/other.json
	heard prices_failed 2
	[[ $(price_of) == *'"input":"9"'* ]] || fail "$(price_of)"
	grep -q 'contradicts house.json' serve.log || fail "$(cat serve.log)"
	stop
	rm data/tally/prices/cards/other.json
	run "$TALLY" usage --db t.db --by day --since 2026-09-01 --until 2026-09-02 --json
	expect 3 '"total": "15"' '"unpriced": 1'
}
