# Thinking effort: read wherever a source states it, kept, grouped by, and used by rules.
# with sanitizers, too
load common.bash
setup() { common_setup; export TALLY_NOW=2026-11-20T00:00:00Z; D=$DIR/m.db; }
# what each row of --by effort is called, and its records
efforts() { "$TALLY" "$@" --by effort --json | grep -oE '"effort": *"[^"]*"|"effort": *null' | sed 's/.*: *//' | sort | uniq | paste -sd' '; }
sources() {
	cat >openai.jsonl <<-'L'
	{"id":"r1","object":"response","created_at":1781517600,"model":"deepseek-v4-flash","reasoning":{"effort":"high","summary":null},"usage":{"input_tokens":10,"output_tokens":5,"total_tokens":15}}
	{"id":"r2","object":"chat.completion","created":1781517600,"model":"deepseek-v4-flash","reasoning_effort":"max","usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}
	{"id":"r3","object":"chat.completion","created":1781517600,"model":"deepseek-v4-flash","request":{"thinking":{"type":"enabled","budget_tokens":8000}},"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}
	{"id":"r4","object":"chat.completion","created":1781517600,"model":"deepseek-v4-flash","request":{"body":"{\"thinking\":{\"type\":\"disabled\"}}"},"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}
	L
	cat >codex.jsonl <<-'L'
	{"timestamp":"2026-06-15T10:00:00Z","type":"session_meta","payload":{"id":"t1","cwd":"/p"}}
	{"timestamp":"2026-06-15T10:00:01Z","type":"turn_context","payload":{"model":"gpt-5.1","effort":"xhigh"}}
	{"timestamp":"2026-06-15T10:00:02Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":10,"cached_input_tokens":0,"output_tokens":5,"reasoning_output_tokens":0,"total_tokens":15},"last_token_usage":{"input_tokens":10,"cached_input_tokens":0,"output_tokens":5,"reasoning_output_tokens":0,"total_tokens":15}}}}
	{"timestamp":"2026-06-15T10:00:03Z","type":"turn_context","payload":{"model":"gpt-5.1","collaboration_mode":{"settings":{"reasoning_effort":"minimal"}}}}
	{"timestamp":"2026-06-15T10:00:04Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":30,"cached_input_tokens":0,"output_tokens":10,"reasoning_output_tokens":0,"total_tokens":40},"last_token_usage":{"input_tokens":20,"cached_input_tokens":0,"output_tokens":5,"reasoning_output_tokens":0,"total_tokens":25}}}}
	L
	cat >claude.jsonl <<-'L'
	{"type":"assistant","sessionId":"s","timestamp":"2026-06-15T10:00:00Z","requestId":"q1","effort":"low","message":{"id":"m1","model":"claude-opus-4-8","stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":5}}}
	{"type":"assistant","sessionId":"s","timestamp":"2026-06-15T10:00:01Z","requestId":"q2","effort":"medium","message":{"id":"m2","model":"claude-opus-4-8","stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":5}}}
	L
	cat >litellm.jsonl <<-'L'
	{"id":"l1","call_type":"acompletion","response_cost":0.1,"model":"deepseek-v4-flash","startTime":1781517600,"endTime":1781517601,"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"model_parameters":{"reasoning_effort":"lite"}}
	L
	cat >otlp.json <<-'L'
	{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"t","spanId":"a","startTimeUnixNano":"1781517600000000000","attributes":[{"key":"gen_ai.request.reasoning_effort","value":{"stringValue":"otel"}},{"key":"gen_ai.request.model","value":{"stringValue":"deepseek-v4-flash"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"10"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":"5"}}]}]}]}]}
	L
	printf 'time,model,effort,input,output\n2026-06-15T10:00:00Z,deepseek-v4-flash,native,10,5\n' >native.csv
}
@test "every source that states an effort has it read, stored and grouped by" {
	sources
	for f in openai.jsonl:'"8000" "high" "max" "none"' codex.jsonl:'"minimal" "xhigh"' claude.jsonl:'"low" "medium"' litellm.jsonl:'"lite"' otlp.json:'"otel"' native.csv:'"native"'; do
		want=${f#*:} f=${f%%:*}
		got=$(efforts replay "$f") || true
		[ "$got" = "$want" ] || { echo "replay $f: $got"; false; }
		run "$TALLY" ingest "$f" --db "$DIR/$f.db"
		got=$(efforts usage --db "$DIR/$f.db") || true
		[ "$got" = "$want" ] || { echo "usage $f: $got"; false; }
	done
}
@test "an effort survives an export and a move, and corrections keep it" {
	sources
	run "$TALLY" ingest openai.jsonl --db "$D"; expect 0
	run "$TALLY" export csv --db "$D"; expect 0
	printf '%s\n' "$output" >e.csv
	[ "$(efforts replay e.csv)" = '"8000" "high" "max" "none"' ]
	[ "$(efforts usage --db "$D" --model deepseek-v4-flash)" = '"8000" "high" "max" "none"' ]
	run "$TALLY" void r2 --why test --db "$D"; expect 0
	[ "$(efforts usage --db "$D")" = '"8000" "high" "none"' ]
	run "$TALLY" fsck --db "$D"; expect 0
}
@test "a database from before keeps its series, which state no effort" {
	{
		"$ROOT"/tools/schema sqlite "$ROOT"/meter/sql/000[1-9]_*.sql "$ROOT"/meter/sql/001[01]_*.sql
		echo "INSERT INTO subject VALUES(1,'p','m','',''); INSERT INTO series VALUES(7,'c','j','w',1);"
		"$ROOT"/tools/schema sqlite "$ROOT"/meter/sql/0012_*.sql
		echo "SELECT 'kept',id,customer,project,workload,effort,subject FROM series;"
	} >step.sql
	run sqlite3 old.db <step.sql; expect 0 'kept|7|c|j|w||1'
}
@test "rules of a what-if ask for the effort of stored calls" {
	sources
	run "$TALLY" ingest openai.jsonl --db "$D"; expect 0
	printf '{"rules":[{"when":{"effort":"max"},"model":"deepseek-v4-pro"}],"otherwise":"recorded"}' >r.json
	run "$TALLY" whatif --db "$D" -s recorded -s rules:r.json --json; expect 0 'deepseek-v4-pro'
}
