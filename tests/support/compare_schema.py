#!/usr/bin/env python3
# compare_schema.py FILE HOST DATABASE: what the tables of an SQLite file and of a PostgreSQL database (schema tally) do not have in common, a line
# each: columns with their types, NOT NULL and defaults; primary keys, unique keys, foreign keys; checks by the columns and literals that they name.
import json
import re
import sqlite3
import subprocess
import sys

file, host, database = sys.argv[1:]
lite = sqlite3.connect(file)


def server(sql):
    q = f"SELECT coalesce(json_agg(x),'[]') FROM ({sql}) x"
    return json.loads(subprocess.run(["psql", "-h", host, "-U", "tally", "-d", database, "-AtXc", q], check=True, capture_output=True, text=True).stdout)


def words(check, columns):
    literals = re.findall(r"'[^']*'", check)
    rest = re.sub(r"'[^']*'", " ", check)
    return " ".join(sorted(set(literals + [w for w in re.findall(r"\w+", rest) if w in columns or w.isdigit()])))


def checks_of(sql):
    sql = re.sub(r"--[^\n]*", "", sql)
    for m in re.finditer(r"CHECK\s*\(", sql):
        depth, i = 1, m.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[i], 0)
            i += 1
        yield sql[m.end() : i - 1]


def of_file():
    facts = set()
    types = {"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea", "ANY": "text"}
    for table, sql in lite.execute("SELECT name,sql FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'").fetchall():
        columns = lite.execute("SELECT name,type,\"notnull\",dflt_value,pk FROM pragma_table_info(?)", (table,)).fetchall()
        key = sorted((pk, name) for name, _, _, _, pk in columns if pk)
        for name, kind, notnull, default, pk in columns:
            facts.add(f"column {table}.{name} {types[kind]}{' not null' if notnull or pk else ''}{' default ' + default if default else ''}")
        if key:
            facts.add(f"primary key {table} ({', '.join(name for _, name in key)})")
        for name, unique, origin, partial in lite.execute("SELECT name,\"unique\",origin,partial FROM pragma_index_list(?)", (table,)).fetchall():
            if unique and origin != "pk":
                of = ", ".join(r[0] for r in lite.execute("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (name,)))
                facts.add(f"unique {table} ({of}){' of some' if partial else ''}")
        for to, column, on_delete in lite.execute("SELECT \"table\",\"from\",on_delete FROM pragma_foreign_key_list(?)", (table,)).fetchall():
            facts.add(f"reference {table}.{column} to {to}{' cascade' if on_delete == 'CASCADE' else ''}")
        for check in checks_of(sql):
            facts.add(f"check {table}: {words(check, [c[0] for c in columns])}")
    return facts


def of_server():
    facts = set()
    columns = {}
    for r in server(
        "SELECT table_name t,column_name c,data_type d,is_nullable n,column_default v FROM information_schema.columns "
        "JOIN information_schema.tables USING(table_schema,table_name) WHERE table_schema='tally' AND table_type='BASE TABLE'"
    ):
        columns.setdefault(r["t"], []).append(r["c"])
        default = re.sub("::.*", "", r["v"]) if r["v"] else ""
        facts.add(f"column {r['t']}.{r['c']} {r['d']}{' not null' if r['n'] == 'NO' else ''}{' default ' + default if default else ''}")
    for r in server(
        "SELECT c.relname t,k.contype y,pg_get_constraintdef(k.oid) d,f.relname f FROM pg_constraint k JOIN pg_class c ON c.oid=k.conrelid "
        "JOIN pg_namespace n ON n.oid=c.relnamespace LEFT JOIN pg_class f ON f.oid=k.confrelid WHERE n.nspname='tally'"
    ):
        t, inside = r["t"], re.search(r"\((.*?)\)", r["d"])
        names = inside and inside.group(1).replace('"', "")
        if r["y"] == "p":
            facts.add(f"primary key {t} ({names})")
        elif r["y"] == "f":
            facts.add(f"reference {t}.{names} to {r['f']}{' cascade' if 'ON DELETE CASCADE' in r['d'] else ''}")
        elif r["y"] == "c":
            facts.add(f"check {t}: {words(r['d'], columns[t])}")
    for r in server(
        "SELECT c.relname t,pg_get_indexdef(i.indexrelid) d FROM pg_index i JOIN pg_class c ON c.oid=i.indrelid "
        "JOIN pg_namespace n ON n.oid=c.relnamespace WHERE n.nspname='tally' AND i.indisunique AND NOT i.indisprimary"
    ):
        of = re.search(r"USING btree \((.*?)\)(?: WHERE|$)", r["d"]).group(1)
        of = re.sub(r"md5\((\w+)\)", r"\1", of).replace('"', "")  # names may be longer than an entry of an index
        facts.add(f"unique {r['t']} ({of}){' of some' if ' WHERE ' in r['d'] else ''}")
    return facts


a, b = of_file(), of_server()
for line in sorted([f"file: {x}" for x in a - b] + [f"server: {x}" for x in b - a]):
    print(line)
