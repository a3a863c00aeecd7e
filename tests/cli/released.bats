# A record that was held back and is released is the call that was refused: nothing that was known of it is lost.
load common

@test "records released from quarantine are what they would have been: their recorded costs, what is not understood of them, their other ids" {
	cat >or.jsonl <<-'END'
		{"id":"gen-1","provider":"DeepSeek","model":"some/unknown","object":"chat.completion","usage":{"prompt_tokens":800,"completion_tokens":90,"total_tokens":890,"cost":0.5,"is_byok":false}}
		{"id":"gen-2","provider":"DeepSeek","model":"openai/gpt-5","object":"chat.completion","usage":{"prompt_tokens":800,"completion_tokens":90,"total_tokens":890,"cost":0.25,"flux_tokens":3}}
	END
	echo '{"type":"assistant","sessionId":"s","cwd":"/p","uuid":"u","timestamp":"","requestId":"req_1","costUSD":0.75,"message":{"id":"msg_1","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":9}}}' >claude.jsonl
	for f in or claude; do
		"$TALLY" ingest $f.jsonl --db held.db -q >/dev/null 2>&1 || true
		"$TALLY" ingest $f.jsonl --at 2026-06-15T10:00:00Z --db straight.db -q >/dev/null 2>&1 || true
	done
	[ "$(sql held.db 'SELECT count(*) FROM usage')" = 0 ]
	run "$TALLY" quarantine retry --all --at 2026-06-15T10:00:00Z --db held.db
	expect 0 '3 of 3 taken'
	for db in held straight; do
		run "$TALLY" usage --db $db.db --by model --recorded-cost --json
		expect 3 "'usage.flux_tokens' is unknown" || return 1
		printf '%s\n' "$output" >$db.json
		run "$TALLY" explain gen-1 --db $db.db
		expect 0 'openai.chat' '"cost":0.5' 'the seller says that it charged' || return 1
		printf '%s\n' "$output" | grep -v '^row\|^source\|written' >$db.explained
	done
	diff held.json straight.json
	diff held.explained straight.explained
	# its telemetry is the same call, not another
	echo '{"event.name":"claude_code.api_request","event.timestamp":"2026-06-15T10:00:00Z","session.id":"s","request_id":"req_1","model":"claude-sonnet-4-6","input_tokens":3,"output_tokens":9,"cache_read_tokens":0,"cache_creation_tokens":0,"cost_usd":0.75}' >event.jsonl
	run "$TALLY" ingest event.jsonl --db held.db
	expect 0 '1 duplicate'
	# nobody else says what a record was
	echo '{"id":"x","time":"2026-06-15T10:00:00Z","model":"some/unknown","input":10,"sighting":{"charged":"5"}}' >x.jsonl
	"$TALLY" ingest x.jsonl --db other.db -q >/dev/null 2>&1 || true
	run "$TALLY" usage --db other.db
	expect 3 '>= $0'
}
@test "a line of a table is released with all its columns, whatever parts them; one that may be billed leaves it without a price" {
	for separator in , ';' "$(printf '\t')"; do
		printf 'id,time,model,input,output,flux_tokens\na,,gpt-5,10,5,7\nb,,gpt-5,10,5,0\n' | tr , "$separator" >t.csv
		rm -rf m.db*
		"$TALLY" ingest t.csv --db m.db -q >/dev/null 2>&1 || true
		run "$TALLY" quarantine retry --all --at 2026-06-15T10:00:00Z --db m.db
		expect 0 '2 of 2 taken' || return 1
		run "$TALLY" usage --db m.db --json
		expect 3 '"total": "0.0000625"' "'flux_tokens' is of no known meaning" || return 1
	done
}
