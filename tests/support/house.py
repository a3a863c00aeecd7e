#!/usr/bin/env python3
# house.py: what tests/lint cannot tell file by file. Prints each offence; exit status 1 when there is one.
#   circles  files that call each other, directly or round about
#   climbs   a room of the meter that calls a later one
#   dead     public functions that no other file calls
#   names    files, commands and options that documents, help and comments name, and that do not exist
#   options  messages below the command line that name an option: they name the thing, by ASKED (base/err.h)
#   shapes   lists of shapes that name one which no reader writes
#   sizes    functions over 70 lines or over six parameters
# With a name only that one. Functions are found in the text: a definition begins in the first column.
import glob
import json
import os
import re
import sys

FLOORS = ["base", "pricing", "meter", "sim", "reports", "server", "cli"]
ROOMS = [("meter/read", "meter/formats"), ("meter/store",), ("meter/ledger",), ("meter/ingest", "meter/billing"), ("meter",)]
LINES_MOST, PARAMETERS_MOST = 70, 6
DICTATED = {"server/http.c:handle"}  # their parameters are those that a library calls them with
os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
files = sorted(f for d in FLOORS for f in glob.glob(f"{d}/**/*.[ch]", recursive=True))
bad = 0


def complain(text):
    global bad
    print(text)
    bad = 1


def bare(text):
    """Without comments, strings and character constants, lines kept."""
    keep = lambda m: re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', keep, text, flags=re.S)


class Function:
    def __init__(self, file, name, line, lines, parameters, static):
        self.file, self.name, self.line, self.lines, self.parameters, self.static = file, name, line, lines, parameters, static


def functions(file, text):
    lines = text.split("\n")
    for i, l in enumerate(lines):
        if l != "{" or i == 0:
            continue
        start = i - 1
        while start > 0 and lines[start][:1] in ("\t", " "):
            start -= 1
        while start > 0 and re.match(r"\w[^;{}]*$", lines[start - 1]) and not lines[start - 1].startswith("#"):
            start -= 1
        head = " ".join(x.strip() for x in lines[start:i])
        m = re.match(r"(?!enum|typedef)(?:__attribute__\(\(.*?\)\)|[\w \*])*?\b(\w+)\(((?:.(?!__attribute__))*)\)$", head)
        if not m or "=" in head.split("(")[0] or m.group(1) == "__attribute__":
            continue
        end = i
        while end < len(lines) and lines[end] != "}":
            end += 1
        depth, count = 0, 0 if m.group(2).strip() in ("", "void") else 1
        for c in m.group(2):
            depth += c in "([{"
            depth -= c in ")]}"
            count += c == "," and depth == 0
        yield Function(file, m.group(1), start + 1, end - i - 1, count, re.search(r"\b(static|ALWAYS_INLINE)\b", head) is not None)


text = {f: bare(open(f).read()) for f in files}
found = [x for f in files if f.endswith(".c") for x in functions(f, text[f])]
public = {x.name: x for x in found if not x.static and x.name != "main"}
words = {f: set(re.findall(r"\w+", text[f])) for f in files}


def module(f):
    return f.rsplit(".", 1)[0]


uses = {}  # module to the modules that it calls
for f in files:
    if f.endswith(".c"):
        uses[module(f)] = {module(public[w].file) for w in words[f] if w in public and public[w].file != f}


def circles():
    index, low, stack, on, count = {}, {}, [], set(), [0]

    def visit(v):
        index[v] = low[v] = count[0]
        count[0] += 1
        stack.append(v)
        on.add(v)
        for w in sorted(uses.get(v, ())):
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in on:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            part = []
            while True:
                w = stack.pop()
                on.discard(w)
                part.append(w)
                if w == v:
                    break
            if len(part) > 1:
                complain("circle: " + ", ".join(sorted(part)))
                for a in sorted(part):
                    for b in sorted(uses[a] & set(part)):
                        names = sorted(w for w in words[a + ".c"] if w in public and module(public[w].file) == b)
                        print(f"\t{a} calls {', '.join(names)} of {b}")

    sys.setrecursionlimit(5000)
    for v in sorted(uses):
        if v not in index:
            visit(v)


def climbs():
    rank = {room: i for i, rooms in enumerate(ROOMS) for room in rooms}
    for f in files:
        own = rank.get(os.path.dirname(f))
        if own is None:
            continue
        for inc in re.findall(r'^#include "(meter/[^"]*)"', open(f).read(), re.M):
            if rank.get(os.path.dirname(inc), 0) > own:
                complain(f"{f}: includes {inc} of a later room")


# What tests alone call, and why it stays: each way of scanning is compared with the others, of which the program takes one; cases of
# peak hours name the calendar of a card, which the program has from the tariff.
FOR_TESTS = {"scan_kinds", "card_calendar"}


def dead():
    called, tested = {}, set()
    for f in files:
        if f.endswith(".c"):
            for w in words[f]:
                if w in public and public[w].file != f:
                    called[w] = True
    for f in glob.glob("tests/**/*.[ch]", recursive=True):
        tested |= set(re.findall(r"\w+", bare(open(f).read())))
    for f in glob.glob("bench/*.c") + glob.glob("tools/*.c") + glob.glob("**/*.def", recursive=True):
        for w in re.findall(r"\w+", bare(open(f).read())):
            called[w] = True
    for f in files:
        if f.endswith(".h"):  # inline functions and macros
            for w in re.findall(r"\w+", re.sub(r"^[\w\*][^;{]*\([^;{]*\);", "", text[f], flags=re.M | re.S)):
                called[w] = True
    for name, x in sorted(public.items(), key=lambda i: (i[1].file, i[1].line)):
        own = len(re.findall(rf"\b{name}\b", text[x.file])) > 1
        if name not in called and not (name in tested and (own or name in FOR_TESTS)):
            complain(f"{x.file}:{x.line}: {name} is public and called by {'tests alone' if name in tested else 'no other file'}")


def names():
    known = {"help"} | {m for f in glob.glob("cli/*.c") for m in re.findall(r'\.name = "([\w-]+)', open(f).read())}
    source = "".join(open(f).read() for f in glob.glob("cli/*.[ch]") + glob.glob("tests/simulate/*.c"))
    options = set(re.findall(r'"(?:--)?([a-z][a-z0-9-]+)"', source))
    # of other programs, where a document or a help text shows how they are called
    foreign = {"group", "schema", "import", "data-binary", "request", "dangerously-skip-permissions", "csvschema"}
    paths = {f for d, _, fs in os.walk(".") if not d.startswith(("./.git", "./build")) for f in (os.path.normpath(os.path.join(d, x)) for x in fs)}
    bases = {os.path.basename(p) for p in paths}
    folders = {os.path.dirname(p) for p in paths} | {os.path.dirname(os.path.dirname(p)) for p in paths}
    documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] + glob.glob("docs/**/*.md", recursive=True)
    for doc in documents:
        for n, line in enumerate(open(doc).read().split("\n"), 1):
            for path in [] if doc == "docs/STYLE.md" else re.findall(r"`((?:base|pricing|meter|sim|reports|server|cli|tests|tools|bench|docs)/[\w./*\[\]-]*)", line):
                bare_path = re.split(r"[\[*]", path)[0].rstrip("/.")
                if not any(p == bare_path or p.startswith((bare_path + ".", bare_path + "/")) or ("*" in path or "[" in path) and p.startswith(bare_path) for p in paths) and not re.search(r"NAME|AREA", path):
                    complain(f"{doc}:{n}: {path} does not exist")
            for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", line):
                if not os.path.exists(os.path.join(os.path.dirname(doc), link)):
                    complain(f"{doc}:{n}: {link} does not exist")
            for command in re.findall(r"`tally ([a-z][\w-]*)", line):
                if command not in known:
                    complain(f"{doc}:{n}: there is no command tally {command}")
            for option in re.findall(r"`(?:tally [^`]*?)?--([a-z][a-z0-9-]+)[^`]*`", line):
                if option not in options and option not in foreign:
                    complain(f"{doc}:{n}: there is no option --{option}")
    for f in files:
        for n, line in enumerate(open(f).read().split("\n"), 1):
            for option in re.findall(r'[ "`(]--([a-z][a-z0-9-]+)', line) if f.startswith("cli/") and '"' in line else []:
                if option not in options and option not in foreign:
                    complain(f"{f}:{n}: there is no option --{option}")
            for name in re.findall(r"\b(\w+\.[ch])\b", line) if re.match(r"\s*(/?\*|//)", line) else []:
                if name not in bases:
                    complain(f"{f}:{n}: {name} does not exist")


def too_wide(x):
    return x.parameters > PARAMETERS_MOST and f"{x.file}:{x.name}" not in DICTATED


# Arguments of other programs, and styles of pages.
KEPT_REASONS = {"pricing/book_absence.c", "pricing/book_find.c", "pricing/book_regions.c", "pricing/book_sellers.c", "pricing/book_variants.c", "pricing/rate.c", "pricing/card.c"}
NO_MESSAGES = {"meter/billing/hook.c"}
LITERAL = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', re.S)


def options():
    for f in files:
        if f.startswith("cli/") or f in NO_MESSAGES:
            continue
        text, end, quoted = open(f).read(), 0, False
        # a record keeps why it has no price: the same whoever stores it
        if f in KEPT_REASONS and "ASKED(" in text:
            complain(f"{f}: a reason that is kept with records depends on who asks (ASKED)")
        for m in LITERAL.finditer(text):
            if m.group(0)[0] != '"':
                continue
            # what stands between backticks is a command to type; literals that follow each other are one
            if re.search(r"[^\s\\\w]", text[end:m.start()]):
                quoted = False
            end = m.end()
            parts = m.group(0)[1:-1].split("`")
            outside = [p for i, p in enumerate(parts) if (i % 2 == 1) == quoted]
            quoted ^= len(parts) % 2 == 0
            call = text[max(text.rfind(c, 0, m.start()) for c in (";", "{\n", "}\n")):m.start()]
            # reports print for people at a terminal; what they refuse is told to anybody
            if f.startswith("reports/") and not re.search(r"\b(err_set|err_context|count_parse)\(", call):
                continue
            for option in re.findall(r"--([a-z%][a-z-]*)", " ".join(outside)):
                line = text.count("\n", 0, m.start()) + 1
                complain(f"{f}:{line}: a message names the option --{option}: ASKED(\"{option}\")")


# Calls whose argument becomes the shape of a record. Elsewhere within parentheses a shape is only compared.
SHAPED = {"payload_begin", "read_answer", "hold"}
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"((?:[^"\\\n]|\\.)*)"|\'(?:[^\'\\\n]|\\.)*\'|(\w+)\s*\(|[({})]', re.S)


# What readers may write: names of exports, literals that are handed to those calls, and literals of tables, assignments and definitions.
def written_shapes():
    shapes = {json.load(open(f))["name"] for f in glob.glob("meter/read/exports/*.json")}
    for f in glob.glob("meter/formats/*.[ch]"):
        if f == "meter/formats/sighting.c":  # its tables ask for shapes
            continue
        around = []
        for m in TOKEN.finditer(open(f).read()):
            if m[0][0] == '"':
                if not around or around[-1] == "{" or around[-1] in SHAPED:
                    shapes.add(m[1])
            elif m[0] == "{":
                around.append("{")
            elif m[0][-1] == "(":
                around.append(m[2] or "(")
            elif m[0] in ")}" and around:
                around.pop()
    return shapes


def shapes():
    written = written_shapes()
    for f, row in ("meter/formats/lifetimes.def", "ONE_LIFETIME"), ("meter/formats/gaps.def", "GAP"):
        text, seen = open(f).read(), set()
        rows = list(re.finditer(rf'^{row}\("([^"]*)"(?:, "([^"]*)")?', text, re.M))
        if not rows:
            complain(f"{f}: no row {row}")
        for m in rows:
            line = text.count("\n", 0, m.start()) + 1
            # the second name of a gap is a shape, too, that of the source which has every call
            for shape in m.groups()[: 2 if row == "GAP" else 1]:
                if shape and shape not in written:
                    complain(f"{f}:{line}: no reader writes the shape {shape}")
            if m[1] in seen:
                complain(f"{f}:{line}: {m[1]} is listed twice")
            seen.add(m[1])


def sizes():
    for x in found:
        if x.lines > LINES_MOST:
            complain(f"{x.file}:{x.line}: {x.name} has {x.lines} lines, {LINES_MOST} at most")
        if too_wide(x):
            complain(f"{x.file}:{x.line}: {x.name} takes {x.parameters} parameters, {PARAMETERS_MOST} at most")



# A sentence that is printed as it is runs over the edge of a terminal and is cut there within a word: print_note wraps it.
def prose():
    call = re.compile(r'(?<![a-z_])printf\(((?:\s*"(?:[^"\\]|\\.)*")+)')
    for file in sorted(glob.glob("cli/*.c") + glob.glob("reports/*.c")):
        code = open(file).read()
        for m in call.finditer(code):
            text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', m[1]))
            text = text[2:] if text.startswith("\\n") else text
            said = re.sub(r"%[-+0-9.*]*(?:ll?|z)?[a-zA-Z]", "", text)
            if text.endswith("\\n") and "\\n" not in text[:-2] and not re.match(" |.*<|.*,%", text) and len(said) >= 45 and said.count(" ") >= 6:
                complain(f"{file}:{code.count(chr(10), 0, m.start()) + 1}: a sentence on paper of no width (print_note)")


for what in sys.argv[1:] or ["circles", "climbs", "dead", "names", "options", "prose", "shapes", "sizes"]:
    {"options": options, "prose": prose, "circles": circles, "climbs": climbs, "dead": dead, "names": names, "shapes": shapes, "sizes": sizes}[what]()
sys.exit(bad)
