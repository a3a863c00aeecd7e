# Rows of gateways: what kind of call it was, how it was served, and what else than tokens was billed.
# with sanitizers, too
load common.bash
setup() { common_setup; export TALLY_NOW=2026-11-20T00:00:00Z TALLY_CACHE_DIR=$DIR/cache XDG_CACHE_HOME=$DIR/cache; }
# row MEMBERS USAGE META: of LiteLLM, 2,000 tokens in and 300 out of gpt-5-mini: 0.0005 + 0.0006
row() { printf '{"request_id":"r","call_type":"acompletion","model":"gpt-5-mini","custom_llm_provider":"openai","spend":0.0011,"startTime":"2026-08-19T10:00:00Z","endTime":"2026-08-19T10:00:05Z","prompt_tokens":2000,"completion_tokens":300,"total_tokens":2300%s,"metadata":{"usage_object":{"prompt_tokens":2000,"completion_tokens":300,"total_tokens":2300%s}%s}}\n' "$1" "$2" "$3"; }
# costs STATUS AMOUNT [WORDS]: of row.json
costs() { run "$TALLY" replay row.json; expect "$1" "$2" ${3:+"$3"}; }
@test "LiteLLM: a tier counts wherever the row says it" {
	row >row.json; costs 0 '$0.0011'
	# priority: 0.45 and 3.6 a million
	row '' ',"service_tier":"priority"' >row.json; costs 0 '$0.00198'
	row '' '' ',"cost_breakdown":{"input_cost":0.0009,"service_tier":"priority"}' >row.json; costs 0 '$0.00198'
	row ',"cost_breakdown":{"total_cost":0.00198,"service_tier":"priority"}' >row.json; costs 0 '$0.00198'
	row ',"service_tier":"priority"' >row.json; costs 0 '$0.00198'
}
@test "LiteLLM: where Vertex and OpenAI served a call is its region" {
	row '' '' ',"cost_breakdown":{"data_residency":"eu"}' | sed s/gpt-5-mini/gpt-5.4/ >row.json
	# 1.1 times 2,000 x 2.5 + 300 x 15
	costs 0 '$0.01045'
	row '' '' ',"cost_breakdown":{"vertex_location":"global"}' | sed 's/gpt-5-mini/claude-sonnet-4-5@20250929/; s/"openai"/"vertex_ai"/' >row.json
	costs 0 '$0.0105'
	sed s/global// row.json >untold.json; run "$TALLY" replay untold.json; expect 3 '>= $0.0105'
	sed -i s/global/us-east5/ row.json; costs 0 '$0.01155'
}
@test "LiteLLM: the row of a finished batch costs half, and a kind of call that nobody knows has no price" {
	row >one; sed s/acompletion/aretrieve_batch/ one >row.json; costs 0 '$0.00055'
	sed s/acompletion/retrieve_batch/ one >row.json; costs 0 '$0.00055'
	sed s/acompletion/aretrieve_dream/ one >row.json; costs 3 "'call_type' ('aretrieve_dream')"
}
@test "LiteLLM: what else than tokens was billed makes a lower bound, unless it is counted" {
	row '' '' ',"cost_breakdown":{"input_cost":0.0005,"tool_usage_cost":0.02}' >row.json; costs 3 '>= $0.0011' 'not all that was billed'
	row '' '' ',"cost_breakdown":{"input_cost":0.0005,"tool_usage_cost":0.0}' >row.json; costs 0 '$0.0011'
	row '' '' ',"cost_breakdown":{"additional_costs":{"router":0.001}}' >row.json; costs 3 '>= $0.0011'
	row '' '' ',"cost_breakdown":{"zork_cost":0.001}' >row.json; costs 3 'cost_breakdown.zork_cost'
	row '' ',"server_tool_use":{"web_search_requests":2}' ',"cost_breakdown":{"tool_usage_cost":0.02}' | sed 's/gpt-5-mini/claude-sonnet-4-6/; s/"openai"/"anthropic"/' >row.json
	costs 0 '$0.0305'
	# an answer that counts nothing and cost something
	row | sed 's/acompletion/asearch/; s/2000\|2300\|300/0/g' >row.json; costs 3 '>= $0'
	row | sed 's/acompletion/asearch/; s/2000\|2300\|300/0/g; s/"spend":0.0011/"spend":0/' >row.json; costs 0 '$0'
}
@test "LiteLLM: a tier that was asked for is not one that was served" {
	row ',"model_parameters":{"service_tier":"flex"}' >row.json; costs 3 "tier 'flex' was asked for"
	row ',"model_parameters":{"service_tier":"priority"}' >row.json; costs 3 '>= $0.0011'
	row ',"model_parameters":{"service_tier":"auto"}' >row.json; costs 0 '$0.0011'
	row ',"model_parameters":{"service_tier":"priority"}' ',"service_tier":"default"' >row.json; costs 0 '$0.0011'
}
@test "rows of Cloudflare and lines of Bedrock's log say their tier, too" {
	printf '{"id":"c","model":"gpt-5-mini","provider":"openai","success":true,"cached":false,"created_at":"2026-08-19T10:00:00Z","tokens_in":2000,"tokens_out":300,"service_tier":"priority"}\n' >row.json
	run "$TALLY" replay row.json; expect 3 '$0.00198'
}
@test "what stands around an answer says when it was and whose, where the answer does not" {
	# 1,000 x 4 + 200 x 16 a million
	answer='"object":"realtime.response","id":"r","status":"completed","model":"gpt-realtime","output":[],"usage":{"total_tokens":1200,"input_tokens":1000,"output_tokens":200,"output_token_details":{"text_tokens":200,"audio_tokens":0}}'
	printf '{"time":"2026-01-10T10:00:00Z","customer":"acme","type":"response.done","event_id":"e","response":{%s}}\n' "$answer" >row.json
	costs 0 '$0.0072'
	"$TALLY" ingest row.json --db t.db -q; run "$TALLY" usage --db t.db --by customer; expect 0 acme
	printf '{"time":"soon","type":"response.done","event_id":"e","response":{%s}}\n' "$answer" >row.json
	costs 3 "field 'time'"
	printf '{"time":"2026-01-10T10:00:00Z","response":{"id":"c","object":"chat.completion","model":"gpt-5-mini","usage":{"prompt_tokens":2000,"completion_tokens":300,"total_tokens":2300}}}\n' >row.json
	costs 0 '$0.0011'
	# an answer that says it itself, and a page of answers, take nothing from around
	printf '{"object":"list","time":"2026-01-10T10:00:00Z","data":[{"id":"c","object":"chat.completion","model":"gpt-5-mini","usage":{"prompt_tokens":2000,"completion_tokens":300,"total_tokens":2300}}]}\n' >row.json
	costs 3 "'time'"
}
@test "an export whose rows have a day and no hour says so in a sentence of its own" {
	printf 'Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost\n%s,On-Demand,claude-4.6-sonnet,off,900,700,200,120,1920,0.05\n' 2026-08-22 >day.csv
	run "$TALLY" replay day.csv; expect 3 "the column 'Date' has days without hours"
	[[ $output != *'no table knows'* ]] || fail "a column that is known"
	sed s/2026-08-22/2026-08-22T10:00:00Z/ day.csv >hour.csv; run "$TALLY" replay hour.csv; expect 0
}
