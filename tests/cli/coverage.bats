#!/usr/bin/env bats
# What credits pay for, in whatever order usage, grants and what is taken back come: usage that credits of its own day
# can pay is not asked for.
load common

# One credit is one dollar, and a million tokens of n1 cost one: usage of N million is N.
setup() {
	common_setup
	export TALLY_DB=$DIR/t.db
	cat > card.json <<'END'
{"schema": "tally.card/1", "provider": "north", "title": "made up", "checked": "2026-01-01", "models": {"n1": {"context_tokens": 1000000, "max_output_tokens": 100000}},
 "prices": [{"model": "n1", "currency": "USD", "from": "2023-01-01T00:00:00Z", "rates": {"input": "1", "output": "10"}, "source": "made up", "sure": "test"}]}
END
	cat > plan.json <<'END'
{"schema": "tally.plans/1", "plans": [{"plan": "one", "rule": "ratio", "currency": "USD", "credits_per_unit": "1", "group_ratio": "1",
 "tables": [{"table": "t"}], "rounding": {"scope": "none"}}], "tables": {"t": {}}}
END
}
# use CUSTOMER ID TIME MILLIONS
use() {
	printf '{"id":"%s-%s","time":"%s","customer":"%s","provider":"north","model":"n1","input":%s000000}\n' "$1" "$2" "$3" "$1" "$4" >> use.jsonl
}
ingest() { "$TALLY" ingest use.jsonl --prices card.json -q; rm use.jsonl; }
account() { "$TALLY" credit account "$@" --plan plan.json --since 2026-05-01 -q; }
grant() { "$TALLY" credit grant "$@" -q; }
# of CUSTOMER MONTH TOTAL CREDITS_APPLIED
of() {
	run "$TALLY" invoice draft "$1" --period "$2" --prices card.json --json
	expect 0 "\"total\": \"$3\"" "\"credits_applied\": \"$4\""
}
owes() {
	run "$TALLY" credit balance "$1" --json
	expect "$status" "\"owed\": \"$2\"" "\"available\": \"$3\""
}

@test "what voided usage gives back pays for other usage that lacked it, though its grant has ended since" {
	for how in limit:2026-07-01 limit:2099-01-01 debt:2026-07-01 debt:2099-01-01; do
		c=${how%:*}-${how#*:}
		account "$c" --overage "${how%:*}"
		grant "$c" 10 --id g --effective 2026-06-01 --expires "${how#*:}"
		use "$c" a 2026-06-10T10:10:00Z 10; ingest
		use "$c" b 2026-06-12T10:00:00Z 5; ingest
		owes "$c" 5 0
		"$TALLY" void "$c-a" --why wrong -q
		"$TALLY" credit draw -q
		# without it the grant had paid the 5, and 5 of it would have been left
		left=0; [ "${how#*:}" = 2026-07-01 ] || left=5
		owes "$c" 0 "$left"
		of "$c" 2026-06 0 5
		# and what paid it is given back where that is void, too
		"$TALLY" void "$c-b" --why wrong -q
		"$TALLY" credit draw -q
		[ "$left" = 0 ] || left=10
		owes "$c" 0 "$left"
		of "$c" 2026-06 0 0
	done
	"$TALLY" fsck -q
}
@test "credits that come back go round over other grants: as if what is void had never come" {
	for how in limit debt; do
		c=chain-$how
		account "$c" --overage "$how"
		grant "$c" 5 --id a --effective 2026-06-01 --expires 2026-07-01
		grant "$c" 5 --id b --effective 2026-06-01 --expires 2026-08-01
		use "$c" u1 2026-06-10T10:00:00Z 4; ingest
		use "$c" u2 2026-06-11T10:00:00Z 4; ingest
		use "$c" u3 2026-07-02T10:00:00Z 4; ingest
		owes "$c" 2 0
		"$TALLY" void "$c-u1" --why wrong -q
		"$TALLY" credit draw -q
		# a pays 3 of u2 now, of which b had paid 3; b pays all of u3
		owes "$c" 0 0
		of "$c" 2026-06 0 4
		of "$c" 2026-07 0 4
		"$TALLY" void "$c-u3" --why wrong -q
		"$TALLY" credit draw -q
		owes "$c" 0 0
		of "$c" 2026-07 0 0
	done
	"$TALLY" fsck -q
}
@test "what an invoice had asked for is given back when credits come to it over another grant" {
	account acme
	grant acme 5 --id a --effective 2026-06-01 --expires 2026-07-01
	grant acme 5 --id b --effective 2026-06-01 --expires 2026-08-01
	use acme u1 2026-06-10T10:00:00Z 4
	use acme u2 2026-06-11T10:00:00Z 4
	use acme u3 2026-07-02T10:00:00Z 4; ingest
	of acme 2026-06 0 8
	of acme 2026-07 2 2
	"$TALLY" invoice finalize --all --prices card.json -q
	"$TALLY" void acme-u1 --why wrong -q
	"$TALLY" credit draw -q
	owes acme 0 0
	# June used 4 less, which credits had paid; July had asked for 2, which they pay now
	of acme 2026-08 -2 -2
	"$TALLY" fsck -q
}
@test "usage that comes late gets credits of its day that paid later usage, where others pay that" {
	account acme
	grant acme 5 --id a --effective 2026-06-01 --expires 2026-07-01
	grant acme 5 --id b --effective 2026-06-15 --expires 2026-06-25
	grant acme 5 --id c --effective 2026-06-22 --expires 2026-08-01
	use acme u1 2026-06-20T10:00:00Z 5; ingest
	use acme u2 2026-06-22T10:00:00Z 5; ingest
	# b (which ends first) paid u1, a paid u2; a pays this one, and c pays u2
	use acme late 2026-06-10T10:00:00Z 4; ingest
	run "$TALLY" credit balance acme --json
	expect "$status" '"owed": "0"'
	of acme 2026-06 0 14
	# nothing is left that counted then
	use acme later 2026-06-10T11:00:00Z 2; ingest
	of acme 2026-06 1 15
	"$TALLY" fsck -q
}
@test "overage that was asked for because of usage that is void is given back by the next document" {
	account acme
	grant acme 10 --id g --effective 2026-05-01 --expires 2026-08-01
	use acme a 2026-05-10T10:10:00Z 10; ingest
	use acme b 2026-06-12T10:00:00Z 5; ingest
	of acme 2026-06 5 0
	"$TALLY" invoice finalize --all --prices card.json -q
	"$TALLY" void acme-a --why wrong -q
	of acme 2026-07 -5 5
	"$TALLY" invoice finalize --all --prices card.json -q
	of acme 2026-05 0 0
	"$TALLY" fsck -q
}
@test "a grant that is dated back pays usage that was booked before it, but not what an invoice has asked for" {
	account acme
	use acme a 2026-05-10T10:00:00Z 7; use acme b 2026-06-10T10:00:00Z 6; ingest
	of acme 2026-05 7 0
	"$TALLY" invoice finalize --all --prices card.json -q
	grant acme 10 --id g --effective 2026-05-01 --expires 2026-07-01
	owes acme 0 0
	of acme 2026-06 0 6
	"$TALLY" credit expire -q
	# until that is void: the grant pays the 7 of May first, and 3 of the 6 of June
	"$TALLY" invoice void 2026-000001 --why again -q
	owes acme 3 0
	of acme 2026-05 0 7
	of acme 2026-06 3 3
	"$TALLY" credit expire -q
	owes acme 3 0
	"$TALLY" fsck -q
}
@test "what voided usage gives back rolls over, then pays, then is trimmed" {
	account acme
	grant acme 10 --id g --every 1month --effective 2026-06-01 --rollover 5
	use acme a 2026-06-10T00:00:00Z 8; ingest
	# 10 and the 2 that June left
	use acme b 2026-07-10T00:00:00Z 15; ingest
	of acme 2026-07 3 12
	"$TALLY" void acme-a --why wrong -q
	"$TALLY" credit draw -q
	# June left 10, of which 5 are kept
	of acme 2026-07 0 15
	"$TALLY" fsck -q
}
@test "the midnight of half-hour zones divides an hour between two periods" {
	account acme --timezone Asia/Kolkata
	grant acme 10 --id g --effective 2026-05-01T00:00:00Z
	# 23:40 of 30 June and 00:15 of 1 July in India
	use acme a 2026-06-30T18:10:00Z 5; use acme b 2026-06-30T18:45:00Z 3; ingest
	of acme 2026-06 0 5
	of acme 2026-07 0 3
	"$TALLY" fsck -q
}
@test "a draft gives way to one of other days of the same time" {
	account acme
	use acme a 2026-06-10T00:00:00Z 5; ingest
	of acme 2026-06 5 0
	"$TALLY" credit account acme --billing-day 15 -q
	run "$TALLY" invoice draft acme --period 2026-06 --prices card.json --json
	expect 0
	run "$TALLY" invoice draft acme --period 2026-05 --prices card.json --json
	expect 0 '"total": "5"'
	[ "$(sql t.db "SELECT count(*) FROM invoice WHERE status='draft'")" = 2 ]
}
@test "days between two billing days are told until an invoice has them" {
	account acme
	use acme a 2026-06-10T00:00:00Z 5; use acme b 2026-07-05T00:00:00Z 3; use acme c 2026-07-20T00:00:00Z 4; ingest
	of acme 2026-06 5 0
	"$TALLY" invoice finalize --all --prices card.json -q
	"$TALLY" credit account acme --billing-day 15 -q
	run "$TALLY" invoice draft acme --period 2026-07 --prices card.json
	expect 3 "acme: 2026-07-01 to 2026-07-14 are on no invoice"
	source "$BATS_TEST_DIRNAME/server.bash"
	export TALLY_DB=$DIR/t.db
	serve --prices card.json
	get -d '{"customer":"acme","period":"2026-07"}' "$URL/v1/invoices/draft"
	expect 0 '"uninvoiced": {"first_day":"2026-07-01","last_day":"2026-07-14"}' 200
	stop
	run "$TALLY" invoice draft acme --since 2026-07-01 --until 2026-07-14 --prices card.json --json
	expect 0 '"total": "3"'
	"$TALLY" invoice finalize --all --prices card.json -q
	run "$TALLY" invoice draft acme --period 2026-08 --prices card.json
	expect 0
	# a period that was left out as a whole can be drafted as such
	run "$TALLY" invoice draft acme --period 2026-09 --prices card.json
	expect 0
}
