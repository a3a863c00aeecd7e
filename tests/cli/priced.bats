#!/usr/bin/env bats
# Logs of the common agents on a fresh machine, without any option: nothing is without a price.
load common

setup() {
	common_setup
	export HOME=$DIR/home XDG_DATA_HOME=$DIR/home/.local/share
	unset TALLY_DB TALLY_PRICES XDG_CONFIG_HOME CODEX_HOME CLAUDE_CONFIG_DIR
	mkdir -p "$HOME"
}
# claude MODEL...
claude() {
	local d=$HOME/.claude/projects/-home-dev-app n=0 m
	mkdir -p "$d"
	for m; do
		n=$((n + 1))
		printf '{"type":"assistant","sessionId":"s1","requestId":"req_%d","uuid":"u%d","timestamp":"2026-11-2%dT00:0%d:00.000Z","cwd":"/home/dev/app","version":"2.1.197","message":{"id":"msg_%d","type":"message","role":"assistant","model":"%s","content":[],"usage":{"input_tokens":9,"cache_creation_input_tokens":512,"cache_read_input_tokens":10600,"cache_creation":{"ephemeral_5m_input_tokens":206,"ephemeral_1h_input_tokens":306},"output_tokens":20,"service_tier":"standard","server_tool_use":{"web_search_requests":1}}}}\n' $n $n $((n % 8)) $n $n "$m"
	done >"$d/s1.jsonl"
}
# codex MODEL...: a session each
codex() {
	local d=$HOME/.codex/sessions/2026/11/20 n=0 m
	mkdir -p "$d"
	for m; do
		n=$((n + 1))
		cat >"$d/rollout-2026-11-20T00-0$n-00-01a21f78-be5d-74f1-a147-1c146eb0ea0$n.jsonl" <<J
{"timestamp":"2026-11-20T00:0$n:00.000Z","type":"session_meta","payload":{"id":"01a21f78-be5d-74f1-a147-1c146eb0ea0$n","timestamp":"2026-11-20T00:0$n:00.000Z","cwd":"/home/dev/app","originator":"codex_exec","cli_version":"0.171.0","source":"exec","model_provider":"openai"}}
{"timestamp":"2026-11-20T00:0$n:01.000Z","type":"turn_context","payload":{"turn_id":"t$n","cwd":"/home/dev/app","model":"$m"}}
{"timestamp":"2026-11-20T00:0$n:02.000Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":10104,"cached_input_tokens":10000,"output_tokens":72,"reasoning_output_tokens":21,"total_tokens":10176},"last_token_usage":{"input_tokens":10104,"cached_input_tokens":10000,"output_tokens":72,"reasoning_output_tokens":21,"total_tokens":10176},"model_context_window":258400},"rate_limits":null}}
J
	done
}
# gemini MODEL...
gemini() {
	local d=$HOME/.gemini/tmp/app/chats n=0 m
	mkdir -p "$d"
	{
		echo '{"sessionId":"6f050169-c93c-49c0-b21a-fb5dcbb57f40","projectHash":"720d","startTime":"2026-11-20T00:00:00.000Z","lastUpdated":"2026-11-20T00:00:00.000Z","kind":"main"}'
		for m; do
			n=$((n + 1))
			printf '{"id":"f84e01c6-7801-483f-8d17-4504c58e9c0%d","timestamp":"2026-11-20T00:0%d:00.000Z","type":"gemini","content":"x","thoughts":[],"tokens":{"input":10104,"output":51,"cached":10000,"thoughts":21,"tool":0,"total":10176},"model":"%s"}\n' $n $n "$m"
		done
	} >"$d/session-2026-11-20T00-00-6f050169.jsonl"
}
# opencode PROVIDER/MODEL...
opencode() {
	local d=$HOME/.local/share/opencode n=0 m
	mkdir -p "$d"
	sqlite3 "$d/opencode.db" "CREATE TABLE session(id TEXT PRIMARY KEY, parent_id TEXT, directory TEXT, time_created INTEGER);
		CREATE TABLE message(id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
		CREATE TABLE part(id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
		INSERT INTO session VALUES('ses_1', NULL, '/app', 1795132800000);"
	for m; do
		n=$((n + 1))
		sqlite3 "$d/opencode.db" "INSERT INTO message VALUES('msg_$n', 'ses_1', 179513280${n}000, 179513280${n}000, '{\"role\":\"assistant\",\"modelID\":\"${m#*/}\",\"providerID\":\"${m%%/*}\",\"cost\":0,\"path\":{\"root\":\"/app\"},\"tokens\":{\"total\":10200,\"input\":1000,\"output\":150,\"reasoning\":50,\"cache\":{\"read\":9000,\"write\":0}},\"time\":{\"created\":179513280${n}000,\"completed\":179513280${n}900}}');"
	done
}
# priced CALLS: all commands that look at the logs, and the meter
priced() {
	run "$TALLY" daily --json
	expect 0 || return 1
	[[ $output != *'"unpriced": '[1-9]* ]] || fail "something has no price" || return 1
	run "$TALLY" ingest --json
	expect 0 "\"accepted\": $1" '"unpriced": 0'
}

@test "a variant of what several resellers sell is refused with their names" {
	for model in gpt-oss-120b:nitro gpt-oss-120b@default; do
		run "$TALLY" cost --model "$model" --input 1
		expect 1 "several vendors sell 'gpt-oss-120b'" 'name the provider'
	done
	# VENDOR/MODEL with an end that OpenRouter alone writes is OpenRouter's
	run "$TALLY" cost --model openai/gpt-oss-120b:nitro --input 1 --json
	expect 0 '"provider": "openrouter"'
	run "$TALLY" cost --model nobodys-model:nitro --input 1
	expect 1 "'nobodys-model:nitro' is in no price card"
}
@test "Claude Code" {
	claude claude-opus-5-5 claude-sonnet-5-5 claude-haiku-4-5-20251001 claude-haiku-5-5 claude-opus-4-8 claude-fable-5-2 'claude-sonnet-4-5-20250929' claude-opus-4-1-20250805
	priced 8
}
@test "Codex" {
	codex gpt-5.1-codex gpt-5.1-codex-mini gpt-5.3-codex gpt-5.4 gpt-5.5 gpt-5.6-sol gpt-5-codex gpt-5.2
	priced 8
}
@test "Gemini CLI" {
	gemini gemini-2.5-pro gemini-2.5-flash gemini-2.5-flash-lite gemini-3-flash-preview gemini-3.1-pro-preview gemini-3.6-flash
	priced 6
}
@test "OpenCode" {
	opencode anthropic/claude-sonnet-4-6 openai/gpt-5.5 google/gemini-3-flash-preview deepseek/deepseek-v4-pro moonshotai/kimi-k2.6 zai/glm-5.2 openrouter/anthropic/claude-sonnet-4.6 xai/grok-4.3
	priced 8
}
@test "OpenCode with the models of its own gateway, with which it begins" {
	opencode opencode/big-pickle opencode/claude-sonnet-4-6 opencode/deepseek-v4-flash-free opencode/grok-code
	priced 4
}
@test "the vendor that a log names is the one that sold the call" {
	opencode groq/openai/gpt-oss-120b deepinfra/zai-org/GLM-4.6 azure/gpt-5.1 openrouter/moonshotai/kimi-k2.6 \
		amazon-bedrock/us.anthropic.claude-opus-4-6-v1 google-vertex-anthropic/claude-sonnet-4-5@20250929 \
		gateway/gpt-5.1 openai/deepseek-v4-pro anthropic/kimi-k2.6
	codex gpt-5.1
	sed -i 's/"model_provider":"openai"/"model_provider":"azure"/' "$HOME"/.codex/sessions/2026/11/20/*.jsonl
	mkdir -p "$HOME/.pi/agent/sessions/--app--"
	cat >"$HOME/.pi/agent/sessions/--app--/2026-11-20T00-00-00-000Z_5d5b0d0c-6a1e-4b7e-9c3b-1d2e3f4a5b6c.jsonl" <<'J'
{"type":"session","version":3,"id":"5d5b0d0c-6a1e-4b7e-9c3b-1d2e3f4a5b6c","timestamp":"2026-11-20T00:00:00.000Z","cwd":"/app"}
{"type":"message","id":"24c429c4","parentId":"0716c7de","timestamp":"2026-11-20T00:00:01.000Z","message":{"role":"assistant","content":[],"api":"openai-completions","provider":"cerebras","model":"gpt-oss-120b","usage":{"input":1000,"output":72,"cacheRead":0,"cacheWrite":0,"totalTokens":1072},"stopReason":"stop","timestamp":1795132801000,"responseId":"chatcmpl-1"}}
J
	run "$TALLY" ingest --json
	expect "$status" '"accepted": 11' || return 1
	run "$TALLY" usage --by provider,model --csv
	for line in groq,openai/gpt-oss-120b deepinfra,zai-org/GLM-4.6 azure,gpt-5.1 openrouter,moonshotai/kimi-k2.6 bedrock,us.anthropic.claude-opus-4-6-v1 \
		vertex,claude-sonnet-4-5@20250929 openai,gpt-5.1 deepseek,deepseek-v4-pro moonshot,kimi-k2.6 cerebras,gpt-oss-120b; do
		[[ $output == *$line* ]] || fail "$line is not in it" || return 1
	done
	# the same logs again, by a program that took no vendor from them: nothing is doubled
	run "$TALLY" ingest --json
	expect "$status" '"accepted": 0' '"duplicates": 11' '"conflicts": 0'
}
@test "OpenCode's own gateway has its own prices, from the day its list had them" {
	# a million tokens of input; 1.07 is first seen on 2025-11-21 and 1.25 on 2025-09-09 (OpenAI asks 1.25)
	while read -r model at total; do
		run "$TALLY" cost --provider opencode --model "$model" --input 1m --at "$at" --json
		expect 0 '"provider": "opencode-zen"' "\"total\": \"$total\"" || fail "$model at $at" || return 1
	done <<-'END'
		gpt-5 2025-11-21 1.07
		gpt-5 2025-11-20 1.25
		gpt-5.1-codex 2026-07-01 1.07
		claude-sonnet-4.5 2026-07-01 6
		kimi-k2 2026-07-01 0.4
		deepseek-v4-pro 2026-07-01 1.74
		gpt-5-nano 2026-05-06 0
		gpt-5-nano 2026-05-07 0.05
	END
	run "$TALLY" cost --provider opencode --model gpt-5 --input 1m --at 2025-09-08
	expect 1 'no USD price before 2025-09-09'
	run "$TALLY" cost --provider opencode --model gpt-4o --input 1m
	expect 1 "'opencode-zen' has no model 'gpt-4o'"
	# the lists know a vendor by whatever name calls do
	run "$TALLY" price list --provider opencode --at 2026-07-01 --json
	expect 0 '"opencode/gpt-5"' '"big-pickle"'
	run "$TALLY" price show opencode/gpt-5 --provider OpenCode
	expect 0 '1.07'
	# a name without a seller is never the gateway's, even where no other sells it so
	run "$TALLY" cost --model gpt-5 --input 1m --json
	expect 0 '"provider": "openai"' '"total": "1.25"'
	run "$TALLY" cost --model kimi-k2 --input 1m
	expect 1 "'kimi-k2' is in no price card"
	run "$TALLY" cost --model opencode/kimi-k2 --input 1m --json
	expect 0 '"provider": "opencode-zen"' '"total": "0.4"'
}
@test "a seller whom a log names, and of whom no card has prices, is told with what its calls come to" {
	local two='"records": 2,'$'\n''  "cost": "0.00875",'$'\n''  "sellers": ["github-copilot", "mygw"],'$'\n''  "more_sellers": false'
	opencode github-copilot/gpt-5 mygw/gpt-5 openai/gpt-5 groq/openai/gpt-oss-120b
	# 1,000 x 1.25 + 9,000 x 0.125 + 200 x 10 a million: 0.004375 each
	run "$TALLY" replay "$HOME/.local/share/opencode"
	expect 0 "2 records of sellers without a card (github-copilot, mygw) have the price of the model's maker: 0.00875 in all" || return 1
	run "$TALLY" replay "$HOME/.local/share/opencode" --json
	expect 0 "$two" || return 1
	"$TALLY" ingest -q
	run "$TALLY" usage --json
	expect 0 "$two" || return 1
	run "$TALLY" cost --provider 'via mygw' --model gpt-5 --input 1m --json
	expect 0 '"total": "1.25"' 'no card has prices of the seller that is named: this is what openai asks' || return 1
	# a card of the seller's own prices it, and the other is left
	echo '{"schema": "tally.card/1", "provider": "mygw", "reseller": true, "prices": [{"model": "gpt-5", "currency": "USD", "rates": {"input": "2", "cache_read": "2", "output": "2"}, "source": "mine", "sure": "mine"}]}' >mygw.json
	run "$TALLY" replay "$HOME/.local/share/opencode" --prices mygw.json --json
	expect 0 '"records": 1,'$'\n''  "cost": "0.004375",'$'\n''  "sellers": ["github-copilot"]' || return 1
	"$TALLY" rerate --prices mygw.json >rerated 2>&1
	run "$TALLY" usage
	expect 0 '1 record of sellers without a card (github-copilot) has the price'
}
@test "agents that sell calls themselves are sellers without a card" {
	mkdir -p log
	echo '{"version":1,"id":"T-1","messages":[{"role":"assistant","messageId":1,"usage":{"model":"claude-sonnet-4-6","timestamp":"2026-11-20T00:00:00Z","inputTokens":1000000,"cacheCreationInputTokens":0,"cacheReadInputTokens":0,"totalInputTokens":1000000,"outputTokens":0}}]}' >log/T-1.json
	run "$TALLY" replay log
	expect 0 "1 record of sellers without a card (amp) has the price of the model's maker: 3 in all"
}
@test "what has no price is named with the commands that mend it" {
	claude claude-nobody-9
	run "$TALLY" replay "$HOME/.claude"
	expect 3 '`tally price update`' '`tally price install CARD`' --prices
	run "$TALLY" ingest
	run "$TALLY" usage
	expect 3 '`tally price update`' '`tally price install CARD`' '`tally rerate`'
	cat >mine.json <<'J'
{"schema": "tally.card/1", "provider": "anthropic", "prices": [{"model": "claude-nobody-9", "currency": "USD", "rates": {"input": "1", "cache_read": "1", "cache_write_5m": "1", "cache_write_1h": "1", "output": "1"}, "fees": {"web_search": {"amount": "10", "per": 1000}}, "source": "mine", "sure": "mine"}]}
J
	"$TALLY" price install mine.json
	"$TALLY" rerate >rerated 2>&1 || true
	grep -q yes rerated || "$TALLY" rerate --yes >rerated 2>&1 || true
	run "$TALLY" usage
	expect 0
}
