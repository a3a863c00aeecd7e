#!/usr/bin/env bats
# What people ask of a what-if: does a router save anything, why were caches missed, what if only such calls are escalated?
# with sanitizers, too
load common

calls() { # a conversation of nine calls, the last an hour later, and a short one; MODEL
	echo time,model,session,input,output
	for i in 0 1 2 3 4 5 6 7; do echo "2026-06-15T00:0$i:00Z,$1,s,$((20000 + i * 1000)),100"; done
	echo "2026-06-15T09:00:00Z,$1,s,30000,100"
	for i in 0 1; do echo "2026-06-15T09:0$((i + 1)):00Z,$1,u,$((700 + i * 10)),100"; done
}
scenario() { printf '%s\n' "$output" | grep -o "\"name\": \"$1\".*"; }

@test "a router is compared with the best single model, which stays warm" {
	calls gpt-4o >t.csv
	run "$TALLY" whatif t.csv -s mix=every:2:gpt-4o-mini:gpt-4o -s warm=gpt-4o --baseline best --resamples 0 --json
	expect 0 '"baseline": "only gpt-4o-mini"' '"name": "mix"'
	[[ $output != *'"only gpt-4o"'* ]] || fail "gpt-4o is listed already"
	# it is what the scenario costs that names it by hand
	best=$("$TALLY" whatif t.csv -s gpt-4o-mini --resamples 0 --csv -q | sed -n 2p | cut -d, -f10)
	[[ $(scenario "only gpt-4o-mini") == *"\"total\": \"$best\""* ]] || fail "not $best"
	# models of the record count where a scenario keeps them, what has no price never wins
	calls no-such-model | sed '3,5s/no-such-model/gpt-4o/' >u.csv
	run "$TALLY" whatif u.csv -s recorded --baseline best --resamples 0 --json
	expect 3 '"baseline": "only gpt-4o"' '"name": "only no-such-model"'
	run "$TALLY" whatif u.csv -s deepseek-chat --baseline best --at 2026-08-01
	expect 1 "--baseline best: no model has a price for all of the calls"
}
@test "misses are told by cause: a cold model, time, length, writes that nobody asked for, a changed prompt" {
	calls gpt-4o >t.csv
	run "$TALLY" whatif t.csv -s one=deepseek-v4-flash -s two=gpt-4o -s mix=every:2:gpt-4o-mini:gpt-4o --resamples 0 --json
	[[ $(scenario two) == *'"cause": "expired", "calls": 1, "tokens": 27000'*'"cause": "too_short", "calls": 1, "tokens": 700'* ]] || fail two
	[[ $(scenario mix) == *'"cause": "cold_model"'* ]] || fail mix
	[[ $(scenario one | head -n 1) != *'"cold_model"'* ]] || fail one
	calls claude-sonnet-4-6 >c.csv
	run "$TALLY" whatif c.csv -s same=claude-sonnet-4-6 --resamples 0
	expect 0 "because the client wrote nothing" "because they came too late"
	# the record says that half of the prompt was new
	{ echo time,model,session,input,cache_read,output; echo "2026-06-15T00:00:00Z,gpt-4o,s,12800,0,10"; echo "2026-06-15T00:01:00Z,gpt-4o,s,8960,3840,10"; } >d.csv
	run "$TALLY" whatif d.csv -s recorded --resamples 0 --json
	expect 0 '"cause": "changed_prefix", "calls": 1, "tokens": 8960'
}
@test "escalation by length or field" {
	# gpt-4o answers from the sixth call on: its cache is cold then, and has 25,000 and 26,000 tokens afterwards, in steps of 128
	calls gpt-4o >t.csv
	echo '{"rules": [], "otherwise": "gpt-4o-mini", "escalate": {"to": "gpt-4o", "when": {"prompt_min": 25000}}}' >e.json
	run "$TALLY" whatif t.csv -s e=rules:e.json --resamples 0 --csv
	expect 0 "e,gpt-4o-mini,11," "e,gpt-4o,4,57056,50944,"
	echo '{"cheap": "gpt-4o-mini", "strong": "gpt-4o", "share": "1", "when": {"prompt_max": 800}}' >c.json
	run "$TALLY" whatif t.csv -s c=cascade:c.json --resamples 0 --csv
	expect 0 "c,gpt-4o,2,1410,"
	echo '{"cheap": "gpt-4o-mini", "strong": "gpt-4o", "share": "1"}' >all.json
	run "$TALLY" whatif t.csv -s c=cascade:all.json --resamples 0 --csv
	expect 0 "c,gpt-4o,11,"
	echo '{"rules": [], "escalate": {"to": "gpt-4o", "when": {"prompt_minimum": 1}}}' >f.json
	run "$TALLY" whatif t.csv -s f=rules:f.json
	expect 1 "prompt_minimum"
	echo '{"rules": [], "escalate": {"to": "gpt-4o"}}' >g.json
	run "$TALLY" whatif t.csv -s g=rules:g.json
	expect 1 "'when'"
}
