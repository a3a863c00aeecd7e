#!/usr/bin/env bats
# What is asked for again: the same is the same, something else under its name is a conflict, and neither is the database's trouble.
load common
setup() { common_setup; export TALLY_DB=$DIR/t.db; }
teardown() { rm -rf "$DIR"; }

@test "a recurring grant that is asked for again is the same one; another one under its name is a conflict" {
	"$TALLY" credit account acme --plan vm0 --since 2026-01-01 -q
	every="--every month --id monthly --effective 2026-01-01"
	"$TALLY" credit grant acme 10 $every -q
	before=$("$TALLY" credit balance acme --json | jq -r .available)
	run "$TALLY" credit grant acme 10 $every; expect 0 "recurring grant added"
	[ "$("$TALLY" credit balance acme --json | jq -r .available)" = "$before" ] || fail "granted twice"
	run "$TALLY" credit grant acme 11 $every
	expect 1 "the recurring grant 'monthly' exists with other content"
	run "$TALLY" fsck; expect 0 ""
}
