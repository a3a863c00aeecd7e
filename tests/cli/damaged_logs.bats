# Logs as crashes, other programs and other systems leave them: nothing that counts is taken for nothing.
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
