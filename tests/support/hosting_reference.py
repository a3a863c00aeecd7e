#!/usr/bin/env python3
"""Calls on rented machines, the slow way: each call looks at every place, replicas are counted up one by one.

hosting_reference.py SEED writes t.csv, card.json and s.json into the current directory and prints what `tally whatif` must say
of the machines: cost, hours, replica hours, most replicas, calls that fit, calls at which both cost the same (or null), and the
mean, middle, 19th of 20 and longest of waits and answers in microseconds. Nothing here is shared with the program.
"""
import datetime
import json
import random
import sys
from fractions import Fraction as F

SECOND, HOUR = 10**6, 3600 * 10**6
PRICES = {"input": F(1), "cache_read": F("0.1"), "output": F(10)}


def half_up(x):
    return int((2 * x + 1) // 2)


def play_hour(calls, busy, begin, replicas, own):
    """Waits, and when each place is free; None where a call waits too long."""
    free = [begin] * max(0, replicas * own["slots"] - len(busy)) + list(busy)
    waits = []
    for time, work in calls:
        if not free:
            return None
        place = min(range(len(free)), key=lambda k: free[k])
        start = max(free[place], time)
        if not own["replicas"] and start - time > own["wait"]:
            return None
        waits.append(start - time)
        free[place] = start + work * own["slots"]
    return waits, free


def rent(calls, own):
    begin, busy, waits, at, hours, replica_hours, most = calls[0][0], [], [], 0, 0, 0, 0
    while at < len(calls) or busy:
        upto = at
        while upto < len(calls) and calls[upto][0] < begin + HOUR:
            upto += 1
        replicas = own["replicas"] or max(own["least"], -(-len(busy) // own["slots"]))
        while (hour := play_hour(calls[at:upto], busy, begin, replicas, own)) is None:
            replicas += 1
        hours, replica_hours, most = hours + 1, replica_hours + replicas, max(most, replicas)
        waits += hour[0]
        begin, at = begin + HOUR, upto
        busy = [free for free in hour[1] if free > begin]
    return hours, replica_hours, most, waits


def spread(values):
    ordered, n = sorted(values), len(values)
    return [half_up(F(sum(ordered), n)), ordered[(n + 1) // 2 - 1], ordered[-(-n * 19 // 20) - 1], ordered[-1]]


def main():
    draw = random.Random(int(sys.argv[1]))
    when = draw.choice([lambda: draw.randrange(8 * 3600), lambda: draw.choice([0, 0, 0, 3599, 3600, 7200]), lambda: draw.randrange(60),
                        lambda: draw.randrange(3) * 72000 + draw.randrange(60)])
    rows = sorted((when(), draw.choice([0, 1000, 100000, 333333]), draw.choice([0, 50000]), draw.choice([1, 500, 10000, 77777]))
                  for _ in range(draw.choice([5, 40, 150])))
    gpu, gpus = draw.choice(["2.10", "0.33", "12"]), draw.choice([1, 8])
    reads, writes = draw.choice(["10000", "30000.5", "777"]), draw.choice(["1000", "4000", "33.3"])
    own = dict(slots=draw.choice([1, 2, 16]), replicas=draw.choice([0, 0, 1, 3]), least=draw.choice([0, 1, 2]), wait=draw.choice([0, 5, 60, 3600]) * SECOND)
    start = datetime.datetime(2026, 6, 15, 10)
    with open("t.csv", "w") as f:
        f.write("id,time,provider,model,input,cache_read,output\n")
        for k, (second, *counts) in enumerate(rows):
            f.write("c%d,%sZ,v,m,%d,%d,%d\n" % (k, (start + datetime.timedelta(seconds=second)).isoformat(), *counts))
    price = {"model": "m", "currency": "USD", "rates": {k: str(float(v)) for k, v in PRICES.items()}, "source": "s", "sure": "s"}
    json.dump({"schema": "tally.card/1", "provider": "v", "title": "a vendor", "checked": "2026-06-01", "prices": [price]}, open("card.json", "w"))
    hosted = {"gpu_hour": gpu, "gpus": gpus, "prompt_tokens_per_second": reads, "output_tokens_per_second": writes, "slots": own["slots"],
              "replicas_least": own["least"], "wait_seconds": own["wait"] // SECOND, **({"replicas": own["replicas"]} if own["replicas"] else {})}
    json.dump({"scenarios": [{"name": "own", "route": "m", "self_hosted": {"m": hosted}}]}, open("s.json", "w"))
    calls = [(second * SECOND, half_up(fresh * SECOND / F(reads)) + half_up(out * SECOND / F(writes))) for second, fresh, _, out in rows]
    hours, replica_hours, most, waits = rent(calls, own)
    cost, work = F(gpu) * gpus * replica_hours, sum(work for _, work in calls)
    vendor = sum(F(fresh) * PRICES["input"] + F(read) * PRICES["cache_read"] + F(out) * PRICES["output"] for _, fresh, read, out in rows) / 10**6
    fit, even = replica_hours * HOUR * len(rows) // work, -(-cost * len(rows) // vendor)
    answers = [wait + call[1] * own["slots"] for wait, call in zip(waits, calls)]
    print(json.dumps([str(cost), hours, replica_hours, most, fit, even if even <= fit else None, spread(waits), spread(answers)]))


main()
