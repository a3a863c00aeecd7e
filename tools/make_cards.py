#!/usr/bin/env python3
"""make_cards.py FACTS OUT: price cards from a history of prices, one a vendor.
Cache contracts come from tools/cache_contracts.json, which is kept by hand.

FACTS holds price_history.jsonl (a line for each vendor, model, region and period; see docs/prices.md) and
model_spellings.jsonl. OUT gets VENDOR.json for each vendor but those whose card is kept by hand (HAND).
No value is made up: what a line does not state is not in the card. Three things are worked out from statements
of the vendor: Anthropic's batch price is half of every token price, its models from Opus 4.6 and Sonnet 4.6 on
cost 1.1 times as much in the United States, and a regional factor multiplies every token price (never a fee).
"""
import collections, decimal, json, pathlib, re, sys

HAND = {"deepseek"}
BUCKETS = ["input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "input_audio", "input_image",
           "input_video", "cache_read_audio", "cache_read_image", "cache_read_video", "output_audio", "output_image",
           "output_video", "citation"]
SURE = {"vendor": "stated by the vendor", "source-dated": "dated by a source",
        "observed-by": "first seen then; it may have held earlier"}
TITLES = {"openai": "OpenAI API", "anthropic": "Anthropic API", "google": "Gemini API", "xai": "xAI API"}
HALF_IN_BATCH = {"anthropic"}
# What vendors state beside the history: the tier of Sonnet 4 above 200,000 tokens, and caches that bill no writes.
LONG_SONNET = [{"above_prompt_tokens": 200000, "inclusive": False, "rates": {
    "input": "6", "cache_read": "0.6", "cache_write_5m": "7.5", "cache_write_1h": "12", "output": "22.5"}}]
STATED = {("anthropic", "claude-sonnet-4"): {"tiers": LONG_SONNET},
          ("moonshot", "kimi-k2.6"): {"rates": {"cache_write_5m": "0", "cache_write_1h": "0"}},
          ("moonshot", "kimi-k2.5"): {"rates": {"cache_write_5m": "0", "cache_write_1h": "0"}},
          ("zai", "glm-5.1"): {"rates": {"cache_write_5m": "0", "cache_write_1h": "0"}}}


CONTRACTS = json.loads((pathlib.Path(__file__).parent / "cache_contracts.json").read_text())


def text(d):
    s = format(d.normalize(), "f")
    return s.rstrip("0").rstrip(".") if "." in s else s


def times(rates, factor):
    return {k: text(decimal.Decimal(v) * decimal.Decimal(factor)) for k, v in rates.items()}


def known(rates):
    """In the order of the buckets; what has no bucket is left out and named."""
    return {b: rates[b] for b in BUCKETS if b in rates}, sorted(set(rates) - set(BUCKETS) - {"tiers"})


def tiers_of(tiers):
    return [{"above": t["above_prompt_tokens"], "inclusive": bool(t.get("inclusive")), "rates": known(t["rates"])[0]}
            for t in sorted(tiers, key=lambda t: t["above_prompt_tokens"])]


def scaled(price, factor):
    out = dict(price, rates=times(price["rates"], factor))
    if "context" in price:
        out["context"] = [dict(t, rates=times(t["rates"], factor)) for t in price["context"]]
    return out


def prices_of(row):
    """The standard price of a line, then its service tiers, then all of them for each region with a factor."""
    rates, lost = known(row["rates"])
    if not rates or not row["model"]:
        return
    note = [row["note"]] if row.get("note") else []
    note += ["the source also states " + ", ".join(lost) + ", which has no bucket here"] if lost else []
    note += ["retirement announced for " + row["retired"]] if row.get("retired") else []
    base = {"model": row["model"], "currency": row["currency"], "from": row["from"], "to": row["to"], "rates": rates}
    if row.get("region"):
        base["region"] = row["region"]
    if row.get("tiers"):
        base["context"] = tiers_of(row["tiers"])
    if row.get("fees"):
        base["fees"] = {unit: {"amount": fee["amount"], "per": fee["per"]} for unit, fee in sorted(row["fees"].items())}
    sources = row["sources"] or [row.get("note", "worked out from the line before")]
    last = {"source": "; ".join(sources[:3])[:300], "sure": SURE[row["from_certainty"]]}
    if note:
        last["note"] = "; ".join(note)
    found = [base]
    tiers = row.get("service_tiers", {})
    if row["provider"] in HALF_IN_BATCH and row["from"] >= "2025":
        tiers = {"batch": {}, **tiers}
    for tier, stated in sorted(tiers.items()):
        price = dict(base, service_tier=tier, rates=known(stated)[0])
        price.pop("context", None)
        if tier == "batch" and row["provider"] in HALF_IN_BATCH:
            price = dict(scaled(base, "0.5"), service_tier=tier)
        elif stated.get("tiers"):
            price["context"] = tiers_of(stated["tiers"])
        found.append(price)
    for region, how in sorted(row.get("regional", {}).items()):
        found += [dict(scaled(p, how["multiplier"]), region=region) for p in list(found) if "region" not in p]
    for price in found:
        yield dict(price, **last)


def series(price):
    return price["model"], price["currency"], price.get("service_tier", ""), price.get("region", "")


def gaps_of(prices):
    by = collections.defaultdict(list)
    for p in prices:
        by[series(p)].append(p)
    for key, of in sorted(by.items()):
        of.sort(key=lambda p: p["from"])
        for a, b in zip(of, of[1:]):
            if a["to"] != b["from"]:
                yield {"model": key[0], "currency": key[1], "from": a["to"], "to": b["from"], "why": "no source states a price"}


def disputes_of(row):
    for said in row.get("disagree", []):
        for source, rates in sorted(said.items()):
            values = ", ".join(f"{bucket} {value}" for bucket, value in rates.items())
            yield {"model": row["model"], "about": "price", "from": row["from"], "to": row["to"], "says": f"{source} has {values}"}


def aliases_of(spellings, models):
    seen = set()
    for s in spellings:
        name = s["spelling"]
        # a region in the spelling is told by the rules of spelling, with the region
        if name in models or name in seen or s["model"] not in models or s.get("region") or name.endswith("[1m]"):
            continue
        seen.add(name)
        yield {"alias": name, "model": s["model"]}


def lines(key, items):
    return f' "{key}": [\n' + ",\n".join("  " + json.dumps(i, ensure_ascii=False) for i in items) + "\n ]" if items else None


def card(provider, rows, spellings):
    prices = [p for row in rows for p in prices_of(row)]
    models = {p["model"] for p in prices}
    limits = {}
    for row in rows:
        l = {k: row[k] for k in ("context_tokens", "max_output_tokens") if row.get(k)}
        if l:
            limits[row["model"]] = l
    head = {"schema": "tally.card/1", "provider": provider, "title": TITLES.get(provider, provider)}
    if rows[0].get("reseller"):
        head["reseller"] = True
    parts = [",\n".join(f' "{k}": {json.dumps(v)}' for k, v in head.items())]
    if limits:
        parts.append(' "models": {\n' + ",\n".join(f"  {json.dumps(m)}: {json.dumps(l)}" for m, l in sorted(limits.items())) + "\n }")
    parts += [lines("caches", CONTRACTS.get(provider, [])), lines("aliases", list(aliases_of(spellings, models))), lines("gaps", list(gaps_of(prices))),
              lines("disputes", [d for row in rows for d in disputes_of(row)]), lines("prices", prices)]
    return "{\n" + ",\n".join(p for p in parts if p) + "\n}\n"


def main(facts, out):
    rows, spellings = collections.defaultdict(list), collections.defaultdict(list)
    for line in open(facts / "price_history.jsonl"):
        row = json.loads(line)
        stated = STATED.get((row["provider"], row["model"]), {})
        row["rates"] = {**stated.get("rates", {}), **row["rates"]}
        row["tiers"] = row.get("tiers", stated.get("tiers"))
        if row["provider"] == "anthropic" and row["from"] >= "2026-02-05":
            row.setdefault("regional", {"us": {"multiplier": "1.1"}})
        rows[row["provider"]].append(row)
    for line in open(facts / "model_spellings.jsonl"):
        s = json.loads(line)
        spellings[s["provider"]].append(s)
    for provider in sorted(rows):
        if provider not in HAND:
            (out / f"{provider}.json").write_text(card(provider, rows[provider], spellings[provider]))


if len(sys.argv) != 3:
    sys.exit(__doc__)
main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
