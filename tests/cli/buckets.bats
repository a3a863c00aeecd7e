#!/usr/bin/env bats
# Usage by buckets of time: reports of vendors, whose rows sum up calls and are none.
# with sanitizers, too

load common
setup() {
	common_setup
	export TALLY_DB="$DIR/u.db" HOME="$DIR"
}

value() { # of the last run's JSON, by path
	python3 -c 'import json,sys
v=json.loads(sys.argv[1])
for k in sys.argv[2].split("."): v=v[int(k)] if isinstance(v,list) else v[k]
print(v)' "$output" "$1"
}

total() { # of all usage
	run "$TALLY" usage --json "$@"
}

openai_page() { # FILE INPUT OUTPUT REQUESTS [MORE]
	printf '{"object":"page","data":[{"object":"bucket","start_time":1781481600,"end_time":1781568000,"results":[' > "$1"
	printf '{"object":"organization.usage.completions.result","input_tokens":%s,"output_tokens":%s,"input_cached_tokens":100,' "$2" "$3" >> "$1"
	printf '"num_model_requests":%s,"project_id":"p","user_id":null,"api_key_id":null,"model":"gpt-5-mini-2025-08-07","batch":false,"service_tier":null}' "$4" >> "$1"
	printf ']}],"has_more":%s,"next_page":null}' "${5:-false}" >> "$1"
}

@test "a bucket that grew counts once, whatever order it is read in" {
	openai_page noon.json 4000 40 4
	openai_page later.json 9000 90 9
	"$TALLY" ingest noon.json -q || [ $? -eq 3 ]
	run "$TALLY" ingest later.json --json
	[ "$(value grown)" = 1 ]
	"$TALLY" ingest noon.json later.json -q
	total
	[ "$(value tokens.input)" = 8900 ]
	[ "$(value tokens.cache_read)" = 100 ]
	[ "$(value requests)" = 9 ]
	run "$TALLY" fsck
	[ "$status" -eq 0 ]
}

@test "more requests of the same tokens are a later reading too" {
	openai_page a.json 4000 40 4
	openai_page b.json 4000 40 5
	"$TALLY" ingest a.json -q
	"$TALLY" ingest b.json -q
	total
	[ "$(value requests)" = 5 ]
}

@test "a page with has_more and no page behind it is a part: exit 3, and said" {
	openai_page one.json 4000 40 4 true
	run "$TALLY" ingest one.json
	[ "$status" -eq 3 ]
	[[ "$output" == *has_more* ]]
	run "$TALLY" ingest one.json --json
	[ "$(value partial)" = True ]
	sed 's/1781481600/1781568000/; s/1781568000,"results/1781654400,"results/; s/true/false/' one.json > two.json
	run "$TALLY" ingest one.json two.json --json
	[ "$status" -eq 0 ]
	[ "$(value partial)" = False ]
}

@test "the JSON of the interface and the CSV of the page are one bucket" {
	openai_page a.json 4000 40 4
	"$TALLY" ingest a.json -q
	printf '%s\n' 'start_time,end_time,input_tokens,output_tokens,input_cached_tokens,num_model_requests,project_id,model,batch,service_tier' \
		'1781481600,1781568000,4000,40,100,4,p,gpt-5-mini-2025-08-07,False,' > a.csv
	run "$TALLY" ingest a.csv --json
	[ "$(value duplicates)" = 1 ]
	[ "$(value accepted)" = 0 ]
}

@test "calls and the bucket that sums them up count once, whichever comes first" {
	openai_page a.json 4000 40 4
	printf '%s\n' id,time,model,input,output x,2026-06-15T10:00:00Z,gpt-5-mini,1000,10 \
		y,2026-06-16T10:00:00Z,gpt-5-mini,7,1 > calls.csv
	"$TALLY" ingest a.json -q
	run "$TALLY" ingest calls.csv
	[ "$status" -eq 3 ]
	[[ "$output" == *"counted in the bucket"* ]]
	total
	[ "$(value tokens.input)" = 3907 ]
	rm -r u.db*
	"$TALLY" ingest calls.csv -q
	run "$TALLY" ingest a.json
	[ "$status" -eq 3 ]
	[[ "$output" == *"stored calls are already counted"* ]]
	total
	[ "$(value tokens.input)" = 1007 ]
	# one file after the other in one run
	rm -r u.db*
	run bash -c "$TALLY ingest calls.csv a.json --json 2>/dev/null"
	[ "$(value quarantined)" = 1 ]
}

@test "buckets of two widths or of two reports are one usage" {
	openai_page day.json 4000 40 4
	sed 's/1781568000,"results/1781485200,"results/' day.json > hour.json
	"$TALLY" ingest day.json -q
	run "$TALLY" ingest hour.json
	[ "$status" -eq 3 ]
	[[ "$output" == *"another width"* ]]
	total
	[ "$(value tokens.input)" = 3900 ]
}

@test "a bucket that was voided makes room for its calls" {
	openai_page day.json 4000 40 4
	"$TALLY" ingest day.json -q
	id=$("$TALLY" records --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["records"][0]["id"])')
	"$TALLY" void "$id" --why "the logs are here" -q
	printf '%s\n' id,time,model,input,output x,2026-06-15T10:00:00Z,gpt-5-mini,1000,10 > calls.csv
	"$TALLY" ingest calls.csv -q
	total
	[ "$(value tokens.input)" = 1000 ]
}

@test "a day over hours of different prices has no price, and says so" {
	printf '%s\n' 'utc_date,model,api_key_name,type,price,amount' \
		'2026-09-16,deepseek-v4-flash,prod,request_count,,3' \
		'2026-09-16,deepseek-v4-flash,prod,input_cache_miss_tokens,0.1,1000000' \
		'2026-06-15,deepseek-v4-flash,prod,input_cache_miss_tokens,0.1,1000000' > amount.csv
	run "$TALLY" ingest amount.csv
	[ "$status" -eq 3 ]
	run "$TALLY" usage
	[[ "$output" == *"hours with different prices"* ]]
	[[ "$output" == *">="* ]]
	run "$TALLY" usage --json --until 2026-07-01
	[ "$status" -eq 0 ]
	[ "$(value total)" = 0.14 ]
	[ "$(value requests)" = 0 ]
}

@test "what a key might be is not kept" {
	printf '%s\n' 'utc_date,model,api_key,type,amount' \
		'2026-06-15,deepseek-v4-flash,sk-secret-123,output_tokens,5' > amount.csv
	"$TALLY" ingest amount.csv -q
	run grep -c sk-secret-123 u.db
	[ "$output" = 0 ]
	run "$TALLY" export usage
	[[ "$output" != *sk-secret* ]]
}

@test "tiers, places and hours of the day of Anthropic's report" {
	printf '%s' '{"data":[{"starting_at":"2026-06-15T00:00:00Z","ending_at":"2026-06-15T01:00:00Z","results":[{"model":"claude-sonnet-4-6","service_tier":"standard","context_window":"0-200k","inference_geo":"moon","uncached_input_tokens":10,"cache_read_input_tokens":0,"output_tokens":1,"server_tool_use":{"web_search_requests":0}},{"model":"claude-sonnet-4-6","service_tier":"priority","context_window":"0-200k","inference_geo":"global","uncached_input_tokens":10,"cache_read_input_tokens":0,"output_tokens":1,"server_tool_use":{"web_search_requests":2}}]}],"has_more":false}' > a.json
	run "$TALLY" ingest a.json
	[ "$status" -eq 3 ]
	run "$TALLY" usage
	[[ "$output" == *"no price for region 'moon'"* ]]
	total
	[ "$(value tokens.input)" = 20 ]
	[ "$(value unpriced.records)" = 2 ] || [ "$(value unpriced)" = 2 ]
}

@test "Cursor's four columns are disjoint, and what was not charged is no call" {
	printf '%s\n' 'Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost' \
		'"2026-06-15T10:00:00.000Z","Included","claude-4.5-sonnet","No","28342","775","105891","21282","156290","Included"' \
		'"2026-06-15T11:00:00.000Z","Errored, Not Charged","claude-4.5-sonnet","No","1","1","1","1","4","-"' > cursor.csv
	run "$TALLY" ingest cursor.csv --json
	[ "$(value accepted)" = 1 ]
	total
	[ "$(value tokens.input)" = 775 ]
	[ "$(value tokens.cache_write_5m)" = 28342 ]
	[ "$(value tokens.cache_read)" = 105891 ]
	[ "$(value tokens.output)" = 21282 ]
}

# Helicone keeps what was cached beside the prompt; its totals hold it for OpenAI and not for Anthropic.
@test "Helicone: the prompt is without its cache, and the vendor is who sold the call" {
	row() { printf '%s\n' request_id,request_created_at,provider,model,prompt_tokens,prompt_cache_read_tokens,prompt_cache_write_tokens,completion_tokens,total_tokens,prompt_audio_tokens,cost "h,2026-06-15T10:00:00Z,$1" >h.csv && run "$TALLY" replay h.csv --json; }
	row ANTHROPIC,claude-sonnet-4-6,10000,5000,200,100,10100,0,0.1
	expect 3 '"total": "0.03375"' '"input": 10000' '"cache_read": 5000' '"placeholders": 1' # for how long it was written is not said
	row OPENAI,gpt-4o,600,400,0,100,1100,0,0.1
	expect 0 '"total": "0.003"'
	row AZURE,gpt-4o,600,400,0,100,1100,0,0.1
	expect 3 '"total": "0.003"' '"placeholders": 1'
	row OPENAI,gpt-4o,600,400,0,100,1100,7,0.1 # of which its prompt is without, too
	expect 3 '"unpriced": 1' prompt_audio_tokens
}

@test "Helicone, Portkey and Vercel" {
	printf '%s\n' 'request_id,request_created_at,request_user_id,provider,model,response_model,prompt_tokens,prompt_cache_read_tokens,prompt_cache_write_tokens,completion_tokens,total_tokens,cost,response_status' \
		'h1,2026-06-15T10:00:00Z,acme,ANTHROPIC,claude-sonnet-4-6,claude-sonnet-4-6,100,40,0,10,150,0.1,200' > h.csv
	printf '%s\n' '{"id":"p1","created_at":"2026-06-15T10:00:00Z","ai_model":"gpt-5-mini","req_units":200,"res_units":20,"total_units":220,"cost":0.1}' \
		'{"id":"p2","created_at":"2026-06-15T10:01:00Z","ai_model":"gpt-5-mini","req_units":200,"res_units":20,"total_units":220,"cost":0.1}' > p.jsonl
	printf '%s' '{"results":[{"day":"2026-06-15","model":"deepseek/deepseek-v4-flash","total_cost":0.1,"input_tokens":300,"output_tokens":30,"cached_input_tokens":100,"request_count":4}]}' > v.json
	"$TALLY" ingest h.csv p.jsonl v.json -q || [ $? -eq 3 ]
	total --by model
	python3 - "$output" <<-'PY'
	import json, sys
	g = {x["model"]: (x["tokens"]["input"], x["tokens"]["cache_read"], x["tokens"]["output"], x["requests"]) for x in json.loads(sys.argv[1])["groups"]}
	assert g["claude-sonnet-4-6"] == (100, 40, 10, 1), g
	assert g["gpt-5-mini"] == (400, 0, 40, 2), g
	assert g["deepseek/deepseek-v4-flash"] == (200, 100, 30, 4), g
	PY
}

@test "Langfuse and Cloudflare as CSV are what they are as JSON" {
	printf '%s\n' 'id,traceId,type,name,startTime,endTime,model,usageDetails,userId' \
		'o-0,t,SPAN,w,2026-06-15T10:00:00Z,2026-06-15T10:00:05Z,,"{""input"":9}",acme' \
		'o-1,t,GENERATION,c,2026-06-15T10:00:00Z,2026-06-15T10:00:02Z,claude-sonnet-4-6,"{""input"":1000,""output"":50,""total"":1050}",acme' > l.csv
	run "$TALLY" ingest l.csv --json
	[ "$status" -eq 0 ]
	[ "$(value accepted)" = 1 ]
	printf '%s\n' 'id,created_at,provider,model,tokens_in,tokens_out,cached,success' \
		'c1,2026-06-15T10:00:00Z,anthropic,claude-haiku-4-5,10,1,true,true' \
		'c2,2026-06-15T10:00:00Z,anthropic,claude-haiku-4-5,10,1,false,true' > c.csv
	run "$TALLY" ingest c.csv --json
	[ "$(value accepted)" = 1 ]
}

@test "semicolons, tabs, a byte order mark and thousands in an export of usage" {
	printf '\xef\xbb\xbfusage_date_utc;model_version;workspace;usage_type;usage_input_tokens_no_cache;usage_output_tokens\r\n2026-06-15;claude-sonnet-4-6;Default;standard;1,200;10\r\n' > a.csv
	"$TALLY" ingest a.csv -q
	total
	[ "$(value tokens.input)" = 1200 ]
}

@test "a replay names the bucket that hours of different prices divide; a what-if takes no bucket" {
	printf '%s\n' 'utc_date,model,api_key_name,type,price,amount' \
		'2026-09-16,deepseek-v4-flash,prod,output_tokens,0.1,1000000' \
		'2026-06-15,deepseek-v4-flash,prod,input_cache_miss_tokens,0.1,1000000' > amount.csv
	run "$TALLY" replay amount.csv
	[ "$status" -eq 3 ]
	[[ "$output" == *"hours with different prices"* ]]
	run bash -c "$TALLY replay amount.csv --json 2> /dev/null"
	[ "$(value total)" = 0.14 ]
	run "$TALLY" whatif amount.csv -s other=claude-haiku-4-5
	[ "$status" -ne 0 ]
	[[ "$output" == *"bucket of time"* ]]
}
