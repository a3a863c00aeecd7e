#!/usr/bin/env bats
# What other models and contracts would have made of records: every figure is calculated by hand.
load common
setup() {
	common_setup
	H=id,time,model,session,input,cache_read,cache_write_5m,output
}

@test "a record tells nothing of a cache with another minimum, neither what was written nor what was found" {
	# Sonnet 4.6 keeps prompts from 1,024 tokens on, Haiku 4.5 from 4,096: nothing is written, 3,000 and 3,050 are input
	printf '%s\n' "$H" a,2026-06-15T00:00:00Z,claude-sonnet-4-6,s,0,0,3000,0 b,2026-06-15T00:01:00Z,claude-sonnet-4-6,s,0,3000,50,0 > t.csv
	run "$TALLY" whatif t.csv -s recorded -s haiku=claude-haiku-4-5 --json
	expect 0 '"total": "0.0123375"' '"total": "0.00605"'
	# 4,000 are found where the record's model kept nothing so short: two models whose contracts differ
	# by the minimum alone
	cat > card.json <<'CARD'
{"schema": "tally.card/1", "provider": "v", "prices": [
  {"model": "high", "currency": "USD", "rates": {"input": "1", "cache_read": "0.1", "output": "1"}, "source": "s", "sure": "s"},
  {"model": "low", "currency": "USD", "rates": {"input": "1", "cache_read": "0.1", "output": "1"}, "source": "s", "sure": "s"}],
 "caches": [
  {"models": ["high"], "asked_by": "nobody", "minimum_tokens": 8192, "quantum_tokens": 1, "lifetimes": [{"seconds": 300}], "refreshed_by_reads": true, "last_token_computed": false, "isolation": "organization", "source": "s", "sure": "s"},
  {"models": ["low"], "asked_by": "nobody", "minimum_tokens": 1024, "quantum_tokens": 1, "lifetimes": [{"seconds": 300}], "refreshed_by_reads": true, "last_token_computed": false, "isolation": "organization", "source": "s", "sure": "s"}]}
CARD
	printf '%s\n' "$H,provider" a,2026-06-15T00:00:00Z,high,s,4000,0,0,0,v b,2026-06-15T00:01:00Z,high,s,4100,0,0,0,v > t.csv
	run "$TALLY" whatif t.csv --prices card.json -s recorded -s low=v/low --json
	# 4,000 + 100 of input and 4,000 found
	expect 0 '"total": "0.0081"' '"total": "0.0045"'
}

@test "a scenario called recorded says where it is not what was recorded" {
	printf '%s\n' "$H" a,2026-06-15T00:00:00Z,claude-opus-4-6,s,0,0,150000,0 b,2026-06-15T00:30:00Z,claude-opus-4-6,s,0,0,151000,0 > t.csv
	run "$TALLY" whatif t.csv -s now=recorded
	expect 0 "calls that find less than the prompt before: 1 because they came too late"
	[[ $output != *"not what was recorded"* ]] || fail "it is what was recorded"
	run "$TALLY" whatif t.csv -s now=recorded -s other=claude-sonnet-4-6 --writes 1h
	expect 0 "now: not as recorded: the cache rules given (--writes, --ttl and the like) apply to the record, too"
	[[ $output != *"other: not what was recorded"* ]] || fail "it does not claim to be"
}

@test "minimums of Claude's caches are of each model" {
	# a prompt of 3,000 tokens twice: kept, or not. claudecodeguides' table of minimums, and later releases
	printf '%s\n' "$H" a,2026-10-20T00:00:00Z,no-such,s,3000,0,0,0 b,2026-10-20T00:01:00Z,no-such,s,3000,0,0,0 > t.csv
	printf '%s\n' "$H" a,2026-10-20T00:00:00Z,no-such,s,600,0,0,0 b,2026-10-20T00:01:00Z,no-such,s,600,0,0,0 > u.csv
	for m in opus-4-6:0 opus-4-7:3000 opus-4-8:3000 haiku-4-5:0 sonnet-5:3000 opus-5:3000; do
		run "$TALLY" whatif t.csv -s x=claude-${m%:*} --json
		expect 0 "\"cache_read\": ${m#*:}"
	done
	for m in sonnet-4-6:0 opus-4-8:0 opus-5:600 opus-5-5:600; do
		run "$TALLY" whatif u.csv -s x=claude-${m%:*} --json
		expect 0 "\"cache_read\": ${m#*:}"
	done
}

@test "published tables: what caching saved or lost by kind of call, a prompt below a minimum asked five hundred times" {
	# BerriAI/litellm pull request 36452: billed, and without a cache
	while read -r read write billed without; do
		printf '%s\n' "$H" "a,2026-06-15T00:00:00Z,claude-sonnet-4-5,s,10,$read,$write,100" > t.csv
		echo '{"scenarios": [{"name": "r", "route": "recorded"}, {"name": "n", "route": "recorded", "writes": false}]}' > s.json
		run "$TALLY" whatif t.csv --scenarios s.json --json
		expect 0 "\"total\": \"$billed\"" "\"total\": \"$without\""
	done <<'END'
0 20000 0.07653 0.06153
20000 0 0.00753 0.06153
1000 20000 0.07683 0.06453
20000 500 0.009405 0.06303
END
	# claudecodeguides.com, minimum token requirements: $4.50 without, a write of $0.01125 and 499 reads of $0.0009 with
	{ echo time,model,session,input,output
	for i in $(seq 0 499); do printf '2026-06-%02dT%02d:%02d:00Z,no-such,s,3000,0\n' $((15 + i / 480)) $((i / 20 % 24)) $((i % 20 * 3)); done; } > t.csv
	echo '{"scenarios": [{"name": "n", "route": "claude-sonnet-4-6", "writes": false}, {"name": "c", "route": "claude-sonnet-4-6"}, {"name": "o", "route": "claude-opus-4-6"}]}' > s.json
	run "$TALLY" whatif t.csv --scenarios s.json --json
	expect 0 '"total": "4.5"' '"total": "0.46035"' '"total": "7.5"'
}

asked() { # TOKENS: a conversation that asks the same prompt again at the seconds on standard input, as counts
	echo time,model,session,input,output
	awk -v n="$1" '{ printf "2026-08-03T%02d:%02d:%06.3fZ,no-such,s,%d,0\n", int($1 / 3600), int($1 / 60) % 60, $1 - int($1 / 60) * 60, n }'
}

@test "published tables: five minutes or an hour, batches that read a cache, a hundred calls within an hour" {
	# claudecodeguides.com, 5-minute vs 1-hour cache: 40,000 tokens on Opus 4.7, every 18 seconds, and ten at a time every ten minutes
	seq 0 18 3582 | asked 40000 > a.csv
	for k in 0 1 2 3 4 5; do seq $((k * 600)) 5 $((k * 600 + 45)); done | asked 40000 > b.csv
	while read -r file writes total; do
		run "$TALLY" whatif $file.csv --writes $writes -s x=claude-opus-4-7 --resamples 0 --json
		expect 0 "\"total\": \"$total\""
	done <<'END'
a 5m 4.23
a 1h 4.38
b 5m 2.58
b 1h 1.58
END
	# claudecodeguides.com, combining caching with the batch API: 10,000 requests of 80,000 shared tokens on Opus 4.7
	seq 0 0.02 199.98 | asked 80000 > c.csv
	echo '{"scenarios": [{"name": "n", "route": "claude-opus-4-7", "writes": false}, {"name": "b", "route": "batch:claude-opus-4-7", "writes": false}, {"name": "c", "route": "batch:claude-opus-4-7"}]}' > s.json
	run "$TALLY" whatif c.csv --scenarios s.json --resamples 0 --json
	expect 0 '"total": "4000"' '"total": "2000"' '"total": "200.23"'
	# aipromptshub.co, Claude API cost: 2,000 tokens of Sonnet 4.6 a hundred times within an hour, $0.012 + $0.0594 against $0.60
	seq 0 36 3564 | asked 2000 > d.csv
	run "$TALLY" whatif d.csv --writes 1h -s x=claude-sonnet-4-6 --resamples 0 --json
	expect 0 '"total": "0.0714"'
	run "$TALLY" whatif d.csv --writes none -s x=claude-sonnet-4-6 --resamples 0 --json
	expect 0 '"total": "0.6"'
}

@test "published tables: a router with a classifier, a day of one user with and without its cache, a cascade that escalates more" {
	# beforeyouship.dev, model routing: 30,000 requests a month of 1,000 and 400 tokens on Sonnet 4.6, $270; a classifier (2.5 Flash, 300 and 20) and Haiku 4.5 with a fifth or a half sent on: $130, $184
	month() { # TENTHS that are hard; a hundredth of the month, so cents for dollars
		echo time,model,workload,input,output
		for i in $(seq 0 299); do
			printf '2026-06-15T%02d:%02d:00Z,no-such,classify,300,20\n2026-06-15T%02d:%02d:30Z,no-such,%s,1000,400\n' $((i / 60)) $((i % 60)) $((i / 60)) $((i % 60)) "$([ $((i % 10)) -lt "$1" ] && echo hard || echo easy)"
		done
	}
	echo '{"rules": [{"when": {"workload": "classify"}, "model": "gemini-2.5-flash"}, {"when": {"workload": "hard"}, "model": "claude-sonnet-4-6"}], "otherwise": "claude-haiku-4-5"}' >router.json
	for r in 2:1.302 5:1.842; do
		month ${r%:*} >t.csv
		run "$TALLY" whatif t.csv -s r=rules:router.json --resamples 0 --json
		expect 0 "\"total\": \"${r#*:}\"" '"model": "gemini-2.5-flash", "records": 300'
		[ "$(grep -v classify t.csv >u.csv; "$TALLY" whatif u.csv -s s=claude-sonnet-4-6 --resamples 0 --csv | awk -F, 'NR == 2 { print $10 }')" = 2.7 ] || fail "all on Sonnet"
	done
	# esengine/DeepSeek-Reasonix, benchmarks/real-world-cache, at the prices that it names: Flash $12.34, $60.63 uncached; Pro $62.35, $727.08
	cat >card.json <<'CARD'
{"schema": "tally.card/1", "provider": "v", "prices": [
  {"model": "flash", "currency": "USD", "rates": {"input": "0.139", "cache_read": "0.028", "output": "0.278"}, "source": "s", "sure": "s"},
  {"model": "pro", "currency": "USD", "rates": {"input": "1.667", "cache_read": "0.139", "output": "3.333"}, "source": "s", "sure": "s"},
  {"model": "cheap", "currency": "USD", "rates": {"input": "1", "output": "1"}, "source": "s", "sure": "s"},
  {"model": "strong", "currency": "USD", "rates": {"input": "10", "output": "10"}, "source": "s", "sure": "s"}]}
CARD
	printf 'time,provider,model,session,input,cache_read,output\n2026-05-01T12:00:00Z,v,flash,s,767616,435033856,179763\n' >t.csv
	cents() { "$TALLY" whatif t.csv --prices card.json "$@" --resamples 0 --csv | awk -F, 'NR == 2 { printf "%.2f\n", $10 }'; }
	[ "$(cents -s x=recorded) $(cents -s x=v/pro)" = "12.34 62.35" ] || fail "$(cents -s x=recorded) $(cents -s x=v/pro)"
	# the same tokens, of which nothing was found
	sed -i 's/,767616,435033856,/,435801472,0,/' t.csv
	[ "$(cents -s x=recorded) $(cents -s x=v/pro)" = "60.63 727.08" ] || fail "$(cents -s x=recorded) $(cents -s x=v/pro)"
	# agentbeck.bot, report 51701: calls of $0.10 and $1.00; of every ten two or six are run on both, $0.30 and $0.70 each
	{ echo time,provider,model,session,input,output; for i in 0 1 2 3 4 5 6 7 8 9; do echo "2026-06-15T00:00:0${i}Z,v,cheap,s$i,100000,0"; done; } >t.csv
	for r in '"s1", "s5":3' '"s0", "s1", "s2", "s3", "s4", "s5":7'; do
		echo "{\"cheap\": \"v/cheap\", \"strong\": \"v/strong\", \"escalated\": [${r%:*}]}" >cascade.json
		run "$TALLY" whatif t.csv --prices card.json -s c=cascade:cascade.json --resamples 0 --json
		expect 0 "\"total\": \"${r##*:}\""
	done
}

@test "a session is found under the names that gateways and simulators give it, in tables, rows and answers" {
	# two sessions of Haiku: 8,000 tokens are written, then read, and 1,000 more written; twice 8000 x 1.25 + 8000 x 0.1 + 1000 x 1.25 at a million
	rows="0,a,8000 5,b,8000 40,a,9000 45,b,9000"
	for name in session session_id sessionId "Session ID" conversation_id; do
		{ echo "time,model,$name,input,output"; for r in $rows; do IFS=, read -r t s n <<<"$r"; printf '2026-06-15T00:00:%02dZ,m,%s,%s,0\n' "$t" "$s" "$n"; done; } >t.csv
		run "$TALLY" whatif t.csv -s h=claude-haiku-4-5 --resamples 0 --json
		expect 0 '"conversations": 2' '"total": "0.0241"'
	done
	for name in session session_id conversation_id; do
		for r in $rows; do IFS=, read -r t s n <<<"$r"; printf '{"timestamp": "2026-06-15T00:00:%02dZ", "model": "m", "%s": "%s", "input_tokens": %s, "output_tokens": 0}\n' "$t" "$name" "$s" "$n"; done >t.jsonl
		run "$TALLY" whatif t.jsonl -s h=claude-haiku-4-5 --resamples 0 --json
		expect 0 '"conversations": 2' '"total": "0.0241"'
	done
	# its own name goes before the others
	for r in $rows; do IFS=, read -r t s n <<<"$r"; printf '{"timestamp": "2026-06-15T00:00:%02dZ", "model": "m", "session_id": "one", "session": "%s", "input_tokens": %s, "output_tokens": 0}\n' "$t" "$s" "$n"; done >t.jsonl
	run "$TALLY" whatif t.jsonl -s h=claude-haiku-4-5 --resamples 0 --json
	expect 0 '"conversations": 2'
}

@test "two customers who call a session the same have one each: counts, packs, chats, blocks, sessions that are listed" {
	{ echo time,provider,model,customer,session,input,output
	for r in 00,acme,8000 10,beta,9000 20,acme,9000 30,beta,10000; do IFS=, read -r t c n <<<"$r"; echo "2026-06-15T10:00:${t}Z,openai,gpt-4o,$c,s1,$n,100"; done; } >t.csv
	"$TALLY" pack t.csv -o t.pack -q
	# of Sonnet 8,000 and 9,000 are written, read, and a thousand more is written: 19,000 x 3.75 + 17,000 x 0.3 + 400 x 15 at a million
	for t in t.csv t.pack; do
		run "$TALLY" whatif $t -s x=claude-sonnet-4-6 --resamples 0 --json
		expect 0 '"conversations": 2' '"total": "0.08235"'
	done
	"$TALLY" ingest t.csv --db t.db -q
	run "$TALLY" whatif --db t.db -s x=claude-sonnet-4-6 --resamples 0 --json
	expect 0 '"conversations": 2' '"total": "0.08235"'
	run "$TALLY" session t.csv --csv
	expect 0 'session,project,customer,last,' 's1,,acme,2026-06-15,gpt-4o,2,17000,' 's1,,beta,2026-06-15,gpt-4o,2,19000,'
	# turns of chats that name their parent only: beta's second one begins afresh
	for r in 0,acme,1,-1 10,beta,1,-1 20,acme,2,1 30,beta,2,-1 40,beta,3,2; do IFS=, read -r t c n p <<<"$r"
		printf '{"timestamp":%s,"customer":"%s","chat_id":%s,"parent_chat_id":%s,"input_length":16,"output_length":1,"type":"text","turn":1,"hash_ids":[7]}\n' $t $c $n $p; done >chats.jsonl
	run "$TALLY" whatif chats.jsonl --at 2026-06-15 -s x=claude-sonnet-4-6 --resamples 0 --json
	expect 0 '"conversations": 3'
	run "$TALLY" replay chats.jsonl --at 2026-06-15 -m gpt-4o --by customer,task --csv
	expect 0 'acme,1,2,' 'beta,1,1,' 'beta,2,2,'
	# block ids count within a conversation: of 448 tokens acme finds its own 128
	for r in 0,acme,128,1-2 10,beta,128,1-2 20,acme,192,1-3; do IFS=, read -r t c n h <<<"$r"; printf '{"c":1,"t":%s,"customer":"%s","in":%s,"out":1,"h":"%s"}\n' $t $c $n $h; done >b.jsonl
	"$TALLY" pack b.jsonl -o b.pack -q
	for work in b.jsonl b.pack; do
		run "$TALLY" cache $work --json
		expect 0 '"hit_tokens": 128'
		run "$TALLY" whatif $work --at 2026-06-15 -s x=deepseek-v4-flash --resamples 0 --json
		expect 0 '"conversations": 2' '"cache_read": 128'
	done
}

@test "what a route names that no call has is told: customers, workloads that may wait, conversations" {
	printf 'time,model,session,customer,workload,input,output\n2026-06-15T00:00:00Z,gpt-4o,s1,acme,chat,1000,10\n2026-06-15T00:01:00Z,gpt-4o,s2,acme,eval,1000,10\n' >t.csv
	echo '{"rules": [{"when": {"customer": "acmee"}, "model": "gpt-4o"}, {"when": {"customer": "acme", "workload": "eval"}, "model": "gpt-4o"}, {"when": {"model": "gpt-5"}, "model": "gpt-4o"}], "otherwise": "gpt-4o-mini"}' >rules.json
	run "$TALLY" whatif t.csv -s r=rules:rules.json --resamples 0 --json
	expect 0 '"names_no_call": [' '{"what": "customer", "name": "acmee"}' '{"what": "model", "name": "gpt-5"}'
	[[ $output != *'"name": "eval"'* && $output != *'"name": "acme"'* ]] || fail "what is there is told"
	echo '{"cheap": "gpt-4o-mini", "strong": "gpt-4o", "escalated": ["s1", "s3", "s1", 7]}' >cascade.json
	run "$TALLY" whatif t.csv -s c=cascade:cascade.json --resamples 0
	expect 0 "c: no call has the conversation or task 's3' that it names" "c: no call has the conversation or task '7' that it names"
	[[ $output != *"'s1'"* ]] || fail "what is there is told"
	echo '{"scenarios": [{"name": "b", "route": "gpt-4o", "service_tier": "batch", "wait": ["eval", "evals"]}]}' >s.json
	run "$TALLY" whatif t.csv --scenarios s.json --resamples 0 --json
	expect 0 '"what": "workload", "name": "evals"'
	[[ $output != *'"name": "eval"'* ]] || fail "what is there is told"
	# of a database, too
	"$TALLY" ingest t.csv --db t.db -q
	run "$TALLY" whatif --db t.db -s r=rules:rules.json -s c=cascade:cascade.json --resamples 0
	expect 0 "r: no call has the customer 'acmee' that it names" "c: no call has the conversation or task 's3' that it names"
	[[ $output != *"'s1'"* && $output != *"'acme'"* ]] || fail "what is there is told"
}

@test "what of a route changes nothing is told: rules that decide no call, models that answer none, escalations of none" {
	printf 'time,model,session,customer,input,output\n2026-06-15T00:00:00Z,gpt-4o,s1,acme,1000,10\n2026-06-15T00:01:00Z,gpt-4o,s1,acme,2000,10\n' >t.csv
	# the second rule stands behind the first, the third fits no prompt; who tried it is nobody
	echo '{"rules": [{"when": {"customer": "acme"}, "model": "gpt-4o-mini"}, {"when": {"prompt_min": 2000}, "model": "o3"}, {"when": {"prompt_min": 5000}, "model": "gpt-4o-mini"}], "otherwise": "gpt-4.1", "escalate": {"from": "gpt-5-mini", "to": "gpt-5", "share": "1"}}' >rules.json
	run "$TALLY" whatif t.csv -s r=rules:rules.json --resamples 0
	expect 0 'r: rule 2 decides no call' 'r: rule 3 decides no call' 'r: o3 answers no call' 'r: gpt-4.1 answers no call' 'r: gpt-5-mini answers no call' 'r: gpt-5 has nothing sent on to it'
	[[ $output != *'rule 1'* && $output != *'gpt-4o-mini answers'* ]] || fail "what is used is told"
	run "$TALLY" whatif t.csv -s e=every:5:o3:gpt-4o-mini -s f=every:2:o3:gpt-4o-mini --resamples 0 --json
	expect 0 '"names_no_call": [{"what": "target", "name": "o3"}]' '"names_no_call": []'
	# what was recorded was tried on its model: both calls go on, 3,000 tokens x (2.5 + 1.25) and 20 x (10 + 10) at a million; on the model itself nothing is run twice
	echo '{"rules": [], "escalate": {"from": "gpt-4o", "to": "gpt-5", "share": "1"}}' >from.json
	echo '{"rules": [], "escalate": {"to": "gpt-4o", "share": "1"}}' >to.json
	run "$TALLY" whatif t.csv -s x=rules:from.json -s y=rules:to.json --cache none --resamples 0 --json
	expect 0 '"total": "0.01165"' '"escalated": 2' '"total": "0.0077"' '"escalated": 0'
}
