#!/usr/bin/env python3
"""renamed_columns.py TALLY DIR: renames each column of an export of each kind of the registry in DIR, and prints where a total changed in silence.

Every value of these files matters (a batch, a tier, a place, searches, credits). A column that the reader no longer knows must change
nothing, or the run says so: exit status 3 or 1. A kind without a file here is told, too. EVERY=n in the environment tries one change in n."""
import csv, io, itertools, json, os, subprocess, sys

sys.dont_write_bytecode = True
from usages import TABLES, UNSPLIT, is_cache_untold, is_unsplit, table


def like(name, *rows):
    """Other rows under the columns that usages.py has for the kind."""
    return [list(TABLES[name][0])] + [list(r) for r in rows]


USAGE = {
    "openai.usage": like("openai.usage", ["1781481600", "1781568000", "", "", "p", "3", "u", "k", "gpt-5-mini", "True", "default", "1000", "200", "400", "0", "0", "600"],
                          ["1781481600", "1781568000", "", "", "p", "3", "u", "k", "gpt-5-mini", "False", "priority", "1000", "200", "400", "0", "0", "600"]),
    "openai.activity": table("timestamp,snapshot_id,operation,n_requests,n_context_tokens_total,n_generated_tokens_total,n_cached_context_tokens_total,"
                             "aggregation_timestamp,model,batch,service_tier",
                             ["", "gpt-5-mini", "completion", "3", "1000", "200", "400", "1781481600", "gpt-5-mini", "True", ""],
                             ["", "gpt-5-mini", "completion", "3", "1000", "200", "400", "1781481600", "gpt-5-mini", "False", "flex"]),
    "anthropic.console": like("anthropic.console", ["2026-06-15", "claude-opus-4-6", "k", "w", "batch", "≤ 200k", "600", "10", "20", "400", "200", "0", "global", "standard"],
                               ["2026-06-15", "claude-opus-4-6", "k", "w", "standard", "≤ 200k", "600", "10", "0", "400", "200", "3", "global", "fast"]),
    "deepseek.amount": like("deepseek.amount", ["u", "2026-06-15", "deepseek-v4-flash", "n", "sk-xx", "request_count", "", "3"],
                             ["u", "2026-06-15", "deepseek-v4-flash", "n", "sk-xx", "input_cache_hit_tokens", "0.0000000028", "400"],
                             ["u", "2026-06-15", "deepseek-v4-flash", "n", "sk-xx", "input_cache_miss_tokens", "0.00000014", "600"],
                             ["u", "2026-06-15", "deepseek-v4-flash", "n", "sk-xx", "output_tokens", "0.00000028", "200"]),
    "openrouter.days": like("openrouter.days", ["2026-06-15", "anthropic/claude-sonnet-4.6", "0.1", "0", "3", "1000", "200", "50"]),
    "openrouter.activity": table("date,model,model_permaslug,endpoint_id,provider_name,usage,byok_usage_inference,requests,prompt_tokens,completion_tokens,"
                                 "reasoning_tokens",
                                 ["2026-06-15", "anthropic/claude-sonnet-4.6", "anthropic/claude-4.6-sonnet-20260217", "e", "Anthropic", "0.1", "0", "3",
                                  "1000", "200", "50"]),
    "vercel.report": like("vercel.report", ["2026-06-15", "anthropic/claude-sonnet-4.6", "0.1", "1000", "200", "400", "100", "50", "3"]),
    "helicone": like("helicone", ["r1", "2026-06-15T10:00:00Z", "", "u", "ANTHROPIC", "claude-sonnet-4-6", "claude-sonnet-4-6", "600", "400", "0", "200", "1200", "0.1",
                       "200"]),
    "github.copilot.usage": like("github.copilot.usage", ["2026-06-15", "me", "copilot", "ai_credit", "Claude Sonnet 4.6", "3.6", "ai-credits", "0.1", "1500", "o", "r", "", "3.6",
                                   "600", "200", "400", "100"]),
    "cursor": like("cursor", ["2026-06-15T10:00:00.000Z", "Included", "claude-sonnet-4-6", "No", "100", "600", "400", "200", "1300", "Included"],
                    ["2026-06-15T10:00:00.000Z", "Errored, Not Charged", "claude-sonnet-4-6", "No", "0", "6", "4", "2", "12", "Included"]),
    "litellm": like("litellm", ["r1", "acompletion", "hash", "0.1", "1200", "1000", "200", "2026-06-15 10:00:00", "2026-06-15 10:00:01", "claude-sonnet-4-6", "",
                      "anthropic", "", "",
                      '{"usage_object":{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200,"cache_read_input_tokens":400}}', "False"],
                     ["r2", "acompletion", "hash", "0", "1200", "1000", "200", "2026-06-15 10:00:00", "2026-06-15 10:00:01", "claude-sonnet-4-6", "",
                      "anthropic", "", "", "{}", "True"]),
    "litellm.days": like("litellm.days", ["i", "u", "2026-06-15", "hash", "claude-sonnet-4-6", "g", "anthropic", "", "1000", "200", "400", "100", "0.1", "3", "3", "0"]),
    "langfuse": like("langfuse", ["o1", "t1", "GENERATION", "n", "2026-06-15T10:00:00Z", "", "claude-sonnet-4-6",
                       '{"input":600,"output":200,"input_cache_read":400}', "{}"],
                      ["o2", "t1", "SPAN", "n", "2026-06-15T10:00:00Z", "", "", "{}", "{}"]),
    "cloudflare": like("cloudflare", ["h", "2026-06-15T10:00:00Z", "anthropic", "claude-sonnet-4-6", "1000", "200", "0.1", "false", "true"],
                        ["j", "2026-06-15T10:00:00Z", "anthropic", "claude-sonnet-4-6", "1000", "200", "0.1", "true", "true"],
                        ["k", "2026-06-15T10:00:00Z", "anthropic", "claude-sonnet-4-6", "1000", "200", "0.1", "false", "false"]),
    "portkey": like("portkey", ["i", "2026-06-15T10:00:00Z", "claude-sonnet-4-6", "1000", "200", "1200", "1"]),
    "fireworks": like("fireworks", ["a@b", "2026-06-15 17:16:48 UTC", "2026-06-15 17:16:48 UTC", "TEXT_COMPLETION_INFERENCE_USAGE", "", "", "deepseek-v3p1", "b", "0",
                        "1000", "200"]),
    "langdock.models": like("langdock.models", ["2026-06-15", "2026-06-16", "o", "claude-sonnet-4-6", "anthropic", "true", "3", "1000", "200", "400", "100", "500", "0.1"]),
    "calls": table("id,created_at,model,service_tier,prompt_tokens,completion_tokens,cached_tokens,reasoning_tokens,total_tokens,batch",
                   ["r1", "2026-06-15T10:00:00Z", "gpt-5-mini", "flex", "1000", "200", "400", "50", "1200", ""],
                   ["r2", "2026-06-15T10:00:00Z", "gpt-5-mini", "", "1000", "200", "400", "50", "1200", "True"]),
    "calls.anthropic": table("id,timestamp,model,region,input_tokens,output_tokens,cache_read_input_tokens,cache_creation_input_tokens,"
                             "ephemeral_5m_input_tokens,ephemeral_1h_input_tokens",
                             ["r1", "2026-06-15T10:00:00Z", "claude-opus-4-6", "us", "600", "200", "400", "30", "20", "10"]),
    "openrouter": like("openrouter", ["g", "2026-06-15 10:00:00.1", "0.1", "0", "0", "0", "0", "1000", "200", "50", "400", "anthropic/claude-4.6-sonnet-20260217",
                         "Anthropic", "standard", "false", "true", "", "k", "a"]),
}

USAGE_DOCUMENTS = {
    "openai.usage": {"object": "page", "data": [{"object": "bucket", "start_time": 1781481600, "end_time": 1781568000, "results": [
        {"object": "organization.usage.completions.result", "input_tokens": 1000, "output_tokens": 200, "input_cached_tokens": 400,
         "num_model_requests": 3, "model": "gpt-5-mini", "batch": True, "service_tier": "default", "project_id": None}]}], "has_more": False,
        "next_page": None},
    "anthropic.usage": {"data": [{"starting_at": "2026-06-15T00:00:00Z", "ending_at": "2026-06-16T00:00:00Z", "results": [
        {"uncached_input_tokens": 600, "cache_creation": {"ephemeral_1h_input_tokens": 10 if speed == "standard" else 0, "ephemeral_5m_input_tokens": 20},
         "cache_read_input_tokens": 400, "output_tokens": 200, "server_tool_use": {"web_search_requests": 2}, "api_key_id": None, "workspace_id": None,
         "model": "claude-opus-4-6", "service_tier": tier, "context_window": "0-200k", "inference_geo": geo, "speed": speed}
        for tier, geo, speed in (("batch", "us", "standard"), ("standard", "global", "fast"))]}], "has_more": False, "next_page": None},
    "anthropic.claude_code": {"data": [{"date": "2026-06-15T00:00:00Z", "actor": {"type": "user_actor", "email_address": "a@b"}, "organization_id": "o",
        "customer_type": "api", "terminal_type": "vscode", "core_metrics": {"num_sessions": 1}, "model_breakdown": [
        {"model": "claude-sonnet-4-6", "tokens": {"input": 600, "output": 200, "cache_read": 400, "cache_creation": 10},
         "estimated_cost": {"currency": "USD", "amount": 12}}]}], "has_more": False},
    "openrouter.activity": {"data": [{"date": "2026-06-15", "model": "anthropic/claude-sonnet-4.6", "model_permaslug":
        "anthropic/claude-4.6-sonnet-20260217", "endpoint_id": "e", "provider_name": "Anthropic", "usage": 0.1, "byok_usage_inference": 0, "requests": 3,
        "prompt_tokens": 1000, "completion_tokens": 200, "reasoning_tokens": 50}]},
    "vercel.report": {"results": [{"day": "2026-06-15", "model": "anthropic/claude-sonnet-4.6", "total_cost": 0.1, "input_tokens": 1000,
        "output_tokens": 200, "cached_input_tokens": 400, "cache_creation_input_tokens": 100, "reasoning_tokens": 50, "request_count": 3}]},
    "litellm.activity": {"results": [{"date": "2026-06-15", "metrics": {"spend": 0.1, "prompt_tokens": 1000, "completion_tokens": 200}, "breakdown": {
        "providers": {"anthropic": {"metrics": {"prompt_tokens": 1000}}}, "models": {"claude-sonnet-4-6": {"metadata": {}, "metrics": {
            "spend": 0.1, "prompt_tokens": 1000, "completion_tokens": 200, "cache_read_input_tokens": 400, "cache_creation_input_tokens": 100,
            "total_tokens": 1200, "successful_requests": 3, "failed_requests": 0, "api_requests": 3}}}}}],
        "metadata": {"page": 1, "total_pages": 1, "has_more": False}},
    "litellm.activity.older": {"results": [{"date": "2026-06-15", "metrics": {"spend": 0.2, "prompt_tokens": 1500, "completion_tokens": 300, "total_tokens": 1800,
        "api_requests": 7}, "breakdown": {"models": {"claude-sonnet-4-6": {"spend": 0.1, "prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200,
        "api_requests": 3}}, "providers": {}, "api_keys": {}}}], "metadata": {"total_spend": 0.2, "total_api_requests": 7}},
    "langfuse.metrics": {"data": [{"time_dimension": "2026-06-15", "providedModelName": "claude-sonnet-4-6", "sum_totalCost": "0.1", "sum_inputTokens": "1000",
         "sum_outputTokens": 200, "sum_totalTokens": "1200", "count_count": "3"}]},
    "langfuse.days": {"data": [{"date": "2026-06-15", "countTraces": 2, "countObservations": 9, "totalCost": 0.1, "usage": [
        {"model": "claude-sonnet-4-6", "inputUsage": 1000, "outputUsage": 200, "totalUsage": 1200, "countTraces": 2, "countObservations": 3,
         "totalCost": 0.1}]}], "meta": {"page": 1, "limit": 50, "totalItems": 1, "totalPages": 1}},
    "cursor.events": {"totalUsageEventsCount": 1, "pagination": {"hasNextPage": False}, "usageEvents": [{"timestamp": "1781517600000", "model": "claude-sonnet-4-6",
        "kind": "Included in Business", "maxMode": False, "isTokenBasedCall": True, "userEmail": "a@b", "chargedCents": 10, "tokenUsage": {"inputTokens": 600, "outputTokens": 200,
        "cacheWriteTokens": 100, "cacheReadTokens": 400, "totalCents": 10}}]},
    "cloudflare": {"result": [{"id": "i%d" % cached, "created_at": "2026-06-15T10:00:00Z", "provider": "anthropic", "model": "claude-sonnet-4-6", "tokens_in": 1000,
        "tokens_out": 200, "cost": 0.1, "cached": cached, "success": True, "status_code": 200} for cached in (False, True)]},
}

RENAMES = (lambda n: "x_" + n, lambda n: n + " (new)", lambda n: "zzz")
# of a table of one's own: a mark or a word for a place under a name that tells nothing is no number, and may be anything
MEANT = {("calls", "batch"), ("calls.anthropic", "region")}


def text_of(rows):
    f = io.StringIO(newline="")
    csv.writer(f, lineterminator="\n").writerows(rows)
    return f.getvalue()


def paths_of(v, at=()):
    if isinstance(v, dict):
        for k, inner in v.items():
            yield at + (k,)
            yield from paths_of(inner, at + (k,))
    elif isinstance(v, list):
        for i, inner in enumerate(v):
            yield from paths_of(inner, at + (i,))


def renamed(v, path, rename):
    v = json.loads(json.dumps(v))
    at = v
    for k in path[:-1]:
        at = at[k]
    items = [(rename(k) if k == path[-1] else k, x) for k, x in at.items()]
    at.clear()
    at.update(items)
    return v


EVERY = int(os.environ.get("EVERY", 1))
turn = itertools.count()


def tried(renames):
    return [r for r in renames if next(turn) % EVERY == 0]


def mutants_of_usage():
    for name, rows in USAGE.items():
        yield name, "", "u.csv", text_of(rows)
        for i, column in enumerate(rows[0]):
            for rename in tried(RENAMES[: 2 if (name, column) in MEANT else 3]):
                head = list(rows[0])
                head[i] = rename(column)
                yield name, head[i] + " for " + column, "u.csv", text_of([head] + rows[1:])
    for name, d in USAGE_DOCUMENTS.items():
        yield name, "", "u.json", json.dumps(d)
        for path in paths_of(d):
            for rename in tried(RENAMES):
                yield name, rename(path[-1]) + " for " + ".".join(map(str, path)), "u.json", json.dumps(renamed(d, path, rename))


def replayed(tally, path):
    """The status but for what the kind never tells, which of it is told alone, the total, the tokens, the errors."""
    run = subprocess.run([tally, "replay", path, "--json"], capture_output=True, text=True)
    try:
        said = json.loads(run.stdout)
    except ValueError:
        return run.returncode, None, None, None, run.stderr
    alone = None
    if run.returncode == 3:
        alone = "cache" if is_cache_untold(said) else "lifetimes" if is_unsplit(said) else None
    return 0 if alone else run.returncode, alone, said.get("total"), said.get("tokens"), run.stderr


def judge_usage(tally, untold):
    right = None
    for name, what, path, text in mutants_of_usage():
        open(path, "w").write(text)
        code, alone, total, tokens, why = replayed(tally, path)
        if not what:
            right = total, tokens
            if code != 0:
                print(name, path, "is not read whole:", code, total, why)
            if (alone == "lifetimes") != (name in UNSPLIT):
                print(name, path, "is no lower bound" if name in UNSPLIT else "is a lower bound")
            if (alone == "cache") != (name in untold):
                print(name, path, "has no doubt of its cache" if name in untold else "doubts its cache")
        elif code == 0 and (total, tokens) != right:
            print(name, path, what, ":", total, tokens, "and not", *right)


def keys_of(v):
    if isinstance(v, dict):
        for k, inner in v.items():
            yield k
            yield from keys_of(inner)
    elif isinstance(v, list):
        for inner in v:
            yield from keys_of(inner)


def with_key(v, key, name):
    if isinstance(v, dict):
        return {(name if k == key else k): with_key(x, key, name) for k, x in v.items()}
    return [with_key(x, key, name) for x in v] if isinstance(v, list) else v


def mutants_of_bill(text):
    try:
        d = [json.loads(line) for line in text.splitlines()]
    except ValueError:
        rows = list(csv.reader(io.StringIO(text)))
        for i, column in enumerate(rows[0]):
            for rename in tried(RENAMES[::2]):
                yield rename(column) + " for " + column, text_of([rows[0][:i] + [rename(column)] + rows[0][i + 1:]] + rows[1:])
        return
    for key in sorted(set(keys_of(d))):
        for rename in tried(RENAMES[::2]):
            yield rename(key) + " for " + key, "\n".join(json.dumps(x) for x in with_key(d, key, rename(key)))


def reconciled(tally, path):
    run = subprocess.run([tally, "reconcile", path, "--provider", "anthropic", "-z", "UTC", "--json"], capture_output=True, text=True)
    try:
        said = json.loads(run.stdout)
        return run.returncode, [said[k] for k in ("difference", "billed", "matching", "causes")] + [sorted((o["kind"], o["billed"]) for o in said["other"])], run.stderr
    except (ValueError, KeyError):
        return run.returncode, None, run.stderr


def judge_bills(tally):
    import vendor_bill
    os.environ["TALLY_DB"] = "month.db"
    with open("month.csv", "w") as f:
        f.write("id,time,model,input,output\n" + "".join(",".join(map(str, r)) + "\n" for r in vendor_bill.records()))
    subprocess.run([tally, "ingest", "month.csv", "-q"], check=True, capture_output=True)
    for name in list(vendor_bill.TABLES) + ["anthropic.cost_report", "openai.costs/page", "gcp.billing/json"]:
        rows, _ = vendor_bill.seed("tax", vendor_bill.lines())
        vendor_bill.write(name, rows, "b")
        text = open("b").read()
        code, right, why = reconciled(tally, "b")
        if code != 0:
            print(name, "is not read whole:", code, why)
        for what, text in mutants_of_bill(text):
            open("b", "w").write(text)
            code, said, why = reconciled(tally, "b")
            if code == 0 and said != right:
                print(name, what, ":", str(said)[:150], "and not", str(right)[:150], why)


def main():
    tally, registry = sys.argv[1:3]
    entries = [json.load(open(os.path.join(registry, f))) for f in os.listdir(registry)]
    missing = {e["name"] for e in entries if e["kind"] != "bill" and not e.get("general")} - set(USAGE) - set(USAGE_DOCUMENTS)
    if missing:
        print("no usage of", missing)
    judge_usage(tally, {e["name"] for e in entries if e.get("cache") == "untold"})
    judge_bills(tally)


if __name__ == "__main__":
    main()
