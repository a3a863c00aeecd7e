# What is counted and is no token: every unit goes the whole way, with no room that knows its name.
# with sanitizers, too
load common

UNITS="web_search web_search_low web_search_medium web_search_high query page image second character"
# A card in which unit number K (from 1) costs 2^K thousandths, so that a sum tells which of them were charged
card() {
	fees= n=1
	for u in $UNITS; do n=$((n * 2)); fees="$fees${fees:+, }\"$u\": {\"amount\": \"$n\", \"per\": 1000}"; done
	cat >card.json <<END
{"schema": "tally.card/1", "provider": "counting", "title": "units at a price",
 "prices": [{"model": "counting-1", "currency": "USD", "from": "2026-01-01T00:00:00Z", "source": "a test", "sure": "yes", "rates": {"input": "1", "output": "1"}, "fees": {$fees}},
  {"model": "counting-2", "currency": "USD", "from": "2026-01-01T00:00:00Z", "source": "a test", "sure": "yes", "rates": {"input": "2", "output": "2"}, "fees": {$fees}}]}
END
}
# the amount of the first total in a document
total() { "$TALLY" "$@" --json -q 2>/dev/null | tr -d '\n' | sed 's/.*"total": *"\([^"]*\)".*/\1/'; }

@test "every unit goes from a CSV and from JSON to the invoice, the budget, the export, the what-if, the replay and the pack" {
	card
	echo '{"currency": "USD", "metered": [{"description": "Pages", "of": "page", "pricing": {"unit": "2"}}]}' >terms.json
	header=id,time,model,customer,input n=0 rows=
	: >t.jsonl
	for u in $UNITS; do
		n=$((n + 1)) header=$header,unit_$u
		input=$((n == 1 ? 1000000 : 0))
		row= k=0; for v in $UNITS; do k=$((k + 1)); row=$row,; [ $k -ne $n ] || row=${row}3; done
		rows="${rows}r$n,2026-06-15T10:00:00Z,counting-1,acme,$input$row
"
		printf '{"id":"r%d","time":"2026-06-15T10:00:00Z","model":"counting-1","customer":"acme","input":%d,"units":{"%s":3}}\n' $n "$input" $u >>t.jsonl
	done
	printf '%s\n%s' "$header" "$rows" >t.csv
	# three of each at 2, 4, ... 512 thousandths, and a million tokens at 1
	want=$(awk 'BEGIN { print 1 + 3 * 1022 / 1000 }')
	for t in t.csv t.jsonl; do
		[ "$(total replay $t --prices card.json)" = "$want" ] || fail "replay $t: $(total replay $t --prices card.json)"
		"$TALLY" pack $t -o p -q
		[ "$(total replay p --prices card.json)" = "$want" ] || fail "replay of the pack of $t"
		for w in $t p; do [ "$("$TALLY" whatif $w --prices card.json -s recorded --resamples 0 --csv -q | sed -n 2p | cut -d, -f10)" = "$want" ] || fail "whatif $w"; done
		"$TALLY" whatif $t --prices card.json -s x=counting-2 --resamples 0 --csv -q | sed -n 2p | cut -d, -f10 | grep -qx "$(awk "BEGIN { print $want + 1 }")" || fail "another model forgets the units of $t"
		rm -rf m.db*
		"$TALLY" credit account acme --plan vm0 --since 2026-06-01 --terms terms.json --db m.db -q
		"$TALLY" budget set b --customer acme --amount 100 --period ever --db m.db -q >/dev/null
		"$TALLY" ingest $t --db m.db --prices card.json -q >/dev/null || [ $? = 3 ]
		[ "$(total usage --db m.db --by customer)" = "$want" ] || fail "usage of $t: $(total usage --db m.db)"
		"$TALLY" usage --db m.db --by customer --json -q >usage.json
		"$TALLY" replay $t --prices card.json --json -q >replay.json
		for u in $UNITS; do for f in usage replay; do grep -q "\"$u\": *3" $f.json || fail "$f of $t does not tell $u"; done; done
		run "$TALLY" budget status --db m.db --json
		expect 0 "\"spent\": \"$want\""
		run "$TALLY" invoice draft acme --period 2026-06 --db m.db --json
		expect 0
		for u in $UNITS; do expect 0 "\"bucket\":\"$u\"" || return 1; done
		expect 0 '"description":"Pages"' '"quantity":"3","unit_price":"2"'
		# what is exported is the same trace
		"$TALLY" export csv --db m.db -q >out.csv
		[ "$(total replay out.csv --prices card.json)" = "$want" ] || fail "the export loses units"
		[ "$("$TALLY" whatif --db m.db --prices card.json -s recorded --resamples 0 --csv -q | sed -n 2p | cut -d, -f10)" = "$want" ] || fail "whatif of the database"
		run "$TALLY" explain r6 --db m.db --json
		expect 0 '"unit": "page"' '"count": 3'
		# a row that is taken back takes its units with it, and a correction has its own
		"$TALLY" amend r6 --set unit_page=5 --db m.db --prices card.json -q >/dev/null
		[ "$(total usage --db m.db)" = "$(awk "BEGIN { print $want + 0.128 }")" ] || fail "amend: $(total usage --db m.db)"
		"$TALLY" void r6 --db m.db -q >/dev/null
		[ "$(total usage --db m.db)" = "$(awk "BEGIN { print $want - 0.192 }")" ] || fail "void: $(total usage --db m.db)"
		run "$TALLY" fsck --db m.db
		expect 0 clean
	done
}
@test "a unit that a card has no price for leaves its call without one, and a unit that nobody knows is refused by name" {
	card
	printf '%s\n' '{"id":"a","time":"2026-06-15","model":"claude-sonnet-4-6","input":10,"units":{"page":2}}' '{"id":"b","time":"2026-06-15","model":"claude-sonnet-4-6","input":10,"units":{"web_search":0}}' >t.jsonl
	run "$TALLY" replay t.jsonl
	expect 3 "no price for unit 'page'"
	for units in '{"naps":2}' '{"page":-1}' '{"page":"x"}' '{"page":null}' '{"page":1},"unit_page":2'; do
		printf '{"time":"2026-06-15","model":"counting-1","input":10,"units":%s}\n' "$units" >t.jsonl
		case $units in *naps*) want="a record cannot hold 'naps'" ;; *) want="'unit_page'" ;; esac
		run "$TALLY" replay t.jsonl --prices card.json
		expect 3 "t.jsonl:1" "$want" || return 1
		run "$TALLY" ingest t.jsonl --db m.db --prices card.json
		expect 3 't.jsonl:1' "$want" || return 1
	done
	# words that are no field mean what they say
	printf 'time,model,input,page\n2026-06-15,counting-1,1000000,notes.html\n' >t.csv
	run "$TALLY" replay t.csv --prices card.json --json
	expect 0 '"total": "1"'
	run "$TALLY" price sql --dialect sqlite --columns time,model,input,unit_page
	expect 2 unit_page
}
@test "ids made of content, and packs, are what they were before there were more units" {
	printf '%s\n' '{"time":"2026-06-15T10:00:00Z","model":"deepseek-chat","customer":"acme","input":11,"output":7}' '{"time":"2026-06-15T10:00:00Z","model":"deepseek-chat","customer":"acme","input":11,"output":7,"units":{"page":1}}' '{"time":"2026-06-15T10:00:00Z","model":"deepseek-chat","customer":"acme","input":11,"output":7,"units":{"page":2}}' >t.jsonl
	printf '%s\n' '{"time":"2026-06-15T10:00:00Z","model":"deepseek-chat","customer":"acme","input":11,"output":7,"reasoning":3,"input_audio":9,"requests":2}' >>t.jsonl
	for n in 1 2; do "$TALLY" ingest t.jsonl --db m.db -q >/dev/null || true; done
	[ "$(sql m.db 'SELECT count(*) FROM usage')" = 4 ]
	run "$TALLY" records --db m.db --json
	expect 0 auto:522958062b91e49c33792efcc52018d7 auto:3b8d67b4f3a75dc79660b24ca179f772
	# ten tokens in, ten out and two searches of claude-sonnet-4-6, packed when searches were all that there was
	base64 -d "$ROOT/tests/support/searches.pack.b64" | gzip -d >old.pack
	run "$TALLY" replay old.pack --json
	expect 0 '"total": "0.02018"' '"web_search": 2'
}

# body DOCUMENT AMOUNT WORDS...: the document alone costs so much, and says so
body() {
	printf '%s\n' "$1" >body.json
	run "$TALLY" replay body.json --at 2026-06-15T10:00:00Z --prices card.json --json
	expect 0 "\"total\": \"$2\"" "${@:3}"
}
@test "what vendors count beside tokens is read: searches, sizes of searches, pages, queries" {
	cat >card.json <<'END'
{"schema": "tally.card/1", "provider": "counting", "title": "units at a price",
 "prices": [{"model": "reads-pages", "currency": "USD", "from": "2026-01-01T00:00:00Z", "source": "a test", "sure": "yes", "rates": {"input": "1", "output": "1"}, "fees": {"page": {"amount": "1", "per": 1000}}},
  {"model": "ranks", "currency": "USD", "from": "2026-01-01T00:00:00Z", "source": "a test", "sure": "yes", "rates": {"input": "0", "output": "0"}, "fees": {"query": {"amount": "2", "per": 1000}}}]}
END
	body '{"pages":[{"index":0,"markdown":"x","images":[]}],"model":"reads-pages","usage_info":{"pages_processed":3,"doc_size_bytes":184239}}' 0.003 '"page": 3'
	body '{"id":"a","model":"ranks","results":[],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":4}}}' 0.008 '"query": 4'
	# Perplexity: a fee for each request by the size of its search, or its searches counted; then citations and reasoning lie beside the total
	body '{"id":"p","model":"sonar","object":"chat.completion","usage":{"prompt_tokens":8,"completion_tokens":439,"total_tokens":447,"search_context_size":"low"},"choices":[]}' 0.005447 '"web_search_low": 1'
	body '{"id":"d","model":"sonar-deep-research","object":"chat.completion","usage":{"prompt_tokens":33,"completion_tokens":7163,"total_tokens":7196,"citation_tokens":20016,"num_search_queries":18,"reasoning_tokens":73997},"choices":[]}' 0.409393 '"citation": 20016' '"web_search": 18'
	# gateways
	body '{"id":"l","model":"claude-sonnet-4-6","object":"chat.completion","usage":{"total_tokens":15,"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"web_search_requests":3}},"choices":[]}' 0.030105
	# OpenAI lists its searches among the output; opening what they found has no fee
	searches='{"type":"web_search_call","action":{"type":"search"}},{"type":"web_search_call","action":{"type":"open_page"}},{"type":"web_search_call","action":{"type":"find_in_page"}},{"type":"message"}'
	answer='{"id":"r","object":"response","created_at":1781517600,"model":"gpt-5","output":['$searches'],"usage":{"input_tokens":100,"output_tokens":20,"total_tokens":120}}'
	body "$answer" 0.010325 '"web_search": 1'
	body 'data: {"type":"response.completed","response":'"$answer"'}' 0.010325 '"web_search": 1'
}
