#!/usr/bin/env bats
# Payloads as public reports of token counters show them (tests/cases/reported_payloads.jsonl).
load common

@test "payloads of many vendors, frameworks and gateways give the tokens that they used, or are told" {
	command -v node >/dev/null || skip "no node"
	run timeout 300 node "$ROOT/tests/support/reported_payloads.mjs" "$TALLY" "$ROOT/tests/cases/reported_payloads.jsonl"
	expect 0 "payloads as reported"
}

@test "no change of a member changes a total in silence" {
	command -v node >/dev/null || skip "no node"
	run timeout 300 node "$ROOT/tests/support/mutated_payloads.mjs" "$TALLY" "$ROOT/tests/cases/reported_payloads.jsonl" "${SEED:-$RANDOM}" "${CHANGES:-12}"
	expect 0 "none of them silent"
}
