#!/usr/bin/env bats
# What vendors' caches promise: contracts of the cards, hits rebuilt from counts, writes in the bill. Amounts are worked out by hand.
load common.bash

total() { "$TALLY" whatif "$@" --resamples 0 --csv | awk -F, -v s="$name" '$1 == s && $2 == "" { print $10 }'; }
same() { [ "$1" = "$2" ] || fail "$1, not $2"; }
calls() { # MODEL INPUT:READ... 20 minutes apart, or $gap
	printf 'time,model,session,input,cache_read,output\n'
	local m=$1 i=0; shift
	for c in "$@"; do printf '2026-06-15T%02d:%02d:00Z,%s,s,%s,%s,0\n' $((i / 60)) $((i % 60)) "$m" "${c%:*}" "${c#*:}"; i=$((i + ${gap-20})); done
}

@test "a cache that lives shorter loses what the recorded one kept; what it writes is billed" {
	calls deepseek-v4-pro 100000:0 1000:100000 1000:101000 >t.csv
	name=s
	# 303,000 tokens, all written; within five minutes 101,000 + 100,000 are read
	same "$(total t.csv -s s=claude-sonnet-4-6)" 1.13625
	gap=1 calls deepseek-v4-pro 100000:0 1000:100000 1000:101000 >u.csv
	same "$(total u.csv -s s=claude-sonnet-4-6)" "$(awk 'BEGIN { printf "%.6g", .102 * 3.75 + .201 * .3 }')"
	# an hour's writes cost 6 and keep it all; nothing asked for, nothing found, nothing written
	same "$(total t.csv -s s=claude-sonnet-4-6 --writes 1h)" "$(awk 'BEGIN { printf "%.6g", .102 * 6 + .201 * .3 }')"
	same "$(total t.csv -s s=claude-sonnet-4-6 --writes none)" 0.909
	for part in '"writes": false' '"cache": {"writes": "none"}'; do
		echo '{"scenarios": [{"name": "s", "route": "claude-sonnet-4-6", '"$part"'}]}' >s.json
		same "$(total t.csv --scenarios s.json)" 0.909
	done
	echo '{"scenarios": [{"name": "s", "route": "claude-sonnet-4-6", "cache": {"ttl": "1h"}}]}' >s.json
	same "$(total t.csv --scenarios s.json)" "$(awk 'BEGIN { printf "%.6g", .102 * 3.75 + .201 * .3 }')"
	for bad in '"writes": 1' '"cache": {"ttl": "soon"}' '"cache": {"colour": 1}' '"cache": {"writes": "2h"}' '"cache": 5'; do
		echo '{"scenarios": [{"name": "s", "route": "claude-sonnet-4-6", '"$bad"'}]}' >s.json
		run "$TALLY" whatif t.csv --scenarios s.json
		expect 1 "s.json: scenario 's'"
	done
}

@test "a record that switched: one warm model finds the prompt before, the route pays its switches, the record stays itself" {
	# Pro and Flash in turns, each of which had found its own prompt of two calls ago: 10,048 grows by 640
	{ printf 'time,model,session,input,cache_read,output\n'
	for i in 0 1 2 3 4 5; do
		p=$((10048 + 640 * i)); r=$((i < 2 ? 0 : p - 1280))
		printf '2026-06-15T00:%02d:00Z,deepseek-v4-%s,s,%d,%d,0\n' $i $([ $((i % 2)) = 0 ] && echo pro || echo flash) $((p - r)) $r
	done; } >t.csv
	run "$TALLY" whatif t.csv -s now=recorded -s pro=deepseek-v4-pro -s mix=every:2:deepseek-v4-flash:deepseek-v4-pro --resamples 0 --csv
	# the record and the same route by name agree; Pro alone reads 10,048 and five times 640 uncached
	expect 0 "now,,6,25856," "mix,,6,25856," "pro,,6,13248,56640,0,"
	same "$(sed -n 's/^now,,//p' <<<"$output" | cut -d, -f1-8)" "$(sed -n 's/^mix,,//p' <<<"$output" | cut -d, -f1-8)"
}

@test "minimum and quantum, changed prefixes, heads that sessions share; what is not certain is bounded" {
	# OpenAI: nothing below 1,024, whole 128s; Sonnet's 1,000 tokens are not kept either
	gap=1 calls deepseek-v4-pro 1000:0 200:960 >t.csv
	run "$TALLY" whatif t.csv -s o=gpt-4o -s s=claude-sonnet-4-6 --csv --resamples 0
	expect 0 "o,,2,2160,0,0,0," "s,,2,1000,0,1160,0,"
	gap=1 calls deepseek-v4-pro 2000:0 200:1984 >t.csv
	run "$TALLY" whatif t.csv -s o=gpt-4o --csv --resamples 0
	expect 0 "o,,2,2264,1920,0,0," # 15 x 128 of 2,000
	# the record was warm and found 640 of 6,400: the prompt had changed, for whoever reads it
	gap=1 calls deepseek-v4-pro 6400:0 640:5760 5760:640 >t.csv
	run "$TALLY" whatif t.csv -s f=gpt-4o --csv --resamples 0
	expect 0 "f,,3,13440,5760,0,0,"
	# a shorter prompt on a trace without any hit: all of it may be the same, or nothing
	gap=1 calls claude-sonnet-4-6 64000:0 6400:0 >t.csv
	run "$TALLY" whatif t.csv -s f=deepseek-v4-flash --json --resamples 0
	expect 0 '"uncertain_calls": 1' '"total_low": "0.00897792"' '"total_high": "0.009856"' # 64,000 x 0.14 + 6,400 x 0.0028, or x 0.14
	run "$TALLY" whatif t.csv -s f=deepseek-v4-flash --resamples 0
	expect 0 "not certain"
}

@test "a card of one's own states a contract, and what cannot be read is named" {
	card() { cat >card.json <<-END
		{"schema": "tally.card/1", "provider": "own", "caches": [{"models": ["m-*"], "asked_by": "nobody", "minimum_tokens": $1, "quantum_tokens": 100,
		 "lifetimes": [{"seconds": $2}], "source": "here", "sure": "ours"}],
		 "prices": [{"model": "m-x", "currency": "USD", "from": "2026-01-01T00:00:00Z", "kind": "list", "rates": {"input": "2", "cache_read": "0.2", "output": "3"}, "source": "s", "sure": "s"}]}
	END
	}
	gap=1 calls deepseek-v4-pro 1050:0 100:1024 >t.csv
	card 0 60
	run "$TALLY" whatif t.csv --prices card.json -s m=m-x --csv --resamples 0
	expect 0 "m,,2,1174,1000,0,0,"
	card 1001 60
	run "$TALLY" whatif t.csv --prices card.json -s m=m-x --csv --resamples 0
	expect 0 "m,,2,2174,0,0,0,"
	card 0 59
	run "$TALLY" whatif t.csv --prices card.json -s m=m-x --csv --resamples 0
	expect 0 "m,,2,2174,0,0,0,"
	card '"few"' 60
	run "$TALLY" price check card.json
	expect 1 "caches[0]" "minimum_tokens"
	sed -i 's/"few"/1/; s/"nobody"/"somebody"/' card.json
	run "$TALLY" price check card.json
	expect 1 "asked_by"
}

@test "breakpoints bound what is written, and --cache says the same in replay and whatif" {
	for i in 0 1 2; do printf '{"c":0,"n":3,"i":%d,"d":0,"t":%d,"m":"claude-sonnet-4-6","in":%d,"out":0,"h":"1-%d","breakpoints":[4096]}\n' $i $((i * 10)) $((5120 + 1024 * i)) $((80 + 16 * i)); done >t.jsonl
	# 4,096 written, 8,192 read, 6,144 plain
	run "$TALLY" replay t.jsonl --at 2026-06-15 --cache infinite --json
	expect 0 '"total": "0.0362496"' '"cache_write_5m": 4096'
	name=r
	same "$(total t.jsonl --at 2026-06-15 --cache infinite -s r=recorded)" 0.0362496
	same "$(total t.jsonl --at 2026-06-15 --cache infinite -s r=recorded --writes none)" 0.055296
	# an hour's lifetime, its own bucket
	run "$TALLY" replay t.jsonl --at 2026-06-15 --cache infinite --writes 1h --json
	expect 0 '"cache_write_1h": 4096' '"cache_write_5m": 0'
	# DeepSeek bills no writes
	run "$TALLY" replay t.jsonl --at 2026-06-15 --cache infinite --remodel deepseek-v4-flash --json
	expect 0 '"cache_write_5m": 0' '"cache_read": 11264'
	run "$TALLY" cache t.jsonl --rule vendor -m claude-sonnet-4-6 --json
	expect 0 '"hit_tokens": 8192'
	run "$TALLY" cache t.jsonl --rule vendor
	expect 2 "--model"
}

@test "what all sessions of a class begin with is found by the next one; units of a record are never lost" {
	plan() { printf '{"start":"2026-10-01","days":1,"seed":1,"classes":[{"workload":"w","model":"deepseek-v4-flash","sessions_per_day":200,"first_prompt":3000,%s"output":10,"cache_seconds":%d}]}' "$1" $2 >p.json; "$TALLY" sim generate p.json -o g.csv -q; }
	plan '' 86400
	same "$(awk -F, 'NR > 1 { n += $11 } END { print n }' g.csv)" 0
	plan '"shared_prompt":2000,' 86400
	same "$(awk -F, 'NR > 1 { n++; r += $11; p += $10 + $11 } END { print r - 2000 * (n - 1), p - 3000 * n }' g.csv)" "0 0" # all but the first
	plan '"shared_prompt":2000,' 1
	[ "$(awk -F, 'NR > 1 { n += $11 } END { print n }' g.csv)" -lt 10000 ] || fail "an old head was found"
	printf '{"time":"2026-06-15T00:00:00Z","model":"deepseek-v4-flash","input":100,"output":0,"units":%s}\n' '{"cache_token_hours": 25000}' '{}' '{"searches": 0}' >u.jsonl
	run "$TALLY" replay u.jsonl
	expect 3 "states no price for unit 'cache_token_hours'" ">= "
	run "$TALLY" replay u.jsonl --json
	expect 3 '"records": 3' '"unpriced": 1'
	# 25,000 token-hours of 2.5 Pro at 4.50 a million, and 100,000 tokens read at 0.125; a unit that nobody knows is refused
	printf '{"time":"2026-06-15T00:00:00Z","model":"gemini-2.5-pro","cache_read":100000,"output":0,"units":{"%s": 25000}}\n' cache_token_hours >v.jsonl
	run "$TALLY" replay v.jsonl --json
	expect 0 '"total": "0.125"'
	run "$TALLY" whatif v.jsonl -s r=recorded --resamples 0 --csv
	expect 0 "r,,1,0,100000,0,0,0,0,0.125,"
	sed 's/cache_token_hours/frobs/' v.jsonl >w.jsonl
	run "$TALLY" replay w.jsonl
	[ "$status" != 0 ] || fail "frobs are free"
	expect "$status" "w.jsonl:1" "frobs"
}

@test "times in seconds from the start, in CSV and JSON Lines, mapped or not; the first row decides" {
	printf 'arrived_at,in,out\n0.0,100,10\n0.531,200,20\n' >t.csv
	run "$TALLY" replay t.csv --map time=arrived_at --map input=in --map output=out -m deepseek-v4-flash --at 2026-06-15 --json
	expect 0 '"total": "0.0000504"'
	run "$TALLY" replay t.csv --map time=arrived_at --map input=in --map output=out -m deepseek-v4-flash
	expect 2 "--at"
	printf '{"time":%s,"model":"deepseek-v4-flash","session":"s","input":%d,"output":0}\n' 0 1000 7199.5 2000 >t.jsonl
	name=f
	same "$(total t.jsonl --at 2026-06-15 -s f=deepseek-v4-flash)" 0.00042
	printf 'time,model,input,output\n20260615,deepseek-v4-flash,100,0\n' >d.csv
	run "$TALLY" replay d.csv
	expect 0
}

@test "random conversations, every vendor's contract, with blocks and without, to the last picodollar of a slow reference" {
	command -v python3 || skip "no python3"
	for seed in 1 2; do
		# a sixth of the questions, another sixth for each seed
		python3 "$ROOT/tests/support/cache_reference.py" $seed $((seed % 6)) >want
		while IFS=$'\t' read -r question answer; do
			if [ "${question%% *}" = whatif ]; then
				got=$("$TALLY" $question --resamples 0 --csv -q | awk -F, '$1 == "x" && $2 == "" { print $10, $5 }')
			else
				got=$("$TALLY" $question --json -q | tr -d '\n' | sed 's/.*"results": *\[ *{[^}]*"hit_tokens": *\([0-9]*\).*/- \1/
					s/.*"tokens": *{[^}]*"cache_read": *\([0-9]*\).*"total": *"\([0-9.]*\)".*/\2 \1/')
			fi
			[[ "$got " == "$answer "* ]] || { echo "seed $seed: $question: $got, not $answer"; echo x >>bad; }
		done <want
		[ ! -e bad ] || fail "seed $seed"
		[ "$(wc -l <want)" -gt 40 ] || fail "few questions"
	done
}

@test "hits end within twenty content blocks of a mark, as in the vendor's example" {
	# platform.claude.com, prompt caching, "Lookback in a growing conversation": 10 blocks, 15, 35, each marked at its last; blocks of 640 tokens here
	row() { # BLOCKS SECONDS [more marks]
		printf '{"c":1,"t":%d,"m":"claude-sonnet-4-6","in":%d,"out":0,"h":"0-%d","breakpoints":[%s%d],"content_blocks":[%s]}\n' "$2" $(($1 * 640)) $(($1 * 10 - 1)) "${3-}" $(($1 * 640)) "$(seq -s, 640 640 $(($1 * 640)))"
	}
	hits() { "$TALLY" replay t.jsonl --at 2026-06-15 --cache vendor --json "$@" | tr -d '\n' | sed 's/.*"tokens": *{[^}]*"cache_read": *\([0-9]*\),[^}]*"cache_write_5m": *\([0-9]*\).*/\1 \2/'; }
	{ row 10 0; row 15 10; } >t.jsonl
	same "$(hits)" "6400 9600" # turn 2 finds block 10 and writes 11 to 15
	row 35 20 >>t.jsonl
	same "$(hits)" "6400 $((9600 + 22400))" # blocks 35 to 16 are looked at: nothing, and all is written again
	same "$(hits --lookback 0)" "$((6400 + 9600)) 22400"
	same "$(hits --lookback 21)" "$((6400 + 9600)) 22400"
	{ row 10 0; row 15 10; row 34 20; } >t.jsonl
	same "$(hits)" "$((6400 + 9600)) $((34 * 640))" # block 15 is the twentieth
	# a second mark nearer by finds it
	{ row 10 0; row 15 10; row 35 20 $((20 * 640)),; } >t.jsonl
	same "$(hits)" "$((6400 + 9600)) 22400"
	# a pack keeps them; without content blocks all of the prompt is looked at
	"$TALLY" pack t.jsonl -o t.pack -q
	same "$("$TALLY" replay t.pack --at 2026-06-15 --cache vendor --json | grep -o '"cache_read": [0-9]*' | head -n 1)" '"cache_read": 16000'
	{ row 10 0; row 15 10; row 35 20; } >t.jsonl
	"$TALLY" pack t.jsonl -o u.pack -q
	same "$("$TALLY" replay u.pack --at 2026-06-15 --cache vendor --json | grep -o '"cache_read": [0-9]*' | head -n 1)" '"cache_read": 6400'
	sed -i 's/,"content_blocks.*/}/' t.jsonl
	same "$(hits)" "$((6400 + 9600)) 22400"
	for wrong in '[640,640]' '[0]' '[99999]' '["x"]'; do
		printf '{"c":1,"t":0,"in":640,"out":0,"h":"0-9","content_blocks":%s}\n' "$wrong" >t.jsonl
		run "$TALLY" cache t.jsonl
		expect 1 "field 'content_blocks' is a list of places"
	done
	printf 'time,model,session,input,output\n2026-06-15,claude-sonnet-4-6,s,1,1\n' >c.csv
	run "$TALLY" whatif c.csv -s x=claude-sonnet-4-6 --lookback 20
	expect 2 --lookback 'a cache of blocks'
}

stripped() { # TRACE MODEL: counts alone, recorded on that model
	echo time,model,session,input,output
	sed -n 's/.*"c": *\([0-9]*\).*"t": *\([0-9.]*\).*"in": *\([0-9]*\).*"out": *\([0-9]*\).*/\2 \1 \3 \4/p' "$1" |
		awk -v m="$2" '{ t = int($1); printf "2026-06-%02dT%02d:%02d:%02dZ,%s,%s,%s,%s\n", 15 + int(t / 86400), int(t / 3600) % 24, int(t / 60) % 60, t % 60, m, $2, $3, $4 }'
}

@test "block traces stripped to counts: how far the rebuilt hits are from the truth of the blocks, model by model" {
	stripped "$ROOT/examples/sessions.jsonl" no-such-model >t.csv
	# without a hit on record; sessions that are compacted there keep their beginning, which no count tells
	for m in claude-sonnet-4-6:5 claude-haiku-4-5:5 gpt-4o:25 deepseek-v4-flash:15; do
		name=x
		truth=$(total "$ROOT/examples/sessions.jsonl" --at 2026-06-15 --cache vendor --scope conversation -s x=${m%:*})
		run "$TALLY" whatif t.csv -s x=${m%:*} --resamples 0 --json
		rebuilt=$(json total) low=$(json total_low) high=$(json total_high)
		echo "${m%:*}: $rebuilt rebuilt, $low to $high, $truth by blocks"
		awk -v a="$rebuilt" -v b="$truth" -v p=${m#*:} 'BEGIN { exit !(b > 0 && a > b * (1 - p / 100) && a < b * (1 + p / 100)) }' || fail "$m: $rebuilt is far from $truth"
		awk -v l="$low" -v b="$truth" -v h="$high" 'BEGIN { exit !(l <= b && b <= h) }' || fail "$m: $truth lies outside $low to $high"
	done
}

@test "threads: helpers beside a session, a prompt that is asked again, one that is compacted" {
	name=s
	# a helper of 8,192 tokens between two calls of 64,000 and 64,640; the session goes on from its own
	gap=1 calls no-such-model 64000:0 8192:0 64640:0 8832:0 >t.csv
	run "$TALLY" whatif t.csv -s s=deepseek-v4-flash --csv --resamples 0
	expect 0 "s,,4,73472,72192,0,0,"
	# a helper that runs on another model has grown to more than half the session: each goes on from its own
	cat >t.csv <<-'END'
	time,model,session,input,output
	2026-06-15T00:00:00Z,no-such-model,a,96000,0
	2026-06-15T00:00:01Z,no-such-helper,a,64000,0
	2026-06-15T00:00:02Z,no-such-model,a,102400,0
	2026-06-15T00:00:03Z,no-such-helper,a,64640,0
	END
	run "$TALLY" whatif t.csv -s s=deepseek-v4-flash --csv --resamples 0
	expect 0 "s,,4,167040,160000,0,0,"
	# a record that switches by the call is one thread: nothing else goes on from the call before
	sed -i 's/,64000,/,98560,/; s/,64640,/,108800,/' t.csv
	run "$TALLY" whatif t.csv -s s=deepseek-v4-flash --csv --resamples 0
	expect 0 "s,,4,108800,296960,0,0,"
	# the same prompt is asked again after another: it was there, whole
	gap=1 calls no-such-model 6400:0 12800:0 6400:0 >t.csv
	run "$TALLY" whatif t.csv -s s=deepseek-v4-flash --csv --resamples 0
	expect 0 "s,,3,12800,12800,0,0,"
	# compacted: nothing is found for sure, and at most all of it
	gap=1 calls no-such-model 64000:0 6400:0 7040:0 >t.csv
	run "$TALLY" whatif t.csv -s s=deepseek-v4-flash --json --resamples 0
	expect 0 '"cache_read": 6400' '"uncertain_calls": 1'
	# the record of a vendor's own cache says that the prompts part at 5,760; a Claude client's only mark was at 6,400
	gap=1 calls deepseek-v4-pro 6400:0 640:5760 >t.csv
	run "$TALLY" whatif t.csv -s s=claude-sonnet-4-6 --csv --resamples 0
	expect 0 "s,,2,0,0,12800,0,"
}

@test "what lies behind the last mark is not kept alive by reading it; the time to live is said once" {
	for i in 0 200 400; do
		printf '{"c":0,"n":3,"i":%d,"d":0,"t":%d,"m":"claude-sonnet-4-6","in":8192,"out":0,"h":"1-128","breakpoints":[%s]}\n' $((i / 200)) $i "$([ $i = 200 ] && echo 4096 || echo 4096,8192)"
	done >t.jsonl
	# the second call refreshes 4,096 only; the third finds those
	run "$TALLY" replay t.jsonl --at 2026-06-15 --cache vendor --json
	expect 0 '"cache_read": 8192' '"cache_write_5m": 12288'
	run "$TALLY" replay t.jsonl --at 2026-06-15 --cache infinite,ttl=10 --ttl 20
	expect 2 "say it once"
	run "$TALLY" replay t.jsonl --at 2026-06-15 --cache vendor --rule prefix
	expect 2 "no card counts"
}

@test "what is expected of counts: rewritten after pauses, ends that change, prompts that start over; by hand" {
	# 30 seconds, ten minutes and 30 seconds after each other, the last one shorter than all before
	cat >t.csv <<-'END'
	time,model,session,input,output
	2026-06-15T00:00:00Z,no-such-model,a,64000,0
	2026-06-15T00:00:30Z,no-such-model,a,64640,0
	2026-06-15T00:10:30Z,no-such-model,a,65280,0
	2026-06-15T00:11:00Z,no-such-model,a,6400,0
	END
	# Flash: 0.18 % of 64,000 and 3.72 % of 64,640 are read again, 31.5 % of 6,400 are found; 115 + 2,404 - 2,016 tokens at 0.1372
	run "$TALLY" whatif t.csv -s s=deepseek-v4-flash --resamples 0 --json
	expect 0 '"total": "0.010395392"' '"total_expected": "0.0104644036"'
	# Sonnet: 0.18 % of 64,000, and 8.65 % for a first prompt's end, behind which lies no mark; then the pause; 16.35 % of 6,400; 115 + 5,536 - 1,046 at 3.45
	run "$TALLY" whatif t.csv -s s=claude-sonnet-4-6 --resamples 0 --json
	expect 0 '"total": "0.5304"' '"total_expected": "0.54628725"'
	# after pauses of hours the bound of the fewest hits is as wide as what is expected is far
	sed 's/T00:1/T02:1/' t.csv >u.csv
	run "$TALLY" whatif u.csv -s s=deepseek-v4-flash --ttl 24h --resamples 0 --json
	awk -v e="$(json total_expected)" -v h="$(json total_high)" 'BEGIN { exit !(e < h) }' || fail "expected beyond the bound"
	# a record that proves its prompts is what it is
	gap=1 calls gpt-4o 64000:0 640:64000 640:64640 >p.csv
	run "$TALLY" whatif p.csv -s s=claude-sonnet-4-6 --resamples 0 --json
	[[ $output != *total_expected* ]] || fail "$output"
	# whole 128s of 64,100 are 64,000: the hit tells nothing of the last 100 tokens, and a Claude client's mark lies behind them
	gap=1 calls gpt-4o 64100:0 640:64000 >p.csv
	run "$TALLY" whatif p.csv -s s=claude-sonnet-4-6 --resamples 0 --json
	# the end behind the units may be another one, and then nothing lies behind a mark: 64,100 at 3.75 in place of 0.3
	expect 0 '"total": "0.26163"' '"total_low": "0.26163"' '"total_high": "0.482775"' '"total_expected": "0.26163"'
}

@test "150 recorded sessions stripped to counts: the errors that docs/caches.md states, model by model" {
	trace="${TALLY_TRACES:-$ROOT/../shared/traces}/agent_sessions_150.jsonl"
	[ -e "$trace" ] || skip "no recorded sessions"
	stripped "$trace" no-such-model >t.csv
	name=x
	for m in claude-sonnet-4-6:-7.5 deepseek-v4-flash:-8.3 deepseek-v4-pro:-9.9 gpt-4o:-0.3 gpt-5.5:-1.6 gemini-3.1-pro-preview:-1.6; do
		truth=$(total "$trace" --at 2026-06-15 --cache vendor --scope conversation -s x=${m%:*})
		run "$TALLY" whatif t.csv -s x=${m%:*} --resamples 0 --json
		rebuilt=$(json total) low=$(json total_low) high=$(json total_high)
		awk -v l="$low" -v b="$truth" -v h="$high" 'BEGIN { exit !(l <= b && b <= h) }' || fail "$m: $truth lies outside $low to $high"
		expected=$(json total_expected)
		awk -v e="$expected" -v b="$truth" 'BEGIN { exit !(e > b * .97 && e < b * 1.01) }' || fail "$m: $expected is expected, $truth by blocks"
		echo "${m%:*}: $rebuilt rebuilt, $expected expected, $truth by blocks"
		same "$(awk -v a="$rebuilt" -v b="$truth" 'BEGIN { printf "%.1f", (a / b - 1) * 100 }')" "${m#*:}"
	done
}

@test "a branch that reads its parent's beginning keeps that alive for the next one" {
	cat >t.csv <<'END'
time,model,session,workload,input,cache_read,output
2026-06-15T00:00:00Z,deepseek-v4-pro,s,x,64000,0,0
2026-06-15T00:02:00Z,deepseek-v4-pro,s,y,640,64000,0
2026-06-15T00:04:00Z,deepseek-v4-pro,s,x,8000,32000,0
2026-06-15T00:07:00Z,deepseek-v4-pro,s,x,640,64640,0
END
	echo '{"rules": [{"when": {"workload": "x"}, "model": "gpt-4o"}], "otherwise": "deepseek-v4-flash"}' >r.json
	# the second call of GPT-4o finds 32,000 of the first one's; the third, 7 minutes after that, what the second kept
	run "$TALLY" whatif t.csv -s s=rules:r.json --csv --resamples 0
	expect 0 "s,gpt-4o,3,105280,64000,0,0,"
	# nobody kept it: nothing is found for sure
	grep -v T00:04 t.csv >u.csv
	run "$TALLY" whatif u.csv -s s=rules:r.json --csv --resamples 0
	expect 0 "s,gpt-4o,2,129280,0,0,0,"
}

@test "cache, replay and whatif have the same options of a cache, those last of their own; what else differs has its reason here" {
	options() { "$TALLY" "$1" --help | sed -n 's/^  \(-[a-z], \|    \)\?\(--[a-z-]*\).*/\2/p'; }
	# an option of all three says the same of each command, from its name to the next one
	cache_part() { "$TALLY" "$1" --help | sed -n '/^Advanced:/,/^ *--hits /p' | sed -n '/^ *--rule /,$p'; }
	for c in replay whatif; do
		same "$(cache_part cache)" "$(cache_part $c)"
	done
	same "$(cache_part cache | sed -n 's/^ *\(--[a-z]*\).*/\1/p' | tr '\n' ' ')" "--rule --writes --ttl --scope --expire --minimum --quantum --settle --recompute --lookback --touch --hits "
	cat >declared <<-'END'
	cache capacity,curve: one rule over a trace, at many sizes
	replay by,limit,order: groups of one bill
	replay remodel: of a what-if it is a scenario
	replay boundary,recorded-cost,reference: of records as they were billed
	whatif scenario,scenarios,baseline,save,against,html: comparisons of several
	whatif seed,resamples,level,sample,budget,sensitivity: intervals
	whatif db,with-archive,customer,project,logs: calls of the database, and of the logs of this machine's agents
	replay+whatif since,until,period,timezone,plan,byo,provider: money of records on days; hits of blocks have neither
	replay+whatif threads: the cache of one trace is one thread's
	END
	# each option that not all have is declared once, for those that have it
	for c in cache replay whatif; do
		for o in $(options $c); do echo "${o#--} $c"; done
	done | sort -u | awk '{ who[$1] = who[$1] (who[$1] ? "+" : "") $2 } END { for (o in who) if (who[o] != "cache+replay+whatif") print who[o], o }' | sort >differ
	sed 's/:.*//' declared | awk '{ n = split($2, o, ","); for (i = 1; i <= n; i++) print $1, o[i] }' | sort >expected
	diff differ expected || fail "options differ for no declared reason"
}

@test "what conversations cost by their blocks lies between the bounds of their counts: few calls, whatever their prompts were, and many" {
	command -v python3 || skip "no python3"
	for kind in "few 120" "many 2"; do
		run python3 "$ROOT/tests/support/bounds_reference.py" "$TALLY" "${BOUNDS_SEED:-1}" "${kind#* }" "${kind% *}"
		[ "$output" = "$((${kind#* } * 12)) asked" ] || fail "$output"
	done
	# by hand: a record that GPT-4o answers from its third call on is not what GPT-4o had found, which knew the first one
	gap=1 calls gpt-4o 12800:0 640:12800 13440:0 0:12800 >t.csv
	run "$TALLY" whatif t.csv -s s=from:2:gpt-4o:claude-sonnet-4-6 --resamples 0 --json
	expect 0 '"calls_as_recorded": 0'
	# five calls of 64,000 of which nothing is known but that: all may be the same prompt, or five others
	gap=1 calls no-such-model 64000:0 64000:0 64000:0 64000:0 64000:0 >t.csv
	run "$TALLY" whatif t.csv -s s=gpt-4o --resamples 0 --json
	# 63,872 of each are found; 64,000 x 5 x 2.5
	expect 0 '"total": "0.48064"' '"total_low": "0.48064"' '"total_high": "0.8"'
	# a prompt that is too short for its record's cache is marked where others of its conversation are: Sonnet keeps 3,000 tokens, Opus 4.6 none
	printf 'time,model,session,input,cache_read,cache_write_5m,output\n2026-06-15T00:00:00Z,claude-opus-4-6,s,3000,0,0,0\n2026-06-15T00:01:00Z,claude-opus-4-6,s,0,0,5000,0\n' >t.csv
	run "$TALLY" whatif t.csv -s s=claude-sonnet-4-6 --resamples 0 --json
	# 8,000 are written but for 3,000 that are read
	expect 0 '"cache_write_5m": 5000' '"cache_read": 3000' '"total": "0.01965"'
	sed -i '$d' t.csv
	run "$TALLY" whatif t.csv -s s=claude-sonnet-4-6 --resamples 0 --json
	expect 0 '"total": "0.009"'
}

@test "why blocks miss: as a slow reference says, of random prompts, capacities, lifetimes and minima" {
	for seed in $(seq 25); do
		IFS=$'\t' read -r options want < <(python3 "$ROOT/tests/support/miss_reference.py" "$seed")
		# shellcheck disable=SC2086
		"$TALLY" cache blocks.jsonl --format bailian $options --json >got.json
		got=$(python3 -c 'import json, sys
r = json.load(open("got.json"))["results"][0]
print(json.dumps([r["hit_tokens"], {m["cause"]: [m["calls"], m["tokens"]] for m in sorted(r["misses"], key=lambda m: m["cause"])}]))')
		[ "$got" = "$want" ] || fail "seed $seed, $options: $got, not $want"
	done
}

@test "why blocks miss on models: cold ones, too short, unwritten, beyond the marks that are looked at, not there yet" {
	row() { printf '{"timestamp": %d, "input_length": %d, "output_length": 10, "hash_ids": [%s]%s}\n' "$1" "$2" "$3" "$4"; }
	misses() { # OPTION..: those of scenario x
		"$TALLY" whatif t.jsonl --at 2026-06-15 --resamples 0 --json "$@" | grep -o '"misses": [^]]*]'
	}
	{ row 0 1536 1,2,3; row 1000 1536 1,2,3; row 400000 1536 1,2,3; row 401000 1030 1,2,5; } >t.jsonl
	# every second call goes to Sonnet, which has answered none before; five minutes later the first model is too late
	same "$(misses -s x=every:2:claude-sonnet-4-6:gpt-4o)" '"misses": [{"cause": "cold_model", "calls": 1, "tokens": 1536}, {"cause": "expired", "calls": 2, "tokens": 2560}]'
	same "$(misses -s x=claude-opus-4-6)" '"misses": [{"cause": "too_short", "calls": 3, "tokens": 4096}]'
	same "$(misses -s x=claude-sonnet-4-6 --writes none)" '"misses": [{"cause": "not_written", "calls": 3, "tokens": 4096}]'
	# the same of one model alone: what nobody pays for is not there
	run "$TALLY" cache t.jsonl --rule vendor -m claude-sonnet-4-6 --at 2026-06-15 --writes none --json
	expect 0 '"hit_tokens": 0,' '"cause": "not_written", "calls": 3, "tokens": 4096'
	# the last of 1,536 tokens is always computed, and of 1,535 hit 11 x 128
	same "$(misses -s x=gpt-4o --cache 3)" '"misses": [{"cause": "rounded", "calls": 2, "tokens": 256}]'
	# 512 of 1,024 shared tokens are behind the last mark of the prompt before, and the others in front of none of this one's
	{ row 0 3072 1,2,3,4,5,6 ', "breakpoints": [2048]'; row 1000 3072 1,2,3,4,5,6; row 2000 3072 1,2,3,9,9,9 ', "breakpoints": [3072]'; } >t.jsonl
	same "$(misses -s x=claude-sonnet-4-6)" '"misses": [{"cause": "changed_prefix", "calls": 1, "tokens": 1536}, {"cause": "not_written", "calls": 1, "tokens": 1024}]'
	{ row 0 1536 1,2,3; row 1000 1536 1,2,3; } >t.jsonl
	same "$(misses -s x=deepseek-v4-flash --settle 5)" '"misses": [{"cause": "not_settled", "calls": 1, "tokens": 1536}]'
	# 21 content blocks further the end of what was written is not looked for
	ends=$(seq -s, 2060 5 2165)
	{ row 0 1536 1,2,3 ', "breakpoints": [1536]'; row 1000 3072 1,2,3,4,5,6 ", \"breakpoints\": [3072], \"content_blocks\": [1536,$ends]"; } >t.jsonl
	same "$(misses -s x=claude-sonnet-4-6)" '"misses": [{"cause": "beyond_lookback", "calls": 1, "tokens": 1536}]'
	run "$TALLY" whatif t.jsonl --at 2026-06-15 --resamples 0 -s x=claude-sonnet-4-6
	expect 0 "x: calls that find less than they share with those before: 1 because a mark is not looked for that far back"
}
