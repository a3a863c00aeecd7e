#!/usr/bin/env python3
"""catalogues.py TALLY CARDS DIR [KIND...]: catalogues of the size and shape of the real ones, made from the prices of the
cards, imported, and compared with the cards again.

The catalogues of LiteLLM, OpenRouter, models.dev and genai-prices are written as those projects write them (names, keys,
units, noise of floating point), from what the cards state at one instant. What a format has no word for is not written.
Beside them are entries that nobody may understand: each must be refused or left out by its name. An import is right when
every price that was written is in the card, with every rate, tier, hour and fee, and no other.

Prints a line a kind: entries, prices, and the processor time of the import. Ends with 1 where anything differs.
"""
import collections, decimal, json, os, pathlib, re, subprocess, sys

D = decimal.Decimal
AT = "2026-11-01T00:00:00Z"
PEAK, NIGHT = "2026-08-18T00:00:00Z", "2025-06-01T00:00:00Z"  # when prices had hours, but no days of the week
HOURS = {"peak-hours": ["01:00-04:00", "06:00-10:00"], "night-discount": ["16:30-00:30"]}  # in UTC
Price = collections.namedtuple("Price", "provider model tier region start rates sizes hours fees")


def number(v):
    """As a JSON number: digits, no more than a double has."""
    return float(v)


def text(v):
    s = format(D(v).normalize(), "f")
    return s.rstrip("0").rstrip(".") if "." in s else s


def inherit(rates, below):
    return {**below, **rates}


def price_of(card, p):
    """What the card says, with what a tier leaves out. A bucket that a tier has no price for is nowhere: formats inherit."""
    rates = {b: D(v) for b, v in p["rates"].items()}
    none = {b for c in p.get("context", []) for b, v in c["rates"].items() if v is None}
    sizes, below = {}, rates
    for c in p.get("context", []):
        below = inherit({b: D(v) for b, v in c["rates"].items() if v is not None}, below)
        sizes[c["above"] + (0 if c.get("inclusive") else 1)] = below
    hours = {}
    for w in p.get("windows", []):
        r = inherit({b: D(v) for b, v in w["rates"].items()}, rates)
        for h in HOURS[w["calendar"]]:
            hours[h] = r
    only = lambda r: {b: v for b, v in r.items() if b not in none}
    return Price(p.get("provider", card.get("provider")), p["model"], p.get("service_tier", "standard"), p.get("region"), p.get("from") or "",
                 only(rates), {s: only(r) for s, r in sizes.items()}, {h: only(r) for h, r in hours.items()},
                 {u: D(f["amount"]) / f["per"] for u, f in p.get("fees", {}).items() if "unless" not in f})


def read_cards(folder):
    """Every price in dollars, in the order of the cards, with its end; promotions and withdrawn prices apart."""
    out = []
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        card = json.loads(path.read_text())
        for p in card["prices"]:
            if p["currency"] == "USD" and "status" not in p and p.get("kind") != "promotion":
                out.append((price_of(card, p), p.get("to")))
    return out


def holding(all_prices, at):
    now = {}
    for p, to in all_prices:
        if p.start <= at and (not to or at < to):
            now[p.provider, p.model, p.tier, p.region] = p
    return now


def facts_of(all_prices):
    """What holds at AT; hours of a vendor whose hours have days of the week now are those of before."""
    now = holding(all_prices, AT)
    for at in (PEAK, NIGHT):
        for key, p in holding(all_prices, at).items():
            if p.hours and (key not in now or now[key].hours):
                now[key] = p
    return now


class Written:
    """A catalogue, the prices that it states, and what must come of its odd entries."""
    def __init__(self):
        self.prices, self.refused, self.left_out, self.same = {}, {}, {}, 0

    def say(self, p, tier=None, region=None, start="", **change):
        key = (p.provider, p.model, tier or "standard", region, start)
        assert key not in self.prices, key
        self.prices[key] = p._replace(**change)


def keep(p, buckets, fees=()):
    only = lambda r: {b: v for b, v in r.items() if b in buckets}
    return p._replace(rates=only(p.rates), sizes={s: only(r) for s, r in p.sizes.items()}, hours={h: only(r) for h, r in p.hours.items()},
                      fees={u: v for u, v in p.fees.items() if u in fees})


# LiteLLM -----------------------------------------------------------------------------------------------------------------

LITELLM = {"input": "input_cost_per_token", "output": "output_cost_per_token", "cache_read": "cache_read_input_token_cost",
           "cache_write_5m": "cache_creation_input_token_cost", "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
           "reasoning": "output_cost_per_reasoning_token", "input_audio": "input_cost_per_audio_token",
           "output_audio": "output_cost_per_audio_token", "cache_read_audio": "cache_read_input_audio_token_cost",
           "input_image": "input_cost_per_image_token", "output_image": "output_cost_per_image_token",
           "cache_read_image": "cache_read_input_image_token_cost", "input_video": "input_cost_per_video_token",
           "output_video": "output_cost_per_video_token", "citation": "citation_cost_per_token"}
LITELLM_VENDORS = {"google": "gemini", "vertex": "vertex_ai", "bedrock": "bedrock_converse", "together": "together_ai", "fireworks": "fireworks_ai",
                   "alibaba": "dashscope", "amazon-nova": "amazon_nova", "vertex/": "vertex_ai-language-models", "azure/": "azure_ai"}
SUFFIX = {"batch": "_batches", "flex": "_flex", "priority": "_priority"}
SEARCHES = {"web_search_low": "search_context_size_low", "web_search_medium": "search_context_size_medium", "web_search_high": "search_context_size_high"}


def per_token(v):
    return number(v) * 1e-6  # as that catalogue was made: with noise in the last places


def factor_of(p, base):
    """The one factor of every rate, where there is one."""
    f = {p.rates[b] / base.rates[b] for b in p.rates if base.rates.get(b)}
    same = p.rates.keys() == base.rates.keys() and p.sizes.keys() == base.sizes.keys() and not p.hours and p.fees == base.fees and len(f) == 1
    f = f.pop() if same else None
    times = lambda r: {b: v * f for b, v in r.items()}
    return f if same and times(base.rates) == p.rates and all(times(base.sizes[s]) == r for s, r in p.sizes.items()) else None


def litellm_rates(out, rates, above="", suffix=""):
    for b, v in rates.items():
        out[LITELLM[b] + above + suffix] = per_token(v)


def thousands(p):
    """Limits are told in thousands there: the next one below."""
    return p._replace(sizes={(s - 1) // 1000 * 1000 + 1: r for s, r in p.sizes.items()})


def litellm_entry(w, facts, p):
    entry = {"max_tokens": 8192, "mode": "chat", "supports_vision": True, "supports_prompt_caching": True, "source": "https://example.com"}
    p = thousands(keep(p, LITELLM, (*SEARCHES, "web_search", "request")))
    if "web_search_low" in p.fees:
        p.fees.pop("web_search", None)
    entry["litellm_provider"] = LITELLM_VENDORS.get(p.provider, p.provider)
    litellm_rates(entry, p.rates)
    ranges = p.provider == "alibaba" and p.sizes
    if ranges:
        bounds = [0, *(s - 1 for s in p.sizes), 1000000]
        entry["tiered_pricing"] = [{"range": bounds[i:i + 2], **{LITELLM[b]: per_token(v) for b, v in r.items()}}
                                   for i, r in enumerate([p.rates, *p.sizes.values()])]
    for s, r in () if ranges else p.sizes.items():
        litellm_rates(entry, r, "_above_%dk_tokens" % ((s - 1) // 1000))
    if p.hours:
        entry["off_peak_pricing"] = {"hours_utc": list(p.hours) if len(p.hours) > 1 else list(p.hours)[0],
                                     **{LITELLM[b]: per_token(v) for b, v in list(p.hours.values())[0].items()}}
    if "web_search_low" in p.fees or "web_search" in p.fees:
        entry["search_context_cost_per_query"] = {k: number(p.fees.get(u, p.fees.get("web_search"))) for u, k in SEARCHES.items()}
    if "request" in p.fees:
        entry["input_cost_per_request"] = number(p.fees["request"])
    w.say(p)
    for tier, suffix in SUFFIX.items():
        t = facts.get((p.provider, p.model, tier, p.region))
        if t and not t.hours:
            t = thousands(keep(t, LITELLM))
            litellm_rates(entry, t.rates, suffix=suffix)
            for s, r in t.sizes.items():
                litellm_rates(entry, r, "_above_%dk_tokens" % ((s - 1) // 1000), suffix)
            w.say(t, tier)
    fast = facts.get((p.provider, p.model, "fast", p.region))
    for t, tier, region in [(facts.get((p.provider, p.model, "standard", r)), None, r) for r in ("us", "eu") if p.provider not in ("azure", "bedrock")] + [(fast, "fast", None)]:
        f = t and not p.hours and factor_of(thousands(keep(t, LITELLM, p.fees)), p)
        if f and (p.provider == "anthropic" or tier):
            entry.setdefault("provider_specific_entry", {})[tier or region] = number(f)
        elif f:
            entry["regional_processing_uplift_multiplier_" + region] = number(f)
        if f:
            w.say(thousands(keep(t, LITELLM, p.fees)), tier, region)
    return entry


def litellm(facts, all_prices):
    w, out = Written(), {"sample_spec": {"input_cost_per_token": 0.0, "litellm_provider": "one of https://docs.litellm.ai/docs/providers"}}
    for (provider, model, tier, region), p in facts.items():
        regional = provider in ("bedrock", "azure") and region and (provider == "bedrock") == bool(re.fullmatch(r"[a-z-]+-\d", region))
        if tier != "standard" or (region and not regional) or "/" in model and regional:
            continue
        if regional:
            e = litellm_entry(Written(), {}, p)  # only itself: services in a region are not in that catalogue
            p = w_region = thousands(keep(p, LITELLM, (*SEARCHES, "web_search", "request")))
            if "web_search_low" in p.fees:
                p.fees.pop("web_search", None)
            w.say(w_region, None, region)
            out["%s/%s/%s" % (provider, region, model)] = e
            continue
        e = litellm_entry(w, facts, p)
        bare = provider in ("openai", "anthropic", "bedrock")
        out[model if bare else "%s/%s" % (e["litellm_provider"], model)] = e
    # the same price by another name of the vendor is no second price
    for provider, name in (("vertex", "%s"), ("azure", "azure_ai/%s")):
        model = next(m for (v, m, t, r) in facts if v == provider and t == "standard" and not r and "/" not in m and m not in out)
        out[name % model] = {**out["%s/%s" % (LITELLM_VENDORS.get(provider, provider), model)], "litellm_provider": LITELLM_VENDORS[provider + "/"]}
        w.same += 1
    plain = {"litellm_provider": "odd", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
    odd = Price("odd", "", "standard", None, "", {"input": D(1), "output": D(2)}, {}, {}, {})
    for name, more in {"mondays": {"input_cost_per_token_on_mondays": 1e-6}, "factor": {"weekend_multiplier": 2}, "slow": {"provider_specific_entry": {"slow": 0.5}},
                       "prompts": {"search_context_cost_per_query": {"search_context_size_low": 0.01}, "web_search_billing_unit": "per_prompt"},
                       "days": {"off_peak_pricing": {"hours_utc": "04:00-06:00", "weekdays": [0], "input_cost_per_token": 1e-7}},
                       "minus": {"input_cost_per_token": -1}, "nobody": {"litellm_provider": None}, "free": {"input_cost_per_token": None, "output_cost_per_token": None},
                       "results": {"tiered_pricing": [{"max_results_range": [0, 25], "input_cost_per_token": 1e-6}]}}.items():
        out["odd/" + name] = {**plain, **more}
        w.refused["odd/" + name] = 1
    out["odd/mondays again"] = {**plain}
    w.say(odd._replace(model="mondays again"))
    for key in ("output_cost_per_second", "input_cost_per_pixel", "cache_creation_input_audio_token_cost", "input_cost_per_image_above_128k_tokens"):
        out["odd/" + key] = {**plain, key: 0.25}
        w.left_out["odd/" + key] = key
        w.say(odd._replace(model=key))
    out["odd/query"] = {**plain, "search_context_cost_per_query": {k: 0.014 for k in SEARCHES.values()}, "web_search_billing_unit": "per_query",
                        "provider_specific_entry": {"bedrock_invocation_schema": "titan_v2"}}
    w.say(odd._replace(model="query", fees={"web_search": D("0.014")}))
    return w, out


# OpenRouter --------------------------------------------------------------------------------------------------------------

OPENROUTER = {"input": "prompt", "output": "completion", "cache_read": "input_cache_read", "cache_write_5m": "input_cache_write",
              "cache_write_1h": "input_cache_write_1h", "input_audio": "audio", "output_audio": "audio_output", "cache_read_audio": "input_audio_cache",
              "input_image": "image_token", "reasoning": "internal_reasoning"}


def openrouter(facts, all_prices):
    w, data = Written(), []
    million = D(1000000)
    tokens = lambda r: {OPENROUTER[b]: text(v / million) for b, v in r.items()}
    for (provider, model, tier, region), p in facts.items():
        if tier != "standard" or region:
            continue
        p = keep(p, OPENROUTER, ("request", "web_search"))
        if p.sizes or p.hours or provider == "openrouter":
            p.rates.pop("reasoning", None) if not p.rates.get("reasoning") else None
        elif provider not in ("openai", "anthropic", "google", "xai", "alibaba"):
            continue  # what the vendors list, and enough of the others to have every key
        name = model if provider == "openrouter" else "%s/%s" % (provider, model)
        if ("openrouter", name, "standard", None, "") in w.prices:
            continue
        if p.sizes or p.hours:  # there a tier may leave no reasoning of its own out
            p = keep(p, set(OPENROUTER) - {"reasoning"}, p.fees)
        pricing = {**tokens(p.rates), "image": "0", **{u: text(v) for u, v in p.fees.items()}}
        overrides = [{"min_prompt_tokens": s, **tokens(r)} for s, r in p.sizes.items()]
        for h, r in p.hours.items():
            begin, end = (int(t.replace(":", "")) for t in h.split("-"))
            overrides.append({"utc_start": begin, "utc_end": end, **tokens(r)})
        if overrides:
            pricing["overrides"] = overrides
        data.append({"id": name, "canonical_slug": name + "-20260101", "name": name, "created": 1780000000, "context_length": 200000, "pricing": pricing,
                     "architecture": {"modality": "text->text"}, "top_provider": {"is_moderated": False}, "per_request_limits": None})
        w.say(p._replace(provider="openrouter", model=name))
    plain = {"prompt": "0.000001", "completion": "0.000002"}
    odd = Price("openrouter", "", "standard", None, "", {"input": D(1), "output": D(2)}, {}, {}, {})
    for name, more in {"auto": {"prompt": "-1", "completion": "-1"}, "smile": {"per_smile": "0.1"}, "off": {"discount": 0.2},
                       "days": {"overrides": [{"utc_start": 100, "utc_end": 400, "utc_days": ["mon"], "prompt": "0.1"}]},
                       "always": {"overrides": [{"prompt": "0.1"}]}}.items():
        data.append({"id": "odd/" + name, "pricing": {**plain, **more}})
        w.refused["odd/" + name] = 1
    data.append({"id": "odd/picture", "pricing": {**plain, "image": "0.001", "image_output": "0.00003", "discount": 0}})
    w.left_out["odd/picture"] = "image_output"
    w.say(odd._replace(model="odd/picture", fees={"image": D("0.001")}))
    return w, {"data": data}


# models.dev --------------------------------------------------------------------------------------------------------------

MODELS_DEV = {b: b for b in ("input", "output", "cache_read", "reasoning", "input_audio", "output_audio")} | {"cache_write_5m": "cache_write"}
MODELS_DEV_VENDORS = {"google": "google", "vertex": "google-vertex", "bedrock": "amazon-bedrock", "together": "togetherai", "fireworks": "fireworks-ai",
                      "moonshot": "moonshotai", "novita": "novita-ai", "cloudflare": "cloudflare-workers-ai"}


def models_dev(facts, all_prices):
    w, out = Written(), {}
    cost = lambda r: {MODELS_DEV[b]: number(v) for b, v in r.items()}

    def costs(p):
        c = cost(p.rates)
        if p.sizes:
            c["tiers"] = [{**cost(r), "tier": {"type": "context", "size": s - 1}} for s, r in p.sizes.items()]
        if len(p.sizes) == 1 and list(p.sizes)[0] > 200000:
            c["context_over_200k"] = cost(list(p.sizes.values())[0])
        return c
    for (provider, model, tier, region), p in facts.items():
        if tier != "standard" or region:
            continue
        name = MODELS_DEV_VENDORS.get(provider, provider)
        p = keep(p, MODELS_DEV)._replace(hours={})
        m = {"id": model, "name": model, "attachment": True, "reasoning": True, "release_date": "2025-01-01", "limit": {"context": 200000, "output": 8192}, "cost": costs(p)}
        w.say(p)
        for mode in ("batch", "flex", "priority", "fast"):
            t = facts.get((provider, model, mode, None))
            if t:
                t = keep(t, MODELS_DEV)
                m.setdefault("experimental", {}).setdefault("modes", {})[mode] = {"cost": costs(t), "provider": {"body": {"speed": mode}}}
                w.say(t, mode)
        out.setdefault(name, {"id": name, "name": name, "env": ["KEY"], "npm": "@ai-sdk/x", "models": {}})["models"][model] = m
    odd = Price("odd", "", "standard", None, "", {"input": D(1), "output": D(2)}, {}, {}, {})
    plain = {"input": 1, "output": 2}
    models = {"nothing": {}, "smile": {"cost": {**plain, "per_smile": 2}}, "weekday": {"cost": {**plain, "tiers": [{**plain, "tier": {"type": "weekday", "size": 3}}]}},
              "beside": {"cost": plain, "pricing": {"request": 0.01}}}
    w.refused.update({"odd/" + m: 1 for m in models})
    models["typeless"] = {"cost": {**plain, "tiers": [{"input": 2, "tier": {"size": 32000}}]}}
    w.say(odd._replace(model="typeless", sizes={32001: {"input": D(2), "output": D(2)}}))
    out["odd"] = {"id": "odd", "models": models}
    return w, out


# genai-prices ------------------------------------------------------------------------------------------------------------

GENAI = {"input": "input_mtok", "output": "output_mtok", "cache_read": "cache_read_mtok", "cache_write_5m": "cache_write_mtok", "cache_write_1h": "cache_write_1h_mtok",
         "reasoning": "output_reasoning_mtok", "citation": "output_citation_mtok", "input_image": "input_image_mtok", "cache_read_image": "cache_image_read_mtok",
         "output_image": "output_image_mtok", "input_video": "input_video_mtok", "output_video": "output_video_mtok", "input_audio": "input_audio_mtok",
         "cache_read_audio": "cache_audio_read_mtok", "output_audio": "output_audio_mtok"}
GENAI_VENDORS = {"bedrock": "aws", "xai": "x_ai", "moonshot": "moonshotai", "voyage": "voyageai", "zai": "zhipuai"}
PARENT = [("cache_read", "input"), ("cache_write_5m", "input"), ("input_audio", "input"), ("input_image", "input"), ("input_video", "input"),
          ("cache_read_audio", "cache_read"), ("cache_read_image", "cache_read"), ("output_audio", "output"), ("output_image", "output"), ("output_video", "output")]


def parents(r):
    """Its own rule: a bucket without a price costs what its parent does."""
    r = dict(r)
    for b, parent in PARENT:
        if b not in r and parent in r:
            r[b] = r[parent]
    return r


def genai_prices(facts, all_prices):
    w, vendors = Written(), {}
    series = collections.defaultdict(list)
    for p, to in all_prices:
        if p.tier == "standard" and not p.region:
            series[p.provider, p.model].append((p, to))

    def said(p):
        p = keep(p, GENAI, ("request", "web_search"))
        p = keep(p, set(p.rates), p.fees)  # a price has a base there
        out = {}
        for b, v in p.rates.items():
            tiers = [{"start": s - 1, "price": number(r[b])} for s, r in p.sizes.items() if r.get(b) != v or len(p.sizes) > 1]
            out[GENAI[b]] = {"base": number(v), "tiers": tiers} if tiers else number(v) if len(out) % 2 else text(v)
        for u, k in (("request", "requests_kcount"), ("web_search", "web_searches_kcount")):
            if u in p.fees:
                out[k] = number(p.fees[u] * 1000)
        return out, p._replace(rates=parents(p.rates), sizes={s: parents(r) for s, r in p.sizes.items()}, hours={h: parents(r) for h, r in p.hours.items()})
    for (provider, model), periods in series.items():
        periods.sort(key=lambda x: x[0].start)
        days = all(p.start.endswith("T00:00:00Z") for p, to in periods[1:]) and not any(p.hours for p, to in periods)
        joined = all(a[1] == b[0].start for a, b in zip(periods, periods[1:])) and not periods[-1][1]
        if days and joined:
            prices = []
            for i, (p, to) in enumerate(periods):
                out, kept = said(p)
                prices.append({"constraint": {"start_date": p.start[:10]}, "prices": out} if i else {"prices": out})
                w.say(kept, start=p.start if i else "")
            prices = prices[0]["prices"] if len(prices) == 1 else prices
        else:
            p = facts.get((provider, model, "standard", None))
            if not p or len(p.hours) > 1:
                continue
            out, kept = said(p)
            if p.hours:
                (hours, rates), = p.hours.items()
                begin, end = hours.split("-")
                night, _ = said(p._replace(rates=rates, hours={}))
                prices = [{"constraint": {"start_time": end + ":00Z", "end_time": begin + ":00Z"}, "prices": out},
                          {"constraint": {"start_time": begin + ":00Z", "end_time": end + ":00Z"}, "prices": night}]
            else:
                prices = out
            w.say(kept)
        name = GENAI_VENDORS.get(provider, provider)
        vendors.setdefault(name, {"id": name, "name": name, "api_pattern": "x", "pricing_urls": ["https://example.com"], "models": []})["models"].append(
            {"id": model, "name": model, "match": {"or": [{"equals": model}, {"starts_with": model + "-"}]}, "context_window": 200000, "prices": prices, "prices_checked": "2026-11-01"})
    odd = Price("odd", "", "standard", None, "", {"input": D(1)}, {}, {}, {})
    day = lambda d, **more: {"constraint": {"start_date": d, **more}, "prices": {"input_mtok": 1}}
    models = {"naps": {"input_mtok": 1, "naps_mtok": 2}, "order": [day("2026-06-01"), day("2026-01-01")], "ends": [day("2026-01-01", end_date="2026-02-01")],
              "zone": [{"constraint": {"start_time": "00:30:00+08:00", "end_time": "08:30:00+08:00"}, "prices": {"input_mtok": 1}}], "empty": {}}
    w.refused.update({"odd/" + m: 1 for m in models})
    vendors["odd"] = {"id": "odd", "models": [{"id": m, "prices": p} for m, p in models.items()] + [{"id": "fine", "prices": {"input_mtok": 1}}]}
    w.say(odd._replace(model="fine", rates=parents(odd.rates)))
    return w, list(vendors.values())


# ---------------------------------------------------------------------------------------------------------------------------

KINDS = {"litellm": (litellm, LITELLM.values()), "openrouter": (openrouter, OPENROUTER.values()), "models.dev": (models_dev, MODELS_DEV.values()),
         "genai-prices": (genai_prices, GENAI.values())}


def read_import(path):
    """The prices of the card that the program wrote, by the same names."""
    card, out = json.loads(path.read_text()), {}
    hours_of = {name: c["hours"] for name, c in card.get("calendars", {}).items()}
    for p in card["prices"]:
        rates = {b: D(v) for b, v in p["rates"].items()}
        sizes, below = {}, rates
        for c in p.get("context", []):
            below = inherit({b: D(v) for b, v in c["rates"].items()}, below)
            sizes[c["above"] + 1] = below
        hours = {h: inherit({b: D(v) for b, v in w["rates"].items()}, rates) for w in p.get("windows", []) for h in hours_of[w["calendar"]]}
        key = (p["provider"], p["model"], p.get("service_tier", "standard"), p.get("region"), p.get("from", ""))
        assert key not in out, key
        out[key] = Price(*key, rates, sizes, hours, {u: D(f["amount"]) / f["per"] for u, f in p.get("fees", {}).items() if "unless" not in f})
    return out


def of_one_day(hours):
    """Hours past midnight as two of one day."""
    out = {}
    for h, r in hours.items():
        begin, end = h.split("-")
        if begin > end > "00:00":
            out[begin + "-00:00"] = out["00:00-" + end] = r
        else:
            out[h] = r
    return out


def same(a, b):
    return a.rates == b.rates and a.sizes == b.sizes and of_one_day(a.hours) == of_one_day(b.hours) and a.fees == b.fees


def words(v, out):
    if isinstance(v, dict):
        for k, x in v.items():
            out[k] += 1
            words(x, out)
    elif isinstance(v, list):
        for x in v:
            words(x, out)


def run_import(tally, kind, *more):
    """Seconds of processor time, and the report."""
    before = os.times()
    ran = subprocess.run([tally, "price", "import", "--json", "--from", kind, *more], capture_output=True, text=True)
    after = os.times()
    if ran.returncode:
        sys.exit("%s: status %d: %s" % (kind, ran.returncode, ran.stderr))
    return after.children_user + after.children_system - before.children_user - before.children_system, json.loads(ran.stdout)


def judge(tally, folder, kind, facts, all_prices):
    write, keys = KINDS[kind]
    w, catalogue = write(facts, all_prices)
    path, card = folder / (kind + ".json"), folder / (kind + ".card.json")
    path.write_text(json.dumps(catalogue))
    used = collections.Counter()
    words(catalogue, used)
    faults = ["the catalogue never has '%s'" % k for k in keys if not used[k]]
    spent, report = run_import(tally, kind, path, "--output", card)
    filled, gaps = run_import(tally, kind, path, "--fill", "--dry-run")
    got = read_import(card)
    if kind != "openrouter" and gaps["known"] * 2 < gaps["entries"]:
        faults.append("of %d entries, made from the book, it lacks all but %d" % (gaps["entries"], gaps["known"]))
    told = collections.defaultdict(dict)
    for n in report["notes"]:
        told[n["result"]][n["entry"]] = n["why"]
    faults += ["refused: %s: %s" % x for x in told["refused"].items() if x[0] not in w.refused] + ["not refused: " + n for n in w.refused if n not in told["refused"]]
    faults += ["left out: %s: %s" % x for x in told["left_out"].items() if w.left_out.get(x[0], "?") not in x[1]] + ["not left out: " + n for n in w.left_out if n not in told["left_out"]]
    faults += ["rounded: %s: %s" % x for x in told["rounded"].items()]
    faults += ["lost: %s" % (k,) for k in w.prices if k not in got] + ["invented: %s" % (k,) for k in got if k not in w.prices]
    faults += ["differs: %s\n  written %s\n  read    %s" % (k, w.prices[k], got[k]) for k in got if k in w.prices and not same(w.prices[k], got[k])]
    print("%s: %d entries, %d prices, %d refused and %d left out as they should be, %.2f s of processor time (to fill gaps %.2f s)" % (
        kind, report["entries"], len(got), len(w.refused), len(w.left_out), spent, filled))
    return faults


def main():
    tally, cards, folder = os.path.abspath(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
    all_prices = read_cards(cards)
    facts, bad = facts_of(all_prices), 0
    for kind in sys.argv[4:] or KINDS:
        faults = judge(tally, folder, kind, facts, all_prices)
        for f in faults[:12]:
            print("%s: %s" % (kind, f))
        bad += len(faults)
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
