#!/usr/bin/env bats
# What sources say that calls cost: kept, compared and shown on demand, never a price where a card has one.
load common

# sum KIND FIELD, of the last run's first "recorded_cost"
sum() { printf '%s' "$output" | tr -d '\n' | grep -o '"recorded_cost": {[^}]*}, *[^}]*}' | head -n 1 | sed -n "s/.*\"$1\": {\([^}]*\)}.*/\1/p" | tr ',' '\n' | sed -n "s/.*\"$2\": *\"\{0,1\}\([^\"]*\)\"\{0,1\}.*/\1/p" | head -n 1; }
same() { # KIND RECORDS TOTAL COMPARED THEIRS OURS DIFFERENCE: the whole of the last run
	set -- "$1" "records $2" "total $3" "compared $4" "theirs $5" "ours $6" "difference $7"
	kind=$1
	shift
	for f in "$@"; do [ "$(sum "$kind" "${f% *}")" = "${f#* }" ] || fail "$kind: ${f% *} is $(sum "$kind" "${f% *}"), not ${f#* }" || return 1; done
}

sources() {
	cat >pi.jsonl <<-'END'
		{"type":"session","version":3,"id":"s1","cwd":"/x","timestamp":"2026-06-15T10:00:00Z"}
		{"type":"message","id":"a1","timestamp":"2026-06-15T10:00:01Z","message":{"role":"assistant","provider":"deepseek","model":"deepseek-v4-flash","responseId":"r1","usage":{"input":1000000,"output":1000000,"cacheRead":0,"cacheWrite":0,"totalTokens":2000000,"cost":{"input":0.1,"output":0.2,"total":0.30000000000000004}}}}
		{"type":"message","id":"a2","timestamp":"2026-06-15T10:00:02Z","message":{"role":"assistant","provider":"x","model":"nobodys-model","responseId":"r2","usage":{"input":10,"output":5,"cacheRead":0,"cacheWrite":0,"totalTokens":15,"cost":{"total":1.5}}}}
	END
	cat >claude.jsonl <<-'END'
		{"type":"assistant","sessionId":"s","uuid":"u","timestamp":"2026-06-15T10:00:00Z","costUSD":0.5,"message":{"id":"m1","model":"deepseek-v4-flash","stop_reason":"end_turn","usage":{"input_tokens":1000000,"output_tokens":0}}}
	END
	cat >openrouter.json <<-'END'
		{"id":"gen-1","provider":"Foo","model":"foo/unknown-model","created":1781510400,"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"cost":0.25}}
		{"id":"gen-2","provider":"DeepSeek","model":"deepseek/deepseek-v4-flash","created":1781510400,"usage":{"prompt_tokens":1000000,"completion_tokens":0,"total_tokens":1000000,"cost":1.25e-1}}
	END
}

@test "estimates are no prices; a charge prices what no card does, and both are told on demand" {
	sources
	run "$TALLY" replay pi.jsonl claude.jsonl openrouter.json --json
	[ "$status" = 3 ]
	[ "$(json total)" = 0.9083 ] # 0.42 + 0.14 + 0.25 of the seller + 0.0983
	expect 3 '"unpriced": 1' '"stated_by_the_seller": {'
	[[ $output != *recorded_cost* ]]
	for how in replay usage look; do
		case $how in
		replay) run "$TALLY" replay pi.jsonl claude.jsonl openrouter.json --json --recorded-cost ;;
		usage) "$TALLY" ingest --db a.db -q openrouter.json claude.jsonl pi.jsonl || [ $? = 3 ]
			run "$TALLY" usage --db a.db --json --recorded-cost ;;
		look) run env XDG_CACHE_HOME="$PWD/c" "$TALLY" daily pi.jsonl claude.jsonl openrouter.json --json --recorded-cost ;;
		esac
		[ "$status" = 3 ]
		[ "$(json total)" = 0.9083 ]
		same charged 2 0.375 1 0.125 0.0983 0.0267
		same estimated 3 2.3 2 0.8 0.56 0.24
	done
	run "$TALLY" usage --db a.db
	expect 3 'is what the seller says that it charged for 1 record'
	run "$TALLY" explain --db a.db r2
	expect 0 'recorded   $1.5, which the source estimates'
	run "$TALLY" usage --db a.db --by model --csv --recorded-cost
	expect 3 'total,unpriced,placeholders,charged,estimated' 'nobodys-model,1,1,10,0,0,0,5,0,USD,0,1,0,0,1.5'
}

@test "a charge stays the price of a record when it is rated again, and goes with it when it is voided" {
	sources
	"$TALLY" ingest --db a.db -q openrouter.json pi.jsonl || [ $? = 3 ]
	run "$TALLY" rerate --db a.db
	expect 0 'every record keeps its price'
	"$TALLY" amend gen-1 --db a.db --set output=7 --why x >out
	run "$TALLY" usage --db a.db --json --recorded-cost --model foo/unknown-model
	[ "$(json total)" = 0.25 ]
	"$TALLY" void gen-2 --db a.db --why x >out
	"$TALLY" void r1 --db a.db --why x >out
	run "$TALLY" usage --db a.db --json --recorded-cost
	same charged 1 0.25 0 0 0 0
	same estimated 1 1.5 0 0 0 0
	run "$TALLY" fsck --db a.db
	expect 0 clean
}

@test "every source that states a cost: its unit, and zero is none" {
	line() { printf '%s\n' "$2" >"$1.json"; }
	line cline-cli '{"version":1,"id":"x","system_prompt":"","messages":[{"id":"c1","ts":1781510400000,"modelInfo":{"id":"deepseek-v4-flash"},"metrics":{"inputTokens":1000000,"outputTokens":0,"cost":0.5}}]}'
	line opencode '{"id":"msg_1","sessionID":"ses_1","role":"assistant","modelID":"deepseek-v4-flash","providerID":"deepseek","cost":0.5,"tokens":{"input":1000000,"output":0,"reasoning":0,"cache":{"read":0,"write":0}},"time":{"created":1781510400000}}'
	line continue '{"sessionId":"s","workspaceDirectory":"/x","history":[{"message":{"role":"assistant","usage":{"model":"deepseek-v4-flash","prompt_tokens":1000000,"completion_tokens":0,"cost_cents":50}}}]}'
	line litellm '{"id":"l","call_type":"completion","model":"deepseek-v4-flash","response_cost":0.5,"startTime":1781510400,"prompt_tokens":1000000,"completion_tokens":0,"total_tokens":1000000,"metadata":{"usage_object":{"prompt_tokens":1000000,"completion_tokens":0,"total_tokens":1000000}}}'
	line cloudflare '{"id":"cf","model":"deepseek-v4-flash","success":true,"cached":false,"created_at":"2026-06-15T10:00:00Z","tokens_in":1000000,"tokens_out":0,"cost":0.5}'
	line langfuse '{"id":"lf","model":"deepseek-v4-flash","type":"GENERATION","startTime":"2026-06-15T10:00:00Z","usageDetails":{"input":1000000},"costDetails":{"input":0.5,"total":0.5}}'
	line event '{"event.name":"claude_code.api_request","event.timestamp":"2026-06-15T10:00:00Z","request_id":"q","model":"deepseek-v4-flash","input_tokens":"1000000","output_tokens":"0","cost_usd":"0.5"}'
	for f in *.json; do
		run "$TALLY" replay "$f" --json --recorded-cost --at 2026-06-15
		case $f in cloudflare.json | continue.json) ends=3 ;; *) ends=0 ;; esac # they do not tell what was cached
		[ "$status" = $ends ] && [ "$(json total)" = 0.14 ] || fail "$f"
		same estimated 1 0.5 1 0.5 0.14 0.36 || fail "$f"
	done
	mkdir charged && cd charged
	line xai '{"id":"x","object":"chat.completion","created":1781510400,"model":"deepseek-v4-flash","usage":{"prompt_tokens":1000000,"completion_tokens":0,"total_tokens":1000000,"prompt_tokens_details":{"cached_tokens":0},"cost_in_usd_ticks":5000000000}}'
	line gateway '{"id":"g","model":"deepseek-v4-flash","created":1781510400,"usage":{"inputTokens":1000000,"outputTokens":0,"totalTokens":1000000,"cachedInputTokens":0},"providerMetadata":{"gateway":{"cost":"0.5"}}}'
	for f in *.json; do
		run "$TALLY" replay "$f" --json --recorded-cost --at 2026-06-15
		[ "$status" = 0 ] && same charged 1 0.5 1 0.5 0.14 0.36 || fail "$f"
	done
	sed 's/"cost":0.5/"cost":0/' ../opencode.json >zero.json
	run "$TALLY" replay zero.json --json --recorded-cost
	same estimated 0 0 0 0 0 0
}
