#!/usr/bin/env python3
"""usage_faults.py TALLY DIR: an export of usage of each kind of the registry in DIR with each of twelve kinds of faults, through a replay,
into a database, and as the metered half of a bill; prints where a figure is wrong in silence.

Right is what the export counts without its fault, or what the fault makes of it by hand (an instant of another zone). Whatever else comes
out must be told: exit status 1 or 3. NAME=text in the environment tries the kinds and faults whose names hold it, EVERY=n one in n."""
import csv, gzip, io, itertools, json, os, re, shutil, subprocess, sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from usages import DOCUMENTS, TABLES, is_cache_untold

ONLY, EVERY = os.environ.get("NAME", ""), int(os.environ.get("EVERY", 1))
turn = itertools.count()
HOW_MANY = {}


def later(text):
    """The same usage two days on, of other calls."""
    text = text.replace("2026-06-15", "2026-06-17").replace("2026-06-16", "2026-06-18")
    return text.replace("1781568000", "1781740800").replace("1781481600", "1781654400").replace("1781517600000", "1781690400000")


def second(cell, column):
    return "x" + cell if column.lower().replace(" ", "_") in ("id", "request_id", "generation_id") else later(cell)


class Kind:
    def __init__(self, entry):
        self.name, self.entry = entry["name"], entry
        self.roles = {}
        for column, role in entry["columns"].items():
            self.roles.setdefault(role, []).append(column)

    def of(self, *roles):
        return [c for r in roles for c in self.roles.get(r, [])]

    def counts(self):
        return self.of("prompt", "completion", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "reasoning", "total", "amount", "requests",
                       "searches", "input_audio", "output_audio")


def squeeze(name):
    return re.sub(r"[ _./:-]", "", name).lower()


def columns(table, names):
    wanted = {squeeze(n) for n in names}
    return [i for i, h in enumerate(table[0]) if squeeze(h) in wanted]


def text_of(rows, separator=","):
    f = io.StringIO()
    csv.writer(f, delimiter=separator, lineterminator="\n").writerows(rows)
    return f.getvalue()


def with_cell(table, row, column, value):
    table = [list(r) for r in table]
    table[row][column] = value
    return table


def whole(cell):
    return cell.isdigit() and int(cell) > 0


# what a fault comes to: the same, any figure that is told, or days that moved
SAME, TOLD = "same", "told"


def faults_of_table(kind, t):
    last = len(t) - 1
    shown = [i for i in columns(t, kind.counts()) if any(whole(r[i]) for r in t[1:])]
    start = columns(t, kind.of("start"))[:1]
    cost = columns(t, kind.of("cost"))
    for i in shown:
        rows = [n for n in range(1, len(t)) if whole(t[n][i])]
        n = rows[-1]
        v = t[n][i]
        k = "%g" % (int(v) / 1000)
        for name, value in (("1K", k + "K"), ("1K tokens", k + "K tokens"), ("thousandths", "" if int(v) % 1000 == 0 else k), ("M", "%gM" % (int(v) / 1e6))):
            if not value:  # nothing tells a small number from a large one in thousands
                continue
            yield "unit/%s %s" % (t[0][i], name), text_of(with_cell(t, n, i, value)), SAME
        yield "unit/%s exponent" % t[0][i], text_of(with_cell(t, n, i, "%de0" % int(v))), SAME
        yield "unit/%s point" % t[0][i], text_of(with_cell(t, n, i, v + ".0")), SAME
        for name, value in (("-", "-" + v), ("brackets", "(%s)" % v), ("behind", v + "-")):  # right where another column says the same
            yield "negative/%s %s" % (t[0][i], name), text_of(with_cell(t, n, i, value)), SAME
        for mark, sep in ((".", ";"), (",", ";"), (".", ","), (",", ","), (" ", ","), ("'", ","), (".", "\t"), ("\u202f", ";")):
            if len(v) == 4:
                yield "comma/%s %s in %r" % (t[0][i], v[0] + mark + v[1:], sep), text_of(with_cell(t, n, i, v[0] + mark + v[1:]), sep), SAME
        if len(v) == 4:  # all numbers in groups, and nothing quoted: more fields than the header
            yield "torn/%s not quoted" % t[0][i], text_of(t).replace(v, v[0] + "," + v[1:]), TOLD
    for i in cost:
        for n in range(1, len(t)):
            if t[n][i].replace(".", "").isdigit():
                v = t[n][i]
                for name, value in (("€", "€" + v), ("EUR", v + " EUR"), ("¥", "¥" + v), ("CNY", "CNY " + v)):
                    yield "currency/%s" % name, text_of([r if m == 0 else [c if k != i else value for k, c in enumerate(r)] for m, r in enumerate(t)]), "no cost"
                yield "comma/cost", text_of(with_cell(t, n, i, v.replace(".", ",")), ";"), SAME
                yield "negative/cost", text_of(with_cell(t, n, i, "-" + v)), SAME
                break
        yield "currency/header", text_of([[h + " (EUR)" if k == i else h for k, h in enumerate(t[0])]] + t[1:]), "no cost"
        yield "currency/cents", text_of([[h + " (cents)" if k == i else h for k, h in enumerate(t[0])]] + t[1:]), "no cost"
        yield "currency/column", text_of([t[0] + ["currency"]] + [r + ["EUR"] for r in t[1:]]), "no cost"
        yield "currency/column of codes", text_of([t[0] + ["billing_currency"]] + [r + ["CNY"] for r in t[1:]]), "no cost"
    for name, value in (("unit", "1K tokens"), ("unit_of_measure", "thousands"), ("Token unit", "K"), ("pricing_unit", "1M tokens")):
        if not columns(t, [name] + kind.of("unit")):
            yield "unit/column " + name, text_of([t[0] + [name]] + [r + [value] for r in t[1:]]), TOLD
    for name, value in (("surcharge", "0.5"), ("platform_fee_usd", "0.5"), ("extra_cost", "0.5"), ("image_tokens", "70"), ("search_fee", "0.2"), ("tax", "0.2"),
                        ("discount", "-0.2"), ("credits_used", "4"), ("vat", "0.5"), ("markup", "0.5")):
        yield "money/%s %s" % (name, value), text_of([t[0] + [name]] + [r + [value] for r in t[1:]]), TOLD
    for i in start:
        yield from faults_of_time(kind, t, i)
    # a page twice
    plain = text_of(t)
    yield "twice/joined", plain + plain, SAME
    yield "twice/joined without its header", plain + text_of(t[1:]), SAME
    if kind.entry["kind"] == "buckets" or kind.of("id"):  # calls without ids may be equal
        yield "twice/last row", plain + text_of(t[-1:]), SAME
        yield "twice/first row", text_of(t + t[1:2]), SAME
    # torn
    for k in range(1, len(t[0])):
        yield "torn/%d fields" % k, text_of(t[:-1]) + text_of([t[last][:k]]), TOLD
    yield "torn/in quotes", text_of(t[:-1]) + '"' + text_of([t[last]]), TOLD
    yield "torn/packed", gzip.compress(plain.encode())[:-12], TOLD
    # a header twice
    for i in range(len(t[0])):
        if any(r[i] for r in t[1:]):
            yield "header/%s twice" % t[0][i], text_of([t[0] + [t[0][i]]] + [r + ["7" if whole(r[i]) else r[i] + "x"] for r in t[1:]]), TOLD
            yield "header/%s twice, first" % t[0][i], text_of([[t[0][i]] + t[0]] + [["7" if whole(r[i]) else r[i] + "x"] + r for r in t[1:]]), TOLD
    # another grain: a column that parts the day in two, which no column of the export tells
    if kind.entry["kind"] == "buckets":
        halves = [t[0] + ["hour"]] + [r + ["3"] for r in t[1:]]
        rest = [t[0] + ["hour"]] + [r + ["15"] for r in t[1:]]
        yield "grain/hours", (text_of(halves), text_of(rest)), "twice"
        yield "grain/hours of one file", text_of(halves + rest[1:]), "twice"


def faults_of_time(kind, t, i):
    v = t[-1][i]
    everywhere = lambda f: [t[0]] + [[f(c) if k == i else c for k, c in enumerate(r)] for r in t[1:]]
    if v.isdigit():
        for name, more in (("milliseconds", "000"), ("microseconds", "000000"), ("nanoseconds", "000000000")):
            yield "unit/" + name, text_of(everywhere(lambda c: c + more)), SAME
        return
    clock = len(v) > 10
    bare = lambda c: re.sub(r"(Z| UTC)$", "", c)
    if clock:
        yield "zone/+08:00", text_of(everywhere(lambda c: bare(c).replace(" ", "T") + "+08:00")), "moved -8"
        yield "zone/-0500", text_of(everywhere(lambda c: bare(c).replace(" ", "T") + "-0500")), "moved 5"
        for z in ("PST", "CST", "MEZ", "[Europe/Berlin]"):
            yield "zone/" + z, text_of(everywhere(lambda c: bare(c) + " " + z)), TOLD
    else:
        yield "zone/+08:00", text_of(everywhere(lambda c: c + "T00:00:00+08:00")), "moved -8"
        yield "zone/UTC", text_of(everywhere(lambda c: c + "T00:00:00Z")), SAME
    for name, z in (("timezone", "Asia/Shanghai"), ("tz", "+08:00"), ("Time zone", "America/New_York")):
        yield "zone/column " + name, text_of([t[0] + [name]] + [r + [z] for r in t[1:]]), TOLD if not re.search(r"(Z|UTC)$", v) else SAME
    yield "zone/header", text_of([[h + " (UTC+8)" if k == i else h for k, h in enumerate(t[0])]] + t[1:]), TOLD
    day = lambda c, how: how % tuple(re.match(r"(\d+)-(\d+)-(\d+)", c).groups()) if how.count("%s") == 3 else c
    if not clock:
        for name, f in (("6/15/2026", lambda y, m, d: "%d/%s/%s" % (int(m), d, y)), ("15.06.2026", lambda y, m, d: d + "." + m + "." + y),
                        ("20260615", lambda y, m, d: y + m + d), ("Jun 15, 2026", lambda y, m, d: "Jun %s, %s" % (d, y)),
                        ("15-Jun-26", lambda y, m, d: "%s-Jun-%s" % (d, y[2:]))):
            yield "zone/as " + name, text_of(everywhere(lambda c: f(*re.match(r"(\d+)-(\d+)-(\d+)", c).groups()))), SAME
        yield "zone/as 6/7/2026", text_of(everywhere(lambda c: "6/7/2026")), TOLD
        for name, c in (("month", "2026-06"), ("week", "2026-W25"), ("quarter", "2026-Q2"), ("year", "2026"), ("month in words", "June 2026"), ("month/year", "06/2026")):
            if kind.entry["kind"] == "buckets":
                yield "grain/" + name, text_of(everywhere(lambda _: c)), TOLD
    elif kind.entry["kind"] == "calls" and not kind.entry.get("general"):  # tables of one's own may have days
        yield "grain/days", text_of(everywhere(lambda c: c[:10])), TOLD
        yield "grain/months", text_of(everywhere(lambda c: c[:7])), TOLD


def put(d, path, f):
    d = json.loads(json.dumps(d))
    at = d
    for k in path[:-1]:
        at = at[k]
    at[path[-1]] = f(at[path[-1]])
    return d


def paths(v, at=()):
    if isinstance(v, dict):
        for k, x in v.items():
            yield from paths(x, at + (k,))
    elif isinstance(v, list):
        for i, x in enumerate(v):
            yield from paths(x, at + (i,))
    else:
        yield at, v


def rows_of(d):
    """The list that holds the items of a page."""
    return next(k for k in ("data", "results", "result", "usageEvents") if isinstance(d.get(k), list))


def faults_of_document(kind, d):
    items = rows_of(d)
    two = json.loads(json.dumps(d))
    two[items] = two[items] + [json.loads(re.sub(r'"id": "i"', '"id": "xi"', later(json.dumps(x)))) for x in d[items]]
    yield "", json.dumps(two), SAME
    names = [c.split(".")[-1] for c in kind.counts()]
    for path, v in paths(two):
        if path[-1] in names and isinstance(v, int) and not isinstance(v, bool) and v > 0 and path[1:2] == (1,):
            where = ".".join(map(str, path))
            for name, f in (("K", lambda v: "%gK" % (v / 1000)), ("thousandths", lambda v: v / 1000), ("-", lambda v: -v), ("groups", lambda v: "{:,}".format(v)),
                            ("text", str), ("points", lambda v: "{:,}".format(v).replace(",", ".")), ("unit", lambda v: {"value": v / 1000, "unit": "K"}),
                            ("true", lambda v: True), ("[]", lambda v: [v])):
                if name != "thousandths" or v % 1000:
                    yield "number/%s %s" % (where, name), json.dumps(put(two, path, f)), SAME
        if squeeze(str(path[-1])) in ("cost", "spend", "totalcost", "usage", "amount") and isinstance(v, (int, float)) and path[1:2] == (1,):
            yield "currency/" + str(path[-1]), json.dumps(put(two, path, lambda v: "€%s" % v)), SAME
            yield "negative/" + str(path[-1]), json.dumps(put(two, path, lambda v: -v)), SAME
        if path[-1] in ("start_time", "end_time") and isinstance(v, int):
            yield "unit/%s milliseconds" % (path,), json.dumps(put(two, path, lambda v: v * 1000)), SAME
        if path[-1] == "currency":
            yield "currency/member", json.dumps(put(two, path, lambda v: "EUR")), "no cost"
        if path[-1] in ("date", "day", "created_at", "starting_at"):
            yield "zone/%s PST" % path[-1], json.dumps(put(two, path, lambda v: v.rstrip("Z") + " PST")), TOLD
            yield "grain/%s month" % path[-1], json.dumps(put(two, path, lambda v: v[:7])), TOLD
    plain = json.dumps(two)
    first, other = json.loads(plain), json.loads(plain)
    first[items], other[items] = two[items][:len(d[items])], two[items][len(d[items]):]
    for name, more in (("has_more", {"has_more": True, "next_page": "p"}), ("has_more alone", {"has_more": True}), ("next_page alone", {"next_page": "p"}),
                       ("page 1 of 2", {"page": 1, "total_pages": 2}), ("result_info", {"result_info": {"page": 1, "per_page": 1, "total_count": 2}}),
                       ("next", {"next": "https://api.example/next"}), ("links.next", {"links": {"next": "https://api.example/next"}}),
                       ("cursor", {"next_cursor": "abc"}), ("pagination", {"pagination": {"has_more": True}}), ("truncated", {"truncated": True})):
        part = dict(first)
        if isinstance(part.get("metadata"), dict) and name.startswith(("has_more", "page 1")):
            part["metadata"] = dict(part["metadata"], **more)
        elif isinstance(part.get("meta"), dict) and name.startswith("page 1"):
            part["meta"] = dict(part["meta"], totalPages=2)
        else:
            part.update(more)
            if not name.startswith(("has_more", "truncated")):  # a word that there is no more goes first
                part.pop("has_more", None)
                part.pop("meta", None)
                if isinstance(part.get("metadata"), dict):
                    part.pop("metadata")
        yield "page/" + name, json.dumps(part), TOLD
    yield "twice/list", json.dumps([two, two]), SAME
    yield "twice/lines", plain + "\n" + plain + "\n", SAME
    double = json.loads(plain)
    double[items] = two[items] + two[items]
    yield "twice/items", json.dumps(double), SAME
    for key in ("results", "model_breakdown", "usage"):
        if isinstance(two[items][0].get(key), list):
            double = json.loads(plain)
            for x in double[items]:
                x[key] = x[key] + x[key]
            yield "twice/rows", json.dumps(double), SAME
    for cut in (0.5, 0.7, 0.9, 0.99):
        yield "torn/%g" % cut, plain[: int(len(plain) * cut)], TOLD
    yield "torn/second line", json.dumps(first) + "\n" + json.dumps(other)[:-30] + "\n", TOLD
    row = two[items][1]
    for key in list(row):
        if not isinstance(row[key], (dict, list)):
            yield "header/%s twice" % key, plain.replace('"%s": %s' % (key, json.dumps(row[key])), '"%s": %s, "%s": 7' % (key, json.dumps(row[key]), key)), TOLD
    for name, value in (("surcharge", 0.5), ("platform_fee_usd", 0.5), ("image_tokens", 70), ("tax", 0.2), ("discount", -0.2), ("unit", "1K tokens"),
                        ("currency_code", "EUR"), ("extra", {"cost": 0.5}), ("extras", [{"fee": 0.5}])):
        more = json.loads(plain)
        for x in more[items]:
            x[name] = value
        if name != "currency_code" or not kind.of("currency"):
            yield "money/" + name, json.dumps(more), TOLD if name != "currency_code" else "no cost"


def run(args, **env):
    r = subprocess.run(args, capture_output=True, text=True, env=dict(os.environ, TZ="UTC", **env))
    try:
        return r.returncode, json.loads(r.stdout), r.stderr
    except ValueError:
        return r.returncode, None, r.stderr + r.stdout


def figure(said):
    """Tokens, amounts and stated costs, day by day."""
    if not said:
        return None
    rows = said.get("groups") or said.get("rows") or []
    return {"total": said.get("total"), "requests": said.get("requests"), "tokens": said.get("tokens"), "days": [[r.get(k) for k in ("day", "date", "key", "cost", "total", "tokens")] for r in rows],
            "recorded": said.get("recorded_cost")}


def reported(*command, **env):
    """The same, and status 0 where the kind never tells what was cached and nothing else is wrong."""
    code, said, why = run(*command, **env)
    return 0 if code == 3 and said and is_cache_untold(said) else code, said, why


def three(tally, paths, bill=None):
    """Exit status and figure of a replay, of a database, and of a bill beside it."""
    out = []
    code, said, why = reported([tally, "replay", *paths, "--json", "--by", "day", "--recorded-cost", "-z", "UTC"])
    out.append(("replay", code, figure(said), why))
    shutil.rmtree("db", ignore_errors=True)
    os.mkdir("db")
    codes, whys = [], []
    for p in paths:
        code, _, why = run([tally, "ingest", p, "--json"], TALLY_DB="db/a.db")
        codes.append(code)
        whys.append(why)
    code, said, why = reported([tally, "usage", "--json", "--by", "day", "--recorded-cost", "-z", "UTC"], TALLY_DB="db/a.db")
    out.append(("ingest", max(codes + [code]), figure(said), " ".join(whys) + why))
    return out


def no_cost(f):
    return f and dict(f, recorded=None)


def times(f, n):
    return f["tokens"] and {k: v * n for k, v in f["tokens"].items()}


def wrong(code, said, right, want):
    if code in (1, 2, 3):
        return False
    if want == TOLD:
        return True
    if want == SAME:
        return said != right
    if want == "no cost":  # tokens and our price are right, and no cost is kept
        rec = said and said["recorded"]
        return no_cost(said) != no_cost(right) or any(v.get("records") for v in (rec or {}).values() if isinstance(v, dict))
    if want == "twice":
        return said["tokens"] != times(right, 2)
    if want.startswith("moved"):
        return said["tokens"] != right["tokens"] or said["total"] != right["total"]
    raise SystemExit(want)


def attack(tally, name, faults):
    right = None
    for fault, what, want in faults:
        if fault and (ONLY not in name + "/" + fault or next(turn) % EVERY):
            continue
        files = []
        for n, text in enumerate(what if isinstance(what, tuple) else (what,)):
            files.append("f%d" % n)
            open(files[-1], "wb").write(text if isinstance(text, bytes) else text.encode())
        results = three(tally, files)
        HOW_MANY[fault.partition("/")[0]] = HOW_MANY.get(fault.partition("/")[0], 0) + 1
        if not fault:
            right = {way: said for way, _, said, _ in results}
            for way, code, said, why in results:
                if code:
                    print(name, way, "is not read whole:", code, why[:300])
            continue
        for way, code, said, why in results:
            if wrong(code, said, right[way], want):
                short = said and (said["total"], {k: v for k, v in (said["tokens"] or {}).items() if v}, said["recorded"] and {k: v for k, v in said["recorded"].items() if v})
                print(name, way, fault, "wants", want, "code", code, "says", short)


def main():
    tally, registry = sys.argv[1:]
    for f in sorted(os.listdir(registry)):
        kind = Kind(json.load(open(os.path.join(registry, f))))
        if kind.entry["kind"] == "bill":
            continue
        if kind.name in TABLES:
            t = TABLES[kind.name]
            t = t + [[second(c, t[0][i]) for i, c in enumerate(r)] for r in t[1:]]
            attack(tally, kind.name, [("", text_of(t), SAME)] + list(faults_of_table(kind, t)))
        if kind.name in DOCUMENTS:
            attack(tally, kind.name + "/page", list(faults_of_document(kind, DOCUMENTS[kind.name])))
    print(HOW_MANY, file=sys.stderr)


if __name__ == "__main__":
    main()
