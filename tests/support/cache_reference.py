#!/usr/bin/env python3
"""What contracts of caches make of prompts, the slow way: every request looks at every earlier one.

cache_reference.py SEED writes blocks.jsonl, counts.csv and card.json into the current directory and prints lines
"COMMAND<tab>what `tally` must say of it". Nothing here is shared with the program: contracts and prices are written down
again, of June 2026, in picodollars a token.
"""
import random
import sys

MINUTE = 60
ANTHROPIC = dict(marks=True, quantum=1, ttl=300, long=3600, last=0, minimum=lambda t: 1024)
OPENAI = dict(marks=False, quantum=128, ttl=300, long=None, last=1, minimum=lambda t: 1024)
GOOGLE = dict(marks=False, quantum=1, ttl=300, long=None, last=1, minimum=lambda t: 4096)
START = 20 * 3600  # seconds of 2026-06-17


def prices(i, r, o, w5=None, w1=None):
    return dict(i=i, r=r, o=o, w5=w5, w1=w1)


MODELS = {
    "claude-sonnet-4-6": {**ANTHROPIC, **prices(3000000, 300000, 15000000, 3750000, 6000000)},
    "claude-haiku-4-5": {**ANTHROPIC, "minimum": lambda t: 4096, **prices(1000000, 100000, 5000000, 1250000, 2000000)},
    "claude-opus-4-7": {**ANTHROPIC, "minimum": lambda t: 4096, **prices(5000000, 500000, 25000000, 6250000, 10000000)},
    "gpt-4o": {**OPENAI, **prices(2500000, 1250000, 10000000)},
    "gpt-5.5": {**OPENAI, **prices(5000000, 500000, 30000000)},
    "deepseek-v4-flash": dict(marks=False, quantum=64, ttl=7200, long=None, last=0, minimum=lambda t: 64, **prices(140000, 2800, 280000)),
    "gemini-2.5-flash": {**GOOGLE, "minimum": lambda t: 2048, **prices(300000, 30000, 2500000)},
    "gemini-3-flash-preview": {**GOOGLE, "minimum": lambda t: 1024, **prices(500000, 50000, 3000000)},
    "gemini-3.1-pro-preview": {**GOOGLE, **prices(2000000, 200000, 12000000)},
    # of card.json: all that a contract can say
    "own-written": dict(marks=False, quantum=32, ttl=200, long=900, last=1, minimum=lambda t: 300, of_write=True, **prices(2000000, 200000, 3000000, 2600000, 4100000)),
    "own-settling": dict(marks=False, quantum=1, ttl=600, long=None, last=0, minimum=lambda t: 0, settle=25, **prices(1500000, 100000, 3000000)),
    "own-private": dict(marks=True, quantum=1, ttl=400, long=None, last=1, minimum=lambda t: 128, private=True, **prices(1100000, 50000, 2000000, 1700000)),
}
CARD = """{"schema": "tally.card/1", "provider": "own", "caches": [
 {"models": ["own-written"], "asked_by": "nobody", "minimum_tokens": 300, "quantum_tokens": 32, "lifetimes": [{"seconds": 200, "write": "cache_write_5m"}, {"seconds": 900, "write": "cache_write_1h"}], "refreshed_by_reads": false, "last_token_computed": true, "source": "s", "sure": "s"},
 {"models": ["own-settling"], "asked_by": "nobody", "minimum_tokens": 0, "lifetimes": [{"seconds": 600}], "settle_seconds": 25, "source": "s", "sure": "s"},
 {"models": ["own-private"], "asked_by": "breakpoints", "minimum_tokens": 128, "lifetimes": [{"seconds": 400, "write": "cache_write_5m"}], "last_token_computed": true, "isolation": "customer", "source": "s", "sure": "s"}],
 "prices": [%s]}
""" % ",\n ".join(
    '{"model": "%s", "currency": "USD", "from": "2026-01-01T00:00:00Z", "kind": "list", "rates": {%s}, "source": "s", "sure": "s"}' % (m, rates)
    for m, rates in (
        ("own-written", '"input": "2", "cache_read": "0.2", "cache_write_5m": "2.6", "cache_write_1h": "4.1", "output": "3"'),
        ("own-settling", '"input": "1.5", "cache_read": "0.1", "output": "3"'),
        ("own-private", '"input": "1.1", "cache_read": "0.05", "cache_write_5m": "1.7", "output": "2"')))


def money(pico):
    return ("%d.%012d" % divmod(pico, 10**12)).rstrip("0").rstrip(".")


class Rules:
    """A model's contract, and what an option asks for in its place."""

    def __init__(self, model, **asked):
        m = MODELS[model]
        self.m = m
        self.writes = asked.get("writes", "5m")
        self.pays = m["w5"] is not None and self.writes != "none"
        self.bills = m["w5"] is not None
        self.marks = m["marks"]
        self.quantum = asked.get("quantum", m["quantum"])
        self.settle = asked.get("settle", m.get("settle", 0))
        self.of_write = asked.get("of_write", m.get("of_write", False))
        self.ttl = m["long"] if self.writes == "1h" and m["long"] else m["ttl"]
        self.ttl = asked.get("ttl", self.ttl)  # None: for ever
        self.least = asked.get("minimum")
        self.private = m.get("private", False)

    def minimum(self, t):
        return self.m["minimum"](t) if self.least is None else self.least

    def ruled(self, tokens, prompt, t):
        tokens = max(0, min(tokens, prompt - self.m["last"]))
        tokens -= tokens % self.quantum
        return 0 if tokens < self.minimum(t) else tokens

    def cost(self, prompt, reach, hit, output, t):
        """What is written of the first `reach` tokens, and what the call costs."""
        if not self.pays or reach < self.minimum(t):
            reach = 0
        written = max(0, reach - hit)
        dear = self.writes == "1h" and self.m["w1"] is not None
        pico = hit * self.m["r"] + (prompt - hit - written) * self.m["i"] + output * self.m["o"]
        return written, pico + written * ((self.m["w1"] if dear else self.m["w5"]) if written else 0)


def replay_blocks(rows, answered, scope, per_block=64, **asked):
    """(tokens read, tokens written, picodollars) of rows that are answered by those models."""
    came, touched, units = {}, {}, set()
    reads = writes = pico = 0
    for row, model in zip(rows, answered):
        r, t = Rules(model, **asked), START + row["t"]
        def key(i):
            whose = (row["customer"] if r.private or "customer" in scope else None, row["c"] if "conversation" in scope else None, model)
            return whose + (row["h"][i],)
        def alive(i):
            k = key(i)
            return k in touched and (r.ttl is None or t - (came if r.of_write else touched)[k] <= r.ttl)
        marks = row["breakpoints"] or [row["in"]]
        blocks = len(row["h"])
        def before(mark):
            return blocks if mark == row["in"] else min(blocks, mark // per_block)
        reach = (marks[-1] if r.marks else row["in"])
        lead = 0
        while lead < (before(reach) if r.marks else blocks) and alive(lead) and t - came[key(lead)] >= r.settle:
            lead += 1
        if r.marks:
            while lead and key(lead - 1) not in units:
                lead -= 1
        hit = r.ruled(min(lead * per_block, row["in"]), row["in"], t)
        if r.bills and not r.pays:
            hit = 0
        stored = blocks if not r.marks else 0 if reach < r.minimum(t) else before(reach)
        for i in range(stored):
            if not alive(i):
                came[key(i)] = t
                units.discard(key(i))
            touched[key(i)] = t
        if r.marks:
            for mark in marks:
                if mark >= r.minimum(t) and before(mark):
                    units.add(key(before(mark) - 1))
        written, cost = r.cost(row["in"], reach, hit, row["out"], t)
        reads, writes, pico = reads + hit, writes + written, pico + cost
    return reads, writes, pico


def threads(rows):
    """By row: the row it goes on from (or None) and the tokens they share, from counts alone."""
    tips, parents = {}, []
    for i, row in enumerate(rows):
        own = tips.setdefault(row["c"], [])  # the newest last
        fits = [j for j in own if rows[j]["in"] <= row["in"]]
        near = [j for j in fits if rows[j]["in"] >= row["in"] // 2]
        parent = near[-1] if near else max(reversed(fits), key=lambda j: rows[j]["in"]) if fits else None
        if parent is None and own:
            j = own[-1]
            while j is not None and rows[j]["in"] != row["in"]:
                j = parents[j][0]
            parent = j
            if parent is None and row["in"] >= rows[own[-1]]["in"] // 100 * 99:
                parent = own[-1]
        parents.append((parent, 0 if parent is None else min(rows[parent]["in"], row["in"])))
        if parent in own and rows[parent]["in"] <= row["in"]:
            own.remove(parent)
        own.append(i)
    return parents


def rebuild_counts(rows, answered, **asked):
    parents = threads(rows)
    wrote, pico = {}, 0
    for i, (row, model) in enumerate(zip(rows, answered)):
        r, t = Rules(model, **asked), START + row["t"]
        def older(j):
            """The nearest row of the model that j goes on from, and what they share."""
            shared = None
            while parents[j][0] is not None:
                shared = parents[j][1] if shared is None else min(shared, parents[j][1])
                j = parents[j][0]
                if answered[j] == model:
                    return j, shared
            return None, 0
        def since(j):
            return wrote[j] if r.of_write else rows[j]["t"]
        j, shared = older(i)
        if j is not None and r.ttl is not None and row["t"] - since(j) > r.ttl:
            j, shared = None, 0
        first = j
        # not settled yet, or no mark where the prompts part: what was there before
        while j is not None and (row["t"] - rows[j]["t"] < r.settle or r.marks and rows[j]["in"] > shared and rows[j]["in"] >= r.minimum(t)):
            k, more = older(j)
            if k is not None and r.ttl is not None and rows[j]["t"] - since(k) > r.ttl:
                k = None
            j, shared = (None, 0) if k is None else (k, min(shared, more))
        if j is not None and rows[j]["in"] < r.minimum(t):
            shared = 0
        hit = r.ruled(shared, row["in"], t) if r.pays or not r.bills else 0
        wrote[i] = wrote[first] if hit and first is not None else row["t"]
        pico += r.cost(row["in"], row["in"], hit, row["out"], t)[1]
    return pico


def conversations(seed):
    """Ten in turns: prompts grow, are compacted to their beginning, branch off to helpers; gaps of seconds to hours."""
    rnd = random.Random(seed)
    state = [dict(h=list(range(i * 10000, i * 10000 + rnd.randint(4, 40))), n=0) for i in range(10)]
    fresh, t, rows = 10**6, 0, []
    for _ in range(300):
        t += rnd.randint(60, 9000) if rnd.random() < 0.05 else rnd.randint(0, 70)
        c = rnd.randrange(10)
        s = state[c]
        kind = rnd.random()
        h = s["h"]
        if kind < 0.05:
            h = h[: rnd.randint(1, len(h))]  # compacted, or taken back
        if kind < 0.9:
            h = h + list(range(fresh, fresh + rnd.randint(0, 30)))
            s["h"] = h
        else:  # a helper's own prompt behind the same beginning
            h = h[:3] + list(range(fresh, fresh + rnd.randint(1, 30)))
        fresh += 100
        prompt = len(h) * 64 + rnd.randrange(64)
        marks = sorted({rnd.randint(1, prompt) for _ in range(rnd.randint(1, 4))}) if rnd.random() < 0.3 else []
        rows.append(dict(c=c, i=s["n"], t=t, h=h, customer="abc"[c % 3], breakpoints=marks, out=rnd.randint(0, 500), **{"in": prompt}))
        s["n"] += 1
    return rows


def ranges(h):
    out, i = [], 0
    while i < len(h):
        j = i
        while j + 1 < len(h) and h[j + 1] == h[j] + 1:
            j += 1
        out.append(str(h[i]) if i == j else "%d-%d" % (h[i], h[j]))
        i = j + 1
    return ",".join(out)


def instant(t):
    t += START
    return "2026-06-%02dT%02d:%02d:%02dZ" % (17 + t // 86400, t // 3600 % 24, t // 60 % 60, t % 60)


def every(k, a, b):
    return "every:%d:%s:%s" % (k, a, b), lambda row: a if row["i"] % k == k - 1 else b


def main():
    seed = int(sys.argv[1])
    rows = conversations(seed)
    rnd = random.Random(seed + 1000)
    names = list(MODELS)
    with open("blocks.jsonl", "w") as f:
        for row in rows:
            row["m"] = names[(row["c"] + row["i"] // 9) % len(names)]
            marks = ', "breakpoints": %s' % row["breakpoints"] if row["breakpoints"] else ""
            f.write('{"c": %d, "n": 1, "i": %d, "d": 0, "t": %d, "m": "%s", "customer": "%s", "in": %d, "out": %d, "h": "%s"%s}\n'
                    % (row["c"], row["i"], row["t"], row["m"], row["customer"], row["in"], row["out"], ranges(row["h"]), marks))
    with open("card.json", "w") as f:
        f.write(CARD)
    with open("counts.csv", "w") as f:
        f.write("time,model,session,input,output\n")
        for row in rows:  # recorded on a model that no card describes: it proves nothing
            f.write("%s,unknown,s%d,%d,%d\n" % (instant(row["t"]), row["c"], row["in"], row["out"]))
    at = "--at 2026-06-17T20:00:00Z --prices card.json"
    options = [("", {}), ("--writes 1h", dict(writes="1h")), ("--writes none", dict(writes="none")), ("--ttl 900", dict(ttl=900)),
               ("--expire write", dict(of_write=True)), ("--settle 40", dict(settle=40)), ("--quantum 100 --minimum 700", dict(quantum=100, minimum=700))]
    for text, asked in options:
        for cache, own in (("infinite", dict(ttl=None)), ("vendor", {}), ("infinite,ttl=500", dict(ttl=500))):
            if "ttl" in asked and ",ttl" in cache:
                continue  # it is said once
            asked_here = {**own, **asked}
            reads, writes, pico = replay_blocks(rows, [r["m"] for r in rows], "", **asked_here)
            print("replay blocks.jsonl %s --cache %s %s\t%s %d" % (at, cache, text, money(pico), reads))
            a, b = rnd.sample(names, 2)
            spec, choose = every(rnd.randint(2, 5), a, b)
            for name, answered in ((spec, [choose(r) for r in rows]), (a, [a] * len(rows)), ("recorded", [r["m"] for r in rows])):
                reads, writes, pico = replay_blocks(rows, answered, "", **asked_here)
                print("whatif blocks.jsonl %s --cache %s %s -s x=%s\t%s %d" % (at, cache, text, name, money(pico), reads))
        for model in names[:9]:
            reads, _, _ = replay_blocks(rows, [model] * len(rows), "", **{**asked, "writes": asked.get("writes", "5m")})
            if asked.get("writes") != "none":
                print("cache blocks.jsonl --rule vendor --model %s --at 2026-06-15 %s\t- %d" % (model, text, reads))
        for model in names:
            print("whatif counts.csv --prices card.json %s -s x=%s\t%s" % (text, model, money(rebuild_counts(rows, [model] * len(rows), **asked))))
        a, b = rnd.sample(names, 2)
        spec, choose = every(rnd.randint(2, 5), a, b)
        print("whatif counts.csv --prices card.json %s -s x=%s\t%s" % (text, spec, money(rebuild_counts(rows, [choose(r) for r in rows], **asked))))


main()
