#!/usr/bin/env python3
"""Every header compiles by itself: headers.py COMPILER [FLAG...]. So that who includes it needs to
know nothing else.
"""
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from sources import ROOT, end, tracked

# Without ccache, which would keep a result for each: -fsyntax-only has none to keep.
compiler, *flags = sys.argv[1:]


def finding(name):
    done = subprocess.run(
        [
            compiler,
            "-std=c++20",
            "-fsyntax-only",
            f"-I{ROOT}",
            *flags,
            "-include",
            f"{ROOT}/{name}",
            "-x",
            "c++",
            os.devnull,
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    return f"{name}: does not compile by itself:\n{done.stderr}" if done.returncode != 0 else None


# The bench's headers are found from their own folder; fuzz targets' headers stand for a program
# each.
headers = [name for name in tracked("*.hpp") if not name.startswith("tests/bench/")]
with ThreadPoolExecutor(os.cpu_count()) as pool:
    found = [one for one in pool.map(finding, headers) if one]
end(found, f"{len(headers)} headers")
