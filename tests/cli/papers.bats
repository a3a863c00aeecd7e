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
