#!/usr/bin/env bats
# What is left on the disk and what is shown: for its owner alone, whole, and harmless to whoever opens it.
# with sanitizers, too
load common
load server

# Every control character but tab and newline, and those that turn the direction of writing.
raw() { LC_ALL=C grep -aqP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' "$@"; }
evil='{"id":"e\u001b[31m","time":"2026-06-15T08:00:00Z","model":"deepseek-v4-flash","customer":"a\u001b]0;x\u0007\u202etxt\u0085","project":"p\u2066\u200f","session":"s\u001b","input":10}'

@test "database, log, ids, tokens and backups are for their owner alone" {
	on_server && skip "of files"
	umask 000
	serve_surely
	curl -s -m 5 -d '{"id":"a","model":"deepseek-v4-flash","input":1}' "$URL/v1/usage" | grep -q '"accepted":1'
	"$TALLY" backup copy.db -q
	"$TALLY" token app --file tokens 2>/dev/null
	for f in t.db t.db-wal t.db-shm copy.db tokens t.db-ids/*; do [ "$(stat -c %a "$f")" = 600 ] || fail "$f is $(stat -c %a "$f")"; done
	[ "$(stat -c %a t.db-ids)" = 700 ]
}
@test "a backup follows no link" {
	on_server && skip "of files"
	"$TALLY" db init >/dev/null
	echo precious >target; ln -s target link; ln -s nowhere dangling
	for l in link dangling; do
		run "$TALLY" backup $l
		[ "$status" -ne 0 ] || fail "$l was followed"
		[ -L $l ] || fail "$l is gone"
	done
	[ "$(cat target)" = precious ]
	[ ! -e nowhere ]
	run "$TALLY" backup target; [ "$status" -ne 0 ] && [ "$(cat target)" = precious ]
	"$TALLY" backup new.db -q && "$TALLY" fsck --db new.db | grep -q clean
}
@test "a folder of ids that is hurt under a running server is made again, and no record is taken twice" {
	on_server && skip "of files"
	serve_surely
	awk 'BEGIN { for (i = 0; i < 500; i++) printf "{\"id\":\"r%d\",\"time\":\"2026-06-15T08:00:00Z\",\"model\":\"deepseek-v4-flash\",\"input\":1}\n", i }' >r
	curl -s -m 5 --data-binary @r "$URL/v1/usage" | grep -q '"accepted":500'
	dd if=/dev/zero of=t.db-ids/head bs=16 seek=4 count=20 conv=notrunc status=none
	run curl -s -m 5 --data-binary @r "$URL/v1/usage"
	case $output in *'"duplicates":500'*) ;; *"was damaged"*) ;; *) fail "known records are new" ;; esac
	run curl -s -m 5 --data-binary @r "$URL/v1/usage"
	expect 0 '"accepted":0,"duplicates":500'
}
@test "cells that a spreadsheet would calculate are texts in CSV and XLSX" {
	printf '%s\n' '{"id":"=1+1","time":"2026-06-15T08:00:00Z","model":"deepseek-v4-flash","customer":"+cmd|x","project":"@SUM(1)","workload":"-2","session":"\tx","task":"\r=y","input":10}' >r.jsonl
	"$TALLY" ingest r.jsonl -q
	run "$TALLY" export csv; expect 0 "'=1+1," "'+cmd|x," "'@SUM(1)," "'-2,"
	printf '%s' "$output" | grep -qP "'\tx" && printf '%s' "$output" | grep -qP "\"'\r=y\""
	run "$TALLY" usage --by customer,project --csv; expect 0 "'+cmd|x,'@SUM(1)"
	run "$TALLY" export focus; expect 0 "'+cmd|x"
	[[ $output != *"'-"* && $output != *"'0"* ]] || fail "a figure is a text"
	"$TALLY" credit account -- '=acme' -q --plan vm0 2>/dev/null || "$TALLY" credit account '=acme' --plan vm0 -q
	"$TALLY" credit grant '=acme' 5 --id '@g' --note '=HYPERLINK("x")' -q
	run "$TALLY" credit ledger '=acme' --csv; expect 0 "'=HYPERLINK" "'@g"
	[[ $output != *"'-5"* ]] || fail "a figure is a text"
	"$TALLY" export xlsx -o u.xlsx
	unzip -p u.xlsx xl/worksheets/sheet1.xml >sheet.xml 2>/dev/null || skip "no unzip"
	! grep -q '<f>' sheet.xml
}
@test "control characters and turned text reach no terminal, no page and no PDF" {
	printf '%s\n' "$evil" >r.jsonl; printf '%s\n' '{"id":"x\u001b[2J","model":"none\u202e","input":-1}' >>r.jsonl
	"$TALLY" ingest r.jsonl >out 2>&1 || true
	raw out && fail "ingest: $(cat -v out)"
	id=$(printf 'e\033[31m') c=$(printf 'a\033]0;x\007\342\200\256txt\302\205')
	"$TALLY" credit account "$c" --plan vm0 -q; "$TALLY" credit grant "$c" 5 --id "g$id" --note "$c" -q
	"$TALLY" budget set "b$id" --customer "$c" --amount 1 --period ever -q
	while IFS= read -r how; do
		eval "\"\$TALLY\" $how" >out 2>&1 || true
		raw out && fail "$how: $(cat -v out)"
		case $how in *--csv* | *nothing*) ;; *) [ -s out ] || fail "$how printed nothing" ;; esac
	done <<'HOW'
usage --by customer,project
usage --by customer,project --csv
usage --by customer,project --json
records
records --json
explain "$id"
explain "$id" --json
explain "nothing$id"
quarantine list
quarantine list --json
credit show "$c"
credit ledger "$c"
credit ledger "$c" --csv
credit ledger "$c" --json
budget status
export csv
export focus
export journal
status
cost -m "no$id" --input 1
usage --customer "no$c"
usage --by "no$id"
ingest "no$id"
no"$id"
HOW
	"$TALLY" invoice draft "$c" --period 2026-06 -q || [ $? = 3 ]
	for f in text html json csv; do "$TALLY" invoice show '#1' --format $f >out 2>&1 || true; [ -s out ]; raw out && fail "$f: $(cat -v out)"; done
	"$TALLY" invoice show '#1' --format pdf -o i.pdf || "$TALLY" invoice show '#1' --format pdf >i.pdf
	if command -v pdftotext >/dev/null; then pdftotext i.pdf - | tr -d '\f' >out; grep -q 'u202e' out || fail "$(cat out)"; raw out && fail "pdf: $(cat -v out)"; fi
	"$TALLY" whatif --html w.html --scenario recorded >out 2>&1 || true
	raw out && fail "whatif: $(cat -v out)"
	if command -v unzip >/dev/null; then
		"$TALLY" export xlsx -o u.xlsx -q || true
		unzip -p u.xlsx >out; grep -q u202e out || fail "the workbook lacks the name"
		! LC_ALL=C grep -q "$(printf '\342\200\256')" out || fail "the workbook has it raw"
	fi
	if [ -e w.html ]; then grep -v chart w.html | head -c 20000 >head.html; raw head.html && fail "html"; fi
	true
}
@test "a cell of CSV that begins with a newline or a wide sign is no formula, and is read back as it was" {
	printf '%s\n' '{"id":"a","time":"2026-06-15T08:00:00Z","model":"deepseek-v4-flash","customer":"\uff1d1+1","project":"\n=1","workload":"\uff20x","input":10}' >r.jsonl
	"$TALLY" ingest r.jsonl -q
	"$TALLY" export csv >out.csv
	python3 - <<-'END'
		import csv
		row = list(csv.DictReader(open("out.csv", newline="")))[0]
		assert (row["customer"], row["project"], row["workload"]) == ("'\uff1d1+1", "'\n=1", "'\uff20x"), row
	END
	"$TALLY" ingest out.csv --db again.db -q
	diff <("$TALLY" usage --by customer,project --json) <("$TALLY" usage --by customer,project --json --db again.db)
}
