#!/usr/bin/env python3
"""fresh_files.py TALLY: bills and exports of usage as vendors' documents describe them, with what each comes to by hand; prints what is wrong.

The metered half is 6 and 15 dollars of Sonnet 4.6, 3 of Haiku 4.5 and 5.60 of DeepSeek V3.1 at Fireworks on two days of June 2026."""
import json, os, subprocess, sys

T=sys.argv[1]
n=0; bad=0
def run(*a, db="m.db"):
    r=subprocess.run([T,*a],capture_output=True,text=True,env=dict(os.environ,TZ="UTC",TALLY_DB=db))
    try: j=json.loads(r.stdout)
    except ValueError: j=None
    return r.returncode,j,r.stderr+("" if j else r.stdout)
open("u.csv","w").write("""id,time,provider,model,input,output
a,2026-06-15T10:00:00Z,,claude-sonnet-4-6,2000000,0
b,2026-06-15T11:00:00Z,,claude-haiku-4-5,3000000,0
c,2026-06-16T10:00:00Z,,claude-sonnet-4-6,0,1000000
d,2026-06-15T12:00:00Z,fireworks,deepseek-v3p1,10000000,0
""")
run("ingest","u.csv","-q")
def bill(name,text,code,billed=None,diff=None,has=(),args=(),ext="csv"):
    global n,bad
    n+=1
    open("b."+ext,"wb").write(text if isinstance(text,bytes) else text.encode())
    c,j,w=run("reconcile","b."+ext,"--json",*(() if "ireworks" in name else ("--provider","anthropic")),*args)
    got=(c,j and j.get("billed"),j and j.get("difference"))
    all_=json.dumps(j)+w
    if (c!=code) or (billed and got[1]!=billed) or (diff and got[2]!=diff) or any(h not in all_ for h in has):
        bad+=1; print("BILL",name,"got",got,"wanted",(code,billed,diff),w[:200].strip(), [h for h in has if h not in all_], json.dumps((j or {}).get("other"))[:200])
def use(name,text,code,tok=None,total=None,has=(),ext="csv"):
    global n,bad
    n+=1
    open("x."+ext,"wb").write(text if isinstance(text,bytes) else text.encode())
    subprocess.run("rm -rf x.db*",shell=True)
    for way in ("replay","ingest"):
        if way=="replay": c,j,w=run("replay","x."+ext,"--json")
        else:
            c,_,w=run("ingest","x."+ext,"--json",db="x.db"); c2,j,w2=run("usage","--json",db="x.db"); c=max(c,c2); w+=w2
        t=(j or {}).get("tokens") or {}
        got=(t.get("input"),t.get("cache_read"),(t.get("cache_write_5m") or 0)+(t.get("cache_write_1h") or 0),t.get("output"))
        if c!=code or (tok and got!=tok) or (total and j["total"]!=total) or any(h not in w+json.dumps(j) for h in has):
            bad+=1; print("USE",name,way,"got",c,got,j and j.get("total"),"wanted",code,tok,total,w[:200].strip())
S,H="claude-sonnet-4-6","claude-haiku-4-5"
# bills
bill("AWS CUR legacy slash, two token kinds","lineItem/LineItemType,lineItem/UsageStartDate,lineItem/ProductCode,lineItem/UsageType,lineItem/UnblendedCost,lineItem/CurrencyCode,pricing/unit\nUsage,2026-06-15T00:00:00Z,AmazonBedrock,USE1-Claude4.6Sonnet-input-tokens,6,USD,1K tokens\nUsage,2026-06-16T00:00:00Z,AmazonBedrock,USE1-Claude4.6Sonnet-output-tokens,15,USD,1K tokens\nTax,2026-06-01T00:00:00Z,AmazonBedrock,,1.5,USD,\n",5,"22.5","-1.5",args=("--since","2026-06-01","--until","2026-06-30"),has=['"not_usage": "1.5"'])
bill("Anthropic console costs with workspace","usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,inference_geo,speed\n2026-06-15,Claude Sonnet 4.6,w,k,standard,≤ 200k,input_no_cache,6.00,6.00,tokens,not_available,standard\n2026-06-15,Claude Haiku 4.5,w,k,standard,≤ 200k,input_no_cache,3.00,3.00,tokens,not_available,standard\n2026-06-16,Claude Sonnet 4.6,w,k,standard,≤ 200k,output,15.00,15.00,tokens,not_available,standard\n",0,"24","0")
bill("same, one row torn","usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,inference_geo,speed\n2026-06-15,Claude Sonnet 4.6,w,k,standard,≤ 200k,input_no_cache,6.00,6.00,tokens,not_available,standard\n2026-06-15,Claude Haiku 4.5,w,k,standard,≤ 200k,input_no\n",1,has=["b.csv:3"])
bill("Azure EA German spreadsheet","Date;MeterName;MeterCategory;Quantity;UnitOfMeasure;CostInBillingCurrency;BillingCurrencyCode;ChargeType\n06/15/2026;claude sonnet 4 6 Inp glbl Tokens;Foundry Models;2000;1K;6,00;USD;Usage\n06/16/2026;claude sonnet 4 6 Outp glbl Tokens;Foundry Models;1000;1K;15,00;USD;Usage\n06/15/2026;claude haiku 4 5 Inp glbl Tokens;Foundry Models;3000;1K;3,00;USD;Usage\n",0,"24","0")
bill("FOCUS 1.0 of a cloud","BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ServiceName,SkuId,ChargeDescription,ConsumedQuantity,ConsumedUnit,EffectiveCost,ListCost\n6,USD,Usage,2026-06-15T00:00:00Z,2026-06-16T00:00:00Z,Anthropic,x,claude-sonnet-4-6,2000000,Tokens,6,6\n3,USD,Usage,2026-06-15T00:00:00Z,2026-06-16T00:00:00Z,Anthropic,x,claude-haiku-4-5,3000000,Tokens,3,3\n15,USD,Usage,2026-06-16T00:00:00Z,2026-06-17T00:00:00Z,Anthropic,x,claude-sonnet-4-6,1000000,Tokens,15,15\n-2,USD,Credit,2026-06-16T00:00:00Z,2026-06-17T00:00:00Z,Anthropic,,Promo,,,-2,-2\n",0,"22","-2",has=['"not_usage": "-2"'])
bill("FOCUS with a torn last row","BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ServiceName,SkuId,ChargeDescription\n6,USD,Usage,2026-06-15T00:00:00Z,Anthropic,x,claude-sonnet-4-6\n3,USD,Usage,2026-06-15T00:00:00Z,Anth\n",1,has=["b.csv:3"])
bill("OpenAI costs, null line item",json.dumps({"object":"page","data":[{"object":"bucket","start_time":1781481600,"end_time":1781568000,"results":[{"object":"organization.costs.result","amount":{"value":9.0,"currency":"usd"},"line_item":None,"project_id":None}]}],"has_more":False,"next_page":None}),0,"9","0",ext="json")
bill("cost report, next_page without has_more",json.dumps({"data":[{"starting_at":"2026-06-15T00:00:00Z","ending_at":"2026-06-16T00:00:00Z","results":[{"currency":"USD","amount":"600","model":S,"cost_type":"tokens"},{"currency":"USD","amount":"300","model":H,"cost_type":"tokens"}]}],"next_page":"p2"}),3,"9","0",ext="json",has=['"partial": true'])
bill("Fireworks by user","account_id,date,group_by_dimension,group_by_value,subtotal_usd,currency\nmy,2026-06-15,user,accounts/my/users/a,5.6,USD\n",1,has=["only rows by model"])
bill("Fireworks by model","account_id,date,group_by_dimension,group_by_value,subtotal_usd,currency\nmy,2026-06-15,model,accounts/fireworks/models/deepseek-v3p1,5.600000000,USD\n",0,"5.6","0")
bill("Fireworks euros","account_id,date,group_by_dimension,group_by_value,subtotal_usd,currency\nmy,2026-06-15,model,accounts/fireworks/models/deepseek-v3p1,5.600000000,EUR\n",1,has=["EUR"])
bill("bookkeeper's table with a note below","day,model,cost\n2026-06-15,claude-sonnet-4-6,6\n2026-06-15,claude-haiku-4-5,3\n2026-06-16,claude-sonnet-4-6,15\nTotal,,24\n",0,"24","0")
bill("month row","month,model,cost\n2026-06,claude-sonnet-4-6,21\n2026-06,claude-haiku-4-5,3\n",0,"24","0")
bill("GitHub premium requests API",json.dumps({"timePeriod":{"year":2026,"month":6,"day":15},"organization":"o","usageItems":[{"product":"Copilot","sku":"Copilot Premium Request","model":"Claude Sonnet 4.6","unitType":"requests","pricePerUnit":0.04,"grossQuantity":150,"grossAmount":6,"discountQuantity":0,"discountAmount":0,"netQuantity":150,"netAmount":6}]}),5,"6","-3",ext="json")
bill("Vercel CSV in euros","day,model,total_cost,input_tokens,output_tokens,request_count\n2026-06-15,anthropic/claude-sonnet-4.6,€6,2000000,0,3\n",1,has=["EUR"])
bill("DeepSeek deducted","user_id,utc_date,model,wallet_type,cost,currency\nu,2026-06-15,deepseek-v4-flash,Paid,-1,USD\nu,2026-06-15,deepseek-v4-flash,Granted,-0.5,USD\n",5,"1.5",None)
# usage
use("OpenAI usage page of hours",json.dumps({"object":"page","data":[{"object":"bucket","start_time":1781481600+3600*h,"end_time":1781485200+3600*h,"results":[{"object":"organization.usage.completions.result","input_tokens":100,"output_tokens":10,"input_cached_tokens":40,"input_audio_tokens":0,"output_audio_tokens":0,"num_model_requests":1,"project_id":None,"user_id":None,"api_key_id":None,"model":"gpt-5-mini-2025-08-07","batch":None,"service_tier":None}]} for h in range(3)],"has_more":False,"next_page":None}),0,(180,120,0,30),ext="json")
use("OpenAI usage without model",json.dumps({"object":"page","data":[{"object":"bucket","start_time":1781481600,"end_time":1781568000,"results":[{"object":"organization.usage.completions.result","input_tokens":100,"output_tokens":10,"input_cached_tokens":40,"num_model_requests":1,"model":None}]}],"has_more":False}),3,(60,40,0,10),ext="json")
use("Anthropic usage, two pages in lines",json.dumps({"data":[{"starting_at":"2026-06-15T00:00:00Z","ending_at":"2026-06-16T00:00:00Z","results":[{"uncached_input_tokens":600,"cache_creation":{"ephemeral_1h_input_tokens":10,"ephemeral_5m_input_tokens":20},"cache_read_input_tokens":400,"output_tokens":200,"server_tool_use":{"web_search_requests":0},"model":S,"service_tier":"standard","context_window":"0-200k","workspace_id":None,"api_key_id":None,"inference_geo":"not_available"}]}],"has_more":True,"next_page":"x"})+"\n"+json.dumps({"data":[{"starting_at":"2026-06-16T00:00:00Z","ending_at":"2026-06-17T00:00:00Z","results":[]}],"has_more":False,"next_page":None})+"\n",0,(600,400,30,200),ext="jsonl")
use("Anthropic console in a German spreadsheet","usage_date_utc;model_version;api_key;workspace;usage_type;context_window;usage_input_tokens_no_cache;usage_input_tokens_cache_write_5m;usage_input_tokens_cache_write_1h;usage_input_tokens_cache_read;usage_output_tokens;web_search_count\n2026-06-15;claude-sonnet-4-6;k;w;standard;≤ 200k;12.600;0;0;400;200;0\n",3,None,has=["12.600"])
use("Helicone with a header twice","request_id,request_created_at,model,prompt_tokens,completion_tokens,total_tokens,cost,cost\nr,2026-06-15T10:00:00Z,claude-sonnet-4-6,600,200,800,0.1,0.2\n",3)
use("Cursor joined with its overlap","Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost\n2026-06-15T10:00:00.000Z,Included,claude-sonnet-4-6,No,0,600,400,200,1200,Included\n2026-06-15T11:00:00.000Z,Included,claude-sonnet-4-6,No,0,6,4,2,12,Included\nDate,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost\n2026-06-15T11:00:00.000Z,Included,claude-sonnet-4-6,No,0,6,4,2,12,Included\n2026-06-15T12:00:00.000Z,Included,claude-sonnet-4-6,No,0,1,1,1,3,Included\n",0,(607,405,0,203))
use("LiteLLM pages 1 of 2",json.dumps({"results":[{"date":"2026-06-15","metrics":{"spend":0.1},"breakdown":{"models":{S:{"metrics":{"spend":0.1,"prompt_tokens":1000,"completion_tokens":200,"cache_read_input_tokens":400,"cache_creation_input_tokens":0,"api_requests":3}}}}}],"metadata":{"page":1,"total_pages":2,"has_more":True}}),3,(600,400,0,200),ext="json")
use("Langfuse jsonl generations","\n".join(json.dumps(x) for x in [{"id":"o1","traceId":"t","type":"GENERATION","name":"n","startTime":"2026-06-15T10:00:00Z","model":S,"usageDetails":{"input":600,"output":200,"input_cache_read":400},"costDetails":{}},{"id":"o2","traceId":"t","type":"SPAN","name":"n","startTime":"2026-06-15T10:00:00Z","model":None,"usageDetails":{},"costDetails":{}}])+"\n",0,(600,400,0,200),ext="jsonl")
use("Portkey lines",json.dumps({"id":"p1","created_at":"2026-06-15T10:00:00Z","ai_model":S,"req_units":1000,"res_units":200,"total_units":1200,"cost":0.6,"cost_currency":"USD"})+"\n",3,(1000,0,0,200),ext="jsonl")
use("Cloudflare with a cached and a failed call",json.dumps({"result":[{"id":"1","created_at":"2026-06-15T10:00:00Z","provider":"anthropic","model":S,"tokens_in":1000,"tokens_out":200,"cost":0.1,"cached":False,"success":True},{"id":"2","created_at":"2026-06-15T10:00:00Z","provider":"anthropic","model":S,"tokens_in":1000,"tokens_out":200,"cost":0,"cached":True,"success":True},{"id":"3","created_at":"2026-06-15T10:00:00Z","provider":"anthropic","model":S,"tokens_in":0,"tokens_out":0,"cost":0,"cached":False,"success":False}],"result_info":{"page":1,"per_page":50,"count":3,"total_count":3}}),3,(1000,0,0,200),ext="json")
use("Copilot camelCase","date,username,product,sku,model,quantity,unitType,grossAmount,discountAmount,netAmount,totalMonthlyQuota,aicQuantity,organizationName,costCenterName,input,output,cacheRead,cacheWrite\n2026-06-15,me,copilot,ai_credit,Claude Sonnet 4.6,3.6,ai-credits,0.1,0,0.1,1500,3.6,o,c,600,200,400,0\n",0,(600,400,0,200))
use("DeepSeek of +08:00","start_time_iso,end_time_iso,model,api_key_name,type,price,amount\n2026-06-15T00:00:00+08:00,2026-06-16T00:00:00+08:00,deepseek-v4-flash,n,input_cache_miss_tokens,0.00000014,600\n2026-06-15T00:00:00+08:00,2026-06-16T00:00:00+08:00,deepseek-v4-flash,n,output_tokens,0.00000028,200\n",0,(600,0,0,200))
use("DeepSeek of two keys","utc_date,model,api_key_name,api_key,type,price,amount\n20260615,deepseek-v4-flash,n,sk-1,input_cache_hit_tokens,0.0000000028,400\n20260615,deepseek-v4-flash,n,sk-2,input_cache_hit_tokens,0.0000000028,400\n",0,(0,800,0,0))
use("Claude Code analytics, two actors",json.dumps({"data":[{"date":"2026-06-15T00:00:00Z","actor":{"type":"user_actor","email_address":e},"organization_id":"o","customer_type":"api","terminal_type":"vscode","core_metrics":{"num_sessions":1},"model_breakdown":[{"model":S,"tokens":{"input":600,"output":200,"cache_read":400,"cache_creation":0},"estimated_cost":{"currency":"USD","amount":12}}]} for e in ("a@b","c@d")],"has_more":False,"next_page":None}),0,(1200,800,0,400),ext="json")
print(n,"cases",bad,"wrong")
