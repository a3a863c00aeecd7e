load common
load server

post() { run curl -s -m 20 -w '\n%{http_code}' "$@"; }

@test "records, arrays and lines are stored durably and answered item by item" {
	serve
	post -d '{"id":"a","time":"2026-06-15","model":"deepseek-v4-flash","customer":"acme","input":1000000,"output":5}' $URL/v1/usage
	expect 0 '"accepted":1' '"items":[{"index":0,"id":"a","result":"accepted"}]' 200
	post -d '[{"id":"a","time":"2026-06-15","model":"deepseek-v4-flash","customer":"acme","input":1000000,"output":5},{"id":"a","time":"2026-06-15","model":"deepseek-v4-flash","customer":"acme","input":7},{"id":"b","model":"deepseek-v4-flash","input":1},{"input":-1}]' $URL/v1/usage
	expect 0 '"read":4,"accepted":1,"duplicates":1,"conflicts":1,"quarantined":1' '"index":1,"id":"a","result":"conflict"' '"index":3,"id":null,"result":"quarantined"' 200
	printf '{"id":"c","time":"2026-06-15","model":"deepseek-v4-flash","input":1}\n{"id":"d","time":"2026-06-15","model":"deepseek-v4-flash","input":1}\n' | gzip >b.gz
	post -H 'Content-Encoding: gzip' --data-binary @b.gz $URL/v1/usage
	expect 0 '"accepted":2' 200
	kill -9 $SERVER; wait $SERVER || true
	run "$TALLY" usage --json
	expect 3 '"records": 4' '"quarantined": 1'
	serve
	post "$URL/v1/usage?by=customer&since=2026-06-15&until=2026-06-16"
	expect 0 '"schema": "tally.usage/1"' '"customer": "acme"' '"records": 3' 200
	stop
	run "$TALLY" fsck
	expect 0 clean
}
@test "what a body may not tell is in the answer: a page that is missing, columns that nobody knows" {
	serve
	post -d '{"id":"d1","time":"2026-06-01T00:00:00Z","model":"gpt-5","input":1000,"output":20,"zork":7}' $URL/v1/usage
	expect 0 '"accepted":1' '"partial":false,"columns_in_doubt":["zork"]' 200
	post -d '{"object":"page","data":[{"object":"bucket","start_time":1781481600,"end_time":1781568000,"results":[{"input_tokens":1000,"output_tokens":200,"input_cached_tokens":0,"num_model_requests":3,"model":"gpt-5-mini"}]}],"has_more":true}' $URL/v1/usage
	expect 0 '"accepted":1' '"partial":true,"columns_in_doubt":[]' 200
	stop
}
@test "answers of providers, streams, events and spans are taken as they are" {
	serve
	post -d '{"id":"chatcmpl-1","object":"chat.completion","created":1781481600,"model":"deepseek-v4-flash","usage":{"prompt_tokens":100,"completion_tokens":7,"total_tokens":107,"prompt_cache_hit_tokens":60,"prompt_cache_miss_tokens":40}}' $URL/v1/usage
	expect 0 '"id":"chatcmpl-1","result":"accepted"'
	printf 'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"claude-sonnet-4-6","usage":{"input_tokens":3,"cache_creation_input_tokens":20,"cache_creation":{"ephemeral_1h_input_tokens":20,"ephemeral_5m_input_tokens":0},"cache_read_input_tokens":5,"output_tokens":1}}}\n\ndata: {"type":"message_delta","usage":{"output_tokens":65}}\n\ndata: {"type":"message_stop"}\n' >sse
	post --data-binary @sse $URL/v1/usage
	expect 0 '"id":"msg_1","result":"accepted"'
	post -H 'Content-Type: application/cloudevents+json' -d '{"specversion":"1.0","id":"e1","source":"/app","type":"usage","subject":"acme","time":"2026-06-15T00:00:00Z","data":{"model":"deepseek-v4-flash","input":5}}' $URL/v1/events
	expect 0 '"id":"/app#e1","result":"accepted"'
	post -H 'Content-Type: application/cloudevents-batch+json' -d '[{"specversion":"1.0","id":"e1","source":"/app","type":"usage","time":"2026-06-15T00:00:00Z","data":{"model":"deepseek-v4-flash","input":5}},{"specversion":"1.0","id":"e2","source":"/app","type":"usage","time":"2026-06-15T00:00:00Z","data":{"model":"deepseek-v4-flash","input":5}}]' $URL/v1/events
	expect 0 '"accepted":1,"duplicates":1'
	post -H 'ce-specversion: 1.0' -H 'ce-id: e3' -H 'ce-source: /app' -H 'ce-type: usage' -H 'ce-time: 2026-06-15T00:00:00Z' -d '{"model":"deepseek-v4-flash","input":5}' $URL/v1/events
	expect 0 '"id":"/app#e3","result":"accepted"'
	post -H 'Content-Type: application/json' -d '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[{"traceId":"t","spanId":"s","startTimeUnixNano":"1781481600000000000","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.response.model","value":{"stringValue":"deepseek-v4-pro"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"120"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":40}}]}]}]}]}' $URL/v1/traces
	expect 0 '"id":"span:t:s","result":"accepted"'
	stop
	run "$TALLY" explain msg_1
	expect 0 'cache_write_1h' 'anthropic.stream'
	run "$TALLY" usage --by project,model --csv
	expect 0 'shop,deepseek-v4-pro,1,1,120,0,0,0,40'
}
@test "wrong bodies, sizes, paths and methods get the right status" {
	serve
	post -d '' $URL/v1/usage; expect 0 400
	post -d 'garbage' $URL/v1/usage; expect 0 '"quarantined":1' 422
	post -d '{"hello":1}' $URL/v1/usage; expect 0 'no known shape' 422
	post -H 'Content-Encoding: gzip' -d 'no gzip' $URL/v1/usage; expect 0 'damaged' 400
	post -H 'Content-Encoding: br' -d '{}' $URL/v1/usage; expect 0 415
	post -H 'Content-Type: application/x-protobuf' -d 'x' $URL/v1/traces; expect 0 400
	head -c 17000000 /dev/zero >big
	post --data-binary @big $URL/v1/usage; expect 0 413
	post -H 'Transfer-Encoding: chunked' --data-binary @big $URL/v1/usage; expect 0 413
	head -c 100000000 /dev/zero | gzip -9 >bomb.gz
	post -H 'Content-Encoding: gzip' --data-binary @bomb.gz $URL/v1/usage; expect 0 413
	post -d '{}' $URL/v1/nothing; expect 0 404
	post $URL/nothing; expect 0 404
	post -X DELETE $URL/v1/usage; expect 0 405
	post "$URL/v1/usage?by=nonsense"; expect 0 'no grouping' 400
	post $URL/healthz; expect 0 ok 200
	post $URL/metrics; expect 0 'tally_records_total{result="quarantined"}' 'tally_http_responses_total{class="4xx"}' 200
	head -c 3000 /dev/urandom | timeout 2 bash -c "cat >/dev/tcp/127.0.0.1/$port" || true
	post -d '{"id":"a","model":"deepseek-v4-flash","input":1}' $URL/v1/usage; expect 0 '"accepted":1' 200
	rss=$(awk '/VmHWM/ { print int($2 / 1024) }' /proc/$SERVER/status)
	[ "$rss" -lt 400 ] || fail "the server took $rss MB"
	stop
}
@test "tokens: hashed, scoped, and bound to a customer" {
	"$TALLY" token app --scope write --customer acme >tokens 2>app
	"$TALLY" token boss --scope admin >>tokens 2>boss
	"$TALLY" token eye --scope read --customer acme >>tokens 2>eye
	app=$(sed -n 's/^token: //p' app) boss=$(sed -n 's/^token: //p' boss) eye=$(sed -n 's/^token: //p' eye)
	! grep -q "$app" tokens || fail "the token itself is stored"
	serve --tokens tokens
	post -d '{"id":"a","model":"deepseek-v4-flash","input":1}' $URL/v1/usage; expect 0 401
	post -H "Authorization: Bearer nonsense" -d '{"id":"a","model":"deepseek-v4-flash","input":1}' $URL/v1/usage; expect 0 401
	post -H "Authorization: Bearer $eye" -d '{"id":"a","model":"deepseek-v4-flash","input":1}' $URL/v1/usage; expect 0 403
	post -H "Authorization: Bearer $app" -d '{"id":"a","model":"deepseek-v4-flash","input":1}' $URL/v1/usage; expect 0 '"accepted":1' 200
	post -H "Authorization: Bearer $app" -d '{"id":"b","customer":"other","model":"deepseek-v4-flash","input":1}' $URL/v1/usage; expect 0 'another customer' 422
	post -H "Authorization: Bearer $boss" -d '{"id":"c","customer":"other","model":"deepseek-v4-flash","input":1}' $URL/v1/usage; expect 0 '"accepted":1' 200
	post -H "Authorization: Bearer $eye" $URL/v1/usage?by=customer; expect 0 '"customer": "acme"' '"records": 1' 200
	post -H "Authorization: Bearer $eye" $URL/v1/usage?customer=other; expect 0 403
	post -H "Authorization: Bearer $boss" $URL/v1/usage?by=customer; expect 0 '"customer": "other"' 200
	post -H "Authorization: Bearer $eye" $URL/metrics; expect 0 403
	post $URL/healthz; expect 0 200
	stop
	run "$TALLY" serve --listen 0.0.0.0:0
	expect 2 'tokens are required'
	echo 'broken line' >bad
	run "$TALLY" serve --tokens bad
	expect 1 'bad:1:'
}
@test "TLS when given a certificate" {
	command -v openssl >/dev/null || skip "no openssl"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
	serve --tls-cert c.pem --tls-key k.pem
	post --cacert c.pem -d '{"id":"a","model":"deepseek-v4-flash","input":1}' https://127.0.0.1:$port/v1/usage
	expect 0 '"accepted":1' 200
	post http://127.0.0.1:$port/healthz
	[ "$status" -ne 0 ] || [ "${lines[-1]}" != 200 ] || fail "plain http was served"
	stop
	run "$TALLY" serve --tls-cert c.pem
	expect 2 'belong together'
}
@test "holds: admitted within the limit, settled, released, expired" {
	run "$TALLY" limit set acme --amount 1 --period ever
	expect 0
	serve
	post -d '{"id":"h1","customer":"acme","model":"deepseek-v4-flash","input":1000000,"output":1000000,"time":"2026-06-15T00:00:00Z"}' $URL/v1/holds
	expect 0 '"amount":"0.42"' '"state":"open"' '"limit":"1"' 201
	post -d '{"id":"h1","customer":"acme","model":"deepseek-v4-flash","input":1000000,"output":1000000,"time":"2026-06-15T00:00:00Z"}' $URL/v1/holds
	expect 0 '"amount":"0.42"' 201
	post -d '{"id":"h1","customer":"acme","amount":"9"}' $URL/v1/holds
	expect 0 'with another request' 409
	post -d '{"id":"h2","customer":"acme","amount":"0.58"}' $URL/v1/holds
	expect 0 201
	post -d '{"id":"h3","customer":"acme","amount":"0.000000000001"}' $URL/v1/holds
	expect 0 'does not allow it: limit 1, spent 0, held 1' 402
	post -d '{"id":"u1","time":"2026-06-15","model":"deepseek-v4-flash","input":500000,"output":100000}' $URL/v1/holds/h1/settle
	expect 0 '"state":"settled"' '"spent":"0.098"' '"held":"0.58"' '"usage":"u1"' 200
	post -d '{"id":"u1","time":"2026-06-15","model":"deepseek-v4-flash","input":500000,"output":100000}' $URL/v1/holds/h1/settle
	expect 0 '"result":"duplicate"' 200
	post -d '{"id":"u2","time":"2026-06-15","model":"deepseek-v4-flash","input":1}' $URL/v1/holds/h1/settle
	expect 0 409
	post -X POST $URL/v1/holds/h2/release
	expect 0 '"state":"released"' 200
	post -X POST $URL/v1/holds/h1/release
	expect 0 409
	post -X POST $URL/v1/holds/nobody/release
	expect 0 404
	# a stream that breaks off: what was metered, or the estimate
	post -d '{"id":"h4","customer":"acme","model":"deepseek-v4-flash","input":1000000,"output":100000,"time":"2026-06-15T00:00:00Z"}' $URL/v1/holds
	expect 0 201
	post -X POST "$URL/v1/holds/h4/settle?broken_off=1"
	expect 0 '"usage":"hold:h4"' '"spent":"0.266"' 200
	post -d '{"id":"h5","customer":"acme","amount":"0.1","expires_in":1}' $URL/v1/holds
	expect 0 201
	for i in $(seq 60); do sleep 0.2; post -d '{"id":"h6","customer":"acme","amount":"0.734"}' $URL/v1/holds; [ "${lines[-1]}" = 201 ] && break; done
	expect 0 201
	stop
	run "$TALLY" explain hold:h4
	expect 0 'the stream broke off' 'hold.estimate'
	run "$TALLY" limit list
	expect 3 acme ">="
}
@test "holds that ask at once never pass the limit" {
	"$TALLY" limit set acme --amount 1 --period ever >/dev/null
	serve
	for k in 1 2 3 4 5 6 7 8; do
		for i in $(seq 25); do
			printf 'url = "%s/v1/holds"\ndata = "{\\"id\\":\\"h%s-%s\\",\\"customer\\":\\"acme\\",\\"amount\\":\\"0.013\\"}"\nsilent\nwrite-out = "%%{http_code}\\n"\noutput = "/dev/null"\nnext\n' $URL $k $i
		done | sed '$d' >c$k
		curl -K c$k >r$k & pids="${pids-} $!"
	done
	wait $pids
	admitted=$(cat r? | grep -c 201 || true); refused=$(cat r? | grep -c 402 || true)
	[ "$admitted" -eq 76 ] && [ "$refused" -eq 124 ] || fail "$admitted admitted, $refused refused"
	stop
}
@test "killed under load from several clients: what was acknowledged is there, once" {
	for round in 1 2 3 4 5; do
		serve
		for k in 1 2 3; do
			(n=0; while :; do n=$((n + 1))
				printf '{"id":"%s-%s-%s-a","time":"2026-06-15","model":"deepseek-v4-flash","input":1}\n{"id":"%s-%s-%s-b","time":"2026-06-15","model":"deepseek-v4-pro","input":2}\n' $round $k $n $round $k $n >body.$k
				curl -s -m 60 -f --data-binary @body.$k $URL/v1/usage >/dev/null || exit 0
				cat body.$k >>acked.$k
			done) & clients="${clients-} $!"
		done
		for wait in $(seq 600); do cat acked.* >/dev/null 2>&1 && break; sleep 0.1; done
		sleep 0.$((round * 17 % 10 + 1))
		kill -9 $SERVER; wait $SERVER || true
		wait $clients || true; clients=
		cat acked.* >acked
		run "$TALLY" ingest acked --json
		expect 0 '"accepted": 0' '"conflicts": 0' "\"duplicates\": $(wc -l <acked)"
	done
	run "$TALLY" fsck
	expect 0 clean
}
@test "a full queue says so, and stopping finishes what has begun" {
	serve --queue 1
	for k in 1 2 3 4 5 6 7 8; do
		for i in $(seq 30); do
			printf 'url = "%s/v1/usage"\ndata = "{\\"id\\":\\"%s-%s\\",\\"time\\":\\"2026-06-15\\",\\"model\\":\\"deepseek-v4-flash\\",\\"input\\":1}"\nsilent\nwrite-out = "%%{http_code}\\n"\noutput = "/dev/null"\nnext\n' $URL $k $i
		done | sed '$d' >c$k
		curl -K c$k >r$k & pids="${pids-} $!"
	done
	wait $pids
	ok=$(cat r? | grep -c 200 || true); busy=$(cat r? | grep -c 429 || true)
	[ $((ok + busy)) -eq 240 ] && [ "$ok" -gt 0 ] || fail "$ok taken, $busy busy"
	stop
	run "$TALLY" usage --json
	expect 0 "\"records\": $ok,"
}
@test "500 connections and slow clients do not stop the others" {
	serve
	for i in $(seq 500); do exec {fd}<>/dev/tcp/127.0.0.1/$port && printf 'POST /v1/usage HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{' >&$fd; fds="${fds-} $fd"; done 2>/dev/null
	post -d '{"id":"a","model":"deepseek-v4-flash","input":1}' $URL/v1/usage
	expect 0 '"accepted":1' 200
	for fd in $fds; do exec {fd}>&-; done
	rss=$(awk '/VmHWM/ { print int($2 / 1024) }' /proc/$SERVER/status)
	[ "$rss" -lt 300 ] || fail "the server took $rss MB"
	stop
}
@test "credits over HTTP: usage draws in the same commit, holds respect the balance and hard budgets" {
	"$TALLY" credit account acme --plan vm0 -q
	"$TALLY" credit account beta --plan vm0 --overage debt -q
	"$TALLY" credit grant acme 1000 --id g -q
	"$TALLY" budget set web --customer beta --project web --amount 1 --period ever --hard --hook "cat >> $DIR/told" --soft 50 -q
	serve
	post -d '{"id":"a","model":"claude-sonnet-4-6","customer":"acme","input":100000}' $URL/v1/usage
	expect 0 '"accepted":1' 200
	post $URL/v1/balance/acme
	expect 0 '"schema": "tally.balance/1"' '"available": "700"' '"records_waiting": 0' 200
	post -d '{"id":"h","customer":"acme","model":"claude-sonnet-4-6","input":200000}' $URL/v1/holds
	expect 0 '"state":"open"' 201
	post $URL/v1/balance/acme
	expect 0 '"held": "600"' '"spendable": "100"'
	post -d '{"customer":"acme","model":"claude-sonnet-4-6","input":40000}' $URL/v1/holds
	expect 0 "out of credit" 402
	post -d '{"model":"claude-sonnet-4-6","input":10000}' $URL/v1/holds/h/settle
	expect 0 '"state":"settled"' 200
	post $URL/v1/balance/acme
	expect 0 '"available": "670"' '"held": "0"'
	# a hard budget of one project; asked again, the same hold is the same
	post -d '{"id":"w","customer":"beta","project":"web","model":"claude-sonnet-4-6","input":200000}' $URL/v1/holds
	expect 0 201
	post -d '{"id":"w","customer":"beta","project":"web","model":"claude-sonnet-4-6","input":200000}' $URL/v1/holds
	expect 0 201
	post -d '{"customer":"beta","project":"web","model":"claude-sonnet-4-6","input":200000}' $URL/v1/holds
	expect 0 "budget 'web'" 402
	post -d '{"customer":"beta","project":"other","model":"claude-sonnet-4-6","input":200000}' $URL/v1/holds
	expect 0 201
	post -d '{"model":"claude-sonnet-4-6","project":"web","input":200000}' $URL/v1/holds/w/settle
	expect 0 200
	for i in $(seq 80); do [ -s told ] && break; sleep 0.1; done
	grep -q '"budget":"web"' told
	post $URL/v1/balance/nobody
	expect 0 "no credit account" 404
	stop
	run "$TALLY" fsck
	expect 0 clean
}
@test "invoices over HTTP, each customer its own" {
	"$TALLY" credit account acme --plan vm0 --since 2026-06-01 -q
	"$TALLY" credit account beta --plan vm0 --since 2026-06-01 -q
	printf 'id,time,model,customer,input\na,2026-06-15T00:00:00Z,claude-sonnet-4-6,acme,1000\nb,2026-06-15T00:00:00Z,claude-sonnet-4-6,beta,1000\n' > u.csv
	"$TALLY" ingest u.csv -q
	"$TALLY" invoice draft --all --period 2026-06 -q
	"$TALLY" invoice finalize --all -q
	year=$(date -u +%Y)
	"$TALLY" token eye --scope read --customer acme >tokens 2>eye
	eye=$(sed -n 's/^token: //p' eye)
	serve --tokens tokens
	post -H "Authorization: Bearer $eye" $URL/v1/invoices
	expect 0 "$year-000001" 200
	case $output in *"$year-000002"*) fail "another customer's invoice is listed" ;; esac
	post -H "Authorization: Bearer $eye" $URL/v1/invoices/$year-000002
	expect 0 "another customer" 403
	post -H "Authorization: Bearer $eye" $URL/v1/balance/beta
	expect 0 "another customer" 403
	post -H "Authorization: Bearer $eye" $URL/v1/balance/acme
	expect 0 200
	post -H "Authorization: Bearer $eye" -H 'Content-Type: application/json' -d "{\"invoice\":\"$year-000001\",\"amount\":\"1\"}" $URL/v1/invoices/pay
	expect 0 403
	stop
	serve
	post $URL/v1/invoices
	expect 0 '"schema": "tally.invoice-list/1"' "$year-000001" "$year-000002" 200
	post "$URL/v1/invoices/$year-000001?format=html"
	expect 0 "<!doctype html>" 200
	curl -s "$URL/v1/invoices/$year-000001?format=pdf" | head -c 5 | grep -q "%PDF-"
	post "$URL/v1/invoices/$year-000001?format=odt"
	expect 0 "format is" 400
	post -H 'Content-Type: application/json' -d "{\"invoice\":\"$year-000001\",\"amount\":\"1\",\"reference\":\"r\"}" $URL/v1/invoices/pay
	expect 0 '"payments":[{"day":' '"amount":"1"'
	post $URL/v1/invoices/nothing
	expect 0 "no invoice" 404
	stop
}
@test "a month of the sample, metered over HTTP, invoiced in credits and in dollars" {
	# the sample's week, four times
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i; next }
		{ day = substr($2, 9, 2); rest = substr($2, 11)
		  for (w = 0; w < 4; w++) { printf "{\"id\":\"%s-%d\",\"time\":\"2026-08-%02d%s\"", $1, w, day - 7 * w, rest
			for (i = 3; i <= NF; i++) if ($i != "") printf ",\"%s\":%s", name[i], (i > 7 ? $i : "\"" $i "\""); print "}" } }' "$ROOT/examples/sample.csv" >month.jsonl
	"$TALLY" credit subscribe northwind vm0-pro --from 2026-08-01 -q
	echo '{"currency": "USD", "issuer": {"name": "Example Inc."}, "taxes": [{"name": "VAT", "percent": "19"}]}' >usd.json
	"$TALLY" credit account contoso --plan vm0 --since 2026-08-01 --terms usd.json -q
	serve
	split -l 500 month.jsonl part.
	for part in part.*; do curl -s -m 20 --data-binary @"$part" $URL/v1/usage | grep -o '"accepted":[0-9]*'; done >accepted
	[ "$(awk -F: '{ n += $2 } END { print n }' accepted)" = "$(awk 'END { print NR }' month.jsonl)" ]
	stop
	"$TALLY" invoice draft --all --period 2026-08 -q
	"$TALLY" invoice finalize --all -q
	year=$(date -u +%Y)
	# in dollars: the lines, less what their rounding added, are what the replay says to the last digit
	run "$TALLY" invoice show $year-000001 --json
	expect 0 '"customer": "contoso"' '"currency": "USD"'
	money=$(json subtotal) residual=$(json residual)
	run "$TALLY" replay month.jsonl --by customer --csv
	[ "$(printf '%s\n' "$output" | awk -F, -v m="$money" -v r="$residual" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "total") c = i } /^contoso,/ { printf "%.9f", $c - (m + r) }')" = 0.000000000 ]
	# in credits: what the plan of the replay says, applied from the month's 20,000
	run "$TALLY" invoice show $year-000002 --json
	expect 0 '"customer": "northwind"' '"currency": "credits"'
	[ "$(json credits_applied)" = "$(json subtotal)" ]
	credits=$(json subtotal) residual=$(json residual)
	run "$TALLY" replay month.jsonl --by customer --plan vm0 --csv
	[ "$(printf '%s\n' "$output" | awk -F, -v m="$credits" -v r="$residual" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "credits") c = i } /^northwind,/ { printf "%.6f", $c - (m + r) }')" = 0.000000 ]
	for format in pdf html xlsx; do "$TALLY" invoice show $year-000001 --format $format -o one.$format; "$TALLY" invoice show $year-000002 --format $format -o two.$format; done
	[ "$(head -c 5 one.pdf)" = %PDF- ]
	pdftotext -layout two.pdf - | grep -q northwind
	[ -z "${TALLY_KEEP-}" ] || cp one.* two.* "$TALLY_KEEP"
	run "$TALLY" fsck
	expect 0 clean
}
