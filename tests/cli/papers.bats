#!/usr/bin/env bats
# Papers that one sends: the first page of an invoice, and reports that are one file.
load common

# An account with so many projects that its invoice does not fit on a page.
billed() { # projects
	export TALLY_DB=$PWD/papers.db
	"$TALLY" credit account acme --plan vm0 --since 2026-01-01 -q
	{
		echo id,time,model,customer,project,input,cache_read,output
		for i in $(seq 1 "$1"); do echo "r$i,2026-10-05T00:00:00Z,deepseek-v4-pro,acme,project-$i,1000$i,20$i,3$i"; done
	} >papers.csv
	"$TALLY" ingest papers.csv -q
	"$TALLY" invoice draft acme --period 2026-10 -q >draft.txt
	"$TALLY" invoice finalize '#1' -q >final.txt
}
page() { # document, page
	pdftotext -layout -f "$2" -l "$2" "$1" - | sed 's/[[:space:]][[:space:]]*/ /g'
}

@test "the first page of an invoice says who, what, how much and by when; the detail follows" {
	command -v pdftotext >/dev/null || skip "there is no pdftotext"
	billed 60
	"$TALLY" invoice show 2026-000001 --format pdf -o many.pdf -q
	total=$("$TALLY" invoice show 2026-000001 --json | sed -n 's/.*"total": "\([0-9.]*\)".*/\1/p' | head -n 1)
	page many.pdf 1 >first
	grep -q 'acme' first || fail "no customer: $(cat first)"
	grep -Eq 'Amount due .* credits by 20[0-9-]{8}' first || fail "nothing asked for: $(cat first)"
	grep -q '^ *Total' first || fail "no total: $(cat first)"
	grep -Eq '[0-9]+ others, see the detail' first || fail "no rest: $(cat first)"
	page many.pdf 2 | grep -q '^ *Detail' || fail "no detail on page 2"
	# the summary comes to the total, to the cent
	sed -n '/Summary/,/Total/p' first | sed -n 's/^.* \([0-9,]*\.[0-9][0-9]\) *$/\1/p' | tr -d , |
		awk '{ n += $1 * 100 } END { printf "%d\n", n + .5 }' >sum
	[ "$(cat sum)" = "$(echo "$total" | awk '{ printf "%d\n", $1 * 100 + .5 }')" ] || fail "$(cat sum) is not $total: $(cat first)"
}

@test "an invoice that fits stays on one page, and its HTML says how much and by when" {
	command -v pdftotext >/dev/null || skip "there is no pdftotext"
	billed 3
	"$TALLY" invoice show 2026-000001 --format pdf -o few.pdf -q
	[ "$(pdfinfo few.pdf | sed -n 's/^Pages: *//p')" = 1 ] || fail "$(pdfinfo few.pdf)"
	page few.pdf 1 | grep -q 'input tokens' || fail "no detail"
	"$TALLY" invoice show 2026-000001 --format html -o few.html -q
	grep -Eq 'Amount due</span> <strong>[0-9.,]+ credits by 20' few.html || fail "nothing asked for"
}

@test "a report is one small file: its pictures are SVG, no library of charts comes along" {
	printf 'id,time,model,input,output\na,2026-10-05T00:00:00Z,deepseek-v4-pro,1000,100\n' >t.csv
	"$TALLY" whatif t.csv --scenario recorded --scenario flash=deepseek-v4-flash --html r.html -q >out
	grep -q 'vector-effect' r.html || fail "no pictures"
	! grep -qi 'chart\.js' r.html || fail "a library"
	[ "$(wc -c <r.html)" -lt 100000 ] || fail "$(wc -c <r.html) bytes"
}

# An account with those terms, and what it used: deepseek-v4-pro at and off peak, and two vendors of a model.
used() { # terms
	export TALLY_DB=$PWD/papers.db
	printf '%s\n' "$1" >terms.json
	"$TALLY" credit account acme --plan vm0 --since 2026-01-01 --terms terms.json -q
	{
		echo id,time,model,customer,project,input,cache_read,output
		for h in 02 07 14 20; do echo "r$h,2026-10-13T$h:00:00Z,deepseek-v4-pro,acme,web,1000000,0,0"; done
		echo "long,2026-10-13T10:00:00Z,gemini-2.5-pro,acme,web,300000,0,1000"
		echo "short,2026-10-13T10:00:00Z,gemini-2.5-pro,acme,web,100000,0,1000"
	} >used.csv
	"$TALLY" ingest used.csv -q || [ $? = 3 ] # the plan lacks one of the models
	"$TALLY" invoice draft acme --period 2026-10 -q >draft.txt
	"$TALLY" invoice finalize '#1' -q >final.txt
}

@test "lines that differ in their price only say why; prices are in the order of their numbers" {
	used '{"currency": "USD"}'
	run "$TALLY" invoice show 2026-000001
	expect 0 'input tokens (off-peak hours)' 'input tokens (peak hours)' 'input tokens (prompt length, step 1)' 'output tokens (prompt length, step 2)'
	run sh -c '"$1" invoice show 2026-000001 --json | grep -o "\"why\": *{[^}]*}" | sort | uniq -c | tr -s " "' sh "$TALLY"
	expect 0 '1 "why":{"window":"peak"}' '2 "why":{"step":"1"}'
	run "$TALLY" invoice show 2026-000001 --csv
	case $output in *'peak hours'*) fail "data keeps its names" ;; esac
}

@test "a price of tiers says what was multiplied, one of packages their size; a difference has none of it" {
	export TALLY_DB=$PWD/tiers.db
	echo '{"currency": "USD", "usage": false, "metered": [
	       {"description": "Calls", "of": "requests", "pricing": {"graduated": [{"up_to": "2", "unit": "0"}, {"up_to": "5", "unit": "0.25", "flat": "1.5"}, {"unit": "0.1"}]}},
	       {"description": "Packs", "of": "input", "pricing": {"package": {"size": "400000", "price": "3", "free": "100000"}}}]}' >terms.json
	"$TALLY" credit account acme --plan vm0 --since 2026-01-01 --terms terms.json -q
	for i in 1 2 3 4 5 6 7; do echo "{\"id\":\"g$i\",\"time\":\"2026-10-0$i\",\"model\":\"claude-sonnet-4-6\",\"customer\":\"acme\",\"input\":200000}"; done >u.jsonl
	"$TALLY" ingest u.jsonl -q
	"$TALLY" invoice draft acme --period 2026-10 -q >draft.txt
	# 2 x 0 + 3 x 0.25 + 1.5 + 2 x 0.1 = 2.45; 1,300,000 in packages of 400,000: four of 3
	run "$TALLY" invoice show '#1'
	expect 0 'requests (2 × 0 + 3 × 0.25 + 1.5 + 2 × 0.1)' '$2.45' 'input tokens (packages of 400,000, the first 100,000 free)' '$12.00' '$14.45'
	run "$TALLY" invoice show '#1' --language de
	expect 0 '(2 × 0 + 3 × 0,25 + 1,5 + 2 × 0,1)' 'Pakete zu 400.000, die ersten 100.000 frei'
	"$TALLY" invoice finalize '#1' -q >final.txt
	echo '{"id":"g8","time":"2026-10-08","model":"claude-sonnet-4-6","customer":"acme","input":1}' | "$TALLY" ingest - -q
	"$TALLY" invoice draft acme --period 2026-11 -q >draft.txt
	run "$TALLY" invoice show '#2'
	expect 0 'adjustment of 2026-000001' '$0.10'
	case $output in *'×'*) fail "a difference goes through no tiers: $output" ;; esac
	# a price of the whole volume that has a part of its own: 7 x 0.1 + 5, and no product where it has none
	echo '{"currency":"USD","usage":false,"metered":[
	       {"description": "Calls", "of": "requests", "pricing": {"volume": [{"up_to": "2", "unit": "0.2"}, {"unit": "0.1", "flat": "5"}]}},
	       {"description": "Same", "of": "requests", "pricing": {"volume": [{"unit": "0.3"}]}}]}' >terms.json
	"$TALLY" credit account beta --plan vm0 --since 2026-01-01 --terms terms.json -q
	sed 's/acme/beta/; s/"g/"b/' u.jsonl | "$TALLY" ingest - -q
	"$TALLY" invoice draft beta --period 2026-10 -q >draft.txt
	run "$TALLY" invoice show '#3'
	expect 0 'requests (7 × 0.1 + 5)' '$5.70' '$2.10' '$7.80'
	case $output in *'× 0.3'*) fail "what is multiplied stands beside it: $output" ;; esac
}

@test "papers speak the language of the terms, or the one that is asked for; data does not" {
	used '{"currency": "USD", "language": "de", "minimum": "2000", "discount_percent": "7.5", "taxes": [{"name": "USt", "percent": "19"}],
	       "payment": ["IBAN DE89 3704 0044 0532 0130 00"], "issuer": {"name": "Kerbholz GmbH"}}'
	run "$TALLY" invoice show 2026-000001
	expect 0 'Rechnung 2026-000001' '01.10.2026 bis 31.10.2026' 'Eingabe-Token (Hauptzeit)' 'bis zum vereinbarten Mindestbetrag' '7,5 % Rabatt' 'USt 19 %' '2.201,50 $' 'Verwendungszweck: 2026-000001' offen
	run "$TALLY" invoice show 2026-000001 --language ja
	expect 0 '請求書 2026-000001' '入力トークン' '2026年10月01日'
	run "$TALLY" invoice show 2026-000001 --language zh
	expect 0 '账单' '输入 token'
	run "$TALLY" invoice show 2026-000001 --language xx
	expect 2 "no labels in 'xx'" 'de, en, ja, zh'
	run "$TALLY" invoice show 2026-000001 --csv
	expect 0 'up to the agreed minimum' '7.5 % discount' 351.5
	run "$TALLY" invoice show 2026-000001 --format html
	expect 0 '<html lang="de">' 'Zu zahlen'
	# a credit note is of the same make, and a yen has no cents
	run "$TALLY" invoice note 2026-000001 --amount 119 --why Kulanz
	run "$TALLY" invoice show CN-2026-000001
	expect 0 'Gutschrift CN-2026-000001' 'Kerbholz GmbH' 'Gutschrift zu Rechnung 2026-000001: Kulanz' '-119,00 $' '-19,00 $'
	for wrong in '"language": "tlh"' '"payment": 7' '"issuer": "me"' '"issuer": {"logo": "logo.png"}' '"issuer": {"logo": "data:image/png;base64,AAAA"}' '"customer": {"address": {"street": "x"}}'; do
		echo "{$wrong}" >wrong.json
		run "$TALLY" credit account other --terms wrong.json
		[ "$status" -eq 2 ] || fail "$wrong"
	done
}

@test "a statement of a time before the first invoice says who it is from, in the language of the terms" {
	echo '{"currency":"USD","language":"de","issuer":{"name":"Northwind"},"customer":{"name":"Acme"},"items":[{"description":"Seat","amount":"10"}]}' >terms.json
	"$TALLY" credit account acme --plan vm0 --since 2026-01-01 --terms terms.json -q
	"$TALLY" invoice draft acme --period 2026-06 -q >draft.txt
	"$TALLY" invoice finalize '#1' -q >final.txt
	run "$TALLY" invoice statement acme --since 2026-06-01 --until 2026-06-30
	expect 0 Kontoauszug Northwind Acme 'Keine Rechnung'
}
@test "a credit note in yen shows no cents" {
	used '{"currency": "JPY", "usage": false, "items": [{"description": "Seat", "amount": "1000"}]}'
	"$TALLY" invoice note 2026-000001 --amount 300 --why x -q >note.txt
	run "$TALLY" invoice show CN-2026-000001
	expect 0 '-300 JPY'
	case $output in *300.00*) fail "cents" ;; esac
}

@test "a PDF has its picture and its mark on each page, says what no font has, and ends with no page of one line" {
	command -v pdftotext >/dev/null || skip "there is no pdftotext"
	logo=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==
	echo '{"currency": "USD", "issuer": {"name": "Me", "logo": "data:image/png;base64,'$logo'"}, "customer": {"name": "Name \uF8FE"}}' >terms.json
	export TALLY_DB=$PWD/papers.db
	# pages of detail that end after any number of lines
	for n in 20 21 22 23 24 25 26 27; do
		"$TALLY" credit account "c$n" --plan vm0 --since 2026-01-01 --terms terms.json -q
		{
			echo id,time,model,customer,project,input,output
			for i in $(seq 1 "$n"); do echo "c$n-$i,2026-10-05T00:00:00Z,gpt-5,c$n,project-$i,1000000,$((i % 2 * 1000000))"; done
		} >n.csv
		"$TALLY" ingest n.csv -q || [ $? = 3 ]
		"$TALLY" invoice draft "c$n" --period 2026-10 -q >draft.txt
	done
	for id in 1 2 3 4 5 6 7 8; do
		run "$TALLY" invoice show "#$id" --format pdf -o d.pdf --paper letter
		expect 0 'no font of this machine has every letter' 'Name'
		pages=$(pdfinfo d.pdf | sed -n 's/^Pages: *//p')
		[ "$pages" -ge 2 ] || fail "$pages pages"
		pdftotext -raw -f "$pages" d.pdf - | tr -d '[:space:]' | grep -q DRAFT || fail "no mark: $(pdftotext -raw -f "$pages" d.pdf -)"
		[ "$(page d.pdf "$pages" | grep -c '\$')" -ge 3 ] || fail "#$id ends with $(page d.pdf "$pages")"
		pdfimages -list d.pdf | grep -q ' 1 *1 ' || fail "no picture: $(pdfimages -list d.pdf)"
	done
}

@test "a workbook of an invoice: titles stay in view, days are days, and totals are formulas with their values" {
	used '{"currency": "USD", "taxes": [{"name": "VAT", "percent": "19"}]}'
	"$TALLY" invoice show 2026-000001 --format xlsx -o one.xlsx -q
	python3 - <<-'P'
	import re, zipfile
	z = zipfile.ZipFile("one.xlsx")
	sheet = z.read("xl/worksheets/sheet1.xml").decode()
	assert 'state="frozen"' in sheet and "<autoFilter" in sheet, sheet[:900]
	cells = dict(re.findall(r'<c r="([A-Z]+\d+)"[^>]*>(.*?)</c>', sheet))
	sums = [(k, c) for k, c in cells.items() if "<f>" in c]
	assert len(sums) == 2, sums
	lines = [float(re.search(r"<v>(.*)</v>", cells[f"H{r}"]).group(1)) for r in range(11, 40) if f"H{r}" in cells and f"E{r}" in cells]
	subtotal = float(re.search(r"<v>(.*)</v>", sums[0][1]).group(1))
	assert abs(sum(lines) - subtotal) < 1e-9, (lines, subtotal)
	assert re.search(r"ROUND\(SUM\(H11:H%d\),2\)" % (10 + len(lines)), sums[0][1]), sums
	assert re.match(r"<v>\d{5}</v>", cells["B5"]), cells["B5"]
	P
}
