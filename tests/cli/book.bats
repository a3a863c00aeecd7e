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
@test "spellings that every gateway writes: Nova's profiles, Azure's snapshots, Fireworks' paths, versions in other places" {
	want=0.06 amount --model us.amazon.nova-lite-v1:0 --input 1000000 --at 2026-06-01
	want=0.06 amount --model amazon.nova-lite-v1:0 --provider bedrock --input 1000000 --at 2026-06-01
	want=0.33 amount --model eu.amazon.nova-2-lite-v1:0 --provider aws.bedrock --input 1000000 --at 2026-06-01
	want=1.25 amount --model gpt-5-2025-08-07 --provider azure --input 1000000 --at 2026-06-01
	want=1.375 amount --model azure/eu/gpt-5-2025-08-07 --input 1000000 --at 2026-06-01
	want=3 amount --model azure_ai/global/grok-3 --input 1000000 --at 2026-05-01
	want=0.9 amount --model fireworks_ai/accounts/fireworks/models/gemma-3-27b-it --input 1000000 --at 2026-06-01
	cost --model accounts/fireworks/models/deepseek-v4-pro --input 1 --at 2026-08-01
	expect 0 '"provider": "fireworks"'
	for name in claude-3.5-sonnet anthropic/claude-3-5-sonnet claude-sonnet-4.6 claude-4.6-sonnet anthropic/claude-4-6-sonnet; do
		want=3 amount --model "$name" --input 1000000 --at 2026-06-01
	done
	want=2.5 amount --model gpt-5-4 --input 100000 --output 150000 --at 2026-06-01
}
@test "a spelling of one cloud is priced as that cloud sells it, not as the maker does" {
	# Bedrock's own prices: GPT-5.5 a tenth dearer than OpenAI's, Qwen3 32B much cheaper than Alibaba's
	want=5.5 amount --model openai.gpt-5.5 --input 100000 --output 150000 --at 2026-09-01
	want=0.15 amount --model qwen.qwen3-32b-v1:0 --input 1000000 --at 2026-09-01
	for name in anthropic.claude-sonnet-4-5-20250929-v1:0 minimax.minimax-m2 zai.glm-4.7 moonshotai.kimi-k2.5 mistral.mistral-large-2407-v1:0; do
		cost --model "$name" --input 1 --at 2026-09-01
		expect 0 '"provider": "bedrock"' || return 1
		run "$TALLY" price show "$name" --at 2026-09-01
		expect 0 bedrock || return 1
	done
	# what Bedrock does not list is the maker's; a record that names the vendor is of that vendor
	cost --model anthropic.claude-opus-4-5 --input 1 --at 2026-09-01
	expect 0 '"provider": "anthropic"'
	cost --model anthropic.claude-sonnet-4-5-20250929-v1:0 --provider anthropic --input 1 --at 2026-09-01
	expect 0 '"provider": "anthropic"'
	# the resource names of Vertex, with the place, which may cost more
	want=3 amount --model publishers/anthropic/models/claude-sonnet-4-5@20250929 --input 100000 --output 180000 --at 2026-09-01
	cost --model projects/p/locations/global/publishers/google/models/gemini-2.5-pro --input 1 --at 2026-09-01
	expect 0 '"provider": "vertex"'
	want=0.33 amount --model projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5 --input 100000 --at 2026-09-01
	# LiteLLM's prefixes for a region and a speed
	want=0.55 amount --model us/claude-opus-4-6 --input 100000 --at 2026-09-01
	want=3.3 amount --model fast/us/claude-opus-4-6 --input 100000 --at 2026-09-01
	want=0.125 amount --model openai/responses/gpt-5 --input 100000 --at 2026-09-01
}
@test "the ends of OpenRouter's names: free, with a search, other routes, rows of their own" {
	for name in deepseek/deepseek-r1:free openrouter/deepseek/deepseek-r1:free openrouter/nobody/knows:free; do
		cost --model "$name" --input 1000000 --cache-read 5 --output 1000000 --reasoning 7
		expect 0 '"total": "0"' '"provider": "openrouter"' '"source": "openrouter.ai' || return 1
	done
	# a million tokens at 0.21 and one search of five results at 4 per 1,000; with a maker's own search, what the record counts
	want=0.23 amount --model openrouter/deepseek/deepseek-chat-v3.1:online --input 1000000 --at 2026-06-01
	want=0.06 amount --model openrouter/deepseek/deepseek-chat-v3.1:online --input 0 --requests 3 --at 2026-06-01
	expect 0 'the record does not say what it was'
	want=0.02 amount --model qwen/qwen3-coder:free:online --input 1000000
	cost --model openai/gpt-5:online --input 1000000 --at 2026-06-01
	expect 1 'openrouter/openai/gpt-5 is billed for each web_search as well, and the record does not say how many there were'
	want=1.25 amount --model openai/gpt-5:online --input 1000000 --unit web_search=0 --at 2026-06-01
	run "$TALLY" price show openai/gpt-5:online --at 2026-06-01
	expect 0 'calls that do not count web_search, which is billed for each'
	run "$TALLY" price show deepseek/deepseek-r1:online --at 2026-06-01
	expect 0 'request 0.02 each'
	want=1.25 amount --model openrouter/openai/gpt-5:nitro --input 1000000 --at 2026-06-01
	want=3 amount --model openrouter/anthropic/claude-sonnet-4.6:floor --input 100000 --output 180000 --at 2026-06-01
	want=0.625 amount --model openrouter/openai/gpt-5:batch --input 1000000 --at 2026-09-01
	want=0.45 amount --model z-ai/glm-4.6:exacto --input 1000000 --at 2026-09-01
	want=0.3 amount --model anthropic/claude-3.7-sonnet:thinking --provider anthropic --input 100000 --at 2026-01-01
	want=6 amount --model openrouter/openai/gpt-4o:extended --input 1000000 --at 2026-06-01
	# no model of anybody is free or searches without OpenRouter, and an extended one has a price of its own
	for name in gpt-5:free gpt-5:online openrouter/openai/gpt-5:extended; do
		cost --model "$name" --input 1
		expect 1 'in no price card' || return 1
	done
	cost --model gpt-5:free --provider openai --input 1
	expect 1 'in no price card'
}
@test "agents send cached prompts: models that they use have a price of those" {
	while read -r model want; do
		want=$want amount --model "$model" --prompt 1000000 --cache-read 1000000 --at 2026-11-29 || return 1
	done <<-'CASES'
		gemini-3.8-flash 0.075
		glm-5.3 0.26
		glm-5.3-flash 0.03
		mistral-large-2512 0.05
		devstral-2512 0.04
		amazon.nova-pro-v1:0 0.2
	CASES
	want=0.15 amount --model gemini-3.8-flash --prompt 1000000 --cache-read 1000000 --at 2027-01-02
	expect 0 'only genai-prices states the price of cached tokens'
}
@test "a call that a maker's own search may have billed is unpriced, not silently too cheap, unless its seller says what it cost" {
	printf '{"id":"%s","time":"2026-06-01T00:00:00Z","model":"%s","input":1000000,"output":0}\n' a openai/gpt-5:online b openai/gpt-5 >t.jsonl
	run "$TALLY" replay t.jsonl
	expect 3 '>= $1.25' '1 x openai/gpt-5:online: openrouter/openai/gpt-5 is billed for each web_search as well'
	echo '{"id":"gen-1","object":"chat.completion","model":"openai/gpt-5:online","created":1780272000,"provider":"OpenAI","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010,"cost":0.0213}}' >body.json
	run "$TALLY" replay body.json
	expect 0 '$0.0213'
}
@test "a maker of models that hosts another's open ones is no first party of those" {
	cost --model llama-3.1-8b-instruct --input 1 --at 2026-09-01
	expect 1 'several vendors sell' perplexity
	want=0.2 amount --model llama-3.1-8b-instruct --provider perplexity --input 1000000 --at 2026-09-01
}
@test "a tier that the vendor's page does not have is a dispute where a catalogue has it" {
	cost --model gemini-3-pro-image-preview --input 300000 --at 2025-12-01
	expect 0 '"total": "0.6"' 'input above 200,000 tokens 4'
}
@test "what is kept by hand beside the history is in the cards as the script would write it" {
	run python3 - "$ROOT" <<'P'
import json, pathlib, sys
root = pathlib.Path(sys.argv[1])
for key, name in [("caches", "cache_contracts"), ("tools", "tool_fees")]:
    for vendor, kept in json.loads((root / f"tools/{name}.json").read_text()).items():
        card = json.loads((root / f"pricing/cards/{vendor}.json").read_text())
        kept = [{**r, "models": c["models"]} if r["models"] == ["no search of its own"] else r for r, c in zip(kept, card.get(key, []))]
        if card.get(key) != kept:
            sys.exit(f"{key} of {vendor}.json are not those of tools/{name}.json")
P
	expect 0
}
@test "a name that ends in -fast is a model where one is called so, and a tier only where none is" {
	cost --model x-ai/grok-4-fast --input 1 --at 2026-03-01
	expect 0 '"model": "grok-4-fast"'
	cost --model qwen/qwen3-32b-fast --input 1 --at 2026-06-01
	expect 0 '"provider": "nebius"'
	want=30 amount --model anthropic/claude-opus-4-7-fast --input 1000000 --at 2026-06-01
}
@test "which names came before changes no answer" {
	printf '%s\n' '{"model":"minimax/minimax-m2","time":"2026-06-01T00:00:00Z","input":1000000}' >one.jsonl
	{
		printf '{"model":"%s","provider":"%s","time":"2026-06-01T00:00:00Z","input":0,"output":0}\n' minimax/minimax-m2 novita minimax/minimax-m2 openrouter
		cat one.jsonl
	} >both.jsonl
	run "$TALLY" replay both.jsonl --threads 1 --json
	expect 0 '"total": "0.3"'
	run "$TALLY" replay one.jsonl --json
	expect 0 '"total": "0.3"'
}
@test "what no source states above a limit has no price there, and a promotion is one" {
	want=0.00768 amount --model qwen3-max --cache-read 32000 --at 2026-06-01
	cost --model qwen3-max --cache-read 32001 --at 2026-06-01
	expect 1 'states no price for cache_read of a prompt this long'
	want=0.0768024 amount --model qwen3-max --input 32001 --at 2026-06-01
	run "$TALLY" price show gemini-4-argon --at 2026-11-01 --json
	expect 0 '"kind": "promotion"'
	cat >card.json <<'J'
{"schema":"tally.card/1","provider":"x","prices":[{"model":"m","currency":"USD","from":"2026-01-01","to":null,"source":"s","sure":"s",
 "rates":{"input":"1","cache_read":null,"output":"2"},"context":[{"above":10,"rates":{"input":"2","reasoning":null}}]}]}
J
	run "$TALLY" price check card.json
	expect 1 'rates.cache_read'
	expect 1 'rates.reasoning'
}
@test "why a model of a named vendor has no price does not depend on what was priced before it" {
	row=2026-06-01T00:00:00Z,claude-sonnet-4-6
	printf 'time,model,provider,input\n%s\n' $row,openrouter,10 >a.csv
	printf 'time,model,provider,input\n%s\n' $row,,10 $row,openrouter,10 >b.csv
	for f in a b; do
		run "$TALLY" replay $f.csv
		expect 3 "1 x claude-sonnet-4-6: provider 'openrouter' has no model"
	done
}
@test "a service tier that states nothing of long prompts has no price for them where the standard price has a limit" {
	cat >card.json <<'J'
{"schema": "tally.card/1", "provider": "maker", "prices": [
 {"model": "m", "currency": "USD", "from": "2026-01-01", "to": "2026-03-01", "rates": {"input": "2", "output": "4"}, "source": "s", "sure": "s",
  "context": [{"above": 1000, "rates": {"input": "3"}}, {"above": 5000, "inclusive": true, "rates": {"input": "5"}}]},
 {"model": "m", "currency": "USD", "from": "2026-03-01", "rates": {"input": "2", "output": "4"}, "source": "s", "sure": "s"},
 {"model": "m", "currency": "USD", "from": "2026-01-01", "service_tier": "batch", "rates": {"input": "1", "output": "2"}, "source": "s", "sure": "s"},
 {"model": "m", "currency": "USD", "from": "2026-01-01", "service_tier": "flat", "rates": {"input": "1", "output": "2"}, "context": [{"above": 1000, "rates": {}}, {"above": 5000, "rates": {}}], "source": "s", "sure": "s"},
 {"model": "m", "currency": "USD", "from": "2026-01-01", "service_tier": "short", "rates": {"input": "1", "output": "2"}, "context": [{"above": 1000, "rates": {"input": "2"}}], "source": "s", "sure": "s"}]}
J
	of() { tier=$1 at=$2; shift 2; cost --prices card.json --model m --service-tier "$tier" "$@" --at "$at"; }
	none="maker/m states no price for input of a prompt this long in service tier"
	of batch 2026-02-28 --input 1000; expect 0 '"total": "0.001"'
	of batch 2026-02-28 --input 1001; expect 1 "$none 'batch'"
	of batch 2026-03-01 --input 1001; expect 0 '"total": "0.001001"'
	of flat 2026-02-28 --input 10000; expect 0 '"total": "0.01"'
	of short 2026-02-28 --input 1001; expect 0 '"total": "0.002002"'
	of short 2026-02-28 --input 4999; expect 0 '"total": "0.009998"'
	of short 2026-02-28 --input 5000; expect 1 "$none 'short'"
	# in every report; a batch of it saves nothing that anybody states
	printf '{"time":"2026-02-01","model":"m","service_tier":"%s","input":%d,"output":0}\n' batch 1000 batch 1001 standard 1001 >t.jsonl
	run "$TALLY" replay t.jsonl --prices card.json --json
	expect 3 '"total": "0.004003"' "$none 'batch'"
	run "$TALLY" whatif t.jsonl --prices card.json -s recorded -s b=batch:m
	expect 3 "$none 'batch'"
	"$TALLY" ingest t.jsonl --db m.db --prices card.json -q || true
	run "$TALLY" usage --db m.db --json
	expect 3 '"total": "0.004003"' "$none 'batch'"
	# a card of one's own that states a batch states all of it
	echo '{"schema": "tally.card/1", "provider": "maker", "prices": [{"model": "m", "currency": "USD", "from": "2026-01-01", "service_tier": "batch", "rates": {"input": "1.5", "output": "2"}, "source": "s", "sure": "s"}]}' >own.json
	cost --prices card.json --prices own.json --model m --service-tier batch --input 2000 --at 2026-02-01
	expect 0 '"total": "0.003"'
}
@test "OpenAI's batch and flex, and Claude's fast mode, of long prompts; exactly 272,000 tokens are not above them" {
	want=1.5225 amount --model gpt-5.5 --service-tier flex --input 300000 --output 1000 --at 2026-06-01
	want=0.53625 amount --model gpt-5.4 --service-tier flex --input 200000 --cache-read 100000 --output 1000 --at 2026-06-01
	want=0.53625 amount --model gpt-5.4 --service-tier batch --input 200000 --cache-read 100000 --output 1000 --at 2026-06-01
	want=9.135 amount --model gpt-5.4-pro --service-tier batch --input 300000 --output 1000 --at 2026-06-01
	want=0.0609 amount --model gpt-5.6-luna --service-tier batch --input 300000 --output 1000 --at 2026-08-01
	want=18.225 amount --model claude-opus-4-6 --service-tier fast --input 300000 --output 1000 --at 2026-02-20
	cost --model gpt-5.5 --service-tier priority --input 300000 --at 2026-06-01
	expect 1 "states no price for input of a prompt this long in service tier 'priority'"
	want=1.36 amount --model gpt-5.5 --input 272000 --at 2026-06-01
	want=2.72001 amount --model gpt-5.5 --input 272001 --at 2026-06-01
}
