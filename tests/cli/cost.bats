load common

@test "known answer: 168 dollars on the launch card" {
	cost --model deepseek-v4-flash --input 200 --cache-read 2000 --output 300 --requests 1000000 --at 2026-04-25
	expect 0 '"schema": "tally.cost/1"' '"total": "168"' '{"bucket": "input", "tokens": 200000000, "per_million": "0.14", "amount": "28"}'
}
@test "known answer: 1682 dollars on V4 Pro at launch" {
	cost --model deepseek-v4-pro --input 200 --cache-read 2000 --output 300 --requests 1000000 --at 2026-04-24T12:00:00Z
	expect 0 '"total": "1682"'
}
@test "known answer: 117.60 dollars on 2026-05-10" {
	cost --model deepseek-v4-flash --input 200 --cache-read 2000 --output 300 --requests 1000000 --at 2026-05-10
	expect 0 '"total": "117.6"'
}
@test "known answers: 50,000 output tokens" {
	cost --model deepseek-v4-flash --output 50000 --at 2026-06-15
	expect 0 '"total": "0.014"'
	cost --model claude-opus-4-7 --output 50000 --at 2026-06-15
	expect 0 '"total": "1.25"'
}
@test "known answer: off-peak and peak" {
	cost --model deepseek-v4-flash --input 1000 --cache-read 1000 --output 500 --at 2026-08-24T12:00:00Z
	expect 0 '"total": "0.000557"' '"window": "off-peak"'
	cost --model deepseek-v4-flash --input 1000 --cache-read 1000 --output 500 --at 2026-08-24T02:00:00Z
	expect 0 '"total": "0.001114"' '"window": "peak"'
}
@test "known answers: V4 Pro of 2026-05-31, and in yuan" {
	cost --model deepseek-v4-pro --input 11 --output 207 --at 2026-06-15
	expect 0 '"total": "0.000184875"'
	cost --model deepseek-v4-pro --input 188542 --currency CNY --at 2026-08-24T12:00:00Z
	expect 0 '"total": "0.848439"' '"currency": "CNY"'
}
@test "an alias is resolved and a retired one names its successor" {
	cost --model deepseek-chat --input 1 --at 2026-05-10
	expect 0 '"model": "deepseek-v4-flash"' '"asked": "deepseek-chat"'
	cost --model deepseek-chat --input 1 --at 2026-08-10
	expect 1 '"code":"retired"' 'deepseek-v4-flash'
}
@test "credits: both VM0 rules, built-in and own key" {
	cost --model deepseek-v4-flash --input 50000 --output 5000 --at 2026-06-15 --plan vm0
	expect 0 '"plan": "vm0"' '"rule": "multiplier"' '"multiplier": "0.02"' '"total": "4.5"'
	cost --model deepseek-v4-flash --input 50000 --output 5000 --at 2026-06-15 --plan vm0-tokens
	expect 0 '"rule": "token-priced"' '"total": "9"'
	cost --model deepseek-v4-flash --input 50000 --output 5000 --at 2026-06-15 --plan vm0 --byo
	expect 0 '"total": "0"' '"byo": true' '"built_in": "4.5"' '"total": "0.0084"'
}
@test "credits of many requests are rounded per request" {
	cost --model deepseek-v4-flash --input 50000 --output 5000 --at 2026-06-15 --plan vm0-tokens --requests 1000
	expect 0 '"total": "9000"'
}
@test "a model that the plan does not cover is unpriced in credits, never zero" {
	cost --model claude-opus-4-1 --input 5 --at 2026-06-15 --plan vm0
	expect 3 '"unpriced": 1' "plan 'vm0' has no entry"
}
@test "what the sources disagree about is told" {
	run "$TALLY" cost --model deepseek-v4-flash --input 5 --at 2026-06-15
	expect 0 'dispute  cache-hit price' 'source'
}
@test "unknown models, bad counts and impossible parts are errors" {
	cost --model deepsek-v4-flash --input 5
	expect 1 '"code":"not_found"' "did you mean 'deepseek-v4-flash'"
	for bad in -5 1.5 99999999999999999999 abc ''; do
		cost --model deepseek-v4-flash --input "$bad"
		expect 2 '"code":"usage"' '--input'
	done
	cost --model deepseek-v4-flash --output 5 --reasoning 6
	expect 2 'reasoning'
	cost --model deepseek-v4-flash --input 5 --at 2026-02-30
	expect 2 'no such day'
	cost --input 5
	expect 2 'needs a model, for example: tally cost gpt-5'
	cost --model claude-sonnet-4-6 --input 5 --currency CNY --at 2026-06-15
	expect 1 'only in USD'
	cost --model deepseek-v4-flash --tokens input_audio=5 --at 2026-06-15
	expect 1 'states no price for input_audio'
}
@test "a card of one's own overrides, with cliffs, fees, tiers and regions" {
	cat >card.json <<'J'
{"schema":"tally.card/1","provider":"acme","prices":[
 {"model":"m1","currency":"USD","source":"s","sure":"s","rates":{"input":"1","output":"2","input_audio":"7"},"context":[{"above":100,"rates":{"input":"10"}}],"fees":{"search":{"amount":"12","per":1000}}},
 {"model":"m1","currency":"USD","service_tier":"batch","source":"s","sure":"s","rates":{"input":"0.5"}},
 {"model":"m1","currency":"USD","region":"eu","multiplier":"1.1","source":"s","sure":"s","rates":{"input":"1"}},
 {"model":"m2","currency":"USD","source":"s","sure":"s","rates":{"input":"1"},"fees":{"request":{"amount":"0.01"}}}]}
J
	cost --prices card.json --model m1 --input 100 --output 10
	expect 0 '"total": "0.00012"'
	cost --prices card.json --model m1 --input 60 --tokens input_audio=41 --unit search=5
	expect 0 '"amount": "0.0006"' '"amount": "0.000287"' '{"unit": "search", "quantity": 5, "price": "12", "per": 1000, "amount": "0.06"}' '"total": "0.060887"'
	cost --prices card.json --model m1 --input 100 --service-tier batch
	expect 0 '"total": "0.00005"'
	cost --prices card.json --model m1 --input 100 --region eu
	expect 0 '"total": "0.00011"'
	cost --prices card.json --model m2 --input 100 --requests 3
	expect 0 '"total": "0.0303"'
	cost --prices nowhere.json --model m1 --input 1
	expect 1 'nowhere.json'
}
@test "help, version and wrong commands" {
	run "$TALLY" help
	expect 0 'Usage' 'price history'
	for c in cost replay 'price list' 'price show' 'price history' 'price check' 'price import' 'credit plan'; do
		run "$TALLY" $c --help
		expect 0 'Usage: tally' '--help'
	done
	run "$TALLY" version
	expect 0 'tally 0'
	run "$TALLY" nonsense
	expect 2 "no command 'nonsense'"
	run "$TALLY" price nonsense
	expect 2 'did you mean `tally price show nonsense`?'
	run "$TALLY" quarantine nonsense
	expect 2 'there are: list, retry, drop'
	run "$TALLY" cost --colour
	expect 2 "no option '--colour'"
	run "$TALLY" help --manual
	expect 0 '.TH TALLY 1'
	"$TALLY" help --completion | bash -n
}
