#!/usr/bin/env bats
# Colour and bars: on a terminal with room for them, and nowhere else.
load common
bats_require_minimum_version 1.5.0
# drawn COLUMNS COMMAND: what a terminal of that width shows, with its colours
drawn() {
	command -v tmux >/dev/null || skip "there is no tmux"
	local name=tally-$$-$BATS_TEST_NUMBER i
	tmux -u -L "$name" -f /dev/null new-session -d -x "$1" -y 50 "LC_ALL=C.UTF-8; export LC_ALL; $2; touch done; sleep 30"
	for i in $(seq 200); do [ -e done ] && break; sleep 0.05; done
	for i in $(seq 100); do output=$(tmux -u -L "$name" capture-pane -pe); [ -z "$output" ] || break; sleep 0.05; done
	tmux -L "$name" kill-server
	while [ -e "/tmp/tmux-$(id -u)/$name" ] && tmux -L "$name" has-session 2>/dev/null; do sleep 0.05; done # before the next one is begun
	rm -f done
}
setup() {
	common_setup
	export TALLY_DB=$DIR/t.db
	printf '%s\n' id,time,model,customer,input a,2026-06-15T08:00:00Z,claude-sonnet-4-6,big,4000000 b,2026-06-16T08:00:00Z,claude-sonnet-4-6,small,1000000 >t.csv
	"$TALLY" ingest -q t.csv
}
@test "shares have bars on a terminal that has room, not on a narrow one and not in a pipe" {
	drawn 100 "'$TALLY' usage --by customer"
	[[ $output == *'$12.00  ██████████'* && $output == *'$3.00  ██▌'* ]]
	drawn 100 "'$TALLY' daily"
	[[ $output == *'██████████'* ]]
	drawn 50 "'$TALLY' usage --by customer"
	[[ $output != *'█'* && $output == *'$12.00'* ]]
	run -0 "$TALLY" usage --by customer
	[[ $output != *'█'* ]]
}
@test "the days of a week and a month are a sparkline, on a UTF-8 terminal with room for it" {
	for day in 0 1 2 3; do # of a month in which today is the fourth, or later: nothing depends on the day
		printf '{"id":"n%s","time":"%s","model":"claude-sonnet-4-6","input":%s}\n' $day "$(date -u -d "-$day day" +%Y-%m-%dT00:00:01Z)" $((4000000 - day * 1000000))
	done >now.jsonl
	"$TALLY" ingest -q now.jsonl
	drawn 100 "TZ=UTC '$TALLY'"
	[[ $output == *'this month'*'█'*'claude-sonnet-4-6'*'100 %'*'██████████'* || $(date -u +%d) = 01 ]] || fail "no days"
	drawn 100 "TZ=UTC NO_COLOR=1 '$TALLY'"; [[ $output == *'██████████'* ]]
	drawn 40 "TZ=UTC '$TALLY'"; [[ $output != *'██'* && $output == *'this month'* ]]
	run -0 "$TALLY"; [[ $output != *'█'* && $output == *'this month'* ]]
	! locale -a 2>/dev/null | grep -qx de_DE.iso88591 || { drawn 100 "LC_ALL=de_DE.ISO-8859-1 '$TALLY'"; [[ $output == *'this month'* && $output != *'█'* ]]; }
}
@test "a budget that is passed is red, unless colours are not wanted; never in a pipe" {
	"$TALLY" budget set b --amount 2 --period ever -q
	local red=$'\e[31m'
	drawn 100 "'$TALLY' budget status"; [[ $output == *"${red}over"* ]]
	drawn 100 "'$TALLY' budget status --no-color"; [[ $output == *over* && $output != *"$red"* ]]
	drawn 100 "NO_COLOR=1 '$TALLY' budget status"; [[ $output == *over* && $output != *"$red"* ]]
	run -4 "$TALLY" budget status
	[[ $output == *over* && $output != *$'\e'* ]]
}
