#!/usr/bin/env bats
# A month of usage beside the bill of a scripted vendor, in each format, with seeded faults: each is named with its sum.
load common

# a bill of that format with that fault, and what reconcile says of it: difference, the cause's sum, unexplained, exit status
judge() { # format, fault, cause
	off=$(python3 "$ROOT/tests/support/vendor_bill.py" bill "$1" "$2" bill)
	map=()
	[ "$1" != semicolons ] || map=(--map day=Datum --map model=Modell --map cost=Betrag)
	run "$TALLY" reconcile bill "${map[@]}" --provider anthropic --json
	said=$(printf '%s' "$output" | python3 -c '
import json, sys
d = json.load(sys.stdin)
key = sys.argv[1]
print(d["difference"], d["causes"].get(key, "-"), d["unexplained"])' "$3")
}

@test "each seeded fault is named with its sum, in every format" {
	command -v python3 > /dev/null || skip "no python3"
	export TALLY_DB=$DIR/t.db
	python3 "$ROOT/tests/support/vendor_bill.py" usage u.csv
	"$TALLY" ingest u.csv -q
	for f in anthropic openai focus semicolons csv; do
		# the table of docs/reconcile.md
		rows=0
		while IFS='|' read -r _ fault _ difference cause sum unexplained code _; do
			judge $f ${fault// /} ${cause// /}
			[ "$said" = "${difference// /} ${sum// /} ${unexplained// /}" ] && [ "$off" = "${difference// /}" ] ||
				fail "$f,$fault: billed less metered is $off; told (difference, $cause, unexplained): $said"
			[ "$status" -eq "${code// /}" ] || fail "$f,$fault: status $status"
			rows=$((rows + 1))
		done < <(grep -E '^\| (none|half|tenth|rounding|day|unmetered|missing) \|.*\|.*\|.*\|.*\|' "$ROOT/docs/reconcile.md")
		[ $rows -eq 7 ] || fail "the table of docs/reconcile.md has $rows rows"
		judge $f name name
		[ "$said" = "0 0 0" ] || fail "$f, name: $said"
		case $output in *'"another name"'*) ;; *) fail "$f: another name is not named" ;; esac
	done
	judge focus tax not_usage
	[ "$said" = "19.19 19.19 0" ] || fail "tax: $said"
}
