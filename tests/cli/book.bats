#!/usr/bin/env bats
# The book of the world: dated prices of many vendors, first parties before resellers, other spellings of a name.
load common
amount() { cost "$@"; expect 0 "\"total\": \"$want\""; }

@test "common models of every large vendor have their price on the day" {
	want=2.5 amount --model gpt-4o --input 1000000 --at 2025-01-15
	want=5 amount --model gpt-4o-2024-05-13 --input 1000000 --at 2025-01-15
	want=1.25 amount --model gpt-5 --input 1000000 --at 2025-09-01
	want=0.3 amount --model gemini-2.5-flash --input 1000000 --at 2025-09-01
	want=0.75 amount --model gemini-3.6-flash --input 1000000 --at 2026-10-01
	want=1.5 amount --model gemini-3.6-flash --input 1000000 --at 2027-01-01
	want=8 amount --model o3 --output 1000000 --at 2025-07-01
	want=40 amount --model o3 --output 1000000 --at 2025-06-01
}
@test "Claude 4.6 above 200,000 tokens until 2026-03-13, batch, fast, the United States, searches" {
	want=1.2 amount --model claude-sonnet-4-6 --input 200000 --cache-read 0 --output 40000 --at 2026-03-01
	want=2.100006 amount --model claude-sonnet-4-6 --input 200001 --output 40000 --at 2026-03-01
	want=1.200003 amount --model claude-sonnet-4-6 --input 200001 --output 40000 --at 2026-03-13
	want=1.705 amount --model claude-opus-4-6 --input 100000 --cache-read 100000 --output 40000 --region us --at 2026-06-01
	want=0.15 amount --model claude-sonnet-4-6 --service-tier batch --cache-read 1000000 --at 2026-06-01
	want=30 amount --model claude-opus-4-7 --service-tier fast --input 1000000 --at 2026-06-01
	want=3.3 amount --model claude-sonnet-4-6 --region us --input 1000000 --at 2026-06-01
	want=0.05 amount --model claude-sonnet-4-6 --unit web_search=5 --at 2026-06-01
}
@test "clouds, gateways and snapshots spell the same model in other ways" {
	for name in claude-sonnet-4-6 'claude-sonnet-4-6[1m]' anthropic/claude-sonnet-4-6 claude-sonnet-4.6 \
		global.anthropic.claude-sonnet-4-6 claude-sonnet-4-6@default vertex_ai/claude-sonnet-4-6 bedrock/anthropic.claude-sonnet-4-6; do
		want=3 amount --model "$name" --input 1000000 --at 2026-06-01
	done
	want=3.3 amount --model eu.anthropic.claude-sonnet-4-6 --input 1000000 --at 2026-06-01
	want=0.3 amount --model models/gemini-2.5-flash --input 1000000 --at 2026-06-01
	want=2.5 amount --model openai/gpt-4o --input 1000000 --at 2026-06-01
	cost --model gpt-4o --provider azure_openai --input 1000000 --at 2026-06-01
	expect 0 '"provider": "azure"'
}
@test "which cards are open changes no answer" {
	for model in deepseek/deepseek-v4-flash gpt-4o claude-sonnet-4-6; do
		"$TALLY" price list --json --resellers >/dev/null
		"$TALLY" price sql --dialect sqlite --columns time,model,input --until 2026-09-01 "$model" >x.sql || fail "no SQL for $model"
	done
	run "$TALLY" price list deepseek-v4-flash --at 2026-06-15 --currency USD
	[ "$(printf '%s\n' "$output" | grep -c deepseek-v4-flash)" -eq 1 ] || fail "resellers are listed unasked"
	run "$TALLY" price list deepseek-v4-flash --at 2026-06-15 --currency USD --resellers
	expect 0 'openrouter'
}
@test "an import that lists resellers takes no price away" {
	cat >lit.json <<'J'
{"claude-sonnet-4-6":{"litellm_provider":"anthropic","input_cost_per_token":3e-06,"output_cost_per_token":1.5e-05},
 "vertex_ai/claude-sonnet-4-6":{"litellm_provider":"vertex_ai-anthropic_models","input_cost_per_token":3e-06,"output_cost_per_token":1.5e-05},
 "azure_ai/claude-sonnet-4-6":{"litellm_provider":"azure_ai","input_cost_per_token":3e-06,"output_cost_per_token":1.5e-05}}
J
	"$TALLY" price import --from litellm lit.json --output card.json
	want=3 amount --prices card.json --model claude-sonnet-4-6 --input 1000000 --at 2026-06-01
}
