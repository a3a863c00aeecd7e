#!/usr/bin/env python3
"""Why prompts miss in a cache of blocks, the slow way: lists and dictionaries, nothing shared with the program.

miss_reference.py SEED writes blocks.jsonl into the current directory and prints the options of `tally cache` and, behind a
tab, the hits and the misses that it must tell, as {cause: [calls, tokens]} in the order of their names.
"""
import json
import random
import sys

BLOCK = 16


def prompts(draw):
    """(second, chat, blocks, tokens): prompts that go on from, cut or leave what was asked before."""
    rows, asked, names, second = [], [], {}, 0
    for _ in range(draw.choice([10, 60])):
        second += draw.choice([0, 1, 5, 30, 100])
        path = [draw.randint(1, 40) for _ in range(draw.randint(1, 6))]
        if asked and draw.random() < 0.7:
            known = draw.choice(asked)
            path = known[: draw.randint(0, len(known))] + path[: draw.randint(0, 3)]
        if not path:
            continue
        asked.append(path)
        blocks = [names.setdefault(tuple(path[: k + 1]), len(names) + 1) for k in range(len(path))]
        rows.append((second, draw.choice("ab"), blocks, BLOCK * len(path) - draw.choice([0, 0, 5])))
    return rows


def play(rows, capacity, ttl, touched_lives, minimum, quantum):
    seen, order, came, used, lost, before = set(), [], {}, {}, {}, {}
    hits, missed = 0, {}

    def count(cause, tokens):
        if tokens > 0:
            calls, so_far = missed.get(cause, [0, 0])
            missed[cause] = [calls + 1, so_far + tokens]

    for second, chat, blocks, tokens in rows:
        since = used if touched_lives else came

        def lives(block):
            return block in order and not (ttl and second - since[block] > ttl)

        shared = lead = 0
        while shared < len(blocks) and blocks[shared] in seen:
            shared += 1
        while lead < len(blocks) and lives(blocks[lead]):
            lead += 1
        hit = min(lead * BLOCK, tokens) // quantum * quantum
        hit = hit if hit >= minimum else 0
        common = min(shared * BLOCK, tokens)
        cause = "rounded"
        if lead < shared:
            there = blocks[lead] in order
            cause = "expired" if there or (ttl and second - lost[blocks[lead]] > ttl) else "evicted"
        count("too_short" if common < minimum else cause, common - hit)
        both = min(before.get(chat, 0), tokens)
        if both // BLOCK > shared:
            count("changed_prefix", both - common)
        before[chat] = tokens
        hits += hit
        seen |= set(blocks)
        for block in reversed(blocks):
            if not lives(block):
                came[block] = second
            used[block] = second
            if block in order:
                order.remove(block)
            elif capacity and len(order) == capacity:
                gone = order.pop(0)
                lost[gone] = since[gone]
            order.append(block)
    return hits, missed


def main():
    draw = random.Random(int(sys.argv[1]))
    rows = prompts(draw)
    with open("blocks.jsonl", "w") as f:
        for second, chat, blocks, tokens in rows:
            f.write(json.dumps({"chat_id": chat, "parent_chat_id": -1, "timestamp": second, "input_length": tokens, "output_length": 1, "type": "x", "turn": 1, "hash_ids": blocks}) + "\n")
    capacity, ttl, touch = draw.choice([0, 3, 8, 20]), draw.choice([0, 20, 60]), draw.random() < 0.6
    minimum, quantum = draw.choice([0, 20, 50]), draw.choice([1, 24])
    options = "--capacity %s --minimum %d --quantum %d" % (capacity or "inf", minimum, quantum)
    if ttl:
        options += " --ttl %d --expire %s" % (ttl, "touch" if touch else "write")
    hits, missed = play(rows, capacity, ttl, touch, minimum, quantum)
    print(options + "\t" + json.dumps([hits, dict(sorted(missed.items()))]))


main()
