#!/usr/bin/env python3
"""mutated_meter.py TALLY FILE SEED N: N random changes of members of the payloads in FILE (as reported_payloads.mjs) and of logs whose calls are seen
more than once: renamed, of another kind, given twice, moved, deleted.

`replay` and `ingest` + `usage` agree on counts, cost and on whether something is told; ingest again, and the lines of a log in another order, change nothing.
"""
import json, os, random, shutil, subprocess, sys, tempfile

TALLY, FILE, SEED, MOST = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
RNG = random.Random(SEED)
ENV = dict(os.environ, TZ="UTC", TALLY_NOW="2026-11-20T00:00:00Z")


def run(*args):
    p = subprocess.run([TALLY, *args, "--json"], capture_output=True, text=True, env=ENV)
    try:
        d = json.loads(p.stdout)
    except ValueError:
        raise SystemExit("tally %s: exit %d\n%s%s" % (" ".join(args), p.returncode, p.stdout, p.stderr))
    return d, p.returncode


def said(d):
    t = d["tokens"]
    return [d["records"], t["input"], t["cache_read"], t["cache_write_5m"], t["cache_write_1h"], t["output"], d["total"], d["unpriced"]]


def claude_log():
    """Messages of two lines each, the first at the answer's start."""
    out = []
    for n in range(1, 4):
        for second, stop, output in ((1, None, 2), (4, "end_turn", 40 + n)):
            out.append({"type": "assistant", "sessionId": "s", "timestamp": "2026-06-15T10:0%d:0%d.000Z" % (n, second), "requestId": "q%d" % n, "message": {
                "id": "m%d" % n, "type": "message", "role": "assistant", "model": "claude-opus-4-8", "stop_reason": stop, "usage": {
                    "input_tokens": 10 + n, "cache_read_input_tokens": 500, "cache_creation_input_tokens": 100 * n,
                    "cache_creation": {"ephemeral_5m_input_tokens": 30 * n, "ephemeral_1h_input_tokens": 70 * n}, "output_tokens": output}}})
    return "logs/p/s.jsonl", "".join(json.dumps(d) + "\n" for d in out)


def gemini_session():
    """One document, whose messages stand once each."""
    return "logs/h/chats/session-1.json", json.dumps({"sessionId": "s", "projectHash": "h", "startTime": "2026-06-15T10:00:00Z", "messages": [
        {"id": "g%d" % n, "timestamp": "2026-06-15T10:0%d:00.000Z" % n, "type": "gemini", "model": "gemini-2.5-pro", "content": "x",
         "tokens": {"input": 1000 + n, "cached": 400, "output": 20, "thoughts": 5, "tool": 0, "total": 1025 + n}} for n in range(1, 4)]})


def places(v, path=()):
    if isinstance(v, dict):
        for k in v:
            yield path + (k,)
            yield from places(v[k], path + (k,))
    elif isinstance(v, list):
        for i, x in enumerate(v):
            yield from places(x, path + (i,))


def change(root, path, how):
    """The document with that member changed; None: it does not fit."""
    at = root
    for k in path[:-1]:
        at = at[k]
    key, v = path[-1], at[path[-1]]
    counts = isinstance(v, (int, float)) and not isinstance(v, bool)
    if how == "renamed":
        at["zz_" + key] = at.pop(key)
    elif how == "text":
        at[key] = 7 if isinstance(v, str) else str(v)
    elif how == "null":
        at[key] = None
    elif how == "list":
        at[key] = [v]
    elif how == "inside":
        at[key] = {"v": v}
    elif how in ("negative", "fraction"):
        if not counts:
            return None
        at[key] = -v if how == "negative" else v + 0.5
    elif how == "up":
        if len(path) < 2 or not isinstance(path[-2], str):
            return None
        above = root
        for k in path[:-2]:
            above = above[k]
        if key in above:
            return None
        above[key] = at.pop(key)
    elif how == "deleted":
        del at[key]
    elif how == "twice":
        at["@twice@"] = v + 1 if counts else v
        return json.dumps(root).replace('"@twice@"', json.dumps(key))
    return json.dumps(root)


def write(name, text):
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    with open(name, "w") as f:
        f.write(text)
    return name.split("/")[0]


def metered(name, text, again):
    shutil.rmtree("db", ignore_errors=True)
    os.mkdir("db")
    path, status = write(name, text), 0
    status = run("ingest", path, "--db", "db/m.db")[1]
    d, of_usage = run("usage", "--db", "db/m.db")
    once = said(d), bool(status or of_usage)
    if again:
        run("ingest", path, "--db", "db/m.db")
        if said(run("usage", "--db", "db/m.db")[0]) != once[0]:
            return once, "another ingest changes it"
    return once, None


def check(name, text, mixes):
    """What is wrong with how the source is read; None: nothing."""
    d, status = run("replay", write(name, text))
    replay = said(d), bool(status)
    meter, wrong = metered(name, text, True)
    if not wrong and replay != meter:
        wrong = "replay says %s, the meter %s" % (replay, meter)
    if not wrong and mixes:
        lines = text.splitlines(True)
        back, _ = metered(name, "".join(lines[:1] + lines[:0:-1]), False)
        if back != meter:
            wrong = "the other way round the meter says %s, and not %s" % (back, meter)
    return wrong


def cases():
    yield claude_log() + (True,)
    yield gemini_session() + (False,)
    with open(FILE) as f:
        for c in (json.loads(line) for line in f if line.strip()):
            if c["file"].endswith((".json", ".jsonl")):
                yield c["file"], c["text"], False


HOW = ["renamed", "text", "null", "list", "inside", "negative", "fraction", "up", "deleted", "twice"]


def mutants(all_cases):
    """Without end: (where, file, text, whether its lines may be mixed)."""
    while True:
        name, text, mixes = all_cases[RNG.randrange(2) if RNG.randrange(2) else RNG.randrange(len(all_cases))]
        lines = text.splitlines()
        n = RNG.randrange(1 if mixes else 0, len(lines))  # the first line tells what the log is
        if not lines[n].startswith("{"):
            continue
        root = json.loads(lines[n])
        paths = [p for p in places(root) if isinstance(p[-1], str)]
        path, how = RNG.choice(paths), RNG.choice(HOW)
        # two models of one call contradict each other: the first counts
        changed = None if mixes and path[-1] == "model" else change(root, path, how)
        if changed:
            yield "%s of %s, line %d, %s" % (".".join(map(str, path)), name, n + 1, how), name, "\n".join(lines[:n] + [changed] + lines[n + 1:]) + "\n", mixes


where = tempfile.mkdtemp()
FILE = os.path.abspath(FILE)
TALLY = os.path.abspath(TALLY)
os.chdir(where)
ENV["HOME"] = where
try:
    every = list(cases())
    source = mutants(every)
    for _ in range(MOST):
        told, name, text, mixes = next(source)
        wrong = check(name, text, mixes)
        shutil.rmtree(name.split("/")[0]) if "/" in name else os.remove(name)
        if wrong:
            raise SystemExit("seed %d: %s: %s" % (SEED, told, wrong))
finally:
    os.chdir("/")
    shutil.rmtree(where)
print("%d changes, and every way says the same" % MOST)
