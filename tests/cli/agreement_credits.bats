#!/usr/bin/env bats
# Credits are decided as money is: by the same instant, and refused where the price is.
load common

pricing() { # a model whose price doubles at noon and with long prompts, and a plan that is its price in credits
	cat >card.json <<'END2'
{"schema": "tally.card/1", "provider": "tiered", "title": "dear at noon",
 "prices": [
  {"model": "noon-1", "currency": "USD", "from": "2026-01-01T00:00:00Z", "to": "2026-06-15T12:00:00Z", "source": "a test", "sure": "yes", "rates": {"input": "1", "output": "2"}},
  {"model": "noon-1", "currency": "USD", "from": "2026-06-15T12:00:00Z", "source": "a test", "sure": "yes", "rates": {"input": "2", "output": "4"}},
  {"model": "long-1", "currency": "USD", "from": "2026-01-01T00:00:00Z", "source": "a test", "sure": "yes", "rates": {"input": "1", "output": "2"},
   "context": [{"above": 1000, "rates": {"input": "2", "output": "4"}}]}]}
END2
	cat >plan.json <<'END2'
{"schema": "tally.plans/1", "plans": [{"plan": "ours", "title": "a million credits a dollar", "source": "a test", "rule": "ratio", "currency": "USD",
  "credits_per_unit": "1000000", "rounding": {"scope": "none"}, "tables": []}], "tables": {}}
END2
}
drawn() { "$TALLY" credit balance acme --db m.db --json 2>/dev/null | sed -n 's/.*"owed": "\(.*\)".*/\1/p' | head -n 1; }
replayed() { "$TALLY" replay "$@" --prices card.json --plan plan.json:ours --json 2>/dev/null | sed -n '/"credits": {/,$s/.*"total": "\(.*\)".*/\1/p' | head -n 1; }
metered() { # options of the ingest
	rm -rf m.db*
	"$TALLY" credit account acme --db m.db --plan plan.json:ours --since 2026-06-01 --overage debt -q
	"$TALLY" ingest t.csv --db m.db --prices card.json "$@" -q >/dev/null || [ $? -eq 3 ]
	"$TALLY" credit draw --db m.db --prices card.json -q 2>/dev/null || :
}

@test "a call that ends after a rise draws what the replay says, by either boundary, also when it grows, is amended and reversed" {
	pricing
	{ echo "id,time,completed,model,customer,input,output"
	  echo "a,2026-06-15T11:59:00Z,2026-06-15T12:01:00Z,noon-1,acme,100,10"
	  echo "b,2026-06-15T11:00:00Z,2026-06-15T11:01:00Z,noon-1,acme,100,10"
	  echo "c,2026-06-15T11:30:00Z,,noon-1,acme,100,10"; } >t.csv
	metered
	[ "$(drawn)" = 360 ] && [ "$(replayed t.csv)" = 360 ] || fail "by start: $(drawn), $(replayed t.csv)"
	metered --boundary completion
	[ "$(drawn)" = 480 ] && [ "$(replayed t.csv --boundary completion)" = 480 ] || fail "by completion: $(drawn)"
	# the boundary is the row's own: neither a correction nor a draw by others forgets it
	"$TALLY" amend a --db m.db --prices card.json --set input=200 --why "a test" -q
	"$TALLY" credit draw --db m.db --prices card.json -q
	[ "$(drawn)" = 680 ] || fail "amended: $(drawn)"
	run "$TALLY" rerate --db m.db --prices card.json --dry-run
	expect 0 "every record keeps its price"
	"$TALLY" void a --db m.db --why "a test" -q
	"$TALLY" credit draw --db m.db --prices card.json -q
	[ "$(drawn)" = 240 ] || fail "voided: $(drawn)"
	run "$TALLY" fsck --db m.db
	expect 0 clean
}
@test "a row of several requests has credits only where it has a price" {
	pricing
	{ echo "id,time,model,customer,input,output,requests"
	  echo "a,2026-06-15T11:00:00Z,long-1,acme,900,10,3"
	  echo "b,2026-06-15T11:00:00Z,long-1,acme,1200,10,3"
	  echo "c,2026-06-15T11:00:00Z,long-1,acme,1200,10,1"; } >t.csv
	metered
	[ "$(drawn)" = 3360 ] && [ "$(replayed t.csv)" = 3360 ] || fail "$(drawn), $(replayed t.csv)"
	run "$TALLY" replay t.csv --prices card.json --plan plan.json:ours --json
	expect 3 '"unpriced": 1' '"credits_unpriced_reasons": [' "a row of several requests does not tell it"
	run "$TALLY" whatif t.csv --prices card.json --plan plan.json:ours -s recorded --json
	expect 3 '"credits": "3360"' '"total": "3360", "unpriced": 1'
	run "$TALLY" credit balance acme --db m.db --json
	expect 0 '"records_uncovered": 1'
}
