# Tallystick. `make help` lists the targets.
#
# MODE=release (default), dev (quick to build), asan (address and undefined behaviour), tsan, coverage, fuzz. Objects go to build/$(MODE).

MODE ?= release
ifeq ($(origin CC),default)
CC := gcc
endif
VERSION := 0.1.0
PREFIX ?= /usr/local
B := build/$(MODE)

PACKAGES := libcjson smartcols zlib libzstd sqlite3
# loaded by the commands that need them (base/library.h)
LOADED := libmicrohttpd gnutls pangocairo xlsxwriter libpq gsl
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
	-Wno-missing-field-initializers -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wno-overlength-strings -Wno-format-nonliteral
ifdef WERROR
WARN += -Werror
endif
# each asked for by itself: where one package is broken, the others are found (xlsxwriter of Debian 13 wants a minizip that it does not bring)
FOUND := $(shell for p in $(PACKAGES) $(LOADED) cairo; do pkg-config --cflags $$p 2>/dev/null; done)
CPPFLAGS += -I. -D_GNU_SOURCE -DTALLY_VERSION='"$(VERSION)"' $(FOUND)
# where `tally price update` takes newer prices from unless it is told: the release page of the repository that this tree was cloned from
PRICES_URL ?= $(shell tools/release_page)
PRICES_URL := $(PRICES_URL)
ifneq ($(PRICES_URL),)
CPPFLAGS += -DTALLY_PRICES_URL='"$(PRICES_URL)"'
endif
LIBS := $(shell for p in $(PACKAGES); do pkg-config --libs $$p 2>/dev/null; done) -lcsv -lpthread -ldl -lm
STD := -std=gnu17 -fno-common

ifeq ($(MODE),release)
OPT := -O3 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
ifeq ($(findstring clang,$(CC)),)
# whole-program inlining; gcc then warns of paths that cannot be taken
OPT += -flto=auto -Wno-maybe-uninitialized
AR := gcc-ar
# structs of a hundred bytes are cleared by plain stores, where the compiler has the choice: rep stos takes longer to begin
PLAIN_STORES := -mmemset-strategy=unrolled_loop:256:noalign,libcall:-1:noalign
OPT += $(shell $(CC) $(PLAIN_STORES) -E -x c /dev/null >/dev/null 2>&1 && echo $(PLAIN_STORES))
endif
else ifeq ($(MODE),asan)
OPT := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# the places of all checks need no relocation then, which is a third of what a start takes
LDFLAGS += -no-pie
else ifeq ($(MODE),tsan)
OPT := -O1 -g1 -fsanitize=thread
else ifeq ($(MODE),dev)
OPT := -O1 -g -Wno-maybe-uninitialized
else ifeq ($(MODE),coverage)
OPT := -O0 -g --coverage -fprofile-update=atomic
else ifeq ($(MODE),fuzz)
OPT := -O1 -g1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
else
$(error there is no MODE '$(MODE)')
endif
# a text as one word of the shell
quoted = '$(subst ','\'',$1)'
CFLAGS ?=
override CFLAGS += $(STD) $(WARN) $(OPT)

ROOMS := base pricing meter meter/read meter/formats meter/store meter/ledger meter/billing meter/ingest sim reports server
LIB_SRC := $(foreach r,$(ROOMS),$(wildcard $(r)/*.c))
CLI_SRC := $(wildcard cli/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o) $(B)/gen/shipped.o $(B)/gen/cards.o $(B)/gen/exports.o $(B)/gen/labels.o $(B)/gen/migrations.o $(B)/gen/schema.o $(B)/gen/web.o $(B)/gen/libraries.o
MIGRATIONS := $(sort $(wildcard meter/sql/*.sql))
ifneq ($(wildcard meter/sql/postgres/*.sql),)
$(error a step is one file for both engines: put $(wildcard meter/sql/postgres/*.sql) behind "-- [postgres]" in its file of meter/sql (tools/schema))
endif
CLI_OBJ := $(CLI_SRC:%.c=$(B)/%.o) $(B)/gen/commands.o
CARDS := $(sort $(wildcard pricing/cards/*.json))
SHIPPED := $(sort $(wildcard pricing/plans/*.json)) $(sort $(wildcard pricing/offers/*.json))

UNIT_SRC := $(wildcard tests/unit/*.c)
SUPPORT_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/support/*.c))
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(B)/test/%)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)

.PHONY: simulate libs all help check check-unit check-cli check-page check-sql check-postgres check-asan check-clang check-portable check-tsan coverage bench fuzz lint analyze install clean format

all: $(B)/bin/tally $(B)/tally.1 ## build the program and its manual page

$(B)/bin/tally: $(CLI_OBJ) $(B)/libtally.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/libtally.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

# the commands without main, for programs that run them themselves (tests/fuzz)
$(B)/libcli.a: $(filter-out $(B)/cli/main.o,$(CLI_OBJ))
	@rm -f $@
	$(AR) rcs $@ $^

# what waits for people, and what reads a page that one of them wrote, is made small instead of fast
ifeq ($(MODE),release)
$(addprefix $(B)/,cli/%.o reports/%.o): ROOM := -Os
# but for what prints a row for each of thousands of groups
$(patsubst %,$(B)/reports/%.o,replay_report usage_report amount json_out): ROOM := -O3
$(addprefix $(B)/meter/,billing/terms.o billing/rule_file.o billing/payment.o ledger/accounts.o): ROOM := -Os
$(addprefix $(B)/pricing/,import%.o near_names.o book_pack.o price_spans.o): ROOM := -Os
$(patsubst %,$(B)/sim/%.o,scenario scenario_hosting route_names decision advice): ROOM := -Os
# pointers into the program itself as a bitmap (a tenth of the program), where the linker writes it and the loader reads it
RELR := -Wl,-z,pack-relative-relocs
RELR_WORKS := $(shell t=$$(mktemp) && printf 'static int x; int *volatile p = &x; int main(void) { return p != &x; }' | \
	$(CC) -x c -o $$t - $(RELR) 2>&1 && $$t && echo yes; rm -f $$t)
ifeq ($(RELR_WORKS),yes)
LDFLAGS += $(RELR)
endif
endif
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(ROOM) -MMD -MP -c -o $@ $<

# The commands: what the files of cli define as such.
$(B)/gen/commands.c: $(CLI_SRC) Makefile
	@mkdir -p $(@D)
	@names=$$(sed -n 's/^const struct command \(command_[a-z_]*\) = {$$/\1/p' $(CLI_SRC)); \
	{ echo '#include "cli/command.h"'; printf 'extern const struct command %s;\n' $$names; \
	echo 'const struct command *const command_files[] = {'; printf '&%s,\n' $$names; echo '0 };'; } > $@.tmp && mv $@.tmp $@

# The JSON files that are compiled in, as C strings.
$(B)/gen/shipped.c: $(SHIPPED) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "pricing/book.h"'; \
	for kind in plans offers; do \
		echo "const struct shipped_file shipped_$$kind[] = {"; \
		for f in pricing/$$kind/*.json; do \
			echo "{ \"$$f\","; sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' "$$f"; echo "},"; \
		done; \
		echo '{ 0, 0 } };'; \
	done; } > $@.tmp && mv $@.tmp $@

# JSON as C strings, without the blanks between its parts
packed_json := sed -e 's/^[[:blank:]]*//' -e 's/": /":/g' -e 's/", "/","/g' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&"/'

# The words that papers are printed in, a file a language.
LABELS := $(sort $(wildcard meter/billing/labels/*.json))
$(B)/gen/labels.c: $(LABELS) Makefile
	@mkdir -p $(@D)
	@{ echo 'extern const struct labels_file { const char *language, *text; } labels_files[];'; echo 'const struct labels_file labels_files[] = {'; \
	for f in $(LABELS); do l=$${f##*/}; \
		echo "{ \"$${l%.json}\","; $(packed_json) "$$f"; echo "},"; \
	done; echo '{ 0, 0 } };'; } > $@.tmp && mv $@.tmp $@

# The price cards, compressed, with the table of the names that they know, and the registry of exports and bills.
EMBED_OBJ := $(addprefix $(B)/base/,json.o decimal.o text.o err.o arena.o file.o)
$(B)/gen/embed_%: tools/embed_%.c $(EMBED_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $(filter %.c %.o,$^) $(LIBS)
$(B)/gen/cards.c: $(B)/gen/embed_cards $(CARDS)
	$< $(CARDS) > $@.tmp && mv $@.tmp $@
EXPORTS := $(sort $(wildcard meter/read/exports/*.json))
$(B)/gen/exports.c: $(B)/gen/embed_exports $(EXPORTS)
	$< $(EXPORTS) > $@.tmp && mv $@.tmp $@

# What the HTML reports and the page are made of (versions and licences in reports/web/vendor; tools/vendor_web fetches them again).
VENDOR := reports/web/vendor
PAGE_PARTS := $(addprefix $(VENDOR)/,preact.js preact-hooks.js htm.js)
# what is alike stands side by side: that packs best
PAGE_JS := reports/web/svg.js $(addprefix reports/web/page/,core.js data.js parts.js usage.js health.js customers.js cards.js prices.js budgets.js tokens.js terms.js billing.js bills.js planner.js records.js whatif.js settings.js frame.js)
REPORT_JS := reports/web/svg.js reports/web/report.js
PAGE := $(addprefix $(B)/gen/web/,page.html.gz page.css.gz page.js.gz)
WEB := reports/web/report.css $(B)/gen/web/report.js $(PAGE)
# one script, its parts in one scope, without what only people read and with short names
$(B)/gen/pack_script: tools/pack_script.c tools/short_names.c tools/short_names.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $(filter %.c,$^)
$(B)/gen/web/page.js: $(B)/gen/pack_script $(PAGE_PARTS) $(PAGE_JS) Makefile
	@mkdir -p $(@D)
	{ cat $(PAGE_PARTS); echo "(()=>{'use strict';"; $< $(PAGE_JS) && echo '})();'; } > $@.tmp && mv $@.tmp $@
$(B)/gen/web/report.js: $(B)/gen/pack_script $(REPORT_JS) Makefile
	@mkdir -p $(@D)
	$< $(REPORT_JS) > $@.tmp && mv $@.tmp $@
# the page's files as the server sends them
$(B)/gen/web/%.gz: $(B)/gen/web/%
	gzip -9nc $< > $@.tmp && mv $@.tmp $@
$(B)/gen/web/%.gz: reports/web/%
	@mkdir -p $(@D)
	gzip -9nc $< > $@.tmp && mv $@.tmp $@
$(B)/gen/web.c: $(WEB) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "reports/web.h"'; echo 'const struct web_asset web_assets[] = {'; \
	for f in $(WEB); do \
		echo "WEB_ASSET(\"$${f##*/}\","; od -An -v -to1 "$$f" | sed -e 's/ /\\/g' -e 's/^/"/' -e 's/$$/"/'; echo "),"; \
	done; echo '{ 0 } };'; } > $@.tmp && mv $@.tmp $@

# The steps of the database's schema, for both engines.
$(B)/gen/migrations.c: $(MIGRATIONS) tools/schema
	@mkdir -p $(@D)
	@tools/schema c $(MIGRATIONS) > $@.tmp && mv $@.tmp $@
# what they come to, for a new file of SQLite
$(B)/gen/embed_schema: $(B)/gen/migrations.o
$(B)/gen/schema.c: $(B)/gen/embed_schema
	$< > $@.tmp && mv $@.tmp $@

# The files of the libraries that are loaded when a command needs them: the soname where the linker's file tells it.
$(B)/gen/libraries.c: Makefile
	@mkdir -p $(@D)
	@{ echo '#include "base/library.h"'; \
	for package in $(LOADED); do \
		case $$package in pangocairo) file=libpangocairo-1.0 ;; lib*) file=$$package ;; *) file=lib$$package ;; esac; \
		at=$$($(CC) -print-file-name=$$file.so); \
		if [ -e "$$at" ]; then name=$$(readelf -d "$$at" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p'); else name=$$(pkg-config --variable=libdir $$package)/$$file.dylib; fi; \
		echo "const char library_$${package#lib}[] = \"$${name:-$$file.so}\";"; \
	done; } > $@.tmp && mv $@.tmp $@

$(B)/gen/%.o: $(B)/gen/%.c
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(B)/tally.1: $(B)/bin/tally
	$< help --manual > $@

# The tests share one pass of whole-program inlining over the library; it takes longer than all of them.
$(B)/libtally.o: $(LIB_OBJ)
	$(CC) $(CFLAGS) -r $(if $(filter -flto%,$(OPT)),-flinker-output=nolto-rel) -o $@ $^
$(B)/test/%: tests/unit/%.c $(SUPPORT_OBJ) $(B)/libtally.o
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fno-lto -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(SUPPORT_OBJ) $(B)/libtally.o $(LIBS) -lcmocka -lm

# The same without SIMD: what scans is made again, and the library's is left where it is.
SCANNING := $(patsubst %.c,$(B)/without_simd/%.o,$(shell grep -l '"base/scan.h"' $(LIB_SRC)))
$(B)/without_simd/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -DTALLY_PORTABLE -MMD -MP -c -o $@ $<
$(B)/without_simd/test_%: tests/unit/test_%.c $(SUPPORT_OBJ) $(SCANNING) $(B)/libtally.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -DTALLY_PORTABLE -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(SUPPORT_OBJ) $(SCANNING) $(B)/libtally.a $(LIBS) -lcmocka -lm

# The fuzz targets, with clang and MODE=fuzz; two of them carry a server.
FUZZ_SERVER := tests/fuzz/support/server.c
$(B)/fuzz_serve: $(FUZZ_SERVER) tests/fuzz/support/http_in_process.c
$(B)/fuzz_socket: $(FUZZ_SERVER)
$(B)/fuzz_%: tests/fuzz/fuzz_%.c $(B)/libcli.a $(B)/libtally.a
	$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-missing-prototypes -fsanitize=fuzzer $(LDFLAGS) -o $@ $(filter %.c,$^) $(B)/libcli.a $(B)/libtally.a $(LIBS)

SIMULATE_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/simulate/*.c))
# -rdynamic: libpq is to send through the program's own send() (tests/simulate/wire)
$(B)/test/simulate: $(SIMULATE_OBJ) $(SUPPORT_OBJ) $(B)/libtally.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -rdynamic -o $@ $^ $(LIBS)

SECONDS ?= 60
SEED ?= 1
simulate: $(B)/test/simulate ## SECONDS of random operations and faults from SEED on, against a model
	$< $(SECONDS) $(SEED)

help: ## list the targets
	@sed -n 's/^\([a-z_.-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 18

check: ## the whole test suite, with the number of passed and failed tests at the end
	tests/run all

check-unit: $(UNIT_BIN) ## unit tests only
	tests/run unit

check-cli: all ## command-line tests only
	tests/run cli

check-page: ## the page in a headless browser
	tests/run page

check-sql: ## the SQL of `tally price sql` in SQLite, DuckDB, PostgreSQL and ClickHouse
	tests/run sql

check-postgres: ## what is metered, on a PostgreSQL server that the tests start
	tests/run postgres

check-asan: ## the suite under address and undefined-behaviour sanitizers
	MODE=asan tests/run unit cli

check-tsan: ## the replay under the thread sanitizer
	MODE=tsan tests/run threads

check-clang: ## build and test with clang
	CC=clang MODE=release B=build/clang tests/run clang

check-portable: ## the tests of what scans, on the path without SIMD
	tests/run portable

coverage: ## run the unit and command-line tests and tell which lines ran
	find build/coverage -name '*.gcda' -delete 2>/dev/null || true
	-MODE=coverage tests/run unit cli
	tools/coverage build/coverage

compile_commands.json: Makefile ## how each file is compiled, for editors and analysers
	@{ echo '['; comma=; for f in $(LIB_SRC) $(CLI_SRC) $(UNIT_SRC) $(FUZZ_SRC); do \
		printf '%s{"directory":"%s","file":"%s","command":"%s"}\n' "$$comma" "$(CURDIR)" "$$f" \
			"$$(printf '%s' $(call quoted,$(CC) $(CPPFLAGS) $(CFLAGS) -c) | sed 's/["\\]/\\&/g') $$f"; \
		comma=,; \
	done; echo ']'; } > $@.tmp && mv $@.tmp $@

bench: all ## ratios against named rivals, measured in one run
	mkdir -p build/bench
	for part in run run_prices run_meter run_credit run_whatif run_sql run_postgres run_citus; do \
		bench/$$part || echo "bench/$$part failed"; done | tee build/bench/log
	-bench/goals build/bench/log

fuzz: ## FUZZ_SECONDS (default 60) of libFuzzer on each target
	tests/fuzz/run

lint: ## layers, formatting, no floating point near money
	tests/lint

analyze: ## cppcheck and clang-tidy
	tests/analyze

format: ## clang-format every source file
	clang-format -i $(LIB_SRC) $(CLI_SRC) $(wildcard base/*.h pricing/*.h meter/*.h meter/*/*.h sim/*.h reports/*.h server/*.h cli/*.h tests/unit/*.[ch] tests/support/*.[ch] tests/fuzz/*.c bench/*.c)

libs: ## what programs that use libtally.a link with (tests/fuzz, bench)
	@echo $(LIBS)

install: all ## install to $(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 755 $(B)/bin/tally $(DESTDIR)$(PREFIX)/bin/tally
	install -m 644 $(B)/tally.1 $(DESTDIR)$(PREFIX)/share/man/man1/tally.1
	$(B)/bin/tally help --completion > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/tally

clean: ## remove everything that was built
	rm -rf build

-include $(wildcard $(B)/gen/*.d) $(LIB_SRC:%.c=$(B)/%.d) $(CLI_SRC:%.c=$(B)/%.d) $(UNIT_BIN:%=%.d) $(SUPPORT_OBJ:%.o=%.d) $(SIMULATE_OBJ:%.o=%.d) $(wildcard $(B)/without_simd/*.d $(B)/without_simd/*/*.d $(B)/without_simd/*/*/*.d)
