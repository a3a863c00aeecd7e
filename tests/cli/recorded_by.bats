# The recorded cost of a replay by its groups.
load common

@test "a replay shows the recorded cost of each group, and the groups add up to the whole, whatever the order of the files" {
	for n in 1 2 3 4 5 6; do
		m=$([ $((n % 2)) = 0 ] && echo openai/gpt-5 || echo some/unknown)
		echo '{"id":"gen-'$n'","provider":"x","model":"'$m'","object":"chat.completion","created":1781517600,"customer":"c'$((n % 3))'","usage":{"prompt_tokens":800,"completion_tokens":90,"total_tokens":890,"cost":0.'$n',"is_byok":false}}' >$n.jsonl
	done
	echo '{"type":"assistant","sessionId":"s","cwd":"/p","uuid":"u","timestamp":"2026-06-15T10:00:00Z","requestId":"req_1","costUSD":0.75,"message":{"id":"msg_1","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":9}}}' >7.jsonl
	echo '{"id":"none","object":"chat.completion","created":1781517600,"model":"gpt-5-mini","usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}' >8.jsonl
	run "$TALLY" replay 1.jsonl 2.jsonl 3.jsonl 4.jsonl 5.jsonl 6.jsonl 7.jsonl 8.jsonl --by model --recorded-cost --json
	expect 0
	for want in some/unknown:3:0.9:0 openai/gpt-5:3:1.2:0 claude-sonnet-4-6:0:0:0.75; do
		IFS=: read -r model records charged estimated <<<"$want"
		[ "$(jq -r '.groups[] | select(.model == "'$model'").recorded_cost | "\(.charged.records):\(.charged.total):\(.estimated.total)"' <<<"$output")" = "$records:$charged:$estimated" ] || fail "$want" || return 1
	done
	# what no card prices has nothing to compare with
	[ "$(jq -r '.groups[] | select(.model == "some/unknown").recorded_cost.charged.compared' <<<"$output")" = 0 ]
	[ "$(jq -r .recorded_cost.charged.total <<<"$output")" = 2.1 ]
	groups=$(jq -S .groups <<<"$output")
	run "$TALLY" replay 8.jsonl 7.jsonl 6.jsonl 5.jsonl 4.jsonl 3.jsonl 2.jsonl 1.jsonl --by model --recorded-cost --json
	[ "$(jq -S .groups <<<"$output")" = "$groups" ]
	run "$TALLY" replay [1-8].jsonl --by customer,model --recorded-cost --csv
	expect 0 ',unpriced,placeholders,charged,estimated' || return 1
	[ "$(printf '%s\n' "$output" | awk -F, 'NR > 1 { c += $(NF - 1); e += $NF } END { print c, e }')" = "2.1 0.75" ]
	run "$TALLY" replay [1-8].jsonl --by model --recorded-cost
	expect 0 RECORDED '$2.85' '$1.2'
	run "$TALLY" replay [1-8].jsonl --recorded-cost --csv
	expect 0 ',2.1,0.75'
	# the same as of the database
	"$TALLY" ingest [1-8].jsonl --db m.db -q >/dev/null
	run "$TALLY" usage --db m.db --by model --recorded-cost --json
	diff <(jq -cS ".groups[] | {model, recorded_cost}" <<<"$output" | sort) <(jq -cS ".[] | {model, recorded_cost}" <<<"$groups" | sort)
}
