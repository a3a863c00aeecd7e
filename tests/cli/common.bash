# What every command-line test needs. TALLY is the program under test; each test has a directory of its own.
setup() { common_setup; }
common_setup() {
	TALLY=${TALLY:-$BATS_TEST_DIRNAME/../../build/release/bin/tally}
	ROOT=${BATS_TEST_DIRNAME%/*/*}
	DIR=$(mktemp -d)
	# not the settings, data and logs of whoever runs the tests
	export TALLY_CONFIG= HOME=$DIR
	unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME CLAUDE_CONFIG_DIR CODEX_HOME
	cd "$DIR"
	# what the test starts inherits this lock, so that its end can be awaited, however far it is from here
	exec {ALIVE}>"$DIR.alive"
	flock -s "$ALIVE"
}
teardown() { common_teardown; }
# What a test left behind is ended; what is of its own (a refresher, a hook) is awaited: nothing writes while the folder goes.
common_teardown() {
	local job
	for job in $(jobs -p); do end_tree "$job"; done
	exec {ALIVE}>&-
	exec {ALIVE}<"$DIR.alive"
	flock -w 60 "$ALIVE" || { echo "a process outlives this test in $DIR" >&2; return 1; }
	cd /
	if [ -d "$DIR/small" ] && mountpoint -q "$DIR/small" 2>/dev/null; then umount "$DIR/small"; fi
	exec {ALIVE}<&-
	rm -rf "$DIR" "$DIR.alive"
}
# end_tree PID: the process and those that it started
end_tree() {
	local child
	for child in $(ps -o pid= --ppid "$1"); do end_tree "$child"; done
	kill -9 "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}
# value of a top-level or first JSON key; enough for our own documents
json() { printf '%s\n' "$output" | sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\)\"\{0,1\}.*/\1/p" | head -n 1; }
fail() { printf "%s\n" "$*" >&2; printf "status %s, output:\n%.4000s\n" "$status" "$output" >&2; return 1; }
# expect STATUS TEXT...: the last run ended so, and its output holds every TEXT
expect() {
	[ "$status" -eq "$1" ] || fail "expected status $1" || return 1
	shift
	for t in "$@"; do case $output in *"$t"*) ;; *) fail "missing: $t" || return 1 ;; esac; done
}
# A home of the test's own, without anybody's settings and data; Claude Code's logs are in $logs.
agent_home() {
	export HOME=$DIR/home TZ=UTC
	unset XDG_CACHE_HOME XDG_DATA_HOME CLAUDE_CONFIG_DIR CODEX_HOME TALLY_DB
	logs=$HOME/.claude/projects/app
	mkdir -p "$logs"
}
# Whether the program is built with a sanitizer, which takes memory of its own and must be loaded first.
sanitized() { grep -q __asan_init "$TALLY"; }
# Whether the databases are those of a server (tests/support/tally_on_postgres).
on_server() { [ -n "${TALLY_TEST_SERVER-}" ]; }
# sql FILE STATEMENTS: in the database itself
sql() {
	if on_server; then psql -h "$TALLY_TEST_SERVER" -U tally -d "$(cat "$1")" -qAtX -v ON_ERROR_STOP=1 -c 'SET search_path TO tally' -c "$2"
	else sqlite3 "$1" "$2"; fi
}
cost() { run "$TALLY" cost "$@" --json; }
