#!/usr/bin/env bats
# tally usage as a report to hand on: the figures and remarks of the table, in one file.
bats_require_minimum_version 1.5.0
load common

@test "usage as HTML and PDF: the table's figures and remarks, names as text, one form at a time" {
	printf 'id,time,model,customer,input,output\na1,2026-06-03T10:00:00Z,deepseek-v4-flash,acme,1000000,100\na2,2026-06-04T10:00:00Z,deepseek-v4-pro,<b>,2000000,100\na3,2026-06-04T10:00:00Z,nosuch,x,5,5\n' >u.csv
	"$TALLY" ingest u.csv --quiet || [ $? = 3 ]
	run "$TALLY" usage -z UTC --by day,customer --format html -o u.html
	expect 3
	# 1,000,000 x 0.14 + 100 x 0.28 and 2,000,000 x 0.435 + 100 x 0.87 per million
	for part in '<h1>Usage</h1>' 'everything that was metered; days and hours of UTC' '&gt;= $1.010115</strong>' '>2026-06-03</td><td data-of="CUSTOMER">acme</td>' '>$0.140028</td>' '>&lt;b&gt;</td>' '1 record without a price, so totals are lower bounds' '<li>1 x nosuch: model &#39;nosuch&#39; is in no price card' 'data-of="COST">no price</td>' 'class="bar"'; do
		grep -qF -- "$part" u.html || fail "$part is not there: $(cat u.html)"
	done
	! grep -qE '<script|<b>|https?:|\$0(\.00)?<' u.html
	run "$TALLY" usage -z UTC --customer acme --since 2026-06-01 --until 2026-06-30 --format html
	expect 0 'from 2026-06-01 to 2026-06-30, of the customer acme' '<strong>$0.140028</strong>'
	[[ $output != *nosuch* ]] || fail "what is left out is told"
	run "$TALLY" usage -z UTC --by model --format pdf -o u.pdf; expect 3
	[ "$(head -c 5 u.pdf)" = %PDF- ] || fail "no PDF"
	run "$TALLY" usage -z UTC --json -o u.json; expect 3
	"$TALLY" usage -z UTC --json | cmp - u.json || [ "${PIPESTATUS[1]}" = 0 ]
	for wrong in "--json --format html" "--csv --format html" "--csv -o x" "-o x"; do run "$TALLY" usage $wrong; expect 2; done
	[ ! -e x ]
	run "$TALLY" usage --html x; expect 2 '--format html -o FILE'
}
