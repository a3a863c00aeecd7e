#!/usr/bin/env bats
# Bills as vendors really write them: what each says of models, and what of it is no usage.
load common

@test "each bill of a vendor, a cloud, a gateway and a spreadsheet is read as what it says" {
	command -v python3 > /dev/null || skip "no python3"
	export TALLY_DB=$DIR/v.db
	run python3 "$ROOT/tests/support/vendor_bills.py" "$TALLY"
	[ "$status" -eq 0 ] || fail "$output"
	[ -z "$output" ] || fail "$output"
}

@test "the places of calls reach the FOCUS file, which is a bill that matches the meter" {
	command -v python3 > /dev/null || skip "no python3"
	export TALLY_DB=$DIR/p.db
	printf '%s\n' id,time,provider,model,region,input a,2026-06-15T10:00:00Z,bedrock,amazon.nova-pro-v1:0,us-east-1,1000 \
		b,2026-06-15T10:00:00Z,bedrock,anthropic.claude-sonnet-4-6,us,1000 c,2026-06-15T10:00:00Z,bedrock,anthropic.claude-sonnet-4-6,eu,1000 \
		d,2026-06-15T11:00:00Z,,claude-haiku-4-5,,1000 > u.csv
	"$TALLY" ingest u.csv -q
	"$TALLY" export focus -o f.csv
	run python3 -c 'import csv; print(*sorted("%s/%s/%s" % (r["RegionId"], r["RegionName"], r["BilledCost"]) for r in csv.DictReader(open("f.csv"))))'
	[ "$output" = '//0.001 eu/eu/0.0033 us-east-1/us-east-1/0.0008 us/us/0.0033' ] || fail "$output"
	python3 "$ROOT/tests/support/focus_rules.py" f.csv
	"$TALLY" reconcile f.csv
	run "$TALLY" usage --by region --json
	expect 0 '"region": "us-east-1"'
}

teardown() {
	[ -z "${pid-}" ] || kill "$pid" 2> /dev/null || true
	common_teardown
}

@test "a page whose next one is not here is said of followed files, too" {
	page() { # FILE FROM TO MORE
		printf '{"object":"page","data":[{"object":"bucket","start_time":%d,"end_time":%d,"results":[{"input_tokens":1000,"output_tokens":200,"input_cached_tokens":0,"num_model_requests":3,"model":"gpt-5-mini"}]}],"has_more":%s}' "$2" "$3" "$4" > "$1"
	}
	# follows the directory until it has that many records, and stops: exit status
	followed() {
		timeout 120 "$TALLY" ingest --db p.db --follow pages > out 2>&1 3>&- &
		pid=$!
		for _ in $(seq 200); do
			"$TALLY" usage --db p.db --json > u.json 2> /dev/null || true
			grep -q "\"records\": *$1\b" u.json && break
			sleep 0.1
		done
		kill -INT "$pid"
		status=0
		wait "$pid" || status=$?
		pid=
	}
	mkdir pages
	page pages/a.json 1781481600 1781568000 true
	followed 1
	[ "$status" -eq 3 ] || fail "$(cat out)"
	grep -q has_more out
	page pages/b.json 1781568000 1781654400 false
	followed 2
	[ "$status" -eq 0 ] || fail "$(cat out)"
}

@test "usage between bars, and steps of a trace that are no calls" {
	printf '%s\n' 'id|time|model|input|output' 'a|2026-06-15T10:00:00Z|claude-sonnet-4-6|1000000|0' > bars.csv
	printf '%s\n' id,traceId,type,name,startTime,endTime,model,usageDetails,costDetails,totalUsage \
		'o,t,GENERATION,g,2026-06-15T10:00:00Z,2026-06-15T10:00:01Z,claude-sonnet-4-6,"{""input"":1000000,""output"":0}",,1000000' \
		s,t,SPAN,g,2026-06-15T10:00:00Z,,,,, t,t,TOOL,g,2026-06-15T10:00:00Z,,,,, > steps.csv
	run "$TALLY" ingest bars.csv steps.csv --db b.db --json
	expect 0 '"accepted": 2' '"quarantined": 0'
	run "$TALLY" replay bars.csv --json
	expect 0 '"total": "3"'
	printf '%s\n' id,traceId,type,name,startTime,endTime,model,usageDetails,costDetails,totalUsage s,t,NEW,g,2026-06-15T10:00:00Z,,,,, > odd.csv
	run "$TALLY" ingest odd.csv --db b.db
	expect 3 '1 quarantined'
}

@test "names like formulas go through export csv and back, where the file is read as a trace, too" {
	printf '%s\n' id,time,model,customer,project,input '=1+1,2026-06-15T10:00:00Z,claude-sonnet-4-6,=cmd|calc,@p,1000000' \
		"+b,2026-06-16T10:00:00Z,claude-haiku-4-5,'quoted,-x,1000000" 'c,2026-06-16T10:00:00Z,claude-haiku-4-5,Zoë GmbH,p;q,1000' > k.csv
	"$TALLY" ingest k.csv --db one.db -q
	"$TALLY" export csv --db one.db > k1.csv
	grep -q "'=cmd|calc" k1.csv
	"$TALLY" ingest k1.csv --db two.db -q
	diff <("$TALLY" usage --by day,customer,project --json --db one.db) <("$TALLY" usage --by day,customer,project --json --db two.db) >&2
	run "$TALLY" ingest k1.csv --db one.db --json
	expect 0 '"accepted": 0' '"duplicates": 3'
}

@test "each line says where the bill states it, what it was at list prices, and what a row of totals says more" {
	export TALLY_DB=$DIR/p.db
	printf '%s\n' id,time,model,input a,2026-06-15T01:00:00Z,claude-sonnet-4-6,2000000 b,2026-06-16T01:00:00Z,claude-haiku-4-5,4000000 > u.csv
	"$TALLY" ingest u.csv -q
	printf '%s\n' usage_date_utc,model,cost_type,cost_usd,list_price_usd,workspace '2026-06-15,Claude Sonnet 4.6,token,5,6,w' \
		'2026-06-16,Claude Haiku 4.5,token,4,5,w' 2026-06-16,,web_search,1,1,w Total,,,11,12, > b.csv
	run "$TALLY" reconcile b.csv
	expect 5 'b.csv:2' '(b.csv:4)' 'at list     $11' 'it says $1 more'
	run "$TALLY" reconcile b.csv --csv
	expect 5 '2026-06-15,claude-sonnet-4-6,differs,5,6,-1,USD,1,,6,1,b.csv:2' '2026-06-16,web_search,fee,1,0,1,USD,0,no usage,,,b.csv:4'
	run "$TALLY" reconcile b.csv --json
	expect 5 '"place": "b.csv:3"' '"billed_at_list": "11"' '"total_less_rows": "1"'
	printf '{"data":[{"start_time":1781481600,"results":[{"amount":{"value":6,"currency":"usd"},"line_item":"claude-sonnet-4-6, input"},%s]}],"has_more":false}' \
		'{"amount":{"value":1,"currency":"usd"},"line_item":"web search tool calls"}' > o.json
	run "$TALLY" reconcile o.json --provider anthropic --json
	expect 0 '"place": "o.json: data[0].results[0]"' '"place": "o.json: data[0].results[1]"'
}

@test "pages with numbers say how many of them are missing" {
	export TALLY_DB=$DIR/q.db
	printf '%s\n' id,time,model,input a,2026-06-15T01:00:00Z,claude-sonnet-4-6,2000000 > u.csv
	"$TALLY" ingest u.csv -q
	printf '{"data":[{"date":"2026-06-15","countTraces":1,"countObservations":1,"totalCost":6,"usage":[{"model":"claude-sonnet-4-6","inputUsage":2000000,"outputUsage":0,%s' \
		'"countObservations":1,"totalCost":6}]}],"meta":{"page":1,"limit":1,"totalItems":3,"totalPages":3}}' > l.json
	run "$TALLY" reconcile l.json
	expect 3 "2 of the bill's 3 pages are missing"
	run "$TALLY" reconcile l.json --json
	expect 3 '"pages": 3' '"pages_missing": 2'
}

# bill: what follows is a bill of 6 dollars on the 15th and 4 on the 16th, or refused
bill() {
	printf "$1" > b.csv
	run "$TALLY" reconcile b.csv --json
	expect "$2" "$3"
}

@test "languages, months in words, taxes in words, and a bill that is joined to itself" {
	export TALLY_DB=$DIR/w.db
	printf '%s\n' id,time,model,input a,2026-06-15T01:00:00Z,claude-sonnet-4-6,2000000 b,2026-06-16T01:00:00Z,claude-haiku-4-5,4000000 > u.csv
	"$TALLY" ingest u.csv -q
	bill 'Data;Modello;Importo\n15/06/2026;claude-sonnet-4-6;6,00\n16/06/2026;claude-haiku-4-5;4,00\n' 0 '"matching": 2'
	bill 'Data;Modelo;Custo\n15/06/2026;claude-sonnet-4-6;6,00\n16/06/2026;claude-haiku-4-5;4,00\n' 0 '"matching": 2'
	bill '日付,モデル,金額\n2026/06/15,claude-sonnet-4-6,6\n2026/06/16,claude-haiku-4-5,4\n' 0 '"matching": 2'
	bill 'month,model,cost\nJune 2026,claude-sonnet-4-6,6\nJune 2026,claude-haiku-4-5,4\n' 0 '"last_day": "2026-06-30"'
	bill 'month,model,cost\n06/2026,claude-sonnet-4-6,6\n06/2026,claude-haiku-4-5,4\n' 0 '"last_day": "2026-06-30"'
	bill 'day,model,cost\n2026-06-15,claude-sonnet-4-6,6\n2026-06-16,claude-haiku-4-5,4\n2026-06-30,VAT 19%%,1.90\n' 0 '"kind": "tax"'
	bill 'day,model,cost\n2026-06-15,claude-sonnet-4-6,6\n2026-06-16,claude-haiku-4-5,4\n2026-06-30,GST (10%%),1\n' 0 '"not_usage": "1"'
	# twice as much would be a tier's factor
	bill 'day,model,cost\n2026-06-15,claude-sonnet-4-6,6\n2026-06-16,claude-haiku-4-5,4\nday,model,cost\n2026-06-15,claude-sonnet-4-6,6\n2026-06-16,claude-haiku-4-5,4\n' \
		1 'every row of'
}

@test "AWS Cost Explorer and Azure's query of costs: months, groups, totals, other services, pages, rows that are short" {
	export TALLY_DB=$DIR/c.db
	printf '%s\n' id,time,model,input a,2026-06-15T01:00:00Z,claude-sonnet-4-6,2000000 > u.csv
	"$TALLY" ingest u.csv -q
	explorer() { # keys of groups, groups, next page
		printf '{"GroupDefinitions":[%s],"ResultsByTime":[{"TimePeriod":{"Start":"2026-06-01","End":"2026-07-01"},"Total":{},"Groups":[%s],"Estimated":true}]%s}' "$1" "$2" "$3" > c.json
		run "$TALLY" reconcile c.json --provider anthropic --json
	}
	cost() { printf '{"Keys":[%s],"Metrics":{"UnblendedCost":{"Amount":"%s","Unit":"USD"},"UsageQuantity":{"Amount":"9","Unit":"N/A"}}}' "$1" "$2"; }
	type='{"Type":"DIMENSION","Key":"USAGE_TYPE"}' service='{"Type":"DIMENSION","Key":"SERVICE"}' label='{"Type":"TAG","Key":"team"}'
	explorer "$type,$label" "$(cost '"USE1-Claude4.6Sonnet-input-tokens","team$a"' 6)" ''
	expect 0 '"matching": 1' '"last_day": "2026-06-30"' '"format": "AWS Cost Explorer"'
	explorer "$type" "$(cost '"USE1-Claude4.6Sonnet-input-tokens"' 6)" ',"NextPageToken":"more"'
	expect 3 '"partial": true'
	explorer "$service" "$(cost '"Claude Sonnet 4.6 (Amazon Bedrock Edition)"' 6),$(cost '"Amazon Simple Storage Service"' 1),$(cost '"Tax"' 0.5)" ''
	expect 0 '"not_usage": "1.5"' '"kind": "other service"' '"kind": "tax"'
	azure() {
		printf '{"type":"Microsoft.CostManagement/query","properties":{"nextLink":%s,"columns":[{"name":"Cost"},{"name":"%s"},{"name":"Meter"},{"name":"Currency"}],"rows":[[6,%s]]}}' "$@" > c.json
		run "$TALLY" reconcile c.json --provider anthropic --json
	}
	azure null UsageDate '20260615,"claude-sonnet-4-6 Inp glbl Tokens","USD"'
	expect 0 '"matching": 1' 'c.json: data[0]'
	azure null BillingMonth '"2026-06-01T00:00:00","claude-sonnet-4-6 Inp glbl Tokens","USD"'
	expect 0 '"last_day": "2026-06-30"'
	azure '"https://next"' UsageDate '20260615,"claude-sonnet-4-6 Inp glbl Tokens","USD"'
	expect 3 '"partial": true'
	azure null UsageDate '20260615,"claude-sonnet-4-6 Inp glbl Tokens"'
	expect 1 'rows[0]: 3 values, and 4 columns are named'
}
