#!/usr/bin/env bats
# What a scenario's file may say, and contracts of caches in full: dates, storage, isolation, retention. Amounts are worked out by hand.
load common.bash

total() { "$TALLY" whatif "$@" --resamples 0 --csv | awk -F, -v s="$name" '$1 == s && $2 == "" { print $10 }'; }
same() { [ "$1" = "$2" ] || fail "$1, not $2"; }

@test "no value of a scenario or of a rule is taken for another: every key, every wrong type" {
	printf 'time,model,session,input,output\n2026-06-15T00:00:00Z,claude-sonnet-4-6,s,1000,10\n' >t.csv
	local m='"claude-sonnet-4-6"' file
	# KEY: what it may be beside the wrong ones (a text, a number, true, an object, an array)
	wrong() { # FILE, with @ where the value goes; kinds that are right
		local file=$1 v kind
		for v in 'text:"x"' 'none:""' 'number:1' 'minus:-1' 'true:true' 'null:null' 'list:[null]' 'object:{"a":[]}'; do
			kind=${v%%:*}
			case " $2 " in *" $kind "*) continue ;; esac
			printf '%s' "${file//@/${v#*:}}" >"$to"
			run timeout 20 "$TALLY" whatif t.csv --scenarios s.json --resamples 0
			[ "$status" = 1 ] || [ "$status" = 2 ] || fail "$kind is taken: $file"
			[[ "$output" == *"s.json: "* ]] || fail "$kind: $output"
		done
	}
	to=s.json
	for key in input_factor output_factor reasoning_factor retries self_hosted first_token_seconds output_tokens_per_second writes cache service_tier wait; do
		wrong '{"scenarios": [{"name": "s", "route": '"$m"', "'$key'": @}]}' "$(case $key in writes) echo true ;; service_tier) echo text ;; esac)"
	done
	wrong '{"scenarios": [{"name": @, "route": '"$m"'}]}' text
	wrong '{"scenarios": [{"name": "s", "route": @}]}' text
	wrong '{"scenarios": [{"name": "s", "route": '"$m"', "note": @}]}' "text none"
	wrong '{"scenarios": @}' ""
	wrong '{"scenarios": [{"name": "s", "route": '"$m"'}], "baseline": @}' text
	for key in ttl settle quantum minimum expire recompute writes; do
		wrong '{"scenarios": [{"name": "s", "route": '"$m"', "cache": {"'$key'": @}}]}' "$(case $key in expire | writes) ;; *) echo number ;; esac)"
	done
	for key in input_factor first_token_seconds; do
		wrong '{"scenarios": [{"name": "s", "route": '"$m"', "'$key'": {'"$m"': @}}]}' number
	done
	printf '{"scenarios": [{"name": "s", "route": "rules:r.json"}]}' >s.json
	to=r.json
	for key in workload task project customer model effort; do
		wrong '{"rules": [{"when": {"'$key'": @}, "model": '"$m"'}], "otherwise": '"$m"'}' text
		wrong '{"rules": [], "escalate": {"to": '"$m"', "when": {"'$key'": @}}}' text
	done
	for key in prompt_min prompt_max; do
		wrong '{"rules": [{"when": {"'$key'": @}, "model": '"$m"'}], "otherwise": '"$m"'}' number
	done
	wrong '{"rules": @, "otherwise": '"$m"'}' ""
	wrong '{"rules": [], "otherwise": @}' text
	wrong '{"rules": [], "escalate": {"to": '"$m"', "escalated": @}}' ""
	wrong '{"rules": [], "escalate": {"to": '"$m"', "share": @}}' number
	wrong '{"rules": [{"when": {"prompt_min": 5, "prompt_max": @}, "model": '"$m"'}]}' ""
	# a message names the key once, and whole
	printf '{"scenarios": [{"name": "s", "route": '"$m"', "cache": {"ttl": "soon"}}]}' >s.json
	run "$TALLY" whatif t.csv --scenarios s.json
	expect 1 "s.json: scenario 's': 'cache': ttl is a number of seconds, not 'soon'"
	run "$TALLY" whatif t.csv -s s=claude-sonnet-4-6 --minimum few
	expect 2 "--minimum is a whole number of tokens from 0, not 'few'"
}

counts() { # MODEL MINUTE:CUSTOMER:SESSION:INPUT:READ...
	printf 'time,model,customer,session,input,cache_read,output\n'
	local m=$1 c; shift
	for c in "$@"; do IFS=: read -r minute customer session input read <<<"$c"; printf '2026-06-15T%02d:%02d:00Z,%s,%s,%s,%s,%s,0\n' $((minute / 60)) $((minute % 60)) "$m" "$customer" "$session" "$input" "$read"; done
}

@test "an explicit Gemini cache: hits without end of chance, and the storage of every token-hour in the bill" {
	# 100,000 tokens at 0 and 102,400 at 30 minutes of 2.5 Pro (1.25, read 0.125, storage 4.50 a million token-hours)
	for i in 0 1; do printf '{"c":0,"n":2,"i":%d,"d":0,"t":%d,"m":"gemini-2.5-pro","in":%d,"out":0,"h":"1-%d"}\n' $i $((i * 1800)) $((102400 + 6400 * i)) $((1600 + 100 * i)); done >b.jsonl
	# unasked the implicit one, which is gone after five minutes: 211,200 x 1.25
	run "$TALLY" replay b.jsonl --at 2026-06-15 --cache vendor --json
	expect 0 '"total": "0.264"' '"cache_read": 0'
	# an hour of 102,400, then of the 6,400 new ones: reading does not make the first live longer; 108,800 x (1.25 + 4.5) + 102,400 x 0.125
	local want=0.6384
	run "$TALLY" replay b.jsonl --at 2026-06-15 --cache vendor --writes 1h --json
	expect 0 "\"total\": \"$want\"" '"cache_read": 102400'
	name=g
	same "$(total b.jsonl --at 2026-06-15 --cache vendor --writes 1h -s g=gemini-2.5-pro)" $want
	# refreshed by each read: the first 102,400 are kept for half an hour more
	same "$(total b.jsonl --at 2026-06-15 --cache vendor --writes 1h --expire touch -s g=gemini-2.5-pro)" "$(awk 'BEGIN { printf "%.10g", .6384 + .0512 * 4.5 }')"
	run "$TALLY" whatif b.jsonl --at 2026-06-15 --cache vendor --writes 1h -s g=gemini-2.5-pro --resamples 0 --json
	expect 0 '"cache_token_hours": 108800'
	run "$TALLY" whatif b.jsonl --at 2026-06-15 --cache vendor --writes 1h -s g=gemini-2.5-pro --resamples 0
	expect 0 "108,800 token-hours"
	run "$TALLY" cache b.jsonl --rule vendor -m gemini-2.5-pro --at 2026-06-15 --writes 1h --json
	expect 0 '"hit_tokens": 102400' '"token_hours": 108800'
	# of counts as of blocks; where no price states the fee it is not free
	counts no-such-model 0:a:s:102400:0 30:a:s:108800:0 >c.csv
	same "$(total c.csv --writes 1h -s g=gemini-2.5-pro)" $want
	run "$TALLY" whatif c.csv --writes 1h -s g=gemini-2.5-flash-preview-05-20 --at 2025-06-15 --resamples 0
	[ "$status" = 3 ] || [ "$status" = 2 ] || fail "$output"
	# who asks for nothing pays for no storage, and a Claude model knows no such fee
	same "$(total c.csv --writes 1h -s g=claude-sonnet-4-6)" "$(awk 'BEGIN { printf "%.10g", .1088 * 6 + .1024 * .3 }')"
}

@test "a contract that changes within a trace is applied at each call's instant, of blocks, of counts and in cache" {
	printf '{"schema": "tally.card/1", "provider": "own", "caches": [
	 {"models": ["m"], "to": "2026-06-15T01:00:00Z", "asked_by": "nobody", "minimum_tokens": 64, "lifetimes": [{"seconds": 60}], "source": "s", "sure": "s"},
	 {"models": ["m"], "from": "2026-06-15T01:00:00Z", "asked_by": "nobody", "minimum_tokens": 64, "quantum_tokens": 1000, "lifetimes": [{"seconds": 3600}], "source": "s", "sure": "s"}],
	 "prices": [{"model": "m", "currency": "USD", "from": "2026-01-01T00:00:00Z", "kind": "list", "rates": {"input": "2", "cache_read": "0.2", "output": "3"}, "source": "s", "sure": "s"}]}' >card.json
	# at 0:00, 0:30 (a minute's cache is cold), 1:10 (an hour's holds what came at 0:30, in whole thousands)
	for i in 0 30 70; do printf '{"c":0,"n":1,"i":%d,"d":0,"t":%d,"m":"m","in":6400,"out":0,"h":"1-100"}\n' $i $((i * 60)); done >b.jsonl
	counts no-such-model 0:a:s:6400:0 30:a:s:6400:0 70:a:s:6400:0 >c.csv
	run "$TALLY" replay b.jsonl --prices card.json --at 2026-06-15 --cache vendor --json
	expect 0 '"cache_read": 6000'
	run "$TALLY" whatif b.jsonl --prices card.json --at 2026-06-15 --cache vendor -s m=m --resamples 0 --csv
	expect 0 "m,,3,13200,6000,"
	run "$TALLY" whatif c.csv --prices card.json -s m=m --resamples 0 --csv
	expect 0 "m,,3,13200,6000,"
	run "$TALLY" cache b.jsonl --prices card.json --rule vendor -m m --at 2026-06-15 --json
	expect 0 '"hit_tokens": 6000'
	run "$TALLY" cache b.jsonl --prices card.json --cache vendor -m m --at 2026-06-16 --json
	expect 0 '"hit_tokens": 12000'
	run "$TALLY" cache b.jsonl --prices card.json --rule vendor -m m --at 2026-06-15 --curve
	expect 2 "this model's cache contract changes over time"
	same "$("$TALLY" cache b.jsonl --cache 50,ttl=2000 --csv)" "$("$TALLY" cache b.jsonl --capacity 50 --ttl 2000 --csv)"
}

@test "isolation by customer and by conversation where there are counts only; retention of a day" {
	# sessions of two customers begin with the same 4,096 tokens, which the record found; a later session of b, and one of a
	counts deepseek-v4-pro 0:a:s1:100:4096 1:b:s2:100:4096 2:b:s3:100:4096 >h.csv
	run "$TALLY" whatif h.csv -s x=gpt-4o --resamples 0 --csv
	expect 0 "x,,3,4396,8192,"
	run "$TALLY" whatif h.csv -s x=gpt-4o --scope customer --resamples 0 --csv
	expect 0 "x,,3,8492,4096,"
	run "$TALLY" whatif h.csv -s x=gpt-4o --scope conversation --resamples 0 --csv
	expect 0 "x,,3,12588,0,"
	printf '{"scenarios": [{"name": "x", "route": "gpt-4o", "cache": {"scope": "model+customer"}}]}' >s.json
	run "$TALLY" whatif h.csv --scenarios s.json --resamples 0 --csv
	expect 0 "x,,3,8492,4096,"
	# two customers whose sessions have one name have a conversation each
	counts no-such-model 0:a:s:6400:0 1:b:s:7040:0 2:a:s:7680:0 >t.csv
	run "$TALLY" whatif t.csv -s x=deepseek-v4-flash --resamples 0 --csv
	expect 0 "x,,3,14720,6400,"
	run "$TALLY" whatif t.csv -s x=deepseek-v4-flash --scope customer --resamples 0 --csv
	expect 0 "x,,3,14720,6400,"
	run "$TALLY" whatif t.csv -s x=deepseek-v4-flash --scope tenants
	expect 2 "scope is global, or conversation, model and customer"
	sed 's/,customer,/,/; s/,[ab],s,/,s,/' t.csv >u.csv
	run "$TALLY" whatif u.csv -s x=deepseek-v4-flash --scope customer
	expect 2 "names no customers"
	# OpenAI's extended retention has to be asked for, costs nothing, and not every model has it
	counts no-such-model 0:a:s:6400:0 600:a:s:6400:0 >r.csv
	run "$TALLY" whatif r.csv -s x=gpt-5.1 -s y=gpt-4o --resamples 0 --csv
	expect 0 "x,,2,12800,0," "y,,2,12800,0,"
	run "$TALLY" whatif r.csv -s x=gpt-5.1 -s y=gpt-4o --writes 24h --resamples 0 --csv
	expect 0 "x,,2,6528,6272,0,0," "y,,2,12800,0,"
	run "$TALLY" whatif r.csv -s x=gpt-5.1 --resamples 0 --json
	expect 0 '"uncertain_calls": 1'
}

@test "published tables about caches, to their last digit (docs/whatif.md)" {
	turns() { local i c=(); for ((i = 0; i < $1; i++)); do c+=("$i:a:s:$2:0"); done; counts no-such-model "${c[@]}"; }
	# a prefix of 5,088 tokens in 10 and 50 turns: what caching saves
	cost() { awk -F, -v s="$1" '$1 == s && $2 == "" { print $10 }' out; }
	printf '{"scenarios": [%s]}' "$(for m in haiku sonnet; do printf '{"name": "%s", "route": "claude-%s-4-5"}, {"name": "%s0", "route": "claude-%s-4-5", "writes": false}%s' $m $m $m $m "$([ $m = haiku ] && echo ,)"; done)" >s.json
	for row in 10:0.0399:0.1198 50:0.2231:0.6693; do
		IFS=: read -r n haiku sonnet <<<"$row"
		turns "$n" 5088 >t.csv
		"$TALLY" whatif t.csv --scenarios s.json --resamples 0 --csv >out
		same "$(awk -v a="$(cost haiku0)" -v b="$(cost haiku)" 'BEGIN { printf "%.4f", a - b }')" "$haiku"
		same "$(awk -v a="$(cost sonnet0)" -v b="$(cost sonnet)" 'BEGIN { printf "%.4f", a - b }')" "$sonnet"
	done
	# the average price of a cached prompt after N calls, in input prices
	name=x
	for row in 5m:1:1.250 5m:2:0.675 5m:3:0.483 1h:1:2.000 1h:2:1.050 1h:3:0.733 1h:5:0.480 1h:10:0.290; do
		IFS=: read -r life n average <<<"$row"
		turns "$n" 100000 >t.csv
		same "$(awk -v a="$(total t.csv -s x=claude-sonnet-4-6 --writes "$life")" -v n="$n" 'BEGIN { printf "%.3f", a / n / .3 }')" "$average"
	done
	# four measured turns of GPT-5.6 Sol on Bedrock, at the prices of their catalogue
	printf '{"schema": "tally.card/1", "provider": "own", "prices": [{"model": "sol", "currency": "USD", "from": "2026-01-01T00:00:00Z", "kind": "list", "rates": {"input": "4.4", "cache_read": "0.44", "cache_write_5m": "5.5", "output": "26.4"}, "source": "s", "sure": "s"}]}' >card.json
	printf 'time,model,session,input,cache_read,cache_write_5m,output\n2026-09-05T10:00:00Z,sol,t1,2,0,3679,5\n2026-09-05T10:01:00Z,sol,t2,2,3679,21,6\n2026-09-05T10:02:00Z,sol,t3,2,3700,22,6\n2026-09-05T10:03:00Z,sol,t4,2,3722,22,6\n' >t.csv
	same "$("$TALLY" replay t.csv --prices card.json --by session --csv -q | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "total") k = i } NR > 1 && NR < 6 { printf "%.5f ", $k }')" "0.02038 0.00190 0.00192 0.00193 "
	# 100,000 tokens for a quarter of an hour are 25,000 token-hours
	turns 1 100000 >t.csv
	run "$TALLY" whatif t.csv -s x=gemini-2.5-pro --writes 1h --ttl 900 --resamples 0 --json
	expect 0 '"cache_token_hours": 25000'
}

@test "turns of a session come so long after the turn before; a request without an instant is refused" {
	turn() { printf '{"session_id":"%s",%s"input_length":%d,"output_length":1%s}\n' "$1" "${2:+$2,}" "$3" "${4:+,\"hash_ids\":$4}"; }
	# a at 0 and 400 s, b at 0 and 200 s; block 1 lives 300 s after it was read last
	{ turn a '"timestamp":0' 512 '[1]'; turn a '"delay":400000' 1024 '[1,2]'; turn b '' 512 '[1]'; turn b '"delay":200000.5' 512 '[1]'; } >d.jsonl
	run "$TALLY" cache d.jsonl --ttl 300 --json
	expect 0 '"hit_tokens": 1536'
	run "$TALLY" cache d.jsonl --ttl 300 --scope conversation --json
	expect 0 '"hit_tokens": 512'
	run "$TALLY" whatif d.jsonl --at 2026-06-15 -m x -s f=deepseek-v4-flash --cache vendor --resamples 0 --csv
	expect 0 "f,,4,1024,1536,"
	"$TALLY" pack d.jsonl -o d.pack >/dev/null
	run "$TALLY" cache d.pack --ttl 300 --json
	expect 0 '"hit_tokens": 1536'
	# without blocks the counts are rebuilt: two hours hold it, five minutes do not
	{ turn a '"timestamp":0' 2512; turn a '"delay":400000' 3024; } >c.jsonl
	run "$TALLY" whatif c.jsonl --at 2026-06-15 -m x -s f=deepseek-v4-flash -s g=gpt-4o --resamples 0 --csv
	expect 0 "f,,2,3040,2496," "g,,2,5536,0,"
	run "$TALLY" cache c.jsonl
	expect 1 "names no blocks"
	{ turn a '' 2512; turn a '' 3024; } >n.jsonl
	run "$TALLY" whatif n.jsonl --at 2026-06-15 -m x -s g=gpt-4o --resamples 0
	expect 3 "n.jsonl:2: field 'timestamp' is missing"
	turn a '"delay":"soon"' 10 >s.jsonl
	run "$TALLY" whatif s.jsonl --at 2026-06-15 -m x -s g=gpt-4o --resamples 0
	expect 1 "s.jsonl:1: field 'delay' is a number of milliseconds"
	for row in '{"timestamp":0,"input_length":512,"output_length":1,"hash_ids":[1]}\n{"input_length":512,"output_length":1,"hash_ids":[1]}' \
		'{"c":0,"n":1,"i":0,"d":0,"t":0,"m":"x","in":64,"out":0,"h":"1"}\n{"c":0,"n":1,"i":1,"d":0,"m":"x","in":64,"out":0,"h":"1"}'; do
		printf "$row\n" >u.jsonl
		run "$TALLY" cache u.jsonl
		expect 3 "u.jsonl:2: field 't" "without its instant"
	done
}

@test "published tables: three turns with and without a cache, a hundred thousand tokens read ten times, a machine that is a tenth busy" {
	total() { run "$TALLY" whatif "$1" --scenarios s.json --resamples 0 --json; expect 0 "\"total\": \"$2\""; }
	ask() { echo "{\"scenarios\": [{\"name\": \"s\", \"route\": $1}]}" >s.json; }
	# 20,000 tokens at $15: three turns cost 0.90, cached 0.435
	{ echo time,model,session,input,output; for i in 0 1 2; do echo 2026-06-15T00:0$i:00Z,no-such,s,20000,0; done; } >t.csv
	ask '"claude-opus-4-1", "writes": false'; total t.csv 0.9
	ask '"claude-opus-4-1"'; total t.csv 0.435
	# a write of 0.375, ten reads of 0.03, 0.15 of answers; without a cache ten runs cost 3.15; in a batch half
	{ echo time,model,session,input,output; for i in $(seq -w 0 10); do echo 2026-06-15T00:$i:00Z,no-such,s,100000,$([ $i = 00 ] && echo 0 || echo 1000); done; } >t.csv
	ask '"claude-sonnet-4-6"'; total t.csv 0.825
	ask '"batch:claude-sonnet-4-6"'; total t.csv 0.4125
	sed 2d t.csv >u.csv
	ask '"claude-sonnet-4-6", "writes": false'; total u.csv 3.15
	# $2.50 an hour and 700 tokens a second: 0.99 a million, and 9.92 where the machine is busy a tenth of the hour
	{ echo time,model,input,output; for i in $(seq -w 0 59); do echo 2026-06-15T00:$i:00Z,deepseek-v4-flash,0,42000; done; } >full.csv
	head -7 full.csv >tenth.csv
	ask '"deepseek-v4-flash", "self_hosted": {"deepseek-v4-flash": {"gpu_hour": "2.50", "gpus": 1, "prompt_tokens_per_second": 10000, "output_tokens_per_second": 700}}'
	run "$TALLY" whatif full.csv --scenarios s.json --resamples 0 --json
	expect 0 '"busy_ratio": "1"' '"per_million_tokens": "0.992063492063492063"'
	run "$TALLY" whatif tenth.csv --scenarios s.json --resamples 0 --json
	expect 0 '"busy_ratio": "0.1"' '"per_million_tokens": "9.920634920634920634"' '"per_million_tokens_full": "0.992063492063492063"'
}
@test "what is not said about caches is the model's own contract, with blocks and without, in what-ifs and migrations" {
	# two calls of one conversation, ten seconds apart: the second sends the first one's 2,560 tokens again
	printf '{"timestamp": 0, "input_length": 2560, "output_length": 10, "hash_ids": [0, 1, 2, 3, 4]}\n{"timestamp": 10000, "input_length": 3072, "output_length": 10, "hash_ids": [0, 1, 2, 3, 4, 5]}\n' >b.jsonl
	at="--at 2026-06-15T01:00:00Z"
	name=deepseek-v4-flash
	same "$(total b.jsonl $at -s $name)" "$(total b.jsonl $at -s $name --cache vendor)"
	[ "$(total b.jsonl $at -s $name)" != "$(total b.jsonl $at -s $name --cache none)" ] || fail "no cache"
	same "$(total b.jsonl $at -s $name --rule prefix)" "$(total b.jsonl $at -s $name --rule prefix --cache infinite)"
	run "$TALLY" whatif b.jsonl $at -s $name --resamples 0
	expect 0 'cache: vendor'
	run "$TALLY" whatif b.jsonl $at -s $name --rule prefix --resamples 0
	expect 0 'cache: infinite'
	run "$TALLY" migrate b.jsonl $at -m claude-sonnet-4-6 --to $name
	expect 0 "$name: cache vendor"
}
