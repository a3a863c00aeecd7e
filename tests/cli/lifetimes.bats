load common
load server
# How long cache writes stay: where no source tells it and the price depends on it, the total is a lower bound, whoever sent them.

# span SCOPE MODEL ATTRIBUTE=VALUE...: a request with one call; words are texts
span() {
	python3 - "$@" <<'P'
import json, sys
scope, model, *pairs = sys.argv[1:]
v = lambda x: {"intValue": x} if x.lstrip("-").isdigit() else {"stringValue": x}
a = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model, **dict(p.split("=", 1) for p in pairs)}
print(json.dumps({"resourceSpans": [{"scopeSpans": [{"scope": {"name": scope}, "spans": [{"traceId": "5b" * 16, "spanId": "a1" * 8, "name": "chat",
	"startTimeUnixNano": "1786000000000000000", "endTimeUnixNano": "1786000001000000000", "status": {"code": 1},
	"attributes": [{"key": k, "value": v(x)} for k, x in a.items()]}]}]}]}))
P
}
# Calls of many forms with 100 written tokens without a lifetime: form MODEL
span_of() { span any "$1" gen_ai.usage.input_tokens=1000 gen_ai.usage.output_tokens=10 gen_ai.usage.cache_creation.input_tokens=100; }
langfuse_of() { span langfuse-sdk "$1" langfuse.observation.type=generation 'langfuse.observation.usage_details={"input":900,"output":10,"total":1010,"input_cache_creation":100}'; }
body_of() { printf '{"id":"m1","type":"message","role":"assistant","created_at":"2026-08-06T08:00:00Z","model":"%s","content":[],"stop_reason":"end_turn","usage":{"input_tokens":900,"output_tokens":10,"cache_creation_input_tokens":100,"cache_read_input_tokens":0}}\n' "$1"; }
cursor_of() { printf '%s\n%s\n' 'Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost' "2026-08-06T08:00:00.000Z,Included,$1,No,100,900,0,10,1010,1"; }
pi_of() { printf '{"type":"session","version":3,"id":"s","cwd":"/a","timestamp":"2026-08-06T08:00:00.000Z"}\n{"type":"message","id":"e1","timestamp":"2026-08-06T08:00:00.000Z","message":{"role":"assistant","provider":"x","model":"%s","responseId":"r1","usage":{"input":900,"output":10,"cacheRead":0,"cacheWrite":100,"totalTokens":1010},"stopReason":"stop","timestamp":1786003200000}}\n' "$1"; }

@test "writes without a lifetime are a lower bound where the card has a price for each, whatever the form" {
	for form in span langfuse pi; do
		rm -rf logs t.db* ; mkdir logs; file=logs/c.jsonl; 
		${form}_of claude-sonnet-4-6 >$file
		run "$TALLY" replay logs --provider anthropic --json; expect 3 '"cache_write_5m": 100,' '"placeholders": 1' || fail "$form"
		run "$TALLY" ingest logs --db t.db; expect 0 'cache writes without how long they stay' || fail "$form"
		run "$TALLY" usage --db t.db; expect 3 '>= $' || fail "$form"
		run "$TALLY" whatif logs --scenario recorded --scenario other=deepseek-v4-flash --json; grep -q '"placeholders": 1' <<<"$output" || fail "$form: $output"
		# writes of that vendor have one price
		${form}_of gpt-5.6-sol >$file; rm -rf t.db*
		run "$TALLY" replay logs --provider openai --json; expect 0 '"cache_write_5m": 100,' '"placeholders": 0' || fail "$form"
		run "$TALLY" ingest logs --provider openai --db t.db; expect 0 || fail "$form"
		run "$TALLY" usage --db t.db --json; expect 0 '"placeholders": 0' || fail "$form"
		run "$TALLY" whatif logs --scenario recorded --scenario other=deepseek-v4-flash --json; ! grep -q '"placeholders": [1-9]' <<<"$output" || fail "$form: $output"
	done
}
@test "Anthropic's own answers that tell no lifetimes are of the time when there was one; Cursor and OpenCode ask for none" {
	body_of claude-sonnet-4-6 >body.jsonl
	cursor_of claude-sonnet-4-6 >cursor.csv
	for file in body.jsonl cursor.csv; do run "$TALLY" replay $file --json; expect 0 '"cache_write_5m": 100,' '"placeholders": 0'; done
}
@test "tables and lines of one's own with Anthropic's names or our own need no lifetime; in OpenAI's names only gateways count such writes" {
	head='"ts":"2026-08-06T08:00:00Z","model":"claude-sonnet-4-6"' counts='"input_tokens":900,"output_tokens":10,"cache_read_input_tokens":0,"cache_creation_input_tokens":100'
	echo "{$head,$counts}" >flat.jsonl
	echo "{$head,\"usage\":{$counts}}" >nested.jsonl
	printf '%s\n' ts,model,input_tokens,output_tokens,cache_creation_input_tokens 2026-08-06T08:00:00Z,claude-sonnet-4-6,900,10,100 >flat.csv
	echo '{"time":"2026-08-06T08:00:00Z","model":"claude-sonnet-4-6","input":900,"output":10,"cache_write":100}' >own.jsonl
	printf '%s\n' time,model,input,output,cache_write 2026-08-06T08:00:00Z,claude-sonnet-4-6,900,10,100 >own.csv
	counts='"prompt_tokens":1000,"completion_tokens":10,"prompt_tokens_details":{"cache_write_tokens":100}'
	echo "{$head,$counts}" >gateway.jsonl
	echo "{$head,\"usage\":{$counts}}" >answer.jsonl
	for file in flat.jsonl nested.jsonl flat.csv own.jsonl own.csv gateway.jsonl answer.jsonl; do
		case $file in gateway.* | answer.*) is=3 least=1 ;; *) is=0 least=0 ;; esac
		run "$TALLY" replay $file --json; expect $is '"cache_write_5m": 100,' '"total": "0.003225"' "\"placeholders\": $least" || fail "$file"
		rm -rf t.db*; "$TALLY" ingest $file --db t.db -q
		run "$TALLY" usage --db t.db --json; expect $is '"total": "0.003225"' "\"placeholders\": $least" || fail "$file"
		run "$TALLY" whatif $file --scenario recorded --json; [ "$(grep -c '"placeholders": 1' <<<"$output")" = $least ] || fail "$file: $output"
	done
}
@test "what the seller charged needs no lifetime; a card that comes later does; an amendment tells it" {
	span_of house-model >s.json
	printf '{"schema":"tally.card/1","provider":"house","prices":[{"model":"house-model","currency":"USD","from":"2026-01-01T00:00:00Z","rates":{"input":"1","output":"2","cache_read":"0.1","cache_write_5m":"1.25"},"source":"test","sure":"stated by the vendor"}]}' >one.json
	sed 's/"cache_write_5m":"1.25"/&,"cache_write_1h":"2"/' one.json >two.json
	run "$TALLY" ingest s.json --db t.db --prices one.json; expect 0
	run "$TALLY" usage --db t.db --json; expect 0 '"placeholders": 0' '"unpriced": 0'
	run "$TALLY" rerate --db t.db --prices two.json --other-cards --why test; expect 0
	run "$TALLY" usage --db t.db --json; expect 3 '"placeholders": 1'
	id=span:$(printf '5b%.0s' {1..16}):$(printf 'a1%.0s' {1..8})
	run "$TALLY" amend "$id" --set cache_write_5m=40 --set cache_write_1h=60 --db t.db --prices two.json --other-cards --why test; expect 0
	run "$TALLY" usage --db t.db --json; expect 0 '"placeholders": 0'
}
@test "the spans of Anthropic's own SDK tell both lifetimes, and settings and counts that were asked for cost nothing" {
	span com.anthropic.sdk.typescript claude-sonnet-4-6 gen_ai.response.id=m1 gen_ai.usage.input_tokens=1000 gen_ai.usage.cache_write.input_tokens=300 gen_ai.usage.cache_read.input_tokens=200 \
		anthropic.usage.cache_creation.ephemeral_5m_input_tokens=100 anthropic.usage.cache_creation.ephemeral_1h_input_tokens=200 gen_ai.usage.output_tokens=10 \
		anthropic.response.service_tier=standard anthropic.request.service_tier=auto anthropic.thinking.budget_tokens=2000 anthropic.message.stop_reason=end_turn >s.json
	run "$TALLY" replay s.json --json; expect 0 '"input": 500,' '"cache_read": 200,' '"cache_write_5m": 100,' '"cache_write_1h": 200,' '"placeholders": 0' '"unpriced": 0'
	# a stream that was cut tells no answer
	sed 's/{"key": "gen_ai.usage.output_tokens"[^}]*}}, //; s/"code": 1/"code": 2/' s.json >cut.json
	run "$TALLY" replay cut.json; expect 3 'counts no answer'
	python3 -c '
import json,sys
d = json.load(open("s.json")); s = d["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
s["attributes"] = [{"key": "gen_ai.request.model", "value": {"stringValue": "claude-sonnet-4-6"}}, {"key": "anthropic.message.count_tokens.input_tokens", "value": {"intValue": "900"}}]
json.dump(d, open("count.json", "w"))'
	run "$TALLY" replay count.json; expect 0
}
@test "LangChain's spans leave cache writes out: they are read from the answer, and are in doubt without it" {
	answer='{"generations":[[{"text":"a","message":{"kwargs":{"response_metadata":{"usage":{"input_tokens":700,"output_tokens":10,"cache_read_input_tokens":200,"cache_creation_input_tokens":300,"cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":200}}}}}}]]}'
	of() { span @arizeai/openinference-instrumentation-langchain claude-sonnet-4-6 openinference.span.kind=LLM llm.token_count.prompt=1200 llm.token_count.completion=10 llm.token_count.total=1210 llm.token_count.prompt_details.cache_read=200 "$@" >s.json; }
	of "output.value=$answer"
	run "$TALLY" replay s.json --json; expect 0 '"input": 700,' '"cache_read": 200,' '"cache_write_5m": 100,' '"cache_write_1h": 200,'
	# a stream has the sum alone
	of 'output.value={"generations":[[{"message":{"kwargs":{"response_metadata":{},"usage_metadata":{"input_tokens":1200,"output_tokens":10,"total_tokens":1210,"input_token_details":{"cache_read":200,"cache_creation":300}}}}}]]}'
	run "$TALLY" replay s.json --json; expect 3 '"cache_write_5m": 300,' '"placeholders": 1'
	of 'output.value=__REDACTED__'; run "$TALLY" replay s.json; expect 3 'too high or too low'
	of; run "$TALLY" replay s.json; expect 3 'too high or too low'
}
@test "a call that was answered and has no usage is told, of embeddings and of Langfuse's generations, too" {
	span any text-embedding-3-small openinference.span.kind=EMBEDDING >s.json
	run "$TALLY" replay s.json; expect 3 'a call that was answered, and has no usage'
	sed 's/"code": 1/"code": 2/' s.json >failed.json; run "$TALLY" replay failed.json; expect 0
	span langfuse-sdk gpt-5.6-sol langfuse.observation.type=generation langfuse.observation.output=words | sed 's/"code": 1/"code": 0/' >s.json
	run "$TALLY" replay s.json; expect 3 'a call that was answered, and has no usage'
	span langfuse-sdk gpt-5.6-sol langfuse.observation.type=generation langfuse.observation.level=ERROR | sed 's/"code": 1/"code": 0/' >s.json
	run "$TALLY" replay s.json; expect 0
	span langfuse-sdk gpt-5.6-sol langfuse.observation.type=span langfuse.observation.output=words >s.json
	run "$TALLY" replay s.json; expect 0
}
@test "attributes that are repeated as metadata are what they repeat" {
	usage='gen_ai.usage.input_tokens=1000 gen_ai.usage.output_tokens=10'
	span any gpt-5.6-sol $usage metadata.ai.response.avgOutputTokensPerSecond=77 langfuse.observation.metadata.ls_max_tokens=100 metadata.gen_ai.usage.input_tokens=1000 >s.json
	run "$TALLY" replay s.json --json; expect 0 '"input": 1000,' '"unpriced": 0'
	span any gpt-5.6-sol $usage metadata.gen_ai.usage.zork_tokens=5 >s.json
	run "$TALLY" replay s.json; expect 3 'metadata.gen_ai.usage.zork_tokens'
}
@test "OpenLLMetry's counts of streams are said to be estimates" {
	span @traceloop/instrumentation-openai gpt-5.6-sol gen_ai.usage.input_tokens=13 gen_ai.usage.output_tokens=3 >s.json
	run "$TALLY" replay s.json; expect 3 'estimate the counts of streams'
}
@test "Langfuse's exporters get through on their own path, with a token as the secret key" {
	serve
	span_of gpt-5.6-sol >s.json
	post() { run curl -s -m 20 -w '\n%{http_code}' -H 'Content-Type: application/json' "$@"; }
	post -u pk-lf-1:sk-lf-1 -d @s.json $URL/api/public/otel/v1/traces; expect 0 '"accepted":1' 200
	post -d @s.json $URL/v1/traces; expect 0 '"duplicates":1' 200
	stop
	"$TALLY" token app --scope write --customer acme >tokens 2>app
	app=$(sed -n 's/^token: //p' app)
	serve --tokens tokens
	post -d @s.json $URL/api/public/otel/v1/traces; expect 0 401
	post -u pk-lf-1:sk-lf-1 -d @s.json $URL/api/public/otel/v1/traces; expect 0 401
	post -u "$app:x" -d @s.json $URL/api/public/otel/v1/traces; expect 0 401
	post -H 'Authorization: Basic ???' -d @s.json $URL/v1/traces; expect 0 401
	post -u "pk-lf-1:$app" -d @s.json $URL/api/public/otel/v1/traces; expect 0 '"accepted":1' 200
	post -u "pk-lf-1:$app" -d @s.json $URL/v1/traces; expect 0 '"duplicates":1' 200
	# Logfire's exporter puts no word before its token
	post -H "Authorization: $app" -d @s.json $URL/v1/traces; expect 0 '"duplicates":1' 200
	post -H "Authorization: ${app}x" -d @s.json $URL/v1/traces; expect 0 401
	post -H "Authorization: $app" -d '{"id":"a","model":"gpt-5.6-sol","input":1,"output":1}' $URL/v1/usage; expect 0 401
	# other routes take bearer tokens alone
	post -u "pk-lf-1:$app" -d '{"id":"a","model":"gpt-5.6-sol","input":1,"output":1}' $URL/v1/usage; expect 0 401
	stop
}
@test "Codex: a turn that ended in an answer that was cut is told" {
	head='{"timestamp":"2026-08-06T08:00:00Z","type":"session_meta","payload":{"id":"s1","cwd":"/app"}}
{"timestamp":"2026-08-06T08:00:01Z","type":"turn_context","payload":{"model":"gpt-5.6-sol"}}
{"timestamp":"2026-08-06T08:00:02Z","type":"token_usage_record","payload":{"response_id":"r1","usage":{"input_tokens":100,"cached_input_tokens":40,"cache_write_input_tokens":0,"output_tokens":10,"reasoning_output_tokens":0,"total_tokens":110}}}'
	end() { printf '%s\n{"timestamp":"2026-08-06T08:00:09Z","type":"event_msg","payload":{"type":"task_complete","turn_id":"t","last_agent_message":null,"error":%s}}\n' "$head" "$1" >log.jsonl; }
	end null; run "$TALLY" replay log.jsonl --json; expect 0 '"records": 1'
	end '{"message":"unexpected status 401"}'; run "$TALLY" replay log.jsonl --json; expect 0 '"records": 1'
	end '{"message":"stream disconnected before completion: error decoding response body","codex_error_info":"other"}'
	run "$TALLY" replay log.jsonl --json; expect 3 '"records": 1' 'log.jsonl:4' 'was cut'
	run "$TALLY" ingest log.jsonl --db t.db; expect 3 'was cut'
}
@test "Claude Code: an error right behind an answer says that it was cut, though it has a reason to stop" {
	a() { printf '{"type":"assistant","uuid":"u%s","parentUuid":%s,"sessionId":"s","timestamp":"2026-08-06T08:00:0%s.000Z","version":"1.0.1","requestId":"q%s","message":{"id":"m%s","model":"claude-sonnet-4-6","stop_reason":"end_turn","content":[{"type":"text","text":"half"}],"usage":{"input_tokens":10,"output_tokens":%s}}}\n' "$1" "$2" "$1" "$1" "$1" "$3"; }
	error() { printf '{"type":"assistant","uuid":"e%s","parentUuid":"%s","isApiErrorMessage":true,"sessionId":"s","timestamp":"2026-08-06T08:00:09.000Z","message":{"id":"e1","model":"<synthetic>","stop_reason":"stop_sequence","content":[{"type":"text","text":"%s"}],"usage":{"input_tokens":0,"output_tokens":0}}}\n' "$1" "$2" "$3"; }
	{ a 1 null 40; a 2 '"x"' 1; error 1 u2 'API Error: closed'; a 3 '"x"' 50; } >log.jsonl
	run "$TALLY" replay log.jsonl --json; expect 3 'log.jsonl:3' 'was cut' '"records": 3'
	run "$TALLY" ingest log.jsonl --db t.db; expect 3 'was cut'
	# an error behind a question is none of an answer
	{ a 1 null 40; error 1 x 'API Error: overloaded'; a 3 '"x"' 50; } >log.jsonl
	run "$TALLY" replay log.jsonl --json; expect 0 '"records": 2'
	# where the answer is in another file, or was read before
	error 1 u9 'API Error: Connection closed mid-response. The response above may be incomplete.' >>log.jsonl
	run "$TALLY" replay log.jsonl --json; expect 3 'log.jsonl:4' 'was cut'
}
