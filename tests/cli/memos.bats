#!/usr/bin/env bats
# Reports on paper: what one hands on can be read.
load common

@test "no figure and no name of a model breaks in the table of a PDF" {
	command -v pdftotext >/dev/null || skip "there is no pdftotext"
	printf 'id,time,model,input,cache_read,output\nx1,2026-08-28T10:00:00Z,claude-sonnet-4-6,1200000,84000,31000\nx2,2026-08-28T10:00:00Z,acme-1,1200,84,310\n' >more.csv
	run "$TALLY" migrate more.csv --to deepseek-v4-flash --to claude-haiku-4-5 --plan vm0 --start 2026-09-01 --format pdf -o m.pdf
	expect 3
	pdftotext -layout m.pdf - >m.txt
	grep -qE '^ *claude-haiku-4-5 +\$1\.37 +\$40\.[0-9]{2} +\$41\.[0-9]{2} +\$49[0-9]\.[0-9]{2} +(<= )?[+-][0-9.]+ % +[0-9,.]+$' m.txt || fail "$(cat m.txt)"
	"$TALLY" decide "$ROOT/examples/decide.json" --format pdf -o d.pdf
	pdftotext -layout d.pdf - >d.txt
	grep -qE 'deepseek-v4-pro +\$0\.0001407 +52 +\$0\.000002705' d.txt || fail "$(cat d.txt)"
	! grep -qE '^ *[0-9]{1,4}$' d.txt || fail "a figure breaks"
}
