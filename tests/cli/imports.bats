#!/usr/bin/env bats
# Other catalogues beside the book: some vendors only, gaps only, and what would change.
# with sanitizers, too
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
	expect 0 'of its prices 3 are new, 0 the same as now, 2 different' 'openai gpt-4o: input 9, output 10 instead of 2.5, 10; cache_read none instead of 1.25' 'openai gpt-4o-mini: cache_read none instead of 0.075'
	[[ $output != *tally.card* ]] || fail "a card is printed"
	run "$TALLY" price import --from litellm lit.json --dry-run --output card.json --json
	expect 0 '"input_before": "2.5"' '"different": 2'
	[ ! -e card.json ] || fail "a card is written"
}
@test "the summary of an import sees caches, sizes of prompts, regions and fees, and what would be without a price" {
	cat >own.json <<-'J'
	{"schema": "tally.card/1", "provider": "openai", "prices": [
	 {"model": "m", "currency": "USD", "source": "s", "sure": "y", "rates": {"input": "1", "output": "2", "cache_read": "0.5"},
	  "context": [{"above": 200000, "rates": {"input": "3"}}], "fees": {"request": {"amount": "10", "per": 1000}}}]}
	J
	differs() { # ENTRY COUNTS TEXT...
		echo "{\"m\": {\"litellm_provider\": \"openai\", \"input_cost_per_token\": 1e-6, \"output_cost_per_token\": 2e-6, $1}}" >lit.json
		run "$TALLY" price import --from litellm lit.json --dry-run --prices own.json
		expect 0 "of its prices $2" "${@:3}"
	}
	all='"cache_read_input_token_cost": 5e-7, "input_cost_per_token_above_200k_tokens": 3e-6, "input_cost_per_request": 0.01'
	differs "$all" '0 are new, 1 the same as now, 0 different'
	differs "$all, \"input_cost_per_audio_token\": 9e-6" '0 are new, 1 the same as now, 0 different'
	differs "${all/5e-7/6e-7}" '0 are new, 0 the same as now, 1 different' 'openai m: cache_read 0.6 instead of 0.5, above 200000: cache_read 0.6 instead of 0.5'
	differs "${all/3e-6/4e-6}" '0 are new, 0 the same as now, 1 different' 'openai m: above 200000: input 4 instead of 3'
	differs "${all/above_200k/above_128k}" '0 are new, 0 the same as now, 1 different' 'openai m: above 128000: input 3 instead of 1'
	differs "${all/0.01/0.02}" '0 are new, 0 the same as now, 1 different' 'openai m: request 0.02 per 1 instead of 10 per 1000'
	differs '"cache_read_input_token_cost": 5e-7' '0 are new, 0 the same as now, 1 different' 'openai m: above 200000: input 1 instead of 3, request none instead of 10 per 1000'
}
@test "what else a catalogue says of money is understood or refused by name, an entry at a time" {
	cat >lit.json <<'J'
{"bricks": {"litellm_provider": "v", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "input_dbu_cost_per_token": 1e-5, "output_dbu_cost_per_token": 3e-5},
 "seconds": {"litellm_provider": "v", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "input_cost_per_video_per_second_above_128k_tokens": 0.004},
 "fee": {"litellm_provider": "v", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "monthly_fee": 5},
 "extra": {"litellm_provider": "v", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "surcharge_percent": 5}}
J
	run "$TALLY" price import --from litellm lit.json --output card.json
	expect 0 '2 taken' "left_out: seconds: 'input_cost_per_video" "refused: fee: 'monthly_fee'" "refused: extra: 'surcharge_percent'"
	cat >or.json <<'J'
{"data": [{"id": "a/sizes", "pricing": {"prompt": "0.000001", "completion": "0.000002", "input_audio_cache": "0.0000001", "image_token": "0.000003", "image_output": "0.00003",
  "overrides": [{"min_prompt_tokens": 200000, "prompt": "0.000002"}, {"min_prompt_tokens": 500000, "completion": "0.000009"}]}},
 {"id": "a/hours", "pricing": {"prompt": "0.000001", "completion": "0.000002", "overrides": [{"utc_start": 100, "utc_end": 900, "weekday": 1, "prompt": "0.000002"}]}}]}
J
	run "$TALLY" price import --from openrouter or.json --output card.json
	expect 0 '1 taken' "refused: a/hours: 'weekday'" "left_out: a/sizes: 'image_output'"
	for t in '--input 199999=0.199999' '--input 200000=0.4' '--input 500000 --output 100000=1.9' '--input 200000 --output 100000=0.6' '--tokens cache_read_audio=1000000=0.1' '--tokens input_image=100000=0.3'; do
		cost --prices card.json --provider openrouter --model a/sizes ${t%=*}
		expect 0 "\"total\": \"${t##*=}\""
	done
	cat >gp.json <<'J'
[{"id": "v", "models": [{"id": "order", "prices": [{"constraint": {"start_date": "2026-06-01"}, "prices": {"input_mtok": 2}}, {"constraint": {"start_date": "2026-01-01"}, "prices": {"input_mtok": 1}}]},
 {"id": "ends", "prices": [{"constraint": {"start_date": "2026-01-01", "end_date": "2026-02-01"}, "prices": {"input_mtok": 1}}]},
 {"id": "zone", "prices": [{"constraint": {"start_time": "00:30:00+08:00", "end_time": "08:30:00+08:00"}, "prices": {"input_mtok": 1}}]},
 {"id": "beside", "prices": {"input_mtok": 1}, "extra_prices": {"output_mtok": 5}}, {"id": "good", "prices_checked": "2026-01-01", "prices": {"input_mtok": 1}}]}]
J
	run "$TALLY" price import --from genai-prices gp.json --output card.json
	expect 0 '1 taken' '4 refused' 'v/order: its start dates are not in order' "v/ends: 'end_date'" 'v/zone: a price has a constraint of an unknown kind' "v/beside: 'output_mtok'"
	printf '{"v":{"models":{"m":{"cost":{"input":1,"output":2}},"n":{"cost":{"input":1},"pricing":{"request":0.01}}}}}' >md.json
	run "$TALLY" price import --from models.dev md.json --output card.json
	expect 0 '1 taken' "refused: v/n: 'request'"
}
@test "a key that speaks of a price is not passed over beside the prices, above them or within what has none" {
	refused() { # KIND WHERE
		run "$TALLY" price import --from "$1" c.json --output card.json
		expect 0 '0 taken' '1 refused' 'speaks of a price and is not understood' || fail "$1 $2"
	}
	printf '%s' '{"data":[{"id":"a/m","pricing":{"prompt":"0.000001"},"surcharge":"0.1"}]}' >c.json; refused openrouter beside
	printf '%s' '{"data":[{"id":"a/m","pricing":{"prompt":"0.000001"},"top_provider":{"price_factor":2}}]}' >c.json; refused openrouter within
	printf '%s' '{"v":{"surcharge":2,"models":{"m":{"cost":{"input":1}}}}}' >c.json; refused models.dev above
	printf '%s' '{"v":{"models":{"m":{"cost":{"input":1},"limit":{"context_price":2}}}}}' >c.json; refused models.dev within
	printf '%s' '{"v":{"models":{"m":{"cost":{"input":1},"experimental":{"modes":{"fast":{"cost_multiplier":2}}}}}}}' >c.json; refused models.dev mode
	printf '%s' '{"v":{"models":{"m":{"cost":{"input":1},"experimental":{"modes":{"fast":{"cost":{"input":2},"provider":{"body":{"service_tier":"priority"}}},"quick":{"cost":{"input":6},"provider":{"body":{"speed":"fast"}}}}}}}}}' >c.json
	run "$TALLY" price import --from models.dev c.json --output modes.json; expect 0
	for tier in priority=2 fast=6; do # as the requests of the mode name it
		cost --prices modes.json --provider v --model m --service-tier "${tier%=*}" --input 1000000; expect 0 "\"total\": \"${tier#*=}\""
	done
	printf '%s' '[{"id":"v","price_factor":2,"models":[{"id":"m","prices":{"input_mtok":1}}]}]' >c.json; refused genai-prices above
	printf '%s' '{"m":{"litellm_provider":"v","input_cost_per_token":1e-6,"metadata":{"regional":{"cost_multiplier":2}}}}' >c.json; refused litellm within
}
@test "hours of OpenRouter and LiteLLM are windows, with sizes beside them, and what else bounds them is refused by name" {
	cat >or.json <<'J'
{"data": [{"id": "d/day", "pricing": {"prompt": "0.00000022", "completion": "0.00000066", "overrides": [
 {"utc_start": 1000, "utc_end": 100, "prompt": "0.00000022", "completion": "0.00000066"}, {"utc_start": 100, "utc_end": 400, "prompt": "0.00000044", "completion": "0.00000132"},
 {"utc_start": 400, "utc_end": 600, "prompt": "0.00000022", "completion": "0.00000066"}, {"utc_start": 600, "utc_end": 1000, "prompt": "0.00000044", "completion": "0.00000132"}]}},
 {"id": "d/both", "pricing": {"prompt": "0.000001", "completion": "0.000002", "overrides": [{"min_prompt_tokens": 200000, "prompt": "0.000002"},
 {"utc_start": 2230, "utc_end": 30, "prompt": "0.0000005", "completion": "0.000001"}, {"min_prompt_tokens": 200000, "utc_start": 2230, "utc_end": 30, "prompt": "0.0000015"}]}},
 {"id": "d/days", "pricing": {"prompt": "0.000001", "completion": "0.000002", "overrides": [{"utc_start": 100, "utc_end": 400, "utc_days": ["mon"], "prompt": "0.000002"}]}},
 {"id": "d/clock", "pricing": {"prompt": "0.000001", "completion": "0.000002", "overrides": [{"utc_start": 175, "utc_end": 400, "prompt": "0.000002"}]}},
 {"id": "d/none", "pricing": {"prompt": "0.000001", "completion": "0.000002", "overrides": [{"prompt": "0.000002"}]}}]}
J
	run "$TALLY" price import --from openrouter or.json --output card.json
	expect 0 '2 taken' "refused: d/days: 'utc_days'" 'refused: d/clock: an entry of "overrides" has conditions' 'refused: d/none: an entry of "overrides"'
	for t in 00:59=0.22 01:00=0.44 03:59=0.44 04:00=0.22 06:00=0.44 10:00=0.22 23:59=0.22; do
		cost --prices card.json --provider openrouter --model d/day --input 1000000 --at "2026-09-01T${t%=*}:00Z"
		expect 0 "\"total\": \"${t#*=}\""
	done
	for t in 22:29/1000=0.003 22:30/1000=0.0015 00:29/200000=0.301 00:30/200000=0.402 12:00/199999=0.201999; do
		at=${t%%/*} n=${t#*/}
		cost --prices card.json --provider openrouter --model d/both --input "${n%=*}" --output 1000 --at "2026-09-01T$at:00Z"
		expect 0 "\"total\": \"${t#*=}\""
	done
	cat >lit.json <<'J'
{"list": {"litellm_provider": "v", "input_cost_per_token": 2e-6, "output_cost_per_token": 2e-6, "off_peak_pricing": {"hours_utc": ["04:00-06:00", "10:00-01:00"], "input_cost_per_token": 1e-6}},
 "weekly": {"litellm_provider": "v", "input_cost_per_token": 2e-6, "output_cost_per_token": 2e-6, "off_peak_pricing": {"hours_utc": "04:00-06:00", "weekdays": [0, 1], "input_cost_per_token": 1e-6}},
 "worded": {"litellm_provider": "v", "input_cost_per_token": 2e-6, "output_cost_per_token": 2e-6, "off_peak_pricing": {"hours_utc": ["night"], "input_cost_per_token": 1e-6}}}
J
	run "$TALLY" price import --from litellm lit.json --output card.json
	expect 0 '1 taken' "refused: weekly: 'weekdays'" 'refused: worded: "off_peak_pricing" has no hours'
	for t in 03:59=2 04:00=1 06:00=2 10:00=1 00:59=1 01:00=2; do
		cost --prices card.json --provider v --model list --input 1000000 --at "2026-09-01T${t%=*}:00Z"
		expect 0 "\"total\": \"${t#*=}\""
	done
}
