#!/usr/bin/env python3
"""A month of usage, and the bill of a scripted vendor for it, in the formats that vendors write, with seeded faults.

  vendor_bill.py usage FILE           records of September 2026, as CSV
  vendor_bill.py formats DIR          the formats of the registry in DIR that state what was charged
  vendor_bill.py bill FORMAT FAULT FILE  prints the sum that the fault makes billed differ from metered

Money is decimal throughout; nothing is drawn at random that is not seeded."""
import calendar, csv, json, os, random, sys, time
from decimal import Decimal as D

RATE = {"claude-sonnet-4-6": (D(3), D(15)), "claude-haiku-4-5": (D(1), D(5))}  # of a million: input, output


def records():
    r = random.Random(20260901)
    out = []
    for day in range(1, 31):
        for model in sorted(RATE):
            for n in range(r.randint(1, 4)):
                # whole cents: a million tokens of input and 200,000 of output at a time
                out.append(("r%d-%s-%d" % (day, model, n), "2026-09-%02dT%02d:%02d:00Z" % (day, r.randint(1, 22), r.randint(0, 59)), model,
                            1000000 * r.randint(1, 5), 200000 * r.randint(1, 5)))
    return out


def lines():
    sums = {}
    for _, time, model, i, o in records():
        key = (time[:10], model)
        sums[key] = sums.get(key, D(0)) + (RATE[model][0] * i + RATE[model][1] * o) / 1000000
    return [[day, model, cost, "usage"] for (day, model), cost in sorted(sums.items())]


def seed(fault, rows):
    """The rows with the fault, and billed less metered that it makes."""
    at = next(k for k, r in enumerate(rows) if r[0] == "2026-09-17" and r[1] == "claude-sonnet-4-6")
    cost = rows[at][2]
    if fault == "none":
        return rows, D(0)
    if fault == "half":  # a batch's factor
        rows[at][2] = cost / 2
        return rows, -cost / 2
    if fault == "tenth":
        rows[at][2] = cost * D("1.1")
        return rows, cost / 10
    if fault == "tokens":  # a million more of input at the same price
        rows[at][2] = cost + 3
        return rows, D(3)
    if fault == "unmetered":
        rows[at][2] = cost + D("7.77")
        return rows, D("7.77")
    if fault == "missing":
        del rows[at]
        return rows, -cost
    if fault == "name":
        rows[at][1] = "claude-sonnet-next"
        return rows, D(0)
    if fault == "day":  # the same amount one day on
        rows[at][2] = D(0)
        nxt = next(k for k, r in enumerate(rows) if r[0] == "2026-09-18" and r[1] == "claude-sonnet-4-6")
        rows[nxt][2] += cost
        return rows, D(0)
    if fault == "rounding":
        rows[at][2] = cost + D("0.0045")
        return rows, D("0.0045")
    if fault == "price":  # of one model, from one day on, a third more of input
        more = D(0)
        for _, when, model, i, o in records():
            if model == "claude-sonnet-4-6" and when >= "2026-09-17":
                row = next(r for r in rows if r[0] == when[:10] and r[1] == model)
                row[2] += D(i) / 1000000
                more += D(i) / 1000000
        return rows, more
    if fault == "credit":
        rows.append(["2026-09-30", "", D("-5.55"), "credit"])
        return rows, D("-5.55")
    if fault in ("page", "cut"):  # the days from the 17th on are on a page, or in a file, that is not here
        return [r for r in rows if r[0] < "2026-09-17"], -sum((r[2] for r in rows if r[0] >= "2026-09-17"), D(0))
    if fault == "tax":
        rows.append(["2026-09-30", "", D("19.19"), "tax"])
        return rows, D("19.19")
    raise SystemExit("no such fault: " + fault)


def plain(d):
    t = format(d, "f")
    return t.rstrip("0").rstrip(".") if "." in t else t


def usd(c):
    return "$" + format(c, ",f")


def aws(m):  # a billing name: USE1-Claude4.6Sonnet-input-tokens
    return "USE1-%s-input-tokens" % {"claude-sonnet-4-6": "Claude4.6Sonnet", "claude-haiku-4-5": "Claude4.5Haiku"}.get(m, m) if m else ""


def shown(m):  # a display name
    return {"claude-sonnet-4-6": "Claude Sonnet 4.6", "claude-haiku-4-5": "Claude Haiku 4.5"}.get(m, m)


def dotted(m):  # as gateways write it
    return "anthropic/" + m.replace("-4-", "-4.") if m else ""


def us(d):
    return "%s/%s/%s" % (d[5:7], d[8:], d[:4])


def tax(kind, yes, no):
    """The word for a line of tax or of a credit in the case of the vendor's other words, else `no`."""
    if kind == "usage":
        return no
    return kind.title() if yes[0].isupper() else kind


# A file of rows: what the registry calls it, its header, and a row of it from day, model, cost and kind.
TABLES = {
    "csv": ("day,model,cost", lambda d, m, c, k: [d, m or k, plain(c)]),
    "deepseek.cost": ("user_id,utc_date,model,wallet_type,cost,currency", lambda d, m, c, k: ["u", d.replace("-", ""), m or k, "Paid", plain(-c), "USD"]),
    "openai.costs": ("start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id",
                     lambda d, m, c, k: ["", "", d + "T00:00:00+00:00", "", plain(c), "usd", m + ", input" if m else k, "p"]),
    "anthropic.costs": ("usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,inference_geo,speed",
                        lambda d, m, c, k: [d, shown(m), "Default", "k", "standard", "≤ 200k", "input_no_cache", plain(c), plain(c * 2),
                                            tax(k, "tax", "token"), "global", "standard"]),
    "aws.cur": ("line_item_line_item_type,line_item_usage_start_date,line_item_product_code,line_item_usage_type,line_item_usage_amount,pricing_unit,"
                "line_item_unblended_rate,line_item_unblended_cost,line_item_net_unblended_cost,line_item_currency_code",
                lambda d, m, c, k: [tax(k, "Tax", "Usage"), d + "T03:00:00.000Z", "AmazonBedrock", aws(m), "", "1K tokens", "9", plain(c * 2), plain(c), "USD"]),
    "azure.costs": ("date,meterCategory,meterName,quantity,unitOfMeasure,effectivePrice,costInBillingCurrency,billingCurrency,chargeType,resourceGroupName",
                    lambda d, m, c, k: [us(d), "Foundry Models", m and m + " Inp glbl Tokens", "", "1K", "9", plain(c), "USD", tax(k, "Tax", "Usage"), "rg"]),
    "gcp.billing": ("usage_start_time,service.description,sku.description,cost,currency,cost_type,credits,project.id",
                    lambda d, m, c, k: [d + " 05:00:00 UTC", "Vertex AI", (shown(m) if shown(m) != m else m.replace("-", " ")) + " Input Tokens" if m else "Tax",
                                        plain(c + 1), "USD", tax(k, "tax", "regular"), '[{"name": "promotion", "amount": -1}]', "p"]),
    "gcp.cost_table": ("Project name,Project ID,Service description,SKU description,Credit type,Cost type,Usage start date,Usage end date,Usage unit,"
                       "Unrounded Cost ($),Cost ($)",
                       lambda d, m, c, k: ["p", "p", "Vertex AI", (shown(m) if shown(m) != m else m.replace("-", " ")) + " Input Tokens" if m else "Tax", "",
                                           tax(k, "Tax", "Usage"), d, d, "count", plain(c), plain(c)]),
    "github.copilot": ("date,username,product,sku,model,quantity,unit_type,applied_cost_per_quantity,gross_amount,discount_amount,net_amount",
                       lambda d, m, c, k: [d, "me", "copilot", tax(k, "tax", "copilot_premium_request"), shown(m), "3.6", "requests", "0.04", plain(c + 1), "1", plain(c)]),
    "focus": ("BilledCost,EffectiveCost,ListCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ServiceName,ConsumedUnit,SkuMeter,x_UsageType",
              lambda d, m, c, k: [plain(c), "0", plain(c * 2), "USD", tax(k, "Tax", "Usage"), d + "T00:00:00Z", m or "tax", "", "", ""]),
    "openrouter.days": ("Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,Reasoning Tokens",
                        lambda d, m, c, k: [d, dotted(m) or k, plain(c), "0", "3", "1", "1", "0"]),
    "openrouter.activity": ("date,model,model_permaslug,endpoint_id,provider_name,usage,byok_usage_inference,requests,prompt_tokens,completion_tokens,reasoning_tokens",
                            lambda d, m, c, k: [d, dotted(m) or k, "x", "e", "Anthropic", plain(c), "0", "3", "1", "1", "0"]),
    "openrouter": ("generation_id,created_at,cost_total,cost_web_search,cost_cache,tokens_prompt,tokens_completion,model_permaslug,provider_name",
                   lambda d, m, c, k: ["g", d + " 10:00:00.123", plain(c), "0", "-1", "1", "1", dotted(m) or k, "Anthropic"]),
    "vercel.report": ("day,model,total_cost,market_cost,input_tokens,output_tokens,request_count",
                      lambda d, m, c, k: [d, dotted(m) or k, plain(c), plain(c * 2), "1", "1", "1"]),
    "helicone": ("request_id,request_created_at,model,prompt_tokens,completion_tokens,total_tokens,cost",
                 lambda d, m, c, k: ["r", d + "T01:00:00Z", m or k, "1", "1", "2", plain(c)]),
    "cursor": ("Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost",
               lambda d, m, c, k: [d + "T01:00:00.000Z", "On-Demand", m or k, "No", "0", "1", "0", "1", "2", usd(c)]),
    "alibaba.bailian": ("Billing Date,Product,Instance ID,List Price,Pretax Gross Amount,Pretax Amount,Currency",
                        lambda d, m, c, k: [d.replace("-", ""), "Model Studio", "text_token;llm-1;%s;output_token;app" % m if m else "tax", "9", plain(c * 2), plain(c), "USD"]),
    "github.copilot.usage": ("date,username,product,sku,model,quantity,unit_type,gross_amount,discount_amount,net_amount,input,output,cache_read,cache_write",
                             lambda d, m, c, k: [d, "me", "copilot", "ai_credit", shown(m) or k, "3.6", "ai-credits", plain(c + 1), "1", plain(c), "1", "1", "0", "0"]),
    "litellm": ("request_id,call_type,spend,startTime,endTime,model,total_tokens",
                lambda d, m, c, k: ["r", "acompletion", plain(c), d + " 01:00:00", "", m or k, "1"]),
    "litellm.days": ("id,user_id,date,api_key,model,model_group,custom_llm_provider,prompt_tokens,completion_tokens,spend,api_requests,successful_requests,failed_requests",
                     lambda d, m, c, k: ["i", "u", d, "hash", m or k, "", "anthropic", "1", "1", plain(c), "1", "1", "0"]),
    "langdock.models": ("period_start,period_end,org_id,name,provider,bring_your_keys,requests,sum_prompt_tokens,sum_completion_tokens,total_cost_usd",
                        lambda d, m, c, k: [d, next_day(d), "o", m or k, "anthropic", "true", "1", "1", "1", plain(c)]),
    "cloudflare": ("id,created_at,provider,model,tokens_in,tokens_out,cost",
                   lambda d, m, c, k: ["i", d + "T01:00:00Z", "anthropic", m or k, "1", "1", plain(c)]),
}


def documents(fmt, rows):
    days = sorted({r[0] for r in rows})
    if fmt == "aws.cost_explorer":
        def groups(d):
            return [{"Keys": [aws(r[1]) or "Tax", tax(r[3], "Tax", "Usage")], "Metrics": {
                "UnblendedCost": {"Amount": plain(r[2]), "Unit": "USD"}, "UsageQuantity": {"Amount": "1", "Unit": "N/A"}}} for r in rows if r[0] == d]
        return {"GroupDefinitions": [{"Type": "DIMENSION", "Key": "USAGE_TYPE"}, {"Type": "DIMENSION", "Key": "RECORD_TYPE"}], "ResultsByTime": [
            {"TimePeriod": {"Start": d, "End": next_day(d)}, "Total": {}, "Groups": groups(d), "Estimated": False} for d in days],
            "DimensionValueAttributes": []}
    if fmt == "xai.usage":  # one value of each series a day, which has no name
        models = sorted({(r[1], r[3]) for r in rows})
        return {"timeSeries": [{"group": ["Chat " + m if m else k], "groupLabels": ["Chat " + m if m else k], "dataPoints": [
            {"timestamp": r[0] + "T00:00:00Z", "values": [float(r[2])]} for r in rows if (r[1], r[3]) == (m, k)]} for m, k in models], "limitReached": False}
    if fmt == "azure.costs":  # a query
        return {"id": "q", "type": "Microsoft.CostManagement/query", "properties": {"nextLink": None, "columns": [
            {"name": n, "type": "String"} for n in ("PreTaxCost", "UsageDate", "Meter", "ChargeType", "Currency")], "rows": [
            [float(r[2]), int(r[0].replace("-", "")), r[1] and r[1] + " Inp glbl Tokens", tax(r[3], "Tax", "Usage"), "USD"] for r in rows]}}
    if fmt == "github.premium_requests":
        return [{"timePeriod": {"year": int(d[:4]), "month": int(d[5:7]), "day": int(d[8:])}, "organization": "o", "usageItems": [
            {"product": "Copilot", "sku": "Copilot Premium Request", "model": shown(r[1]) or r[3], "unitType": "requests", "pricePerUnit": 0.04,
             "grossQuantity": 3, "grossAmount": float(r[2]) + 1, "discountQuantity": 1, "discountAmount": 1, "netQuantity": 2,
             "netAmount": float(r[2])} for r in rows if r[0] == d]} for d in days]
    if fmt == "stripe.invoice":  # cents
        def second(d):
            return calendar.timegm(time.strptime(d, "%Y-%m-%d"))
        charged = [r for r in rows if r[3] == "usage"]
        words = {"claude-sonnet-next": "Claude Opus 4.6"}  # a name in free words is one that a card knows
        taxes = [{"amount": int(r[2] * 100), "inclusive": False} for r in rows if r[3] == "tax"]
        credits = [{"amount": int(-r[2] * 100), "type": "credit_balance_transaction"} for r in rows if r[3] == "credit"]
        return {"id": "in_1", "object": "invoice", "currency": "usd", "status": "paid", "total": plain(sum(r[2] for r in rows) * 100),
                "total_tax_amounts": taxes, "total_pretax_credit_amounts": credits, "lines": {"object": "list", "has_more": False, "data": [
                    {"id": "il_%d" % n, "object": "line_item", "amount": plain(r[2] * 100), "currency": "usd", "description": words.get(r[1], shown(r[1])) + " tokens",
                     "period": {"start": second(r[0]), "end": second(next_day(r[0]))}, "quantity": None, "discount_amounts": []}
                    for n, r in enumerate(charged)]}}
    if fmt.startswith("litellm.activity"):
        def metrics(r):
            one = {"spend": float(r[2]), "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "api_requests": 1}
            return one if fmt.endswith("older") else {"metadata": {}, "metrics": one}
        return {"results": [{"date": d, "metrics": {"spend": 1, "api_requests": 1, "prompt_tokens": 1, "completion_tokens": 1}, "breakdown": {
            "models": {r[1] or r[3]: metrics(r) for r in rows if r[0] == d}}} for d in days], "metadata": {"page": 1, "total_pages": 1, "has_more": False}}
    if fmt == "langfuse.days":
        return {"data": [{"date": d, "countTraces": 1, "countObservations": 1, "totalCost": 1, "usage": [
            {"model": r[1] or r[3], "inputUsage": 1, "outputUsage": 1, "totalUsage": 2, "countTraces": 1, "countObservations": 1,
             "totalCost": float(r[2])} for r in rows if r[0] == d]} for d in days], "meta": {"page": 1, "limit": 50, "totalItems": 30, "totalPages": 1}}
    if fmt == "anthropic.cost_report":  # cents
        return {"data": [{"starting_at": d + "T00:00:00Z", "ending_at": d + "T24:00:00Z", "results": [
            {"currency": "USD", "amount": plain(r[2] * 100), "model": r[1] or None, "cost_type": "tokens" if r[1] else "tax"} for r in rows if r[0] == d]}
            for d in days], "has_more": False}
    return {"object": "page", "data": [{"object": "bucket", "start_time": calendar.timegm(time.strptime(d, "%Y-%m-%d")), "results": [
        {"amount": {"value": plain(r[2]), "currency": "usd"}, "line_item": r[1] + ", input" if r[1] else r[3]} for r in rows if r[0] == d]} for d in days],
        "has_more": False}


def pages(fmt, rows):
    """The document as the first of several pages; None where the vendor's answers have none."""
    doc = documents(fmt.partition("/")[0], rows) if fmt in DOCUMENTS or fmt.endswith("/page") else None
    if fmt == "aws.cost_explorer":
        doc["NextPageToken"] = "abc"
    elif fmt == "azure.costs/page":
        doc["properties"]["nextLink"] = "https://management.example/next"
    elif fmt == "stripe.invoice":
        doc["lines"]["has_more"] = True
    elif fmt.startswith("litellm.activity"):
        doc["metadata"].update(total_pages=2)
    elif fmt == "langfuse.days":
        doc["meta"].update(page=1, totalPages=2)
    elif fmt == "xai.usage":
        doc["limitReached"] = True
    elif doc and "has_more" in doc:
        doc.update(has_more=True, next_page="page_abc")
    else:
        return None
    return doc


# Only documents of these are published.
DOCUMENTS = {"stripe.invoice", "litellm.activity", "litellm.activity.older", "anthropic.cost_report", "aws.cost_explorer", "github.premium_requests", "langfuse.days", "xai.usage"}
# What has to be said of a document whose values have no names.
SAID = {"xai.usage": ["--map", "cost=values.0"]}


def drawn(doc, rows):
    """A bill in a format of the registry by what the registry says of it alone, as JSON: so that a format which nobody wrote a table for is billed, too."""
    cols, only = doc["columns"], doc.get("only", {})
    names = [n[0] if isinstance(n, list) else n for n in doc["needs"]]
    said = {cols.get(n) for n in names}
    for name, meaning in cols.items():
        if meaning in ("start", "model", "cost", "currency", "kind", "year", "month", "day") and meaning not in said:
            names.append(name)
            said.add(meaning)

    def value(name, d, m, c, k):
        meaning = cols.get(name)
        return {"start": d, "end": d if doc.get("ends") else next_day(d), "year": d[:4], "month": str(int(d[5:7])), "day": str(int(d[8:])), "model": m or k,
                "cost": plain(c * {"cents": 100, "micro cents": 10 ** 8}.get(doc.get("money"), 1)), "currency": "USD", "kind": k, "list": plain(c), "provider": "anthropic",
                "net": plain(c), "product": "", "what": m or k, "fee": "0"}.get(meaning, "1" if meaning else "")

    out = []
    for r in rows:
        row = {}
        for name in names:
            at = row
            *inner, last = name.split(".")
            for part in inner:
                at = at.setdefault(part, {})
            at[last] = only.get(name) or value(name, *r)
        out.append({doc["rows"]: [row]} if "rows" in doc else row)
    return out


def next_day(d):
    return time.strftime("%Y-%m-%d", time.gmtime(calendar.timegm(time.strptime(d, "%Y-%m-%d")) + 86400))


def write(fmt, rows, path):
    if fmt.startswith("registry:"):
        return open(path, "w").write("".join(json.dumps(r) + "\n" for r in drawn(json.load(open(fmt.partition(":")[2])), rows)))
    fmt, _, how = fmt.partition("/")
    if fmt in DOCUMENTS or how == "page":
        return json.dump(documents(fmt, rows), open(path, "w"))
    if how == "tokens":  # lines of input and of output with their quantities: what is not output was charged for input
        head, _ = TABLES[fmt]
        out = []
        for d, m, c, _ in rows:
            n = sum(r[4] for r in records() if r[1][:10] == d and r[2] == m)
            charged = RATE[m][1] * n / 1000000
            for word, cost, count in (("input", c - charged, (c - charged) / RATE[m][0] * 1000), ("output", charged, D(n) / 1000)):
                out.append(["Usage", d + "T03:00:00.000Z", "AmazonBedrock", aws(m).replace("input", word), plain(count), "1K tokens", "9", plain(cost), plain(cost), "USD"])
        with open(path, "w", newline="") as f:
            csv.writer(f).writerows([head.split(",")] + out)
        return
    head, row = TABLES[fmt]
    table = [head.split(",")] + [row(*r) for r in rows]
    if how == "json":  # rows as an interface gives them
        return open(path, "w").write("\n".join(json.dumps(dict(zip(table[0], r))) for r in table[1:]) + "\n")
    if how == "sheet":  # through a German spreadsheet: semicolons, decimal commas, another case
        table = [[h.upper() for h in table[0]]] + [[f.replace(".", ",") if f.replace(".", "", 1).lstrip("-").isdigit() else f for f in r] for r in table[1:]]
    with open(path, "w", newline="", encoding="utf-8-sig" if how == "sheet" else "utf-8") as f:
        csv.writer(f, delimiter=";" if how == "sheet" else ",").writerows(table)


def main():
    if sys.argv[1] == "usage":
        with open(sys.argv[2], "w") as f:
            f.write("id,time,model,input,output\n")
            for r in records():
                f.write(",".join(map(str, r)) + "\n")
        return
    if sys.argv[1] == "formats":  # what can be billed: of the registry in that directory, and none that is missing here
        known, path_of = set(), {}
        for name in sorted(os.listdir(sys.argv[2])):
            path_of["registry:" + os.path.join(sys.argv[2], name)] = doc = json.load(open(os.path.join(sys.argv[2], name)))
            if doc.get("general"):  # of nobody in particular, and no bill
                continue
            if "model" not in doc["columns"].values():  # one of fees
                continue
            if not {"start", "year", "billed_month"} & set(doc["columns"].values()):  # of the days that are asked for
                continue
            if doc["kind"] == "bill" or ("cost" in doc.get("columns", {}).values() and doc.get("costs") != "no bill"):
                known.add(doc["name"])
        by_hand = set(TABLES) | DOCUMENTS
        # words of a vendor's own for models are nothing that could be drawn
        missing = {doc["name"] for doc in path_of.values() if doc["name"] in known - by_hand and doc.get("spelling")}
        if missing:
            raise SystemExit("no vendor bills in " + ", ".join(sorted(missing)))
        all_of = [p for p, doc in path_of.items() if doc["name"] in known - set(SAID) and doc.get("spelling") is None]
        print("\n".join(sorted((known & by_hand) | {"csv", "csv/sheet", "openai.costs/page", "azure.costs/page", "gcp.billing/json", "focus/sheet", "aws.cur/sheet", "aws.cur/tokens",
                                                    "openrouter.activity/json"}) + all_of))
        return
    rows, off = seed(sys.argv[3], lines())
    write(sys.argv[2], rows, sys.argv[4])
    print(plain(off))


if __name__ == "__main__":
    main()
