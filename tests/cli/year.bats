#!/usr/bin/env bats
# The year of docs/billing.md: every figure there was computed by hand, and is checked here.
load common

part() { sed -n "/^\`\`\`[a-z]* $1\$/,/^\`\`\`\$/p" "$ROOT/docs/billing.md" | grep -v '^```'; }
# use ID TIME MILLIONS CUSTOMER
use() {
	printf '{"id":"%s","time":"%s","customer":"%s","provider":"north","model":"n1","input":%s000000}\n' "$1" "$2" "$4" "$3" > use.jsonl
	"$TALLY" ingest use.jsonl --prices card.json -q
}
open_account() { "$TALLY" credit account "$1" --plan plan.json --since 2025-11-01 --terms "$1.json" -q; }
# invoice CUSTOMER MONTH: drafts and finalizes; the total
invoice() {
	"$TALLY" invoice draft "$1" --period "$2" --prices card.json --rates rates.csv -q > /dev/null
	"$TALLY" invoice finalize --all --prices card.json --rates rates.csv -q > /dev/null
	sql t.db "SELECT total FROM invoice WHERE customer='$1' AND kind='invoice' AND status='final' ORDER BY id DESC LIMIT 1"
}
last() { sql t.db "SELECT number FROM invoice WHERE customer='$1' AND kind='invoice' AND status='final' ORDER BY id DESC LIMIT 1"; }

@test "the year of docs/billing.md" {
	export TALLY_DB=$DIR/t.db
	cat > card.json <<'END2'
{"schema": "tally.card/1", "provider": "north", "title": "made up", "checked": "2025-01-01", "models": {"n1": {"context_tokens": 1000000, "max_output_tokens": 100000}},
 "prices": [{"model": "n1", "currency": "USD", "from": "2023-01-01T00:00:00Z", "rates": {"input": "1", "output": "10"}, "source": "made up", "sure": "test"}]}
END2
	cat > plan.json <<'END2'
{"schema": "tally.plans/1", "plans": [{"plan": "one", "rule": "ratio", "currency": "USD", "credits_per_unit": "1", "group_ratio": "1",
 "tables": [{"table": "t"}], "rounding": {"scope": "none"}}], "tables": {"t": {}}}
END2
	echo '{"currency": "USD"}' > finn.json
	part pia > pia.json
	part tom > tom.json
	part rates > rates.csv
	for who in finn pia tom; do open_account $who; done

	"$TALLY" credit grant finn 10 --effective 2025-11-01 --id free -q
	use f1 2025-11-10T00:00:00Z 6 finn
	use f2 2025-12-10T00:00:00Z 3 finn
	[ "$(invoice finn 2025-11)" = 0 ]
	[ "$(invoice finn 2025-12)" = 0 ]

	while read -r month total; do
		[ "$(invoice pia "$month")" = "$total" ] || fail "$month is $(sql t.db "SELECT total FROM invoice ORDER BY id DESC LIMIT 1")"
		[ "$month" != 2026-01 ] || january=$(last pia)
		if [ "$month" = 2026-02 ]; then
			"$TALLY" invoice void "$january" --why address -q
			[ "$(invoice pia 2026-01)" = 11.9 ]
		fi
	done <<'END2'
2025-11 11.9
2025-12 11.9
2026-01 11.9
2026-02 23.8
2026-03 23.8
2026-04 23.8
2026-05 57.66
2026-06 73.78
2026-07 49.98
2026-08 73.78
2026-09 73.78
2026-10 73.78
END2
	[ "$(sql t.db "SELECT round(CAST(sum(CAST(total AS NUMERIC)) AS NUMERIC),2) FROM invoice WHERE customer='pia' AND status='final'")" = 509.86 ]
	october=$(last pia)
	sql t.db "SELECT number||' '||total FROM invoice WHERE customer='pia' AND status='final'" > asked
	while read -r number total; do
		[ "$number" = "$october" ] || "$TALLY" invoice pay "$number" "$total" -q
	done < asked

	"$TALLY" credit grant tom 40 --effective 2025-11-01 --id gift -q
	use t1 2025-11-10T00:00:00Z 100 tom
	[ "$(invoice tom 2025-11)" = 48 ]
	"$TALLY" invoice pay "$(last tom)" 48 --at 2025-12-10 -q
	use t2 2026-06-10T00:00:00Z 100 tom
	use t3 2025-11-11T00:00:00Z 10 tom
	[ "$(invoice tom 2026-06)" = 70.5 ]
	run "$TALLY" invoice pay "$(last tom)" 80
	expect 0 "credit balance 9.50 EUR"
	run "$TALLY" invoice pay "$(last tom)" 9.5 --back
	expect 0 "paid, due 0.00 EUR"

	run "$TALLY" invoice list
	expect 0 "due 73.78 USD"
	run "$TALLY" fsck
	expect 0 clean
	"$TALLY" export journal --strict > j
	hledger -f j check --strict
	run hledger -f j balance Assets:Receivable -N
	expect 0 "73.78"
	[[ "$output" != *EUR* ]]
}
