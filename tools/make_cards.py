#!/usr/bin/env python3
"""make_cards.py FACTS OUT: price cards from a history of prices, one a vendor.
Cache contracts come from tools/cache_contracts.json, open questions of whole vendors from
tools/price_disputes.json, the regions in which a model costs the same from
(or times a factor) tools/price_regions.json and what a vendor's tools cost from tools/tool_fees.json, and what requests pay by something that they may
leave unsaid from tools/request_fees.json, which are kept by hand.

FACTS holds price_history.jsonl (a line for each vendor, model, region and period; see docs/prices.md),
model_spellings.jsonl, unconfirmed.jsonl and corrections_within_7_days.jsonl. OUT gets VENDOR.json for each
vendor but those whose card is kept by hand (HAND).
No value is made up: what a line does not state is not in the card. Three things are worked out from statements
of the vendor: Anthropic's batch price is half of every token price (since 2024-10-08, of the models that its
page lists), its search costs 10 per 1,000 with every model since 2025-05-07, and a regional factor, of a line or of
tools/price_regions.json, multiplies every token price (never a fee).
"""
import collections, datetime, decimal, fnmatch, json, pathlib, re, sys
import price_doubts, price_facts

HAND = {"deepseek"}
BUCKETS = ["input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "input_audio", "input_image",
           "input_video", "cache_read_audio", "cache_read_image", "cache_read_video", "output_audio", "output_image",
           "output_video", "citation"]
GRADES = {"vendor": "stated", "source-dated": "dated", "observed-by": "first seen"}
SURE = {"vendor": "stated by the vendor", "source-dated": "dated by a source",
        "observed-by": "first seen then; it may have held earlier"}
TITLES = {"openai": "OpenAI API", "anthropic": "Anthropic API", "google": "Gemini API", "xai": "xAI API"}
HALF_IN_BATCH = {"anthropic"}
# Whose models begin so: who else sells one of that name resells it, although it makes models of its own.
# The first that fits decides.
MAKERS = {"glm-": "zai", "kimi-": "moonshot", "moonshot-kimi-": "moonshot", "minimax-": "minimax", "deepseek-": "deepseek",
          "llama-3-sonar-": "perplexity", "llama-3.1-sonar-": "perplexity", "llama-": "meta", "codellama-": "meta",
          "mistral-": "mistral", "mixtral-": "mistral"}
BATCHES_SINCE = "2024-10-08T00:00:00Z"
# Of the models of 2024 the page on batches also lists these, which no catalogue does.
BATCHES_TOO = {"claude-3-5-sonnet-20240620", "claude-3-5-haiku-20241022"}

# ai.google.dev, Gemini API, pricing: what a million tokens of an explicit cache cost an hour, and since when (standard tier).
FLASH_OF_2026 = [("2026-08-13", "0.5"), ("2027-01-01", "1")]
STORAGE = {("google", "gemini-2.5-pro"): [("", "4.5")], ("google", "gemini-3-pro-preview"): [("", "4.5")],
           ("google", "gemini-3.1-pro-preview"): [("", "4.5")], ("google", "gemini-2.5-flash"): [("", "1")],
           ("google", "gemini-2.5-flash-lite"): [("", "1")], ("google", "gemini-3-flash-preview"): [("", "1")],
           ("google", "gemini-3.1-flash-lite"): [("", "1")], ("google", "gemini-3.5-flash"): [("", "1")],
           ("google", "gemini-3.6-flash"): FLASH_OF_2026, ("google", "gemini-3.7-flash"): FLASH_OF_2026,
           ("google", "gemini-3.8-flash"): FLASH_OF_2026}


HERE = pathlib.Path(__file__).parent
CONTRACTS = json.loads((HERE / "cache_contracts.json").read_text())
DISPUTES = json.loads((HERE / "price_disputes.json").read_text())
REGIONS = json.loads((HERE / "price_regions.json").read_text())
TOOL_FEES = json.loads((HERE / "tool_fees.json").read_text())


# openrouter.ai/docs, model variants: what ends in :free costs nothing, whatever model it is.
FREE = {"openrouter": [":free"]}
# openrouter.ai/docs, web search: by the maker's own search there, elsewhere by Exa.
OWN_SEARCH = ["openai/", "anthropic/", "perplexity/", "x-ai/"]

BUILT = None  # the day on which the history was put together


def text(d):
    s = format(d.normalize(), "f")
    return s.rstrip("0").rstrip(".") if "." in s else s


def times(rates, factor):
    return {k: v and text(decimal.Decimal(v) * decimal.Decimal(factor)) for k, v in rates.items()}


def known(rates):
    """In the order of the buckets; what has no bucket is left out and named."""
    return {b: rates[b] for b in BUCKETS if b in rates}, sorted(set(rates) - set(BUCKETS) - {"tiers"})


def tiers_of(tiers, base):
    """What the tier does not state has no price there: null, for a card would take the base's. Reasoning is a part
    of the output and keeps the base's price, with a doubt."""
    return [{"above": t["above_prompt_tokens"], "inclusive": bool(t.get("inclusive")),
             "rates": {b: t["rates"].get(b) for b in BUCKETS if b in t["rates"] or (b in base and b != "reasoning")}}
            for t in sorted(tiers, key=lambda t: t["above_prompt_tokens"])]


def scaled(price, factor):
    out = dict(price, rates=times(price["rates"], factor))
    if "context" in price:
        out["context"] = [dict(t, rates=times(t["rates"], factor)) for t in price["context"]]
    return out


def doubt_of(row, lost):
    """What makes a price uncertain, whenever a call was made."""
    doubts = []
    source = (row["sources"] or [""])[0]
    alone = row["from_certainty"] == "observed-by" or (row["from_certainty"] != "vendor" and re.match(r"[\w.-]+@\S+$", source))
    if row["agree"] == 1 and source and alone:
        doubts.append("only " + source.split("@")[0] + " states it")
    if not row["agree"] and row["from_certainty"] == "observed-by":
        doubts.append("no catalogue has it, only what its source names")
    if lost:
        doubts.append("the source also states " + ", ".join(f"{b} {row['rates'][b]}" for b in lost) +
                      ", which no usage counts apart")
    for tier in row.get("tiers") or []:
        if "reasoning" in row["rates"] and "reasoning" not in tier["rates"]:
            doubts.append(f"no source states the price of reasoning above {tier['above_prompt_tokens']:,} tokens; "
                          "it is that of shorter prompts here")
    doubts += row.get("doubts", [])
    return doubts + price_doubts.odd(row) + price_doubts.moving(row)


def fees_of(row):
    fees = {unit: {"amount": fee["amount"], "per": fee["per"]} for unit, fee in sorted(row.get("fees", {}).items())}
    at_least = price_facts.request_fee(row)
    return fees | ({"request": at_least} if at_least else {})


def batch_of(row, base):
    """Anthropic's price of a batch, or None."""
    since = max(row["from"], BATCHES_SINCE)
    stated = "batch" in row.get("service_tiers", {}) or row["from"] >= "2025" or row["model"] in BATCHES_TOO
    if not stated or (row["to"] and row["to"] <= since):
        return None
    return dict(scaled(base, "0.5"), service_tier="batch", **{"from": since})


def prices_of(row):
    """The standard price of a line, then its service tiers, then all of them for each region with a factor."""
    rates, lost = known(row["rates"])
    if not rates or not row["model"]:
        return
    note = [row["note"]] if row.get("note") else []
    note += ["retirement announced for " + row["retired"]] if row.get("retired") else []
    base = {"model": row["model"], "currency": row["currency"], "from": row["from"], "to": row["to"], "rates": rates}
    if row.get("region"):
        base["region"] = row["region"]
    if row.get("kind"):
        base["kind"] = row["kind"]
    if row.get("tiers"):
        base["context"] = tiers_of(row["tiers"], rates)
    fees, doubts = fees_of(row), []
    held = [amount for since, amount in STORAGE.get((row["provider"], row["model"]), []) if since <= row["from"]]
    storage = {"cache_token_hours": {"amount": held[-1], "per": 1000000}} if held else {}
    if fees or storage:
        base["fees"] = fees | storage
    doubts += doubt_of(row, lost)
    sources = row["sources"] or [row.get("note", "worked out from the line before")]
    last = {"source": "; ".join(sources[:3])[:300], "sure": SURE[row["from_certainty"]],
            "grade": "bounded" if row.get("old_seen") else GRADES[row["from_certainty"]]}
    if row.get("old_seen"):
        last["old_seen"] = row["old_seen"]
    if note:
        last["note"] = "; ".join(note)
    found = [base]
    tiers = dict(row.get("service_tiers", {}))
    if row["provider"] in HALF_IN_BATCH:
        tiers.pop("batch", None)
        batch = batch_of(row, base)
        found += [batch] if batch else []
    for tier, stated in sorted(tiers.items()):
        price = dict(base, service_tier=tier, rates=known(stated)[0])
        price.pop("context", None)
        if storage:
            price["fees"] = fees
        if not price.get("fees"):
            price.pop("fees", None)
        if stated.get("tiers"):
            price["context"] = tiers_of(stated["tiers"], price["rates"])
        price["doubts"] = list(price_doubts.odd_service(rates, tier, stated))
        if "source" in stated:
            price["stated"] = stated["source"]
        found.append(price)
    for region, how in sorted(row.get("regional", {}).items()):
        found += [dict(scaled(p, how["multiplier"]), region=region, doubts=[*p.get("doubts", []),
                       *price_doubts.odd_region(how["multiplier"])]) for p in list(found) if "region" not in p]
    for price in found:
        own = doubts + price.pop("doubts", [])
        maker = next((m for start, m in MAKERS.items() if row["model"].lower().startswith(start)), row["provider"])
        if maker != row["provider"] and not row.get("reseller"):
            price["reseller"] = True
        of_tier = [price.pop("stated")] if "stated" in price else []
        told = dict(last, source="; ".join([*of_tier, *sources][:3])[:300])
        yield dict(price, **told, **({"doubt": "; ".join(own)} if own else {}))


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
            values = ", ".join(f"{bucket} {value}" for bucket, value in rates.items() if row["rates"].get(bucket) != value)
            has = "have" if source.startswith("the ") else "has"
            if values:
                yield {"model": row["model"], "about": "price", "from": row["from"], "to": row["to"],
                       "says": f"{source} {has} {values}"}


def day_after(day, days=1):
    return (datetime.date.fromisoformat(day[:10]) + datetime.timedelta(days)).isoformat() + "T00:00:00Z"


def seen_elsewhere(said, models, rows):
    """Disputes from what one catalogue alone showed, and from what one took back within a week."""
    taken = {(row["model"], bucket, value) for row in rows if not row["to"] for bucket, value in row["rates"].items()}
    for u in said["unconfirmed"]:
        if u["model"] in models and (u["model"], u["bucket"], u["value"]) not in taken:
            to = u["seen_to"] and max(u["seen_to"] + "T00:00:00Z", day_after(u["seen_from"]))
            yield {"model": u["model"], "about": "price", "from": u["seen_from"] + "T00:00:00Z", "to": to,
                   "says": f"only {u['only_in']} has {u['bucket']} {u['value']}"}
    for c in said["corrections"]:
        if c["model"] in models:
            yield {"model": c["model"], "about": "price", "from": c["date"] + "T00:00:00Z", "to": day_after(c["date"], 7),
                   "says": f"{c['catalogue']} first showed {c['bucket']} {c['first']} and corrected it to {c['corrected_to']}"}


def open_questions(provider, models):
    for d in DISPUTES.get(provider, []):
        for model in sorted(m for m in models if any(fnmatch.fnmatch(m, p) for p in d["models"])):
            yield {"model": model, "about": d["about"], "from": d.get("from"), "to": d.get("to"), "says": d["says"]}


def last_seen(rows):
    """Where a catalogue that keeps days still showed the old price before the new one was first seen, the change
    lies between the two."""
    by = collections.defaultdict(list)
    for row in rows:
        by[row["model"], row["currency"], row.get("region")].append(row)
    for of in by.values():
        of.sort(key=lambda row: row["from"])
        for old, new in zip(of, of[1:]):
            days = re.findall(r"@(\d{4}-\d\d-\d\d)\b", " ".join(old["sources"]))
            seen = max(days, default="") + "T00:00:00Z"
            if days and new["from_certainty"] == "observed-by" and old["from"] < seen < new["from"] == old["to"]:
                new["old_seen"] = seen


def aliases_of(spellings, models):
    seen = set()
    for s in spellings:
        name = s["spelling"]
        # a region in the spelling is told by the rules of spelling, with the region
        if name in models or name in seen or s["model"] not in models or s.get("region") or name.endswith("[1m]"):
            continue
        seen.add(name)
        yield {"alias": name, "model": s["model"]}
    for model in sorted(models):  # a Claude without its date is its first snapshot: later ones cost the same
        stem = re.sub(r"^(claude-3.*)-\d{8}$", r"\1", model)
        if stem != model and stem not in models and stem not in seen:
            seen.add(stem)
            yield {"alias": stem, "model": model}


def add_snapshots(rows, spellings):
    """A snapshot that the history lists by region only, because elsewhere it costs what its model does."""
    regions = collections.defaultdict(set)
    for row in rows:
        regions[row["model"]].add(row.get("region"))
    for s in spellings:
        name, model = s["spelling"], s["model"]
        if s["kind"] == "dated-snapshot" and name in regions and None not in regions[name]:
            rows += [dict(row, model=name, note=f"as {model}, whose snapshot it is",
                          regional={r: how for r, how in row.get("regional", {}).items() if r not in regions[name]})
                     for row in list(rows) if row["model"] == model and not row.get("region")]


def released(row):
    """The day of a model's release as far as a line tells: its start, or the date in its name where that is earlier."""
    dates = re.findall(r"(20\d\d)-?(\d\d)-?(\d\d)$", row["model"])
    return min([row["from"][:10], *("-".join(d) for d in dates)])


def regions_of(provider, rows):
    """The rules of a vendor's regions; one for models from a day on, or for those with lines of regions, names them."""
    first, rules = {}, REGIONS.get(provider, [])
    for row in rows:
        first[row["model"]] = min(released(row), first.get(row["model"], "9"))
    lined = {row["model"] for row in rows if (row.get("region") or row.get("regional")) and "models" not in closest(rules, row["model"])}
    for rule in rules:
        names = [m for m, day in first.items() if day >= rule["released_since"]] if "released_since" in rule else lined
        named = {"models": sorted(names)} if "released_since" in rule or "with_lines" in rule else {}
        yield named | {key: v for key, v in rule.items() if key not in ("released_since", "with_lines")}


def closest(rules, model):
    """The rule that names the model most closely, as the program finds it."""
    def close(rule):
        names = rule.get("models", ["*"])
        return 1000 if model in names else max((len(m) for m in names if m[-1] == "*" and model.startswith(m[:-1])), default=0)
    best = max(rules, key=close, default={})
    return best if close(best) else {}


def leave_to_rules(rows, rules):
    """Factors that follow from a rule need no line of their own."""
    for row in rows:
        rule = closest(rules, row["model"])
        if "doubt" not in rule and row.get("regional"):
            row["regional"] = {r: how for r, how in row["regional"].items() if rule.get("times", {}).get(r) != how["multiplier"]}


def free_of(provider):
    return [{"model": m, "currency": "USD", "from": None, "to": None, "rates": dict.fromkeys(BUCKETS, "0"), "source": "openrouter.ai/docs, model variants: free",
             "sure": "stated by the vendor", "grade": "stated"} for m in FREE.get(provider, [])]


def tools_of(provider, models):
    """What a vendor's tools cost; a fee of models whose maker has no search of its own names the beginnings of theirs."""
    for rule in TOOL_FEES.get(provider, []):
        if rule["models"] == ["no search of its own"]:
            makers = {m.split("/")[0] + "/*" if "/" in m else m for m in models if not m.startswith(tuple(OWN_SEARCH))}
            rule = dict(rule, models=sorted(makers))
        yield rule


def lines(key, items):
    return f' "{key}": [\n' + ",\n".join("  " + json.dumps(i, ensure_ascii=False) for i in items) + "\n ]" if items else None


def card(provider, rows, spellings, said, elsewhere):
    last_seen(rows)
    rules = list(regions_of(provider, rows))
    leave_to_rules(rows, rules)
    prices = [p for row in rows for p in prices_of(row)] + free_of(provider)
    models = {p["model"] for p in prices}
    limits = {}
    for row in rows:
        l = {k: row[k] for k in ("context_tokens", "max_output_tokens") if row.get(k)}
        if l:
            limits[row["model"]] = l
    head = {"schema": "tally.card/1", "provider": provider, "title": TITLES.get(provider, provider)}
    if BUILT:
        head["checked"] = BUILT
    if rows[0].get("reseller"):
        head["reseller"] = True
    parts = [",\n".join(f' "{k}": {json.dumps(v)}' for k, v in head.items())]
    if limits:
        parts.append(' "models": {\n' + ",\n".join(f"  {json.dumps(m)}: {json.dumps(l)}" for m, l in sorted(limits.items())) + "\n }")
    elsewhere = [*elsewhere, *price_doubts.changes(rows)]
    parts += [lines("regions", rules), lines("caches", CONTRACTS.get(provider, [])), lines("tools", list(tools_of(provider, models))), lines("aliases", list(aliases_of(spellings, models))), lines("gaps", list(gaps_of(prices))),
              lines("disputes", [d for row in rows for d in disputes_of(row)] + list(open_questions(provider, models)) +
                    list(seen_elsewhere(said, models, rows)) + elsewhere), lines("prices", prices)]
    return "{\n" + ",\n".join(p for p in parts if p) + "\n}\n"


def main(facts, out):
    global BUILT
    built = re.search(r"^Built (\d{4}-\d\d-\d\d)", (facts / "README.md").read_text(), re.M)
    BUILT = built and built[1]
    rows, spellings = collections.defaultdict(list), collections.defaultdict(list)
    history = price_facts.lines(facts)
    named = [json.loads(line) for line in open(facts / "model_spellings.jsonl")]
    elsewhere = collections.defaultdict(list)
    for provider, dispute in [*price_doubts.other_names(history), *price_doubts.resold(history, named)]:
        elsewhere[provider].append(dispute)
    for row in history:
        if row["provider"] == "anthropic" and row["from"] >= "2025-05-07":
            row.setdefault("fees", {}).setdefault("web_search", {"amount": "10", "per": 1000})
        rows[row["provider"]].append(row)
    for s in named:
        spellings[s["provider"]].append(s)
    said = collections.defaultdict(lambda: {"unconfirmed": [], "corrections": []})
    for kind, name in (("unconfirmed", "unconfirmed"), ("corrections", "corrections_within_7_days")):
        for line in open(facts / f"{name}.jsonl"):
            s = json.loads(line)
            said[s["provider"]][kind].append(s)
    for provider in rows:
        add_snapshots(rows[provider], spellings[provider])
    for provider in sorted(rows):
        if provider not in HAND:
            (out / f"{provider}.json").write_text(card(provider, rows[provider], spellings[provider], said[provider], elsewhere[provider]))


if len(sys.argv) != 3:
    sys.exit(__doc__)
main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
