#!/usr/bin/env bats
# Bills as vendors really write them: what each says of models, and what of it is no usage.
load common

@test "each bill of a vendor, a cloud, a gateway and a spreadsheet is read as what it says" {
	command -v python3 > /dev/null || skip "no python3"
	export TALLY_DB=$DIR/v.db
	run python3 "$ROOT/tests/support/vendor_bills.py" "$TALLY"
	[ "$status" -eq 0 ] || fail "$output"
	[ -z "$output" ] || fail "$output"
}
