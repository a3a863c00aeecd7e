#!/usr/bin/env bats
# How certain a price is: the grade of its date, what makes it doubtful, what hangs on a change whose day is not known.
load common

card() {
	cat >card.json <<'J'
{"schema": "tally.card/1", "provider": "maker",
 "disputes": [{"model": "m-one", "about": "price", "from": "2026-03-01", "to": "2026-04-01", "says": "another source has input 9"}],
 "prices": [
  {"model": "m-one", "currency": "USD", "from": "2026-01-01", "to": "2026-03-01", "rates": {"input": "4", "output": "8"}, "source": "a list", "sure": "seen", "grade": "first seen", "doubt": "only one list states it"},
  {"model": "m-one", "currency": "USD", "from": "2026-03-01", "rates": {"input": "3", "output": "6"}, "source": "a list", "sure": "seen", "grade": "bounded", "old_seen": "2026-02-10"}]}
J
}

@test "the grade of a date and a doubt are shown and are in JSON" {
	card
	run "$TALLY" price show m-one --prices card.json --at 2026-02-01 --json
	expect 0 '"grade": "first seen"' '"doubt": "only one list states it"'
	run "$TALLY" price show m-one --prices card.json --at 2026-03-15
	expect 0 'the price before was last seen on 2026-02-10, this one first on 2026-03-01' 'another source has input 9'
	run "$TALLY" price show m-one --prices card.json --at 2026-04-15
	[[ $output != *'another source'* ]] || fail "a dispute of another month is shown"
}
@test "between the last sight of the old price and the first of the new one the answer says what hangs on it" {
	card
	cost --prices card.json --model m-one --input 1000000 --at 2026-02-05
	expect 0 '"total": "4"' '"price_doubt": "only one list states it"'
	[[ $output != *total_if_changed* ]] || fail "nothing hangs on it then"
	cost --prices card.json --model m-one --input 1000000 --at 2026-02-15
	expect 0 '"total": "4"' '"total_if_changed": "3"' 'the price changed between 2026-02-10T00:00:00Z and 2026-03-01T00:00:00Z'
	run "$TALLY" cost --prices card.json --model m-one --input 1000000 --requests 10 --at 2026-02-15
	expect 0 'by the later one the total would be $30'
	sed -i 's/{"input": "3", "output": "6"}/{"input": "3", "output": "8"}/' card.json
	cost --prices card.json --model m-one --output 1000000 --at 2026-02-15
	expect 0 '"total": "8"'
	[[ $output != *'the price changed'* ]] || fail "what was used costs the same before and after"
}
@test "a bounded date without the last sight, and one after the first, are faults of the card" {
	card
	sed -i 's/, "old_seen": "2026-02-10"//' card.json
	run "$TALLY" price check card.json
	expect 1 'prices[1]: a bounded date, and no other, has "old_seen" before "from"'
	card
	sed -i 's/"2026-02-10"/"2026-03-02"/' card.json
	run "$TALLY" price check card.json
	expect 1 'prices[1]: a bounded date'
	card
	sed -i 's/"bounded"/"sure"/' card.json
	run "$TALLY" price check card.json
	expect 1 'prices[1].grade: must be "stated"'
}
@test "a fee by the size of the search is charged where the record names it, and the least of it where it does not" {
	cost --model sonar --input 1000 --output 1000 --at 2026-06-01
	expect 3 '"total": "0.007"' '"at_least": true' '"price_doubt": "every request pays a fee by what the record does not say (web_search_low'
	cost --model sonar --input 1000 --output 1000 --unit web_search_low=1 --at 2026-06-01
	expect 0 '"total": "0.007"' '"at_least": false'
	cost --model pplx-70b-online --output 1000 --at 2026-06-01
	expect 0 '"total": "0.0078"'
}
@test "Claude's batches since 2024-10-08, DeepSeek before V3" {
	cost --model claude-3-5-sonnet-20240620 --service-tier batch --input 1000000 --at 2024-11-01
	expect 0 '"total": "1.5"'
	cost --model claude-3-5-sonnet-20240620 --service-tier batch --input 1000000 --at 2024-09-01
	[ "$status" -ne 0 ] || fail "a batch before there were any"
	cost --model deepseek-chat --input 1000000 --at 2024-08-01
	expect 0 '"total": "0.14"' 'only litellm states it'
}
@test "a replay says what hangs on a change of price whose day is not known" {
	card
	printf '{"time":"2026-02-%s","model":"m-one","input":1000000,"output":0}\n' 01T00:00:00Z 15T00:00:00Z 20T00:00:00Z >t.jsonl
	printf '{"time":"2026-03-02T00:00:00Z","model":"m-one","input":1000000,"output":0}\n' >>t.jsonl
	run "$TALLY" replay t.jsonl --prices card.json --json
	expect 0 '"total": "15"'
	[[ $output == *'"price_dates": {'*'"records_that_hang_on_it": 2'*'"difference": "-2"'* ]] || fail "what hangs on the date"
	run "$TALLY" replay t.jsonl --prices card.json
	expect 0 '2 records fall between' '-2 in all'
	# whether the price states what no record counts makes no difference
	sed 's/"output": "[68]"/&, "cache_read": "1", "cache_write_5m": "1", "cache_write_1h": "1"/' card.json >whole.json
	run "$TALLY" replay t.jsonl --prices whole.json
	expect 0 '2 records fall between' '-2 in all'
}
@test "stored usage and the draft of an invoice say what hangs on such a change, too" {
	card
	export TALLY_DB="$DIR/t.db" TALLY_PRICES="$DIR/card.json"
	for t in 2026-02-01T00:00:00Z 2026-02-15T00:00:00Z 2026-02-20T00:00:00Z 2026-03-02T00:00:00Z; do
		printf '{"id":"%s","time":"%s","model":"m-one","customer":"acme","input":1000000,"output":0}\n' "$t" "$t"
	done >t.jsonl
	"$TALLY" ingest -q t.jsonl
	run "$TALLY" usage --json
	expect 0 '"total": "15"'
	[[ $output == *'"price_dates": {'*'"records_that_hang_on_it": 2'*'"difference": "-2"'* ]] || fail "what hangs on the date"
	run "$TALLY" usage --until 2026-02-17
	expect 0 '1 record lies between' '-1 in all'
	run "$TALLY" usage --since 2026-03-01
	case $output in *'lies between'*) fail "nothing hangs on it" ;; esac
	"$TALLY" void 2026-02-15T00:00:00Z -q
	run "$TALLY" usage --json
	[[ $output == *'"records_that_hang_on_it": 1'*'"difference": "-1"'* ]] || fail "a void hangs on nothing"
	"$TALLY" credit account acme --plan vm0 --since 2026-01-01 -q
	run "$TALLY" invoice draft acme --period 2026-02
	[[ $output == *'acme: of its usage, 1 record lies between'*'-1 in all'* ]] || fail "the draft says nothing"
}
@test "kinds of slips in catalogues are doubts, and what the vendor states itself is taken" {
	cost --model gemini-3.1-flash-image-preview --output 1000000 --at 2026-07-01
	expect 0 '"total": "3"' 'the catalogues have output 60'
	cost --model gpt-4o-audio-preview --tokens input_audio=1000000 --at 2025-06-10
	expect 0 '"total": "40"' 'the catalogues have input_audio 100'
	cost --model gpt-4o-audio-preview-2024-10-01 --tokens input_audio=1000000 --at 2025-06-10
	expect 0 '"total": "100"'
	cost --model claude-sonnet-4-0 --input 200001 --at 2025-10-01
	expect 0 '"total": "1.200006"'
	cost --model grok-4 --provider xai --input 128000 --at 2025-10-01
	expect 0 '"total": "0.768"'
	cost --model qwen-plus-2025-09-11 --input 256001 --at 2026-01-01
	expect 0 '"total": "0.3072012"' 'no other price above 256,000 tokens'
	cost --provider bedrock --model amazon.titan-embed-text-v2:0 --region us-gov-east-1 --input 1000 --at 2026-01-01
	expect 0 'it is 10 times the price elsewhere'
	cost --provider openrouter --model x-ai/grok-4 --input 1000 --at 2026-01-01
	expect 0 'cache_write_5m 15 is not between one and two times input 3'
	cost --provider vertex --model claude-opus-4-5-20251101 --input 1000 --at 2026-11-01
	expect 0 'anthropic itself asks input 5, output 25'
	cost --model gemini-flash-latest --provider google --input 1000 --at 2026-06-01
	expect 0 'the name moves to newer models'
	cost --model grok-3-latest --provider xai --input 1000 --at 2026-06-01
	expect 0 'grok-3, another name of it, has input 1.25'
}
@test "on the day of a change the answer says that its hour is not stated" {
	cost --model o3 --input 1000000 --at 2025-06-10T12:00:00Z
	expect 0 '"total": "2"' 'the day is stated, not the hour; before it input 10, cache_read 2.5, output 40'
	cost --model o3 --input 1000000 --at 2025-06-11T00:00:00Z
	[[ $output != *'not the hour'* ]] || fail "the day after is sure"
	cost --model claude-3-5-haiku-latest --input 1000000 --at 2024-12-10
	expect 0 '"total": "1"' 'on 2024-12-16; it may have begun before'
}
@test "names that agents and gateways make of a model are found, and a maker goes before who resells its model" {
	for t in gpt-5.1-codex-max-xhigh=gpt-5.1-codex-max gpt-5.4-high=gpt-5.4 openai:gpt-5.4=gpt-5.4 claude-opus-4.6-thinking=claude-opus-4-6 grok-4.1-fast=grok-4-1-fast \
		gemini-3.1-pro=gemini-3.1-pro-preview google/gemini-3-flash=gemini-3-flash-preview gemini-3-pro-high=gemini-3-pro-preview gemini-2-5-pro=gemini-2.5-pro \
		mistral-medium-3.5=mistral-medium-3-5 glm-4.6=glm-4.6 kimi-k2.5=kimi-k2.5 minimax-m2.5=MiniMax-M2.5 grok-4-fast=grok-4-fast claude-opus-4-6-fast=claude-opus-4-6; do
		cost --model "${t%=*}" --input 1 --at 2026-11-20
		expect 0 "\"model\": \"${t#*=}\""
	done
	cost --model glm-4.6 --provider alibaba --input 1000000 --at 2026-11-20
	expect 0 '"total": "0.431"'
	cost --model claude-sonnet-4-5@20250929 --provider google-vertex-anthropic --input 1 --at 2026-11-20
	expect 0 '"provider": "vertex"'
	cost --model gpt-5.4-odd --input 1
	expect 1 'is in no price card'
}

least='{"schema": "tally.card/1", "provider": "asker", "regions": [{"models": ["m-far"], "same": ["home"], "times": {"*": "1.1"}, "unsaid": "least"}], "prices": [
  {"model": "m-ask", "currency": "USD", "rates": {"input": "1", "output": "1"}, "source": "s", "sure": "s",
   "fees": {"web_search_low": {"amount": "5", "per": 1000}, "web_search_high": {"amount": "12", "per": 1000}, "request": {"amount": "5", "per": 1000, "unless": ["web_search_low", "web_search_high"]}}},
  {"model": "m-far", "currency": "USD", "rates": {"input": "1", "output": "1"}, "source": "s", "sure": "s"}]}'
@test "what a record leaves unsaid makes every sum that it is in a lower bound, and no other" {
	printf '%s' "$least" >card.json
	run "$TALLY" price check card.json; expect 0
	{
		printf '{"id":"a","time":"2026-06-15","model":"m-ask","input":1000,"output":0}\n'                                   # 0.001 + 0.005 at least
		printf '{"id":"b","time":"2026-06-15","model":"m-ask","input":1000,"output":0,"units":{"web_search_high":1}}\n'     # 0.001 + 0.012
		printf '{"id":"c","time":"2026-06-15","model":"m-ask","input":1000,"output":0,"requests":3,"units":{"web_search_low":3}}\n' # 0.001 + 0.015
		printf '{"id":"d","time":"2026-06-15","model":"m-far","input":1000000,"output":0}\n'                                # 1 at least
		printf '{"id":"e","time":"2026-06-15","model":"m-far","input":1000000,"output":0,"region":"away"}\n'                # 1.1
		printf '{"id":"f","time":"2026-06-15","model":"m-far","input":1000000,"output":0,"region":"home"}\n'                # 1
	} >t.jsonl
	printf '{"id":"g","time":"2026-06-15","model":"m-ask","input":1000,"output":0,"requests":3,"units":{"web_search_low":2}}\n' >part.jsonl
	run "$TALLY" replay t.jsonl --prices card.json --json; expect 3 '"total": "3.135"' '"unpriced": 0' '"placeholders": 2' '"unsaid": 2'
	run "$TALLY" replay t.jsonl --prices card.json --by model --csv
	expect 3 'm-ask,3,3000,0,0,0,0,0,USD,0.035,0,1' 'm-far,3,3000000,0,0,0,0,0,USD,3.1,0,1'
	run "$TALLY" replay t.jsonl --prices card.json; expect 3 '>= $3.135' '2 calls do not tell what the price depends on'
	run "$TALLY" ingest t.jsonl --prices card.json --db "$D"; expect 0
	for by in day month session model; do
		run "$TALLY" usage --db "$D" --by $by --json; expect 3 '"total": "3.135"' '"placeholders": 2' '"unsaid": 2'
	done
	run "$TALLY" status --db "$D"; expect 3 '>= $3.135' 'in part       2 records with no region or size of search'
	run "$TALLY" explain a --db "$D"; expect 0 '>= $0.006' 'every request pays a fee by what the record does not say'
	run "$TALLY" explain b --db "$D"; expect 0 '  $0.013 (exact'
	run "$TALLY" explain d --db "$D" --json; expect 0 '"at_least": "the record does not say in which region'
	run "$TALLY" whatif --db "$D" --prices card.json --scenario x=m-ask; expect 3 '>= $'
	run "$TALLY" whatif t.jsonl --prices card.json --scenario x=m-ask --json; expect 3 '"placeholders": 2'
	run "$TALLY" fsck --db "$D"; expect 0
	run "$TALLY" void a --db "$D" --why test; expect 0
	run "$TALLY" void d --db "$D" --why test; expect 0
	run "$TALLY" usage --db "$D" --json; expect 0 '"total": "2.129"' '"placeholders": 0'
	run "$TALLY" replay part.jsonl --prices card.json; expect 3 'the record tells it of 2 of 3'
	for bad in '"unless": ["naps"]' '"unless": []' '"unless": "web_search_low"'; do
		printf '%s' "${least/'"unless": ["web_search_low", "web_search_high"]'/$bad}" >bad.json
		run "$TALLY" price check bad.json; expect 1 'fees.request.unless'
	done
	printf '%s' "${least/'"unsaid": "least"'/'"unsaid": "most"'}" >bad.json
	run "$TALLY" price check bad.json; expect 1 "'unsaid' is \"least\" or \"open\""
}
@test "a price that a catalogue states of such a model keeps the rule, with the least of its own fees" {
	printf '{"perplexity/sonar": {"litellm_provider": "perplexity", "input_cost_per_token": 2e-6, "output_cost_per_token": 2e-6, "search_context_cost_per_query": {"search_context_size_low": 0.007, "search_context_size_medium": 0.009, "search_context_size_high": 0.011}}}' >c.json
	run "$TALLY" price import --from litellm c.json --output imported.json; expect 0
	cost --prices imported.json --model sonar --input 1000; expect 3 '"total": "0.009"' '"at_least": true'
	cost --prices imported.json --model sonar --input 1000 --unit web_search_high=1; expect 0 '"total": "0.013"' '"at_least": false'
	printf '{"perplexity":{"models":{"sonar":{"cost":{"input":2,"output":2}}}}}' >c.json
	run "$TALLY" price import --from models.dev c.json --output imported.json; expect 0
	cost --prices imported.json --model sonar --input 1000; expect 3 '"total": "0.002"' '"at_least": true' 'no source states how much'
}
@test "every report tells what a name costs that moves to newer models, by an alias too" {
	printf '{"id":"%s","time":"2026-07-02T00:00:00Z","model":"%s","input":1000000,"output":1000000}\n' 1 mistral-small-latest 2 magistral-small-latest 3 mistral-small-2603 4 mistral-small-latest >t.jsonl
	told='3 records of names that move to newer models (mistral-small-latest, magistral-small-latest)'
	run "$TALLY" replay t.jsonl # 2 x (0.1 + 0.3) + 0.5 + 1.5
	expect 0 "$told" '2.8 in all'
	run "$TALLY" replay t.jsonl --json
	expect 0 '"total": "3.55"' '"moving_names": {'
	python3 -c 'import json, sys; d = json.load(sys.stdin)["moving_names"]; sys.exit(d != {"records": 3, "cost": "2.8", "names": ["mistral-small-latest", "magistral-small-latest"], "more_names": False})' <<<"$output" || fail "$output"
	"$TALLY" ingest t.jsonl --db m.db -q
	run "$TALLY" usage --db m.db
	expect 0 '3 records of names that move to newer models' 'mistral-small-latest' 'magistral-small-latest' '2.8 in all'
	run "$TALLY" whatif t.jsonl -s recorded -s mistral-small-latest --resamples 0
	expect 0 'recorded: 2 calls of mistral-small-latest have the last price that is known of a name that moves' 'mistral-small-latest: 4 calls of mistral-small-latest have'
	cost --model mistral-small-latest --input 1 --at 2026-07-02
	expect 0 'the newest of its line here, mistral-small-2603, costs 0.15 and 0.6'
	cost --model magistral-small-latest --input 1 --at 2026-07-02
	expect 0 'the name moves to newer models and costs what they cost; no source dates a move after 2025-06-10'
	# neither a snapshot, nor a name that the price card of the user states, nor what is dated
	sed -i 1,2d t.jsonl
	sed -i 's/"2026-07-02/"2024-05-02/' t.jsonl
	run "$TALLY" replay t.jsonl
	[[ $output != *'names that move'* ]] || fail "$output"
	echo '{"schema": "tally.card/1", "provider": "mistral", "prices": [{"model": "mistral-small-latest", "currency": "USD", "from": "2024-01-01", "rates": {"input": "1", "output": "2"}, "source": "a contract", "sure": "yes"}]}' >own.json
	run "$TALLY" replay t.jsonl --prices own.json
	[[ $output != *'names that move'* ]] || fail "$output"
}
