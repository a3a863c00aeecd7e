#!/usr/bin/env bats
# Bills beside the meter in other currencies and by cause, and exports for bookkeeping.

bats_require_minimum_version 1.5.0
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

@test "a bill in yuan beside a meter in dollars: --currency prices the metered half so" {
	printf '%s\n' id,time,model,input,cache_read,output \
		a,2026-06-15T01:00:00Z,deepseek-v4-flash,1000000,2000000,100000 \
		b,2026-06-15T02:00:00Z,deepseek-v4-flash,1000000,0,0 > u.csv
	"$TALLY" ingest u.csv -q
	"$TALLY" void b --why "test" -q
	printf 'user_id,utc_date,model,wallet_type,cost,currency\nu,2026-06-15,deepseek-v4-flash,Paid,1.24,CNY\n' > c.csv
	run "$TALLY" reconcile c.csv
	[ "$status" -eq 1 ]
	[[ "$output" == *"--currency CNY"* ]]
	run "$TALLY" reconcile c.csv --currency CNY --json
	[ "$status" -eq 0 ]
	[ "$(value metered)" = 1.24 ]
	[ "$(value matching)" = 1 ]
	[ "$(value currency)" = CNY ]
	run "$TALLY" reconcile c.csv --currency EUR
	[ "$status" -eq 1 ]
	[[ "$output" == *"CNY"*"EUR"* ]]
	# what the cards do not price in that currency is named, not free
	printf '%s\n' id,time,model,input c,2026-06-15T03:00:00Z,no-such-model,5 > v.csv
	"$TALLY" ingest v.csv -q || [ $? -eq 3 ]
	run "$TALLY" reconcile c.csv --currency CNY --json
	[ "$status" -ne 0 ]
	[ "$(value unpriced)" = 1 ]
}

invoiced() { # two months of a customer, a note, and a void
	printf '%s\n' id,time,model,customer,input,output \
		p1,2026-06-16T01:30:00Z,deepseek-v4-flash,Müller\ \&\ Söhne,1000000,100000 > u.csv
	printf '{"currency":"USD","taxes":[{"name":"VAT","percent":"19"},{"name":"city; tax","percent":"1"}],"items":[{"description":"Team plan","amount":"40"}]}' > terms.json
	"$TALLY" ingest u.csv -q
	"$TALLY" credit account "Müller & Söhne" --plan vm0 --since 2026-06-01 --terms terms.json -q
	"$TALLY" credit grant "Müller & Söhne" 5 --kind paid -q 2> /dev/null || true
	"$TALLY" invoice draft "Müller & Söhne" --period 2026-06 -q
	"$TALLY" invoice finalize '#1' -q
	"$TALLY" invoice note 2026-000001 --amount 10 --why gift -q
}

@test "a journal has the invoices in money, with taxes and numbers, and is strictly sound" {
	invoiced
	"$TALLY" export journal --strict > j
	"$TALLY" export journal --style beancount > b
	hledger -f j check --strict
	bean-check b
	total=$("$TALLY" invoice show 2026-000001 --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["total"])')
	run hledger -f j balance Assets:Receivable -N
	[[ "$output" == *"$(python3 -c "from decimal import Decimal; print(Decimal('$total')-10)")"* ]]
	grep -q 'Assets:Receivable:Müller' j
	grep -q '(2026-000001) Müller & Söhne | invoice' j
	# an invoice that is voided is reversed, its notes too
	"$TALLY" invoice void 2026-000001 --why "a mistake" -q
	"$TALLY" export journal --strict > j
	"$TALLY" export journal --style beancount > b
	hledger -f j check --strict
	bean-check b
	run hledger -f j balance Assets:Receivable -N cur:USD
	[[ "$output" != *USD* ]]
	grep -q 'invoice voided' j
}

@test "accounts of a journal do not depend on what else is in it" {
	invoiced
	"$TALLY" export journal > all
	"$TALLY" export journal --customer "Müller & Söhne" > one
	diff <(grep Receivable all | sort -u) <(grep Receivable one | sort -u)
	run "$TALLY" export journal --until 2026-01-01
	[[ "$output" != *Receivable* ]]
}

bill() { # LINE...: day,model,cost
	printf '%s\n' day,model,cost "$@" > b.csv
	run "$TALLY" reconcile b.csv --json
}

metered() {
	printf '%s\n' id,time,model,input a,2026-06-15T10:00:00Z,claude-sonnet-4-6,2000000 \
		b,2026-06-16T10:00:00Z,claude-haiku-4-5,4000000 > u.csv
	"$TALLY" ingest u.csv -q
}

@test "each cause is named with its sum, and only the unexplained fails" {
	metered
	bill 2026-06-15,claude-sonnet-4-6,3.00 2026-06-16,claude-haiku-4-5,4.00
	[ "$status" -eq 0 ]
	[ "$(value causes.tier)" = -3 ]
	[ "$(value lines.0.factor)" = 0.5 ]
	[ "$(value unexplained)" = 0 ]
	bill 2026-06-15,claude-sonnet-4-6,6.60 2026-06-16,claude-haiku-4-5,4.00
	[ "$(value lines.0.factor)" = 1.1 ]
	[ "$(value causes.tier)" = 0.6 ]
	bill 2026-06-15,sonnet-by-another-name,6.00 2026-06-16,claude-haiku-4-5,4.00
	[ "$status" -eq 0 ]
	[ "$(value lines.0.cause)" = "another name" ]
	[ "$(value unexplained)" = 0 ]
	bill 2026-06-15,claude-sonnet-4-6,5.17 2026-06-16,claude-haiku-4-5,4.00
	[ "$status" -eq 5 ]
	[ "$(value unexplained)" = -0.83 ]
	run "$TALLY" reconcile b.csv
	[[ "$output" == *"unexplained -\$0.83"* ]]
}

@test "a price that changed since the calls were stored is a cause" {
	printf '{"schema":"tally.card/1","provider":"acme","prices":[{"model":"m1","currency":"USD","source":"s","sure":"s","from":"2026-01-01","rates":{"input":"1"}}]}' > old.json
	sed 's/"input":"1"/"input":"3"/' old.json > new.json
	printf '%s\n' id,time,model,provider,input a,2026-06-15T10:00:00Z,m1,acme,1000000 > u.csv
	"$TALLY" ingest u.csv --prices old.json -q
	printf '%s\n' day,model,cost 2026-06-15,m1,3.00 > b.csv
	output=$("$TALLY" reconcile b.csv --prices new.json --json 2> note)
	grep -q old.json note # the cards that rated the records are other ones
	[ "$(value causes.price)" = 2 ]
}

@test "calls without a price explain that more was billed: exit 3" {
	metered
	printf '%s\n' id,time,model,service_tier,input c,2026-06-15T11:00:00Z,claude-sonnet-4-6,unheard-of,5 > v.csv
	"$TALLY" ingest v.csv -q || [ $? -eq 3 ]
	bill 2026-06-15,claude-sonnet-4-6,6.17 2026-06-16,claude-haiku-4-5,4.00
	[ "$status" -eq 3 ]
	[ "$(value causes.unpriced)" = 0.17 ]
}

@test "the rows of an invoice's CSV add up to its total, taxes and all" {
	invoiced
	"$TALLY" invoice show 2026-000001 --json > i.json
	"$TALLY" invoice show 2026-000001 --format csv > i.csv
	"$TALLY" invoice show CN-2026-000001 --json > n.json
	"$TALLY" invoice show CN-2026-000001 --format csv > n.csv
	python3 - <<-'PY'
	import csv, json
	from decimal import Decimal as D
	for f in "in":
	    rows = list(csv.DictReader(open(f + ".csv")))
	    doc = json.load(open(f + ".json"))
	    assert sum(D(r["amount"]) for r in rows) == D(doc["total"]), (rows, doc["total"])
	    assert all(r["issued"] == doc["issued"][:10] for r in rows)
	assert [r["description"] for r in csv.DictReader(open("i.csv"))][-2:] == ["VAT", "city; tax"]
	PY
}

@test "invoices for Xero, QuickBooks and DATEV add up to the invoices" {
	invoiced
	"$TALLY" export invoices --profile xero --account revenue=4000 > x.csv
	run --separate-stderr "$TALLY" export invoices --profile quickbooks
	[ "$status" = 3 ] && [[ $stderr == *'a document that gives back is left out'*--credit-notes* ]] || fail "$stderr"
	printf '%s\n' "$output" > q.csv
	"$TALLY" export invoices --profile quickbooks --credit-notes > c.csv
	"$TALLY" export invoices --profile datev --account currency=USD --account receivable=10500 > d.csv
	"$TALLY" invoice list --json > list.json
	python3 - <<-'PY'
	import csv, json, re
	from decimal import Decimal as D
	total = {i["number"]: D(i["total"]) for i in json.load(open("list.json"))["invoices"]}
	def sums(rows, number, amount):
	    out = {}
	    for r in rows: out[r[number]] = out.get(r[number], 0) + D(r[amount])
	    return out
	x = list(csv.DictReader(open("x.csv")))
	assert sums(x, "*InvoiceNumber", "*UnitAmount") == total
	assert {r["*Quantity"] for r in x} == {"1"} and x[0]["*AccountCode"] == "4000"
	assert all(re.fullmatch(r"\d\d/\d\d/\d{4}", r["*InvoiceDate"]) for r in x)
	q = list(csv.DictReader(open("q.csv")))
	c = list(csv.DictReader(open("c.csv")))
	assert all(D(r["*ItemAmount"]) > 0 for r in c) and {r["*CreditNoteNo"] for r in c} == {n for n in total if total[n] < 0}
	back = {n: -v for n, v in sums(c, "*CreditNoteNo", "*ItemAmount").items()}
	assert dict(sums(q, "*InvoiceNo", "*ItemAmount"), **back) == total and not set(back) & {r["*InvoiceNo"] for r in q}
	raw = open("d.csv", "rb").read()
	lines = raw.decode("cp1252").split("\r\n")
	assert lines[0].startswith('"EXTF";700;21;"Buchungsstapel"') and "Müller" in lines[2]
	d = {}
	for r in csv.reader(lines[2:-1], delimiter=";"):
	    assert len(r) == 14 and r[6] == "10500" and re.fullmatch(r"\d+,\d\d", r[0]), r
	    v = D(r[0].replace(",", "."))
	    d[r[10]] = d.get(r[10], 0) + (v if r[1] == "S" else -v)
	assert d == total, (d, total)
	PY
	run "$TALLY" export invoices --profile datev --until 2020-01-01
	[ "$status" -eq 1 ]
	# the header says how long accounts are; they are digits, and a customer's has one more at most
	"$TALLY" export invoices --profile datev --account currency=USD --account revenue=84000 --account tax=17760 --account prepaid=17180 --account bank=12000 \
		--account receivable=105000 | head -1 | grep -q ';[0-9]\{4\}0101;5;'
	for bad in receivable=610500 revenue=84 tax=abcd consultant=x tax=17760; do
		run "$TALLY" export invoices --profile datev --account "$bad"
		expect 2 "$bad" digits
	done
	run "$TALLY" export invoices --profile xero --account nonsense
	[ "$status" -eq 2 ]
}

# asks CURRENCY [DESCRIPTION]: a final invoice of 100 and 19 of tax, of June 2026, on its day of issue
asks() {
	rm -rf t.db*
	export TALLY_DB=$DIR/t.db
	printf '{"currency":"%s","taxes":[{"name":"VAT","percent":"19"}],"items":[{"description":"%s","amount":"100"}]}' "$1" "${2:-Team plan}" >terms.json
	"$TALLY" credit account acme --plan vm0 --since 2026-06-01 --terms terms.json -q
	"$TALLY" invoice draft acme --period 2026-06 -q
	"$TALLY" invoice finalize --all -q >/dev/null
	printf 'Date,USD,GBP,CHF,\n%s,1.25,0.8,2.5,\n' "$(date -u +%Y-%m-%d)" >ecb.csv
}
datev() { run --separate-stderr "$TALLY" export invoices --profile datev "$@"; }
fields() { [[ $output == *"$1"* ]] || fail "no $1 in $output"; } # Umsatz to WKZ Basis-Umsatz

@test "DATEV: another currency than that of the books states its rate and what it is in the base" {
	asks USD
	datev --rates ecb.csv
	[ "$status" = 0 ]
	[ -z "$stderr" ]
	fields $'\n100,00;"S";"USD";1,25;80,00;"EUR";10000;8400;'
	fields $'\n19,00;"S";"USD";1,25;15,20;"EUR";10000;1776;'
	datev # the format wants rate and amount in the base
	[ "$status" = 1 ] && [[ $stderr == *'is in USD and the books are in EUR'*'--rates'*'currency=USD'* ]] || fail "$stderr"
	[[ $output != *EXTF* ]] || fail "half a batch is written"
	# the books are kept in it
	datev --account currency=USD
	[ "$status" = 0 ]
	[ -z "$stderr" ]
	fields '1;0;0;"USD";;'
	fields '100,00;"S";"USD";;;"";10000;'
	# a rate from before the booking, and none
	printf 'day,base,currency,rate\n2020-01-01,EUR,USD,1.1\n' >old.csv
	datev --rates old.csv
	[ "$status" = 1 ] && [[ $stderr == *'no rate from USD to EUR'* ]] || fail "$stderr"
	datev --account currency=usd
	[ "$status" = 2 ]
	# books in francs: 2.5 of them are 1.25 dollars, and DATEV has only euros beside francs
	datev --account currency=CHF --rates ecb.csv
	[ "$status" = 0 ]
	fields $'\n200,00;"S";"CHF";;;"";10000;8400;'
	fields '"100 USD acme Team plan"'
	datev --account currency=CHF
	[ "$status" = 1 ] && [[ $stderr == *'books are in CHF'* ]] || fail "$stderr"
	asks EUR
	datev --account currency=CHF --rates ecb.csv
	fields $'\n250,00;"S";"CHF";;;"";10000;8400;' # Kurs would be 0.4 euros for a franc
	fields '"100 EUR acme Team plan"'
}
@test "DATEV: a rate that its field cannot hold books the amount in the base" {
	asks GBP
	datev --rates ecb.csv
	[ "$status" = 0 ]
	fields $'\n125,00;"S";"EUR";;;"";10000;8400;'
	fields $'\n23,75;"S";"EUR";;;"";10000;1776;'
	fields '"100 GBP acme Team plan"'
}
@test "bookkeeping programs: longer texts are cut and say so, longer numbers and more documents are refused" {
	asks EUR "$(printf 'ä%.0s' $(seq 70))"
	datev
	[ "$status" = 0 ] && [[ $stderr == *'1 text longer than the program takes: cut'* ]] || fail "$stderr"
	"$TALLY" export invoices --profile datev -q | iconv -f CP1252 -t UTF-8 >d.csv
	grep -q "\"acme $(printf 'ä%.0s' $(seq 54))…\"" d.csv || fail "$(cat d.csv)"
	run --separate-stderr "$TALLY" export invoices --profile xero
	[ "$status" = 0 ]
	[ -z "$stderr" ]
	asks EUR "$(printf 'x%.0s' $(seq 60))" # with the name more than 60
	datev
	[[ $stderr == *'1 text longer'* ]]
	for i in $(seq 100); do "$TALLY" credit account "c$i" --plan vm0 --since 2026-06-01 --terms terms.json -q; done
	"$TALLY" invoice draft --all --period 2026-06 -q >/dev/null 2>&1 || true # acme has one
	"$TALLY" invoice finalize --all -q >/dev/null
	run "$TALLY" export invoices --profile quickbooks
	expect 1 'QuickBooks imports at most 100 invoices at once'
	"$TALLY" export invoices --profile quickbooks --customer c7 | grep -q '"\?2026-'
	"$TALLY" export invoices --profile xero >/dev/null
}
@test "bills of Google Cloud, Azure, GitHub Copilot, OpenRouter and Vercel" {
	printf '%s\n' id,time,model,input a,2026-06-15T10:00:00Z,gemini-2.5-flash,1000000 \
		b,2026-06-15T10:00:00Z,claude-sonnet-4-6,2000000 > u.csv
	"$TALLY" ingest u.csv -q
	# net of credits; tax and the hours of a cache are no usage
	printf '%s\n' 'usage_start_time,sku.description,cost,currency,cost_type,credits,project.id' \
		'2026-06-15 10:00:00 UTC,Gemini 2.5 Flash GA Text Input - Predictions,0.40,USD,regular,"[{""name"":""promo"",""amount"":-0.1}]",p' \
		'2026-06-15 10:00:00 UTC,Gemini 2.5 Flash Input Caching Storage,0.05,USD,regular,[],p' \
		'2026-06-15 10:00:00 UTC,Tax,0.02,USD,tax,,p' > g.csv
	run "$TALLY" reconcile g.csv --json
	python3 - "$output" <<-'PY'
	import json, sys
	r = json.loads(sys.argv[1])
	l = {x["model"]: x for x in r["lines"]}
	assert l["gemini-2.5-flash"]["result"] == "matches", r
	assert sorted(o["kind"] for o in r["other"]) == ["fee", "tax"], r
	PY
	for bill in 'date,username,product,sku,model,quantity,unit_type,net_amount|2026-06-15,me,copilot,x,Claude Sonnet 4.6,3.6,requests,6.00' \
		'Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,Reasoning Tokens|2026-06-15,anthropic/claude-sonnet-4.6,6.00,0,3,2000000,0,0' \
		'day,model,total_cost,input_tokens,output_tokens,request_count|2026-06-15,anthropic/claude-sonnet-4.6,6.00,2000000,0,3' \
		'UsageDateTime,MeterName,PreTaxCost,Currency|2026-06-15,claude-sonnet-4-6,6.00,USD'; do
		echo "$bill" | tr '|' '\n' > b.csv
		run "$TALLY" reconcile b.csv --json
		[ "$(value matching)" = 1 ]
		[ "$(value billed)" = 6 ]
	done
}

@test "OpenCode's console states millionths of a cent" {
	printf '%s\n' id,time,model,input a,2026-05-14T01:00:00Z,claude-sonnet-4-6,2000000 >u.csv
	"$TALLY" ingest u.csv -q
	printf '%s\n' day,user_type,user_id,user_name,provider,model,requests,input_tokens,output_tokens,cache_read_tokens,cache_write_5m_tokens,cache_write_1h_tokens,cost_micro_cents,last_active_at \
		2026-05-14,member,user_1,me,anthropic,claude-sonnet-4-6,3,2000000,0,0,0,0,600000000,2026-05-14T10:00:00.000Z >o.csv
	run "$TALLY" reconcile o.csv --json
	expect 0 '"matching": 1' '"billed": "6"'
	run "$TALLY" ingest o.csv
	expect 1 'tally reconcile'
}

@test "Fireworks' costs by model are a bill, by key they are refused; a row of a document is named by its place" {
	printf '%s\n' id,time,provider,model,input a,2026-05-14T01:00:00Z,fireworks,deepseek-v3p1,10000000 >u.csv
	"$TALLY" ingest u.csv -q
	printf '%s\n' account_id,date,group_by_dimension,group_by_value,subtotal_usd,currency \
		my,2026-05-14,model,accounts/fireworks/models/deepseek-v3p1,5.600000000,USD >f.csv
	run "$TALLY" reconcile f.csv --json
	expect 0 '"matching": 1' "Fireworks' usage costs"
	sed 's/,model,acc.*v3p1/,api_key,key_4n/' f.csv >k.csv
	run "$TALLY" reconcile k.csv
	expect 1 "k.csv:2: the column 'group_by_dimension' says 'api_key'"
	bucket() { printf '{"input_tokens":%s,"output_tokens":200,"input_cached_tokens":0,"num_model_requests":3,"model":"%s"}' "$@"; }
	printf '{"object":"page","data":[{"object":"bucket","start_time":1781481600,"end_time":1781568000,"results":[%s,%s]}],"has_more":false}' \
		"$(bucket 1000 gpt-5-mini)" "$(bucket -1 gpt-5-nano)" >p.json
	run "$TALLY" replay p.json
	expect 3 "p.json:1: data[0].results[1]: field 'input_tokens': '-1' is not a whole number"
}

@test "whatever happened to invoices, every format adds up to the documents" {
	command -v python3 > /dev/null || skip "no python3"
	run python3 "$ROOT/tests/support/export_histories.py" "$TALLY" "${SEED:-20}" "${ROUNDS:-4}"
	[[ "$output" == [0-9]*" documents" ]] || fail "$output"
}
