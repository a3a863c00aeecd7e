#!/usr/bin/env python3
"""judge_every_price.py FACTS TALLY: every price of the history at every border, against the program.

For each line of price_history.jsonl, in every service tier and region it states, at the instants just before, at and
after its start and end and in its middle, one call for each bucket, of one token and at each bound of a tier less one,
at it and above it. What the line states is reckoned here, without the cards, and compared with a replay of all calls;
what it does not state must have no price. Prints each difference once and ends with 1 if there is one.
What vendors state beside the history is read from price_statements.json; batches of Claude, DeepSeek's hours and the fee
of a request (docs/prices.md) are left out.
"""
import collections, datetime, decimal, json, pathlib, subprocess, sys, tempfile
import price_facts

D = decimal.Decimal
SECOND = datetime.timedelta(seconds=1)
LAST = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.timezone.utc)
OUTPUTS = {"output", "reasoning", "output_audio", "output_image", "output_video", "citation"}


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def rates_for(rates, tiers, prompt):
    for t in sorted(tiers, key=lambda t: t["above_prompt_tokens"]):
        if prompt > t["above_prompt_tokens"] or (t.get("inclusive") and prompt == t["above_prompt_tokens"]):
            rates = t["rates"]
    return rates


def call_of(bucket, size, rates):
    """The counts of a call, and what it costs per million, or None."""
    if bucket not in OUTPUTS:
        return {bucket: size}, D(rates[bucket]) * size if bucket in rates else None
    counts = {bucket: 1, "input": size if size > 1 else 0}
    parts = [(bucket, 1)] + ([("input", size)] if size > 1 else [])
    if bucket == "reasoning":
        counts["output"] = 1
        if bucket not in rates:
            return None, None  # a part of the output, with a doubt (docs/prices.md)
    return counts, sum(D(rates[b]) * n for b, n in parts) if all(b in rates for b, n in parts) else None


def variants(row):
    yield "", row.get("region", ""), row["rates"], row.get("tiers") or [], "1"
    for tier, stated in row.get("service_tiers", {}).items():
        if (row["provider"], tier) != ("anthropic", "batch"):
            yield tier, row.get("region", ""), {k: v for k, v in stated.items() if k != "tiers"}, stated.get("tiers") or [], "1"
    if not row.get("region"):
        for region, how in row.get("regional", {}).items():
            yield "", region, row["rates"], row.get("tiers") or [], how["multiplier"]


def calls(rows):
    series = collections.defaultdict(list)
    for row in rows:
        if row["model"] and row["provider"] != "deepseek":
            series[row["provider"], row["model"], row.get("region", "")].append(row)
    for (provider, model, region), of in series.items():
        instants = set()
        for row in of:
            begin, end = when(row["from"]), when(row["to"]) if row["to"] else None
            instants |= {begin - SECOND, begin, begin + SECOND, begin + (end - begin) / 2 if end else max(begin, LAST)}
            instants |= {end - SECOND, end, end + SECOND} if end else set()
        for at in sorted(instants):
            holds = [r for r in of if when(r["from"]) <= at and (not r["to"] or at < when(r["to"]))]
            named = {"provider": provider, "model": model, "time": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
            if not holds and not region:
                yield dict(named, input=1), None
            for row in holds[:1]:
                if "request" in row.get("fees", {}) or price_facts.request_fee(row):
                    continue
                for tier, where, rates, tiers, factor in variants(row):
                    sizes = [1] + [t["above_prompt_tokens"] + d for t in tiers for d in (-1, 0, 1)]
                    buckets = dict.fromkeys([*rates, *(b for t in tiers for b in t["rates"])])
                    for size in sizes:
                        for bucket in buckets:
                            if bucket == "cache_write_audio":  # no usage counts it apart
                                continue
                            counts, cost = call_of(bucket, size, rates_for(rates, tiers, size))
                            if counts:
                                record = dict(named, **counts, **({"service_tier": tier} if tier else {}), **({"region": where} if where else {}))
                                yield record, None if cost is None else cost * D(factor) / 1000000


def main(facts, tally):
    rows = price_facts.lines(facts)
    asked = list(calls(rows))
    with tempfile.TemporaryDirectory() as folder:
        trace = pathlib.Path(folder) / "calls.jsonl"
        trace.write_text("".join(json.dumps(dict(record, customer=f"c{i}")) + "\n" for i, (record, cost) in enumerate(asked)))
        run = subprocess.run([tally, "replay", str(trace), "--by", "customer", "--json"], capture_output=True, text=True)
    said = {g["customer"]: g for g in json.loads(run.stdout)["groups"]}
    wrong = 0
    for i, (record, cost) in enumerate(asked):
        got = said.get(f"c{i}")
        total = None if not got or got.get("unpriced") else D(got["total"])
        if total != cost:
            wrong += 1
            print(f"{record}: {total}, the history makes {cost}")
    print(f"{len(asked)} calls of {len(rows)} lines, {wrong} wrong")
    return 1 if wrong else 0


if len(sys.argv) != 3:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
