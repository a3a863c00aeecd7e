#!/usr/bin/env bats
# What plans say of models that they do not list, and usage that waits for a plan to learn its model.
# with sanitizers, too
load common

# A million tokens of either model cost one dollar and two; a credit is a cent.
setup_one() {
	export TALLY_DB=$DIR/t.db
	cat > card.json <<'END2'
{"schema": "tally.card/1", "provider": "north", "title": "made up", "checked": "2026-01-01", "models": {"n1": {"context_tokens": 1000000, "max_output_tokens": 100000}, "n2": {"context_tokens": 1000000, "max_output_tokens": 100000}},
 "prices": [{"model": "n1", "currency": "USD", "from": "2023-01-01T00:00:00Z", "rates": {"input": "1", "output": "10"}, "source": "made up", "sure": "test"},
  {"model": "n2", "currency": "USD", "from": "2023-01-01T00:00:00Z", "rates": {"input": "2", "output": "20"}, "source": "made up", "sure": "test"}]}
END2
	printf '{"id":"a","time":"2026-06-05T00:00:00Z","customer":"acme","provider":"north","model":"n1","input":1000000}\n{"id":"b","time":"2026-06-05T00:00:00Z","customer":"acme","provider":"north","model":"n2","input":1000000}\n' > use.jsonl
}
# plan RULE UNLISTED VALUES
plan() {
	local unlisted=
	[ -z "$2" ] || unlisted="\"unlisted\": $2,"
	printf '{"schema": "tally.plans/1", "plans": [{"plan": "p", "rule": "%s", %s "credits_per_unit": "100", "baseline": {"provider": "north", "model": "n1"}, "categories": {"input": ["input"]}, "tables": [{"table": "t"}]}], "tables": {"t": {"values": %s}}}' "$1" "$unlisted" "$3" > plan.json
}
drawn() { run "$TALLY" credit balance acme --json; expect 0 "\"available\": \"$1\""; }

@test "a default multiplier, the own price times a factor, or a refusal" {
	setup_one
	"$TALLY" ingest use.jsonl --prices card.json -q
	n=0
	while read -r rule unlisted values left; do
		n=$((n + 1))
		plan "$rule" "${unlisted/-/}" "$values"
		export TALLY_DB=$DIR/$n.db
		"$TALLY" credit account acme --plan plan.json --since 2026-06-01 -q
		"$TALLY" credit grant acme 1000 --effective 2026-06-01 -q
		"$TALLY" ingest use.jsonl --prices card.json -q || [ $? -eq 3 ]
		"$TALLY" credit draw --prices card.json -q || [ $? -eq 3 ]
		drawn "$left"
	done <<'END2'
multiplier {"multiplier":"1.5"} {"n1":"2"} 650
multiplier {"own_price":"1.2"} {"n1":"2"} 560
multiplier - {"n1":"2"} 800
flat {"own_price":"0.5"} {"n1":"7"} 893
token-priced {"own_price":"1.5"} {"n1":{"input":"50"}} 650
token-priced "refuse" {"n1":{"input":"50"}} 950
token-priced - {"n1":{"input":"50"}} 750
ratio "refuse" {"n1":{"model_ratio":"0.00005"}} 950
END2
}

@test "what waits is counted in status, and drawn when the plan learns the model" {
	setup_one
	plan multiplier '"refuse"' '{"n1":"2"}'
	"$TALLY" credit account acme --plan plan.json --since 2026-06-01 -q
	"$TALLY" credit grant acme 1000 --effective 2026-06-01 -q
	"$TALLY" ingest use.jsonl --prices card.json -q || [ $? -eq 3 ]
	run "$TALLY" status
	expect 3 "uncovered     1"
	run "$TALLY" status --json
	expect 3 '"uncovered": 1'
	drawn 800
	plan multiplier '{"multiplier":"3"}' '{"n1":"2"}'
	"$TALLY" credit account acme --plan plan.json -q
	run "$TALLY" credit draw --prices card.json
	expect 0
	drawn 500
	run "$TALLY" status --json
	expect 0 '"uncovered": 0'
	run "$TALLY" fsck
	expect 0 clean
}

@test "what is no rule for unlisted models is named" {
	setup_one
	plan flat '{"multiplier":"3"}' '{"n1":"2"}'
	run "$TALLY" credit account acme --plan plan.json --since 2026-06-01
	expect 1 '"unlisted" is "refuse"'
	plan multiplier '{"own_price":"0"}' '{"n1":"2"}'
	run "$TALLY" credit account acme --plan plan.json --since 2026-06-01
	expect 1 "a factor is above 0"
}
