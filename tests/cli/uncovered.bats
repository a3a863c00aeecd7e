load common

# A plan of whole credits for a million tokens whose unit is so large that cheap prices round to none.
setup() {
	common_setup
	cat >plan.json <<'P'
{"schema":"tally.plans/1","plans":[{"plan":"coarse","rule":"token-priced","credits_per_unit":"1","unit_rounding":"half-up",
"categories":{"input":["input"],"output":["output"],"cache_read":["cache_read"]},"tables":[{"table":"t"}],"rounding":{"scope":"none"}}],
"tables":{"t":{"values":{"claude-haiku-4-5":{"input":"0","output":"5","cache_read":"0"}}}}}
P
}
# deepseek-v4-flash: input 0.14, output 0.28, cache hits 0.0028 a million; claude-sonnet-4-6: 3, 15 and 0.30
@test "a price that a plan rounds to no credits is uncovered and named, never free" {
	cost --model deepseek-v4-flash --input 50000 --output 5000 --at 2026-06-15 --plan plan.json
	expect 3 'the plan rounds the price of input to no credits'
	cost --model claude-sonnet-4-6 --input 1000000 --output 1000000 --at 2026-06-15 --plan plan.json
	expect 0 '"total": "18"'
	cost --model claude-sonnet-4-6 --input 1000000 --cache-read 1000000 --at 2026-06-15 --plan plan.json
	expect 3 'the plan rounds the price of cache_read to no credits'
}
@test "a table that states zero means it" {
	cost --model claude-haiku-4-5 --input 1000000 --output 1000000 --at 2026-06-15 --plan plan.json
	expect 0 '"total": "5"'
}
@test "a record of which a part is not covered draws nothing, and waits by name" {
	"$TALLY" credit account acme --plan plan.json --since 2026-06-01 --db m.db -q
	"$TALLY" credit grant acme 100 --id g --effective 2026-06-01 --db m.db -q
	printf '%s\n' '{"id":"a","time":"2026-06-15T00:00:00Z","customer":"acme","model":"claude-sonnet-4-6","input":1000000,"cache_read":83486,"output":1000000}' \
		'{"id":"b","time":"2026-06-15T00:00:00Z","customer":"acme","model":"claude-sonnet-4-6","input":1000000,"output":0}' >r.jsonl
	run "$TALLY" ingest r.jsonl --db m.db
	run "$TALLY" credit balance acme --db m.db --json
	expect 0 '"available": "97"' '"records_uncovered": 1'
	run "$TALLY" usage --db m.db --json
	expect "$status" '"uncovered": 1'
	run "$TALLY" usage --db m.db
	expect "$status" '1 record drew no credits, because the plan does not cover it (tally status)'
	"$TALLY" fsck --db m.db -q
}
@test "a record that waits is counted once, however often it is amended, and not when it is void" {
	"$TALLY" credit account acme --plan plan.json --since 2026-06-01 --db m.db -q
	"$TALLY" credit grant acme 100 --id g --effective 2026-06-01 --db m.db -q
	printf '%s\n' '{"id":"a","time":"2026-06-15T00:00:00Z","customer":"acme","model":"nobody-knows","input":10}' >r.jsonl
	run "$TALLY" ingest r.jsonl --db m.db
	for n in 20 30 40; do
		"$TALLY" amend a --set input=$n --why late --db m.db -q || [ $? = 3 ]
		run "$TALLY" credit balance acme --db m.db --json
		expect 0 '"records_uncovered": 1'
		[ "$(sql m.db 'SELECT count(*) FROM credit_uncovered')" = 1 ]
	done
	"$TALLY" void a --why wrong --db m.db -q
	run "$TALLY" credit draw --db m.db
	[ "$(sql m.db 'SELECT count(*) FROM credit_uncovered')" = 0 ]
	"$TALLY" fsck --db m.db -q
}
