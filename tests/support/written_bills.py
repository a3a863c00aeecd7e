#!/usr/bin/env python3
"""Bills as people and programs really write them, each with what it comes to by hand: written_bills.py TALLY

The metered half is 6 and 15 dollars of Sonnet 4.6 and 3 of Haiku 4.5 on two days. A case has files, the exit status, billed,
billed less metered, and what must be said."""
import gzip, io, json, os, subprocess, sys, zipfile

T = sys.argv[1]

def meter(rows, db="m.db", args=()):
    open("u.csv","w").write("id,time,model,input,output\n"+"".join("r%d,%s\n"%(i,r) for i,r in enumerate(rows)))
    subprocess.run([T,"ingest","u.csv","--db",db,"-q",*args],check=True,stdout=subprocess.DEVNULL)
# sonnet 15 June: 2M in = 6, haiku 15 June 3M = 3, sonnet 16 June 1M out = 15
U=["2026-06-15T10:00:00Z,claude-sonnet-4-6,2000000,0","2026-06-15T11:00:00Z,claude-haiku-4-5,3000000,0","2026-06-16T10:00:00Z,claude-sonnet-4-6,0,1000000"]
CASES=[]
def case(name, files, status, billed=None, diff=None, args=(), has=(), enc="utf-8"):
    CASES.append((name, files, status, billed, diff, args, has, enc))
D="day,model,cost\n"
full="2026-06-15,claude-sonnet-4-6,6\n2026-06-15,claude-haiku-4-5,3\n2026-06-16,claude-sonnet-4-6,15\n"
case("plain",{"b.csv":D+full},0,"24","0")
case("bom crlf",{"b.csv":"\ufeff"+(D+full).replace("\n","\r\n")},0,"24","0")
case("semicolon comma",{"b.csv":(D+full).replace(",",";").replace(";6\n",";6,00\n").replace(";3\n",";3,00\n").replace(";15\n",";15,00\n")},0,"24","0")
case("tabs",{"b.csv":(D+full).replace(",","\t")},0,"24","0")
case("total row",{"b.csv":D+full+"Total,,24\n"},0,"24","0")
case("total row wrong",{"b.csv":D+full+"Total,,25\n"},5,"24","0",has=['"total_is_wrong": true'])
case("german words",{"b.csv":"Tag;Modell;Kosten\n15.06.2026;claude-sonnet-4-6;6,00 €\n15.06.2026;claude-haiku-4-5;3,00 €\n16.06.2026;claude-sonnet-4-6;15,00 €\nGesamt;;24,00 €\n"},1,has=["EUR"])
case("german usd",{"b.csv":"Datum;Modell;Betrag (USD)\n15.06.2026;claude-sonnet-4-6;6,00\n15.06.2026;claude-haiku-4-5;3,00\n16.06.2026;claude-sonnet-4-6;15,00\nSumme;;24,00\n"},0,"24","0")
case("ambiguous dates",{"b.csv":D+"6/7/2026,claude-sonnet-4-6,6\n"},1,has=["6/7/2026"])
case("us dates",{"b.csv":D+"6/15/2026,claude-sonnet-4-6,$6.00\n6/15/2026,claude-haiku-4-5,$3.00\n6/16/2026,claude-sonnet-4-6,$15.00\n"},0,"24","0")
case("ambiguous 1.234",{"b.csv":"day;model;cost\n2026-06-15;claude-sonnet-4-6;1.234\n"},1,has=["1.234"])
case("negatives",{"b.csv":D+full+"2026-06-16,claude-sonnet-4-6,(5.00)\n"},5,"19","-5")
case("credit kind",{"b.csv":"day,model,cost,kind\n"+full.replace("\n",",Usage\n")+"2026-06-16,,-4.00,Credit\n"},0,"20","-4",has=['"not_usage": "-4"'])
case("thousands",{"b.csv":D+'2026-06-15,claude-sonnet-4-6,"1,006.00"\n2026-06-15,claude-haiku-4-5,3\n2026-06-16,claude-sonnet-4-6,15\n'},5,"1024","1000")
case("euros in cell",{"b.csv":D+"2026-06-15,claude-sonnet-4-6,€6\n"},1,has=["EUR"])
case("mixed currency",{"b.csv":"day,model,cost,currency\n2026-06-15,claude-sonnet-4-6,6,USD\n2026-06-15,claude-haiku-4-5,3,EUR\n"},1)
case("gz",{"b.csv.gz":gzip.compress((D+full).encode())},0,"24","0")
def mkzip(parts):
    o=io.BytesIO()
    with zipfile.ZipFile(o,"w") as f:
        for n,t in parts: f.writestr(n,t)
    return o.getvalue()
case("zip",{"b.zip":mkzip([("folder/b.csv",D+full)])},0,"24","0")
case("zip two months",{"b.zip":mkzip([("a.csv",D+full.splitlines(True)[0]+full.splitlines(True)[1]),("b.csv",D+full.splitlines(True)[2]),("__MACOSX/._a.csv","x"),("readme.txt","hello")])},0,"24","0")
case("zip same twice",{"b.zip":mkzip([("a.csv",D+full),("copy/a.csv",D+full)])},1)
case("utf16",{"b.csv":(D+full).encode("utf-16")},0,"24","0")
case("title above",{"b.csv":"Usage report\nAccount: acme\n\n"+D+full},0,"24","0")
case("empty rows",{"b.csv":D+"\n"+full+",,\n\n"},0,"24","0")
case("exponent",{"b.csv":D+"2026-06-15,claude-sonnet-4-6,6e0\n2026-06-15,claude-haiku-4-5,.3e1\n2026-06-16,claude-sonnet-4-6,1.5E+01\n"},0,"24","0")
case("no cost words",{"b.csv":D+"2026-06-15,claude-sonnet-4-6,n/a\n"},1,has=["n/a"])
case("two cost columns",{"b.csv":"day,model,amount,total\n2026-06-15,claude-sonnet-4-6,6,5\n"},1,has=["may both be the cost"])
case("cost by our own word",{"b.csv":"day,model,amount,cost\n"+full.replace(",6\n",",9,6\n").replace(",3\n",",9,3\n").replace(",15\n",",9,15\n")},0,"24","0",has=["amount"])
# anthropic cost report, cents, two pages
def page(day,res,more): return {"data":[{"starting_at":day+"T00:00:00Z","ending_at":"2026-06-%02dT00:00:00Z"%(int(day[-2:])+1),"results":res}],"has_more":more,"next_page":"p" if more else None}
r=lambda m,a,t="uncached_input_tokens":{"currency":"USD","amount":a,"model":m,"cost_type":"tokens","token_type":t,"description":m,"service_tier":"standard","context_window":"0-200k","workspace_id":None}
p1=page("2026-06-15",[r("claude-sonnet-4-6","600.0"),r("claude-haiku-4-5","300")],True); p2=page("2026-06-16",[r("claude-sonnet-4-6","1500","output_tokens"),{"currency":"USD","amount":"12.5","model":None,"cost_type":"web_search","description":"Web Search"}],False)
case("anthropic pages",{"a.json":json.dumps(p1),"b.json":json.dumps(p2)},0,"24.125","0.125",has=['"not_usage": "0.125"'])
case("anthropic page 1",{"a.json":json.dumps(p1)},3,"9","0",has=['"partial": true'])
case("anthropic page 2 first, jsonl",{"a.jsonl":json.dumps(p2)+"\n"+json.dumps(p1)+"\n"},0,"24.125","0.125")
case("anthropic same page twice",{"a.json":json.dumps(p2),"b.json":json.dumps(p2)},1)
# openai costs: strings, 1e-05
ob=lambda ts,items,more:{"object":"page","data":[{"object":"bucket","start_time":ts,"end_time":ts+86400,"results":[{"object":"organization.costs.result","amount":{"value":v,"currency":"usd"},"line_item":l,"project_id":None} for l,v in items]}],"has_more":more}
case("openai costs",{"o.json":json.dumps(ob(1781481600,[("claude-sonnet-4-6, input",6),("claude-haiku-4-5, input","3.00000"),("web search tool calls",1e-05)],False))},0,"9.00001","0.00001",args=["--provider","anthropic"],has=['"not_usage": "0.00001"'])
case("openai nulls",{"o.json":json.dumps(ob(1781481600,[(None,9)],False))},0,"9","0",args=["--provider","anthropic"])
# deepseek negative, cny
case("deepseek signs",{"cost.csv":"user_id,utc_date,model,wallet_type,cost,currency\nu,20260615,claude-sonnet-4-6,Paid,-4,USD\nu,20260615,claude-sonnet-4-6,Granted,-2,USD\nu,20260615,claude-haiku-4-5,Paid,-3,USD\nu,20260616,claude-sonnet-4-6,Paid,-15,USD\n"},0,"24","0",args=["--provider","anthropic"])
case("deepseek yuan",{"cost.csv":"user_id,utc_date,model,wallet_type,cost,currency\nu,20260615,deepseek-v4-flash,Paid,4,CNY\n"},1,has=["CNY"],args=["--provider","anthropic"])
# focus with tax and list
F="BilledCost,EffectiveCost,ListCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ServiceName,SkuMeter\n"
case("focus",{"f.csv":F+"6,6,8,USD,Usage,2026-06-15T00:00:00Z,2026-06-16T00:00:00Z,claude-sonnet-4-6,Input\n3,3,4,USD,Usage,2026-06-15T00:00:00Z,2026-06-16T00:00:00Z,claude-haiku-4-5,Input\n15,15,15,USD,Usage,2026-06-16T00:00:00Z,2026-06-17T00:00:00Z,claude-sonnet-4-6,Output\n4.56,4.56,4.56,USD,Tax,2026-06-16T00:00:00Z,2026-06-17T00:00:00Z,Tax,\n"},0,"28.56","4.56")
# openrouter days, byok
case("openrouter days",{"d.csv":"Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,Reasoning Tokens\n2026-06-15,anthropic/claude-sonnet-4.6,6,0,1,2000000,0,0\n2026-06-15,anthropic/claude-haiku-4.5,3,0,1,3000000,0,0\n2026-06-16,anthropic/claude-sonnet-4.6,15,0,1,0,1000000,0\n"},0,"24","0",args=["--provider","anthropic"])
# yen-style symbols, trailing minus
case("trailing minus",{"b.csv":D+full+"2026-06-16,claude-sonnet-4-6,2.00-\n"},5,"22","-2")
case("CR",{"b.csv":D+full+"2026-06-16,claude-sonnet-4-6,2.00 CR\n"},5,"22","-2")
case("nbsp thousands",{"b.csv":"day;model;cost\n2026-06-15;claude-sonnet-4-6;1\u00a0006,00\n2026-06-15;claude-haiku-4-5;3,00\n2026-06-16;claude-sonnet-4-6;15,00\n"},5,"1024","1000")
case("swiss",{"b.csv":"day;model;cost\n2026-06-15;claude-sonnet-4-6;1'006.00\n2026-06-15;claude-haiku-4-5;3.00\n2026-06-16;claude-sonnet-4-6;15.00\n"},5,"1024","1000")
case("subtotals per day",{"b.csv":D+"2026-06-15,claude-sonnet-4-6,6\n2026-06-15,claude-haiku-4-5,3\n2026-06-15,Subtotal,9\n2026-06-16,claude-sonnet-4-6,15\n2026-06-16,Subtotal,15\nGrand total,,24\n"},0,"24","0")
case("minus unicode",{"b.csv":D+full+"2026-06-16,claude-sonnet-4-6,\u22122.00\n"},5,"22","-2")
case("usd prefix",{"b.csv":D+full.replace(",6\n",",US$6.00\n").replace(",3\n",",USD 3\n").replace(",15\n",",15.00 USD\n")},0,"24","0")
case("iso week date",{"b.csv":D+"2026-W25-1,claude-sonnet-4-6,6\n"},1)
case("datetime offset",{"b.csv":D+"2026-06-15T23:30:00-04:00,claude-sonnet-4-6,6\n"},5)
case("excel serial day",{"b.csv":D+"46188,claude-sonnet-4-6,6\n"},5,"6","-3")
case("pct column",{"b.csv":"day,model,cost,share\n"+full.replace("\n",",25%\n")},0,"24","0")
case("quoted newline",{"b.csv":'day,model,cost,note\n2026-06-15,claude-sonnet-4-6,6,"a\nb"\n2026-06-15,claude-haiku-4-5,3,x\n2026-06-16,claude-sonnet-4-6,15,y\n'},0,"24","0")
case("headers again",{"b.csv":D+full.splitlines(True)[0]+full.splitlines(True)[1]+D+full.splitlines(True)[2]},0,"24","0")
case("html masquerade",{"b.csv":"<html><body>login</body></html>"},1)
case("empty",{"b.csv":""},1)
case("head only",{"b.csv":D},1)
case("currency in header eur",{"b.csv":"day,model,Cost (EUR)\n2026-06-15,claude-sonnet-4-6,6\n"},1,has=["EUR"])
case("cents header",{"b.csv":"day,model,cost_cents\n2026-06-15,claude-sonnet-4-6,600\n"},1,has=["cost=COLUMN"])
case("discount col",{"b.csv":"day,model,gross_amount,discount,net_amount\n2026-06-15,claude-sonnet-4-6,8,2,6\n2026-06-15,claude-haiku-4-5,4,1,3\n2026-06-16,claude-sonnet-4-6,16,1,15\n"},1,has=["cost=COLUMN"])
case("discount col unread",{"b.csv":"day,model,gross_amount,discount,net_amount\n2026-06-15,claude-sonnet-4-6,8,2,6\n2026-06-15,claude-haiku-4-5,4,1,3\n2026-06-16,claude-sonnet-4-6,16,1,15\n"},3,"24","0",args=["--map","cost=net_amount"],has=["gross_amount"])
case("discount col mapped",{"b.csv":"day,model,gross_amount,discount,net_amount\n2026-06-15,claude-sonnet-4-6,8,2,6\n2026-06-15,claude-haiku-4-5,4,1,3\n2026-06-16,claude-sonnet-4-6,16,1,15\n"},0,"24","0",args=["--map","cost=net_amount","--map","none=discount"],has=["gross_amount"])
case("OpenAI, former costs by day",{"o.json":json.dumps({"object":"list","daily_costs":[{"timestamp":1781481600.0,"line_items":[{"name":"Claude Sonnet 4.6","cost":600.0},{"name":"Claude Haiku 4.5","cost":300},{"name":"Image models","cost":0}]},{"timestamp":1781568000.0,"line_items":[{"name":"Claude Sonnet 4.6","cost":1500.0}]}],"total_usage":2400.0})},0,"24","0",args=["--provider","anthropic"])
meter(U)
for name,files,status,billed,diff,args,has,enc in CASES:
    names=[]
    for n,c in files.items():
        n="f_"+n; names.append(n)
        open(n,"wb").write(c if isinstance(c,bytes) else c.encode(enc))
    r=subprocess.run([T,"reconcile",*names,"--db","m.db","--json",*args],capture_output=True,text=True)
    try: d=json.loads(r.stdout)
    except Exception: d={}
    bad=[]
    if status is not None and r.returncode!=status: bad.append("status %s"%r.returncode)
    if billed is not None and d.get("billed")!=billed: bad.append("billed %s"%d.get("billed"))
    if diff is not None and d.get("difference")!=diff: bad.append("difference %s"%d.get("difference"))
    for h in has:
        if h not in r.stdout+r.stderr: bad.append("no %r"%h)
    if bad: print(name, bad, r.stderr.strip()[:300], {k:d.get(k) for k in("billed","metered","difference","unexplained")} if "lines" in d else r.stdout[:300])
print(len(CASES), "bills")
