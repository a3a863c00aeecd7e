#!/usr/bin/env bats
# The other half: bills as vendors, clouds and spreadsheets write them.

load common
setup() {
	common_setup
	export TALLY_DB="$DIR/u.db" HOME="$DIR"
	printf '%s\n' id,time,model,project,input \
		a,2026-06-15T01:00:00Z,claude-sonnet-4-6,alpha,2000000 \
		b,2026-06-16T01:00:00Z,claude-haiku-4-5,beta,4000000 > u.csv
	"$TALLY" ingest u.csv -q
}

value() { # of the last run's JSON
	python3 -c 'import json,sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$output" "$1"
}

@test "semicolons, decimal commas, German days and a row of totals" {
	printf '\xef\xbb\xbfDatum;Modell;Betrag\n15.06.2026;claude-sonnet-4-6;6,00 $\n' > b.csv
	printf '16.06.2026;claude-haiku-4-5;4,00\nSumme;;10,00\n' >> b.csv
	run "$TALLY" reconcile b.csv --map day=Datum --map model=Modell --map cost=Betrag --json
	[ "$status" -eq 0 ]
	[ "$(value billed)" = 10 ]
	[ "$(value matching)" = 2 ]
	sed 's/6,00 \$/6,00 €/' b.csv > euro.csv
	run "$TALLY" reconcile euro.csv --map day=Datum --map model=Modell --map cost=Betrag
	[ "$status" -eq 1 ]
	[[ "$output" == *"EUR"* ]]
	sed -i 's/10,00/11,00/' b.csv
	run "$TALLY" reconcile b.csv --map day=Datum --map model=Modell --map cost=Betrag
	[ "$status" -eq 5 ]
	[[ "$output" == *"row of totals"* ]]
}

@test "a day that may be two days, and an amount that may be two amounts, are refused" {
	printf 'day,model,cost\n6/7/2026,m,1\n' > b.csv
	run "$TALLY" reconcile b.csv
	[ "$status" -eq 1 ]
	[[ "$output" == *"b.csv:2"*"6/7/2026"* ]]
	printf 'day;model;cost\n2026-06-15;m;1.234\n' > b.csv
	run "$TALLY" reconcile b.csv
	[ "$status" -eq 1 ]
	[[ "$output" == *"thousand"* ]]
}

@test "thousands, brackets and currency signs in quotes" {
	printf 'day,model,cost\n6/15/2026,claude-sonnet-4-6,"$1,006.00"\n' > b.csv
	printf '6/15/2026,claude-sonnet-4-6,"($1,000.00)"\n2026-06-16,claude-haiku-4-5,4.00\n' >> b.csv
	run "$TALLY" reconcile b.csv --json
	[ "$status" -eq 0 ]
	[ "$(value billed)" = 10 ]
}

@test "a mistyped --map is an error, not a comparison of days" {
	printf 'day,model,cost\n2026-06-15,claude-sonnet-4-6,6\n' > b.csv
	run "$TALLY" reconcile b.csv --map model=Modell
	[ "$status" -eq 1 ]
	[[ "$output" == *"no column 'Modell'"* ]]
}

@test "tax and credits of a FOCUS file explain the difference, packed with gzip too" {
	printf 'BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ServiceName\n' > f.csv
	printf '%s\n' 6,USD,Usage,2026-06-15T00:00:00Z,claude-sonnet-4-6 \
		4,USD,Usage,2026-06-16T00:00:00Z,claude-haiku-4-5 \
		1.9,USD,Tax,2026-06-16T00:00:00Z,VAT >> f.csv
	gzip -k f.csv
	run "$TALLY" reconcile f.csv.gz --json
	[ "$status" -eq 0 ]
	[ "$(value difference)" = 1.9 ]
	[ "$(value unexplained)" = 0 ]
	run "$TALLY" reconcile f.csv f.csv.gz
	[ "$status" -eq 1 ]
	[[ "$output" == *"counts once"* ]]
}

@test "one page of several is a part of a bill" {
	printf '{"data":[{"starting_at":"2026-06-15T00:00:00Z","results":[{"currency":"USD","amount":"600","model":"claude-sonnet-4-6","cost_type":"tokens"}]}],"has_more":true}' > c.json
	run "$TALLY" reconcile c.json
	[ "$status" -eq 3 ]
	[[ "$output" == *has_more* ]]
}

@test "--map names members of documents, too; values without a name are refused until somebody says what they are" {
	printf '[{"d":"2026-06-15","m":"claude-sonnet-4-6","c":{"usd":6},"tax":1},{"d":"2026-06-16","m":"claude-haiku-4-5","c":{"usd":"4.00"}}]' > own.json
	run "$TALLY" reconcile own.json
	[ "$status" -eq 1 ]
	run "$TALLY" reconcile own.json --map day=d --map model=m --map cost=c.usd
	[ "$status" -eq 3 ] || fail "$output"
	[[ "$output" == *"not read: tax"*"2 match"* ]]
	run "$TALLY" reconcile own.json --map day=d --map model=m --map cost=c.usd --map none=tax
	[ "$status" -eq 0 ] || fail "$output"
	for map in cost=c.eur none=c.eur model=nosuch; do
		run "$TALLY" reconcile own.json --map day=d --map model=m --map cost=c.usd --map $map
		[ "$status" -eq 1 ]
		[[ "$output" == *"no member '${map#*=}'"* ]]
	done
	printf '{"data":[{"starting_at":"2026-06-15T00:00:00Z","results":[{"currency":"USD","amount":"600","model":"claude-sonnet-4-6","cost_type":"tokens"}]}],"has_more":false}' > c.json
	run "$TALLY" reconcile c.json --map cost=amuont
	[ "$status" -eq 1 ]
	printf '{"timeSeries":[{"groupLabels":["k","Chat claude-sonnet-4-6"],"dataPoints":[{"timestamp":"2026-06-15T00:00:00Z","values":[9,6.0]}]}],"limitReached":false}' > x.json
	run "$TALLY" reconcile x.json
	[ "$status" -eq 1 ]
	[[ "$output" == *"cost=values.0"* ]]
	run "$TALLY" reconcile x.json --provider anthropic --map cost=values.1 --map model=groupLabels.1 --json
	[ "$status" -eq 0 ] || fail "$output"
	[ "$(value billed)" = 6 ]
}

@test "lines of a bill keep their tier, kind of token, quantity and unit" {
	parts() { # FILE: tier, kind, quantity, unit and amount of each
		run "$TALLY" reconcile "$1" --provider anthropic --json
		python3 -c 'import json,sys; print(*sorted("%s %s %s %s %s" % (p["tier"], p["tokens"], p.get("quantity"), p["unit"], p["billed"]) for l in json.loads(sys.argv[1])["lines"] for p in l.get("parts", [])), sep="\n")' "$output"
	}
	printf '{"object":"page","data":[{"object":"bucket","start_time":1781481600,"end_time":1781568000,"results":[%s,%s,%s]}],"has_more":false}' \
		'{"amount":{"value":3,"currency":"usd"},"line_item":"batch | claude-sonnet-4-6, input","quantity":2000000,"quantity_unit":"tokens","project_id":null}' \
		'{"amount":{"value":1,"currency":"usd"},"line_item":"claude-sonnet-4-6, cached input","quantity":"1500000.5","quantity_unit":"tokens","project_id":null}' \
		'{"amount":{"value":2,"currency":"usd"},"line_item":"claude-sonnet-4-6, cached input","quantity":"0.5","quantity_unit":"tokens","project_id":null}' > o.json
	parts o.json > o
	printf '%s\n' ' cache_read 1500001 tokens 3' 'batch input 2000000 tokens 3' | diff - o
	printf '%s\n' line_item_line_item_type,line_item_usage_start_date,line_item_product_code,line_item_usage_type,line_item_usage_amount,pricing_unit,line_item_unblended_cost,line_item_net_unblended_cost,line_item_currency_code \
		Usage,2026-06-15T01:00:00Z,AmazonBedrock,USE1-Claude4.6Sonnet-output-tokens-batch,2000.5,1K\ tokens,3,3,USD \
		Usage,2026-06-15T02:00:00Z,AmazonBedrock,USE1-Claude4.6Sonnet-output-tokens-batch,,1K\ tokens,0,0,USD \
		Usage,2026-06-15T01:00:00Z,AmazonBedrock,USE1-Claude4.6Sonnet-cache-write-input-token-count,7,1K\ tokens,1,1,USD > a.csv
	parts a.csv > a # of a line with a row without a quantity none is known
	printf '%s\n' ' cache_write 7 1K tokens 1' 'batch output None 1K tokens 3' | diff - a
	printf '%s\n' usage_date_utc,model,usage_type,token_type,cost_usd '2026-06-15,Claude Sonnet 4.6,batch,input_no_cache,3' > c.csv
	parts c.csv > c
	printf '%s\n' 'batch input None  3' | diff - c
	run "$TALLY" reconcile c.csv
	[ "$status" -eq 0 ]
	[[ "$output" == *"a tier's factor 0.5, billed as batch: claude-sonnet-4-6"* ]]
	"$TALLY" reconcile a.csv --provider anthropic --xlsx a.xlsx >/dev/null || true
	python3 -c 'import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).read("xl/sharedStrings.xml"))' a.xlsx | grep -q cache_write
}

@test "days that a bill lacks are a cause; days of which it says that nothing was charged are compared" {
	printf 'day,model,cost\n2026-06-14,claude-haiku-4-5,0\n2026-06-16,claude-haiku-4-5,4\n' > b.csv
	run "$TALLY" reconcile b.csv
	[ "$status" -eq 3 ]
	[[ "$output" == *"1 day of which the bill says nothing"*"2026-06-14/2026-06-16 (UTC)"*"days that the bill lacks (1 of them, 2026-06-15)  -\$6"*"unexplained \$0"* ]]
	# a bucket without results, and a row of empty fields
	printf '{"data":[{"starting_at":"2026-06-14T00:00:00Z","results":[{"currency":"USD","amount":"0","model":"claude-haiku-4-5","cost_type":"tokens"}]},{"starting_at":"2026-06-15T00:00:00Z","results":[]},{"starting_at":"2026-06-16T00:00:00Z","results":[{"currency":"USD","amount":"400","model":"claude-haiku-4-5","cost_type":"tokens"}]}],"has_more":false}' > c.json
	printf 'start_time_iso,amount_value,amount_currency,line_item\n2026-06-15T00:00:00+00:00,,,\n2026-06-16T00:00:00+00:00,4,usd,claude-haiku-4-5\n' > c.csv
	for b in c.json c.csv; do
		run "$TALLY" reconcile $b --provider anthropic --json
		[ "$status" -eq 5 ] || fail "$b: $output"
		[ "$(value unexplained)" = -6 ]
		[ "$(value missing_days)" = 0 ]
	done
	# calls that cost nothing need no line
	printf 'id,time,model,input\nc,2026-06-16T02:00:00Z,deepseek/deepseek-r1:free,7\n' > free.csv
	"$TALLY" ingest free.csv -q
	printf 'day,model,cost\n2026-06-15,claude-sonnet-4-6,6\n2026-06-16,claude-haiku-4-5,4\n' > b.csv
	run "$TALLY" reconcile b.csv --json
	[ "$status" -eq 0 ] || fail "$output"
}

@test "days of the zone that the bill states" {
	printf 'start_time_iso,end_time_iso,model,wallet_type,cost,currency\n' > c.csv
	printf '2026-06-14T00:00:00-05:00,2026-06-15T00:00:00-05:00,claude-sonnet-4-6,Paid,6,USD\n' >> c.csv
	run "$TALLY" reconcile c.csv --provider anthropic --json
	[ "$status" -eq 0 ]
	[ "$(value matching)" = 1 ]
}

@test "a bill given to ingest is told apart from usage" {
	printf 'utc_date,model,cost,currency\n2026-06-15,deepseek-v4-flash,1,USD\n' > c.csv
	run "$TALLY" ingest c.csv
	[ "$status" -eq 1 ]
	[[ "$output" == *"is a bill"*"tally reconcile"* ]]
}

@test "FOCUS: what is left out is said, ids of prices lead to one price" {
	printf 'id,time,model,input\nx,2026-06-15,nosuch,5\n' > n.csv
	"$TALLY" ingest n.csv -q || true
	run "$TALLY" export focus -o f.csv
	[ "$status" -eq 3 ]
	[[ "$output" == *"1 record without a price"* ]]
	python3 - <<'P'
import csv
prices = {}
for r in csv.DictReader(open('f.csv')):
    assert r['BillingAccountId'] and r['PricingCurrencyListUnitPrice'] and r['PricingCurrencyEffectiveCost']
    assert prices.setdefault(r['SkuPriceId'], r['ListUnitPrice']) == r['ListUnitPrice']
    assert r['SkuId'] != r['SkuPriceId']
P
	run "$TALLY" export focus --json
	[ "$status" -eq 2 ]
}

@test "a customer who comes later renames no account of a journal" {
	accounts() { "$TALLY" export journal | grep -o 'Liabilities[^ ]*' | sort -u; }
	"$TALLY" credit account zoe --plan vm0 --since 2026-06-01 -q
	"$TALLY" credit grant zoe 5 --id first --effective 2026-06-01 -q
	accounts > a
	"$TALLY" credit account adam --plan vm0 --since 2026-06-01 -q
	"$TALLY" credit grant adam 5 --id first --effective 2026-06-01 -q
	accounts > b
	[ -s a ]
	[ "$(comm -12 a b | wc -l)" -eq "$(wc -l < a)" ]
}

@test "logs of gateways: rows of LiteLLM's spends, Cloudflare's gateway" {
	export TALLY_DB="$DIR/g.db"
	printf '[{"request_id":"l1","call_type":"acompletion","spend":0.003,"prompt_tokens":1000,"completion_tokens":0,"startTime":"2026-06-15T10:00:00Z","model":"claude-sonnet-4-6","cache_hit":"False","metadata":{"usage_object":{"prompt_tokens":1000,"completion_tokens":0,"total_tokens":1000}}},{"request_id":"l2","call_type":"acompletion","spend":0,"prompt_tokens":1000,"completion_tokens":0,"startTime":"2026-06-15T10:00:00Z","model":"claude-sonnet-4-6","cache_hit":"True","metadata":{}}]' > l.json
	printf '{"result":[{"id":"c1","created_at":"2026-06-15T10:00:00Z","model":"claude-sonnet-4-6","success":true,"cached":false,"tokens_in":1000,"tokens_out":0},{"id":"c2","created_at":"2026-06-15T10:00:00Z","model":"claude-sonnet-4-6","success":true,"cached":true,"tokens_in":9,"tokens_out":9}]}' > c.json
	"$TALLY" ingest l.json c.json -q
	run "$TALLY" usage --json
	[ "$status" -eq 3 ] # what of a prompt was cached is not told by Cloudflare
	[ "$(value total)" = 0.006 ]
	[ "$(value records)" = 2 ]
}

@test "a model is shown as the bill spells it" {
	printf '{"data":[{"start_time":1781481600,"results":[{"amount":{"value":0.5,"currency":"usd"},"line_item":"priority | gpt-5-mini-2025-08-07, input"}]}],"has_more":false}' > o.json
	run "$TALLY" reconcile o.json --json
	[ "$status" -eq 5 ]
	[[ "$output" == *'"model": "gpt-5-mini-2025-08-07"'* ]]
}

@test "tokens that were billed and not metered are a cause of their own, and those without a difference in money leave the line open" {
	export TALLY_DB=$DIR/tokens.db
	printf '%s\n' id,time,model,input,output a,2026-06-15T01:00:00Z,claude-sonnet-4-6,1200000,100000 > u.csv
	"$TALLY" ingest u.csv -q # 3.60 and 1.50 dollars
	# bill UNIT INPUT COST OUTPUT COST
	bill() {
		printf 'BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ServiceName,ConsumedQuantity,ConsumedUnit,SkuMeter\n'
		printf '%s,USD,Usage,2026-06-15T00:00:00Z,Bedrock,%s,%s,claude-sonnet-4-6 input tokens\n' "$3" "$2" "$1"
		printf '%s,USD,Usage,2026-06-15T00:00:00Z,Bedrock,%s,%s,claude-sonnet-4-6 output tokens\n' "$5" "$4" "$1"
	}
	bill Tokens 1200000 3.60 100000 1.50 > same.csv
	run "$TALLY" reconcile same.csv --json
	expect 0 '"unexplained": "0"' '"billed_tokens": {"input": 1200000, "cache_read": 0, "cache_write": 0, "output": 100000}'
	# 100,000 more at the same price
	bill '1K tokens' 1300 3.90 100 1.50 > more.csv
	run "$TALLY" reconcile more.csv
	expect 0 'other tokens: claude-sonnet-4-6, 2026-06-15  $0.3' 'metered 1,200,000 input tokens, billed 1,300,000' 'unexplained $0'
	run "$TALLY" reconcile more.csv --json
	expect 0 '"cause": "other tokens"' '"tokens": "0.3"'
	# another price, and the same tokens: half of it is a tier
	bill 1M 1.2 1.80 0.1 0.75 > half.csv
	run "$TALLY" reconcile half.csv
	expect 0 "a tier's factor 0.5"
	# neither: more tokens do not explain three dollars
	bill Tokens 1300000 6.60 100000 1.50 > both.csv
	run "$TALLY" reconcile both.csv
	expect 5 '+100000 input' 'unexplained $3'
	# more tokens for the same money
	bill Tokens 1300000 3.60 100000 1.50 > free.csv
	run "$TALLY" reconcile free.csv
	expect 5 '+100000 input' '1 differs'
	# a line whose unit is no count of tokens says nothing of them
	bill Hours 3 3.60 4 1.50 | sed 's/Hours,claude/Units,claude/' > units.csv
	run "$TALLY" reconcile units.csv
	expect 0 '1 matches'
	# columns of counts
	printf 'day,model,cost,input,output\n2026-06-15,claude-sonnet-4-6,5.40,1300000,100000\n' > counts.csv
	run "$TALLY" reconcile counts.csv --map input=input --map output=output
	expect 0 'metered 1,200,000 input tokens, billed 1,300,000'
}
