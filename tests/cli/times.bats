#!/usr/bin/env bats
# Time as people say it, in every command that takes it.
load common

# arguments COMMAND: what it needs beside options to look at its time at all
arguments() {
	case $1 in
	replay | 'sim fit') echo "$ROOT/examples/blocks.jsonl" ;;
	cache) echo "$ROOT/examples/blocks.jsonl --rule vendor -m deepseek-v4-flash" ;;
	'price sql') echo "--dialect sqlite" ;;
	whatif) echo "-s flash=deepseek-v4-flash" ;;
	migrate) echo "--to deepseek-v4-flash" ;;
	'credit account') echo "someone --plan vm0" ;;
	'invoice pay') echo "1 5" ;;
	'invoice show') echo 1 ;;
	credit\ * | invoice\ *) echo contoso ;;
	reconcile) echo bill.csv ;;
	export) echo csv ;;
	ingest) echo "$ROOT/examples/sample.csv" ;;
	'advise cache') echo "$ROOT/examples/sample.csv --on claude-sonnet-4-6" ;;
	'advise switch') echo "--from deepseek-v4-flash --to deepseek-v4-pro --prompt 5000" ;;
	'advise hits') echo "$ROOT/examples/sample.csv --from deepseek-v4-flash --to deepseek-v4-pro" ;;
	cost) echo "-m deepseek-v4-flash --input 1" ;;
	'price show' | 'price history') echo deepseek-v4-flash ;;
	plan) echo "-m deepseek-v4-flash --per-day 1 --input 1 --output 1 --days 1" ;;
	esac
}

@test "every command that takes a time takes it as people say it, and refuses what is none" {
	"$TALLY" ingest --db t.db -q "$ROOT/examples/sample.csv"
	"$TALLY" credit account contoso --db t.db --plan vm0 --since 2026-08-01 -q
	"$TALLY" credit draw --db t.db -q
	"$TALLY" invoice draft contoso --db t.db --period 2026-08 -q
	printf 'day,model,cost\n2026-08-24,deepseek-v4-flash,0.30\n' >bill.csv
	export TALLY_DB=$DIR/t.db TZ=UTC HOME=$DIR
	n=0
	while read -r command; do
		help=$("$TALLY" help $command)
		for option in since until period at start; do
			grep -qE -- "--$option (WHEN|DAY)" <<<"$help" || continue
			# a month, as the next test has it
			[ "$command $option" != 'invoice draft period' ] || continue
			n=$((n + 1))
			run timeout 20 "$TALLY" $command $(arguments "$command") --$option soonish </dev/null
			[[ $status = 2 && $output == *"--$option: 'soonish' is not a known time; write a day ("* ]] || fail "$command --$option soonish"
			for when in 'Last Month' 2026/08/25; do
				run timeout 20 "$TALLY" $command $(arguments "$command") --$option "$when" </dev/null
				[[ $output != *'not a known time'* && $output != *'is not an instant'* ]] || fail "$command --$option '$when'"
			done
		done
	done < <("$TALLY" help | sed -nE 's/^  ([a-z]+( [a-z]+)?)  .*/\1/p' | grep -vE '^(tally|serve)')
	[ "$n" -ge 60 ] || fail "only $n options of time were met"
}
@test "an option of time that a command does not use is refused; a month has names" {
	"$TALLY" ingest --db t.db -q "$ROOT/examples/sample.csv"
	"$TALLY" credit account contoso --db t.db --plan vm0 --since 2026-08-01 -q
	export TALLY_DB=$DIR/t.db TZ=UTC
	run "$TALLY" today --since yesterday; expect 2 "no option '--since'"
	run "$TALLY" forecast --until 2026-08-01; expect 2 'is in the past'
	run "$TALLY" forecast --until 2030-10 --by 2030-01-01; expect 2 'not both'
	run "$TALLY" credit account contoso --until today; expect 2 "no option '--until'"
	run "$TALLY" invoice draft contoso --period 'Aug 2026' -q; expect 0 '2026-08-01  2026-08-31'
	run "$TALLY" invoice draft contoso --period 7d; expect 2 'a month such as 2026-11'
}

@test "two columns or members that may be the time are one where they say the same instant, second or day; else it is asked which" {
	printf '%s\n' '{"id":"a","timestamp":"2026-06-15T01:00:00Z","created_at":1781485200,"model":"claude-sonnet-4-6","input":1000}' \
		'{"id":"b","timestamp":"2026-06-15T01:00:00.5Z","created_at":1781485200,"model":"claude-sonnet-4-6","input":1000}' \
		'{"id":"c","created_at":1781485200,"timestamp":"","model":"claude-sonnet-4-6","input":1000}' \
		'{"id":"d","timestamp":"2026-06-15T01:00:00Z","created_at":1781485300,"model":"claude-sonnet-4-6","input":1000}' > m.jsonl
	printf '%s\n' id,date,timestamp,model,input a,2026-06-15,2026-06-15T01:00:00Z,claude-sonnet-4-6,1000 b,2026-06-15,2026-06-15T01:00:00.5Z,claude-sonnet-4-6,1000 \
		c,2026-06-15,,claude-sonnet-4-6,1000 d,2026-06-15,2026-06-16T01:00:00Z,claude-sonnet-4-6,1000 > m.csv
	for f in m.jsonl m.csv; do
		export TALLY_DB=$DIR/$f.db
		run "$TALLY" ingest "$f"
		expect 3 '3 accepted' '1 quarantined' 'say different instants; name the time with --map time='
		[ "$("$TALLY" export csv | cut -d, -f 1,12 | sed 1d | head -2 | tr '\n' ' ')" = 'a,2026-06-15T01:00:00Z b,2026-06-15T01:00:00.5Z ' ]
		run "$TALLY" replay "$f"
		expect 3 'say different instants'
		export TALLY_DB=$DIR/$f.mapped.db
		grep -v '^c,\|"c"' "$f" > mapped
		run "$TALLY" ingest mapped --map time=timestamp
		expect 0 '3 accepted'
	done
}
