#!/usr/bin/env bats
# One way from a trace, a log or a pack to calls: the replay, what-ifs and packs read the same calls at the same instants, and refuse the same.
# with sanitizers, too
load common
setup() { common_setup; export TALLY_DB=$DIR/none.db; }

# a document without the names of its files; its groups
without_names() {
	python3 -c "
import json, sys
def strip(v):
    return {k: strip(x) for k, x in v.items() if k not in ('files', 'path', 'trace')} if isinstance(v, dict) else [strip(x) for x in v] if isinstance(v, list) else v
print(json.dumps(strip(json.load(sys.stdin)), sort_keys=True, indent=1))"
}
groups() { python3 -c "import json, sys; print(json.load(sys.stdin)['groups'])"; }

@test "a call of which only the completion is known happened then, for every reader" {
	printf 'completed,model,input\n2026-06-15T02:00:00Z,deepseek-v4-flash,1000000\n2026-06-15T05:00:00Z,deepseek-v4-flash,1000000\n' >only.csv
	printf 'time,model,input\n2026-06-15T02:00:00Z,deepseek-v4-flash,1000000\n2026-06-15T05:00:00Z,deepseek-v4-flash,1000000\n' >start.csv
	for options in '' '--at 2026-07-01T00:00:00Z' '--since 2026-06-15T04:00:00Z'; do
		for what in 'replay --by day' 'whatif --scenario all=deepseek-v4-flash'; do
			set -- $what; command=$1; shift
			run "$TALLY" $command only.csv "$@" $options --json; expect 0
			only=$(without_names <<<"$output")
			run "$TALLY" $command start.csv "$@" $options --json; expect 0
			diff <(echo "$only") <(without_names <<<"$output")
		done
	done
	# begins at --at, whichever of the two tells the first
	run "$TALLY" replay only.csv --at 2026-07-01T00:00:00Z --by day --json; expect 0 '2026-07-01'
	case $output in *2026-06* | *2082*) fail 'a call lies elsewhere' ;; esac
}
@test "replay, what-if and pack refuse the same lines with the same words" {
	{
		echo 'time,model,input'
		echo '2026-06-15T02:00:00Z,deepseek-v4-flash,10'
		echo ',deepseek-v4-flash,10'
		echo '2026-06-15T02:00:00Z,deepseek-v4-flash,x'
		printf '2026-06-15T02:00:00Z,deepseek-v4-flash,1%01100000d\n' 0
		echo '2026-06-15T02:00:00Z,deepseek-v4-flash,20'
	} >bad.csv
	"$TALLY" replay bad.csv 2>&1 >/dev/null | grep -o 'bad.csv:[0-9]*: .*' >replay.err || true
	"$TALLY" whatif bad.csv --scenario all=deepseek-v4-flash 2>&1 >/dev/null | grep -o 'bad.csv:[0-9]*: .*' >whatif.err || true
	"$TALLY" pack bad.csv -o bad.pack 2>&1 >/dev/null | grep -o 'bad.csv:[0-9]*: .*' >pack.err || true
	cat replay.err
	[ "$(cut -d: -f2 replay.err | tr '\n' ' ')" = '3 4 5 ' ]
	grep -q "^bad.csv:3: field 'time' is empty" replay.err
	grep -q '^bad.csv:5: the line is longer than' replay.err
	diff replay.err whatif.err
	diff replay.err pack.err
}
@test "a what-if and a pack read standard input; traces and logs are not mixed" {
	printf 'time,model,input\n2026-06-15T02:00:00Z,deepseek-v4-flash,1000000\n' >t.csv
	run "$TALLY" whatif - --scenario all=deepseek-v4-flash --json <t.csv; expect 0
	cat t.csv | { run "$TALLY" whatif - --at 2026-07-01 --scenario all=deepseek-v4-flash --json; expect 0; }
	run "$TALLY" pack - -o t.pack <t.csv; expect 0 '1 call of 1'
	[ "$("$TALLY" replay t.pack --by day --json | groups)" = "$("$TALLY" replay t.csv --by day --json | groups)" ]
	mkdir logs
	for command in replay 'whatif --scenario all=deepseek-v4-flash' 'pack -o x.pack'; do
		run "$TALLY" $command t.csv logs; expect 2 'some of the files are logs of calls and some are traces'
		run "$TALLY" $command t.csv t.pack; expect 2 'some of the files are packs and some are not'
	done
}
