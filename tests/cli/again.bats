#!/usr/bin/env bats
# What is asked for again: the same is the same, something else under its name is a conflict, and neither is the database's trouble.
load common
setup() { common_setup; export TALLY_DB=$DIR/t.db; }
field() { python3 -c "import json, sys; print(json.load(sys.stdin)[sys.argv[1]])" "$1"; }

@test "a recurring grant that is asked for again is the same one; another one under its name is a conflict" {
	"$TALLY" credit account acme --plan vm0 --since 2026-01-01 -q
	every="--every month --id monthly --effective 2026-01-01"
	"$TALLY" credit grant acme 10 $every -q
	before=$("$TALLY" credit balance acme --json | field available)
	run "$TALLY" credit grant acme 10 $every; expect 0 "recurring grant was added already"
	[ "$("$TALLY" credit balance acme --json | field available)" = "$before" ] || fail "granted twice"
	run "$TALLY" credit grant acme 11 $every
	expect 1 "the recurring grant 'monthly' exists with other content"
	run "$TALLY" fsck; expect 0 ""
}

@test "a report of records that are too large to be summed refuses and says what helps; others are exact" {
	on_server && skip "the hurt is done to a file"
	command -v sqlite3 >/dev/null || skip "no sqlite3 shell"
	record() { printf '{"id":"%s","time":"2026-08-%sT02:00:00Z","model":"deepseek-v4-flash","customer":"%s","input":100,"output":7}\n' "$@"; }
	{ record b1 24 acme; record b2 24 acme; record ok 25 beta; } | "$TALLY" ingest -q -
	sqlite3 t.db "DROP TRIGGER usage_is_never_changed; UPDATE usage SET input=9223372036854775807 WHERE seq<3;
		UPDATE about SET value=0 WHERE key='rolled_to'; DELETE FROM rollup_quarter; DELETE FROM rollup_day"
	run "$TALLY" usage; expect 1 'the records add up to more than a total can hold (`tally fsck` names those'
	[ "$("$TALLY" usage --customer beta --json | field records)" = 1 ] || fail "$("$TALLY" usage --customer beta --json)"
	[ "$("$TALLY" usage --since 2026-08-25 --json | field records)" = 1 ] || fail "the other day"
	run "$TALLY" fsck; expect 5 "the record 'b1' (row 1) "
	"$TALLY" void b1 --why large -q
	"$TALLY" void b2 --why large -q
	run "$TALLY" fsck --rebuild; expect 0 clean
	[ "$("$TALLY" usage --json | field records)" = 1 ]
}
