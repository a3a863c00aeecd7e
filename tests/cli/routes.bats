load common
load server

check() {
	[ "${lines[-1]}" = 200 ] || fail "status ${lines[-1]}: $output"
	printf '%s\n' "${lines[@]:0:${#lines[@]}-1}" | python3 -c "
import json, sys
d = json.load(sys.stdin)
$1" || fail "$output"
}
reads='usage series records?limit=1 search?q=a attention balance invoices explain?id=a budgets ledger?customer=acme tariff?model=deepseek-v4-flash'
of_all='status quarantine trail live'
# every change that there is
changes=$(sed -n 's|^CHANGE("/v1/\([^"]*\)".*|\1|p' "$BATS_TEST_DIRNAME/../../server/routes.def")
some() {
	"$TALLY" credit account acme --plan vm0 --since 2026-01-01 --quiet
	"$TALLY" credit account other --plan vm0 --since 2026-01-01 --quiet
	echo '{"id":"a","time":"2026-06-01","model":"claude-sonnet-4-6","customer":"acme","input":1000000}
{"id":"b","time":"2026-06-01","model":"claude-sonnet-4-6","customer":"other","input":2000000}' | "$TALLY" ingest - --quiet
}

@test "each address asks for its scope, and tells a customer nothing of another one" {
	some
	for who in "eye read acme" "pen write acme" "all read any" "boss admin any"; do
		set -- $who
		"$TALLY" token $1 --scope $2 $([ "$3" = any ] || echo --customer $3) --file tokens --json >$1.json
		eval "$1=\$(sed -n 's/.*\"token\": \"\\([^\"]*\\)\".*/\\1/p' $1.json)"
	done
	serve --tokens tokens
	for path in $reads $of_all; do
		get -m 2 "$URL/v1/$path"; expect 0 unauthorized 401
	done
	for path in $reads; do
		get -H "Authorization: Bearer $eye" "$URL/v1/$path"; expect 0 200
		case $output in *'"other"'*) fail "/v1/$path tells of another customer" ;; esac
		get -H "Authorization: Bearer $all" "$URL/v1/$path"; expect 0 200
	done
	for path in usage series 'records' 'search?q=b' attention balance invoices budgets forecast 'explain?id=a' ledger; do
		case $path in *\?*) also='&' ;; *) also='?' ;; esac
		get -H "Authorization: Bearer $eye" "$URL/v1/$path${also}customer=other"; expect 0 denied 403
	done
	get -H "Authorization: Bearer $eye" "$URL/v1/explain?id=b"; expect 0 "no record has the id 'b'" 404
	for path in $of_all; do
		get -m 2 -H "Authorization: Bearer $eye" "$URL/v1/$path"; expect 0 denied 403
	done
	for path in $changes; do
		get -d '{}' "$URL/v1/$path"; expect 0 401
		for token in $eye $pen $all; do get -H "Authorization: Bearer $token" -d '{}' "$URL/v1/$path"; expect 0 denied 403; done
		get -H "Authorization: Bearer $boss" "$URL/v1/$path" -X PUT -d '{}'; expect 0 405
	done
	get -H "Authorization: Bearer $boss" -d 'no JSON' "$URL/v1/grants"; expect 0 422
	get -H "Authorization: Bearer $boss" -d '[1]' "$URL/v1/grants"; expect 0 'JSON object' 422
	stop
}
@test "what is changed over HTTP is what the commands change, and stands in the trail" {
	some
	"$TALLY" token boss --scope admin --file tokens --json >boss.json
	boss=$(sed -n 's/.*"token": "\([^"]*\)".*/\1/p' boss.json)
	serve --tokens tokens
	do_() { get -H "Authorization: Bearer $boss" -d "$2" "$URL/v1/$1"; }
	do_ grants '{"customer":"acme","amount":"5000.5","id":"g1","note":"hello","class":"paid","cost_basis":"0.001"}'; expect 0 200
	do_ grants '{"customer":"acme","amount":"5000.5","id":"g1","note":"hello","class":"paid","cost_basis":"0.001"}'; expect 0 200
	do_ grants '{"customer":"acme","amount":"7","id":"g1"}'; expect 0 conflict 409
	do_ grants '{"customer":"nobody","amount":"7"}'; expect 0 404
	do_ grants '{"customer":"acme","amount":"-7"}'; expect 0 400
	run "$TALLY" credit balance acme --json
	expect 0 '"grant": "g1"' '"available": "5000.5"'
	do_ invoices/draft '{"customer":"acme","period":"June"}'; expect 0 'is a month such as' 400
	do_ invoices/draft '{"customer":"acme","part":"half"}'; expect 0 own interim supplement 400
	do_ invoices/draft '{"customer":"acme","since":"2026-06-01"}'; expect 0 "both 'since' and 'until'" 400
	do_ invoices/draft '{"customer":"acme","since":"2026-06-01","until":"2026-06-30","period":"2026-06"}'; expect 0 "both 'since' and 'until'" 400
	do_ invoices/draft '{"customer":"acme","since":"2026-06-02","until":"2026-06-01"}'; expect 0 "'since' must be before 'until'" 400
	do_ invoices/draft '{"customer":"acme","since":"2026-06-01","until":"2026-06-30"}'; expect 0 '"last_day":"2026-06-30"' '"total": "3000"' 200
	do_ invoices/draft '{"customer":"acme","part":"interim"}'; expect 0 threshold 409
	get -H "Authorization: Bearer $boss" "$URL/v1/invoices"
	check "open('id','w').write('#%d' % d['invoices'][0]['id'])"
	do_ invoices/finalize "{\"invoice\":\"$(cat id)\"}"
	check "open('number','w').write(d['invoices'][0]['number'])"
	do_ invoices/draft '{"customer":"acme","period":"2026-06","part":"supplement"}'; expect 0 'nothing to ask for' 409
	do_ invoices/pay "{\"invoice\":\"$(cat number)\",\"amount\":\"1\",\"at\":\"2026-11-01\",\"reference\":\"r1\"}"; expect 0 200
	get -H "Authorization: Bearer $boss" "$URL/v1/invoices?state=partly%20paid"
	check "assert len(d['invoices']) == 1 and d['states'] == {'partly paid': 1} and d['due'][0]['currency']"
	get -H "Authorization: Bearer $boss" "$URL/v1/invoices?state=overdue"
	check "assert d['invoices'] == []"
	do_ invoices/note "{\"invoice\":\"$(cat number)\",\"amount\":\"0.01\",\"why\":\"sorry\"}"
	do_ budgets '{"name":"b","amount":"10","period":"day","hard":true}'; expect 0 200
	do_ budgets '{"name":"b","amount":"10","hook":"rm -rf /"}'; expect 0 'the hook is an http address' 400
	get -H "Authorization: Bearer $boss" "$URL/v1/budgets"; expect 0 '"budget": "b"' '"hard": true' 200
	do_ budgets/clear '{"name":"b"}'; expect 0 200
	do_ limits '{"customer":"acme","amount":"3"}'; expect 0 200
	run "$TALLY" limit list --json
	expect 0 '"customer": "acme"' '"limit": "3"'
	do_ limits/clear '{"customer":"acme"}'; expect 0 200
	do_ records/void '{"id":"b","why":"a test"}'; expect 0 200
	run "$TALLY" explain b --json
	expect 0 '"state": "voided"'
	printf '{"model":"deepseek-v4-flash","input":"x"}\n{"input":7}\n' | "$TALLY" ingest - --quiet || true
	do_ quarantine/retry '{"model":"deepseek-v4-flash","at":"2026-06-02"}'
	check "assert d['tried'] == 2 and d['taken'] == 1 and len(d['refused']) == 1"
	do_ quarantine/drop '{"ids":[1,2]}'; expect 0 '"dropped"' 200
	get -H "Authorization: Bearer $boss" "$URL/v1/trail"
	check "
assert all(c['who'] == 'boss' for c in d['changes'])
assert [c['what'] for c in d['changes']] == ['quarantine drop', 'quarantine retry', 'record void', 'limit clear', 'limit set', 'budget clear', 'budget set',
    'invoice note', 'invoice pay', 'invoice finalize', 'invoice draft', 'grant', 'grant'], d['changes']
assert d['next'] is None"
	get -H "Authorization: Bearer $boss" "$URL/v1/trail?customer=acme&limit=2"
	check "assert len(d['changes']) == 2 and d['next']"
	[ -z "$(cat /proc/$SERVER/task/*/children 2>/dev/null)" ] || fail "the server runs a program"
	stop
	run "$TALLY" fsck
	expect 0 clean
}
@test "a what-if is answered in the server: of the database, of a trace, as a report, within bounds" {
	some
	"$TALLY" token eye --scope read --customer acme --file tokens --json >eye.json
	"$TALLY" token all --scope read --file tokens --json >all.json
	eye=$(sed -n 's/.*"token": "\([^"]*\)".*/\1/p' eye.json) all=$(sed -n 's/.*"token": "\([^"]*\)".*/\1/p' all.json)
	serve --tokens tokens
	settings='{"scenarios":["now=recorded","flash=deepseek-v4-flash"],"sensitivity":"0.1","budget":"5"}'
	get -H "Authorization: Bearer $all" -d "$settings" $URL/v1/whatif
	check "assert d['schema'] == 'tally.whatif/1' and d['scenarios'][0]['total'] == '9', d['scenarios'][0]"
	get -H "Authorization: Bearer $eye" -d "$settings" $URL/v1/whatif
	check "assert d['scenarios'][0]['total'] == '3'"
	get -H "Authorization: Bearer $eye" -d '{"customer":"other","scenarios":["recorded"]}' $URL/v1/whatif; expect 0 denied 403
	get -H "Authorization: Bearer $all" -d '{"scenarios":["x=rules:/etc/passwd"]}' $URL/v1/whatif; expect 0 'for the command line' 400
	get -H "Authorization: Bearer $all" -d '{"scenarios":["recorded"],"plan":"/etc/x.json"}' $URL/v1/whatif; expect 0 'shipped plan' 400
	get -H "Authorization: Bearer $all" -d '{}' $URL/v1/whatif; expect 0 'list of NAME=SPEC' 400
	get -H "Authorization: Bearer $all" -d '{"scenarios":["nobody-knows"]}' $URL/v1/whatif; expect 0 'is in no price card' 404
	printf '{"id":"1","time":"2026-06-01","model":"claude-sonnet-4-6","input":1000000}\n' | gzip >trace.gz
	get -H "Authorization: Bearer $all" --data-binary @trace.gz "$URL/v1/whatif?settings=%7B%22scenarios%22%3A%5B%22recorded%22%5D%7D"
	check "assert d['scenarios'][0]['total'] == '3' and d['columns_in_doubt'] == []"
	printf '{"id":"1","time":"2026-06-01","model":"claude-sonnet-4-6","input":1000000,"output":1,"zork":7}\n' | gzip >trace.gz
	get -H "Authorization: Bearer $all" --data-binary @trace.gz "$URL/v1/whatif?settings=%7B%22scenarios%22%3A%5B%22recorded%22%5D%7D"
	check "assert d['columns_in_doubt'] == ['zork'], d"
	# what a trace may become in memory is bounded, however small it is sent
	upload="$URL/v1/whatif?settings=%7B%22at%22%3A%222026-06-01%22%2C%22scenarios%22%3A%5B%22recorded%22%5D%7D"
	sends() { get -H "Authorization: Bearer $all" --data-binary @trace.gz "$upload"; }
	rows() { awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "{\"c\":1,\"t\":0,\"m\":\"m%d\",\"in\":67108864,\"out\":1,\"h\":\"%d-%d\"}\n", '"$2"' }'; }
	rows 33 '0, 1, 1048576' | gzip >trace.gz; sends; expect 0 too_large 'more than 33554432 blocks' 413
	rows 6 '0, 1 + i * 1048576, (i + 1) * 1048576' | gzip >trace.gz; sends; expect 0 too_large 'more than 4194304 different blocks' 413
	rows 2001 'i, 1, 9' | gzip >trace.gz; sends; expect 0 too_large '2001 models' 413
	rows 9 '0, 1, 1048576' | gzip >trace.gz; sends; expect 0 '"records": 9' 200
	awk 'BEGIN { for (i = 0; i < 40000; i++) printf "{\"c\":%d,\"t\":0,\"m\":\"m\",\"in\":64,\"out\":1,\"h\":\"4095\"}\n", i }' | gzip >trace.gz; sends; expect 0 '"records": 40000' 200
	rss=$(awk '/VmHWM/ { print int($2 / 1024) }' /proc/$SERVER/status)
	[ "$rss" -lt 900 ] || fail "40,000 conversations of a block take $rss MB"
	rows 1 '0, 1, 9' | gzip | gzip >trace.gz; sends; expect 0 'as it is, or as gzip' 422
	echo nonsense | gzip >trace.gz; sends; expect 0 'the trace' 422; case $output in *tally-upload*) fail "it says where the trace was kept" ;; esac
	get -H "Authorization: Bearer $all" -D headers -d '{"html":true,"scenarios":["recorded"]}' $URL/v1/whatif; expect 0 'id="report-data"' 200
	grep -qi 'content-disposition: attachment; filename="whatif.html"' headers
	[ -z "$(cat /proc/$SERVER/task/*/children 2>/dev/null)" ] || fail "the server runs a program"
	ls /tmp/tally-upload-* 2>/dev/null && fail "an upload is left" || true
	stop
}
@test "a plan is the question of the command, with its answer" {
	serve
	q='{"per_day":"10k","cached":2000,"input":300,"output":"150","days":30,"start":"2026-12-01","hours":"9-17","weekdays":"mon-fri","scenarios":{"flash":"deepseek-v4-flash","mix":"share:5%:deepseek-v4-pro:deepseek-v4-flash"}}'
	printf '%s' "$q" >question.json
	curl -s -d "$q" $URL/v1/plan >answer
	"$TALLY" plan question.json -z UTC --json | cmp - answer || fail "$(cat answer)"
	q='{"tickets":"8k..12k","users":3,"calls_each":2,"input":300,"output":"100..200","months":4,"start":"2026-12-01","scenarios":{"mix":"escalate:3%..8%:deepseek-v4-pro:deepseek-v4-flash"}}'
	printf '%s' "$q" >question.json
	curl -s -d "$q" $URL/v1/plan >answer
	"$TALLY" plan question.json -z UTC --json | cmp - answer || fail "$(cat answer)"
	get -d '{"per_day":"x","scenarios":{"a":"deepseek-v4-flash"}}' $URL/v1/plan; expect 0 usage 400
	get -d '{"per_day":1,"input":1,"output":true,"scenarios":{"a":"deepseek-v4-flash"}}' $URL/v1/plan; expect 0 "'output' must be a number or text, and is true or false"
	get -d '{"per_day":1,"input":1}' $URL/v1/plan; expect 0 'name a model (model deepseek-v4-flash)' 400
	get -d '{"per_day":1,"input":1,"weekdays":"someday","scenarios":{"a":"deepseek-v4-flash"}}' $URL/v1/plan; expect 0 "weekdays: 'someday'" 400
	[[ $output != *--* ]] || fail "who asks over HTTP has no options"
	run "$TALLY" plan --per-day 1 --input 1 --weekdays someday -m deepseek-v4-flash; expect 2 "--weekdays: 'someday'"
	get -d '{"per_day":1,"input":1,"plan":"../x","scenarios":{"a":"deepseek-v4-flash"}}' $URL/v1/plan; expect 0 'shipped plan' 400
	stop
}
@test "a parameter that an address does not take is refused by every question; a period is since and until" {
	"$TALLY" ingest --db t.db -q "$ROOT/examples/sample.csv"
	serve --db t.db
	for r in $reads status quarantine trail plans offers cards customers prices statement?customer=contoso; do
		get "$URL/v1/$r$([[ $r == *'?'* ]] && echo '&' || echo '?')sicne=today"
		[ "${lines[-1]}" != 200 ] || fail "$r answers a parameter that it does not take"
	done
	get "$URL/v1/usage?sicne=today"; expect 0 "unknown parameter 'sicne'; known here: by, " 400
	get "$URL/v1/usage?period=2026-08"; expect 0 '"records": 4001' 200
	get "$URL/v1/usage?period=2026-07"; expect 0 '"records": 0' 200
	get "$URL/v1/usage?period=2026-08&since=today"; expect 0 'not both' 400
	get "$URL/v1/series?period=soonish"; expect 0 "period: 'soonish'" 400
}
