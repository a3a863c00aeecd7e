#!/usr/bin/env python3
"""usages.py TALLY DIR: an export of usage of each kind of the registry in DIR, in each way in which files arrive; prints what is read wrong.

The first way counts 1,000 tokens of prompt, of which 400 were read from a cache, and 200 of answer; every other way is the same usage,
so that it adds nothing. A kind of the registry without a file here is told, too."""
import csv, gzip, json, os, subprocess, sys, zipfile


def is_cache_untold(said):
    """Whether a report says nothing else than that its rows do not tell what was cached: exit status 3 all the same."""
    bound = said.get("lower_bound", {})
    other = [k for k in ("unpriced", "placeholders", "quarantined", "partial", "columns_in_doubt") if said.get(k)]
    return any(gap.get("cache_untold") for gap in bound.get("left_out", [])) and not other


# Kinds of sums that count cache writes and do not say how long they stay.
UNSPLIT = {"vercel.report", "litellm.days", "litellm.activity", "langdock.models", "anthropic.claude_code"}


def is_unsplit(said):
    """Whether a report says nothing else than that its cache writes stay for an untold time: its total is a lower bound, exit status 3."""
    other = [k for k in ("unpriced", "quarantined", "partial", "columns_in_doubt") if said.get(k)]
    return bool(said.get("placeholders")) and said["tokens"]["cache_write_5m"] > 0 and not other


def table(head, *rows):
    return [head.split(",")] + [list(r) for r in rows]


TABLES = {
    "openai.usage": table("start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,service_t"
          "ier,input_tokens,output_tokens,input_cached_tokens,input_audio_tokens,output_audio_tokens,input_uncached_tokens",
         ["1781481600", "1781568000", "", "", "p", "3", "", "", "gpt-5-mini", "False", "default", "1000", "200", "400", "0", "0",
          "600"]),
    "openai.activity": table("timestamp,snapshot_id,operation,n_requests,n_context_tokens_total,n_generated_tokens_total,n_cached_context_tokens_tot"
          "al,aggregation_timestamp,model",
         ["", "gpt-5-mini", "completion", "3", "1000", "200", "400", "1781481600", "gpt-5-mini"]),
    "anthropic.console": table("usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,usage_input_token"
          "s_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,web_search_count,"
          "inference_geo,speed",
         ["2026-06-15", "claude-sonnet-4-6", "k", "w", "standard", "≤ 200k", "600", "0", "0", "400", "200", "0", "not_available",
          "standard"]),
    "deepseek.amount": table("user_id,utc_date,model,api_key_name,api_key,type,price,amount",
         ["u", "2026-06-15", "deepseek-v4-flash", "n", "sk-xx", "request_count", "", "3"],
         ["u", "2026-06-15", "deepseek-v4-flash", "n", "sk-xx", "input_cache_hit_tokens", "0.0000000028", "400"],
         ["u", "2026-06-15", "deepseek-v4-flash", "n", "sk-xx", "input_cache_miss_tokens", "0.00000014", "600"],
         ["u", "2026-06-15", "deepseek-v4-flash", "n", "sk-xx", "output_tokens", "0.00000028", "200"]),
    "openrouter.days": table("Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,Reasoning Tokens",
         ["2026-06-15", "anthropic/claude-sonnet-4.6", "0.1", "0", "3", "1000", "200", "0"]),
    "vercel.report": table("day,model,total_cost,input_tokens,output_tokens,cached_input_tokens,cache_creation_input_tokens,reasoning_tokens,reque"
          "st_count",
         ["2026-06-15", "anthropic/claude-sonnet-4.6", "0.1", "1000", "200", "400", "0", "0", "3"]),
    "helicone": table("request_id,request_created_at,response_created_at,request_user_id,provider,model,response_model,prompt_tokens,prompt_c"
          "ache_read_tokens,prompt_cache_write_tokens,completion_tokens,total_tokens,cost,response_status",
         ["r1", "2026-06-15T10:00:00Z", "", "u", "ANTHROPIC", "claude-sonnet-4-6", "claude-sonnet-4-6", "600", "400", "0", "200",
          "1200", "0.1", "200"]),
    "github.copilot.usage": table("date,username,product,sku,model,quantity,unit_type,net_amount,total_monthly_quota,organization,repository,"
                                  "cost_center_name,aic_quantity,input,output,cache_read,cache_write",
                                  ["2026-06-15", "me", "copilot", "ai_credit", "Claude Sonnet 4.6", "3.6", "ai-credits", "0.1", "1500", "o", "r", "", "3.6",
                                   "600", "200", "400", "0"]),
    "cursor": table("Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost",
         ["2026-06-15T10:00:00.000Z", "Included", "claude-sonnet-4-6", "No", "0", "600", "400", "200", "1200", "Included"]),
    "litellm": table("request_id,call_type,api_key,spend,total_tokens,prompt_tokens,completion_tokens,startTime,endTime,model,model_group,cu"
          "stom_llm_provider,user,team_id,metadata,cache_hit",
         ["r1", "acompletion", "hash", "0.1", "1200", "1000", "200", "2026-06-15 10:00:00", "2026-06-15 10:00:01",
          "claude-sonnet-4-6", "", "anthropic", "", "",
          '{"usage_object":{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200,"cache_read_input_tokens":400}}',
          "False"]),
    "litellm.days": table("id,user_id,date,api_key,model,model_group,custom_llm_provider,mcp_namespaced_tool_name,prompt_tokens,completion_tokens,"
                          "cache_read_input_tokens,cache_creation_input_tokens,spend,api_requests,successful_requests,failed_requests",
                          ["i", "u", "2026-06-15", "hash", "claude-sonnet-4-6", "g", "anthropic", "", "1000", "200", "400", "0", "0.1", "3", "3", "0"]),
    "langfuse": table("id,traceId,type,name,startTime,endTime,model,usageDetails,costDetails",
         ["o1", "t1", "GENERATION", "n", "2026-06-15T10:00:00Z", "", "claude-sonnet-4-6",
          '{"input":600,"output":200,"input_cache_read":400}', "{}"]),
    "cloudflare": table("id,created_at,provider,model,tokens_in,tokens_out,cost,cached,success",
         ["i", "2026-06-15T10:00:00Z", "anthropic", "claude-sonnet-4-6", "1000", "200", "0.1", "false", "true"]),
    "portkey": table("id,created_at,ai_model,req_units,res_units,total_units,cost",
         ["i", "2026-06-15T10:00:00Z", "claude-sonnet-4-6", "1000", "200", "1200", "1"]),
    "fireworks": table("email,start_time,end_time,usage_type,accelerator_type,accelerator_seconds,base_model_name,model_bucket,parameter_count,"
                       "prompt_tokens,completion_tokens",
                       ["a@b", "2026-06-15 17:16:48 UTC", "2026-06-15 17:16:48 UTC", "TEXT_COMPLETION_INFERENCE_USAGE", "", "", "deepseek-v3p1", "b", "0",
                        "1000", "200"]),
    "langdock.models": table("period_start,period_end,org_id,name,provider,bring_your_keys,requests,sum_prompt_tokens,sum_completion_tokens,"
                             "sum_cached_prompt_tokens,sum_cache_creation_tokens,no_cache_tokens,total_cost_usd",
                             ["2026-06-15", "2026-06-16", "o", "claude-sonnet-4-6", "anthropic", "true", "3", "1000", "200", "400", "0", "600", "0.1"]),
    "calls": table("Request ID,created_at,model,prompt_tokens,completion_tokens,cached_tokens,reasoning_tokens,total_tokens,user",
         ["r1", "2026-06-15T10:00:00Z", "gpt-5-mini", "1000", "200", "400", "50", "1200", "u"]),
    "calls.anthropic": table("id,timestamp,model,input_tokens,output_tokens,cache_read_input_tokens,cache_creation_input_tokens",
         ["r1", "2026-06-15T10:00:00Z", "claude-sonnet-4-6", "600", "200", "400", "0"]),
    "openrouter": table("generation_id,created_at,cost_total,cost_web_search,cost_cache,cost_file_processing,byok_usage_inference,tokens_prompt"
          ",tokens_completion,tokens_reasoning,tokens_cached,model_permaslug,provider_name,variant,cancelled,streamed,user,api_ke"
          "y_name,app_name",
         ["g", "2026-06-15 10:00:00.1", "0.1", "0", "0", "0", "0", "1000", "200", "0", "400",
          "anthropic/claude-4.6-sonnet-20260217", "Anthropic", "standard", "false", "true", "", "k", "a"]),
}

DOCUMENTS = {
    "openai.usage":
        {"object": "page", "data": [{"object": "bucket", "start_time": 1781481600, "end_time": 1781568000, "results": [{"object":
        "organization.usage.completions.result", "input_tokens": 1000, "output_tokens": 200, "input_cached_tokens": 400,
        "num_model_requests": 3, "model": "gpt-5-mini", "batch": False, "service_tier": "default"}]}], "has_more": False,
        "next_page": None},
    "anthropic.usage":
        {"data": [{"starting_at": "2026-06-15T00:00:00Z", "ending_at": "2026-06-16T00:00:00Z", "results": [{"uncached_input_tokens": 600,
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0}, "cache_read_input_tokens": 400,
        "output_tokens": 200, "server_tool_use": {"web_search_requests": 0}, "api_key_id": None, "workspace_id": None, "model":
        "claude-sonnet-4-6", "service_tier": "standard", "context_window": "0-200k"}]}], "has_more": False, "next_page": None},
    "anthropic.claude_code":
        {"data": [{"date": "2026-06-15T00:00:00Z", "actor": {"type": "user_actor", "email_address": "a@b"}, "organization_id": "o",
        "customer_type": "api", "terminal_type": "vscode", "core_metrics": {"num_sessions": 1}, "model_breakdown": [{"model":
        "claude-sonnet-4-6", "tokens": {"input": 600, "output": 200, "cache_read": 400, "cache_creation": 0}, "estimated_cost":
        {"currency": "USD", "amount": 12}}]}], "has_more": False},
    "openrouter.activity":
        {"data": [{"date": "2026-06-15", "model": "anthropic/claude-sonnet-4.6", "model_permaslug":
        "anthropic/claude-4.6-sonnet-20260217", "endpoint_id": "e", "provider_name": "Anthropic", "usage": 0.1,
        "byok_usage_inference": 0, "requests": 3, "prompt_tokens": 1000, "completion_tokens": 200, "reasoning_tokens": 0}]},
    "vercel.report":
        {"results": [{"day": "2026-06-15", "model": "anthropic/claude-sonnet-4.6", "total_cost": 0.1, "input_tokens": 1000,
        "output_tokens": 200, "cached_input_tokens": 400, "cache_creation_input_tokens": 0, "reasoning_tokens": 0,
        "request_count": 3}]},
    "litellm.activity": {"results": [{"date": "2026-06-15", "metrics": {"spend": 0.1, "prompt_tokens": 1000, "completion_tokens": 200}, "breakdown": {
        "providers": {"anthropic": {"metrics": {"prompt_tokens": 1000}}}, "models": {"claude-sonnet-4-6": {"metadata": {}, "metrics": {
            "spend": 0.1, "prompt_tokens": 1000, "completion_tokens": 200, "cache_read_input_tokens": 400, "cache_creation_input_tokens": 0,
            "total_tokens": 1200, "successful_requests": 3, "failed_requests": 0, "api_requests": 3}}}}}],
        "metadata": {"page": 1, "total_pages": 1, "has_more": False}},
    "litellm.activity.older": {"results": [{"date": "2026-06-15", "metrics": {"spend": 0.2, "prompt_tokens": 1500, "completion_tokens": 300, "total_tokens": 1800,
        "api_requests": 7}, "breakdown": {"models": {"claude-sonnet-4-6": {"spend": 0.1, "prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200,
        "api_requests": 3}}, "providers": {}, "api_keys": {}}}], "metadata": {"total_spend": 0.2, "total_api_requests": 7}},
    "langfuse.metrics":
        {"data": [{"time_dimension": "2026-06-15", "providedModelName": "claude-sonnet-4-6", "sum_totalCost": "0.1", "sum_inputTokens": "1000",
         "sum_outputTokens": 200, "sum_totalTokens": "1200", "count_count": "3"}]},
    "langfuse.days":
        {"data": [{"date": "2026-06-15", "countTraces": 2, "countObservations": 9, "totalCost": 0.1, "usage": [{"model": "claude-sonnet-4-6",
         "inputUsage": 1000, "outputUsage": 200, "totalUsage": 1200, "countTraces": 2, "countObservations": 3, "totalCost": 0.1}]}],
         "meta": {"page": 1, "limit": 50, "totalItems": 1, "totalPages": 1}},
    "cursor.events": {"usageEvents": [{"timestamp": "1781517600000", "model": "claude-sonnet-4-6",
        "kind": "Included in Business", "maxMode": False, "isTokenBasedCall": True, "userEmail": "a@b", "chargedCents": 10, "tokenUsage": {"inputTokens": 600, "outputTokens": 200,
        "cacheWriteTokens": 0, "cacheReadTokens": 400, "totalCents": 10}}]},
    "cloudflare":
        {"result": [{"id": "i", "created_at": "2026-06-15T10:00:00Z", "provider": "anthropic", "model": "claude-sonnet-4-6", "tokens_in":
        1000, "tokens_out": 200, "cost": 0.1, "cached": False, "success": True, "status_code": 200}]},
}


def write(path, rows, separator=",", encoding="utf-8", end="\n"):
    with open(path, "w", newline="", encoding=encoding) as f:
        csv.writer(f, delimiter=separator, lineterminator=end).writerows(rows)
    return path


def pack(path):
    with open(path + ".gz", "wb") as f:
        f.write(gzip.compress(open(path, "rb").read()))
    with zipfile.ZipFile(path + ".zip", "w") as z:
        z.write(path, "a folder/" + path)
    return [path + ".gz", path + ".zip"]


def ways_of_table(name, t):
    yield write("plain.csv", t)
    yield write("bom.csv", t, encoding="utf-8-sig", end="\r\n")
    yield write("semicolons.csv", t, separator=";")
    yield write("tabs.csv", t, separator="\t")
    yield write("empty.csv", t + [[""] * len(t[0])])
    yield write("wide.csv", t, encoding="utf-16")
    yield write("above.csv", [["Report of usage"], [], ["Organization", "Acme"]] + t)
    yield write("spreadsheet.csv", [["sep=;"]] + t, separator=";")
    yield write("joined.csv", t + t[:1])
    yield write("sums.csv", t + [["Total"] + ["9"] * (len(t[0]) - 1)])
    yield write("upper.csv", [[h.upper() for h in t[0]]] + t[1:])
    yield from pack("plain.csv")
    if name != "langfuse":  # counts are inside JSON
        yield write("thousands.csv", [t[0]] + [["1,000" if c == "1000" else c for c in r] for r in t[1:]])


def ways_of_document(d):
    for path, text in (("plain.json", json.dumps(d)), ("pretty.json", json.dumps(d, indent=2)), ("line.jsonl", json.dumps(d) + "\n"),
                       ("list.json", json.dumps([d]))):
        open(path, "w").write(text)
        yield path
    yield from pack("pretty.json")


def read(tally, path, db):
    run = subprocess.run([tally, "ingest", path, "--json"], capture_output=True, text=True, env=dict(os.environ, TALLY_DB=db))
    try:
        said = json.loads(run.stdout)
        return said.get("accepted"), said.get("duplicates"), run.stderr
    except ValueError:
        return None, None, run.stderr


def judge(tally, name, ways, number):
    db = "usage%d.db" % number
    for i, path in enumerate(ways):
        accepted, duplicates, why = read(tally, path, db)
        if (accepted, duplicates) != ((1, 0) if i == 0 else (0, 1)):
            print(name, path, "accepted", accepted, "duplicates", duplicates, why)
    run = subprocess.run([tally, "usage", "--json"], capture_output=True, text=True, env=dict(os.environ, TALLY_DB=db))
    t = json.loads(run.stdout)["tokens"]
    if (sum(t[k] for k in ("input", "cache_read", "cache_write_5m", "cache_write_1h")), t["output"]) != (1000, 200):
        print(name, t)


def main():
    tally, registry = sys.argv[1:]
    known = {json.load(open(os.path.join(registry, f)))["name"] for f in os.listdir(registry)
             if json.load(open(os.path.join(registry, f)))["kind"] != "bill"
             and not json.load(open(os.path.join(registry, f))).get("general")}
    if known - set(TABLES) - set(DOCUMENTS):
        print("no usage of", known - set(TABLES) - set(DOCUMENTS))
    number = 0
    for name, t in TABLES.items():
        judge(tally, name, ways_of_table(name, t), number := number + 1)
    for name, d in DOCUMENTS.items():
        judge(tally, name, ways_of_document(d), number := number + 1)


if __name__ == "__main__":
    main()
