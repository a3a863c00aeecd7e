#!/usr/bin/env python3
"""Whether what conversations cost by their blocks lies between the bounds that `tally whatif` gives of their counts.

bounds_reference.py TALLY SEED CONVERSATIONS KIND writes random conversations into the current directory, each in a file of
its own, and prints a line for each model whose truth (tests/support/cache_reference.py) lies outside; the last line says how
many were asked. KIND is `few` (1 to 7 calls, each rewritten as often as one likes), or `many` (dozens of calls, of which
one in 40 is).
"""
import json
import random
import subprocess
import sys

import cache_reference as caches

ASKED = ["claude-sonnet-4-6", "claude-opus-4-7", "gpt-4o", "deepseek-v4-flash", "gemini-3.1-pro-preview", "own-written", "own-settling", "own-private", "own-stored", "own-dated"]
OPTIONS = [("", {}), ("--writes 1h", dict(writes="1h")), ("--ttl 900", dict(ttl=900)), ("--expire write", dict(of_write=True)), ("--settle 40", dict(settle=40)),
           ("--quantum 100 --minimum 700", dict(quantum=100, minimum=700)), ("--writes 24h", dict(writes="24h")), ("--writes none", dict(writes="none"))]
ROUTES = [("every:2:claude-sonnet-4-6:deepseek-v4-flash", lambda i: ASKED[0] if i % 2 == 1 else ASKED[3]), ("from:2:gpt-4o:claude-sonnet-4-6", lambda i: ASKED[2] if i >= 2 else ASKED[0])]


class Blocks:
    def __init__(self):
        self.next = 1

    def fresh(self, n):
        self.next += n
        return list(range(self.next - n, self.next))


def changed(draw, kind, h, blocks):
    """A prompt that comes after h."""
    more = blocks.fresh(draw.choice([0, 1, 3, 10, 40]))
    if kind == "whole":
        return blocks.fresh(len(h)) + more
    if kind == "part":
        keep = draw.randrange(len(h))
        return h[:keep] + blocks.fresh(len(h) - keep) + more
    if kind == "end":
        return h[:-1] + blocks.fresh(1) + more
    if kind == "compacted":
        return h[: draw.randrange(len(h))] + blocks.fresh(draw.randint(1, 30))
    if kind == "taken back":
        return h[: draw.randint(1, len(h))]
    return h + more


def conversation(draw, many, least):
    """Rows as cache_reference has them: one conversation, its first prompt of `least` blocks or more."""
    blocks, rows, t = Blocks(), [], 0
    h = blocks.fresh(max(least, draw.choice([5, 40, 200, 700])))
    earlier = [h]
    often = 1 / 40 if many else draw.choice([0, 0.03, 0.3, 0.7, 1])
    for i in range(draw.randint(30, 120) if many else draw.randint(1, 7)):
        if i:
            t += draw.choice([2, 5, 20, 40, 90]) if draw.random() < 0.9 else draw.choice([250, 1000, 5000])
            if not many and draw.random() < 0.15:
                h = draw.choice(earlier)  # a branch, or a helper's thread
            if draw.random() < often:
                h = changed(draw, draw.choice(["whole", "part", "end"] if many else ["whole", "whole", "part", "end", "compacted", "taken back"]), h, blocks)
            else:
                h = changed(draw, "grown", h, blocks)
        earlier.append(h)
        rows.append(dict(c=0, talk=0, i=i, t=t, h=h, customer="a", breakpoints=[], contents=[], out=draw.randint(0, 300), **{"in": len(h) * 64}))
    return rows


def by_call(rows, model):
    """(read, written) of each row, all answered by the model."""
    sums = [(0, 0)] + [caches.replay_blocks(rows[: n + 1], [model] * (n + 1))[:2] for n in range(len(rows))]
    return [(b[0] - a[0], b[1] - a[1]) for a, b in zip(sums, sums[1:])]


def write_counts(name, rows, model):
    counts = by_call(rows, model) if model else [(0, 0)] * len(rows)
    with open(name, "w") as f:
        f.write("time,model,session,input,cache_read,cache_write_5m,output\n")
        for row, (read, written) in zip(rows, counts):
            f.write("%s,%s,s,%d,%d,%d,%d\n" % (caches.instant(row["t"]), model or "unknown", row["in"] - read - written, read, written, row["out"]))


def pico(text):
    whole, _, part = text.partition(".")
    return int(whole) * 10**12 + int((part + "0" * 12)[:12])


def main():
    tally, seed, conversations, kind = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    draw = random.Random("%d %s" % (seed, kind))
    with open("card.json", "w") as f:
        f.write(caches.CARD)
    asked = 0
    for n in range(conversations):
        recorded = draw.choice([None, None, "gpt-4o", "deepseek-v4-flash", "claude-sonnet-4-6"]) if kind == "few" else None
        # that a client marks its prompts is seen of those that are kept
        rows = conversation(draw, kind == "many", 40 if recorded and recorded.startswith("claude") else 1)
        name = "%s%d-%d.csv" % (kind, seed, n)
        write_counts(name, rows, recorded)
        options, how = OPTIONS[n % len(OPTIONS)] if kind == "few" else OPTIONS[0]
        scenarios = [(m, [m] * len(rows)) for m in ASKED] + [(spec, [choose(i) for i in range(len(rows))]) for spec, choose in ROUTES]
        told = json.loads(subprocess.run([tally, "whatif", name, "--prices", "card.json", "--resamples", "0", "--json", "-q"] + options.split() + [x for s, _ in scenarios for x in ("-s", "%s=%s" % (s, s))], capture_output=True, check=True).stdout)
        for (spec, answered), s in zip(scenarios, told["scenarios"]):
            truth = caches.replay_blocks(rows, answered, **how)[2]
            r = s["rebuilt"]
            low, high, headline = pico(r.get("total_low", s["total"])), pico(r.get("total_high", s["total"])), pico(s["headline"]["total"])
            asked += 1
            if not low <= truth <= high:
                print("%s %s, recorded on %s, %s: %s is outside %s to %s" % (name, options, recorded, spec, *map(caches.money, (truth, low, high))))
            if not low <= headline <= high:
                print("%s %s, recorded on %s, %s: the expected %s is outside %s to %s" % (name, options, recorded, spec, *map(caches.money, (headline, low, high))))
    print("%d asked" % asked)


if __name__ == "__main__":
    main()
