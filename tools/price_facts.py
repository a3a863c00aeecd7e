"""The lines of a history of prices, with what vendors state beside it.

price_statements.json names what a vendor's own page says where the catalogues say otherwise or nothing, and a source
for each. A statement holds from its `from` to its `to` (a line that begins before is split there) for lines that have
the rates of `where`; `snapshot` gives a snapshot a line of its own, which the history folds into its model. What a
statement replaces is kept as what the catalogues have, and so becomes a dispute of the card. `doubt` is one of the prices.
`service_tiers` may state the prices of a tier above a limit (`tiers`), and `inclusive` whether the limits themselves are
long prompts: the vendor's words.
"""
import decimal, fnmatch, json, pathlib

STATEMENTS = json.loads((pathlib.Path(__file__).parent / "price_statements.json").read_text())
REQUEST_FEES = json.loads((pathlib.Path(__file__).parent / "request_fees.json").read_text())


def request_fee(row):
    """What every request pays at least by something that a record may leave unsaid (request_fees.json): the least of the
    fees that it may name, or 0, of which no source states how much it is. None: no such fee."""
    for rule in REQUEST_FEES.get(row["provider"], []):
        if any(fnmatch.fnmatchcase(row["model"], name) for name in rule["models"]):
            told = [fee for unit, fee in row.get("fees", {}).items() if unit in rule["tell"]]
            least = min(told, key=lambda f: decimal.Decimal(f["amount"]) / f["per"], default={"amount": "0", "per": 1})
            return {"amount": least["amount"], "per": least["per"], "unless": rule["tell"]}
    return None


def replace(row, place, stated, old):
    for bucket, value in stated.items():
        had = place.get(bucket)
        if had is not None and had != value:
            old[bucket] = had
        place[bucket] = value


def only_of_tiers(said):
    """Whether a statement says nothing of the standard price: its source is then that of the service tiers alone."""
    return "service_tiers" in said and not {"rates", "tiers", "tier_rates", "inclusive"} & said.keys()


def state(row, said):
    """The line as a statement changes it."""
    row = json.loads(json.dumps(row))
    old = {}
    replace(row, row["rates"], said.get("rates", {}), old)
    for tier, stated in said.get("service_tiers", {}).items():
        if tier in row.get("service_tiers", {}):
            replace(row, row["service_tiers"][tier], stated, {})
            if only_of_tiers(said):
                row["service_tiers"][tier]["source"] = said["source"]
    if "tiers" in said:
        had = {t["above_prompt_tokens"] for t in row.get("tiers") or []}
        for bound in {t["above_prompt_tokens"] for t in said["tiers"]} - had:
            old["no other price above"] = f"{bound:,} tokens"
        for tier in row.get("tiers") or []:
            if tier["above_prompt_tokens"] not in {t["above_prompt_tokens"] for t in said["tiers"]}:
                old |= {f"{bucket} above {tier['above_prompt_tokens']:,} tokens": value for bucket, value in tier["rates"].items()}
        row["tiers"] = json.loads(json.dumps(said["tiers"]))
    if "inclusive" in said:
        for tier in [t for of in (row, *row.get("service_tiers", {}).values()) for t in of.get("tiers") or []]:
            tier["inclusive"] = said["inclusive"]
    for tier in row.get("tiers") or []:
        above = str(tier["above_prompt_tokens"])
        had = {}
        replace(row, tier["rates"], said.get("tier_rates", {}).get(above, {}), had)
        old |= {f"{bucket} above {above}": value for bucket, value in had.items()}
    if old:
        row.setdefault("disagree", []).append({"the catalogues": old})
    if only_of_tiers(said):
        return row
    others = [s for s in row["sources"] if s != said["source"]]
    row["sources"] = [said["source"], *others]
    if "doubt" in said or "inclusive" in said:  # one source like others: whose the line is stays told first
        row["sources"] = [*others[:1], said["source"], *others[1:]]
    if "doubt" in said:
        row.setdefault("doubts", []).append(said["doubt"])
    return row


def parts(row, said):
    """The line cut at the bounds of a statement, each part with whether the statement holds there."""
    begin, end = said.get("from", row["from"]), said.get("to", row["to"])
    bounds = sorted({row["from"], *(t for t in (begin, end) if t and row["from"] < t and (not row["to"] or t < row["to"]))})
    for at, until in zip(bounds, [*bounds[1:], row["to"]]):
        part = dict(row, to=until, **{"from": at})
        if at != row["from"]:
            part["from_certainty"] = said.get("certainty", "vendor")
            part.pop("note", None)
        yield part, begin <= at and (not end or at < end)


def concerns(said, row):
    if row["provider"] not in said["providers"] or not any(fnmatch.fnmatch(row["model"], m) for m in said["models"]):
        return False
    return all(row["rates"].get(bucket) == value for bucket, value in said.get("where", {}).items())


def lines(facts):
    """The lines of FACTS/price_history.jsonl with the statements."""
    rows = [json.loads(line) for line in open(pathlib.Path(facts) / "price_history.jsonl")]
    for row in rows:
        row["model"] = row["model"].strip()
    rows = [row for n, row in enumerate(rows)
            if not any(row["model"] == r["model"] and row["provider"] == r["provider"] and row["from"] == r["from"] and
                       row.get("region") == r.get("region") and row["currency"] == r["currency"] for r in rows[max(0, n - 3):n])]
    for said in STATEMENTS:
        if "snapshot" in said:
            rows += [dict(row, model=said["snapshot"], note=f"a snapshot of {said['of']}") for row in list(rows)
                     if row["provider"] in said["providers"] and row["model"] == said["of"]]
            continue
        rows = [state(part, said) if holds else part
                for row in rows for part, holds in (parts(row, said) if concerns(said, row) else [(row, False)])]
    return rows
