#!/usr/bin/env bats
# No report prints a bare amount where something in it has no price, or only a part of its cost.
load common
setup() {
	common_setup
	export TALLY_DB=$DIR/t.db TZ=UTC XDG_CACHE_HOME=$DIR/cache HOME=$DIR/home TODAY=$(date -u +%F)
	mkdir -p "$HOME/.claude/projects/app"
	# answers of which the log has the start alone, on each of ten days, in two sessions, projects and models
	for day in 0 1 2 3 4 5 6 7 8 9; do
		for s in a b; do
			[ $s = a ] && model=claude-opus-4-6 || model=deepseek-v4-flash
			printf '{"type":"assistant","sessionId":"%s","cwd":"/code/%s","timestamp":"%sT00:0%d:00.000Z","requestId":"q%s%d","message":{"id":"m%s%d","model":"%s","stop_reason":null,"usage":{"input_tokens":90000,"cache_read_input_tokens":40000,"output_tokens":20000}}}\n' \
				$s $s "$(date -u -d "$TODAY -$day days" +%F)" "$day" $s $day $s $day "$model"
		done
	done >"$HOME/.claude/projects/app/log.jsonl"
	LOG=$HOME/.claude/projects/app/log.jsonl
}
# checked KIND ALLOWED COMMAND...: its report has no bare amount, and its exit status says so
checked() {
	local kind=$1 allowed=$2 status=0
	shift 2
	"$TALLY" "$@" >"$DIR/out" 2>"$DIR/err" || status=$?
	[ "$status" = 3 ] || [ "$status" = 4 ] || { cat "$DIR/out" "$DIR/err"; fail "$*: status $status"; }
	python3 "$ROOT/tests/support/bare_amounts.py" "$kind" "$allowed" <"$DIR/out" || fail "$*"
}
# what the database and the logs answer alike
looks() {
	local none='^no such line$'
	checked table "$none" overview "$@"
	checked table "$none" today "$@"
	for command in daily weekly monthly session; do
		checked table "$none" $command --breakdown "$@"
		checked csv "$none" $command --csv "$@"
		checked json "$none" $command --json "$@"
	done
	checked table "$none" daily --instances "$@"
	checked table "$none" blocks "$@"
	checked json "$none" blocks --json "$@"
	checked json "$none" overview --json "$@"
	checked table "$none" whatif -s recorded -s flash=deepseek-v4-flash -s mix=every:2:claude-opus-4-6:deepseek-v4-flash "$@"
	checked json "$none" whatif -s recorded -s flash=deepseek-v4-flash --json "$@"
	checked csv "$none" whatif -s recorded -s flash=deepseek-v4-flash --resamples 0 --csv "$@"
	checked table "$none" migrate --to deepseek-v4-flash --format text "$@"
	checked html "$none" migrate --to deepseek-v4-flash --format html "$@"
	checked json "$none" migrate --to deepseek-v4-flash --json "$@"
}
in_the_database() {
	checked table '^no such line$' usage
	for keys in day model customer project session day,model workload,provider hour; do
		for kind in table csv json; do
			case $kind in table) set -- ;; *) set -- --$kind ;; esac
			checked $kind '^no such line$' usage --by $keys "$@"
		done
	done
	for command in status records 'explain ma0'; do
		$TALLY $command >"$DIR/out" || [ $? = 3 ]
		grep -v '^[ico].* [0-9.]* *\$' "$DIR/out" | python3 "$ROOT/tests/support/bare_amounts.py" table || fail "$command"
	done
	"$TALLY" budget set all --amount 1000 -q >/dev/null
	"$TALLY" budget set small --amount 0.01 --customer acme -q >/dev/null
	"$TALLY" limit set acme --amount 1000 -q >/dev/null
	checked json '^no such line$' budget status --json
	for command in 'budget status' 'limit list'; do
		$TALLY $command >"$DIR/out" || true
		sed -E 's/\$(1,000|0\.01)|\$0$//g' "$DIR/out" | python3 "$ROOT/tests/support/bare_amounts.py" table || fail "$command"
	done
	checked table '^budget ' forecast --budget 1000 --until next-month
	checked json '^no such line$' forecast --json
	printf 'day,model,cost\n%s,deepseek-v4-flash,0.10\n' "$TODAY" >bill.csv
	"$TALLY" reconcile bill.csv --map day=day --map model=model --map cost=cost --since "$TODAY" >"$DIR/out" || true
	grep -v '^billed ' "$DIR/out" | sed -E 's/(differs|matches) +\$[0-9.]+/\1/' | python3 "$ROOT/tests/support/bare_amounts.py" table || fail reconcile
}
@test "answers of which a log has the start alone are told in every report of logs" {
	looks --logs
	checked table '^no such line$' replay "$LOG" --by model,day
	checked csv '^no such line$' replay "$LOG" --by project,hour --csv
	checked json '^no such line$' replay "$LOG" --by session --json
}
@test "they are told in every report of a database" {
	"$TALLY" ingest -q "$LOG" --customer acme
	looks --db "$TALLY_DB"
	in_the_database
}
@test "calls without a price are told in every report of a database" {
	sed -e 's/claude-opus-4-6/no-such-model/' -e 's/"stop_reason":null/"stop_reason":"end_turn"/' "$LOG" |
		sed -e '/deepseek/{p;s/deepseek-v4-flash/no-such-model/;s/"m\(..\)"/"n\1"/;s/"q\(..\)"/"p\1"/}' >half.jsonl
	"$TALLY" ingest -q half.jsonl --customer acme || true
	checked table 'deepseek|no price' usage --by model
	checked table '^no such line$' usage --by day
	checked table '^no such line$' daily --db "$TALLY_DB"
	checked table '^no such line$' blocks --db "$TALLY_DB"
	checked table '^budget |deepseek' forecast --budget 1000
	checked table 'deepseek|^. f |^  f: ' whatif -s recorded -s f=deepseek-v4-flash --resamples 0
}
@test "rollups, rows and cells of sessions know the same placeholders, after a void and a rebuild too" {
	"$TALLY" ingest -q "$LOG" --customer acme
	count() { "$TALLY" usage "$@" --json | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["placeholders"], sum(g["placeholders"] for g in d.get("groups",[])))' || true; }
	[ "$(count --by model)" = '20 20' ] || fail "$(count --by model)"
	[ "$(count --by session,hour)" = '20 20' ] || fail sessions
	[ "$(count --by day -z Asia/Kolkata)" = '20 20' ] || fail zone
	[ "$(count --by customer,day --since 3d)" = '8 8' ] || fail "$(count --by customer,day --since 3d)"
	"$TALLY" void ma0 --why test -q
	[ "$(count --by model)" = '19 19' ] || fail void
	"$TALLY" fsck -q
	"$TALLY" fsck --rebuild -q
	[ "$(count --by project)" = '19 19' ] || fail rebuild
	# what an older version rolled up knows nothing of them: the schema's step counts them
	python3 - "$TALLY_DB" <<-'END'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		db.execute("DELETE FROM rollup_more WHERE name='placeholders'")
		db.execute('DROP INDEX txn_bill') # of later steps
		db.execute('DROP TABLE credit_overage_before')
		for table in 'archive', 'archived_id', 'archived_cell':
		    db.execute('DROP TABLE ' + table)
		db.execute('PRAGMA user_version=21')
		db.commit()
	END
	"$TALLY" db init -q
	[ "$(count --by model)" = '19 19' ] || fail upgrade
	"$TALLY" fsck -q
}
