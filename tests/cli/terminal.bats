#!/usr/bin/env bats
# What people see: tables on a terminal of a given width, names in every script, time as people say it.
load common

# screen COLUMNS COMMAND...: what a terminal of that width shows
screen() {
	command -v tmux >/dev/null || skip "there is no tmux"
	local columns=$1 name=tally-$$-$BATS_TEST_NUMBER i
	shift
	printf '%q ' "$@" >command.sh
	tmux -L "$name" -f /dev/null new-session -d -x "$columns" -y 50 "sh command.sh; touch done; sleep 30"
	for i in $(seq 100); do [ -e done ] && break; sleep 0.05; done
	sleep 0.1
	run tmux -L "$name" capture-pane -p
	tmux -L "$name" kill-server
	rm -f done
}
trace() {
	cat >t.csv <<'CSV'
time,model,customer,input,output
2026-06-15T08:00:00Z,deepseek-v4-flash,a-customer-with-a-name-that-goes-on-and-on-and-on,1234567,89000
2026-06-16T08:00:00Z,deepseek-v4-flash,Müller,200,300
CSV
	"$TALLY" ingest --db t.db -q t.csv
}

@test "on a narrow terminal dates stay whole, names lose their middle, columns leave and are named" {
	trace
	screen 60 "$TALLY" usage --db t.db --by day,customer
	expect 0 '2026-06-15  a-custome' '…' '$0.20' 'no room for' 'CACHE READ' 'Müller'
	for line in "${lines[@]}"; do [ "${#line}" -le 60 ] || fail "too wide: $line"; done
	screen 120 "$TALLY" usage --db t.db --by day,customer
	expect 0 '1,234,567' '$0.20'
	[[ $output != *'no room'* ]] || fail "columns left without need"
	screen 120 "$TALLY" usage --db t.db --exact
	expect 0 '$0.19775938'
}
@test "what one call costs is shown to the last digit on a terminal, too: it is less than a cent" {
	screen 100 "$TALLY" cost deepseek-v4-flash --input 200 --cache-read 2000 --output 300 --at 2026-05-10 --plan vm0-tokens
	expect 0 '$0.000028' '$0.0000056' '$0.000084' 'total    $0.0001176'
	[[ $output != *'<'* ]] || fail "rounded"
	screen 100 "$TALLY" cost deepseek-v4-flash deepseek-v4-pro --input 200 --cache-read 2000 --output 300 --at 2026-05-10
	expect 0 '$0.0001176'
}
@test "a column that left for a wider one comes back where the wider one had to leave, too; seconds go before text wraps" {
	trace
	screen 76 "$TALLY" records --db t.db
	expect 0 'PROMPT' 'OUTPUT' '2026-06-16 08:00Z' '(no room for CUSTOMER'
	for line in "${lines[@]}"; do [ "${#line}" -le 76 ] || fail "too wide: $line"; done
}
@test "in a pipe every digit and every letter stays, in any locale" {
	trace
	for locale in C C.UTF-8; do
		LC_ALL=$locale run "$TALLY" usage --db t.db --by customer
		expect 0 '$0.19775938' 'Müller' 'a-customer-with-a-name-that-goes-on-and-on-and-on'
	done
}
@test "a day that is named as an end is included; periods have names" {
	trace
	run "$TALLY" usage --db t.db --since 2026-06-15 --until 2026-06-15 --json; [ "$(json records)" = 1 ]
	run "$TALLY" usage --db t.db --until 2026-06 --json; [ "$(json records)" = 2 ]
	run "$TALLY" usage --db t.db --period 2026-06-16 --json; [ "$(json records)" = 1 ]
	run "$TALLY" usage --db t.db --until 2026-06-15T08:00:00Z --json; [ "$(json records)" = 0 ]
	run "$TALLY" usage --db t.db --since tomorow; expect 2 "--since: 'tomorow' is not a known time" 'last-month'
	run "$TALLY" usage --db t.db --period 7d --since today; expect 2 'not both'
}
@test "days are those of the machine's zone unless another is named" {
	trace
	TZ=Pacific/Auckland run "$TALLY" usage --db t.db --json
	expect 0 '"timezone": "Pacific/Auckland"' '"day": "2026-06-15"'
	run "$TALLY" usage --db t.db -z Pacific/Kiritimati --by hour --json
	expect 0 '"hour": "2026-06-15T22:00+14:00"'
	TZ=Pacific/Auckland run "$TALLY" usage --db t.db --json -z UTC
	expect 0 '"timezone": "UTC"'
}
@test "help leads: groups, families, what was meant" {
	run "$TALLY" help
	expect 0 'Start here' 'Look: what was used'
	[[ $output != *$'\nMore\n'* ]] || fail "a command is in no group"
	run "$TALLY" help credit; expect 0 'credit grant' 'credit ledger'
	run "$TALLY" usge; expect 2 'did you mean `tally usage`?'
	run "$TALLY" -v; expect 0 'tally '
}
@test "what is wider than a line below its label is divided behind a mark, and set in" {
	echo '{"id":"a","time":"2026-08-30T09:00:00Z","model":"deepseek-v4-pro","input":1}' >a.jsonl
	"$TALLY" ingest --db t.db -q a.jsonl
	screen 60 "$TALLY" explain a --db t.db
	expect 0 'price      deepseek/deepseek-v4-pro@2026-08-16T16:00:00Z/'$'\n''           USD, off-peak'
}
