#!/usr/bin/env python3
"""Whether tests/scenarios.md keeps its word: each scenario from FIRST to LAST stands there once, in
order, with a test or the reason why there is none, and every test that is named exists.
"""
import re

from sources import end, text_of, tracked

PAGE = "tests/scenarios.md"
FIRST, LAST = 31, 109
REASONS = ("*discovery*", "*health*", "*reload*")

known = set()
for name in tracked("*_test.cpp"):
    for suite, test in re.findall(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)", text_of(name), re.M):
        known.add(f"{suite}.{test}")
for name in tracked("*_test.py"):
    stem = name.rsplit("/", 1)[-1][: -len(".py")]
    known.update(f"{stem}.{method}" for method in re.findall(r"def (test_\w+)\(", text_of(name)))

findings = []
numbers = []
named = set()
for line_number, line in enumerate(text_of(PAGE).splitlines(), 1):
    row = re.fullmatch(r"\| (\d+) \| ([^|]+) \| ([^|]+) \|", line)
    if not row:
        continue
    numbers.append(int(row[1]))
    tests = re.findall(r"`(\w+\.\w+)`", row[3])
    named.update(tests)
    if not tests and not any(reason in row[3] for reason in REASONS):
        findings.append(f"{PAGE}:{line_number}: neither a test nor a reason")
    findings += [f"{PAGE}:{line_number}: no test {test}" for test in tests if test not in known]
if numbers != list(range(FIRST, LAST + 1)):
    findings.append(f"{PAGE}: the numbers are not those from {FIRST} to {LAST}, each once")
end(findings, f"{len(numbers)} scenarios, {len(named)} tests of {len(known)}")
