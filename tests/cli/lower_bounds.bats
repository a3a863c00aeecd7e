# What logs cannot tell is said once: calls that an agent leaves out, answers that were cut.
load common.bash
setup() { common_setup; export TALLY_NOW=2026-11-20T00:00:00Z TALLY_CACHE_DIR=$DIR/cache XDG_CACHE_HOME=$DIR/cache; D=$DIR/m.db; }
# line ID STOP OUTPUT: of a Claude log
line() { printf '{"type":"assistant","sessionId":"s","timestamp":"2026-06-15T10:00:0%s.000Z","requestId":"q%s","message":{"id":"m%s","model":"claude-opus-4-8","stop_reason":%s,"usage":{"input_tokens":10,"output_tokens":%s}}}\n' "$1" "$1" "$1" "$2" "$3"; }
cut() { line 1 null 2; line 1 null 2; line 2 null 1; line 2 '"end_turn"' 40; line 3 null 3; }
whole() { line 2 null 1; line 2 '"end_turn"' 40; }
event() { printf '{"event.name":"claude_code.api_request","event.timestamp":"2026-06-15T10:00:02Z","request_id":"q2","model":"claude-opus-4-8","session.id":"s","input_tokens":10,"output_tokens":40,"cache_read_tokens":0,"cache_creation_tokens":0}\n'; }
@test "placeholders of cut answers are counted and make the total a lower bound" {
	cut >cut.jsonl
	run "$TALLY" replay cut.jsonl; expect 3 '>= $' '2 calls have only the output count of the answer'
	run "$TALLY" replay cut.jsonl --json; expect 3 '"placeholders": 2'
	run "$TALLY" ingest cut.jsonl --db "$D"; expect 0 '2 calls have only the output count'
	run "$TALLY" usage --db "$D"; expect 3 '>= $' '2 calls have only the output count'
	run "$TALLY" usage --db "$D" --json; expect 3 '"placeholders": 2'
	run "$TALLY" usage --db "$D" --model other --json; expect 0 '"placeholders": 0'
	run "$TALLY" daily cut.jsonl; expect 3 '>= $' '2 calls have only the output count'
	run "$TALLY" void m1 --why test --db "$D"; expect 0
	run "$TALLY" usage --db "$D" --json; expect 3 '"placeholders": 1'
}
@test "invoices and files of costs say that they are lower bounds" {
	cut | sed s/claude-opus-4-8/deepseek-v4-flash/ >cut.jsonl; whole | sed s/claude-opus-4-8/deepseek-v4-flash/ >whole.jsonl
	for file in cut whole; do
		rm -rf "$D"*
		"$TALLY" credit account acme --plan vm0 --since 2026-06-01 --db "$D" -q
		"$TALLY" ingest $file.jsonl --customer acme --db "$D" -q
		[ $file = cut ] && is=3 says='2 [a-z]* of the period have only the output count\|2 records have only the output count' || is=0 says=
		for command in 'invoice draft acme --period 2026-06' 'invoice draft acme --period 2026-06 -q' 'invoice finalize 1' 'export focus --since 2026-06-01'; do
			run "$TALLY" $command --db "$D"
			# what is finalized was told by its draft
			[[ $command == *finalize* ]] && ends=0 || ends=$is
			[ "$status" = $ends ] || fail "$file: $command: $status"
			[[ -z $says || $command == *-q ]] || grep -q "$says" <<<"$output" || fail "$file: $command"
			[[ -n $says && $command != *-q ]] || ! grep -q 'output count' <<<"$output" || fail "$file: $command"
		done
	done
}
@test "the overview has the same bounds as the days it adds up" {
	cut | sed "s/2026-06-15/$(date -u +%F)/" >cut.jsonl
	export TZ=UTC
	run "$TALLY" today cut.jsonl; expect 3 '>= $'
	run "$TALLY" overview cut.jsonl; expect 3 'Needs a look' '2 calls have only the output count'
	[ "$(grep -c '>= \$' <<<"$output")" = 4 ] || fail "today, week, month and its model"
	run "$TALLY" overview cut.jsonl --json; expect 3 '"placeholders": 2'
	whole | sed "s/2026-06-15/$(date -u +%F)/" >whole.jsonl
	run "$TALLY" overview whole.jsonl; expect 0
	! grep -q '>=\|Needs' <<<"$output" || fail "nothing is left out"
}
@test "an answer whose end comes later is no placeholder any more" {
	line 3 null 3 >a.jsonl; line 3 '"end_turn"' 30 >b.jsonl
	run "$TALLY" ingest a.jsonl b.jsonl --db "$D"; expect 0
	run "$TALLY" usage --db "$D" --json; expect 0 '"placeholders": 0'
	run "$TALLY" replay b.jsonl a.jsonl --json; expect 0 '"placeholders": 0'
}
@test "an agent whose log leaves calls out is named once, with what has them" {
	whole >log.jsonl; event >event.jsonl
	run "$TALLY" replay log.jsonl; expect 0 'logs of Claude Code leave out calls for titles' 'telemetry'
	case $output in *'>='*) false ;; esac
	run "$TALLY" replay log.jsonl --json; expect 0 '"agent": "Claude Code"' '"completed_by"'
	run "$TALLY" ingest log.jsonl --db "$D"; expect 0 'logs of Claude Code leave out'
	run "$TALLY" usage --db "$D"; expect 0 'logs of Claude Code leave out'
	run "$TALLY" daily log.jsonl --json; expect 0 '"agent": "Claude Code"'
	# its telemetry has every call
	run "$TALLY" replay log.jsonl event.jsonl; expect 0
	case $output in *'leave out'*) false ;; esac
	event | sed "s/q2/q9/" >>event.jsonl # a title, which the log lacks
	run "$TALLY" ingest event.jsonl --db "$D"; expect 0
	run "$TALLY" usage --db "$D"; expect 0
	case $output in *'leave out'*) false ;; esac
	printf 'time,model,input\n2026-06-15T10:00:00Z,deepseek-v4-flash,1\n' >t.csv
	run "$TALLY" replay t.csv --json; expect 0
	case $output in *lower_bound*) false ;; esac
}

@test "a pack of a log is the lower bound that the log is, in every row" {
	for i in 1 2 3 4 5; do
		stop='"end_turn"'; [ $i != 3 ] || stop=null
		printf '{"type":"assistant","sessionId":"s","timestamp":"2026-06-1%dT10:00:00.000Z","requestId":"q%d","message":{"id":"m%d","model":"claude-opus-4-6","stop_reason":%s,"usage":{"input_tokens":1000,"output_tokens":1}}}\n' $i $i $i "$stop"
	done >log.jsonl
	"$TALLY" pack log.jsonl -o log.pack -q
	for by in model day; do
		"$TALLY" replay log.jsonl --by $by --csv >of.log || true
		"$TALLY" replay log.pack --by $by --csv >of.pack || true
		diff of.log of.pack
	done
	grep -q ',1$' of.pack
	for command in "replay --at 2026-06-20" "whatif -s recorded" "migrate --to deepseek-v4-flash"; do
		run "$TALLY" ${command%% *} log.pack ${command#* }
		expect 3 '>= $' 'only the output count of the answer'
	done
	# what has no bound is sums, and equal to the rows
	grep -v null log.jsonl >whole.jsonl
	"$TALLY" pack whole.jsonl -o whole.pack -q
	run "$TALLY" replay whole.pack; expect 0 '$0.0201'
}
@test "rows that do not tell what was cached are priced as if nothing was, and every report says so" {
	printf '{"id":"p","created_at":"2026-06-15T10:00:00Z","ai_model":"gpt-5-mini","req_units":1000000,"res_units":0,"total_units":1000000}\n' >p.jsonl
	run "$TALLY" replay p.jsonl; expect 3 'rows of Portkey do not tell what of the prompts was cached' 'too high or too low'
	run "$TALLY" replay p.jsonl --json; expect 3 '"total": "0.25"' '"cache_untold": true'
	run "$TALLY" daily p.jsonl; expect 3 'rows of Portkey'
	run "$TALLY" ingest p.jsonl --db "$D"; expect 0 'rows of Portkey'
	run "$TALLY" usage --db "$D"; expect 3 'rows of Portkey'
	case $output in *'>='*) fail "it may be less as well" ;; esac
}
@test "cache writes that stay for an untold time make a lower bound, until a log tells it, in either order" {
	printf '{"event.name":"claude_code.api_request","event.timestamp":"2026-06-15T10:00:02Z","request_id":"q2","model":"claude-opus-4-8","session.id":"s","input_tokens":10,"output_tokens":40,"cache_read_tokens":0,"cache_creation_tokens":1000}\n' >e.jsonl
	split() { printf '{"type":"assistant","sessionId":"s","timestamp":"2026-06-15T10:00:02.000Z","requestId":"q2","message":{"id":"m2","model":"claude-opus-4-8","stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":40,"cache_creation_input_tokens":1000,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":%d,"ephemeral_1h_input_tokens":%d}}}}\n' "$1" "$2"; }
	split 1000 0 >five.jsonl; split 400 600 >both.jsonl
	sed 's/tokens":1000/tokens":0/' e.jsonl >none.jsonl
	run "$TALLY" replay none.jsonl; expect 0
	run "$TALLY" replay e.jsonl; expect 3 '>= $' 'cache writes without how long they stay'
	printf '%s\n' '{"type":"session","version":3,"id":"s","timestamp":"2026-06-15T10:00:00.000Z","cwd":"/x"}' \
		'{"type":"message","id":"a","timestamp":"2026-06-15T10:00:01.000Z","message":{"role":"assistant","provider":"anthropic","model":"claude-opus-4-8","responseId":"r","usage":{"input":10,"output":40,"cacheRead":0,"cacheWrite":1000,"totalTokens":1050},"stopReason":"stop","timestamp":1781517601000}}' >pi.jsonl
	run "$TALLY" replay pi.jsonl; expect 3 '>= $' 'cache writes without how long they stay'
	sed -i 's/"cacheWrite":1000,"totalTokens":1050/"cacheWrite":0,"totalTokens":50/' pi.jsonl
	run "$TALLY" replay pi.jsonl; expect 0
	for set in "five e" "e five" "both e" "e both" "e five e"; do
		rm -rf "$D"*; set -- $set
		for f; do run "$TALLY" ingest "$f.jsonl" --db "$D"; expect 0; done
		run "$TALLY" usage --db "$D" --json; expect 0 '"placeholders": 0'
		[[ $set == *both* ]] && want=0.00955 || want=0.0073
		grep -q "\"total\": \"$want\"" <<<"$output" || fail "$set: $output"
		run "$TALLY" replay "${@/%/.jsonl}"; expect 0
	done
}
@test "spans: prompts of which an instrumentation never tells what was cached, and those beside which the cache stands" {
	span() { # SCOPE ATTRIBUTE=NUMBER...
		printf '{"resourceSpans":[{"scopeSpans":[{"scope":{"name":"%s"},"spans":[{"traceId":"t","spanId":"s","name":"chat","startTimeUnixNano":"1781517600000000000","endTimeUnixNano":"1781517601000000000","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.request.model","value":{"stringValue":"claude-sonnet-4-6"}}' "$1"; shift
		for a; do printf ',{"key":"gen_ai.usage.%s","value":{"intValue":"%s"}}' "${a%=*}" "${a#*=}"; done; echo ']}]}]}]}'
	}
	for scope in @opentelemetry/instrumentation-openai @traceloop/instrumentation-openai ai; do
		span $scope input_tokens=1000 output_tokens=10 >s.json
		run "$TALLY" replay s.json; expect 3 'too high or too low'
		span $scope input_tokens=1000 output_tokens=10 cache_read.input_tokens=0 >s.json
		run "$TALLY" replay s.json; expect 0
	done
	span other input_tokens=1000 output_tokens=10 >s.json
	run "$TALLY" replay s.json; expect 0
	# answered, and no usage: a call is missing; one that does not say that it was answered may have failed
	span other >s.json
	run "$TALLY" replay s.json; expect 0
	sed 's/"key":"gen_ai.request.model"/"key":"gen_ai.response.finish_reasons","value":{"arrayValue":{"values":[{"stringValue":"stop"}]}}},{&/' s.json >ended.json
	run "$TALLY" replay ended.json; expect 3 'a call that was answered, and has no usage'
	span @traceloop/instrumentation-openai >s.json
	run "$TALLY" replay s.json; expect 3 'a call that was answered, and has no usage'
	sed -i 's/"name":"chat"/"status":{"code":2},&/' s.json
	run "$TALLY" replay s.json; expect 0
	# the total leaves the cache out, and it might as well lie within the prompt
	span @traceloop/instrumentation-anthropic input_tokens=1000 output_tokens=10 total_tokens=1010 cache_read.input_tokens=400 cache_creation.input_tokens=100 >s.json
	run "$TALLY" replay s.json --json; expect 3 '"input": 1000,' '"cache_read": 400,' '"cache_write_5m": 100,' '"placeholders": 1'
}

@test "what sightings of a call say together does not depend on their order, in a replay as in the meter" {
	# sighting NAME SECOND STOP OUTPUT [MORE]: of the call m
	sighting() { printf '{"type":"assistant","sessionId":"s","timestamp":"2026-06-15T10:00:0%s.000Z","requestId":"q","message":{"id":"m","model":"claude-opus-4-8","stop_reason":%s,"usage":{"input_tokens":10,"cache_creation_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":100},"output_tokens":%s%s}}}\n' "$2" "$3" "$4" "${5-}" >"$1.jsonl"; }
	all_orders() { # EXPECTED A B C
		local want=$1 order got
		for order in "$2 $3 $4" "$2 $4 $3" "$3 $2 $4" "$3 $4 $2" "$4 $2 $3" "$4 $3 $2"; do
			set -- $order
			run "$TALLY" replay $1.jsonl $2.jsonl $3.jsonl --json
			got="$status $(json output) $(json cache_write_1h) $(json placeholders) $(json unpriced)"
			[ "$got" = "$want" ] || fail "replay $order: $got, and not $want"
			rm -rf "$D"*
			for file in $order; do "$TALLY" ingest $file.jsonl --db "$D" -q || [ $? = 3 ]; done
			run "$TALLY" usage --db "$D" --json
			got="$status $(json output) $(json cache_write_1h) $(json placeholders) $(json unpriced)"
			[ "$got" = "$want" ] || fail "ingest $order: $got, and not $want"
		done
	}
	sighting start 1 null 1
	sighting middle 3 null 20
	sighting end 5 '"end_turn"' 40
	all_orders '0 40 100 0 0' start middle end
	# one that is whole and counts less is not all that was answered
	sighting beyond 4 null 50
	all_orders '3 50 100 1 0' start end beyond
	# telemetry has the end of the answer and no lifetime of cache writes, the log's start has that
	printf '{"event.name":"claude_code.api_request","event.timestamp":"2026-06-15T10:00:05Z","request_id":"q","model":"claude-opus-4-8","session.id":"s","input_tokens":10,"output_tokens":40,"cache_read_tokens":0,"cache_creation_tokens":100}\n' >event.jsonl
	all_orders '0 40 100 0 0' start middle event
	# what one of them does not make known leaves the call without a price
	sighting odd 2 null 1 ',"video_tokens":7'
	all_orders '3 40 100 0 1' start odd end
}

# both DB: a call of a log that leaves calls out, and one of a table of acme's
both() {
	whole >log.jsonl
	printf 'id,time,model,customer,input,output\na,2026-06-20T10:07:00Z,deepseek-v4-flash,acme,100,10\n' >table.csv
	"$TALLY" ingest log.jsonl table.csv --db "$1" -q
}
# says WORDS... and not: whether a report tells the gap
tells() { run "$TALLY" "${@:2}" --db "$D"; [ "$status" = 0 ] || fail "$output"; [ "$1" = "$(grep -q 'logs of Claude Code leave out' <<<"$output" && echo yes || echo no)" ] || fail "${*:2}: $output"; }
@test "a report speaks of the sources of its own rows alone, from sums and from rows" {
	both "$D"
	for as in sums again; do
		tells yes usage; tells yes usage --model claude-opus-4-8; tells yes usage --until 2026-06-16; tells yes usage --by session; tells yes usage --by task
		tells yes usage --since 2026-06-15T10:00:01Z --until 2026-06-15T10:00:03Z; tells yes daily
		tells no usage --model deepseek-v4-flash; tells no usage --customer acme; tells no usage --since 2026-06-16; tells no usage --since 2026-06-15T10:00:03Z; tells no daily --since 2026-06-16
		run "$TALLY" usage --customer acme --json --db "$D"; [[ $output != *lower_bound* ]]
		"$TALLY" fsck --db "$D"
		"$TALLY" fsck --rebuild --db "$D"
	done
	# what was voided is not spoken of any more
	"$TALLY" void m2 --why test --db "$D"
	tells no usage
	tells no usage --by session
	# rows of a gateway that do not tell what was cached end with 3 where they are, and nowhere else
	printf '{"result":[{"id":"c1","created_at":"2026-06-18T10:00:00Z","provider":"openai","model":"gpt-5-mini","tokens_in":9,"tokens_out":1,"success":true,"cached":false}]}' >gateway.json
	"$TALLY" ingest gateway.json --db "$D" -q
	run "$TALLY" usage --db "$D"; expect 3 'rows of Cloudflare'
	run "$TALLY" usage --customer acme --db "$D"; expect 0
	[[ $output != *Cloudflare* ]]
}
@test "sources that the sums of an older database do not count are spoken of everywhere, until the next writer has counted them" {
	command -v python3 >/dev/null || skip "no python3"
	[ -z "${TALLY_TEST_SERVER-}" ] || skip "on SQLite"
	both "$D"
	python3 -c "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute(\"DELETE FROM rollup_more WHERE name LIKE 'from %'\"); d.execute(\"DELETE FROM about WHERE key = 'sources'\"); d.commit()" "$D"
	tells yes usage; tells yes usage --customer acme
	"$TALLY" fsck --db "$D"
	sed 's/^a,/b,/' table.csv >more.csv
	"$TALLY" ingest more.csv --db "$D" -q
	tells yes usage; tells no usage --customer acme; tells yes usage --model claude-opus-4-8
	"$TALLY" fsck --db "$D"
}
@test "the overview, drafts, papers and the server say what sources leave out" {
	export TZ=UTC
	whole | sed "s/2026-06-15/$(date -u +%F)/" >log.jsonl
	run "$TALLY" overview log.jsonl; expect 0 'logs of Claude Code leave out'
	run "$TALLY" overview log.jsonl --json; expect 0 '"agent": "Claude Code"'
	for what in whole cut; do
		$what | sed s/claude-opus-4-8/deepseek-v4-flash/ >log.jsonl
		rm -rf "$D"*
		"$TALLY" credit account acme --plan vm0 --since 2026-06-01 --db "$D" -q
		"$TALLY" ingest log.jsonl --customer acme --db "$D" -q
		[ $what = cut ] && is=3 least='>= ' || is=0 least=
		run "$TALLY" invoice draft acme --period 2026-06 --db "$D"; expect $is 'acme: logs of Claude Code leave out'
		run "$TALLY" invoice show 1 --format json --db "$D"; expect 0 '"left_out": [{"agent":"Claude Code"'
		run "$TALLY" invoice show 1 --format text --db "$D"
		output=$(tr -s '\n ' ' ' <<<"$output") # sentences are wrapped
		expect 0 'Usage of Claude Code comes from its logs, which leave some calls out.'
		[ $what = whole ] || expect 0 '>= ' '2 records are counted in part only'
		run "$TALLY" invoice list --db "$D"; expect 0
		[ "$(grep -c '>= ' <<<"$output")" = $((is / 3)) ] || fail "$output"
	done
}
