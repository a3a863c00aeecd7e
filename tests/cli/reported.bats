#!/usr/bin/env bats
# Payloads as public reports of token counters show them (tests/cases/reported_payloads.jsonl).
load common

@test "payloads of many vendors, frameworks and gateways give the tokens that they used, or are told" {
	command -v node >/dev/null || skip "no node"
	run timeout 1200 node "$ROOT/tests/support/reported_payloads.mjs" "$TALLY" "$ROOT/tests/cases/reported_payloads.jsonl"
	expect 0 "payloads as reported"
}

@test "no change of a member changes a total in silence" {
	command -v node >/dev/null || skip "no node"
	run timeout 1200 node "$ROOT/tests/support/mutated_payloads.mjs" "$TALLY" "$ROOT/tests/cases/reported_payloads.jsonl" "${SEED:-$RANDOM}" "${CHANGES:-12}"
	expect 0 "none of them silent"
}

@test "answers with all that vendors, frameworks and gateways write beside the usage: what is harmless costs nothing, what may be billed is told" {
	command -v node >/dev/null || skip "no node"
	run timeout 1200 node "$ROOT/tests/support/reported_payloads.mjs" "$TALLY" "$ROOT/tests/cases/whole_answers.jsonl"
	expect 0 "payloads as reported"
	run timeout 1200 node "$ROOT/tests/support/mutated_payloads.mjs" "$TALLY" "$ROOT/tests/cases/whole_answers.jsonl" "${SEED:-$RANDOM}" "${CHANGES:-12}"
	expect 0 "none of them silent"
}
