#!/usr/bin/env python3
"""Compares a verdict table (JSONL) with the expected actions of the sample: compare-sample.py EXPECTED VERDICTS."""

import json
import sys


def read(path: str) -> dict:
    rows = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["row"] in rows:
                sys.exit(f"{path}: row {row['row']} appears twice")
            rows[row["row"]] = row
    return rows


expected, found = read(sys.argv[1]), read(sys.argv[2])
problems = [f"row {row}: no verdict" for row in expected.keys() - found.keys()]
problems += [f"row {row}: not in the input" for row in found.keys() - expected.keys()]
for row in sorted(expected.keys() & found.keys()):
    for key in ("action", "verdict", "cause"):
        want, got = expected[row][key], found[row].get(key)
        # A cause is asserted where one is expected; a verdict where the row was run.
        if want is not None and got != want:
            problems.append(f"row {row} ({expected[row]['tag']}): {key} is {got}, expected {want}")

if not expected:
    sys.exit("nothing is expected: the file is empty")
if problems:
    sys.exit("\n".join(problems) + f"\n{len(problems)} differences")
print(f"{len(expected)} rows as expected")
