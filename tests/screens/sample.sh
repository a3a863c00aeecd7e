# The data of the screens: a small database (calls of three customers, credits, an invoice, a budget, a
# refused record), a Claude Code log and a provider's bill, all with fixed dates, made in the working directory.
set -eu
export TALLY_DB=$PWD/tally.db
tally ingest -q "$EXAMPLES/sample.csv"
cat >more.csv <<'CSV'
id,time,model,customer,project,session,input,cache_read,output
long1,2026-08-30T09:00:00Z,deepseek-v4-pro,Müller & Söhne Maschinenbau GmbH,/home/anna/code/customer-portal-backend,8f14e45f-ceea-467f-9c1b-1c2d3e4f5a6b,1200000,8400000,31000
wide1,2026-08-30T10:00:00Z,deepseek-v4-flash,東京株式会社,検索,s2,420000,0,18000
new1,2026-08-30T10:30:00Z,acme-large-1,contoso,tickets,s3,1000,0,200
tiny1,2026-08-30T11:00:00Z,deepseek-v4-flash,contoso,tickets,s3,1,0,1
CSV
tally ingest -q more.csv || true
printf '{"id":"bad1","time":"2026-08-30T12:00:00Z","model":"deepseek-v4-flash","input":-5}\n' >bad.jsonl
tally ingest -q bad.jsonl 2>/dev/null || true
tally credit account contoso --plan vm0 --since 2026-08-01 -q
tally credit account northwind --plan vm0 --since 2026-08-01 -q
tally credit grant contoso 400 --id welcome --effective 2026-08-01 --expires 2026-09-15 -q
tally credit grant contoso 1000 --id top-up --effective 2026-08-20 -q
tally credit grant northwind 50 --id welcome --effective 2026-08-01 -q
tally credit draw -q || true
tally invoice draft northwind --period 2026-08 -q >/dev/null || [ $? = 3 ]
tally budget set contoso --amount 2.00 --customer contoso -q >/dev/null
tally limit set northwind --amount 5.00 -q >/dev/null
mkdir -p home/.claude/projects/app
awk 'BEGIN {
	for (i = 0; i < 60; i++) printf "{\"type\":\"assistant\",\"sessionId\":\"%s\",\"cwd\":\"/home/anna/app\",\"timestamp\":\"2026-08-%02dT%02d:%02d:00Z\",\"requestId\":\"r%d\",\"message\":{\"id\":\"m%d\",\"model\":\"%s\",\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":%d,\"cache_creation_input_tokens\":%d,\"cache_read_input_tokens\":%d,\"output_tokens\":%d}}}\n",
		i < 40 ? "0a1b2c3d-1111-4222-8333-444455556666" : "9f8e7d6c-5555-4666-8777-888899990000",
		i < 40 ? 29 : 31, 8 + int(i % 40 / 8), i * 7 % 60, i, i, i % 3 ? "claude-sonnet-4-6" : "claude-opus-4-6", 40 + i, 900 * (i % 5), 30000 + 1100 * i, 300 + 17 * i }' >home/.claude/projects/app/s.jsonl
cat >bill.csv <<'CSV'
day,model,cost
2026-08-24,deepseek-v4-flash,0.30
2026-08-25,deepseek-v4-flash,0.40
2026-08-30,deepseek-v4-pro,1.00
CSV
touch -d 2026-08-31T12:00:00Z home/.claude/projects/app/s.jsonl
