#!/usr/bin/env python3
"""otlp_proto.py <JSON >PROTOBUF: a request of OTLP's JSON mapping, in protobuf, by the field numbers of opentelemetry-proto. Knows what tests need."""
import json, struct, sys

def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127: out += bytes([n & 127 | 128]); n >>= 7
    return out + bytes([n])
def tag(field, wire): return varint(field << 3 | wire)
def raw(field, b): return tag(field, 2) + varint(len(b)) + b
def number(field, n): return tag(field, 0) + varint(n)
def fixed(field, n): return tag(field, 1) + struct.pack("<Q", int(n) & (1 << 64) - 1)
def double(field, d): return tag(field, 1) + struct.pack("<d", float(d))
def text(field, s): return raw(field, s.encode())
def ident(field, s): return raw(field, bytes.fromhex(s))
def value(v):
    if "stringValue" in v: return text(1, v["stringValue"])
    if "boolValue" in v: return number(2, int(v["boolValue"]))
    if "intValue" in v: return number(3, int(v["intValue"]))
    if "doubleValue" in v: return double(4, v["doubleValue"])
    return b""
def attribute(a): return text(1, a["key"]) + raw(2, value(a["value"]))
def several(field, make): return lambda list_: b"".join(raw(field, make(x)) for x in list_)
def make(table):
    return lambda o: b"".join(table[k](v) for k, v in o.items())
attributes = lambda f: several(f, attribute)
resource = lambda o: raw(1, attributes(1)(o.get("attributes", [])))
scope = lambda o: raw(1, text(1, o.get("name", "")))
span = make({"traceId": lambda v: ident(1, v), "spanId": lambda v: ident(2, v), "parentSpanId": lambda v: ident(4, v), "name": lambda v: text(5, v), "kind": lambda v: number(6, v),
             "startTimeUnixNano": lambda v: fixed(7, v), "endTimeUnixNano": lambda v: fixed(8, v), "attributes": attributes(9)})
log = make({"timeUnixNano": lambda v: fixed(1, v), "body": lambda v: raw(5, value(v)), "attributes": attributes(6), "observedTimeUnixNano": lambda v: fixed(11, v), "eventName": lambda v: text(12, v)})
point = {"startTimeUnixNano": lambda v: fixed(2, v), "timeUnixNano": lambda v: fixed(3, v)}
numbered = make({**point, "asDouble": lambda v: double(4, v), "asInt": lambda v: fixed(6, v), "attributes": attributes(7)})
histogram = make({**point, "count": lambda v: fixed(4, v), "sum": lambda v: double(5, v), "attributes": attributes(9)})
temporality = lambda v: number(2, v)
metric = make({"name": lambda v: text(1, v), "unit": lambda v: text(3, v), "description": lambda v: text(2, v),
               "sum": lambda v: raw(7, make({"dataPoints": several(1, numbered), "aggregationTemporality": temporality, "isMonotonic": lambda b: number(3, int(b))})(v)),
               "histogram": lambda v: raw(9, make({"dataPoints": several(1, histogram), "aggregationTemporality": temporality})(v))})
def request(scoped, records, one):
    return several(1, make({"resource": resource, scoped: several(2, make({"scope": scope, records: several(2, one)}))}))
requests = {"resourceSpans": request("scopeSpans", "spans", span), "resourceLogs": request("scopeLogs", "logRecords", log), "resourceMetrics": request("scopeMetrics", "metrics", metric)}
sys.stdout.buffer.write(make(requests)(json.load(sys.stdin)))
