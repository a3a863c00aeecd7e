load common
load server

# check PYTHON: d is the document of the last get
check() {
	[ "${lines[-1]}" = 200 ] || fail "status ${lines[-1]}: $output"
	printf '%s\n' "${lines[@]:0:${#lines[@]}-1}" | python3 -c "
import json, sys
from decimal import Decimal as D
d = json.load(sys.stdin)
def by_key(k): return next(x for x in d['keys'] if x['key'] == k and not x['other'])
$1" || fail "$output"
}
# Ten models of one call each, in three days of which one is a gap; one has no price.
records() {
	for i in 1 2 3 4 5 6 7 8 9; do
		echo "{\"id\":\"m$i\",\"time\":\"2026-06-0$((i % 2 * 2 + 1))T10:00:00Z\",\"model\":\"deepseek-v4-flash\",\"customer\":\"c$i\",\"project\":\"p\",\"workload\":\"w$((i % 3))\",\"input\":${i}000000,\"cache_read\":1000000,\"output\":10}"
	done
	echo '{"id":"x","time":"2026-06-03T12:00:00Z","model":"nobody-knows-1","customer":"c1","input":5,"output":5}'
}

@test "a series fills its buckets, and its keys and the rest of them come to the total" {
	records | "$TALLY" ingest - --quiet || true
	serve
	for measure in cost tokens calls hit_share; do
		for by in model customer project workload provider effort session window; do
			for grain in hour day week month; do echo "$measure-$by-$grain"; done
		done
	done >asked
	sed -E "s|(.*)-(.*)-(.*)|url=$URL/v1/series?by=\2\&measure=\1\&grain=\3\&top=2\noutput=&.json|" asked >asked.curl
	curl -sS -m 60 --fail -K asked.curl || fail "not every one is answered"
	python3 - <<-'END' || fail "a series"
		import json
		from decimal import Decimal as D
		for name in open('asked').read().split():
		    d = json.load(open(name + '.json'))
		    measure, ks, n = name.split('-')[0], d['keys'], len(d['buckets'])
		    assert sum(x['sums']['records'] for x in ks) == d['total']['sums']['records'] == 10, name
		    assert sum(D(x['sums']['total']) for x in ks) == D(d['total']['sums']['total']), name
		    for line in ks + [d['total']]:
		        assert len(line['values']) == len(line['unpriced']) == len(line['uncovered']) == n, (name, line)
		    for i in range(n):
		        for k in ('records', 'unpriced', 'uncovered'):
		            assert sum(x[k][i] for x in ks) == d['total'][k][i], (name, k)
		        gap = d['total']['values'][i] is None
		        assert gap == (d['total']['records'][i] == 0 or ('prompt' in d['total'] and d['total']['prompt'][i] == 0)), name
		        if measure == 'hit_share':
		            assert sum(x['prompt'][i] for x in ks) == d['total']['prompt'][i], name
		        elif not gap:
		            assert sum(D(x['values'][i]) for x in ks) == D(d['total']['values'][i]), name
		    if measure != 'hit_share':
		        assert sum(D(v) for v in d['total']['values'] if v) == D(d['total']['value']), name
		    for a, b in zip(d['buckets'], d['buckets'][1:]):
		        assert a['until'] == b['from'], name
	END
	get "$URL/v1/series?by=customer&top=2&measure=tokens"
	check "
assert [b['label'] for b in d['buckets']] == ['2026-06-01', '2026-06-02', '2026-06-03']
assert [(k['key'], k['other']) for k in d['keys']] == [('c9', False), ('c8', False), (None, True)]
assert d['keys'][2]['keys'] == 7 and d['key_count'] == 9
assert d['total']['values'] == ['24000040', None, '30000060'], d['total']
assert by_key('c8')['values'] == ['9000010', None, '0']
"
	stop
}
@test "what has no price is told of every bucket, key and total" {
	records | "$TALLY" ingest - --quiet || true
	serve
	get "$URL/v1/series?by=model&measure=cost&grain=day"
	check "
assert d['total']['at_least'] and d['total']['unpriced'] == [0, 0, 1]
assert by_key('nobody-knows-1')['unpriced'] == [0, 0, 1] and by_key('nobody-knows-1')['at_least']
assert not by_key('deepseek-v4-flash')['at_least']
"
	get "$URL/v1/series?measure=cost&model=deepseek-v4-flash&grain=day"
	check "assert not d['total']['at_least'] and d['keys'] == [] and d['total']['sums']['records'] == 9"
	stop
}
@test "the ends of a question are filled, and hours follow the clock of the zone" {
	echo '{"id":"a","time":"2026-10-25T00:30:00Z","model":"deepseek-v4-flash","input":1}
{"id":"b","time":"2026-10-25T01:30:00Z","model":"deepseek-v4-flash","input":1}' | "$TALLY" ingest - --quiet
	serve
	get "$URL/v1/series?measure=calls&grain=hour&z=Europe/Berlin&since=2026-10-25&until=2026-10-25"
	check "
assert len(d['buckets']) == 25
at = [b['label'] for b, v in zip(d['buckets'], d['total']['values']) if v == '1']
assert at == ['2026-10-25T02:00+02:00', '2026-10-25T02:00+01:00'], at
"
	# a named day is included, an instant is not
	for until in 2026-10 2026-10-25 2026-10-26T00:00; do
		get "$URL/v1/usage?z=Europe/Berlin&since=2026-10-25&until=$until"; expect 0 '"records": 2' 200
	done
	get "$URL/v1/usage?z=Europe/Berlin&since=2026-10-24&until=2026-10-25T00:00"; expect 0 '"records": 0' 200
	get "$URL/v1/series?measure=calls&grain=day&z=Europe/Berlin&since=2026-10-24&until=2026-10-26"
	check "assert d['total']['values'] == [None, '2', None] and d['buckets'][1]['until'] == '2026-10-25T23:00:00Z'"
	get "$URL/v1/series?measure=calls&grain=week&since=2026-10-21T12:00Z&until=2026-10-28"
	check "assert d['buckets'] == [{'label': '2026-W43', 'from': '2026-10-21T12:00:00Z', 'until': '2026-10-26T00:00:00Z'}, {'label': '2026-W44', 'from': '2026-10-26T00:00:00Z', 'until': '2026-10-29T00:00:00Z'}]"
	get "$URL/v1/series?grain=hour&since=2020-01-01&until=2026-01-01"; expect 0 'more than 4000 buckets' 400
	get "$URL/v1/series?measure=weight"; expect 0 "no measure 'weight'" 400
	get "$URL/v1/series?grain=second"; expect 0 "no grain 'second'" 400
	get "$URL/v1/series?by=day"; expect 0 "no key 'day'" 400
	get "$URL/v1/series?top=-1"; expect 0 'top is from 0' 400
	get "$URL/v1/series?customer=nobody"; expect 0 '"buckets": []' 200
	stop
}
@test "credits are those of the ledger, and what no plan covers is told" {
	"$TALLY" credit account acme --plan vm0 --since 2026-01-01 --quiet
	echo '{"id":"a","time":"2026-06-01T10:00:00Z","model":"claude-sonnet-4-6","customer":"acme","project":"x","input":1000000}
{"id":"b","time":"2026-06-01T23:00:00Z","model":"claude-sonnet-4-6","customer":"acme","project":"y","input":2000000}
{"id":"c","time":"2026-06-03T10:00:00Z","model":"nobody-knows-1","customer":"acme","project":"y","input":1000000}' | "$TALLY" ingest - --quiet || true
	serve
	get "$URL/v1/series?by=project&measure=credits"
	check "
assert d['total']['values'] == ['9000', None, '0'] and d['total']['value'] == '9000'
assert d['total']['uncovered'] == [0, 0, 1] and d['total']['at_least']
assert by_key('x')['value'] == '3000' and not by_key('x')['at_least']
assert by_key('y')['values'] == ['6000', None, '0'] and by_key('y')['uncovered'] == [0, 0, 1]
"
	get "$URL/v1/series?by=project&measure=credits&grain=hour"; expect 0 'kept by day' 400
	get "$URL/v1/series?by=provider&measure=credits"; expect 0 'kept by model' 400
	stop
}
@test "an answer that is known is not sent again, and a large one may be packed" {
	records | "$TALLY" ingest - --quiet || true
	serve
	tag=$(curl -s -D - -o body "$URL/v1/series?by=customer" | tr -d '\r' | sed -n 's/^ETag: //p')
	[ -n "$tag" ] || fail "no tag"
	get -H "If-None-Match: $tag" "$URL/v1/series?by=customer"; [ "$output" = $'\n304' ] || fail "$output"
	curl -s -H 'Accept-Encoding: gzip' "$URL/v1/series?by=customer" >packed
	gzip -dc packed | cmp - body
	curl -s -H 'Accept-Encoding: gzip;q=0' "$URL/v1/series?by=customer" | cmp - body
	curl -s -d '{"id":"new","model":"deepseek-v4-flash","input":1,"time":"2026-06-02"}' $URL/v1/usage
	get -H "If-None-Match: $tag" "$URL/v1/series?by=customer"; expect 0 '"tally.series/1"' 200
	stop
}
@test "a customer's token sees its own series and no other" {
	records | "$TALLY" ingest - --quiet || true
	"$TALLY" token eye --scope read --customer c3 >tokens 2>eye
	eye=$(sed -n 's/^token: //p' eye)
	serve --tokens tokens
	get -H "Authorization: Bearer $eye" "$URL/v1/series?by=customer"
	check "assert [k['key'] for k in d['keys']] == ['c3'] and d['total']['sums']['records'] == 1 and len(d['buckets']) == 1"
	get -H "Authorization: Bearer $eye" "$URL/v1/series?customer=c4"; expect 0 403
	get "$URL/v1/series"; expect 0 401
	stop
}
@test "local days are told from the sums of UTC days, whatever the zone, rare units and corrections" {
	python3 - >u.jsonl <<'P'
import random, json
random.seed(3)
for i in range(4000):
    t = 1790000000 + i * 900 + random.randrange(800)  # 41 days around the change of clocks, in order
    r = {'id': 'r%d' % i, 'time': t, 'model': random.choice(['gpt-4o', 'deepseek-v4-flash', 'nobody-1']), 'customer': 'c%d' % random.randrange(5),
         'project': 'p%d' % random.randrange(3), 'input': random.randrange(10000), 'output': random.randrange(500), 'requests': 1 + i % 3}
    print(json.dumps(r))
P
	"$TALLY" ingest u.jsonl --quiet || true
	for i in 5 77 1234 3999; do "$TALLY" void r$i --why test --quiet; done
	"$TALLY" amend r100 --set output=7 --why test --quiet
	cat >check.py <<'P'
import json, subprocess, sys, os
from datetime import datetime
from zoneinfo import ZoneInfo
from decimal import Decimal as D
tally = os.environ['TALLY']
rows = [json.loads(l) for l in open('u.jsonl')]
rows = [r for r in rows if r['id'] not in ('r5', 'r77', 'r1234', 'r3999')]
next(r for r in rows if r['id'] == 'r100')['output'] = 7
label = {'day': lambda d: d.strftime('%Y-%m-%d'), 'week': lambda d: '%d-W%02d' % d.isocalendar()[:2], 'month': lambda d: d.strftime('%Y-%m')}
for zone in ('Europe/Berlin', 'America/Los_Angeles', 'Asia/Kolkata', 'Asia/Kathmandu', 'Pacific/Auckland', 'Atlantic/Azores', 'Australia/Lord_Howe', '-03:30', 'UTC'):
    off = zone if zone[0] != '-' else None
    from datetime import timezone, timedelta
    z = ZoneInfo(zone) if off else timezone(timedelta(hours=-3, minutes=-30))
    for grain in label:
        want = {}
        for r in rows:
            k = (label[grain](datetime.fromtimestamp(r['time'], z)), r['customer'])
            w = want.setdefault(k, [0, 0, 0, 0, 0])
            for i, n in enumerate((1, r['requests'], r['input'], r['output'], r['model'] == 'nobody-1')):
                w[i] += n
        d = json.loads(subprocess.run([tally, 'usage', '--by', grain + ',customer', '-z', zone, '--json'], capture_output=True, text=True).stdout)
        got = {(g[grain], g['customer']): [g['records'], g['requests'], g['tokens']['input'], g['tokens']['output'], g['unpriced']] for g in d['groups']}
        assert got == want, (zone, grain, {k: (got.get(k), want.get(k)) for k in set(got) | set(want) if got.get(k) != want.get(k)})
        assert sum(D(g['total']) for g in d['groups']) == D(d['total'])
P
	TALLY="$TALLY" run timeout 1200 python3 check.py
	expect 0
}
@test "the stream of events carries the totals as they change" {
	serve
	curl -sN -m 4 $URL/v1/live >events 3>&- & stream=$!
	sleep 1.2
	curl -s -d '{"id":"new","model":"deepseek-v4-flash","input":1000000}' $URL/v1/usage >/dev/null
	sleep 1.2
	curl -s -d '[{"id":"old","time":"2026-06-01","model":"deepseek-v4-flash","input":1000000},{"id":"none","model":"nobody-1","input":7}]' $URL/v1/usage >/dev/null
	wait $stream || true
	python3 -c "
import json
e = [json.loads(l[6:]) for l in open('events') if l.startswith('data: ')]
assert e[0]['totals']['records'] == 0 and e[0]['totals']['total'] == '0'
one = [x for x in e if x['totals']['records'] == 1][0]
assert one['today']['records'] == 1 and one['today']['total'] == one['totals']['total'] != '0' and not one['totals']['at_least']
last = e[-1]
assert last['totals']['records'] == 3 and last['today']['records'] == 2 and last['totals']['at_least'] and last['totals']['unpriced'] == 1
assert last['totals']['tokens'] == 2000007" || fail "$(cat events)"
	stop
}
@test "files of the page come packed, and only once" {
	serve
	run curl -s -o packed -D - -H 'Accept-Encoding: gzip' $URL/page.css
	expect 0 'Content-Encoding: gzip' 'Cache-Control: no-cache'
	curl -s -o plain $URL/page.css
	gzip -dc <packed | cmp - plain
	tag=$(sed -n 's/^ETag: \(.*\)\r$/\1/p' <<<"$output")
	run curl -s -o none -w '%{http_code}' -H "If-None-Match: $tag" $URL/page.css
	expect 0 304
	[ ! -s none ]
	stop
}
