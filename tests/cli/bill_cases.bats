#!/usr/bin/env bats
# Bills whose truth was worked out by hand (tests/support/bill_cases.py).
load common

@test "proration, coupons, taxes, currencies, notes, payments, tops-up and late usage: each bill as worked out by hand" {
	run python3 "$ROOT/tests/support/bill_cases.py" "$TALLY"
	expect 0 " 0 wrong"
}
