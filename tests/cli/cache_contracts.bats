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
