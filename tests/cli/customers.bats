load common
load server

check() {
	[ "${lines[-1]}" = 200 ] || fail "status ${lines[-1]}: $output"
	printf '%s\n' "${lines[@]:0:${#lines[@]}-1}" | python3 -c "
import json, sys
d = json.load(sys.stdin)
$1" || fail "$output"
}
some() {
	"$TALLY" credit account acme --plan vm0 --since 2026-01-01 --low-balance 10 --quiet
	"$TALLY" credit grant acme 10000 --id g1 --effective 2026-05-01 --quiet
	"$TALLY" credit grant acme 100 --every 1month --effective 2026-06-01 --note monthly --quiet
	"$TALLY" limit set acme --amount 50 --quiet
	"$TALLY" budget set acme-b --customer acme --amount 100 --period ever --quiet
	echo '{"id":"a","time":"2026-06-01T10:00:00Z","model":"claude-sonnet-4-6","customer":"acme","input":1000000}
{"id":"b","time":"2026-06-03T10:00:00Z","model":"claude-sonnet-4-6","customer":"acme","input":1000000}
{"id":"c","time":"2026-06-01","model":"claude-sonnet-4-6","customer":"other/one","input":2000000}
{"id":"d","time":"2026-06-01","model":"nobody-1","input":2000000}' | "$TALLY" ingest - --quiet || true
}

@test "customers are listed with what they used and have, and one is told in full" {
	some
	serve
	get "$URL/v1/customers"
	check "
c = {x['customer']: x for x in d['customers']}
assert set(c) == {'acme', 'other/one', None} and [x['customer'] for x in d['customers']][:2] == ['acme', 'other/one']
assert c['acme']['total'] == '6' and c['acme']['account']['plan'] == 'vm0' and c['other/one']['account'] is None
assert c[None]['unpriced'] == 1"
	get "$URL/v1/customers?since=2026-06-03"
	check "assert [x['customer'] for x in d['customers']] == ['acme'] and d['customers'][0]['total'] == '3'"
	get "$URL/v1/customers/acme"
	check "
assert d['usage']['records'] == 2 and d['limit']['limit'] == '50' and [b['budget'] for b in d['budgets']] == ['acme-b']
assert d['account']['low_balance'] == '10' and d['recurring'][0]['amount'] == '100'
b = {x['day']: x['left'] for x in d['burn_down']}
assert b['2026-05-01'] == '10000' and int(b['2026-06-03']) == int(b['2026-06-01']) - 3000, b
assert d['balance'][0]['customer'] == 'acme' and any(g['grant'] == 'g1' for g in d['balance'][0]['grants'])"
	get "$URL/v1/customers/other%2Fone"
	check "assert d['usage']['total'] == '6' and d['account'] is None and d['limit'] is None"
	get "$URL/v1/customers/nobody"; expect 0 "no customer 'nobody'" 404
	stop
}
@test "a customer's token sees itself and its own tokens" {
	some
	"$TALLY" token eye --scope read --customer acme --file tokens --json >eye.json
	"$TALLY" token them --scope read --customer other/one --file tokens --quiet >/dev/null 2>&1
	"$TALLY" token boss --scope admin --file tokens --json >boss.json
	eye=$(sed -n 's/.*"token": "\([^"]*\)".*/\1/p' eye.json) boss=$(sed -n 's/.*"token": "\([^"]*\)".*/\1/p' boss.json)
	serve --tokens tokens
	get -H "Authorization: Bearer $eye" "$URL/v1/customers"
	check "assert [x['customer'] for x in d['customers']] == ['acme']"
	get -H "Authorization: Bearer $eye" "$URL/v1/customers/acme"
	check "assert [t['token'] for t in d['tokens']] == ['eye']"
	get -H "Authorization: Bearer $eye" "$URL/v1/customers/other%2Fone"; expect 0 403
	get -H "Authorization: Bearer $eye" "$URL/v1/tokens"; expect 0 403
	get -H "Authorization: Bearer $boss" "$URL/v1/tokens"
	check "assert [t['token'] for t in d['tokens']] == ['eye', 'them', 'boss'] and not any('hash' in t for t in d['tokens'])"
	stop
}
@test "prices in force, those of a model as they were, and its week of hours" {
	serve
	get "$URL/v1/prices?model=deepseek-v4-flash&provider=deepseek"
	check "assert d['schema'] == 'tally.price-list/1' and d['prices'] and all(p['provider'] == 'deepseek' for p in d['prices'])"
	get "$URL/v1/prices/deepseek-v4-flash"
	check "assert d['schema'] == 'tally.price-history/1' and len(d['prices']) > 1"
	get "$URL/v1/prices/deepseek-v4-flash?current=1&at=2026-06-01"
	check "assert d['schema'] == 'tally.price-show/1'"
	get "$URL/v1/prices/nobody-knows-1"; expect 0 not_found 404
	get "$URL/v1/prices/deepseek-v4-flash/week?at=2026-11-25&z=Asia/Shanghai"
	check "
assert len(d['days']) == 7 and d['days'][0]['date'] == '2026-11-23' and all(len(x['hours']) == 24 for x in d['days'])
assert d['from'] == '2026-11-22T16:00:00Z' and d['segments'][0]['from'] == d['from'] and d['segments'][-1]['until'] == d['until']
for a, b in zip(d['segments'], d['segments'][1:]):
    assert a['until'] == b['from'] and (a['window'], a['price']) != (b['window'], b['price'])
assert len({s['window'] for s in d['segments']}) > 1"
	get "$URL/v1/prices/deepseek-v4-flash/week?at=2026-10-25&z=Europe/Berlin"
	check "assert [len(x['hours']) for x in d['days']] == [24, 24, 24, 24, 24, 24, 25]"
	stop
}
