#!/usr/bin/env python3
"""What contracts of caches make of prompts, the slow way: every request looks at every earlier one.

cache_reference.py SEED [PART] writes blocks.jsonl, chats.jsonl, counts.csv and card.json into the current directory and prints lines
"COMMAND<tab>what `tally` must say of it": all, or PART (0 to 5) of six parts. A conversation is what one customer calls by one name: of ten names three customers share each now and then. Nothing here is shared with the program: contracts and prices are written down
again, of June 2026, in picodollars a token.
"""
import json
import random
import sys

ANTHROPIC = dict(marks=True, lookback=20, quantum=1, ttl=300, long=dict(ttl=3600), last=0, minimum=1024)
OPENAI = dict(marks=False, quantum=128, ttl=300, last=1, minimum=1024)
RETAINED = dict(OPENAI, long=dict(ttl=86400))
START = 20 * 3600  # seconds of 2026-06-17
MIDNIGHT, MORNING = 24 * 3600, 33 * 3600


def google(minimum, hour):
    """Implicit, and explicit for an hour: marked, not refreshed, its storage billed by the token-hour."""
    return dict(marks=False, quantum=1, ttl=300, last=1, minimum=minimum, long=dict(ttl=3600, marks=True, of_write=True, storage=hour))


def prices(i, r, o, w5=None, w1=None):
    return dict(i=i, r=r, o=o, w5=w5, w1=w1)


MODELS = {
    "claude-sonnet-4-6": {**ANTHROPIC, **prices(3000000, 300000, 15000000, 3750000, 6000000)},
    "claude-haiku-4-5": {**ANTHROPIC, "minimum": 4096, **prices(1000000, 100000, 5000000, 1250000, 2000000)},
    "claude-opus-4-7": {**ANTHROPIC, "minimum": 2048, **prices(5000000, 500000, 25000000, 6250000, 10000000)},
    "gpt-4o": {**OPENAI, **prices(2500000, 1250000, 10000000)},
    "gpt-5.1": {**RETAINED, **prices(1250000, 125000, 10000000)},
    "gpt-5.5": {**RETAINED, **prices(5000000, 500000, 30000000)},
    "deepseek-v4-flash": dict(marks=False, quantum=64, ttl=7200, last=0, minimum=64, **prices(140000, 2800, 280000)),
    "gemini-2.5-flash": {**google(2048, 1000000), **prices(300000, 30000, 2500000)},
    "gemini-3-flash-preview": {**google(1024, 1000000), **prices(500000, 50000, 3000000)},
    "gemini-3.1-pro-preview": {**google(4096, 4500000), **prices(2000000, 200000, 12000000)},
    # of card.json: all that a contract can say
    "own-written": dict(marks=False, quantum=32, ttl=200, long=dict(ttl=900), last=1, minimum=300, of_write=True, **prices(2000000, 200000, 3000000, 2600000, 4100000)),
    "own-settling": dict(marks=False, quantum=1, ttl=600, last=0, minimum=0, settle=25, **prices(1500000, 100000, 3000000)),
    "own-private": dict(marks=True, lookback=3, quantum=1, ttl=400, last=1, minimum=128, private=True, **prices(1100000, 50000, 2000000, 1700000)),
    "own-stored": dict(marks=False, quantum=1, ttl=500, last=0, minimum=200, storage=3000000, **prices(900000, 30000, 2000000)),
    # two days, two contracts, and a third for some hours of the night
    "own-dated": dict(marks=False, quantum=64, ttl=100, last=0, minimum=64, **prices(1000000, 70000, 2000000, 1300000),
                      changes=[(MIDNIGHT, dict(marks=True, quantum=1, ttl=900, minimum=1500)), (MORNING, dict(marks=False, of_write=True, quantum=1, ttl=900, minimum=700))]),
}
NAMES = list(MODELS)
SHIPPED = [m for m in NAMES if not m.startswith("own-")]
CARD = """{"schema": "tally.card/1", "provider": "own", "caches": [
 {"models": ["own-written"], "asked_by": "nobody", "minimum_tokens": 300, "quantum_tokens": 32, "lifetimes": [{"seconds": 200, "write": "cache_write_5m"}, {"seconds": 900, "write": "cache_write_1h"}], "refreshed_by_reads": false, "last_token_computed": true, "source": "s", "sure": "s"},
 {"models": ["own-settling"], "asked_by": "nobody", "minimum_tokens": 0, "lifetimes": [{"seconds": 600}], "settle_seconds": 25, "source": "s", "sure": "s"},
 {"models": ["own-private"], "asked_by": "breakpoints", "lookback_content_blocks": 3, "minimum_tokens": 128, "lifetimes": [{"seconds": 400, "write": "cache_write_5m"}], "last_token_computed": true, "isolation": "customer", "source": "s", "sure": "s"},
 {"models": ["own-stored"], "asked_by": "nobody", "minimum_tokens": 200, "lifetimes": [{"seconds": 500}], "storage": "kept", "source": "s", "sure": "s"},
 {"models": ["own-*"], "to": "2026-06-18T00:00:00Z", "asked_by": "nobody", "minimum_tokens": 64, "quantum_tokens": 64, "lifetimes": [{"seconds": 100, "write": "cache_write_5m"}], "source": "s", "sure": "s"},
 {"models": ["own-dated"], "from": "2026-06-18T00:00:00Z", "to": "2026-06-18T09:00:00Z", "asked_by": "breakpoints", "minimum_tokens": 1500, "lifetimes": [{"seconds": 900, "write": "cache_write_5m"}], "source": "s", "sure": "s"},
 {"models": ["own-d*"], "from": "2026-06-18T00:00:00Z", "asked_by": "nobody", "minimum_tokens": 700, "lifetimes": [{"seconds": 900, "write": "cache_write_5m"}], "refreshed_by_reads": false, "source": "s", "sure": "s"}],
 "prices": [%s]}
""" % ",\n ".join(
    '{"model": "%s", "currency": "USD", "from": "2026-01-01T00:00:00Z", "kind": "list", "rates": {%s}, "source": "s", "sure": "s"}' % (m, rates)
    for m, rates in (
        ("own-written", '"input": "2", "cache_read": "0.2", "cache_write_5m": "2.6", "cache_write_1h": "4.1", "output": "3"'),
        ("own-settling", '"input": "1.5", "cache_read": "0.1", "output": "3"'),
        ("own-private", '"input": "1.1", "cache_read": "0.05", "cache_write_5m": "1.7", "output": "2"'),
        ("own-stored", '"input": "0.9", "cache_read": "0.03", "output": "2"}, "fees": {"kept": {"amount": "3", "per": 1000000}'),
        ("own-dated", '"input": "1", "cache_read": "0.07", "cache_write_5m": "1.3", "output": "2"')))


def money(pico):
    return ("%d.%012d" % divmod(pico, 10**12)).rstrip("0").rstrip(".")


LIFETIMES = {"5m": 300, "1h": 3600, "24h": 86400}


class Rules:
    """A model's contract at a time, and what an option asks for in its place."""

    def __init__(self, model, t, **asked):
        m = dict(MODELS[model])
        for since, change in m.get("changes", []):
            m.update(change if t >= since else {})
        self.writes = asked.get("writes", "5m")
        self.pays = m["w5"] is not None and self.writes != "none"
        self.bills = m["w5"] is not None
        self.dear = False
        if "writes" in asked and m.get("long") and LIFETIMES.get(self.writes, 0) >= m["long"]["ttl"]:
            m.update(m["long"])
            self.dear = m["w1"] is not None
        self.m = m
        self.marks = m["marks"]
        self.quantum = asked.get("quantum", m["quantum"])
        self.lookback = asked.get("lookback", m.get("lookback", 0))
        self.settle = asked.get("settle", m.get("settle", 0))
        self.of_write = asked.get("of_write", m.get("of_write", False))
        self.storage = m.get("storage")  # picodollars a token-hour
        self.ttl = asked.get("ttl", m["ttl"])  # None: for ever
        if self.storage and self.ttl is None:
            self.ttl = m["ttl"]
        self.minimum = asked.get("minimum", m["minimum"])
        self.private = m.get("private", False) or "customer" in asked.get("scope", "")
        self.alone = "conversation" in asked.get("scope", "")

    def ruled(self, tokens, prompt):
        tokens = max(0, min(tokens, prompt - self.m["last"]))
        tokens -= tokens % self.quantum
        return 0 if tokens < self.minimum else tokens

    def cost(self, prompt, reach, hit, output, stored):
        """What is written of the first `reach` tokens, and what the call costs; stored: tokens times seconds."""
        if not self.pays or reach < self.minimum:
            reach = 0
        written = max(0, reach - hit)
        pico = hit * self.m["r"] + (prompt - hit - written) * self.m["i"] + output * self.m["o"]
        if self.storage:
            pico += (stored + 1800) // 3600 * self.storage
        return written, pico + written * ((self.m["w1"] if self.dear else self.m["w5"]) if written else 0)


def replay_blocks(rows, answered, per_block=64, shared=False, **asked):
    """(tokens read, tokens written, picodollars) of rows that are answered by those models; shared: all conversations know the same blocks."""
    came, touched, units = {}, {}, set()
    reads = writes = pico = 0
    for row, model in zip(rows, answered):
        t = START + row["t"]
        r = Rules(model, t, **asked)
        def key(i):
            return row["customer"] if r.private else None, model, None if shared and not r.alone else row["talk"], row["h"][i]
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
            def seen(n):
                """Whether n blocks lie between some mark and the last end of a content block that is looked at for its sake."""
                if not r.lookback or not row["contents"]:
                    return True
                for mark in marks:
                    looked = [mark] + [e for e in reversed(row["contents"]) if e < mark]
                    first = 0 if len(looked) <= r.lookback else looked[r.lookback - 1]
                    if before(first) <= n <= before(mark):
                        return True
                return False
            while lead and not (key(lead - 1) in units and seen(lead)):
                lead -= 1
        hit = r.ruled(min(lead * per_block, row["in"]), row["in"])
        if r.bills and not r.pays:
            hit = 0
        kept = reach if reach >= r.minimum else 0
        blocks_kept = blocks if not r.marks and not r.storage else before(kept) if kept else 0
        stored = max(0, kept - min(blocks_kept * per_block, row["in"])) * (r.ttl or 0)
        for i in range(blocks_kept):
            tokens = min(per_block, row["in"] - i * per_block)
            if not alive(i):
                stored += tokens * (r.ttl or 0)
                came[key(i)] = t
                units.discard(key(i))
            elif not r.of_write:
                stored += tokens * (t - touched[key(i)])
            touched[key(i)] = t
        if r.marks:
            for mark in marks:
                if mark >= r.minimum and before(mark):
                    units.add(key(before(mark) - 1))
        written, cost = r.cost(row["in"], reach, hit, row["out"], stored)
        reads, writes, pico = reads + hit, writes + written, pico + cost
    return reads, writes, pico


def threads(rows):
    """By row: the row it goes on from (or None) and the tokens they share, from counts alone."""
    tips, parents = {}, []
    for i, row in enumerate(rows):
        own = tips.setdefault(row["talk"], [])  # the newest last
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
        r = Rules(model, START + row["t"], **asked)
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
        def kept(j):
            return rows[j]["in"] if rows[j]["in"] >= r.minimum else 0
        def common(k, j):
            """What k has of the prompt of j, from which it goes on; 0 where it does not."""
            shared = None
            while k > j and parents[k][0] is not None:
                shared = parents[k][1] if shared is None else min(shared, parents[k][1])
                k = parents[k][0]
            return shared if k == j else 0
        j, shared = older(i)
        first = j
        if j is not None and r.ttl is not None and row["t"] - since(j) > r.ttl:
            # a branch may have read it since
            readers = [(min(kept(k), common(k, j), shared, kept(j)), k) for k in range(j + 1, i) if rows[k]["talk"] == row["talk"] and answered[k] == model and row["t"] - since(k) <= r.ttl]
            has, first = max(readers, default=(0, None))
            if has == 0:
                first = None
            else:
                shared = min(shared, has)
            if first is None:
                j, shared = None, 0
        there = 0 if j is None else min(kept(i), shared, kept(j))
        stored = (kept(i) - there) * (r.ttl or 0) + (there * (row["t"] - rows[first]["t"]) if there and not r.of_write else 0)
        # not settled yet, or no mark where the prompts part: what was there before
        while j is not None and (row["t"] - rows[j]["t"] < r.settle or r.marks and kept(j) > shared):
            k, more = older(j)
            if k is not None and r.ttl is not None and rows[j]["t"] - since(k) > r.ttl:
                k = None
            j, shared = (None, 0) if k is None else (k, min(shared, more))
        if j is not None:
            shared = min(shared, kept(j))
        hit = r.ruled(shared, row["in"]) if r.pays or not r.bills else 0
        wrote[i] = wrote[first] if hit and first is not None else row["t"]
        pico += r.cost(row["in"], row["in"], hit, row["out"], stored)[1]
    return pico


def conversations(seed):
    """Ten in turns: prompts grow, are compacted to their beginning, branch off to helpers; gaps of seconds to hours."""
    rnd = random.Random(seed)
    state = [dict(h=list(range(i * 10000, i * 10000 + rnd.randint(4, 40)))) for i in range(10)]
    fresh, t, rows, calls = 10**6, 0, [], {}
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
        contents = sorted({rnd.randint(1, prompt) for _ in range(rnd.randint(1, 60))}) if rnd.random() < 0.5 else []
        customer = "abc"[c % 3 if rnd.random() < 0.8 else rnd.randrange(3)]
        talk = c, customer
        calls[talk] = calls.get(talk, -1) + 1
        rows.append(dict(contents=contents, c=c, talk=talk, i=calls[talk], t=t, h=h, customer=customer, breakpoints=marks, out=rnd.randint(0, 500), **{"in": prompt}))
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


def whole(row):
    """Its blocks, the one that is not full with them."""
    return row["h"] + ([10**9 + hash((tuple(row["h"]), row["in"])) % 10**9] if row["in"] % 64 else [])


def instant(t):
    t += START
    return "2026-06-%02dT%02d:%02d:%02dZ" % (17 + t // 86400, t // 3600 % 24, t // 60 % 60, t % 60)


def every(k, a, b):
    return "every:%d:%s:%s" % (k, a, b), lambda row: a if row["i"] % k == k - 1 else b


def cost_and_reads(rows, answered, **options):
    reads, _, pico = replay_blocks(rows, answered, **options)
    return "%s %d" % (money(pico), reads)


told = 0


def tell(command, answer):
    """Only of the part that is asked for is the answer worked out, which takes its time."""
    global told
    told += 1
    if len(sys.argv) < 3 or (told + int(sys.argv[2])) % 6 == 0:
        print("%s\t%s" % (command, answer()))


def main():
    seed = int(sys.argv[1])
    rows = conversations(seed)
    rnd = random.Random(seed + 1000)
    with open("blocks.jsonl", "w") as f:
        for row in rows:
            row["m"] = NAMES[(row["c"] + row["i"] // 9) % len(NAMES)]
            marks = ', "breakpoints": %s' % row["breakpoints"] if row["breakpoints"] else ""
            marks += ', "content_blocks": %s' % row["contents"] if row["contents"] else ""
            f.write('{"c": %d, "n": 1, "i": %d, "d": 0, "t": %d, "m": "%s", "customer": "%s", "in": %d, "out": %d, "h": "%s"%s}\n'
                    % (row["c"], row["i"], row["t"], row["m"], row["customer"], row["in"], row["out"], ranges(row["h"]), marks))
    with open("chats.jsonl", "w") as f:  # turns name their parent, customers give theirs the same numbers, and the last block has an id
        for row in rows:
            own = row["c"] * 1000 + row["i"]
            f.write(json.dumps({"chat_id": own, "parent_chat_id": own - 1 if row["i"] else -1, "timestamp": row["t"], "model": row["m"], "customer": row["customer"], "input_length": row["in"],
                                "output_length": row["out"], "hash_ids": whole(row), **({"breakpoints": row["breakpoints"]} if row["breakpoints"] else {}),
                                **({"content_blocks": row["contents"]} if row["contents"] else {})}) + "\n")
    with open("card.json", "w") as f:
        f.write(CARD)
    with open("counts.csv", "w") as f:
        f.write("time,model,session,customer,input,output\n")
        for row in rows:  # recorded on a model that no card describes: it proves nothing
            f.write("%s,unknown,s%d,%s,%d,%d\n" % (instant(row["t"]), row["c"], row["customer"], row["in"], row["out"]))
    at = "--at 2026-06-17T20:00:00Z --prices card.json"
    options = [("", {}), ("--writes 1h", dict(writes="1h")), ("--writes 24h", dict(writes="24h")), ("--writes none", dict(writes="none")),
               ("--ttl 900", dict(ttl=900)), ("--expire write", dict(of_write=True)), ("--expire touch --writes 1h", dict(of_write=False, writes="1h")),
               ("--settle 40", dict(settle=40)), ("--lookback 0", dict(lookback=0)), ("--lookback 7", dict(lookback=7)), ("--quantum 100 --minimum 700", dict(quantum=100, minimum=700)),
               ("--scope customer", dict(scope="customer")), ("--scope conversation+customer --writes 1h", dict(scope="conversation+customer", writes="1h"))]
    for text, asked in options:
        for cache, own in (("infinite", dict(ttl=None)), ("vendor", {}), ("infinite,ttl=500", dict(ttl=500))):
            if "ttl" in asked and ",ttl" in cache:
                continue  # it is said once
            asked_here = {**own, **asked}
            tell("replay blocks.jsonl %s --cache %s %s" % (at, cache, text), lambda: cost_and_reads(rows, [r["m"] for r in rows], **asked_here))
            a, b = rnd.sample(NAMES, 2)
            spec, choose = every(rnd.randint(2, 5), a, b)
            for name, answered in ((spec, [choose(r) for r in rows]), (a, [a] * len(rows)), ("recorded", [r["m"] for r in rows])):
                tell("whatif blocks.jsonl %s --cache %s %s -s x=%s" % (at, cache, text, name), lambda: cost_and_reads(rows, answered, **asked_here))
                if cache == "vendor" and name == spec:
                    tell("whatif chats.jsonl --block 64 %s --cache vendor %s -s x=%s" % (at, text, name),
                         lambda: cost_and_reads([dict(r, h=whole(r)) for r in rows], answered, shared=True, **asked_here))
        for model in SHIPPED:
            if asked.get("writes") != "none":
                tell("cache blocks.jsonl --rule vendor --model %s --at 2026-06-15 %s" % (model, text), lambda: "- %d" % replay_blocks(rows, [model] * len(rows), **asked)[0])
        if "lookback" in asked:
            continue  # counts tell no content blocks
        for model in NAMES:
            tell("whatif counts.csv --prices card.json %s -s x=%s" % (text, model), lambda: money(rebuild_counts(rows, [model] * len(rows), **asked)))
        a, b = rnd.sample(NAMES, 2)
        spec, choose = every(rnd.randint(2, 5), a, b)
        tell("whatif counts.csv --prices card.json %s -s x=%s" % (text, spec), lambda: money(rebuild_counts(rows, [choose(r) for r in rows], **asked)))


if __name__ == "__main__":
    main()
