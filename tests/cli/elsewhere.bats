#!/usr/bin/env bats
# What people type who know ccusage or other programs: it works, or the message says what does.
load common
bats_require_minimum_version 1.5.0

setup() {
	common_setup
	agent_home
	mkdir -p "$HOME/.codex/sessions"
	for i in 1 2 3; do
		printf '{"type":"assistant","sessionId":"s%s","cwd":"/home/me/p%s","timestamp":"2026-06-0%sT10:00:00Z","requestId":"r%s","message":{"id":"m%s","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":100,"output_tokens":1000}}}\n' $i $i $i $i $i >>"$logs/s.jsonl"
	done
}

@test "the commands and options of ccusage do here what they do there" {
	for line in daily monthly weekly session blocks 'daily -s 20260601 -u 20260602 -j' 'daily --since 20260601 --until 20260602 --json --breakdown' \
		'daily --offline --compact -z UTC' 'daily -O -b -o desc' 'daily -i -p p1' 'session --order asc' 'blocks --recent -n 5' 'blocks -o desc' 'session -i s2' 'daily --last 3' 'blocks -a -t max' 'claude' 'claude monthly -j' 'claude session' \
		'claude blocks' '--version' 'daily --all --no-color' '--json' '-s 20260601 -b' '--offline'; do
		run "$TALLY" $line
		expect 0
	done
	run -0 "$TALLY" claude daily -s 20260602 --json; [ "$(json records)" = 2 ]
	run "$TALLY" codex daily; expect 0 'no calls' 'there are no logs there'
	for agent in opencode amp droid codebuff hermes pi goose openclaw kilo kimi qwen copilot gemini antigravity grok zcode; do
		run "$TALLY" $agent session; expect 0 'no calls'
	done
	run -0 "$TALLY" daily --order desc --csv
	[[ ${lines[1]} == 2026-06-03* && ${lines[3]} == 2026-06-01* ]]
	run -0 "$TALLY" daily --instances --csv
	[[ ${lines[0]} == day,project,* && ${lines[2]} == '2026-06-02,/home/me/p2,'* ]]
	run -0 "$TALLY" statusline --visual-burn-rate emoji --cost-source both --no-cache --refresh-interval 5 --context-low-threshold 40 -O <<<'{"session_id":"s1","model":{"id":"claude-sonnet-4-6"}}'
	[[ $output == *claude-sonnet-4-6* ]]
}
@test "the last days, weeks and months; one session; blocks with the newest first" {
	run -0 "$TALLY" session --id s2 --json; [ "$(json records)" = 1 ]
	run "$TALLY" session --id nobody; expect 0 "no session has the id 'nobody'"
	run -0 "$TALLY" blocks -o desc --csv
	[[ ${lines[1]} == 2026-06-03* && ${lines[-1]} == 2026-06-01* ]]
	# days around this one, by the clock of this machine
	now=$(date +%s)
	for days in 0 1 6 7 13 14 40; do
		printf '{"id":"d%s","time":"%s","model":"claude-sonnet-4-6","input":1}\n' $days "$(date -u -d @$((now - days * 86400)) +%Y-%m-%dT%H:%M:%SZ)"
	done >days.jsonl
	"$TALLY" ingest days.jsonl --db d.db -q
	run -0 "$TALLY" daily --last 2 --db d.db -z UTC --json; [ "$(json records)" = 2 ]
	run -0 "$TALLY" daily --last 14 --db d.db -z UTC --json; [ "$(json records)" = 5 ]
	for pair in 'weekly this-week' 'monthly this-month'; do
		[ "$("$TALLY" ${pair% *} --last 1 --db d.db -z UTC --json)" = "$("$TALLY" ${pair% *} --period ${pair#* } --db d.db -z UTC --json)" ] || fail "$pair"
	done
	monday=$(date -u -d "@$((now - (($(date -u +%u) - 1) + 14) * 86400))" +%Y-%m-%d)
	[ "$("$TALLY" weekly --last 3 --db d.db -z UTC --json)" = "$("$TALLY" weekly --since "$monday" --db d.db -z UTC --json)" ]
	[ "$("$TALLY" monthly --last 3 --db d.db -z UTC --json)" = "$("$TALLY" monthly --since "$(date -u -d "$(date -u +%Y-%m-15) 2 months ago" +%Y-%m)" --db d.db -z UTC --json)" ]
	run "$TALLY" daily --last 0 --db d.db; expect 2 '--last is from 1'
	run "$TALLY" daily --last 3 --since 7d --db d.db; expect 2 'name a period each'
}
@test "help has its options in groups, what few need last, and each option and letter once" {
	"$TALLY" help --candidates '' >all
	while read -r words; do
		echo "=== $words"
		"$TALLY" $words --help 2>/dev/null || true
	done < <(cat all; for f in price credit invoice budget limit quarantine db sim config; do "$TALLY" help --candidates $f '' | sed "s/^/$f /"; done) >helps
	[ "$(grep -cE '^  (-., )?--[a-z0-9-]+' helps)" -gt 500 ]
	run awk '
		function once(what, word) { if (seen[word]++) print what " twice: " command }
		BEGIN { groups = split("Options:|Period:|Data and prices:|Output:|Advanced:", name, "|"); for (g = 1; g <= groups; g++) place[name[g]] = g }
		/^=== / { command = $0; split("", seen); last = 0 }
		/^  (-., )?--[a-z0-9-]+/ { match($0, /--[a-z0-9-]+/); once("an option", substr($0, RSTART, RLENGTH)) }
		/^  -., --/ { once("a letter", substr($0, 3, 2)) }
		$0 in place { if (place[$0] <= last) print "order of " command; last = place[$0] }' helps
	[ "$output" = "" ] || fail "$output"
	run "$TALLY" whatif --help; [[ $output == *--scenario*Period:*--since*Output:*--json*Advanced:*--quantum*Examples:* ]]
}
@test "what has another name here is named" {
	while IFS='|' read -r line says; do
		run "$TALLY" $line
		[ "$status" = 2 ] || fail "$line"
		[[ $output == *"$says"* ]] || fail "$line"
	done <<'CASES'
models|did you mean `tally price list`?
calculate|did you mean `tally cost`?
watch|did you mean `tally live`?
yesterday|did you mean `tally daily --period yesterday`?
usge|did you mean `tally usage`?
cost --cached 100|did you mean '--cache-read'?
cost --prompt-tokens 100|did you mean '--prompt'?
plan --calls 10|did you mean '--per-day'?
usage --from today|did you mean '--since'?
whatif x.csv --to m|did you mean '--scenario'?
usage --sort cost|did you mean '--order'?
blocks --session-length 4|did you mean '--hours'?
blocks --live|`tally live` is the running view
daily --mode display|always computed from tokens
daily --jq .totals|pipe it into jq
daily --locale de-DE|dates are always 2026-08-30
daily --debug|`tally explain ID`
blocks -d|named below each table
blocks -b|lists the models of each row
blocks -m auto|every report is of all models
daily -v|`tally --version`
daily --version|`tally --version`
weekly --start-of-week sunday|weeks begin on Monday
cost x -i 5|did you mean '--input'?
usage -by model|did you mean '--by'?
usage 2026-08|did you mean '--period 2026-08'?
credit add acme 100|did you mean `tally credit grant`?
credit list|did you mean `tally credit accounts`?
completion|did you mean `tally help --completion bash`?
man cost|did you mean `tally help`?
budget set x --amount 1 --period 30d|did you mean 'rolling 30d'
CASES
}
@test "options before the command are its own, and help behind it is help" {
	printf 'id,time,model,customer,input\na,2026-06-15T00:00:00Z,deepseek-v4-flash,usage,1000\n' >u.csv
	"$TALLY" --db m.db ingest u.csv -q
	run "$TALLY" --db m.db -z UTC --json usage --by customer; expect 0 '"customer": "usage"'
	run "$TALLY" --no-color --quiet price show deepseek-v4-pro; expect 0 VENDOR
	run "$TALLY" --db m.db --since today -q; expect 0 # a value, not the command
	touch usage
	run "$TALLY" --json usage; [[ $output != *'"tally.usage/1"'*'"groups"'* ]] || fail "a file is read: $output"
	for c in usage cost credit 'credit balance'; do
		run "$TALLY" $c help; expect 0 'Usage: tally'
	done
}
@test "a target that no card knows is refused, and a budget says what it covers" {
	printf 'id,time,model,input\na,2026-06-15T00:00:00Z,deepseek-v4-flash,1000\n' >u.csv
	run "$TALLY" migrate u.csv --to haiku; expect 1 "--to: model 'haiku' is in no price card"
	run "$TALLY" migrate u.csv --to claude-haiku-4-5; expect 0
	run "$TALLY" budget set acme --amount 100; expect 0 'acme: budget set, $100 a month for all usage (--customer'
	run "$TALLY" budget set acme --amount 100 --customer acme --period week; expect 0 'acme: budget set, $100 a week for customer acme'
	run "$TALLY" budget set acme --amount 100 --customer acme --period weekly; expect 0 'acme: budget set, $100 a week for customer acme'
	run "$TALLY" limit set acme --amount 1e2 --period monthly; expect 0 'limit set, $100 a month'
}
@test "where nothing is of these days, the newest record's day is told" {
	printf '%s\n' time,model,input,output 2026-03-01T10:00:00Z,claude-sonnet-4-6,1000,100 >t.csv
	"$TALLY" ingest --db m.db -q t.csv
	run "$TALLY" --db m.db -z UTC
	expect 0 'newest record is of 2026-03-01'
	run "$TALLY" --db m.db -z UTC --json
	expect 0 '"newest_record": "2026-03-01"'
	run "$TALLY" forecast --db m.db -z UTC
	expect 1 'newest record is dated 2026-03-01' '0 whole days'
	printf 'id,time,model,input,output\nx,%s,claude-sonnet-4-6,1000,100\n' "$(date -u +%Y-%m-%dT00:00:00Z)" >t.csv
	"$TALLY" ingest --db m.db -q t.csv
	run "$TALLY" --db m.db -z UTC
	expect 0
	[[ $output != *newest* ]]
}
