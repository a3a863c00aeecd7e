#!/usr/bin/env python3
"""every_source.py TALLY SEED [KIND...]: random calls written as every kind of source that is read.

Whatever the order of the files, however their lines are cut into files and however often they are
read: `replay` and `ingest` + `usage` say the same, and the counts are those that were written.
"""
import csv, io, json, os, random, shutil, sqlite3, subprocess, sys, tempfile, zipfile
from datetime import datetime, timedelta, timezone

TALLY, SEED = sys.argv[1], int(sys.argv[2])
KINDS = {}


def kind(f):
    KINDS[f.__name__] = f
    return f


class Call:
    """What a call used: i input, r read, w written, o output, of which q reasoning."""

    def __init__(self, rng, n, model=None, writes=True, reasons=True):
        self.n = n
        self.model = model or rng.choice(["deepseek-v4-flash", "claude-sonnet-4-6", "gpt-5.5", "nobodys-model"])
        self.i, self.r, self.o = rng.randrange(1, 9000), rng.choice([0, rng.randrange(1, 50000)]), rng.randrange(1, 3000)
        self.w = rng.choice([0, rng.randrange(1, 9000)]) if writes and self.model.startswith("claude") else 0
        self.q = rng.randrange(0, self.o + 1) if reasons else 0
        self.at = datetime(2026, 6, 1, tzinfo=timezone.utc) + timedelta(seconds=rng.randrange(14000000))
        self.id = "%x%04d" % (rng.randrange(1 << 40), n)

    iso = property(lambda s: s.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"))
    s = property(lambda s: int(s.at.timestamp()))
    ms = property(lambda s: s.s * 1000)
    prompt = property(lambda s: s.i + s.r + s.w)
    total = property(lambda s: s.prompt + s.o)


def calls(rng, **more):
    return [Call(rng, n, **more) for n in range(rng.randrange(3, 12))]


def lines(documents):
    return "".join(json.dumps(d) + "\n" for d in documents)


def table(header, rows):
    out = io.StringIO()
    w = csv.writer(out, lineterminator="\n")
    w.writerow(header)
    w.writerows(rows)
    return out.getvalue()


# --- answers, gateways, frameworks: a line a call; "cut" files may be cut between any two lines


@kind
def openai_chat(rng):
    cs = calls(rng, writes=False)
    return cs, {"cut.jsonl": lines(
        {"id": c.id, "object": "chat.completion", "created": c.s, "model": c.model, "usage": {
            "prompt_tokens": c.prompt, "completion_tokens": c.o, "total_tokens": c.total,
            "prompt_tokens_details": {"cached_tokens": c.r}, "completion_tokens_details": {"reasoning_tokens": c.q}}} for c in cs)}


@kind
def responses(rng):
    cs = calls(rng)
    return cs, {"cut.jsonl": lines(
        {"id": c.id, "object": "response", "created_at": c.s, "model": c.model, "usage": {
            "input_tokens": c.prompt, "input_tokens_details": {"cached_tokens": c.r, "cache_write_input_tokens": c.w},
            "output_tokens": c.o, "output_tokens_details": {"reasoning_tokens": c.q}, "total_tokens": c.total}} for c in cs)}


@kind
def anthropic(rng):
    cs = calls(rng, reasons=False)
    return cs, {"cut.jsonl": lines(
        {"id": c.id, "type": "message", "role": "assistant", "created": c.s, "model": c.model, "usage": {
            "input_tokens": c.i, "cache_read_input_tokens": c.r, "cache_creation_input_tokens": c.w, "output_tokens": c.o}} for c in cs)}


@kind
def anthropic_batch(rng):
    cs = calls(rng, reasons=False, model="claude-sonnet-4-6")
    return cs, {"cut.jsonl": lines(
        {"custom_id": "c%d" % c.n, "result": {"type": "succeeded", "message": {
            "id": c.id, "type": "message", "role": "assistant", "created": c.s, "model": c.model, "usage": {
                "input_tokens": c.i, "cache_read_input_tokens": c.r, "cache_creation_input_tokens": c.w, "output_tokens": c.o}}}} for c in cs)
        + lines([{"custom_id": "x", "result": {"type": "expired"}}])}


@kind
def gemini(rng):
    cs = calls(rng, writes=False, model="gemini-3-flash-preview")
    return cs, {"cut.jsonl": lines(
        {"responseId": c.id, "createTime": c.iso, "modelVersion": c.model, "usageMetadata": {
            "promptTokenCount": c.prompt, "cachedContentTokenCount": c.r, "candidatesTokenCount": c.o - c.q,
            "thoughtsTokenCount": c.q, "totalTokenCount": c.total}} for c in cs)}


@kind
def openrouter(rng):
    cs = calls(rng, writes=False)
    return cs, {"cut.jsonl": lines(
        {"id": "gen-" + c.id, "provider": "X", "object": "chat.completion", "created": c.s, "model": c.model, "usage": {
            "prompt_tokens": c.prompt, "completion_tokens": c.o, "total_tokens": c.total, "cost": c.o / 1e6,
            "prompt_tokens_details": {"cached_tokens": c.r}}} for c in cs)}


@kind
def ai_sdk_6(rng):
    cs = calls(rng, reasons=False)
    return cs, {"cut.jsonl": lines(
        {"response": {"id": c.id, "timestamp": c.iso, "modelId": c.model}, "finishReason": "stop", "usage": {
            "inputTokens": c.prompt, "inputTokenDetails": {"noCacheTokens": c.i, "cacheReadTokens": c.r, "cacheWriteTokens": c.w},
            "outputTokens": c.o, "outputTokenDetails": {"textTokens": c.o - c.q, "reasoningTokens": c.q}, "totalTokens": c.total}} for c in cs)}


@kind
def litellm(rng):
    cs = calls(rng, writes=False, reasons=False)
    return cs, {"cut.jsonl": lines(
        {"id": c.id, "call_type": "acompletion", "model": c.model, "response_cost": 0.5, "startTime": c.s, "cache_hit": None,
         "prompt_tokens": c.prompt, "completion_tokens": c.o, "total_tokens": c.total, "metadata": {"usage_object": {
             "prompt_tokens": c.prompt, "completion_tokens": c.o, "total_tokens": c.total, "prompt_tokens_details": {"cached_tokens": c.r}}}} for c in cs)}


@kind
def langfuse(rng):
    cs = calls(rng, writes=False, reasons=False)
    return cs, {"cut.jsonl": lines(
        {"id": c.id, "traceId": "t", "type": "GENERATION", "model": c.model, "startTime": c.iso,
         "usageDetails": {"input": c.i, "input_cached_tokens": c.r, "output": c.o, "total": c.total}} for c in cs)}


@kind
def native(rng):
    cs = calls(rng, reasons=False)
    return cs, {"trace.jsonl": lines({"id": c.id, "time": c.iso, "model": c.model, "input": c.i, "cache_read": c.r, "cache_write_5m": c.w,
                                    "output": c.o} for c in cs)}


# --- agents


@kind
def claude_log(rng):
    cs = calls(rng, reasons=False)
    out = [{"type": "user", "sessionId": "s", "uuid": "u", "timestamp": cs[0].iso, "message": {"role": "user", "content": "token"}}]
    for c in cs:  # a line for each block of the answer
        for o in sorted([rng.randrange(1, c.o + 1), c.o]):
            out.append({"type": "assistant", "sessionId": "s", "cwd": "/p", "uuid": "%s-%d" % (c.id, o), "timestamp": c.iso,
                        "requestId": "req_" + c.id, "message": {"id": "msg_" + c.id, "role": "assistant", "model": c.model,
                                                                "stop_reason": "end_turn", "usage": {
                                                                    "input_tokens": c.i, "cache_read_input_tokens": c.r,
                                                                    "cache_creation_input_tokens": c.w, "output_tokens": o}}})
    return cs, {"cut.jsonl": lines(out)}


def codex_usage(c):
    return {"input_tokens": c.prompt, "cached_input_tokens": c.r, "output_tokens": c.o, "reasoning_output_tokens": c.q, "total_tokens": c.total}


@kind
def codex_records(rng):
    cs = calls(rng, writes=False, model="gpt-5.5")
    return cs, {"rollout-1.jsonl": lines(
        [{"timestamp": cs[0].iso, "type": "session_meta", "payload": {"id": "t-%d" % rng.randrange(1 << 30), "cwd": "/p"}},
         {"timestamp": cs[0].iso, "type": "turn_context", "payload": {"model": "gpt-5.5"}}] +
        [{"timestamp": c.iso, "type": "token_usage_record", "payload": {"response_id": c.id, "thread_id": "t", "usage": codex_usage(c)}} for c in cs])}


@kind
def codex_totals(rng):
    cs = calls(rng, writes=False, model="gpt-5.5")
    out = [{"timestamp": cs[0].iso, "type": "session_meta", "payload": {"id": "t-%d" % rng.randrange(1 << 30), "cwd": "/p"}},
           {"timestamp": cs[0].iso, "type": "turn_context", "payload": {"model": "gpt-5.5"}}]
    sums = dict.fromkeys(codex_usage(cs[0]), 0)
    for c in cs:
        sums = {k: sums[k] + v for k, v in codex_usage(c).items()}
        event = {"timestamp": c.iso, "type": "event_msg", "payload": {"type": "token_count", "info": {
            "total_token_usage": sums, "last_token_usage": codex_usage(c), "model_context_window": 1}}}
        out += [event] * rng.choice([1, 1, 2])
    return cs, {"rollout-1.jsonl": lines(out)}


@kind
def gemini_cli(rng):
    cs = calls(rng, writes=False, model="gemini-3-flash-preview")
    head = {"sessionId": "g-%d" % rng.randrange(1 << 30), "projectHash": "h", "startTime": cs[0].iso, "kind": "main"}
    return cs, {"chats/session-1.jsonl": lines([head] + [
        {"id": c.id, "timestamp": c.iso, "type": "gemini", "model": c.model, "tokens": {
            "input": c.prompt, "output": c.o - c.q, "cached": c.r, "thoughts": c.q, "tool": 0, "total": c.total}} for c in cs for _ in range(rng.choice([1, 2]))])}


@kind
def pi(rng):
    cs = calls(rng, reasons=False)
    return cs, {"p.jsonl": lines([{"type": "session", "version": 3, "id": "s", "cwd": "/p", "timestamp": cs[0].iso}] + [
        {"type": "message", "id": c.id[-8:], "timestamp": c.iso, "message": {"role": "assistant", "provider": "x", "model": c.model, "responseId": c.id,
            "usage": {"input": c.i, "output": c.o, "cacheRead": c.r, "cacheWrite": c.w, "totalTokens": c.total, "cost": {"total": 0.1}}}} for c in cs])}


@kind
def kimi_cli(rng):
    cs = calls(rng, reasons=False, model="kimi-k2.6")
    return cs, {"sessions/m/s/wire.jsonl": lines(
        {"timestamp": c.s, "message": {"type": "StatusUpdate", "payload": {"message_id": c.id, "model": c.model, "token_usage": {
            "input_other": c.i, "input_cache_read": c.r, "input_cache_creation": c.w, "output": c.o}}}} for c in cs)}


@kind
def opencode_files(rng):
    cs = calls(rng)
    return cs, {"storage/message/ses_1/msg_%s.json" % c.id: json.dumps(
        {"id": "msg_" + c.id, "sessionID": "ses_1", "role": "assistant", "modelID": c.model, "providerID": "x", "cost": 0.1,
         "tokens": {"total": c.total, "input": c.i, "output": c.o - c.q, "reasoning": c.q, "cache": {"read": c.r, "write": c.w}},
         "time": {"created": c.ms + c.n}}) for c in cs}


def database(statements, rows):
    path = tempfile.mktemp()
    d = sqlite3.connect(path)
    d.executescript(statements)
    for sql, values in rows:
        d.executemany(sql, values)
    d.commit()
    d.close()
    with open(path, "rb") as f:
        whole = f.read()
    os.unlink(path)
    return whole


@kind
def opencode_database(rng):
    cs = calls(rng)
    data = [json.dumps({"role": "assistant", "modelID": c.model, "providerID": "x", "cost": 0.1, "time": {"created": c.ms + c.n}, "tokens": {
        "input": c.i, "output": c.o, "reasoning": c.q, "cache": {"read": c.r, "write": c.w}, "total": c.total}}) for c in cs]
    for c in cs:
        c.q = min(c.q, c.o)
    return cs, {"opencode.db": database(
        "CREATE TABLE session(id TEXT, directory TEXT); CREATE TABLE message(id TEXT, session_id TEXT, data TEXT); INSERT INTO session VALUES('s','/p')",
        [("INSERT INTO message VALUES(?, 's', ?)", [("msg_" + c.id, d) for c, d in zip(cs, data)])])}


@kind
def goose(rng):
    cs = calls(rng, reasons=False)
    return cs, {"sessions.db": database(
        "CREATE TABLE sessions(id TEXT, working_dir TEXT); CREATE TABLE messages(id INTEGER); CREATE TABLE usage_ledger(id INTEGER, session_id TEXT, "
        "created_timestamp INTEGER, model TEXT, input_tokens INTEGER, output_tokens INTEGER, total_tokens INTEGER, cache_read_tokens INTEGER, "
        "cache_write_tokens INTEGER, cost REAL, cost_source TEXT)",
        [("INSERT INTO usage_ledger VALUES(?,'s',?,?,?,?,?,?,?,0.1,'estimated')", [(c.n, c.s, c.model, c.prompt, c.o, c.total, c.r, c.w) for c in cs])])}


@kind
def amp(rng):
    cs = calls(rng, reasons=False, model="claude-sonnet-4-6")
    return cs, {"T-1.json": json.dumps({"id": "T-1", "messages": [
        {"messageId": c.n, "role": "assistant", "usage": {"model": c.model, "timestamp": c.iso, "inputTokens": c.i, "cacheCreationInputTokens": c.w,
            "cacheReadInputTokens": c.r, "totalInputTokens": c.prompt, "outputTokens": c.o, "credits": 1}} for c in cs]})}


@kind
def cline_task(rng):
    cs = calls(rng, reasons=False)
    return cs, {"tasks/t1/ui_messages.json": json.dumps([
        {"ts": c.ms + c.n, "type": "say", "say": "api_req_started", "modelInfo": {"modelId": c.model},
         "text": json.dumps({"tokensIn": c.i, "tokensOut": c.o, "cacheWrites": c.w, "cacheReads": c.r, "cost": 0.01})} for c in cs])}


# --- exports


def by_key(cs, key):
    out = {}
    for c in cs:
        out.setdefault(key(c), []).append(c)
    return out


def day(c):
    return c.at.strftime("%Y-%m-%d")


def start(c):
    return int(c.at.replace(hour=0, minute=0, second=0).timestamp())


def summed(group, what):
    return sum(getattr(c, what) for c in group)


def openai_rows(rng):
    cs = calls(rng, writes=False, reasons=False)
    return cs, by_key(cs, lambda c: (start(c), c.model))


@kind
def openai_usage_json(rng):
    cs, groups = openai_rows(rng)
    data = [{"object": "bucket", "start_time": s, "end_time": s + 86400, "results": [
        {"object": "organization.usage.completions.result", "model": m, "batch": False, "input_tokens": summed(g, "prompt"),
         "input_cached_tokens": summed(g, "r"), "output_tokens": summed(g, "o"), "num_model_requests": len(g)}]} for (s, m), g in groups.items()]
    cut = rng.randrange(len(data) + 1)
    return cs, {"page-1.json": json.dumps({"object": "page", "data": data[:cut], "has_more": True, "next_page": "p"}),
                "page-2.json": json.dumps({"object": "page", "data": data[cut:], "has_more": False, "next_page": None})}


@kind
def openai_usage_csv(rng):
    cs, groups = openai_rows(rng)
    return cs, {"usage.csv": table(
        ["start_time", "end_time", "model", "batch", "service_tier", "input_tokens", "input_cached_tokens", "input_uncached_tokens", "output_tokens", "num_model_requests"],
        [[s, s + 86400, m, "false", "", summed(g, "prompt"), summed(g, "r"), summed(g, "i"), summed(g, "o"), len(g)] for (s, m), g in groups.items()])}


@kind
def anthropic_usage(rng):
    cs = calls(rng, reasons=False, model="claude-sonnet-4-6")
    return cs, {"report.json": json.dumps({"data": [
        {"starting_at": d + "T00:00:00Z", "ending_at": (datetime.fromisoformat(d) + timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z"), "results": [
            {"model": g[0].model, "service_tier": "standard", "context_window": "0-200k", "uncached_input_tokens": summed(g, "i"), "cache_read_input_tokens": summed(g, "r"),
             "cache_creation": {"ephemeral_5m_input_tokens": summed(g, "w"), "ephemeral_1h_input_tokens": 0}, "output_tokens": summed(g, "o"),
             "server_tool_use": {"web_search_requests": 0}}]} for d, g in by_key(cs, day).items()], "has_more": False})}


@kind
def anthropic_console(rng):
    cs = calls(rng, reasons=False, model="claude-sonnet-4-6")
    return cs, {"console.csv": table(
        ["usage_date_utc", "model_version", "api_key", "workspace", "usage_type", "context_window", "usage_input_tokens_no_cache", "usage_input_tokens_cache_write_5m",
         "usage_input_tokens_cache_write_1h", "usage_input_tokens_cache_read", "usage_output_tokens", "web_search_count"],
        [[d, g[0].model, "k", "w", "standard", "≤ 200k", summed(g, "i"), summed(g, "w"), 0, summed(g, "r"), summed(g, "o"), 0] for d, g in by_key(cs, day).items()])}


def deepseek_amount(rng):
    cs = calls(rng, writes=False, reasons=False, model="deepseek-v4-flash")
    rows = []
    for d, g in by_key(cs, day).items():
        for t, n in (("input_cache_hit_tokens", summed(g, "r")), ("input_cache_miss_tokens", summed(g, "i")), ("output_tokens", summed(g, "o")), ("request_count", len(g))):
            rows.append(["u", d, g[0].model, "key", "sk-1", t, "0.00000014", n])
    rng.shuffle(rows)
    return cs, table(["user_id", "utc_date", "model", "api_key_name", "api_key", "type", "price", "amount"], rows)


@kind
def deepseek_csv(rng):
    cs, amount = deepseek_amount(rng)
    return cs, {"amount.csv": amount}


@kind
def deepseek_zip(rng):
    cs, amount = deepseek_amount(rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("usage/amount-2026-6.csv", "\ufeff" + amount.replace("\n", "\r\n"))
        z.writestr("usage/cost-2026-6.csv", table(["user_id", "utc_date", "model", "wallet_type", "cost", "currency"], [["u", day(cs[0]), cs[0].model, "Paid", "0.1", "USD"]]))
    return cs, {"usage_data_2026_6.zip": out.getvalue()}


def openrouter_days(rng):
    cs = calls(rng, writes=False)
    for c in cs:
        c.i, c.r = c.i + c.r, 0  # it tells no cache
    return cs, by_key(cs, lambda c: (day(c), c.model))


@kind
def openrouter_activity_json(rng):
    cs, groups = openrouter_days(rng)
    return cs, {"activity.json": json.dumps({"data": [
        {"date": d, "model": m, "model_permaslug": m, "endpoint_id": "e", "provider_name": "X", "usage": 0.01, "byok_usage_inference": 0, "requests": len(g),
         "prompt_tokens": summed(g, "i"), "completion_tokens": summed(g, "o"), "reasoning_tokens": summed(g, "q")} for (d, m), g in groups.items()]})}


@kind
def openrouter_activity_csv(rng):
    cs, groups = openrouter_days(rng)
    return cs, {"activity.csv": table(
        ["Date", "Slug", "Usage", "BYOK Usage", "Requests", "Prompt Tokens", "Completion Tokens", "Reasoning Tokens"],
        [[d, m, "0.01", "0", len(g), summed(g, "i"), summed(g, "o"), summed(g, "q")] for (d, m), g in groups.items()])}


@kind
def openrouter_calls(rng):
    cs = calls(rng, writes=False)
    return cs, {"calls.csv": table(
        ["generation_id", "created_at", "cost_total", "cost_web_search", "cost_cache", "byok_usage_inference", "tokens_prompt", "tokens_completion", "tokens_reasoning",
         "tokens_cached", "model_permaslug", "provider_name", "api_key_name"],
        [["gen-" + c.id, c.at.strftime("%Y-%m-%d %H:%M:%S.000"), "0.001", "0", "0", "0", c.prompt, c.o, c.q, c.r, c.model, "X", "prod"] for c in cs])}


@kind
def vercel(rng):
    cs = calls(rng)
    return cs, {"report.csv": table(
        ["day", "model", "total_cost", "input_tokens", "output_tokens", "cached_input_tokens", "cache_creation_input_tokens", "reasoning_tokens", "request_count"],
        [[d, m, "0.1", summed(g, "prompt"), summed(g, "o"), summed(g, "r"), summed(g, "w"), summed(g, "q"), len(g)] for (d, m), g in by_key(cs, lambda c: (day(c), c.model)).items()])}


@kind
def helicone(rng):
    cs = calls(rng, writes=False, reasons=False)
    return cs, {"helicone.csv": table(
        ["request_id", "request_created_at", "model", "prompt_tokens", "prompt_cache_read_tokens", "completion_tokens", "total_tokens", "cost", "request_path"],
        [[c.id, c.iso, c.model, c.i, c.r, c.o, c.total, "0.1", "/v1"] for c in cs])}


@kind
def cursor(rng):
    cs = calls(rng, reasons=False)
    cs.append(cs[0])  # an equal row is another call
    return cs, {"cursor.csv": table(
        ["Date", "Kind", "Model", "Max Mode", "Input (w/ Cache Write)", "Input (w/o Cache Write)", "Cache Read", "Output Tokens", "Total Tokens", "Cost"],
        [[c.iso, "On-Demand", c.model, "No", c.w, c.i, c.r, c.o, c.total, "$0.10"] for c in cs])}


@kind
def otlp(rng):
    cs = calls(rng, reasons=False, writes=False)

    def attribute(k, v):
        return {"key": k, "value": {"stringValue": v} if isinstance(v, str) else {"intValue": str(v)}}

    def span(c):
        return {"traceId": "%032x" % (c.n + 1), "spanId": "%016x" % (int(c.id, 16) & (1 << 60) - 1 | 1), "name": "chat", "startTimeUnixNano": str(c.s * 10**9), "endTimeUnixNano": str(c.s * 10**9 + 1),
                "attributes": [attribute("gen_ai.operation.name", "chat"), attribute("gen_ai.response.id", c.id), attribute("gen_ai.response.model", c.model),
                               attribute("gen_ai.usage.input_tokens", c.prompt), attribute("gen_ai.usage.cache_read.input_tokens", c.r),
                               attribute("gen_ai.usage.output_tokens", c.o)]}

    return cs, {"cut.jsonl": lines({"resourceSpans": [{"scopeSpans": [{"spans": [span(c)]}]}]} for c in cs)}


# --- what is asked of each


def tally(*args):
    p = subprocess.run([TALLY, *args], capture_output=True, text=True)
    if p.returncode not in (0, 3):
        raise SystemExit("tally %s: exit %d\n%s%s" % (" ".join(args), p.returncode, p.stdout, p.stderr))
    return p.stdout, p.stderr


def told(out):
    d = json.loads(out)
    t = d["tokens"]
    return d["records"], t["input"], t["cache_read"], t["cache_write_5m"] + t["cache_write_1h"], t["output"], d["total"], d["unpriced"]


def write(where, files):
    out = []
    for name, body in files.items():
        path = os.path.join(where, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb" if isinstance(body, bytes) else "w") as f:
            f.write(body)
        out.append(path)
    return out


def metered(where, name, orders):
    db = os.path.join(where, name + ".db")
    for paths in orders:
        tally("ingest", "--db", db, "-q", *paths)
    return told(tally("usage", "--db", db, "--json")[0])


def cut(rng, files):
    """The same lines in other files, in another order, some of them twice."""
    out = {}
    for name, body in files.items():
        if name.startswith("cut."):
            all_lines = body.splitlines(True)
            rng.shuffle(all_lines)
            all_lines += rng.sample(all_lines, rng.randrange(len(all_lines)))
            at = rng.randrange(1, len(all_lines))
            out["a-" + name], out["b-" + name] = "".join(all_lines[:at]), "".join(all_lines[at:])
        else:
            out[name] = body
    return out


def check(name, rng, where):
    cs, files = KINDS[name](rng)
    paths = write(os.path.join(where, "whole"), files)
    want = told(tally("replay", "--json", "-q", *paths)[0])
    truth = tuple(sum(getattr(c, k) for c in cs) for k in "irwo")
    if want[1:5] != truth:
        raise SystemExit("%s: replay counts %s, written were %s" % (name, want[1:5], truth))
    back = paths[::-1]
    pieces = write(os.path.join(where, "pieces"), cut(rng, files))
    rng.shuffle(pieces)
    said = {
        "replay, the other way round": told(tally("replay", "--json", "-q", *back)[0]),
        "replay of pieces": told(tally("replay", "--json", "-q", *pieces)[0]),
        "ingest": metered(where, "whole", [paths]),
        "ingest, one by one and again": metered(where, "again", [[p] for p in back] + [paths]),
        "ingest of pieces, again": metered(where, "pieces", [[p] for p in pieces] + [pieces[::-1]]),
    }
    if name not in ("deepseek_zip", "openrouter_calls"):  # are named, not found
        said["the folder"] = metered(where, "folder", [[os.path.join(where, "whole")]])
    for way, got in said.items():
        if got != want:
            raise SystemExit("%s: %s says %s, replay %s" % (name, way, got, want))


for k in sys.argv[3:] or KINDS:
    folder = tempfile.mkdtemp()
    try:
        check(k, random.Random("%d %s" % (SEED, k)), folder)
    except SystemExit as e:
        raise SystemExit("seed %d, %s" % (SEED, e))
    finally:
        if not os.environ.get("KEEP"):
            shutil.rmtree(folder)
print("%d kinds of sources agree" % len(sys.argv[3:] or KINDS))
