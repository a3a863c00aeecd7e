#!/usr/bin/env bats
# What batches would save: with the cache, without it, and only of what may wait.
load common

@test "batches with hits, of tiers that sell none, and of the workloads that may wait" {
	cat > card.json <<'CARD'
{"schema": "tally.card/1", "provider": "v", "title": "a vendor", "checked": "2026-06-01", "prices": [
 {"model": "m", "currency": "USD", "rates": {"input": "4", "cache_read": "1", "output": "8"}, "source": "s", "sure": "s"},
 {"model": "m", "currency": "USD", "service_tier": "batch", "rates": {"input": "2", "cache_read": "0.5", "output": "4"}, "source": "s", "sure": "s"},
 {"model": "n", "currency": "USD", "rates": {"input": "4", "cache_read": "1", "output": "8"}, "source": "s", "sure": "s"},
 {"model": "n", "currency": "USD", "service_tier": "batch", "rates": {"input": "2", "output": "4"}, "source": "s", "sure": "s"}]}
CARD
	cat > t.csv <<'CSV'
id,time,provider,model,workload,session,input,cache_read,output
a,2026-06-15T10:00:00Z,v,m,eval,s1,1000000,0,0
b,2026-06-15T10:01:00Z,v,m,eval,s1,0,1000000,0
c,2026-06-15T10:02:00Z,v,n,chat,s2,1000000,0,0
d,2026-06-15T10:03:00Z,v,n,chat,s2,0,1000000,0
CSV
	echo '{"scenarios": [{"name": "was", "route": "recorded"}, {"name": "m", "route": "batch:m"}, {"name": "n", "route": "batch:n"}, {"name": "all", "route": "recorded", "service_tier": "batch"},
		{"name": "eval", "route": "recorded", "service_tier": "batch", "wait": ["eval"]}]}' > s.json
	for cache in rebuilt recorded none; do
		run "$TALLY" whatif t.csv --prices card.json --scenarios s.json --cache $cache --resamples 0 --csv
		# 2 x (4 + 1); 2 x (2 + 0.5); 4 x 2, for n sells no hits in batches; 2.5 + 4; 2.5 + 5
		expect 0
		for want in was,10 m,5 n,8 all,6.5 eval,7.5; do
			awk -F, -v n="${want%,*}" -v t="${want#*,}" '$1 == n && $2 == "" { found = $10 == t } END { exit !found }' <<< "$output" || fail "$cache: $want"
		done
	done
	# what was recorded in a batch with a hit that its price does not state has no price
	sed -i '1s/$/,service_tier/; 2,$s/$/,batch/' t.csv
	run "$TALLY" whatif t.csv --prices card.json -s recorded --resamples 0 --json
	expect 3 '"unpriced": 1'
}

@test "the published averages of prompts that are asked again a minute apart" {
	# of the cached part: 1.25, 0.675, 0.483, 0.33 and 0.215 of the price of input for five minutes, 2, 1.05, 0.733, 0.48 and 0.29 for an hour
	echo '{"scenarios": [{"name": "5m", "route": "claude-sonnet-4-6", "cache": {"writes": "5m"}}, {"name": "1h", "route": "claude-sonnet-4-6", "cache": {"writes": "1h"}}]}' > s.json
	for want in 1,3.75,6 2,4.05,6.3 3,4.35,6.6 5,4.95,7.2 10,6.45,8.7; do
		IFS=, read -r n short long <<< "$want"
		{ echo id,time,model,session,input,output; for i in $(seq 1 "$n"); do printf 'c%d,2026-06-15T10:%02d:00Z,gpt-4o,s,1000000,0\n' "$i" "$i"; done; } > t.csv
		run "$TALLY" whatif t.csv --scenarios s.json --resamples 0 --json
		expect 0 "\"total\": \"$short\"" "\"total\": \"$long\""
	done
}
