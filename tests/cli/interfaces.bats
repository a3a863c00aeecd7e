#!/usr/bin/env bats
# Bills as interfaces hand them out: lists within lists, objects of numbers, invoices with discounts, taxes and credits.
load common

usage() {
	export TALLY_DB=$DIR/r.db
	printf '%s\n' id,time,model,project,input,output a,2026-06-15T01:00:00Z,claude-sonnet-4-6,alpha,2000000,0 \
		b,2026-06-16T01:00:00Z,claude-haiku-4-5,beta,4000000,0 c,2026-06-16T01:00:00Z,gpt-4o-2024-11-20,beta,4000000,0 > u.csv
	"$TALLY" ingest u.csv -q # 6, 4 and 10 dollars
}

# The members of the answer that are named, "," between.
said() {
	"$TALLY" reconcile "$@" --json > said.json 2> said.err || true
	python3 -c 'import json, sys
d = json.load(open("said.json"))
print(*(d["counts"]["matches"] if k == "matches" else d[k] for k in ("billed", "metered", "unexplained")), len(d["other"]), sep=",")'
}

@test "LiteLLM's spend report by team and by customer, its spend by day, and by key for the days that are asked for" {
	command -v python3 > /dev/null || skip "no python3"
	usage
	for by in '"teams":[{"team_name":' '"customers":[{"customer":'; do
		cat > report.json <<-J
		[{"group_by_day":"2026-06-15T00:00:00+00:00",$by"alpha","total_spend":6,"metadata":[{"model":"claude-sonnet-4-6","spend":6,"total_tokens":2000000,"api_key":"88"}]}]},
		 {"group_by_day":"2026-06-16T00:00:00+00:00",$by"beta","total_spend":14,"metadata":[{"model":"claude-haiku-4-5","spend":4,"total_tokens":4000000,"api_key":"88"},
		  {"model":"gpt-4o-2024-11-20","spend":7.0,"total_tokens":4000000,"api_key":"89"},{"model":"gpt-4o-2024-11-20","spend":3.0,"total_tokens":4000000,"api_key":"88"}]}]}]
		J
		[ "$(said report.json)" = 20,20,0,0 ]
		[ "$(said report.json --project beta)" = 14,14,0,0 ]
	done
	cat > days.json <<-'J'
	[{"startTime":"2026-06-15","spend":6,"users":{"u":6},"88dc":6,"models":{"claude-sonnet-4-6":6}},
	 {"startTime":"2026-06-16","spend":14,"users":{"u":14},"88dc":14,"models":{"claude-haiku-4-5":4,"gpt-4o-2024-11-20":10}},{"startTime":"2026-06-17","spend":0,"users":{},"models":{}}]
	J
	[ "$(said days.json)" = 20,20,0,0 ]
	cat > keys.json <<-'J'
	[{"api_key":"88","total_cost":10,"total_input_tokens":6000000.0,"total_output_tokens":0.0,"model_details":[
	  {"model":"claude-sonnet-4-6","total_cost":6,"total_input_tokens":2000000,"total_output_tokens":0},{"model":"claude-haiku-4-5","total_cost":4,"total_input_tokens":4000000,"total_output_tokens":0}]},
	 {"api_key":"89","total_cost":10,"total_input_tokens":4000000.0,"total_output_tokens":0.0,"model_details":[
	  {"model":"gpt-4o-2024-11-20","total_cost":10,"total_input_tokens":4000000,"total_output_tokens":0}]}]
	J
	run "$TALLY" reconcile keys.json
	expect 1 "--since and --until"
	[ "$(said keys.json --since 2026-06-15 --until 2026-06-16)" = 20,20,0,0 ]
	# a table without days is of the days that are asked for, too
	printf 'model,cost\nclaude-sonnet-4-6,6\nclaude-haiku-4-5,4\ngpt-4o-2024-11-20,10\nTotal,20\n' > month.csv
	run "$TALLY" reconcile month.csv
	expect 1 "--since and --until"
	[ "$(said month.csv --since 2026-06-15 --until 2026-06-16)" = 20,20,0,0 ]
}

@test "the counts of a model are its own and not those of all beside it" {
	export TALLY_DB=$DIR/o.db
	printf '%s' '{"results":[{"date":"2026-06-15","metrics":{"spend":9,"prompt_tokens":3000000,"completion_tokens":0,"total_tokens":3000000,"api_requests":7},"breakdown":{"models":{' \
		'"claude-sonnet-4-6":{"spend":6,"prompt_tokens":2000000,"completion_tokens":0,"total_tokens":2000000,"api_requests":1},' \
		'"claude-haiku-4-5":{"spend":1,"prompt_tokens":1000000,"completion_tokens":0,"total_tokens":1000000,"api_requests":6}}}}],"metadata":{}}' > a.json
	run "$TALLY" ingest a.json -q
	[ "$status" -eq 0 ]
	run "$TALLY" usage --by model --json
	expect 0 '"requests": 7,' '"total": "7"' '"model": "claude-haiku-4-5", "records": 1, "requests": 6, "tokens": {"input": 1000000'
	# the same as newer versions write it
	export TALLY_DB=$DIR/n.db
	printf '%s' '{"results":[{"date":"2026-06-15","metrics":{"spend":9,"prompt_tokens":3000000,"completion_tokens":0,"api_requests":7},"breakdown":{"models":{' \
		'"claude-sonnet-4-6":{"metrics":{"spend":6,"prompt_tokens":2000000,"completion_tokens":0,"api_requests":1}},' \
		'"claude-haiku-4-5":{"metrics":{"spend":1,"prompt_tokens":1000000,"completion_tokens":0,"api_requests":6}}}}}],"metadata":{}}' > b.json
	run "$TALLY" ingest b.json -q
	[ "$status" -eq 0 ]
	run "$TALLY" usage --by model --json
	expect 0 '"requests": 7,' '"total": "7"' '"model": "claude-haiku-4-5", "records": 1, "requests": 6, "tokens": {"input": 1000000'
}

# An invoice of 6, 4 and 10 dollars, less a tenth of the first line, with a plan of 20, taxed with 19 %, and a credit of 5: 20 - 0.60 + 20 - 5 + 7.49 tax.
invoice() {
	cat <<-J
	{"id":"in_1","object":"invoice","currency":"usd","created":1782000000,"status":"$1","lines":{"object":"list","data":[
	{"id":"il_1","object":"line_item","amount":660,"currency":"usd","description":"2,200,000 × Claude Sonnet 4.6 input tokens (at \$0.000003)","period":{"start":1781481600,"end":1781568000},"quantity":2200000,"discount_amounts":[{"amount":60,"discount":"di_1"}]},
	{"id":"il_2","object":"line_item","amount":400,"currency":"usd","description":"claude-haiku-4-5 input tokens","period":{"start":1781568000,"end":1781654400},"quantity":null},
	{"id":"il_3","object":"line_item","amount":1000,"currency":"usd","description":"gpt-4o-2024-11-20 input","period":{"start":1781568000,"end":1781654400},"quantity":4000000},
	{"id":"il_4","object":"line_item","amount":2000,"currency":"usd","description":"Pro plan","period":{"start":1781568000,"end":1781654400},"quantity":1}],"has_more":$2},
	"subtotal":4060,"total_taxes":[{"amount":749,"tax_behavior":"exclusive"}],"total_discount_amounts":[{"amount":60,"discount":"di_1"}],
	"total_pretax_credit_amounts":[{"amount":60,"discount":"di_1","type":"discount"},{"amount":500,"type":"credit_balance_transaction"}],"total":4249}
	J
}

@test "an invoice of Stripe: discounts lower their lines, taxes, credits and plans stand apart, the total is a check" {
	command -v python3 > /dev/null || skip "no python3"
	usage
	invoice paid false > in.json
	[ "$(said in.json)" = 42.49,20,0,3 ]
	run "$TALLY" reconcile in.json
	expect 0 "3 match" "tax, no usage: Tax, 2026-06-16  \$7.49" "credit, no usage: Credit, 2026-06-16  -\$5" "other service, no usage: Pro plan"
	# the same in a list of invoices, in the event of a hook, and with a void one beside it
	{ printf '{"object":"list","has_more":false,"data":['; invoice paid false; printf ,; invoice void false | sed 's/in_1/in_2/'; printf ']}'; } > list.json
	[ "$(said list.json)" = 42.49,20,0,3 ]
	{ printf '{"object":"event","type":"invoice.paid","data":{"object":'; invoice paid false; printf '}}'; } > event.json
	[ "$(said event.json)" = 42.49,20,0,3 ]
	# lines alone: what is below them is not here
	python3 -c 'import json; json.dump(json.load(open("in.json"))["lines"], open("lines.json", "w"))'
	[ "$(said lines.json)" = 40,20,0,1 ]
	# more lines than are here, and a total that the lines do not add up to
	invoice paid true > part.json
	run "$TALLY" reconcile part.json
	expect 3 "one page of several"
	sed 's/"total":4249/"total":4250/' in.json > off.json
	run "$TALLY" reconcile off.json
	[ "$status" -ne 0 ]
	[[ "$output" == *total* ]]
	# the same invoice twice
	cp in.json again.json
	sed 's/"created":1782000000/"created":1782000001/' in.json > changed.json
	run "$TALLY" reconcile in.json changed.json
	expect 1 "earlier file"
}

@test "a credit note of Stripe gives back what it says, with its tax, on its day; a void one nothing" {
	command -v python3 > /dev/null || skip "no python3"
	usage
	invoice paid false > in.json
	# half of the first line: 3 less 0.15 of its discount, and 0.54 of tax
	note() {
		cat <<-J
		{"id":"cn_1","object":"credit_note","invoice":"in_1","currency":"usd","status":"$1","created":1781654400,"effective_at":1781600000,"amount":339,"lines":{"object":"list","has_more":$2,"data":[
		{"id":"cnli_1","object":"credit_note_line_item","amount":300,"description":"Claude Sonnet 4.6 tokens","quantity":1,"discount_amounts":[{"amount":15,"discount":"di_1"}],"tax_amounts":[{"amount":54,"inclusive":false}]}]},
		"discount_amounts":[{"amount":15,"discount":"di_1"}],"tax_amounts":[{"amount":54,"inclusive":false}],"subtotal":300,"total":339}
		J
	}
	note issued false > cn.json
	run "$TALLY" reconcile in.json cn.json
	expect 0 "3 match" "credit, no usage: claude-sonnet-4.6, 2026-06-16  -\$2.85" "tax, no usage: Tax, 2026-06-16  \$6.95" "billed      \$39.1"
	{ printf '{"object":"event","type":"credit_note.created","data":{"object":'; note issued false; printf '}}'; } > event.json
	{ printf '{"object":"list","has_more":false,"data":['; note issued false; printf ']}'; } > list.json
	note void false > void.json
	[ "$(said in.json event.json)" = 39.1,20,0,4 ]
	[ "$(said in.json list.json)" = 39.1,20,0,4 ]
	[ "$(said in.json void.json)" = 42.49,20,0,3 ]
	note issued true > part.json
	run "$TALLY" reconcile in.json part.json
	expect 3 "one page of several"
	# nor are the missing lines of an invoice in another invoice: only a page of its own lines has them
	invoice paid true > first.json
	invoice paid false | sed 's/in_1/in_2/; s/il_/ik_/g; s/17816544/17817408/g; s/17815680/17816544/g; s/17814816/17815680/g' > second.json
	run "$TALLY" reconcile first.json second.json
	[[ "$status" -ne 0 && "$output" == *"one page of several"* ]] || fail "$output"
	note issued false | sed 's/"total":339/"total":340/' > off.json
	run "$TALLY" reconcile in.json off.json
	expect 5 "row of totals"
	# a list of lines of a note does not say its currency
	python3 -c 'import json; json.dump(json.load(open("cn.json"))["lines"], open("lines.json", "w"))'
	run "$TALLY" reconcile lines.json
	expect 1
}

@test "a tax, credit or discount in a column of its own leaves the bill in doubt; lines may end in carriage returns alone" {
	command -v python3 > /dev/null || skip "no python3"
	usage
	rows() { printf '%s\n' "Day,Model,Cost,$1" "2026-06-15,claude-sonnet-4-6,6,$2" 2026-06-16,claude-haiku-4-5,4,0 2026-06-16,gpt-4o-2024-11-20,10,0; }
	for name in tax taxAmount 'VAT (19%)' MwSt. sales_tax IVA credits Discount Rabatt; do
		rows "$name" 1.14 > own.csv
		run "$TALLY" reconcile own.csv
		expect 3 "what may change the bill and was not read: $name" || return 1
		run "$TALLY" reconcile own.csv --map "none=$name"
		expect 0 "3 match" || return 1
		rows "$name" 0 > own.csv
		run "$TALLY" reconcile own.csv
		expect 0 "3 match" || return 1
	done
	for name in taxonomy 'unit price' latency; do
		rows "$name" 1.14 > own.csv
		run "$TALLY" reconcile own.csv
		expect 0 "3 match" || return 1
	done
	rows note x | tr '\n' '\r' > old.csv
	[ "$(said old.csv)" = 20,20,0,0 ]
	rows note x | tr '\n' '\r' | iconv -f UTF-8 -t UTF-16 > wide.csv
	[ "$(said wide.csv)" = 20,20,0,0 ]
	tr '\n' '\r' < u.csv > u_old.csv
	run "$TALLY" replay u_old.csv --json
	expect 0 '"records": 3' '"total": "20"'
	run "$TALLY" ingest u_old.csv --db "$DIR/old.db" --json
	expect 0 '"accepted": 3'
	for file in old.csv wide.csv; do # no usage
		run "$TALLY" ingest $file --db "$DIR/old.db"
		expect 1 "no column holds tokens" "Day,Model,Cost,note"
	done
}

@test "taxes that amounts include are no usage; yen have no cents" {
	command -v python3 > /dev/null || skip "no python3"
	usage
	cat > inside.json <<-'J'
	{"id":"in_1","object":"invoice","currency":"usd","lines":{"object":"list","has_more":false,"data":[
	{"id":"il_1","object":"line_item","amount":714,"currency":"usd","description":"Claude Sonnet 4.6 tokens","period":{"start":1781481600,"end":1781568000},"tax_amounts":[{"amount":114,"inclusive":true}]},
	{"id":"il_2","object":"line_item","amount":400,"currency":"usd","description":"claude-haiku-4-5 input tokens","period":{"start":1781568000,"end":1781654400}},
	{"id":"il_3","object":"line_item","amount":1000,"currency":"usd","description":"gpt-4o-2024-11-20 input","period":{"start":1781568000,"end":1781654400}}]},
	"total_tax_amounts":[{"amount":114,"inclusive":true}],"total":2114}
	J
	[ "$(said inside.json)" = 21.14,20,0,1 ]
	sed 's/"usd"/"jpy"/g' inside.json > yen.json
	run "$TALLY" reconcile yen.json
	expect 1 "the bill is in JPY"
	# dinars have a thousand coins; krónur have none, and are counted in hundredths
	for coins in jpy=2114 kwd=2.114 isk=21.14; do
		code=${coins%=*}
		sed "s/\"usd\"/\"$code\"/g" inside.json > coins.json
		printf '%s' '{"schema": "tally.card/1", "provider": "anthropic", "prices": [{"model": "claude-sonnet-4-6", "currency": "'${code^^}'", "from": "2026-01-01", "rates": {"input": "300", "output": "1500"}, "source": "a list", "sure": "stated"}]}' > coins.card
		run "$TALLY" reconcile coins.json --currency "${code^^}" --prices coins.card --json
		[[ "$output" == *"\"billed\": \"${coins#*=}\""* ]] || fail "$coins: $output"
	done
}

@test "what stands beside a table counts: a page of several, a total in words, its currency; included is not charged" {
	command -v python3 > /dev/null || skip "no python3"
	usage
	local rows='Day,Model,Kind,Cost
2026-06-15,claude-sonnet-4-6,usage,6
2026-06-16,claude-haiku-4-5,usage,4
2026-06-16,gpt-4o-2024-11-20,usage,10'
	for page in 'Page 1 of 2' 'Seite 1 von 2' 'Página 1 de 2' 'page 1 / 2'; do
		printf 'Usage report\n%s\n%s\n' "$page" "$rows" > first.csv
		run "$TALLY" reconcile first.csv
		expect 3 "1 of the bill's 2 pages are missing" || return 1
	done
	{ printf 'Page 1 of 2\n'; head -2 <<<"$rows"; } > first.csv
	{ printf 'Page 2 of 2\n'; sed 2d <<<"$rows"; } > second.csv
	[ "$(said first.csv second.csv)" = 20,20,0,0 ]
	run "$TALLY" reconcile first.csv second.csv
	expect 0 "3 match"
	printf 'Page 1 of 1\n%s\nTotal: $20.00\n' "$rows" > whole.csv
	run "$TALLY" reconcile whole.csv
	expect 0 "3 match"
	printf '%s\nTotal: $21.00\n' "$rows" > off.csv
	run "$TALLY" reconcile off.csv
	expect 5 "row of totals is not the sum"
	printf '%s\nTotal,,,EUR 20.00\n' "$rows" > euros.csv
	run "$TALLY" reconcile euros.csv
	expect 1 "the bill is in EUR"
	sed 's/6,usage,6/6,Included,6/' <<<"$rows" > plan.csv
	[ "$(said plan.csv)" = 14,20,-6,0 ]
	# a draft was charged to nobody
	invoice paid false > in.json
	{ printf '{"object":"list","has_more":false,"data":['; invoice paid false; printf ,; invoice draft false | sed 's/in_1/in_2/'; printf ']}'; } > list.json
	[ "$(said list.json)" = 42.49,20,0,3 ]
}

@test "dates as a spreadsheet keeps them, and rows of totals in other languages" {
	command -v python3 > /dev/null || skip "no python3"
	usage
	for total in Totale Totaal 合計 総計 Totaux Totales; do
		printf 'Date;Model;Cost\n46188;claude-sonnet-4-6;6,00\n46189,25;claude-haiku-4-5;4,00\n46189,99;gpt-4o-2024-11-20;10,00\n%s;;20,00\n' $total > s.csv
		[ "$(said s.csv)" = 20,20,0,0 ] || fail "$total: $(cat said.err)"
	done
	printf 'Date,Model,Cost\n19999,claude-sonnet-4-6,6\n' > early.csv
	run "$TALLY" reconcile early.csv
	expect 1 "is not an instant"
}
