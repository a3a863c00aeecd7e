#!/usr/bin/env bats
# Other catalogues beside the book: some vendors only, gaps only, and what would change.
load common

catalogue() {
	cat >lit.json <<'J'
{"gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 9e-06, "output_cost_per_token": 1e-05},
 "gpt-4o-mini": {"litellm_provider": "openai", "input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07},
 "gpt-next": {"litellm_provider": "openai", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
 "gemini/gemini-next": {"litellm_provider": "gemini", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
 "mistral/mistral-next": {"litellm_provider": "mistral", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}}
J
}

@test "--only takes the vendors named, the others are counted" {
	catalogue
	run "$TALLY" price import --from litellm lit.json --only openai,google --output card.json --json
	expect 0 '"taken": 4' '"unasked": 1'
	grep -q mistral card.json && fail "mistral was not asked for"
	cost --prices card.json --model gemini-next --input 1000000
	expect 0 '"total": "1"'
}
@test "--fill adds what the book lacks, and no price without a date takes the place of a dated one" {
	catalogue
	run "$TALLY" price import --from litellm lit.json --fill --output card.json --json
	expect 0 '"taken": 3' '"known": 2' '"new": 3' '"different": 0'
	cost --prices card.json --model gpt-4o --input 1000000 --at 2025-01-15
	expect 0 '"total": "2.5"'
	cost --prices card.json --model gpt-next --input 1000000 --at 2025-01-15
	expect 0 '"total": "1"'
}
@test "a dated price fills the time before the book's first one only" {
	cat >own.json <<'J'
{"schema": "tally.card/1", "provider": "openai", "prices": [{"model": "gpt-next", "currency": "USD", "from": "2026-03-01", "rates": {"input": "7", "output": "7"}, "source": "s", "sure": "s"}]}
J
	cat >gp.json <<'J'
[{"id": "openai", "name": "OpenAI", "api_pattern": "x", "models": [{"id": "gpt-next", "match": {"equals": "gpt-next"},
  "prices": [{"constraint": {"start_date": "2026-01-01"}, "prices": {"input_mtok": 3, "output_mtok": 4}}]}]}]
J
	run "$TALLY" price import --from genai-prices gp.json --fill --prices own.json --output card.json
	expect 0 '1 taken' '1 are new'
	cost --prices own.json --prices card.json --model gpt-next --input 1000000 --at 2026-02-01
	expect 0 '"total": "3"'
	cost --prices own.json --prices card.json --model gpt-next --input 1000000 --at 2026-04-01
	expect 0 '"total": "7"'
}
@test "what would change is said before it changes" {
	catalogue
	run "$TALLY" price import --from litellm lit.json --dry-run
	expect 0 'of its prices 3 are new, 1 the same as now, 1 different' 'openai gpt-4o: input 9, output 10 instead of 2.5, 10'
	[[ $output != *tally.card* ]] || fail "a card is printed"
	run "$TALLY" price import --from litellm lit.json --dry-run --output card.json --json
	expect 0 '"input_before": "2.5"' '"different": 1'
	[ ! -e card.json ] || fail "a card is written"
}
