"""What makes a price of the history doubtful by what it is, whoever states it.

A slip of a catalogue looks like a price: the kinds below are those that were found by comparing a line with itself,
with the other names of its model, with what the vendor asks itself, and with the line before it. None changes a
figure; each becomes a doubt of the price, or a dispute of the days around a change.
"""
import collections, datetime, re
from decimal import Decimal as D

CLOSED = {"openai", "anthropic", "google", "xai"}  # who else sells their models asks what they ask
OTHER_MODEL = {("google", "gemini-pro-latest")}  # names that look like another's and are not


def odd_rates(row):
    """What a line's rates have that no vendor is known to ask."""
    rates = row["rates"]
    r = {bucket: D(value) for bucket, value in rates.items() if value is not None}
    text = r.get("input")
    if not text:
        return
    for bucket, why in (("input_audio", "audio is cheaper than text"), ("output", "output is cheaper than input")):
        if r.get(bucket) and r[bucket] < text:
            yield f"{why} here ({bucket} {rates[bucket]}, input {rates['input']})"
    storage_only = row["provider"] == "openrouter" and "google/" in row["model"]  # what it calls a write: five minutes of storage
    if r.get("cache_read", 0) > text:
        yield f"reading a cache is dearer than input here (cache_read {rates['cache_read']}, input {rates['input']})"
    for bucket in ("cache_write_5m", "cache_write_1h"):
        if r.get(bucket) and not text <= r[bucket] <= 2 * text and not storage_only:
            yield f"{bucket} {rates[bucket]} is not between one and two times input {rates['input']}"


def odd_tier(rates, tier):
    for bucket, value in tier["rates"].items():
        if value is not None and bucket in rates and D(value) < D(rates[bucket]):
            yield (f"above {tier['above_prompt_tokens']:,} tokens {bucket} is cheaper ({value}) than below "
                   f"({rates[bucket]})")


def odd_service(rates, tier, stated):
    if tier not in ("batch", "flex"):
        return
    for bucket, value in stated.items():
        base = rates.get(bucket) if bucket != "tiers" else None
        if base and D(base) and not D("0.475") <= D(value) / D(base) <= D("0.525"):
            yield f"{bucket} {value} is not half of the standard price {base}"


def odd_region(factor):
    return [] if 1 <= D(factor) <= D("1.35") else [f"it is {factor} times the price elsewhere"]


def odd(row):
    return [*odd_rates(row), *(d for t in row.get("tiers") or [] for d in odd_tier(row["rates"], t))]


def moving(row):
    """An open line of a name that means whatever is newest."""
    if row["to"] or not row["model"].endswith("-latest") or row["model"].endswith(("chat-latest", "mini-latest")):
        return []
    return [f"the name moves to newer models and costs what they cost; no source dates a move after {row['from'][:10]}"]


def told(row):
    tiers = "".join(f", above {t['above_prompt_tokens']:,} tokens {t['rates'].get('input')} and {t['rates'].get('output')}"
                    for t in row.get("tiers") or [])
    return f"input {row['rates'].get('input')}, output {row['rates'].get('output')}{tiers}"


def segments(row, others):
    """The period of a line cut where one of the others begins or ends: (from, to, the others that hold then)."""
    inside = lambda t: t and row["from"] < t and (not row["to"] or t < row["to"])
    bounds = sorted({row["from"], *(t for o in others for t in (o["from"], o["to"]) if inside(t))})
    for at, until in zip(bounds, [*bounds[1:], row["to"]]):
        yield at, until, [o for o in others if o["from"] <= at and (not o["to"] or at < o["to"])]


def other_names(rows):
    """Days on which another name of a model has another price: an alias that moved, a snapshot left behind."""
    stem = lambda m: re.sub(r"(-latest|-\d{4}-\d\d-\d\d|-\d{8}|-\d{4}|-0)$", "", m)
    by = collections.defaultdict(list)
    for row in rows:
        if row["provider"] in CLOSED and not row.get("region") and (row["provider"], row["model"]) not in OTHER_MODEL:
            by[stem(row["model"])].append(row)
    for of in by.values():
        snapshots = {r["model"] for r in of if re.search(r"\d{4}$", r["model"])}
        for row in of:
            if row["model"] in snapshots and len(snapshots) > 1:
                continue  # snapshots have prices of their own
            for at, until, then in segments(row, [r for r in of if r["model"] != row["model"]]):
                if then and all(told(r) != told(row) for r in then):
                    yield row["provider"], {"model": row["model"], "about": "price", "from": at, "to": until,
                                            "says": f"{then[-1]['model']}, another name of it, has {told(then[-1])}"}


def resold(rows, spellings):
    """Days on which a reseller asks something else for a closed model than its vendor does."""
    own = collections.defaultdict(list)
    for row in rows:
        if not row.get("reseller") and not row.get("region"):
            own[row["provider"] + "/" + row["model"]].append(row)
    of = {(s["provider"], s["model"]): s["of"] for s in spellings if s.get("of") and not s.get("region")}
    for row in rows:
        vendor = of.get((row["provider"], row["model"]), "")
        if vendor.split("/")[0] not in CLOSED or row.get("region") or ":" in row["model"]:
            continue
        for at, until, then in segments(row, own.get(vendor, [])):
            if then and told(then[0]) != told(row):
                yield row["provider"], {"model": row["model"], "about": "price", "from": at, "to": until,
                                        "says": f"{vendor.split('/')[0]} itself asks {told(then[0])}"}


def days(stamp, n):
    at = datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")) + datetime.timedelta(n)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def differ(line, other):
    """What a line has otherwise than another."""
    tiers = lambda row: {f"{bucket} above {t['above_prompt_tokens']:,} tokens": value for t in row.get("tiers") or []
                         for bucket, value in t["rates"].items()}
    mine, its = line["rates"] | tiers(line), other["rates"] | tiers(other)
    return ", ".join(f"{k} {mine.get(k, 'not dearer' if 'above' in k else 'unstated')}"
                     for k in [*mine, *(k for k in its if k not in mine)] if mine.get(k) != its.get(k))


def changes(rows):
    """Disputes of the days around a change: a day without its hour, and a first sight that says nothing of before."""
    by = collections.defaultdict(list)
    for row in rows:
        by[row["model"], row["currency"], row.get("region")].append(row)
    for (model, *_), of in sorted(by.items(), key=str):
        of.sort(key=lambda row: row["from"])
        for old, new in zip(of, of[1:]):
            if old["to"] != new["from"] or not differ(old, new):
                continue
            if new["from_certainty"] != "observed-by":
                if new["from"].endswith("T00:00:00Z"):
                    yield {"model": model, "about": "hour of a change", "from": new["from"], "to": days(new["from"], 1),
                           "says": f"the day is stated, not the hour; before it {differ(old, new)}"}
            elif not new.get("old_seen"):
                late = 90 if new["from"] < "2025-07" else 30
                yield {"model": model, "about": "date of a change", "to": new["from"],
                       "from": max(old["from"], days(new["from"], -late)),
                       "says": f"a catalogue first showed {differ(new, old)} on {new['from'][:10]}; it may have begun before"}
