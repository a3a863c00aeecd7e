load common

# Every "$ command" in a console block of the README is run in the repository, and must print what stands below it.
@test "the examples of the README print what they show" {
	cd "$ROOT"
	PATH=$(dirname "$TALLY"):$PATH
	awk -v out="$DIR" '/^```console/ { on = 1; next } /^```/ { on = 0 } on && /^\$ / { n++; print substr($0, 3) > (out "/" n ".cmd"); printf "" > (out "/" n ".out"); next }
		on { print > (out "/" n ".out") }' README.md
	export TALLY_DB=$DIR/readme.db
	n=0
	for cmd in $(ls -v "$DIR"/*.cmd); do
		bash -c "$(cat "$cmd")" 2>&1 | sed 's/ *$//' >"$DIR/got"
		sed 's/ *$//' "${cmd%.cmd}.out" | diff - "$DIR/got" || { cat "$cmd"; return 1; }
		n=$((n + 1))
	done
	[ "$n" -ge 7 ]
}

# Every command of the table of questions is one that works, typed as it stands there.
@test "the twenty questions of docs/questions.md have commands that answer" {
	unset TALLY_DB XDG_DATA_HOME XDG_CACHE_HOME XDG_CONFIG_HOME
	export HOME=$DIR/home TZ=UTC PATH=$(dirname "$TALLY"):$PATH
	mkdir -p "$HOME/.claude/projects/app" && ln -s "$ROOT/examples" examples
	printf '{"type":"assistant","sessionId":"s","timestamp":"%s","requestId":"r","message":{"id":"m","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":100,"output_tokens":1000}}}\n' "$(date -u +%Y-%m-%dT00:00:01Z)" >"$HOME/.claude/projects/app/s.jsonl"
	n=0
	while IFS= read -r cmd; do
		n=$((n + 1))
		run timeout 60 bash -c "$cmd"
		case $status in 0 | 3) ;; *) fail "$cmd" ;; esac
		[[ $output != *"no database"* ]] || fail "$cmd"
	done < <(sed -n 's/^| [^|]* | `\([^|]*\)` |.*$/\1/p' "$ROOT/docs/questions.md")
	[ "$n" -eq 20 ] || fail "$n questions"
}

@test "the questions of the README have commands that answer" {
	export TALLY_DB=$DIR/questions.db HOME=$DIR/home TZ=UTC PATH=$(dirname "$TALLY"):$PATH
	mkdir -p "$HOME/.claude/projects/app" && ln -s "$ROOT/examples" examples
	printf '{"type":"assistant","sessionId":"s","timestamp":"2026-08-30T10:00:00Z","requestId":"r","message":{"id":"m","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":100,"output_tokens":1000}}}\n' >"$HOME/.claude/projects/app/s.jsonl"
	printf 'day,model,cost\n2026-08-24,deepseek-v4-flash,0.70\n' >bill.csv
	n=0
	while IFS= read -r cmd; do
		n=$((n + 1))
		[ "$cmd" != tally ] || cmd='tally --logs'
		run timeout 60 bash -c "$cmd"
		case $status in 0 | 3 | 4 | 5) ;; *) fail "$cmd" ;; esac
		[[ $output != *'tally: '*'see `tally'* ]] || fail "$cmd"
	done < <(sed -n 's/^| .*? \?([^|]*)\{0,1\} | `\(.*\)` |$/\1/p; s/^| [^|]*? | `\(.*\)` |$/\1/p' "$ROOT/README.md" | awk '!seen[$0]++')
	[ "$n" -eq 11 ] || fail "$n questions"
}
