# with sanitizers, too
load common
load server

check() {
	[ "${lines[-1]}" = 200 ] || fail "status ${lines[-1]}: $output"
	printf '%s\n' "${lines[@]:0:${#lines[@]}-1}" | python3 -c "
import json, sys
d = json.load(sys.stdin)
$1" || fail "$output"
}
# 300 records out of the order of their time, of three customers; every tenth has no price
records() {
	python3 -c "
import random
random.seed(7)
order = list(range(300)); random.shuffle(order)
for i in order:
    model = 'nobody-knows-1' if i % 10 == 0 else ('deepseek-v4-flash', 'deepseek-v4-pro')[i % 2]
    print('{\"id\":\"r%d\",\"time\":\"2026-06-%02dT%02d:%02d:00Z\",\"model\":\"%s\",\"customer\":\"c%d\",\"project\":\"p%d\",\"session\":\"s%d\",\"input\":%d,\"output\":%d}'
          % (i, i // 20 + 1, i % 20, i * 7 % 60, model, i % 3, i % 2, i % 5, random.randrange(1, 50) * 1000, i % 4))"
}

@test "pages lead from one to the next, in every order, without gap or repetition" {
	records | "$TALLY" ingest - --quiet || true
	serve
	cat >walk.py <<'P'
import json, sys, urllib.request, urllib.parse
url = sys.argv[1]
def walk(**p):
    rows, after = [], ''
    while True:
        d = json.load(urllib.request.urlopen(url + '/v1/records?' + urllib.parse.urlencode(dict(p, limit=17, after=after))))
        rows += d['records']
        after = d['next']
        if not after:
            return rows
from decimal import Decimal
keys = {'stored': lambda r: r['row'], 'time': lambda r: (r['time'], r['row']),
        'cost': lambda r: (Decimal(r['total'] or 0), r['row']),
        'tokens': lambda r: (sum(v for k, v in r['tokens'].items() if k != 'reasoning'), r['row'])}
every = walk()
assert len(every) == len({r['id'] for r in every}) == 300
for sort, key in keys.items():
    for order in ('desc', 'asc'):
        for only in ({}, {'customer': 'c1'}, {'model': 'deepseek-v4-pro', 'project': 'p1'}, {'status': 'unpriced'}, {'status': 'priced', 'customer': 'c2'},
                     {'session': 's3'}, {'since': '2026-06-03', 'until': '2026-06-05T07:00'}, {'provider': 'deepseek'}, {'kind': 'reversal'}):
            got = walk(sort=sort, order=order, **only)
            want = [r for r in every
                    if all(r[k] == v for k, v in only.items() if k in ('customer', 'model', 'project', 'session'))
                    and ('status' not in only or ('unpriced' in r) == (only['status'] == 'unpriced'))
                    and ('since' not in only or '2026-06-03T00:00:00Z' <= r['time'] < '2026-06-05T07:00:00Z')
                    and ('provider' not in only or 'unpriced' not in r) and 'kind' not in only]
            want.sort(key=key, reverse=order == 'desc')
            assert [r['id'] for r in got] == [r['id'] for r in want], (sort, order, only, len(got), len(want))
P
	run timeout 1200 python3 walk.py $URL
	expect 0
	"$TALLY" records --order cost --limit 3 --json | python3 -c "
import json, sys
r = json.load(sys.stdin)['records']
assert len(r) == 3 and float(r[0]['total']) >= float(r[1]['total']) >= float(r[2]['total'])"
	get "$URL/v1/records?after=nonsense"; expect 0 'leads to no page' 400
	get "$URL/v1/records?sort=size"; expect 0 'sort is one of stored, time, cost, tokens' 400
	get "$URL/v1/records?limit=0"; expect 0 'limit is from 1' 400
	stop
}
# Enough stretches that those which may be of the page are given up for one pass over all, and quarters that are read many at once.
@test "few records among many are found in every order, first and again" {
	python3 -c "
import random
random.seed(3)
print('id,time,model,customer,project,input,output')
for i in range(24000):
    print('r%d,2026-06-%02dT%02d:%02d:00Z,%s,%s,p%d,%d,%d' % (i, i // 1200 + 1, i // 50 % 24, i % 50, ('deepseek-v4-flash', 'deepseek-v4-pro')[i % 2],
          'rare' if i % 601 == 7 else 'c%d' % (i % 40), i % 3, random.randrange(1, 90000), random.randrange(9000)))" >many.csv
	"$TALLY" ingest many.csv --quiet
	serve
	cat >few.py <<'P'
import csv, json, sys, urllib.request
from decimal import Decimal
rows = list(csv.DictReader(open('many.csv')))
price = {'deepseek-v4-flash': (Decimal('0.14'), Decimal('0.28')), 'deepseek-v4-pro': (Decimal('0.435'), Decimal('0.87'))}
for n, r in enumerate(rows):
    a, b = price[r['model']]
    r['n'], r['cost'], r['tokens'] = n, int(r['input']) * a + int(r['output']) * b, int(r['input']) + int(r['output'])
for again in (False, True):
    for sort in ('cost', 'tokens', 'time', 'stored'):
        for order in ('desc', 'asc'):
            for only in ({'customer': 'rare'}, {'customer': 'rare', 'project': 'p1'}, {'customer': 'c3'}, {'project': 'p2'}, {'customer': 'nobody'}):
                want = [r for r in rows if all(r[k] == v for k, v in only.items())]
                want.sort(key=lambda r: (r['n'] if sort == 'stored' else r[sort], r['n']), reverse=order == 'desc')
                d = json.load(urllib.request.urlopen(sys.argv[1] + '/v1/records?limit=50&sort=%s&order=%s&%s' % (sort, order, '&'.join(k + '=' + v for k, v in only.items()))))
                assert [r['id'] for r in d['records']] == [r['id'] for r in want[:50]], (again, sort, order, only)
                assert bool(d['next']) == (len(want) > 50), (sort, order, only)
P
	run timeout 600 python3 few.py $URL
	expect 0
	stop
}

@test "facets count what the filters leave" {
	records | "$TALLY" ingest - --quiet || true
	serve
	get "$URL/v1/records?limit=1&facets=true"
	check "
f = {k: {v['value']: v['records'] for v in x['values']} for k, x in d['facets'].items()}
assert d['count'] == 300 and all(sum(x.values()) == 300 for x in f.values()), f
assert f['customer'] == {'c0': 100, 'c1': 100, 'c2': 100} and f['status'] == {'priced': 270, 'unpriced': 30}
assert f['model']['nobody-knows-1'] == 30 and f['effort'] == {None: 300}"
	get "$URL/v1/records?limit=1&facets=true&customer=c1&status=unpriced"
	check "assert d['count'] == 10 and len(d['facets']['model']['values']) == 1 and d['facets']['customer']['values'] == [{'value': 'c1', 'records': 10}]"
	stop
}
@test "a word finds customers, projects, models, invoices and the record of an id" {
	records | "$TALLY" ingest - --quiet || true
	"$TALLY" credit account "100%_acme" --plan vm0 --quiet
	serve
	get "$URL/v1/search?q=C1"
	check "assert [x['name'] for x in d['customers']] == ['c1'] and d['records'] is None"
	get "$URL/v1/search?q=C1&ids=1"
	check "assert d['records'] == []"
	get "$URL/v1/records?limit=1&sort=time"
	check "open('row','w').write('%d' % d['records'][0]['row']); open('id','w').write(d['records'][0]['id'])"
	get "$URL/v1/explain?row=$(cat row)"
	check "assert d['id'] == open('id').read() and d['rows'][0]['row'] == int(open('row').read())"
	get "$URL/v1/explain?row=999999"; expect 0 'no record has the row' 404
	get "$URL/v1/search?q=flash"
	check "assert [x['name'] for x in d['models']] == ['deepseek-v4-flash'] and d['customers'] == []"
	# a project of several customers is found once
	printf '{"id":"p%s","model":"deepseek-v4-flash","customer":"c%s","project":"%s","input":1}\n' 1 0 shared-web 2 1 shared-web 3 1 c1-web | "$TALLY" ingest - --at 2026-06-01 --quiet
	get "$URL/v1/search?q=-web"
	check "assert d['projects'] == [{'name': 'c1-web', 'customer': 'c1'}, {'name': 'shared-web', 'customer': ''}], d"
	get "$URL/v1/search?q=%25_"
	check "assert [x['name'] for x in d['customers']] == ['100%_acme'] and d['models'] == []"
	get "$URL/v1/search?q=r17"
	check "assert [x['name'] for x in d['records']] == ['r17']"
	get "$URL/v1/search?q="
	check "assert 'customers' not in d"
	stop
}
@test "attention is asked for what needs it, and for nothing else" {
	echo '{"id":"a","time":"2026-11-27","model":"deepseek-v4-flash","customer":"c1","input":1000000}' | "$TALLY" ingest - --quiet
	serve
	get "$URL/v1/attention"
	check "assert [i['what'] for i in d['items'] if i['what'] != 'prices_old'] == []"
	stop
	records | "$TALLY" ingest - --quiet || true
	"$TALLY" credit account c0 --plan vm0 --since 2026-01-01 --low-balance 5 --quiet
	"$TALLY" credit draw --quiet || true
	"$TALLY" budget set small --customer c1 --period ever --amount 0.01 --quiet
	"$TALLY" budget set large --period ever --amount 100000 --quiet
	echo '{"model":-1}' | "$TALLY" ingest - --quiet || true
	serve
	get "$URL/v1/attention"
	check "
w = {i['what']: i for i in d['items']}
assert w['unpriced']['count'] == 30 and w['unpriced']['of'][0]['model'] == 'nobody-knows-1', w
assert w['uncovered']['count'] > 0 and w['uncovered']['of'][0]['customer'] == 'c0'
assert w['quarantine']['count'] == 1
assert [b['budget'] for b in w['budget']['of']] == ['small']
assert w['balance_low']['of'][0]['customer'] == 'c0'
assert 'invoice_overdue' not in w and 'account_at_fault' not in w"
	stop
}
@test "a customer's token finds and counts what is its own" {
	records | "$TALLY" ingest - --quiet || true
	"$TALLY" budget set small --customer c1 --period ever --amount 0.01 --quiet
	echo '{"model":-1}' | "$TALLY" ingest - --quiet || true
	"$TALLY" token eye --scope read --customer c2 >tokens 2>eye
	eye=$(sed -n 's/^token: //p' eye)
	serve --tokens tokens
	auth="Authorization: Bearer $eye"
	get -H "$auth" "$URL/v1/records?limit=1000&facets=1"
	check "assert len(d['records']) == 100 and {r['customer'] for r in d['records']} == {'c2'} and d['count'] == 100"
	get -H "$auth" "$URL/v1/records?customer=c1"; expect 0 403
	get -H "$auth" "$URL/v1/search?q=c"
	check "assert [x['name'] for x in d['customers']] == ['c2'] and all(x['customer'] == 'c2' for x in d['projects'])"
	get -H "$auth" "$URL/v1/search?q=r1"
	check "assert d['records'] == []"
	get -H "$auth" "$URL/v1/search?q=r2"
	check "assert d['records'][0]['customer'] == 'c2'"
	get -H "$auth" "$URL/v1/attention"
	check "assert [i['what'] for i in d['items']] == ['unpriced'] and d['items'][0]['count'] == 10"
	stop
}
