#!/usr/bin/env bats
# A month of usage beside the bill of a scripted vendor, in each format of the registry, with seeded faults: each is named with its sum.
load common

# the table of docs/reconcile.md: fault, difference, cause, its sum, unexplained, exit status
faults() {
	grep -E '^\| (none|half|tenth|rounding|day|name|tax|credit|price|page|cut|tokens|unmetered|missing) \|.*\|.*\|.*\|.*\|' "$ROOT/docs/reconcile.md"
}

@test "each seeded fault is named with its sum, in every format" {
	command -v python3 > /dev/null || skip "no python3"
	export TALLY_DB=$DIR/t.db
	python3 "$ROOT/tests/support/vendor_bill.py" usage u.csv
	"$TALLY" ingest u.csv -q
	[ "$(faults | wc -l)" -eq 14 ]
	python3 "$ROOT/tests/support/vendor_bill.py" formats "$ROOT/meter/read/exports" > formats
	faults > faults
	# what the vendor asks from the 17th on
	cat >newer.json <<-'J'
	{"schema": "tally.card/1", "provider": "anthropic", "prices": [
	 {"model": "claude-sonnet-4-6", "currency": "USD", "from": "2026-02-17", "to": "2026-09-17", "rates": {"input": "3", "output": "15"}, "source": "a list", "sure": "stated"},
	 {"model": "claude-sonnet-4-6", "currency": "USD", "from": "2026-09-17", "rates": {"input": "4", "output": "15"}, "source": "a list", "sure": "stated"},
	 {"model": "claude-haiku-4-5", "currency": "USD", "from": "2025-10-15", "rates": {"input": "1", "output": "5"}, "source": "a list", "sure": "stated"}]}
	J
	run python3 - "$TALLY" "$ROOT/tests/support" <<-'P'
	import json, subprocess, sys
	tally, support = sys.argv[1:]
	sys.dont_write_bytecode = True
	sys.path.insert(0, support)
	from vendor_bill import SAID, lines, pages, plain, seed, write
	faults = [[c.strip() for c in line.strip().strip("|").split("|")] for line in open("faults")]
	paged = []
	for fmt in open("formats").read().split():
	    # the same file twice, under another name as well, is refused and added to nothing
	    write(fmt, lines(), "bill")
	    write(fmt, lines(), "again")
	    run = subprocess.run([tally, "reconcile", "bill", "again", "--provider", "anthropic", "--json"] + SAID.get(fmt, []), capture_output=True, text=True)
	    if run.returncode != 1 or "again" not in run.stdout + run.stderr:
	        print(fmt, "twice:", run.returncode, run.stdout[:200], run.stderr)
	    for fault, _, difference, cause, total, unexplained, code in faults:
	        if fault == "tokens" and not fmt.endswith("/tokens") or fault not in ("none", "tokens") and fmt.endswith("/tokens"):
	            continue
	        rows, off = seed(fault, lines())
	        write(fmt, rows, "bill")
	        more = ["--prices", "newer.json"] if fault == "price" else []
	        if fault == "page":
	            if not pages(fmt, rows):
	                continue
	            paged.append(fmt)
	            json.dump(pages(fmt, rows), open("bill", "w"))
	        if fault in ("page", "cut"):
	            more = ["--since", "2026-09-01", "--until", "2026-10-01"]
	        run = subprocess.run([tally, "reconcile", "bill", "--provider", "anthropic", "-z", "UTC", "--json"] + more + SAID.get(fmt, []), capture_output=True, text=True)
	        said = json.loads(run.stdout)
	        if "lines" not in said:
	            print(fmt, fault, run.stderr)
	            continue
	        told = [said["difference"], said["causes"].get(cause, "-"), said["unexplained"], str(run.returncode)]
	        if told != [difference, total, unexplained, code] or plain(off) != difference:
	            print(fmt, fault, "seeded", off, "told", told, "wanted", [difference, total, unexplained, code], said["other"][:3])
	        if fmt.startswith("registry:") and said["bill"]["format"] != json.load(open(fmt.partition(":")[2]))["title"]:
	            print(fmt, "is read as", said["bill"]["format"])
	        if fault == "name" and '"another name"' not in run.stdout:
	            print(fmt, "another name is not named")
	if len(paged) < 5:
	    print("pages of", paged)
	P
	[ -z "$output" ] || fail "$output"
}
