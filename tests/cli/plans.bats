#!/usr/bin/env bats
# The shipped examples of tally plan. Each total was computed by hand from the dated prices: Flash 0.14/0.0028/0.28 (0.028 at launch), Pro 0.435/0.003625/0.87
# (1.74/0.145/3.48 at launch), Sonnet 4.6 3/0.3/15, Opus 4.7 5/0.5/25 a million.
# with sanitizers, too
bats_require_minimum_version 1.5.0
load common
plan() { run --separate-stderr "$TALLY" plan "$ROOT/examples/plans/$1.json" --json; }
# totals NAME AMOUNT...: the scenarios cost so much, in their order
totals() {
	plan "$1"
	[ "$status" -eq 0 ] || fail "status"
	shift
	[ "$(printf '%s\n' "$output" | sed -n 's/.*"name": "[^"]*", "records".*}, "total": "\([^"]*\)", "interval".*/\1/p' | tr '\n' ' ')" = "$* " ] || fail "not $*"
}
@test "a million calls on the launch card" { totals million-calls 168 1682; }
@test "a million calls later" { totals million-calls-later 117.6 355.25; }
@test "one answer of 50,000 tokens" { totals long-output 0.014 1.25; }
@test "classification" { totals classification 137.76 3510; }
# 534.24 and 800 x 0.3 + 3,000 x 3 + 400 x 15 = 15,240 a million calls, 600,000 calls
@test "extraction" { totals extraction 320.544 9144; }
# 56,840 and 400,000 x 0.435 + 3,000 x 0.87 = 176,610 a million calls, 6,000 calls
@test "long documents" { totals long-document 341.04 1059.66; }
# Flash 478.8 where it hits, 1,302 where it misses; Sonnet 15,300 and (written at 3.75) 36,000
@test "retrieval, one call in ten misses" { totals retrieval 841.68 26055; }
# 196 + 0.05 x 609 against 609
@test "a pre-filter with 5% escalated" { totals pre-filter 679.35 1827; }
# 672, 1,783.5, and a fifth of one with four fifths of the other
@test "an agent" { totals agent 403.2 1070.1 536.58; }
@test "every shipped plan has a test, is saved and asked again, and makes CSV and a report with charts" {
	for f in "$ROOT"/examples/plans/*.json; do
		n=$(basename "$f" .json)
		grep -q "totals $n " "$BATS_TEST_FILENAME" || fail "no test of $n"
		"$TALLY" plan "$f" --save again.json --json >a.json
		"$TALLY" plan again.json --json >b.json
		cmp a.json b.json || fail "$n: the saved question has another answer"
		grep -q '"note"' again.json || fail "$n: the note is lost"
		"$TALLY" plan "$f" --csv | grep -q '^scenario,day,calls' || fail "$n: no CSV"
		"$TALLY" plan "$f" --format html -o p.html
		grep -q '<figcaption>Cost of each scenario' p.html || fail "$n: no chart"
	done
	"$TALLY" plan "$ROOT/examples/plans/agent.json" --format pdf -o p.pdf
	[ "$(head -c 5 p.pdf)" = %PDF- ] || fail "no PDF"
}
@test "a plan covers a model under every name that means it" {
	credits() { echo '{"id":"a","time":"2026-08-15T08:00:00Z","model":"'$1'","input":1000000,"output":1000}' | "$TALLY" replay - --plan vm0 --json | jq -r .credits.total; }
	for name in claude-opus-4-7 us.anthropic.claude-opus-4-7 openrouter/anthropic/claude-opus-4.7 claude-opus-4-7@20260801 vertex_ai/claude-opus-4-7; do
		[ "$(credits $name)" = 5125.5 ] || fail "$name: $(credits $name)"
	done
	for name in deepseek-v4-flash openrouter/deepseek/deepseek-v4-flash deepseek-v4-flash-latest; do
		[ "$(credits $name)" = 60.3 ] || fail "$name: $(credits $name)"
	done
	[ "$(credits gpt-5.4)" = 0 ] || fail "gpt-5.4: $(credits gpt-5.4)"
}
