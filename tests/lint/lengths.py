#!/usr/bin/env python3
"""How long files and lines are. A product file above 500 lines does more than one job; tests may be
longer. clang-format looks after the width of C++; here it is that of scripts: by their ending, or
by their first line.
"""
from sources import end, is_text, text_of, tracked

FILE_MOST = 500
TEST_FILE_MOST = 1000
LINE_MOST = 100
SHOWN = 5

C_PLUS_PLUS = ("*.cpp", "*.hpp")
SCRIPT_ENDINGS = (".py", ".mjs", ".js", ".sh")


def is_script(name):
    """Whether a file is run by an interpreter."""
    if name.endswith(SCRIPT_ENDINGS):
        return True
    plain = "." not in name.rsplit("/", 1)[-1]
    return plain and is_text(name) and text_of(name).startswith("#!")


scripts = [name for name in tracked() if is_script(name)]
findings = []
lengths = []
for name in sorted({*tracked(*C_PLUS_PLUS), *scripts}):
    lines = text_of(name).splitlines()
    most = TEST_FILE_MOST if name.startswith("tests/") else FILE_MOST
    lengths.append((len(lines), name))
    if len(lines) > most:
        findings.append(f"{name}: {len(lines)} lines, more than {most}")
    if name in scripts:
        findings += [
            f"{name}:{number}: {len(line)} columns, more than {LINE_MOST}"
            for number, line in enumerate(lines, 1)
            if len(line) > LINE_MOST
        ]
product = sorted((entry for entry in lengths if not entry[1].startswith("tests/")), reverse=True)
for length, name in product[:SHOWN]:
    print(f"{length:5} {name}")
end(findings, f"{len(lengths)} files, {len(scripts)} scripts among them")
