#!/usr/bin/env bats
# Bills beside the meter in other currencies and by cause, and exports for bookkeeping.

setup() {
	TALLY="${TALLY:-$BATS_TEST_DIRNAME/../../build/dev/bin/tally}"
	cd "$BATS_TEST_TMPDIR"
	export TALLY_DB="$BATS_TEST_TMPDIR/u.db" HOME="$BATS_TEST_TMPDIR"
}

value() { # of the last run's JSON, by path
	python3 -c 'import json,sys
v=json.loads(sys.argv[1])
for k in sys.argv[2].split("."): v=v[int(k)] if isinstance(v,list) else v[k]
print(v)' "$output" "$1"
}

@test "a bill in yuan beside a meter in dollars: --currency prices the metered half so" {
	printf '%s\n' id,time,model,input,cache_read,output \
		a,2026-06-15T01:00:00Z,deepseek-v4-flash,1000000,2000000,100000 \
		b,2026-06-15T02:00:00Z,deepseek-v4-flash,1000000,0,0 > u.csv
	"$TALLY" ingest u.csv -q
	"$TALLY" void b --why "test" -q
	printf 'user_id,utc_date,model,wallet_type,cost,currency\nu,2026-06-15,deepseek-v4-flash,Paid,1.24,CNY\n' > c.csv
	run "$TALLY" reconcile c.csv
	[ "$status" -eq 1 ]
	[[ "$output" == *"--currency CNY"* ]]
	run "$TALLY" reconcile c.csv --currency CNY --json
	[ "$status" -eq 0 ]
	[ "$(value metered)" = 1.24 ]
	[ "$(value matching)" = 1 ]
	[ "$(value currency)" = CNY ]
	run "$TALLY" reconcile c.csv --currency EUR
	[ "$status" -eq 1 ]
	[[ "$output" == *"CNY"*"EUR"* ]]
	# what the cards do not price in that currency is named, not free
	printf '%s\n' id,time,model,input c,2026-06-15T03:00:00Z,no-such-model,5 > v.csv
	"$TALLY" ingest v.csv -q || [ $? -eq 3 ]
	run "$TALLY" reconcile c.csv --currency CNY --json
	[ "$status" -ne 0 ]
	[ "$(value unpriced)" = 1 ]
}
