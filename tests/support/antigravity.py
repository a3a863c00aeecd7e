"""Conversations as Antigravity keeps them: SQLite, its rows messages in protobuf, written byte by byte."""
import os
import sqlite3


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def stamp(seconds):
    return field(1, seconds) + field(2, 500000000)


def usage(tokens="", answer="", more=b""):
    """tokens: input, output, cache written, read, thinking and response, as 2=..,3=..,4=..,5=..,9=..,10=..; zeros are left out."""
    out = field(1, 1132)
    for pair in filter(None, tokens.split(",")):
        number, n = map(int, pair.split("="))
        out += field(number, n) if n else b""
    return out + field(6, 24) + field(8, field(1, "header")) + (field(11, answer) if answer else b"") + more


def generation(counts, at=0, model="gemini-2.5-pro", attempts=()):
    chat = field(1, "a prompt, which is long " * 9)
    chat += field(4, counts) if counts is not None else b""
    chat += field(9, field(4, stamp(at))) if at else b""
    chat += b"".join(field(17, field(1, "why") + field(2, a)) for a in attempts)
    return field(1, chat + field(19, model) + field(21, "A name that is shown")) + field(2, b"\x01\x02") + field(4, "run")


def step(counts, at, model=""):
    return field(1, stamp(at)) + field(9, counts) + (field(24, field(8, model)) if model else b"")


def write(path, generations, steps=()):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    db = sqlite3.connect(path)
    db.executescript("""CREATE TABLE IF NOT EXISTS gen_metadata(idx INTEGER PRIMARY KEY, data BLOB, size INTEGER);
        CREATE TABLE IF NOT EXISTS steps(idx INTEGER PRIMARY KEY, step_type INTEGER, metadata BLOB);
        CREATE TABLE IF NOT EXISTS trajectory_metadata_blob(id TEXT PRIMARY KEY, data BLOB)""")
    began = field(1, field(1, "file:///home/me/my%20app")) + field(2, stamp(1781510400))
    db.execute("INSERT OR REPLACE INTO trajectory_metadata_blob VALUES('main', ?)", (began,))
    db.executemany("INSERT OR REPLACE INTO gen_metadata VALUES(?, ?, 0)", enumerate(generations))
    db.executemany("INSERT OR REPLACE INTO steps VALUES(?, 15, ?)", enumerate(steps))
    db.commit()
    db.close()
