#!/usr/bin/env python3
"""bills.py TALLY: bills of many hands beside the meter of tests/cli/registry.bats; prints what is read wrong.

Each is its name, its files, what is billed by model, the lines that are no usage by kind, and the exit status (None: an error that
holds the words)."""
import gzip, json, subprocess, sys, zipfile

CUR = ("line_item_line_item_type,line_item_usage_start_date,line_item_product_code,line_item_usage_type,line_item_usage_amount,pricing_unit,"
       "line_item_unblended_cost,line_item_net_unblended_cost,line_item_currency_code\n")
SONNET, HAIKU, GPT, FLASH = "claude-sonnet-4-6", "claude-haiku-4-5", "gpt-4o-2024-11-20", "gemini-2.5-flash"


def page(start, end, model, cents, more):
    return json.dumps({"data": [{"starting_at": start + "T00:00:00Z", "ending_at": end + "T00:00:00Z",
                                 "results": [{"currency": "USD", "amount": cents, "model": model}] if model else []}], "has_more": more})


P1, P2, P3 = (page("2026-06-15", "2026-06-16", SONNET, "600", True), page("2026-06-16", "2026-06-17", HAIKU, "400.00", True),
              page("2026-06-17", "2026-06-18", None, None, False))
GCP = {"usage_start_time": "2026-06-16 10:00:00 UTC", "service": {"description": "Vertex AI"}, "cost": 3.5, "currency": "USD", "cost_type": "regular",
       "sku": {"id": "y", "description": "Gemini 2.5 Flash GA Text Input - Predictions"}, "credits": [{"amount": -0.5}], "usage": {"unit": "count"}}

CASES = [
    ("AWS in two parts, net, with other services", [
        CUR + "Usage,2026-06-15T01:00:00.000Z,AmazonBedrock,USE1-Claude4.6Sonnet-input-tokens,2000,1K tokens,7.0,6.0,USD\n"
              "Usage,2026-06-15T01:00:00.000Z,AmazonEC2,USE1-BoxUsage:t3.micro,24,Hrs,0.5,0.5,USD\n",
        CUR + "Usage,2026-06-15T02:00:00.000Z,AmazonBedrock,USE1-Claude4.6Sonnet-output-tokens,0,1K tokens,0,0,USD\n"
              "EdpDiscount,2026-06-15T02:00:00.000Z,AmazonBedrock,,,,-0.2,-0.2,USD\nSavingsPlanNegation,2026-06-15T02:00:00Z,AmazonBedrock,,,,-1,-1,USD\n"
              "Tax,2026-06-01T00:00:00Z,AmazonBedrock,,,,0.8,0.8,USD\n"], {SONNET: "6"},
     {"tax": "0.8", "other service": "0.5", "adjustment": "-1.2"}, 0),
    ("AWS, the same row in two parts", [CUR + "Usage,2026-06-15T01:00:00Z,AmazonBedrock,USE1-Claude4.6Sonnet-input-tokens,2000,1K tokens,6,6,USD\n",
                                        CUR + "Usage,2026-06-15T01:00:00Z,AmazonBedrock,USE1-Claude4.6Sonnet-input-tokens,2000,1K tokens,6,6,USD\n\n"],
     "same row", None, None),
    ("AWS, the older report's names", ["lineItem/LineItemType,lineItem/UsageStartDate,lineItem/ProductCode,lineItem/UsageType,lineItem/UnblendedCost,"
                                       "lineItem/CurrencyCode\nUsage,2026-06-15T01:00:00Z,AmazonBedrock,USE1-Claude4.6Sonnet-input-tokens,6.0,USD\n"],
     {SONNET: "6"}, {}, 0),
    ("AWS's marketplace and regions", [
        "line_item_line_item_type,line_item_usage_start_date,line_item_product_code,line_item_usage_type,product_product_name,line_item_unblended_cost,"
        "line_item_currency_code\nUsage,2026-06-15T01:00:00Z,abc123,USE1-MP:USE1_InputTokenCount-Units,Claude Sonnet 4.6 (Amazon Bedrock Edition),4,USD\n"
        "Usage,2026-06-15T01:00:00Z,AmazonBedrock,EU-Claude4.6Sonnet-input-tokens-batch,Amazon Bedrock,2,USD\n"
        "Usage,2026-06-15T01:00:00Z,AmazonS3,EU-TimedStorage-ByteHrs,Amazon Simple Storage Service,1,USD\n"], {SONNET: "6"}, {"other service": "1"}, 0),
    ("Azure, the older enterprise's", ["Date,Meter Category,Meter Name,Consumed Quantity,Resource Rate,Extended Cost\n"
                                       "06/16/2026,Cognitive Services,gpt 4o 1120 Outp glbl Tokens,1,1,10\n"], {GPT: "10"}, {}, 5),
    ("Alibaba's instances, with a key and without", ["Billing Date,Instance ID,Pretax Gross Amount,Pretax Amount,Currency\n"
                                                     "20260615,12xxx;llm-xxx;claude-sonnet-4-6;output_token;app,9,4,USD\n"
                                                     "20260615,llm-xxx;claude-sonnet-4-6;input_token;app,9,2,USD\n20260615,i-ecs,9,1,USD\n", "--provider", "anthropic"],
     {SONNET: "6"}, {"other service": "1"}, 0),
    ("Azure, month first, a date without a year", [
        "\ufeffinvoiceId,date,meterCategory,meterName,quantity,unitOfMeasure,costInBillingCurrency,billingCurrency,chargeType,paygCostInUsd\r\n"
        ",06/16/2026,Cognitive Services,gpt 4o 1120 Inp glbl Tokens,4000,1K,10,USD,Usage,10\r\n"
        ",06/07/2026,Storage,LRS Data Stored,1,1 GB/Month,0.3,USD,Usage,10\r\n"], {GPT: "10"}, {"fee": "0.3"}, 5),
    ("Azure, an enterprise's spelling", ["Date,MeterCategory,MeterName,Quantity,UnitOfMeasure,CostInBillingCurrency,BillingCurrencyCode,ChargeType\n"
                                         "06/16/2026,Azure OpenAI,gpt-4o-1120-Inp-glbl Tokens,4000,1K,10,USD,Usage\n"], {GPT: "10"}, {}, 5),
    ("Azure, pay as you go", ["UsageDateTime,MeterName,PreTaxCost,Currency\n2026-06-16,gpt 4o 1120 Inp Data Zone Tokens,10,USD\n"], {GPT: "10"}, {}, 5),
    ("Google, objects in fields", [
        'usage_start_time,service,sku,cost,currency,cost_type,credits\n2026-06-16 10:00:00 UTC,"{""description"":""Vertex AI""}",'
        '"{""description"":""Gemini 2.5 Flash GA Text Input - Predictions""}",3.5,USD,regular,"[{""amount"":-0.5}]"\n'
        '2026-06-16 10:00:00 UTC,"{""description"":""Compute Engine""}","{""description"":""N1 Predefined Instance Core""}",2,USD,regular,[]\n'],
     {FLASH: "3"}, {"other service": "2"}, 5),
    ("Google, a document a line", [json.dumps(GCP) + "\n" + json.dumps(dict(GCP, cost=0.5, cost_type="tax", credits=[], sku={"description": "Tax"})) + "\n"],
     {FLASH: "3"}, {"tax": "0.5"}, 5),
    ("words above the header", ["Invoice number,123\nInvoice date,2026-07-01\n\nusage_start_time,sku.description,cost,currency\n"
                                "2026-06-16,Gemini 2.5 Flash GA Text Input - Predictions,3,USD\n"], {FLASH: "3"}, {}, 5),
    ("FOCUS of AWS", ["BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ServiceName,ConsumedUnit,x_UsageType\n"
                      "6,USD,Usage,2026-06-15T01:00:00Z,Amazon Bedrock,1K tokens,USE1-Claude4.6Sonnet-input-tokens\n"
                      "1,USD,Usage,2026-06-15T01:00:00Z,Amazon EC2,Hours,USE1-BoxUsage\n"], {SONNET: "6"}, {"fee": "1"}, 0),
    ("FOCUS of Azure", ["BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ServiceName,ConsumedUnit,x_SkuMeterName\n"
                        "10,USD,Usage,2026-06-16T00:00:00Z,Azure OpenAI,1K,gpt 4o 1120 Inp glbl Tokens\n"], {GPT: "10"}, {}, 5),
    ("FOCUS of Google", ["BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ServiceName,ConsumedUnit,ChargeDescription\n"
                         "3,USD,Usage,2026-06-16T00:00:00Z,Vertex AI,count,Gemini 2.5 Flash GA Text Input - Predictions\n"], {FLASH: "3"}, {}, 5),
    ("FOCUS in another case, with semicolons", ["billed_cost;billing_currency;charge_category;charge_period_start;service_name\n"
                                                "6,00;USD;Usage;2026-06-15T01:00:00Z;claude-sonnet-4-6\n"], {SONNET: "6"}, {}, 0),
    ("Copilot with seats", ["date,username,product,sku,model,quantity,unit_type,gross_amount,discount_amount,net_amount\n"
                            "2026-06-15,me,copilot,copilot_premium_request,Auto: Claude Sonnet 4.6,150,requests,6.5,0.5,6\n"
                            "2026-06-15,me,copilot,copilot_for_business,,0.03,user-months,0.6,0,0.6\n"], {SONNET: "6"}, {"fee": "0.6"}, 0),
    ("Cursor's events", ["Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost\n"
                         '"2026-06-15T01:00:00.000Z",On-Demand,claude-sonnet-4-6,No,0,1,0,0,1,$6.00\n'
                         '"2026-06-15T01:00:00.000Z",Included,claude-sonnet-4-6,No,0,1,0,0,1,Included\n'], {SONNET: "6"}, {}, 0),
    ("OpenAI's page", ["start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id\n"
                       '1781568000,1781654400,2026-06-16T00:00:00+00:00,,10,usd,"gpt-4o-2024-11-20, input",p\n'
                       "1781568000,1781654400,2026-06-16T00:00:00+00:00,,,,,\n1781568000,1781654400,2026-06-16T00:00:00+00:00,,0.5,usd,web search tool calls,p\n"
                       '1781568000,1781654400,2026-06-16T00:00:00+00:00,,1e-05,usd,"priority | gpt-4o-2024-11-20 audio, output, long context",p\n'],
     {GPT: "10.00001"}, {"fee": "0.5"}, 0),
    ("Anthropic's Console", ["usage_date_utc,model,token_type,cost_usd,list_price_usd,cost_type\n2026-06-15,Claude Sonnet 4.6,output,6.00,7,token\n"
                             "2026-06-15,,,0.01,0.01,web_search\n"], {SONNET: "6"}, {"fee": "0.01"}, 0),
    ("OpenRouter's calls, a lasting name", ["generation_id,created_at,cost_total,model_permaslug\ng,2026-06-15 10:00:00.1,6,anthropic/claude-4.6-sonnet-20260217\n"],
     {"anthropic/claude-4.6-sonnet-20260217": "6"}, {}, 0),
    ("LiteLLM's spends", [json.dumps([{"request_id": "r", "call_type": "c", "spend": 6.0, "startTime": "2026-06-15T01:00:00Z", "model": SONNET}])],
     {SONNET: "6"}, {}, 0),
    ("three pages", [P1, P2, P3], {SONNET: "6", HAIKU: "4"}, {}, 0),
    ("three pages in a list", ["[%s,%s,%s]" % (P1, P2, P3)], {SONNET: "6", HAIKU: "4"}, {}, 0),
    ("three pages, a line each", ["%s\n%s\n%s\n" % (P1, P2, P3)], {SONNET: "6", HAIKU: "4"}, {}, 0),
    ("the page in the middle is missing", [P1, P3], {SONNET: "6"}, {}, 3),
    ("a spreadsheet's first line, euros by the column's name", ["sep=;\nday;model;cost (EUR)\n15.06.2026;claude-sonnet-4-6;6,00\n"], "EUR", None, None),
    ("euros by the sign", ["day,model,cost\n2026-06-15,claude-sonnet-4-6,€6.00\n"], "EUR", None, None),
    ("tabs, an English date, a code before the amount", ['Day\tModel\tCost\n"Jun 15, 2026"\tclaude-sonnet-4-6\tUSD 6.00\n'], {SONNET: "6"}, {}, 0),
    ("a minus behind, a time behind a day", ["day,model,cost\n2026/06/15 10:00:00,claude-sonnet-4-6,7.00\n15-Jun-2026,claude-sonnet-4-6,1.00-\n"], {SONNET: "6"}, {}, 0),
    ("a minus of typographers", ["day,model,cost\n2026-06-15,claude-sonnet-4-6,7.00\n2026-06-15,claude-sonnet-4-6,−1.00\n"], {SONNET: "6"}, {}, 0),
    ("a day that may be two", ["day,model,cost\n06-07-2026,claude-sonnet-4-6,6\n"], "2026-06-15", None, None),
    ("tax and credit as rows of their own", ["day,model,cost\n2026-06-15,claude-sonnet-4-6,6\n2026-06-15,VAT,0.5\n2026-06-15,Credit,-0.25\n"],
     {SONNET: "6"}, {"tax": "0.5", "credit": "-0.25"}, 0),
    ("headers in German", ["Datum;Modell;Betrag;Währung\n15.06.2026;claude-sonnet-4-6;6,00;USD\n"], {SONNET: "6"}, {}, 0),
    ("headers in Chinese, twice", ["日期,模型,金额,币种\n2026-06-15,claude-sonnet-4-6,6.00,USD\n日期,模型,金额,币种\n"], {SONNET: "6"}, {}, 0),
    ("words above our own header", ["Period,,Money\nDate,Model,Total (USD)\n2026-06-15,claude-sonnet-4-6,6\n"], {SONNET: "6"}, {}, 0),
    ("two columns that may be the cost", ["Date,Model,Amount,Total\n2026-06-15,claude-sonnet-4-6,6,7\n"], "may both be the cost", None, None),
    ("a column twice", ["day,model,cost,cost\n2026-06-15,claude-sonnet-4-6,6,7\n"], "is there twice", None, None),
    ("a cost by our own name beside a quantity", ["day,model,cost,amount\n2026-06-15,claude-sonnet-4-6,6,7\n"], {SONNET: "6"}, {}, 0),
    ("--map beside a known header", ["usage_date_utc,model,cost_usd,net\n2026-06-15,Claude Sonnet 4.6,7,6\n", "--map", "cost=net"], {SONNET: "6"}, {}, 0),
]


def told(tally, files):
    paths, at = [], next((i for i, f in enumerate(files) if f.startswith("--")), len(files))
    for i, text in enumerate(files[:at]):
        paths.append("bill%d" % i)
        open(paths[-1], "w", newline="").write(text)
    return subprocess.run([tally, "reconcile", "--json"] + files[at:] + paths, capture_output=True, text=True), paths


def judge(name, run, models, others, status):
    if others is None:
        if run.returncode != 1 or models not in run.stderr:
            print(name, ": wanted an error about", models, "and got", run.returncode, run.stderr, run.stdout[:200])
        return
    said = json.loads(run.stdout)
    if "lines" not in said:
        print(name, ":", run.stderr)
        return
    billed = {l["model"]: l["billed"] for l in said["lines"] if l["billed"] is not None}
    from decimal import Decimal
    kinds = {}
    for o in said["other"]:
        kinds[o["kind"]] = kinds.get(o["kind"], Decimal(0)) + Decimal(o["billed"])
    wrong = [l for l in said["lines"] if l["billed"] is not None and l["result"] != "matches"]
    if billed != models or kinds != {k: Decimal(v) for k, v in others.items()} or run.returncode != status or wrong:
        print(name, ":", billed, {k: str(v) for k, v in kinds.items()}, run.returncode, wrong, run.stderr)


def main():
    tally = sys.argv[1]
    for name, files, models, others, status in CASES:
        run, paths = told(tally, files)
        judge(name, run, models, others, status)
        if len(paths) == 1 and status is not None and len(files) == 1:  # packed, too
            with gzip.open("bill.gz", "wb") as f:
                f.write(open(paths[0], "rb").read())
            with zipfile.ZipFile("bill.zip", "w") as z:
                z.write(paths[0], "a folder/name.csv")
            for packed in ("bill.gz", "bill.zip"):
                judge(name + ", " + packed, subprocess.run([tally, "reconcile", "--json", packed], capture_output=True, text=True), models, others, status)


main()
