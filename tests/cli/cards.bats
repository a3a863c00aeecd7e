#!/usr/bin/env bats
# Which cards rated the records of a database, cards of a database, and repricing that takes no price away unasked.
# with sanitizers, too
load common
setup() {
	common_setup
	export XDG_DATA_HOME="$DIR/data" TALLY_SYSTEM_PRICES="$DIR/system" TALLY_DB="$DIR/t.db"
	cat >contract.json <<'J'
{"schema":"tally.card/1","provider":"anthropic","checked":"2026-11-01","prices":[{"model":"claude-sonnet-4-6","currency":"USD","from":"2026-02-17","to":null,"source":"contract 17","sure":"signed",
 "rates":{"input":"2","cache_read":"0.2","output":"10"}}]}
J
	printf '%s\n' '{"id":"a","model":"claude-sonnet-4-6","time":"2026-06-01T00:00:00Z","input":1000000}' \
		'{"id":"b","model":"gpt-5","time":"2026-06-01T00:00:00Z","input":1000000}' >r.jsonl
}

without() { case $output in *"$1"*) fail "should not be there: $1" ;; esac; }

@test "a database says which cards rated it, and a record which of them" {
	"$TALLY" ingest --prices contract.json r.jsonl
	sum=$(sha256sum contract.json | cut -c1-64)
	run "$TALLY" status
	expect 0 "contract.json (a card of 2026-11-01, sha256 ${sum:0:12})"
	expect 0 'openai.json (the book of 2'
	run "$TALLY" status --json
	expect 0 "\"sha256\": \"$sum\""
	run "$TALLY" explain a
	expect 0 'contract.json, sha256'
	expect 0 'not at hand now'
	without 'genai-prices'
	run "$TALLY" explain a --prices contract.json
	expect 0 'contract 17 (signed)'
	run "$TALLY" explain a --json
	expect 0 "\"kind\": \"file\", \"checked\": \"2026-11-01\", \"sha256\": \"$sum\""
}
@test "a rerate keeps the price of a card that is not at hand, says so, and looks without a trace" {
	"$TALLY" ingest --prices contract.json r.jsonl
	run "$TALLY" rerate --dry-run
	expect 0 'contract.json of 2026-11-01 (not at hand now)'
	expect 0 '1 record was rated by cards that are not at hand now (contract.json) and keeps its price'
	run "$TALLY" rerate --json
	expect 0 '"records": 0'
	expect 0 '"of_other_cards": 1'
	run "$TALLY" rerate --dry-run --other-cards
	expect 0 'total change 1'
	run "$TALLY" status
	without 'anthropic.json'
	sed 's/"2"/"4"/; s/2026-11-01/2026-11-20/' contract.json >corrected.json
	run "$TALLY" rerate --dry-run --prices corrected.json
	expect 0 'total change 2'
	cp corrected.json contract.json
	run "$TALLY" rerate --prices contract.json
	expect 0 'contract.json of 2026-11-01 (now of 2026-11-20)'
	expect 0 'total change 2'
	run "$TALLY" rerate --other-cards
	expect 0 'total change -1'
	run "$TALLY" whatif --scenario recorded --db t.db
	expect 0 'rated by other cards than the current ones: contract.json'
}
@test "an amendment keeps to the card that rated the record, or says that it is not at hand" {
	"$TALLY" ingest --prices contract.json r.jsonl -q
	run "$TALLY" amend a --set input=2000000
	expect 1 "'a' was rated by the card 'contract.json', which is not at hand"
	run "$TALLY" usage --json
	before=$(json total)
	"$TALLY" amend a --set input=2000000 --prices contract.json -q
	run "$TALLY" usage --json
	[ "$(json total)" != "$before" ]
	run "$TALLY" amend a --set input=1000000 --other-cards
	expect 0 amended
}
@test "a card of a database is used by whatever prices its records, over the user's and under --prices" {
	"$TALLY" db init -q
	"$TALLY" price install contract.json --scope database
	"$TALLY" ingest r.jsonl
	run "$TALLY" usage --json
	expect 0 '"total": "3.25"'
	run "$TALLY" status
	expect 0 'contract.json (a card of this database of 2026-11-01'
	run "$TALLY" rerate --json
	expect 0 '"of_other_cards": 0'
	sed 's/"2"/"4"/' contract.json >mine.json
	"$TALLY" price install mine.json
	run "$TALLY" rerate --dry-run
	expect 0 'every record keeps its price'
	run "$TALLY" rerate --dry-run --prices mine.json
	expect 0 'total change 2'
	run "$TALLY" cost --model claude-sonnet-4-6 --input 1000000 --at 2026-06-01
	expect 0 '$4'
	TALLY_DB="$PWD/other.db" "$TALLY" ingest r.jsonl
	run "$TALLY" usage --db other.db --json
	expect 0 '"total": "5.25"'
	"$TALLY" price install contract.json --scope database --remove
	run "$TALLY" price install contract.json --scope database --remove
	expect 1 "no card 'contract.json'"
	! on_server || return 0 # the names of files stand for databases there, but not after move
	run "$TALLY" db move t.db moved.db
	expect 0
	run "$TALLY" status --db moved.db
	expect 0 'contract.json (a card of this database'
}
