#!/usr/bin/env bats
# FOCUS 1.2, of usage and of issued invoices, held to the specification's rules (tests/support/focus_rules.py).
# with sanitizers, too
load common

rules() { python3 "$ROOT/tests/support/focus_rules.py" "$@"; }
setup_one() {
	command -v python3 > /dev/null || skip "no python3"
	export TALLY_DB=$DIR/t.db
	cat > card.json <<'JSON'
{"schema": "tally.card/1", "provider": "north", "title": "made up", "checked": "2026-01-01", "models": {"n1": {"context_tokens": 1000000, "max_output_tokens": 100000}},
 "prices": [{"model": "n1", "currency": "USD", "from": "2023-01-01T00:00:00Z", "to": "2026-06-20T00:00:00Z", "rates": {"input": "1", "output": "10"}, "source": "made up", "sure": "test"},
            {"model": "n1", "currency": "USD", "from": "2026-06-20T00:00:00Z", "rates": {"input": "1.37", "output": "10"}, "source": "made up", "sure": "test"}]}
JSON
	cat > plan.json <<'JSON'
{"schema": "tally.plans/1", "plans": [{"plan": "one", "rule": "ratio", "currency": "USD", "credits_per_unit": "1", "group_ratio": "1",
 "tables": [{"table": "t"}], "rounding": {"scope": "none"}}], "tables": {"t": {}}}
JSON
	cat > terms.json <<'JSON'
{"currency": "USD", "items": [{"description": "Seat, \"Pro\"", "amount": "20", "to": "2026-07-16"}], "minimum": "5", "discount_percent": "10",
 "coupons": [{"description": "=WELCOME", "percent": "50", "from": "2026-06-01", "periods": 1}], "metered": [{"description": "Calls", "of": "requests", "pricing": {"unit": "0.0125"}}],
 "markup": [{"percent": "12.5"}], "customer": {"name": "Acme & Söhne"}, "issuer": {"name": "Tally Ltd"}, "taxes": [{"name": "VAT", "percent": "19"}]}
JSON
	"$TALLY" credit account acme --plan plan.json --terms terms.json --since 2026-06-01 -q
	"$TALLY" credit grant acme 3 --effective 2026-06-01 --class paid --cost-basis 0.8 --id bought -q
}
# use ID TIME MILLIONTHS
use() {
	printf '{"id":"%s","time":"%s","customer":"acme","project":"web","provider":"north","model":"n1","input":%s,"output":77}\n' "$1" "$2" "$3" > use.jsonl
	"$TALLY" ingest use.jsonl --prices card.json -q
}
bill() { "$TALLY" invoice draft acme --period "$1" --prices card.json -q > /dev/null && "$TALLY" invoice finalize --all --prices card.json -q > /dev/null; }
totals() { sql t.db "SELECT number||' '||total FROM invoice WHERE status='final' AND currency<>'credits' ORDER BY number"; }

@test "each rule is found when it is broken" {
	command -v python3 > /dev/null || skip "no python3"
	run rules --self-test
	expect 0 'each found when it is broken'
}

@test "of usage: every row keeps the rules" {
	setup_one
	use a 2026-06-05T09:00:00Z 1234567
	use b 2026-06-25T09:00:00Z 7654321
	"$TALLY" export focus > f.csv
	run rules f.csv
	expect 0
	# 3 credits were bought at 0.80; used, they are a cost of 2.40
	python3 -c '
import csv
from decimal import Decimal
rows = [r for r in csv.DictReader(open("f.csv")) if r["SkuId"] == "credits"]
assert sum(Decimal(r["EffectiveCost"]) for r in rows) == Decimal("2.4"), rows
assert sum(Decimal(r["BilledCost"]) for r in rows) == Decimal("2.4"), rows'
}

@test "of issued invoices: every row keeps the rules, and rows add up to their documents" {
	setup_one
	use a 2026-06-05T09:00:00Z 1234567
	use b 2026-06-25T09:00:00Z 7654321
	bill 2026-06
	use late 2026-06-26T09:00:00Z 555555
	use c 2026-07-05T09:00:00Z 3333333
	bill 2026-07
	"$TALLY" invoice note 2026-000002 --amount 3.33 --why outage -q > /dev/null
	"$TALLY" export focus --of invoices > f.csv
	run rules f.csv
	expect 0
	[ "$output" = "$(totals)" ] || fail "the rows do not add up to: $(totals)"
	grep -q 'Correction' f.csv || fail "an adjustment is no correction"
	case $(cat f.csv) in *,=WELCOME*) fail "a formula" ;; esac
	# what is void is not billed, and what is drafted is not yet
	"$TALLY" invoice void 2026-000001 --why address -q > /dev/null
	"$TALLY" invoice draft acme --period 2026-06 --prices card.json -q > /dev/null
	"$TALLY" export focus --of invoices > f.csv
	run rules f.csv
	expect 0
	[ "$output" = "$(totals)" ] || fail "the rows do not add up to: $(totals)"
	# credits are no currency: left out, and said
	echo '{}' > credits.json
	"$TALLY" credit account beta --plan plan.json --terms credits.json --since 2026-06-01 -q
	"$TALLY" invoice draft beta --period 2026-06 --prices card.json -q > /dev/null
	"$TALLY" invoice finalize --all --prices card.json -q > /dev/null
	run "$TALLY" export focus --of invoices -o f.csv
	expect 3 'in credits rather than money'
}

@test "usage goes through csv and back, and sums to the same" {
	setup_one
	use a 2026-06-05T09:00:00Z 1234567
	use b 2026-06-25T09:00:00Z 7654321
	"$TALLY" export csv > u.csv
	"$TALLY" usage --by day,model --json --period 2026-06 > one.json
	TALLY_DB=$DIR/two.db "$TALLY" ingest u.csv --prices card.json -q
	TALLY_DB=$DIR/two.db "$TALLY" usage --by day,model --json --period 2026-06 > two.json
	cmp one.json two.json
}
