load common
load server
# OpenTelemetry over HTTP and in files: protobuf and JSON, traces, logs and metrics.

post() { run curl -s -m 20 -w '\n%{http_code} %{content_type}' "$@"; }
pb() { post -H 'Content-Type: application/x-protobuf' "$@"; }
# proto FILE: a request in protobuf of OTLP's JSON on standard input, by the field numbers of the protocol
proto() { python3 "$ROOT/tests/support/otlp_proto.py" >"$1"; }
# span ID PARENT NAME ATTRIBUTES: a span as JSON; ATTRIBUTES are "key":value pairs with a comma between
span() {
	python3 - "$@" <<'P'
import json, sys
i, parent, name, attributes = sys.argv[1:5]
v = lambda x: {"stringValue": x} if isinstance(x, str) else {"arrayValue": {"values": [v(e) for e in x]}} if isinstance(x, list) else {"intValue": str(x)}
print(json.dumps({"traceId": "5b8efff798038103d269b633813fc60c", "spanId": i * 16, **({"parentSpanId": parent * 16} if parent else {}), "name": name, "kind": 3,
	"startTimeUnixNano": "1781481600000000000", "endTimeUnixNano": "1781481601000000000",
	"attributes": [{"key": k, "value": v(x)} for k, x in json.loads("{" + attributes + "}").items()]}))
P
}
# spans SPAN...: a request of traces
spans() { local IFS=,; echo "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"test\"},\"spans\":[$*]}]}]}"; }
# event NAME ATTRIBUTES: a request of logs
event() {
	python3 - "$@" <<'P'
import json, sys
v = lambda x: {"stringValue": x} if isinstance(x, str) else {"intValue": str(x)}
a = {"event.name": sys.argv[1], **json.loads("{" + sys.argv[2] + "}")}
print(json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "1781481600000000000", "attributes": [{"key": k, "value": v(x)} for k, x in a.items()]}]}]}]}))
P
}
USAGE='"gen_ai.request.model":"deepseek-v4-pro","gen_ai.usage.input_tokens":120,"gen_ai.usage.output_tokens":40'
# total RECORDS INPUT OUTPUT: what is stored
total() { run "$TALLY" usage --json; expect 0 "\"records\": $1," "\"input\": $2," "\"output\": $3,"; }

@test "protobuf and JSON, plain and in gzip, are one call each and once" {
	serve
	spans "$(span a '' chat "\"gen_ai.operation.name\":\"chat\",$USAGE")" >a.json
	proto a.pb <a.json
	pb --data-binary @a.pb $URL/v1/traces; [ "$output" = $'\n200 application/x-protobuf' ]
	post -H 'Content-Type: application/json' --data-binary @a.json $URL/v1/traces
	expect 0 '"accepted":0,"duplicates":1' '200 application/json'; [[ $output != *partialSuccess* ]]
	gzip -k a.pb; pb -H 'Content-Encoding: gzip' --data-binary @a.pb.gz $URL/v1/traces; [ "$output" = $'\n200 application/x-protobuf' ]
	pb -H 'Transfer-Encoding: chunked' --data-binary @a.pb $URL/v1/traces; [ "$output" = $'\n200 application/x-protobuf' ]
	event gen_ai.client.inference.operation.details "\"gen_ai.response.id\":\"r1\",$USAGE" >b.json
	proto b.pb <b.json
	pb --data-binary @b.pb $URL/v1/logs; [ "$output" = $'\n200 application/x-protobuf' ]
	for path in traces logs metrics; do # nothing at all is a request, too
		pb -d '' $URL/v1/$path; [ "$output" = $'\n200 application/x-protobuf' ]
		post -H 'Content-Type: application/json' -d '{}' $URL/v1/$path; expect 0 '{}' '200 application/json'
	done
	stop
	total 2 240 80
	run "$TALLY" usage --by project --csv; expect 0 'shop,1,1,120,'
	rm t.db # the same from files
	run "$TALLY" ingest a.pb a.pb.gz b.pb a.json; expect 0
	total 2 240 80
	run "$TALLY" replay a.pb b.pb --json; expect 0 '"records": 2,' '"input": 240,'
	mkdir d; mv a.pb b.pb d; run "$TALLY" replay d --json; expect 0 '"records": 2,'
}
@test "what cannot be taken is a partial success, and damage is refused in the request's own encoding" {
	serve
	spans "$(span a '' chat "\"gen_ai.operation.name\":\"chat\",$USAGE")" "$(span b '' x "\"gen_ai.operation.name\":\"dream\",$USAGE")" "$(span c '' http '"http.method":"GET"')" >a.json
	post -H 'Content-Type: application/json' --data-binary @a.json $URL/v1/traces
	expect 0 '"accepted":1' '"partialSuccess":{"rejectedSpans":"1","errorMessage":"the span has the usage of an unknown operation (' 200
	proto a.pb <a.json
	run bash -c "curl -s -H 'Content-Type: application/x-protobuf' --data-binary @a.pb $URL/v1/traces | od -An -tx1 | tr -d ' \\n' | head -c 14"
	[[ $output = 0a??080112* ]] || [[ $output = 0a????080112* ]]
	head -c 100 a.pb >cut.pb; pb --data-binary @cut.pb $URL/v1/traces; expect 0 'byte ' '400 application/x-protobuf'
	post -H 'Content-Type: application/json' -d '{"resourceSpans":[' $URL/v1/traces; expect 0 '{"code":3,"message":' '400 application/json'
	pb -H 'Content-Encoding: br' --data-binary @a.pb $URL/v1/logs; expect 0 '415 application/x-protobuf'
	head -c 17000000 /dev/zero >big; pb --data-binary @big $URL/v1/traces; expect 0 '413 application/x-protobuf'
	head -c 100000000 /dev/zero | gzip -9 >bomb.gz; pb -H 'Content-Encoding: gzip' --data-binary @bomb.gz $URL/v1/metrics; expect 0 '413 application/x-protobuf'
	post $URL/v1/logs/x -d x; expect 0 404
	stop
	run "$TALLY" usage --json; expect 3 '"records": 1,' '"input": 120,'
}
@test "telemetry needs a token as every route does" {
	"$TALLY" token app --scope write --customer acme >tokens 2>app
	"$TALLY" token eye --scope read >>tokens 2>eye
	app=$(sed -n 's/^token: //p' app) eye=$(sed -n 's/^token: //p' eye)
	serve --tokens tokens
	spans "$(span a '' chat "\"gen_ai.operation.name\":\"chat\",$USAGE")" | proto a.pb
	for path in traces logs metrics; do
		pb --data-binary @a.pb $URL/v1/$path; expect 0 '401 application/x-protobuf'
		pb -H "Authorization: Bearer $eye" --data-binary @a.pb $URL/v1/$path; expect 0 '403 application/x-protobuf'
	done
	pb -H "Authorization: Bearer $app" --data-binary @a.pb $URL/v1/traces; [ "$output" = $'\n200 application/x-protobuf' ]
	stop
	run "$TALLY" usage --by customer --csv; expect 0 'acme,1,1,120,'
}
@test "batches of Langfuse's events are calls once each, though a call begins in one and ends in another" {
	"$TALLY" token app --scope write --customer acme >tokens 2>app
	app=$(sed -n 's/^token: //p' app)
	event() { echo "{\"id\":\"$1\",\"type\":\"$2\",\"timestamp\":\"2026-06-15T10:00:00Z\",\"body\":$3}"; }
	batch() { local IFS=,; echo "{\"batch\":[$*],\"metadata\":{\"sdk_name\":\"langfuse-js\"}}"; }
	send() { post -u "pk-lf-1:$app" -H 'Content-Type: application/json' --data-binary "$1" $URL/api/public/ingestion; }
	begins=$(event e1 generation-create '{"id":"g1","traceId":"t1","startTime":"2026-06-15T10:00:00Z","model":"deepseek-v4-pro","input":"hi"}')
	ends=$(event e2 generation-update '{"id":"g1","traceId":"t1","endTime":"2026-06-15T10:00:03Z","usageDetails":{"input":100,"input_cached_tokens":20,"output":40}}')
	trace=$(event e3 trace-create '{"id":"t1","userId":"acme","sessionId":"s1"}')
	# usage that grows, and the names of before
	grows=$(batch "$(event e4 generation-create '{"id":"g2","model":"deepseek-v4-pro","startTime":"2026-06-15T10:00:00Z","usage":{"promptTokens":50,"completionTokens":1,"totalTokens":51}}')" \
		"$(event e5 generation-update '{"id":"g2","usage":{"promptTokens":50,"completionTokens":10,"totalTokens":60}}')")
	unread=$(batch "$(event e6 generation-create '{"id":"g3","model":"deepseek-v4-pro","endTime":"2026-06-15T10:00:03Z"}')" "$(event e7 strange '{}')" "$(event e8 score-create '{}')" \
		"$(event e9 generation-create '{"id":"g4","userId":"other","model":"deepseek-v4-pro","startTime":"2026-06-15T10:00:00Z","usageDetails":{"input":1}}')")
	serve --tokens tokens
	post -u pk:wrong -d "$(batch "$begins")" $URL/api/public/ingestion; expect 0 '401 application/json'
	send "$(batch "$trace" "$begins")"; expect 0 '{"successes":[{"id":"e3","status":201},{"id":"e1","status":201}],"errors":[]}' '207 application/json'
	send "$(batch "$ends")"; expect 0 '{"successes":[{"id":"e2","status":201}],"errors":[]}'
	send "$(batch "$ends")"; expect 0 '"errors":[]' # sent again
	send "$grows"; expect 0 '"errors":[]}'
	send "$unread"; expect 0 '{"successes":[{"id":"e8","status":201}],' '{"id":"e6","status":400,"message":"the generation' 'no event tells its usage' \
		'{"id":"e7","status":400,"message":"field' '{"id":"e9","status":400,"message":"the token is limited'
	send "$(batch 5 "$ends")"; expect 0 '{"successes":[{"id":"e2","status":201}],"errors":[{"id":"","status":400,' # one that is no event keeps none of the others from being read
	send '{"batch":[]}'; expect 0 '{"successes":[],"errors":[]}' 207
	send '{"x":1}'; expect 0 "no list 'batch'" 422
	stop
	run "$TALLY" usage --by session --csv; expect 3 's1,1,1,100,20,0,0,40,' ',1,1,50,0,0,0,10,' # what is in quarantine is missing
	batch "$begins" "$trace" "$ends" >a.json; echo "$grows" >b.json # and from files
	run "$TALLY" replay a.json b.json --json; expect 0 '"records": 2,' '"input": 150,' '"cache_read": 20,' '"output": 50,'
	run "$TALLY" replay a.json --by session --csv; expect 0 's1,1,100,20,'
}
@test "a framework that a span names in the place of the seller sells nothing" {
	u='"gen_ai.operation.name":"chat","gen_ai.usage.input_tokens":1000,"gen_ai.usage.output_tokens":100'
	spans "$(span a '' chat "$u,\"gen_ai.system\":\"gcp.vertex.agent\",\"gen_ai.request.model\":\"deepseek-v4-pro\"")" \
		"$(span b '' chat "$u,\"gen_ai.provider.name\":\"strands-agents\",\"gen_ai.request.model\":\"deepseek-v4-pro\"")" >a.json
	run "$TALLY" replay a.json; expect 0 '$0.001044' # 2000 at 0.435, 200 at 0.87 dollars a million
	[[ $output != *"sellers without a card"* ]]
	# who sells it is told in another place
	spans "$(span a '' chat "$u,\"gen_ai.system\":\"Spring AI\",\"llm.provider\":\"aws.bedrock\",\"gen_ai.request.model\":\"claude-sonnet-4-6\"")" >b.json
	"$TALLY" ingest b.json; run "$TALLY" explain span:5b8efff798038103d269b633813fc60c:aaaaaaaaaaaaaaaa; expect 0 'provider   bedrock' 'Spring AI' 'member     gen_ai.usage.input_tokens: read'; [[ $output != *'not understood'* ]]
}
@test "a call counts once, not the spans around it" {
	serve
	call="\"gen_ai.operation.name\":\"chat\",$USAGE"
	# an agent's span and a framework's over its vendor's, in one request
	spans "$(span a '' agent "\"gen_ai.operation.name\":\"invoke_agent\",$USAGE")" "$(span b a llm "$USAGE")" "$(span c b openai "$call")" >one.json
	post --data-binary @one.json $URL/v1/traces; expect 0 '"accepted":1'
	# in two, whichever comes first
	spans "$(span d e openai "$call,\"gen_ai.response.id\":\"x1\"")" >child.json; spans "$(span e '' llm "$USAGE")" >parent.json
	post --data-binary @child.json $URL/v1/traces; expect 0 '"accepted":1'
	post --data-binary @parent.json $URL/v1/traces; expect 0 '"duplicates":1'
	spans "$(span f '' llm "$USAGE")" >parent.json; spans "$(span 0 f openai "$call,\"gen_ai.response.id\":\"x2\"")" >child.json
	post --data-binary @parent.json $URL/v1/traces; expect 0 '"accepted":1'
	post --data-binary @child.json $URL/v1/traces; expect 0 '"duplicates":1'
	# two calls of one agent are two, though they are equal
	spans "$(span 1 3 a "$call")" "$(span 2 3 b "$call")" >two.json
	post --data-binary @two.json $URL/v1/traces; expect 0 '"accepted":2'
	stop
	total 5 600 200
}
@test "each producer's call counts once, by what its spans say they are" {
	u='"gen_ai.usage.input_tokens":120,"gen_ai.usage.output_tokens":40,"gen_ai.request.model":"deepseek-v4-pro"'
	o='"llm.token_count.prompt":120,"llm.token_count.completion":40,"llm.token_count.total":160,"llm.model_name":"deepseek-v4-pro"'
	v='"ai.usage.promptTokens":120,"ai.usage.completionTokens":40,"ai.model.id":"deepseek-v4-pro"'
	l='"langfuse.observation.usage_details":"{\"input\":100,\"input_cached_tokens\":20,\"output\":40,\"total\":160}","langfuse.observation.model.name":"deepseek-v4-pro"'
	spans "$(span 1 '' run "\"openinference.span.kind\":\"CHAIN\",$o")" "$(span 2 1 llm "\"openinference.span.kind\":\"LLM\",$o")" >openinference.json
	spans "$(span 1 '' ai.generateText "\"ai.operationId\":\"ai.generateText\",$v")" >aisdk-root.json
	spans "$(span 2 1 ai.generateText.doGenerate "\"ai.operationId\":\"ai.generateText.doGenerate\",$v,$u,\"ai.settings.maxTokens\":99")" >aisdk.json
	spans "$(span 1 '' wf "\"traceloop.span.kind\":\"workflow\",$u")" "$(span 2 1 openai.chat "\"llm.request.type\":\"chat\",$u,\"llm.usage.total_tokens\":160")" >openllmetry.json
	spans "$(span 1 '' span "\"langfuse.observation.type\":\"agent\",$l")" "$(span 2 1 gen "\"langfuse.observation.type\":\"generation\",$l")" >langfuse.json
	spans "$(span 1 '' 'agent run' "\"final_result\":\"x\",$u")" >logfire-root.json
	spans "$(span 2 1 'chat x' "\"gen_ai.operation.name\":\"chat\",$u,\"gen_ai.usage.details.reasoning_tokens\":5")" >logfire.json
	spans "$(span 1 '' 'Received Proxy Server Request' "$u")" "$(span 2 1 litellm_request "$u,\"gen_ai.cost.total_cost\":\"0.1\"")" "$(span 3 2 raw_gen_ai_request "$u")" >litellm.json
	spans "$(span 1 '' chain "\"langsmith.span.kind\":\"chain\",$u")" "$(span 2 1 ChatOpenAI "\"langsmith.span.kind\":\"llm\",$u")" >langchain.json
	for p in openinference openllmetry langfuse litellm langchain; do
		run "$TALLY" replay $p.json --json; expect 0 '"records": 1,' '"output": 40,' || { echo "$p"; false; }
	done
	for p in aisdk logfire; do # the root comes in a request of its own
		run "$TALLY" replay $p-root.json $p.json --json; expect 0 '"records": 1,' '"input": 120,' '"output": 40,'
	done
	run "$TALLY" replay langfuse.json --json; expect 0 '"input": 100,' '"cache_read": 20,'
}
@test "both spellings of a cache write, prompts with and without the cache, and the vendor's own usage in the AI SDK" {
	for w in cache_write cache_creation; do
		spans "$(span 1 '' chat "\"gen_ai.operation.name\":\"chat\",\"gen_ai.request.model\":\"claude-sonnet-4-6\",\"gen_ai.usage.input_tokens\":100,\"gen_ai.usage.$w.input_tokens\":30,\"gen_ai.usage.cache_read.input_tokens\":50,\"gen_ai.usage.output_tokens\":9")" >a.json
		run "$TALLY" replay a.json --json; expect 3 '"input": 20,' '"cache_read": 50,' '"cache_write_5m": 30,' '"placeholders": 1'
	done
	spans "$(span 1 '' chat '"gen_ai.operation.name":"chat","gen_ai.request.model":"claude-sonnet-4-6","gen_ai.usage.input_tokens":10,"gen_ai.usage.cache_read.input_tokens":50,"gen_ai.usage.output_tokens":9')" >a.json
	run "$TALLY" replay a.json --json; expect 0 '"input": 10,' '"cache_read": 50,'
	spans "$(span 1 '' x '"ai.operationId":"ai.streamText.doStream","ai.model.id":"claude-sonnet-4-6","ai.usage.promptTokens":400,"ai.usage.completionTokens":9,"ai.response.providerMetadata":"{\"anthropic\":{\"usage\":{\"input_tokens\":400,\"cache_creation_input_tokens\":70,\"cache_read_input_tokens\":5,\"cache_creation\":{\"ephemeral_5m_input_tokens\":30,\"ephemeral_1h_input_tokens\":40},\"output_tokens\":9}}}"')" >a.json
	run "$TALLY" replay a.json --json; expect 0 '"input": 400,' '"cache_read": 5,' '"cache_write_5m": 30,' '"cache_write_1h": 40,'
}
@test "Mastra: lifetimes and sound under its own names, a run that is told as one call, failed calls and broken streams" {
	c='"gen_ai.operation.name":"chat","gen_ai.request.model":"claude-sonnet-4-6"'
	spans "$(span 1 '' chat "$c,\"gen_ai.usage.input_tokens\":100,\"gen_ai.usage.output_tokens\":9,\"gen_ai.usage.cache_read.input_tokens\":50,\"gen_ai.usage.cache_creation.input_tokens\":30,\"gen_ai.usage.cache_creation.5m_input_tokens\":20,\"gen_ai.usage.cache_creation.1h_input_tokens\":10")" >a.json
	run "$TALLY" replay a.json --json; expect 0 '"input": 20,' '"cache_read": 50,' '"cache_write_5m": 20,' '"cache_write_1h": 10,' '"placeholders": 0'
	spans "$(span 1 '' chat '"gen_ai.operation.name":"chat","gen_ai.request.model":"gpt-audio","gen_ai.usage.input_tokens":100,"gen_ai.usage.output_tokens":9,"gen_ai.usage.audio_input_tokens":40,"gen_ai.usage.audio_output_tokens":7')" >a.json
	run "$TALLY" replay a.json --json; expect 0 '"total": "0.001898"' # 60 at 2.50, 40 at 32, 2 at 10, 7 at 64
	# three steps of a run, whose last alone is in the request: no prompt was beyond 200,000
	s='"gen_ai.operation.name":"model_step","mastra.span.type":"model_step"'
	long='"gen_ai.operation.name":"chat","gen_ai.request.model":"gemini-2.5-pro","gen_ai.usage.input_tokens":180000,"gen_ai.usage.output_tokens":100'
	run_of() { rm -f t.db; spans "$(span 2 1 step "$s,\"mastra.model_step.step_index\":$1")" "$(span 1 '' chat "$long")" >a.json; "$TALLY" ingest a.json >ingest.log 2>&1 || true; run "$TALLY" usage --json; }
	run_of 2; expect 0 '"records": 1,' '"requests": 3,' '"input": 180000,'
	run_of 0; expect 0 '"records": 1,' '"requests": 1,'
	long=${long/180000/210000}
	run_of 2; expect 3 '"requests": 3,' 'the price depends on the length of each prompt'
	run_of 0; expect 0 '"requests": 1,' '"unpriced": 0'
	# a reason that is no end of an answer
	for failed in '"[\"error\"]"' '["error"]' '"error"'; do
		spans "$(span 1 '' chat "$c,\"gen_ai.response.finish_reasons\":$failed")" "$(span 2 '' chat "$c,\"gen_ai.usage.input_tokens\":5,\"gen_ai.usage.output_tokens\":1")" >a.json
		run "$TALLY" replay a.json --json; expect 0 '"records": 1,' '"input": 5,' || fail "$failed"
	done
	for told in '"gen_ai.response.finish_reasons":["stop"]' '"gen_ai.response.finish_reasons":["error","stop"]' '"gen_ai.response.finish_reasons":["error"],"mastra.completion_start_time":"2026-06-15T00:00:00.500Z"' '"ai.response.msToFirstChunk":12'; do
		spans "$(span 1 '' chat "$c,$told")" "$(span 2 '' chat "$c,\"gen_ai.usage.input_tokens\":5,\"gen_ai.usage.output_tokens\":1")" >a.json
		run "$TALLY" replay a.json --json; expect 3 'the span is a call that was answered, and has no usage' || fail "$told"
	done
}
@test "agents' events: each with its own rule, and none of them unseen" {
	event codex.sse_event '"event.kind":"response.completed","event.timestamp":"2026-06-15T00:00:00.000Z","conversation.id":"c","model":"gpt-5.1-codex","input_token_count":"100","output_token_count":"30","cached_token_count":"80","reasoning_token_count":"10","tool_token_count":"130"' >codex.json
	run "$TALLY" replay codex.json codex.json --json; expect 0 '"records": 1,' '"input": 20,' '"cache_read": 80,' '"output": 30,'
	event codex.sse_event '"event.kind":"response.completed","conversation.id":"c","ttft_ms":5' >empty.json
	run "$TALLY" replay codex.json empty.json --json; expect 0 '"records": 1,'
	event gemini_cli.api_response '"event.timestamp":"2026-06-15T00:00:00.000Z","session.id":"s","model":"gemini-2.5-pro","input_token_count":100,"output_token_count":30,"cached_content_token_count":80,"thoughts_token_count":10,"tool_token_count":0,"total_token_count":140' >gemini.json
	run "$TALLY" replay gemini.json --json; expect 0 '"input": 20,' '"cache_read": 80,' '"output": 40,'
	event claude_code.api_request '"event.timestamp":"2026-06-15T00:00:00.000Z","session.id":"s","request_id":"req_1","model":"claude-sonnet-4-6","input_tokens":"4","output_tokens":"5","cache_read_tokens":"6","cache_creation_tokens":"7","cost_usd":"0.1"' >claude.json
	spans "$(span 1 '' claude_code.llm_request '"request_id":"req_1","gen_ai.response.id":"req_1","model":"claude-sonnet-4-6","input_tokens":4,"output_tokens":5,"cache_read_tokens":6,"cache_creation_tokens":7,"llm_request.context":"x"')" >claude-span.json
	run "$TALLY" replay claude.json claude-span.json --json; expect 3 '"placeholders": 1,' '"records": 1,' '"input": 4,' '"cache_write_5m": 7,'
	event some.agent.call '"model":"x","input_tokens":5' >other.json
	run "$TALLY" replay claude.json other.json --json; expect 3 "counts tokens ('input_tokens'), but its kind is unknown"
	spans "$(span 1 '' chat '"gen_ai.operation.name":"chat","gen_ai.request.model":"gpt-5","gen_ai.usage.inputs_tokens":5')" >renamed.json
	run "$TALLY" replay claude.json renamed.json --json; expect 3 "the attribute 'gen_ai.usage.inputs_tokens' is unknown"
}
# metric NAME TEMPORALITY START END KIND=N...: a request of metrics; seconds after 2026-06-15T00:00:00Z; the model of $MODEL
metric() {
	MODEL=${MODEL:-claude-sonnet-4-6} python3 - "$@" <<'P'
import json, os, sys
name, temporality, start, end, *points = sys.argv[1:]
at = lambda s: str((1781481600 + int(s)) * 10**9)
kind = "gen_ai.token.type" if name.startswith("gen_ai") else "type"
a = lambda k, v: {"key": k, "value": {"stringValue": v}}
p = [{"startTimeUnixNano": at(start), "timeUnixNano": at(end), "asInt": x.split("=")[1], "attributes": [a("model", os.environ["MODEL"]), a("session.id", "s"), a(kind, x.split("=")[0])]} for x in points]
print(json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": name, "sum": {"aggregationTemporality": int(temporality), "isMonotonic": True, "dataPoints": p}}]}]}]}))
P
}
claude() { event claude_code.api_request "\"event.timestamp\":\"$1\",\"session.id\":\"s\",\"request_id\":\"$2\",\"model\":\"claude-sonnet-4-6\",\"input_tokens\":\"4\",\"output_tokens\":\"5\""; }
send() { proto m.pb && pb --data-binary @m.pb "$URL/v1/$1" && expect 0 "200 application/x-protobuf"; }

@test "sums of tokens count once: delta again, cumulative as it grows and after a reset" {
	serve
	n=claude_code.token.usage
	metric $n 1 0 60 input=10 output=5 cacheRead=7 cacheCreation=3 | send metrics
	metric $n 1 0 60 input=10 output=5 cacheRead=7 cacheCreation=3 | send metrics # the same again
	metric $n 1 60 120 output=2 input=1 | send metrics
	stop
	run "$TALLY" usage --json; expect 3 '"input": 11,' '"cache_read": 7,' '"cache_write_5m": 3,' '"output": 7,' '"placeholders": 1'
	rm t.db; serve
	metric $n 2 0 60 input=10 output=5 | send metrics
	metric $n 2 0 120 input=30 output=15 | send metrics
	metric $n 2 0 90 input=20 output=10 | send metrics # late
	metric $n 2 200 260 input=4 output=1 | send metrics # the program began again
	stop
	run "$TALLY" usage --json; expect 0 '"input": 34,' '"output": 16,' '"quarantined": 0'
	run "$TALLY" fsck; expect 0 clean
	metric gen_ai.client.token.usage 1 0 60 input=10 output=5 >a.json
	run "$TALLY" replay a.json --json; expect 3 '"input": 10,' 'does not say which tokens came from a cache'
	metric continue_cli_token_usage 2 0 60 input=41 output=63 cacheRead=514 cacheCreation=101 >a.json
	run "$TALLY" replay a.json --json; expect 3 '"records": 1,' '"input": 41,' '"cache_read": 514,' '"cache_write_5m": 101,' '"unpriced": 1' 'does not say whether its prompts hold what a cache did'
	metric gen_ai.client.token.usage 1 0 60 input=10 output=5 >a.json
	metric other.token.usage 1 0 60 input=10 >b.json
	run "$TALLY" replay a.json b.json --json; expect 3 "the metric 'other.token.usage' counts tokens"
}
@test "kinds of tokens that start when each was first counted are one sum" {
	n=claude_code.token.usage
	# one metric of all points of the files
	together() { jq -s '.[0].resourceMetrics[0].scopeMetrics[0].metrics[0].sum.dataPoints = [.[].resourceMetrics[].scopeMetrics[].metrics[].sum.dataPoints[]] | .[0]' "$@"; }
	metric $n 2 0 60 input=100 >i1.json; metric $n 2 1 60 output=40 >o1.json; metric $n 2 7 60 cacheRead=5 >r1.json
	metric $n 2 0 120 input=300 >i2.json; metric $n 2 1 120 output=90 >o2.json; metric $n 2 7 120 cacheRead=6 >r2.json
	metric $n 2 200 260 input=7 >i3.json; metric $n 2 201 260 output=2 >o3.json # the program began again
	together i1.json o1.json r1.json >1.json; together o2.json r2.json i2.json >2.json; together i3.json o3.json >3.json
	run "$TALLY" ingest 1.json 2.json 1.json; expect 0 '1 accepted'
	total 1 300 90
	run "$TALLY" ingest 3.json; expect 0 '1 accepted'
	total 2 307 92
	# all of it in one request, in any order
	together i1.json o1.json r1.json i2.json o2.json r2.json i3.json o3.json >all.json; together o3.json i3.json r2.json o2.json i2.json r1.json o1.json i1.json >back.json
	for f in all back; do run "$TALLY" replay $f.json --json; expect 0 '"records": 2,' '"input": 307,' '"output": 92,' '"cache_read": 6,' || fail $f; done
	# stretches by themselves
	metric $n 1 3 60 input=10 >i1.json; metric $n 1 4 60 output=5 >o1.json; metric $n 1 63 120 input=20 >i2.json; metric $n 1 62 120 output=6 >o2.json
	together i1.json o1.json i2.json o2.json >delta.json
	run "$TALLY" replay delta.json delta.json --json; expect 0 '"records": 2,' '"input": 30,' '"output": 11,'
	# another exporter of the same kind is none of its kinds
	metric $n 2 0 60 input=100 >i1.json; metric $n 2 30 60 input=50 >other.json
	together i1.json other.json >two.json
	run "$TALLY" replay two.json --json; expect 3 '"records": 1,' 'or by two exporters'
}
@test "a metric for each kind of token is one sum of all, and what it counts in each call is the same again" {
	# inference NAME=N...: gen_ai's counters and histograms, each begun at an instant of its own
	inference() {
		python3 - "$@" <<'P'
import json, os, sys
points = {}
for i, x in enumerate(sys.argv[1:]):
	name, n = x.split("=")
	modality, name = name.split(":") if ":" in name else ("unknown", name)
	a = [{"key": k, "value": {"stringValue": v}} for k, v in (("gen_ai.operation.name", "chat"), ("gen_ai.response.model", "deepseek-v4-flash"), ("gen_ai.token.modality", modality))]
	p = {"startTimeUnixNano": str(1781510400000000000 + i), "timeUnixNano": os.environ.get("END", "1781510460000000000"), "attributes": a}
	points.setdefault("gen_ai.client.inference." + name, []).append({**p, "count": "1", "sum": int(n)} if name.startswith("operation") else {**p, "asInt": n})
print(json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": k, "unit": "{token}", "histogram" if "operation" in k else "sum": {"aggregationTemporality": 2, "dataPoints": v}} for k, v in points.items()]}]}]}))
P
	}
	inference operation.input_tokens=10000 operation.output_tokens=200 usage.input_tokens=10000 usage.output_tokens=200 usage.cache_read.input_tokens=9000 usage.cache_write.input_tokens=0 usage.reasoning.output_tokens=50 >m.json
	run "$TALLY" replay m.json m.json --json; expect 0 '"records": 1,' '"input": 1000,' '"cache_read": 9000,' '"output": 200,' '"total": "0.0002212"'
	run "$TALLY" ingest m.json; expect 0 '1 accepted'
	END=1781510520000000000 inference operation.input_tokens=20000 operation.output_tokens=400 usage.input_tokens=20000 usage.output_tokens=400 usage.cache_read.input_tokens=18000 usage.cache_write.input_tokens=0 usage.reasoning.output_tokens=100 >m.json
	run "$TALLY" ingest m.json; expect 0 '1 duplicate'
	total 1 2000 400
	# alone, they leave out what was cached; sound may have a price of its own; what nobody knows is told
	inference operation.input_tokens=10000 operation.output_tokens=200 >m.json
	run "$TALLY" replay m.json --json; expect 3 '"records": 1,' '"input": 10000,' '"output": 200,' 'does not say which tokens came from a cache'
	inference usage.input_tokens=10000 audio:usage.input_tokens=50 >m.json
	run "$TALLY" replay m.json --json; expect 3 '"records": 2,' '"unpriced": 1' 'tokens of sound or pictures'
	inference usage.input_tokens=10000 usage.video.input_tokens=5 >m.json
	run "$TALLY" replay m.json --json; expect 3 "the metric 'gen_ai.client.inference.usage.video.input_tokens' counts tokens, but its kind is unknown"
}
@test "metrics never count beside the calls that they sum up, whichever comes first" {
	on_server && skip "a server's database keeps whichever came first"
	n=claude_code.token.usage
	claude 2026-06-15T00:00:30Z req_1 >1.json; claude 2026-06-15T00:01:30Z req_2 >2.json
	metric $n 1 0 60 input=4 output=5 >m1.json; metric $n 1 60 120 input=4 output=5 >m2.json
	metric $n 2 0 60 input=4 output=5 >c1.json; metric $n 2 0 120 input=8 output=10 >c2.json
	for order in '1 2 m1 m2' 'm1 m2 1 2' 'm1 1 m2 2' 'm2 2 1 m1' 'c1 c2 1 2' 'c1 1 2 c2' '1 c1 c2 2' 'c1 2 c2 1'; do
		rm -f t.db
		for f in $order; do run "$TALLY" ingest $f.json; expect 0; done
		run "$TALLY" usage --json; expect 0 '"records": 2,' '"input": 8,' '"output": 10,' '"quarantined": 0' || fail "$order"
		run "$TALLY" fsck; expect 0 clean
		run "$TALLY" replay $(printf '%s.json ' $order) --json; expect 0 '"records": 2,' '"input": 8,' || fail "$order"
	done
	# and in the server, in one run
	rm -f t.db; serve
	send metrics <c1.json; send logs <2.json; send metrics <c2.json; send logs <1.json
	stop
	run "$TALLY" usage --json; expect 0 '"records": 2,' '"input": 8,' '"quarantined": 0'
}

@test "a series that is sent with delta and with cumulative sums counts once, in any order; what crosses is told" {
	on_server && skip "a server's database keeps whichever came first"
	n=claude_code.token.usage
	metric $n 1 0 60 input=100 >d1.json; metric $n 1 60 120 input=200 >d2.json; metric $n 1 100 180 input=50 >across.json
	metric $n 2 0 60 input=100 >c1.json; metric $n 2 0 120 input=300 >c2.json
	for order in 'd1 d2 c2' 'c2 d2 d1' 'd1 c1 d2 c2' 'c1 d1 d2 c2' 'd2 c1 c2 d1' 'd2 d1 c1 c2 c1 d2'; do
		rm -f t.db
		for f in $order; do run "$TALLY" ingest $f.json; expect 0; done
		run "$TALLY" usage --json; expect 0 '"records": 1,' '"input": 300,' '"quarantined": 0' || fail "$order"
		run "$TALLY" fsck; expect 0 clean
		run "$TALLY" replay $(printf '%s.json ' $order) --json; expect 0 '"records": 1,' '"input": 300,' || fail "$order"
	done
	rm -f t.db; run "$TALLY" ingest c2.json across.json; expect 3 'across.json:1: the series is sent with delta and with cumulative sums'
	rm -f t.db; run "$TALLY" ingest c1.json across.json c2.json; expect 3 'c2.json:1: the series is sent with delta and with cumulative sums'
	run "$TALLY" replay across.json c2.json --json; expect 3 '"input": 300,' 'across.json:1: the series is sent with'
	# two exporters of one cumulative series, that began at other instants
	metric $n 2 60 120 input=60 >second.json; metric $n 2 120 180 input=9 >restart.json
	for order in 'c2 second' 'second c2'; do
		rm -f t.db; run "$TALLY" ingest $(printf '%s.json ' $order); expect 3 "1 accepted" "or by two exporters"
		run "$TALLY" replay $(printf '%s.json ' $order) --json; expect 3 '"records": 1,'
	done
	rm -f t.db; run "$TALLY" ingest c1.json c2.json restart.json c2.json; expect 0 "2 accepted"
	# two readings, and a restart, in one request
	jq -s '{resourceMetrics: map(.resourceMetrics[])}' c1.json c2.json >both.json
	metric $n 2 200 260 input=7 >again.json; jq -s '{resourceMetrics: map(.resourceMetrics[])}' both.json again.json >three.json
	for f in both:300 three:307; do run "$TALLY" replay ${f%:*}.json --json; expect 0 "\"input\": ${f#*:},"; done
}

@test "an attribute without a value ends nothing, and is told where its call is" {
	{ event other.thing '"gen_ai.usage.input_tokens":1'; spans "$(span a "" chat '"gen_ai.operation.name":"chat","gen_ai.request.model":"gpt-5","gen_ai.response.id":"r1","gen_ai.usage.input_tokens":100,"gen_ai.usage.output_tokens":10')"; } >valued.jsonl
	# a value of no kind, and none at all, before every other attribute
	for none in '{}' null '[]' '{"stringValue":null}'; do
		sed 's/"attributes": *\[/&{"key":"nothing","value":'"$none"'},{"key":"less"},/g' valued.jsonl >empty.jsonl
		run "$TALLY" replay empty.jsonl --json -q
		[ "$status" = 0 ] || [ "$status" = 3 ] || fail "status $status with $none: $output"
		[[ $output == *'"records": 1,'* ]] || fail "with $none: $output"
	done
}

# A word of an instrumentation is a vendor's, the interface of one, or the protocol that a client speaks.
@test "a span says who sold the call, and so does a metric" {
	counts='"gen_ai.operation.name":"chat","gen_ai.response.id":"r1","gen_ai.usage.input_tokens":2000,"gen_ai.usage.output_tokens":100'
	sold() { spans "$(span a '' chat "\"gen_ai.request.model\":\"$1\",$counts,\"$2\":\"$3\"")" >s.json && run "$TALLY" replay s.json --json; }
	for name in gen_ai.provider.name gen_ai.system ai.model.provider llm.provider; do
		sold moonshotai/Kimi-K2.5 $name together_ai
		expect 0 '"total": "0.00128"' # 0.5 and 2.8; its maker's are 0.6 and 3
		sold gpt-5.5 $name azure.ai.openai
		expect 3 '"total": "0.013"' '"placeholders": 1'
		sold gpt-5.5 $name openai
		expect 0 '"total": "0.013"'
		sold deepseek-v4-flash $name openai.chat # an endpoint that speaks OpenAI's protocol
		expect 0 '"total": "0.000308"'
		sold deepseek-v4-flash $name some-gateway
		expect 0 '"total": "0.000308"' 'some-gateway'
		sold claude-opus-5 $name groq
		expect 3 "provider 'groq' has no model 'claude-opus-5'"
	done
	# the answer itself does not say it
	echo '{"id":"r1","created":1781481600,"model":"gpt-5.5","usage":{"prompt_tokens":2000,"completion_tokens":100,"total_tokens":2100}}' >b.json
	sold gpt-5.5 gen_ai.system azure
	for order in 's.json b.json' 'b.json s.json'; do
		rm -f t.db
		run "$TALLY" ingest --db t.db $order --json
		expect 0 '"accepted": 1' '"duplicates": 1' '"conflicts": 0'
		run "$TALLY" usage --db t.db --json
		expect 3 '"records": 1,' '"placeholders": 1'
	done
	metric() { # SELLER
		p() { echo '{"startTimeUnixNano":"1781481600000000000","timeUnixNano":"1781481660000000000","count":"1","sum":'$3',"attributes":[{"key":"gen_ai.token.type","value":{"stringValue":"'$2'"}},{"key":"gen_ai.request.model","value":{"stringValue":"gpt-5.5"}},{"key":"gen_ai.provider.name","value":{"stringValue":"'$1'"}}]}'; }
		echo '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"gen_ai.client.token.usage","unit":"{token}","histogram":{"aggregationTemporality":1,"dataPoints":['"$(p $1 input 2000),$(p $1 output 100)"']}}]}]}]}' >m.json
		rm -f t.db
		"$TALLY" ingest --db t.db m.json -q || [ $? = 3 ]
		run "$TALLY" usage --db t.db --by provider --json
	}
	metric azure.ai.openai
	expect 3 '"provider": "azure"'
	metric openai
	[[ $output != *azure* ]] || fail "$output"
}
