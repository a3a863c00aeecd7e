load common
load server
# What the page does beyond looking: amends, accounts and terms, offers, a bill that is uploaded, workbooks. One server, many questions.

check() {
	[ "${lines[-1]}" = 200 ] || fail "status ${lines[-1]}: $output"
	printf '%s\n' "${lines[@]:0:${#lines[@]}-1}" | python3 -c "
import json, sys
d = json.load(sys.stdin)
$1" || fail "$output"
}
# What is changed is first asked with a member, and with a parameter, that nobody knows: each is refused by its name, and nothing is done.
ask() {
	local strange= stray=
	if [ -n "${2-}" ]; then
		get -H "Authorization: Bearer $boss" "$URL/v1/$1" -d "${2%\}},\"zork\":1}"; strange=$output
		get -H "Authorization: Bearer $boss" "$URL/v1/$1?zork=1" -d "$2"; stray=$output
	fi
	get -H "Authorization: Bearer $boss" "$URL/v1/$1" ${2:+-d "$2"}
	if [ -n "${2-}" ] && [ "${lines[-1]}" = 200 ]; then
		[[ "$strange" = *"unknown "*zork* ]] || fail "$1 takes any member: $strange"
		[[ "$stray" = *"unknown parameter 'zork'"*400 ]] || fail "$1 takes any parameter: $stray"
	fi
}
upload() { # settings, file
	settings=$(python3 -c 'import sys,urllib.parse; print(urllib.parse.quote(sys.argv[1]))' "$1")
	get -H "Authorization: Bearer $boss" --data-binary "@$2" "$URL/v1/reconcile?settings=$settings"
}
teardown() { [ -z "${SERVER-}" ] || kill "$SERVER" 2>/dev/null || true; }

@test "over HTTP: amend, accounts with dated plans and terms, offers, recurring grants, each in the trail" {
	printf 'id,time,model,customer,input,output\na1,2026-06-03T10:00:00Z,deepseek-v4-flash,acme,1000000,100\na2,2026-06-04T10:00:00Z,deepseek-v4-flash,=cmd|x,1000,100\n' >u.csv
	"$TALLY" ingest u.csv --quiet
	for who in "boss read,admin" "eye read"; do
		"$TALLY" token ${who% *} --scope ${who#* } --file tokens --json >t.json
		eval "${who% *}=\$(sed -n 's/.*\"token\": \"\\([^\"]*\\)\".*/\\1/p' t.json)"
	done
	"$TALLY" token own --scope read --customer acme --file tokens --json >t.json
	own=$(sed -n 's/.*"token": "\([^"]*\)".*/\1/p' t.json)
	serve --tokens tokens
	for path in accounts accounts/draw subscriptions records/amend; do
		for token in $eye $own; do get -H "Authorization: Bearer $token" -d '{}' "$URL/v1/$path"; expect 0 denied 403; done
	done
	for path in plans offers; do get -H "Authorization: Bearer $own" "$URL/v1/$path"; expect 0 denied 403; done
	get -H "Authorization: Bearer $own" -d '{}' "$URL/v1/reconcile"; expect 0 denied 403
	# a record
	ask records/amend '{"id":"a1","set":{"output":"120","project":"web"},"why":"cut"}'; expect 0 200
	ask records/amend '{"id":"a1","set":{"prompt":"5"},"why":"x"}'; expect 0 "'prompt' cannot be set" 400
	ask records/amend '{"id":"a1","set":{"output":"many"},"why":"x"}'; expect 0 output 422
	ask records/amend '{"id":"a1","set":{},"why":"x"}'; expect 0 400
	ask records/amend '{"id":"a1","set":{"output":5}}'; expect 0 "'why' is missing" 400
	run "$TALLY" explain a1 --json
	expect 0 '"state": "corrected"' '"project": "web"'
	# an account, its plan from a day on, its terms
	ask accounts '{"customer":"acme","plan":"vm0","since":"2026-06-01","timezone":"Europe/Berlin","billing_day":5,"low_balance":"10","overage":"debt"}'; expect 0 200
	ask accounts '{"customer":"acme","plan":"../../etc/passwd"}'; expect 0 'shipped plan' 400
	ask accounts '{"customer":"acme","plan":"vm0-tokens","from":"2099-01-01"}'; expect 0 200
	ask accounts '{"customer":"acme","plan":"vm0","from":"2099-01-01T05:00:00Z"}'; expect 0 'beginning of a day' 400
	ask accounts '{"customer":"acme","terms":{"currency":"USD","taxs":[]}}'; expect 0 "unknown key 'taxs'" 422
	ask accounts '{"customer":"acme","terms":"USD"}'; expect 0 "'terms' is an object" 400
	ask accounts '{"customer":"acme","terms":{"versions":[{"from":"2026-06-01","terms":{"currency":"USD"}},{"from":"2026-09-01","terms":{"currency":"USD","discount_percent":"5"}}]}}'; expect 0 200
	ask accounts '{"customer":"acme","since":"2026-01-01"}'; expect 0 'new account' 400
	ask accounts '{"customer":"acme","billing_day":0}'; expect 0 'from 1 to 31' 400
	ask accounts '{"customer":"own","plan_file":{"schema":"tally.plans/1","plans":[]}}'; expect 0 'plan' 422
	ask accounts/draw '{"customer":"acme"}'; check "assert d['uncovered'] == 0"
	run "$TALLY" credit account acme --json
	expect 0 '"billing_day": 5' '"low_balance": "10"' 'discount_percent'
	ask rules/check '{"currency":"USD","places":3}'; check "assert d['good'] and d['kind'] == 'terms' and d['fault'] is None"
	ask rules/check '{"currency":"USD","place":3}'; check "assert not d['good'] and \"unknown key 'place'\" in d['fault']"
	# offers and what comes back
	ask offers; check "assert any(o['offer'] == 'vm0-pro' for o in d['offers'])"
	ask plans; check "assert any(p['plan'] == 'vm0' for p in d['plans'])"
	ask subscriptions '{"customer":"gamma","offer":"vm0-pro","from":"2026-06-01"}'; expect 0 200
	ask subscriptions '{"customer":"gamma","offer":"vm0-team","switch":"vm0-pro","end":"2027-01-01"}'; expect 0 'not both' 400
	ask subscriptions '{"customer":"gamma","offer":"vm0-team","switch":"vm0-pro","from":"2099-06-01"}'; expect 0 200
	ask subscriptions '{"customer":"gamma","offer":"vm0-team","end":"2100-01-01"}'; expect 0 200
	ask subscriptions '{"customer":"gamma","offer":"none"}'; expect 0 404
	ask grants '{"customer":"acme","amount":"100","every":"1month","effective":"2099-01-01","rollover":"0","id":"monthly"}'; expect 0 200
	ask grants '{"customer":"acme","amount":"100","cap":"1"}'; expect 0 402
	ask customers/acme; check "assert d['recurring'][0]['rule'] == 'monthly' and d['recurring'][0]['every'] == '1month'"
	ask 'trail?limit=100'
	check "
w = [c['what'] for c in d['changes']]
assert all(c['who'] == 'boss' for c in d['changes'])
assert w.count('account set') == 3 and w.count('subscribe') == 3 and w.count('record amend') == 1 and w.count('grant') == 1, w"
	ask 'trail?customer=acme&limit=100'; check "assert any(c['what'] == 'record amend' and c['about'] == 'a1' for c in d['changes'])"
	# the records as a workbook: texts are texts, sums are formulas
	curl -s -H "Authorization: Bearer $boss" "$URL/v1/records?format=xlsx&sort=time&order=asc" >r.xlsx
	python3 - <<'PY'
import zipfile
z = zipfile.ZipFile('r.xlsx')
sheet = z.read('xl/worksheets/sheet1.xml').decode()
assert '=cmd' in sheet + z.read('xl/sharedStrings.xml').decode() if 'xl/sharedStrings.xml' in z.namelist() else '=cmd' in sheet
assert '<f>SUM(Q2:Q5)</f>' in sheet, sheet[-900:]
assert '<f>cmd' not in sheet
PY
	curl -s -H "Authorization: Bearer $own" "$URL/v1/records?format=xlsx" >own.xlsx
	python3 -c 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); [sys.stdout.buffer.write(z.read(n)) for n in z.namelist()]' own.xlsx >own.xml
	grep -aq acme own.xml || grep -aq '<row' own.xml || fail "the workbook has no rows"
	grep -aq 'cmd|x' own.xml && fail "a customer's workbook has another one's records"
	get -H "Authorization: Bearer $own" "$URL/v1/records?format=xlsx&customer=gamma"; expect 0 denied 403
	stop
	run "$TALLY" fsck
	expect 0 clean
}
@test "many movements of credits are posted at once, and a grant leads to what it paid for" {
	printf 'id,time,model,customer,project,input,output\nt1,2026-06-03T10:00:00Z,claude-sonnet-4-6,acme,web,1000000,100\nt2,2026-06-04T10:00:00Z,claude-sonnet-4-6,acme,web,1000,100\n' >u.csv
	"$TALLY" credit account acme --plan vm0 --since 2026-06-01 --quiet
	"$TALLY" credit account other --plan vm0 --since 2026-06-01 --quiet
	for who in "boss read,admin any" "own read acme" "foreign read other"; do
		set -- $who
		"$TALLY" token $1 --scope $2 $([ "$3" = any ] || echo --customer $3) --file tokens --json >t.json
		eval "$1=\$(sed -n 's/.*\"token\": \"\\([^\"]*\\)\".*/\\1/p' t.json)"
	done
	serve --tokens tokens
	# a chain is done as a whole or not at all; the others stand; again it changes nothing
	operations='{"operations":[{"op":"grant","customer":"acme","id":"g1","amount":"100000","effective":"2026-06-01"},{"op":"grant","customer":"other","id":"g2","amount":"5","linked":true},{"op":"void","customer":"other","id":"nothing"},{"op":"grant","customer":"acme","id":"g3","amount":"1","exprise":"2027-01-01"}]}'
	for time in first again; do
		get -H "Authorization: Bearer $boss" "$URL/v1/credits/post" -d "$operations"
		check "
assert d['schema'] == 'tally.credit-post/1' and [i['result'] for i in d['items']] == ['done', 'undone', 'failed', 'failed'], d
assert 'chain' in d['items'][1]['reason'] and 'exprise' in d['items'][3]['reason'], d"
	done
	ask credits/post '{"operations":[{"op":"grant","customer":"other","id":"g4","amount":"7"}]}'; check "assert d['items'] == [{'index': 0, 'result': 'done'}]"
	for wrong in '{}' '{"operations":[]}' '{"operations":"x"}'; do ask credits/post "$wrong"; expect 0 "'operations' is a list" 400; done
	ask 'trail?limit=10'; check "assert [c['what'] for c in d['changes']].count('credit post') == 3 and d['changes'][-1]['about'] == '4 operations', d"
	# a hold ends with an amount of credits, once, and never below nothing
	run "$TALLY" credit hold acme 25 --id job-9; expect 0
	for wrong in '{"hold":"job-9"}' '{"amount":"1"}' '{"hold":"job-9","amount":"-1"}'; do ask credits/settle "$wrong"; [ "${lines[-1]}" = 400 ] || fail "$wrong: $output"; done
	ask credits/settle '{"hold":"none","amount":"1"}'; expect 0 404
	get -H "Authorization: Bearer $own" -d '{"hold":"job-9","amount":"1"}' "$URL/v1/credits/settle"; expect 0 denied 403
	ask credits/settle '{"hold":"job-9","amount":"18.5"}'; expect 0 200
	ask credits/settle '{"hold":"job-9","amount":"18.5"}'; expect 0 settled 409
	ask 'trail?limit=1'; check "assert [(c['what'], c['customer'], c['about']) for c in d['changes']] == [('credit settle', 'acme', 'job-9')], d"
	run "$TALLY" credit balance acme --json; expect 0 '99981.5'
	"$TALLY" ingest u.csv --quiet
	run "$TALLY" credit trace acme g1 --usage --json; printf '%s\n' "$output" >said
	get -H "Authorization: Bearer $own" "$URL/v1/trace?customer=acme&grant=g1&usage=true"
	check "
assert d == json.load(open('said')), d
assert sum(u['calls'] for m in d['movements'] for u in m['usage']) == 2 and {u['project'] for m in d['movements'] for u in m['usage']} == {'web'}"
	get -H "Authorization: Bearer $own" "$URL/v1/trace?grant=g1"; check "assert 'usage' not in d['movements'][0]"
	get -H "Authorization: Bearer $foreign" "$URL/v1/trace?customer=acme&grant=g1"; expect 0 denied 403
	get -H "Authorization: Bearer $foreign" "$URL/v1/trace?grant=g1"; expect 0 404
	get -H "Authorization: Bearer $own" "$URL/v1/trace?customer=acme"; expect 0 "'grant' is missing" 400
	get -H "Authorization: Bearer $own" "$URL/v1/trace?grant=g1&days=3"; expect 0 'days' 400
	stop
	run "$TALLY" fsck
	expect 0 clean
}
@test "a bill that is uploaded is compared as the command compares it, and nothing of it is left" {
	printf 'id,time,model,customer,input,output\na1,2026-06-03T10:00:00Z,deepseek-v4-flash,acme,1000000,100\na2,2026-06-04T10:00:00Z,deepseek-v4-flash,acme,1000,100\n' >u.csv
	"$TALLY" ingest u.csv --quiet
	serve
	boss=none
	printf 'day,model,cost,currency\n2026-06-03,deepseek-v4-flash,0.20,USD\n2026-06-05,deepseek-v4-flash,1.5,USD\n' >bill.csv
	n=$(wc -c <bill.csv) map='"map":{"day":"day","cost":"cost","model":"model"}'
	"$TALLY" reconcile bill.csv --map day=day --map cost=cost --map model=model --all --json >said || [ $? = 5 ]
	upload "{\"files\":[{\"name\":\"../../x y/bill.csv\",\"bytes\":$n}],$map}" bill.csv
	check "assert d == json.load(open('said')), d"
	# two files are one bill, whatever they are called; the same one twice is refused by its name, not by where it lay
	cat bill.csv bill.csv >two
	upload "{\"files\":[{\"name\":\"bill.csv\",\"bytes\":$n},{\"name\":\"bill.csv\",\"bytes\":$n}],$map}" two
	expect 0 'bill.csv' 4
	case $output in */tmp/*) fail "a message tells of the server's folders: $output" ;; esac
	printf 'day,model,cost\n2026-06-03,x,nothing\n' >bad.csv
	upload "{\"files\":[{\"name\":\"bad.csv\",\"bytes\":$(wc -c <bad.csv)}],$map}" bad.csv
	expect 0 'bad.csv:2' 422
	upload "{\"files\":[{\"name\":\"bill.csv\",\"bytes\":$((n - 1))}],$map}" bill.csv; expect 0 400
	upload "{\"files\":[{\"name\":\"bill.csv\",\"bytes\":999999999}],$map}" bill.csv; expect 0 'how long' 400
	upload '{"files":[{"name":"a","bytes":0}],"map":{"nix":"day"}}' bill.csv; expect 0 "'map' has" 400
	upload "{\"files\":[{\"name\":\"bill.csv\",\"bytes\":$n}],$map,\"format\":\"doc\"}" bill.csv; expect 0 'html or xlsx' 400
	for f in html xlsx; do
		curl -s -D headers --data-binary @bill.csv "$URL/v1/reconcile?settings=$(python3 -c 'import sys,urllib.parse; print(urllib.parse.quote(sys.argv[1]))' "{\"files\":[{\"name\":\"bill.csv\",\"bytes\":$n}],$map,\"format\":\"$f\"}")" >report.$f
		grep -qi "filename=\"reconcile.$f\"" headers || fail "$(cat headers)"
	done
	grep -q 'A bill beside the meter' report.html
	python3 -m zipfile -t report.xlsx
	ls -d /tmp/tally-bill-* 2>/dev/null && fail "an upload is left" || true
	stop
}
@test "a statement is the sum of its documents and payments, on paper, as JSON and over HTTP; nobody sees another one's" {
	printf 'id,time,model,customer,input\nb1,2026-06-03,claude-sonnet-4-6,acme,20000000\nb2,2026-06-03,claude-sonnet-4-6,other,1000000\nb3,2026-07-03,claude-sonnet-4-6,acme,10000000\n' >u.csv
	echo '{"currency":"USD","issuer":{"name":"Example GmbH"},"customer":{"name":"ACME & Sons"},"payment":["IBAN DE02"]}' >terms.json
	for c in acme other; do "$TALLY" credit account $c --plan vm0 --since 2026-06-01 --terms terms.json --quiet; done
	"$TALLY" ingest u.csv --quiet
	"$TALLY" invoice draft --all --period 2026-06 --quiet
	"$TALLY" invoice draft acme --period 2026-07 --quiet
	"$TALLY" invoice finalize --all --quiet
	"$TALLY" invoice list --json >list
	number() { python3 -c "import json,sys; print([i['number'] for i in json.load(open('list'))['invoices'] if i['customer'] == sys.argv[1] and i['first_day'] == sys.argv[2]][0])" "$@"; }
	june=$(number acme 2026-06-01) july=$(number acme 2026-07-01)
	"$TALLY" invoice pay $june 25 --at 2026-07-01 --reference bank-1 --quiet
	"$TALLY" invoice pay $june 5 --back --at 2026-07-02 --reference bank-2 --quiet
	"$TALLY" invoice note $june --amount 7.5 --why '<b>sorry' --quiet
	"$TALLY" invoice void $july --why 'wrong "month"' --quiet
	"$TALLY" invoice statement acme --json >said
	python3 - <<'PY'
import json
from decimal import Decimal as D
(a,) = json.load(open('said'))['accounts']
due = [i for i in json.load(open('list'))['invoices'] if i['customer'] == 'acme']
kinds = [e['kind'] for e in a['entries']]
assert sorted(kinds) == sorted(['invoice', 'payment', 'refund', 'credit note', 'invoice', 'void']), kinds
assert sum(D(e['amount']) for e in a['entries']) == D(a['closing']) == D('60') - 25 + 5 - D('7.5'), a
assert D(a['entries'][-1]['balance']) == D(a['closing'])
assert [D(o['due']) for o in a['open']] == [D(a['closing'])], a['open']
PY
	# a part of it begins with what was before
	"$TALLY" invoice statement acme --since 2026-07-02 -z UTC --json >part
	python3 -c "
import json
a = json.load(open('part'))['accounts'][0]; b = json.load(open('said'))['accounts'][0]
assert a['opening'] == '-25' and a['closing'] == b['closing'], a"
	run "$TALLY" invoice statement acme -z UTC --since 2026-06-01
	expect 0 'Statement of account' 'Opening balance' '$32.50' '<b>sorry'
	# who it is from and to, and how to pay what is open, as the newest invoice says it
	expect 0 'From' 'ACME & Sons' 'How to pay' 'IBAN DE02'
	[[ $output != *Reference* ]]
	# in the language of the newest invoice, or the one that is asked for
	run "$TALLY" invoice statement acme -z UTC --since 2026-06-01 --language de
	expect 0 'Kontoauszug' 'Anfangssaldo' '32,50 $' 'Rechnung 2026-' 'Zahlung 2026-' 'Zu zahlen'
	"$TALLY" invoice statement acme --language ja --format html | grep -q '<html lang="ja">.*取引明細書' || fail "no Japanese"
	run "$TALLY" invoice statement acme --language tlh; expect 2 "no labels in 'tlh'"
	# one name for the file and one for the paper, as of an invoice
	run "$TALLY" invoice statement acme --write s.html; expect 2 "did you mean '--output'"
	"$TALLY" invoice statement acme --format pdf --paper letter --output s.pdf
	grep -aq '/MediaBox *\[ *0 0 612 792 *\]' s.pdf || fail "no letter: $(grep -a MediaBox s.pdf)"
	"$TALLY" invoice statement acme --format html --output s.html
	! grep -q '<b>sorry' s.html && grep -q '&lt;b&gt;sorry' s.html || fail "a reason is markup"
	"$TALLY" invoice statement acme --format pdf --output s.pdf
	[ "$(head -c 5 s.pdf)" = %PDF- ]
	run "$TALLY" invoice statement nobody; expect 0 'No invoice'
	"$TALLY" token own --scope read --customer other --file tokens --json >t.json
	own=$(sed -n 's/.*"token": "\([^"]*\)".*/\1/p' t.json)
	serve --tokens tokens
	get -H "Authorization: Bearer $own" "$URL/v1/statement?customer=acme"; expect 0 denied 403
	get -H "Authorization: Bearer $own" "$URL/v1/statement"; check "assert d['customer'] == 'other' and d['accounts'][0]['closing'] == '3'"
	get -H "Authorization: Bearer $own" "$URL/v1/statement?format=doc"; expect 0 400
	stop
}

@test "over HTTP: tokens are made, told once, listed and revoked, never the last that may administrate, and stand in the trail" {
	"$TALLY" token boss --scope admin --file tokens --json >t.json
	boss=$(sed -n 's/.*"token": "\([^"]*\)".*/\1/p' t.json)
	printf '%s' "$(cat tokens)" >tokens # a last line without its end
	chmod 600 tokens
	serve --tokens tokens
	ask tokens '{"name":"shop","scope":"read,write","customer":"acme","expires":"2099-01-01"}'
	check "assert d['schema'] == 'tally.token/1' and d['name'] == 'shop' and len(d['token']) == 42"
	shop=$(printf '%s' "$output" | sed -n 's/.*"token": "\([^"]*\)".*/\1/p')
	! grep -q "$shop" tokens || fail "the file holds the token"
	get -H "Authorization: Bearer $shop" "$URL/v1/usage"; expect 0 200
	get -H "Authorization: Bearer $shop" "$URL/v1/usage?customer=other"; expect 0 denied 403
	get -H "Authorization: Bearer $shop" -d '{"name":"x","scope":"admin"}' "$URL/v1/tokens"; expect 0 denied 403
	ask tokens; check "assert [(t['token'], t['customer'], t['write'], t['admin'], t['expires']) for t in d['tokens']] == [('boss', None, True, True, None), ('shop', 'acme', True, False, '2099-01-01T00:00:00Z')]"
	[[ $output != *"$shop"* ]] || fail "the list tells the token"
	ask tokens '{"name":"shop","scope":"read"}'; expect 0 "there is a token 'shop' already" 409
	ask tokens '{"name":"a b","scope":"read"}'; expect 0 'blanks' 400
	ask tokens '{"name":"a\nboss2 admin","scope":"read"}'; expect 0 'blanks' 400
	ask tokens '{"name":"#a","scope":"read"}'; expect 0 "'#'" 400
	ask tokens '{"name":"a","scope":"read","customer":"*"}'; expect 0 'no customer can be called' 400
	ask tokens '{"name":"a","scope":"reed"}'; expect 0 "not 'reed'" 400
	ask tokens '{"name":"a","scope":"read","expires":"2020-01-01"}'; expect 0 past 400
	ask tokens '{"name":"a"}'; expect 0 "'scope' is missing" 400
	ask tokens/revoke '{"name":"boss"}'; expect 0 'nobody could administrate without' 409
	ask tokens/revoke '{"name":"nobody"}'; expect 0 "no token 'nobody'" 404
	ask tokens/revoke '{"name":"shop"}'; expect 0 200
	get -H "Authorization: Bearer $shop" "$URL/v1/usage"; expect 0 401
	ask tokens '{"name":"boss2","scope":"admin"}'; expect 0 200
	boss2=$(printf '%s' "$output" | sed -n 's/.*"token": "\([^"]*\)".*/\1/p')
	ask tokens/revoke '{"name":"boss"}'; expect 0 200
	get -H "Authorization: Bearer $boss" "$URL/v1/usage"; expect 0 401
	boss=$boss2
	ask trail; check "assert [(t['what'], t['who'], t['customer'], t['about']) for t in d['changes']] == [('token revoke', 'boss', '', 'boss'), ('token create', 'boss', '', 'boss2'), ('token revoke', 'boss', 'acme', 'shop'), ('token create', 'boss', 'acme', 'shop')], d"
	[[ $output != *"$shop"* ]] || fail "the trail tells the token"
	stop
	# the command asks the same of a line, and none that a server could not read is written
	cp tokens before
	for wrong in "a --scope reed" "a --customer *" "#a"; do
		set -f; run "$TALLY" token $wrong --file tokens; set +f
		[ "$status" -eq 2 ] || fail "token $wrong: $status $output"
	done
	cmp before tokens
	serve
	get -d '{"name":"a","scope":"read"}' "$URL/v1/tokens"; expect 0 'asks for no tokens' 409
}

@test "over HTTP: a price card is checked and installed, records without a price are repriced after a look, and each stands in the trail" {
	printf 'id,time,model,customer,input,output\nn1,2026-06-03T10:00:00Z,our-own,acme,1000000,0\nn2,2026-06-04T10:00:00Z,our-own,acme,3000000,0\nn3,2026-06-04T10:00:00Z,deepseek-v4-flash,acme,10,0\n' >u.csv
	run "$TALLY" ingest u.csv --quiet
	"$TALLY" token boss --scope admin --file tokens --json >t.json
	boss=$(sed -n 's/.*"token": "\([^"]*\)".*/\1/p' t.json)
	serve --tokens tokens
	card='{"schema":"tally.card/1","provider":"house","prices":[{"model":"our-own","currency":"USD","from":"2026-01-01T00:00:00Z","rates":{"input":"2","output":"4"},"source":"our own machines","sure":"certain"}]}'
	ask cards; check "assert d['cards'] == []"
	ask cards "{\"name\":\"our-own\",\"card\":${card/rates/rtes}}"; expect 0 'rtes' 422
	ask cards '{"name":"our-own","card":"x"}'; expect 0 "'card' is an object" 400
	ask cards "{\"name\":\"../x\",\"card\":$card}"; expect 0 "no '/'" 400
	ask rules/check "$card"; check "assert d['kind'] == 'card' and d['good'], d"
	ask rules/check "${card/rates/rtes}"; check "assert d['kind'] == 'card' and not d['good'] and 'rtes' in d['fault'], d"
	ask rerate '{"dry_run":true}'; check "assert d['records'] == 0 and d['changes'] == []"
	ask cards "{\"name\":\"our-own\",\"card\":$card}"; check "assert d['in_use'] is True"
	ask cards; check "assert [(c['card'], c['prices'], c['models']) for c in d['cards']] == [('our-own.json', 1, ['our-own'])]"
	# a look: 1,000,000 and 3,000,000 tokens at 2 dollars a million
	ask rerate '{"dry_run":true}'; check "assert d['dry_run'] and d['records'] == 2 and (d['before'], d['after'], d['delta']) == ('0', '8', '8') and d['changes'][0]['was'].startswith('none: '), d"
	ask rerate '{"dry_run":true,"since":"2026-06-04"}'; check "assert d['records'] == 1 and d['after'] == '6'"
	ask rerate '{"records":2}'; expect 0 "'why' is missing" 400
	ask rerate '{"records":1,"why":"a card of our own"}'; expect 0 '2 records would be repriced now, not 1' 409
	ask usage; check "assert d['unpriced'] == 2"
	ask rerate '{"records":2,"why":"a card of our own"}'; check "assert not d['dry_run'] and d['records'] == 2"
	ask usage; check "assert d['unpriced'] == 0 and d['total'].startswith('8.00000'), d['total']"
	# one that says something else of the same model and day is refused, and the first stays in use
	ask cards "{\"name\":\"second\",\"card\":$(python3 -c 'import json,sys; c = json.loads(sys.argv[1]); c["prices"][0]["rates"]["input"] = "77"; print(json.dumps(c))' "$card")}"
	expect 0 'contradicts our-own.json' 422
	ask cards; check "assert [c['card'] for c in d['cards']] == ['our-own.json']"
	ask cards/remove '{"name":"other"}'; expect 0 "no card 'other.json'" 404
	ask cards/remove '{"name":"our-own"}'; check "assert d['in_use'] is True"
	ask rerate '{"dry_run":true}'; check "assert d['records'] == 0 and d['kept'] == 2, d"
	ask trail; check "assert [(t['what'], t['about']) for t in d['changes']] == [('price remove', 'our-own.json'), ('rerate', ''), ('price install', 'our-own.json')], d"
	run "$TALLY" explain n1 --json; expect 0 'a card of our own'
	run "$TALLY" fsck; expect 0
}
