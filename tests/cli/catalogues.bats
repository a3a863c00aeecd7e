#!/usr/bin/env bats
# Whole catalogues, of the size and shape of the real ones, made from what the cards state (tests/support/catalogues.py).
# with sanitizers, too
load common

@test "a whole catalogue of each kind is imported, nothing is lost or invented, and what nobody understands is named" {
	command -v python3 >/dev/null || skip "no python3"
	run python3 "$ROOT/tests/support/catalogues.py" "$TALLY" "$ROOT/pricing/cards" "$DIR"
	expect 0 'litellm: ' 'openrouter: ' 'models.dev: ' 'genai-prices: '
	printf '%s\n' "$output" | sed 's/^/# /' >&3
}
@test "who serves and where is read from LiteLLM's names; two names of one price are one, and two prices of one name are told apart" {
	cat >lit.json <<'J'
{"vertex_ai/gemini-next": {"litellm_provider": "vertex_ai-language-models", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6},
 "gemini-next": {"litellm_provider": "vertex_ai", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6},
 "vertex_ai/claude-next": {"litellm_provider": "vertex_ai-anthropic_models", "input_cost_per_token": 1e-6, "regional_endpoint_uplift_multiplier": 1.1},
 "next-instruct": {"litellm_provider": "text-completion-openai", "input_cost_per_token": 3e-6},
 "bedrock/us-east-1/next": {"litellm_provider": "bedrock", "input_cost_per_token": 4e-6},
 "bedrock/us-east-1/1-month-commitment/next": {"litellm_provider": "bedrock", "input_cost_per_second": 0.01},
 "azure/eu/next": {"litellm_provider": "azure", "input_cost_per_token": 5e-6},
 "azure_ai/other": {"litellm_provider": "azure_ai", "input_cost_per_token": 5e-6}, "azure/other": {"litellm_provider": "azure", "input_cost_per_token": 6e-6},
 "wrong": {"litellm_provider": "v", "input_cost_per_token": 1e-6, "weekend_fee": 1}, "v/wrong": {"litellm_provider": "v", "input_cost_per_token": 2e-6},
 "sizes": {"litellm_provider": "v", "input_cost_per_token": 1e-6, "search_context_cost_per_query": {"search_context_size_low": 0.03, "search_context_size_medium": 0.035, "search_context_size_high": 0.05}},
 "us": {"litellm_provider": "v", "input_cost_per_token": 1e-6, "search_context_cost_per_query": {"search_context_size_low": 0.01}, "provider_specific_entry": {"us": 1.1}}}
J
	run "$TALLY" price import --from litellm lit.json --output card.json
	expect 0 '13 entries: 11 taken' "refused: azure/other: entry 'azure_ai/other' states another price of azure other" "refused: wrong: 'weekend_fee'"
	while IFS='|' read -r options total; do
		cost --prices card.json $options
		expect 0 "\"total\": \"$total\""
	done <<-'T'
		--provider vertex --model gemini-next --input 1000000|1
		--provider vertex --model claude-next --input 1000000|1
		--provider vertex --model claude-next --region global --input 1000000|1
		--provider vertex --model claude-next --region europe-west1 --input 1000000|1.1
		--model next-instruct --input 1000000|3
		--model bedrock/us-east-1/next --input 1000000|4
		--provider azure --region eu --model next --input 1000000|5
		--provider v --model wrong --input 1000000|2
		--provider v --model sizes --unit web_search_medium=1000|35
		--provider v --model us --region us --input 1000000 --unit web_search=100|2.1
	T
}
@test "who is no first party of the book resells what a catalogue lists, so that a bare name means its maker" {
	cat >md.json <<'J'
{"anthropic": {"models": {"claude-next": {"cost": {"input": 5, "output": 25}}}}, "gateway": {"models": {"claude-next": {"cost": {"input": 6, "output": 26}}, "own": {"cost": {"input": 1}}}},
 "another": {"models": {"claude-next": {"cost": {"input": 7, "output": 27}}}}}
J
	run "$TALLY" price import --from models.dev md.json --output card.json
	expect 0 '4 taken'
	cost --prices card.json --model claude-next --input 1000000
	expect 0 '"total": "5"'
	cost --prices card.json --model own --input 1000000
	expect 0 '"total": "1"'
}
@test "what has no price of its own costs in a tier what its parent costs there, as genai-prices says" {
	printf '[{"id":"v","models":[{"id":"m","prices":{"input_mtok":{"base":1,"tiers":[{"start":1000,"price":2}]},"output_mtok":{"base":3,"tiers":[{"start":1000,"price":4}]},"cache_write_mtok":5}}]}]' >gp.json
	run "$TALLY" price import --from genai-prices gp.json --output card.json
	expect 0 '1 taken'
	for t in cache_read=1000=0.001 cache_read=2000=0.004 output_image=1000=0.003 cache_write_5m=2000=0.01 'input=2000 --tokens output_image=1000=0.008'; do
		cost --prices card.json --provider v --model m --tokens ${t%=*}
		expect 0 "\"total\": \"${t##*=}\""
	done
}
