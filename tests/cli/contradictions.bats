# Cards of which none goes before another must not contradict each other.
load common

card() { # NAME PROVIDER INPUT [MORE MEMBERS OF THE PRICE]
	cat >"$1" <<-J
	{"schema": "tally.card/1", "provider": "$2", "prices": [{"model": "m1", "currency": "USD", "from": "2026-01-01T00:00:00Z",
	 "source": "contract", "sure": "signed", "rates": {"input": "$3", "output": "9"}${4:+, $4}}]}
	J
}

check() { printf '%s' "$output" | python3 -c "import json,sys; d = json.load(sys.stdin); $1"; }
without() { case $output in *"$1"*) fail "unexpected: $1" ;; esac; }

setup() {
	common_setup
	export TALLY_SYSTEM_PRICES="$PWD/machine" XDG_DATA_HOME="$PWD/data"
	card a.json acme 3
	card b.json acme 5
}

@test "what contradicts an installed card is not installed, and a corrected one replaces it" {
	"$TALLY" price install a.json
	run "$TALLY" price install b.json
	expect 1 'nothing is installed: price card b.json: prices[0] contradicts a.json'
	expect 1 'acme/m1 in USD at 2026-01-01T00:00:00Z (input 3 there, input 5 here)'
	[ ! -e data/tally/prices/cards/b.json ]
	run "$TALLY" cost m1 --input 1000000
	expect 0 'total    $3'
	sed 's/"3"/"4"/' a.json >new.json
	mv new.json a.json
	"$TALLY" price install a.json
	run "$TALLY" cost m1 --input 1000000
	expect 0 'total    $4'
}

@test "the same, days that do not meet, other tiers, currencies and regions, and promotions contradict nothing" {
	"$TALLY" price install a.json
	card b.json acme 3
	"$TALLY" price install b.json
	card c.json acme 8 '"service_tier": "batch"'
	"$TALLY" price install c.json
	card d.json acme 8 '"region": "eu"'
	"$TALLY" price install d.json
	card e.json acme 1 '"kind": "promotion"'
	"$TALLY" price install e.json
	sed 's/USD/EUR/;s/"3"/"2"/' b.json >f.json
	"$TALLY" price install f.json
	sed 's/"from": "2026-01-01T00:00:00Z"/"to": "2026-01-01T00:00:00Z"/;s/"3"/"2"/' b.json >g.json
	"$TALLY" price install g.json
	sed 's/2026-01-01/2026-07-01/;s/"3"/"2"/' b.json >h.json
	run "$TALLY" price install h.json
	expect 1 'contradicts a.json: both state a price of acme/m1 in USD at 2026-07-01T00:00:00Z (input 3 there, input 2 here)'
	run "$TALLY" cost m1 --input 1000000 --at 2025-12-31
	expect 0 'total    $2'
	run "$TALLY" cost m1 --input 1000000 --service-tier batch
	expect 0 'total    $8'
	run "$TALLY" cost m1 --input 1000000
	expect 0 'total    $1'
}

@test "tiers, windows and fees that differ contradict" {
	card b.json acme 3 '"context": [{"above": 1000, "rates": {"input": "4"}}]'
	run "$TALLY" price check a.json b.json
	expect 1 'b.json: prices[0]: contradicts a.json: both state a price of acme/m1 in USD at 2026-01-01T00:00:00Z (their windows, tiers or fees differ)'
	card b.json acme 3 '"fees": {"request": {"amount": "1", "per": 1}}'
	run "$TALLY" price check a.json b.json
	expect 1 'windows, tiers or fees differ'
	for name in a b; do
		sed "s/\"prices\"/\"calendars\": {\"p\": {\"zone\": \"UTC\", \"hours\": [\"0$([ $name = a ] && echo 1 || echo 2):00-05:00\"]}}, \"prices\"/" a.json |
			sed 's/"9"}/"9"}, "windows": [{"window": "peak", "calendar": "p", "rates": {"input": "6"}}]/' >$name.w.json
	done
	run "$TALLY" price check a.w.json b.w.json
	expect 1 'windows, tiers or fees differ'
	cp a.w.json same.json
	run "$TALLY" price check a.w.json same.json
	expect 0 'no faults'
}

@test "aliases that mean two models, in a card and between two, and a name that is both" {
	for x in a b; do
		cat >$x.json <<-J
		{"schema": "tally.card/1", "provider": "acme", "aliases": [{"alias": "best", "model": "$x"}], "prices": []}
		J
	done
	run "$TALLY" price check a.json b.json
	expect 1 "b.json: aliases[0]: contradicts a.json: 'best' of acme means 'a' there and 'b' here at all times"
	sed 's/"alias": "best", "model": "a"/&}, {"alias": "best", "model": "c"/' a.json >two.json
	run "$TALLY" price check two.json
	expect 1 "two.json: aliases[1]: 'best' of acme means 'a' there and 'c' here at all times (there: aliases[0])"
	sed 's/"best", "model": "a"/"best", "model": "a", "to": "2026-02-01T00:00:00Z"/;s/"alias"[^}]*}/&, {"alias": "best", "model": "c", "from": "2026-02-01T00:00:00Z"}/' a.json >then.json
	run "$TALLY" price check then.json
	expect 0 '0 prices, 2 aliases, no faults'
	card price.json acme 3
	sed 's/best/m1/' a.json >named.json
	run "$TALLY" price check price.json named.json
	expect 1 "named.json: aliases[0]: contradicts price.json: 'm1' of acme has a price of its own there and means 'a' here at 2026-01-01T00:00:00Z"
}

@test "a folder that contradicts itself is refused whoever names it; of --prices the later goes before and is told" {
	mkdir both
	cp a.json b.json both
	run "$TALLY" cost m1 --input 1000000 --prices both
	expect 1 'price card b.json: prices[0] contradicts a.json'
	TALLY_PRICES=both run "$TALLY" cost m1 --input 1000000
	expect 1 'TALLY_PRICES: price card b.json: prices[0] contradicts a.json'
	mkdir -p data/tally/prices
	cp -r both data/tally/prices/cards
	run "$TALLY" cost m1 --input 1000000
	expect 1 'an installed card: price card b.json: prices[0] contradicts a.json'
	"$TALLY" price install b.json --remove
	run "$TALLY" cost m1 --input 1000000 --prices b.json
	expect 0 'total    $5'
	run "$TALLY" cost m1 --input 1000000 --prices b.json --prices a.json
	expect 0 'total    $3'
	run "$TALLY" price show m1 --prices b.json
	expect 0 'list, overridden by b.json'
	run "$TALLY" price show m1 --prices b.json --json
	check "assert [(p['rates']['input'], p['status'], p.get('overridden_by')) for p in d['prices']] == [('3', 'overridden', 'b.json'), ('5', 'in force', None)]"
}

@test "between the machine, the user and a database the nearer goes before, and installing says so" {
	"$TALLY" price install a.json --scope system
	run "$TALLY" price install b.json
	expect 0 'b.json: prices[0] contradicts a.json'
	expect 0 'cards of a user or a database go before those of the machine, so that this one is used'
	run "$TALLY" price install a.json --scope system
	expect 0 'contradicts b.json'
	expect 0 'cards of a user go before those of the machine, so that that one is used'
	"$TALLY" db init -q
	sed 's/"5"/"6"/' b.json >c.json
	run "$TALLY" price install c.json --scope database
	expect 0 'cards of a database go before those of a user, so that this one is used'
	run "$TALLY" price install b.json --scope database
	expect 1 'price card c.json: prices[0] contradicts b.json'
	run "$TALLY" price install b.json --remove --scope database
	expect 1 'no card'
}

@test "installing says whose a bare name is now" {
	card b.json zeta 5
	run "$TALLY" price install a.json
	without 'calls that name no vendor'
	run "$TALLY" price install b.json
	expect 0 "calls that name no vendor: several vendors sell 'm1' (acme, zeta); name the provider"
	run "$TALLY" cost m1 --input 10
	expect 1 'several vendors sell'
	run "$TALLY" cost m1 --provider zeta --input 1000000
	expect 0 'total    $5'
	sed 's/m1/gpt-5/' b.json >c.json
	run "$TALLY" price install c.json
	expect 0 "calls that name no vendor: 'gpt-5' is now zeta's, before it was openai's"
}
