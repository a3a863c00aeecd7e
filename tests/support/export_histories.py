#!/usr/bin/env python3
"""export_histories.py TALLY SEED ROUNDS: random histories of usage and invoices; prints where what an export adds up to is not what the documents say.

A history has some customers with taxes and items, in dollars or euros, usage of each month, usage that comes late (of a month that is final), credit notes, void
invoices and their months invoiced again. Of each document the CSV and every profile, and FOCUS of invoices, must have its total, and no other document."""
import csv, io, json, os, random, subprocess, sys, tempfile
from decimal import Decimal as D

tally, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
CARD = {"schema": "tally.card/1", "provider": "north", "title": "made up", "checked": "2026-01-01", "models": {"n1": {}}, "prices": [
    {"model": "n1", "currency": "USD", "from": "2023-01-01T00:00:00Z", "source": "made up", "sure": "test", "rates": {"input": "3", "output": "15"}}]}
PLAN = {"schema": "tally.plans/1", "plans": [{"plan": "one", "rule": "ratio", "currency": "USD", "credits_per_unit": "1", "group_ratio": "1", "tables": [{"table": "t"}],
                                              "rounding": {"scope": "none"}}], "tables": {"t": {}}}
RATES = "Date,USD,\n" + "".join("2026-%02d-%02d,1.25,\n" % (m, d) for m in range(5, 13) for d in range(1, 29))


def run(*args, ok=(0,)):
    r = subprocess.run([tally] + list(args), capture_output=True)
    if r.returncode not in ok:
        print("seed", seed, " ".join(args), "exit", r.returncode, r.stderr.decode()[:300])
    return r.stdout


def sums(rows, number, amount, sign=lambda r: 1):
    out = {}
    for r in rows:
        out[r[number]] = out.get(r[number], D(0)) + D(r[amount].replace(",", ".")) * sign(r)
    return {k: v for k, v in out.items() if v}


def history(rng):
    json.dump(CARD, open("card.json", "w"))
    json.dump(PLAN, open("plan.json", "w"))
    open("rates.csv", "w").write(RATES)
    names = rng.sample(["acme", "Müller & Söhne", "=cmd", "beta;ltd"], rng.randint(1, 3))
    n = 0

    def usage(name, month, count):
        nonlocal n
        rows = []
        for _ in range(count):
            n += 1
            rows.append({"id": "c%d" % n, "customer": name, "provider": "north", "model": "n1", "time": "2026-%02d-%02dT10:00:00Z" % (month, rng.randint(1, 28)),
                         "input": rng.randint(1, 4000000), "output": rng.randint(0, 300000)})
        open("u.jsonl", "w").write("".join(json.dumps(r) + "\n" for r in rows))
        run("ingest", "u.jsonl", "--prices", "card.json", "-q")

    for name in names:
        terms = {"currency": rng.choice(["USD", "USD", "EUR"]), "taxes": [{"name": "VAT", "percent": rng.choice(["19", "7.7", "0", "8.875"])}],
                 "items": [{"description": rng.choice(["Team plan", "Betreuung; monatlich"]), "amount": rng.choice(["100", "12.34", "0.005"])}]}
        json.dump(terms, open("terms.json", "w"))
        run("credit", "account", name, "--plan", "plan.json", "--since", "2026-06-01", "--terms", "terms.json", "-q")
        usage(name, 6, rng.randint(1, 3))
    for month in (6, 7, 8):
        for again in range(6, month + 1):  # an earlier month once more, where one of its invoices is void
            run("invoice", "draft", "--all", "--period", "2026-%02d" % again, "--rates", "rates.csv", "-q", ok=(0, 1, 3))
        run("invoice", "finalize", "--all", "--rates", "rates.csv", "-q", ok=(0, 3))
        for name in names:
            usage(name, month, rng.randint(0, 2))  # late: the month is final
            usage(name, month + 1, rng.randint(0, 3))
        final = [i["number"] for i in json.loads(run("invoice", "list", "--json", ok=(0, 3)))["invoices"] if i.get("number") and D(i["total"]) > 0]
        if final and rng.random() < 0.5:
            run("invoice", "note", rng.choice(final), "--amount", "1.50", "--why", "goodwill", "-q", ok=(0, 1))
        if final and rng.random() < 0.3:
            run("invoice", "void", rng.choice(final), "--why", "wrong", "-q", ok=(0, 1))


def judge():
    documents = [i for i in json.loads(run("invoice", "list", "--json", ok=(0, 3)))["invoices"] if i.get("number")]
    live = {i["number"]: D(i["total"]) for i in documents if i.get("state", i.get("status")) != "void" and D(i["total"])}
    for i in documents:
        rows = list(csv.DictReader(io.StringIO(run("invoice", "show", i["number"], "--format", "csv").decode())))
        if sum(D(r["amount"]) for r in rows) != D(i["total"]):
            print("seed", seed, "CSV of", i["number"], sum(D(r["amount"]) for r in rows), i["total"])
    x = csv.DictReader(io.StringIO(run("export", "invoices", "--profile", "xero", ok=(0, 3)).decode()))
    q = csv.DictReader(io.StringIO(run("export", "invoices", "--profile", "quickbooks", ok=(0, 3)).decode()))
    c = csv.DictReader(io.StringIO(run("export", "invoices", "--profile", "quickbooks", "--credit-notes", ok=(0, 1, 3)).decode()))
    d = csv.reader(run("export", "invoices", "--profile", "datev", "--account", "currency=USD", "--rates", os.path.abspath("rates.csv"), ok=(0, 3)).decode("cp1252").split("\r\n")[2:-1], delimiter=";")
    f = csv.DictReader(io.StringIO(run("export", "focus", "--of", "invoices", ok=(0, 3)).decode()))
    said = {"xero": sums(x, "*InvoiceNumber", "*UnitAmount"), "datev": sums(d, 10, 0, lambda r: 1 if r[1] == "S" else -1), "focus": sums(f, "InvoiceId", "BilledCost"),
            "quickbooks": {**sums(q, "*InvoiceNo", "*ItemAmount"), **sums(c, "*CreditNoteNo", "*ItemAmount", lambda r: -1)}}
    # a rate that DATEV's field cannot hold books the amount in the currency of the books, of which a euro is 1.25
    euros = {i["number"] for i in documents if i["currency"] == "EUR"}
    for number in euros & set(said["datev"]):
        if abs(said["datev"][number] - live.get(number, 0) * D("1.25")) <= D("0.05"):
            said["datev"][number] = live[number]
    for name, got in said.items():
        if got != live:
            print("seed", seed, name, {k: (got.get(k), live.get(k)) for k in set(got) | set(live) if got.get(k) != live.get(k)})
    return len(documents)


count = 0
for k in range(rounds):
    with tempfile.TemporaryDirectory() as room:
        os.chdir(room)
        os.environ.update(TALLY_DB=os.path.join(room, "h.db"), HOME=room)
        history(random.Random(seed))
        count += judge()
        os.chdir("/")
    seed += 1
print(count, "documents", file=sys.stderr)
