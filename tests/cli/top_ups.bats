#!/usr/bin/env bats
# Credits that are bought: by the account itself, and by hand, by command and over HTTP.
# with sanitizers, too
load common
load server

setup() {
	common_setup
	cat >plan.json <<'EOF'
{"schema": "tally.plans/1", "plans": [{"plan": "one", "rule": "ratio", "currency": "USD", "credits_per_unit": "1", "group_ratio": "1",
 "tables": [{"table": "t"}], "rounding": {"scope": "none"}}], "tables": {"t": {}}}
EOF
	echo '{"currency":"USD"}' >terms.json
	"$TALLY" credit account acme --plan plan.json --since 2026-06-01 --terms terms.json -z Asia/Kathmandu -q
}
balance() { "$TALLY" credit balance acme --json | jq -r '.available // .balance[0].available'; }

@test "credits are bought once by their id, at a price that is said or at the account's own" {
	run "$TALLY" credit top-up acme --now 5; expect 1 'give the price'
	run "$TALLY" credit top-up acme; expect 2 'one of --below, --now and --off'
	run "$TALLY" credit top-up acme --below 1 --now 5; expect 2 'one of --below, --now and --off'
	run "$TALLY" credit top-up acme --now 5 --to 7; expect 2 'go with --below'
	"$TALLY" credit top-up acme --now 30 --price 0.5 --lasts 1month --id order-1 -q
	"$TALLY" credit top-up acme --now 30 --price 0.5 --lasts 1month --id order-1 -q
	[ "$(balance)" = 30 ]
	run "$TALLY" credit top-up acme --now 31 --price 0.5 --id order-1; expect 1 'another purchase'
	"$TALLY" credit top-up acme --below 10 --to 50 --price 0.25 -q
	"$TALLY" credit top-up acme --now 4 --id order-2 -q
	[ "$(balance)" = 34 ]
	"$TALLY" invoice draft acme --period "$(TZ=Asia/Kathmandu date +%Y-%m)" -q 2>/dev/null || "$TALLY" invoice draft acme --since "$(TZ=Asia/Kathmandu date +%Y-%m)-01" --until 2099-12-31 -q
	# 30 x 0.5, 4 x 0.25
	run "$TALLY" invoice show '#1' --format json
	[ "$(jq -c '[(.lines[] | .amount), .total]' <<<"$output")" = '["15","1","16"]' ] || fail "$output"
}

@test "the same over HTTP: set, bought when little is left, bought by hand, and off again" {
	"$TALLY" token boss --scope admin --file tokens --json >boss.json
	boss=$(sed -n 's/.*"token": "\([^"]*\)".*/\1/p' boss.json)
	serve --tokens tokens
	do_() { get -H "Authorization: Bearer $boss" -d "$2" "$URL/v1/$1"; }
	do_ top-ups '{"customer":"acme","below":"10","to":"50","most":"80","price":"0.5"}'; expect 0 200
	get -H "Authorization: Bearer $boss" "$URL/v1/customers/acme"
	expect 0 '"top_up"' '"below": "10"' '"to": "50"' 200
	[ "$(balance)" = 50 ]
	do_ top-ups/buy '{"customer":"acme","amount":"7","id":"order-3"}'; expect 0 200
	do_ top-ups/buy '{"customer":"acme","amount":"7","id":"order-3"}'; expect 0 200
	[ "$(balance)" = 57 ]
	do_ top-ups/buy '{"customer":"acme","amount":"8","id":"order-3"}'; expect 0 'another purchase' 409
	do_ top-ups/clear '{"customer":"acme"}'; expect 0 200
	do_ top-ups/buy '{"customer":"acme","amount":"1","id":"order-4"}'; expect 0 'give the price' 422
	do_ top-ups '{"customer":"acme","below":"10","to":"5"}'; expect 0 'must not be to less than the balance' 422
	do_ top-ups '{"customer":"nobody","below":"10"}'; expect 0 404
	# a grant that is sold, from a day of the account's
	do_ grants '{"customer":"acme","amount":"2","id":"g","price":"3","currency":"USD","effective":"2026-07-01"}'; expect 0 200
	stop
	run "$TALLY" credit balance acme --at 2026-06-30T18:14:59Z --json
	[ "$(jq -r .balance <<<"$output")" = 0 ] || fail "$output"
	run "$TALLY" credit balance acme --at 2026-06-30T18:15:00Z --json
	[ "$(jq -r .balance <<<"$output")" = 2 ] || fail "$output"
	run "$TALLY" fsck; expect 0
}

# A grant of 10, all of it drawn by hand; 5 of usage are owed, and June's invoice asks for them (it took the draw by hand for what had paid the usage).
@test "what is drawn by hand has paid no usage" {
	export TALLY_DB=$DIR/hand.db
	cat > hand.json <<-'END'
		{"schema":"tally.plans/1","plans":[{"plan":"flat","rule":"token-priced","currency":"USD","credits_per_unit":"1","categories":{"input":["input"]},"tables":[{"table":"t"}],"rounding":{"scope":"none"}}],
		"tables":{"t":{"values":{"deepseek-v4-pro":{"input":"1","output":"1","cache_read":"1"}}}}}
	END
	"$TALLY" credit account a --plan hand.json --since 2026-01-01 --overage limit --overage-limit 100 -q
	"$TALLY" credit grant a 10 --effective 2026-06-01 -q
	echo '{"op":"draw","customer":"a","id":"d1","amount":"10","at":"2026-06-10T10:00:00Z"}' > ops
	"$TALLY" credit post ops -q
	printf 'id,time,customer,provider,model,input\nu1,2026-06-11T10:00:00Z,a,deepseek,deepseek-v4-pro,5000000\n' > u.csv
	"$TALLY" ingest u.csv -q
	run "$TALLY" invoice draft a --period 2026-06 --json
	expect 0 '"credits_applied": "0"' '"total": "5"'
}

# 10 a month of which 5 stay, from May on; 12 used in June, 4 in May that come late. In time: 4 of May's, 1 trimmed, 5 stay; 12 of 15; 3 stay at the end of June.
@test "late usage over a rollover leaves what usage in time would have left" {
	export TALLY_DB=$DIR/late.db
	cat > late.json <<-'END'
		{"schema":"tally.plans/1","plans":[{"plan":"flat","rule":"token-priced","currency":"USD","credits_per_unit":"1","categories":{"input":["input"]},"tables":[{"table":"t"}],"rounding":{"scope":"none"}}],
		"tables":{"t":{"values":{"deepseek-v4-pro":{"input":"1","output":"1","cache_read":"1"}}}}}
	END
	printf 'id,time,customer,provider,model,input\n' | tee may.csv > june.csv
	echo 'u1,2026-05-20T10:00:00Z,a,deepseek,deepseek-v4-pro,4000000' >> may.csv
	echo 'u2,2026-06-10T10:00:00Z,a,deepseek,deepseek-v4-pro,12000000' >> june.csv
	for order in "may.csv june.csv" "june.csv may.csv"; do
		export TALLY_DB=$DIR/late-${order%%.*}.db
		"$TALLY" credit account a --plan late.json --since 2026-01-01 --overage limit --overage-limit 100 -q
		"$TALLY" credit grant a 10 --every 1month --rollover 5 --effective 2026-05-01 -q
		for file in $order; do "$TALLY" ingest "$file" -q; done
		run "$TALLY" credit balance a --at 2026-06-30 --json
		expect 0 '"balance": "3"' '"expired": "1"'
		run "$TALLY" fsck
		expect 0 "clean"
	done
}
