#!/usr/bin/env bats
# What a call costs on another model keeps what belongs to the call, and a cache keeps its contract.
load common

# total SCENARIO: of the JSON in $output
total() { printf '%s\n' "$output" | sed -n "s/.*{\"name\": \"$1\".*\"currency\": \"USD\", \"total\": \"\([^\"]*\)\".*/\1/p"; }
same() { [ "$1" = "$2" ] || fail "got '$1', want '$2'"; }

two_models() { # m: 4 (batch 2, flex 3), n: 2 (batch 0.5), input per million; n has no flex
	cat > card.json <<-'END'
	{"schema": "tally.card/1", "provider": "own", "prices": [
	 {"model": "m-x", "currency": "USD", "from": "2026-01-01T00:00:00Z", "kind": "list", "source": "own", "sure": "vendor",
	  "rates": {"input": "4", "cache_read": "0.4", "output": "8"}},
	 {"model": "m-x", "currency": "USD", "from": "2026-01-01T00:00:00Z", "kind": "list", "source": "own", "sure": "vendor",
	  "service_tier": "batch", "rates": {"input": "2", "cache_read": "0.2", "output": "4"}},
	 {"model": "m-x", "currency": "USD", "from": "2026-01-01T00:00:00Z", "kind": "list", "source": "own", "sure": "vendor",
	  "service_tier": "flex", "rates": {"input": "3", "cache_read": "0.3", "output": "6"}},
	 {"model": "n-x", "currency": "USD", "from": "2026-01-01T00:00:00Z", "kind": "list", "source": "own", "sure": "vendor",
	  "rates": {"input": "2", "cache_read": "0.2", "output": "8"}},
	 {"model": "n-x", "currency": "USD", "from": "2026-01-01T00:00:00Z", "kind": "list", "source": "own", "sure": "vendor",
	  "service_tier": "batch", "rates": {"input": "0.5", "cache_read": "0.05", "output": "2"}}]}
	END
	cat > calls.csv <<-'END'
	time,model,service_tier,workload,input,output
	2026-06-15T00:00:00Z,m-x,batch,eval,1000000,0
	2026-06-15T00:00:01Z,m-x,,chat,1000000,0
	END
}

@test "another model is asked in the service tier of the call, and a tier it lacks is no base price" {
	two_models
	run "$TALLY" whatif calls.csv --prices card.json -s recorded -s same=m-x -s n=n-x --json
	expect 0
	same "$(total recorded)" 6
	same "$(total same)" 6
	same "$(total n)" 2.5
	sed -i 's/,batch,/,flex,/' calls.csv
	run "$TALLY" whatif calls.csv --prices card.json -s recorded -s n=n-x
	expect 3 "no amount for 1 call of n-x" "flex"
}

@test "a scenario in batches: batch:MODEL, service_tier, and what has time for it" {
	two_models
	cat > s.json <<-'END'
	{"scenarios": [{"name": "all", "route": "m-x", "service_tier": "batch"},
	 {"name": "some", "route": "batch:m-x", "wait": ["eval"]},
	 {"name": "none", "route": "recorded", "service_tier": "standard"}]}
	END
	run "$TALLY" whatif calls.csv --prices card.json --scenarios s.json -s short=batch:n-x --json
	expect 0
	same "$(total all)" 4
	same "$(total some)" 6
	same "$(total none)" 8
	same "$(total short)" 1
}

@test "members of a scenario of the wrong kind are refused" {
	two_models
	for s in '"writes": 1' '"writes": "true"' '"service_tier": 5' '"wait": ["eval"]' '"service_tier": "batch", "wait": [1]'; do
		echo "{\"scenarios\": [{\"name\": \"s\", \"route\": \"m-x\", $s}]}" > s.json
		run "$TALLY" whatif calls.csv --prices card.json --scenarios s.json
		expect 1 "s.json: scenario 's'"
	done
}

@test "a second pass finds nothing of the future" {
	echo '{"rules": [{"when": {"prompt_min": 1000}, "model": "deepseek-v4-pro"}], "otherwise": "deepseek-v4-flash",
	 "escalate": {"from": "deepseek-v4-flash", "to": "deepseek-v4-pro", "share": "1"}}' > r.json
	cat > t.jsonl <<-'END'
	{"c": 0, "n": 1, "i": 0, "d": 0, "t": 0, "m": "x", "in": 1024, "out": 0, "h": "1-16"}
	{"c": 0, "n": 1, "i": 1, "d": 0, "t": 9000, "m": "x", "in": 512, "out": 0, "h": "1-8"}
	END
	# the first, on Pro by its rule, comes before the second's escalation; 9,000 seconds are too long
	run "$TALLY" whatif t.jsonl --at 2026-06-15 --cache infinite,ttl=300 -s e=rules:r.json --json
	expect 0
	same "$(total e)" "$(awk 'BEGIN { printf "%.8f", (1536 * 0.435 + 512 * 0.14) / 1e6 }' | sed 's/0*$//')"
}

@test "a model has one cache, whether a rule names it or the record does" {
	echo '{"rules": [{"when": {"prompt_min": 1000}, "model": "deepseek-v4-pro"}], "otherwise": "recorded"}' > r.json
	cat > t.jsonl <<-'END'
	{"c": 0, "n": 1, "i": 0, "d": 0, "t": 0, "m": "deepseek-v4-pro", "in": 512, "out": 0, "h": "1-8"}
	{"c": 0, "n": 1, "i": 1, "d": 0, "t": 10, "m": "deepseek-v4-pro", "in": 1024, "out": 0, "h": "1-16"}
	END
	run "$TALLY" whatif t.jsonl --at 2026-06-15 --cache infinite -s e=rules:r.json --json
	expect 0 '"cache_read": 512'
}

@test "a sensitivity never takes more from a prompt than it has" {
	cat > w.csv <<-'END'
	time,provider,model,session,input,cache_read,cache_write_5m,output
	2026-06-15T00:00:00Z,anthropic,claude-sonnet-4-6,s1,200,5000,600,60
	END
	run "$TALLY" whatif w.csv -s recorded -s h=claude-haiku-4-5 --sensitivity 0.1 --json
	expect 0 '"with_more": "0.001225"'	# 500 hits more: 200 are not read, 300 not written
	run "$TALLY" whatif w.csv -s recorded -s h=claude-haiku-4-5 --sensitivity 0.5 --json
	expect 0 '"with_more": "0.00088"'	# all of it is a hit
}
