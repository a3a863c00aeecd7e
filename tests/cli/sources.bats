#!/usr/bin/env bats
# Folders of logs as they really are: empty files, dangling and circling links, denied folders, files of another kind.
load common

# call FILE ID: one call of 10,000 in and 100 out on Sonnet 4.6, 0.0315
call() {
	mkdir -p "$(dirname "$1")"
	printf '{"type":"assistant","timestamp":"2026-06-15T08:00:00Z","sessionId":"s","cwd":"/app","requestId":"req_%s","message":{"id":"%s","model":"claude-sonnet-4-6","role":"assistant","stop_reason":"end_turn","usage":{"input_tokens":10000,"output_tokens":100,"cache_read_input_tokens":0,"cache_creation_input_tokens":0}}}\n' "$2" "$2" >>"$1"
}
# both STATUS RECORDS TOTAL: the replay and the meter
both() {
	run "$TALLY" replay logs --json
	expect "$1" "\"records\": $2" "\"total\": \"$3\""
	run "$TALLY" ingest --db t.db logs --json
	expect "$1" "\"accepted\": $2"
	run "$TALLY" usage --db t.db --json
	expect 0 "\"total\": \"$3\""
}

@test "nothing in a folder ends the run" {
	call logs/a.jsonl one; call logs/z/z.jsonl two
	: >logs/empty.jsonl
	printf '{\n // a comment\n "theme": "dark"\n}\n' >logs/settings.json
	printf '{"agentType":"x","spawnDepth":1}' >logs/agent-1.meta.json
	mkdir logs/folder.jsonl
	ln -s ../logs logs/circle
	both 0 2 0.063
	ln -s gone.jsonl logs/dangling.jsonl
	run "$TALLY" replay logs --json
	expect 3 '"records": 2' '"total": "0.063"'
	run "$TALLY" ingest --db u.db logs
	expect 3 '2 accepted' 'dangling.jsonl' '1 file could not be read'
}
@test "a folder behind a link counts once" {
	call real/a.jsonl one; mkdir logs; ln -s ../real logs/link; ln -s ../real logs/link2
	both 0 1 0.0315
}
@test "a file that counts tokens in a way that is not known is named, never nothing" {
	call logs/a.jsonl one
	printf '{"kind":"turn","stats":{"promptTokens_v9": 1200, "answerTokens_v9": 40}}\n' >logs/other.json
	run "$TALLY" replay logs --json; expect 3 '"records": 1' 'other.json' 'counts tokens'
	run "$TALLY" ingest --db t.db logs; expect 3 '1 accepted' 'other.json' 'counts tokens'
	run "$TALLY" ingest --db t.db logs/other.json; expect 3
	[[ $output == *counts\ tokens* ]] || [[ $output == *quarantined* ]] || fail "nothing was said"
}
@test "sessions of agents: pi, Copilot, Gemini, Qwen, Cline, Kimi, and the records of Codex" {
	mkdir logs
	# each: 1,000 uncached, 9,000 cached, 200 out of which 50 reasoning
	printf '%s\n' '{"type":"session","version":3,"id":"p1","cwd":"/app"}' '{"type":"message","id":"a","timestamp":"2026-06-15T08:00:01Z","message":{"role":"assistant","model":"deepseek-v4-flash","usage":{"input":1000,"output":200,"cacheRead":9000,"cacheWrite":0,"totalTokens":10200},"timestamp":1781510400000,"responseId":"r-pi"}}' >logs/pi.jsonl
	printf '%s\n' '{"type":"session.usage_record","timestamp":"2026-06-15T08:00:00Z","data":{"usage":{"model":"deepseek-v4-flash","inputTokens":10000,"outputTokens":200,"cacheReadTokens":9000,"cacheWriteTokens":0,"reasoningTokens":50,"apiCallId":"r-cop"}}}' >logs/copilot.jsonl
	printf '%s\n' '{"sessionId":"g1","projectHash":"h","startTime":"2026-06-15T08:00:00Z","kind":"main"}' '{"id":"g-a","timestamp":"2026-06-15T08:00:00Z","type":"gemini","model":"deepseek-v4-flash","tokens":{"input":10000,"output":150,"cached":9000,"thoughts":50,"tool":0,"total":10200}}' '{"id":"g-a","timestamp":"2026-06-15T08:00:00Z","type":"gemini","model":"deepseek-v4-flash","tokens":{"input":10000,"output":150,"cached":9000,"thoughts":50,"tool":0,"total":10200}}' '{"$set":{"lastUpdated":"2026-06-15T08:00:05Z"}}' >logs/gemini.jsonl
	printf '%s\n' '{"uuid":"u1","sessionId":"q1","timestamp":"2026-06-15T08:00:00Z","type":"user","cwd":"/app"}' '{"uuid":"u2","sessionId":"q1","timestamp":"2026-06-15T08:00:00Z","type":"system","cwd":"/app","systemPayload":{"uiEvent":{"event.name":"qwen-code.api_response","event.timestamp":"2026-06-15T08:00:00Z","response_id":"r-qw","model":"deepseek-v4-flash","input_token_count":10000,"output_token_count":200,"cached_content_token_count":9000,"thoughts_token_count":50,"total_token_count":10200}}}' '{"uuid":"u3","sessionId":"q1","timestamp":"2026-06-15T08:00:00Z","type":"assistant","model":"deepseek-v4-flash","usageMetadata":{"promptTokenCount":10000,"candidatesTokenCount":200,"totalTokenCount":10200}}' >logs/qwen.jsonl
	printf '%s\n' '{"type":"llm.request","model":"deepseek-v4-flash"}' '{"type":"context.append_loop_event","event":{"type":"step.end","usage":{"inputOther":1000,"output":200,"inputCacheRead":9000,"inputCacheCreation":0},"messageId":"r-ki"},"time":1781510400000}' >logs/kimi.jsonl
	printf '%s\n' '{"messages":[{"id":"c-1","role":"assistant","ts":1781510400000,"modelInfo":{"id":"deepseek-v4-flash"},"metrics":{"inputTokens":10000,"outputTokens":200,"cacheReadTokens":9000,"cacheWriteTokens":0}}],"system_prompt":"x"}' >logs/cline.json
	printf '%s\n' '{"timestamp":"2026-06-15T08:00:00Z","type":"session_meta","payload":{"id":"x1","cwd":"/app"}}' '{"timestamp":"2026-06-15T08:00:00Z","type":"turn_context","payload":{"model":"deepseek-v4-flash"}}' '{"timestamp":"2026-06-15T08:00:00Z","type":"token_usage_record","payload":{"response_id":"r-co","usage":{"input_tokens":10000,"cached_input_tokens":9000,"cache_write_input_tokens":0,"output_tokens":200,"reasoning_output_tokens":50,"total_tokens":10200},"turn_token_usage":{"input_tokens":10000,"cached_input_tokens":9000,"output_tokens":200,"reasoning_output_tokens":50,"total_tokens":10200}}}' '{"timestamp":"2026-06-15T08:00:00Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":10000,"cached_input_tokens":9000,"output_tokens":200,"reasoning_output_tokens":50,"total_tokens":10200},"last_token_usage":{"input_tokens":10000,"cached_input_tokens":9000,"output_tokens":200,"reasoning_output_tokens":50,"total_tokens":10200}}}}' >logs/codex.jsonl
	# Flash on that day: 1,000 x 0.14 + 9,000 x 0.0028 + 200 x 0.28 per million = 0.0002212; seven of them
	both 0 7 0.0015484
	run "$TALLY" usage --db t.db --json
	expect 0 '"input": 7000' '"cache_read": 63000' '"output": 1400'
	run "$TALLY" ingest --db t.db logs --json; expect 0 '"accepted": 0'
}
@test "whole sessions as agents write them: what is no call is passed over in silence, what may be one is told" {
	mkdir logs
	usage='"usage":{"input":1000,"output":200,"cacheRead":9000,"cacheWrite":0,"totalTokens":10200}'
	printf '%s\n' '{"type":"session","version":3,"id":"p1","timestamp":"2026-06-15T08:00:00Z","cwd":"/app"}' '{"type":"model_change","id":"b","parentId":null,"timestamp":"2026-06-15T08:00:00Z","provider":"p","modelId":"deepseek-v4-flash"}' '{"type":"message","id":"c","parentId":"b","timestamp":"2026-06-15T08:00:00Z","message":{"role":"user","content":[{"type":"text","text":"hello"}]}}' '{"type":"message","id":"a","parentId":"c","timestamp":"2026-06-15T08:00:01Z","message":{"role":"assistant","model":"deepseek-v4-flash",'"$usage"',"timestamp":1781510400000,"responseId":"r-pi"}}' '{"type":"message","id":"d","parentId":"a","timestamp":"2026-06-15T08:00:02Z","message":{"role":"toolResult","toolCallId":"t","content":[{"type":"text","text":"x"}]}}' '{"type":"label","id":"e","parentId":"d","timestamp":"2026-06-15T08:00:02Z","label":"x"}' >logs/pi.jsonl
	event() { printf '{"type":"%s","id":"%s","parentId":null,"timestamp":"2026-06-15T08:00:00Z","data":%s}\n' "$1" "$2" "$3"; }
	cop='"inputTokens":10000,"outputTokens":200,"cacheReadTokens":9000,"cacheWriteTokens":0,"reasoningTokens":50'
	{ event session.start a '{"sessionId":"s","producer":"copilot-agent"}'; event user.message b '{"content":"hello","messageId":"m"}'; event assistant.turn_start c '{"turnId":"0"}'
		event session.usage_record d '{"usage":{"model":"deepseek-v4-flash",'"$cop"',"apiCallId":"r-cop"}}'; event assistant.message e '{"messageId":"m2","content":"hi"}'
		event tool.execution_complete f '{"success":true,"toolTelemetry":{"metrics":{"context_token_limit":128000}}}'
		event session.shutdown g '{"accountingSnapshot":{"modelMetrics":{"deepseek-v4-flash":{"usage":{'"$cop"'}}}}}'; } >logs/copilot.jsonl
	printf '%s\n' '{"sessionId":"g1","projectHash":"h","startTime":"2026-06-15T08:00:00Z","kind":"main"}' '{"id":"g-u","timestamp":"2026-06-15T08:00:00Z","type":"user","content":[{"text":"hello"}]}' '{"id":"g-a","timestamp":"2026-06-15T08:00:00Z","type":"gemini","model":"deepseek-v4-flash","tokens":{"input":10000,"output":150,"cached":9000,"thoughts":50,"tool":0,"total":10200}}' '{"id":"g-i","timestamp":"2026-06-15T08:00:00Z","type":"info","content":"compressed"}' >logs/gemini.jsonl
	kimi='"usage":{"inputOther":1000,"output":200,"inputCacheRead":9000,"inputCacheCreation":0}'
	printf '%s\n' '{"type":"metadata","protocol_version":"1.5","created_at":1781510400000}' '{"type":"turn.prompt","agentId":"main","input":[{"type":"text","text":"hello"}],"time":1781510400000}' '{"type":"llm.request","agentId":"main","model":"deepseek-v4-flash","maxTokens":200000,"time":1781510400000}' '{"type":"usage.record","agentId":"main","model":"alias",'"$kimi"',"time":1781510400000}' '{"type":"token_counting.measured","agentId":"main","length":4,"tokens":10200,"time":1781510400000}' '{"type":"context.append_loop_event","agentId":"main","event":{"type":"step.end",'"$kimi"',"messageId":"r-ki"},"time":1781510400000}' '{"type":"agent.message.appended","message":{"meta":{'"$kimi"'}},"time":1781510400000,"kind":"event"}' '{"type":"agent.turn.ended","outcome":"done","time":1781510400000,"kind":"event"}' >logs/kimi.jsonl
	both 0 4 0.0008848
	# a call of anybody's that has the members of such a line is a call
	for more in '"type":"llm","parentId":null,"timestamp":"2026-06-15T08:00:00Z"' '"type":"user","timestamp":"2026-06-15T08:00:00Z"' '"type":"llm","time":1781510400000,"agentId":"main"'; do
		echo '{"id":"r1",'"$more"',"model":"deepseek-v4-flash","usage":{"prompt_tokens":10000,"completion_tokens":200,"prompt_tokens_details":{"cached_tokens":9000}}}' >call.json
		run "$TALLY" replay call.json --at 2026-06-15T08:00:00Z --json; expect 0 '"records": 1' '"total": "0.0002212"'
	done
	# ended between a call's usage and the end of its step; a usage under another name; sums of calls that the file does not hold
	head -n 4 logs/kimi.jsonl >cut.jsonl
	run "$TALLY" replay cut.jsonl --json; expect 3 '"records": 0' 'cut.jsonl:4' 'did not end'
	sed 's/"usage":/"zork":/' logs/pi.jsonl >pi.jsonl
	run "$TALLY" replay pi.jsonl --json; expect 3 'pi.jsonl:4' "'zork'"
	sed 's/"event":/"zork":/' logs/kimi.jsonl >kimi.jsonl
	run "$TALLY" replay kimi.jsonl --json; expect 3 'kimi.jsonl:6' "'usage'"
	grep -v usage_record logs/copilot.jsonl >copilot.jsonl
	run "$TALLY" replay copilot.jsonl --json; expect 0 '"records": 1' '"total": "0.0002212"' # what the session says at its end
	sed '/session.shutdown/s/"modelMetrics"/"zork"/' copilot.jsonl >zork.jsonl
	run "$TALLY" replay zork.jsonl --json; expect 3 'zork.jsonl:6' "counts tokens"
}
@test "advisors, compactions, speed and geography of Claude are billed" {
	mkdir logs
	u='"input_tokens":10000,"output_tokens":100,"cache_read_input_tokens":0,"cache_creation_input_tokens":0'
	line() { printf '{"type":"assistant","timestamp":"2026-06-15T08:00:00Z","sessionId":"s","requestId":"%s","message":{"id":"%s","model":"%s","usage":{%s}}}\n' "$1" "$1" "$2" "$u$3"; }
	# Opus 4.7 asked by Sonnet: 1,000 x 5 + 100 x 25 per million = 0.0075
	line a claude-sonnet-4-6 ',"iterations":[{"type":"message",'"$u"'},{"type":"advisor_message","model":"claude-opus-4-7","input_tokens":1000,"output_tokens":100}]' >logs/a.jsonl
	both 0 2 0.039
	rm -rf logs/* t.db*
	# a compaction of 1,000 in and 100 out at the call's own model: 0.0045
	line b claude-sonnet-4-6 ',"iterations":[{"type":"compaction","input_tokens":1000,"output_tokens":100},{"type":"message",'"$u"'}]' >logs/b.jsonl
	both 0 1 0.036
	rm -rf logs/* t.db*
	line c claude-sonnet-4-6 ',"inference_geo":"us"' >logs/c.jsonl
	both 0 1 0.03465
	rm -rf logs/* t.db*
	line d claude-opus-4-7 ',"speed":"fast"' >logs/d.jsonl
	both 0 1 0.315
	# Sonnet has no fast price: named, never the base price
	line e claude-sonnet-4-6 ',"speed":"fast"' >logs/e.jsonl
	run "$TALLY" replay logs --json; expect 3 '"unpriced": 1' 'fast'
	line f claude-sonnet-4-6 ',"iterations":[{"type":"new_kind","input_tokens":5}]' >logs/f.jsonl
	run "$TALLY" replay logs --json; expect 3 'new_kind'
	rm -rf logs/*
	line g claude-sonnet-4-6 ',"inference_geo":"mars"' >logs/g.jsonl
	# a place without a price: the call is counted, and has none
	run "$TALLY" replay logs --json; expect 3 '"unpriced": 1' "no price for region 'mars'; it has one for 'global', 'not_available', 'us'"
}
@test "what is appended to a log, JSON Lines or CSV while it is followed is read" {
	for kind in log jsonl csv; do
		case $kind in csv) f=a.csv; echo id,time,model,input,output >$f ;; *) f=$kind.jsonl ;; esac
		more() {
			case $kind in
			log) call $f "$1" ;;
			jsonl) printf '{"id":"%s","time":"2026-06-15T08:00:00Z","model":"claude-sonnet-4-6","input":10}\n' "$1" >>$f ;;
			csv) echo "$1,2026-06-15T08:00:00Z,claude-sonnet-4-6,10,1" >>$f ;;
			esac
		}
		# has N: so many records within five seconds
		has() {
			for i in $(seq 50); do
				run "$TALLY" usage --db $kind.db --json; [ "$(json records)" = "$1" ] && return 0; sleep 0.1
			done
			fail "$kind: not $1 records"
		}
		more one
		"$TALLY" ingest --db $kind.db --follow -q $f >/dev/null 2>&1 3>&- & pid=$!
		has 1; more two; has 2; more three; more four; has 4
		kill -INT $pid; wait $pid || true
	done
}
