# What a person types in the first hour, and what it is answered with: the line that would have worked.
load common

@test "numbers and amounts are understood as people write them" {
	run "$TALLY" plan --tickets 10,000 --cached 2_000 --input 1,300 --output 150 --start 2026-06-01 --days 1 -z UTC -m deepseek-v4-flash --json
	expect 0 '"records": 10000'
	for n in 1,0000 10,00 1,000,00 ,100 1__000 10k,000 ''; do
		run "$TALLY" plan --tickets "$n" --input 1 -m deepseek-v4-flash
		expect 2 "--tickets: '$n' is not a whole number (10000, 10,000, 10k, 2.5M, 1G and 1e6 are understood)" || fail "$n"
	done
	[ "$("$TALLY" cost deepseek-v4-flash --input 2m --at 2026-06-15 --json)" = "$("$TALLY" cost -m deepseek-v4-flash --input 2M --at 2026-06-15 --json)" ]
	while read -r typed is; do
		run "$TALLY" limit set acme --amount "$(printf %b "$typed")" --db l.db; expect 0 || fail "$typed"
		[ "$("$TALLY" limit list --db l.db --json | sed -n 's/.*"limit": "\([^"]*\)".*/\1/p')" = "$is" ] || fail "$typed"
	done <<'CASES'
50 50
$50 50
50\0040USD 50
1,234.50 1234.5
10k 10000
0.125 0.125
CASES
	run "$TALLY" limit set acme --amount '50 EUR' --db l.db; expect 2 "is in EUR, and amounts here are in USD"
	run "$TALLY" limit set acme --amount 1,000 --db l.db; expect 2 "may be thousands or a fraction"
	run "$TALLY" limit set acme --amount -5 --db l.db; expect 2 "below zero"
	run "$TALLY" limit set acme --db l.db; expect 2 "--amount is required"
	run "$TALLY" budget set all --amount '$0' --db l.db; expect 2 "must be positive"
	run "$TALLY" budget set all --amount '$100' --db l.db; expect 0
	run "$TALLY" credit account acme --plan vm0 --db l.db; expect 0
	run "$TALLY" credit grant acme '$5' --db l.db; expect 2 'credits have no currency'
	run "$TALLY" credit grant acme 5k --db l.db; expect 0
}
@test "an account that begins after the usage says so, and can begin earlier while nothing was drawn" {
	! on_server || skip "the same statements"
	printf 'id,time,model,customer,input\na,2026-06-15T00:00:00Z,deepseek-v4-flash,acme,1000000\nb,2026-06-16T00:00:00Z,deepseek-v4-flash,acme,1000000\n' >u.csv
	"$TALLY" ingest u.csv --db m.db -q
	run "$TALLY" credit account acme --plan vm0 --db m.db; expect 0 'acme: 2 records before 20' 'draw no credits' '--since DAY'
	run "$TALLY" invoice draft acme --period 2026-06 --db m.db; expect 0 'in no invoice'
	run "$TALLY" credit account acme --since 2026-06-16 --db m.db; expect 0
	run "$TALLY" invoice draft acme --period 2026-06 --db m.db; expect 0 'acme: 1 record before 2026-06-16T00:00:00Z' ' 60  credits'
	run "$TALLY" credit account acme --since 2026-06-01 --db m.db; expect 1 'has drawn or was invoiced already' '--since can no longer'
	run "$TALLY" fsck --db m.db; expect 0 clean
	# the whole of it, where nothing had been drawn; a gift does not count as such
	"$TALLY" credit account late --plan vm0 --db n.db -q
	"$TALLY" credit grant late 5 --id gift --db n.db -q
	sed 's/acme/late/' u.csv >l.csv; "$TALLY" ingest l.csv --db n.db -q
	run "$TALLY" credit account late --since 2026-06-01 --db n.db; expect 0
	run "$TALLY" invoice draft late --period 2026-06 --db n.db; expect 0 ' 120  credits'
	[[ $output != *'in no invoice'* ]]
	run "$TALLY" fsck --db n.db; expect 0 clean
}
@test "a line that a command cannot take is answered with one that it can" {
	export TALLY_DB=t.db
	"$TALLY" credit account acme --plan vm0 -q
	while IFS='|' read -r line says; do
		run "$TALLY" $line
		expect 2 "$says" || fail "$line"
	done <<'CASES'
limit set acme 50|for example: tally limit set acme --amount
explain|for example: tally explain
plan 10000 tickets|for example: tally plan --per-day
price gpt-5|did you mean `tally price show gpt-5`?
price shwo|did you mean `tally price show`?
invoice acme|did you mean `tally invoice draft acme`?
limit show|did you mean `tally limit list`?
budget ls|did you mean `tally budget status`?
price add my-model|did you mean `tally price install`?
price set my-model|did you mean `tally price install`?
usage by customer|did you mean '--by'?
cost gpt-5 --ouput 3|did you mean '--output'?
usage --by custmer|did you mean 'customer'? choose from day,
usage --by team|did you mean 'customer'? choose from day,
usage --order costs|did you mean 'cost'? choose from key,
daily -z Europe/Berln|--timezone: time zone 'Europe/Berln' is not known here; did you mean 'Europe/Berlin'?
daily -z tokio|did you mean 'Asia/Tokyo'?
hlep|did you mean `tally help`?
help credits|did you mean `tally help credit`?
statement acme|did you mean `tally invoice statement`?
credit grant acme -5|'-5' is below zero
decide -m gpt-5|has no option '-m'; see `tally decide --help`
usage --by tag|window, region, price
cost|for example: tally cost gpt-5
cost gpt-5 -m gpt-5|name the model once
cost gpt-5 --prompt 10 --input 5|not both
cost gpt-5 --prompt 10 --cache-read 11|cannot be smaller
cost gpt-5 1000 200|'1000' is no model: the tokens of a call are options
cost gpt-5 --tokens 5000|for example --tokens input_audio=5000
cost gpt-5 --batch|write --service-tier batch
plan --batch|--scenario batch:MODEL makes the calls in batches
plan --per-month 100k|a thirtieth of a month's
plan 10k|'10k' is no file; the work of a day is an option, such as --per-day 10k
budget set 100|'100' would be the budget's name; for example: tally budget set all --amount 100
budget set project:shop --amount 20|for example: tally budget set shop --project shop
daily --by model|`tally usage --by day,model` groups
session --last 5|--limit N shows N sessions
usage --last 7|write --since 7d for seven days
records -n 3|--limit N shows N rows
usage --where x|--customer, --project and --model narrow a report
serve --port 80|write --listen 127.0.0.1:PORT
export --format csv|the format is the first word: tally export csv
forecast --days 3|--until DATE is the last day
amend r --customer x|write --set customer=NAME
invoice send 1|did you mean `tally invoice show`?
credit|`tally help credit` explains them
CASES
	run "$TALLY" cost flash --input 1; expect 1 "did you mean '" "(\`tally price list flash\`)"
	# the models of one's own records come first
	printf '%s\n' time,model,input 2026-06-15T08:00:00Z,qwen-flash,3 >own.csv; "$TALLY" ingest own.csv --db own.db -q
	TALLY_DB=own.db run "$TALLY" cost flash --input 1; expect 1 "did you mean 'qwen-flash', "
	TALLY_DB=none.db run "$TALLY" cost flash --input 1; expect 1; [[ $output != *"mean 'qwen-flash'"* ]] || fail "the shortest"
	run "$TALLY" credit subscribe acme pro --db o.db; expect 1 "did you mean 'vm0-pro'?"
	run "$TALLY" cost deepseek-v4-flash --input 1 --currency EUR; expect 1 'no price in EUR, only in USD and CNY'
	run "$TALLY" cost gtp-5 --input 1; expect 1 "did you mean 'gpt-5'?"
	# a part of a name, however it is divided, the maker's first and the newer before the older
	while IFS='|' read -r typed meant; do
		run "$TALLY" cost "$typed" --input 1; expect 1 "did you mean $meant" || return 1
	done <<-'CASES'
		sonnet|'claude-sonnet-5-5', 'claude-sonnet-5'
		opus-4.1|'claude-opus-4-1'
		mini|'gpt-
		gpt5|'gpt-5'?
		4o-mini|'gpt-4o-mini'
		gemini flash|'gemini-flash-latest'
	CASES
	# as people see it, and with a space too many
	while IFS='|' read -r typed meant; do
		cost "$typed" --input 1 --at 2026-09-01; [ "$(json model)" = "$meant" ] || fail "$typed" || return 1
	done <<-'CASES'
		Claude Sonnet 4.5|claude-sonnet-4-5
		Gemini 2.5 Flash|gemini-2.5-flash
		GPT-5 mini|gpt-5-mini
		 gpt-5 |gpt-5
	CASES
	cost gpt-5 --prompt 10k --cache-read 8k --at 2026-06-01
	[ "$(json total)" = 0.0035 ] || fail "2,000 at 1.25 and 8,000 at 0.125 a million"
}
@test "a file where a command or a model is expected is answered with what reads it" {
	printf '%s\n' time,model,input 2026-06-15T08:00:00Z,gpt-5,3 >calls.csv
	while IFS='|' read -r line says; do
		run "$TALLY" $line; expect 2 "$says" || return 1
	done <<-'CASES'
		calls.csv|did you mean `tally replay calls.csv`?
		daily --last month|--period last-month
		quux calls.csv|did you mean `tally replay calls.csv`?
		repaly calls.csv|did you mean `tally replay`?
		cost calls.csv|'calls.csv' is a file, no model; `tally replay` prices its calls
		usage calls.csv|`tally ingest` stores its calls
		compare gpt-5 gpt-4o|`tally cost MODEL MODEL` or `tally whatif FILE`
		total|did you mean `tally usage`?
		agy daily|did you mean `tally antigravity`?
		claude-code|did you mean `tally claude`?
	CASES
}
@test "an empty report says what was typed wrongly, and when there are records" {
	printf 'id,time,model,customer,project,input\na,2026-06-15T00:00:00Z,deepseek-v4-flash,acme,/home/me/app,1000\nb,2026-06-16T00:00:00Z,deepseek-v4-flash,acme,/srv/x/app,1000\nc,2026-06-16T00:00:00Z,deepseek-v4-flash,acme,/srv/shop,1000\n' >u.csv
	"$TALLY" ingest u.csv --db m.db
	export TZ=UTC
	run "$TALLY" usage --db m.db --since today; expect 0 "there are records of 2026-06-15 to 2026-06-16"
	run "$TALLY" usage --db m.db --project shpo; expect 0 "no usage of project 'shpo'; did you mean '/srv/shop'?"
	run "$TALLY" usage --db m.db --project zzzzzz; expect 0 "no usage of project 'zzzzzz'; there are /home/me/app, /srv/shop, /srv/x/app"
	run "$TALLY" usage --db m.db --model auto; expect 0 "no usage of model 'auto'; there is deepseek-v4-flash"
	run "$TALLY" usage --db m.db --project app; expect 2 "2 projects end in 'app' (/home/me/app, /srv/x/app)"
	for command in usage records daily; do
		for name in shop srv/shop -srv-shop; do
			run "$TALLY" $command --db m.db --project $name --json; expect 0 '"input": 1000' || fail "$command $name"
			[[ $output != *'no usage'* ]] || fail "$command $name: $output"
		done
	done
}
@test "a list of nothing says so" {
	"$TALLY" db init --db e.db
	while IFS='|' read -r line says; do
		run "$TALLY" $line --db e.db; expect 0; [ "$output" = "$says" ] || fail "$line: $output" || return 1
	done <<-'CASES'
		invoice list|no invoices
		limit list|no limits are set
		quarantine list|nothing is in quarantine
		credit accounts|no credit accounts
		credit holds|no open holds
		budget status|no budgets are set
	CASES
	run "$TALLY" budget status none --db e.db; expect 1 "there is no budget 'none'"; [[ $output != *'no budgets'* ]]
}
@test "the rows that a limit leaves are the first of the order" {
	for i in 1 2 3; do printf '{"id":"%s","time":"2026-06-1%sT00:00:00Z","model":"deepseek-v4-flash","session":"s%s","input":%s}\n' $i $i $i $((4000 - i * 1000)); done >u.jsonl
	"$TALLY" ingest u.jsonl --db m.db
	days() { "$TALLY" "$@" --db m.db -z UTC --csv | tail -n +2 | cut -d, -f1 | tr '\n' ' '; }
	[ "$(days daily --limit 2)" = "2026-06-12 2026-06-13 " ]
	[ "$(days daily --limit 2 --order desc)" = "2026-06-13 2026-06-12 " ]
	[ "$(days session --limit 2 --order cost)" = "s1 s2 " ]
}
@test "cache hits, words of time and names of settings" {
	printf 'id,time,model,input,cache_read\na,2026-06-15T00:00:00Z,deepseek-v4-flash,1000,3000\nb,2026-06-15T00:00:00Z,deepseek-v4-pro,1000,0\n' >u.csv
	"$TALLY" ingest u.csv --db m.db
	run "$TALLY" usage --db m.db --by model --hits -z UTC; expect 0 'CACHE HITS' '75.0 %' '60.0 %'
	for w in week month quarter year; do
		[ "$("$TALLY" usage --db m.db --since $w --json)" = "$("$TALLY" usage --db m.db --since this-$w --json)" ] || fail $w
	done
	run "$TALLY" config set db x; expect 2 "did you mean 'database'?"
	run "$TALLY" config set timezon x; expect 2 "did you mean 'timezone'?"
	run "$TALLY" config set colour x; expect 2 'there are: database'
	run "$TALLY" statusline </dev/null; expect 1 'standard input is empty'
	run "$TALLY" blocks --db m.db --active; expect 0 'none of 1 blocks'
	run "$TALLY" hits; expect 2 'did you mean `tally usage --by model --hits`?'
}
@test "a call under several models is a row each" {
	run "$TALLY" cost gpt-5 claude-sonnet-4-6 deepseek-v4-flash --input 2000 --output 300 --at 2026-06-15 --csv
	expect 2
	# 2,000 x 1.25 + 300 x 10; x 3 and 15; x 0.14 and 0.28, by the million
	run "$TALLY" cost gpt-5 claude-sonnet-4-6 deepseek-v4-flash --input 2000 --output 300 --at 2026-06-15
	expect 0 'gpt-5 ' '$0.0055' '$0.0105' '  $0.005' '$0.000364' '-$0.005136'
	run "$TALLY" cost -m gpt-5 -m claude-sonnet-4-6 --input 2000 --at 2026-06-15 --json
	expect 0 '"schema": "tally.costs/1"' '"total": "0.0025"' '"total": "0.006"'
	run "$TALLY" cost gpt-5 claude-sonnet-4-6 --input 2000 --plan vm0; expect 3 'unknown' "gpt-5: credits unknown: plan 'vm0'"
	run "$TALLY" cost gpt-5 gpt-55 --input 3 --json; expect 1 "did you mean 'gpt-5.5'"
}
@test "no hint names an option that the command lacks" {
	local commands command typed word
	commands=$("$TALLY" help | sed -n 's/^  \([a-z][a-z-]*\( [a-z][a-z-]*\)\{0,1\}\)   *[a-z].*/\1/p')
	[ "$(wc -l <<<"$commands")" -gt 60 ] || fail "the commands of the help: $commands"
	for typed in batch credits last; do
		while read -r command; do
			run "$TALLY" $command "--$typed"
			[[ $output == *'has no option'* ]] || continue
			for word in $(sed 's/`[^`]*`//g; s/.*has no option [^;]*//' <<<"$output" | grep -o -e '--[a-z][a-z-]*' || true); do
				grep -q -e "^  \(-., \)\?$word\( \|$\)" <("$TALLY" help $command) || fail "tally $command --$typed: $output"
			done
		done <<<"$commands"
	done
}
@test "a model or route that was mistyped as a target is refused, with what it may have meant; a price at another time is enough" {
	printf 'time,model,input\n2026-06-15T00:00:00Z,deepseek-v4-flash,1000\n' >t.csv
	meant="'claude-sonet-4-6' is in no price card; did you mean 'claude-sonnet-4-6'"
	printf '{"scenarios": [{"name": "r", "route": "rules:r.json"}]}' >s.json
	printf '{"otherwise": "claude-sonet-4-6"}' >r.json
	while IFS='|' read -r line says; do
		run "$TALLY" $line; expect 1 "$says" || fail "$line"
		[[ $output != *'$0'* ]] || fail "$line has an amount"
	done <<CASES
whatif t.csv -s x=claude-sonet-4-6|scenario 'x': model $meant
whatif t.csv -s x=share:5%:claude-sonet-4-6:gpt-5|scenario 'x': model $meant
whatif t.csv --scenarios s.json|scenario 'r': model $meant
whatif t.csv -s x=evry:2:gpt-5:gpt-4o|'evry:2:gpt-5:gpt-4o' is neither a model of a price card nor a route; did you mean 'every:'? (routes: every, conversation, from, share, offpeak, batch, rules, cascade)
plan --per-day 5 --input 3 -m claude-sonet-4-6|model $meant
plan --per-day 5 --input 3 -s x=escalate:5%:gpt-5:claude-sonet-4-6|scenario 'x': model $meant
replay t.csv --remodel claude-sonet-4-6|--remodel: model $meant
migrate t.csv --to claude-sonet-4-6|--to: model $meant
CASES
	run "$TALLY" whatif t.csv --at 2020-01-01 -s x=gpt-5; expect 3 'has no USD price before'
	printf '{"scenarios": [{"name": "own", "route": "our-llama", "self_hosted": {"our-llama": {"gpu_hour": "2", "gpus": 1, "prompt_tokens_per_second": 1000, "output_tokens_per_second": 100}}}]}' >h.json
	run "$TALLY" whatif t.csv --scenarios h.json; expect 0 own
}
@test "where no call has a price when it was made there is no amount, and what helps is named" {
	printf 'time,model,session,input,output\n2024-06-15T00:00:00Z,gpt-4o,s,1000,100\n' >t.csv
	run "$TALLY" whatif t.csv -s recorded -s f=deepseek-v4-flash --resamples 0
	expect 3 '$0.0065' 'unpriced' '1 call in 1 conversation (csv)' 'no amount for 1 call of deepseek-v4-flash' 'none of its calls has a price' '--at DATE'
	[[ $output != *'$0.0000'* && $output != *'100.0 %'* ]] || fail "an amount of nothing"
	run "$TALLY" whatif t.csv -s f=deepseek-v4-flash -s gpt-4o --resamples 0; expect 3
	[[ $output != *+* ]] || fail "a difference from nothing"
	run "$TALLY" migrate t.csv --to deepseek-v4-flash
	expect 3 'deepseek-v4-flash  unpriced' '--at DATE'
	run "$TALLY" advise cache t.csv --on claude-sonnet-4-6; expect 1 'no USD price before' '--at DATE'
	run "$TALLY" advise cache t.csv --on claude-sonet-4-6; expect 1 "--on: model 'claude-sonet-4-6' is in no price card"
	run "$TALLY" advise hits t.csv --from gpt-4o --to claude-sonnet-4-6; expect 3 unpriced
	run "$TALLY" advise switch --from gpt-5 --to deepseek-v4-flash --prompt 1000 --at 2025-10-01; expect 3 'unpriced' 'nothing can be compared' '--at DATE'
}
@test "a file that is no log and no table is told by every look, as by a replay" {
	printf 'Kosten,Datum\n1,2\n' >foreign.csv
	printf '%%PDF-1.4\nx\n' >a.pdf
	printf '\177ELF\0\0' >elf
	printf '{"a":1}\n' >odd.jsonl
	: >none.jsonl
	for look in daily weekly monthly session today blocks overview; do
		run "$TALLY" $look foreign.csv; expect 1 "no column holds tokens" "'Kosten,Datum'" '--map input=COLUMN' 'of `tally replay`' || fail "$look"
		run "$TALLY" $look a.pdf; expect 1 "a.pdf: line 1: no column holds tokens" || fail "$look"
		run "$TALLY" $look /etc/passwd; expect 1 "no column holds tokens" || fail "$look"
		run "$TALLY" $look elf; expect 1 "NUL byte" || fail "$look"
		run "$TALLY" $look odd.jsonl; expect 3 'odd.jsonl:1: the object has no known shape' || fail "$look"
	done
	run "$TALLY" daily none.jsonl; expect 0 'there are no calls in 1 log'
	printf 'time,model,input\n2026-06-15T00:00:00Z,deepseek-v4-flash,1000\n' >t.csv
	run "$TALLY" daily t.csv; expect 0 2026-06-15
	run "$TALLY" daily t.csv a.pdf; expect 1 a.pdf
}
@test "what changes something says so with --json too, and says when it was done before" {
	! on_server || skip "the same statements"
	export TALLY_DB=t.db TALLY_CONFIG=$DIR/config.json
	said() { local status_wanted=$1 text=$2; shift 2; run "$TALLY" "$@" --json; expect "$status_wanted" "$text" '"schema": "tally.' || fail "$*"; }
	said 0 '"customer": "acme"' credit account acme --plan vm0
	said 0 '"changed": true' credit grant acme 400 --id gift
	said 0 '"changed": false' credit grant acme 400 --id gift
	run "$TALLY" credit grant acme 400 --id gift; expect 0 "acme: 'gift' was granted already (400 credits)"
	run "$TALLY" credit grant acme 5 --every 1month --id m; expect 0 'recurring grant added'
	run "$TALLY" credit grant acme 400 --id other; expect 0 'acme: 400 credits granted'
	said 0 '"changed": true' credit hold acme 5 --id h
	run "$TALLY" credit hold acme 5 --id h; expect 0 'h: was held already'
	said 0 '"changed": true' credit release h
	said 0 '"changed": false' credit release h
	run "$TALLY" credit release h; expect 0 'h: was released already'
	"$TALLY" credit hold acme 5 --id i -q
	said 0 'i: settled' credit settle i 3
	said 0 'void' credit void acme gift --why x
	said 0 'acme' credit repair acme
	said 0 'up to date' credit expire
	said 0 'Free' credit subscribe acme vm0-free
	said 0 'budget set, $10' budget set all --amount 10
	said 0 'budget removed' budget clear all
	said 0 'limit set, $5' limit set acme --amount 5
	said 0 'no limit' limit clear acme
	said 0 '"currency: set in' config set currency USD
	said 0 'currency: not set any more' config unset currency
	said 0 '"good": "plans"' plan check "$ROOT/pricing/plans/vm0.json"
	said 0 'in p.pack' pack "$ROOT/examples/sessions.jsonl" -o p.pack
	run "$TALLY" live --json; expect 2 "has no option '--json'"
}
@test "a token that a variable takes is on standard output alone" {
	secret=$("$TALLY" token ci --file tokens.txt 2>err)
	[ -n "$secret" ] || fail "no token"
	grep -q 'on standard output' err || fail "nothing is said: $(cat err)"
	! grep -q "$secret" err || fail "the token is on standard error, too"
	secret=$("$TALLY" token ci2 --file tokens.txt --quiet 2>err); [ -n "$secret" ]; [ ! -s err ] || fail "quiet"
	# without a file the line is on standard output, and the token beside it
	line=$("$TALLY" token ci3 2>err); grep -q 'token: ' err
	[[ $line == *ci3* ]] || fail "$line"
}
@test "a thousand with a point is no one; a draft says which one it replaces; the same day again is no change" {
	! on_server || skip "the same statements"
	export TALLY_DB=t.db
	printf 'id,time,model,customer,input\na,2026-06-15T00:00:00Z,deepseek-v4-flash,acme,1000000\n' >u.csv
	"$TALLY" ingest u.csv -q
	"$TALLY" credit account acme --plan vm0 --since 2026-06-01 -q
	"$TALLY" credit draw -q
	run "$TALLY" credit account acme --since 2026-06-01; expect 0 changed
	run "$TALLY" credit account acme --since 2026-06-02; expect 1 'can no longer'
	run "$TALLY" credit grant acme 2 --expires 30d; expect 2 "did you mean 'in 30d'?"
	run "$TALLY" credit grant acme 2.000; expect 2 "'2.000' may be thousands or a fraction; write 2 or 2000"
	run "$TALLY" credit grant acme 2.500; expect 2 'write 2.5 or 2500'
	run "$TALLY" budget set all --amount 1.000; expect 2 'write 1 or 1000'
	for n in 1000.000 0.500 1.125 1.5 2.0; do run "$TALLY" budget set all --amount $n; expect 0 'budget set' || fail $n; done
	run "$TALLY" budget set all --amount 1.000.000; expect 0 '$1,000,000'
	run "$TALLY" invoice draft acme --period 2026-06; expect 0
	[[ $output != *replaces* ]]
	run "$TALLY" invoice draft acme --period 2026-06; expect 0
	[[ $output != *replaces* ]] || fail "the same period"
	run "$TALLY" invoice draft acme --since 2026-06-10 --until 2026-06-20; expect 0 'acme: this draft replaces #1 of 2026-06-01 to 2026-06-30, which overlapped it'
}
@test "a database in a folder that may not be written is read; a full output is told once, with the reason" {
	printf 'id,time,model,customer,input\na,2026-06-15T00:00:00Z,deepseek-v4-flash,acme,1000000\n' >u.csv
	on_server || {
		mkdir ro; "$TALLY" ingest u.csv --db ro/t.db -q
		[ ! -e ro/t.db-wal ] || skip "the database is still open"
		if [ "$(id -u)" = 0 ]; then
			setpriv --reuid=65534 --clear-groups true 2>/dev/null || skip "no other user to be"
			chmod 755 "$DIR"; chmod 777 .; as=(setpriv --reuid=65534 --clear-groups env HOME=/nonexistent)
			setpriv --reuid=65534 --clear-groups "$TALLY" --version >/dev/null 2>&1 || skip "the program cannot be run by others"
		else as=(env HOME=/nonexistent); fi
		chmod 555 ro
		for mode in 644 444; do
			chmod $mode ro/t.db
			run "${as[@]}" "$TALLY" usage --db ro/t.db --json; expect 0 '"records": 1' || fail "$mode"
			run "${as[@]}" "$TALLY" daily --db ro/t.db; expect 0 2026-06-15 || fail "$mode"
		done
		run "${as[@]}" "$TALLY" ingest u.csv --db ro/t.db
		expect 1 'ro/t.db: could not run a statement: the file or its folder may not be written'
		[ ! -e ro/t.db-wal ] || fail "something was made beside it"
		chmod 755 ro
	}
	[ -e /dev/full ] || skip "no /dev/full"
	"$TALLY" ingest u.csv --db t.db -q
	for line in 'usage --json' 'usage' 'usage --csv' 'price list' 'daily --db t.db --json' 'records --json'; do
		run bash -c "'$TALLY' $line --db t.db >/dev/full"
		[[ $line != price* && $line != daily* ]] || run bash -c "'$TALLY' $line >/dev/full"
		expect 1 'could not write the output: No space left on device' || fail "$line"
		[ "${#lines[@]}" = 1 ] || fail "$line says more than once why"
	done
}
@test "a spreadsheet's number of a day is named, dates with points are read, and three refusals of a kind are enough" {
	printf 'time,model,input\n46296,deepseek-v4-flash,1000\n46297.5,deepseek-v4-flash,1000\n' >days.csv
	for at in '' '--at 2026-06-15'; do
		run "$TALLY" replay days.csv $at; expect 3 "days.csv:2: field 'time': '46296' is not an instant, and may be a spreadsheet's number of a day (2026-10-01)" '2 records refused'
	done
	run "$TALLY" replay days.csv --at 2026-06-15 --format csv-seconds --json; expect 0 '"records": 2,'
	printf 'time,model,input\n15.06.2026,deepseek-v4-flash,1000\n1.6.2026 10:30,deepseek-v4-flash,1000\n' >points.csv
	run "$TALLY" replay points.csv --by day; expect 0 2026-06-15 2026-06-01
	{ echo time,model,input; for i in $(seq 30); do echo "x$i,gpt-5,1"; echo "2026-06-15,gpt-5,z$i"; done; } >many.csv
	run "$TALLY" replay many.csv; expect 3 "'x3' is not an instant" "'z3' is not a whole number" 'and 54 more' '60 records refused'
	[[ $output != *x4* ]]
}
@test "a column that nobody knows names its remedy, and a region that no price has is told" {
	printf 'time,model,input,flux_tokens\n2026-06-15,gpt-5,1,5\n' >c.csv
	printf '{"time":"2026-06-15","model":"gpt-5","input":1,"flux_tokens":5}\n' >c.jsonl
	for f in c.csv c.jsonl; do
		run "$TALLY" replay $f; expect 3 "'flux_tokens' is of no known meaning" '--map FIELD=COLUMN' '--map none=COLUMN' || fail $f
		[[ $output != *'newer prices'* ]] || fail "no price helps"
	done
	run "$TALLY" replay c.csv --map none=flux_tokens --json; expect 0 '"unpriced": 0'
	run "$TALLY" cost gpt-5 --region mars --input 5; expect 0 "no price of it names a region: 'mars' changes nothing"
	run "$TALLY" help --help; expect 0 'Usage: tally COMMAND'
}
