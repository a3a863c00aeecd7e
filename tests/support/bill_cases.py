#!/usr/bin/env python3
"""Bills whose truth was worked out by hand, each on a database of its own: bill_cases.py TALLY [PART OF A NAME].

n1 costs a dollar for a million input tokens and n2 three; a credit is a dollar. Prints what differs; the exit status says whether
anything does. `tally fsck` has to find each database clean.
"""
import datetime
import json
import os
import subprocess
import sys
import tempfile
from decimal import Decimal

TALLY = os.path.abspath(sys.argv[1])


def card(n1):
    prices = [{"model": m, "currency": "USD", "from": "2023-01-01T00:00:00Z", "rates": {"input": p, "output": "10"},
               "source": "made up", "sure": "test"} for m, p in (("n1", n1), ("n2", "3"))]
    sizes = {"context_tokens": 1000000, "max_output_tokens": 100000}
    return {"schema": "tally.card/1", "provider": "north", "title": "made up", "checked": "2024-01-01",
            "models": {"n1": sizes, "n2": sizes}, "prices": prices}


def plan(name, table=None, **more):
    base = {"plan": name, "rule": "ratio", "currency": "USD", "credits_per_unit": "1", "tables": [{"table": "t"}],
            "rounding": {"scope": "none"}}
    base.update({"group_ratio": "1"} if table is None else {"rule": "multiplier", "baseline": {"provider": "north", "model": "n1"}})
    base.update(more)
    return {"schema": "tally.plans/1", "plans": [base], "tables": {"t": {} if table is None else {"values": table}}}


def item(description, amount, **more):
    more = {k.rstrip("_"): v for k, v in more.items()}
    return {"description": description, "amount": str(amount), **more}


class Wrong(Exception):
    pass


def same(found, wanted, what="it"):
    try:
        equal = Decimal(str(found)) == Decimal(str(wanted))
    except ArithmeticError:
        equal = found == wanted
    if not equal:
        raise Wrong(f"{what} is {found}, should be {wanted}")


class World:
    """A database, and what people do with it."""

    def __init__(self, folder):
        self.folder, self.calls, self.rates = folder, 0, []
        self.write("card.json", card("1"))
        self.write("plan.json", plan("one"))

    def write(self, name, what):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(what if isinstance(what, str) else json.dumps(what))

    def run(self, *words):
        env = dict(os.environ, TALLY_DB=os.path.join(self.folder, "t.db"), TALLY_CONFIG="", TZ="UTC")
        return subprocess.run([TALLY, *map(str, words)], cwd=self.folder, env=env, capture_output=True, text=True)

    def do(self, *words, status=0):
        r = self.run(*words)
        if r.returncode != status:
            raise Wrong(f"{words}: status {r.returncode}, {r.stdout[-300:]} {r.stderr[-400:]}")
        return r

    def refused(self, *words, why=""):
        r = self.run(*words)
        if r.returncode == 0 or why not in r.stderr + r.stdout:
            raise Wrong(f"{words} should be refused for '{why}': {r.stdout[-200:]} {r.stderr[-200:]}")

    def account(self, terms, *options, who="acme", since="2026-06-01", plan="plan.json"):
        self.write("terms.json", terms)
        self.do("credit", "account", who, "--plan", plan, "--since", since, "--terms", "terms.json", "-q", *options)

    def terms(self, terms, who="acme"):
        self.write("terms.json", terms)
        self.do("credit", "account", who, "--terms", "terms.json", "-q")

    def use(self, time, millions, model="n1", who="acme", id=None, status=0, **more):
        self.calls += 1
        self.write("use.jsonl", {"id": id or f"u{self.calls}", "time": time if "T" in time else time + "T12:00:00Z", "customer": who,
                                 "provider": "north", "model": model, "input": int(Decimal(str(millions)) * 1000000), **more})
        return self.do("ingest", "use.jsonl", "--prices", "card.json", "-q", status=status)

    def grant(self, credits, effective, *options, who="acme"):
        self.do("credit", "grant", who, credits, "--effective", effective, "-q", *options)

    def undo(self, record):
        self.do("void", record, "--why", "test", "-q")
        self.do("credit", "draw", "--prices", "card.json", "-q")

    def draft(self, period, who="acme", *options, status=0):
        r = self.do("invoice", "draft", who, "--prices", "card.json", "--json", "--period", period, *self.rates, *options, status=status)
        return json.loads(r.stdout)

    def final(self):
        self.do("invoice", "finalize", "--all", "--prices", "card.json", "-q", *self.rates)

    def documents(self, who="acme"):
        return json.loads(self.do("invoice", "list", who, "--json").stdout)["invoices"]

    def last(self, who="acme", member="total"):
        final = [i for i in self.documents(who) if i["kind"] == "invoice" and i["status"] == "final"]
        return max(final, key=lambda i: i["id"])[member] if final else None

    def number(self):
        return self.last(member="number")

    def shown(self):
        return json.loads(self.do("invoice", "show", self.number(), "--format", "json").stdout)

    def month(self, period, who="acme", *options):
        """The total of the period's document, once it is final."""
        self.draft(period, who, *options)
        self.final()
        return self.last(who)

    def void(self, number):
        self.do("invoice", "void", number, "--why", "test", "-q")

    def note(self, number, amount):
        self.do("invoice", "note", number, "--amount", amount, "--why", "test", "-q")

    def standing(self, who="acme"):
        """What all final documents come to."""
        return sum((Decimal(i["total"]) for i in self.documents(who) if i["status"] == "final"), Decimal(0))

    def balance(self, who="acme", *options):
        return json.loads(self.run("credit", "balance", who, "--json", *options).stdout)


CASES = []


def case(f):
    CASES.append(f)
    return f


@case
def leap_day_proration(w):
    w.account({'currency': 'USD', 'items': [item('x', 29, from_='2024-02-20')]}, since='2024-01-01')
    same(w.month('2024-02'), 10)


@case
def billing_day_31_feb(w):
    w.account({'currency': 'USD', 'items': [item('x', 28, from_='2025-02-14')]}, '--billing-day', 31, since='2025-01-01')
    same(w.month('2025-01'), 14)


@case
def billing_day_30_leap(w):
    w.account({'currency': 'USD', 'items': [item('x', 30, to='2024-02-09'), item('y', 30, from_='2024-02-29')]}, '--billing-day', 30, since='2024-01-01')
    same(w.month('2024-01'), 10, 'jan')
    same(w.month('2024-02'), 30, 'feb')


@case
def by_second(w):
    w.account({'currency': 'USD', 'proration': 'second', 'items': [item('x', '86.4', from_='2026-06-15T12:00:00Z')]})
    same(w.month('2026-06'), '44.64')


@case
def by_second_dst(w):
    w.account({'currency': 'USD', 'proration': 'second', 'items': [item('x', '74.5', from_='2026-10-25')]}, '-z', 'Europe/Berlin')
    same(w.month('2026-10'), '16.9')


@case
def up_down(w):
    w.account({'currency': 'USD', 'items': [item('Pro', 30, to='2026-06-11'), item('Team', 60, from_='2026-06-11', to='2026-06-21'), item('Pro', 30, from_='2026-06-21')]})
    same(w.month('2026-06'), 40)


@case
def pause_seats(w):
    w.account({'currency': 'USD', 'items': [item('s', 10, quantity='3', pauses=[{'from': '2026-06-10', 'to': '2026-06-25'}])]})
    same(w.month('2026-06'), 15)


@case
def trial_once(w):
    w.account({'currency': 'USD', 'items': [item('s', 30, from_='2026-06-15'), item('setup', 99, once=True, from_='2026-06-15')]})
    same(w.month('2026-06'), 115)
    same(w.month('2026-07'), 30)


@case
def advance(w):
    w.account({'currency': 'USD', 'items': [item('s', 31, advance=True, from_='2026-06-16')]})
    same(w.month('2026-06'), '46.5')
    same(w.month('2026-07'), 31)


@case
def advance_cancel(w):
    w.account({'currency': 'USD', 'items': [item('s', 31, advance=True, from_='2026-06-16')]})
    same(w.month('2026-06'), '46.5')
    w.terms({'currency': 'USD', 'items': [item('s', 31, advance=True, from_='2026-06-16', to='2026-07-11')]})
    same(w.month('2026-07'), -21)
    same(w.standing(), '25.5')


@case
def advance_void_out_of_order(w):
    w.account({'currency': 'USD', 'items': [item('s', 30, advance=True)]})
    same(w.month('2026-06'), 60)
    n = w.number()
    same(w.month('2026-07'), 30)
    w.void(n)
    same(w.month('2026-06'), 30, 'again')
    same(w.month('2026-08'), 60)
    same(w.standing(), 120)


@case
def seats_change(w):
    w.account({'currency': 'USD', 'items': [item('s', 12, quantity='2', to='2026-06-16'), item('s', 12, quantity='5', from_='2026-06-16')]})
    same(w.month('2026-06'), 42)


@case
def coupon_once_void(w):
    w.account({'currency': 'USD', 'coupons': [{'description': 'A', 'percent': '50', 'from': '2026-06-10', 'periods': 1}]})
    w.use('2026-06-05', 100)
    w.use('2026-07-05', 100)
    same(w.month('2026-06'), 50)
    n = w.number()
    same(w.month('2026-07'), 100)
    w.void(n)
    same(w.month('2026-06'), 50)
    same(w.standing(), 150)


@case
def coupon_amount_n(w):
    w.account({'currency': 'USD', 'coupons': [{'description': 'A', 'amount': '30', 'from': '2026-06-01', 'periods': 2}]})
    w.use('2026-06-05', 20)
    w.use('2026-07-05', 50)
    w.use('2026-08-05', 50)
    same(w.month('2026-06'), 0)
    same(w.month('2026-07'), 20)
    same(w.month('2026-08'), 50)
    w.use('2026-06-06', 30)
    same(w.month('2026-09'), 20)
    same(w.standing(), 90)


@case
def coupon_forever_tax(w):
    w.account({'currency': 'USD', 'coupons': [{'description': 'A', 'percent': '12.5'}], 'items': [item('s', 80)], 'taxes': [{'name': 'V', 'percent': '7.7'}]})
    same(w.month('2026-06'), '75.39')
    same(w.month('2026-07'), '75.39')


@case
def prices_dated_late(w):
    P = [{'model': 'n1', 'provider': 'north', 'rates': {'input': '0.5', 'output': '10'}, 'from': '2026-06-16'}]
    w.account({'currency': 'USD', 'prices': P})
    w.use('2026-06-10', 10)
    w.use('2026-06-20', 10)
    same(w.month('2026-06'), 15)
    w.use('2026-06-21', 10)
    w.use('2026-06-11', 10)
    same(w.month('2026-07'), 15)


@case
def max_then_late(w):
    w.account({'currency': 'USD', 'maximum': '25'})
    w.use('2026-06-05', 30)
    same(w.month('2026-06'), 25)
    w.use('2026-06-06', 30)
    w.use('2026-07-06', 4)
    same(w.month('2026-07'), 4)


@case
def min_then_late(w):
    w.account({'currency': 'USD', 'minimum': '25'})
    w.use('2026-06-05', 10)
    same(w.month('2026-06'), 25)
    w.use('2026-06-06', 10)
    w.use('2026-07-06', 30)
    same(w.month('2026-07'), 30)
    w.use('2026-06-07', 10)
    same(w.month('2026-08'), 30)


@case
def quebec(w):
    w.account({'currency': 'USD', 'items': [item('s', '100.10')], 'taxes': [{'name': 'GST', 'percent': '5'}, {'name': 'QST', 'percent': '9.975'}]})
    same(w.month('2026-06'), '115.09')


@case
def inclusive_two(w):
    w.account({'currency': 'USD', 'tax_inclusive': True, 'items': [item('s', '115')], 'taxes': [{'name': 'A', 'percent': '10'}, {'name': 'B', 'percent': '5'}]})
    same(w.month('2026-06'), 115)
    d = w.shown()
    same(sorted((t['amount'] for t in d['taxes'])), ['10', '5'], 'taxes')
    same(d['subtotal'], 100)


@case
def yen(w):
    w.write('r.csv', 'day,base,currency,rate\n2026-06-30,USD,JPY,150.5\n')
    w.rates = ['--rates', 'r.csv']
    w.account({'currency': 'JPY'})
    w.use('2026-06-05', 10.01)
    same(w.month('2026-06'), 1507)


@case
def dinar_half(w):
    w.write('r.csv', 'day,base,currency,rate\n2026-06-30,USD,KWD,0.30705\n')
    w.rates = ['--rates', 'r.csv']
    w.account({'currency': 'KWD'})
    w.use('2026-06-05', 10)
    same(w.month('2026-06'), '3.071')


@case
def dinar_even(w):
    w.write('r.csv', 'day,base,currency,rate\n2026-06-30,USD,KWD,0.30705\n')
    w.rates = ['--rates', 'r.csv']
    w.account({'currency': 'KWD', 'rounding': 'half-even'})
    w.use('2026-06-05', 10)
    same(w.month('2026-06'), '3.07')


@case
def rate_too_old(w):
    w.write('r.csv', 'day,base,currency,rate\n2026-06-20,USD,CHF,0.8\n')
    w.rates = ['--rates', 'r.csv']
    w.account({'currency': 'CHF'})
    w.use('2026-06-05', 10)
    w.refused('invoice', 'draft', 'acme', '--period', '2026-06', '--prices', 'card.json', *w.rates, why='no rate from USD to CHF')


@case
def line_or_document(w):
    for mode, want in (('line', '0.03'), ('document', '0.02')):
        who = 'c' + mode
        w.account({'currency': 'USD', **({'rounding_of': 'document'} if mode == 'document' else {})}, who=who)
        for p in 'abc':
            w.use('2026-06-05', 0.005, who=who, project=p)
        same(w.month('2026-06', who), want, mode)


@case
def notes_to_the_end(w):
    w.account({'currency': 'USD', 'items': [item('s', 100)], 'taxes': [{'name': 'A', 'percent': '19'}]})
    w.month('2026-06')
    n = w.number()
    for a in ('40', '40', '39'):
        w.note(n, a)
    w.refused('invoice', 'note', n, '--amount', '0.01', '--why', 'x')
    same(w.standing(), 0)


@case
def overpay_move(w):
    w.account({'currency': 'USD', 'items': [item('s', 100)], 'due_days': 14})
    w.month('2026-06')
    a = w.number()
    w.month('2026-07')
    b = w.number()
    w.do('invoice', 'pay', a, '150')
    w.do('invoice', 'pay', b, '50', '--from', a)
    d = json.loads(w.do('invoice', 'list', 'acme', '--json').stdout)
    x = {i['number']: i for i in d['invoices']}
    same(x[a]['amount_due'], 0)
    same(x[b]['amount_due'], 50)


@case
def one_transfer_two_invoices(w):
    w.account({'currency': 'USD', 'items': [item('s', 100)]})
    w.month('2026-06')
    a = w.number()
    w.month('2026-07')
    b = w.number()
    w.do('invoice', 'pay', a, '100', '--reference', 'bank-1')
    w.do('invoice', 'pay', b, '60', '--reference', 'bank-1')
    d = json.loads(w.do('invoice', 'list', 'acme', '--json').stdout)
    x = {i['number']: i for i in d['invoices']}
    same(x[a]['amount_due'], 0)
    same(x[b]['amount_due'], 40)


@case
def overdue(w):
    w.account({'currency': 'USD', 'items': [item('s', 100)], 'due_days': 14})
    w.month('2026-06')
    n = w.number()
    d = json.loads(w.do('invoice', 'list', 'acme', '--json', '--at', '2027-01-20').stdout)
    same(d['invoices'][0].get('payment') or d['invoices'][0].get('state') or d['invoices'][0].get('status'), 'overdue')


@case
def auto_top_up(w):
    w.account({'currency': 'USD'})
    w.grant(10, '2026-06-01')
    w.do('credit', 'top-up', 'acme', '--below', 2, '--to', 10, '--price', '0.5', '-q')
    w.use('2026-06-05', 15)
    same(w.balance()['available'], 10)
    same(w.month('2026-06'), '7.5')


@case
def threshold(w):
    """Of the month that goes on."""
    month = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m')
    w.account({'currency': 'USD', 'threshold': '50', 'items': [item('s', 7)]}, since=month + '-01')
    w.use(month + '-01T00:00:00Z', 40)
    w.draft(month, 'acme', '--interim')
    w.final()
    same(w.last(), None)
    w.use(month + '-01T00:00:01Z', 20)
    same(w.month(month, 'acme', '--interim'), 60)
    w.use(month + '-01T00:00:02Z', 5)
    same(w.month(month, 'acme', '--interim'), 60)
    same(w.draft(month)['total'], 12)


@case
def rollover_late(w):
    w.account({'currency': 'credits'}, since='2026-05-01')
    w.do('credit', 'grant', 'acme', '10', '--every', '1month', '--rollover', '5', '--effective', '2026-05-01', '--id', 'm', '-q')
    w.use('2026-06-10', 12)
    w.use('2026-05-20', 8)
    b = json.loads(w.do('credit', 'balance', 'acme', '--at', '2026-06-30', '--json').stdout)
    same(b['balance'], 0)


@case
def zone_change(w):
    w.account({'currency': 'USD'}, '-z', 'UTC')
    w.do('credit', 'account', 'acme', '-z', 'America/New_York from 2026-07-01', '-q')
    w.use('2026-06-30T23:30:00Z', 1)
    w.use('2026-07-01T02:00:00Z', 2)
    w.use('2026-08-01T03:00:00Z', 5)
    w.use('2026-08-01T05:00:00Z', 7)
    same(w.month('2026-06'), 1)
    same(w.month('2026-07'), 7)
    same(w.month('2026-08'), 7)


@case
def expiry_1030(w):
    w.account({'currency': 'USD'})
    w.grant(5, '2026-06-01', '--expires', '2026-06-10T10:30:00Z', '--id', 'e')
    w.grant(2, '2026-06-01', '--id', 'n')
    w.use('2026-06-10T10:45:00Z', 4)
    w.use('2026-06-10T10:05:00Z', 3)
    same(w.month('2026-06'), 2)
    w.use('2026-06-10T10:10:00Z', 2)
    same(w.month('2026-07'), 0)
    same(w.balance()['available'], 0)


@case
def reversal_other_card(w):
    w.account({'currency': 'credits'})
    w.grant(50, '2026-06-01', '--id', 'g')
    w.use('2026-06-05', 20, id='z')
    w.write('card.json', card('2'))
    w.undo('z')
    same(w.balance()['available'], 50)


@case
def unlisted_multiplier(w):
    for k, (u, want) in enumerate((({'multiplier': '1.5'}, 15), ({'own_price': '1.2'}, 36))):
        w.write('p.json', plan('m', {'n1': '2'}, unlisted=u))
        who = f'c{k}'
        w.account({'currency': 'USD'}, who=who, plan='p.json')
        w.grant(100, '2026-06-01', who=who)
        w.use('2026-06-05', 10, model='n2', who=who)
        w.use('2026-06-05', 1, who=who)
        same(w.balance(who)['available'], 100 - want - 2)


@case
def unlisted_refuse(w):
    w.write('p.json', plan('m', {'n1': '2'}, unlisted='refuse'))
    w.account({'currency': 'credits'}, plan='p.json')
    w.grant(100, '2026-06-01')
    w.use('2026-06-05', 10, model='n2', status=3)
    same(w.balance()['available'], 100)
    w.draft('2026-06', status=3)
    w.refused('invoice', 'finalize', '--all', '--prices', 'card.json', why='not covered')


@case
def whole_order(w):
    w.account({'currency': 'USD', 'discount_percent': '10', 'coupons': [{'description': 'H', 'percent': '50'}], 'taxes': [{'name': 'V', 'percent': '20'}]})
    w.grant(30, '2026-06-01')
    w.use('2026-06-05', 200)
    same(w.month('2026-06'), 72)


@case
def note_then_void(w):
    w.account({'currency': 'USD', 'items': [item('s', 100)]})
    w.month('2026-06')
    n = w.number()
    w.note(n, '30')
    same(w.standing(), 70)
    w.void(n)
    same(w.month('2026-06'), 100)
    same(w.standing(), 100)


@case
def graduated_late(w):
    w.account({'currency': 'USD', 'usage': False, 'metered': [{'description': 'Calls', 'of': 'requests', 'pricing': {'graduated': [{'up_to': '2', 'unit': '0'}, {'unit': '3', 'flat': '1'}]}}]})
    for i in range(4):
        w.use('2026-06-05', 0.001)
    same(w.month('2026-06'), 7)
    w.use('2026-06-06', 0.001)
    same(w.month('2026-07'), 3)


@case
def package(w):
    w.account({'currency': 'USD', 'usage': False, 'metered': [{'description': 'T', 'of': 'input', 'pricing': {'package': {'size': '1000', 'price': '2', 'free': '500'}}}]})
    w.use('2026-06-05', 0.0016)
    same(w.month('2026-06'), 4)


@case
def quantity_parts(w):
    w.account({'currency': 'USD', 'items': [item('s', '10', quantity='2.5', from_='2026-06-16')]})
    same(w.month('2026-06'), '12.5')


@case
def offer_switch(w):
    w.write('o.json', {'schema': 'tally.offers/1', 'offers': [{'offer': 'a', 'title': 'A', 'plan': 'vm0', 'price': '10', 'currency': 'USD', 'credits': '100', 'class': 'paid', 'every': '1month'}, {'offer': 'b', 'title': 'B', 'plan': 'vm0', 'price': '40', 'currency': 'USD', 'credits': '500', 'class': 'paid', 'every': '1month'}]})
    w.do('credit', 'subscribe', 'acme', 'a', '--offers', 'o.json', '--from', '2026-06-10', '-q')
    w.terms({'currency': 'USD'})
    w.do('credit', 'subscribe', 'acme', 'b', '--switch', 'a', '--offers', 'o.json', '--from', '2026-07-20', '-q')
    same(w.month('2026-06'), 10)
    same(w.month('2026-07'), 50)
    same(w.month('2026-08'), 40)


@case
def grant_price_exchanged(w):
    w.write('r.csv', 'day,base,currency,rate\n2026-06-30,EUR,USD,1.25\n')
    w.rates = ['--rates', 'r.csv']
    w.account({'currency': 'USD'})
    w.do('credit', 'grant', 'acme', '100', '--price', '20', '--currency', 'EUR', '--effective', '2026-06-05', '--id', 's', '-q')
    same(w.month('2026-06'), 25)


@case
def amended_down(w):
    w.account({'currency': 'USD', 'taxes': [{'name': 'V', 'percent': '10'}]})
    w.use('2026-06-05', 100, id='z')
    same(w.month('2026-06'), 110)
    w.use('2026-07-05', 10)
    w.undo('z')
    same(w.month('2026-07'), -99)
    same(w.standing(), 11)


@case
def contract_anniversary(w):
    """Billing day 15: period 15 June - 15 July is 30 days; contract from 1 July: 14 of 30 of 60 is 28."""
    w.account({'currency': 'USD', 'minimum': '60', 'contract': {'from': '2026-07-01'}}, '--billing-day', 15)
    same(w.month('2026-06'), 28)


@case
def kolkata_day(w):
    w.account({'currency': 'USD'}, '-z', 'Asia/Kolkata')
    w.use('2026-06-30T18:29:59Z', 1)
    w.use('2026-06-30T18:30:00Z', 2)
    same(w.month('2026-06'), 1)
    same(w.month('2026-07'), 2)


@case
def lord_howe_second(w):
    """Lord Howe: April 2026 has 30 days and half an hour (the clock goes back 30 minutes on the 5th): 720.5 h; from the 5th's midnight on: 96 h less."""
    w.account({'currency': 'USD', 'proration': 'second', 'items': [item('x', '720.5', from_='2026-04-05')]}, '-z', 'Australia/Lord_Howe', since='2026-04-01')
    same(w.month('2026-04'), '624.5')


@case
def supplement(w):
    w.account({'currency': 'USD'})
    w.use('2026-06-05', 10)
    same(w.month('2026-06'), 10)
    w.use('2026-06-06', 3)
    w.draft('2026-06', 'acme', '--supplement')
    w.final()
    same(w.last(), 3)
    same(w.month('2026-07'), 0)


@case
def debt_repaid(w):
    w.account({'currency': 'USD'}, '--overage', 'debt')
    w.use('2026-06-05', 10)
    same(w.month('2026-06'), 0)
    w.grant(25, '2026-07-01')
    same(w.balance()['available'], 15)
    same(w.month('2026-07'), 0)


@case
def overage_then_grant_back(w):
    """Asked for by June's invoice: a later grant dated back does not pay it; when it is void, it does."""
    w.account({'currency': 'USD'})
    w.use('2026-06-05', 10)
    same(w.month('2026-06'), 10)
    n = w.number()
    w.grant(10, '2026-06-01')
    same(w.month('2026-07'), 0)
    same(w.balance()['available'], 10)
    w.void(n)
    same(w.month('2026-06'), 0)
    same(w.balance()['available'], 0)


@case
def skipped_month(w):
    w.account({'currency': 'USD'})
    w.use('2026-06-05', 10)
    w.use('2026-07-05', 20)
    w.use('2026-08-05', 30)
    same(w.month('2026-08'), 30)
    same(w.month('2026-06'), 10)
    same(w.month('2026-07'), 20)
    same(w.standing(), 60)


@case
def coupon_mid_and_anniversary(w):
    w.account({'currency': 'USD', 'items': [item('s', 100)], 'coupons': [{'description': 'A', 'percent': '25', 'from': '2026-07-14', 'periods': 2}]}, '--billing-day', 15)
    same(w.month('2026-06'), 75)
    same(w.month('2026-07'), 75)
    same(w.month('2026-08'), 100)


@case
def pauses_overlap(w):
    w.account({'currency': 'USD'})
    w.write('x.json', {'currency': 'USD', 'items': [item('s', 30, pauses=[{'from': '2026-06-10', 'to': '2026-06-20'}, {'from': '2026-06-15', 'to': '2026-06-25'}])]})
    w.refused('credit', 'account', 'acme', '--terms', 'x.json', why='items[0]: pauses[1]')


@case
def pause_outside_item(w):
    w.account({'currency': 'USD', 'items': [item('s', 30, pauses=[{'from': '2026-06-01', 'to': '2026-06-20'}], from_='2026-06-16')]})
    same(w.month('2026-06'), 11)


@case
def two_coupons_in_order(w):
    w.account({'currency': 'USD', 'items': [item('s', 100)], 'coupons': [{'description': 'A', 'amount': '10'}, {'description': 'B', 'percent': '50'}]})
    same(w.month('2026-06'), 45)


@case
def volume_crossing_down(w):
    w.account({'currency': 'USD', 'usage': False, 'metered': [{'description': 'T', 'of': 'input', 'pricing': {'volume': [{'up_to': '1000', 'unit': '0.02'}, {'unit': '0.01'}]}}]})
    w.use('2026-06-05', 0.001)
    same(w.month('2026-06'), 20)
    w.use('2026-06-06', 0.0005)
    same(w.month('2026-07'), -5)
    same(w.standing(), 15)


@case
def metered_filters(w):
    w.account({'currency': 'USD', 'usage': False, 'metered': [{'description': 'T', 'of': 'requests', 'model': 'n2', 'pricing': {'unit': '2'}}, {'description': 'P', 'of': 'requests', 'project': 'a', 'pricing': {'unit': '5'}}]})
    w.use('2026-06-05', 0.001, model='n2', project='a')
    w.use('2026-06-05', 0.001, model='n2', project='b')
    w.use('2026-06-05', 0.001, project='a')
    same(w.month('2026-06'), 14)


@case
def yen_minimum(w):
    w.account({'currency': 'JPY', 'usage': False, 'minimum': {'amount': '100', 'from': '2026-07-22'}}, since='2026-07-01')
    same(w.month('2026-07'), 32)


@case
def yen_payment(w):
    w.account({'currency': 'JPY', 'usage': False, 'items': [item('s', 1000)]})
    w.month('2026-06')
    n = w.number()
    w.refused('invoice', 'pay', n, '0.5')
    w.do('invoice', 'pay', n, '1000')


@case
def kwd_note(w):
    w.account({'currency': 'KWD', 'usage': False, 'items': [item('s', '10.005')], 'taxes': [{'name': 'V', 'percent': '5'}]})
    same(w.month('2026-06'), '10.505')
    n = w.number()
    w.note(n, '0.001')
    same(w.standing(), '10.504')
    w.note(n, '10.504')
    same(w.standing(), 0)


@case
def auckland_anniversary(w):
    w.account({'currency': 'USD'}, '--billing-day', 15, '-z', 'Pacific/Auckland')
    w.use('2026-07-14T11:59:59Z', 1)
    w.use('2026-07-14T12:00:00Z', 2)
    same(w.month('2026-06'), 1)
    same(w.month('2026-07'), 2)


@case
def mid_interim_orders(w):
    w.account({'currency': 'USD', 'threshold': '10', 'taxes': [{'name': 'V', 'percent': '10'}], 'discount_percent': '10'})
    w.use('2026-06-05', 20)
    w.draft('2026-06', 'acme', '--interim')
    w.final()
    same(w.last(), '19.8')
    a = w.number()
    w.use('2026-06-06', 20)
    w.draft('2026-06', 'acme', '--interim')
    w.final()
    same(w.last(), '19.8')
    w.void(a)
    same(w.month('2026-06'), '19.8')
    same(w.standing(), '39.6')


@case
def interim_in_another_currency(w):
    """Today's rate while the period goes on, which stays with the period."""
    today = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d')
    w.write('r.csv', f'day,base,currency,rate\n{today},USD,EUR,0.8\n')
    w.rates = ['--rates', 'r.csv']
    w.account({'currency': 'EUR', 'threshold': '10'}, since=today[:7] + '-01')
    w.use(today[:7] + '-01T00:00:01Z', 50)
    same(w.month(today[:7], 'acme', '--interim'), 40)
    w.write('r.csv', f'day,base,currency,rate\n{today},USD,EUR,0.9\n')
    w.use(today[:7] + '-01T00:00:02Z', 20)
    same(w.month(today[:7], 'acme', '--interim'), 16)
    same(w.standing(), 56)


@case
def once_void(w):
    w.account({'currency': 'USD', 'items': [item('setup', 99, once=True, from_='2026-06-15'), item('s', 10)]})
    same(w.month('2026-06'), 109)
    n = w.number()
    same(w.month('2026-07'), 10)
    w.void(n)
    same(w.month('2026-06'), 109)
    same(w.standing(), 119)


@case
def late_after_terms_change(w):
    w.account({'currency': 'USD', 'taxes': [{'name': 'V', 'percent': '10'}]})
    w.use('2026-06-05', 10)
    same(w.month('2026-06'), 11)
    w.terms({'currency': 'USD', 'taxes': [{'name': 'V', 'percent': '20'}]})
    w.use('2026-06-06', 10)
    w.use('2026-07-06', 10)
    same(w.month('2026-07'), 23)


@case
def back_more_than_paid(w):
    w.account({'currency': 'USD', 'items': [item('s', 10)]})
    w.month('2026-06')
    n = w.number()
    w.do('invoice', 'pay', n, '10')
    w.refused('invoice', 'pay', n, '11', '--back')
    w.do('invoice', 'pay', n, '10', '--back')


@case
def void_paid_credit_moves(w):
    w.account({'currency': 'USD', 'items': [item('s', 10)]})
    w.month('2026-06')
    a = w.number()
    w.do('invoice', 'pay', a, '10')
    w.void(a)
    w.month('2026-06')
    b = w.number()
    w.do('invoice', 'pay', b, '10', '--from', a)
    x = {i['number']: i for i in w.documents()}
    same(x[b]['payment'], 'paid')


@case
def plan_worth_changes(w):
    w.write('ten.json', plan('ten', credits_per_unit='10'))
    w.account({'currency': 'USD', 'credit_price': 'plan'}, since='2026-05-01')
    w.do('credit', 'account', 'acme', '--plan', 'ten.json from 2026-06-01', '-q')
    w.use('2026-05-05', 5)
    w.use('2026-06-05', 5)
    w.grant(20, '2026-06-01')
    same(w.month('2026-05'), 5)
    same(w.month('2026-06'), 3)


@case
def credit_price_fixed(w):
    w.account({'currency': 'USD', 'credit_price': '0.0125'})
    w.grant(40, '2026-06-01')
    w.use('2026-06-05', 100)
    same(w.month('2026-06'), '0.75')


@case
def seats_with_anniversary_31(w):
    """Billing day 31: 31 May - 30 June is 30 days; a seat for 9 from 15 June: 15 of 30."""
    w.account({'currency': 'USD', 'items': [item('s', 9, from_='2026-06-15')]}, '--billing-day', 31, since='2026-05-01')
    same(w.month('2026-05'), '4.5')
    same(w.month('2026-06'), 9)


@case
def inclusive_with_credits(w):
    """119 with 19 % in it; 24 are paid by credits: 95 are asked for, 15.17 of them tax."""
    w.account({'currency': 'USD', 'tax_inclusive': True, 'taxes': [{'name': 'A', 'percent': '19'}]})
    w.grant(24, '2026-06-01')
    w.use('2026-06-05', 119)
    same(w.month('2026-06'), 95)
    d = w.shown()
    same(d['taxes'][0]['amount'], '15.17')


@case
def grants_of_two_months_and_void(w):
    w.account({'currency': 'USD'})
    w.grant(10, '2026-06-01', '--expires', '2026-07-01', '--id', 'a')
    w.grant(10, '2026-06-01', '--id', 'b')
    w.use('2026-06-05', 8)
    w.use('2026-07-05', 8)
    same(w.month('2026-07'), 0)
    same(w.month('2026-06'), 0)
    w.use('2026-06-06', 4)
    same(w.month('2026-08'), 0)
    same(w.balance()['available'], 0)
    w.use('2026-06-07', 3)
    same(w.month('2026-09'), 3)
    same(w.standing(), 3)


@case
def most_top_up(w):
    w.account({'currency': 'USD'})
    w.do('credit', 'top-up', 'acme', '--below', 5, '--to', 20, '--most', 30, '--price', '1', '-q')
    w.use('2026-06-05', 25)
    w.use('2026-06-06', 25)
    same(w.month('2026-06'), 50)


@case
def byo(w):
    w.account({'currency': 'credits'}, '--byo', 'yes')
    w.use('2026-06-05', 25)
    same(w.month('2026-06'), 0)


@case
def customers_of_two_zones(w):
    for who, z in (('e', 'Asia/Tokyo'), ('f', 'America/Los_Angeles')):
        w.account({'currency': 'USD'}, '-z', z, who=who)
        w.use('2026-06-30T16:00:00Z', 7, who=who)
    same(w.month('2026-06', 'e'), 0)
    same(w.month('2026-06', 'f'), 7)
    same(w.month('2026-07', 'e'), 7)


@case
def markup_days_and_discount(w):
    w.account({'currency': 'USD', 'markup': [{'percent': '10', 'to': '2026-06-16'}, {'model': 'n2', 'percent': '50'}]})
    w.use('2026-06-15', 10)
    w.use('2026-06-16', 10)
    w.use('2026-06-15', 10, model='n2')
    same(w.month('2026-06'), 66)


@case
def min_in_credits(w):
    w.account({'currency': 'credits', 'minimum': '20'})
    w.grant(5, '2026-06-01')
    w.use('2026-06-05', 8)
    same(w.month('2026-06'), 15)


@case
def rounding_up_lines(w):
    w.account({'currency': 'USD', 'rounding': 'up'})
    w.use('2026-06-05', 0.001)
    w.use('2026-06-05', 0.001, project='b')
    same(w.month('2026-06'), '0.02')


@case
def rounding_down_negative_adjust(w):
    w.account({'currency': 'USD', 'rounding': 'down'})
    w.use('2026-06-05', 1.999, id='z')
    w.use('2026-06-05', 0.5)
    same(w.month('2026-06'), '2.49')
    w.undo('z')
    same(w.month('2026-07'), '-1.99')
    same(w.standing(), '0.5')


@case
def draw_by_hand_then_usage(w):
    w.account({'currency': 'USD'})
    w.grant(10, '2026-06-01', '--id', 'g')
    w.write('o', '{"op":"draw","customer":"acme","id":"d","amount":"6","at":"2026-06-20T00:00:00Z"}\n')
    w.do('credit', 'post', 'o')
    w.use('2026-06-10', 7)
    same(w.month('2026-06'), 0)
    same(w.balance()['owed'], 3)


@case
def how_an_offer_opens_accounts(w):
    offer = {'offer': 'a', 'title': 'A', 'plan': 'vm0', 'price': '10', 'currency': 'USD', 'credits': '100', 'class': 'paid'}
    for name, account in (('plain', None), ('limited', {'overage': 'limit', 'overage_limit': '50', 'burn_order': 'expiry'})):
        w.write('o.json', {'schema': 'tally.offers/1', 'offers': [offer], **({'account': account} if account else {})})
        w.do('credit', 'subscribe', name, 'a', '--offers', 'o.json', '--from', '2026-06-10', '-q')
    shown = w.do('credit', 'account', 'limited').stdout
    same('limit of 50' in shown, True, shown)
    same(w.balance('plain')['available'], 100)
    w.write('o.json', {'schema': 'tally.offers/1', 'offers': [offer], 'account': {'overage': 'limit'}})
    w.refused('plan', 'check', 'o.json', why="'overage_limit'")



def main():
    wrong = 0
    for f in CASES:
        if any(part in f.__name__ for part in sys.argv[2:] or [""]):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    w = World(folder)
                    f(w)
                    w.do("fsck")
                except Wrong as why:
                    wrong += 1
                    print(f"{f.__name__}: {why}")
    print(f"{len(CASES)} cases, {wrong} wrong")
    return wrong > 0


sys.exit(main())
