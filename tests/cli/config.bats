#!/usr/bin/env bats
# tally config: what commands use when nothing is typed.
bats_require_minimum_version 1.5.0
load common
setup() { common_setup; unset TALLY_CONFIG TALLY_DB; export XDG_CONFIG_HOME=$DIR/xdg XDG_DATA_HOME=$DIR/data TZ=Asia/Tokyo; }
t() { run --separate-stderr "$TALLY" "$@"; }

@test "each value, and where it comes from" {
	t config --json
	expect 0 "\"file\": \"$DIR/xdg/tally/config.json\"" '"found": false' '"value": "Asia/Tokyo", "from": "this machine"' '"value": "USD", "from": "default"' '"name": "plan", "value": null'
	t config set timezone Europe/Berlin; expect 0
	t config set currency CNY; expect 0
	t config set plan vm0; expect 0
	t config set database u.db; expect 0
	t config --json
	expect 0 '"value": "Europe/Berlin", "from": "'"$DIR/xdg" '"value": "CNY"' "\"value\": \"$DIR/u.db\", \"from\": \"$DIR/xdg" '"value": "vm0"'
	TALLY_DB=/other.db t config -z UTC --json
	expect 0 '"value": "/other.db", "from": "$TALLY_DB"' '"value": "UTC", "from": "--timezone"'
	t config unset plan; expect 0
	t config; expect 0 'timezone' 'Europe/Berlin'
	[[ $output != *vm0* ]] || fail "the plan is still there"
}
@test "every command honours it: database, zone, currency, plan, prices" {
	printf 'id,time,model,input\na,2026-11-01T23:30:00Z,deepseek-v4-flash,1000000\n' >t.csv
	t config set database u.db; t config set timezone Asia/Shanghai; t config set plan vm0
	t ingest t.csv; expect 0; [ -e u.db ] || on_server || fail "no database"
	t usage --by day --json; expect 0 '"2026-11-02"'
	t daily --json; expect 0 '"2026-11-02"'
	t cost --model deepseek-v4-flash --input 1000 --at 2026-06-01 --json; expect 0 '"plan": "vm0"'
	t replay t.csv --by day --json; expect 0 '2026-11-02' '"plan": "vm0"'
	t plan --per-day 1 --input 1000 --days 1 --start 2026-06-01 -m deepseek-v4-flash --json; expect 0 '"timezone": "Asia/Shanghai"' '"plan": "vm0"'
	t migrate t.csv --to deepseek-v4-pro --json; expect 0 '"plan": "vm0"'
	t config set currency CNY
	t cost --model deepseek-v4-flash --input 1000000 --at 2026-11-15T12:00:00Z --byo --json; expect 0 '"currency": "CNY"'
	t config set currency USD; t config unset plan
	mkdir cards
	cat >cards/own.json <<-'J'
	{"schema": "tally.card/1", "provider": "own", "checked": "2026-11-01", "prices": [{"id": "own/m", "model": "own-model", "from": "2026-01-01T00:00:00Z", "to": null, "currency": "USD",
	 "rates": {"input": "7", "output": "9"}, "source": "s", "sure": "vendor page"}]}
	J
	t cost --model own-model --input 1000000 --prices cards --json; own=$output; [ "$status" -eq 0 ] || fail "the card"
	t cost --model own-model --input 1000000 --json; [ "$status" -ne 0 ] || fail "known without the card"
	t config set prices cards; expect 0
	t cost --model own-model --input 1000000 --json; expect 0 '"total": "7"'
}
@test "a wrong setting is named before any work, with its file" {
	t config set colour red; expect 2; [[ $stderr == *"there are: database, timezone"* ]]
	t config set timezone Mars/Base; [ "$status" -ne 0 ] || fail "a zone that is none"
	t config set plan no-such-plan; [ "$status" -ne 0 ] || fail "a plan that is none"
	t config set prices nowhere; expect 1
	t config set currency euros; expect 2
	mkdir -p xdg/tally; echo '{"colour": "red"}' >xdg/tally/config.json
	t today; expect 1; [[ $stderr == *config.json*colour* ]] || fail "$stderr"
	echo '{"database": "here.db"}' >xdg/tally/config.json
	t status; expect 1; [[ $stderr == *"'database': 'here.db' is no absolute path"* ]] || fail "$stderr"
	TALLY_CONFIG= t cost --model deepseek-v4-flash --input 1 --at 2026-06-01; expect 0
	t cost --help; expect 0
}
