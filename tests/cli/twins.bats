#!/usr/bin/env bats
# A log of Codex or Gemini CLI beside the telemetry of the same session: one call, whichever came first.
load common

codex_log() { # of calls "input cached written output reasoning"
	local i=0 ti=0 tc=0 tw=0 to=0 tr=0
	echo '{"timestamp":"2026-06-15T10:00:00Z","type":"session_meta","payload":{"id":"th1","cwd":"/x","cli_version":"0.98.0"}}'
	echo '{"timestamp":"2026-06-15T10:00:00Z","type":"turn_context","payload":{"cwd":"/x","model":"gpt-5.4"}}'
	for call; do
		set -- $call
		i=$((i + 1)) ti=$((ti + $1)) tc=$((tc + $2)) tw=$((tw + $3)) to=$((to + $4)) tr=$((tr + $5))
		printf '{"timestamp":"2026-06-15T10:00:%02dZ","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":%d,"cached_input_tokens":%d,"cache_write_input_tokens":%d,"output_tokens":%d,"reasoning_output_tokens":%d,"total_tokens":%d},"last_token_usage":{"input_tokens":%d,"cached_input_tokens":%d,"cache_write_input_tokens":%d,"output_tokens":%d,"reasoning_output_tokens":%d,"total_tokens":%d}}}}\n' \
			$i $ti $tc $tw $to $tr $((ti + to)) $1 $2 $3 $4 $5 $(($1 + $4))
	done
}
attribute() { case $2 in *[!0-9]*) printf '{"key":"%s","value":{"stringValue":"%s"}}' "$1" "$2" ;; *) printf '{"key":"%s","value":{"intValue":"%s"}}' "$1" "$2" ;; esac; }
codex_event() { # second input cached output
	printf '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"178151760%s000000000","attributes":[%s,%s,%s,%s,%s,%s,%s,%s]}]}]}]}\n' "$1" \
		"$(attribute event.name codex.sse_event)" "$(attribute event.kind response.completed)" "$(attribute event.timestamp "2026-06-15T10:00:0$1.500Z")" \
		"$(attribute conversation.id th1)" "$(attribute model gpt-5.4)" "$(attribute input_token_count "$2")" "$(attribute cached_token_count "$3")" "$(attribute output_token_count "$4")"
}
orders() { # RECORDS INPUT READ WRITE OUTPUT
	local want=("\"records\": $1," "\"input\": $2," "\"cache_read\": $3," "\"cache_write_5m\": $4," "\"output\": $5,")
	for order in "log.jsonl events.jsonl" "events.jsonl log.jsonl"; do
		run "$TALLY" replay $order --json
		expect 0 "${want[@]}"
		rm -rf m.db*
		for f in $order $order; do run "$TALLY" ingest "$f" --db m.db; expect 0; done
		run "$TALLY" usage --db m.db --json
		expect 0 "${want[@]}"
		run "$TALLY" fsck --db m.db
		expect 0 clean
	done
	rm -rf m.db*
	mkdir -p both; cp log.jsonl events.jsonl both
	run "$TALLY" ingest both --db m.db
	expect 0 "$1 accepted"
}

@test "Codex: a call in the log and in the telemetry; calls that only one of them has count, too" {
	codex_log "1000 0 0 10 5" "1500 900 0 20 0" "1500 900 0 20 0" >log.jsonl
	{ codex_event 1 1000 0 10; codex_event 2 1500 900 20; codex_event 3 1500 900 20; codex_event 5 70 0 7; } >events.jsonl
	orders 4 2270 1800 0 57
	# of two equal calls the telemetry has one
	{ codex_event 1 1000 0 10; codex_event 2 1500 900 20; } >events.jsonl
	orders 3 2200 1800 0 50
	# and the log
	codex_log "1000 0 0 10 5" "1500 900 0 20 0" >log.jsonl
	{ codex_event 1 1000 0 10; codex_event 2 1500 900 20; codex_event 3 1500 900 20; } >events.jsonl
	orders 3 2200 1800 0 50
}

@test "Codex: what the telemetry does not tell of cache writes stays as the log says" {
	codex_log "1000 200 300 10 5" >log.jsonl
	codex_event 1 1000 200 10 >events.jsonl
	sed -i 's/gpt-5\.4/claude-sonnet-4-6/' log.jsonl events.jsonl
	orders 1 500 200 300 10
	# the same where the event is the earlier of the two, so that the stored call is last told by it
	sed -i 's/10:00:01\.500Z/09:59:59.500Z/' events.jsonl
	orders 1 500 200 300 10
}

@test "Qwen Code: an answer that does not tell what was cached, and the event of it, in files of their own" {
	line='"sessionId":"s","timestamp":"2026-06-15T10:00:00Z"' names='"event.name":"qwen-code.api_response","event.timestamp":"2026-06-15T10:00:00Z","response_id":"q","model":"qwen3-coder-plus"'
	echo '{"uuid":"u",'"$line"',"type":"system","subtype":"ui_telemetry","systemPayload":{"uiEvent":{'"$names"',"input_token_count":20,"output_token_count":9,"cached_content_token_count":8,"total_token_count":29}}}' >events.jsonl
	echo '{"uuid":"v",'"$line"',"type":"assistant","model":"qwen3-coder-plus","usageMetadata":{"promptTokenCount":20,"candidatesTokenCount":9,"totalTokenCount":29}}' >log.jsonl
	orders 1 12 8 0 9
}

@test "Gemini CLI: a message of the log and its event" {
	cat >log.jsonl <<-EOF
		{"sessionId":"g1","projectHash":"p","startTime":"2026-06-15T10:00:00Z","lastUpdated":"2026-06-15T10:00:00Z","kind":"main"}
		{"id":"m1","timestamp":"2026-06-15T10:00:01Z","type":"gemini","model":"gemini-2.5-pro","tokens":{"input":1200,"output":50,"cached":1000,"thoughts":30,"tool":20,"total":1300}}
		{"id":"m2","timestamp":"2026-06-15T10:00:09Z","type":"gemini","model":"gemini-2.5-pro","tokens":{"input":10,"output":5,"cached":0,"thoughts":0,"tool":0,"total":15}}
	EOF
	printf '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1781517602000000000","attributes":[%s,%s,%s,%s,%s,%s,%s,%s,%s]}]}]}]}\n' \
		"$(attribute event.name gemini_cli.api_response)" "$(attribute event.timestamp 2026-06-15T10:00:02.000Z)" "$(attribute session.id g1)" "$(attribute model gemini-2.5-pro)" \
		"$(attribute input_token_count 1200)" "$(attribute output_token_count 50)" "$(attribute cached_content_token_count 1000)" "$(attribute thoughts_token_count 30)" \
		"$(attribute tool_token_count 20)" >events.jsonl
	orders 2 230 1000 0 85
}
@test "the output of a run and the log of its session count once, whichever comes first" {
	mkdir -p log/projects/p
	call() { echo '{"type":"assistant","sessionId":"'"$1"'","cwd":"/p","uuid":"u'"$2"'","timestamp":"2026-06-15T10:00:0'"$2"'Z","requestId":"req_'"$2"'","message":{"id":"msg_'"$2"'","type":"message","role":"assistant","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":1000,"output_tokens":100}}}'; }
	printed() { echo '{"type":"result","subtype":"success","session_id":"'"$1"'","uuid":"r-'"$1$3"'","num_turns":2,"usage":{"input_tokens":'"$2"',"output_tokens":'$(($2 / 10))'},"modelUsage":{"claude-sonnet-4-6[1m]":{"inputTokens":'"$2"',"outputTokens":'$(($2 / 10))'},"claude-haiku-4-5-20251001":{"inputTokens":500,"outputTokens":10}}}'; }
	{ call s 1; call s 2; } >log/projects/p/s.jsonl
	# the next session repeats what was said before
	{ call t 1; call t 2; call t 3; } >log/projects/p/t.jsonl
	printed s 2000 1 >s.json
	printed s 2000 2 >s2.json # of other calls, which count as much
	{ call s 5; call s 6; } >log/projects/p/s2.jsonl
	printed t 1000 1 >t.json
	# two calls of 0.0045; each run had a call of another model, 0.00055, of which the log does not tell
	both() { # TOTAL FILES: in any order, in a replay and in a database
		local total=$1 order
		shift
		for order in "$*" "$(printf '%s\n' "$@" | tac | tr '\n' ' ')"; do
			run "$TALLY" replay $order --at 2026-06-15T12:00:00Z --json -q
			expect 0 "\"total\": \"$total\"" || return 1
			rm -rf b.db*
			for again in 1 2; do
				for f in $order; do "$TALLY" ingest $f --at 2026-06-15T12:00:00Z --db b.db -q >/dev/null 2>&1 || [ $? = 3 ] || fail "ingest of $f"; done
				run "$TALLY" usage --db b.db --json
				expect 0 "\"total\": \"$total\"" || return 1
			done
			run "$TALLY" fsck --db b.db
			expect 0 || return 1
		done
	}
	both 0.009 log/projects/p/s.jsonl
	both 0.00955 log/projects/p/s.jsonl s.json
	both 0.0191 log/projects/p/s.jsonl log/projects/p/s2.jsonl s.json s2.json
	both 0.0146 log/projects/p/t.jsonl log/projects/p/s.jsonl s.json t.json
	# one thread of Codex, whose sum names no model; OpenCode's steps, which do not either
	printf '%s\n' '{"timestamp":"2026-06-15T10:00:00Z","type":"session_meta","payload":{"id":"th","cwd":"/p"}}' '{"timestamp":"2026-06-15T10:00:00Z","type":"turn_context","payload":{"model":"gpt-5"}}' \
		'{"timestamp":"2026-06-15T10:00:01Z","type":"token_usage_record","payload":{"response_id":"resp_1","thread_id":"th","usage":{"input_tokens":1000,"cached_input_tokens":0,"output_tokens":100,"reasoning_output_tokens":0,"total_tokens":1100}}}' >rollout.jsonl
	printf '%s\n' '{"type":"thread.started","thread_id":"th"}' '{"type":"turn.started"}' '{"type":"turn.completed","usage":{"input_tokens":1000,"cached_input_tokens":0,"output_tokens":100}}' >exec.jsonl
	both 0.00225 rollout.jsonl exec.jsonl
}

# --- pieces of what a run prints, beside the whole of it ---
# One run of two calls (100 tokens in each), which its result sums up as 200 in and 50 out: 0.00135 at 3 and 15 dollars. Answers name 2 tokens out each.
run_line() { # LINE SESSION NUMBER
	case $1 in
	start) echo '{"type":"system","subtype":"init","session_id":"'"$2"'","model":"claude-sonnet-4-6"}' ;;
	answer) echo '{"type":"assistant","session_id":"'"$2"'","uuid":"u'"$3"'","request_id":"req_'"$3"'","message":{"id":"msg_'"$3"'","type":"message","role":"assistant","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":100,"output_tokens":2}}}' ;;
	result) echo '{"type":"result","session_id":"'"$2"'","uuid":"r'"$3"'","num_turns":2,"usage":{"input_tokens":200,"output_tokens":50},"modelUsage":{"claude-sonnet-4-6":{"inputTokens":200,"outputTokens":50}}}' ;;
	log) echo '{"type":"assistant","sessionId":"'"$2"'","uuid":"t'"$3"'","timestamp":"2026-06-15T10:00:0'"$3"'Z","requestId":"req_'"$3"'","message":{"id":"msg_'"$3"'","type":"message","role":"assistant","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":100,"output_tokens":25}}}' ;;
	esac
}
permuted() { # every order of the words, a line each
	local i
	[ $# -gt 1 ] || { echo "$1"; return; }
	for ((i = 1; i <= $#; i++)); do permuted "${@:1:i-1}" "${@:i+1}" | sed "s/^/${!i} /"; done
}
every_order() { # TOTAL FILES: of a replay and of a database, which gets each once and twice; total "told": exit status 3 and never more than the truth
	local total=$1 order again f told
	shift
	permuted "$@" >orders
	! on_server || sed -i '1~2d' orders # another engine, the same rule
	while read -r order; do
		run "$TALLY" replay $order --at 2026-06-15T12:00:00Z --json -q
		if [ "$total" = told ]; then expect 3 || return 1; else expect 0 "\"total\": \"$total\"" || return 1; fi
		rm -rf o.db* && told=0
		for again in 1 2; do
			for f in $order; do "$TALLY" ingest "$f" --at 2026-06-15T12:00:00Z --db o.db -q >/dev/null 2>&1 || { [ $? = 3 ] && told=3; } || fail "ingest of $f"; done
			run "$TALLY" usage --db o.db --json
			if [ "$total" = told ]; then [ $told = 3 ] || [ "$status" = 3 ] || fail "not told: $order, $again times: $output"; else expect 0 "\"total\": \"$total\"" || return 1; fi
		done
		run "$TALLY" fsck --db o.db
		expect 0 clean || return 1
	done <orders
}

@test "a piece of what a run printed, beside the whole of it, counts once in every order" {
	for n in 1 2; do run_line answer s $n >answer$n; run_line log s $n; done >log.jsonl
	{ run_line start s; cat answer1 answer2; run_line result s 1; } >whole.jsonl
	head -2 whole.jsonl >cut.jsonl
	tail -2 whole.jsonl >tail.jsonl
	tail -1 whole.jsonl >end.jsonl
	# another run of the session, that was cut
	{ run_line start s; run_line answer s 3; } >other.jsonl
	every_order 0.00135 whole.jsonl tail.jsonl
	every_order 0.00135 whole.jsonl cut.jsonl log.jsonl
	every_order 0.00168 whole.jsonl other.jsonl
	run "$TALLY" replay whole.jsonl end.jsonl other.jsonl --at 2026-06-15T12:00:00Z --json -q
	expect 0 '"total": "0.00168"'
	every_order 0.00168 log.jsonl other.jsonl
	# the end alone does not say which calls it counts
	every_order told end.jsonl cut.jsonl
	every_order told tail.jsonl cut.jsonl
	every_order told end.jsonl other.jsonl
}

@test "the output of a run that counts more than the log of its session is told" {
	for n in 1 2; do run_line answer s $n >answer$n; run_line log s $n >log$n.jsonl; done
	cat log1.jsonl log2.jsonl >log.jsonl
	{ run_line start s; cat answer1 answer2; run_line result s 1; } >whole.jsonl
	{ run_line start s; run_line answer s 3; run_line result s 2; } >later.jsonl
	tail -1 whole.jsonl >end.jsonl
	every_order told whole.jsonl log1.jsonl
	every_order told log.jsonl later.jsonl
	every_order told end.jsonl log1.jsonl
	# of two results that show no calls each is as large as the log, and both are more
	run_line result s 9 >second.jsonl
	for f in log.jsonl end.jsonl second.jsonl; do "$TALLY" ingest $f --at 2026-06-15T12:00:00Z --db two.db -q >/dev/null || [ $? = 3 ]; done
	run "$TALLY" usage --db two.db
	expect 3 "counts more than the calls of its session"
	# and once its calls are there, they count: 3 of 25 tokens
	run_line log s 3 >log3.jsonl
	"$TALLY" ingest later.jsonl --at 2026-06-15T12:00:00Z --db l.db -q
	run "$TALLY" ingest log.jsonl --db l.db
	run "$TALLY" usage --db l.db
	expect 3 "counts more than the calls of its session"
	"$TALLY" ingest log3.jsonl --db l.db -q
	run "$TALLY" usage --db l.db --json
	expect 0 '"total": "0.002025"' '"records": 3,'
	every_order 0.00135 whole.jsonl end.jsonl log.jsonl
	# a smaller run of the session, of which the log does not tell, and with its call
	run_line result s 7 | sed 's/:200/:60/g; s/:50/:20/g' >small.json
	run_line log s 4 | sed 's/:100/:60/; s/:25}/:20}/' >log4.jsonl
	every_order told log.jsonl small.json
	every_order 0.00183 log.jsonl log4.jsonl small.json
}
