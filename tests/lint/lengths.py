#!/usr/bin/env python3
"""How long files are. A product file above 500 lines does more than one job; tests may be longer."""
from sources import end, text_of, tracked

FILE_MOST = 500
TEST_FILE_MOST = 1000
SHOWN = 5

files = tracked("*.cpp", "*.hpp", "*.py", "*.mjs", "*.sh")
findings = []
lengths = []
for name in files:
    lines = text_of(name).splitlines()
    most = TEST_FILE_MOST if name.startswith("tests/") else FILE_MOST
    lengths.append((len(lines), name))
    if len(lines) > most:
        findings.append(f"{name}: {len(lines)} lines, more than {most}")
product = sorted((entry for entry in lengths if not entry[1].startswith("tests/")), reverse=True)
for length, name in product[:SHOWN]:
    print(f"{length:5} {name}")
end(findings, f"{len(files)} files")
