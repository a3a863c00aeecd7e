#!/usr/bin/env python3
"""vendor_bills.py TALLY: bills as vendors, clouds, gateways and spreadsheets write them, their shapes after documents, fixtures and reports
of bugs, all values our own; prints what is read wrong.

case(name, files, billed by model, no usage by kind, words of stderr that are wanted, arguments, words of an error): the truth of each was
worked out by hand. A model that is billed must be compared with the calls that were metered of it."""
import gzip, io, json, subprocess, sys, zipfile
from decimal import Decimal as D

TALLY = sys.argv[1]
CASES = []
MODELS = ["claude-sonnet-4-6", "claude-haiku-4-5", "claude-opus-4-6", "claude-3-5-sonnet-20241022", "claude-3-haiku-20240307", "gpt-4o-2024-11-20",
     "gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18", "gpt-5.1", "gpt-5-mini", "gpt-4.1", "o3", "o4-mini", "text-embedding-3-small",
 "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro", "gemini-3-flash-preview", "deepseek-v4-flash", "deepseek-v4-pro", "deepseek-r1",
      "deepseek-v3.1", "amazon.nova-pro-v1:0", "amazon.nova-2-lite-v1:0", "openai.gpt-oss-120b-1:0", "meta.llama3-3-70b-instruct-v1:0", "mistral-large",
      "qwen3-max", "grok-4", "claude-opus-4-1"]


def case(name, files, models, others=None, say="", args=(), err=None):
    CASES.append((name, files, models, others or {}, say, list(args), err))
S, H = "claude-sonnet-4-6", "claude-haiku-4-5"
# --- numbers, separators, encodings
case("CR/DR amounts", ["day,model,cost\n2026-06-15,%s,7.00 DR\n2026-06-15,%s,1.00 CR\n" % (S, S)], {S: "6.00"})
case("Cr. before", ["day,model,cost\n2026-06-15,%s,$7.00\n2026-06-15,Credit,1.00Cr\n" % S], {S: "7"}, {"credit": "-1"})
case("Indian groups", ['day,model,cost\n2026-06-15,%s,"1,00,000.00"\n' % S], {S: "100000"})
case("Indian groups with sign", ['day,model,cost,currency\n2026-06-15,%s,"$12,34,567.89",USD\n' % S], {S: "1234567.89"})
case("pipes", ["day|model|cost\n2026-06-15|%s|6.00\n" % S], {S: "6"})
case("swiss apostrophes", ["Datum;Modell;Betrag\n15.06.2026;%s;1'234.50\n" % S], {S: "1234.5"})
case("utf-16 tab", [("\ufeffDay\tModel\tCost\r\n2026-06-15\t%s\t6,50\r\n" % S).encode("utf-16")], {S: "6.5"},)
case("french spaces, tva row", ["Date;Modèle;Montant;Devise\n15/06/2026;%s;1 234,50;USD\n15/06/2026;TVA;200,00;USD\n" % S], {S: "1234.5"}, {"tax": "200"})
case("a code between minus and amount", ["day,model,cost\n2026-06-15,%s,USD 7.00\n2026-06-15,Refund,-USD 1.00\n" % S], {S: "7"}, {"refund": "-1"})
case("minus after $", ["day,model,cost\n2026-06-15,%s,$7.00\n2026-06-15,Discount,$-1.00\n" % S], {S: "7"}, {"adjustment": "-1"})
case("brackets $", ["day,model,cost\n2026-06-15,%s,$7.00\n2026-06-15,Credit,($1.00)\n" % S], {S: "7"}, {"credit": "-1"})
case("quoted formula escape", ["day,model,cost\n2026-06-15,%s,'7.00\n" % S], {S: "7"})
case("percent is no amount", ["day,model,cost\n2026-06-15,%s,7%%\n" % S], None, err="number")
case("latin-1 file", ["day,model,cost,remark\n2026-06-15,claude-sonnet-4-6,6,caf\xe9\n".encode("latin-1")], {S: "6"})
# --- invoices of a card processor
inv = "Invoice ID,Invoice Number,Invoice Date,Due Date,Customer,Line Item Description,Quantity,Unit Amount,Line Item Amount,Currency,Tax\n"
case("invoice lines with map", [inv + "in_1,A-1,2026-06-15,2026-07-15,me,claude-sonnet-4-6,1,6.00,6.00,usd,0.50\n"], {S: "6"}, args=["--map",
     "day=Invoice Date", "--map", "model=Line Item Description", "--map", "cost=Line Item Amount"], say="doubt")
case("two map nones", ["day,model,cost,sort,other\n2026-06-15,%s,6,Tax,Credit\n" % S], {S: "6"}, args=["--map", "none=sort", "--map", "none=other"])
# --- totals
case("total rows and blank rows", ["day,model,cost\n2026-06-15,%s,6\n,,\n,Total,6\n\n" % S], {S: "6"})
case("Grand total at model col", ["day,model,cost\n2026-06-15,%s,6\nGrand Total,,6\n" % S], {S: "6"})
case("subtotals per day", ["day,model,cost\n2026-06-15,%s,6\n2026-06-15,Subtotal,6\n2026-06-16,%s,4\n2026-06-16,Subtotal,4\nTotal,,10\n" % (S, H)],
     {S: "6", H: "4"})
case("Summe in German", ["Datum;Modell;Betrag\n15.06.2026;%s;6,00\nGesamtsumme;;6,00\n" % S], {S: "6"})
case("Total général", ["Date;Modèle;Montant\n15/06/2026;%s;6,00\nTotal général;;6,00\n" % S], {S: "6"})
# --- AWS
CUR = "bill_billing_period_start_date,line_item_line_item_type,line_item_usage_start_date,line_item_usage_end_date,line_item_product_code,line_item_usage_type,line_item_operation,line_item_usage_amount,pricing_unit,line_item_unblended_cost,line_item_net_unblended_cost,line_item_currency_code,product,line_item_line_item_description\n"
def cur(*rows):
    return CUR + "".join(r + "\n" for r in rows)
def crow(typ, ut, cost, unit="1K tokens", code="AmazonBedrock", prod="", desc="", kind="Usage"): 
    return "2026-06-01T00:00:00.000Z,%s,2026-06-15T01:00:00.000Z,2026-06-15T02:00:00.000Z,%s,%s,InvokeModelInference,1,%s,%s,%s,USD,%s,%s" % (kind, code,
         ut, unit, cost, cost, prod, desc)
case("CUR four kinds", [cur(crow(0, "USE1-Claude4.6Sonnet-input-tokens", "1"), crow(0, "USE1-Claude4.6Sonnet-output-tokens", "2"), crow(0,
     "USE1-Claude4.6Sonnet-cache-read-input-token-count", "0.5"), crow(0, "USE1-Claude4.6Sonnet-cache-write-input-token-count", "0.25"))], {S: "3.75"})
case("CUR cross-region-global suffixes", [cur(crow(0, "EUC1-Claude4.5Haiku-input-tokens-cross-region-global", "1"), crow(0,
     "APN1-Claude4.5Haiku-cache-write-1h-input-token-count-cross-region-global", "2"))], {H: "3"})
case("CUR batch/flex/priority", [cur(crow(0, "USW2-Claude4.6Sonnet-input-tokens-batch", "1"), crow(0, "USE2-Claude4.6Sonnet-output-tokens-batch", "1"))],
     {S: "2"})
case("CUR Nova", [cur(crow(0, "USE1-NovaPro-input-tokens", "1"), crow(0, "USE1-NovaPro-input-tokens-latency-optimized", "1"))],
     {"amazon.nova-pro-v1:0": "2"})
case("CUR Nova 2 Lite", [cur(crow(0, "USE1-Nova2.0Lite-input-tokens-flex", "1"))], {"amazon.nova-2-lite-v1:0": "1"})
case("CUR Llama", [cur(crow(0, "USE1-Llama3-3-70B-input-tokens", "1"))], {"meta.llama3-3-70b-instruct-v1:0": "1"})
case("CUR gpt-oss mantle", [cur(crow(0, "USE1-openai.gpt-oss-120b-mantle-input-tokens-standard", "1"), crow(0,
     "USE1-openai.gpt-oss-120b-mantle-cache-read-tokens-standard", "1"), crow(0, "USE1-openai.gpt-oss-120b-mantle-output-tokens-long-ctx-flex", "1"))],
     {"openai.gpt-oss-120b-1:0": "3"})
case("CUR marketplace map", [cur(crow(0, "USE1-MP:USE1_InputTokenCount-Units", "4", "Units", "abc123",
     '"{""product_name"":""Claude Sonnet 4.6 (Amazon Bedrock Edition)""}"'), crow(0, "USE1-MP:USE1_output_tokens_global_standard-Units", "4", "1M tokens",
     "abc123", '"{""product_name"":""Claude Sonnet 4.6 (Amazon Bedrock Edition)""}"'))], {S: "8"})
case("CUR marketplace old claude", [cur(crow(0, "USW2-MP:USW2_InputTokenCount-Units", "4", "Units", "abc123",
     '"{""product_name"":""Claude 3.5 Sonnet v2 (Amazon Bedrock Edition)""}"'), crow(0, "USW2-MP:USW2_InputTokenCount-Units", "1", "Units", "abd",
     '"{""product_name"":""Claude 3 Haiku (Amazon Bedrock Edition)""}"'))], {"claude-3-5-sonnet-20241022": "4", "claude-3-haiku-20240307": "1"})
case("CUR provisioned throughput", [cur(crow(0, "USE1-Claude4.6Sonnet-ProvisionedThroughput-1mo-ModelUnits", "100", "hours"), crow(0,
     "USE1-Claude4.6Sonnet-input-tokens", "1"))], {S: "1"}, {"fee": "100"})
case("CUR provisioned hrs", [cur(crow(0, "USE1-Provisioned-ModelUnits:Claude4.6Sonnet-NoCommit", "100", "Hrs"), crow(0,
     "USE1-Claude4.6Sonnet-input-tokens", "1"))], {S: "1"}, {"other service": "100"})
case("CUR guardrails, KB, customization", [cur(crow(0, "USE1-Guardrail-ContentPolicyUnitsConsumed", "3", "Text Units"), crow(0,
     "USE1-NovaLite-Customization-Training", "2", "1K tokens"), crow(0, "USE1-Claude4.6Sonnet-input-tokens", "1"))], {S: "1"}, {"other service": "5"})
case("CUR kinds", [cur(crow(0, "USE1-Claude4.6Sonnet-input-tokens", "6"), crow(0, "", "-1", kind="Credit"), crow(0, "", "-0.5", kind="Refund"), crow(0, "",
     "0.8", kind="Tax"), crow(0, "", "10", kind="RIFee"), crow(0, "", "20", kind="SavingsPlanRecurringFee"), crow(0, "", "-0.1", kind="BundledDiscount"),
     crow(0, "USE1-Claude4.6Sonnet-input-tokens", "-1", kind="PrivateRateDiscount"))], {S: "6"}, {"credit": "-1", "refund": "-0.5", "tax": "0.8",
     "fee": "30", "adjustment": "-1.1"})
case("CUR savings plan covered usage", [cur(crow(0, "USE1-Claude4.6Sonnet-input-tokens", "6", kind="SavingsPlanCoveredUsage"), crow(0, "", "-6",
     kind="SavingsPlanNegation"))], {S: "6"}, {"adjustment": "-6"})
case("CUR reserved tier", [cur(crow(0, "USE1-Claude4.6Sonnet-Reserved-1Month-Input-TPM", "50", "Hrs"), crow(0, "USE1-Claude4.6Sonnet-input-tokens", "1"))],
     {S: "1"}, {"other service": "50"})
# --- Azure
EA = "InvoiceSectionName,AccountName,SubscriptionId,SubscriptionName,ResourceGroup,ResourceLocation,Date,ProductName,MeterCategory,MeterSubCategory,MeterId,MeterName,MeterRegion,UnitOfMeasure,Quantity,EffectivePrice,CostInBillingCurrency,CostCenter,ConsumedService,ResourceId,Tags,OfferId,AdditionalInfo,ServiceInfo1,ServiceInfo2,ResourceName,ReservationId,ReservationName,UnitPrice,ProductOrderId,ProductOrderName,Term,PublisherType,PublisherName,ChargeType,Frequency,PricingModel,AvailabilityZone,BillingAccountId,BillingAccountName,BillingCurrencyCode,BillingPeriodStartDate,BillingPeriodEndDate,BillingProfileId,BillingProfileName,InvoiceSectionId,IsAzureCreditEligible,PartNumber,PayGPrice,PlanName,ServiceFamily,CostAllocationRuleName,benefitId,benefitName\n"
def ea(meter, cost, kind="Usage", cat="Foundry Models", unit="1K", cur="USD", date="06/15/2026", model="OnDemand", prod="Azure OpenAI"):
    d = {"Date": date, "MeterName": meter, "CostInBillingCurrency": cost, "ChargeType": kind, "MeterCategory": cat, "UnitOfMeasure": unit,
         "BillingCurrencyCode": cur, "Quantity": "1", "EffectivePrice": "9", "PricingModel": model, "ProductName": prod,
         "BillingPeriodStartDate": "06/01/2026", "BillingPeriodEndDate": "06/30/2026", "PayGPrice": "9", "UnitPrice": "9", "ResourceGroup": "rg"}
    return ",".join(d.get(h, "") for h in EA.strip().split(",")) + "\n"
case("Azure EA", ["\ufeff" + EA + ea("gpt 4o 1120 Inp glbl Tokens", "1") + ea("gpt-4o-0806-Outp-regnl Tokens", "2") +
     ea("gpt-4o-mini-0718-Inp-glbl Tokens", "3")], {"gpt-4o-2024-11-20": "1", "gpt-4o-2024-08-06": "2", "gpt-4o-mini-2024-07-18": "3"})
case("Azure GPT 5.1 spellings", [EA + ea("GPT 5.1 inp Gl 1M Tokens", "1", unit="1M") + ea("GPT 5.1 cd inp Gl 1M Tokens", "1", unit="1M") +
     ea("5.1 opt Dz 1M Tokens", "1", unit="1M") + ea("GPT 5.1 Batch cchd inp Gl 1M Tokens", "1", unit="1M")], {"gpt-5.1": "4"})
case("Azure gpt 4.1 data zone, o3", [EA + ea("gpt 4.1 Inp Data Zone Tokens", "1") + ea("o3 0416 Inp glbl Tokens", "2") +
     ea("o4-mini 0416 cached Inp glbl Tokens", "3") + ea("GPT 5 mini inpt glbl 1M Tokens", "4")], {"gpt-4.1": "1", "o3": "2", "o4-mini": "3",
     "gpt-5-mini": "4"})
case("Azure DeepSeek and Llama meters", [EA + ea("R1 Inp glbl Tokens", "1", prod="Azure Deepseek Models") + ea("V3.1 Outp glbl Tokens", "2",
     prod="Azure Deepseek Models")], {"deepseek-r1": "1", "deepseek-v3.1": "2"})
case("Azure embeddings", [EA + ea("text-embedding-3-small-glbl Tokens", "1") + ea("embedding 3 small inp glbl Tokens", "1")],
     {"text-embedding-3-small": "2"})
case("Azure PTU, fine-tuning hosting, storage", [EA + ea("gpt 4.1 Inp glbl Tokens", "1") + ea("Provisioned Managed Global Unit", "100", unit="1 Hour") +
     ea("gpt-4o-ft Hosting Unit", "30", unit="1 Hour") + ea("Hot LRS Data Stored", "2", cat="Storage", unit="1 GB/Month")], {"gpt-4.1": "1"},
     {"fee": "132"})
case("Azure kinds", [EA + ea("gpt 4.1 Inp glbl Tokens", "6") + ea("", "50", "Purchase", unit="") + ea("gpt 4.1 Inp glbl Tokens", "-1", "Refund") + ea("",
     "-0.01", "RoundingAdjustment") + ea("Provisioned Managed Global Unit", "5", "UnusedReservation", unit="1 Hour") + ea("", "3", "Tax")],
     {"gpt-4.1": "6"}, {"fee": "55", "refund": "-1", "adjustment": "-0.01", "tax": "3"})
case("Azure portal cost analysis", ["UsageDate,Meter,MeterCategory,Cost,CostUSD,Currency\n2026-06-15,gpt 4.1 Inp glbl Tokens,Foundry Models,6,6,USD\n"],
     {"gpt-4.1": "6"})
case("Azure CNY", [EA + ea("gpt 4.1 Inp glbl Tokens", "6", cur="CNY")], None, err="CNY")
case("Azure localized paren header",
     ["日期 (Date),计量名称 (MeterName),计量类别 (MeterCategory),成本 (CostInBillingCurrency),货币 (BillingCurrencyCode)\n2026-06-15,gpt 4.1 Inp glbl Tokens,Foundry Models,6,USD\n"],
          
     {"gpt-4.1": "6"})
case("Azure MCA with both currency costs",
     ["invoiceId,date,meterCategory,meterName,quantity,unitOfMeasure,costInBillingCurrency,costInPricingCurrency,costInUsd,billingCurrency,pricingCurrency,chargeType,exchangeRatePricingToBilling\n,06/15/2026,Foundry Models,gpt 4.1 Inp glbl Tokens,1,1K,5.5,6,6,EUR,USD,Usage,0.91\n"],
          
     None, err="EUR")
case("Azure actual+amortized both", [EA + ea("gpt 4.1 Inp glbl Tokens", "6"), EA + ea("gpt 4.1 Inp glbl Tokens", "6") +
     ea("Provisioned Managed Global Unit", "5", "Usage", unit="1 Hour")], None, err="same")
# --- GCP
def gcp(sku, cost, unit="count", svc="Vertex AI", ct="regular", credits=(), day="2026-06-15"):
    return {"billing_account_id":"x", "service":{"id":"1", "description":svc}, "sku":{"id":"2", "description":sku}, "usage_start_time":day +
         " 10:00:00 UTC", "usage_end_time":day + " 11:00:00 UTC", "project":{"id":"p", "name":"n"}, "labels":[], "cost":cost, "currency":"USD",
         "currency_conversion_rate":1, "usage":{"amount":1, "unit":unit, "amount_in_pricing_units":1, "pricing_unit":unit}, "credits":[{"name":"c",
         "amount":a, "type":"PROMOTION"} for a in credits], "invoice":{"month":"202606"}, "cost_type":ct, "export_time":"2026-06-16 00:00:00 UTC"}
def lines(*r):
    return "\n".join(json.dumps(x) for x in r) + "\n"
case("GCP skus of 2.5", [lines(gcp("Gemini 2.5 Flash GA Text Input - Predictions", 1), gcp("Gemini 2.5 Flash GA Thinking Text Output - Predictions", 2),
     gcp("Gemini 2.5 Flash GA Input Text Caching", 0.5), gcp("Gemini 2.5 Flash Lite GA Text Input - Predictions", 3),
     gcp("Gemini 2.5 Pro Text Output Long - Predictions", 4), gcp("Batch Gemini 2.5 Flash GA Text Input - Predictions", 0.25))],
     {"gemini-2.5-flash": "3.75", "gemini-2.5-flash-lite": "3", "gemini-2.5-pro": "4"})
case("GCP, the interface's own words", [lines(gcp("Generate content input token count for gemini 2.5 flash", 1, svc="Gemini API"),
     gcp("Generate content output token count gemini-2.5-flash", 2, svc="Generative Language API"))], {"gemini-2.5-flash": "3"})
case("GCP Gemini 3", [lines(gcp("Gemini 3 Flash Text Input - Predictions", 1), gcp("Gemini 3 Flash Text Input Caching", 1))],
     {"gemini-3-flash-preview": "2"})
case("GCP Claude on Vertex", [lines(gcp("Claude Sonnet 4.6 Input Tokens", 1), gcp("Claude Sonnet 4.6 - Output Tokens", 1),
     gcp("Anthropic Claude Sonnet 4.6 Input Tokens (Global)", 1))], {S: "3"})
case("GCP fees, tax, rounding", [lines(gcp("Gemini 2.5 Flash GA Text Input - Predictions", 6, credits=(-1, -0.5)),
     gcp("Gemini 2.5 Flash Text Input Caching Storage", 2, unit="h"), gcp("Vertex AI: Provisioned Throughput 1 month", 100, unit="mo"),
     gcp("Grounding with Google Search for Gemini", 3), gcp("Tax", 1, ct="tax"), gcp("Rounding error", 0.01, ct="rounding_error"), gcp("Invoice adj", -2,
     ct="adjustment"), gcp("N1 Predefined Instance Core", 7, svc="Compute Engine", unit="seconds"))], {"gemini-2.5-flash": "4.5"}, {"fee": "105",
     "tax": "1", "adjustment": "-1.99", "other service": "7"})
case("GCP console cost table csv",
     ["Billing account name,Billing account ID,Project name,Project ID,Service description,Service ID,SKU description,SKU ID,Credit type,Cost type,Usage start date,Usage end date,Usage amount,Usage unit,Unrounded Cost ($),Cost ($)\nb,1,n,p,Vertex AI,2,Gemini 2.5 Flash GA Text Input - Predictions,3,,Usage,2026-06-15,2026-06-15,1,count,6.0004,6.00\n"],
          
     {"gemini-2.5-flash": "6.0004"})
# --- OpenAI
def oai(*rows, more=False):
    return json.dumps({"object":"page", "data":[{"object":"bucket", "start_time":1781481600, "end_time":1781568000,
         "results":[{"object":"organization.costs.result", "amount":{"value":v, "currency":"usd"}, "line_item":i, "project_id":p} for v, i, p in rows]}],
         "has_more":more, "next_page":None})
case("OpenAI items", [oai((1, "gpt-4o-2024-11-20, input", None), ("1e-05", "gpt-4o-2024-11-20, output", None), (2,
     "batch | gpt-4o-2024-11-20, cached input", None), (1, "gpt-4o-2024-11-20 audio, input", None), (3, "web search tool calls", None), (4,
     "Code interpreter session", None), (5, "Vector storage", None))], {"gpt-4o-2024-11-20": "4.00001"}, {"fee": "12"})
case("OpenAI ft", [oai((1, "ft-gpt-4.1-2025-04-14, input", None), (6, "gpt-4.1-2025-04-14, input", None))], {"gpt-4.1": "6", "ft:gpt-4.1-2025-04-14": "1"},
     say="ft-gpt-4.1-2025-04-14")
case("OpenAI negative credit line", [oai((6, "gpt-4.1-2025-04-14, input", None), (-2, "Credit grant", None))], {"gpt-4.1": "6"}, {"credit": "-2"})
case("OpenAI day totals", [json.dumps({"object": "page", "data":[{"object": "bucket", "start_time": 1781481600, "end_time": 1781568000,
     "results":[{"object": "organization.costs.result", "amount":{"value": 6, "currency": "usd"}, "line_item": None, "project_id": None}]}],
     "has_more": False})], {"": "6"})
case("OpenAI old dashboard costs csv", ["date,organization_name,project_name,line_item,amount_usd\n2026-06-15,o,p,\"gpt-4.1-2025-04-14, input\",6\n"],
     {"gpt-4.1": "6"})
# --- Anthropic
def ant(*rows):
    return json.dumps({"data":[{"starting_at":"2026-06-15T00:00:00Z", "ending_at":"2026-06-16T00:00:00Z", "results":list(rows)}], "has_more":False,
         "next_page":None})
def arow(cents, desc=None, ct="tokens", model=None, **k):
    return dict({"currency":"USD", "amount":cents, "workspace_id":None, "description":desc, "cost_type":ct, "context_window":None, "model":model,
         "service_tier":None, "token_type":None}, **k)
case("Anthropic cost report", [ant(arow("100.5", "Claude Sonnet 4.6 Usage - Input Tokens", model=S, token_type="uncached_input_tokens"), arow("50",
     "Web Search Usage", "web_search"), arow("25", "Code Execution Usage", "code_execution"), arow("10", "Session", ct="session_usage"))], {S: "1.005"},
     {"fee": "0.85"})
case("Anthropic ungrouped", [ant(arow("100", None, None))], {"": "1"})
case("Anthropic two workspaces", [ant(arow("100", "x", model=S, workspace_id="w1"), arow("200", "x", model=S, workspace_id="w2"))], {S: "3"})
case("Anthropic console costs with credits",
     ["usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,inference_geo,speed\n2026-06-15,Claude Sonnet 4.6,Default,k,message,≤ 200k,input_no_cache,6,6,token,not_available,standard\n2026-06-15,Claude Sonnet 4.6 (fast mode),Default,k,message,≤ 200k,output,2,2,token,not_available,fast\n"],
          
     {S: "8"})
# --- DeepSeek
case("DeepSeek negative, granted",
     ["user_id,utc_date,model,wallet_type,cost,currency\nu,2026-06-15,deepseek-v4-flash,Paid,-6,USD\nu,2026-06-15,deepseek-v4-flash,Granted,-1,USD\nu,2026-06-16,deepseek-v4-flash,Paid,0.5,USD\n"],
          
     {"deepseek-v4-flash": "6.5"})
case("DeepSeek +08:00",
     ["start_time_iso,end_time_iso,model,wallet_type,cost,currency\n2026-06-15T00:00:00+08:00,2026-06-16T00:00:00+08:00,deepseek-v4-flash,Paid,6,USD\n"],
     {"deepseek-v4-flash": "6"})
case("DeepSeek old names", ["user_id,utc_date,model,wallet_type,cost,currency\nu,2026-06-15,deepseek-chat,Paid,6,USD\n"], {"deepseek-chat": "6"})
# --- FOCUS
F12 = "AvailabilityZone,BilledCost,BillingAccountId,BillingAccountName,BillingAccountType,BillingCurrency,BillingPeriodEnd,BillingPeriodStart,CapacityReservationId,CapacityReservationStatus,ChargeCategory,ChargeClass,ChargeDescription,ChargeFrequency,ChargePeriodEnd,ChargePeriodStart,CommitmentDiscountId,ConsumedQuantity,ConsumedUnit,ContractedCost,ContractedUnitPrice,EffectiveCost,InvoiceId,InvoiceIssuerName,ListCost,ListUnitPrice,PricingCategory,PricingCurrency,PricingQuantity,PricingUnit,ProviderName,PublisherName,RegionId,RegionName,ResourceId,ResourceName,ResourceType,ServiceCategory,ServiceName,ServiceSubcategory,SkuId,SkuMeter,SkuPriceDetails,SkuPriceId,SubAccountId,SubAccountName,SubAccountType,Tags"
def foc(*rows, extra=""): 
    h = (F12 + extra).split(",")
    out = ",".join(h) + "\n"
    for r in rows:
        d = dict({"BillingCurrency": "USD", "ChargeCategory": "Usage", "ChargePeriodStart": "2026-06-15T00:00:00Z",
             "ChargePeriodEnd": "2026-06-16T00:00:00Z", "ServiceName": "Amazon Bedrock", "ConsumedUnit": "1K tokens", "PricingUnit": "1K tokens",
             "ServiceCategory": "AI and Machine Learning"}, **r)
        out+=",".join('"%s"' % str(d.get(x, "")).replace('"', '""') for x in h) + "\n"
    return out
case("FOCUS 1.2 AWS", [foc({"BilledCost": "6", "x_UsageType": "USE1-Claude4.6Sonnet-input-tokens", "SkuMeter": "USE1-Claude4.6Sonnet-input-tokens"},
     {"BilledCost": "1", "x_UsageType": "", "ChargeCategory": "Tax", "ServiceName": "Tax"}, {"BilledCost": "-2", "ChargeCategory": "Credit"},
     {"BilledCost": "-1", "ChargeCategory": "Adjustment"}, {"BilledCost": "20", "ChargeCategory": "Purchase", "ChargeDescription": "Commitment"},
     extra=",x_Discounts,x_Operation,x_ServiceCode,x_UsageType")], {S: "6"}, {"tax": "1", "credit": "-2", "adjustment": "-1", "fee": "20"})
case("FOCUS 1.0 AWS, no x", [foc({"BilledCost": "6", "SkuMeter": "",
     "ChargeDescription": "$0.003 per 1K input tokens for Claude 4.6 Sonnet in US East (N. Virginia)", "SkuId": "ABC"})], {S: "6"})
case("FOCUS correction", [foc({"BilledCost": "6", "SkuMeter": "USE1-Claude4.6Sonnet-input-tokens"}, {"BilledCost": "-1",
     "SkuMeter": "USE1-Claude4.6Sonnet-input-tokens", "ChargeClass": "Correction"})], {S: "5"})
case("FOCUS Azure 1.0", [foc({"BilledCost": "6", "ServiceName": "Azure OpenAI", "x_SkuMeterName": "gpt 4.1 Inp glbl Tokens",
     "x_SkuDescription": "Azure OpenAI - gpt 4.1 - Inp", "ConsumedUnit": "Units", "PricingUnit": "1K"},
     extra=",x_SkuMeterName,x_SkuDescription,x_BilledCostInUsd,x_EffectiveUnitPrice,x_PricingUnitDescription,x_BillingExchangeRate")], {"gpt-4.1": "6"})
case("FOCUS GCP", [foc({"BilledCost": "6", "ServiceName": "Vertex AI", "ChargeDescription": "Gemini 2.5 Flash GA Text Input - Predictions",
     "ConsumedUnit": "count", "PricingUnit": "count"})], {"gemini-2.5-flash": "6"})
case("FOCUS OCI", [foc({"BilledCost": "6", "ServiceName": "GENERATIVE_AI", "SkuId": "B108077", "ChargeDescription": "OCI Generative AI - Large Cohere",
     "ConsumedUnit": "10000 TRANSACTIONS", "PricingUnit": "10000 TRANSACTIONS"}, extra=",oci_ReferenceNumber,oci_CostOverage")], {},
     {"other service": "6"})
case("FOCUS anthropic vendor", [foc({"BilledCost": "6", "ServiceName": "Claude API", "ResourceName": "", "SkuId": "claude-sonnet-4-6/input",
     "SkuMeter": "Input tokens", "ConsumedUnit": "Tokens", "PricingUnit": "Tokens"})], {S: "6"})
case("FOCUS hours", [foc({"BilledCost": "3", "SkuMeter": "USE1-Claude4.6Sonnet-input-tokens", "ChargePeriodStart": "2026-06-15T23:00:00Z",
     "ChargePeriodEnd": "2026-06-16T00:00:00Z"}, {"BilledCost": "3", "SkuMeter": "USE1-Claude4.6Sonnet-input-tokens",
     "ChargePeriodStart": "2026-06-15T00:00:00Z", "ChargePeriodEnd": "2026-06-15T01:00:00Z"})], {S: "6"})
case("FOCUS two currencies", [foc({"BilledCost": "3", "SkuMeter": "USE1-Claude4.6Sonnet-input-tokens"}, {"BilledCost": "3",
     "SkuMeter": "USE1-Claude4.6Sonnet-input-tokens", "BillingCurrency": "EUR"})], None, err="in USD and in EUR")
case("FOCUS billing period total row 1 month", [foc({"BilledCost": "6", "SkuMeter": "USE1-Claude4.6Sonnet-input-tokens",
     "ChargePeriodStart": "2026-06-01T00:00:00Z", "ChargePeriodEnd": "2026-07-01T00:00:00Z"})], {S: "6"})
# --- gateways and tools
case("Helicone, JSON", [lines({"request_id": "r", "request_created_at": "2026-06-15T10:00:00Z", "model": S, "prompt_tokens": 1, "completion_tokens": 1,
     "total_tokens": 2, "cost": 6})], {S: "6"})
case("LiteLLM spend logs", [json.dumps([{"request_id": "r", "call_type": "acompletion", "api_key": "k", "spend": 6.0, "startTime": "2026-06-15T10:00:00Z",
     "endTime": "2026-06-15T10:00:01Z", "model": S, "model_group": "sonnet", "custom_llm_provider": "anthropic", "metadata":{}, "cache_hit": "False"},
     {"request_id": "r2", "call_type": "acompletion", "api_key": "k", "spend": 0, "startTime": "2026-06-15T10:00:00Z", "endTime": "2026-06-15T10:00:01Z",
     "model": S, "model_group": "sonnet", "metadata":{}, "cache_hit": "True"}])], {S: "6"})
case("Langfuse metrics csv", ["Trace Name,Model,Total Cost,Time\nx,%s,6,2026-06-15T00:00:00Z\n" % S], {S: "6"}, args=["--map", "day=Time", "--map",
     "cost=Total Cost"])
case("Cursor with $ and Included",
     ["Date,User,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost,Cost to you\n2026-06-15T10:00:00.000Z,me,On-Demand,claude-4.6-sonnet,No,0,1,1,1,3,$6.00,$5.00\n2026-06-15T10:00:00.000Z,me,\"Errored, Not Charged\",claude-4.6-sonnet,No,0,1,1,1,3,$1.00,-\n2026-06-15T10:00:00.000Z,me,Included,claude-4.6-sonnet,No,0,1,1,1,3,$1.00,Included\n"],
          
     {"claude-4.6-sonnet": "5"})
case("Copilot premium",
     ["date,username,product,sku,model,quantity,unit_type,applied_cost_per_quantity,gross_amount,discount_amount,net_amount,exceeds_quota,total_monthly_quota,organization,cost_center_name\n2026-06-15,me,copilot,copilot_premium_request,Claude Sonnet 4.6,150,requests,0.04,6,0,6,False,300,o,\n2026-06-15,me,copilot,copilot_premium_request,GPT-5.1,150,requests,0.04,6,6,0,False,300,o,\n2026-06-15,me,actions,actions_linux,,10,minutes,0.008,0.08,0,0.08,,,o,\n"],
          
     {S: "6", "gpt-5.1": "0"}, {"fee": "0.08"})
case("Vercel report json", [json.dumps({"results":[{"day": "2026-06-15", "model": "anthropic/claude-sonnet-4.6", "total_cost": 6, "market_cost": 7,
     "input_tokens": 1, "output_tokens": 1, "cached_input_tokens": 0, "cache_creation_input_tokens": 0, "reasoning_tokens": 0, "request_count": 1}]})],
     {"anthropic/claude-sonnet-4.6": "6"})
case("OpenRouter activity", [json.dumps({"data":[{"date": "2026-06-15", "model": "anthropic/claude-sonnet-4.6",
     "model_permaslug": "anthropic/claude-4.6-sonnet-20260217", "endpoint_id": "e", "provider_name": "Anthropic", "usage": 6, "byok_usage_inference": 0,
     "requests": 1, "prompt_tokens": 1, "completion_tokens": 1, "reasoning_tokens": 0}]})], {"anthropic/claude-sonnet-4.6": "6"})
case("Cloudflare with cached", [json.dumps({"result":[{"id": "a", "created_at": "2026-06-15T10:00:00Z", "provider": "anthropic", "model": S,
     "tokens_in": 1, "tokens_out": 1, "cost": 6, "cached": False, "success": True}, {"id": "b", "created_at": "2026-06-15T10:00:00Z",
     "provider": "anthropic", "model": S, "tokens_in": 1, "tokens_out": 1, "cost": 1, "cached": True, "success": True}], "result_info":{"page": 1,
     "per_page": 50, "count": 2, "total_count": 2}, "success": True})], {S: "6"})
case("Bailian localised", ["账单月份,产品,实例ID,目录总价,优惠后金额,币种,消费时间\n202606,大模型服务平台百炼,text_token;llm-1;qwen3-max;output_token;app,9,6,USD,2026-06-15\n"],
     {"qwen3-max": "6"}, args=[])
# --- zip etc
def z(**files):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as f:
        for k, v in files.items(): f.writestr(k.replace("__", "/") + ".csv", v)
    return b.getvalue()
case("zip with readme", [z(readme="hello\n", bill="day,model,cost\n2026-06-15,%s,6\n" % S)], None, err="readme.csv")
case("zip with mac junk", [z(**{"bill": "day,model,cost\n2026-06-15,%s,6\n" % S, "__MACOSX__._bill": "\x00\x05\x16\x07"})], {S: "6"})
case("gz utf16", [gzip.compress(("day;model;cost\r\n2026-06-15;%s;6,00\r\n" % S).encode("utf-16"))], {S: "6"})
case("same file twice", ["day,model,cost\n2026-06-15,%s,6\n" % S]*2, None, err="same content")
case("overlapping files", ["day,model,cost\n2026-06-15,%s,6\n2026-06-16,%s,6\n" % (S, S), "day,model,cost\n2026-06-16,%s,6\n" % S], None, err="twice")
case("half days", ["day,model,cost\n2026-06-15T00:00:00Z,%s,2\n2026-06-15T12:00:00Z,%s,4\n" % (S, S)], {S: "6"})
case("day as excel serial", ["day,model,cost\n46188,%s,6\n" % S], {S: "6"})
case("unix ms", ["day,model,cost\n1781481600000,%s,6\n" % S], {S: "6"})
case("header only", ["day,model,cost\n"], None, err="no billed line")
case("a month", ["Month,Model,Cost\n2026-06,%s,6\n" % S], {S: "6"})
# --- more of each
case("AWS legacy spelling with slashes",
     ["bill/BillType,lineItem/LineItemType,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/ProductCode,lineItem/UsageType,lineItem/UsageAmount,lineItem/CurrencyCode,lineItem/UnblendedCost,lineItem/NetUnblendedCost,pricing/unit,product/ProductName\nAnniversary,Usage,2026-06-15T01:00:00Z,2026-06-15T02:00:00Z,AmazonBedrock,USE1-Claude4.6Sonnet-input-tokens,1,USD,7,6,1K tokens,Amazon Bedrock\n"],
     {S:"6"})
case("AWS monthly grain", [cur(crow(0,"USE1-Claude4.6Sonnet-input-tokens","6").replace("2026-06-15T01:00:00.000Z",
     "2026-06-01T00:00:00.000Z").replace("2026-06-15T02:00:00.000Z","2026-07-01T00:00:00.000Z"))], {S:"6"})
case("AWS image and embeddings", [cur(crow(0,"USE1-TitanEmbeddingV2-Text-input-tokens","2"), crow(0,"USE1-NovaCanvas-T2I-1024-Standard","3","images"),
     crow(0,"USE1-Claude4.6Sonnet-input-tokens","1"))], {S:"1","titan":"2"}, {"other service":"3"}, say="TitanEmbeddingV2-Text")
case("AWS mistral, deepseek", [cur(crow(0,"USW2-DeepSeek-R1-input-tokens","1"), crow(0,"USE1-MistralLarge-output-tokens","2"))], {"deepseek-r1":"1",
     "mistral-large":"2"})
case("AWS marketplace opus", [cur(crow(0,"USE1-MP:USE1_CacheWrite1hInputTokenCount_Global-Units","4","1M tokens","x1",
     '"{""product_name"":""Claude Opus 4.6 (Amazon Bedrock Edition)""}"'))], {"claude-opus-4-6":"4"})
case("AWS marketplace tax line", [cur(crow(0,"USE1-Claude4.6Sonnet-input-tokens","4"), crow(0,"","0.5",kind="Tax",code="abc",
     prod='"{""product_name"":""Claude Opus 4.6 (Amazon Bedrock Edition)""}"'))], {S:"4"}, {"tax":"0.5"})
case("Azure model router, realtime, whisper", [EA+ea("gpt 4.1 Inp glbl Tokens","1")+ea("Whisper","2",unit="1 Hour")+
     ea("gpt-4o-rt-aud-1217-Inp-glbl Tokens","0",)+ea("gpt 4.1 mini Batch Inp glbl Tokens","4")], {"gpt-4.1":"1","gpt-4.1-mini":"4","rt":"0"}, {"fee":"2"},
     say="gpt-4.1-mini gpt-4o-rt gpt-4o-rt-aud-1217")
case("Azure, a date that can only be day first", [EA+ea("gpt 4.1 Inp glbl Tokens","6",date="15/06/2026")], {"gpt-4.1":"6"})
case("Azure Grok", [EA+ea("4 Inp glbl Tokens","6",prod="Azure Grok Models")], {"grok-4":"6"})
case("Azure Claude in Foundry", [EA+ea("Claude Sonnet 4.6 Inp glbl Tokens","6",prod="Anthropic Claude")], {S:"6"})
case("Azure negative credit row", [EA+ea("gpt 4.1 Inp glbl Tokens","6")+ea("","-6","Credit",unit="")], {"gpt-4.1":"6"}, {"credit":"-6"})
case("GCP csv flattened",
     ["usage_start_time,usage_end_time,service_description,sku_description,cost,currency,cost_type,project_id\n2026-06-15 00:00:00 UTC,2026-06-15 01:00:00 UTC,Vertex AI,Gemini 2.5 Flash GA Text Input - Predictions,6,USD,regular,p\n"],
     {"gemini-2.5-flash":"6"})
case("GCP credits as string json",
     ['usage_start_time,sku.description,service.description,cost,currency,cost_type,credits\n2026-06-15T00:00:00Z,Gemini 2.5 Flash GA Text Input - Predictions,Vertex AI,7,USD,regular,"[{""name"":""x"",""amount"":""-1""}]"\n'],
     {"gemini-2.5-flash":"6"})
case("GCP partner models", [lines(gcp("DeepSeek R1 Input Tokens",1), gcp("Llama 3.3 70B Output Tokens",2))], {"deepseek-r1":"1","llama":"2"},
     say="llama-3.3-70b")
case("GCP claude opus batch", [lines(gcp("Claude Opus 4.6 Batch Input Tokens",1), gcp("Claude Opus 4.6 Cache Read Input Tokens",1))],
     {"claude-opus-4-6":"2"})
case("GCP image output", [lines(gcp("Gemini 2.5 Flash Image Output - Predictions",1))], {"x":"1"}, say="gemini-2.5-flash-image")
case("GCP monthly invoice csv table totals",
     ["Project ID,Service description,SKU description,Credit type,Cost type,Usage start date,Usage end date,Unrounded Cost ($),Cost ($)\np,Vertex AI,Gemini 2.5 Flash GA Text Input - Predictions,,Usage,2026-06-01,2026-06-30,7,7\np,Vertex AI,Gemini 2.5 Flash GA Text Input - Predictions,Promotion,Usage,2026-06-01,2026-06-30,-1,-1\n,,,,Tax,2026-06-01,2026-06-30,0.5,0.5\n,,,,Rounding error,2026-06-01,2026-06-30,0.01,0.01\n"],
     {"gemini-2.5-flash":"7"}, {"credit":"-1","tax":"0.5","adjustment":"0.01"})
case("OpenAI projects", [oai((1,"gpt-4.1-2025-04-14, input","p1"),(2,"gpt-4.1-2025-04-14, output","p2"))], {"gpt-4.1":"3"})
case("OpenAI long context and images", [oai((1,"gpt-4.1-2025-04-14, input, long context","p1"),(2,"priority | gpt-4.1-2025-04-14 text, cached input","p2"),
     (3,"image models",None))], {"gpt-4.1":"3"}, {"fee":"3"})
case("OpenAI euros", [oai((1,"gpt-4.1-2025-04-14, input",None)).replace('"usd"','"eur"')], None, err="EUR")
case("OpenAI more pages", [oai((1,"gpt-4.1-2025-04-14, input",None),more=True)], {"gpt-4.1":"1"}, say="doubt")
case("Anthropic EUR", [ant(arow("100","x",model=S)).replace('"USD"','"EUR"')], None, err="EUR")
case("DeepSeek CNY", ["user_id,utc_date,model,wallet_type,cost,currency\nu,2026-06-15,deepseek-v4-flash,Paid,6,CNY\n"], None, err="CNY")
case("DeepSeek both in zip",
     [z(amount="user_id,utc_date,model,api_key_name,api_key,type,price,amount\nu,2026-06-15,deepseek-v4-flash,n,k,output_tokens,0.00000028,1000000\n",
     cost="user_id,utc_date,model,wallet_type,cost,currency\nu,2026-06-15,deepseek-v4-flash,Paid,0.28,USD\n")], {"deepseek-v4-flash":"0.28"})
case("FOCUS 1.1 with null costs", [foc({"BilledCost":"6","SkuMeter":"USE1-Claude4.6Sonnet-input-tokens"},{"BilledCost":"0","ChargeCategory":"Usage",
     "SkuMeter":"USE1-Claude4.6Sonnet-output-tokens","CommitmentDiscountId":"x"})], {S:"6"})
case("FOCUS tsv gz", [gzip.compress(foc({"BilledCost":"6","SkuMeter":"USE1-Claude4.6Sonnet-input-tokens"}).replace('","','"\t"').replace(",",
     "\t").encode())], {S:"6"})
case("FOCUS json lines", [lines({"BilledCost":6,"BillingCurrency":"USD","ChargeCategory":"Usage","ChargePeriodStart":"2026-06-15T00:00:00Z",
     "ChargePeriodEnd":"2026-06-16T00:00:00Z","ServiceName":"Amazon Bedrock","SkuMeter":"USE1-Claude4.6Sonnet-input-tokens"})], {S:"6"})
case("FOCUS offset +02:00", [foc({"BilledCost":"6","SkuMeter":"USE1-Claude4.6Sonnet-input-tokens","ChargePeriodStart":"2026-06-15T00:00:00+02:00",
     "ChargePeriodEnd":"2026-06-16T00:00:00+02:00"})], {S:"6"})
case("stripe invoice items",
     ["id,Date (UTC),Description,Amount,Currency\nii_1,2026-06-15 00:00,claude-sonnet-4-6,6.00,usd\nii_2,2026-06-15 00:00,Tax,0.50,usd\n"], {S:"6"},
     {"tax":"0.5"}, args=["--map","day=Date (UTC)","--map","model=Description"])
CURSOR = "Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost\n"
case("Cursor, included and not charged with amounts", [CURSOR + "".join("2026-06-15T01:00:00.000Z,%s,%s,No,0,1,0,1,2,%s\n" % r for r in [
    ("On-Demand", S, "6"), ("Included", S, "5"), ('"Errored, Not Charged"', S, "4"), ("Included", H, "3")])], {S: "6", H: "0"})
case("Cursor's events", [json.dumps({"usageEvents": [{"timestamp": "1781517600000", "model": S, "kind": k, "tokenUsage": {"inputTokens": 1, "outputTokens": 1,
     "totalCents": 590}, "chargedCents": c} for k, c in (("Usage-based", 600), ("Included in Business", 500))], "pagination": {"hasNextPage": False}})], {S: "6"})
case("a sign of yen and yuan", ["day,model,cost\n2026-06-15,claude-sonnet-4-6,￥600\n"], None, err="sign of several currencies")
case("fullwidth yen with a code", ["day,model,cost,currency\n2026-06-15,claude-sonnet-4-6,￥600,US Dollar\n"], {S:"600"})
for place in ("All amounts in EUR\n%s", "Currency:,EUR\n%s", "%sAll amounts in EUR,,\n"):
    case("words beside the table", [place % "day,model,cost\n2026-06-15,claude-sonnet-4-6,600\n"], None, err="in EUR")
case("a page with a currency", [json.dumps({"currency": "EUR", "data": [{"day": "2026-06-15", "m": S, "cost": 6}]})], None, args=["--map", "day=day", "--map", "cost=cost", "--map", "model=m"], err="in EUR")
case("two currencies beside the table", ["Rates: EUR/USD 1.1\nday,model,cost\n2026-06-15,claude-sonnet-4-6,600\n"], None, err="more than one currency")
case("words of dollars", ["All amounts in US$\nday,model,cost\n2026-06-15,claude-sonnet-4-6,6\n"], {S: "6"})
for day in ("2026年6月15日", "15 juin 2026", "15. Juni 2026", "15 de junio de 2026", "15 giugno 2026", "15-Jun-26", "June 15th 2026", "lundi 15 juin 2026"):
    case("a day as " + day, ["day,model,cost\n%s,%s,6\n" % (day, S)], {S: "6"})
case("two months in a day", ["day,model,cost\n15 mars juin 2026,%s,6\n" % S], None, err="not an instant")
case("tax below the lines", ["Datum;Modell;Betrag in USD\n15.06.2026;%s;6,00\nZwischensumme;;6,00\nMwSt 19%%;;1,14\nGesamtbetrag;;7,14\n" % S], {S: "6"}, {"tax": "1.14"})
case("plus sign and thin spaces", ["day,model,cost\n2026-06-15,claude-sonnet-4-6,+1 234.50\n"], {S:"1234.5"})
case("excel quoted header, trailing commas", ['"Day","Model","Cost",,\n"2026-06-15","claude-sonnet-4-6","6",,\n'], {S:"6"})
case("two days as one range", ["day,model,cost\n2026-06-15,claude-sonnet-4-6,6\n2026-06-16,claude-sonnet-4-6,4\n"], {S:"10"})
case("cost in cents column", ["day,model,cost_cents\n2026-06-15,claude-sonnet-4-6,600\n"], None, err="cost")
case("openrouter days csv",
     ["Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,Reasoning Tokens\n2026-06-15,anthropic/claude-sonnet-4.6,6,0,1,1,1,0\n"],
     {"x":"6"})
case("header twice mid file", ["day,model,cost\n2026-06-15,%s,2\nday,model,cost\n2026-06-15,%s,4\n" % (S,S)], {S:"6"})
case("CRLF and BOM and quotes", ["\ufeffday,model,cost\r\n\"2026-06-15\",\"%s\",\"6.00\"\r\n" % S], {S:"6"})
case("only total differs", ["day,model,cost\n2026-06-15,%s,6\nTotal,,7\n" % S], {S:"6"})
case("PTU amortized effective", [foc({"BilledCost":"0","EffectiveCost":"6","SkuMeter":"USE1-Claude4.6Sonnet-input-tokens"})], {S:"0"})


def judge(name, files, models, others, say, args, err):
    paths = []
    for i, text in enumerate(files):
        paths.append("bill%d" % i)
        open(paths[-1], "wb").write(text if isinstance(text, bytes) else text.encode())
    run = subprocess.run([TALLY, "reconcile", "--json"] + args + paths, capture_output=True, text=True)
    if err is not None:
        return [] if run.returncode in (1, 2) and err in run.stderr else ["wanted an error with", err, "got", run.returncode, run.stderr, run.stdout[:200]]
    said = json.loads(run.stdout or "{}")
    if "lines" not in said:
        return [run.returncode, run.stderr]
    billed = [l for l in said["lines"] if l["billed"] is not None]
    alone = [l["model"] for l in billed if l["result"] == "billed only" and l["model"] not in say]
    sums, kinds = {}, {}
    for l in billed:
        sums[l["model"]] = sums.get(l["model"], D(0)) + D(l["billed"])
    for o in said["other"]:
        kinds[o["kind"]] = kinds.get(o["kind"], D(0)) + D(o["billed"])
    # a bill spells a model in its own way; the amounts tell which is which
    wrong = sorted(sums.values()) != sorted(D(v) for v in models.values())
    wrong |= len(set(models.values())) < len(models) and set(sums) != set(models)
    doubt = "what may change" in run.stderr or "has_more" in run.stderr
    if wrong or kinds != {k: D(v) for k, v in others.items()} or alone or doubt != ("doubt" in say):
        return [{k: str(v) for k, v in sums.items()}, {k: str(v) for k, v in kinds.items()}, alone, run.returncode, run.stderr]
    return []


def main():
    with open("u.csv", "w") as f:
        f.write("id,time,model,input\n")
        for day in ("2026-06-15", "2026-06-16"):
            for m in MODELS:
                f.write("%s-%s,%sT10:00:00Z,%s,1000000\n" % (day, m, day, m))
    subprocess.run([TALLY, "ingest", "u.csv", "-q"], capture_output=True)
    for case in CASES:
        wrong = judge(*case)
        if wrong:
            print(case[0], ":", *wrong)


main()
