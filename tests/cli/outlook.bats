#!/usr/bin/env bats
# Forecasts of usage, priced on the days that come: every figure is calculated by hand.
load common
setup() {
	common_setup
	export TALLY_DB=$DIR/t.db
	cat > card.json <<'CARD'
{"schema": "tally.card/1", "provider": "v", "title": "a vendor", "checked": "2026-06-01",
 "holidays": {"days off": {"covers": "2026-01-01..2026-12-31", "dates": ["2026-07-08"]}},
 "calendars": {"office": {"zone": "UTC", "hours": ["09:00-12:00"], "periods": [{"from": null, "to": null, "days": ["mon", "tue", "wed", "thu", "fri"], "except": "days off"}]}},
 "prices": [
  {"model": "rises", "currency": "USD", "to": "2026-07-06T00:00:00Z", "rates": {"input": "10", "output": "10"}, "source": "s", "sure": "s"},
  {"model": "rises", "currency": "USD", "from": "2026-07-06T00:00:00Z", "rates": {"input": "25", "output": "10"}, "source": "s", "sure": "s"},
  {"model": "promoted", "currency": "USD", "rates": {"input": "8", "output": "8"}, "source": "s", "sure": "s"},
  {"model": "promoted", "currency": "USD", "kind": "promotion", "from": "2026-06-01T00:00:00Z", "to": "2026-07-04T12:00:00Z", "rates": {"input": "2", "output": "2"}, "source": "s", "sure": "s"},
  {"model": "busy", "currency": "USD", "rates": {"input": "1", "output": "1"}, "window": "off-peak",
   "windows": [{"window": "peak", "calendar": "office", "rates": {"input": "3", "output": "3"}}], "source": "s", "sure": "s"},
  {"model": "long", "currency": "USD", "to": "2026-07-06T00:00:00Z", "rates": {"input": "1", "output": "1"}, "context": [{"above": 200000, "rates": {"input": "2", "output": "2"}}], "source": "s", "sure": "s"},
  {"model": "long", "currency": "USD", "from": "2026-07-06T00:00:00Z", "rates": {"input": "4", "output": "4"}, "context": [{"above": 200000, "rates": {"input": "5", "output": "5"}}], "source": "s", "sure": "s"}]}
CARD
}
# days MODEL TIME INPUT: one call on each of the 28 days before July 1
days() {
	for d in $(seq 3 30); do printf '%s-%s,2026-06-%02dT%s,v,%s,%s,0,0\n' "$1" "$d" "$d" "$2" "$1" "$3"; done
}
trace() { echo 'id,time,provider,model,input,cache_read,output'; cat; }
ahead() { run "$TALLY" forecast --prices card.json --now 2026-07-01 --since 2026-07-01 --by "$@" --json; }

@test "a dated rise, the end of a promotion at noon, peak hours, a holiday and a long prompt's tier are in the coming days" {
	{ days rises 10:00:00Z 1000000; } | trace > t.csv
	"$TALLY" ingest t.csv --prices card.json -q
	# five days at 10, five at 25
	ahead 2026-07-11
	expect 0 '"0.05": "175"' '"0.95": "175"' '"expected": "175"' '"expected_at_past_prices": "100"' '"2026-07-06"' '{"day": "2026-07-05", "cost": "10"}' '{"day": "2026-07-06", "cost": "25"}'
	run "$TALLY" forecast --prices card.json --now 2026-07-01 --since 2026-07-01 --by 2026-07-11
	expect 0 "prices change on 2026-07-06" "10,000,000" '$100'
	# without the book of that vendor there is only what was paid
	run "$TALLY" forecast --now 2026-07-01 --since 2026-07-01 --by 2026-07-11 --json
	expect 0 '"0.5": "100"' '"calls_at_past_prices": 28'

	rm -rf t.db*
	{ days promoted 11:59:00Z 1000000; days busy 10:00:00Z 1000000; } | trace > t.csv
	"$TALLY" ingest t.csv --prices card.json -q
	# promoted: July 1 to 4 at 2, 5 to 7 at 8
	run "$TALLY" forecast --prices card.json --now 2026-07-01 --since 2026-07-01 --by 2026-07-08 -m promoted --json
	expect 0 '"0.5": "32"'
	# busy: Wednesday July 1 to 3, 6 and 7 at the peak (3), 4 and 5 not (1), 8 is a holiday (1)
	run "$TALLY" forecast --prices card.json --now 2026-07-01 --since 2026-07-01 --by 2026-07-09 -m busy --json
	expect 0 '"0.5": "18"' '"0.95": "18"' '{"day": "2026-07-08", "cost": "1"}'

	rm -rf t.db*
	{ days long 10:00:00Z 300000; days long 11:00:00Z 100000 | sed 's/^/b/'; } | trace > t.csv
	"$TALLY" ingest t.csv --prices card.json -q
	# a day: 0.3 x 2 + 0.1 x 1 until July 5, then 0.3 x 5 + 0.1 x 4
	ahead 2026-07-08
	expect 0 '"0.5": "7.3"' '"calls_at_past_prices": 0'
}

@test "growth by a price is no growth of the work, and a mix that changed counts from then" {
	# 28 equal days whose price rose in their midst: the work is the same
	sed 's/2026-07-06/2026-06-17/g' card.json > early.json
	{ days rises 10:00:00Z 1000000; } | trace > t.csv
	"$TALLY" ingest t.csv --prices early.json -q
	run "$TALLY" forecast --prices early.json --now 2026-07-01 --since 2026-07-01 --by 2026-07-11 --json
	expect 0 '"0.05": "250"' '"0.95": "250"' '"level_since": null' '"trend": "none"'

	# the same money a day, on another model for the last eight days, whose promotion ends
	rm -rf t.db*
	{ days rises 10:00:00Z 1000000 | head -n 20; days promoted 10:00:00Z 5000000 | tail -n 8; } | trace > t.csv
	"$TALLY" ingest t.csv --prices card.json -q
	ahead 2026-07-06
	# four days at 5 x 2, then one at 5 x 8
	expect 0 '"0.05": "80"' '"0.95": "80"' '"level_since": "2026-06-23"'
	echo "$output" | grep -q '"model": "promoted", "tokens": {"input": 25000000'

	# a mean of sevenths is exact again over seven days: 6 days of 1 and one of 2
	rm -rf t.db*
	{ days rises 10:00:00Z 100000 | sed -n '15,21p' | sed '3s/100000/200000/'; } | trace > t.csv
	"$TALLY" ingest t.csv --prices card.json -q
	run "$TALLY" forecast --prices card.json --now 2026-06-24 --since 2026-06-24 --by 2026-07-01 --json
	expect 0 '"expected": "8"' '"input": 800000' '"cost": "1.142857142857142857"'
}

@test "a customer who came, one who left and one who uses more count from then on, the others from all their days" {
	# 56 days: a 10 and 11 in turn, b 30 in the last ten, c 20 in the first forty, d 5 and then 8
	rises='{"schema": "tally.card/1", "provider": "v", "title": "a vendor", "checked": "2026-06-01", "prices": [
	 {"model": "m", "currency": "USD", "to": "2026-06-15T00:00:00Z", "rates": {"input": "1", "output": "1"}, "source": "s", "sure": "s"},
	 {"model": "m", "currency": "USD", "from": "2026-06-15T00:00:00Z", "rates": {"input": "2", "output": "1"}, "source": "s", "sure": "s"}]}'
	echo "$rises" > rises.json
	{
		echo id,time,provider,model,customer,input,cache_read,output
		for i in $(seq 0 55); do
			day=$(date -u -d "2026-04-06 + $i days" +%F)
			line() { [ "$2" = 0 ] || echo "$1-$i,${day}T09:00:00Z,v,m,$1,$2,0,0"; }
			line a $((10000000 + i % 2 * 1000000))
			line b $((i < 46 ? 0 : 30000000))
			line c $((i < 40 ? 20000000 : 0))
			line d $((i < 30 ? 5000000 : 8000000))
		done
	} > t.csv
	"$TALLY" ingest t.csv --prices rises.json -q
	ask() { run "$TALLY" forecast --prices rises.json --now 2026-06-01 --since 2026-06-01 --by "$@"; }
	# 10.5 + 30 + 8 a day, and from June 15 on twice the price
	ask 2026-06-15 --json
	expect 0 '"expected": "679"' '"input": 679000000' '"level_since": null' '"customer": "b", "what": "came", "level_since": "2026-05-22"'
	expect 0 '"customer": "c", "what": "left", "level_since": "2026-05-16"' '"customer": "d", "what": "changed", "level_since": "2026-05-06"'
	ask 2026-06-17 --json
	expect 0 '"expected": "873"' '{"day": "2026-06-16", "cost": "97"}'
	ask 2026-06-15
	expect 0 "customer b came on 2026-05-22: only the days since then are drawn from" "customer c left on 2026-05-16: no more is expected"
	# of one customer, or one who is the only one, there is nothing to tell apart
	ask 2026-06-15 --customer b --json
	expect 0 '"expected": "420"' '"customers_apart": []'
	# 28 days before, nothing was known of it
	"$TALLY" forecast --prices rises.json --now 2026-05-04 --since 2026-05-04 --by 2026-06-01 --json | grep -q '"customers_apart": \[\]'
}
