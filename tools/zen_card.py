#!/usr/bin/env python3
"""zen_card.py REPOSITORY CARD: the prices of OpenCode Zen, from the history of its own list into its card.

REPOSITORY is a clone of anomalyco/models.dev (MIT), whose providers/opencode is what OpenCode shows of its gateway. What the
list said, commit by commit, becomes a price from the day on which it was first seen; a price of less than a fortnight is
taken for a slip and belongs to the one after it (of a model's first days) or before it, as with every reseller. The models that
nobody else makes (FREE_NAMES) are in CARD already and stay as they are; all others are named `opencode/MODEL`, so that a bare
name never means the gateway. Models that it showed for testing only (status alpha) or that were gone within a fortnight are
left out."""
import datetime, json, posixpath, subprocess, sys, tomllib

RATES = {"input": "input", "cache_read": "cache_read", "cache_write": "cache_write_5m", "output": "output", "input_audio": "input_audio"}
FREE_NAMES = ("-free", "big-pickle", "grok-code")
FORTNIGHT = datetime.timedelta(days=14)


def git(*words):
    return subprocess.run(["git", "-C", sys.argv[1], *words], capture_output=True, text=True, check=True).stdout


def text(value):
    s = str(value)
    return s.rstrip("0").rstrip(".") if "." in s else s


def rates(cost):
    return {ours: text(cost[theirs]) for theirs, ours in RATES.items() if theirs in cost}


def price(cost, base):
    """As a card has it. One that refers to another vendor's file (extends) says what it leaves out of it: base is what the list
    said of the same model next, in figures."""
    if "extends" in cost:
        omitted = cost["extends"].get("omit", [])
        return {"rates": base["rates"]} if "cost.context_over_200k" in omitted else base
    tiers = [(t["tier"]["size"], t) for t in cost.get("tiers", [])]
    tiers += [(200000, cost["context_over_200k"])] if "context_over_200k" in cost else []
    out = {"rates": rates(cost)}
    if tiers:
        out["context"] = [{"above": size, "rates": rates(t)} for size, t in sorted(tiers, key=lambda t: t[0])]
    return out


def file_at(commit, path):
    found = git("show", f"{commit}:{path}")
    if found.endswith(".toml") and "\n" not in found:  # a link to another file
        found = git("show", f"{commit}:{posixpath.normpath(posixpath.join(posixpath.dirname(path), found))}")
    return tomllib.loads(found, parse_float=str)


def sightings():
    """{model: [(when, commit, cost or None)]}, each change once."""
    seen, blobs = {}, {}
    for line in git("log", "--first-parent", "--reverse", "--format=%H %ct", "HEAD", "--", "providers/opencode").splitlines():
        commit, when = line.split()
        now = {}
        for entry in git("ls-tree", "-r", commit, "providers/opencode/models/").splitlines():
            blob, path = entry.split()[2:4]
            if not path.endswith(".toml"):
                continue
            if blob not in blobs:
                d = file_at(commit, path)
                blobs[blob] = None if d.get("status") == "alpha" else d.get("cost") or {"extends": d.get("extends")}
            now[path.split("/models/")[1][:-5]] = blobs[blob]
        for model in set(now) | set(seen):
            history, cost = seen.setdefault(model, []), now.get(model)
            if cost != (history[-1][2] if history else None):
                history.append((datetime.datetime.fromtimestamp(int(when), datetime.timezone.utc), commit, cost))
    return seen


def join(spans):
    """Those that follow each other with the same price are one."""
    out = []
    for span in spans:
        if out and out[-1][1] == span[0] and out[-1][3] == span[3]:
            out[-1][1] = span[1]
        else:
            out.append(list(span))
    return out


def spans(history):
    """[(from, to or None, commit, price)] without slips."""
    out, base, until = [], None, None
    for when, commit, cost in reversed(history):
        if cost is None:
            until = when
            continue
        base = price(cost, base)
        out.insert(0, [when, until, commit, base])
        until = when
    out = join(out)
    while (short := [i for i, s in enumerate(out) if s[1] and s[1] - s[0] < FORTNIGHT]):
        at = short[0]
        start, end = out.pop(at)[:2]
        if at and out[at - 1][1] == start:
            out[at - 1][1] = end
        elif at < len(out) and out[at][0] == end:
            out[at][0] = start
        out = join(out)
    return out


def main():
    card = json.load(open(sys.argv[2]))
    kept = [p for p in card["prices"] if p["model"].endswith(FREE_NAMES)]
    made = []
    for model, history in sorted(sightings().items()):
        if "/" in model or model.endswith(FREE_NAMES):
            continue
        for start, end, commit, held in spans(history):
            made.append({"model": "opencode/" + model, "currency": "USD", "from": start.strftime("%Y-%m-%dT00:00:00Z"),
                         "to": end and end.strftime("%Y-%m-%dT00:00:00Z"), **held, "source": f"models.dev@{commit[:9]}, opencode/{model}",
                         "sure": "first seen then in OpenCode's own list; it may have held earlier", "grade": "first seen",
                         "doubt": "only models.dev states it"})
    head = {k: v for k, v in card.items() if k != "prices"}
    lines = ["  " + json.dumps(p) for p in kept + made]
    with open(sys.argv[2], "w") as out:
        out.write("{\n" + "".join(f" {json.dumps(k)}: {json.dumps(v)},\n" for k, v in head.items()) + ' "prices": [\n' +
                  ",\n".join(lines) + "\n ]\n}\n")


main()
