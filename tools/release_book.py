#!/usr/bin/env python3
"""release_book.py CARDS DATE OUT.zip: a book of prices for `tally price update`, with its checksum beside it."""
import hashlib, json, pathlib, sys, zipfile


def main(cards, date, out):
    files = sorted(pathlib.Path(cards).glob("*.json"))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        put = lambda name, text: book.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
        put("book.json", json.dumps({"schema": "tally.book/1", "released": date}))
        for f in files:
            put(f.name, f.read_text())
    digest = hashlib.sha256(pathlib.Path(out).read_bytes()).hexdigest()
    pathlib.Path(out + ".sha256").write_text(f"{digest}  {pathlib.Path(out).name}\n")


if len(sys.argv) != 4:
    sys.exit(__doc__)
main(*sys.argv[1:])
