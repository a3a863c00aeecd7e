#!/usr/bin/env python3
"""odd_screens.py TALLY: names and amounts of every odd kind through the commands that show them, on
terminals of 60, 80, 120 and 200 columns. No line may be wider than the terminal (but for a single word that is), hold a control
character or bytes that are no UTF-8, and no command may die of a signal."""
import fcntl, json, os, pty, struct, subprocess, sys, tempfile, termios, unicodedata

tally = os.path.abspath(sys.argv[1])
NAMES = ["", "a", "x" * 300, "two words", "東京株式会社の顧客向けポータル" * 3, "Ünï\u0301ço\u0308dé\u0323", "e" + "\u0301" * 40,
         "שלום עולם לקוח", "evil\u202eemoc", "\u200b\u200d\ufeffzero", "👩‍👩‍👧‍👦" * 8, "\x1b[31mred\x1b[0m\x07", "tab\there", "a\nb", "%s%n%d", "--db",
         "/very/long/path/" + "d" * 60 + "/" + "last-part-of-it", "C:\\Users\\me\\app", "$(rm -rf)", "\"quoted\",csv", "2026-08-30", "-5", "1,234", "🇩🇪" * 20, "ﷺ" * 10, "\u3000wide space", "‮"]
AMOUNTS = [0, 1, 7, 999, 1000, 999499, 999500, 10**6, 123456789, 10**9, 10**12, 10**15]


def calls(path):
    with open(path, "w") as f:
        for i, name in enumerate(NAMES):
            f.write(json.dumps({"id": f"id{i}{name[:40]}" if "\n" not in name else f"id{i}", "time": f"2026-08-{1 + i % 28:02}T10:00:00Z",
                                "model": ["deepseek-v4-flash", "deepseek-v4-pro", name or "m", "claude-sonnet-4-6"][i % 4], "customer": name,
                                "project": NAMES[-1 - i], "session": name, "workload": name, "input": AMOUNTS[i % len(AMOUNTS)],
                                "cache_read": AMOUNTS[(i * 5) % len(AMOUNTS)], "output": AMOUNTS[(i * 7) % len(AMOUNTS)]}) + "\n")


COMMANDS = ["", "daily", "daily -b", "weekly", "monthly -i", "session", "session --order cost", "blocks", "usage --by customer", "usage --by customer,project,model",
            "usage --by session --exact", "records", "explain id2" + "x" * 40, "status", "quarantine list", "credit accounts", "invoice list", "budget status", "limit list",
            "forecast", "migrate --to deepseek-v4-flash --plan vm0 -q", "replay odd.jsonl --by customer --plan vm0 -q", "replay odd.jsonl --by workload,project -q", "sources", "config",
            "whatif odd.jsonl -s a=deepseek-v4-flash -s mix=share:50%:deepseek-v4-pro:deepseek-v4-flash --plan vm0 -q", "price list 4", "quota", "help", "help usage",
            "plan -m deepseek-v4-flash --per-day 1000000000 --input 100000 --output 100000 --days 3", "plan -m no-such --per-day 1 --input 1 --output 1 --days 3",
            "explain id0", "explain id3", "credit plan", "credit offers", "price show deepseek-v4-flash", "help today", "price history claude-sonnet-4-6",
            "usage -z Europe/Berln --since yesturday", "session --id no-such-session-here",
            "cost -m deepseek-v4-flash --input 1", "cost -m deepseek-v4-flash --input 1000000000000000"]


def width(line):
    return sum(0 if unicodedata.combining(c) or unicodedata.category(c) in ("Mn", "Me", "Cf") else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def screen(args, columns, env):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    mode = termios.tcgetattr(slave)
    mode[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, mode)
    p = subprocess.Popen([tally] + args, stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE, env=env)
    os.close(slave)
    out = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        out += part
    os.close(master)
    err = p.stderr.read()
    return p.wait(), out, err


bad = 0
with tempfile.TemporaryDirectory() as d:
    os.chdir(d)
    env = {**os.environ, "HOME": d, "TALLY_DB": "odd.db", "TALLY_CONFIG": "", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    calls("odd.jsonl")
    for args in (["ingest", "-q", "odd.jsonl"], ["credit", "account", NAMES[4], "--plan", "vm0", "--since", "2026-08-01", "-q"], ["credit", "draw", "-q"],
                 ["budget", "set", NAMES[2], "--amount", "0.000001", "--customer", NAMES[4]], ["limit", "set", NAMES[16], "--amount", "123456789.123456"]):
        subprocess.run([tally] + args, env=env, capture_output=True)
    shown = 0
    for command in COMMANDS:
        for columns in (60, 80, 120, 200):
            status, out, err = screen(command.split(), columns, env)
            shown += 1
            where = f"tally {command} at {columns} columns"
            try:
                text = out.decode()
            except UnicodeDecodeError as e:
                bad += 1
                print(f"{where}: {e}")
                continue
            if status < 0 or status not in (0, 1, 2, 3, 4, 5):
                bad += 1
                print(f"{where}: status {status} {err[:200]}")
            for line in text.split("\n"):
                wide = [c for c in line if unicodedata.category(c) == "Cc"]
                if wide or (width(line) > columns and max(map(width, line.split())) <= columns - 25 and not line.startswith("  tally ")):
                    bad += 1
                    print(f"{where}: {width(line)} columns: {line[:230]!r}")
                    break
    print(f"{shown} screens")
sys.exit(1 if bad else 0)
