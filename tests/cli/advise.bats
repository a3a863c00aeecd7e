#!/usr/bin/env bats
# What people ask of caches, each answer calculated by hand at $3 in, $0.30 hit, $3.75 and $6 written, $15 out
# (Sonnet 4.6), $1, $0.10, $1.25 and $5 (Haiku 4.5), $2.50, $1.25 and $10 (GPT-4o).
load common

@test "no cache, five minutes, an hour or pings: twenty-minute pauses of a client that asks for nothing" {
	cat > t.csv <<'CSV'
id,time,model,session,input,cache_read,output
a,2026-06-15T10:00:00Z,claude-sonnet-4-6,s,100000,0,1000
b,2026-06-15T10:20:00Z,claude-sonnet-4-6,s,101000,0,1000
c,2026-06-15T10:40:00Z,claude-sonnet-4-6,s,102000,0,1000
CSV
	run "$TALLY" advise cache t.csv --on claude-sonnet-4-6 --every 240 --pings 5 --json
	# none 0.303 x 3 + 0.045; 5m 0.303 x 3.75 + 0.045; 1h 0.6 + (0.03 + 0.006) + (0.0303 + 0.006) + 0.045
	expect 0 '"name": "none", "total": "0.954"' '"name": "5m", "total": "1.18125"' '"name": "1h", "total": "0.7173"' '"cheapest": "1h"' '"break_even_pings": 11'
	# pings at 240, 480, 720 and 960 s of both pauses, and five after the end, each a hit and a token:
	# 4 x 0.030015 + 4 x 0.030315 + 5 x 0.030615; the calls 0.375 + 0.03375 + 0.03405 + 0.045
	expect 0 '"name": "5m, pings", "total": "0.882195", "hit_ratio": "0.663366", "pings_at_most": 5, "pings": 13, "pings_total": "0.394395"'
	run "$TALLY" advise cache t.csv --on claude-sonnet-4-6
	# 3 x 290 s and 300 more are not 20 minutes
	expect 0 "cheapest" "pings every 290: " "as much as 11 of them" "within 3490 seconds" "1h, 2 pings"
	# pauses of two hours: a ping every 50 minutes keeps what was written for an hour (0.6 + 0.036 + 0.0363 + 0.045,
	# and 2 x 0.030015 + 2 x 0.030315 + 3 x 0.030615), half of what writing again and again costs
	sed 's/10:20/12:00/; s/10:40/14:00/' t.csv > far.csv
	run "$TALLY" advise cache far.csv --on claude-sonnet-4-6 --every 3000 --pings 3 --json
	expect 0 '"name": "1h", "total": "1.863"' '"name": "1h, pings", "total": "0.929805", "hit_ratio": "0.663366", "pings_at_most": 3, "pings": 7' '"cheapest": "1h, pings"'
	# pauses of two minutes: five minutes are the cheapest
	sed 's/10:20/10:02/; s/10:40/10:04/' t.csv > near.csv
	run "$TALLY" advise cache near.csv --on claude-sonnet-4-6 --json
	expect 0 '"name": "5m", "total": "0.4878"' '"cheapest": "5m"'
	# a prompt below the vendor's minimum is never kept, so nothing is there to be kept warm
	echo 'a,2026-06-15T10:00:00Z,claude-sonnet-4-6,s,1000,0,10' | cat <(head -n 1 t.csv) - > short.csv
	run "$TALLY" advise cache short.csv --on claude-sonnet-4-6 --pings 3 --json
	expect 0 '"pings": 0, "pings_total": "0"'
	# an automatic cache writes nothing
	run "$TALLY" advise cache t.csv --on deepseek-v4-flash --json
	expect 0 '"cheapest": "none"' '"hit_ratio": "0.66'
}

@test "stay or switch at this call, over the turns to come" {
	run "$TALLY" advise switch --from claude-sonnet-4-6 --to claude-haiku-4-5 --prompt 100000 --output 1000 --added 1000 --turns 5 --at 2026-06-15 --json
	# a turn on Sonnet: hit of all before, 2,000 written, 1,000 out; Haiku writes 102,000 first
	expect 0 '{"turn": 1, "stay": "0.0525", "switch": "0.1325"}' '{"turn": 2, "stay": "0.1056", "switch": "0.1502"}' '{"turn": 4, "stay": "0.2136", "switch": "0.1862"}' '"pays_from_turn": 4'
	run "$TALLY" advise switch --from claude-sonnet-4-6 --to claude-haiku-4-5 --prompt 100000 --output 1000 --added 1000 --turns 3 --at 2026-06-15
	expect 0 "does not pay within 3 turns"
	# after a pause of twenty minutes Sonnet's cache is as cold, and Haiku is cheaper at once
	run "$TALLY" advise switch --from claude-sonnet-4-6 --to claude-haiku-4-5 --prompt 100000 --output 1000 --added 1000 --turns 2 --gap 1200 --at 2026-06-15 --json
	expect 0 '{"turn": 1, "stay": "0.3975", "switch": "0.1325"}' '"pays_from_turn": 1'
	# a client that pays for no cache
	run "$TALLY" advise switch --from claude-sonnet-4-6 --to claude-haiku-4-5 --prompt 100000 --output 1000 --added 1000 --turns 1 --writes none --at 2026-06-15 --json
	expect 0 '"stay": "0.321", "switch": "0.107"'
	for bad in '--from claude-sonnet-4-6 --prompt 5|--to' '--from recorded --to gpt-4o --prompt 5|--from' '--from gpt-4o --to gpt-4o|--prompt' '--from gpt-4o --to gpt-4o --prompt 5 --turns 0|--turns'; do
		run "$TALLY" advise switch ${bad%|*}
		expect 2 "${bad#*|}"
	done
}

@test "the share of hits at which two models cost the same" {
	run "$TALLY" advise hits --from claude-sonnet-4-6 --to gpt-4o --prompt 100000 --output 1000 --at 2026-06-15 --hit-ratio 0.5 --json
	# 0.39 - 0.345 h = 0.26 - 0.125 h: h = 0.13 / 0.22. Sonnet costs 0.2175 at a half: 0.0425 / 0.125 of GPT-4o's
	expect 0 '"without_hits": "0.39"' '"all_hits": "0.045"' '"same_cost_at_hit_ratio": "0.590909"' '"cheaper_without_hits": "gpt-4o"' '"cheaper_with_all_hits": "claude-sonnet-4-6"' '"from_total": "0.2175"' '"to_needs_hit_ratio": "0.34"'
	run "$TALLY" advise hits --from claude-haiku-4-5 --to gpt-4o --prompt 100000 --output 1000 --at 2026-06-15
	expect 0 "cheaper at every share" "costs more at every share"
	# without a cache that is paid for, what is missed is input: 0.315 - 0.27 h = 0.26 - 0.125 h
	run "$TALLY" advise hits --from claude-sonnet-4-6 --to gpt-4o --prompt 100000 --output 1000 --at 2026-06-15 --writes none --json
	expect 0 '"same_cost_at_hit_ratio": "0.37931"'
	# of a trace: the same call twice, half of it hits on record
	printf 'id,time,model,session,input,cache_read,output\na,2026-06-15T10:00:00Z,claude-sonnet-4-6,s,50000,50000,1000\nb,2026-06-15T10:00:09Z,claude-sonnet-4-6,s,50000,50000,1000\n' > t.csv
	run "$TALLY" advise hits t.csv --from claude-sonnet-4-6 --to gpt-4o --json
	expect 0 '"same_cost_at_hit_ratio": "0.590909"' '"from_hit_ratio": "0.5"' '"from_total": "0.435"' '"to_needs_hit_ratio": "0.34"'
	# a model whose price is not known is no answer
	run "$TALLY" advise hits t.csv --from claude-sonnet-4-6 --to nobody-knows-it --json
	expect 1 "--to: model 'nobody-knows-it' is in no price card"
	run "$TALLY" advise hits t.csv --at 2025-06-15 --from claude-sonnet-4-6 --to gpt-4o --json
	expect 3 '"unpriced": 2'
	case $output in *same_cost*) fail "compared with no price" ;; esac
}
