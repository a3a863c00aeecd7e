#!/usr/bin/env bats
# A month of usage beside the bill of a scripted vendor, in each format of the registry, with seeded faults: each is named with its sum.
load common

# the table of docs/reconcile.md: fault, difference, cause, its sum, unexplained, exit status
faults() {
	grep -E '^\| (none|half|tenth|rounding|day|name|tax|unmetered|missing) \|.*\|.*\|.*\|.*\|' "$ROOT/docs/reconcile.md"
}

@test "each seeded fault is named with its sum, in every format" {
	command -v python3 > /dev/null || skip "no python3"
	export TALLY_DB=$DIR/t.db
	python3 "$ROOT/tests/support/vendor_bill.py" usage u.csv
	"$TALLY" ingest u.csv -q
	[ "$(faults | wc -l)" -eq 9 ]
	python3 "$ROOT/tests/support/vendor_bill.py" formats "$ROOT/meter/read/exports" > formats
	faults > faults
	run python3 - "$TALLY" "$ROOT/tests/support" <<-'P'
	import json, subprocess, sys
	tally, support = sys.argv[1:]
	sys.dont_write_bytecode = True
	sys.path.insert(0, support)
	from vendor_bill import lines, plain, seed, write
	faults = [[c.strip() for c in line.strip().strip("|").split("|")] for line in open("faults")]
	for fmt in open("formats").read().split():
	    for fault, _, difference, cause, total, unexplained, code in faults:
	        rows, off = seed(fault, lines())
	        write(fmt, rows, "bill")
	        run = subprocess.run([tally, "reconcile", "bill", "--provider", "anthropic", "-z", "UTC", "--json"], capture_output=True, text=True)
	        said = json.loads(run.stdout)
	        if "lines" not in said:
	            print(fmt, fault, run.stderr)
	            continue
	        told = [said["difference"], said["causes"].get(cause, "-"), said["unexplained"], str(run.returncode)]
	        if told != [difference, total, unexplained, code] or plain(off) != difference:
	            print(fmt, fault, "seeded", off, "told", told, "wanted", [difference, total, unexplained, code], said["other"][:3])
	        if fault == "name" and '"another name"' not in run.stdout:
	            print(fmt, "another name is not named")
	P
	[ -z "$output" ] || fail "$output"
}
