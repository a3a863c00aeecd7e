#!/usr/bin/env bats
# Bills as vendors, clouds and spreadsheets write them, each read by the registry: days, names, money and lines that are no usage.
load common

usage() {
	command -v python3 > /dev/null || skip "no python3"
	export TALLY_DB=$DIR/r.db
	printf '%s\n' id,time,model,project,input a,2026-06-15T01:00:00Z,claude-sonnet-4-6,alpha,2000000 \
		b,2026-06-16T01:00:00Z,claude-haiku-4-5,beta,4000000 c,2026-06-16T01:00:00Z,gpt-4o-2024-11-20,beta,4000000 \
		d,2026-06-16T01:00:00Z,gemini-2.5-flash,beta,10000000 > u.csv
	"$TALLY" ingest u.csv -q
}

@test "each file is read as what it is" {
	usage
	run python3 "$ROOT/tests/support/bills.py" "$TALLY"
	[ -z "$output" ] || fail "$output"
}

@test "each kind of usage is read in every way in which files arrive, and once" {
	usage
	run python3 "$ROOT/tests/support/usages.py" "$TALLY" "$ROOT/meter/read/exports"
	[ -z "$output" ] || fail "$output"
}

@test "tokens of a column that is not known leave the row without a price" {
	export TALLY_DB=$DIR/n.db
	printf '%s\n' 'usage_date_utc,model_version,usage_input_tokens_no_cache,usage_output_tokens,usage_video_tokens' \
		2026-06-15,claude-sonnet-4-6,100,10,0 2026-06-16,claude-sonnet-4-6,100,10,5 > c.csv
	"$TALLY" ingest c.csv -q || true
	run "$TALLY" usage
	expect 3 '>=' usage_video_tokens
}

@test "an archive of usage and costs counts the usage; one of costs is a bill" {
	command -v python3 > /dev/null || skip "no python3"
	export TALLY_DB=$DIR/z.db
	printf 'user_id,utc_date,model,wallet_type,cost,currency\nu,2026-06-15,deepseek-v4-flash,Paid,1,USD\n' > cost.csv
	printf 'utc_date,model,api_key_name,type,price,amount\n2026-06-15,deepseek-v4-flash,n,output_tokens,0.00000028,200\n' > amount.csv
	python3 -c 'import zipfile; z = zipfile.ZipFile("both.zip", "w"); z.write("cost.csv"); z.write("amount.csv"); z.close()
z = zipfile.ZipFile("cost.zip", "w"); z.write("cost.csv"); z.close()'
	run "$TALLY" ingest both.zip --json
	expect 0 '"accepted": 1'
	run "$TALLY" ingest cost.zip
	expect 1 "tally reconcile"
}

@test "the same figures as a page and as a workbook with real dates" {
	usage
	printf 'day,model,cost\n2026-06-15,claude-sonnet-4-6,7\n2026-06-15,Tax,0.5\n' > b.csv
	run "$TALLY" reconcile b.csv --html b.html --xlsx b.xlsx --json
	[ "$status" -eq 5 ]
	grep -q '<td class="n"[^>]*>\$7</td>' b.html
	grep -q 'no usage' b.html
	! grep -q '<script' b.html
	python3 - <<-'P'
	import re, zipfile
	z = zipfile.ZipFile("b.xlsx")
	days = z.read("xl/worksheets/sheet2.xml").decode()
	assert re.search(r'<c r="A2" s="\d+"><v>46188</v>', days), days
	assert re.search(r'<c r="D2" s="\d+"><v>7</v>', days), days
	assert "=cmd" not in z.read("xl/sharedStrings.xml").decode()
	P
}

@test "usage is no bill, and says who reads it" {
	usage
	printf 'usage_date_utc,model_version,usage_input_tokens_no_cache,usage_output_tokens\n2026-06-15,claude-sonnet-4-6,1,1\n' > c.csv
	run "$TALLY" reconcile c.csv
	[ "$status" -eq 1 ]
	[[ "$output" == *"tally ingest"* ]]
}

@test "buckets, searches and names like formulas go through export csv and back" {
	export TALLY_DB=$DIR/one.db
	printf '%s%s%s' '{"data":[{"starting_at":"2026-06-15T00:00:00Z","ending_at":"2026-06-16T00:00:00Z","results":[{"model":"claude-sonnet-4-6",' \
		'"uncached_input_tokens":1000,"output_tokens":100,"cache_creation":{"ephemeral_1h_input_tokens":10},"cache_read_input_tokens":5,' \
		'"service_tier":"batch","server_tool_use":{"web_search_requests":3}}]}],"has_more":false}' > buckets.json
	printf '%s\n' '{"id":"=1+1","time":"2026-06-14T10:00:00Z","model":"claude-sonnet-4-6","customer":"@team","input":7}' \
		'{"id":"odd","time":"2026-06-14T10:00:00Z","model":"claude-sonnet-4-6","input":7,"surprise_tokens":5}' > calls.jsonl
	"$TALLY" ingest buckets.json calls.jsonl -q || true
	"$TALLY" export csv > u.csv
	"$TALLY" usage --by day,model,customer --json > one.json || true
	TALLY_DB=$DIR/two.db "$TALLY" ingest u.csv -q || true
	TALLY_DB=$DIR/two.db "$TALLY" usage --by day,model,customer --json > two.json || true
	diff one.json two.json >&2 || fail differ
	# once more into the first: nothing is new
	run "$TALLY" ingest u.csv --json
	case $output in *'"accepted":0'* | *'"accepted": 0'*) ;; *) fail "read again" ;; esac
	# a bucket is still one: it grows, and takes no call that it sums up
	sed 's/"uncached_input_tokens":1000/"uncached_input_tokens":1500/' buckets.json > grown.json
	TALLY_DB=$DIR/two.db "$TALLY" ingest grown.json -q || true
	TALLY_DB=$DIR/two.db "$TALLY" usage --json > two.json || true
	grep -q '"input": *1514' two.json || fail "$(cat two.json)"
	# a replay reads the same buckets and searches
	run "$TALLY" replay u.csv --json
	expect 3 '"total": "0.03230175"'
}

@test "our own FOCUS file is a bill that matches the meter; calls without a price are the cause of what is not in it" {
	export TALLY_DB=$DIR/f.db
	printf '%s\n' id,time,model,input,output a,2026-06-15T10:00:00Z,claude-sonnet-4-6,1000000,1000 b,2026-06-16T10:00:00Z,nosuch,5,5 > u.csv
	"$TALLY" ingest u.csv -q || true
	run "$TALLY" export focus -o f.csv
	expect 3 '1 record without a price'
	run "$TALLY" reconcile f.csv --json --since 2026-06-15 --until 2026-06-16
	expect 3 '"matching": 1' '"cause": "unpriced calls"' '"unexplained": "0"'
}
