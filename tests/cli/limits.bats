#!/usr/bin/env bats
# No record poisons the sums.
load common

@test "counts that no call can have are quarantined, and nobody's sums suffer" {
	printf '%s\n' '{"id":"good","time":"2026-06-15T08:00:00Z","model":"deepseek-v4-flash","input":1000000}' >a.jsonl
	for id in x y; do for field in input output cache_read requests; do
		printf '{"id":"%s-%s","time":"2026-06-15T08:00:00Z","model":"deepseek-v4-flash","output":1,"%s":9223372036854775807}\n' $id $field $field | sed 's/"output":1,"output"/"output"/'
	done; done >>a.jsonl
	run "$TALLY" ingest --db t.db a.jsonl --json
	expect 3 '"accepted": 1' '"quarantined": 8'
	run "$TALLY" usage --db t.db --json; expect 0 '"records": 1' '"total": "0.14"'
	run "$TALLY" quarantine list --db t.db; expect 0 "larger than a record may count (10^12)"
	run "$TALLY" amend good --db t.db --set input=9223372036854775807 --why test; [ "$status" -eq 1 ] || fail "amended"
	[[ $output == *'larger than a record may count'* ]] || fail 'another reason'
	run "$TALLY" fsck --db t.db; expect 0
	# just within
	printf '{"id":"most","time":"2026-06-15T08:00:00Z","model":"deepseek-v4-flash","input":1000000000000}\n' >b.jsonl
	run "$TALLY" ingest --db t.db b.jsonl; expect 0 '1 accepted'
}
@test "rerate without the card that was used keeps the price; to take it away must be asked for" {
	cat >own.json <<'J'
{"schema":"tally.card/1","provider":"own","prices":[{"model":"own-1","currency":"USD","from":"2026-01-01T00:00:00Z","source":"s","sure":"s","rates":{"input":"3"}}]}
J
	printf '{"id":"a","time":"2026-06-15T08:00:00Z","model":"own-1","input":1000000}\n' >a.jsonl
	"$TALLY" ingest --db t.db --prices own.json -q a.jsonl
	run "$TALLY" rerate --db t.db; expect 0 '1 record has a price that no card states any more'
	run "$TALLY" usage --db t.db --json; expect 0 '"total": "3"' '"unpriced": 0'
	run "$TALLY" rerate --db t.db --unprice; expect 0 'repriced'
	run "$TALLY" usage --db t.db --json; expect 3 '"unpriced": 1'
	"$TALLY" rerate --db t.db --prices own.json >/dev/null
	run "$TALLY" usage --db t.db --json; expect 0 '"total": "3"'
}
