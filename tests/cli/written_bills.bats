#!/usr/bin/env bats
# Bills as they come: signs, currencies, decimal commas, rows of totals, pages, archives, encodings, ambiguous days.
load common

@test "bills as people and programs write them come to what they come to by hand, or are refused" {
	command -v python3 >/dev/null || skip "no python3"
	run python3 "$ROOT/tests/support/written_bills.py" "$TALLY"
	[[ $status = 0 && $output =~ ^[0-9]+' bills'$ ]] || fail "$output"
}

@test "bills and exports of usage as vendors' documents describe them come to what they come to by hand" {
	command -v python3 >/dev/null || skip "no python3"
	run python3 "$ROOT/tests/support/fresh_files.py" "$TALLY"
	[ "$status" = 0 ] && [[ $output =~ ^[0-9]+' cases 0 wrong'$ ]] || fail "$output"
}
