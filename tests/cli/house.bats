#!/usr/bin/env bats
# The tools that look after the house find what they are for.
load common
setup() { common_setup; export MODE=${MODE-release}; }

# A small program of two rooms; house.py of it.
house() { cp -r "$ROOT/tests/support/house.py" tests/support/; python3 tests/support/house.py "$@"; }
@test "circles, climbs, dead functions, wide and long ones, and names that do not exist are found" {
	mkdir -p tests/support cli meter/store meter/ledger docs
	printf 'const struct command command_replay = {\n\t.name = "replay",\n};\n' >cli/cmd_replay.c
	printf '#include "meter/ledger/b.h"\nint a(int x)\n{\n\treturn b(x);\n}\n\n/* see gone.c */\nint nobody(int x, int y, int z, int u, int v, int w, int t)\n{\n\treturn x;\n}\n' >meter/store/a.c
	printf 'int a(int x);\nint nobody(int x);\n' >meter/store/a.h
	{ printf '#include "meter/store/a.h"\nint b(int x)\n{\n'; yes '	x++;' | head -n 71; printf '\treturn a(x);\n}\n'; } >meter/ledger/b.c
	printf 'int b(int x);\n' >meter/ledger/b.h
	printf 'Say `tally replays --gone` and read `meter/lager/x.c`.\n' >README.md
	touch ARCHITECTURE.md CONTRIBUTING.md
	run house circles climbs dead names sizes; expect 1 'circle: meter/ledger/b, meter/store/a' 'meter/store/a.c: includes meter/ledger/b.h of a later room' \
		'meter/store/a.c:8: nobody is public and called by no other file' 'meter/store/a.c:8: nobody takes 7 parameters' \
		'meter/ledger/b.c:2: b has 72 lines' 'README.md:1: there is no command tally replays' 'README.md:1: there is no option --gone' \
		'README.md:1: meter/lager/x.c does not exist' 'meter/store/a.c:7: gone.c does not exist'
	mkdir base reports; printf 'int c(void)\n{\n\treturn err_set(e, 1, "see --gone; type "\n\t\t"`tally x "\n\t\t"--here`, or --%%s", "--there");\n}\n' >base/c.c
	printf 'void d(void)\n{\n\tprintf("(--limit)");\n\terr_set(e, 1, "--limit: no");\n}\n' >reports/d.c
	run house options; expect 1 'base/c.c:3: a message names the option --gone' 'base/c.c:5: a message names the option --%s' 'base/c.c:5: a message names the option --there' 'reports/d.c:4'
	[ "${#lines[@]}" = 4 ] || fail "what is typed is no message"
	run house circles; expect 1
	case $output in *nobody*) fail 'more than was asked for' ;; esac
}
@test "a list of shapes that names one which no reader writes, or one twice, is found" {
	mkdir -p tests/support meter/formats meter/read/exports
	printf '{"name": "of.export"}' >meter/read/exports/a.json
	printf 'static const struct row rows[] = { { "of.table", 1 } };\nvoid f(void)\n{\n\tpayload_begin(&m, "of.call", line); /* "of.comment" */\n\tif (text_is(m.shape, "of.question"))\n\t\tpayload_pass_over(r, "of.others", v, line);\n}\n' >meter/formats/a.c
	printf 'GAP("of.call", NULL, "A", "b", "c", false)\n' >meter/formats/gaps.def
	printf 'ONE_LIFETIME("of.%s")\n' export table call >meter/formats/lifetimes.def
	run house shapes; expect 0
	printf 'ONE_LIFETIME("of.%s")\n' call comment question others >>meter/formats/lifetimes.def
	printf 'GAP("of.table", "of.nobody", "A", "b", "c", false)\n' >>meter/formats/gaps.def
	run house shapes; expect 1 'lifetimes.def:4: of.call is listed twice' 'lifetimes.def:5: no reader writes the shape of.comment' 'lifetimes.def:6: no reader writes the shape of.question' \
		'lifetimes.def:7: no reader writes the shape of.others' 'gaps.def:2: no reader writes the shape of.nobody'
	[ "${#lines[@]}" = 5 ] || fail "$output"
}
@test "no help text is broken or aligned by hand, or wider than a terminal" {
	sed -n 's/^	\.name = "\([a-z -]*\)",$/\1/p' "$ROOT"/cli/cmd_*.c >names.txt
	[ "$(wc -l <names.txt)" -gt 80 ]
	while read -r c; do
		# shellcheck disable=SC2086 # a command of two words
		"$TALLY" $c --help >help.txt </dev/null
		! grep -nE '^ {32,}[^ ]' help.txt || fail "help of $c"
		sed -n '/^Usage/,$p' help.txt | awk 'length > 78 { print; bad = 1 } END { exit bad }' || fail "help of $c"
	done <names.txt
}
@test "a name that no test has fails, and is no success without tests" {
	cd "$ROOT"
	run env MODE="$MODE" tests/run cli:house 'no test has this name'; expect 1 'no test has' '1 failed'
	run env MODE="$MODE" tests/run cli:none; expect 1 'there is no tests/cli/none.bats'
}
