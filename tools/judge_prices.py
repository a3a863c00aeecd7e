#!/usr/bin/env python3
"""judge_prices.py FACTS TALLY [COUNT [SEED]]: the program's prices at random instants against the history.

Draws COUNT (100) times a line (vendor, model, region), an instant inside its period and a part of its price (rate, tier,
service tier, region, fee), half of them of first parties, with the generator of SEED (1). For each it reads the line of
the history that holds then by itself, with price_statements.json and not through the cards, and compares what `tally price show` and `tally cost` say of it: every rate, tier, fee,
service tier, source and doubt. Prints a line for each and ends with 1 when a figure is wrong.
What else vendors state (peak hours, batches of Claude) is told with its source in docs/prices.md.
"""
import collections, datetime, decimal, json, pathlib, random, subprocess, sys
import price_facts

LAST = datetime.datetime(2026, 11, 28, tzinfo=datetime.timezone.utc)


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def stamp(t):
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def same(a, b):
    return decimal.Decimal(a) == decimal.Decimal(b)


def parts_of(row):
    """What a line states, by kind: (rate, tier, service tier, region or fee; which; bucket or unit)."""
    parts = collections.defaultdict(list)
    for bucket in row["rates"]:
        parts["rate", ""].append(bucket)
    for tier in row.get("tiers") or []:
        parts["tier", tier["above_prompt_tokens"]] += tier["rates"]
    for tier, stated in (row.get("service_tiers") or {}).items():
        parts["service", tier] += [b for b in stated if b != "tiers"]
    for region in row.get("regional", {}):
        parts["region", region].append("input")
    for unit in row.get("fees", {}):
        parts["fee", ""].append(unit)
    return parts


def draw(rows, count, seed):
    """COUNT of (line, instant, part of its price), first parties and others by turns."""
    rng = random.Random(seed)
    known = [row for row in rows if row["model"] and when(row["from"]) < LAST]
    first, others = [r for r in known if not r.get("reseller")], [r for r in known if r.get("reseller")]
    for i in range(count):
        row = rng.choice(others if i % 2 else first)
        begin, end = when(row["from"]), min(when(row["to"]) if row["to"] else LAST, LAST)
        at = begin + datetime.timedelta(seconds=rng.randrange(int((end - begin).total_seconds())))
        parts = parts_of(row)
        kind = rng.choice(sorted(parts, key=str))
        yield row, at, (*kind, rng.choice(parts[kind]))


def ask(tally, *words):
    run = subprocess.run([tally, *words, "--json"], capture_output=True, text=True)
    if run.returncode not in (0, 3):
        return None, run.stderr.strip()
    return json.loads(run.stdout), ""


def rates_differ(label, stated, shown):
    """What the history states and the program does not show, or shows otherwise. More is told apart."""
    for bucket, value in stated.items():
        if bucket in ("tiers", "cache_write_audio"):  # audio written to a cache has no bucket: a doubt says so
            continue
        if bucket not in shown:
            yield f"{label}: {bucket} {value} is missing"
        elif not same(value, shown[bucket]):
            yield f"{label}: {bucket} is {shown[bucket]}, the history has {value}"


def judge_price(row, price, label, stated, tiers):
    shown = price["tariffs"][-1]
    yield from rates_differ(label, stated, shown["rates"])
    if len(tiers) != len(shown["context"]):
        yield f"{label}: {len(shown['context'])} tiers, the history has {len(tiers)}"
    for want, have in zip(sorted(tiers, key=lambda t: t["above_prompt_tokens"]), shown["context"]):
        if want["above_prompt_tokens"] != have["above"] or bool(want.get("inclusive")) != have["inclusive"]:
            yield f"{label}: a tier from {have['above']}, the history has {want['above_prompt_tokens']}"
        yield from rates_differ(f"{label} above {have['above']}", want["rates"], have["rates"])


def judge_fees(row, price):
    shown = {f["unit"]: f for f in price["fees"]}
    at_least = price_facts.request_fee(row)
    for unit, fee in (row.get("fees", {}) | ({"request": at_least} if at_least else {})).items():
        if unit == "request" and shown.get(unit, {}).get("unless") != fee.get("unless"):
            yield "the fee of a request is the least of several, or is it not"
        elif unit not in shown or not same(shown[unit]["amount"], fee["amount"]) or shown[unit]["per"] != fee["per"]:
            yield f"fee {unit}: {shown.get(unit)}, the history has {fee}"


def judge(row, at, tally, said):
    region = row.get("region", "")
    shown, error = ask(tally, "price", "show", row["model"], "--provider", row["provider"], "--at", stamp(at),
                       "--currency", row["currency"])
    if shown is None:
        yield "no price: " + error
        return
    of = {(p["service_tier"], p.get("region") or ""): p for p in sorted(shown["prices"], key=lambda p: p["kind"] == "promotion")}
    base = of.get(("standard", region))
    if not base:
        yield "no standard price of that region"
        return
    yield from judge_price(row, base, "standard", row["rates"], row.get("tiers") or [])
    yield from judge_fees(row, base)
    for tier, stated in row.get("service_tiers", {}).items():
        if (tier, region) not in of:
            if tier != "batch" or at >= when("2024-10-08T00:00:00Z"):  # when Claude's batches began
                yield f"{tier} is missing"
        elif row["provider"] == "anthropic" and tier == "batch":
            half = {b: str(decimal.Decimal(v) / 2) for b, v in row["rates"].items()}
            yield from rates_differ(tier, {**half, **stated}, of[tier, region]["tariffs"][-1]["rates"])
        else:
            yield from judge_price(row, of[tier, region], tier, stated, stated.get("tiers", []))
    for where, how in row.get("regional", {}).items():
        if ("standard", where) not in of:
            yield f"the region {where} is missing"
            continue
        times = {b: str(decimal.Decimal(v) * decimal.Decimal(how["multiplier"])) for b, v in row["rates"].items()}
        yield from rates_differ(where, times, of["standard", where]["tariffs"][-1]["rates"])
    doubts = " ".join([base.get("doubt") or ""] + [d["says"] for d in shown["disputes"]])
    for said_so in said.get((row["provider"], row["model"]), []):
        if row["rates"].get(said_so["bucket"]) == said_so["value"]:
            continue
        if when(said_so["from"]) <= at < when(said_so["to"]) and said_so["value"] not in doubts:
            yield f"{said_so['who']} had {said_so['bucket']} {said_so['value']} and the answer does not say so"
    for other in row.get("disagree", []):
        for who, has in other.items():
            if who not in doubts and any(row["rates"].get(b) != v for b, v in has.items()):
                yield f"{who} disagrees and the answer does not say so"
    if not base["source"] or not base.get("grade"):
        yield "no source or no grade"
    yield from judge_cost(row, at, tally, base)


def judge_cost(row, at, tally, base):
    """A call of 1,000 tokens of input and output, no window holding then."""
    if "input" not in row["rates"] or "output" not in row["rates"] or len(base["tariffs"]) > 1:
        return
    words = ["--model", row["model"], "--provider", row["provider"], "--at", stamp(at), "--input", "1000", "--output", "1000"]
    got, error = ask(tally, "cost", *words, *(["--region", row["region"]] if row.get("region") else []))
    want = (decimal.Decimal(row["rates"]["input"]) + decimal.Decimal(row["rates"]["output"])) / 1000
    at_least = price_facts.request_fee(row)
    fee = at_least or row.get("fees", {}).get("request")
    if fee:
        want += decimal.Decimal(fee["amount"]) / fee["per"]
    if got and at_least and not (got["at_least"] and got["price_doubt"]):
        yield "what the call leaves unsaid is not told"
    if not got:
        yield "no cost: " + error
    elif not same(got["total"], want):
        yield f"1,000 tokens in and out cost {got['total']}, the history makes {want}"


def sayings(facts):
    said = collections.defaultdict(list)
    day = datetime.timedelta(1)
    for line in open(facts / "unconfirmed.jsonl"):
        u = json.loads(line)
        end = u["seen_to"] + "T00:00:00Z" if u["seen_to"] else stamp(LAST + day)
        said[u["provider"], u["model"]].append({"who": u["only_in"], "bucket": u["bucket"], "value": u["value"],
                                                "from": u["seen_from"] + "T00:00:00Z", "to": end})
    for line in open(facts / "corrections_within_7_days.jsonl"):
        c = json.loads(line)
        begin = c["date"] + "T00:00:00Z"
        said[c["provider"], c["model"]].append({"who": c["catalogue"], "bucket": c["bucket"], "value": c["first"],
                                                "from": begin, "to": stamp(when(begin) + 7 * day)})
    return said


def line_at(lines, row, at):
    """The line that holds then for the model of one, with what vendors state beside the history."""
    of = (row["provider"], row["model"].strip(), row.get("region"), row["currency"])
    return next(r for r in lines if (r["provider"], r["model"], r.get("region"), r["currency"]) == of and
                when(r["from"]) <= at and (not r["to"] or at < when(r["to"])))


def main(facts, tally, count=100, seed=1):
    facts = pathlib.Path(facts)
    rows = [json.loads(line) for line in open(facts / "price_history.jsonl")]
    lines = price_facts.lines(facts)
    said, wrong = sayings(facts), 0
    for drawn, at, part in draw(rows, int(count), int(seed)):
        row = line_at(lines, drawn, at)
        faults = list(judge(row, at, tally, said))
        wrong += bool(faults)
        name = f"{row['provider']} {row['model']}" + (f" in {row['region']}" if row.get("region") else "")
        print(f"{'WRONG' if faults else 'right'}  {stamp(at)}  {name}  {' '.join(str(p) for p in part if p != '')}")
        for fault in faults:
            print("       " + fault)
    print(f"{count} instants, {wrong} wrong")
    return 1 if wrong else 0


if len(sys.argv) < 3:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
