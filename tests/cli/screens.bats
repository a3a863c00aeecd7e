#!/usr/bin/env bats
# The commonest commands as terminals show them: files in tests/screens that were read one by one.
load common

@test "on terminals of 60, 80, 120 and 200 columns the commonest commands show the screens that are kept" {
	command -v tmux >/dev/null || skip "there is no tmux"
	! sanitized || skip "the clock stands still by LD_PRELOAD"
	! on_server || skip "the screens name a file"
	run timeout 1200 "$ROOT/tests/screens/run" "$DIR/screens"
	[ "$status" -eq 0 ] || fail "no screens"
	for width in 60 80 120 200; do
		run diff "$ROOT/tests/screens/$width.txt" "$DIR/screens/$width.txt"
		[ "$status" -eq 0 ] || fail "$width columns differ (tests/screens/run tests/screens writes them)"
	done
}
@test "odd names and amounts keep every screen whole" {
	command -v python3 >/dev/null || skip "there is no python3"
	! on_server || skip "of screens, not of databases"
	run timeout 1200 python3 "$ROOT/tests/support/odd_screens.py" "$TALLY"
	expect 0 ' screens'
}
