#!/usr/bin/env python3
"""Words that must not stand in this project: work that was put off, tests that do not run, and
other words for things that have a name here.
"""
import re
import sys

from sources import end, is_text, text_of, tracked

HERE = "tests/lint/"
EVERYWHERE = {
    r"\b(?:TO"
    r"DO|FIX"
    r"ME|X"
    r"XX|HA"
    r"CK)\b": "work that was put off: do it, or open an issue",
    r"\bGTEST_SK"
    r"IP\b|\bDISA"
    r"BLED_|@?unittest\.skip|\.skipTest\(|\bSKIP_RETURN_CODE\b|\bSKIP_REGULAR_EXPRESSION\b"
    r"|\b(?:it|test|describe)\.(?:skip|only)\(": "a test that does not run tells nothing",
}
# The product's code and pages. What readers know from elsewhere may stand in quotes, where other
# people's words are read.
PRODUCT = {
    r"(?i)\bupstreams?\b": "a node",
    r"(?i)\bback-?ends?\b": "a node",
    r"(?i)\bworkers?\b": "a core",
}
PRODUCT_FILES = re.compile(r"(?:conf|routing|discovery|proxy)/.*\.(?:cpp|hpp|md|yaml)|README\.md")


def outside_quotes(line):
    return re.sub(r'"(?:\\.|[^"\\])*"|`[^`]*`', '""', line)


def findings_in(name):
    words = dict(EVERYWHERE)
    product = PRODUCT_FILES.fullmatch(name)
    for number, line in enumerate(text_of(name).splitlines(), 1):
        for pattern, why in words.items():
            if found := re.search(pattern, line):
                yield f"{name}:{number}: {found[0]}: {why}"
        for pattern, word in PRODUCT.items() if product else ():
            if found := re.search(pattern, outside_quotes(line)):
                yield f"{name}:{number}: {found[0]}: here it is {word}"


files = [
    name
    for name in tracked()
    if not name.startswith(HERE)
    and not name.endswith("package-lock.json")
    and "/corpus/" not in name
    and is_text(name)
]
if not files:
    sys.exit("no files were looked at")
end([finding for name in files for finding in findings_in(name)], f"{len(files)} files")
