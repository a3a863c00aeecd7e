#!/usr/bin/env bats
# Customers do not meet: neither by their ids, nor by what one account cannot do.
load common
setup() { common_setup; export TALLY_DB=$DIR/t.db; }
teardown() { [ -z "${pid-}" ] || kill "$pid" 2>/dev/null || true; rm -rf "$DIR"; }

call() { printf '{"id":"%s","time":"2026-08-24T02:00:00Z","model":"deepseek-v4-flash","customer":"%s","input":%d,"output":7}\n' "$1" "$2" "${3:-10000}"; }
accounts() { for c in "$@"; do "$TALLY" credit account "$c" --plan vm0 --since 2026-02-01 -q; "$TALLY" credit grant "$c" 100 --id g --effective 2026-02-01 -q; done; }
available() { "$TALLY" credit balance "$1" | sed -n 's/^available *//p'; }

@test "an id of a draw or refund is its customer's own; used for something else it is refused" {
	accounts acme beta
	for c in acme beta; do printf '{"op":"draw","customer":"%s","id":"order-1","amount":"40"}\n{"op":"refund","customer":"%s","id":"back-1","amount":"5"}\n' $c $c; done >ops.jsonl
	run "$TALLY" credit post ops.jsonl; expect 0 "4 done"
	run "$TALLY" credit post ops.jsonl; expect 0 "4 done"
	[ "$(available acme)" = 65 ] && [ "$(available beta)" = 65 ] || fail "$(available acme) $(available beta)"
	run "$TALLY" credit post - <<<'{"op":"refund","customer":"acme","id":"order-1","amount":"40"}'
	expect 1 "the id 'order-1' is that of a draw, not of a refund"
	run "$TALLY" credit post - <<<'{"op":"refund","customer":"acme","id":"back-1","amount":"6"}'
	expect 1 "the refund 'back-1' exists with another amount (5, not 6)"
	[ "$(available acme)" = 65 ]
}
@test "what one account cannot do stops no other, is named by status and repaired" {
	accounts acme beta
	call c1 acme >a.jsonl; call b1 beta >b.jsonl
	"$TALLY" ingest -q a.jsonl
	used=$("$TALLY" credit ledger acme --csv | awk -F, '$4 == "used" { print $6 }')
	"$TALLY" credit post -q - <<<'{"op":"refund","customer":"acme","id":"r1","amount":"'$used'"}'
	"$TALLY" void c1 --why 'sent twice' -q
	run "$TALLY" ingest b.jsonl; expect 0 "1 accepted"
	[ "$(available acme)" = 100 ] || fail "a draw was given back twice: $(available acme)"
	[ "$(available beta)" != 100 ] || fail "the usage of beta did not draw"
	run "$TALLY" status; expect 0 "at fault      acme: more is to be given back than was drawn" "tally credit repair acme"
	run "$TALLY" status --json; expect 0 '"customer": "acme"'
	call c2 acme | sed s/T02/T05/ >a2.jsonl; run "$TALLY" ingest a2.jsonl; expect 0 "1 accepted"
	run "$TALLY" invoice draft acme --period 2026-08; expect 5 "waits to be drawn"
	run "$TALLY" credit repair acme; expect 0
	run "$TALLY" status; case $output in *"at fault"*) fail "still at fault" ;; esac
	[ "$("$TALLY" credit ledger acme --csv | awk -F, '$4 == "used" { n++ } END { print n }')" = 3 ] || fail "c2 did not draw"
	run "$TALLY" fsck; expect 0 clean
}
@test "a refund by hand and the reversal of another call give back what each grant gave, once" {
	accounts acme
	"$TALLY" credit grant acme 1 --id first --priority 1 --effective 2026-02-01 -q
	call c1 acme 100000 >a.jsonl; "$TALLY" ingest -q a.jsonl
	call c2 acme 100000 | sed 's/T02/T05/' >b.jsonl; "$TALLY" ingest -q b.jsonl
	"$TALLY" credit post -q - <<<'{"op":"refund","customer":"acme","id":"r1","amount":"2"}'
	"$TALLY" void c2 --why wrong -q; "$TALLY" credit draw -q
	run "$TALLY" credit balance acme --json
	run sql t.db 'SELECT count(*) FROM credit_lot l JOIN credit_grant g ON g.id=l.grant_id WHERE l."left">g.amount'
	expect 0 0; [ "$output" = 0 ]
}
