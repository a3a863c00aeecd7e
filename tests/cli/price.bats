load common

@test "price list shows what holds at an instant, once" {
	run "$TALLY" price list v4-pro --at 2026-08-24T02:00:00Z --currency USD
	expect 0 'deepseek-v4-pro' 'peak' '1.32'
	[ "$(printf '%s\n' "$output" | grep -c 'deepseek-v4-pro')" -eq 1 ]
	run "$TALLY" price list --at 2026-08-24T02:00:00Z --json
	expect 0 '"schema": "tally.price-list/1"' '"model": "claude-sonnet-4-6"'
	run "$TALLY" price list nothing-like-this
	expect 1 'no price in force'
}
@test "price history keeps the withdrawn announcements apart" {
	run "$TALLY" price history deepseek-v4-pro --at 2026-06-15
	expect 0 'withdrawn, never used' 'promotion' 'list, now' 'dispute'
	[ "$(printf '%s\n' "$output" | grep -c 'withdrawn, never used')" -eq 3 ]
	run "$TALLY" price history deepseek-v4-pro --json
	expect 0 '"status": "withdrawn"'
}
@test "price show names the next change of the window" {
	run "$TALLY" price show deepseek-v4-pro --at 2026-08-24T02:00:00Z --currency USD
	expect 0 'peak holds now; next change at 2026-08-24T04:00:00Z'
	# a name that has become another one shows what it means now, beside the resellers that keep it
	run "$TALLY" price show deepseek-v4-flash --at 2026-11-15
	expect 0 'deepseek-flash     USD  off-peak' 'tokenhub' 'limit    context of 1,000,000 tokens (deepseek)'
	run "$TALLY" price show deepseek-chat --at 2026-10-01
	expect 1 'retired'
	run "$TALLY" price show nobody
	expect 1 'in no price card'
}
@test "price check names file and place of each fault" {
	cat >bad.json <<'J'
{"schema":"tally.card/1","provider":"p","surprise":1,"prices":[
 {"model":"m","currency":"USD","source":"s","sure":"s","rates":{"input":"1.0000000000001"}},
 {"model":"n","currency":"usd","source":"s","sure":"s","from":"2026-13-01","rates":{"input":"1"}}]}
J
	run "$TALLY" price check bad.json
	expect 1 'bad.json: unknown key "surprise"' 'bad.json: prices[0].rates.input' 'bad.json: prices[1].currency' 'bad.json: prices[1].from' '4 faults'
	run "$TALLY" price check bad.json --json
	expect 1 '"fault_count": 4'
	for card in "$ROOT"/pricing/cards/*.json; do
		run "$TALLY" price check "$card"
		expect 0 'no faults'
	done
	run "$TALLY" price check missing.json
	expect 1 'could not open'
}
@test "import LiteLLM: noise normalised, tiers kept, the rest refused by name" {
	cat >in.json <<'J'
{"sample_spec":{"litellm_provider":"x"},
 "gpt-4o":{"litellm_provider":"openai","input_cost_per_token":2.5e-06,"output_cost_per_token":1e-05,"cache_read_input_token_cost":1.25e-06,"input_cost_per_token_batches":1.25e-06,"output_cost_per_token_batches":5e-06},
 "acme/noisy":{"litellm_provider":"acme","input_cost_per_token":2.8000000000000003e-07,"output_cost_per_token":4.2e-07,"input_cost_per_token_above_200k_tokens":5.6e-07},
 "ranges":{"litellm_provider":"acme","tiered_pricing":[{"range":[0,256000],"input_cost_per_token":4e-07},{"range":[256000,1000000],"input_cost_per_token":1.2e-06}]},
 "fine":{"litellm_provider":"acme","input_cost_per_token":1.23456789012345e-13},
 "pixels":{"litellm_provider":"acme","input_cost_per_pixel":1e-9},
 "varies":{"litellm_provider":"acme","input_cost_per_token":-1},
 "orphan":{"input_cost_per_token":1e-6}}
J
	run "$TALLY" price import --from litellm in.json --output card.json --json
	expect 0 '"entries": 7' '"taken": 4' '"normalised": 1' '"rounded": 1' '"refused": 3' '"entry": "pixels", "result": "refused"' '"entry": "fine", "result": "rounded"'
	"$TALLY" price check card.json
	cost --prices card.json --model gpt-4o --provider openai --input 1000000 --cache-read 1000000
	expect 0 '"total": "3.75"'
	cost --prices card.json --model gpt-4o --provider openai --service-tier batch --output 1000000
	expect 0 '"total": "5"'
	cost --prices card.json --model noisy --input 200000
	expect 0 '"total": "0.056"'
	cost --prices card.json --model noisy --input 200001 --output 1000000
	expect 0 '"total": "0.53200056"'
	cost --prices card.json --model ranges --input 256000
	expect 0 '"total": "0.1024"'
	cost --prices card.json --model ranges --input 256001
	expect 0 '"total": "0.3072012"'
}
@test "import OpenRouter, models.dev and genai-prices" {
	cat >or.json <<'J'
{"data":[{"id":"anthropic/claude-x","canonical_slug":"anthropic/claude-x-2026","pricing":{"prompt":"0.000003","completion":"0.000015","request":"0.001","image":"0","web_search":"0","internal_reasoning":"0","input_cache_read":"0.0000003"}},
 {"id":"openrouter/auto","pricing":{"prompt":"-1","completion":"-1"}}]}
J
	run "$TALLY" price import --from openrouter or.json --output or.card.json
	expect 0 '2 entries: 1 taken (0 normalised, 0 rounded), 1 refused'
	cost --prices or.card.json --model anthropic/claude-x-2026 --input 1000 --output 100 --requests 2
	expect 0 '"total": "0.011"' '"asked": "anthropic/claude-x-2026"'
	cat >md.json <<'J'
{"acme":{"id":"acme","models":{"m":{"id":"m","cost":{"input":1.25,"output":10,"cache_read":0.125,"context_over_200k":{"input":2.5,"output":15}}},"free":{"id":"free"}}}}
J
	run "$TALLY" price import --from models.dev md.json --output md.card.json
	expect 0 '2 entries: 1 taken' '1 refused' 'acme/free: it states no cost'
	cost --prices md.card.json --model m --input 200001 --cache-read 0 --output 0
	expect 0 '"total": "0.5000025"'
	cat >gp.json <<'J'
[{"id":"acme","models":[
 {"id":"dated","match":{"or":[{"equals":"dated"},{"equals":"dated-1"}]},"prices":[{"prices":{"input_mtok":2,"output_mtok":8}},{"constraint":{"start_date":"2026-03-01"},"prices":{"input_mtok":1,"output_mtok":4}}]},
 {"id":"tiered","match":{"starts_with":"t"},"prices":{"input_mtok":{"base":1,"tiers":[{"start":200000,"price":2}]},"output_mtok":5,"requests_kcount":10}},
 {"id":"night","match":{"equals":"night"},"prices":[{"constraint":{"start_time":"00:30:00Z","end_time":"16:30:00Z"},"prices":{"input_mtok":4}},{"constraint":{"start_time":"16:30:00Z","end_time":"00:30:00Z"},"prices":{"input_mtok":1}}]}]}]
J
	run "$TALLY" price import --from genai-prices gp.json --output gp.card.json
	expect 0 '3 entries: 3 taken'
	cost --prices gp.card.json --model dated-1 --input 1000000 --at 2026-02-28
	expect 0 '"total": "2"'
	cost --prices gp.card.json --model dated --cache-read 1000000 --at 2026-03-01
	expect 0 '"total": "1"'
	cost --prices gp.card.json --model tiered --input 200001
	expect 0 '"total": "0.410002"'
	cost --prices gp.card.json --model night --input 1000000 --at 2026-03-01T00:15:00Z
	expect 0 '"total": "1"'
	cost --prices gp.card.json --model night --input 1000000 --at 2026-03-01T12:00:00Z
	expect 0 '"total": "4"'
	run "$TALLY" price import --from nothing gp.json --output x.json
	expect 2 'no such catalogue'
	run "$TALLY" price import --from openrouter gp.json --output x.json
	expect 1 'OpenRouter'
}
@test "credit plan lists the shipped plans" {
	run "$TALLY" credit plan
	expect 0 'vm0' 'vm0-tokens' 'new-api' 'vm0-dated'
	run "$TALLY" credit plan --json
	expect 0 '"plan": "vm0"'
}
@test "price sql refuses what it could not price" {
	run "$TALLY" price sql
	expect 2 '--dialect'
	run "$TALLY" price sql --dialect oracle
	expect 2 "'oracle' is not a choice"
	run "$TALLY" price sql --dialect duckdb --columns time,input
	expect 2 'columns time and model'
	run "$TALLY" price sql --dialect duckdb --columns time,model,tokens
	expect 2 "no field 'tokens'" '--map'
	run "$TALLY" price sql --dialect duckdb --columns time,model,input,prompt
	expect 2 'of prompt and input'
	run "$TALLY" price sql --dialect duckdb no-such-model
	expect 1 "'no-such-model' is in no price card"
	cat >two.json <<'J'
{"schema":"tally.card/1","provider":"p","prices":[
 {"model":"Twin","currency":"USD","from":"2026-01-01T00:00:00Z","source":"s","sure":"s","rates":{"input":"1"}},
 {"model":"twin","currency":"USD","from":"2026-01-01T00:00:00Z","source":"s","sure":"s","rates":{"input":"2"}}]}
J
	run "$TALLY" price sql --dialect duckdb --prices two.json
	expect 1 'differ only in case'
}
@test "price sql names tables and columns as it is told, and its view says how long it holds" {
	"$TALLY" price sql --dialect sqlite --table 'my "calls"' --columns time,model,output --map prompt=prompt_tokens --map model=name --time ms --until 2026-09-01 deepseek-v4-flash >x.sql
	sqlite3 x.db <x.sql
	sqlite3 x.db "INSERT INTO \"my \"\"calls\"\"\" VALUES(1787536800000,'deepseek-v4-flash',10,1000),(1787536800000,'DEEPSEEK/deepseek-v4-flash',10,1000),(1798761600000,'deepseek-v4-flash',10,1000),(NULL,'x',1,1)"
	run sqlite3 x.db 'SELECT tally_nano,tally_rest,tally_window,tally_reason FROM tally_priced'
	[ "${lines[0]}" = "${lines[1]}" ]
	expect 0 '453200|0|peak|' 'the table of prices ends before it' 'the time is missing'
}

@test "a catalogue's price that nobody understands refuses its entry, and none is made up" {
	cat >in.json <<'J'
{"known": {"litellm_provider": "v", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "max_tokens": 8, "supports_vision": true,
  "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_high": 0.01}, "output_cost_per_second": 0.5,
  "regional_processing_uplift_multiplier_us": 1.1, "provider_specific_entry": {"fast": 6.0},
  "input_cost_per_token_above_200k_tokens": 2e-6, "input_cost_per_token_priority": 3e-6, "input_cost_per_token_above_200k_tokens_priority": 4e-6,
  "off_peak_pricing": {"hours_utc": "16:30-00:30", "output_cost_per_token": 1e-6}},
 "new": {"litellm_provider": "v", "input_cost_per_token": 1e-6, "input_cost_per_token_on_mondays": 9e-6},
 "factor": {"litellm_provider": "v", "input_cost_per_token": 1e-6, "weekend_multiplier": 2},
 "nested": {"litellm_provider": "v", "input_cost_per_token": 1e-6, "provider_specific_entry": {"slow": 0.5}}}
J
	run "$TALLY" price import --from litellm in.json --output card.json
	expect 0 '1 taken' '3 refused' "'input_cost_per_token_on_mondays' speaks of a price" "'weekend_multiplier'" "'slow'" "left_out: known: 'output_cost_per_second'"
	for t in '--input 1000000 --at 2026-06-01T12:00:00Z=2' '--input 1000000 --at 2026-06-01T20:00:00Z=2' '--input 100000=0.1' '--input 100000 --service-tier priority=0.3' '--input 1000000 --service-tier priority=4' \
		'--input 100000 --region us=0.11' '--input 100000 --service-tier fast=0.6' '--output 100000 --at 2026-06-01T20:00:00Z=0.1' \
		'--output 100000 --at 2026-06-01T12:00:00Z=0.2'; do
		run "$TALLY" cost --prices card.json --provider v --model known ${t%=*} --json
		expect 0 "\"total\": \"${t#*=}\""
	done
	for m in new factor nested; do run "$TALLY" cost --prices card.json --provider v --model $m --input 1; [ "$status" -ne 0 ]; done

	printf '{"v":{"models":{"m":{"cost":{"input":4,"tiers":[{"input":8,"tier":{"type":"context","size":272000}}],"context_over_200k":{"input":8}},"experimental":{"modes":{"fast":{"cost":{"input":24}}}}},"odd":{"cost":{"input":1,"tiers":[{"input":8,"tier":{"type":"weekday"}}]}},"new":{"cost":{"input":1,"per_smile":2}}}}}' >md.json
	run "$TALLY" price import --from models.dev md.json --output md.card.json
	expect 0 '1 taken' '2 refused'
	for t in '--input 250000=1' '--input 300000=2.4' '--input 100000 --service-tier fast=2.4'; do
		run "$TALLY" cost --prices md.card.json --provider v --model m ${t%=*} --json
		expect 0 "\"total\": \"${t#*=}\""
	done

	printf '[{"id":"v","models":[{"id":"m","prices":{"input_mtok":3,"cache_write_mtok":3.75}},{"id":"h","prices":{"input_mtok":3,"cache_write_1h_mtok":6,"web_searches_kcount":10}},{"id":"n","prices":{"input_mtok":3,"naps_mtok":1}}]}]' >gp.json
	run "$TALLY" price import --from genai-prices gp.json --output gp.card.json
	expect 0 '2 taken' '1 refused' "'naps_mtok'"
	run "$TALLY" cost --prices gp.card.json --provider v --model m --cache-write-1h 1000000
	[ "$status" -ne 0 ]
	run "$TALLY" cost --prices gp.card.json --provider v --model h --cache-write-1h 1000000 --json
	expect 0 '"total": "6"'
}
@test "the commands of a group are listed, and a source is told once for the tiers and regions of a price" {
	run "$TALLY" price --help
	expect 0 'price update' 'price install' 'install newer prices'
	run "$TALLY" credit -h
	expect 0 'credit top-up'
	run "$TALLY" price show gpt-5.4-mini --provider openai --at 2026-06-01
	expect 0 'source   openai 2026-03-17'
	[ "$(grep -c '^source' <<<"$output")" = 1 ] || fail "$output"
}
@test "price show has a row for every size of prompt, tells what the table has no column for, and only of the vendors shown" {
	cat >card.json <<'J'
{"schema": "tally.card/1", "aliases": [{"provider": "one", "alias": "m-latest", "model": "m"}, {"provider": "two", "alias": "m-two", "model": "m"}],
 "prices": [{"provider": "one", "model": "m", "currency": "USD", "from": "2026-01-01", "rates": {"input": "1", "output": "2", "input_audio": "7"}, "source": "s one", "sure": "s",
  "context": [{"above": 200000, "rates": {"input": "3", "output": "4"}}, {"above": 500000, "inclusive": true, "rates": {"input": "5", "output": "6"}}], "fees": {"web_search": {"amount": "10", "per": 1000}, "request": {"amount": "0.1", "per": 1}}},
 {"provider": "one", "model": "m", "currency": "USD", "from": "2026-01-01", "service_tier": "batch", "rates": {"input": "0.5", "output": "1", "input_audio": "7"}, "source": "s one", "sure": "s", "fees": {"web_search": {"amount": "10", "per": 1000}, "request": {"amount": "0.1", "per": 1}}},
 {"provider": "two", "model": "m", "currency": "USD", "from": "2026-01-01", "rates": {"input": "9", "output": "9", "input_video": "8"}, "source": "s two", "sure": "s", "doubt": "who knows"}]}
J
	run "$TALLY" price show m --prices card.json --provider one
	expect 0 'above 200,000' 'from 500,000' 'one: input_audio 7, web_search 10 per 1,000, request 0.1 each' 'm-latest (one)' 'one 2026-01-01 USD: s one'
	for t in 'm-two' 'two' 'input_video' 'one batch:'; do [[ $output != *"$t"* ]] || fail "$t is of others, or told twice"; done
	[ "$(grep -c 'besides' <<<"$output")" = 1 ]
	run "$TALLY" price show m --prices card.json
	expect 0 'm-two (two)' 'two: input_video 8' 'two 2026-01-01: who knows'
}
@test "a service tier that is not there names all that hold then, the nearest spelling first" {
	tier() { printf '{"model": "m", "currency": "USD", "from": "%s", "service_tier": "%s", "rates": {"input": "1", "output": "2"}, "source": "s", "sure": "s"}' "$1" "$2"; }
	echo "{\"schema\": \"tally.card/1\", \"provider\": \"maker\", \"prices\": [$(tier 2026-01-01 priority), $(tier 2026-01-01 batch), $(tier 2026-01-01 flex), $(tier 2026-01-01 standard), $(tier 2027-01-01 late)]}" >card.json
	cost --prices card.json --model m --input 1 --service-tier flex-tier --at 2026-06-01
	expect 1 "maker/m has no price for service tier 'flex-tier' (only 'flex', "
	[[ $output == *"'batch'"*"'"* && $output == *"'standard'"* && $output == *"'priority'"* && $output != *late* ]] || fail "$output"
	cost --prices card.json --model m --input 1 --service-tier prority --at 2026-06-01
	expect 1 "(only 'priority', "
	cost --prices card.json --model m --input 1 --service-tier bach --at 2027-06-01
	expect 1 "(only 'batch', 'late', 'flex', "
}
