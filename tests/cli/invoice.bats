#!/usr/bin/env bats
# Invoices: their figures by hand, their formats, their numbers through kills, adjustments, notes.
# with sanitizers, too
load common

setup_usage() {
	export TALLY_DB=$DIR/t.db
	cat > terms.json <<'END'
{"currency": "USD", "issuer": {"name": "Works <GmbH> & Co", "address": ["Street 1", "Town"]}, "items": [{"description": "Team plan", "amount": "40"}],
 "metered": [{"description": "Support", "of": "requests", "pricing": {"graduated": [{"up_to": "2", "unit": "0"}, {"unit": "1.5"}]}}],
 "markup": [{"percent": "10"}], "discount_percent": "5", "taxes": [{"name": "VAT", "percent": "19"}]}
END
	"$TALLY" credit account acme --plan vm0 --since 2026-06-01 --timezone Europe/Berlin --terms terms.json -q
	"$TALLY" credit account beta --plan vm0 --since 2026-06-01 -q
	"$TALLY" credit grant beta 100 --id welcome --effective 2026-06-01 -q
	cat > u.csv <<'END'
id,time,model,customer,project,input,output
a,2026-05-31T22:30:00Z,deepseek-v4-pro,acme,web,10000000,1000000
b,2026-06-15T00:00:00Z,deepseek-v4-pro,acme,web,10000000,1000000
c,2026-06-30T21:59:00Z,deepseek-v4-pro,acme,web,1000000,0
d,2026-06-30T22:01:00Z,deepseek-v4-pro,acme,web,1000000,0
e,2026-06-15T00:00:00Z,claude-sonnet-4-6,beta,,100000,10000
END
	"$TALLY" ingest u.csv -q
}

@test "lines, discount, tax and total by hand, in the customer's zone" {
	setup_usage
	run "$TALLY" invoice draft acme --period 2026-06 --json
	# a, b and c lie in June in Berlin: 21 M input at 0.4785, 2 M output at 0.957 with the markup
	expect 0 '"schema": "tally.invoice/1"' '"status": "draft"' '"number": null' '"quantity":"21000000","unit_price":"0.4785"' '"amount":"10.05"' \
		'"quantity":"2000000","unit_price":"0.957"' '"amount":"1.91"'
	# 40 + 10.05 + 1.91 + 3 calls at 0, 0, 1.5 = 53.46; 5 % off: 2.67; 19 % of 50.79 = 9.65
	expect 0 '"subtotal": "50.79"' '"total": "60.44"' '"residual"'
	run "$TALLY" invoice show '#1'
	expect 0 "Draft invoice" "Team plan" "VAT 19 %" "60.44" "2026-06-01 to 2026-06-30 (Europe/Berlin)"
}

@test "credits: drawn by the plan, paid by grants, the rest is asked for" {
	setup_usage
	run "$TALLY" invoice draft beta --period 2026-06 --json
	# 100,000 at 3,000 and 10,000 at 15,000 credits a million
	expect 0 '"currency": "credits"' '"amount":"300"' '"amount":"150"' '"subtotal": "450"' '"credits_applied": "100"' '"total": "350"'
	run "$TALLY" invoice finalize --all --json
	expect 0 '"total": "350"'
	run "$TALLY" credit balance beta --json
	expect 4 '"owed": "0"'
	run "$TALLY" credit ledger beta
	expect 0 "billed"
	# from the grant to the call that it paid and the invoice that shows it
	run "$TALLY" credit trace beta welcome --usage --json
	expect 0 '"amount": "-100"' '"model": "claude-sonnet-4-6", "calls": 1' '"invoices": ["2026-000001"]'
	run "$TALLY" credit trace beta welcome -u
	expect 0 "1 of claude-sonnet-4-6" "2026-000001"
}

@test "numbers, immutability, adjustments on the next invoice" {
	setup_usage
	"$TALLY" invoice draft --all --period 2026-06 -q
	run "$TALLY" invoice finalize --all
	expect 0 "-000001" "-000002"
	year=$(date -u +%Y)
	run "$TALLY" invoice finalize '#1'
	expect 1 "final already"
	run sql t.db "UPDATE invoice SET total='0' WHERE id=1"
	[ "$status" -ne 0 ]
	# a late record and a correction: each stands on the next invoice, with the number that it corrects
	printf 'id,time,model,customer,project,input,output\nl,2026-06-20T00:00:00Z,deepseek-v4-pro,acme,web,1000000,0\n' > late.csv
	"$TALLY" ingest late.csv -q
	"$TALLY" amend b --set output=0 --why test -q
	before=$("$TALLY" invoice show $year-000001 --format json)
	run "$TALLY" invoice draft acme --period 2026-07 --json
	expect 0 "adjustment of $year-000001" '"quantity":"1000000","unit_price":"0.4785"' '"quantity":"-1000000","unit_price":"0.957"' "\"corrects\":\"$year-000001\""
	[ "$before" = "$("$TALLY" invoice show $year-000001 --format json)" ]
	"$TALLY" invoice finalize --all -q
	# invoiced once: the one after has nothing left to adjust
	run "$TALLY" invoice draft acme --period 2026-08 --json
	expect 0
	case $output in *adjustment*) fail "adjusted twice" ;; esac
	run "$TALLY" fsck
	expect 0 "clean"
}

@test "void, and credit notes up to what is left" {
	setup_usage
	year=$(date -u +%Y)
	"$TALLY" invoice draft --all --period 2026-06 -q
	"$TALLY" invoice finalize --all -q
	run "$TALLY" invoice note $year-000001 --amount 10.44 --why outage --json
	expect 0 "\"number\": \"CN-$year-000001\"" '"total": "-10.44"'
	run "$TALLY" invoice note $year-000001 --amount 50.01 --why more
	expect 4 "50 is left"
	run "$TALLY" invoice note $year-000001 --why all --json
	expect 0 '"total": "-50"'
	run "$TALLY" invoice void $year-000002 --why wrong
	expect 0
	run "$TALLY" invoice show $year-000002
	expect 0 "(VOID)"
	run "$TALLY" invoice draft beta --period 2026-06 --json
	expect 0 '"credits_applied": "100"'
	run "$TALLY" invoice draft acme --since 2026-06-10 --until 2026-06-20
	expect 1 "covers part of that period"
	run "$TALLY" invoice void $year-000002 --why again
	expect 1 "only a final invoice"
	run "$TALLY" fsck
	expect 0 "clean"
}

@test "every format, the same bytes again, and hostile names stay text" {
	setup_usage
	year=$(date -u +%Y)
	printf 'id,time,model,customer,project,input,output\nz,2026-06-20T00:00:00Z,deepseek-v4-pro,acme,<script>alert(1)</script>,1000000,0\n' > h.csv
	"$TALLY" ingest h.csv -q
	"$TALLY" invoice draft acme --period 2026-06 -q
	"$TALLY" invoice finalize --all -q
	for f in text html pdf csv json xlsx; do
		"$TALLY" invoice show $year-000001 --format $f -o a.$f
		sleep 0.1
		"$TALLY" invoice show $year-000001 --format $f -o b.$f
		cmp a.$f b.$f
	done
	[ "$(head -c 5 a.pdf)" = "%PDF-" ]
	"$TALLY" invoice show $year-000001 --format pdf --paper letter -o l.pdf
	! cmp -s a.pdf l.pdf
	grep -q '&lt;script&gt;' a.html
	! grep -q '<script' a.html
	grep -q 'Works &lt;GmbH&gt; &amp; Co' a.html
	if command -v pdftotext; then
		pdftotext -layout a.pdf - | grep -q "page 1 of"
		pdftotext a.pdf - | grep -q "Team plan"
	fi
	run "$TALLY" invoice show $year-000009
	expect 1 "no invoice"
}

@test "kill -9 while finalizing: no gap, no double, no half invoice" {
	export TALLY_DB=$DIR/t.db
	awk 'BEGIN { for (i = 0; i < 150; i++) printf "{\"op\":\"grant\",\"customer\":\"c%d\",\"id\":\"g\",\"amount\":\"5\",\"effective\":\"2026-06-01T00:00:00Z\"}\n", i }' > g.jsonl
	for i in $(seq 0 149); do echo "c$i"; done > names
	awk 'BEGIN { print "id,time,model,customer,input,output"; for (i = 0; i < 600; i++) printf "r%d,2026-06-%02dT00:00:00Z,claude-sonnet-4-6,c%d,%d,10\n", i, 1 + i % 28, i % 150, 1000 + i }' > u.csv
	first=1
	while read -r c; do
		if [ $first = 1 ]; then "$TALLY" credit account "$c" --plan vm0 --since 2026-06-01 -q; first=0
		else sql t.db "INSERT INTO credit_account(customer,plan,plan_text,byo,overage,overage_limit,burn_order,zone,anchor_day,low_balance,terms,since,opened) SELECT '$c',plan,plan_text,byo,overage,overage_limit,burn_order,zone,anchor_day,low_balance,terms,since,opened FROM credit_account WHERE customer='c0'; INSERT INTO credit_state SELECT max(id),0,0,0 FROM credit_account"; fi
	done < names
	"$TALLY" credit post g.jsonl -q
	"$TALLY" ingest u.csv -q
	"$TALLY" invoice draft --all --period 2026-06 -q
	for i in $(seq ${TALLY_KILLS:-20}); do
		"$TALLY" invoice finalize "#$((i * 3))" "#$((i * 3 + 1))" "#$((i * 3 + 2))" -q >/dev/null 2>&1 &
		pid=$!
		sleep 0.0$((RANDOM % 3))$((RANDOM % 9))
		kill -9 $pid 2>/dev/null || true
		wait $pid 2>/dev/null || true
	done
	run "$TALLY" fsck
	expect 0 "clean"
	run "$TALLY" invoice finalize --all
	expect 0
	run "$TALLY" fsck
	expect 0 "clean"
	# 150 numbers, 1 to 150
	[ "$(sql t.db "SELECT count(DISTINCT number)||' '||max(substr(number,length(number)-5))||' '||min(substr(number,length(number)-5)) FROM invoice WHERE status='final'")" = "150 000150 000001" ]
}
