"""bare_amounts.py table|csv|json|html [ALLOWED]: reads a report of work of which no part has its whole cost, and names what it
prints as if it were whole. A table or page must have a bound before every amount of dollars, but for the lines that ALLOWED (a
regular expression) matches; a row of CSV with a total a count above 0 of what it lacks; an object of JSON with a total such a
count of its own, or one that holds it."""
import csv
import html
import json
import re
import sys

LACKS = ('unpriced', 'placeholders', 'uncovered', 'uncredited', 'credits_unpriced')
COSTS = ('total', 'spent', 'metered', 'list_price', 'run_rate_month', 'first_month', 'cost', 'expected')
kind, allowed = sys.argv[1], re.compile(sys.argv[2]) if len(sys.argv) > 2 else None
bad, seen = [], 0


def table(text):
    global seen
    for line in text.splitlines():
        if allowed and allowed.search(line):
            continue
        for m in re.finditer(r'[+-]?<?[+-]?\$[0-9]', line):
            seen += 1
            before = line[:m.start()]
            # the other end of an interval or of a pair has the bound of the first
            if not re.search(r'(>=|<=|~|at least|at most|about)[ \u00a0]$|(>=|<=|~)[ \u00a0]\S+ (to|or) $', before):
                bad.append(line)


def rows(text):
    global seen
    for row in csv.DictReader(text.splitlines()):
        if row.get('total'):
            seen += 1
            if not any(int(row.get(k) or 0) > 0 for k in LACKS):
                bad.append(str(row))


def objects(of, told):
    global seen
    if isinstance(of, list):
        for one in of:
            objects(one, told)
    if not isinstance(of, dict):
        return
    told = told or any(isinstance(of.get(k), int) and of[k] > 0 for k in LACKS)
    for key in COSTS:
        if isinstance(of.get(key), str):
            seen += 1
            if not told:
                bad.append(json.dumps(of)[:200])
    for one in of.values():
        objects(one, told)


text = sys.stdin.read()
if kind == 'table':
    table(text)
elif kind == 'csv':
    rows(text)
elif kind == 'json':
    objects(json.loads(text), False)
else:
    table('\n'.join(html.unescape(re.sub(r'<[^>]+>', '', c)) for c in re.findall(r'<td[^>]*>.*?</td>|<p>.*?</p>|<li>.*?</li>', text, re.S)))
for line in bad[:10]:
    print('bare:', line)
if not seen:
    print('no amount at all')
sys.exit(1 if bad or not seen else 0)
