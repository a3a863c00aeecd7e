#!/usr/bin/env python3
"""The MUSTs of FOCUS 1.2 for the columns that are written, as rules over rows: focus_rules.py FILE.
Prints each broken rule with its row, exit status 1. --self-test breaks each rule once."""
import csv, json, re, sys
from decimal import Decimal

MANDATORY = """BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodEnd BillingPeriodStart ChargeCategory
ChargeClass ChargeDescription ChargePeriodEnd ChargePeriodStart ContractedCost EffectiveCost InvoiceIssuerName ListCost
PricingQuantity PricingUnit ProviderName PublisherName ServiceCategory ServiceName""".split()
NOT_NULL = """BilledCost BillingAccountId BillingCurrency BillingPeriodEnd BillingPeriodStart ChargeCategory ChargePeriodEnd
ChargePeriodStart ContractedCost EffectiveCost InvoiceIssuerName ListCost ProviderName PublisherName ServiceCategory
ServiceName""".split()
FIGURES = [c for c in """BilledCost ContractedCost EffectiveCost ListCost PricingQuantity ConsumedQuantity ListUnitPrice
ContractedUnitPrice PricingCurrencyContractedUnitPrice PricingCurrencyEffectiveCost PricingCurrencyListUnitPrice""".split()]
INSTANTS = "BillingPeriodEnd BillingPeriodStart ChargePeriodEnd ChargePeriodStart".split()
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
DECIMAL = re.compile(r"-?\d+(\.\d+)?$")


def sold(r):
    return r["ChargeCategory"] in ("Usage", "Purchase") and r["ChargeClass"] != "Correction"


def times(r, unit, cost):
    return not (sold(r) and r[unit] and r["PricingQuantity"]) or Decimal(r[unit]) * Decimal(r["PricingQuantity"]) == Decimal(r[cost])


RULES = {
    "no resource is named: a model or a grant is none": lambda r: not r.get("ResourceId"),
    "the service is not the model": lambda r: r["ServiceName"] not in r.get("SkuId", "").split("/"),
    "SkuPriceDetails is null or an object": lambda r: not r.get("SkuPriceDetails") or isinstance(json.loads(r["SkuPriceDetails"]), dict),
    "mandatory columns that are never null": lambda r: all(r[c] for c in NOT_NULL),
    "figures are plain decimals": lambda r: all(not r[c] or DECIMAL.match(r[c]) for c in FIGURES),
    "instants are ISO 8601 in UTC": lambda r: all(UTC.match(r[c]) for c in INSTANTS),
    "the charge period is not empty": lambda r: r["ChargePeriodStart"] < r["ChargePeriodEnd"],
    "the billing period is not empty": lambda r: r["BillingPeriodStart"] < r["BillingPeriodEnd"],
    "ChargeCategory has five values": lambda r: r["ChargeCategory"] in ("Usage", "Purchase", "Tax", "Credit", "Adjustment"),
    "ChargeClass is Correction or null": lambda r: r["ChargeClass"] in ("", "Correction"),
    "ChargeFrequency has three values": lambda r: r["ChargeFrequency"] in ("One-Time", "Recurring", "Usage-Based"),
    "a purchase is not usage-based": lambda r: not (r["ChargeCategory"] == "Purchase" and r["ChargeFrequency"] == "Usage-Based"),
    "BillingCurrency is a national currency": lambda r: re.match(r"[A-Z]{3}$", r["BillingCurrency"]),
    "PricingCategory is not null of what is sold": lambda r: not sold(r) or r["PricingCategory"] == "Standard",
    "PricingCategory is null of a tax": lambda r: r["ChargeCategory"] != "Tax" or not r["PricingCategory"],
    "PricingQuantity and PricingUnit are not null of what is sold": lambda r: not sold(r) or (r["PricingQuantity"] and r["PricingUnit"]),
    "PricingQuantity is null of a tax": lambda r: r["ChargeCategory"] != "Tax" or not (r["PricingQuantity"] or r["PricingUnit"]),
    "PricingUnit goes with PricingQuantity": lambda r: bool(r["PricingQuantity"]) == bool(r["PricingUnit"]),
    "unit prices are not null of what is sold": lambda r: not sold(r) or (r["ListUnitPrice"] and r["ContractedUnitPrice"]),
    "unit prices are null of a tax": lambda r: r["ChargeCategory"] != "Tax" or not (r["ListUnitPrice"] or r["ContractedUnitPrice"]),
    "unit prices are not negative": lambda r: all(not r[c].startswith("-") for c in ("ListUnitPrice", "ContractedUnitPrice")),
    "ListCost is ListUnitPrice times PricingQuantity": lambda r: times(r, "ListUnitPrice", "ListCost"),
    "ContractedCost is ContractedUnitPrice times PricingQuantity": lambda r: times(r, "ContractedUnitPrice", "ContractedCost"),
    "SkuId and SkuPriceId are not null of what is sold": lambda r: not sold(r) or (r["SkuId"] and r["SkuPriceId"]),
    "SkuId and SkuPriceId are null of a tax": lambda r: r["ChargeCategory"] != "Tax" or not (r["SkuId"] or r["SkuPriceId"]),
    "SkuMeter is not null beside a SkuId": lambda r: not r["SkuId"] or r["SkuMeter"],
    "consumption is of usage": lambda r: r["ChargeCategory"] == "Usage" or not (r["ConsumedQuantity"] or r["ConsumedUnit"]),
    "ConsumedUnit goes with ConsumedQuantity": lambda r: bool(r["ConsumedQuantity"]) == bool(r["ConsumedUnit"]),
    "pricing currency columns are not null of what is sold": lambda r: not sold(r) or all(r[c] for c in (
        "PricingCurrency", "PricingCurrencyListUnitPrice", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost")),
    "PricingCurrency and PricingCurrencyEffectiveCost are never null": lambda r: r["PricingCurrency"] and r["PricingCurrencyEffectiveCost"],
    "SubAccountName goes with SubAccountId": lambda r: bool(r["SubAccountId"]) == bool(r["SubAccountName"]),
    "RegionName goes with RegionId": lambda r: bool(r["RegionId"]) == bool(r["RegionName"]),
    "Tags are an object": lambda r: r["Tags"].startswith("{") and r["Tags"].endswith("}"),
}


def over_all(rows):
    price, name, broken = {}, {}, []
    for n, r in enumerate(rows, 2):
        if r["SkuPriceId"]:
            key = (r["ListUnitPrice"], r["PricingCurrency"])
            if price.setdefault((r["SkuPriceId"], r["PricingCurrency"]), key) != key:
                broken.append((n, "a SkuPriceId has one list price"))
        if name.setdefault(r["BillingAccountId"], r["BillingAccountName"]) != r["BillingAccountName"]:
            broken.append((n, "a BillingAccountId has one name"))
    return broken


def check(rows, columns):
    broken = [(1, "no column " + c) for c in MANDATORY if c not in columns]
    for n, r in enumerate(rows, 2):
        broken += [(n, rule) for rule, holds in RULES.items() if not holds(r)]
    return broken + over_all(rows)


def self_test():
    good = dict.fromkeys(MANDATORY + NOT_NULL + FIGURES + ["ChargeFrequency", "PricingCategory", "PricingCurrency", "SkuId", "SkuPriceId",
                         "SkuMeter", "ConsumedUnit", "SubAccountId", "SubAccountName", "RegionId", "RegionName"], "")
    good.update({c: "2" for c in FIGURES}, **{c: "x" for c in NOT_NULL if c not in FIGURES})
    good.update(ListUnitPrice="1", ContractedUnitPrice="1", BillingPeriodStart="2026-06-01T00:00:00Z", BillingPeriodEnd="2026-07-01T00:00:00Z",
                ChargePeriodStart="2026-06-01T00:00:00Z", ChargePeriodEnd="2026-07-01T00:00:00Z", ChargeCategory="Usage", ChargeClass="",
                ChargeFrequency="Usage-Based", BillingCurrency="USD", PricingCategory="Standard", PricingUnit="Tokens", SkuId="s",
                SkuPriceId="p", SkuMeter="m", ConsumedUnit="Tokens", PricingCurrency="USD", SubAccountId="", SubAccountName="", Tags="{}")
    assert not check([good], list(good)), check([good], list(good))
    faults = [{"BillingAccountId": ""}, {"BilledCost": "1e-5"}, {"ChargePeriodStart": "2026-06-01"}, {"ChargePeriodEnd": "2026-06-01T00:00:00Z"},
              {"BillingPeriodEnd": "2026-06-01T00:00:00Z"}, {"ChargeCategory": "Fee"}, {"ChargeClass": "Late"}, {"ChargeFrequency": "Often"},
              {"ChargeCategory": "Purchase", "ConsumedQuantity": "", "ConsumedUnit": ""}, {"BillingCurrency": "credits"}, {"PricingCategory": ""},
              {"PricingQuantity": "", "PricingUnit": ""}, {"ListUnitPrice": ""}, {"ListUnitPrice": "-1"}, {"ListCost": "3"}, {"ContractedCost": "3"},
              {"SkuId": ""}, {"SkuMeter": ""}, {"ConsumedUnit": ""}, {"PricingCurrencyEffectiveCost": ""}, {"PricingCurrencyListUnitPrice": ""}, {"SubAccountId": "a"}, {"RegionId": "us"}, {"Tags": ""},
              {"ChargeCategory": "Tax"}, {"PricingUnit": ""}, {"ResourceId": "m"}, {"SkuId": "x/m"}, {"SkuPriceDetails": "[]"}]
    for f in faults:
        assert check([dict(good, **f)], list(good)), f
    found = {rule for f in faults for _, rule in check([dict(good, **f)], list(good))}
    assert found == set(RULES), set(RULES) - found
    assert check([good, dict(good, ListUnitPrice="3", ListCost="6")], list(good))
    print("%d rules, each found when it is broken" % len(RULES))


def main():
    if sys.argv[1] == "--self-test":
        return self_test()
    with open(sys.argv[1], newline="", encoding="utf-8") as f:
        reader = csv.DictReader(f)
        rows = list(reader)
        broken = check(rows, reader.fieldnames)
    for n, rule in broken:
        print("row %d: %s" % (n, rule))
    sums = {}
    for r in rows:
        sums[r["InvoiceId"]] = sums.get(r["InvoiceId"], 0) + Decimal(r["BilledCost"])
    for number in sorted(sums):
        total = format(sums[number], "f")
        print(number or "-", total.rstrip("0").rstrip(".") if "." in total else total)
    sys.exit(1 if broken else 0)


main()
