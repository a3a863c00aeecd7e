#!/usr/bin/env python3
"""A month of usage, and the bill of a scripted vendor for it, in the formats that vendors write, with seeded faults.

  vendor_bill.py usage FILE           records of September 2026, as CSV
  vendor_bill.py bill FORMAT FAULT FILE  prints the sum that the fault makes billed differ from metered

Money is decimal throughout; nothing is drawn at random that is not seeded."""
import csv, json, random, sys
from decimal import Decimal as D

RATE = {"claude-sonnet-4-6": (D(3), D(15)), "claude-haiku-4-5": (D(1), D(5))}  # of a million: input, output


def records():
    r = random.Random(20260901)
    out = []
    for day in range(1, 31):
        for model in sorted(RATE):
            for n in range(r.randint(1, 4)):
                # whole cents: a million tokens of input and 200,000 of output at a time
                out.append(("r%d-%s-%d" % (day, model, n), "2026-09-%02dT%02d:%02d:00Z" % (day, r.randint(1, 22), r.randint(0, 59)), model,
                            1000000 * r.randint(1, 5), 200000 * r.randint(1, 5)))
    return out


def lines():
    sums = {}
    for _, time, model, i, o in records():
        key = (time[:10], model)
        sums[key] = sums.get(key, D(0)) + (RATE[model][0] * i + RATE[model][1] * o) / 1000000
    return [[day, model, cost, "usage"] for (day, model), cost in sorted(sums.items())]


def seed(fault, rows):
    """The rows with the fault, and billed less metered that it makes."""
    at = next(k for k, r in enumerate(rows) if r[0] == "2026-09-17" and r[1] == "claude-sonnet-4-6")
    cost = rows[at][2]
    if fault == "none":
        return rows, D(0)
    if fault == "half":  # a batch's factor
        rows[at][2] = cost / 2
        return rows, -cost / 2
    if fault == "tenth":
        rows[at][2] = cost * D("1.1")
        return rows, cost / 10
    if fault == "unmetered":
        rows[at][2] = cost + D("7.77")
        return rows, D("7.77")
    if fault == "missing":
        del rows[at]
        return rows, -cost
    if fault == "name":
        rows[at][1] = "claude-sonnet-next"
        return rows, D(0)
    if fault == "day":  # the same amount one day on
        rows[at][2] = D(0)
        nxt = next(k for k, r in enumerate(rows) if r[0] == "2026-09-18" and r[1] == "claude-sonnet-4-6")
        rows[nxt][2] += cost
        return rows, D(0)
    if fault == "rounding":
        rows[at][2] = cost + D("0.0045")
        return rows, D("0.0045")
    if fault == "tax":
        rows.append(["2026-09-30", "", D("19.19"), "tax"])
        return rows, D("19.19")
    raise SystemExit("no such fault: " + fault)


def plain(d):
    t = format(d, "f")
    return t.rstrip("0").rstrip(".") if "." in t else t


def write(fmt, rows, path):
    days = sorted({r[0] for r in rows})
    if fmt == "anthropic":  # cents
        doc = {"data": [{"starting_at": d + "T00:00:00Z", "results": [
            {"currency": "USD", "amount": plain(r[2] * 100), "model": r[1] or None, "cost_type": "tokens"} for r in rows if r[0] == d]} for d in days],
            "has_more": False}
        json.dump(doc, open(path, "w"))
    elif fmt == "openai":  # dollars, seconds
        import calendar, time
        doc = {"object": "page", "data": [{"object": "bucket", "start_time": calendar.timegm(time.strptime(d, "%Y-%m-%d")), "results": [
            {"amount": {"value": plain(r[2]), "currency": "usd"}, "line_item": r[1] + ", input"} for r in rows if r[0] == d]} for d in days],
            "has_more": False}
        json.dump(doc, open(path, "w"))
    elif fmt == "focus":
        with open(path, "w", newline="") as f:
            w = csv.writer(f)
            w.writerow(["BilledCost", "BillingCurrency", "ChargeCategory", "ChargePeriodStart", "ServiceName"])
            for d, m, c, kind in rows:
                w.writerow([plain(c), "USD", "Tax" if kind == "tax" else "Usage", d + "T00:00:00Z", m or "tax"])
    elif fmt == "semicolons":  # a German spreadsheet
        with open(path, "w", newline="", encoding="utf-8-sig") as f:
            f.write("Datum;Modell;Betrag\r\n")
            for d, m, c, _ in rows:
                f.write("%s.%s.%s;%s;%s\r\n" % (d[8:], d[5:7], d[:4], m, plain(c).replace(".", ",")))
    elif fmt == "csv":
        with open(path, "w", newline="") as f:
            f.write("day,model,cost\n")
            for d, m, c, _ in rows:
                f.write("%s,%s,%s\n" % (d, m, plain(c)))
    else:
        raise SystemExit("no such format: " + fmt)


def main():
    if sys.argv[1] == "usage":
        with open(sys.argv[2], "w") as f:
            f.write("id,time,model,input,output\n")
            for r in records():
                f.write(",".join(map(str, r)) + "\n")
        return
    rows, off = seed(sys.argv[3], lines())
    write(sys.argv[2], rows, sys.argv[4])
    print(plain(off))


main()
