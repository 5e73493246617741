#!/usr/bin/env python3
"""Every C++ file is as clang-format 14 leaves it: format.py CLANG_FORMAT. Other versions lay out
some things differently.
"""
import subprocess
import sys

from sources import ROOT, end, tracked

program = sys.argv[1]
version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
if " 14." not in version:
    sys.exit(
        f"{program} is {version.strip()}; "
        "this project is laid out by version 14, which Debian 12 has"
    )
files = tracked("*.cpp", "*.hpp")
done = subprocess.run(
    [program, "--dry-run", "-Werror", "--ferror-limit=1", *files],
    cwd=ROOT,
    check=False,
    capture_output=True,
    text=True,
)
wrong = sorted(
    {line.split(": error: ")[0] for line in done.stderr.splitlines() if ": error: " in line}
)
if done.returncode != 0 and not wrong:
    sys.exit(done.stderr)
end([f"{where}: not in style (make format)" for where in wrong], f"{len(files)} files")
