#!/usr/bin/env bats
# What a call states and no card prices, and columns that may be billed: named, never priced as if they were not there.
load common

cost() { run "$TALLY" cost -m "$1" --input 1000000 --region "$2" "${@:3}"; }

@test "a region that no card knows has no price; one that costs the same has the price without a region" {
	# and those that have one are named
	while read -r model region others; do
		cost "$model" "$region"
		[ "$status" != 0 ] || fail "$model: $output"
		[[ $output == *"no price for region '$region'; it has one for $others"* ]] || fail "$model: $output"
	done <<-'EOF'
		claude-sonnet-4-6 mars 'global', 'not_available', 'us'
		gpt-5.4 mars 'ae', 'au', 'eu', 'global', 'in', 'jp', 'us'
		vertex/gemini-2.5-pro us-central1 'global'
		azure/gpt-4-0613 sa 'eu', 'global', 'us'
	EOF
	for x in "deepseek-v4-flash mars" "gpt-4o jp" "claude-sonnet-4-6 global" "claude-3-opus-20240229 us" "gemini-2.5-pro eu" \
		"bedrock/anthropic.claude-3-haiku-20240307-v1:0 us" "mistral-large-2512 eu" "vertex/claude-3-5-haiku us-east5"; do
		set -- $x
		cost "$1" "$2"
		expect 0
	done
	# the prefixes of Bedrock and Azure
	run "$TALLY" cost -m bedrock/eu-west-3/minimax.minimax-m2.1 --input 1000000
	[[ $status != 0 && $output == *"region 'eu-west-3'"* && $output == *"and 6 more ("* ]] || fail "$output"
	run "$TALLY" cost -m us.anthropic.claude-opus-4-7 --input 1000000 --json
	expect 0 '"total": "5.5"'
	run "$TALLY" cost -m azure/global/gpt-4o-2024-11-20 --input 1000000 --json
	expect 0 '"total": "2.5"'
}

@test "regional endpoints cost what their vendor adds, whether the name of the model or a field tells the region" {
	# MODEL REGION a million tokens of input, at most 200,000 in a call; - : the name tells it
	while read -r model region price; do
		[ "$region" = - ] && where= || where="--region $region"
		run "$TALLY" cost -m "$model" $where --input 100000 --at 2026-11-01 --json
		expect 0 "\"total\": \"$price\"" || return 1
	done <<-'EOF'
		vertex/claude-sonnet-4-5 global 0.3
		vertex/claude-sonnet-4-5 us-east5 0.33
		vertex/claude-sonnet-4-5@20250929 europe-west1 0.33
		projects/p/locations/europe-west1/publishers/anthropic/models/claude-opus-4-8 - 0.55
		projects/p/locations/global/publishers/anthropic/models/claude-opus-4-8 - 0.5
		vertex/claude-opus-4-1 us-east5 1.5
		vertex/claude-sonnet-4 eu 0.3
		anthropic.claude-opus-5 us-east-1 0.55
		us.anthropic.claude-opus-5 - 0.55
		us.anthropic.claude-opus-5 us-west-2 0.55
		global.anthropic.claude-opus-5 us-east-1 0.5
		bedrock/ap-southeast-2/anthropic.claude-opus-5 - 0.55
		us-gov.anthropic.claude-haiku-4-5-20251001-v1:0 - 0.12
		bedrock/us-gov-west-1/anthropic.claude-3-haiku-20240307-v1:0 - 0.03
		eu.anthropic.claude-3-haiku-20240307-v1:0 - 0.025
		bedrock/eu-west-3/anthropic.claude-v2 - 0.8
		bedrock/sa-east-1/meta.llama3-70b-instruct-v1:0 - 0.265
		azure/us/gpt-4o - 0.275
		azure/eu/gpt-5.6-sol - 0.44
		azure/gpt-4.1 eu 0.22
		us/claude-sonnet-5-5 - 0.22
		claude-fable-5-1 us 1.1
		claude-opus-4-5 us 0.5
		gpt-6-sol eu 0.22
		us/gpt-5.4 - 0.275
		gpt-6.1-terra us 0.11
		gpt-5 eu 0.125
	EOF
	# a rule multiplies every token price and no fee: 100,000 x 5 x 1.1 + 100,000 x 25 x 1.1, and 10 per 1,000 searches
	run "$TALLY" cost -m claude-opus-4-8 --region us --input 100000 --output 100000 --unit web_search=100 --at 2026-11-01 --json
	expect 0 '"total": "4.3"' '"region_factor": "1.1"' '"region_source": "platform.claude.com'
	run "$TALLY" cost -m azure/us/gpt-4o --input 100000
	expect 0 'region   1.1 times the price without one' 'no source states its price in a data zone'
	run "$TALLY" price show vertex/claude-opus-4-8
	expect 0 'flat other regions'
}

@test "what a card says of regions: nothing, some, all but those with prices of their own" {
	card() { # RULES
		cat >card.json <<EOF
{"schema":"tally.card/1","provider":"acme","regions":$1,"prices":[
 {"model":"m","currency":"USD","source":"s","sure":"s","rates":{"input":"1"}},
 {"model":"n","currency":"USD","source":"s","sure":"s","rates":{"input":"1"}},
 {"model":"n","currency":"USD","region":"eu","source":"s","sure":"s","rates":{"input":"2"}}]}
EOF
	}
	ways() { # MODEL REGION PRICE
		printf 'time,model,region,input\n2026-06-01T00:00:00Z,%s,%s,1000000\n' "$1" "$2" >t.csv
		run "$TALLY" replay t.csv --prices card.json --json -q
		[ "$3" = none ] && expect 3 '"total": "0"' "region '$2'" || expect 0 "\"total\": \"$3\""
		rm -rf m.db*
		"$TALLY" ingest t.csv --db m.db --prices card.json -q || true
		run "$TALLY" usage --db m.db --json
		[ "$3" = none ] && expect 3 '"unpriced": 1' || expect 0 "\"total\": \"$3\""
	}
	card '[]'
	ways m eu none
	ways n eu 2
	ways n us none
	ways n '' 1
	card '[{"same":["*"]}]'
	ways m eu 1
	ways n eu 2
	ways n us none
	card '[{"same":["*"]},{"models":["n*"],"same":["us"]},{"models":["m"],"same":["eu"]}]'
	ways m eu 1
	ways m us none
	ways n us 1
	ways n jp none
	# a card of one's own inherits what is known of the vendor, and does not hide a price of a region
	cat >own.json <<EOF
{"schema":"tally.card/1","provider":"openai","prices":[
 {"model":"gpt-4o","currency":"USD","source":"s","sure":"s","rates":{"input":"1"}},
 {"model":"gpt-5.4","currency":"USD","source":"s","sure":"s","rates":{"input":"1"}}]}
EOF
	cost gpt-4o jp --prices own.json --json
	expect 0 '"total": "1"'
	cost gpt-5.4 us --prices own.json
	[[ $status != 0 && $output == *"region 'us'"* ]] || fail "$output"
	# factors: of a region by its name, of every other; what the card states goes before, and what is the same is
	card '[{"same":["global"],"times":{"us":"1.5","eu":"3","*":"1.1"}}]'
	ways m us 1.5
	ways m jp 1.1
	ways m global 1
	ways m '' 1
	ways n eu 2
	ways n us 1.5
	card '[{"times":{"us":"1.5"}}]'
	ways m us 1.5
	ways m jp none
	for bad in '[{"times":{"us":"0"}}]' '[{"times":{"us":1.1}}]' '[{"times":["us"]}]' '[{"times":{"us":"1.0000000000001"}}]' \
		'[{"same":"eu"}]' '[{"models":["m"]}]' '[{"same":[1]}]' '{"same":["eu"]}' '[{"same":["eu"],"region":"x"}]'; do
		card "$bad"
		run "$TALLY" price check card.json
		[ "$status" != 0 ] || fail "accepted: $bad"
	done
}

@test "a column of a trace that speaks of money and has no known meaning leaves its rows without a price" {
	cat >t.csv <<-EOF
		id,time,model,input,output,video_tokens,note
		a,2026-06-01T00:00:00Z,gpt-4o,1000000,0,5,x
		b,2026-06-01T00:00:00Z,gpt-4o,1000000,0,0,x
		c,2026-06-01T00:00:00Z,gpt-4o,1000000,0,,x
		d,2026-06-01T00:00:00Z,gpt-4o,1000000,0,0.0,x
	EOF
	cat >t.jsonl <<-EOF
		{"id":"a","time":"2026-06-01T00:00:00Z","model":"gpt-4o","input":1000000,"video_tokens":5,"note":"x"}
		{"id":"b","time":"2026-06-01T00:00:00Z","model":"gpt-4o","input":1000000,"video_tokens":0,"note":"x"}
		{"id":"c","time":"2026-06-01T00:00:00Z","model":"gpt-4o","input":1000000,"video_tokens":null,"note":"x"}
		{"id":"d","time":"2026-06-01T00:00:00Z","model":"gpt-4o","input":1000000,"video_tokens":"0.0","note":"x"}
	EOF
	tr , ';' <t.csv >s.csv
	for f in t.csv t.jsonl s.csv; do
		for how in "" --reference "--threads 3"; do
			run "$TALLY" replay $f $how --json
			expect 3 '"records": 4' '"unpriced": 1' "the column 'video_tokens'" '"total": "7.5"'
		done
		run "$TALLY" whatif $f -s gpt-4o --resamples 0
		expect 3 "video_tokens"
		rm -rf m.db*
		run "$TALLY" ingest $f --db m.db
		expect 3 "4 accepted"
		run "$TALLY" usage --db m.db --json
		expect 3 '"unpriced": 1' '"total": "7.5"'
		run "$TALLY" explain a --db m.db
		expect 0 "the column 'video_tokens'"
		# what someone says of it: it is a count, or it costs nothing
		run "$TALLY" replay $f --map none=video_tokens --json
		expect 0 '"unpriced": 0' '"total": "10"'
		run "$TALLY" replay $f --map cache_read=video_tokens --json
		[[ $f == *jsonl ]] || expect 0 '"unpriced": 0' '"quarantined": 0' '"total": "10.00000625"' # 0.0 is none
	done
}

@test "columns that are known to cost nothing of their own, and members inside other members" {
	printf 'id,time,model,input,request_id,total_tokens,cost_usd,max_tokens\na,2026-06-01T00:00:00Z,gpt-4o,1000000,r1,1000000,9,4096\n' >t.csv
	run "$TALLY" replay t.csv --json
	expect 0 '"unpriced": 0' '"total": "2.5"'
	for extra in '"detail":{"audio_tokens":7}' '"service":[{"tier_name":"x","search_tokens":1}]' '"iterations":[{"n":1}]' '"batch":true' '"inference_geo":"us"'; do
		echo "{\"id\":\"a\",\"time\":\"2026-06-01T00:00:00Z\",\"model\":\"gpt-4o\",\"input\":1000000,$extra}" >t.jsonl
		run "$TALLY" replay t.jsonl --json
		expect 3 '"unpriced": 1' "and it may be billed"
		rm -rf m.db*
		run "$TALLY" ingest t.jsonl --db m.db
		expect 3
	done
	for extra in '"detail":{"max_tokens":7}' '"detail":{"prompt":"how many tokens"}' '"batch":false' '"iterations":[]' '"ids":[1,2,3]'; do
		echo "{\"id\":\"a\",\"time\":\"2026-06-01T00:00:00Z\",\"model\":\"gpt-4o\",\"input\":1000000,$extra}" >t.jsonl
		run "$TALLY" replay t.jsonl --json
		expect 0 '"unpriced": 0'
	done
}
@test "a delta of a stream that never began is named when it may bill" {
	printf 'event: message_delta\ndata: {"type":"message_delta","request_usage":{"output_tokens":32}}\n\n' >lone.sse
	run "$TALLY" replay lone.sse
	expect 3 "lone.sse:2: the member 'request_usage.output_tokens' counts tokens"
}
@test "an attribute of usage that holds no plain value is named" {
	for value in '{"intValue":["7"]}' '{"arrayValue":{"values":[{"intValue":"7"}]}}' '[{"intValue":"7"}]' '{"kvlistValue":{"values":[{"key":"n","value":{"intValue":"7"}}]}}'; do
		for kind in span log; do
			attributes='{"key":"gen_ai.request.model","value":{"stringValue":"gpt-5"}},{"key":"gen_ai.usage.input_tokens","value":'"$value"'},{"key":"gen_ai.usage.output_tokens","value":{"intValue":"9"}},{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}}'
			case $kind in
			span) printf '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"chat","startTimeUnixNano":"1772323200000000000","endTimeUnixNano":"1772323201000000000","attributes":[%s]}]}]}]}\n' "$attributes" ;;
			log) printf '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1772323200000000000","body":{"stringValue":"claude_code.api_request"},"attributes":[{"key":"event.name","value":{"stringValue":"api_request"}},{"key":"model","value":{"stringValue":"claude-sonnet-4-6"}},{"key":"session.id","value":{"stringValue":"s"}},{"key":"output_tokens","value":{"intValue":"9"}},{"key":"input_tokens","value":%s}]}]}]}]}\n' "$value" ;;
			esac >otlp.json
			run "$TALLY" replay otlp.json
			[ "$status" -ne 0 ] || fail "$kind $value: $output"
		done
	done
}
@test "a count that is missing, and lines of another agent under a header much like Claude Code's" {
	printf '%s\n' '{"result":[{"id":"a","model":"gpt-4o","success":true,"cached":false,"created_at":"2026-06-15T10:00:00Z","tokens_in":10,"n":4}]}' >rows.json
	run "$TALLY" replay rows.json
	expect 3 "a count is missing"
	printf '%s\n' '{"sessionId":"s","startTime":"2026-06-15T10:00:00Z","kind":"main"}' \
		'{"id":"k","timestamp":"2026-06-15T10:00:00Z","type":"gemini","model":"gemini-2.5-flash","tokens":{"input":100,"output":20,"cached":0,"thoughts":0,"tool":0,"total":120}}' >chat.jsonl
	run "$TALLY" replay chat.jsonl --json
	expect 0 '"total": "0.00008"'
}
@test "lines that may be results of a batch, and metrics of another name" {
	body='{"id":"c","object":"chat.completion","created":1781517600,"model":"gpt-5.4","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}'
	try() { # LINE STATUS WORDS
		printf '%s\n' "$1" >line.jsonl
		run "$TALLY" replay line.jsonl --json
		expect "$2" "$3"
	}
	try '{"custom_id":"r","response":{"status_code":200,"request_id":"q","body":'"$body"'},"error":null}' 0 '"total": "0.002"'
	try '{"name":"r","response":{"status_code":200,"request_id":"q","body":'"$body"'},"error":null}' 3 'may be the result of a batch'
	try '{"name":"r","response":{"status_code":200,"body":'"$body"'}}' 0 '"total": "0.004"'
	try '{"custom_id":"r","response":null,"error":null}' 3 'neither an answer nor why'
	try '{"custom_id":"r","response":null,"error":{"code":"batch_expired"}}' 0 '"records": 0'
	try '{"custom_id":"r","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-5.4","messages":[]}}' 3 '"records": 0'
	try '{"custom_id":"r","result":{"type":"expired"}}' 0 '"records": 0'
	point='{"startTimeUnixNano":"1781517540000000000","timeUnixNano":"1781517600000000000","asInt":"100","attributes":[{"key":"type","value":{"stringValue":"input"}},{"key":"model","value":{"stringValue":"gpt-4o"}}]}'
	metric() { echo '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"'"$1"'","sum":{"aggregationTemporality":1,"dataPoints":['"$point"']}}]}]}]}'; }
	try "$(metric claude_code.token.usage)" 0 '"total": "0.00025"'
	try "$(metric acme.words)" 3 "the metric 'acme.words' counts tokens"
	try "$(metric x | sed 's/"metrics":\[/"metrics":{"all":[/; s/\]}\]}\]}$/]}}]}]}/')" 3 'not part of OTLP'
}

# told NAME LINE...: these lines are not read in silence
told() {
	local name=$1
	shift
	printf '%s\n' "$@" >told.jsonl
	jq -c . told.jsonl >/dev/null || fail "$name"
	run "$TALLY" replay told.jsonl --at 2026-06-15 --model gpt-5 --json -q
	[ "$status" = 3 ] || fail "$name"
}

@test "an event whose kind is gone or unknown is no answer of its own beside the others of its log" {
	local start='{"type":"thread.started","thread_id":"t"}' end='{"type":"turn.completed","usage":{"input_tokens":1000,"cached_input_tokens":0,"output_tokens":100}}'
	printf '%s\n' "$start" "$end" >whole.jsonl
	run "$TALLY" replay whole.jsonl --at 2026-06-15 --model gpt-5 --json; expect 0 '"total": "0.00225"'
	for kind in '' '"type":null,' '"type":"turn.finished",'; do
		told "$kind" "$start" "$end" "${end/\"type\":\"turn.completed\",/$kind}"
		told "$kind" "$start" "${end/\"type\":\"turn.completed\",/$kind}"
	done
	# an answer with an id of its own is a call, wherever it is
	printf '%s\n' "$start" "$end" '{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-5","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":10}}' >mixed.jsonl
	run "$TALLY" replay mixed.jsonl --at 2026-06-15 --model gpt-5 --json -q; expect 0 '"records": 2,'
}

@test "a usage that lacks the prompt, the answer or all of it is told, and no zero" {
	local turn='{"type":"turn.completed","usage":{"input_tokens":1000,"cached_input_tokens":0,"output_tokens":100}}'
	told prompt '{"type":"thread.started","thread_id":"t"}' "${turn/\"input_tokens\":1000,/}"
	told answer '{"type":"thread.started","thread_id":"t"}' "${turn/,\"output_tokens\":100/}"
	# pi says the total as well, from which the prompt follows
	local pi='{"type":"message","id":"a","timestamp":"2026-06-15T10:00:01Z","message":{"role":"assistant","responseId":"r1","model":"claude-sonnet-4-6","timestamp":1781517600000,"usage":{"input":4,"output":72,"cacheRead":100,"cacheWrite":0,"totalTokens":176}}}'
	printf '%s\n' "${pi/\"input\":4,/}" >pi.jsonl
	run "$TALLY" replay pi.jsonl --json -q; expect 0 '"input": 4,' '"cache_read": 100,'
	told usage "${pi/,\"usage\":*/\}\}}"
	local copilot='{"type":"session.usage_record","data":{"usage":{"apiCallId":"c1","model":"gpt-5","inputTokens":100,"outputTokens":10}}}'
	told answer "${copilot/,\"outputTokens\":10/}"
	told usage '{"type":"session.usage_record","data":{}}'
	local kimi='{"type":"context.append_loop_event","time":1781517600000,"event":{"type":"step.end","messageId":"k1","usage":{"inputOther":4,"output":72,"inputCacheRead":100,"inputCacheCreation":0}}}'
	told cache "${kimi/\"inputCacheRead\":100,/}"
	told answer "${kimi/\"output\":72,/}"
	# what all models used, and one of them is not there
	local result='{"type":"result","session_id":"s","uuid":"r","num_turns":1,"usage":{"input_tokens":20,"output_tokens":50},"modelUsage":{"claude-sonnet-4-6":{"inputTokens":20,"outputTokens":50,"cacheReadInputTokens":7,"cacheCreationInputTokens":0},"claude-haiku-4-5":{"inputTokens":2,"outputTokens":5,"cacheReadInputTokens":0,"cacheCreationInputTokens":0}}}'
	printf '%s\n' "$result" >result.json
	run "$TALLY" replay result.json --at 2026-06-15 --json -q; expect 0 '"cache_read": 7,'
	told model "$(jq -c 'del(.modelUsage["claude-sonnet-4-6"])' result.json)"
	# streams: the count of message_start is a placeholder until another comes, and an end has counts
	told stream '{"type":"message_start","message":{"id":"m1","model":"claude-sonnet-4-6","usage":{"input_tokens":10,"output_tokens":1}}}' '{"type":"message_delta","delta":{},"usage":{"input_tokens":10}}' '{"type":"message_stop"}'
	for kind in response.done response.completed; do told "$kind" '{"type":"'$kind'","response":{"id":"resp_1","status":"completed","model":"gpt-5"}}'; done
	# Codex before it told each call: the first total is its call's, and none may lack
	count() { echo '{"timestamp":"2026-06-15T10:00:0'"$1"'Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":'"$2"',"cached_input_tokens":'"$3"',"output_tokens":'"$4"',"reasoning_output_tokens":0,"total_tokens":'$(($2 + $4))'},"last_token_usage":{"input_tokens":'"$5"',"cached_input_tokens":'"$6"',"output_tokens":'"$7"',"reasoning_output_tokens":0,"total_tokens":'$(($5 + $7))'}}}}'; }
	local meta='{"timestamp":"2026-06-15T10:00:00Z","type":"session_meta","payload":{"id":"th","cwd":"/p"}}'
	printf '%s\n' "$meta" "$(count 1 100 40 10 100 40 10)" "$(count 2 300 140 30 200 100 20)" >rollout.jsonl
	run "$TALLY" replay rollout.jsonl --model gpt-5 --json -q; expect 0 '"records": 2,' '"input": 160,'
	told first "$meta" "$(count 1 100 40 10 100 0 10)"
	for n in 2 3; do told "total $n" "$(jq -c 'if input_line_number == '$n' then del(.payload.info.total_token_usage) else . end' rollout.jsonl)"; done
}

@test "an answer without its usage, a line without its payload, an attribute that is no value, a span without an answer" {
	local one='{"type":"assistant","sessionId":"s","cwd":"/p","uuid":"u1","timestamp":"2026-06-15T10:00:00Z","requestId":"r1","message":{"id":"m1","type":"message","role":"assistant","model":"claude-sonnet-4-6","stop_reason":"end_turn","content":[],"usage":{"input_tokens":3,"cache_creation_input_tokens":30,"cache_read_input_tokens":5,"output_tokens":9}}}'
	printf '%s\n' "$one" >claude.jsonl
	run "$TALLY" replay claude.jsonl --json -q; expect 0 '"cache_read": 5,'
	for change in 'del(.message)' '.message = 7' '.message = null' '.message |= del(.usage)' '.message.usage = null' '.message.usage |= del(.output_tokens)'; do
		told "$change" "$one" "$(jq -c "$change"' | .uuid = "u2"' <<<"$one")"
	done
	local meta='{"timestamp":"2026-06-15T10:00:00Z","type":"session_meta","payload":{"id":"th","cwd":"/p"}}' count='{"timestamp":"2026-06-15T10:00:01Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":100,"cached_input_tokens":40,"output_tokens":10,"reasoning_output_tokens":0,"total_tokens":110}},"rate_limits":null}}'
	printf '%s\n' "$meta" "$count" "$(jq -c '.payload.info = null' <<<"$count")" >rollout.jsonl
	run "$TALLY" replay rollout.jsonl --model gpt-5 --json -q; expect 0 '"cache_read": 40,'
	for change in 'del(.payload)' '.payload = 7' '.payload = true' '.payload.info = 7' '.payload.info.total_token_usage |= del(.cached_input_tokens)'; do
		told "$change" "$meta" "$(jq -c "$change" <<<"$count")"
	done
	span() { # ATTRIBUTES
		echo '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"chat","startTimeUnixNano":"1781517600000000000","endTimeUnixNano":"1781517601000000000","attributes":['"$1"']}]}]}]}'
	}
	local model='{"key":"gen_ai.request.model","value":{"stringValue":"gpt-5"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"90"}}' said=',{"key":"gen_ai.usage.output_tokens","value":{"intValue":9}}'
	span "$model$said"',{"key":"gen_ai.usage.cache_read.input_tokens","value":{}}' >span.json
	run "$TALLY" replay span.json --json -q; expect 0 '"input": 90,' '"output": 9,'
	told answer "$(span "$model")"
	told empty "$(span "$model"',{"key":"gen_ai.usage.output_tokens","value":{}}')"
	for value in 7 true '"7"' '[7]' '{"intValue":true}' '{"intValue":[7]}' '{"stringValue":7}' '{"countValue":7}' '{},"intValue":7'; do
		told "$value" "$(span "$model$said"',{"key":"gen_ai.usage.cache_read.input_tokens","value":'"$value}")"
	done
	span "${model/gpt-5/text-embedding-3-small}"',{"key":"gen_ai.operation.name","value":{"stringValue":"embeddings"}}' >embedding.json
	run "$TALLY" replay embedding.json --json -q; expect 0 '"input": 90,'
}

@test "what a program writes together is told where one of it is missing" {
	local chat='{"id":"c1","object":"chat.completion","created":1781517600,"model":"gpt-5","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110,"prompt_tokens_details":{"cached_tokens":40,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}'
	local response='{"id":"r1","object":"response","created_at":1781517600,"model":"gpt-5","usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":40},"output_tokens":10,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":110}}'
	local message='{"id":"m1","type":"message","role":"assistant","model":"claude-sonnet-4-6","created":1781517600,"usage":{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":40,"output_tokens":9}}'
	local row='{"id":1,"type":2,"created_at":1781517600,"model_name":"gpt-5","quota":3625,"prompt_tokens":100,"completion_tokens":10,"other":"{\"cache_tokens\":40}"}'
	for line in "$chat" "$response" "$message" "$row"; do
		printf '%s\n' "$line" >line.jsonl
		run "$TALLY" replay line.jsonl --json -q; expect 0 '"cache_read": 40,'
	done
	told row "$(jq -c 'del(.completion_tokens)' <<<"$row")"
	told droid '{"id":"d","providerLock":"anthropic","model":"claude-sonnet-4-6","tokenUsage":{"inputTokens":100,"outputTokens":10,"cacheCreationTokens":0,"thinkingTokens":0}}'
	# others answer in the forms of vendors with fewer parts
	for line in "$(jq -c 'del(.usage.prompt_tokens_details)' <<<"$chat")" "$(jq -c 'del(.usage.input_tokens_details)' <<<"$response")" \
		"$(jq -c '.usage.input_tokens = 100 | del(.usage.cache_read_input_tokens)' <<<"$message")"; do
		printf '%s\n' "$line" >line.jsonl
		run "$TALLY" replay line.jsonl --json -q; expect 0 '"input": 100,'
	done
	# before there was a cache, and vendors that do not tell it
	printf '%s\n' "$(jq -c 'del(.usage.prompt_tokens_details, .usage.completion_tokens_details)' <<<"$chat")" >old.jsonl
	run "$TALLY" replay old.jsonl --json -q; expect 0 '"input": 100,'
}

@test "a line whose kind is known holds what its kind holds, and a count beside its usage is named" {
	local pi='{"type":"message","id":"a","parentId":"b","timestamp":"2026-06-15T10:00:01Z","message":{"role":"assistant","responseId":"r1","model":"claude-sonnet-4-6","timestamp":1781517600000,"usage":{"input":4,"output":72,"cacheRead":100,"cacheWrite":0,"totalTokens":176}}}'
	for change in '.message = 7' 'del(.message)' '.message.cacheWrite = 9' '.cacheWrite = 9'; do told "$change" "$(jq -c "$change" <<<"$pi")"; done
	local copilot='{"type":"session.usage_record","data":{"usage":{"apiCallId":"c1","model":"gpt-5","inputTokens":100,"outputTokens":10,"cacheReadTokens":40,"cacheWriteTokens":0}}}'
	told copilot "$(jq -c '.data.cacheReadTokens = 40 | del(.data.usage.cacheReadTokens)' <<<"$copilot")"
	told copilot "$(jq -c 'del(.data.usage.cacheReadTokens)' <<<"$copilot")"
	local meta='{"timestamp":"2026-06-15T10:00:00Z","type":"session_meta","payload":{"id":"th","cwd":"/p"}}' record='{"timestamp":"2026-06-15T10:00:01Z","type":"token_usage_record","payload":{"response_id":"resp_1","thread_id":"th","usage":{"input_tokens":100,"cached_input_tokens":40,"output_tokens":10,"reasoning_output_tokens":0,"total_tokens":110}}}'
	for change in 'del(.payload.usage)' '.payload.usage = 7' '.payload.usage = {usage: .payload.usage}' 'del(.payload.response_id)' '.payload = (.payload | tostring)'; do told "$change" "$meta" "$record" "$(jq -c "$change" <<<"$record")"; done
	# Codex without totals: the same counts again may be the same call
	local last='{"timestamp":"2026-06-15T10:00:01Z","type":"event_msg","payload":{"type":"token_count","info":{"last_token_usage":{"input_tokens":100,"cached_input_tokens":40,"output_tokens":10,"reasoning_output_tokens":0,"total_tokens":110}}}}'
	told again "$meta" "$last" "$last"
	told info "$meta" "$(jq -c 'del(.payload.info)' <<<"$last")"
	# Claude Code: a list of counts under another name, and how long writes stay
	local claude='{"type":"assistant","sessionId":"s","cwd":"/p","uuid":"u1","version":"2.1.0","timestamp":"2026-06-15T10:00:00Z","requestId":"r1","message":{"id":"m1","type":"message","role":"assistant","model":"claude-sonnet-4-6","stop_reason":"end_turn","content":[],"usage":{"input_tokens":3,"cache_creation_input_tokens":30,"cache_read_input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":30},"output_tokens":9}}}'
	told tools "$claude" "$(jq -c '.message.id = "m2" | .message.server_tool_use = {web_search_requests: 3}' <<<"$claude")"
	told lifetimes "$claude" "$(jq -c '.message.id = "m2" | del(.message.usage.cache_creation)' <<<"$claude")"
	jq -c '.version = "1.0.30" | del(.message.usage.cache_creation)' <<<"$claude" >old.jsonl
	run "$TALLY" replay old.jsonl --json -q; expect 0 '"cache_write_5m": 30,'
	# Gemini CLI: an answer whose counts never came, unless it is the last
	local head='{"sessionId":"s","projectHash":"p","startTime":"2026-06-15T10:00:00Z","kind":"main"}' answer='{"id":"k","timestamp":"2026-06-15T10:00:00Z","type":"gemini","model":"gemini-2.5-flash","tokens":{"input":100,"output":20,"cached":0,"thoughts":0,"tool":0,"total":120}}'
	told uncounted "$head" "$(jq -c '.id = "j" | del(.tokens)' <<<"$answer")" "$answer"
	told cached "$head" "$(jq -c 'del(.tokens.cached)' <<<"$answer")"
	printf '%s\n' "$head" "$(jq -c 'del(.tokens)' <<<"$answer")" "$answer" "$(jq -c '.id = "l" | del(.tokens)' <<<"$answer")" >chat.jsonl
	run "$TALLY" replay chat.jsonl --json -q; expect 0 '"records": 1,'
	told list "$(jq -c '. + {messages: 7}' <<<"$head")"
	told entry "$(jq -c '. + {messages: [7]}' <<<"$head")"
	told continue '{"sessionId":"s","history":[{"message":7}]}'
	told continue '{"sessionId":"s","history":[{"message":{"role":"assistant","usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":7}}}]}'
	told bedrock '{"type":"message_stop","amazon-bedrock-invocationMetrics":7}'
}

@test "sessions that are documents: counts under another name, of another kind, beside their place" {
	local amp='{"id":"T-1","messages":[{"role":"user","messageId":0},{"role":"assistant","messageId":1,"usage":{"model":"claude-sonnet-4-6","timestamp":"2026-06-15T10:00:01Z","inputTokens":4,"outputTokens":70,"cacheCreationInputTokens":100,"cacheReadInputTokens":2000,"totalInputTokens":2104}}]}'
	local ledger='{"id":"T-2","messages":[{"role":"assistant","messageId":1,"usage":{"cacheCreationInputTokens":100,"cacheReadInputTokens":2000}}],"usageLedger":{"events":[{"id":"e1","timestamp":"2026-06-15T10:00:01Z","model":"claude-sonnet-4-6","tokens":{"input":4,"output":70},"toMessageId":1}]}}'
	local kimi='{"timestamp":1781517601.5,"message":{"type":"StatusUpdate","payload":{"token_usage":{"input_other":400,"output":70,"input_cache_read":2000,"input_cache_creation":0},"message_id":"m1","model":"claude-sonnet-4-6"}}}'
	local cline='{"ts":1781517601000,"type":"say","say":"api_req_started","text":"{\"tokensIn\":400,\"tokensOut\":70,\"cacheWrites\":0,\"cacheReads\":2000}","modelInfo":{"providerId":"anthropic","modelId":"claude-sonnet-4-6"}}'
	local opencode='{"id":"msg_1","sessionID":"s","role":"assistant","modelID":"claude-sonnet-4-6","providerID":"anthropic","tokens":{"total":2470,"input":400,"output":70,"reasoning":0,"cache":{"read":2000,"write":0}},"time":{"created":1781517600000}}'
	for whole in "$amp" "$ledger" "$kimi" "$cline" "$opencode"; do
		printf '%s\n' "$whole" >whole.jsonl
		run "$TALLY" replay whole.jsonl --json -q; expect 0 '"cache_read": 2000,'
	done
	local usage='.messages[1].usage' part='.message.payload'
	for change in ".messages[1].zork = $usage | del($usage)" "$usage = {usage: $usage}" '.messages[1] = 7' "$usage = 7"; do told "$change" "$(jq -c "$change" <<<"$amp")"; done
	for change in '.zork = .usageLedger | del(.usageLedger)' 'del(.usageLedger)' '.usageLedger = 7' '.usageLedger.events = 7' '.messages[0].zork = .messages[0].messageId | del(.messages[0].messageId)' 'del(.messages[0].usage)' \
		'.messages[0].usage.zork = 2000' '.messages[0].cacheReadInputTokens = 2000 | del(.messages[0].usage.cacheReadInputTokens)' 'del(.usageLedger.events[0].toMessageId)'; do told "$change" "$(jq -c "$change" <<<"$ledger")"; done
	for change in "$part.zork = $part.token_usage | del($part.token_usage)" "$part.token_usage = 7" '.message.type = "Status"' "del($part.token_usage.input_cache_read)"; do told "$change" "$(jq -c "$change" <<<"$kimi")"; done
	for change in '.zork = .text | del(.text)' '.text = 7' '.say = "zork"' 'del(.say)'; do told "$change" "$(jq -c "$change" <<<"$cline")"; done
	for change in '.zork = .tokens | del(.tokens)' 'del(.tokens)' '.tokens = 7' '.role = "zork"' 'del(.role)'; do told "$change" "$(jq -c "$change" <<<"$opencode")"; done
	# a span of a kind that no list has
	told kind '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"x","startTimeUnixNano":"1781517600000000000","attributes":[{"key":"openinference.span.kind","value":{"stringValue":"MODEL"}},{"key":"llm.model_name","value":{"stringValue":"gpt-5"}},{"key":"llm.token_count.prompt","value":{"intValue":"9"}},{"key":"llm.token_count.completion","value":{"intValue":"9"}}]}]}]}]}'
}
