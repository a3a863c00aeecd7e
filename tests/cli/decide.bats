#!/usr/bin/env bats
# tally decide: which model for which work. Costs by hand from the prices of 2026-06-02: Flash 0.14/0.0028/0.28, Pro 0.435/0.003625/0.87.
bats_require_minimum_version 1.5.0
load common
decide() { run --separate-stderr "$TALLY" decide "$@"; }

@test "the shipped table: cost of a task, of a point, and the cheapest route that meets the floor" {
	decide "$ROOT/examples/decide.json" --json
	# 20 x (30,000 x 0.0028 + 1,500 x 0.14 + 600 x 0.28) = 9,240 per million
	expect 0 '"name": "IDE agent"' '"cheapest": "deepseek-v4-flash", "routes": [{"route": "deepseek-v4-flash", "cost_per_task": "0.00924"' '"cost_per_point": "0.00011696202531'
	# 120 x (90,000 x 0.003625 + 3,000 x 0.435 + 900 x 0.87), and half of each
	expect 0 '"cost_per_task": "0.28971"' '"route": "mixed", "cost_per_task": "0.200295", "cost_from": "prices", "score": "62.4"'
	# one call after another: 120 x (900 / 103 + 1.1)
	expect 0 '"seconds": "1180.44"' 'too slow' 'no web search stated'
	# published costs: by point, and inferred tokens at 0.28 and 0.87
	expect 0 '"cost_per_task": "113", "cost_from": "published", "inferred_output_tokens": 403571428' '"cost_per_point": "2.404255' '"cost_per_point": "20.596153'
}
@test "what is not known decides nothing" {
	decide "$ROOT/examples/decide.json"
	expect 0 'lookups that must not be made up: no route is known to meet a floor of' 'what escalation adds to the score is not known' 'tokens are inferred'
}
@test "prices of another day, HTML and PDF" {
	decide "$ROOT/examples/decide.json" --at 2026-05-10 --format html -o d.html
	expect 0; grep -q 'prices of 2026-05-10' d.html
	decide "$ROOT/examples/decide.json" --format pdf -o d.pdf
	expect 0; [ "$(head -c 5 d.pdf)" = %PDF- ] || fail "no PDF"
}
@test "figures need a source and a date; faults are named with their place" {
	m='"models": {"deepseek-v4-flash": {"scores": [{"benchmark": "B", "score": "50"%s}]}}'
	w='"workloads": [{"name": "w", "measure": "B", "floor": "40", "input": 1000, "output": 100%s}]'
	printf "{\"date\": \"2026-06-02\", $m, $w}" '' ', "tokens_from": "assumed"' >d.json
	decide d.json; expect 1; [[ $stderr == *"deepseek-v4-flash, score 1 needs 'score', 'source' and 'date'"* ]] || fail "$stderr"
	printf "{\"date\": \"2026-06-02\", $m, $w}" ', "source": "s", "date": "2026"' '' >d.json
	decide d.json; expect 1; [[ $stderr == *tokens_from* ]] || fail "$stderr"
	printf "{\"date\": \"2026-06-02\", $m, $w}" ', "source": "s", "date": "2026"' ', "tokens_from": "assumed", "routes": ["other"]' >d.json
	decide d.json; expect 1; [[ $stderr == *"w: 'models' has no 'other'"* ]] || fail "$stderr"
	printf "{\"date\": \"2026-06-02\", $m, $w}" ', "source": "s", "date": "2026"' ', "tokens_from": "assumed", "typo": 1' >d.json
	decide d.json; expect 1; [[ $stderr == *typo* ]] || fail "$stderr"
	sed -i 's/, "typo": 1//; s/deepseek-v4-flash/no-such-model/' d.json
	decide d.json --json; expect 3 '"cost_per_task": null' '"verdict": "not known", "why": "no price"'
}
