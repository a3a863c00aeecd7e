#!/usr/bin/env bats
# tally cascade: by hand, and on public data with known answers.
# with sanitizers, too
load common

outcomes() {
	printf 'task,model,solved,cost,score\na,flash,true,1,0.9\na,pro,true,10,\nb,flash,true,1,0.4\nb,pro,false,10,\nc,flash,false,2,0.5\nc,pro,true,20,\nd,flash,false,2,0.1\nd,pro,false,30,\n' > o.csv
}

@test "joint outcomes, policies and what escalating costs" {
	outcomes
	run "$TALLY" cascade o.csv --cheap flash --strong pro --json
	expect 0 '"schema": "tally.cascade/1"' '"both": 1' '"escalated": 2' '"cost": "56"' '"marginal_cost_per_extra_solve": "50"' \
		'"break_even_escalation_rate": "0.914286"'
	run "$TALLY" cascade o.csv --cheap flash --strong pro --sweep score
	expect 0 "cascade" "THRESHOLD" "break-even"
	run "$TALLY" cascade o.csv --cheap flash --strong pro --sweep score --csv
	expect 0 "threshold,escalated,solved,cost,pareto" "0.4,1,2,36,"
	# half of the wrong answers pass: 6 + (20 + 30) / 2, and half of c is lost
	run "$TALLY" cascade o.csv --cheap flash --strong pro --false-accept 0.5 --json
	expect 0 '"expected_solved": "2.5"' '"cost": "31"'
}

@test "which end of a signal escalates is said: a confidence's low end, or RouteLLM's high one" {
	outcomes
	# the same signal turned round escalates the same tasks from its other end
	sed 's/,0\.9$/,0.1/; s/,0\.4$/,0.6/; s/,0\.1$/,0.9/' o.csv >turned.csv; sed -i 's/^a,flash.*/a,flash,true,1,0.1/; s/^d,flash.*/d,flash,false,2,0.9/' turned.csv
	run "$TALLY" cascade o.csv --cheap flash --strong pro --sweep score --json
	expect 0 '"signal": "score"' '"escalates": "low"'
	run "$TALLY" cascade o.csv --cheap flash --strong pro --sweep score
	expect 0 "score at or above the threshold are accepted"
	run "$TALLY" cascade turned.csv --cheap flash --strong pro --sweep score --escalate routellm --json
	expect 0 '"escalates": "high"'
	run "$TALLY" cascade turned.csv --cheap flash --strong pro --sweep score --escalate high
	expect 0 "score at or above the threshold are escalated"
	# a, b, c, d by rising need 0.1, 0.6, 0.5, 0.9: everything, all but a, b and d, d
	run "$TALLY" cascade turned.csv --cheap flash --strong pro --sweep score --escalate high --csv
	[ "$(printf '%s\n' "$output" | cut -d, -f1-4 | tr '\n' ' ')" = "threshold,escalated,solved,cost 0.1,4,2,76 0.5,3,2,66 0.6,2,1,46 0.9,1,2,36 " ] || fail "by need"
	run "$TALLY" cascade o.csv --cheap flash --strong pro --escalate high
	expect 2 "--escalate"
}

@test "what is not understood is refused with the choice" {
	outcomes
	run "$TALLY" cascade o.csv --cheap flash --strong gpt
	expect 1 "no attempts by 'gpt'" "flash, pro"
	run "$TALLY" cascade o.csv --cheap flash
	expect 2 "--strong"
	run "$TALLY" cascade o.csv --cheap flash --strong pro --sensitivity 2
	expect 2 "--sensitivity"
	run "$TALLY" cascade o.csv --cheap flash --strong pro --sweep colour
	expect 1 "--sweep"
	run "$TALLY" cascade absent.csv
	expect 1 "absent.csv"
}

@test "public outcomes give their known answers" {
	traces=$ROOT/../shared/traces
	[ -d "$traces" ] || skip "no traces beside the project"
	run "$TALLY" cascade "$traces/aider_cascade_attempts.jsonl" --json
	expect 0 '"tasks": 300' '"solved": 79' '"cost": "908.826655"' '"attempts_without_model": 15' '"accepted": 208' '"accepted_solved": 67'
	run "$TALLY" cascade "$traces/routellm_gsm8k_joint.csv" --json
	expect 0 '"both": 747' '"strong_only": 383' '"cheap_only": 95' '"neither": 94' '"cost": null'
}
@test "a model is one under all its names: in the file, and where it is named" {
	outcomes
	run "$TALLY" cascade o.csv --cheap flash --strong pro --json; expect 0; plain=$output
	sed '/^[ab],/s/flash/deepseek-v4-flash/; s/,flash/,openrouter\/deepseek\/DeepSeek-V4-Flash/; s/,pro/,deepseek-v4-pro/' o.csv >named.csv
	run "$TALLY" cascade named.csv --cheap DeepSeek-V4-Flash --strong deepseek/deepseek-v4-pro --json
	expect 0 '{"model": "deepseek-v4-flash", "tasks": 4, "solved": 2, "cost": "6"}'
	[ "$(printf "%s" "$output" | sed "s/deepseek-v4-//g")" = "$plain" ] || fail "$output"
	run "$TALLY" cascade named.csv --cheap deepseek-v4-flash --strong DeepSeek-V4-Flash; expect 2 "the same model"
	printf 'task,deepseek-v4-flash_correct,DeepSeek-V4-Flash_correct\na,1,0\n' >wide.csv
	run "$TALLY" cascade wide.csv; expect 1 "columns 'deepseek-v4-flash_correct' and 'DeepSeek-V4-Flash_correct' are of one model"
}
