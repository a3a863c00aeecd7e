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
