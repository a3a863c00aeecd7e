# Logs as crashes, other programs and other systems leave them: nothing that counts is taken for nothing.
# with sanitizers, too
load common

line() { echo '{"type":"assistant","sessionId":"s","cwd":"/p","uuid":"u'$1'","timestamp":"2026-06-15T10:00:00Z","requestId":"r'$1'","message":{"id":"m'$1'","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":'$1'}}}'; }
@test "two lines of a log that became one are named, whichever is read first" {
	for first in 1 ""; do
		{ [ -z "$first" ] || line 1; printf %s "$(line 2)"; line 3; line 4; } >t.jsonl
		run "$TALLY" replay t.jsonl
		expect 3 't.jsonl:' 'text follows the value' || return 1
		rm -rf m.db*
		run "$TALLY" ingest t.jsonl --db m.db
		expect 3 '1 quarantined' || return 1
	done
	# a key that occurs twice, where lines are skimmed
	{ line 1; line 2 | sed 's/"usage":/"usage":{"input_tokens":1,"output_tokens":1},"usage":/'; line 3 | sed 's/"model"/"model":"x","model"/'; } >t.jsonl
	run "$TALLY" replay t.jsonl
	expect 3 't.jsonl:2' 't.jsonl:3'
}
@test "a log in UTF-16 is read or named in a folder of others, never taken for nothing" {
	mkdir logs
	line 1 >logs/good.jsonl
	for coding in UTF-16 UTF-16LE UTF-16BE; do
		line 2 | iconv -f UTF-8 -t $coding >logs/wide.jsonl
		run "$TALLY" replay logs --json
		case $status in
		0) expect 0 '"records": 2' ;;
		*) expect 3 wide.jsonl '"records": 1' ;;
		esac || return 1
		rm -rf m.db*
		run "$TALLY" ingest logs --db m.db
		case $status in
		0) expect 0 '2 accepted' ;;
		*) expect 3 wide.jsonl '1 accepted' ;;
		esac || return 1
	done
}
@test "of a packed log that was cut, the lines before its end are stored, whatever they are" {
	mkdir logs
	for n in 1 2; do printf '{"id":"c%d","object":"chat.completion","created":1781517600,"model":"gpt-5-mini","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}\n' $n; done | gzip | head -c -6 >logs/a.jsonl.gz
	run "$TALLY" replay logs
	expect 3 'a.jsonl.gz' 'end too early'; [[ $output != *'first line beside it'* ]]
	run "$TALLY" ingest logs --db m.db
	expect 3 '2 accepted' 'could not be read'
}
crash() { head -c 4096 /dev/zero; }
# both RECORDS STATUS FILE [WORDS]: the replay and the meter count that many calls
both() {
	run "$TALLY" replay "$3" --json
	expect "$2" "\"records\": $1" "${@:4}" || return 1
	rm -rf m.db*
	run "$TALLY" ingest "$3" --db m.db
	expect "$2" " $1 accepted" "${@:4}"
}
@test "bytes of zero that a crash left are no line: what stands between them counts, and a torn call is named" {
	TOLD='4,096 bytes of zero'
	torn=$(line 2)
	{ line 1 && line 2 && crash; } >tail.jsonl && both 2 0 tail.jsonl "$TOLD" || return 1
	{ line 1 && printf %s "$(line 2)" && crash; } >cut.jsonl && both 2 0 cut.jsonl "$TOLD" || return 1
	{ line 1 | python3 -m json.tool && crash; } >pretty.json; run "$TALLY" replay pretty.json; expect 3 "$TOLD" || return 1
	{ line 1 && crash && line 2 && line 3; } >within.jsonl && both 3 0 within.jsonl "$TOLD" || return 1
	{ line 1 && printf %s "${torn:0:150}" && crash && line 3; } >torn.jsonl && both 2 3 torn.jsonl torn.jsonl:2 || return 1
	{ line 1 && printf %s "${torn:0:150}" && crash && echo '{"type":"user","sessionId":"s"}' && line 3; } >user.jsonl && both 2 3 user.jsonl user.jsonl:2 || return 1
	# traces of one's own
	row='{"id":"%s","time":"2026-06-15T10:00:00Z","model":"claude-sonnet-4-6","input":10,"output":5}\n'
	{ printf "$row$row" a b && crash; } >own.jsonl && both 2 0 own.jsonl || return 1
	{ printf 'id,time,model,input,output\na,2026-06-15T10:00:00Z,gpt-4o,10,5\nb,2026-06-15' && crash && printf '\nc,2026-06-15T10:00:00Z,gpt-4o,10,5\n'; } >own.csv && both 2 3 own.csv own.csv:3
}
@test "a file of what was asked of a batch is named as that, and is nothing among others" {
	mkdir logs
	line 1 >logs/good.jsonl
	echo '{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-5","max_tokens":1000}}' >logs/openai.jsonl
	echo '{"custom_id":"a","params":{"model":"claude-sonnet-4-6","max_tokens":1000}}' >logs/anthropic.jsonl
	echo '{"key":"a","request":{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"maxOutputTokens":50}}}' >logs/gemini.jsonl
	echo '{"recordId":"r","modelInput":{"max_tokens":100,"messages":[]}}' >logs/bedrock.jsonl
	both 1 0 logs || return 1
	for f in openai anthropic gemini bedrock; do
		run "$TALLY" replay logs/$f.jsonl
		expect 3 'requests of a batch' || return 1
	done
	# results of Amazon Bedrock, at half the price, and one that failed
	printf '%s\n' '{"recordId":"r","modelInput":{},"modelOutput":{"inputTextTokenCount":8,"results":[{"tokenCount":3,"outputText":"b","completionReason":"FINISH"}]}}' \
		'{"recordId":"s","modelInput":{},"error":{"errorCode":400,"errorMessage":"bad request"}}' >results.jsonl
	run "$TALLY" replay results.jsonl --model anthropic.claude-3-haiku-20240307-v1:0 --at 2026-06-15T10:00:00Z --json
	expect 3 '"records": 1' '"input": 8' '"output": 3' "no price for service tier 'batch'"
}
@test "watsonx.ai tells the counts of each result" {
	echo '{"model_id":"ibm/granite","created_at":"2026-06-15T10:00:00.000Z","results":[{"generated_text":"x","generated_token_count":30,"input_token_count":100,"stop_reason":"eos_token","seed":7},{"generated_text":"y","generated_token_count":5,"input_token_count":20,"stop_reason":"eos_token"}]}' >wx.json
	run "$TALLY" replay wx.json --json
	expect 3 '"input": 120' '"output": 35' '"unpriced": 1' || return 1
	sed 's/"seed":7/"audio_count":7/' wx.json >more.json
	run "$TALLY" replay more.json
	expect 3 'audio_count' || return 1
	sed 's/eos_token/not_finished/' wx.json >piece.json
	run "$TALLY" replay piece.json
	expect 3 'piece of an answer'
}
@test "a part of a Codex log without its beginning: its session is in its name, and what only running totals tell has no price" {
	id=01a21f78-be5d-74f1-a147-1c146eb0eaeb
	total() { echo '{"timestamp":"2026-06-15T10:00:0'$1'Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":'$((1000 * $1))',"output_tokens":'$((10 * $1))',"total_tokens":'$((1010 * $1))'},"last_token_usage":{"input_tokens":1000,"output_tokens":10,"total_tokens":1010}}}}'; }
	answer() { echo '{"timestamp":"2026-06-15T10:00:0'$1'Z","type":"token_usage_record","payload":{"response_id":"r'$1'","thread_id":"'$id'","usage":{"input_tokens":1000,"output_tokens":10,"total_tokens":1010},"thread_token_usage":{"input_tokens":'$((1000 * $1))',"output_tokens":'$((10 * $1))',"total_tokens":'$((1010 * $1))'}}}'; }
	turn='{"timestamp":"2026-06-15T10:00:00Z","type":"turn_context","payload":{"model":"gpt-5.4"}}'
	head() { echo '{"timestamp":"2026-06-15T10:00:00Z","type":"session_meta","payload":{"id":"'$id'","cwd":"/p"}}' && echo "$turn"; }
	mkdir whole old
	{ head && total 1 && total 2; } >whole/rollout-2026-06-15T10-00-00-$id.jsonl
	{ echo "$turn" && total 2 && total 3; } >old/rollout-2026-06-15T10-00-00-$id-2.jsonl
	# of a thread that it may have been forked from, nothing is known
	run "$TALLY" replay whole old --json
	expect 3 '"records": 3' "the beginning of the log is missing" || return 1
	run "$TALLY" ingest whole old --db m.db
	expect 3 '3 accepted, 1 duplicate' || return 1
	{ head && answer 1 && total 1 && answer 2; } >whole/rollout-2026-06-15T10-00-00-$id.jsonl
	{ echo "$turn" && total 2 && answer 3 && total 3; } >old/rollout-2026-06-15T10-00-00-$id-2.jsonl
	run "$TALLY" replay whole old --json
	[[ $output == *'"records": 3'* ]] || fail "$output"
}
