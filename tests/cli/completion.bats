#!/usr/bin/env bats
# Completion of commands, options and values; "did you mean"; the manual.
# with sanitizers, too
bats_require_minimum_version 1.5.0
load common
c() { run --separate-stderr "$TALLY" help --candidates "$@"; }
is() { [ "$output" = "$1" ] || fail "not: $1"; }

@test "commands, families, options and values" {
	c repl; is replay
	c quarantine d; is drop
	c help credit bal; is balance
	c cost --mod; is --model
	c cost --model deepseek-v4-fl; expect 0 deepseek-v4-flash
	c migrate --to deepseek-v4-p; expect 0 deepseek-v4-pro
	c replay t.csv --plan vm0; expect 0 vm0 vm0-tokens
	c migrate --format h; is html
	c usage --period last-m; is last-month
	c ingest some; is ''
}
@test "customers and projects of the database" {
	printf 'id,time,model,customer,project,input\na,2026-11-01T10:00:00Z,deepseek-v4-flash,acme,web,10\nb,2026-11-01T10:00:00Z,deepseek-v4-flash,Müller,api,10\n' >t.csv
	export TALLY_DB=$DIR/m.db
	"$TALLY" ingest t.csv -q >/dev/null
	c usage --customer a; is acme
	c usage --customer M; is Müller
	c usage --project ''; is $'api\nweb'
}
@test "a script for each shell" {
	for s in bash zsh fish; do
		run "$TALLY" help --completion $s; expect 0 'help --candidates'
		! command -v $s >/dev/null || printf '%s\n' "$output" | $s -n || fail "$s cannot read it"
	done
	run "$TALLY" help --completion csh; expect 2 'bash, zsh, fish'
	mkdir bin; ln -s "$TALLY" bin/tally
	"$TALLY" help --completion >script
	[ "$(PATH=$DIR/bin:$PATH bash -c '. ./script; COMP_WORDS=(tally cost --mod); COMP_CWORD=2; _tally; echo "${COMPREPLY[*]}"')" = --model ] || fail "bash"
}
@test "did you mean, for options, models and customers" {
	run "$TALLY" cost --modle x; expect 2 "did you mean '--model'?"
	run "$TALLY" cost --zzz x; expect 2 'see `tally cost --help`'
	run "$TALLY" cost --model deepseek-v4-flsh --input 1; expect 1 "did you mean 'deepseek-v4-flash'?"
	printf 'id,time,model,customer,input\na,2026-11-01T10:00:00Z,deepseek-v4-flash,acme,10\n' >t.csv
	"$TALLY" ingest t.csv --db m.db -q >/dev/null
	run "$TALLY" usage --db m.db --customer acmee; expect 0 "did you mean 'acme'?"
	run "$TALLY" usage --db m.db --customer acme; [[ $output != *mean* ]] || fail "asked without need"
}
@test "the manual has ENVIRONMENT and FILES" {
	run "$TALLY" help --manual; expect 0 '.SH ENVIRONMENT' TALLY_DB TALLY_CONFIG TALLY_PRICES XDG_STATE_HOME NO_COLOR '.SH FILES' '~/.config/tally/config.json'
}
@test "models are offered wherever an option takes one, each once; dates are no models" {
	for words in 'forecast --move' 'migrate --to' 'advise hits --from' 'cost -m' 'plan --escalate'; do
		run "$TALLY" help --candidates $words deepseek-v4-fl
		[ "${lines[0]}" = deepseek-v4-flash ] || fail "$words"
		[ "$(sort <<<"$output" | uniq -d)" = "" ] || fail "twice: $words"
	done
	run "$TALLY" help --candidates credit subscribe --from deepseek; [ -z "$output" ]
	run "$TALLY" help --candidates daily --order d; [ "$output" = desc ]
}
@test "help shows a letter once: beside the option that it means" {
	for c in $("$TALLY" help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
		twice=$("$TALLY" "$c" --help 2>/dev/null | sed -n 's/^  \(-[a-z]\), --.*/\1/p' | sort | uniq -d)
		[ -z "$twice" ] || fail "$c: $twice"
	done
	run "$TALLY" whatif --help; expect 0 '  -s, --scenario' '  --since WHEN'
}
