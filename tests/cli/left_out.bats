#!/usr/bin/env bats
# Reports say in themselves what they leave out, and a look that writes says so.
# with sanitizers, too
load common
bats_require_minimum_version 1.5.0

@test "short reports name the files and records that they could not count" {
	agent_home
	echo '{"foo":{"input_tokens":5,"output_tokens":7}}' >"$HOME/.claude/projects/app/new.jsonl"
	run -3 "$TALLY" today
	[[ $output == *'1 file could not be read or understood and is not counted:'*'app/new.jsonl: it counts tokens, but holds no known kind of usage record'* ]]
	first=$output
	run -3 "$TALLY" today # from the cache
	[ "$output" = "$first" ]
	run -3 "$TALLY" blocks --json
	[[ $output == *'"not_counted"'*'"what": "file"'*'new.jsonl'* ]]
	printf '{"id":"bad","time":"2026-06-01","model":"m","input":-5}\n' >bad.jsonl
	run -3 "$TALLY" ingest --db t.db bad.jsonl
	printf '{"id":"ok","time":"2026-06-01","model":"deepseek-v4-flash","input":5}\n' >ok.jsonl
	"$TALLY" ingest --db t.db -q ok.jsonl
	run -3 "$TALLY" daily --db t.db
	[[ $output == *"1 record could not be taken and is not counted:"*"bad.jsonl:1: field 'input': '-5' is negative"* ]]
}
@test "a migration says in the report what is in none of its figures, and how sure its difference is" {
	printf 'id,time,model,input,output\na,2026-08-01T10:00:00Z,deepseek-v4-pro,100000,20000\nb,2026-08-01T11:00:00Z,no-such-model,100000,20000\nc,nonsense,deepseek-v4-pro,1,1\nd,2026-08-01T12:00:00Z,,100000,20000\n' >m.csv
	run -3 --separate-stderr "$TALLY" migrate m.csv --to deepseek-v4-flash --start 2026-09-01
	[[ $output == *"In none of these figures: 1 record (field 'time': 'nonsense' is not an instant"* ]]
	# calls of today's models without a price can only make the saving larger
	[[ $output == *"deepseek-v4-flash: at least \$"*" a month less than today's models, whose amount lacks calls without a price"* ||
		$output == *"deepseek-v4-flash: at most \$"*" a month more than today's models, whose amount"* ]]
	[[ $output == *'was (no model)'* ]]
	run -3 --separate-stderr "$TALLY" migrate m.csv --to deepseek-v4-flash --start 2026-09-01 --json
	[[ $output == *'"left_out"'*"nonsense"* ]]
	"$TALLY" ingest --db t.db -q m.csv || true
	run -3 "$TALLY" migrate --db t.db --to deepseek-v4-flash --start 2026-09-01
	[[ $output == *'In none of these figures: 1 record in quarantine.'* ]]
}
@test "credits of a model that the plan does not cover are no zero" {
	printf 'time,model,input,output\n2026-08-01T10:00:00Z,deepseek-v4-pro,1000,200\n2026-08-01T11:00:00Z,deepseek-v4-pro,1000,200\n' >t.csv
	run -3 "$TALLY" whatif t.csv -s 'mix=every:2:gemini-2.5-pro:deepseek-v4-flash' --plan vm0 -q
	[[ $output == *'gemini-2.5-pro'*'not covered'* ]]
	run -3 "$TALLY" whatif t.csv -s 'mix=every:2:gemini-2.5-pro:deepseek-v4-flash' --plan vm0 --json
	[[ $output == *'"uncovered": 1'* ]]
	run -0 "$TALLY" plan -m deepseek-v4-flash --escalate 5%:deepseek-v4-pro --per-day 10 --input 10 --output 1 --days 1
	[[ $output == *'deepseek-v4-flash + 5% deepseek-v4-pro'* ]]
}
@test "a balance that draws credits first says so, once" {
	export TALLY_DB=$DIR/t.db
	"$TALLY" ingest -q "$ROOT/examples/sample.csv"
	"$TALLY" credit account contoso --plan vm0 --since 2026-08-01 -q
	"$TALLY" credit grant contoso 4000 --id welcome --effective 2026-08-01 -q
	run -0 --separate-stderr "$TALLY" credit balance contoso
	[[ $stderr == 'tally: first drew 590.447136 credits for 1,300 records that waited' ]]
	run -0 --separate-stderr "$TALLY" credit balance contoso
	[ -z "$stderr" ]
}

@test "a document of a folder that cannot be parsed is told where it counts tokens in an object, on one line or on several" {
	mkdir logs
	for document in '{"messages":[{"id":"a","id":"b","tokens":{"input":9}}]}' $'{"messages":[\n {"id":"a","id":"b",\n  "usage": {\n   "input": 9\n  }}]}'; do
		printf '%s\n' "$document" >logs/session.json
		run -3 "$TALLY" replay logs
		[[ $output == *'session.json: it counts tokens, but holds no known kind of usage record'* ]] || fail "$output"
		rm -rf t.db*
		run -3 "$TALLY" ingest logs --db t.db
	done
	# what counts none is beside the matter
	printf '{"a":1,"a":2,"usage":{"help":"x"},"tokens":{"input":0}}\n' >logs/session.json
	run -0 "$TALLY" replay logs
}
