#!/usr/bin/env bats
# Machines of one's own: when they pay, how long calls wait, and whose figures they are.
load common
setup() {
	common_setup
	cat > card.json <<'CARD'
{"schema": "tally.card/1", "provider": "v", "title": "a vendor", "checked": "2026-06-01",
 "prices": [{"model": "m", "currency": "USD", "rates": {"input": "1", "cache_read": "0.1", "output": "10"}, "source": "s", "sure": "s"}]}
CARD
	cat > machines.json <<'TABLE'
{"schema": "tally.machines/1",
 "machines": {"small": {"gpu_hour": "3", "gpus": 1, "source": "a price list of 2026-06"}, "large": {"gpu_hour": "3", "gpus": 8, "source": "the same list"}},
 "throughput": [{"machine": "small", "model": "m", "prompt_tokens_per_second": 10000, "output_tokens_per_second": 1000, "source": "measured on our own calls"},
  {"machine": "large", "model": "m", "prompt_tokens_per_second": 20000, "output_tokens_per_second": 2000, "source": "measured on our own calls"}]}
TABLE
}
scenario() { printf '{"baseline": "api", %s "scenarios": [{"name": "api", "route": "m"}, {"name": "own", "route": "m", "self_hosted": {"m": %s}}]}' "$1" "$2" > s.json; }
# every second call of the first minute, so many
calls() { echo 'id,time,provider,model,input,cache_read,output'; for i in $(seq 0 $(($1 - 1))); do printf 'c%d,2026-06-15T10:00:%02dZ,v,m,100000,0,10000\n' "$i" $((i % 60)); done; }
own() { run "$TALLY" whatif t.csv --prices card.json --scenarios s.json --resamples 0 "$@"; }

@test "a table of machines names its sources; a machine pays where a full one costs less than the vendor" {
	calls 30 > t.csv
	scenario '"machines": "machines.json",' '{"machine": "small", "replicas": 1}'
	own --json
	# a call: 10 s + 10 s, 0.1 + 0.1 at the vendor; an hour holds 180 calls (36 at the vendor), and costs 3: as much as 15 calls
	expect 0 '"replica_hours": 1' '"busy_ratio": "0.166667"' '"at_vendor_price": "6"' '"calls_at_most": 180' '"break_even_volume": "0.5"' '"break_even_calls": 15' \
		'"break_even_busy_ratio": "0.083333"' '{"replicas": 2, "cost": "6", "calls_at_most": 360, "full_at_vendor_price": "72", "break_even_calls": 30}' \
		'"gpu_source": "a price list of 2026-06", "throughput_source": "measured on our own calls"' '"longest": "551"'
	# 3.3 million tokens for 3, 19.8 million when it is full
	expect 0 '"per_million_tokens": "0.90909090909090909"' '"per_million_tokens_full": "0.151515'
	own
	expect 0 "a price list of 2026-06" "551 s at most" "15 calls"
	# five times as dear and no faster: 24 an hour hold 360 calls, which are 72 at the vendor
	scenario '"machines": "machines.json",' '{"machine": "large", "gpu_hour": "12", "replicas": 1}'
	own --json
	expect 0 '"break_even_volume": null, "break_even_calls": null' '"break_even_busy_ratio": null' '"cost": "96", "calls_at_most": 360, "full_at_vendor_price": "72", "break_even_calls": null'
	# as many as it takes for nobody to wait longer than two minutes: three
	scenario '"machines": "machines.json",' '{"machine": "small", "wait_seconds": 180}'
	own --json
	expect 0 '"replicas": 3' '"total": "9"'
}

@test "figures without a source, machines that no table has and keys that nobody knows are refused" {
	calls 2 > t.csv
	while IFS='|' read -r table machine said; do
		scenario "$table" "$machine"
		own
		[ "$status" -eq 1 ] || fail "status of $said"
		expect 1 "s.json: " "$said"
	done <<'BAD'
"machines": {"machines": {"a": {"gpu_hour": "1", "gpus": 1}}, "throughput": []},|{"machine": "a"}|'source' is missing
"machines": "machines.json",|{"machine": "huge"}|no table has a machine 'huge'
"machines": {"machines": {"a": {"gpu_hour": "1", "gpus": 1, "source": "s"}}, "throughput": []},|{"machine": "a"}|'prompt_tokens_per_second'
"machines": {"machines": {}, "throughput": [{"machine": "b", "model": "m", "source": "s"}]},|{"machine": "b"}|there is no machine 'b'
|{"machine": "small"}|no table has a machine 'small'
|{"gpu_hour": "1", "gpus": 1, "prompt_tokens_per_second": 1, "output_tokens_per_second": 1, "slots": 0}|'slots'
|{"gpu_hour": "1", "gpus": 1, "prompt_tokens_per_second": 1, "output_tokens_per_second": 1, "wait_seconds": "soon"}|'wait_seconds'
"machine": 1,|{}|machine
"machines": {"machines": {"a": {"gpu_hour": "1", "gpus": 1, "source": "s", "date": 2026}}, "throughput": []},|{"machine": "a"}|'date'
"machines": {"machines": {"a": {"gpu_hour": "1", "gpus": 1, "source": "s"}}, "throughput": [{"machine": "a", "model": "m", "slots": 2, "source": "s"}, {"machine": "a", "model": "m", "slots": 3, "source": "t"}]},|{"machine": "a"}|two speeds for model 'm'
BAD
}

@test "a model that no vendor sells has its price from the machines; figures are told with their date" {
	calls 2 | sed 's/,m,/,own-weights,/' > t.csv
	printf '{"machines": {"machines": {"small": {"gpu_hour": "3", "gpus": 1, "source": "a price list", "date": "2026-06"}}, "throughput": []}, "scenarios": [{"name": "own", "route": "own-weights",
	 "self_hosted": {"own-weights": {"machine": "small", "prompt_tokens_per_second": 10000, "output_tokens_per_second": 1000}}}]}' > s.json
	own --json
	expect 0 '"total": "3"' '"unpriced": 0' '"vendor_unpriced": 2' '"gpu_source": "a price list (2026-06)"'
	own
	expect 0 "own-weights on 1 GPU for 1 hour" "what the vendor would ask is not known of 2 of the calls" "a price list (2026-06)"
	[[ "$output" != *"no amount"* ]] || fail "priced by the machines"
}

@test "queues, bursts and whole replicas by the hour: as a slow reference says, of random work" {
	for seed in $(seq 12); do
		want=$(python3 "$ROOT/tests/support/hosting_reference.py" "$seed")
		"$TALLY" whatif t.csv --prices card.json --scenarios s.json --resamples 0 --json >got.json
		got=$(python3 -c 'import json
from fractions import Fraction as F
scenario = json.load(open("got.json"))["scenarios"][0]
own = scenario["by_model"][0]["self_hosted"]
spread = lambda x: [int(F(x[k]) * 10**6) for k in ("mean", "0.5", "0.95", "longest")]
print(json.dumps([str(F(scenario["total"])), own["hours"], own["replica_hours"], own["replicas"], own["calls_at_most"], own["break_even_calls"],
    spread(own["wait_seconds"]), spread(own["answer_seconds"])]))')
		[ "$got" = "$want" ] || fail "seed $seed: $got, not $want"
	done
}
@test "a table and the parts of a scenario may call a model by any of its names; its very name goes before" {
	calls 30 | sed 's/,v,m,/,deepseek,deepseek-v4-flash,/' > t.csv
	table() { printf '{"machines": {"small": {"gpu_hour": "3", "gpus": 1, "source": "a list"}}, "throughput": [%s]}' "$1" >machines.json; }
	speed() { printf '{"machine": "small", "model": "%s", "prompt_tokens_per_second": %d, "output_tokens_per_second": 1000, "source": "measured %d"}' "$1" "$2" "$2"; }
	own() { printf '{"machines": "machines.json", "scenarios": [{"name": "own", "route": "%s", "self_hosted": {"%s": {"machine": "small", "replicas": 1}}}]}' "$1" "$2" >s.json; run "$TALLY" whatif t.csv --scenarios s.json --resamples 0 --json; }
	table "$(speed DeepSeek-V4-Flash 10000)"
	own deepseek-v4-flash deepseek/deepseek-v4-flash; expect 0 '"throughput_source": "measured 10000"'
	table "$(speed DeepSeek-V4-Flash 10000),$(speed deepseek-v4-flash 20000)"
	own deepseek-v4-flash deepseek-v4-flash; expect 0 '"throughput_source": "measured 20000"'
	own deepseek-v4-flash deepseek/deepseek-v4-flash; expect 1 "two speeds for model 'deepseek/deepseek-v4-flash'"
	own deepseek-v4-flash deepseek-v4-pro; expect 1 "the route has no model 'deepseek-v4-pro'"
}
